"""Regular cells, and what share of each a shape covers: the arithmetic under grids and rasters.

A tiling knows its cells by row and column. Corners are whole multiples of a unit, so cells that meet share
their corners to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Geometry


_BLOCK = 16  # cells per side that are cut out of a shape together
_NOTHING = 1e-9  # a share below this is rounding, not area


class Window(NamedTuple):
    """Rows ``row0 <= row < row1`` and columns alike."""

    row0: int
    row1: int
    col0: int
    col1: int

    @property
    def cells(self) -> int:
        """Number of cells."""
        return max(self.row1 - self.row0, 0) * max(self.col1 - self.col0, 0)


class Tiling(Protocol):
    """What :func:`cover` needs to know of a tiling."""

    @property
    def cell_area(self) -> float: ...
    def polygons(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.object_]: ...
    def box(self, window: Window) -> tuple[float, float, float, float]: ...
    def window(self, bounds: tuple[float, float, float, float]) -> Window: ...


@dataclass(frozen=True)
class Rectangles:
    """Rectangles with corners at ``(x0 + col * dx, y0 + row * dy)``; `dy` below 0 counts rows southwards."""

    dx: float
    dy: float
    x0: float = 0.0
    y0: float = 0.0

    @property
    def cell_area(self) -> float:
        """Area of one cell."""
        return abs(self.dx * self.dy)

    def polygons(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.object_]:
        """The cells as polygons."""
        import shapely

        xmin, xmax = self.x0 + cols * self.dx, self.x0 + (cols + 1) * self.dx
        ya, yb = self.y0 + rows * self.dy, self.y0 + (rows + 1) * self.dy
        return shapely.box(xmin, np.minimum(ya, yb), xmax, np.maximum(ya, yb))

    def centres(
        self, rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of cells."""
        x, y = self.x0 + (cols + 0.5) * self.dx, self.y0 + (rows + 0.5) * self.dy
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def locate(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of the cell that holds each point."""
        rows = np.floor((y - self.y0) / self.dy).astype(np.int64)
        return rows, np.floor((x - self.x0) / self.dx).astype(np.int64)

    def box(self, window: Window) -> tuple[float, float, float, float]:
        """Bounds of all cells of a window."""
        ya, yb = self.y0 + window.row0 * self.dy, self.y0 + window.row1 * self.dy
        return (
            self.x0 + window.col0 * self.dx,
            min(ya, yb),
            self.x0 + window.col1 * self.dx,
            max(ya, yb),
        )

    def window(self, bounds: tuple[float, float, float, float]) -> Window:
        """The cells that can meet a box; one more on each side than needed does no harm."""
        xmin, ymin, xmax, ymax = bounds
        ya, yb = sorted([(ymin - self.y0) / self.dy, (ymax - self.y0) / self.dy])
        xa, xb = (xmin - self.x0) / self.dx, (xmax - self.x0) / self.dx
        return Window(_floor(ya), _ceil(yb), _floor(xa), _ceil(xb))


@dataclass(frozen=True)
class Hexagons:
    """Hexagons standing on a corner, `width` from side to side; odd rows are shifted by half a cell."""

    width: float

    @property
    def cell_area(self) -> float:
        """Area of one cell."""
        return self.width**2 * np.sqrt(3) / 2

    @property
    def row_height(self) -> float:
        """Distance between the centres of two rows."""
        return self.width * np.sqrt(3) / 2

    def polygons(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.object_]:
        """The cells as polygons."""
        import shapely

        across, up = self._half_units(rows, cols)
        corner_x, corner_y = np.array([0, -1, -1, 0, 1, 1]), np.array([2, 1, -1, -2, -1, 1])
        x = (across[:, None] + corner_x) * (self.width / 2)
        y = (up[:, None] + corner_y) * (self.row_height / 3)
        return shapely.polygons(np.stack([x, y], axis=2))

    def centres(
        self, rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of cells."""
        across, up = self._half_units(rows, cols)
        x, y = across * (self.width / 2), up * (self.row_height / 3)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def locate(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of the cell that holds each point: the nearest centre of the two nearest rows."""
        below = np.floor(y / self.row_height).astype(np.int64)
        pairs = []
        for row in (below, below + 1):
            col = np.rint(x / self.width - 0.5 * (row & 1)).astype(np.int64)
            cx, cy = self.centres(row, col)
            pairs.append((row, col, (x - cx) ** 2 + (y - cy) ** 2))
        first = pairs[0][2] <= pairs[1][2]
        return np.where(first, pairs[0][0], pairs[1][0]), np.where(first, pairs[0][1], pairs[1][1])

    def box(self, window: Window) -> tuple[float, float, float, float]:
        """Bounds of all cells of a window."""
        return (
            (window.col0 - 0.5) * self.width,
            window.row0 * self.row_height - self.width / np.sqrt(3),
            window.col1 * self.width,
            (window.row1 - 1) * self.row_height + self.width / np.sqrt(3),
        )

    def window(self, bounds: tuple[float, float, float, float]) -> Window:
        """The cells that can meet a box."""
        xmin, ymin, xmax, ymax = bounds
        reach = self.width / np.sqrt(3)
        return Window(
            _floor((ymin - reach) / self.row_height),
            _ceil((ymax + reach) / self.row_height) + 1,
            _floor(xmin / self.width - 1),
            _ceil(xmax / self.width + 0.5) + 1,
        )

    def _half_units(
        self, rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return 2 * cols + (rows & 1), 3 * rows


class Cover(NamedTuple):
    """Cells that a shape covers in whole or in part."""

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    shares: NDArray[np.float64]  #: covered share of the cell, above 0, exactly 1 where it is covered whole
    parts: NDArray[np.object_]  #: the covered part; None where it is not needed


def cover(shape: Geometry, tiling: Tiling, window: Window, *, parts: bool = False) -> Cover:
    """What share of each cell of `window` a shape covers, exactly.

    Parameters
    ----------
    shape : polygon or multipolygon
        Valid.
    tiling : Tiling
    window : Window
        Cells to look at.
    parts : bool
        Whether the covered part of each cell is wanted as a geometry.

    Notes
    -----
    The shape is halved along rows and columns again and again, so that each small piece is cut from a small
    piece; a boundary of a million corners is not searched anew for every cell.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> found = cover(box(0.5, 0, 2, 1), Rectangles(1.0, 1.0), Window(0, 1, 0, 3))
    >>> found.cols.tolist(), found.shares.tolist()
    ([0, 1], [0.5, 1.0])
    """
    found: list[Cover] = []
    todo = [(shape, window)]
    while todo:
        piece, part = todo.pop()
        if part.cells == 0 or piece.is_empty:
            continue
        if max(part.row1 - part.row0, part.col1 - part.col0) <= _BLOCK:
            found.append(_cover_block(piece, tiling, part, parts))
            continue
        todo += [(_cut(piece, tiling.box(half)), half) for half in _halves(part)]
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return Cover(nothing, nothing, np.zeros(0), np.zeros(0, dtype=object))
    rows, cols = (np.concatenate([f[k] for f in found]) for k in (0, 1))
    order = np.lexsort((cols, rows))
    shares = np.concatenate([f.shares for f in found])
    return Cover(rows[order], cols[order], shares[order], np.concatenate([f.parts for f in found])[order])


def _cover_block(piece: Geometry, tiling: Tiling, window: Window, parts: bool) -> Cover:
    import shapely

    rows, cols = (a.ravel() for a in np.mgrid[window.row0 : window.row1, window.col0 : window.col1])
    cells = tiling.polygons(rows, cols)
    shapely.prepare(piece)
    meets = shapely.intersects(piece, cells)
    rows, cols, cells = rows[meets], cols[meets], cells[meets]
    whole = shapely.covers(piece, cells)
    shares = np.ones(len(cells))
    if not whole.all():
        cut = _areal(shapely.intersection(cells[~whole], piece))
        shares[~whole] = np.minimum(shapely.area(cut) / tiling.cell_area, 1.0)
        cells[~whole] = cut
    some = shares > _NOTHING
    covered = cells[some] if parts else np.full(int(some.sum()), None, dtype=object)
    return Cover(rows[some], cols[some], shares[some], covered)


def _cut(piece: Geometry, bounds: tuple[float, float, float, float]) -> Geometry:
    """The part of a shape inside a box, without the lines and points where they only touch."""
    import shapely

    frame = shapely.box(*bounds)
    shapely.prepare(piece)
    if shapely.covers(piece, frame):
        return frame
    if not shapely.intersects(piece, frame):
        return shapely.Polygon()
    return _areal(np.array([shapely.intersection(piece, frame)], dtype=object))[0]


def _areal(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Only the polygons of each geometry."""
    import shapely

    out = shapes.copy()
    kinds = shapely.get_type_id(shapes)
    for at in np.flatnonzero((kinds != 3) & (kinds != 6)):
        polygons = [p for p in shapely.get_parts(shapes[at]) if shapely.get_type_id(p) in (3, 6)]
        out[at] = shapely.union_all(polygons) if polygons else shapely.Polygon()
    return out


def _halves(window: Window) -> tuple[Window, Window]:
    rows, cols = window.row1 - window.row0, window.col1 - window.col0
    if rows >= cols:
        middle = window.row0 + rows // 2
        return window._replace(row1=middle), window._replace(row0=middle)
    middle = window.col0 + cols // 2
    return window._replace(col1=middle), window._replace(col0=middle)


def _floor(value: float) -> int:
    return int(np.floor(value))


def _ceil(value: float) -> int:
    return int(np.ceil(value))
