"""The second city: its files are what the generator writes, and hold what the truth says."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import python_calamine

from safemap import datasets
from safemap.datasets._chilanzar_register import FAULTS, UZBEK
from safemap.datasets._uzbek import APOSTROPHES

FILES = (
    "register.xlsx", "counts.xlsx", "mahallas.geojson", "districts.geojson", "context.geojson", "planted.csv",
    "assessment.toml", "README.md",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(root):
    return root / "data" / "sample" / "chilanzar"


@pytest.fixture(scope="module")
def city():
    return datasets.generate("chilanzar")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    target = tmp_path_factory.mktemp("chilanzar")
    assert [p.name for p in datasets.write("chilanzar", target)] == list(FILES)
    return target


@pytest.mark.parametrize("name", FILES)
def test_committed_files_are_what_the_generator_writes(name, written, folder):
    assert (folder / name).read_bytes() == (written / name).read_bytes()


def test_nothing_else_is_committed(folder):
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)
    assert datasets.path("chilanzar") == folder


def test_another_process_with_another_hash_seed_writes_the_same(tmp_path, written):
    code = "import sys; from safemap import datasets; datasets.write('chilanzar', sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, env={**os.environ, "PYTHONHASHSEED": "99"}
    )
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_two_readers_of_workbooks_see_the_same_register(folder, city):
    book = openpyxl.load_workbook(folder / "register.xlsx")
    rows = [["" if c is None else c for c in row] for row in book.active.iter_rows(values_only=True)]
    other = python_calamine.CalamineWorkbook.from_path(str(folder / "register.xlsx"))
    assert rows == other.get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert {str(r) for r in book.active.merged_cells.ranges} >= {"A1:I1", "B5:D5", "E5:H5", "A5:A6"}
    body = rows[7 : 7 + len(city.incidents)]
    assert body == city.incidents.to_numpy().tolist()
    assert rows[7 + len(city.incidents)][0] == "Итого / Jami"
    assert rows[2][0].endswith("SYNTHETIC DATA")
    with zipfile.ZipFile(folder / "register.xlsx") as archive:
        assert {e.date_time for e in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_register_mixes_scripts_apostrophes_and_languages(city):
    text = "".join(city.incidents["Маҳалла"])
    assert all(mark in text for mark in APOSTROPHES)
    assert any("\u0400" <= c <= "\u04ff" for c in text)
    assert any("a" <= c <= "z" for c in text)
    offences = set(city.incidents["Вид преступления"])
    assert offences == set(UZBEK) | set(UZBEK.values())
    assert city.incidents["Дата"].str.fullmatch(r"\d\d\.\d\d\.\d{4}|-||нет данных").all()


def test_mahallas_have_three_spellings_and_lie_in_twelve_districts(folder, city):
    areas = gpd.read_file(folder / "mahallas.geojson")
    assert len(areas) >= 60
    assert areas["tuman"].nunique() == 12
    assert areas["kod"].is_unique
    assert (areas["kod"].str[:2] == areas["tuman_kodi"]).all()
    assert areas.geometry.is_valid.all()
    same = areas["nomi"].duplicated(keep=False)
    assert set(areas.loc[same, "kod"]) == set(city.truth.same_name)
    assert areas.loc[same, "tuman"].nunique() == 2
    assert areas["nomi_kirill"].str.contains("[ўқғҳ]").any()
    assert not areas["nomi_ru"].str.contains("[ўқғҳЎҚҒҲ]").any()


def test_every_mahalla_lies_in_the_district_it_names(city):
    utm = city.areas.to_crs(32642)
    inner = gpd.GeoDataFrame({"district": utm["district"]}, geometry=utm.representative_point())
    joined = gpd.sjoin(inner, city.districts.to_crs(32642)[["name", "geometry"]], predicate="within")
    assert len(joined) == len(city.areas)
    assert (joined["district"] == joined["name"]).all()
    island = utm.geometry[city.truth.area_without_neighbours]
    assert utm.geometry.drop(city.truth.area_without_neighbours).distance(island).min() > 100


def test_the_truth_counts_what_is_in_the_files(city, folder):
    truth = city.truth
    assert {code: len(rows) for code, rows in truth.faults.items()} == {
        **FAULTS, "total_row": 1, "footnote_row": 1,
    }  # fmt: skip
    listed = pd.read_csv(folder / "planted.csv")
    assert len(listed) == sum(map(len, truth.faults.values())) + sum(map(len, truth.flags.values()))
    with (folder / "planted.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["row", "planted"]
    assert int(truth.events.to_numpy().sum()) == len(truth.area_of)
    assert len(truth.planted("Грабёж")) == 60
    assert truth.planted(truth.null_offence) == frozenset()
    assert (truth.counts["2023"] == truth.events["Кража из жилища"]).all()


def test_hot_spots_have_twice_the_risk_whatever_the_population(city):
    truth = city.truth
    people = city.areas["population"]
    hot = people.index.isin(truth.planted("Кража из жилища"))
    rate = (truth.expected["Кража из жилища"] / people)[people > 0]
    assert rate[hot[people > 0]].round(9).nunique() == 1
    assert rate[hot[people > 0]].iloc[0] == pytest.approx(2 * rate[~hot[people > 0]].iloc[0])
    null = (truth.expected[truth.null_offence] / people)[people > 0]
    assert null.round(9).nunique() == 1


def test_another_seed_is_another_city():
    assert not datasets.generate("chilanzar", seed=3).incidents.equals(
        datasets.generate("chilanzar").incidents
    )


def test_unknown_cities_and_offences_are_named():
    with pytest.raises(ValueError, match="'chilanzar'"):
        datasets.generate("atlantis")
    with pytest.raises(ValueError, match="unknown offences"):
        datasets.generate("chilanzar", expected={"FRAUDE": 3.0})
    with pytest.raises(ValueError, match="cannot be planted"):
        datasets.generate("chilanzar", hotspots={"Мошенничество": (1, 5)})
