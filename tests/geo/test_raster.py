"""The door to rasterio: what is read is what is there, what is written is what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from safemap.errors import CRSError, InputError
from safemap.geo.raster import Surface, gdal_version, geotiff_bytes, open_raster
from safemap.geo.tiling import Window


def write(path: Path, values: np.ndarray, **profile: Any) -> Path:
    """A small GeoTIFF of 100 m cells whose north-west corner is (1000, 5000)."""
    profile = {
        "driver": "GTiff",
        "height": values.shape[-2],
        "width": values.shape[-1],
        "count": 1 if values.ndim == 2 else values.shape[0],
        "dtype": values.dtype.name,
        "crs": 32614,
        "transform": rasterio.Affine(100, 0, 1000, 0, -100, 5000),
        **profile,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(values if values.ndim == 3 else values[None])
    return path


def test_windows_hold_the_cells_they_name(tmp_path: Path) -> None:
    values = np.arange(12, dtype="float32").reshape(3, 4)
    with open_raster(write(tmp_path / "a.tif", values)) as raster:
        assert raster.extent == Window(0, 3, 0, 4)
        assert raster.read(Window(1, 3, 2, 4)).tolist() == [[6, 7], [10, 11]]
        assert raster.tiling.box(Window(0, 1, 0, 1)) == (1000, 4900, 1100, 5000)
        assert raster.crs.to_epsg() == 32614


def test_nodata_nan_and_infinity_are_missing(tmp_path: Path) -> None:
    values = np.array([[1, -9999, np.nan, np.inf]], dtype="float32")
    with open_raster(write(tmp_path / "a.tif", values, nodata=-9999)) as raster:
        found = raster.read(raster.extent)
    assert found[0, 0] == 1
    assert np.isnan(found[0, 1:]).all()


def test_scale_and_offset_are_applied(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.array([[3, 7]], dtype="int16"))
    with rasterio.open(path, "r+") as out:
        out.scales, out.offsets = (0.5,), (10.0,)
    with open_raster(path) as raster:
        assert raster.read(raster.extent).tolist() == [[11.5, 13.5]]


def test_the_band_that_was_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.array([[[1, 2]], [[3, 4]]], dtype="uint8"))
    with open_raster(path, band=2) as raster:
        assert raster.read(raster.extent).tolist() == [[3, 4]]
    with pytest.raises(InputError, match=r"2 band\(s\).*band 3"), open_raster(path, band=3):
        pass


def test_what_cannot_be_used_is_refused_with_the_reason(tmp_path: Path) -> None:
    values = np.ones((2, 2), dtype="float32")
    with (
        pytest.raises(CRSError, match="no coordinate reference system"),
        open_raster(write(tmp_path / "nocrs.tif", values, crs=None)),
    ):
        pass
    turned = rasterio.Affine(70, 70, 0, 70, -70, 0)
    with (
        pytest.raises(InputError, match="rotated"),
        open_raster(write(tmp_path / "turned.tif", values, transform=turned)),
    ):
        pass
    (tmp_path / "text.tif").write_text("no raster at all")
    for name in ("text.tif", "absent.tif"):
        with pytest.raises(InputError, match=name) as error, open_raster(tmp_path / name):
            pass
        assert str(tmp_path) not in str(error.value)


def test_a_surface_comes_back_as_it_was_written(tmp_path: Path) -> None:
    values = np.array([[0.5, np.nan, 3.25]])
    surface = Surface(values, (250.0, 0.0, 478_000.0, 0.0, -250.0, 2_140_000.0), "EPSG:32614")
    assert surface.cell_area == 62_500
    path = tmp_path / "a.tif"
    path.write_bytes(
        geotiff_bytes(
            values.astype("float32"),
            surface,
            nodata=float("nan"),
            tags={"UNIT": "events per km²"},
            band_tags={"CLASS_1": "none"},
            description="density",
        )
    )
    with rasterio.open(path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.transform == rasterio.Affine(*surface.transform)
        assert (raster.crs.to_epsg(), raster.descriptions) == (32614, ("density",))
        assert raster.tags()["UNIT"] == "events per km²"
        assert raster.tags(1)["CLASS_1"] == "none"
        assert np.isnan(raster.nodata)
    with open_raster(path) as raster:
        assert np.array_equal(raster.read(raster.extent), values, equal_nan=True)


def test_large_class_rasters_have_overviews_of_the_commonest_class(tmp_path: Path) -> None:
    values = np.full((1200, 1200), 2, dtype="uint8")
    values[::3, ::3] = 6
    surface = Surface(values.astype(float), (100.0, 0.0, 0.0, 0.0, -100.0, 0.0), "EPSG:32614")
    path = tmp_path / "a.tif"
    colours = {0: (0, 0, 0, 0), 2: (10, 20, 30, 255), 6: (200, 100, 0, 255)}
    path.write_bytes(
        geotiff_bytes(
            values, surface, nodata=0, tags={}, band_tags={}, description="classes", colours=colours
        )
    )
    with rasterio.open(path) as raster:
        assert raster.colormap(1)[6] == (200, 100, 0, 255)
        small = raster.read(1, out_shape=(300, 300))
        assert raster.overviews(1)
    assert np.unique(small).tolist() == [2]  # neither 6, which is rarer, nor a mean that is no class at all


def test_gdal_says_its_version() -> None:
    assert gdal_version() == rasterio.__gdal_version__
