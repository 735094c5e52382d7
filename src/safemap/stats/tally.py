"""How many of many numbers lie at or above, and at or below, each of many marks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]

#: Largest number of cells of a table that is looked up, and marks looked up together so that they stay in
#: the cache.
_MAX_CELLS = 2**20
_BLOCK = 2**14


def tail_counts(numbers: Floats, marks: Floats, tolerance: float = 0.0) -> tuple[Counts, Counts]:
    """For each mark, how many numbers are at least, and how many at most, as large.

    Parameters
    ----------
    numbers, marks : ndarray of float
        Finite.
    tolerance : float
        Numbers this near to a mark count in both tails.

    Notes
    -----
    Few marks are searched for among the sorted numbers. Where marks are many, the range is cut into equal
    cells and the count is looked up; only marks with a number in their own or an adjoining cell are searched
    for. Both ways give the same counts: a cell is a rising function of a number.

    Examples
    --------
    >>> import numpy as np
    >>> more, fewer = tail_counts(np.array([1.0, 2.0, 2.0, 5.0]), np.array([2.0, 3.0]))
    >>> more.tolist(), fewer.tolist()
    ([3, 1], [3, 3])
    """
    ordered = np.sort(numbers)
    cells = min(_MAX_CELLS, 1 << (4 * len(marks)).bit_length())
    scale = _scale(ordered, tolerance, cells)
    if cells < 8 * len(ordered) or scale == 0:
        return _searched(ordered, marks, tolerance)
    below = _cells_below(ordered, scale, cells)
    fewer = np.empty(len(marks), dtype=np.int32)
    for start in range(0, len(marks), _BLOCK):
        at = _cell_of(marks[start : start + _BLOCK], ordered[0], scale, cells)
        np.take(below, at, out=fewer[start : start + _BLOCK], mode="clip")
    more = np.int32(len(ordered)) - fewer
    near = np.flatnonzero(fewer < 0)
    more[near], fewer[near] = _searched(ordered, marks[near], tolerance)
    return more, fewer


def _searched(ordered: Floats, marks: Floats, tolerance: float) -> tuple[Counts, Counts]:
    more = len(ordered) - np.searchsorted(ordered, marks - tolerance, side="left")
    fewer = np.searchsorted(ordered, marks + tolerance, side="right")
    return more.astype(np.int32), fewer.astype(np.int32)


def _scale(ordered: Floats, tolerance: float, cells: int) -> float:
    """Cells per unit; 0 where cells would be no wider than what counts as a tie."""
    span = float(ordered[-1] - ordered[0])
    return 0.0 if span <= 4 * tolerance * cells or not np.isfinite(cells / span) else cells / span


def _cell_of(numbers: Floats, low: float, scale: float, cells: int) -> NDArray[np.intp]:
    """The cell of each number, from 0 (far below all) to cells + 4 (far above)."""
    at = numbers - low
    at *= scale
    at += 2
    np.maximum(at, 0, out=at)
    np.minimum(at, cells + 4, out=at)
    return at.astype(np.intp)


def _cells_below(ordered: Floats, scale: float, cells: int) -> Counts:
    """How many numbers lie in lower cells; -1 where the cell or one beside it holds a number."""
    count = np.bincount(_cell_of(ordered, ordered[0], scale, cells), minlength=cells + 5).astype(np.int32)
    below = np.cumsum(count, dtype=np.int32) - count
    occupied = np.flatnonzero(count)  # never the first or the last cell
    for beside in (-1, 0, 1):
        below[occupied + beside] = -1
    return below
