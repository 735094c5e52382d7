"""The local statistics, once it is clear what is tested: test, classes, and what is kept to explain them.

Shared by :mod:`safemap.analysis.autocorrelation` and :mod:`safemap.analysis.association`; each verb begins a
task, fills its table, and ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, Like, Null
from safemap.analysis._alignment import Case, Subject, describe, prepare, read_seed
from safemap.analysis._constant_risk import (
    Sides,
    check_null,
    null_of,
    risk_test,
    with_constant_risk,
)
from safemap.analysis._conventions import Convention, convention_of, described
from safemap.analysis._inference import (
    Options,
    assembled,
    blank_table,
    check_options,
    classify,
    conditional_z,
    fill,
    permute,
    tail_of,
)
from safemap.analysis.autocorrelation_results import MORAN_CLUSTERS, Basis, LocalResult
from safemap.errors import ConfigError
from safemap.geo.graph import as_area_graph

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph
    from safemap.stats.permutation import PermutationTest

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

R = TypeVar("R", bound=LocalResult)


class Asked(NamedTuple):
    """The options that all local verbs have."""

    permutations: int
    max_permutations: int
    alternative: Alternative
    adjust: Adjust | None
    alpha: float
    rng: RNG
    like: Like | None
    p_mid: bool
    null: Null = "permutation"


class Task(NamedTuple):
    """A local statistic in the making."""

    subject: Subject
    case: Case
    options: Options
    settings: dict[str, Any]
    table: pd.DataFrame
    convention: Convention | None
    kept: dict[str, Any]  #: what :meth:`LocalResult.explain` needs beyond the table
    reason: str  #: why nothing can be tested; empty when it can


class _Decision(NamedTuple):
    """The p of each area and the side it speaks for."""

    p_value: Floats
    mid: Floats
    tail: NDArray[np.int64]
    reachable: Floats | None
    by_risk: Flags


def begin(kind: str, subject: Subject, graph: Any, asked: Asked, reason: str = "", **more: Any) -> Task:
    """Check the options, align, and lay out the table."""
    a = asked
    convention = convention_of(kind, a.like, a.alternative)
    if convention is not None and a.p_mid:
        raise ConfigError(
            f"p_mid goes with safemap's own p, not with that of {a.like}; leave one of them out."
        )
    adjust = a.adjust if a.adjust is not None else (convention.adjust if convention else "fdr_bh")
    check_options(a.permutations, a.max_permutations, a.alternative, adjust, a.alpha)
    check_null(a.null, subject.described["events"], subject.described["population"], a.like)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    most = a.max_permutations if convention is None else a.permutations  # no other program draws twice
    options = Options(a.permutations, most, a.alternative, adjust, a.alpha, read_seed(a.rng))
    null, chosen = null_of(a.null, subject, case, a.like)
    subject.described["automatic"] += ["null"] if chosen else []
    more |= {"variance": convention.variance} if convention else {}
    settings = describe(subject, case, graph, **options._asdict(), null=null, **more)
    settings |= {"p_mid": a.p_mid} | described(convention, a.like)
    table = blank_table(subject, graph)
    if a.p_mid:
        table.insert(table.columns.get_loc("p_value") + 1, "p_mid", np.nan)
    return Task(subject, case, options, settings, table, convention, {}, case.reason or reason)


def end(kind: type[R], task: Task) -> R:
    """The result: the areas with their table, the settings, and what explains them."""
    frame = assembled(task.subject, task.table, task.reason)
    basis = Basis(task.case, task.options, **task.kept) if task.kept else None
    return kind(frame=frame, settings=task.settings, audit=task.subject.audit, basis=basis)


def fill_moran(task: Task, own: Floats | None = None) -> None:
    """Local Moran, or its bivariate form with the values of the areas themselves in `own`."""
    if task.reason:
        return
    if task.settings["null"] == "constant-risk":
        _moran_of_risk(task)
        return
    from safemap.stats.autocorrelation import local_bivariate_moran, local_getis_ord, row_standardised
    from safemap.stats.autocorrelation import local_moran as univariate
    from safemap.stats.permutation import deviations

    case, weights = task.case, row_standardised(task.case.graph.matrix)
    z = deviations(case.values if own is None else own)
    if own is None:
        local = univariate(case.values, weights, variance=task.settings["variance"])
        found, score = local.statistic, local.z_score
    else:
        found = local_bivariate_moran(own, case.values, weights)
        score = np.sign(z) * local_getis_ord(case.values, case.graph.matrix, star=False)
    test = permute(case, task.options, flip=z < 0)
    lag = np.where(z == 0, 0.0, found * np.sign(z))
    high = lag > 0
    if task.convention is not None and task.convention.lag_above_mean:
        lags = weights @ (case.values - case.values.mean())
        high = lags > lags.mean()
    _moran_classes(task, test, np.where(z == 0, 0.0, found), score, z, lag, high)


def fill_getis_ord(task: Task, *, star: bool) -> None:
    """Gi or Gi*."""
    if task.reason:
        return
    if task.settings["null"] == "constant-risk":
        _getis_ord_of_risk(task, star=star)
        return
    from safemap.stats.autocorrelation import local_getis_ord as statistic
    from safemap.stats.conventions import getis_ord_ratio

    case, convention = task.case, task.convention
    options = {"star": star, "self_weight": _self_weight(case.graph)}
    g = statistic(case.values, case.graph.matrix, **options)
    found, score = g, g if convention is not None else conditional_z(case)
    if convention is not None and convention.ratio:
        found, one = getis_ord_ratio(case.values, case.graph.matrix, **options)
        score = one if convention.z == "one value" else conditional_z(case)
    side = case.values - case.values.mean() if convention is not None and convention.own_value else g
    test = permute(case, task.options)
    decision = _decide(task, test, score, None)
    pointing = np.where(g > 0, decision.tail > 0, decision.tail < 0) & (np.nan_to_num(g) != 0)
    _fill(task, test, found, score, decision)
    _classify(task, test, decision, np.where(side > 0, "hot", "cold"), pointing)


def _moran_classes(
    task: Task, test: PermutationTest, found: Floats, score: Floats, z: Floats, lag: Floats, high: Flags
) -> None:
    decision = _decide(task, test, score, z < 0)
    tested = ~np.isnan(test.p_value)
    at_mean = (z == 0) & tested
    decision = decision._replace(
        p_value=np.where(at_mean, 1.0, decision.p_value), mid=np.where(at_mean, 1.0, decision.mid)
    )
    kinds = np.select([(z > 0) & high, (z <= 0) & ~high, z > 0], MORAN_CLUSTERS[:3], "low-high")
    pointing = np.where(lag > 0, decision.tail > 0, decision.tail < 0) & (lag != 0) & (z != 0)
    _fill(task, test, found, score, decision)
    _classify(task, test, decision, kinds, pointing)


def _decide(task: Task, test: PermutationTest, score: Floats, flip: Flags | None) -> _Decision:
    """safemap's own p, that of both nulls, or that of the program in ``like``."""
    none = np.zeros(len(test.p_value), dtype=bool)
    convention, options = task.convention, task.options
    if convention is not None:
        p, reachable = _p_like(convention, test, score, flip, options)
        return _Decision(p, np.full(len(p), np.nan), tail_of(test), reachable, none)
    sides, by_risk = Sides.of(test.tails), none
    if task.settings["null"] == "both":
        sides, _ = with_constant_risk(task.subject, task.case, options, test.tails, test.p_value)
        by_risk = sides.flipped(flip).p_value(options.alternative) > test.p_value
        task.settings["constant_risk_decides"] = int(by_risk.sum())
    tail = np.sign(np.nan_to_num(sides.lower - sides.upper)).astype(np.int64)
    sides = sides.flipped(flip)
    return _Decision(
        sides.p_value(options.alternative), sides.mid_p(options.alternative), tail, None, by_risk
    )


def _p_like(
    convention: Convention, test: PermutationTest, score: Floats, flip: Flags | None, options: Options
) -> tuple[Floats, Floats | None]:
    """The p of another program, and the smallest it could be; None: as for safemap's own."""
    from safemap.stats.conventions import directed_p, normal_p

    tested = ~np.isnan(test.p_value)
    if convention.p == "two-sided":
        return test.p_value, None
    if convention.p == "normal":
        return np.where(tested, normal_p(score, options.alternative), np.nan), np.where(tested, 0.0, np.nan)
    draws = np.where(tested, test.tails.draws, 1)
    share = (test.tails.at_least if flip is None else np.where(flip, *test.tails[1::-1])) / draws
    best = np.where(tested, 1 / (options.permutations + 1), np.nan)
    return np.where(tested, directed_p(share, options.permutations), np.nan), best


def _fill(task: Task, test: PermutationTest, found: Floats, score: Floats, decision: _Decision) -> None:
    case, table = task.case, task.table
    fill(table, case, found, score, decision.p_value, test)
    if "p_mid" in table.columns:
        table.loc[case.ids, "p_mid"] = decision.mid
    table.loc[case.ids[decision.by_risk], "permutations"] = 0
    if task.convention is not None and task.convention.p == "normal":
        table["permutations"] = 0
    task.kept.update(test=test, by_risk=decision.by_risk, reachable=decision.reachable)


def _classify(
    task: Task, test: PermutationTest, decision: _Decision, kinds: NDArray[Any], pointing: Flags
) -> None:
    """Without a convention, a class needs side and test to agree."""
    agreed = pointing if task.convention is None else ~np.isnan(decision.p_value)
    classify(
        task.table, task.case, task.options, task.settings, test,
        kinds=kinds, pointing=agreed, reachable=decision.reachable,
    )  # fmt: skip


def _moran_of_risk(task: Task) -> None:
    own, near, test = risk_test(task.subject, task.case, task.options, own_weight=None, flip=True)
    task.table.loc[task.case.ids, "value"] = own
    lag = np.nan_to_num(near)
    decision = _decide(task, test, near, own < 0)._replace(reachable=_without_limit(test))
    at_mean = (own == 0) & ~np.isnan(test.p_value)
    decision = decision._replace(p_value=np.where(at_mean, 1.0, decision.p_value))
    kinds = np.select([(own > 0) & (lag > 0), (own < 0) & (lag < 0), own > 0], MORAN_CLUSTERS[:3], "low-high")
    pointing = np.where(lag > 0, decision.tail > 0, decision.tail < 0) & (lag != 0) & (own != 0)
    _fill(task, test, own * near, np.sign(own) * near, decision)
    _classify(task, test, decision, kinds, pointing)


def _getis_ord_of_risk(task: Task, *, star: bool) -> None:
    own_weight = _self_weight(task.case.graph) if star else None
    own, near, test = risk_test(task.subject, task.case, task.options, own_weight=own_weight)
    task.table.loc[task.case.ids, "value"] = own
    decision = _decide(task, test, near, None)._replace(reachable=_without_limit(test))
    pointing = np.where(near > 0, decision.tail > 0, decision.tail < 0) & (np.nan_to_num(near) != 0)
    _fill(task, test, near, near, decision)
    task.kept["own_weight"] = own_weight
    _classify(task, test, decision, np.where(near > 0, "hot", "cold"), pointing)


def _without_limit(test: PermutationTest) -> Floats | None:
    """Smallest p under constant risk: as good as 0 where it is computed; by the number of draws elsewhere."""
    return np.where(np.isnan(test.p_value), np.nan, 0.0) if test.computed.any() else None


def _self_weight(graph: AreaGraph) -> float | Floats:
    """How much an area itself counts in Gi*: see :func:`safemap.local_getis_ord`."""
    if graph.weights is None or graph.settings.get("rule") == "kernel":
        return 1.0
    heaviest = graph.weights.max(axis=1)
    return np.asarray(heaviest.toarray() if hasattr(heaviest, "toarray") else heaviest, dtype=float).ravel()
