"""What other programs print where they and safemap differ: their p-values, ratios and standard scores.

Everything here reproduces a convention, sound or not, so that a figure of another program can be checked to
the digit. safemap's own p-values are in :mod:`safemap.stats.permutation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]


def directed_p(share_at_least: ArrayLike, permutations: int) -> Floats:
    """The pseudo p of GeoDa and esda: one tail, the one that the data chose.

    Parameters
    ----------
    share_at_least : array_like
        Share of the reference values that are at least as large as the observed one.
    permutations : int
        Their number R.

    Returns
    -------
    ndarray
        ``(R min(share, 1 - share) + 1) / (R + 1)``, at most about 0.5; NaN where the share is missing.

    Notes
    -----
    Ties count in the upper tail only and the smaller tail is taken afterwards, so that a tie can make p small
    that makes it 1 when counted in both. On continuous noise p is below alpha in 2 alpha of the areas.

    Examples
    --------
    >>> directed_p([0.01, 0.5, 0.98], 99).round(3).tolist()
    [0.02, 0.505, 0.03]
    """
    share = np.asarray(share_at_least, dtype=float)
    return (permutations * np.minimum(share, 1 - share) + 1) / (permutations + 1)


def normal_p(z_score: ArrayLike, alternative: Alternative = "two-sided") -> Floats:
    """The p of a standard score under the normal distribution; NaN where the score is missing.

    Examples
    --------
    >>> normal_p([1.96, -1.96]).round(3).tolist(), normal_p([1.645], "greater").round(3).tolist()
    ([0.05, 0.05], [0.05])
    """
    from scipy.special import ndtr

    z = np.asarray(z_score, dtype=float)
    sides = {"two-sided": lambda: 2 * ndtr(-np.abs(z)), "greater": lambda: ndtr(-z), "less": lambda: ndtr(z)}
    if alternative not in sides:
        raise ConfigError(f"alternative must be two-sided, greater or less; got {alternative!r}.")
    return np.asarray(sides[alternative](), dtype=float)


def getis_ord_ratio(
    values: ArrayLike, weights: csr_array, *, star: bool = True, self_weight: ArrayLike = 1.0
) -> tuple[Floats, Floats]:
    """Gi or Gi* as a share of the sum of all values, and the score esda gives it.

    Parameters
    ----------
    values : array_like
        One finite value per area.
    weights : scipy CSR
        Without the areas themselves; standardised by row here, in Gi* together with the area itself.
    star, self_weight
        As in :func:`safemap.stats.autocorrelation.local_getis_ord`.

    Returns
    -------
    ratio, score : ndarray
        ``ratio = sum_j w_ij x_j / sum x``, as GeoDa and esda print it (in Gi the area's own value is left out
        of both sums). ``score`` is esda's Zs for row-standardised weights: the neighbours' mean less the mean
        of all, in standard deviations of *one* value, so that it does not grow with their number.

    References
    ----------
    Getis, A., Ord, J. K. (1992). The analysis of spatial association by use of distance statistics.
    Geographical Analysis 24, 189-206. doi:10.1111/j.1538-4632.1992.tb00261.x

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 2, [1.0] * 2], offsets=[-1, 1]).tocsr()
    >>> [a.round(3).tolist() for a in getis_ord_ratio([1, 2, 3], row)]
    [[0.25, 0.333, 0.417], [-0.612, 0.0, 0.612]]
    """
    y, n = np.asarray(values, dtype=float), len(np.asarray(values))
    alone = np.diff(weights.indptr) == 0
    own = np.broadcast_to(np.asarray(self_weight, dtype=float), y.shape) if star else np.zeros(n)
    mass = np.asarray(weights.sum(axis=1)).ravel() + own
    near = (weights @ y + own * y) / np.where(mass > 0, mass, 1.0)
    others, left_out = (n, np.zeros(n)) if star else (n - 1, y)
    total = y.sum() - left_out
    mean = total / others
    spread = np.sqrt(np.maximum(((y**2).sum() - left_out**2) / others - mean**2, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = near / total, np.where(spread > 0, (near - mean) / spread, np.nan)
    return np.where(alone, np.nan, found[0]), np.where(alone, np.nan, found[1])


def moran_with_the_mean(values: ArrayLike, weights: csr_array) -> float:
    """Moran's I of an index whose mean is left in the numerator: EB-Moran of spdep before February 2016.

    Parameters
    ----------
    values : array_like
        An index meant to have mean 0, such as :func:`safemap.stats.rates.eb_index`.
    weights : scipy CSR
        Usually row-standardised.

    Notes
    -----
    ``n / S0 * z'Wz / sum (z - mean)^2``, where today's spdep, esda and GeoDa have ``(z - mean)`` throughout.

    References
    ----------
    Assuncao, R. M., Reis, E. A. (1999). A new proposal to adjust Moran's I for population density.
    Statistics in Medicine 18, 2147-2162.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> moran_with_the_mean([1, 2, 3, 6], row)
    2.476190476190476
    """
    z = np.asarray(values, dtype=float)
    if np.ptp(z) == 0:
        raise StatisticsError("All values are equal: there is no variation to explain.")
    d = z - z.mean()
    return float(len(z) / weights.sum() * (z @ (weights @ z)) / (d @ d))
