"""Moran scatter plot: each area against the mean of its neighbours; the slope is Moran's I."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap._typing import Audience, Language
from safemap.errors import InputError
from safemap.i18n import Message, number, text
from safemap.maps.figures.chart import Chart, begin, finish
from safemap.maps.figures.layout import test_note
from safemap.maps.figures.plot import AXIS, Key, draw_key, key_height, number_scale, plot_area, scatter
from safemap.maps.figures.sheet import Size
from safemap.maps.interactive import in_language
from safemap.maps.palettes import LISA

if TYPE_CHECKING:
    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.figure import StaticFigure
    from safemap.results import Result

Floats = NDArray[np.float64]
#: Class -> shape: squares and circles for groups, triangles for outliers, hollow where nothing was found.
_SHAPES = {"high-high": "s", "low-low": "o", "high-low": "^", "low-high": "v", "not significant": "o"}


def moran_scatter(
    result: Result,
    graph: Any,
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
    """The scatter plot behind local Moran: value of each area against the mean of its neighbours.

    Parameters
    ----------
    result : LocalMoranResult
        What :func:`safemap.local_moran` returns.
    graph : AreaGraph, libpysal Graph or W
        The graph it was computed with.
    path : path-like, optional
        File to write at once.
    size, language, audience, title, name, source, greyscale, k, registry, font
        As in :func:`safemap.static_map`.

    Returns
    -------
    StaticFigure
        ``data``: ``own``, ``around`` (both standardised) and ``class`` of every area that is drawn.

    Raises
    ------
    InputError
        `result` is not one of local Moran, or nothing was tested.

    Notes
    -----
    ``z = (x - mean) / sd`` with divisor n; ``around`` is the mean of z over the neighbours that were tested.
    The slope of ``around`` on ``own`` is Moran's I. A withheld area is not drawn, and as a neighbour it
    counts with the common average of all withheld areas (0 where they are fewer than k), so that its value
    cannot be worked out from the picture.

    References
    ----------
    Anselin, L. (1996). The Moran scatterplot as an ESDA tool to assess local instability in spatial
    association. In: Spatial Analytical Perspectives on GIS, 111-125.

    Examples
    --------
    >>> from safemap import build_graph, local_moran, moran_scatter
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> graph = build_graph(areas, tolerance=0)
    >>> figure = moran_scatter(local_moran(areas, "CRIME", graph=graph, permutations=999), graph)
    >>> round(figure.settings["slope"], 4), len(figure.data)
    (0.5002, 49)
    """
    chart = begin(size, language, audience, registry, k, font, greyscale)
    points = _points(result, graph, chart)
    labels = _labels(points.classes[points.shown], language)
    flagged = int((points.classes[points.shown] != "not significant").sum())
    slots = {"i": number(points.slope, 2), "n": number(len(points.own)), "f": number(flagged)}
    heading = in_language(language, title) or text(_heading(points.slope), language)
    notes = {"source": chart.source(result, source), "method": test_note(result, language)}
    if points.hidden:
        notes["reading"] = text(Message("n_withheld_neighbours", {"n": number(points.hidden)}), language)
    subtitle = chart.joined(in_language(language, name), text(Message("s_moran_scatter", slots), language))
    with chart.drawing():
        room = chart.frame(heading, [subtitle], notes)
        own, around = points.own[points.shown], points.around[points.shown]
        keys = [Key(labels[c], _SHAPES[c], _colour(c), c != "not significant") for c in LISA]
        below = key_height(chart.sheet, keys, room.width)
        plot = room._replace(height=room.height - below - 1.5 * chart.sheet.scale)
        _draw(chart, plot, points, own, around, language)
        draw_key(chart.sheet, keys, plot._replace(y=plot.bottom + 1.5 * chart.sheet.scale))
    data = points.table(result)
    words = ", ".join(f"{labels[c]}" for c in LISA)
    return finish(chart, data, heading, f"{subtitle}. {words}.", notes, path, slope=points.slope)


class _Points(NamedTuple):
    """Standardised values and lags of the areas that were tested, in their order."""

    ids: Any
    own: Floats
    around: Floats  #: as drawn, without what would give withheld areas away
    classes: NDArray[Any]
    shown: NDArray[np.bool_]
    slope: float

    @property
    def hidden(self) -> int:
        return int((~self.shown).sum())

    def table(self, result: Result) -> Any:
        import pandas as pd

        ids = self.ids[self.shown]
        columns: dict[str, Any] = {"own": self.own[self.shown], "around": self.around[self.shown]}
        if "name" in result.frame.columns:
            columns = {"name": result.frame.loc[ids, "name"].tolist(), **columns}
        return pd.DataFrame({**columns, "class": self.classes[self.shown]}, index=ids)


def _points(result: Result, graph: Any, chart: Chart) -> _Points:
    from safemap.geo.graph import as_area_graph

    if result.kind != "local_moran":
        raise InputError(f"moran_scatter draws a result of local_moran; got {result.kind}.")
    frame = result.frame
    tested = frame["cluster"].isin(list(LISA)).to_numpy(dtype=bool)
    if tested.sum() < 3:
        raise InputError(f"Only {int(tested.sum())} areas were tested: there is no scatter to draw.")
    ids = frame.index[tested]
    values = frame.loc[ids, "value"].to_numpy(dtype=float)
    links = as_area_graph(graph, frame.index).subset(ids).matrix.toarray().astype(float)
    weights = links / np.maximum(links.sum(axis=1, keepdims=True), 1e-300)
    z = (values - values.mean()) / (values.std() or 1.0)
    hidden = chart.rules.hidden(frame).loc[ids].to_numpy(dtype=bool)
    slope = float((z * (weights @ z)).sum() / (z * z).sum()) if values.std() else 0.0
    open_z = z.copy()
    if hidden.any():
        open_z[hidden] = z[hidden].mean() if hidden.sum() >= chart.rules.k else 0.0
    return _Points(ids, z, weights @ open_z, frame.loc[ids, "cluster"].to_numpy(), ~hidden, slope)


def _draw(chart: Chart, room: Any, points: _Points, own: Floats, around: Floats, language: str) -> None:
    pad = 0.15
    left, right = float(own.min()) - pad, float(own.max()) + pad
    low, high = float(around.min()) - pad, float(around.max()) + pad
    x = number_scale(min(left, -1), max(right, 1), text("ax_own", language), language=language)
    y = number_scale(min(low, -1), max(high, 1), text("ax_around", language), language=language)
    axes, _ = plot_area(chart.sheet, room, x, y)
    s = chart.sheet.scale
    for line in (axes.axhline, axes.axvline):
        line(0, color=chart.sheet.colour("#A39C8F"), linewidth=0.6 * s, zorder=1)
    ends = np.array([x.low, x.high])
    inside = (
        np.clip(ends, y.low / (points.slope or 1e9), y.high / (points.slope or 1e9))
        if points.slope > 0
        else ends
    )
    axes.plot(inside, points.slope * inside, color=chart.sheet.colour("#1F2328"), linewidth=1.0 * s, zorder=2)
    drawn = points.classes[points.shown]
    for cluster in reversed(list(LISA)):
        at = drawn == cluster
        quiet = cluster == "not significant"
        scatter(
            chart.sheet,
            axes,
            own[at],
            around[at],
            marker=_SHAPES[cluster],
            colour=_colour(cluster),
            filled=not quiet,
            size=2.4 if quiet else 3.2,
            zorder=3 if quiet else 4,
        )


def _heading(slope: float) -> str:
    return "t_moran_alike" if slope >= 0.1 else "t_moran_unlike" if slope <= -0.1 else "t_moran_none"


def _colour(cluster: str) -> str:
    return AXIS if cluster == "not significant" else LISA[cluster]


def _labels(classes: NDArray[Any], language: str) -> dict[str, str]:
    keys = {c: "c_none" if c == "not significant" else f"c_{c}" for c in LISA}
    return {c: f"{text(key, language)} ({int((classes == c).sum())})" for c, key in keys.items()}
