"""One layer that any GIS opens, with nothing in it that was withheld."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from shapely.geometry import MultiPolygon, box

from safemap.disclosure.registry import Registry
from safemap.errors import AlignmentError, ConfigError
from safemap.output.geopackage import CODES, FIELDS, write_geopackage
from safemap.results import Result

IDS = ["001", "002", "003"]


def result(kind, *, ids=IDS, **columns):
    made = type("Made", (Result,), {"kind": kind})
    shapes = [box(0, 0, 1, 1), MultiPolygon([box(1, 0, 2, 1)]), box(2, 0, 3, 1)][: len(ids)]
    frame = gpd.GeoDataFrame(columns, index=pd.Index(ids, name="area_id"), geometry=shapes, crs=32614)
    return made(frame=frame, settings={"unit": "events per 100,000 residents a year"})


def everything():
    base = {"name": ["a", "é", None], "events": [0, 3, 30], "population": [10.0, 20.0, None]}
    return [
        result("rates", **base, estimate=[0.0, 15123.4, None], conf_low=[0.0, 1.0, None], secret=["x"] * 3),
        result("smoothed_rates", **base, estimate=[1.0, 2.0, None]),
        result("local_moran", **base, neighbours=[1, 2, 1], statistic=[0.1234567, -1.0, None],
               cluster=["high-high", "low-high", "no data"]),
        result("local_getis_ord", **base, neighbours=[1, 2, 1], z_score=[3.0, -1.0, None],
               cluster=["hot-1", "cold-5", "no data"]),
    ]  # fmt: skip


def test_the_layer_has_all_areas_in_order_and_only_listed_fields(tmp_path):
    write_geopackage(tmp_path / "areas.gpkg", everything(), registry=Registry(), date="2023-12-31")
    back = gpd.read_file(tmp_path / "areas.gpkg", layer="areas")
    assert back["area_id"].tolist() == IDS
    assert set(back.geometry.geom_type) == {"MultiPolygon"}
    assert back.crs.to_epsg() == 32614
    assert back.columns.tolist() == [
        "area_id", "name", "events", "population", "rate", "rate_low", "rate_eb", "neighbours", "lm_stat",
        "lm_code", "lm_class", "gi_z", "gi_code", "gi_class", "suppressed", "geometry",
    ]  # fmt: skip
    assert back["lm_stat"].iloc[0] == 0.123
    assert back["lm_code"].tolist() == [1, 99, 91]
    assert back["gi_code"].tolist() == [3, 99, 91]
    assert back["name"].tolist()[:2] == ["a", "é"]


def test_a_withheld_area_keeps_name_population_and_shape_only(tmp_path):
    write_geopackage(tmp_path / "areas.gpkg", everything(), registry=Registry(), date="2023-12-31")
    row = (
        gpd.read_file(tmp_path / "areas.gpkg", layer="areas").set_index("area_id").loc["002"].drop("geometry")
    )
    assert row[row.notna()].to_dict() == {
        "name": "é", "population": 20, "neighbours": 2, "lm_code": 99, "lm_class": "withheld", "gi_code": 99,
        "gi_class": "withheld", "suppressed": True,
    }  # fmt: skip


def test_names_suit_every_gis():
    for fields in FIELDS.values():
        for field in fields:
            assert field.name.isascii()
            assert field.name.replace("_", "a").isalnum()
            assert len(field.name) <= 10


def test_the_dictionary_describes_each_field_and_is_registered(tmp_path):
    write_geopackage(
        tmp_path / "areas.gpkg", everything(), registry=Registry(), date="2023-12-31", description="Ü"
    )
    with closing(sqlite3.connect(tmp_path / "areas.gpkg")) as file:
        contents = file.execute(
            "SELECT table_name, data_type, last_change, description FROM gpkg_contents"
        ).fetchall()
        assert [row[:3] for row in contents] == [
            ("areas", "features", "2023-12-31T00:00:00.000Z"),
            ("data_dictionary", "attributes", "2023-12-31T00:00:00.000Z"),
        ]
        assert contents[0][3] == "Ü"
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert file.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        rows = {
            row[0]: row[1:] for row in file.execute("SELECT field, type, unit, meaning FROM data_dictionary")
        }
    layer = gpd.read_file(tmp_path / "areas.gpkg", layer="areas")
    assert set(rows) == set(layer.columns) - {"geometry"}
    assert rows["rate"][:2] == ("real", "events per 100,000 residents a year")
    assert rows["events"][0] == "integer"
    assert "1 high-high" in rows["lm_code"][2]
    assert pyogrio.list_layers(tmp_path / "areas.gpkg")[0].tolist() == ["areas", "MultiPolygon"]


def test_values_go_to_their_area_by_id_not_by_position(tmp_path):
    rates, *_, gi = everything()
    gi_turned = type(gi)(frame=gi.frame.iloc[::-1], settings={})
    write_geopackage(tmp_path / "areas.gpkg", [rates, gi_turned], registry=Registry(k=1), date="2023-12-31")
    back = gpd.read_file(tmp_path / "areas.gpkg", layer="areas")
    assert back["gi_class"].tolist() == ["hot-1", "cold-5", "no data"]


def test_other_areas_and_doubled_kinds_are_refused(tmp_path):
    rates = everything()[0]
    other = result("local_moran", ids=["001", "002", "009"], cluster=["high-high"] * 3)
    with pytest.raises(AlignmentError, match="same areas"):
        write_geopackage(tmp_path / "a.gpkg", [rates, other], registry=Registry(), date="2023-12-31")
    for wrong in ([], [rates, rates]):
        with pytest.raises(ConfigError, match="one result each"):
            write_geopackage(tmp_path / "a.gpkg", wrong, registry=Registry(), date="2023-12-31")
    assert list(tmp_path.iterdir()) == []


def test_every_class_of_the_house_has_its_own_code():
    moran = ["not significant", "high-high", "low-low", "low-high", "high-low"]
    getis = ["not significant", "hot-1", "hot-5", "hot-10", "cold-10", "cold-5", "cold-1"]
    special = ["no neighbours", "no data", "no variation", "too few areas", "too few events", "withheld"]
    for family in (moran, getis):
        codes = [CODES[label] for label in family + special]
        assert len(set(codes)) == len(codes)


def test_the_change_counter_is_fixed_because_gdal_varies_it(tmp_path):
    """About one file in ten was flushed once less, with the same content."""
    write_geopackage(tmp_path / "areas.gpkg", everything(), registry=Registry(), date="2023-12-31")
    header = (tmp_path / "areas.gpkg").read_bytes()[:100]
    assert header[24:28] == header[92:96] == b"\0\0\0\1"


def test_two_processes_write_the_same_bytes(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "import test_geopackage as t; from safemap import Registry\n"
        "t.write_geopackage(sys.argv[1], t.everything(), registry=Registry(), date='2023-12-31')"
    )
    digests = set()
    for name in ("one.gpkg", "two.gpkg"):
        here = str(Path(__file__).parent)
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name), here], check=True)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
