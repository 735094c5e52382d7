"""Every register at hand, read, cleaned and joined: where its rows went, what it took, what was noticed.

    python benchmarks/real/registers.py DATA [case ...]

DATA is a folder with the data, which are not part of the project. Each case runs in its own process, so
that its peak memory is its own; ``docs/registers.md`` is written when all cases were run. What the note
beside each file says of it is compared with what is found here, to the digits of the note.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "registers.md"


class Said(NamedTuple):
    """A figure of the note beside the file, and which of the facts found it is to be compared with."""

    words: str
    figure: float
    decimals: int
    fact: str
    why: str = ""  #: where the two differ: why


class Case(NamedTuple):
    """One register on one layer of areas."""

    title: str
    file: str
    read: Mapping[str, Any]
    layer: str
    areas: Mapping[str, Any]
    recorded: str | None = None
    own: tuple[str, str] | None = None  #: column of the areas and its value: "inside what it should be"
    dissolve: str | None = None  #: column by which the parts of an area are put together first
    said: tuple[Said, ...] = ()


_FGJ = {
    "lon": "longitud",
    "lat": "latitud",
    "date": "fecha_hecho",
    "time": "hora_hecho",
    "category": "delito",
}
_MA3 = {"lon": "longitude", "lat": "latitude", "date": "crash_datetime", "id": "crash_id"}
_CHICAGO = {"lon": "longitude", "lat": "latitude", "time": "date", "category": "loc_cat"}
_POLICE_UK = {"lon": "longitude", "lat": "latitude", "date": "month"}
_OFFICES = {"lon": "lng", "lat": "lat"}
_IECM = {"id": "CVEUT", "name": "NOMUT", "population": "SUMPOB1"}
_WARDS = {"id": "ward_code", "name": "ward_name"}
_FILE = {
    "fgj": "cdmx/fgj_cdmx_2019_2024.parquet",
    "crashes": "nairobi/ma3route_crashes.csv",
    "offices": "tashkent/tashkent_mahalla_points.csv",
    "assaults": "chicago/chicago_aggravated_assaults.csv.gz",
}


def _placed(figure: float, decimals: int = 2) -> Said:
    return Said("lie in an area, %", figure, decimals, "placed_percent")


_NAMES = "here a name that two areas share names neither"

CASES: dict[str, Case] = {
    "cdmx_colonias": Case(
        "Mexico City 2019-2024, 1,814 neighbourhoods", _FILE["fgj"], _FGJ, "cdmx/colonias_iecm.gpkg", _IECM,
        "colonia_catalogo",
        said=(
            Said("rows", 1_302_640, 0, "rows"),
            Said("equal to an earlier row", 343, 0, "flag_duplicate_row"),
            Said("at exactly 12:00, %", 8.5, 1, "noon_percent"),
            Said("share a coordinate, %", 6, 0, "shared_percent"),
        ),
    ),
    "cdmx_alcaldias": Case(
        "Mexico City 2019-2024, 16 boroughs", _FILE["fgj"], _FGJ, "cdmx/alcaldias.gpkg",
        {"id": "municip", "name": "nomgeo"}, "alcaldia_hecho",
        said=(_placed(99.94), Said("agree with the recorded borough, %", 99.62, 2, "agree_percent_of_rows")),
    ),
    "iztapalapa_colonias": Case(
        "Iztapalapa 2019-2024, 1,814 neighbourhoods", "cdmx/fgj_iztapalapa_2019_2024.parquet", _FGJ,
        "cdmx/colonias_iecm.gpkg", _IECM, "colonia_catalogo", own=("NOMDT", "IZTAPALAPA"),
        said=(
            _placed(99.89),
            Said("in no neighbourhood", 205, 0, "in_none"),
            Said("not in one of Iztapalapa", 747, 0, "not_in_own"),
            Said("in several", 153, 0, "overlap"),
            Said("recorded name is that of a neighbourhood, %", 31, 0, "known_percent", _NAMES),
            Said("and of the one it lies in, %", 23, 0, "agree_percent_of_rows", _NAMES),
        ),
    ),
    "cdmx_car_jacking": Case(
        "Mexico City 2019, car-jackings, 16 boroughs", "cdmx/car_jacking_2019.gpkg", {"date": "fecha_hechos"},
        "cdmx/alcaldias.gpkg", {"id": "municip", "name": "nomgeo"},
        said=(
            _placed(94.59),
            Said("at 0, 0", 152, 0, "aside_zero_coordinates"),
            Said("of the others lie in a borough, %", 100, 2, "placed_percent_without_zero"),
        ),
    ),
    "nairobi_dhis": Case(
        "Nairobi, crashes told on social media, 85 wards", _FILE["crashes"], _MA3,
        "nairobi/nairobi_wards_dhis_pop2009.geojson", {"id": "gid", "name": "ward", "population": "pop2009"},
        said=(_placed(75.0, 1), Said("share coordinates with another row, %", 80, 0, "shared_percent")),
    ),
    "nairobi_iebc": Case(
        "the same, 84 wards of another layer", _FILE["crashes"], _MA3, "nairobi/nairobi_wards_iebc.geojson",
        _WARDS, said=(_placed(75.0, 1), Said("in two wards", 41, 0, "overlap")),
    ),
    "tashkent_2024": Case(
        "Tashkent, offices of mahallas, 12 districts (2024)", _FILE["offices"], _OFFICES,
        "tashkent/tashkent_districts_2024.geojson", {"id": "name", "name": "name"}, "district",
        said=(
            _placed(99.8, 1),
            Said("recorded district is that of the coordinates, %", 49.5, 1, "agree_percent_of_rows",
                 "the note passed over hyphens (Mirzo-Ulugbek); here names are compared as they are written. "
                 "`match_places` is the verb for spellings: it matches 544 of 545"),
        ),
    ),
    "tashkent_osm": Case(
        "the same, 12 districts (OpenStreetMap)", _FILE["offices"], _OFFICES,
        "tashkent/tashkent_districts_osm.geojson", {"id": "ADM2_EN", "name": "ADM2_UZ"},
    ),
    "chicago_districts": Case(
        "Chicago 2010-2019, assaults, 23 police districts", _FILE["assaults"], _CHICAGO,
        "chicago/chicago_police_districts.kml", {"id": "Name"}, "district", dissolve="Name",
        said=(
            _placed(99.94),
            Said("agree with the recorded district, %", 98.4, 1, "agree_percent_of_rows"),
            Said("districts with events", 24, 0, "areas_hit",
                 "the file draws district 31 in three parts; put together, 25 shapes are 23 districts"),
        ),
    ),
    "chicago_neighbourhoods": Case(
        "the same, 98 neighbourhoods", _FILE["assaults"], _CHICAGO, "chicago/chicago_neighborhoods.geojson",
        {"id": "cartodb_id", "name": "name"}, said=(_placed(99.93),),
    ),
    "chicago_community_areas": Case(
        "the same, 77 community areas (feet, no .prj)", _FILE["assaults"], _CHICAGO, "libpysal:Chicago77.shp",
        {"id": "AREA_NUMBE", "name": "COMMUNITY", "crs": 3435}, said=(_placed(99.93),),
    ),
    "nottingham_burglary": Case(
        "Nottingham 2022, burglaries, 20 wards", "nottingham/nottingham_burglary.csv.gz", _POLICE_UK,
        "nottingham/nottingham_wards.gpkg", _WARDS,
        said=(Said("rows", 1_795, 0, "rows"), _placed(100)),
    ),
    "nottingham_robbery": Case(
        "Nottingham 2022, robberies, 20 wards", "nottingham/nottingham_robbery.csv.gz", _POLICE_UK,
        "nottingham/nottingham_wards.gpkg", _WARDS, said=(Said("rows", 555, 0, "rows"), _placed(100)),
    ),
    "memphis_robberies": Case(
        "Memphis 2019, robberies, 9 precincts", "memphis_sfhotspot/memphis_robberies.gpkg",
        {"date": "date", "id": "uid"}, "memphis_sfhotspot/memphis_precincts.gpkg", {"id": "precinct"},
        said=(Said("rows", 2_245, 0, "rows"), _placed(99.96)),
    ),
    "memphis_population": Case(
        "Memphis, points of population, 9 precincts", "memphis_sfhotspot/memphis_population.gpkg",
        {"id": "geoid"}, "memphis_sfhotspot/memphis_precincts.gpkg", {"id": "precinct"},
        said=(Said("rows", 10_393, 0, "rows"), _placed(99.76)),
    ),
}  # fmt: skip


def run_case(case: Case, data: Path) -> dict[str, Any]:
    """Read, clean and join one register; facts as plain values."""
    import geopandas  # before the clock starts: imports are not the register's

    import safemap as sm

    path = layer_path(case, data)
    scale = 1024 if sys.platform != "darwin" else 1024**2
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        source = path if case.dissolve is None else geopandas.read_file(path).dissolve(case.dissolve)
        areas = sm.read_areas(source, **case.areas)
        read = sm.read_incidents(data / case.file, **case.read)
        clean = sm.clean_incidents(read, within=areas)
        joined = sm.join_areas(clean, areas, recorded=case.recorded)
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
        facts = _facts(case, read, clean, joined, areas)
    mine = {str(w.message) for w in told if w.category.__module__.startswith("safemap")}
    return facts | {"seconds": seconds, "peak_mb": peak, "warnings": sorted(mine)}


def layer_path(case: Case, data: Path) -> Path:
    """The file of the areas; those that come with libpysal are named with it."""
    if not case.layer.startswith("libpysal:"):
        return data / case.layer
    from libpysal import examples

    return Path(examples.get_path(case.layer.removeprefix("libpysal:")))


def _facts(case: Case, read: Any, clean: Any, joined: Any, areas: Any) -> dict[str, Any]:
    """What became of the rows and what was noticed, after the clock was stopped."""
    import safemap as sm

    audit, reasons = joined.audit, joined.audit.by_reason()
    at = read.frame[["x", "y"]].dropna()
    zero = int(reasons["rows"].get("zero_coordinates", 0))
    facts: dict[str, Any] = {
        "rows": audit.n_in,
        "placed": audit.n_placed,
        "set_aside": audit.n_set_aside,
        "reasons": {str(code): int(n) for code, n in reasons["rows"].items()},
        "hit_rate": audit.hit_rate,
        "placed_percent": 100 * audit.n_placed / audit.n_in,
        "placed_percent_without_zero": 100 * audit.n_placed / (audit.n_in - zero),
        "in_none": audit.n_in - audit.n_placed,
        "overlap": joined.settings["matches"]["overlap"],
        "areas": len(areas),
        "areas_hit": int((joined.reconciliation["events"] > 0).sum()),
        "areas_repaired": len(areas.attrs["safemap"].get("repaired", ())),
        "collections": len(areas.attrs["safemap"].get("collections", ())),
        "shared_percent": 100 * float(at.duplicated(keep=False).mean()),
        "repeated_percent": 100 * float(at.duplicated().mean()),
        "date_rule": read.report.date_rule,
        "report_notes": list(read.report.notes),
        "pileups": len(clean.pileups),
        "pileups_default": int((clean.pileups["suspected"] == "default").sum()),
        "pileups_largest": int(clean.pileups["rows"].max()) if len(clean.pileups) else 0,
    }
    facts |= {f"aside_{code}": n for code, n in facts["reasons"].items()}
    facts |= {f"flag_{name}": len(rows) for name, rows in audit.flags.items()}
    agreement = joined.settings["recorded_agreement"]
    if agreement is not None:
        facts["recorded"] = agreement
        facts["agree_percent"] = 100 * agreement["agree"] / max(agreement["comparable"], 1)
        facts["known_percent"] = 100 * (1 - agreement["unknown"] / audit.n_in)
        facts["agree_percent_of_rows"] = 100 * agreement["agree"] / audit.n_in
    if case.own is not None:
        column, value = case.own
        inside = joined.frame["area_id"].map(joined.areas[column]) == value
        facts["not_in_own"] = audit.n_in - int(inside.sum())
    if "date" in read.frame.columns:
        heaps = sm.time_heaping(read).frame
        facts["heaps"] = {m: 100 * float(s) for m, s in heaps.loc[heaps["heaped"], "share"].items()}
        if "noon" in heaps.index:
            facts["noon_percent"] = 100 * float(heaps.loc["noon", "share"])
    report = sm.geocode_report(read, joined)
    facts["statuses"] = {str(s): int(n) for s, n in report.frame["status"].value_counts().items()}
    facts["snapped"] = report.settings["snapped"]
    facts["lattice"] = report.settings["lattice"]
    return facts


def compared(case: Case, facts: Mapping[str, Any]) -> list[tuple[Said, float, bool]]:
    """Each figure of the note, what was found, and whether both are equal to the digits of the note."""
    rows = []
    for said in case.said:
        found = float(facts.get(said.fact, 0))
        rows.append((said, found, round(found, said.decimals) == round(said.figure, said.decimals)))
    return rows


def child(name: str, data: Path) -> dict[str, Any]:
    """Facts of a case, found in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), str(data), name, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the data")
    parser.add_argument("cases", nargs="*", metavar="case", help="some cases only; no page is written")
    parser.add_argument("--json", action="store_true", help="facts of one case, in this process")
    arguments = parser.parse_args()
    if arguments.json:
        sys.stdout.write(json.dumps(run_case(CASES[arguments.cases[0]], arguments.data), default=str))
        return
    found = {}
    for name in arguments.cases or CASES:
        found[name] = child(name, arguments.data)
        sys.stdout.write(f"{name}\n{json.dumps(found[name], indent=1)}\n")
        sys.stdout.flush()
    if not arguments.cases:
        from registers_page import page

        PAGE.write_text(page(CASES, found, compared), encoding="utf-8")


if __name__ == "__main__":
    main()
