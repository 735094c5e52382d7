"""Funnel limits: how far the count of an area may lie from what is expected before it is more than chance.

Arrays in, arrays out; the verb on tables is :mod:`safemap.analysis.funnel`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.rates import check_confidence

Floats = NDArray[np.float64]
LimitMethod = Literal["exact", "interpolated"]

#: share of the scores on either side that is drawn in before dispersion is measured
WINSORISED = 0.1


def funnel_limits(
    expected: ArrayLike,
    *,
    level: float = 0.95,
    size: ArrayLike | None = None,
    method: LimitMethod = "exact",
) -> tuple[Floats, Floats]:
    """Counts between which an area lies with a chance of `level` if its risk is that of the reference.

    Parameters
    ----------
    expected : array_like
        Events expected, above 0; anything else gives NaN.
    level : float
        Between 0 and 1: 0.95 and 0.998 are usual.
    size : array_like, optional
        Number of trials where an event can happen once to each (binomial). Default: Poisson.
    method : {"exact", "interpolated"}
        ``exact``: a count lies outside exactly where its tail has at most half of ``1 - level``; smooth
        between whole counts. ``interpolated``: as printed by Spiegelhalter (2005); his upper limit flags a
        count of which only the *larger* ones are rare, and so too often where few are expected.

    Returns
    -------
    low, high : ndarray
        Limits in events; `low` is 0 where no count can be too low.

    Raises
    ------
    ConfigError
        Unknown method, or a level not between 0 and 1.
    StatisticsError
        More events expected than there are trials.

    Notes
    -----
    Exact: the y with ``P(X >= y) = (1 - level) / 2`` above and ``P(X <= y) = (1 - level) / 2`` below, the
    tails written as incomplete gamma or beta functions, which give the Poisson or binomial tails at whole y.
    Interpolated: with r the smallest count of ``F(r) >= p``, the limit is ``r - (F(r) - p) / P(X = r)``.

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in Medicine
    24, 1185-1202. doi:10.1002/sim.1970

    Examples
    --------
    >>> low, high = funnel_limits([1.0, 10.0, 100.0])
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 3.83, 80.39], [3.82, 17.13, 120.56])
    """
    check_confidence(level)
    if method not in get_args(LimitMethod):
        raise ConfigError(f"method must be one of {', '.join(get_args(LimitMethod))}; got {method!r}.")
    mean, trials = _read(expected, size)
    tail = (1 - level) / 2
    if method == "interpolated":
        low, high = (_interpolated(mean, trials, p) for p in (tail, 1 - tail))
    else:
        upper, lower = _tails(mean, trials)
        top = mean + 60 + 20 * np.sqrt(mean) if trials is None else trials
        high = _bisect(lambda y: upper(y) > tail, np.zeros_like(mean), top)
        low = _bisect(lambda y: lower(y) < tail, np.zeros_like(mean), top)
        low = np.where(lower(np.zeros_like(mean)) > tail, 0.0, low)
    known = mean > 0
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def tail_p(events: ArrayLike, expected: ArrayLike, *, size: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Chance of as many events or more, and of as many or fewer, if as many are expected as given.

    Examples
    --------
    >>> upper, lower = tail_p([4], [1.0])
    >>> upper.round(4).tolist(), lower.round(4).tolist()
    ([0.019], [0.9963])
    """
    mean, trials = _read(expected, size)
    x = np.asarray(events, dtype=float)
    upper, lower = _tails(mean, trials)
    known = (mean > 0) & ~np.isnan(x)
    return np.where(known, upper(x), np.nan), np.where(known, lower(x), np.nan)


class Dispersion(NamedTuple):
    """How much more areas differ than by chance."""

    scores: Floats  #: z of each area on a scale of constant variance
    phi: float  #: mean square of the drawn-in scores; 1 or less: no more than chance
    tau2: float  #: variance between areas on that scale, 0 or more


def dispersion(
    events: ArrayLike,
    expected: ArrayLike,
    *,
    size: ArrayLike | None = None,
    winsorised: float = WINSORISED,
) -> Dispersion:
    """Scores of the areas, and how much more they vary than chance would make them.

    Parameters
    ----------
    events, expected, size : array_like
        As in :func:`funnel_limits`; areas with NaN or nothing expected do not count.
    winsorised : float
        Share of the scores on either side that is drawn in to the next, so that the areas to be found do not
        widen the limits that are to find them.

    Returns
    -------
    Dispersion
        Of scores ``z = 2 (sqrt(x) - sqrt(E))``, or ``2 sqrt(n) (asin sqrt(x / n) - asin sqrt(E / n))``;
        ``phi = mean(z**2)``; ``tau2`` by the method of moments (DerSimonian and Laird).

    References
    ----------
    Spiegelhalter, D. J. (2005). Handling over-dispersion of performance indicators. Quality and Safety in
    Health Care 14, 347-351. doi:10.1136/qshc.2005.013755

    Examples
    --------
    >>> spread = dispersion([20, 60, 35, 110, 40], [40.0, 40.0, 40.0, 80.0, 40.0])
    >>> spread.scores.round(2).tolist(), round(spread.phi, 2), round(spread.tau2, 4)
    ([-3.7, 2.84, -0.82, 3.09, 0.0], 4.84, 0.027)
    """
    if not 0 <= winsorised < 0.5:
        raise ConfigError(f"winsorised must lie between 0 and 0.5; got {winsorised!r}.")
    mean, trials = _read(expected, size)
    x = np.asarray(events, dtype=float)
    with np.errstate(invalid="ignore"):
        if trials is None:
            scores, weight = 2 * (np.sqrt(x) - np.sqrt(mean)), 4 * mean
        else:
            scores = 2 * np.sqrt(trials) * (_angle(x, trials) - _angle(mean, trials))
            weight = 4 * trials
    scores = np.where(mean > 0, scores, np.nan)
    there = ~np.isnan(scores)
    z, w, n = scores[there], weight[there], int(there.sum())
    if n < 2:
        return Dispersion(scores, float("nan"), float("nan"))
    drawn = np.clip(z, *np.quantile(z, [winsorised, 1 - winsorised]))
    phi = float(np.mean(drawn**2))
    room = w.sum() - (w**2).sum() / w.sum()
    return Dispersion(scores, phi, max(0.0, float((n * phi - (n - 1)) / room)) if room > 0 else 0.0)


def overdispersed_limits(
    expected: ArrayLike,
    *,
    level: float = 0.95,
    size: ArrayLike | None = None,
    phi: float = 1.0,
    tau2: float = 0.0,
) -> tuple[Floats, Floats]:
    """Funnel limits where areas differ for reasons of their own, not only by chance.

    Parameters
    ----------
    expected, level, size
        As in :func:`funnel_limits`.
    phi : float
        Variance of the scores, multiplied; below 1 counts as 1.
    tau2 : float
        Variance between areas, added; see :func:`dispersion`.

    Notes
    -----
    Normal limits on the scale of the scores, turned back into counts: ``(sqrt(E) -+ z sqrt(phi / 4 + tau2
    E))**2``, or ``n sin(a -+ z sqrt(phi / 4n + tau2))**2`` with ``a = asin sqrt(E / n)``.

    References
    ----------
    Spiegelhalter, D. J. (2005). Statistics in Medicine 24, 1185-1202, appendix. doi:10.1002/sim.1970

    Examples
    --------
    >>> low, high = overdispersed_limits([100.0], phi=4.0)
    >>> low.round(1).tolist(), high.round(1).tolist()
    ([64.6], [143.0])
    """
    from scipy.special import ndtri

    check_confidence(level)
    if not (np.isfinite(phi) and np.isfinite(tau2) and phi >= 0 and tau2 >= 0):
        raise ConfigError(f"phi and tau2 must be 0 or more; got {phi!r} and {tau2!r}.")
    mean, trials = _read(expected, size)
    z = ndtri((1 + level) / 2)
    spread = max(phi, 1.0) / 4
    if trials is None:
        middle, half = np.sqrt(mean), z * np.sqrt(spread + tau2 * mean)
        low, high = np.maximum(middle - half, 0.0) ** 2, (middle + half) ** 2
    else:
        middle, half = _angle(mean, trials), z * np.sqrt(spread / trials + tau2)
        low, high = (trials * np.sin(np.clip(a, 0, np.pi / 2)) ** 2 for a in (middle - half, middle + half))
    known = mean > 0
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def _read(expected: ArrayLike, size: ArrayLike | None) -> tuple[Floats, Floats | None]:
    """Means, NaN where nothing is expected, and trials."""
    mean = np.asarray(expected, dtype=float)
    mean = np.where(mean > 0, mean, np.nan)
    if size is None:
        return mean, None
    trials = np.broadcast_to(np.asarray(size, dtype=float), mean.shape)
    if (mean > trials).any():
        raise StatisticsError("More events are expected than there are trials; use the Poisson limits.")
    return mean, np.where(np.isnan(mean), np.nan, trials)


def _tails(
    mean: Floats, trials: Floats | None
) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """``P(X >= y)`` and ``P(X <= y)``, continued smoothly between whole y."""
    from scipy.special import betainc, gammainc, gammaincc

    tiny = 1e-300
    if trials is None:
        return (
            lambda y: np.where(y > 0, gammainc(np.maximum(y, tiny), mean), 1.0),
            lambda y: gammaincc(y + 1, mean),
        )
    share = mean / trials
    return (
        lambda y: np.where(y > 0, betainc(np.maximum(y, tiny), np.maximum(trials - y, 0) + 1, share), 1.0),
        lambda y: np.where(
            y < trials, betainc(np.maximum(trials - y, tiny), y + 1, np.clip(1 - share, 0, 1)), 1.0
        ),
    )


def _bisect(below: Callable[[Floats], NDArray[np.bool_]], low: Floats, high: Floats) -> Floats:
    for _ in range(100):
        mid = (low + high) / 2
        under = below(mid)
        low, high = np.where(under, mid, low), np.where(under, high, mid)
    return (low + high) / 2


def _interpolated(mean: Floats, trials: Floats | None, p: float) -> Floats:
    from scipy.stats import binom, poisson

    law = poisson(mean) if trials is None else binom(trials, mean / trials)
    r = law.ppf(p)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.maximum(r - (law.cdf(r) - p) / law.pmf(r), 0.0)


def _angle(count: Floats, trials: Floats) -> Floats:
    return np.arcsin(np.sqrt(np.clip(count / trials, 0, 1)))
