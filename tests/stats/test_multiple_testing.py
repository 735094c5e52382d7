"""Adjusted p-values against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.multiple_testing import adjust_p, fewest_findings, smallest_adjusted_p

METHODS = ["fdr_bh", "fdr_by", "holm", "bonferroni", "none"]
P = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def by_definition(p: np.ndarray, method: str) -> np.ndarray:
    """The step rules as their papers state them, one hypothesis at a time."""
    m, order = len(p), np.argsort(p)
    ranked = p[order]
    harmonic = sum(1 / r for r in range(1, m + 1))
    out = np.empty(m)
    for at in range(m):
        if method in ("fdr_bh", "fdr_by"):
            c = harmonic if method == "fdr_by" else 1.0
            out[order[at]] = min(1.0, min(ranked[r] * m * c / (r + 1) for r in range(at, m)))
        elif method == "holm":
            out[order[at]] = min(1.0, max(ranked[r] * (m - r) for r in range(at + 1)))
        else:
            out[order[at]] = min(1.0, ranked[at] * (m if method == "bonferroni" else 1))
    return out


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(p=P)
def test_equals_the_definition(method, p):
    np.testing.assert_allclose(adjust_p(p, method), by_definition(np.array(p), method), atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(p=P)
def test_never_below_the_p_and_never_above_one(method, p):
    adjusted = adjust_p(p, method)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_missing_stays_missing_and_does_not_count(method):
    p = np.array([0.01, np.nan, 0.2, np.nan, 0.03])
    adjusted = adjust_p(p, method)
    assert np.isnan(adjusted[[1, 3]]).all()
    np.testing.assert_array_equal(adjusted[[0, 2, 4]], adjust_p(p[[0, 2, 4]], method))


def test_nothing_tested_is_nothing_adjusted():
    assert np.isnan(adjust_p([np.nan, np.nan])).all()
    assert np.isnan(smallest_adjusted_p([np.nan]))
    assert adjust_p([]).shape == (0,)


def test_false_discovery_needs_p_that_draws_can_reach():
    # 999 permutations, 400 areas: Bonferroni can pass nothing; BH only if 40 areas get there together
    assert smallest_adjusted_p([0.002] * 400, "bonferroni") == pytest.approx(0.8)
    assert adjust_p([0.002] * 39 + [1.0] * 361)[0] > 0.02
    assert adjust_p([0.002] + [1.0] * 399)[0] == pytest.approx(0.8)


def test_unknown_method_and_impossible_p_are_refused():
    with pytest.raises(ConfigError, match="fdr_bh"):
        adjust_p([0.1], "fdr")
    with pytest.raises(StatisticsError, match="between 0 and 1"):
        adjust_p([1.2])


def test_false_discoveries_on_null_maps_stay_within_the_level():
    rng = np.random.default_rng(0)
    found = [(adjust_p(rng.random(200)) <= 0.05).any() for _ in range(400)]
    assert np.mean(found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@given(
    st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=12), st.sampled_from(METHODS), st.floats(0.01, 0.3)
)
def test_fewest_findings_are_the_fewest(smallest, method, alpha):
    p = np.sort(smallest)
    found = [
        k
        for k in range(1, len(p) + 1)
        if adjust_p(np.r_[p[:k], np.ones(len(p) - k)], method).min() <= alpha * (1 + 1e-12)
    ]
    assert fewest_findings([*smallest, np.nan], method, alpha) == (found[0] if found else 0)


def test_areas_that_are_not_tested_do_not_count():
    assert fewest_findings([np.nan, np.nan]) == 0
    assert fewest_findings([np.nan, 0.01]) == 1
