"""The random numbers of the synthetic city: frozen, and distributed as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from safemap.datasets._stream import Stream


def test_the_stream_is_frozen():
    # Raw PCG64 output is stable by numpy's policy (NEP 19); these are its first numbers for this seed.
    assert Stream(2023, 1).uniform(3).tolist() == [
        float(raw >> np.uint64(11)) / 2**53 for raw in np.random.PCG64([1, 2023]).random_raw(3)
    ]
    assert Stream(2023, 1).uniform(2).round(12).tolist() == pytest.approx(
        [0.007277175198, 0.711367825585], abs=1e-12
    )


def test_streams_of_different_purpose_differ():
    assert Stream(1, 1).uniform(5).tolist() != Stream(1, 2).uniform(5).tolist()


def test_uniform_is_uniform():
    assert stats.kstest(Stream(5).uniform(20_000), "uniform").pvalue > 0.001


@pytest.mark.parametrize("mean", [0.15, 1.0, 5.0, 40.0, 150.0])
def test_poisson_has_the_poisson_distribution(mean):
    draws = Stream(11).poisson(np.full(20_000, mean))
    low, high = stats.poisson.ppf([0.02, 0.98], mean)
    edges = np.arange(low, high + 1)
    observed = [np.sum(draws < low), *[np.sum(draws == k) for k in edges], np.sum(draws > high)]
    probability = [
        stats.poisson.cdf(low - 1, mean),
        *stats.poisson.pmf(edges, mean),
        stats.poisson.sf(high, mean),
    ]
    keep = np.array(probability) > 1e-6
    expected = (
        np.array(probability)[keep] / np.sum(np.array(probability)[keep]) * np.sum(np.array(observed)[keep])
    )
    assert stats.chisquare(np.array(observed)[keep], expected).pvalue > 0.001


def test_poisson_of_zero_is_zero():
    assert Stream(3).poisson(np.zeros(100)).sum() == 0


def test_order_is_a_permutation_and_pick_takes_different_items():
    assert sorted(Stream(4).order(50).tolist()) == list(range(50))
    picked = Stream(4).pick(list("abcdefgh"), 5)
    assert len(set(picked)) == 5


def test_integers_cover_their_range():
    drawn = Stream(6).integers(3, 8, 5_000)
    assert (drawn.min(), drawn.max()) == (3, 7)
