"""Every format by a real file of it: what comes out, what is told, and that no row is lost."""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

import safemap as sm
from safemap.datasets._xlsx import workbook
from safemap.errors import InputError, MissingExtraError
from safemap.intake.tables import read_table

N = 12
TABLE = pd.DataFrame(
    {
        "folio": [f"{i:03d}" for i in range(N)],
        "lon": [-99.1 - i / 1000 for i in range(N)],
        "lat": [19.3 + i / 1000 for i in range(N)],
        "fecha": [f"2023-01-{i + 1:02d}" for i in range(N)],
        "delito": ["Robo", "Daño", "Кража"] * (N // 3),
    }
)
ROLES = {"lon": "lon", "lat": "lat", "date": "fecha", "category": "delito", "id": "folio"}


def _points() -> gpd.GeoDataFrame:
    points = [Point(x, y) for x, y in zip(TABLE["lon"], TABLE["lat"], strict=True)]
    return gpd.GeoDataFrame(TABLE.drop(columns=["lon", "lat"]), geometry=points, crs=4326)


def _xls(path: Path) -> None:
    xlwt = pytest.importorskip("xlwt", reason="xlwt writes the XLS of this test")
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Enero")
    for j, name in enumerate(TABLE.columns):
        sheet.write(0, j, name)
        for i, value in enumerate(TABLE[name], start=1):
            sheet.write(i, j, value)
    book.save(str(path))


def _ods(path: Path) -> None:
    pytest.importorskip("odf", reason="odfpy writes the ODS of this test")
    with pd.ExcelWriter(path, engine="odf") as book:
        TABLE.to_excel(book, index=False)


def _gis_ods(path: Path) -> None:
    """As QGIS writes it: indented, which readers of spreadsheets stumble over."""
    import pyogrio

    pyogrio.write_dataframe(TABLE, path, driver="ODS")


def _sav(path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat reads SPSS and Stata files")
    pyreadstat.write_sav(TABLE, str(path))


def _dta(path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat reads SPSS and Stata files")
    pyreadstat.write_dta(TABLE, str(path))


WRITERS = {
    "a.csv": lambda p: TABLE.to_csv(p, index=False),
    "a.tsv": lambda p: TABLE.to_csv(p, index=False, sep="\t"),
    "a.xlsx": lambda p: p.write_bytes(workbook({"s": [list(TABLE.columns), *TABLE.values.tolist()]})),
    "a.xls": _xls,
    "a.ods": _ods,
    "gis.ods": _gis_ods,
    "a.parquet": lambda p: TABLE.to_parquet(p),
    "a.sav": _sav,
    "a.dta": _dta,
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_table_from_every_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    found = sm.read_incidents(path, **ROLES)
    assert found.frame["x"].to_numpy() == pytest.approx(TABLE["lon"])
    assert found.frame["y"].to_numpy() == pytest.approx(TABLE["lat"])
    assert found.frame["date"].dt.strftime("%Y-%m-%d").tolist() == TABLE["fecha"].tolist()
    assert found.frame["category"].tolist() == TABLE["delito"].tolist()
    assert found.frame["folio"].tolist() == TABLE["folio"].tolist()  # leading zeros are kept
    assert found.frame.index.tolist() == list(range(2, N + 2))
    assert found.audit.n_in == found.audit.n_placed == found.report.rows == N


@pytest.mark.parametrize("name", ["p.gpkg", "p.geojson", "p.kml", "p.kmz", "p.parquet", "p.zip"])
def test_the_same_points_from_every_geographic_format(tmp_path: Path, name: str) -> None:
    path, points = tmp_path / name, _points()
    if name == "p.parquet":
        points.to_parquet(path)
    elif name == "p.kmz":
        points.to_file(tmp_path / "p.kml", driver="KML")
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "p.kml", "doc.kml")
    elif name == "p.zip":
        points.to_file(tmp_path / "p.shp", encoding="utf-8")
        with zipfile.ZipFile(path, "w") as archive:
            for part in ("shp", "shx", "dbf", "prj", "cpg"):
                archive.write(tmp_path / f"p.{part}", f"p.{part}")
    else:
        points.to_file(path)
    found = sm.read_incidents(path, date="fecha", category="delito")
    assert found.frame["x"].to_numpy() == pytest.approx(TABLE["lon"])
    assert found.frame["category"].tolist() == TABLE["delito"].tolist()
    assert found.audit.n_in == N
    assert "tessellate" not in found.frame.columns


@pytest.mark.parametrize("ending", ["kml", "kmz"])
def test_areas_from_kml(tmp_path: Path, ending: str) -> None:
    areas = gpd.GeoDataFrame({"code": ["007", "008"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
    areas.to_file(tmp_path / "a.kml", driver="KML")
    if ending == "kmz":
        with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
            archive.write(tmp_path / "a.kml", "folder/areas.kml")
    read = sm.read_areas(tmp_path / f"a.{ending}", id="code")
    assert read.index.tolist() == ["007", "008"]
    assert read.total_bounds.tolist() == [0.0, 0.0, 2.0, 1.0]


def test_a_kmz_without_a_document_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
        archive.writestr("picture.png", b"x")
    with pytest.raises(InputError, match="no KML document"):
        sm.read_areas(tmp_path / "a.kmz", id="code")


# --- several sheets


def _months(path: Path, **changed: list) -> Path:
    sheets = {
        "Enero": [["Registro"], [], ["lon", "lat", "delito", "hora"],
                  *[[-99.1, 19.3, "robo", "10:00"]] * 5, ["Total", None, None, None]],
        "Febrero": [["lat", "lon ", "Delito", "hora"], *[[19.3, -99.1, "hurto", "11:00"]] * 3],
        "Notas": [],
    }  # fmt: skip
    path.write_bytes(workbook({**sheets, **changed}))
    return path


@pytest.mark.parametrize("sheet", ["all", ["Enero", "Febrero"]])
def test_months_in_sheets_become_one_table(tmp_path: Path, sheet: object) -> None:
    found = sm.read_incidents(
        _months(tmp_path / "a.xlsx"), lon="lon", lat="lat", category="delito", sheet=sheet
    )
    assert found.frame.index.tolist() == [f"Enero!{i}" for i in range(4, 9)] + [
        f"Febrero!{i}" for i in range(2, 5)
    ]
    assert found.frame["sheet"].tolist() == ["Enero"] * 5 + ["Febrero"] * 3
    assert found.frame["x"].unique().tolist() == [-99.1]
    assert found.audit.set_aside["reason"].to_dict() == {"Enero!9": "total_row"}
    assert found.audit.n_in == 9 == found.audit.n_placed + found.audit.n_set_aside
    assert found.report.sheet == "Enero, Febrero"
    assert any("put below each other" in note for note in found.report.notes)


def test_several_sheets_are_not_guessed(tmp_path: Path) -> None:
    path = _months(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match='sheet="all"'):
        sm.read_incidents(path, lon="lon", lat="lat")
    with pytest.raises(InputError, match="its sheets are"):
        sm.read_incidents(path, lon="lon", lat="lat", sheet=["Enero", "Marzo"])
    with pytest.raises(InputError, match="each once"):
        sm.read_incidents(path, lon="lon", lat="lat", sheet=["Enero", "Enero"])
    summary = [["tipo", "n"], ["robo", 5], ["hurto", 3]]
    with pytest.raises(InputError, match=r"'Enero' and 'Resumen' do not have the same columns"):
        sm.read_incidents(_months(path, Resumen=summary), lon="lon", lat="lat", sheet="all")


# --- SPSS and Stata


def _codes(path: Path) -> Path:
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat reads SPSS and Stata files")
    frame = pd.DataFrame(
        {"delito": [1.0, 2, 2, 99], "edad": [30.0, 41, 999, np.nan], "nivel": [1.0, 2, 3, 4],
         "ingreso": [100.0, 250, 99, 310], "cuando": [dt.datetime(2023, 1, 31, 21, 5)] * 4,
         "x": [-99.1] * 4, "y": [19.3] * 4}
    )  # fmt: skip
    labels = {
        "delito": {1: "Robo", 2: "Daño", 99: "No sabe"},
        "edad": {999: "Rehusó"},
        "nivel": {1: "alto", 2: "bajo", 3: "alto", 4: "medio"},
        "ingreso": {99: "NS/NC"},
    }
    if path.suffix == ".sav":
        missing = {"edad": [999], "delito": [{"lo": 90, "hi": 99}]}
        pyreadstat.write_sav(frame, str(path), variable_value_labels=labels, missing_ranges=missing)
    else:
        frame["edad"] = frame["edad"].astype(object)
        frame.loc[2, "edad"], labels["edad"] = "a", {"a": "Rehusó"}
        pyreadstat.write_dta(
            frame, str(path), variable_value_labels=labels, missing_user_values={"edad": ["a"]}
        )
    return path


@pytest.mark.parametrize("name", ["a.sav", "a.dta"])
def test_labels_are_kept_and_missing_codes_are_missing(tmp_path: Path, name: str) -> None:
    """F8, S12: a labelled code is no number, and a declared 999 is never averaged in."""
    raw = read_table(_codes(tmp_path / name))
    frame = raw.frame
    assert frame["delito"].tolist()[:3] == ["Robo", "Daño", "Daño"]
    assert str(frame["delito"].dtype) == "category"
    assert frame["edad"].mean() == pytest.approx(35.5)
    assert frame["edad_missing"].tolist()[2] == "Rehusó"
    assert frame["edad_missing"].notna().sum() == 1
    assert frame["nivel"].tolist() == ["alto (1)", "bajo", "alto (3)", "medio"]
    assert raw.facts["value_labels"]["delito"] == {"1": "Robo", "2": "Daño", "99": "No sabe"}
    assert list(raw.facts["missing_codes"]["edad"].values()) == ["Rehusó"]
    assert frame["ingreso"].tolist() == [100, 250, 99, 310]
    assert any("'ingreso' holds numbers, but '99'" in note for note in raw.notes)
    if name.endswith("sav"):
        assert frame["delito"].isna().tolist() == [False, False, False, True]
        assert frame["delito_missing"].tolist()[3] == "No sabe"
    found = sm.read_incidents(tmp_path / name, lon="x", lat="y", date="cuando", category="delito")
    assert found.frame["date"].dt.hour.unique().tolist() == [21]
    assert found.report.value_labels["delito"]["1"] == "Robo"
    robbed = sm.select_incidents(found, where={"delito": "Robo"})
    assert robbed.audit.n_placed == 1


def test_survey_from_spss(tmp_path: Path) -> None:
    found = sm.read_survey(_codes(tmp_path / "a.sav"), lon="x", lat="y")
    assert found.frame["delito"].iloc[0] == "Robo"
    assert found.audit.n_in == 4


def test_without_pyreadstat_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.sav").write_bytes(b"$FL2")
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(MissingExtraError, match=r'needs pyreadstat: pip install "safemap\[stats-files\]"\.$'):
        sm.read_incidents(tmp_path / "a.sav", lon="x", lat="y")


def test_old_stata_file_in_another_encoding(tmp_path: Path) -> None:
    """Stata before 14 wrote bytes of the machine: the encoding must be stated."""
    pytest.importorskip("pyreadstat", reason="pyreadstat reads SPSS and Stata files")
    path = tmp_path / "a.dta"
    words = pd.DataFrame({"vid": ["Kraja__", "Grabej_"], "n": [1.0, 2.0]})
    words.to_stata(path, write_index=False, version=114)
    data = path.read_bytes().replace(b"Kraja__", "Кража__".encode("cp1251"))
    path.write_bytes(data)
    read = read_table(path, encoding="cp1251")
    assert read.frame["vid"].tolist() == ["Кража__", "Grabej_"]
    assert read.facts["encoding"] == "cp1251"


@pytest.mark.parametrize("name", ["a.sav", "a.dta"])
def test_not_a_statistical_file(tmp_path: Path, name: str) -> None:
    pytest.importorskip("pyreadstat", reason="pyreadstat reads SPSS and Stata files")
    (tmp_path / name).write_text("lon,lat\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as a file of S"):
        sm.read_incidents(tmp_path / name, lon="lon", lat="lat")


def test_invalid_utf8_inside_parquet_is_one_sentence(tmp_path: Path) -> None:
    """Arrow reads such a file; the text broke later, with a foreign exception."""
    path = tmp_path / "a.parquet"
    pd.DataFrame({"lon": [1.0, 2.0], "lat": [1.0, 2.0], "k": ["ROBO_A", "ROBO_B"]}).to_parquet(
        path, compression=None
    )
    path.write_bytes(path.read_bytes().replace(b"ROBO_A", b"RO\xff\xfe_A"))
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        sm.read_incidents(path, lon="lon", lat="lat", category="k")
