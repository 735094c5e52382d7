"""Tables of ids drawn without replacement: at random, or all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int32]

#: Up to this many draws a new one is compared with each earlier one; beyond, the row is sorted.
COMPARE_COLUMNS = 32
#: Rows of a table of all arrangements, and rows looked at together so that they stay in the cache.
_BLOCK_ROWS = 32_768


def distinct_rows(rng: np.random.Generator, n: int, rows: int, width: int) -> Table:
    """A table of `rows` rows of `width` distinct ids out of 0..n-1, stored one draw per line.

    Notes
    -----
    Ids are drawn with replacement; each that repeats an earlier one of its row is drawn again until none
    does. Ids are only ever compared for being equal, so the procedure treats all of them alike, and a
    distribution over ordered choices of distinct ids that does not change when the ids are renamed is
    uniform. The first *k* of a row are therefore a random subset of size *k*, and the next is a random other.
    """
    if 3 * width > n:  # too many draws would have to be drawn again
        everyone = np.broadcast_to(np.arange(n, dtype=np.int32), (rows, n))
        return rng.permuted(everyone, axis=1)[:, :width].T
    if width > COMPARE_COLUMNS + 1:
        return _distinct_wide(rng, n, rows, width)
    table = rng.integers(0, n, size=(width, rows), dtype=np.int32)
    again = _rows_with_repeats(table)
    while len(again):
        some = table[:, again]
        repeated = np.zeros(some.shape, dtype=bool)
        for column in range(1, width):
            repeated[column] = (some[:column] == some[column]).any(axis=0)
        bad = repeated.any(axis=0)
        some[repeated] = rng.integers(0, n, size=int(repeated.sum()), dtype=np.int32)
        table[:, again] = some
        again = again[bad]
    return table


def distinct_columns(rng: np.random.Generator, n: int, rows: int, width: int) -> Iterator[Table]:
    """The first 1, 2, ..., `width` draws of one table of :func:`distinct_rows`."""
    table = distinct_rows(rng, n, rows, width)
    for column in range(width):
        yield table[: column + 1]


def _rows_with_repeats(table: Table) -> NDArray[np.intp]:
    """Rows in which an id occurs twice, by comparing every pair of draws."""
    bad = np.zeros(table.shape[1], dtype=bool)
    for start in range(0, table.shape[1], _BLOCK_ROWS):
        block, found = table[:, start : start + _BLOCK_ROWS], bad[start : start + _BLOCK_ROWS]
        equal = np.empty_like(found)
        for one, other in itertools.combinations(block, 2):
            np.logical_or(found, np.equal(one, other, out=equal), out=found)
    return np.flatnonzero(bad)


def _distinct_wide(rng: np.random.Generator, n: int, rows: int, width: int) -> Table:
    """The same for many draws in a row: sorting tells which repeat an earlier one."""
    table = rng.integers(0, n, size=(rows, width), dtype=np.int32)
    shift = width.bit_length()
    again = np.arange(rows)
    while len(again):
        some = table[again]
        ordered = np.sort(some, axis=1)
        bad = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        again = again[bad]
        keys = np.sort((some[bad].astype(np.int64) << shift) | np.arange(width), axis=1)
        ids = keys >> shift
        row, at = np.nonzero(ids[:, 1:] == ids[:, :-1])
        column = keys[row, at + 1] & ((1 << shift) - 1)
        table[again[row], column] = rng.integers(0, n, size=len(row), dtype=np.int32)
    return np.ascontiguousarray(table.T)


def all_subsets(n: int, k: int) -> Table:
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


def all_arrangements(n: int, k: int) -> Iterator[Table]:
    """All ordered choices of `k` of 0..n-1, in tables of bounded length."""
    rows = itertools.permutations(range(n), k)
    while chunk := list(itertools.islice(rows, _BLOCK_ROWS)):
        yield np.array(chunk, dtype=np.int32).T
