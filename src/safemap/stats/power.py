"""What could have been found: the smallest risk that a count would give away.

Arrays in, arrays out; the verb on tables is :mod:`safemap.analysis.power`. For two periods see
:func:`safemap.stats.change.detectable_ratio`.
"""

from __future__ import annotations

from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError

Floats = NDArray[np.float64]


class DetectableRisk(NamedTuple):
    """Relative risks that would be found with the power asked for, one entry per area."""

    high: Floats  #: smallest one above 1; NaN where nothing is expected or only decreases are asked for
    low: Floats  #: largest one below 1; NaN where not even a count of 0 would be striking


def detectable_risk(
    expected: ArrayLike,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
) -> DetectableRisk:
    """Smallest relative risk above 1, and largest below 1, that an exact Poisson test would find.

    Parameters
    ----------
    expected : array_like
        Events expected at the risk of the reference, taken as known.
    alpha : float
        Level of the test. Divide it by the number of areas where all are tested at once.
    power : float
        Chance with which the risk is found.
    alternative : {"two-sided", "greater", "less"}
        Two-sided: half of `alpha` on either side.

    Returns
    -------
    DetectableRisk
        ``high`` and ``low``.

    Notes
    -----
    With c the smallest count of ``P(X >= c | E) <= alpha / 2``, ``high = m / E`` where ``P(X >= c | m)``
    is `power`: ``m`` is that quantile of the gamma distribution of shape c. Likewise below.

    References
    ----------
    Breslow, N. E., Day, N. E. (1987). Statistical Methods in Cancer Research II. IARC, chapter 7.

    Examples
    --------
    >>> found = detectable_risk([0.5, 5.0, 50.0])
    >>> found.high.round(2).tolist(), found.low.round(2).tolist()
    ([8.56, 2.73, 1.43], [nan, 0.04, 0.64])
    """
    from scipy.special import gammaincinv
    from scipy.stats import poisson

    e, tail = _read(expected, alpha, power, alternative)
    with np.errstate(invalid="ignore"):
        above = poisson.isf(tail, e) + 1
        below = poisson.ppf(tail, e)
        below = np.where(poisson.cdf(below, e) > tail, below - 1, below)
        high = gammaincinv(above, power) / e
        low = np.where(below >= 0, gammaincinv(np.maximum(below, 0) + 1, 1 - power) / e, np.nan)
    return DetectableRisk(
        np.full_like(e, np.nan) if alternative == "less" else high,
        np.full_like(e, np.nan) if alternative == "greater" else low,
    )


def poisson_power(
    expected: ArrayLike,
    ratio: ArrayLike,
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Floats:
    """Chance that the exact Poisson test finds a relative risk; the size of the test where `ratio` is 1.

    Parameters
    ----------
    expected, alpha, alternative
        As in :func:`detectable_risk`.
    ratio : array_like
        Relative risk, 0 or more.

    Examples
    --------
    >>> poisson_power([5.0, 50.0], 1.5).round(3).tolist()
    [0.138, 0.889]
    """
    from scipy.stats import poisson

    e, tail = _read(expected, alpha, 0.5, alternative)
    mean = e * np.asarray(ratio, dtype=float)
    with np.errstate(invalid="ignore"):
        above = poisson.isf(tail, e) + 1
        below = poisson.ppf(tail, e)
        below = np.where(poisson.cdf(below, e) > tail, below - 1, below)
        up, down = poisson.sf(above - 1, mean), np.where(below >= 0, poisson.cdf(below, mean), 0.0)
    sides = {"two-sided": up + down, "greater": up, "less": down}
    return np.where(np.isnan(e), np.nan, sides[alternative])


def _read(expected: ArrayLike, alpha: float, power: float, alternative: str) -> tuple[Floats, float]:
    """Means, NaN where nothing is expected, and the level of one tail."""
    if alternative not in get_args(Alternative):
        raise ConfigError(f"alternative must be two-sided, greater or less; got {alternative!r}.")
    for name, level in (("alpha", alpha), ("power", power)):
        if not 0 < level < 1:
            raise ConfigError(f"{name} must lie between 0 and 1; got {level!r}.")
    e = np.asarray(expected, dtype=float)
    if ((e < 0) | np.isinf(e)).any():
        raise StatisticsError("Expected events must be 0 or more, and finite.")
    return np.where(e > 0, e, np.nan), alpha / 2 if alternative == "two-sided" else alpha
