"""Faults of boundaries: found, measured in metres, and named by id."""

from __future__ import annotations

import geopandas as gpd
import pytest
from shapely.geometry import LineString, MultiPolygon, Polygon, box

import safemap as sm
from safemap.errors import CRSError, InputError
from safemap.geo.boundaries import FAULTS, BoundaryReport


def _check(
    shapes: list, ids: list[str] | None = None, *, crs: object = 32614, tolerance: float = 1.0, **columns
) -> BoundaryReport:
    ids = ids or list("abcdefgh"[: len(shapes)])
    return sm.check_areas(gpd.GeoDataFrame(columns, geometry=shapes, index=ids, crs=crs), tolerance=tolerance)


def _rows(report: BoundaryReport) -> list[tuple]:
    return [(r.fault, r.area_id, r.other_id, round(r.m2, 3)) for r in report.frame.itertuples()]


def test_sound_areas_have_no_findings() -> None:
    report = _check([box(0, 0, 10, 10), box(10, 0, 20, 10)])
    assert report.frame.empty
    assert report.counts.sum() == 0
    assert "2 areas, 0 findings" in report.summary()


def test_overlaps_are_pairs_with_square_metres() -> None:
    report = _check([box(0, 0, 10, 10), box(8, 0, 20, 10), box(9, 0, 12, 5)])
    assert _rows(report) == [
        ("overlap", "a", "b", 20.0),
        ("overlap", "a", "c", 5.0),
        ("overlap", "b", "c", 15.0),
    ]
    assert report.frame.geometry.iloc[0].equals(box(8, 0, 10, 10))
    assert "40 m2 in all" in report.summary()


def test_gaps_are_holes_in_the_union() -> None:
    frame = box(0, 0, 30, 30).difference(box(10, 10, 14, 15))
    halves = [frame.intersection(box(0, 0, 12, 30)), frame.intersection(box(12, 0, 30, 30))]
    report = _check(halves)
    assert [(r[0], r[3]) for r in _rows(report)] == [("gap", 20.0)]


@pytest.mark.parametrize(("tolerance", "found"), [(0.5, 1), (1.0, 0), (1.5, 0)])
def test_tolerance_is_in_square_metres(tolerance: float, found: int) -> None:
    assert len(_check([box(0, 0, 10, 10), box(9.9, 0, 20, 10)], tolerance=tolerance).frame) == found


def test_degrees_are_measured_in_metres() -> None:
    metric = [box(485_000, 2_130_000, 485_100, 2_130_100), box(485_090, 2_130_000, 485_200, 2_130_100)]
    report = _check(list(gpd.GeoSeries(metric, crs=32614).to_crs(4326)), crs=4326)
    assert report.settings["epsg"] == 32614
    assert report.frame["fault"].tolist() == ["overlap"]
    assert report.frame["m2"].tolist() == [pytest.approx(1000, rel=1e-3)]
    assert report.frame.crs.to_epsg() == 4326


def test_everything_else_by_id() -> None:
    bow = Polygon([(0, 100), (2, 102), (2, 100), (0, 102)])
    twin, parts = box(0, 0, 5, 5), MultiPolygon([box(50, 0, 51, 1), box(60, 0, 61, 1)])
    shapes = [None, Polygon(), LineString([(0, 0), (1, 1)]), bow, twin, twin, parts]
    report = _check(shapes, ["a", "b", "c", "d", "e", "f", "f"], population=[1, 2, 3, 4, None, 6, 7])
    assert [(f, a, o) for f, a, o, _ in _rows(report)] == [
        ("missing geometry", "a", None),
        ("missing geometry", "b", None),
        ("not an area", "c", None),
        ("invalid", "d", None),
        ("duplicate id", "f", None),
        ("duplicate id", "f", None),
        ("duplicate geometry", "f", "e"),
        ("overlap", "e", "f"),
        ("multi-part", "f", None),
        ("no population", "e", None),
    ]
    assert report.counts.index.tolist() == list(FAULTS)
    assert report.counts["duplicate id"] == 2


def test_the_same_outline_drawn_from_another_corner_is_a_duplicate() -> None:
    turned = Polygon([(5, 5), (0, 5), (0, 0), (5, 0)])
    assert ("duplicate geometry", "b", "a", 25.0) in _rows(_check([box(0, 0, 5, 5), turned]))


def test_input_that_cannot_be_checked() -> None:
    with pytest.raises(CRSError, match="no coordinate system"):
        _check([box(0, 0, 1, 1)], crs=None)
    with pytest.raises(InputError, match="tolerance"):
        _check([box(0, 0, 1, 1)], tolerance=-1)
    with pytest.raises(InputError, match="needs a GeoDataFrame"):
        sm.check_areas([1, 2])


@pytest.mark.real
def test_colonias_of_mexico_city(real_data) -> None:
    """SOURCE.md: 5 invalid geometries and small overlaps."""
    frame = gpd.read_file(real_data("cdmx/colonias_iecm.gpkg")).set_index("CVEUT")
    report = sm.check_areas(frame)
    assert report.counts["invalid"] == 5
    assert report.counts["overlap"] > 100
    assert report.counts["duplicate id"] == 0
