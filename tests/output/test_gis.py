"""Files that any GIS opens, with the classes of the map and nothing in them that was withheld."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from shapely.geometry import MultiPolygon, box

from safemap import explore
from safemap.disclosure.registry import Registry
from safemap.errors import AlignmentError, ConfigError
from safemap.i18n import Message, text
from safemap.maps.palettes import LISA
from safemap.maps.states import OVERLAYS, STATES
from safemap.output.gis import export_gis
from safemap.output.gis_layer import CODES, FIELDS, PREFIX, Care, ClassRow, Theme
from safemap.output.hatching import Marks, hatching
from safemap.output.qgis_style import qml
from safemap.output.sld import sld
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
    export_gis(everything(), tmp_path / "areas.gpkg", registry=Registry(), date="2023-12-31")
    back = gpd.read_file(tmp_path / "areas.gpkg", layer="areas")
    assert back["area_id"].tolist() == IDS
    assert set(back.geometry.geom_type) == {"MultiPolygon"}
    assert back.crs.to_epsg() == 32614
    assert back.columns.tolist() == [
        "area_id", "name", "events", "population", "rate", "rate_low",
        "rate_code", "rate_label", "rate_colour", "rate_eb", "eb_code", "eb_label", "eb_colour",
        "neighbours", "lm_stat", "lm_code", "lm_label", "lm_colour", "lm_class",
        "gi_z", "gi_code", "gi_label", "gi_colour", "gi_class", "suppressed", "geometry",
    ]  # fmt: skip
    assert back["lm_stat"].iloc[0] == 0.123
    assert back["lm_code"].tolist() == [1, 99, 91]
    assert back["gi_code"].tolist() == [3, 99, 91]
    assert back["name"].tolist()[:2] == ["a", "é"]


def test_a_withheld_area_keeps_name_population_and_shape_only(tmp_path):
    export_gis(everything(), tmp_path / "areas.gpkg", registry=Registry(), date="2023-12-31")
    row = (
        gpd.read_file(tmp_path / "areas.gpkg", layer="areas").set_index("area_id").loc["002"].drop("geometry")
    )
    assert row[row.notna()].to_dict() == {
        "name": "é", "population": 20, "neighbours": 2, "lm_class": "withheld", "gi_class": "withheld",
        "suppressed": True,
        **{f"{p}_code": 99 for p in ("rate", "eb", "lm", "gi")},
        **{f"{p}_label": "Withheld for privacy (1\u2060–\u20604)" for p in ("rate", "eb", "lm", "gi")},
        **{f"{p}_colour": "#DED8CD" for p in ("rate", "eb", "lm", "gi")},
    }  # fmt: skip


def test_names_suit_every_gis():
    for fields in FIELDS.values():
        for field in fields:
            assert field.name.isascii()
            assert field.name.replace("_", "a").isalnum()
            assert len(field.name) <= 10


def test_the_dictionary_describes_each_field_and_is_registered(tmp_path):
    export_gis(
        everything(),
        tmp_path / "areas.gpkg",
        registry=Registry(),
        date="2023-12-31",
        description="Ü",
        source="§",
    )
    with closing(sqlite3.connect(tmp_path / "areas.gpkg")) as file:
        contents = file.execute(
            "SELECT table_name, data_type, last_change, description FROM gpkg_contents"
        ).fetchall()
        assert [row[:3] for row in contents] == [
            (name, kind, "2023-12-31T00:00:00.000Z")
            for name, kind in (
                ("areas", "features"), ("rates", "features"), ("smoothed_rates", "features"),
                ("local_moran", "features"), ("local_getis_ord", "features"),
                ("data_dictionary", "attributes"), ("legend", "attributes"), ("layer_styles", "attributes"),
            )
        ]  # fmt: skip
        assert contents[0][3] == "Ü"
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert file.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        rows = {
            row[0]: row[1:]
            for row in file.execute(
                "SELECT field, type, unit, codes, source FROM data_dictionary WHERE layer = 'areas'"
            )
        }
    layer = gpd.read_file(tmp_path / "areas.gpkg", layer="areas")
    assert set(rows) == set(layer.columns) - {"geometry"}
    assert rows["rate"][:2] == ("real", "events per 100,000 residents a year")
    assert rows["events"][0] == "integer"
    assert "1 = High, neighbours high" in rows["lm_code"][2]
    assert all(row[3].startswith("§") for row in rows.values())
    assert [kind for name, kind in pyogrio.list_layers(tmp_path / "areas.gpkg")][:5] == ["MultiPolygon"] * 5


def test_values_go_to_their_area_by_id_not_by_position(tmp_path):
    rates, *_, gi = everything()
    gi_turned = type(gi)(frame=gi.frame.iloc[::-1], settings={})
    export_gis([rates, gi_turned], tmp_path / "areas.gpkg", registry=Registry(k=1), date="2023-12-31")
    back = gpd.read_file(tmp_path / "areas.gpkg", layer="areas")
    assert back["gi_class"].tolist() == ["hot-1", "cold-5", "no data"]


def test_other_areas_and_what_has_no_areas_are_refused(tmp_path):
    rates = everything()[0]
    other = result("local_moran", ids=["001", "002", "009"], cluster=["high-high"] * 3)
    with pytest.raises(AlignmentError, match="same areas"):
        export_gis([rates, other], tmp_path / "a.gpkg", registry=Registry(), date="2023-12-31")
    surface = type("Made", (Result,), {"kind": "density"})(frame=rates.frame, settings={})
    for wrong, said in (
        ([], "at least one"),
        ([surface], "write_surface"),
        ([rates, "rates"], "by area|shows"),
    ):
        with pytest.raises(ConfigError, match=said):
            export_gis(wrong, tmp_path / "a.gpkg", registry=Registry(), date="2023-12-31")
    with pytest.raises(ConfigError, match="must end in"):
        export_gis(rates, tmp_path / "a.shp")
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
    export_gis(everything(), tmp_path / "areas.gpkg", registry=Registry(), date="2023-12-31")
    header = (tmp_path / "areas.gpkg").read_bytes()[:100]
    assert header[24:28] == header[92:96] == b"\0\0\0\1"


def test_two_processes_write_the_same_bytes(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "import test_gis as t; from safemap import Registry\n"
        "t.export_gis(t.everything(), sys.argv[1], registry=Registry(), date='2023-12-31')"
    )
    digests = set()
    for name in ("one.gpkg", "two.gpkg"):
        here = str(Path(__file__).parent)
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name), here], check=True)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def survey():
    return result(
        "survey", name=["a", "b", "c"], estimate=[0.2, 0.5, 0.7], conf_low=[0.1, 0.3, 0.5],
        conf_high=[0.3, 0.7, 0.9], n=[40, 60, 90], n_eff=[30.0, 50.0, 70.0],
        quality=["publish", "review", "publish"],
    )  # fmt: skip


def layer_of(path, name):
    return gpd.read_file(path, layer=name).set_index("area_id")


def test_each_result_is_a_layer_with_code_label_and_colour(tmp_path):
    (path,) = export_gis(everything(), tmp_path / "a.gpkg", registry=Registry(k=1), language="es")
    layer, whole = layer_of(path, "local_moran"), layer_of(path, "areas")
    assert layer["class_code"].tolist() == whole["lm_code"].tolist() == [1, 3, 91]
    assert layer["class_colour"].tolist()[:2] == [LISA["high-high"], LISA["low-high"]]
    assert layer["class_label"].tolist() == whole["lm_label"].tolist()
    assert layer["class_label"].iloc[2] == text("state_no_data", "es")
    assert layer.geometry.geom_equals(whole.geometry).all()
    assert {"name", "events", "lm_stat"} <= set(layer.columns)
    assert "rate" not in layer.columns


def test_the_classes_are_those_of_the_map(tmp_path):
    """The legend of the map and the table ``legend``: same labels, colours and numbers of areas."""
    results = [*everything(), survey()]
    (path,) = export_gis(results, tmp_path / "a.gpkg")
    made = explore(*results)
    html = made.get_root().render()
    data = json.loads(re.search(r'id="safemap-data">(.*?)</script>', html, re.S).group(1))
    with closing(sqlite3.connect(path)) as file:
        for layer in data["layers"]:
            rows = file.execute(
                "SELECT label, colour, texture, areas FROM legend WHERE layer = ? ORDER BY id", (layer["id"],)
            ).fetchall()
            assert len(rows) == len(layer["classes"])
            for number, (row, shown) in enumerate(zip(rows, layer["classes"], strict=True)):
                message = Message(shown["l"]["k"], shown["l"].get("s", {}))
                assert row[0] == text(message)
                assert row[1:3] == (
                    shown.get("c", STATES[shown["s"]].ground if "s" in shown else ""),
                    shown.get("s", ""),
                )
                assert row[3] == layer["codes"].count(number)
            assert sum(row[3] for row in rows) == len(IDS)


def test_two_results_of_a_kind_and_other_events_keep_their_own_fields(tmp_path):
    base = {"name": ["a", "é", None], "population": [10.0, 20.0, None]}
    theft, robbery = everything()[0], result("rates", **base, events=[50, 60, 70], estimate=[5.0, 6.0, 7.0])
    (path,) = export_gis(
        [theft, robbery], tmp_path / "a.gpkg", registry=Registry(k=1), names=["Theft", "Robbery"]
    )
    whole = layer_of(path, "areas")
    assert whole["events"].tolist() == [0, 3, 30]
    assert whole["rate2_events"].tolist() == [50, 60, 70]
    assert whole["rate2"].tolist() == [5, 6, 7]
    second = layer_of(path, "rates_2")
    assert second["rate2"].tolist() == [5, 6, 7]
    assert "rate" not in second.columns
    with pytest.raises(ConfigError, match="one entry per result"):
        export_gis([theft, robbery], tmp_path / "a.gpkg", names=["Theft"])


def test_what_a_survey_asks_to_be_read_with_care_is_a_field(tmp_path):
    (path,) = export_gis(survey(), tmp_path / "a.gpkg")
    assert layer_of(path, "survey")["class_care"].fillna("").tolist() == ["", "uncertain", ""]
    with closing(sqlite3.connect(path)) as file:
        (style,) = file.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'survey'").fetchone()
    assert "coalesce(&quot;class_care&quot;, '') = 'uncertain'" in style


def test_one_style_is_the_default_of_each_layer(tmp_path):
    (path,) = export_gis(everything(), tmp_path / "a.gpkg")
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute(
            "SELECT f_table_name, styleName, useAsDefault, f_geometry_column, styleQML, styleSLD "
            "FROM layer_styles"
        ).fetchall()
        geometry = dict(file.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
    defaults = {table: name for table, name, default, *_ in rows if default}
    kinds = ["rates", "smoothed_rates", "local_moran", "local_getis_ord"]
    assert defaults == {"areas": "rates", **{kind: kind for kind in kinds}}
    assert len(rows) == 2 * len(kinds)
    for table, _, _, column, style, described in rows:
        assert geometry[table] == column
        fields = set(layer_of(path, table).columns)
        root = ET.fromstring(style)
        assert root.find("renderer-v2").get("attr") in fields
        used = ET.fromstring(described).findall(".//{http://www.opengis.net/ogc}PropertyName")
        assert {name.text for name in used} <= fields
        codes = [category.get("value") for category in root.iter("category")]
        literals = ET.fromstring(described).findall(".//{http://www.opengis.net/ogc}Literal")
        assert [literal.text for literal in literals] == codes
        assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("end", ["gpkg", "fgb", "pmtiles"])
def test_no_format_holds_a_withheld_number(tmp_path, end):
    """4711.13 belongs to the area that k = 10 withholds; other values there give the same bytes."""

    def made(count, rate):
        base = {"name": ["a", "b", "c"], "events": [0, count, 30], "population": [10.0, 20.0, 30.0]}
        said = ["high-high", "low-high" if count == 7 else "low-low", "no data"]
        return [
            result(
                "rates", **base, estimate=[0.0, rate, 9.0], conf_low=[0.0, rate, 1.0], quality=["publish"] * 3
            ),
            result("local_moran", **base, statistic=[1.0, rate, 2.0], cluster=said),
        ]

    one = export_gis(made(7, 4711.13), tmp_path / f"one.{end}", k=10, date="2023-12-31")
    two = export_gis(made(3, 999.99), tmp_path / f"two.{end}", k=10, date="2023-12-31")
    assert len(one) == len(two) == {"gpkg": 1, "fgb": 4, "pmtiles": 2}[end]
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name
        assert b"4711" not in first.read_bytes()


def test_flatgeobuf_has_the_fields_and_its_style_beside_it(tmp_path):
    paths = export_gis(everything(), tmp_path / "city.fgb", source="police")
    assert [p.name for p in paths] == ["city.fgb", "city.qml", "city.sld", "city_fields.csv"]
    back = gpd.read_file(paths[0]).set_index("area_id").loc[IDS]
    assert back["lm_code"].tolist() == [1, 99, 91]
    assert back.crs.to_epsg() == 32614
    fields = pd.read_csv(paths[3])
    assert set(fields["field"]) == set(back.columns) - {"geometry"} | {"area_id"}
    assert ET.fromstring(paths[1].read_text(encoding="utf-8")).find("renderer-v2").get("attr") == "rate_code"


def test_tiles_hold_the_areas_and_need_a_coordinate_system(tmp_path):
    first = export_gis(everything(), tmp_path / "city.pmtiles")[0]
    again = export_gis(everything(), tmp_path / "two.pmtiles")[0]
    assert first.read_bytes()[:7] == b"PMTiles"
    assert first.read_bytes() == again.read_bytes()
    assert set(gpd.read_file(first)["area_id"]) == set(IDS)
    lost = everything()[0]
    lost = type(lost)(frame=lost.frame.set_crs(None, allow_override=True), settings={})
    with pytest.raises(ConfigError, match="coordinate system"):
        export_gis(lost, tmp_path / "lost.pmtiles")
    assert not (tmp_path / "lost.pmtiles").exists()


def test_a_format_that_gdal_lacks_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(pyogrio, "list_drivers", lambda write=False: {"GPKG": "rw"})
    with pytest.raises(ConfigError, match=r"cannot write FlatGeobuf\. Install pyogrio"):
        export_gis(everything(), tmp_path / "a.fgb")
    assert list(tmp_path.iterdir()) == []


def test_the_base_of_the_rates_is_named(tmp_path):
    rates = everything()[0]
    rates.settings["base"] = "dwellings"
    (path,) = export_gis(rates, tmp_path / "a.gpkg")
    with closing(sqlite3.connect(path)) as file:
        rows = dict(file.execute("SELECT field, meaning || ' ' || unit FROM data_dictionary"))
    assert rows["population"] == "base of the rates: dwellings dwellings"


def test_text_of_the_data_is_text_in_a_style():
    hostile = "<b>&\"']]> [% env('HOME') %] \x00"
    row = ClassRow(1, "own", hostile, "#112233", "", 3)
    theme = Theme(
        "local", hostile, "", "loc", (), (row,), "#FFFFFF", "suppressed", (Care("uncertain", hostile, (0,)),)
    )
    style = ET.fromstring(qml(theme, code="c", care="d"))
    assert style.find(".//category").get("label") == "<b>&\"']]> [ % env('HOME') %]  "
    described = ET.fromstring(sld(theme, layer="local", code="c", care="d").encode())
    assert len(described.findall(".//{http://www.opengis.net/se}Rule")) == 2


def test_every_texture_of_the_maps_is_drawn_whole():
    """Each mark of a tile is in the texture: lines one by one, circles in rows, a plus as a cross."""
    for state in {**STATES, **OVERLAYS}.values():
        parts = hatching(state)
        circles = [p for p in parts if isinstance(p, Marks) and p.shape == "circle"]
        per_tile = sum(
            round(state.size / p.down) if isinstance(p, Marks) and p.shape == "circle"
            else 2 if isinstance(p, Marks) and p.shape == "cross" else 1
            for p in parts
        )  # fmt: skip
        assert per_tile == len(state.marks), state.key
        assert len(circles) <= 1
    looks = [tuple(hatching(state)) for state in STATES.values()]
    assert len(set(zip(looks, (s.ground for s in STATES.values()), strict=True))) == len(STATES)


def test_prefixes_never_make_two_fields_of_one_name():
    names = [f"{p}_{part}" for p in PREFIX.values() for part in ("code", "label", "colour", "care", "class")]
    names += {field.name for fields in FIELDS.values() for field in fields}
    assert len(set(names)) == len(names)
    assert set(PREFIX) == set(FIELDS)
