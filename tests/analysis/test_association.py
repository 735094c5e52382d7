"""Geary, General G and two variables: against esda, by brute force, by law, and what is refused."""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from safemap import (
    build_graph,
    global_bivariate_moran,
    global_geary,
    global_getis_ord,
    local_bivariate_moran,
    local_moran,
)
from safemap.datasets import columbus
from safemap.errors import InputError, StatisticsError
from safemap.stats.permutation import conditional_test


@pytest.fixture(scope="module")
def areas() -> gpd.GeoDataFrame:
    return columbus()


@pytest.fixture(scope="module")
def graph(areas):
    return build_graph(areas, tolerance=0)


VERBS = {
    "geary": lambda areas, graph, **o: global_geary(areas, "CRIME", graph=graph, **o),
    "getis_ord": lambda areas, graph, **o: global_getis_ord(areas, "CRIME", graph=graph, **o),
    "bivariate": lambda areas, graph, **o: global_bivariate_moran(areas, "INC", "CRIME", graph=graph, **o),
}


def test_printed_numbers_of_columbus(areas, graph):
    found = global_geary(areas, "CRIME", graph=graph)
    assert found.statistic == pytest.approx(0.5405282027020684)
    assert found.p_value == pytest.approx(2 / 10_000)
    assert "more alike than chance" in found.summary()
    assert "Geary's C of column CRIME = 0.5405" in found.summary()
    hot = global_getis_ord(areas, "CRIME", graph=graph)
    assert hot.statistic == pytest.approx(0.12780745738195434)
    assert hot.p_value == pytest.approx(2 / 10_000)
    assert "High values lie together more than chance" in hot.summary()
    two = global_bivariate_moran(areas, "INC", "CRIME", graph=graph)
    assert "Where INC is high, CRIME around it is low more often than by chance." in two.summary()


def test_two_variables_agree_with_esda(areas, graph):
    from esda.moran import Moran_BV, Moran_Local_BV

    x, y = areas["INC"].to_numpy(), areas["CRIME"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = Moran_BV(x, y, graph.to_libpysal().to_W(), permutations=0)
        local = Moran_Local_BV(x, y, graph.to_libpysal().to_W(), permutations=99, seed=1)
    found = global_bivariate_moran(areas, "INC", "CRIME", graph=graph, permutations=99).statistic
    assert found == pytest.approx(whole.I)
    mine = local_bivariate_moran(areas, "INC", "CRIME", graph=graph, permutations=99, max_permutations=99)
    np.testing.assert_allclose(mine.frame["statistic"], local.Is)


def test_local_p_is_that_of_the_neighbours_y(areas, graph):
    f = local_bivariate_moran(areas, "INC", "CRIME", graph=graph, rng=4).frame
    order = np.argsort(areas.index.to_numpy(dtype=str), kind="stable")
    ids = areas.index[order]
    y, links = areas.loc[ids, "CRIME"].to_numpy(), graph.subset(ids).adjacency
    expected = conditional_test(y, links, refine_below=0.1, counts=True, rng=4).p_value
    np.testing.assert_array_equal(f.loc[ids, "p_value"], expected)
    z = areas["INC"] - areas["INC"].mean()
    marked = f[f["cluster"].isin(["high-high", "high-low", "low-high", "low-low"])]
    assert len(marked) >= 4
    assert (marked["cluster"].str.startswith("high") == (z[marked.index] > 0)).all()


def test_one_variable_with_itself_is_local_moran(areas, graph):
    two = local_bivariate_moran(areas, "CRIME", "CRIME", graph=graph, rng=1).frame
    one = local_moran(areas, "CRIME", graph=graph, rng=1).frame
    for column in ("statistic", "z_score", "p_value", "p_adjusted"):
        np.testing.assert_allclose(two[column], one[column])
    assert two["cluster"].tolist() == one["cluster"].tolist()
    moran = global_bivariate_moran(areas, "CRIME", "CRIME", graph=graph, permutations=99).statistic
    assert moran == pytest.approx(0.5001885571828611)


@pytest.mark.parametrize("name", VERBS)
def test_noise_is_noise_and_direction_is_direction(areas, graph, name):
    rng = np.random.default_rng(0)
    p = []
    for number in range(60):
        noise = areas.assign(CRIME=rng.gamma(2.0, size=49))
        p.append(VERBS[name](noise, graph, permutations=199, rng=number).p_value)
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    up = VERBS[name](areas, graph, permutations=199, alternative="greater").p_value
    down = VERBS[name](areas, graph, permutations=199, alternative="less").p_value
    assert min(up, down) == pytest.approx(0.005)
    assert max(up, down) == 1.0
    assert (up < down) == (name != "bivariate")


@pytest.mark.parametrize("name", VERBS)
def test_order_of_rows_does_not_matter_and_settings_are_plain(areas, graph, name):
    shuffled = areas.sample(frac=1, random_state=3)
    a, b = VERBS[name](areas, graph, permutations=99), VERBS[name](shuffled, graph, permutations=99)
    assert (a.statistic, a.p_value, a.z_score) == (b.statistic, b.p_value, b.z_score)
    json.dumps(dict(a.settings))
    local = [
        local_bivariate_moran(f, "INC", "CRIME", graph=graph, permutations=99).frame
        for f in (areas, shuffled)
    ]
    pd.testing.assert_frame_equal(pd.DataFrame(local[0]), pd.DataFrame(local[1].reindex(local[0].index)))


def test_areas_without_one_of_the_two_are_left_out(areas, graph):
    holes = areas.assign(INC=areas["INC"].where(areas.index != areas.index[3]))
    holes["CRIME"] = holes["CRIME"].where(holes.index != holes.index[5])
    f = local_bivariate_moran(holes, "INC", "CRIME", graph=graph, permutations=99, max_permutations=99).frame
    assert f["cluster"].eq("no data").sum() == 2
    assert f.loc[f["cluster"] == "no data", ["value", "statistic", "p_value"]].isna().all(axis=None)
    assert (
        global_bivariate_moran(holes, "INC", "CRIME", graph=graph, permutations=99).settings["areas_tested"]
        == 47
    )


def test_nothing_to_compare(areas, graph):
    flat = areas.assign(flat=3.0)
    assert global_geary(flat, "flat", graph=graph).settings["reason"] == "no variation"
    for x, y in (("flat", "CRIME"), ("CRIME", "flat")):
        assert global_bivariate_moran(flat, x, y, graph=graph).settings["reason"] == "no variation"
        assert set(local_bivariate_moran(flat, x, y, graph=graph).frame["cluster"]) == {"no variation"}
    assert "not computed, no variation" in global_geary(flat, "flat", graph=graph).summary()


def test_weights_are_used(areas):
    kernel = build_graph(areas.set_crs(32617, allow_override=True), "kernel", distance=3.5)
    binary = kernel.subset(kernel.ids)
    object.__setattr__(binary, "weights", None)
    plain = areas.set_crs(32617, allow_override=True)
    for name, verb in VERBS.items():
        one, other = (verb(plain, g, permutations=99).statistic for g in (kernel, binary))
        assert one != other, name


def test_senseless_requests_are_refused(areas, graph):
    with pytest.raises(StatisticsError, match="zero or more"):
        global_getis_ord(areas.assign(y=areas["CRIME"] - 50), "y", graph=graph)
    with pytest.raises(InputError, match="no column 'z'"):
        local_bivariate_moran(areas, "z", "CRIME", graph=graph)
    with pytest.raises(InputError, match="no column 'z'"):
        global_bivariate_moran(areas, "INC", "z", graph=graph)
