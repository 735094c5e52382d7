"""Boundaries as directed segments that know what a point gains by crossing them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: several areas in one number: how many (from this bit on), and the sum of their ranks plus one (below it)
ONE = 1 << 40


class Segments(NamedTuple):
    """Segments of boundaries in a plane with the axes `a` and `b`."""

    a0: Floats
    b0: Floats
    a1: Floats
    b1: Floats
    #: what is added to the sum over the areas around a point that crosses the segment towards greater `a`
    gain: Ints


def read_segments(shapes: NDArray[Any], ranks: Ints) -> tuple[Segments, Segments]:
    """The segments of polygons, and the same with the axes exchanged.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        Valid polygons and multipolygons.
    ranks : ndarray of int
        Rank of each polygon.

    Returns
    -------
    (Segments, Segments)
        With x as `a` and y as `b`; with y as `a` and x as `b`. Segments of no length are left out.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> east, north = read_segments(np.array([box(0, 0, 1, 1)]), np.array([0]))
    >>> [(float(a), int(np.sign(g))) for a, g in zip(east.a0, east.gain) if g]
    [(1.0, -1), (0.0, 1)]
    """
    import shapely

    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    outer = np.append(True, of_ring[1:] != of_ring[:-1])[: len(rings)]
    inside_left = shapely.is_ccw(rings) == outer
    points, ring = shapely.get_coordinates(rings, return_index=True)
    first, last = points[:-1], points[1:]
    real = (ring[:-1] == ring[1:]) & (first != last).any(axis=1)
    x0, y0 = np.ascontiguousarray(first[real].T)
    x1, y1 = np.ascontiguousarray(last[real].T)
    ring = ring[:-1][real]
    value = (ONE + ranks[of_part[of_ring[ring]]] + 1) * np.where(inside_left[ring], 1, -1)
    # Going east across a segment that points north leaves what lies on its left; going north enters it.
    east = Segments(x0, y0, x1, y1, value * (np.sign(y0 - y1)).astype(np.int64))
    north = Segments(y0, x0, y1, x1, value * (np.sign(x1 - x0)).astype(np.int64))
    return east, north
