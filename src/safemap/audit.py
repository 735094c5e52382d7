"""The audit: every row that came in is placed or set aside, once, with a reason.

An :class:`Audit` is about *sets of row ids*, not about counts: the rows placed and the rows set aside are disjoint
and together they are the rows that came in. Verbs pass it on and extend it; whoever holds a frame can ask
:meth:`Audit.check` whether the frame is what the audit says it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from safemap.errors import AuditError

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["scope", "duplicate", "fault"]


@dataclass(frozen=True)
class Reason:
    """Why a row was set aside, in words for the data provider."""

    #: "scope": not asked for; "duplicate": counted already; "fault": asked for but cannot be placed
    kind: Kind
    text: str  #: what is wrong
    remedy: str  #: what the provider or the analyst can do


#: Every reason safemap knows. The code is what files hold; the words are what people read.
# fmt: off
REASONS: Mapping[str, Reason] = {
    "not_selected": Reason("scope", "not in the selection (where)", "Nothing to do: the row was not asked for."),
    "outside_period": Reason("scope", "date outside the period", "Nothing to do, or widen the period."),
    "duplicate_row": Reason("duplicate", "every column equals an earlier row", "Confirm that it is one event entered twice."),
    "missing_coordinates": Reason("fault", "no coordinates", "Geocode the address, or give the area by name."),
    "unreadable_coordinates": Reason("fault", "coordinates are not numbers", "Give decimal degrees, or name the format."),
    "zero_coordinates": Reason("fault", "coordinates are 0, 0", "Zero stands for missing: geocode the address."),
    "swapped_coordinates": Reason("fault", "longitude and latitude look swapped", "Correct the file, or accept repair='swapped'."),
    "out_of_range": Reason("fault", "coordinates outside the range of the coordinate system", "Check units and coordinate system."),
    "far_outside": Reason("fault", "far outside the study area", "Check the coordinates; the event may belong to another city."),
    "default_coordinates": Reason("fault", "coordinate shared by many unrelated rows (a default)", "Ask for the real location; this is a station, a centroid or a fallback."),
    "missing_date": Reason("fault", "no date although a period was asked for", "Fill in the date of the event."),
    "unreadable_date": Reason("fault", "date cannot be read by the stated rule", "Correct the date, or state the format."),
    "outside_areas": Reason("fault", "inside the study region but in none of the areas", "Check gaps between boundaries, or the coordinates."),
    "missing_answer": Reason("fault", "the question was not answered", "Nothing to do; look at the share of missing answers."),
    "declared_missing": Reason("fault", "the answer is a code declared as missing", "Nothing to do; report the share who did not know or refused."),
    "not_asked": Reason("scope", "the question was not asked of this respondent", "Nothing to do: the questionnaire skipped it."),
    "missing_group": Reason("fault", "no value in the column the estimates are by", "Fill in the column, or leave it out."),
    "missing_area": Reason("fault", "no area is named", "Give the code or the name of the area, or the coordinates."),
    "unknown_area": Reason("fault", "the area named is not among the areas", "Correct the code or the name; suggestions are given."),
    "ambiguous_area": Reason("fault", "the name belongs to several areas", "Give the code of the area instead."),
    "total_row": Reason("scope", "a row of totals, which holds no event of its own", "Nothing to do: its parts are counted."),
    "footnote_row": Reason("scope", "a note below the table", "Nothing to do: it is no event."),
    "missing_count": Reason("fault", "no count in the cell", "State whether an empty cell is zero or not known."),
    "unreadable_count": Reason("fault", "the count is no whole number of 0 or more", "Correct the count; give counts, not rates or ranges."),
    "no_parent": Reason("fault", "no response of the main sheet belongs to this row", "Export the main sheet and its repeats together."),
}
# fmt: on


@dataclass(frozen=True, eq=False)
class Audit:
    """Where each row of one input went.

    Attributes
    ----------
    source : str
        Name of the input, without its folder.
    rows : pandas.Index
        Ids of all rows that came in; unique.
    set_aside : pandas.DataFrame
        One row per row set aside: index row id; columns ``step`` (verb), ``reason`` (a key of :data:`REASONS`),
        ``kind`` and ``detail`` (row-specific words, never other cells' content).
    flags : mapping of str to pandas.Index
        Rows that were kept but deserve a look, by name (``duplicate_row``, ``boundary``, ``overlap`` ...).
    weights : pandas.Series, optional
        Events per row, for tables of counts: index the row ids, whole numbers. Without it a row is an event.
    """

    source: str
    rows: pd.Index
    set_aside: pd.DataFrame
    flags: Mapping[str, pd.Index] = field(default_factory=dict)
    weights: pd.Series | None = None

    def __post_init__(self) -> None:
        aside = self.set_aside.index
        if self.weights is not None and not self.weights.index.equals(self.rows):
            raise AuditError(
                f"{self.source}: events per row must be known for exactly the rows that came in."
            )
        if not self.rows.is_unique:
            raise AuditError(
                f"{self.source}: row ids must be unique; {int(self.rows.duplicated().sum())} are repeated."
            )
        if not aside.is_unique:
            twice = aside[aside.duplicated()][:3].tolist()
            raise AuditError(f"{self.source}: rows were set aside twice, e.g. {twice}.")
        if not aside.isin(self.rows).all():
            raise AuditError(
                f"{self.source}: rows were set aside that never came in, e.g. {aside[~aside.isin(self.rows)][:3].tolist()}."
            )

    @classmethod
    def start(cls, rows: pd.Index, *, source: str, weights: pd.Series | None = None) -> Self:
        """An audit of `rows`, nothing set aside yet; `weights` are the events of each row, where rows are counts."""
        import pandas as pd

        nothing = pd.DataFrame(
            {"step": [], "reason": [], "kind": [], "detail": []}, index=rows[:0], dtype=object
        )
        return cls(source=source, rows=rows, set_aside=nothing, weights=weights)

    def with_set_aside(self, reasons: pd.Series, *, step: str, detail: pd.Series | str = "") -> Self:
        """A new audit in which the rows of `reasons` (index row id, values reason codes) are set aside too."""
        import pandas as pd

        reasons = reasons.dropna()
        if reasons.empty:
            return self
        unknown = set(reasons.unique()) - set(REASONS)
        if unknown:
            raise AuditError(f"Unknown reason {sorted(unknown)}; known are {', '.join(REASONS)}.")
        if isinstance(detail, pd.Series):
            detail = detail.reindex(reasons.index).fillna("")
        added = pd.DataFrame(
            {
                "step": step,
                "reason": reasons,
                "kind": reasons.map({c: r.kind for c, r in REASONS.items()}),
                "detail": detail,
            },
            index=reasons.index,
            dtype=object,
        )
        return replace(self, set_aside=added if self.set_aside.empty else pd.concat([self.set_aside, added]))

    def with_flag(self, name: str, rows: pd.Index) -> Self:
        """A new audit that marks `rows` (which stay in) with `name`."""
        return replace(self, flags={**self.flags, name: rows})

    @property
    def placed(self) -> pd.Index:
        """Ids of the rows not set aside, in input order."""
        return self.rows[~self.rows.isin(self.set_aside.index)]

    @property
    def n_in(self) -> int:
        return len(self.rows)

    @property
    def n_set_aside(self) -> int:
        return len(self.set_aside)

    @property
    def n_placed(self) -> int:
        return self.n_in - self.n_set_aside

    @property
    def hit_rate(self) -> float:
        """Placed rows as a share of the rows that were asked for (placed + faults).

        Rows outside the selection and duplicates that were set aside on request are no failures of geocoding and
        are left out of the base. NaN when nothing was asked for. Of a table of counts the share of events.
        """
        placed = self.events_placed
        asked = placed + self._events(
            self.set_aside.index[(self.set_aside["kind"] == "fault").to_numpy(dtype=bool)]
        )
        return placed / asked if asked else float("nan")

    @property
    def events_in(self) -> int:
        """Events that came in: rows, or the sum of their counts."""
        return self._events(self.rows)

    @property
    def events_placed(self) -> int:
        """Events of the rows not set aside."""
        return self._events(self.placed) if self.weights is not None else self.n_placed

    @property
    def events_set_aside(self) -> int:
        """Events of the rows set aside."""
        return self._events(self.set_aside.index)

    def _events(self, rows: pd.Index) -> int:
        return len(rows) if self.weights is None else int(self.weights.loc[rows].sum())

    def check(self, rows: pd.Index) -> None:
        """Raise :class:`AuditError` unless `rows` are exactly the rows not set aside, each once."""
        expected = self.placed
        if len(rows) == len(expected) and rows.is_unique and rows.isin(expected).all():
            return
        lost = expected[~expected.isin(rows)]
        extra = rows[~rows.isin(expected)]
        raise AuditError(
            f"{self.source}: {len(expected):,} rows should be here and {len(rows):,} are; "
            f"lost {len(lost)} (e.g. {lost[:3].tolist()}), unexpected {len(extra)} (e.g. {extra[:3].tolist()}), "
            f"doubled {int(rows.duplicated().sum())}. A row was lost or doubled inside safemap: please report it.",
            lost=lost.tolist()[:100],
            unexpected=extra.tolist()[:100],
        )

    def by_reason(self) -> pd.DataFrame:
        """Counts per reason: index reason code; columns ``kind``, ``rows``, ``text``, ``remedy``; known order.

        Of a table of counts also ``events``, after ``rows``.
        """
        import pandas as pd

        counts = self.set_aside["reason"].value_counts()
        codes = [code for code in REASONS if code in counts.index]
        table = pd.DataFrame(
            {
                "kind": [REASONS[c].kind for c in codes],
                "rows": [int(counts[c]) for c in codes],
                "text": [REASONS[c].text for c in codes],
                "remedy": [REASONS[c].remedy for c in codes],
            },
            index=pd.Index(codes, name="reason", dtype=object),
        )
        if self.weights is not None:
            reasons = self.set_aside["reason"]
            table.insert(2, "events", [self._events(reasons.index[(reasons == c).to_numpy()]) for c in codes])
        return table

    def to_frame(self) -> pd.DataFrame:
        """One row per row set aside: ``row, step, reason, kind, detail, remedy``, in row order."""
        out = self.set_aside.reindex(self.rows[self.rows.isin(self.set_aside.index)])
        out = out.assign(remedy=out["reason"].map({c: r.remedy for c, r in REASONS.items()}))
        return out.rename_axis("row").reset_index()

    def summary(self) -> str:
        """The sum in words: rows in = placed + set aside, then one line per reason."""
        lines = [
            f"{self.source}: {self.n_in:,} rows in = {self.n_placed:,} placed + {self.n_set_aside:,} set aside"
        ]
        if self.weights is not None:
            sums = f"{self.events_placed:,} placed + {self.events_set_aside:,} set aside"
            lines.append(f"{self.source}: {self.events_in:,} events in = {sums}")
        for row in self.by_reason().itertuples():
            events = "" if self.weights is None else f" ({row.events:,} events)"
            lines.append(f"  {row.rows:>9,}  {row.text}{events}")
        lines += [
            f"  {len(rows):>9,}  kept, flagged {name.replace('_', ' ')}"
            for name, rows in self.flags.items()
            if len(rows)
        ]
        if self.n_in:
            unit = "rows" if self.weights is None else "events"
            lines.append(f"  hit rate {self.hit_rate:.1%} of the {unit} asked for")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Audit {self.source}: {self.n_in:,} = {self.n_placed:,} placed + {self.n_set_aside:,} set aside>"
