"""Bases of rates: by offence, disputed, side by side; location quotients."""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from shapely.geometry import box

import safemap as sm
from safemap.analysis.denominators import DENOMINATORS
from safemap.errors import ConfigError, InputError, StatisticsError, StatisticsWarning
from safemap.stats.location_quotient import location_quotient as quotients


def _areas(**columns) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))
    ids = pd.Index([f"a{i}" for i in range(n)], name="area_id")
    shapes = [box(i, 0, i + 1, 1) for i in range(n)]
    return gpd.GeoDataFrame(columns, geometry=shapes, index=ids, crs=32614)


def test_bases_of_offences():  # requirement D1
    codes = ["0501", "05012", "05021", "050211", "0502", "0401", "0101", "03011", "0601", "02"]
    bases = ["dwellings", "dwellings", "vehicles", "vehicles", "ambient", "ambient", "residents",
             "women_15plus", "residents", "residents"]  # fmt: skip
    assert [sm.denominator_for(c) for c in codes] == bases
    assert sm.denominator_for("0502", registry={**DENOMINATORS, "0502": "residents"}) == "residents"
    with pytest.warns(StatisticsWarning, match="dwellings, which is not at hand"):
        assert sm.denominator_for("0501", available=["residents", "ambient"]) == "residents"
    assert sm.denominator_for("0501", available=["dwellings"]) == "dwellings"
    for code in ("burglary", "5", "0501234", 501):
        with pytest.raises(ConfigError, match="2 to 6 digits"):
            sm.denominator_for(code)


def test_a_base_that_is_not_the_usual_one_is_told():
    areas = _areas(events=[5, 20], population=[1000.0, 3000.0])
    with pytest.warns(StatisticsWarning, match="usual base of offence 0501 is dwellings, not ambient"):
        sm.area_rates(areas, base="ambient", iccs="0501")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rates = sm.area_rates(areas, base="dwellings", iccs="0501", per=1000)
    assert rates.settings["unit"] == "events per 1,000 dwellings over the whole file"
    assert rates.settings["iccs"] == "0501"


def test_the_range_of_a_disputed_population():  # requirement D4
    mathare = _areas(events=[150], a=[200_000], b=[123_000], c=[500_000])
    f = sm.rate_range(mathare, ["a", "b", "c"]).frame
    assert f[["rate_low", "rate_high"]].round(1).to_numpy().tolist() == [[30.0, 122.0]]
    low, high = (sm.area_rates(mathare, population=p).frame.iloc[0] for p in ("c", "b"))
    assert (f["conf_low"].iloc[0], f["conf_high"].iloc[0]) == pytest.approx((low.conf_low, high.conf_high))
    assert sm.rate_range(mathare, ["c", "a"]).frame["rate_high"].round(1).tolist() == [75.0]


def test_ranks_and_classes_hold_for_every_population_in_the_range():
    rng = np.random.default_rng(3)
    n = 9
    small = rng.integers(800, 4000, n)
    areas = _areas(events=rng.poisson(20, n), low=small, high=(small * rng.uniform(1, 2.5, n)).astype(int))
    f = sm.rate_range(areas, ["low", "high"], per=1000, breaks=[5, 10, 20]).frame
    seen_best, seen_worst = np.full(n, n), np.ones(n)
    edge = np.array([f["rate_low"], f["rate_high"]])
    for k in range(n):  # an area at its highest among others at their lowest, and the other way round
        others = np.delete(np.arange(n), k)
        seen_best[k] = 1 + (edge[0, others] > edge[1, k]).sum()
        seen_worst[k] = 1 + (edge[1, others] > edge[0, k]).sum()
    assert f["rank_best"].tolist() == seen_best.tolist()
    assert f["rank_worst"].tolist() == seen_worst.tolist()
    for row in f.itertuples():
        classes = {int(np.searchsorted([5, 10, 20], r)) + 1 for r in (row.rate_low, row.rate_high)}
        assert row.cluster == (f"class {classes.pop()}" if len(classes) == 1 else "class uncertain")


def test_areas_that_lack_a_population_have_no_range():
    areas = _areas(events=[5, 7, 9], a=[100.0, np.nan, 0.0], b=[200.0, 300.0, 400.0])
    result = sm.rate_range(areas, ["a", "b"], breaks=[1])
    assert result.frame["rate_low"].isna().tolist() == [False, True, True]
    assert result.frame["rank_best"].isna().tolist() == [False, True, True]
    assert result.frame["cluster"].iloc[1:].tolist() == ["no data", "no data"]
    assert result.frame["note"].iloc[1] == "a population is missing or zero: no range"
    assert result.frame["events"].sum() == 21
    json.dumps(result.settings)
    result.summary()
    for wrong, words in ((("a",), "two or more"), ("ab", "two or more")):
        with pytest.raises(ConfigError, match=words):
            sm.rate_range(areas, wrong)
    with pytest.raises(ConfigError, match="rise"):
        sm.rate_range(areas, ["a", "b"], breaks=[2, 1])
    with pytest.raises(InputError, match="no column 'c'"):
        sm.rate_range(areas, ["a", "c"])


def test_two_bases_side_by_side():  # requirement D8
    areas = _areas(
        events=[60, 20, 10, 4], people=[500.0, 1000, 1000, np.nan], ambient=[9000.0, 1100, 800, 50]
    )
    both = sm.compare_bases(areas, "people", "ambient", top=1, per=1000)
    assert both.frame["rank_base"].iloc[:3].tolist() == [1, 2, 3]
    assert both.frame["rank_other"].iloc[:3].tolist() == [3, 1, 2]
    assert both.frame["rank_shift"].iloc[:3].tolist() == [-2, 1, 1]
    assert both.frame["rank_base"].isna().tolist() == [False, False, False, True]
    assert both.settings["top_changed"] == 1.0
    assert sm.compare_bases(areas, "people", "ambient", top=3).settings["top_changed"] == 0.0
    np.testing.assert_allclose(both.frame["rate_base"].iloc[:3], [120, 20, 10])
    same = sm.compare_bases(areas, "people", "people", top=2)
    assert same.settings["rank_correlation"] == pytest.approx(1)
    assert "100% are others" in both.summary()
    with pytest.raises(ConfigError, match="top"):
        sm.compare_bases(areas, "people", "ambient", top=0)


def test_location_quotients():  # requirement D7
    areas = _areas(kind=[12, 60, 8, 0], total=[60, 900, 31, 9], name=list("abcd"))
    f = sm.location_quotient(areas, "kind", "total").frame
    assert f["estimate"].iloc[0] == pytest.approx(2.5)
    for k, (x, n) in enumerate([(12, 60), (60, 900), (8, 31)]):
        low, high = binomtest(x, n).proportion_ci(method="exact")
        assert (f["conf_low"].iloc[k], f["conf_high"].iloc[k]) == pytest.approx((low / 0.08, high / 0.08))
    assert np.isnan(f["estimate"].iloc[3])
    assert f["note"].iloc[3] == "fewer than 10 events of all kinds"
    assert list(f.columns) == [
        "name", "events", "n", "estimate", "conf_low", "conf_high", "quality", "note", "geometry",
    ]  # fmt: skip
    shuffled = sm.location_quotient(areas.iloc[::-1], "kind", "total").frame
    pd.testing.assert_frame_equal(pd.DataFrame(shuffled.iloc[::-1]), pd.DataFrame(f))


def test_quotients_of_arrays():
    everywhere = quotients([5, 10, 50], [10, 20, 100])
    np.testing.assert_allclose(everywhere[0], 1)
    x, n = np.array([3.0, 40, 7]), np.array([50.0, 300, 80])
    assert (n * quotients(x, n)[0]).sum() / n.sum() == pytest.approx(1)  # the mean over all events is 1
    assert np.isnan(quotients([1, np.nan, 0], [5, 5, 0])[0]).tolist() == [False, True, True]
    assert quotients([0, 5], [5, 5])[1][0] == 0
    for bad in (([6], [5]), ([-1], [5]), ([0], [5])):
        with pytest.raises(StatisticsError):
            quotients(*bad)
