"""Sums over subsets: the engine of conditional permutation where all neighbours of an area count the same.

The reference distribution of an area with *k* neighbours is the sum of *k* values drawn without replacement
from the *n - 1* others. It depends on the area only through its being left out, so one table of random rows
serves all areas with the same *k*: rows that happen to contain the area get a spare instead.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from safemap.stats.draws import COMPARE_COLUMNS, all_subsets, distinct_columns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Rows of random draws held at a time, and cells of the look-up table used for wide neighbourhoods.
_BLOCK_ROWS = 16_384
_BLOCK_CELLS = 2**26


class Links(Protocol):
    """The part of a scipy CSR matrix that is used."""

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]


class SubsetTails(NamedTuple):
    """Counts of reference sums, one entry per area of the map."""

    at_least: Ints
    at_most: Ints
    draws: Ints
    exact: NDArray[np.bool_]


def subset_tails(
    y: Floats, per_term: float, links: Links, sites: Ints, draws: int, rng: np.random.Generator
) -> SubsetTails:
    """Counts for `sites`; zeros elsewhere. `per_term` is the tolerance of a comparison per term of a sum.

    A sum of more than half of the others is the total less a sum of the rest, so the smaller of the two
    subsets is drawn and the tails change places.
    """
    from scipy.special import comb

    n = len(y)
    out = SubsetTails(np.zeros(n, int), np.zeros(n, int), np.zeros(n, int), np.zeros(n, dtype=bool))
    if not len(sites):
        return out
    k_full = np.diff(links.indptr)[sites]
    rest = 2 * k_full > n - 1
    k = np.where(rest, n - 1 - k_full, k_full)
    sums = _neighbour_sums(y, links)[sites]
    observed = np.where(rest, y.sum() - y[sites] - sums, sums)
    subsets = comb(n - 1, k)
    low, high = np.zeros(len(sites), int), np.zeros(len(sites), int)
    for size in np.unique(k[subsets <= draws]):
        group = np.flatnonzero(k == size)
        table = all_subsets(n, int(size))
        job = _Job(y, per_term * max(size, 1), sites[group], observed[group])
        high[group], low[group] = _count_all(job, table)
    sampled = np.flatnonzero(subsets > draws)
    if len(sampled):
        jobs = {
            int(size): _Job(y, per_term * size, sites[g], observed[g])
            for size in np.unique(k[sampled])
            for g in [sampled[k[sampled] == size]]
        }
        for size, counts in _count_random(y, jobs, draws, rng).items():
            group = sampled[k[sampled] == size]
            high[group], low[group] = counts
    out.at_least[sites], out.at_most[sites] = np.where(rest, low, high), np.where(rest, high, low)
    out.draws[sites] = np.where(subsets <= draws, subsets, draws).astype(int)
    out.exact[sites] = subsets <= draws
    return out


class _Job(NamedTuple):
    """The areas that have the same number of neighbours."""

    y: Floats
    tolerance: float
    sites: Ints
    observed: Floats


def _neighbour_sums(y: Floats, links: Links) -> Floats:
    """Sum of `y` over the neighbours of each area (0 where there is none)."""
    row = np.repeat(np.arange(len(y)), np.diff(links.indptr))
    return np.bincount(row, weights=y[links.indices], minlength=len(y))


def _count_all(job: _Job, table: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Both tails over all subsets that do not contain the area itself."""
    high, low = np.zeros(len(job.sites), int), np.zeros(len(job.sites), int)
    for start in range(0, table.shape[1], _BLOCK_ROWS):
        rows = table[:, start : start + _BLOCK_ROWS]
        sums = job.y[rows].sum(axis=0)
        more, fewer = _count_sorted(job, sums)
        own, at = _rows_with_own(job, rows)
        more_own, fewer_own = _count_rows(job, own, sums[at])
        high += more - more_own
        low += fewer - fewer_own
    return high, low


def _count_random(
    y: Floats, jobs: dict[int, _Job], draws: int, rng: np.random.Generator
) -> dict[int, tuple[Ints, Ints]]:
    """Both tails over `draws` random subsets, for every size of neighbourhood from one table.

    The first k of a row of distinct ids are a random subset of size k, and the next id is its spare.
    """
    n = len(y)
    counts = {size: (np.zeros(len(j.sites), int), np.zeros(len(j.sites), int)) for size, j in jobs.items()}
    width = max(jobs)
    block = _BLOCK_ROWS if width <= COMPARE_COLUMNS else min(_BLOCK_ROWS, max(16, _BLOCK_CELLS // n))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        sums = np.zeros(rows)
        for table in distinct_columns(rng, n, rows, width + 1):
            size = len(table) - 1  # the last column is the spare of the earlier ones
            if size in jobs:
                high, low = counts[size]
                more, fewer = _count_with_spare(jobs[size], sums, table[:-1], table[-1])
                high += more
                low += fewer
            sums += y[table[-1]]
    return counts


def _count_with_spare(
    job: _Job, sums: Floats, rows: NDArray[np.int32], spare: NDArray[np.int32]
) -> tuple[Ints, Ints]:
    """Both tails: all areas against the same sums, then the rows that contain the area itself corrected."""
    more, fewer = _count_sorted(job, sums)
    own, at = _rows_with_own(job, rows)
    corrected = sums[at] - job.y[job.sites[own]] + job.y[spare[at]]
    more_old, fewer_old = _count_rows(job, own, sums[at])
    more_new, fewer_new = _count_rows(job, own, corrected)
    return more - more_old + more_new, fewer - fewer_old + fewer_new


def _count_sorted(job: _Job, sums: Floats) -> tuple[Ints, Ints]:
    ordered = np.sort(sums)
    more = len(sums) - np.searchsorted(ordered, job.observed - job.tolerance, side="left")
    fewer = np.searchsorted(ordered, job.observed + job.tolerance, side="right")
    return more, fewer


def _rows_with_own(job: _Job, rows: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Each occurrence of an area of the job in a row: (number of the area in the job, row)."""
    number = np.full(len(job.y), -1, dtype=np.int32)
    number[job.sites] = np.arange(len(job.sites), dtype=np.int32)
    own = number[rows]
    column, at = np.nonzero(own >= 0)
    return own[column, at].astype(int), at


def _count_rows(job: _Job, own: Ints, sums: Floats) -> tuple[Ints, Ints]:
    observed = job.observed[own]
    more = np.bincount(own[sums >= observed - job.tolerance], minlength=len(job.sites))
    fewer = np.bincount(own[sums <= observed + job.tolerance], minlength=len(job.sites))
    return more, fewer
