"""Sums over subsets: the engine of conditional permutation where all neighbours of an area count the same.

The reference distribution of an area with *k* neighbours is the sum of *k* values drawn without replacement
from the *n - 1* others. It depends on the area only through its being left out, so one table of random rows
serves all areas: the first *k* draws of a row are a random subset of size *k*, and in rows that happen to
contain the area the next draw takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from safemap.stats.draws import Table, all_subsets, distinct_rows
from safemap.stats.running import Meter, in_turn
from safemap.stats.tally import tail_counts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Draws held at a time, sums held at a time, and rows that are one piece of work at least and at most.
_BLOCK_CELLS = 2**19
_BLOCK_SUMS = 2**22
_ROWS = (1_024, 2**17)
#: Links looked at together.
_BLOCK_LINKS = 2**21
#: Rows of a table of all subsets looked at together.
_BLOCK_ROWS = 16_384


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


class _Group(NamedTuple):
    """Areas whose sums have the same number of terms."""

    size: int
    members: slice  #: where they stand among the areas of the job


class _Job(NamedTuple):
    """Areas, by the number of terms of their sums."""

    y: Floats
    per_term: float  #: tolerance of a comparison per term of a sum
    sites: Ints
    observed: Floats
    groups: list[_Group]
    number: NDArray[np.int32]  #: of every area of the map, where it stands in `sites`; -1 elsewhere
    size: NDArray[np.int32]  #: of every area of the map, the number of its terms; 0 elsewhere


def subset_tails(
    y: Floats,
    per_term: float,
    links: Links,
    sites: Ints,
    draws: int,
    seed: np.random.SeedSequence,
    *,
    workers: int | None = None,
) -> SubsetTails:
    """Counts for `sites`; zeros elsewhere. `per_term` is the tolerance of a comparison per term of a sum.

    A sum of more than half of the others is the total less a sum of the rest, so the smaller of the two
    subsets is drawn and the tails change places. Where there are no more subsets than draws, all are taken.
    """
    from scipy.special import comb

    n = len(y)
    out = SubsetTails(np.zeros(n, int), np.zeros(n, int), np.zeros(n, int), np.zeros(n, dtype=bool))
    if not len(sites):
        return out
    k_full = np.diff(links.indptr)[sites]
    rest = 2 * k_full > n - 1
    k = np.where(rest, n - 1 - k_full, k_full)
    observed = neighbour_sums(y, links)[sites]
    if rest.any():
        observed = np.where(rest, y.sum() - y[sites] - observed, observed)
    sizes = np.flatnonzero(np.bincount(k))
    subsets = comb(n - 1, sizes)
    order = np.argsort(k.astype(np.uint16) if sizes[-1] < 2**16 else k, kind="stable")
    job = _job(y, per_term, sites[order], observed[order], k[order])
    high, low = np.zeros(len(sites), np.int64), np.zeros(len(sites), np.int64)
    few = [group for group, all_of_them in zip(job.groups, subsets, strict=True) if all_of_them <= draws]
    for group in few:
        at = group.members
        high[at], low[at] = _enumerated(_part(job, group), all_subsets(n, group.size))
    if len(few) < len(job.groups):
        at = slice(job.groups[len(few)].members.start, None)  # comb rises with the size up to half of all
        drawn = _job(y, per_term, job.sites[at], job.observed[at], k[order][at])
        high[at], low[at] = _sampled(drawn, draws, seed, workers)
    chosen = sites[order]
    out.at_least[chosen], out.at_most[chosen] = high, low
    if rest.any():
        turned = sites[rest]
        out.at_least[turned], out.at_most[turned] = out.at_most[turned], out.at_least[turned]
    number = np.zeros(sizes[-1] + 1)
    number[sizes] = subsets
    out.draws[sites] = np.minimum(number, draws).astype(int)[k]
    out.exact[sites] = (number <= draws)[k]
    return out


def neighbour_sums(y: Floats, links: Links) -> Floats:
    """Sum of `y` over the neighbours of each area (0 where there is none), term by term."""
    from scipy.sparse import csr_array

    sums = np.zeros(len(y))
    for rows, at in row_blocks(links):
        ones = np.ones(at.stop - at.start)
        indptr = links.indptr[rows.start : rows.stop + 1] - at.start
        part = csr_array((ones, links.indices[at], indptr), shape=(rows.stop - rows.start, len(y)))
        sums[rows] = part @ y
    return sums


def row_blocks(links: Links) -> Iterator[tuple[slice, slice]]:
    """Rows of a CSR matrix and their links, in blocks of bounded size where no row is larger."""
    n, ends = len(links.indptr) - 1, np.asarray(links.indptr)
    cuts = np.searchsorted(ends, np.arange(_BLOCK_LINKS, int(ends[-1]), _BLOCK_LINKS), side="right") - 1
    bounds = np.unique(np.r_[0, cuts, n])
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield slice(first, last), slice(int(ends[first]), int(ends[last]))


def _job(y: Floats, per_term: float, sites: Ints, observed: Floats, k: Ints) -> _Job:
    """A job from areas that are sorted by `k`."""
    sizes = np.flatnonzero(np.bincount(k))
    ends = np.searchsorted(k, sizes, side="right")
    groups = [
        _Group(int(size), slice(int(start), int(end)))
        for size, start, end in zip(sizes, [0, *ends], ends, strict=False)
    ]
    number, size = np.full(len(y), -1, dtype=np.int32), np.zeros(len(y), dtype=np.int32)
    number[sites], size[sites] = np.arange(len(sites), dtype=np.int32), k
    return _Job(y, per_term, sites, observed, groups, number, size)


def _part(job: _Job, group: _Group) -> _Job:
    """The areas of one group as a job of their own."""
    at = group.members
    k = np.full(at.stop - at.start, group.size)
    return _job(job.y, job.per_term, job.sites[at], job.observed[at], k)


def _enumerated(job: _Job, table: Table) -> tuple[Ints, Ints]:
    """Both tails over all subsets that do not contain the area itself; for a job of one group."""
    high, low = np.zeros(len(job.sites), np.int64), np.zeros(len(job.sites), np.int64)
    tolerance = job.per_term * max(job.groups[0].size, 1)
    for start in range(0, table.shape[1], _BLOCK_ROWS):
        rows = table[:, start : start + _BLOCK_ROWS]
        sums = job.y[rows].sum(axis=0)
        more, fewer = tail_counts(sums, job.observed, tolerance)
        column, row = np.nonzero(job.number[rows] >= 0)
        own = job.number[rows[column, row]]
        observed = job.observed[own]
        high += more - np.bincount(own[sums[row] >= observed - tolerance], minlength=len(high))
        low += fewer - np.bincount(own[sums[row] <= observed + tolerance], minlength=len(low))
    return high, low


def _sampled(job: _Job, draws: int, seed: np.random.SeedSequence, workers: int | None) -> tuple[Ints, Ints]:
    """Both tails over `draws` random rows, in pieces that do not depend on the number of workers."""
    width, n = job.groups[-1].size, len(job.sites)
    # as many rows as make looking up the areas a small part of the work
    rows = 4 * max(n, 2**16) // width
    least, most = _ROWS
    step = max(least, min(rows, most, _BLOCK_SUMS // len(job.groups)))
    starts = range(0, draws, step)
    pieces = [
        (min(step, draws - start), part) for start, part in zip(starts, seed.spawn(len(starts)), strict=True)
    ]
    high, low = np.zeros(n, np.int64), np.zeros(n, np.int64)
    meter = Meter("permutations", draws)
    for (number, _), (more, fewer) in zip(
        pieces, in_turn(lambda piece: _piece(job, *piece), pieces, workers), strict=True
    ):
        high += more
        low += fewer
        meter.add(number)
    return high, low


def _piece(job: _Job, rows: int, seed: np.random.SeedSequence) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Both tails over some rows: all areas against the same sums, then the rows that hold an area itself."""
    rng = np.random.default_rng(seed)
    width = job.groups[-1].size
    more, fewer = np.zeros(len(job.sites), np.int32), np.zeros(len(job.sites), np.int32)
    sums = np.empty((len(job.groups), rows))
    step = max(16, _BLOCK_CELLS // (width + 1))
    for start in range(0, rows, step):
        part = sums[:, start : start + step]
        table = distinct_rows(rng, len(job.y), part.shape[1], width + 1)
        _add_up(job, table, part)
        _put_right(job, table, part, more, fewer)
    for group, of_size in zip(job.groups, sums, strict=True):
        at = group.members
        above, below = tail_counts(of_size, job.observed[at], job.per_term * group.size)
        more[at] += above
        fewer[at] += below
    return more, fewer


def _add_up(job: _Job, table: Table, sums: Floats) -> None:
    """Sums of the first draws of each row, for every number of terms that is needed."""
    total, done = np.zeros(table.shape[1]), 0
    for group, out in zip(job.groups, sums, strict=True):
        for draw in table[done : group.size]:
            total += job.y[draw]
        out[:] = total
        done = group.size


def _put_right(
    job: _Job, table: Table, sums: Floats, more: NDArray[np.int32], fewer: NDArray[np.int32]
) -> None:
    """Correct the counts for the rows in which an area itself was drawn and the next draw takes its place."""
    width, rows = table.shape[0] - 1, table.shape[1]
    drawn = np.ascontiguousarray(table[:width]).ravel()
    held = (job.size[drawn].reshape(width, rows) > np.arange(width, dtype=np.int32)[:, None]).ravel()
    at = np.flatnonzero(held)
    own, row = drawn[at], at % rows
    k = job.size[own]
    change = job.y[table[k, row]] - job.y[own]
    some = np.flatnonzero(change)
    own, row, k, change = own[some], row[some], k[some], change[some]
    group = np.zeros(width + 1, dtype=np.intp)
    group[[g.size for g in job.groups]] = np.arange(len(job.groups))
    before = sums[group[k], row] if len(job.groups) > 1 else sums[0, row]
    after = before + change
    place = job.number[own]
    for tail, sign in ((more, 1.0), (fewer, -1.0)):
        bound = sign * job.observed[place] - job.per_term * k
        moved = (sign * after >= bound).view(np.int8) - (sign * before >= bound).view(np.int8)
        differ = np.flatnonzero(moved)
        np.add.at(tail, place[differ], moved[differ].astype(np.int32))
