"""Neighbours by tolerance, the doors to other graphs, and the laws of a graph."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from safemap.errors import AlignmentError, ConfigError, CRSError, GeometryError, InputError, StatisticsError
from safemap.geo.crs import local_utm_epsg, to_metres
from safemap.geo.graph import AreaGraph, as_area_graph, build_graph

CRS = 32614


def grid(rows: int, columns: int, size: float = 100.0) -> gpd.GeoDataFrame:
    cells = [
        box(c * size, r * size, (c + 1) * size, (r + 1) * size) for r in range(rows) for c in range(columns)
    ]
    ids = [f"{r}{c}" for r in range(rows) for c in range(columns)]
    return gpd.GeoDataFrame(geometry=cells, index=pd.Index(ids, name="area_id"), crs=CRS)


def frame(*shapes, crs=CRS) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(shapes), index=list("abcdefgh"[: len(shapes)]), crs=crs)


def links(graph: AreaGraph) -> set[tuple[str, str]]:
    row, column = graph.adjacency.nonzero()
    return set(zip(graph.ids[row], graph.ids[column], strict=True))


def test_three_by_three_grid_by_hand():
    queen, rook = build_graph(grid(3, 3)), build_graph(grid(3, 3), "rook")
    assert queen.cardinalities.tolist() == [3, 5, 3, 5, 8, 5, 3, 5, 3]
    assert rook.cardinalities.tolist() == [2, 3, 2, 3, 4, 3, 2, 3, 2]
    assert queen.neighbours("00").tolist() == ["01", "10", "11"]
    assert rook.neighbours("00").tolist() == ["01", "10"]
    assert (queen.n_links, rook.n_links, queen.n_components) == (40, 24, 1)
    assert queen.settings == {"rule": "queen", "tolerance_m": 1.0, "epsg": CRS, "isolates": "exclude"}


def test_columbus_has_the_links_that_others_find():
    from libpysal.graph import Graph

    from safemap.datasets import columbus

    areas = columbus()
    for rule, rook in (("queen", False), ("rook", True)):
        ours = build_graph(areas, rule, tolerance=0)
        theirs = Graph.build_contiguity(areas, rook=rook, strict=True)
        assert links(ours) == links(as_area_graph(theirs, areas.index))


def test_gaps_and_overlaps_within_the_tolerance_are_neighbours_and_reported():
    areas = frame(
        box(0, 0, 100, 100), box(100.6, 0, 200, 100), box(50, 99.5, 150, 200), box(203, 0, 300, 100)
    )
    graph = build_graph(areas)
    assert links(graph) == {(i, j) for i in "abc" for j in "abc" if i != j}
    found = graph.only_by_tolerance.set_index(["focal", "neighbor"])
    assert found["kind"].to_dict() == {("a", "b"): "gap", ("a", "c"): "overlap", ("b", "c"): "overlap"}
    assert found.loc[("a", "b"), "gap_m"] == pytest.approx(0.6)
    assert found.loc[("a", "c"), "overlap_m2"] == pytest.approx(25.0)
    assert graph.report["only_by_tolerance"] == {"overlap": 2, "gap": 1}
    assert "found within 1.0 m: 1 gap, 2 overlap" in graph.summary()
    assert links(build_graph(areas, tolerance=0.3)) == links(build_graph(areas, tolerance=0)) == {
        ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b"),
    }  # fmt: skip
    assert ("b", "d") in links(build_graph(areas, tolerance=3.0))


def test_border_without_a_common_vertex_is_a_touch_not_a_fault():
    areas = frame(box(0, 0, 100, 300), box(100, 100, 200, 200))
    graph = build_graph(areas)
    assert links(graph) == {("a", "b"), ("b", "a")}
    assert graph.only_by_tolerance["kind"].tolist() == ["touch"]
    assert links(build_graph(areas, "rook")) == links(graph)


def test_rook_needs_a_border_longer_than_the_tolerance():
    corner = frame(box(0, 0, 100, 100), box(100, 100, 200, 200))
    assert build_graph(corner).n_links == 2
    assert build_graph(corner, "rook").n_links == 0
    apart = frame(box(0, 0, 100, 100), box(100.4, 100.4, 200, 200))
    assert (build_graph(apart).n_links, build_graph(apart, "rook").n_links) == (2, 0)
    for shared, expected in ((0.5, 0), (5.0, 2)):
        short = frame(box(0, 0, 100, 100), box(100 - shared, 100, 200, 200))
        assert build_graph(short, "rook").n_links == expected
    crooked = frame(
        box(0, 0, 100, 100), Polygon([(100.3, 0), (200, 0), (200, 100), (100.7, 100), (100.2, 50)])
    )
    assert build_graph(crooked, "rook").n_links == 2


def test_area_inside_another_and_area_in_its_hole():
    ring = Polygon(box(0, 0, 300, 300).exterior.coords, [box(100, 100, 200, 200).exterior.coords])
    areas = frame(ring, box(100, 100, 200, 200), box(120, 120, 140, 140))
    for rule in ("queen", "rook"):
        assert links(build_graph(areas, rule)) == {("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")}


def test_multipolygons_count_all_their_parts():
    areas = frame(
        MultiPolygon([box(0, 0, 10, 10), box(500, 0, 510, 10)]), box(510, 0, 520, 10), box(10, 0, 20, 10)
    )
    assert build_graph(areas, "rook").neighbours("a").tolist() == ["b", "c"]


def test_degrees_are_measured_in_metres():
    areas = grid(3, 3)
    areas = areas.set_geometry(areas.translate(485_000, 2_140_000)).to_crs(4326)
    graph = build_graph(areas)
    assert graph.settings["epsg"] == CRS
    assert graph.cardinalities.tolist() == [3, 5, 3, 5, 8, 5, 3, 5, 3]
    assert areas.crs.to_epsg() == 4326


def test_isolates_stay_are_attached_or_raise():
    areas = frame(box(0, 0, 10, 10), box(10, 0, 20, 10), box(100, 0, 110, 10))
    graph = build_graph(areas)
    assert graph.isolates.tolist() == ["c"]
    assert graph.n_components == 2
    assert "1 without neighbours: c" in graph.summary()
    attached = build_graph(areas, isolates="attach-nearest")
    assert attached.neighbours("c").tolist() == ["b"]
    assert attached.neighbours("b").tolist() == ["a", "c"]
    assert attached.settings["attached"] == ["c"]
    with pytest.raises(GeometryError, match=r"1 area\(s\) have no neighbour, e.g. \['c'\]"):
        build_graph(areas, isolates="error")


def test_two_isolates_attached_to_each_other_are_linked_once():
    areas = frame(box(0, 0, 10, 10), box(100, 0, 110, 10))
    graph = build_graph(areas, isolates="attach-nearest")
    assert graph.adjacency.toarray().tolist() == [[0, 1], [1, 0]]


def test_missing_and_empty_geometry_is_an_isolate():
    areas = grid(2, 2)
    areas.loc["00", "geometry"] = None
    areas.loc["01", "geometry"] = Polygon()
    graph = build_graph(areas)
    assert graph.isolates.tolist() == ["00", "01"]
    assert build_graph(areas, "rook").n_links == 2
    assert build_graph(areas, isolates="attach-nearest").isolates.tolist() == ["00", "01"]


def test_no_area_at_all():
    graph = build_graph(grid(1, 1).iloc[:0])
    assert (len(graph.ids), graph.n_links, graph.n_components) == (0, 0, 0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["queen", "rook"]))
def test_order_of_rows_does_not_matter(seed, rule):
    areas = grid(4, 4).drop(["12", "30"])
    shuffled = areas.sample(frac=1, random_state=seed)
    a, b = build_graph(areas, rule), build_graph(shuffled, rule)
    assert links(a) == links(b)
    assert (a.adjacency != b.reordered(areas.index).adjacency).nnz == 0


@pytest.mark.parametrize("rule", ["queen", "rook"])
def test_irregular_areas_agree_with_the_plain_definition(rule):
    import shapely

    rng = np.random.default_rng(4)
    points = shapely.MultiPoint(rng.random((60, 2)) * 5000)
    cells = shapely.get_parts(shapely.voronoi_polygons(points))
    cells = shapely.buffer(cells, rng.uniform(-0.4, 0.4, len(cells)))  # gaps and overlaps of decimetres
    areas = gpd.GeoDataFrame(geometry=cells, crs=CRS)
    dense = build_graph(areas, rule).adjacency.toarray() > 0
    for i in range(len(cells)):
        for j in range(i):
            near = shapely.distance(cells[i], cells[j]) <= 1
            border = shapely.length(
                shapely.intersection(shapely.boundary(cells[i]), shapely.buffer(cells[j], 1))
            )
            if rule == "rook" and 2 < border < 6:
                continue  # between a corner and a border
            assert dense[i, j] == dense[j, i] == (near and (rule == "queen" or border > 3))


def test_subset_and_reordered():
    graph = build_graph(grid(3, 3))
    part = graph.subset(["22", "11", "00"])
    assert part.ids.tolist() == ["22", "11", "00"]
    assert part.neighbours("11").tolist() == ["22", "00"]
    turned = graph.reordered(graph.ids[::-1])
    assert turned.adjacency.has_sorted_indices
    assert links(turned) == links(graph)
    with pytest.raises(AlignmentError, match="no area"):
        graph.subset(["00", "99"])
    with pytest.raises(AlignmentError, match="differ"):
        graph.reordered(graph.ids[:-1])


def test_libpysal_there_and_back_keeps_isolates():
    areas = grid(3, 3).drop(["01", "10", "11"])  # leaves 00 alone
    graph = build_graph(areas)
    there = graph.to_libpysal()
    assert there.isolates.tolist() == ["00"]
    assert there.n_edges == graph.n_links
    back = as_area_graph(there, areas.index)
    assert (back.adjacency != graph.adjacency).nnz == 0
    assert back.isolates.tolist() == ["00"]


def test_other_graphs_are_matched_by_id_not_by_position():
    from libpysal.graph import Graph

    areas = grid(3, 4)
    graph = build_graph(areas)
    shuffled = areas.sample(frac=1, random_state=3)
    theirs = Graph.build_contiguity(shuffled, rook=False, strict=True)
    for given_graph in (theirs, theirs.transform("r"), theirs.to_W(), theirs.adjacency, graph):
        ours = as_area_graph(given_graph, areas.index)
        assert ours.ids.equals(areas.index)
        assert (ours.adjacency != graph.adjacency).nnz == 0


def test_ids_that_differ_raise_with_both_sides_named():
    graph = build_graph(grid(2, 2))
    with pytest.raises(AlignmentError, match=r"only in the graph 1, e\.g\. \['11'\].*\['12'\]"):
        as_area_graph(graph, pd.Index(["00", "01", "10", "12"]))
    with pytest.raises(AlignmentError, match="types are"):
        as_area_graph(graph, pd.Index([0, 1, 10, 11]))
    with pytest.raises(AlignmentError, match="repeated"):
        as_area_graph(graph, pd.Index(["00", "01", "10", "10"]))
    adjacency = pd.DataFrame({"focal": [1], "neighbor": [2]})
    with pytest.raises(AlignmentError, match="name areas that are not there"):
        as_area_graph(adjacency, pd.Index(["1", "2"]))


def test_weights_are_kept_where_they_differ_within_a_row():
    adjacency = pd.DataFrame({"focal": list("aab"), "neighbor": list("bca"), "weight": [1.0, 2.0, 1.0]})
    graph = as_area_graph(adjacency, pd.Index(list("cab")))
    assert graph.weights.toarray().tolist() == [[0, 0, 0], [2, 0, 1], [0, 1, 0]]
    assert graph.matrix is graph.weights
    assert set(graph.adjacency.data) == {1.0}
    part = graph.subset(["a", "c"])
    assert part.weights.toarray().tolist() == [[0, 2], [0, 0]]
    back = as_area_graph(graph.to_libpysal(), pd.Index(list("cab")))
    assert (back.weights != graph.weights).nnz == 0
    adjacency["weight"] = [2.0, 2.0, 7.0]
    assert as_area_graph(adjacency, pd.Index(list("abc"))).weights is None
    adjacency["weight"] = [0.5, 0.5, -1.0]
    with pytest.raises(StatisticsError, match="not negative"):
        as_area_graph(adjacency, pd.Index(list("abc")))
    adjacency["weight"] = [0.5, 0.0, 7.0]
    graph = as_area_graph(adjacency, pd.Index(list("abc")))
    assert links(graph) == {("a", "b"), ("b", "a")}


def test_self_links_are_left_out_and_doubled_links_refused():
    adjacency = pd.DataFrame({"focal": ["a", "a", "b"], "neighbor": ["a", "b", "a"]})
    assert links(as_area_graph(adjacency)) == {("a", "b"), ("b", "a")}
    with pytest.raises(InputError, match="more than once"):
        as_area_graph(pd.concat([adjacency, adjacency]))


def test_senseless_input_is_refused():
    with pytest.raises(ConfigError, match="queen, rook"):
        build_graph(grid(2, 2), "bishop")
    with pytest.raises(ConfigError, match="zero or more metres"):
        build_graph(grid(2, 2), tolerance=-1)
    with pytest.raises(ConfigError, match="attach-nearest"):
        build_graph(grid(2, 2), isolates="drop")
    with pytest.raises(CRSError, match="coordinate reference system"):
        build_graph(grid(2, 2).set_crs(None, allow_override=True))
    with pytest.raises(AlignmentError, match="unique"):
        build_graph(grid(2, 2).set_index(pd.Index(list("aabc"))))
    with pytest.raises(InputError, match="GeoDataFrame"):
        build_graph(pd.DataFrame({"a": [1]}))
    with pytest.raises(InputError, match="libpysal Graph or W"):
        as_area_graph({"a": ["b"]})


def test_input_is_not_changed():
    areas = grid(3, 3).to_crs(4326)
    before = areas.copy()
    build_graph(areas, "rook", isolates="attach-nearest")
    assert areas.equals(before)
    assert areas.crs == before.crs


@pytest.mark.parametrize(
    ("crs", "expected"), [(32614, 32614), (32613, 32613), (4326, 32614), (3857, 32614), (2277, 32614)]
)
def test_metres_keep_a_metric_system_and_replace_any_other(crs, expected):
    areas = gpd.GeoDataFrame(geometry=[box(-99.2, 19.3, -99.1, 19.4)], crs=4326).to_crs(crs)
    projected, epsg = to_metres(areas)
    assert epsg == projected.crs.to_epsg() == expected
    assert (projected is areas) == (crs == expected)


def test_metres_need_a_system_and_a_place():
    with pytest.raises(CRSError, match="set_crs"):
        to_metres(gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)]))
    with pytest.raises(CRSError, match="set_crs"):
        local_utm_epsg(gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)]))
    with pytest.raises(CRSError, match="No UTM zone"):
        to_metres(gpd.GeoDataFrame(geometry=[], crs=4326))
    with pytest.raises(CRSError, match="No UTM zone"):
        to_metres(gpd.GeoDataFrame(geometry=[box(1e8, 0, 1e8 + 1, 1)], crs=4326))


@pytest.mark.real
def test_tashkent_districts_have_the_links_that_touching_misses(real_data):
    areas = gpd.read_file(real_data("tashkent/tashkent_districts_2024.geojson"))
    assert build_graph(areas).n_links == 50
