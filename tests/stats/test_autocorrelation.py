"""Statistics by hand, by law, and against esda."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from safemap.errors import ConfigError, StatisticsError
from safemap.stats import autocorrelation as ac


def queen(rows: int, columns: int) -> csr_array:
    at = np.array([(r, c) for r in range(rows) for c in range(columns)])
    return csr_array((np.abs(at[:, None] - at[None]).max(axis=2) == 1).astype(float))


def rook(rows: int, columns: int) -> csr_array:
    at = np.array([(r, c) for r in range(rows) for c in range(columns)])
    return csr_array((np.abs(at[:, None] - at[None]).sum(axis=2) == 1).astype(float))


def test_chessboard_by_hand():
    # every rook neighbour is of the other colour: I = -1; of 12 joins none is black-black
    board = np.array([1, 0, 1, 0, 1, 0, 1, 0, 1], dtype=float)
    w = rook(3, 3)
    assert ac.join_count(board == 1, w).joins == 0
    assert ac.join_count(board == 0, w).joins == 0
    # deviations 4/9 and -5/9; sum of squares 20/9; 24 links of product -20/81
    assert ac.moran(board, w).statistic == pytest.approx(9 / 24 * 24 * (-20 / 81) / (20 / 9))
    # C: 24 links of squared difference 1
    assert ac.geary(board, w).statistic == pytest.approx(8 * 24 / (2 * 24 * 20 / 9))


def test_general_g_by_hand():
    # a row of three: links 1-2 and 2-3 carry 1*2 and 2*3, all pairs 1*2, 2*3, 1*3
    row = csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=float))
    result = ac.getis_ord([1, 2, 3], row)
    assert result.statistic == pytest.approx(8 / 11)
    assert result.expected == pytest.approx(4 / 6)


def test_local_getis_ord_by_hand():
    # centre of a 3 x 3 grid: Gi* is 0, its neighbourhood is everything, so there is nothing to compare
    values = np.arange(9.0)
    z = ac.local_getis_ord(values, queen(3, 3))
    assert np.isnan(z[4])
    # corner 0 with 1, 3, 4: sum 8, mean 4, variance 60 / 9, W = 4, n = 9
    s2 = 60 / 9
    assert z[0] == pytest.approx((8 - 4 * 4) / np.sqrt(s2 * (9 * 4 - 16) / 8))


def exact_moments(values, statistic):
    every = np.array([statistic(np.array(v)) for v in itertools.permutations(values)])
    return every.mean(), every.var()


@pytest.mark.parametrize("name", ["moran", "geary", "getis_ord"])
@pytest.mark.parametrize("standardised", [False, True])
def test_randomisation_moments_equal_all_permutations(name, standardised):
    values = np.array([1.0, 2.0, 2.0, 5.0, 7.0, 11.0])
    w = queen(2, 3)
    w = csr_array(np.triu(w.toarray()) * [[1, 2, 1, 1, 3, 1]] + np.tril(w.toarray()))  # uneven weights too
    w = ac.row_standardised(w) if standardised else w
    function = getattr(ac, name)
    result = function(values, w)
    mean, variance = exact_moments(values, lambda v: function(v, w).statistic)
    assert result.expected == pytest.approx(mean)
    assert result.variance_randomisation == pytest.approx(variance)


def test_join_count_moments_equal_all_permutations():
    kind = np.array([1, 1, 1, 0, 0, 0, 0], dtype=bool)
    w = csr_array(np.diag(np.ones(6), 1) + np.diag(np.ones(6), -1))
    result = ac.join_count(kind, w)
    mean, variance = exact_moments(kind, lambda v: ac.join_count(v, w).joins)
    assert result.expected == pytest.approx(mean)
    assert result.variance == pytest.approx(variance)


def test_normality_moments_agree_with_simulation():
    rng, w = np.random.default_rng(0), ac.row_standardised(queen(4, 4))
    sims = rng.normal(size=(20_000, 16))
    z = sims - sims.mean(axis=1, keepdims=True)
    i = np.einsum("ij,ij->i", z, (w @ z.T).T) / (z**2).sum(axis=1)
    assert i.var() == pytest.approx(ac.moran(sims[0], w).variance_normality, rel=0.04)


def test_local_moments_equal_all_permutations_of_the_others():
    values, w = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0]), ac.row_standardised(queen(2, 3))
    result = ac.local_moran(values, w)
    i, others = 2, [0, 1, 3, 4, 5]
    drawn = []
    for dealt in itertools.permutations(values[others]):
        rearranged = values.copy()
        rearranged[others] = dealt
        drawn.append(ac.local_moran(rearranged, w).statistic[i])
    assert result.expected[i] == pytest.approx(np.mean(drawn))
    assert result.variance[i] == pytest.approx(np.var(drawn))
    assert result.z_score[i] == pytest.approx((result.statistic[i] - np.mean(drawn)) / np.std(drawn))


def test_local_moran_adds_up_to_global_moran():
    values, w = np.random.default_rng(1).normal(size=36), ac.row_standardised(queen(6, 6))
    local, total = ac.local_moran(values, w, variance="n").statistic, ac.moran(values, w).statistic
    assert local.mean() == pytest.approx(total)


@pytest.mark.parametrize("change", [(2.0, 0.0), (1.0, 1e6), (-1.0, 3.0)])
def test_affine_change(change):
    factor, shift = change
    values, w = np.random.default_rng(2).normal(size=25), queen(5, 5)
    changed = factor * values + shift
    assert ac.moran(changed, w).z_randomisation == pytest.approx(ac.moran(values, w).z_randomisation)
    np.testing.assert_allclose(
        ac.local_moran(changed, w).statistic, ac.local_moran(values, w).statistic, rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(
        ac.local_getis_ord(changed, w), np.sign(factor) * ac.local_getis_ord(values, w), rtol=1e-6, atol=1e-8
    )


def test_area_without_neighbours_gets_no_gi():
    dense = queen(3, 3).toarray()
    dense[8] = dense[:, 8] = 0
    for star in (True, False):
        z = ac.local_getis_ord(np.arange(9.0), csr_array(dense), star=star)
        assert np.isnan(z[8])
        assert np.isfinite(z[:4]).all()


def test_global_p_counts_ties_in_both_tails():
    assert ac.global_p(1.0, np.ones(99)) == 1.0
    assert ac.global_p(5.0, np.zeros(99)) == pytest.approx(2 / 100)
    assert ac.global_p(5.0, np.zeros(99), "greater") == pytest.approx(1 / 100)
    assert ac.global_p(5.0, np.zeros(99), "less") == 1.0


def test_permuted_moran_has_the_analytic_moments():
    values, w = np.random.default_rng(3).gamma(1.0, size=49), ac.row_standardised(queen(7, 7))
    sims, exact = ac.permuted_moran(values, w, permutations=20_000, rng=1), ac.moran(values, w)
    assert sims.mean() == pytest.approx(exact.expected, abs=4 * sims.std() / np.sqrt(20_000))
    assert sims.var() == pytest.approx(exact.variance_randomisation, rel=0.05)


def test_agrees_with_esda_on_columbus():
    import warnings

    from safemap import build_graph
    from safemap.datasets import columbus

    areas = columbus()
    graph = build_graph(areas, tolerance=0)
    values, w = areas["CRIME"].to_numpy(), ac.row_standardised(graph.adjacency)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # esda announces changes of a p that is not used here
        from esda.geary import Geary
        from esda.moran import Moran, Moran_Local

        one, two = (
            Moran(values, graph.to_libpysal(), permutations=0),
            Geary(values, graph.to_libpysal(), permutations=0),
        )
        three = Moran_Local(values, graph.to_libpysal(), permutations=0)
    assert ac.moran(values, w).z_randomisation == pytest.approx(one.z_rand)
    assert ac.geary(values, w).variance_randomisation == pytest.approx(two.VC_rand)
    np.testing.assert_allclose(ac.local_moran(values, w).statistic, three.Is)


@pytest.mark.parametrize(
    ("values", "weights", "error", "words"),
    [
        ([1, 2, np.nan, 4], queen(2, 2), StatisticsError, "missing or infinite"),
        ([1, 1, 1, 1], queen(2, 2), StatisticsError, "All values are equal"),
        ([1, 2, 3], queen(2, 2), StatisticsError, "must fit"),
        ([1, 2], csr_array(np.array([[0.0, 1], [1, 0]])), StatisticsError, "at least 3"),
        ([1, 2, 3, 4], csr_array(np.eye(4)), StatisticsError, "own neighbour"),
        ([1, 2, 3, 4], csr_array((4, 4)), StatisticsError, "No area has a neighbour"),
    ],
)
def test_senseless_input_is_refused(values, weights, error, words):
    for function in (ac.moran, ac.geary, ac.local_moran, ac.local_getis_ord):
        with pytest.raises(error, match=words):
            function(values, weights)


def test_unknown_conventions_are_refused():
    with pytest.raises(ConfigError, match="n-1"):
        ac.local_moran([1, 2, 3, 4], queen(2, 2), variance="n-2")
    with pytest.raises(ConfigError, match="n-1"):
        ac.local_getis_ord([1, 2, 3, 4], rook(2, 2), variance="n-2")
    with pytest.raises(ConfigError, match="two-sided"):
        ac.global_p(1.0, [1.0], "both")
    with pytest.raises(StatisticsError, match="zero or more"):
        ac.getis_ord([-1, 2, 3, 4], rook(2, 2))
