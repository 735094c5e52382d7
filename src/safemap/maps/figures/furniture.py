"""Scale bar and north arrow: true on the ground, and out of the way of the areas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from safemap.i18n import format_number, text
from safemap.maps.figures.ground import ground_per_mm, nice_length, north_angle
from safemap.maps.figures.sheet import Box

if TYPE_CHECKING:
    from safemap.maps.figures.ground import Ground, View
    from safemap.maps.figures.sheet import Sheet

#: A north arrow stands upright while north is within so many degrees of the top of the paper.
UPRIGHT = 2.0
#: Longest scale bar, as a share of the width of the map and in mm.
_SHARE, _LONGEST = 0.31, 45.0
_INK = "#1F2328"
_PAD = 1.2


class Furniture:
    """Scale bar and north arrow of one view.

    Attributes
    ----------
    metres : float
        Length of the scale bar on the ground.
    length : float
        Its length on paper, in mm.
    angle : float
        Degrees by which the arrow is turned, clockwise.
    width, height : float
        Room it takes, in mm.
    """

    def __init__(
        self, sheet: Sheet, ground: Ground, view: View, language: str, *, bar: bool, arrow: bool
    ) -> None:
        self.sheet, self.language, self.bar, self.arrow = sheet, language, bar, arrow
        per_mm = ground_per_mm(ground.crs, view)
        s = sheet.scale
        west, _, east, _ = ground.extent
        longest = min(_SHARE * view.box.width, _LONGEST * s, 0.6 * (east - west) / view.metres_per_mm)
        self.metres = nice_length(max(longest * per_mm, 1e-6))
        self.length = self.metres / per_mm
        turned = north_angle(ground.crs, view)
        self.angle = turned if abs(turned) > UPRIGHT else 0.0
        self._labels = self._bar_labels()
        self._text = sheet.line_height("cell")
        first = sheet.width_of(self._labels[0], "cell") / 2
        last = sheet.width_of(self._labels[2], "cell") - sheet.width_of(self._figure, "cell") / 2
        self._left, bar_width = first, first + self.length + max(last, 0.5)
        self._arrow_width = (
            max(4.0 * s, sheet.width_of(text("north", language), "axis_strong") + 1.0) + 2.0 * s
        )
        self.width = (bar_width if bar else 0) + (self._arrow_width if arrow else 0) + 2 * _PAD * s
        self.height = (max(self._text + 1.9 * s, 8.4 * s if arrow else 0)) + 2 * _PAD * s

    def _bar_labels(self) -> tuple[str, str, str]:
        far = self.metres >= 1_000
        unit = text("unit_km" if far else "unit_m", self.language)
        size = self.metres / 1_000 if far else self.metres

        def figure(value: float) -> str:
            places = 0 if float(value).is_integer() else 1 if round(value * 10, 6).is_integer() else 2
            return format_number(value, places, language=self.language)

        self._figure = figure(size)
        return figure(0), figure(size / 2), f"{self._figure} {unit}"

    def place(self, ground: Ground, view: View) -> Box | None:
        """The corner of the view in which it hides least of the areas; None when it would hide much."""
        b, gap = view.box, 0.8 * self.sheet.scale
        low, right = b.bottom - self.height - gap, b.right - self.width - gap
        corners = [(b.x + gap, low), (right, low), (right, b.y + gap), (b.x + gap, b.y + gap)]
        boxes = [Box(x, y, self.width, self.height) for x, y in corners]
        hidden = [ground.study.intersection(view.in_metres(box)).area for box in boxes]
        best = min(range(4), key=lambda i: (round(hidden[i] / view.metres_per_mm**2, 3), i))
        whole = self.width * self.height * view.metres_per_mm**2
        return boxes[best] if hidden[best] <= 0.003 * whole else None

    def draw(self, box: Box, *, ground_colour: str | None) -> None:
        """Draw it in `box`, on a patch of `ground_colour`."""
        sheet, s = self.sheet, self.sheet.scale
        if ground_colour is not None:
            sheet.rectangle(box, fill=ground_colour, zorder=5)
        x, bottom = box.x + _PAD * s, box.bottom - _PAD * s
        if self.bar:
            self._draw_bar(x + self._left, bottom)
        if self.arrow:
            self._draw_arrow(box.right - _PAD * s - (self._arrow_width - 2.0 * s) / 2, bottom)

    def _draw_bar(self, x: float, bottom: float) -> None:
        sheet, s = self.sheet, self.sheet.scale
        high = 1.3 * s
        cell = self.length / 4
        for i in range(4):
            box = Box(x + i * cell, bottom - high, cell, high)
            sheet.rectangle(box, fill=_INK if i % 2 == 0 else "#FFFFFF", edge=_INK, line=0.5, zorder=6)
        top = bottom - high - self._text - 0.3 * s
        for i, label in enumerate(self._labels):
            at = x + i * self.length / 2
            shift = 0.0
            if i == 2:  # the figure, not the unit, stands over the end of the bar
                shift = (sheet.width_of(label, "cell") - sheet.width_of(self._figure, "cell")) / 2
            sheet.line(at + shift, top, label, "cell", align="center", colour=_INK, zorder=7)

    def _draw_arrow(self, x: float, bottom: float) -> None:
        sheet, s = self.sheet, self.sheet.scale
        letter = text("north", self.language)
        high = 4.6 * s
        centre = (x, bottom - high / 2)
        turn = math.radians(self.angle)

        def turned(dx: float, dy: float) -> tuple[float, float]:
            return (
                centre[0] + dx * math.cos(turn) - dy * math.sin(turn),
                centre[1] + dx * math.sin(turn) + dy * math.cos(turn),
            )

        shape = [(0, -high / 2), (1.55 * s, high / 2), (0, high / 2 - 1.2 * s), (-1.55 * s, high / 2)]
        sheet.polygon([turned(*point) for point in shape], fill=_INK, zorder=6)
        top = bottom - high - sheet.line_height("axis_strong") + 0.2 * s
        sheet.line(x, top, letter, "axis_strong", align="center", colour=_INK, zorder=7)
