"""Grids: cells that tile, clip exactly, and keep their ids."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from safemap import build_graph, join_areas, make_grid, read_incidents
from safemap.errors import ConfigError, CRSError, GeometryError, InputError
from safemap.geo.grid import cell_ids, is_grid, parse_ids, read_grid
from safemap.geo.tiling import Hexagons, Rectangles, Window, cover

HOLED = box(0, 0, 5130, 4270).difference(Point(2500, 2000).buffer(700)).union(box(6000, 100, 6400, 900))


def city(shape: Any = HOLED, crs: Any = 32614) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"name": ["all"]}, geometry=[shape], index=["a"], crs=crs)


# --- covering -----------------------------------------------------------------------------------------------


def test_a_triangle_by_hand() -> None:
    """The triangle (0,0) (2,0) (0,2) covers the cell at the origin, and half of the two beside it."""
    found = cover(Polygon([(0, 0), (2, 0), (0, 2)]), Rectangles(1.0, 1.0), Window(0, 3, 0, 3))
    assert np.stack(found[:3], axis=1).tolist() == [[0, 0, 1.0], [0, 1, 0.5], [1, 0, 0.5]]


def test_rows_may_count_southwards() -> None:
    found = cover(box(0.5, -1, 2, 0), Rectangles(1.0, -1.0), Window(0, 2, 0, 3))
    assert (found.rows.tolist(), found.cols.tolist(), found.shares.tolist()) == ([0, 0], [0, 1], [0.5, 1.0])


@pytest.mark.parametrize("tiling", [Rectangles(130.0, 90.0, 17.0, -3.0), Hexagons(140.0)])
def test_the_shares_are_those_of_cutting_every_cell(tiling: Any) -> None:
    window = tiling.window(HOLED.bounds)
    found = cover(HOLED, tiling, window, parts=True)
    rows, cols = (a.ravel() for a in np.mgrid[window.row0 : window.row1, window.col0 : window.col1])
    areas = shapely.area(shapely.intersection(tiling.polygons(rows, cols), HOLED)) / tiling.cell_area
    every = zip(rows.tolist(), cols.tolist(), areas, strict=True)
    expected = {(row, col): share for row, col, share in every if share > 1e-9}
    cells = zip(found.rows.tolist(), found.cols.tolist(), strict=True)
    got = dict(zip(cells, found.shares, strict=True))
    assert got.keys() == expected.keys()
    assert list(got.values()) == pytest.approx([expected[key] for key in got], abs=1e-12)
    assert shapely.area(found.parts) == pytest.approx(found.shares * tiling.cell_area, rel=1e-9)
    assert found.shares.sum() * tiling.cell_area == pytest.approx(HOLED.area, rel=1e-12)


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_parts_of_a_shape_share_its_cells_without_loss(seed: int) -> None:
    """Whatever the shape and the cut, the shares of the halves add up to those of the whole."""
    rng = np.random.default_rng(seed)
    dots = shapely.points(rng.uniform(0, 100, (6, 2)))
    blob = shapely.union_all(shapely.buffer(dots, rng.uniform(2, 30)))
    knife = box(-200, -200, *rng.uniform(0, 100, 2))
    tiling = Rectangles(*rng.uniform(1, 9, 2), *rng.uniform(-5, 5, 2))

    def total(shape: Any) -> float:
        return float(cover(shape, tiling, tiling.window(shape.bounds)).shares.sum()) if shape.area else 0.0

    assert total(blob.intersection(knife)) + total(blob.difference(knife)) == pytest.approx(
        total(blob), abs=1e-7
    )
    assert total(blob) * tiling.cell_area == pytest.approx(blob.area, rel=1e-7)


@pytest.mark.parametrize("tiling", [Rectangles(30.0, 20.0, 7.0, 3.0), Hexagons(25.0)])
def test_a_point_is_found_in_the_cell_that_holds_it(tiling: Any) -> None:
    x, y = np.random.default_rng(0).uniform(-500, 500, (2, 2000))
    rows, cols = tiling.locate(x, y)
    assert shapely.intersects_xy(tiling.polygons(rows, cols), x, y).all()


def test_hexagons_tile_the_plane() -> None:
    cells = Hexagons(10.0).polygons(*(a.ravel() for a in np.mgrid[-4:5, -4:5]))
    assert shapely.area(cells) == pytest.approx(10.0**2 * np.sqrt(3) / 2)
    assert shapely.coverage_is_valid(cells)
    assert shapely.union_all(cells).area == pytest.approx(81 * 10.0**2 * np.sqrt(3) / 2)


# --- grids --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["square", "hex"])
@pytest.mark.parametrize("crs", [32614, 4326])
def test_cells_make_up_the_study_area(shape: Any, crs: int) -> None:
    here = shapely.transform(HOLED, lambda xy: xy + np.array([480_000.0, 2_140_000.0]))
    areas = city(here).to_crs(crs)
    grid = make_grid(areas, cell_size=170, shape=shape)
    assert grid.crs == areas.crs
    assert grid.index.name == "area_id"
    assert grid.index.is_unique
    assert list(grid.columns) == ["name", "area_share", "geometry"]
    assert grid["area_share"].between(0, 1, inclusive="right").all()
    assert grid.is_valid.all()
    metric = grid.to_crs(32614).geometry
    assert metric.area.sum() == pytest.approx(HOLED.area, rel=1e-9)
    whole = 170**2 * (1 if shape == "square" else np.sqrt(3) / 2)
    assert metric.area.to_numpy() == pytest.approx(grid["area_share"].to_numpy() * whole, rel=1e-5, abs=1e-3)
    assert read_grid(grid).areas.sum() == pytest.approx(HOLED.area, rel=1e-9)


@pytest.mark.parametrize("shape", ["square", "hex"])
def test_the_same_place_has_the_same_id_in_every_run(shape: Any) -> None:
    first = make_grid(city(), cell_size=200, shape=shape)
    shifted = make_grid(city(box(1234, 777, 9000, 4000)), cell_size=200, shape=shape)
    common = first.index.intersection(shifted.index)
    assert len(common) > 100
    both = common[(first.loc[common, "area_share"] == 1) & (shifted.loc[common, "area_share"] == 1)]
    assert len(both) > 100
    assert first.geometry[both].geom_equals(shifted.geometry[both]).all()


def test_ids_go_there_and_back() -> None:
    rows, cols = np.array([0, -1, 21403, 123456]), np.array([-99, 7, 0, -123456])
    back = parse_ids(gpd.GeoSeries(index=cell_ids(rows, cols), dtype="geometry").index)
    assert back[0].tolist() == rows.tolist()
    assert back[1].tolist() == cols.tolist()
    with pytest.raises(InputError, match="not the id of a cell"):
        parse_ids(gpd.GeoSeries(index=["colonia 7"], dtype="geometry").index)


def test_the_cell_size_rule_is_told() -> None:
    small, large = city(box(0, 0, 9000, 6000)), city(box(0, 0, 45_000, 30_000))
    wide = city(box(0, 0, 200_000, 120_000))
    assert make_grid(small).attrs["safemap"]["cell_size_m"] == 100  # 6000 / 150 = 40, raised to the floor
    assert "raised to 100 m, the floor" in make_grid(small).attrs["safemap"]["cell_size_rule"]
    assert make_grid(large).attrs["safemap"]["cell_size_m"] == pytest.approx(200)
    assert make_grid(wide).attrs["safemap"]["cell_size_m"] == 500  # 120,000 / 150 = 800, cut to 500
    coarse = make_grid(large, positional_uncertainty=300).attrs["safemap"]
    assert coarse["cell_size_m"] == 600
    assert "positional uncertainty" in coarse["cell_size_rule"]
    counted = make_grid(large, events=150).attrs["safemap"]
    assert counted["cell_size_m"] == pytest.approx(np.sqrt(2 * 45_000 * 30_000 / 150))
    assert counted["automatic"] == ["cell_size_m"]
    assert make_grid(large, cell_size=900).attrs["safemap"]["automatic"] == []


def test_gaps_of_centimetres_are_closed_and_real_gaps_stay() -> None:
    frame = gpd.GeoDataFrame(
        geometry=[box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000).difference(box(1000, 200, 1000.05, 800))],
        crs=32614,
    )
    grid = make_grid(frame, cell_size=130)
    assert grid.attrs["safemap"]["gaps_closed"] == 1
    assert grid.to_crs(32614).area.sum() == pytest.approx(2_000_000, rel=1e-9)
    pond = gpd.GeoDataFrame(geometry=[box(0, 0, 1000, 1000).difference(box(400, 400, 403, 600))], crs=32614)
    assert make_grid(pond, cell_size=130).area.sum() == pytest.approx(1_000_000 - 600, rel=1e-9)


def test_a_stray_polygon_is_named_instead_of_millions_of_cells() -> None:
    frame = gpd.GeoDataFrame(
        geometry=[box(0, 0, 5000, 5000), box(5000, 0, 9000, 5000), box(900_000, 900_000, 900_010, 900_010)],
        index=["centro", "norte", "isla"],
        crs=32614,
    )
    with pytest.raises(InputError, match=r"'isla'.*4,\d{3}") as error:
        make_grid(frame, cell_size=100)
    assert error.value.details["area_id"] == "isla"
    with pytest.raises(InputError, match=r"cells of 500 m or more"):
        make_grid(city(box(0, 0, 50_000, 50_000)), cell_size=100, max_cells=10_000)


def test_what_cannot_be_gridded_is_refused() -> None:
    with pytest.raises(ConfigError, match="square"):
        make_grid(city(), shape="triangle")  # type: ignore[arg-type]
    for size in (0, -5, np.nan):
        with pytest.raises(ConfigError, match="cell_size"):
            make_grid(city(), cell_size=size)
    with pytest.raises(ConfigError, match="not both"):
        make_grid(city(), cell_size=5, events=10)
    with pytest.raises(ConfigError, match="uncertainty"):
        make_grid(city(), positional_uncertainty=-1)
    with pytest.raises(CRSError, match="coordinate system"):
        make_grid(city(crs=None))
    with pytest.raises(GeometryError, match="not polygons"):
        make_grid(city(Point(0, 0)))
    with pytest.raises(InputError, match="GeoDataFrame"):
        make_grid("areas.gpkg")  # type: ignore[arg-type]


def test_the_input_is_not_changed_and_order_does_not_matter() -> None:
    frame = gpd.GeoDataFrame(
        geometry=[box(i * 900, j * 700, (i + 1) * 900, (j + 1) * 700) for i in range(3) for j in range(3)],
        crs=32614,
    )
    before = frame.copy(deep=True)
    grid = make_grid(frame, cell_size=210)
    assert frame.equals(before)
    assert frame.attrs == {}
    shuffled = make_grid(frame.sample(frac=1, random_state=1), cell_size=210)
    assert shuffled.index.equals(grid.index)
    assert shuffled["area_share"].to_numpy() == pytest.approx(grid["area_share"].to_numpy(), abs=1e-12)


def test_web_mercator_is_not_taken_for_metres() -> None:
    """At 41 degrees north a Web Mercator metre is 75 cm, so the lattice must lie in UTM."""
    tashkent = gpd.GeoDataFrame(geometry=[box(69.2, 41.2, 69.3, 41.3)], crs=4326)
    grid = make_grid(tashkent.to_crs(3857), cell_size=500)
    assert grid.attrs["safemap"]["crs"] == "EPSG:32642"
    assert grid.crs.to_epsg() == 3857
    whole = grid[grid["area_share"] == 1].to_crs(32642).area
    assert whole.to_numpy() == pytest.approx(250_000, rel=1e-6)


@pytest.mark.parametrize("shape", ["square", "hex"])
def test_a_grid_serves_as_areas(shape: Any) -> None:
    import pandas as pd

    rng = np.random.default_rng(1)
    grid = make_grid(city(), cell_size=300, shape=shape)
    rows = pd.DataFrame({"x": rng.uniform(-200, 6500, 3000), "y": rng.uniform(-200, 4500, 3000)})
    joined = join_areas(read_incidents(rows, x="x", y="y", crs=32614), grid)
    inside = shapely.intersects_xy(HOLED, rows["x"], rows["y"])
    assert joined.audit is not None
    assert joined.audit.n_placed == int(inside.sum())
    graph = build_graph(grid, "rook")
    whole = graph.cardinalities[(grid["area_share"] == 1).to_numpy()]
    assert whole.max() == (4 if shape == "square" else 6)
    assert whole.mode()[0] == (4 if shape == "square" else 6)


def test_a_frame_that_is_no_grid_says_so() -> None:
    assert not is_grid(city())
    assert is_grid(make_grid(city(), cell_size=500))
    assert isinstance(
        make_grid(city(MultiPolygon([box(0, 0, 1, 1), box(700, 0, 701, 1)])), cell_size=500), gpd.GeoDataFrame
    )


@pytest.mark.real
def test_a_real_city_is_covered_to_the_square_metre(real_data: Any) -> None:
    areas = gpd.read_file(real_data("cdmx/alcaldias.gpkg"))
    areas.geometry = gpd.GeoSeries(
        shapely.make_valid(areas.geometry.to_numpy(), method="structure"), index=areas.index, crs=areas.crs
    )
    grid = make_grid(areas)
    union = areas.to_crs(grid.attrs["safemap"]["crs"]).union_all().area
    assert read_grid(grid).areas.sum() == pytest.approx(union, rel=1e-6)
    assert grid.is_valid.all()
