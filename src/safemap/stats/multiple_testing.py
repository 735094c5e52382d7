"""Adjusting p-values for the number of areas tested."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Adjust
from safemap.errors import ConfigError, StatisticsError

Floats = NDArray[np.float64]


def adjust_p(p_values: ArrayLike, method: Adjust = "fdr_bh") -> Floats:
    """Adjusted p-values: compare them with the level itself.

    Parameters
    ----------
    p_values : array_like of float
        Between 0 and 1. NaN stands for an area that was not tested; it stays NaN and does not count.
    method : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}
        ``fdr_bh``, ``fdr_by``: share of false discoveries (Benjamini-Hochberg; Benjamini-Yekutieli, for any
        dependence). ``holm``, ``bonferroni``: chance of any false discovery.

    Returns
    -------
    ndarray
        Never below the p-value it belongs to, at most 1.

    References
    ----------
    Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57, 289-300.
    doi:10.1111/j.2517-6161.1995.tb02031.x
    Benjamini, Y., Yekutieli, D. (2001). The control of the false discovery rate in multiple testing under
    dependency. Annals of Statistics 29, 1165-1188. doi:10.1214/aos/1013699998
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Statistics 6, 65-70.

    Examples
    --------
    >>> adjust_p([0.01, 0.04, float("nan"), 0.03]).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    >>> adjust_p([0.01, 0.04, float("nan"), 0.03], "holm").round(3).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    if method not in get_args(Adjust):
        raise ConfigError(f"adjust must be one of {', '.join(get_args(Adjust))}; got {method!r}.")
    tested = ~np.isnan(p)
    if ((p[tested] < 0) | (p[tested] > 1)).any():
        raise StatisticsError("p-values must lie between 0 and 1.")
    out = np.full(p.shape, np.nan)
    if tested.any():
        out[tested] = _adjust(p[tested], method)
    return out


def smallest_adjusted_p(smallest: ArrayLike, method: Adjust = "fdr_bh") -> float:
    """Smallest adjusted p that any area could get if every area reached its own smallest p.

    NaN when no area is tested. Where this is above the level, no finding is possible whatever the data.

    Examples
    --------
    >>> smallest_adjusted_p([0.2] * 6), smallest_adjusted_p([0.002] * 400, "bonferroni")
    (0.2, 0.8)
    """
    adjusted = adjust_p(smallest, method)
    return float("nan") if np.isnan(adjusted).all() else float(np.nanmin(adjusted))


def fewest_findings(smallest: ArrayLike, method: Adjust = "fdr_bh", alpha: float = 0.05) -> int:
    """How many areas must reach their smallest p together so that any of them is found; 0 if all do not do.

    With many areas and few draws one area alone can never be found, however much it stands out.

    Parameters
    ----------
    smallest : array_like of float
        Smallest p that each area could get; NaN for those that are not tested.
    method : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}
    alpha : float
        Level the adjusted p is compared with.

    Examples
    --------
    999 permutations and 400 areas: p is 0.002 at least, and 16 times 0.05 / 400 is needed to reach it.

    >>> fewest_findings([0.002] * 400), fewest_findings([0.0001] * 400), fewest_findings([0.2] * 6)
    (16, 1, 0)
    """
    p = np.sort(np.asarray(smallest, dtype=float))
    p = p[~np.isnan(p)]
    number = np.arange(1, len(p) + 1)
    bound = np.full(len(p), alpha)
    if method != "none":
        bound /= max(len(p), 1)
    if method in ("fdr_bh", "fdr_by"):
        bound *= number
    if method == "fdr_by":
        bound /= np.sum(1 / number)
    enough = np.flatnonzero(p <= bound * (1 + 1e-12))
    return int(enough[0]) + 1 if len(enough) else 0


def _adjust(p: Floats, method: Adjust) -> Floats:
    m = len(p)
    if method == "none":
        return p
    if method == "bonferroni":
        return np.minimum(1.0, m * p)
    if method == "holm":
        order = np.argsort(p, kind="stable")
        stepped = np.maximum.accumulate(p[order] * (m - np.arange(m)))
        out = np.empty(m)
        out[order] = np.minimum(1.0, stepped)
        return out
    from scipy.stats import false_discovery_control

    # the quotient m / rank can round below 1 for the largest p
    return np.maximum(p, false_discovery_control(p, method=method.removeprefix("fdr_")))
