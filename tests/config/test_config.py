"""assessment.toml: every fault at once, in words that help, and one truth for loader and schema."""

from __future__ import annotations

import inspect
import json
import tomllib
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

import safemap as sm
from safemap.config import json_schema, load_config
from safemap.config.load import read_config
from safemap.config.model import (
    SECTIONS,
    AreasSection,
    DisclosureSection,
    GraphSection,
    IncidentsSection,
    LocalSection,
    RatesSection,
)
from safemap.errors import ConfigError, InputError

BASE = Path("/somewhere")
GOOD = {
    "assessment": {"title": "Robbery"},
    "incidents": {"path": "a.csv", "lon": "lon", "lat": "lat"},
    "areas": {"path": "areas.gpkg", "id": "code", "population": "people"},
}


def changed(section, **keys):
    return {**GOOD, section: {**GOOD.get(section, {}), **keys}}


def without(section, key):
    return {**GOOD, section: {name: value for name, value in GOOD[section].items() if name != key}}


def read(values):
    return read_config(values, base=BASE)


def test_a_small_assessment_takes_the_defaults():
    config = read(GOOD)
    assert config.assessment.title == "Robbery"
    assert config.local.permutations == 9_999
    assert config.disclosure.k == 5
    assert config.areas.levels == ()


def test_relative_paths_count_from_the_base_and_absolute_ones_stay(tmp_path):
    values = changed("map", context=["roads.gpkg", str(tmp_path / "x.gpkg")])
    values["areas"] = {**values["areas"], "levels": [{"name": "d", "path": "d.gpkg", "id": "i"}]}
    config = read(values)
    assert config.incidents.path == BASE / "a.csv"
    assert config.areas.levels[0].path == BASE / "d.gpkg"
    assert config.map.context == (BASE / "roads.gpkg", tmp_path / "x.gpkg")


REFUSED = {
    "empty": ({}, "[assessment] is missing; it needs title"),
    "unknown section": ({**GOOD, "incident": {}}, "did you mean 'incidents'?"),
    "unknown key": (changed("local", permutation=99), "not a key; did you mean 'permutations'?"),
    "not a section": ({**GOOD, "local": 5}, "[local] must be a section with keys; got 5"),
    "missing key": (without("areas", "id"), "[areas] id is missing: column with the id, unique"),
    "empty text": (changed("assessment", title="  "), "[assessment] title must be a text"),
    "number for text": (changed("incidents", date=2023), "[incidents] date must be a text in quotes"),
    "half a pair": (without("incidents", "lat"), "[incidents] needs both lon and lat"),
    "two pairs": (changed("incidents", x="x", y="y"), "give one pair"),
    "one word": (changed("local", adjust="fdr"), 'must be one of "fdr_bh", "fdr_by"'),
    "language": (changed("assessment", language="english"), 'must be one of "en", "es"'),
    "too few": (changed("local", permutations=10), "a whole number of at least 99; got 10"),
    "not whole": (changed("local", permutations=999.5), "a whole number of at least 99; got 999.5"),
    "flag for number": (changed("local", rng=True), "a whole number of at least 0; got True"),
    "alpha 1": (changed("local", alpha=1), "a number between 0 and 1; got 1"),
    "alpha text": (changed("local", alpha="0.05"), "a number between 0 and 1; got '0.05'"),
    "per 0": (changed("rates", per=0), "a number above 0; got 0"),
    "k 0": (changed("disclosure", k=0), "a whole number of at least 1; got 0"),
    "day": (changed("incidents", period=["2023-01-01", "2023-13-01"]), "days written as year-month-day"),
    "days": (changed("incidents", period=["2023-01-01"]), "first and last day"),
    "day text": (changed("incidents", period="2023"), "first and last day"),
    "where empty": (changed("incidents", where={}), "columns with the values to keep"),
    "where list": (changed("incidents", where={"a": []}), "columns with the values to keep"),
    "where deep": (changed("incidents", where={"a": {"b": 1}}), "columns with the values to keep"),
    "repair": (changed("incidents", repair=["flipped"]), 'one of "swapped"'),
    "levels": (changed("areas", levels={"name": "d"}), "[[areas.levels]]"),
    "level key": (changed("areas", levels=[{"name": "d", "path": "d", "id": "i", "nam": 1}]), "nam is no"),
    "level short": (changed("areas", levels=[{"name": "d"}]), "[areas] levels 1: path is missing"),
    "dayfirst": (changed("incidents", dayfirst="yes"), "true or false, without quotes"),
    "context": (changed("map", context="roads.gpkg"), "a list in square brackets"),
}  # fmt: skip
ACCEPTED = {
    "plain": GOOD,
    "no coordinates, a layer of points": {**GOOD, "incidents": {"path": "a.gpkg", "layer": "points"}},
    "x and y": {**GOOD, "incidents": {"path": "a.csv", "x": "x", "y": "y", "crs": 32614}},
    "where": changed("incidents", where={"offence": ["a", "b"], "year": 2023, "sure": True}),
    "period": changed("incidents", period=["2023-01-01", "2023-12-31"]),
    "repair word": changed("incidents", repair="swapped"),
    "repair list": changed("incidents", repair=["swapped", "sign"]),
    "levels": changed("areas", levels=[{"name": "d", "path": "d.gpkg", "id": "i", "label": "n"}]),
    "whole number as real": changed("local", permutations=999.0),
    "all of local": changed("local", alpha=0.1, adjust="none", alternative="less", rng=7, permutations=99),
    "output": changed("output", bom=True),
    "public is known, and refused later": changed("disclosure", audience="public"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_loader_and_schema_refuse(case):
    values, words = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        read(values)
    assert words in str(caught.value)
    checker = jsonschema.Draft202012Validator(json_schema(), format_checker=jsonschema.FormatChecker())
    assert not checker.is_valid(values)


@pytest.mark.parametrize("case", ACCEPTED)
def test_loader_and_schema_accept(case):
    read(ACCEPTED[case])
    jsonschema.Draft202012Validator(json_schema()).validate(ACCEPTED[case])


def test_rules_between_values_are_checked_by_the_loader():
    level = {"name": "d", "path": "d.gpkg", "id": "i"}
    for values, words in (
        (changed("incidents", period=["2023-12-31", "2023-01-01"]), "the last lies before the first"),
        (
            changed("local", permutations=9_999, max_permutations=999),
            "max_permutations is below permutations",
        ),
        (changed("areas", levels=[level, level]), "two levels have the name 'd'"),
    ):
        with pytest.raises(ConfigError, match=words):
            read(values)


def test_all_faults_are_named_at_once():
    values = changed("local", alpha=2, rngs=1)
    values["assessment"] = {}
    with pytest.raises(ConfigError, match="3 problems") as caught:
        read(values)
    assert len(caught.value.details["problems"]) == 3


def test_the_schema_is_itself_valid_and_accepts_the_sample(sample):
    jsonschema.Draft202012Validator.check_schema(json_schema())
    text = (sample / "assessment.toml").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(json_schema()).validate(tomllib.loads(text))
    assert load_config(sample / "assessment.toml").incidents.path == (sample / "incidents.csv").resolve()


def test_every_key_is_explained():
    for name, section in json_schema()["properties"].items():
        assert section["description"], name
        for key, rule in section["properties"].items():
            assert rule.get("description") or rule["items"]["description"], (name, key)
    json.dumps(json_schema())


@pytest.mark.parametrize(
    ("section", "verbs"),
    [
        (IncidentsSection, (sm.read_incidents, sm.select_incidents, sm.clean_incidents)),
        (AreasSection, (sm.read_areas, sm.join_areas)),
        (GraphSection, (sm.build_graph,)),
        (RatesSection, (sm.area_rates,)),
        (LocalSection, (sm.local_moran, sm.local_getis_ord)),
        (DisclosureSection, (sm.Registry,)),
    ],
)
def test_keys_and_defaults_are_those_of_the_functions(section, verbs):
    parameters = {}
    for verb in verbs:
        parameters |= inspect.signature(verb).parameters
    for key in fields(section):
        name = key.name
        if (section, name) == (RatesSection, "smooth"):
            continue
        assert name in parameters, name
        default = parameters[name].default
        if section is AreasSection and name in ("levels", "population"):
            continue
        if name == "adjust":  # None stands for this where no other program's convention is asked for
            assert (default, key.default) == (None, "fdr_bh")
            continue
        if default is not inspect.Parameter.empty and not key.metadata.get("many"):
            assert key.default == default, name


def test_overrides_take_the_place_of_values(tmp_path, monkeypatch):
    file = tmp_path / "assessment.toml"
    file.write_text(
        '[assessment]\ntitle = "A"\n[incidents]\npath = "i.csv"\n[areas]\npath = "a.gpkg"\nid = "i"\n'
        'population = "p"\n[[areas.levels]]\nname = "d"\npath = "d.gpkg"\nid = "i"\n',
        encoding="utf-8",
    )
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    config = load_config(
        file,
        [
            "local.rng=7",
            "assessment.title=Burglary at night",
            "incidents.path=x.csv",
            "areas.levels.0.path=y.gpkg",
        ],
        data=tmp_path / "data",
    )
    assert config.local.rng == 7
    assert config.assessment.title == "Burglary at night"
    assert config.incidents.path == here / "x.csv"
    assert config.areas.levels[0].path == here / "y.gpkg"
    assert config.areas.path == (tmp_path / "data" / "a.gpkg").resolve()
    assert load_config(file, {"local.rng": 8}).local.rng == 8


@pytest.mark.parametrize(
    "text", ["local", "local.rng", "=5", "rng=5", "areas.levels.3.path=x", "assessment.title.x=1"]
)
def test_an_override_that_names_no_key_is_refused(text, sample):
    with pytest.raises(ConfigError, match=r"section\.key|number of an entry"):
        load_config(sample / "assessment.toml", [text])


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, InputError, "There is no file"),
        (b"[assessment\n", ConfigError, "not valid TOML"),
        (b"\xff\xfe[", ConfigError, "not UTF-8"),
        (b"", ConfigError, "3 problems"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_in_one_sentence(tmp_path, content, error, words):
    file = tmp_path / "assessment.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        load_config(file)
    assert str(tmp_path) not in str(caught.value)


def test_dates_may_be_written_as_toml_dates(tmp_path):
    values = tomllib.loads("period = [2023-01-01, 2023-12-31]")
    assert read(changed("incidents", **values)).incidents.period == ("2023-01-01", "2023-12-31")


def test_sections_stand_in_the_order_of_the_work():
    assert list(SECTIONS) == list(json_schema()["properties"])
