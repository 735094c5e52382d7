"""The files of the synthetic Mathare, byte for byte the same on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.datasets._files import context_properties, csv, fault_rows, geojson, planted, write_file
from safemap.datasets._geotiff import geotiff
from safemap.datasets._mathare import ward_keys
from safemap.datasets._mathare_city import NODATA, SurveyCity, SurveyTruth
from safemap.datasets._xlsx import Cell, workbook

if TYPE_CHECKING:
    import pandas as pd


def write_city(city: SurveyCity, folder: Path) -> list[Path]:
    """Write all files of `city` into `folder`, each whole or not at all."""
    contents = {
        "incidents.csv": csv(city.incidents).encode("utf-8"),
        "survey.xlsx": workbook({"survey": _cells(city.responses), "incident": _cells(city.told)}),
        "form.xlsx": workbook(city.form),
        "population.tif": geotiff(
            city.raster, city.grid, nodata=NODATA, description="SYNTHETIC people per cell, safemap sample"
        ),
    }
    texts = {
        "blocks.geojson": geojson(city.areas, _block_properties(city)),
        "wards.geojson": geojson(city.districts, _ward_properties(city)),
        "context.geojson": geojson(city.context, context_properties(city.context)),
        "planted.csv": planted(city.truth),
        "planted_shares.csv": _shares(city.truth),
        "assessment.toml": _assessment(city),
        "README.md": _readme(city),
    }
    contents |= {name: text.encode("utf-8") for name, text in texts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    return [write_file(folder / name, content) for name, content in contents.items()]


def _cells(frame: pd.DataFrame) -> list[list[Cell]]:
    return [list(frame.columns), *(list(row) for row in frame.itertuples(index=False))]


def _block_properties(city: SurveyCity) -> list[dict[str, Any]]:
    wards = dict(ward_keys())
    columns = ("name", "ward", "population", "population_low", "population_high")
    rows = zip(city.areas.index, *(city.areas[c].tolist() for c in columns), strict=True)
    return [
        {
            "block_id": block, "block": name, "ward_id": ward, "ward": wards[ward],
            "population": int(people), "population_low": int(low), "population_high": int(high),
        }
        for block, name, ward, people, low, high in rows
    ]  # fmt: skip


def _ward_properties(city: SurveyCity) -> list[dict[str, Any]]:
    return [{"ward_id": code, "ward": name} for code, name in city.districts["name"].items()]


def _shares(truth: SurveyTruth) -> str:
    """True shares of all blocks, then of wards and of the whole city."""
    items = list(truth.block_shares.columns)
    lines = [("block", *row) for row in truth.block_shares.itertuples()]
    lines += [("ward", *row) for row in truth.ward_shares.itertuples()]
    lines.append(("all", "", *(truth.shares[item] for item in items)))
    texts = [
        ",".join([level, area, *("" if v != v else f"{v:.6f}" for v in values)])
        for level, area, *values in lines
    ]
    return "\n".join([",".join(["level", "area", *items]), *texts]) + "\n"


def _assessment(city: SurveyCity) -> str:
    return f"""\
# One assessment, from files to a folder: safemap run assessment.toml --out DIR
# SYNTHETIC data: no person, no place and no event in these files is real.

[assessment]
title = "Robberies reported by residents 2023"
place = "Mathare (synthetic)"
language = "en"
source = "safemap synthetic city, seed {city.seed}"

[incidents]
path = "incidents.csv"
lon = "longitude"
lat = "latitude"
date = "occurred"
dayfirst = true
category = "category"
where = {{ category = ["robbery"] }}
period = ["2023-01-01", "2023-12-31"]
duplicates = "set-aside"
pileups = "set-aside"
address = "place"
positional_uncertainty = 40  # metres

[areas]
path = "blocks.geojson"
id = "block_id"
name = "block"
population = "population"  # disputed: see population_low and population_high

[[areas.levels]]
name = "ward"
path = "wards.geojson"
id = "ward_id"
label = "ward"

[graph]
rule = "queen"
tolerance = 1.0  # metres

[rates]
per = 1000

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


def _readme(city: SurveyCity) -> str:
    truth = city.truth
    effects = "\n".join(
        f"| `{item}` | {base:.2f} | {base + more:.2f} | {truth.shares[item]:.3f} |"
        for item, (base, more) in truth.effects.items()
    )
    hot = "; ".join(", ".join(spot) for spots in truth.hotspots.values() for spot in spots) or "none"
    flaws = {name: len(rows) for name, rows in truth.response_flags.items()}
    null_category = truth.null_offence.capitalize()
    people = [int(city.areas[c].sum()) for c in ("population_low", "population", "population_high")]
    lon, lat = truth.pile_up
    return f"""\
# A SYNTHETIC city

**No person, no answer, no event, no boundary and no figure in this folder is real.** The files were written
by `safemap.datasets.write("mathare", folder, seed={city.seed})`. Only the place on the globe, the size, the
names of the six wards and the ways in which data come resemble Mathare in Nairobi. Draw no conclusions
about any place or anybody from it. Licence: that of safemap.

| file | content |
|---|---|
| `blocks.geojson` | {len(city.areas)} blocks: `block_id` (text), `block`, `ward_id`, three populations |
| `wards.geojson` | the six wards: `ward_id`, `ward` |
| `survey.xlsx` | KoboToolbox export: {len(city.responses)} respondents; sheet `incident`: what they told |
| `form.xlsx` | its questionnaire (XLSForm), labels in English and Swahili |
| `incidents.csv` | {len(city.incidents):,} reports from an app: UTF-8, comma, dates DD/MM/YYYY HH:MM |
| `population.tif` | people per cell of some 55 m as a model might spread them (GeoTIFF, EPSG:4326) |
| `context.geojson` | invented roads and a river |
| `planted.csv`, `planted_shares.csv` | every planted row of the reports; true shares of the survey's items |
| `assessment.toml` | the job: `safemap run assessment.toml --out DIR` |

## What is true in this city

**Population.** {people[1]:,} people live here; some say {people[0]:,}, others {people[2]:,}. Reports and
the survey follow the middle figure. Nobody lives in {", ".join(truth.areas_without_population)}, a market.

**Reports** are Poisson counts in proportion to residents. In one hot spot of robbery
({hot}) the risk is {truth.relative_risk:g} times
that elsewhere. *{null_category}* has the same risk for everybody. Nearly half of the reports lie
exactly on a landmark of their block.

**Survey.** In each ward 15 enumeration areas by chance, in each 10 households, in each one adult. Weights,
strata (`ward_id`), sampling units (`ea_id`, `household`) and the sizes they were drawn from
(`ea_in_ward`, `households_in_ea`) are in the file. 99 means "don't know". Shares of adults:

| item | elsewhere | in the unsafe blocks | all |
|---|---|---|---|
{effects}

Unsafe blocks are the hot spot and a second group ({", ".join(truth.unsafe_blocks[1])}), where no more
robberies are reported than elsewhere. Enumeration areas differ a little within their block, but in
`{truth.null_item}` nothing differs anywhere. Respondents are asked at home; what happened to them may have
happened elsewhere.

## What is wrong with it

| planted in the reports | rows | what it is |
|---|---|---|
{fault_rows(truth.faults)}
| `boundary` (sound) | {len(truth.flags["boundary"])} | exactly where three or more blocks meet |

- {lat:.6f}, {lon:.6f} is where the app's map opens; reports that nobody moved stay there.
- Every other `far_outside` has lost the minus sign of its latitude.
- Positions of homes: {flaws["low_accuracy"]} vaguer than 30 m, {flaws["zero_coordinates"]} at 0, 0,
  {flaws["missing_position"]} missing; any may lie in a block next door.
- {flaws["no_parent"]} incidents of the survey belong to a response that was deleted.
- Block {truth.area_without_neighbours} lies across the river and touches no other.
"""
