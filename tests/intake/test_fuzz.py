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
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

import safemap as sm
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
    elif name.startswith("a."):
        areas.to_file(path)
    elif name == "t.gpkg":
        points.to_file(path)
    elif name == "t.xlsx":
        table.to_excel(path, index=False)
    elif name == "t.parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    else:
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    return path


@pytest.mark.parametrize(
    "name", ["a.gpkg", "a.geojson", "a.zip", "t.gpkg", "t.xlsx", "t.parquet", "t.csv.gz"]
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
                place = {} if name == "t.gpkg" else {"lon": "lon", "lat": "lat"}
                sm.read_incidents(path, **place)
        except SafemapError:
            refused += 1
    assert refused
