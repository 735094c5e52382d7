"""Dates by one stated rule per column. What could be read in two ways is refused, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.errors import InputError
from safemap.intake.columns import is_missing
from safemap.intake.date_words import (
    EXCEL,
    known_zone,
    offset_minutes,
    read_serials,
    serial_hint,
    to_local,
    with_month_numbers,
)

if TYPE_CHECKING:
    import pandas as pd

_CLOCK = (
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:[.,:]\d+)?"
    r"\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = rf"^(?P<a>\d{{4}})[-/.](?P<b>\d{{1,2}})[-/.](?P<c>\d{{1,2}}){_CLOCK}$"
_YEAR_LAST = rf"^(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<c>\d{{4}}){_CLOCK}$"
_COMPACT = rf"^(?P<a>\d{{4}})(?P<b>\d{{2}})(?P<c>\d{{2}}){_CLOCK}$"
_MONTH = r"^(?P<a>\d{4})[-/](?P<b>\d{1,2})$"
_TIME = (
    r"^(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:[.,:]\d+)?"
    r"\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?$"
)
_TWO_DIGIT_YEAR = r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(?:\D|$)"
_DAY = np.timedelta64(1, "D")


class Dates(NamedTuple):
    """A column read as dates."""

    values: pd.Series  #: datetime64[us], NaT where missing or unreadable
    missing: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]
    rule: str  #: how the column was read, in words
    notes: tuple[str, ...]


def read_dates(
    column: pd.Series,
    *,
    dayfirst: bool | None = None,
    date_format: str | None = None,
    timezone: str | None = None,
    source: str = "table",
    whole: bool = True,
) -> Dates:
    """Read a column as dates or date-times.

    Parameters
    ----------
    column : Series
        Dates, or text. Year-first forms are read as year, month, day. For year-last forms the order of day
        and month comes from `dayfirst`, or from a value above 12 somewhere in the column.
    dayfirst : bool, optional
        Whether the day precedes the month in year-last forms.
    date_format : str, optional
        One ``strptime`` format for the whole column, or ``excel-1900`` or ``excel-1904`` for day numbers of a
        spreadsheet; nothing else is then tried.
    timezone : str, optional
        Local time zone (``America/Mexico_City``), into which clock times with an offset are brought.
    source : str
        Name of the file for messages.
    whole : bool
        Whether this is the whole column. Of a piece of one it is not required that most values are dates.

    Raises
    ------
    InputError
        If day and month cannot be told apart, contradict each other, or most values are no dates.

    Examples
    --------
    >>> import pandas as pd
    >>> read_dates(pd.Series(["03/04/2023", "25/04/2023"])).rule
    'DD/MM/YYYY (the first number exceeds 12 in 1 row)'
    >>> read_dates(pd.Series(["2023-04-03", "2023-04-25 10:30:00"])).values.dt.hour.tolist()
    [0, 10]
    """
    import pandas as pd

    missing = is_missing(column).to_numpy()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        written = str(column.dt.tz)
        if timezone is not None:
            column = column.dt.tz_convert(known_zone(timezone))
        values = column.dt.tz_localize(None).astype("datetime64[us]")
        return Dates(
            values,
            missing,
            np.zeros(len(column), bool),
            "dates of the file",
            (_zone_note(written, timezone),),
        )
    if column.dtype.kind == "M":
        return Dates(
            column.astype("datetime64[us]"), missing, np.zeros(len(column), bool), "dates of the file", ()
        )
    codes, distinct = pd.factorize(column.astype(str).where(~missing, ""))
    text = pd.Series(distinct, dtype=str).str.strip()
    counts = np.bincount(codes, minlength=len(text))
    if date_format in EXCEL:
        parsed, notes = read_serials(text, date_format), ()
        rule = f"day numbers of a spreadsheet, by the calendar of {date_format[-4:]} (as stated)"
    elif date_format is not None:
        parsed, rule, notes = _by_format(text, date_format), f"by the stated format {date_format}", ()
    else:
        parsed, rule, notes = _by_form(text, counts, dayfirst, str(column.name), source, timezone)
    values = pd.Series(parsed[codes], index=column.index, name=column.name)
    unreadable = values.isna().to_numpy() & ~missing
    if whole:
        _require_mostly_readable(text, counts, unreadable, missing, str(column.name), source)
    return Dates(values, missing, unreadable, rule, notes)


def read_times(column: pd.Series) -> Dates:
    """Read clock times as time since midnight (``values`` is timedelta64[us], NaT where unreadable).

    ``HH:MM``, ``HH:MM:SS``, a fraction of a second, and am/pm are read; of ``HH:MM:SS:FF`` the last part is
    left out.
    """
    import pandas as pd

    missing = is_missing(column).to_numpy()
    codes, distinct = pd.factorize(column.astype(str).where(~missing, ""))
    parts = pd.Series(distinct, dtype=str).str.strip().str.extract(_TIME)
    clock = _clock(parts)
    values = pd.Series(clock[codes], index=column.index, name=column.name)
    return Dates(values, missing, values.isna().to_numpy() & ~missing, "HH:MM[:SS]", ())


def _by_format(text: pd.Series, date_format: str) -> NDArray[np.datetime64]:
    import pandas as pd

    try:
        parsed = pd.to_datetime(text.where(text != "", None), format=date_format, errors="coerce", exact=True)
    except ValueError as error:
        raise InputError(
            f"date_format={date_format!r} is no strptime format. Example: '%d.%m.%Y %H:%M'."
        ) from error
    if isinstance(parsed.dtype, pd.DatetimeTZDtype):
        parsed = parsed.dt.tz_localize(None)
    return parsed.to_numpy().astype("datetime64[us]")


def _by_form(
    text: pd.Series,
    counts: NDArray[np.int64],
    dayfirst: bool | None,
    column: str,
    source: str,
    timezone: str | None = None,
) -> tuple[NDArray[np.datetime64], str, tuple[str, ...]]:
    """Parse distinct values, each by the form it has; one order of day and month for the whole column."""
    text, named = with_month_numbers(text)
    parsed = np.full(len(text), "NaT", dtype="datetime64[us]")
    rules: list[str] = []
    zones: set[str] = set()
    for pattern, words in (
        (_YEAR_FIRST, "YYYY-MM-DD"),
        (_YEAR_LAST, ""),
        (_COMPACT, "YYYYMMDD"),
        (_MONTH, "YYYY-MM"),
    ):
        parts = text.str.extract(pattern)
        hit = parts["a"].notna().to_numpy()
        if not hit.any():
            continue
        parts, weight = parts[hit], counts[hit]
        a, b = parts["a"].to_numpy(dtype=int), parts["b"].to_numpy(dtype=int)
        c = parts["c"].to_numpy(dtype=int) if "c" in parts else np.ones(len(parts), int)
        if pattern is _YEAR_LAST:
            first, words = _order(a, b, weight, dayfirst, column, source)
            year, month, day = c, np.where(first, b, a), np.where(first, a, b)
        else:
            year, month, day = a, b, c
        parsed[hit] = _calendar(year, month, day) + (
            _clock(parts) if "hour" in parts else np.timedelta64(0, "us")
        )
        rules.append(words + (", first day of the month" if pattern is _MONTH else ""))
        if "zone" in parts and parts["zone"].notna().any():
            zones |= set(parts["zone"].dropna().unique())
            if timezone is not None:
                parsed[hit] = to_local(parsed[hit], offset_minutes(parts["zone"]), timezone)
    notes = (_zone_note(", ".join(sorted(zones)), timezone),) if zones else ()
    if named.any():
        notes += (f"names of months were read in {int(counts[named].sum()):,} rows",)
    return parsed, " and ".join(rules) or "no readable date", notes


def _order(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    weight: NDArray[np.int64],
    dayfirst: bool | None,
    column: str,
    source: str,
) -> tuple[bool, str]:
    """Whether the first of two numbers is the day, from `dayfirst` or the data; and the rule in words."""
    day_first, month_first = int(weight[a > 12].sum()), int(weight[b > 12].sum())
    if dayfirst is not None:
        return dayfirst, f"{'DD/MM/YYYY' if dayfirst else 'MM/DD/YYYY'} (as stated)"
    if day_first and month_first:
        raise InputError(
            f"{source}: column {column!r} mixes orders: the first number exceeds 12 in {day_first:,} rows, "
            f"the second in {month_first:,}. State dayfirst=True or dayfirst=False; rows that do not fit "
            "are then set aside, or correct the file.",
            column=column,
        )
    if not day_first and not month_first and (a != b).any():
        n = int(weight.sum())
        raise InputError(
            f"{source}: dates in column {column!r} are ambiguous: day and month are both 12 or less in all "
            f"{n:,} rows (03/04 is 3 April or March 4). State dayfirst=True or dayfirst=False.",
            column=column,
        )
    n, first = (day_first, True) if day_first or not month_first else (month_first, False)
    ground = f"the {'first' if first else 'second'} number exceeds 12 in {n:,} row{'s' if n != 1 else ''}"
    return first, f"{'DD/MM/YYYY' if first else 'MM/DD/YYYY'} ({ground})"


def _calendar(
    year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]
) -> NDArray[np.datetime64]:
    """Dates from numbers; NaT where there is no such day."""
    sound = (month >= 1) & (month <= 12) & (year >= 1) & (day >= 1)
    months = ((year - 1970) * 12 + np.where(sound, month, 1) - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (np.where(sound, day, 1) - 1) * _DAY
    sound &= dates.astype("datetime64[M]") == months
    return np.where(sound, dates, np.datetime64("NaT", "us")).astype("datetime64[us]")


def _clock(parts: pd.DataFrame) -> NDArray[np.timedelta64]:
    """Time since midnight; zero where there is no clock part of a date, NaT where it is no time."""
    given = parts["hour"].notna().to_numpy()
    hour, minute, second = (parts[p].fillna("0").to_numpy(dtype=int) for p in ("hour", "minute", "second"))
    half = parts["half"].str.lower().str[0]
    hour_24 = np.where(
        (half == "p") & (hour < 12), hour + 12, np.where((half == "a") & (hour == 12), 0, hour)
    )
    sound = (hour_24 < 24) & (minute < 60) & (second < 60) & ~(half.notna().to_numpy() & (hour > 12))
    span = (hour_24 * 3600 + minute * 60 + second).astype("timedelta64[s]").astype("timedelta64[us]")
    never = np.timedelta64("NaT", "us")
    no_time = never if "zone" not in parts else np.timedelta64(0, "us")
    return np.where(given, np.where(sound, span, never), no_time).astype("timedelta64[us]")


def _zone_note(zones: str, timezone: str | None) -> str:
    if timezone is not None:
        return f"times that carry a time zone ({zones}) were brought to local time of {timezone}"
    return (
        f"times carry a time zone ({zones}); the clock time was kept as it is written and the zone left out"
    )


def _require_mostly_readable(
    text: pd.Series,
    counts: NDArray[np.int64],
    unreadable: NDArray[np.bool_],
    missing: NDArray[np.bool_],
    column: str,
    source: str,
) -> None:
    asked, bad = int((~missing).sum()), int(unreadable.sum())
    if bad * 2 <= asked:
        return
    short = int(counts[text.str.contains(_TWO_DIGIT_YEAR, regex=True).to_numpy()].sum())
    hint = (
        " Years of two digits need a stated format, e.g. date_format='%d.%m.%y'." if short * 2 > bad else ""
    )
    hint = hint or serial_hint(text, counts, bad)
    raise InputError(
        f"{source}: column {column!r} is no column of dates by any known form: {bad:,} of {asked:,} values "
        f"cannot be read.{hint} State date_format=, e.g. '%d.%m.%Y %H:%M', or name another column.",
        column=column,
    )
