"""Intervals of survey proportions: goldens of the requirements, scipy's distributions as oracle, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from safemap.stats.survey_intervals import (
    Interval,
    clopper_pearson,
    effective_size,
    kish_deff,
    proportion_interval,
    wilson,
)

SHARES = st.floats(1e-6, 1 - 1e-6) | st.sampled_from([0.0, 1.0])
METHODS: tuple[Interval, ...] = ("korn_graubard", "wilson", "logit")


def _interval(
    p: float, n: float, deff: float, df: float, method: Interval = "korn_graubard"
) -> tuple[float, float]:
    low, high = proportion_interval(p, effective_size(n, deff, df), df, method=method)
    return float(low), float(high)


def test_golden_s2() -> None:
    """Requirement S2: p=0.08, n=400, deff=1.8, df=38."""
    size = effective_size(400, 1.8, 38)
    assert round(float(size.n_eff), 2) == 222.22
    assert round(float(size.n_eff_df), 2) == 209.57
    low, high = _interval(0.08, 400, 1.8, 38)
    assert (round(low, 4), round(high, 4)) == (0.0471, 0.1254)
    assert round(high - low, 4) == 0.0783
    assert round((high - low) / 0.08 * 100, 1) == 97.9


def test_golden_s2_wilson() -> None:
    low, high = wilson(3 / 40, 40)
    assert (round(float(low), 4), round(float(high), 4)) == (0.0258, 0.1986)


def test_golden_s3() -> None:
    """Requirement S3: no success among 30 effective respondents still has an upper bound."""
    low, high = clopper_pearson(0.0, 30)
    assert (float(low), round(float(high), 4)) == (0.0, 0.1157)
    for method in METHODS:  # 0 and 1 go to Clopper-Pearson whatever the method: never 0 to 0
        low, high = _interval(0.0, 30, float("nan"), 29, method)
        assert (low, round(high, 4)) == (0.0, 0.1157)
        low, high = _interval(1.0, 30, float("nan"), 29, method)
        assert (round(low, 4), high) == (round(1 - 0.1157, 4), 1.0)


def test_golden_s7_interval() -> None:
    size = effective_size(60, 1.5, 6)
    assert float(size.n_eff) == 40.0
    assert round(float(size.n_eff_df), 2) == 26.75
    low, high = _interval(0.05, 60, 1.5, 6)
    assert (round(low, 4), round(high, 4)) == (0.0028, 0.2101)
    assert round((high - low) / 0.05 * 100, 1) == 414.6


def test_clopper_pearson_equals_scipy_binomtest() -> None:
    for x, n in [(0, 5), (1, 7), (3, 40), (12, 30), (30, 30)]:
        exact = stats.binomtest(x, n).proportion_ci(method="exact")
        low, high = clopper_pearson(x / n, n)
        assert (float(low), float(high)) == pytest.approx((exact.low, exact.high), rel=1e-10)
        score = stats.binomtest(x, n).proportion_ci(method="wilson")
        low, high = wilson(x / n, n)
        assert (float(low), float(high)) == pytest.approx((score.low, score.high), rel=1e-10, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0.001, 0.999),
    st.integers(5, 5000),
    st.floats(0.2, 8),
    st.integers(1, 300),
    st.sampled_from([0.9, 0.95]),
)
def test_korn_graubard_and_logit_by_their_formulas(
    p: float, n: int, deff: float, df: int, confidence: float
) -> None:
    size = effective_size(n, deff, df, confidence=confidence)
    tail = (1 - confidence) / 2
    n_eff = min(n, n / deff)
    adjusted = min(n, n_eff * (stats.t.ppf(1 - tail, n - 1) / stats.t.ppf(1 - tail, df)) ** 2)
    assert float(size.n_eff_df) == pytest.approx(adjusted, rel=1e-9)
    x = p * adjusted
    expected = stats.beta.ppf(tail, x, adjusted - x + 1), stats.beta.ppf(1 - tail, x + 1, adjusted - x)
    found = proportion_interval(p, size, df, confidence=confidence)
    assert (float(found[0]), float(found[1])) == pytest.approx(expected, rel=1e-7, abs=1e-12)
    half = stats.t.ppf(1 - tail, df) * np.sqrt(p * (1 - p) / n_eff) / (p * (1 - p))
    expected = (
        stats.logistic.cdf(stats.logistic.ppf(p) - half),
        stats.logistic.cdf(stats.logistic.ppf(p) + half),
    )
    found = proportion_interval(p, size, df, method="logit", confidence=confidence)
    assert (float(found[0]), float(found[1])) == pytest.approx(expected, rel=1e-7, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(SHARES, st.integers(2, 5000), st.floats(0.2, 8), st.integers(1, 300), st.sampled_from(METHODS))
def test_intervals_hold_the_estimate_and_mirror(
    p: float, n: int, deff: float, df: int, method: Interval
) -> None:
    low, high = _interval(p, n, deff, df, method)
    assert 0 <= low <= p + 1e-12
    assert p - 1e-12 <= high <= 1
    assert high > low
    other = _interval(1 - p, n, deff, df, method)
    assert other == pytest.approx((1 - high, 1 - low), abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.integers(10, 2000), st.floats(1.0, 4.0), st.integers(2, 100))
def test_more_units_and_less_clustering_narrow_the_interval(n: int, deff: float, df: int) -> None:
    def width(d: float, f: int) -> float:
        low, high = _interval(0.3, n, d, f)
        return high - low

    assert width(deff, df + 20) <= width(deff, df) + 1e-12
    assert width(deff * 1.5, df) >= width(deff, df) - 1e-12


def test_without_degrees_of_freedom_there_is_no_interval_and_no_exception() -> None:
    for method in METHODS:
        low, high = proportion_interval(
            [0.4, 0.0], effective_size([20, 20], [1.2, np.nan], [0, 0]), [0, 0], method=method
        )
        assert np.isnan([low, high]).all()


def test_kish_design_effect() -> None:
    w = np.array([1.0, 2, 2, 5])
    assert kish_deff(w) == pytest.approx(1 + w.var() / w.mean() ** 2)
    assert kish_deff(w * 3) == pytest.approx(kish_deff(w))
