"""Textures on paper: the hatches of the states, and the marks that stand in for colour in greyscale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safemap.maps.states import STATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from safemap.maps.figures.sheet import Sheet

#: State -> hatch of matplotlib; the ground colour comes from the state.
HATCHES: dict[str, str] = {
    "few": ".....",
    "withheld": "xxxxx",
    "few_answers": "....",
    "no_neighbours": "-----",
    "no_data": "////",
    "no_variation": "|||||",
    "too_few_areas": "++++",
    "too_few_events": "oo",
    "not_of_the_kind": "--",
    "cannot_tell": "\\\\\\\\",
}
#: Overlay -> hatch; white under ink, so that it shows on light and dark classes.
OVERLAY_HATCHES: dict[str, str] = {"uncertain": "||||", "edge": "\\\\\\\\"}
HATCH_INK, HATCH_LINE = "#5F5B53", "#77736B"

#: Class -> letters that name it in greyscale (local Moran).
LETTERS = {"high-high": "HH", "low-low": "LL", "high-low": "HL", "low-high": "LH"}


def mark_of(key: str) -> str:
    """What marks a class besides its grey: ``up``, ``down``, letters, or nothing.

    Classes of ratios are numbered from low to high, the fourth of seven is "as expected".

    Examples
    --------
    >>> mark_of("hot-5"), mark_of("less 2"), mark_of("high-low"), mark_of("ratio 7"), mark_of("class 3")
    ('up', 'down', 'HL', 'up', '')
    """
    if key in LETTERS:
        return LETTERS[key]
    side, _, number = key.replace("-", " ").partition(" ")
    if side == "ratio":
        return "" if number == "4" else "up" if int(number) > 4 else "down"
    return {"hot": "up", "more": "up", "cold": "down", "less": "down"}.get(side, "")


def ground_of_state(state: str) -> str:
    """Colour under the hatch of a state."""
    return STATES[state].ground


def ink_of_state(state: str) -> str:
    """Colour of the hatch of a state."""
    return (
        str(STATES[state].marks[0][-1] if STATES[state].marks[0][0] == "circle" else HATCH_INK) or HATCH_INK
    )


def triangle(x: float, y: float, side: float, *, up: bool) -> list[tuple[float, float]]:
    """Corners, on the sheet (mm, downwards), of a triangle round its centre."""
    half, rise = side / 2, side * 0.866
    tip, base = (y - rise * 0.6, y + rise * 0.4) if up else (y + rise * 0.6, y - rise * 0.4)
    return [(x - half, base), (x + half, base), (x, tip)]


def hatched(axes: Axes, path: Any, sheet: Sheet, hatch: str, colour: str, *, zorder: float) -> None:
    """A hatch without ground over `path`."""
    from matplotlib.patches import PathPatch

    axes.add_artist(
        PathPatch(
            path, facecolor="none", edgecolor=sheet.colour(colour), hatch=hatch, linewidth=0, zorder=zorder
        )
    )


def overlaid(axes: Axes, path: Any, sheet: Sheet, overlay: str, *, zorder: float) -> None:
    """The texture of an overlay: ink on white lines."""
    from matplotlib.patches import PathPatch

    for colour, width in (("#FFFFFF", 1.3), ("#1F2328", 0.4)):
        patch = PathPatch(
            path,
            facecolor="none",
            edgecolor=colour,
            hatch=OVERLAY_HATCHES[overlay],
            linewidth=0,
            zorder=zorder,
        )
        if hasattr(patch, "set_hatch_linewidth"):
            patch.set_hatch_linewidth(width * sheet.scale)
        axes.add_artist(patch)
