"""Words and numbers in six languages: catalogues are data, one file per language; no logic of maps lives here."""

from safemap.i18n.catalogue import LANGUAGES, Message, missing_keys, number, percent, text, words
from safemap.i18n.numbers import NUMBER_FORMATS, format_number, format_percent, plural_form

__all__ = [
    "LANGUAGES",
    "NUMBER_FORMATS",
    "Message",
    "number",
    "percent",
    "words",
    "format_number",
    "format_percent",
    "missing_keys",
    "plural_form",
    "text",
]
