"""What the neighbours of one area could add up to under the null: the distribution behind its p-value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import StatisticsError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]

#: Cells of the table of an exact distribution of counts, and draws elsewhere.
_MAX_CELLS = 2**18


def reference_sums(
    values: ArrayLike, weights: csr_array, site: int, *, draws: int = 9_999, rng: int = 0
) -> tuple[Floats, Floats]:
    """Sums of the neighbours' values of one area when the other values are dealt out at random.

    Parameters
    ----------
    values : array_like
        One finite value per area.
    weights : scipy CSR
        Without the areas themselves; unequal weights count as they are.
    site : int
        Row of the area, with at least one neighbour.
    draws : int
        Where the distribution is not exact.
    rng : int
        Seed of the draws.

    Returns
    -------
    sums, probabilities : ndarray
        All that can occur with their probabilities, for whole numbers in a range that is not too wide and
        equal weights; else `draws` random sums, each with the probability ``1 / draws``.

    Examples
    --------
    Five areas in a row; the second has two neighbours, the others' values are 1, 2, 4 and 8.

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 4, [1.0] * 4], offsets=[-1, 1]).tocsr()
    >>> sums, p = reference_sums([1, 3, 2, 4, 8], row, 1)
    >>> sums.tolist(), p.round(3).tolist()
    ([3.0, 5.0, 6.0, 9.0, 10.0, 12.0], [0.167, 0.167, 0.167, 0.167, 0.167, 0.167])
    """
    from safemap.stats.count_distribution import sum_distribution
    from safemap.stats.draws import distinct_rows

    y = np.asarray(values, dtype=float)
    w = np.asarray(weights.data[weights.indptr[site] : weights.indptr[site + 1]], dtype=float)
    if not len(w):
        raise StatisticsError("An area without neighbours has no reference distribution.")
    others = np.delete(y, site)
    even = bool(np.isclose(w, w[0], rtol=1e-9, atol=0).all())
    span = np.ptp(others) * len(w) * (len(w) + 1)
    if even and np.array_equal(others, np.rint(others)) and span <= _MAX_CELLS:
        sums, p = sum_distribution(others, len(w))
        return sums * w[0], p
    table = distinct_rows(np.random.default_rng(rng), len(others), draws, len(w))
    sums = w @ others[table]
    return sums, np.full(draws, 1 / draws)
