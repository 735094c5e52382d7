"""Layers of answers and of density in the browser: drawn, counted, hatched, spoken, and nothing withheld."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from safemap.i18n import LANGUAGES, text, words
from safemap.maps import explore, save_map

pytestmark = pytest.mark.browser

ASKED = ["survey", "answers", "survey-2"]
FEAR = {"en": "Feels unsafe after dark", "ru": "Не чувствуют себя в безопасности ночью"}


@pytest.fixture(scope="module")
def saved(town: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    west = gpd.GeoDataFrame({"name": ["West"]}, geometry=[box(-99.2, 19.3, -99.1, 19.36)], crs=4326)
    m = explore(
        town.rates(), town.survey(), town.walk_in(), town.survey(column="fear", kind="mean"), town.density(),
        title={"en": "Recorded robbery", "ru": "Разбои"}, names=[None, FEAR, None, None, None],
        place={"en": "Town", "ru": "Город"}, neighbours={"district": west},
        area_names={"ru": {"020": "Юнусобод"}, "uz-Latn": {"021": "Mirzo Ulug‘bek"}},
    )  # fmt: skip
    return save_map(m, tmp_path_factory.mktemp("map") / "map.html")


@pytest.fixture
def page(browser: Any, saved: Path) -> Any:
    opened = browser.open(saved)
    yield opened
    assert (opened.errors, opened.refused, opened.requests) == ([], [], [])
    opened.close()


def counts(page: Any, rows: str = ".sm-row") -> dict[str, float]:
    found = page.evaluate(
        f"Array.from(document.querySelectorAll('{rows}'), r => [r.dataset.k, Number(r.dataset.count)])"
    )
    return dict(found)


def drawn(page: Any, kind: str) -> list[str]:
    return list(page.evaluate(f"Array.from(document.querySelectorAll('path.{kind}'), p => p.dataset.k)"))


@pytest.mark.parametrize("layer", ASKED)
def test_every_area_is_drawn_once_and_counted_once(page: Any, layer: str) -> None:
    page.click(f'input[value="{layer}"]')
    keys = drawn(page, "sm-area")
    assert len(keys) == 36
    assert {k: v for k, v in counts(page).items() if v} == {k: keys.count(k) for k in set(keys)}
    assert page.text(".sm-total") == "Number of areasTotal 36"
    assert page.count("path.sm-band") == 0


def test_uncertain_areas_are_hatched_over_their_colour_and_counted_after_the_total(page: Any) -> None:
    page.click('input[value="survey"]')
    assert counts(page, ".sm-over") == {"uncertain": 2}
    over = page.evaluate(
        "(p => [p.getAttribute('fill'), p.dataset.areas])(document.querySelector('path.sm-overlay'))"
    )
    assert over == ["url(#sm-uncertain)", "2"]
    assert page.count("#sm-uncertain") == 1
    assert page.count("#sm-uncertain rect") == 0  # nothing hides the colour below
    assert page.evaluate(
        "document.querySelector('.sm-total').compareDocumentPosition(document.querySelector('.sm-over')) & 4"
    )
    page.click('.sm-row[data-k="zero"]')  # one of the two
    assert page.evaluate("document.querySelector('path.sm-overlay').dataset.areas") == "1"
    page.click('input[value="rates"]')
    assert page.count("path.sm-overlay") == 0


def test_the_card_of_an_estimate(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="layer=survey&area=20")
    card = page.text(".sm-card.pinned")
    for part in ("Área 21", "50–59%", "50%", "95% interval 42–58%", "170 answers", "effective sample 170"):
        assert part in card
    assert "residents" not in card
    assert page.count("svg.sm-interval") == 1
    assert page.text(".sm-interval text.ref") == "average 53%"
    page.close()
    page = browser.open(saved, fragment="layer=survey&area=4")
    assert page.texts(".sm-card.pinned .sm-class") == ["70% or more", "Uncertain: read with care"]
    page.close()


@pytest.mark.parametrize(("area", "sentence"), [(0, "s_no_answers"), (2, "s_few_answers"), (5, "s_withheld")])
def test_what_is_not_published_shows_its_sentence_only(
    browser: Any, saved: Path, area: int, sentence: str
) -> None:
    page = browser.open(saved, fragment=f"layer=survey&area={area}")
    assert page.texts(".sm-card.pinned p") == [words("en")[sentence]]
    assert page.count(".sm-card.pinned .sm-figure, .sm-card.pinned .sm-base, .sm-interval") == 0
    page.close()


def test_people_not_drawn_by_chance_are_shown_as_x_of_n(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="layer=answers&area=20")
    assert page.text(".sm-figure").startswith("85 of 170")
    assert page.count(".sm-interval") == 0
    assert "interval" not in page.text(".sm-card.pinned")
    page.click(".sm-actions button")
    assert not any("interval" in h for h in page.texts(".sm-table th"))
    assert "85 of 170" in page.texts(".sm-table td.num")
    page.close()


def test_footer_heading_and_methods_belong_to_the_layer(page: Any) -> None:
    en = words("en")
    seen = {}
    for layer in ("rates", *ASKED, "density"):
        page.click(f'input[value="{layer}"]')
        page.click(".sm-actions button:nth-of-type(2)")
        seen[layer] = (
            page.text(".sm h1"),
            page.text(".sm footer"),
            page.text(".sm-drawer"),
            page.text(".sm-meta"),
        )
        page.press("Escape")
        page.wait(lambda: not page.visible(".sm-drawer"))
    for layer in ("rates", "density"):
        assert seen[layer][0] == "Recorded robbery"
        assert seen[layer][1].startswith(en["disclaimer"])
        assert "375" in seen[layer][2]
        assert "recorded cases" in seen[layer][3]
    assert seen["survey"][0] == "Feels unsafe after dark, Town"
    for layer, key in (("survey", "disclaimer_answers"), ("answers", "disclaimer_nonrandom")):
        _, footer, methods, meta = seen[layer]
        assert footer.startswith(en[key])
        assert "ecorded cases" not in footer
        assert en["cannot_say_answers"] in methods
        assert en["cannot_say_text"] not in methods
        assert "5,578 answers" in meta
        assert "cases" not in meta


def test_bands_are_drawn_and_their_ground_adds_up(page: Any) -> None:
    page.click('input[value="density"]')
    assert drawn(page, "sm-band") == [f"class {i}" for i in (5, 4, 3, 2, 1)]
    ground = counts(page)
    assert sum(ground.values()) == pytest.approx(41.9, abs=0.5)  # 36 squares of 0.01 degree at 19.3 north
    assert page.text(".sm-total").startswith("AreaTotal 42")
    assert set(counts(page, ".sm-over")) == {"edge"}
    assert drawn(page, "sm-overlay") == ["edge"]
    look = page.evaluate(
        "(p => [p.getAttribute('fill-opacity'), p.getAttribute('stroke')])"
        "(document.querySelector('path.sm-area'))"
    )
    assert look == ["0", "#FFFFFF"]
    page.click('.sm-row[data-k="class 5"]')
    opacity = page.evaluate(
        "Array.from(document.querySelectorAll('path.sm-band'), p => p.getAttribute('fill-opacity'))"
    )
    assert opacity == ["1", "0.13", "0.13", "0.13", "0.13"]
    page.click('input[value="rates"]')
    assert page.count("path.sm-band") == 0


def test_areas_under_a_density_can_be_found_and_show_no_figure(page: Any) -> None:
    page.click('input[value="density"]')
    page.evaluate("document.querySelector('.sm-map').focus()")
    page.press("ArrowRight", "Enter")
    assert page.texts(".sm-card.pinned p") == [words("en")["s_density"]]
    assert page.count(".sm-card.pinned .sm-figure, .sm-card.pinned .sm-class") == 0
    at = page.evaluate(
        "(b => [b.left + b.width / 2, b.top + b.height / 2])"
        "(document.querySelectorAll('path.sm-area')[20].getBoundingClientRect())"
    )
    page.click_at(*at)
    assert page.text(".sm-card.pinned h2") == "Área 21"
    page.click(".sm-actions button")
    rows = page.texts(".sm-table tbody tr")
    assert len(rows) == 6
    assert rows[-1].startswith("Edge: cases outside not read")


@pytest.mark.parametrize("layer", ["survey", "answers", "survey-2", "density"])
def test_every_language_has_all_words(browser: Any, saved: Path, layer: str) -> None:
    for language in LANGUAGES:
        page = browser.open(saved, fragment=f"lang={language}&layer={layer}&area=20&show=table")
        body = page.evaluate("document.body.innerText")
        for fault in ("{", "undefined", "NaN", "null", "[object"):
            assert fault not in body
        assert (page.errors, page.refused, page.requests) == ([], [], [])
        page.close()


def test_the_caller_s_texts_change_with_the_language(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="lang=ru")
    assert page.text(".sm h1") == "Разбои"
    assert "Город" in page.text(".sm-finding")
    page.click('input[value="survey"]')
    assert page.text(".sm h1") == f"{FEAR['ru']}, Город"
    page.close()
    page = browser.open(saved, fragment="lang=sw&layer=survey")
    assert page.text(".sm h1") == "Feels unsafe after dark, Town"
    page.close()


def test_the_page_says_the_finding_of_the_survey_that_python_says(
    browser: Any, saved: Path, town: ModuleType
) -> None:
    from safemap.disclosure.registry import Registry
    from safemap.maps.layers import build_layer

    frame = Registry().apply(town.survey().frame.drop(columns="geometry"))
    layer = build_layer(town.survey(), frame, key="x", name="x", breaks=None, k=5)
    for language in LANGUAGES:
        page = browser.open(saved, fragment=f"lang={language}&layer=survey")
        assert page.text(".sm-finding") == text(layer.finding, language)
        page.close()


def test_names_fall_back_and_are_found_in_every_script(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="lang=ru&area=20")
    assert page.text(".sm-card.pinned h2") == "Юнусобод"
    for typed, found in [
        ("yunus", "Юнусобод"), ("area 21", "Юнусобод"),
        ("мирзо улуғ", "Área 22"), ("Mirzo Ulug`b", "Área 22"),
    ]:  # fmt: skip
        page.evaluate("(i => {i.value = ''; i.focus()})(document.querySelector('#sm-find'))")
        page.type(typed)
        assert page.texts(".sm-search li") == [found], typed
    page.close()


def test_withheld_numbers_are_not_in_the_file(saved: Path) -> None:
    html = saved.read_text(encoding="utf-8")
    block = html.partition('id="safemap-data">')[2].partition("</script>")[0]
    layers = {layer["id"]: layer for layer in json.loads(block)["layers"]}
    for layer in ASKED:
        for key in ("value", "low", "high", "n", "n_eff", "x"):
            values = layers[layer].get(key)
            assert values is None or values[1] is None
    assert layers["survey"]["n"][5] is None  # 3 of 220 said so


def test_neighbours_are_plain_land_with_a_name(page: Any) -> None:
    assert page.count("path.sm-context") == 1
    assert page.texts(".sm-around") == ["West"]
    assert page.count(".sm-key") == 0
    fill = page.evaluate("document.querySelector('path.sm-context').getAttribute('fill')")
    assert fill == "#E7E3DB"
