"""The data dictionary of a GIS file: what each field means, its unit, its codes and where it comes from."""

from __future__ import annotations

from typing import NamedTuple

from safemap.output.gis_layer import GisLayer
from safemap.output.tables import CsvTable, csv_rows

#: Name of the layer with all areas and all fields.
LAYER = "areas"


class DictionaryRow(NamedTuple):
    """One field."""

    layer: str
    field: str
    type: str
    meaning: str
    unit: str
    codes: str
    source: str


class LegendRow(NamedTuple):
    """One class of one theme, as in the legend of the map."""

    layer: str
    field: str
    code: int
    label: str
    colour: str
    texture: str
    areas: int


def dictionary_rows(layer: GisLayer, *, source: str = "", themes: bool = True) -> list[DictionaryRow]:
    """One row per field of the layer ``areas``, and of the class fields of each theme.

    Parameters
    ----------
    layer : GisLayer
    source : str
        Where the data come from, put before the source of each field.
    themes : bool
        List the class fields under the names they have in the layers of the themes too.
    """
    types = {"i": "integer", "f": "real", "b": "boolean"}

    def row(table: str, name: str, column: str) -> DictionaryRow:
        kind = types.get(layer.frame[column].dtype.kind, "text")
        said = layer.meanings[column]
        origin = "; ".join(part for part in (source, said.source) if part)
        return DictionaryRow(table, name, kind, said.meaning, said.unit, said.codes, origin)

    rows = [row(LAYER, name, name) for name in layer.frame.columns if name != "geometry"]
    for theme in layer.themes if themes else ():
        for part in ("code", "label", "colour", "care"):
            if f"{theme.prefix}_{part}" in layer.frame.columns:
                rows.append(row(theme.key, f"class_{part}", f"{theme.prefix}_{part}"))
    return rows


def legend_rows(layer: GisLayer) -> list[LegendRow]:
    """The classes of all themes, with the number of areas in each."""
    return [
        LegendRow(theme.key, f"{theme.prefix}_code", row.code, row.label, row.colour, row.state, row.areas)
        for theme in layer.themes
        for row in theme.classes
    ]


def dictionary_csv(layer: GisLayer, *, source: str = "", themes: bool = True, bom: bool = False) -> CsvTable:
    """The data dictionary as CSV."""
    rows = dictionary_rows(layer, source=source, themes=themes)
    return csv_rows(DictionaryRow._fields, rows, bom=bom)
