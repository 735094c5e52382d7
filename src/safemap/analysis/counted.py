"""What counting a large file gives: events by area, and an audit that knows how many rows went where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.analysis.streaming import Recipe
from safemap.analysis.tallies import Tally
from safemap.audit import REASONS, Audit
from safemap.errors import AuditError
from safemap.geo.points import MATCHES, OUTSIDE
from safemap.intake.batches import HEAD_ROWS, Stream
from safemap.intake.counts import AreaCounts
from safemap.intake.report import LoadReport

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: verbs for whole files that set aside for a reason; the others are of clean_incidents
_STEPS = {
    "not_selected": "select_incidents",
    "outside_period": "select_incidents",
    "missing_date": "select_incidents",
    "unreadable_date": "select_incidents",
    "outside_areas": "join_areas",
}
#: what needs all rows at once
NOT_IN_PIECES = (
    "not looked for in a file read in pieces: repeated rows, repeated ids, coordinates shared by many"
)


@dataclass(frozen=True, eq=False)
class AuditTotals(Audit):
    """An audit of a file too large to remember its rows: how many went where, and the first of each reason.

    ``rows`` are groups of rows and ``weights`` how many each holds; every total counts rows of the file.

    Attributes
    ----------
    flag_counts : mapping of str to int
        Rows that were kept but deserve a look.
    examples : mapping of str to tuple of str
        The first rows of each reason, as row numbers of the file.
    """

    flag_counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def n_in(self) -> int:
        return self.events_in

    @property
    def n_set_aside(self) -> int:
        return self.events_set_aside

    def by_reason(self) -> pd.DataFrame:
        """Rows per reason: index reason code; columns ``kind``, ``rows``, ``text``, ``remedy``."""
        table = super().by_reason()
        return table.assign(rows=table["events"]).drop(columns="events")

    def to_frame(self) -> pd.DataFrame:
        """One row per reason: ``step, reason, kind, rows, first_rows, remedy``."""
        table = self.by_reason().reset_index()
        table.insert(0, "step", [_STEPS.get(code, "clean_incidents") for code in table["reason"]])
        table["first_rows"] = [", ".join(self.examples.get(code, ())) for code in table["reason"]]
        return table[["step", "reason", "kind", "rows", "first_rows", "remedy"]]

    def summary(self) -> str:
        """The sum in words: rows in = placed + set aside, then one line per reason."""
        where = f"{self.n_placed:,} placed + {self.n_set_aside:,} set aside"
        lines = [f"{self.source}: {self.n_in:,} rows in = {where}"]
        for code, row in self.by_reason().iterrows():
            first = ", ".join(self.examples.get(str(code), ()))
            lines.append(f"  {row['rows']:>9,}  {row['text']}" + (f" (first: {first})" if first else ""))
        lines += [
            f"  {n:>9,}  kept, flagged {name.replace('_', ' ')}" for name, n in self.flag_counts.items()
        ]
        if self.n_in:
            lines.append(f"  hit rate {self.hit_rate:.1%} of the rows asked for")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class CountedAreas(AreaCounts):
    """Events of a large file counted by area; see :func:`count_areas`.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per count: ``area_id``, ``events``, and ``category``, ``period``, ``start``, ``end`` where
        they were asked for. Areas without events have no row here; :func:`safemap.area_rates` knows them.
    audit : AuditTotals
        Every row of the file, as a number.
    levels : mapping of str to CountedAreas
        The same for each further level.
    """

    levels: Mapping[str, CountedAreas] = field(default_factory=dict)

    def totals(self) -> pd.Series:
        """Events of every area, in the order of the areas."""
        return self.by_area()[1]

    def summary(self) -> str:
        """How the file was read, how points matched, and where its rows went."""
        counts = self.settings["matches"]
        words = "  ".join(f"{match} {n:,}" for match, n in counts.items() if n)
        parts = [self.report.summary() if self.report is not None else "", self._headline(), words]
        parts += [f"{name}: {level._headline()}" for name, level in self.levels.items()]
        parts.append(self.audit.summary())
        return "\n".join(p for p in parts if p)

    def _headline(self) -> str:
        areas = 0 if self.areas is None else len(self.areas)
        return f"CountedAreas: {int(self.frame['events'].sum()):,} events in {areas:,} areas"


def counted_areas(
    recipe: Recipe,
    stream: Stream,
    tally: Tally,
    frames: Mapping[str, gpd.GeoDataFrame],
    asked: Mapping[str, Any],
    date_rule: str | None,
) -> CountedAreas:
    """Counts of all levels with their audits, and the report, from the totals of a file.

    `asked` is what was asked for, as settings; `date_rule` says how dates were read.
    """
    rules = recipe.rules
    degrees = recipe.rules.geographic
    roles = {"lon" if degrees else "x": rules.x, "lat" if degrees else "y": rules.y}
    roles |= {k: v for k, v in (("date", rules.date), ("category", rules.category)) if v is not None}
    report = LoadReport(
        source=stream.source, format=stream.format, rows=tally.rows, columns=stream.columns,
        decimal="," if "," in (rules.decimal_x, rules.decimal_y) else ".", crs=recipe.crs, roles=roles,
        date_rule=date_rule, notes=(f"the form of the columns was found in the first {HEAD_ROWS:,} rows",
        NOT_IN_PIECES), **stream.facts,
    )  # fmt: skip
    settings = {
        "source": stream.source,
        "crs": recipe.crs,
        "columns": roles,
        **asked,
        "repair": list(recipe.repair),
        "max_distance_m": recipe.max_distance,
    }
    made = {level: _level(tally, level, areas, recipe, settings, report) for level, areas in frames.items()}
    return replace(made.pop("area"), levels=made)


def _level(
    tally: Tally,
    level: str,
    areas: gpd.GeoDataFrame,
    recipe: Recipe,
    settings: Mapping[str, Any],
    report: LoadReport,
) -> CountedAreas:
    """Counts and audit of one level."""
    import pandas as pd

    (area, category, period, events), words = tally.events[level].columns()
    columns: dict[str, Any] = {"area_id": areas.index.to_numpy(dtype=object)[area]}
    if recipe.rules.category is not None:
        columns["category"] = np.array([*words, None], dtype=object)[category]
    if recipe.unit is not None:
        days = period.astype(f"datetime64[{recipe.unit}]")
        columns["period"] = days.astype(str).astype(object)
        columns["start"] = days.astype("datetime64[D]").astype("datetime64[us]")
        columns["end"] = ((days + 1).astype("datetime64[D]") - 1).astype("datetime64[us]")
    frame = pd.DataFrame({**columns, "events": events}, index=pd.RangeIndex(len(events), name="count"))
    reasons = {code: n for code, n in tally.reasons.items() if code != "outside_areas"}
    if tally.matches[level][OUTSIDE]:
        reasons["outside_areas"] = int(tally.matches[level][OUTSIDE])
    audit = _audit(tally, level, frame, {code: reasons[code] for code in REASONS if code in reasons}, recipe)
    audit.check(frame.index)
    matches = dict(zip(MATCHES, tally.matches[level].tolist(), strict=True))
    return CountedAreas(
        frame=frame, settings={**settings, "level": level, "matches": matches}, audit=audit, areas=areas,
        report=report,
    )  # fmt: skip


def _audit(
    tally: Tally, level: str, frame: pd.DataFrame, reasons: Mapping[str, int], recipe: Recipe
) -> AuditTotals:
    """Totals whose groups are the counts and the reasons."""
    import pandas as pd

    groups = pd.RangeIndex(len(frame) + len(reasons), name="count")
    weights = pd.Series([*frame["events"], *reasons.values()], index=groups, dtype="int64")
    flags = {
        name: int(tally.matches[level][MATCHES.index(name)]) for name in ("boundary", "overlap", "nearest")
    }
    flags |= {name: n for name, n in sorted(tally.notes.items()) if name.startswith("repaired_")}
    examples = {
        code: tuple(f"{name}:{row}" if name else row for name, _, row in first)
        for code, first in tally.examples.items()
        if level == "area" or code != "outside_areas"
    }
    audit = AuditTotals.start(groups, source=recipe.source, weights=weights)
    audit = replace(audit, flag_counts={k: n for k, n in flags.items() if n}, examples=examples)
    codes = pd.Series(list(reasons), index=groups[len(frame) :], dtype=object)
    for step in ("select_incidents", "clean_incidents", "join_areas"):
        audit = audit.with_set_aside(
            codes[[_STEPS.get(code, "clean_incidents") == step for code in codes]], step=step
        )
    if audit.n_in != tally.rows:
        raise AuditError(
            f"{recipe.source}: {tally.rows:,} rows came in and {audit.n_in:,} are accounted for. A row was "
            "lost or doubled inside safemap: please report it."
        )
    return audit
