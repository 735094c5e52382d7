"""What the columns of a file seem to hold: by the words of their headers and by what is in them.

A role is proposed with a confidence and the reason; nothing is used until it is named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from safemap.errors import InputError
from safemap.intake.columns import fold, is_missing
from safemap.intake.header_words import WORDS

if TYPE_CHECKING:
    import pandas as pd

#: rows looked at
ENOUGH = 20_000
#: roles that one column of a table has, in the order in which they are given away
ROLES = (
    "lon", "lat", "x", "y", "date", "reported", "time", "weight",
    "stratum", "psu", "count", "category", "area", "address", "id",
)  # fmt: skip
_EMAIL = r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}"
_PHONE = r"\+?\d{1,3}[\s().-]*\d{2,4}[\s().-]*\d{2,4}[\s.-]*\d{2,4}(?:[\s.-]*\d{2,4})?"
_CURP = r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d"
_MARKS = {"ʻ": "", "ʼ": "", "‘": "", "’": "", "'": "", "`": "", "´": ""}


class Fit(NamedTuple):
    """Whether the content of a column can be what a role asks for."""

    possible: bool
    share: float  #: of the filled cells
    words: str


def propose_columns(path: str | Path | pd.DataFrame, **options: Any) -> pd.DataFrame:
    """What each column of a file seems to hold.

    Parameters
    ----------
    path : path or DataFrame
        Any file that :func:`read_incidents` reads.
    **options
        ``encoding``, ``delimiter``, ``sheet``, ``layer``, ``header`` as there.

    Returns
    -------
    pandas.DataFrame
        Index ``column`` in the order of the file; ``role`` (``lon``, ``lat``, ``x``, ``y``, ``date``,
        ``reported``, ``time``, ``category``, ``id``, ``area``, ``count``, ``weight``, ``stratum``, ``psu``,
        ``address``, ``personal``, or empty), ``confidence`` (0 to 1), ``why``. Each role but ``personal`` is
        given to one column; a second column that fits is named in ``why``. :func:`write_mapping` keeps the
        table for the next delivery.

    Notes
    -----
    Confidence is 0.6 for a header that is one of the known words (0.4 where a word is only part of it),
    plus 0.4 times
    the share of cells that fit. Below 0.5 no role is proposed. Cells are never quoted.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"Долгота": ["69,2"], "Широта": ["41,2"], "Телефон": ["998901234567"]})
    >>> propose_columns(rows)["role"].to_dict()
    {'Долгота': 'lon', 'Широта': 'lat', 'Телефон': 'personal'}
    """
    from safemap.intake.tables import read_table

    raw = read_table(path, **options)
    frame = raw.frame if raw.not_records is None else raw.frame.drop(raw.not_records.index)
    return propose_roles(frame)


def propose_roles(table: pd.DataFrame) -> pd.DataFrame:
    """:func:`propose_columns` of a table that has been read."""
    import pandas as pd

    sample = table.head(ENOUGH)
    columns = [str(c) for c in table.columns]
    if len(set(columns)) < len(columns):
        raise InputError("two columns have the same name; rename one of them first.")
    found = dict.fromkeys(columns, ("", 0.0, "no known word in the header"))
    for column, why in personal_columns(sample).items():
        found[column] = ("personal", 0.9, why)
    for role in ROLES:
        ranked = _ranked(sample, role, [c for c in columns if not found[c][0]])
        if ranked:
            confidence, column, why = ranked[0]
            others = [c for _, c, _ in ranked[1:3]]
            more = f"; {', '.join(map(repr, others))} would fit too" if others else ""
            found[column] = (role, round(confidence, 2), why + more)
    _drop_halves(found)
    out = pd.DataFrame.from_dict(found, orient="index", columns=["role", "confidence", "why"])
    return out.rename_axis("column")


def best_column(table: pd.DataFrame, role: str, *, without: Iterable[str] = ()) -> tuple[str, str] | None:
    """The column that fits a role best, and why; None if none does."""
    taken = set(without)
    ranked = _ranked(table, role, [str(c) for c in table.columns if str(c) not in taken])
    return (ranked[0][1], ranked[0][2]) if ranked else None


def personal_columns(table: pd.DataFrame) -> dict[str, str]:
    """Columns that seem to hold personal data, and why: by header, or by the form of the values.

    Names of areas are no personal data: ``name`` alone is not among the words. Values are never quoted.

    Examples
    --------
    >>> import pandas as pd
    >>> personal_columns(pd.DataFrame({"contacto": ["ana@example.org", ""], "delito": ["a", "b"]}))
    {'contacto': 'most values look like e-mail addresses'}
    """
    found: dict[str, str] = {}
    for column in map(str, table.columns):
        likeness = _best_word(column, "personal")
        if likeness is not None and not _whole_word(column, ("date", "type", "count", "district")):
            found[column] = f"header {likeness[1]!r}"
            continue
        pattern = _personal_pattern(table[column])
        if pattern:
            found[column] = f"most values look like {pattern}"
    return found


def _personal_pattern(column: pd.Series) -> str | None:
    if column.dtype.kind in "fbM":
        return None
    text = column[~is_missing(column)].head(2_000).astype(str).str.strip()
    if text.empty:
        return None
    for words, pattern in (("e-mail addresses", _EMAIL), ("personal numbers", _CURP)):
        if text.str.fullmatch(pattern).mean() > 0.5:
            return words
    plus = text.str.startswith("+").mean() > 0.5
    if plus and text.str.fullmatch(_PHONE).mean() > 0.5:
        return "telephone numbers"
    return None


def _ranked(table: pd.DataFrame, role: str, columns: list[str]) -> list[tuple[float, str, str]]:
    """Columns that can have a role, the best first: confidence, column, reason."""
    found = []
    for position, column in enumerate(columns):
        likeness = _best_word(column, role)
        if likeness is None:
            continue
        rank, word, whole = likeness
        fit = _fit(role, table[column])
        confidence = (0.6 if whole else 0.4) + 0.4 * fit.share
        if fit.possible and confidence >= 0.5:
            why = f"header {'is' if whole else 'holds'} {word!r}; {fit.words}"
            found.append((not whole, rank, position, confidence, column, why))
    return [(confidence, column, why) for *_, confidence, column, why in sorted(found)]


def plain_header(header: str) -> str:
    """A header as its words: folded, without accents, apostrophes and marks.

    Examples
    --------
    >>> [plain_header(h) for h in ("Fecha_del  Hecho (dd/mm)", "Roʻyxatga olingan", "fechaHecho")]
    ['fecha del hecho dd mm', 'royxatga olingan', 'fecha hecho']
    """
    text = re.sub(r"(?<=[a-zа-я])(?=[A-ZА-Я])", " ", str(header))
    for mark, instead in _MARKS.items():
        text = text.replace(mark, instead)
    text = fold(text)
    stripped = "".join(
        c
        for c in unicodedata.normalize("NFD", text)
        if not unicodedata.combining(c) or c in "\u0306\u0327\u0328"
    )
    return " ".join(re.split(r"[^\w№]+|_+", unicodedata.normalize("NFC", stripped))).strip()


_PLAIN: dict[str, tuple[str, ...]] = {}


def _words(role: str) -> tuple[str, ...]:
    if role not in _PLAIN:
        _PLAIN[role] = tuple(dict.fromkeys(plain_header(w) for w in WORDS[role]))
    return _PLAIN[role]


def _best_word(column: str, role: str) -> tuple[int, str, bool] | None:
    """Rank of the best word of a role in a header, the word, and whether it is the whole header."""
    header = plain_header(column)
    leaf = plain_header(column.rpartition("/")[2])  # exports of surveys write groups in front
    parts = None
    for rank, word in enumerate(_words(role)):
        if word in (header, leaf):
            return rank, word, True
        inside = (len(word) > 2 or word == "id") and f" {word} " in f" {header} "
        begins = len(word) > 4 and header.startswith(word)
        if parts is None and (inside or begins):
            parts = (rank, word, False)
    return parts


def _whole_word(column: str, words: tuple[str, ...]) -> bool:
    """Whether a header with a personal word ends in a harmless one (``phone type``, ``suspect count``)."""
    header = plain_header(column).split()
    return bool(header) and header[-1] in words and plain_header(column) not in _words("personal")


def _fit(role: str, column: pd.Series) -> Fit:
    """The test of the content that a role asks for."""
    filled = column[~is_missing(column)]
    if filled.empty:
        return Fit(False, 0.0, "the column is empty")
    if role in ("lon", "lat", "x", "y"):
        return _fit_coordinate(role, filled)
    if role in ("date", "reported"):
        return _matching(
            filled, r"\d{1,4}[-/.]\d{1,2}|^\d{8}$|^\d{1,2}\W+\w+\W+\d{4}|[^\W\d_]{3,}\W.*\d{4}", "dates"
        )
    if role == "time":
        return _matching(filled, r"\d{1,2}:\d{2}", "clock times")
    if role in ("count", "weight", "population"):
        numbers = numbers_of(filled)
        good = numbers >= 0
        if role == "count":
            good &= numbers % 1 == 0
        share = float(good.fillna(False).mean())
        return Fit(share > 0.5, share, f"{share:.0%} of the values are {_SORT[role]}")
    if role in ("id", "area_id"):
        share = filled.astype(str).nunique() / len(column)
        return Fit(
            share > 0.98 and not is_real(column), share, f"{share:.0%} of the rows have a value of their own"
        )
    if role == "category":
        return _fit_category(filled)
    if role in ("area", "stratum", "psu"):
        share = 1 - filled.astype(str).nunique() / len(filled)
        few = share > 0.3 or len(filled) < 20
        return Fit(
            few and not is_real(column), max(share, 0.3), f"{filled.astype(str).nunique():,} different values"
        )
    words = float(filled.astype(str).str.contains(r"[^\W\d_]").mean())
    return Fit(words > 0.5, words, f"{words:.0%} of the values hold words")


_SORT = {
    "count": "whole numbers of 0 or more",
    "weight": "numbers of 0 or more",
    "population": "numbers of 0 or more",
}
_DATES = r"\d{1,4}[-/.]\d{1,2}|^\d{8}$|^\d{1,2}\W+\w+\W+\d{4}|[^\W\d_]{3,}\W.*\d{4}"
_DMS = r"^\W*[NSEWOСЮВЗ]?\s*\d{1,3}\s*[°º]\s*\d{1,2}"


def _fit_coordinate(role: str, filled: pd.Series) -> Fit:
    numbers = numbers_of(filled)
    if role in ("lon", "lat"):
        limit = 180 if role == "lon" else 90
        share = float((numbers.abs() <= limit).fillna(False).mean())
        if share <= 0.5 and filled.astype(str).str.match(_DMS).mean() > 0.5:
            return Fit(True, 1.0, "the values are degrees, minutes and seconds")
        if share <= 0.5:  # micro-degrees or metres under a header that says degrees: to be repaired
            number = float(numbers.notna().mean())
            return Fit(number > 0.5, 0.5 * number, f"numbers, but {1 - share:.0%} exceed {limit}")
        return Fit(True, share, f"{share:.0%} of the values are numbers within {limit}")
    share = float(numbers.notna().mean())
    return Fit(share > 0.5, share, f"{share:.0%} of the values are numbers")


def _matching(filled: pd.Series, pattern: str, what: str) -> Fit:
    if filled.dtype.kind == "M":
        return Fit(what == "dates", 1.0, f"the values are {what}")
    if filled.dtype.kind in "iufb" and what == "dates":
        numbers = filled.astype(float)
        share = float(((numbers > 19_000_000) & (numbers < 22_000_000) & (numbers % 1 == 0)).mean())
    else:
        text = filled.astype(str).str.strip()
        share = float(text.str.contains(pattern, regex=True).mean())
    return Fit(share > 0.5, share, f"{share:.0%} of the values look like {what}")


def _fit_category(filled: pd.Series) -> Fit:
    """Words that repeat: not free text, not a constant."""
    text = filled.astype(str)
    if len(text) < 2 or numbers_of(text).notna().mean() > 0.5:
        return Fit(False, 0.0, "no words")
    distinct = text.nunique()
    possible = 1 < distinct <= max(50, len(text) // 10)
    return Fit(possible, 1 - distinct / len(text) if possible else 0.0, f"{distinct:,} different values")


def numbers_of(column: pd.Series) -> pd.Series:
    """The values as numbers, with a decimal comma or point; missing where they are none."""
    import pandas as pd

    text = column.astype("string").str.strip().str.replace(",", ".", regex=False)
    return pd.to_numeric(text, errors="coerce").astype("Float64")


def is_real(column: pd.Series) -> bool:
    """Whether a column holds numbers with decimals."""
    return column.dtype.kind == "f" and bool((column.dropna() % 1 != 0).any())


def _drop_halves(found: dict[str, tuple[str, float, str]]) -> None:
    """Half a coordinate is none; degrees win over a pair of metres."""
    roles = {role: column for column, (role, _, _) in found.items() if role}
    for one, other in (("lon", "lat"), ("x", "y")):
        for mine, its in ((one, other), (other, one)):
            if mine in roles and its not in roles:
                column = roles[mine]
                found[column] = ("", 0.0, f"looks like {mine}, but no column looks like {its}")
