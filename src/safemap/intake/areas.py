"""Areas: a file of boundaries becomes a frame of valid polygons with text ids and, if given, population."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import CRSError, InputError
from safemap.geo.coordinates import as_crs, crs_name
from safemap.geo.polygons import only_polygons
from safemap.intake.columns import is_missing, require_columns
from safemap.intake.numbers import read_numbers
from safemap.intake.tables import existing_file, read_layer, read_table

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def read_areas(
    path: str | Path | gpd.GeoDataFrame,
    *,
    id: str,
    name: str | None = None,
    population: str | None = None,
    layer: str | None = None,
    crs: Any = None,
    names: Mapping[str, str] | None = None,
    keep: Sequence[str] | None = None,
) -> gpd.GeoDataFrame:
    """Read the areas of an assessment: neighbourhoods, wards, districts.

    Parameters
    ----------
    path : path or GeoDataFrame
        GeoPackage, GeoJSON, shapefile (also zipped), KML, GeoParquet, or a frame.
    id : str
        Column that identifies an area. Becomes the index as text; leading zeros are kept.
    name, population : str, optional
        Columns with the name and with the number of inhabitants.
    layer : str, optional
        Layer of the file, where there are several.
    crs : any, optional
        Coordinate system, where the file names none.
    names : mapping, optional
        Language code to column with the name in that language; become ``name_<code>``.
    keep : sequence of str, optional
        Other columns to keep. Default: all.

    Returns
    -------
    geopandas.GeoDataFrame
        Index ``area_id``; columns ``name``, ``population`` (float, NaN where missing) where given, the other
        columns, ``geometry``. ``attrs["safemap"]`` holds what was read and repaired as plain values.

    Raises
    ------
    CRSError
        If no coordinate system is known, or the coordinates contradict it.
    InputError
        If a column is missing, ids are missing or repeated, a population is negative or no number, or the
        file has several layers.
    GeometryError
        If geometries are missing, or are no areas.

    Notes
    -----
    Invalid geometries are repaired (``make_valid``, method "structure"); of geometry collections the areas
    are kept; a third dimension is left out. Each of these is recorded with the ids.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> frame = gpd.GeoDataFrame({"cve": ["007"], "pop": ["1 200"]}, geometry=[box(0, 0, 1, 1)], crs=4326)
    >>> areas = read_areas(frame, id="cve", population="pop")
    >>> areas.index.tolist(), areas["population"].tolist()
    (['007'], [1200.0])
    """
    import geopandas as gpd

    frame, facts = _read(path, layer)
    source = facts["source"]
    roles = {"id": id, "name": name, "population": population}
    languages = {f"name_{code}": column for code, column in (names or {}).items()}
    attributes = [c for c in frame.columns if c != frame.geometry.name]
    require_columns(attributes, {**roles, **languages}, source=source)
    require_columns(attributes, {f"keep[{i}]": c for i, c in enumerate(keep or ())}, source=source)
    if frame.empty:
        raise InputError(
            f"{source} holds no areas. Check that the export finished and the right layer was named."
        )
    system = _system(frame, crs, source)
    frame = frame.set_index(_ids(frame[id], source), drop=False)
    geometry, repairs = only_polygons(frame.geometry.set_crs(system, allow_override=True), source=source)
    own: dict[str, Any] = {}
    if name is not None:
        own["name"] = frame[name].astype(str).where(~is_missing(frame[name]), None)
    if population is not None:
        own["population"] = _population(frame[population], source)
    for column, original in languages.items():
        own[column] = frame[original].astype(str).where(~is_missing(frame[original]), None)
    others = [c for c in attributes if (keep is None or c in keep) and c not in own]
    table = frame[others].assign(**own)[[*own, *others]]
    table.index.name = "area_id"
    areas = gpd.GeoDataFrame(table, geometry=geometry.to_numpy(), crs=system)
    used = {role: column for role, column in {**roles, **languages}.items() if column is not None}
    areas.attrs["safemap"] = {
        **facts, "kind": "areas", "crs": crs_name(system), "rows": len(areas), "roles": used, **repairs,
        "without_population": int(areas["population"].isna().sum()) if population else None,
    }  # fmt: skip
    return areas


def _read(path: str | Path | gpd.GeoDataFrame, layer: str | None) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """The frame as it is in the file, and where it came from."""
    import geopandas as gpd
    import pandas as pd

    if isinstance(path, gpd.GeoDataFrame):
        named = path.reset_index() if path.index.name and path.index.name not in path.columns else path
        return _text_columns(named), {"source": "frame", "layer": None, "notes": []}
    if isinstance(path, pd.DataFrame):
        raise InputError(
            "read_areas needs geometries; got a frame without. Give a GeoDataFrame or a geographic file."
        )
    file = existing_file(path)
    if file.suffix.lower() in (".parquet", ".geoparquet"):
        raw = read_table(file)
        if raw.points is None:
            raise InputError(
                f"{file.name} is a Parquet file without geometries. Give GeoParquet or another format."
            )
        frame = gpd.GeoDataFrame(raw.frame, geometry=raw.points.to_numpy(), crs=raw.points.crs)
        return frame, {"source": file.name, "layer": None, "notes": []}
    frame, name, notes = read_layer(file, layer)
    return _text_columns(frame), {"source": file.name, "layer": name, "notes": list(notes)}


def _text_columns(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    out = frame.copy()
    out.attrs = {}
    out.columns = [str(c) for c in frame.columns]
    return out.set_geometry(str(frame.geometry.name)).reset_index(drop=True)


def _system(frame: gpd.GeoDataFrame, crs: Any, source: str) -> Any:
    """The coordinate system of the file, or the stated one; the coordinates must be possible in it."""
    bounds = frame.total_bounds
    degrees = bool(np.all(np.abs(bounds[[0, 2]]) <= 180.5) and np.all(np.abs(bounds[[1, 3]]) <= 90.5))
    if frame.crs is None and crs is None:
        advice = (
            "The coordinates lie within 180 and 90: if they are degrees on WGS 84, state crs='EPSG:4326'."
            if degrees
            else "The coordinates are too large for degrees: ask the provider, and state the system, e.g. "
            "crs='EPSG:32614' (a UTM zone)."
        )
        raise CRSError(
            f"{source} names no coordinate system (for a shapefile: no .prj). {advice}", degrees=degrees
        )
    if (
        frame.crs is not None
        and crs is not None
        and not as_crs(frame.crs).equals(as_crs(crs), ignore_axis_order=True)
    ):
        raise CRSError(
            f"{source} says it is in {crs_name(frame.crs)}, but crs={crs_name(crs)} was given. Leave crs "
            "out, or correct the file."
        )
    system = as_crs(frame.crs if frame.crs is not None else crs)
    if system.is_geographic and not degrees:
        raise CRSError(
            f"{source} is said to be in {crs_name(system)} (degrees), but its coordinates exceed 180 or "
            "90, as metres do. Correct the file, or set the right system in it."
        )
    if system.is_projected and degrees and max(bounds[2] - bounds[0], bounds[3] - bounds[1]) < 5:
        raise CRSError(
            f"{source} is said to be in {crs_name(system)} (metres), but all areas would fit into 5 "
            "metres; the coordinates look like degrees. Check the system."
        )
    return system


def _ids(values: pd.Series, source: str) -> pd.Index:
    """Ids as text; whole numbers without a decimal point."""
    import pandas as pd

    column = str(values.name)
    missing = is_missing(values)
    if missing.any():
        raise InputError(
            f"{source}: {int(missing.sum())} of {len(values)} areas have no id in column {column!r} (the "
            f"first is feature {int(np.flatnonzero(missing)[0]) + 1}). Fill them in, or name another "
            "column with id=.",
            column=column,
        )
    text = _id_text(values)
    repeated = text[text.duplicated(keep=False)]
    if len(repeated):
        which = list(dict.fromkeys(repeated))
        raise InputError(
            f"{source}: column {column!r} is no id: {len(which)} values occur more than once, e.g. "
            f"{', '.join(map(repr, which[:5]))}. Name the column with the code, or dissolve the parts of "
            "an area first.",
            column=column,
            ids=which[:100],
        )
    return pd.Index(text, name="area_id")


def _id_text(values: pd.Series) -> pd.Series:
    if values.dtype.kind == "f" and (values % 1 == 0).all():
        values = values.astype("int64")
    text = values.astype(str).str.strip()
    whole = text.str.fullmatch(r"\d+\.0") if values.dtype.kind == "O" else None
    return text if whole is None or not whole.all() else text.str.replace(re.compile(r"\.0$"), "", regex=True)


def _population(values: pd.Series, source: str) -> np.ndarray:
    numbers = read_numbers(values, source=source)
    for bad, what in ((numbers.unreadable, "no number"), (numbers.values < 0, "negative")):
        if bad.any():
            ids = values.index[bad]
            raise InputError(
                f"{source}: column {values.name!r} should hold inhabitants, but is {what} for "
                f"{int(bad.sum())} areas, e.g. {', '.join(map(repr, ids[:5]))}. Correct them, or leave "
                "them empty if unknown.",
                column=str(values.name),
                ids=ids[:100].tolist(),
            )
    return numbers.values
