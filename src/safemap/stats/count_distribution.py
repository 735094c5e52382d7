"""The exact distribution of a sum of counts drawn without replacement: no permutations at all.

Counts take few values. How often a sum of *k* of them occurs follows from how many areas have each value, by
adding one value after the other (a hypergeometric convolution), so that a conditional permutation p of counts
is computed instead of drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import StatisticsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Additions of one table cell that are still cheaper than the draws they replace, and cells of one table.
_MAX_WORK = 2**28
_MAX_CELLS = 2**22


class Links(Protocol):
    """The part of a scipy CSR matrix that is used."""

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]
    shape: tuple[int, int]


class ExactTails(NamedTuple):
    """Where the observed sums lie in their exact distributions, one entry per area."""

    upper: Floats  #: probability of a sum as large as the observed one or larger; NaN where not known
    lower: Floats  #: probability of a sum as small or smaller; NaN where not known
    known: NDArray[np.bool_]  #: True where the distribution was computed


class _Classes(NamedTuple):
    """The values that occur, as whole steps above the smallest."""

    step: Ints
    count: Ints


def sum_distribution(values: ArrayLike, k: int) -> tuple[Floats, Floats]:
    """All sums of `k` of the values, drawn without replacement, and their probabilities.

    Parameters
    ----------
    values : array_like
        Whole numbers, with repetitions.
    k : int
        Number drawn, from 0 to the number of values.

    Returns
    -------
    sums, probabilities : ndarray
        Only sums that can occur, ascending.

    Notes
    -----
    With m_c values equal to c, the number of ways to draw k that sum to s is the coefficient of ``x^k z^s``
    in the product over c of ``sum_t C(m_c, t) x^t z^(c t)``. All terms are positive, so nothing cancels.

    References
    ----------
    Pagano, M., Tritchler, D. (1983). On obtaining permutation distributions in polynomial time. Journal of
    the American Statistical Association 78, 435-440. doi:10.1080/01621459.1983.10477990

    Examples
    --------
    Two of 0, 0, 1, 2: six pairs.

    >>> sums, p = sum_distribution([0, 0, 1, 2], 2)
    >>> sums.tolist(), (6 * p).round(12).tolist()
    ([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 1.0])
    """
    y = _whole(values)
    if not 0 <= k <= len(y):
        raise StatisticsError(f"k must lie between 0 and the number of values, {len(y)}; got {k}.")
    low, unit, _, classes = _classes(y)
    table = _start(classes, k)
    for step, count in zip(*classes, strict=True):
        table = _added(table, int(step), int(count), _scale(classes, k))
    row = table[k]
    sums = np.flatnonzero(row)
    return k * low + unit * sums, row[sums] / row.sum()


def exact_tails(
    values: ArrayLike, links: Links, *, where: ArrayLike = True, max_work: float = _MAX_WORK
) -> ExactTails:
    """Tails of the neighbours' sum under conditional permutation, for every area where that is cheap.

    Parameters
    ----------
    values : array_like
        Whole numbers, one per area.
    links : scipy CSR matrix
        Neighbours of each area (its non-zero pattern), without the area itself.
    where : array_like of bool
        Areas to look at.
    max_work : float
        Limit of the number of additions. Areas with the most neighbours are left out first; a wide range of
        values costs more than many areas do.

    Returns
    -------
    ExactTails

    Notes
    -----
    The others of an area are all values less its own, so areas of equal value and equal number of neighbours
    share one distribution. The tables without one value are built by halving the set of values, which adds
    instead of subtracting and keeps the smallest p exact. For more than half of the others, the sum of the
    rest is looked at and the tails change places.

    Examples
    --------
    Five areas in a row: of the 4 values that the neighbour of the first could have, one is as large as 8.

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 4, [1.0] * 4], offsets=[-1, 1]).tocsr()
    >>> float(exact_tails([9, 8, 1, 2, 3], row).upper[0].round(12))
    0.25
    """
    y = _whole(values)
    n = len(y)
    out = ExactTails(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool))
    k_full = np.diff(links.indptr).astype(np.int64)
    rest = 2 * k_full > n - 1
    k = np.where(rest, n - 1 - k_full, k_full)
    _, _, at, classes = _classes(y)
    wanted = (k_full > 0) & np.asarray(where, dtype=bool)
    k_max = _affordable(np.unique(k[wanted]), classes, max_work)
    if k_max < 0:
        return out
    steps = classes.step[at]
    sums = _neighbour_sums(steps, links)
    observed = np.where(rest, steps.sum() - steps - sums, sums)
    known = wanted & (k <= k_max)
    needed = np.bincount(at[known], minlength=len(classes.step)) > 0
    for own, table in _without_one(classes, needed, k_max):
        group = np.flatnonzero(known & (at == own))
        upper, lower = _cumulated(table, k[group], observed[group])
        out.upper[group] = np.where(rest[group], lower, upper)
        out.lower[group] = np.where(rest[group], upper, lower)
    out.known[:] = known
    return out


def _whole(values: ArrayLike) -> Floats:
    y = np.asarray(values, dtype=float)
    if y.ndim != 1 or not np.isfinite(y).all() or not np.array_equal(y, np.rint(y)):
        raise StatisticsError("The exact distribution needs a list of whole numbers without gaps.")
    return y


def _classes(y: Floats) -> tuple[float, float, Ints, _Classes]:
    """Smallest value, common step, class of each value, and the classes."""
    if not len(y):
        return 0.0, 1.0, np.zeros(0, dtype=np.int64), _Classes(np.zeros(0, np.int64), np.zeros(0, np.int64))
    distinct, at, count = np.unique(y, return_inverse=True, return_counts=True)
    above = (distinct - distinct[0]).astype(np.int64)
    unit = max(1, int(np.gcd.reduce(above)))
    return float(distinct[0]), float(unit), at, _Classes(above // unit, count.astype(np.int64))


def _neighbour_sums(steps: Ints, links: Links) -> Ints:
    total = np.concatenate([[0], np.cumsum(steps[links.indices])])
    return total[links.indptr[1:]] - total[links.indptr[:-1]]


def _largest_sum(classes: _Classes, k: int) -> int:
    """Sum of the `k` largest values."""
    step, count = classes.step[::-1], classes.count[::-1]
    taken = np.minimum(count, np.maximum(k - (np.cumsum(count) - count), 0))
    return int(taken @ step)


def _affordable(sizes: Ints, classes: _Classes, max_work: float) -> int:
    """The largest of `sizes` whose tables cost no more than `max_work` additions; -1 if none does."""
    rounds = int(np.ceil(np.log2(max(len(classes.step), 2)))) + 1
    for k in sizes[::-1]:
        cells = float(k + 1) * (_largest_sum(classes, int(k)) + 1)
        steps = float(np.minimum(classes.count, k).sum())
        if cells <= _MAX_CELLS and cells * steps * rounds <= max_work:
            return int(k)
    return -1


def _scale(classes: _Classes, k: int) -> float:
    """Factor per value drawn that keeps numbers of ways, such as C(100000, 40), within floating point."""
    return max(k, 1) / max(int(classes.count.sum()), 1)


def _start(classes: _Classes, k: int) -> Floats:
    """Nothing drawn in one way: rows are the number drawn, columns the sum."""
    table = np.zeros((k + 1, _largest_sum(classes, k) + 1))
    table[0, 0] = 1.0
    return table


def _added(table: Floats, step: int, count: int, scale: float) -> Floats:
    """Ways after `count` more values of `step` became available; ``scale**t`` goes with t values drawn."""
    rows, columns = table.shape
    out = table.copy()
    ways = 1.0
    for t in range(1, min(count, rows - 1) + 1):
        ways *= (count - t + 1) / t * scale
        shift = t * step
        if shift >= columns:
            break
        out[t:, shift:] += ways * table[: rows - t, : columns - shift]
    return out


def _without_one(classes: _Classes, needed: NDArray[np.bool_], k: int) -> Iterator[tuple[int, Floats]]:
    """For each class that is needed, the table of all values less one of that class."""
    scale = _scale(classes, k)

    def halve(table: Floats, members: Ints) -> Iterator[tuple[int, Floats]]:
        if len(members) == 1:
            own = int(members[0])
            yield own, _added(table, int(classes.step[own]), int(classes.count[own]) - 1, scale)
            return
        halves = members[: len(members) // 2], members[len(members) // 2 :]
        for mine, others in (halves, halves[::-1]):
            if not needed[mine].any():
                continue
            grown = table
            for other in others:
                grown = _added(grown, int(classes.step[other]), int(classes.count[other]), scale)
            yield from halve(grown, mine)

    yield from halve(_start(classes, k), np.arange(len(classes.step)))


def _cumulated(table: Floats, k: Ints, observed: Ints) -> tuple[Floats, Floats]:
    """Both tails at the observed sums, each added up from its own end."""
    upper, lower = np.empty(len(k)), np.empty(len(k))
    for size in np.unique(k):
        group = np.flatnonzero(k == size)
        row = table[size] / table[size].sum()
        upper[group] = np.cumsum(row[::-1])[::-1][observed[group]]
        lower[group] = np.cumsum(row)[observed[group]]
    return np.minimum(upper, 1.0), np.minimum(lower, 1.0)
