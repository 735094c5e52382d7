"""The local verbs under constant risk: numbers, classes, laws and messages."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from shapely.geometry import box

from safemap import build_graph, local_getis_ord, local_moran
from safemap.errors import ConfigError, StatisticsError
from safemap.stats.constant_risk import excess, neighbourhood_risk

RISK = {"null": "constant-risk"}


@pytest.fixture(scope="module")
def city() -> gpd.GeoDataFrame:
    """People in the centre, a block of threefold risk; one area lonely, one empty, one not counted."""
    cells = [box(c * 100, r * 100, c * 100 + 100, r * 100 + 100) for r in range(12) for c in range(12)]
    ids = pd.Index([f"{i:04d}" for i in range(145)], name="area_id")
    areas = gpd.GeoDataFrame(geometry=[*cells, box(9_000, 0, 9_100, 100)], index=ids, crs=32614)
    rng, at = np.random.default_rng(11), np.arange(144)
    distance = np.hypot(at % 12 - 5.5, at // 12 - 5.5)
    areas["population"] = np.append(np.round(4_000 * np.exp(-distance / 4) + 100), 500.0)
    risk = np.append(np.where((at % 12 < 4) & (at // 12 < 4), 3.0, 1.0), 1.0)
    areas["events"] = rng.poisson(areas["population"] * risk * 0.01).astype(float)
    areas.loc["0077", "population"] = 0
    areas.loc["0100", "events"] = np.nan
    return areas


@pytest.fixture(scope="module")
def graph(city):
    return build_graph(city)


def known(city, graph):
    some = (city["population"] > 0) & city["events"].notna()
    return (
        some,
        city.loc[some, "events"],
        city.loc[some, "population"],
        graph.subset(city.index[some]).adjacency,
    )


@pytest.mark.parametrize("star", [True, False])
def test_getis_ord_is_the_exact_binomial(city, graph, star):
    some, events, people, links = known(city, graph)
    risk = neighbourhood_risk(events, people, links, star=star)
    result = local_getis_ord(city, graph=graph, star=star, **RISK)
    f = result.frame.loc[some]
    np.testing.assert_allclose(f["p_value"], np.minimum(1, 2 * np.minimum(risk.upper, risk.lower)))
    np.testing.assert_allclose(f["statistic"], risk.z_score)
    np.testing.assert_allclose(f["value"], excess(events, people))
    assert f["permutations"].eq(0).all()
    assert f.loc["0144", "cluster"] == "no neighbours"
    assert result.frame.loc[["0077", "0100"], "cluster"].tolist() == ["no data", "no data"]
    block = [f"{r * 12 + c:04d}" for r in range(3) for c in range(3)]
    assert f.loc[block, "cluster"].isin(["hot-1", "hot-5"]).mean() > 0.8
    assert result.settings["null"] == "constant-risk"
    assert "exact binomial distribution under constant risk" in result.summary()


def test_moran_multiplies_the_own_excess_with_that_of_the_neighbours(city, graph):
    some, events, people, links = known(city, graph)
    risk = neighbourhood_risk(events, people, links, star=False)
    own = excess(events, people)
    f = local_moran(city, graph=graph, **RISK).frame.loc[some]
    np.testing.assert_allclose(f["statistic"], own * risk.z_score)
    np.testing.assert_allclose(f["p_value"], np.minimum(1, 2 * np.minimum(risk.upper, risk.lower)))
    found = f[f["cluster"] == "high-high"]
    assert len(found) > 4
    assert (found["value"] > 0).all()
    quadrants = {"high-high": (1, 1), "low-low": (-1, -1), "high-low": (1, -1), "low-high": (-1, 1)}
    for area_id, row in f[f["cluster"].isin(quadrants)].iterrows():
        signs = np.sign(row["value"]), np.sign(risk.z_score[f.index.get_loc(area_id)])
        assert signs == quadrants[row["cluster"]]


def test_one_sided_moran_asks_for_alike_areas(city, graph):
    both = local_moran(city, graph=graph, **RISK).frame["p_value"]
    alike = local_moran(city, graph=graph, alternative="greater", **RISK).frame
    unlike = local_moran(city, graph=graph, alternative="less", **RISK).frame
    tested = both.notna()
    half = np.minimum(1, 2 * np.minimum(alike["p_value"], unlike["p_value"]))
    np.testing.assert_allclose(both[tested], half[tested])
    assert set(alike["cluster"]) <= {"high-high", "low-low", "not significant", "no data", "no neighbours"}


def test_few_large_areas_can_be_found_where_permutations_cannot():
    cells = [box(c * 100, 0, c * 100 + 100, 100) for c in range(6)]
    areas = gpd.GeoDataFrame(
        {"population": 1000.0, "events": [90, 80, 20, 15, 25, 20]}, geometry=cells, crs=32614
    )
    graph = build_graph(areas)
    assert set(local_getis_ord(areas, graph=graph).frame["cluster"]) == {"too few areas"}
    assert local_getis_ord(areas, graph=graph, **RISK).frame["cluster"].iloc[0] == "hot-1"


def test_order_of_rows_and_seed_do_not_matter(city, graph):
    shuffled = city.sample(frac=1, random_state=2)
    kernel = build_graph(city, "kernel", distance=180)
    quick = {"permutations": 199, "max_permutations": 1_999, **RISK}
    for verb in (local_moran, local_getis_ord):
        for links, options in ((graph, RISK), (kernel, quick)):
            a, b = (verb(areas, graph=links, **options).frame for areas in (city, shuffled))
            pd.testing.assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b.reindex(a.index)))
        seeds = [verb(city, graph=graph, rng=s, **RISK).frame["p_value"] for s in (0, 1)]
        pd.testing.assert_series_equal(*seeds)


def test_weights_are_simulated_and_refined(city):
    kernel = build_graph(city, "kernel", distance=180)
    result = local_getis_ord(city, graph=kernel, permutations=499, max_permutations=4_999, **RISK)
    f = result.frame
    assert result.settings["computed"] == 0
    assert set(f["permutations"]) == {0, 499, 4_999}
    refined = f["permutations"] == 4_999
    assert refined.sum() == result.settings["refined"]
    assert f.loc[["0000", "0001", "0012"], "cluster"].isin(["hot-1", "hot-5"]).all()
    normal = 2 * ndtr(-np.abs(f["z_score"]))
    assert np.nanmax(np.abs(normal - f["p_value"])) < 0.15


def test_null_maps_are_rarely_flagged(city):
    rng = np.random.default_rng(3)
    areas = city.iloc[:144].copy()
    areas.loc["0077", "population"] = 150.0
    graph = build_graph(areas)
    shares = areas["population"] / areas["population"].sum()
    maps, flagged = 150, {"star": 0, "moran": 0}
    for _ in range(maps):
        areas["events"] = rng.multinomial(900, shares)
        flagged["star"] += len(local_getis_ord(areas, graph=graph, **RISK).flagged) > 0
        flagged["moran"] += len(local_moran(areas, graph=graph, **RISK).flagged) > 0
    for share in flagged.values():
        assert share / maps <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / maps)


def test_few_events_and_equal_rates_are_not_tested(city, graph):
    few = city.assign(events=0.0)
    few.loc["0000":"0020", "events"] = 1
    assert set(local_getis_ord(few, graph=graph, **RISK).frame["cluster"]) == {"too few events", "no data"}


@pytest.mark.parametrize("verb", [local_moran, local_getis_ord])
def test_senseless_requests_are_refused(city, graph, verb):
    with pytest.raises(ConfigError, match="needs events= and population="):
        verb(city, "events", graph=graph, **RISK)
    with pytest.raises(ConfigError, match="permutation, constant-risk"):
        verb(city, graph=graph, null="poisson")
    with pytest.raises(StatisticsError, match="whole numbers"):
        verb(city.assign(events=city["events"] + 0.5), graph=graph, **RISK)
