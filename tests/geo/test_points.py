"""Points in areas against brute force: closed areas, each point once, the lowest id wins."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from safemap.geo.points import MATCHES, SortedPoints, id_ranks, nearest_areas, place_points

GRID = np.array([box(i, j, i + 1, j + 1) for j in range(2) for i in range(2)])


def _place(x, y, shapes, ranks=None, strips: int = 64) -> list[tuple[int, str]]:
    x, y, shapes = np.asarray(x, float), np.asarray(y, float), np.asarray(shapes)
    ranks = np.arange(len(shapes)) if ranks is None else np.asarray(ranks)
    placed = place_points(SortedPoints(x, y, strips=strips), len(x), shapes, ranks)
    return [(int(a), MATCHES[m]) for a, m in zip(placed.area, placed.match(), strict=True)]


def _brute(x, y, shapes, ranks) -> list[tuple[int, str]]:
    """One point and one area at a time, with other predicates than the code under test."""
    out = []
    for px, py in zip(x, y, strict=True):
        if not (np.isfinite(px) and np.isfinite(py)):
            out.append((-1, "outside"))
            continue
        point = shapely.Point(px, py)
        closed = [i for i, s in enumerate(shapes) if s.covers(point)]
        inner = [i for i in closed if not s_touch(shapes[i], point)]
        if not closed:
            out.append((-1, "outside"))
            continue
        lowest = min(closed, key=lambda i: ranks[i])
        match = ("overlap" if len(closed) > 1 else "inside") if inner else "boundary"
        out.append((lowest, match))
    return out


def s_touch(shape: Polygon, point: shapely.Point) -> bool:
    return shape.boundary.intersects(point)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.5, 0.5, (0, "inside")),
        (1.0, 0.5, (0, "boundary")),  # shared by 0 and 1
        (1.0, 1.0, (0, "boundary")),  # corner of four
        (1.5, 1.0, (1, "boundary")),  # shared by 1 and 3
        (0.0, 0.5, (0, "boundary")),  # outer border: areas are closed
        (2.0, 2.0, (3, "boundary")),
        (2.0000001, 0.5, (-1, "outside")),
        (np.nan, 0.5, (-1, "outside")),
        (np.inf, 0.5, (-1, "outside")),
    ],
)
def test_grid(x: float, y: float, expected: tuple[int, str]) -> None:
    assert _place([x], [y], GRID) == [expected]


def test_the_lowest_id_wins_whatever_the_order_of_the_areas() -> None:
    assert _place([1.0], [1.0], GRID, ranks=[3, 2, 1, 0]) == [(3, "boundary")]
    assert _place([1.0], [1.0], GRID, ranks=[2, 3, 0, 1]) == [(2, "boundary")]


def test_holes_islands_and_overlaps() -> None:
    ring = Polygon([(0, 0), (6, 0), (6, 6), (0, 6)], [[(2, 2), (4, 2), (4, 4), (2, 4)]])
    twin = MultiPolygon([box(10, 0, 11, 1), box(12, 0, 13, 1)])
    over = box(5, 5, 8, 8)
    shapes = [ring, twin, over]
    x = [1, 3, 2, 3, 10.5, 11.5, 12.5, 5.5, 5.0, 6.0, 7.0]
    y = [1, 3, 3, 2, 0.5, 0.5, 0.5, 5.5, 5.5, 5.5, 7.0]
    assert _place(x, y, shapes) == [
        (0, "inside"), (-1, "outside"), (0, "boundary"), (0, "boundary"),
        (1, "inside"), (-1, "outside"), (1, "inside"),
        (0, "overlap"), (0, "overlap"), (0, "overlap"), (2, "inside"),
    ]  # fmt: skip


def test_an_area_that_fills_the_hole_of_another() -> None:
    ring = Polygon([(0, 0), (6, 0), (6, 6), (0, 6)], [[(2, 2), (4, 2), (4, 4), (2, 4)]])
    assert _place([3, 2], [3, 3], [ring, box(2, 2, 4, 4)]) == [(1, "inside"), (0, "boundary")]


@pytest.mark.parametrize("strips", [1, 2, 64])
def test_points_on_slanted_shared_edges(strips: int) -> None:
    """Vertices, and midpoints that are exact in binary, lie on both sides of one edge."""
    left = Polygon([(0, 0), (4, 0), (2, 8)])
    right = Polygon([(4, 0), (6, 8), (2, 8)])
    assert _place([3, 2, 4, 3.5], [4, 8, 0, 2], [left, right], strips=strips) == [(0, "boundary")] * 4


def test_a_stray_point_at_zero_does_not_spoil_the_others() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(1000, 1002, 500), rng.uniform(1000, 1002, 500)
    shapes = shapely.transform(GRID, lambda c: c + 1000)
    x[0] = y[0] = 0.0
    assert _place(x, y, shapes) == _brute(x, y, shapes, range(4))


@pytest.mark.parametrize(
    ("ids", "ranks"),
    [
        (["10", "9", "007"], [2, 1, 0]),
        (["b", "a", "B"], [2, 1, 0]),
        (["10", "9", "x"], [0, 1, 2]),
        ([3, 1, 2], [2, 0, 1]),
        (["07", "007", "7"], [1, 0, 2]),
        (["-2", "1", "0"], [0, 2, 1]),
    ],
)
def test_ids_are_text_and_numeric_ids_are_numbers(ids: list, ranks: list[int]) -> None:
    assert id_ranks(pd.Index(ids)).tolist() == ranks


LATTICE = st.integers(0, 12).map(lambda v: v / 2)
BOX = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.integers(1, 4)).map(
    lambda v: box(v[0], v[1], v[0] + v[2], v[1] + v[3])
)


@settings(deadline=None)
@given(
    st.lists(st.tuples(LATTICE | st.just(np.nan), LATTICE), max_size=40),
    st.lists(BOX, min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(1, 9),
)
def test_equals_brute_force_on_overlapping_boxes(points, shapes, random, strips) -> None:
    """Half of the lattice lies on borders, which random points never test."""
    ranks = list(range(len(shapes)))
    random.shuffle(ranks)
    x, y = np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)
    assert _place(x, y, shapes, ranks, strips) == _brute(x, y, shapes, ranks)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 25))
def test_equals_brute_force_on_voronoi_cells(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, 10, (n, 2)))))
    corners = np.unique(shapely.get_coordinates(cells), axis=0)[:20]
    free = rng.uniform(-1, 11, (60, 2))
    x, y = np.vstack([corners, free]).T
    ranks = rng.permutation(len(cells))
    placed = _place(x, y, cells, ranks)
    assert placed == _brute(x, y, cells, ranks)
    assert all(match == "boundary" for _, match in placed[: len(corners)])


def test_nearest_within_reach_ties_to_the_lowest_id() -> None:
    shapes = np.array([box(0, 0, 10, 10), box(20, 0, 30, 10)])
    x, y = np.array([15.0, 12.0, 18.0, 45.0, np.nan]), np.array([5.0, 5.0, 5.0, 5.0, 5.0])
    area, metres = nearest_areas(x, y, shapes, np.array([1, 0]), max_distance=6)
    assert area.tolist() == [1, 0, 1, -1, -1]
    assert metres.tolist() == [5.0, 2.0, 2.0, np.inf, np.inf]


def test_the_same_as_sjoin_where_sjoin_is_right() -> None:
    rng = np.random.default_rng(11)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, 10, (40, 2)))))
    x, y = rng.uniform(0, 10, (2, 5000))
    areas = gpd.GeoDataFrame(geometry=cells)
    peer = gpd.sjoin(gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y)), areas, how="left")
    assert peer.index.is_unique
    placed = [a for a, _ in _place(x, y, cells)]
    assert placed == peer["index_right"].fillna(-1).astype(int).tolist()
