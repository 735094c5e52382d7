"""Selection: which rows were asked for. The others stay in the audit, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import InputError
from safemap.intake.columns import close_matches, fold, fold_values, require_columns
from safemap.intake.incidents import Incidents

if TYPE_CHECKING:
    import pandas as pd

#: a column with more distinct values than this holds names or texts, which are not quoted in messages
_CATEGORIES_MAX = 1_000


def select_incidents(
    incidents: Incidents,
    *,
    where: Mapping[str, Any] | None = None,
    period: Sequence[Any] | None = None,
) -> Incidents:
    """Keep the incidents that were asked for and set the others aside.

    Parameters
    ----------
    incidents : Incidents
        From :func:`read_incidents`.
    where : mapping, optional
        Column to allowed value, or to a list of allowed values. Compared without regard to case, width of
        characters and spacing. A row must satisfy every column.
    period : (start, end), optional
        First and last day, both included.

    Returns
    -------
    Incidents
        With the rows set aside as ``not_selected`` and ``outside_period`` (not asked for), and as
        ``missing_date`` or ``unreadable_date`` (a fault) where a period was asked for.

    Raises
    ------
    InputError
        If a column or a value does not occur, or the period is not two dates in order.

    Examples
    --------
    >>> import pandas as pd
    >>> from safemap import read_incidents
    >>> rows = pd.DataFrame({"lon": [1.0, 2.0], "lat": [0.5, 0.5], "kind": ["Robo ", "HURTO"]})
    >>> chosen = select_incidents(read_incidents(rows, lon="lon", lat="lat"), where={"kind": "robo"})
    >>> chosen.audit.by_reason()["rows"].to_dict()
    {'not_selected': 1}
    """
    import pandas as pd

    frame, audit = incidents.frame, incidents.audit
    audit.check(frame.index)
    reasons = np.full(len(frame), "", dtype=object)
    for column, allowed in (where or {}).items():
        require_columns(frame.columns, {"where": column}, source=audit.source)
        reasons[~_matches(frame[column], column, allowed, audit.source) & (reasons == "")] = "not_selected"
    settings = {**incidents.settings}
    if where:
        settings["where"] = {column: listed(allowed) for column, allowed in where.items()}
    if period is not None:
        first, last = days_of(period)
        date_reasons = _outside(incidents, first, last)
        reasons = np.where(reasons == "", date_reasons, reasons)
        settings["period"] = (first.date().isoformat(), last.date().isoformat())
    aside = pd.Series(reasons, index=frame.index, dtype=object)
    audit = audit.with_set_aside(aside[aside != ""], step="select_incidents")
    kept = frame[(aside == "").to_numpy()]
    audit.check(kept.index)
    return replace(incidents, frame=kept, audit=audit, settings=settings)


def _matches(values: pd.Series, column: str, allowed: Any, source: str) -> np.ndarray:
    """True where a value is one of those allowed; every allowed value must occur."""
    folded = fold_values(values)
    wanted = {fold(value): str(value) for value in listed(allowed)}
    occurring = set(folded.unique())
    unknown = [original for key, original in wanted.items() if key not in occurring]
    if unknown:
        raise InputError(
            f"{source}: where asks for {column} = {', '.join(map(repr, unknown))}, which occurs in no "
            f"row.{_suggestion(values, unknown)}",
            column=column,
            values=unknown,
        )
    return folded.isin(list(wanted)).to_numpy()


def _suggestion(values: pd.Series, unknown: list[str]) -> str:
    """Close matches, where the column holds categories; names and free texts are not quoted."""
    distinct = values.dropna().unique()
    if len(distinct) > min(_CATEGORIES_MAX, max(20, len(values) // 2)):
        return " Compare with the values of the column."
    near = list(dict.fromkeys(m for u in unknown for m in close_matches(u, [str(v) for v in distinct])))
    return f" Did you mean {', '.join(map(repr, near))}?" if near else " No value of the column resembles it."


def listed(allowed: Any) -> list[Any]:
    """One allowed value, or several, as a list."""
    if isinstance(allowed, (str, bytes)) or not isinstance(allowed, (Sequence, set, frozenset, np.ndarray)):
        return [allowed]
    return sorted(allowed, key=str) if isinstance(allowed, (set, frozenset)) else list(allowed)


def days_of(period: Sequence[Any]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day of a period, at midnight."""
    import pandas as pd

    if isinstance(period, str) or len(period) != 2:
        raise InputError(
            "period must be two dates, the first and the last day, e.g. ('2023-01-01', '2023-12-31')."
        )
    try:
        first, last = (pd.Timestamp(day) for day in period)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"period must be two dates such as '2023-01-01'; got {tuple(map(str, period))}."
        ) from error
    if pd.isna(first) or pd.isna(last):
        raise InputError("period must be two dates, the first and the last day; one of them is empty.")
    first, last = first.tz_localize(None).normalize(), last.tz_localize(None).normalize()
    if first > last:
        raise InputError(f"period must run from the first to the last day; got {first} to {last}.")
    return first, last


def _outside(incidents: Incidents, first: pd.Timestamp, last: pd.Timestamp) -> np.ndarray:
    """Reason code of each row by its date; empty where the date lies in the period."""
    frame = incidents.frame
    if "date" not in frame.columns:
        raise InputError(
            f"{incidents.audit.source}: a period was asked for, but no column of dates was named. Read the "
            "file with date= (or time=, if one column holds date and time)."
        )
    day = frame["date"].dt.normalize()
    unreadable = frame.index.isin(incidents.remembered.get("unreadable_date", frame.index[:0]))
    return np.select(
        [unreadable, day.isna().to_numpy(), ((day < first) | (day > last)).to_numpy()],
        ["unreadable_date", "missing_date", "outside_period"],
        default="",
    ).astype(object)
