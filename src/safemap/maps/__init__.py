"""Interactive maps: results in, a ``folium.Map`` or one offline file out; folium is loaded late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safemap.maps.interactive import explore
    from safemap.maps.save import save_map

__all__ = ["explore", "save_map"]


def __getattr__(name: str) -> Any:
    if name == "explore":
        from safemap.maps.interactive import explore

        return explore
    if name == "save_map":
        from safemap.maps.save import save_map

        return save_map
    raise AttributeError(f"module 'safemap.maps' has no attribute {name!r}")
