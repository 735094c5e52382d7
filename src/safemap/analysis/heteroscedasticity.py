"""LOSH: where do values vary more around their local mean than elsewhere on the map?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike
from safemap.analysis._alignment import Case, describe, prepare, read_seed, read_subject, why_not
from safemap.analysis._further import FurtherLocalResult, further_basis, write_mid_p
from safemap.analysis._inference import (
    Options,
    assembled,
    blank_table,
    check_options,
    classify,
    fill,
    tail_of,
)
from safemap.errors import ConfigError
from safemap.geo.graph import as_area_graph

if TYPE_CHECKING:
    import pandas as pd

    from safemap.analysis.autocorrelation_results import Basis
    from safemap.stats.losh import LocalHeteroscedasticity
    from safemap.stats.permutation import PermutationTest

Inference = Literal["permutation", "chi-square"]

LOSH_CLUSTERS = ("more variable", "less variable")


@dataclass(frozen=True, eq=False, repr=False)
class LocalLoshResult(FurtherLocalResult):
    """Local spatial heteroscedasticity by area; see :func:`safemap.local_losh`."""

    kind: ClassVar[str] = "local_losh"
    findings: ClassVar[tuple[str, ...]] = LOSH_CLUSTERS
    title: ClassVar[str] = "LOSH"

    def _details(self) -> list[str]:
        s, approximate = self.settings, "the chi-square approximation of Ord and Getis"
        if s["inference"] == "permutation" or not s["areas_tested"]:
            return super()._details()
        lines = [line for line in super()._details() if not line.startswith("Smallest p")]
        return [*lines, f"p is {approximate}; it is too small where the values are skewed."]


def local_losh(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    power: float = 2.0,
    inference: Inference = "permutation",
    permutations: int = 9_999,
    max_permutations: int = 99_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    p_mid: bool = False,
    rng: RNG = 0,
) -> LocalLoshResult:
    """Local spatial heteroscedasticity: around which areas do values vary more, or less, than elsewhere?

    Parameters
    ----------
    areas, column, events, population, graph, adjust, alpha, rng
        As in :func:`safemap.local_moran`.
    power : float
        2: squared residuals. 1: absolute ones. Above 0.
    inference : {"permutation", "chi-square"}
        ``permutation``: the values are rearranged over the whole map. ``chi-square``: the approximation of
        Ord and Getis, for `power` 2; quick, and too generous where values are skewed.
    permutations, max_permutations : int
        Rearranged maps for every area, and for those whose first p is small. Every map is computed anew, so
        this takes longer than the other local statistics: n times the number of maps.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: the neighbourhood varies more.
    p_mid : bool
        Also give ``p_mid``, with half of the probability of a tie. No class goes by it.

    Returns
    -------
    LocalLoshResult
        ``frame`` as :func:`safemap.local_moran` gives; ``statistic`` is H_i (1: as variable as the map on
        average) and ``z_score`` its distance from 1 in standard deviations, residuals dealt out at random.
        ``cluster`` is more variable or less variable where ``p_adjusted <= alpha``.

    Raises
    ------
    ConfigError
        When `power` is not above 0, or `inference` is unknown or does not go with it.

    Notes
    -----
    ``e_j = |x_j - mean of its neighbours|^a``, ``H_i`` the mean e of the neighbours of i over the mean e of
    all. Areas without neighbours have no local mean and are left out of all means. A high H next to a change
    of level (a border of two kinds of quarter) is part of what the statistic finds.

    References
    ----------
    Ord, J. K., Getis, A. (2012). Local spatial heteroscedasticity (LOSH). Annals of Regional Science 48,
    529-539. doi:10.1007/s00168-011-0492-y
    Xu, M., Mei, C.-L., Yan, N. (2014). A note on the null distribution of the local spatial
    heteroscedasticity (LOSH) statistic. Annals of Regional Science 52, 697-710.
    doi:10.1007/s00168-014-0605-5

    Examples
    --------
    >>> from safemap import build_graph, local_losh
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> local_losh(areas, "CRIME", graph=build_graph(areas, tolerance=0)).counts
    {'not significant': 44, 'more variable': 4, 'less variable': 1}
    """
    check_options(permutations, max_permutations, alternative, adjust, alpha)
    _check(power, inference)
    subject = read_subject(areas, column, events, population)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    linked = _linked(case)
    reason = case.reason or ("no neighbours" if not len(linked.ids) else why_not(linked.values))
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(
        subject, case, graph, **options._asdict(), power=float(power), inference=inference, p_mid=p_mid
    )
    table = blank_table(subject, graph)
    basis = None
    if not reason:
        basis = _fill(linked, power, inference, options, settings, table)
        reason = "" if basis else "no variation"
        table.loc[case.ids.difference(linked.ids), "cluster"] = "no neighbours"
    return LocalLoshResult(assembled(subject, table, reason), settings, subject.audit, basis=basis)


def _check(power: float, inference: str) -> None:
    if not (isinstance(power, (int, float)) and 0 < power < np.inf):
        raise ConfigError(f"power must be a number above 0, such as 2; got {power!r}.")
    if inference not in ("permutation", "chi-square"):
        raise ConfigError(f"inference must be permutation or chi-square; got {inference!r}.")
    if inference == "chi-square" and power != 2:
        raise ConfigError(f"The chi-square is for squared residuals (power=2); got power={power!r}.")


def _linked(case: Case) -> Case:
    """The areas that have a neighbour when those without one are gone."""
    ids, graph = case.ids, case.graph
    while len(alone := graph.isolates):
        ids = ids[~ids.isin(alone)]
        graph = graph.subset(ids)
    return Case(ids, case.values[case.ids.get_indexer(ids)], graph, case.reason)


def _fill(
    case: Case,
    power: float,
    inference: str,
    options: Options,
    settings: dict[str, Any],
    table: pd.DataFrame,
) -> Basis | None:
    """Write what was found; None where nothing varies."""
    from safemap.errors import StatisticsError
    from safemap.stats.losh import losh

    try:
        found = losh(case.values, case.graph.matrix, power=power)
    except StatisticsError:  # every value is the mean of its neighbours
        return None
    test = _tested(case, found, power, inference, options)
    reachable = np.where(
        np.isnan(test.p_value), np.nan, _best(options) if inference == "permutation" else 0.0
    )
    more = found.statistic > 1
    pointing = np.where(more, tail_of(test) > 0, tail_of(test) < 0) & (found.statistic != 1)
    z_score = (found.statistic - 1) / np.sqrt(found.variance)
    fill(table, case, found.statistic, z_score, test.p_value, test)
    if settings["p_mid"]:
        write_mid_p(table, case, test, options.alternative)
    kinds = np.where(more, *LOSH_CLUSTERS)
    classify(table, case, options, settings, test, kinds=kinds, pointing=pointing, reachable=reachable)
    return further_basis(case, options, test, case.values, reachable=reachable)


def _tested(
    case: Case, found: LocalHeteroscedasticity, power: float, inference: str, options: Options
) -> PermutationTest:
    from safemap.stats.losh import losh_chi_square, losh_test
    from safemap.stats.permutation import PermutationTest, p_from_tails

    if inference == "chi-square":
        tails = losh_chi_square(found)
        nowhere = np.zeros(len(case.ids), dtype=bool)
        return PermutationTest(p_from_tails(tails, options.alternative), tails, nowhere, tails.exact)
    return losh_test(
        case.values,
        case.graph.matrix,
        power=power,
        permutations=options.permutations,
        max_permutations=options.max_permutations,
        refine_below=options.refine_below,
        alternative=options.alternative,
        rng=options.rng,
    )


def _best(options: Options) -> float:
    """Smallest p that the draws allow."""
    sides = 2 if options.alternative == "two-sided" else 1
    first = min(1.0, sides / (options.permutations + 1))
    again = options.max_permutations > options.permutations and first <= options.refine_below
    return min(1.0, sides / (options.max_permutations + 1)) if again else first
