"""The quality of positions: hit rates by stratum, what a thinned map keeps, what displacement does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from safemap import (
    build_graph,
    clean_incidents,
    geocode_report,
    hit_rate_sensitivity,
    join_areas,
    misassignment_risk,
    read_areas,
    read_incidents,
    time_heaping,
)
from safemap.errors import AlignmentError, ConfigError, DataWarning, InputError, StatisticsError
from safemap.stats.contingency import cramers_v


def town(side: int = 4, cell: float = 1000.0) -> gpd.GeoDataFrame:
    cells = [
        box(x * cell, y * cell, (x + 1) * cell, (y + 1) * cell) for y in range(side) for x in range(side)
    ]
    ids = [f"a{i:02d}" for i in range(side * side)]
    return read_areas(gpd.GeoDataFrame({"cve": ids, "pop": 100.0}, geometry=cells, crs=32614), id="cve")


def incidents_at(x: np.ndarray, y: np.ndarray, **columns: object):
    return read_incidents(
        pd.DataFrame({"x": x, "y": y, **columns}),
        x="x", y="y", crs=32614, category="kind" if "kind" in columns else None,
        date="when" if "when" in columns else None,
    )  # fmt: skip


def test_hit_rates_by_hand_and_every_row_in_one_status() -> None:
    areas = town()
    rng = np.random.default_rng(1)
    x, y = rng.uniform(10, 3990, 200), rng.uniform(10, 3990, 200)
    kind = np.repeat(["home", "street"], 100)
    x[:40] = np.nan  # 40 of the 100 at home have no place
    x[150] = 9_000.0  # one outside
    raw = incidents_at(x, y, kind=kind)
    with pytest.warns(DataWarning, match=r"79\.5% of 200"):
        report = geocode_report(raw, join_areas(raw, areas), by=["category"])
    table = report.hit_rate.set_index("stratum")
    assert table.loc["all", ["n", "placed"]].tolist() == [200, 159]
    assert table.loc["home", "hit_rate"] == 0.6
    assert table.loc["street", "placed"] == 99
    # Wilson by hand for 60 of 100
    assert table.loc["home", ["conf_low", "conf_high"]].to_numpy(float) == pytest.approx(
        [0.502003, 0.690599], abs=1e-5
    )
    counts = report.frame["status"].value_counts()
    assert counts["missing"] == 40
    assert counts["outside"] == 1
    assert counts.sum() == 200
    # chi-square of [[60, 40], [99, 1]] by hand
    assert report.missingness.loc["category", "chi_square"] == pytest.approx(46.6636, abs=1e-3)
    assert "not missing at random by category" in report.summary()


def test_rows_not_asked_for_are_not_in_the_base() -> None:
    areas = town()
    x = np.array([100.0, 100.0, 2500.0, np.nan])
    raw = incidents_at(x, np.full(4, 100.0), kind=["a", "a", "b", "b"])
    cleaned = clean_incidents(raw, within=areas, duplicates="set-aside")
    with pytest.warns(DataWarning):
        report = geocode_report(raw, join_areas(cleaned, areas))
    assert report.hit_rate.loc[0, ["n", "placed"]].tolist() == [3, 2]


def test_centres_conflicts_and_facilities_are_told_apart() -> None:
    areas = town()
    x = np.array([500.0, 1234.56, 2345.67, 3100.0])
    y = np.array([500.0, 234.56, 345.67, 3200.0])
    raw = incidents_at(x, y, kind=["theft", "theft", "theft", "theft"], said=["a00", "a01", "a09", "a15"])
    posts = gpd.GeoDataFrame(geometry=[Point(3110, 3200)], crs=32614)
    joined = join_areas(raw, areas)
    report = geocode_report(raw, joined, recorded="said", facilities=posts)
    assert report.frame["status"].tolist() == ["centroid", "ok", "area_conflict", "facility_default"]
    expected = geocode_report(raw, joined, facilities=posts, facility_categories=["theft"])
    assert expected.frame["status"].tolist()[3] == "ok"


def test_coarse_coordinates_lattices_and_snapping() -> None:
    areas = read_areas(gpd.GeoDataFrame({"cve": ["a"]}, geometry=[box(0, 0, 1, 1)], crs=4326), id="cve")
    rng = np.random.default_rng(2)
    fine = rng.uniform(0.1, 0.9, 100)
    lon = np.concatenate([np.round(fine[:40], 2), fine[40:]])
    raw = read_incidents(pd.DataFrame({"lon": lon, "lat": np.round(lon, 2)}), lon="lon", lat="lat")
    report = geocode_report(raw, join_areas(raw, areas))
    assert (report.frame["decimals"] <= 3).sum() == 40
    assert (report.frame["status"] == "imprecise").sum() == 40
    few = np.repeat(np.arange(1, 41) / 50 + 0.001, 25)
    snapped = read_incidents(pd.DataFrame({"lon": few, "lat": few}), lon="lon", lat="lat")
    found = geocode_report(snapped, join_areas(snapped, areas)).settings
    assert found["snapped"]
    assert found["unique_locations"] == 40
    assert found["lattice"] == 0.001


def test_what_the_report_refuses() -> None:
    areas = town()
    raw = incidents_at(np.array([100.0]), np.array([100.0]))
    joined = join_areas(raw, areas)
    other = incidents_at(np.full(5, 100.0), np.full(5, 100.0))
    with pytest.raises(AlignmentError, match="other rows"):
        geocode_report(other, joined)
    with pytest.raises(InputError, match="sex"):
        geocode_report(raw, joined, by=["sex"])
    with pytest.raises(ConfigError, match="min_hit_rate"):
        geocode_report(raw, joined, min_hit_rate=85)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=4))
def test_chi_square_equals_scipy(counts: list[list[int]]) -> None:
    from scipy.stats import chi2_contingency

    table = np.array(counts)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    found = cramers_v(counts)
    if min(table.shape, default=0) < 2:
        assert found.df == 0
        return
    chi_square, p, df, expected = chi2_contingency(table, correction=False)
    assert found[:3] == pytest.approx((chi_square, df, p))
    assert 0 <= found.cramers_v <= 1 + 1e-12
    assert found.smallest_expected == pytest.approx(expected.min())


def gradient(n: int = 2000) -> tuple[gpd.GeoDataFrame, object]:
    """Areas whose counts differ a lot: few events lost change little."""
    areas = town(6)
    rng = np.random.default_rng(3)
    share = np.arange(1, 37) ** 2 / (np.arange(1, 37) ** 2).sum()
    cell = rng.choice(36, n, p=share)
    x = (cell % 6) * 1000 + rng.uniform(1, 999, n)
    y = (cell // 6) * 1000 + rng.uniform(1, 999, n)
    return areas, join_areas(incidents_at(x, y), areas)


def test_thinning_a_strong_gradient_changes_little_and_noise_changes_much() -> None:
    areas, joined = gradient()
    strong = hit_rate_sensitivity(joined, reps=100, graph=build_graph(areas), flag_reps=2)
    assert strong.recommended == 0.6
    assert strong.frame["rank_agreement"].is_monotonic_decreasing
    assert (strong.frame["kept"] == [round(r * 2000) for r in strong.frame.index]).all()
    assert strong.frame["flags_kept"].between(0, 1).all()
    rng = np.random.default_rng(4)
    noise = join_areas(incidents_at(rng.uniform(1, 5999, 300), rng.uniform(1, 5999, 300)), areas)
    weak = hit_rate_sensitivity(noise, reps=100)
    assert weak.frame.loc[0.6, "rank_agreement"] < 0.9 < strong.frame.loc[0.6, "rank_agreement"]
    again = hit_rate_sensitivity(noise, reps=100)
    pd.testing.assert_frame_equal(weak.frame, again.frame)


def test_thinned_counts_are_those_of_deleting_rows() -> None:
    """The mean agreement of hypergeometric draws equals that of deleting rows by hand."""
    _, joined = gradient(400)
    fast = hit_rate_sensitivity(joined, rates=(0.7,), reps=400).frame.loc[0.7, "rank_agreement"]
    from scipy.stats import spearmanr

    rng = np.random.default_rng(5)
    position = joined.reconciliation.index.get_indexer(joined.frame["area_id"])
    full = np.bincount(position, minlength=36)
    by_hand = [
        spearmanr(full, np.bincount(rng.permutation(position)[:280], minlength=36))[0] for _ in range(400)
    ]
    assert fast == pytest.approx(np.median(by_hand), abs=0.004)


def test_what_the_sensitivity_refuses() -> None:
    areas, joined = gradient(50)
    for bad in ({"rates": (1.0,)}, {"rates": ()}, {"reps": 0}, {"population": "people"}):
        with pytest.raises(ConfigError):
            hit_rate_sensitivity(joined, **bad)
    one = join_areas(incidents_at(np.array([505.0]), np.array([505.0])), areas)
    with pytest.raises(StatisticsError, match="2 events"):
        hit_rate_sensitivity(one)


def test_the_risk_at_a_straight_border_is_that_of_the_circle_cut_off() -> None:
    """At distance d a disc of radius r keeps 1 - (acos(c) - c sqrt(1 - c²)) / pi of itself, c = d / r."""
    areas = town(2)
    d = np.array([0.0, 25.0, 50.0, 99.0, 101.0])
    joined = join_areas(incidents_at(1000.0 + d, np.full(5, 500.0)), areas)
    risk = misassignment_risk(joined, uncertainty=100.0, draws=20_000)
    c = np.clip(d / 100, 0, 1)
    exact = 1 - (np.arccos(c) - c * np.sqrt(1 - c**2)) / np.pi
    exact[0] = 0.5
    assert risk.frame["probability"].to_numpy() == pytest.approx(exact, abs=0.012)
    assert risk.frame["probability"].iloc[4] == 1.0


def test_expected_events_add_up_with_what_falls_outside() -> None:
    areas = town(3)
    rng = np.random.default_rng(6)
    joined = join_areas(incidents_at(rng.uniform(0, 3000, 500), rng.uniform(0, 3000, 500)), areas)
    for displacement in ("disc", "normal"):
        risk = misassignment_risk(joined, uncertainty=200.0, displacement=displacement)
        total = risk.by_area["expected"].sum() + risk.settings["expected_outside"]
        assert total == pytest.approx(500)
        assert risk.settings["expected_outside"] > 0
    assert misassignment_risk(joined, uncertainty=0.0).frame["probability"].eq(1).all()


def test_uncertainty_comes_from_the_register_or_a_column_and_must_be_known() -> None:
    areas = town(2)
    rows = pd.DataFrame({"x": [999.0], "y": [500.0], "metres": [50.0]})
    read = read_incidents(rows, x="x", y="y", crs=32614, positional_uncertainty=50)
    a = misassignment_risk(join_areas(read, areas))
    plain = join_areas(read_incidents(rows, x="x", y="y", crs=32614), areas)
    b = misassignment_risk(plain, uncertainty="metres")
    assert a.frame["probability"].tolist() == b.frame["probability"].tolist()
    with pytest.raises(ConfigError, match="positional_uncertainty"):
        misassignment_risk(plain)
    with pytest.raises(InputError, match="no column"):
        misassignment_risk(plain, uncertainty="feet")
    with pytest.raises(InputError, match="zero or more"):
        misassignment_risk(plain, uncertainty=-1.0)


def test_even_times_do_not_heap_and_planted_heaps_are_found() -> None:
    rng = np.random.default_rng(7)
    when = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 730 * 1440, 5000), unit="min")
    even = time_heaping(incidents_at(np.full(5000, 505.0), np.full(5000, 505.0), when=when))
    assert not even.frame["heaped"].any()
    planted = when.to_series(index=range(5000))
    planted[:400] = planted[:400].dt.normalize() + pd.Timedelta(hours=12)
    found = time_heaping(incidents_at(np.full(5000, 505.0), np.full(5000, 505.0), when=planted.to_numpy()))
    assert found.frame.index[found.frame["heaped"]].tolist() == ["noon"]
    assert found.frame.loc["noon", "share"] == pytest.approx(0.08, abs=0.002)
    with pytest.raises(InputError, match="no dates"):
        time_heaping(incidents_at(np.array([505.0]), np.array([505.0])))


def test_mexico_city_heaps_at_noon_as_its_source_says(real_data: Callable[[str], Path]) -> None:
    path = real_data("cdmx") / "fgj_cdmx_2019_2024.parquet"
    raw = read_incidents(path, lon="longitud", lat="latitud", date="fecha_hecho", time="hora_hecho")
    noon = time_heaping(raw).frame.loc["noon"]
    assert noon["heaped"]
    assert noon["share"] == pytest.approx(0.085, abs=0.002)
