"""A synthetic city: neighbourhoods, people, risks, events, and the truth behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from safemap.datasets._iztapalapa import Plan, distance_from_centre
from safemap.datasets._mesh import Mesh, Point, centroid
from safemap.datasets._stream import Floats, Integers, Stream
from safemap.errors import ConfigError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

ROBBERY = "ROBO A TRANSEUNTE EN VIA PUBLICA CON VIOLENCIA"
BURGLARY = "ROBO A CASA HABITACION CON VIOLENCIA"
NULL_OFFENCE = "FRAUDE"

#: offence -> mean number of expected events per area with population
EXPECTED: Mapping[str, float] = {
    ROBBERY: 15.0,
    BURGLARY: 5.0,
    NULL_OFFENCE: 5.0,
    "AMENAZAS": 1.5,
    "DAÑO EN PROPIEDAD AJENA INTENCIONAL": 1.0,
    "ROBO DE ACCESORIOS DE AUTO": 1.0,
    "LESIONES INTENCIONALES POR GOLPES": 0.8,
    "USURPACIÓN DE IDENTIDAD": 0.7,
}

#: offence -> number of hot spots and neighbourhoods in each; decided by place alone, never by population
HOTSPOTS: Mapping[str, tuple[int, int]] = {ROBBERY: (2, 24), BURGLARY: (1, 24)}

POPULATION_MEAN, POPULATION_MIN, POPULATION_MAX = 6_300, 263, 26_000

#: expected events of each offence in an area where nobody is registered, as a share of the mean
_WITHOUT_PEOPLE = 0.4


@dataclass(frozen=True, eq=False)
class Truth:
    """What was put into a synthetic city; row numbers are those a spreadsheet shows (the header is row 1).

    Attributes
    ----------
    name, seed
        Which city.
    relative_risk : float
        Risk inside a hot spot, as a multiple of the risk elsewhere.
    hotspots : mapping of str to tuple of tuple of str
        Offence -> hot spots, each a compact group of area ids.
    null_offence : str
        An offence with the same risk for everybody everywhere.
    expected, events : pandas.DataFrame
        One row per area, one column per offence: expected number of ordinary events of 2023, and the number
        that is in the file (with those planted on borders and in overlaps).
        A right reading of the file finds exactly ``events``.
    area_of : pandas.Series
        Row number -> area of every sound row of 2023; of a point on a border or in an overlap, the lowest id.
    faults : mapping of str to tuple of int
        Reason (a code of :data:`safemap.audit.REASONS`) -> rows planted with that fault, each row once.
    flags : mapping of str to tuple of int
        ``boundary`` and ``overlap`` -> sound rows that lie on a border, or in two areas.
    pile_up : tuple of float
        Longitude and latitude that stand for an agency's address (rows ``faults["default_coordinates"]``).
    areas_without_population : mapping of str to str
        Area id -> ``missing`` or ``zero``.
    area_without_neighbours : str
        The area that touches no other.
    overlaps, gaps, slivers : tuple of pairs of str
        Neighbours of which the first lies partly over the second; is pulled back from it by some 80 m; is
        separated from it by about half a metre, less than the tolerance of 1 m.
    """

    name: str
    seed: int
    relative_risk: float
    hotspots: Mapping[str, tuple[tuple[str, ...], ...]]
    null_offence: str
    expected: pd.DataFrame
    events: pd.DataFrame
    area_of: pd.Series
    faults: Mapping[str, tuple[int, ...]]
    flags: Mapping[str, tuple[int, ...]]
    pile_up: tuple[float, float]
    areas_without_population: Mapping[str, str]
    area_without_neighbours: str
    overlaps: tuple[tuple[str, str], ...]
    gaps: tuple[tuple[str, str], ...]
    slivers: tuple[tuple[str, str], ...]

    def planted(self, offence: str) -> frozenset[str]:
        """Ids of all areas inside a hot spot of `offence`; empty for an offence without any."""
        return frozenset(area for spot in self.hotspots.get(offence, ()) for area in spot)


@dataclass(frozen=True, eq=False)
class City:
    """A synthetic city in memory, as the verbs of safemap expect it.

    Attributes
    ----------
    areas, districts : geopandas.GeoDataFrame
        Neighbourhoods and boroughs: index ``area_id``, columns ``name``, ``population`` (neighbourhoods) and
        ``geometry``, EPSG:4326.
    incidents : pandas.DataFrame
        The register as text, as it stands in the file: index ``row``, columns of the prosecution file.
    context : geopandas.GeoDataFrame
        Main roads, a metro line and its stations: ``kind``, ``name``, ``geometry``.
    truth : Truth
        What was planted.
    """

    name: str
    seed: int
    areas: gpd.GeoDataFrame
    districts: gpd.GeoDataFrame
    incidents: pd.DataFrame
    context: gpd.GeoDataFrame
    truth: Truth


class Divided(Protocol):
    """A plan of any city that is divided into areas."""

    @property
    def mesh(self) -> Mesh:
        """All faces, in metres."""

    @property
    def areas(self) -> list[int]:
        """Faces that are areas."""

    @property
    def island(self) -> list[Point]:
        """The area that touches no other."""


class Borders(NamedTuple):
    """Borders that were made faulty: (first face, second face, the corner that was moved, where to)."""

    overlaps: tuple[tuple[int, int, int, Point], ...]
    gaps: tuple[tuple[int, int, int, Point], ...]
    slivers: tuple[tuple[int, int], ...]

    def touched(self) -> set[int]:
        """Faces with a faulty border."""
        return {f for pair in (*self.overlaps, *self.gaps, *self.slivers) for f in pair[:2]}

    def corners(self, position: int) -> set[int]:
        """Corners beside which no ordinary event of a face may lie, lest it fall into a gap or an overlap."""
        gaps = {v for face, _, v, _ in self.gaps if face == position}
        return gaps | {v for _, other, v, _ in self.overlaps if other == position}


def draw_hotspots(
    plan: Plan, stream: Stream, avoid: set[int], wanted: Mapping[str, tuple[int, int]]
) -> dict[str, list[list[int]]]:
    """Compact groups of faces: a random face and the nearest faces connected with it; groups never touch."""
    mesh, taken, around = plan.mesh, set(avoid), plan.mesh.around()
    spots: dict[str, list[list[int]]] = {offence: [] for offence in wanted}
    candidates = [plan.areas[i] for i in stream.order(len(plan.areas))]
    for offence, (number, size) in wanted.items():
        for face in candidates:
            if len(spots[offence]) == number:
                break
            group = grow(plan, face, size, taken)
            if group is not None:
                spots[offence].append(group)
                taken |= {n for f in group for v in mesh.faces[f] for n in around[v]}
        if len(spots[offence]) < number:
            raise ConfigError(
                f"there is no room for {number} hot spots of {size} areas ({offence}); plant fewer."
            )
    return spots


def draw_population(plan: Plan, stream: Stream) -> Integers:
    """Residents per area (the island last): denser in the centre, unequal everywhere."""
    rings = [*(plan.mesh.ring(f) for f in plan.areas), plan.island]
    u = stream.uniform(2 * len(rings)).reshape(-1, 2)
    weights = []
    for ring, (a, b) in zip(rings, u, strict=True):
        density = 1.5 - 0.8 * distance_from_centre(centroid(ring))
        weights.append(_square_metres(ring) * density * (0.25 + 2.2 * a * b))
    scale = POPULATION_MEAN * len(rings) / sum(weights)
    people = [min(max(round(w * scale), POPULATION_MIN), POPULATION_MAX) for w in weights]
    return np.array(people, dtype=np.int64)


def expected_events(population: Floats, hot: np.ndarray, mean: float, relative_risk: float) -> Floats:
    """Expected events per area: proportional to residents, `mean` on average, more inside a hot spot."""
    with_people = population > 0
    base = mean * np.where(with_people, population, 0) / population[with_people].mean()
    return np.where(with_people, base * np.where(hot, relative_risk, 1.0), _WITHOUT_PEOPLE * mean)


class Places:
    """Random points inside areas, away from every border."""

    def __init__(self, plan: Divided, borders: Borders) -> None:
        triangles, owner = [], []
        for position, face in enumerate(plan.areas):
            skip = {plan.mesh.points[v] for v in borders.corners(face)}
            for triangle in _fan(plan.mesh.ring(face), skip):
                triangles.append(triangle)
                owner.append(position)
        for triangle in _fan(plan.island, set()):
            triangles.append(triangle)
            owner.append(len(plan.areas))
        self._corners = np.array(triangles)
        a, b, c = self._corners[:, 0], self._corners[:, 1], self._corners[:, 2]
        size = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        self._upto = np.cumsum(size)
        self._last = np.searchsorted(np.array(owner), np.arange(len(plan.areas) + 1), side="right") - 1

    def draw(self, areas: Integers, stream: Stream) -> Floats:
        """One point (metres) in each of `areas` (positions), uniform but for a rim along the border."""
        u = stream.uniform(3 * len(areas)).reshape(-1, 3)
        before = np.concatenate([[0.0], self._upto])
        low = before[np.concatenate([[0], self._last + 1])[areas]]
        high = self._upto[self._last[areas]]
        which = np.searchsorted(self._upto, low + u[:, 0] * (high - low), side="right")
        centre, b, c = (self._corners[which, i] for i in range(3))
        fold = u[:, 1] + u[:, 2] > 1
        s = np.where(fold, 1 - u[:, 1], u[:, 1])[:, None]
        t = np.where(fold, 1 - u[:, 2], u[:, 2])[:, None]
        return centre + 0.97 * (s * (b - centre) + t * (c - centre))


def rings_of_areas(plan: Plan, borders: Borders) -> list[list[Point]]:
    """Outlines of the areas in degrees, faulty borders included; the island last."""
    moved: dict[int, dict[int, Point]] = {}
    for face, _, vertex, to in (*borders.overlaps, *borders.gaps):
        moved.setdefault(face, {})[vertex] = to
    for face, other in borders.slivers:
        for vertex in plan.mesh.between(face, other):
            moved.setdefault(face, {})[vertex] = _towards(
                plan.mesh.points[vertex], plan.mesh.centre(face), 0.7
            )
    rings = [
        [plan.origin.degrees(moved.get(face, {}).get(v, plan.mesh.points[v])) for v in plan.mesh.faces[face]]
        for face in plan.areas
    ]
    return [*rings, [plan.origin.degrees(p) for p in plan.island]]


def draw_borders(plan: Plan, stream: Stream, *, slivers: int = 3) -> Borders:
    """Choose borders with one bend and make some of them overlap, gape or part by half a metre."""
    mesh, chosen, used = plan.mesh, [], set()
    inside = set(plan.areas)
    for i in stream.order(len(plan.areas)):
        face = plan.areas[i]
        for other in mesh.neighbours(face):
            if other not in inside or {face, other} & used:
                continue
            chain = mesh.between(face, other)
            if len(chain) == 3:
                chosen.append((face, other, chain[1]))
                used |= {face, other, *mesh.neighbours(face), *mesh.neighbours(other)}
                break
        if len(chosen) == 4 + slivers:
            break
    over = tuple((f, o, v, _between(mesh.points[v], mesh.centre(o), 0.3)) for f, o, v in chosen[:2])
    gape = tuple((f, o, v, _between(mesh.points[v], mesh.centre(f), 0.3)) for f, o, v in chosen[2:4])
    return Borders(over, gape, tuple((f, o) for f, o, _ in chosen[4:]))


def grow(plan: Divided, face: int, size: int, taken: set[int]) -> list[int] | None:
    """`size` faces around `face`, the nearest connected ones first; None where there is no room."""
    mesh, allowed = plan.mesh, set(plan.areas) - taken
    if face not in allowed:
        return None
    cx, cy = mesh.centre(face)
    group, edge = [face], set(mesh.neighbours(face)) & allowed
    while len(group) < size and edge:
        nearest = min(edge, key=lambda f: ((mesh.centre(f)[0] - cx) ** 2 + (mesh.centre(f)[1] - cy) ** 2, f))
        group.append(nearest)
        edge = (edge | set(mesh.neighbours(nearest)) & allowed) - set(group)
    return group if len(group) == size else None


def _fan(ring: Sequence[Point], skip: set[Point]) -> list[tuple[Point, Point, Point]]:
    """Triangles from the centroid to each side, without the sides that end in a corner of `skip`."""
    c = centroid(ring)
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return [(c, a, b) for a, b in pairs if a not in skip and b not in skip]


def _between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))


def _towards(start: Point, end: Point, metres: float) -> Point:
    length = sqrt((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2)
    return _between(start, end, metres / length)


def _square_metres(ring: Sequence[Point]) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) / 2
