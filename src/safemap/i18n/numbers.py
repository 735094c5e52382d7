"""Numbers as each language writes them: one table, used in Python and handed to the page.

``Intl`` and the locales of the operating system lack Uzbek or Swahili on some machines, and the table, the
card and the caption must show the same figure, so the rules are our own and short.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import TypedDict


class NumberFormat(TypedDict):
    """How one language writes numbers."""

    thousands: str
    decimal: str
    percent: str  #: what follows the figure, with its space
    plural: (
        str  #: name of the plural rule: ``two`` (one, other), ``slavic`` (one, few, many), ``none`` (other)
    )


_NBSP = "\u00a0"
_COMMA = {"thousands": ",", "decimal": ".", "percent": "%"}
_SPACE = {"thousands": _NBSP, "decimal": ",", "percent": f"{_NBSP}%"}

#: Language -> how it writes numbers (thousands, decimal, percent) and which plural forms it has.
NUMBER_FORMATS: dict[str, NumberFormat] = {
    "en": {**_COMMA, "plural": "two"},
    "es": {**_COMMA, "plural": "two"},  # as written in Mexico
    "ru": {**_SPACE, "plural": "slavic"},
    "uz-Latn": {**_SPACE, "plural": "none"},
    "uz-Cyrl": {**_SPACE, "plural": "none"},
    "sw": {**_COMMA, "plural": "two"},
}

#: What stands for a number that is not there.
MISSING = "–"


def format_number(value: float | None, decimals: int = 0, *, language: str = "en") -> str:
    """`value` with `decimals` places, thousands grouped from four digits, minus as U+2212.

    Parameters
    ----------
    value : float or None
        None and NaN give an en dash.
    decimals : int
        Places after the decimal mark; halves go up, as in the page.
    language : {"en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw"}

    Examples
    --------
    >>> format_number(27624.25, 1), format_number(27624.25, 1, language="ru")
    ('27,624.3', '27\\xa0624,3')
    >>> format_number(None)
    '–'
    """
    if value is None or not math.isfinite(value):
        return MISSING
    style = NUMBER_FORMATS[language]
    rounded = round_half_up(abs(value), decimals)
    whole, _, fraction = f"{rounded:,.{decimals}f}".partition(".")
    sign = "\u2212" if value < 0 and rounded else ""
    return sign + whole.replace(",", style["thousands"]) + (style["decimal"] + fraction if fraction else "")


def format_percent(share: float | None, decimals: int = 0, *, language: str = "en") -> str:
    """`share` (0 to 1) as a percentage.

    Examples
    --------
    >>> format_percent(0.05), format_percent(0.632, language="ru")
    ('5%', '63\\xa0%')
    """
    if share is None or not math.isfinite(share):
        return MISSING
    return format_number(share * 100, decimals, language=language) + NUMBER_FORMATS[language]["percent"]


def round_half_up(value: float, decimals: int) -> Decimal:
    """`value` to `decimals` places, exact halves away from zero (JavaScript's ``toFixed`` does the same)."""
    return Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def plural_form(count: int, *, language: str = "en") -> str:
    """Which plural form a count takes: ``one``, ``few``, ``many`` or ``other``.

    Examples
    --------
    >>> [plural_form(n, language="ru") for n in (1, 3, 5, 11, 21, 112)]
    ['one', 'few', 'many', 'many', 'one', 'many']
    """
    rule = NUMBER_FORMATS[language]["plural"]
    if rule == "none":
        return "other"
    if rule == "two":
        return "one" if count == 1 else "other"
    if count % 10 == 1 and count % 100 != 11:
        return "one"
    return "few" if 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14 else "many"
