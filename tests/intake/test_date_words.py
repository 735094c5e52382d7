"""Named months in five languages, day numbers of spreadsheets, time zones, events and their reports."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import safemap as sm
from safemap.errors import InputError
from safemap.intake.date_words import MONTHS
from safemap.intake.dates import read_dates

NAMED = [
    "12 January 2023", "Jan 12, 2023", "12-Jan-2023", "12th January 2023", "Thursday, 12 January 2023",
    "12 de enero de 2023", "12/ene/2023", "12 enero 2023", "12 января 2023 г.",
    "12 янв. 2023", "12 Января 2023 года",
    "12 yanvar 2023", "2023-yil 12-yanvar", "2023 yil 12 yanvar", "12 январ 2023 йил", "2023 йил 12 январь",
    "12 Januari 2023",
]  # fmt: skip


@pytest.mark.parametrize("text", NAMED)
def test_named_months(text: str) -> None:
    read = read_dates(pd.Series([text, "2023-01-13"]))
    assert read.values.iloc[0] == pd.Timestamp("2023-01-12")
    assert any("names of months" in note for note in read.notes)


def test_named_month_with_a_clock_and_alone() -> None:
    assert read_dates(pd.Series(["12 de enero de 2023 21:30"])).values.iloc[0] == pd.Timestamp(
        "2023-01-12 21:30"
    )
    assert read_dates(pd.Series(["март 2023"])).values.iloc[0] == pd.Timestamp("2023-03-01")


@pytest.mark.parametrize("text", ["31 February 2023", "12 Smarch 2023", "enero", "January 12"])
def test_what_is_no_date_stays_unread(text: str) -> None:
    read = read_dates(pd.Series([text, "2023-01-13", "2023-01-14"]))
    assert read.unreadable.tolist() == [True, False, False]


def test_every_month_has_its_names() -> None:
    assert sorted(set(MONTHS.values())) == list(range(1, 13))
    for name, month in MONTHS.items():
        assert read_dates(pd.Series([f"7 {name} 2024"])).values.iloc[0] == pd.Timestamp(2024, month, 7)


def test_day_numbers_are_never_guessed() -> None:
    column = pd.Series(["44927", "44928.5"], name="fecha")
    with pytest.raises(InputError, match=r"excel-1900' reads them as 2023-01-01 to 2023-01-02.*2027-01-02"):
        read_dates(column)
    assert read_dates(column, date_format="excel-1900").values.tolist() == [
        pd.Timestamp("2023-01-01"),
        pd.Timestamp("2023-01-02 12:00"),
    ]
    assert read_dates(column, date_format="excel-1904").values.iloc[0] == pd.Timestamp("2027-01-02")


@settings(deadline=None, max_examples=100)
@given(st.integers(61, 100_000))
def test_day_numbers_agree_with_the_calendar(day: int) -> None:
    """Oracle: day 61 of the 1900 calendar is 1 March 1900; the 1904 calendar is 1,462 days behind."""
    read = read_dates(pd.Series([str(day)]), date_format="excel-1900").values.iloc[0]
    assert read == pd.Timestamp("1900-03-01") + pd.Timedelta(days=day - 61)
    if day > 1_600:
        other = read_dates(pd.Series([str(day - 1_462)]), date_format="excel-1904").values.iloc[0]
        assert other == read


# --- time zones


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2022-10-30T06:30:00Z", "2022-10-30 01:30"),  # still summer time
        ("2022-10-30T07:30:00Z", "2022-10-30 01:30"),  # the hour that came twice
        ("2022-10-30T08:30:00Z", "2022-10-30 02:30"),
        ("2023-07-01T18:00:00Z", "2023-07-01 12:00"),  # no summer time since
        ("2022-07-01T18:00:00Z", "2022-07-01 13:00"),
        ("2022-10-30T02:30:00-06:00", "2022-10-30 02:30"),
        ("2022-10-30 02:30:00", "2022-10-30 02:30"),  # without an offset it is local already
    ],
)
def test_mexico_city_around_the_last_change_of_clocks(text: str, local: str) -> None:
    rows = pd.DataFrame({"lon": [-99.1], "lat": [19.3], "on": [text]})
    found = sm.read_incidents(rows, lon="lon", lat="lat", date="on", timezone="America/Mexico_City")
    assert found.frame["date"].iloc[0] == pd.Timestamp(local)


@pytest.mark.parametrize(
    ("zone", "hours"), [("Africa/Nairobi", 3), ("Asia/Tashkent", 5), ("America/Mexico_City", -6)]
)
def test_kobo_times_become_local(zone: str, hours: int) -> None:
    """F14: the server writes UTC without saying so; the device writes its offset."""
    rows = pd.DataFrame(
        {
            "start": ["2023-01-31T22:30:00.000+00:00"],
            "_submission_time": ["2023-01-31T23:30:00"],
            "q": ["2023-01-31"],
        }
    )
    found = sm.read_survey(rows, timezone=zone).frame
    assert found["start"].iloc[0] == pd.Timestamp("2023-01-31 22:30") + pd.Timedelta(hours=hours)
    assert found["_submission_time"].iloc[0] == pd.Timestamp("2023-01-31 23:30") + pd.Timedelta(hours=hours)
    assert found["q"].iloc[0] == "2023-01-31"
    assert sm.read_survey(rows).frame["_submission_time"].iloc[0] == "2023-01-31T23:30:00"


def test_zones_of_the_file_and_unknown_ones() -> None:
    column = pd.Series(pd.to_datetime(["2022-10-30T08:30:00Z"]))
    assert read_dates(column, timezone="America/Mexico_City").values.iloc[0].hour == 2
    for name in ("Mexico", "../etc/passwd", ""):
        if name == "Mexico":
            name = "Mexiko/Stadt"
        with pytest.raises(InputError, match="is no time zone"):
            read_dates(pd.Series(["2022-10-30T08:30:00Z"]), timezone=name)


# --- event and report


def test_event_and_report_are_kept_apart() -> None:
    n = 100
    event = pd.date_range("2023-01-01", periods=n)
    lag = np.arange(n) % 10
    rows = pd.DataFrame({"lon": -99.1, "lat": 19.3, "hecho": event.astype(str),
                         "inicio": (event + pd.to_timedelta(lag, unit="D")).astype(str)})  # fmt: skip
    rows.loc[0, "inicio"] = "2022-12-25"
    rows.loc[1, "inicio"] = "NA"
    found = sm.read_incidents(rows, lon="lon", lat="lat", date="hecho", reported="inicio")
    assert found.audit.flags["reported_before_event"].tolist() == [0]
    table = sm.reporting_lag(found).iloc[0]
    assert (table["rows"], table["without"], table["negative"]) == (99, 1, 1)
    sound = np.delete(lag, [0, 1])
    assert table["median"] == np.median(sound)
    assert table["p90"] == np.quantile(sound, 0.9)
    assert table["complete_until"] == found.frame["reported"].max() - pd.Timedelta(
        days=int(np.ceil(table["p90"]))
    )
    with pytest.raises(InputError, match="reported="):
        sm.reporting_lag(sm.read_incidents(rows, lon="lon", lat="lat", date="hecho"))


def test_dates_that_cannot_be_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(pd.Timestamp("2023-06-01").timestamp())))
    dates = ["2023-01-01"] * 8 + ["2023-07-01", "1923-01-01"]
    rows = pd.DataFrame({"lon": -99.1, "lat": 19.3, "on": dates})
    found = sm.read_incidents(rows, lon="lon", lat="lat", date="on")
    assert found.audit.flags["future_date"].tolist() == [8]
    assert found.audit.flags["old_date"].tolist() == [9]
    assert len(found.frame) == 10, "listed, not taken out"
