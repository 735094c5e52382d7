"""One file of events, one table: formats, columns, coordinate systems, row numbers, the load report."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point

import safemap as sm
from safemap.errors import CRSError, InputError

ROWS = "id;lat;lon;fecha;hora;delito\n007;19,3;-99,1;25/04/2023;21:00;Robo\n008;NA;-99,2;26/04/2023;;Daño\n"


def _write(folder: Path, text: str, *, encoding: str = "utf-8", name: str = "register.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_semicolons_decimal_commas_and_encodings(tmp_path: Path, encoding: str) -> None:
    path = _write(tmp_path, ROWS, encoding=encoding)
    incidents = sm.read_incidents(
        path, lon="lon", lat="lat", date="fecha", time="hora", category="delito", id="id"
    )
    frame, report = incidents.frame, incidents.report
    assert frame.index.tolist() == [2, 3]
    assert frame.index.name == "row"
    assert frame["x"].tolist()[0] == -99.1
    assert frame["category"].tolist() == ["Robo", "Daño"]
    assert frame["id"].tolist() == ["007", "008"]
    assert frame["date"].tolist() == [pd.Timestamp("2023-04-25 21:00"), pd.Timestamp("2023-04-26")]
    assert (report.encoding, report.delimiter, report.decimal, report.header_row) == (encoding, ";", ",", 1)
    assert "DD/MM/YYYY" in report.date_rule
    assert incidents.settings["crs"] == "EPSG:4326"
    assert "WGS 84" in incidents.settings["crs_assumed"]
    json.dumps(report.to_dict())
    assert "decimal mark: ," in incidents.summary()


def test_cyrillic_register(tmp_path: Path) -> None:
    text = "номер;широта;долгота;вид\n1;41,3;69,2;Кража\n2;41,31;69,21;Грабёж\n"
    incidents = sm.read_incidents(_write(tmp_path, text, encoding="cp1251"), lon="долгота", lat="широта")
    assert incidents.report.encoding == "cp1251"
    assert incidents.frame["вид"].tolist() == ["Кража", "Грабёж"]


def test_gzip_is_read_and_a_torn_one_refused(tmp_path: Path) -> None:
    whole = gzip.compress(ROWS.encode())
    (tmp_path / "a.csv.gz").write_bytes(whole)
    assert len(sm.read_incidents(tmp_path / "a.csv.gz", lon="lon", lat="lat").frame) == 2
    (tmp_path / "b.csv.gz").write_bytes(whole[:-20])
    with pytest.raises(InputError, match="cut off"):
        sm.read_incidents(tmp_path / "b.csv.gz", lon="lon", lat="lat")


def test_missing_and_unreadable_coordinates_are_told_apart(tmp_path: Path) -> None:
    text = "lat,lon\n19.3,-99.1\nNA,-99.1\nnorth,-99.1\n,\n19.3,nan\n19.3,inf\n"
    incidents = sm.read_incidents(_write(tmp_path, text), lon="lon", lat="lat")
    clean = sm.clean_incidents(incidents)
    missing, unreadable = "missing_coordinates", "unreadable_coordinates"
    assert clean.audit.set_aside["reason"].to_dict() == {3: missing, 4: unreadable, 6: missing, 7: unreadable}
    assert clean.audit.n_in == 5  # the blank record at row 5 is no row
    assert clean.frame.index.tolist() == [2]


def test_half_a_coordinate_is_none(tmp_path: Path) -> None:
    incidents = sm.read_incidents(_write(tmp_path, "lat,lon\n19.3,\n19.3,-99\n"), lon="lon", lat="lat")
    assert incidents.frame["y"].isna().tolist() == [True, False]


def test_a_column_without_a_single_number_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, "lat,lon\nnorth,99 west\nnorth,98 west\n")
    with pytest.raises(InputError, match="holds no number at all"):
        sm.read_incidents(path, lon="lon", lat="lat")


def test_missing_column_names_what_is_there_and_what_is_close(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lon='longitude', but there is no such column.*'lat', 'lon'"):
        sm.read_incidents(_write(tmp_path, ROWS), lon="longitude", lat="lat")
    with pytest.raises(InputError, match="Did you mean 'delito'"):
        sm.read_incidents(_write(tmp_path, ROWS), lon="lon", lat="lat", category="delitos")


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({}, InputError, "They look like lon='lon', lat='lat'"),
        ({"lon": "lon"}, InputError, "lon= and lat= together"),
        ({"x": "lon", "y": "lat"}, CRSError, "need crs="),
        ({"lon": "lon", "lat": "lat", "crs": "EPSG:32614"}, CRSError, "WGS 84"),
        ({"x": "lon", "y": "lat", "crs": "EPSG:0"}, CRSError, "not a known coordinate system"),
        ({"x": "lon", "y": "lat", "crs": 32614}, CRSError, "as degrees do"),
        ({"lon": "lon", "lat": "lat", "positional_uncertainty": -1}, InputError, "metres, zero or more"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: dict, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        sm.read_incidents(_write(tmp_path, ROWS), **options)


def test_files_that_are_not_there_empty_or_unknown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        sm.read_incidents(tmp_path / "nothing.csv", lon="a", lat="b")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty \(0 bytes\)"):
        sm.read_incidents(tmp_path / "empty.csv", lon="a", lat="b")
    (tmp_path / "a.doc").write_bytes(b"x")
    with pytest.raises(InputError, match=r"\.doc are not known"):
        sm.read_incidents(tmp_path / "a.doc", lon="a", lat="b")


def test_a_file_with_a_header_only_gives_no_rows_and_an_audit_of_zero(tmp_path: Path) -> None:
    incidents = sm.read_incidents(_write(tmp_path, "lat,lon\n"), lon="lon", lat="lat")
    assert incidents.frame.empty
    assert incidents.audit.n_in == 0
    assert sm.clean_incidents(incidents).frame.empty


def test_columns_named_like_ours(tmp_path: Path) -> None:
    path = _write(tmp_path, "x,y,date,category\n1,2,2023-01-31,a\n")
    incidents = sm.read_incidents(path, lon="x", lat="y", date="date")
    assert incidents.frame.columns.tolist() == ["x", "y", "date", "category"]
    assert incidents.frame["date"].dtype.kind == "M"
    path = _write(tmp_path, "lon,lat,x,date\n1,2,zone,spring\n", name="b.csv")
    incidents = sm.read_incidents(path, lon="lon", lat="lat")
    assert incidents.frame.columns.tolist() == ["x", "y", "lon", "lat", "x_in_file", "date"]
    assert any("x_in_file" in note for note in incidents.report.notes)


def test_keep_limits_columns_but_not_the_search_for_duplicates(tmp_path: Path) -> None:
    text = "lat,lon,name,kind\n1,2,a,k\n1,2,b,k\n1,2,b,k\n"
    incidents = sm.read_incidents(_write(tmp_path, text), lon="lon", lat="lat", keep=["kind"])
    assert incidents.frame.columns.tolist() == ["x", "y", "lat", "lon", "kind"]
    assert incidents.remembered["duplicate_row"].tolist() == [4]
    with pytest.raises(InputError, match="no such column"):
        sm.read_incidents(_write(tmp_path, text), lon="lon", lat="lat", keep=["nothing"])


def test_time_alone_is_date_and_time(tmp_path: Path) -> None:
    path = _write(tmp_path, "lat,lon,when\n1,2,2023-01-31 10:30:00\n")
    incidents = sm.read_incidents(path, lon="lon", lat="lat", time="when")
    assert incidents.frame["date"].tolist() == [pd.Timestamp("2023-01-31 10:30")]
    assert incidents.settings["columns"]["date"] == "when"


def test_unreadable_dates_stay_in_and_are_reported_by_row(tmp_path: Path) -> None:
    path = _write(tmp_path, "lat,lon,d\n1,2,2023-01-31\n1,2,2023-02-30\n1,2,\n1,2,2023-03-01\n")
    incidents = sm.read_incidents(path, lon="lon", lat="lat", date="d")
    assert len(incidents.frame) == 4
    assert incidents.remembered["unreadable_date"].tolist() == [3]
    assert any("rows 3" in note for note in incidents.report.notes)


def test_noon_heaping_is_noted(tmp_path: Path) -> None:
    hours = ["12:00:00"] * 3 + [f"{h:02d}:17:00" for h in range(20)]
    text = "lat,lon,d,h\n" + "".join(f"1,2,2023-01-01,{h}\n" for h in hours)
    incidents = sm.read_incidents(_write(tmp_path, text), lon="lon", lat="lat", date="d", time="h")
    assert any("13.0% of clock times are exactly 12:00" in note for note in incidents.report.notes)


# workbooks, Parquet, layers, frames


def _workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_workbook(tmp_path: Path) -> None:
    rows = [
        ["id", "lat", "lon", "when"],
        [7, 19.25, -99.5, pd.Timestamp("2023-01-31 10:00").to_pydatetime()],
        [None, None, None, None],
        ["008", "19,5", -99.25, pd.Timestamp("2023-02-01").to_pydatetime()],
    ]
    path = _workbook(tmp_path / "a.xlsx", {"Hoja1": rows, "empty": []})
    incidents = sm.read_incidents(path, lon="lon", lat="lat", date="when", id="id", decimal=None)
    assert incidents.report.sheet == "Hoja1"
    assert incidents.frame.index.tolist() == [2, 4]
    assert incidents.frame["id"].tolist() == ["7", "008"]
    assert incidents.frame["x"].tolist() == [-99.5, -99.25] or incidents.remembered
    assert incidents.frame["date"].tolist() == [pd.Timestamp("2023-01-31 10:00"), pd.Timestamp("2023-02-01")]


def test_workbook_with_several_sheets_asks(tmp_path: Path) -> None:
    rows = [["lat", "lon"], [1.5, 2.5]]
    path = _workbook(tmp_path / "a.xlsx", {"enero": rows, "febrero": rows})
    with pytest.raises(InputError, match=r"'enero', 'febrero'.*sheet="):
        sm.read_incidents(path, lon="lon", lat="lat")
    assert len(sm.read_incidents(path, lon="lon", lat="lat", sheet="febrero").frame) == 1
    with pytest.raises(InputError, match="its sheets are 'enero', 'febrero'"):
        sm.read_incidents(path, lon="lon", lat="lat", sheet="marzo")


def test_broken_and_empty_workbooks(tmp_path: Path) -> None:
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match="cannot be read as a workbook"):
        sm.read_incidents(tmp_path / "broken.xlsx", lon="lon", lat="lat")
    with pytest.raises(InputError, match="no sheet of it holds any cell"):
        sm.read_incidents(_workbook(tmp_path / "empty.xlsx", {"a": []}), lon="lon", lat="lat")


def test_parquet_and_csv_of_the_same_rows_agree(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"lat": [19.25, None], "lon": [-99.5, -99.0], "d": ["2023-01-31", "2023-02-01"]})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    options = {"lon": "lon", "lat": "lat", "date": "d"}
    one = sm.read_incidents(tmp_path / "a.parquet", **options).frame[["x", "y", "date"]]
    two = sm.read_incidents(tmp_path / "a.csv", **options).frame[["x", "y", "date"]]
    pd.testing.assert_frame_equal(one, two, check_index_type=False)
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-30])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        sm.read_incidents(tmp_path / "torn.parquet", **options)


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.parquet"])
def test_layers_of_points(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    points = gpd.GeoDataFrame({"k": ["a", "b"]}, geometry=[Point(-99.1, 19.3), None], crs=4326)
    path = tmp_path / name
    points.to_parquet(path) if name.endswith("parquet") else points.to_file(path)
    incidents = sm.read_incidents(path, category="k")
    assert incidents.frame["x"].tolist()[0] == -99.1
    assert np.isnan(incidents.frame["x"].tolist()[1])
    assert sm.clean_incidents(incidents).audit.set_aside["reason"].tolist() == ["missing_coordinates"]


def test_layers_of_something_else_or_several(tmp_path: Path) -> None:
    line = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (1, 1)])], crs=4326)
    line.to_file(tmp_path / "line.gpkg")
    with pytest.raises(InputError, match="where points of incidents were expected"):
        sm.read_incidents(tmp_path / "line.gpkg")
    point = gpd.GeoDataFrame(geometry=[Point(0.5, 1)], crs=4326)
    for layer in ("one", "two"):
        point.to_file(tmp_path / "both.gpkg", layer=layer)
    with pytest.raises(InputError, match=r"several layers: 'one', 'two'.*layer="):
        sm.read_incidents(tmp_path / "both.gpkg")
    assert sm.read_incidents(tmp_path / "both.gpkg", layer="two").report.layer == "two"
    with pytest.raises(InputError, match="its layers are 'one', 'two'"):
        sm.read_incidents(tmp_path / "both.gpkg", layer="three")


@pytest.mark.parametrize("index", [[10, 20], ["a", "b"], [1, 1]])
def test_frames_keep_a_unique_index_and_are_not_changed(index: list[object]) -> None:
    frame = pd.DataFrame({"lon": [1.5, 2.5], "lat": [1.0, 2.0]}, index=index)
    before = frame.copy(deep=True)
    incidents = sm.read_incidents(frame, lon="lon", lat="lat")
    assert incidents.frame.index.tolist() == (index if index != [1, 1] else [2, 3])
    pd.testing.assert_frame_equal(frame, before)


def test_messages_do_not_quote_other_cells(tmp_path: Path) -> None:
    secret = "Maria Perez 555-1234"
    text = f"lat,lon,name,d\n1,2,{secret},03/04/2023\n1,2,{secret},04/05/2023\n"
    for options in ({"date": "d"}, {"date": "name"}, {"category": "nam"}, {"decimal": "x"}):
        with pytest.raises(InputError) as caught:
            sm.read_incidents(_write(tmp_path, text), lon="lon", lat="lat", **options)
        assert secret not in str(caught.value)
    with pytest.raises(InputError) as caught:
        sm.read_incidents(_write(tmp_path, text + f"1,2,{secret}\n", name="r.csv"), lon="lon", lat="lat")
    assert secret not in str(caught.value)


def test_zip_bombs_and_paths_outside_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b"0" * 60_000_000)
    with pytest.raises(InputError, match="times its size; it was refused"):
        sm.read_incidents(bomb)
    outside = tmp_path / "outside.zip"
    with zipfile.ZipFile(outside, "w") as archive:
        archive.writestr("../evil.geojson", "{}")
    with pytest.raises(InputError, match="outside its folder"):
        sm.read_incidents(outside)
    (tmp_path / "torn.zip").write_bytes(bomb.read_bytes()[:100])
    with pytest.raises(InputError, match="not a whole zip"):
        sm.read_incidents(tmp_path / "torn.zip")
