"""Several periods of one kind of result: one layer with a slider, on outlines that are stored once.

Every period has the same classes and limits, because different ones forbid comparison. For rates of periods
that follow each other without a gap there is also the rate over all of them, as a yearly average.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from safemap.errors import AlignmentError, ConfigError
from safemap.i18n import Message
from safemap.maps.findings import period_text
from safemap.maps.layer import Layer, LegendClass, as_text
from safemap.maps.page import clean_text

if TYPE_CHECKING:
    from safemap.results import Result

    Shown: TypeAlias = "Result | Sequence[Result] | Mapping[Any, Result | None]"
else:
    Shown = Any

#: Key of the period that stands for all others, in a mapping of periods.
ALL = "all"
#: What differs from one period to the next; all else of a layer is stored once.
_OF_A_STEP = (
    "codes", "say", "value", "low", "high", "n", "n_eff", "x", "p", "before", "after", "mean", "finding",
    "period", "total", "overlays", "audit",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the caller gave for one layer.

    Attributes
    ----------
    results : tuple of Result
        One, or one for each stop of the slider.
    labels : tuple of str
        Name of each stop; empty where there is no slider. :data:`ALL` stands for all periods.
    """

    results: tuple[Result, ...]
    labels: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.results[0].kind

    @property
    def total(self) -> Result | None:
        """The result over all periods, if there is one."""
        return self.results[0] if self.labels[:1] == (ALL,) else None


def read_entries(given: Sequence[Shown]) -> list[Entry]:
    """One entry for each argument of ``explore``: a result, a list of them, or a mapping of period to result.

    Raises
    ------
    ConfigError
        A list or mapping of results that are not of one kind, or without a name for each period.
    """
    return [_entry(one) for one in given]


def _entry(given: Any) -> Entry:
    if isinstance(given, Mapping):
        named = {ALL if key is None else str(key): value for key, value in given.items()}
        asked = ALL not in named
        total = named.pop(ALL, None)
        return _stepped(list(named.values()), [clean_text(k, longest=40) for k in named], total, pool=asked)
    if isinstance(given, list | tuple):
        labels = [period_text(getattr(r, "settings", {}).get("period")) for r in given]
        return _stepped(list(given), labels, None, pool=True)
    return Entry((given,))


def _stepped(results: list[Any], labels: list[str], total: Any, *, pool: bool) -> Entry:
    kinds = {getattr(r, "kind", type(r).__name__) for r in [*results, *([] if total is None else [total])]}
    if len(results) < 2 or len(kinds) != 1:
        raise ConfigError(
            "Several periods of one layer are two or more results of one kind; got "
            f"{len(results)} of kind {', '.join(sorted(map(str, kinds))) or 'none'}. "
            "Give results of other kinds as arguments of their own."
        )
    if kinds == {"density"}:
        raise ConfigError("A density has no slider: give each period as a layer of its own.")
    if "" in labels or len(set(labels)) < len(labels):
        raise ConfigError(
            "Each period needs a name of its own. Give a mapping of name to result, such as "
            "{'2021': rates_2021, '2022': rates_2022}, or results made with period=."
        )
    if total is None and pool:
        total = pooled(results)
    if total is None:
        return Entry(tuple(results), tuple(labels))
    return Entry((total, *results), (ALL, *labels))


def pooled(results: Sequence[Result]) -> Result | None:
    """The yearly rate over all periods together; None where they cannot be added up.

    Events are added and people are averaged over the days. The periods must be rates of one base that
    follow each other without a gap.
    """
    import pandas as pd

    from safemap.analysis.rates import area_rates

    spans = [r.settings.get("period") for r in results]
    if results[0].kind != "rates" or None in spans:
        return None
    ordered = sorted(results, key=lambda r: pd.Timestamp(r.settings["period"][0]))
    days = [[pd.Timestamp(day) for day in r.settings["period"]] for r in ordered]
    follow = all(a[1] + pd.Timedelta(days=1) == b[0] for a, b in pairwise(days))
    bases = {(r.settings.get("per"), r.settings.get("confidence")) for r in ordered}
    if not follow or len(bases) > 1:
        return None
    first: Any = ordered[0].frame
    for r in ordered[1:]:
        if not first.index.sort_values().equals(r.frame.index.sort_values()):
            raise AlignmentError("All periods of one layer must be about the same areas.")
    frames = [r.frame.reindex(first.index) for r in ordered]
    weight = np.array([float((end - start).days + 1) for start, end in days])
    people = np.stack([f["population"].to_numpy(dtype=float) for f in frames])
    areas = first[[c for c in ("name", first.geometry.name) if c in first.columns]].assign(
        events=sum(f["events"].to_numpy() for f in frames),
        population=(people * weight[:, None]).sum(axis=0) / weight.sum(),
    )
    per, confidence = bases.pop()
    span = (days[0][0].date().isoformat(), days[-1][1].date().isoformat())
    return area_rates(areas, period=span, per=per, confidence=confidence)


def stack(layers: Sequence[Layer]) -> list[Layer]:
    """The layers of all periods with one legend; every class of any of them is a row."""
    classes: list[LegendClass] = []
    for layer in layers:
        at = 0
        for c in layer.classes:
            keys = [known.key for known in classes]
            if c.key not in keys:
                classes.insert(at, c)
                at += 1
            else:
                at = keys.index(c.key) + 1
    classes.sort(key=lambda c: bool(c.state))
    row_of = {c.key: i for i, c in enumerate(classes)}
    out = []
    for layer in layers:
        codes = np.array([row_of[c.key] for c in layer.classes], dtype=np.int64)[layer.codes]
        out.append(dataclasses.replace(layer, classes=tuple(classes), codes=codes))
    return out


def as_steps(layers: Sequence[dict[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    """One layer of the page from those of all periods: what they share, and what each has of its own."""
    says = sorted({key for layer in layers for key in layer["says"]})
    steps = []
    for layer, label in zip(layers, labels, strict=True):
        own = {key: layer.get(key) for key in _OF_A_STEP if any(key in one for one in layers)}
        own["say"] = [says.index(layer["says"][i]) for i in layer["say"]]
        name = Message("all_periods").to_dict() if label == ALL else as_text(label)
        steps.append({"label": name, **own})
    shared = {key: value for key, value in layers[0].items() if key not in _OF_A_STEP}
    return {**shared, "says": says, "steps": steps}
