"""Funnel plot: how far from the average chance alone could carry an area of so many residents."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap._typing import Audience, Language
from safemap.errors import InputError
from safemap.i18n import Message, format_percent, number, percent, text
from safemap.maps.breaks import shown
from safemap.maps.figures.chart import begin, finish, left_out
from safemap.maps.figures.layout import facts_line
from safemap.maps.figures.plot import (
    ABOVE,
    BELOW,
    SAME,
    Key,
    draw_key,
    key_height,
    number_scale,
    plot_area,
    scatter,
)
from safemap.maps.figures.published import make_layers
from safemap.maps.figures.sheet import Size
from safemap.maps.interactive import in_language
from safemap.stats.funnel import funnel_limits

if TYPE_CHECKING:
    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.figure import StaticFigure
    from safemap.results import Result

Floats = NDArray[np.float64]
#: Coverage of the inner and of the outer limits.
LEVELS = (0.95, 0.998)


def funnel_plot(
    rates: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    size: Size = "A4_half",
    language: Language = "en",
    audience: Audience = "internal",
    title: str | Mapping[str, str] | None = None,
    name: str | Mapping[str, str] | None = None,
    place: str | Mapping[str, str] | None = None,
    source: str | None = None,
    greyscale: bool = False,
    k: int | None = None,
    registry: Registry | None = None,
    font: str | None = None,
) -> StaticFigure:
    """Rates against residents, with the limits within which chance alone would keep them.

    Parameters
    ----------
    rates : RatesResult
        What :func:`safemap.area_rates` returns.
    path : path-like, optional
        File to write at once.
    size, language, audience, title, name, place, source, greyscale, k, registry, font
        As in :func:`safemap.static_map`.

    Returns
    -------
    StaticFigure
        ``data``: ``population``, ``value``, ``low_95``, ``high_95``, ``low_998``, ``high_998`` (limits at
        that population, in the unit of the rate) and ``against``: over, under (outside the outer limits) or
        within.

    Raises
    ------
    InputError
        `rates` is of another kind, or no area has a rate that may be shown.

    Notes
    -----
    Limits are those of :func:`safemap.stats.funnel.funnel_limits` round the overall rate, exact. Real areas
    differ by more than chance, so that some outside the limits are no surprise.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates, funnel_plot
    >>> areas = gpd.GeoDataFrame({"events": [12, 40, 150], "population": [900, 3000, 3200]}, crs=4326,
    ...                          geometry=[box(i / 100, 0, (i + 1) / 100, 0.01) for i in range(3)])
    >>> funnel_plot(area_rates(areas, per=1_000)).data["against"].tolist()
    ['within', 'under', 'over']
    """
    if rates.kind != "rates":
        raise InputError(f"funnel_plot draws what area_rates returns; got a result of kind {rates.kind}.")
    chart = begin(size, language, audience, registry, k, font, greyscale)
    (layer,) = make_layers([rates], chart.rules, names=[name], place=place)
    data, hidden = _table(rates, chart.rules)
    if not len(data):
        raise InputError("No area has a rate that may be shown: there is nothing to plot.")
    over, under = (int((data["against"] == w).sum()) for w in ("over", "under"))
    slots = {"a": number(over), "b": number(under), "N": number(len(data))}
    heading = in_language(language, title) or text(Message("t_funnel", slots), language)
    p, q = percent(LEVELS[0], 0), percent(LEVELS[1], 1)
    subtitle = chart.joined(
        facts_line(layer, language, areas=None, place=place),
        text(Message("s_funnel", {"p": p, "q": q}), language),
    )
    outside = int(((data["value"] > data["high_95"]) | (data["value"] < data["low_95"])).sum())
    by_chance = {
        "c": number(round(len(data) * (1 - LEVELS[0]))),
        "N": number(len(data)),
        "x": number(outside),
        "p": p,
    }
    states = {c.state: text(c.label, language) for c in layer.classes if c.state}
    rest = left_out(
        [(states["withheld"], hidden), (states["no_data"], len(rates.frame) - len(data) - hidden)], language
    )
    notes = {
        "source": chart.source(rates, source),
        "reading": f"{text(Message('n_funnel', by_chance), language)} {rest}".strip(),
    }
    keys = [
        Key(f"{text(Message(f'k_{w}', {'q': q}), language)} ({n})", m, c, w != "within")
        for w, n, m, c in (
            ("over", over, "^", ABOVE),
            ("within", len(data) - over - under, "o", SAME),
            ("under", under, "v", BELOW),
        )
    ]
    with chart.drawing():
        room = chart.frame(heading, [subtitle], notes)
        below = key_height(chart.sheet, keys, room.width) + 1.0 * chart.sheet.scale
        unit = text(layer.unit, language)
        _draw(chart, room._replace(height=room.height - below), rates, data, unit[:1].upper() + unit[1:])
        draw_key(chart.sheet, keys, room._replace(y=room.bottom - below + 1.0 * chart.sheet.scale))
    return finish(chart, data, heading, subtitle, notes, path, outside_95=outside)


def _table(rates: Result, rules: Registry) -> tuple[Any, int]:
    """Areas with a rate that may be shown, their limits, and how many are withheld."""
    import pandas as pd

    frame = pd.DataFrame(rates.frame.drop(columns=rates.frame.geometry.name))
    hidden = rules.hidden(frame).to_numpy(dtype=bool)
    people = frame["population"].to_numpy(dtype=float, na_value=np.nan)
    value = frame["estimate"].to_numpy(dtype=float, na_value=np.nan)
    ok = ~hidden & np.isfinite(value) & (people > 0)
    table = pd.DataFrame({"population": people[ok]}, index=frame.index[ok])
    table["value"] = [shown(v, 2) for v in value[ok]]
    for coverage, word in zip(LEVELS, ("95", "998"), strict=True):
        low, high = _rate_limits(people[ok], coverage, rates)
        table[f"low_{word}"], table[f"high_{word}"] = low, high
    exact = value[ok]
    table["against"] = np.select(
        [exact > table["high_998"], exact < table["low_998"]], ["over", "under"], "within"
    )
    return table, int((hidden & np.isfinite(people)).sum())


def _rate_limits(people: Floats, level: float, rates: Result) -> tuple[Floats, Floats]:
    """Limits of the rate of areas with so many residents."""
    expected = people * float(rates.settings["overall_rate"]) / float(rates.settings["scale"])
    low, high = funnel_limits(expected, level=level)
    per_event = float(rates.settings["scale"]) / people
    return low * per_event, high * per_event


def _draw(chart: Any, room: Any, rates: Result, data: Any, title: str) -> None:
    sheet, language, s = chart.sheet, chart.language, chart.sheet.scale
    overall = float(rates.settings["overall_rate"])
    most = float(data["population"].max())
    residents = text("residents", language, count=5)
    x = number_scale(0, most * 1.03, residents[:1].upper() + residents[1:], language=language, count=6)
    people = np.geomspace(max(float(data["population"].min()) * 0.85, 1e-9), most * 1.03, 300)
    bands = {level: _rate_limits(people, level, rates) for level in LEVELS}
    top = min(max(float(data["value"].max()) * 1.05, overall * 2), float(bands[LEVELS[1]][1].max()) * 4)
    y = number_scale(0, max(top, float(data["value"].max()) * 1.03), title, language=language)
    axes, box = plot_area(sheet, room, x, y)
    for level, shade in ((LEVELS[1], "#F3F0EA"), (LEVELS[0], "#E5E0D6")):
        low, high = (np.minimum(b, y.high) for b in bands[level])
        axes.fill_between(people, low, high, facecolor=sheet.colour(shade), linewidth=0, zorder=1)
        for edge in (low, high):
            inside = edge < y.high
            axes.plot(
                people[inside], edge[inside], color=sheet.colour("#8B867D"), linewidth=0.5 * s, zorder=1.5
            )
    axes.plot([0, x.high], [overall, overall], color=sheet.colour("#14171A"), linewidth=0.8 * s, zorder=2)
    for word, marker, colour in (("within", "o", SAME), ("under", "v", BELOW), ("over", "^", ABOVE)):
        at = data["against"] == word
        scatter(
            sheet,
            axes,
            data.loc[at, "population"],
            data.loc[at, "value"],
            marker=marker,
            colour=colour,
            filled=word != "within",
            size=2.4 if word == "within" else 3.4,
        )
    line = sheet.line_height("cell")
    for level, below in (
        (LEVELS[1], 0.0),
        (LEVELS[0], line),
    ):  # the outer one above its line, the inner below
        edge = float(bands[level][1][-1])
        at = box.bottom - edge / y.high * box.height
        label = format_percent(level, 1 if level > 0.99 else 0, language=language)
        sheet.line(box.right - 0.5, at - line + below, label, "cell", align="right", halo="#FFFFFF")
