"""Surfaces on disk: whole, the same bytes each time, and they say what they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import Point, box

from safemap import kernel_density, make_grid, read_incidents, write_surface
from safemap.errors import ConfigError, InputError, OutputError

STUDY = box(0, 0, 9000, 8000).difference(Point(2000, 2000).buffer(1100))


def density(shape: Any = "square", *, seed: int = 0, n: int = 3000, dates: bool = False) -> Any:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"x": rng.normal(6000, 700, n), "y": rng.normal(5000, 700, n)})
    options = {}
    if dates:
        rows["day"], options = "2023-05-17", {"time": "day"}
    areas = gpd.GeoDataFrame(geometry=[STUDY], index=["city"], crs=32614)
    incidents = read_incidents(rows, x="x", y="y", crs=32614, **options)
    return kernel_density(incidents, make_grid(areas, cell_size=100, shape=shape))


def test_values_are_those_of_the_surface(tmp_path: Path) -> None:
    made = density()
    path = write_surface(made, tmp_path / "density.tif")
    with rasterio.open(path) as raster:
        values = raster.read(1)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.crs.to_epsg() == 32614
        assert raster.bounds == (0, 0, 9000, 8000)
        assert np.array_equal(values, made.surface.values.astype("float32"), equal_nan=True)
        assert np.isnan(next(raster.sample([(2000, 2000)]))[0])  # the hole
        cell = made.frame.loc["N00050E00060", "estimate"]
        assert next(raster.sample([(6050, 5050)]))[0] == pytest.approx(cell, rel=1e-6)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["density.qml", "density.tif"]


def test_classes_have_colours_and_names(tmp_path: Path) -> None:
    made = density()
    path = write_surface(made, tmp_path / "classes.tif", content="classes", breaks=(10, 50, 100, 300))
    with rasterio.open(path) as raster:
        codes, table, tags = raster.read(1), raster.colormap(1), raster.tags(1)
        assert raster.nodata == 0
    values = made.surface.values
    assert (codes[np.isnan(values)] == 0).all()
    assert (codes[values == 0] == 1).all()
    for code, (low, high) in enumerate([(0, 10), (10, 50), (50, 100), (100, 300), (300, np.inf)], start=2):
        inside = (values >= low) & (values < high) & (values > 0)
        assert inside.any()
        assert (codes[inside] == code).all()
    assert table[0][3] == 0  # transparent outside the study area
    assert [table[k] for k in (1, 2, 6)] == [
        (0xF5, 0xF2, 0xEA, 255),
        (0xD6, 0xBD, 0x9B, 255),
        (0x6B, 0x1C, 0x27, 255),
    ]
    assert (tags["CLASS_1"], tags["CLASS_2"], tags["CLASS_6"]) == ("0", "above 0, under 10", "300 or more")
    assert json.loads(tags["CLASS_LIMITS"]) == [10, 50, 100, 300]


def test_the_file_says_how_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    made = density(dates=True)
    with rasterio.open(write_surface(made, tmp_path / "a.tif")) as raster:
        tags = raster.tags()
    facts = json.loads(tags["SAFEMAP_PROVENANCE"])
    assert facts["settings"]["bandwidth_m"] == 500
    assert facts["settings"]["edge"] == "uniform"
    assert facts["audit"]["rows_in"] == 3000
    assert facts["audit"]["rows_in"] == facts["audit"]["placed"] + sum(facts["audit"]["set_aside"].values())
    assert {"safemap", "gdal", "numpy"} <= facts["versions"].keys()
    assert tags["UNIT"] == "events per km²"
    assert tags["TIFFTAG_DATETIME"] == "2023:05:17 00:00:00"
    assert str(tmp_path) not in json.dumps(tags)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with rasterio.open(write_surface(made, tmp_path / "a.tif")) as raster:
        assert raster.tags()["TIFFTAG_DATETIME"] == "2023:11:14 00:00:00"


@pytest.mark.parametrize("content", ["values", "classes"])
def test_two_processes_write_the_same_bytes(tmp_path: Path, content: Any, root: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_surface as t; "
        "t.write_surface(t.density(), sys.argv[2], content=sys.argv[3])"
    )
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for seed, file in zip(("1", "77"), files, strict=True):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root / "src")}
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent), str(file), content],
            check=True,
            env=environment,
        )
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_earlier_file_survives_a_full_disk(tmp_path: Path) -> None:
    """A process that may not write more than 2 kB: our error, the old file, nothing left over."""
    target = tmp_path / "density.tif"
    target.write_bytes(b"the earlier file")
    code = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[1]); import test_surface as t\n"
        "from safemap.errors import OutputError\n"
        "made = t.density()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))\n"
        "try:\n    t.write_surface(made, sys.argv[2])\n"
        "except OutputError as error:\n    print(error)\n    sys.exit(7)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 7, run.stderr
    assert "density.tif" in run.stdout
    assert target.read_bytes() == b"the earlier file"
    assert [p.name for p in tmp_path.iterdir()] == ["density.tif"]


def test_a_later_surface_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    made = density(seed=1)
    write_surface(density(), tmp_path / "a.tif")
    write_surface(made, tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as raster:
        assert np.array_equal(raster.read(1), made.surface.values.astype("float32"), equal_nan=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.qml", "a.tif"]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    made = density()
    with pytest.raises(InputError, match="hexagons"):
        write_surface(density("hex"), tmp_path / "a.tif")
    with pytest.raises(ConfigError, match="content"):
        write_surface(made, tmp_path / "a.tif", content="both")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"\.tif"):
        write_surface(made, tmp_path / "a.png")
    with pytest.raises(ConfigError, match="breaks"):
        write_surface(made, tmp_path / "a.tif", breaks=(1, 1, 2, 3))
    with pytest.raises(OutputError, match="folder"):
        write_surface(made, tmp_path / "absent" / "a.tif")
    assert list(tmp_path.iterdir()) == []
