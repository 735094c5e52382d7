"""The files of the synthetic Chilanzar, byte for byte the same on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.datasets import _chilanzar_register as columns
from safemap.datasets._files import (
    context_properties,
    fault_rows,
    geojson,
    hotspot_items,
    planted,
    write_file,
)
from safemap.datasets._uzbek import DISTRICTS
from safemap.datasets._xlsx import Cell, column_letters, workbook

if TYPE_CHECKING:
    import geopandas as gpd

    from safemap.datasets._chilanzar import ChilanzarCity

_SYNTHETIC = "СИНТЕТИЧЕСКИЕ ДАННЫЕ / SINTETIK MAʼLUMOTLAR / SYNTHETIC DATA"


def write_city(city: ChilanzarCity, folder: Path) -> list[Path]:
    """Write all files of `city` into `folder`, each whole or not at all."""
    texts = {
        "mahallas.geojson": geojson(city.areas, _area_properties(city)),
        "districts.geojson": geojson(city.districts, _district_properties(city.districts)),
        "context.geojson": geojson(city.context, context_properties(city.context)),
        "planted.csv": planted(city.truth),
        "assessment.toml": _assessment(city),
        "README.md": _readme(city),
    }
    contents = {"register.xlsx": _register(city), "counts.xlsx": _counts(city)}
    contents |= {name: text.encode("utf-8") for name, text in texts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    return [write_file(folder / name, content) for name, content in contents.items()]


def _register(city: ChilanzarCity) -> bytes:
    """Titles, a header of two rows, a row that numbers the columns, the register, a total and a note."""
    names = list(city.incidents.columns)
    width = len(names)
    empty: list[Cell] = [None] * width
    groups: list[Cell] = [names[0], "Ҳодиса / Событие", None, None, "Жой / Место", None, None, None, names[8]]
    leaves: list[Cell] = [None, *names[1:8], None]
    rows: list[list[Cell]] = [
        ["Реестр зарегистрированных преступлений за 2023 год", *empty[1:]],
        ["2023-yilda roʻyxatga olingan jinoyatlar reyestri", *empty[1:]],
        [_SYNTHETIC, *empty[1:]],
        empty,
        groups,
        leaves,
        list(range(1, width + 1)),
        *(list(row) for row in city.incidents.itertuples(index=False)),
        ["Итого / Jami", *empty[1:-1], len(city.incidents)],
        empty,
        [f"Составил: генератор safemap, seed {city.seed}", *empty[1:]],
    ]
    last = column_letters(width - 1)
    merged = [f"A{i}:{last}{i}" for i in (1, 2, 3)]
    merged += ["A5:A6", "B5:D5", "E5:H5", f"{last}5:{last}6"]
    return workbook({"2023": rows}, merged={"2023": merged})


def _counts(city: ChilanzarCity) -> bytes:
    """A title, a header of two rows over the years, counts as numbers, a row of totals."""
    names = list(city.counts.columns)
    rows: list[list[Cell]] = [
        [f"Кражи из жилища / Uy-joydan oʻgʻirlik, 2021-2023. {_SYNTHETIC}", *[None] * 5],
        [None] * 6,
        [*names[:3], "Число преступлений / Jinoyatlar soni", None, None],
        [None, None, None, *names[3:]],
    ]
    for row in city.counts.itertuples(index=False):
        rows.append([int(row[0]) if row[0] else None, *row[1:3], *(int(v) if v else None for v in row[3:])])
    return workbook({"counts": rows}, merged={"counts": ["A1:F1", "A3:A4", "B3:B4", "C3:C4", "D3:F3"]})


def _area_properties(city: ChilanzarCity) -> list[dict[str, Any]]:
    code = {name.latin: (f"{i:02d}", name) for i, name in enumerate(DISTRICTS, start=1)}
    f = city.areas
    rows = zip(
        f.index, f["name"], f["name_uz-Cyrl"], f["name_ru"], f["district"], f["population"], strict=True
    )
    return [
        {
            "kod": kod, "nomi": latin, "nomi_kirill": cyrillic, "nomi_ru": russian,
            "tuman_kodi": code[district][0], "tuman": district, "tuman_ru": code[district][1].russian,
            "aholi": None if people != people else int(people),
        }
        for kod, latin, cyrillic, russian, district, people in rows
    ]  # fmt: skip


def _district_properties(districts: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    rows = zip(
        districts.index, districts["name"], districts["name_uz-Cyrl"], districts["name_ru"], strict=True
    )
    return [{"kod": k, "nomi": latin, "nomi_kirill": c, "nomi_ru": r} for k, latin, c, r in rows]


def _assessment(city: ChilanzarCity) -> str:
    return f"""\
# One assessment, from files to a folder: safemap run assessment.toml --out DIR
# SYNTHETIC data: no person, no place and no event in these files is real.

[assessment]
title = "Грабежи / Talonchilik, 2023"
place = "Chilanzar (synthetic)"
language = "ru"
source = "safemap synthetic city, seed {city.seed}"

[incidents]
path = "register.xlsx"  # titles above a header of two rows; found, and told in the summary
lon = "{columns.LON}"
lat = "{columns.LAT}"
date = "{columns.DATE}"
time = "{columns.TIME}"
dayfirst = true  # DD.MM.YYYY
category = "{columns.OFFENCE}"
where = {{ "{columns.OFFENCE}" = ["Грабёж", "Talonchilik"] }}  # one offence, as Russian and as Uzbek write it
period = ["2023-01-01", "2023-12-31"]
duplicates = "set-aside"
pileups = "set-aside"
address = "{columns.MAHALLA}"
positional_uncertainty = 150  # metres

[areas]
path = "mahallas.geojson"
id = "kod"
name = "nomi"
names = {{ ru = "nomi_ru", uz-Latn = "nomi", uz-Cyrl = "nomi_kirill" }}
population = "aholi"

[[areas.levels]]
name = "tuman"
path = "districts.geojson"
id = "kod"
label = "nomi"

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


def _readme(city: ChilanzarCity) -> str:
    truth = city.truth
    without = ", ".join(f"{area} ({why})" for area, why in truth.areas_without_population.items())
    lon, lat = truth.pile_up
    return f"""\
# A SYNTHETIC city

**No person, no event, no boundary, no street and no figure in this folder is real.** The files were written
by `safemap.datasets.write("chilanzar", folder, seed={city.seed})`. Only the place on the globe, the size of
mahallas, the form of the register and its usual faults resemble Tashkent, and one of the twelve invented
districts bears the name of a real one. Draw no conclusions about any place from it. Licence: that of safemap.

| file | content |
|---|---|
| `register.xlsx` | register of {len(city.incidents):,} crimes of 2023: titles, two-row header, totals, note |
| `counts.xlsx` | burglaries per mahalla and year, 2021 to 2023, without points; names typed in many ways |
| `mahallas.geojson` | {len(city.areas)} mahallas: `kod`, three spellings of names, `aholi`; EPSG:4326 |
| `districts.geojson` | the {len(city.districts)} districts above them: `kod`, three spellings of names |
| `context.geojson` | invented main roads, a canal, a metro line and its stations: `kind`, `name` |
| `planted.csv` | every planted row of the register: spreadsheet row number and what was planted |
| `assessment.toml` | the job: `safemap run assessment.toml --out DIR` |

## What is true in this city

Events are Poisson counts in proportion to residents. Inside a hot spot the risk is
{truth.relative_risk:g} times that elsewhere; hot spots are compact groups of mahallas,
placed without regard to population.

{hotspot_items(truth, "mahallas")}
- **{truth.null_offence}**: no hot spot, the same risk for everybody; what a map shows of it is chance.

`safemap.datasets.truth("chilanzar")` has all of this for programs: `hotspots`, `expected`, `events`,
`area_of`, `faults`, `counts`, `counts_faults`, `mapping` ...

## What is wrong with the register

| planted | rows | what it is |
|---|---|---|
{fault_rows(truth.faults)}
| `boundary` (sound) | {len(truth.flags["boundary"])} | exactly on a border of two or more mahallas |
| `overlap` (sound) | {len(truth.flags["overlap"])} | in two mahallas that overlap |

- Pile-up: {lat:.6f}, {lon:.6f} is the address of an agency and stands for events from all over the city.
- Areas without population: {without}.
- Area without neighbours: {truth.area_without_neighbours}.
- Dates are text, `DD.MM.YYYY`; decimals are written with a comma; hours are `HH:MM`, 6 % exactly noon.
- Each offence is written in Russian or in Uzbek; mahallas and districts in Latin letters with six kinds of
  apostrophe, in Uzbek Cyrillic, in Russian, and as passports spell them.

## What is wrong with the table of counts

| planted | counts | what it is |
|---|---|---|
{fault_rows(truth.counts_faults)}

- Misspelled, and meant for one mahalla each: {", ".join(f"{n} ({a})" for n, a in truth.mapping.items())}.
- One name for two mahallas of different districts: {" and ".join(truth.same_name)}.
"""
