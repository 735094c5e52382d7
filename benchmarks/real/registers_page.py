"""The page on the registers, from the facts that were found; see ``registers.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import machine, table, versions

_WORDS = {
    "outside_areas": "in no area",
    "far_outside": "far outside",
    "zero_coordinates": "at 0, 0",
    "missing_coordinates": "no coordinates",
    "swapped_coordinates": "swapped",
}
_FLAGS = {
    "duplicate_row": "equal to an earlier row",
    "overlap": "in overlapping areas (counted once)",
    "boundary": "on a border (counted once)",
    "pile_up": "on a coordinate shared by suspiciously many",
    "unreadable_time": "with a clock time that cannot be read",
}
Facts = Mapping[str, Any]


def page(cases: Mapping[str, Any], found: Mapping[str, Facts], compared: Callable[..., Any]) -> str:
    """The whole page as Markdown."""
    parts = [
        "# Registers: where every row went",
        "Every register at hand was read, cleaned (`clean_incidents(within=areas)`) and "
        "joined, whole. Rows in "
        "= placed + set aside in each line. The data are not part of the project; with them "
        "at hand this page "
        "is written by\n\n```\npython benchmarks/real/registers.py DATA_FOLDER\n```",
        _rows(cases, found),
        "Seconds are wall time from opening the areas to the finished join with its audit, on a machine that "
        "other work kept busy; the peak is that of the whole process, about 180 MB of it Python and its "
        f"libraries. {versions('safemap', 'geopandas', 'shapely', 'pandas', 'pyarrow')}; {machine()}.",
        "## Kept, but worth a look",
        _noticed(cases, found),
        "## The notes beside the files, checked",
        "Each file came with a note by somebody who had looked at it with other tools. What "
        "it says, and what "
        "is found here, to the digits of the note:",
        _checked(cases, found, compared),
        "## What surprised us",
        _surprises(found),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(cases: Mapping[str, Any], found: Mapping[str, Facts]) -> str:
    lines = []
    for name, facts in found.items():
        why = ", ".join(f"{n:,} {_WORDS.get(code, code)}" for code, n in facts["reasons"].items())
        took = [f"{facts['seconds']:.1f}", f"{facts['peak_mb']:.0f}"]
        lines.append(
            [
                cases[name].title, f"{facts['rows']:,}", f"{facts['placed']:,}", f"{facts['set_aside']:,}",
                why or "none", f"{facts['hit_rate']:.2%}", *took,
            ]
        )  # fmt: skip
    header = ["register and areas", "rows in", "placed", "set aside", "of these", "hit rate", "s", "peak MB"]
    return table(header, lines)


def _noticed(cases: Mapping[str, Any], found: Mapping[str, Facts]) -> str:
    lines = []
    for name, facts in found.items():
        flags = [
            f"{facts[f'flag_{flag}']:,} {words}"
            for flag, words in _FLAGS.items()
            if facts.get(f"flag_{flag}")
        ]
        if facts["statuses"].get("centroid"):
            flags.append(f"{facts['statuses']['centroid']:,} at the centre of their area")
        if facts["snapped"]:
            flags.append("coordinates look snapped to a list of places")
        if facts["lattice"]:
            flags.append(f"coordinates are multiples of {facts['lattice']:g} degrees")
        heaps = ", ".join(f"{moment} {share:.1f} %" for moment, share in facts.get("heaps", {}).items())
        shapes = [f"{facts['areas_repaired']} repaired"] if facts["areas_repaired"] else []
        shapes += [f"{facts['collections']} collections turned into polygons"] if facts["collections"] else []
        lines.append([cases[name].title, "; ".join(flags), heaps, ", ".join(shapes)])
    return table(["register and areas", "rows", "heaps of times", "areas"], lines)


def _checked(cases: Mapping[str, Any], found: Mapping[str, Facts], compared: Callable[..., Any]) -> str:
    lines = []
    for name, facts in found.items():
        for said, figure, equal in compared(cases[name], facts):
            lines.append(
                [
                    cases[name].title, said.words, f"{said.figure:,.{said.decimals}f}",
                    f"{figure:,.{said.decimals}f}", "yes" if equal else f"no: {said.why}",
                ]
            )  # fmt: skip
    return table(["register and areas", "what", "note", "found", "equal"], lines)


def _surprises(found: Mapping[str, Facts]) -> str:
    city, boroughs = found["cdmx_colonias"], found["cdmx_alcaldias"]
    jacks, nairobi = found["cdmx_car_jacking"], found["nairobi_dhis"]
    offices, osm = found["tashkent_2024"], found["tashkent_osm"]
    chicago, memphis = found["chicago_districts"], found["memphis_robberies"]
    burglary = found["nottingham_burglary"]
    named, short = city["recorded"], offices["recorded"]
    told = [
        f"**A hit rate of {city['hit_rate']:.2%} is no praise.** The file of Mexico City holds "
        "only rows that "
        "have coordinates; the others were left out before. Ask how many there were, and divide by that.",
        f"**Names are not keys.** Of {city['rows']:,} rows {named['unknown']:,} name a "
        "neighbourhood that the "
        "boundaries do not have under that name, or have twice; where the name is known it is that of the "
        f"coordinates for {named['agree']:,} of {named['comparable']:,}. Boroughs agree for "
        f"{boroughs['agree_percent']:.2f} %, once accents are passed over: the register leaves them out. In "
        f"Tashkent {short['unknown']:,} of {offices['rows']:,} offices write their district "
        "otherwise than the "
        "boundaries do. Join by coordinates or codes; use names to check.",
        f"**{jacks['reasons'].get('zero_coordinates', 0)} car-jackings lie in the Gulf of Guinea**, at 0, 0: "
        f"the whole difference between {jacks['placed_percent']:.2f} % and "
        f"{jacks['placed_percent_without_zero']:.0f} %.",
        "**A quarter of the crashes of Nairobi lie outside Nairobi**, "
        f"{nairobi['reasons']['far_outside']:,} of them far outside, and "
        f"{nairobi['shared_percent']:.0f} % share "
        "a coordinate with another: a program found the places from the words of messages. "
        "`geocode_report` warns.",
        "**Two files of the same districts are not the same districts.** Of the offices of mahallas "
        f"{offices['set_aside']} lies in no district of the one and {osm['set_aside']} in none "
        "of the other. Say "
        "which version of the areas a map shows.",
        "**A district in three parts.** The police districts of Chicago are 25 shapes and "
        f"{chicago['areas']} districts: number 31 is drawn in three parts. `read_areas` refuses an id that "
        "occurs three times, and says to put the parts together.",
        "**A register can be complete and coarse.** Memphis gives its robberies to "
        f"{memphis['lattice'] or 0:g} degrees (about 100 m); Nottingham gives the month and an anonymised "
        f"point: {burglary['shared_percent']:.0f} % of the burglaries share theirs, and "
        f"{burglary['flag_duplicate_row']} rows equal an earlier one though they may well be "
        "other burglaries. "
        "That is why such rows are flagged, and left out only where somebody asks for it.",
        f"**Noon.** {city['noon_percent']:.1f} % of the records of Mexico City carry 12:00 "
        "sharp. They are kept "
        "in every count; a table of hours has to do without them.",
        "**A small heap is not yet a placeholder.** Car-jackings, assaults and robberies show "
        "a little more at "
        "noon and midnight than an even spread by the minute; where clerks round to the hour or half hour, "
        "every full hour does. Noon and midnight are therefore compared with the other full hours.",
    ]
    return "\n".join(f"- {line}" for line in told)
