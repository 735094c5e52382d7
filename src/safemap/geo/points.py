"""Points in areas, without ever building a point: which area holds each of many coordinates.

Areas are closed. A point on a border, a corner or in an overlap belongs to the area with the lowest id, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: how a point relates to the areas; the codes below are positions in it
MATCHES = ("inside", "boundary", "overlap", "nearest", "outside", "missing")
INSIDE, BOUNDARY, OVERLAP, NEAREST, OUTSIDE, MISSING = range(6)

#: points from which the strips are cut
_SAMPLE = 20_000
#: rows of a block in which distances are computed, so that memory stays bounded
_BLOCK = 50_000


class Placement(NamedTuple):
    """Where each point fell."""

    area: Ints  #: position of the area, -1 for none
    closed: Ints  #: number of areas that hold the point, borders included
    interior: NDArray[np.bool_]  #: whether at least one holds it strictly inside

    def match(self) -> NDArray[np.int8]:
        """Position in :data:`MATCHES` for each point: inside, boundary, overlap or outside."""
        doubled = self.closed > 1
        code = np.where(self.interior, np.where(doubled, OVERLAP, INSIDE), BOUNDARY)
        return np.where(self.closed == 0, OUTSIDE, code).astype(np.int8)


class SortedPoints:
    """Coordinates sorted into strips, so that those near an area are found by a few binary searches.

    Built once and asked for several sets of areas in the same coordinate system.
    """

    def __init__(self, x: Floats, y: Floats, *, strips: int = 64) -> None:
        finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        x, y = x[finite], y[finite]
        # Strips hold equally many points, so that a stray point at (0, 0) does not spoil the sorting.
        ranks = np.linspace(0, 1, strips + 1)[1:-1]
        some = y[:: max(1, len(y) // _SAMPLE)]
        self._cuts: Floats = np.quantile(some, ranks) if len(y) else np.empty(0)
        strip = np.searchsorted(self._cuts, y, side="right")
        order = np.argsort(x)
        order = order[np.argsort(strip[order].astype(np.uint16), kind="stable")]
        self._rows: Ints = finite[order]
        self._x, self._y = np.ascontiguousarray(x[order]), np.ascontiguousarray(y[order])
        self._starts: Ints = np.searchsorted(strip[order], np.arange(len(self._cuts) + 2))
        self.size = len(finite)

    def near(self, bounds: Floats) -> tuple[Ints, Floats, Floats]:
        """Positions and coordinates of the points in a box (xmin, ymin, xmax, ymax), borders included."""
        xmin, ymin, xmax, ymax = bounds
        first = int(np.searchsorted(self._cuts, ymin, side="left"))
        last = int(np.searchsorted(self._cuts, ymax, side="right"))
        spans = []
        for strip in range(first, last + 1):
            start, stop = self._starts[strip], self._starts[strip + 1]
            low = start + np.searchsorted(self._x[start:stop], xmin, side="left")
            high = start + np.searchsorted(self._x[start:stop], xmax, side="right")
            if high > low:
                spans.append(np.arange(low, high))
        at = np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)
        y = self._y[at]
        at = at[(y >= ymin) & (y <= ymax)]
        return self._rows[at], self._x[at], self._y[at]


def id_ranks(ids: pd.Index) -> Ints:
    """Rank of each id: numbers in numeric order if all ids are whole numbers, else text order.

    Examples
    --------
    >>> import pandas as pd
    >>> id_ranks(pd.Index(["10", "9", "007"])).tolist(), id_ranks(pd.Index(["10", "9", "a"])).tolist()
    ([2, 1, 0], [0, 1, 2])
    """
    text = [str(i) for i in ids]
    numeric = all(t.isascii() and t.removeprefix("-").isdigit() for t in text)
    order = sorted(range(len(text)), key=lambda i: (int(text[i]), text[i]) if numeric else (0, text[i]))
    ranks = np.empty(len(text), dtype=np.int64)
    ranks[order] = np.arange(len(text))
    return ranks


def place_points(points: SortedPoints, n: int, shapes: NDArray[Any], ranks: Ints) -> Placement:
    """Place points in areas.

    Parameters
    ----------
    points : SortedPoints
        Coordinates in the system of the areas.
    n : int
        Number of rows the points were made from (rows without coordinates included).
    shapes : ndarray of shapely geometries
        Valid polygons.
    ranks : ndarray of int
        Rank of each area's id; the lowest wins.

    Returns
    -------
    Placement
        One entry per row.

    Notes
    -----
    A point is tested against the areas whose box holds it: first strictly inside (``contains_xy``), then, for
    the few left in the box, on the border (``intersects_xy``). Both use exact predicates on prepared
    geometries.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> import numpy as np
    >>> shapes = np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)])
    >>> points = SortedPoints(np.array([0.5, 1.0, 3.0]), np.array([0.5, 0.5, 0.5]))
    >>> placed = place_points(points, 3, shapes, np.array([0, 1]))
    >>> placed.area.tolist(), [MATCHES[code] for code in placed.match()]
    ([0, 0, -1], ['inside', 'boundary', 'outside'])
    """
    import shapely

    area = np.full(n, -1, dtype=np.int64)
    closed = np.zeros(n, dtype=np.int64)
    interior = np.zeros(n, dtype=bool)
    boxes = shapely.bounds(shapes)
    for position in np.argsort(ranks):  # the lowest id comes first and keeps what it holds
        rows, x, y = points.near(boxes[position])
        if not len(rows):
            continue
        shape = shapes[position]
        shapely.prepare(shape)
        inside = shapely.contains_xy(shape, x, y)
        held = inside.copy()
        held[~inside] = shapely.intersects_xy(shape, x[~inside], y[~inside])
        interior[rows[inside]] = True
        rows = rows[held]
        closed[rows] += 1
        free = rows[area[rows] == -1]
        area[free] = position
    return Placement(area, closed, interior)


def place_few_points(x: Floats, y: Floats, tree: Any, ranks: Ints) -> Placement:
    """Place points as :func:`place_points` does, point by point: quicker where there are many areas.

    Parameters
    ----------
    x, y : ndarray
        Coordinates in the system of the areas.
    tree : shapely.STRtree
        Of the areas, which are valid polygons.
    ranks : ndarray of int
        Rank of each area's id; the lowest wins.

    Examples
    --------
    >>> import shapely
    >>> tree = shapely.STRtree([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    >>> place_few_points(np.array([0.5, 1.0]), np.array([0.5, 0.5]), tree, np.array([1, 0])).area.tolist()
    [0, 1]
    """
    import shapely

    shapes = tree.geometries
    shapely.prepare(shapes)
    area = np.full(len(x), -1, dtype=np.int64)
    closed = np.zeros(len(x), dtype=np.int64)
    interior = np.zeros(len(x), dtype=bool)
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    for start in range(0, len(finite), _BLOCK):
        rows = finite[start : start + _BLOCK]
        point, candidate = tree.query(shapely.points(x[rows], y[rows]))
        point = rows[point]
        inside = shapely.contains_xy(shapes[candidate], x[point], y[point])
        held = inside.copy()
        rest = ~inside
        held[rest] = shapely.intersects_xy(shapes[candidate[rest]], x[point[rest]], y[point[rest]])
        interior[point[inside]] = True
        point, candidate = point[held], candidate[held]
        np.add.at(closed, point, 1)
        order = np.argsort(ranks[candidate])[::-1]
        area[point[order]] = candidate[order]  # written last: the lowest rank
    return Placement(area, closed, interior)


def nearest_areas(
    x: Floats, y: Floats, shapes: NDArray[Any], ranks: Ints, *, max_distance: float
) -> tuple[Ints, Floats]:
    """The nearest area within `max_distance`, and its distance, for points outside all areas.

    Parameters
    ----------
    x, y : ndarray
        Coordinates in a system of metres; NaN is near nothing.
    shapes : ndarray of shapely geometries
        Polygons in the same system.
    ranks : ndarray of int
        Rank of each area's id; of equally near areas the lowest wins.
    max_distance : float
        Metres.

    Returns
    -------
    area : ndarray of int
        Position of the area, -1 for none.
    distance : ndarray of float
        Metres; infinite for none.
    """
    import shapely

    area, distance = np.full(len(x), -1, dtype=np.int64), np.full(len(x), np.inf)
    boxes = shapely.bounds(shapes)
    low, high = boxes[:, :2].min(axis=0) - max_distance, boxes[:, 2:].max(axis=0) + max_distance
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    tree = shapely.STRtree(shapes)
    for start in range(0, len(near), _BLOCK):
        rows = near[start : start + _BLOCK]
        (point, found), metres = tree.query_nearest(
            shapely.points(x[rows], y[rows]),
            max_distance=max_distance,
            return_distance=True,
            all_matches=True,
        )
        order = np.lexsort((ranks[found], point))
        first = order[np.unique(point[order], return_index=True)[1]]
        area[rows[point[first]]] = found[first]
        distance[rows[point[first]]] = metres[first]
    return area, distance
