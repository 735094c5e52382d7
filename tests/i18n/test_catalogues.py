"""Six catalogues say the same things: same keys, same slots, every plural form."""

from __future__ import annotations

import re
from typing import Any

import pytest

from safemap.audit import REASONS
from safemap.errors import ConfigError
from safemap.i18n import (
    LANGUAGES,
    Message,
    catalogue,
    missing_keys,
    number,
    percent,
    plural_form,
    text,
    words,
)

FORMS = {"en": {"one", "other"}, "es": {"one", "other"}, "sw": {"one", "other"}}
FORMS |= {"ru": {"one", "few", "many"}, "uz-Latn": {"other"}, "uz-Cyrl": {"other"}}


def slots(word: Any) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", word if isinstance(word, str) else " ".join(word.values())))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_english_is_there_with_its_slots(language: str) -> None:
    assert missing_keys(language) == []
    assert set(words(language)) == set(words("en"))
    for key, word in words(language).items():
        assert slots(word) == slots(words("en")[key]), key
        assert word


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_are_counted_have_every_plural_form(language: str) -> None:
    for key, word in words(language).items():
        if isinstance(words("en")[key], dict):
            assert set(word) == FORMS[language], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_uses_words_that_blame(language: str) -> None:
    everything = " ".join(str(w) for w in words(language).values()).lower()
    for word in (
        "dangerous",
        "worst",
        "crime-ridden",
        "peligros",
        "опасн",
        "xavfli",
        "хавфли",
        "hatari sana",
    ):
        assert word not in everything


@pytest.mark.parametrize("language", [x for x in LANGUAGES if x != "en"])
def test_sentences_are_translated(language: str) -> None:
    same = [
        k
        for k, w in words(language).items()
        if w == words("en")[k] and isinstance(w, str) and w.count(" ") > 2
    ]
    assert same == []


def test_cyrillic_catalogues_hold_no_latin_words() -> None:
    for language in ("ru", "uz-Cyrl"):
        for key, word in words(language).items():
            latin = set(re.findall(r"[a-zA-Z]{2,}", re.sub(r"\{\w+\}", "", str(word))))
            if key != "keys" and not isinstance(word, dict):
                assert latin <= {"LISA", "Gi", "FDR"}, (language, key)


def test_uzbek_latin_uses_one_apostrophe() -> None:
    everything = " ".join(str(w) for w in words("uz-Latn").values())
    assert not set("'`ʻʼ´") & set(everything.replace("{'", "").replace("'}", "").replace("': '", ""))


def test_every_reason_of_the_audit_has_words() -> None:
    assert {f"r_{code}" for code in REASONS} <= set(words("en"))


def test_a_missing_key_falls_back_to_english_and_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = {language: dict(words(language)) for language in LANGUAGES}
    del everything["sw"]["table"]
    monkeypatch.setattr(catalogue, "words", everything.__getitem__)
    assert text("table", "sw") == "Table"
    assert missing_keys("sw") == ["table"]
    assert missing_keys("ru") == []


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="language must be one of en, es, ru, uz-Latn, uz-Cyrl, sw; got 'fr'"
    ):
        words("fr")


@pytest.mark.parametrize(
    ("language", "count", "word"),
    [
        ("en", 1, "area"), ("en", 0, "areas"), ("ru", 21, "район"), ("ru", 32, "района"),
        ("ru", 12, "районов"), ("sw", 1, "eneo"),
    ],
)  # fmt: skip
def test_plural_forms(language: str, count: int, word: str) -> None:
    assert text("areas", language, count=count) == word
    assert plural_form(count, language=language) in words(language)["areas"]


def test_messages_fill_their_slots_in_the_manner_of_the_language() -> None:
    message = Message(
        "f_local_getis_ord",
        {"a": number(1_234), "N": number(5), "b": number(0), "q": percent(0.05)},
        prefix="2023",
    )
    assert text(message, "ru").startswith("2023: 1\u00a0234 из 5")
    assert "5\u00a0%" in text(message, "ru")
    assert (
        text(Message("f_nothing", {"N": number(3)}), "en") == "No value can be shown in any of the 3 areas."
    )


def test_a_slot_cannot_be_filled_by_what_stands_in_another() -> None:
    message = Message(
        "f_rates_place",
        {"place": "{a}"} | {key: number(i) for i, key in enumerate("maNbc", start=1)},
    )
    assert "the {a} average of 1 in 2 of 3" in text(message, "en")
