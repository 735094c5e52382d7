"""Sums over batches: rows in, reasons, matches and events; batches may be added in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.audit import REASONS
from safemap.geo.points import MATCHES

if TYPE_CHECKING:
    import pandas as pd

    from safemap.analysis.streaming import Categories

Ints = NDArray[np.int64]

#: number of each reason, so that a row needs one byte; 0 is none
REASON = {code: i + 1 for i, code in enumerate(REASONS)}
#: rows named for each reason, the first ones of the input
EXAMPLES = 5
#: keys collected before they are added up
_PENDING = 1 << 20
#: counters of a batch that are kept as a table; beyond, its rows are sorted
_TABLE = 1 << 23
#: a key is category, period and area in one number
_PERIOD_BITS, _AREA_BITS, _PERIOD_ZERO = 24, 24, 1 << 23


class EventTable:
    """Events by area, category and period; only those that occur take memory.

    Examples
    --------
    >>> table = EventTable(areas=2)
    >>> table.add(np.array([0, 1, 1, -1]), None, None)
    >>> [column.tolist() for column in table.columns()[0]], table.columns()[1]
    ([[0, 1], [0, 0], [0, 0], [1, 2]], [None])
    """

    def __init__(self, areas: int) -> None:
        self.areas = areas
        self._words: dict[str | None, int] = {}
        self._keys: list[Ints] = []
        self._events: list[Ints] = []

    def add(self, area: NDArray[Any], category: Categories | None, period: Ints | None) -> None:
        """Count rows; those with area -1 are left out."""
        rows = np.flatnonzero(area >= 0)
        if not len(rows):
            return
        whole = len(rows) == len(area)
        words: Sequence[str | None] = (None,) if category is None else category.words
        a = area if whole else area[rows]
        c = None if category is None else category.codes[rows]
        p = None if period is None else period[rows]
        first = 0 if p is None else int(p.min())
        periods = 1 if p is None else int(p.max()) - first + 1
        local = a.astype(np.int64) if c is not None or p is not None else a
        if c is not None:
            local = local + c * self.areas
        if p is not None:
            local = local * periods + (p - first)
        if self.areas * len(words) * periods <= _TABLE:
            counts = np.bincount(local, minlength=1)
            found = np.flatnonzero(counts)
            counts = counts[found]
        else:
            found, counts = np.unique(local, return_counts=True)
        at = found // periods
        ids = np.array([self._words.setdefault(word, len(self._words)) for word in words], dtype=np.int64)
        key = (ids[at // self.areas] << _PERIOD_BITS) + (found % periods + first + _PERIOD_ZERO)
        self._append((key << _AREA_BITS) + at % self.areas, counts)

    def merge(self, other: EventTable) -> None:
        """Add the events of another table of the same areas."""
        keys, events = other._summed()
        ids = np.array([self._words.setdefault(w, len(self._words)) for w in other._words], dtype=np.int64)
        if len(keys):
            bits = _PERIOD_BITS + _AREA_BITS
            self._append((ids[keys >> bits] << bits) + (keys & ((1 << bits) - 1)), events)

    def columns(self) -> tuple[tuple[Ints, Ints, Ints, Ints], list[str | None]]:
        """Area, category, period and events, in order of area, category and period; and the categories."""
        keys, events = self._summed()
        words = sorted(self._words, key=lambda w: (w is None, w or ""))
        rank = np.empty(max(len(words), 1), dtype=np.int64)
        rank[[self._words[w] for w in words]] = np.arange(len(words))
        area = keys & ((1 << _AREA_BITS) - 1)
        period = ((keys >> _AREA_BITS) & ((1 << _PERIOD_BITS) - 1)) - _PERIOD_ZERO
        category = rank[keys >> (_AREA_BITS + _PERIOD_BITS)]
        order = np.lexsort((period, category, area))
        return (area[order], category[order], period[order], events[order]), words

    def _append(self, keys: Ints, events: Ints) -> None:
        self._keys.append(keys)
        self._events.append(np.asarray(events, dtype=np.int64))
        if sum(map(len, self._keys)) > _PENDING + 2 * len(self._keys[0]):
            self._summed()

    def _summed(self) -> tuple[Ints, Ints]:
        """Every key once, with its events."""
        if not self._keys:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        if len(self._keys) > 1:
            keys, place = np.unique(np.concatenate(self._keys), return_inverse=True)
            events = np.zeros(len(keys), dtype=np.int64)
            np.add.at(events, place, np.concatenate(self._events))
            self._keys, self._events = [keys], [events]
        return self._keys[0], self._events[0]


class Tally:
    """Everything that is known of the rows read so far."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self.rows = 0
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, list[tuple[str, int, str]]] = {}
        self.matches = {level: np.zeros(len(MATCHES), dtype=np.int64) for level in levels}
        self.events = {level: EventTable(areas) for level, areas in levels.items()}
        self.notes: Counter[str] = Counter()
        self.seen: set[tuple[str, str]] = set()  #: column and folded value, of those that were asked for

    def add_rows(self, n: int) -> None:
        """Count rows that came in."""
        self.rows += n

    def add_reasons(self, reason: NDArray[np.uint8], rows: pd.Index, start: int, name: str) -> None:
        """Count rows set aside, by reason, and remember the first of each."""
        aside = np.flatnonzero(reason)
        for code, number in REASON.items():
            at = aside[reason[aside] == number] if len(aside) else aside
            if not len(at):
                continue
            self.reasons[code] += len(at)
            first = [(name, start + int(i), str(rows[i])) for i in at[:EXAMPLES]]
            self.examples[code] = sorted(self.examples.get(code, []) + first)[:EXAMPLES]

    def add_matches(self, level: str, match: NDArray[np.int8]) -> None:
        """Count rows that came as far as the join, by match."""
        self.matches[level] += np.bincount(match, minlength=len(MATCHES))

    def add_events(
        self, level: str, area: NDArray[Any], category: Categories | None, period: Ints | None
    ) -> None:
        """Count events of a level."""
        self.events[level].add(area, category, period)

    def note(self, name: str, n: int) -> None:
        """Count something else."""
        if n:
            self.notes[name] += n

    def note_numbers(self, column: str, *, numbers: bool, unreadable: bool) -> None:
        """Remember whether a column holds any number, and anything that is none."""
        self.notes[f"numbers in {column}"] += int(numbers)
        self.notes[f"words in {column}"] += int(unreadable)

    def merge(self, other: Tally) -> None:
        """Add what is known of other rows."""
        self.rows += other.rows
        self.reasons.update(other.reasons)
        for code, first in other.examples.items():
            self.examples[code] = sorted(self.examples.get(code, []) + first)[:EXAMPLES]
        for level, counts in other.matches.items():
            self.matches[level] += counts
            self.events[level].merge(other.events[level])
        self.notes.update(other.notes)
        self.seen |= other.seen
