"""Is one classification independent of another? Pearson's chi-square and Cramer's V."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from safemap.errors import StatisticsError


class Association(NamedTuple):
    """Strength and evidence of an association in a table of counts."""

    chi_square: float
    df: int
    p_value: float
    cramers_v: float  #: 0 (independent) to 1
    smallest_expected: float  #: below about 5 the p-value is rough


def cramers_v(table: ArrayLike) -> Association:
    """Chi-square test of independence and Cramer's V of a two-way table of counts.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts; rows and columns that are empty are left out.

    Returns
    -------
    Association
        NaN and 0 degrees of freedom where one row or one column is left.

    Raises
    ------
    StatisticsError
        If a count is negative or not finite.

    Notes
    -----
    ``V = sqrt(chi_square / (n (min(rows, columns) - 1)))``.

    References
    ----------
    Cramer, H. (1946). Mathematical Methods of Statistics. Princeton University Press, chapter 21.

    Examples
    --------
    >>> found = cramers_v([[10, 20], [30, 40]])
    >>> round(found.chi_square, 4), found.df, round(found.p_value, 4), round(found.cramers_v, 4)
    (0.7937, 1, 0.373, 0.0891)
    """
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2 or not np.isfinite(counts).all() or (counts < 0).any():
        raise StatisticsError("A two-way table of counts is needed: finite numbers, zero or more.")
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    rows, columns = counts.shape if counts.size else (0, 0)
    df = (rows - 1) * (columns - 1)
    if min(rows, columns) < 2:
        return Association(float("nan"), 0, float("nan"), float("nan"), float("nan"))
    n = counts.sum()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    v = float(np.sqrt(chi_square / (n * (min(rows, columns) - 1))))
    return Association(chi_square, df, float(chdtrc(df, chi_square)), v, float(expected.min()))
