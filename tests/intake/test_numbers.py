"""Numbers in text columns: one decimal mark per column, nothing guessed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.errors import InputError
from safemap.intake.numbers import read_numbers


@pytest.mark.parametrize(
    ("cells", "expected", "mark"),
    [
        (["41.2995", "-99.5", "7"], [41.2995, -99.5, 7.0], "."),
        (["41,2995", "69,24", "7"], [41.2995, 69.24, 7.0], ","),
        (["1.234,5", "12", "-2.000,25"], [1234.5, 12.0, -2000.25], ","),
        (["1,234.5", "12.25", "9,999"], [1234.5, 12.25, 9999.0], "."),
        (["1 200", "300"], [1200.0, 300.0], ","),
        (["\u221241.5", "+3.5", " 2.5 "], [-41.5, 3.5, 2.5], "."),
        (["1e3", "2.5E-1"], [1000.0, 0.25], "."),
        (["19,345", "19,3456"], [19.345, 19.3456], ","),
    ],
)
def test_columns_read_by_one_rule(cells: list[str], expected: list[float], mark: str) -> None:
    numbers = read_numbers(pd.Series(cells))
    assert numbers.values.tolist() == expected
    assert numbers.decimal == mark
    assert not numbers.unreadable.any()
    assert not numbers.missing.any()


@pytest.mark.parametrize("cell", ["", "NA", "nan", "NULL", "-", "None", "  ", "n/a", "#N/A", None])
def test_words_for_nothing_are_missing(cell: str | None) -> None:
    numbers = read_numbers(pd.Series([cell, "1.5"], dtype=object))
    assert numbers.missing.tolist() == [True, False]
    assert not numbers.unreadable.any()


@pytest.mark.parametrize(
    "cell", ["north", "inf", "-Infinity", "19\u00b025'42\"N", "1.2.3", "12,34,56", "0x1F"]
)
def test_what_is_no_number_is_unreadable_and_not_missing(cell: str) -> None:
    numbers = read_numbers(pd.Series([cell, "1.5"]))
    assert numbers.unreadable.tolist() == [True, False]
    assert not numbers.missing.any()
    assert math.isnan(numbers.values[0])


def test_in_a_column_of_points_a_lone_comma_is_unreadable_not_reinterpreted() -> None:
    numbers = read_numbers(pd.Series(["19.5", "19.25", "19,75"]))
    assert numbers.unreadable.tolist() == [False, False, True]


def test_ambiguous_grouping_is_refused() -> None:
    with pytest.raises(InputError, match=r"either 1\.234 or 1234"):
        read_numbers(pd.Series(["1,234", "2,345"], name="population"))


def test_stated_mark_settles_the_ambiguity() -> None:
    assert read_numbers(pd.Series(["1,234"]), decimal=",").values.tolist() == [1.234]
    assert read_numbers(pd.Series(["1,234"]), decimal=".").values.tolist() == [1234.0]
    assert read_numbers(pd.Series(["1.234", "7"]), decimal=",").values.tolist() == [1234.0, 7.0]


def test_unknown_mark_is_refused() -> None:
    with pytest.raises(InputError, match="decimal must be"):
        read_numbers(pd.Series(["1"]), decimal=";")


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "Float64"])
def test_numeric_columns_pass_through(dtype: str) -> None:
    assert read_numbers(pd.Series([1, 2], dtype=dtype)).values.tolist() == [1.0, 2.0]


@settings(deadline=None)
@given(st.lists(st.floats(-180, 180).map(lambda v: round(v, 5)), min_size=1, max_size=20))
def test_comma_and_point_columns_give_the_same_numbers(values: list[float]) -> None:
    point = pd.Series([f"{v:.5f}" for v in values])
    comma = point.str.replace(".", ",", regex=False)
    assert read_numbers(point).values.tolist() == read_numbers(comma).values.tolist() == values


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=10))
def test_every_cell_is_a_number_missing_or_unreadable(cells: list[str]) -> None:
    column = pd.Series(cells, dtype=object)
    try:
        numbers = read_numbers(column)
    except InputError:
        return
    states = np.isfinite(numbers.values).astype(int) + numbers.missing + numbers.unreadable
    assert (states == 1).all()
