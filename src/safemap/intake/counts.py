"""Counts without points: tables of events per area and period, as statistics offices give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap.audit import Audit
from safemap.errors import DataWarning, InputError
from safemap.intake.columns import close_matches, fold, fold_values, is_missing, require_columns
from safemap.intake.numbers import read_numbers
from safemap.intake.placenames import PlaceMatches, match_places
from safemap.intake.report import LoadReport
from safemap.intake.sheets import is_total
from safemap.intake.tables import RawTable, read_table
from safemap.results import Result

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d|21\d\d)(?!\d)")
_YEAR_MONTH = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})(?!\d)|(?<!\d)(\d{1,2})[./](\d{4})(?!\d)")


@dataclass(frozen=True, eq=False, repr=False)
class AreaCounts(Result):
    """Events counted per area, without their points.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per count that was not set aside: index ``row`` (where several columns hold counts,
        ``row:column``); ``area`` (as written), ``area_id`` (where matched), ``events``; ``period``,
        ``start``, ``end`` (first and last day) and ``category`` where given.
    audit : Audit
        Every row of the table, weighted by its events: events in = events placed + events set aside.
    areas : geopandas.GeoDataFrame or None
        The areas matched to.
    matches : PlaceMatches or None
        How each name was matched, and suggestions for those that were not.
    report : LoadReport
        How the file was read.
    """

    kind: ClassVar[str] = "area_counts"

    audit: Audit = field(default=None)  # type: ignore[assignment]  # read_area_counts always gives one
    areas: gpd.GeoDataFrame | None = None
    matches: PlaceMatches | None = None
    report: LoadReport | None = None

    def match(
        self,
        areas: gpd.GeoDataFrame,
        *,
        mapping: Mapping[str, str] | str | Path | None = None,
        parent_columns: Sequence[str] = (),
        **options: Any,
    ) -> AreaCounts:
        """The counts with their areas, by id or name; what belongs to none or to several is set aside.

        Options as :func:`safemap.match_places`.
        """
        if self.areas is not None:
            raise InputError("these counts have their areas already; read the file again to match others.")
        from safemap.geo.polygons import require_areas, with_text_ids

        base = with_text_ids(require_areas(areas))
        parents = self.frame["parent"] if "parent" in self.frame.columns else None
        found = match_places(
            self.frame["area"],
            base,
            mapping=mapping,
            parents=parents,
            parent_columns=parent_columns,
            **options,
        )
        audit = self.audit.with_set_aside(found.frame["why_not"].dropna(), step="read_area_counts")
        placed = found.frame["area_id"].notna()
        frame = self.frame[placed.to_numpy()].assign(area_id=found.frame["area_id"][placed])
        keys = ["area_id", *(c for c in ("period", "category") if c in frame.columns)]
        again = frame.index[frame.duplicated(keys, keep=False)]
        if len(again):
            audit = audit.with_flag("repeated_area", again)
            _warn_of_repeats(len(again), audit.source)
        audit.check(frame.index)
        return replace(self, frame=frame, audit=audit, areas=base, matches=found)

    def select(self, *, category: str | Sequence[str] | None = None, period: Any = None) -> AreaCounts:
        """Only the counts of some categories and of a period (first and last day); the rest is set aside."""
        import pandas as pd

        out = self
        if category is not None:
            wanted = [category] if isinstance(category, str) else list(category)
            out = out._keep_categories(wanted)
        if period is not None:
            frame, audit = out._within(pd.Timestamp(period[0]), pd.Timestamp(period[1]))
            out = replace(out, frame=frame, audit=audit)
        return out

    def by_area(self, start: Any = None, end: Any = None) -> tuple[gpd.GeoDataFrame, pd.Series, Audit, bool]:
        """Areas, events of each, the audit, and whether periods were compared with `start` and `end`."""
        if self.areas is None:
            raise InputError(
                "these counts have no areas yet. Give areas= to read_area_counts, or call match(areas) first."
            )
        self.audit.check(self.frame.index)
        frame, audit, dated = self.frame, self.audit, False
        if start is not None and "start" in frame.columns:
            (frame, audit), dated = self._within(start, end), True
        sums = frame.groupby("area_id", sort=False)["events"].sum()
        events = sums.reindex(self.areas.index, fill_value=0).astype("int64").rename("events")
        return self.areas, events, audit, dated

    def summary(self) -> str:
        """How the file was read, how names were matched, and where rows and events went."""
        parts = [self.report.summary() if self.report is not None else "", super().summary()]
        if self.matches is not None:
            parts.append(self.matches.summary())
        return "\n".join(p for p in parts if p)

    def _headline(self) -> str:
        return f"AreaCounts: {int(self.frame['events'].sum()):,} events in {len(self.frame):,} counts"

    def _keep_categories(self, wanted: list[str]) -> AreaCounts:
        import pandas as pd

        if "category" not in self.frame.columns:
            raise InputError(
                f"{self.audit.source}: no column of categories was named; read it with category=."
            )
        folded = fold_values(self.frame["category"])
        known = {fold(w): w for w in wanted}
        absent = [w for f, w in known.items() if f not in set(folded)]
        if absent:
            near = close_matches(absent[0], [str(c) for c in self.frame["category"].unique()])
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise InputError(f"{self.audit.source}: category={absent[0]!r} does not occur.{hint}")
        out = ~folded.isin(list(known)).to_numpy()
        reasons = pd.Series("not_selected", index=self.frame.index[out], dtype=object)
        audit = self.audit.with_set_aside(reasons, step="select")
        return replace(self, frame=self.frame[~out], audit=audit)

    def _within(self, start: pd.Timestamp, end: pd.Timestamp) -> tuple[pd.DataFrame, Audit]:
        """Counts whose period lies within two days; one that lies partly within cannot be divided."""
        import pandas as pd

        f = self.frame
        if "start" not in f.columns:
            raise InputError(f"{self.audit.source}: no column of periods was named; read it with period=.")
        inside = ((f["start"] >= start) & (f["end"] <= end)).to_numpy()
        apart = ((f["end"] < start) | (f["start"] > end)).to_numpy()
        partly = ~inside & ~apart
        if partly.any():
            rows = ", ".join(map(str, f.index[partly][:3]))
            raise InputError(
                f"{self.audit.source}: {int(partly.sum())} counts are of periods that lie only partly "
                f"between {start.date()} and {end.date()} (rows {rows}); a count cannot be divided. Ask for "
                "whole periods."
            )
        reasons = pd.Series("outside_period", index=f.index[apart], dtype=object)
        return f[inside], self.audit.with_set_aside(reasons, step="select")


def read_area_counts(
    path: str | Path | pd.DataFrame,
    *,
    area: str,
    count: str | Sequence[str],
    period: str | None = None,
    category: str | None = None,
    parent: str | None = None,
    areas: gpd.GeoDataFrame | None = None,
    mapping: Mapping[str, str] | str | Path | None = None,
    parent_columns: Sequence[str] = (),
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    sheet: str | None = None,
    header: int | tuple[int, int] | None = None,
) -> AreaCounts:
    """Read a table of counts per area, such as events per neighbourhood and year.

    Parameters
    ----------
    path : path or DataFrame
        CSV, XLSX, Parquet, or a frame.
    area : str
        Column with the code or the name of the area.
    count : str or sequence of str
        Column with the number of events; or several, one for each period, such as ``["2022", "2023"]``: the
        year (or year and month) in the column's name is then the period.
    period : str, optional
        Column with the period: a year (``2023``, ``2023 г.``) or a year and month (``2023-04``).
    category : str, optional
        Column with the kind of event.
    parent, parent_columns : str, sequence of str, optional
        Column with the district, and columns of `areas` with its name: tells areas of one name apart.
    areas : GeoDataFrame, optional
        Areas to match to, from :func:`read_areas`; or later, with :meth:`AreaCounts.match`.
    mapping : mapping, or path of a CSV, optional
        Confirmed names, see :func:`match_places`.
    encoding, delimiter, decimal, sheet, header : optional
        As in :func:`read_incidents`.

    Returns
    -------
    AreaCounts
        For :func:`area_rates`. Its audit holds for rows and for events: events in = placed + set aside.

    Raises
    ------
    InputError
        If the file or a column is missing, or no count can be read.

    Notes
    -----
    Rows of totals hold no event of their own: they are set aside with no events, and what they state is
    compared with the sum of the others. A missing cell is not zero: it is set aside as ``missing_count``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mahalla": ["Дўстлик", "Navruz", "Jami"], "2022": [3, 1, 4], "2023": [5, 2, 7]})
    >>> counts = read_area_counts(table, area="mahalla", count=["2022", "2023"])
    >>> counts.audit.events_in, counts.audit.events_placed
    (11, 11)
    >>> counts.select(period=("2023-01-01", "2023-12-31")).frame["events"].tolist()
    [5, 2]
    """
    raw = read_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet, header=header)
    if raw.frame.empty:
        raise InputError(f"{raw.source} has a header and no rows. Check that the export finished.")
    columns = [count] if isinstance(count, str) else list(count)
    if not columns:
        raise InputError("count must name at least one column.")
    roles = {"area": area, "period": period, "category": category, "parent": parent}
    counted = (
        {f"count[{i}]": c for i, c in enumerate(columns)} if not isinstance(count, str) else {"count": count}
    )
    require_columns(raw.frame.columns, {**roles, **counted}, source=raw.source)
    if period is not None and not isinstance(count, str):
        raise InputError("Give period= or several columns of counts, not both: the columns are the periods.")
    table, numbers, decimal_used = _long(raw, area, columns, roles, decimal)
    reasons = _reasons(raw, table, numbers)
    stated, kept = _period_columns(table, reasons)
    events = (
        numbers.where(reasons.isna(), numbers.where(reasons.isin(_WITH_EVENTS), 0)).fillna(0).astype("int64")
    )
    audit = Audit.start(table.index, source=raw.source, weights=events.rename("events"))
    audit = audit.with_set_aside(reasons, step="read_area_counts")
    frame = kept.assign(events=events)[reasons.isna().to_numpy()]
    report = LoadReport(
        source=raw.source, format=raw.format, rows=len(raw.frame), columns=tuple(map(str, raw.frame.columns)),
        decimal=decimal_used, roles={k: v for k, v in {**roles, **counted}.items() if v is not None},
        date_rule=stated, notes=(*raw.notes, *_compare_totals(table, numbers, reasons, columns)), **raw.facts,
    )  # fmt: skip
    settings = {"source": raw.source, "columns": report.roles}
    counts = AreaCounts(frame=frame, settings=settings, audit=audit, report=report)
    return counts if areas is None else counts.match(areas, mapping=mapping, parent_columns=parent_columns)


#: reasons with which the events of a row are set aside too; rows of the other reasons hold none
_WITH_EVENTS = ("missing_area", "unreadable_date", "missing_date")


def _long(
    raw: RawTable, area: str, columns: list[str], roles: Mapping[str, str | None], decimal: str | None
) -> tuple[pd.DataFrame, pd.Series, str]:
    """One row per count, the numbers (NaN where none), and the decimal mark."""
    import pandas as pd

    given = {role: c for role, c in roles.items() if c is not None}
    parts, numbers, marks = [], [], []
    for column in columns:
        part = raw.frame[list(given.values())].set_axis(list(given), axis=1)
        read = read_numbers(raw.frame[column], decimal=decimal, source=raw.source)
        if len(raw.frame) and not np.isfinite(read.values).any():
            raise InputError(
                f"{raw.source}: column {column!r} holds no number; counts are expected.", column=column
            )
        part = part.assign(missing=read.missing, column=column)
        if len(columns) > 1:
            part = part.assign(period=column)
            part.index = pd.Index([f"{row}:{column}" for row in raw.frame.index], name="row")
        parts.append(part)
        numbers.append(pd.Series(read.values, index=part.index))
        marks.append(read.decimal)
    table = pd.concat(parts)
    table.index.name = "row"
    table["source_row"] = list(raw.frame.index) * len(columns)
    return table, pd.concat(numbers), "," if "," in marks else "."


def _reasons(raw: RawTable, table: pd.DataFrame, numbers: pd.Series) -> pd.Series:
    """Why a row is no count of an area; None where it is one. The first reason that holds is given."""
    import pandas as pd

    nameless = is_missing(table["area"]).to_numpy()
    total = np.array([is_total(str(v)) for v in table["area"]], dtype=bool)
    known = raw.not_records if raw.not_records is not None else pd.Series(dtype=object)
    beside = table["source_row"].map(known).to_numpy(dtype=object)
    value = numbers.to_numpy()
    wrong = ~table["missing"].to_numpy() & ~((value >= 0) & (value % 1 == 0))
    out = np.full(len(table), None, dtype=object)
    for mask, code in (
        (nameless, "missing_area"), (table["missing"].to_numpy(), "missing_count"),
        (wrong, "unreadable_count"), (total, "total_row"),
    ):  # fmt: skip
        out[mask] = code
    there = np.array([isinstance(b, str) for b in beside], dtype=bool)
    out[there] = beside[there]
    return pd.Series(out, index=table.index, dtype=object)


def _period_columns(table: pd.DataFrame, reasons: pd.Series) -> tuple[str | None, pd.DataFrame]:
    """The columns of the frame, with first and last day of each period; reasons are filled in place."""
    import pandas as pd

    columns = [c for c in ("area", "parent", "period", "category") if c in table.columns]
    frame = table[columns].copy()
    if "period" not in columns:
        return None, frame
    spans = {value: _span(value) for value in frame["period"].drop_duplicates()}
    nothing = is_missing(frame["period"]).to_numpy()
    for side, name in enumerate(("start", "end")):
        days = [None if spans[v] is None else spans[v][side] for v in frame["period"]]
        frame[name] = pd.Series(pd.to_datetime(days), index=frame.index).astype("datetime64[us]")
    unread = frame["start"].isna().to_numpy() & reasons.isna().to_numpy()
    reasons[unread & nothing] = "missing_date"
    reasons[unread & ~nothing] = "unreadable_date"
    frame["period"] = frame["period"].astype(str).where(~nothing, None)
    return "a year, or a year and month, stands for all its days", frame


def _span(value: Any) -> tuple[str, str] | None:
    """First and last day of a year or a month in words, None where there is no one of them."""
    import calendar

    text = fold(value).removesuffix(".0")
    month = _YEAR_MONTH.search(text)
    if month:
        year, number = int(month.group(1) or month.group(4)), int(month.group(2) or month.group(3))
        if not (1 <= number <= 12 and 1800 <= year < 2200):
            return None
        return f"{year}-{number:02d}-01", f"{year}-{number:02d}-{calendar.monthrange(year, number)[1]}"
    years = _YEAR.findall(text)
    return (f"{years[0]}-01-01", f"{years[0]}-12-31") if len(years) == 1 else None


def _compare_totals(
    table: pd.DataFrame, numbers: pd.Series, reasons: pd.Series, columns: list[str]
) -> list[str]:
    """What rows of totals state, beside the sum of the other rows (one such row per column only)."""
    notes = []
    for column in columns:
        own = table["column"].eq(column).to_numpy()
        total = own & reasons.eq("total_row").to_numpy() & numbers.notna().to_numpy()
        if total.sum() != 1:
            continue
        others = own & ~reasons.isin(["total_row", "footnote_row", "unreadable_count"]).to_numpy()
        stated, summed = float(numbers[total].iloc[0]), float(numbers[others].sum())
        same = "which is their sum" if stated == summed else f"but the rows sum to {summed:,.0f}"
        which = f" of column {column!r}" if len(columns) > 1 else ""
        notes.append(f"the row of totals{which} states {stated:,.0f}, {same}")
    return notes


def _warn_of_repeats(n: int, source: str) -> None:
    import warnings

    warnings.warn(
        f"{source}: {n} counts are of an area (and period and category) that occurs more than once; they are "
        "added up. Check that none was entered twice (audit.flags['repeated_area']).",
        DataWarning,
        stacklevel=4,
    )
