"""Responses in areas: by code, by name, by position; suggestions, never guesses."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

import safemap as sm
from safemap.errors import ConfigError, InputError


def _areas() -> gpd.GeoDataFrame:
    names = ["Kosovo", "Mlango Kubwa", "Mabatini", "Village 4A", "village  4a"]
    shapes = [box(36.85 + i * 0.01, -1.26, 36.86 + i * 0.01, -1.25) for i in range(5)]
    return sm.read_areas(
        gpd.GeoDataFrame(
            {"code": [f"0{i}" for i in range(1, 6)], "village": names}, geometry=shapes, crs=4326
        ),
        id="code",
        name="village",
    )


def _responses(**columns: list[object]) -> sm.SurveyResponses:
    return sm.read_survey(pd.DataFrame(columns))


def test_by_code_leading_zeros_count() -> None:
    placed = sm.place_responses(_responses(ward=["01", "1", "", "03 "]), _areas(), code="ward")
    assert placed.frame["area_id"].fillna("").tolist() == ["01", "", "", "03"]
    assert placed.frame["match"].tolist() == ["code", "unknown", "missing", "code"]
    assert placed.suggestions.loc["1", "suggestions"] == ["01"]  # offered, not used
    assert placed.audit.by_reason()["rows"].to_dict() == {"missing_area": 1, "unknown_area": 1}
    placed.audit.check(placed.frame.index[placed.frame["area_id"].notna()])


def test_by_name_exact_after_folding_and_suggestions_with_their_counts() -> None:
    answers = [
        "KOSOVO",
        "\uff2dlango\u00a0Kubwa",
        "Mlango kuba",
        "Mlango kuba",
        "Village 4a",
        "Nowhere at all",
    ]
    placed = sm.place_responses(_responses(place=answers), _areas(), name="place")
    assert placed.frame["area_id"].fillna("").tolist() == ["01", "02", "", "", "", ""]
    assert placed.frame["match"].tolist() == ["name", "name", "unknown", "unknown", "ambiguous", "unknown"]
    table = placed.suggestions
    assert table.loc["Mlango kuba"].tolist() == [2, ["Mlango Kubwa"]]
    assert table.loc["Nowhere at all", "suggestions"] == []
    assert placed.audit.by_reason()["rows"].to_dict() == {"unknown_area": 3, "ambiguous_area": 1}
    assert "2 of 6 responses placed in 5 areas by name" in placed.summary()
    assert "'Mlango kuba' (2; Mlango Kubwa)" in placed.summary()


def test_a_suggestion_is_accepted_by_an_alias() -> None:
    answers = _responses(place=["Kosovo", "Mlango kuba"])
    placed = sm.place_responses(answers, _areas(), name="place", aliases={"mlango KUBA": "Mlango Kubwa"})
    assert placed.frame[["area_id", "match"]].values.tolist() == [["01", "name"], ["02", "alias"]]
    for lost in ("Mathare", "Village 4A"):  # unknown, and shared by two areas
        with pytest.raises(ConfigError, match="lead to no name"):
            sm.place_responses(answers, _areas(), name="place", aliases={"x": lost})


def test_by_position_as_incidents_are_joined() -> None:
    loc = ["-1.255 36.855 0 5", "-1.255 36.86 0 5", "", "-1.255 36.95 0 5"]
    placed = sm.place_responses(_responses(loc=loc), _areas())
    assert placed.frame["match"].tolist() == ["inside", "boundary", "missing", "outside"]
    assert placed.frame["area_id"].fillna("").tolist() == ["01", "01", "", ""]
    assert placed.audit.by_reason()["rows"].to_dict() == {"missing_coordinates": 1, "outside_areas": 1}
    with pytest.raises(InputError, match="has no position"):
        sm.place_responses(_responses(q=["a"]), _areas())


def test_respondents_without_an_area_stay_in_the_design() -> None:
    n = 40
    answers = _responses(
        place=["Kosovo"] * 20 + ["Mabatini"] * 15 + ["?"] * 5, w=[1.0] * n, unsafe=[1, 0] * 20
    )
    areas = _areas()
    placed = sm.place_responses(answers, areas, name="place")
    design = sm.SurveyDesign(placed, weight="w")
    assert design.n == n
    found = sm.survey_estimate(design, "unsafe", areas=areas)
    assert found.frame["n"].tolist() == [20, 0, 15, 0, 0]
    assert found.audit.by_reason()["rows"].to_dict() == {"unknown_area": 5}
    everyone = sm.survey_estimate(design, "unsafe")
    assert everyone.frame["n"].tolist() == [n]
    assert everyone.audit.n_set_aside == 0


def test_wrong_calls() -> None:
    answers = _responses(place=["a", "b"])
    with pytest.raises(InputError, match="no value of column 'place' is a name of the areas"):
        sm.place_responses(answers, _areas(), name="place")
    with pytest.raises(ConfigError, match="not both"):
        sm.place_responses(answers, _areas(), name="place", code="place")
    with pytest.raises(InputError, match="no such column"):
        sm.place_responses(answers, _areas(), code="ward")
    with pytest.raises(InputError, match="needs what read_survey gives"):
        sm.place_responses(answers.frame, _areas(), code="place")
