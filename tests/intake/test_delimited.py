"""Delimited text: delimiters, ragged and cut-off files, rows numbered as a spreadsheet does."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.errors import InputError
from safemap.intake.delimited import detect_delimiter, parse_delimited


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters(mark: str) -> None:
    text = mark.join(["id", "lat", "lon"]) + "\n" + "\n".join(mark.join([str(i), "1", "2"]) for i in range(5))
    parsed = parse_delimited(text, source="a.csv")
    assert parsed.delimiter == mark
    assert parsed.frame.columns.tolist() == ["id", "lat", "lon"]
    assert parsed.frame.index.tolist() == [2, 3, 4, 5, 6]


def test_decimal_commas_do_not_pass_for_delimiters() -> None:
    assert detect_delimiter("lat;lon\n41,5;69,2\n41,6;69,3\n") == ";"


def test_quoted_delimiters_do_not_count() -> None:
    text = 'id;"street; number";x\n1;"a;b;c";2\n'
    assert parse_delimited(text, source="a.csv").frame.loc[2].tolist() == ["1", "a;b;c", "2"]


@pytest.mark.parametrize(
    ("text", "line", "fields"),
    [
        ("a,b,c\n1,2,3\n1,2\n4,5,6\n", 3, 2),
        ("a,b,c\n1,2,3\n1,2,3,4\n4,5,6\n", 3, 4),
        ('a,b,c\n1,"2",3\n\n1,"2"\n4,5,6\n', 4, 2),
        ("a,b,c\r\n1,2,3\r\n1,2\r\n4,5,6\r\n", 3, 2),
        ('a,b,c\n1,"two\nlines",3\n1,2\n4,5,6\n', 4, 2),
    ],
)
def test_ragged_lines_are_refused_with_their_number(text: str, line: int, fields: int) -> None:
    with pytest.raises(InputError, match=rf"line {line}: {fields} fields where the header has 3") as caught:
        parse_delimited(text, source="a.csv", delimiter=",")
    assert caught.value.details["line"] == line


@pytest.mark.parametrize("text", ["a,b,c\n1,2,3\n4,5", 'a,b,c\n1,"2",3\n4,"5"', "a,b,c\n1,2,3\n4"])
def test_a_short_last_line_means_cut_off(text: str) -> None:
    with pytest.raises(InputError, match=r"line 3.*cut off"):
        parse_delimited(text, source="a.csv", delimiter=",")


def test_an_open_quote_is_refused_with_its_line() -> None:
    with pytest.raises(InputError, match="line 3 is never closed"):
        parse_delimited('a,b,c\n1,2,3\n4,"5,6\n7,8,9\n', source="a.csv", delimiter=",")


@pytest.mark.parametrize("text", ["", "\n\n", " \n", "\ufeff", ",,,\n,,,\n"])
def test_empty_files_say_so(text: str) -> None:
    with pytest.raises(InputError, match="is empty"):
        parse_delimited(text, source="a.csv")


def test_a_header_alone_is_a_table_without_rows() -> None:
    parsed = parse_delimited("a,b\n", source="a.csv")
    assert parsed.frame.shape == (0, 2)


def test_blank_lines_keep_the_numbers_of_the_others() -> None:
    parsed = parse_delimited("a,b\n1,2\n\n,\n3,4\n", source="a.csv")
    assert parsed.frame.index.tolist() == [2, 5]
    assert parsed.frame["b"].tolist() == ["2", "4"]
    assert any("2 blank lines" in note for note in parsed.notes)


def test_records_of_several_lines_are_one_row() -> None:
    parsed = parse_delimited('a,b\n1,"x\ny"\n3,4\n', source="a.csv")
    assert parsed.frame.index.tolist() == [2, 3]


def test_header_names_are_tidied_and_told_apart() -> None:
    parsed = parse_delimited(" a ,,a\n1,2,3\n", source="a.csv")
    assert parsed.frame.columns.tolist() == ["a", "column_2", "a.2"]


def test_old_mac_line_ends() -> None:
    assert parse_delimited("a,b\r1,2\r3,4\r", source="a.csv").frame["b"].tolist() == ["2", "4"]


CELL = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=("Cs",)), max_size=8)


@settings(deadline=None)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8))
def test_whatever_is_written_is_read_back(rows: list[list[str]]) -> None:
    """Cells of any text, quotes and line ends included, survive; only blank records are left out."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b", "c"], *rows])
    parsed = parse_delimited(stream.getvalue(), delimiter=",", source="a.csv")
    kept = [(i + 2, row) for i, row in enumerate(rows) if any(row)]
    assert list(zip(parsed.frame.index, parsed.frame.values.tolist(), strict=True)) == kept


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_uneven_lines_never_pass(widths: list[int]) -> None:
    text = "a,b,c\n" + "".join(",".join("1" * w) + "\n" for w in widths)
    if set(widths) == {3}:
        assert len(parse_delimited(text, delimiter=",", source="a.csv").frame) == len(widths)
        return
    first = next(i for i, w in enumerate(widths) if w != 3) + 2
    with pytest.raises(InputError, match=f"line {first}:"):
        parse_delimited(text, delimiter=",", source="a.csv")
