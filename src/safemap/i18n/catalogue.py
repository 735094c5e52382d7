"""Catalogues of words: one JSON file per language, English as the one that is complete.

A text is a :class:`Message`: a key and the figures that go into it. The same message is written here, in
Python, and in the page, in any of the languages, so that the caption of a figure and the heading of a map
never differ.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from safemap.errors import ConfigError
from safemap.i18n.numbers import NUMBER_FORMATS, format_number, format_percent, plural_form

#: Languages safemap speaks, English first.
LANGUAGES = tuple(NUMBER_FORMATS)

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Message:
    """A text in any language: a catalogue key and what fills its slots.

    Attributes
    ----------
    key : str
        A key of the catalogue.
    slots : dict
        Slot name to text, to a figure as ``{"v": value, "d": decimals}`` (``"pct": True`` for a share), or
        to another word of the catalogue as ``{"k": key}``, or to text of the caller by language as
        ``{"t": text, "by": {language: text}}``.
    prefix : str
        Text that stands before the message, with a colon (the period of a finding).

    Examples
    --------
    >>> text(Message("under", {"a": {"v": 1000, "d": 0}}), "ru")
    'менее 1\\xa0000'
    """

    key: str
    slots: dict[str, Any] = field(default_factory=dict)
    prefix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data for the page."""
        data: dict[str, Any] = {"k": self.key}
        if self.slots:
            data["s"] = self.slots
        if self.prefix:
            data["p"] = self.prefix
        return data


def number(value: float, decimals: int = 0) -> dict[str, Any]:
    """A figure for a slot of a :class:`Message`."""
    return {"v": value, "d": decimals}


def percent(share: float, decimals: int = 0) -> dict[str, Any]:
    """A share (0 to 1) for a slot of a :class:`Message`, to be written as a percentage."""
    return {"v": share, "d": decimals, "pct": True}


@cache
def words(language: str) -> dict[str, Any]:
    """The words of one language as they are in its file; keys that are missing there are not filled in.

    Examples
    --------
    >>> words("sw")["table"]
    'Jedwali'
    """
    if language not in LANGUAGES:
        raise ConfigError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")
    source = resources.files("safemap.i18n") / "catalogues" / f"{language}.json"
    content: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return content


def missing_keys(language: str) -> list[str]:
    """Keys that fall back to English in `language`.

    Examples
    --------
    >>> missing_keys("es")
    []
    """
    return sorted(set(words("en")) - set(words(language)))


def text(message: Message | str, language: str = "en", *, count: int | None = None) -> str:
    """A message or a key as text; a key missing in `language` is read from English.

    Parameters
    ----------
    message : Message or str
        A message, or a key without slots.
    language : str
        One of :data:`LANGUAGES`.
    count : int, optional
        For words with plural forms: how many.

    Examples
    --------
    >>> text("areas", "ru", count=22)
    'района'
    """
    if isinstance(message, str):
        message = Message(message)
    filled = _filled(message, language, count)
    if message.prefix:
        return f"{message.prefix}: {filled}"
    return filled[:1].upper() + filled[1:] if message.key.startswith("f_") else filled


def _filled(message: Message, language: str, count: int | None = None) -> str:
    """A message with its slots filled, as it stands within another."""
    own = words(language)
    word = own[message.key] if message.key in own else words("en")[message.key]
    if isinstance(word, dict):
        form = plural_form(0 if count is None else count, language=language)
        word = word.get(form) or word.get("other") or word["many"]
    return _SLOT.sub(lambda slot: _fill(message.slots, slot, language), word)


def _fill(slots: dict[str, Any], slot: re.Match[str], language: str) -> str:
    value = slots.get(slot.group(1), slot.group(0))
    if not isinstance(value, dict):
        return str(value)
    if "t" in value:
        return str(value["by"].get(language, value["t"]))
    if "k" in value:
        return _filled(Message(value["k"], value.get("s", {})), language)
    write = format_percent if value.get("pct") else format_number
    return write(value["v"], value["d"], language=language)
