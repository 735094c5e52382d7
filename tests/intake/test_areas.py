"""Boundaries: ids, population, coordinate systems, geometries that need repair, archives."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

import safemap as sm
from safemap.errors import CRSError, GeometryError, InputError

BOW = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def _frame(**columns: list) -> gpd.GeoDataFrame:
    shapes = columns.pop("geometry", [box(-99.1, 19.3, -99.0, 19.4), box(-99.0, 19.3, -98.9, 19.4)])
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=columns.pop("crs", 4326))


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp", "zip", "parquet", "frame"])
def test_formats_give_the_same_areas(tmp_path: Path, ending: str) -> None:
    frame = _frame(cve=["007", "010"], nombre=["Ñ", "B"], pop=["1 200", None])
    path = tmp_path / f"areas.{ending}"
    if ending == "frame":
        path = frame
    elif ending == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    elif ending == "zip":
        frame.to_file(tmp_path / "areas.shp", encoding="utf-8")
        with zipfile.ZipFile(path, "w") as archive:
            for part in tmp_path.glob("areas.*"):
                if part != path:
                    archive.write(part, part.name)
    else:
        frame.to_file(path, encoding="utf-8")
    areas = sm.read_areas(path, id="cve", name="nombre", population="pop")
    assert areas.index.tolist() == ["007", "010"]
    assert areas.index.name == "area_id"
    assert areas["name"].tolist() == ["Ñ", "B"]
    assert areas["population"].tolist()[0] == 1200.0
    assert np.isnan(areas["population"].tolist()[1])
    assert areas.crs.to_epsg() == 4326
    assert areas.attrs["safemap"]["without_population"] == 1
    json.dumps(areas.attrs["safemap"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7, 10], ["7", "10"]),
        ([7.0, 10.0], ["7", "10"]),
        (["007", "7"], ["007", "7"]),
        ([" a", "b "], ["a", "b"]),
    ],
)
def test_ids_become_text(values: list, expected: list[str]) -> None:
    assert sm.read_areas(_frame(k=values), id="k").index.tolist() == expected


@pytest.mark.parametrize(
    ("columns", "options", "match"),
    [
        ({"k": ["a", "a"]}, {}, "'a'.*dissolve"),
        ({"k": ["a", None]}, {}, "have no id.*feature 2"),
        ({"k": ["a", "b"], "p": [-1, 5]}, {"population": "p"}, "negative for 1 areas, e.g. 'a'"),
        ({"k": ["a", "b"], "p": ["many", "5"]}, {"population": "p"}, "no number for 1 areas, e.g. 'a'"),
        ({"k": ["a", "b"], "poblacion": [1, 2]}, {"population": "población"}, "Did you mean 'poblacion'"),
        ({"k": ["a", "b"]}, {"name": "nombre"}, "name='nombre', but there is no such column"),
    ],
)
def test_columns_that_cannot_be_used(columns: dict, options: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        sm.read_areas(_frame(**columns), id="k", **options)


def test_missing_crs_is_refused_with_advice() -> None:
    degrees = gpd.GeoDataFrame({"k": ["a"]}, geometry=[box(-99, 19, -98, 20)])
    with pytest.raises(CRSError, match="if they are degrees on WGS 84, state crs='EPSG:4326'"):
        sm.read_areas(degrees, id="k")
    metres = gpd.GeoDataFrame({"k": ["a"]}, geometry=[box(480_000, 2_130_000, 490_000, 2_140_000)])
    with pytest.raises(CRSError, match="too large for degrees"):
        sm.read_areas(metres, id="k")
    assert sm.read_areas(metres, id="k", crs="EPSG:32614").crs.to_epsg() == 32614


def test_a_stated_crs_never_overrides_that_of_the_file() -> None:
    with pytest.raises(CRSError, match="says it is in EPSG:4326"):
        sm.read_areas(_frame(k=["a", "b"]), id="k", crs="EPSG:32614")


@pytest.mark.parametrize(
    ("crs", "shape", "match"),
    [
        (4326, box(480_000, 2_130_000, 490_000, 2_140_000), "as metres do"),
        (32614, box(-99.1, 19.3, -99, 19.4), "look like degrees"),
    ],
)
def test_coordinates_that_contradict_the_crs(crs: int, shape: Polygon, match: str) -> None:
    with pytest.raises(CRSError, match=match):
        sm.read_areas(gpd.GeoDataFrame({"k": ["a"]}, geometry=[shape], crs=crs), id="k")


def test_repairs_are_made_and_recorded() -> None:
    mixed = GeometryCollection(
        [box(5, 0, 6, 1), LineString([(5, 0), (9, 9)]), MultiPolygon([box(7, 0, 8, 1)])]
    )
    deep = Polygon([(10, 0, 5), (11, 0, 5), (11, 1, 5)])
    areas = sm.read_areas(_frame(k=["a", "b", "c"], geometry=[BOW, mixed, deep]), id="k")
    record = areas.attrs["safemap"]
    assert record["repaired"] == {"a": "Self-intersection"}
    assert record["collections"] == ["b"]
    assert record["flattened"] == 1
    assert areas.geometry.is_valid.all()
    assert shapely.area(areas.geometry.to_numpy()).tolist() == [2.0, 2.0, 0.5]
    assert set(areas.geometry.geom_type) <= {"Polygon", "MultiPolygon"}
    assert not areas.geometry.has_z.any()


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        (None, "have no geometry: 'b'"),
        (Polygon(), "have no geometry: 'b'"),
        (Point(1, 1), "points or lines where areas were expected: 'b'"),
        (GeometryCollection([Point(1, 1)]), "collections that hold no area: 'b'"),
        (Polygon([(0, 0), (1, 1), (2, 2), (0, 0)]), "no area left after repair: 'b'"),
    ],
)
def test_geometries_that_are_no_area(shape: object, match: str) -> None:
    with pytest.raises(GeometryError, match=match):
        sm.read_areas(_frame(k=["a", "b"], geometry=[box(0, 0, 1, 1), shape]), id="k")


def test_several_layers_are_named_and_asked_for(tmp_path: Path) -> None:
    for layer in ("colonias", "alcaldias"):
        _frame(k=["a", "b"]).to_file(tmp_path / "a.gpkg", layer=layer)
    with pytest.raises(InputError, match=r"several layers.*layer="):
        sm.read_areas(tmp_path / "a.gpkg", id="k")
    assert (
        sm.read_areas(tmp_path / "a.gpkg", id="k", layer="alcaldias").attrs["safemap"]["layer"] == "alcaldias"
    )


def test_broken_and_empty_files(tmp_path: Path) -> None:
    _frame(k=["a", "b"]).to_file(tmp_path / "a.gpkg")
    (tmp_path / "torn.gpkg").write_bytes((tmp_path / "a.gpkg").read_bytes()[:3000])
    (tmp_path / "torn.geojson").write_text('{"type": "FeatureCollection", "features": [{"type"')
    for name in ("torn.gpkg", "torn.geojson"):
        with pytest.raises(InputError, match="cannot be read as a geographic file"):
            sm.read_areas(tmp_path / name, id="k")
    with pytest.raises(InputError, match="holds no areas"):
        sm.read_areas(_frame(k=["a", "b"]).iloc[:0], id="k")
    (tmp_path / "nothing.geojson").touch()
    with pytest.raises(InputError, match="0 bytes"):
        sm.read_areas(tmp_path / "nothing.geojson", id="k")


def test_names_in_several_languages_and_kept_columns() -> None:
    frame = _frame(k=["a", "b"], uz=["Chilonzor", "Olmazor"], ru=["Чиланзар", "Алмазар"], extra=[1, 2])
    areas = sm.read_areas(frame, id="k", name="uz", names={"ru": "ru"}, keep=["extra"])
    assert areas.columns.tolist() == ["name", "name_ru", "extra", "geometry"]
    assert areas["name_ru"].tolist() == ["Чиланзар", "Алмазар"]


def test_the_input_frame_is_not_changed() -> None:
    frame = _frame(k=["a", "b"], p=[1, 2])
    before = frame.copy(deep=True)
    sm.read_areas(frame, id="k", population="p")
    assert frame.equals(before)
    assert frame.index.equals(before.index)
    assert frame.attrs == {}


@pytest.mark.real
def test_collections_of_tashkent(real_data) -> None:
    areas = sm.read_areas(real_data("tashkent/tashkent_districts_osm.geojson"), id="ADM2_EN")
    assert len(areas) == 12
    assert len(areas.attrs["safemap"]["collections"]) == 12


@pytest.mark.real
def test_kml_of_chicago_repeats_a_district(real_data) -> None:
    path = real_data("chicago/chicago_police_districts.kml")
    with pytest.raises(InputError, match=r"'31'.*dissolve"):
        sm.read_areas(path, id="Name")
    parts = gpd.read_file(path).dissolve(by="Name")
    assert len(sm.read_areas(parts, id="Name")) == 23


@pytest.mark.real
def test_colonias_of_mexico_city(real_data) -> None:
    path = real_data("cdmx/colonias_iecm.gpkg")
    areas = sm.read_areas(path, id="CVEUT", name="NOMUT", population="SUMPOB1")
    assert len(areas) == 1814
    assert areas["population"].sum() == 9_150_896
    assert len(areas.attrs["safemap"]["repaired"]) == 5
    with pytest.raises(InputError, match=r"NOMUT.*occur more than once"):
        sm.read_areas(path, id="NOMUT")
