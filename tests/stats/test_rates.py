"""Arithmetic of rates: golden numbers, independent oracles, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from safemap.stats.rates import (
    eb_index,
    empirical_bayes,
    empirical_bayes_weights,
    poisson_interval,
    rate_moments,
)

EVENTS, PEOPLE = [2, 5, 10, 40], [500, 2000, 2500, 5000]


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 3.689), (5, 1.623, 11.668), (10, 4.795, 18.390), (20, 12.217, 30.888)]
)
def test_garwood_golden_numbers(count, low, high):  # requirement D3
    assert [float(v) for v in poisson_interval(count)] == pytest.approx([low, high], abs=5e-4)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_garwood_is_the_chi_square_formula(confidence):
    counts = np.array([1, 2, 3, 7, 30, 400, 12_000])
    low, high = poisson_interval(counts, confidence=confidence)
    tail = (1 - confidence) / 2
    assert low == pytest.approx(stats.chi2.ppf(tail, 2 * counts) / 2, rel=1e-10)
    assert high == pytest.approx(stats.chi2.ppf(1 - tail, 2 * counts + 2) / 2, rel=1e-10)


def test_garwood_inverts_the_poisson_test():
    low, high = poisson_interval(7)
    assert stats.poisson.sf(6, low) == pytest.approx(0.025)
    assert stats.poisson.cdf(7, high) == pytest.approx(0.025)


@pytest.mark.parametrize("mean", [0.5, 3.0, 25.0])
def test_garwood_covers_at_least_its_nominal_share(mean):
    counts = np.arange(0, 200)
    low, high = poisson_interval(counts)
    covered = stats.poisson.pmf(counts, mean)[(low <= mean) & (mean <= high)].sum()
    assert covered >= 0.95


def test_a_missing_count_has_no_interval():
    low, high = poisson_interval([np.nan, 1.0])
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()


def test_empirical_bayes_golden_numbers():  # requirement D5
    moments = rate_moments(EVENTS, PEOPLE)
    assert moments.mean == pytest.approx(0.0057)
    assert moments.variance == pytest.approx(3.28e-6, abs=5e-9)
    assert empirical_bayes_weights(EVENTS, PEOPLE) == pytest.approx(
        [0.2234, 0.5351, 0.5899, 0.7421], abs=5e-5
    )
    assert empirical_bayes(EVENTS, PEOPLE) == pytest.approx(
        [0.005320, 0.003988, 0.004697, 0.007407], abs=5e-7
    )


def test_empirical_bayes_equals_esda():
    from esda.smoothing import Empirical_Bayes

    rng = np.random.default_rng(0)
    n = rng.integers(200, 20_000, 60).astype(float)
    e = rng.poisson(0.004 * n * rng.uniform(0.5, 2, 60)).astype(float)
    assert empirical_bayes(e, n) == pytest.approx(np.asarray(Empirical_Bayes(e, n).r).ravel(), rel=1e-10)


def test_eb_index_equals_esda():
    from esda.smoothing import assuncao_rate

    rng = np.random.default_rng(1)
    n = rng.integers(200, 20_000, 60).astype(float)
    e = rng.poisson(0.004 * n * rng.uniform(0.5, 2, 60)).astype(float)
    assert eb_index(e, n) == pytest.approx(np.asarray(assuncao_rate(e, n)).ravel(), rel=1e-10)


def test_less_variation_than_chance_gives_everyone_the_overall_rate():
    e, n = [10, 20, 30], [1000, 2000, 3000]
    assert rate_moments(e, n).variance < 0
    assert empirical_bayes(e, n) == pytest.approx(0.01)
    assert eb_index(e, n) == pytest.approx(0.0)


def test_no_event_at_all_is_a_rate_of_zero():
    assert empirical_bayes([0, 0], [100, 200]).tolist() == [0.0, 0.0]


@given(
    arrays(int, 12, elements=st.integers(0, 80)),
    arrays(int, 12, elements=st.integers(1, 50_000)),
)
def test_empirical_bayes_lies_between_the_own_and_the_overall_rate(events, people):
    eb, own, overall = empirical_bayes(events, people), events / people, events.sum() / people.sum()
    slack = 1e-12 + 1e-9 * overall
    assert (eb >= np.minimum(own, overall) - slack).all()
    assert (eb <= np.maximum(own, overall) + slack).all()


@given(arrays(int, 8, elements=st.integers(0, 60)), st.permutations(range(8)))
def test_order_of_areas_does_not_matter(events, order):
    people = np.array([100, 3000, 250, 900, 12_000, 40, 7_000, 650])
    assert empirical_bayes(events[order], people[order]) == pytest.approx(
        empirical_bayes(events, people)[order]
    )


def test_eb_index_has_unit_variance_under_equal_risk():
    rng = np.random.default_rng(3)
    n = rng.integers(1_000, 30_000, 400).astype(float)
    spread = [np.std(eb_index(rng.poisson(0.003 * n), n)) for _ in range(40)]
    assert np.mean(spread) == pytest.approx(1.0, abs=0.05)
