"""Delimited text (CSV, TSV): delimiter by scoring, lines of one width, rows numbered as in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from safemap.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 200
_NOT_SHOWN = 5


class Delimited(NamedTuple):
    """A delimited text as a table of text."""

    frame: pd.DataFrame  #: every cell as text; index ``row``, the header is row 1
    delimiter: str
    header_row: int
    notes: tuple[str, ...]


def parse_delimited(text: str, *, delimiter: str | None = None, source: str) -> Delimited:
    """Parse a delimited text with one header line.

    Parameters
    ----------
    text : str
        Content of the file.
    delimiter : str, optional
        One character. If not given, the one of comma, semicolon, tab and bar that splits the first lines most
        evenly.
    source : str
        Name of the file for messages.

    Raises
    ------
    InputError
        If the file is empty, a line has more or fewer fields than the header, or a quoted field never ends.

    Examples
    --------
    >>> parse_delimited("id;x\\n007;1,5\\n", source="a.csv").frame.loc[2].tolist()
    ['007', '1,5']
    """
    if not text.strip("\r\n\t ,;|\ufeff"):
        raise InputError(
            f"{source} is empty: it holds no header and no rows. Check that the export finished."
        )
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    if delimiter is not None and len(delimiter) != 1:
        raise InputError(f"delimiter must be one character such as ',' or ';'; got {delimiter!r}.")
    mark = delimiter or detect_delimiter(text)
    header, header_lines = find_header(text, mark, source)
    require_even_lines(text, mark, len(header), source)
    frame = frame_of_text(text, mark, header_lines, header)
    header_row = int(frame.index.start) - 1
    blank = (frame == "").all(axis=1) if len(header) > 1 else frame.iloc[:, 0].str.strip() == ""
    notes = []
    if len(header) == 1 and blank.any():  # a lone empty cell cannot be told from an empty line
        notes.append("only one column was found; check the delimiter")
    if blank.any():
        notes.append(f"{int(blank.sum())} blank lines are not counted as rows")
        frame = frame[~blank.to_numpy()]
    return Delimited(frame, mark, header_row, tuple(notes))


def detect_delimiter(text: str) -> str:
    """The delimiter that splits most of the first lines into the same number (above one) of fields.

    Examples
    --------
    >>> detect_delimiter("name;lat\\nA, B;41,2\\nC;41,3\\n")
    ';'
    """
    head = [line for line in text[:200_000].splitlines()[:_HEAD] if line.strip()]
    best, best_score = ",", 0.0
    for mark in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(head, delimiter=mark) if row]
        except csv.Error:
            continue
        width = widths[0] if widths else 1  # the header tells how wide the table is
        score = widths.count(width) / len(widths) * (1 + width / 1000) if width > 1 else 0.0
        if score > best_score:
            best, best_score = mark, score
    return best


def find_header(text: str, mark: str, source: str) -> tuple[list[str], int]:
    """Column names and the number of physical lines they take."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    for row in reader:
        if any(cell.strip() for cell in row):
            return clean_header(row), reader.line_num
    raise InputError(f"{source} is empty: it holds no header and no rows. Check that the export finished.")


def clean_header(cells: list[str]) -> list[str]:
    """Column names without spaces around them; nameless and repeated ones get a name of their own."""
    names: list[str] = []
    for i, cell in enumerate(cells):
        name = " ".join(cell.split()) or f"column_{i + 1}"
        again = sum(1 for known in names if known == name or known.startswith(f"{name}."))
        names.append(f"{name}.{again + 1}" if name in names else name)
    return names


def require_even_lines(
    text: str, mark: str, width: int, source: str, *, before: int = 0, final: bool = True
) -> None:
    """Raise :class:`InputError` at the first line whose number of fields is not that of the header.

    Of a text that is a piece of a file, `before` counts the lines above it, and `final` says whether it is
    the last piece.
    """
    uneven = _uneven_quoted(text, mark, width, source) if '"' in text else _uneven_plain(text, mark, width)
    if not uneven:
        return
    uneven = [(line + before, fields, last and final) for line, fields, last in uneven]
    line, fields, last = uneven[0]
    more = f" (and {len(uneven) - 1:,} further lines)" if len(uneven) > 1 else ""
    why = "the file seems to be cut off" if last else "a delimiter or a quote is missing or too many in it"
    raise InputError(
        f"{source}, line {line}: {fields} fields where the header has {width}{more}; {why}. Correct the "
        "line, or export the file again.",
        line=line,
        lines=[number for number, _, _ in uneven[:100]],
    )


def _uneven_plain(text: str, mark: str, width: int) -> list[tuple[int, int, bool]]:
    """Uneven lines of a text without quotes, by counting delimiters between line ends."""
    data = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    ends = np.flatnonzero(data == 10)
    if not len(ends) or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    starts = np.append(0, ends[:-1] + 1)
    at = np.flatnonzero(data == ord(mark))
    fields = np.searchsorted(at, ends) - np.searchsorted(at, starts) + 1
    stops = ends - ((ends > starts) & (data[np.maximum(ends - 1, 0)] == 13))
    uneven = np.flatnonzero((fields != width) & (stops > starts))
    return [(int(i) + 1, int(fields[i]), i == len(ends) - 1) for i in uneven]


def _uneven_quoted(text: str, mark: str, width: int, source: str) -> list[tuple[int, int, bool]]:
    """Uneven lines of a text with quotes; reads every record."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=False)
    uneven: list[tuple[int, int]] = []
    start = 1
    try:
        for row in reader:
            if row and len(row) != width:
                uneven.append((start, len(row)))
            start, begun = reader.line_num + 1, start
    except csv.Error as error:
        raise InputError(
            f"{source}, line {reader.line_num}: a field is longer than {csv.field_size_limit():,} "
            "characters; a quote that opens is probably never closed. Correct it, or export the file "
            "again.",
            line=reader.line_num,
        ) from error
    if text.count('"') % 2:
        raise InputError(
            f"{source}: a quote that opens in the record at line {begun} is never closed; the file seems "
            "to be cut off, or a quote in it is not doubled. Correct it, or export the file again.",
            line=begun,
        )
    return [(line, fields, line == begun) for line, fields in uneven]


def frame_of_text(
    text: str, mark: str, header_lines: int, header: list[str], *, only: list[str] | None = None
) -> pd.DataFrame:
    """The lines below the header as text, all columns or `only` some; index row id, blank lines included."""
    import pandas as pd

    rest = io.StringIO(text, newline="")
    for _ in range(header_lines):
        rest.readline()
    try:
        frame = pd.read_csv(
            rest, sep=mark, header=None, names=header, index_col=False, dtype=str, na_filter=False,
            skip_blank_lines=False, low_memory=True, usecols=only,
        )  # fmt: skip
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame({name: pd.Series([], dtype=str) for name in header})
    first = header_lines + 1 if not _quoted_header(text, header_lines) else 2
    frame.index = pd.RangeIndex(first, first + len(frame), name="row")
    return frame


def _quoted_header(text: str, header_lines: int) -> bool:
    """True where the header takes several lines because a name holds a line end: it is still one row."""
    return header_lines > 1 and '"' in "".join(io.StringIO(text).readlines()[:header_lines])
