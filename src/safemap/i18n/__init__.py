"""Words and numbers in six languages: catalogues are data, one file per language."""

from safemap.i18n.catalogue import LANGUAGES, Message, missing_keys, number, percent, text, words
from safemap.i18n.numbers import NUMBER_FORMATS, format_number, format_percent, plural_form

__all__ = [
    "LANGUAGES",
    "NUMBER_FORMATS",
    "Message",
    "format_number",
    "format_percent",
    "missing_keys",
    "number",
    "percent",
    "plural_form",
    "text",
    "words",
]
