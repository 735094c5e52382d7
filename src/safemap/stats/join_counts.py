"""Join counts: areas that have something or have it not, and whether those that have it lie together.

Global: links between two areas that have it (BB), that differ (BW), that both have it not (WW). Local: how
many neighbours of an area that has it have it too; with two things, co-location or one beside the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError
from safemap.stats.autocorrelation import Floats, JoinCount, WeightSums, weight_sums
from safemap.stats.permutation import PermutationTest, Tails
from safemap.stats.staging import fit_links, staged_test
from safemap.stats.weighted_permutation import uneven_rows, weighted_tails

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Sampling = Literal["nonfree", "free"]

#: Rearranged kinds held at a time.
_BLOCK = 2**23


class JoinCounts(NamedTuple):
    """Links of the three kinds, each pair once where the weights are binary and symmetric."""

    both: JoinCount  #: BB: both areas have it
    mixed: JoinCount  #: BW: one of them has it
    neither: JoinCount  #: WW: neither has it


class LocalJoinCount(NamedTuple):
    """Local join counts with their moments under conditional permutation, one entry per area."""

    joins: Floats  #: (weighted) number of neighbours that count; 0 where the area is not of the kind
    expected: Floats  #: NaN where the area is not of the kind
    variance: Floats
    z_score: Floats  #: NaN where nothing can vary
    of_kind: NDArray[np.bool_]  #: areas that are asked


def join_counts(kind: ArrayLike, weights: csr_array, *, sampling: Sampling = "nonfree") -> JoinCounts:
    """Numbers of BB, BW and WW joins with their analytic moments.

    Parameters
    ----------
    kind : array_like of bool
        True for the areas that have it (B).
    weights : scipy CSR
        Usually binary and symmetric, so that each pair counts once.
    sampling : {"nonfree", "free"}
        ``nonfree``: as many areas as there are have it, dealt out at random. ``free``: each area has it with
        the same probability, estimated by the share.

    Returns
    -------
    JoinCounts
        NaN in ``z_score`` where nothing can vary.

    Raises
    ------
    StatisticsError
        When kinds and weights do not fit, or no area has a neighbour.

    Notes
    -----
    ``BB = sum w_ij x_i x_j / 2``, ``BW = sum w_ij (x_i - x_j)^2 / 2``, ``WW = S0 / 2 - BB - BW``. With e2, e3
    and e4 the probabilities that one pair, two pairs that share an area, and two pairs that share none are of
    the kind: ``4 Var = S1 e2 + (S2 - 2 S1) e3 + (S0^2 + S1 - S2) e4 - S0^2 e2^2``.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London, p. 11-21,
    36-41.

    Examples
    --------
    Four areas in a row, the first two have it:

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> found = join_counts([True, True, False, False], row)
    >>> [found.both.joins, found.mixed.joins, found.neither.joins]
    [1.0, 1.0, 1.0]
    >>> round(found.both.expected, 6)
    0.5
    """
    x, w = _checked(kind, weights)
    if sampling not in ("nonfree", "free"):
        raise ConfigError(f"sampling must be nonfree or free; got {sampling!r}.")
    n, m, sums = len(x), float(x.sum()), weight_sums(w)
    bb, bw, ww = _joins(x[None], w)
    if sampling == "free":
        p, q = m / n, 1 - m / n
        probabilities = [(p**2, p**3, p**4), (2 * p * q, p * q, 4 * p**2 * q**2), (q**2, q**3, q**4)]
    else:
        probabilities = [_same(m, n), _different(m, n), _same(n - m, n)]
    found = zip((bb, bw, ww), probabilities, strict=True)
    return JoinCounts(*(_with_moments(float(joins[0]), e, sums) for joins, e in found))


def permuted_join_counts(
    kind: ArrayLike, weights: csr_array, *, permutations: int = 9_999, rng: int | np.random.SeedSequence = 0
) -> Floats:
    """BB, BW and WW joins (three lines) of random rearrangements of the kinds, in blocks."""
    x, w = _checked(kind, weights)
    generator = np.random.default_rng(rng)
    parts = []
    block = max(1, _BLOCK // len(x))
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        parts.append(_joins(generator.permuted(np.broadcast_to(x, (rows, len(x))), axis=1), w))
    return np.concatenate(parts, axis=1)


def local_join_count(focal: ArrayLike, around: ArrayLike, weights: csr_array) -> LocalJoinCount:
    """For the areas of one kind, the number of neighbours of a kind.

    Parameters
    ----------
    focal : array_like of bool
        Areas that are asked.
    around : array_like of bool
        Areas that count as neighbours: the same for the univariate statistic and for co-location, others
        where one thing beside another is looked for.
    weights : scipy CSR
        Usually binary; no area its own neighbour.

    Notes
    -----
    ``J_i = f_i sum_j w_ij a_j``. Given area i, the M areas among the n - 1 others that count are dealt out at
    random: the neighbours' number is hypergeometric with mean ``k M / (n - 1)``.

    References
    ----------
    Anselin, L., Li, X. (2019). Operational local join count statistics for cluster detection. Journal of
    Geographical Systems 21, 189-210. doi:10.1007/s10109-019-00299-x

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> has = [True, True, False, False]
    >>> local_join_count(has, has, row).joins.tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    f, w = _checked(focal, weights)
    a, _ = _checked(around, weights)
    n, asked = len(f), f > 0
    share = (a.sum() - a) / (n - 1)
    total, squares = np.asarray(w.sum(axis=1)).ravel(), np.asarray(w.multiply(w).sum(axis=1)).ravel()
    joins = np.where(asked, w @ a, 0.0)
    expected = np.where(asked, total * share, np.nan)
    variance = np.where(asked, share * (1 - share) * ((n - 1) * squares - total**2) / (n - 2), np.nan)
    possible = variance > 1e-12 * squares
    z = np.where(possible, (joins - expected) / np.sqrt(np.where(possible, variance, 1.0)), np.nan)
    return LocalJoinCount(joins, expected, variance, z, asked)


def local_join_count_test(
    focal: ArrayLike,
    around: ArrayLike,
    weights: csr_array,
    *,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    refine_below: float = 0.05,
    alternative: Alternative = "greater",
    rng: int | np.random.SeedSequence = 0,
) -> PermutationTest:
    """P of the local join counts: exact where neighbours count the same, else by arrangements.

    Parameters
    ----------
    focal, around, weights
        As in :func:`local_join_count`.
    permutations, max_permutations, refine_below, rng
        As in :func:`safemap.stats.permutation.conditional_test`; of no account where p is exact.
    alternative : {"greater", "two-sided", "less"}
        ``greater``: more neighbours count than chance would make them.

    Returns
    -------
    PermutationTest
        NaN where the area is not asked or has no neighbour.

    Examples
    --------
    Five areas in a row; of 4 possible neighbours of the first, one has it.

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 4, [1.0] * 4], offsets=[-1, 1]).tocsr()
    >>> has = [True, True, False, False, False]
    >>> local_join_count_test(has, has, row).p_value.round(3).tolist()
    [0.25, 0.5, nan, nan, nan]
    """
    f, w = _checked(focal, weights)
    a, _ = _checked(around, weights)
    asked = (f > 0) & (np.diff(w.indptr) > 0)
    return staged_test(
        lambda sites, draws, seed: Tails(*weighted_tails(a, w, sites, draws, np.random.default_rng(seed))),
        asked,
        known=_hypergeometric(a, w, asked & ~uneven_rows(w)),
        permutations=permutations,
        max_permutations=max_permutations,
        refine_below=refine_below,
        alternative=alternative,
        rng=rng,
    )


def smallest_join_count_p(
    focal: ArrayLike, around: ArrayLike, weights: csr_array, *, alternative: Alternative = "greater"
) -> Floats:
    """Smallest p each area could reach, given its number of neighbours and how many areas count.

    NaN where the area is not asked or has no neighbour. Weights are not looked at.
    """
    f, w = _checked(focal, weights)
    a, _ = _checked(around, weights)
    out = np.full(len(f), np.nan)
    for group, _, p in _distributions(a, w, (f > 0) & (np.diff(w.indptr) > 0)):
        ends = {"greater": p[-1], "less": p[0], "two-sided": min(1.0, 2 * min(p[0], p[-1]))}
        out[group] = ends[alternative]
    return out


def _hypergeometric(a: Floats, w: csr_array, wanted: NDArray[np.bool_]) -> Tails:
    """Exact tails of the number of neighbours that count."""
    n = len(a)
    row = np.repeat(np.arange(n), np.diff(w.indptr))
    seen = np.bincount(row, a[w.indices], n).astype(np.int64)
    out = Tails(np.full(n, np.nan), np.full(n, np.nan), wanted.astype(np.int64), wanted.copy())
    for group, low, p in _distributions(a, w, wanted):
        at = seen[group] - low
        out.at_least[group] = np.minimum(1.0, np.cumsum(p[::-1])[::-1][at])
        out.at_most[group] = np.minimum(1.0, np.cumsum(p)[at])
    return out


def _distributions(
    a: Floats, w: csr_array, wanted: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.int64], int, Floats]]:
    """Areas that share a distribution, its smallest number, and the probabilities from there on."""
    from scipy.special import gammaln

    def log_comb(total: int, drawn: Floats) -> Floats:
        return gammaln(total + 1) - gammaln(drawn + 1) - gammaln(total - drawn + 1)

    n, k = len(a), np.diff(w.indptr)
    there = (a.sum() - a).astype(np.int64)
    for size, m in sorted({*zip(k[wanted].tolist(), there[wanted].tolist(), strict=True)}):
        low, high = max(0, size - (n - 1 - m)), min(size, m)
        number = np.arange(low, high + 1, dtype=float)
        ways = log_comb(m, number) + log_comb(n - 1 - m, size - number)
        p = np.exp(ways - ways.max())
        yield np.flatnonzero(wanted & (k == size) & (there == m)), low, p / p.sum()


def _joins(x: Floats, w: csr_array) -> Floats:
    """BB, BW and WW of each line of kinds."""
    sides = np.asarray(w.sum(axis=1)).ravel() + np.asarray(w.sum(axis=0)).ravel()
    inner = np.einsum("ij,ij->i", x, (w @ x.T).T)
    mixed = (x @ sides - 2 * inner) / 2
    return np.stack([inner / 2, mixed, float(w.sum()) / 2 - inner / 2 - mixed])


def _same(m: float, n: int) -> tuple[float, float, float]:
    """Probabilities that 2, 3 and 4 areas, dealt out without replacement, all are among the m."""
    two = m * (m - 1) / (n * (n - 1))
    three = two * (m - 2) / (n - 2)
    return two, three, three * (m - 3) / (n - 3) if n > 3 else np.nan


def _different(m: float, n: int) -> tuple[float, float, float]:
    """The same for pairs that differ: one pair, two that share an area, two that share none."""
    one = m * (n - m) / (n * (n - 1))
    apart = 4 * m * (m - 1) * (n - m) * (n - m - 1) / (n * (n - 1) * (n - 2) * (n - 3)) if n > 3 else np.nan
    return 2 * one, one, apart


def _with_moments(joins: float, e: tuple[float, float, float], s: WeightSums) -> JoinCount:
    mean = s.s0 * e[0] / 2
    apart = s.s0**2 + s.s1 - s.s2
    parts = (s.s1 * e[0], (s.s2 - 2 * s.s1) * e[1], apart * e[2] if apart else 0.0, -(s.s0**2) * e[0] ** 2)
    variance = sum(parts) / 4
    if abs(variance) < 1e-12 * max(abs(part) for part in parts):
        variance = 0.0  # what is left of a difference of equal numbers
    z = (joins - mean) / np.sqrt(variance) if variance > 0 else np.nan
    return JoinCount(joins, float(mean), float(variance), float(z))


def _checked(kind: ArrayLike, weights: csr_array) -> tuple[Floats, csr_array]:
    x = np.asarray(kind)
    if x.dtype != bool and not np.isin(x, (0, 1)).all():
        raise StatisticsError("Join counts need True or False (or 1 and 0) for every area, none missing.")
    return fit_links(x.astype(float), weights, constant=True)
