"""Neighbours by distance: by hand, against libpysal, and by law."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from safemap.errors import AlignmentError, ConfigError, CRSError, GeometryError, StatisticsError
from safemap.geo.graph import AreaGraph, as_area_graph, build_graph

CRS = 32614
RULES = [
    ("knn", {"k": 4}),
    ("distance", {"distance": 900}),
    ("kernel", {"distance": 900}),
    ("inverse_distance", {"distance": 900}),
    ("delaunay", {}),
    ("gabriel", {}),
]


def scattered(n: int = 60, seed: int = 0) -> gpd.GeoDataFrame:
    at = np.random.default_rng(seed).uniform(0, 5_000, (n, 2))
    ids = pd.Index([f"{i:03d}" for i in range(n)], name="area_id")
    return gpd.GeoDataFrame(geometry=[Point(*p).buffer(20) for p in at], index=ids, crs=CRS)


def lattice(side: int, size: float = 100.0) -> gpd.GeoDataFrame:
    cells = [
        box(c * size, r * size, (c + 1) * size, (r + 1) * size) for r in range(side) for c in range(side)
    ]
    ids = [f"{r}{c}" for r in range(side) for c in range(side)]
    return gpd.GeoDataFrame(geometry=cells, index=pd.Index(ids), crs=CRS)


def links(graph: AreaGraph) -> set[tuple[str, str]]:
    row, column = graph.adjacency.nonzero()
    return set(zip(graph.ids[row], graph.ids[column], strict=True))


def test_four_areas_in_a_row_by_hand():
    at = [0, 100, 250, 1000]
    areas = gpd.GeoDataFrame(geometry=[Point(x, 0).buffer(5) for x in at], index=list("abcd"), crs=CRS)
    assert links(build_graph(areas, "knn", k=1)) == {("a", "b"), ("b", "a"), ("c", "b"), ("d", "c")}
    near = build_graph(areas, "distance", distance=150)
    assert links(near) == {("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")}
    assert near.isolates.tolist() == ["d"]
    assert near.weights is None
    kernel = build_graph(areas, "kernel", distance=300)
    expected = [[0, 2 / 3, 1 / 6, 0], [2 / 3, 0, 0.5, 0], [1 / 6, 0.5, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(kernel.weights.toarray(), expected, atol=1e-9)
    inverse = build_graph(areas, "inverse_distance", distance=300, power=2).weights.toarray()
    assert inverse[0, 1] / inverse[0, 2] == pytest.approx(2.5**2)
    assert inverse[1, 0] / inverse[1, 2] == pytest.approx(1.5**2)


@pytest.mark.parametrize(
    ("kernel", "at_half"),
    [("triangular", 0.5), ("epanechnikov", 0.75), ("quartic", 0.5625), ("gaussian", np.exp(-0.125))],
)
def test_kernels_at_half_the_bandwidth(kernel, at_half):
    points = [Point(0, 0), Point(100, 0), Point(150, 0)]
    areas = gpd.GeoDataFrame(geometry=[p.buffer(1) for p in points], crs=CRS)
    graph = build_graph(areas, "kernel", distance=200, kernel=kernel)
    assert graph.weights.toarray()[0, 1] == pytest.approx(at_half)
    at_the_edge = build_graph(areas, "kernel", distance=150, kernel=kernel).adjacency.toarray()[0, 2]
    assert at_the_edge == (kernel == "gaussian")
    far = areas.set_geometry([Point(0, 0).buffer(1), Point(599, 0).buffer(1), Point(1300, 0).buffer(1)])
    assert build_graph(far, "kernel", distance=200, kernel=kernel).n_links == (
        2 if kernel == "gaussian" else 0
    )


@pytest.mark.filterwarnings("ignore:The numba package")
@pytest.mark.filterwarnings("ignore:The graph is not fully connected")
@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_links_as_libpysal(seed):
    from libpysal.graph import Graph

    areas = scattered(seed=seed)
    points = areas.set_geometry(areas.centroid)
    theirs = {
        "knn": Graph.build_knn(points, k=4),
        "distance": Graph.build_distance_band(points, 900),
        "delaunay": Graph.build_triangulation(points, method="delaunay"),
        "gabriel": Graph.build_triangulation(points, method="gabriel"),
    }
    for rule, options in RULES:
        if rule in theirs:
            ours = build_graph(areas, rule, **options)
            assert links(ours) == links(as_area_graph(theirs[rule], areas.index)), rule


def test_inverse_distances_against_all_distances():
    from scipy.spatial.distance import cdist

    areas = scattered(seed=2)
    xy = np.column_stack([areas.centroid.x, areas.centroid.y])
    apart = cdist(xy, xy)
    expected = np.where((apart > 0) & (apart <= 900), 1 / np.maximum(apart, 1e-9) ** 1.5, 0)
    weights = build_graph(areas, "inverse_distance", distance=900, power=1.5).weights.toarray()
    np.testing.assert_allclose(weights / weights.max(), expected / expected.max(), rtol=1e-6)


def test_distances_that_differ_by_rounding_are_equal():
    graph = build_graph(lattice(9, 100 / 3), "distance", distance=100 / 3 * np.sqrt(2))
    queen = build_graph(lattice(9, 100 / 3), "queen")
    assert links(graph) == links(queen)


def test_equally_near_areas_are_taken_in_the_order_of_their_ids():
    areas = lattice(5)
    graph = build_graph(areas, "knn", k=2)
    assert graph.neighbours("22").tolist() == ["12", "21"]  # of 12, 21, 23, 32
    assert (graph.cardinalities == 2).all()
    numbered = areas.set_index(pd.Index([100 - i for i in range(25)]))
    assert set(build_graph(numbered, "knn", k=2).neighbours(88)) == {83, 87}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(RULES), st.booleans())
def test_order_of_rows_does_not_matter(seed, rule, regular):
    areas = lattice(6, 400) if regular else scattered(40)
    shuffled = areas.sample(frac=1, random_state=seed)
    a, b = build_graph(areas, rule[0], **rule[1]), build_graph(shuffled, rule[0], **rule[1])
    assert links(a) == links(b)
    assert abs(a.matrix - b.reordered(areas.index).matrix).max() < 1e-9


def test_gabriel_is_part_of_delaunay_and_empty_circles():
    areas = scattered(80, seed=3)
    delaunay, gabriel = build_graph(areas, "delaunay"), build_graph(areas, "gabriel")
    assert links(gabriel) < links(delaunay)
    xy = np.column_stack([areas.centroid.x, areas.centroid.y])
    dense = gabriel.adjacency.toarray() > 0
    for i in range(80):
        for j in range(i):
            inside = np.hypot(*(xy - (xy[i] + xy[j]) / 2).T) < np.hypot(*(xy[i] - xy[j])) / 2 - 1e-6
            inside[[i, j]] = False
            assert dense[i, j] == (not inside.any())


def test_higher_order_is_what_can_be_reached():
    from scipy.sparse.csgraph import shortest_path

    areas = lattice(6)
    for rule, options in (("queen", {}), ("rook", {}), ("knn", {"k": 2}), ("gabriel", {})):
        first = build_graph(areas, rule, **options)
        steps = shortest_path(first.adjacency, unweighted=True)
        for order in (2, 3):
            graph = build_graph(areas, rule, order=order, **options)
            np.testing.assert_array_equal(graph.adjacency.toarray(), (steps >= 1) & (steps <= order))
            assert graph.settings["order"] == order
            assert graph.adjacency.has_sorted_indices
    assert "order" not in build_graph(areas).settings


def test_isolates_stay_are_attached_or_raise():
    at = [0, 100, 250, 3000]
    areas = gpd.GeoDataFrame(geometry=[Point(x, 0).buffer(5) for x in at], index=list("abcd"), crs=CRS)
    for rule in ("distance", "kernel"):
        assert build_graph(areas, rule, distance=300).isolates.tolist() == ["d"]
        graph = build_graph(areas, rule, distance=300, isolates="attach-nearest")
        assert graph.neighbours("d").tolist() == ["c"]
        assert ("d" in graph.neighbours("c")) == (rule == "distance")
        assert graph.settings["attached"] == ["d"]
        with pytest.raises(GeometryError, match="1 area"):
            build_graph(areas, rule, distance=300, isolates="error")


def test_areas_without_geometry_have_no_neighbours():
    areas = scattered(20)
    areas.loc["003", "geometry"] = None
    areas.loc["007", "geometry"] = Polygon()
    for rule, options in RULES:
        graph = build_graph(areas, rule, **options)
        assert {"003", "007"} <= set(graph.isolates)
        assert len(graph.ids) == 20


def test_degrees_are_measured_in_metres():
    areas = scattered(30)
    areas = areas.set_geometry(areas.translate(485_000, 2_140_000))
    graph = build_graph(areas.to_crs(4326), "distance", distance=900)
    assert links(graph) == links(build_graph(areas, "distance", distance=900))
    assert graph.settings == {
        "rule": "distance", "epsg": CRS, "isolates": "exclude", "measured": "between centroids",
        "distance_m": 900.0,
    }  # fmt: skip
    with pytest.raises(CRSError):
        build_graph(areas.set_crs(None, allow_override=True), "knn", k=2, tolerance=0)


@pytest.mark.parametrize(
    ("rule", "options", "words"),
    [
        ("knn", {}, "needs k="),
        ("queen", {"k": 3}, "no use for k="),
        ("knn", {"k": 3, "distance": 5}, "no use for distance="),
        ("kernel", {}, "needs distance="),
        ("knn", {"k": 0}, "k must be a whole number"),
        ("knn", {"k": 2.5}, "k must be a whole number"),
        ("knn", {"k": 20}, "below the number of areas with a geometry, 20; got 20"),
        ("distance", {"distance": 0}, "above zero metres"),
        ("distance", {"distance": np.inf}, "above zero metres"),
        ("kernel", {"distance": 5, "kernel": "box"}, "triangular, epanechnikov, quartic, gaussian"),
        ("inverse_distance", {"distance": 5, "power": 0}, "power"),
        ("queen", {"order": 0}, "order must be a whole number"),
        ("kernel", {"distance": 5, "order": 2}, "larger distance instead"),
    ],
)
def test_options_that_make_no_sense_are_refused(rule, options, words):
    with pytest.raises(ConfigError, match=words):
        build_graph(scattered(20), rule, **options)


def test_places_that_cannot_be_used_are_refused():
    same = gpd.GeoDataFrame(geometry=[Point(0, 0).buffer(r) for r in (1, 2, 3)] + [Point(9, 9)], crs=CRS)
    with pytest.raises(StatisticsError, match="3 pairs of areas have the same centroid"):
        build_graph(same, "inverse_distance", distance=50)
    line = gpd.GeoDataFrame(geometry=[Point(i, 0).buffer(0.1) for i in range(5)], crs=CRS)
    with pytest.raises(GeometryError, match="do not lie on a line"):
        build_graph(line.iloc[:2], "delaunay")


def test_weights_given_as_a_matrix():
    weights = np.array([[5.0, 2, 1], [2, 0, 0], [1, 0, 0]])
    graph = AreaGraph.from_weights(weights, ["x", "y", "z"])
    assert graph.neighbours("x").tolist() == ["y", "z"]
    assert graph.weights.toarray().tolist() == [[0, 2, 1], [2, 0, 0], [1, 0, 0]]
    with pytest.raises(AlignmentError, match="3 x 3 but there are 2 ids"):
        AreaGraph.from_weights(weights, ["x", "y"])
    with pytest.raises(StatisticsError, match="not negative"):
        AreaGraph.from_weights(-weights, ["x", "y", "z"])
    with pytest.raises(AlignmentError, match="exactly the links"):
        AreaGraph(
            graph.ids, graph.adjacency, weights=AreaGraph.from_weights(1 - np.eye(3), graph.ids).adjacency
        )
