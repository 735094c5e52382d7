"""The International Classification of Crime for Statistical Purposes: codes, labels, levels.

Sections (2 digits) and divisions (4 digits) are packaged with labels in six languages; groups (5) and classes
(6) can be added from a table of the same form.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import ConfigError, InputError
from safemap.i18n.catalogue import LANGUAGES
from safemap.intake.columns import close_matches

if TYPE_CHECKING:
    import pandas as pd

#: Code of what could not be mapped; kept in every table, never dropped.
UNMAPPED = "XX"
#: Digits of a code at each level: section, division, group, class.
DIGITS = {1: 2, 2: 4, 3: 5, 4: 6}
_NOT_MAPPED = {
    "en": "Not mapped",
    "es": "Sin clasificar",
    "ru": "Не отнесено",
    "uz-Latn": "Tasniflanmagan",
    "uz-Cyrl": "Таснифланмаган",
    "sw": "Haijaainishwa",
}


def iccs_codes(extra: str | Path | pd.DataFrame | None = None) -> pd.DataFrame:
    """The classification as a table.

    Parameters
    ----------
    extra : path or pandas.DataFrame, optional
        Groups and classes to add: columns ``code`` (text) and at least ``en``; a code must continue one that
        is there.

    Returns
    -------
    pandas.DataFrame
        Index ``code`` (text, leading zero kept), columns ``level`` (1 to 4), ``parent`` and one label per
        language (``en es ru uz-Latn uz-Cyrl sw``; English where `extra` has none).

    Raises
    ------
    InputError
        If `extra` repeats a code, or a code has no parent.

    References
    ----------
    UNODC (2015). International Classification of Crime for Statistical Purposes, version 1.0. Vienna.
    Labels here are short forms of our own; the legal wording is the publication's.

    Examples
    --------
    >>> codes = iccs_codes()
    >>> int((codes["level"] == 1).sum()), int((codes["level"] == 2).sum())
    (11, 63)
    >>> codes.loc["0401", "es"]
    'Robo con violencia'
    """
    import pandas as pd

    table = _packaged()
    if extra is None:
        return table.copy()
    more = extra if isinstance(extra, pd.DataFrame) else pd.read_csv(extra, dtype=str, encoding="utf-8-sig")
    missing = {"code", "en"} - set(more.columns)
    if missing:
        raise InputError(
            f"A table of ICCS codes needs the columns code and en; {sorted(missing)} is missing."
        )
    more = more.assign(code=more["code"].astype(str).str.strip()).set_index("code")
    more = more.reindex(columns=list(LANGUAGES)).astype(object)
    joined = pd.concat([table, more.apply(lambda column: column.where(column.notna(), more["en"]))])
    return _with_levels(joined.drop(columns=["level", "parent"]))


def check_codes(codes: Iterable[str], *, known: pd.DataFrame | None = None) -> None:
    """Raise :class:`InputError` where a code does not occur in the classification.

    Deeper codes are accepted where their division is known, since groups and classes need not be loaded.

    Examples
    --------
    >>> check_codes(["0401", "04011", "XX"])
    """
    table = _packaged() if known is None else known
    wrong = sorted(
        {c for c in codes if c != UNMAPPED and c not in table.index and not _deeper(c, table.index)}
    )
    if wrong:
        near = close_matches(wrong[0], list(table.index))
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise InputError(
            f"{', '.join(wrong[:5])}: not a code of the ICCS. Codes are text of 2, 4, 5 or 6 digits with "
            f"their leading zero, e.g. '0401'.{hint}",
            codes=wrong,
        )


def iccs_label(code: str, *, language: str = "en", known: pd.DataFrame | None = None) -> str:
    """Label of a code; of its division where the code itself is deeper than what is loaded.

    Examples
    --------
    >>> iccs_label("0703", language="ru")
    'Коррупция'
    >>> iccs_label("04011", language="sw")
    'Unyang’anyi'
    """
    if language not in LANGUAGES:
        raise ConfigError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")
    if code == UNMAPPED:
        return _NOT_MAPPED[language]
    check_codes([code], known=known)
    table = _packaged() if known is None else known
    while code not in table.index:
        code = _parent(code)
    return str(table.loc[code, language])


def roll_up(codes: pd.Series, *, level: int) -> pd.Series:
    """Codes at a coarser level, by their first digits.

    Parameters
    ----------
    codes : pandas.Series
        ICCS codes as text; ``XX`` stays ``XX``.
    level : {1, 2, 3, 4}
        Section, division, group or class.

    Returns
    -------
    pandas.Series
        Same index. A code that is exactly at `level` is unchanged, a deeper one is cut, so a table of mixed
        depth is counted once at each level.

    Raises
    ------
    InputError
        If codes are coarser than `level`: the share of rows that lack it is stated.

    Examples
    --------
    >>> import pandas as pd
    >>> roll_up(pd.Series(["0401", "04011", "XX"]), level=1).tolist()
    ['04', '04', 'XX']
    """
    if level not in DIGITS:
        raise ConfigError(f"level must be 1 (section), 2 (division), 3 (group) or 4 (class); got {level!r}.")
    digits = DIGITS[level]
    text = codes.astype(object)
    mapped = (text != UNMAPPED).to_numpy()
    lengths = text.map(lambda c: len(str(c))).to_numpy()
    short = mapped & (lengths < digits)
    if short.any():
        raise InputError(
            f"level {level} needs codes of {digits} digits; {short.mean():.1%} of {len(codes):,} rows "
            f"have fewer. Ask for level {_level(int(lengths[mapped].min()))} or coarser, or map them deeper.",
            share=float(short.mean()),
        )
    return text.where(~mapped, text.str[:digits])


@cache
def _packaged() -> pd.DataFrame:
    import pandas as pd

    path = resources.files("safemap.offences") / "iccs.csv"
    with path.open(encoding="utf-8") as file:
        return _with_levels(pd.read_csv(file, dtype=str).set_index("code"))


def _with_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Add level and parent; codes must be unique and have a parent in the table."""
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()].unique().tolist()
        raise InputError(f"ICCS codes must occur once; {', '.join(twice[:5])} are repeated.")
    parents = np.array([_parent(code) for code in table.index], dtype=object)
    orphans = [c for c, p in zip(table.index, parents, strict=True) if p and p not in table.index]
    if orphans:
        raise InputError(f"{', '.join(orphans[:5])}: the code it continues is not in the table.")
    levels = [_level(len(code)) for code in table.index]
    table = table.assign(level=levels, parent=parents).sort_index()
    return table[["level", "parent", *LANGUAGES]]


def _parent(code: str) -> str:
    """The code one level up; empty for a section."""
    return {2: "", 4: code[:2], 5: code[:4], 6: code[:5]}.get(len(code), "")


def _level(digits: int) -> int:
    for level, n in DIGITS.items():
        if digits <= n:
            return level
    raise InputError(f"ICCS codes have 2, 4, 5 or 6 digits; one has {digits}.")


def _deeper(code: Any, known: pd.Index) -> bool:
    text = str(code)
    return text.isdigit() and len(text) in (5, 6) and text[:4] in known
