"""axe-core finds no serious fault in the page, at a wide screen and on a phone, with every part open.

axe-core is not part of safemap: ``npm install axe-core`` anywhere and set SAFEMAP_AXE to its ``axe.min.js``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from safemap.i18n import LANGUAGES
from safemap.maps import explore, save_map

pytestmark = pytest.mark.browser

#: What the page can show, by its address.
STATES = (
    "", "layer=rates&step=2&area=20", "beside=rates.3&area=20", "layer=survey&show=table",
    "layer=change&show=methods", "layer=density", "draw=canvas&layer=local_moran",
)  # fmt: skip


def axe() -> str:
    """The text of axe-core, or a skip with what to do."""
    named = os.environ.get("SAFEMAP_AXE")
    here = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
    found = Path(named) if named else here
    if not found.exists():
        pytest.skip("axe-core is not at hand (npm install axe-core, and set SAFEMAP_AXE to its axe.min.js)")
    return found.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def saved(town: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    m = explore(
        town.years(), town.moran(), town.change(), town.survey(), town.density(),
        title="Recorded robbery", source="Police of Town", methods="What is mapped.",
    )  # fmt: skip
    return save_map(m, tmp_path_factory.mktemp("map") / "map.html")


def faults(page: Any, script: str) -> list[str]:
    """Rules broken, with how badly and where."""
    page.evaluate(f"(() => {{ {script}; return 1 }})()")
    found = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.map(v =>"
        "[v.impact, v.id, v.nodes.slice(0, 3).map(n => n.target.join(' ') + ': ' + n.failureSummary)])))"
    )
    return [f"{impact} {rule} {where}" for impact, rule, where in json.loads(found)]


def serious(found: list[str]) -> list[str]:
    return [f for f in found if f.startswith(("serious", "critical"))]


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
@pytest.mark.parametrize("state", STATES)
def test_no_serious_fault(browser: Any, saved: Path, state: str, phone: bool) -> None:
    script = axe()
    size = {"width": 390, "height": 844, "phone": True} if phone else {}
    page = browser.open(saved, fragment=state, **size)
    assert serious(faults(page, script)) == []
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_serious_fault_in_any_language(browser: Any, saved: Path, language: str) -> None:
    script = axe()
    page = browser.open(saved, fragment=f"lang={language}&area=20")
    assert serious(faults(page, script)) == []
    page.close()


def test_the_check_notices_a_fault(browser: Any, tmp_path: Path) -> None:
    script = axe()
    bad = tmp_path / "bad.html"
    bad.write_text("<!DOCTYPE html><title>x</title><img src='data:,'><button></button>", encoding="utf-8")
    page = browser.open(bad, ready="")
    assert any("button-name" in f for f in serious(faults(page, script)))
    page.close()
