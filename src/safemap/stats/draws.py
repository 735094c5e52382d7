"""Tables of ids drawn without replacement: at random, or all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Up to this many draws a new one is compared with each earlier one; beyond, looked up.
COMPARE_COLUMNS = 32
#: Rows of a table of all arrangements.
_BLOCK_ROWS = 32_768


def distinct_rows(rng: np.random.Generator, n: int, rows: int, width: int) -> NDArray[np.int32]:
    """A table of ids drawn without replacement within each row, stored one draw per line."""
    if 3 * width > n:  # too many draws would have to be drawn again
        everyone = np.broadcast_to(np.arange(n, dtype=np.int32), (rows, n))
        return rng.permuted(everyone, axis=1)[:, :width].T
    *_, table = distinct_columns(rng, n, rows, width)
    return table


def distinct_columns(rng: np.random.Generator, n: int, rows: int, width: int) -> Iterator[NDArray[np.int32]]:
    """A growing table of ids drawn without replacement within each row: 1, 2, ..., `width` columns.

    Stored one draw per line. A draw that repeats an earlier one of its row is drawn again, which leaves it
    uniform over the ids not drawn yet.
    """
    table = np.empty((width, rows), dtype=np.int32)
    used = np.zeros((rows, n), dtype=bool) if width > COMPARE_COLUMNS + 1 else None
    everyone = np.arange(rows)
    for column in range(width):
        drawn = rng.integers(0, n, size=rows, dtype=np.int32)
        again = everyone
        while len(again):
            repeated = (
                (table[:column, again] == drawn[again]).any(axis=0)
                if used is None
                else used[again, drawn[again]]
            )
            again = again[repeated]
            drawn[again] = rng.integers(0, n, size=len(again), dtype=np.int32)
        table[column] = drawn
        if used is not None:
            used[everyone, drawn] = True
        yield table[: column + 1]


def all_subsets(n: int, k: int) -> NDArray[np.int32]:
    """All subsets of size `k` of 0..n-1, one per column, built by appending larger ids."""
    table = np.zeros((0, 1), dtype=np.int32)
    last = np.full(1, -1)
    for column in range(k):
        # leave room for the ids that are still to come
        room = np.maximum(n - (k - column) - last, 0)
        parent = np.repeat(np.arange(len(last)), room)
        step = np.arange(len(parent)) - np.repeat(np.cumsum(room) - room, room)
        last = last[parent] + 1 + step
        table = np.vstack([table[:, parent], last[None].astype(np.int32)])
    return table


def all_arrangements(n: int, k: int) -> Iterator[NDArray[np.int32]]:
    """All ordered choices of `k` of 0..n-1, in tables of bounded length."""
    rows = itertools.permutations(range(n), k)
    while chunk := list(itertools.islice(rows, _BLOCK_ROWS)):
        yield np.array(chunk, dtype=np.int32).T
