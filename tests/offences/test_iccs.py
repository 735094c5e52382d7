"""The classification itself: what the published one holds, and what can be asked of it."""

from __future__ import annotations

import pandas as pd
import pytest

from safemap.errors import ConfigError, InputError
from safemap.i18n.catalogue import LANGUAGES
from safemap.offences.iccs import check_codes, iccs_codes, iccs_label, roll_up


def test_sections_and_divisions_are_those_of_the_published_classification() -> None:
    codes = iccs_codes()
    sections = codes[codes["level"] == 1]
    divisions = codes[codes["level"] == 2]
    assert len(sections) == 11
    assert divisions.groupby("parent").size().tolist() == [8, 12, 3, 2, 5, 3, 5, 9, 8, 5, 3]


def test_every_code_has_a_label_in_every_language_and_script() -> None:
    codes = iccs_codes()
    assert codes[list(LANGUAGES)].map(lambda label: bool(label.strip())).all(axis=None)
    cyrillic = codes[["ru", "uz-Cyrl"]].map(lambda label: any("а" <= c.lower() <= "я" for c in label))
    assert cyrillic.all(axis=None)
    for language in ("en", "es", "uz-Latn", "sw"):
        assert not codes[language].str.contains("[а-яА-ЯўғқҳЎҒҚҲ]").any()
    for language in LANGUAGES:  # two divisions of one section never look alike
        assert not codes.assign(label=codes[language]).duplicated(["parent", "label"]).any()


def test_groups_can_be_added_and_must_continue_a_known_code() -> None:
    groups = pd.DataFrame({"code": ["04011", "040111"], "en": ["Robbery from a person", "In public"]})
    codes = iccs_codes(groups)
    assert codes.loc["040111", ["level", "parent", "es"]].tolist() == [4, "04011", "In public"]
    assert iccs_label("040111", known=codes) == "In public"
    with pytest.raises(InputError, match="continues"):
        iccs_codes(pd.DataFrame({"code": ["99011"], "en": ["Nothing"]}))
    with pytest.raises(InputError, match="repeated"):
        iccs_codes(pd.DataFrame({"code": ["0401"], "en": ["Again"]}))


def test_rolling_up_keeps_every_record_and_refuses_a_depth_that_is_not_there() -> None:
    codes = pd.Series(["0401", "04011", "050", "05", "XX"], index=list("abcde"))
    assert roll_up(codes, level=1).to_dict() == {"a": "04", "b": "04", "c": "05", "d": "05", "e": "XX"}
    with pytest.raises(InputError, match=r"20\.0% of 5 rows"):
        roll_up(codes.replace("050", "0502"), level=2)
    with pytest.raises(ConfigError, match="level must be"):
        roll_up(codes, level=5)


@pytest.mark.parametrize("code", ["401", "0499", "4", "robbery", "0401111"])
def test_unknown_codes_are_named(code: str) -> None:
    with pytest.raises(InputError, match=code):
        check_codes([code])


def test_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="language"):
        iccs_label("0401", language="fr")
