"""Local Geary: how much an area differs from its neighbours, in one variable or in several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from safemap._typing import Alternative
from safemap.errors import StatisticsError
from safemap.stats.autocorrelation import Divisor, Floats, LocalStatistic
from safemap.stats.count_distribution import exact_tails
from safemap.stats.feature_permutation import Combination, combination_tails
from safemap.stats.permutation import PermutationTest, Tails, comparable
from safemap.stats.staging import fit_links, staged_test
from safemap.stats.weighted_permutation import uneven_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

#: Additions spent on exact distributions before draws are cheaper, over all values of an area.
_MAX_WORK = 2**29


def local_geary(values: ArrayLike, weights: csr_array, *, variance: Divisor = "n") -> LocalStatistic:
    """Local Geary with its moments under conditional permutation.

    Parameters
    ----------
    values : array_like
        One finite value per area, or one column per variable; no variable with all values equal.
    weights : scipy CSR
        Usually row-standardised; no area its own neighbour.
    variance : {"n", "n-1"}
        Divisor of the variance that the values are standardised with: ``n`` as in esda, ``n-1`` as in GeoDa
        and spdep.

    Returns
    -------
    LocalStatistic
        Positive ``z_score``: the area is more like its neighbours than chance would make it (the statistic is
        small). NaN where there is no neighbour or the differences are all equal.

    Raises
    ------
    StatisticsError
        When values and weights do not fit, a value is missing, or a variable has no variation.

    Notes
    -----
    ``c_i = sum_j w_ij d_ij`` with ``d_ij`` the mean over the variables of ``(z_i - z_j)^2``. Given the values
    of area i, the d_ij of the others are dealt out at random: with m and v their mean and variance (divisor n
    - 1), ``E = m W_i`` and ``Var = v ((n - 1) sum w_ij^2 - W_i^2) / (n - 2)``.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27, 93-115.
    doi:10.1111/j.1538-4632.1995.tb00338.x
    Anselin, L. (2019). A local indicator of multivariate spatial association: extending Geary's c.
    Geographical Analysis 51, 133-150. doi:10.1111/gean.12164

    Examples
    --------
    Four areas in a row, two low and two high: the outer ones are like their only neighbour.

    >>> from scipy.sparse import diags_array
    >>> from safemap.stats.autocorrelation import row_standardised
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> local_geary([0, 0, 1, 1], row_standardised(row)).statistic.tolist()
    [0.0, 2.0, 2.0, 0.0]
    """
    z, w = _standardised(values, weights, variance)
    n, p = z.shape
    row = np.repeat(np.arange(n), np.diff(w.indptr))
    apart = ((z[row] - z[w.indices]) ** 2).mean(axis=1)
    statistic = np.bincount(row, w.data * apart, n)
    # sums over all areas of d and of d^2, multiplied out; d of the area itself is 0
    length = (z**2).sum(axis=1)
    cross, along = z.T @ z, z.T @ length
    d1 = n * length + length.sum() - 2 * z @ z.sum(axis=0)
    d2 = n * length**2 + length @ length + 2 * length * length.sum()
    d2 = d2 + 4 * np.einsum("ij,jk,ik->i", z, cross, z) - 4 * z @ along - 4 * length * (z @ z.sum(axis=0))
    mean = d1 / p / (n - 1)
    spread = np.maximum(d2 / p**2 / (n - 1) - mean**2, 0.0)
    spread[spread < 1e-12 * np.maximum(mean**2, 1e-300)] = 0.0  # left of a difference of equal numbers
    total, squares = np.asarray(w.sum(axis=1)).ravel(), np.asarray(w.multiply(w).sum(axis=1)).ravel()
    moment = spread * ((n - 1) * squares - total**2) / (n - 2)
    possible = moment > 1e-12 * spread
    z_score = np.where(possible, (mean * total - statistic) / np.sqrt(np.where(possible, moment, 1)), np.nan)
    return LocalStatistic(statistic, mean * total, moment, z_score)


def local_geary_test(
    values: ArrayLike,
    weights: csr_array,
    *,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    refine_below: float = 0.05,
    alternative: Alternative = "two-sided",
    counts: bool = True,
    rng: int | np.random.SeedSequence = 0,
) -> PermutationTest:
    """Conditional permutation p of the local Geary, for every area.

    Parameters
    ----------
    values, weights
        As in :func:`local_geary`. The values of all variables of an area stay together.
    permutations, max_permutations, refine_below, rng
        As in :func:`safemap.stats.permutation.conditional_test`.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: more alike than chance, a small c.
    counts : bool
        Compute the exact distribution where one variable of whole numbers makes that cheap.

    Returns
    -------
    PermutationTest
        The tails are those of c: ``at_most`` counts neighbourhoods as alike as the observed one or more.

    Notes
    -----
    For an area of value x its c is a neighbours' sum of ``(x_j - x)^2``; what is known about such sums
    applies, except that every area has numbers of its own.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 4, [1.0] * 4], offsets=[-1, 1]).tocsr()
    >>> local_geary_test([9, 8, 1, 2, 3], row).p_value.round(3).tolist()
    [0.5, 1.0, 0.667, 0.333, 0.5]
    """
    z, w = _standardised(values, weights, "n")
    n, p = z.shape
    linked = np.diff(w.indptr) > 0
    known = _known(np.asarray(values, dtype=float).reshape(n, -1), w, linked) if counts and p == 1 else None
    what = _combination(np.asarray(values, dtype=float).reshape(n, -1), z, w)
    return staged_test(
        lambda sites, draws, seed: combination_tails(what, w, sites, draws, seed),
        linked,
        known=known,
        permutations=permutations,
        max_permutations=max_permutations,
        refine_below=refine_below,
        alternative=alternative,
        flip=np.ones(n, dtype=bool),
        rng=rng,
    )


def _combination(x: Floats, z: Floats, w: csr_array) -> Combination:
    """The sum of squared differences, less what does not change: the area's own square."""
    exact = False
    if x.shape[1] == 1:
        whole, per_term = comparable(x[:, 0])
        whole = whole - np.rint(np.median(whole)) if per_term == 0 else whole
        widest = max(int(np.diff(w.indptr).max(initial=1)), 1) * float(np.abs(whole).max()) ** 2
        if per_term == 0 and 8 * widest < 2**53 and not uneven_rows(w).any():
            z, exact = whole[:, None], True
    features = np.vstack([z.T, (z**2).sum(axis=1)])
    return Combination(features, np.column_stack([-2 * z, np.ones(len(z))]), exact=exact)


def _known(x: Floats, w: csr_array, linked: NDArray[np.bool_]) -> Tails | None:
    """Exact tails, one value of an area after the other, where that is cheap."""
    whole, per_term = comparable(x[:, 0])
    found, at = np.unique(whole, return_inverse=True)
    n = len(whole)
    if per_term > 0 or len(found) > max(2, np.sqrt(n)):
        return None
    wanted = linked & ~uneven_rows(w)
    out = Tails(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool))
    for number, value in enumerate(found):
        mine = wanted & (at.ravel() == number)
        if mine.any():
            part = exact_tails((whole - value) ** 2, w, where=mine, max_work=_MAX_WORK / len(found))
            for target, source in zip(
                out, (part.upper, part.lower, part.known.astype(int), part.known), strict=True
            ):
                target[mine] = source[mine]
    return out


def _standardised(values: ArrayLike, weights: csr_array, variance: Divisor) -> tuple[Floats, csr_array]:
    """One standardised column per variable, and the weights; an error that says what does not fit."""
    from safemap.stats.autocorrelation import _factor

    x = np.asarray(values, dtype=float)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or not x.shape[1]:
        raise StatisticsError(f"values must be one column per variable; got an array of shape {x.shape}.")
    for column in x.T:
        _, w = fit_links(column, weights)
    d = x - x.mean(axis=0)
    return d / np.sqrt((d**2).mean(axis=0)) * np.sqrt(_factor(len(x), variance)), w
