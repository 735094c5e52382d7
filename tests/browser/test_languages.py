"""The map of the second city in its languages: names of areas, legend and sentences, with the network off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import safemap as sm
from safemap.errors import AlignmentError

pytestmark = pytest.mark.browser

WORDS = {
    "ru": ("Число районов", "районов"),
    "uz-Latn": ("Hududlar soni", "hudud"),
    "uz-Cyrl": ("Ҳудудлар сони", "ҳудуд"),
    "en": ("Number of areas", "areas"),
}


@pytest.fixture(scope="module")
def page(browser: Any, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("chilanzar") / "out"
    overrides = {"local.permutations": 99, "local.max_permutations": 99}
    config = sm.load_assessment(root / "data" / "sample" / "chilanzar" / "assessment.toml", overrides)
    sm.run_assessment(config, out)
    return browser.open(out / "map.html")


def _switch(page: Any, language: str) -> None:
    page.evaluate(
        "(() => { const s = document.getElementById('sm-language');"
        f" s.value = '{language}'; s.dispatchEvent(new Event('change')); }})()"
    )


def test_it_opens_in_the_language_of_the_assessment(page: Any) -> None:
    assert page.evaluate("safemap.state.language") == "ru"
    assert page.count("path.sm-area") == 336
    assert page.text("h1") == "Грабежи / Talonchilik, 2023"


@pytest.mark.parametrize("language", WORDS)
def test_areas_legend_and_header_speak_the_language(page: Any, language: str) -> None:
    truth = sm.datasets.generate("chilanzar").areas
    column = "name" if language == "en" else f"name_{language}"
    _switch(page, language)
    total, noun = WORDS[language]
    assert total in page.text(".sm-legend")
    assert noun in page.text(".sm-meta")
    shown = page.evaluate("Array.from({length: safemap.size}, (_, i) => safemap.areaName(i))")
    wanted = truth[column].tolist()
    twice = [name for name in wanted if wanted.count(name) > 1]
    assert [s if w not in twice else w for s, w in zip(shown, wanted, strict=True)] == wanted
    page.evaluate("safemap.pin(5, true)")
    assert page.text(".sm-card.pinned h2") == shown[5]
    labels = {"".join(label.split()) for label in page.texts(".sm-label")}  # broken into lines
    assert labels
    assert labels <= {"".join(name.split()) for name in shown}
    page.evaluate("safemap.unpin()")


def test_a_name_is_found_in_any_of_its_spellings(page: Any) -> None:
    _switch(page, "en")
    areas = sm.datasets.generate("chilanzar").areas
    position = areas["name"].tolist().index(next(n for n in areas["name"] if n.startswith("Qaldirgʻoch")))
    for name in areas.iloc[position][["name", "name_ru", "name_uz-Cyrl"]]:
        page.evaluate(
            f"(() => {{ const f = document.getElementById('sm-find'); f.value = {name!r};"
            " f.dispatchEvent(new Event('input')); })()"
        )
        assert areas["name"].iloc[position] in page.texts("#sm-hits li")


def test_nothing_was_requested_and_nothing_failed(page: Any) -> None:
    assert (page.errors, page.refused, page.requests) == ([], [], [])


def test_names_must_be_those_of_the_areas_shown() -> None:
    areas = sm.datasets.generate("chilanzar").areas
    rates = sm.area_rates(areas.assign(events=1))
    with pytest.raises(AlignmentError, match="area_names"):
        sm.explore(rates, area_names=areas.iloc[1:])
