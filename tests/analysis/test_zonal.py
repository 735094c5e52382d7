"""Rasters summed by area: by hand, conserved, and as exactextract has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box

from safemap import area_rates, join_areas, raster_sum_by_area, read_incidents
from safemap.errors import CRSError, GeometryError, InputError


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Nine cells of 100 m over (0, 0) to (300, 300), 1 to 9 in reading order; the last has no data."""
    values = np.arange(1, 10, dtype="float32").reshape(3, 3)
    values[2, 2] = -99
    return save(tmp_path / "people.tif", values, nodata=-99)


def save(path: Path, values: np.ndarray, *, size: float = 100.0, crs: Any = 32614, **more: Any) -> Path:
    top = values.shape[0] * size
    profile = {
        "driver": "GTiff",
        "height": values.shape[0],
        "width": values.shape[1],
        "count": 1,
        "dtype": values.dtype.name,
        "crs": crs,
        "transform": rasterio.Affine(size, 0, 0, 0, -size, top),
        **more,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(values, 1)
    return path


def frame(*shapes: Any, crs: Any = 32614) -> gpd.GeoDataFrame:
    ids = pd.Index([f"a{i}" for i in range(len(shapes))], name="area_id", dtype=object)
    return gpd.GeoDataFrame({"name": list(ids)}, geometry=list(shapes), index=ids, crs=crs)


def test_sums_by_hand(people: Path) -> None:
    """One whole cell; the quarters of four; half of a cell by a diagonal; a cell with data, one without."""
    areas = frame(
        box(0, 200, 100, 300),
        box(50, 150, 150, 250),
        Polygon([(0, 0), (100, 0), (0, 100)]),
        box(100, 0, 300, 100),
    )
    result = raster_sum_by_area(people, areas)
    assert result.frame["population"].tolist() == pytest.approx([1, (1 + 2 + 4 + 5) / 4, 7 / 2, 8])
    assert result.frame["raster_share"].tolist() == pytest.approx([1, 1, 1, 0.5])
    assert result.settings["areas_partly_covered"] == 1
    assert result.settings["raster_total"] == 36


def test_outside_the_raster_there_is_no_sum_but_a_word(people: Path) -> None:
    result = raster_sum_by_area(
        people, frame(box(1000, 1000, 1100, 1100), box(200, 0, 300, 100), box(-50, 0, 50, 100))
    )
    assert result.frame["population"].isna().tolist() == [True, True, False]
    assert result.frame["population"].iloc[2] == pytest.approx(3.5)
    assert result.frame["raster_share"].tolist() == pytest.approx([0, 0, 0.5])
    assert "2 areas have no data at all" in result.summary()
    assert "1 areas reach beyond" in result.summary()


def test_islands_holes_and_slivers(people: Path) -> None:
    ring = box(0, 100, 300, 300).difference(box(110, 110, 190, 290))
    islands = MultiPolygon([box(0, 250, 10, 260), box(290, 290, 300, 300)])
    got = raster_sum_by_area(people, frame(ring, islands, box(0, 199.999, 300, 200.001))).frame["population"]
    hole = 0.8 * 0.9 * (2 + 5)
    assert got.tolist() == pytest.approx(
        [1 + 2 + 3 + 4 + 5 + 6 - hole, 0.01 * 1 + 0.01 * 3, 1e-5 * 21], rel=1e-6
    )


def test_areas_that_share_out_a_region_share_out_its_people(tmp_path: Path) -> None:
    """Mass is conserved, whatever the borders and however coarse the raster."""
    rng = np.random.default_rng(0)
    path = save(tmp_path / "a.tif", rng.poisson(30, (37, 41)).astype("float64"))
    region = box(0, 0, 4100, 3700)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(rng.uniform(200, 3500, (60, 2))), extend_to=region)
    )
    areas = frame(*shapely.intersection(cells, region))
    result = raster_sum_by_area(path, areas)
    with rasterio.open(path) as raster:
        total = raster.read(1).sum()
    assert result.frame["population"].sum() == pytest.approx(total, rel=1e-12)
    halves = raster_sum_by_area(path, frame(shapely.union_all(cells[:30]).intersection(region)))
    assert halves.frame["population"].iloc[0] == pytest.approx(
        result.frame["population"].iloc[:30].sum(), rel=1e-9
    )


def test_exactextract_gives_the_same_sums(tmp_path: Path) -> None:
    exactextract = pytest.importorskip("exactextract", reason="exactextract is the oracle here")
    rng = np.random.default_rng(1)
    values = rng.gamma(1, 100, (60, 80)).astype("float32")
    values[rng.random(values.shape) < 0.1] = -99
    path = save(tmp_path / "a.tif", values, size=37.0, nodata=-99)
    shapes = [
        Point(*rng.uniform(0, 2500, 2)).buffer(float(rng.uniform(5, 900)), quad_segs=int(rng.integers(1, 9)))
        for _ in range(120)
    ]
    areas = frame(*shapes)
    theirs = exactextract.exact_extract(path, areas.reset_index(), ["sum"], output="pandas")["sum"]
    ours = raster_sum_by_area(path, areas).frame["population"].fillna(0)
    # exactextract keeps the shares in single precision
    assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("crs", [4326, 3857, 32614])
def test_areas_may_come_in_any_system(tmp_path: Path, crs: int) -> None:
    values = np.ones((20, 20))
    path = save(tmp_path / "a.tif", values, transform=rasterio.Affine(100, 0, 480_000, 0, -100, 2_142_000))
    areas = frame(box(480_150, 2_140_150, 481_050, 2_141_050)).to_crs(crs)
    result = raster_sum_by_area(path, areas)
    assert result.frame["population"].iloc[0] == pytest.approx(81, rel=1e-5)
    assert result.frame.crs == areas.crs


def test_rows_keep_their_order_columns_and_input(people: Path) -> None:
    areas = frame(box(0, 0, 300, 100), box(0, 200, 300, 300)).iloc[::-1]
    before = areas.copy(deep=True)
    result = raster_sum_by_area(people, areas, into="residents")
    assert areas.equals(before)
    assert result.frame.index.tolist() == ["a1", "a0"]
    assert result.frame.columns.tolist() == ["name", "geometry", "residents", "raster_share"]
    assert result.frame["residents"].tolist() == pytest.approx([6, 15])


def test_a_large_window_is_read_in_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safemap.analysis import zonal

    path = save(tmp_path / "a.tif", np.random.default_rng(2).poisson(9, (50, 30)).astype("float64"))
    areas = frame(Point(1500, 2500).buffer(1400))
    whole = raster_sum_by_area(path, areas)
    monkeypatch.setattr(zonal, "_CELLS", 45)
    strips = raster_sum_by_area(path, areas)
    assert strips.frame["population"].iloc[0] == pytest.approx(whole.frame["population"].iloc[0], rel=1e-12)
    assert strips.settings["raster_total"] == whole.settings["raster_total"]


def test_the_sums_are_a_denominator(people: Path) -> None:
    areas = raster_sum_by_area(
        people, frame(box(0, 200, 300, 300), box(0, 100, 300, 200), box(900, 0, 950, 50))
    )
    rows = pd.DataFrame({"x": [10.0, 20.0, 120.0], "y": [250.0, 250.0, 150.0]})
    rates = area_rates(join_areas(read_incidents(rows, x="x", y="y", crs=32614), areas.frame), per=1000)
    assert rates.frame["estimate"].iloc[:2].tolist() == pytest.approx([2 / 6 * 1000, 1 / 15 * 1000])
    assert rates.frame["quality"].iloc[2] == "suppress"


def test_negative_counts_are_refused_unless_meant(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.array([[5.0, -9999.0]]))
    with pytest.raises(InputError, match=r"negative values \(lowest -9999\).*nodata"):
        raster_sum_by_area(path, frame(box(0, 0, 200, 100)))
    meant = raster_sum_by_area(path, frame(box(0, 0, 200, 100)), allow_negative=True)
    assert meant.frame["population"].iloc[0] == -9994


def test_what_cannot_be_summed_is_refused(people: Path, tmp_path: Path) -> None:
    with pytest.raises(CRSError, match="coordinate system"):
        raster_sum_by_area(people, frame(box(0, 0, 1, 1), crs=None))
    with pytest.raises(GeometryError, match="not polygons"):
        raster_sum_by_area(people, frame(Point(0, 0)))
    with pytest.raises(InputError, match="geometry column"):
        raster_sum_by_area(people, frame(box(0, 0, 1, 1)), into="geometry")
    with pytest.raises(InputError, match=r"absent\.tif"):
        raster_sum_by_area(tmp_path / "absent.tif", frame(box(0, 0, 1, 1)))


@pytest.mark.real
def test_the_people_of_nairobi_by_ward(real_data: Any) -> None:
    """The raster holds 4.71 million; it covers the wards, so they sum to what lies under them."""
    path = real_data("nairobi/nairobi_afripop_2010_1km.tif")
    wards = gpd.read_file(real_data("nairobi/nairobi_wards_dhis_pop2009.geojson"))
    wards.geometry = gpd.GeoSeries(
        shapely.make_valid(wards.geometry.to_numpy(), method="structure"), index=wards.index, crs=wards.crs
    )
    result = raster_sum_by_area(path, wards)
    assert result.settings["raster_total"] == pytest.approx(4.71e6, rel=1e-3)
    assert (result.frame["raster_share"] == 1).all()
    union = raster_sum_by_area(path, gpd.GeoDataFrame(geometry=[wards.union_all()], crs=wards.crs))
    overlaps = result.frame["population"].sum() - union.frame["population"].iloc[0]
    assert abs(overlaps) < 0.01 * result.frame["population"].sum()  # this layer's wards overlap a little
    assert result.frame["population"].sum() == pytest.approx(wards["pop2009"].sum(), rel=0.1)
    exactextract = pytest.importorskip("exactextract", reason="exactextract is the oracle here")
    theirs = exactextract.exact_extract(path, wards, ["sum"], output="pandas")["sum"]
    assert result.frame["population"].to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-5)
