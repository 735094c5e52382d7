"""Grids by arithmetic give the links that geometry gives."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

import safemap as sm
from safemap.errors import AlignmentError, ConfigError
from safemap.geo.contiguity import _by_geometry, pairs_of, touching_links
from safemap.geo.lattice import find_lattice, grid_graph, grid_links

RULES = ("queen", "rook")


def cells(rows, columns, size=100.0, corner=(400_000.0, 2_000_000.0)):
    y, x = (part.ravel() * size for part in np.mgrid[:rows, :columns])
    return shapely.box(corner[0] + x, corner[1] + y, corner[0] + x + size, corner[1] + y + size)


def by_geometry(geometry, rule, tolerance=1.0):
    return _by_geometry(geometry, shapely.bounds(geometry), rule, tolerance)


def assert_same(geometry, rule, tolerance=1.0):
    links, near = touching_links(geometry, rule, tolerance)
    expected, near_expected = by_geometry(geometry, rule, tolerance)
    np.testing.assert_array_equal(np.array(pairs_of(links)), np.array(pairs_of(expected)))
    assert set(zip(*near, strict=True)) == set(zip(*near_expected, strict=True))
    assert links.has_sorted_indices or (links.sort_indices() is None)
    assert (links.data == 1).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (6, 4)])
def test_full_grids_by_geometry(rows, columns, rule):
    links = grid_links(rows, columns, rule)
    expected, _ = by_geometry(cells(rows, columns), rule)
    np.testing.assert_array_equal(links.toarray(), expected.toarray())
    links.check_format(full_check=True)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES), st.booleans())
def test_grids_with_holes_in_any_order(seed, rule, shuffled):
    rng = np.random.default_rng(seed)
    geometry = cells(24, 20)[rng.random(480) > 0.2]
    if shuffled:
        rng.shuffle(geometry)
    assert find_lattice(geometry, shapely.bounds(geometry), 1.0) is not None
    assert_same(geometry, rule)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_cells_that_are_cut_and_areas_that_lie_across(seed, rule):
    rng = np.random.default_rng(seed)
    geometry = cells(24, 20)
    disc = shapely.Point(401_000, 2_001_200).buffer(1_150)
    cut = shapely.intersection(geometry, disc)
    cut = cut[shapely.area(cut) > 0]
    low = np.array([400_000, 2_000_000]) + rng.uniform(0, 1_500, (6, 2))
    across = shapely.box(*low.T, *(low + rng.uniform(1, 400, (6, 2))).T)
    every = np.concatenate([cut, across, [None, shapely.Polygon()]])
    rng.shuffle(every)
    assert find_lattice(every, shapely.bounds(every), 1.0) is not None
    assert_same(every, rule)


def test_what_is_not_a_grid_is_left_to_geometry():
    geometry = cells(20, 20)
    bounds = shapely.bounds(geometry)
    assert find_lattice(geometry, bounds, 0.0) is None
    assert find_lattice(geometry, bounds, 30.0) is None  # the next but one is near
    assert find_lattice(geometry[:100], bounds[:100], 1.0) is None
    twice = np.concatenate([geometry, geometry[:1]])
    assert find_lattice(twice, shapely.bounds(twice), 1.0) is None
    moved = shapely.transform(geometry, lambda xy: xy + 0.3 * np.sin(xy))
    assert find_lattice(moved, shapely.bounds(moved), 1.0) is None
    diamonds = np.array([shapely.Polygon(c.envelope.exterior.coords[:3]) for c in geometry])
    assert find_lattice(diamonds, shapely.bounds(diamonds), 1.0) is None


@pytest.mark.parametrize("crs", [32614, 4326])
def test_make_grid_is_recognised(crs):
    city = gpd.GeoDataFrame(geometry=[box(500_000, 2_000_000, 503_210, 2_002_770)], crs=32614).to_crs(crs)
    grid = sm.make_grid(city, cell_size=100)
    assert len(grid) > 800
    for rule in RULES:
        graph = sm.build_graph(grid, rule)
        metres = grid.to_crs(32614).geometry.to_numpy()
        assert find_lattice(metres, shapely.bounds(metres), 1.0) is not None
        expected, _ = by_geometry(metres, rule)
        np.testing.assert_array_equal(np.array(pairs_of(graph.adjacency)), np.array(pairs_of(expected)))


def test_grid_graph_is_build_graph():
    areas = gpd.GeoDataFrame(geometry=cells(17, 18), crs=32614)
    for rule in RULES:
        one, other = sm.grid_graph(17, 18, rule), sm.build_graph(areas, rule)
        np.testing.assert_array_equal(one.adjacency.indices, other.adjacency.indices)
        np.testing.assert_array_equal(one.adjacency.indptr, other.adjacency.indptr)
        assert one.report["areas"] == other.report["areas"] == 306
    assert grid_graph(1, 2, ids=["a", "b"]).neighbours("a").tolist() == ["b"]


@pytest.mark.parametrize("options", [(0, 3), (3, 2.5), (True, 2), (2, 2, "bishop")])
def test_senseless_grids_are_refused(options):
    with pytest.raises(ConfigError):
        grid_graph(*options)
    with pytest.raises(AlignmentError):
        grid_graph(2, 2, ids=["a", "b", "c"])
