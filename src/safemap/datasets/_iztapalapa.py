"""The plan of the synthetic Iztapalapa: an invented outline, invented neighbours, invented streets.

Nothing here is traced from a map. Only the place on the globe, the size and the number of neighbourhoods
resemble the borough of that name, so that projections, scales and run times are realistic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from safemap.datasets._mesh import Mesh, Origin, Point
from safemap.datasets._names import STATIONS
from safemap.datasets._stream import Stream

ORIGIN = Origin(lon=-99.06, lat=19.35, metres_per_lon=105_030.0, metres_per_lat=110_690.0)

N_AREAS = 290

_SCALE = 1_070.0  # metres per unit of the plan

_PLAN: Mapping[str, Point] = {
    # outline
    "A": (-7.0, 2.2), "B": (-3.6, 4.0), "C": (0.2, 3.4), "D": (2.6, 5.2), "E": (6.2, 3.6), "F": (8.2, 0.6),
    "G": (6.4, -1.8), "H": (3.4, -2.4), "I": (1.6, -5.6), "J": (-1.6, -4.6), "K": (-4.2, -2.2),
    "L": (-7.4, -0.8),
    # where main roads meet
    "P": (-3.2, 0.8), "Q": (0.4, 0.2), "R": (3.6, 0.9),
    # corners of the open land in the south-east and of the neighbouring boroughs
    "T": (7.4, -4.6), "U": (4.4, -6.0),
    "a": (-10.5, 7.2), "b": (-10.5, 2.6), "c": (-10.5, -8.0), "d": (-5.5, -8.0), "e": (2.2, -8.0),
    "f": (10.5, -8.0), "g": (10.5, 0.6), "h": (0.2, 7.2),
}  # fmt: skip

_SECTORS = ("LABP", "LPK", "PBCQ", "QCDR", "RDEF", "RFGH", "QRH", "QHIJ", "PQJK")
_OPEN_LAND = "IHGTU"
_NEIGHBOURS = {
    ("006", "Iztacalco"): "bABCha",
    ("003", "Coyoacán"): "bALKdc",
    ("013", "Xochimilco"): "dKJIe",
    ("011", "Tláhuac"): "eIUTGFgf",
}
_ROADS = {
    "Calzada de los Volcanes": "LPQRF",
    "Avenida Tezontle Poniente": "BPK",
    "Eje 11 Oriente": "CQJ",
    "Avenida Ferrocarril de Oriente": "DRH",
    "Diagonal Acequia": "QH",
}
_METRO: tuple[Point, ...] = (
    (-2.9, 3.3), (-2.1, 2.2), (-1.0, 1.5), (-0.3, 0.5), (0.8, -0.5), (1.9, -1.1), (3.1, -0.7), (4.4, -0.3),
    (5.7, -0.5), (6.9, 0.0),
)  # fmt: skip
_ISLAND: tuple[Point, ...] = ((4.9, -4.5), (5.35, -4.6), (5.6, -4.25), (5.4, -3.9), (5.0, -3.95), (4.8, -4.2))


class Plan(NamedTuple):
    """Geometry of a city in metres from its centre."""

    mesh: Mesh
    areas: list[int]  #: faces that are neighbourhoods
    island: list[Point]  #: the neighbourhood that touches no other
    borough: list[int]  #: ring of vertices of the borough: neighbourhoods and open land
    open_land: int  #: face inside the borough where nobody lives
    neighbours: dict[tuple[str, str], int]  #: code and name of a neighbouring borough -> face
    roads: dict[str, list[int]]  #: name -> vertices
    metro: list[Point]
    stations: tuple[str, ...]
    origin: Origin = ORIGIN


def draw_plan(stream: Stream) -> Plan:
    """Neighbourhoods, boroughs and streets of one city."""
    letters = list(_PLAN)
    rings = [*_SECTORS, _OPEN_LAND, *_NEIGHBOURS.values()]
    mesh = Mesh(_scaled(_PLAN.values()), [[letters.index(c) for c in ring] for ring in rings])
    sectors, open_land = list(range(len(_SECTORS))), len(_SECTORS)
    neighbours = {key: open_land + 1 + i for i, key in enumerate(_NEIGHBOURS)}
    areas = _subdivide(mesh, sectors, stream)
    mesh.bend(areas, stream, longest=260.0, amount=0.07)
    return Plan(
        mesh=mesh,
        areas=areas,
        island=_scaled(_ISLAND),
        borough=mesh.outline([*areas, open_land]),
        open_land=open_land,
        neighbours=neighbours,
        roads={name: mesh.line(*(letters.index(c) for c in path)) for name, path in _ROADS.items()},
        metro=_scaled(_METRO),
        stations=STATIONS,
    )


def distance_from_centre(point: Point) -> float:
    """0 in the centre to about 1 at the edge of the city."""
    return sqrt(point[0] ** 2 + point[1] ** 2) / (8.2 * _SCALE)


def _subdivide(mesh: Mesh, faces: list[int], stream: Stream) -> list[int]:
    """Cut the largest face again and again; smaller pieces in the centre, and unequal ones everywhere."""

    def weight(face: int) -> float:
        return mesh.area(face) * (1.8 - distance_from_centre(mesh.centre(face))) * stream.one(0.25, 1.4)

    weights = {face: weight(face) for face in faces}
    finished: list[int] = []
    while len(weights) + len(finished) < N_AREAS - 1:
        face = max(weights, key=weights.__getitem__)
        new = mesh.split(face, stream, smallest=22_000.0, roundness=0.5)
        new = new or mesh.split(face, stream, smallest=15_000.0, roundness=0.36)
        if new is None:
            finished.append(face)
            del weights[face]
            continue
        weights[face], weights[new] = weight(face), weight(new)
    return sorted([*weights, *finished])


def _scaled(points: Iterable[Point]) -> list[Point]:
    return [(x * _SCALE, y * _SCALE) for x, y in points]
