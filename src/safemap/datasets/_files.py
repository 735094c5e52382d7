"""The files of a sample city, byte for byte the same on every machine: no library formats a number here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.audit import REASONS
from safemap.datasets._city import City, Truth

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def write_city(city: City, folder: Path) -> list[Path]:
    """Write all files of `city` into `folder`, each whole or not at all."""
    texts = {
        "colonias.geojson": geojson(city.areas, _area_properties(city.areas)),
        "alcaldias.geojson": geojson(city.districts, _district_properties(city.districts)),
        "context.geojson": geojson(city.context, context_properties(city.context)),
        "planted.csv": planted(city.truth),
        "assessment.toml": _assessment(city),
        "README.md": _readme(city),
    }
    contents = {"incidents.csv": csv(city.incidents).encode("latin-1")}
    contents |= {name: text.encode("utf-8") for name, text in texts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    return [write_file(folder / name, content) for name, content in contents.items()]


def write_file(target: Path, content: bytes) -> Path:
    """A reader never sees half a file (the writer of the output floor lies above this one)."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def csv(frame: pd.DataFrame) -> str:
    """A header, then one line per row; the values are text without commas."""
    lines = [",".join(frame.columns), *(",".join(row) for row in frame.itertuples(index=False))]
    return "\n".join(lines) + "\n"


def _area_properties(areas: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    people = [None if p != p else int(p) for p in areas["population"].tolist()]
    rows = zip(areas.index, areas["name"], people, strict=True)
    return [{"cve": cve, "nombre": name, "poblacion": p} for cve, name, p in rows]


def _district_properties(districts: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    return [{"cve_alc": cve, "nombre": name} for cve, name in districts["name"].items()]


def context_properties(context: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    return [{"kind": k, "name": n} for k, n in zip(context["kind"], context["name"], strict=True)]


def geojson(frame: gpd.GeoDataFrame, properties: Sequence[dict[str, Any]]) -> str:
    """One feature per line, six decimals."""
    features = [
        '{"type": "Feature", "properties": '
        + json.dumps(values, ensure_ascii=False)
        + f', "geometry": {{"type": "{shape.geom_type}", "coordinates": {_coordinates(shape)}}}}}'
        for values, shape in zip(properties, frame.geometry, strict=True)
    ]
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"


def _coordinates(shape: Any) -> str:
    if shape.geom_type == "MultiPolygon":
        return f"[{', '.join(_coordinates(part) for part in shape.geoms)}]"
    if shape.geom_type == "Polygon":
        return f"[[{_positions(shape.exterior.coords)}]]"
    if shape.geom_type == "LineString":
        return f"[{_positions(shape.coords)}]"
    return _positions(shape.coords)


def _positions(points: Iterable[Sequence[float]]) -> str:
    return ", ".join(f"[{x:.6f}, {y:.6f}]" for x, y in points)


def planted(truth: Truth) -> str:
    rows = [
        (row, code) for groups in (truth.faults, truth.flags) for code, ids in groups.items() for row in ids
    ]
    return "row,planted\n" + "".join(f"{row},{code}\n" for row, code in sorted(rows))


def fault_rows(faults: Mapping[str, Sequence[Any]]) -> str:
    """Lines of a table in a README: reason, how many were planted with it, what it means."""
    return "\n".join(f"| `{code}` | {len(rows)} | {REASONS[code].text} |" for code, rows in faults.items())


def hotspot_items(truth: Truth, areas: str) -> str:
    """Items of a list in a README: the hot spots of each offence; `areas` is what the areas are called."""
    items = []
    for offence, groups in truth.hotspots.items():
        size, among = f"{len(groups[0])} {areas}", ", ".join(group[0] for group in groups)
        spots = f"one hot spot of {size}" if len(groups) == 1 else f"{len(groups)} hot spots of {size} each"
        items.append(f"- **{offence}**: {spots}, with {among} among them")
    return "\n".join(items)


def _assessment(city: City) -> str:
    return f"""\
# One assessment, from files to a folder: safemap run assessment.toml --out DIR
# SYNTHETIC data: no person, no place and no event in these files is real.

[assessment]
title = "Street robbery 2023"
place = "Iztapalapa (synthetic)"
language = "en"
source = "safemap synthetic city, seed {city.seed}"

[incidents]
path = "incidents.csv"
lon = "longitud"
lat = "latitud"
date = "fecha_hecho"
time = "hora_hecho"
category = "delito"
where = {{ delito = ["ROBO A TRANSEUNTE EN VIA PUBLICA CON VIOLENCIA"] }}
period = ["2023-01-01", "2023-12-31"]
duplicates = "set-aside"
pileups = "set-aside"
address = "colonia_hecho"
positional_uncertainty = 200  # metres

[areas]
path = "colonias.geojson"
id = "cve"
name = "nombre"
population = "poblacion"

[[areas.levels]]
name = "alcaldia"
path = "alcaldias.geojson"
id = "cve_alc"
label = "nombre"

[graph]
rule = "queen"
tolerance = 1.0  # metres

[rates]
per = 100000

[local]
permutations = 9999
alpha = 0.05
rng = 0

[map]
context = ["context.geojson"]

[disclosure]
k = 5
audience = "internal"
"""


def _readme(city: City) -> str:
    truth = city.truth
    pairs = {
        name: "; ".join(f"{a} and {b}" for a, b in getattr(truth, name))
        for name in ("overlaps", "gaps", "slivers")
    }
    without = ", ".join(f"{area} ({why})" for area, why in truth.areas_without_population.items())
    lon, lat = truth.pile_up
    return f"""\
# A SYNTHETIC city

**No person, no event, no boundary, no street and no figure in this folder is real.** The files were written
by `safemap.datasets.write("iztapalapa", folder, seed={city.seed})`. Only the place on the globe, the size of
the borough, the number of neighbourhoods, the columns of the register and its usual faults resemble
Iztapalapa in Mexico City. Draw no conclusions about any neighbourhood from it. Licence: that of safemap.

| file | content |
|---|---|
| `incidents.csv` | register of {len(city.incidents):,} investigation files: latin-1, comma, header in row 1 |
| `colonias.geojson` | {len(city.areas)} neighbourhoods: `cve` (text), `nombre`, `poblacion`; EPSG:4326 |
| `alcaldias.geojson` | the borough above them and {len(city.districts) - 1} neighbours: `cve_alc`, `nombre` |
| `context.geojson` | invented main roads, a metro line and its stations: `kind`, `name` |
| `planted.csv` | every planted row: spreadsheet row number and what was planted |
| `assessment.toml` | the job: `safemap run assessment.toml --out DIR` |

## What is true in this city

Events are Poisson counts in proportion to residents. Inside a hot spot the risk is
{truth.relative_risk:g} times that elsewhere; hot spots are compact groups of neighbourhoods,
placed without regard to population.

{hotspot_items(truth, "neighbourhoods")}
- **{truth.null_offence}**: no hot spot, the same risk for everybody; what a map shows of it is chance.

`safemap.datasets.truth("iztapalapa")` has all of this for programs: `hotspots`, `expected`, `events`,
`area_of`, `faults` ...

## What is wrong with it

| planted | rows | what it is |
|---|---|---|
{fault_rows(truth.faults)}
| `boundary` (sound) | {len(truth.flags["boundary"])} | exactly on a border of two or more neighbourhoods |
| `overlap` (sound) | {len(truth.flags["overlap"])} | in two neighbourhoods that overlap |

- Pile-up: {lat:.6f}, {lon:.6f} is the address of an agency and stands for events from all over the city.
- Areas without population: {without}.
- Area without neighbours: {truth.area_without_neighbours}.
- Overlapping neighbours: {pairs["overlaps"]}.
- Gaps of some 80 m: {pairs["gaps"]}.
- Gaps of about half a metre, the same border drawn twice: {pairs["slivers"]}.
- Dates mix `YYYY-MM-DD` and `YYYY-MM-DD HH:MM:SS`; hours mix `HH:MM:SS` and `HH:MM:SS:SS`, 8 % are
  exactly noon (a placeholder), some are blank; months are Spanish and sometimes English; names are
  typed in many ways; missing is `NA` or blank.
"""
