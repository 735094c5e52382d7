"""Dates that no pattern of numbers covers: names of months, days counted by a spreadsheet, time zones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from safemap.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: names of months in English, Spanish, Russian, Uzbek (both scripts) and Swahili, January first; folded
_MONTHS = (
    "january jan enero ene январь января янв yanvar январ januari",
    "february feb febrero февраль февраля фев fevral феврал februari",
    "march mar marzo март марта мар mart machi",
    "april apr abril abr апрель апреля апр aprel апрел aprili",
    "may mayo май мая may mei",
    "june jun junio июнь июня июн iyun июн juni",
    "july jul julio июль июля июл iyul июл julai",
    "august aug agosto ago август августа авг avgust август agosti",
    "september sep sept septiembre setiembre set сентябрь сентября сен сент sentabr sentyabr "
    "сентябр septemba",
    "october oct octubre октябрь октября окт oktabr oktyabr октябр oktoba",
    "november nov noviembre ноябрь ноября ноя нояб noyabr ноябр novemba",
    "december dec diciembre dic декабрь декабря дек dekabr декабр desemba",
)
MONTHS = {word: i for i, words in enumerate(_MONTHS, start=1) for word in words.split()}
_NAME = "|".join(sorted(MONTHS, key=len, reverse=True))
_GAP = r"[\s\-./,]*(?:de[l]?\s+|-?чи\s+|-?inchi\s+)?"
_CLOCK = r"(?P<rest>(?:[T ,]+\d{1,2}:\d{2}.*)?)$"
#: day, month, year; month, day, year; year, day, month (Uzbek); month and year
_FORMS = (
    rf"^(?P<d>\d{{1,2}})(?:st|nd|rd|th|º|-го)?{_GAP}(?P<m>{_NAME})\.?{_GAP}(?P<y>\d{{4}})\s*(?:г\.?|года|йил|yil)?{_CLOCK}",
    rf"^(?P<m>{_NAME})\.?\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}}){_CLOCK}",
    rf"^(?P<y>\d{{4}})\s*[-.]?\s*(?:yil|йил)?(?:ning|нинг)?[\s,.-]*(?P<d>\d{{1,2}})[\s-]*(?P<m>{_NAME})\.?{_CLOCK}",
    rf"^(?P<m>{_NAME})\.?{_GAP}(?P<y>\d{{4}})\s*(?:г\.?|года|йил|yil)?(?P<rest>)$",
)
_COMPILED = tuple(re.compile(form) for form in _FORMS)
#: no month has a name of fewer letters
_LETTERS = r"[^\W\d_]{3}"
_WEEKDAY = re.compile(r"^[^\W\d_]{2,13}\.?,\s+(?=\S)")
#: day 0 of the two calendars of spreadsheets; the first counts a 29 February 1900 that never was
EXCEL = {"excel-1900": np.datetime64("1899-12-30", "us"), "excel-1904": np.datetime64("1904-01-01", "us")}
_SERIAL = r"^\d{5}(?:\.\d+)?$"


def with_month_numbers(text: pd.Series) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Distinct texts with named months rewritten year first, and which those were.

    Examples
    --------
    >>> import pandas as pd
    >>> given = ["12 de enero de 2023", "12 января 2023 г.", "2023-yil 12-yanvar", "Jan 12, 2023 21:30", "x"]
    >>> with_month_numbers(pd.Series(given))[0].tolist()
    ['2023-01-12', '2023-01-12', '2023-01-12', '2023-01-12 21:30', 'x']
    """
    import pandas as pd

    out = text.to_numpy(dtype=object).copy()
    found = np.zeros(len(out), dtype=bool)
    for i in np.flatnonzero(text.str.contains(_LETTERS, regex=True, na=False).to_numpy(dtype=bool)):
        new = _rewritten(" ".join(str(out[i]).casefold().split()))
        if new is not None:
            out[i], found[i] = new, True
    return pd.Series(out, index=text.index, dtype=text.dtype), found


def _rewritten(value: str) -> str | None:
    for form in _COMPILED:
        match = form.match(value) or form.match(_WEEKDAY.sub("", value))
        if match:
            part = match.groupdict()
            day = f"-{int(part['d']):02d}" if part.get("d") else ""
            clock = part["rest"].strip(" ,t").upper()
            return f"{part['y']}-{MONTHS[part['m']]:02d}{day}" + (f" {clock}" if clock else "")
    return None


def read_serials(text: pd.Series, calendar: str) -> NDArray[np.datetime64]:
    """Days (and parts of a day) counted by a spreadsheet, to the second.

    Examples
    --------
    >>> import pandas as pd
    >>> read_serials(pd.Series(["44927.5", "43465.5"]), "excel-1900").astype("datetime64[h]").tolist()[0].hour
    12
    """
    import pandas as pd

    days = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float)
    sound = np.isfinite(days) & (days >= 61) & (days < 110_000)  # before 1 March 1900 the count is wrong
    seconds = np.round(np.where(sound, days, 0) * 86_400).astype("timedelta64[s]")
    return np.where(sound, EXCEL[calendar] + seconds, np.datetime64("NaT", "us")).astype("datetime64[us]")


def serial_hint(text: pd.Series, counts: NDArray[np.int64], bad: int) -> str:
    """Words for an error, where most of what cannot be read are day numbers of a spreadsheet; else empty."""
    like = text.str.match(_SERIAL).to_numpy(dtype=bool)
    if int(counts[like].sum()) * 2 <= bad:
        return ""
    ends = [read_serials(text[like], name) for name in EXCEL]
    spans = [f"{np.min(e).astype('datetime64[D]')} to {np.max(e).astype('datetime64[D]')}" for e in ends]
    return (
        " The values look like day numbers of a spreadsheet: date_format='excel-1900' reads them as "
        f"{spans[0]}, "
        f"date_format='excel-1904' (old workbooks of Macintosh) as {spans[1]}."
    )


def to_local(
    values: NDArray[np.datetime64], offsets: NDArray[np.float64], timezone: str, *, naive_is_utc: bool = False
) -> NDArray[np.datetime64]:
    """Clock times with an offset from UTC as local time of `timezone`; those without stay as they are.

    Parameters
    ----------
    values : ndarray of datetime64
        Clock times as written.
    offsets : ndarray of float
        Minutes ahead of UTC; NaN where none is written.
    timezone : str
        Name in the time zone database, such as ``America/Mexico_City``.
    naive_is_utc : bool
        Whether clock times without an offset are UTC (``_submission_time`` of KoboToolbox).

    Examples
    --------
    >>> noon = np.array(["2022-10-29T18:00", "2022-10-30T18:00"], dtype="datetime64[us]")
    >>> to_local(noon, np.zeros(2), "America/Mexico_City").astype("datetime64[h]").astype(str).tolist()
    ['2022-10-29T13', '2022-10-30T12']
    """
    import pandas as pd

    zone = known_zone(timezone)
    given = np.isfinite(offsets) | naive_is_utc
    shift = (np.nan_to_num(offsets) * 60).astype("timedelta64[s]")
    utc = pd.DatetimeIndex(values - shift).tz_localize("UTC")
    local = utc.tz_convert(zone).tz_localize(None).to_numpy()
    return np.where(given, local, values).astype("datetime64[us]")


def offset_minutes(zones: pd.Series) -> NDArray[np.float64]:
    """Minutes ahead of UTC of texts such as ``Z``, ``+05:00``, ``-0600``; NaN where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> offset_minutes(pd.Series(["Z", "-0600", "+05:30", None])).tolist()
    [0.0, -360.0, 330.0, nan]
    """
    parts = zones.astype("str").str.extract(r"^(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})$")
    minutes = parts["hours"].astype(float) * 60 + parts["minutes"].astype(float)
    out = minutes.where(parts["sign"] != "-", -minutes).to_numpy(dtype=float, copy=True)
    out[zones.isin(["Z", "UTC"]).to_numpy()] = 0.0
    return out


def known_zone(timezone: str) -> object:
    """The time zone of that name; an :class:`InputError` where there is none."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(timezone)
    except Exception as error:  # a path, an empty text, a missing database: each raises something else
        raise InputError(
            f"timezone={timezone!r} is no time zone. Examples: 'Africa/Nairobi', 'Asia/Tashkent', "
            "'America/Mexico_City'."
        ) from error
