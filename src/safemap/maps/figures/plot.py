"""Axes of the charts: ticks and titles are measured like all text, and the plot box takes what is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap.i18n import format_number
from safemap.maps.figures.layout import require_room
from safemap.maps.figures.sheet import Box, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXIS, GRID = "#5C6167", "#E4E0D8"
#: Colours of what lies above and below, and of what cannot be told apart; shapes say the same.
ABOVE, BELOW, SAME = "#8C1615", "#0072A2", "#77736B"


class Scale(NamedTuple):
    """One axis: its range, where it is labelled, and what it says."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    title: str = ""


def number_scale(
    low: float,
    high: float,
    title: str,
    *,
    language: str,
    count: int = 6,
    write: Callable[[float], str] | None = None,
) -> Scale:
    """An axis of numbers with round ticks.

    Examples
    --------
    >>> number_scale(0, 9.3, "rate", language="en").ticks
    (0.0, 2.0, 4.0, 6.0, 8.0)
    """
    if not high > low:
        high = low + 1
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(round(i * step, 12) + 0.0 for i in range(first, last + 1))
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    say = write or (lambda v: format_number(v, places, language=language))
    return Scale(low, high, ticks, tuple(say(t) for t in ticks), title)


def plot_area(
    sheet: Sheet, room: Box, x: Scale, y: Scale, *, square: bool = False, grid: bool = True
) -> tuple[Axes, Box]:
    """Axes in `room`, with tick labels and titles written round them; returns them and their box.

    The title of the upright axis stands above it, level, where it is easier to read.
    """
    s = sheet.scale
    line = sheet.line_height("axis")
    left = max((sheet.width_of(label, "axis") for label in y.labels), default=0.0) + 2.0 * s
    right = sheet.width_of(x.labels[-1], "axis") / 2 if x.labels else 0.0
    head = line / 2 + (sheet.block_height(y.title, "axis", room.width) + 0.2 * s if y.title else 0)
    foot = (
        line + 1.2 * s + (sheet.block_height(x.title, "axis", room.width - left) + 0.4 * s if x.title else 0)
    )
    box = Box(room.x + left, room.y + head, room.width - left - right, room.height - head - foot)
    require_room(sheet, box.width, box.height)
    if square:
        side = min(box.width, box.height)
        box = Box(box.x, box.y, side, side)
    axes = sheet.axes(box)
    axes.set_xlim(x.low, x.high)
    axes.set_ylim(y.low, y.high)
    axes.set_axis_off()
    if y.title:
        sheet.write(room.x, room.y, y.title, "axis", width=room.width)
    _write_ticks(sheet, box, x, y, left=left, grid=grid)
    if x.title:
        top = box.bottom + line + 1.6 * s
        for text_line in sheet.wrap(x.title, "axis", room.width - left):
            sheet.line(box.x + box.width / 2, top, text_line, "axis", align="center")
            top += line
    return axes, box


def _write_ticks(sheet: Sheet, box: Box, x: Scale, y: Scale, *, left: float, grid: bool) -> None:
    s, line = sheet.scale, sheet.line_height("axis")
    for value, label in zip(y.ticks, y.labels, strict=True):
        at = box.bottom - (value - y.low) / (y.high - y.low) * box.height
        if grid:
            sheet.path([(box.x, at), (box.right, at)], colour=GRID, line=0.5, zorder=-2)
        sheet.line(box.x - 1.3 * s, at - line / 2, label, "axis", align="right")
    end = -math.inf
    for value, label in zip(x.ticks, x.labels, strict=True):
        at = box.x + (value - x.low) / (x.high - x.low) * box.width
        sheet.path([(at, box.bottom), (at, box.bottom + 0.9 * s)], colour=AXIS, line=0.5)
        half = sheet.width_of(label, "axis") / 2
        if at - half > end + 0.8 * s:  # a label that would touch the one before is left to its tick
            sheet.line(at, box.bottom + 1.2 * s, label, "axis", align="center")
            end = at + half
    sheet.path([(box.x, box.bottom), (box.right, box.bottom)], colour=AXIS, line=0.6)


def scatter(
    sheet: Sheet,
    axes: Axes,
    x: Any,
    y: Any,
    *,
    marker: str,
    colour: str,
    filled: bool = True,
    size: float = 2.4,
    zorder: float = 3,
) -> None:
    """Points of one shape and colour."""
    if not len(x):
        return
    fill = sheet.colour(colour)
    axes.plot(
        np.asarray(x, dtype=float),
        np.asarray(y, dtype=float),
        linestyle="none",
        marker=marker,
        markersize=size * sheet.scale,
        markerfacecolor=fill if filled else "#FFFFFF",
        markeredgecolor="#FFFFFF" if filled else fill,
        markeredgewidth=(0.25 if filled else 0.6) * sheet.scale,
        zorder=zorder,
        clip_on=False,
    )


class Key(NamedTuple):
    """An entry of the key of a chart."""

    label: str
    marker: str = ""
    colour: str = ""
    filled: bool = True
    fill: str = ""  #: a swatch instead of a marker
    hatch: str = ""
    line: str = ""  #: style of a line instead of a marker


def key_height(sheet: Sheet, keys: Sequence[Key], width: float) -> float:
    """Height of a key set in rows, in mm."""
    return len(_key_rows(sheet, keys, width)) * (sheet.line_height("legend") + 0.3 * sheet.scale)


def draw_key(sheet: Sheet, keys: Sequence[Key], box: Box) -> float:
    """Set the entries one after the other, in as many rows as they need; returns the y below them."""
    s, y = sheet.scale, box.y
    line = sheet.line_height("legend")
    for row in _key_rows(sheet, keys, box.width):
        x = box.x
        for key in row:
            _draw_symbol(sheet, key, Box(x, y + (line - 3.1 * s) / 2, 5 * s, 3.1 * s))
            sheet.line(x + 6.2 * s, y, key.label, "legend")
            x += _key_width(sheet, key)
        y += line + 0.3 * s
    return y


def _key_rows(sheet: Sheet, keys: Sequence[Key], width: float) -> list[list[Key]]:
    rows: list[list[Key]] = []
    used = math.inf
    for key in keys:
        own = _key_width(sheet, key)
        if used + own - 4 * sheet.scale > width:
            rows.append([])
            used = 0.0
        rows[-1].append(key)
        used += own
    return rows


def _key_width(sheet: Sheet, key: Key) -> float:
    return sheet.width_of(key.label, "legend") / 0.97 + (6.2 + 4.0) * sheet.scale


def _draw_symbol(sheet: Sheet, key: Key, box: Box) -> None:
    middle = box.y + box.height / 2
    if key.fill:
        sheet.rectangle(
            box,
            fill=key.fill,
            edge="#77736B" if not key.line else None,
            hatch=key.hatch,
            hatch_colour="#5F5B53",
        )
    if key.line:
        sheet.path([(box.x, middle), (box.right, middle)], colour=key.colour, line=0.9, linestyle=key.line)
    if key.marker:
        fill = sheet.colour(key.colour)
        sheet.path(
            [(box.x + box.width / 2, middle)],
            colour=key.colour,
            line=0,
            marker=key.marker,
            markersize=3.4 * sheet.scale,
            markerfacecolor=fill if key.filled else "#FFFFFF",
            markeredgecolor=fill,
            markeredgewidth=0.6,
        )
