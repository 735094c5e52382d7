"""The verbs on rates: golden numbers, laws, and what happens at the edges."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

import safemap as sm
from safemap.audit import Audit
from safemap.geo.graph import as_area_graph

YEAR = ("2023-01-01", "2023-12-31")


def _areas(events=None, population=(500, 2000, 2500, 5000), index=None):
    n = len(population)
    data = {"name": [f"Área {i}" for i in range(n)], "population": population}
    if events is not None:
        data["events"] = events
    shapes = [box(100 * i, 0, 100 * i + 100, 100) for i in range(n)]
    index = [f"{i:02d}" for i in range(n)] if index is None else index
    return gpd.GeoDataFrame(data, geometry=shapes, index=pd.Index(index, name="area_id"), crs=32614)


def _joined(area_ids, areas, dates=None, aside=()):
    """What the join hands over, made by hand."""
    frame = pd.DataFrame(
        {"area_id": area_ids, "match": "inside"}, index=pd.RangeIndex(2, 2 + len(area_ids), name="row")
    )
    if dates is not None:
        frame["date"] = pd.to_datetime(pd.Series(dates, index=frame.index), format="ISO8601")
    audit = Audit.start(frame.index, source="hand.csv")
    missing = frame.index[frame["area_id"].isna()]
    audit = audit.with_set_aside(pd.Series("outside_areas", index=missing), step="join_areas")
    return SimpleNamespace(frame=frame, areas=areas, audit=audit, settings={})


def test_the_golden_rate_with_its_interval():  # requirement D3: 5 events in 2,000
    frame = sm.area_rates(_areas([2, 5, 10, 40]), per=1_000).frame
    row = frame.loc["01"]
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == pytest.approx((2.5, 0.81, 5.83), abs=5e-3)


def test_a_count_is_annualised_by_days():  # requirement I6: count x 365.25 / days
    half = sm.area_rates(_areas([2, 5, 10, 40]), period=("2024-01-01", "2024-06-30"))
    assert half.settings["period_days"] == 182
    assert half.frame.loc["03", "estimate"] == pytest.approx(40 / 5000 * 100_000 * 365.25 / 182)
    assert "182 days" in half.summary()
    assert "a year" in half.settings["unit"]


def test_one_day_is_a_period():
    day = sm.area_rates(_areas([2, 5, 10, 40]), period=("2023-05-01", "2023-05-01"))
    assert day.settings["period_days"] == 1


def test_without_a_period_nothing_is_called_yearly():  # requirement D2
    rates = sm.area_rates(_areas([2, 5, 10, 40]))
    assert rates.settings["unit"] == "events per 100,000 residents over the whole file"
    assert rates.settings["period"] is None
    assert "not yearly rates" in rates.summary()


def test_areas_without_population_have_no_rate_and_never_infinity():
    rates = sm.area_rates(_areas([3, 5, 10, 40], population=[0, np.nan, 2500, 5000]))
    none = rates.frame.loc[["00", "01"]]
    assert none[["estimate", "conf_low", "conf_high"]].isna().all(axis=None)
    assert none["quality"].tolist() == ["suppress", "suppress"]
    assert none["note"].tolist() == ["population is zero: no rate", "population missing: no rate"]
    assert rates.frame["events"].sum() == 58
    assert rates.settings["overall_rate"] == pytest.approx(50 / 7500 * 100_000)
    assert "8 events lie there" in rates.summary()
    assert not np.isinf(rates.frame.select_dtypes("number").to_numpy(dtype=float)).any()


def test_quality_by_number_of_events_and_width_of_interval():  # requirement D6
    rates = sm.area_rates(_areas([0, 9, 10, 40]))
    assert rates.frame["quality"].tolist() == ["review", "review", "publish", "publish"]
    assert rates.frame["note"].tolist() == ["fewer than 10 events", "fewer than 10 events", "", ""]
    wide = sm.area_rates(_areas([0, 9, 10, 40]), confidence=0.999)
    assert wide.frame["quality"].tolist() == ["review", "review", "review", "publish"]
    assert wide.frame.loc["02", "note"] == "interval wider than 160% of the rate"


def test_every_area_is_a_row_in_its_order():
    areas = _areas().iloc[[2, 0, 3, 1]]
    rates = sm.area_rates(_joined(["03", "03", "00"], areas))
    assert rates.frame.index.tolist() == ["02", "00", "03", "01"]
    assert rates.frame["events"].tolist() == [0, 1, 2, 0]
    assert rates.frame.crs == areas.crs
    assert list(rates.frame.columns) == [
        "name", "events", "population", "estimate", "conf_low", "conf_high", "quality", "note", "geometry",
    ]  # fmt: skip


def test_rows_outside_the_period_are_set_aside_not_counted():
    dates = ["2023-01-01", "2023-12-31 23:59:59", "2022-12-31 23:59:59", "2024-01-01", None]
    joined = _joined(["00"] * 5, _areas(), dates)
    rates = sm.area_rates(joined, period=YEAR)
    assert rates.frame.loc["00", "events"] == 2
    assert rates.audit.set_aside["reason"].to_dict() == {
        4: "outside_period",
        5: "outside_period",
        6: "missing_date",
    }
    assert rates.audit.n_in == rates.audit.n_placed + rates.audit.n_set_aside
    assert rates.settings["period_checked"] is True
    assert len(joined.audit.set_aside) == 0  # the earlier audit is as it was


def test_dates_with_a_time_zone_are_read_on_the_clock_of_the_place():
    joined = _joined(["00", "00"], _areas())
    joined.frame["date"] = pd.to_datetime(["2022-12-31 23:30", "2023-01-01 00:30"]).tz_localize(
        "America/Mexico_City"
    )
    assert sm.area_rates(joined, period=YEAR).frame.loc["00", "events"] == 1


def test_events_without_dates_leave_the_period_unchecked():
    rates = sm.area_rates(_joined(["00", "01"], _areas()), period=YEAR)
    assert rates.settings["period_checked"] is False
    assert "taken as stated" in rates.summary()


def test_a_row_lost_before_the_rates_is_an_error():
    joined = _joined(["00", "01", None], _areas())
    joined.frame = joined.frame.iloc[1:]
    with pytest.raises(sm.errors.AuditError, match="lost 1"):
        sm.area_rates(joined)


def test_ids_of_other_areas_are_an_error():
    with pytest.raises(sm.errors.AlignmentError, match="'99'"):
        sm.area_rates(_joined(["00", "99"], _areas()))


def test_the_sum_of_events_is_conserved():
    rng = np.random.default_rng(5)
    ids = rng.choice([f"{i:02d}" for i in range(4)], 500)
    rates = sm.area_rates(_joined(ids, _areas()))
    assert rates.frame["events"].sum() == rates.settings["n_events"] == 500
    assert rates.frame["events"].to_dict() == pd.Series(ids).value_counts().to_dict()


def test_doubling_the_population_halves_every_rate():
    once = sm.area_rates(_areas([2, 5, 10, 40])).frame
    twice = sm.area_rates(_areas([2, 5, 10, 40], population=(1000, 4000, 5000, 10_000))).frame
    columns = ["estimate", "conf_low", "conf_high"]
    assert twice[columns].to_numpy() == pytest.approx(once[columns].to_numpy() / 2)


def test_shuffling_rows_shuffles_the_results():
    areas = _areas([2, 5, 10, 40])
    order = [3, 1, 0, 2]
    for verb in (sm.area_rates, lambda a: sm.smooth_rates(sm.area_rates(a))):
        shuffled, straight = verb(areas.iloc[order]).frame, verb(areas).frame.iloc[order]
        assert shuffled.index.tolist() == straight.index.tolist()
        pd.testing.assert_frame_equal(pd.DataFrame(shuffled), pd.DataFrame(straight))


@pytest.mark.parametrize("index", [[7, 3, 11, 5], ["a", "b", "c", "d"], pd.RangeIndex(4)])
def test_index_and_input_survive(index):
    areas = _areas([2, 5, 10, 40], index=index)
    before = areas.copy(deep=True)
    rates = sm.area_rates(areas)
    smooth = sm.smooth_rates(rates)
    kept = rates.frame.copy(deep=True)
    assert rates.frame.index.tolist() == smooth.frame.index.tolist() == areas.index.tolist()
    pd.testing.assert_frame_equal(pd.DataFrame(areas), pd.DataFrame(before))
    sm.smooth_rates(rates)
    pd.testing.assert_frame_equal(pd.DataFrame(rates.frame), pd.DataFrame(kept))


def test_another_name_of_the_geometry_column_is_no_trouble():
    areas = _areas([2, 5, 10, 40]).rename_geometry("shape")
    assert sm.area_rates(areas).frame.geometry.name == "geometry"


def test_another_column_of_population():
    areas = _areas([2, 5, 10, 40]).rename(columns={"population": "dwellings"})
    rates = sm.area_rates(areas, population="dwellings")
    assert rates.frame["population"].tolist() == [500, 2000, 2500, 5000]
    assert rates.settings["population"] == "dwellings"


def test_the_summary_counts_areas_clear_of_the_overall_rate():
    rates = sm.area_rates(_areas([60, 0, 100, 100], population=(1000, 5000, 10_000, 10_000)))
    assert (
        "1 areas lie above the overall rate with their whole interval, 1 below; 2 cannot be told"
        in rates.summary()
    )


def test_the_map_of_nobody_has_no_overall_rate():
    rates = sm.area_rates(_areas([1, 2, 3, 4], population=[np.nan] * 4))
    assert np.isnan(rates.settings["overall_rate"])
    assert "not known" in rates.summary()
    with pytest.raises(sm.errors.StatisticsError, match="nothing to smooth"):
        sm.smooth_rates(rates)


def test_smoothed_rates_are_the_golden_ones():  # requirement D5
    smooth = sm.smooth_rates(sm.area_rates(_areas([2, 5, 10, 40]), per=1_000))
    assert smooth.frame["estimate"].tolist() == pytest.approx([5.320, 3.988, 4.697, 7.407], abs=5e-4)
    assert smooth.frame["value"].tolist() == pytest.approx([4.0, 2.5, 4.0, 8.0])
    assert smooth.frame["note"].iloc[0] == "22% own rate, 78% overall rate"
    assert smooth.settings["smoothed"] is True
    assert smooth.kind == "smoothed_rates"


def test_smoothing_leaves_out_areas_without_population():
    with_gap = sm.smooth_rates(
        sm.area_rates(_areas([2, 5, 10, 40, 6], population=[500, 2000, 2500, 5000, np.nan]))
    )
    without = sm.smooth_rates(sm.area_rates(_areas([2, 5, 10, 40])))
    assert with_gap.frame["estimate"].iloc[:4].tolist() == pytest.approx(without.frame["estimate"].tolist())
    assert np.isnan(with_gap.frame["estimate"].iloc[4])
    assert with_gap.frame["quality"].iloc[4] == "suppress"


def test_no_more_variation_than_chance_is_said():
    smooth = sm.smooth_rates(sm.area_rates(_areas([5, 20, 25, 50])))
    assert smooth.frame["estimate"].nunique() == 1
    assert "no more than chance" in smooth.summary()


def test_smoothed_rates_are_refused_by_statistics_of_neighbourhood():
    smooth = sm.smooth_rates(sm.area_rates(_areas([2, 5, 10, 40])))
    graph = sm.build_graph(_areas())
    with pytest.raises(sm.errors.StatisticsError, match="smooth"):
        sm.local_moran(smooth, "estimate", graph=graph)


@pytest.mark.parametrize(
    ("change", "options", "error", "words"),
    [
        ({}, {"per": 0}, sm.errors.ConfigError, "per must be"),
        ({}, {"confidence": 95}, sm.errors.ConfigError, "between 0 and 1"),
        ({}, {"period": "2023"}, sm.errors.ConfigError, "two dates"),
        ({}, {"period": ("2023-12-31", "2023-01-01")}, sm.errors.ConfigError, "first not after last"),
        ({}, {"period": ("2023-01-01", "soon")}, sm.errors.ConfigError, "YYYY-MM-DD"),
        ({}, {"population": "people"}, sm.errors.InputError, "no column 'people'"),
        ({"population": [-1, 2, 3, 4]}, {}, sm.errors.InputError, r"\['00'\]"),
        ({"population": [np.inf, 2, 3, 4]}, {}, sm.errors.InputError, "0 or more"),
        ({"population": ["1,200", "2", "3", "4"]}, {}, sm.errors.InputError, "must hold numbers"),
        ({"events": [1.5, 2, 3, 4]}, {}, sm.errors.InputError, "whole numbers"),
        ({"events": [np.nan, 2, 3, 4]}, {}, sm.errors.InputError, "whole numbers"),
        ({"events": [-1, 2, 3, 4]}, {}, sm.errors.InputError, r"e\.g\. \['00'\]"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(change, options, error, words):
    areas = _areas([2, 5, 10, 40]).assign(**change)
    with pytest.raises(error, match=words) as caught:
        sm.area_rates(areas, **options)
    assert "1,200" not in str(caught.value)  # never the content of a cell


def test_areas_without_counts_repeated_ids_and_other_things_are_refused():
    with pytest.raises(sm.errors.InputError, match="no column 'events'"):
        sm.area_rates(_areas())
    with pytest.raises(sm.errors.InputError, match="must be unique"):
        sm.area_rates(_areas([1, 2, 3, 4], index=["a", "a", "b", "c"]))
    with pytest.raises(sm.errors.InputError, match="DataFrame"):
        sm.area_rates(pd.DataFrame({"events": [1]}))
    with pytest.raises(sm.errors.ConfigError, match="'eb'"):
        sm.smooth_rates(sm.area_rates(_areas([1, 2, 3, 4])), method="loess")
    smooth = sm.smooth_rates(sm.area_rates(_areas([1, 2, 3, 4])))
    with pytest.raises(sm.errors.InputError, match="Smoothing twice"):
        sm.smooth_rates(smooth)


def _town_rates() -> sm.RatesResult:
    rng = np.random.default_rng(3)
    areas = gpd.GeoDataFrame(
        {"events": rng.poisson(6, 30).astype(float), "population": rng.integers(300, 9000, 30).astype(float)},
        geometry=[box(i % 6, i // 6, i % 6 + 1, i // 6 + 1) for i in range(30)],
        index=pd.Index([f"a{i:02d}" for i in range(30)], name="area_id"),
        crs=32614,
    )
    return sm.area_rates(areas, per=1)


def test_local_empirical_bayes_equals_a_loop_over_neighbourhoods() -> None:
    rates = _town_rates()
    graph = sm.build_graph(rates.frame, "queen", tolerance=0)
    smooth = sm.smooth_rates(rates, method="eb_local", graph=graph).frame["estimate"]
    f = rates.frame
    for area in f.index:
        near = [area, *graph.neighbours(area)]
        e, n = f.loc[near, "events"], f.loc[near, "population"]
        m = e.sum() / n.sum()
        a = max((n * (e / n - m) ** 2).sum() / n.sum() - m / n.mean(), 0.0)
        w = a / (a + m / f.loc[area, "population"])
        own = f.loc[area, "events"] / f.loc[area, "population"]
        assert smooth[area] == pytest.approx(w * own + (1 - w) * m, rel=1e-9)


def test_local_empirical_bayes_with_everybody_as_neighbour_is_global() -> None:
    rates = _town_rates()
    ids = rates.frame.index
    everybody = pd.DataFrame([(i, j) for i in ids for j in ids if i != j], columns=["focal", "neighbor"])
    graph = as_area_graph(everybody, ids)
    local = sm.smooth_rates(rates, method="eb_local", graph=graph).frame["estimate"]
    pd.testing.assert_series_equal(local, sm.smooth_rates(rates).frame["estimate"], rtol=1e-9)


def test_local_empirical_bayes_needs_a_graph_and_is_refused_by_statistics_of_neighbourhood() -> None:
    rates = _town_rates()
    with pytest.raises(sm.errors.ConfigError, match="graph="):
        sm.smooth_rates(rates, method="eb_local")
    graph = sm.build_graph(rates.frame, "queen", tolerance=0)
    smooth = sm.smooth_rates(rates, method="eb_local", graph=graph)
    with pytest.raises(sm.errors.StatisticsError):
        sm.local_moran(smooth, "estimate", graph=graph)


def test_standardised_ratios_are_rates_over_the_overall_rate() -> None:
    rates = _town_rates()
    ratios = sm.standardised_ratios(rates).frame
    overall = rates.settings["overall_rate"]
    for column in ("estimate", "conf_low", "conf_high"):
        assert ratios[column].to_numpy() == pytest.approx((rates.frame[column] / overall).to_numpy())
    assert (ratios["value"].sum()) == pytest.approx(rates.frame["events"].sum())


def test_standardised_ratios_to_expected_numbers_match_ids_not_positions() -> None:
    rates = _town_rates()
    wanted = pd.Series(np.arange(1.0, 31.0), index=rates.frame.index)
    ratios = sm.standardised_ratios(rates, expected=wanted.iloc[::-1]).frame
    assert ratios["estimate"].to_numpy() == pytest.approx((rates.frame["events"] / wanted).to_numpy())
    with pytest.raises(sm.errors.AlignmentError, match="ids of `expected`"):
        sm.standardised_ratios(rates, expected=wanted.iloc[1:])
    with pytest.raises(sm.errors.InputError, match="negative"):
        sm.standardised_ratios(rates, expected=-wanted)


def test_intervals_by_name_and_the_choice_is_recorded():
    areas = _areas([2, 5, 10, 40])
    exact = sm.area_rates(areas).frame
    for interval, words in (("mid-p", "mid-p (Poisson)"), ("byar", "Byar (approximate)")):
        rates = sm.area_rates(areas, interval=interval)
        assert rates.settings["interval"] == words
        assert (rates.frame["conf_low"] != exact["conf_low"]).all()
        assert rates.frame["estimate"].tolist() == exact["estimate"].tolist()
        ratios = sm.standardised_ratios(rates, interval=interval)
        overall = rates.settings["overall_rate"]
        assert ratios.frame["conf_high"].tolist() == pytest.approx(
            (rates.frame["conf_high"] / overall).tolist()
        )
    with pytest.raises(sm.errors.ConfigError, match="exact, mid-p, byar"):
        sm.area_rates(areas, interval="wald")


def test_unreliable_rates_can_be_left_out():  # requirement D6
    rates = sm.area_rates(_areas([2, 5, 10, 40]), drop_unreliable=True)
    assert rates.frame["estimate"].isna().tolist() == [True, True, False, False]
    assert rates.frame["events"].sum() == 57
    assert rates.frame["note"].iloc[0] == "rate left out: fewer than 10 events"
    assert rates.settings["overall_rate"] == sm.area_rates(_areas([2, 5, 10, 40])).settings["overall_rate"]


def test_excess_adds_up_to_nothing_and_nothing_expected_is_no_ratio():
    ratios = sm.standardised_ratios(_town_rates())
    assert ratios.frame["excess"].sum() == pytest.approx(0, abs=1e-9)
    none = sm.standardised_ratios(_town_rates(), expected=pd.Series(0.0, _town_rates().frame.index)).frame
    assert none[["estimate", "excess"]].isna().all(axis=None)
    assert set(none["note"]) == {"nothing expected: no ratio"}
    assert set(none["quality"]) == {"suppress"}


def test_local_empirical_bayes_by_the_convention_of_spdep_differs_and_is_recorded():
    rates = _town_rates()
    graph = sm.build_graph(rates.frame, "queen", tolerance=0)
    one = sm.smooth_rates(rates, method="eb_local", graph=graph)
    other = sm.smooth_rates(rates, method="eb_local", graph=graph, like="spdep")
    assert (one.settings["like"], other.settings["like"]) == ("geoda", "spdep")
    assert (one.frame["estimate"] != other.frame["estimate"]).any()
