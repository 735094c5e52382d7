"""Themes overlap and say so; the basis of detection is the longest code's; one offence is the incident's."""

from __future__ import annotations

import pandas as pd
import pytest

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
