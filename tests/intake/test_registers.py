"""Registers of real cities: no row is lost, and the match rates of the notes beside the files hold."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from safemap.audit import REASONS

_SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "real" / "registers.py"

#: cases of at most some ten thousand rows; the others take as long as all of these together
SMALL = (
    "cdmx_car_jacking",
    "nairobi_dhis",
    "nairobi_iebc",
    "tashkent_2024",
    "tashkent_osm",
    "nottingham_burglary",
    "nottingham_robbery",
    "memphis_robberies",
    "memphis_population",
)
LARGE = ("iztapalapa_colonias", "chicago_districts", "chicago_neighbourhoods", "chicago_community_areas")


@pytest.fixture(scope="module")
def registers() -> ModuleType:
    """``benchmarks/real/registers.py`` as a module; it is a script, not part of the package."""
    spec = importlib.util.spec_from_file_location("safemap_registers", _SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _run(registers: ModuleType, name: str, real_data) -> tuple:
    case = registers.CASES[name]
    file = real_data(case.file)
    if case.layer.startswith("libpysal:"):
        pytest.importorskip("libpysal")
    else:
        real_data(case.layer)
    return case, registers.run_case(case, file.parents[1])


def _check(case, facts: dict, registers: ModuleType) -> None:
    assert facts["rows"] == facts["placed"] + facts["set_aside"]
    assert facts["set_aside"] == sum(facts["reasons"].values())
    assert set(facts["reasons"]) <= set(REASONS)
    assert facts["rows"] == sum(facts["statuses"].values())
    for said, found, equal in registers.compared(case, facts):
        # a difference from the note must have a reason on the page, and a reason must explain a difference
        assert equal == (not said.why), f"{said.words}: the note says {said.figure}, found {found}"


@pytest.mark.real
@pytest.mark.parametrize("name", SMALL)
def test_no_row_is_lost_and_the_note_holds(registers, real_data, name):
    case, facts = _run(registers, name, real_data)
    _check(case, facts, registers)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_no_row_is_lost_and_the_note_holds_in_large_files(registers, real_data, name):
    case, facts = _run(registers, name, real_data)
    _check(case, facts, registers)


def test_a_figure_that_differs_is_told(registers):
    said = registers.Said("lie in an area, %", 99.94, 2, "placed_percent")
    case = registers.Case("a", "a.csv", {}, "b.gpkg", {}, said=(said,))
    assert [equal for *_, equal in registers.compared(case, {"placed_percent": 99.9449})] == [True]
    assert [equal for *_, equal in registers.compared(case, {"placed_percent": 99.9451})] == [False]


@pytest.mark.real
def test_parts_of_an_area_are_refused_until_they_are_put_together(registers, real_data):
    """District 31 of Chicago is drawn in three parts."""
    import geopandas as gpd

    import safemap as sm

    layer = real_data("chicago/chicago_police_districts.kml")
    with pytest.raises(sm.SafemapError, match=r"'Name' is no id.*'31'.*dissolve"):
        sm.read_areas(layer, id="Name")
    assert len(sm.read_areas(gpd.read_file(layer).dissolve("Name"), id="Name")) == 23


def test_every_register_has_a_line_on_the_page(registers, root):
    page = (root / "docs" / "registers.md").read_text(encoding="utf-8")
    for case in registers.CASES.values():
        assert f"| {case.title} |" in page


@pytest.mark.slow
def test_every_snippet_of_the_page_on_quality_runs(root, monkeypatch):
    """In the order of the page; the figures in its sentences are those of the sample city."""
    monkeypatch.chdir(root)
    page = (root / "docs" / "quality.md").read_text(encoding="utf-8")
    made: dict = {}
    for snippet in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(snippet, "docs/quality.md", "exec"), made)
    assert f"{made['report'].hit_rate.loc[0, 'hit_rate']:.1%}" == "97.2%"
    assert made["piles"][["rows", "addresses"]].values.tolist() == [[140, 112]]
    assert f"{made['heaps'].frame.loc['noon', 'share']:.1%}" == "8.2%"
    assert f"{made['risk'].frame['doubtful'].mean():.0%}" == "55%"
    assert made["thinner"].recommended == 0.9
    assert made["bridge"].changes["change"].tolist() == ["merged"] * 290
    assert made["kinds"].coverage == 1.0
    assert made["rates"].settings["detection_basis"] == "victim_reported"
    assert (made["rates"].settings["theme"], made["rates"].settings["count_unit"]) == ("property", "file")
