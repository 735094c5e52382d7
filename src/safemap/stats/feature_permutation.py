"""Conditional permutation where the area's own value is part of the statistic: local Geary, local Lee.

Such a statistic is not one sum over the neighbours but a combination of a few: with squares in the table,
the squared differences of area *i* from its neighbours are ``k x_i^2 - 2 x_i sum x_j + sum x_j^2``, and Lee's
product is ``(a_i + sum x_j) (b_i + sum y_j)``. The sums depend on the area only through its being left out,
so one table of random rows serves all areas with the same number of neighbours; the coefficients are its own.

How many of the rows reach the observed value is a question of points on one side of a line (or plane). Areas
with nearly the same coefficients are asked together: the rows are sorted by the value they would have at the
middle of the group, which settles all but a window of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from safemap.stats.draws import (
    COMPARE_COLUMNS,
    all_arrangements,
    all_subsets,
    distinct_columns,
    distinct_rows,
)
from safemap.stats.permutation import Tails
from safemap.stats.weighted_permutation import uneven_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Table = NDArray[np.int32]

#: Rows of draws held at a time, and cells of the look-up table of wide neighbourhoods.
_BLOCK_ROWS = 16_384
_BLOCK_CELLS = 2**24
#: Areas of a group that share one sorted order, and areas compared with one window of it.
_GROUP = 512
_LEAF = 24
#: Reference values held at a time.
_BLOCK_VALUES = 2**16
#: Of the largest possible value: differences below are ties, as the order of summation changes last digits.
_ROUNDING = 1e-12


class Links(Protocol):
    """The part of a scipy CSR matrix that is used."""

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]
    data: NDArray[np.floating]
    shape: tuple[int, int]


class Combination(NamedTuple):
    """A statistic made of sums over the neighbours.

    Without a product its value is ``sum_f own[i, f] S_f``; with it, of two features, ``(own[i, 0] + S_0)
    (own[i, 1] + S_1)``.
    """

    features: Floats  #: what is summed over the neighbours, one line per quantity, one column per area
    own: Floats  #: coefficients of each area, one line per area
    product: bool = False
    exact: bool = False  #: whole numbers whose sums have no rounding, so that only equal values are ties


class _Job(NamedTuple):
    """Areas with the same number of values drawn."""

    places: Ints  #: where they stand among the areas asked for
    sites: Ints
    coefficients: Floats  #: one line per area, of the lifted sums
    at_least: Floats  #: what a reference value must reach
    at_most: Floats


def combination_tails(
    what: Combination, links: Links, sites: Ints, draws: int, rng: np.random.SeedSequence
) -> Tails:
    """Both tails of `sites` over `draws` random choices of their neighbours, all choices where fewer.

    Parameters
    ----------
    what : Combination
        The statistic.
    links : scipy CSR matrix
        Neighbours and their weights, without the area itself. Areas whose neighbours all have the same weight
        are tested as if it were 1, so `own` of a product is to be given in units of that weight.
    sites : ndarray of int
        Rows to look at, each with at least one neighbour.
    draws : int
        Choices for each.
    rng : numpy.random.SeedSequence
        Source of the draws.
    """
    out = Tails(*(np.zeros(len(sites), dtype=np.int64) for _ in range(3)), np.zeros(len(sites), dtype=bool))
    if len(sites):
        even_seed, uneven_seed = rng.spawn(2)
        uneven = uneven_rows(links)[sites]
        even = np.flatnonzero(~uneven)
        _even_tails(what, links, sites, even, draws, np.random.default_rng(even_seed), out)
        rest = np.flatnonzero(uneven)
        _uneven_tails(what, links, sites, rest, draws, np.random.default_rng(uneven_seed), out)
    return out


# neighbours count the same: sums of subsets


def _even_tails(
    what: Combination,
    links: Links,
    sites: Ints,
    places: Ints,
    draws: int,
    rng: np.random.Generator,
    out: Tails,
) -> None:
    from scipy.special import comb

    n = what.features.shape[1]
    k_full = np.diff(links.indptr)[sites[places]]
    rest = 2 * k_full > n - 1  # the smaller of the two subsets is drawn
    k = np.where(rest, n - 1 - k_full, k_full)
    subsets = comb(n - 1, k)
    out.exact[places] = subsets <= draws
    out.draws[places] = np.where(subsets <= draws, subsets, draws).astype(np.int64)
    sampled: dict[int, list[_Job]] = {}
    for size in np.unique(k):
        jobs = [
            _job(what, links, sites, places[group], complement=complement)
            for complement in (False, True)
            if len(group := np.flatnonzero((k == size) & (rest == complement)))
        ]
        if comb(n - 1, size) <= draws:
            _count_all(what, jobs, all_subsets(n, int(size)), out)
        else:
            sampled[int(size)] = jobs
    if sampled:
        _count_random(what, sampled, draws, rng, out)


def _job(what: Combination, links: Links, sites: Ints, places: Ints, *, complement: bool) -> _Job:
    """Coefficients of the sums that are drawn, and what their combination is compared with."""
    chosen = sites[places]
    f, own = what.features, what.own[chosen]
    k = np.diff(links.indptr)[chosen]
    row = np.repeat(np.arange(len(chosen)), k)
    at = np.repeat(np.asarray(links.indptr)[chosen] - np.cumsum(k) + k, k) + np.arange(len(row))
    near = np.stack([np.bincount(row, line[links.indices[at]], len(chosen)) for line in f], axis=1)
    seen = near
    if complement:  # what is drawn is the rest of the others
        others = f.sum(axis=1) - f[:, chosen].T
        seen = others - near
        own = -(own + others) if what.product else -own
    coefficients = np.column_stack([own[:, 1], own[:, 0], np.ones(len(own))]) if what.product else own
    lifted = _lift(seen.T, what.product)
    observed = (coefficients * lifted.T).sum(axis=1)
    size = np.abs(f).max(axis=1) * max(int(k.max(initial=1)), 1)
    tolerance = 0.0 if what.exact else _ROUNDING * (np.abs(coefficients) @ _lift(size, what.product))
    return _Job(places, chosen, coefficients, observed - tolerance, observed + tolerance)


def _lift(sums: Floats, product: bool) -> Floats:
    """The sums themselves, and their product where the statistic has it."""
    return np.concatenate([sums, (sums[0] * sums[1])[None]]) if product else sums


def _count_all(what: Combination, jobs: list[_Job], table: Table, out: Tails) -> None:
    """Over all subsets that do not contain the area itself."""
    for start in range(0, table.shape[1], _BLOCK_ROWS):
        rows = table[:, start : start + _BLOCK_ROWS]
        lifted = _lift(what.features[:, rows].sum(axis=1), what.product)
        for job in jobs:
            more, fewer = _count(job, lifted)
            own, at = _rows_with_own(job, rows, what.features.shape[1])
            more_own, fewer_own = _count_rows(job, own, lifted[:, at])
            out.at_least[job.places] += more - more_own
            out.at_most[job.places] += fewer - fewer_own


def _count_random(
    what: Combination, jobs: dict[int, list[_Job]], draws: int, rng: np.random.Generator, out: Tails
) -> None:
    """Over random subsets: the first k ids of a row; the next id stands in for the area itself."""
    f, n, width = what.features, what.features.shape[1], max(jobs)
    block = _BLOCK_ROWS if width <= COMPARE_COLUMNS else min(_BLOCK_ROWS, max(16, _BLOCK_CELLS // n))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        sums = np.zeros((len(f), rows))
        for table in distinct_columns(rng, n, rows, width + 1):
            for job in jobs.get(len(table) - 1, ()):
                _count_with_spare(what, job, sums, table, out)
            sums += f[:, table[-1]]


def _count_with_spare(what: Combination, job: _Job, sums: Floats, table: Table, out: Tails) -> None:
    f, lifted = what.features, _lift(sums, what.product)
    more, fewer = _count(job, lifted)
    own, at = _rows_with_own(job, table[:-1], f.shape[1])
    more_old, fewer_old = _count_rows(job, own, lifted[:, at])
    corrected = sums[:, at] - f[:, job.sites[own]] + f[:, table[-1, at]]
    more_new, fewer_new = _count_rows(job, own, _lift(corrected, what.product))
    out.at_least[job.places] += more - more_old + more_new
    out.at_most[job.places] += fewer - fewer_old + fewer_new


def _count(job: _Job, lifted: Floats) -> tuple[Ints, Ints]:
    """How many columns of `lifted` give each area at least, and at most, its observed value."""
    more, fewer = np.empty(len(job.sites), np.int64), np.empty(len(job.sites), np.int64)
    middle = lifted.mean(axis=1)
    reach = np.sqrt(((lifted - middle[:, None]) ** 2).sum(axis=0).max(initial=0.0))
    for group in _groups(job.coefficients):
        centre = job.coefficients[group].mean(axis=0)
        order = np.argsort(centre @ lifted)
        ordered = lifted[:, order]
        at_centre = centre @ ordered
        # a value at an area is that at the centre plus the difference of coefficients times the sums
        apart = job.coefficients[group] - centre
        shift = apart @ middle
        slack = np.sqrt((apart**2).sum(axis=1)) * reach
        slack = slack * (1 + 1e-9) + 1e-9 * np.abs(at_centre).max(initial=0.0)
        first = np.searchsorted(at_centre, job.at_least[group] - shift - slack, side="left")
        last = np.searchsorted(at_centre, job.at_most[group] - shift + slack, side="right")
        by_place = np.argsort(first + last, kind="stable")
        for start in range(0, len(group), _LEAF):
            leaf = by_place[start : start + _LEAF]
            chosen, low, high = group[leaf], int(first[leaf].min()), int(last[leaf].max())
            values = job.coefficients[chosen] @ ordered[:, low:high]
            more[chosen] = _true(values >= job.at_least[chosen][:, None]) + len(order) - high
            fewer[chosen] = _true(values <= job.at_most[chosen][:, None]) + low
    return more, fewer


def _groups(coefficients: Floats) -> Iterator[Ints]:
    """Areas with similar coefficients, by halving along the longest side."""
    waiting = [np.arange(len(coefficients))]
    while waiting:
        group = waiting.pop()
        sides = np.ptp(coefficients[group], axis=0)
        if len(group) <= _GROUP or not sides.any():
            yield group
            continue
        along = coefficients[group, int(np.argmax(sides))]
        order = np.argsort(along, kind="stable")
        waiting += [group[order[: len(group) // 2]], group[order[len(group) // 2 :]]]


def _true(values: NDArray[np.bool_]) -> Ints:
    return values.view(np.uint8).sum(axis=1, dtype=np.int32).astype(np.int64)


def _rows_with_own(job: _Job, rows: Table, n: int) -> tuple[Ints, Ints]:
    """Each occurrence of an area of the job in a row: (number of the area in the job, row)."""
    number = np.full(n, -1, dtype=np.int32)
    number[job.sites] = np.arange(len(job.sites), dtype=np.int32)
    own = number[rows]
    column, at = np.nonzero(own >= 0)
    return own[column, at].astype(np.int64), at


def _count_rows(job: _Job, own: Ints, lifted: Floats) -> tuple[Ints, Ints]:
    values = np.einsum("ij,ji->i", job.coefficients[own], lifted)
    more = np.bincount(own[values >= job.at_least[own]], minlength=len(job.sites))
    fewer = np.bincount(own[values <= job.at_most[own]], minlength=len(job.sites))
    return more, fewer


# neighbours count differently: arrangements


def _uneven_tails(
    what: Combination,
    links: Links,
    sites: Ints,
    places: Ints,
    draws: int,
    rng: np.random.Generator,
    out: Tails,
) -> None:
    from scipy.special import perm

    n = what.features.shape[1]
    k = np.diff(links.indptr)[sites[places]]
    arrangements = perm(n - 1, k)
    out.exact[places] = arrangements <= draws
    out.draws[places] = np.where(arrangements <= draws, arrangements, draws).astype(np.int64)
    sampled = []
    for size in np.unique(k):
        bucket = places[k == size]
        if out.exact[bucket[0]]:
            for table in all_arrangements(n, int(size)):
                _count_weighted(what, links, sites, bucket, table, out, spare=False)
        else:
            sampled.append(bucket)
    if not sampled:
        return
    width = min(int(k.max()) + 1, n)
    block = max(16, min(1_024, _BLOCK_CELLS // (n if width > COMPARE_COLUMNS else width)))
    for start in range(0, draws, block):
        table = distinct_rows(rng, n, min(block, draws - start), width)
        for bucket in sampled:
            _count_weighted(what, links, sites, bucket, table, out, spare=True)


def _count_weighted(
    what: Combination, links: Links, sites: Ints, bucket: Ints, table: Table, out: Tails, *, spare: bool
) -> None:
    """Add what one table of arrangements says about areas with the same number of neighbours."""
    f, rows = what.features, table.shape[1]
    k = int(np.diff(links.indptr)[sites[bucket[0]]])
    step = max(1, _BLOCK_VALUES // rows)
    drawn = f[:, table[:k]]
    for start in range(0, len(bucket), step):
        places = bucket[start : start + step]
        chosen = sites[places]
        at = np.asarray(links.indptr)[chosen][:, None] + np.arange(k)
        weights, near = np.asarray(links.data, dtype=float)[at], f[:, links.indices[at]]
        order = np.argsort(-weights, axis=1, kind="stable")  # which draw meets which weight does not matter
        observed = _combined(what, chosen, (weights * near).sum(axis=2)[..., None])
        weights = np.take_along_axis(weights, order, axis=1)
        sums = np.stack([weights @ line for line in drawn])
        row, column, i = _own_draws(chosen, table[:k], f.shape[1])
        if spare and len(i):
            sums[:, i, row] += weights[i, column] * (f[:, table[k, row]] - f[:, chosen[i]])
        values = _combined(what, chosen, sums)
        if not spare:
            values[i, row] = np.nan  # neither at least nor at most anything
        size = (weights.sum(axis=1) * np.abs(f).max(axis=1)[:, None])[..., None]
        tolerance = _ROUNDING * _combined(what._replace(own=np.abs(what.own)), chosen, size)
        out.at_least[places] += _true(values >= observed - tolerance)
        out.at_most[places] += _true(values <= observed + tolerance)


def _combined(what: Combination, sites: Ints, sums: Floats) -> Floats:
    """Values of `sites` from sums of shape (features, sites, rows)."""
    own = what.own[sites].T[..., None]
    return np.prod(own + sums, axis=0) if what.product else (own * sums).sum(axis=0)


def _own_draws(chosen: Ints, table: Table, n: int) -> tuple[Ints, Ints, Ints]:
    """Each draw of an area itself: (row of the table, column, number of the area)."""
    number = np.full(n, -1, dtype=np.int32)
    number[chosen] = np.arange(len(chosen), dtype=np.int32)
    own = number[table]
    column, row = np.nonzero(own >= 0)
    return row, column, own[column, row].astype(np.int64)
