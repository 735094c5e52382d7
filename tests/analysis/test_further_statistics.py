"""The verbs of local Geary, join counts, Lee, LOSH, correlogram: tables, classes, sentences, refusals."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from safemap import (
    build_graph,
    correlogram,
    global_geary,
    global_join_counts,
    global_lee,
    global_moran,
    local_geary,
    local_join_counts,
    local_lee,
    local_losh,
    local_moran,
)
from safemap.datasets import columbus
from safemap.errors import AlignmentError, ConfigError, CRSError, InputError, StatisticsError
from safemap.geo.graph import AreaGraph
from safemap.stats.join_counts import join_counts
from safemap.stats.lee import local_lee as moments_of_lee
from safemap.stats.lee import with_self

FEW = {"permutations": 199, "max_permutations": 199}


@pytest.fixture(scope="module")
def areas() -> gpd.GeoDataFrame:
    return columbus().assign(high=lambda a: a["CRIME"] > 35, rich=lambda a: (a["INC"] > 14).astype(int))


@pytest.fixture(scope="module")
def graph(areas) -> AreaGraph:
    return build_graph(areas, tolerance=0)


@pytest.fixture(scope="module")
def town() -> gpd.GeoDataFrame:
    """20 x 20 cells: a high block, a low block, one odd cell, and a block of wild values."""
    cells = [box(x, y, x + 100, y + 100) for y in range(0, 2000, 100) for x in range(0, 2000, 100)]
    rng = np.random.default_rng(1)
    value = rng.normal(size=(20, 20))
    value[2:6, 2:6] = 4 + rng.normal(size=(4, 4)) / 10
    value[12:16, 2:6] = -4 + rng.normal(size=(4, 4)) / 10
    value[3:6, 14:17] = [[6, -6, 6], [-6, 0, 6], [6, -6, -6]]  # unlike all its neighbours
    other = value + rng.normal(size=(20, 20)) / 2
    wild = rng.normal(size=(20, 20))
    wild[2:7, 12:17] *= 12
    frame = {"value": value.ravel(), "other": other.ravel(), "wild": wild.ravel()}
    ids = [f"c{i:03d}" for i in range(400)]
    return gpd.GeoDataFrame(frame, geometry=cells, crs=32614, index=pd.Index(ids, name="area_id"))


LOCAL = {
    "geary": lambda a, g, **o: local_geary(a, "CRIME", graph=g, **o),
    "geary of two": lambda a, g, **o: local_geary(a, "CRIME", "INC", graph=g, **o),
    "join counts": lambda a, g, **o: local_join_counts(a, "high", graph=g, **o),
    "co-location": lambda a, g, **o: local_join_counts(a, "high", "rich", graph=g, **o),
    "bivariate": lambda a, g, **o: local_join_counts(a, "high", "rich", graph=g, relation="bivariate", **o),
    "lee": lambda a, g, **o: local_lee(a, "CRIME", "INC", graph=g, **o),
    "losh": lambda a, g, **o: local_losh(a, "CRIME", graph=g, **o),
}
GLOBAL = {
    "join counts": lambda a, g, **o: global_join_counts(a, "high", graph=g, **o),
    "lee": lambda a, g, **o: global_lee(a, "CRIME", "INC", graph=g, **o),
}
STATES = {"not significant", "no neighbours", "no data", "no variation", "too few areas", "not of the kind"}


@pytest.mark.parametrize("name", LOCAL)
def test_table_has_one_row_per_area_in_one_vocabulary(areas, graph, name):
    result = LOCAL[name](areas, graph, p_mid=True, **FEW)
    f = result.frame
    assert f.index.equals(areas.index)
    assert f.crs == areas.crs
    wanted = ["neighbours", "value", "statistic", "z_score", "p_value", "p_mid", "p_adjusted", "permutations"]
    assert [c for c in f.columns if c in wanted] == wanted
    assert set(f["cluster"]) <= {*result.findings, *STATES}
    tested = f["p_value"].notna()
    assert (f.loc[tested, "p_adjusted"] >= f.loc[tested, "p_value"] - 1e-12).all()
    assert (f.loc[tested, "p_mid"] <= f.loc[tested, "p_value"] + 1e-12).all()
    assert result.settings["areas_tested"] == int(tested.sum())
    assert result.title in result.summary()
    assert repr(result).startswith("<" + result.title)
    with pytest.raises(AlignmentError, match="no area 'nowhere'"):
        result.explain("nowhere")


@pytest.mark.parametrize("name", LOCAL)
def test_order_of_rows_and_names_of_areas_change_nothing(areas, graph, name):
    one = LOCAL[name](areas, graph, **FEW).frame
    shuffled = areas.sample(frac=1, random_state=4)
    two = LOCAL[name](shuffled, build_graph(shuffled, tolerance=0), **FEW).frame
    columns = ["statistic", "p_value", "p_adjusted", "cluster"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(two.loc[one.index, columns]), pd.DataFrame(one[columns]), check_exact=True
    )
    renamed = areas.set_axis([f"x{int(i):03d}" for i in areas.index])  # the same order as text
    ordered = areas.loc[sorted(areas.index, key=int)].set_axis(sorted(renamed.index))
    again = LOCAL[name](ordered, build_graph(ordered, tolerance=0), **FEW).frame
    np.testing.assert_allclose(
        again["statistic"].to_numpy(), one.loc[sorted(areas.index, key=int), "statistic"].to_numpy()
    )


@pytest.mark.parametrize("name", LOCAL)
def test_islands_and_missing_values_keep_their_row(areas, graph, name):
    some = areas.copy()
    some[["CRIME", "high"]] = some[["CRIME", "high"]].astype(float)
    some.loc[some.index[3], ["CRIME", "high"]] = np.nan
    island = some.index[some["high"] == 1][0]
    links = graph.adjacency.tolil()
    at = graph.ids.get_loc(island)
    links[at, :] = 0
    links[:, at] = 0
    f = LOCAL[name](some, AreaGraph.from_weights(links.tocsr(), graph.ids), **FEW).frame
    assert f.loc[some.index[3], "cluster"] == "no data"
    assert f.loc[island, "cluster"] in ("no neighbours", "not of the kind")
    assert f.loc[[some.index[3], island], "p_value"].isna().all()


@pytest.mark.parametrize("name", LOCAL)
def test_nothing_varies_or_too_few_areas(areas, name):
    flat = areas.assign(CRIME=1.0, INC=2.0, high=True, rich=True)
    result = LOCAL[name](flat, build_graph(flat, tolerance=0), **FEW)
    assert set(result.frame["cluster"]) == {"no variation"}
    four = areas.iloc[:5]
    result = LOCAL[name](four, build_graph(four, tolerance=0), **FEW)
    assert not len(result.flagged)


@pytest.mark.parametrize("name", LOCAL)
def test_wrong_options_are_named(areas, graph, name):
    for wrong in ({"permutations": 0}, {"alpha": 5}, {"alternative": "up"}, {"adjust": "fdr"}, {"rng": -1}):
        with pytest.raises(ConfigError):
            LOCAL[name](areas, graph, **wrong)
    with pytest.raises(AlignmentError):
        LOCAL[name](areas, build_graph(areas.iloc[:-1], tolerance=0), **FEW)


@pytest.mark.parametrize("name", GLOBAL)
def test_global_wrong_options_are_named(areas, graph, name):
    for wrong in ({"permutations": 0}, {"alpha": 5}, {"alternative": "up"}):
        with pytest.raises(ConfigError):
            GLOBAL[name](areas, graph, **wrong)


def test_unequal_weights_are_used(areas, graph):
    rng = np.random.default_rng(3)
    w = graph.adjacency.copy()
    w.data = rng.random(len(w.data)) + 0.2
    weighted = AreaGraph.from_weights(w, graph.ids)
    for name, verb in LOCAL.items():
        if name in ("losh", "co-location"):  # no area of Columbus has both
            continue
        f, g = verb(areas, weighted, **FEW).frame, verb(areas, graph, **FEW).frame
        assert not np.allclose(f["statistic"].fillna(0), g["statistic"].fillna(0)), name
        assert (f["p_value"].dropna() > 0).all()


# planted patterns


def test_planted_blocks_have_their_class(town):
    g = build_graph(town)
    f = local_geary(town, "value", graph=g).frame["cluster"].to_numpy().reshape(20, 20)
    assert (f[3:5, 3:5] == "high-high").all()
    assert (f[13:15, 3:5] == "low-low").all()
    assert f[4, 15] == "negative"
    many = local_geary(town, "value", "other", graph=g)
    clusters = many.frame["cluster"].to_numpy().reshape(20, 20)
    assert (clusters[3:5, 3:5] == "positive").all()
    assert clusters[4, 15] == "negative"
    assert many.findings == ("positive", "negative")
    assert local_geary(town, "value", graph=g, alternative="greater").frame["cluster"].ne("negative").all()


def test_planted_co_movement_and_variability(town):
    g = build_graph(town)
    lee = local_lee(town, "value", "other", graph=g).frame["cluster"].to_numpy().reshape(20, 20)
    assert (lee[3:5, 3:5] == "both high").all()
    assert (lee[13:15, 3:5] == "both low").all()
    opposed = local_lee(town.assign(other=-town["other"]), "value", "other", graph=g).frame["cluster"]
    assert (opposed.to_numpy().reshape(20, 20)[3:5, 3:5] == "first high").all()
    losh = (
        local_losh(town, "wild", graph=g, max_permutations=9_999).frame["cluster"].to_numpy().reshape(20, 20)
    )
    assert (losh[2:7, 12:17] == "more variable").sum() >= 8
    assert "more variable" not in losh[10:, :8]


def test_planted_kind_is_clustered(town):
    kind = np.zeros((20, 20), dtype=bool)
    kind[2:6, 2:6] = True
    kind[15, 15] = True
    both = town.assign(has=kind.ravel(), also=np.roll(kind, 1, axis=1).ravel())
    g = build_graph(both)
    f = local_join_counts(both, "has", graph=g).frame
    clusters = f["cluster"].to_numpy().reshape(20, 20)
    assert (clusters[2:6, 2:6] == "clustered").all()
    assert clusters[15, 15] == "not significant"
    assert (clusters[~kind] == "not of the kind").all()
    assert f["permutations"].eq(0).all()
    two = local_join_counts(both, "has", "also", graph=g)
    assert two.settings["tested"] == "has with also"
    assert two.settings["areas_tested"] == int((kind & np.roll(kind, 1, axis=1)).sum())
    beside = local_join_counts(both, "has", "also", graph=g, relation="bivariate")
    assert set(beside.frame.loc[beside.frame["value"] == 1, "p_value"].notna()) == {True}


def test_an_area_that_has_both_is_neither_first_nor_second(town):
    rng = np.random.default_rng(4)
    has = town.assign(x=rng.random(400) < 0.5, y=rng.random(400) < 0.5)
    f = local_join_counts(has, "x", "y", graph=build_graph(has), relation="bivariate").frame
    np.testing.assert_array_equal(f["value"] == 1, has["x"] & ~has["y"])
    near = build_graph(has).adjacency @ (has["y"] & ~has["x"]).to_numpy(dtype=float)
    asked = f["p_value"].notna().to_numpy()
    np.testing.assert_array_equal(f["statistic"].to_numpy()[asked], near[asked])


def test_a_class_of_lee_needs_the_side_of_the_test(town):
    """Opposed columns: expected products are negative, so "more than expected" need not be "together"."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=400)
    opposed = town.assign(x=x, y=-x + rng.normal(size=400) / 9)
    g = build_graph(opposed)
    f = local_lee(opposed, "x", "y", graph=g, adjust="none", alpha=0.9, **FEW).frame
    expected = moments_of_lee(opposed["x"], opposed["y"], with_self(g.adjacency)).expected
    together = f["cluster"].isin(["both high", "both low"])
    assert (f.loc[together, "statistic"] > expected[together]).all()
    other = f["cluster"].isin(["first high", "second high"])
    assert other.sum() > 20
    assert (f.loc[other, "statistic"] < expected[other]).all()


# the global verbs


def test_global_join_counts_of_columbus(areas, graph):
    found = global_join_counts(areas, "high", graph=graph)
    expected = join_counts(areas["high"], graph.adjacency)
    assert found.frame.index.tolist() == ["BB", "BW", "WW"]
    np.testing.assert_allclose(found.frame["statistic"], [one.joins for one in expected])
    np.testing.assert_allclose(found.frame["z_score"], [6.162973, 6.046794, 1.116433], rtol=1e-6)
    assert found.statistic == 54
    assert found.p_value == found.frame.loc["BB", "p_value"] == 0.0002
    assert "Areas that have it lie together more than chance" in found.summary()
    free = global_join_counts(areas, "high", graph=graph, sampling="free", permutations=99)
    assert free.frame.loc["BB", "variance"] > found.frame.loc["BB", "variance"]
    swapped = global_join_counts(areas.assign(high=~areas["high"]), "high", graph=graph)
    assert swapped.frame.loc["WW", "statistic"] == 54


def test_global_lee_of_columbus(areas, graph):
    """Statistic and expectation as spdep prints them, without and with the area itself."""
    found = global_lee(areas, "CRIME", "INC", graph=graph, include_self=False)
    assert found.statistic == pytest.approx(-0.470306134342341)
    assert found.expected == pytest.approx(-0.161430192795353)
    assert found.settings["correlation"] == pytest.approx(np.corrcoef(areas["CRIME"], areas["INC"])[0, 1])
    star = global_lee(areas, "CRIME", "INC", graph=graph)
    assert star.statistic == pytest.approx(-0.457274616589769)
    assert star.p_value == 0.0002
    assert "one is high where the other is low more than their correlation of -0.70" in star.summary()
    swapped = global_lee(areas, "INC", "CRIME", graph=graph)
    assert swapped.statistic == pytest.approx(star.statistic)
    assert local_lee(areas, "CRIME", "INC", graph=graph, **FEW).frame["statistic"].mean() == pytest.approx(
        star.statistic
    )


def test_correlogram_starts_with_the_global_statistic(areas, graph):
    for measure, verb in (("moran", global_moran), ("geary", global_geary)):
        found = correlogram(areas, "CRIME", graph=graph, orders=3, measure=measure, permutations=199)
        whole = verb(areas, "CRIME", graph=graph, permutations=199)
        assert found.frame.loc[1, "statistic"] == pytest.approx(whole.statistic)
        assert found.frame.loc[1, "z_score"] == pytest.approx(whole.z_score)
        assert found.reach >= 1
        assert "up to order" in found.summary()
    by_order = correlogram(areas, "CRIME", graph=graph, orders=3, permutations=199, adjust="bonferroni").frame
    np.testing.assert_allclose(by_order["p_adjusted"], np.minimum(1, 3 * by_order["p_value"]))


def test_correlogram_by_distance(town):
    found = correlogram(town, "value", distances=[150, 300, 2_000], permutations=199)
    f = found.frame
    assert f["from_m"].tolist() == [0, 150, 300]
    near = build_graph(town, "distance", distance=150)
    assert f.loc[1, "links"] == near.n_links
    whole = global_moran(town, "value", graph=near, permutations=199)
    assert f.loc[1, "statistic"] == pytest.approx(whole.statistic)
    assert f["links"].sum() == build_graph(town, "distance", distance=2_000).n_links
    assert "300 m" in found.summary() or "150 m" in found.summary()
    far = correlogram(town.iloc[[0, 19, 380, 399]], "value", distances=[100, 1_900], permutations=99)
    assert np.isnan(far.frame.loc[1, "statistic"])
    assert far.frame.loc[1, "areas"] == 0
    assert far.frame.loc[2, "areas"] == 4


def test_rates_are_tested_as_their_index(areas, graph):
    rng = np.random.default_rng(2)
    people = rng.integers(500, 5_000, size=len(areas))
    counted = areas.assign(events=rng.poisson(people / 100), population=people)
    for result in (local_geary(counted, graph=graph, **FEW), local_losh(counted, graph=graph, **FEW),
                   correlogram(counted, graph=graph, permutations=99)):  # fmt: skip
        assert result.settings["tested"] == "the EB index of events per population"
        assert "chosen automatically" in result.summary()
    moran = local_moran(counted, graph=graph, null="permutation", **FEW).frame["value"]
    pd.testing.assert_series_equal(local_geary(counted, graph=graph, **FEW).frame["value"], moran)


def test_chi_square_is_said_to_be_one(areas, graph):
    result = local_losh(areas, "CRIME", graph=graph, inference="chi-square", alternative="greater")
    # spdep 1.2.7, LOSH.cs: the number kept in tests/stats/spatial_association_oracle.csv
    kept = pd.read_csv(Path(__file__).parents[1] / "stats" / "spatial_association_oracle.csv")
    printed = kept[kept["name"] == "losh p"].set_index("place")["value"]
    np.testing.assert_allclose(result.frame["p_value"], printed.sort_index(), rtol=1e-8)
    assert "chi-square approximation" in result.summary()
    assert "exact distribution" not in result.summary()


# refusals


def test_columns_that_make_no_sense_are_refused(areas, graph):
    with pytest.raises(InputError, match="True and False"):
        global_join_counts(areas, "CRIME", graph=graph)
    with pytest.raises(InputError, match="True and False"):
        local_join_counts(areas, "high", "INC", graph=graph)
    with pytest.raises(InputError, match="two different columns"):
        local_join_counts(areas, "high", graph=graph, relation="bivariate")
    with pytest.raises(InputError, match="one or more different columns"):
        local_join_counts(areas, graph=graph)
    with pytest.raises(ConfigError, match="relation"):
        local_join_counts(areas, "high", graph=graph, relation="both")
    with pytest.raises(ConfigError, match="sampling"):
        global_join_counts(areas, "high", graph=graph, sampling="both")
    with pytest.raises(InputError, match="no column"):
        local_geary(areas, "CRIMES", graph=graph)
    with pytest.raises(InputError, match="Every column counts once"):
        local_geary(areas, "CRIME", "CRIME", graph=graph)
    with pytest.raises(InputError, match="Name either columns"):
        local_geary(areas, "CRIME", "INC", events="HOVAL", population="INC", graph=graph)
    with pytest.raises(StatisticsError, match="infinite"):
        local_geary(areas.assign(CRIME=np.inf), "CRIME", graph=graph)


def test_options_of_losh_and_of_the_correlogram(areas, graph):
    with pytest.raises(ConfigError, match="power"):
        local_losh(areas, "CRIME", graph=graph, power=0)
    with pytest.raises(ConfigError, match="inference"):
        local_losh(areas, "CRIME", graph=graph, inference="normal")
    with pytest.raises(ConfigError, match="squared residuals"):
        local_losh(areas, "CRIME", graph=graph, inference="chi-square", power=1)
    with pytest.raises(ConfigError, match="either graph"):
        correlogram(areas, "CRIME")
    with pytest.raises(ConfigError, match="either graph"):
        correlogram(areas, "CRIME", graph=graph, distances=[1, 2])
    with pytest.raises(ConfigError, match="orders goes with graph"):
        correlogram(areas, "CRIME", distances=[1, 2], orders=2)
    with pytest.raises(ConfigError, match="rising"):
        correlogram(areas, "CRIME", distances=[2, 1])
    with pytest.raises(ConfigError, match="whole number"):
        correlogram(areas, "CRIME", graph=graph, orders=0)
    with pytest.raises(ConfigError, match="measure"):
        correlogram(areas, "CRIME", graph=graph, measure="kendall")
    with pytest.raises(CRSError):
        correlogram(areas.set_crs(None, allow_override=True), "CRIME", distances=[1, 2])


def test_smoothed_rates_are_refused(areas, graph):
    from safemap.results import Result

    smoothed = Result(areas, {"smoothed": True})
    for verb in (local_geary, local_losh, correlogram):
        with pytest.raises(StatisticsError, match="Smoothed rates"):
            verb(smoothed, "CRIME", graph=graph)


def test_every_class_has_words_and_fits_the_map(town):
    from safemap.i18n import words

    drawn = town.assign(has=town["value"] > 3)
    g = build_graph(drawn)
    for result in (local_geary(drawn, "value", graph=g, **FEW), local_join_counts(drawn, "has", graph=g),
                   local_lee(drawn, "value", "other", graph=g, **FEW), 
                   local_losh(drawn, "wild", graph=g, **FEW),
                   local_geary(drawn, "value", "other", graph=g, **FEW)):  # fmt: skip
        assert len(result.findings) <= 4
        assert all(f"c_{word}" in words("sw") for word in result.findings)
        assert result.explore() is not None
