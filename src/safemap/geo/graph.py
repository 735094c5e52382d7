"""Who is a neighbour of whom, and how much it counts; the door to libpysal.

Real boundaries overlap and miss each other by centimetres, so areas that touch are found *within a tolerance*
and what only the tolerance found is reported. What touches is found in :mod:`safemap.geo.contiguity`, what is
near in :mod:`safemap.geo.proximity`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from safemap._typing import AreasLike, Isolates
from safemap.errors import AlignmentError, ConfigError, InputError
from safemap.geo.contiguity import describe_near, touching_links
from safemap.geo.foreign_graphs import links_of, read_links
from safemap.geo.proximity import KERNELS, Kernel, Proximity, attach_one_way, near_links

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from libpysal.graph import Graph
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

Rule = Literal["queen", "rook", "knn", "distance", "kernel", "inverse_distance", "delaunay", "gabriel"]

#: options that a rule needs, and options that only make sense with some rules
_NEEDS = {"knn": "k", "distance": "distance", "kernel": "distance", "inverse_distance": "distance"}
_CONTIGUITY = ("queen", "rook")
_WEIGHTED = ("kernel", "inverse_distance")


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
    weights : scipy.sparse.csr_array, optional
        How much each neighbour counts, above 0, with the same links as `adjacency`; only where neighbours of
        one area count differently (kernel, inverse distance, weights given).
    """

    ids: pd.Index
    adjacency: csr_array
    settings: Mapping[str, Any] = field(default_factory=dict)
    only_by_tolerance: pd.DataFrame | None = None
    weights: csr_array | None = None

    def __post_init__(self) -> None:
        if not self.ids.is_unique:
            twice = self.ids[self.ids.duplicated()].unique()[:3].tolist()
            raise AlignmentError(f"Area ids must be unique to have neighbours; repeated, e.g. {twice}.")
        if self.adjacency.shape != (len(self.ids), len(self.ids)):
            shape = " x ".join(map(str, self.adjacency.shape))
            raise AlignmentError(f"The adjacency is {shape} but there are {len(self.ids)} ids.")
        w, a = self.weights, self.adjacency
        if w is not None and not (
            np.array_equal(w.indptr, a.indptr) and np.array_equal(w.indices, a.indices) and (w.data > 0).all()
        ):
            raise AlignmentError("Weights must be above 0 for exactly the links of the adjacency.")

    @classmethod
    def from_weights(cls, weights: Any, ids: Any) -> AreaGraph:
        """A graph from a sparse or dense matrix of weights, whose rows and columns are the areas `ids`.

        Links of weight zero and of an area with itself are left out.

        Examples
        --------
        >>> graph = AreaGraph.from_weights([[0, 2.0, 1.0], [2.0, 0, 0], [1.0, 0, 0]], list("abc"))
        >>> graph.neighbours("a").tolist(), graph.weights.toarray()[0].tolist()
        (['b', 'c'], [0.0, 2.0, 1.0])
        """
        import pandas as pd
        from scipy.sparse import coo_array

        matrix, ids = coo_array(weights, dtype=float), pd.Index(ids)
        if matrix.shape != (len(ids), len(ids)):
            shape = " x ".join(map(str, matrix.shape))
            raise AlignmentError(f"The weights are {shape} but there are {len(ids)} ids.")
        found = links_of(matrix, ids, source="weights given")
        return cls(ids, found.adjacency, {"source": found.source}, weights=found.weights)

    @property
    def matrix(self) -> csr_array:
        """The weights where neighbours count differently, else the adjacency."""
        return self.adjacency if self.weights is None else self.weights

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
        adjacency = _part(self.adjacency, at)
        weights = None if self.weights is None else _part(self.weights, at)
        only = self.only_by_tolerance
        if only is not None:
            only = only[only["focal"].isin(ids) & only["neighbor"].isin(ids)].reset_index(drop=True)
        return replace(self, ids=ids, adjacency=adjacency, weights=weights, only_by_tolerance=only)

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
        """The same graph as a :class:`libpysal.graph.Graph`; binary unless it has weights."""
        from libpysal.graph import Graph

        coo = self.matrix.tocoo()
        alone = np.flatnonzero(np.diff(self.adjacency.indptr) == 0)
        focal, neighbor = np.concatenate([coo.row, alone]), np.concatenate([coo.col, alone])
        weight = np.concatenate([coo.data, np.zeros(len(alone))])
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
    areas: AreasLike,
    rule: Rule = "queen",
    *,
    tolerance: float = 1.0,
    isolates: Isolates = "exclude",
    k: int | None = None,
    distance: float | None = None,
    kernel: Kernel = "triangular",
    power: float = 1.0,
    order: int = 1,
) -> AreaGraph:
    """Neighbours by contiguity, within a tolerance, or by distance.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        Polygons with a CRS and unique ids in the index. Unless the CRS is metric, they are projected to the
        local UTM zone to measure; ``settings["epsg"]`` says which.
    rule : str
        ``queen``: areas that share a point, overlap, or are at most `tolerance` apart. ``rook``: areas that
        share a border longer than `tolerance`. The others look at centroids: ``knn``: the `k` nearest,
        which need not be mutual. ``distance``: at most `distance` apart. ``kernel``: the same, but near ones
        count more. ``inverse_distance``: the same, weight ``d**-power``. ``delaunay``: corners of one
        triangle of the Delaunay triangulation. ``gabriel``: no other centroid in the circle between the two.
    tolerance : float
        Metres within which two outlines are taken to touch. Default 1. With 0, areas without a CRS will do.
    isolates : {"exclude", "attach-nearest", "error"}
        Areas without neighbours stay so and are never tested; or are linked to the nearest area; or raise.
    k : int
        Number of neighbours for ``knn``. Of equally near areas those with the smaller id are taken.
    distance : float
        Metres between centroids, for ``distance`` and ``inverse_distance``; the bandwidth for ``kernel``.
    kernel : {"triangular", "epanechnikov", "quartic", "gaussian"}
        Weight at the share u of the bandwidth: ``1 - u``, ``1 - u**2``, ``(1 - u**2)**2``, or
        ``exp(-u**2 / 2)`` up to three bandwidths.
    power : float
        Exponent of ``inverse_distance``, above 0.
    order : int
        Neighbours of neighbours count too, up to so many steps; not with weights.

    Returns
    -------
    AreaGraph
        In the order of `areas`; symmetric except for ``knn``.

    Notes
    -----
    For the rook rule, the length of the outline of one area that lies within the tolerance of the other is
    compared with three times the tolerance, because two areas that meet in a corner only have up to twice the
    tolerance of outline near each other.

    References
    ----------
    Gabriel, K. R., Sokal, R. R. (1969). A new statistical approach to geographic variation analysis.
    Systematic Zoology 18, 259-278. doi:10.2307/2412323

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
    >>> build_graph(areas, "kernel", distance=18).weights.toarray()[0].round(2).tolist()
    [0.0, 0.5, 0.5, 0.28]
    """
    _check_options(rule, tolerance, isolates)
    _check_measures(rule, k, distance, kernel, power, order)
    frame = _frame_of(areas)
    projected, epsg = _measurable(frame, tolerance if rule in _CONTIGUITY else 1.0)
    geometry = projected.geometry.to_numpy()
    settings: dict[str, Any] = {"rule": rule, "epsg": epsg, "isolates": isolates}
    if rule not in _CONTIGUITY:
        measure = Proximity(rule, k, distance, kernel, power)
        settings |= measure.settings()
        matrix = near_links(geometry, frame.index, measure)
        return _finished(matrix, geometry, frame.index, settings, order, weighted=rule in _WEIGHTED)
    links, near = touching_links(geometry, rule, tolerance)
    links, attached = attach_one_way(links, geometry, frame.index, isolates, both=True)
    settings["tolerance_m"] = float(tolerance)
    if len(attached):
        settings["attached"] = frame.index[attached].tolist()
    return AreaGraph(
        ids=frame.index,
        adjacency=_within_steps(links, order, settings),
        settings=settings,
        only_by_tolerance=describe_near(geometry, frame.index, near),
    )


def as_area_graph(graph: Any, ids: Any = None) -> AreaGraph:
    """Any description of neighbours as an :class:`AreaGraph` in the order of `ids`.

    Parameters
    ----------
    graph : AreaGraph, libpysal Graph, libpysal W, or pandas.DataFrame
        A frame has one row per link, columns ``focal`` and ``neighbor`` and, if wanted, ``weight``. Links of
        weight zero and of an area with itself are left out. Weights that are equal within each row (binary or
        row-standardised) are read as links, others are kept as ``weights``.
    ids : pandas.Index, optional
        The ids of the areas, in the order wanted. They are matched by id, never by position; a frame of links
        may leave out areas that have none.

    Raises
    ------
    AlignmentError
        If the ids of the graph and `ids` differ.
    StatisticsError
        If weights are negative or not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> links = pd.DataFrame({"focal": ["a", "b"], "neighbor": ["b", "a"]})
    >>> as_area_graph(links, ids=pd.Index(["c", "b", "a"])).neighbours("a").tolist()
    ['b']
    """
    import pandas as pd

    if not isinstance(graph, AreaGraph):
        found = read_links(graph, None if ids is None else pd.Index(ids))
        graph = AreaGraph(found.ids, found.adjacency, {"source": found.source}, weights=found.weights)
    return graph if ids is None else graph.reordered(ids)


def _check_options(rule: str, tolerance: float, isolates: str) -> None:
    if rule not in get_args(Rule):
        raise ConfigError(f"rule must be one of {', '.join(get_args(Rule))}; got {rule!r}.")
    if isolates not in get_args(Isolates):
        raise ConfigError(f"isolates must be one of {', '.join(get_args(Isolates))}; got {isolates!r}.")
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ConfigError(f"tolerance must be zero or more metres; got {tolerance}.")


def _check_measures(
    rule: str, k: int | None, distance: float | None, kernel: str, power: float, order: int
) -> None:
    if kernel not in KERNELS:
        raise ConfigError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}.")
    for name, value in (("k", k), ("distance", distance)):
        if (value is not None) != (_NEEDS.get(rule) == name):
            wanted = "needs" if value is None else "has no use for"
            raise ConfigError(f"The rule {rule!r} {wanted} {name}=.")
    if k is not None and (isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1):
        raise ConfigError(f"k must be a whole number of 1 or more; got {k!r}.")
    if distance is not None and not (np.isfinite(distance) and distance > 0):
        raise ConfigError(f"distance must be above zero metres; got {distance}.")
    if not (np.isfinite(power) and power > 0):
        raise ConfigError(f"power must be above zero; got {power}.")
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 1:
        raise ConfigError(f"order must be a whole number of 1 or more; got {order!r}.")
    if order > 1 and rule in _WEIGHTED:
        raise ConfigError(f"The rule {rule!r} has weights; give a larger distance instead of an order.")


def _finished(
    matrix: csr_array,
    geometry: NDArray[Any],
    ids: pd.Index,
    settings: dict[str, Any],
    order: int,
    *,
    weighted: bool,
) -> AreaGraph:
    """The graph of links by distance, with isolates settled and steps counted."""
    matrix, attached = attach_one_way(matrix, geometry, ids, settings["isolates"], both=not weighted)
    if len(attached):
        settings["attached"] = ids[attached].tolist()
    if not weighted:
        matrix = _within_steps(matrix, order, settings)
    found = links_of(matrix, ids, source=settings["rule"])
    return AreaGraph(ids, found.adjacency, settings, weights=found.weights)


def _within_steps(adjacency: csr_array, order: int, settings: dict[str, Any]) -> csr_array:
    """Links to all areas that can be reached in at most `order` steps."""
    if order == 1:
        return adjacency
    settings["order"] = int(order)
    reached = step = adjacency
    for _ in range(order - 1):
        step = step @ adjacency
        step.data[:] = 1.0
        reached = reached + step
    reached = reached.tocoo()
    keep = reached.row != reached.col
    links = type(reached)(
        (np.ones(int(keep.sum())), (reached.row[keep], reached.col[keep])), shape=reached.shape
    ).tocsr()
    links.sort_indices()
    return links


def _part(matrix: csr_array, at: NDArray[np.int64]) -> csr_array:
    part = matrix[at][:, at]
    part.sort_indices()
    return part


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
