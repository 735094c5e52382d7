"""Local statistics under constant risk: counts against the share of the population; see the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from safemap._typing import Null
from safemap.analysis._alignment import Case, Subject, read_numbers
from safemap.analysis._inference import Options
from safemap.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safemap.stats.permutation import PermutationTest


class RiskTest(NamedTuple):
    """What constant risk says about each area of a case."""

    own: NDArray[np.float64]  #: standardised excess of the area itself
    near: NDArray[np.float64]  #: standardised excess of the neighbourhood that is tested
    test: PermutationTest


def check_null(null: str, events: str | None, population: str | None) -> None:
    """Raise unless the null is known and has the columns it needs."""
    if null not in get_args(Null):
        raise ConfigError(f"null must be one of {', '.join(get_args(Null))}; got {null!r}.")
    if null == "constant-risk" and (events is None or population is None):
        raise ConfigError("The null 'constant-risk' needs events= and population=, not one column.")


def risk_test(
    subject: Subject,
    case: Case,
    options: Options,
    *,
    own_weight: float | NDArray[np.float64] | None,
    flip: bool = False,
) -> RiskTest:
    """Exact where all neighbours count the same, else simulated in two stages.

    `own_weight` None asks about the neighbours given the area's own events. With `flip`, one-sided
    alternatives change sides where the area's own events are fewer than expected.
    """
    from safemap.stats.constant_risk import excess, neighbourhood_risk, weighted_moments
    from safemap.stats.permutation import PermutationTest, Tails, p_from_tails

    events, people = counts_of(subject, case)
    own, star = excess(events, people), own_weight is not None
    flipped = own < 0 if flip else None
    if case.graph.weights is None:
        risk = neighbourhood_risk(events, people, case.graph.adjacency, star=star)
        known = ~np.isnan(risk.upper)
        tails = Tails(np.nan_to_num(risk.upper), np.nan_to_num(risk.lower), known.astype(int), known)
        p = p_from_tails(tails, options.alternative, flip=flipped)
        return RiskTest(own, risk.z_score, PermutationTest(p, tails, np.zeros(len(p), bool), known))
    observed, mean, variance = weighted_moments(events, people, case.graph.weights, own=own_weight)
    possible = (variance > 0) & (case.graph.cardinalities.to_numpy() > 0)
    near = np.where(possible, (observed - mean) / np.sqrt(np.where(possible, variance, 1.0)), np.nan)
    test = _simulated(events, people, case, options, own_weight, flipped)
    return RiskTest(own, near, test)


def counts_of(subject: Subject, case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Events and population of the areas that have data, in the order of the case."""
    at = subject.frame.index.get_indexer(case.ids)
    named = (subject.described[name] for name in ("events", "population"))
    events, people = (read_numbers(subject.frame, column, signed=False)[at] for column in named)
    return events, people


def _simulated(
    events: NDArray[np.float64],
    people: NDArray[np.float64],
    case: Case,
    options: Options,
    own_weight: Any,
    flip: NDArray[np.bool_] | None,
) -> PermutationTest:
    """Both stages by multinomial maps; the second replaces the first."""
    from safemap.stats.constant_risk import simulated_tails
    from safemap.stats.permutation import PermutationTest, Tails, p_from_tails

    n = len(events)
    tails = Tails(*(np.zeros(n, dtype=np.int64) for _ in range(3)), np.zeros(n, dtype=bool))
    refined = np.zeros(n, dtype=bool)
    sites = np.flatnonzero(case.graph.cardinalities.to_numpy() > 0)
    p = np.full(n, np.nan)
    seeds = np.random.SeedSequence(options.rng).spawn(2)
    for draws, seed in zip((options.permutations, options.max_permutations), seeds, strict=True):
        rng = np.random.default_rng(seed)
        high, low = simulated_tails(events, people, case.graph.weights, sites, draws, rng, own=own_weight)
        tails.at_least[sites], tails.at_most[sites], tails.draws[sites] = high, low, draws
        p = p_from_tails(tails, options.alternative, flip=flip)
        if options.max_permutations <= options.permutations or refined.any():
            break
        sites = np.flatnonzero(p <= options.refine_below)
        refined[sites] = True
        if not len(sites):
            break
    return PermutationTest(p, tails, refined, np.zeros(n, dtype=bool))
