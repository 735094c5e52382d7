"""Repairs are proposed with their share and applied only by name; systems in doubt; what goes back."""

from __future__ import annotations

import io
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import box

import safemap as sm
from safemap.errors import ConfigError, InputError, PrivacyError
from safemap.intake.degrees import read_degrees
from safemap.intake.systems import datum_notes

CITY = gpd.GeoDataFrame(geometry=[box(-99.2, 19.2, -98.9, 19.5)], index=["a"], crs=4326)
X = np.linspace(-99.15, -98.95, 40)
Y = np.linspace(19.22, 19.48, 40)[::-1]


def _read(x: np.ndarray, y: np.ndarray) -> sm.Incidents:
    return sm.read_incidents(pd.DataFrame({"lon": x, "lat": y}), lon="lon", lat="lat")


def _utm(epsg: int) -> tuple[np.ndarray, np.ndarray]:
    return Transformer.from_crs(4326, epsg, always_xy=True).transform(X, Y)


SPOILED = {
    "swapped": (Y, X),
    "sign": (-X, Y),
    "swapped+sign": (Y, -X),
    "micro-degrees": (X * 1e6, Y * 1e6),
    "degrees-e5": (X * 1e5, Y * 1e5),
    "degrees-e7": (X * 1e7, Y * 1e7),
    "metres:EPSG:32614": _utm(32614),
    "metres:EPSG:6372": _utm(6372),
}


@pytest.mark.parametrize("repair", SPOILED)
@pytest.mark.parametrize("share", [1.0, 0.25])
def test_each_fault_is_named_with_its_share_and_mended_only_by_name(repair: str, share: float) -> None:
    n = int(len(X) * share)
    x, y = X.copy(), Y.copy()
    x[:n], y[:n] = SPOILED[repair][0][:n], SPOILED[repair][1][:n]
    incidents = _read(x, y)
    found = sm.propose_repairs(incidents, within=CITY)
    best = found[found["rows"] == found["rows"].max()]
    assert repair in best["repair"].tolist()
    assert best["rows"].iloc[0] == n
    assert best["share"].iloc[0] == 1.0
    assert best["share_of_all"].iloc[0] == pytest.approx(share)
    assert best["inside_now"].iloc[0] == pytest.approx(1 - share)
    assert incidents.frame["x"].equals(pd.Series(x, index=incidents.frame.index)), "nothing is changed"
    clean = sm.clean_incidents(incidents, within=CITY, repair=[repair])
    assert clean.audit.n_set_aside == 0
    assert clean.frame["x"].to_numpy() == pytest.approx(X, abs=1e-6)
    assert clean.frame["y"].to_numpy() == pytest.approx(Y, abs=1e-6)
    flag = "repaired_" + re.sub("[^a-z0-9]+", "_", repair.lower())
    assert len(clean.audit.flags[flag]) == n
    if share == 1.0:
        with pytest.raises(InputError, match=r"lies? in the study area"):
            sm.clean_incidents(incidents, within=CITY)
    else:
        assert sm.clean_incidents(incidents, within=CITY).audit.n_set_aside == n


def test_nothing_is_proposed_where_nothing_is_wrong() -> None:
    assert sm.propose_repairs(_read(X, Y), within=CITY).empty
    assert sm.propose_repairs(
        _read(X * 0 + 2.35, Y * 0 + 48.85), within=CITY
    ).empty  # Paris is no repair away


def test_an_unknown_repair_is_refused() -> None:
    with pytest.raises(ConfigError, match="repair accepts 'swapped'"):
        sm.clean_incidents(_read(X, Y), within=CITY, repair=["rotated"])


@pytest.mark.parametrize(
    ("text", "axis", "value"),
    [
        ("19°25'12\"N", "lat", 19.42),
        ("19º25’12”N", "lat", 19.42),
        ("N 19° 25.2'", "lat", 19.42),
        ("-99°08'30\"", "lon", -99.141666667),
        ("99°8'30\"O", "lon", -99.141666667),
        ("99° 8,5' W", "lon", -99.141666667),
        ("69°14'24'' В", "lon", 69.24),
        ("41°18'00\" с", "lat", 41.3),
        ("1°15'43.5\"S", "lat", -1.26208333),
        ("36°E", "lon", 36.0),
        ("19°61'00\"N", "lat", None),
        ("19°25'60\"N", "lat", None),
        ("99°8'30\"N", "lon", None),
        ("-99°8'30\"W", "lon", None),
        ("91°0'0\"N", "lat", None),
        ("19 25 12", "lat", None),
        ("19.5'12\"", "lat", None),
        ("", "lat", None),
    ],
)
def test_degrees_minutes_seconds(text: str, axis: str, value: float | None) -> None:
    read = read_degrees(pd.Series([text]), axis=axis)[0]
    assert np.isnan(read) if value is None else read == pytest.approx(value)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 179), st.integers(0, 59), st.integers(0, 59), st.sampled_from("EWOВЗ"))
def test_degrees_go_round(d: int, m: int, s: int, letter: str) -> None:
    read = read_degrees(pd.Series([f"{d}°{m:02d}'{s:02d}\"{letter}"]), axis="lon")[0]
    assert abs(read) * 3600 == pytest.approx(d * 3600 + m * 60 + s)
    assert (read < 0) == (letter in "WOЗ" and d + m + s > 0)


def test_a_register_in_degrees_minutes_seconds_is_read_and_told() -> None:
    rows = pd.DataFrame({"lat": ["19°25'12\"N", "19.3", "x"], "lon": ["99°8'30\"W", "-99.1", "-99.1"]})
    found = sm.read_incidents(rows, lon="lon", lat="lat")
    assert found.frame["y"].tolist()[:2] == pytest.approx([19.42, 19.3])
    assert "column 'lat': degrees, minutes and seconds in 1 rows" in found.report.notes
    clean = sm.clean_incidents(found, within=CITY)
    assert clean.audit.set_aside["reason"].tolist() == ["unreadable_coordinates"]
    assert clean.audit.n_in == 3


# --- systems


def test_missing_system_is_ranked_by_overlap() -> None:
    found = sm.propose_crs(_utm(6372), within=CITY)
    assert found.index[0] == "EPSG:6372"
    assert found["share"].iloc[0] == 1.0
    assert sm.propose_crs((X, Y), within=CITY).loc["EPSG:4326", "share"] == 1.0


def test_datum_shift_is_seen_with_five_known_places() -> None:
    """F9: Arc 1960 taken for WGS 84 in Nairobi is some 300 m, a whole village of Mathare."""
    lon, lat = np.linspace(36.80, 36.90, 5), np.linspace(-1.30, -1.22, 5)
    x, y = Transformer.from_crs(4326, 21037, always_xy=True).transform(lon, lat)
    nairobi = gpd.GeoDataFrame(geometry=[box(36.6, -1.5, 37.1, -1.1)], crs=4326)
    found = sm.compare_control_points((x, y), (lon, lat), crs=32737, within=nairobi)
    assert found.index[0] == "EPSG:32737"
    assert found["median_m"].iloc[0] > 200
    assert found["median_m"].idxmin() == "EPSG:21037"
    assert found["median_m"].min() < 1
    with pytest.raises(InputError, match="five or more"):
        sm.compare_control_points((x[:4], y[:4]), (lon[:4], lat[:4]), crs=32737)


@pytest.mark.parametrize(
    ("crs", "told"),
    [(21037, True), (28412, True), (4284, True), (32737, False), (4326, False), (6372, False)],
)
def test_coarse_datums_are_told(crs: int, told: bool) -> None:
    assert bool(datum_notes(crs)) == told


def test_coarse_datum_is_in_the_report() -> None:
    found = sm.read_incidents(pd.DataFrame({"e": [258_000.0], "n": [9_860_000.0]}), x="e", y="n", crs=21037)
    assert any("Arc 1960" in note for note in found.report.notes)


# --- the return sheet


def _spoiled() -> tuple[sm.Incidents, sm.Incidents]:
    rows = pd.DataFrame(
        {"folio": ["=1+1", "b", "c", "d", "e"], "lon": [-99.1, 0, 19.3, -99.1, -99.0],
         "lat": [19.3, 0, -99.1, 19.3, 19.3],
         "fecha": ["2023-01-01", "2023-01-02", "2023-01-03", "2023-01-01", "2093-01-01"],
         "telefono": ["55", "56", "57", "58", "59"], "delito": ["robo"] * 5}
    )  # fmt: skip
    read = sm.read_incidents(rows, lon="lon", lat="lat", date="fecha")
    return read, sm.clean_incidents(read, within=CITY)


def test_the_return_sheet_says_what_is_wrong_without_personal_data(tmp_path: Path) -> None:
    read, clean = _spoiled()
    table = sm.return_sheet(clean, frame=read.frame, columns=["folio"])
    assert table["severity"].tolist() == sorted(table["severity"], key=["error", "warn", "info"].index)
    errors = table[table["severity"] == "error"]
    assert dict(zip(errors["row"], errors["code"], strict=True)) == {
        1: "zero_coordinates",
        2: "swapped_coordinates",
        4: "future_date",
    }
    assert table.loc[table["row"] == 2, "folio"].tolist() == ["c"]
    assert (table["what to do"].str.len() > 5).all()
    for name in ("back.xlsx", "back.csv"):
        sm.write_return_sheet(clean, tmp_path / name, frame=read.frame, columns=["folio"])
        content = (tmp_path / name).read_bytes()
        assert b"telefono" not in content
        assert not re.search(rb">=1\+1|^=1|,=1", content)
    book = pd.read_excel(
        io.BytesIO((tmp_path / "back.xlsx").read_bytes()), sheet_name=None, engine="calamine"
    )
    totals = dict(zip(book["totals"].iloc[:, 0], book["totals"]["rows"], strict=True))
    assert totals["in"] == 5 == totals["kept"] + totals["set aside"]
    assert len(book["rows"]) == len(table)


def test_personal_columns_never_go_back(tmp_path: Path) -> None:
    read, clean = _spoiled()
    with pytest.raises(PrivacyError, match=r"'telefono' \(header 'telefono'\)"):
        sm.write_return_sheet(clean, tmp_path / "back.xlsx", frame=read.frame, columns=["telefono"])
    assert not (tmp_path / "back.xlsx").exists()
    with pytest.raises(ConfigError, match=r"\.xlsx or \.csv"):
        sm.write_return_sheet(clean, tmp_path / "back.docx")
    with pytest.raises(InputError, match="needs an audit"):
        sm.return_sheet(read.frame)


def test_rows_not_asked_for_are_left_out_unless_wanted() -> None:
    read, _ = _spoiled()
    chosen = sm.select_incidents(read, period=("2023-01-02", "2023-01-31"))
    assert "outside_period" not in sm.return_sheet(chosen)["code"].tolist()
    assert sm.return_sheet(chosen, scope=True)["code"].tolist().count("outside_period") == 3
