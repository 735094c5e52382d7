"""Options known from ``GeoDataFrame.explore``: taken where they make sense, refused with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from safemap.errors import ConfigError

if TYPE_CHECKING:
    import folium

_COLOURS = "colours are bound to what a layer shows and tested for everyone's eyes, so they cannot be chosen"
_LOOK = "the look of areas is fixed, so that legend, card, table and print agree"
_POINTS = "points of incidents are never drawn; give roads and stations as context="
_COLUMNS = "a map shows only the columns in safemap.maps.layers.SHOWN_COLUMNS, after the registry"
_OWN_MAP = "make the map yourself and give it as m="

#: Option of ``GeoDataFrame.explore`` -> why it is not one here.
REFUSED: dict[str, str] = {
    "column": "a result knows what it shows; for a plain column use GeoDataFrame.explore(column, m=the_map)",
    "cmap": _COLOURS,
    "color": _COLOURS,
    "categorical": "classes come from the result",
    "categories": "classes come from the result",
    "classification_kwds": "give the limits of the classes as breaks=",
    "vmin": "give the limits of the classes as breaks=",
    "vmax": "give the limits of the classes as breaks=",
    "highlight": _LOOK,
    "highlight_kwds": _LOOK,
    "style_kwds": _LOOK,
    "missing_kwds": "what is missing has a texture and a row of its own in every legend",
    "legend_kwds": "the legend is bound to the layer; legend=False leaves it out",
    "tooltip_kwds": _LOOK,
    "popup_kwds": _LOOK,
    "marker_type": _POINTS,
    "marker_kwds": _POINTS,
    "control_scale": 'give controls= without "scale" to leave the scale bar out',
    "map_kwds": _OWN_MAP,
    "prefer_canvas": "a canvas is taken by itself from 2,000 areas on",
}


def refuse(others: Mapping[str, Any]) -> None:
    """Raise for options that `explore` does not take, with the reason.

    Raises
    ------
    ConfigError
    """
    for name in others:
        if name in REFUSED:
            raise ConfigError(f"explore() takes no {name}: {REFUSED[name]}.")
        raise ConfigError(
            f"explore() has no option {name!r}. See help(safemap.explore) for those it has; results go first "
            "and have no name."
        )


def hidden_parts(*, tooltip: Any, popup: Any, legend: Any) -> list[str]:
    """Parts of the page that are switched off; columns cannot be chosen."""
    asked = {"tooltip": tooltip, "popup": popup, "legend": legend}
    for name, value in asked.items():
        if not isinstance(value, bool):
            raise ConfigError(f"{name} may be True or False; {_COLUMNS}.")
    return [name for name, value in asked.items() if not value]


def check_k(k: int | None, scheme: str | None) -> None:
    """`k` is a number of classes in ``GeoDataFrame.explore`` and a smallest count here: never guess."""
    if k is not None and scheme is not None:
        raise ConfigError(
            "With scheme=, k could be meant as a number of classes. There are always five; k is the smallest "
            "count that is shown. Give registry=Registry(k=...) to set it together with a scheme."
        )


def add_tiles(m: folium.Map, tiles: Any, attribution: str | None) -> None:
    """Put tiles under the layers; they need a network, which the saved file by itself does not."""
    import folium

    if tiles is None:
        if attribution is not None:
            raise ConfigError("attr says whose tiles they are; give tiles= as well.")
        return
    layer = tiles
    if not isinstance(tiles, folium.TileLayer):
        try:
            layer = folium.TileLayer(tiles, attr=attribution)
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(
                "tiles must be a name folium knows, an address with {z}/{x}/{y} and attr=, or a TileLayer; "
                f"{error}"
            ) from error
    m.add_child(layer)


def set_size(m: folium.Map, width: Any, height: Any) -> None:
    """Size of the frame in a notebook; the saved page always fills its window."""
    root = m.get_root()
    for name, value in (("width", width), ("height", height)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float | str) or not value:
            raise ConfigError(f"{name} must be a number of pixels or a text such as '100%'; got {value!r}.")
        setattr(root, name, value if isinstance(value, str) else f"{value:g}px")
