"""Join counts: do areas that have something lie together, over the whole map and area by area?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike
from safemap.analysis._alignment import Case, Subject, describe, prepare, read_seed, read_subject, why_not
from safemap.analysis._further import FurtherLocalResult, further_basis, write_mid_p
from safemap.analysis._global import Figures, GlobalOptions, whole_map
from safemap.analysis._inference import (
    Options,
    assembled,
    blank_table,
    check_options,
    classify,
    fill,
    tail_of,
)
from safemap.analysis.autocorrelation_results import GlobalResult
from safemap.errors import ConfigError, InputError
from safemap.geo.graph import as_area_graph
from safemap.stats.join_counts import Sampling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.analysis.autocorrelation_results import Basis
    from safemap.geo.graph import AreaGraph

Relation = Literal["co-location", "bivariate"]

JOIN_CLUSTERS = ("clustered", "dispersed")
#: Areas that do not have what is asked about.
NOT_OF_KIND = "not of the kind"
_JOINS = ("BB", "BW", "WW")
_NUMBERS = ("statistic", "expected", "variance", "z_score", "p_value")


@dataclass(frozen=True, eq=False, repr=False)
class GlobalJoinCountsResult(GlobalResult):
    """Join counts of the whole map; see :func:`safemap.global_join_counts`.

    The attributes are those of BB, the joins of areas that both have it; ``frame`` has all three kinds.
    """

    kind: ClassVar[str] = "global_join_counts"
    title: ClassVar[str] = "BB joins"

    def _sentence(self, more: bool | None) -> str:
        if more is None:
            return "Areas that have it lie together neither more nor less than chance would make them."
        return f"Areas that have it lie together {'more' if more else 'less'} than chance would make them."


@dataclass(frozen=True, eq=False, repr=False)
class LocalJoinCountsResult(FurtherLocalResult):
    """Local join counts by area; see :func:`safemap.local_join_counts`."""

    kind: ClassVar[str] = "local_join_counts"
    findings: ClassVar[tuple[str, ...]] = JOIN_CLUSTERS
    title: ClassVar[str] = "local join counts"


def global_join_counts(
    areas: AreasLike,
    column: str,
    *,
    graph: Any,
    sampling: Sampling = "nonfree",
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> GlobalJoinCountsResult:
    """Join counts: do areas that have something border each other more often than by chance?

    Parameters
    ----------
    areas, permutations, alpha, rng
        As in :func:`safemap.global_moran`.
    column : str
        Column of True and False, or 1 and 0; missing values are left out.
    graph : AreaGraph, libpysal Graph or W, or frame of links
        Neighbours, matched by id; taken as they are, so that every pair of neighbours is one join.
    sampling : {"nonfree", "free"}
        Of the analytic moments. ``nonfree``: as many areas as there are have it. ``free``: each has it with
        the same probability. The permutations are nonfree.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: like areas lie together, that is many BB and WW joins and few BW joins.

    Returns
    -------
    GlobalJoinCountsResult
        ``frame`` with one row for ``BB`` (both have it), ``BW`` (one has it) and ``WW`` (neither), and
        ``statistic`` (the number of joins), ``expected``, ``variance`` and ``z_score`` (analytic, positive
        when like areas lie together), ``p_value`` (permutation) and ``permutations``.

    Raises
    ------
    InputError
        When the column holds anything but True and False, or 1 and 0.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London, p. 11-21.

    Examples
    --------
    >>> from safemap import build_graph, global_join_counts
    >>> from safemap.datasets import columbus
    >>> areas = columbus().assign(high=lambda a: a["CRIME"] > 35)
    >>> found = global_join_counts(areas, "high", graph=build_graph(areas, tolerance=0))
    >>> found.frame["statistic"].tolist(), found.p_value
    ([54.0, 29.0, 35.0], 0.0002)
    """
    import pandas as pd

    from safemap.stats.autocorrelation import global_p
    from safemap.stats.join_counts import join_counts, permuted_join_counts

    if sampling not in ("nonfree", "free"):
        raise ConfigError(f"sampling must be nonfree or free; got {sampling!r}.")
    subject = _read_kind(areas, column)
    frame = pd.DataFrame(np.nan, pd.Index(_JOINS, name="joins"), list(_NUMBERS))

    def figures(values: NDArray[np.float64], graph: AreaGraph, permutations: int, rng: int) -> Figures:
        found = join_counts(values, graph.matrix, sampling=sampling)
        simulated = permuted_join_counts(values, graph.matrix, permutations=permutations, rng=rng)
        for name, one, drawn, sign in zip(_JOINS, found, simulated, (1, -1, 1), strict=True):
            p = global_p(sign * one.joins, sign * drawn, alternative)
            frame.loc[name] = [one.joins, one.expected, one.variance, sign * one.z_score, p]
        return Figures(found.both.joins, simulated[0], found.both.expected, found.both.z_score)

    options = GlobalOptions(permutations, alternative, alpha, rng, None)
    found = whole_map(GlobalJoinCountsResult, subject, graph, options, figures)
    settings = {**found.settings, "sampling": sampling}
    return replace(found, frame=frame.assign(permutations=found.permutations), settings=settings)


def local_join_counts(
    areas: AreasLike,
    *columns: str,
    graph: Any,
    relation: Relation = "co-location",
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "greater",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    p_mid: bool = False,
    rng: RNG = 0,
) -> LocalJoinCountsResult:
    """Local join counts: which areas that have something have neighbours that have it too?

    Parameters
    ----------
    areas, adjust, alpha, rng
        As in :func:`safemap.local_moran`.
    *columns : str
        Columns of True and False, or 1 and 0. One: areas that have it. Several: see `relation`.
    graph : AreaGraph, libpysal Graph or W, or frame of links
        Neighbours, matched by id; each counts the same, unless the graph has weights.
    relation : {"co-location", "bivariate"}
        ``co-location``: areas that have all of it, among areas that have all of it. ``bivariate``, for two
        columns: areas that have the first and not the second, beside areas that have the second and not the
        first.
    permutations, max_permutations : int
        Only where neighbours count differently; else p is exact.
    alternative : {"greater", "two-sided", "less"}
        ``greater``: more neighbours count than chance would make them.
    p_mid : bool
        Also give ``p_mid``, with half of the probability of a tie. No class goes by it.

    Returns
    -------
    LocalJoinCountsResult
        ``frame``: one row per area, in the order of the areas, with ``name``, ``neighbours`` (their number),
        ``value`` (1 where the area is asked, else 0), ``statistic`` (number of neighbours that count),
        ``z_score``, ``p_value``, ``p_adjusted`` (over the areas asked), ``permutations`` (0 where p is
        exact), ``cluster`` and ``geometry``.

        ``cluster`` is clustered or dispersed where ``p_adjusted <= alpha``; not of the kind where the area is
        not asked; else not significant, no neighbours, no data, no variation or too few areas.

    Raises
    ------
    InputError
        When a column holds anything but True and False, or 1 and 0, or `relation` does not fit the columns.

    Notes
    -----
    Given that the area has it, the number of its k neighbours that have it is hypergeometric: M of the n - 1
    others have it. No permutations are needed.

    References
    ----------
    Anselin, L., Li, X. (2019). Operational local join count statistics for cluster detection. Journal of
    Geographical Systems 21, 189-210. doi:10.1007/s10109-019-00299-x

    Examples
    --------
    >>> from safemap import build_graph, local_join_counts
    >>> from safemap.datasets import columbus
    >>> areas = columbus().assign(high=lambda a: a["CRIME"] > 35)
    >>> local_join_counts(areas, "high", graph=build_graph(areas, tolerance=0)).counts
    {'not of the kind': 25, 'not significant': 20, 'clustered': 4}
    """
    check_options(permutations, max_permutations, alternative, adjust, alpha)
    subject, sides = _sides(areas, columns, relation)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    at = subject.frame.index.get_indexer(case.ids)
    asked, counting = sides.focal[at], sides.around[at]
    reason = case.reason or ("" if counting is asked else why_not(counting))
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(subject, case, graph, **options._asdict(), p_mid=p_mid, relation=relation)
    table = blank_table(subject, graph)
    basis = None if reason else _fill(case, _Sides(asked, counting), options, settings, table)
    return LocalJoinCountsResult(assembled(subject, table, reason), settings, subject.audit, basis=basis)


class _Sides(NamedTuple):
    """Areas that are asked, and areas that count as their neighbours: 1 or 0."""

    focal: NDArray[np.float64]
    around: NDArray[np.float64]


def _read_kind(areas: AreasLike, column: str) -> Subject:
    subject = read_subject(areas, column, None, None)
    known = subject.values[~np.isnan(subject.values)]
    if not np.isin(known, (0, 1)).all():
        raise InputError(
            f"Column {column!r} must hold True and False, or 1 and 0; it holds other numbers. Make it from a "
            "threshold first, such as areas[column] > 10."
        )
    return subject


def _sides(areas: AreasLike, columns: tuple[str, ...], relation: str) -> tuple[Subject, _Sides]:
    """What is tested: 1 for the areas that are asked, missing where a column is."""
    if relation not in ("co-location", "bivariate"):
        raise ConfigError(f"relation must be co-location or bivariate; got {relation!r}.")
    if not columns or len({*columns}) < len(columns) or (relation == "bivariate" and len(columns) != 2):
        wanted = "two different columns" if relation == "bivariate" else "one or more different columns"
        raise InputError(f"relation={relation!r} needs {wanted}; got {list(columns)}.")
    subjects = [_read_kind(areas, column) for column in columns]
    values = np.column_stack([subject.values for subject in subjects])
    complete = ~np.isnan(values).any(axis=1)
    if relation == "bivariate":
        x, y = values.T > 0
        focal, around = (np.where(complete, side, np.nan) for side in (x & ~y, y & ~x))
        tested = f"{columns[0]} beside {columns[1]}"
    else:
        focal = around = np.where(complete, values.min(axis=1), np.nan)
        tested = f"column {columns[0]}" if len(columns) == 1 else f"{' with '.join(columns)}"
    described = {**subjects[0].described, "columns": list(columns), "tested": tested}
    return subjects[0]._replace(values=focal, described=described), _Sides(focal, around)


def _fill(
    case: Case, sides: _Sides, options: Options, settings: dict[str, Any], table: pd.DataFrame
) -> Basis:
    from safemap.stats.join_counts import local_join_count, local_join_count_test, smallest_join_count_p

    found = local_join_count(*sides, case.graph.matrix)
    test = local_join_count_test(
        *sides,
        case.graph.matrix,
        permutations=options.permutations,
        max_permutations=options.max_permutations,
        refine_below=options.refine_below,
        alternative=options.alternative,
        rng=options.rng,
    )
    more = found.joins > found.expected
    pointing = np.where(more, tail_of(test) > 0, tail_of(test) < 0) & (found.joins != found.expected)
    reachable = smallest_join_count_p(*sides, case.graph.matrix, alternative=options.alternative)
    drawn = ~test.computed & ~np.isnan(test.p_value)
    reachable[drawn] = np.maximum(reachable[drawn], 1 / (options.max_permutations + 1))
    fill(table, case, found.joins, found.z_score, test.p_value, test)
    if settings["p_mid"]:
        write_mid_p(table, case, test, options.alternative)
    kinds = np.where(more, *JOIN_CLUSTERS)
    classify(table, case, options, settings, test, kinds=kinds, pointing=pointing, reachable=reachable)
    table.loc[case.ids[~found.of_kind], "cluster"] = NOT_OF_KIND
    return further_basis(case, options, test, *sides, reachable=reachable)
