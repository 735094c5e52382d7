"""The synthetic Chilanzar: an invented city of twelve districts and their mahallas.

Nothing here is traced from a map. Only the place on the globe and the usual size of mahallas resemble
Tashkent, and one district bears the name of a real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from safemap.datasets._city import City, Truth, draw_borders, draw_hotspots, expected_events, rings_of_areas
from safemap.datasets._generate import Record, Setting, happen, truth_of
from safemap.datasets._iztapalapa import Plan
from safemap.datasets._mesh import Mesh, Origin, Point, centroid
from safemap.datasets._stream import Floats, Stream
from safemap.datasets._uzbek import DISTRICTS, Name, mahalla_names

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

NAME = "chilanzar"
ORIGIN = Origin(lon=69.2, lat=41.29, metres_per_lon=83_780.0, metres_per_lat=111_050.0)
N_AREAS = 336

ROBBERY, BURGLARY, NULL_OFFENCE = "Грабёж", "Кража из жилища", "Мошенничество"

#: offence as the register writes it in Russian -> mean number of expected events per area with population
EXPECTED: Mapping[str, float] = {
    ROBBERY: 13.0, BURGLARY: 5.0, NULL_OFFENCE: 5.0, "Хулиганство": 1.5, "Угон транспорта": 1.0,
}  # fmt: skip
#: offence -> number of hot spots and mahallas in each
HOTSPOTS: Mapping[str, tuple[int, int]] = {ROBBERY: (2, 30), BURGLARY: (1, 30)}

POPULATION_MEAN, POPULATION_MIN, POPULATION_MAX = 3_600, 300, 12_000

#: years of the table of counts; the last is that of the register
YEARS = (2021, 2022, 2023)

_SCALE = 1_000.0  # metres per unit of the plan
_PLAN: Mapping[str, Point] = {
    "A": (-7.0, 4.2), "B": (-3.2, 6.3), "C": (0.6, 6.9), "D": (4.2, 5.9), "E": (7.4, 3.6),
    "F": (-8.4, 1.2), "G": (-3.6, 2.1), "H": (0.3, 2.5), "I": (4.0, 1.9), "J": (8.3, 0.9),
    "K": (-7.9, -2.4), "L": (-3.4, -1.8), "M": (0.5, -1.5), "N": (3.9, -2.2), "O": (7.6, -2.9),
    "P": (-5.6, -5.6), "Q": (-3.0, -6.1), "R": (0.2, -6.4), "S": (3.7, -6.0), "T": (5.9, -5.4),
}  # fmt: skip
#: corners of the districts, in the order of their codes
_DISTRICTS = (
    "FGLK", "ABGF", "BCHG", "CDIH", "DEJI", "GHML", "HINM", "IJON", "KLQP", "LMRQ", "MNSR", "NOTS",
)  # fmt: skip
_ROADS = {
    "Bogʻbonlar koʻchasi": "FGHIJ", "Ipakchilar koʻchasi": "CHMR", "Katta halqa yoʻli": "BGLQ",
    "Kulollar koʻchasi": "DINS",
}  # fmt: skip
_CANAL = "KLMNO"
_METRO: tuple[Point, ...] = (
    (-6.4, -0.6), (-4.9, 0.1), (-2.9, 0.6), (-1.0, 0.9), (0.9, 0.6), (2.4, -0.3), (4.6, -0.4), (6.3, -0.9),
)  # fmt: skip
_STATIONS = (
    "Olmazorlar",
    "Paxtaguli",
    "Zarkent",
    "Gulkoʻcha",
    "Charxpalak",
    "Mirobbozor",
    "Navqiron",
    "Anorbogʻ",
)
_ISLAND: tuple[Point, ...] = ((8.0, -4.7), (8.3, -5.0), (8.8, -5.1), (9.0, -4.6), (8.7, -4.2), (8.3, -4.3))
_DISTRICT_OF_ISLAND = 11


@dataclass(frozen=True, eq=False)
class ChilanzarTruth(Truth):
    """What was put into the synthetic Chilanzar, see :class:`Truth`; and into its table of counts.

    Attributes
    ----------
    counts : pandas.DataFrame
        One row per area, one column per year: burglaries counted in the table.
    counts_faults : mapping of str to tuple of str
        Reason -> counts of the table planted with it, as row:year.
    same_name : tuple of str
        Ids of two mahallas of one name in different districts.
    mapping : mapping of str to str
        Misspelled names in the table -> the area that is meant.
    """

    counts: pd.DataFrame
    counts_faults: Mapping[str, tuple[str, ...]]
    same_name: tuple[str, str]
    mapping: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class ChilanzarCity(City):
    """A synthetic city whose areas have ``name_ru``, ``name_uz-Cyrl``, ``district``, and a table of counts.

    Attributes
    ----------
    counts : pandas.DataFrame
        Burglaries per mahalla and year as text, as they stand in the file: index ``row``.
    """

    counts: pd.DataFrame


class Mahallas(NamedTuple):
    """What mahallas have beside what areas of every city have; by position."""

    names: list[Name]
    district: list[int]  #: position in the districts
    rings: list[list[int]]  #: outlines of the districts as vertices


def build(
    seed: int, *, expected: Mapping[str, float], hotspots: Mapping[str, tuple[int, int]], relative_risk: float
) -> ChilanzarCity:
    """The synthetic Chilanzar of one seed."""
    from safemap.datasets._chilanzar_register import FAULTS, count_table, register, spoil

    setting, mahallas = _settle(seed, hotspots)
    means = {}
    for offence, mean in expected.items():
        hot = np.zeros(len(setting.ids), dtype=bool)
        for spot in setting.hotspots.get(offence, []):
            hot[spot] = True
        means[offence] = expected_events(setting.population, hot, mean, relative_risk)
    blocks = happen(setting, means, Stream(seed, 204), faults=FAULTS, spoil=spoil)
    incidents, kinds = register(blocks, mahallas, list(means), Stream(seed, 205))
    record = Record(NAME, seed, relative_risk, NULL_OFFENCE, tuple(FAULTS))
    truth = truth_of(setting, record, means, blocks, incidents.index, kinds)
    after = int(incidents.index[-1]) + 1  # below the register: a row of totals, a blank one, a note
    below = {"total_row": (after,), "footnote_row": (after + 2,)}
    burglaries = truth.events[BURGLARY].loc[setting.ids].to_numpy()
    table = count_table(setting, mahallas, means[BURGLARY], burglaries, Stream(seed, 206))
    areas = _areas(setting, mahallas)
    return ChilanzarCity(
        name=NAME,
        seed=seed,
        areas=areas,
        districts=_districts(setting.plan, mahallas),
        incidents=incidents,
        context=_context(setting.plan),
        truth=ChilanzarTruth(
            **{**truth.__dict__, "faults": {**truth.faults, **below}},
            counts=table.counts,
            counts_faults=table.faults,
            same_name=_same_name(setting.ids, mahallas),
            mapping=table.mapping,
        ),
        counts=table.frame,
    )


def expectations(expected: Mapping[str, float] | float | None) -> dict[str, float]:
    """Mean expected events per area and offence: one number for all, or a change of some."""
    from safemap.datasets._generate import checked_expectations

    return checked_expectations(expected, EXPECTED)


def plant(hotspots: Mapping[str, tuple[int, int]] | None) -> dict[str, tuple[int, int]]:
    """Offence -> number of hot spots and areas in each, checked."""
    from safemap.datasets._generate import checked_hotspots

    return checked_hotspots(HOTSPOTS if hotspots is None else hotspots, EXPECTED, NULL_OFFENCE)


def _settle(seed: int, hotspots: Mapping[str, tuple[int, int]]) -> tuple[Setting, Mahallas]:
    plan, district, rings = _draw_plan(Stream(seed, 201))
    borders = draw_borders(plan, Stream(seed, 202))
    stream = Stream(seed, 203)
    count = len(plan.areas) + 1
    people = _draw_population(plan, stream)
    chosen = [i for i in stream.order(count - 1).tolist() if plan.areas[i] not in borders.touched()]
    without = {chosen[0]: "missing", chosen[1]: "zero"}
    agency = chosen[2]
    for position in without:
        people[position] = 0.0
    position_of = {face: i for i, face in enumerate(plan.areas)}
    avoid = {plan.areas[i] for i in (*without, agency)} | set(plan.mesh.neighbours(plan.areas[agency]))
    spots = draw_hotspots(plan, stream, avoid, hotspots)
    names = mahalla_names(count, Stream(seed, 207))
    first = 0  # one name for two mahallas of different districts
    second = next(i for i in range(1, count) if district[i] != district[first])
    names[second] = names[first]
    setting = Setting(
        plan=plan,
        borders=borders,
        ids=_number(plan, district),
        names=[n.latin for n in names],
        population=people,
        without=without,
        agency=agency,
        hotspots={o: [[position_of[f] for f in spot] for spot in groups] for o, groups in spots.items()},
    )
    return setting, Mahallas(names, district, rings)


def _draw_plan(stream: Stream) -> tuple[Plan, list[int], list[list[int]]]:
    """Districts cut into mahallas; the district of each, by position, and the outlines of the districts."""
    letters = list(_PLAN)
    points = [(x * _SCALE, y * _SCALE) for x, y in _PLAN.values()]
    mesh = Mesh(points, [[letters.index(c) for c in ring] for ring in _DISTRICTS])
    district_of = _subdivide(mesh, len(_DISTRICTS), stream)
    areas = sorted(district_of)
    mesh.bend(areas, stream, longest=420.0, amount=0.06)
    rings = [mesh.outline([f for f in areas if district_of[f] == d]) for d in range(len(_DISTRICTS))]
    plan = Plan(
        mesh=mesh,
        areas=areas,
        island=[(x * _SCALE, y * _SCALE) for x, y in _ISLAND],
        borough=mesh.outline(areas),
        open_land=-1,
        neighbours={},
        roads={name: mesh.line(*(letters.index(c) for c in path)) for name, path in _ROADS.items()},
        metro=[(x * _SCALE, y * _SCALE) for x, y in _METRO],
        stations=_STATIONS,
        origin=ORIGIN,
    )
    return plan, [*(district_of[face] for face in areas), _DISTRICT_OF_ISLAND], rings


def _subdivide(mesh: Mesh, districts: int, stream: Stream) -> dict[int, int]:
    """Cut the largest face again and again; face -> district."""

    def weight(face: int) -> float:
        return mesh.area(face) * (1.7 - _from_centre(mesh.centre(face))) * stream.one(0.4, 1.3)

    district_of = {face: face for face in range(districts)}
    weights = {face: weight(face) for face in district_of}
    while len(district_of) < N_AREAS - 1:
        face = max(weights, key=weights.__getitem__)
        new = mesh.split(face, stream, smallest=60_000.0, roundness=0.45)
        if new is None:
            weights[face] = 0.0
            continue
        district_of[new] = district_of[face]
        weights[face], weights[new] = weight(face), weight(new)
    return district_of


def _from_centre(point: Point) -> float:
    """0 in the centre to about 1 at the edge of the city."""
    return sqrt(point[0] ** 2 + point[1] ** 2) / (8.6 * _SCALE)


def _draw_population(plan: Plan, stream: Stream) -> Floats:
    """Residents per area (the island last): unequal everywhere, little tied to size."""
    rings = [*(plan.mesh.ring(f) for f in plan.areas), plan.island]
    u = stream.uniform(2 * len(rings)).reshape(-1, 2)
    weights = [
        (1.4 - 0.6 * _from_centre(centroid(ring))) * (0.3 + a + 0.3 * b)
        for ring, (a, b) in zip(rings, u, strict=True)
    ]
    scale = POPULATION_MEAN * len(rings) / sum(weights)
    people = [min(max(round(w * scale), POPULATION_MIN), POPULATION_MAX) for w in weights]
    return np.array(people, dtype=np.float64)


def _number(plan: Plan, district: list[int]) -> list[str]:
    """Ids that begin with the code of the district, within it from north to south."""
    centres = [*(plan.mesh.centre(f) for f in plan.areas), centroid(plan.island)]
    ids = [""] * len(centres)
    for d in range(len(_DISTRICTS)):
        inside = sorted((i for i, of in enumerate(district) if of == d), key=lambda i: -centres[i][1])
        for number, position in enumerate(inside, start=1):
            ids[position] = f"{d + 1:02d}{number:02d}"
    return ids


def _same_name(ids: list[str], mahallas: Mahallas) -> tuple[str, str]:
    first, second = (ids[i] for i, n in enumerate(mahallas.names) if mahallas.names.count(n) > 1)
    return first, second


def _areas(setting: Setting, mahallas: Mahallas) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import shapely

    population = setting.population.copy()
    population[[i for i, why in setting.without.items() if why == "missing"]] = np.nan
    shapes = [shapely.Polygon(ring) for ring in rings_of_areas(setting.plan, setting.borders)]
    data = {
        "name": setting.names,
        "population": population,
        "name_uz-Latn": setting.names,
        "name_uz-Cyrl": [n.cyrillic for n in mahallas.names],
        "name_ru": [n.russian for n in mahallas.names],
        "district": [DISTRICTS[d].latin for d in mahallas.district],
    }
    index = pd.Index(setting.ids, name="area_id")
    return gpd.GeoDataFrame(data, geometry=shapes, index=index, crs="EPSG:4326").sort_index()


def _districts(plan: Plan, mahallas: Mahallas) -> gpd.GeoDataFrame:
    """Outlines of the districts; the mahalla that touches no other is a second part of the last one."""
    import geopandas as gpd
    import pandas as pd
    import shapely

    parts = [[[plan.origin.degrees(plan.mesh.points[v]) for v in ring]] for ring in mahallas.rings]
    parts[_DISTRICT_OF_ISLAND].append([plan.origin.degrees(p) for p in plan.island])
    shapes = [
        shapely.Polygon(rings[0])
        if len(rings) == 1
        else shapely.MultiPolygon([shapely.Polygon(r) for r in rings])
        for rings in parts
    ]
    names = {
        "name": [n.latin for n in DISTRICTS],
        "name_uz-Cyrl": [n.cyrillic for n in DISTRICTS],
        "name_ru": [n.russian for n in DISTRICTS],
    }
    index = pd.Index([f"{i:02d}" for i in range(1, len(DISTRICTS) + 1)], name="area_id")
    return gpd.GeoDataFrame(names, geometry=shapes, index=index, crs="EPSG:4326")


def _context(plan: Plan) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    letters = list(_PLAN)
    lines = {**plan.roads, "Yangi ariq": plan.mesh.line(*(letters.index(c) for c in _CANAL))}
    rows = [
        (
            "canal" if name == "Yangi ariq" else "road",
            name,
            shapely.LineString([plan.origin.degrees(plan.mesh.points[v]) for v in line]),
        )
        for name, line in lines.items()
    ]
    rows.append(("metro", "Metro", shapely.LineString([plan.origin.degrees(p) for p in plan.metro])))
    rows += [
        ("station", name, shapely.Point(plan.origin.degrees(p)))
        for name, p in zip(plan.stations, plan.metro, strict=True)
    ]
    kinds, names, shapes = zip(*rows, strict=True)
    return gpd.GeoDataFrame({"kind": kinds, "name": names}, geometry=list(shapes), crs="EPSG:4326")
