"""Intervals and effective sample sizes of estimates from complex samples.

Arrays in, arrays out. Golden numbers in the examples are those of the requirements S2 and S3.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Interval = Literal["korn_graubard", "wilson", "logit"]


class EffectiveSize(NamedTuple):
    """Effective sample sizes."""

    n_eff: Floats  #: n / deff, at most n
    n_eff_df: Floats  #: the same after the adjustment for few first-stage units, at most n


def effective_size(
    n: ArrayLike, deff: ArrayLike, df: ArrayLike, *, confidence: float = 0.95
) -> EffectiveSize:
    """Sizes of simple random samples that would be as precise.

    Parameters
    ----------
    n, deff, df : array_like
        Respondents, design effect and degrees of freedom; where `deff` is NaN (a proportion of 0 or 1, whose
        variance is zero by construction) ``n_eff`` is n.
    confidence : float
        Coverage at which the t quantiles are taken.

    Returns
    -------
    EffectiveSize
        ``n_eff_df`` is NaN without degrees of freedom.

    Notes
    -----
    ``n_eff = min(n, n / deff)``; ``n_eff_df = min(n, n_eff * (t[n - 1] / t[df])**2)``.

    References
    ----------
    Korn, E. L., Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data. Survey Methodology 24, 193-201.

    Examples
    --------
    >>> size = effective_size(400, 1.8, 38)
    >>> float(size.n_eff.round(2)), float(size.n_eff_df.round(2))
    (222.22, 209.57)
    """
    n, deff = np.asarray(n, dtype=float), np.asarray(deff, dtype=float)
    with np.errstate(divide="ignore"):
        n_eff = np.where(np.isnan(deff), n, np.minimum(n, n / deff))
    t_all, t_df = t_quantile(n - 1, confidence=confidence), t_quantile(df, confidence=confidence)
    return EffectiveSize(n_eff, np.minimum(n, n_eff * (t_all / t_df) ** 2))


def t_quantile(df: ArrayLike, *, confidence: float = 0.95) -> Floats:
    """Two-sided quantile of Student's t; NaN without degrees of freedom."""
    from scipy.special import stdtrit

    df = np.asarray(df, dtype=float)
    return np.where(df > 0, stdtrit(np.where(df > 0, df, 1.0), (1 + confidence) / 2), np.nan)


def clopper_pearson(p: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact binomial interval of a proportion; n need not be a whole number.

    Examples
    --------
    >>> [float(v.round(4)) for v in clopper_pearson(0.08, 209.57)]
    [0.0471, 0.1254]
    >>> [float(v.round(4)) for v in clopper_pearson(0, 30)]
    [0.0, 0.1157]
    """
    from scipy.special import betaincinv

    p, n = np.broadcast_arrays(np.asarray(p, dtype=float), np.asarray(n, dtype=float))
    tail, x = (1 - confidence) / 2, p * n
    with np.errstate(invalid="ignore"):
        low = np.where(p > 0, betaincinv(np.where(p > 0, x, 1.0), n - x + 1, tail), 0.0)
        high = np.where(p < 1, betaincinv(x + 1, np.where(p < 1, n - x, 1.0), 1 - tail), 1.0)
    known = np.isfinite(p) & np.isfinite(n)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def wilson(p: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Score interval of a proportion (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    Examples
    --------
    >>> [float(v.round(4)) for v in wilson(3 / 40, 40)]
    [0.0258, 0.1986]
    """
    from scipy.special import ndtri

    p, n = np.asarray(p, dtype=float), np.asarray(n, dtype=float)
    z2 = ndtri((1 + confidence) / 2) ** 2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def proportion_interval(
    p: ArrayLike,
    size: EffectiveSize,
    df: ArrayLike,
    *,
    method: Interval = "korn_graubard",
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """Interval of a proportion from a complex sample.

    Parameters
    ----------
    p, df : array_like
        Proportions and degrees of freedom.
    size : EffectiveSize
        From :func:`effective_size`.
    method : {"korn_graubard", "wilson", "logit"}
        Clopper-Pearson or Wilson on ``n_eff_df``; or ``logit(p) +- t[df] / sqrt(n_eff p (1 - p))``.
    confidence : float
        Coverage.

    Returns
    -------
    low, high : ndarray
        NaN without degrees of freedom. At p of 0 or 1 always Clopper-Pearson on ``n_eff_df``, so that no
        interval has zero width.

    References
    ----------
    Korn and Graubard (1998), as in :func:`effective_size`.
    """
    from scipy.special import expit

    p, df = np.asarray(p, dtype=float), np.asarray(df, dtype=float)
    exact = clopper_pearson(p, size.n_eff_df, confidence=confidence)
    if method == "korn_graubard":
        return exact
    extreme = (p <= 0) | (p >= 1)
    inner = np.where(extreme, 0.5, p)
    if method == "wilson":
        low, high = wilson(inner, size.n_eff_df, confidence=confidence)
    else:
        half = t_quantile(df, confidence=confidence) / np.sqrt(size.n_eff * inner * (1 - inner))
        odds = np.log(inner / (1 - inner))
        low, high = expit(odds - half), expit(odds + half)
    return np.where(extreme, exact[0], low), np.where(extreme, exact[1], high)


def kish_deff(weight: ArrayLike) -> float:
    """Loss of precision from unequal weights alone, ``1 + cv**2``: a lower bound of the design effect.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.

    Examples
    --------
    >>> kish_deff([1, 1, 1, 1]), round(kish_deff([1, 3]), 4)
    (1.0, 1.25)
    """
    w = np.asarray(weight, dtype=float)
    return float(len(w) * np.sum(w**2) / np.sum(w) ** 2)
