"""Every key of ``assessment.toml`` as a page of text, from the same classes that read it."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from safemap.config.kinds import Choice, File, Flag, Many, Number, OneOf, Period, Translations, Where
from safemap.config.model import SECTIONS

_INTRODUCTION = """# Every key of `assessment.toml`

Keys equal the keyword names of the functions in Python. Relative paths count from the folder of the file, or
from `--data`. A key without a default may be left out; safemap then detects the value, or does without, and
says so. `safemap schema` prints the same as JSON schema, for editors. This page is made from the code.
"""


def reference() -> str:
    """The page ``docs/assessment.md``.

    Examples
    --------
    >>> reference().splitlines()[0]
    '# Every key of `assessment.toml`'
    """
    parts = [_INTRODUCTION]
    for name, section in SECTIONS.items():
        parts.append(f"## [{name}]\n\n{section.__doc__}\n\n{_table(section)}\n")
        for key in fields(section):
            if key.metadata.get("many"):
                inner = key.metadata["section"]
                parts.append(f"### [[{name}.{key.name}]]\n\n{inner.__doc__}\n\n{_table(inner)}\n")
    return "\n".join(parts)


def _table(section: type) -> str:
    rows = ["| key | what it is | may be | default | example |", "|---|---|---|---|---|"]
    for key in fields(section):
        if key.metadata.get("many"):
            continue
        needed = key.default is MISSING
        default = "**needed**" if needed else "" if key.default in (None, ()) else f"`{_toml(key.default)}`"
        example = key.metadata["example"]
        cells = [
            f"`{key.name}`", key.metadata["words"], _may_be(key.metadata["kind"]), default,
            "" if example is None else f"`{_toml(example)}`",
        ]  # fmt: skip
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _may_be(kind: Any) -> str:
    """A kind in a few words."""
    if isinstance(kind, Choice):
        return ", ".join(f"`{_toml(value)}`" for value in kind.values)
    if isinstance(kind, Number):
        return kind.words()
    if isinstance(kind, Many):
        return f"list of {_may_be(kind.kind)}"
    if isinstance(kind, OneOf):
        return " or ".join(_may_be(inner) for inner in kind.kinds)
    names = {File: "file", Flag: "true or false", Where: "columns with values", Period: "two days"}
    names |= {Translations: "columns by language"}
    return names.get(type(kind), "text")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return str(value)
