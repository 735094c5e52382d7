"""Dates that cannot be, and the delay between an event and its report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from safemap.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from safemap.audit import Audit
    from safemap.intake.incidents import Incidents

#: years before the middle of all dates at which a date is taken for a mistake
OLD_YEARS = 20


def flag_dates(
    audit: Audit, dates: pd.Series | None, reported: pd.Series | None = None
) -> tuple[Audit, list[str]]:
    """Flag rows dated in the future, long before the others, or after their report; notes say how many.

    A date is in the future if it is later than today (or than ``SOURCE_DATE_EPOCH``), and old if it is more
    than 20
    years before the median date.
    """
    if dates is None:
        return audit, []
    notes = []
    found = {"future_date": dates > _now(), "old_date": _old(dates)}
    if reported is not None:
        found["reported_before_event"] = reported.dt.normalize() < dates.dt.normalize()
    for name, mask in found.items():
        rows = dates.index[mask.fillna(False).to_numpy(dtype=bool)]
        if len(rows):
            audit = audit.with_flag(name, rows)
            notes.append(
                f"{len(rows):,} rows are flagged {name} (the first are {', '.join(map(str, rows[:5]))})"
            )
    return audit, notes


def reporting_lag(incidents: Incidents) -> pd.DataFrame:
    """Days from the event to its report.

    Parameters
    ----------
    incidents : Incidents
        From :func:`read_incidents` with ``date=`` and ``reported=``.

    Returns
    -------
    pandas.DataFrame
        One row: ``rows`` with both dates, ``without`` one of them, ``negative`` (reported before it
        happened; left out
        of the rest), ``median``, ``p75``, ``p90``, ``p99``, ``longest`` (days), and ``complete_until``: the
        last day of
        report less the 90 % lag. Of events after it more than one in ten is probably still missing.

    Raises
    ------
    InputError
        If one of the two dates was not read.

    Notes
    -----
    Lags of events near the end of the file are cut off, because late reports are not in it yet: the
    quantiles are too
    short where the file spans little more than the lag itself.

    Examples
    --------
    >>> import pandas as pd
    >>> from safemap import read_incidents
    >>> rows = pd.DataFrame({"lon": [0.1] * 3, "lat": [0.1] * 3, "on": ["2023-01-01"] * 3,
    ...                      "filed": ["2023-01-01", "2023-01-03", "2022-12-31"]})
    >>> found = reporting_lag(read_incidents(rows, lon="lon", lat="lat", date="on", reported="filed"))
    >>> found[["rows", "negative", "median"]].iloc[0].tolist()
    [3.0, 1.0, 1.0]
    """
    import pandas as pd

    frame = incidents.frame
    for column in ("date", "reported"):
        if column not in frame.columns:
            raise InputError(
                f"{incidents.audit.source}: the lag needs both dates; read the file with {column}=."
            )
    both = frame[["date", "reported"]].dropna()
    days = (both["reported"].dt.normalize() - both["date"].dt.normalize()).dt.days.to_numpy()
    sound = days[days >= 0]
    marks = np.quantile(sound, [0.5, 0.75, 0.9, 0.99, 1.0]) if len(sound) else [np.nan] * 5
    last = both["reported"].max().normalize() if len(sound) else pd.NaT
    row = {
        "rows": len(both), "without": len(frame) - len(both), "negative": int((days < 0).sum()),
        **dict(zip(("median", "p75", "p90", "p99", "longest"), map(float, marks), strict=True)),
        "complete_until": last - pd.Timedelta(days=int(np.ceil(marks[2]))) if len(sound) else pd.NaT,
    }  # fmt: skip
    return pd.DataFrame([row])


def _now() -> np.datetime64:
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    return (
        np.datetime64(int(stated), "s")
        if stated.isdigit()
        else np.datetime64("now", "s") + np.timedelta64(14, "h")
    )


def _old(dates: pd.Series) -> pd.Series:
    middle = dates.median()
    return dates < middle - np.timedelta64(round(OLD_YEARS * 365.25), "D")
