"""Nothing leaves that was not asked for: every byte of every output is searched."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import safemap as sm

_spec = spec_from_file_location("job_city", Path(__file__).with_name("conftest.py"))
_city = module_from_spec(_spec)
_spec.loader.exec_module(_city)


def outputs(done):
    return {p.relative_to(done.out).as_posix(): p.read_bytes() for p in done.out.rglob("*") if p.is_file()}


@pytest.mark.parametrize("canary", _city.CANARIES)
def test_no_column_that_was_not_asked_for_is_in_any_file(done, canary):
    for name, content in outputs(done).items():
        assert canary.encode() not in content, name


def test_no_position_of_an_event_is_in_any_text(done, truth):
    texts = {name: content for name, content in outputs(done).items() if not name.endswith(".gpkg")}
    for x, y in truth["positions"]:
        for name, content in texts.items():
            assert x.encode() not in content, name
            assert y.encode() not in content, name


def test_the_geopackage_holds_areas_and_no_points(done):
    with closing(sqlite3.connect(done.out / "areas.gpkg")) as file:
        kinds = file.execute("SELECT table_name, geometry_type_name FROM gpkg_geometry_columns").fetchall()
        layers = [row[0] for row in file.execute("SELECT table_name FROM gpkg_contents ORDER BY table_name")]
        assert file.execute("SELECT count(*) FROM areas").fetchone() == (36,)
    results = ["local_getis_ord", "local_moran", "rates", "smoothed_rates"]
    assert sorted(kinds) == [(name, "MULTIPOLYGON") for name in sorted(["areas", *results])]
    assert layers == sorted(["areas", *results, "data_dictionary", "layer_styles", "legend"])


def test_every_number_of_a_withheld_area_is_gone_from_every_table(done, truth):
    hidden = {area for area, n in truth["counts"].items() if 0 < n < 5}
    assert len(hidden) > 5
    allowed = {"area_id", "name", "population", "neighbours", "suppressed", "../district_id"}
    seen = 0
    for path in sorted((done.out / "tables").glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("area_id") in hidden and "suppressed" in row:
                    left = {key for key, value in row.items() if value and key not in allowed}
                    assert left == set(), (path.name, row["area_id"], left)
                    seen += 1
    assert seen == 5 * len(hidden)


def test_no_count_from_one_to_four_stands_in_a_table_of_areas(done):
    counts = ("events", "inside", "boundary", "overlap", "nearest", "recorded", "agree")
    for path in sorted((done.out / "tables").glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if "area_id" in row:
                    small = [key for key in counts if row.get(key) in ("1", "2", "3", "4")]
                    assert small == [], path.name


def test_the_map_knows_no_number_of_a_withheld_area(city, tmp_path, truth):
    """Two registers that differ in nothing but one withheld count, with k so large that all are withheld."""
    lines = (city / "incidents.csv").read_text(encoding="utf-8").splitlines()
    area = next(area for area, n in truth["counts"].items() if n == 4)
    rows = [number for number, line in enumerate(lines) if line.endswith(f",robbery,{area}")]
    other = [line for number, line in enumerate(lines) if number != rows[0]]
    blocks = []
    for name, content in (("one", lines), ("two", other)):
        (tmp_path / f"{name}.csv").write_text("\n".join(content) + "\n", encoding="utf-8")
        config = sm.load_assessment(
            city / "assessment.toml", {"incidents.path": str(tmp_path / f"{name}.csv"), "disclosure.k": 1000}
        )
        done = sm.run_assessment(config, tmp_path / name)
        html = (done.out / "map.html").read_text(encoding="utf-8")
        found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, flags=re.DOTALL)
        data = json.loads(found[1])
        blocks.append({key: value for key, value in data.items() if key not in ("methods", "audit", "rows")})
        with open(done.out / "tables" / "rates.csv", encoding="utf-8", newline="") as file:
            assert {row["events"] for row in csv.DictReader(file)} == {"", "0"}
    withheld = [position for position, n in enumerate(truth["counts"].values()) if n]
    found = [values_of_areas(block, withheld) for block in blocks]
    assert found[0] == found[1]
    assert sum(set(values) == {None} for values in found[0]) >= 4, (
        "a list of nothing but withheld values per layer"
    )


def values_of_areas(data, positions):
    """What every list of 36 values in the block, one per area, holds at `positions`."""
    if isinstance(data, dict):
        data = list(data.values())
    if not isinstance(data, list):
        return []
    if len(data) == 36:
        return [[json.dumps(data[p]) if data[p] is not None else None for p in positions]]
    return [values for item in data for values in values_of_areas(item, positions)]


def test_text_that_begins_like_a_formula_is_harmless_and_recorded(done):
    for path in sorted(done.out.rglob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    number = re.fullmatch(r"-?\d+(\.\d+)?", cell)
                    assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), path.name
    manifest = json.loads((done.out / "provenance.json").read_text(encoding="utf-8"))
    assert manifest["cells_neutralised"]["tables/rates.csv"] == 36


def test_a_name_from_the_data_stays_inside_the_folder(done):
    assert (done.out / "tables" / "reconciliation_district.csv").is_file()
    assert not list(done.out.parent.glob("*district*"))
