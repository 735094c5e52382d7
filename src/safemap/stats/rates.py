"""Rates of small areas: exact intervals, empirical Bayes, and the index that makes rates comparable.

Arrays in, arrays out; no tables, no geometry. The verbs on tables are :mod:`safemap.analysis.rates`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def poisson_interval(events: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact (Garwood) interval of a Poisson mean, given the count.

    Parameters
    ----------
    events : array_like of float
        Counts, zero or more. NaN gives NaN.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    low, high : ndarray
        Limits in events; the lower limit of a zero count is 0.

    Notes
    -----
    ``low = chi2.ppf((1 - c) / 2, 2x) / 2`` and ``high = chi2.ppf((1 + c) / 2, 2x + 2) / 2``, computed as
    quantiles of the gamma distribution with shapes ``x`` and ``x + 1``.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.
    doi:10.1093/biomet/28.3-4.437

    Examples
    --------
    >>> low, high = poisson_interval([0, 5, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 1.623, 4.795], [3.689, 11.668, 18.39])
    """
    from scipy.special import gammaincinv

    x = np.asarray(events, dtype=float)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(x > 0, gammaincinv(np.where(x > 0, x, 1.0), tail), 0.0)
        high = gammaincinv(x + 1, 1 - tail)
    return np.where(np.isnan(x), np.nan, low), np.where(np.isnan(x), np.nan, high)


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


def local_empirical_bayes(events: ArrayLike, population: ArrayLike, links: Any) -> tuple[Floats, Floats]:
    """Weights and targets of local empirical Bayes: towards the rate of the area and its neighbours.

    Parameters
    ----------
    events, population : array_like
        Counts and populations of the same areas; every population above zero, nothing missing.
    links : scipy sparse matrix
        Neighbours of each area, without the area itself; weights are not looked at.

    Returns
    -------
    own, towards : ndarray
        The smoothed rate is ``own * e / n + (1 - own) * towards``.

    Notes
    -----
    The moments of :func:`rate_moments`, taken over the area and its neighbours, one area at a time.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators.
    Applied Statistics 40, 283-294. doi:10.2307/2347593

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> own, towards = local_empirical_bayes([2, 5], [500, 2000], csr_array([[0, 1], [1, 0]]))
    >>> own.tolist(), towards.round(4).tolist()
    ([0.0, 0.0], [0.0028, 0.0028])
    """
    from scipy.sparse import csr_array, eye_array

    e, n = np.asarray(events, dtype=float), np.asarray(population, dtype=float)
    window = csr_array(csr_array(links) != 0, dtype=float) + eye_array(len(n), format="csr")
    people, size = window @ n, window @ np.ones(len(n))
    m = (window @ e) / people
    s2 = (window @ (e**2 / n)) / people - m**2
    a = np.maximum(s2 - m / (people / size), 0.0)
    spread = a + m / n
    return np.divide(a, spread, out=np.zeros_like(a), where=spread > 0), m


def standardised_ratio(
    events: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Observed over expected events with an exact (Garwood) interval.

    Examples
    --------
    >>> ratio, low, high = standardised_ratio([10], [5.0])
    >>> ratio.tolist(), low.round(3).tolist(), high.round(3).tolist()
    ([2.0], [0.959], [3.678])
    """
    o, e = np.asarray(events, dtype=float), np.asarray(expected, dtype=float)
    low, high = poisson_interval(o, confidence=confidence)
    return o / e, low / e, high / e


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
