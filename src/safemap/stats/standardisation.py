"""Rates as they would be with the age and sex of a standard population, and events expected by strata.

Arrays in, arrays out; the last axis is the stratum. The verbs on tables are
:mod:`safemap.analysis.standardisation`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.rates import check_confidence, poisson_interval

Floats = NDArray[np.float64]
DirectInterval = Literal["gamma", "tiwari", "dobson", "dobson-byar"]


class DirectRate(NamedTuple):
    """Directly standardised rates, events per unit of population, one entry per area."""

    rate: Floats
    std_error: Floats
    low: Floats
    high: Floats


def direct_rate(
    events: ArrayLike,
    population: ArrayLike,
    standard: ArrayLike,
    *,
    confidence: float = 0.95,
    interval: DirectInterval = "gamma",
) -> DirectRate:
    """Rates with the strata of a standard population, with an interval that holds for few events.

    Parameters
    ----------
    events, population : array_like
        Counts and people, strata along the last axis. A missing value, or nobody in a stratum that the
        standard has, leaves an area without a rate (NaN).
    standard : array_like
        People of the standard population in each stratum; only their shares matter.
    confidence : float
        Coverage, between 0 and 1.
    interval : {"gamma", "tiwari", "dobson", "dobson-byar"}
        ``gamma`` (Fay and Feuer) held its coverage in every simulation of its authors and is wide where one
        stratum has a large weight and few people. ``tiwari`` is its narrower modification. ``dobson`` shifts
        and scales the exact interval of the total count (``dobson-byar``: Byar's, as in British public
        health); it has no limits where nothing happened.

    Returns
    -------
    DirectRate
        Rate, its standard error, and limits.

    Raises
    ------
    ConfigError
        Unknown interval, or confidence not between 0 and 1.
    StatisticsError
        Negative numbers, events where nobody is, shapes that do not fit, or an empty standard population.

    Notes
    -----
    With weights ``w = s / sum(s) / n``: rate ``y = sum(w x)``, variance ``v = sum(w**2 x)``. Gamma limits:
    ``v / 2y chi2.ppf(a/2, 2 y**2 / v)`` below; above the same at ``1 - a/2`` with ``y + max(w)`` for y and
    ``v + max(w)**2`` for v (Tiwari: mean of w, mean of w**2). Dobson: ``y + sqrt(v / X) (L - X)`` with the
    limit L of the total X.

    References
    ----------
    Fay, M. P., Feuer, E. J. (1997). Confidence intervals for directly standardized rates: a method based on
    the gamma distribution. Statistics in Medicine 16, 791-801.
    doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#
    Tiwari, R. C., Clegg, L. X., Zou, Z. (2006). Efficient interval estimation for age-adjusted cancer rates.
    Statistical Methods in Medical Research 15, 547-569. doi:10.1177/0962280206070621
    Dobson, A. J. et al. (1991). Confidence intervals for weighted sums of Poisson parameters. Statistics in
    Medicine 10, 457-462. doi:10.1002/sim.4780100317

    Examples
    --------
    Down's syndrome among fifth and later children, by age of the mother (Fay and Feuer 1997), per 100,000:

    >>> cases = [0, 8, 63, 112, 262, 295]
    >>> births = [327, 30666, 123419, 149919, 104088, 34392]
    >>> all_births = [319933, 931318, 786511, 488235, 237863, 61313]
    >>> [round(float(number) * 1e5, 1) for number in direct_rate(cases, births, all_births)]
    [75.5, 4.1, 67.7, 188.3]
    """
    check_confidence(confidence)
    if interval not in get_args(DirectInterval):
        known = ", ".join(get_args(DirectInterval))
        raise ConfigError(f"interval must be one of {known}; got {interval!r}.")
    x, n, share = _read(events, population, standard)
    with np.errstate(invalid="ignore", divide="ignore"):
        w = np.where(n > 0, share / n, np.nan)
    rate, variance = (w * x).sum(axis=-1), (w**2 * x).sum(axis=-1)
    tail = (1 - confidence) / 2
    if interval in ("gamma", "tiwari"):
        if interval == "gamma":
            more, more_variance = w.max(axis=-1), w.max(axis=-1) ** 2
        else:
            more, more_variance = w.mean(axis=-1), (w**2).mean(axis=-1)
        low = np.where(rate == 0, 0.0, _gamma_quantile(rate, variance, tail))
        high = _gamma_quantile(rate + more, variance + more_variance, 1 - tail)
    else:
        low, high = _dobson(x.sum(axis=-1), rate, variance, confidence, byar=interval == "dobson-byar")
    return DirectRate(rate, np.sqrt(variance), low, high)


def expected_events(population: ArrayLike, rates: ArrayLike) -> Floats:
    """Events that the people of each area would have at the rates of a reference population.

    Parameters
    ----------
    population : array_like
        People, strata along the last axis.
    rates : array_like
        Events per person in each stratum of the reference population, in the same period.

    Returns
    -------
    ndarray
        ``sum(n * rate)``; NaN where a number is missing.

    Examples
    --------
    >>> expected_events([[1000, 500], [200, 900]], [0.001, 0.01]).tolist()
    [6.0, 9.2]
    """
    n, r = np.asarray(population, dtype=float), np.asarray(rates, dtype=float)
    if r.ndim != 1 or n.shape[-1:] != r.shape:
        raise StatisticsError(
            f"There must be one rate for each stratum; got {n.shape} people, {r.shape} rates."
        )
    if (n < 0).any() or (r < 0).any():
        raise StatisticsError("People and rates must be 0 or more.")
    return (n * r).sum(axis=-1)


def _read(events: ArrayLike, population: ArrayLike, standard: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Counts, people, and shares of the standard population, of the strata that it has."""
    x, n, s = (np.asarray(a, dtype=float) for a in (events, population, standard))
    if s.ndim != 1 or x.shape != n.shape or x.shape[-1:] != s.shape:
        raise StatisticsError(
            f"Events and population must have one number for each stratum of the standard population; "
            f"got {x.shape}, {n.shape} and {s.shape}."
        )
    if any((a < 0).any() or np.isinf(a).any() for a in (x, n, s)) or np.isnan(s).any():
        raise StatisticsError("Events, population and standard must be 0 or more, and finite.")
    if ((x > 0) & (n == 0)).any():
        raise StatisticsError("There are events in a stratum in which nobody is.")
    if not s.sum() > 0:
        raise StatisticsError("The standard population is empty.")
    there = s > 0
    return x[..., there], n[..., there], s[there] / s.sum()


def _gamma_quantile(mean: Floats, variance: Floats, level: float) -> Floats:
    """Quantile of the gamma distribution with this mean and variance; NaN where it has none."""
    from scipy.special import gammaincinv

    with np.errstate(invalid="ignore", divide="ignore"):
        shape = mean**2 / variance
        usable = (variance > 0) & np.isfinite(shape)
        return np.where(usable, gammaincinv(np.where(usable, shape, 1.0), level) * variance / mean, np.nan)


def _dobson(
    total: Floats, rate: Floats, variance: Floats, confidence: float, *, byar: bool
) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(total > 0, np.sqrt(variance / total), np.nan)
    limits = poisson_interval(total, confidence=confidence, interval="byar" if byar else "exact")
    low, high = (rate + scale * (limit - total) for limit in limits)
    return np.maximum(low, 0.0), high
