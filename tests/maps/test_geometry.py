"""Outlines in the page are the areas, within a metre or the stated tolerance, without gaps."""

from __future__ import annotations

import json
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.maps.geometry import PRECISION, encode, outline


def decode(polygons: list[list[list[int]]]) -> shapely.MultiPolygon:
    def ring(flat: list[int]) -> np.ndarray:
        return np.cumsum(np.array(flat).reshape(-1, 2), axis=0) / PRECISION

    return shapely.MultiPolygon([(ring(p[0]), [ring(r) for r in p[1:]]) for p in polygons])


def wavy_town(side: int = 5, points: int = 40) -> gpd.GeoDataFrame:
    """Squares whose common borders wave, so that there is something to simplify."""
    steps = np.linspace(0, 1, points, endpoint=False)

    def edge(a: tuple[int, int], b: tuple[int, int]) -> list[tuple[float, float]]:
        (x0, y0), (x1, y1) = sorted([a, b])
        wave = 0.01 * np.sin(6 * np.pi * steps) * (1 + (x0 * 7 + y0 * 13) % 3)
        line = [
            (x0 + (x1 - x0) * t + wave[i] * (y1 - y0), y0 + (y1 - y0) * t + wave[i] * (x1 - x0))
            for i, t in enumerate(steps)
        ]
        line.append((x1, y1))
        return line if (a, b) == ((x0, y0), (x1, y1)) else line[::-1]

    cells = []
    for y in range(side):
        for x in range(side):
            corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)]
            ring = [p for a, b in pairwise(corners) for p in edge(a, b)[:-1]]
            cells.append(shapely.Polygon(np.array(ring) * 0.01 + [69.2, 41.2]))
    return gpd.GeoDataFrame(geometry=cells, crs=4326)


@given(
    st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=3, max_size=12, unique=True)
)
@settings(max_examples=60)
def test_coding_loses_nothing_on_the_grid(points: list[tuple[int, int]]) -> None:
    hull = shapely.convex_hull(shapely.MultiPoint(points))
    if hull.geom_type != "Polygon":
        return
    shape = shapely.transform(hull, lambda xy: xy / PRECISION)
    assert decode(encode(shape)).symmetric_difference(shape).area < 1e-16


def test_holes_and_parts_are_kept() -> None:
    with_hole = shapely.Polygon(
        [(0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1)], [[(0.02, 0.02), (0.05, 0.02), (0.05, 0.05), (0.02, 0.05)]]
    )
    shape = shapely.MultiPolygon([with_hole, shapely.box(0.2, 0, 0.3, 0.1)])
    coded = encode(shape)
    assert [len(p) for p in coded] == [2, 1]
    assert decode(coded).area == pytest.approx(shape.area)


def test_small_towns_keep_every_vertex() -> None:
    town = wavy_town()
    found = outline(town)
    assert found.tolerance == 0
    for coded, shape in zip(found.areas, town.geometry, strict=True):
        assert shapely.hausdorff_distance(decode(coded), shape) < 1.5 / PRECISION


def test_large_towns_fit_the_budget_and_neighbours_keep_their_border() -> None:
    town = wavy_town()
    found = outline(town, budget=6_000)
    assert len(json.dumps(found.areas, separators=(",", ":"))) <= 6_000
    assert found.tolerance > 0
    shapes = np.array([decode(a) for a in found.areas])
    assert shapely.coverage_is_valid(shapes)
    one_piece = shapely.coverage_union_all(shapes)
    assert shapely.get_num_geometries(one_piece) == 1
    assert not any(part.interiors for part in shapely.get_parts(one_piece))
    assert shapely.area(shapes).sum() == pytest.approx(
        shapely.area(np.asarray(town.geometry.array)).sum(), rel=0.02
    )


def test_names_stand_inside_their_area_and_their_room_is_the_largest_circle() -> None:
    town = gpd.GeoDataFrame(geometry=[shapely.box(69.2, 41.2, 69.21, 41.21)], crs=4326)
    x, y, radius = outline(town).labels[0]
    assert town.geometry.iloc[0].contains(shapely.Point(x / PRECISION, y / PRECISION))
    width = 0.01 * 111_320 * np.cos(np.radians(41.205))  # the narrow side of a square degree at 41 north
    assert radius == pytest.approx(width / 2, rel=0.05)


def test_slits_inside_the_study_area_are_no_border() -> None:
    left, right = shapely.box(0, 0, 0.1, 0.1), shapely.box(0.10005, 0.0, 0.2, 0.1)
    bridge = shapely.box(0, 0.1, 0.2, 0.2)
    floor = shapely.box(0, -0.1, 0.2, 0)
    town = gpd.GeoDataFrame(geometry=[left, right, bridge, floor], crs=4326)
    assert all(len(polygon) == 1 for polygon in outline(town).study)


def test_a_lake_inside_the_study_area_keeps_its_shore() -> None:
    ring = shapely.box(0, 0, 0.2, 0.2).difference(shapely.box(0.05, 0.05, 0.15, 0.15))
    town = gpd.GeoDataFrame(geometry=[ring], crs=4326)
    assert [len(polygon) for polygon in outline(town).study] == [2]


def test_projected_areas_are_drawn_in_degrees() -> None:
    town = wavy_town(2)
    there = outline(town.to_crs(32642))
    assert np.allclose(there.bounds, outline(town).bounds, atol=1e-6)


def test_borders_that_do_not_meet_are_counted_where_they_are_simplified() -> None:
    edge = [(x / 500, 0.3 * np.sin(x / 9) / 50) for x in range(501)]
    above = shapely.Polygon([*edge, (1, 1), (0, 1)])
    below = shapely.Polygon([*edge, (1, -1), (0, -1)])
    moved = shapely.Polygon([*[(x, y - 1e-4) for x, y in edge], (1, -1), (0, -1)])
    for lower, faults in ((below, 0), (moved, 2)):
        areas = gpd.GeoDataFrame(geometry=[above, lower], crs=4326)
        assert outline(areas).unmatched == 0  # not simplified: drawn as they are
        small = outline(areas, budget=1_500)
        assert small.tolerance > 0
        assert small.unmatched == faults
