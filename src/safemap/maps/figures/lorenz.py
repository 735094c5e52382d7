"""Lorenz curve of cases over residents, with the Gini coefficient."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap._typing import Audience, Language
from safemap.errors import InputError
from safemap.i18n import Message, number, percent, text
from safemap.maps.figures.chart import begin, finish
from safemap.maps.figures.layout import counted
from safemap.maps.figures.plot import number_scale, plot_area, scatter
from safemap.maps.figures.sheet import Size, add_halo
from safemap.maps.findings import period_text
from safemap.maps.interactive import in_language
from safemap.maps.palettes import RAMPS

if TYPE_CHECKING:
    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.figure import StaticFigure
    from safemap.results import Result

Floats = NDArray[np.float64]


def lorenz_points(events: Any, population: Any) -> tuple[Floats, Floats, float]:
    """Cumulative shares of residents and events, areas from highest to lowest rate, and the Gini coefficient.

    Parameters
    ----------
    events, population : array_like
        Per area; areas without population play no part.

    Returns
    -------
    residents, cases : ndarray
        Shares from 0 to 1, both beginning with 0.
    gini : float
        Twice the area between curve and diagonal: 0 where all rates are equal.

    Notes
    -----
    With areas in order of rate, ``gini = 2 * sum((x[i] - x[i-1]) * (y[i] + y[i-1]) / 2) - 1``.

    Examples
    --------
    >>> x, y, gini = lorenz_points([5, 5], [100, 100])
    >>> x.tolist(), y.tolist(), round(gini, 6) + 0.0
    ([0.0, 0.5, 1.0], [0.0, 0.5, 1.0], 0.0)
    >>> round(lorenz_points([10, 0], [100, 100])[2], 3)
    0.5
    """
    e, n = np.asarray(events, dtype=float), np.asarray(population, dtype=float)
    known = np.isfinite(e) & np.isfinite(n) & (n > 0)
    e, n = e[known], n[known]
    order = np.argsort(-(e / n), kind="stable")
    x = np.concatenate([[0.0], np.cumsum(n[order]) / n.sum()])
    y = np.concatenate([[0.0], np.cumsum(e[order]) / e.sum()])
    gini = float(np.sum(np.diff(x) * (y[1:] + y[:-1])) - 1)
    return x, y, gini


def lorenz_curve(
    rates: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    size: Size = "square",
    language: Language = "en",
    audience: Audience = "internal",
    title: str | Mapping[str, str] | None = None,
    name: str | Mapping[str, str] | None = None,
    source: str | None = None,
    greyscale: bool = False,
    k: int | None = None,
    registry: Registry | None = None,
    font: str | None = None,
) -> StaticFigure:
    """How unevenly cases are spread over residents, with one reading marked and the Gini coefficient.

    Parameters
    ----------
    rates : RatesResult
        With ``events`` and ``population``.
    path : path-like, optional
        File to write at once.
    size, language, audience, title, name, source, greyscale, k, registry, font
        As in :func:`safemap.static_map`.

    Returns
    -------
    StaticFigure
        ``data``: ``residents`` and ``cases``, cumulative shares; ``settings["gini"]``,
        ``settings["half_at"]`` (share of residents in the areas with half of the cases).

    Raises
    ------
    InputError
        There are no events, or no population.

    Notes
    -----
    Areas that are withheld are drawn as one group: each stretch of the curve has the slope of a rate, so that
    it would give the count back. The Gini coefficient is that of all areas.

    References
    ----------
    Gini, C. (1912). Variabilità e mutabilità. Bologna: Cuppini.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates, lorenz_curve
    >>> areas = gpd.GeoDataFrame({"events": [60, 30, 10], "population": [1000, 1000, 2000]}, crs=32614,
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(3)])
    >>> lorenz_curve(area_rates(areas)).settings["gini"]
    0.475
    """
    chart = begin(size, language, audience, registry, k, font, greyscale)
    frame = rates.frame
    missing = [c for c in ("events", "population") if c not in frame.columns]
    if missing:
        raise InputError(f"lorenz_curve needs events and population; {', '.join(missing)} is missing.")
    events, people = (frame[c].to_numpy(dtype=float, na_value=np.nan) for c in ("events", "population"))
    known = np.isfinite(events) & np.isfinite(people) & (people > 0)
    if not events[known].sum() > 0:
        raise InputError("lorenz_curve needs areas with residents and at least one event.")
    gini = lorenz_points(events, people)[2]
    pooled = _pool(events, people, known, chart.rules.hidden(frame).to_numpy(dtype=bool))
    x, y, _ = lorenz_points(*_grouped(events, people, known, pooled))
    half = float(np.interp(0.5, y, x))
    heading = in_language(language, title) or text(Message("t_lorenz", {"p": percent(half)}), language)
    subtitle = chart.joined(
        in_language(language, name),
        text("layer_lorenz", language),
        period_text(rates.settings.get("period")),
        counted("cases", int(events[known].sum()), language),
        counted("areas", int(known.sum()), language),
    )
    reading = [text(Message("n_gini", {"g": number(gini, 2)}), language)]
    if pooled.any():
        reading.append(text(Message("n_pooled", {"n": number(int(pooled.sum()))}), language))
    notes = {"source": chart.source(rates, source), "reading": " ".join(reading)}
    with chart.drawing():
        _draw(chart, chart.frame(heading, [subtitle], notes), x, y, half)
    import pandas as pd

    data = pd.DataFrame({"residents": x, "cases": y})
    return finish(chart, data, heading, subtitle, notes, path, gini=round(gini, 12), half_at=half)


def _pool(
    events: Floats, people: Floats, known: NDArray[np.bool_], hidden: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Areas that are drawn as one group: the withheld ones, and with a single one the next larger count."""
    pooled = hidden & known
    if pooled.sum() == 1:
        others = np.where(known & ~pooled, events, np.inf)
        if np.isfinite(others).any():
            pooled[int(np.argmin(others))] = True
    return pooled


def _grouped(
    events: Floats, people: Floats, known: NDArray[np.bool_], pooled: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    alone = known & ~pooled
    if not pooled.any():
        return events[alone], people[alone]
    return np.append(events[alone], events[pooled].sum()), np.append(people[alone], people[pooled].sum())


def _draw(chart: Any, room: Any, x: Floats, y: Floats, half: float) -> None:
    sheet, language = chart.sheet, chart.language
    s = sheet.scale
    across = number_scale(0, 100, text("ax_people", language), language=language, count=5)
    up = number_scale(0, 100, text("ax_cases", language), language=language, count=5)
    axes, box = plot_area(sheet, room, across, up)
    axes.plot(
        [0, 100], [0, 100], color=sheet.colour("#77736B"), linewidth=0.7 * s, linestyle=(0, (4, 3)), zorder=2
    )
    colour = sheet.colour(RAMPS["rate"][-1])
    axes.plot(x * 100, y * 100, color=colour, linewidth=1.5 * s, zorder=3, solid_joinstyle="round")
    mark = [(0, 50), (half * 100, 50), (half * 100, 0)]
    axes.plot(*zip(*mark, strict=True), color=sheet.colour("#1F2328"), linewidth=0.6 * s, zorder=3)
    scatter(sheet, axes, [half * 100], [50], marker="o", colour="#1F2328", size=4, zorder=4)
    angle = float(np.degrees(np.arctan2(box.height, box.width)))
    label = sheet.line(
        box.x + 0.70 * box.width,
        box.y + 0.345 * box.height,
        text("equal_share", language),
        "axis",
        align="center",
        rotation=angle,
        rotation_mode="anchor",
    )
    add_halo(label, "#FFFFFF", s)
