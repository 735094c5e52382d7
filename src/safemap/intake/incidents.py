"""Incidents: one file of events becomes one table with coordinates, dates and a report on how it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap.audit import Audit
from safemap.errors import CRSError, InputError
from safemap.geo.coordinates import as_crs, crs_name, in_range
from safemap.intake.columns import is_missing, require_columns
from safemap.intake.dates import read_dates, read_times
from safemap.intake.degrees import read_degrees
from safemap.intake.lags import flag_dates
from safemap.intake.mapping import USED, as_mapping
from safemap.intake.numbers import Numbers, read_numbers
from safemap.intake.report import LoadReport
from safemap.intake.roles import best_column
from safemap.intake.systems import datum_notes
from safemap.intake.tables import RawTable, points_of, read_table
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd

#: columns that later verbs add; like those added here, they are renamed where a file has them
_ADDED_LATER = ("area_id", "match")


@dataclass(frozen=True, eq=False, repr=False)
class Incidents(Result):
    """Events, one row each, with where and when they happened.

    Attributes
    ----------
    frame : pandas.DataFrame
        Index ``row`` (row number as a spreadsheet shows it); columns ``x``, ``y`` (in ``settings["crs"]``),
        ``date`` and ``category`` where given, then the columns of the file. After :func:`clean_incidents` or
        :func:`select_incidents` only the rows that were not set aside.
    audit : Audit
        Every row of the file: kept, or set aside with a reason.
    report : LoadReport
        How the file was read.
    remembered : mapping of str to pandas.Index
        Rows known from reading: ``unreadable_coordinates``, ``unreadable_date``, ``unreadable_time``,
        ``duplicate_row``.
    pileups : pandas.DataFrame or None
        Coordinates shared by suspiciously many rows, from :func:`clean_incidents`: columns ``x``, ``y``,
        ``rows``, ``share``, ``addresses``, ``categories``, ``suspected``.
    """

    kind: ClassVar[str] = "incidents"

    audit: Audit = field(default=None)  # type: ignore[assignment]  # read_incidents always gives one
    report: LoadReport | None = None
    remembered: Mapping[str, pd.Index] = field(default_factory=dict)
    pileups: pd.DataFrame | None = None

    def summary(self) -> str:
        """How the file was read, where its rows went, and which coordinates look like defaults."""
        lines = [self.report.summary()] if self.report is not None else []
        lines.append(super().summary())
        if self.pileups is not None and len(self.pileups):
            worst = self.pileups.iloc[0]
            lines.append(
                f"{len(self.pileups)} coordinates hold suspiciously many rows; the largest "
                f"{int(worst['rows']):,} ({worst['share']:.1%}), suspected "
                f"{worst['suspected'].replace('_', ' ')}"
            )
        return "\n".join(lines)

    def _headline(self) -> str:
        source = f" of {self.report.source}" if self.report is not None else ""
        return f"Incidents{source}: {len(self.frame):,} rows"


def read_incidents(
    path: str | Path | pd.DataFrame,
    *,
    lon: str | None = None,
    lat: str | None = None,
    x: str | None = None,
    y: str | None = None,
    crs: Any = None,
    date: str | None = None,
    reported: str | None = None,
    time: str | None = None,
    category: str | None = None,
    id: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    sheet: str | Sequence[str] | None = None,
    layer: str | None = None,
    dayfirst: bool | None = None,
    date_format: str | None = None,
    timezone: str | None = None,
    positional_uncertainty: float | None = None,
    keep: Sequence[str] | None = None,
    header: int | tuple[int, int] | None = None,
    mapping: str | Path | Mapping[str, Any] | pd.DataFrame | None = None,
) -> Incidents:
    """Read a register of incidents.

    Parameters
    ----------
    path : path or DataFrame
        CSV or TSV (also gzipped), XLSX, XLS, ODS, Parquet, SPSS, Stata, GeoPackage, GeoJSON, KML, KMZ, zipped
        shapefile, or a frame.
    lon, lat : str, optional
        Columns with longitude and latitude in degrees on WGS 84; recorded as a stated assumption. Decimal
        degrees, or degrees, minutes and seconds with their signs (``19°25'12"N``).
    x, y : str, optional
        Columns with coordinates in the system `crs`, which must then be given.
    crs : any, optional
        Coordinate system of `x` and `y`, or of a layer of points that names none.
    date, time : str, optional
        Column with the date of the event, and with its clock time. A `time` column without `date` is taken to
        hold both.
    reported : str, optional
        Column with the date of the report, kept apart as ``reported``; read by the same rule. Rows reported
        before they happened are flagged ``reported_before_event``; :func:`reporting_lag` describes the delay.
    category : str, optional
        Column with the kind of event.
    id : str, optional
        Column with the id of the event; kept as text, repeats are flagged by :func:`clean_incidents`.
    encoding, delimiter, decimal : str, optional
        Of text files; detected and reported if not given.
    sheet : str or sequence of str, optional
        Sheet of a workbook, where there are several. A list of sheets or ``"all"``, each with the same
        columns, becomes one table; row ids are then ``sheet!row``.
    layer : str, optional
        Layer of a geographic file, where there are several.
    dayfirst : bool, optional
        Whether 03/04/2023 is 3 April. Needed only where the column does not tell.
    date_format : str, optional
        One ``strptime`` format for all dates; ``excel-1900`` or ``excel-1904`` for day numbers.
    timezone : str, optional
        Local time zone such as ``America/Mexico_City``: clock times that state an offset from UTC are brought
        to it; those without one are local already. Without it the clock time is kept as it is written.
    positional_uncertainty : float, optional
        Metres by which coordinates may be off (displacement for privacy, snapping, geocoder); carried in the
        settings.
    keep : sequence of str, optional
        Columns of the file to keep beside those named above. Default: all.
    header : int or (int, int), optional
        Row of a sheet with the column names, as the spreadsheet shows it, or the first and last row of them.
        Titles above and two-row headers are found without it; the report says where the header is.
    mapping : path, mapping or DataFrame, optional
        Mapping file (TOML or CSV, see :func:`write_mapping`), roles to columns, or the table of
        :func:`propose_columns`. Arguments given by hand win; columns it does not know are listed in the
        report.

    Returns
    -------
    Incidents
        ``frame`` with the index ``row`` and the columns ``x``, ``y``, ``date``, ``category``, then those of
        the file.

    Raises
    ------
    InputError, CRSError
        If the file, a column, an encoding, a date order or a coordinate system is missing, broken or
        ambiguous.

    Notes
    -----
    Rows whose coordinates or date cannot be read stay in, with empty cells, and are remembered, so that
    :func:`clean_incidents` and :func:`select_incidents` can set them aside with the right reason. Only rows
    of totals and notes below the table of a workbook are set aside at once (``total_row``, ``footnote_row``).

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"lon": ["-99,1", "NA"], "lat": ["19,3", ""], "on": ["2023-01-31", "2023-02-01"]})
    >>> incidents = read_incidents(rows, lon="lon", lat="lat", date="on")
    >>> incidents.frame["x"].tolist(), incidents.report.decimal
    ([-99.1, nan], ',')
    """
    if mapping is not None:
        given = {k: v for k, v in locals().items() if k in _BY_HAND and v is not None}
        return _read_mapped(path, given, mapping)
    raw = read_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet, layer=layer, header=header)
    raw, audit = _only_records(raw)
    date, time = (time, None) if date is None else (date, time)
    roles = {
        "lon": lon,
        "lat": lat,
        "x": x,
        "y": y,
        "date": date,
        "reported": reported,
        "time": time,
        "category": category,
        "id": id,
    }
    require_columns(raw.frame.columns, roles, source=raw.source)
    require_columns(raw.frame.columns, {f"keep[{i}]": c for i, c in enumerate(keep or ())}, source=raw.source)
    places = _coordinates(raw, lon=lon, lat=lat, x=x, y=y, crs=crs, decimal=decimal)
    notes = [*raw.notes, *places.notes]
    remembered = {"unreadable_coordinates": raw.frame.index[places.unreadable]}
    own: dict[str, Any] = {"x": places.x, "y": places.y}
    date_rule = None
    if date is not None:
        own["date"], date_rule, said, bad = _dates(raw, date, time, dayfirst, date_format, timezone)
        notes += said
        remembered |= bad
    if reported is not None:
        own["reported"], said, bad = _reported(raw, reported, dayfirst, date_format, timezone)
        notes += said
        remembered |= bad
    audit, said = flag_dates(audit, own.get("date"), own.get("reported"))
    notes += [*said, *datum_notes(places.crs)]
    if category is not None:
        own["category"] = raw.frame[category].astype(str).where(~is_missing(raw.frame[category]), None)
    remembered["duplicate_row"] = raw.frame.index[_repeats(raw)]
    used = {role: column for role, column in roles.items() if column is not None}
    frame, renamed = _assemble(raw.frame, own, keep=keep, used=used)
    notes += renamed
    report = LoadReport(
        source=raw.source, format=raw.format, rows=audit.n_in, columns=tuple(map(str, raw.frame.columns)),
        decimal=places.decimal, crs=crs_name(places.crs), roles=used, date_rule=date_rule,
        notes=tuple(notes), **raw.facts,
    )  # fmt: skip
    settings = {
        "source": raw.source,
        "crs": crs_name(places.crs),
        "crs_assumed": "longitude and latitude are degrees on WGS 84, as lon= and lat= state"
        if lon
        else None,
        "positional_uncertainty": _metres(positional_uncertainty),
        "columns": used,
        "timezone": timezone,
    }
    return Incidents(
        frame=frame, settings=settings, audit=audit, report=report,
        remembered={name: rows for name, rows in remembered.items() if len(rows)},
    )  # fmt: skip


#: arguments that win over a mapping file
_BY_HAND = (
    "lon", "lat", "x", "y", "crs", "date", "reported", "time", "category", "id", "encoding", "delimiter",
    "decimal", "sheet", "layer", "dayfirst", "date_format", "timezone", "positional_uncertainty", "keep",
    "header",
)  # fmt: skip


def _read_mapped(path: Any, given: Mapping[str, Any], mapping: Any) -> Incidents:
    """:func:`read_incidents` with the columns and options of a mapping, and what it does not know."""
    plan = as_mapping(mapping)
    options = {**plan.options, **given}
    if isinstance(options.get("header"), list):
        options["header"] = tuple(options["header"])
    reading = {k: options[k] for k in ("encoding", "delimiter", "sheet", "layer", "header") if k in options}
    columns = [str(c) for c in read_table(path, **reading).frame.columns]
    roles = {role: c for role, c in plan.for_file(columns).items() if role in USED}
    if {"lon", "lat", "x", "y"} & set(given):  # coordinates named by hand replace those of the mapping
        roles = {role: c for role, c in roles.items() if role not in ("lon", "lat", "x", "y")}
    incidents = read_incidents(path, **{**roles, **options})
    report = incidents.report
    said = [f"columns as {plan.source} says"]
    unknown, absent = plan.unknown(columns), plan.absent(columns)
    if absent:
        said.append(f"columns of {plan.source} that the file does not have: {', '.join(map(repr, absent))}")
    reasons = {role: f"named in {plan.source}" for role in roles if role not in given}
    personal = [c for c, role in plan.others.items() if role == "personal"]
    settings = {**incidents.settings, "mapping": plan.source, "personal": personal}
    settings["roles"] = {r: c for r, c in plan.for_file(columns).items() if r not in USED}
    report = replace(report, notes=(*report.notes, *said), unknown_columns=unknown, reasons=reasons)
    return replace(incidents, report=report, settings=settings)


def _only_records(raw: RawTable) -> tuple[RawTable, Audit]:
    """The table without rows that are no events (totals, footnotes), and the audit that sets them aside."""
    audit = Audit.start(raw.frame.index.rename("row"), source=raw.source)
    if raw.not_records is None:
        return raw, audit
    audit = audit.with_set_aside(raw.not_records, step="read_incidents")
    return replace(raw, frame=raw.frame.drop(raw.not_records.index)), audit


@dataclass(frozen=True)
class _Places:
    """Coordinates as read."""

    x: np.ndarray
    y: np.ndarray
    unreadable: np.ndarray
    crs: Any
    decimal: str | None
    notes: tuple[str, ...] = ()


def _coordinates(
    raw: RawTable,
    *,
    lon: str | None,
    lat: str | None,
    x: str | None,
    y: str | None,
    crs: Any,
    decimal: str | None,
) -> _Places:
    """Coordinates from the columns named, or from the geometry of a layer."""
    if (lon is None) != (lat is None) or (x is None) != (y is None) or (lon is not None and x is not None):
        raise InputError("Name lon= and lat= together, or x= and y= together (with crs=), not parts of both.")
    if lon is not None:
        if crs is not None and not as_crs(crs).equals(as_crs(4326), ignore_axis_order=True):
            raise CRSError(
                f"lon= and lat= state degrees on WGS 84, but crs={crs!r} was given. Use x=, y= and crs= "
                "for another system."
            )
        return _from_columns(raw, lon, lat, as_crs(4326), decimal, degrees=True)
    if x is not None:
        if crs is None:
            raise CRSError(
                f"{raw.source}: x={x!r} and y={y!r} need crs=, e.g. crs='EPSG:32614'. If the columns hold "
                "degrees on WGS 84, use lon= and lat=."
            )
        return _from_columns(raw, x, y, as_crs(crs), decimal)
    if raw.points is None:
        raise InputError(_no_coordinates(raw))
    px, py, stated = points_of(raw)
    if stated is None and crs is None:
        raise CRSError(f"{raw.source} names no coordinate system. State it with crs=, e.g. crs='EPSG:4326'.")
    if (
        stated is not None
        and crs is not None
        and not as_crs(crs).equals(as_crs(stated), ignore_axis_order=True)
    ):
        raise CRSError(
            f"{raw.source} says it is in {crs_name(stated)}, but crs={crs_name(crs)} was given. Leave crs "
            "out, or correct the file."
        )
    system = as_crs(stated if stated is not None else crs)
    return _Places(px, py, np.zeros(len(px), bool), system, None)


def _from_columns(
    raw: RawTable, x: str, y: str, crs: Any, decimal: str | None, *, degrees: bool = False
) -> _Places:
    first = read_numbers(raw.frame[x], decimal=decimal, source=raw.source)
    second = read_numbers(raw.frame[y], decimal=decimal, source=raw.source)
    notes: list[str] = []
    if degrees:
        first = _with_degrees(first, raw.frame[x], "lon", notes)
        second = _with_degrees(second, raw.frame[y], "lat", notes)
    for column, numbers in ((x, first), (y, second)):
        if len(raw.frame) and numbers.unreadable.any() and np.isnan(numbers.values).all():
            raise InputError(
                f"{raw.source}: column {column!r} holds no number at all. Coordinates are expected as "
                "decimal numbers (41.2995 or 41,2995) or as degrees, minutes and seconds with their "
                "signs. Name another column.",
                column=column,
            )
    unreadable = first.unreadable | second.unreadable
    half = np.isnan(first.values) | np.isnan(second.values)  # half a coordinate is none
    places = _Places(
        np.where(half, np.nan, first.values),
        np.where(half, np.nan, second.values),
        unreadable,
        crs,
        "," if "," in (first.decimal, second.decimal) else ".",
        tuple(notes),
    )
    _require_not_degrees(places, raw)
    return places


def _with_degrees(numbers: Numbers, column: pd.Series, axis: str, notes: list[str]) -> Numbers:
    """The numbers, and those of cells written in degrees, minutes and seconds."""
    if not numbers.unreadable.any():
        return numbers
    at = np.flatnonzero(numbers.unreadable)
    read = read_degrees(column.iloc[at], axis=axis)
    good = ~np.isnan(read)
    if not good.any():
        return numbers
    values, unreadable = numbers.values.copy(), numbers.unreadable.copy()
    values[at[good]], unreadable[at[good]] = read[good], False
    notes.append(f"column {str(column.name)!r}: degrees, minutes and seconds in {int(good.sum()):,} rows")
    return numbers._replace(values=values, unreadable=unreadable)


def _require_not_degrees(places: _Places, raw: RawTable) -> None:
    """Refuse degrees in a system of metres: every distance would be nonsense."""
    if places.crs.is_geographic or np.isnan(places.x).all():
        return
    there = ~np.isnan(places.x) & ((places.x != 0) | (places.y != 0))
    degrees = in_range(places.x, places.y, 4326)
    if there.any() and degrees[there].mean() > 0.5:
        raise CRSError(
            f"{raw.source}: crs={crs_name(places.crs)} counts metres, but {degrees[there].mean():.0%} of "
            "the coordinates lie within 180 and 90, as degrees do. Use lon= and lat=, or check the system."
        )


def _no_coordinates(raw: RawTable) -> str:
    found = {role: best_column(raw.frame, role) for role in ("lon", "lat")}
    lon, lat = (pair[0] if pair else None for pair in found.values())
    hint = f" They look like lon={lon!r}, lat={lat!r}." if lon and lat else ""
    return (
        f"{raw.source}: name the columns of the coordinates with lon= and lat= (degrees) or x=, y= and "
        f"crs=.{hint} Columns there are: {', '.join(map(repr, map(str, raw.frame.columns)))}."
    )


def _dates(
    raw: RawTable,
    date: str,
    time: str | None,
    dayfirst: bool | None,
    date_format: str | None,
    timezone: str | None,
) -> tuple[pd.Series, str, list[str], dict[str, pd.Index]]:
    """Dates (with clock times where given), the rule, notes, and the rows that could not be read."""
    dates = read_dates(
        raw.frame[date], dayfirst=dayfirst, date_format=date_format, timezone=timezone, source=raw.source
    )
    values, notes, bad = dates.values, list(dates.notes), {}
    if dates.unreadable.any():
        bad["unreadable_date"] = raw.frame.index[dates.unreadable]
        notes.append(
            f"{int(dates.unreadable.sum()):,} dates cannot be read (rows {_some(bad['unreadable_date'])})"
        )
    if time is not None:
        times = read_times(raw.frame[time])
        known = times.values.notna()
        values = values.where(~known, values.dt.normalize() + times.values).astype("datetime64[us]")
        if times.unreadable.any():
            bad["unreadable_time"] = raw.frame.index[times.unreadable]
            notes.append(
                f"{int(times.unreadable.sum()):,} clock times cannot be read (rows "
                f"{_some(bad['unreadable_time'])})"
            )
    rule = dates.rule + (f", clock time from {time!r}" if time else "")
    return values, rule, notes + _heaping(values), bad


def _reported(
    raw: RawTable, column: str, dayfirst: bool | None, date_format: str | None, timezone: str | None
) -> tuple[pd.Series, list[str], dict[str, pd.Index]]:
    """Dates of the report, notes, and the rows that could not be read."""
    dates = read_dates(
        raw.frame[column], dayfirst=dayfirst, date_format=date_format, timezone=timezone, source=raw.source
    )
    notes = [f"date of the report from {column!r}, by the rule {dates.rule}", *dates.notes]
    if not dates.unreadable.any():
        return dates.values, notes, {}
    rows = raw.frame.index[dates.unreadable]
    notes.append(f"{len(rows):,} dates of the report cannot be read (rows {_some(rows)})")
    return dates.values, notes, {"unreadable_reported": rows}


def _heaping(values: pd.Series) -> list[str]:
    """Notes on placeholder clock times: a large share at exactly noon or, among timed rows, midnight."""
    timed = values.dropna()
    seconds = (timed - timed.dt.normalize()).dt.total_seconds()
    if timed.empty or not (seconds > 0).any():
        return []
    shares = {"12:00": float((seconds == 43_200).mean()), "00:00": float((seconds == 0).mean())}
    return [
        f"{share:.1%} of clock times are exactly {at} (a placeholder?)"
        for at, share in shares.items()
        if share > 0.05
    ]


def _repeats(raw: RawTable) -> np.ndarray:
    """True for rows that equal an earlier row in every column of the file."""
    import shapely

    frame = raw.frame
    if raw.points is not None:
        points = raw.points.to_numpy()
        frame = frame.assign(_px=shapely.get_x(points), _py=shapely.get_y(points))
    return frame.duplicated().to_numpy() if frame.shape[1] else np.zeros(len(frame), bool)


def _assemble(
    table: pd.DataFrame, own: dict[str, Any], *, keep: Sequence[str] | None, used: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """The safemap columns in front, then those of the file; clashing names of the file get a suffix."""
    import pandas as pd

    wanted = (
        list(table.columns) if keep is None else [c for c in table.columns if c in {*keep, *used.values()}]
    )
    becomes = {"lon": "x", "lat": "y"}
    replaced = {column for role, column in used.items() if becomes.get(role, role) == column in own}
    rest = table[[c for c in wanted if c not in replaced]]
    clash = {c: f"{c}_in_file" for c in rest.columns if c in own or c in _ADDED_LATER}
    if clash:
        rest = rest.rename(columns=clash)
    first = pd.DataFrame(own, index=table.index)
    frame = pd.concat([first, rest], axis=1)
    frame.index.name = "row"
    return frame, [f"column {old!r} of the file is now {new!r}" for old, new in clash.items()]


def _metres(value: float | None) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
        raise InputError(f"positional_uncertainty must be metres, zero or more; got {value!r}.")
    return float(value)


def _some(rows: pd.Index, n: int = 5) -> str:
    return ", ".join(map(str, rows[:n])) + (" ..." if len(rows) > n else "")
