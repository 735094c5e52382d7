"""From local codes to the ICCS: what goes in comes out, under a code or under XX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap import crosswalk, read_incidents
from safemap.errors import ConfigError, CrosswalkError, DataWarning, InputError
from safemap.offences.crosswalk_rules import read_rules

TABLE = pd.DataFrame(
    [
        ("Robo a casa", "0401", "arma = si|sí", "full", ""),
        ("Robo a casa", "0501", "", "full", ""),
        ("Hurto", "0502", "", "full", ""),
        ("Delito contra la fe", "0702", "", "partial", "0.7"),
        ("Delito contra la fe", "0701", "", "partial", "0.3"),
        ("Extravío", "", "", "none", ""),
    ],
    columns=["local_code", "iccs", "condition", "match", "share"],
)


def records() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "delito": [
                "ROBO A CASA",
                "robo  a casa",
                "Hurto",
                "hurto",
                "Delito contra la fe",
                "EXTRAVIO",
                None,
                "Robo a cas",
            ],
            "arma": ["sí", "no", None, "no", "no", "no", "no", "no"],
        },
        index=[f"r{i}" for i in range(8)],
    )


def test_each_record_keeps_its_place_and_the_shares_add_up() -> None:
    with pytest.warns(DataWarning, match=r"62\.5% of the records"):
        result = crosswalk(records(), TABLE, column="delito", count_unit="incident")
    got = result.frame
    assert got.groupby(level=0)["share"].sum().eq(1).all()
    assert list(got.index.unique()) == list(records().index)
    assert got.loc[["r0", "r1", "r2", "r3"], "iccs"].tolist() == ["0401", "0501", "0502", "0502"]
    assert got.loc["r4", ["iccs", "share"]].to_numpy().tolist() == [["0702", 0.7], ["0701", 0.3]]
    assert got.loc[["r5", "r6", "r7"], "match"].tolist() == ["none", "not listed", "not listed"]
    assert result.coverage == 5 / 8
    counts = result.counts(level=1)
    assert counts["records"].sum() == pytest.approx(8)
    assert counts.loc["XX", "records"] == 3


def test_what_is_not_mapped_is_listed_with_suggestions_that_are_not_applied() -> None:
    with pytest.warns(DataWarning):
        result = crosswalk(records(), TABLE, column="delito", count_unit="incident")
    unmapped = result.unmapped.set_index("local_code")
    assert unmapped.loc["EXTRAVIO", "listed"]
    assert unmapped.loc["EXTRAVIO", "suggestions"] == []
    assert not unmapped.loc["Robo a cas", "listed"]
    assert unmapped.loc["Robo a cas", "suggestions"] == ["robo a casa"]
    assert result.settings["matched_without_accents"] == ["EXTRAVIO"]


def test_accents_decide_where_two_local_codes_differ_by_nothing_else() -> None:
    table = pd.DataFrame({"local_code": ["pena", "peña"], "iccs": ["0502", "0401"], "match": ["full"] * 2})
    rows = pd.DataFrame({"k": ["PEÑA", "pena", "penà"]})
    with pytest.warns(DataWarning):
        result = crosswalk(rows, table, column="k", count_unit="offence")
    assert result.frame["iccs"].tolist() == ["0401", "0502", "XX"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("age < 18", ["y", "n", "n", "n"]),
        ("age >= 18", ["n", "y", "y", "n"]),
        ("weapon != none", ["y", "n", "y", "y"]),
        ("weapon = gun|knife and age > 17", ["n", "n", "y", "n"]),
    ],
)
def test_conditions_compare_and_a_missing_number_satisfies_nothing(
    condition: str, expected: list[str]
) -> None:
    rows = pd.DataFrame({"k": ["a"] * 4, "age": [12, 18, 40, None], "weapon": ["gun", "None", "KNIFE", None]})
    table = pd.DataFrame(
        {
            "local_code": ["a", "a"],
            "iccs": ["0401", "0502"],
            "condition": [condition, ""],
            "match": ["full"] * 2,
        }
    )
    got = crosswalk(rows, table, column="k", count_unit="offence").frame["iccs"]
    assert [{"0401": "y", "0502": "n"}[c] for c in got] == expected


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"share": ["0.5", "0.4"]}, CrosswalkError, "sum to 0.9"),
        ({"share": ["1.5", "-0.5"]}, CrosswalkError, "positive"),
        ({"share": ["", ""]}, CrosswalkError, "give each a share"),
        ({"match": ["full", "half"]}, CrosswalkError, "full, partial or none"),
        ({"iccs": ["0401", ""]}, CrosswalkError, "no ICCS code"),
        ({"iccs": ["0401", "0499"]}, InputError, "0499"),
        ({"condition": ["__import__('os')", ""]}, CrosswalkError, "cannot be read"),
        ({"condition": ["age < old", ""]}, CrosswalkError, "compares with a number"),
        ({"condition": ["height = 2", ""]}, InputError, "height"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(change: dict, error: type, words: str) -> None:
    table = pd.DataFrame(
        {"local_code": ["a", "a"], "iccs": ["0401", "0502"], "condition": ["", ""], "match": ["full", "full"]}
    ).assign(share=["0.5", "0.5"])
    table = table.assign(**change)
    if "condition" in change:
        table["share"] = ""
    with pytest.raises(error, match=words):
        crosswalk(pd.DataFrame({"k": ["a"], "age": [3]}), table, column="k", count_unit="offence")


def test_the_unit_of_count_must_be_said_and_homicide_is_counted_by_victims() -> None:
    rows = pd.DataFrame({"k": ["murder"]})
    table = pd.DataFrame({"local_code": ["murder"], "iccs": ["0101"], "match": ["full"]})
    with pytest.raises(ConfigError, match="count_unit"):
        crosswalk(rows, table, column="k", count_unit="thing")  # type: ignore[arg-type]
    with pytest.warns(DataWarning, match="counted by victims"):
        crosswalk(rows, table, column="k", count_unit="file")
    crosswalk(rows, table, column="k", count_unit="victim")


def test_incidents_come_back_with_their_code_and_a_theme_sets_the_rest_aside() -> None:
    rows = pd.DataFrame(
        {"lon": [1.0] * 3, "lat": [1.0] * 3, "kind": ["Hurto", "Narcomenudeo", "Narcomenudeo"]}
    )
    table = pd.DataFrame(
        {"local_code": ["hurto", "narcomenudeo"], "iccs": ["0502", "0601"], "match": ["full"] * 2}
    )
    incidents = read_incidents(rows, lon="lon", lat="lat", category="kind")
    result = crosswalk(incidents, table, count_unit="file")
    drugs = result.incidents(theme="drugs")
    drugs.audit.check(drugs.frame.index)
    assert drugs.frame["iccs"].tolist() == ["0601", "0601"]
    assert drugs.audit.by_reason()["rows"].to_dict() == {"not_selected": 1}
    assert drugs.settings["detection_basis"] == "police_initiated"
    assert result.incidents().settings["detection_basis"] == "mixed"
    with pytest.raises(ConfigError, match="drugs"):
        result.incidents(theme="drug")


def test_split_records_are_counted_but_never_become_points() -> None:
    rows = pd.DataFrame({"lon": [1.0], "lat": [1.0], "kind": ["Delito contra la fe"]})
    result = crosswalk(read_incidents(rows, lon="lon", lat="lat", category="kind"), TABLE, count_unit="file")
    assert result.counts()["records"].to_dict() == {"0701": 0.3, "0702": 0.7}
    with pytest.raises(CrosswalkError, match="Delito contra la fe"):
        result.incidents()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["Robo a casa", "HURTO", "Delito contra la fe", "Extravío", "??", "", None]),
        max_size=40,
    ),
    st.sampled_from([1, 2, None]),
)
@pytest.mark.filterwarnings("ignore:Only")
def test_records_are_conserved_whatever_comes_in(kinds: list[str | None], level: int | None) -> None:
    rows = pd.DataFrame({"delito": pd.Series(kinds, dtype=object), "arma": "si"})
    result = crosswalk(rows, TABLE, column="delito", count_unit="offence")
    assert result.counts(level=level)["records"].sum() == pytest.approx(len(kinds))
    assert result.frame.index.unique().equals(rows.index)
    years = pd.Series(np.arange(len(rows)) % 2, index=rows.index)
    by = result.counts(level=level, by=years)
    assert by[[c for c in by.columns if c in (0, 1)]].to_numpy().sum() == pytest.approx(len(kinds))


def test_the_table_of_mexico_city_maps_what_its_prosecution_office_writes(
    real_data: Callable[[str], Path],
) -> None:
    path = real_data("cdmx") / "fgj_cdmx_2019_2024.parquet"
    offences = pd.read_parquet(path, columns=["delito"])
    with pytest.warns(DataWarning, match="counted by victims"):
        result = crosswalk(offences, "mexico_city", column="delito", count_unit="file")
    assert result.coverage > 0.97
    assert result.unmapped["listed"].all()  # nothing is left out by oversight
    assert len(result.frame) == len(offences) == 1_302_640
    assert result.counts(level=1)["records"].sum() == pytest.approx(1_302_640)


def test_the_packaged_table_is_sound() -> None:
    rules = read_rules("mexico_city")
    assert rules.index.is_unique
    assert set(rules["match"]) == {"full", "partial", "none"}
