"""Themes overlap and say so; the basis of detection is the longest code's; one offence is the incident's."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

import safemap as sm
from safemap.errors import ConfigError, InputError
from safemap.offences.iccs import check_codes
from safemap.offences.principal import principal_offence
from safemap.offences.themes import THEMES, detection_basis, tag_themes


def test_a_record_may_belong_to_several_themes_and_the_overlap_is_counted() -> None:
    tagged = tag_themes(pd.Series(["0401", "04011", "0601", "0906", "XX"]))
    assert tagged["violence"].tolist() == [True, True, False, False, False]
    assert tagged["themes"].tolist() == [2, 2, 1, 1, 0]
    assert tagged.attrs["overlap"] == 2


def test_the_themes_of_the_mandate_are_all_there_and_use_real_codes() -> None:
    assert {
        "violence",
        "property",
        "corruption",
        "trafficking",
        "firearms",
        "drugs",
        "illicit_finance",
    } <= set(THEMES)
    assert {"counterfeit_goods", "violent_extremism"} <= set(THEMES)
    for codes in THEMES.values():
        check_codes(codes)
    with pytest.raises(InputError, match="0499"):
        tag_themes(pd.Series(["0401"]), themes={"mine": ["0499"]})


def test_the_longest_code_decides_how_an_offence_is_detected() -> None:
    codes = pd.Series(["06011", "060111", "0601", "0501", "XX"], index=list("abcde"))
    table = {"0601": "police_initiated", "060111": "victim_reported"}
    assert detection_basis(codes, table=table).tolist() == [
        "police_initiated", "victim_reported", "police_initiated", "victim_reported", "victim_reported",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="detection basis"):
        detection_basis(codes, table={"0601": "guess"})  # type: ignore[dict-item]


OFFENCES = pd.DataFrame({"case": ["a", "a", "b", "b", "c"], "iccs": ["0502", "0101", "0401", "0401", "XX"]})


def test_the_most_serious_offence_stands_for_its_incident() -> None:
    kept = principal_offence(
        OFFENCES, incident="case", rule="most_serious", severity={"01": 9, "04": 5, "05": 2}
    )
    assert kept.index.tolist() == [1, 2, 4]
    assert kept.attrs["conservation"] | {"rule": ""} == {
        "offences": 5, "incidents": 3, "kept": 3, "not_counted": 2, "rule": "",
    }  # fmt: skip


def test_the_other_rules_and_what_they_refuse() -> None:
    assert len(principal_offence(OFFENCES, incident="case", rule="all")) == 5
    assert principal_offence(OFFENCES, incident="case", rule="first").index.tolist() == [0, 2, 4]
    with pytest.raises(ConfigError, match="severity"):
        principal_offence(OFFENCES, incident="case", rule="most_serious")
    with pytest.raises(InputError, match="0401"):
        principal_offence(OFFENCES, incident="case", rule="most_serious", severity={"01": 9, "05": 1})
    with pytest.raises(InputError, match="no case"):
        principal_offence(OFFENCES.assign(case=None), incident="case", rule="first")
    with pytest.raises(ConfigError, match="rule"):
        principal_offence(OFFENCES, incident="case", rule="worst")  # type: ignore[arg-type]


def _rates_of(codes: list[str], theme: str | None):
    """Rates of four squares from incidents of these codes, by the way an assessment takes."""
    squares = gpd.GeoDataFrame(
        {"id": list("abcd"), "population": 500.0}, geometry=[box(i, 0, i + 1, 1) for i in range(4)], crs=4326
    )
    areas = sm.read_areas(squares, id="id", population="population")
    rows = pd.DataFrame({"lon": [0.5 + i % 4 for i in range(len(codes))], "lat": 0.5, "kind": codes})
    table = pd.DataFrame({"local_code": sorted(set(codes)), "iccs": sorted(set(codes)), "match": "full"})
    incidents = sm.read_incidents(rows, lon="lon", lat="lat", category="kind")
    found = sm.crosswalk(incidents, table, count_unit="incident").incidents(theme=theme)
    return sm.area_rates(sm.join_areas(found, areas), per=1_000)


@pytest.mark.parametrize(
    ("codes", "theme", "basis"),
    [
        (["0601"] * 40, "drugs", "police_initiated"),
        (["0501"] * 40, "property", "victim_reported"),
        (["0601", "0501"] * 20, None, "mixed"),
    ],
)
def test_the_basis_reaches_the_map_and_only_enforcement_is_called_so(codes, theme, basis) -> None:
    from safemap.i18n import LANGUAGES, text, words
    from safemap.maps.figures.layout import headline
    from safemap.maps.layers import build_layer

    rates = _rates_of(codes, theme)
    assert rates.settings["detection_basis"] == basis
    assert rates.settings["count_unit"] == "incident"
    assert rates.settings.get("theme") == theme
    assert sm.smooth_rates(rates).settings["detection_basis"] == basis
    frame = rates.frame.assign(suppressed=False)
    layer = build_layer(rates, frame, key="a", name="a", breaks=(1, 2, 3, 4), k=5)
    said = text(layer.finding)
    assert said.startswith("Recorded enforcement activity, not how often it occurs: the recorded rate") == (
        basis == "police_initiated"
    )
    for language in LANGUAGES:
        begins = words(language)["t_enforcement"].split("{")[0]
        assert headline(layer, language).startswith(begins) == (basis == "police_initiated")


def test_local_tests_of_enforcement_say_so_too() -> None:
    rates = _rates_of(["0601"] * 40, "drugs")
    graph = sm.build_graph(rates.frame, rule="queen")
    tested = sm.local_moran(rates, graph=graph, permutations=99)
    assert tested.settings["detection_basis"] == "police_initiated"
