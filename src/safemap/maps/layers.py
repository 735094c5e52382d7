"""From a result to a layer: which class each area is in, and the few figures that leave with it.

Nothing else of a frame reaches the page: the columns read here are listed in :data:`SHOWN_COLUMNS`, and the
registry has blanked the withheld rows before this module sees them. Statistics and z scores of local tests
are never shown: they add up neighbours' values, from which a withheld count could be worked out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.errors import ConfigError, InputError
from safemap.i18n import Message, number
from safemap.maps import breaks as limits
from safemap.maps import findings
from safemap.maps.cluster_layer import cluster_layer
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
from safemap.maps.palettes import LINE_ON_VALUES, RAMPS
from safemap.maps.ratio_layer import change_layer, ratios_layer
from safemap.maps.survey_layer import is_share, survey_layer, survey_values

if TYPE_CHECKING:
    import pandas as pd

    from safemap.results import Result

#: Kind of result -> columns of its frame that a map may show. Everything else stays out of the file.
SHOWN_COLUMNS: dict[str, tuple[str, ...]] = {
    "rates": ("name", "population", "events", "estimate", "conf_low", "conf_high", "quality"),
    "smoothed_rates": ("name", "population", "events", "estimate", "conf_low", "conf_high", "quality"),
    "standardised_ratios": ("name", "population", "events", "estimate", "conf_low", "conf_high", "quality"),
    "change": ("name", "before", "after", "estimate", "conf_low", "conf_high", "p_adjusted", "cluster"),
    "local_moran": ("name", "population", "events", "p_adjusted", "cluster"),
    "local_getis_ord": ("name", "population", "events", "p_adjusted", "cluster"),
    "local_bivariate_moran": ("name", "population", "events", "p_adjusted", "cluster"),
    "survey": ("name", "estimate", "conf_low", "conf_high", "n", "n_eff", "quality"),
    "answers": ("name", "events", "n"),
    "density": ("estimate", "area_km2", "edge"),
}
#: Columns shown of a local statistic of any other kind.
SHOWN_OF_LOCAL = SHOWN_COLUMNS["local_moran"]
#: Kind of result -> the column without which there is nothing to show; ``cluster`` for local statistics.
_NEEDED = {
    "rates": "estimate", "smoothed_rates": "estimate", "standardised_ratios": "estimate", "change": "cluster",
    "survey": "estimate", "answers": "n", "density": "estimate",
}  # fmt: skip
_STATES_OF_RATE = ("few", "withheld", "no_data")


def check_result(result: Result) -> None:
    """Raise unless the map can show `result`."""
    kind = getattr(result, "kind", None)
    if isinstance(kind, str) and kind.startswith("global_"):
        raise ConfigError(
            f"A result of kind {kind} is one statement about the whole map: it has nothing to draw by area. "
            "Put its summary() into methods=, or draw the local statistic."
        )
    if not isinstance(kind, str) or not (kind in SHOWN_COLUMNS or kind.startswith("local_")):
        raise ConfigError(
            f"explore() shows results of kind {', '.join(SHOWN_COLUMNS)} and other local statistics; "
            f"got {kind or type(result).__name__}. "
            "Give it what area_rates, smooth_rates, standardised_ratios, area_change, local_moran, "
            "local_getis_ord, survey_estimate, count_answers or kernel_density return."
        )
    needed = _NEEDED.get(kind, "cluster")
    if needed not in result.frame.columns:
        raise InputError(f"A result of kind {kind} must have the column {needed}; its frame has none.")


def value_breaks(results: Sequence[Result], frames: Sequence[pd.DataFrame]) -> tuple[float, ...]:
    """One set of limits for all layers of rates, because different breaks forbid comparison.

    They are chosen from the recorded rates that are ranked; from smoothed ones only where no others are
    shown.
    """
    return limits.round_breaks(ranked_rates(results, frames))


def ranked_rates(results: Sequence[Result], frames: Sequence[pd.DataFrame]) -> Floats:
    """Recorded rates of the areas that are ranked; smoothed ones only where no others are shown."""
    for kind in ("rates", "smoothed_rates"):
        values = [
            column(frame, "estimate")[~_is_few(frame)]
            for result, frame in zip(results, frames, strict=True)
            if result.kind == kind
        ]
        if values:
            return np.concatenate(values)
    return np.zeros(0)


def share_breaks(results: Sequence[Result], frames: Sequence[pd.DataFrame]) -> tuple[float, ...]:
    """One set of limits, in percent, for all layers of shares."""
    return limits.step_breaks(shares_of(results, frames), most=100)


def shares_of(results: Sequence[Result], frames: Sequence[pd.DataFrame]) -> Floats:
    """All shares shown, in percent."""
    values = [
        survey_values(result, frame)
        for result, frame in zip(results, frames, strict=True)
        if is_share(result)
    ]
    return np.concatenate(values) if values else np.zeros(0)


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
    made = _layer_of_kind(result, frame, key=key, name=name, breaks=breaks, k=k, place=place, period=period)
    if result.settings.get("detection_basis") == "police_initiated":
        return replace(made, finding=findings.enforcement_finding(made.finding))
    return made


def _layer_of_kind(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    breaks: Sequence[float] | None,
    k: int,
    place: str | Mapping[str, str] | None,
    period: Any,
) -> Layer:
    if result.kind in ("survey", "answers"):  # a period of the records is none of the survey
        return survey_layer(result, frame, key=key, name=name, breaks=breaks, k=k)
    if result.kind == "change":  # it has two periods of its own
        return change_layer(result, frame, key=key, name=name, k=k)
    said = findings.period_text(result.settings.get("period") or period)
    if result.kind == "standardised_ratios":
        return ratios_layer(result, frame, key=key, name=name, k=k, period=said)
    if not result.kind.endswith("rates"):
        return cluster_layer(result, frame, key=key, name=name, k=k, period=said)
    limit = breaks or value_breaks([result], [frame])
    return _rate_layer(result, frame, key=key, name=name, breaks=limit, k=k, place=place, period=said)


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
    layer_classes, codes = with_states(classes, codes, states, _STATES_OF_RATE, k)
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
