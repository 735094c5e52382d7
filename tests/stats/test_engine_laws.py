"""What holds for every reference distribution, whatever shortcut computed it."""

from __future__ import annotations

import itertools
from math import comb, perm

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import block_diag, csr_array
from scipy.stats import chi2

from safemap.stats import subset_permutation, tally, weighted_permutation
from safemap.stats.draws import distinct_rows
from safemap.stats.permutation import conditional_test
from safemap.stats.subset_permutation import neighbour_sums, row_blocks
from safemap.stats.tally import tail_counts
from safemap.stats.weighted_permutation import weighted_tails


def links_of(dense: np.ndarray) -> csr_array:
    out = csr_array(np.asarray(dense, dtype=float))
    out.sort_indices()
    return out


def grid_weights(side: int, *, corners: float = 1.0) -> csr_array:
    """Queen neighbours of a grid; those across a corner may have another weight."""
    at = np.array([(r, c) for r in range(side) for c in range(side)])
    apart = np.abs(at[:, None] - at[None])
    near = apart.max(axis=2) == 1
    return links_of(near * np.where(apart.sum(axis=2) == 2, corners, 1.0))


def plain_counts(numbers, marks, tolerance):
    more = (numbers[:, None] >= marks - tolerance).sum(axis=0)
    return more, (numbers[:, None] <= marks + tolerance).sum(axis=0)


NUMBERS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(size=n) ** 3,
    "few values": lambda rng, n: rng.integers(0, 4, n).astype(float),
    "whole": lambda rng, n: rng.integers(-900, 900, n).astype(float),
    "one value": lambda rng, n: np.full(n, 2.5),
    "all but one": lambda rng, n: np.r_[np.zeros(n - 1), 1e9],
}


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(sorted(NUMBERS)),
    st.integers(1, 60),
    st.integers(1, 2_000),
    st.sampled_from([0.0, 1e-9, 0.3]),
)
def test_counts_are_the_plain_ones(seed, kind, n, m, tolerance):
    rng = np.random.default_rng(seed)
    numbers = NUMBERS[kind](rng, n)
    marks = np.concatenate([NUMBERS[kind](rng, m), numbers, numbers + tolerance, [-1e300, 1e300]])
    found = tail_counts(numbers, marks, tolerance)
    for one, other in zip(found, plain_counts(numbers, marks, tolerance), strict=True):
        np.testing.assert_array_equal(one, other)


def test_counts_are_looked_up_in_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    numbers, marks = rng.normal(size=200), rng.normal(size=5_000)
    monkeypatch.setattr(tally, "_BLOCK", 77)
    for one, other in zip(tail_counts(numbers, marks), plain_counts(numbers, marks, 0.0), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("n", "width"), [(8, 2), (8, 3), (130, 36), (40, 36)])
def test_draws_of_any_width_are_distinct_and_treat_all_ids_alike(n, width):
    rows = 200_000 // width
    table = distinct_rows(np.random.default_rng(1), n, rows, width)
    assert table.shape == (width, rows)
    assert (np.diff(np.sort(table, axis=0), axis=0) > 0).all()
    counts = np.stack([np.bincount(draw, minlength=n) for draw in table])
    statistic = ((counts - rows / n) ** 2 / (rows / n)).sum()
    assert statistic < chi2.isf(1e-5, width * n)
    # the last two draws of a row, as a pair
    pairs = np.bincount(table[-2] * n + table[-1], minlength=n * n)
    expected = rows / (n * (n - 1))
    statistic = ((np.delete(pairs, np.arange(n) * (n + 1)) - expected) ** 2 / expected).sum()
    assert statistic < chi2.isf(1e-5, n * (n - 1) - 1)


def test_all_sizes_share_one_table_and_agree_with_enumeration():
    rng = np.random.default_rng(3)
    n, draws = 19, 20_000
    dense = np.zeros((n, n))
    for i, k in enumerate(range(n)):
        dense[i, rng.choice(np.delete(np.arange(n), i), k, replace=False)] = 1
    for values in (rng.normal(size=n), rng.poisson(1.0, n).astype(float)):
        exact = conditional_test(values, links_of(dense), permutations=10**6, max_permutations=1)
        drawn = conditional_test(values, links_of(dense), permutations=draws, max_permutations=1)
        assert exact.tails.exact[1:].all()
        sampled = np.flatnonzero(~drawn.tails.exact & (exact.tails.draws > 0))
        assert len(sampled) >= 5
        for i in sampled:
            k = min(int(dense[i].sum()), n - 1 - int(dense[i].sum()))
            assert exact.tails.draws[i] == comb(n - 1, k)
        share = exact.tails.at_least[sampled] / exact.tails.draws[sampled]
        error = np.sqrt(share * (1 - share) / draws) + 1 / draws
        assert (np.abs(drawn.tails.at_least[sampled] / draws - share) < 5 * error).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["even", "kernel"]))
def test_exact_tests_do_not_know_the_order_of_the_areas(seed, kind):
    rng = np.random.default_rng(seed)
    n = 9
    dense = np.triu(rng.random((n, n)) < 0.4, 1) * rng.choice([0.3, 0.5, 1.0], (n, n))
    dense = dense + dense.T
    if kind == "even":
        dense = (dense > 0).astype(float)
    values, order = rng.integers(0, 5, n) / 10, rng.permutation(n)
    options = {"permutations": perm(8, 4), "max_permutations": 1, "weighted": kind == "kernel"}
    one = conditional_test(values, links_of(dense), **options)
    other = conditional_test(values[order], links_of(dense[order][:, order]), **options)
    np.testing.assert_array_equal(one.tails.exact[order], other.tails.exact)
    sure = other.tails.exact | (other.tails.draws == 0)
    np.testing.assert_allclose(one.p_value[order][sure], other.p_value[sure], atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_islands_and_parts_that_are_not_connected(weighted):
    rng = np.random.default_rng(5)
    part = grid_weights(6, corners=0.7)
    both = csr_array(block_diag([part, csr_array((3, 3)), part]))
    values = rng.normal(size=75)
    p = conditional_test(values, both, weighted=weighted, permutations=999, max_permutations=1).p_value
    assert np.isnan(p[36:39]).all()
    assert np.isfinite(np.delete(p, [36, 37, 38])).all()
    # the other part belongs to the reference: its values matter, its links do not
    alone = csr_array(block_diag([part, csr_array((39, 39))]))
    q = conditional_test(values, alone, weighted=weighted, permutations=999, max_permutations=1).p_value
    np.testing.assert_array_equal(p[:36], q[:36])


@pytest.mark.parametrize("weighted", [False, True])
def test_links_that_weigh_nothing_are_no_links(weighted):
    rng = np.random.default_rng(6)
    links = grid_weights(7, corners=0.7)
    stored = links.copy()
    stored.data[rng.random(stored.nnz) < 0.3] = 0.0
    stored.data[stored.indptr[10] : stored.indptr[11]] = 0.0
    dropped = stored.copy()
    dropped.eliminate_zeros()
    assert stored.nnz > dropped.nnz
    before = stored.data.copy()
    options = {"weighted": weighted, "permutations": 500, "max_permutations": 1}
    values = rng.normal(size=49)
    one, other = (conditional_test(values, m, **options).p_value for m in (stored, dropped))
    np.testing.assert_array_equal(one, other)
    assert np.isnan(one[10])
    np.testing.assert_array_equal(stored.data, before)


@pytest.mark.parametrize("values", [np.eye(1, 400, 150)[0], np.eye(1, 400, 150)[0] * 1e-12 + 3.0])
@pytest.mark.parametrize("corners", [1.0, 0.7])
def test_all_values_equal_but_one(values, corners):
    links = grid_weights(20, corners=corners)
    test = conditional_test(values, links, weighted=True, permutations=1_999, max_permutations=1)
    near = links[[150]].indices
    assert (np.delete(test.p_value, near) == 1).all()
    upper = test.tails.at_least[near] / 1_999
    assert (upper < 0.05).all()


def by_products(values, weights, sites, draws, monkeypatch, **change):
    for name, value in change.items():
        monkeypatch.setattr(weighted_permutation, name, value)
    found = weighted_tails(values, weights, sites, draws, np.random.default_rng(3))
    monkeypatch.undo()
    return found


@pytest.mark.parametrize("kind", sorted(NUMBERS))
def test_shortcuts_for_weights_change_no_count(monkeypatch, kind):
    rng = np.random.default_rng(8)
    values = NUMBERS[kind](rng, 400)
    if np.ptp(values) == 0:
        values[3] = 0.0
    weights = grid_weights(20, corners=0.7)
    weights.data *= 1 + 1e-12 * rng.normal(size=weights.nnz)  # as distances between coordinates have it
    sites = np.arange(400)
    plain = by_products(values, weights, sites, 1_300, monkeypatch, _SINGLE=0, _SHARED=10**9)
    shared = by_products(values, weights, sites, 1_300, monkeypatch, _SHARED=10)
    single = by_products(values, weights, sites, 1_300, monkeypatch, _SHARED=10**9, _TOO_OPEN=1.0)
    for other in (shared, single):
        np.testing.assert_array_equal(plain.at_least, other.at_least)
        np.testing.assert_array_equal(plain.at_most, other.at_most)


def test_blocks_of_links_are_all_rows_once(monkeypatch):
    monkeypatch.setattr(subset_permutation, "_BLOCK_LINKS", 10)
    dense = np.random.default_rng(0).random((30, 30)) < 0.2
    dense[4], dense[11:20], dense[29] = True, False, False
    links, values = links_of(dense), np.arange(30.0)
    blocks = list(row_blocks(links))
    assert len(blocks) > 5
    assert list(itertools.chain(*(range(30)[rows] for rows, _ in blocks))) == list(range(30))
    assert list(itertools.chain(*(range(links.nnz)[at] for _, at in blocks))) == list(range(links.nnz))
    np.testing.assert_array_equal(neighbour_sums(values, links), dense @ values)
    assert list(row_blocks(links_of(np.zeros((4, 4))))) == [(slice(0, 4), slice(0, 0))]


def test_second_table_is_not_the_first():
    # were the draws of the second stage the first ones again, p would stay where it was picked to be small
    values = np.random.default_rng(0).normal(size=2_500)
    links = grid_weights(50)
    first = conditional_test(values, links, permutations=999, max_permutations=1)
    both = conditional_test(values, links, permutations=999, max_permutations=1_000, refine_below=0.05)
    chosen = both.refined
    np.testing.assert_array_equal(chosen, first.p_value <= 0.05)
    one, two = first.p_value[chosen], both.p_value[chosen]
    assert (one != two).mean() > 0.8
    assert (two > one).mean() > 0.5  # picked for being small, they regress
