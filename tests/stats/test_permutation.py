"""The permutation engine against brute force, by hand, and by law."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.draws import all_subsets, distinct_columns, distinct_rows
from safemap.stats.permutation import (
    Tails,
    comparable,
    conditional_moments,
    conditional_test,
    deviations,
    p_from_tails,
    smallest_p,
)


def links_of(dense: np.ndarray) -> csr_array:
    out = csr_array(np.asarray(dense, dtype=float))
    out.sort_indices()
    return out


def queen(rows: int, columns: int) -> csr_array:
    at = np.array([(r, c) for r in range(rows) for c in range(columns)])
    apart = np.abs(at[:, None] - at[None]).max(axis=2)
    return links_of(apart == 1)


def random_links(rng: np.random.Generator, n: int, share: float) -> csr_array:
    upper = np.triu(rng.random((n, n)) < share, 1)
    return links_of(upper | upper.T)


def brute_force(values: np.ndarray, links: csr_array) -> np.ndarray:
    """Two-sided p by every rearrangement of the other values, written as plainly as possible."""
    n, dense = len(values), links.toarray() > 0
    p = np.full(n, np.nan)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        if not dense[i].any():
            continue
        observed = sum(values[j] for j in others if dense[i, j])
        more = fewer = total = 0
        for dealt in itertools.permutations(values[others]):
            s = sum(v for v, j in zip(dealt, others, strict=True) if dense[i, j])
            more += s >= observed - 1e-9
            fewer += s <= observed + 1e-9
            total += 1
        p[i] = min(1.0, 2 * min(more, fewer) / total)
    return p


@pytest.mark.parametrize("kind", ["normal", "counts", "tenths", "one case"])
@pytest.mark.parametrize("seed", [1, 2])
def test_enumeration_equals_all_permutations(kind, seed):
    rng = np.random.default_rng(seed)
    n = 7
    links = random_links(rng, n, 0.45)
    values = {
        "normal": rng.normal(size=n),
        "counts": rng.poisson(1.5, n).astype(float),
        "tenths": rng.integers(0, 4, n) / 10,
        "one case": np.eye(n)[0],
    }[kind]
    test = conditional_test(values, links)
    np.testing.assert_allclose(test.p_value, brute_force(values, links), atol=1e-12)
    assert test.tails.exact[np.diff(links.indptr) > 0].all()


@pytest.mark.parametrize("kind", ["normal", "counts"])
def test_sampling_agrees_with_enumeration(kind):
    rng = np.random.default_rng(5)
    n, draws = 20, 4_000
    links = random_links(rng, n, 0.35)
    values = rng.normal(size=n) if kind == "normal" else rng.poisson(2.0, n).astype(float)
    exact = conditional_test(values, links, permutations=200_000, max_permutations=1)
    drawn = conditional_test(values, links, permutations=draws, max_permutations=1)
    assert exact.tails.exact.all()
    sampled = ~drawn.tails.exact
    sampled_p, exact_p = drawn.p_value[sampled] / 2, exact.p_value[sampled] / 2
    assert len(sampled_p) > 4
    error = np.sqrt(exact_p * (1 - exact_p) / draws) + 1 / draws
    assert (np.abs(sampled_p - exact_p) < 5 * error).all()


def test_three_by_three_grid_by_hand():
    # the centre is linked to all 8 others, so every rearrangement gives the same sum
    # a corner has 3 neighbours out of 8: C(8, 3) = 56 sums; it sees 4 + 5 + 6 here
    values = np.array([1, 4, 0, 5, 6, 0, 0, 0, 0], dtype=float)
    test = conditional_test(values, queen(3, 3))
    assert test.p_value[4] == 1.0
    assert test.tails.draws[0] == comb(8, 3)
    assert test.tails.at_least[0] == 1  # only 4 + 5 + 6 reaches 15
    assert test.p_value[0] == pytest.approx(2 / 56)


def test_lone_case_among_zeros_is_never_a_finding():
    values = np.zeros(400)
    values[137] = 1
    test = conditional_test(values, queen(20, 20), max_permutations=99_999)
    assert test.p_value[137] == 1.0
    neighbours = queen(20, 20)[[137]].indices
    # 8 of 399 arrangements put the case next to it, and all others tie with the rest
    np.testing.assert_allclose(test.p_value[neighbours], 2 * 8 / 399, atol=0.005)
    others = np.setdiff1d(np.arange(400), [*neighbours, 137])
    assert (test.p_value[others] == 1.0).all()


def test_area_without_neighbours_has_no_p():
    dense = np.zeros((6, 6))
    dense[0, 1] = dense[1, 0] = dense[2, 3] = dense[3, 2] = 1
    test = conditional_test([1, 2, 3, 4, 5, 6], links_of(dense))
    assert np.isnan(test.p_value[[4, 5]]).all()
    assert (test.tails.draws[[4, 5]] == 0).all()
    assert np.isfinite(test.p_value[:4]).all()


def test_area_linked_to_all_others_has_p_one():
    values = np.random.default_rng(0).normal(size=12)
    assert (conditional_test(values, links_of(1 - np.eye(12))).p_value == 1.0).all()


def test_wide_neighbourhoods_agree_with_their_complement():
    # 300 areas with 60 neighbours use the look-up, and 239 neighbours the complement of 60
    rng = np.random.default_rng(8)
    n = 300
    ring = np.zeros((n, n))
    for step in range(1, 31):
        ring[np.arange(n), (np.arange(n) + step) % n] = ring[np.arange(n), (np.arange(n) - step) % n] = 1
    values = rng.normal(size=n)
    near = conditional_test(values, links_of(ring), permutations=4_999, max_permutations=1)
    far = conditional_test(values, links_of(1 - ring - np.eye(n)), permutations=4_999, max_permutations=1)
    np.testing.assert_allclose(near.p_value, far.p_value, atol=0.06)
    assert np.corrcoef(near.p_value, far.p_value)[0, 1] > 0.999


def test_reference_sums_have_the_closed_form_moments():
    rng = np.random.default_rng(3)
    values, k, i = rng.gamma(2.0, size=40), 6, 11
    others = np.delete(values, i)
    drawn = np.array([rng.choice(others, k, replace=False).sum() for _ in range(20_000)])
    mean, variance = (m[i] for m in conditional_moments(values, np.full(40, k)))
    assert drawn.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / 20_000))
    assert drawn.var() == pytest.approx(variance, rel=0.05)


def test_second_stage_replaces_the_first_and_never_takes_the_smaller():
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    links = queen(20, 20)
    first = conditional_test(values, links, permutations=199, max_permutations=1)
    both = conditional_test(values, links, permutations=199, max_permutations=50_000, refine_below=0.1)
    expected = ~first.tails.exact & (first.p_value <= 0.1)
    np.testing.assert_array_equal(both.refined, expected)
    np.testing.assert_array_equal(both.p_value[~expected], first.p_value[~expected])
    assert (both.p_value[expected] > first.p_value[expected]).any()
    assert (both.tails.draws[expected] == 50_000).all()


def test_second_stage_reaches_the_p_that_a_false_discovery_rate_needs():
    values = np.zeros(900) + np.random.default_rng(1).normal(size=900)
    values[[434, 435, 436, 464, 465, 466, 494, 495, 496]] += 12
    test = conditional_test(values, queen(30, 30))
    assert test.p_value[465] < 1e-5


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_one_sided_p_and_its_flip(alternative):
    rng = np.random.default_rng(4)
    values, links = rng.poisson(3, 25).astype(float), queen(5, 5)
    one = conditional_test(values, links, alternative=alternative)
    flipped = conditional_test(values, links, alternative=alternative, flip=np.ones(25, dtype=bool))
    other = conditional_test(values, links, alternative={"greater": "less", "less": "greater"}[alternative])
    np.testing.assert_array_equal(flipped.tails.draws >= 9_999, other.tails.draws >= 9_999)
    stage_one = ~(one.refined | flipped.refined | other.refined)
    np.testing.assert_array_equal(flipped.p_value[stage_one], other.p_value[stage_one])
    assert ((one.p_value + other.p_value)[stage_one] >= 1).all()  # ties are in both


def test_same_number_same_p_and_another_number_another():
    values, links = np.random.default_rng(0).normal(size=100), queen(10, 10)
    a, b = (conditional_test(values, links, rng=7).p_value for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert (conditional_test(values, links, rng=8).p_value != a).any()


def test_draws_are_distinct_and_uniform_over_pairs():
    rng = np.random.default_rng(0)
    *_, table = distinct_columns(rng, 5, 60_000, 3)
    assert (np.sort(table, axis=0)[1:] != np.sort(table, axis=0)[:-1]).all()
    # 60 ordered triples, each expected 1,000 times
    counts = np.bincount(table[0] * 25 + table[1] * 5 + table[2], minlength=125)
    assert (counts > 0).sum() == 60
    chi2 = ((counts[counts > 0] - 1000) ** 2 / 1000).sum()
    assert chi2 < 100  # 59 degrees of freedom


def test_look_up_draws_are_distinct_too():
    *_, table = distinct_columns(np.random.default_rng(0), 60, 200, 50)
    assert (np.diff(np.sort(table, axis=0), axis=0) > 0).all()


def test_rows_that_take_most_ids_are_distinct_and_uniform():
    table = distinct_rows(np.random.default_rng(0), 4, 24_000, 4)
    orders, counts = np.unique(table, axis=1, return_counts=True)
    assert orders.shape == (4, 24)
    assert ((counts - 1000) ** 2 / 1000).sum() < 53  # 23 degrees of freedom


@pytest.mark.parametrize(("n", "k"), [(5, 0), (5, 1), (6, 3), (7, 7), (9, 4)])
def test_all_subsets_are_all_subsets(n, k):
    assert sorted(map(tuple, all_subsets(n, k).T.tolist())) == list(itertools.combinations(range(n), k))


@given(st.lists(st.integers(-200, 200), min_size=3, max_size=12), st.sampled_from([1, 10, 1000]))
def test_decimal_steps_become_whole_numbers(numbers, step):
    values = np.array(numbers) / step
    whole, tolerance = comparable(values)
    assert tolerance == 0
    np.testing.assert_array_equal(whole, np.rint(whole))
    ratio = np.unique(np.round(whole[values != 0] / values[values != 0], 6))
    assert len(ratio) <= 1


def test_exact_ties_of_decimals_are_ties():
    # 0.1 + 0.2 and 0.3 + 0.0 differ in floating point
    values = np.array([9.0, 0.1, 0.2, 0.3, 0.0])
    dense = np.zeros((5, 5))
    dense[0, [1, 2]] = dense[[1, 2], 0] = 1
    tails = conditional_test(values, links_of(dense)).tails
    assert tails.at_least[0] + tails.at_most[0] == 6 + 2  # 6 pairs, two of which give 0.3


def test_value_at_the_mean_is_exactly_at_the_mean():
    assert deviations([0.1, 0.2, 0.3])[1] == 0
    assert deviations([1.1, 1.2, 1.3, 1.4]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(2.0, 0.0), (1.0, 1e6), (-3.0, 7.0), (0.1, -5.0)]))
def test_affine_change_of_values_keeps_p(seed, change):
    factor, shift = change
    rng = np.random.default_rng(seed)
    values, links = rng.integers(0, 5, 36).astype(float), queen(6, 6)
    p = conditional_test(values, links, permutations=500, max_permutations=1).p_value
    changed = conditional_test(factor * values + shift, links, permutations=500, max_permutations=1).p_value
    np.testing.assert_array_equal(p, changed)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 30), st.floats(0.05, 0.9))
def test_p_is_between_what_can_be_reached_and_one(seed, n, share):
    rng = np.random.default_rng(seed)
    links = random_links(rng, n, share)
    cards = np.diff(links.indptr)
    test = conditional_test(rng.poisson(1.0, n).astype(float), links, permutations=99, max_permutations=999)
    least = smallest_p(n, cards, permutations=99, max_permutations=999)
    linked = cards > 0
    assert (np.isnan(test.p_value) == ~linked).all()
    assert (test.p_value[linked] >= least[linked] - 1e-12).all()
    assert (test.p_value[linked] <= 1).all()


def test_smallest_p_without_a_second_stage():
    # 19 permutations cannot reach p <= 0.05 two-sided, so nothing is ever refined
    assert smallest_p(500, [8], permutations=19, max_permutations=999_999).tolist() == [0.1]
    assert smallest_p(500, [8], permutations=999, max_permutations=999).tolist() == [0.002]
    one_sided = smallest_p(500, [8], permutations=999, max_permutations=999, alternative="greater")
    assert one_sided.tolist() == [0.001]


def test_p_from_tails_counts_ties_twice():
    tails = Tails(np.array([7]), np.array([95]), np.array([99]), np.array([False]))
    assert p_from_tails(tails, "two-sided")[0] == pytest.approx(2 * 8 / 100)
    assert p_from_tails(tails, "greater")[0] == pytest.approx(8 / 100)
    assert p_from_tails(tails, "less")[0] == pytest.approx(96 / 100)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"values": [1, np.nan, 3, 4]}, StatisticsError, "missing or infinite"),
        ({"values": [1, np.inf, 3, 4]}, StatisticsError, "missing or infinite"),
        ({"values": [1, 2, 3]}, StatisticsError, "must fit"),
        ({"permutations": 0}, ConfigError, "1 or more"),
        ({"alternative": "both"}, ConfigError, "two-sided"),
        ({"links": links_of(np.ones((4, 4)))}, StatisticsError, "own neighbour"),
    ],
)
def test_senseless_input_is_refused(change, error, words):
    call = {"values": [1, 2, 3, 4], "links": links_of(1 - np.eye(4)), **change}
    values, links = call.pop("values"), call.pop("links")
    with pytest.raises(error, match=words):
        conditional_test(values, links, **call)


NULLS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "sparse Poisson 0.15": lambda rng, n: rng.poisson(0.15, n).astype(float),
    "heavy ties": lambda rng, n: rng.integers(0, 2, n).astype(float),
}


@pytest.mark.parametrize("null", NULLS)
def test_size_is_at_most_alpha(null):
    rng = np.random.default_rng(2024)
    links, maps, alpha = queen(15, 15), 60, 0.05
    dense = links.toarray()
    dense[[3, 50]] = dense[:, [3, 50]] = 0  # two isolates
    links = links_of(dense)
    shares = []
    for number in range(maps):
        values = NULLS[null](rng, 225)
        p = conditional_test(values, links, permutations=999, max_permutations=1, rng=number).p_value
        assert np.isnan(p[[3, 50]]).all()
        shares.append(np.nanmean(p <= alpha))
    # areas of one map are dependent, so the error comes from the spread between maps
    error = np.std(shares, ddof=1) / np.sqrt(maps)
    assert np.mean(shares) <= alpha + 3 * error
    if null == "normal":
        assert np.mean(shares) >= alpha - 3 * error
