"""Charts: every number against a count or a formula of its own, and nothing withheld in the picture."""

from __future__ import annotations

import datetime as dt
import random

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson
from shapely.geometry import box

import safemap as sm
from safemap.datasets import columbus
from safemap.errors import ConfigError, InputError
from safemap.i18n import LANGUAGES
from safemap.maps.figures.chart import hidden_cells
from safemap.maps.figures.lorenz import lorenz_points

SOURCE = "Police register of the town, export of 3 January 2024"


@pytest.fixture(scope="module")
def lisa():
    areas = columbus()
    graph = sm.build_graph(areas, tolerance=0)
    return areas, graph, sm.local_moran(areas, "CRIME", graph=graph, permutations=999)


def register(dates):
    rows = pd.DataFrame({"x": 1.0, "y": 2.0, "on": [str(d) for d in dates]})
    return sm.read_incidents(rows, lon="x", lat="y", date="on")


def moments(n, seed=1):
    """Clock times that crowd in the evening, to the minute."""
    draw = random.Random(seed)
    start = dt.datetime(2023, 1, 2)
    hours = [min(23, int(draw.triangular(0, 24, 20))) for _ in range(n)]
    return [
        start + dt.timedelta(days=draw.randrange(364), hours=h, minutes=draw.randrange(1, 60)) for h in hours
    ]


# Moran scatter


def test_the_slope_of_the_scatter_is_morans_i(lisa):
    areas, graph, local = lisa
    made = sm.moran_scatter(local, graph)
    assert made.settings["slope"] == pytest.approx(
        sm.global_moran(areas, "CRIME", graph=graph, permutations=99).statistic
    )
    x, y = made.data["own"], made.data["around"]
    assert np.polyfit(x, y, 1)[0] == pytest.approx(made.settings["slope"])
    n = len(x)  # local Moran has divisor n - 1
    expected = local.frame["statistic"].loc[made.data.index].to_numpy()
    assert x.to_numpy() * y.to_numpy() * (n - 1) / n == pytest.approx(expected)


def test_the_scatter_says_nothing_of_withheld_areas(lisa):
    """Two withheld areas exchange their values: nothing in the picture changes."""
    areas, graph, local = lisa
    ids = areas.index[[3, 9, 20, 27, 31, 40]]
    rules = sm.Registry(withheld=frozenset(ids))
    other = local.frame.copy()
    other.loc[ids[0], "value"], other.loc[ids[1], "value"] = (
        local.frame.loc[ids[1], "value"],
        local.frame.loc[ids[0], "value"],
    )
    swapped = type(local)(frame=other, settings=local.settings)
    one, two = (sm.moran_scatter(r, graph, registry=rules) for r in (local, swapped))
    assert not set(ids) & set(one.data.index)
    assert one.data["around"].to_numpy() == pytest.approx(two.data["around"].to_numpy())
    assert "6 withheld areas are not drawn" in one.text


def test_the_scatter_refuses_other_results(town, lisa):
    with pytest.raises(InputError, match="local_moran"):
        sm.moran_scatter(town.rates(), lisa[1])


# hour by weekday


def test_the_table_counts_hours_and_weekdays():
    times = moments(2_500)
    made = sm.hour_weekday_table(register(times), hours=1, k=1)
    counts = np.zeros((7, 24), dtype=int)
    for t in times:
        counts[t.weekday(), t.hour] += 1
    assert (made.data.to_numpy() == counts).all()
    assert made.data.columns[0] == "00:00"
    assert made.settings["placeholder_shares"] == {}


def test_columns_are_wider_where_cases_are_few():
    made = sm.hour_weekday_table(register(moments(300)), k=1)
    assert made.settings["hours"] == 6
    assert int(made.data.to_numpy().sum()) == 300


def test_a_heap_at_noon_is_left_out_marked_and_said(paper):
    times = moments(2_000) + [dt.datetime(2023, 5, 2, 12)] * 180
    made = sm.hour_weekday_table(register(times), hours=1, k=1)
    assert made.settings["placeholder_shares"] == {"12:00": pytest.approx(180 / 2_180)}
    assert made.settings["left_out"]
    assert int(made.data.to_numpy().sum()) == 2_000
    assert "8.3% of cases carry exactly 12:00" in made.text
    dashed = [
        a for a in made.figure.artists + made.figure.lines if getattr(a, "get_linestyle", str)() == "--"
    ]
    assert len(dashed) == 1
    kept = sm.hour_weekday_table(register(times), hours=1, k=1, placeholders="keep")
    assert int(kept.data.to_numpy().sum()) == 2_180
    assert "read with care" in kept.text


def test_noon_of_a_register_of_whole_hours_is_no_heap():
    times = [t.replace(minute=0) for t in moments(3_000)]
    made = sm.hour_weekday_table(register(times), hours=1, k=1)
    assert not made.settings["left_out"]
    assert int(made.data.to_numpy().sum()) == 3_000
    assert "read with care" in made.text


def test_small_cells_are_withheld_and_never_a_single_one(paper):
    made = sm.hour_weekday_table(register(moments(900)), hours=1)
    cells = made.data.to_numpy(dtype=float, na_value=np.nan)
    assert np.isnan(cells).sum() > 1
    shown = cells[~np.isnan(cells)]
    assert ((shown == 0) | (shown >= 5)).all()
    assert "Withheld for privacy (1–4)" in paper.written(made)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=40), st.integers(2, 8))
def test_withheld_cells_cannot_be_had_from_the_total(cells, k):
    counts = np.array(cells)
    hidden = hidden_cells(counts, k)
    small = (counts > 0) & (counts < k)
    assert (hidden | ~small).all()
    if small.any() and (counts > 0).sum() > 1:
        assert hidden.sum() >= 2


def test_dates_without_times_are_refused():
    with pytest.raises(InputError, match="clock time"):
        sm.hour_weekday_table(register(["2023-01-02", "2023-01-03"]))
    with pytest.raises(ConfigError, match="hours"):
        sm.hour_weekday_table(register(moments(50)), hours=5)


# Lorenz


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5_000)), min_size=2, max_size=25))
def test_gini_is_half_the_relative_mean_difference(areas):
    """Gini as the mean absolute difference of two residents' rates, over twice the mean rate."""
    events, people = np.array(areas).T
    if not events.sum():
        return
    rates = events / people
    mean = events.sum() / people.sum()
    apart = np.abs(rates[:, None] - rates[None, :]) * people[:, None] * people[None, :]
    expected = apart.sum() / people.sum() ** 2 / 2 / mean
    x, y, gini = lorenz_points(events, people)
    assert gini == pytest.approx(expected, abs=1e-9)
    assert (np.diff(x) >= 0).all()
    assert (np.diff(y) >= 0).all()
    assert (y >= x - 1e-9).all()


def test_the_marked_reading_and_the_pooled_group(town, paper):
    made = sm.lorenz_curve(town.rates())
    paper.check_figure(made)
    frame = town.rates().frame.dropna(subset="population")
    shown = frame[(frame["events"] == 0) | (frame["events"] >= 5)]
    assert len(made.data) == len(shown) + 2  # the origin and the group of the four withheld areas
    rate = np.diff(made.data["cases"]) / np.diff(made.data["residents"])
    assert (np.diff(rate) <= 1e-9).all()
    assert "4 areas are drawn together" in made.text
    at = np.interp(made.settings["half_at"], made.data["residents"], made.data["cases"])
    assert at == pytest.approx(0.5)


def test_a_single_withheld_area_is_pooled_with_another():
    areas = gpd.GeoDataFrame(
        {"events": [2, 9, 40, 60], "population": [900, 1_000, 1_200, 800]},
        geometry=[box(i / 100, 0, (i + 1) / 100, 0.01) for i in range(4)],
        crs=4326,
    )
    made = sm.lorenz_curve(sm.area_rates(areas))
    assert len(made.data) == 4
    assert "2 areas are drawn together" in made.text


# interval plot


def test_the_interval_plot_orders_and_compares(town, paper):
    result = town.rates()
    made = sm.interval_plot(result)
    frame = result.frame
    ranked = frame[(frame["events"] >= 10) & (frame["quality"] == "publish")].dropna(subset="estimate")
    assert set(made.data.index) == set(ranked.index)
    assert made.data["value"].is_monotonic_increasing
    mean = frame["events"].sum() / frame["population"].sum()
    known = frame.dropna(subset="population")
    mean = known["events"].sum() / known["population"].sum() * result.settings["scale"]
    exact = ranked.loc[made.data.index]
    assert ((exact["conf_low"] > mean * 1.05) <= (made.data["against"] == "above")).all()
    assert ((exact["conf_high"] < mean * 0.95) <= (made.data["against"] == "below")).all()
    assert "withheld for privacy (1–4): 4" in made.text.replace("\u2060", "")
    names = set(frame["name"])
    assert not names & {t.get_text() for t in paper.texts(made.figure)}


def test_results_without_intervals_have_no_interval_plot(town):
    with pytest.raises(InputError, match="no interval"):
        sm.interval_plot(town.smoothed())


# funnel


def test_funnel_flags_are_the_poisson_tails(town):
    result = town.rates()
    made = sm.funnel_plot(result)
    frame = result.frame.loc[made.data.index]
    expected = frame["population"] * result.settings["overall_rate"] / result.settings["scale"]
    over = poisson.sf(frame["events"] - 1, expected) <= 0.001
    under = poisson.cdf(frame["events"], expected) <= 0.001
    assert ((made.data["against"] == "over").to_numpy() == over).all()
    assert ((made.data["against"] == "under").to_numpy() == under).all()
    hidden = result.frame["events"].between(1, 4)
    assert not set(made.data.index) & set(result.frame.index[hidden])
    with pytest.raises(InputError, match="area_rates"):
        sm.funnel_plot(town.smoothed())


# trend


def test_the_trend_counts_months_and_marks_part_of_one(paper):
    days = [t.date() for t in moments(3_000, seed=3)]
    made = sm.monthly_trend(register(days), period=("2023-01-15", "2023-12-31"))
    kept = [d for d in days if dt.date(2023, 1, 15) <= d <= dt.date(2023, 12, 31)]
    counts = [sum(d.month == m for d in kept) for m in range(1, 13)]
    assert made.data["events"].tolist() == counts
    assert made.data["whole"].tolist() == [False] + [True] * 11
    assert made.data["days"].tolist()[:3] == [17, 28, 31]
    daily = sum(counts[1:]) / (365 - 31)
    assert made.data["expected"].to_numpy() == pytest.approx(daily * made.data["days"].to_numpy())
    assert made.data["high"].tolist() == [poisson.ppf(0.975, daily * d) for d in made.data["days"]]
    outside = [(e > h) or (e < lo) for e, lo, h in made.data[["events", "low", "high"]].to_numpy()[1:]]
    assert made.settings["outside"] == sum(outside)
    assert "incomplete month" in paper.written(made)


def test_small_months_are_withheld(paper):
    days = [dt.date(2023, m, 5) for m in range(1, 13) for _ in range(2 if m == 4 else 20 + m)]
    made = sm.monthly_trend(register(days), period=("2023-01-01", "2023-12-31"))
    assert made.data["events"].isna().tolist() == [m in (1, 4) for m in range(1, 13)]
    assert "Withheld" in paper.written(made)
    with pytest.raises(InputError, match="whole months"):
        sm.monthly_trend(register(days), period=("2023-01-02", "2023-03-30"))


# all of them


CHARTS = {
    "scatter": lambda town, lisa, **o: sm.moran_scatter(lisa[2], lisa[1], **o),
    "heat": lambda town, lisa, **o: sm.hour_weekday_table(register(moments(1_500)), **o),
    "lorenz": lambda town, lisa, **o: sm.lorenz_curve(town.rates(), **o),
    "interval": lambda town, lisa, **o: sm.interval_plot(town.rates(), **o),
    "survey": lambda town, lisa, **o: sm.interval_plot(town.survey(), **o),
    "funnel": lambda town, lisa, **o: sm.funnel_plot(town.rates(), **o),
    "trend": lambda town, lisa, **o: sm.monthly_trend(register(moments(1_500)), **o),
}
PAIRS = [(chart, LANGUAGES[(i + j) % 6]) for i, chart in enumerate(CHARTS) for j in (0, 3)]


@pytest.mark.parametrize(("chart", "language"), PAIRS)
def test_every_chart_is_measured(town, lisa, paper, chart, language):
    made = CHARTS[chart](town, lisa, language=language, source=SOURCE)
    paper.check_figure(made)
    assert made.title
    assert len(made.data)
    assert "Police register" in paper.written(made)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["A4_full", "A4_half", "square", "slide"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_in_every_language_and_size(town, lisa, paper, chart, language, size):
    paper.check_figure(CHARTS[chart](town, lisa, language=language, source=SOURCE, size=size))


@pytest.mark.parametrize("chart", ["lorenz", "heat"])
def test_charts_are_written_and_repeat(town, lisa, tmp_path, chart):
    for kind in ("png", "svg", "pdf"):
        one, two = (tmp_path / f"{n}.{kind}" for n in "ab")
        CHARTS[chart](town, lisa, path=one)
        CHARTS[chart](town, lisa, path=two)
        assert one.read_bytes() == two.read_bytes()


# small multiples


def years(town, *factors):
    out = []
    for i, factor in enumerate(factors):
        areas = town.areas()
        areas["events"] = (areas["events"] * factor).astype(int)
        out.append(sm.area_rates(areas, per=1_000, period=(f"{2020 + i}-01-01", f"{2020 + i}-12-31")))
    return out


@pytest.mark.parametrize("n", [2, 5, 9])
def test_small_multiples_share_classes(town, paper, n):
    made = sm.small_multiples(years(town, *np.linspace(1, 2, n)), source=SOURCE, size="A4_full")
    paper.check_figure(made)
    assert made.data.groupby("map", sort=False)["areas"].sum().tolist() == [36] * n
    values = made.data[~made.data["class"].str.contains("Withheld|Too few|No data")]
    assert values.groupby("map")["class"].apply(tuple).nunique() == 1
    assert [t for t in ("2020", "2021") if t in paper.written(made)] == ["2020", "2021"]


def test_years_are_withheld_each_on_its_own_and_one_period_together(town):
    made = sm.small_multiples(years(town, 1, 2))
    withheld = made.data[made.data["class"].str.startswith("Withheld")].groupby("map")["areas"].sum()
    assert withheld.to_dict() == {"2020": 4, "2021": 0}  # 3 cases in the first year, 6 in the second
    one, two = years(town, 1, 2)
    same = [one, type(two)(frame=two.frame, settings={**two.settings, "period": one.settings["period"]})]
    made = sm.small_multiples(same, names=["a", "b"])
    withheld = made.data[made.data["class"].str.startswith("Withheld")].groupby("map")["areas"].sum()
    assert withheld.to_dict() == {"a": 4, "b": 4}


def test_small_multiples_refuse_what_cannot_share_classes(town):
    with pytest.raises(ConfigError, match="2 to 9"):
        sm.small_multiples(years(town, 1))
    with pytest.raises(ConfigError, match="one kind"):
        sm.small_multiples([town.rates(), town.moran()])
    with pytest.raises(ConfigError, match="one entry per result"):
        sm.small_multiples(years(town, 1, 2), names=["a"])


def test_small_multiples_in_greyscale_and_another_language(town, paper):
    made = sm.small_multiples(years(town, 1, 2, 3), language="sw", greyscale=True, size="slide")
    paper.check_figure(made)
