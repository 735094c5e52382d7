"""The slider and the maps side by side: same outlines, same classes, one place."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from safemap.i18n import LANGUAGES, words
from safemap.maps import explore, save_map

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def saved(town: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    m = explore(town.years(), town.moran(), town.change(), town.survey(), title="Recorded robbery")
    return save_map(m, tmp_path_factory.mktemp("map") / "map.html")


@pytest.fixture
def page(browser: Any, saved: Path) -> Any:
    opened = browser.open(saved)
    yield opened
    assert (opened.errors, opened.refused, opened.requests) == ([], [], [])
    opened.close()


def legend(page: Any, which: str = "count") -> dict[str, int]:
    found = page.evaluate(
        "Array.from(document.querySelectorAll('.sm-row[data-v=\"0\"]'),"
        f"r => [r.dataset.k, Number(r.dataset.{which})])"
    )
    return dict(found)


def painted(page: Any, view: int = 0) -> dict[str, int]:
    keys = page.evaluate(f"safemap.views[{view}].painted()")
    return {key: keys.count(key) for key in keys}


def test_every_stop_paints_and_counts_every_area(page: Any) -> None:
    assert page.text(".sm-slider label") == "Period: All"
    page.evaluate("document.querySelector('#sm-period').focus()")
    seen = []
    for stop in ("2020", "2021", "2022", "2023"):
        page.press("ArrowRight")
        assert page.text(".sm-slider label") == f"Period: {stop}"
        assert page.evaluate("document.querySelector('#sm-period').getAttribute('aria-valuetext')") == stop
        counts = legend(page)
        assert sum(counts.values()) == 36
        assert {k: v for k, v in counts.items() if v} == painted(page)
        assert page.text(".sm-finding").startswith(stop)
        seen.append(page.text(".sm-finding"))
    assert len(set(seen)) == 4
    assert page.count("path.sm-area") == 36


def test_layers_without_periods_say_so(page: Any) -> None:
    page.click('input[value="local_moran"]')
    assert page.text(".sm-slider") == words("en")["one_period"]
    page.click('input[value="rates"]')
    assert page.count("#sm-period") == 1


def test_the_card_and_the_table_show_the_stop(browser: Any, saved: Path, town: ModuleType) -> None:
    events = [int(r.frame["events"].iloc[30]) for r in town.years()]
    page = browser.open(saved, fragment="step=3&area=30&show=table")
    assert f"n = {events[2]}" in page.text(".sm-card.pinned")
    assert "2022" in page.text("#sm-table-title")
    column = 1 + [h.split(" ")[0] for h in page.texts(".sm-table th")].index("n")
    assert page.texts(f".sm-table td:nth-child({column})")[30] == str(events[2])
    page.close()


def test_two_periods_side_by_side_share_legend_place_and_mark(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="step=1&beside=rates.4")
    assert page.count("path.sm-area") == 72
    assert page.texts(".sm-pair span") == ["2020", "2023"]
    assert page.count(".sm-row[data-beside]") == page.count(".sm-row")
    for which, view in (("count", 0), ("beside", 1)):
        counts = legend(page, which)
        assert sum(counts.values()) == 36
        assert {k: v for k, v in counts.items() if v} == painted(page, view)
    page.evaluate("void safemap.map.setView([19.32, -99.08], 13.5, {animate: false})")
    assert page.evaluate("safemap.views[1].map.getZoom()") == 13.5
    page.evaluate("void safemap.views[1].map.panBy([60, 0], {animate: false})")
    centres = page.evaluate("safemap.views.map(v => [v.map.getCenter().lng, v.map.getCenter().lat])")
    assert centres[0] == pytest.approx(centres[1], abs=1e-4)
    page.evaluate("safemap.pin(30)")
    assert page.texts(".sm-card.pinned .sm-which") == ["Recorded rate, 2020", "Recorded rate, 2023"]
    page.click('.sm-row[data-k="class 5"]')
    assert page.evaluate("safemap.views.map(v => v.filter)") == ["class 5", "class 5"]
    assert (page.errors, page.refused, page.requests) == ([], [], [])
    page.close()


def test_two_layers_side_by_side_keep_their_own_legends(page: Any) -> None:
    page.click(".sm-actions button:nth-of-type(4)")
    assert page.evaluate("document.querySelector('.sm-actions button:nth-of-type(4)').ariaPressed") == "true"
    page.evaluate(
        "(s => {s.value = JSON.stringify(['survey', 0]); s.dispatchEvent(new Event('change'))})"
        "(document.querySelector('#sm-other'))"
    )
    rows = page.evaluate(
        "Array.from(document.querySelectorAll('.sm-row'), r => [r.dataset.v, Number(r.dataset.count)])"
    )
    assert [sum(n for v, n in rows if v == w) for w in ("0", "1")] == [36, 36]
    footer = page.text(".sm footer")
    assert words("en")["disclaimer"] in footer
    assert words("en")["disclaimer_answers"] in footer
    page.click(".sm-actions button")
    assert page.texts(".sm-table th")[-1].startswith("Class: ")
    page.press("Escape")
    page.click(".sm-beside-close")
    assert not page.visible(".sm-beside")
    assert page.evaluate("document.querySelector('.sm-map').offsetWidth > 1000")


def test_keys_still_walk_on_one_stop_and_speak_both(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="beside=local_moran")
    assert page.evaluate("document.querySelector('.sm-second').tabIndex") == -1
    page.evaluate("document.querySelector('.sm-map').focus()")
    page.press("ArrowRight")
    spoken = page.text(".sm-hidden[aria-live]")
    assert "Recorded rate" in spoken
    assert "Neighbour patterns" in spoken
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_whole_in_every_language(browser: Any, saved: Path, language: str) -> None:
    for fragment in ("beside=rates.2&area=20", "layer=change&area=6&show=table"):
        page = browser.open(saved, fragment=f"lang={language}&{fragment}")
        body = page.evaluate("document.body.innerText")
        for fault in ("{", "undefined", "NaN", "null", "[object"):
            assert fault not in body
        assert (page.errors, page.refused, page.requests) == ([], [], [])
        page.close()


def test_a_change_is_written_with_its_sign(browser: Any, town: ModuleType, tmp_path: Path) -> None:
    path = save_map(explore(town.change()), tmp_path / "map.html")
    page = browser.open(path, fragment="area=3")
    assert page.text(".sm-figure").startswith("+150%")
    assert "40 → 100 recorded cases" in page.text(".sm-card.pinned")
    assert page.text(".sm-interval text.ref") == "no change"
    page.close()
    page = browser.open(path, fragment="area=6")
    assert page.text(".sm-figure").startswith("0 → 30")
    page.close()


def test_on_a_phone_the_maps_stand_one_above_the_other(browser: Any, saved: Path) -> None:
    page = browser.open(saved, width=390, height=844, phone=True, fragment="beside=rates.2")
    boxes = page.evaluate(
        "['.sm-map', '.sm-second'].map(q => {const r = document.querySelector(q).getBoundingClientRect();"
        "return [r.left, r.width, r.top, r.height]})"
    )
    assert boxes[0][:2] == boxes[1][:2] == [0, 390]
    assert boxes[1][2] >= boxes[0][2] + boxes[0][3] - 1
    assert min(b[3] for b in boxes) > 150
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_compared_from_the_start(browser: Any, town: ModuleType, tmp_path: Path) -> None:
    page = browser.open(save_map(explore(town.years(), compare=("2021", "2022")), tmp_path / "map.html"))
    assert page.texts(".sm-pair span") == ["2021", "2022"]
    assert page.text(".sm-caption") == "Recorded rate, 2021"
    page.close()
