"""Neighbours that count differently: against every arrangement, against the even engine, and by law."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import kstest

from safemap.stats import weighted_permutation
from safemap.stats.permutation import conditional_test, smallest_p
from safemap.stats.weighted_permutation import uneven_rows, weighted_tails


def links_of(dense: np.ndarray) -> csr_array:
    out = csr_array(np.asarray(dense, dtype=float))
    out.sort_indices()
    return out


def random_weights(rng: np.random.Generator, n: int, share: float) -> csr_array:
    upper = np.triu(rng.random((n, n)) < share, 1)
    return links_of((upper | upper.T) * rng.uniform(0.1, 1.0, (n, n)))


def kernel_grid(side: int) -> csr_array:
    """Queen neighbours of a grid; those across a corner weigh less."""
    at = np.array([(r, c) for r in range(side) for c in range(side)])
    apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    return links_of(np.where((apart > 0) & (apart < 1.5), 1 / np.maximum(apart, 1), 0))


def brute_force(values: np.ndarray, weights: csr_array) -> np.ndarray:
    """Two-sided p by every rearrangement of the other values, written as plainly as possible."""
    n, dense = len(values), weights.toarray()
    p = np.full(n, np.nan)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        if not dense[i].any():
            continue
        observed = dense[i, others] @ values[others]
        sums = np.array(
            [dense[i, others] @ np.array(dealt) for dealt in itertools.permutations(values[others])]
        )
        more, fewer = (sums >= observed - 1e-9).sum(), (sums <= observed + 1e-9).sum()
        p[i] = min(1.0, 2 * min(more, fewer) / len(sums))
    return p


@pytest.mark.parametrize("kind", ["normal", "counts", "one case"])
@pytest.mark.parametrize("seed", [1, 2])
def test_enumeration_equals_all_permutations(kind, seed):
    rng = np.random.default_rng(seed)
    weights = random_weights(rng, 7, 0.5)
    values = {
        "normal": rng.normal(size=7),
        "counts": rng.poisson(1.5, 7).astype(float),
        "one case": np.eye(7)[0],
    }[kind]
    test = conditional_test(values, weights, weighted=True)
    np.testing.assert_allclose(test.p_value, brute_force(values, weights), atol=1e-12)
    assert test.tails.exact[np.diff(weights.indptr) > 0].all()


@pytest.mark.parametrize("kind", ["normal", "counts"])
def test_sampling_agrees_with_enumeration(kind):
    rng = np.random.default_rng(5)
    n, draws = 10, 5_000
    weights = random_weights(rng, n, 0.6)
    values = rng.normal(size=n) if kind == "normal" else rng.poisson(2.0, n).astype(float)
    options = {"weighted": True, "max_permutations": 1}
    exact = conditional_test(values, weights, permutations=400_000, **options)
    drawn = conditional_test(values, weights, permutations=draws, **options)
    assert exact.tails.exact.all()
    sampled = ~drawn.tails.exact
    assert sampled.sum() >= 5
    for all_of_them, some in (
        (exact.tails.at_least, drawn.tails.at_least),
        (exact.tails.at_most, drawn.tails.at_most),
    ):
        share = (all_of_them / exact.tails.draws)[sampled]
        error = np.sqrt(share * (1 - share) / draws) + 1 / draws
        assert (np.abs(some[sampled] / draws - share) < 4.5 * error).all()


def test_nearly_even_weights_give_what_even_ones_give():
    rng = np.random.default_rng(0)
    values = rng.normal(size=225)
    even = kernel_grid(15)
    even.data[:] = 1.0
    nearly = even.copy()
    nearly.data *= 1 + 1e-7 * rng.random(nearly.nnz)
    assert not uneven_rows(even).any()
    assert uneven_rows(nearly).all()
    draws = 20_000
    a = conditional_test(values, even, weighted=True, permutations=draws, max_permutations=1)
    b = conditional_test(values, nearly, weighted=True, permutations=draws, max_permutations=1)
    share = a.tails.at_least / draws
    error = np.sqrt(2 * share * (1 - share) / draws) + 1 / draws
    assert (np.abs(b.tails.at_least / draws - share) < 5 * error).all()


def test_even_rows_do_not_notice_that_others_are_uneven():
    rng = np.random.default_rng(1)
    values, links = rng.normal(size=100), kernel_grid(10)
    mixed = links.copy()
    rows = np.repeat(np.arange(100), np.diff(links.indptr))
    mixed.data[rows < 60] = 0.25
    options = {"permutations": 999, "max_permutations": 1}
    plain = conditional_test(values, mixed, **options).p_value
    test = conditional_test(values, mixed, weighted=True, **options).p_value
    differ = test != plain
    assert not differ[:60].any()
    assert differ[60:].any()


def test_own_value_is_never_drawn():
    # the huge value of area 0 must not enter its own reference sums
    values = np.r_[1e4, np.random.default_rng(0).normal(size=29)]
    dense = np.zeros((30, 30))
    dense[0, 1:9] = np.linspace(1, 2, 8)
    tails = weighted_tails(values, links_of(dense), np.array([0]), 3_000, np.random.default_rng(0))
    calm = values.copy()
    calm[0] = 0
    expected = weighted_tails(calm, links_of(dense), np.array([0]), 3_000, np.random.default_rng(0))
    np.testing.assert_array_equal(tails.at_least, expected.at_least)
    assert 0 < tails.at_least[0] < 3_000


def test_everyone_a_neighbour_of_everyone():
    rng = np.random.default_rng(2)
    at = rng.random(60)
    weights = links_of(1 / (0.1 + np.abs(at[:, None] - at[None])) * (1 - np.eye(60)))
    smooth = conditional_test(at, weights, weighted=True, permutations=999, max_permutations=1).p_value
    noise = conditional_test(
        rng.normal(size=60), weights, weighted=True, permutations=999, max_permutations=1
    )
    assert (smooth < 0.05).mean() > 0.4
    assert (noise.p_value < 0.05).mean() < 0.2


def test_exact_ties_count_in_both_tails():
    values = np.zeros(100)
    values[55] = 1
    p = conditional_test(values, kernel_grid(10), weighted=True, max_permutations=1).p_value
    assert p[55] == 1.0
    assert p[0] == 1.0
    # 8 of 99 places touch; a corner neighbour's sum is reached by all 8 of them, an edge neighbour's by 4
    assert p[44] == pytest.approx(2 * 8 / 99, abs=0.015)
    assert p[45] == pytest.approx(2 * 4 / 99, abs=0.012)


def test_blocks_do_not_change_the_answer(monkeypatch):
    rng = np.random.default_rng(7)
    values, weights = rng.normal(size=144), kernel_grid(12)
    sites = np.arange(144)
    whole = weighted_tails(values, weights, sites, 2_000, np.random.default_rng(3))
    monkeypatch.setattr(weighted_permutation, "_BLOCK_WORK", 2**16)  # 8 areas
    parts = weighted_tails(values, weights, sites, 2_000, np.random.default_rng(3))
    np.testing.assert_array_equal(whole.at_least, parts.at_least)
    np.testing.assert_array_equal(whole.at_most, parts.at_most)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(2.0, 0.0), (1.0, 1e6), (0.1, -5.0)]))
def test_affine_change_of_values_and_scale_of_weights_keep_p(seed, change):
    factor, shift = change
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=49), kernel_grid(7)
    options = {"weighted": True, "permutations": 300, "max_permutations": 1}
    p = conditional_test(values, weights, **options).p_value
    np.testing.assert_array_equal(conditional_test(factor * values + shift, weights, **options).p_value, p)
    scaled = weights.copy()
    scaled.data *= 7
    np.testing.assert_array_equal(conditional_test(values, scaled, **options).p_value, p)


def test_p_is_uniform_on_noise():
    rng = np.random.default_rng(11)
    weights = kernel_grid(12)
    p = [
        conditional_test(
            rng.normal(size=144), weights, weighted=True, permutations=499, max_permutations=1, rng=i
        ).p_value[[0, 40, 77, 143]]
        for i in range(120)
    ]
    for one in np.array(p).T:
        assert kstest(one, "uniform").pvalue > 0.001


def test_one_sided_and_flipped_p():
    rng = np.random.default_rng(4)
    values, weights = rng.normal(size=49), kernel_grid(7)
    options = {"weighted": True, "permutations": 999, "max_permutations": 1}
    up = conditional_test(values, weights, alternative="greater", **options).p_value
    down = conditional_test(values, weights, alternative="less", flip=np.ones(49, bool), **options).p_value
    np.testing.assert_array_equal(up, down)


def test_smallest_p_counts_arrangements():
    # 5 areas, 2 neighbours: 12 ordered choices of the 4 others, 6 unordered ones
    options = {"permutations": 9_999, "max_permutations": 999_999}
    assert smallest_p(5, [2], ordered=True, **options).tolist() == [2 / 12]
    assert smallest_p(5, [2], **options).tolist() == [2 / 6]
