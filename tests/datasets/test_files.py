"""The committed sample is, byte for byte, what the generator writes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tomllib

import geopandas as gpd
import pytest

from safemap import datasets

FILES = (
    "incidents.csv",
    "colonias.geojson",
    "alcaldias.geojson",
    "context.geojson",
    "planted.csv",
    "assessment.toml",
    "README.md",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    assert [p.name for p in datasets.write("iztapalapa", folder)] == list(FILES)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_committed_files_are_what_the_generator_writes(name, written, sample):
    assert (sample / name).read_bytes() == (written / name).read_bytes()


def test_nothing_else_is_committed_or_left_behind(written, sample):
    assert sorted(p.name for p in sample.iterdir()) == sorted(FILES)
    assert sorted(p.name for p in written.iterdir()) == sorted(FILES)


def test_another_process_with_another_hash_seed_writes_the_same(tmp_path, written):
    code = "import sys; from safemap import datasets; datasets.write('iztapalapa', sys.argv[1])"
    env = {**os.environ, "PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=env)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_another_seed_writes_other_events(tmp_path, written):
    datasets.write("iztapalapa", tmp_path, seed=5)
    assert (tmp_path / "incidents.csv").read_bytes() != (written / "incidents.csv").read_bytes()


def test_the_register_is_small_latin_1_and_rectangular(sample):
    raw = (sample / "incidents.csv").read_bytes()
    assert len(raw) < 3_000_000
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    rows = list(csv.reader(raw.decode("latin-1").splitlines()))
    assert {len(r) for r in rows} == {13}
    assert len(rows) == len(raw.decode("latin-1").splitlines())  # no line break inside a field


def test_the_register_reads_back_as_generated(sample):
    city = datasets.generate("iztapalapa")
    rows = list(csv.reader((sample / "incidents.csv").read_bytes().decode("latin-1").splitlines()))
    assert rows[0] == city.incidents.columns.tolist()
    assert rows[1:] == city.incidents.to_numpy().tolist()


def test_boundaries_read_back_as_generated(sample):
    city = datasets.generate("iztapalapa")
    areas = gpd.read_file(sample / "colonias.geojson").set_index("cve")
    assert areas.crs.to_epsg() == 4326
    assert areas.index.tolist() == city.areas.index.tolist()
    assert areas.geometry.to_numpy().tolist() == city.areas.geometry.to_numpy().tolist()
    assert (areas["poblacion"].fillna(-1) == city.areas["population"].fillna(-1)).all()
    assert (areas["nombre"] == city.areas["name"]).all()
    districts = gpd.read_file(sample / "alcaldias.geojson").set_index("cve_alc")
    assert districts.loc["007", "nombre"] == "Iztapalapa"
    context = gpd.read_file(sample / "context.geojson")
    assert set(context.geom_type) == {"LineString", "Point"}


def test_every_planted_row_is_listed(sample):
    truth = datasets.truth("iztapalapa")
    listed = {}
    for row in csv.DictReader((sample / "planted.csv").read_text(encoding="utf-8").splitlines()):
        listed.setdefault(row["planted"], []).append(int(row["row"]))
    assert listed == {code: sorted(rows) for code, rows in {**truth.faults, **truth.flags}.items()}


def test_the_readme_says_synthetic_first(sample):
    text = (sample / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# A SYNTHETIC city")
    for code, rows in datasets.truth("iztapalapa").faults.items():
        assert f"| `{code}` | {len(rows)} |" in text


def test_the_job_names_columns_that_exist(sample):
    job = tomllib.loads((sample / "assessment.toml").read_text(encoding="utf-8"))
    header = (sample / "incidents.csv").read_bytes().decode("latin-1").split("\n", 1)[0].split(",")
    for key in ("lon", "lat", "date", "time", "category", "address"):
        assert job["incidents"][key] in header
    for name in [job["incidents"]["path"], job["areas"]["path"], *job["map"]["context"]]:
        assert (sample / name).is_file()


def test_path_is_the_committed_folder_or_one_of_the_callers_choice(sample, tmp_path):
    assert datasets.path("iztapalapa") == sample
    assert datasets.path("iztapalapa", folder=tmp_path / "here") == tmp_path / "here"
    assert (tmp_path / "here" / "incidents.csv").is_file()


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    from safemap.datasets import _files

    target = tmp_path / "incidents.csv"
    target.write_text("earlier")

    def fail(source, destination):
        raise OSError("disk full")

    monkeypatch.setattr(_files.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        datasets.write("iztapalapa", tmp_path)
    assert target.read_text() == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["incidents.csv"]
