"""People, events and faults of the synthetic city, each recomputed from the files alone."""

from __future__ import annotations

import ast
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from safemap import datasets
from safemap.audit import REASONS
from safemap.errors import ConfigError

ROBBERY = "ROBO A TRANSEUNTE EN VIA PUBLICA CON VIOLENCIA"
BURGLARY = "ROBO A CASA HABITACION CON VIOLENCIA"
FOLDER = Path(datasets.__file__).parent


@pytest.fixture(scope="module")
def city():
    return datasets.generate("iztapalapa")


@pytest.fixture(scope="module")
def points(city):
    """Coordinates read independently: numbers where they are numbers."""
    lon = pd.to_numeric(city.incidents["longitud"], errors="coerce")
    lat = pd.to_numeric(city.incidents["latitud"], errors="coerce")
    return gpd.GeoSeries(shapely.points(lon, lat), index=city.incidents.index, crs=4326)


def test_the_generator_knows_nothing_of_the_statistics():
    allowed = {"safemap.datasets", "safemap.errors", "safemap.audit"}
    foreign = {"numpy", "pandas", "geopandas", "shapely", "libpysal"}
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file.name}: relative import"
                names = [
                    f"{node.module}.{a.name}" if node.module == "safemap" else node.module for a in node.names
                ]
            for name in names:
                assert not name.startswith(("safemap.stats", "safemap.analysis", "safemap.geo")), (
                    f"{file.name}: {name}"
                )
                if name.startswith("safemap"):
                    assert any(name.startswith(a) for a in allowed), f"{file.name}: {name}"
                elif name.split(".")[0] in {"scipy", "esda", "sklearn", "folium"}:
                    pytest.fail(f"{file.name} imports {name}; foreign libraries here are {sorted(foreign)}")


def test_same_seed_same_city_other_seed_other_city(city):
    again, other = datasets.generate("iztapalapa"), datasets.generate("iztapalapa", seed=1)
    pd.testing.assert_frame_equal(city.incidents, again.incidents)
    assert city.areas.geom_equals(again.areas).all()
    assert not city.areas.geom_equals(other.areas).all()
    assert len(city.incidents) != len(other.incidents)


def test_population_is_skewed_and_missing_where_planted(city):
    people = city.areas["population"]
    missing = {a for a, why in city.truth.areas_without_population.items() if why == "missing"}
    zero = {a for a, why in city.truth.areas_without_population.items() if why == "zero"}
    assert set(people.index[people.isna()]) == missing
    assert set(people.index[people == 0]) == zero
    assert len(missing) == 2
    assert len(zero) == 1
    some = people[people > 0]
    assert some.min() >= 263
    assert some.max() <= 26_000
    assert 5_000 < some.mean() < 7_500
    assert some.skew() > 0.5


def test_expected_events_have_the_planted_relative_risk(city):
    truth, people = city.truth, city.areas["population"]
    ok = people > 0
    for offence in (ROBBERY, BURGLARY):
        risk = truth.expected.loc[ok, offence] / people[ok]
        hot = risk.index.isin(truth.planted(offence))
        assert hot.sum() == {ROBBERY: 48, BURGLARY: 24}[offence]
        assert np.allclose(risk[hot] / risk[~hot].iloc[0], 2.0)
        assert np.allclose(risk[~hot] / risk[~hot].iloc[0], 1.0)
    null = truth.expected.loc[ok, truth.null_offence]
    assert np.allclose(null / people[ok], (null / people[ok]).iloc[0])
    assert null.mean() == pytest.approx(5.0)


def test_expected_can_be_set(city):
    plain = datasets.generate("iztapalapa", expected=5.0, relative_risk=1.0)
    ok = plain.areas["population"] > 0
    assert np.allclose(plain.truth.expected[ok].mean(), 5.0)


def test_hot_spots_can_be_set_and_leave_the_rest_of_the_city_alone(city):
    other = datasets.generate("iztapalapa", hotspots={BURGLARY: (3, 12)})
    assert [len(g) for g in other.truth.hotspots[BURGLARY]] == [12, 12, 12]
    assert other.truth.planted(ROBBERY) == frozenset()
    assert other.areas.geom_equals(city.areas).all()
    assert (other.areas["name"] == city.areas["name"]).all()


def test_counts_are_poisson_around_what_was_expected():
    ratios = []
    for seed in range(6):
        truth = datasets.generate("iztapalapa", seed=seed).truth
        e, x = truth.expected[ROBBERY], truth.events[ROBBERY]
        ratios.append(((x - e) ** 2 / e).mean())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.12)  # variance equals mean


def test_every_row_is_sound_or_has_one_fault(city):
    truth = city.truth
    faulty = [row for rows in truth.faults.values() for row in rows]
    assert len(faulty) == len(set(faulty))
    assert set(truth.faults) <= set(REASONS)
    assert set(faulty).isdisjoint(truth.area_of.index)
    assert sorted([*faulty, *truth.area_of.index]) == city.incidents.index.tolist()
    assert city.incidents.index[0] == 2  # the header is row 1


def test_a_plain_point_in_polygon_test_finds_the_planted_areas(city, points):
    sound = points[city.truth.area_of.index]
    awkward = sorted({*city.truth.flags["boundary"], *city.truth.flags["overlap"]})
    joined = gpd.sjoin(sound.drop(awkward).to_frame("geometry"), city.areas[["geometry"]], predicate="within")
    found = joined.iloc[:, -1]
    assert found.index.is_unique
    assert len(found) == len(sound) - len(awkward)
    assert (found == city.truth.area_of[found.index]).all()


def test_points_on_borders_touch_two_areas_and_belong_to_the_lowest(city, points):
    shapes, ids = city.areas.geometry.to_numpy(), city.areas.index
    for row in city.truth.flags["boundary"]:
        touching = ids[shapely.intersects(shapes, points[row])]
        assert len(touching) >= 2
        assert not shapely.contains(shapes, points[row]).any()
        assert city.truth.area_of[row] == min(touching)


def test_points_in_overlaps_lie_in_two_areas(city, points):
    shapes, ids = city.areas.geometry.to_numpy(), city.areas.index
    pairs = {frozenset(pair) for pair in city.truth.overlaps}
    for row in city.truth.flags["overlap"]:
        within = ids[shapely.contains(shapes, points[row])]
        assert frozenset(within) in pairs
        assert city.truth.area_of[row] == min(within)


def test_faults_of_coordinates_are_what_they_say(city, points):
    faults, incidents = city.truth.faults, city.incidents
    minx, miny, maxx, maxy = city.areas.total_bounds
    margin = 0.1 * max(maxx - minx, maxy - miny)
    lon, lat = points.x, points.y
    blank = incidents[["longitud", "latitud"]].isin(["", "NA"]).any(axis=1)
    assert set(incidents.index[blank]) == set(faults["missing_coordinates"])
    assert (incidents.loc[list(faults["unreadable_coordinates"]), "longitud"] == "s/n").all()
    assert (lon[list(faults["zero_coordinates"])] == 0).all()
    swapped = list(faults["swapped_coordinates"])
    assert lat[swapped].between(minx, maxx).all()
    assert lon[swapped].between(miny, maxy).all()
    assert (lat[list(faults["out_of_range"])].abs() > 90).all()
    far = points[list(faults["far_outside"])]
    assert (shapely.distance(far.to_numpy(), shapely.box(minx, miny, maxx, maxy)) > margin).all()
    outside = points[list(faults["outside_areas"])]
    assert not outside.intersects(city.areas.geometry.union_all()).any()
    assert outside.within(shapely.box(minx - margin, miny - margin, maxx + margin, maxy + margin)).all()


def test_the_pile_up_has_many_categories_and_addresses(city, points):
    rows = list(city.truth.faults["default_coordinates"])
    assert set(zip(points[rows].x, points[rows].y, strict=True)) == {city.truth.pile_up}
    here = city.incidents.loc[rows]
    assert len(here) >= 0.005 * len(city.incidents)
    assert here["delito"].nunique() >= 4
    assert here["colonia_hecho"].nunique() >= 40
    for offence in (ROBBERY, BURGLARY, city.truth.null_offence):
        of_kind = city.incidents["delito"] == offence
        assert of_kind[rows].sum() >= max(10, 0.005 * of_kind.sum())


def test_duplicates_repeat_an_earlier_row_and_nothing_else_is_repeated(city):
    repeated = city.incidents.duplicated()
    assert set(repeated.index[repeated]) == set(city.truth.faults["duplicate_row"])


def test_dates_have_the_vices_of_the_register(city):
    faults, dates = city.truth.faults, city.incidents["fecha_hecho"]
    read = pd.to_datetime(dates.str[:10], format="%Y-%m-%d", errors="coerce")
    blank = dates.isin(["", "NA"])
    assert set(dates.index[blank]) == set(faults["missing_date"])
    assert set(dates.index[read.isna() & ~blank]) == set(faults["unreadable_date"])
    assert set(dates.index[read.notna() & (read.dt.year != 2023)]) == set(faults["outside_period"])
    assert dates.str.len().isin([10, 19]).mean() > 0.99
    assert 0.01 < (dates.str.len() == 19).mean() < 0.06
    times = city.incidents["hora_hecho"]
    assert 0.06 < (times == "12:00:00").mean() < 0.11
    assert (times.str.len() == 11).any()
    assert (times == "").any()


def test_events_per_area_are_the_rows_per_area(city):
    rows = city.incidents.loc[city.truth.area_of.index, "delito"]
    counts = pd.crosstab(city.truth.area_of, rows).reindex(
        index=city.truth.events.index, columns=city.truth.events.columns, fill_value=0
    )
    assert (counts.to_numpy() == city.truth.events.to_numpy()).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"expected": {"ARSON": 3}}, "unknown offences"),
        ({"expected": 900.0}, "between 0 and 60"),
        ({"relative_risk": 0}, "relative_risk"),
        ({"hotspots": {"FRAUDE": (1, 10)}}, "cannot be planted"),
        ({"hotspots": {BURGLARY: (1, 200)}}, "1 to 120 areas"),
        ({"hotspots": {BURGLARY: (9, 60)}}, "no room"),
    ],
)
def test_options_that_make_no_city_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        datasets.generate("iztapalapa", **options)


def test_an_unknown_city_is_named():
    with pytest.raises(ConfigError, match="'atlantis'"):
        datasets.generate("atlantis")
