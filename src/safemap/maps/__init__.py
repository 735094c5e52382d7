"""Maps: results in; a ``folium.Map``, one offline file or a printed figure out; their libraries load late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safemap.maps.figures.choropleth import static_map
    from safemap.maps.interactive import explore
    from safemap.maps.save import save_map

__all__ = ["explore", "save_map", "static_map"]


def __getattr__(name: str) -> Any:
    if name == "explore":
        from safemap.maps.interactive import explore

        return explore
    if name == "save_map":
        from safemap.maps.save import save_map

        return save_map
    if name == "static_map":
        from safemap.maps.figures.choropleth import static_map

        return static_map
    raise AttributeError(f"module 'safemap.maps' has no attribute {name!r}")
