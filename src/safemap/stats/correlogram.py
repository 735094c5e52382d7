"""Spatial correlogram: how far does likeness reach?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from safemap._typing import Alternative
from safemap.errors import ConfigError, StatisticsError
from safemap.stats.autocorrelation import (
    Floats,
    GlobalStatistic,
    geary,
    global_p,
    moran,
    permuted_moran,
    row_standardised,
)
from safemap.stats.global_permutation import permuted_geary

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

Measure = Literal["moran", "geary"]


class Lag(NamedTuple):
    """One lag of a correlogram; NaN where fewer than three areas have a neighbour at it."""

    areas: int  #: areas with a neighbour at this lag; the others are left out
    links: int  #: directed links
    statistic: float
    expected: float
    variance: float  #: under randomisation
    z_score: float  #: positive when alike
    p_analytic: float  #: normal, under randomisation
    p_value: float  #: permutation


def higher_orders(adjacency: csr_array, orders: int) -> list[csr_array]:
    """Adjacency of first, second, ... order: the areas whose shortest way takes that many steps.

    Parameters
    ----------
    adjacency : scipy CSR
        Neighbours of first order (its non-zero pattern).
    orders : int
        Number of orders.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> [m.nnz for m in higher_orders(row, 4)]
    [6, 4, 2, 0]
    """
    from scipy.sparse import csr_array, eye_array

    if isinstance(orders, bool) or not isinstance(orders, (int, np.integer)) or orders < 1:
        raise ConfigError(f"orders must be a whole number of 1 or more; got {orders!r}.")
    step = csr_array(adjacency, dtype=float, copy=True)
    step.data[:] = 1.0
    reached = csr_array(eye_array(step.shape[0])) + step
    reached.data[:] = 1.0
    found = [step]
    while len(found) < orders:
        further = csr_array(found[-1] @ step)
        further.data[:] = 1.0
        fresh = csr_array(further - further.multiply(reached))
        fresh.eliminate_zeros()
        found.append(fresh)
        reached = csr_array(reached + fresh)
    return found


def correlogram(
    values: ArrayLike,
    lags: Sequence[csr_array],
    *,
    measure: Measure = "moran",
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    rng: int | np.random.SeedSequence = 0,
) -> list[Lag]:
    """Moran's I or Geary's C at each lag.

    Parameters
    ----------
    values : array_like
        One finite value per area.
    lags : sequence of scipy CSR
        Who is a neighbour at each lag; row-standardised here.
    measure : {"moran", "geary"}
        Which statistic.
    permutations : int
        Random rearrangements of the values, for each lag its own.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: alike.
    rng : int or numpy.random.SeedSequence
        Source of the draws.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London, p. 117-122.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 5, [1.0] * 5], offsets=[-1, 1]).tocsr()
    >>> found = correlogram([0, 1, 2, 3, 4, 5], higher_orders(row, 3), permutations=99)
    >>> [round(lag.statistic, 2) for lag in found]
    [0.71, 0.09, -0.54]
    """
    y = np.asarray(values, dtype=float)
    if y.ndim != 1 or not np.isfinite(y).all():
        raise StatisticsError("A correlogram needs one finite value per area; set missing ones aside.")
    if measure not in ("moran", "geary"):
        raise ConfigError(f"measure must be moran or geary; got {measure!r}.")
    if not len(lags):
        raise ConfigError("A correlogram needs at least one lag.")
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
    out = []
    for links, own_seed in zip(lags, seed.spawn(len(lags)), strict=True):
        kept = np.flatnonzero(np.diff(links.indptr) > 0)
        if len(kept) < 3 or not np.ptp(y[kept]):
            out.append(Lag(len(kept), int(links.nnz), *[float("nan")] * 6))
            continue
        weights = row_standardised(links[kept][:, kept])
        found, simulated, sign = _at(y[kept], weights, measure, permutations, own_seed)
        p = global_p(sign * found.statistic, sign * simulated, alternative)
        z = found.z_randomisation
        out.append(
            Lag(len(kept), int(weights.nnz), found.statistic, found.expected, found.variance_randomisation, z,
                _normal_p(z, alternative), p)
        )  # fmt: skip
    return out


def _at(
    y: Floats, weights: csr_array, measure: Measure, permutations: int, seed: np.random.SeedSequence
) -> tuple[GlobalStatistic, NDArray[np.float64], int]:
    """The statistic, its permutations, and the sign that makes large mean alike."""
    if measure == "moran":
        return moran(y, weights), permuted_moran(y, weights, permutations=permutations, rng=seed), 1
    return geary(y, weights), permuted_geary(y, weights, permutations=permutations, rng=seed), -1


def _normal_p(z: float, alternative: Alternative) -> float:
    from scipy.special import ndtr

    return float({"two-sided": 2 * ndtr(-abs(z)), "greater": ndtr(-z), "less": ndtr(z)}[alternative])
