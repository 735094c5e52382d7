"""Did it change? Two counts before and after: exact tests, what could have been seen, and displacement.

Arrays in, arrays out; the verb on tables is :mod:`safemap.analysis.change`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError
from safemap.stats.rates import check_confidence

Floats = NDArray[np.float64]


class Change(NamedTuple):
    """Rate after over rate before, one entry per area."""

    ratio: Floats  #: inf where nothing happened before; NaN where nothing happened at all
    low: Floats  #: exact limits of the ratio
    high: Floats
    p_value: Floats  #: NaN where nothing happened at all


def poisson_change(
    before: ArrayLike,
    after: ArrayLike,
    *,
    exposure_before: ArrayLike = 1.0,
    exposure_after: ArrayLike = 1.0,
    alternative: Alternative = "two-sided",
    confidence: float = 0.95,
) -> Change:
    """Exact conditional test of two Poisson counts, with the interval of their ratio.

    Parameters
    ----------
    before, after : array_like
        Whole counts; NaN gives NaN.
    exposure_before, exposure_after : array_like
        What the counts are to be divided by: length of the period, people, or their product.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: more after than before.
    confidence : float
        Coverage of the interval.

    Notes
    -----
    Given their sum, the count after is binomial with the share of its exposure. Two-sided p is twice the
    smaller tail, at most 1, and agrees with the interval.

    References
    ----------
    Przyborowski, J., Wilenski, H. (1940). Homogeneity of results in testing samples from Poisson series.
    Biometrika 31, 313-323. doi:10.1093/biomet/31.3-4.313

    Examples
    --------
    >>> change = poisson_change([10, 5], [2, 5])
    >>> change.ratio.tolist(), change.p_value.round(4).tolist()
    ([0.2, 1.0], [0.0386, 1.0])
    """
    from scipy.special import betainc, betaincinv

    x, y, t, u = _counts(before, after, exposure_before, exposure_after)
    n, share = x + y, u / (t + u)
    with np.errstate(invalid="ignore", divide="ignore"):
        upper = np.where(y > 0, betainc(np.maximum(y, 1), x + 1, share), 1.0)
        lower = np.where(x > 0, betainc(np.maximum(x, 1), y + 1, 1 - share), 1.0)
        tail = (1 - confidence) / 2
        low = np.where(y > 0, betaincinv(np.maximum(y, 1), x + 1, tail), 0.0)
        high = np.where(x > 0, betaincinv(y + 1, np.maximum(x, 1), 1 - tail), 1.0)
        low, high = (p / (1 - p) * t / u for p in (low, high))
        ratio = (y / u) / (x / t)
    sides = {"two-sided": np.minimum(1.0, 2 * np.minimum(upper, lower)), "greater": upper, "less": lower}
    if alternative not in sides:
        raise ConfigError(f"alternative must be two-sided, greater or less; got {alternative!r}.")
    nothing = ~(n > 0)
    return Change(*(np.where(nothing, np.nan, a) for a in (ratio, low, high, sides[alternative])))


def e_test(
    before: ArrayLike,
    after: ArrayLike,
    *,
    exposure_before: ArrayLike = 1.0,
    exposure_after: ArrayLike = 1.0,
    alternative: Alternative = "two-sided",
) -> Floats:
    """p of the E-test of two Poisson rates: less careful than the exact test, and more powerful.

    Arguments as in :func:`poisson_change`.

    Notes
    -----
    Sum of the probabilities, at the common rate, of all pairs of counts whose standardised difference is at
    least that of the observed pair. For each count before, those after are the two outer sides of a
    quadratic inequality, so that no pair is looked at by itself. Pairs that differ exactly as much as the
    observed one count; :func:`scipy.stats.poisson_means_test` can lose such pairs, the observed one among
    them, by rounding.

    References
    ----------
    Krishnamoorthy, K., Thomson, J. (2004). A more powerful test for comparing two Poisson means. Journal of
    Statistical Planning and Inference 119, 23-35. doi:10.1016/S0378-3758(02)00408-1

    Examples
    --------
    >>> e_test([6, 0], [2, 3]).round(4).tolist()
    [0.1749, 0.0884]
    """
    if alternative not in ("two-sided", "greater", "less"):
        raise ConfigError(f"alternative must be two-sided, greater or less; got {alternative!r}.")
    x, y, t, u = _counts(before, after, exposure_before, exposure_after)
    if alternative == "less":
        x, y, t, u = y, x, u, t
    pairs, at = np.unique(np.stack([a.ravel() for a in (x, y, t, u)]), axis=1, return_inverse=True)
    p = np.array([_e_test_of(*pair, two_sided=alternative == "two-sided") for pair in pairs.T])
    return p[np.ravel(at)].reshape(x.shape)


def _e_test_of(x: float, y: float, t: float, u: float, *, two_sided: bool) -> float:
    """p of one pair; one-sided for more after than before."""
    from scipy.special import gammaln, pdtr, pdtrc, xlogy

    if not x + y > 0:
        return float("nan")
    rate = (x + y) / (t + u)
    statistic = (y / u - x / t) / np.sqrt(x / t**2 + y / u**2)
    if two_sided and statistic == 0:
        return 1.0
    reach = 12 * np.sqrt(rate * t) + 40  # what lies beyond has less than 1e-15
    k = np.arange(max(0, np.floor(rate * t - reach)), np.ceil(rate * t + reach))
    chance = np.exp(xlogy(k, rate * t) - rate * t - gammaln(k + 1))
    square = statistic**2
    middle = k / t + square / (2 * u)
    root = np.sqrt(square * (k / t) * (1 / u + 1 / t) + (square / (2 * u)) ** 2)
    slack = 1e-9 * (1 + u * middle)  # the observed pair itself lies on the edge
    above, below = u * (middle + root), u * (middle - root)
    if not two_sided and statistic <= 0:
        found = _poisson_from(np.ceil(below - slack), rate * u, pdtrc)
        return float(min(1.0, (chance * found).sum()))
    found = _poisson_from(np.ceil(above - slack), rate * u, pdtrc)
    if two_sided:
        under = np.floor(below + slack)
        found = found + np.where(under >= 0, pdtr(np.maximum(under, 0), rate * u), 0.0)
    p = (chance * found).sum()
    if two_sided:
        p -= np.exp(-rate * (t + u))  # two counts of 0 do not differ
    return float(min(1.0, max(p, 0.0)))


def _poisson_from(count: Floats, mean: float, sf: Any) -> Floats:
    """Chance of `count` or more."""
    return np.where(count <= 0, 1.0, sf(np.maximum(count, 1) - 1, mean))


def detectable_ratio(
    before: ArrayLike,
    after: ArrayLike,
    *,
    exposure_before: ArrayLike = 1.0,
    exposure_after: ArrayLike = 1.0,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Floats:
    """Smallest increase that so many events would have shown, as a ratio of rates.

    Parameters
    ----------
    before, after, exposure_before, exposure_after
        As in :func:`poisson_change`.
    alpha : float
        Level of the two-sided exact test.
    power : float
        Chance with which the increase is found.

    Returns
    -------
    ndarray
        Above 1; inf where no increase could be found, however large.

    Notes
    -----
    With the sum n of both counts fixed: the smallest count c that the test rejects, and the share p at which
    that count or more has probability `power`.

    Examples
    --------
    >>> detectable_ratio([5, 50, 500], [5, 50, 500]).round(2).tolist()
    [11.01, 1.82, 1.2]
    """
    from scipy.special import betaincinv
    from scipy.stats import binom

    for name, level in (("alpha", alpha), ("power", power)):
        if not 0 < level < 1:
            raise ConfigError(f"{name} must lie between 0 and 1; got {level!r}.")
    x, y, t, u = _counts(before, after, exposure_before, exposure_after)
    n, share = np.nan_to_num(x + y), u / (t + u)
    critical = binom.isf(alpha / 2, n, share) + 1
    possible = (critical >= 1) & (critical <= n)
    c = np.where(possible, critical, 1.0)
    p = betaincinv(c, np.maximum(n - c + 1, 1), power)
    with np.errstate(divide="ignore"):
        ratio = p / (1 - p) * t / u
    return np.where(np.isnan(x + y), np.nan, np.where(possible, ratio, np.inf))


class DisplacementDifference(NamedTuple):
    """Change in a treated place less change in its control, with displacement; counts per unit of weight."""

    local: float
    displacement: float
    total: float
    std_error: float
    z_score: float
    conf_low: float
    conf_high: float
    p_value: float  #: two-sided, normal


def displacement_difference(
    control: tuple[float, float],
    treated: tuple[float, float],
    *,
    displacement_control: tuple[float, float] = (0, 0),
    displacement_treated: tuple[float, float] = (0, 0),
    time_weights: tuple[float, float] = (1, 1),
    area_weights: tuple[float, float, float, float] = (1, 1, 1, 1),
    confidence: float = 0.95,
) -> DisplacementDifference:
    """Weighted displacement difference: did crime fall where something was done, or only move?

    Parameters
    ----------
    control, treated, displacement_control, displacement_treated : tuple of two counts
        Before and after; the two areas of displacement may be left out.
    time_weights : tuple of two numbers
        Lengths of the periods before and after; counts are divided by them.
    area_weights : tuple of four numbers
        Sizes of control, treated, displacement control and displacement treated; counts are divided by them.
    confidence : float
        Coverage of the interval.

    Notes
    -----
    ``(treated after - before) - (control after - before)``, plus the same for the areas of displacement; with
    independent Poisson counts x of weight w the variance is ``sum x / w**2``. Fewer than about five events in
    a cell make the normal approximation rough.

    References
    ----------
    Wheeler, A. P., Ratcliffe, J. H. (2018). A simple weighted displacement difference test to evaluate place
    based crime interventions. Crime Science 7, 11. doi:10.1186/s40163-018-0085-5

    Examples
    --------
    >>> wdd = displacement_difference((308, 318), (207, 110), displacement_control=(150, 140),
    ...                               displacement_treated=(178, 157))
    >>> wdd.local, wdd.displacement, wdd.total, round(wdd.std_error, 3), round(wdd.z_score, 2)
    (-107.0, -11.0, -118.0, 39.598, -2.98)
    """
    from scipy.special import ndtr, ndtri

    check_confidence(confidence)
    counts = np.array([control, treated, displacement_control, displacement_treated], dtype=float)
    weights = np.outer(np.asarray(area_weights, dtype=float), np.asarray(time_weights, dtype=float))
    if counts.shape != (4, 2) or weights.shape != (4, 2):
        raise StatisticsError("Give two counts for each place, two time weights and four area weights.")
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise StatisticsError("Counts must be 0 or more and known.")
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise StatisticsError("Weights must be above 0 and known.")
    rates = counts / weights
    change = rates[:, 1] - rates[:, 0]
    local, moved = float(change[1] - change[0]), float(change[3] - change[2])
    error = float(np.sqrt((counts / weights**2).sum()))
    total = local + moved
    z = total / error if error > 0 else float("nan")
    half = float(ndtri((1 + confidence) / 2)) * error
    return DisplacementDifference(
        local, moved, total, error, z, total - half, total + half, float(2 * ndtr(-abs(z)))
    )


def _counts(
    before: ArrayLike, after: ArrayLike, exposure_before: ArrayLike, exposure_after: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    given = (before, after, exposure_before, exposure_after)
    x, y, t, u = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in given))
    for count in (x, y):
        known = count[~np.isnan(count)]
        if (known < 0).any() or not np.array_equal(known, np.rint(known)) or np.isinf(known).any():
            raise StatisticsError("Counts before and after must be whole numbers of 0 or more.")
    usable = ~np.isnan(x + y)
    for exposure in (t, u):
        if not ((exposure[usable] > 0) & np.isfinite(exposure[usable])).all():
            raise StatisticsError("Exposures must be above 0 wherever there are counts.")
    return x, y, t, u
