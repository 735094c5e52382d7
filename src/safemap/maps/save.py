"""A map as one file that needs no network, written whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import warnings
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.errors import ConfigError, OutputError, PrivacyWarning
from safemap.maps.page import SafemapPage
from safemap.output.atomic import write_whole

if TYPE_CHECKING:
    import folium
    from branca.element import Element

_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.S | re.I)
_LINK = re.compile(r"<link\b([^>]*)>", re.I)
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style\s*>)", re.S | re.I)
_ATTRIBUTE = re.compile(r"""\b(src|href|type)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.I)
_LOADS = re.compile(
    r"<(?:script|link|img|iframe|object|embed|source|video|audio|use|image)\b[^>]*?\b(?:src|href|data|srcset)\s*="
    r"""\s*["']?\s*((?:https?:)?//[^\s"'>]+)""",
    re.I,
)
_CSS_LOADS = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^\s"')]+)""", re.I)
_LEAFLET_FILE = re.compile(r"/leaflet(?:@[\d.]+)?/(?:dist/|[\d.]+/)?leaflet(?:\.min)?\.(js|css)$")
_SOURCE_MAP = re.compile(r"\n//# sourceMappingURL=[^\n]*")

#: What folium loads for every map, by the part of the address that names it, and the elements that need it.
_FOLIUM_DEFAULTS: dict[str, tuple[str, ...]] = {
    "jquery": ("Popup", "LazyPopup", "GeoJsonPopup"),
    "awesome-markers": ("Icon",),
    "awesome.rotate": ("Icon",),
    "bootstrap": ("Icon", "Popup"),
    "fontawesome": ("Icon",),
}
#: Elements of folium that bring no data of their own.
_HARMLESS = {"SafemapPage", "GlobalSwitches", "FitBounds", "Verbatim", "Element", "Figure", "LayerControl"}
_WARN_BYTES = 20_000_000


def save_map(m: folium.Map, path: str | os.PathLike[str], *, offline: bool = True) -> Path:
    """Write a map as one HTML file.

    The map is rendered once and its text is never compiled again. Leaflet is put into the file from a copy
    that comes with safemap, and a Content-Security-Policy allows the scripts in the file (by their SHA-256)
    and nothing else. The file is written whole or not at all; the same map gives the same bytes.

    Parameters
    ----------
    m : folium.Map
        What :func:`safemap.explore` returned, with or without layers added since.
    path : path-like
        The file to write; its folder must exist.
    offline : bool
        True: nothing is loaded from a network, and it is an error if something would have to be. False:
        links of layers that safemap did not make stay, and their hosts are allowed by the policy.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    OutputError
        The file could not be written, or (offline) something in the map needs the network.

    Warns
    -----
    PrivacyWarning
        The map holds layers that safemap did not make; it cannot say what is in them.
    """
    import folium

    if not isinstance(m, folium.Map):
        raise ConfigError(
            f"save_map expects a folium.Map, such as explore() returns; got {type(m).__name__}."
        )
    name = Path(path).name
    foreign = _foreign(m)
    html = m.get_root().render()
    html = _fix_ids(html, m.get_root()).replace("\r\n", "\n").replace("\r", "\n")
    if offline:
        html = _inline(html, kinds={type(e).__name__ for e in _walk(m)})
        _refuse_remaining(html, name)
    page = next((e for e in m._children.values() if isinstance(e, SafemapPage)), None)
    html = _with_head(html, page, offline=offline)
    if foreign:
        warnings.warn(_vouch(foreign, offline=offline), PrivacyWarning, stacklevel=2)
    content = html.encode("utf-8")
    if len(content) > _WARN_BYTES:
        warnings.warn(
            f"{name} has {len(content) / 1e6:.0f} MB; many browsers will struggle.",
            PrivacyWarning,
            stacklevel=2,
        )
    return write_whole(path, content)


def _walk(element: Element) -> Iterator[Element]:
    for child in element._children.values():
        yield child
        yield from _walk(child)


def _foreign(m: folium.Map) -> list[str]:
    """Kinds of elements on the map that safemap did not make."""
    kinds = {type(child).__name__ for child in _walk(m)} - _HARMLESS
    return sorted(kinds)


def _vouch(kinds: list[str], *, offline: bool) -> str:
    tiles = (
        " Tiles stay empty without a network." if offline and any("Tile" in kind for kind in kinds) else ""
    )
    return (
        f"This map holds layers that safemap did not make: {', '.join(kinds)}. It cannot vouch for what they "
        f"show, load or run, and its rules on withheld cells do not reach them.{tiles}"
    )


def _fix_ids(html: str, root: Element) -> str:
    """Number the random ids of folium's elements as they appear, so that reruns are equal."""
    tree = [root, *_walk(root)]
    for part in ("header", "html", "script"):
        tree += list(_walk(getattr(root, part)))
    ids = sorted({e._id for e in tree if re.fullmatch(r"[0-9a-f]{32}", e._id)})
    if not ids:
        return html
    pattern = re.compile("|".join(ids))
    numbered: dict[str, str] = {}
    return pattern.sub(lambda found: numbered.setdefault(found.group(), f"{len(numbered):08d}"), html)


def _inline(html: str, *, kinds: set[str]) -> str:
    """Put Leaflet into the page and leave out what folium loads for every map and this one does not need."""

    def script(tag: re.Match[str]) -> str:
        source = _attribute(tag.group(1), "src")
        if source is None:
            return tag.group(0)
        if _LEAFLET_FILE.search(source):
            return f"<script>{_SOURCE_MAP.sub('', vendored('leaflet.js'))}</script>"
        return "" if _dispensable(source, kinds) else tag.group(0)

    def link(tag: re.Match[str]) -> str:
        target = _attribute(tag.group(1), "href")
        if target is None:
            return tag.group(0)
        if _LEAFLET_FILE.search(target):
            return f"<style>\n{_with_images(vendored('leaflet.css'))}</style>"
        return "" if _dispensable(target, kinds) else tag.group(0)

    return _SCRIPT.sub(script, _outside_scripts(html, _LINK, link))


def _outside_scripts(html: str, pattern: re.Pattern[str], change: Any) -> str:
    """Apply a change to the markup only, never to what stands inside scripts."""
    parts, position = [], 0
    for found in _SCRIPT.finditer(html):
        parts += [pattern.sub(change, html[position : found.start()]), found.group(0)]
        position = found.end()
    return "".join([*parts, pattern.sub(change, html[position:])])


def _dispensable(url: str, kinds: set[str]) -> bool:
    needed_by = next((needs for part, needs in _FOLIUM_DEFAULTS.items() if part in url), None)
    return needed_by is not None and not kinds & set(needed_by)


def _attribute(tag: str, name: str) -> str | None:
    found = (m.group(2).strip("\"'") for m in _ATTRIBUTE.finditer(tag) if m.group(1).lower() == name)
    return next(found, None)


@cache
def vendored(name: str) -> str:
    """A file of Leaflet that comes with safemap, checked against its SHA-256."""
    content = _asset(name)
    if hashlib.sha256(content).hexdigest() != _checksums()[name]:
        raise OutputError(
            f"The copy of {name} that comes with safemap was changed: install safemap again.", file=name
        )
    return content.decode("utf-8")


def _asset(name: str) -> bytes:
    return (resources.files("safemap.maps") / "assets" / "leaflet" / name).read_bytes()


@cache
def _checksums() -> dict[str, str]:
    lines = _asset("CHECKSUMS").decode("ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line.strip())}


def _with_images(css: str) -> str:
    """Leaflet's style with its images as data."""

    def image(found: re.Match[str]) -> str:
        return f"url(data:image/png;base64,{base64.b64encode(_asset(found.group(1))).decode('ascii')})"

    return re.sub(r"url\((images/[\w.-]+)\)", image, css)


def _refuse_remaining(html: str, name: str) -> None:
    """Raise if anything in the markup or the styles would still be loaded from a network."""
    markup = _SCRIPT.sub(lambda tag: f"<script{tag.group(1)}>", html)
    left = _LOADS.findall(markup) + [
        u for style in _STYLE.finditer(html) for u in _CSS_LOADS.findall(style.group(2))
    ]
    if left:
        raise OutputError(
            f"{name} was not written: {len(left)} file(s) would still be loaded from a network, "
            f"e.g. {left[0]}. "
            "Take the layer that needs it off the map (folium.Popup and folium.Icon need several), "
            "or save with offline=False.",
            urls=left,
        )


def _with_head(html: str, page: SafemapPage | None, *, offline: bool) -> str:
    """Language, title and policy, before anything else in the head."""
    data = page.data if page is not None else {"language": "en", "title": None}
    title = f"<title>{escape(data['title'])}</title>\n" if data["title"] else ""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_policy(html, offline=offline)}">'
    html = html.replace("<html>", f'<html lang="{escape(data["language"])}">', 1)
    head = f'<head>\n<meta charset="utf-8">\n{policy}\n{title}'
    return html.replace("<head>", head, 1)


def _policy(html: str, *, offline: bool) -> str:
    """Only the scripts in the page, by their digest; no connection, no form, no frame, images as data."""
    digests, hosts = [], set()
    for tag in _SCRIPT.finditer(html):
        source = _attribute(tag.group(1), "src")
        if source is not None:
            hosts.add(source)
        elif (_attribute(tag.group(1), "type") or "").lower() != "application/json":
            digest = base64.b64encode(hashlib.sha256(tag.group(2).encode("utf-8")).digest()).decode("ascii")
            digests.append(f"'sha256-{digest}'")
    styles = (
        {u for t in _LINK.finditer(html) if (u := _attribute(t.group(1), "href"))} if not offline else set()
    )
    rules = {
        "default-src": ["'none'"],
        "script-src": [*dict.fromkeys(digests), *(sorted(hosts) if not offline else [])] or ["'none'"],
        "style-src": ["'unsafe-inline'", *sorted(styles)],
        "img-src": ["data:"] if offline else ["data:", "https:"],
        "font-src": ["data:"] if offline else ["data:", "https:"],
        "connect-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(f"{rule} {' '.join(sources)}" for rule, sources in rules.items())
