"""How a sheet is laid out: titles above the header, headers of several rows, totals and notes below."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from safemap.errors import InputError
from safemap.intake.columns import fold

#: one merged range of cells: first row and column, last row and column, counted from 0
Merged = tuple[tuple[int, int], tuple[int, int]]

#: what registers call a row of totals, in the languages of the cities; after :func:`fold`
TOTAL_WORDS = frozenset(
    ["итого", "всего", "итог", "общий", "жами", "ҳаммаси", "jami", "hammasi", "total", "totals", "subtotal",
     "grand", "general", "overall", "suma", "jumla", "по", "городу", "all", "сумма", "шаҳар", "shahar",
     "бўйича", "boʻyicha", "bo'yicha"]
)  # fmt: skip
#: of these, the words one of which must be there
_TOTAL = frozenset(
    ["итого", "всего", "итог", "жами", "ҳаммаси", "jami", "hammasi", "total", "totals", "subtotal", "suma",
     "jumla", "сумма"]
)  # fmt: skip

_TITLES_MAX = 25  #: rows from the first filled one among which the header is looked for
_HEAD = 200
_YEAR = re.compile(r"(?:19|20)\d\d")
_NUMBER = re.compile(r"[-+]?\d[\d\s.,:/-]*")


class Layout(NamedTuple):
    """Where the header of a sheet is and what it says; rows are counted from 0."""

    first: int  #: first row of the header
    last: int  #: last row of the header
    names: list[str]  #: one per column, empty where the column has no name
    body: int  #: first row of data
    notes: tuple[str, ...]


def lay_out(
    rows: Sequence[Sequence[Any]],
    *,
    merged: Sequence[Merged] = (),
    header: int | tuple[int, int] | None = None,
    source: str = "the sheet",
) -> Layout:
    """Find the header of a sheet, or take the rows that were named.

    Parameters
    ----------
    rows : sequence of sequences
        Cells of the sheet, an empty text where there is nothing.
    merged : sequence, optional
        Merged ranges: a title over all columns, a group over some of them, a name over two rows.
    header : int or (int, int), optional
        Row of the column names as a spreadsheet shows it, or its first and last row. Default: the first
        filled row, or, where that is filled less than half as much as the rows of the table, the first row
        below it that names (nearly) every column.
    source : str
        Name of the file for messages.

    Examples
    --------
    >>> sheet = [["Register 2023", "", ""], ["", "", ""], ["No", "Date", "Kind"], [1, "01.02.2023", "A"]]
    >>> found = lay_out(sheet)
    >>> found.first, found.names, found.notes[0]
    (2, ['No', 'Date', 'Kind'], 'the header is in row 3, below 1 row of titles or groups')
    """
    grid = _expanded(rows[: _HEAD + _TITLES_MAX], merged)
    first, last = _stated(header, len(rows), source) if header is not None else _detected(rows, grid, merged)
    names = _names(grid, first, last)
    body = last + 1
    notes = []
    titles = sum(any(_filled(c) for c in row) for row in rows[:first])
    if header is not None or titles or last > first:
        where = f"row {first + 1}" if first == last else f"rows {first + 1} to {last + 1}"
        below = f", below {titles} row{'s' if titles != 1 else ''} of titles or groups" if titles else ""
        notes.append(f"the header is in {where}{below}" + (" (as stated)" if header is not None else ""))
    if body < len(rows) and _counts_columns(rows[body]):
        notes.append(f"row {body + 1} numbers the columns and is no row of data")
        body += 1
    return Layout(first, last, names, body, tuple(notes))


def not_records(cells: Sequence[Sequence[str]]) -> Mapping[int, str]:
    """Positions of rows that are totals (``total_row``) or notes at the end (``footnote_row``).

    A row of totals says so in one cell ("Итого", "Jami: 120", "Total") and is filled at most half as much
    as the others.

    Examples
    --------
    >>> rows = [[str(i), "a", "x", "y"] for i in range(3)]
    >>> not_records([*rows, ["Итого", "", "", "3"], ["Signed", "", "", ""]])
    {3: 'total_row', 4: 'footnote_row'}
    """
    filled = [sum(c != "" for c in row) for row in cells]
    usual = median([n for n in filled if n] or [0])
    found: dict[int, str] = {}
    if usual < 4:  # in a narrow table a name alone is a row
        return found
    last = max((i for i, n in enumerate(filled) if n > 1), default=-1)
    for i, (row, n) in enumerate(zip(cells, filled, strict=True)):
        if 0 < n <= usual / 2 and any(is_total(c) for c in row if c):
            found[i] = "total_row"
        elif n == 1 and i > last:
            found[i] = "footnote_row"
    return found


def is_total(text: str) -> bool:
    """Whether a cell names a total, alone or with its number.

    Examples
    --------
    >>> is_total("ИТОГО / Jami: 4 310"), is_total("Итого по городу"), is_total("Totalán")
    (True, True, False)
    """
    words = re.findall(r"[^\W\d_]+(?:['ʻʼ’‘`][^\W\d_]+)*", fold(text))
    return bool(words) and all(w in TOTAL_WORDS for w in words) and any(w in _TOTAL for w in words)


def _stated(header: int | tuple[int, int], n: int, source: str) -> tuple[int, int]:
    pair = (header, header) if isinstance(header, int) else tuple(header)
    sound = len(pair) == 2 and all(isinstance(i, int) and not isinstance(i, bool) for i in pair)
    if not sound or not 1 <= pair[0] <= pair[1] <= n:
        raise InputError(
            f"{source}: header={header!r}, but the sheet has rows 1 to {n}. Give the row of the column names "
            "as the spreadsheet shows it, or (first row, last row)."
        )
    return pair[0] - 1, pair[1] - 1


def _detected(
    rows: Sequence[Sequence[Any]], grid: Sequence[Sequence[Any]], merged: Sequence[Merged]
) -> tuple[int, int]:
    start = next(i for i, row in enumerate(rows) if any(_filled(c) for c in row))
    filled = [sum(map(_filled, row)) for row in rows[start : start + _HEAD]]
    usual = median([n for n in filled if n])
    chosen = start
    if len({c for c in grid[start] if _filled(c)}) * 2 <= usual:
        for i in range(start + 1, min(start + _TITLES_MAX, len(grid))):
            words = [c for c in grid[i] if _filled(c)]
            named = all(map(_is_name, words)) and not all(_YEAR.fullmatch(_text(w)) for w in words)
            if len(set(words)) >= 0.8 * usual and named:
                chosen = i
                break
    last = max([end[0] for begin, end in merged if begin[0] <= chosen <= end[0]], default=chosen)
    return chosen, last


def _expanded(rows: Sequence[Sequence[Any]], merged: Sequence[Merged]) -> list[list[Any]]:
    """Cells with the value of a merged range in every cell of it."""
    grid = [list(row) for row in rows]
    for (top, left), (bottom, right) in merged:
        if bottom < len(grid):
            for i in range(top, bottom + 1):
                for j in range(left, min(right + 1, len(grid[i]))):
                    grid[i][j] = grid[top][left]
    return grid


def _names(grid: Sequence[Sequence[Any]], first: int, last: int) -> list[str]:
    """Lowest name of each column; where it occurs twice, with the group above it in front."""
    above = grid[max(0, first - 1)] if first else [""] * len(grid[first])
    names, groups = [], []
    for j in range(len(grid[last])):
        column = [_text(grid[i][j]) for i in range(first, last + 1)]
        told = list(dict.fromkeys(c for c in column if c))
        names.append(told[-1] if told else "")
        groups.append(told[-2] if len(told) > 1 else _text(above[j]))
    twice = {n for n in names if n and names.count(n) > 1}
    return [f"{g}: {n}" if n in twice and g and g != n else n for n, g in zip(names, groups, strict=True)]


def _counts_columns(row: Sequence[Any]) -> bool:
    """Whether a row says 1, 2, 3 ... as forms do below their header."""
    words = [_text(c) for c in row if _filled(c)]
    if len(words) < 3 or not all(w.isascii() and w.isdigit() for w in words):
        return False
    numbers = [int(w) for w in words]
    return numbers[0] == 1 and all(b == a + 1 for a, b in pairwise(numbers))


def _is_name(cell: Any) -> bool:
    """Whether a cell can name a column: words, or a year."""
    text = _text(cell)
    return bool(_YEAR.fullmatch(text)) or (isinstance(cell, str) and not _NUMBER.fullmatch(text))


def _filled(cell: Any) -> bool:
    return cell is not None and _text(cell) != ""


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())
