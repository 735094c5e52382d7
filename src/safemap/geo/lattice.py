"""Neighbours on a regular grid, by arithmetic instead of geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from safemap.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from safemap.geo.graph import AreaGraph

Contiguity = Literal["queen", "rook"]

#: Fewest areas, and smallest share of them, that must be cells of one grid before arithmetic pays.
_FEWEST, _SHARE = 256, 0.5
#: Parts of a cell by which it may be out of place, and cells of a table for each cell there is.
_SLACK, _MAX_TABLE = 1e-6, 16


class Lattice(NamedTuple):
    """Areas that are whole cells of one grid."""

    cells: NDArray[np.int64]  #: rows of the areas
    row: NDArray[np.int64]  #: of the grid, from 0
    column: NDArray[np.int64]
    origin: NDArray[np.float64]  #: left, bottom of the cell in row 0 and column 0
    size: NDArray[np.float64]  #: width, height

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.row.max()) + 1, int(self.column.max()) + 1


def grid_graph(rows: int, columns: int, rule: Contiguity = "queen", *, ids: Any = None) -> AreaGraph:
    """Neighbours of the cells of a full grid, without any geometry.

    Parameters
    ----------
    rows, columns : int
        Size of the grid; cells are numbered row by row.
    rule : {"queen", "rook"}
        ``queen``: cells that share a corner or a side, up to eight. ``rook``: a side, up to four.
    ids : pandas.Index, optional
        Ids of the cells in that order; by default 0, 1, 2, ...

    Returns
    -------
    AreaGraph
        As :func:`safemap.build_graph` finds it for the same cells as polygons.

    Raises
    ------
    ConfigError
        If there is no row, no column, or the rule is unknown.
    AlignmentError
        If there are not as many ids as cells, or one twice.

    Examples
    --------
    >>> grid_graph(3, 3).neighbours(0).tolist()
    [1, 3, 4]
    >>> grid_graph(3, 3, "rook").cardinalities.tolist()
    [2, 3, 2, 3, 4, 3, 2, 3, 2]
    """
    import pandas as pd

    from safemap.geo.graph import AreaGraph

    for name, number in (("rows", rows), ("columns", columns)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ConfigError(f"{name} must be a whole number of 1 or more; got {number!r}.")
    if rule not in get_args(Contiguity):
        raise ConfigError(f"rule must be one of {', '.join(get_args(Contiguity))}; got {rule!r}.")
    index = pd.RangeIndex(rows * columns) if ids is None else pd.Index(ids)
    settings = {"rule": rule, "grid": (int(rows), int(columns)), "isolates": "exclude"}
    return AreaGraph(index, grid_links(int(rows), int(columns), rule), settings)


def grid_links(rows: int, columns: int, rule: Contiguity) -> csr_array:
    """1.0 for each link between the cells of a full grid, numbered row by row; sorted.

    All rows but the first and the last have the same links but for a constant.

    Examples
    --------
    >>> grid_links(2, 3, "rook").toarray().astype(int).tolist()[0]
    [0, 1, 0, 1, 0, 0]
    """
    from scipy.sparse import csr_array

    n = rows * columns
    wide = np.int64 if 9 * n >= 2**31 else np.int32
    parts, counts = [], []
    for first, last in ((0, 1), (1, rows - 1), (max(rows - 1, 1), rows)):  # top, between, bottom
        if first < last:
            pattern, count = _row_pattern(columns, rule, above=first > 0, below=last < rows)
            shift = np.arange(first * columns, last * columns, columns, dtype=wide)
            parts.append((shift[:, None] + pattern.astype(wide)).ravel())
            counts.append(np.tile(count, last - first))
    indices = np.concatenate(parts) if parts else np.empty(0, dtype=wide)
    indptr = np.zeros(n + 1, dtype=wide)
    np.cumsum(np.concatenate(counts) if counts else [], out=indptr[1:])
    return csr_array((np.ones(len(indices)), indices, indptr), shape=(n, n))


def _row_pattern(
    columns: int, rule: Contiguity, *, above: bool, below: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Neighbours of the cells of one row, less the number of its first cell; and how many each has."""
    steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
    if rule == "rook":
        steps = [step for step in steps if 0 in step]
    steps = [step for step in steps if (above or step[0] >= 0) and (below or step[0] <= 0)]
    down, right = (np.array([step[axis] for step in steps], dtype=np.int64) for axis in (0, 1))
    column = np.arange(columns)[:, None] + right
    inside = (column >= 0) & (column < columns)
    return (down * columns + column)[inside], inside.sum(axis=1)


def find_lattice(geometry: NDArray[Any], bounds: NDArray[np.float64], tolerance: float) -> Lattice | None:
    """The areas that are whole rectangles of one size in one grid; None where there are too few.

    Rectangles that are out of place by more than a millionth of their size are not part of it. Grids of which
    the cells are not much larger than the tolerance have other neighbours than the adjoining cells.
    """
    import shapely

    if len(geometry) < _FEWEST or tolerance <= 0:
        return None
    corner, size = bounds[:, :2], bounds[:, 2:] - bounds[:, :2]
    usual = np.nanmedian(size, axis=0) if np.isfinite(size).any() else np.zeros(2)
    slack = min(_SLACK * float(usual.min()), tolerance / 2)
    if usual.min() <= 4 * tolerance:
        return None
    with np.errstate(invalid="ignore"):
        fits = (np.abs(size - usual) <= slack).all(axis=1) & (shapely.get_num_coordinates(geometry) == 5)
    if fits.sum() < max(_FEWEST, _SHARE * len(geometry)):
        return None
    fits &= np.abs(shapely.area(geometry) - usual.prod()) <= 4 * slack * usual.max()
    cells = np.flatnonzero(fits)
    origin = corner[cells].min(axis=0, initial=np.inf)
    at = (corner[cells] - origin) / usual
    place = np.rint(at)
    aligned = (np.abs(at - place) * usual <= slack * np.maximum(place.max(), 1)).all(axis=1)
    cells, place = cells[aligned], place[aligned].astype(np.int64)
    if len(cells) < max(_FEWEST, _SHARE * len(geometry)):
        return None
    found = Lattice(cells, place[:, 1], place[:, 0], origin, usual)
    rows, columns = found.shape
    if rows * columns > _MAX_TABLE * len(cells):
        return None
    once = np.bincount(found.row * columns + found.column).max() == 1
    return found if once else None


def lattice_links(lattice: Lattice, n: int, rule: Contiguity) -> csr_array:
    """1.0 for each link between cells of the lattice, among `n` areas; sorted."""
    from scipy.sparse import csr_array

    rows, columns = lattice.shape
    row = lattice.row
    if len(row) > 1 and row[0] > row[-1]:  # from north to south, as grids are mostly made
        row = rows - 1 - row
    if len(lattice.cells) == n == rows * columns and np.array_equal(
        row * columns + lattice.column, np.arange(n)
    ):
        return grid_links(rows, columns, rule)
    table = np.full((rows + 2, columns + 2), -1, dtype=np.int32)
    table[row + 1, lattice.column + 1] = lattice.cells
    steps = [(down, right) for down in (0, 1, 2) for right in (0, 1, 2) if (down, right) != (1, 1)]
    if rule == "rook":
        steps = [step for step in steps if 1 in step]
    found = np.full((n, len(steps)), -1, dtype=np.int32)
    for number, (down, right) in enumerate(steps):
        found[lattice.cells, number] = table[row + down, lattice.column + right]
    some = found >= 0
    indptr = np.concatenate([[0], np.cumsum(some.sum(axis=1))]).astype(np.int32)
    links = csr_array((np.ones(int(indptr[-1])), found[some], indptr), shape=(n, n))
    links.sort_indices()
    return links


def cells_near(lattice: Lattice, boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of the areas of the lattice that a box may touch."""
    rows, columns = lattice.shape
    near = np.zeros((rows, columns), dtype=bool)
    place = (boxes - np.tile(lattice.origin, 2)) / np.tile(lattice.size, 2)
    low = np.floor(np.nan_to_num(place[:, :2])).astype(np.int64) - 1
    high = np.floor(np.nan_to_num(place[:, 2:])).astype(np.int64) + 2
    low, high = np.clip(low, 0, [columns, rows]), np.clip(high, 0, [columns, rows])
    for (left, bottom), (right, top) in zip(low.tolist(), high.tolist(), strict=True):
        near[bottom:top, left:right] = True
    return lattice.cells[near[lattice.row, lattice.column]]
