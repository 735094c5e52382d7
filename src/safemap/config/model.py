"""The sections and keys of ``assessment.toml``, in the order of the work.

Keys equal the keyword names of the functions they are handed to. A key left out takes the default shown here,
or, where the default is ``None``, what the function itself chooses and reports.
"""
# ruff: noqa: RUF009 - `option` and `required` make dataclass fields

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from safemap.config.kinds import (
    Choice,
    File,
    Flag,
    Kind,
    Many,
    Number,
    OneOf,
    Period,
    Text,
    Translations,
    Where,
)
from safemap.settings import threshold

REPAIRS = ("swapped", "sign", "micro-degrees")
LANGUAGES = ("en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw")
FIGURE_SIZES = ("A4_full", "A4_half", "square", "slide")


def option(kind: Kind, words: str, default: Any = None, *, example: Any = None) -> Any:
    """A key that may be left out."""
    return field(default=default, metadata={"kind": kind, "words": words, "example": example})


def required(kind: Kind, words: str, *, example: Any = None) -> Any:
    """A key that must be there."""
    return field(default=MISSING, metadata={"kind": kind, "words": words, "example": example})


@dataclass(frozen=True, kw_only=True)
class AssessmentSection:
    """What the assessment is called and whose data it uses."""

    title: str = required(Text(), "title of the map and the methods text", example="Street robbery 2023")
    place: str | None = option(Text(), "name of the city or the district", example="Iztapalapa")
    source: str | None = option(
        Text(), "who recorded the incidents; shown on the map", example="Police register"
    )
    language: str = option(Choice(LANGUAGES), "language of the map", "en")


@dataclass(frozen=True, kw_only=True)
class IncidentsSection:
    """The register: where it is, what its columns mean, which rows are asked for, what to do with doubts."""

    #: columns that come in pairs, and of which only one pair can be given; a layer of points needs none
    PAIRS: ClassVar[tuple[tuple[str, str], ...]] = (("lon", "lat"), ("x", "y"))

    path: Path = required(
        File(), "file of incidents, one row each (CSV, Excel, Parquet, points)", example="incidents.csv"
    )
    lon: str | None = option(Text(), "column with the longitude in degrees", example="longitude")
    lat: str | None = option(Text(), "column with the latitude in degrees", example="latitude")
    x: str | None = option(Text(), "column with the x coordinate, with `crs`", example="easting")
    y: str | None = option(Text(), "column with the y coordinate, with `crs`", example="northing")
    crs: str | int | None = option(
        OneOf((Text(), Number(1, whole=True))), "coordinate system of x and y", example="EPSG:32614"
    )
    date: str | None = option(Text(), "column with the date of the event", example="date")
    time: str | None = option(Text(), "column with the time of the event", example="time")
    category: str | None = option(Text(), "column with the offence", example="offence")
    id: str | None = option(Text(), "column with an id of the record", example="case_id")
    encoding: str | None = option(Text(), "encoding of the file; detected if left out", example="latin-1")
    delimiter: str | None = option(Text(), "separator of the columns; detected if left out", example=";")
    decimal: str | None = option(
        Choice((".", ",")), "decimal mark; detected per column if left out", example=","
    )
    sheet: str | None = option(Text(), "sheet of a workbook, where it has several", example="2023")
    header: int | None = option(
        Number(1, whole=True), "row of a workbook with the column names; found if left out", example=4
    )
    layer: str | None = option(Text(), "layer of a file of points, where it has several", example="incidents")
    dayfirst: bool | None = option(Flag(), "true when 03/04 is the 3rd of April", example=True)
    date_format: str | None = option(Text(), "format of the dates, as strptime", example="%d/%m/%Y")
    positional_uncertainty: float | None = option(
        Number(0), "metres by which the points may be off, as the provider says", example=200
    )
    where: dict[str, Any] | None = option(
        Where(), "columns and the values to keep", example={"offence": ["STREET ROBBERY"]}
    )
    period: tuple[str, str] | None = option(
        Period(),
        "first and last day, both included; rates are per year",
        example=["2023-01-01", "2023-12-31"],
    )
    repair: str | tuple[str, ...] = option(
        OneOf((Choice(REPAIRS), Many(Choice(REPAIRS)))),
        "repairs of coordinates that are accepted",
        (),
        example=["swapped"],
    )
    duplicates: str = option(
        Choice(("report", "set-aside")), "what to do with rows that equal an earlier row", "report"
    )
    pileups: str = option(
        Choice(("report", "set-aside")), "what to do with coordinates many unrelated rows share", "report"
    )
    address: str | None = option(
        Text(), "column with the address; tells a default coordinate from a busy place", example="address"
    )


@dataclass(frozen=True, kw_only=True)
class LevelSection:
    """A further level of areas, each holding several of the areas (districts above neighbourhoods)."""

    name: str = required(Text(), "name of the level", example="district")
    path: Path = required(File(), "file with the boundaries", example="districts.gpkg")
    id: str = required(Text(), "column with the id, unique", example="code")
    label: str | None = option(Text(), "column with the name", example="name")
    layer: str | None = option(Text(), "layer of the file, where it has several", example="districts")
    crs: str | int | None = option(
        OneOf((Text(), Number(1, whole=True))),
        "coordinate system, where the file names none",
        example="EPSG:4326",
    )


@dataclass(frozen=True, kw_only=True)
class AreasSection:
    """The areas that are mapped, and the levels above them."""

    path: Path = required(File(), "file with the boundaries", example="neighbourhoods.gpkg")
    id: str = required(Text(), "column with the id, unique", example="code")
    name: str | None = option(Text(), "column with the name", example="name")
    names: dict[str, str] | None = option(
        Translations(LANGUAGES),
        "columns with the name in other languages, for the map",
        example={"ru": "name_ru", "uz-Cyrl": "name_cyr"},
    )
    population: str = required(Text(), "column with the number of residents", example="population")
    layer: str | None = option(Text(), "layer of the file, where it has several", example="neighbourhoods")
    crs: str | int | None = option(
        OneOf((Text(), Number(1, whole=True))),
        "coordinate system, where the file names none",
        example="EPSG:4326",
    )
    recorded: str | None = option(
        Text(), "column of the register with the area as recorded, to compare", example="neighbourhood"
    )
    max_distance: float = option(
        Number(0), "metres within which a point outside goes to the nearest area; 0 places none so", 0
    )
    levels: tuple[LevelSection, ...] = field(
        default=(), metadata={"section": LevelSection, "many": True, "words": LevelSection.__doc__}
    )


@dataclass(frozen=True, kw_only=True)
class GraphSection:
    """Which areas are neighbours."""

    rule: str = option(
        Choice(("queen", "rook")), "a shared point makes neighbours, or only a shared border", "queen"
    )
    tolerance: float = option(Number(0), "metres within which two outlines touch", threshold("tolerance_m"))
    order: int = option(Number(1, whole=True), "neighbours of neighbours count too, up to so many steps", 1)
    isolates: str = option(
        Choice(("exclude", "attach-nearest", "error")),
        "what to do with areas that have no neighbours",
        "exclude",
    )


@dataclass(frozen=True, kw_only=True)
class RatesSection:
    """Rates of the areas."""

    base: str = option(Text(), "what the population counts: residents, dwellings, vehicles", "residents")
    per: float = option(Number(0, open_low=True), "size of the base that the rate is per", 100_000)
    confidence: float = option(Number(0, 1, open_low=True, open_high=True), "coverage of the intervals", 0.95)
    interval: str = option(Choice(("exact", "mid-p", "byar")), "how the intervals are computed", "exact")
    smooth: str = option(Choice(("eb", "none")), "a smoothed rate beside the crude one", "eb")


@dataclass(frozen=True, kw_only=True)
class LocalSection:
    """Statistics of neighbourhood: Moran's I, local Moran, Getis-Ord Gi*."""

    permutations: int = option(Number(99, whole=True), "random rearrangements for every area", 9_999)
    max_permutations: int = option(
        Number(99, whole=True), "most rearrangements for an area where they decide", 999_999
    )
    alternative: str = option(Choice(("two-sided", "greater", "less")), "what counts as unusual", "two-sided")
    adjust: str = option(
        Choice(("fdr_bh", "fdr_by", "holm", "bonferroni", "none")),
        "correction for testing many areas",
        "fdr_bh",
    )
    alpha: float = option(Number(0, 1, open_low=True, open_high=True), "level of significance", 0.05)
    rng: int = option(Number(0, whole=True), "seed: the same number gives the same result", 0)


@dataclass(frozen=True, kw_only=True)
class MapSection:
    """The interactive map."""

    context: tuple[Path, ...] = option(
        Many(File()), "files with roads, rivers or stations, drawn under the data", (), example=["roads.gpkg"]
    )


@dataclass(frozen=True, kw_only=True)
class FiguresSection:
    """Printed maps of the layers, in the folder ``figures``."""

    formats: tuple[str, ...] = option(
        Many(Choice(("png", "svg", "pdf"))),
        "files of each map; an empty list leaves them out",
        ("png", "pdf"),
    )
    size: str = option(Choice(FIGURE_SIZES), "size of the sheet", "A4_half")
    greyscale: bool = option(Flag(), "greys with marks, for a printer without colours", False)


@dataclass(frozen=True, kw_only=True)
class DisclosureSection:
    """What may leave."""

    k: int = option(
        Number(1, whole=True), "counts from 1 to k - 1 are withheld", int(threshold("suppress_below"))
    )
    audience: str = option(
        Choice(("internal", "partner", "public")), "for whom the folder is made", "internal"
    )


@dataclass(frozen=True, kw_only=True)
class OutputSection:
    """Form of the files."""

    bom: bool = option(Flag(), "mark the tables as UTF-8 for older versions of Excel", False)
    gis: tuple[str, ...] = option(
        Many(Choice(("gpkg", "fgb", "pmtiles"))),
        "files of the areas for a GIS: GeoPackage, FlatGeobuf, vector tiles",
        ("gpkg",),
    )


@dataclass(frozen=True, kw_only=True)
class AssessmentConfig:
    """Everything one assessment needs to know."""

    assessment: AssessmentSection
    incidents: IncidentsSection
    areas: AreasSection
    graph: GraphSection = field(default_factory=GraphSection)
    rates: RatesSection = field(default_factory=RatesSection)
    local: LocalSection = field(default_factory=LocalSection)
    map: MapSection = field(default_factory=MapSection)
    figures: FiguresSection = field(default_factory=FiguresSection)
    disclosure: DisclosureSection = field(default_factory=DisclosureSection)
    output: OutputSection = field(default_factory=OutputSection)


#: Section name -> dataclass, in the order of the file.
SECTIONS: dict[str, type] = {
    "assessment": AssessmentSection,
    "incidents": IncidentsSection,
    "areas": AreasSection,
    "graph": GraphSection,
    "rates": RatesSection,
    "local": LocalSection,
    "map": MapSection,
    "figures": FiguresSection,
    "disclosure": DisclosureSection,
    "output": OutputSection,
}
