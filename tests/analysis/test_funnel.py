"""Funnel limits and detectable risk of areas: classes, references, dispersion, neighbours, refusals."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson
from shapely.geometry import box

import safemap as sm
from safemap.errors import AlignmentError, ConfigError, InputError, StatisticsError


def _town(events=None, *, n=36, seed=5, spread=0.0) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    people = rng.integers(200, 20_000, n).astype(float)
    risk = 0.004 * np.exp(rng.normal(0, spread, n))
    events = rng.poisson(risk * people) if events is None else events
    ids = pd.Index([f"a{i:02d}" for i in range(n)], name="area_id")
    shapes = [box(i % 6, i // 6, i % 6 + 1, i // 6 + 1) for i in range(n)]
    columns = {"name": "n " + ids, "events": events, "population": people}
    return gpd.GeoDataFrame(columns, geometry=shapes, index=ids, crs=32614)


def test_classes_are_the_exact_tails_around_the_overall_rate():
    rates = sm.area_rates(_town(spread=0.4), per=1000)
    f = sm.funnel_limits(rates).frame
    e = rates.frame["population"] * rates.frame["events"].sum() / rates.frame["population"].sum()
    np.testing.assert_allclose(f["value"], e)
    up, down = poisson.sf(f["events"] - 1, e), poisson.cdf(f["events"], e)
    far, out = (up <= 0.001) | (down <= 0.001), (up <= 0.025) | (down <= 0.025)
    assert f["cluster"].str.startswith("far").tolist() == far.tolist()
    assert (f["cluster"] != "within limits").tolist() == out.tolist()
    assert ((f["estimate"] > f["limit_high"]) == (up <= 0.025)).all()
    assert ((f["estimate"] < f["limit_low"]) == (down <= 0.025)).all()
    assert (f["far_low"] <= f["limit_low"]).all()
    assert (f["far_high"] >= f["limit_high"]).all()
    np.testing.assert_allclose(f["p_value"], np.minimum(1, 2 * np.minimum(up, down)))
    assert list(f.columns) == [
        "name", "events", "population", "value", "estimate", "limit_low", "limit_high", "far_low", "far_high",
        "z_score", "p_value", "cluster", "quality", "note", "geometry",
    ]  # fmt: skip


def test_equal_risk_puts_few_outside():
    outside = [
        (sm.funnel_limits(sm.area_rates(_town(seed=s))).frame["cluster"] != "within limits").mean()
        for s in range(40)
    ]
    assert np.mean(outside) <= 0.05 + 3 * np.std(outside) / np.sqrt(40)


def test_a_period_changes_the_unit_and_no_class():
    town = _town(spread=0.3)
    whole = sm.funnel_limits(sm.area_rates(town))
    half = sm.funnel_limits(sm.area_rates(town, period=("2024-01-01", "2024-06-30")))
    assert whole.frame["cluster"].tolist() == half.frame["cluster"].tolist()
    np.testing.assert_allclose(half.frame["limit_high"] / whole.frame["limit_high"], 365.25 / 182)
    assert whole.counts == half.counts
    assert json.dumps(half.settings)


def test_another_target_and_expected_events():
    rates = sm.area_rates(_town(spread=0.3), per=1000)
    high = sm.funnel_limits(rates, target=8.0).frame
    np.testing.assert_allclose(high["value"], rates.frame["population"] * 0.008)
    wanted = rates.frame["population"] * 0.008
    ratio = sm.funnel_limits(rates, expected=wanted.iloc[::-1]).frame
    assert ratio["cluster"].tolist() == high["cluster"].tolist()
    np.testing.assert_allclose(ratio["limit_high"] * 8.0, high["limit_high"])
    np.testing.assert_allclose(ratio["estimate"], rates.frame["events"] / wanted)


@pytest.mark.parametrize("kind", ["multiplicative", "additive"])
@pytest.mark.parametrize("law", ["poisson", "binomial"])
def test_overdispersion_widens_the_limits_and_flags_fewer(kind, law):
    rates = sm.area_rates(_town(spread=0.5), per=1000)
    plain, wide = sm.funnel_limits(rates, law=law), sm.funnel_limits(rates, law=law, overdispersion=kind)
    assert plain.settings["phi"] > 2
    assert "see overdispersion=" in plain.summary()
    assert "see overdispersion=" not in wide.summary()
    large = plain.frame["population"] > 3000
    assert (wide.frame["far_high"] > plain.frame["far_high"])[large].all()
    assert (wide.frame["cluster"] == "within limits").sum() > (
        plain.frame["cluster"] == "within limits"
    ).sum()
    f = wide.frame
    assert ((f["estimate"] > f["limit_high"]) == f["cluster"].isin(["above", "far above"])).all()
    assert ((f["estimate"] < f["limit_low"]) == f["cluster"].isin(["below", "far below"])).all()


def test_areas_without_people_have_no_limits_and_order_does_not_matter():
    town = _town(spread=0.3)
    town.loc["a03", "population"] = np.nan
    one = sm.funnel_limits(sm.area_rates(town)).frame
    assert one.loc["a03", "cluster"] == "no data"
    assert one.loc["a03", ["estimate", "limit_low", "p_value"]].isna().all()
    other = sm.funnel_limits(sm.area_rates(town.sample(frac=1, random_state=2))).frame
    pd.testing.assert_frame_equal(pd.DataFrame(other.loc[one.index]), pd.DataFrame(one))


def test_detectable_risk_of_areas_and_neighbourhoods():
    rates = sm.area_rates(_town(), per=1000)
    graph = sm.build_graph(rates.frame, tolerance=0)
    found = sm.detectable_risk(rates, graph=graph)
    f = found.frame
    overall = rates.frame["events"].sum() / rates.frame["population"].sum()
    assert (f["detectable_around"] < f["detectable"]).all()
    for area in f.index[::7]:
        near = [area, *graph.neighbours(area)]
        e = overall * rates.frame.loc[near, "population"].sum()
        assert f.loc[area, "expected_around"] == pytest.approx(e)
        c = next(k for k in range(10_000) if poisson.sf(k - 1, e) <= 0.025)
        assert poisson.sf(c - 1, e * f.loc[area, "detectable_around"]) == pytest.approx(0.8)
    assert set(f.index[f["cluster"] == "can tell"]) == set(f.index[f["detectable"] <= 1.5])
    assert (f.loc[f["cluster"] == "with neighbours only", "detectable_around"] <= 1.5).all()
    assert sum(found.counts.values()) == len(f)
    moved = sm.detectable_risk(sm.area_rates(_town(events=rates.frame["events"].to_numpy()[::-1])))
    np.testing.assert_allclose(moved.frame["detectable"], f["detectable"])  # own events play no part
    assert "chance of 80%" in found.summary()


def test_detectable_risk_without_people_and_for_decreases():
    town = _town()
    town.loc["a03", "population"] = 0
    rates = sm.area_rates(town)
    f = sm.detectable_risk(rates).frame
    assert f.loc["a03", "cluster"] == "no data"
    less = sm.detectable_risk(rates, alternative="less").frame
    assert less["detectable"].isna().all()
    assert set(less.index[less["cluster"] == "can tell"]) == set(
        less.index[less["detectable_low"] >= 1 / 1.5]
    )


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"levels": (0.998, 0.95)}, ConfigError, "inner first"),
        ({"law": "normal"}, ConfigError, "poisson, binomial"),
        ({"overdispersion": "yes"}, ConfigError, "multiplicative"),
        ({"target": 0}, ConfigError, "above 0"),
        ({"expected": "nothing"}, InputError, "no column"),
        ({"expected": pd.Series([1.0])}, AlignmentError, "ids of `expected`"),
        ({"expected": "population", "target": 1}, ConfigError, "leave out target"),
    ],
)
def test_senseless_requests_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        sm.funnel_limits(sm.area_rates(_town()), **options)


def test_wrong_subjects_are_refused():
    rates = sm.area_rates(_town())
    with pytest.raises(InputError, match="what area_rates gives"):
        sm.funnel_limits(sm.smooth_rates(rates))
    with pytest.raises(InputError, match="what area_rates gives"):
        sm.detectable_risk(_town())
    with pytest.raises(ConfigError, match="limit"):
        sm.detectable_risk(rates, limit=0.5)
    with pytest.raises(StatisticsError, match="nothing to compare"):
        sm.funnel_limits(sm.area_rates(_town().assign(events=0)))
    crowded = _town().assign(population=1.0, events=3)
    with pytest.raises(StatisticsError, match="more events than population"):
        sm.funnel_limits(sm.area_rates(crowded), law="binomial", target=10_000)
