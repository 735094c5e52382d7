"""Degrees, minutes and seconds, as GPS devices and gazetteers write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

#: letters of the compass in English, Spanish and Russian; only letters that mean one thing in all of them
_NORTH_EAST, _SOUTH_WEST = "NEСВ", "SWOЮЗ"
_LON, _LAT = "EWOВЗ", "NSСЮ"
_LETTER = rf"(?P<{{}}>[{_NORTH_EAST}{_SOUTH_WEST}])?"
_DMS = re.compile(
    rf"^\s*{_LETTER.format('before')}\s*(?P<minus>[-\u2212])?\s*(?P<d>\d{{1,3}})\s*[°º˚]\s*"
    r"(?:(?P<m>\d{1,2}(?:[.,]\d+)?)\s*['’′´]\s*)?"
    r"(?:(?P<s>\d{1,2}(?:[.,]\d+)?)\s*(?:[\"”″]|''|’’|′′)\s*)?"
    rf"{_LETTER.format('after')}\s*$"
)


def read_degrees(column: pd.Series, *, axis: str) -> NDArray[np.float64]:
    """Decimal degrees of the cells that are written with signs of degrees; NaN for the others.

    Parameters
    ----------
    column : Series
        Texts such as ``19°25'12"N``, ``99° 8.5' W``, ``-99°08'30"``.
    axis : {"lon", "lat"}
        A letter of the other axis makes a cell unreadable.

    Notes
    -----
    degrees + minutes / 60 + seconds / 3600, negative for S, W, O (oeste), Ю, З or a minus sign. A cell is
    not read if
    minutes or seconds reach 60, a sign and a letter come together, or minutes are followed by seconds with
    decimals
    in both.

    Examples
    --------
    >>> import pandas as pd
    >>> read_degrees(pd.Series(["99°08'30\\"W", "69° 14.4' E", "19°25'12\\"N"]), axis="lon").round(5).tolist()
    [-99.14167, 69.24, nan]
    """
    limit = 180.0 if axis == "lon" else 90.0
    return np.array([_degrees(v, axis, limit) for v in column.astype(object)], dtype=float)


def _degrees(value: object, axis: str, limit: float) -> float:
    found = _DMS.match(str(value).upper())
    if found is None:
        return np.nan
    before, after, minus = found["before"], found["after"], found["minus"]
    letter = before or after
    if (
        (before and after)
        or (letter and minus)
        or (letter and letter not in (_LON if axis == "lon" else _LAT))
    ):
        return np.nan
    minutes, seconds = (float((found[p] or "0").replace(",", ".")) for p in "ms")
    if minutes >= 60 or seconds >= 60 or (minutes % 1 and seconds) or (found["s"] and not found["m"]):
        return np.nan
    size = int(found["d"]) + minutes / 60 + seconds / 3600
    negative = minus is not None or (letter is not None and letter in _SOUTH_WEST)
    return np.nan if size > limit else (-size if negative else size)
