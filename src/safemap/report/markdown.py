"""Text from data inside Markdown: shown as it is, never taken as markup."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+|~!<>&$:@=-])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", ":": "&#58;", "@": "&#64;"}


def plain(text: object) -> str:
    """`text` as one line in which no character is markup, HTML or a link by itself.

    Examples
    --------
    >>> plain("<b>*Robo*</b>")
    '&lt;b&gt;\\\\*Robo\\\\*&lt;/b&gt;'
    """
    line = " ".join(str(text).split())
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[1], "\\" + found[1]), line)
