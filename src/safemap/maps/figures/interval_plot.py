"""Caterpillar plot: every area with its interval, in order of value, without names: ranks invite blame."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap._typing import Audience, Language
from safemap.errors import InputError
from safemap.i18n import Message, format_number, format_percent, number, percent, text
from safemap.maps.figures.chart import begin, finish, left_out
from safemap.maps.figures.layout import facts_line, layer_figure
from safemap.maps.figures.plot import (
    ABOVE,
    BELOW,
    SAME,
    Key,
    Scale,
    draw_key,
    key_height,
    number_scale,
    plot_area,
    scatter,
)
from safemap.maps.figures.published import make_layers
from safemap.maps.figures.sheet import Size
from safemap.maps.interactive import in_language
from safemap.maps.study import study_of

if TYPE_CHECKING:
    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.figure import StaticFigure
    from safemap.maps.layer import Layer
    from safemap.results import Result

Floats = NDArray[np.float64]


def interval_plot(
    result: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    size: Size = "A4_half",
    language: Language = "en",
    audience: Audience = "internal",
    title: str | Mapping[str, str] | None = None,
    name: str | Mapping[str, str] | None = None,
    place: str | Mapping[str, str] | None = None,
    source: str | None = None,
    breaks: Sequence[float] | None = None,
    greyscale: bool = False,
    k: int | None = None,
    registry: Registry | None = None,
    font: str | None = None,
) -> StaticFigure:
    """Caterpillar plot of rates, ratios or survey estimates: value and interval of every area that is ranked.

    Parameters
    ----------
    result : Result
        With intervals: what :func:`safemap.area_rates`, :func:`safemap.standardised_ratios` and
        :func:`safemap.survey_estimate` return.
    path : path-like, optional
        File to write at once.
    breaks : sequence of float, optional
        Class limits of the map, so that both are rounded alike.
    size, language, audience, title, name, place, source, greyscale, k, registry, font
        As in :func:`safemap.static_map`.

    Returns
    -------
    StaticFigure
        ``data``: ``value``, ``conf_low``, ``conf_high`` as shown, and ``against`` (above, below, same), in
        order of value. Areas that are withheld, too few to rank or without cases are counted in the note.

    Raises
    ------
    InputError
        There is no interval, or no area can be ranked.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates, interval_plot
    >>> areas = gpd.GeoDataFrame({"events": [12, 40, 90], "population": [900, 1000, 1200]}, crs=4326,
    ...                          geometry=[box(i / 100, 0, (i + 1) / 100, 0.01) for i in range(3)])
    >>> interval_plot(area_rates(areas, per=1_000)).data["against"].tolist()
    ['below', 'same', 'above']
    """
    chart = begin(size, language, audience, registry, k, font, greyscale)
    study = study_of([result], None)
    (layer,) = make_layers([result], chart.rules, names=[name], breaks=breaks, place=place)
    data = _ranked(layer, study.frame.index)
    if not len(data):
        raise InputError("No area has an interval that may be shown: there is nothing to plot.")
    counts = data["against"].value_counts()
    slots = {"c": number(int(counts.get("same", 0))), "N": number(len(data))}
    heading = in_language(language, title) or text(Message("t_interval", slots), language)
    facts = facts_line(layer, language, areas=None, place=place)
    said = text(Message("s_interval", {"a": percent(layer.confidence)}), language)
    rest = [
        (text(c.label, language), int(layer.counts[c.key]))
        for c in layer.classes
        if c.state or c.key == "zero"
    ]
    notes = {
        "source": chart.source(result, source),
        "reading": f"{text('n_ranks', language)} {left_out(rest, language)}".strip(),
    }
    if layer.base == "answers":
        notes["disclaimer"] = text("disclaimer_answers", language)
    with chart.drawing():
        room = chart.frame(heading, [facts], notes)
        keys = _keys(counts, language)
        below = key_height(chart.sheet, keys, room.width) + 1.0 * chart.sheet.scale
        axis = text(layer.unit, language)
        _draw(
            chart,
            room._replace(height=room.height - below),
            layer,
            data,
            f"{axis[:1].upper()}{axis[1:]}, {said}",
        )
        draw_key(chart.sheet, keys, room._replace(y=room.bottom - below + 1.0 * chart.sheet.scale))
    return finish(chart, data, heading, facts, notes, path, mean=layer.mean)


def _ranked(layer: Layer, index: Any) -> Any:
    import pandas as pd

    columns = {
        new: layer.figures.get(old)
        for new, old in (("value", "value"), ("conf_low", "low"), ("conf_high", "high"))
    }
    if any(v is None for v in columns.values()):
        raise InputError(f"A result of kind {layer.kind} has no intervals to plot.")
    frame = pd.DataFrame({c: pd.array(v, dtype="Float64") for c, v in columns.items()}, index=index).astype(
        float
    )
    ranked = np.array([not layer.classes[c].state and layer.classes[c].key != "zero" for c in layer.codes])
    frame = frame[ranked & frame.notna().all(axis=1).to_numpy()].sort_values(
        ["value", "conf_high"], kind="stable"
    )
    mean = np.nan if layer.mean is None else layer.mean
    frame["against"] = np.select(
        [frame["conf_low"] > mean, frame["conf_high"] < mean], ["above", "below"], "same"
    )
    return frame


def _keys(counts: Any, language: str) -> list[Key]:
    rows = (("above", "^", ABOVE), ("same", "o", SAME), ("below", "v", BELOW))
    return [Key(f"{text(f'k_{w}', language)} ({int(counts.get(w, 0))})", m, c) for w, m, c in rows]


def _draw(chart: Any, room: Any, layer: Layer, data: Any, title: str) -> None:
    sheet, language, s = chart.sheet, chart.language, chart.sheet.scale

    def write(value: float) -> str:
        if layer.share:
            return format_percent(value / 100, 0, language=language)
        return format_number(
            value, 0 if float(value).is_integer() else layer.decimals or 1, language=language
        )

    y = number_scale(0, float(data["conf_high"].max()) * 1.02, title, language=language, write=write)
    x = Scale(-1.5, len(data) + 0.5, (), ())
    axes, box = plot_area(sheet, room, x, y)
    place = np.arange(len(data))
    thin = float(np.clip(box.width / len(data) * 1.6, 0.5, 1.6)) * s
    for word, marker, colour in (("same", "o", SAME), ("below", "v", BELOW), ("above", "^", ABOVE)):
        at = (data["against"] == word).to_numpy()
        part = data[at]
        axes.vlines(
            place[at],
            part["conf_low"],
            part["conf_high"],
            colors=sheet.colour(colour),
            linewidth=thin * 0.7,
            zorder=2,
        )
        scatter(
            sheet,
            axes,
            place[at],
            part["value"],
            marker=marker,
            colour=colour,
            size=float(np.clip(thin * 2.2, 1.4, 4)),
        )
    if layer.mean is None:
        return
    axes.axhline(layer.mean, color=sheet.colour("#14171A"), linewidth=0.8 * s, zorder=4)
    label = text(Message("average_of", {"m": layer_figure(layer, layer.mean)}), language)
    covered = int(np.ceil((sheet.width_of(label, "axis_strong") + 2.0) / box.width * (x.high - x.low)))
    above = max(layer.mean, float(data["conf_high"].iloc[: max(covered, 1)].max()))
    top = box.bottom - above / y.high * box.height - sheet.line_height("axis") - 0.4 * s
    sheet.line(box.x + 1.0 * s, max(top, box.y), label, "axis_strong", halo="#FFFFFF")
