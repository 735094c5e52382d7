"""The saved map, opened without a network: what is drawn, counted, spoken and reached by keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from safemap.i18n import LANGUAGES, text, words
from safemap.maps import explore, save_map
from safemap.maps.layers import build_layer

pytestmark = pytest.mark.browser

LAYERS = ["rates", "smoothed_rates", "local_moran", "local_getis_ord"]


@pytest.fixture(scope="module")
def saved(town: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    around = gpd.GeoDataFrame({"name": ["West"]}, geometry=[box(-99.2, 19.3, -99.1, 19.36)], crs=4326)
    road = gpd.GeoDataFrame(
        {"name": ["Calzada"]}, geometry=[LineString([(-99.11, 19.33), (-99.03, 19.34)])], crs=4326
    )
    stop = gpd.GeoDataFrame({"name": ["Metro"]}, geometry=[Point(-99.07, 19.325)], crs=4326)
    m = explore(
        town.rates(), town.smoothed(), town.moran(), town.getis(),
        title="Recorded robbery, Town", place="Town", source="Police of Town",
        methods=[("What is mapped", "Robbery.")], context={"Districts": around, "Roads": road, "Stops": stop},
    )  # fmt: skip
    return save_map(m, tmp_path_factory.mktemp("map") / "map.html")


@pytest.fixture
def page(browser: Any, saved: Path) -> Any:
    opened = browser.open(saved)
    yield opened
    assert (opened.errors, opened.refused, opened.requests) == ([], [], [])
    opened.close()


def legend(page: Any) -> dict[str, int]:
    rows = page.evaluate(
        "Array.from(document.querySelectorAll('.sm-row'), r => [r.dataset.k, r.dataset.count])"
    )
    return {key: int(count) for key, count in rows}


def drawn(page: Any) -> dict[str, int]:
    keys = page.evaluate("Array.from(document.querySelectorAll('path.sm-area'), p => p.dataset.k)")
    return {key: keys.count(key) for key in set(keys)}


def choose(page: Any, layer: str) -> None:
    page.click(f'input[value="{layer}"]')
    assert page.evaluate("document.querySelector('.sm-option input:checked').value") == layer


def focus_map(page: Any) -> None:
    page.evaluate("document.querySelector('.sm-map').focus()")


@pytest.mark.parametrize("layer", LAYERS)
def test_every_area_is_drawn_once_and_counted_once(page: Any, layer: str) -> None:
    choose(page, layer)
    assert page.count("path.sm-area") == 36
    counts = legend(page)
    assert sum(counts.values()) == 36
    assert {k: v for k, v in counts.items() if v} == drawn(page)
    assert page.text(".sm-total") == "Number of areasTotal 36"


def test_legend_rows_differ_in_fill_and_words(page: Any) -> None:
    for layer in LAYERS:
        choose(page, layer)
        fills = page.evaluate(
            "Array.from(document.querySelectorAll('.sm-row rect'), r => r.getAttribute('fill'))"
        )
        labels = page.texts(".sm-row > span:nth-of-type(1)")
        assert len(set(fills)) == len(fills) == len(set(labels)) == len(labels)
        for fill in fills:
            if fill.startswith("url(#"):
                assert page.count(fill[4:-1]) == 1  # the texture the swatch and the areas refer to


def test_the_legend_the_unit_and_the_finding_change_with_the_layer(page: Any, town: ModuleType) -> None:
    seen = []
    for layer in LAYERS:
        choose(page, layer)
        seen.append((page.text(".sm-title"), page.text(".sm-unit"), page.text(".sm-finding")))
    assert all(len({s[i] for s in seen}) == 4 for i in range(3))


def test_the_page_says_the_finding_that_python_says(page: Any, town: ModuleType) -> None:
    from safemap.disclosure.registry import Registry

    frame = Registry().register(town.rates().frame).apply(town.moran().frame.drop(columns="geometry"))
    layer = build_layer(town.moran(), frame, key="x", name="x", breaks=(1, 2, 3, 5), k=5, period=town.PERIOD)
    choose(page, "local_moran")
    for language in LANGUAGES:
        page.evaluate(
            f"(s => {{s.value = {json.dumps(language)}; s.dispatchEvent(new Event('change'))}})"
            "(document.querySelector('#sm-language'))"
        )
        assert page.text(".sm-finding") == text(layer.finding, language)
        assert page.evaluate("document.documentElement.lang") == language


def test_all_words_of_the_page_change_with_the_language(browser: Any, saved: Path) -> None:
    for language in LANGUAGES:
        page = browser.open(saved, fragment=f"lang={language}&layer=lisa&area=20")
        assert page.texts(".sm-actions button") == [
            words(language)[k] for k in ("table", "methods", "print", "compare")
        ]
        assert page.evaluate("document.querySelector('#sm-find').placeholder") == words(language)["find"]
        assert words(language)["disclaimer"] in page.text(".sm footer")
        assert words(language)["boundaries"] in page.text(".sm footer")
        body = page.evaluate("document.body.innerText")
        assert "{" not in body
        assert "undefined" not in body
        assert "NaN" not in body
        assert (page.errors, page.refused, page.requests) == ([], [], [])
        page.close()


@pytest.mark.parametrize(
    ("source", "end"),
    [
        ("Police of Town", "Police of Town. safemap "),
        ("Why?", "Why? safemap "),
        (None, "endorsement. safemap "),
    ],
)
def test_the_footer_is_made_of_sentences(
    browser: Any, town: ModuleType, tmp_path: Path, source: str | None, end: str
) -> None:
    page = browser.open(save_map(explore(town.rates(), source=source), tmp_path / "map.html"))
    assert end in page.text(".sm footer")
    page.close()


def test_pressing_a_legend_row_dims_the_other_classes(page: Any) -> None:
    opacity = (
        "Array.from(document.querySelectorAll('path.sm-area'),"
        "p => [p.dataset.k, p.getAttribute('fill-opacity')])"
    )
    page.click('.sm-row[data-k="zero"]')
    assert all((value == "1") == (key == "zero") for key, value in page.evaluate(opacity))
    assert page.evaluate("document.activeElement.dataset.k") == "zero"
    assert page.count('.sm-row[aria-pressed="true"]') == 1
    page.click('.sm-row[data-k="zero"]')
    assert {value for _, value in page.evaluate(opacity)} == {"1"}


def test_rows_without_areas_cannot_be_pressed(page: Any) -> None:
    assert page.evaluate(
        "Array.from(document.querySelectorAll('.sm-row'))"
        ".every(r => r.disabled === (r.dataset.count === '0'))"
    )


def test_the_pointer_shows_a_card_and_a_click_pins_it(page: Any) -> None:
    at = page.evaluate(
        "(b => [b.left + b.width / 2, b.top + b.height / 2])"
        "(document.querySelectorAll('path.sm-area')[20].getBoundingClientRect())"
    )
    page.move_to(*at)
    page.wait(lambda: page.visible(".sm-card:not(.pinned)"))
    assert page.text(".sm-card:not(.pinned) h2") == "Área 21"
    page.click_at(*at)
    page.wait(lambda: page.visible(".sm-card.pinned"))
    card = page.text(".sm-card.pinned")
    for part in (
        "Área 21",
        "cases per 1,000 residents a year",
        "95% interval",
        "n = 36",
        "3,000 residents",
        "2023",
    ):
        assert part in card
    assert not page.visible(".sm-card:not(.pinned)")
    page.click(".sm-close")
    assert not page.visible(".sm-card.pinned")


def test_a_withheld_area_shows_its_sentence_and_no_figure(browser: Any, saved: Path) -> None:
    for layer in LAYERS:
        page = browser.open(saved, fragment=f"layer={layer}&area=6")
        assert page.text(".sm-card.pinned .sm-class") == text("state_withheld").replace("{a}", "4")
        assert page.texts(".sm-card.pinned p") == [words("en")["s_withheld"]]
        assert (
            page.count(
                ".sm-card.pinned .sm-figure, .sm-card.pinned svg.sm-interval, .sm-card.pinned .sm-base"
            )
            == 0
        )
        page.close()


def test_form_follows_certainty(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="area=10")
    assert page.count(".sm-figure.soft") == 1
    page.close()
    page = browser.open(saved, fragment="area=12")
    assert page.count(".sm-card.pinned .sm-figure") == 0
    assert "This does not mean zero." in page.text(".sm-card.pinned")
    page.close()


def test_the_map_is_one_stop_of_the_tab_key_and_arrows_walk_over_the_areas(page: Any) -> None:
    assert page.count(".sm-map path[tabindex], .sm-map [tabindex='0'] [tabindex='0']") == 0
    focus_map(page)
    page.press("ArrowRight")
    first = page.text(".sm-card:not(.pinned) h2")
    page.press("ArrowRight")
    second = page.text(".sm-card:not(.pinned) h2")
    assert int(second[-2:]) == int(first[-2:]) + 1
    page.press("ArrowUp")
    third = page.text(".sm-card:not(.pinned) h2")
    assert int(third[-2:]) == int(second[-2:]) + 6
    assert page.text(".sm-hidden[aria-live]").startswith(third + ". ")
    page.press("Enter")
    assert page.text(".sm-card.pinned h2") == third
    page.press("Escape")
    assert not page.visible(".sm-card.pinned")
    assert page.evaluate("document.activeElement.classList.contains('sm-map')")


def test_keys_move_and_zoom_the_map(page: Any) -> None:
    state = "(m => [m.getCenter().lng, m.getZoom()])(safemap.map)"
    focus_map(page)
    east, zoom = page.evaluate(state)
    page.press("ArrowRight", shift=True)
    assert page.evaluate(state)[0] > east
    page.press("+")
    page.wait(lambda: page.evaluate(state)[1] == zoom + 0.5)


def test_the_whole_page_can_be_reached_by_tab(page: Any) -> None:
    reached = []
    for _ in range(40):
        page.press("Tab")
        reached.append(page.evaluate("(e => e.id || e.className || e.tagName)(document.activeElement)"))
    for part in ("sm-language", "sm-button", "sm-row", "sm-find", "leaflet-control-zoom-in"):
        assert any(part in name for name in reached), part
    assert sum("sm-map" in name for name in reached) <= 2


def search(page: Any, wanted: str) -> list[str]:
    page.evaluate("(i => {i.value = ''; i.focus()})(document.querySelector('#sm-find'))")
    page.type(wanted)
    return list(page.texts(".sm-search li"))


def test_search_ignores_accents_and_goes_to_the_area(page: Any) -> None:
    assert search(page, "area 07") == ["Área 07"]
    assert search(page, "zzz") == ["No area found"]
    assert len(search(page, "ÁREA")) == 8
    search(page, "area 21")
    page.press("ArrowDown", "Enter")
    assert page.text(".sm-card.pinned h2") == "Área 21"
    assert "Área 21" in page.text(".sm-hidden[aria-live]")


def test_search_reads_latin_and_cyrillic_alike(browser: Any, town: ModuleType, tmp_path: Path) -> None:
    names = [f"N{i}" for i in range(36)]
    names[:5] = ["Юнусобод", "Мирзо Улуғбек", "Chilonzor", "Yakkasaroy", "O‘zbekiston ovozi"]
    saved = save_map(explore(town.rates(town.areas(names))), tmp_path / "map.html")
    page = browser.open(saved)
    for wanted, found in [
        ("yunusobod", "Юнусобод"),
        ("Mirzo Ulug'bek", "Мирзо Улуғбек"),
        ("чилонзор", "Chilonzor"),
        ("яккасарой", "Yakkasaroy"),
        ("o`zbek", "O‘zbekiston ovozi"),
        ("ўзбек", "O‘zbekiston ovozi"),
    ]:
        assert search(page, wanted) == [found], wanted
    page.close()


@pytest.mark.parametrize("layer", LAYERS)
def test_the_table_holds_what_the_map_holds(page: Any, layer: str) -> None:
    choose(page, layer)
    counts = legend(page)
    labels = dict(zip(counts, page.texts(".sm-row > span:nth-of-type(1)"), strict=True))
    page.click(".sm-actions button")
    classes = page.texts(".sm-table td:last-child")
    assert {labels[k]: v for k, v in counts.items() if v} == {c: classes.count(c) for c in set(classes)}
    rows = page.evaluate(
        "Array.from(document.querySelectorAll('.sm-table tbody tr'),"
        "r => Array.from(r.cells, c => c.textContent))"
    )
    headings = [h.split(" ")[0] for h in page.texts(".sm-table th")]
    withheld = [r for r in rows if r[-1].startswith("Withheld")]
    assert len(withheld) == 4
    for row in withheld:
        assert {c for h, c in zip(headings, row, strict=True) if h not in ("Area", "Residents", "Class")} == {
            "–"
        }


def test_the_table_sorts_and_puts_what_is_missing_last(page: Any) -> None:
    page.click(".sm-actions button")
    assert page.evaluate("document.querySelector('th').getAttribute('aria-sort')") == "ascending"
    column = 1 + [h.split(" ")[0] for h in page.texts(".sm-table th")].index("n")
    for _ in range(2):
        page.click(f".sm-table th:nth-child({column}) button")
        values = page.texts(f".sm-table td:nth-child({column})")
        figures = [int(v.replace(",", "")) for v in values if v != "–"]
        assert values[-4:] == ["–"] * 4
        falling = (
            page.evaluate(
                f"document.querySelectorAll('.sm-table th')[{column - 1}].getAttribute('aria-sort')"
            )
            == "descending"
        )
        assert figures == sorted(figures, reverse=falling)
    page.press("Escape")
    page.wait(lambda: not page.visible(".sm-table"))


def test_the_methods_account_for_every_row(page: Any) -> None:
    page.click(".sm-actions button:nth-of-type(2)")
    drawer = page.text(".sm-drawer")
    assert "400 = 20 + 5 + 375" in drawer
    assert "98.7% of the rows asked for were placed." in drawer
    assert "What is mapped" in drawer
    assert words("en")["cannot_say_text"] in drawer


def test_names_on_the_map_do_not_overlap_and_those_left_out_are_counted(page: Any) -> None:
    boxes = page.evaluate(
        "Array.from(document.querySelectorAll('.sm-label'), e => {const r = e.getBoundingClientRect();"
        "return [r.left, r.top, r.right, r.bottom]})"
    )
    assert len(boxes) > 5
    for i, a in enumerate(boxes):
        assert not any(a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1] for b in boxes[i + 1 :])
    assert page.text(".sm-shown") == f"Names shown: {len(boxes)} of 36. Zoom in for more."


def test_context_is_drawn_and_named(page: Any) -> None:
    assert page.count("path.sm-context") == 3
    assert page.texts(".sm-key") == ["Districts", "Roads", "Stops"]
    assert "Metro" in page.texts(".sm-around")


@pytest.mark.parametrize("south", [19.3, 41.3, -60.0])
def test_the_scale_bar_is_true_on_the_ground(
    browser: Any, town: ModuleType, tmp_path: Path, south: float
) -> None:
    areas = town.areas()
    areas = areas.set_geometry(areas.translate(yoff=south - 19.3), crs=4326)
    page = browser.open(save_map(explore(town.rates(areas)), tmp_path / "map.html"))
    metres, pixels = page.evaluate(
        "(s => [Number(s.metres), Number(s.pixels)])(document.querySelector('.sm-furniture svg').dataset)"
    )
    west, east, lat = page.evaluate(
        "(m => {const y = m.getSize().y / 2, a = m.containerPointToLatLng([0, y]),"
        f"b = m.containerPointToLatLng([{pixels}, y]); return [a.lng, b.lng, a.lat]}})(safemap.map)"
    )
    from pyproj import Geod

    *_, ground = Geod(ellps="WGS84").inv(west, lat, east, lat)
    assert metres == pytest.approx(ground, rel=0.01)
    page.close()


def test_on_a_phone_the_map_keeps_its_height_and_the_card_is_a_sheet(browser: Any, saved: Path) -> None:
    page = browser.open(saved, width=390, height=844, phone=True, fragment="area=20")
    height = page.evaluate("document.querySelector('.sm-map').getBoundingClientRect().height")
    assert height >= 0.38 * 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sheet = page.evaluate(
        "(r => [r.left, r.right, r.bottom])"
        "(document.querySelector('.sm-card.pinned').getBoundingClientRect())"
    )
    assert sheet == [0, 390, 844]
    small = page.evaluate(
        "Array.from(document.querySelectorAll('.sm-button, .sm-close, .leaflet-bar a, .sm-option'),"
        "e => e.getBoundingClientRect().height).filter(h => h && h < 40)"
    )
    assert small == []
    assert (page.errors, page.refused, page.requests) == ([], [], [])
    page.close()


def test_in_print_there_is_the_map_with_its_legend_and_no_controls(browser: Any, saved: Path) -> None:
    page = browser.open(saved, media="print", width=1047, height=718)
    for gone in (".sm-actions", ".sm-search", ".leaflet-control-zoom", ".sm-option"):
        assert not page.visible(gone)
    for there in (".sm h1", ".sm-finding", ".sm-row", "path.sm-area", ".sm footer", ".sm-furniture"):
        assert page.visible(there)
    page.close()


def test_no_text_is_smaller_than_11_pixels(page: Any) -> None:
    page.evaluate("document.querySelector('.sm-actions button').click()")
    small = page.evaluate(
        "Array.from(document.querySelectorAll('.sm *')).filter(e => Array.from(e.childNodes)"
        ".some(n => n.nodeType === 3 && n.data.trim())"
        "&& parseFloat(getComputedStyle(e).fontSize) < 11).length"
    )
    assert small == 0


def test_controls_can_be_left_out(browser: Any, town: ModuleType, tmp_path: Path) -> None:
    page = browser.open(save_map(explore(town.rates(), controls=[]), tmp_path / "map.html"))
    assert (
        page.count(".sm-search, .sm-actions *, .leaflet-control-zoom, .sm-label, .sm-edge, .sm-furniture *")
        == 0
    )
    assert page.count("path.sm-area") == 36
    assert page.errors == []
    page.close()


def test_unknown_words_in_the_address_do_nothing(browser: Any, saved: Path) -> None:
    page = browser.open(saved, fragment="layer=__proto__&lang=constructor&area=999&zoom=x&show=eval")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.count("path.sm-area") == 36
    assert page.errors == []
    page.close()


@pytest.mark.filterwarnings("ignore:This map holds layers:safemap.errors.PrivacyWarning")
def test_it_works_on_a_map_with_layers_of_its_own(browser: Any, town: ModuleType, tmp_path: Path) -> None:
    mine = folium.Map(
        [19.33, -99.07], tiles="https://tiles.invalid/{z}/{x}/{y}.png", attr="Tiles", zoom_start=12
    )
    explore(town.rates(), m=mine)
    folium.CircleMarker([19.33, -99.07], radius=9).add_to(mine)
    folium.LayerControl().add_to(mine)
    page = browser.open(save_map(mine, tmp_path / "map.html"))
    assert page.count("path.sm-area") == 36
    assert page.count("path.leaflet-interactive:not(.sm-area)") == 1
    assert page.count(".leaflet-control-layers") == 1
    assert page.evaluate("document.querySelector('path.sm-area').getAttribute('fill-opacity')") == "0.85"
    assert [e for e in page.errors if "tiles.invalid" not in e] == []
    page.close()


def test_it_works_in_the_frame_of_a_notebook(
    browser: Any, town: ModuleType, saved: Path, tmp_path: Path
) -> None:
    from html import escape

    content = escape(saved.read_text(encoding="utf-8"))
    frame = f'<iframe srcdoc="{content}" style="width:900px;height:600px"></iframe>'
    target = tmp_path / "notebook.html"
    target.write_text(f"<!DOCTYPE html><meta charset=utf-8>{frame}", encoding="utf-8")
    page = browser.open(
        target,
        ready="document.querySelector('iframe').contentDocument?.documentElement.dataset.safemap === 'ready'",
    )
    inside = "document.querySelector('iframe').contentDocument"
    assert page.evaluate(f"{inside}.querySelectorAll('path.sm-area').length") == 36
    assert page.evaluate(f"{inside}.querySelector('.sm-map').getBoundingClientRect().height") > 250
    page.close()


def test_the_browser_harness_sees_errors_and_requests(browser: Any, tmp_path: Path) -> None:
    target = tmp_path / "bad.html"
    target.write_text(
        "<script>console.error('said'); throw new Error('thrown')</script><img src='http://a.invalid/x.png'>"
    )
    page = browser.open(target, ready="")
    assert any("said" in e for e in page.errors)
    assert any("thrown" in e for e in page.errors)
    assert page.requests == ["http://a.invalid/x.png"]
    page.close()


def test_figures_are_written_as_python_writes_them(page: Any) -> None:
    from safemap.i18n import format_number, format_percent, plural_form

    rng = np.random.default_rng(7)
    values = [
        0,
        0.5,
        0.125,
        2.5,
        -1.25,
        -0.04,
        999.5,
        1e6,
        2017,
        *np.round(rng.normal(0, 5_000, 60), 3).tolist(),
    ]
    cases = [(v, d, lang) for v in values for d in (0, 1, 2) for lang in LANGUAGES]
    written = page.evaluate(
        f"{json.dumps(cases)}.map(c => {{safemap.state.language = c[2]; return safemap.number(c[0], c[1])}})"
    )
    assert written == [format_number(v, d, language=lang) for v, d, lang in cases]
    shares = [(s, lang) for s in (0.05, 0.125, 0.632, 1) for lang in LANGUAGES]
    written = page.evaluate(
        f"{json.dumps(shares)}.map(c => {{safemap.state.language = c[1]; return safemap.percent(c[0], 1)}})"
    )
    assert written == [format_percent(s, 1, language=lang) for s, lang in shares]
    counts = [(n, lang) for n in [*range(130), 1001, 1011, 1021] for lang in LANGUAGES]
    forms = page.evaluate(
        f"{json.dumps(counts)}.map(c => {{safemap.state.language = c[1]; return safemap.plural(c[0])}})"
    )
    assert forms == [plural_form(n, language=lang) for n, lang in counts]
