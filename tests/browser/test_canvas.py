"""Thousands of areas are drawn on a canvas: the same classes, textures, pointer and keys as on SVG."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from safemap.analysis.rates import area_rates
from safemap.maps import explore, save_map
from safemap.maps.interactive import CANVAS_FROM

pytestmark = pytest.mark.browser

#: Colour of the pixel in the middle of an area, as #rrggbb; and how many colours there are around it.
PIXELS = """(i => {
  const pane = safemap.map.getPane('sm-areas').querySelector('canvas');
  const frame = pane.getBoundingClientRect(), map = safemap.map.getContainer().getBoundingClientRect();
  const at = safemap.map.latLngToContainerPoint(safemap.spots[i]), scale = pane.width / frame.width;
  const x = (at.x + map.left - frame.left) * scale, y = (at.y + map.top - frame.top) * scale;
  const read = pane.getContext('2d').getImageData(x - 8, y - 8, 17, 17).data, all = [];
  for (let k = 0; k < read.length; k += 4) {
    all.push('#' + [0, 1, 2].map(j => read[k + j].toString(16).padStart(2, '0')).join('').toUpperCase());
  }
  return [all[8 * 17 + 8], new Set(all).size];
})"""


@pytest.fixture(scope="module")
def saved(town: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    m = explore(town.rates(), town.moran(), town.survey(), town.density())
    return save_map(m, tmp_path_factory.mktemp("map") / "map.html")


@pytest.fixture
def page(browser: Any, saved: Path) -> Any:
    opened = browser.open(saved, fragment="draw=canvas")
    yield opened
    errors = [e for e in opened.errors if "willReadFrequently" not in e]  # the browser's advice to this test
    assert (errors, opened.refused, opened.requests) == ([], [], [])
    opened.close()


def settle(page: Any) -> None:
    page.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")


def test_every_area_has_the_colour_or_the_texture_of_its_class(page: Any) -> None:
    assert page.count("path.sm-area") == 0
    for layer in ("rates", "local_moran", "survey"):
        page.click(f'input[value="{layer}"]')
        settle(page)
        classes = page.evaluate("safemap.layer().codes.map(c => safemap.layer().classes[c])")
        assert [c["k"] for c in classes] == page.evaluate("safemap.views[0].painted()")
        overlaid = page.evaluate("safemap.layer().overlays.flatMap(o => o.a)")
        for i, c in enumerate(classes):
            colour, colours = page.evaluate(f"{PIXELS}({i})")
            if c.get("c"):
                assert colour == c["c"].upper(), (layer, i)
                assert colours == 1
            else:
                assert colours > 1, (layer, i, c["k"])  # ground and mark
        assert len(overlaid) == (2 if layer == "survey" else 0)


def test_a_legend_row_dims_on_canvas_too(page: Any) -> None:
    before = [page.evaluate(f"{PIXELS}({i})")[0] for i in (14, 35)]
    page.click('.sm-row[data-k="class 5"]')
    settle(page)
    after = [page.evaluate(f"{PIXELS}({i})")[0] for i in (14, 35)]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_pointer_keys_and_search_work_on_canvas(page: Any) -> None:
    at = page.evaluate(
        "(r => {const p = safemap.map.latLngToContainerPoint(safemap.spots[20]);"
        "return [r.left + p.x, r.top + p.y]})"
        "(safemap.map.getContainer().getBoundingClientRect())"
    )
    page.move_to(at[0] - 30, at[1])
    page._browser.pump(0.1)
    page.move_to(*at)
    page.wait(lambda: page.visible(".sm-card:not(.pinned)"))
    assert page.text(".sm-card:not(.pinned) h2") == "Área 21"
    page.click_at(*at)
    page.wait(lambda: page.visible(".sm-card.pinned"))
    page.evaluate("document.querySelector('.sm-map').focus()")
    page.press("ArrowRight", "Enter")
    assert page.text(".sm-card.pinned h2") == "Área 22"
    page.evaluate("document.querySelector('#sm-find').focus()")
    page.type("area 07")
    page.press("Enter")
    assert page.text(".sm-card.pinned h2") == "Área 07"


def test_density_and_comparison_on_canvas(page: Any) -> None:
    page.click('input[value="density"]')
    page.click(".sm-actions button:nth-of-type(4)")
    settle(page)
    assert page.evaluate("safemap.views.length") == 2
    assert page.count(".sm-second canvas") > 0


def test_many_areas_are_drawn_on_canvas_without_being_asked(
    browser: Any, town: ModuleType, tmp_path: Path
) -> None:
    side = int(np.ceil(np.sqrt(CANVAS_FROM)))
    cells = [box(i, j, i + 1, j + 1) for i in range(side) for j in range(side)]
    areas = gpd.GeoDataFrame({"events": range(side * side), "population": 9_000.0}, geometry=cells, crs=32614)
    areas["geometry"] = areas.scale(300, 300, origin=(0, 0)).translate(480_000, 2_140_000)
    areas.index = areas.index.astype(str)
    path = save_map(explore(area_rates(areas)), tmp_path / "map.html")
    page = browser.open(path)
    assert page.count("path.sm-area") == 0
    assert page.evaluate("safemap.views[0].painted().length") == side * side
    counts = page.evaluate("Array.from(document.querySelectorAll('.sm-row'), r => Number(r.dataset.count))")
    assert sum(counts) == side * side
    page.click(".sm-actions button")
    assert page.count(".sm-table tbody tr") == 1_000
    page.click(".sm-rest")
    assert page.count(".sm-table tbody tr") == side * side
    assert (page.errors, page.refused, page.requests) == ([], [], [])
    page.close()
