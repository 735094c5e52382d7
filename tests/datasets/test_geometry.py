"""The drawn plan, checked with a geometry library that the generator does not use."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from safemap import datasets
from safemap.datasets._iztapalapa import draw_plan
from safemap.datasets._stream import Stream

SEEDS = (0, 17, datasets.SEED)


@pytest.fixture(scope="module", params=SEEDS)
def city(request):
    return datasets.generate("iztapalapa", seed=request.param)


@pytest.fixture(scope="module")
def metres(city):
    return city.areas.to_crs(32614)


def test_areas_are_valid_polygons_with_unique_text_ids(city):
    assert len(city.areas) == 290
    assert city.areas.index.is_unique
    assert city.areas.index[0] == "007-001"
    assert city.areas.geometry.is_valid.all()
    assert (city.areas.geom_type == "Polygon").all()
    assert city.areas["name"].is_unique


def test_the_mesh_has_neither_gap_nor_overlap():
    plan = draw_plan(Stream(3, 1))
    faces = [shapely.Polygon(plan.mesh.ring(f)) for f in plan.areas]
    whole = shapely.Polygon([plan.mesh.points[v] for v in plan.mesh.outline(plan.areas)])
    assert shapely.coverage_is_valid(faces)
    assert sum(f.area for f in faces) == pytest.approx(whole.area, rel=1e-12)
    assert shapely.union_all(faces).symmetric_difference(whole).area < 1e-3


def test_neighbours_of_the_mesh_share_an_edge():
    plan = draw_plan(Stream(3, 1))
    mesh = plan.mesh
    shapes = {f: shapely.Polygon(mesh.ring(f)) for f in plan.areas}
    for face in plan.areas[:60]:
        by_geometry = {
            f for f, s in shapes.items() if f != face and s.intersection(shapes[face]).length > 1e-6
        }
        assert set(mesh.neighbours(face)) & set(plan.areas) == by_geometry


def test_only_the_planted_pairs_overlap(city, metres):
    pairs = _overlapping(metres, more_than=1.0)
    assert pairs == {frozenset(pair) for pair in city.truth.overlaps}


def test_the_planted_gaps_are_gaps_inside_the_city(city, metres):
    gaps = metres.geometry.union_all().buffer(0.01)
    holes = [shapely.Polygon(ring) for part in getattr(gaps, "geoms", [gaps]) for ring in part.interiors]
    large = [h for h in holes if h.area > 500]
    assert len(large) == len(city.truth.gaps)
    for a, b in city.truth.gaps:
        assert any(
            h.distance(metres.geometry[a]) < 0.02 and h.distance(metres.geometry[b]) < 0.02 for h in large
        )


def test_slivers_are_narrower_than_the_tolerance_and_wider_than_nothing(city, metres):
    for a, b in city.truth.slivers:
        assert 0.05 < metres.geometry[a].distance(metres.geometry[b]) < 1.0


def test_the_island_is_far_from_everything_but_inside_the_borough(city, metres):
    island = city.truth.area_without_neighbours
    others = metres.drop(index=island).geometry
    assert others.distance(metres.geometry[island]).min() > 100
    assert city.districts.geometry["007"].contains(city.areas.geometry[island])


def test_boroughs_do_not_overlap_and_hold_every_neighbourhood(city):
    districts = city.districts.to_crs(32614)
    assert districts.geometry.is_valid.all()
    assert _overlapping(districts, more_than=1.0) == set()
    borough = districts.geometry["007"].buffer(0.5)
    assert city.areas.to_crs(32614).within(borough).all()


def test_hot_spots_are_connected_compact_and_do_not_touch(city, metres):
    spots = [set(g) for groups in city.truth.hotspots.values() for g in groups]
    assert [len(s) for s in spots] == [24] * 3
    for spot in spots:
        shape = metres.geometry[list(spot)].buffer(1.5).union_all()
        assert shape.geom_type == "Polygon"
        assert 4 * np.pi * shape.area / shape.length**2 > 0.2
    shapes = [metres.geometry[list(s)].union_all() for s in spots]
    assert min(a.distance(b) for i, a in enumerate(shapes) for b in shapes[:i]) > 20


def test_context_lies_in_the_city_and_has_names(city):
    assert set(city.context["kind"]) == {"road", "metro", "station"}
    assert city.context["name"].str.len().min() > 3
    frame = shapely.box(*city.districts.total_bounds)
    assert city.context.within(frame).all()


def _overlapping(areas, *, more_than):
    left, right = areas.sindex.query(areas.geometry, predicate="intersects")
    shapes, ids = areas.geometry.to_numpy(), areas.index
    area = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    return {
        frozenset((ids[i], ids[j]))
        for i, j, a in zip(left, right, area, strict=True)
        if i < j and a > more_than
    }
