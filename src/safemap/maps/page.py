"""What safemap adds to a ``folium.Map``: one element with one block of data, and no text in any template.

folium compiles text that is already rendered a second time as a template, so a cell ``{{ 7*191 }}`` would
be saved as 1337. Here data travel as JSON in a block the browser does not run; every character that could
end the block, open a template or start a comment is written as an escape; and the element hands its text
over as it is, uncompiled. The page puts text on the screen through ``textContent`` only.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Any

from branca.element import Element, MacroElement

from safemap.i18n import LANGUAGES, words

#: The page's scripts, in the order in which they are loaded.
SCRIPTS = (
    "core", "words", "textures", "draw", "furniture", "labels", "time", "compare", "legend", "card", "search",
    "table", "page",
)  # fmt: skip

#: Characters written as escapes: the ends of a script block, entities, and line separators.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029\ufeff"}
#: Inside a text also the braces, so that no template begins there.
_BRACES = {ord("{"): "\\u007b", ord("}"): "\\u007d"}
#: A text inside JSON.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
#: Longest text that is put on the page from data.
LONGEST_TEXT = 300
#: Format characters that writing needs (joiners of Indic and Arabic script, the word joiner).
_JOINERS = "\u200c\u200d\u2060"


class Verbatim(Element):
    """Text that is written as it is. :class:`branca.element.Element` would compile it as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text

    def render(self, **kwargs: Any) -> str:
        return self.text


class SafemapPage(MacroElement):
    """Layers, legend, card, table and furniture of one map: data, style and script of the page.

    Parameters
    ----------
    data : dict
        Plain data (numbers, text, lists); see :mod:`safemap.maps.interactive`.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__()
        self._name = "SafemapPage"
        self._id = "safemap"
        self.data = data

    def render(self, **kwargs: Any) -> None:
        """Put style, data and script into the page; the map calls it, and twice gives the same."""
        figure = self.get_root()
        map_name = self._parent.get_name()
        figure.header.add_child(Verbatim(f"<style>\n{asset('safemap.css')}</style>"), name="safemap_style")
        block = f'<script type="application/json" id="safemap-data">{encode_data(self.data)}</script>'
        figure.html.add_child(Verbatim(block), name="safemap_data")
        code = "".join(asset(f"{name}.js") for name in SCRIPTS)
        figure.script.add_child(Verbatim(f"{code}safemap.start({map_name});\n"), name="safemap_script")


@cache
def asset(name: str) -> str:
    """One of the page's own files, as text."""
    return (resources.files("safemap.maps") / "assets" / name).read_text(encoding="utf-8")


def page_words(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Language -> the words this page can show: those its scripts name and those its data name.

    Parameters
    ----------
    data : dict
        The data of the page, without words.
    """
    speaking = {
        key: value for key, value in data.items() if key not in ("geometry", "context", "names", "names_in")
    }
    named = "".join(asset(f"{name}.js") for name in SCRIPTS) + encode_data(speaking)
    reasons = {f"r_{step[0]}" for audit in data["audits"] for step in audit["aside"]}
    keys = {k for k in words("en") if f'"{k}"' in named} | reasons | {"language_name", "zoom_in", "zoom_out"}
    return {code: {k: w for k, w in words(code).items() if k in keys} for code in LANGUAGES}


def encode_data(data: Any) -> str:
    """JSON that can stand in a script block and be compiled as a template without harm.

    Braces are escaped inside texts only; the braces of JSON itself are never doubled before a text, because
    an object begins with a key.

    Examples
    --------
    >>> encode_data({"name": "</script>{{ 7*191 }}"})
    '{"name":"\\\\u003c/script\\\\u003e\\\\u007b\\\\u007b 7*191 \\\\u007d\\\\u007d"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)
    return _STRING.sub(lambda match: match.group().translate(_BRACES), text)


def clean_text(value: Any, *, longest: int = LONGEST_TEXT) -> str:
    """Text from data, fit to be shown: no control, direction or unpaired characters, spaces joined, cut
    when long.

    Direction controls could make one name rearrange the line it stands in; control characters have no
    picture.

    Examples
    --------
    >>> clean_text("San\\u202e Jos\\u00e9 \\n II")
    'San José II'
    """
    shown = (" " if c.isspace() else c for c in str(value) if c.isspace() or c in _JOINERS or _has_picture(c))
    kept = "".join(shown)
    joined = " ".join(kept.split())
    return joined if len(joined) <= longest else joined[: longest - 1].rstrip() + "…"


def _has_picture(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")
