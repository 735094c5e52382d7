"""Who is a neighbour of whom: contiguity by tolerance, and the door to libpysal.

Real boundaries overlap and miss each other by centimetres, so neighbours are found *within a tolerance* and
what only the tolerance found is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from safemap._typing import AreasLike, Isolates
from safemap.errors import AlignmentError, ConfigError, GeometryError, InputError, StatisticsError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from libpysal.graph import Graph
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

Rule = Literal["queen", "rook"]
Pairs = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


@dataclass(frozen=True, eq=False, repr=False)
class AreaGraph:
    """Areas and the links between them.

    Attributes
    ----------
    ids : pandas.Index
        Area ids, unique, in the order of the rows of `adjacency`.
    adjacency : scipy.sparse.csr_array
        1.0 where the column is a neighbour of the row; no self links; column indices sorted.
    settings : mapping
        ``rule``, ``tolerance_m``, ``epsg`` (system in which it was measured), ``isolates``, or ``source``.
    only_by_tolerance : pandas.DataFrame
        Links between areas that share no vertex: ``focal``, ``neighbor``, ``kind`` (touch: the outlines meet
        without a common vertex; overlap; gap), ``gap_m`` (metres between them) and ``overlap_m2``. Overlaps
        and gaps are faults of the boundaries worth repairing.
    """

    ids: pd.Index
    adjacency: csr_array
    settings: Mapping[str, Any] = field(default_factory=dict)
    only_by_tolerance: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if not self.ids.is_unique:
            twice = self.ids[self.ids.duplicated()].unique()[:3].tolist()
            raise AlignmentError(f"Area ids must be unique to have neighbours; repeated, e.g. {twice}.")
        if self.adjacency.shape != (len(self.ids), len(self.ids)):
            shape = " x ".join(map(str, self.adjacency.shape))
            raise AlignmentError(f"The adjacency is {shape} but there are {len(self.ids)} ids.")

    @cached_property
    def cardinalities(self) -> pd.Series:
        """Number of neighbours of each area."""
        import pandas as pd

        return pd.Series(np.diff(self.adjacency.indptr), index=self.ids, name="neighbours")

    @property
    def isolates(self) -> pd.Index:
        """Ids of the areas without a neighbour."""
        return self.ids[self.cardinalities.to_numpy() == 0]

    @cached_property
    def n_components(self) -> int:
        """Number of connected parts; an isolate is a part of its own."""
        from scipy.sparse.csgraph import connected_components

        return (
            int(connected_components(self.adjacency, directed=False, return_labels=False))
            if len(self.ids)
            else 0
        )

    @property
    def n_links(self) -> int:
        """Number of directed links; a pair of mutual neighbours counts twice."""
        return int(self.adjacency.nnz)

    @property
    def report(self) -> dict[str, Any]:
        """Counts that tell whether the graph is fit for use."""
        cards = self.cardinalities
        only = self.only_by_tolerance
        return {
            "areas": len(self.ids),
            "links": self.n_links,
            "components": self.n_components,
            "isolates": self.isolates.tolist(),
            "neighbours_min": int(cards.min()) if len(cards) else 0,
            "neighbours_mean": float(cards.mean()) if len(cards) else 0.0,
            "neighbours_max": int(cards.max()) if len(cards) else 0,
            "only_by_tolerance": {}
            if only is None
            else {str(k): int(v) for k, v in only["kind"].value_counts().items()},
        }

    def neighbours(self, area_id: Any) -> pd.Index:
        """Ids of the neighbours of one area, in graph order."""
        row = self._positions([area_id])[0]
        a = self.adjacency
        return self.ids[a.indices[a.indptr[row] : a.indptr[row + 1]]]

    def subset(self, ids: Any) -> AreaGraph:
        """The graph of the areas `ids` alone, in that order; links to other areas are gone."""
        from dataclasses import replace

        import pandas as pd

        ids = pd.Index(ids)
        at = self._positions(ids)
        adjacency = self.adjacency[at][:, at]
        adjacency.sort_indices()
        only = self.only_by_tolerance
        if only is not None:
            only = only[only["focal"].isin(ids) & only["neighbor"].isin(ids)].reset_index(drop=True)
        return replace(self, ids=ids, adjacency=adjacency, only_by_tolerance=only)

    def reordered(self, ids: Any) -> AreaGraph:
        """The same graph with its areas in the order of `ids`, which must be the same ids.

        Raises
        ------
        AlignmentError
            If `ids` are not exactly the ids of the graph.
        """
        import pandas as pd

        ids = pd.Index(ids)
        _check_same(self.ids, ids)
        return self if ids.equals(self.ids) else self.subset(ids)

    def to_libpysal(self) -> Graph:
        """The same graph as a binary :class:`libpysal.graph.Graph`."""
        from libpysal.graph import Graph

        coo = self.adjacency.tocoo()
        alone = np.flatnonzero(np.diff(self.adjacency.indptr) == 0)
        focal, neighbor = np.concatenate([coo.row, alone]), np.concatenate([coo.col, alone])
        weight = np.concatenate([np.ones(coo.nnz), np.zeros(len(alone))])
        order = np.lexsort((neighbor, focal))
        return Graph.from_arrays(self.ids.take(focal[order]), self.ids.take(neighbor[order]), weight[order])

    def summary(self) -> str:
        """The report in words."""
        r = self.report
        rule = self.settings.get("rule", self.settings.get("source", "given"))
        lines = [
            f"{r['areas']:,} areas, {r['links']:,} links ({rule}), {r['components']} connected part(s), "
            f"{r['neighbours_min']} to {r['neighbours_max']} neighbours, mean {r['neighbours_mean']:.1f}"
        ]
        if r["isolates"]:
            lines.append(
                f"{len(r['isolates'])} without neighbours: " + ", ".join(map(str, r["isolates"][:10]))
            )
        if r["only_by_tolerance"]:
            found = ", ".join(f"{count} {kind}" for kind, count in sorted(r["only_by_tolerance"].items()))
            lines.append(
                f"pairs without a common vertex, found within {self.settings.get('tolerance_m')} m: {found}"
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        first = self.summary().splitlines()[0]
        return f"<AreaGraph {first}, {len(self.isolates)} isolate(s)>"

    def _positions(self, ids: Any) -> NDArray[np.int64]:
        at = self.ids.get_indexer(ids)
        if (at < 0).any():
            unknown = [i for i, where in zip(ids, at, strict=True) if where < 0][:3]
            raise AlignmentError(f"The graph has no area {unknown}; it has {len(self.ids):,} others.")
        return at


def build_graph(
    areas: AreasLike, rule: Rule = "queen", *, tolerance: float = 1.0, isolates: Isolates = "exclude"
) -> AreaGraph:
    """Neighbours by contiguity, within a tolerance.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        Polygons with a CRS and unique ids in the index. Unless the CRS is metric, they are projected to the
        local UTM zone to measure; ``settings["epsg"]`` says which.
    rule : {"queen", "rook"}
        ``queen``: areas that share a point, overlap, or are at most `tolerance` apart. ``rook``: areas that
        share a border longer than `tolerance`.
    tolerance : float
        Metres within which two outlines are taken to touch. Default 1. With 0, areas without a CRS will do.
    isolates : {"exclude", "attach-nearest", "error"}
        Areas without neighbours stay so and are never tested; or are linked to the nearest area; or raise.

    Returns
    -------
    AreaGraph
        Symmetric, in the order of `areas`.

    Notes
    -----
    For the rook rule, the length of the outline of one area that lies within the tolerance of the other is
    compared with three times the tolerance, because two areas that meet in a corner only have up to twice the
    tolerance of outline near each other.

    Examples
    --------
    Four squares in a block, the last one pushed 40 cm away:

    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> squares = [box(0, 0, 9, 9), box(9, 0, 18, 9), box(0, 9, 9, 18), box(9.4, 9, 18, 18)]
    >>> areas = gpd.GeoDataFrame(geometry=squares, index=list("abcd"), crs=32614)
    >>> build_graph(areas)
    <AreaGraph 4 areas, 12 links (queen), 1 connected part(s), 3 to 3 neighbours, mean 3.0, 0 isolate(s)>
    >>> build_graph(areas, "rook").neighbours("d").tolist()
    ['b', 'c']
    >>> build_graph(areas).only_by_tolerance[["focal", "neighbor", "kind"]].to_numpy().tolist()
    [['a', 'd', 'gap'], ['c', 'd', 'gap']]
    """
    _check_options(rule, tolerance, isolates)
    frame = _frame_of(areas)
    projected, epsg = _measurable(frame, tolerance)
    geometry = projected.geometry.to_numpy()
    shared = _shared_vertices(geometry)
    near = _within_tolerance(geometry, tolerance, known=shared)
    pairs = _join(shared, near)
    if rule == "rook":
        pairs = _with_common_border(geometry, pairs, tolerance)
    pairs, attached = _settle_isolates(geometry, frame.index, pairs, isolates)
    settings = {"rule": rule, "tolerance_m": float(tolerance), "epsg": epsg, "isolates": isolates}
    if len(attached):
        settings["attached"] = frame.index[attached].tolist()
    return AreaGraph(
        ids=frame.index,
        adjacency=_symmetric(pairs, len(frame)),
        settings=settings,
        only_by_tolerance=_describe_near(geometry, frame.index, _intersect(near, pairs)),
    )


def as_area_graph(graph: Any, ids: Any = None) -> AreaGraph:
    """Any description of neighbours as an :class:`AreaGraph` in the order of `ids`.

    Parameters
    ----------
    graph : AreaGraph, libpysal Graph, libpysal W, or pandas.DataFrame
        A frame has one row per link, columns ``focal`` and ``neighbor`` and, if wanted, ``weight``. Links of
        weight zero and of an area with itself are left out. Weights must be equal within a row (binary or
        row-standardised): they are read as links.
    ids : pandas.Index, optional
        The ids of the areas, in the order wanted. They are matched by id, never by position; a frame of links
        may leave out areas that have none.

    Raises
    ------
    AlignmentError
        If the ids of the graph and `ids` differ.
    StatisticsError
        If the weights differ within a row, or are negative or not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> links = pd.DataFrame({"focal": ["a", "b"], "neighbor": ["b", "a"]})
    >>> as_area_graph(links, ids=pd.Index(["c", "b", "a"])).neighbours("a").tolist()
    ['b']
    """
    import pandas as pd

    if not isinstance(graph, AreaGraph):
        graph = _from_foreign(graph, None if ids is None else pd.Index(ids))
    return graph if ids is None else graph.reordered(ids)


def _check_options(rule: str, tolerance: float, isolates: str) -> None:
    if rule not in get_args(Rule):
        raise ConfigError(f"rule must be one of {', '.join(get_args(Rule))}; got {rule!r}.")
    if isolates not in get_args(Isolates):
        raise ConfigError(f"isolates must be one of {', '.join(get_args(Isolates))}; got {isolates!r}.")
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ConfigError(f"tolerance must be zero or more metres; got {tolerance}.")


def _frame_of(areas: AreasLike) -> gpd.GeoDataFrame:
    import geopandas as gpd

    frame = areas if isinstance(areas, gpd.GeoDataFrame) else getattr(areas, "areas", None)
    frame = getattr(areas, "frame", None) if frame is None else frame
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"areas must be a GeoDataFrame or a result with areas; got {type(areas).__name__}.")
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()].unique()[:3].tolist()
        raise AlignmentError(f"Area ids (the index) must be unique; repeated, e.g. {twice}.")
    return frame


def _measurable(frame: gpd.GeoDataFrame, tolerance: float) -> tuple[gpd.GeoDataFrame, int | None]:
    """The areas in metres; as they are where nothing needs measuring and no system is stated."""
    from safemap.geo.crs import to_metres

    return (frame, None) if tolerance == 0 and frame.crs is None else to_metres(frame)


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


def _settle_isolates(
    geometry: NDArray[Any], ids: pd.Index, pairs: Pairs, isolates: Isolates
) -> tuple[Pairs, NDArray[np.int64]]:
    """The pairs after the policy for areas without neighbours, and the rows that were attached."""
    alone = np.setdiff1d(np.arange(len(geometry)), np.concatenate(pairs))
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
    return _join(pairs, (np.minimum(attached, others), np.maximum(attached, others))), attached


def _nearest(geometry: NDArray[Any], row: int) -> int | None:
    """The nearest other area, the first in row order among equals; None where there is none."""
    import shapely

    distance = shapely.distance(geometry[row], geometry)
    distance[row] = np.nan
    return None if np.isnan(distance).all() else int(np.nanargmin(distance))


def _describe_near(geometry: NDArray[Any], ids: pd.Index, pairs: Pairs) -> pd.DataFrame:
    """What kind of neighbours they are that share no vertex: see :class:`AreaGraph`."""
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


def _from_foreign(graph: Any, ids: pd.Index | None) -> AreaGraph:
    """Links of a libpysal Graph, a libpysal W or a frame, told apart by what they can do."""
    import pandas as pd

    if hasattr(graph, "unique_ids") and hasattr(graph, "sparse"):
        return _binary(graph.sparse, pd.Index(graph.unique_ids), source="libpysal Graph")
    if hasattr(graph, "id_order") and hasattr(graph, "sparse"):
        return _binary(graph.sparse, pd.Index(graph.id_order), source="libpysal W")
    if isinstance(graph, pd.Series):
        graph = graph.rename("weight").reset_index()
    if isinstance(graph, pd.DataFrame) and {"focal", "neighbor"} <= set(graph.columns):
        return _from_frame(graph, ids)
    raise InputError(
        "graph must be an AreaGraph (see build_graph), a libpysal Graph or W, or a frame with the columns "
        f"'focal' and 'neighbor'; got {type(graph).__name__}."
    )


def _from_frame(links: pd.DataFrame, ids: pd.Index | None) -> AreaGraph:
    import pandas as pd
    from scipy.sparse import coo_array

    if ids is None:
        ids = pd.Index(pd.unique(pd.concat([links["focal"], links["neighbor"]])))
    rows, columns = ids.get_indexer(links["focal"]), ids.get_indexer(links["neighbor"])
    strange = links.loc[(rows < 0) | (columns < 0), ["focal", "neighbor"]]
    if len(strange):
        raise AlignmentError(
            f"{len(strange)} links name areas that are not there, e.g. {strange.iloc[0].tolist()}; the ids "
            f"of the areas are {ids.dtype}, of the links {links['focal'].dtype}. Use the same ids and type."
        )
    if links.duplicated(["focal", "neighbor"]).any():
        raise InputError(
            "The frame of links has the same focal and neighbor more than once; drop the duplicates."
        )
    weight = links["weight"].to_numpy(dtype=float) if "weight" in links.columns else np.ones(len(links))
    return _binary(
        coo_array((weight, (rows, columns)), shape=(len(ids), len(ids))), ids, source="frame of links"
    )


def _binary(weights: Any, ids: pd.Index, *, source: str) -> AreaGraph:
    """Links where the weight is not zero, after checking that weights are equal within each row."""
    from scipy.sparse import coo_array

    coo = coo_array(weights, dtype=float)
    keep = (coo.row != coo.col) & (coo.data != 0)
    csr = coo_array((coo.data[keep], (coo.row[keep], coo.col[keep])), shape=coo.shape).tocsr()
    csr.sort_indices()
    if not np.isfinite(csr.data).all() or (csr.data < 0).any():
        raise StatisticsError("Weights must be finite and not negative.")
    row = np.repeat(np.arange(len(ids)), np.diff(csr.indptr))
    largest = np.zeros(len(ids))
    np.maximum.at(largest, row, csr.data)
    uneven = np.unique(row[~np.isclose(csr.data, largest[row], rtol=1e-9, atol=0)])
    if len(uneven):
        raise StatisticsError(
            f"{len(uneven)} areas have neighbours of unequal weight, e.g. {ids[uneven[:3]].tolist()}. Local "
            "inference needs equal weights within a row (contiguity, nearest neighbours, distance bands)."
        )
    csr.data[:] = 1.0
    return AreaGraph(ids=ids, adjacency=csr, settings={"source": source})


def _check_same(have: pd.Index, want: pd.Index) -> None:
    """Raise unless the two indexes hold the same ids, each once."""
    if len(have) == len(want) and want.is_unique and want.isin(have).all():
        return
    twice = want[want.duplicated()].unique()[:3].tolist()
    only_graph, only_areas = have[~have.isin(want)], want[~want.isin(have)]
    raise AlignmentError(
        f"The ids of the graph and of the areas differ: {len(have):,} and {len(want):,} ids; only in the "
        f"graph {len(only_graph):,}, e.g. {only_graph[:3].tolist()}; only in the areas {len(only_areas):,}, "
        f"e.g. {only_areas[:3].tolist()}; repeated {twice}. The types are {have.dtype} and {want.dtype}. "
        "Build the graph from the same areas, or give both the same ids.",
        only_graph=only_graph.tolist()[:100],
        only_areas=only_areas.tolist()[:100],
    )


def _symmetric(pairs: Pairs, n: int) -> csr_array:
    from scipy.sparse import coo_array

    rows, columns = np.concatenate(pairs), np.concatenate(pairs[::-1])
    csr = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n)).tocsr()
    csr.sort_indices()
    return csr


def _no_pairs() -> Pairs:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)


def _join(one: Pairs, other: Pairs) -> Pairs:
    """Union of two sets of pairs, sorted."""
    pairs = np.unique(
        np.column_stack([np.concatenate(both) for both in zip(one, other, strict=True)]), axis=0
    )
    return pairs[:, 0], pairs[:, 1]


def _difference(pairs: Pairs, without: Pairs, n: int) -> Pairs:
    codes = np.setdiff1d(pairs[0] * n + pairs[1], without[0] * n + without[1])
    return codes // n, codes % n


def _intersect(one: Pairs, other: Pairs) -> Pairs:
    if not len(one[0]):
        return _no_pairs()
    n = int(max(one[1].max(), other[1].max(initial=0))) + 1
    codes = np.intersect1d(one[0] * n + one[1], other[0] * n + other[1])
    return codes // n, codes % n
