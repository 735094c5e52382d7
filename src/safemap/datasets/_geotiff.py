"""A small GeoTIFF that is the same bytes on every machine: no library of rasters and no compressor writes it.

One band of 32-bit floats in degrees on WGS 84, rows from north to south, one strip, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from safemap.datasets._mesh import Point

_SHORT, _LONG, _ASCII, _DOUBLE = 3, 4, 2, 12
_FORMAT = {_SHORT: "H", _LONG: "I", _DOUBLE: "d"}
#: keys of the coordinate system: geographic, pixel is area, EPSG:4326, degrees
_GEO_KEYS = (1, 1, 0, 4, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326, 2054, 0, 1, 9102)


class Grid(NamedTuple):
    """Where the cells of a raster lie, in degrees."""

    west: float
    north: float
    cell: float
    rows: int
    columns: int


def geotiff(values: Sequence[Sequence[float]], grid: Grid, *, nodata: float, description: str) -> bytes:
    """Content of a GeoTIFF.

    Parameters
    ----------
    values : rows of numbers
        The first row is the northernmost; `nodata` where there is no value.
    grid : Grid
        Where the cells lie.
    nodata : float
        Value that stands for no data.
    description : str
        What the values are; plain ASCII.

    References
    ----------
    Adobe (1992). TIFF Revision 6.0. Open Geospatial Consortium (2019). GeoTIFF Standard 1.1 (19-008r4).

    Examples
    --------
    >>> geotiff([[1.5, -1.0]], Grid(36.8, -1.2, 0.5, 1, 2), nodata=-1.0, description="people")[:4]
    b'II*\\x00'
    """
    pixels = b"".join(struct.pack(f"<{grid.columns}f", *row) for row in values)
    entries: list[tuple[int, int, Sequence[float] | bytes]] = [
        (256, _LONG, [grid.columns]),
        (257, _LONG, [grid.rows]),
        (258, _SHORT, [32]),
        (259, _SHORT, [1]),  # not compressed
        (262, _SHORT, [1]),  # zero is black
        (270, _ASCII, _text(description)),
        (273, _LONG, [0]),  # where the pixels begin; filled in below
        (277, _SHORT, [1]),
        (278, _LONG, [grid.rows]),
        (279, _LONG, [len(pixels)]),
        (284, _SHORT, [1]),
        (339, _SHORT, [3]),  # IEEE floats
        (33550, _DOUBLE, [grid.cell, grid.cell, 0.0]),
        (33922, _DOUBLE, [0.0, 0.0, 0.0, grid.west, grid.north, 0.0]),
        (34735, _SHORT, _GEO_KEYS),
        (42113, _ASCII, _text(f"{nodata:g}")),
    ]
    start = 8 + 2 + 12 * len(entries) + 4  # header, count, entries, end of directories
    placed = _place(entries, start)
    pixels_at = start + len(placed.data)
    directory = struct.pack("<H", len(entries))
    for (tag, kind, content), value in zip(entries, placed.values, strict=True):
        field = struct.pack("<I", pixels_at) if tag == 273 else value
        directory += struct.pack("<HHI", tag, kind, len(content)) + field
    return b"II*\x00" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + placed.data + pixels


class _Placed(NamedTuple):
    values: list[bytes]  #: four bytes per entry: the content, or where it lies
    data: bytes


def _place(entries: Sequence[tuple[int, int, Sequence[float] | bytes]], start: int) -> _Placed:
    """Content of up to four bytes stands in the entry itself, longer content behind the directory."""
    values, data = [], b""
    for _, kind, content in entries:
        raw = (
            content
            if isinstance(content, bytes)
            else struct.pack(f"<{len(content)}{_FORMAT[kind]}", *content)
        )
        if len(raw) <= 4:
            values.append(raw.ljust(4, b"\x00"))
        else:
            values.append(struct.pack("<I", start + len(data)))
            data += raw + b"\x00" * (-len(raw) % 4)
    return _Placed(values, data)


def _text(text: str) -> bytes:
    return text.encode("ascii") + b"\x00"


def clipped_area(ring: Sequence[Point], west: float, south: float, east: float, north: float) -> float:
    """Area of the part of a polygon inside a rectangle (Sutherland and Hodgman 1974), in square units.

    Examples
    --------
    >>> clipped_area([(0.0, 0.0), (2.0, 0.0), (0.0, 2.0)], 0.0, 0.0, 1.0, 1.0)
    1.0
    """
    corners = list(ring)
    for axis, bound, keep_above in ((0, west, True), (0, east, False), (1, south, True), (1, north, False)):
        corners = _cut(corners, axis, bound, keep_above)
        if not corners:
            return 0.0
    ox, oy = corners[0]
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    return sum((a[0] - ox) * (b[1] - oy) - (b[0] - ox) * (a[1] - oy) for a, b in pairs) / 2


def _cut(corners: list[Point], axis: int, bound: float, keep_above: bool) -> list[Point]:
    """The part of a polygon on one side of a horizontal or vertical line."""
    kept: list[Point] = []
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        a_in, b_in = (p[axis] >= bound if keep_above else p[axis] <= bound for p in (a, b))
        if a_in:
            kept.append(a)
        if a_in != b_in:
            share = (bound - a[axis]) / (b[axis] - a[axis])
            other = a[1 - axis] + share * (b[1 - axis] - a[1 - axis])
            kept.append((bound, other) if axis == 0 else (other, bound))
    return kept
