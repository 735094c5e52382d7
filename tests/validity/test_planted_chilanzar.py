"""The second city: each planted fault has its reason, and hot spots are found where they were planted.

The full runs (50 and 200 seeds) are marked slow; few seeds run always.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

import safemap as sm
from safemap import datasets

_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "planted_truth.py"
BURGLARY = "Кража из жилища"
PERIOD = ("2023-01-01", "2023-12-31")
YEARS = ["2021", "2022", "2023"]
HEADS = {"area": "Mahalla / Махалля", "count": YEARS, "parent": "Tuman / Район"}


@pytest.fixture(scope="module")
def truth():
    return datasets.truth("chilanzar")


@pytest.fixture(scope="module")
def folder(root):
    return root / "data" / "sample" / "chilanzar"


@pytest.fixture(scope="module")
def areas(folder):
    names = {"ru": "nomi_ru", "uz-Cyrl": "nomi_kirill", "uz-Latn": "nomi"}
    return sm.read_areas(folder / "mahallas.geojson", id="kod", name="nomi", population="aholi", names=names)


@pytest.fixture(scope="module")
def raw(folder):
    return sm.read_incidents(
        folder / "register.xlsx", lon="Долгота", lat="Широта", date="Дата", time="Vaqt",
        category="Вид преступления",
    )  # fmt: skip


def _join(raw, areas, folder, where=None):
    chosen = sm.select_incidents(raw, where=where, period=PERIOD)
    clean = sm.clean_incidents(
        chosen, within=areas, duplicates="set-aside", pileups="set-aside", address="Маҳалла"
    )
    levels = {"tuman": sm.read_areas(folder / "districts.geojson", id="kod", name="nomi")}
    return sm.join_areas(clean, areas, levels=levels)


@pytest.fixture(scope="module")
def joined(raw, areas, folder):
    return _join(raw, areas, folder)


def test_the_report_says_how_the_sheet_was_read(raw):
    notes = " | ".join(raw.report.notes)
    assert "the header is in row 6" in notes
    assert "row 7 numbers the columns" in notes
    assert raw.report.decimal == ","
    assert raw.report.date_rule.startswith("DD/MM/YYYY (the first number exceeds 12")


def test_each_planted_fault_has_its_own_reason(joined, truth):
    found = {reason: set(rows.index) for reason, rows in joined.audit.set_aside.groupby("reason")}
    assert found == {reason: set(rows) for reason, rows in truth.faults.items()}
    assert joined.audit.n_in == len(truth.area_of) + sum(len(rows) for rows in truth.faults.values())


def test_sound_rows_are_placed_in_the_planted_areas(joined, truth):
    placed = joined.frame["area_id"].dropna()
    pd.testing.assert_series_equal(
        placed.astype(object).sort_index(), truth.area_of.astype(object).sort_index(), check_names=False
    )
    match = joined.frame["match"]
    for flag in ("boundary", "overlap"):
        assert set(match.index[match == flag]) == set(truth.flags[flag])


def test_an_offence_in_two_languages_is_counted_once_each(raw, areas, folder, truth):
    where = {"Вид преступления": [BURGLARY, "Uy-joydan oʻgʻirlik"]}
    rates = sm.area_rates(_join(raw, areas, folder, where), period=PERIOD)
    assert (rates.frame["events"] == truth.events[BURGLARY][rates.frame.index]).all()


def test_mahallas_as_typed_agree_with_the_coordinates(joined, areas):
    typed = joined.frame.loc[joined.frame["area_id"].notna(), ["Маҳалла", "Tuman", "area_id"]]
    tumans = ["tuman", "tuman_ru"]
    found = sm.match_places(typed["Маҳалла"], areas, parents=typed["Tuman"], parent_columns=tumans)
    assert found.frame["area_id"].notna().all()
    assert (found.frame["area_id"] == typed["area_id"]).all()
    as_text = typed["Маҳалла"] == areas["name"].reindex(typed["area_id"]).to_numpy()
    assert as_text.mean() < 0.5


def test_the_table_of_counts_is_conserved_and_its_faults_are_told(folder, areas, truth):
    counts = sm.read_area_counts(
        folder / "counts.xlsx", areas=areas, parent_columns=["tuman", "tuman_ru"], **HEADS
    )
    found = {reason: set(rows.index) for reason, rows in counts.audit.set_aside.groupby("reason")}
    assert found == {reason: set(rows) for reason, rows in truth.counts_faults.items()}
    assert counts.audit.events_in == counts.audit.events_placed + counts.audit.events_set_aside
    best = counts.matches.suggestions.drop_duplicates("name").set_index("name")["area_id"]
    assert {name: best[name] for name in truth.mapping} == dict(truth.mapping)
    assert all("which is their sum" in n for n in counts.report.notes if "totals" in n)


def test_a_confirmed_mapping_completes_the_counts(folder, areas, truth):
    counts = sm.read_area_counts(
        folder / "counts.xlsx",
        areas=areas,
        mapping=truth.mapping,
        parent_columns=["tuman", "tuman_ru"],
        **HEADS,
    )
    for year in YEARS:
        rates = sm.area_rates(counts, period=(f"{year}-01-01", f"{year}-12-31"))
        assert (rates.frame["events"] == truth.counts[year][rates.frame.index]).all()
        assert rates.audit.events_placed == int(truth.counts[year].sum())
    assert sm.explore(rates, title="Кражи", language="uz-Cyrl", area_names=areas) is not None


def test_without_the_district_a_name_of_two_mahallas_is_set_aside(folder, areas, truth):
    plain = {k: v for k, v in HEADS.items() if k != "parent"}
    counts = sm.read_area_counts(folder / "counts.xlsx", areas=areas, **plain)
    lost = counts.audit.set_aside["reason"] == "ambiguous_area"
    assert lost.sum() == 6
    assert not counts.frame["area_id"].isin(truth.same_name).any()


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("planted_truth_chilanzar", _FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_truth_chilanzar"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["planted_truth_chilanzar"]


def _power(bench, seeds, **options) -> pd.DataFrame:
    rows = []
    expected = options.pop("expected", 5.0)
    for seed in seeds:
        city = datasets.generate("chilanzar", seed=seed, expected={BURGLARY: expected})
        near = {"queen, order 2": bench.graphs(city.areas)["queen, order 2"]}
        rows += bench.examine(city, BURGLARY, near, statistics=("Gi*",), **options)
    return pd.DataFrame([asdict(row) for row in rows])


def _size(bench, seeds, **options) -> pd.DataFrame:
    rows = []
    for seed in seeds:
        city = datasets.generate("chilanzar", seed=seed)
        near = {"queen": bench.graphs(city.areas)["queen"]}
        rows += bench.examine(city, city.truth.null_offence, near, **options)
    return pd.DataFrame([asdict(row) for row in rows])


def test_strong_hot_spots_are_found_in_a_few_cities(bench):
    found = _power(bench, range(1, 4), expected=20.0, permutations=1_999, max_permutations=1_999)
    assert found["found"].sum() / found["planted"].sum() >= 0.7
    assert found["false_hot"].sum() <= 6


def test_little_is_found_where_nothing_is_planted_in_a_few_cities(bench):
    found = _size(bench, range(1, 6), permutations=1_999, max_permutations=1_999)
    assert (found["planted"] == 0).all()
    assert (found.groupby("statistic")["flagged"].apply(lambda f: (f > 0).sum()) <= 2).all()


@pytest.mark.slow
def test_planted_areas_are_found_at_five_expected_events(bench):
    found = _power(bench, range(1, 51))
    assert found["found"].sum() / found["planted"].sum() >= 0.80
    assert (found["false"] / found["flagged"].clip(lower=1)).mean() <= 0.08


@pytest.mark.slow
def test_an_offence_without_hot_spots_is_flagged_no_more_than_chance_allows(bench):
    found = _size(bench, range(1, 201))
    shares = found.groupby("statistic")["flagged"].apply(lambda f: (f > 0).mean())
    assert (shares <= bench.limit(200)).all()
