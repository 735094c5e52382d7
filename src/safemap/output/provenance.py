"""What the manifest of a bundle says: settings, versions, seeds, counts, dates; nothing about the user.

No wall time, no path, no machine; dates come from the data or from ``SOURCE_DATE_EPOCH``.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any

import numpy as np

from safemap.errors import ConfigError

#: Libraries whose version can change a number or a byte.
LIBRARIES = (
    "numpy", "scipy", "pandas", "geopandas", "shapely", "pyproj", "pyogrio", "folium", "branca",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of safemap, Python and the libraries that compute and write.

    Examples
    --------
    >>> list(versions())[:2]
    ['safemap', 'python']
    """
    from safemap import __version__

    found = {"safemap": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def bundle_date(newest: Any = None) -> str:
    """The day a bundle carries: ``SOURCE_DATE_EPOCH`` if set, else the newest date of the data (YYYY-MM-DD).

    Parameters
    ----------
    newest : date, Timestamp or None
        Newest date of the events; without one the day is 1970-01-01, which stands for "not known".

    Examples
    --------
    >>> import datetime
    >>> bundle_date(datetime.date(2023, 12, 31))
    '2023-12-31'
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        try:
            return dt.datetime.fromtimestamp(int(epoch), tz=dt.UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            raise ConfigError(f"SOURCE_DATE_EPOCH must be seconds since 1970; got {epoch!r}.") from None
    if newest is None or newest != newest:
        return "1970-01-01"
    return newest.strftime("%Y-%m-%d")


def plain_value(value: Any) -> Any:
    """`value` as JSON can hold it: paths without folders, NaN as null, arrays and sets as lists.

    Examples
    --------
    >>> plain_value({"p": np.float64(0.5), "n": float("nan"), "ids": {"b", "a"}})
    {'p': 0.5, 'n': None, 'ids': ['a', 'b']}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain_value(item) for item in value), key=str)
    if isinstance(value, (list, tuple)) or (hasattr(value, "tolist") and hasattr(value, "__len__")):
        return [plain_value(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
