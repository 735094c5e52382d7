"""Context brings outlines and names, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from safemap.errors import ConfigError, CRSError, InputError
from safemap.maps import context as room
from safemap.maps.context import read_context

BOUNDS = (-99.1, 19.3, -99.04, 19.36)


def read(town: ModuleType, context: Any) -> list[dict[str, Any]]:
    return read_context(context, bounds=BOUNDS, study=town.areas())


def features(geometries: list[Any], **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometries, crs=4326)


def test_polygons_lines_and_points_are_told_apart(town: ModuleType) -> None:
    mixed = features(
        [box(-99.2, 19.3, -99.1, 19.36), LineString([(-99.1, 19.3), (-99.0, 19.36)]), Point(-99.07, 19.33)],
        name=["District", "Road", "Station"],
        secret=["S1", "S2", "S3"],
    )
    layer = read(town, {"Around": mixed})[0]
    assert layer["name"] == "Around"
    assert [layer["polygons"][0][1], layer["lines"][0][1], layer["points"][0][2]] == [
        "District",
        "Road",
        "Station",
    ]
    assert "S1" not in json.dumps(layer)


def test_files_are_read_and_a_column_of_names_can_be_said(town: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "stations.geojson"
    features([Point(-99.07, 19.33)], nombre=["Metro"]).to_file(path)
    assert read(town, path)[0]["points"][0][2] == ""
    assert read(town, (path, "nombre"))[0]["points"][0][2] == "Metro"
    assert read(town, [path, (str(path), "nombre")])[1]["points"][0][2] == "Metro"
    with pytest.raises(InputError, match="no column 'name_en'"):
        read(town, (path, "name_en"))
    with pytest.raises(InputError, match=r"roads\.gpkg was not found"):
        read(town, tmp_path / "roads.gpkg")


def test_what_is_far_away_is_left_out(town: ModuleType) -> None:
    road = features([LineString([(-120.0, 19.33), (0.0, 19.33)]), LineString([(0, 0), (1, 1)])])
    lines = read(town, road)[0]["lines"]
    assert len(lines) == 1
    assert lines[0][0][0] > -99.2 * 100_000
    assert read(town, features([Point(0, 0)]))[0]["points"] == []


def test_a_district_under_the_areas_is_not_named_twice(town: ModuleType) -> None:
    districts = features(
        [box(-99.1, 19.3, -99.04, 19.36), box(-99.04, 19.3, -99.0, 19.36)], name=["Own", "Beside"]
    )
    spots = {name: spot for _, name, spot in read(town, districts)[0]["polygons"]}
    assert spots["Own"] is None
    assert spots["Beside"][0] > -99.04 * 100_000


def test_size_is_bounded(town: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(-99.1, -99.04, 5_000)
    wiggle = LineString(np.column_stack([x, 19.33 + 0.001 * np.sin(x * 5_000)]))
    monkeypatch.setattr(room, "MAX_VERTICES", 500)
    assert len(read(town, features([wiggle]))[0]["lines"][0][0]) <= 1_000
    monkeypatch.setattr(room, "MAX_FEATURES", 2)
    with pytest.raises(InputError, match="3 features around the study area; 2 are allowed"):
        read(town, features([Point(-99.07, 19.33)] * 3))


def test_context_without_a_crs_or_of_another_kind_is_refused(town: ModuleType) -> None:
    with pytest.raises(CRSError, match="no coordinate reference system"):
        read(town, gpd.GeoDataFrame(geometry=[Point(0, 0)]))
    with pytest.raises(ConfigError, match="paths and GeoDataFrames; got int"):
        read(town, 7)


def test_other_systems_are_brought_to_degrees(town: ModuleType) -> None:
    station = features([Point(-99.07, 19.33)], name=["Metro"]).to_crs(32614)
    assert read(town, station)[0]["points"] == [[-9_907_000, 1_933_000, "Metro"]]


def test_neighbours_lie_around_the_areas_and_not_under_them(town: ModuleType) -> None:
    districts = features(
        [box(-99.2, 19.3, -99.1, 19.36), box(-99.1, 19.3, -99.04, 19.36), box(-99.1, 19.25, -99.0, 19.3)],
        name=["West", "Own", None],
    )
    layers = read_context(
        {"Roads": features([LineString([(-99.1, 19.3), (-99.0, 19.36)])])},
        bounds=BOUNDS,
        study=town.areas(),
        neighbours={"district": districts},
    )
    assert [layer["name"] for layer in layers] == ["", "Roads"]  # no row of the legend for plain land
    assert [p[1] for p in layers[0]["polygons"]] == ["West", ""]
    inner = read_context(None, bounds=BOUNDS, study=town.areas(), neighbours=[districts.iloc[[1]]])
    assert inner == []


def test_neighbours_are_areas(town: ModuleType) -> None:
    with pytest.raises(InputError, match="neighbours are areas"):
        read_context(
            None, bounds=BOUNDS, study=town.areas(), neighbours=features([Point(-99.07, 19.33)], name=["A"])
        )
