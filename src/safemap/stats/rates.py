"""Rates of small areas: exact intervals, empirical Bayes, and the index that makes rates comparable.

Arrays in, arrays out; no tables, no geometry. The verbs on tables are :mod:`safemap.analysis.rates`.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import PoissonInterval
from safemap.errors import ConfigError, StatisticsError

Floats = NDArray[np.float64]
LocalConvention = Literal["geoda", "spdep"]


def poisson_interval(
    events: ArrayLike, *, confidence: float = 0.95, interval: PoissonInterval = "exact"
) -> tuple[Floats, Floats]:
    """Interval of a Poisson mean, given the count: exact (Garwood), mid-p, or Byar's approximation.

    Parameters
    ----------
    events : array_like of float
        Counts, zero or more. NaN gives NaN.
    confidence : float
        Coverage, between 0 and 1.
    interval : {"exact", "mid-p", "byar"}
        ``exact``: covers at least `confidence`, whatever the mean. ``mid-p``: covers `confidence` on average,
        and less for some means; narrower. ``byar``: a formula close to the exact limits from about 10 events
        on, for comparison with reports that use it.

    Returns
    -------
    low, high : ndarray
        Limits in events; the lower limit of a zero count is 0.

    Raises
    ------
    ConfigError
        Unknown interval, or confidence not between 0 and 1.
    StatisticsError
        A count is negative or infinite.

    Notes
    -----
    Exact: ``low = chi2.ppf((1 - c) / 2, 2x) / 2`` and ``high = chi2.ppf((1 + c) / 2, 2x + 2) / 2``, computed
    as quantiles of the gamma distribution with shapes ``x`` and ``x + 1``. Mid-p: the means at which
    ``P(X > x) + P(X = x) / 2`` is ``(1 - c) / 2`` and ``(1 + c) / 2``. Byar: ``y (1 - 1 / 9y -+ z / 3
    sqrt(y))**3`` with ``y = x`` below and ``y = x + 1`` above.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.
    doi:10.1093/biomet/28.3-4.437
    Cohen, G. R., Yang, S.-Y. (1994). Mid-P confidence intervals for the Poisson expectation. Statistics in
    Medicine 13, 2189-2203. doi:10.1002/sim.4780132102
    Breslow, N. E., Day, N. E. (1987). Statistical Methods in Cancer Research II. IARC, equation 2.13.

    Examples
    --------
    >>> low, high = poisson_interval([0, 5, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 1.623, 4.795], [3.689, 11.668, 18.39])
    >>> [limit.round(3).tolist() for limit in poisson_interval([10], interval="mid-p")]
    [[5.08], [17.825]]
    """
    x = np.asarray(events, dtype=float)
    check_confidence(confidence)
    if interval not in get_args(PoissonInterval):
        raise ConfigError(
            f"interval must be one of {', '.join(get_args(PoissonInterval))}; got {interval!r}."
        )
    if ((x < 0) | np.isinf(x)).any():
        raise StatisticsError("Counts must be 0 or more, and finite.")
    limits = {"exact": _exact_limits, "mid-p": _mid_p_limits, "byar": _byar_limits}[interval]
    there = ~np.isnan(x)
    out = np.full((2, *x.shape), np.nan)
    out[:, there] = limits(x[there], (1 - confidence) / 2)
    return out[0], out[1]


def check_confidence(confidence: float) -> None:
    """Raise unless `confidence` lies between 0 and 1."""
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise ConfigError(f"confidence must lie between 0 and 1, such as 0.95; got {confidence!r}.")


def _exact_limits(x: Floats, tail: float) -> tuple[Floats, Floats]:
    from scipy.special import gammaincinv

    return np.where(x > 0, gammaincinv(np.maximum(x, 1e-300), tail), 0.0), gammaincinv(x + 1, 1 - tail)


def _mid_p_limits(x: Floats, tail: float) -> tuple[Floats, Floats]:
    """By bisection between the exact limits, once for each count that occurs."""
    from scipy.special import gammainc

    count, at = np.unique(x, return_inverse=True)
    bracket = _exact_limits(count, tail)
    above = np.maximum(count, 1e-300)  # P(X >= 0) is 1 for any mean above 0

    def solve(level: float) -> Floats:
        low, high = (b.copy() for b in bracket)
        for _ in range(80):
            mid = (low + high) / 2
            under = (gammainc(above, mid) + gammainc(count + 1, mid)) / 2 < level
            low, high = np.where(under, mid, low), np.where(under, high, mid)
        return (low + high) / 2

    return np.where(count > 0, solve(tail), 0.0)[at], solve(1 - tail)[at]


def _byar_limits(x: Floats, tail: float) -> tuple[Floats, Floats]:
    from scipy.special import ndtri

    z, y = -ndtri(tail), np.maximum(x, 1.0)
    low = np.maximum(y * (1 - 1 / (9 * y) - z / (3 * np.sqrt(y))) ** 3, 0.0)
    high = (x + 1) * (1 - 1 / (9 * (x + 1)) + z / (3 * np.sqrt(x + 1))) ** 3
    return np.where(x > 0, low, 0.0), high


class RateMoments(NamedTuple):
    """Overall rate and between-area variance by the method of moments (Marshall 1991)."""

    mean: float  #: overall rate, events per unit of population
    variance: float  #: between-area variance A; may be negative, see the functions that use it


def rate_moments(events: ArrayLike, population: ArrayLike) -> RateMoments:
    """Population-weighted mean rate ``m`` and moment estimate ``A = s2 - m / mean(population)``."""
    e, n = np.asarray(events, dtype=float), np.asarray(population, dtype=float)
    m = e.sum() / n.sum()
    s2 = float(np.sum(n * (e / n - m) ** 2) / n.sum())
    return RateMoments(float(m), s2 - m / n.mean())


def empirical_bayes_weights(events: ArrayLike, population: ArrayLike) -> Floats:
    """Share of each area's own rate in its empirical Bayes estimate; the rest is the overall rate.

    Parameters
    ----------
    events, population : array_like
        Counts and populations of the same areas; every population above zero, nothing missing.

    Returns
    -------
    ndarray
        ``w = A / (A + m / n)``, from 0 (only the overall rate) to 1 (only the own rate); a negative A is
        taken as 0, and without any event all weights are 0.

    Examples
    --------
    >>> empirical_bayes_weights([2, 5, 10, 40], [500, 2000, 2500, 5000]).round(4).tolist()
    [0.2234, 0.5351, 0.5899, 0.7421]
    """
    n = np.asarray(population, dtype=float)
    m, a = rate_moments(events, n)
    return np.zeros(n.shape) if a <= 0 else a / (a + m / n)


def empirical_bayes(events: ArrayLike, population: ArrayLike) -> Floats:
    """Rates shrunk to the overall rate, the more the smaller the population (global empirical Bayes).

    Parameters
    ----------
    events, population : array_like
        Counts and populations of the same areas; every population above zero, nothing missing.

    Returns
    -------
    ndarray
        Smoothed rates, events per unit of population, each between the crude rate and the overall rate.

    Notes
    -----
    ``EB = w * e / n + (1 - w) * m`` with the weights of :func:`empirical_bayes_weights`; where A is not
    positive all areas get the overall rate.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators.
    Applied Statistics 40, 283-294. doi:10.2307/2347593

    Examples
    --------
    >>> empirical_bayes([2, 5, 10, 40], [500, 2000, 2500, 5000]).round(6).tolist()
    [0.00532, 0.003988, 0.004697, 0.007407]
    """
    e, n = np.asarray(events, dtype=float), np.asarray(population, dtype=float)
    w = empirical_bayes_weights(e, n)
    return w * (e / n) + (1 - w) * rate_moments(e, n).mean


def local_empirical_bayes(
    events: ArrayLike, population: ArrayLike, links: Any, *, like: LocalConvention = "geoda"
) -> tuple[Floats, Floats]:
    """Weights and targets of local empirical Bayes: towards the rate of the area and its neighbours.

    Parameters
    ----------
    events, population : array_like
        Counts and populations of the same areas; every population above zero, nothing missing.
    links : scipy sparse matrix
        Neighbours of each area, without the area itself; weights are not looked at.
    like : {"geoda", "spdep"}
        Whose variance of a neighbourhood: ``geoda`` measures all its rates from the rate of that
        neighbourhood, ``spdep`` (its default) each from the rate of its own neighbourhood.

    Returns
    -------
    own, towards : ndarray
        The smoothed rate is ``own * e / n + (1 - own) * towards``.

    Notes
    -----
    The moments of :func:`rate_moments`, taken over the area and its neighbours, one area at a time. A
    neighbourhood that varies no more than by chance gives its own rate.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators.
    Applied Statistics 40, 283-294. doi:10.2307/2347593
    Bailey, T. C., Gatrell, A. C. (1995). Interactive Spatial Data Analysis. Longman, section 8.3 (spdep).

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> own, towards = local_empirical_bayes([2, 5], [500, 2000], csr_array([[0, 1], [1, 0]]))
    >>> own.tolist(), towards.round(4).tolist()
    ([0.0, 0.0], [0.0028, 0.0028])
    """
    from scipy.sparse import csr_array, eye_array

    if like not in get_args(LocalConvention):
        raise ConfigError(f"like must be one of {', '.join(get_args(LocalConvention))}; got {like!r}.")
    e, n = np.asarray(events, dtype=float), np.asarray(population, dtype=float)
    window = csr_array(csr_array(links) != 0, dtype=float) + eye_array(len(n), format="csr")
    people, size = window @ n, window @ np.ones(len(n))
    m = (window @ e) / people
    from_own = like == "spdep"
    s2 = (window @ (n * (e / n - m) ** 2 if from_own else e**2 / n)) / people - (0 if from_own else m**2)
    a = np.maximum(s2 - m / (people / size), 0.0)
    spread = a + m / n
    return np.divide(a, spread, out=np.zeros_like(a), where=spread > 0), m


def standardised_ratio(
    events: ArrayLike,
    expected: ArrayLike,
    *,
    confidence: float = 0.95,
    interval: PoissonInterval = "exact",
) -> tuple[Floats, Floats, Floats]:
    """Observed over expected events (SMR) with its interval; NaN where nothing was expected.

    Parameters
    ----------
    events, expected : array_like
        Counts, and what was to be expected, taken as known.
    confidence, interval
        As in :func:`poisson_interval`.

    References
    ----------
    Breslow, N. E., Day, N. E. (1987). Statistical Methods in Cancer Research II. IARC, chapter 2.

    Examples
    --------
    >>> ratio, low, high = standardised_ratio([10], [5.0])
    >>> ratio.tolist(), low.round(3).tolist(), high.round(3).tolist()
    ([2.0], [0.959], [3.678])
    """
    o, e = np.asarray(events, dtype=float), np.asarray(expected, dtype=float)
    if (e < 0).any():
        raise StatisticsError("Expected events must be 0 or more.")
    low, high = poisson_interval(o, confidence=confidence, interval=interval)
    base = np.where(e > 0, e, np.nan)
    return o / base, low / base, high / base


def eb_index(events: ArrayLike, population: ArrayLike) -> Floats:
    """Rates as deviations from the overall rate, in units of their own standard deviation.

    Under equal risk every area has mean 0 and variance near 1 whatever its population, so the values can be
    compared with their neighbours' without large areas looking calm and small ones looking wild.

    Parameters
    ----------
    events, population : array_like
        Counts and populations of the same areas; every population above zero, nothing missing.

    Returns
    -------
    ndarray
        ``z = (e / n - m) / sqrt(v)`` with ``v = A + m / n``, or ``m / n`` where that is not positive.

    References
    ----------
    Assuncao, R. M., Reis, E. A. (1999). A new proposal to adjust Moran's I for population density.
    Statistics in Medicine 18, 2147-2162.
    doi:10.1002/(SICI)1097-0258(19990830)18:16<2147::AID-SIM179>3.0.CO;2-I

    Examples
    --------
    >>> eb_index([2, 5, 10, 40], [500, 2000, 2500, 5000]).round(4).tolist()
    [-0.4437, -1.2925, -0.721, 1.094]
    """
    e, n = np.asarray(events, dtype=float), np.asarray(population, dtype=float)
    m, a = rate_moments(e, n)
    v = a + m / n
    return (e / n - m) / np.sqrt(np.where(v > 0, v, m / n))
