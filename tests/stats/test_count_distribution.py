"""The exact distribution of sums of counts against every subset, against draws, and by law."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import hypergeom

from safemap.errors import StatisticsError
from safemap.stats.count_distribution import exact_tails, sum_distribution
from safemap.stats.permutation import conditional_moments, conditional_test


def links_of(dense: np.ndarray) -> csr_array:
    out = csr_array(np.asarray(dense, dtype=float))
    out.sort_indices()
    return out


def random_links(rng: np.random.Generator, n: int, share: float) -> csr_array:
    upper = np.triu(rng.random((n, n)) < share, 1)
    return links_of(upper | upper.T)


def ring(n: int, each_side: int) -> csr_array:
    at = np.arange(n)
    apart = np.abs(at[:, None] - at[None])
    apart = np.minimum(apart, n - apart)
    return links_of((apart > 0) & (apart <= each_side))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3, 9), min_size=1, max_size=9), st.data())
def test_distribution_equals_all_subsets(values, data):
    k = data.draw(st.integers(0, len(values)))
    sums = [sum(subset) for subset in itertools.combinations(values, k)]
    expected, ways = np.unique(sums, return_counts=True)
    found, p = sum_distribution(values, k)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(p, ways / comb(len(values), k), rtol=1e-12)


def test_zeros_and_ones_are_hypergeometric():
    values = np.r_[np.ones(300), np.zeros(9_700)]
    sums, p = sum_distribution(values, 25)
    np.testing.assert_allclose(p, hypergeom.pmf(sums, 10_000, 300, 25), rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_tails_equal_enumeration(seed):
    rng = np.random.default_rng(seed)
    n = 14
    links = random_links(rng, n, [0.15, 0.4, 0.7][seed % 3])
    values = rng.poisson([0.3, 2.0, 15.0][seed // 2], n).astype(float) - 4
    enumerated = conditional_test(values, links, permutations=10_000, max_permutations=1)
    assert enumerated.tails.exact[np.diff(links.indptr) > 0].all()
    computed = conditional_test(values, links, counts=True)
    np.testing.assert_array_equal(computed.computed, np.diff(links.indptr) > 0)
    np.testing.assert_allclose(computed.p_value, enumerated.p_value, rtol=1e-11)
    for alternative in ("greater", "less"):
        one, other = (
            conditional_test(values, links, alternative=alternative, flip=values > 0, **options).p_value
            for options in ({"counts": True}, {"permutations": 10_000, "max_permutations": 1})
        )
        np.testing.assert_allclose(one, other, rtol=1e-11)


def test_draws_agree_within_their_error():
    rng = np.random.default_rng(3)
    values, links, draws = rng.negative_binomial(0.5, 0.05, 400).astype(float), ring(400, 4), 40_000
    computed = conditional_test(values, links, counts=True)
    drawn = conditional_test(values, links, permutations=draws, max_permutations=1)
    assert computed.computed.all()
    assert not drawn.computed.any()
    tail = computed.tails.at_least
    error = np.sqrt(tail * (1 - tail) / draws) + 1 / draws
    assert (np.abs(drawn.tails.at_least / draws - tail) < 5 * error).all()


def test_tails_have_the_closed_form_moments():
    rng = np.random.default_rng(9)
    values = rng.poisson(3, 60).astype(float)
    for i in (0, 17):
        sums, p = sum_distribution(np.delete(values, i), 7)
        mean, variance = (m[i] for m in conditional_moments(values, np.full(60, 7)))
        assert p @ sums == pytest.approx(mean)
        assert p @ (sums - mean) ** 2 == pytest.approx(variance)


def test_very_small_p_is_exact():
    # the only way to reach the sum is to draw the six largest of 5,999 others
    values = np.zeros(6_000)
    values[:7] = [1, 50, 50, 50, 50, 50, 50]
    dense = csr_array((np.ones(6), (np.zeros(6, int), np.arange(1, 7))), shape=(6_000, 6_000))
    p = conditional_test(values, dense, counts=True).p_value[0]
    assert p == pytest.approx(2 / comb(5_999, 6), rel=1e-10)


def test_upper_and_lower_overlap_in_the_probability_of_a_tie():
    rng = np.random.default_rng(1)
    values, links = rng.poisson(1.0, 80).astype(float), ring(80, 2)
    tails = exact_tails(values, links)
    tie = tails.upper + tails.lower - 1
    for i in (0, 33, 79):
        sums, p = sum_distribution(np.delete(values, i), 4)
        assert tie[i] == pytest.approx(p[sums == values[links[[i]].indices].sum()][0])


def test_lone_case_among_zeros_is_exactly_one():
    values = np.zeros(200)
    values[50] = 1
    p = conditional_test(values, ring(200, 3), counts=True).p_value
    assert p[50] == 1.0
    assert p[49] == pytest.approx(2 * 6 / 199)
    assert p[100] == 1.0


def test_only_what_is_cheap_is_computed():
    rng = np.random.default_rng(0)
    values = rng.poisson(20, 120).astype(float)
    dense = ring(120, 2).toarray()
    dense[7] = np.arange(120) % 3 == 0
    dense[7, 7] = 0
    links = links_of(dense)
    narrow = exact_tails(values, links, max_work=4e5)
    assert not narrow.known[7]
    assert narrow.known[[0, 60]].all()
    assert np.isnan(narrow.upper[7])
    assert not exact_tails(values, links, max_work=10).known.any()
    wide = conditional_test(rng.integers(0, 10**9, 120).astype(float), links, counts=True)
    assert not wide.computed.any()
    assert np.isfinite(wide.p_value).all()
    odd = conditional_test(rng.normal(size=120), links, counts=True)
    assert not odd.computed.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(1, 1, 0), (3, 1, 0), (-1, 1, 0), (1, 1, -7), (1, 10, 0)]))
def test_affine_change_and_order_keep_p(seed, change):
    factor, divisor, shift = change
    rng = np.random.default_rng(seed)
    values, links = rng.poisson(2, 40).astype(float), random_links(rng, 40, 0.15)
    p = conditional_test(values, links, counts=True).p_value
    np.testing.assert_allclose(
        conditional_test(factor * values / divisor + shift, links, counts=True).p_value, p
    )
    order = rng.permutation(40)
    shuffled = conditional_test(values[order], links_of(links.toarray()[order][:, order]), counts=True)
    np.testing.assert_array_equal(shuffled.p_value, p[order])
    np.testing.assert_array_equal(np.isnan(p), np.diff(links.indptr) == 0)


def test_wide_neighbourhoods_use_the_complement():
    rng = np.random.default_rng(2)
    values, near = rng.poisson(0.5, 50).astype(float), ring(50, 3)
    far = links_of(1 - near.toarray() - np.eye(50))
    a, b = (conditional_test(values, links, counts=True) for links in (near, far))
    assert b.computed.all()
    np.testing.assert_allclose(a.p_value, b.p_value, rtol=1e-12)
    everyone = conditional_test(values, links_of(1 - np.eye(50)), counts=True)
    assert (everyone.p_value == 1).all()


def test_senseless_input_is_refused():
    with pytest.raises(StatisticsError, match="whole numbers"):
        sum_distribution([0.5, 1], 1)
    with pytest.raises(StatisticsError, match="whole numbers"):
        exact_tails([1, np.nan, 2], ring(3, 1))
    with pytest.raises(StatisticsError, match="k must lie between 0 and"):
        sum_distribution([1, 2], 3)
