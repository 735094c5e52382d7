"""The second city: each planted fault has its reason, and hot spots are found where they were planted.

The full runs (50 and 200 seeds) are marked slow; few seeds run always.
"""

from __future__ import annotations

import pandas as pd
import pytest

import safemap as sm
from safemap import datasets

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


FEW_DRAWS = {"permutations": 1_999, "max_permutations": 1_999}


def test_strong_hot_spots_are_found_in_a_few_cities(bench):
    found = bench.power(
        range(1, 4), city="chilanzar", expected=20.0, offences=(BURGLARY,), orders=(2,), statistics=("Gi*",),
        **FEW_DRAWS,
    )  # fmt: skip
    assert found["found"].sum() / found["planted"].sum() >= 0.7
    assert found["false_hot"].sum() <= 6


def test_little_is_found_where_nothing_is_planted_in_a_few_cities(bench):
    found = bench.size(range(1, 6), city="chilanzar", **FEW_DRAWS)
    assert (found["planted"] == 0).all()
    assert (found.groupby("statistic")["flagged"].apply(lambda f: (f > 0).sum()) <= 2).all()


@pytest.mark.slow
def test_planted_areas_are_found_at_five_expected_events(bench):
    """One hot spot of 30 mahallas, relative risk 2, 5 expected events per mahalla on average.

    Measured on these seeds, which served nothing before: 0.773 with neighbours to order 2, 0.917 to order 3.

    How the city was chosen: 288 mahallas with hot spots of 24 found 0.79 at order 2. About a dozen variants
    of the number of mahallas, the size of hot spots and the spread of population were tried until 0.82 was
    reached on seeds 1 to 50, of which 25 had served in the trials. That figure was too good by the choice.
    The bound for order 2 is what holds on unused seeds (0.773 less two standard errors of 0.019), not the
    0.80 aimed at. What order 2 misses is the rim: mahallas with less than half of their neighbourhood in the
    hot spot. Order 3 (37 neighbours) is as wide as the hot spot, the rule set on the first city.
    """
    found = bench.power(
        range(2001, 2051), city="chilanzar", expected=None, offences=(BURGLARY,), orders=(2, 3),
        statistics=("Gi*",), max_permutations=99_999,
    )  # fmt: skip
    table = bench.summarise_power(found).droplevel(["offence", "statistic"])
    assert (table["seeds"] == 50).all()
    assert table.loc["queen, order 2", "share_found"] >= 0.73
    assert table.loc["queen, order 3", "share_found"] >= 0.85
    assert table.loc["queen, order 2", "false_discovery_rate"] <= 0.08
    assert (table["false_hot"] == 0).all()


@pytest.mark.slow
def test_an_offence_without_hot_spots_is_flagged_no_more_than_chance_allows(bench):
    """Measured: 1.5 % of the cities have any area flagged, by Gi* and by local Moran (limit 8 %)."""
    found = bench.size(range(2001, 2201), city="chilanzar", max_permutations=99_999)
    table = bench.summarise_size(found)
    assert (table["seeds"] == 200).all()
    assert (table["share_with_any"] <= table["limit"]).all()
