"""The door to esda: a second opinion on local Moran, with our own p from the simulations esda keeps.

esda marks areas without neighbours and missing values as significant, folds ties into one tail, and its
p-value changes its meaning between 2.9 and 2.10. So only its statistic and its simulations are used, on input
that has been cleaned, and both lines of esda give the same numbers.
"""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import ConfigError, StatisticsError

if TYPE_CHECKING:
    from safemap.geo.graph import AreaGraph


class EsdaLocalMoran(NamedTuple):
    """Local Moran as esda computes it, with p as safemap defines it."""

    statistic: NDArray[np.float64]  #: I_i, variance with divisor n - 1
    p_value: NDArray[np.float64]  #: two-sided, a tie counts in both tails
    simulated: NDArray[np.float64]  #: one row per permutation, one column per area


def esda_local_moran(
    values: ArrayLike, graph: AreaGraph, *, permutations: int = 999, seed: int = 0
) -> EsdaLocalMoran:
    """Local Moran by esda's simulations, on complete data without isolates.

    Parameters
    ----------
    values : array_like
        One finite value per area, in the order of the graph, not all equal.
    graph : AreaGraph
        Every area with at least one neighbour; row-standardised by esda.
    permutations : int
        Conditional permutations per area.
    seed : int
        Seed of esda's draws.

    Returns
    -------
    EsdaLocalMoran

    Raises
    ------
    StatisticsError
        On input that esda would answer with a wrong p: missing or infinite or constant values, isolates.

    Notes
    -----
    ``p = min(1, 2 * min(#{sim >= I} + 1, #{sim <= I} + 1) / (R + 1))``.

    References
    ----------
    Rey, S. J., Anselin, L. (2007). PySAL: a Python library of spatial analytical methods. Review of Regional
    Studies 37, 5-27. doi:10.52324/001c.8285
    """
    y = np.asarray(values, dtype=float)
    _refuse_what_esda_gets_wrong(y, graph, permutations)
    from esda.moran import Moran_Local

    options = {"transformation": "r", "permutations": permutations, "keep_simulations": True, "n_jobs": 1}
    if "alternative" in inspect.signature(Moran_Local.__init__).parameters:
        options["alternative"] = "two-sided"  # its own p is not used, but without this 2.10 warns
    with warnings.catch_warnings():
        # 2.9 announces that the default of its p will change, which concerns nobody here
        warnings.simplefilter("ignore")
        result = Moran_Local(y, graph.to_libpysal(), seed=seed, **options)
    observed, simulated = np.asarray(result.Is, dtype=float), np.asarray(result.sim)
    # the order of summation changes the last digits, so values that near are ties
    rounding = 1e3 * np.finfo(simulated.dtype).eps
    simulated = simulated.astype(float).reshape(permutations, len(y))
    return EsdaLocalMoran(observed, _two_sided(observed, simulated, rounding), simulated)


def _refuse_what_esda_gets_wrong(y: NDArray[np.float64], graph: AreaGraph, permutations: int) -> None:
    if permutations < 1:
        raise ConfigError(f"permutations must be 1 or more; got {permutations}.")
    if y.shape != (len(graph.ids),):
        raise StatisticsError(f"values and graph must fit: {y.shape} values, {len(graph.ids)} areas.")
    if not np.isfinite(y).all():
        raise StatisticsError("Missing or infinite values: esda would call every area significant.")
    if np.ptp(y) == 0:
        raise StatisticsError("All values are equal: esda would call every area significant.")
    if len(graph.isolates):
        raise StatisticsError(
            f"{len(graph.isolates)} areas have no neighbour, which esda would call significant, "
            f"e.g. {graph.isolates[:3].tolist()}. Take the subset of the others."
        )


def _two_sided(
    observed: NDArray[np.float64], simulated: NDArray[np.float64], rounding: float
) -> NDArray[np.float64]:
    tolerance = rounding * np.maximum(np.abs(simulated).max(axis=0), np.abs(observed))
    upper = (simulated >= observed - tolerance).sum(axis=0) + 1
    lower = (simulated <= observed + tolerance).sum(axis=0) + 1
    return np.minimum(1.0, 2 * np.minimum(upper, lower) / (len(simulated) + 1))
