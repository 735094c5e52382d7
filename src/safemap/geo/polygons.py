"""Geometries of areas: polygons only, valid, flat; every change on record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.errors import AlignmentError, CRSError, GeometryError, InputError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_POLYGON, _MULTIPOLYGON, _COLLECTION = 3, 6, 7
_MISSING = -1


def only_polygons(geometry: gpd.GeoSeries, *, source: str) -> tuple[gpd.GeoSeries, dict[str, Any]]:
    """Valid two-dimensional polygons, with a record of what was changed.

    Parameters
    ----------
    geometry : GeoSeries
        Index: ids of the areas.
    source : str
        Name of the file for messages.

    Returns
    -------
    polygons : GeoSeries
        Polygons and multipolygons, same index.
    record : dict
        ``repaired`` (id to the reason it was invalid), ``collections`` (ids of which only the areas were
        kept), ``flattened`` (number of geometries that had a third dimension).

    Raises
    ------
    GeometryError
        If geometries are missing, empty, or hold no area.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import Polygon
    >>> bow = gpd.GeoSeries([Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], index=["a"])
    >>> only_polygons(bow, source="areas")[1]["repaired"]
    {'a': 'Self-intersection'}
    """
    import geopandas as gpd
    import shapely

    ids, shapes = geometry.index, geometry.to_numpy()
    kinds = shapely.get_type_id(shapes)
    _refuse(ids, (kinds == _MISSING) | shapely.is_empty(shapes), "have no geometry", source)
    areal = np.isin(kinds, (_POLYGON, _MULTIPOLYGON, _COLLECTION))
    _refuse(ids, ~areal, "are points or lines where areas were expected", source)
    deep = shapely.has_z(shapes)
    shapes = shapely.force_2d(shapes)
    collections = kinds == _COLLECTION
    shapes[collections] = [_areal_parts(shape) for shape in shapes[collections]]
    _refuse(ids, shapely.is_empty(shapes), "are collections that hold no area", source)
    invalid = ~shapely.is_valid(shapes)
    reasons = {
        str(area): re.sub(r"\s*\[.*", "", str(why))
        for area, why in zip(ids[invalid], shapely.is_valid_reason(shapes[invalid]), strict=True)
    }
    shapes[invalid] = [
        _areal_parts(s) for s in shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    ]
    _refuse(ids, shapely.is_empty(shapes), "have no area left after repair", source)
    record = {
        "repaired": reasons,
        "collections": [str(i) for i in ids[collections]],
        "flattened": int(deep.sum()),
    }
    return gpd.GeoSeries(shapes, index=ids, crs=geometry.crs), record


def _areal_parts(shape: Any) -> Any:
    """The polygons inside a geometry, as one geometry; empty if there are none."""
    import shapely

    if shapely.get_type_id(shape) in (_POLYGON, _MULTIPOLYGON):
        return shape
    if shapely.get_type_id(shape) != _COLLECTION:
        return shapely.Polygon()
    parts = [p for part in shapely.get_parts(shape) for p in shapely.get_parts(_areal_parts(part))]
    parts = [p for p in parts if shapely.get_type_id(p) == _POLYGON and not p.is_empty]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts) if parts else shapely.Polygon()


def _refuse(ids: pd.Index, bad: NDArray[np.bool_], what: str, source: str) -> None:
    if not bad.any():
        return
    raise GeometryError(
        f"{source}: {int(bad.sum())} of {len(ids)} areas {what}: "
        f"{', '.join(map(repr, ids[bad][:5].tolist()))}{' ...' if bad.sum() > 5 else ''}. Correct them, or "
        "leave them out of the file.",
        ids=ids[bad][:100].tolist(),
    )


def require_areas(areas: Any, *, argument: str = "areas") -> gpd.GeoDataFrame:
    """The frame of `areas` (a frame or a result), after checking that it can be joined to.

    Raises
    ------
    InputError, CRSError, AlignmentError, GeometryError
        If it is no GeoDataFrame, is empty, has no CRS, repeats ids, or holds anything but polygons.
    """
    import geopandas as gpd
    import shapely

    frame = getattr(areas, "frame", areas)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(
            f"{argument} must be a GeoDataFrame, as read_areas gives it; got {type(areas).__name__}."
        )
    if frame.empty:
        raise InputError(f"{argument} holds no areas.")
    if frame.crs is None:
        raise CRSError(f"{argument} has no coordinate system. State it, e.g. areas.set_crs('EPSG:4326').")
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()][:3].tolist()
        raise AlignmentError(f"{argument}: ids must be unique, but {twice} occur more than once.")
    shapes = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(shapes)
    bad = ~np.isin(kinds, (_POLYGON, _MULTIPOLYGON)) | shapely.is_empty(shapes)
    _refuse(frame.index, bad, "are not polygons", argument)
    _refuse(frame.index, ~shapely.is_valid(shapes), "are invalid (read_areas repairs them)", argument)
    return frame


def with_text_ids(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """`areas` with ids as text, under which joined incidents refer to them; itself where they are already."""
    ids = areas.index.astype(str)
    if areas.index.name == "area_id" and all(isinstance(i, str) for i in areas.index):
        return areas
    if not ids.is_unique:
        twice = ids[ids.duplicated()][:3].tolist()
        raise AlignmentError(f"Ids of areas must differ as text, but {twice} occur more than once.")
    return areas.set_axis(ids.rename("area_id"))
