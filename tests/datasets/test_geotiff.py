"""The raster written by hand is what others read, and the areas behind its known sums are right."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st

from safemap.datasets._geotiff import Grid, clipped_area, geotiff

GRID = Grid(36.85, -1.25, 0.0005, 3, 4)
VALUES = [[1.0, 2.5, -99999.0, 0.0], [7.25, 300.0, 12.0, 1e6], [-99999.0, 0.125, 3.0, 4.0]]


def test_gdal_reads_what_was_written(tmp_path):
    file = tmp_path / "people.tif"
    file.write_bytes(geotiff(VALUES, GRID, nodata=-99999.0, description="people per cell"))
    with rasterio.open(file) as raster:
        assert (raster.count, raster.height, raster.width, raster.dtypes) == (1, 3, 4, ("float32",))
        assert raster.crs.to_epsg() == 4326
        assert raster.nodata == -99999.0
        assert raster.tags()["TIFFTAG_IMAGEDESCRIPTION"] == "people per cell"
        assert raster.tags()["AREA_OR_POINT"] == "Area"
        t = raster.transform
        assert (t.a, t.b, t.c, t.d, t.e, t.f) == pytest.approx((0.0005, 0, 36.85, 0, -0.0005, -1.25))
        np.testing.assert_array_equal(raster.read(1), np.array(VALUES, dtype="float32"))
        assert raster.read(1, masked=True).mask.sum() == 2


def test_the_same_values_are_the_same_bytes():
    first = geotiff(VALUES, GRID, nodata=-99999.0, description="people")
    assert first == geotiff(VALUES, GRID, nodata=-99999.0, description="people")
    assert first.startswith(b"II*\x00")


@given(
    st.lists(st.tuples(st.floats(0.2, 2.0), st.floats(-0.3, 0.3)), min_size=5, max_size=12),
    st.integers(-1_500, 1_000),
    st.integers(-1_500, 1_000),
    st.integers(100, 2_000),
)
def test_clipping_agrees_with_geos(spokes, west, south, size):
    """Star-shaped polygons, mostly not convex, against the intersection of another library."""
    # thousandths, because GEOS errs where an edge lies at a subnormal number (2e-311) from a crossing
    west, south, size = west / 1000, south / 1000, size / 1000
    n = len(spokes)
    angles = [2 * np.pi * (i + 0.5 + shift) / n for i, (_, shift) in enumerate(spokes)]
    ring = [(float(r * np.cos(a)), float(r * np.sin(a))) for (r, _), a in zip(spokes, angles, strict=True)]
    polygon = shapely.Polygon(ring)
    expected = polygon.intersection(shapely.box(west, south, west + size, south + size)).area
    got = clipped_area(ring, west, south, west + size, south + size)
    assert got == pytest.approx(expected, abs=1e-12)
