"""The constant-risk null: everybody runs the same risk, so events fall on areas as people do.

Given their total, the events of the areas are then multinomial with the shares of the population, and those
of any set of areas are binomial: no permutations are needed, and areas of any size can be compared. Rejecting
says that the risk here differs from that of the rest; unlike a permutation of rates it does not ask whether
areas that differ lie together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from safemap.errors import StatisticsError
from safemap.stats.running import Meter

Floats = NDArray[np.float64]

#: Random numbers held at a time.
_BLOCK = 2**21


class NeighbourhoodRisk(NamedTuple):
    """How the events of each neighbourhood lie in their distribution under constant risk."""

    upper: Floats  #: probability of as many or more; NaN without neighbours
    lower: Floats  #: probability of as many or fewer; NaN without neighbours
    expected: Floats  #: mean of the (weighted) number of events
    variance: Floats  #: its variance
    z_score: Floats  #: observed less expected over the standard deviation; NaN where that is 0


def excess(events: ArrayLike, population: ArrayLike) -> Floats:
    """Events less those expected under constant risk, in units of the square root of the expected number.

    Examples
    --------
    >>> excess([4, 16], [100, 100]).round(3).tolist()
    [-1.897, 1.897]
    """
    x, people = _checked(events, population)
    expected = x.sum() * people / people.sum()
    return (x - expected) / np.sqrt(expected)


def neighbourhood_risk(
    events: ArrayLike, population: ArrayLike, links: csr_array, *, star: bool = True
) -> NeighbourhoodRisk:
    """Exact tails of the number of events in each neighbourhood.

    Parameters
    ----------
    events, population : array_like
        Whole counts and people of the same areas; every population above 0.
    links : scipy CSR matrix
        Neighbours of each area (its non-zero pattern), without the area itself.
    star : bool
        True: the events of the area and its neighbours together, binomial with all events and their share of
        the population. False: those of the neighbours, given the events of the area itself, binomial with the
        other events and the neighbours' share of the other people.

    References
    ----------
    Besag, J., Newell, J. (1991). The detection of clusters in rare diseases. Journal of the Royal Statistical
    Society A 154, 143-155. doi:10.2307/2982708

    Examples
    --------
    Three areas in a row; 6 of 10 events lie in the first two, which hold two thirds of the people:

    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 2, [1.0] * 2], offsets=[-1, 1]).tocsr()
    >>> risk = neighbourhood_risk([1, 5, 4], [100, 100, 100], row)
    >>> float(risk.expected[0].round(3)), float(risk.lower[0].round(3))
    (6.667, 0.441)
    """
    x, people = _checked(events, population)
    near = csr_array(links, dtype=float, copy=True)
    near.data[:] = 1.0
    alone = np.diff(near.indptr) == 0
    seen, there = near @ x, near @ people
    if star:
        trials, share = np.full(len(x), x.sum()), (there + people) / people.sum()
        seen = seen + x
    else:
        trials, share = x.sum() - x, there / (people.sum() - people)
    share = np.clip(share, 0.0, 1.0)
    expected, variance = trials * share, trials * share * (1 - share)
    upper, lower = _binomial_tails(np.rint(seen), trials, share)
    return NeighbourhoodRisk(
        *(np.where(alone, np.nan, a) for a in (upper, lower, expected, variance)),
        np.where(
            alone | (variance <= 0), np.nan, (seen - expected) / np.sqrt(np.where(variance > 0, variance, 1))
        ),
    )


def weighted_moments(
    events: ArrayLike, population: ArrayLike, weights: csr_array, *, own: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Observed weighted number of events, its mean and its variance under constant risk.

    `own` is the weight of the area itself; None asks about the neighbours given the area's own events.
    """
    x, people = _checked(events, population)
    w, squares = csr_array(weights), csr_array(weights).multiply(weights).tocsr()
    observed, mass, mass2 = w @ x, w @ people, squares @ people
    if own is None:
        trials, base = x.sum() - x, people.sum() - people
    else:
        own = np.broadcast_to(np.asarray(own, dtype=float), x.shape)
        trials, base = np.full(len(x), x.sum()), np.full(len(x), people.sum())
        observed, mass, mass2 = observed + own * x, mass + own * people, mass2 + own**2 * people
    mean = mass / base
    return observed, trials * mean, trials * (mass2 / base - mean**2)


def simulated_tails(
    events: ArrayLike,
    population: ArrayLike,
    weights: csr_array,
    sites: NDArray[np.int64],
    draws: int,
    rng: np.random.Generator,
    *,
    own: ArrayLike | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of `draws` multinomial maps give `sites` a weighted sum at least, and at most, as large.

    For neighbours that count differently, where no exact distribution is at hand. Arguments as in
    :func:`weighted_moments`; sums within 1e-10 of each other are ties.
    """
    x, people = _checked(events, population)
    observed = weighted_moments(x, people, weights, own=own)[0]
    high, low = np.zeros(len(sites), dtype=np.int64), np.zeros(len(sites), dtype=np.int64)
    meter = Meter("areas under constant risk", len(sites))
    for number, i in enumerate(sites):
        at = slice(weights.indptr[i], weights.indptr[i + 1])
        w, share = np.asarray(weights.data[at], dtype=float), people[weights.indices[at]]
        trials, base = x.sum() - x[i], people.sum() - people[i]
        if own is not None:
            w = np.r_[w, np.broadcast_to(np.asarray(own, dtype=float), x.shape)[i]]
            share, trials, base = np.r_[share, people[i]], x.sum(), people.sum()
        tolerance = 1e-10 * w.max() * max(float(trials), 1.0)
        shares = np.r_[share, max(base - share.sum(), 0.0)] / base
        step = max(1, _BLOCK // len(shares))
        for start in range(0, draws, step):
            maps = rng.multinomial(int(trials), shares / shares.sum(), size=min(step, draws - start))
            sums = maps[:, :-1] @ w
            high[number] += int((sums >= observed[i] - tolerance).sum())
            low[number] += int((sums <= observed[i] + tolerance).sum())
        meter.add(1)
    return high, low


def _binomial_tails(seen: Floats, trials: Floats, share: Floats) -> tuple[Floats, Floats]:
    """P(X >= seen) and P(X <= seen), each from its own end so that small ones stay exact."""
    from scipy.special import betainc

    inner = np.clip(seen, 1, None)
    upper = np.where(seen <= 0, 1.0, betainc(inner, np.maximum(trials - inner + 1, 1e-300), share))
    below = np.maximum(trials - seen, 1e-300)
    lower = np.where(seen >= trials, 1.0, betainc(below, seen + 1, 1 - share))
    return upper, lower


def _checked(events: ArrayLike, population: ArrayLike) -> tuple[Floats, Floats]:
    x, people = np.asarray(events, dtype=float), np.asarray(population, dtype=float)
    if x.shape != people.shape or x.ndim != 1:
        raise StatisticsError(f"events and population must fit: {x.shape} and {people.shape}.")
    if not (np.isfinite(x).all() and (x >= 0).all() and np.array_equal(x, np.rint(x))):
        raise StatisticsError("Under constant risk events must be whole numbers of 0 or more, none missing.")
    if not (np.isfinite(people).all() and (people > 0).all()):
        raise StatisticsError("Under constant risk every population must be above 0 and known.")
    if x.sum() == 0:
        raise StatisticsError("There is no event, so there is no risk to compare.")
    return x, people
