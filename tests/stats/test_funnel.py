"""Funnel limits: printed tables, brute force, size, overdispersion, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.funnel import dispersion, funnel_limits, overdispersed_limits, tail_p

#: Count, and the expected numbers at which it lies on the 95 % and 99.8 % limits (lower, upper): test table
#: of the R package PHEindicatormethods (UK Health Security Agency), testdata_funnel_ratio_outputs.csv.
PRINTED = [
    (1, 5.571644585, 0.025317898, 9.233410143, 0.001000547),
    (5, 11.6683331, 1.623486324, 16.45474478, 0.739371928),
    (20, 30.88838097, 12.21651877, 38.04188668, 8.958211233),
    (100, 121.6268111, 81.36400699, 134.9243187, 71.92139974),
    (716, 770.4222128, 664.5083011, 802.60414, 636.1521174),
]


@pytest.mark.parametrize(("count", "lower2", "upper2", "lower3", "upper3"), PRINTED)
def test_limits_are_the_printed_ones(count, lower2, upper2, lower3, upper3):
    for level, lower, upper in ((0.95, lower2, upper2), (0.998, lower3, upper3)):
        assert funnel_limits(lower, level=level)[0] == pytest.approx(count, rel=2e-6)
        assert funnel_limits(upper, level=level)[1] == pytest.approx(count, rel=1e-5)


@given(st.floats(0.05, 300), st.sampled_from([0.8, 0.95, 0.998]))
def test_a_count_lies_outside_exactly_where_its_tail_is_small_enough(mean, level):
    low, high = funnel_limits(mean, level=level)
    k = np.arange(0, 600)
    tail = (1 - level) / 2
    clear = np.abs(poisson.sf(k - 1, mean) - tail) > 1e-9
    assert ((k > high) == (poisson.sf(k - 1, mean) <= tail))[clear].all()
    clear = np.abs(poisson.cdf(k, mean) - tail) > 1e-9
    assert ((k < low) == (poisson.cdf(k, mean) <= tail))[clear & (k > 0)].all()
    inside = poisson.pmf(k, mean)[(k >= low) & (k <= high)].sum()
    assert inside >= level - 1e-9


@given(st.integers(1, 400), st.floats(0.01, 0.99))
def test_binomial_limits_by_brute_force(trials, share):
    low, high = funnel_limits(trials * share, size=trials)
    k = np.arange(trials + 1)
    upper, lower = binom.sf(k - 1, trials, share), binom.cdf(k, trials, share)
    clear = (np.abs(upper - 0.025) > 1e-9) & (np.abs(lower - 0.025) > 1e-9)
    assert ((k > high) == (upper <= 0.025))[clear].all()
    assert ((k < low) == (lower <= 0.025))[clear & (k > 0)].all()
    up, down = tail_p(k, np.full(trials + 1, trials * share), size=trials)
    np.testing.assert_allclose(up, upper, atol=1e-12)
    np.testing.assert_allclose(down, lower, atol=1e-12)


def test_binomial_limits_near_poisson_where_events_are_rare():
    one, other = funnel_limits([5.0, 80.0], size=1e7), funnel_limits([5.0, 80.0])
    np.testing.assert_allclose(one, other, rtol=1e-4)


def test_interpolated_limits_are_the_formula_of_the_paper_and_flag_too_often():
    mean = np.array([0.5, 3.0, 40.0])
    low, high = funnel_limits(mean, method="interpolated")
    for p, limits in ((0.025, low), (0.975, high)):
        r = poisson.ppf(p, mean)
        printed = r - (poisson.cdf(r, mean) - p) / poisson.pmf(r, mean)
        assert limits == pytest.approx(np.maximum(printed, 0))
    k = np.arange(200)[:, None]
    size = (poisson.pmf(k, mean) * (k > high)).sum(axis=0)
    exact = (poisson.pmf(k, mean) * (k > funnel_limits(mean)[1])).sum(axis=0)
    assert (exact <= 0.025).all()
    assert (size > 0.025).all()


def test_limits_close_in_on_the_expected_number():
    mean = np.geomspace(0.1, 1e5, 60)
    low, high = funnel_limits(mean)
    assert (np.diff(low / mean) >= 0).all()
    assert (np.diff(high / mean) <= 0).all()
    assert high[-1] / mean[-1] == pytest.approx(1 + 1.96 / np.sqrt(mean[-1]), abs=1e-4)
    assert np.isnan(funnel_limits([0.0, np.nan])).all()


def test_dispersion_in_long_hand():
    x, e = np.array([20.0, 60, 35, 110, 40, 7]), np.array([40.0, 40, 40, 80, 40, np.nan])
    z = 2 * (np.sqrt(x[:5]) - np.sqrt(e[:5]))
    z = np.clip(z, *np.quantile(z, [0.1, 0.9]))
    w = 4 * e[:5]
    phi = (z**2).mean()
    tau2 = (5 * phi - 4) / (w.sum() - (w**2).sum() / w.sum())
    found = dispersion(x, e)
    assert (found.phi, found.tau2) == pytest.approx((phi, tau2))
    assert np.isnan(found.scores[5])
    assert np.isnan(dispersion([3], [4]).phi)


def test_dispersion_finds_the_variance_that_was_put_in_and_none_where_there_is_none():
    rng = np.random.default_rng(7)
    e = rng.uniform(50, 400, 4000)
    still = dispersion(rng.poisson(e), e, winsorised=0.0)
    assert still.phi == pytest.approx(1, abs=0.07)
    assert still.tau2 < 0.001
    tau = 0.15  # on the scale of square roots of ratios
    moved = rng.poisson(e * (1 + rng.normal(0, tau, e.size)) ** 2)
    found = dispersion(moved, e, winsorised=0.0)
    assert np.sqrt(found.tau2) == pytest.approx(tau, rel=0.05)
    low, high = overdispersed_limits(e, tau2=found.tau2)
    assert np.mean((moved < low) | (moved > high)) == pytest.approx(0.05, abs=0.011)
    size = 2000.0
    shares = binom.rvs(int(size), 0.3, size=4000, random_state=1)
    assert dispersion(shares, np.full(4000, 600.0), size=size, winsorised=0.0).phi == pytest.approx(
        1, abs=0.07
    )


def test_widened_limits_at_no_dispersion_are_near_the_exact_ones():
    mean = np.array([50.0, 500.0])
    for options in ({}, {"size": np.array([200.0, 2000.0])}):
        wide, exact = overdispersed_limits(mean, **options), funnel_limits(mean, **options)
        np.testing.assert_allclose(wide, exact, atol=1)
    wide = overdispersed_limits(mean, phi=4.0)
    assert (wide[1] > funnel_limits(mean)[1]).all()
    assert (wide[0] < funnel_limits(mean)[0]).all()
    np.testing.assert_array_equal(overdispersed_limits(mean, phi=0.3), overdispersed_limits(mean))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: funnel_limits([1.0], level=95), ConfigError, "between 0 and 1"),
        (lambda: funnel_limits([1.0], method="normal"), ConfigError, "exact, interpolated"),
        (lambda: funnel_limits([5.0], size=[4]), StatisticsError, "trials"),
        (lambda: dispersion([1], [1], winsorised=0.5), ConfigError, "winsorised"),
        (lambda: overdispersed_limits([1.0], phi=-1), ConfigError, "phi"),
    ],
)
def test_senseless_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
