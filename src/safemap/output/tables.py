"""Tables as CSV: listed columns only, small counts withheld, no cell that a spreadsheet would run.

Numbers stay numbers, rounded to what they bear; an empty cell is withheld or not available, and the column
``suppressed`` says which.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the tables of areas, by kind of result; nothing else of a frame reaches a file.
AREA_COLUMNS: dict[str, tuple[str, ...]] = {
    "rates": (
        "name", "events", "population", "estimate", "conf_low", "conf_high", "quality", "note", "suppressed",
    ),
    "smoothed_rates": (
        "name", "events", "population", "value", "estimate", "quality", "note", "suppressed",
    ),
    "local_moran": (
        "name", "events", "population", "neighbours", "value", "statistic", "z_score", "p_value",
        "p_adjusted", "permutations", "cluster", "note", "suppressed",
    ),
    "local_getis_ord": (
        "name", "events", "population", "neighbours", "value", "statistic", "z_score", "p_value",
        "p_adjusted", "permutations", "cluster", "note", "suppressed",
    ),
}  # fmt: skip

#: Counts are written as they are, everything else that is measured with three significant digits.
WHOLE_COLUMNS = frozenset({"events", "population", "neighbours", "permutations", "n", "rows"})
SIGNIFICANT_DIGITS = 3

#: First characters that make a spreadsheet take a text for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class CsvTable:
    """A table ready to be written."""

    data: bytes
    rows: int
    neutralised: int  #: cells that began like a formula and got an apostrophe in front


def area_table(frame: pd.DataFrame, kind: str, *, registry: Registry, bom: bool = False) -> CsvTable:
    """The table of one result of areas: ``area_id`` and the columns of :data:`AREA_COLUMNS` it has.

    Parameters
    ----------
    frame : DataFrame
        Frame of a result, index ``area_id``.
    kind : str
        Kind of the result, a key of :data:`AREA_COLUMNS`.
    registry : Registry
        Decides what is withheld.
    bom : bool
        Begin with a byte order mark, by which Excel recognises UTF-8.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"events": [3, 1200], "estimate": [8.123, 1234.5], "phone": ["1", "2"]},
    ...                      index=pd.Index(["A", "=B"], name="area_id"))
    >>> print(area_table(frame, "rates", registry=Registry()).data.decode())
    area_id,events,estimate,suppressed
    A,,,true
    '=B,1200,1230,false
    <BLANKLINE>
    """
    if kind not in AREA_COLUMNS:
        raise ConfigError(f"No table is defined for {kind!r}; known are {', '.join(AREA_COLUMNS)}.")
    shown = registry.apply(frame)
    columns = [name for name in AREA_COLUMNS[kind] if name in shown.columns]
    return csv_table(shown[columns].rename_axis(index="area_id").reset_index(), bom=bom)


def csv_table(frame: pd.DataFrame, *, bom: bool = False) -> CsvTable:
    """All columns of `frame` (not its index) as CSV: comma, UTF-8, LF; the caller has chosen the columns."""
    columns = [_column(frame[name], name=str(name)) for name in frame.columns]
    return csv_rows([str(name) for name in frame.columns], zip(*columns, strict=True), bom=bom)


def csv_rows(header: Sequence[str], rows: Iterable[Sequence[Any]], *, bom: bool = False) -> CsvTable:
    """Rows of text and numbers as CSV; text that begins like a formula gets an apostrophe in front.

    Examples
    --------
    >>> csv_rows(["name", "z"], [["=1+1", -2.5], ["a,b", None]]).data
    b'name,z\\n\\'=1+1,-2.5\\n"a,b",\\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    neutralised = lines = 0
    for row in [header, *rows]:
        lines += 1
        cells = [_cell(value) for value in row]
        neutralised += sum(changed for _, changed in cells)
        writer.writerow([content for content, _ in cells])
    data = text.getvalue().encode("utf-8-sig" if bom else "utf-8", errors="replace")
    return CsvTable(data, lines - 1, neutralised)


def significant(value: float, digits: int = SIGNIFICANT_DIGITS) -> str:
    """`value` with `digits` significant digits, without an exponent; empty for NaN.

    Examples
    --------
    >>> [significant(x) for x in (1234.5, 0.00012345, -2.0, float("nan"))]
    ['1230', '0.000123', '-2', '']
    """
    if np.isnan(value):
        return ""
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")


class _Number(str):
    """A number already written: never taken for a formula because of its minus sign."""

    __slots__ = ()


def _column(column: pd.Series, *, name: str) -> list[Any]:
    import pandas as pd

    missing = column.isna().to_numpy()
    if pd.api.types.is_bool_dtype(column.dtype):
        written = ["true" if value else "false" for value in column.fillna(False)]
    elif pd.api.types.is_numeric_dtype(column.dtype):
        whole = name in WHOLE_COLUMNS or pd.api.types.is_integer_dtype(column.dtype)
        written = [
            _Number(_number(value, whole=whole)) for value in column.to_numpy(dtype=float, na_value=np.nan)
        ]
    else:
        written = [str(value) for value in column.astype(object)]
    return ["" if gone else value for value, gone in zip(written, missing, strict=True)]


def _number(value: float, *, whole: bool) -> str:
    if whole and float(value).is_integer():
        return str(int(value))
    return significant(value, 6 if whole else SIGNIFICANT_DIGITS)


def _cell(value: Any) -> tuple[Any, bool]:
    """What goes into the file, and whether it had to be neutralised."""
    if value is None:
        return "", False
    if isinstance(value, _Number) or not isinstance(value, str):
        return value, False
    # a control character inside a text (a lone carriage return) would begin a new row in some readers
    clean = _CONTROL.sub(" ", value)
    if value.startswith(FORMULA_STARTS) or clean.lstrip(" \u00a0\ufeff\u200b").startswith(FORMULA_STARTS):
        return "'" + clean, True
    return clean, False
