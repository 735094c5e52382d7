"""Tables: what a spreadsheet, a reader and a victim may expect."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError
from safemap.output.tables import FORMULA_STARTS, area_table, csv_rows, csv_table, significant

K1 = Registry(k=1)


def read(table):
    return list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))


def frame(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.Index([f"{i:03}" for i in range(n)], name="area_id"))


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_text_that_begins_like_a_formula_is_neutralised_and_counted(start):
    table = area_table(frame(name=[f"{start}cmd", "a-b"], events=[9, 9]), "rates", registry=K1)
    plain = start if start.isprintable() else " "
    assert [row[1] for row in read(table)] == ["name", f"'{plain}cmd", "a-b"]
    assert table.neutralised == 1


def test_ids_and_headers_are_neutralised_too():
    table = csv_rows(["=H", "x"], [["@id", 1]])
    assert read(table) == [["'=H", "x"], ["'@id", "1"]]
    assert table.neutralised == 2


def test_leading_blanks_do_not_hide_a_formula():
    assert read(csv_rows(["h"], [[" \u00a0\ufeff=1+1"]]))[1][0].startswith("'")


def test_negative_numbers_stay_numbers():
    table = area_table(frame(value=[-1.5, -0.00012345], events=[9, 9]), "local_moran", registry=K1)
    assert [row[2] for row in read(table)[1:]] == ["-1.5", "-0.000123"]
    assert table.neutralised == 0


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_three_significant_digits_lose_less_than_half_a_percent(value):
    written = significant(value)
    assert "e" not in written
    assert float(written) == pytest.approx(value, rel=0.00500001, abs=0)
    digits = written.lstrip("-").replace(".", "").strip("0")
    assert len(digits) <= 3


def test_counts_are_never_rounded():
    table = area_table(frame(events=[12345, 5], population=[1234567.0, np.nan]), "rates", registry=K1)
    assert [row[1:3] for row in read(table)[1:]] == [["12345", "1234567"], ["5", ""]]


def test_only_listed_columns_leave():
    table = area_table(
        frame(name=["a"], events=[9], victim="x", geometry="POINT", lon=1.0), "rates", registry=K1
    )
    assert read(table)[0] == ["area_id", "name", "events", "suppressed"]


def test_a_withheld_row_keeps_only_what_does_not_give_the_count_back():
    numbers = {
        c: [7.0, 7.0] for c in ("estimate", "conf_low", "conf_high", "statistic", "z_score", "p_value")
    }
    table = area_table(
        frame(name=["a", "b"], events=[4, 5], population=[100, 100], quality="publish", note="x", **numbers),
        "rates",
        registry=Registry(k=5),
    )
    header, hidden, shown = read(table)
    assert dict(zip(header, hidden, strict=True)) == {
        "area_id": "000", "name": "a", "events": "", "population": "100", "estimate": "", "conf_low": "",
        "conf_high": "", "quality": "", "note": "", "suppressed": "true",
    }  # fmt: skip
    assert shown[header.index("events")] == "5"
    assert shown[-1] == "false"


def test_the_mark_for_excel_is_optional():
    data = frame(name=["año"], events=[9])
    assert area_table(data, "rates", registry=K1).data[:3] == b"are"
    assert area_table(data, "rates", registry=K1, bom=True).data[:3] == b"\xef\xbb\xbf"


def test_text_numbers_missing_dates_and_flags_are_written_plainly():
    data = pd.DataFrame(
        {
            "code": ["007", None],
            "n": pd.array([3, None], dtype="Int64"),
            "flag": [True, False],
            "day": ["2023-01-01", "2023-01-02"],
        }
    )
    assert read(csv_table(data))[1:] == [["007", "3", "true", "2023-01-01"], ["", "", "false", "2023-01-02"]]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="known are rates"):
        area_table(frame(events=[9]), "points", registry=K1)


@given(st.lists(st.text(), min_size=2, max_size=6))
def test_text_of_any_content_stays_in_its_cell_and_never_begins_like_a_formula(cells):
    data = csv_rows(["h"] * len(cells), [cells]).data.decode("utf-8")
    assert data.count("\n") == 2
    assert "\r" not in data
    row = list(csv.reader(io.StringIO(data)))[1]
    assert len(row) == len(cells)
    assert not any(cell.lstrip(" ").startswith(FORMULA_STARTS) for cell in row)
