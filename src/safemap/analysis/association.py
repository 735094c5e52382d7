"""Other questions of neighbourhood: differences (Geary), high values together (General G), two variables.

The same steps as in :mod:`safemap.analysis.autocorrelation`; two variables are compared on the areas that
have both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike
from safemap.analysis._alignment import Case, Subject, describe, prepare, read_seed, read_subject, why_not
from safemap.analysis._inference import (
    Options,
    assembled,
    blank_table,
    check_options,
    classify,
    fill,
    permute,
    tail_of,
)
from safemap.analysis.autocorrelation_results import MORAN_CLUSTERS, GlobalResult, LocalResult
from safemap.geo.graph import as_area_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph

G = TypeVar("G", bound=GlobalResult)
#: values, graph, settings -> the numbers of one global statistic
Numbers = Callable[["NDArray[np.float64]", "AreaGraph", dict[str, Any]], dict[str, Any]]


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
    rng: RNG = 0,
) -> GlobalGearyResult:
    """Geary's C: how much do neighbours differ? Below 1 they are alike.

    Parameters
    ----------
    areas, column, events, population, graph, permutations, alpha, rng
        As in :func:`safemap.global_moran`.
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
    from safemap.stats.autocorrelation import geary, global_p, row_standardised
    from safemap.stats.global_permutation import permuted_geary

    def numbers(values: NDArray[np.float64], graph: AreaGraph, s: dict[str, Any]) -> dict[str, Any]:
        weights = row_standardised(graph.matrix)
        result = geary(values, weights)
        simulated = permuted_geary(values, weights, permutations=permutations, rng=s["rng"])
        return {
            "statistic": result.statistic,
            "expected": result.expected,
            "z_score": result.z_randomisation,
            "p_value": global_p(-result.statistic, -simulated, alternative),
        }

    check_options(permutations, permutations, alternative, "none", alpha)
    subject = read_subject(areas, column, events, population)
    options = {
        "permutations": permutations,
        "alternative": alternative,
        "alpha": alpha,
        "rng": read_seed(rng),
    }
    return _global(GlobalGearyResult, subject, graph, options, numbers)


def global_getis_ord(
    areas: AreasLike,
    column: str,
    *,
    graph: Any,
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> GlobalGetisOrdResult:
    """General G: do high values lie together, or low ones, over the whole map?

    Parameters
    ----------
    areas, graph, permutations, alpha, rng
        As in :func:`safemap.global_moran`; the weights are taken as they are, usually binary.
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
    from safemap.stats.autocorrelation import getis_ord, global_p
    from safemap.stats.global_permutation import permuted_getis_ord

    def numbers(values: NDArray[np.float64], graph: AreaGraph, s: dict[str, Any]) -> dict[str, Any]:
        result = getis_ord(values, graph.matrix)
        simulated = permuted_getis_ord(values, graph.matrix, permutations=permutations, rng=s["rng"])
        return {
            "statistic": result.statistic,
            "expected": result.expected,
            "z_score": result.z_randomisation,
            "p_value": global_p(result.statistic, simulated, alternative),
        }

    check_options(permutations, permutations, alternative, "none", alpha)
    subject = read_subject(areas, column, None, None)
    options = {
        "permutations": permutations,
        "alternative": alternative,
        "alpha": alpha,
        "rng": read_seed(rng),
    }
    return _global(GlobalGetisOrdResult, subject, graph, options, numbers)


def global_bivariate_moran(
    areas: AreasLike,
    x: str,
    y: str,
    *,
    graph: Any,
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> GlobalBivariateMoranResult:
    """Bivariate Moran: has `x` of an area to do with `y` of its neighbours?

    Parameters
    ----------
    areas, graph, permutations, alpha, rng
        As in :func:`safemap.global_moran`.
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
    from safemap.stats.autocorrelation import bivariate_moran, global_p, row_standardised
    from safemap.stats.global_permutation import permuted_bivariate_moran

    check_options(permutations, permutations, alternative, "none", alpha)
    subject, first = _two(areas, x, y)

    def numbers(values: NDArray[np.float64], graph: AreaGraph, s: dict[str, Any]) -> dict[str, Any]:
        weights = row_standardised(graph.matrix)
        own = first[subject.frame.index.get_indexer(graph.ids)]
        statistic = bivariate_moran(own, values, weights)
        simulated = permuted_bivariate_moran(own, values, weights, permutations=permutations, rng=s["rng"])
        spread = float(simulated.std())
        return {
            "statistic": statistic,
            "expected": float(simulated.mean()),
            "z_score": (statistic - float(simulated.mean())) / spread if spread > 0 else float("nan"),
            "p_value": global_p(statistic, simulated, alternative),
        }

    options = {
        "permutations": permutations,
        "alternative": alternative,
        "alpha": alpha,
        "rng": read_seed(rng),
    }
    return _global(GlobalBivariateMoranResult, subject, graph, options, numbers, other=first)


def local_bivariate_moran(
    areas: AreasLike,
    x: str,
    y: str,
    *,
    graph: Any,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> LocalBivariateMoranResult:
    """Local bivariate Moran: where is `x` high and `y` around it high, or low?

    Parameters
    ----------
    areas, graph, permutations, max_permutations, adjust, alpha, rng
        As in :func:`safemap.local_moran`.
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
    check_options(permutations, max_permutations, alternative, adjust, alpha)
    subject, first = _two(areas, x, y)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    own = first[subject.frame.index.get_indexer(case.ids)]
    reason = case.reason or why_not(own)
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(subject, case, graph, **options._asdict(), variance="n-1")
    table = blank_table(subject, graph)
    table["value"] = np.where(np.isnan(subject.values), np.nan, first)
    if not reason:
        _fill_bivariate(case, own, options, settings, table)
    return LocalBivariateMoranResult(assembled(subject, table, reason), settings, subject.audit)


def _fill_bivariate(
    case: Case, own: NDArray[np.float64], options: Options, settings: dict[str, Any], table: Any
) -> None:
    from safemap.stats.autocorrelation import local_bivariate_moran as statistic
    from safemap.stats.autocorrelation import local_getis_ord, row_standardised
    from safemap.stats.permutation import deviations

    z = deviations(own)
    found = statistic(own, case.values, row_standardised(case.graph.matrix))
    around = local_getis_ord(case.values, case.graph.matrix, star=False)  # the neighbours' y, standardised
    test = permute(case, options, flip=z < 0)
    p = np.where((z == 0) & ~np.isnan(test.p_value), 1.0, test.p_value)
    lag = np.where(z == 0, 0.0, found * np.sign(z))
    kinds = np.select([(z > 0) & (lag > 0), (z < 0) & (lag < 0), z > 0], MORAN_CLUSTERS[:3], "low-high")
    pointing = np.where(lag > 0, tail_of(test) > 0, tail_of(test) < 0) & (lag != 0)
    fill(table, case, np.where(z == 0, 0.0, found), np.sign(z) * around, p, test)
    classify(table, case, options, settings, test, kinds=kinds, pointing=pointing)


def _two(areas: AreasLike, x: str, y: str) -> tuple[Subject, NDArray[np.float64]]:
    """What is tested (y, missing where x is) and x, in the order of the areas."""
    first, second = (read_subject(areas, column, None, None) for column in (x, y))
    both = np.where(np.isnan(first.values), np.nan, second.values)
    described = {**second.described, "columns": [x, y], "tested": f"{x} with {y} of the neighbours"}
    events = float(np.nanmin([first.events, second.events])) if _counted(first, second) else float("nan")
    return second._replace(values=both, described=described, events=events), first.values


def _counted(*subjects: Subject) -> bool:
    return any(not np.isnan(subject.events) for subject in subjects)


def _global(
    kind: type[G],
    subject: Subject,
    graph: Any,
    options: dict[str, Any],
    numbers: Numbers,
    *,
    other: NDArray[np.float64] | None = None,
) -> G:
    """Leave out what cannot be tested, compute, and assemble."""
    import pandas as pd

    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    settings = describe(subject, case, graph, **options)
    kept = case.ids[case.graph.cardinalities.to_numpy() > 0]
    values = case.values[case.ids.get_indexer(kept)]
    reason = case.reason or ("no neighbours" if not len(kept) else why_not(values))
    if not reason and other is not None:
        reason = why_not(other[subject.frame.index.get_indexer(kept)])
    settings |= {"areas_tested": 0 if reason else len(kept), "reason": reason}
    found: dict[str, Any] = dict.fromkeys(("statistic", "expected", "z_score", "p_value"), float("nan"))
    found["permutations"] = 0
    if not reason:
        found = numbers(values, case.graph.subset(kept), settings)
        found["permutations"] = int(options["permutations"])
    return kind(frame=pd.DataFrame([found]), settings=settings, audit=subject.audit, **found)
