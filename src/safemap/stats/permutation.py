"""Conditional permutation: are an area's neighbours larger or smaller than chance would make them?

The question asked of area *i* with *k* neighbours: if its own value stays and the other values were dealt out
at random, how often would its neighbours' sum be as large, or as small, as it is? Local Moran, Gi and Gi* are
functions of that sum that only rise or only fall, so they share one test.

Three engines answer it: sums of subsets where all neighbours count the same
(:mod:`safemap.stats.subset_permutation`), products with the weights where they do not
(:mod:`safemap.stats.weighted_permutation`), and for counts the exact distribution without any draw
(:mod:`safemap.stats.count_distribution`). All areas are judged by the same random rows and share their Monte
Carlo error.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError
from safemap.stats.subset_permutation import row_blocks, subset_tails
from safemap.stats.weighted_permutation import uneven_rows, weighted_tails

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Links(Protocol):
    """The part of a scipy CSR matrix that is used."""

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]
    data: NDArray[np.floating]
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
    weighted: bool = False,
    rng: int | np.random.SeedSequence = 0,
    workers: int | None = None,
) -> PermutationTest:
    """Conditional permutation p of the neighbours' sum, for every area.

    Parameters
    ----------
    values : array_like of float
        One finite value per area.
    links : scipy CSR matrix
        Neighbours of each area (its non-zero pattern), without the area itself. The weights are only looked
        at with `weighted`.
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
    weighted : bool
        Take the weighted sum of the neighbours' values. Areas whose neighbours all have the same weight are
        tested as if it were 1.
    rng : int or numpy.random.SeedSequence
        Source of the draws; the same number gives the same p.
    workers : int, optional
        Threads; by default as many as the process may use, up to 8. They change no digit.

    Returns
    -------
    PermutationTest

    Notes
    -----
    Two-sided ``p = min(1, 2 * (min(at_least, at_most) + 1) / (R + 1))``: a tie counts in both tails. Where
    the number of possible subsets C(n - 1, k) is not above the number of draws, all are enumerated and ``p =
    min(1, 2 * min(at_least, at_most) / C(n - 1, k))``. An area linked to all others has p = 1. With unequal
    weights, arrangements take the place of subsets.

    Replacing (never taking the smaller of two) keeps the size: P(p <= u) <= u for u up to `refine_below`
    because the second p alone has that property, and beyond it because the first has.

    Memory does not grow with the number of draws. Draws are dealt to the areas in the order in which they
    are given, so another order gives another draw of the same law; :func:`safemap.local_moran` sorts the
    areas by id first and so does not depend on it. Long runs tell
    :func:`safemap.stats.running.watch_progress` how far they are.

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
    links = _without_zeros(links)
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
    first_seed, second_seed, *others = seed.spawn(4)
    uneven = uneven_rows(links) if weighted else np.zeros(len(y), dtype=bool)
    flipped = np.zeros(len(y), dtype=bool) if flip is None else np.asarray(flip, dtype=bool)

    scaled = comparable(y)
    known = _known_tails(scaled, links, ~uneven if counts else np.zeros(len(y), dtype=bool))
    drawn = np.flatnonzero((np.diff(links.indptr) > 0) & ~known.exact)
    job = _Job(y, scaled, links, uneven, workers)
    tails = _drawn_tails(job, drawn, permutations, (first_seed, others[0]))
    tails = _replaced(tails, known, known.exact)
    p = p_from_tails(tails, alternative, flip=flipped)
    refined = np.zeros(len(y), dtype=bool)
    if max_permutations > permutations:
        refined = ~tails.exact & (p <= refine_below)
        chosen = np.flatnonzero(refined)
        second = _drawn_tails(job, chosen, max_permutations, (second_seed, others[1]))
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
    ordered: ArrayLike = False,
) -> Floats:
    """Smallest p each area could reach, given its number of neighbours and the number of draws.

    NaN for an area without neighbours. Ties among the values can only raise it. `computed` marks the areas
    whose distribution is computed instead of drawn, so that the number of draws is no limit; `ordered` those
    whose neighbours count differently, so that arrangements take the place of subsets.

    Examples
    --------
    Six areas with three neighbours each: there are 10 possible sums, so two-sided p is never below 0.2.

    >>> smallest_p(6, [3], permutations=9_999, max_permutations=999_999).tolist()
    [0.2]
    """
    from scipy.special import comb, perm

    k = np.asarray(cardinalities, dtype=float)
    sides = 2 if alternative == "two-sided" else 1
    subsets = np.where(ordered, perm(n - 1, k), comb(n - 1, k))
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
    some = values[:: max(1, len(values) // 64)]  # mostly enough to see that they are not
    largest = float(np.abs(values).max())
    for step in 10.0 ** np.arange(10):
        if (largest * step + 1) * len(values) >= 2**53:
            break
        if np.array_equal(np.rint(some * step) / step, some):
            whole = np.rint(values * step)
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
    for rows, at in row_blocks(links):
        row = np.repeat(np.arange(rows.start, rows.stop), np.diff(links.indptr[rows.start : rows.stop + 1]))
        if (row == links.indices[at]).any():
            raise StatisticsError(
                "An area is its own neighbour; the test keeps the area's own value in place."
            )


def _without_zeros(links: Links) -> Links:
    """The matrix without links that are stored with a weight of zero."""
    if np.count_nonzero(links.data) == len(links.data):
        return links
    kept = links.copy()  # type: ignore[attr-defined]
    kept.eliminate_zeros()
    return kept


class _Job(NamedTuple):
    """What both stages have in common."""

    y: Floats
    scaled: tuple[Floats, float]  #: as :func:`comparable` gives them
    links: Links
    uneven: NDArray[np.bool_]
    workers: int | None


def _known_tails(scaled: tuple[Floats, float], links: Links, wanted: NDArray[np.bool_]) -> Tails:
    """Exact tails where they are wanted and cheap; ``exact`` says where."""
    from safemap.stats.count_distribution import exact_tails

    whole, per_term = scaled
    n = len(whole)
    if not wanted.any() or per_term > 0:
        return Tails(np.zeros(n), np.zeros(n), np.zeros(n, int), np.zeros(n, dtype=bool))
    upper, lower, known = exact_tails(whole, links, where=wanted)
    return Tails(upper, lower, known.astype(int), known)


def _drawn_tails(
    job: _Job, sites: Ints, draws: int, seeds: tuple[np.random.SeedSequence, np.random.SeedSequence]
) -> Tails:
    """Counts for `sites`: by sums of subsets where weights are even, by arrangements elsewhere."""
    even = sites[~job.uneven[sites]] if job.uneven.any() else sites
    tails = Tails(*subset_tails(*job.scaled, job.links, even, draws, seeds[0], workers=job.workers))
    if len(even) < len(sites):
        rest = sites[job.uneven[sites]]
        rng = np.random.default_rng(seeds[1])
        found = weighted_tails(job.y, job.links, rest, draws, rng, workers=job.workers)
        for whole, part in zip(tails, found, strict=True):
            whole[rest] = part
    return tails


def _replaced(tails: Tails, others: Tails, where: NDArray[np.bool_]) -> Tails:
    """`tails` with those of `others` in some places; numbers of draws stay whole numbers if they can."""
    if not where.any():
        return tails
    return Tails(*(np.where(where, new, old) for new, old in zip(others, tails, strict=True)))
