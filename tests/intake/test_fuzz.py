"""Random harm done to valid files: a safemap error, or a table in which no row is lost; no other crash."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import random
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

import safemap as sm
from safemap.datasets._xlsx import workbook
from safemap.errors import SafemapError

CITY = gpd.GeoDataFrame(geometry=[box(-99.2, 19.2, -98.9, 19.5)], index=["a"], crs=4326)
COLUMNS = {"lon": "lon", "lat": "lat", "date": "d", "time": "h", "category": "k"}
WHOLE = "lat;lon;d;h;k\n" + "".join(
    f"19,{30 + i};-99,{10 + i % 9};{13 + i}/04/2023;{i:02d}:30:00;Daño {i % 3}\n" for i in range(15)
)

CELLS = st.one_of(
    st.sampled_from(
        ["", "NA", "19.3", "19,3", "-99.1", "0", "1e400", "2023-01-31", "31/01/2023", "01/31/2023", "24:61"]
    ),
    st.floats().map(str),
    st.text(max_size=10),
)


def _run(path: object) -> sm.JoinResult:
    """The whole path; whatever comes out adds up."""
    incidents = sm.read_incidents(path, **COLUMNS)
    chosen = sm.select_incidents(incidents, period=("2023-01-01", "2023-12-31"))
    clean = sm.clean_incidents(chosen, within=CITY, duplicates="set-aside", pileups="set-aside")
    joined = sm.join_areas(clean, CITY)
    audit = joined.audit
    assert audit.rows.equals(incidents.frame.index)
    assert audit.n_placed + audit.n_set_aside == len(incidents.frame)
    assert set(audit.placed).isdisjoint(audit.set_aside.index)
    return joined


def test_the_whole_file_passes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(WHOLE, encoding="latin-1")
    assert _run(tmp_path / "a.csv").audit.n_placed == 15


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_bytes_changed_cut_or_put_in(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(WHOLE.encode(data.draw(st.sampled_from(["utf-8", "latin-1", "utf-8-sig", "utf-16"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        how = data.draw(st.sampled_from(["put", "cut", "change", "truncate"]))
        piece = data.draw(
            st.binary(min_size=1, max_size=3) | st.sampled_from([b'"', b";", b"\n", b"\r", b"\x00", b","])
        )
        if how == "put":
            raw[at:at] = piece
        elif how == "cut":
            del raw[at : at + len(piece)]
        elif how == "change":
            raw[at : at + len(piece)] = piece
        else:
            del raw[at:]
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(raw))
    with contextlib.suppress(SafemapError):
        _run(path)


@settings(deadline=None, max_examples=120)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), max_size=25))
def test_frames_of_anything(rows: list[tuple[str, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=["lat", "lon", "d", "h", "k"], dtype=object)
    with contextlib.suppress(SafemapError):
        _run(frame)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=15))
def test_a_file_and_a_frame_of_the_same_cells_agree(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    """What is read from a CSV equals what is read from the cells themselves."""
    rows = [tuple(c.replace("\r", " ").replace("\x00", " ") for c in row) for row in rows]
    rows = [row for row in rows if any(c for c in row)]
    stream = io.StringIO()
    csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [("lat", "lon", "d", "h", "k"), *rows]
    )
    path = tmp_path / "a.csv"
    path.write_bytes(stream.getvalue().encode("utf-8", "replace"))
    frame = pd.DataFrame(rows, columns=["lat", "lon", "d", "h", "k"], dtype=object)
    try:
        table = sm.read_incidents(path, delimiter=";", **COLUMNS).frame
    except SafemapError as error:
        with pytest.raises(type(error)):
            sm.read_incidents(frame, **COLUMNS)
        return
    other = sm.read_incidents(frame, **COLUMNS).frame
    assert (
        table[["x", "y", "date"]]
        .reset_index(drop=True)
        .equals(other[["x", "y", "date"]].reset_index(drop=True))
    )


#: files whose rows have a geometry
POINTS = ("t.gpkg", "t.geo.parquet", "t.kml", "t.kmz")


def _valid(folder: Path, name: str) -> Path:
    """A small valid file of each kind."""
    areas = gpd.GeoDataFrame(
        {"k": [f"{i:03d}" for i in range(20)]},
        geometry=[box(-99.2 + i / 100, 19.2, -99.19 + i / 100, 19.3) for i in range(20)],
        crs=4326,
    )
    points = areas.set_geometry([Point(-99.2 + i / 100, 19.25) for i in range(20)]).set_crs(4326)
    table = pd.DataFrame({"lat": [19.25] * 20, "lon": [-99.1] * 20})
    path = folder / name
    if name == "a.zip":
        areas.to_file(folder / "a.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for part in ("shp", "shx", "dbf", "prj"):
                archive.write(folder / f"a.{part}", f"a.{part}")
    elif name.startswith("a.") and not name.endswith(".kmz"):
        areas.to_file(path)
    elif name == "t.gpkg":
        points.to_file(path)
    elif name == "t.xlsx":
        table.to_excel(path, index=False)
    elif name == "t.parquet":
        pytest.importorskip("pyarrow")
        table.assign(k="ROBO").to_parquet(path, compression=None)
    elif name == "t.geo.parquet":
        pytest.importorskip("pyarrow")
        points.to_parquet(path)
    elif name == "t.kml":
        points.to_file(path, driver="KML")
    elif name.endswith(".kmz"):
        (points if name == "t.kmz" else areas).to_file(folder / "doc.kml", driver="KML")
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(folder / "doc.kml", "doc.kml")
    elif name == "t.ods":
        pyogrio.write_dataframe(table, path, driver="ODS")
    elif name == "t.xls":
        xlwt = pytest.importorskip("xlwt", reason="xlwt writes the XLS of this test")
        book = xlwt.Workbook()
        sheet = book.add_sheet("s")
        for j, column in enumerate(table.columns):
            sheet.write(0, j, column)
            for i, value in enumerate(table[column], start=1):
                sheet.write(i, j, value)
        book.save(str(path))
    elif name in ("t.sav", "t.dta"):
        pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat reads SPSS and Stata files")
        labelled = table.assign(k=[1.0, 2.0] * 10, s="texto")
        write = pyreadstat.write_sav if name == "t.sav" else pyreadstat.write_dta
        write(labelled, str(path), variable_value_labels={"k": {1: "Robo", 2: "Daño"}})
    else:
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "a.gpkg",
        "a.geojson",
        "a.zip",
        "a.kmz",
        "t.gpkg",
        "t.xlsx",
        "t.xls",
        "t.ods",
        "t.parquet",
        "t.geo.parquet",
        "t.csv.gz",
        "t.kml",
        "t.kmz",
        "t.sav",
        "t.dta",
    ],
)
def test_damaged_files_of_every_kind(tmp_path: Path, name: str) -> None:
    """A few bytes changed, cut or put in: read all the same, or one sentence; no foreign exception."""
    whole = _valid(tmp_path, name).read_bytes()
    path = tmp_path / f"damaged_{name}"
    rng = random.Random(name)
    refused = 0
    for _ in range(60):
        raw = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        path.write_bytes(bytes(raw[: rng.choice([len(raw), len(raw), len(raw) // 2])]))
        try:
            if name.startswith("a."):
                sm.read_areas(path, id="k")
            else:
                place = {} if name in POINTS else {"lon": "lon", "lat": "lat"}
                found = sm.read_incidents(path, **place)
                assert found.audit.n_placed + found.audit.n_set_aside == found.report.rows
        except SafemapError:
            refused += 1
    assert refused


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_harm_inside_the_parts_of_a_workbook(tmp_path: Path, data: st.DataObject) -> None:
    """The archive is whole and its checksums are right: the harm reaches the reader of sheets."""
    whole = tmp_path / "whole.xlsx"
    rows = [["lon", "lat", "k"], *[[-99.1, 19.3, "robo"]] * 9, ["Total", None, 9]]
    whole.write_bytes(workbook({"a": rows, "b": rows}, merged={"a": ["A1:B1"]}))
    with zipfile.ZipFile(whole) as archive:
        parts = {name: bytearray(archive.read(name)) for name in archive.namelist()}
    part = parts[data.draw(st.sampled_from(sorted(parts)))]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(part)))
        part[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, bytes(content))
    with contextlib.suppress(SafemapError):
        found = sm.read_incidents(path, lon="lon", lat="lat", category="k", sheet="all")
        assert found.audit.n_placed + found.audit.n_set_aside == found.report.rows


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_texts_of_parquet_that_are_no_utf8(tmp_path: Path, text: bytes) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(_ends(text)), pa.py_buffer(text)])
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"lon": [1.0], "lat": [1.0], "k": bad}), path)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(SafemapError, match="cannot be read as Parquet"):
            sm.read_incidents(path, lon="lon", lat="lat", category="k")
        return
    assert len(sm.read_incidents(path, lon="lon", lat="lat", category="k").frame) == 1


def _ends(text: bytes) -> bytes:
    return (0).to_bytes(4, "little") + len(text).to_bytes(4, "little")
