"""Local spatial heteroscedasticity (LOSH): where do values vary more, or less, around their local mean?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from safemap._typing import Alternative
from safemap.errors import StatisticsError
from safemap.stats.autocorrelation import Floats
from safemap.stats.permutation import PermutationTest, Tails
from safemap.stats.staging import Ints, fit_links, staged_test

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Rearranged values held at a time.
_BLOCK = 2**21


class LocalHeteroscedasticity(NamedTuple):
    """H_i and what it is made of, one entry per area."""

    statistic: Floats  #: H_i; 1 where the neighbourhood varies as the map does
    variance: Floats  #: of H_i when residuals are dealt out at random
    z_score: Floats  #: 2 H_i / variance, which is compared with a chi-square
    degrees_of_freedom: Floats  #: 2 / variance
    local_mean: Floats
    residual: Floats  #: |x_i - local mean|^power


def losh(values: ArrayLike, weights: csr_array, *, power: float = 2.0) -> LocalHeteroscedasticity:
    """Ord and Getis' H_i: mean residual of the neighbourhood over the mean residual of the map.

    Parameters
    ----------
    values : array_like
        One finite value per area, not all equal.
    weights : scipy CSR
        Every area with at least one neighbour; scaled within each row by the formula itself.
    power : float
        2: residuals are squared, H is a ratio of variances. 1: absolute residuals.

    Returns
    -------
    LocalHeteroscedasticity

    Raises
    ------
    StatisticsError
        When an area has no neighbour, or every value is the mean of its neighbours.

    Notes
    -----
    ``e_j = |x_j - sum_k w_jk x_k / W_j|^a``, ``H_i = sum_j w_ij e_j / (W_i mean(e))``, ``Var = (n sum w_ij^2
    - W_i^2) var(e) / ((n - 1) (W_i mean(e))^2)`` with var(e) of divisor n.

    References
    ----------
    Ord, J. K., Getis, A. (2012). Local spatial heteroscedasticity (LOSH). Annals of Regional Science 48,
    529-539. doi:10.1007/s00168-011-0492-y

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 4, [1.0] * 4], offsets=[-1, 1]).tocsr()
    >>> losh([0, 0, 0, 5, 0], row).statistic.round(3).tolist()
    [0.0, 0.278, 1.111, 1.389, 2.222]
    """
    x, w = _checked(values, weights)
    n, total = len(x), np.asarray(w.sum(axis=1)).ravel()
    mean = (w @ x) / total
    residual = np.abs(x - mean) ** power
    typical = float(residual.mean())
    if typical <= (1e-12 * np.ptp(x)) ** power:
        raise StatisticsError("Every value is the mean of its neighbours: nothing varies around it.")
    statistic = (w @ residual) / (total * typical)
    squares = np.asarray(w.multiply(w).sum(axis=1)).ravel()
    spread = float((residual**2).mean()) - typical**2
    variance = (n * squares - total**2) * spread / ((n - 1) * (total * typical) ** 2)
    variance = np.where(variance > 1e-14, variance, np.nan)
    return LocalHeteroscedasticity(
        statistic, variance, 2 * statistic / variance, 2 / variance, mean, residual
    )


def losh_test(
    values: ArrayLike,
    weights: csr_array,
    *,
    power: float = 2.0,
    permutations: int = 9_999,
    max_permutations: int = 99_999,
    refine_below: float = 0.05,
    alternative: Alternative = "two-sided",
    rng: int | np.random.SeedSequence = 0,
) -> PermutationTest:
    """P of H_i when the values are rearranged over the whole map and everything is computed again.

    Parameters
    ----------
    values, weights, power
        As in :func:`losh`.
    permutations, max_permutations, refine_below, rng
        As in :func:`safemap.stats.permutation.conditional_test`; a draw is a whole map.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: the neighbourhood varies more.

    Notes
    -----
    Residuals of neighbours share values, so they are not exchangeable: permuting them flags twice as many
    areas as it should when the values are skewed. The values themselves are exchangeable when nothing is
    spatial about them, and then this p is exact.

    References
    ----------
    Xu, M., Mei, C.-L., Yan, N. (2014). A note on the null distribution of the local spatial
    heteroscedasticity (LOSH) statistic. Annals of Regional Science 52, 697-710.
    doi:10.1007/s00168-014-0605-5
    """
    observed = losh(values, weights, power=power).statistic
    x, w = _checked(values, weights)
    total = np.asarray(w.sum(axis=1)).ravel()

    def draw(sites: Ints, draws: int, seed: np.random.SeedSequence) -> Tails:
        high, low = np.zeros(len(sites), dtype=np.int64), np.zeros(len(sites), dtype=np.int64)
        if len(sites):
            generator, near = np.random.default_rng(seed), w[sites]
            block = max(1, _BLOCK // len(x))
            tolerance = 1e-10 * np.maximum(observed[sites], 1.0)[:, None]
            for start in range(0, draws, block):
                rows = min(block, draws - start)
                maps = generator.permuted(np.broadcast_to(x, (rows, len(x))), axis=1).T
                residual = np.abs(maps - (w @ maps) / total[:, None]) ** power
                typical = residual.mean(axis=0)  # above 0 on a connected map whose values are not all equal
                h = (near @ residual) / (total[sites, None] * np.where(typical > 0, typical, 1.0))
                high += (h >= observed[sites, None] - tolerance).sum(axis=1)
                low += (h <= observed[sites, None] + tolerance).sum(axis=1)
        return Tails(high, low, np.full(len(sites), draws), np.zeros(len(sites), dtype=bool))

    return staged_test(
        draw,
        np.ones(len(x), dtype=bool),
        permutations=permutations,
        max_permutations=max_permutations,
        refine_below=refine_below,
        alternative=alternative,
        rng=rng,
    )


def losh_chi_square(found: LocalHeteroscedasticity) -> Tails:
    """Tails of H_i by the chi-square approximation of Ord and Getis, for squared residuals."""
    from scipy.special import gammainc, gammaincc

    half, freedom = found.z_score / 2, found.degrees_of_freedom / 2
    known = ~np.isnan(half)
    at = np.where(known, half, 1.0), np.where(known, freedom, 1.0)
    upper, lower = (np.where(known, tail(at[1], at[0]), np.nan) for tail in (gammaincc, gammainc))
    return Tails(upper, lower, known.astype(np.int64), known)


def _checked(values: ArrayLike, weights: csr_array) -> tuple[Floats, csr_array]:
    x, w = fit_links(values, weights)
    alone = int((np.diff(w.indptr) == 0).sum())
    if alone:
        raise StatisticsError(f"{alone} areas have no neighbour and so no local mean; take the others alone.")
    return x, w
