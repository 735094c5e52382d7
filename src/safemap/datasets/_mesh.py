"""A map of polygons that share their borders exactly: faces made of shared vertices, cut and bent together.

Plain arithmetic, no geometry library: the coordinates are the same on every machine, and what one polygon has
as a corner on a border its neighbour has too, so no sliver and no overlap is there that was not planted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import pi, sqrt
from typing import NamedTuple, TypeVar

from safemap.datasets._stream import Stream

Point = tuple[float, float]
T = TypeVar("T")

#: metres within which a cut goes through an existing corner instead of making a new one beside it
_SNAP = 45.0


class Origin(NamedTuple):
    """Where on the globe a plan in metres has its centre, and metres per degree there."""

    lon: float
    lat: float
    metres_per_lon: float
    metres_per_lat: float

    def degrees(self, point: Point, decimals: int = 6) -> Point:
        """Longitude and latitude; six decimals (about 11 cm) as they stand in every file."""
        x, y = point
        return (
            round(self.lon + x / self.metres_per_lon, decimals),
            round(self.lat + y / self.metres_per_lat, decimals),
        )


class Mesh:
    """Faces as rings of vertex numbers, anticlockwise; coordinates in metres from the centre of the city."""

    def __init__(self, vertices: Sequence[Point], faces: Sequence[Sequence[int]]) -> None:
        self.points: list[Point] = [(float(x), float(y)) for x, y in vertices]
        self.faces: list[list[int]] = []
        self._left: dict[tuple[int, int], int] = {}  # directed edge -> the face on its left
        self._origin: dict[tuple[int, int], tuple[int, int]] = {}  # directed edge -> edge of the first faces
        for ring in faces:
            self._store(len(self.faces), list(ring) if self._area(ring) > 0 else list(ring)[::-1])
        self._origin = {edge: edge for a, b in self._left for edge in ((a, b), (b, a))}

    def ring(self, face: int) -> list[Point]:
        """Corners of a face."""
        return [self.points[v] for v in self.faces[face]]

    def area(self, face: int) -> float:
        """Square metres of a face."""
        return self._area(self.faces[face])

    def centre(self, face: int) -> Point:
        """Centroid of a face."""
        return centroid(self.ring(face))

    def neighbours(self, face: int) -> list[int]:
        """Faces that share an edge with `face`, in the order of its ring."""
        ring, found = self.faces[face], []
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            other = self._left.get((b, a))
            if other is not None and other not in found:
                found.append(other)
        return found

    def around(self) -> dict[int, set[int]]:
        """Vertex -> the faces that have it as a corner."""
        found: dict[int, set[int]] = {}
        for face, ring in enumerate(self.faces):
            for vertex in ring:
                found.setdefault(vertex, set()).add(face)
        return found

    def split(self, face: int, stream: Stream, *, smallest: float, roundness: float) -> int | None:
        """Cut a face in two across its longest side; number of the new face, or None if no cut was good."""
        for _ in range(6):
            corners = self.ring(face)
            (ax, ay), (bx, by) = max(_sides(corners), key=_length_squared)
            jitter, shift = stream.one(-0.22, 0.22), stream.one(-0.28, 0.28)
            dx, dy = bx - ax, by - ay
            cx, cy = centroid(corners)
            through = (cx + shift * dx, cy + shift * dy)
            cut = self._crossings(face, through, (-dy + jitter * dx, dx + jitter * dy))
            if cut is None:
                continue
            first, second = cut
            if self._good(face, first, second, smallest, roundness):
                return self._divide(face, first, second)
        return None

    def bend(self, faces: Iterable[int], stream: Stream, *, longest: float, amount: float) -> None:
        """Give long edges of `faces` a corner in the middle, a little off the line, for both sides alike."""
        faces = list(faces)
        stars = set(faces)
        for face in faces:
            for a, b in _sides(list(self.faces[face])):
                (ax, ay), (bx, by) = self.points[a], self.points[b]
                if (bx - ax) ** 2 + (by - ay) ** 2 < longest**2:
                    continue
                along, off = stream.one(0.35, 0.65), stream.one(-amount, amount)
                straight = (ax + along * (bx - ax), ay + along * (by - ay))
                bent = (straight[0] - off * (by - ay), straight[1] + off * (bx - ax))
                vertex = self._insert(a, b, bent)
                both = {self._left.get((a, vertex)), self._left.get((b, vertex))} & stars
                if not all(self.is_star(f) for f in both):
                    self.points[vertex] = straight

    def is_star(self, face: int) -> bool:
        """Whether every corner of the face is seen from its centroid (then fans of triangles fill it)."""
        corners = self.ring(face)
        c = centroid(corners)
        return all(_cross(c, a, b) > 1.0 for a, b in _sides(corners))

    def outline(self, faces: Iterable[int]) -> list[int]:
        """Ring of vertex numbers around connected faces."""
        inside = set(faces)
        after = {
            a: b
            for face in sorted(inside)
            for a, b in _sides(self.faces[face])
            if self._left.get((b, a)) not in inside
        }
        start = min(after)
        ring = [start]
        while (following := after[ring[-1]]) != start:
            ring.append(following)
        return ring

    def between(self, face: int, other: int) -> list[int]:
        """Vertices of the border that `face` shares with `other`, in the order of the ring of `face`."""
        shared = [(a, b) for a, b in _sides(self.faces[face]) if self._left.get((b, a)) == other]
        following = dict(shared)
        starts = [a for a, _ in shared if a not in following.values()]
        chain = [starts[0] if starts else shared[0][0]]
        while chain[-1] in following and len(chain) <= len(shared):
            chain.append(following[chain[-1]])
        return chain

    def line(self, *vertices: int) -> list[int]:
        """Vertices along edges of the first faces, from one of their corners to the next, bends included."""
        chain = [vertices[0]]
        for edge in pairwise(vertices):
            pieces = {a: b for (a, b), origin in self._origin.items() if origin == edge}
            while chain[-1] != edge[1]:
                chain.append(pieces[chain[-1]])
        return chain

    def _store(self, face: int, ring: list[int]) -> None:
        if face == len(self.faces):
            self.faces.append(ring)
        else:
            self.faces[face] = ring
        for edge in _sides(ring):
            self._left[edge] = face

    def _insert(self, a: int, b: int, point: Point) -> int:
        """A new vertex on the edge a-b, for the faces on both of its sides."""
        vertex = len(self.points)
        self.points.append(point)
        for start, end in ((a, b), (b, a)):
            origin = self._origin.pop((start, end), None)
            if origin is not None:
                self._origin[start, vertex] = self._origin[vertex, end] = origin
            face = self._left.pop((start, end), None)
            if face is not None:
                ring = self.faces[face]
                ring.insert(ring.index(start) + 1, vertex)
                self._left[start, vertex] = self._left[vertex, end] = face
        return vertex

    def _crossings(self, face: int, through: Point, direction: Point) -> list[tuple[int, int, float]] | None:
        """Where a line crosses the ring: two edges (a, b) with the share of the way from a to b."""
        ring = self.faces[face]
        side = {
            v: direction[0] * (self.points[v][1] - through[1])
            - direction[1] * (self.points[v][0] - through[0])
            for v in ring
        }
        found = []
        for a, b in _sides(ring):
            if (side[a] > 0) != (side[b] > 0):
                t = side[a] / (side[a] - side[b])
                length = sqrt(_length_squared((self.points[a], self.points[b])))
                t = 0.0 if t * length < _SNAP else 1.0 if (1 - t) * length < _SNAP else t
                found.append((a, b, t))
        return found if len(found) == 2 else None

    def _at(self, crossing: tuple[int, int, float]) -> Point:
        (ax, ay), (bx, by) = self.points[crossing[0]], self.points[crossing[1]]
        return (ax + crossing[2] * (bx - ax), ay + crossing[2] * (by - ay))

    def _good(
        self,
        face: int,
        first: tuple[int, int, float],
        second: tuple[int, int, float],
        smallest: float,
        roundness: float,
    ) -> bool:
        """Whether both halves would be large and round enough."""
        ring = self.faces[face]
        i, j = ring.index(first[0]), ring.index(second[0])
        p, q = self._at(first), self._at(second)
        corners = self.ring(face)
        halves = ([p, *corners[i + 1 : j + 1], q], [q, *corners[j + 1 :], *corners[: i + 1], p])
        return all(_signed(h) > smallest and _roundness(h) > roundness for h in halves)

    def _divide(self, face: int, first: tuple[int, int, float], second: tuple[int, int, float]) -> int:
        ends = []
        for a, b, t in (first, second):
            ends.append(a if t == 0.0 else b if t == 1.0 else self._insert(a, b, self._at((a, b, t))))
        ring = self.faces[face]
        i, j = sorted((ring.index(ends[0]), ring.index(ends[1])))
        kept, new = ring[i : j + 1], ring[j:] + ring[: i + 1]
        number = len(self.faces)
        self._store(face, kept)
        self._store(number, new)
        return number

    def _area(self, ring: Sequence[int]) -> float:
        return _signed([self.points[v] for v in ring])


def centroid(corners: Sequence[Point]) -> Point:
    """Centre of mass of a polygon."""
    ox, oy = corners[0]
    sx = sy = total = 0.0
    for (ax, ay), (bx, by) in _sides(corners):
        cross = (ax - ox) * (by - oy) - (bx - ox) * (ay - oy)
        total += cross
        sx += (ax + bx - 2 * ox) * cross
        sy += (ay + by - 2 * oy) * cross
    return (ox + sx / (3 * total), oy + sy / (3 * total))


def _sides(items: Sequence[T]) -> list[tuple[T, T]]:
    """Consecutive pairs around a ring."""
    return list(zip(items, [*items[1:], items[0]], strict=True))


def _length_squared(side: tuple[Point, Point]) -> float:
    (ax, ay), (bx, by) = side
    return (bx - ax) ** 2 + (by - ay) ** 2


def _cross(o: Point, a: Point, b: Point) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (b[0] - o[0]) * (a[1] - o[1])


def _signed(corners: Sequence[Point]) -> float:
    o = corners[0]
    return sum(_cross(o, a, b) for a, b in _sides(corners)) / 2


def _roundness(corners: Sequence[Point]) -> float:
    """Area over squared perimeter, 1 for a circle."""
    perimeter = sum(sqrt(_length_squared(side)) for side in _sides(corners))
    return 4 * pi * _signed(corners) / perimeter**2 if perimeter else 0.0
