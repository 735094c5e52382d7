"""Rearranged values over the whole map: by all rearrangements, and by the moments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from safemap.stats import global_permutation
from safemap.stats.autocorrelation import bivariate_moran, geary, getis_ord, row_standardised
from safemap.stats.global_permutation import permuted_bivariate_moran, permuted_geary, permuted_getis_ord

DENSE = np.array(
    [[0, 1, 1, 0, 0], [1, 0, 1, 0, 0], [1, 1, 0, 2, 0], [0, 0, 2, 0, 1], [0, 0, 0, 1, 0]], dtype=float
)
UNEVEN = row_standardised(csr_array(DENSE))  # not symmetric
VALUES, OTHER = np.array([1.0, 5.0, 2.0, 9.0, 3.0]), np.array([0.3, -1.0, 2.0, 0.5, 0.1])

CASES = {
    "geary": (permuted_geary, lambda y: geary(y, UNEVEN).statistic, ()),
    "getis_ord": (permuted_getis_ord, lambda y: getis_ord(y, UNEVEN).statistic, ()),
    "bivariate": (permuted_bivariate_moran, lambda y: bivariate_moran(OTHER, y, UNEVEN), (OTHER,)),
}


@pytest.mark.parametrize("case", CASES)
def test_draws_come_from_all_rearrangements_equally_often(case):
    permuted, statistic, first = CASES[case]
    everything = np.array([statistic(np.array(p)) for p in itertools.permutations(VALUES)])
    drawn = permuted(*first, VALUES, UNEVEN, permutations=24_000, rng=1)
    possible, expected = np.unique(everything.round(9), return_counts=True)
    found, counts = np.unique(drawn.round(9), return_counts=True)
    np.testing.assert_array_equal(found, possible)
    chi2 = ((counts - 200 * expected) ** 2 / (200 * expected)).sum()
    assert chi2 < len(possible) + 5 * np.sqrt(2 * len(possible))


@pytest.mark.parametrize("case", CASES)
def test_blocks_and_seed(case, monkeypatch):
    permuted, _, first = CASES[case]
    a, b = (permuted(*first, VALUES, UNEVEN, permutations=50, rng=3) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert len(a) == 50
    monkeypatch.setattr(global_permutation, "_BLOCK", 35)
    np.testing.assert_allclose(permuted(*first, VALUES, UNEVEN, permutations=50, rng=3), a)
