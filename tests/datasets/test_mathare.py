"""The synthetic Mathare: committed files, people, reports, survey and raster, recomputed from the files."""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
import tomllib

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely

from safemap import datasets
from safemap.audit import REASONS
from safemap.errors import ConfigError

FILES = (
    "incidents.csv",
    "survey.xlsx",
    "form.xlsx",
    "population.tif",
    "blocks.geojson",
    "wards.geojson",
    "context.geojson",
    "planted.csv",
    "planted_shares.csv",
    "assessment.toml",
    "README.md",
)


@pytest.fixture(scope="module")
def folder(root):
    return root / "data" / "sample" / "mathare"


@pytest.fixture(scope="module")
def city():
    return datasets.generate("mathare")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    target = tmp_path_factory.mktemp("mathare")
    assert [p.name for p in datasets.write("mathare", target)] == list(FILES)
    return target


@pytest.fixture(scope="module")
def sheets(folder):
    book = openpyxl.load_workbook(folder / "survey.xlsx", read_only=True)
    return {name: [list(row) for row in book[name].iter_rows(values_only=True)] for name in book.sheetnames}


@pytest.fixture(scope="module")
def people(sheets):
    head, *rows = sheets["survey"]
    return pd.DataFrame(rows, columns=head, index=pd.RangeIndex(2, 2 + len(rows)))


# files


@pytest.mark.parametrize("name", FILES)
def test_committed_files_are_what_the_generator_writes(name, written, folder):
    assert (folder / name).read_bytes() == (written / name).read_bytes()


def test_nothing_else_is_committed_and_it_is_small(folder):
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)
    assert sum(p.stat().st_size for p in folder.iterdir()) < 1_500_000


def test_another_process_with_another_hash_seed_writes_the_same(tmp_path, written):
    code = "import sys; from safemap import datasets; datasets.write('mathare', sys.argv[1])"
    env = {**os.environ, "PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=env)
    for name in FILES:
        digests = [hashlib.sha256((f / name).read_bytes()).hexdigest() for f in (tmp_path, written)]
        assert digests[0] == digests[1], name


def test_another_seed_makes_another_city(city):
    other = datasets.generate("mathare", seed=5)
    assert city.areas.geometry.to_wkt().tolist() != other.areas.geometry.to_wkt().tolist()
    assert not city.responses.equals(other.responses)


def test_it_is_labelled_synthetic_everywhere_it_can_be(folder, city):
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# A SYNTHETIC city")
    assert "SYNTHETIC" in (folder / "assessment.toml").read_text(encoding="utf-8")
    assert "synthetic" in city.form["settings"][1][0]
    with rasterio.open(folder / "population.tif") as raster:
        assert "SYNTHETIC" in raster.tags()["TIFFTAG_IMAGEDESCRIPTION"]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for code, rows in city.truth.faults.items():
        assert f"| `{code}` | {len(rows)} |" in readme


def test_the_job_names_columns_that_exist(folder):
    job = tomllib.loads((folder / "assessment.toml").read_text(encoding="utf-8"))
    header = (folder / "incidents.csv").read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    for key in ("lon", "lat", "date", "category", "address"):
        assert job["incidents"][key] in header
    blocks = gpd.read_file(folder / job["areas"]["path"])
    assert {job["areas"][key] for key in ("id", "name", "population")} <= set(blocks.columns)


def test_planted_rows_and_shares_are_listed(folder, city):
    listed: dict[str, list[int]] = {}
    for row in csv.DictReader((folder / "planted.csv").read_text(encoding="utf-8").splitlines()):
        listed.setdefault(row["planted"], []).append(int(row["row"]))
    expected = {**city.truth.faults, "boundary": city.truth.flags["boundary"]}
    assert listed == {code: sorted(rows) for code, rows in expected.items()}
    shares = pd.read_csv(folder / "planted_shares.csv", dtype={"area": str}).set_index(["level", "area"])
    wards = shares.xs("ward")
    assert np.allclose(wards, city.truth.ward_shares.loc[wards.index], atol=1e-6)
    assert len(shares.xs("block")) == 72


# places and people


def test_seventy_two_blocks_tile_six_wards(folder, city):
    blocks = gpd.read_file(folder / "blocks.geojson").set_index("block_id")
    wards = gpd.read_file(folder / "wards.geojson").set_index("ward_id")
    assert len(blocks) == 72
    assert wards["ward"].tolist() == ["Hospital", "Mabatini", "Huruma", "Ngei", "Mlango Kubwa", "Kiamaiko"]
    assert blocks.index.str.match(r"0[1-6]\d\d").all()
    assert blocks["block"].is_unique
    assert (blocks.index.str[:2] == blocks["ward_id"]).all()
    metres = blocks.to_crs(32737).geometry
    assert metres.is_valid.all()
    assert metres.area.sum() / 1e6 == pytest.approx(3.05, abs=0.1)
    assert metres.area.sum() == pytest.approx(metres.union_all().area, rel=1e-6)  # no overlap
    for ward, shape in wards.geometry.items():
        inside = blocks.geometry[blocks["ward_id"] == ward]
        assert inside.difference(shape.buffer(1e-6)).is_empty.all()
    touching = blocks.geometry.intersects(blocks.geometry[city.truth.area_without_neighbours])
    assert touching.sum() == 1


def test_three_populations_disagree_and_one_block_is_empty(city):
    people = city.areas[["population_low", "population", "population_high"]]
    lived = people.drop(index=list(city.truth.areas_without_population))
    assert (people.loc[list(city.truth.areas_without_population)] == 0).all(axis=None)
    assert (lived["population_low"] <= 0.8 * lived["population"] + 1).all()
    assert (lived["population_high"] >= 1.25 * lived["population"] - 1).all()
    assert 150_000 < lived["population"].sum() < 260_000


# reports


def test_every_report_is_sound_or_has_one_fault(city):
    faulty = [row for rows in city.truth.faults.values() for row in rows]
    assert len(faulty) == len(set(faulty))
    assert set(city.truth.faults) <= set(REASONS)
    assert sorted([*faulty, *city.truth.area_of.index]) == city.incidents.index.tolist()


def test_a_plain_point_in_polygon_test_finds_the_planted_blocks(city):
    sound = city.incidents.loc[city.truth.area_of.index]
    points = gpd.GeoSeries(
        shapely.points(sound["longitude"].astype(float), sound["latitude"].astype(float)),
        index=sound.index,
        crs=4326,
    )
    inner = points.drop(list(city.truth.flags["boundary"])).to_frame("geometry")
    found = gpd.sjoin(inner, city.areas[["geometry"]], predicate="within")["area_id"]
    assert found.index.is_unique
    assert (found == city.truth.area_of[found.index]).all()
    assert len(found) == len(inner)
    for row in city.truth.flags["boundary"]:
        touching = city.areas.index[city.areas.geometry.intersects(points[row])]
        assert len(touching) >= 3
        assert city.truth.area_of[row] == min(touching)


def test_expected_reports_have_the_planted_relative_risk(city):
    truth, people = city.truth, city.areas["population"]
    lived = people > 0
    risk = truth.expected.loc[lived].div(people[lived], axis=0)
    hot = risk.index.isin(truth.planted("robbery"))
    assert hot.sum() == 10
    assert np.allclose(risk.loc[hot, "robbery"] / risk.loc[~hot, "robbery"].iloc[0], 2.0)
    assert np.allclose(risk[truth.null_offence] / risk[truth.null_offence].iloc[0], 1.0)


def test_landmarks_hold_many_reports_of_one_place(city):
    sound = city.incidents.loc[city.truth.area_of.index]
    spots = sound.groupby(["longitude", "latitude"])
    heavy = spots.size() >= 10
    assert 30 <= heavy.sum() <= 72
    named = spots["place"].nunique()[heavy]
    assert (named == 1).all()
    assert 0.3 < spots.size()[heavy].sum() / len(sound) < 0.6


def test_dates_are_day_first(city):
    truth, when = city.truth, city.incidents["occurred"]
    read = pd.to_datetime(when, format="%d/%m/%Y %H:%M", errors="coerce")
    assert set(when.index[when == ""]) == set(truth.faults["missing_date"])
    assert set(when.index[read.isna() & (when != "")]) == set(truth.faults["unreadable_date"])
    assert set(when.index[read.notna() & (read.dt.year != 2023)]) == set(truth.faults["outside_period"])


def test_duplicates_repeat_an_earlier_row_and_nothing_else_does(city):
    repeated = city.incidents.duplicated()
    assert set(repeated.index[repeated]) == set(city.truth.faults["duplicate_row"])


# survey


def test_the_sample_is_as_described(people, city):
    assert len(people) == 900
    assert (people.groupby("ward_id")["ea_id"].nunique() == 15).all()
    assert (people.groupby("ea_id").size() == 10).all()
    assert not people.duplicated(["ea_id", "household"]).any()
    weight = people["ea_in_ward"] / 15 * people["households_in_ea"] / 10 * people["person/adults"]
    assert np.allclose(people["weight"], weight, atol=6e-4)
    assert (people["block_id"] == city.truth.block_of).all()
    assert (people["household"] <= people["households_in_ea"]).all()


def test_skipped_questions_are_empty_and_asked_ones_are_not_all_zero(people):
    unsafe = people["safety/after_dark"].isin([3, 4])
    avoid = people.filter(like="safety/avoid/")
    assert avoid[~unsafe].isna().all(axis=None)
    assert avoid[unsafe].isin([0, 1]).all(axis=None)
    assert (avoid[unsafe].sum(axis=1) >= 1).all()  # "none of these" where there is nothing else
    victim = people["safety/victim"] == 1
    told = people.filter(like="told/what_happened/")
    assert told[~victim].isna().all(axis=None)
    assert (told[victim].sum(axis=1) >= 1).all()
    assert people.loc[people["told/reported"] != 0, "told/why_not"].isna().all()
    assert people.loc[people["told/reported"] == 0, "told/why_not"].notna().all()


def test_99_stands_for_dont_know_and_blank_for_no_answer(people):
    for column in ("safety/after_dark", "safety/victim", "radio"):
        assert 0.01 < (people[column] == 99).mean() < 0.06
        assert 0 < people[column].isna().mean() < 0.03


def test_positions_are_vague_zero_or_missing_where_planted(people, city):
    flags = city.truth.response_flags
    lat, precision = people["_location_latitude"], people["_location_precision"]
    assert set(people.index[lat.isna()]) == set(flags["missing_position"])
    assert set(people.index[lat == 0]) == set(flags["zero_coordinates"])
    assert set(people.index[precision > 30]) == set(flags["low_accuracy"])
    assert all(len(rows) >= 15 for name, rows in flags.items() if name != "no_parent")


def test_incidents_stand_on_their_own_sheet(sheets, people, city):
    head, *rows = sheets["incident"]
    told = pd.DataFrame(rows, columns=head, index=pd.RangeIndex(2, 2 + len(rows)))
    orphan = ~told["_parent_index"].isin(people["_index"])
    assert set(told.index[orphan]) == set(city.truth.response_flags["no_parent"])
    counts = told[~orphan].groupby("_parent_index").size()
    victims = people.loc[people["safety/victim"] == 1, "_index"]
    assert set(counts.index) == set(victims)
    assert counts.between(1, 3).all()


def test_true_shares_are_what_the_enumeration_areas_make_them(city):
    truth = city.truth
    unsafe = {block for group in truth.unsafe_blocks for block in group}
    assert len(unsafe) == 20
    assert truth.unsafe_blocks[0] == truth.hotspots["robbery"][0]
    lived = truth.block_shares.dropna()
    for item, (base, more) in truth.effects.items():
        spread = {"after_dark": 0.06, "victim": 0.03, "radio": 1e-12}[item]
        named = lived.index.isin(unsafe)
        assert ((lived.loc[named, item] - base - more).abs() <= spread).all()
        assert ((lived.loc[~named, item] - base).abs() <= spread).all()
    assert truth.effects[truth.null_item][1] == 0


def test_the_form_speaks_english_and_swahili(folder):
    book = openpyxl.load_workbook(folder / "form.xlsx", read_only=True)
    for sheet in ("survey", "choices"):
        head, *rows = list(book[sheet].iter_rows(values_only=True))
        both = [head.index("label::English (en)"), head.index("label::Kiswahili (sw)")]
        asked = [r for r in rows if r[0] and not str(r[0]).startswith(("start", "end"))]
        assert all(r[i] for r in asked for i in both)


# raster


def test_the_sums_of_the_raster_are_known(folder, city):
    """Every cell intersected with every block by another library."""
    with rasterio.open(folder / "population.tif") as raster:
        values, t = raster.read(1, masked=True), raster.transform
    rows, columns = np.nonzero(~np.ma.getmaskarray(values))
    cells = shapely.box(
        t.c + columns * t.a, t.f + (rows + 1) * t.e, t.c + (columns + 1) * t.a, t.f + rows * t.e
    )
    tree = shapely.STRtree(cells)
    for block, shape in city.areas.geometry.items():
        near = tree.query(shape)
        shares = shapely.area(shapely.intersection(cells[near], shape)) / (t.a * -t.e)
        assert shares.sum() * t.a * -t.e == pytest.approx(shape.area, rel=1e-9)  # no block without data
        total = (values[rows[near], columns[near]].astype(float) * shares).sum()
        assert total == pytest.approx(city.truth.raster_people[block], rel=1e-8)


def test_the_raster_is_near_the_population_but_not_equal(city):
    ratio = (city.truth.raster_people / city.areas["population"]).drop(
        list(city.truth.areas_without_population)
    )
    assert 0.9 < ratio.median() < 1.15
    assert ratio.std() > 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expected": {"arson": 3}}, "unknown"),
        ({"expected": 900.0}, "between 0 and 60"),
        ({"hotspots": {"assault": (1, 5)}}, "cannot be planted"),
        ({"hotspots": {"robbery": (2, 5)}}, "cannot be planted"),
        ({"hotspots": {"robbery": (1, 40)}}, "1 to 14 blocks"),
    ],
)
def test_options_that_make_no_city_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        datasets.generate("mathare", **options)


def test_a_city_without_a_hot_spot():
    plain = datasets.generate("mathare", hotspots={})
    assert plain.truth.planted("robbery") == frozenset()
    lived = plain.areas["population"] > 0
    risk = plain.truth.expected.loc[lived, "robbery"] / plain.areas.loc[lived, "population"]
    assert np.allclose(risk, risk.iloc[0])
