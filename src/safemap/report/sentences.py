"""Sentences of the methods text, read from one file per language."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


def say(key: str, /, **slots: Any) -> str:
    """One sentence with its slots filled.

    Examples
    --------
    >>> say("limit_maup")
    'Other boundaries, another period or another denominator can give another picture.'
    """
    return _sentences("en")[key].format(**slots)


@cache
def _sentences(language: str) -> dict[str, str]:
    source = resources.files("safemap.report") / "words" / f"{language}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
