"""Other questions of neighbourhood: differences (Geary), high values together (General G), two variables.

The same steps as in :mod:`safemap.analysis.autocorrelation`; two variables are compared on the areas that
have both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike, Like
from safemap.analysis._alignment import Subject, read_subject, why_not
from safemap.analysis._global import Figures, GlobalOptions, whole_map
from safemap.analysis._local import Asked, begin, end, fill_moran
from safemap.analysis.autocorrelation_results import MORAN_CLUSTERS, GlobalResult, LocalResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph


@dataclass(frozen=True, eq=False, repr=False)
class GlobalGearyResult(GlobalResult):
    """Geary's C of the whole map; see :func:`global_geary`."""

    kind: ClassVar[str] = "global_geary"
    title: ClassVar[str] = "Geary's C"
    alike_below: ClassVar[bool] = True


@dataclass(frozen=True, eq=False, repr=False)
class GlobalGetisOrdResult(GlobalResult):
    """General G of the whole map; see :func:`global_getis_ord`."""

    kind: ClassVar[str] = "global_getis_ord"
    title: ClassVar[str] = "General G"

    def _sentence(self, more: bool | None) -> str:
        if more is None:
            return "High values lie together neither more nor less than chance would make them."
        return f"High values lie together {'more' if more else 'less'} than chance would make them."


@dataclass(frozen=True, eq=False, repr=False)
class GlobalBivariateMoranResult(GlobalResult):
    """Bivariate Moran of the whole map; see :func:`global_bivariate_moran`."""

    kind: ClassVar[str] = "global_bivariate_moran"
    title: ClassVar[str] = "bivariate Moran"

    def _sentence(self, more: bool | None) -> str:
        x, y = self.settings["columns"]
        if more is None:
            return f"{x} has no more to do with {y} around it than chance would make it."
        return f"Where {x} is high, {y} around it is {'high' if more else 'low'} more often than by chance."


@dataclass(frozen=True, eq=False, repr=False)
class LocalBivariateMoranResult(LocalResult):
    """Local bivariate Moran by area; see :func:`local_bivariate_moran`."""

    kind: ClassVar[str] = "local_bivariate_moran"
    findings: ClassVar[tuple[str, ...]] = MORAN_CLUSTERS
    title: ClassVar[str] = "local bivariate Moran"


def global_geary(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    like: Like | None = None,
    rng: RNG = 0,
) -> GlobalGearyResult:
    """Geary's C: how much do neighbours differ? Below 1 they are alike.

    Parameters
    ----------
    areas, column, events, population, graph, permutations, alpha, like, rng
        As in :func:`safemap.global_moran`; `like` can be esda or spdep.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: neighbours are alike (C below 1), as in the other statistics.

    Returns
    -------
    GlobalGearyResult
        ``statistic``, ``expected`` (1), ``z_score`` (randomisation, positive when alike), ``p_value``
        (permutation), ``permutations``.

    References
    ----------
    Geary, R. C. (1954). The contiguity ratio and statistical mapping. The Incorporated Statistician 5,
    115-145. doi:10.2307/2986645

    Examples
    --------
    >>> from safemap import build_graph, global_geary
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> round(global_geary(areas, "CRIME", graph=build_graph(areas, tolerance=0)).statistic, 4)
    0.5405
    """
    options = GlobalOptions(permutations, alternative, alpha, rng, like)
    subject = read_subject(areas, column, events, population)
    return whole_map(GlobalGearyResult, subject, graph, options, _geary_figures)


def _geary_figures(values: NDArray[np.float64], graph: AreaGraph, permutations: int, rng: int) -> Figures:
    from safemap.stats.autocorrelation import geary, row_standardised
    from safemap.stats.global_permutation import permuted_geary

    weights = row_standardised(graph.matrix)
    result = geary(values, weights)
    simulated = permuted_geary(values, weights, permutations=permutations, rng=rng)
    return Figures(result.statistic, simulated, result.expected, result.z_randomisation)


def global_getis_ord(
    areas: AreasLike,
    column: str,
    *,
    graph: Any,
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    like: Like | None = None,
    rng: RNG = 0,
) -> GlobalGetisOrdResult:
    """General G: do high values lie together, or low ones, over the whole map?

    Parameters
    ----------
    areas, graph, permutations, alpha, like, rng
        As in :func:`safemap.global_moran`; `like` can be esda, spdep or esri. The weights are taken as they
        are, usually binary.
    column : str
        Column of values of zero or more. Counts of areas of unequal population follow the population.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: high values lie together.

    Returns
    -------
    GlobalGetisOrdResult
        As :func:`safemap.global_moran` gives.

    References
    ----------
    Getis, A., Ord, J. K. (1992). The analysis of spatial association by use of distance statistics.
    Geographical Analysis 24, 189-206. doi:10.1111/j.1538-4632.1992.tb00261.x

    Examples
    --------
    >>> from safemap import build_graph, global_getis_ord
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> round(global_getis_ord(areas, "CRIME", graph=build_graph(areas, tolerance=0)).statistic, 4)
    0.1278
    """
    options = GlobalOptions(permutations, alternative, alpha, rng, like)
    subject = read_subject(areas, column, None, None)
    return whole_map(GlobalGetisOrdResult, subject, graph, options, _getis_ord_figures)


def _getis_ord_figures(values: NDArray[np.float64], graph: AreaGraph, permutations: int, rng: int) -> Figures:
    from safemap.stats.autocorrelation import getis_ord
    from safemap.stats.global_permutation import permuted_getis_ord

    result = getis_ord(values, graph.matrix)
    simulated = permuted_getis_ord(values, graph.matrix, permutations=permutations, rng=rng)
    return Figures(result.statistic, simulated, result.expected, result.z_randomisation)


def global_bivariate_moran(
    areas: AreasLike,
    x: str,
    y: str,
    *,
    graph: Any,
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    like: Like | None = None,
    rng: RNG = 0,
) -> GlobalBivariateMoranResult:
    """Bivariate Moran: has `x` of an area to do with `y` of its neighbours?

    Parameters
    ----------
    areas, graph, permutations, alpha, like, rng
        As in :func:`safemap.global_moran`; `like` can be esda or geoda.
    x, y : str
        Columns: of the area, and of its neighbours. They are not symmetric.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: high with high.

    Returns
    -------
    GlobalBivariateMoranResult
        As :func:`safemap.global_moran` gives; `expected` and `z_score` come from the permutations of `y`.

    Notes
    -----
    If x and y of the same area are related and each is alike among neighbours, this is large without any
    effect across borders.

    References
    ----------
    Anselin, L., Syabri, I., Smirnov, O. (2002). Visualizing multivariate spatial correlation with dynamically
    linked windows. In: New Tools for Spatial Data Analysis, CSISS, Santa Barbara.

    Examples
    --------
    >>> from safemap import build_graph, global_bivariate_moran
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> result = global_bivariate_moran(areas, "INC", "CRIME", graph=build_graph(areas, tolerance=0))
    >>> round(result.statistic, 3), result.p_value
    (-0.452, 0.0002)
    """
    from safemap.stats.autocorrelation import bivariate_moran, row_standardised
    from safemap.stats.global_permutation import permuted_bivariate_moran

    subject, first = _two(areas, x, y)

    def figures(values: NDArray[np.float64], graph: AreaGraph, permutations: int, rng: int) -> Figures:
        weights = row_standardised(graph.matrix)
        own = first[subject.frame.index.get_indexer(graph.ids)]
        simulated = permuted_bivariate_moran(own, values, weights, permutations=permutations, rng=rng)
        return Figures(bivariate_moran(own, values, weights), simulated)

    options = GlobalOptions(permutations, alternative, alpha, rng, like)
    return whole_map(GlobalBivariateMoranResult, subject, graph, options, figures, other=first)


def local_bivariate_moran(
    areas: AreasLike,
    x: str,
    y: str,
    *,
    graph: Any,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust | None = None,
    alpha: float = 0.05,
    p_mid: bool = False,
    like: Like | None = None,
    rng: RNG = 0,
) -> LocalBivariateMoranResult:
    """Local bivariate Moran: where is `x` high and `y` around it high, or low?

    Parameters
    ----------
    areas, graph, permutations, max_permutations, adjust, alpha, p_mid, like, rng
        As in :func:`safemap.local_moran`; `like` can be esda or geoda.
    x, y : str
        Columns: of the area, and of its neighbours.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: alike.

    Returns
    -------
    LocalBivariateMoranResult
        ``frame`` as :func:`safemap.local_moran` gives; ``value`` is `x`, ``statistic`` the standardised x
        times the weighted mean of the standardised y of the neighbours, ``z_score`` its place under
        conditional permutation of y. The first half of ``cluster`` is x of the area, the second y of its
        neighbours.

    References
    ----------
    Anselin, L., Syabri, I., Smirnov, O. (2002). As in :func:`safemap.global_bivariate_moran`.

    Examples
    --------
    >>> from safemap import build_graph, local_bivariate_moran
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> local_bivariate_moran(areas, "INC", "CRIME", graph=build_graph(areas, tolerance=0)).counts
    {'not significant': 44, 'low-high': 4, 'high-low': 1}
    """
    asked = Asked(permutations, max_permutations, alternative, adjust, alpha, rng, like, p_mid)
    subject, first = _two(areas, x, y)
    known = ~np.isnan(subject.values)
    task = begin("local_bivariate_moran", subject, graph, asked, why_not(first[known]), variance="n-1")
    task.table["value"] = np.where(known, first, np.nan)
    fill_moran(task, first[subject.frame.index.get_indexer(task.case.ids)])
    return end(LocalBivariateMoranResult, task)


def _two(areas: AreasLike, x: str, y: str) -> tuple[Subject, NDArray[np.float64]]:
    """What is tested (y, missing where x is) and x, in the order of the areas."""
    first, second = (read_subject(areas, column, None, None) for column in (x, y))
    both = np.where(np.isnan(first.values), np.nan, second.values)
    described = {**second.described, "columns": [x, y], "tested": f"{x} with {y} of the neighbours"}
    events = float(np.nanmin([first.events, second.events])) if _counted(first, second) else float("nan")
    return second._replace(values=both, described=described, events=events), first.values


def _counted(*subjects: Subject) -> bool:
    return any(not np.isnan(subject.events) for subject in subjects)
