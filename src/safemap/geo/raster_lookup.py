"""Which area holds each of millions of points: most are answered by one look at a grid.

A grid is laid over the areas. A cell that no boundary comes near lies in the same areas throughout, so a
point in it is answered by reading one number. In the other cells a point is compared with the segments of
boundaries between it and the nearest free cell to the left or below: each segment crossed on the way leaves
one area or enters one. The comparison is the sign of a determinant with a proven bound on its rounding
error. What cannot be decided so is left open for the exact predicates: a point on a border or nearly, one
in several areas near a border of one of them, one with too many segments on its way.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.geo.segments import ONE, Segments, read_segments

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Box = tuple[float, float, float, float]

#: answers besides positions of areas
NOWHERE, OPEN = -1, -2

#: distance in cells within which a segment counts as touching a cell; far above the rounding of coordinates
_NEAR = 1e-6
#: widest box of the areas in cells, so that rounding stays far below that distance
_REACH = 1e6
#: entries on the way to a free cell above which the predicates of GEOS, which have an index, are quicker
_WAY_MAX = 48
#: bound on the error of a determinant of three points (Shewchuk), and a floor against underflow
_BOUND, _FLOOR = 3.3306690738754716e-16, 1e-290
#: added where a segment cannot be decided; above any number of areas times ONE
_UNSURE = 1 << 58
#: points looked up at once, so that what is computed on the way stays in the cache
_BLOCK = 1 << 16
CELLS_MIN, CELLS_MAX = 1 << 10, 1 << 22
#: weight of a point near a boundary against a cell; found by trial, flat around the best
_CELLS_PER = 2.0


class Grid(NamedTuple):
    """Equal cells, column by column and row by row."""

    x0: float
    y0: float
    dx: float
    dy: float
    columns: int
    rows: int

    def turned(self) -> Grid:
        """The same grid with the axes exchanged."""
        return Grid(self.y0, self.x0, self.dy, self.dx, self.rows, self.columns)

    def across(self, x: Floats) -> Floats:
        """Distance from the left border in cells; it never falls where `x` rises."""
        return np.asarray((x - self.x0) * (1.0 / self.dx))

    def up(self, y: Floats) -> Floats:
        """Distance from the lower border in cells."""
        return np.asarray((y - self.y0) * (1.0 / self.dy))

    def centre(self, column: Ints, row: Ints) -> tuple[Floats, Floats]:
        """Coordinates of the centres of cells."""
        x, y = self.x0 + (column + 0.5) * self.dx, self.y0 + (row + 0.5) * self.dy
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


class _Strips(NamedTuple):
    """Segments cut by the rows of a grid: which cells of a row each of them comes near."""

    segment: Ints
    row: Ints
    first: Ints  #: first column
    last: Ints  #: last column


class _Ways(NamedTuple):
    """Per cell near a boundary: the segments on the way to a free cell, and what holds that free cell."""

    start: Ints  #: first entry; entries of cells in one run overlap
    many: Ints  #: number of entries; 0 where there is no way
    base: Ints  #: sum over the areas that hold the free cell
    north: Bools  #: True where the free cell lies below, False where it lies to the left
    entries: Ints  #: positions of segments; those with exchanged axes come behind the others


class RasterLookup:
    """A grid over areas, built once and asked for any number of points.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        Valid polygons.
    ranks : ndarray of int
        Rank of each area's id: a permutation of 0 to n - 1.
    expected : int
        Number of points to come, which decides on the size of the cells.
    window : (xmin, ymin, xmax, ymax), optional
        Box of the points to come, where it is known. Points beyond it may not be asked for.

    Attributes
    ----------
    overlaps : (ndarray, ndarray)
        Coordinates of one point in each row of adjacent cells that lie in several areas throughout. Points in
        the k-th are answered with the number of areas plus k.

    Notes
    -----
    A cell costs once, a point in a cell near a boundary costs every time. With n points, boundaries of the
    length L (in sides of the window) and m cells the cost is ``c m + n L / sqrt(m)``, which is least at
    ``m ~ (n L)^(2/3)``.

    References
    ----------
    Shewchuk, J. R. (1997). Adaptive precision floating-point arithmetic and fast robust geometric predicates.
    Discrete & Computational Geometry 18, 305-363. doi:10.1007/PL00009321

    Examples
    --------
    >>> from shapely.geometry import box
    >>> lookup = RasterLookup(np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)]), np.array([0, 1]), expected=1000)
    >>> lookup.find(np.array([0.5, 1.5, 1.0, 3.0]), np.array([0.5, 0.5, 0.5, 0.5])).tolist()
    [0, 1, -2, -1]
    """

    def __init__(
        self, shapes: NDArray[Any], ranks: Ints, *, expected: int, window: Box | None = None
    ) -> None:
        east, north = read_segments(shapes, ranks)
        self.grid = grid = _choose_grid(east, expected, window)
        self._area = np.argsort(ranks).astype(np.int32)
        by_row, by_column = _strips(east, grid), _strips(north, grid.turned())
        width = grid.columns + 2  # one more cell on each side, beyond which points are taken to lie
        near = np.zeros((grid.rows + 2) * width, dtype=bool)
        _mark(near, by_row, width, 1)
        _mark(near, by_column, 1, width)
        held = _sums(east, grid)
        cells = np.flatnonzero(near)
        self._code, several = _codes(near, held, cells, self._area)
        self.overlaps = grid.centre(several % width - 1, several // width - 1)
        self._ways = _find_ways(self._code, near, held, cells, (by_row, by_column), grid, len(east.gain))
        self._table = np.concatenate([np.column_stack(s[:4]) for s in (east, north)])
        self._gain = np.concatenate([east.gain, north.gain])

    def find(self, x: Floats, y: Floats) -> NDArray[np.int32]:
        """Position of the area of each point, number of the overlap, :data:`NOWHERE`, or :data:`OPEN`.

        A point without coordinates lies nowhere.
        """
        found = np.empty(len(x), dtype=np.int32)
        for start in range(0, len(x), _BLOCK):
            block = slice(start, start + _BLOCK)
            self._find(x[block], y[block], found[block])
        return found

    def _find(self, x: Floats, y: Floats, out: NDArray[np.int32]) -> None:
        grid = self.grid
        # a number wins over NaN in fmin and fmax, so what has no coordinates lands beyond the border
        column = np.fmax(np.fmin(grid.across(x) + 1.0, grid.columns + 1.0), 0.0).astype(np.int32)
        row = np.fmax(np.fmin(grid.up(y) + 1.0, grid.rows + 1.0), 0.0).astype(np.int32)
        row *= np.int32(grid.columns + 2)
        row += column
        self._code.take(row, out=out, mode="clip")
        rest = np.flatnonzero(out < OPEN)
        if len(rest):
            out[rest] = self._cross(x[rest], y[rest], OPEN - 1 - out[rest])

    def _cross(self, x: Floats, y: Floats, cell: NDArray[np.int32]) -> NDArray[np.int32]:
        """The areas of points in cells near a boundary, by the segments on their ways to free cells."""
        ways = self._ways
        many, north = ways.many[cell], ways.north[cell]
        a, b = np.where(north, y, x), np.where(north, x, y)
        point = np.repeat(np.arange(len(x)), many)
        ends = np.cumsum(many)
        entry = ways.entries[np.arange(len(point)) + np.repeat(ways.start[cell] - ends + many, many)]
        total = np.where(many > 0, ways.base[cell], _UNSURE)  # more than two areas' worth: open
        a0, b0, a1, b1 = self._table[entry].T
        q = b[point]
        at = np.flatnonzero((np.minimum(b0, b1) <= q) & (q <= np.maximum(b0, b1)))
        point, entry, q = point[at], entry[at], q[at]
        a0, b0, a1, b1 = a0[at], b0[at], a1[at], b1[at]
        beyond, unsure = _side(a[point], q, a0, b0, a1, b1)
        crossed = beyond & ((b0 <= q) != (b1 <= q))
        np.add.at(total, point, np.where(crossed, self._gain[entry], 0) + np.where(unsure, _UNSURE, 0))
        one = (total >= ONE) & (total < 2 * ONE)
        answer = np.where(total == 0, NOWHERE, OPEN).astype(np.int32)
        answer[one] = self._area[total[one] - ONE - 1]
        return answer


def _side(a: Floats, b: Floats, a0: Floats, b0: Floats, a1: Floats, b1: Floats) -> tuple[Bools, Bools]:
    """Whether a point lies beyond a segment at its height (at greater `a`), and whether it may lie on it."""
    left, right = (a0 - a) * (b1 - b), (b0 - b) * (a1 - a)
    det = left - right
    vague = np.abs(det) <= _BOUND * (np.abs(left) + np.abs(right)) + _FLOOR
    low, high = np.minimum(a0, a1), np.maximum(a0, a1)
    beyond = np.where(vague, a > high, (det < 0) == (b1 > b0))
    return beyond, vague & (low <= a) & (a <= high)


def _choose_grid(segments: Segments, expected: int, window: Box | None) -> Grid:
    """Square cells, as many as the number of points and the length of the boundaries call for."""
    a0, b0, a1, b1, _ = segments
    xmin, ymin = float(min(a0.min(), a1.min())), float(min(b0.min(), b1.min()))
    xmax, ymax = float(max(a0.max(), a1.max())), float(max(b0.max(), b1.max()))
    reach = max(xmax - xmin, ymax - ymin)
    if window is not None:
        xmin, ymin = max(xmin, window[0]), max(ymin, window[1])
        xmax, ymax = max(xmin, min(xmax, window[2])), max(ymin, min(ymax, window[3]))
    smallest = reach / _REACH
    width, height = max(xmax - xmin, smallest), max(ymax - ymin, smallest)
    length = float((np.abs(a1 - a0) / width + np.abs(b1 - b0) / height).sum())
    cells = min(max((_CELLS_PER * expected * length) ** (2 / 3), CELLS_MIN), CELLS_MAX)
    side = max((width * height / cells) ** 0.5, smallest)
    columns, rows = min(int(width / side) + 1, CELLS_MAX // 4), min(int(height / side) + 1, CELLS_MAX // 4)
    dx, dy = width / columns, height / rows
    # a cell and a half more on each side keeps the outermost cells free of boundaries
    return Grid(xmin - 1.5 * dx, ymin - 1.5 * dy, dx, dy, columns + 3, rows + 3)


def _strips(segments: Segments, grid: Grid) -> _Strips:
    """Each segment with each row it comes near, and the columns it comes near there."""
    u0, u1 = grid.across(segments.a0), grid.across(segments.a1)
    v0, v1 = grid.up(segments.b0), grid.up(segments.b1)
    low, high = np.minimum(u0, u1), np.maximum(u0, u1)
    first = _whole(np.minimum(v0, v1) - _NEAR, 0, grid.rows)
    last = _whole(np.maximum(v0, v1) + _NEAR, -1, grid.rows - 1)
    first[(high < -_NEAR) | (low > grid.columns + _NEAR)] = grid.rows  # beside the grid
    many = np.maximum(last - first + 1, 0)
    segment = np.repeat(np.arange(len(many)), many)
    row = np.arange(len(segment)) - np.repeat(np.cumsum(many) - many - first, many)
    left, right = low[segment], high[segment]
    cut = np.flatnonzero((many[segment] > 1) & (np.abs(v1 - v0)[segment] > 1e-9))
    s = segment[cut]
    slope = (u1[s] - u0[s]) / (v1[s] - v0[s])
    below, above = (u0[s] + (row[cut] + shift - v0[s]) * slope for shift in (-_NEAR, 1 + _NEAR))
    # at an end of the segment the line runs on beyond it
    left[cut] = np.maximum(np.minimum(below, above), low[s])
    right[cut] = np.minimum(np.maximum(below, above), high[s])
    begin, end = _whole(left - _NEAR, 0, grid.columns), _whole(right + _NEAR, -1, grid.columns - 1)
    there = begin <= end
    if there.all():
        return _Strips(segment, row, begin, end)
    return _Strips(segment[there], row[there], begin[there], end[there])


def _whole(values: Floats, least: int, most: int) -> Ints:
    """Values rounded down, within two bounds."""
    return np.clip(np.floor(values), least, most).astype(np.int64)


def _mark(near: Bools, strips: _Strips, per_row: int, per_column: int) -> None:
    """Mark the cells of the strips in a flat grid with a border of one cell."""
    start = (strips.row + 1) * per_row + (strips.first + 1) * per_column
    near[start] = True
    wide = np.flatnonzero(strips.last > strips.first)
    many = (strips.last - strips.first)[wide]
    steps = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many) + 1
    near[np.repeat(start[wide], many) + steps * per_column] = True


def _sums(segments: Segments, grid: Grid) -> Ints:
    """Per cell the sum over the areas that hold its centre; wrong by rounding only near a boundary."""
    v0, v1 = grid.up(segments.b0), grid.up(segments.b1)
    first = _whole(np.ceil(np.minimum(v0, v1) - 0.5), 0, grid.rows)
    last = _whole(np.ceil(np.maximum(v0, v1) - 0.5) - 1, -1, grid.rows - 1)
    many = np.maximum(last - first + 1, 0)
    s = np.repeat(np.arange(len(many)), many)
    row = np.arange(len(s)) - np.repeat(np.cumsum(many) - many - first, many)
    u0, u1 = grid.across(segments.a0), grid.across(segments.a1)
    at = u0[s] + (row + 0.5 - v0[s]) * ((u1 - u0)[s] / (v1 - v0)[s])
    column = _whole(np.clip(at, np.minimum(u0, u1)[s], np.maximum(u0, u1)[s]), -1, grid.columns - 1) + 1
    held = np.zeros((grid.rows + 2, grid.columns + 2), dtype=np.int64)
    np.add.at(held.ravel(), (row + 1) * held.shape[1] + column + 1, segments.gain[s])
    np.cumsum(held, axis=1, out=held)
    held[:, [0, -1]] = 0
    return held.ravel()


def _codes(near: Bools, held: Ints, cells: Ints, area: NDArray[np.int32]) -> tuple[NDArray[np.int32], Ints]:
    """Per cell: the area that holds it, nowhere, or its number among those near a boundary; and the overlaps.

    Cells that lie in several areas throughout are numbered by unbroken row, behind the areas: no boundary
    passes between neighbours, so the areas are the same. The second array is the first cell of each row.
    """
    code = np.where(held == 0, NOWHERE, OPEN).astype(np.int32)
    one = np.flatnonzero((held >= ONE) & (held < 2 * ONE) & ~near)
    code[one] = area[held[one] - ONE - 1]
    code[cells] = OPEN - 1 - np.arange(len(cells), dtype=np.int32)
    several = np.flatnonzero(code == OPEN)
    heads = np.append(True, np.diff(several) != 1)[: len(several)]
    code[several] = len(area) - 1 + np.cumsum(heads)
    return code, several[heads]


def _find_ways(
    code: NDArray[np.int32],
    near: Bools,
    held: Ints,
    cells: Ints,
    strips: tuple[_Strips, _Strips],
    grid: Grid,
    n: int,
) -> _Ways:
    """Per cell near a boundary the shorter of the ways to the left and down; `n` segments there are."""
    width = grid.columns + 2
    by_row, by_column = strips
    entry = OPEN - 1 - code[(by_row.row + 1) * width + by_row.first + 1]
    left = _runs(np.arange(len(cells)), cells, 1, entry)
    base_left = np.where(cells[left.head] % width > 1, held[cells[left.head] - 1], -1)
    entry = OPEN - 1 - code[(by_column.first + 1) * width + by_column.row + 1]
    column, row = np.divmod(np.flatnonzero(near.reshape(-1, width).T), grid.rows + 2)
    turn = OPEN - 1 - code[row * width + column]
    down = _runs(turn, cells, width, entry)
    base_down = np.where(cells[down.head] // width > 1, held[cells[down.head] - width], -1)
    north = (base_left < 0) | ((base_down >= 0) & (down.many < left.many))
    base = np.where(north, base_down, base_left)
    many = np.where(north, down.many, left.many)
    many[(base < 0) | (many > _WAY_MAX)] = 0
    start = np.where(north, down.start + len(left.order), left.start)
    entries = np.concatenate([by_row.segment[left.order], by_column.segment[down.order] + n])
    return _Ways(start, many, base, north, entries)


class _Runs(NamedTuple):
    """Unbroken runs of cells near a boundary, in one direction."""

    head: Ints  #: per cell: number of the first cell of its run
    start: Ints  #: per cell: first entry of its run
    many: Ints  #: per cell: entries from there up to and including its own
    order: Ints  #: the entries in the order of the runs


def _runs(turn: Ints, cells: Ints, step: int, entry: NDArray[np.int32]) -> _Runs:
    """Runs of the `cells`, taken in the order `turn`, that follow each other by `step`.

    `entry` says at which cell, by number, each strip begins.
    """
    line = cells[turn]
    heads = np.append(True, np.diff(line) != step)[: len(line)]
    first = np.maximum.accumulate(np.where(heads, np.arange(len(line)), 0))
    place = np.empty(len(line), dtype=np.int64)
    place[turn] = np.arange(len(line))
    where = place[entry]
    ends = np.cumsum(np.bincount(where, minlength=len(line)))
    begins = np.append(0, ends[:-1])[: len(line)]
    start = begins[first][place]
    return _Runs(turn[first][place], start, ends[place] - start, np.argsort(where, kind="stable"))
