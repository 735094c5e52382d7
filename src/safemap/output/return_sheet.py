"""What goes back to the data provider: the rows with a fault, what is wrong, what to do; no personal data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.audit import REASONS, Audit
from safemap.datasets._xlsx import workbook
from safemap.errors import ConfigError, InputError, PrivacyError
from safemap.intake.columns import require_columns
from safemap.intake.roles import personal_columns
from safemap.output.atomic import write_whole
from safemap.output.tables import FORMULA_STARTS, csv_rows

if TYPE_CHECKING:
    import pandas as pd

_SEVERITY = {"fault": "error", "duplicate": "warn", "scope": "info"}
#: flags of rows that were kept: severity, what is wrong, what to do
FLAGS: dict[str, tuple[str, str, str]] = {
    "duplicate_row": ("warn", "every column equals an earlier row", "Confirm that it is one event."),
    "same_id": ("warn", "the id occurs more than once", "Confirm that ids are unique."),
    "pile_up": ("warn", "the coordinate is shared by many unrelated rows", "Give the real location."),
    "future_date": ("error", "the date lies in the future", "Correct the date."),
    "old_date": ("warn", "the date is more than 20 years before the others", "Confirm or correct the date."),
    "reported_before_event": ("error", "reported before it happened", "Correct one of the two dates."),
    "low_accuracy": ("warn", "the device was unsure of the position", "Take the position again if you can."),
    "zero_coordinates": ("error", "coordinates are 0, 0", "Zero stands for missing: give the location."),
    "out_of_range": ("error", "coordinates that do not exist", "Check units and columns."),
    "unreadable_coordinates": ("error", "coordinates are not numbers", "Give decimal degrees."),
    "unlisted_answer": ("warn", "an answer that the form does not list", "Check the version of the form."),
    "unreadable_number": ("error", "no number where one was asked", "Correct the answer."),
    "conflicting_choices": ("warn", "summary and single choices contradict each other", "Export again."),
    "duplicate_uuid": ("warn", "the submission occurs more than once", "Remove the copy."),
    "boundary": ("info", "on the border between two areas", "Nothing to do: the rule is in the report."),
    "overlap": ("info", "in two areas that overlap", "Nothing to do; the boundaries need correction."),
}  # fmt: skip
_REPAIRED = ("info", "the coordinates were repaired", "Correct them in your register too.")
_OTHER = ("info", "needs a look", "Check the row.")
_ORDER = {"error": 0, "warn": 1, "info": 2}
_HEADER = ("row", "severity", "code", "what is wrong", "what to do")


def return_sheet(
    checked: Any, *, frame: pd.DataFrame | None = None, columns: Sequence[str] = (), scope: bool = False
) -> pd.DataFrame:
    """The rows that need a look, one line per row and cause.

    Parameters
    ----------
    checked : Audit, or a result with an audit
        What :func:`clean_incidents`, :func:`join_areas` or another verb gives.
    frame : DataFrame, optional
        The rows as they were read (``read_incidents(...).frame``), from which `columns` are taken.
    columns : sequence of str, optional
        Columns by which the provider finds the row, such as a case number. Personal data are refused.
    scope : bool
        Whether rows that were merely not asked for (another period, another offence) are listed too.

    Returns
    -------
    pandas.DataFrame
        ``row`` (as a spreadsheet shows it), ``severity`` (error, warn, info), ``code``, ``what is wrong``,
        ``what to do``, then `columns`; errors first, then by row.

    Raises
    ------
    PrivacyError
        If a column of `columns` holds personal data, by its header, its values or the mapping file.

    Examples
    --------
    >>> import pandas as pd
    >>> from safemap import clean_incidents, read_incidents
    >>> rows = pd.DataFrame({"lon": [69.2, 0.0], "lat": [41.3, 0.0]})
    >>> sheet = return_sheet(clean_incidents(read_incidents(rows, lon="lon", lat="lat")))
    >>> sheet[["row", "severity", "code"]].values.tolist()
    [[1, 'error', 'zero_coordinates']]
    """
    import pandas as pd

    audit = _audit_of(checked)
    lines = []
    for row, reason, kind in audit.set_aside[["reason", "kind"]].itertuples():
        if kind != "scope" or scope:
            lines.append((row, _SEVERITY[kind], reason, REASONS[reason].text, REASONS[reason].remedy))
    for name, rows in audit.flags.items():
        severity, text, remedy = FLAGS.get(name, _REPAIRED if name.startswith("repaired_") else _OTHER)
        lines += [(row, severity, name, text, remedy) for row in rows]
    place = {row: i for i, row in enumerate(audit.rows)}
    lines.sort(key=lambda line: (_ORDER[line[1]], place.get(line[0], -1), line[2]))
    table = pd.DataFrame(lines, columns=list(_HEADER))
    return _with_columns(table, checked, frame, columns)


def write_return_sheet(
    checked: Any,
    path: str | os.PathLike[str],
    *,
    frame: pd.DataFrame | None = None,
    columns: Sequence[str] = (),
    scope: bool = False,
) -> Path:
    """Write :func:`return_sheet` as XLSX (with a second sheet of totals) or CSV; returns the path.

    Parameters
    ----------
    checked : Audit, or a result with an audit
        As :func:`return_sheet`.
    path : path-like
        File to write, ending in ``.xlsx`` or ``.csv``; whole or not at all.
    frame, columns, scope
        As :func:`return_sheet`.
    """
    file = Path(path)
    table = return_sheet(checked, frame=frame, columns=columns, scope=scope)
    rows = [[_plain(v) for v in row] for row in table.itertuples(index=False)]
    header = [str(c) for c in table.columns]
    if file.suffix.lower() == ".csv":
        return write_whole(file, csv_rows(header, rows, bom=True).data)
    if file.suffix.lower() != ".xlsx":
        raise ConfigError(f"{file.name}: a return sheet ends in .xlsx or .csv.")
    sheets = {
        "rows": [header, *([_safe(v) for v in row] for row in rows)],
        "totals": _totals(_audit_of(checked)),
    }
    return write_whole(file, workbook(sheets))


def _audit_of(checked: Any) -> Audit:
    audit = checked if isinstance(checked, Audit) else getattr(checked, "audit", None)
    if not isinstance(audit, Audit):
        raise InputError(
            f"a return sheet needs an audit, or a result that has one; got {type(checked).__name__}."
        )
    return audit


def _with_columns(
    table: pd.DataFrame, checked: Any, frame: pd.DataFrame | None, columns: Sequence[str]
) -> pd.DataFrame:
    if not columns:
        return table
    if frame is None:
        raise InputError("columns= are taken from frame=, the rows as they were read; give both.")
    require_columns(frame.columns, {f"columns[{i}]": c for i, c in enumerate(columns)}, source="frame")
    named = set(getattr(checked, "settings", {}).get("personal", ()))
    found = {
        **personal_columns(frame[list(columns)]),
        **{c: "the mapping says so" for c in columns if c in named},
    }
    if found:
        raise PrivacyError(
            "a return sheet carries no personal data: "
            f"{', '.join(f'{c!r} ({why})' for c, why in found.items())}. "
            "Leave the column out.",
            columns=list(found),
        )
    beside = frame[list(columns)].reindex(table["row"]).reset_index(drop=True)
    return table.join(beside.rename(columns={c: f"{c} (file)" for c in columns if c in _HEADER}))


def _totals(audit: Audit) -> list[list[Any]]:
    """Rows in, kept and set aside, by cause, so that the provider can check the sum."""
    rows: list[list[Any]] = [
        ["", "rows"],
        ["in", audit.n_in],
        ["kept", audit.n_placed],
        ["set aside", audit.n_set_aside],
    ]
    rows += [[row.text, int(row.rows)] for row in audit.by_reason().itertuples()]
    rows += [[f"kept, but {FLAGS.get(n, _OTHER)[1]} ({n})", len(i)] for n, i in audit.flags.items() if len(i)]
    return rows


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    return (
        value.item() if hasattr(value, "item") else value if isinstance(value, (int, float)) else str(value)
    )


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
