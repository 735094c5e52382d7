"""Areas that touch: shared vertices first, then whatever lies within a tolerance.

Pairs are two arrays of row numbers, the first number of a pair always smaller than the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from safemap.geo.borders import border_within
from safemap.geo.lattice import cells_near, find_lattice, lattice_links
from safemap.geo.shared import Vertices, common, edge_numbers, read_edges, read_vertices

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

Contiguity = Literal["queen", "rook"]
Pairs = tuple["NDArray[np.int64]", "NDArray[np.int64]"]

#: Metres of distance, and of length, that stand for none: a corner of any angle is shorter than the second.
_NO_DISTANCE, _NO_LENGTH = 1e-9, 1e-6


def touching_pairs(geometry: NDArray[Any], rule: Contiguity, tolerance: float) -> tuple[Pairs, Pairs]:
    """Pairs of neighbours, and those among them that share no vertex; see :func:`touching_links`."""
    links, near = touching_links(geometry, rule, tolerance)
    return pairs_of(links), near


def touching_links(geometry: NDArray[Any], rule: Contiguity, tolerance: float) -> tuple[csr_array, Pairs]:
    """Links between neighbours, and the pairs among them that share no vertex.

    Parameters
    ----------
    geometry : ndarray of shapely geometries
        Areas in metres; missing and empty ones have no neighbours.
    rule : {"queen", "rook"}
        ``queen``: at most `tolerance` apart. ``rook``: a common border longer than `tolerance`.
    tolerance : float
        Metres.

    Returns
    -------
    links : scipy.sparse.csr_array
        1.0 for each link, both ways, sorted.
    near : pairs
    """
    import shapely

    bounds = shapely.bounds(geometry)
    lattice = find_lattice(geometry, bounds, tolerance)
    if lattice is None:
        return _by_geometry(geometry, bounds, rule, tolerance)
    n = len(geometry)
    links = lattice_links(lattice, n, rule)
    others = np.setdiff1d(np.arange(n), lattice.cells, assume_unique=True)
    if not len(others):
        return links, _no_pairs()
    some = np.union1d(others, cells_near(lattice, bounds[others]))
    part, near = _by_geometry(geometry[some], bounds[some], rule, tolerance)
    i, j = pairs_of(part)
    links = links + symmetric_links((some[i], some[j]), n)
    links.data[:] = 1.0
    return links, (some[near[0]], some[near[1]])


def _by_geometry(
    geometry: NDArray[Any], bounds: NDArray[np.float64], rule: Contiguity, tolerance: float
) -> tuple[csr_array, Pairs]:
    n = len(geometry)
    vertices = read_vertices(geometry)
    shared = common(vertices.area, vertices.number, n)
    near = _within_tolerance(geometry, bounds, tolerance, known=shared)
    if rule == "rook":
        return _with_common_border(geometry, vertices, shared, near, tolerance)
    links = shared.astype(float)
    links.data[:] = 1.0
    return (symmetric_links(near, n) + links if len(near[0]) else links), near


def symmetric_links(pairs: Pairs, n: int) -> csr_array:
    """1.0 for each pair, both ways, sorted."""
    from scipy.sparse import coo_array

    rows, columns = np.concatenate(pairs), np.concatenate(pairs[::-1])
    links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n)).tocsr()
    links.sort_indices()
    return links


def pairs_of(links: csr_array) -> Pairs:
    """Each link of a symmetric matrix once, sorted."""
    row = np.repeat(np.arange(links.shape[0]), np.diff(links.indptr))
    once = row < links.indices
    return row[once], links.indices[once].astype(np.int64)


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


def _within_tolerance(
    geometry: NDArray[Any], bounds: NDArray[np.float64], tolerance: float, *, known: csr_array
) -> Pairs:
    """Pairs at most `tolerance` apart that are not `known`: boxes first, exact distance for what is left."""
    import shapely

    i, j = near_boxes(bounds, tolerance)
    if 2 * len(i) == known.nnz:  # areas with a common vertex have boxes that meet: there are no others
        return _no_pairs()
    i, j = _unknown((i, j), known)
    shapely.prepare(geometry[np.unique(i)])
    close = shapely.dwithin(geometry[i], geometry[j], tolerance)
    i, j = i[close], j[close]
    order = np.lexsort((j, i))
    return i[order], j[order]


def _unknown(pairs: Pairs, known: csr_array) -> Pairs:
    """Those of `pairs` that are not links."""
    n = known.shape[0]
    row = np.repeat(np.arange(n), np.diff(known.indptr))
    links = row * n + known.indices  # ascending
    codes = pairs[0] * n + pairs[1]
    at = np.searchsorted(links, codes)
    new = np.append(links, -1)[at] != codes
    return pairs[0][new], pairs[1][new]


def near_boxes(bounds: NDArray[np.float64], tolerance: float) -> Pairs:
    """Pairs of boxes (left, bottom, right, top) that are within the tolerance along both axes."""
    import shapely

    filled = np.flatnonzero(~np.isnan(bounds[:, 0]))
    if not len(filled):
        return _no_pairs()
    box = bounds[filled]
    found = _pairs_by_cell(box, tolerance)
    if found is None:  # boxes of very different sizes
        corners = np.stack([box[:, :2], box[:, 2:]], axis=1)
        grown = shapely.linestrings(corners + np.array([[-tolerance], [tolerance]]))
        left, right = shapely.STRtree(shapely.linestrings(corners)).query(grown)
        once = left < right
        found = left[once], right[once]
    return filled[found[0]], filled[found[1]]


def _pairs_by_cell(box: NDArray[np.float64], tolerance: float) -> Pairs | None:
    """The same for boxes of much the same size; None where there would be too many to look at.

    In cells as large as the largest box, the lower left corners of two boxes that meet lie in the same cell
    or in two that touch. Each pair is looked at from the first of the two in the order of the cells.
    """
    n = len(box)
    cell = np.maximum((box[:, 2:] - box[:, :2]).max(axis=0) + 2 * tolerance, 1e-9)
    place = np.floor((box[:, :2] - box[:, :2].min(axis=0)) / cell)
    columns = int(place[:, 0].max()) + 3
    if place[:, 1].max() * columns > 8 * n + 64:
        return None
    code = (place[:, 1] * columns + place[:, 0] + 1).astype(np.int64)
    order = np.argsort(code, kind="stable")
    box, code = box[order], code[order]
    first = np.searchsorted(code, np.arange(code[-1] + 2 * columns + 3))
    # the rest of the own cell and the cell to the right; then the three cells above
    ranges = (
        (np.arange(1, n + 1), first[code + 2]),
        (first[code + columns - 1], first[code + columns + 2]),
    )
    if sum(int((end - begin).sum()) for begin, end in ranges) > 40 * n + 64:
        return None
    found = [_no_pairs()]
    columns_of = np.ascontiguousarray(box.T)
    for begin, end in ranges:
        count = end - begin
        i = np.repeat(np.arange(n), count)
        j = np.arange(len(i)) + np.repeat(begin - (np.cumsum(count) - count), count)
        for low, high in ((0, 2), (1, 3)):
            meet = columns_of[low][j] <= columns_of[high][i] + tolerance
            meet &= columns_of[high][j] >= columns_of[low][i] - tolerance
            i, j = i[meet], j[meet]
        found.append((order[i], order[j]))
    one, other = (np.concatenate(part) for part in zip(*found, strict=True))
    return np.minimum(one, other), np.maximum(one, other)


def _with_common_border(
    geometry: NDArray[Any], vertices: Vertices, shared: csr_array, near: Pairs, tolerance: float
) -> tuple[csr_array, Pairs]:
    """Links between areas with a common border longer than the tolerance, and those of `near` among them.

    Edges with the same two ends are the fast path; where they are not enough, the length of outline near the
    other area decides.
    """
    n = len(geometry)
    edges = read_edges(geometry, vertices)
    metres = np.hypot(*(vertices.xy[edges.end] - vertices.xy[edges.start]).T)
    border = common(edges.area, edge_numbers(vertices, edges), n, metres)
    border.data = (border.data > tolerance).astype(float)
    border.eliminate_zeros()
    i, j = _unknown(pairs_of(shared), border)
    i, j = np.concatenate([i, near[0]]), np.concatenate([j, near[1]])
    metres = border_within(geometry, vertices, edges, (i, j), max(tolerance, _NO_DISTANCE))
    sure = metres > max(3 * tolerance, _NO_LENGTH)
    links = symmetric_links((i[sure], j[sure]), n) + border if sure.any() else border
    kept = sure[len(i) - len(near[0]) :]
    return links, (near[0][kept], near[1][kept])


def _no_pairs() -> Pairs:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
