"""Small multiples: up to nine maps with the same classes and one legend."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap._typing import Audience, Language
from safemap.errors import ConfigError
from safemap.i18n import Message, format_number, format_percent, text
from safemap.maps.context import ContextLike
from safemap.maps.figures.chart import Chart, begin, finish
from safemap.maps.figures.drawing import draw_layer, open_axes
from safemap.maps.figures.furniture import Furniture
from safemap.maps.figures.ground import Ground, View, fit, ground_of, projection_name
from safemap.maps.figures.layout import counted, layer_figure, layer_title, require_room
from safemap.maps.figures.plot import Key, draw_key, key_height
from safemap.maps.figures.published import make_layers
from safemap.maps.figures.sheet import Box, Size
from safemap.maps.figures.textures import HATCHES, ground_of_state
from safemap.maps.interactive import in_language
from safemap.maps.study import study_of

if TYPE_CHECKING:
    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.figure import StaticFigure
    from safemap.maps.layer import Layer
    from safemap.results import Result

#: Most maps on one sheet, and most in a row.
MOST, ACROSS = 9, 3
#: Lines of a small map are thinner.
_THIN = 0.55


def small_multiples(
    results: Sequence[Result],
    path: str | os.PathLike[str] | None = None,
    *,
    names: Sequence[str | Mapping[str, str] | None] | None = None,
    size: Size = "A4_half",
    language: Language = "en",
    audience: Audience = "internal",
    title: str | Mapping[str, str] | None = None,
    place: str | Mapping[str, str] | None = None,
    source: str | None = None,
    disclaimer: str | None = None,
    breaks: Sequence[float] | None = None,
    greyscale: bool = False,
    neighbours: ContextLike = None,
    k: int | None = None,
    registry: Registry | None = None,
    font: str | None = None,
) -> StaticFigure:
    """Maps of several results of one kind, side by side, with the same classes and one legend.

    Parameters
    ----------
    results : sequence of Result
        Two to nine results of one kind about the same areas, such as the rates of successive years.
    path : path-like, optional
        File to write at once.
    names : sequence of str or mapping, optional
        Heading of each map; its period if not given.
    size, language, audience, title, place, source, disclaimer, breaks, greyscale
        As in :func:`safemap.static_map`.
    neighbours, k, registry, font
        As in :func:`safemap.static_map`.

    Returns
    -------
    StaticFigure
        ``data``: one row per map and class with ``map``, ``class``, ``areas``; the areas of a map add up to
        all areas.

    Raises
    ------
    ConfigError
        Fewer than two or more than nine results, or of different kinds.

    Notes
    -----
    Class limits are chosen once, from all maps together. Counts of periods that do not overlap are withheld
    each on its own; of other results, what one hides is hidden in all.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates, small_multiples
    >>> cells = [box(69 + i / 100, 41, 69.01 + i / 100, 41.01) for i in range(3)]
    >>> years = [gpd.GeoDataFrame({"events": e, "population": [900, 1000, 1200]}, geometry=cells, crs=4326)
    ...          for e in ([0, 12, 40], [10, 20, 30])]
    >>> figure = small_multiples([area_rates(y, per=1_000) for y in years], names=["2022", "2023"])
    >>> figure.data.groupby("map")["areas"].sum().tolist()
    [3, 3]
    """
    _check(results, names)
    chart = begin(size, language, audience, registry, k, font, greyscale)
    study = study_of(list(results), None)
    layers = make_layers(results, chart.rules, names=names, breaks=breaks, place=place)
    heads = [
        in_language(language, names[i] if names else None) or _usual(layer, i, language)
        for i, layer in enumerate(layers)
    ]
    heading = in_language(language, title) or _heading(layers, heads, language)
    unit = text(layers[0].unit, language)
    subtitle = chart.joined(
        unit[:1].upper() + unit[1:],
        in_language(language, place),
        counted("areas", len(study.frame), language),
        text("same_classes", language),
    )
    keys, data = _keys(layers, heads, language)
    with chart.drawing():
        ground = ground_of(study.frame, neighbours=neighbours)
        own = text("boundaries", language) if disclaimer is None else disclaimer
        notes = {
            "source": chart.source(None, source),
            "disclaimer": f"{_disclaimer(layers[0], language)} {own}",
            "method": text(Message("n_projection", {"a": projection_name(ground.crs)}), language),
        }
        room = chart.frame(heading, [subtitle], notes)
        view = _compose(chart, room, ground, layers, heads, keys)
    scale = {"metres_per_mm": view.metres_per_mm}
    return finish(chart, data, heading, subtitle, notes, path, **scale)


def _check(results: Sequence[Result], names: Sequence[Any] | None) -> None:
    if not 2 <= len(results) <= MOST:
        raise ConfigError(f"small_multiples draws 2 to {MOST} results; got {len(results)}.")
    kinds = sorted({r.kind for r in results})
    if len(kinds) > 1 or kinds[0] == "density":
        raise ConfigError(
            f"small_multiples draws results by area of one kind, which share classes; got {', '.join(kinds)}."
        )
    if names is not None and len(names) != len(results):
        raise ConfigError(f"names must have one entry per result ({len(results)}); got {len(names)}.")


def _usual(layer: Layer, position: int, language: str) -> str:
    return layer.period or f"{layer_title(layer, language)} {position + 1}"


def _heading(layers: Sequence[Layer], heads: Sequence[str], language: str) -> str:
    first, last = layers[0], layers[-1]
    if first.kind == "rates" and first.mean is not None and last.mean is not None:
        slots = {"a": layer_figure(first, first.mean), "b": layer_figure(last, last.mean)}
        return text(Message("t_went", {**slots, "p": heads[0], "q": heads[-1]}), language)
    return layer_title(first, language)


def _disclaimer(layer: Layer, language: str) -> str:
    keys = {"records": "disclaimer", "answers": "disclaimer_answers", "nonrandom": "disclaimer_nonrandom"}
    return text(keys[layer.base], language)


def _keys(layers: Sequence[Layer], heads: Sequence[str], language: str) -> tuple[list[Key], Any]:
    """One key for all maps, and the areas in every class of every map."""
    import pandas as pd

    rows = [
        {"map": head, "class": text(entry.label, language), "areas": int(layer.counts[entry.key])}
        for layer, head in zip(layers, heads, strict=True)
        for entry in layer.classes
    ]
    entries = {}
    for layer in layers:
        for entry in layer.classes:
            used = sum(layer_.counts.get(entry.key, 0) for layer_ in layers)
            if used or not entry.state:
                entries.setdefault(entry.key, entry)
    ordered = [e for e in entries.values() if not e.state] + [e for e in entries.values() if e.state]
    keys = [
        Key(
            text(e.label, language),
            fill=ground_of_state(e.state) if e.state else e.colour,
            hatch=HATCHES.get(e.state, ""),
        )
        for e in ordered
    ]
    return keys, pd.DataFrame(rows)


def _compose(
    chart: Chart, room: Box, ground: Ground, layers: Sequence[Layer], heads: Sequence[str], keys: list[Key]
) -> View:
    """Maps above, key and scale bar side by side below them."""
    sheet, s = chart.sheet, chart.sheet.scale

    def bar(view: View) -> Furniture:
        return Furniture(sheet, ground, view, chart.language, bar=True, arrow=True)

    guess = bar(fit(ground.extent, Box(0, 0, room.width / ACROSS, room.height / ACROSS)))
    width = room.width - guess.width - 8.0 * s
    below = max(key_height(sheet, keys, width), guess.height) + 1.0 * s
    view = _draw(chart, room._replace(height=room.height - below), ground, layers, heads)
    made = bar(view)
    made.draw(
        Box(room.right - made.width, room.bottom - made.height, made.width, made.height), ground_colour=None
    )
    draw_key(sheet, keys, Box(room.x, room.bottom - below + 1.0 * s, width, below))
    return view


def _draw(chart: Chart, room: Box, ground: Ground, layers: Sequence[Layer], heads: Sequence[str]) -> View:
    sheet, s = chart.sheet, chart.sheet.scale
    grid = _grid(ground, room, len(layers), sheet.line_height("axis_strong"))
    rows = math.ceil(len(layers) / grid)
    gap = 3.0 * s
    wide, high = (room.width - (grid - 1) * gap) / grid, (room.height - (rows - 1) * gap * 0.6) / rows
    head = sheet.line_height("axis_strong") + 0.3 * s
    require_room(sheet, wide, high - head)
    view = fit(ground.extent, Box(room.x, room.y + head, wide, high - head), padding=0.6 * s)
    for i, (layer, title) in enumerate(zip(layers, heads, strict=True)):
        box = Box(room.x + i % grid * (wide + gap), room.y + i // grid * (high + gap * 0.6), wide, high)
        fact = _fact(layer, chart.language)
        room_for = wide - sheet.width_of(fact, "axis") - 2.0 * s
        sheet.line(box.x, box.y, sheet.wrap(title, "axis_strong", max(room_for, 8.0))[0], "axis_strong")
        sheet.line(box.right, box.y, fact, "axis", align="right")
        inner = Box(box.x, box.y + head, wide, high - head)
        view = fit(ground.extent, inner, padding=0.6 * s)
        draw_layer(sheet, open_axes(sheet, view), view, ground, layer, marks=sheet.greyscale, thin=_THIN)
    return view


def _grid(ground: Ground, room: Box, n: int, head: float) -> int:
    """How many maps in a row make them largest."""
    west, south, east, north = ground.extent

    def scale(across: int) -> float:
        wide = room.width / across - 3
        high = room.height / math.ceil(n / across) - head - 2
        return max((east - west) / max(wide, 0.1), (north - south) / max(high, 0.1))

    return min(
        range(max(1, math.ceil(n / ACROSS)), min(ACROSS, n) + 1), key=lambda a: (round(scale(a), 3), -a)
    )


def _fact(layer: Layer, language: str) -> str:
    """``n = 7,784 · 4.2``: cases, and the overall rate."""
    parts = []
    if layer.total is not None:
        parts.append(f"n = {format_number(layer.total, language=language)}")
    if layer.mean is not None and layer.ref == "average":
        share = layer.share and np.isfinite(layer.mean)
        parts.append(
            format_percent(layer.mean / 100, layer.decimals, language=language)
            if share
            else format_number(layer.mean, layer.decimals, language=language)
        )
    return " · ".join(parts)
