"""Conditional permutation for sums over neighbours that count differently: kernels, inverse distances.

With unequal weights it matters which neighbour gets which value, so the reference sums are no longer sums of
subsets. But areas with the same number of neighbours still share one table of random rows: the product of
their rows of weights with the values drawn gives all reference sums, block by block, and each block is
compared with the observed sums and forgotten. A row that holds the area itself gets a spare in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.stats.draws import COMPARE_COLUMNS, all_arrangements, distinct_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Table = NDArray[np.int32]

#: Reference sums held at a time, and rows and cells of the table of draws. Blocks that fit the cache and are
#: too small for the linear algebra library to start threads are ten times faster than large ones.
_BLOCK_SUMS = 2**16
_BLOCK_ROWS = 1_024
_BLOCK_CELLS = 2**24


class WeightedLinks(NamedTuple):
    """The parts of a scipy CSR matrix that are used."""

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]
    data: Floats


class WeightedTails(NamedTuple):
    """Counts of reference sums for the areas asked for, in their order."""

    at_least: Ints
    at_most: Ints
    draws: Ints
    exact: NDArray[np.bool_]


class _Bucket(NamedTuple):
    """Areas with the same number of neighbours."""

    places: Ints  #: where they stand among the areas asked for
    sites: Ints  #: rows of the areas
    weights: Floats  #: one row per area, heaviest neighbour first
    observed: Floats
    tolerance: Floats


def uneven_rows(links: WeightedLinks) -> NDArray[np.bool_]:
    """True for the areas whose neighbours have different weights.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> uneven_rows(csr_array([[0, 1.0, 1], [2, 0, 1], [0, 0, 0]])).tolist()
    [False, True, False]
    """
    data, indptr = np.asarray(links.data, dtype=float), np.asarray(links.indptr)
    some = np.flatnonzero(np.diff(indptr) > 0)
    out = np.zeros(len(indptr) - 1, dtype=bool)
    if len(some):
        largest = np.maximum.reduceat(data, indptr[some])
        smallest = np.minimum.reduceat(data, indptr[some])
        out[some] = ~np.isclose(smallest, largest, rtol=1e-9, atol=0)
    return out


def weighted_tails(
    values: Floats, links: WeightedLinks, sites: Ints, draws: int, rng: np.random.Generator
) -> WeightedTails:
    """Both tails of the weighted sums of `sites` over `draws` random arrangements of the other values.

    Parameters
    ----------
    values : ndarray
        One finite value per area.
    links : scipy CSR matrix
        Weights, without the area itself.
    sites : ndarray of int
        Rows to look at; each with at least one neighbour.
    draws : int
        Arrangements for each; all (n - 1)! / (n - 1 - k)! of them where that is not more.
    rng : numpy.random.Generator
        Source of the draws.

    Notes
    -----
    Sums that differ by less than 1e-10 of the largest possible one count as ties, because the order of
    summation changes the last digits.
    """
    from scipy.special import perm

    n = len(values)
    y = values - np.median(values)
    k = np.diff(links.indptr)[sites]
    out = WeightedTails(*(np.zeros(len(sites), dtype=np.int64) for _ in range(3)), np.zeros(len(sites), bool))
    arrangements = perm(n - 1, k)
    out.exact[:] = arrangements <= draws
    out.draws[:] = np.where(out.exact, arrangements, draws).astype(np.int64)
    buckets = [_bucket(y, links, sites, np.flatnonzero(k == size)) for size in np.unique(k)]
    sampled = []
    for bucket in buckets:
        if out.exact[bucket.places[0]]:
            for table in all_arrangements(n, bucket.weights.shape[1]):
                _count(y, bucket, table, out, spare=False)
        else:
            sampled.append(bucket)
    if sampled:
        width = max(bucket.weights.shape[1] for bucket in sampled)
        for table in _random_tables(rng, n, draws, min(width + 1, n)):
            for bucket in sampled:
                _count(y, bucket, table, out, spare=True)
    return out


def _bucket(y: Floats, links: WeightedLinks, sites: Ints, places: Ints) -> _Bucket:
    chosen = sites[places]
    size = int(links.indptr[chosen[0] + 1] - links.indptr[chosen[0]])
    at = np.asarray(links.indptr)[chosen][:, None] + np.arange(size)
    weights = np.asarray(links.data, dtype=float)[at]
    observed = (weights * y[links.indices[at]]).sum(axis=1)
    tolerance = 1e-10 * weights.sum(axis=1) * np.abs(y).max(initial=0.0)
    # which draw goes with which weight does not matter; in one order, equal neighbourhoods get equal sums
    return _Bucket(places, chosen, -np.sort(-weights, axis=1), observed, tolerance)


def _count(y: Floats, bucket: _Bucket, table: Table, out: WeightedTails, *, spare: bool) -> None:
    """Add what one table of draws says about the areas of one bucket.

    With a spare, it stands in where the area itself was drawn; without one, such rows do not count.
    """
    k, rows = bucket.weights.shape[1], table.shape[1]
    drawn = y[table[:k]]
    own, column, row = _own_draws(bucket, table[:k], len(y))
    step = max(1, _BLOCK_SUMS // rows)
    for start in range(0, len(bucket.sites), step):
        block = slice(start, start + step)
        sums = bucket.weights[block] @ drawn
        first, last = np.searchsorted(own, [start, start + step])
        i, c, r = own[first:last], column[first:last], row[first:last]
        if spare and len(i):
            sums[i - start, r] += bucket.weights[i, c] * (y[table[k, r]] - y[bucket.sites[i]])
        elif len(i):
            sums[i - start, r] = np.nan  # neither at least nor at most anything
        observed, tolerance = bucket.observed[block], bucket.tolerance[block]
        places = bucket.places[block]
        out.at_least[places] += _row_counts(sums >= (observed - tolerance)[:, None])
        out.at_most[places] += _row_counts(sums <= (observed + tolerance)[:, None])


def _row_counts(true: NDArray[np.bool_]) -> Ints:
    return true.view(np.uint8).sum(axis=1, dtype=np.int32).astype(np.int64)


def _own_draws(bucket: _Bucket, table: Table, n: int) -> tuple[Ints, Ints, Ints]:
    """Each draw of an area of the bucket: (number in the bucket, column, row of the table), by number."""
    number = np.full(n, -1, dtype=np.int32)
    number[bucket.sites] = np.arange(len(bucket.sites), dtype=np.int32)
    own = number[table]
    column, row = np.nonzero(own >= 0)
    found = own[column, row].astype(np.int64)
    order = np.argsort(found, kind="stable")
    return found[order], column[order], row[order]


def _random_tables(rng: np.random.Generator, n: int, draws: int, width: int) -> Iterator[Table]:
    """Tables of `width` distinct ids per row, stored one draw per line, `draws` rows in all."""
    looked_up = n if width > COMPARE_COLUMNS else width
    block = max(16, min(_BLOCK_ROWS, _BLOCK_CELLS // looked_up))
    for start in range(0, draws, block):
        yield distinct_rows(rng, n, min(block, draws - start), width)
