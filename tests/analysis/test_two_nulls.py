"""Both nulls together, the mid-p, and which null is chosen when nobody says."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from safemap import Registry, build_graph, local_bivariate_moran, local_getis_ord, local_moran
from safemap.i18n import text
from safemap.maps.cluster_layer import _classes as layer_classes
from safemap.stats.constant_risk import neighbourhood_risk
from safemap.stats.permutation import p_from_tails

QUICK = {"permutations": 999, "max_permutations": 9_999}
LOCAL = [local_moran, local_getis_ord]


@pytest.fixture(scope="module")
def city() -> gpd.GeoDataFrame:
    """A thin edge around a dense centre, few events, risks that differ without being clustered."""
    cells = [box(c * 100, r * 100, c * 100 + 100, r * 100 + 100) for r in range(14) for c in range(14)]
    ids = pd.Index([f"{i:03d}" for i in range(196)], name="area_id")
    areas = gpd.GeoDataFrame(geometry=cells, index=ids, crs=32614)
    rng, at = np.random.default_rng(8), np.arange(196)
    distance = np.hypot(at % 14 - 6.5, at // 14 - 6.5)
    areas["population"] = np.round(5_000 * np.exp(-distance / 2.5) + 50)
    areas["events"] = rng.poisson(areas["population"] * rng.gamma(4, 1 / 4, 196) * 0.01).astype(float)
    return areas


@pytest.fixture(scope="module")
def equal(city) -> gpd.GeoDataFrame:
    """The same with equal risk, 0.1 events expected at the edge."""
    return city.assign(events=np.random.default_rng(2).poisson(city["population"] * 0.002).astype(float))


@pytest.fixture(scope="module")
def graph(city):
    return build_graph(city)


@pytest.mark.parametrize("verb", LOCAL)
def test_on_each_side_the_larger_p_of_both(equal, graph, verb):
    city = equal
    one = verb(city, graph=graph, null="permutation", **QUICK)
    both = verb(city, graph=graph, null="both", **QUICK)
    test, case = both.basis.test, both.basis.case
    at = city.index.get_indexer(case.ids)
    risk = neighbourhood_risk(
        city["events"].iloc[at], city["population"].iloc[at], case.graph.adjacency, star=False
    )
    upper = np.maximum(p_from_tails(test.tails, "greater"), risk.upper)
    lower = np.maximum(p_from_tails(test.tails, "less"), risk.lower)
    asked = one.frame.loc[case.ids, "p_value"] <= 0.1
    expected = np.where(
        asked, np.minimum(1, 2 * np.minimum(upper, lower)), one.frame.loc[case.ids, "p_value"]
    )
    np.testing.assert_allclose(both.frame.loc[case.ids, "p_value"], expected, rtol=1e-12)
    assert (both.frame["p_value"] >= one.frame["p_value"] - 1e-15).all()
    assert both.settings["constant_risk_decides"] == (both.frame["p_value"] > one.frame["p_value"]).sum() > 0
    assert set(both.flagged) <= set(one.flagged)
    assert f"In {both.settings['constant_risk_decides']} area(s)" in both.summary()
    for alternative in ("greater", "less"):
        sided = {"alternative": alternative, **QUICK}
        a, b = (verb(city, graph=graph, null=n, **sided).frame["p_value"] for n in ("permutation", "both"))
        assert (b >= a - 1e-15).all()


def test_which_null_is_chosen(city, graph):
    def used(areas, *column, graph=graph, **options):
        settings = local_moran(areas, *column, graph=graph, **QUICK, **options).settings
        return settings["null"], "null" in settings["automatic"]

    assert used(city) == ("both", True)
    assert used(city, null="permutation") == ("permutation", False)
    assert used(city, null="both") == ("both", False)
    assert used(city, "events") == ("permutation", False)
    assert used(city, like="esda") == ("permutation", False)
    assert used(city.assign(events=city["events"] * 1.5)) == ("permutation", True)
    assert used(city, graph=build_graph(city, "kernel", distance=180)) == ("permutation", True)


def test_the_three_local_statistics_share_one_p_under_both(city, graph):
    found = [
        verb(city, graph=graph, **options, **QUICK).frame["p_value"]
        for verb, options in ((local_moran, {}), (local_getis_ord, {}), (local_getis_ord, {"star": False}))
    ]
    pd.testing.assert_series_equal(found[0], found[1])
    pd.testing.assert_series_equal(found[1], found[2])


def test_order_of_rows_does_not_matter(city, graph):
    shuffled = city.sample(frac=1, random_state=4)
    a, b = (local_getis_ord(f, graph=graph, **QUICK).frame for f in (city, shuffled))
    pd.testing.assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b.reindex(a.index)))


def test_risks_that_differ_are_no_finding_although_constant_risk_makes_one(city, graph):
    rng, flagged = np.random.default_rng(1), {"both": 0, "constant-risk": 0}
    for _ in range(12):
        risk = rng.gamma(4, 1 / 4, 196) * 0.01
        made = city.assign(events=rng.poisson(city["population"] * risk).astype(float))
        for null in flagged:
            flagged[null] += len(local_moran(made, graph=graph, null=null, **QUICK).flagged) > 0
    assert flagged["constant-risk"] >= 10
    assert flagged["both"] <= 3


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_mid_p_counts_half_of_the_ties(city, graph, alternative):
    counts = city.assign(y=np.random.default_rng(3).poisson(0.4, 196))
    plain = local_getis_ord(counts, "y", graph=graph, alternative=alternative)
    result = local_getis_ord(counts, "y", graph=graph, alternative=alternative, p_mid=True)
    f, tails, ids = result.frame, result.basis.test.tails, result.basis.case.ids
    assert f.columns.tolist().index("p_mid") == f.columns.tolist().index("p_value") + 1
    pd.testing.assert_frame_equal(pd.DataFrame(f.drop(columns="p_mid")), pd.DataFrame(plain.frame))
    ties = tails.at_least + tails.at_most - 1
    upper, lower = tails.at_least - ties / 2, tails.at_most - ties / 2
    sides = {"two-sided": np.minimum(1, 2 * np.minimum(upper, lower)), "greater": upper, "less": lower}
    np.testing.assert_allclose(f.loc[ids, "p_mid"], sides[alternative], atol=1e-12)
    assert (f["p_mid"] <= f["p_value"] + 1e-12).all()
    assert (f["p_mid"] < f["p_value"]).any()


def test_mid_p_of_five_areas_in_a_row_by_hand():
    """The first has 9 and one neighbour with 2; the others hold 2, 2, 1, 5: P(more) 1/4, P(tie) 2/4."""
    cells = [box(c * 100, 0, c * 100 + 100, 100) for c in range(5)]
    areas = gpd.GeoDataFrame({"y": [9, 2, 2, 1, 5]}, geometry=cells, crs=32614)
    row = local_getis_ord(areas, "y", graph=build_graph(areas), p_mid=True, alternative="greater").frame.loc[
        0
    ]
    assert row["p_value"] == pytest.approx(3 / 4)
    assert row["p_mid"] == pytest.approx(2 / 4)


def test_mid_p_goes_with_every_null_and_with_two_variables(city, graph):
    for null in ("both", "permutation", "constant-risk"):
        f = local_moran(city, graph=graph, null=null, p_mid=True, **QUICK).frame
        assert f["p_mid"].between(0, 1).all()
        assert (f["p_mid"] <= f["p_value"] + 1e-12).all()
    two = city.assign(x=np.arange(196.0))
    f = local_bivariate_moran(two, "x", "events", graph=graph, p_mid=True, **QUICK).frame
    assert (f["p_mid"] <= f["p_value"] + 1e-12).all()


def test_mid_p_is_withheld_with_the_count_it_comes_from(city, graph):
    registry = Registry(k=5, audience="partner").register(city)
    result = local_moran(city, graph=graph, p_mid=True, **QUICK)
    hidden = registry.apply(result.frame).query("suppressed")
    assert len(hidden)
    assert hidden[["events", "value", "p_value", "p_mid", "p_adjusted"]].isna().all(axis=None)


def test_the_legend_speaks_of_a_false_discovery_rate_only_where_there_is_one(city, graph):
    for adjust, words in (("fdr_bh", "FDR"), ("none", "p ≤"), ("holm", "p ≤")):
        result = local_getis_ord(city, graph=graph, adjust=adjust, **QUICK)
        labels = [text(c.label) for c in layer_classes(result, ())]
        assert sum(words in label for label in labels) == 6
