"""Detectable risk: brute force, size of the test, simulation, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.power import detectable_risk, poisson_power


@given(st.floats(0.02, 800), st.sampled_from([0.05, 0.01]), st.sampled_from([0.5, 0.8, 0.9]))
def test_the_detectable_risk_has_the_power_it_states(expected, alpha, power):
    found = detectable_risk(expected, alpha=alpha, power=power)
    k = np.arange(0, 4000)
    up = poisson.sf(k - 1, expected) <= alpha / 2
    down = poisson.cdf(k, expected) <= alpha / 2
    assert poisson.pmf(k, found.high * expected)[up].sum() == pytest.approx(power, abs=1e-8)
    if down.any():
        assert poisson.pmf(k, found.low * expected)[down].sum() == pytest.approx(power, abs=1e-8)
    else:
        assert np.isnan(found.low)
    size = poisson.pmf(k, expected)[up | down].sum()
    assert poisson_power(expected, 1.0, alpha=alpha) == pytest.approx(size, abs=1e-9)
    assert size <= alpha + 1e-12


def test_one_sided_tests_see_more():
    e = np.array([3.0, 30.0])
    two, up, down = (detectable_risk(e, alternative=a) for a in ("two-sided", "greater", "less"))
    assert (up.high < two.high).all()
    assert (down.low > two.low)[1]
    assert np.isnan(up.low).all()
    assert np.isnan(down.high).all()


def test_more_expected_events_tell_more_and_nothing_expected_tells_nothing():
    e = np.array([0.5, 5, 50, 500, 5000])
    found = detectable_risk(e)
    assert (np.diff(found.high) < 0).all()
    assert (np.diff(found.low[1:]) > 0).all()
    large = detectable_risk([1e6])
    assert large.high[0] == pytest.approx(1 + (1.959964 + 0.841621) / 1e3, abs=2e-5)
    assert np.isnan(detectable_risk([0.0, np.nan]).high).all()


def test_power_by_simulation():
    rng = np.random.default_rng(2)
    e = 20.0
    x = rng.poisson(1.6 * e, 40_000)
    hit = (poisson.sf(x - 1, e) <= 0.025) | (poisson.cdf(x, e) <= 0.025)
    assert poisson_power(e, 1.6) == pytest.approx(hit.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: detectable_risk([1.0], alpha=5), ConfigError, "alpha"),
        (lambda: detectable_risk([1.0], power=1), ConfigError, "power"),
        (lambda: detectable_risk([1.0], alternative="up"), ConfigError, "two-sided"),
        (lambda: detectable_risk([-1.0]), StatisticsError, "0 or more"),
        (lambda: poisson_power([np.inf], 1), StatisticsError, "finite"),
    ],
)
def test_senseless_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
