"""From a result to a layer: which class each area is in, and the few figures that leave with it.

Nothing else of a frame reaches the page: the columns read here are listed in :data:`SHOWN_COLUMNS`, and the
registry has blanked the withheld rows before this module sees them. Statistics and z scores of local tests
are never shown: they add up neighbours' values, from which a withheld count could be worked out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.errors import ConfigError, InputError
from safemap.i18n import Message, number, percent
from safemap.maps import breaks as limits
from safemap.maps import findings
from safemap.maps.layer import (
    Floats,
    Layer,
    LegendClass,
    column,
    figures,
    total,
    value_classes,
    with_states,
)
from safemap.maps.palettes import GETIS_ORD, LINE_ON_CLUSTERS, LINE_ON_VALUES, LISA, RAMPS
from safemap.maps.states import STATE_OF_CLUSTER
from safemap.maps.survey_layer import is_share, survey_layer, survey_values

if TYPE_CHECKING:
    import pandas as pd

    from safemap.results import Result

#: Kind of result -> columns of its frame that a map may show. Everything else stays out of the file.
SHOWN_COLUMNS: dict[str, tuple[str, ...]] = {
    "rates": ("name", "population", "events", "estimate", "conf_low", "conf_high", "quality"),
    "smoothed_rates": ("name", "population", "events", "estimate", "conf_low", "conf_high", "quality"),
    "local_moran": ("name", "population", "events", "p_adjusted", "cluster"),
    "local_getis_ord": ("name", "population", "events", "p_adjusted", "cluster"),
    "survey": ("name", "estimate", "conf_low", "conf_high", "n", "n_eff", "quality"),
    "answers": ("name", "events", "n"),
    "density": ("estimate", "area_km2", "edge"),
}
#: Kind of result -> the column without which there is nothing to show.
_NEEDED = {"survey": "estimate", "answers": "n", "density": "estimate"}
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


def check_result(result: Result) -> None:
    """Raise unless the map can show `result`."""
    kind = getattr(result, "kind", None)
    if kind not in SHOWN_COLUMNS:
        raise ConfigError(
            f"explore() shows results of kind {', '.join(SHOWN_COLUMNS)}; "
            f"got {kind or type(result).__name__}. "
            "Give it what area_rates, smooth_rates, local_moran, local_getis_ord, survey_estimate, "
            "count_answers or kernel_density return."
        )
    needed = _NEEDED.get(kind, "estimate" if kind.endswith("rates") else "cluster")
    if needed not in result.frame.columns:
        raise InputError(f"A result of kind {kind} must have the column {needed}; its frame has none.")


def value_breaks(results: Sequence[Result], frames: Sequence[pd.DataFrame]) -> tuple[float, ...]:
    """One set of limits for all layers of rates, because different breaks forbid comparison.

    They are chosen from the recorded rates that are ranked; from smoothed ones only where no others are
    shown.
    """
    for kind in ("rates", "smoothed_rates"):
        values = [
            column(frame, "estimate")[~_is_few(frame)]
            for result, frame in zip(results, frames, strict=True)
            if result.kind == kind
        ]
        if values:
            return limits.round_breaks(np.concatenate(values))
    return limits.round_breaks([])


def share_breaks(results: Sequence[Result], frames: Sequence[pd.DataFrame]) -> tuple[float, ...]:
    """One set of limits, in percent, for all layers of shares."""
    values = [
        survey_values(result, frame)
        for result, frame in zip(results, frames, strict=True)
        if is_share(result)
    ]
    return limits.step_breaks(np.concatenate(values) if values else [], most=100)


def build_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    breaks: Sequence[float] | None,
    k: int,
    place: str | Mapping[str, str] | None = None,
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
        Limits of the classes of rates, or of answers; None lets a survey layer choose its own.
    k : int
        Counts from 1 to ``k - 1`` are withheld; for the legend.
    place : str, optional
        Name of the study area, for the finding.
    period : (start, end), optional
        Period of a result that does not state its own.
    """
    if result.kind in ("survey", "answers"):  # a period of the records is none of the survey
        return survey_layer(result, frame, key=key, name=name, breaks=breaks, k=k)
    build = _rate_layer if result.kind.endswith("rates") else _cluster_layer
    said = findings.period_text(result.settings.get("period") or period)
    return build(
        result, frame, key=key, name=name, breaks=breaks or value_breaks([result], [frame]), k=k, place=place,
        period=said,
    )  # fmt: skip


def _rate_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    breaks: Sequence[float],
    k: int,
    place: str | Mapping[str, str] | None,
    period: str,
) -> Layer:
    decimals = limits.decimals_for(breaks)
    write = np.vectorize(lambda v: limits.shown(v, decimals), otypes=[float])
    value, low, high = (write(column(frame, c)) for c in ("estimate", "conf_low", "conf_high"))
    events = column(frame, "events")
    hidden = frame["suppressed"].to_numpy(dtype=bool)
    smoothed = result.kind == "smoothed_rates"
    zero = (value == 0) if smoothed or "events" not in frame.columns else (events == 0)
    classes = (
        *value_classes(breaks, decimals, RAMPS["rate"][1:]),
        LegendClass("zero", Message("zero"), RAMPS["rate"][0]),
    )
    row_of = {c.key: i for i, c in enumerate(classes)}
    codes = row_of["class 1"] - limits.classify(value, breaks)
    codes[zero] = row_of["zero"]
    states = np.select(
        [hidden, ~np.isfinite(value), _is_few(frame) & ~zero], ["withheld", "no_data", "few"], default=""
    )  # the registry alone decides what is withheld; "suppress" that it lets pass is too few to rank
    mean = _mean_rate(result.frame)
    mean_shown = None if mean is None else limits.shown(mean, decimals)
    sentences = _rate_sentences(states, zero, low, high, mean_shown, smoothed=smoothed)
    layer_classes, codes = with_states(classes, codes, states, _STATES_OF[result.kind], k)
    per = float(result.settings.get("per", 100_000))
    unit = f"unit_{result.kind}" + ("_year" if _is_yearly(result.settings) else "")
    ranked = states == ""
    facts = findings.RateFacts(value[ranked], low[ranked], high[ranked], len(frame), mean_shown, decimals)
    return Layer(
        key=key, kind=result.kind, name=name, unit=Message(unit, {"per": number(per)}), classes=layer_classes,
        codes=codes, sentences=sentences,
        figures=figures(hidden, value=value, low=low, high=high, n=events),
        decimals=decimals, mean=mean_shown, top=breaks[-1] * 1.6,
        finding=findings.rate_finding(facts, period=period, place=place, smoothed=smoothed), period=period,
        total=total(result.frame), line=LINE_ON_VALUES,
        confidence=float(result.settings.get("confidence", 0.95)),
    )  # fmt: skip


def _cluster_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    breaks: Sequence[float],
    k: int,
    place: str | Mapping[str, str] | None,
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
    layer_classes, codes = with_states(classes, codes, states, _STATES_OF[result.kind], k)
    alpha, adjusted = float(result.settings.get("alpha", 0.05)), _is_adjusted(result.settings)
    fdr = adjusted and str(result.settings.get("adjust", "fdr_bh")).startswith("fdr")
    unit = Message("unit_local_getis_ord")
    if moran:
        level = percent(alpha, 0 if round(alpha * 100, 6).is_integer() else 1)
        unit = Message("unit_local_moran" if fdr else "unit_local_moran_level", {"a": level})
    p = np.vectorize(lambda v: limits.shown(v, 3), otypes=[float])(column(frame, "p_adjusted"))
    p[states != ""] = np.nan
    return Layer(
        key=key, kind=result.kind, name=name, unit=unit, classes=layer_classes,
        codes=codes, sentences=sentences,
        figures=figures(hidden, n=column(frame, "events"), p=p), decimals=0, mean=None, top=0,
        finding=findings.cluster_finding(
            counts, kind=result.kind, areas=len(frame), alpha=alpha, period=period
        ),
        period=period,
        total=total(result.frame), confidence=1 - alpha, line=LINE_ON_CLUSTERS,
        adjusted=adjusted,
    )  # fmt: skip


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


def _is_few(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows whose rate is too uncertain to be ranked."""
    if "quality" not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    few: NDArray[np.bool_] = frame["quality"].isin(["review", "suppress"]).to_numpy(dtype=bool)
    return few


def _mean_rate(frame: pd.DataFrame) -> float | None:
    """Average of the areas' recorded rates, weighted by population: the rate of the whole study area."""
    rate = column(frame, "value" if "value" in frame.columns else "estimate")
    weight = column(frame, "population")
    known = np.isfinite(rate) & np.isfinite(weight) & (weight > 0)
    return float((rate[known] * weight[known]).sum() / weight[known].sum()) if known.any() else None


def _is_yearly(settings: Mapping[str, Any]) -> bool:
    return bool(settings.get("annual", settings.get("period") is not None))


def _is_adjusted(settings: Mapping[str, Any]) -> bool:
    return settings.get("adjust", "fdr_bh") not in (None, "none")
