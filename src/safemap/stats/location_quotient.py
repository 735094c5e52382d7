"""Location quotient: is a kind of event over-represented in an area, given how much happens there at all?

Arrays in, arrays out; the verb on tables is :mod:`safemap.analysis.location_quotient`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import StatisticsError
from safemap.stats.rates import check_confidence

Floats = NDArray[np.float64]


def location_quotient(
    events: ArrayLike, total: ArrayLike, *, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Share of one kind among all events of an area, over that share among all areas, with its interval.

    Parameters
    ----------
    events, total : array_like
        Events of the kind, and of all kinds, in each area. NaN gives NaN, and so does an area without events.
    confidence : float
        Coverage of the interval.

    Returns
    -------
    quotient, low, high : ndarray
        1 where the kind is as common as everywhere.

    Raises
    ------
    StatisticsError
        More of one kind than of all, a negative number, or no event of the kind anywhere.

    Notes
    -----
    ``(x / n) / (X / N)`` with the exact (Clopper-Pearson) interval of the share x / n; the share X / N of all
    areas, the area itself included, is taken as known, so that one area with most events of the city has too
    narrow an interval.

    References
    ----------
    Brantingham, P. L., Brantingham, P. J. (1998). Mapping crime for analytic purposes: location quotients,
    counts and rates. In: Weisburd, D., McEwen, T. (eds), Crime Mapping and Crime Prevention, 263-288.

    Examples
    --------
    >>> quotient, low, high = location_quotient([12, 68], [60, 940])
    >>> quotient.round(3).tolist(), low.round(2).tolist(), high.round(2).tolist()
    ([2.5, 0.904], [1.35, 0.71], [4.04, 1.14])
    """
    from scipy.special import betaincinv

    check_confidence(confidence)
    x, n = np.broadcast_arrays(np.asarray(events, dtype=float), np.asarray(total, dtype=float))
    known = ~np.isnan(x + n)
    if (x[known] < 0).any() or (x[known] > n[known]).any():
        raise StatisticsError(
            "Events of one kind must be 0 or more, and no more than all events of the area."
        )
    if not x[known].sum() > 0:
        raise StatisticsError("There is no event of this kind in any area, so there is no quotient.")
    share = x[known].sum() / n[known].sum()
    usable, tail = known & (n > 0), (1 - confidence) / 2
    a, b = np.where(usable, x, 0.0), np.where(usable, n - x, 1.0)
    low = np.where(a > 0, betaincinv(np.maximum(a, 1e-300), b + 1, tail), 0.0)
    high = np.where(b > 0, betaincinv(a + 1, np.maximum(b, 1e-300), 1 - tail), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = x / n
    return tuple(np.where(usable, limit / share, np.nan) for limit in (own, low, high))  # type: ignore[return-value]
