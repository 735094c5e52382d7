"""Layers of ratios: change between two periods, and events as a ratio to those expected.

Both use the diverging ramp, centred on "the same". A change is drawn where the test found one; "no change" is
a result, "cannot tell" is a gap with a texture. Increase and decrease have the same steps on the scale of
ratios: twice and half, one and a half and two thirds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from safemap.errors import InputError
from safemap.i18n import Message, number, percent
from safemap.i18n.numbers import round_half_up
from safemap.maps import breaks as limits
from safemap.maps import findings
from safemap.maps.layer import Floats, Layer, LegendClass, column, figures, total, with_states
from safemap.maps.page import clean_text
from safemap.maps.palettes import LINE_ON_CLUSTERS, RAMPS

if TYPE_CHECKING:
    import pandas as pd

    from safemap.results import Result

#: Percent of change at which the classes of an increase, and of a decrease, begin.
UP, DOWN = (50, 100), (33, 50)
#: Limits of the classes of ratios to the expected number.
RATIO_LIMITS = (0.5, 0.67, 0.9, 1.1, 1.5, 2.0)
_RAMP = RAMPS["diverging 7"]
_STATE_OF_CHANGE = {"cannot tell": "cannot_tell", "too few events": "too_few_events", "no data": "no_data"}


def change_layer(
    result: Result, frame: pd.DataFrame, *, key: str, name: str | Mapping[str, str] | Message, k: int
) -> Layer:
    """The layer of one :class:`ChangeResult`; parameters as in :func:`safemap.maps.layers.build_layer`."""
    hidden = frame["suppressed"].to_numpy(dtype=bool)
    said = frame["cluster"].astype(object).where(frame["cluster"].notna(), "no data").astype(str).to_numpy()
    known = ("increase", "decrease", "no change", *_STATE_OF_CHANGE)
    unknown = {w for w in said[~hidden] if w not in known}
    if unknown:
        raise InputError(
            f"The column cluster of a change may hold {', '.join(known)}; {len(unknown)} other value(s) came."
        )
    states = np.array(
        ["withheld" if h else _STATE_OF_CHANGE.get(w, "") for w, h in zip(said, hidden, strict=True)]
    )
    value, low, high = (_percent_change(column(frame, c)) for c in ("estimate", "conf_low", "conf_high"))
    codes = _codes_of_change(said, value)
    counts = {w: int(((said == w) & (states == "")).sum()) for w in ("increase", "decrease", "no change")}
    counts["cannot tell"] = int((states == "cannot_tell").sum())
    possible = ("cannot_tell", "withheld", "too_few_events", "no_data")
    classes, codes = with_states(_change_classes(), codes, states, possible, k)
    before, after = (clean_text(result.settings.get(w, w), longest=60) for w in ("before", "after"))
    period = f"{before} → {after}"
    shut = hidden | np.isin(states, ["too_few_events", "no_data"])
    p = np.vectorize(lambda v: limits.shown(v, 3), otypes=[float])(column(frame, "p_adjusted"))
    shown = {"value": value, "low": low, "high": high, "p": p}
    shown |= {"before": column(frame, "before"), "after": column(frame, "after")}
    return Layer(
        key=key, kind=result.kind, name=name, unit=Message("unit_change", {"a": before, "b": after}),
        classes=classes, codes=codes, sentences=_sentences_of_change(states, said, codes),
        figures=figures(shut, **shown), decimals=0, mean=0, top=200,
        finding=findings.change_finding(counts, areas=len(frame), period=period), period=period,
        total=_events_of_change(result), confidence=float(result.settings.get("confidence", 0.95)),
        line=LINE_ON_CLUSTERS, share=True, signed=True, ref="unchanged",
        adjusted=result.settings.get("adjust", "fdr_bh") not in (None, "none"),
    )  # fmt: skip


def _percent_change(ratio: Floats) -> Floats:
    """Change in percent, whole and with at most three significant figures; from nothing it is infinite."""
    change = (ratio - 1) * 100
    return np.vectorize(lambda v: limits.shown(v, 0) if abs(v) >= 1 else float(np.trunc(v)), otypes=[float])(
        change
    )


def _change_classes() -> tuple[LegendClass, ...]:
    def pct(value: int) -> dict[str, object]:
        return percent(value / 100)

    up, down = UP, DOWN
    labels = {
        "more 3": Message("more_last", {"a": pct(up[1])}),
        "more 2": Message("more_range", {"a": pct(up[0]), "b": pct(up[1] - 1)}),
        "more 1": Message("more_first", {"a": pct(up[0] - 1)}),
        "no change": Message("c_no_change"),
        "less 1": Message("less_first", {"a": pct(down[0] - 1)}),
        "less 2": Message("less_range", {"a": pct(down[0]), "b": pct(down[1] - 1)}),
        "less 3": Message("less_last", {"a": pct(down[1])}),
    }
    return tuple(LegendClass(k, m, c) for (k, m), c in zip(labels.items(), reversed(_RAMP), strict=True))


def _codes_of_change(said: NDArray[np.object_], value: Floats) -> NDArray[np.int64]:
    """Row of the legend, from the class of the test and from the figure as shown."""
    up = np.select([value >= UP[1], value >= UP[0]], [0, 1], 2)
    down = np.select([value <= -DOWN[1], value <= -DOWN[0]], [6, 5], 4)
    codes: NDArray[np.int64] = np.select([said == "increase", said == "decrease"], [up, down], 3).astype(
        np.int64
    )
    return codes


def _sentences_of_change(
    states: NDArray[np.str_], said: NDArray[np.object_], codes: NDArray[np.int64]
) -> tuple[str, ...]:
    found = {"increase": "s_increase", "decrease": "s_decrease", "no change": "s_no_change"}
    own = {"too_few_events": "s_change_nothing"}
    return tuple(own.get(s, f"s_{s}") if s else found[w] for s, w in zip(states, said, strict=True))


def _events_of_change(result: Result) -> int | None:
    both = [total(result.frame, c) for c in ("before", "after")]
    return None if None in both else sum(n for n in both if n is not None)


def ratios_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    k: int,
    period: str,
) -> Layer:
    """The layer of one :class:`RatiosResult`; parameters as in :func:`safemap.maps.layers.build_layer`."""
    write = np.vectorize(lambda v: limits.shown(v, 2), otypes=[float])
    value, low, high = (write(column(frame, c)) for c in ("estimate", "conf_low", "conf_high"))
    hidden = frame["suppressed"].to_numpy(dtype=bool)
    few = frame["quality"].isin(["review", "suppress"]).to_numpy(dtype=bool) if "quality" in frame else hidden
    states = np.select([hidden, ~np.isfinite(value), few], ["withheld", "no_data", "few"], default="")
    codes = np.where(np.isfinite(value), 6 - limits.classify(value, RATIO_LIMITS), 0)
    classes, codes = with_states(_ratio_classes(), codes, states, ("few", "withheld", "no_data"), k)
    compare = np.select([low > 1, high < 1], ["s_ratio_above", "s_ratio_below"], "s_ratio_same")
    ranked = states == ""
    above, below = int((low[ranked] > 1).sum()), int((high[ranked] < 1).sum())
    return Layer(
        key=key, kind=result.kind, name=name, unit=Message("unit_ratios"), classes=classes, codes=codes,
        sentences=tuple(f"s_{s}" if s else str(t) for s, t in zip(states, compare, strict=True)),
        figures=figures(hidden, value=value, low=low, high=high, n=column(frame, "events")), decimals=2,
        mean=1, top=3, period=period,
        finding=findings.ratio_finding(above, below, areas=len(frame), period=period),
        total=total(result.frame), confidence=float(result.settings.get("confidence", 0.95)),
        line=LINE_ON_CLUSTERS, ref="expected",
    )  # fmt: skip


def _ratio_classes() -> tuple[LegendClass, ...]:
    def figure(value: float) -> dict[str, object]:
        return number(value, 0 if float(value).is_integer() else len(f"{value:g}".partition(".")[2]))

    first, *rest = RATIO_LIMITS
    rows = [Message("under", {"a": figure(first)})]
    for low, high in zip(RATIO_LIMITS, rest, strict=False):
        end = float(round_half_up(high - 0.01, 2))
        rows.append(Message("range", {"a": figure(low), "b": figure(end)}))
    rows.append(Message("or_more", {"a": figure(RATIO_LIMITS[-1])}))
    coloured = zip(rows, _RAMP, strict=True)
    return tuple(reversed([LegendClass(f"ratio {i + 1}", m, c) for i, (m, c) in enumerate(coloured)]))
