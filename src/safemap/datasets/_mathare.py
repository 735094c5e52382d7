"""The plan of the synthetic Mathare: invented blocks, an invented river, invented people.

Nothing here is traced from a map. Only the place on the globe, the size and the names of the six wards
resemble the sub-county of that name in Nairobi; names of blocks, streets and landmarks are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from safemap.datasets._city import Borders, Places, grow
from safemap.datasets._mesh import Mesh, Origin, Point, centroid
from safemap.datasets._stream import Floats, Integers, Stream

NAME = "mathare"

#: degrees of the centre, and metres per degree there
ORIGIN = Origin(36.86, -1.26, 111_293.0, 110_575.0)

N_AREAS = 72

_PLAN: Mapping[str, Point] = {
    # outline
    "A": (-1500, 250), "B": (-900, 700), "C": (-150, 620), "D": (500, 760), "E": (1150, 520), "F": (1500, 50),
    "G": (1050, -420), "H": (350, -560), "I": (-350, -480), "J": (-1000, -520), "K": (-1450, -200),
    # where roads meet
    "P": (-700, 80), "Q": (100, 60), "R": (750, 20),
    # corners of the flats by the river, where nobody lives
    "T": (330, -960), "U": (-420, -930),
}  # fmt: skip

_WARDS: Mapping[tuple[str, str], str] = {
    ("01", "Hospital"): "BCQP",
    ("02", "Mabatini"): "PQIJ",
    ("03", "Huruma"): "CDERQ",
    ("04", "Ngei"): "QRHI",
    ("05", "Mlango Kubwa"): "ABPJK",
    ("06", "Kiamaiko"): "REFGH",
}
_FLATS = "IHTU"
_ROADS = {"Barabara ya Mnara": "BPQRE", "Njia ya Daraja": "CQI", "Barabara ya Soko": "RH"}
_RIVER = "JIHG"
#: the block that touches no other, on the far side of the river; it belongs to the ward of the flats
_ISLAND: tuple[Point, ...] = (
    (-120.0, -770.0), (20.0, -800.0), (110.0, -740.0), (90.0, -640.0), (-40.0, -620.0), (-130.0, -680.0),
)  # fmt: skip
_WARD_OF_FLATS = 3

_STEMS = (
    "Tumaini", "Upendo", "Baraka", "Neema", "Furaha", "Imani", "Heshima", "Subira", "Mwanga", "Nyota",
    "Mwezi", "Mnazi", "Mwembe", "Mbuyu", "Mkuyu", "Mpera", "Kipepeo", "Twiga", "Kasuku", "Kisima",
    "Chemchemi", "Mawingu", "Upepo", "Mwamba",
)  # fmt: skip
_FORMS = ("{}", "{} Juu", "{} Chini", "{} Kati")
_LANDMARKS = ("stage", "water point", "kiosk row", "football ground", "clinic gate", "footbridge")

POPULATION_MEAN, POPULATION_MIN, POPULATION_MAX = 2_800, 500, 7_000


class Plan(NamedTuple):
    """Geometry of the city in metres from its centre; what :class:`safemap.datasets._city.Places` expects."""

    mesh: Mesh
    areas: list[int]  #: faces that are blocks
    island: list[Point]  #: the block that touches no other; its position comes after those of `areas`
    ward: list[int]  #: by position: number of the ward, the island included
    wards: list[list[int]]  #: rings of vertices
    roads: dict[str, list[int]]
    river: list[int]

    def rings(self) -> list[list[Point]]:
        """Outlines of all blocks in metres, the island last."""
        return [*(self.mesh.ring(face) for face in self.areas), self.island]


class Setting(NamedTuple):
    """The city before anything happens in it; lists are by position: blocks in order, the island last."""

    plan: Plan
    ids: list[str]
    names: list[str]
    population: Floats
    low: Floats
    high: Floats
    market: int  #: the block where nobody lives
    start: int  #: the block on which the map of the reporting app opens
    hotspot: list[int]
    unsafe: list[list[int]]  #: the hot spot, and a group elsewhere
    landmarks: list[Point]  #: degrees
    landmark_names: list[str]


def settle(seed: int, *, hotspot: int) -> Setting:
    """Blocks, people, landmarks and planted groups of one seed; `hotspot` is the number of blocks in it."""
    plan = draw_plan(Stream(seed, 101))
    stream = Stream(seed, 102)
    count = len(plan.areas) + 1
    order = stream.order(count - 1).tolist()
    market, start = order[0], order[1]
    groups = _two_groups(plan, stream, avoid={market, start}, size=hotspot)
    names = stream.pick([form.format(stem) for form in _FORMS for stem in _STEMS], count)
    middle, low, high = draw_population(plan, market, stream)
    where = Places(plan, Borders((), (), ())).draw(np.arange(count), stream)
    kinds = [_LANDMARKS[i] for i in stream.integers(0, len(_LANDMARKS), count).tolist()]
    return Setting(
        plan=plan,
        ids=_number(plan),
        names=names,
        population=middle,
        low=low,
        high=high,
        market=market,
        start=start,
        hotspot=groups[0],
        unsafe=groups,
        landmarks=[ORIGIN.degrees((x, y)) for x, y in where.tolist()],
        landmark_names=[f"{name} {kind}" for name, kind in zip(names, kinds, strict=True)],
    )


def draw_plan(stream: Stream) -> Plan:
    """Wards cut into blocks, with bends in long borders."""
    letters, rings = list(_PLAN), [*_WARDS.values(), _FLATS]
    mesh = Mesh(list(_PLAN.values()), [[letters.index(c) for c in ring] for ring in rings])
    flats = len(_WARDS)
    ward_of = _subdivide(mesh, list(range(flats)), stream)
    areas = sorted(ward_of)
    mesh.bend(areas, stream, longest=150.0, amount=0.06)
    inside = [[face for face in areas if ward_of[face] == w] for w in range(flats)]
    inside[_WARD_OF_FLATS].append(flats)
    return Plan(
        mesh=mesh,
        areas=areas,
        island=list(_ISLAND),
        ward=[*(ward_of[face] for face in areas), _WARD_OF_FLATS],
        wards=[mesh.outline(faces) for faces in inside],
        roads={name: mesh.line(*(letters.index(c) for c in path)) for name, path in _ROADS.items()},
        river=mesh.line(*(letters.index(c) for c in _RIVER)),
    )


def ward_keys() -> list[tuple[str, str]]:
    """Code and name of the wards, by number."""
    return list(_WARDS)


def draw_population(plan: Plan, market: int, stream: Stream) -> tuple[Floats, Floats, Floats]:
    """Residents of each block, and how few and how many there are according to whom you ask.

    The lower figure lies 20 to 45 % below, the upper 25 to 90 % above; they disagree most in some blocks.
    """
    rings = plan.rings()
    u = stream.uniform(4 * len(rings)).reshape(-1, 4)
    weights = [_square_metres(r) * (0.35 + 1.9 * a * b) for r, (a, b) in zip(rings, u[:, :2], strict=True)]
    scale = POPULATION_MEAN * len(rings) / sum(weights)
    people = [min(max(round(w * scale), POPULATION_MIN), POPULATION_MAX) for w in weights]
    people[market] = 0
    low = [round(p * (0.80 - 0.25 * x)) for p, x in zip(people, u[:, 2].tolist(), strict=True)]
    high = [round(p * (1.25 + 0.65 * x)) for p, x in zip(people, u[:, 3].tolist(), strict=True)]
    middle, fewest, most = (np.array(v, dtype=np.float64) for v in (people, low, high))
    return middle, fewest, most


def _subdivide(mesh: Mesh, faces: list[int], stream: Stream) -> dict[int, int]:
    """Cut the largest block again and again, unequally; which ward each block belongs to."""
    ward = {face: number for number, face in enumerate(faces)}
    weights = {face: mesh.area(face) * stream.one(0.6, 1.4) for face in faces}
    while len(ward) < N_AREAS - 1:
        face = max(weights, key=weights.__getitem__)
        new = mesh.split(face, stream, smallest=11_000.0, roundness=0.5)
        new = new or mesh.split(face, stream, smallest=8_000.0, roundness=0.34)
        if new is None:
            del weights[face]
            continue
        ward[new] = ward[face]
        weights[face], weights[new] = (mesh.area(f) * stream.one(0.6, 1.4) for f in (face, new))
    return ward


def _two_groups(plan: Plan, stream: Stream, *, avoid: set[int], size: int) -> list[list[int]]:
    """Positions of two compact groups of blocks that do not touch each other."""
    position = {face: i for i, face in enumerate(plan.areas)}
    around = plan.mesh.around()
    candidates = [plan.areas[i] for i in stream.order(len(plan.areas))]
    taken = {plan.areas[i] for i in avoid}
    for first in candidates:
        group = grow(plan, first, size, taken)
        if group is None:
            continue
        rim = {n for f in group for v in plan.mesh.faces[f] for n in around[v]}
        for other in candidates:
            second = grow(plan, other, size, taken | rim)
            if second is not None:
                return [[position[f] for f in g] for g in (group, second)]
    raise RuntimeError(f"no room for two groups of {size} blocks")  # pragma: no cover - sizes are bounded


def _number(plan: Plan) -> list[str]:
    """Code of the ward and number within it, from west to east; leading zeros count."""
    centres = [centroid(ring) for ring in plan.rings()]
    codes = [code for code, _ in _WARDS]
    ids = [""] * len(centres)
    for ward, code in enumerate(codes):
        inside = sorted((i for i, w in enumerate(plan.ward) if w == ward), key=lambda i: centres[i])
        for number, position in enumerate(inside, start=1):
            ids[position] = f"{code}{number:02d}"
    return ids


def _square_metres(ring: list[Point]) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) / 2


def positions_by_people(setting: Setting, number: int, stream: Stream) -> Integers:
    """Random positions of blocks, in proportion to residents."""
    upto = np.cumsum(setting.population)
    return np.searchsorted(upto, stream.uniform(number) * upto[-1], side="right")
