"""Areas that are near: links by the distance between centroids, and what to do with areas that have none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from safemap._typing import Isolates
from safemap.errors import ConfigError, GeometryError, StatisticsError
from safemap.geo.contiguity import Pairs, union

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

Kernel = Literal["triangular", "epanechnikov", "quartic", "gaussian"]

#: Weight at the share u of the bandwidth, 1 at no distance.
KERNELS: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "triangular": lambda u: 1 - u,
    "epanechnikov": lambda u: 1 - u**2,
    "quartic": lambda u: (1 - u**2) ** 2,
    "gaussian": lambda u: np.exp(-(u**2) / 2),
}
#: Bandwidths up to which the Gaussian kernel is followed, and the slack by which equal distances may differ.
_GAUSSIAN_REACH = 3.0
_SLACK = 1e-9
#: Metres below which two centroids are one.
_SAME = 1e-6


class Proximity(NamedTuple):
    """A rule by distance and what it needs; see :func:`safemap.geo.graph.build_graph`."""

    rule: str
    k: int | None
    distance: float | None
    kernel: Kernel
    power: float

    def settings(self) -> dict[str, Any]:
        """What matters for this rule, with units."""
        out: dict[str, Any] = {"measured": "between centroids"}
        if self.k is not None:
            out["k"] = int(self.k)
        if self.distance is not None:
            out["distance_m"] = float(self.distance)
        if self.rule == "kernel":
            out["kernel"] = self.kernel
        if self.rule == "inverse_distance":
            out["power"] = float(self.power)
        return out


def near_links(geometry: NDArray[Any], ids: pd.Index, measure: Proximity) -> csr_array:
    """Weights (1.0 where there are none) of the links by a rule of distance.

    Areas without a geometry get no link.
    """
    import shapely
    from scipy.sparse import coo_array

    xy = shapely.bounds(shapely.centroid(geometry))[:, :2]
    filled = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if measure.rule == "knn":
        row, column = _nearest_links(xy[filled], _ranks(ids[filled]), int(measure.k or 0))
        weight = np.ones(len(row))
    else:
        i, j = _pairs(xy[filled], measure)
        weight = _weights(np.hypot(*(xy[filled][i] - xy[filled][j]).T), measure)
        row, column, weight = np.r_[i, j], np.r_[j, i], np.r_[weight, weight]
    some = weight > 0
    at = filled[row[some]], filled[column[some]]
    links = coo_array((weight[some], at), shape=(len(geometry),) * 2).tocsr()
    links.sort_indices()
    return links


def _ranks(ids: pd.Index) -> NDArray[np.int64]:
    """Place of each id among all, as numbers where they are numbers, else as text."""
    keys = ids.to_numpy() if ids.dtype.kind in "iuf" else ids.astype(str).to_numpy(dtype=str)
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[np.argsort(keys, kind="stable")] = np.arange(len(ids))
    return ranks


def _nearest_links(xy: NDArray[np.float64], ranks: NDArray[np.int64], k: int) -> Pairs:
    """The k nearest of each point; among equally near ones (to a micrometre) those with the smaller rank."""
    from scipy.spatial import cKDTree

    n = len(xy)
    if k >= n:
        raise ConfigError(f"k must be below the number of areas with a geometry, {n}; got {k}.")
    tree, asked = cKDTree(xy), k + 1
    while True:  # until nobody's last candidate is as near as its k-th
        asked = min(n, 2 * asked)
        distance, found = tree.query(xy, k=asked)
        distance = np.where(found == np.arange(n)[:, None], -1.0, np.round(distance, 6))
        order = np.lexsort((ranks[found], distance))
        distance, found = (np.take_along_axis(a, order, axis=1) for a in (distance, found))
        if asked == n or (distance[:, -1] > distance[:, k]).all():
            break
    return np.repeat(np.arange(n), k), found[:, 1 : k + 1].ravel().astype(np.int64)


def _pairs(xy: NDArray[np.float64], measure: Proximity) -> Pairs:
    """Pairs of points (each once) that the rule links."""
    from scipy.spatial import cKDTree

    if measure.rule in ("delaunay", "gabriel"):
        pairs = _delaunay(xy)
        return _gabriel(xy, pairs) if measure.rule == "gabriel" else pairs
    reach = _GAUSSIAN_REACH if (measure.rule, measure.kernel) == ("kernel", "gaussian") else 1.0
    within = float(measure.distance or 0.0) * reach * (1 + _SLACK)
    found = cKDTree(xy).query_pairs(within, output_type="ndarray") if len(xy) else np.empty((0, 2), int)
    return found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)


def _weights(distance: NDArray[np.float64], measure: Proximity) -> NDArray[np.float64]:
    if measure.rule == "kernel":
        u = distance / float(measure.distance or 1.0)
        weight = KERNELS[measure.kernel](u)
        # at the very edge of the bandwidth rounding must not make a neighbour
        return weight if measure.kernel == "gaussian" else np.where(u < 1 - _SLACK, weight, 0.0)
    if measure.rule == "inverse_distance":
        same = distance < _SAME
        if same.any():
            raise StatisticsError(
                f"{int(same.sum())} pairs of areas have the same centroid, so an inverse distance "
                "has no limit; use the rule 'kernel' or 'distance'."
            )
        return (distance.min(initial=np.inf) / distance) ** measure.power
    return np.ones(len(distance))


def _delaunay(xy: NDArray[np.float64]) -> Pairs:
    """Edges of the triangulation, on sorted points so that the order of the rows does not matter."""
    from scipy.spatial import Delaunay, QhullError

    order = np.lexsort((xy[:, 1], xy[:, 0]))
    try:
        corners = Delaunay(xy[order] - xy.mean(axis=0)).simplices
    except (QhullError, ValueError) as error:
        raise GeometryError(
            f"No triangulation of {len(xy)} centroids: it needs three that do not lie on a line."
        ) from error
    sides = order[np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])]
    sides = np.unique(np.sort(sides, axis=1), axis=0).astype(np.int64)
    return sides[:, 0], sides[:, 1]


def _gabriel(xy: NDArray[np.float64], pairs: Pairs) -> Pairs:
    """Of the edges of a triangulation, those whose circle holds no other point."""
    from scipy.spatial import cKDTree

    i, j = pairs
    radius = np.hypot(*(xy[i] - xy[j]).T) / 2
    nearest, _ = cKDTree(xy).query((xy[i] + xy[j]) / 2)
    free = nearest >= radius * (1 - _SLACK)
    return i[free], j[free]


def attach_one_way(
    links: csr_array, geometry: NDArray[Any], ids: pd.Index, isolates: Isolates, *, both: bool
) -> tuple[csr_array, NDArray[np.int64]]:
    """The links after the policy for areas without neighbours, and the rows that were attached.

    With weights, an attached area gets its nearest as its only neighbour but not the other way round (`both`
    False): there is no weight to compare it with in the other's row.
    """
    from scipy.sparse import coo_array

    linked = np.flatnonzero(np.diff(links.indptr) > 0)
    if isolates == "exclude" or len(linked) == len(geometry):
        return links, np.empty(0, dtype=np.int64)
    nothing = (linked, linked)  # pairs that only say who is not alone
    pairs, attached = settle_isolates(geometry, ids, nothing, isolates)
    if not len(attached):
        return links, attached
    apart = pairs[0] != pairs[1]
    i, j = pairs[0][apart], pairs[1][apart]
    row, column = np.r_[i, j], np.r_[j, i]
    if not both:
        keep = np.isin(row, attached)
        row, column = row[keep], column[keep]
    coo = links.tocoo()
    data = np.r_[coo.data, np.ones(len(row))]
    grown = coo_array((data, (np.r_[coo.row, row], np.r_[coo.col, column])), shape=links.shape).tocsr()
    grown.sort_indices()
    return grown, attached


def settle_isolates(
    geometry: NDArray[Any], ids: pd.Index, pairs: Pairs, isolates: Isolates
) -> tuple[Pairs, NDArray[np.int64]]:
    """The pairs after the policy for areas without neighbours, and the rows that were attached."""
    alone = np.flatnonzero(np.bincount(np.concatenate(pairs), minlength=len(geometry)) == 0)
    nothing = np.empty(0, dtype=np.int64)
    if isolates == "exclude" or not len(alone):
        return pairs, nothing
    if isolates == "error":
        raise GeometryError(
            f"{len(alone)} area(s) have no neighbour, e.g. {ids[alone][:5].tolist()}. Repair the boundaries, "
            "raise the tolerance, or choose isolates='exclude' or 'attach-nearest'.",
            isolates=ids[alone].tolist(),
        )
    nearest = [_nearest(geometry, row) for row in alone]
    attached = np.array(
        [row for row, other in zip(alone, nearest, strict=True) if other is not None], dtype=np.int64
    )
    others = np.array([other for other in nearest if other is not None], dtype=np.int64)
    return union(pairs, (np.minimum(attached, others), np.maximum(attached, others))), attached


def _nearest(geometry: NDArray[Any], row: int) -> int | None:
    """The nearest other area, the first in row order among equals; None where there is none."""
    import shapely

    distance = shapely.distance(geometry[row], geometry)
    distance[row] = np.nan
    return None if np.isnan(distance).all() else int(np.nanargmin(distance))
