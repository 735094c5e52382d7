"""All results of one set of areas as one GeoPackage layer, for QGIS and ArcGIS.

One layer ``areas`` with short ASCII names, classes as code and label, and a table ``data_dictionary`` that
says what each field means. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import os
import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap.disclosure.registry import Registry
from safemap.errors import AlignmentError, ConfigError
from safemap.output.atomic import write_whole
from safemap.output.tables import SIGNIFICANT_DIGITS, WHOLE_COLUMNS

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap.results import Result

LAYER = "areas"
DICTIONARY = "data_dictionary"


class Field(NamedTuple):
    """A field of the layer: where it comes from and what it means."""

    name: str
    column: str
    meaning: str


_BASE = (
    Field("name", "name", "name of the area"),
    Field("events", "events", "recorded events in the period; empty where withheld"),
    Field("population", "population", "residents"),
)

#: Fields of each kind of result, beside the shared ones. Classes become two fields, <prefix>_code and _class.
FIELDS: dict[str, tuple[Field, ...]] = {
    "rates": (
        Field("rate", "estimate", "rate of recorded events"),
        Field("rate_low", "conf_low", "lower limit of the interval of the rate"),
        Field("rate_high", "conf_high", "upper limit of the interval of the rate"),
        Field("rate_qual", "quality", "publish, review or suppress: how far the rate can be relied on"),
    ),
    "smoothed_rates": (Field("rate_eb", "estimate", "rate drawn to the overall rate (empirical Bayes)"),),
    "local_moran": (
        Field("neighbours", "neighbours", "number of neighbouring areas"),
        Field("lm_stat", "statistic", "local Moran statistic"),
        Field("lm_z", "z_score", "local Moran, z score from permutations"),
        Field("lm_p", "p_value", "local Moran, p value"),
        Field("lm_p_adj", "p_adjusted", "local Moran, p value adjusted for the number of areas"),
    ),
    "local_getis_ord": (
        Field("neighbours", "neighbours", "number of neighbouring areas"),
        Field("gi_stat", "statistic", "Getis-Ord statistic"),
        Field("gi_z", "z_score", "Getis-Ord, z score"),
        Field("gi_p", "p_value", "Getis-Ord, p value"),
        Field("gi_p_adj", "p_adjusted", "Getis-Ord, p value adjusted for the number of areas"),
    ),
}  # fmt: skip
CLASS_PREFIX = {"local_moran": "lm", "local_getis_ord": "gi"}

#: Codes of the classes: local Moran as in GeoDa, Getis-Ord as Gi_Bin of ArcGIS; 90 and above: not tested.
CODES: dict[str, int] = {
    "not significant": 0,
    "high-high": 1, "low-low": 2, "low-high": 3, "high-low": 4,
    "hot-1": 3, "hot-5": 2, "hot-10": 1, "cold-10": -1, "cold-5": -2, "cold-1": -3,
    "no neighbours": 90, "no data": 91, "no variation": 92, "too few areas": 93, "too few events": 94,
    "withheld": 99,
}  # fmt: skip


def write_geopackage(
    path: str | os.PathLike[str],
    results: Sequence[Result],
    *,
    registry: Registry,
    date: str,
    description: str = "",
) -> Path:
    """Write results of the same areas as one GeoPackage, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file to write.
    results : sequence of Result
        Results of areas, at most one of each kind; the first gives names, counts and geometry.
    registry : Registry
        Decides what is withheld; what any of the results hides is hidden in all fields.
    date : str
        Day that the file says it was last changed (YYYY-MM-DD): a date of the data, not the clock.
    description : str
        Text beside the layer.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    AlignmentError
        The results are not of the same areas.
    OutputError
        The file could not be written; the earlier one is as it was.
    """
    registry = registry.register(*(result.frame for result in results))
    layer, meanings = combine(results, registry=registry)
    data = _with_dictionary(_as_bytes(layer), _dictionary(layer, meanings, results), date, description)
    return write_whole(path, data)


def combine(results: Sequence[Result], *, registry: Registry) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """One frame with the fields of all results, aligned by area id, and the meaning of each field."""
    import geopandas as gpd
    import pandas as pd

    kinds = [result.kind for result in results]
    if not kinds or len(set(kinds)) < len(kinds) or not set(kinds) <= set(FIELDS):
        raise ConfigError(f"A GeoPackage holds one result each of {', '.join(FIELDS)}; got {kinds}.")
    ids = results[0].frame.index
    columns: dict[str, Any] = {"area_id": pd.Series(ids.astype(str), index=ids)}
    meanings = {"area_id": "id of the area"}
    for number, result in enumerate(results):
        frame = _aligned(result, ids, registry)
        for field in (*(_BASE if number == 0 else ()), *FIELDS[result.kind]):
            if field.column in frame.columns and field.name not in columns:
                columns[field.name] = _plain(frame[field.column])
                meanings[field.name] = field.meaning
        if "cluster" in frame.columns and result.kind in CLASS_PREFIX:
            columns |= _classes(frame, CLASS_PREFIX[result.kind])
            meanings |= _class_meanings(CLASS_PREFIX[result.kind])
    columns["suppressed"] = registry.hidden(results[0].frame).to_numpy()
    meanings["suppressed"] = "true where counts are withheld, with everything computed from them"
    geometry = results[0].frame.geometry
    return gpd.GeoDataFrame(columns, index=ids, geometry=geometry.values, crs=geometry.crs), meanings


def _aligned(result: Result, ids: pd.Index, registry: Registry) -> pd.DataFrame:
    frame = registry.apply(result.frame.drop(columns="geometry", errors="ignore"))
    if len(frame) != len(ids) or not frame.index.isin(ids).all():
        raise AlignmentError(
            f"{result.kind} has {len(frame):,} areas and the first result {len(ids):,}, or other ids: "
            "compute all results from the same areas."
        )
    return frame.reindex(ids)


def _plain(column: pd.Series) -> Any:
    """A column with types that every GIS reads, numbers rounded to what they can bear."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(object).where(column.notna(), None)
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if column.name in WHOLE_COLUMNS and (np.isnan(values) | (values == np.round(values))).all():
        return pd.Series(values, index=column.index).astype("Int64")
    return [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values]


def _classes(frame: pd.DataFrame, prefix: str) -> dict[str, Any]:
    labels = frame["cluster"].astype(object).where(~frame["suppressed"], "withheld")
    codes = labels.map(CODES).astype("Int64")
    return {f"{prefix}_code": codes, f"{prefix}_class": labels}


def _class_meanings(prefix: str) -> dict[str, str]:
    used = ("high-high", "low-low", "low-high", "high-low")
    if prefix == "gi":
        used = ("hot-1", "hot-5", "hot-10", "cold-10", "cold-5", "cold-1")
    special = (
        "not significant",
        "no neighbours",
        "no data",
        "no variation",
        "too few areas",
        "too few events",
    )
    listed = ", ".join(f"{CODES[label]} {label}" for label in (*used, *special, "withheld"))
    name = {"lm": "local Moran", "gi": "Getis-Ord (hot or cold, with the false discovery rate in percent)"}[
        prefix
    ]
    return {f"{prefix}_code": f"class of {name}: {listed}", f"{prefix}_class": f"class of {name} in words"}


def _dictionary(
    layer: gpd.GeoDataFrame, meanings: Mapping[str, str], results: Sequence[Result]
) -> list[tuple[str, str, str, str]]:
    """Rows of the data dictionary: field, type, meaning, unit."""
    units = {"events": "events", "population": "residents"}
    for result in results:
        unit = str(result.settings.get("unit", ""))
        units |= {name: unit for name in ("rate", "rate_low", "rate_high") if result.kind == "rates"}
        units |= {"rate_eb": unit} if result.kind == "smoothed_rates" else {}
    types = {"i": "integer", "f": "real", "b": "boolean"}
    return [
        (name, types.get(layer[name].dtype.kind, "text"), meanings[name], units.get(name, ""))
        for name in layer.columns
        if name != "geometry"
    ]


def _as_bytes(layer: gpd.GeoDataFrame) -> bytes:
    """The layer as the bytes of a GeoPackage; made in memory, so that a full disk leaves no half of one."""
    import pyogrio

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # a made-up or missing coordinate system is the reader's business and was reported there
        warnings.filterwarnings("ignore", message=".*crs.*was not provided.*", category=UserWarning)
        pyogrio.write_dataframe(
            layer, buffer, driver="GPKG", layer=LAYER, geometry_type="MultiPolygon", promote_to_multi=True
        )
    return buffer.getvalue()


def _with_dictionary(data: bytes, rows: Sequence[tuple[str, ...]], date: str, description: str) -> bytes:
    """Add the data dictionary, registered as the standard asks, and set the dates."""
    stamp = f"{date}T00:00:00.000Z"
    with closing(sqlite3.connect(":memory:")) as file:
        file.deserialize(data)
        file.execute(
            f"CREATE TABLE {DICTIONARY} (id INTEGER PRIMARY KEY, field TEXT NOT NULL, type TEXT NOT NULL, "
            "meaning TEXT NOT NULL, unit TEXT NOT NULL)"
        )
        file.executemany(f"INSERT INTO {DICTIONARY} (field, type, meaning, unit) VALUES (?, ?, ?, ?)", rows)
        file.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) VALUES (?, ?, ?, ?)",
            (DICTIONARY, "attributes", DICTIONARY, "meaning of the fields of the layer areas"),
        )
        file.execute("UPDATE gpkg_contents SET description = ? WHERE table_name = ?", (description, LAYER))
        file.execute("UPDATE gpkg_contents SET last_change = ?", (stamp,))
        file.commit()
        file.execute("VACUUM")
        return _with_fixed_counter(file.serialize())


def _with_fixed_counter(data: bytes) -> bytes:
    """Set SQLite's change counter, which depends on how often GDAL happened to flush, to a fixed number.

    Both places must hold the same number (SQLite file format, sections 1.3.8 and 1.3.15).
    """
    header = bytearray(data[:100])
    header[24:28] = header[92:96] = (1).to_bytes(4, "big")
    return bytes(header) + data[100:]
