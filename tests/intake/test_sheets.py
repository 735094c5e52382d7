"""Titles, headers of two rows, totals and notes of a sheet are told from its rows."""

from __future__ import annotations

import pandas as pd
import pytest

import safemap as sm
from safemap.datasets._xlsx import workbook
from safemap.errors import InputError
from safemap.intake.sheets import is_total, lay_out, not_records
from safemap.intake.tables import read_table

ROWS = [[i, f"0{i % 9 + 1}.12.2023", "Грабёж", 69.2, 41.3] for i in range(1, 13)]
HEADER = ["№", "Дата", "Вид", "Долгота", "Широта"]


def _write(path, rows, merged=()):
    path.write_bytes(workbook({"a": rows}, merged={"a": merged}))
    return path


def test_a_header_in_the_first_row_is_taken_as_it_was(tmp_path):
    raw = read_table(_write(tmp_path / "a.xlsx", [HEADER, *ROWS]))
    assert list(raw.frame.columns) == HEADER
    assert raw.facts["header_row"] == 1
    assert raw.notes == ()
    assert raw.frame.index[0] == 2


def test_titles_above_the_header_are_no_rows(tmp_path):
    sheet = [["Реестр за 2023 год"], ["Тошкент", None, "2023"], [], HEADER, *ROWS]
    raw = read_table(_write(tmp_path / "a.xlsx", sheet, merged=["A1:E1"]))
    assert list(raw.frame.columns) == HEADER
    assert raw.facts["header_row"] == 4
    assert raw.frame.index.tolist() == list(range(5, 17))
    assert "the header is in row 4, below 2 rows of titles or groups" in raw.notes


def test_a_title_merged_over_all_columns_is_no_header(tmp_path):
    raw = read_table(_write(tmp_path / "a.xlsx", [["Title", *[None] * 4], HEADER, *ROWS], merged=["A1:E1"]))
    assert list(raw.frame.columns) == HEADER


def test_a_header_of_two_rows_with_merged_cells(tmp_path):
    groups = ["№", "Событие", None, "Место", None]
    leaves = [None, "Дата", "Вид", "Долгота", "Широта"]
    sheet = [["Title"], groups, leaves, [1, 2, 3, 4, 5], *ROWS]
    raw = read_table(_write(tmp_path / "a.xlsx", sheet, merged=["A1:E1", "A2:A3", "B2:C2", "D2:E2"]))
    assert list(raw.frame.columns) == HEADER
    assert raw.frame.index[0] == 5
    assert any("numbers the columns" in note for note in raw.notes)


def test_a_name_that_occurs_in_two_groups_carries_the_group():
    merged = [((0, 1), (0, 2)), ((0, 3), (0, 4)), ((0, 0), (1, 0))]
    sheet = [["Area", "2022", "", "2023", ""], ["", "theft", "fraud", "theft", "fraud"], ["a", 1, 2, 3, 4]]
    found = lay_out(sheet, merged=merged, header=(1, 2))
    assert found.names == ["Area", "2022: theft", "2022: fraud", "2023: theft", "2023: fraud"]


def test_years_can_be_names_of_columns():
    sheet = [["Counts", "", ""], ["Mahalla", 2022.0, 2023.0], *[[f"m{i}", i, i + 1] for i in range(5)]]
    assert lay_out(sheet).names == ["Mahalla", "2022", "2023"]


def test_a_register_of_text_only_keeps_its_first_row_as_header():
    sheet = [["a", "b", "", ""], ["x", "y", "z", "w"], ["x", "y", "z", "w"]]
    assert lay_out([["a", "b", "c", ""], *sheet[1:]]).first == 0


def test_the_stated_header_wins_and_a_wrong_one_is_refused(tmp_path):
    file = _write(tmp_path / "a.xlsx", [["x", "y", "z", "u", "v"], HEADER, *ROWS])
    raw = sm.read_incidents(file, lon="Долгота", lat="Широта", header=2)
    assert raw.report.header_row == 2
    assert any("as stated" in note for note in raw.report.notes)
    with pytest.raises(InputError, match="header=40, but the sheet has rows 1 to 14"):
        sm.read_incidents(file, lon="Долгота", lat="Широта", header=40)
    (tmp_path / "a.csv").write_text("lon,lat\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="for workbooks only"):
        sm.read_incidents(tmp_path / "a.csv", lon="lon", lat="lat", header=1)


def test_totals_and_notes_are_set_aside_with_their_reason(tmp_path):
    sheet = [HEADER, *ROWS, ["Итого / Jami", None, None, None, 12], [], ["Составил: А. Б."]]
    raw = sm.read_incidents(
        _write(tmp_path / "a.xlsx", sheet), lon="Долгота", lat="Широта", date="Дата", dayfirst=True
    )
    assert raw.audit.set_aside["reason"].to_dict() == {14: "total_row", 16: "footnote_row"}
    assert raw.audit.n_in == raw.report.rows == 14
    assert len(raw.frame) == 12
    raw.audit.check(raw.frame.index)
    assert raw.audit.hit_rate == 1.0
    assert raw.frame["date"].notna().all()


def test_a_sound_row_is_never_a_total():
    rows = [[str(i), "total", "x", "y"] for i in range(6)]
    assert not_records(rows) == {}
    assert not_records([["a", "", ""], ["b", "", ""]]) == {}


@pytest.mark.parametrize(
    "text", ["ИТОГО", "Jami: 12", "Жами / Итого", "Total general", "Итого по городу", "Jumla"]
)
def test_words_for_totals(text):
    assert is_total(text)


@pytest.mark.parametrize("text", ["", "Totalco", "general", "по городу", "12", "Итоговая улица"])
def test_other_words(text):
    assert not is_total(text)


def test_dotted_dates_are_read_by_a_stated_rule(tmp_path):
    rows = [["lon", "lat", "on"], [69.2, 41.3, "03.04.2023"], [69.2, 41.3, "25.04.2023"]]
    raw = sm.read_incidents(_write(tmp_path / "a.xlsx", rows), lon="lon", lat="lat", date="on")
    assert raw.frame["date"].tolist() == [pd.Timestamp("2023-04-03"), pd.Timestamp("2023-04-25")]
    assert "first number exceeds 12" in raw.report.date_rule
