"""Local statistics under constant risk: counts against the share of the population; see the verbs.

Alone, constant risk takes every kind of unequal risk for a finding. Together with the permutation null it
keeps the other honest where populations are unequal and events few: an area is then a finding only if neither
explains it, and p is the larger of the two (an intersection-union test; Berger 1982, Technometrics 24,
295-300, doi:10.2307/1267823).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from safemap._typing import Alternative, Null
from safemap.analysis._alignment import Case, Subject, read_numbers
from safemap.analysis._inference import Options
from safemap.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safemap.stats.permutation import PermutationTest, Tails


class RiskTest(NamedTuple):
    """What constant risk says about each area of a case."""

    own: NDArray[np.float64]  #: standardised excess of the area itself
    near: NDArray[np.float64]  #: standardised excess of the neighbourhood that is tested
    test: PermutationTest


def check_null(null: str, events: str | None, population: str | None, like: str | None = None) -> None:
    """Raise unless the null is known and has the columns it needs."""
    if null not in get_args(Null):
        raise ConfigError(f"null must be one of {', '.join(get_args(Null))}; got {null!r}.")
    needs_counts = null in ("both", "constant-risk")
    if needs_counts and (events is None or population is None):
        raise ConfigError(f"The null {null!r} needs events= and population=, not one column.")
    if needs_counts and like is not None:
        raise ConfigError(f"{like} knows permutations only; leave null= out, or like=.")


def null_of(null: Null, subject: Subject, case: Case, like: str | None) -> tuple[Null, bool]:
    """The null that is used, and whether safemap chose it.

    Both, where there are whole counts, people at risk, and neighbours that count the same; else permutation.
    """
    if null != "auto":
        return null, False
    if subject.described["events"] is None or like is not None or case.reason:
        return "permutation", False
    if case.graph.weights is not None:
        return "permutation", True
    events, _ = counts_of(subject, case)
    return ("both" if np.array_equal(events, np.rint(events)) else "permutation"), True


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


class Sides(NamedTuple):
    """One-sided p-values of each area."""

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]

    @classmethod
    def of(cls, tails: Tails) -> Sides:
        from safemap.stats.permutation import p_from_tails

        return cls(p_from_tails(tails, "greater"), p_from_tails(tails, "less"))

    def flipped(self, where: NDArray[np.bool_] | None) -> Sides:
        """Sides changed where the statistic falls as the neighbours' sum rises."""
        if where is None:
            return self
        return Sides(np.where(where, self.lower, self.upper), np.where(where, self.upper, self.lower))

    def p_value(self, alternative: Alternative) -> NDArray[np.float64]:
        both = np.minimum(1.0, 2 * np.minimum(self.upper, self.lower))
        return {"two-sided": both, "greater": self.upper, "less": self.lower}[alternative]

    def mid_p(self, alternative: Alternative) -> NDArray[np.float64]:
        """The same with half of the probability of a tie: ``upper - (upper + lower - 1) / 2``."""
        upper, lower = (1 + self.upper - self.lower) / 2, (1 + self.lower - self.upper) / 2
        # never below half of the p, as rounding would have it where that is very small
        return Sides(np.maximum(upper, self.upper / 2), np.maximum(lower, self.lower / 2)).p_value(
            alternative
        )


def with_constant_risk(
    subject: Subject, case: Case, options: Options, tails: Tails, p_value: NDArray[np.float64]
) -> tuple[Sides, NDArray[np.bool_]]:
    """On each side the larger p of both nulls, for areas whose permutation p is small, and which these are.

    Areas with a permutation p above ``options.refine_below`` are no findings under any null and are not
    asked again.
    """
    from safemap.stats.constant_risk import neighbourhood_risk
    from safemap.stats.permutation import Tails

    asked = np.nan_to_num(p_value, nan=1.0) <= options.refine_below
    sides = Sides.of(tails)
    if not asked.any():
        return sides, asked
    events, people = counts_of(subject, case)
    risk = neighbourhood_risk(events, people, case.graph.adjacency, star=False)
    other = Sides.of(Tails(risk.upper, risk.lower, np.ones(len(asked), int), np.ones(len(asked), bool)))
    larger = (np.where(asked, np.fmax(a, b), a) for a, b in zip(sides, other, strict=True))
    return Sides(*larger), asked


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
