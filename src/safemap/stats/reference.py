"""What one area could have under the null: the distribution behind its p-value, drawn for it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import StatisticsError
from safemap.stats.autocorrelation import row_standardised

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]

#: Cells of the table of an exact distribution of counts, and of a table of draws.
_MAX_CELLS = 2**18
_MAX_DRAWN = 2**26
#: Links looked at over all rearranged maps, and values held at a time.
_MAX_LINKS = 2**28
_BLOCK = 2**21
#: Draws that a picture needs at least.
_FEWEST = 999


def reference_sums(
    values: ArrayLike, weights: csr_array, site: int, *, draws: int = 9_999, rng: int = 0
) -> tuple[Floats, Floats]:
    """Sums of the neighbours' values of one area when the other values are dealt out at random.

    Parameters
    ----------
    values : array_like
        One finite value per area.
    weights : scipy CSR
        Without the areas themselves; unequal weights count as they are.
    site : int
        Row of the area, with at least one neighbour.
    draws : int
        Where the distribution is not exact.
    rng : int
        Seed of the draws.

    Returns
    -------
    sums, probabilities : ndarray
        All that can occur with their probabilities, for whole numbers in a range that is not too wide and
        equal weights; else `draws` random sums, each with the probability ``1 / draws``.

    Examples
    --------
    Five areas in a row; the second has two neighbours, the others' values are 1, 2, 4 and 8.

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 4, [1.0] * 4], offsets=[-1, 1]).tocsr()
    >>> sums, p = reference_sums([1, 3, 2, 4, 8], row, 1)
    >>> sums.tolist(), p.round(3).tolist()
    ([3.0, 5.0, 6.0, 9.0, 10.0, 12.0], [0.167, 0.167, 0.167, 0.167, 0.167, 0.167])
    """
    from safemap.stats.count_distribution import sum_distribution
    from safemap.stats.draws import distinct_rows

    y = np.asarray(values, dtype=float)
    w = _row(weights, site)
    if not len(w):
        raise StatisticsError("An area without neighbours has no reference distribution.")
    others = np.delete(y, site)
    even = bool(np.isclose(w, w[0], rtol=1e-9, atol=0).all())
    span = np.ptp(others) * len(w) * (len(w) + 1)
    if even and np.array_equal(others, np.rint(others)) and span <= _MAX_CELLS:
        sums, p = sum_distribution(others, len(w))
        return sums * w[0], p
    table = distinct_rows(np.random.default_rng(rng), len(others), draws, len(w))
    sums = w @ others[table]
    return sums, np.full(draws, 1 / draws)


def reference_geary(
    values: ArrayLike, weights: csr_array, site: int, *, draws: int = 9_999, rng: int = 0
) -> tuple[Floats, Floats]:
    """Local Geary of one area when the rows of the others are dealt out at random.

    Parameters
    ----------
    values : array_like
        One column per variable.
    weights : scipy CSR
        Row-standardised, without the areas themselves.
    site, draws, rng
        As in :func:`reference_sums`. All choices of neighbours are listed where they are no more than
        `draws`.

    Returns
    -------
    statistics, probabilities : ndarray

    Notes
    -----
    ``c_i = sum_j w_ij d_ij`` with ``d_ij`` the mean over the variables of ``(z_i - z_j)^2``.
    """
    z = _standardised(np.asarray(values, dtype=float).reshape(weights.shape[0], -1))
    apart = ((z - z[site]) ** 2).mean(axis=1)
    w = _row(weights, site)
    chosen, listed = _neighbourhoods(len(z), site, w, draws, rng)
    return _shares(w @ apart[chosen], listed)


def reference_lee(
    x: ArrayLike, y: ArrayLike, weights: csr_array, site: int, *, draws: int = 9_999, rng: int = 0
) -> tuple[Floats, Floats]:
    """Local Lee of one area when the pairs of the others are dealt out at random.

    Parameters
    ----------
    x, y : array_like
        One value per area each.
    weights : scipy CSR
        Row-standardised, with or without the areas themselves.
    site, draws, rng
        As in :func:`reference_geary`.

    Returns
    -------
    statistics, probabilities : ndarray
    """
    z = _standardised(np.column_stack([x, y]))
    at = slice(weights.indptr[site], weights.indptr[site + 1])
    others = weights.indices[at] != site
    w = np.asarray(weights.data[at], dtype=float)
    own = w[~others].sum() * z[site]
    chosen, listed = _neighbourhoods(len(z), site, w[others], draws, rng)
    means = [own[i] + w[others] @ z[chosen, i] for i in (0, 1)]
    return _shares(means[0] * means[1], listed)


def reference_losh(
    values: ArrayLike,
    weights: csr_array,
    site: int,
    *,
    power: float = 2.0,
    draws: int = 9_999,
    rng: int = 0,
) -> tuple[Floats, Floats]:
    """H_i of one area when all values are rearranged over the map; fewer draws where the map is large.

    Parameters
    ----------
    values : array_like
        One value per area.
    weights : scipy CSR
        Every area with at least one neighbour.
    site, draws, rng
        As in :func:`reference_sums`.
    power : float
        Of the residuals.

    Returns
    -------
    statistics, probabilities : ndarray
    """
    x, w = np.asarray(values, dtype=float), row_standardised(weights)
    draws = max(min(draws, _FEWEST), min(draws, _MAX_LINKS // max(1, w.nnz)))
    generator, near, found = np.random.default_rng(rng), w[[site]], []
    block = max(1, _BLOCK // len(x))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        maps = generator.permuted(np.broadcast_to(x, (rows, len(x))), axis=1).T
        residual = np.abs(maps - w @ maps) ** power
        typical = residual.mean(axis=0)
        found.append((near @ residual)[0] / np.where(typical > 0, typical, 1.0))
    return _shares(np.concatenate(found), listed=False)


def reference_chi_square(degrees_of_freedom: float, *, points: int = 9_999) -> tuple[Floats, Floats]:
    """Quantiles of a chi-square over its degrees of freedom, at equal steps of probability: mean 1.

    Examples
    --------
    >>> reference_chi_square(2.0, points=3)[0].round(3).tolist()  # -log(1 - p) for p = 1/6, 1/2, 5/6
    [0.182, 0.693, 1.792]
    """
    from scipy.special import gammaincinv

    half = degrees_of_freedom / 2
    return _shares(gammaincinv(half, (np.arange(points) + 0.5) / points) / half, listed=False)


def _neighbourhoods(
    n: int, site: int, weights: Floats, draws: int, rng: int
) -> tuple[NDArray[np.int64], bool]:
    """Choices of neighbours of one area, one per column, and whether these are all there are."""
    from scipy.special import comb, perm

    from safemap.stats.draws import all_arrangements, all_subsets, distinct_rows

    k = len(weights)
    if not k:
        raise StatisticsError("An area without neighbours has no reference distribution.")
    even = bool(np.isclose(weights, weights[0], rtol=1e-9, atol=0).all())
    listed = bool((comb if even else perm)(n - 1, k) <= draws)
    if listed and even:
        table = all_subsets(n - 1, k)
    elif listed:
        table = np.hstack(list(all_arrangements(n - 1, k)))
    else:
        rows = max(min(draws, _FEWEST), min(draws, _MAX_DRAWN // k))
        table = distinct_rows(np.random.default_rng(rng), n - 1, rows, k)
    return table.astype(np.int64) + (table >= site), listed  # ids from the area on stand one further


def _shares(values: Floats, listed: bool) -> tuple[Floats, Floats]:
    """Values with their probabilities; of those that were listed, equal ones together."""
    if not listed:
        return values, np.full(len(values), 1 / len(values))
    distinct, times = np.unique(np.round(values, 10), return_counts=True)
    return distinct, times / times.sum()


def _standardised(values: Floats) -> Floats:
    return (values - values.mean(axis=0)) / values.std(axis=0)


def _row(weights: csr_array, site: int) -> Floats:
    return np.asarray(weights.data[weights.indptr[site] : weights.indptr[site + 1]], dtype=float)
