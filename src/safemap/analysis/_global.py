"""One statistic of the whole map: leave out what cannot be tested, compute, and say where p comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from safemap._typing import RNG, Alternative, Like
from safemap.analysis._alignment import Subject, describe, prepare, read_seed, why_not
from safemap.analysis._conventions import Convention, convention_of, described
from safemap.analysis._inference import check_options
from safemap.analysis.autocorrelation_results import GlobalResult
from safemap.geo.graph import as_area_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph

G = TypeVar("G", bound=GlobalResult)


class Figures(NamedTuple):
    """What a statistic says about values and neighbours."""

    statistic: float
    simulated: NDArray[np.float64]  #: of random rearrangements
    expected: float | None = None  #: None: the mean of the simulations
    z_score: float | None = None  #: by moments, positive when alike; None: from the simulations


class GlobalOptions(NamedTuple):
    """How the map is tested."""

    permutations: int
    alternative: Alternative
    alpha: float
    rng: RNG
    like: Like | None


#: values, graph, permutations, seed -> the figures of one statistic
Numbers = Callable[["NDArray[np.float64]", "AreaGraph", int, int], Figures]


def whole_map(
    kind: type[G],
    subject: Subject,
    graph: Any,
    options: GlobalOptions,
    numbers: Numbers,
    *,
    other: NDArray[np.float64] | None = None,
) -> G:
    """Areas without a value or a neighbour are left out of n; `other` must vary too."""
    import pandas as pd

    check_options(options.permutations, options.permutations, options.alternative, "none", options.alpha)
    convention = convention_of(kind.kind, options.like, options.alternative)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    asked = {name: getattr(options, name) for name in ("permutations", "alternative", "alpha")}
    asked |= {"rng": read_seed(options.rng)} | described(convention, options.like)
    settings = describe(subject, case, graph, **asked)
    kept = case.ids[case.graph.cardinalities.to_numpy() > 0]
    values = case.values[case.ids.get_indexer(kept)]
    # leaving out areas without neighbours may leave too little
    reason = case.reason or ("no neighbours" if not len(kept) else why_not(values))
    if not reason and other is not None:
        reason = why_not(other[subject.frame.index.get_indexer(kept)])
    settings |= {"areas_tested": 0 if reason else len(kept), "reason": reason}
    found: dict[str, Any] = dict.fromkeys(("statistic", "expected", "z_score", "p_value"), float("nan"))
    found["permutations"] = 0
    if not reason:
        figures = numbers(values, case.graph.subset(kept), options.permutations, settings["rng"])
        found = _judged(figures, options, convention, below=kind.alike_below)
    return kind(frame=pd.DataFrame([found]), settings=settings, audit=subject.audit, **found)


def _judged(
    figures: Figures, options: GlobalOptions, convention: Convention | None, *, below: bool
) -> dict[str, Any]:
    """Expectation, z and p; `below` where neighbours are alike when the statistic is small."""
    from safemap.stats.autocorrelation import global_p
    from safemap.stats.conventions import directed_p, normal_p

    statistic, simulated = figures.statistic, figures.simulated
    from_simulations = figures.z_score is None or (convention is not None and convention.z == "simulated")
    mean, spread = float(simulated.mean()), float(simulated.std())
    z = figures.z_score
    if z is None or from_simulations:
        z = (statistic - mean) / spread * (-1 if below else 1) if spread > 0 else float("nan")
    p_from, sign = "own" if convention is None else convention.p, -1 if below else 1
    if p_from == "normal":
        p = float(normal_p(z, options.alternative))
    elif p_from == "directed":
        p = float(directed_p(np.mean(simulated >= statistic), options.permutations))
    else:
        p = global_p(sign * statistic, sign * simulated, options.alternative)
    return {
        "statistic": statistic,
        "expected": mean if figures.expected is None else figures.expected,
        "z_score": z * (1 if convention is None else convention.z_sign),
        "p_value": p,
        "permutations": 0 if p_from == "normal" else int(options.permutations),
    }
