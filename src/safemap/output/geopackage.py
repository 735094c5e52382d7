"""A GeoPackage that opens styled: one table of areas, a styled layer for each theme, a data dictionary.

The layers of the themes are views of the table ``areas``, so that outlines are stored once. Styles stand in
``layer_styles``, where QGIS looks for them (QML) and other programs may (SLD); programs that read neither
find code, label and colour of each class as fields. The same input gives the same bytes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from safemap.output.data_dictionary import (
    LAYER,
    DictionaryRow,
    LegendRow,
    dictionary_rows,
    legend_rows,
)
from safemap.output.qgis_style import qml
from safemap.output.sld import sld
from safemap.output.vector import vector_bytes

if TYPE_CHECKING:
    from safemap.output.gis_layer import GisLayer, Theme

DICTIONARY, LEGEND, STYLES = "data_dictionary", "legend", "layer_styles"
_GEOMETRY = "geom"


def geopackage_bytes(
    layer: GisLayer,
    *,
    date: str,
    description: str = "",
    source: str = "",
    facts: Mapping[str, str] | None = None,
) -> bytes:
    """The file as bytes; made in memory, so that a full disk leaves no half of one.

    Parameters
    ----------
    layer : GisLayer
        From :func:`safemap.output.gis_layer.combine`.
    date : str
        Day that the file says it was last changed (YYYY-MM-DD).
    description : str
        Text beside the layer of all areas.
    source : str
        Where the data come from, for the data dictionary.
    facts : mapping of str to str
        Metadata of the file.
    """
    data = vector_bytes(
        layer.frame, "GPKG", layer=LAYER, VERSION="1.2", dataset_metadata=dict(facts or {}) or None
    )
    with closing(sqlite3.connect(":memory:")) as file:
        file.deserialize(data)
        for theme in layer.themes:
            _add_view(file, theme, list(layer.frame.columns))
        _add_table(
            file, DICTIONARY, DictionaryRow, dictionary_rows(layer, source=source), "meaning of the fields"
        )
        _add_table(file, LEGEND, LegendRow, legend_rows(layer), "classes of the layers, and areas in each")
        _add_styles(file, layer.themes, f"{date}T00:00:00.000Z")
        file.execute("UPDATE gpkg_contents SET description = ? WHERE table_name = ?", (description, LAYER))
        _set_dates(file, f"{date}T00:00:00.000Z")
        file.commit()
        file.execute("VACUUM")
        return _with_fixed_counter(file.serialize())


def _add_view(file: sqlite3.Connection, theme: Theme, columns: Sequence[str]) -> None:
    """The layer of one theme; its first column is the key that GDAL looks for in views."""
    chosen = [f'"{name}"' for name in ("area_id", *theme.fields)]
    for part in ("code", "label", "colour", "care"):
        if f"{theme.prefix}_{part}" in columns:
            chosen.append(f'"{theme.prefix}_{part}" AS "class_{part}"')
    chosen.append(f'"{theme.hides}" AS "suppressed"')
    file.execute(
        f'CREATE VIEW "{theme.key}" AS SELECT fid AS OGC_FID, {_GEOMETRY}, {", ".join(chosen)} FROM {LAYER}'
    )
    file.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, min_x, min_y, max_x, "
        "max_y, srs_id) SELECT ?, data_type, ?, ?, min_x, min_y, max_x, max_y, srs_id FROM gpkg_contents "
        "WHERE table_name = ?",
        (theme.key, f"{theme.key}: {theme.title}", theme.unit, LAYER),
    )
    file.execute(
        "INSERT INTO gpkg_geometry_columns SELECT ?, column_name, geometry_type_name, srs_id, z, m "
        "FROM gpkg_geometry_columns WHERE table_name = ?",
        (theme.key, LAYER),
    )


def _add_table(
    file: sqlite3.Connection,
    name: str,
    kind: type[DictionaryRow] | type[LegendRow],
    rows: Sequence[DictionaryRow] | Sequence[LegendRow],
    description: str,
) -> None:
    """A table without geometry, registered as the standard asks."""
    whole = {column for column, value in zip(kind._fields, rows[0], strict=True) if isinstance(value, int)}
    columns = ", ".join(f"{c} {'INTEGER' if c in whole else 'TEXT'} NOT NULL" for c in kind._fields)
    file.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {columns})")
    slots = ", ".join("?" * len(kind._fields))
    file.executemany(f"INSERT INTO {name} ({', '.join(kind._fields)}) VALUES ({slots})", rows)
    _register(file, name, description)


def _register(file: sqlite3.Connection, name: str, description: str) -> None:
    file.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) VALUES (?, ?, ?, ?)",
        (name, "attributes", name, description),
    )


def _add_styles(file: sqlite3.Connection, themes: Sequence[Theme], stamp: str) -> None:
    """The table in which QGIS keeps styles; the first theme is the look of the layer of all areas."""
    file.execute(
        f"CREATE TABLE {STYLES} (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
        "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), "
        "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
        "update_time DATETIME)"
    )
    _register(file, STYLES, "styles for QGIS (QML) and other programs (SLD)")
    for number, theme in enumerate(themes):
        look = {
            theme.key: (True, "class_code", "class_care"),
            LAYER: (number == 0, f"{theme.prefix}_code", f"{theme.prefix}_care"),
        }
        for table, (default, code, care) in look.items():
            styles = qml(theme, code=code, care=care), sld(theme, layer=table, code=code, care=care)
            file.execute(
                f"INSERT INTO {STYLES} (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time) "
                "VALUES ('', '', ?, ?, ?, ?, ?, ?, ?, '', ?)",
                (table, _GEOMETRY, theme.key[:30], *styles, default, f"{theme.title}: {theme.unit}", stamp),
            )


def _set_dates(file: sqlite3.Connection, stamp: str) -> None:
    """Dates of the data in place of the clock."""
    file.execute("UPDATE gpkg_contents SET last_change = ?", (stamp,))
    tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "gpkg_metadata_reference" in tables:
        file.execute("UPDATE gpkg_metadata_reference SET timestamp = ?", (stamp,))


def _with_fixed_counter(data: bytes) -> bytes:
    """Set SQLite's change counter, which depends on how often GDAL happened to flush, to a fixed number.

    Both places must hold the same number (SQLite file format, sections 1.3.8 and 1.3.15).
    """
    header = bytearray(data[:100])
    header[24:28] = header[92:96] = (1).to_bytes(4, "big")
    return bytes(header) + data[100:]
