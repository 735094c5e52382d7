"""Hostile text in every slot of a map: nothing runs, nothing is compiled, nothing is requested.

The canaries only set ``window.__canary`` or ask for a host that does not exist. They are opened both as
``save_map`` writes the file (with its policy) and after a plain ``m.save()``, which has no policy and
compiles rendered text.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

import folium
import geopandas as gpd
import pytest
from shapely.geometry import LineString, Point, box

from safemap.i18n import LANGUAGES
from safemap.maps import explore, save_map

pytestmark = pytest.mark.browser

PAYLOADS = {
    "script": "<script>window.__canary=1</script>",
    "end of block": "</script><script>window.__canary=2</script>",
    "end of style": "</style><script>window.__canary=3</script>",
    "comment": "<!--<script>window.__canary=4</script>-->",
    "image": "<img src=x onerror=window.__canary=5>",
    "svg": "<svg/onload=window.__canary=6>",
    "attribute": '" onmouseover="window.__canary=7" autofocus onfocus="window.__canary=7',
    "quote": "';window.__canary=8;'\";window.__canary=8;//",
    "link": "<a href=javascript:window.__canary=9>x</a>",
    "address": "javascript:window.__canary=10",
    "frame": "<iframe srcdoc='<script>parent.__canary=11</script>'></iframe>",
    "expression": "{{ 7*191 }}",
    "statement": "{% for i in range(3) %}{{ 7*191 }}{% endfor %}",
    "reach": "{{ ''.__class__.__mro__[1].__subclasses__()|length * 0 + 7 * 191 }}",
    "hash": "{# gone #}kept",
    "literal": "${window.__canary=12}`${window.__canary=12}`",
    "entity": "&lt;script&gt;window.__canary=13&lt;/script&gt;&#60;img src=x onerror=window.__canary=13&#62;",
    "separator": "a\u2028window.__canary=14\u2029b",
    "direction": "safe\u202egnp.exe\u2066\u200fend",
    "remote": "<link rel=stylesheet href=http://leak.invalid/a.css><img src=//leak.invalid/b.png>",
    "style": "<div style='background:url(http://leak.invalid/c.png)'>x</div>",
    "backslash": "\\u003cscript\\u003ewindow.__canary=15\\u003c/script\\u003e\\",
    "prototype": "__proto__",
}
#: What a template engine would have made of the payloads.
TRACES = ("1337", "[object Object]")


def hostile_map(town: ModuleType, payload: str, **options: Any) -> folium.Map:
    """A map in which every text a caller or a data set supplies is the payload."""
    names = [f"{payload} {i}" for i in range(36)]
    areas = town.areas(names, **{payload: "value of a column", "category": payload, "note": payload})
    areas.index = areas.index.map(lambda i: f"{payload}{i}").rename(payload)
    rates, moran, getis = town.rates(areas), town.moran(areas), town.getis(areas)
    around = gpd.GeoDataFrame(
        {"name": [payload] * 3},
        geometry=[
            box(-99.2, 19.3, -99.1, 19.36),
            LineString([(-99.11, 19.33), (-99.03, 19.34)]),
            Point(-99.07, 19.325),
        ],
        crs=4326,
    )
    answers = hostile_answers(town, payload, areas)
    weighted = town.density()
    weighted = dataclasses.replace(weighted, settings={**weighted.settings, "weights": payload})
    by_language = dict.fromkeys(LANGUAGES, payload)
    return explore(
        rates, moran, getis, *answers, weighted, *hostile_periods_and_tests(town, payload, areas),
        title=by_language, names=[payload, by_language, None, None, None, payload, *[None] * 4],
        place=by_language,
        source=payload, disclaimer=payload, methods=[(payload, payload)], context={payload: around},
        neighbours={payload: around.iloc[[0]]},
        area_names={language: dict.fromkeys(areas.index, payload) for language in LANGUAGES}, **options,
    )  # fmt: skip


def hostile_periods_and_tests(town: ModuleType, payload: str, areas: gpd.GeoDataFrame) -> list[Any]:
    """Names of periods, of columns of counts and variables; title and classes of a local statistic."""
    from safemap.analysis.change import area_change

    periods = {f"{i} {payload}": town.smoothed_of(areas, i) for i in range(2)}
    counts = {f"{payload} a": town.BEFORE, f"{payload} b": town.AFTER}
    change = area_change(areas.assign(**counts), *counts)
    two = town.LocalBivariate(frame=town.moran(areas).frame, settings={"columns": [payload, f"{payload} 2"]})
    two.frame["cluster"] = two.frame["cluster"].where(two.frame["cluster"] != "too few areas", "high-high")
    classes = [payload, f"2 {payload}", "not significant"] * 12
    other = town.LocalOther(frame=town.moran(areas).frame.assign(cluster=classes), settings={})
    object.__setattr__(other, "title", payload)
    return [periods, change, two, other]


def hostile_answers(town: ModuleType, payload: str, areas: gpd.GeoDataFrame) -> list[Any]:
    """A survey whose question and answers are the payload, and a count of them."""
    from safemap.analysis.survey import count_answers, survey_estimate
    from safemap.analysis.survey_design import SurveyDesign

    rows = town.responses()
    rows["area_id"] = payload + rows["area_id"].astype(int).astype(str).str.zfill(3)
    rows[payload] = rows["unsafe"].map({1: payload, 0: f"{payload} 2"})
    options = {"success": [payload], "areas": areas}
    drawn = survey_estimate(SurveyDesign(rows, weight="w"), payload, **options)
    walk_in = SurveyDesign(rows, weight=None, sampling="nonprobability")
    return [drawn, count_answers(walk_in, payload, **options)]


def visit_every_corner(page: Any) -> None:
    """Show every text of the page: layers, legend, cards, search, table, methods, all by real input."""
    layers = ["rates", "local_moran", "local_getis_ord", "survey", "answers", "density"]
    layers += ["smoothed_rates", "change", "local_bivariate_moran", "local_other"]
    for layer in layers:
        page.click(f'input[value="{layer}"]')
        page.evaluate("document.querySelector('.sm-map').focus()")
        page.press("ArrowRight", "ArrowUp", "Enter")
        page.press("Escape")
        for i in (1, 2):
            page.click(f".sm-actions button:nth-of-type({i})")
            page.press("Escape")
    page.evaluate("document.querySelector('#sm-find').focus()")
    page.type("a")
    page.press("Escape")
    page.click('input[value="smoothed_rates"]')
    page.evaluate("document.querySelector('#sm-period').focus()")
    page.press("ArrowRight")
    page.click(".sm-actions button:nth-of-type(4)")
    page.evaluate("document.querySelector('.sm-map').focus()")
    page.press("ArrowRight", "Enter")
    page.click(".sm-actions button")
    page.press("Escape")
    page.click(".sm-beside-close")
    page._browser.pump(0.2)


@pytest.mark.parametrize("how", ["save_map", "save"])
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_nothing_runs_is_compiled_or_leaves(
    browser: Any, town: ModuleType, tmp_path: Path, payload: str, how: str
) -> None:
    m = hostile_map(town, payload)
    path = tmp_path / "map.html"
    if how == "save_map":
        save_map(m, path)
    else:
        m.save(path)
        _without_network(path)
    html = path.read_text(encoding="utf-8")
    for trace in TRACES:
        assert trace not in html.replace(payload, "")
    page = browser.open(path)
    visit_every_corner(page)
    assert page.evaluate("typeof window.__canary") == "undefined"
    assert page.evaluate(
        "Array.from(document.querySelectorAll('iframe')).every(f => !f.contentWindow.__canary)"
    )
    assert page.requests == []
    assert page.errors == []
    assert page.refused == []
    assert page.count(".sm-map path.sm-area") == 36
    assert page.evaluate("Object.prototype.hasOwnProperty.call(Object.prototype, 't')") is False
    page.click('input[value="rates"]')
    shown = page.text(".sm h1")
    if payload not in (PAYLOADS["direction"], PAYLOADS["separator"]):
        assert shown == payload  # shown as it is, letter for letter
    assert not set(shown) & set("\u202e\u2066\u200f\u2028\u2029")
    page.close()


def _without_network(path: Path) -> None:
    """Put Leaflet into a plainly saved page, so that it opens without a network; touch nothing else."""
    from safemap.maps.save import _inline

    path.write_text(_inline(path.read_text(encoding="utf-8"), kinds=set()), encoding="utf-8")


def test_the_canaries_sing_where_text_is_not_tamed(browser: Any, tmp_path: Path) -> None:
    """The harness would notice: the same payloads in folium's own popup and in bare markup do run."""
    sung = set()
    for name in ("script", "image", "svg"):
        path = tmp_path / f"{name}.html"
        path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{PAYLOADS[name]}")
        page = browser.open(path, ready="")
        page._browser.pump(0.2)
        if page.evaluate("typeof window.__canary") != "undefined":
            sung.add(name)
        page.close()
    assert sung == {"script", "image", "svg"}
    compiled = folium.Map(tiles=None)
    folium.Element(PAYLOADS["expression"]).add_to(compiled.get_root().html)
    assert "1337" in compiled.get_root().render()


def test_the_policy_stops_a_script_that_was_added_to_the_file(
    browser: Any, town: ModuleType, tmp_path: Path
) -> None:
    path = save_map(explore(town.rates()), tmp_path / "map.html")
    html = path.read_text(encoding="utf-8")
    added = (
        "<script>window.__canary=1</script><img src=x onerror='window.__canary=2'>"
        "<img src=http://leak.invalid/x.png>"
    )
    path.write_text(html.replace("<body>", f"<body>{added}"), encoding="utf-8")
    page = browser.open(path)
    assert page.evaluate("typeof window.__canary") == "undefined"
    assert page.refused or page.errors  # the browser says what it stopped
    assert page.requests == []
    page.close()


def test_errors_do_not_quote_hostile_text(town: ModuleType) -> None:
    from safemap.errors import SafemapError

    payload = PAYLOADS["script"]
    with pytest.raises(SafemapError) as raised:
        explore(town.LocalMoran(frame=town.moran().frame.assign(cluster=payload)))
    assert "canary" not in str(raised.value)
