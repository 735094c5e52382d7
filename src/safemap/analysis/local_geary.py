"""Local Geary: which areas are like their neighbours, or unlike them, in one respect or in several?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike
from safemap.analysis._alignment import Case, Subject, describe, prepare, read_seed, read_subject, why_not
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
from safemap.errors import InputError
from safemap.geo.graph import as_area_graph

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.analysis.autocorrelation_results import Basis

#: Classes of a finding, in one column and in several.
GEARY_CLUSTERS = ("high-high", "low-low", "other positive", "negative")
MULTIVARIATE_CLUSTERS = ("positive", "negative")


@dataclass(frozen=True, eq=False, repr=False)
class LocalGearyResult(FurtherLocalResult):
    """Local Geary by area; see :func:`safemap.local_geary`."""

    kind: ClassVar[str] = "local_geary"
    findings: ClassVar[tuple[str, ...]] = GEARY_CLUSTERS
    title: ClassVar[str] = "local Geary"


@dataclass(frozen=True, eq=False, repr=False)
class MultivariateLocalGearyResult(LocalGearyResult):
    """Local Geary of several columns by area; see :func:`safemap.local_geary`."""

    findings: ClassVar[tuple[str, ...]] = MULTIVARIATE_CLUSTERS


def local_geary(
    areas: AreasLike,
    *columns: str,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    p_mid: bool = False,
    rng: RNG = 0,
) -> LocalGearyResult:
    """Local Geary: which areas differ less, or more, from their neighbours than chance would make them?

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        One row per area, ids in the index.
    *columns : str
        One column, or several: the areas are then compared in all of them at once, each standardised and of
        equal weight. Without a column, `events` and `population`.
    events, population : str, optional
        Columns of counts and of people at risk; the Assuncao-Reis EB index of the rate is tested. Used
        without asking where both columns exist and nothing is named.
    graph : AreaGraph, libpysal Graph or W, or frame of links
        Neighbours, matched by id; each counts the same, unless the graph has weights.
    permutations, max_permutations : int
        Draws for every area, and for the areas whose first p is at most `alpha` or 0.1, whichever is larger:
        their p comes from a second, independent table of draws.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: alike (a small statistic), as in the other statistics.
    adjust : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}
        How the p-values are adjusted for the number of areas tested.
    alpha : float
        Level the adjusted p is compared with.
    p_mid : bool
        Also give ``p_mid``, with half of the probability of a tie. No class goes by it.
    rng : int, numpy.random.Generator or None
        A number repeats; None draws fresh entropy; the number used is in ``settings["rng"]``.

    Returns
    -------
    LocalGearyResult
        ``frame``: one row per area, in the order of the areas, with ``name``, ``events``, ``population``
        (where given), ``neighbours`` (their number), ``value`` (what was tested; the mean of the standardised
        columns where there are several), ``statistic`` (c_i, values standardised with divisor n),
        ``z_score`` (under conditional permutation, positive when alike), ``p_value``, ``p_adjusted``,
        ``permutations`` (draws behind the p; 0 where the exact distribution was computed), ``cluster`` and
        ``geometry``.

        ``cluster`` is, where ``p_adjusted <= alpha``, negative (unlike its neighbours) or, in one column,
        high-high, low-low (area and neighbours above, or below, the mean) or other positive; in several
        columns positive. Else not significant, no neighbours, no data, no variation, too few areas or too few
        events. An area that misses one of the columns has no data.

    Raises
    ------
    InputError, StatisticsError, AlignmentError, ConfigError
        When columns, values, ids or options make no sense.

    Notes
    -----
    ``c_i = sum_j w_ij (z_i - z_j)^2``, averaged over the columns; w row-standardised. Local Moran asks
    whether neighbours lie on the same side of the mean; this asks whether they are near each other, wherever
    they lie, and takes any number of columns. The area keeps its values, those of the others are dealt out
    over its neighbours, all columns of an area together.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27, 93-115.
    doi:10.1111/j.1538-4632.1995.tb00338.x
    Anselin, L. (2019). A local indicator of multivariate spatial association: extending Geary's c.
    Geographical Analysis 51, 133-150. doi:10.1111/gean.12164

    Examples
    --------
    >>> from safemap import build_graph, local_geary
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> local_geary(areas, "CRIME", graph=build_graph(areas, tolerance=0)).counts
    {'not significant': 44, 'high-high': 4, 'low-low': 1}
    """
    check_options(permutations, max_permutations, alternative, adjust, alpha)
    subject, values = _read(areas, columns, events, population)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    own = values[subject.frame.index.get_indexer(case.ids)]
    reason = case.reason or next(filter(None, map(why_not, own.T)), "")
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(subject, case, graph, **options._asdict(), p_mid=p_mid, variance="n")
    table = blank_table(subject, graph)
    basis = None if reason else _fill(case, own, options, settings, table)
    kind = MultivariateLocalGearyResult if len(columns) > 1 else LocalGearyResult
    return kind(assembled(subject, table, reason), settings, subject.audit, basis=basis)


def _read(
    areas: AreasLike, columns: tuple[str, ...], events: str | None, population: str | None
) -> tuple[Subject, NDArray[np.float64]]:
    """What is tested, missing where a column is, and the columns."""
    if len({*columns}) < len(columns):
        raise InputError(f"Every column counts once; got {list(columns)}.")
    if len(columns) < 2:
        subject = read_subject(areas, columns[0] if columns else None, events, population)
        return subject, subject.values[:, None]
    if events or population:
        raise InputError("Name either columns, or events= and population= together.")
    parts = [read_subject(areas, column, None, None) for column in columns]
    values = np.column_stack([part.values for part in parts])
    complete = ~np.isnan(values).any(axis=1)
    known = values[complete] if complete.any() else np.zeros((1, len(columns)))
    spread = known.std(axis=0)
    z = (values - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    counted = [part.events for part in parts if not np.isnan(part.events)]
    described = {
        **parts[0].described,
        "columns": list(columns),
        "tested": f"columns {', '.join(columns[:-1])} and {columns[-1]}",
    }
    subject = parts[0]._replace(
        values=np.where(complete, z.mean(axis=1), np.nan),
        events=min(counted, default=float("nan")),
        described=described,
    )
    return subject, values


def _fill(
    case: Case, own: NDArray[np.float64], options: Options, settings: dict[str, Any], table: pd.DataFrame
) -> Basis:
    from safemap.stats.autocorrelation import row_standardised
    from safemap.stats.local_geary import local_geary as statistic
    from safemap.stats.local_geary import local_geary_test

    weights = row_standardised(case.graph.matrix)
    found = statistic(own, weights)
    test = local_geary_test(
        own,
        case.graph.matrix,
        permutations=options.permutations,
        max_permutations=options.max_permutations,
        refine_below=options.refine_below,
        alternative=options.alternative,
        rng=options.rng,
    )
    alike = found.statistic < found.expected
    pointing = np.where(alike, tail_of(test) < 0, tail_of(test) > 0) & (found.statistic != found.expected)
    fill(table, case, found.statistic, found.z_score, test.p_value, test)
    if settings["p_mid"]:
        write_mid_p(table, case, test, options.alternative, flip=np.ones(len(alike), dtype=bool))
    classify(table, case, options, settings, test, kinds=_kinds(own, weights, alike), pointing=pointing)
    return further_basis(case, options, test, *own.T)


def _kinds(own: NDArray[np.float64], weights: Any, alike: NDArray[np.bool_]) -> NDArray[Any]:
    if own.shape[1] > 1:
        return np.where(alike, "positive", "negative")
    from safemap.stats.permutation import deviations

    z = deviations(own[:, 0])
    lag = weights @ z
    cases = [~alike, (z > 0) & (lag > 0), (z < 0) & (lag < 0)]
    return np.select(cases, ["negative", "high-high", "low-low"], "other positive")
