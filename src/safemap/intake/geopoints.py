"""Positions in exports of field surveys: one text ``lat lon alt acc``, or a column for each part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.intake.columns import is_missing
from safemap.intake.numbers import read_numbers

if TYPE_CHECKING:
    import pandas as pd

    from safemap.intake.xlsform import Codebook

_PARTS = {"latitude": "lat", "longitude": "lon", "precision": "accuracy", "accuracy": "accuracy"}
_KOBO = re.compile(r"^(.*/)?_(.+)_(latitude|longitude|precision)$", re.IGNORECASE)
_ODK = re.compile(r"^(.+)[-:.](latitude|longitude|accuracy)$", re.IGNORECASE)
_TEXT = re.compile(r"-?\d{1,3}(?:\.\d+)?\s+-?\d{1,3}(?:\.\d+)?(?:\s+-?\d+(?:\.\d+)?){0,2}")
_NUM = r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?"
_WKT = re.compile(rf"POINT\s*Z?\s*\(\s*(?P<lon>{_NUM})\s+(?P<lat>{_NUM})(?:\s+{_NUM})?\s*\)", re.IGNORECASE)
_GEOJSON = re.compile(
    rf'\{{.*"coordinates"\s*:\s*\[\s*(?P<lon>{_NUM})\s*,\s*(?P<lat>{_NUM})(?:\s*,\s*{_NUM})?\s*\].*\}}',
    re.DOTALL,
)
_LIST = re.compile(rf"\[\s*{_NUM}\s*,\s*{_NUM}\s*\]")


class GeoColumns(NamedTuple):
    """Columns that hold one position."""

    name: str  #: the question
    text: str | None = None
    lat: str | None = None
    lon: str | None = None
    accuracy: str | None = None


class Positions(NamedTuple):
    """Positions of respondents in degrees on WGS 84."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy: NDArray[np.float64]  #: metres as the device stated them; NaN where not known
    unreadable: NDArray[np.bool_]
    zero: NDArray[np.bool_]
    out_of_range: NDArray[np.bool_]


def find_geopoints(table: pd.DataFrame, codebook: Codebook | None = None) -> list[GeoColumns]:
    """Positions in a table: by the names of their columns, by the form, or by what the texts look like.

    Examples
    --------
    >>> import pandas as pd
    >>> [g.name for g in find_geopoints(pd.DataFrame({"loc-Latitude": ["1"], "loc-Longitude": ["2"]}))]
    ['loc']
    """
    parts: dict[str, dict[str, str]] = {}
    for column in map(str, table.columns):
        kobo, odk = _KOBO.match(column), _ODK.match(column)
        if kobo:
            name, part = (kobo.group(1) or "") + kobo.group(2), kobo.group(3)
        elif odk:
            name, part = odk.group(1), odk.group(2)
        else:
            continue
        parts.setdefault(name, {})[_PARTS[part.lower()]] = column
    asked = _asked_positions(table.columns, codebook)
    found = {
        name: GeoColumns(name, name if name in table.columns else None, **columns)
        for name, columns in parts.items()
        if {"lat", "lon"} <= set(columns)
    }
    for column in map(str, table.columns):
        if column not in found and (
            column in asked or (codebook is None and _looks_like_positions(table[column]))
        ):
            found[column] = GeoColumns(column, column)
    return list(found.values())


def read_positions(table: pd.DataFrame, columns: GeoColumns, *, source: str) -> Positions:
    """Positions of one question.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"loc": ["41.2995 69.2401 450 5", ""]})
    >>> read_positions(table, GeoColumns("loc", "loc"), source="a.csv")[:3]
    (array([69.2401,     nan]), array([41.2995,     nan]), array([ 5., nan]))
    """
    if columns.lat is not None and columns.lon is not None:
        lat, lon = (read_numbers(table[c], source=source) for c in (columns.lat, columns.lon))
        unreadable = lat.unreadable | lon.unreadable
        accuracy = np.full(len(table), np.nan)
        if columns.accuracy is not None:
            accuracy = read_numbers(table[columns.accuracy], source=source).values
        return _checked(lat.values, lon.values, accuracy, unreadable)
    parsed = [parse_geopoint(v) for v in table[columns.text].where(~is_missing(table[columns.text]), "")]
    unreadable = np.array([p is None for p in parsed], dtype=bool)
    values = np.array([p or (np.nan,) * 3 for p in parsed], dtype=float).reshape(-1, 3)
    return _checked(values[:, 0], values[:, 1], values[:, 2], unreadable)


def parse_geopoint(text: object) -> tuple[float, float, float] | None:
    """Latitude, longitude and accuracy of a text ``lat lon [alt [acc]]``; NaN if empty, None if unreadable.

    Also of ``POINT (lon lat)`` and GeoJSON as ODK Central writes them, and ``[lat, lon]`` of Kobo.

    Examples
    --------
    >>> parse_geopoint("POINT Z (69.24 41.3 450)")[:2], parse_geopoint("[41.3, 69.24]")[:2]
    ((41.3, 69.24), (41.3, 69.24))
    >>> parse_geopoint("41.2995 69.2401 450 5"), parse_geopoint("north of the market") is None
    ((41.2995, 69.2401, 5.0), True)
    """
    written = str(text).strip()
    other = _WKT.fullmatch(written) or _GEOJSON.fullmatch(written)
    if other:  # longitude first
        written = f"{other['lat']} {other['lon']}"
    elif _LIST.fullmatch(written):  # _geolocation of Kobo: latitude first
        written = written.strip("[]").replace(",", " ")
    tokens = written.split()
    if not tokens:
        return (np.nan, np.nan, np.nan)
    try:
        numbers = [float(t) for t in tokens]
    except ValueError:
        return None
    if len(numbers) not in (2, 3, 4) or not np.isfinite(numbers).all():
        return None
    return numbers[0], numbers[1], numbers[3] if len(numbers) == 4 else np.nan


def _checked(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    unreadable: NDArray[np.bool_],
) -> Positions:
    """Positions with zeros and impossible ones made missing, and remembered."""
    with np.errstate(invalid="ignore"):
        zero = (lat == 0) & (lon == 0)
        beyond = (np.abs(lat) > 90) | (np.abs(lon) > 180)
    bad = zero | beyond | np.isnan(lat) | np.isnan(lon)
    return Positions(
        np.where(bad, np.nan, lon),
        np.where(bad, np.nan, lat),
        np.where(bad, np.nan, accuracy),
        unreadable,
        zero,
        beyond,
    )


def _asked_positions(columns: Sequence[str], codebook: Codebook | None) -> set[str]:
    """Columns of the table that are questions of type geopoint."""
    if codebook is None:
        return set()
    names = {
        variant
        for q in codebook
        if q.type == "geopoint"
        for variant in (q.name, *(mark.join((*q.groups, q.name)) for mark in ("/", "-", ":", ".")))
    }
    return {str(c) for c in columns} & names


def _looks_like_positions(column: pd.Series) -> bool:
    """Every answer is two to four numbers, and at least one has an altitude (two alone may be anything)."""
    if column.dtype.kind in "iufbM":
        return False
    texts = column[~is_missing(column)].astype(str).str.strip()
    return (len(texts) > 0 and bool(texts.map(_is_stated_point).all())) or (
        len(texts) > 0
        and bool(texts.map(_TEXT.fullmatch).notna().all())
        and int(texts.str.count(r"\s").max()) == 3
    )


def _is_stated_point(text: str) -> bool:
    return bool(_WKT.fullmatch(text) or _GEOJSON.fullmatch(text))
