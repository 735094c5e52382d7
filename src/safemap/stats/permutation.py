"""Conditional permutation for sums over neighbours, when all neighbours of an area count the same.

The question asked of area *i* with *k* neighbours: if its own value stays and the other values were dealt out
at random, how often would its neighbours' sum be as large, or as small, as it is? The reference distribution
is the sum of *k* values drawn without replacement from the *n - 1* others. It depends on *i* only through *i*
being left out, so one table of random rows serves all areas with the same *k*: rows that happen to contain
*i* get a spare instead.

Local Moran, Gi and Gi* are functions of that sum that only rise or only fall, so they share one test.
All areas are judged by the same random rows and share their Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Rows of random draws held at a time, and cells of the look-up table used for wide neighbourhoods.
_BLOCK_ROWS = 16_384
_BLOCK_CELLS = 2**26
#: Up to this many draws a new one is compared with each earlier one; beyond, looked up.
_COMPARE_COLUMNS = 32


class Links(Protocol):
    """The part of a scipy CSR matrix that is used."""

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]
    shape: tuple[int, int]


class Tails(NamedTuple):
    """How the observed sums lie in their reference distributions.

    Where the whole distribution was computed instead of drawn, the tails are probabilities out of 1 draw.
    """

    at_least: Ints | Floats  #: reference sums greater than or equal to the observed one
    at_most: Ints | Floats  #: reference sums less than or equal to the observed one
    draws: Ints  #: reference sums looked at; 0 where there is no neighbour
    exact: NDArray[np.bool_]  #: True where all possible sums were looked at


class PermutationTest(NamedTuple):
    """Result of :func:`conditional_test`, one entry per area."""

    p_value: Floats  #: NaN where there is no neighbour
    tails: Tails  #: counts the p rests on
    refined: NDArray[np.bool_]  #: True where the second stage replaced the first
    computed: NDArray[np.bool_]  #: True where nothing was drawn: exact distribution of counts


def conditional_test(
    values: ArrayLike,
    links: Links,
    *,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    refine_below: float = 0.05,
    alternative: Alternative = "two-sided",
    flip: ArrayLike | None = None,
    counts: bool = False,
    rng: int | np.random.SeedSequence = 0,
) -> PermutationTest:
    """Conditional permutation p of the neighbours' sum, for every area.

    Parameters
    ----------
    values : array_like of float
        One finite value per area.
    links : scipy CSR matrix
        Neighbours of each area (its non-zero pattern), without the area itself. Weights are not looked at.
    permutations : int
        Draws for every area.
    max_permutations : int
        Draws for the areas whose first p is at most `refine_below`: a new, independent table whose p replaces
        the first one. No second stage where this is not larger than `permutations`.
    refine_below : float
        Threshold of the second stage, to be fixed before looking at the data.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: the sum is larger than expected.
    flip : array_like of bool, optional
        Areas for which the statistic falls when the sum rises (local Moran below the mean): one-sided
        alternatives are swapped there.
    counts : bool
        Compute the exact distribution instead of drawing where that is cheap: values that are whole numbers
        or multiples of a decimal step, in a range that is not too wide.
    rng : int or numpy.random.SeedSequence
        Source of the draws; the same number gives the same p.

    Returns
    -------
    PermutationTest

    Notes
    -----
    Two-sided ``p = min(1, 2 * (min(at_least, at_most) + 1) / (R + 1))``: a tie counts in both tails. Where
    the number of possible subsets C(n - 1, k) is not above the number of draws, all are enumerated and ``p =
    min(1, 2 * min(at_least, at_most) / C(n - 1, k))``. An area linked to all others has p = 1.

    Replacing (never taking the smaller of two) keeps the size: P(p <= u) <= u for u up to `refine_below`
    because the second p alone has that property, and beyond it because the first has.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27, 93-115.
    doi:10.1111/j.1538-4632.1995.tb00338.x
    Phipson, B., Smyth, G. K. (2010). Permutation p-values should never be zero. Statistical Applications in
    Genetics and Molecular Biology 9, 39. doi:10.2202/1544-6115.1585

    Examples
    --------
    Five areas in a row. Of the 4 values that the only neighbour of the first area could have, one is as
    large as the one it has, so p = 2 x 1 / 4.

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 4, [1.0] * 4], offsets=[-1, 1]).tocsr()
    >>> conditional_test([9, 8, 1, 2, 3], row).p_value.round(3).tolist()
    [0.5, 1.0, 0.667, 0.333, 1.0]
    """
    y = np.asarray(values, dtype=float)
    _check(y, links, permutations, max_permutations, alternative)
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
    first_seed, second_seed = seed.spawn(2)
    flipped = np.zeros(len(y), dtype=bool) if flip is None else np.asarray(flip, dtype=bool)

    known = _known_tails(y, links, counts)
    drawn = np.flatnonzero((np.diff(links.indptr) > 0) & ~known.exact)
    tails = _tails(y, links, drawn, permutations, np.random.default_rng(first_seed))
    tails = _replaced(tails, known, known.exact)
    p = p_from_tails(tails, alternative, flip=flipped)
    refined = np.zeros(len(y), dtype=bool)
    if max_permutations > permutations:
        refined = ~tails.exact & (p <= refine_below)
        chosen = np.flatnonzero(refined)
        second = _tails(y, links, chosen, max_permutations, np.random.default_rng(second_seed))
        tails = _replaced(tails, second, refined)
        p = p_from_tails(tails, alternative, flip=flipped)
    return PermutationTest(p, tails, refined, known.exact)


def p_from_tails(tails: Tails, alternative: Alternative, *, flip: ArrayLike | None = None) -> Floats:
    """The p-value that belongs to the counts of both tails; NaN where nothing was drawn."""
    extra = np.where(tails.exact, 0, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        upper = (tails.at_least + extra) / (tails.draws + extra)
        lower = (tails.at_most + extra) / (tails.draws + extra)
    if flip is not None:
        upper, lower = np.where(flip, lower, upper), np.where(flip, upper, lower)
    if alternative == "two-sided":
        p = np.minimum(1.0, 2 * np.minimum(upper, lower))
    else:
        p = upper if alternative == "greater" else lower
    return np.where(tails.draws > 0, p, np.nan)


def smallest_p(
    n: int,
    cardinalities: ArrayLike,
    *,
    permutations: int,
    max_permutations: int,
    refine_below: float = 0.05,
    alternative: Alternative = "two-sided",
    computed: ArrayLike = False,
) -> Floats:
    """Smallest p each area could reach, given its number of neighbours and the number of draws.

    NaN for an area without neighbours. Ties among the values can only raise it. `computed` marks the areas
    whose distribution is computed instead of drawn, so that the number of draws is no limit.

    Examples
    --------
    Six areas with three neighbours each: there are 10 possible sums, so two-sided p is never below 0.2.

    >>> smallest_p(6, [3], permutations=9_999, max_permutations=999_999).tolist()
    [0.2]
    """
    from scipy.special import comb

    k = np.asarray(cardinalities, dtype=float)
    sides = 2 if alternative == "two-sided" else 1
    subsets = comb(n - 1, k)
    reaches_second = sides / (permutations + 1) <= refine_below and max_permutations > permutations
    draws = max_permutations if reaches_second else permutations
    enumerated = (
        np.asarray(computed, dtype=bool) | (subsets <= permutations) | (reaches_second & (subsets <= draws))
    )
    p = np.where(enumerated, sides / np.maximum(subsets, 1), sides / (draws + 1))
    return np.where(k > 0, np.minimum(1.0, p), np.nan)


def conditional_moments(values: ArrayLike, cardinalities: ArrayLike) -> tuple[Floats, Floats]:
    """Mean and variance of the neighbours' sum under conditional permutation, in closed form.

    Notes
    -----
    With m and s2 the mean and variance (divisor n - 1) of the n - 1 other values:
    ``mean = k m`` and ``variance = k s2 (n - 1 - k) / (n - 2)``.

    References
    ----------
    Sokal, R. R., Oden, N. L., Thomson, B. A. (1998). Local spatial autocorrelation in a biological model.
    Geographical Analysis 30, 331-354. doi:10.1111/j.1538-4632.1998.tb00406.x
    """
    y, k = np.asarray(values, dtype=float), np.asarray(cardinalities, dtype=float)
    n = len(y)
    centre = y.mean()
    d = y - centre
    others = -d / (n - 1)  # mean of the others, from the centre
    s2 = np.maximum((np.sum(d**2) - d**2) / (n - 1) - others**2, 0.0)
    s2[s2 < 1e-14 * np.maximum(d @ d / n, 1e-300)] = 0.0  # what is left of a difference of equal numbers
    return k * (centre + others), k * s2 * (n - 1 - k) / (n - 2)


def deviations(values: ArrayLike) -> Floats:
    """Values less their mean, exactly 0 where a value is the mean; for signs, in units of their own."""
    y, per_term = comparable(np.asarray(values, dtype=float))
    if per_term == 0:
        return y * len(y) - y.sum()  # whole numbers: no rounding
    d = y - y.mean()
    return np.where(np.abs(d) <= per_term, 0.0, d)


def comparable(values: Floats) -> tuple[Floats, float]:
    """Values rescaled so that equal sums compare equal, and the tolerance per term of a sum.

    Multiples of a decimal step become whole numbers, whose sums are exact (tolerance 0). Others are centred
    and compared with a tolerance of 1e-10 of the largest, because the order of summation changes the last
    digits.
    """
    for digits in range(10):
        step = 10.0**digits
        whole = np.rint(values * step)
        if np.abs(whole).max() * len(values) >= 2**53:
            break
        if np.array_equal(whole / step, values):
            return whole, 0.0
    centre = np.median(values)
    rounding = 8 * np.finfo(float).eps * np.abs(values).max()
    return values - centre, max(1e-10 * np.abs(values - centre).max(), rounding)


def _check(y: Floats, links: Links, permutations: int, max_permutations: int, alternative: str) -> None:
    n = len(y)
    if y.ndim != 1 or links.shape != (n, n):
        raise StatisticsError(f"values and links must fit: {y.shape} values, links {links.shape}.")
    if n < 3:
        raise StatisticsError(f"A statistic of neighbourhood needs at least 3 areas; got {n}.")
    if not np.isfinite(y).all():
        raise StatisticsError(
            f"{int((~np.isfinite(y)).sum())} values are missing or infinite; set them aside."
        )
    if permutations < 1 or max_permutations < 1:
        raise ConfigError(
            f"permutations and max_permutations must be 1 or more; got {permutations} and {max_permutations}."
        )
    if alternative not in ("two-sided", "greater", "less"):
        raise ConfigError(f"alternative must be two-sided, greater or less; got {alternative!r}.")
    row = np.repeat(np.arange(n), np.diff(links.indptr))
    if (row == links.indices).any():
        raise StatisticsError("An area is its own neighbour; the test keeps the area's own value in place.")


def _known_tails(y: Floats, links: Links, counts: bool) -> Tails:
    """Exact tails where they are asked for and cheap; ``exact`` says where."""
    from safemap.stats.count_distribution import exact_tails

    n = len(y)
    whole, per_term = comparable(y)
    if not counts or per_term > 0:
        return Tails(np.zeros(n), np.zeros(n), np.zeros(n, int), np.zeros(n, dtype=bool))
    upper, lower, known = exact_tails(whole, links)
    return Tails(upper, lower, known.astype(int), known)


def _replaced(tails: Tails, others: Tails, where: NDArray[np.bool_]) -> Tails:
    """`tails` with those of `others` in some places; numbers of draws stay whole numbers if they can."""
    if not where.any():
        return tails
    return Tails(*(np.where(where, new, old) for new, old in zip(others, tails, strict=True)))


def _tails(y: Floats, links: Links, sites: Ints, draws: int, rng: np.random.Generator) -> Tails:
    """Counts for `sites`; zeros elsewhere.

    A sum of more than half of the others is the total less a sum of the rest, so the smaller of the two
    subsets is drawn and the tails change places.
    """
    from scipy.special import comb

    n = len(y)
    out = Tails(np.zeros(n, int), np.zeros(n, int), np.zeros(n, int), np.zeros(n, dtype=bool))
    if not len(sites):
        return out
    y, per_term = comparable(y)
    k_full = np.diff(links.indptr)[sites]
    rest = 2 * k_full > n - 1
    k = np.where(rest, n - 1 - k_full, k_full)
    sums = _neighbour_sums(y, links)[sites]
    observed = np.where(rest, y.sum() - y[sites] - sums, sums)
    subsets = comb(n - 1, k)
    low, high = np.zeros(len(sites), int), np.zeros(len(sites), int)
    for size in np.unique(k[subsets <= draws]):
        group = np.flatnonzero(k == size)
        table = _all_subsets(n, int(size))
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
    block = _BLOCK_ROWS if width <= _COMPARE_COLUMNS else min(_BLOCK_ROWS, max(16, _BLOCK_CELLS // n))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        sums = np.zeros(rows)
        for table in _distinct_columns(rng, n, rows, width + 1):
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


def _distinct_columns(rng: np.random.Generator, n: int, rows: int, width: int) -> Iterator[NDArray[np.int32]]:
    """A growing table of ids drawn without replacement within each row: 1, 2, ..., `width` columns.

    Stored one draw per line. A draw that repeats an earlier one of its row is drawn again, which leaves it
    uniform over the ids not drawn yet.
    """
    table = np.empty((width, rows), dtype=np.int32)
    used = np.zeros((rows, n), dtype=bool) if width > _COMPARE_COLUMNS + 1 else None
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


def _all_subsets(n: int, k: int) -> NDArray[np.int32]:
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
