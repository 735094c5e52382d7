"""Classes are assigned from the figure as shown, and their labels neither overlap nor leave a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemap.errors import ConfigError
from safemap.maps import breaks as limits

positive = st.floats(min_value=1e-3, max_value=1e6, allow_nan=False)


@given(st.lists(positive, min_size=1, max_size=60))
def test_breaks_are_round_and_rise(values: list[float]) -> None:
    found = limits.round_breaks(values)
    assert len(found) == 4
    assert list(found) == sorted(set(found))
    for limit in found:
        digits = f"{limit:e}".partition("e")[0].replace(".", "").rstrip("0")
        assert len(digits) <= 2
        assert digits in {"1", "2", "3", "4", "5", "6", "8", "15", "25"}


@given(st.lists(positive, min_size=5, max_size=40), positive)
def test_a_figure_lies_within_the_label_of_its_class(values: list[float], value: float) -> None:
    found = limits.round_breaks(values)
    decimals = limits.decimals_for(found)
    figure = limits.shown(value, decimals)
    which = int(limits.classify(np.array([figure]), found)[0])
    low = 0 if which == 0 else found[which - 1]
    high = np.inf if which == 4 else limits.largest_below(found[which], decimals)
    assert low <= figure <= high + 1e-12


@pytest.mark.parametrize(
    ("value", "decimals", "figure"),
    [
        (0.96, 1, 1.0), (1.949, 1, 1.9), (1.96, 1, 2.0), (99.96, 1, 100.0),
        (12_345, 0, 12_300), (0.0, 1, 0.0), (0.25, 1, 0.3),
    ],
)  # fmt: skip
def test_figures_have_three_significant_digits_at_most(value: float, decimals: int, figure: float) -> None:
    assert limits.shown(value, decimals) == figure


def test_breaks_spread_areas_over_the_classes() -> None:
    values = np.random.default_rng(0).gamma(2, 1.5, 300)
    counts = np.bincount(limits.classify(values, limits.round_breaks(values)), minlength=5)
    assert counts.min() > 0
    assert counts.max() < 150


def test_breaks_do_not_depend_on_order_zeros_or_gaps() -> None:
    values = [0.4, 1.2, 2.6, 3.9, 7.5]
    assert limits.round_breaks(values) == limits.round_breaks([np.nan, 0, *reversed(values)])


@pytest.mark.parametrize(
    "given_breaks", [(1, 2, 3), (1, 2, 2, 3), (0, 1, 2, 3), (3, 2, 1, 0.5), (1, 2, 3, float("inf"))]
)
def test_unusable_breaks_are_refused(given_breaks: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="four rising numbers"):
        limits.check_breaks(given_breaks)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([18, 25, 27, 28, 30, 31, 32, 33, 34, 35, 36, 36, 36, 37, 38, 43], (25, 30, 35, 40)),
        ([0.4, 0.8, 1.1, 1.6, 2.4], (0.5, 1, 1.5, 2)),
        ([], (20, 40, 60, 80)),
        ([0, 0], (20, 40, 60, 80)),
        ([99.5, 100, 100], (20, 40, 60, 80)),
    ],
)
def test_shares_are_cut_at_even_steps_that_are_not_finer_than_noise(
    shares: list[float], expected: tuple[float, ...]
) -> None:
    assert limits.step_breaks(shares, most=100) == expected


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40))
def test_steps_are_even_and_below_the_most(shares: list[float]) -> None:
    found = limits.step_breaks(shares, most=100)
    steps = np.diff(found)
    assert np.allclose(steps, steps[0])
    assert found[0] > 0
    assert found[-1] < 100
    assert steps[0] >= max(shares) / 10 - 1e-9


def test_limits_do_not_begin_below_what_they_must() -> None:
    assert limits.round_breaks([1, 2, 3, 4, 90], at_least=7.4)[0] >= 7.4
    assert limits.round_breaks([0.1], at_least=500)[0] >= 500
    assert limits.round_breaks([], at_least=30)[0] >= 30
