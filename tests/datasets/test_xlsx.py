"""Workbooks written by hand are read by the readers of others, and are the same bytes every time."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest
import python_calamine

from safemap.datasets._xlsx import column_letters, workbook

SHEETS = {
    "Жиноятлар & <2023>": [["Сарлавҳа"], [], ["код", "сони", "улуш"], ["007", 12, 0.5], ["", None, -3]],
    "second": [["  spaced ", 'quoted "text"\nsecond line', "12.05.2023"]],
}


def test_openpyxl_reads_what_was_written():
    book = openpyxl.load_workbook(io.BytesIO(workbook(SHEETS, merged={"second": ["A1:B1"]})))
    assert book.sheetnames == list(SHEETS)
    first = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    assert first[0] == ["Сарлавҳа", None, None]
    assert first[2:] == [["код", "сони", "улуш"], ["007", 12, 0.5], [None, None, -3]]
    assert next(book["second"].iter_rows(values_only=True))[0] == "  spaced "
    assert [str(r) for r in book["second"].merged_cells.ranges] == ["A1:B1"]


def test_calamine_reads_the_same():
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(workbook(SHEETS)))
    assert book.sheet_names == list(SHEETS)
    assert book.get_sheet_by_name("second").to_python() == SHEETS["second"]
    assert book.get_sheet_by_index(0).to_python()[-2] == ["007", 12.0, 0.5]


def test_the_bytes_hold_no_time_no_system_and_no_compression():
    content = workbook(SHEETS)
    assert content == workbook(SHEETS)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.create_system, entry.compress_type) == (3, zipfile.ZIP_STORED)


def test_characters_that_xml_cannot_hold_are_dropped():
    book = openpyxl.load_workbook(io.BytesIO(workbook({"a": [["bad\x0bword"]]})))
    assert book["a"]["A1"].value == "badword"


@pytest.mark.parametrize("position", [0, 5, 25, 26, 27, 51, 52, 700, 701, 702, 16_383])
def test_columns_are_named_as_spreadsheets_do(position):
    assert column_letters(position) == openpyxl.utils.get_column_letter(position + 1)
