"""The lookup against the exact predicates, row by row, with the points that random ones never are."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon, box

from safemap.geo import locating
from safemap.geo.locating import AreaLocator
from safemap.geo.points import MATCHES, SortedPoints, place_few_points, place_points
from safemap.geo.raster_lookup import OPEN, RasterLookup
from safemap.geo.segments import ONE, read_segments

MANY = 1_000_000  #: points announced, so that a grid is built


def _assert_same(x, y, shapes, ranks=None, *, expected: int = MANY, window: bool = False) -> NDArray[np.int8]:
    """Lookup, sorted points and tree agree on area and match of every point; returns the matches."""
    x, y, shapes = np.asarray(x, float), np.asarray(y, float), np.asarray(shapes, dtype=object)
    ranks = np.arange(len(shapes)) if ranks is None else np.asarray(ranks)
    known = np.isfinite(x) & np.isfinite(y)
    box_ = (x[known].min(), y[known].min(), x[known].max(), y[known].max()) if window else None
    quick = AreaLocator(shapes, ranks, expected=expected, window=box_).locate(x, y)
    exact = place_points(SortedPoints(x, y), len(x), shapes, ranks)
    tree = place_few_points(x, y, shapely.STRtree(shapes), ranks)
    differ = np.flatnonzero((quick.area != exact.area) | (quick.match != exact.match()))
    assert not len(differ), [(x[i], y[i], quick.area[i], exact.area[i]) for i in differ[:3]]
    np.testing.assert_array_equal(tree.area, exact.area)
    np.testing.assert_array_equal(tree.match(), exact.match())
    return quick.match


def _awkward(shapes, lookup: RasterLookup, rng: np.random.Generator, n: int = 400) -> tuple:
    """Vertices, points of edges and their neighbours, and points on borders and corners of the cells."""
    east, _ = read_segments(np.asarray(shapes, dtype=object), np.arange(len(shapes)))
    k, t = rng.integers(0, len(east.a0), n), rng.choice([0.0, 0.25, 0.5, 0.75, 1.0, rng.uniform()], n)
    on_x, on_y = (p0[k] + t * (p1[k] - p0[k]) for p0, p1 in ((east.a0, east.a1), (east.b0, east.b1)))
    g = lookup.grid
    line_x = g.x0 + rng.integers(0, g.columns + 1, n) * g.dx
    line_y = g.y0 + rng.integers(0, g.rows + 1, n) * g.dy
    free_x, free_y = g.x0 + rng.uniform(0, g.columns, n) * g.dx, g.y0 + rng.uniform(0, g.rows, n) * g.dy
    beside = np.nextafter(on_x, rng.choice([-np.inf, np.inf], n))
    pairs = [
        (on_x, on_y), (beside, on_y), (on_x, np.nextafter(on_y, np.inf)), (on_x, rng.permutation(on_y)),
        (line_x, line_y), (line_x, on_y), (on_x, line_y), (line_x, free_y), (free_x, on_y), (free_x, free_y),
    ]  # fmt: skip
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _test_awkward(shapes, seed: int, expected: int = MANY, *, window: bool = False) -> NDArray[np.int8]:
    rng = np.random.default_rng(seed)
    ranks = rng.permutation(len(shapes))
    lookup = RasterLookup(np.asarray(shapes, dtype=object), ranks, expected=expected)
    x, y = _awkward(shapes, lookup, rng)
    if window:
        low, high = np.sort(rng.choice(x, 2)), np.sort(rng.choice(y, 2))
        within = (x >= low[0]) & (x <= low[1]) & (y >= high[0]) & (y <= high[1])
        x, y = x[within], y[within]
    return _assert_same(x, y, shapes, ranks, expected=expected, window=window)


CORNER = st.tuples(st.integers(0, 7), st.integers(0, 7))
SIZE = st.tuples(st.integers(1, 6), st.integers(1, 6))


@st.composite
def _patches(draw) -> list:
    """Valid areas on a lattice, straight or slanted: with holes, of several parts, overlapping, with gaps."""
    slant = draw(st.sampled_from([(1, 0, 0, 1), (3, 1, -1, 2), (0.1, 0.7, -0.3, 0.2), (1e-3, 0, 0, 1e3)]))
    shift = draw(st.sampled_from([0.0, -99.125, 2_140_000.3]))
    shapes = []
    for _ in range(draw(st.integers(1, 6))):
        parts = [
            box(*c, c[0] + s[0], c[1] + s[1])
            for c, s in draw(st.lists(st.tuples(CORNER, SIZE), min_size=1, max_size=3))
        ]
        shape = shapely.union_all(parts)
        for c, s in draw(st.lists(st.tuples(CORNER, SIZE), max_size=2)):
            less = shape.difference(box(*c, c[0] + s[0] / 2, c[1] + s[1] / 2))
            shape = shape if less.is_empty else less
        shapes.append(shapely.transform(shape, lambda p: p @ np.reshape(slant, (2, 2)) + shift))
    return [s for s in shapes if s.is_valid and s.geom_type in ("Polygon", "MultiPolygon")]


@settings(deadline=None, max_examples=60)
@given(
    _patches().filter(bool),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 10_000, 10_000_000]),
    st.booleans(),
)
def test_patches_with_points_where_it_hurts(shapes, seed: int, expected: int, window: bool) -> None:
    _test_awkward(shapes, seed, max(expected, locating._FEW), window=window)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(3, 60))
def test_cells_that_share_every_border(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, 10, (n, 2)))))
    _test_awkward(cells, seed)


def _star(x: float, y: float, n: int, seed: int) -> Polygon:
    """An area with a ragged border of `n` vertices."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    radius = rng.uniform(0.4, 1.0, n)
    return Polygon(np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)]))


def test_areas_of_ten_thousand_vertices_that_overlap() -> None:
    shapes = [_star(i, j, 10_000, 3 * i + j) for i in range(2) for j in range(2)]
    matches = _test_awkward(shapes, 4)
    assert set(matches) >= {MATCHES.index(m) for m in ("inside", "boundary", "overlap", "outside")}


def test_thousands_of_vertices_in_one_cell() -> None:
    """An area far smaller than a cell of the grid: the way to a free cell has too many segments."""
    tiny = shapely.transform(_star(0, 0, 5_000, 1), lambda p: p * 1e-4 + 50.0)
    shapes = np.array([box(0, 0, 100, 100).difference(tiny), tiny])
    rng = np.random.default_rng(2)
    x, y = rng.normal(50.0, 5e-5, (2, 3_000))
    lookup = RasterLookup(shapes, np.arange(2), expected=1000)
    assert (lookup.find(x, y) == OPEN).all()
    _assert_same(x, y, shapes, expected=locating._FEW)


def test_all_points_in_one_place() -> None:
    shapes = [box(i, 0, i + 1, 1) for i in range(50)]
    for x, y in ((7.0, 0.5), (7.5, 0.5), (7.0, 1.0), (-3.0, 0.5)):
        _assert_same(np.full(100, x), np.full(100, y), shapes, window=True)


def test_wholesale_overlap_is_answered_by_lookup() -> None:
    """Two levels in one file: each point lies in two areas, the lowest id holds it."""
    small = [box(i, j, i + 1, j + 1) for i in range(4) for j in range(4)]
    shapes = np.array([*small, box(0, 0, 2, 4), box(2, 0, 4, 4)])
    ranks = np.random.default_rng(1).permutation(len(shapes))
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 4, (2, 5_000))
    lookup = RasterLookup(shapes, ranks, expected=MANY)
    assert (lookup.find(x, y) == OPEN).mean() < 0.2
    assert set(_assert_same(x, y, shapes, ranks)) == {MATCHES.index("overlap")}


def test_holes_filled_gapped_and_touching_at_a_point() -> None:
    ring = Polygon([(0, 0), (6, 0), (6, 6), (0, 6)], [[(2, 2), (4, 2), (4, 4), (2, 4)]])
    bow = MultiPolygon([box(10, 0, 11, 1), box(11, 1, 12, 2)])
    for shapes in ([ring, box(2, 2, 4, 4), bow], [ring, box(2.5, 2.5, 3.5, 3.5), bow], [ring, bow]):
        _test_awkward(shapes, 7)


def test_rings_in_either_direction() -> None:
    """Valid polygons may run clockwise or not; what counts is on which side their inside lies."""
    ring = Polygon([(0, 0), (6, 0), (6, 6), (0, 6)], [[(2, 2), (4, 2), (4, 4), (2, 4)]])
    for shape in (ring, ring.reverse(), shapely.normalize(ring), shapely.orient_polygons(ring)):
        _test_awkward([shape, box(2, 2, 4, 4).reverse()], 3)


def test_without_coordinates_a_point_is_outside() -> None:
    x = np.array([0.5, np.nan, 0.5, np.inf, -np.inf, 0.5, 1e300])
    y = np.array([0.5, 0.5, np.nan, 0.5, 0.5, -np.inf, 1e300])
    matches = _assert_same(x, y, [box(0, 0, 1, 1)])
    assert [MATCHES[m] for m in matches] == ["inside"] + ["outside"] * 6
    empty = AreaLocator(np.array([box(0, 0, 1, 1)]), np.array([0]), expected=MANY).locate(x[:0], y[:0])
    assert len(empty.area) == len(empty.match) == 0


def test_most_points_are_answered_without_the_predicates() -> None:
    rng = np.random.default_rng(0)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, 10, (200, 2)))))
    x, y = rng.uniform(0, 10, (2, 100_000))
    assert (RasterLookup(cells, np.arange(200), expected=100_000).find(x, y) == OPEN).mean() < 1e-3


def test_few_points_go_straight_to_the_predicates() -> None:
    assert AreaLocator(np.array([box(0, 0, 1, 1)]), np.array([0]), expected=10)._lookup is None


def test_a_locator_travels_to_another_process() -> None:
    rng = np.random.default_rng(0)
    shapes = np.array([box(i, j, i + 1, j + 1) for i in range(5) for j in range(5)])
    locator = AreaLocator(shapes, np.arange(25), expected=MANY)
    x, y = rng.integers(-1, 12, (2, 500)) / 2
    there = pickle.loads(pickle.dumps(locator)).locate(x, y)
    here = locator.locate(x, y)
    np.testing.assert_array_equal(there.area, here.area)
    np.testing.assert_array_equal(there.match, here.match)


@pytest.mark.parametrize("turn", [False, True])
def test_crossing_all_segments_of_a_line_ends_outside(turn: bool) -> None:
    """What a walk through an area gains and loses adds up to nothing."""
    segments = read_segments(np.array([_star(0, 0, 50, 1), box(3, 3, 4, 4)]), np.array([1, 0]))[turn]
    for height in np.random.default_rng(0).uniform(-1, 4, 50):
        crossed = (segments.b0 <= height) != (segments.b1 <= height)
        assert segments.gain[crossed].sum() == 0
    assert set(np.abs(segments.gain)) <= {0, ONE + 1, ONE + 2}
