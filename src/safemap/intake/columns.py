"""Columns and values by name: exact lookups, and helpful words when a name is not there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from safemap.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: What registers write for "nothing", after folding.
MISSING_WORDS = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "nd", "s/d", "-", "--", "<na>", "nat"}
)


def fold(text: object) -> str:
    """Text without differences of case, width and spacing.

    Examples
    --------
    >>> fold("  Robo   A\\u00a0Transeúnte ")
    'robo a transeúnte'
    """
    return " ".join(unicodedata.normalize("NFKC", str(text)).casefold().split())


def unaccented(text: str) -> str:
    """Text without accents and other marks on its letters.

    Examples
    --------
    >>> unaccented("álvaro obregón")
    'alvaro obregon'
    """
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def fold_values(values: pd.Series) -> pd.Series:
    """:func:`fold` of every value of a column; each distinct value is folded once."""
    import numpy as np
    import pandas as pd

    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    folded = np.array([fold(v) for v in distinct] + [""], dtype=object)  # the last one answers for code -1
    return pd.Series(folded[codes], index=values.index, dtype=object)


def is_missing(values: pd.Series) -> pd.Series:
    """True where a value is null or one of the words that registers write for it."""
    import pandas as pd

    if values.dtype.kind in "iufbM":
        return values.isna()
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    import numpy as np

    empty = np.array([fold(v) in MISSING_WORDS for v in distinct] + [True], dtype=bool)
    return pd.Series(empty[codes], index=values.index)


def require_columns(columns: Iterable[object], wanted: dict[str, str | None], *, source: str) -> None:
    """Raise :class:`InputError` unless every column named in `wanted` (argument to column) exists once."""
    there = [str(c) for c in columns]
    for argument, column in wanted.items():
        if column is None:
            continue
        if column not in there:
            near = close_matches(column, there)
            hint = f" Did you mean {_quoted(near)}?" if near else ""
            raise InputError(
                f"{source}: {argument}={column!r}, but there is no such column.{hint} Columns there are: "
                f"{_quoted(there[:40])}{' ...' if len(there) > 40 else ''}.",
                column=column,
                columns=there,
            )
        if there.count(column) > 1:
            raise InputError(
                f"{source}: {argument}={column!r} names {there.count(column)} columns; rename all but one.",
                column=column,
            )


def close_matches(word: str, known: Sequence[str], *, n: int = 3) -> list[str]:
    """Up to `n` of the `known` names that resemble `word`, best first."""
    from difflib import get_close_matches

    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(fold(name), name)
    return [folded[key] for key in get_close_matches(fold(word), list(folded), n=n, cutoff=0.6)]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(n) for n in names)
