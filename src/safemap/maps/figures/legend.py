"""The legend on paper: classes with their number of areas, then states, then what is laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from safemap.i18n import format_number, text
from safemap.maps.figures.fonts import INK_3, RoleName
from safemap.maps.figures.sheet import FILL, Box, Sheet
from safemap.maps.figures.textures import (
    HATCH_INK,
    HATCHES,
    OVERLAY_HATCHES,
    ground_of_state,
    mark_of,
    triangle,
)

if TYPE_CHECKING:
    from safemap.maps.layer import Layer

_EDGE = "#77736B"
#: States listed one by one even where no area is in them; other empty states share one line.
_OWN_ROW = ("few", "withheld", "no_data", "few_answers")


class Look(NamedTuple):
    """Type and measures of the rows, in mm."""

    role: RoleName
    swatch: tuple[float, float]
    gap: float
    row_gap: float


_USUAL = Look("legend", (5.0, 3.1), 1.6, 0.9)
_SMALL = Look("cell", (4.0, 2.5), 1.2, 0.5)


class Row(NamedTuple):
    """One row of a legend."""

    label: str
    amount: str = ""
    colour: str = ""
    hatch: str = ""
    overlay: str = ""
    mark: str = ""
    symbol: str = ""  #: ``line`` or ``point`` instead of a swatch
    empty: bool = False
    after_rule: bool = False  #: a rule stands before this row
    bare: bool = False  #: text only


@dataclass(frozen=True)
class Legend:
    """Heading, rows and the way they are set.

    Attributes
    ----------
    heading : str
        Unit in words.
    column : str
        What the numbers on the right count.
    rows : tuple of Row
    small : bool
        Smaller type and swatches, for a small sheet.
    """

    heading: str
    column: str
    rows: tuple[Row, ...]
    small: bool = False

    @property
    def look(self) -> Look:
        """Type and swatches."""
        return _SMALL if self.small else _USUAL

    def height(self, sheet: Sheet, width: float, columns: int = 1) -> float:
        """Height in mm when set in so many columns."""
        each = _column_width(width, columns, sheet.scale)
        body = max(
            (
                sum(_row_height(sheet, r, each, self._amount(sheet), self.look) for r in part)
                for part in self._split(sheet, each, columns)
            ),
            default=0.0,
        )
        return self._head_height(sheet, width) + body

    def draw(self, sheet: Sheet, box: Box, columns: int = 1) -> float:
        """Set the legend with its upper left corner in that of `box`; returns the y below it."""
        each = _column_width(box.width, columns, sheet.scale)
        gap = _COLUMN_GAP * sheet.scale
        room = self._heading_width(sheet, box.width)
        lines = sheet.wrap(self.heading, "legend_head", room)
        for i, line in enumerate(lines):
            sheet.line(box.x, box.y + i * sheet.line_height("legend_head"), line, "legend_head")
        top = box.y + self._head_height(sheet, box.width)
        end = top
        if self.column:  # on the last line of the heading, or below it
            lower = "note" if self._heading_width(sheet, box.width) == box.width else "legend_head"
            head = top - 1.0 * sheet.scale - sheet.line_height(lower) + 0.3 * sheet.scale
            sheet.line(box.right, head, self.column, "note", align="right")
        for number, part in enumerate(self._split(sheet, each, columns)):
            x, y = box.x + number * (each + gap), top
            for row in part:
                y = _draw_row(sheet, row, x, y, each, self._amount(sheet), self.look)
            end = max(end, y)
        return end

    def _amount(self, sheet: Sheet) -> float:
        """Width of the column of numbers."""
        widest = max((sheet.width_of(r.amount, self.look.role) for r in self.rows if r.amount), default=0.0)
        return widest + 1.5 * sheet.scale if widest else 0.0

    def _heading_width(self, sheet: Sheet, width: float) -> float:
        """All of the width, less the heading of the numbers where no word of the heading needs the room."""
        beside = width - (sheet.width_of(self.column, "note") + 2 * sheet.scale if self.column else 0)
        longest = max(sheet.width_of(word, "legend_head") for word in self.heading.split(" "))
        return beside if longest <= beside * FILL else width

    def _head_height(self, sheet: Sheet, width: float) -> float:
        room = self._heading_width(sheet, width)
        own_line = sheet.line_height("note") if self.column and room == width else 0.0
        return sheet.block_height(self.heading, "legend_head", room) + own_line + 1.0 * sheet.scale

    def _split(self, sheet: Sheet, each: float, columns: int) -> list[tuple[Row, ...]]:
        """Rows by column, in order, so that the longest column is as short as possible."""
        if columns == 1:
            return [self.rows]
        heights = [_row_height(sheet, r, each, self._amount(sheet), self.look) for r in self.rows]
        room = max(heights, default=0.0)
        while True:
            parts: list[list[Row]] = [[]]
            filled = 0.0
            for row, height in zip(self.rows, heights, strict=True):
                if parts[-1] and filled + height > room:
                    parts.append([])
                    filled = 0.0
                parts[-1].append(row)
                filled += height
            if len(parts) <= columns:
                return [
                    tuple(r._replace(after_rule=False) if i == 0 else r for i, r in enumerate(p))
                    for p in parts
                ]
            room += 0.5 * sheet.scale


_COLUMN_GAP = 5.0


def layer_legend(layer: Layer, language: str, *, marks: bool = False, compact: bool = False) -> Legend:
    """The legend of a layer: its counts add up to the number of areas (for a density, to its km²).

    Parameters
    ----------
    layer : Layer
    language : str
    marks : bool
        Whether classes carry marks besides their colour (greyscale).
    compact : bool
        Everything no area is in shares one line.
    """
    density = layer.bands is not None
    amounts = list(layer.amounts) if density else [float(n) for n in layer.counts.values()]
    rows: list[Row] = []
    without: list[str] = []
    for entry, amount in zip(layer.classes, amounts, strict=True):
        label = text(entry.label, language)
        if not amount and (compact or (entry.state and entry.state not in _OWN_ROW)):
            without.append(label)
            continue
        first_state = bool(entry.state) and not any(r.hatch for r in rows)
        rows.append(
            Row(
                label,
                _figure(amount, density, language),
                colour=ground_of_state(entry.state) if entry.state else entry.colour,
                hatch=HATCHES.get(entry.state, ""),
                mark=mark_of(entry.key) if marks else "",
                empty=not amount,
                after_rule=first_state,
            )
        )
    unit = text("km2", language) if density else text("areas", language, count=5)
    rows.append(
        Row(text("total", language), _figure(sum(amounts), density, language), bare=True, after_rule=True)
    )
    if without:
        rows.append(Row(f"0: {'; '.join(w[:1].lower() + w[1:] for w in without)}", bare=True, empty=True))
    for overlay in layer.overlays:
        amount = _figure(overlay.amount, overlay.shape is not None, language)
        rows.append(
            Row(
                text(overlay.label, language),
                amount,
                colour=overlay.colour,
                overlay=overlay.key,
                empty=not overlay.amount,
                after_rule=overlay is layer.overlays[0],
            )
        )
    unit_text = text(layer.unit, language)
    return Legend(unit_text[:1].upper() + unit_text[1:], unit, tuple(rows), small=compact)


def context_rows(names: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """Rows for named roads, rivers and stations: ``(symbol, name)``."""
    return tuple(Row(name, symbol=symbol) for symbol, name in names)


def _figure(amount: float, density: bool, language: str) -> str:
    return format_number(amount, 1 if density and 0 < amount < 10 else 0, language=language)


def _column_width(width: float, columns: int, scale: float) -> float:
    return (width - (columns - 1) * _COLUMN_GAP * scale) / columns


def _label_width(sheet: Sheet, row: Row, width: float, amount: float, look: Look) -> float:
    own = amount if row.amount else 0.0
    return width - own - (0 if row.bare else (look.swatch[0] + look.gap) * sheet.scale)


def _row_height(sheet: Sheet, row: Row, width: float, amount: float, look: Look) -> float:
    role = "note" if row.bare and not row.amount else look.role
    lines = sheet.block_height(row.label, role, _label_width(sheet, row, width, amount, look))
    gaps = look.row_gap + (1.6 if row.after_rule else 0)
    return max(lines, look.swatch[1] * sheet.scale) + gaps * sheet.scale


def _draw_row(sheet: Sheet, row: Row, x: float, y: float, width: float, amount: float, look: Look) -> float:
    end = y + _row_height(sheet, row, width, amount, look)
    s = sheet.scale
    if row.after_rule:
        sheet.rule(x, y + 0.5 * s, width)
        y += 1.6 * s
    role = "note" if row.bare and not row.amount else look.role
    colour = INK_3 if row.empty or row.bare else None
    left = x
    if not row.bare:
        wide, high = look.swatch[0] * s, look.swatch[1] * s
        draw_swatch(sheet, row, Box(x, y + (sheet.line_height(look.role) - high) / 2, wide, high))
        left += wide + look.gap * s
    room = _label_width(sheet, row, width, amount, look)
    sheet.write(left, y, row.label, role, width=room, colour=colour)
    if row.amount:
        sheet.line(x + width, y, row.amount, look.role, align="right", colour=colour)
    return end


def draw_swatch(sheet: Sheet, row: Row, box: Box) -> None:
    """The picture of a class, a state, an overlay, or a line or point of orientation."""
    if row.symbol == "line":
        middle = box.y + box.height / 2
        sheet.path([(box.x, middle), (box.right, middle)], colour="#1F2328", line=0.8)
        return
    if row.symbol == "point":
        middle = (box.x + box.width / 2, box.y + box.height / 2)
        sheet.path(
            [middle],
            colour="#1F2328",
            line=0,
            marker="o",
            markersize=2.6 * sheet.scale,
            markerfacecolor="#FFFFFF",
            markeredgecolor="#1F2328",
            markeredgewidth=0.6,
        )
        return
    hatch = row.hatch or OVERLAY_HATCHES.get(row.overlay, "")
    sheet.rectangle(
        box,
        fill=row.colour,
        edge="#C9C4BA" if row.empty else _EDGE,
        hatch=hatch,
        hatch_colour="#1F2328" if row.overlay else HATCH_INK,
    )
    if row.mark in ("up", "down"):
        corners = triangle(
            box.x + box.width / 2, box.y + box.height / 2, 1.9 * sheet.scale, up=row.mark == "up"
        )
        sheet.polygon(corners, fill="#14171A", edge="#FFFFFF", line=0.5)
    elif row.mark:
        from safemap.maps.figures.sheet import ink_on

        ink = ink_on(sheet.colour(row.colour))
        top = box.y + (box.height - sheet.line_height("cell")) / 2
        sheet.line(box.x + box.width / 2, top, row.mark, "cell", align="center", colour=ink)
