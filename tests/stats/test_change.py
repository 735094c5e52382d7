"""Change between two counts: printed numbers, brute force, other programs, and laws."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, poisson, poisson_means_test

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.change import detectable_ratio, displacement_difference, e_test, poisson_change

COUNTS = st.integers(0, 40)


def test_e_test_gives_the_printed_numbers():
    # (6, 2) 0.1748748 and (0, 3) 0.0884: ptools and the authors' program
    assert e_test([6], [2]).round(7).tolist() == [0.1748748]
    assert e_test([0], [3]).round(4).tolist() == [0.0884]
    assert np.isnan(e_test([0], [0])).all()


@pytest.mark.parametrize(
    ("x", "y", "t", "u"), [(6, 2, 1.0, 1.0), (3, 12, 2.0, 1.0), (0, 5, 1.0, 3.0), (8, 8, 1.0, 1.0)]
)
def test_e_test_is_the_sum_over_all_pairs(x, y, t, u):
    rate = (x + y) / (t + u)
    k, j = np.meshgrid(np.arange(150), np.arange(150), indexing="ij")
    spread = np.sqrt(k / t**2 + j / u**2)
    apart = np.abs(k / t - j / u) / np.where(spread > 0, spread, 1.0)
    seen = abs(x / t - y / u) / np.sqrt(x / t**2 + y / u**2)
    p = (poisson.pmf(k, rate * t) * poisson.pmf(j, rate * u))[(apart >= seen - 1e-12) & (spread > 0)].sum()
    expected = min(1.0, p + (np.exp(-rate * (t + u)) if seen == 0 else 0))
    assert e_test([x], [y], exposure_before=t, exposure_after=u)[0] == pytest.approx(expected, abs=1e-6)


def _by_fractions(x, y, t, u, side):
    """p of the E-test with the statistics compared as fractions, so that no tie is lost."""

    def signed_square(k, j):
        spread = Fraction(k, t * t) + Fraction(j, u * u)
        apart = Fraction(j, u) - Fraction(k, t)
        return 0 if not spread else apart * abs(apart) / spread

    rate, seen = (x + y) / (t + u), signed_square(x, y)
    counts = [(k, j, signed_square(k, j)) for k in range(45) for j in range(45)]
    extreme = {
        "two-sided": lambda s: abs(s) >= abs(seen),
        "greater": lambda s: s >= seen,
        "less": lambda s: s <= seen,
    }[side]
    return sum(poisson.pmf(k, rate * t) * poisson.pmf(j, rate * u) for k, j, s in counts if extreme(s))


@pytest.mark.parametrize("side", ["two-sided", "greater", "less"])
@pytest.mark.parametrize(
    ("x", "y", "t", "u"), [(1, 0, 365, 365), (2, 4, 2, 1), (0, 1, 1, 1), (5, 2, 1, 1), (3, 3, 1, 2)]
)
def test_e_test_keeps_ties_that_rounding_would_lose(x, y, t, u, side):
    p = e_test([x], [y], exposure_before=t, exposure_after=u, alternative=side)[0]
    assert p == pytest.approx(_by_fractions(x, y, t, u, side), abs=1e-9)


def test_e_test_equals_scipy_but_for_the_observed_pair_that_it_sometimes_loses():
    rng = np.random.default_rng(3)
    t, u = 1.37, 2.11
    for x, y in rng.poisson((60, 75), (40, 2)):
        rate = (x + y) / (t + u)
        pair = poisson.pmf(x, rate * t) * poisson.pmf(y, rate * u)
        for side in ("two-sided", "greater", "less"):
            p = e_test([x], [y], exposure_before=t, exposure_after=u, alternative=side)[0]
            peer = poisson_means_test(y, u, x, t, alternative=side).pvalue
            assert min(abs(p - peer), abs(p - peer - pair)) < 1e-8


@given(COUNTS, COUNTS)
def test_turning_time_round_keeps_p_and_inverts_the_ratio(x, y):
    one, other = poisson_change([x], [y]), poisson_change([y], [x])
    np.testing.assert_allclose(one.p_value, other.p_value)
    if x and y:
        np.testing.assert_allclose(one.ratio, 1 / other.ratio)
        np.testing.assert_allclose(one.low, 1 / other.high)
    if x + y:
        np.testing.assert_allclose(e_test([x], [y]), e_test([y], [x]), atol=1e-9)


@given(COUNTS, COUNTS, st.sampled_from([(1.0, 1.0), (365.0, 90.0), (1.0, 2.5)]))
def test_exact_test_and_interval_agree_with_scipy(x, y, exposure):
    t, u = exposure
    change = poisson_change([x], [y], exposure_before=t, exposure_after=u)
    if x + y == 0:
        assert np.isnan(change).all()
        return
    share = u / (t + u)
    more = binomtest(y, x + y, share, alternative="greater")
    fewer = binomtest(y, x + y, share, alternative="less")
    assert change.p_value[0] == pytest.approx(min(1, 2 * min(more.pvalue, fewer.pvalue)))
    low, high = binomtest(y, x + y, share).proportion_ci(method="exact")
    assert change.low[0] == pytest.approx(low / (1 - low) * t / u)
    assert change.high[0] == pytest.approx(np.inf if high == 1 else high / (1 - high) * t / u)
    for name, test in (("greater", more), ("less", fewer)):
        one = poisson_change([x], [y], exposure_before=t, exposure_after=u, alternative=name)
        assert one.p_value[0] == pytest.approx(test.pvalue)
    if abs(change.p_value[0] - 0.05) > 1e-9:
        assert (change.p_value[0] < 0.05) == (change.low[0] > 1 or change.high[0] < 1)


def test_detectable_ratio_has_the_power_it_states():
    x, y = np.array([5, 20, 50, 400]), np.array([3, 25, 50, 380])
    for t, u in ((1.0, 1.0), (2.0, 1.0)):
        ratio = detectable_ratio(x, y, exposure_before=t, exposure_after=u)
        n, odds = x + y, ratio * u / t
        k = np.arange(801)
        upper = binom.sf(k[:, None] - 1, n, u / (t + u))
        rejected = 2 * upper <= 0.05
        power = (binom.pmf(k[:, None], n, odds / (1 + odds)) * rejected).sum(axis=0)
        np.testing.assert_allclose(power, 0.8, atol=1e-9)
    assert np.isinf(detectable_ratio([0, 1, 2], [0, 0, 3])).tolist() == [True, True, True]
    assert np.isnan(detectable_ratio([np.nan], [3])).all()


def test_size_of_both_tests():
    rng = np.random.default_rng(0)
    x, y = rng.poisson(6, 3_000), rng.poisson(6, 3_000)
    exact, e = poisson_change(x, y).p_value, e_test(x, y)
    assert np.nanmean(exact <= 0.05) <= 0.05
    assert np.nanmean(e <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3_000)
    assert np.nanmean(e <= 0.05) > np.nanmean(exact <= 0.05)


def test_displacement_difference_gives_the_printed_numbers():
    # Wheeler and Ratcliffe 2018 and the tests of ptools
    wdd = displacement_difference(
        (308, 318), (207, 110), displacement_control=(150, 140), displacement_treated=(178, 157)
    )
    assert (wdd.local, wdd.displacement, wdd.total) == (-107, -11, -118)
    assert wdd.std_error == pytest.approx(np.sqrt(1568))
    assert round(wdd.z_score, 2) == -2.98
    assert (round(wdd.conf_low), round(wdd.conf_high)) == (-196, -40)
    timed = displacement_difference((100, 50), (80, 20), time_weights=(2, 1))
    assert timed.total == -20
    assert timed.std_error == pytest.approx(np.sqrt(115))
    areas = displacement_difference(
        (308, 318), (207, 110), displacement_control=(150, 140), displacement_treated=(178, 157),
        area_weights=(0.9, 1.2, 1.6, 1.5),
    )  # fmt: skip
    printed = -99.69444444, 35.4280755, -2.813995483, -169.1321965, -30.25669241
    found = areas.total, areas.std_error, areas.z_score, areas.conf_low, areas.conf_high
    np.testing.assert_allclose(found, printed, rtol=1e-9)
    small = displacement_difference((20, 20), (20, 10))
    np.testing.assert_allclose(
        (small.total, small.std_error, small.z_score), (-10, 8.366600, -1.195229), rtol=1e-6
    )


def test_displacement_difference_has_its_stated_variance():
    rng = np.random.default_rng(1)
    means, area = [(60, 60), (80, 80), (30, 30), (40, 40)], (1.0, 2.0, 0.5, 1.0)
    draws = [
        displacement_difference(
            *rng.poisson(means[:2]), displacement_control=rng.poisson(means[2]),
            displacement_treated=rng.poisson(means[3]), area_weights=area,
        )
        for _ in range(2_000)
    ]  # fmt: skip
    totals, errors = np.array([d.total for d in draws]), np.array([d.std_error for d in draws])
    assert totals.std() == pytest.approx(errors.mean(), rel=0.06)
    assert np.mean([d.p_value <= 0.05 for d in draws]) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: poisson_change([1.5], [2]), StatisticsError, "whole numbers"),
        (lambda: poisson_change([-1], [2]), StatisticsError, "whole numbers"),
        (lambda: e_test([np.inf], [2]), StatisticsError, "whole numbers"),
        (lambda: poisson_change([1], [2], exposure_after=0), StatisticsError, "above 0"),
        (lambda: poisson_change([1], [2], alternative="up"), ConfigError, "two-sided"),
        (lambda: e_test([1], [2], alternative="up"), ConfigError, "two-sided"),
        (lambda: detectable_ratio([1], [2], power=1), ConfigError, "power"),
        (lambda: displacement_difference((1, -2), (3, 4)), StatisticsError, "0 or more"),
        (lambda: displacement_difference((1, 2), (3, 4), time_weights=(0, 1)), StatisticsError, "above 0"),
        (lambda: displacement_difference((1, 2), (3, 4), confidence=95), ConfigError, "confidence"),
    ],
)
def test_senseless_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
