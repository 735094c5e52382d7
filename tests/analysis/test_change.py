"""Change of areas: classes, multiple testing, exposure, and what is refused."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from safemap import area_change
from safemap.errors import ConfigError, InputError, StatisticsError
from safemap.stats.change import e_test, poisson_change
from safemap.stats.multiple_testing import adjust_p


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    rng = np.random.default_rng(2)
    before = rng.poisson(60, 40).astype(float)
    after = rng.poisson(60, 40).astype(float)
    after[:5] = rng.poisson(150, 5)
    before[[10, 11]], after[[10, 11]] = [3, 0], [2, 0]
    after[12] = np.nan
    before[13], after[13] = 900, 880
    cells = [box(i * 100, 0, i * 100 + 100, 100) for i in range(40)]
    ids = pd.Index([f"{i:02d}" for i in range(40)], name="area_id")
    columns = {"name": "n " + ids, "a": before, "b": after, "people": 1000.0, "fewer": 500.0}
    return gpd.GeoDataFrame(columns, geometry=cells, index=ids, crs=32614)


def test_classes_and_numbers(areas):
    result = area_change(areas, "a", "b")
    f = result.frame
    assert f.columns.tolist() == [
        "name", "before", "after", "estimate", "conf_low", "conf_high", "p_value", "p_adjusted", "detectable",
        "cluster", "geometry",
    ]  # fmt: skip
    assert set(f["cluster"].iloc[:5]) == {"increase"}
    assert f["cluster"].iloc[[10, 11, 12, 13]].tolist() == [
        "cannot tell",
        "too few events",
        "no data",
        "no change",
    ]
    change = poisson_change(areas["a"], areas["b"])
    np.testing.assert_allclose(f["p_value"], change.p_value)
    np.testing.assert_allclose(f["p_adjusted"], adjust_p(change.p_value))
    np.testing.assert_allclose(f["estimate"], change.ratio)
    assert f.loc[["11", "12"], "p_value"].isna().all()
    turned = area_change(areas, "b", "a").frame
    assert set(turned["cluster"].iloc[:5]) == {"decrease"}
    assert set(result.flagged) == set(f.index[f["p_adjusted"] <= 0.05])
    assert f.index.equals(areas.index)


def test_no_change_is_only_claimed_where_one_would_have_been_seen(areas):
    f = area_change(areas, "a", "b").frame
    quiet = f[f["cluster"] == "no change"]
    assert (quiet["detectable"] <= 1.5).all()
    assert (f.loc[f["cluster"] == "cannot tell", "detectable"] > 1.5).all()
    assert "that is not no change" in area_change(areas, "a", "b").summary()


def test_e_test_and_exposure(areas):
    p = area_change(areas, "a", "b", method="e-test").frame["p_value"]
    np.testing.assert_allclose(p, e_test(areas["a"], areas["b"]))
    by_column = area_change(areas, "a", "b", exposure=("people", "fewer")).frame
    by_number = area_change(areas, "a", "b", exposure=(2, 1)).frame
    np.testing.assert_allclose(by_column["p_value"], by_number["p_value"])
    plain = area_change(areas, "a", "b").frame
    np.testing.assert_allclose(by_number["estimate"], 2 * plain["estimate"])
    areas.loc["05", "people"] = 0
    assert area_change(areas, "a", "b", exposure=("people", "people")).frame.loc["05", "cluster"] == "no data"


def test_order_of_rows_does_not_matter_and_input_is_kept(areas):
    before = areas.copy()
    a, b = (
        area_change(areas, "a", "b").frame,
        area_change(areas.sample(frac=1, random_state=1), "a", "b").frame,
    )
    pd.testing.assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b.reindex(a.index)))
    pd.testing.assert_frame_equal(pd.DataFrame(areas), pd.DataFrame(before))
    json.dumps(area_change(areas, "a", "b").settings)


def test_few_false_changes_where_nothing_changed(areas):
    rng, maps, flagged = np.random.default_rng(5), 150, 0
    for _ in range(maps):
        areas["a"], areas["b"] = rng.poisson(40, 40), rng.poisson(40, 40)
        flagged += len(area_change(areas, "a", "b").flagged) > 0
    assert flagged / maps <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / maps)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"after": "c"}, InputError, "no column 'c'"),
        ({"after": "name"}, InputError, "must hold numbers"),
        ({"method": "t-test"}, ConfigError, "exact, e-test"),
        ({"adjust": "fdr"}, ConfigError, "fdr_bh"),
        ({"alpha": 5}, ConfigError, "alpha"),
        ({"after": "half"}, StatisticsError, "whole numbers"),
        ({"exposure": ("people", "nobody")}, InputError, "no column 'nobody'"),
    ],
)
def test_senseless_requests_are_refused(areas, options, error, words):
    areas["half"] = 0.5
    with pytest.raises(error, match=words):
        area_change(areas, **{"before": "a", "after": "b", **options})


def test_population_and_length_of_both_periods(areas):
    areas["later"] = areas["people"] * 2
    both = area_change(areas, "a", "b", exposure=(365, 73), population=("people", "later"), per=1_000).frame
    by_hand = poisson_change(
        areas["a"], areas["b"], exposure_before=365 * areas["people"], exposure_after=73 * areas["later"]
    )
    np.testing.assert_allclose(both["estimate"], by_hand.ratio)
    np.testing.assert_allclose(both["p_value"], by_hand.p_value)
    np.testing.assert_allclose(both["rate_before"], areas["a"].where(areas["b"].notna()) / 365)
    np.testing.assert_allclose(both["rate_after"] / both["rate_before"], both["estimate"], equal_nan=True)
    same = area_change(areas, "a", "b", population="people").frame
    np.testing.assert_allclose(same["p_value"], area_change(areas, "a", "b").frame["p_value"])
    assert "rate_before" not in area_change(areas, "a", "b").frame
    areas.loc["03", "later"] = np.nan
    gap = area_change(areas, "a", "b", population=("people", "later"))
    assert gap.frame.loc["03", "cluster"] == "no data"
    assert np.isnan(gap.frame.loc["03", "rate_after"])
    with pytest.raises(ConfigError, match="per must"):
        area_change(areas, "a", "b", population="people", per=0)
    with pytest.raises(ConfigError, match="two entries"):
        area_change(areas, "a", "b", population=("people",))


def test_two_areas_and_one_are_enough(areas):
    assert len(area_change(areas.iloc[:1], "a", "b").frame) == 1
    assert len(area_change(areas.iloc[:2], "a", "b").frame) == 2
