"""States: what a map shows where there is no value to show, each with a texture of its own.

Texture always means "read with care"; no value class has one. Every area falls in exactly one class or state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_INK, _LINE, _PAPER = "#5F5B53", "#77736B", "#FBFAF8"


@dataclass(frozen=True)
class State:
    """A state and its texture.

    Attributes
    ----------
    key : str
        Short name used in the file; also the end of the catalogue keys ``state_...`` and ``s_...``.
    ground : str
        Colour under the texture.
    size : float
        Side of the square tile, in screen pixels.
    rotate : float
        Degrees by which the tiling is turned.
    marks : tuple
        ``("line", x1, y1, x2, y2, colour, width)`` or ``("circle", x, y, r, fill, line)`` inside the tile.
    always : bool
        Listed in the legend also when no area is in it, so that the reader learns that none is missing.
    """

    key: str
    ground: str
    size: float
    rotate: float
    marks: tuple[tuple[Any, ...], ...]
    always: bool = True

    def to_dict(self) -> dict[str, Any]:
        return {"g": self.ground, "w": self.size, "r": self.rotate, "m": [list(mark) for mark in self.marks]}


#: Every state by key.
STATES: dict[str, State] = {
    state.key: state
    for state in (
        State(
            "few", _PAPER, 6, 0, (("circle", 1.5, 1.5, 0.95, _INK, ""), ("circle", 4.5, 4.5, 0.95, _INK, ""))
        ),
        State(
            "withheld", "#DED8CD", 7, 45, (("line", 0, 0, 0, 7, _INK, 1.1), ("line", 0, 0, 7, 0, _INK, 1.1))
        ),  # darker ground: data exist
        State("few_answers", _PAPER, 5, 0, (("circle", 2.5, 2.5, 0.9, _INK, ""),)),
        State("cannot_tell", _PAPER, 7, 0, (("line", 2, 5, 5, 2, _INK, 1.1),)),
        State("no_neighbours", _PAPER, 5, 0, (("line", 0, 2.5, 5, 2.5, _LINE, 1.2),)),
        State("no_data", _PAPER, 7, 45, (("line", 0, 0, 0, 7, _LINE, 1.6),)),
        State("no_variation", _PAPER, 5, 0, (("line", 2.5, 0, 2.5, 5, _LINE, 1.2),), always=False),
        State(
            "too_few_areas",
            _PAPER,
            9,
            0,
            (("line", 2, 4.5, 7, 4.5, _INK, 1.1), ("line", 4.5, 2, 4.5, 7, _INK, 1.1)),
            always=False,
        ),
        State("too_few_events", _PAPER, 8, 0, (("circle", 4, 4, 2.2, "none", _INK),), always=False),
        State("not_of_the_kind", _PAPER, 12, 0, (("line", 4, 6, 8, 6, _LINE, 1),), always=False),
    )
}

#: Textures laid over a class, which stays to be seen: read with care.
OVERLAYS: dict[str, State] = {
    state.key: state
    for state in (
        State(
            "uncertain", "none", 8, 0,
            (("line", 4, 0, 4, 8, "#FFFFFF", 2.6), ("line", 4, 0, 4, 8, "#1F2328", 0.8)),
        ),
        State(
            "edge", "none", 6, -45,
            (("line", 3, 0, 3, 6, "#FFFFFF", 2), ("line", 3, 0, 3, 6, "#1F2328", 0.9)),
        ),
    )
}  # fmt: skip

#: Words of the ``cluster`` column -> state.
STATE_OF_CLUSTER: dict[str, str] = {
    "no neighbours": "no_neighbours",
    "no data": "no_data",
    "no variation": "no_variation",
    "too few areas": "too_few_areas",
    "too few events": "too_few_events",
    "not of the kind": "not_of_the_kind",
}
