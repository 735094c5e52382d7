"""Putting a synthetic city together, from one seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from safemap.datasets._city import (
    EXPECTED,
    HOTSPOTS,
    NULL_OFFENCE,
    Borders,
    City,
    Places,
    Truth,
    draw_borders,
    draw_hotspots,
    draw_population,
    expected_events,
    rings_of_areas,
)
from safemap.datasets._iztapalapa import Plan, draw_plan
from safemap.datasets._mesh import Point, centroid
from safemap.datasets._names import neighbourhood_names
from safemap.datasets._register import FAULTS, Rows, assemble, coordinates, spoil
from safemap.datasets._stream import Floats, Integers, Stream
from safemap.errors import ConfigError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

BOROUGH = ("007", "Iztapalapa")
NAME = "iztapalapa"

#: points planted on borders, in overlaps and in gaps
_ON_CORNERS, _ON_BENDS, _PER_OVERLAP, _PER_GAP = 10, 14, 6, 5


class Setting(NamedTuple):
    """A city before anything happens in it."""

    plan: Plan
    borders: Borders
    ids: list[str]  #: by position: faces of the plan in order, the island last
    names: list[str]
    population: Floats  #: 0 where zero or missing
    without: dict[int, str]  #: position -> missing or zero
    agency: int  #: position of the area with the agency whose address stands for many others
    hotspots: dict[str, list[list[int]]]  #: positions


def build(
    seed: int,
    *,
    expected: Mapping[str, float],
    hotspots: Mapping[str, tuple[int, int]],
    relative_risk: float,
) -> City:
    """The synthetic Iztapalapa of one seed."""
    setting = _settle(seed, hotspots)
    offences = list(expected)
    means, hot = {}, {o: _marked(setting, o) for o in offences}
    for offence in offences:
        means[offence] = expected_events(setting.population, hot[offence], expected[offence], relative_risk)
    blocks = happen(setting, means, Stream(seed, 4))
    incidents, kinds = assemble(blocks, offences=offences, names=setting.names, stream=Stream(seed, 5))
    record = Record(NAME, seed, relative_risk, NULL_OFFENCE, tuple(FAULTS))
    truth = truth_of(setting, record, means, blocks, incidents.index, kinds)
    return City(
        name=NAME,
        seed=seed,
        areas=_areas(setting),
        districts=_districts(setting.plan),
        incidents=incidents,
        context=_context(setting.plan),
        truth=truth,
    )


def expectations(expected: Mapping[str, float] | float | None) -> dict[str, float]:
    """Mean expected events per area and offence: one number for all, or a change of some."""
    return checked_expectations(expected, EXPECTED)


def checked_expectations(
    expected: Mapping[str, float] | float | None, usual: Mapping[str, float]
) -> dict[str, float]:
    """The `usual` expectations of a city with the changes asked for."""
    if expected is None:
        return dict(usual)
    changed = dict.fromkeys(usual, float(expected)) if isinstance(expected, int | float) else dict(expected)
    unknown = sorted(set(changed) - set(usual))
    if unknown:
        raise ConfigError(f"unknown offences in expected: {unknown}; known are {', '.join(usual)}.")
    for offence, mean in changed.items():  # above 60, the largest area would get more than 600 events
        if not 0 <= mean <= 60:
            raise ConfigError(
                f"expected events per area must lie between 0 and 60; got {mean!r} for {offence}."
            )
    return {**usual, **changed}


def plant(hotspots: Mapping[str, tuple[int, int]] | None) -> dict[str, tuple[int, int]]:
    """Offence -> number of hot spots and areas in each, checked."""
    return checked_hotspots(HOTSPOTS if hotspots is None else hotspots, EXPECTED, NULL_OFFENCE)


def checked_hotspots(
    hotspots: Mapping[str, tuple[int, int]], offences: Mapping[str, float], null_offence: str
) -> dict[str, tuple[int, int]]:
    """Hot spots that can be planted: of known offences but the null, of a size there is room for."""
    wanted = dict(hotspots)
    unknown = sorted(set(wanted) - set(offences) | set(wanted) & {null_offence})
    if unknown:
        raise ConfigError(
            f"hot spots cannot be planted for {unknown}; possible are offences of the city but its null."
        )
    for offence, (number, size) in wanted.items():
        if not (0 <= number <= 10 and 1 <= size <= 120):
            raise ConfigError(
                f"hot spots are 0 to 10 groups of 1 to 120 areas; got {(number, size)} for {offence}."
            )
    return wanted


def _settle(seed: int, hotspots: Mapping[str, tuple[int, int]]) -> Setting:
    plan = draw_plan(Stream(seed, 1))
    borders = draw_borders(plan, Stream(seed, 2))
    stream = Stream(seed, 3)
    count = len(plan.areas) + 1
    people = draw_population(plan, stream).astype(np.float64)
    chosen = [i for i in stream.order(count - 1).tolist() if plan.areas[i] not in borders.touched()]
    without = {chosen[0]: "missing", chosen[1]: "missing", chosen[2]: "zero"}
    agency = chosen[3]
    for position in without:
        people[position] = 0.0
    position_of = {face: i for i, face in enumerate(plan.areas)}
    avoid = {plan.areas[i] for i in (*without, agency)} | set(plan.mesh.neighbours(plan.areas[agency]))
    spots = draw_hotspots(plan, stream, avoid, hotspots)
    return Setting(
        plan=plan,
        borders=borders,
        ids=_number(plan),
        names=neighbourhood_names(count, Stream(seed, 6)),
        population=people,
        without=without,
        agency=agency,
        hotspots={o: [[position_of[f] for f in spot] for spot in groups] for o, groups in spots.items()},
    )


def _number(plan: Plan) -> list[str]:
    """Ids from north to south in bands of a kilometre, within a band from west to east."""
    centres = [*(plan.mesh.centre(f) for f in plan.areas), centroid(plan.island)]
    order = sorted(range(len(centres)), key=lambda i: (-(centres[i][1] // 1_000), centres[i][0]))
    ids = [""] * len(centres)
    for number, position in enumerate(order, start=1):
        ids[position] = f"{BOROUGH[0]}-{number:03d}"
    return ids


def _marked(setting: Setting, offence: str) -> np.ndarray:
    hot = np.zeros(len(setting.ids), dtype=bool)
    for spot in setting.hotspots.get(offence, []):
        hot[spot] = True
    return hot


def happen(
    setting: Setting,
    means: Mapping[str, Floats],
    stream: Stream,
    *,
    faults: Mapping[str, int] = FAULTS,
    spoil: Callable[[str, Rows], Rows] = spoil,
) -> list[Rows]:
    """All rows but the repeats: sound ones, sound ones in awkward places, and every fault."""
    plan = setting.plan
    places = Places(setting.plan, setting.borders)
    counts = [stream.poisson(mean) for mean in means.values()]
    areas = np.concatenate([np.repeat(np.arange(len(setting.ids)), c) for c in counts])
    offence = np.concatenate([np.full(c.sum(), i) for i, c in enumerate(counts)])
    blocks = [_ordinary("sound", offence, areas, places, plan, stream)]
    blocks += _awkward(setting, stream, len(means))
    for kind, number in faults.items():
        if kind == "duplicate_row":
            continue
        offence = _mostly_first(number, len(means))
        if kind == "outside_areas":
            blocks.append(_outside(setting, number, offence, stream))
        elif kind == "default_coordinates":
            blocks.append(_piled_up(setting, number, len(means), stream))
        else:
            somewhere = _where_people_live(setting, number, stream)
            blocks.append(spoil(kind, _ordinary(kind, offence, somewhere, places, plan, stream)))
    return blocks


def _ordinary(
    kind: str, offence: Integers, areas: Integers, places: Places, plan: Plan, stream: Stream
) -> Rows:
    points = [plan.origin.degrees((x, y), 7) for x, y in places.draw(areas, stream).tolist()]
    lon, lat = coordinates(points)
    return Rows(kind, offence, areas, lon, lat, stream.integers(0, 365, len(areas)))


def _mostly_first(number: int, offences: int) -> Integers:
    """Three of five rows are the first offence, so that each fault is met when only that is selected."""
    i = np.arange(number)
    return np.where(i % 5 < 3, 0, (i // 5) % offences)


def _where_people_live(setting: Setting, number: int, stream: Stream) -> Integers:
    upto = np.cumsum(setting.population)
    return np.searchsorted(upto, stream.uniform(number) * upto[-1], side="right")


def _awkward(setting: Setting, stream: Stream, offences: int) -> list[Rows]:
    """Sound rows exactly on corners and bends of borders, and rows in two areas at once."""
    plan, position_of = setting.plan, {face: i for i, face in enumerate(setting.plan.areas)}
    at = plan.mesh.around()
    fine = set(plan.areas) - setting.borders.touched()
    corners = [v for v, faces in sorted(at.items()) if len(faces) >= 3 and faces <= fine]
    bends = [v for v, faces in sorted(at.items()) if len(faces) == 2 and faces <= fine]
    vertices = [*stream.pick(corners, _ON_CORNERS), *stream.pick(bends, _ON_BENDS)]
    lowest = [min((position_of[f] for f in at[v]), key=lambda i: setting.ids[i]) for v in vertices]
    boundary = _placed(
        "boundary", [plan.origin.degrees(plan.mesh.points[v]) for v in vertices], lowest, stream, offences
    )
    points, areas = [], []
    for face, other, vertex, to in setting.borders.overlaps:
        first = min((position_of[face], position_of[other]), key=lambda i: setting.ids[i])
        points += _along(plan.mesh.points[vertex], to, _PER_OVERLAP)
        areas += [first] * _PER_OVERLAP
    return [boundary, _placed("overlap", [plan.origin.degrees(p) for p in points], areas, stream, offences)]


def _placed(kind: str, points: list[Point], areas: list[int], stream: Stream, offences: int) -> Rows:
    lon, lat = coordinates(points, decimals=6)
    offence = _mostly_first(len(points), offences)
    return Rows(kind, offence, np.array(areas), lon, lat, stream.integers(0, 365, len(points)))


def _along(start: Point, end: Point, number: int) -> list[Point]:
    shares = [0.25 + 0.5 * i / (number - 1) for i in range(number)]
    return [(start[0] + s * (end[0] - start[0]), start[1] + s * (end[1] - start[1])) for s in shares]


def _outside(setting: Setting, number: int, offence: Integers, stream: Stream) -> Rows:
    """Points in gaps between neighbourhoods, on open land and just across the city limits."""
    mesh = setting.plan.mesh
    points = [
        p for _, _, vertex, to in setting.borders.gaps for p in _along(mesh.points[vertex], to, _PER_GAP)
    ]
    ring = [mesh.points[v] for v in mesh.outline(setting.plan.areas)]
    sides = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    for i in stream.order(len(sides)):
        (ax, ay), (bx, by) = sides[i]
        away = stream.one(120.0, 480.0) / ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        point = ((ax + bx) / 2 + away * (by - ay), (ay + by) / 2 - away * (bx - ax))
        if len(points) < number and not _inside(point, ring):
            points.append(point)
    lon, lat = coordinates([setting.plan.origin.degrees(p) for p in points])
    nowhere = np.full(number, -1)
    return Rows("outside_areas", offence, nowhere, lon, lat, stream.integers(0, 365, number))


def _inside(point: Point, ring: list[Point]) -> bool:
    """Even-odd rule."""
    x, y = point
    crossings = 0
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            crossings += 1
    return crossings % 2 == 1


def _agency_address(setting: Setting) -> Point:
    return setting.plan.origin.degrees(setting.plan.mesh.centre(setting.plan.areas[setting.agency]))


def _piled_up(setting: Setting, number: int, offences: int, stream: Stream) -> Rows:
    """Rows from all over the city that got the address of the agency where they were reported.

    Street robbery, burglary and the null offence have enough of them to be noticed in each offence alone.
    """
    i = np.arange(number)
    offence = np.select([i % 7 < 3, i % 7 == 3, i % 7 == 4], [0, 1, 2], 3 + i % (offences - 3))
    lon, lat = coordinates([_agency_address(setting)] * number, decimals=6)
    times = [f"{7 + i // 12:02d}:{5 * (i % 12):02d}:00" for i in range(number)]
    areas = _where_people_live(setting, number, stream)
    return Rows("default_coordinates", offence, areas, lon, lat, stream.integers(0, 365, number), time=times)


class Record(NamedTuple):
    """What the truth about a city says of the city itself."""

    name: str
    seed: int
    relative_risk: float
    null_offence: str
    faults: tuple[str, ...]


def truth_of(
    setting: Setting,
    record: Record,
    means: Mapping[str, Floats],
    blocks: list[Rows],
    index: pd.Index,
    kinds: np.ndarray,
) -> Truth:
    """What was planted: `index` are the rows of the register, `kinds` the kind and the source of each."""
    import pandas as pd

    ids, offences = np.array(setting.ids, dtype=object), list(means)
    rows = index.to_numpy()
    kind, source = kinds[:, 0], kinds[:, 1].astype(np.int64)
    area = ids[np.concatenate([b.area for b in blocks])[source]]
    offence = np.array(offences, dtype=object)[np.concatenate([b.offence for b in blocks])[source]]
    sound = np.isin(kind.astype(str), ["sound", "boundary", "overlap"])
    area_of = pd.Series(area[sound], index=index[sound], name="area_id")
    pairs = pd.Series(offence[sound], index=index[sound]).groupby([area_of, offence[sound]]).size()
    order = pd.Index(sorted(setting.ids), name="area_id")
    events = pairs.unstack(fill_value=0).reindex(index=order, columns=offences, fill_value=0)
    events.columns.name = None
    expected = pd.DataFrame(dict(means), index=pd.Index(setting.ids, name="area_id")).loc[order]
    faces = {face: setting.ids[i] for i, face in enumerate(setting.plan.areas)}
    return Truth(
        name=record.name,
        seed=record.seed,
        relative_risk=record.relative_risk,
        hotspots={o: tuple(tuple(sorted(ids[s])) for s in spots) for o, spots in setting.hotspots.items()},
        null_offence=record.null_offence,
        expected=expected,
        events=events,
        area_of=area_of,
        faults={code: tuple(rows[kind == code].tolist()) for code in record.faults},
        flags={name: tuple(rows[kind == name].tolist()) for name in ("boundary", "overlap")},
        pile_up=_agency_address(setting),
        areas_without_population={setting.ids[i]: why for i, why in setting.without.items()},
        area_without_neighbours=setting.ids[-1],
        overlaps=tuple((faces[b[0]], faces[b[1]]) for b in setting.borders.overlaps),
        gaps=tuple((faces[b[0]], faces[b[1]]) for b in setting.borders.gaps),
        slivers=tuple((faces[b[0]], faces[b[1]]) for b in setting.borders.slivers),
    )


def _areas(setting: Setting) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import shapely

    population = setting.population.copy()
    population[[i for i, why in setting.without.items() if why == "missing"]] = np.nan
    shapes = [shapely.Polygon(ring) for ring in rings_of_areas(setting.plan, setting.borders)]
    index = pd.Index(setting.ids, name="area_id")
    data = {"name": setting.names, "population": population}
    return gpd.GeoDataFrame(data, geometry=shapes, index=index, crs="EPSG:4326").sort_index()


def _districts(plan: Plan) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import shapely

    rings = {BOROUGH: plan.borough, **{key: plan.mesh.faces[face] for key, face in plan.neighbours.items()}}
    shapes = [
        shapely.Polygon([plan.origin.degrees(plan.mesh.points[v]) for v in ring]) for ring in rings.values()
    ]
    index = pd.Index([code for code, _ in rings], name="area_id")
    names = {"name": [name for _, name in rings]}
    return gpd.GeoDataFrame(names, geometry=shapes, index=index, crs="EPSG:4326").sort_index()


def _context(plan: Plan) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    rows = [
        ("road", name, shapely.LineString([plan.origin.degrees(plan.mesh.points[v]) for v in line]))
        for name, line in plan.roads.items()
    ]
    rows.append(("metro", "Metro Línea 21", shapely.LineString([plan.origin.degrees(p) for p in plan.metro])))
    rows += [
        ("station", name, shapely.Point(plan.origin.degrees(p)))
        for name, p in zip(plan.stations, plan.metro, strict=True)
    ]
    kinds, names, shapes = zip(*rows, strict=True)
    return gpd.GeoDataFrame({"kind": kinds, "name": names}, geometry=list(shapes), crs="EPSG:4326")
