"""Points in areas at any size: the quick way where it pays, the exact predicates where it cannot decide.

Both ways give the same answer for every point; tests compare them row by row.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.geo.points import INSIDE, OUTSIDE, SortedPoints, place_few_points, place_points
from safemap.geo.raster_lookup import NOWHERE, OPEN, Box, RasterLookup

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: points below which the exact predicates alone are quicker than building a grid first
_FEW = 20_000
#: vertices per area, beyond one per point, above which reading the boundaries takes longer than it saves
_VERTICES_PER_AREA = 20
#: points per area below which areas are found in a tree, point by point
_TREE_PER_AREA = 30

#: GEOS builds the index of a prepared area at its first use, which two threads must not do at once
_PREPARED = Lock()


class Located(NamedTuple):
    """Where each point lies."""

    area: NDArray[np.int32]  #: position of the area, -1 for none
    match: NDArray[np.int8]  #: position in :data:`safemap.geo.points.MATCHES`


class AreaLocator:
    """Areas that can be asked again and again which of them holds a point.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        Valid polygons.
    ranks : ndarray of int
        Rank of each area's id; the lowest wins where several areas hold a point.
    expected : int
        Number of points to come. Few points, and far fewer than the areas have vertices, go straight to the
        exact predicates.
    window : (xmin, ymin, xmax, ymax), optional
        Box of the points to come, where it is known; points beyond it may not be asked for.

    Notes
    -----
    Areas are closed. A point on a border or in an overlap belongs to the lowest id (guarantee 1).

    Examples
    --------
    >>> from shapely.geometry import box
    >>> locator = AreaLocator(np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)]), np.array([0, 1]), expected=10)
    >>> locator.locate(np.array([0.5, 1.0, 3.0]), np.array([0.5, 0.5, np.nan])).area.tolist()
    [0, 0, -1]
    """

    def __init__(
        self, shapes: NDArray[Any], ranks: Ints, *, expected: int, window: Box | None = None
    ) -> None:
        import shapely

        self._shapes, self._ranks = shapes, ranks
        self._lookup: RasterLookup | None = None
        self._tree: Any = None
        vertices = int(shapely.get_num_coordinates(shapes).sum())
        if expected < _FEW or vertices > expected + _VERTICES_PER_AREA * len(shapes):
            return
        self._lookup = RasterLookup(shapes, ranks, expected=expected, window=window)
        overlaps = self._exactly(*self._lookup.overlaps)
        # by answer of the lookup: areas, overlaps and, counted from the end, open and nowhere
        ends = np.array([OPEN, NOWHERE], dtype=np.int32)
        self._area = np.concatenate([np.arange(len(shapes), dtype=np.int32), overlaps.area, ends])
        self._match = np.full(len(self._area), INSIDE, dtype=np.int8)
        self._match[len(shapes) : -2] = overlaps.match
        self._match[-2:] = OUTSIDE

    def locate(self, x: Floats, y: Floats) -> Located:
        """The area of each point and how it matches; points without coordinates are outside."""
        if self._lookup is None:
            return self._exactly(x, y)
        found = self._lookup.find(x, y)
        rest = np.flatnonzero(found == OPEN)
        area, match = self._area.take(found, mode="wrap"), self._match.take(found, mode="wrap")
        if len(rest):
            area[rest], match[rest] = self._exactly(x[rest], y[rest])
        return Located(area, match)

    def _exactly(self, x: Floats, y: Floats) -> Located:
        """The same by exact predicates alone."""
        import shapely

        with _PREPARED:
            if len(x) > _TREE_PER_AREA * len(self._shapes):
                placed = place_points(SortedPoints(x, y), len(x), self._shapes, self._ranks)
            else:
                self._tree = self._tree or shapely.STRtree(self._shapes)
                placed = place_few_points(x, y, self._tree, self._ranks)
        return Located(placed.area.astype(np.int32), placed.match())
