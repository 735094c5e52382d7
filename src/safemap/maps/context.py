"""Layers for orientation: neighbouring districts, roads, rivers, stations, from local files.

Only geometry and one column of names go into the page, cut to the surroundings of the study area and
bounded in size.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from safemap.errors import ConfigError, CRSError, InputError
from safemap.maps.geometry import PRECISION, encode, encode_path
from safemap.maps.page import clean_text

if TYPE_CHECKING:
    import geopandas as gpd

    Source: TypeAlias = str | os.PathLike[str] | gpd.GeoDataFrame | tuple[Any, str]
    ContextLike: TypeAlias = Source | Sequence[Source] | Mapping[str, Source] | None
else:
    ContextLike = Any

#: Features and vertices one context layer may bring into the page.
MAX_FEATURES, MAX_VERTICES = 4_000, 40_000
#: How far around the study area context is kept, as a share of its longer side.
_MARGIN = 0.6


def read_context(
    context: ContextLike,
    *,
    bounds: tuple[float, float, float, float],
    study: gpd.GeoDataFrame,
    neighbours: ContextLike = None,
) -> list[dict[str, Any]]:
    """Context layers as plain data: a name, and coded polygons, lines and points with their names.

    Parameters
    ----------
    context : path, GeoDataFrame, tuple, list or dict
        See :func:`safemap.explore`.
    bounds : (west, south, east, north)
        Of the study area, in degrees.
    study : GeoDataFrame
        The areas, so that a district that lies under them is not named twice.
    neighbours : path, GeoDataFrame, list or dict, optional
        Units around the study area, such as the districts the areas lie in (``JoinResult.levels``). They
        come first, lie below everything else, and have no row in the legend.
    """
    around, sources = _named(neighbours), _named(context)
    if not around and not sources:
        return []
    west, south, east, north = bounds
    margin = _MARGIN * max(east - west, north - south)
    window = (west - margin, south - margin, east + margin, north + margin)
    inside = _flat_union(study)
    land = [_one("", source, window, inside) for _, source in around]
    for layer in land:
        if layer["lines"] or layer["points"]:
            raise InputError("neighbours are areas, such as districts. Give lines and points as context.")
    kept = [{**layer, "polygons": [p for p in layer["polygons"] if p[2]]} for layer in land]
    return [
        *(layer for layer in kept if layer["polygons"]),
        *(_one(name, source, window, inside) for name, source in sources),
    ]


def _named(context: ContextLike) -> list[tuple[str, Any]]:
    if context is None:
        return []
    if isinstance(context, Mapping):
        return [(str(name), source) for name, source in context.items()]
    if isinstance(context, list):
        return [("", source) for source in context]
    return [("", context)]


def _one(name: str, source: Any, window: tuple[float, float, float, float], inside: Any) -> dict[str, Any]:
    import shapely

    data, column = _load(source)
    if data.crs is None:
        raise CRSError(
            "A context layer has no coordinate reference system. Set one, e.g. data.set_crs(4326)."
        )
    data = data.to_crs(4326)
    data = data[data.geometry.notna() & ~data.geometry.is_empty]
    data = data.assign(geometry=shapely.make_valid(np.asarray(data.geometry.array))).set_geometry("geometry")
    data = data.clip(shapely.box(*window))  # sorted below, so that the order does not depend on the clip
    data = data.explode(index_parts=False).sort_index(kind="stable") if len(data) else data
    if len(data) > MAX_FEATURES:
        raise InputError(
            f"A context layer has {len(data):,} features around the study area; "
            f"{MAX_FEATURES:,} are allowed. "
            "Keep what helps a reader find the way: main roads, rivers, stations."
        )
    geometries = _thin(np.asarray(data.geometry.array))
    names = (
        [""] * len(data)
        if column is None
        else ["" if n is None or n != n else clean_text(n) for n in data[column]]
    )
    out: dict[str, Any] = {"name": clean_text(name), "polygons": [], "lines": [], "points": []}
    for geometry, label in zip(geometries, names, strict=True):
        _file(out, geometry, label, inside)
    return out


def _load(source: Any) -> tuple[gpd.GeoDataFrame, str | None]:
    import geopandas as gpd

    column = None
    if isinstance(source, tuple):
        source, column = source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.exists():
            raise InputError(f"The context file {path.name} was not found. Give the path of a local file.")
        source = gpd.read_file(path)
    if not isinstance(source, gpd.GeoDataFrame):
        raise ConfigError(f"context takes paths and GeoDataFrames; got {type(source).__name__}.")
    if column is None:
        column = next((c for c in source.columns if str(c).lower() == "name"), None)
    elif column not in source.columns:
        raise InputError(
            f"A context layer has no column {column!r}; it has {', '.join(map(str, source.columns))}."
        )
    return source, column


def _thin(geometries: np.ndarray) -> np.ndarray:
    """Simplify until the vertices fit; polygons as a coverage, so that neighbours keep their border."""
    import shapely

    polygons = shapely.get_dimensions(geometries) == 2
    tolerance = 0.00002
    thin = geometries
    while shapely.get_num_coordinates(thin).sum() > MAX_VERTICES and tolerance < 1:
        thin = geometries.copy()
        thin[polygons] = shapely.coverage_simplify(geometries[polygons], tolerance)
        thin[~polygons] = shapely.simplify(geometries[~polygons], tolerance)
        tolerance *= 2
    return thin


def _file(out: dict[str, Any], geometry: Any, label: str, inside: Any) -> None:
    """Put one feature under polygons, lines or points."""
    import shapely

    kind = geometry.geom_type
    if kind == "Polygon":
        rest = shapely.difference(geometry, inside)
        spot = None
        if rest.area > 0.5 * geometry.area:  # a district that lies under the areas has its name there
            part = max(shapely.get_parts(rest), key=lambda g: g.area)
            x, y = shapely.get_coordinates(_centre(part))[0]
            spot = [round(x * PRECISION), round(y * PRECISION)]
        out["polygons"].append([encode(geometry), label, spot])
    elif kind in ("LineString", "LinearRing"):
        path = encode_path(geometry)
        if len(path) >= 4:
            out["lines"].append([path, label])
    elif kind == "Point":
        out["points"].append([round(geometry.x * PRECISION), round(geometry.y * PRECISION), label])


def _centre(polygon: Any) -> Any:
    """Centre of the largest circle inside `polygon`."""
    import shapely

    return shapely.maximum_inscribed_circle(polygon, tolerance=math.sqrt(polygon.area) / 25 or 1e-9)


def _flat_union(study: gpd.GeoDataFrame) -> Any:
    import shapely

    return shapely.union_all(np.asarray(study.geometry.to_crs(4326).array), grid_size=1 / PRECISION)
