"""Spatial autocorrelation, global and local: arrays and sparse weights in, arrays out.

Weights are taken as they are given (scipy CSR); :func:`row_standardised` prepares the usual form. Nothing is
checked for missing values here beyond refusing them; the verbs in :mod:`safemap.analysis.autocorrelation`
decide what to set aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Divisor = Literal["n", "n-1"]


class GlobalStatistic(NamedTuple):
    """A statistic of the whole map with its moments under two null hypotheses.

    ``z_*`` are standardised so that positive means more alike than chance. ``p_*`` are two-sided and normal.
    Missing where the hypothesis is not defined for the statistic.
    """

    statistic: float
    expected: float
    variance_normality: float
    variance_randomisation: float
    z_normality: float
    z_randomisation: float
    p_normality: float
    p_randomisation: float


class LocalStatistic(NamedTuple):
    """A statistic per area with its moments under conditional permutation."""

    statistic: Floats
    expected: Floats
    variance: Floats
    z_score: Floats


class JoinCount(NamedTuple):
    """Number of links between areas of one kind, with its moments when kinds are dealt out at random."""

    joins: float
    expected: float
    variance: float
    z_score: float


class WeightSums(NamedTuple):
    """The sums of weights that all global moments are made of (Cliff and Ord 1981, p. 19)."""

    s0: float  #: sum of all weights
    s1: float  #: half the sum of (w_ij + w_ji)^2
    s2: float  #: sum of (row sum + column sum)^2


def row_standardised(weights: csr_array) -> csr_array:
    """The weights divided by their row sum; rows without a link stay empty."""
    from scipy.sparse import csr_array

    w = csr_array(weights, dtype=float, copy=True)
    totals = w @ np.ones(w.shape[1])
    w.data /= np.repeat(np.where(totals == 0, 1.0, totals), np.diff(w.indptr))
    return w


def weight_sums(weights: csr_array) -> WeightSums:
    """S0, S1 and S2 of the weights."""
    both = weights + weights.T
    across = np.asarray(weights.sum(axis=1)).ravel() + np.asarray(weights.sum(axis=0)).ravel()
    return WeightSums(float(weights.sum()), float(both.multiply(both).sum() / 2), float(across @ across))


def moran(values: ArrayLike, weights: csr_array) -> GlobalStatistic:
    """Moran's I with its analytic moments.

    Notes
    -----
    ``I = n / S0 * z'Wz / z'z`` with z the deviations from the mean; ``E = -1 / (n - 1)``.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London, p. 42-46.

    Examples
    --------
    Four areas in a row, two low and two high:

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> result = moran([0, 0, 1, 1], row)
    >>> round(result.statistic, 4), round(result.expected, 4)
    (0.3333, -0.3333)
    """
    y, w = _checked(values, weights)
    n, s = len(y), weight_sums(w)
    z = y - y.mean()
    i = n / s.s0 * float(z @ (w @ z)) / float(z @ z)
    e = -1 / (n - 1)
    normal = (n**2 * s.s1 - n * s.s2 + 3 * s.s0**2) / (s.s0**2 * (n**2 - 1)) - e**2
    b2 = _kurtosis(z)
    random = n * ((n**2 - 3 * n + 3) * s.s1 - n * s.s2 + 3 * s.s0**2)
    random -= b2 * ((n**2 - n) * s.s1 - 2 * n * s.s2 + 6 * s.s0**2)
    random = random / ((n - 1) * (n - 2) * (n - 3) * s.s0**2) - e**2 if n > 3 else np.nan
    return _with_z(i, e, normal, random, sign=1)


def geary(values: ArrayLike, weights: csr_array) -> GlobalStatistic:
    """Geary's C with its analytic moments; small C means neighbours are alike, so z has the sign of E - C.

    Notes
    -----
    ``C = (n - 1) sum w_ij (x_i - x_j)^2 / (2 S0 z'z)``; ``E = 1``.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London, p. 42-46.
    """
    y, w = _checked(values, weights)
    n, s = len(y), weight_sums(w)
    z = y - y.mean()
    coo = w.tocoo()
    c = (n - 1) * float(coo.data @ (y[coo.row] - y[coo.col]) ** 2) / (2 * s.s0 * float(z @ z))
    normal = ((2 * s.s1 + s.s2) * (n - 1) - 4 * s.s0**2) / (2 * (n + 1) * s.s0**2)
    b2 = _kurtosis(z)
    random = (n - 1) * s.s1 * (n**2 - 3 * n + 3 - (n - 1) * b2)
    random -= (n - 1) * s.s2 * (n**2 + 3 * n - 6 - (n**2 - n + 2) * b2) / 4
    random += s.s0**2 * (n**2 - 3 - (n - 1) ** 2 * b2)
    random = random / (n * (n - 2) * (n - 3) * s.s0**2) if n > 3 else np.nan
    return _with_z(c, 1.0, normal, random, sign=-1)


def getis_ord(values: ArrayLike, weights: csr_array) -> GlobalStatistic:
    """Getis and Ord's General G: share of the cross products that lies between neighbours.

    Only for values that are zero or more. The moments are those of randomisation, the only ones the statistic
    has; they are compared with a normal distribution.

    References
    ----------
    Getis, A., Ord, J. K. (1992). The analysis of spatial association by use of distance statistics.
    Geographical Analysis 24, 189-206. doi:10.1111/j.1538-4632.1992.tb00261.x
    """
    y, w = _checked(values, weights)
    if (y < 0).any():
        raise StatisticsError("General G needs values of zero or more; use Moran's I for deviations.")
    n, s = len(y), weight_sums(w)
    m1, m2, m3, m4 = (float((y**power).sum()) for power in (1, 2, 3, 4))
    g = float(y @ (w @ y)) / (m1**2 - m2)
    e = s.s0 / (n * (n - 1))
    b0 = (n**2 - 3 * n + 3) * s.s1 - n * s.s2 + 3 * s.s0**2
    b1 = -((n**2 - n) * s.s1 - 2 * n * s.s2 + 6 * s.s0**2)
    b2 = -(2 * n * s.s1 - (n + 3) * s.s2 + 6 * s.s0**2)
    b3 = 4 * (n - 1) * s.s1 - 2 * (n + 1) * s.s2 + 8 * s.s0**2
    b4 = s.s1 - s.s2 + s.s0**2
    square = b0 * m2**2 + b1 * m4 + b2 * m1**2 * m2 + b3 * m1 * m3 + b4 * m1**4
    random = square / ((m1**2 - m2) ** 2 * n * (n - 1) * (n - 2) * (n - 3)) - e**2 if n > 3 else np.nan
    return _with_z(g, e, np.nan, random, sign=1)


def join_count(kind: ArrayLike, weights: csr_array) -> JoinCount:
    """Links between two areas that both are of a kind, against kinds dealt out without replacement.

    Parameters
    ----------
    kind : array_like of bool
        True for the areas of the kind.
    weights : scipy CSR
        Symmetric and binary, so that each pair counts once.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London, p. 36-41.
    """
    x, w = _checked(np.asarray(kind, dtype=bool).astype(float), weights, constant=True)
    n, m, s = len(x), float(x.sum()), weight_sums(w)
    p2 = m * (m - 1) / (n * (n - 1))
    p3 = p2 * (m - 2) / (n - 2)
    p4 = p3 * (m - 3) / (n - 3) if n > 3 else np.nan
    joins, e = float(x @ (w @ x)) / 2, s.s0 * p2 / 2
    variance = (s.s1 * p2 + (s.s2 - 2 * s.s1) * p3 + (s.s0**2 + s.s1 - s.s2) * p4 - s.s0**2 * p2**2) / 4
    z = (joins - e) / np.sqrt(variance) if variance > 0 else np.nan
    return JoinCount(joins, e, float(variance), float(z))


def bivariate_moran(x: ArrayLike, y: ArrayLike, weights: csr_array) -> float:
    """Association of `x` here with `y` at the neighbours: ``n / S0 * zx'W zy / sqrt(zx'zx zy'zy)``.

    References
    ----------
    Anselin, L., Syabri, I., Smirnov, O. (2002). Visualizing multivariate spatial correlation with dynamically
    linked windows. In: New Tools for Spatial Data Analysis, CSISS, Santa Barbara.
    """
    (zx, w), (zy, _) = _standardised(x, weights), _standardised(y, weights)
    return float(zx @ (w @ zy) / w.sum())


def local_bivariate_moran(
    x: ArrayLike, y: ArrayLike, weights: csr_array, *, variance: Divisor = "n-1"
) -> Floats:
    """Standardised `x` here times the weighted sum of standardised `y` at the neighbours."""
    (zx, w), (zy, _) = _standardised(x, weights), _standardised(y, weights)
    return zx * (w @ zy) * _factor(len(zx), variance)


def local_moran(values: ArrayLike, weights: csr_array, *, variance: Divisor = "n-1") -> LocalStatistic:
    """Local Moran's I with its moments under conditional permutation.

    Parameters
    ----------
    values : array_like
        One finite value per area, not all equal.
    weights : scipy CSR
        Usually row-standardised; no area its own neighbour.
    variance : {"n-1", "n"}
        Divisor of the variance that scales the statistic. ``n-1`` is what GeoDa and esda print, ``n`` what
        spdep prints; z-scores and p-values are the same.

    Returns
    -------
    LocalStatistic
        NaN in ``z_score`` where the other values are all equal; zeros where there is no neighbour.

    Notes
    -----
    ``I_i = z_i sum_j w_ij z_j / s2``. Given z_i, with m and v the mean and the variance (divisor n - 1) of
    the other deviations, the sum has mean ``m W_i`` and variance ``v ((n - 1) sum w_ij^2 - W_i^2) / (n -
    2)``.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27, 93-115.
    doi:10.1111/j.1538-4632.1995.tb00338.x
    Sokal, R. R., Oden, N. L., Thomson, B. A. (1998). Local spatial autocorrelation in a biological model.
    Geographical Analysis 30, 331-354. doi:10.1111/j.1538-4632.1998.tb00406.x

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> local_moran([0, 0, 1, 1], row_standardised(row), variance="n").statistic.tolist()
    [1.0, -0.0, 0.0, 1.0]
    """
    z, w = _standardised(values, weights)
    lag = w @ z
    mean, spread = _conditional(z, w)
    scale = z * _factor(len(z), variance)
    return LocalStatistic(scale * lag, scale * mean, scale**2 * spread, np.sign(z) * _z(lag - mean, spread))


def local_getis_ord(
    values: ArrayLike,
    weights: csr_array,
    *,
    star: bool = True,
    self_weight: ArrayLike = 1.0,
    variance: Divisor = "n",
) -> Floats:
    """Gi or Gi* as a z-score (Ord and Getis 1995).

    Parameters
    ----------
    values : array_like
        One finite value per area, not all equal; may be negative.
    weights : scipy CSR
        Without the areas themselves.
    star : bool
        True: the area counts among its neighbours (Gi*), with `self_weight`. False: it is left out (Gi).
    self_weight : float or array_like
        Weight of the area itself in Gi*: 1 for binary weights; one number, or one per area.
    variance : {"n", "n-1"}
        Divisor of the standard deviation. ``n`` as in Ord and Getis 1995, spdep and esda; ``n-1`` as printed
        in Getis and Ord 1996.

    Returns
    -------
    ndarray
        NaN where there is no neighbour or where the values compared are all equal.

    Notes
    -----
    ``z = (sum w_ij x_j - W_i m) / (s sqrt((N S1_i - W_i^2) / (N - 1)))``. For Gi* all N = n areas count in m
    and s; for Gi the N = n - 1 others.

    References
    ----------
    Ord, J. K., Getis, A. (1995). Local spatial autocorrelation statistics: distributional issues and an
    application. Geographical Analysis 27, 286-306. doi:10.1111/j.1538-4632.1995.tb00912.x
    Getis, A., Ord, J. K. (1996). Local spatial statistics: an overview. In: Spatial Analysis: Modelling in a
    GIS Environment, Cambridge, 261-277.

    Examples
    --------
    Values and places of the six points of Getis and Ord (links up to 15 apart):

    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> at = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)])
    >>> distance = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    >>> links = csr_array(((distance > 0) & (distance <= 15)).astype(float))
    >>> local_getis_ord([2, 3, 3.2, 5, 8, 7], links, star=False).round(4).tolist()
    [-1.0137, -0.0436, 1.3156, -0.3141, 1.1537, 1.7783]
    """
    from scipy.sparse import diags_array

    z, w = _standardised(values, weights)
    _factor(len(z), variance)
    alone = np.diff(w.indptr) == 0
    if not star:
        mean, spread = _conditional(z, w)
        return np.where(
            alone, np.nan, _z(w @ z - mean, spread * (1 if variance == "n" else _excess(len(z) - 1)))
        )
    w = w + diags_array(np.broadcast_to(np.asarray(self_weight, dtype=float), len(z))).tocsr()
    n, total = len(z), np.asarray(w.sum(axis=1)).ravel()
    spread = (n * np.asarray(w.multiply(w).sum(axis=1)).ravel() - total**2) / (n - 1)
    return np.where(alone, np.nan, _z(w @ z, spread * (1 if variance == "n" else _excess(n))))


def permuted_moran(
    values: ArrayLike, weights: csr_array, *, permutations: int = 9_999, rng: int | np.random.SeedSequence = 0
) -> Floats:
    """Moran's I of `permutations` random rearrangements of the values, in blocks of bounded memory."""
    y, w = _checked(values, weights)
    z = y - y.mean()
    scale = len(z) / weight_sums(w).s0 / float(z @ z)
    generator = np.random.default_rng(rng)
    out = np.empty(permutations)
    block = max(1, 2**22 // len(z))
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        shuffled = generator.permuted(np.broadcast_to(z, (rows, len(z))), axis=1)
        out[start : start + rows] = scale * np.einsum("ij,ij->i", shuffled, (w @ shuffled.T).T)
    return out


def global_p(observed: float, simulated: ArrayLike, alternative: Alternative = "two-sided") -> float:
    """Permutation p of one statistic; ties, up to rounding, count in both tails."""
    simulated = np.asarray(simulated, dtype=float)
    tolerance = 1e-10 * max(1.0, float(np.abs(simulated).max(initial=0.0)))
    upper = (np.sum(simulated >= observed - tolerance) + 1) / (len(simulated) + 1)
    lower = (np.sum(simulated <= observed + tolerance) + 1) / (len(simulated) + 1)
    sides = {"two-sided": min(1.0, 2 * min(upper, lower)), "greater": upper, "less": lower}
    if alternative not in sides:
        raise ConfigError(f"alternative must be two-sided, greater or less; got {alternative!r}.")
    return float(sides[alternative])


def _checked(values: ArrayLike, weights: csr_array, *, constant: bool = False) -> tuple[Floats, csr_array]:
    """Values and weights fit for a statistic, or an error that says what is not."""
    from scipy.sparse import csr_array

    y = np.asarray(values, dtype=float)
    if y.ndim != 1 or weights.shape != (len(y), len(y)):
        raise StatisticsError(f"values and weights must fit: {y.shape} values, weights {weights.shape}.")
    if len(y) < 3:
        raise StatisticsError(f"A statistic of neighbourhood needs at least 3 areas; got {len(y)}.")
    if not np.isfinite(y).all():
        raise StatisticsError(
            f"{int((~np.isfinite(y)).sum())} values are missing or infinite; set them aside."
        )
    if not constant and np.ptp(y) == 0:
        raise StatisticsError("All values are equal: there is no variation to explain.")
    w = csr_array(weights, dtype=float)
    if w.diagonal().any():
        raise StatisticsError("An area is its own neighbour; take the diagonal out of the weights.")
    if not w.nnz:
        raise StatisticsError("No area has a neighbour.")
    return y, w


def _standardised(values: ArrayLike, weights: csr_array) -> tuple[Floats, csr_array]:
    """Deviations from the mean over the standard deviation with divisor n."""
    y, w = _checked(values, weights)
    d = y - y.mean()
    return d / np.sqrt(d @ d / len(d)), w


def _factor(n: int, variance: Divisor) -> float:
    """What turns a product of values standardised with divisor n into the convention asked for."""
    if variance not in ("n", "n-1"):
        raise ConfigError(f"variance must be 'n' or 'n-1'; got {variance!r}.")
    return 1.0 if variance == "n" else (n - 1) / n


def _excess(n: int) -> float:
    return n / (n - 1)


def _conditional(z: Floats, w: csr_array) -> tuple[Floats, Floats]:
    """Mean and variance of the weighted sum of the others' values, given standardised values."""
    n = len(z)
    if not w.has_canonical_format:
        w = w.copy()
        w.sum_duplicates()
    squared = type(w)((w.data**2, w.indices, w.indptr), shape=w.shape)
    total, squares = w @ np.ones(n), squared @ np.ones(n)
    mean = -z / (n - 1)
    s2 = (n - z**2) / (n - 1) - mean**2
    s2[s2 < 1e-12] = 0.0  # what is left of a difference of equal numbers
    return total * mean, s2 * ((n - 1) * squares - total**2) / (n - 2)


def _z(difference: Floats, variance: Floats) -> Floats:
    possible = variance > 0
    return np.where(possible, difference / np.sqrt(np.where(possible, variance, 1.0)), np.nan)


def _kurtosis(z: Floats) -> float:
    return len(z) * float((z**4).sum()) / float(z @ z) ** 2


def _with_z(statistic: float, expected: float, normal: float, random: float, *, sign: int) -> GlobalStatistic:
    from scipy.special import ndtr

    z = [sign * (statistic - expected) / np.sqrt(v) if v > 0 else np.nan for v in (normal, random)]
    p = [2 * ndtr(-abs(one)) for one in z]
    return GlobalStatistic(
        float(statistic), float(expected), float(normal), float(random), *(float(one) for one in (*z, *p))
    )
