"""Conditional permutation for sums over neighbours that count differently: kernels, inverse distances.

With unequal weights it matters which neighbour gets which value, so the reference sums are no longer sums of
subsets. But all areas still share one table of random rows: the product of their rows of weights with the
values drawn gives all reference sums, block by block, and each block is compared with the observed sums and
forgotten. A row that holds the area itself gets a spare in its place.

Two shortcuts change no count. Areas whose weights are the same up to a factor (the cells of a grid) share
their reference sums, which are added up once. Elsewhere the product is taken in single precision first, and
only areas with a sum too near to the observed one to be sure are computed in double precision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.stats.draws import Table, all_arrangements, distinct_rows
from safemap.stats.running import Meter, in_turn
from safemap.stats.tally import tail_counts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Multiplications at a time: blocks that fit the cache, and that are too small for the linear algebra library
#: to start threads of its own, are many times faster than larger ones.
_BLOCK_WORK = 2**19
#: Rows of a block, at most (a multiple of 8, below 2,048), and draws held at a time.
_BLOCK_ROWS = 1_024
_BLOCK_CELLS = 2**22
#: Areas with the same weights from which they share their sums; weights that make one piece of work.
_SHARED = 128
_PIECE = 2**18
#: What the sums of weights that add up to 1 may differ by, in units of the largest value, and be a tie.
_TIE = 1e-9
#: Neighbours up to which single precision is tried, and share of areas it may leave open.
_SINGLE = 64
_TOO_OPEN = 0.3


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


class _Piece(NamedTuple):
    """Areas with the same number of neighbours: one piece of work."""

    places: Ints  #: where they stand among the areas asked for
    sites: Ints  #: rows of the areas
    k: int
    alike: bool  #: all have the same weights
    first: int  #: number of the first; the areas of all pieces are numbered one after the other


class _Plan(NamedTuple):
    """All pieces of work, and where to find each area."""

    pieces: list[_Piece]
    number: NDArray[np.int32]  #: of every area of the map; -1 where it is not in a piece
    size: NDArray[np.int32]  #: of every area of the map, its neighbours; 0 where it is not in a piece


class _Draws(NamedTuple):
    """A table of draws, and where it holds areas whose own draw it is."""

    table: Table
    spare: bool  #: the next draw takes the place of an area's own; else such rows do not count
    number: NDArray[np.int32]  #: which area, ascending
    column: Ints
    row: Ints


class _Own(NamedTuple):
    """Draws of areas of one piece in rows of their own."""

    i: Ints  #: number in the piece
    row: Ints
    shift: Floats  #: what the sum changes by; NaN where the row does not count


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
    values: Floats,
    links: WeightedLinks,
    sites: Ints,
    draws: int,
    rng: np.random.Generator,
    *,
    workers: int | None = None,
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
    workers : int, optional
        Threads; by default as many as the process may use, up to 8. They change no digit.

    Notes
    -----
    Sums that differ by less than 1e-9 of the largest possible one count as ties, because weights that come
    from coordinates, and the order of summation, change the last digits.
    """
    from scipy.special import perm

    n = len(values)
    y = values - np.median(values)
    y = np.ldexp(y, -int(np.frexp(np.abs(y).max(initial=0.0))[1]))  # to 1 at most, without rounding
    k = np.diff(links.indptr)[sites].astype(np.int64)
    out = WeightedTails(*(np.zeros(len(sites), dtype=np.int64) for _ in range(3)), np.zeros(len(sites), bool))
    arrangements = perm(n - 1, k)
    out.exact[:] = arrangements <= draws
    out.draws[:] = np.where(out.exact, arrangements, draws).astype(np.int64)
    for size in _sizes(k[out.exact]):
        plan = _plan(n, sites, k, [(np.flatnonzero(k == size), False)])
        for table in all_arrangements(n, size):
            _count(y, links, plan, _draws(plan, table, spare=False), out, workers=1)
    sizes = _sizes(k[~out.exact])
    if sizes:
        kinds = [kind for size in sizes for kind in _kinds(links, sites, np.flatnonzero(k == size))]
        plan = _plan(n, sites, k, kinds)
        width = min(sizes[-1] + 1, n)
        step = max(1, _BLOCK_CELLS // width // _BLOCK_ROWS) * _BLOCK_ROWS
        meter = Meter("permutations", draws)
        for start in range(0, draws, step):
            table = distinct_rows(rng, n, min(step, draws - start), width)
            _count(y, links, plan, _draws(plan, table, spare=True), out, workers=workers)
            meter.add(table.shape[1])
    return out


def _sizes(k: Ints) -> list[int]:
    return [int(size) for size in np.flatnonzero(np.bincount(k))]


def _kinds(links: WeightedLinks, sites: Ints, places: Ints) -> list[tuple[Ints, bool]]:
    """Areas with the same number of neighbours, parted into those with the same weights and the others."""
    k = int(np.diff(links.indptr[sites[places[0]] :][:2])[0])
    few = _keys(links, sites[places[:: max(1, len(places) // 1_024)]], k)
    if len(places) < _SHARED or len(np.unique(few[:, 0])) == len(few):
        return [(places, False)]
    keys = _keys(links, sites[places], k)
    order = np.argsort(keys[:, 0], kind="stable")
    change = (keys[order][1:] != keys[order][:-1]).any(axis=1)
    groups = np.split(order, np.flatnonzero(change) + 1)
    alike = [(places[np.sort(group)], True) for group in groups if len(group) >= _SHARED]
    rest = [group for group in groups if len(group) < _SHARED]
    return alike + ([(places[np.sort(np.concatenate(rest))], False)] if rest else [])


def _keys(links: WeightedLinks, sites: Ints, k: int) -> NDArray[np.uint64]:
    """Two numbers per area that are equal where weights are, to the last digit that matters."""
    mix = np.random.default_rng(0).integers(1, 2**63, size=(k, 2), dtype=np.uint64) | np.uint64(1)
    out = np.empty((len(sites), 2), dtype=np.uint64)
    step = max(1, _PIECE // k)
    for start in range(0, len(sites), step):
        rounded = np.rint(_weights(links, sites[start : start + step], k) * (k / _TIE))
        out[start : start + step] = rounded.astype(np.int64).view(np.uint64) @ mix
    return out


def _plan(n: int, sites: Ints, k: Ints, kinds: list[tuple[Ints, bool]]) -> _Plan:
    number, size = np.full(n, -1, dtype=np.int32), np.zeros(n, dtype=np.int32)
    pieces: list[_Piece] = []
    first = 0
    for places, alike in kinds:
        neighbours = int(k[places[0]])
        step = max(16, _PIECE // neighbours)
        for start in range(0, len(places), step):
            part = places[start : start + step]
            pieces.append(_Piece(part, sites[part], neighbours, alike, first))
            number[sites[part]] = np.arange(first, first + len(part))
            size[sites[part]] = neighbours
            first += len(part)
    return _Plan(pieces, number, size)


def _draws(plan: _Plan, table: Table, *, spare: bool) -> _Draws:
    width, rows = min(plan.pieces[-1].k, len(table)), table.shape[1]
    drawn = np.ascontiguousarray(table[:width]).ravel()
    held = plan.size[drawn].reshape(width, rows) > np.arange(width, dtype=np.int32)[:, None]
    at = np.flatnonzero(held)
    number = plan.number[drawn[at]]
    order = np.argsort(number, kind="stable")
    at = at[order]
    return _Draws(table, spare, number[order], at // rows, at % rows)


def _count(
    y: Floats, links: WeightedLinks, plan: _Plan, draws: _Draws, out: WeightedTails, *, workers: int | None
) -> None:
    """Add what one table of draws says about all areas; each piece writes to places of its own."""

    def one(piece: _Piece) -> None:
        weights = _weights(links, piece.sites[:1] if piece.alike else piece.sites, piece.k)
        observed = _observed(y, links, piece.sites, piece.k)
        own = _own(y, piece, weights, draws)
        count = _shared if piece.alike else _multiplied
        more, fewer = count(y, draws.table[: piece.k], weights, observed, own)
        out.at_least[piece.places] += more
        out.at_most[piece.places] += fewer

    for _ in in_turn(one, plan.pieces, workers):
        pass


def _weights(links: WeightedLinks, sites: Ints, k: int) -> Floats:
    """Weights that add up to 1, one row per area.

    Which draw goes with which weight does not matter; in one order, equal neighbourhoods get equal sums.
    """
    at = np.asarray(links.indptr)[sites][:, None] + np.arange(k)
    weights = np.sort(np.asarray(links.data, dtype=float)[at], axis=1)
    weights /= np.abs(weights).sum(axis=1, keepdims=True)
    return weights


def _observed(y: Floats, links: WeightedLinks, sites: Ints, k: int) -> Floats:
    at = np.asarray(links.indptr)[sites][:, None] + np.arange(k)
    weights = np.asarray(links.data, dtype=float)[at]
    sums = np.einsum("ij,ij->i", weights, y[links.indices[at]])
    return sums / np.abs(weights).sum(axis=1)


def _own(y: Floats, piece: _Piece, weights: Floats, draws: _Draws) -> _Own:
    first, last = np.searchsorted(draws.number, [piece.first, piece.first + len(piece.sites)])
    i, column, row = draws.number[first:last] - piece.first, draws.column[first:last], draws.row[first:last]
    if not draws.spare:
        return _Own(i, row, np.full(len(i), np.nan))
    weight = weights[0, column] if piece.alike else weights[i, column]
    return _Own(i, row, weight * (y[draws.table[piece.k, row]] - y[piece.sites[i]]))


def _tolerance(y: Floats) -> float:
    return _TIE * float(np.abs(y).max())


def _shared(y: Floats, table: Table, weights: Floats, observed: Floats, own: _Own) -> tuple[Ints, Ints]:
    """Both tails where all areas have the same weights: the same sums, and a few of them put right."""
    sums, tolerance = np.zeros(table.shape[1]), _tolerance(y)
    for weight, draw in zip(weights[0], table, strict=True):
        sums += weight * y[draw]
    before, after = sums[own.row], sums[own.row] + own.shift
    tails = tail_counts(sums, observed, tolerance)
    for tail, sign in zip(tails, (1.0, -1.0), strict=True):
        bound = sign * observed[own.i] - tolerance
        moved = (sign * after >= bound).view(np.int8) - (sign * before >= bound).view(np.int8)
        differ = np.flatnonzero(moved)
        np.add.at(tail, own.i[differ], moved[differ].astype(np.int32))
    return tails


def _multiplied(y: Floats, table: Table, weights: Floats, observed: Floats, own: _Own) -> tuple[Ints, Ints]:
    """Both tails by the product of weights and values drawn, block by block."""
    k, rows = table.shape
    n = len(weights)
    columns = 8 * max(1, min(_BLOCK_ROWS, 1 << (_BLOCK_ROWS * 32 // k).bit_length() - 1, rows + 7) // 8)
    step = max(8, _BLOCK_WORK // (columns * k))
    block = own.row // columns
    order = np.argsort(block * n + own.i, kind="stable")
    own = _Own(*(a[order] for a in own))
    ends = np.searchsorted(block[order] * n + own.i, np.arange(0, -(-rows // columns) + 1) * n)
    tails = np.zeros((2, n), dtype=np.int64)
    single = k <= _SINGLE and not np.isnan(own.shift).any()
    for number, start in enumerate(range(0, rows, columns)):
        drawn = np.full((k, columns), np.nan)
        part = table[:, start : start + columns]
        drawn[:, : part.shape[1]] = y[part]
        here = _Own(*(a[ends[number] : ends[number + 1]] for a in own))
        here = here._replace(row=here.row - start)
        left = np.arange(n)
        if single:
            left = _compare_single(weights, observed, drawn, here, step, part.shape[1], tails, _tolerance(y))
            single = len(left) <= _TOO_OPEN * n
        if len(left):
            _compare_double(weights, observed, drawn, here, step, left, tails, _tolerance(y))
    return tails[0], tails[1]


def _compare_single(
    weights: Floats,
    observed: Floats,
    drawn: Floats,
    own: _Own,
    step: int,
    rows: int,
    tails: Ints,
    tolerance: float,
) -> Ints:
    """Count in single precision; the areas that are left open are not counted and given back.

    Values are at most 1 and weights add up to 1, so rounding moves the difference of a sum and the observed
    one by less than ``(k + 16) 2**-23``.
    """
    k = weights.shape[1]
    left = np.hstack([weights, -observed[:, None]]).astype(np.float32)
    right = np.vstack([drawn, np.ones(drawn.shape[1])]).astype(np.float32)
    shift = own.shift.astype(np.float32)
    band = np.float32(tolerance + (k + 16) * 2.0**-23)
    sums = np.empty((step, drawn.shape[1]), dtype=np.float32)
    flags = np.empty(sums.shape, dtype=bool)
    eight = np.empty((2, len(weights)), dtype=np.uint64)
    ends = np.searchsorted(own.i, np.arange(0, len(weights) + step, step)).tolist()
    for number, start in enumerate(range(0, len(weights), step)):
        some = slice(start, min(start + step, len(weights)))
        x, flag = sums[: some.stop - start], flags[: some.stop - start]
        np.matmul(left[some], right, out=x)
        if ends[number] < ends[number + 1]:
            at = slice(ends[number], ends[number + 1])
            x[own.i[at] - start, own.row[at]] += shift[at]  # an area is drawn once in a row at most
        np.greater_equal(x, -band, out=flag)
        np.add.reduce(flag.view(np.uint64), axis=1, out=eight[0, some])
        np.less_equal(x, band, out=flag)
        np.add.reduce(flag.view(np.uint64), axis=1, out=eight[1, some])
    counts = _by_eight(eight)
    unsure = counts[0] + counts[1] != rows
    counts[:, unsure] = 0
    tails += counts
    return np.flatnonzero(unsure)


def _compare_double(
    weights: Floats,
    observed: Floats,
    drawn: Floats,
    own: _Own,
    step: int,
    chosen: Ints,
    tails: Ints,
    tolerance: float,
) -> None:
    """Count for the areas `chosen` (ascending) in double precision."""
    keep = np.isin(own.i, chosen) if len(chosen) < len(weights) else slice(None)
    i, row, shift = np.searchsorted(chosen, own.i[keep]), own.row[keep], own.shift[keep]
    ends = np.searchsorted(i, np.arange(0, len(chosen) + step, step))
    for number, start in enumerate(range(0, len(chosen), step)):
        some = chosen[start : start + step]
        if len(chosen) == len(weights):
            some = slice(start, start + step)
        x = weights[some] @ drawn
        at = slice(ends[number], ends[number + 1])
        x[i[at] - start, row[at]] += shift[at]
        tails[0, some] += _row_counts(x >= (observed[some] - tolerance)[:, None])
        tails[1, some] += _row_counts(x <= (observed[some] + tolerance)[:, None])


def _row_counts(true: NDArray[np.bool_]) -> Ints:
    """How many are true in each row; rows are below 2,048 and a multiple of 8 long."""
    return _by_eight(np.add.reduce(true.view(np.uint64), axis=1))


def _by_eight(sums: NDArray[np.uint64]) -> Ints:
    """Sums of eight counts below 256 each that were added up together, as bytes of one number."""
    return sums.view(np.uint8).reshape(*sums.shape, 8).sum(axis=-1, dtype=np.int64)
