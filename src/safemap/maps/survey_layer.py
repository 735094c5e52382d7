"""Layers of answers: estimates of a survey with their quality, and counts of respondents who said so.

An estimate that may not be published leaves no number in the file; one to be reviewed keeps its class under a
hatching. Answers of people who were not drawn by chance are shown as "x of n", never as an estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.i18n import Message
from safemap.maps import breaks as limits
from safemap.maps import findings
from safemap.maps.layer import (
    Floats,
    Layer,
    LegendClass,
    Overlay,
    column,
    figures,
    total,
    value_classes,
    with_states,
)
from safemap.maps.page import clean_text
from safemap.maps.palettes import LINE_ON_VALUES, RAMPS
from safemap.settings import threshold

if TYPE_CHECKING:
    import pandas as pd

    from safemap.results import Result

_STATES = {"survey": ("few_answers", "withheld", "no_data"), "answers": ("few", "withheld", "no_data")}
#: Longest list of answers in the unit line.
_LONGEST = 90


def is_share(result: Result) -> bool:
    """Whether the figures of a survey layer are percentages, which share their breaks."""
    return result.kind == "answers" or (
        result.kind == "survey" and result.settings.get("kind", "proportion") == "proportion"
    )


def survey_values(result: Result, frame: pd.DataFrame) -> Floats:
    """What is classed: percent for shares, else the estimate."""
    if result.kind == "answers":
        with np.errstate(invalid="ignore", divide="ignore"):
            return column(frame, "events") / column(frame, "n") * 100
    return column(frame, "estimate") * (100 if is_share(result) else 1)


def survey_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    breaks: Sequence[float] | None,
    k: int,
) -> Layer:
    """The layer of one :class:`SurveyResult` or :class:`AnswersResult`.

    Parameters
    ----------
    result, frame, key, name, k
        As in :func:`safemap.maps.layers.build_layer`.
    breaks : sequence of float, optional
        Limits of the classes, in percent for shares; chosen from the values if not given.
    """
    share, drawn = is_share(result), result.kind == "survey"
    raw = survey_values(result, frame)
    if breaks is None:
        breaks = limits.step_breaks(raw, most=100 if share else np.inf)
    read = _read(result, frame, raw, places_for(breaks))
    colours = RAMPS["share"]
    classes: list[LegendClass] = list(value_classes(breaks, read.decimals, colours[1:], share=share))
    codes = 4 - limits.classify(read.value, breaks)
    zero = share & (read.value == 0)
    if zero.any():
        classes.append(LegendClass("zero", Message("zero_share"), colours[0]))
        codes[zero] = 5
    layer_classes, codes = with_states(classes, codes, read.states, _STATES[result.kind], k)
    uncertain = np.flatnonzero(read.review & (read.states == ""))
    overlays = (
        Overlay(
            "uncertain", Message("over_uncertain"), colours[2],
            areas=tuple(uncertain.tolist()), amount=len(uncertain),
        ),
    )  # fmt: skip
    closed = np.isin(read.states, ["withheld", "few_answers", "no_data"])
    shown = {"value": read.value, "low": read.low, "high": read.high, "n": column(frame, "n")}
    shown |= {"n_eff": np.round(column(frame, "n_eff"))} if drawn else {"x": column(frame, "events")}
    return Layer(
        key=key, kind=result.kind, name=name, unit=_unit(result), classes=layer_classes, codes=codes,
        sentences=_sentences(read, drawn), figures=figures(closed, **shown),
        decimals=read.decimals, mean=read.mean, top=_top(breaks, share),
        finding=_finding(result, read, share), period=findings.period_text(result.settings.get("period")),
        total=total(result.frame, "n"), confidence=float(result.settings.get("confidence", 0.95)),
        line=LINE_ON_VALUES, base="answers" if drawn else "nonrandom", share=share,
        overlays=overlays if drawn else (),
    )  # fmt: skip


class _Read(NamedTuple):
    """Per area: figures as shown, and how far they can be trusted."""

    value: Floats
    low: Floats
    high: Floats
    states: NDArray[np.str_]
    review: NDArray[np.bool_]
    mean: float | None
    decimals: int


def places_for(breaks: Sequence[float]) -> int:
    """Decimals of evenly spaced limits: none where the step is whole.

    Examples
    --------
    >>> places_for((40, 50, 60, 70)), places_for((2, 2.5, 3, 3.5)), places_for((1, 2, 3, 5))
    (0, 1, 1)
    """
    if breaks[0] >= 5 and all(float(b).is_integer() for b in breaks):
        return 0
    step = min(b - a for a, b in pairwise(breaks))
    return max(1, int(-np.floor(np.log10(step) + 1e-9)))


def _read(result: Result, frame: pd.DataFrame, raw: Floats, decimals: int) -> _Read:
    write = np.vectorize(lambda v: limits.shown(v, decimals), otypes=[float])
    factor = 100 if is_share(result) else 1
    overall = (result.settings.get("overall") or {}).get("estimate")
    source = result.frame.reindex(frame.index)
    states = _states(result.kind, source, frame, raw)
    return _Read(
        value=write(raw),
        low=write(column(frame, "conf_low") * factor),
        high=write(column(frame, "conf_high") * factor),
        states=states,
        review=_quality(frame, "review"),
        mean=None
        if overall is None or not np.isfinite(overall)
        else limits.shown(overall * factor, decimals),
        decimals=decimals,
    )


def _states(kind: str, source: pd.DataFrame, frame: pd.DataFrame, raw: Floats) -> NDArray[np.str_]:
    """Nobody asked, too few answers, withheld. The first does not give away a count, the second comes before
    the third, so that it does not tell small counts from wide intervals."""
    n, hidden = column(source, "n"), frame["suppressed"].to_numpy(dtype=bool)
    nobody = (n == 0) | np.isnan(n)
    unfit = _quality(source, "suppress") if kind == "survey" else np.zeros(len(frame), dtype=bool)
    few = (n < threshold("rate_events_min")) if kind == "answers" else np.zeros(len(frame), dtype=bool)
    return np.select(
        [nobody, unfit, hidden, ~np.isfinite(raw), few],
        ["no_data", "few_answers", "withheld", "no_data", "few"],
        default="",
    )


def _quality(frame: pd.DataFrame, word: str) -> NDArray[np.bool_]:
    if "quality" not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    found: NDArray[np.bool_] = (frame["quality"] == word).fillna(False).to_numpy(dtype=bool)
    return found


def _sentences(read: _Read, drawn: bool) -> tuple[str, ...]:
    said = np.full(len(read.value), "s_same" if drawn else "s_nonrandom", dtype=object)
    if drawn and read.mean is not None:
        said[read.low > read.mean] = "s_above"
        said[read.high < read.mean] = "s_below"
    if drawn:
        said[~np.isfinite(read.low)] = "s_no_interval"
    words = {"no_data": "s_no_answers", "few": "s_few_asked"}
    return tuple(words.get(s, f"s_{s}") if s else str(t) for s, t in zip(read.states, said, strict=True))


def _unit(result: Result) -> Message:
    s = result.settings
    kind = "answers" if result.kind == "answers" else str(s.get("kind", "proportion"))
    success = ", ".join(map(str, s.get("success") or ()))
    slots = {"what": clean_text(success or s.get("column", ""), longest=_LONGEST)}
    return Message(f"unit_survey_{kind}", slots)


def _top(breaks: Sequence[float], share: bool) -> float:
    end = breaks[-1] * 1.6
    return 100 if share and end > 60 else end


def _finding(result: Result, read: _Read, share: bool) -> Message:
    ranked = read.states == ""
    if result.kind == "answers":
        n, x = int(result.settings.get("n", 0)), int(result.settings.get("events", 0))
        return findings.answers_finding(x, n, areas=len(ranked))
    facts = findings.RateFacts(
        read.value[ranked], read.low[ranked], read.high[ranked], len(ranked), read.mean, read.decimals
    )
    period = findings.period_text(result.settings.get("period"))
    return findings.survey_finding(facts, period=period, share=share)


def layer_name(result: Result) -> Message:
    """Name of a survey layer that the caller did not name: its column."""
    slots: dict[str, Any] = {"q": clean_text(result.settings.get("column", ""), longest=_LONGEST)}
    return Message(f"layer_{result.kind}", slots)
