"""The command line as a user meets it: through the real program, with its exit codes and its words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

import safemap as sm
from safemap import errors
from safemap.cli import cli

QUICK = ("--set", "local.permutations=99", "--set", "local.max_permutations=99")


def safemap(*arguments, cwd=None, **environment):
    command = [sys.executable, "-m", "safemap", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, **environment}
    )


def square(x, y, **properties):
    ring = [[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


@pytest.fixture(scope="module")
def city_with_results(tmp_path_factory):
    """Nine areas, ninety events, a runnable assessment, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("city")
    write_city(folder)
    done = safemap("run", "assessment.toml", "--out", "out", "--quiet", *QUICK, cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture
def city(tmp_path):
    write_city(tmp_path)
    return tmp_path


def write_city(folder):
    cells = [(69.2 + i % 3 / 100, 41.2 + i // 3 / 100) for i in range(9)]
    features = [square(x, y, code=f"{i:02}", label=f"A{i}", people=1000) for i, (x, y) in enumerate(cells)]
    areas = {"type": "FeatureCollection", "features": features}
    (folder / "areas.geojson").write_text(json.dumps(areas))
    rows = ["lon,lat,date,offence"]
    for i, (x, y) in enumerate(cells):
        for n in range(6 + i):
            day = f"2023-0{1 + n % 9}-1{n % 9}"
            rows.append(f"{x + 0.002 + n / 5000:.5f},{y + 0.005:.5f},{day},robbery")
    (folder / "incidents.csv").write_text("\n".join(rows) + "\n")
    (folder / "assessment.toml").write_text(
        '[assessment]\ntitle = "T"\n[incidents]\npath = "incidents.csv"\nlon = "lon"\nlat = "lat"\n'
        'date = "date"\n[areas]\npath = "areas.geojson"\nid = "code"\npopulation = "people"\n'
    )


# --- speed and imports


def test_help_answers_in_half_a_second():
    best = min(_seconds("--help") for _ in range(3))
    assert best < 0.5


def _seconds(*arguments):
    start = time.perf_counter()
    assert safemap(*arguments).returncode == 0
    return time.perf_counter() - start


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help"), ("schema",)])
def test_nothing_heavy_is_imported_for_help_and_schema(arguments):
    command = [sys.executable, "-X", "importtime", "-m", "safemap", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    heavy = {"numpy", "pandas", "geopandas", "scipy", "folium", "libpysal", "esda", "rasterio", "matplotlib"}
    assert loaded & heavy == (set() if arguments[0] != "schema" else loaded & {"numpy"})


def test_every_command_has_help_and_json():
    for name, command in cli.commands.items():
        assert command.help, name
        assert {"as_json", "quiet", "verbose"} <= {option.name for option in command.params}, name


def test_help_lists_the_exit_codes():
    text = safemap("--help").stdout
    for code in (0, 1, 2, 3, 4, 5, 130):
        assert f"  {code} " in text
    known = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    assert known == {1, 2, 3, 4, 5}


# --- run


def test_run_writes_the_folder_and_ends_with_the_summary(city):
    done = safemap("run", "assessment.toml", "--out", "out", *QUICK, cwd=city)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.strip().splitlines()
    assert len(lines) <= 10
    assert "90 in = 90 placed + 0 set aside" in done.stdout
    assert "map.html" in lines[-1]
    checked = safemap("verify", "out", "--json", cwd=city)
    assert json.loads(checked.stdout)["ok"] is True


def test_json_is_one_document(city):
    done = safemap("run", "assessment.toml", "--out", "out", "--json", *QUICK, cwd=city)
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["rows"] == {"in": 90, "placed": 90, "set_aside": 0}
    assert "provenance.json" in document["files"]


def test_verbose_tells_the_steps_on_standard_error_only(city):
    done = safemap("run", "assessment.toml", "--out", "out", "-v", "--json", *QUICK, cwd=city)
    assert "reading incidents.csv" in done.stderr
    json.loads(done.stdout)


def test_seed_data_and_set_reach_the_run(city):
    elsewhere = city / "elsewhere"
    elsewhere.mkdir()
    (city / "assessment.toml").rename(elsewhere / "a.toml")
    done = safemap("run", "elsewhere/a.toml", "--data", ".", "--seed", "7", "--out", "out", *QUICK, cwd=city)
    assert done.returncode == 0
    manifest = json.loads((city / "out" / "provenance.json").read_text())
    assert manifest["seed"] == 7
    assert manifest["assessment"]["local"]["permutations"] == 99


def test_a_dry_run_writes_nothing(city):
    before = sorted(path.name for path in city.iterdir())
    done = safemap("run", "assessment.toml", "--out", "out", "--dry-run", *QUICK, cwd=city)
    assert done.returncode == 0
    assert "nothing was written" in done.stdout
    assert sorted(path.name for path in city.iterdir()) == before


# --- bad input: one clear sentence, the right exit code, no traceback, the folder as it was

BAD = {
    "no assessment": (lambda c: (c / "assessment.toml").unlink(), 3, "no file 'assessment.toml'"),
    "no register": (lambda c: (c / "incidents.csv").unlink(), 3, "incidents.csv"),
    "empty register": (lambda c: (c / "incidents.csv").write_bytes(b""), 3, "empty"),
    "header only": (lambda c: (c / "incidents.csv").write_text("lon,lat,date,offence\n"), 3, "no rows"),
    "missing column": (lambda c: replace(c, 'lon = "lon"', 'lon = "longitude"'), 3, "no such column"),
    "missing id": (lambda c: replace(c, 'id = "code"', 'id = "cod"'), 3, "no such column"),
    "unknown key": (lambda c: replace(c, "[areas]", "[areas]\nnmae = 'x'"), 2, "did you mean 'name'?"),
    "unknown section": (lambda c: replace(c, "[areas]", "[area]"), 2, "did you mean 'areas'?"),
    "no TOML": (lambda c: (c / "assessment.toml").write_text("title: x"), 2, "not valid TOML"),
    "bad value": (
        lambda c: replace(c, "[areas]", "[local]\nalpha = 5\n[areas]"),
        2,
        "between 0 and 1; got 5",
    ),
    "public": (lambda c: replace(c, "[areas]", '[disclosure]\naudience = "public"\n[areas]'), 5, "refused"),
    "empty areas": (lambda c: (c / "areas.geojson").write_bytes(b""), 3, "areas.geojson"),
    "no areas": (lambda c: (c / "areas.geojson").write_text("not json"), 3, "areas.geojson"),
    "no CRS": (lambda c: without_crs(c), 3, "coordinate"),
    "far away": (lambda c: move(c), 3, "incidents.csv"),
    "nothing placed": (lambda c: lose_positions(c), 3, "none of the 90 rows could be placed"),
    "no population": (lambda c: replace(c, '"people"', '"label"'), 3, "should hold inhabitants"),
    "nobody lives there": (lambda c: empty_areas(c), 4, "population"),
}


def replace(folder, old, new):
    file = folder / "assessment.toml"
    file.write_text(file.read_text().replace(old, new))


def without_crs(folder):
    import geopandas as gpd

    areas = gpd.read_file(folder / "areas.geojson").set_crs(None, allow_override=True)
    areas.to_file(folder / "areas.shp", engine="pyogrio")
    (folder / "areas.prj").unlink(missing_ok=True)
    replace(folder, "areas.geojson", "areas.shp")


def lose_positions(folder):
    rows = (folder / "incidents.csv").read_text().splitlines()
    lost = [",".join(["", "", *row.split(",")[2:]]) for row in rows[1:]]
    (folder / "incidents.csv").write_text("\n".join([rows[0], *lost]) + "\n")


def empty_areas(folder):
    text = (folder / "areas.geojson").read_text()
    (folder / "areas.geojson").write_text(text.replace('"people": 1000', '"people": 0'))


def move(folder):
    text = (folder / "incidents.csv").read_text()
    (folder / "incidents.csv").write_text(text.replace("69.2", "-99.2").replace("41.2", "19.2"))


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("case", BAD)
def test_bad_input(city_with_results, tmp_path, case):
    spoil, code, words = BAD[case]
    city = tmp_path / "city"
    shutil.copytree(city_with_results, city)
    before = {path: path.read_bytes() for path in (city / "out").rglob("*") if path.is_file()}
    spoil(city)
    done = safemap("run", "assessment.toml", "--out", "out", cwd=city)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.startswith("safemap: ")
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stdout == ""
    assert {path: path.read_bytes() for path in (city / "out").rglob("*") if path.is_file()} == before
    fresh = safemap("run", "assessment.toml", "--out", "new", "--json", cwd=city)
    assert not (city / "new").exists()
    assert json.loads(fresh.stdout)["exit_code"] == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Usage"),
        (("rnu",), "No such command"),
        (("run", "assessment.toml"), "Missing option '--out'"),
        (("run", "assessment.toml", "--out", "o", "--sed", "1"), "No such option"),
        (("run", "assessment.toml", "--out", "o", "--seed", "-1"), "--seed"),
        (("run", "assessment.toml", "--out", "o", "--set", "local"), "section.key=value"),
        (("init",), "Missing argument"),
    ],
)
def test_wrong_use(city, arguments, words):
    done = safemap(*arguments, cwd=city)
    assert done.returncode == 2
    assert words in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_an_internal_error_is_one_sentence_and_code_one(city):
    code = (
        "import safemap.job, sys\n"
        "def broken(*a, **k):\n    raise ZeroDivisionError('secret cell content')\n"
        "safemap.job.load_assessment = broken\n"
        "from safemap.cli import main; main(['run', 'assessment.toml', '--out', 'o'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=city)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "secret cell content" not in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interruption_has_its_own_code(city):
    code = (
        "import safemap.job\n"
        "def stop(*a, **k):\n    raise KeyboardInterrupt\n"
        "safemap.job.run_assessment = stop\n"
        "from safemap.cli import main; main(['run', 'assessment.toml', '--out', 'o'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=city)
    assert (done.returncode, done.stderr.strip()) == (130, "interrupted")


# --- init


def test_init_proposes_an_assessment_that_runs_at_once(sample, tmp_path):
    files = [
        sample / name
        for name in ("incidents.csv", "colonias.geojson", "alcaldias.geojson", "context.geojson")
    ]
    done = safemap("init", *files, cwd=tmp_path)
    assert done.returncode == 0
    text = (tmp_path / "assessment.toml").read_text(encoding="utf-8")
    config = sm.load_assessment(tmp_path / "assessment.toml")
    assert (config.incidents.lon, config.incidents.lat) == ("longitud", "latitud")
    assert (config.incidents.date, config.incidents.time, config.incidents.category) == (
        "fecha_hecho", "hora_hecho", "delito",
    )  # fmt: skip
    assert (config.areas.id, config.areas.name, config.areas.population) == ("cve", "nombre", "poblacion")
    assert [level.id for level in config.areas.levels] == ["cve_alc"]
    assert config.incidents.period == ("2023-01-01", "2023-12-31")
    assert config.map.context[0].name == "context.geojson"
    assert text.count("#") > 20
    ran = safemap("run", "assessment.toml", "--out", "out", "--json", *QUICK, cwd=tmp_path)
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["rows"]["in"] > 10_000


def test_init_never_writes_over_a_file_unasked(city):
    before = (city / "assessment.toml").read_bytes()
    done = safemap("init", "incidents.csv", "areas.geojson", cwd=city)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (city / "assessment.toml").read_bytes() == before
    shown = safemap("init", "incidents.csv", "areas.geojson", "--dry-run", cwd=city)
    assert 'lon = "lon"' in shown.stdout
    assert (city / "assessment.toml").read_bytes() == before
    forced = safemap("init", "incidents.csv", "areas.geojson", "--force", cwd=city)
    assert forced.returncode == 0
    assert safemap("run", "assessment.toml", "--out", "out", *QUICK, cwd=city).returncode == 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("incidents.csv",), "at least one file of boundaries"),
        (("areas.geojson",), "one register of incidents"),
        (("incidents.csv", "nowhere.gpkg"), "no such file"),
    ],
)
def test_init_says_what_it_misses(city, files, words):
    done = safemap("init", *files, "--out", "new.toml", cwd=city)
    assert done.returncode == 3
    assert words in done.stderr
    assert not (city / "new.toml").exists()


def test_init_leaves_dates_with_an_open_order_to_the_analyst(city):
    text = (city / "incidents.csv").read_text().splitlines()
    rows = [line.replace("2023-01-10", "03/04/2023") for line in text]
    ambiguous = [rows[0], *(",".join([*r.split(",")[:2], "03/04/2023", r.split(",")[3]]) for r in rows[1:])]
    (city / "incidents.csv").write_text("\n".join(ambiguous) + "\n")
    done = safemap("init", "incidents.csv", "areas.geojson", "--out", "new.toml", cwd=city)
    assert done.returncode == 0
    assert '# date = "date"' in (city / "new.toml").read_text()
    assert sm.load_assessment(city / "new.toml").incidents.date is None
    assert safemap("run", "new.toml", "--out", "out", *QUICK, cwd=city).returncode == 0


@pytest.mark.parametrize("hostile", ['x"]\n[local]\nrng = 9\n#', "tab\tand \\ backslash", "\u202edetats"])
def test_init_writes_hostile_values_as_text(city, hostile):
    import csv

    with open(city / "incidents.csv", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        row[3] = hostile
    rows[1][3] = "theft"
    with open(city / "incidents.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    done = safemap("init", "incidents.csv", "areas.geojson", "--out", "new.toml", cwd=city)
    assert done.returncode == 0, done.stderr
    assert sm.load_assessment(city / "new.toml").local.rng == 0


# --- the other commands


def test_schema_prints_a_valid_schema():
    schema = json.loads(safemap("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == json.loads(safemap("schema", "--json").stdout)


def test_doctor_names_both_gdals_and_the_extras():
    document = json.loads(safemap("doctor", "--json").stdout)
    assert {"GDAL (pyogrio)", "GDAL (rasterio)", "PROJ (pyproj)"} <= document["geographic"].keys()
    assert document["libraries"]["geopandas"][0].isdigit()
    assert "extra parquet" in document["extras"]
    assert "GDAL (pyogrio)" in safemap("doctor").stdout


def test_version():
    assert safemap("--version").stdout.strip().endswith(sm.__version__)


def test_verify_tells_a_changed_folder(city_with_results, tmp_path):
    city = tmp_path / "city"
    shutil.copytree(city_with_results, city)
    (city / "out" / "audit.csv").write_text("changed")
    done = safemap("verify", "out", cwd=city)
    assert done.returncode == 3
    assert "audit.csv" in done.stderr
    assert json.loads(safemap("verify", "out", "--json", cwd=city).stdout)["changed"] == ["audit.csv"]
    assert safemap("verify", "nowhere", cwd=city).returncode == 3


def test_demo_says_which_file_to_open(tmp_path):
    done = safemap("demo", "--out", "demo", cwd=tmp_path)
    assert done.returncode == 0
    last = done.stdout.strip().splitlines()[-1]
    assert last == f"Now open {Path('demo') / 'map.html'}"
    assert "synthetic" in done.stdout
    assert (tmp_path / "demo" / "map.html").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_demo_runs_the_city_that_is_named(tmp_path):
    done = safemap("demo", "--city", "chilanzar", "--out", "demo", cwd=tmp_path)
    assert done.returncode == 0
    assert "336 areas" in done.stdout
    assert done.stdout.splitlines()[-1] == f"Now open {Path('demo') / 'map.html'}"


def test_demo_of_an_unknown_city_names_the_known_ones(tmp_path):
    done = safemap("demo", "--city", "atlantis", "--out", "demo", cwd=tmp_path)
    assert done.returncode == 2
    assert "chilanzar" in done.stderr
    assert not (tmp_path / "demo").exists()
