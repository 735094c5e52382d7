"""What a layer of the map is, and the parts that every kind of layer is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.i18n import Message, number, percent
from safemap.maps import breaks as limits
from safemap.maps.states import STATES

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What the figures of a layer are about; footer, heading and methods are bound to it.
BASES = ("records", "answers", "nonrandom")


@dataclass(frozen=True)
class LegendClass:
    """One row of the legend: a class with a colour, or a state with a texture."""

    key: str
    label: Message
    colour: str = ""
    state: str = ""

    def to_dict(self) -> dict[str, Any]:
        look = {"s": self.state} if self.state else {"c": self.colour}
        return {"k": self.key, "l": self.label.to_dict(), **look}


@dataclass(frozen=True)
class Overlay:
    """A texture over the classes: read with care.

    Attributes
    ----------
    key : str
        A key of :data:`safemap.maps.states.OVERLAYS`.
    label : Message
    colour : str
        A colour of the layer, under the texture in the legend.
    areas : tuple of int
        Positions of the areas it covers; empty where it has a shape of its own.
    shape : list, optional
        Coded polygons, where it does not follow areas.
    amount : float
        Areas it covers; km² where it has a shape of its own.
    """

    key: str
    label: Message
    colour: str
    areas: tuple[int, ...] = ()
    shape: list[Any] | None = None
    amount: float = 0

    def to_dict(self) -> dict[str, Any]:
        where = {"a": list(self.areas)} if self.shape is None else {"g": self.shape}
        return {
            "k": self.key,
            "l": self.label.to_dict(),
            "c": self.colour,
            "s": self.key,
            "n": self.amount,
            **where,
        }


@dataclass(frozen=True)
class Layer:
    """One layer of the map, ready for the page.

    Attributes
    ----------
    key : str
        Name in the address of the page (``#layer=...``).
    kind : str
        Kind of the result.
    name : str or Message
        What the reader chooses by; text given by the caller, or a catalogue key.
    unit : Message
        What the figures are.
    classes : tuple of LegendClass
        Legend rows in the order shown.
    codes : ndarray of int
        Per area: which of `classes`; empty where the layer has bands.
    sentences : tuple of str
        Per area: catalogue key of the plain sentence on its card.
    figures : dict
        Per area: ``value``, ``low``, ``high``, ``n``, ``n_eff``, ``x``, ``p``, ``before``, ``after``; absent
        or None where nothing may be shown.
    decimals : int
        Places of the figures.
    mean : float or None
        Average of all areas, as shown.
    top : float
        End of the scale of the interval bar.
    finding : Message
    period : str
    total : int or None
        Recorded cases, or answers, behind the layer.
    confidence : float
    line : str
        Colour of the lines between areas.
    adjusted : bool
        Whether p is adjusted for the number of areas.
    base : str
        One of :data:`BASES`.
    share : bool
        Whether the figures are percentages.
    overlays : tuple of Overlay
    bands : list, optional
        Coded polygons per class, where the classes do not follow areas.
    amounts : tuple of float
        With bands: km² per class.
    slots : dict
        What fills the slots of the sentences.
    signed : bool
        Whether the figures are changes in percent, written with their sign.
    ref : str
        Catalogue key of what `mean` is called on the interval bar.
    """

    key: str
    kind: str
    name: str | Mapping[str, str] | Message
    unit: Message
    classes: tuple[LegendClass, ...]
    codes: Ints
    sentences: tuple[str, ...]
    figures: Mapping[str, Sequence[float | None]]
    decimals: int
    mean: float | None
    top: float
    finding: Message
    period: str
    total: int | None
    confidence: float
    line: str
    adjusted: bool = False
    base: str = "records"
    share: bool = False
    overlays: tuple[Overlay, ...] = ()
    bands: list[Any] | None = None
    amounts: tuple[float, ...] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    signed: bool = False
    ref: str = "average"

    @property
    def counts(self) -> dict[str, int]:
        """Areas per class, in legend order; they add up to the number of areas."""
        return dict(
            zip(
                (c.key for c in self.classes),
                np.bincount(self.codes, minlength=len(self.classes)),
                strict=True,
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data for the page."""
        says = sorted(set(self.sentences))
        name = self.name.to_dict() if isinstance(self.name, Message) else as_text(self.name)
        return {
            "id": self.key, "kind": self.kind, "name": name, "unit": self.unit.to_dict(), "line": self.line,
            "classes": [c.to_dict() for c in self.classes], "codes": self.codes.tolist(),
            "says": says, "say": [says.index(s) for s in self.sentences], **self.figures,
            "d": self.decimals, "mean": self.mean, "top": self.top, "finding": self.finding.to_dict(),
            "period": self.period, "total": self.total, "conf": self.confidence,
            "adjusted": self.adjusted, "base": self.base, "share": self.share,
            "overlays": [o.to_dict() for o in self.overlays], "bands": self.bands, "km2": list(self.amounts),
            "slots": dict(self.slots), "signed": self.signed, "ref": self.ref,
        }  # fmt: skip


def as_text(text: str | Mapping[str, str]) -> dict[str, Any]:
    """Text of the caller as plain data: one for all languages, or by language, the first for the rest."""
    if isinstance(text, str):
        return {"t": text}
    return {"t": next(iter(text.values())), "by": dict(text)}


def value_classes(
    breaks: Sequence[float], decimals: int, colours: Sequence[str], *, share: bool = False
) -> tuple[LegendClass, ...]:
    """The five classes between `breaks`, highest first; `share`: the figures are percentages."""

    def figure(value: float) -> dict[str, Any]:
        return number(value, 0 if float(value).is_integer() else decimals)

    def last(value: float) -> dict[str, Any]:
        return percent(value / 100, figure(value)["d"]) if share else figure(value)

    rows = [LegendClass("class 1", Message("under", {"a": last(breaks[0])}), colours[0])]
    for i in range(1, 4):
        slots = {"a": figure(breaks[i - 1]), "b": last(limits.largest_below(breaks[i], decimals))}
        rows.append(LegendClass(f"class {i + 1}", Message("range", slots), colours[i]))
    rows.append(LegendClass("class 5", Message("or_more", {"a": last(breaks[3])}), colours[4]))
    return tuple(reversed(rows))


def with_states(
    classes: Sequence[LegendClass], codes: Ints, states: NDArray[np.str_], possible: Sequence[str], k: int
) -> tuple[tuple[LegendClass, ...], Ints]:
    """Append the states to the legend (those with areas first) and point the areas in them there."""
    counts = {state: int((states == state).sum()) for state in possible}
    listed = [s for s in counts if counts[s]] + [s for s in counts if not counts[s] and STATES[s].always]
    rows = list(classes)
    codes = codes.copy()
    for state in listed:
        codes[states == state] = len(rows)
        rows.append(LegendClass(state, _state_label(state, k), state=state))
    return tuple(rows), codes


def _state_label(state: str, k: int) -> Message:
    if state != "withheld":
        return Message(f"state_{state}")
    return Message("state_withheld_one") if k <= 2 else Message("state_withheld", {"a": number(k - 1)})


def figures(hidden: NDArray[np.bool_], **columns: Floats) -> dict[str, list[float | None]]:
    """Per area, what may be shown: None where there is nothing or where the area is withheld."""
    out = {}
    for name, values in columns.items():
        if np.isfinite(values).any():
            listed = [
                None if h or not np.isfinite(v) else float(v) for v, h in zip(values, hidden, strict=True)
            ]
            out[name] = [int(v) if v is not None and v.is_integer() else v for v in listed]
    return out


def column(frame: pd.DataFrame, name: str) -> Floats:
    import pandas as pd

    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan).copy()


def total(frame: pd.DataFrame, name: str = "events") -> int | None:
    events = column(frame, name)
    return round(float(np.nansum(events))) if np.isfinite(events).any() else None
