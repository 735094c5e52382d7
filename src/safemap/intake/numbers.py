"""Numbers in text columns: decimal point or comma, decided once for the whole column."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.errors import InputError
from safemap.intake.columns import is_missing

if TYPE_CHECKING:
    import pandas as pd

_COMMA = r"^[+-]?\d+,\d+$"
_COMMA_GROUPED = r"^[+-]?\d{1,3}(?:[. \u00a0]\d{3})+(?:,\d+)?$"
_POINT_GROUPED = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_THREE_DIGITS = r"^[+-]?\d{1,3},\d{3}$"


class Numbers(NamedTuple):
    """A column read as numbers."""

    values: NDArray[np.float64]  #: NaN where missing or unreadable
    missing: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]  #: something is there, but not a finite number
    decimal: str  #: decimal mark used


def read_numbers(column: pd.Series, *, decimal: str | None = None, source: str = "table") -> Numbers:
    """Read a column as floats.

    Parameters
    ----------
    column : Series
        Numbers, or text. ``1.5``, ``1,5`` and grouped forms (``1.234,5`` or ``1,234.5``) are read, one rule
        for the whole column.
    decimal : {".", ","}, optional
        Decimal mark. If not given, the comma is taken when some values need it and none needs the point.
    source : str
        Name of the file for messages.

    Raises
    ------
    InputError
        If the column could be meant either way (all commas have three digits behind them).

    Examples
    --------
    >>> import pandas as pd
    >>> read_numbers(pd.Series(["41,2995", "NA", "north"])).values.tolist()
    [41.2995, nan, nan]
    """
    import pandas as pd

    if decimal not in (None, ".", ","):
        raise InputError(f"decimal must be '.' or ','; got {decimal!r}.")
    if column.dtype.kind in "iufb":
        values = column.to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(values)
        return _finished(values, missing, ".")
    missing = is_missing(column).to_numpy()
    text = column.astype(str).where(~missing, "")
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, copy=True)
    plain = ~np.isnan(values)
    rest = _tidy(text[~plain & ~missing])
    if rest.empty and decimal != ",":
        return _finished(values, missing, ".")
    points = int(text[plain].str.contains(".", regex=False).sum())
    mark = decimal or _decimal_mark(rest, points=points, column=str(column.name), source=source)
    if mark == ",":  # one rule for all: 1.234 is then a grouped number, not a decimal one
        rest = _tidy(text[~missing])
        values[~missing] = _parse(rest, mark)
    else:
        values[~plain & ~missing] = _parse(rest, mark)
    return _finished(values, missing, mark)


def _tidy(text: pd.Series) -> pd.Series:
    return text.str.strip().str.replace("\u2212", "-", regex=False)


def _decimal_mark(rest: pd.Series, *, points: int, column: str, source: str) -> str:
    """Decimal mark that reads most: `rest` are not plain numbers, `points` counts those with a point."""
    comma = rest.str.match(_COMMA) | rest.str.match(_COMMA_GROUPED)
    point = rest.str.match(_POINT_GROUPED)
    only_comma, only_point = int((comma & ~point).sum()), int((point & ~comma).sum())
    if only_comma > only_point + points:
        return ","
    if not only_comma and not only_point and not points and int(rest.str.match(_THREE_DIGITS).sum()):
        raise InputError(
            f"{source}: column {column!r} holds numbers such as '1,234' only, which is either 1.234 or "
            "1234. State decimal=',' or decimal='.'.",
            column=column,
        )
    return "."


def _parse(rest: pd.Series, mark: str) -> NDArray[np.float64]:
    import pandas as pd

    group = "[. \u00a0]" if mark == "," else "[, \u00a0]"
    grouped = rest.str.match(_COMMA_GROUPED if mark == "," else _POINT_GROUPED)
    bare = rest.where(~grouped, rest.str.replace(group, "", regex=True))
    if mark == ",":
        readable = bare.str.match(r"^[+-]?\d+(?:,\d*)?(?:[eE][+-]?\d+)?$")
        bare = bare.where(readable, "").str.replace(",", ".", regex=False)
    return pd.to_numeric(bare, errors="coerce").to_numpy(dtype=float, copy=True)


def _finished(values: NDArray[np.float64], missing: NDArray[np.bool_], mark: str) -> Numbers:
    finite = np.isfinite(values)
    return Numbers(np.where(finite, values, np.nan), missing, ~finite & ~missing, mark)
