"""What a value in ``assessment.toml`` may be: each kind reads a value and describes itself as JSON schema.

One object does both, so that the loader and the schema cannot disagree.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Fault(Exception):
    """A value that is not allowed; the text completes "<key> must be ..."."""


class Kind(Protocol):
    """What a value may be."""

    def read(self, value: Any) -> Any:
        """The value as safemap uses it; raises :class:`Fault`."""

    def schema(self) -> dict[str, Any]:
        """The same rule as JSON schema."""


@dataclass(frozen=True)
class Text:
    """A text that is not empty."""

    pattern: str | None = None

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise Fault("a text in quotes that is not empty")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"\S"}


@dataclass(frozen=True)
class File(Text):
    """A path; a relative one counts from the folder of the data."""

    def read(self, value: Any) -> Path:
        if isinstance(value, Path):
            return value
        if not isinstance(value, str) or not value.strip():
            raise Fault("a file name in quotes")
        return Path(value)


@dataclass(frozen=True)
class Flag:
    """true or false."""

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Fault("true or false, without quotes")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Number:
    """A number within limits."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False  #: the lower limit itself is not allowed
    open_high: bool = False
    whole: bool = False

    def read(self, value: Any) -> float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not good or (self.whole and value != int(value)) or not self._inside(value):
            raise Fault(self.words())
        return int(value) if self.whole else value

    def schema(self) -> dict[str, Any]:
        rule: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        if self.low is not None:
            rule["exclusiveMinimum" if self.open_low else "minimum"] = self.low
        if self.high is not None:
            rule["exclusiveMaximum" if self.open_high else "maximum"] = self.high
        return rule

    def _inside(self, value: float) -> bool:
        above = self.low is None or (value > self.low if self.open_low else value >= self.low)
        below = self.high is None or (value < self.high if self.open_high else value <= self.high)
        return above and below

    def words(self) -> str:
        """The rule in words."""
        words = "a whole number" if self.whole else "a number"
        if self.low is not None and self.high is not None:
            return f"{words} between {self.low:g} and {self.high:g}"
        if self.low is not None:
            return f"{words} {'above' if self.open_low else 'of at least'} {self.low:g}"
        return words


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    values: tuple[str, ...]

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.values:
            raise Fault("one of " + ", ".join(f'"{v}"' for v in self.values))
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.values)}


@dataclass(frozen=True)
class OneOf:
    """A value of any of several kinds."""

    kinds: tuple[Kind, ...]

    def read(self, value: Any) -> Any:
        faults = []
        for kind in self.kinds:
            try:
                return kind.read(value)
            except Fault as fault:
                faults.append(str(fault))
        raise Fault(" or ".join(faults))

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.schema() for kind in self.kinds]}


@dataclass(frozen=True)
class Many:
    """A list of values of one kind."""

    kind: Kind
    at_least: int = 0

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) < self.at_least:
            raise Fault("a list in square brackets" + (", not empty" if self.at_least else ""))
        try:
            return tuple(self.kind.read(item) for item in value)
        except Fault as fault:
            raise Fault(f"a list in which each is {fault}") from None

    def schema(self) -> dict[str, Any]:
        rule: dict[str, Any] = {"type": "array", "items": self.kind.schema()}
        return {**rule, "minItems": self.at_least} if self.at_least else rule


@dataclass(frozen=True)
class Where:
    """Columns and the values to keep: ``{ delito = ["ROBO ...", "ROBO ..."] }``."""

    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not value or not all(_allowed(v) for v in value.values()):
            raise Fault('columns with the values to keep, like { offence = ["ROBBERY"] }')
        return {str(column): list(kept) if isinstance(kept, list) else kept for column, kept in value.items()}

    def schema(self) -> dict[str, Any]:
        one = {"type": ["string", "number", "boolean"]}
        many = {"type": "array", "items": one, "minItems": 1}
        return {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [one, many]}}


def _allowed(kept: Any) -> bool:
    values = kept if isinstance(kept, list) else [kept]
    return bool(values) and all(isinstance(value, (str, int, float, bool)) for value in values)


@dataclass(frozen=True)
class Translations:
    """A column for each of some languages: ``{ ru = "name_ru", uz-Cyrl = "name_cyr" }``."""

    languages: tuple[str, ...]

    def read(self, value: Any) -> dict[str, str]:
        sound = isinstance(value, Mapping) and all(
            code in self.languages and isinstance(column, str) and column.strip()
            for code, column in value.items()
        )
        if not sound or not value:
            raise Fault(f'columns by language ({", ".join(self.languages)}), like {{ ru = "name_ru" }}')
        return dict(value)

    def schema(self) -> dict[str, Any]:
        column = {"type": "string", "pattern": r"\S"}
        return {
            "type": "object",
            "minProperties": 1,
            "properties": dict.fromkeys(self.languages, column),
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class Period:
    """First and last day, both included."""

    def read(self, value: Any) -> tuple[str, str]:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise Fault('first and last day, like ["2023-01-01", "2023-12-31"]')
        first, last = (_day(item) for item in value)
        if last < first:
            raise Fault("first and last day in this order; the last lies before the first")
        return first.isoformat(), last.isoformat()

    def schema(self) -> dict[str, Any]:
        day = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
        return {"type": "array", "items": day, "minItems": 2, "maxItems": 2}


def _day(value: Any) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        if len(value) != len("2023-01-01"):
            raise ValueError
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Fault("days written as year-month-day, like 2023-01-31") from None
