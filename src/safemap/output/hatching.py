"""Textures of the maps as lines and points, from which GIS programs can draw them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from safemap.maps.states import State

#: A pixel of the screen (1/96 inch) in mm and in points.
MM, POINTS = 25.4 / 96, 72 / 96


class Lines(NamedTuple):
    """Parallel lines; `angle` in degrees from horizontal, against the clock; lengths in pixels."""

    angle: float
    spacing: float
    width: float
    colour: str


class Marks(NamedTuple):
    """A mark that repeats; `angle` in degrees from upright, with the clock; lengths in pixels."""

    shape: str  #: ``circle``, ``line`` or ``cross``
    size: float
    angle: float
    across: float  #: distance of marks in a row
    down: float  #: distance of rows
    shift: float  #: by how much every second row is moved
    colour: str
    hollow: bool
    width: float


def hatching(state: State) -> list[Lines | Marks]:
    """The texture of a state, from the tile that the page draws.

    Examples
    --------
    >>> from safemap.maps.states import STATES
    >>> hatching(STATES["no_data"])
    [Lines(angle=45.0, spacing=7, width=1.6, colour='#77736B')]
    >>> [mark.shape for mark in hatching(STATES["too_few_areas"])]
    ['cross']
    """
    circles = [mark[1:] for mark in state.marks if mark[0] == "circle"]
    lines = [mark[1:] for mark in state.marks if mark[0] == "line"]
    whole = [line for line in lines if _length(line) >= state.size]
    short = [line for line in lines if _length(line) < state.size]
    out: list[Lines | Marks] = [
        Lines((90 - _upright(line) - state.rotate) % 180, state.size, line[5], line[4]) for line in whole
    ]
    if short:
        crossed = len(short) == 2 and abs(_upright(short[0]) - _upright(short[1])) == 90
        shape = "cross" if crossed else "line"
        angle = 0.0 if crossed else (_upright(short[0]) + state.rotate) % 180
        out.append(
            Marks(shape, _length(short[0]), angle, state.size, state.size, 0, short[0][4], False, short[0][5])
        )
    if circles:
        _, _, radius, fill, line = circles[0]
        rows = len(circles)  # a second circle stands in the middle of the tile of the first
        out.append(
            Marks(
                "circle", 2 * radius, 0, state.size, state.size / rows, state.size / 2 if rows > 1 else 0,
                line or fill, fill == "none", 1.0,
            )
        )  # fmt: skip
    return out


def _length(line: tuple[float, ...]) -> float:
    return math.hypot(line[2] - line[0], line[3] - line[1])


def _upright(line: tuple[float, ...]) -> float:
    """Degrees by which a line leans from upright, with the clock; the page counts y downwards."""
    return math.degrees(math.atan2(line[2] - line[0], -(line[3] - line[1]))) % 180
