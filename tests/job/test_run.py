"""One assessment from files to folder: complete, exact, repeatable."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import warnings

import geopandas as gpd
import pytest

import safemap as sm
from safemap import job
from safemap.errors import AuditError, DataWarning, OutputError, PrivacyError
from safemap.output.bundle import MANIFEST, verify_bundle

FILES = {
    "map.html", "areas.gpkg", "methods.md", "audit.csv", "provenance.json", "tables/rates.csv",
    "tables/smoothed_rates.csv", "tables/local_moran.csv", "tables/local_getis_ord.csv",
    "tables/global_moran.csv", "tables/reconciliation.csv", "tables/reconciliation_district.csv",
    "tables/audit_reasons.csv", "tables/boundaries.csv", "tables/data_dictionary.csv",
    *(f"figures/{layer}.{kind}" for kind in ("png", "pdf")
      for layer in ("rates", "smoothed_rates", "local_moran", "local_getis_ord")),
}  # fmt: skip


def table(done, name):
    with open(done.out / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_folder_is_complete_and_verified(done):
    assert set(done.files) == FILES
    assert {p.relative_to(done.out).as_posix() for p in done.out.rglob("*") if p.is_file()} == FILES
    assert verify_bundle(done.out).ok


def test_counts_and_rates_are_those_of_the_file(done, truth):
    for row in table(done, "tables/rates.csv"):
        n, people = truth["counts"][row["area_id"]], 2000 + 100 * int(row["area_id"])
        assert row["population"] == str(people)
        if 0 < n < 5:
            assert (row["events"], row["estimate"], row["suppressed"]) == ("", "", "true")
        else:
            rate = n / people * 100_000 * 365.25 / 365
            assert int(row["events"]) == n
            assert float(row["estimate"]) == pytest.approx(rate, rel=0.005)


def test_rows_add_up_in_every_account(done, truth):
    placed = sum(truth["counts"].values())
    audit = done.findings.audit
    assert (audit.n_in, audit.n_placed, audit.n_set_aside) == (placed + 7, placed, 7)
    reasons = {row["reason"]: int(row["rows"]) for row in table(done, "tables/audit_reasons.csv")}
    assert reasons["missing_coordinates"] == 3
    assert reasons["not_selected"] == 4
    assert reasons["rows_in"] == reasons["placed"] + reasons["set_aside"]
    aside = table(done, "audit.csv")
    assert [int(row["row"]) for row in aside] == list(range(placed + 2, placed + 9))
    assert set(aside[0]) == {"row", "step", "reason", "kind", "what", "remedy"}
    manifest = json.loads((done.out / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["rows"]["in"] == manifest["rows"]["placed"] + manifest["rows"]["set_aside"] == audit.n_in


def test_the_files_tell_the_same_story(done):
    rates = {row["area_id"]: row for row in table(done, "tables/rates.csv")}
    moran = {row["area_id"]: row for row in table(done, "tables/local_moran.csv")}
    layer = gpd.read_file(done.out / "areas.gpkg", layer="areas").set_index("area_id")
    assert list(rates) == list(moran) == layer.index.tolist()
    for area, row in rates.items():
        hidden = row["suppressed"] == "true"
        assert layer.loc[area, "suppressed"] == hidden
        assert (moran[area]["cluster"] == "") == hidden
        if not hidden:
            assert int(row["events"]) == layer.loc[area, "events"]
            assert float(row["estimate"]) == layer.loc[area, "rate"]
            assert moran[area]["cluster"] == layer.loc[area, "lm_class"]


def test_the_methods_text_says_what_was_done(done, truth):
    text = (done.out / "methods.md").read_text(encoding="utf-8")
    placed = sum(truth["counts"].values())
    for words in (
        "Robbery &lt;b&gt;2023&lt;/b&gt;", f"{placed + 7} rows in = {placed} placed + 7 set aside",
        "2023-01-01 to 2023-12-31", "365 days", "Hit rate: 99.", "Denominator: residents", "Garwood",
        "Null hypothesis", "999 random", "up to 9,999", "seed 0", "Benjamini-Hochberg", "smallest p",
        "areas flagged", "By chance alone", "Counts from 1 to 4 are withheld", 'kind = "robbery"',
        "do not imply official endorsement", f"safemap {sm.__version__}",
    ):  # fmt: skip
        assert words in text, words
    assert "<b>" not in text
    assert "below 85%" not in text


def test_a_low_hit_rate_is_said(city, tmp_path):
    lines = (city / "incidents.csv").read_text(encoding="utf-8").splitlines()
    lost = [",".join([*row.split(",")[:3], "", "", *row.split(",")[5:]]) for row in lines[1:100]]
    (tmp_path / "incidents.csv").write_text(
        "\n".join([lines[0], *lost, *lines[100:]]) + "\n", encoding="utf-8"
    )
    config = sm.load_assessment(city / "assessment.toml", {"incidents.path": str(tmp_path / "incidents.csv")})
    done = sm.run_assessment(config, tmp_path / "out")
    assert done.findings.audit.hit_rate < 0.85
    text = (tmp_path / "out" / "methods.md").read_text(encoding="utf-8")
    assert "below 85%, the level below which" in text
    assert "below 85%" in done.summary()


def test_the_summary_has_at_most_ten_lines(done):
    lines = done.summary().splitlines()
    assert 8 <= len(lines) <= 10
    assert "placed" in lines[1]
    assert lines[-1].endswith("map.html")


def test_the_manifest_names_settings_seed_and_versions_and_no_path(done, city):
    text = (done.out / MANIFEST).read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert manifest["seed"] == 0
    assert manifest["assessment"]["incidents"]["path"] == "incidents.csv"
    assert manifest["versions"]["safemap"] == sm.__version__
    assert manifest["inputs"][0] == {
        "role": "incidents",
        "file": "incidents.csv",
        "rows": done.findings.audit.n_in,
    }
    assert manifest["automatic"]["incidents"]["delimiter"] == ","
    assert manifest["date"] == done.findings.joined.frame["date"].max().strftime("%Y-%m-%d")
    for path in done.out.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(city).encode() not in content, path.name
            assert str(done.out).encode() not in content, path.name


def test_two_processes_write_the_same_bytes(city, tmp_path):
    """Another hash seed, another folder, another day: the same bytes."""
    found = []
    for number in (1, 2):
        out = tmp_path / f"run{number}" / ("deeper" * number)
        environment = {
            **os.environ,
            "PYTHONHASHSEED": str(number),
            "TZ": ("UTC", "Asia/Tashkent")[number - 1],
        }
        command = [
            sys.executable,
            "-m",
            "safemap",
            "run",
            str(city / "assessment.toml"),
            "--out",
            str(out),
            "--quiet",
        ]
        subprocess.run(command, check=True, env=environment, cwd=tmp_path)
        found.append({p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
                      for p in out.rglob("*") if p.is_file()})  # fmt: skip
    assert found[0] == found[1]
    assert set(found[0]) == FILES


def test_the_order_of_the_rows_changes_no_number(city, done, tmp_path):
    lines = (city / "incidents.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "incidents.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n", encoding="utf-8")
    config = sm.load_assessment(city / "assessment.toml", {"incidents.path": str(tmp_path / "incidents.csv")})
    turned = sm.run_assessment(config, tmp_path / "out")
    for name in ("rates", "local_moran", "local_getis_ord", "reconciliation"):
        assert (turned.out / f"tables/{name}.csv").read_bytes() == (
            done.out / f"tables/{name}.csv"
        ).read_bytes()


def test_dates_inside_come_from_the_environment_when_it_says_so(city, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    sm.run_assessment(city / "assessment.toml", tmp_path / "out")
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["date"] == "2023-11-14"


@pytest.mark.parametrize("step", ["select_incidents", "clean_incidents", "join_areas"])
def test_a_row_lost_inside_the_pipeline_stops_the_run(city, tmp_path, monkeypatch, step):
    """Delete one row after a step, as a fault in the code would: no folder comes out."""
    from dataclasses import replace

    module = {
        "select_incidents": "safemap.intake.selection",
        "clean_incidents": "safemap.intake.cleaning",
        "join_areas": "safemap.analysis.joining",
    }[step]
    real = getattr(sys.modules[module], step)

    def losing(*arguments, **options):
        result = real(*arguments, **options)
        return replace(result, frame=result.frame.iloc[1:])

    monkeypatch.setattr(f"{module}.{step}", losing)
    with pytest.raises(AuditError, match="lost"):
        sm.run_assessment(city / "assessment.toml", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_public_is_refused_before_anything_is_read(city, tmp_path):
    config = sm.load_assessment(
        city / "assessment.toml", {"disclosure.audience": "public", "areas.path": "nowhere"}
    )
    with pytest.raises(PrivacyError, match="complementary suppression"):
        sm.run_assessment(config, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_nothing_is_written(city, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = sm.run_assessment(city / "assessment.toml", None)
    assert done.out is None
    assert len(done.findings.rates.frame) == 36
    assert list(tmp_path.iterdir()) == []


def test_warnings_of_safemap_are_collected_and_others_pass():
    def give():
        with job._collected_warnings() as said:
            warnings.warn("two dates", DataWarning, stacklevel=1)
            warnings.warn("two dates", DataWarning, stacklevel=1)
            warnings.warn("foreign", UserWarning, stacklevel=1)
        return said

    with warnings.catch_warnings(record=True) as passed:
        warnings.simplefilter("always")
        said = give()
    assert [str(warning.message) for warning in passed] == ["foreign"]
    assert said == ["two dates"]


def test_progress_is_told_in_steps(city):
    told = []
    sm.run_assessment(city / "assessment.toml", None, progress=told.append)
    assert told[0] == "reading areas.geojson"
    assert len(told) >= 6


def test_a_folder_in_the_way_is_said(city, tmp_path):
    (tmp_path / "map.html").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write map\.html"):
        sm.run_assessment(city / "assessment.toml", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["map.html"]


def test_figures_are_configured_and_a_missing_letter_costs_only_the_figure(city, tmp_path):
    overrides = {"figures.formats": ["svg"], "figures.greyscale": True, "assessment.title": "\ua98f"}
    with pytest.warns(DataWarning, match=r"figures/rates was left out.*JAVANESE"):
        run = sm.run_assessment(sm.load_assessment(city / "assessment.toml", overrides), tmp_path)
    assert {f for f in run.files if f.startswith("figures/")} == {
        "figures/smoothed_rates.svg", "figures/local_moran.svg", "figures/local_getis_ord.svg"
    }  # fmt: skip
    manifest = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert "JAVANESE" in manifest["figures_left_out"]["rates"]
    none = sm.load_assessment(city / "assessment.toml", {"figures.formats": []})
    assert not any("figures" in f for f in sm.run_assessment(none, tmp_path).files)
    assert not (tmp_path / "figures" / "local_moran.svg").exists()


def test_base_interval_and_files_for_a_gis_are_as_asked_for(city, tmp_path):
    overrides = {
        "rates.base": "dwellings", "rates.interval": "mid-p", "rates.per": 1000, "figures.formats": [],
        "output.gis": ["gpkg", "fgb"],
    }  # fmt: skip
    run = sm.run_assessment(sm.load_assessment(city / "assessment.toml", overrides), tmp_path)
    methods = (tmp_path / "methods.md").read_text(encoding="utf-8")
    assert "events per 1,000 dwellings a year, with 95% intervals, mid-p" in methods
    assert "Denominator: dwellings (column" in methods
    assert "residents" not in methods
    assert "Garwood" not in methods
    assert {"areas.gpkg", "areas.fgb", "areas.qml", "areas.sld", "areas_fields.csv"} <= set(run.files)
    rows = {row["field"]: row for row in table(run, "tables/data_dictionary.csv") if row["layer"] == "areas"}
    assert rows["population"]["unit"] == "dwellings"
    assert "residents" not in json.dumps(rows)
