"""From a result to a layer: which class each area is in, and the few figures that leave with it.

Nothing else of a frame reaches the page: the columns read here are listed in :data:`SHOWN_COLUMNS`, and the
registry has blanked the withheld rows before this module sees them. Statistics and z scores of local tests
are never shown: they add up neighbours' values, from which a withheld count could be worked out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.errors import ConfigError, InputError
from safemap.i18n import Message, number, percent
from safemap.maps import breaks as limits
from safemap.maps import findings
from safemap.maps.palettes import GETIS_ORD, LINE_ON_CLUSTERS, LINE_ON_VALUES, LISA, RAMPS
from safemap.maps.states import STATE_OF_CLUSTER, STATES

if TYPE_CHECKING:
    import pandas as pd

    from safemap.results import Result

#: Kind of result -> columns of its frame that a map may show. Everything else stays out of the file.
SHOWN_COLUMNS: dict[str, tuple[str, ...]] = {
    "rates": ("name", "population", "events", "estimate", "conf_low", "conf_high", "quality"),
    "smoothed_rates": ("name", "population", "events", "estimate", "conf_low", "conf_high", "quality"),
    "local_moran": ("name", "population", "events", "p_adjusted", "cluster"),
    "local_getis_ord": ("name", "population", "events", "p_adjusted", "cluster"),
}
_STATES_OF = {
    "rates": ("few", "withheld", "no_data"),
    "smoothed_rates": ("few", "withheld", "no_data"),
    "local_moran": (
        "withheld",
        "no_neighbours",
        "no_data",
        "no_variation",
        "too_few_areas",
        "too_few_events",
    ),
}
_STATES_OF["local_getis_ord"] = _STATES_OF["local_moran"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        Per area: which of `classes`.
    sentences : tuple of str
        Per area: catalogue key of the plain sentence on its card.
    figures : dict
        Per area: ``value``, ``low``, ``high``, ``n``, ``p``; absent or None where nothing may be shown.
    decimals : int
        Places of the figures.
    mean : float or None
        Average of all areas, as shown.
    top : float
        End of the scale of the interval bar.
    finding : Message
    period : str
    total : int or None
        Recorded cases behind the layer.
    confidence : float
    line : str
        Colour of the lines between areas.
    adjusted : bool
        Whether p is adjusted for the number of areas.
    """

    key: str
    kind: str
    name: str | Message
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
        name = {"t": self.name} if isinstance(self.name, str) else self.name.to_dict()
        return {
            "id": self.key, "kind": self.kind, "name": name, "unit": self.unit.to_dict(), "line": self.line,
            "classes": [c.to_dict() for c in self.classes], "codes": self.codes.tolist(),
            "says": says, "say": [says.index(s) for s in self.sentences], **self.figures,
            "d": self.decimals, "mean": self.mean, "top": self.top, "finding": self.finding.to_dict(),
            "period": self.period, "total": self.total, "conf": self.confidence,
            "adjusted": self.adjusted,
        }  # fmt: skip


def check_result(result: Result) -> None:
    """Raise unless the map can show `result`."""
    kind = getattr(result, "kind", None)
    if kind not in SHOWN_COLUMNS:
        raise ConfigError(
            f"explore() shows results of kind {', '.join(SHOWN_COLUMNS)}; "
            f"got {kind or type(result).__name__}. "
            "Give it what area_rates, smooth_rates, local_moran or local_getis_ord return."
        )
    needed = ("estimate",) if kind.endswith("rates") else ("cluster",)
    missing = [c for c in needed if c not in result.frame.columns]
    if missing:
        raise InputError(f"A result of kind {kind} must have the column {missing[0]}; its frame has none.")


def value_breaks(results: Sequence[Result], frames: Sequence[pd.DataFrame]) -> tuple[float, ...]:
    """One set of limits for all layers of rates, because different breaks forbid comparison.

    They are chosen from the recorded rates that are ranked; from smoothed ones only where no others are
    shown.
    """
    for kind in ("rates", "smoothed_rates"):
        values = [
            _column(frame, "estimate")[~_is_few(frame)]
            for result, frame in zip(results, frames, strict=True)
            if result.kind == kind
        ]
        if values:
            return limits.round_breaks(np.concatenate(values))
    return limits.round_breaks([])


def build_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Message,
    breaks: Sequence[float],
    k: int,
    place: str | None = None,
    period: Any = None,
) -> Layer:
    """The layer of one result.

    Parameters
    ----------
    result : Result
        For its kind, settings and totals.
    frame : DataFrame
        Its frame after ``registry.apply``: with a column ``suppressed``.
    key, name : str
        Name in the address, and for the reader.
    breaks : sequence of float
        Limits of the classes of rates.
    k : int
        Counts from 1 to ``k - 1`` are withheld; for the legend.
    place : str, optional
        Name of the study area, for the finding.
    period : (start, end), optional
        Period of a result that does not state its own.
    """
    build = _rate_layer if result.kind.endswith("rates") else _cluster_layer
    said = findings.period_text(result.settings.get("period") or period)
    return build(result, frame, key=key, name=name, breaks=breaks, k=k, place=place, period=said)


def _rate_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Message,
    breaks: Sequence[float],
    k: int,
    place: str | None,
    period: str,
) -> Layer:
    decimals = limits.decimals_for(breaks)
    write = np.vectorize(lambda v: limits.shown(v, decimals), otypes=[float])
    value, low, high = (write(_column(frame, c)) for c in ("estimate", "conf_low", "conf_high"))
    events = _column(frame, "events")
    hidden = frame["suppressed"].to_numpy(dtype=bool)
    smoothed = result.kind == "smoothed_rates"
    zero = (value == 0) if smoothed or "events" not in frame.columns else (events == 0)
    classes = (*_value_classes(breaks, decimals), LegendClass("zero", Message("zero"), RAMPS["rate"][0]))
    row_of = {c.key: i for i, c in enumerate(classes)}
    codes = row_of["class 1"] - limits.classify(value, breaks)
    codes[zero] = row_of["zero"]
    states = np.select(
        [hidden, ~np.isfinite(value), _is_few(frame) & ~zero], ["withheld", "no_data", "few"], default=""
    )  # the registry alone decides what is withheld; "suppress" that it lets pass is too few to rank
    mean = _mean_rate(result.frame)
    mean_shown = None if mean is None else limits.shown(mean, decimals)
    sentences = _rate_sentences(states, zero, low, high, mean_shown, smoothed=smoothed)
    layer_classes, codes = _with_states(classes, codes, states, result.kind, k)
    per = float(result.settings.get("per", 100_000))
    unit = f"unit_{result.kind}" + ("_year" if _is_yearly(result.settings) else "")
    ranked = states == ""
    facts = findings.RateFacts(value[ranked], low[ranked], high[ranked], len(frame), mean_shown, decimals)
    return Layer(
        key=key, kind=result.kind, name=name, unit=Message(unit, {"per": number(per)}), classes=layer_classes,
        codes=codes, sentences=sentences,
        figures=_figures(hidden, value=value, low=low, high=high, n=events),
        decimals=decimals, mean=mean_shown, top=breaks[-1] * 1.6,
        finding=findings.rate_finding(facts, period=period, place=place, smoothed=smoothed), period=period,
        total=_total(result.frame), line=LINE_ON_VALUES,
        confidence=float(result.settings.get("confidence", 0.95)),
    )  # fmt: skip


def _cluster_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Message,
    breaks: Sequence[float],
    k: int,
    place: str | None,
    period: str,
) -> Layer:
    moran = result.kind == "local_moran"
    classes = _moran_classes() if moran else _getis_classes()
    row_of = {c.key: i for i, c in enumerate(classes)}
    hidden = frame["suppressed"].to_numpy(dtype=bool)
    words = frame["cluster"].astype(object).where(frame["cluster"].notna(), "no data").astype(str).to_numpy()
    unknown = sorted({w for w in words[~hidden] if w not in row_of and w not in STATE_OF_CLUSTER})
    if unknown:
        raise InputError(
            f"The column cluster of a {result.kind} result may hold "
            f"{', '.join([*row_of, *STATE_OF_CLUSTER])}; "
            f"{len(unknown)} other value(s) came."
        )
    states = np.array(
        ["withheld" if h else STATE_OF_CLUSTER.get(w, "") for w, h in zip(words, hidden, strict=True)]
    )
    codes = np.array([row_of.get(w, 0) for w in words], dtype=np.int64)
    sentences = tuple(
        f"s_{state}" if state else _cluster_sentence(word) for state, word in zip(states, words, strict=True)
    )
    counts = {c.key: int(((codes == i) & (states == "")).sum()) for i, c in enumerate(classes)}
    layer_classes, codes = _with_states(classes, codes, states, result.kind, k)
    alpha, adjusted = float(result.settings.get("alpha", 0.05)), _is_adjusted(result.settings)
    fdr = adjusted and str(result.settings.get("adjust", "fdr_bh")).startswith("fdr")
    unit = Message("unit_local_getis_ord")
    if moran:
        level = percent(alpha, 0 if round(alpha * 100, 6).is_integer() else 1)
        unit = Message("unit_local_moran" if fdr else "unit_local_moran_level", {"a": level})
    p = np.vectorize(lambda v: limits.shown(v, 3), otypes=[float])(_column(frame, "p_adjusted"))
    p[states != ""] = np.nan
    return Layer(
        key=key, kind=result.kind, name=name, unit=unit, classes=layer_classes,
        codes=codes, sentences=sentences,
        figures=_figures(hidden, n=_column(frame, "events"), p=p), decimals=0, mean=None, top=0,
        finding=findings.cluster_finding(
            counts, kind=result.kind, areas=len(frame), alpha=alpha, period=period
        ),
        period=period,
        total=_total(result.frame), confidence=1 - alpha, line=LINE_ON_CLUSTERS,
        adjusted=adjusted,
    )  # fmt: skip


def _value_classes(breaks: Sequence[float], decimals: int) -> tuple[LegendClass, ...]:
    """The five classes above zero, highest first."""

    def figure(value: float) -> dict[str, Any]:
        return number(value, 0 if float(value).is_integer() else decimals)

    colours = RAMPS["rate"][1:]
    rows = [LegendClass("class 1", Message("under", {"a": figure(breaks[0])}), colours[0])]
    for i in range(1, 4):
        slots = {"a": figure(breaks[i - 1]), "b": figure(limits.largest_below(breaks[i], decimals))}
        rows.append(LegendClass(f"class {i + 1}", Message("range", slots), colours[i]))
    rows.append(LegendClass("class 5", Message("or_more", {"a": figure(breaks[3])}), colours[4]))
    return tuple(reversed(rows))


def _moran_classes() -> tuple[LegendClass, ...]:
    keys = {code: f"c_{code}" for code in LISA} | {"not significant": "c_none"}
    return tuple(LegendClass(code, Message(keys[code]), colour) for code, colour in LISA.items())


def _getis_classes() -> tuple[LegendClass, ...]:
    rows = []
    for code, colour in reversed(GETIS_ORD.items()):
        side, _, level = code.partition("-")
        label = Message("c_none") if not level else Message(f"c_{side}", {"a": percent(int(level) / 100)})
        rows.append(LegendClass(code, label, colour))
    return tuple(rows)


def _with_states(
    classes: tuple[LegendClass, ...], codes: Ints, states: NDArray[np.str_], kind: str, k: int
) -> tuple[tuple[LegendClass, ...], Ints]:
    """Append the states to the legend (those with areas first) and point the areas in them there."""
    counts = {state: int((states == state).sum()) for state in _STATES_OF[kind]}
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


def _rate_sentences(
    states: NDArray[np.str_],
    zero: NDArray[np.bool_],
    low: Floats,
    high: Floats,
    mean: float | None,
    *,
    smoothed: bool,
) -> tuple[str, ...]:
    compare = np.full(len(states), "s_smoothed" if smoothed else "s_same", dtype=object)
    if mean is not None and not smoothed:
        compare[low > mean] = "s_above"
        compare[high < mean] = "s_below"
    compare[zero] = "s_zero"
    return tuple(f"s_{state}" if state else str(text) for state, text in zip(states, compare, strict=True))


def _cluster_sentence(word: str) -> str:
    if word in ("high-high", "low-low", "high-low", "low-high"):
        return f"s_{word}"
    return {"hot": "s_hot", "cold": "s_cold"}.get(word.partition("-")[0], "s_none")


def _figures(hidden: NDArray[np.bool_], **columns: Floats) -> dict[str, list[float | None]]:
    """Per area, what may be shown: None where there is nothing or where the area is withheld."""
    out = {}
    for name, column in columns.items():
        if np.isfinite(column).any():
            listed = [
                None if h or not np.isfinite(v) else float(v) for v, h in zip(column, hidden, strict=True)
            ]
            out[name] = [int(v) if v is not None and v.is_integer() else v for v in listed]
    return out


def _column(frame: pd.DataFrame, name: str) -> Floats:
    import pandas as pd

    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan).copy()


def _is_few(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows whose rate is too uncertain to be ranked."""
    if "quality" not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    few: NDArray[np.bool_] = frame["quality"].isin(["review", "suppress"]).to_numpy(dtype=bool)
    return few


def _mean_rate(frame: pd.DataFrame) -> float | None:
    """Average of the areas' recorded rates, weighted by population: the rate of the whole study area."""
    rate = _column(frame, "value" if "value" in frame.columns else "estimate")
    weight = _column(frame, "population")
    known = np.isfinite(rate) & np.isfinite(weight) & (weight > 0)
    return float((rate[known] * weight[known]).sum() / weight[known].sum()) if known.any() else None


def _total(frame: pd.DataFrame) -> int | None:
    events = _column(frame, "events")
    return round(float(np.nansum(events))) if np.isfinite(events).any() else None


def _is_yearly(settings: Mapping[str, Any]) -> bool:
    return bool(settings.get("annual", settings.get("period") is not None))


def _is_adjusted(settings: Mapping[str, Any]) -> bool:
    return settings.get("adjust", "fdr_bh") not in (None, "none")
