"""Borders in common: against buffers, by hand, and by law."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from safemap.geo.borders import border_within
from safemap.geo.contiguity import _pairs_by_cell, near_boxes, touching_pairs
from safemap.geo.shared import numbered, read_edges, read_vertices


def border(a, b, tolerance):
    geometry = np.array([a, b])
    vertices = read_vertices(geometry)
    pair = np.array([0]), np.array([1])
    return border_within(geometry, vertices, read_edges(geometry, vertices), pair, tolerance)[0]


def by_buffer(a, b, tolerance):
    one = shapely.intersection(a.boundary, shapely.buffer(b, tolerance, quad_segs=64)).length
    return max(one, shapely.intersection(b.boundary, shapely.buffer(a, tolerance, quad_segs=64)).length)


def blob(rng, middle, size):
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 14)))
    reach = size * rng.uniform(0.3, 1, len(angles))
    return Polygon(middle + reach[:, None] * np.column_stack([np.cos(angles), np.sin(angles)]))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (box(10, 0, 20, 10), 10 + 2 * 1),  # the side, and as much of the two beside it as the tolerance
        (box(10.5, 0, 20, 10), 10 + 2 * 0.5),
        (box(10, 2, 20, 5), 3 + 2 * 1),
        (box(12, 0, 20, 10), 0),
        (box(5, 2, 20, 8), 2 * 5 + 6 + 2 * 1),  # what runs inside counts: 5 + 6 + 5 of the second
        (box(2, 2, 4, 4), 8),
        (box(10, 10, 20, 20), 0),  # a corner cannot be a border, so nothing is measured
    ],
)
def test_squares_by_hand(other, expected):
    assert border(box(0, 0, 10, 10), other, 1.0) == pytest.approx(expected, abs=0.3)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.2, 1.0, 5.0]))
def test_any_two_areas_agree_with_buffers(seed, tolerance):
    rng = np.random.default_rng(seed)
    a, b = blob(rng, rng.uniform(-5, 5, 2), 20), blob(rng, rng.uniform(-15, 15, 2), 15)
    if not (a.is_valid and b.is_valid):
        return
    expected, found = by_buffer(a, b, tolerance), border(a, b, tolerance)
    assert found == pytest.approx(expected, rel=2e-3, abs=0.02 * tolerance) or (
        found == 0 and expected <= 3 * tolerance
    )


def test_holes_and_parts_have_edges_of_their_own():
    ring = box(0, 0, 30, 30).difference(box(10, 10, 20, 20))
    two = shapely.union(box(10, 10, 20, 20), box(40, 0, 50, 10))
    assert border(ring, two, 0.5) == pytest.approx(40, abs=0.1)
    geometry = np.array([ring, None, two, Polygon()])
    vertices = read_vertices(geometry)
    edges = read_edges(geometry, vertices)
    length = np.hypot(*(vertices.xy[edges.end] - vertices.xy[edges.start]).T)
    assert np.bincount(edges.area, weights=length).tolist() == [160.0, 0.0, 80.0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_equal_rows_have_equal_numbers(rows):
    keys = np.array(rows, dtype=np.uint64).reshape(-1, 2)
    number = numbered(keys)
    assert len(set(number.tolist())) == len(set(rows))
    assert len({(*row, n) for row, n in zip(rows, number.tolist(), strict=True)}) == len(set(rows))
    assert number.max(initial=-1) + 1 == len(set(rows))


def test_many_rows_that_differ_keep_apart():
    keys = np.arange(200_000, dtype=np.uint64).reshape(-1, 2) // np.uint64(4)
    assert np.array_equal(np.unique(keys, axis=0), keys[::2])
    number = numbered(keys)
    assert len(np.unique(number)) == 50_000
    assert (number[::2] == number[1::2]).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1.0, 3.0]), st.sampled_from([1.0, 40.0]))
def test_boxes_that_meet_are_found_whatever_their_size(seed, tolerance, spread):
    rng = np.random.default_rng(seed)
    low = np.round(rng.uniform(0, 60, (50, 2)))
    bounds = np.hstack([low, low + np.round(rng.uniform(1, 4, (50, 2)) ** np.log(spread + 1.8))])
    apart = np.maximum(bounds[:, None, :2] - bounds[None, :, 2:], bounds[None, :, :2] - bounds[:, None, 2:])
    expected = set(zip(*np.nonzero(np.triu(apart.max(axis=2) <= tolerance, 1)), strict=True))
    assert set(zip(*near_boxes(bounds, tolerance), strict=True)) == expected
    by_cell = _pairs_by_cell(bounds, tolerance)
    assert by_cell is None or set(zip(*by_cell, strict=True)) == expected


def test_one_large_area_among_many_small_ones():
    small = [box(x, y, x + 1, y + 1) for x in range(0, 60, 2) for y in range(0, 60, 2)]
    geometry = np.array([*small, box(-1000, -1000, 3000, 3.5)])
    pairs, near = touching_pairs(geometry, "queen", 0.0)
    assert set(pairs[1].tolist()) == {900}
    assert len(near[0]) == len(pairs[0]) == 60


@pytest.mark.parametrize(
    ("angle", "rook"), [(5, True), (10, True), (17, True), (24, True), (43, False), (80, False)]
)
def test_corners_that_part_slowly_are_borders(angle, rook):
    # 1 / sin(angle) metres of an edge lie within a metre of the other
    turn = np.radians(angle)
    one = Polygon([(0, 0), (200, 0), (150, -80)])
    other = Polygon([(0, 0), (98 * np.cos(turn), 98 * np.sin(turn)), (-30, 60)])
    pairs, _ = touching_pairs(np.array([one, other]), "rook", 1.0)
    assert (by_buffer(one, other, 1.0) > 3) == (len(pairs[0]) == 1) == rook
