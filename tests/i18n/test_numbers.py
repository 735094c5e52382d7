"""Figures are written by the table of six languages, and halves go up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemap.i18n import LANGUAGES, NUMBER_FORMATS, format_number, format_percent


@pytest.mark.parametrize(
    ("language", "number", "rate", "share"),
    [
        ("en", "27,624", "2.5", "63%"),
        ("es", "27,624", "2.5", "63%"),
        ("ru", "27\u00a0624", "2,5", "63\u00a0%"),
        ("uz-Latn", "27\u00a0624", "2,5", "63\u00a0%"),
        ("uz-Cyrl", "27\u00a0624", "2,5", "63\u00a0%"),
        ("sw", "27,624", "2.5", "63%"),
    ],
)
def test_the_table_of_formats(language: str, number: str, rate: str, share: str) -> None:
    assert format_number(27_624, language=language) == number
    assert format_number(2.5, 1, language=language) == rate
    assert format_percent(0.63, language=language) == share


def test_thousands_are_grouped_from_four_digits_on() -> None:
    assert format_number(2_017, language="ru") == "2\u00a0017"
    assert format_number(999, language="en") == "999"
    assert format_number(1_234_567, language="en") == "1,234,567"


def test_halves_go_up_and_minus_is_a_minus() -> None:
    assert format_number(0.125, 2) == "0.13"
    assert format_number(2.5, 0) == "3"
    assert format_number(-1.5, 1) == "\u22121.5"
    assert format_number(-0.04, 1) == "0.0"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_number_is_a_dash(value: float | None) -> None:
    assert format_number(value) == format_percent(value) == "–"


@given(st.floats(min_value=-1e12, max_value=1e12), st.integers(0, 4), st.sampled_from(LANGUAGES))
def test_what_is_written_is_the_number_to_half_a_unit(value: float, decimals: int, language: str) -> None:
    style = NUMBER_FORMATS[language]
    written = format_number(value, decimals, language=language)
    plain = written.replace(style["thousands"], "").replace(style["decimal"], ".").replace("\u2212", "-")
    assert abs(float(plain) - value) <= 0.5 * 10**-decimals * (1 + 1e-9) + abs(value) * 1e-15
