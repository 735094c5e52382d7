"""Fonts of the figures: which one is used, and whether it has every letter of the text.

matplotlib draws a box for a letter that no font has, and says so in a log nobody reads. Here the letter is
looked up before anything is drawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from safemap.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

#: Families in order of preference; matplotlib brings the last one along.
FAMILIES = ("Noto Sans", "Segoe UI", "Arial", "Liberation Sans", "DejaVu Sans")
#: What is asked for a letter the chosen family does not have.
FALLBACK = "DejaVu Sans"

#: Format characters that steer line breaks and have no picture.
_SILENT = "\u200c\u200d\u2060\ufeff"
#: First word of the Unicode name of a letter -> family that has it, where the name does not give it away.
_FAMILY_OF_SCRIPT = {
    "CJK": "Noto Sans CJK SC",
    "HIRAGANA": "Noto Sans CJK JP",
    "KATAKANA": "Noto Sans CJK JP",
    "HANGUL": "Noto Sans CJK KR",
    "LATIN": "Noto Sans",
    "CYRILLIC": "Noto Sans",
    "GREEK": "Noto Sans",
}
_SYMBOLS = "Noto Sans Symbols 2"


class Role(NamedTuple):
    """How one kind of text looks: points, weight, slant, colour."""

    size: float
    bold: bool = False
    italic: bool = False
    colour: str = "#1F2328"


INK, INK_2, INK_3 = "#1F2328", "#4A4F55", "#5C6167"

RoleName = Literal[
    "title", "subtitle", "legend", "legend_head", "axis", "axis_strong", "note", "cell", "place"
]

#: Nothing on paper is smaller than 6.5 pt.
ROLES: dict[str, Role] = {
    "title": Role(10, bold=True),
    "subtitle": Role(8, colour=INK_2),
    "legend": Role(7.5),
    "legend_head": Role(7.5, bold=True),
    "axis": Role(7.5, colour=INK_2),
    "axis_strong": Role(7.5, bold=True),
    "note": Role(6.5, colour=INK_3),
    "cell": Role(6.5),
    "place": Role(6.5, italic=True, colour="#5C574E"),
}


def choose_family(wanted: str | None = None) -> str:
    """The family to use: `wanted`, or the first of :data:`FAMILIES` that is installed.

    Raises
    ------
    ConfigError
        `wanted` is not installed.
    """
    if wanted is None:
        return next(name for name in FAMILIES if _path(name) is not None)
    if _path(wanted) is None:
        known = [name for name in FAMILIES if _path(name) is not None]
        raise ConfigError(
            f"The font {wanted!r} is not installed here. Install it, or take one of {', '.join(known)}."
        )
    return wanted


def properties(family: str, role: Role, *, scale: float = 1.0) -> FontProperties:
    """Font of a role, with a fallback for single letters."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(
        family=[family, "sans-serif"],
        size=role.size * scale,
        weight="bold" if role.bold else "normal",
        style="italic" if role.italic else "normal",
    )


def drawable(text: str) -> str:
    """`text` without format characters that have no picture (a font shows them as boxes)."""
    return text.translate(dict.fromkeys(map(ord, _SILENT)))


def missing_letters(text: str, family: str) -> list[str]:
    """Letters of `text` that neither `family` nor the fallback has, in order of appearance.

    Examples
    --------
    >>> missing_letters("Oʻzbekiston, Ўзбекистон, Iztapalapa", "DejaVu Sans")
    []
    """
    known = _letters(family) | _letters(FALLBACK)
    return list(dict.fromkeys(c for c in text if not c.isspace() and ord(c) not in known))


def check_letters(texts: Iterable[str], family: str) -> None:
    """Raise unless every letter can be drawn.

    Raises
    ------
    OutputError
        Names the first missing letter, the text it stands in, and a font that has it.
    """
    for text in texts:
        missing = missing_letters(text, family)
        if missing:
            letter = missing[0]
            name = unicodedata.name(letter, "unnamed")
            fonts = family if family == FALLBACK else f"{family} and {FALLBACK}"
            raise OutputError(
                f"{fonts} have no letter {letter!r} (U+{ord(letter):04X} {name}), which stands in "
                f"{text[:60]!r}{_others(missing)}. Install a font that has it, such as "
                f"{_suggestion(letter)}, and name it: font={_suggestion(letter)!r}.",
                letters=missing,
            )


def _others(missing: list[str]) -> str:
    return "" if len(missing) == 1 else f", with {len(missing) - 1} more that are missing"


def _suggestion(letter: str) -> str:
    name = unicodedata.name(letter, "")
    script = name.split(" ")[0] if name else ""
    if script in _FAMILY_OF_SCRIPT:
        return _FAMILY_OF_SCRIPT[script]
    return f"Noto Sans {script.title()}" if unicodedata.category(letter).startswith("L") else _SYMBOLS


@cache
def _path(family: str) -> str | None:
    from matplotlib.font_manager import FontProperties, fontManager

    with suppress(ValueError):
        return str(fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False))
    return None


@cache
def _letters(family: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    path = _path(family)
    return frozenset() if path is None else frozenset(get_font(path).get_charmap())
