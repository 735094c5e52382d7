"""Permutation tests in two stages: a few draws for every area, many for those where they decide.

Whatever a statistic draws, the stages are the same: areas whose first p is small get a second, independent
table of draws, and its p replaces the first. Replacing instead of choosing keeps the size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap._typing import Alternative
from safemap.errors import ConfigError
from safemap.stats.permutation import PermutationTest, Tails, p_from_tails

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: sites, number of draws, source of the draws -> tails of these sites, in their order
Draw = Callable[[Ints, int, np.random.SeedSequence], Tails]


def staged_test(
    draw: Draw,
    tested: ArrayLike,
    *,
    known: Tails | None = None,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    refine_below: float = 0.05,
    alternative: Alternative = "two-sided",
    flip: ArrayLike | None = None,
    rng: int | np.random.SeedSequence = 0,
) -> PermutationTest:
    """P-values of the areas that are tested, from draws in two stages.

    Parameters
    ----------
    draw : callable
        Given rows of areas, a number of draws and a seed, the tails of these areas.
    tested : array_like of bool
        Areas to test; the others get NaN.
    known : Tails, optional
        Tails of all areas that were computed instead of drawn, where ``exact`` is True.
    permutations, max_permutations, refine_below, alternative, flip, rng
        As in :func:`safemap.stats.permutation.conditional_test`.

    Raises
    ------
    ConfigError
        When a number of draws is below 1 or the alternative is unknown.
    """
    if permutations < 1 or max_permutations < 1:
        raise ConfigError(
            f"permutations and max_permutations must be 1 or more; got {permutations} and {max_permutations}."
        )
    if alternative not in ("two-sided", "greater", "less"):
        raise ConfigError(f"alternative must be two-sided, greater or less; got {alternative!r}.")
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
    first_seed, second_seed = seed.spawn(2)
    wanted = np.asarray(tested, dtype=bool)
    n = len(wanted)
    tails = Tails(np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool))
    computed = np.zeros(n, dtype=bool)
    if known is not None:
        computed = wanted & known.exact
        _replace(tails, Tails(*(np.asarray(part)[computed] for part in known)), np.flatnonzero(computed))
    first = np.flatnonzero(wanted & ~computed)
    _replace(tails, draw(first, permutations, first_seed), first)
    p = p_from_tails(tails, alternative, flip=flip)
    refined = np.zeros(n, dtype=bool)
    if max_permutations > permutations:
        refined = wanted & ~tails.exact & (p <= refine_below)
        second = np.flatnonzero(refined)
        _replace(tails, draw(second, max_permutations, second_seed), second)
        p = p_from_tails(tails, alternative, flip=flip)
    return PermutationTest(p, tails, refined, computed)


def fit_links(values: ArrayLike, weights: csr_array, *, constant: bool = False) -> tuple[Floats, csr_array]:
    """Values and weights that fit each other, links that weigh nothing left out, or an error that says why.

    Raises
    ------
    StatisticsError
        When shapes differ, fewer than three areas are given, a value is missing or infinite, all values are
        equal (unless `constant`), an area is its own neighbour, or there is no link.
    """
    from scipy.sparse import csr_array

    from safemap.stats.autocorrelation import _checked

    links = csr_array(weights, dtype=float, copy=True)
    links.sum_duplicates()
    links.eliminate_zeros()
    return _checked(values, links, constant=constant)


def _replace(tails: Tails, parts: Tails, sites: Ints) -> None:
    if len(sites):
        for whole, part in zip(tails, parts, strict=True):
            whole[sites] = part
