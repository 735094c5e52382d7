"""One layer of areas on one view of the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.maps.figures.ground import decode, path_of, simplified
from safemap.maps.figures.sheet import Box, Sheet, ink_on
from safemap.maps.figures.textures import (
    HATCHES,
    ground_of_state,
    hatched,
    ink_of_state,
    mark_of,
    overlaid,
    triangle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from safemap.maps.figures.ground import Ground, View
    from safemap.maps.layer import Layer

LAND, LAND_LINE, OUTLINE = "#ECE8E1", "#FFFFFF", "#3A3D42"
#: Hatches of small maps, where the usual ink would drown the classes.
_FAINT = "#A8A297"
#: Widths in points.
_AREA_LINE, _STUDY_LINE, _LAND_LINE = 0.35, 0.8, 0.9
#: Room a name or letters may take, in radii of the largest circle inside the area.
_FITS, _LETTERS_FIT = 2.7, 2.1
#: Sides of the triangles of a greyscale print, in mm.
_MARK = (1.1, 2.2)


def open_axes(sheet: Sheet, view: View) -> Axes:
    """Axes whose units are metres, without any decoration."""
    axes = sheet.axes(view.box)
    west, south, east, north = view.limits
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_axis_off()
    return axes


def draw_layer(
    sheet: Sheet,
    axes: Axes,
    view: View,
    ground: Ground,
    layer: Layer,
    *,
    marks: bool = False,
    taken: list[Box] | None = None,
    thin: float = 1.0,
) -> tuple[int, int]:
    """Draw land, classes, states, overlays and outlines; returns how many areas of those that need letters
    have them."""
    _draw_land(sheet, axes, ground)
    shapes = simplified(ground.shapes, view.metres_per_mm)
    if layer.bands is None:
        _draw_classes(sheet, axes, layer, shapes, faint=thin < 1)
    else:
        _draw_bands(sheet, axes, ground, layer)
    for overlay in layer.overlays:
        chosen = (
            _projected(ground, overlay.shape) if overlay.shape is not None else shapes[list(overlay.areas)]
        )
        path = path_of(chosen) if overlay.amount else None
        if path is not None:
            overlaid(axes, path, sheet, overlay.key, zorder=3.6)
    lines = {"colour": layer.line, "width": _AREA_LINE * thin * _crowded(ground, view, sheet.scale)}
    _outline(sheet, axes, shapes, **lines, alpha=0.55 if layer.bands is not None else 1.0)
    _draw_lines(sheet, axes, ground)
    _outline(sheet, axes, [ground.study], colour=OUTLINE, width=_STUDY_LINE * thin, zorder=5)
    _draw_points(sheet, axes, ground)
    if not marks or layer.bands is not None:
        return 0, 0
    return _draw_marks(sheet, view, ground, layer, [] if taken is None else taken)


def _crowded(ground: Ground, view: View, scale: float) -> float:
    """By how much the lines between areas are thinned where the areas are small on paper."""
    middle = float(np.median(ground.labels[:, 2])) / view.metres_per_mm
    return float(np.clip(middle / (1.2 * scale), 0.4, 1.0))


def _draw_land(sheet: Sheet, axes: Axes, ground: Ground) -> None:
    from matplotlib.patches import PathPatch

    path = path_of([g for g, _ in ground.land])
    if path is not None:
        axes.add_artist(
            PathPatch(
                path,
                facecolor=sheet.colour(LAND),
                edgecolor=LAND_LINE,
                linewidth=_LAND_LINE * sheet.scale,
                zorder=1,
            )
        )


def _draw_classes(sheet: Sheet, axes: Axes, layer: Layer, shapes: Any, *, faint: bool) -> None:
    from matplotlib.patches import PathPatch

    for i, entry in enumerate(layer.classes):
        path = path_of(shapes[layer.codes == i])
        if path is None:
            continue
        fill = sheet.colour(ground_of_state(entry.state) if entry.state else entry.colour)
        axes.add_artist(PathPatch(path, facecolor=fill, edgecolor="none", linewidth=0, zorder=3))
        if entry.state:
            ink = _FAINT if faint else ink_of_state(entry.state)
            hatched(axes, path, sheet, HATCHES[entry.state], ink, zorder=3.4)


def _draw_bands(sheet: Sheet, axes: Axes, ground: Ground, layer: Layer) -> None:
    from matplotlib.patches import PathPatch

    for coded, entry in zip(layer.bands or (), layer.classes, strict=True):
        path = path_of(_projected(ground, coded))
        if path is not None:
            colour = sheet.colour(entry.colour)
            axes.add_artist(PathPatch(path, facecolor=colour, edgecolor=colour, linewidth=0.25, zorder=3))


def _projected(ground: Ground, coded: Any) -> Any:
    import geopandas as gpd

    return np.asarray(gpd.GeoSeries([decode(coded)], crs=4326).to_crs(ground.crs).array)


def _outline(
    sheet: Sheet, axes: Axes, shapes: Any, *, colour: str, width: float, zorder: float = 4, alpha: float = 1.0
) -> None:
    from matplotlib.patches import PathPatch

    path = path_of(shapes)
    if path is not None:
        look = {"edgecolor": sheet.colour(colour), "linewidth": width * sheet.scale, "alpha": alpha}
        axes.add_artist(PathPatch(path, facecolor="none", joinstyle="round", zorder=zorder, **look))


def _draw_lines(sheet: Sheet, axes: Axes, ground: Ground) -> None:
    from matplotlib.collections import LineCollection

    lines = [np.asarray(line.coords)[:, :2] for line, _ in ground.lines]
    if not lines:
        return
    for colour, width in (("#FFFFFF", 1.3), ("#1F2328", 0.5)):
        axes.add_collection(
            LineCollection(
                lines,
                colors=sheet.colour(colour),
                linewidths=width * sheet.scale,
                alpha=0.75,
                zorder=4.5,
                capstyle="round",
            ),
            autolim=False,
        )


def _draw_points(sheet: Sheet, axes: Axes, ground: Ground) -> None:
    if ground.points:
        axes.plot(
            [p.x for p, _ in ground.points],
            [p.y for p, _ in ground.points],
            linestyle="none",
            marker="o",
            markersize=2.6 * sheet.scale,
            markerfacecolor="#FFFFFF",
            markeredgecolor="#1F2328",
            markeredgewidth=0.6,
            zorder=5.5,
        )


def _draw_marks(sheet: Sheet, view: View, ground: Ground, layer: Layer, taken: list[Box]) -> tuple[int, int]:
    """Triangles for more and less, letters for classes of local Moran."""
    wanted = placed = 0
    for (x, y, radius), code in zip(ground.labels, layer.codes, strict=True):
        entry = layer.classes[code]
        mark = "" if entry.state else mark_of(entry.key)
        if not mark:
            continue
        at, room = view.on_paper(x, y), radius / view.metres_per_mm
        if mark in ("up", "down"):
            side = float(np.clip(1.5 * room, _MARK[0] * sheet.scale, _MARK[1] * sheet.scale))
            sheet.polygon(
                triangle(*at, side, up=mark == "up"), fill="#14171A", edge="#FFFFFF", line=0.4, zorder=7
            )
            taken.append(Box(at[0] - side / 2, at[1] - side / 2, side, side))
            continue
        wanted += 1
        box = _label_box(sheet, [mark], at, "cell")
        if box.width <= _LETTERS_FIT * room and not any(box.meets(other) for other in taken):
            taken.append(box)
            placed += 1
            ink = ink_on(sheet.colour(entry.colour))
            sheet.line(at[0], box.y, mark, "cell", align="center", colour=ink, zorder=7)
    return placed, wanted


def draw_area_names(
    sheet: Sheet, view: View, ground: Ground, layer: Layer, names: Sequence[str], taken: list[Box]
) -> int:
    """Names where they fit inside their area, the roomiest areas first; returns how many were written."""
    done = 0
    for i in np.argsort(-ground.labels[:, 2], kind="stable"):
        x, y, radius = ground.labels[i]
        at, room = view.on_paper(x, y), radius / view.metres_per_mm
        lines = _broken_name(sheet, names[i], _FITS * room)
        if lines is None:
            continue
        box = _label_box(sheet, lines, at, "cell")
        if _inside(box, view.box) and not any(box.meets(other) for other in taken):
            taken.append(box)
            fill = sheet.colour(_fill_of(layer, int(i)))
            ink = ink_on(fill)
            halo = "#FFFFFF" if ink != "#FFFFFF" else "#14171A"
            for n, line in enumerate(lines):
                top = box.y + n * sheet.line_height("cell")
                sheet.line(at[0], top, line, "cell", align="center", colour=ink, halo=halo, zorder=8)
            done += 1
    return done


def draw_point_names(sheet: Sheet, view: View, ground: Ground, taken: list[Box]) -> None:
    """Names of stations and the like, beside their point where there is room."""
    for point, name in ground.points:
        x, y = view.on_paper(point.x, point.y)
        if not name or not _inside(Box(x, y, 0, 0), view.box):
            continue
        width, height = sheet.width_of(name, "cell"), sheet.line_height("cell")
        for left in (x + 1.2 * sheet.scale, x - 1.2 * sheet.scale - width):
            box = Box(left, y - height / 2, width, height)
            if _inside(box, view.box) and not any(box.meets(other) for other in taken):
                taken.append(box)
                sheet.line(left, box.y, name, "cell", halo="#FFFFFF", zorder=8)
                break


def draw_land_names(sheet: Sheet, view: View, ground: Ground, taken: list[Box]) -> None:
    """Names of neighbouring units in their visible part; hidden where they would be cut."""
    import shapely

    window = view.in_metres(view.box)
    for land, name in ground.land:
        visible = shapely.difference(shapely.intersection(land, window), ground.study)
        parts = [p for p in shapely.get_parts(visible) if p.geom_type == "Polygon" and p.area > 0]
        if not name or not parts:
            continue
        part = max(parts, key=lambda p: p.area)
        circle = shapely.maximum_inscribed_circle(part, tolerance=part.area**0.5 / 50)
        at = view.on_paper(*shapely.get_coordinates(circle)[0])
        box = _label_box(sheet, [name], at, "place")
        padded = Box(box.x - 0.6, box.y, box.width + 1.2, box.height)
        covered = view.in_metres(padded).intersection(part).area / view.in_metres(padded).area
        if covered > 0.93 and _inside(padded, view.box) and not any(padded.meets(o) for o in taken):
            taken.append(padded)
            sheet.line(at[0], box.y, name, "place", align="center", zorder=6)


def _fill_of(layer: Layer, position: int) -> str:
    if layer.bands is not None:
        return "#FFFFFF"
    entry = layer.classes[layer.codes[position]]
    return ground_of_state(entry.state) if entry.state else entry.colour


def _broken_name(sheet: Sheet, name: str, room: float) -> list[str] | None:
    """The name in one line or two, never broken before three letters or fewer; None where it does not fit."""
    if sheet.width_of(name, "cell") <= room:
        return [name]
    words = name.split(" ")
    best: list[str] | None = None
    for cut in range(1, len(words)):
        two = [" ".join(words[:cut]), " ".join(words[cut:])]
        if len(two[1]) <= 3 or max(sheet.width_of(line, "cell") for line in two) > room:
            continue
        if best is None or max(map(len, two)) < max(map(len, best)):
            best = two
    return best


def _label_box(sheet: Sheet, lines: Sequence[str], at: tuple[float, float], role: Any) -> Box:
    width = max(sheet.width_of(line, role) for line in lines)
    height = len(lines) * sheet.line_height(role)
    return Box(at[0] - width / 2, at[1] - height / 2, width, height)


def _inside(box: Box, outer: Box) -> bool:
    return box.x >= outer.x and box.y >= outer.y and box.right <= outer.right and box.bottom <= outer.bottom
