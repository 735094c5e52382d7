"""What areas have in common to the last digit: vertices, and edges between two of them.

Equal coordinates get one number by hashing, with every collision looked at, and areas that share a number are
the product of a sparse matrix with its transpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ints = NDArray[np.int64]

#: Odd numbers that spread bits: first digits of the square roots of 5, 2 and 3.
_MIX = (0x9E3779B97F4A7C15, 0xB504F333F9DE6485, 0xDDB3D742C265539D)


class Vertices(NamedTuple):
    """All vertices of the areas, area by area, closing ones included."""

    xy: NDArray[np.float64]
    area: Ints
    number: NDArray[np.int32]  #: the same for equal coordinates, from 0


def read_vertices(geometry: NDArray[Any]) -> Vertices:
    """The vertices of areas; those of missing and empty ones are none."""
    import shapely

    xy, area = shapely.get_coordinates(geometry, return_index=True)
    xy += 0.0  # minus zero is zero
    return Vertices(xy, area, numbered(xy.view(np.uint64)))


def numbered(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """One number for equal rows of two columns, from 0, in the order in which a row is last seen.

    Examples
    --------
    >>> numbered(np.array([[5, 1], [2, 2], [5, 1]], dtype=np.uint64)).tolist()
    [1, 0, 1]
    """
    like = np.empty(len(keys), dtype=np.int32)  # a row that is equal
    left = np.arange(len(keys), dtype=np.int32)
    bits = max(4, (4 * len(keys)).bit_length())
    one, other = np.ascontiguousarray(keys[:, 0]), np.ascontiguousarray(keys[:, 1])
    slots = np.empty(1 << bits, dtype=np.int32)
    turn = _MIX[0]
    while len(left):
        a, b = (one, other) if len(left) == len(keys) else (one[left], other[left])
        slot = _spread(a, b, turn, bits)
        slots[slot] = left
        found = slots[slot]
        same = (one[found] == a) & (other[found] == b)
        like[left[same]] = found[same]
        left = left[~same]  # another row took the slot: once more with other slots
        turn = (turn + 2 * _MIX[1]) % 2**64
    number = np.zeros(len(keys), dtype=np.int32)
    number[like] = 1
    number = np.cumsum(number, dtype=np.int32) - np.int32(1)
    return number[like]


def _spread(a: NDArray[np.uint64], b: NDArray[np.uint64], turn: int, bits: int) -> NDArray[np.intp]:
    """A slot for each pair of numbers."""
    mixed = a * np.uint64(turn)
    mixed ^= b * np.uint64(_MIX[1])
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(_MIX[2])
    mixed >>= np.uint64(64 - bits)
    return mixed.view(np.int64).astype(np.intp, copy=False)


def common(area: Ints, number: NDArray[np.int32], n: int, weight: NDArray[Any] | None = None) -> csr_array:
    """Links between areas that share a number: the sum of the weights of those shared, 1 each by default."""
    from scipy.sparse import csr_array

    width = int(number.max(initial=-1)) + 1
    indptr = np.searchsorted(area, np.arange(n + 1)).astype(np.int32)
    ones = np.ones(len(number), dtype=np.int32)
    have = csr_array((ones, number, indptr), shape=(n, width))
    weighted = have if weight is None else csr_array((weight, number, indptr), shape=(n, width))
    both = weighted @ have.T.tocsr()
    both.sort_indices()
    apart = both.indices != np.repeat(np.arange(n, dtype=both.indices.dtype), np.diff(both.indptr))
    kept = np.concatenate([[0], np.cumsum(apart)])[both.indptr].astype(both.indptr.dtype)
    return csr_array((both.data[apart], both.indices[apart], kept), shape=(n, n))


class Edges(NamedTuple):
    """Straight pieces of the outlines of areas, area by area; none of no length."""

    start: Ints  #: vertex it begins at, as a place in :class:`Vertices`
    end: Ints
    area: Ints


def read_edges(geometry: NDArray[Any], vertices: Vertices) -> Edges:
    """The edges of polygons with the vertices already read."""
    import shapely

    count = shapely.get_num_coordinates(geometry)
    last = np.zeros(len(vertices.area), dtype=bool)  # vertices at which a ring ends
    last[np.cumsum(count)[count > 0] - 1] = True
    simple = (shapely.get_type_id(geometry) == 3) & (shapely.get_num_interior_rings(geometry) == 0)
    others = np.flatnonzero(~simple & (count > 0))
    if len(others):
        parts, owner = shapely.get_parts(geometry[others], return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        length = shapely.get_num_coordinates(rings)
        before = np.cumsum(count) - count
        of_area = owner[part]
        within = np.cumsum(length) - (np.cumsum(count[others]) - count[others])[of_area]
        last[before[others][of_area] + within - 1] = True
    start = np.flatnonzero(~last)
    start = start[vertices.number[start] != vertices.number[start + 1]]
    return Edges(start, start + 1, vertices.area[start])


def edge_numbers(vertices: Vertices, edges: Edges) -> NDArray[np.int32]:
    """One number for edges with the same two ends."""
    a, b = vertices.number[edges.start], vertices.number[edges.end]
    ends = np.empty((len(a), 2), dtype=np.uint64)
    ends[:, 0], ends[:, 1] = np.minimum(a, b), np.maximum(a, b)
    return numbered(ends)
