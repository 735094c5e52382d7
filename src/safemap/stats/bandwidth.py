"""Rules of thumb for the bandwidth of a kernel density, each by the name under which the field knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safemap.errors import StatisticsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def normal_reference(values: ArrayLike) -> float:
    """Normal-reference bandwidth of one coordinate, on the scale of a support radius.

    Parameters
    ----------
    values : array of float
        One coordinate of the points; at least two.

    Returns
    -------
    float
        In the unit of `values`.

    Notes
    -----
    ``4 * 1.06 * min(sd, IQR / 1.34) * n^(-1/5)`` with quartiles interpolated linearly. The factor 4 turns the
    standard deviation of a Gaussian into the radius of a bounded kernel. Where half of the values are equal
    the quartiles say nothing and the standard deviation alone is used.

    References
    ----------
    Venables, W. N. & Ripley, B. D. (2002). Modern Applied Statistics with S, equation (5.5).
    doi:10.1007/978-0-387-21706-2

    Examples
    --------
    >>> round(normal_reference([1.0, 2.0, 3.0, 4.0, 5.0]), 4)
    4.5867
    """
    v = np.asarray(values, dtype=np.float64)
    if len(v) < 2 or not np.isfinite(v).all():
        raise StatisticsError(f"A normal-reference bandwidth needs two or more finite values; got {len(v)}.")
    low, high = np.quantile(v, [0.25, 0.75])
    spread, sd = (high - low) / 1.34, float(v.std(ddof=1))
    spread = min(sd, spread) if spread > 0 else sd
    if not spread > 0:
        raise StatisticsError(
            "All points have the same coordinate, so they have no spread to choose a bandwidth by."
        )
    return float(4 * 1.06 * spread * len(v) ** -0.2)


def mean_neighbour_distance(x: ArrayLike, y: ArrayLike, *, k: int = 10) -> float:
    """Mean distance from each point to its k-th nearest other point.

    Parameters
    ----------
    x, y : array of float
        Coordinates; more than `k` points.
    k : int
        Rank of the neighbour; points at the same place are neighbours at distance 0.

    References
    ----------
    Williamson, D., McLafferty, S., Goldsmith, V., Mollenkopf, J. & McGuire, P. (1999). A better method to
    smooth crime incident data. ESRI ArcUser Magazine, January-March, 1-5.

    Examples
    --------
    >>> mean_neighbour_distance([0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0], k=1)
    1.0
    """
    from scipy.spatial import cKDTree

    points = np.column_stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)])
    if len(points) <= k:
        raise StatisticsError(f"The distance to neighbour {k} needs more than {k} points; got {len(points)}.")
    distance, _ = cKDTree(points).query(points, k=[k + 1])
    mean = float(np.sort(distance[:, 0]).mean())
    if not mean > 0:
        raise StatisticsError(f"Every point has {k} others at its very place; give the bandwidth in metres.")
    return mean
