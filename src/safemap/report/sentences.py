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


def say_count(key: str, n: int, /, **slots: Any) -> str:
    """A sentence about `n` things, which fill the slot ``n``; one thing has a sentence of its own.

    Examples
    --------
    >>> say_count("areas", 1), say_count("areas", 1200)
    ('1 area', '1,200 areas')
    """
    return say(f"{key}_one" if n == 1 else key, n=f"{n:,}", **slots)


@cache
def _sentences(language: str) -> dict[str, str]:
    source = resources.files("safemap.report") / "words" / f"{language}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
