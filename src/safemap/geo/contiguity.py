"""Areas that touch: shared vertices first, then whatever lies within a tolerance.

Pairs are two arrays of row numbers, the first number of a pair always smaller than the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Contiguity = Literal["queen", "rook"]
Pairs = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


def touching_pairs(geometry: NDArray[Any], rule: Contiguity, tolerance: float) -> tuple[Pairs, Pairs]:
    """Pairs of neighbours, and those among them that share no vertex.

    Parameters
    ----------
    geometry : ndarray of shapely geometries
        Areas in metres; missing and empty ones have no neighbours.
    rule : {"queen", "rook"}
        ``queen``: at most `tolerance` apart. ``rook``: a common border longer than `tolerance`.
    tolerance : float
        Metres.
    """
    shared = _shared_vertices(geometry)
    near = _within_tolerance(geometry, tolerance, known=shared)
    pairs = union(shared, near)
    if rule == "rook":
        pairs = _with_common_border(geometry, pairs, tolerance)
    return pairs, _intersect(near, pairs)


def describe_near(geometry: NDArray[Any], ids: pd.Index, pairs: Pairs) -> pd.DataFrame:
    """What kind of neighbours they are that share no vertex: see :class:`safemap.geo.graph.AreaGraph`."""
    import pandas as pd
    import shapely

    i, j = pairs
    gap = shapely.distance(geometry[i], geometry[j])
    overlap = np.zeros(len(i))
    meet = np.flatnonzero(gap == 0)
    overlap[meet] = shapely.area(shapely.intersection(geometry[i[meet]], geometry[j[meet]]))
    kind = np.where(gap > 0, "gap", np.where(overlap > 0, "overlap", "touch"))
    return pd.DataFrame(
        {"focal": ids.take(i), "neighbor": ids.take(j), "kind": kind, "gap_m": gap, "overlap_m2": overlap}
    )


def union(one: Pairs, other: Pairs) -> Pairs:
    """Union of two sets of pairs, sorted."""
    pairs = np.unique(
        np.column_stack([np.concatenate(both) for both in zip(one, other, strict=True)]), axis=0
    )
    return pairs[:, 0], pairs[:, 1]


def _shared_vertices(geometry: NDArray[Any]) -> Pairs:
    """Pairs (i < j) of areas that have an equal vertex: sort all, pair up the owners of equal ones."""
    import shapely

    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    if not len(xy):
        return _no_pairs()
    order = np.lexsort((owner, xy[:, 1], xy[:, 0]))
    xy, owner = xy[order], owner[order]
    equal = (xy[1:] == xy[:-1]).all(axis=1)
    run = np.concatenate([[0], np.cumsum(~equal)])
    # one row per (vertex, area): the ring's closing vertex would pair an area with itself
    keep = np.concatenate([[True], ~(equal & (owner[1:] == owner[:-1]))])
    return _pairs_within_runs(run[keep], owner[keep], len(geometry))


def _pairs_within_runs(run: NDArray[np.int64], owner: NDArray[np.int64], n: int) -> Pairs:
    """All pairs of owners within each run; `run` is sorted and owners are sorted and unique within a run."""
    found = [np.empty(0, dtype=np.int64)]
    step = 1
    while True:  # owner s places further on in the same run; as many rounds as the busiest vertex has areas
        same = run[step:] == run[:-step]
        if not same.any():
            break
        found.append(np.unique(owner[:-step][same].astype(np.int64) * n + owner[step:][same]))
        step += 1
    code = np.unique(np.concatenate(found))
    return code // max(n, 1), code % max(n, 1)


def _within_tolerance(geometry: NDArray[Any], tolerance: float, *, known: Pairs) -> Pairs:
    """Pairs at most `tolerance` apart that are not `known`: boxes first, exact distance for what is left."""
    import shapely

    bounds = shapely.bounds(geometry)
    filled = np.flatnonzero(~np.isnan(bounds[:, 0]))
    if not len(filled):
        return _no_pairs()
    grown = shapely.box(*(bounds[filled] + np.array([-1, -1, 1, 1]) * tolerance).T)
    left, right = shapely.STRtree(geometry).query(grown)
    left = filled[left]
    once = left < right
    i, j = _difference((left[once], right[once]), known, len(geometry))
    shapely.prepare(geometry[np.unique(i)])
    close = shapely.dwithin(geometry[i], geometry[j], tolerance)
    return i[close], j[close]


def _with_common_border(geometry: NDArray[Any], pairs: Pairs, tolerance: float) -> Pairs:
    """Of `pairs`, those that share a border longer than the tolerance."""
    i, j = pairs
    sure = _shared_edge_length(geometry, pairs) > tolerance
    open_cases = np.flatnonzero(~sure)
    border = _near_border(geometry, i[open_cases], j[open_cases], tolerance)
    sure[open_cases] = border > 3 * max(tolerance, 1e-9)
    return i[sure], j[sure]


def _shared_edge_length(geometry: NDArray[Any], pairs: Pairs) -> NDArray[np.float64]:
    """Metres of outline that the two areas of each pair draw through the same two vertices."""
    n = len(geometry)
    ends, owner = _edges(geometry)
    order = np.lexsort((owner, *ends.T))
    ends, owner = ends[order], owner[order]
    twin = np.flatnonzero((ends[1:] == ends[:-1]).all(axis=1) & (owner[1:] != owner[:-1]))
    codes, which = np.unique(owner[twin] * n + owner[twin + 1], return_inverse=True)
    metres = np.hypot(ends[twin, 2] - ends[twin, 0], ends[twin, 3] - ends[twin, 1])
    lengths = np.append(np.bincount(which, weights=metres, minlength=len(codes)), 0.0)
    at = np.searchsorted(codes, pairs[0] * n + pairs[1])
    found = np.append(codes, -1)[at] == pairs[0] * n + pairs[1]
    return np.where(found, lengths[at], 0.0)


def _edges(geometry: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Every edge as (x1, y1, x2, y2) with the smaller end first, and the area it belongs to."""
    import shapely

    parts, area = shapely.get_parts(geometry, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inside = ring[1:] == ring[:-1]
    a, b = xy[:-1][inside], xy[1:][inside]
    turned = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    ends = np.where(turned[:, None], np.hstack([b, a]), np.hstack([a, b]))
    return ends, area[part[ring[:-1][inside]]]


def _near_border(
    geometry: NDArray[Any], i: NDArray[np.int64], j: NDArray[np.int64], tolerance: float
) -> NDArray[np.float64]:
    """Metres of outline of one area within the tolerance of the other, the longer of the two ways round."""
    import shapely

    grown = shapely.buffer(geometry, tolerance)
    outline = shapely.boundary(geometry)
    one_way = shapely.length(shapely.intersection(outline[i], grown[j]))
    return np.fmax(one_way, shapely.length(shapely.intersection(outline[j], grown[i])))


def _no_pairs() -> Pairs:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)


def _difference(pairs: Pairs, without: Pairs, n: int) -> Pairs:
    codes = np.setdiff1d(pairs[0] * n + pairs[1], without[0] * n + without[1])
    return codes // n, codes % n


def _intersect(one: Pairs, other: Pairs) -> Pairs:
    if not len(one[0]):
        return _no_pairs()
    n = int(max(one[1].max(), other[1].max(initial=0))) + 1
    codes = np.intersect1d(one[0] * n + one[1], other[0] * n + other[1])
    return codes // n, codes % n
