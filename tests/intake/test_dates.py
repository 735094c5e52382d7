"""Dates by a stated rule; what could be read in two ways is refused."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.errors import InputError
from safemap.intake.dates import read_dates, read_times


def _iso(values: pd.Series) -> list[str]:
    return [None if pd.isna(v) else v.isoformat() for v in values]


def test_ambiguous_alone_is_an_error() -> None:
    with pytest.raises(InputError, match=r"ambiguous.*dayfirst"):
        read_dates(pd.Series(["03/04/2023", "01/02/2023"], name="fecha"))


def test_one_value_above_twelve_decides_for_the_column() -> None:
    dates = read_dates(pd.Series(["03/04/2023", "25/04/2023"]))
    assert _iso(dates.values) == ["2023-04-03T00:00:00", "2023-04-25T00:00:00"]
    dates = read_dates(pd.Series(["03/04/2023", "04/25/2023"]))
    assert _iso(dates.values) == ["2023-03-04T00:00:00", "2023-04-25T00:00:00"]


def test_equal_day_and_month_need_no_rule() -> None:
    assert _iso(read_dates(pd.Series(["03/03/2023"])).values) == ["2023-03-03T00:00:00"]


def test_dotted_dates_are_not_guessed_either() -> None:
    with pytest.raises(InputError, match="ambiguous"):
        read_dates(pd.Series(["03.04.2023"]))
    assert _iso(read_dates(pd.Series(["03.04.2023"]), dayfirst=True).values) == ["2023-04-03T00:00:00"]


def test_contradicting_orders_are_refused_and_counted() -> None:
    with pytest.raises(InputError, match=r"mixes orders.*2 rows, the second in 1"):
        read_dates(pd.Series(["25/04/2023", "26/04/2023", "04/25/2023"]))


def test_stated_order_leaves_misfits_unreadable_not_reinterpreted() -> None:
    dates = read_dates(pd.Series(["25/04/2023", "26/04/2023", "04/25/2023"]), dayfirst=True)
    assert dates.unreadable.tolist() == [False, False, True]


def test_iso_dates_and_date_times_mix() -> None:
    dates = read_dates(pd.Series(["2023-01-31", "2023-01-31 21:05:00", "2023-02-01T07:08", "NA", ""]))
    assert _iso(dates.values) == [
        "2023-01-31T00:00:00",
        "2023-01-31T21:05:00",
        "2023-02-01T07:08:00",
        None,
        None,
    ]
    assert dates.missing.tolist() == [False, False, False, True, True]
    assert not dates.unreadable.any()


@pytest.mark.parametrize(
    "bad", ["2023-02-30", "2023-13-01", "31/02/2023", "2023-01-01 25:00:00", "soon", "0000-01-01"]
)
def test_impossible_dates_are_unreadable(bad: str) -> None:
    dates = read_dates(pd.Series(["2023-01-01", "2023-01-02", bad]), dayfirst=True)
    assert dates.unreadable.tolist() == [False, False, True]


def test_a_column_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match=r"no column of dates.*2 of 3"):
        read_dates(pd.Series(["robo", "hurto", "2023-01-01"]))


def test_two_digit_years_need_a_stated_format() -> None:
    with pytest.raises(InputError, match="two digits"):
        read_dates(pd.Series(["25.04.23", "26.04.23"]))
    dates = read_dates(pd.Series(["25.04.23", "26.04.23"]), date_format="%d.%m.%y")
    assert _iso(dates.values) == ["2023-04-25T00:00:00", "2023-04-26T00:00:00"]


def test_month_only_is_the_first_day_and_said() -> None:
    dates = read_dates(pd.Series(["2022-01", "2022-12"]))
    assert _iso(dates.values)[1] == "2022-12-01T00:00:00"
    assert "first day of the month" in dates.rule


@pytest.mark.parametrize(
    ("cell", "clock"),
    [
        ("2023-05-01 12:30 AM", "00:30:00"),
        ("2023-05-01 12:30 pm", "12:30:00"),
        ("2023-05-01 01:30:15 p.m.", "13:30:15"),
    ],
)
def test_half_days(cell: str, clock: str) -> None:
    assert _iso(read_dates(pd.Series([cell])).values) == [f"2023-05-01T{clock}"]


def test_time_zones_are_kept_as_written_and_said() -> None:
    dates = read_dates(pd.Series(["2022-10-30T01:30:00Z", "2022-10-30T03:30:00+03:00"]))
    assert _iso(dates.values) == ["2022-10-30T01:30:00", "2022-10-30T03:30:00"]
    assert any("time zone" in note for note in dates.notes)


def test_dates_of_the_file_pass_through() -> None:
    column = pd.Series(pd.to_datetime(["2023-01-01", None]))
    dates = read_dates(column)
    assert _iso(dates.values) == ["2023-01-01T00:00:00", None]
    assert dates.missing.tolist() == [False, True]
    assert read_dates(pd.Series([dt.date(2023, 1, 2)], dtype=object)).values[0] == pd.Timestamp("2023-01-02")


def test_clock_times() -> None:
    times = read_times(pd.Series(["21:00:00", "07:05", "10:11:12:12", "", "24:00:00", "later"]))
    seconds = times.values.dt.total_seconds().tolist()
    assert seconds[:3] == [75_600.0, 25_500.0, 36_672.0]
    assert times.missing.tolist() == [False] * 3 + [True, False, False]
    assert times.unreadable.tolist() == [False] * 4 + [True, True]


def test_a_wrong_format_is_named() -> None:
    with pytest.raises(InputError, match="no column of dates"):
        read_dates(pd.Series(["2023-01-01"]), date_format="%d/%m/%Y")


@settings(deadline=None)
@given(st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), min_size=1, max_size=30))
def test_whatever_is_accepted_is_right(days: list[dt.date]) -> None:
    """Day-first columns are read exactly, or refused; never read as something else."""
    try:
        dates = read_dates(pd.Series([d.strftime("%d/%m/%Y") for d in days]))
    except InputError:
        assert all(d.day <= 12 for d in days)
        return
    assert [v.date() for v in dates.values] == days
