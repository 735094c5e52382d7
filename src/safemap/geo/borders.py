"""How much of the outline of one area runs along another area, or in it, within a tolerance.

The points of a straight edge that lie within the tolerance of another straight edge are one interval, so the
part of an edge near a whole outline is a union of intervals. What is left between them does not come near
that outline: it lies in the other area as a whole or not at all, and one point tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.geo.shared import Edges, Vertices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Edges, or pairs of edges, looked at together, and pairs of areas looked at together.
_BLOCK = 2**18
_PAIRS = 2**15
#: Cosine of the angle whose sine is two thirds, less a little.
_COSINE = 0.74


class _Space(NamedTuple):
    """All edges, as ends (x, y) and boxes (left, bottom, right, top), area by area: one line per number."""

    geometry: NDArray[Any]
    start: Floats
    step: Floats  #: from start to end
    number: NDArray[np.int32]  #: of the vertices at start and end
    box: Floats
    first: Ints  #: first edge of each area, and the end
    bounds: Floats  #: boxes of the areas
    tolerance: float


class _Spans(NamedTuple):
    """Parts of edges, from 0 at the start of an edge to 1 at its end."""

    edge: Ints
    low: Floats
    high: Floats


def border_within(
    geometry: NDArray[Any], vertices: Vertices, edges: Edges, pairs: tuple[Ints, Ints], tolerance: float
) -> Floats:
    """Metres of the outline of one area within the tolerance of the other, the longer of the two ways round.

    Parameters
    ----------
    geometry : ndarray of shapely geometries
        Areas.
    vertices, edges
        Theirs.
    pairs : two ndarrays of int
        First and second area of each pair.
    tolerance : float
        Metres, above 0.

    Returns
    -------
    ndarray of float
        0 where areas plainly meet in a corner only, so that it could not be above three times the tolerance.
    """
    import shapely

    start, end = (np.ascontiguousarray(vertices.xy[at].T) for at in (edges.start, edges.end))
    box = np.vstack([np.minimum(start, end), np.maximum(start, end)])
    first = np.searchsorted(edges.area, np.arange(len(geometry) + 1))
    bounds = np.ascontiguousarray(shapely.bounds(geometry).T)
    number = np.vstack([vertices.number[edges.start], vertices.number[edges.end]])
    space = _Space(geometry, start, end - start, number, box, first, bounds, tolerance)
    out = np.zeros(len(pairs[0]))
    for block in range(0, len(out), _PAIRS):
        i, j = (side[block : block + _PAIRS] for side in pairs)
        mine, theirs = _facing(space, i, j), _facing(space, j, i)
        left = np.flatnonzero(~_only_corners(space, i, j, mine, theirs))
        if len(left):
            mine, theirs = _kept(mine, left, len(i)), _kept(theirs, left, len(i))
            one_way = _length(space, *mine, *theirs, j[left])
            other_way = _length(space, *theirs, *mine, i[left])
            out[block + left] = np.maximum(one_way, other_way)
    return out


def _facing(space: _Space, i: Ints, j: Ints) -> tuple[Ints, Ints]:
    """Edges of `i` whose boxes come within the tolerance of the box of `j`: number of the pair, and edge."""
    begin = space.first[i]
    found = [(np.empty(0, dtype=np.int64),) * 2]
    for pair, number in _each(space.first[i + 1] - begin):
        edge = begin[pair] + number
        near = _meet(space.box, edge, space.bounds, j[pair], space.tolerance)
        found.append((pair[near], edge[near]))
    pairs, edges = (np.concatenate(part) for part in zip(*found, strict=True))
    return pairs, edges


def _kept(side: tuple[Ints, Ints], pairs: Ints, n: int) -> tuple[Ints, Ints]:
    """The edges of some of `n` pairs, numbered anew."""
    count = np.bincount(side[0], minlength=n)
    begin = (np.cumsum(count) - count)[pairs]
    found = [(np.empty(0, dtype=np.int64),) * 2]
    found += [(pair, side[1][begin[pair] + number]) for pair, number in _each(count[pairs])]
    first, second = (np.concatenate(part) for part in zip(*found, strict=True))
    return first, second


def _only_corners(
    space: _Space, i: Ints, j: Ints, mine: tuple[Ints, Ints], theirs: tuple[Ints, Ints]
) -> NDArray[np.bool_]:
    """True for pairs that share one vertex, from which their edges part at once and for good.

    Only the two edges at that vertex face the other area, on both sides, at angles of which the sine is above
    two thirds (or that are not acute), so that at most 1.5 times the tolerance of each is near the other; and
    their far ends lie outside the other's box.
    """
    out = np.zeros(len(i), dtype=bool)
    count, count_of = (np.bincount(side[0], minlength=len(i)) for side in (mine, theirs))
    two = np.flatnonzero((count == 2) & (count_of == 2))
    sides = []
    for side, number in ((mine, count), (theirs, count_of)):
        first = (np.cumsum(number) - number)[two]
        sides.append(np.vstack([side[1][first], side[1][first + 1]]))
    start, end = space.number
    one, other = sides[0]
    corner = np.where((start[one] == start[other]) | (start[one] == end[other]), start[one], end[one])
    good = np.ones(len(two), dtype=bool)
    directions = []
    for side, area in zip(sides, (j[two], i[two]), strict=True):
        left, bottom, right, top = (line[area] for line in space.bounds)
        for edge in side:
            away = start[edge] == corner
            good &= away | (end[edge] == corner)
            x, y = space.step[:, edge]
            far_x = np.where(away, space.start[0][edge] + x, space.start[0][edge])
            far_y = np.where(away, space.start[1][edge] + y, space.start[1][edge])
            good &= (far_x < left) | (far_x > right) | (far_y < bottom) | (far_y > top)
            length = np.where(away, 1.0, -1.0) * np.hypot(x, y)
            directions.append((x / length, y / length))
    for x, y in directions[:2]:
        for u, v in directions[2:]:
            good &= x * u + y * v < _COSINE
    out[two] = good
    return out


def _length(space: _Space, pair: Ints, edge: Ints, pair_of: Ints, edge_of: Ints, other: Ints) -> Floats:
    """Metres of the edges `edge` of each pair that are near `edge_of`, or inside the area `other`."""
    begin = np.searchsorted(pair_of, pair)
    found = [_Spans(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))]
    for at, number in _each(np.searchsorted(pair_of, pair, side="right") - begin):
        there = edge_of[begin[at] + number]
        near = _meet(space.box, edge[at], space.box, there, space.tolerance)
        found.append(_near_spans(space, edge, at[near], there[near]))
    covered, gaps = _united(_Spans(*(np.concatenate(part) for part in zip(*found, strict=True))), len(edge))
    length = np.hypot(*space.step[:, edge])
    out = np.bincount(pair, weights=covered * length, minlength=len(other))
    inside = _inside(space, gaps, edge, other[pair])
    more = (gaps.high - gaps.low)[inside] * length[gaps.edge[inside]]
    return out + np.bincount(pair[gaps.edge[inside]], weights=more, minlength=len(other))


def _inside(space: _Space, gaps: _Spans, edge: Ints, other: Ints) -> Ints:
    """Which gaps lie in the other area, by their middle."""
    import shapely

    which, share = edge[gaps.edge], (gaps.low + gaps.high) / 2
    area = other[gaps.edge]
    x, y = (space.start[axis][which] + share * space.step[axis][which] for axis in (0, 1))
    left, bottom, right, top = (side[area] for side in space.bounds)
    maybe = np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))
    shapely.prepare(space.geometry[np.unique(area[maybe])])
    return maybe[shapely.contains_xy(space.geometry[area[maybe]], x[maybe], y[maybe])]


def _each(count: Ints) -> Iterator[tuple[Ints, Ints]]:
    """0..count-1 for every entry of a list of counts, as (entry, number), in blocks of bounded size."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.unique(np.r_[0, np.searchsorted(ends, np.arange(_BLOCK, total, _BLOCK)), len(count)])
    for first, last in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        part = count[first:last]
        entry = np.repeat(np.arange(first, last), part)
        yield entry, np.arange(len(entry)) - np.repeat(np.cumsum(part) - part, part)


def _meet(boxes: Floats, at: Ints, others: Floats, there: Ints, tolerance: float) -> NDArray[np.bool_]:
    """True where two boxes are within the tolerance along both axes."""
    met = boxes[2][at] >= others[0][there] - tolerance
    met &= boxes[0][at] <= others[2][there] + tolerance
    met &= boxes[3][at] >= others[1][there] - tolerance
    met &= boxes[1][at] <= others[3][there] + tolerance
    return met


def _near_spans(space: _Space, edge: Ints, at: Ints, there: Ints) -> _Spans:
    """The part of each edge ``edge[at]`` within the tolerance of the edge `there`; only where there is any.

    It is the hull of the parts in the two discs around the ends of the other and in the strip along it.
    """
    this, r = edge[at], space.tolerance
    ex, ey = space.step[0][this], space.step[1][this]
    fx, fy = space.step[0][there], space.step[1][there]
    wx, wy = space.start[0][this] - space.start[0][there], space.start[1][this] - space.start[1][there]
    square, long = ex * ex + ey * ey, fx * fx + fy * fy
    low, high = np.full(len(at), np.inf), np.full(len(at), -np.inf)
    for x, y in ((wx, wy), (wx - fx, wy - fy)):
        along = x * ex + y * ey
        root = along * along - square * (x * x + y * y - r * r)
        met = root >= 0
        half = np.sqrt(np.maximum(root, 0.0))
        low = np.where(met, np.minimum(low, (-along - half) / square), low)
        high = np.where(met, np.maximum(high, (half - along) / square), high)
    across = r * np.sqrt(long)
    sides = _between(fx * wy - fy * wx, fx * ey - fy * ex, -across, across)
    ends = _between(fx * wx + fy * wy, fx * ex + fy * ey, np.zeros(len(at)), long)
    first, last = np.maximum(sides[0], ends[0]), np.minimum(sides[1], ends[1])
    some = first <= last
    low = np.where(some, np.minimum(low, first), low).clip(0.0, 1.0)
    high = np.where(some, np.maximum(high, last), high).clip(0.0, 1.0)
    found = np.flatnonzero(low < high)
    return _Spans(at[found], low[found], high[found])


def _between(at_start: Floats, slope: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Where ``at_start + u * slope`` lies between two numbers, as an interval of u; empty ones are turned."""
    flat = slope == 0
    slope = np.where(flat, 1.0, slope)
    one, other = (low - at_start) / slope, (high - at_start) / slope
    always = np.where((low <= at_start) & (at_start <= high), np.inf, -np.inf)
    return np.where(flat, -always, np.minimum(one, other)), np.where(flat, always, np.maximum(one, other))


def _united(spans: _Spans, n: int) -> tuple[Floats, _Spans]:
    """For each of `n` edges the share that some span covers, and the gaps that none does."""
    order = np.lexsort((spans.low, spans.edge))
    edge, base = spans.edge[order], 2.0 * spans.edge[order]  # edges one after the other on one line
    low, high = spans.low[order] + base, spans.high[order] + base
    reached = np.maximum.accumulate(high)
    before = np.maximum(np.r_[0.0, reached[:-1]][: len(base)], base)
    covered = np.bincount(edge, weights=np.maximum(high - np.maximum(low, before), 0.0), minlength=n)
    until = np.zeros(n)
    until[edge] = reached - base  # the last of an edge is the furthest
    gaps = (
        np.r_[edge, np.arange(n)],
        np.r_[before - base, until],
        np.r_[low - base, np.ones(n)],
    )
    wide = gaps[2] - gaps[1] > 1e-9
    return covered, _Spans(*(part[wide] for part in gaps))
