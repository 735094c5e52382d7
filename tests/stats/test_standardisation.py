"""Standardised rates: printed numbers, the formula in long hand, coverage, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.rates import poisson_interval
from safemap.stats.standardisation import direct_rate, expected_events

#: Down's syndrome by age of the mother, fifth and later children; Fay and Feuer 1997, table II.
CASES = [0, 8, 63, 112, 262, 295]
BIRTHS = [327, 30666, 123419, 149919, 104088, 34392]
ALL_BIRTHS = [319933, 931318, 786511, 488235, 237863, 61313]
#: Skin cancer in Florida and the USA in 2000, by age; manual of SAS/STAT 13.1, STDRATE, getting started.
FLORIDA = [953785, 1997935, 1885014, 1957573, 2356649, 2088000, 1548371, 1447432, 1087524, 335944]
USA = [19175798, 41077577, 39183891, 39892024, 45148527, 37677952, 24274684, 18390986, 12361180, 4239587]
USA_DEATHS = [0, 1, 41, 186, 626, 1199, 1303, 1637, 1624, 803]
FLORIDA_EXPECTED = [0.000, 0.049, 1.972, 9.127, 32.676, 66.445, 83.112, 128.837, 142.878, 63.630]


def test_the_gamma_limit_of_the_authors_example():
    # the R package asht by M. P. Fay keeps 173.0817 as the upper 90 % limit of this example
    assert direct_rate(CASES, BIRTHS, ALL_BIRTHS, confidence=0.9).high * 1e5 == pytest.approx(
        173.0817, abs=5e-5
    )


@pytest.mark.parametrize(
    ("deaths", "rate", "error"), [([3, 9, 7, 2, 1], 19.3490, 6.2478), ([0, 0, 0, 10, 2], 7.4032, 2.1692)]
)
def test_printed_rates_with_the_us_1970_weights(deaths, rate, error):
    # E. L. Frome, Oak Ridge National Laboratory, directly adjusted rates, examples 1 and 2; per 1,000
    weights = [146881, 110905, 118580, 103720, 42403]
    found = direct_rate(deaths, [0.0830, 0.5232, 0.4477, 0.3489, 0.0947], weights)
    assert found.rate == pytest.approx(rate, rel=6e-4)  # person-years are printed with four figures
    assert found.std_error == pytest.approx(error, rel=1e-3)


def test_printed_expected_events_by_age():
    rates = np.divide(USA_DEATHS, USA)
    by_age = [expected_events([n], [r]) for n, r in zip(FLORIDA, rates, strict=True)]
    np.testing.assert_allclose(by_age, FLORIDA_EXPECTED, atol=6e-4)
    assert expected_events(FLORIDA, rates) == pytest.approx(sum(FLORIDA_EXPECTED), abs=2e-3)


@pytest.mark.parametrize("interval", ["gamma", "tiwari"])
def test_gamma_limits_are_the_formula_in_long_hand(interval):
    x, n, s = (np.array(a, float) for a in (CASES, BIRTHS, ALL_BIRTHS))
    w = s / s.sum() / n
    y, v = (w * x).sum(), (w * w * x).sum()
    more, more_v = (w.max(), w.max() ** 2) if interval == "gamma" else (w.mean(), (w * w).mean())
    found = direct_rate(x, n, s, interval=interval)
    assert found.low == pytest.approx(v / (2 * y) * chi2.ppf(0.025, 2 * y * y / v))
    y, v = y + more, v + more_v
    assert found.high == pytest.approx(v / (2 * y) * chi2.ppf(0.975, 2 * y * y / v))


def test_dobson_is_the_moved_and_scaled_interval_of_the_total():
    x, n, s = (np.array(a, float) for a in (CASES, BIRTHS, ALL_BIRTHS))
    w = s / s.sum() / n
    for name, count in (("dobson", "exact"), ("dobson-byar", "byar")):
        found = direct_rate(x, n, s, interval=name)
        low, high = poisson_interval([x.sum()], interval=count)
        scale = np.sqrt((w * w * x).sum() / x.sum())
        assert found.low == pytest.approx((w * x).sum() + scale * (low[0] - x.sum()))
        assert found.high == pytest.approx((w * x).sum() + scale * (high[0] - x.sum()))


@pytest.mark.parametrize("interval", ["gamma", "tiwari", "dobson"])
@given(
    events=arrays(int, 4, elements=st.integers(0, 40)), people=arrays(int, 4, elements=st.integers(50, 9000))
)
def test_standardised_to_itself_a_rate_is_crude_with_the_exact_interval(interval, events, people):
    found = direct_rate(events, people, people * 3, interval=interval)
    assert found.rate == pytest.approx(events.sum() / people.sum())
    if events.sum():
        low, high = poisson_interval(events.sum())
        assert [found.low, found.high] == pytest.approx([low / people.sum(), high / people.sum()])


@given(
    arrays(int, (3, 5), elements=st.integers(0, 30)),
    arrays(int, (3, 5), elements=st.integers(10, 5000)),
    st.permutations(range(5)),
)
def test_order_of_strata_and_size_of_the_standard_do_not_matter_and_people_divide(events, people, order):
    standard = np.array([5.0, 1.0, 0.0, 3.0, 8.0])
    found = direct_rate(events, people, standard)
    for other in (
        direct_rate(events[:, order], people[:, order], standard[order]),
        direct_rate(events, people, standard * 7),
    ):
        for one, two in zip(found, other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-15)
    halved = direct_rate(events, people * 2, standard)
    np.testing.assert_allclose(halved.rate, found.rate / 2)
    np.testing.assert_allclose(halved.high, found.high / 2, rtol=1e-9)
    assert (found.low <= found.rate + 1e-15).all()
    assert (found.rate <= found.high).all()


def test_gamma_interval_covers_at_least_its_share_and_is_the_widest():
    rng = np.random.default_rng(4)
    people, standard = np.array([400.0, 900, 300, 60]), np.array([300.0, 400, 200, 100])
    risk = np.array([0.002, 0.004, 0.01, 0.05])
    truth = (risk * standard).sum() / standard.sum()
    draws = rng.poisson(risk * people, (4000, 4))
    covered, width = {}, {}
    for name in ("gamma", "tiwari", "dobson"):
        found = direct_rate(draws, np.broadcast_to(people, draws.shape), standard, interval=name)
        covered[name] = np.nanmean((found.low <= truth) & (truth <= found.high))
        width[name] = np.nanmean(found.high - found.low)
    assert covered["gamma"] >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert width["gamma"] > width["tiwari"] > 0


def test_nobody_in_a_stratum_leaves_no_rate_and_nothing_at_all_has_an_upper_limit():
    found = direct_rate([[1, 0], [0, 0], [3, 4]], [[10, 0], [10, 20], [10, np.nan]], [1, 1])
    assert np.isnan(found.rate).tolist() == [True, False, True]
    assert (found.rate[1], found.low[1]) == (0, 0)
    assert found.high[1] == pytest.approx(0.05 * chi2.ppf(0.975, 2) / 2)
    unused = direct_rate([1, 0], [10, 0], [1, 0])  # nobody is needed where the standard has nobody
    assert unused.rate == pytest.approx(0.1)
    assert np.isnan(direct_rate([0, 0], [10, 20], [1, 1], interval="dobson").high)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: direct_rate([1], [2], [1], interval="wald"), ConfigError, "gamma"),
        (lambda: direct_rate([1], [2], [1], confidence=95), ConfigError, "confidence"),
        (lambda: direct_rate([-1], [2], [1]), StatisticsError, "0 or more"),
        (lambda: direct_rate([1], [2], [np.nan]), StatisticsError, "0 or more"),
        (lambda: direct_rate([1], [np.inf], [1]), StatisticsError, "finite"),
        (lambda: direct_rate([1], [0], [1]), StatisticsError, "nobody"),
        (lambda: direct_rate([1, 2], [5, 5], [1]), StatisticsError, "one number for each stratum"),
        (lambda: direct_rate([1], [5], [0]), StatisticsError, "empty"),
        (lambda: expected_events([1, 2], [0.1]), StatisticsError, "one rate for each stratum"),
        (lambda: expected_events([1], [-0.1]), StatisticsError, "0 or more"),
    ],
)
def test_senseless_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
