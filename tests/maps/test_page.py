"""Data cannot become code: nothing in the block can end it, open a template, or hide in the line."""

from __future__ import annotations

import json
from importlib import resources

import folium
import jinja2
import pytest
from branca.element import Element
from hypothesis import given
from hypothesis import strategies as st

from safemap.maps.page import SCRIPTS, SafemapPage, Verbatim, asset, clean_text, encode_data

HOSTILE = st.text(alphabet=st.sampled_from(list("{}%#<>&/!-'\"\\ \u2028\u2029$`7*191scriptáж")), max_size=30)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | HOSTILE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HOSTILE, inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_data_arrive_as_they_left(data: object) -> None:
    assert json.loads(encode_data(data)) == data


@given(PLAIN)
def test_the_block_is_the_same_after_a_template_engine(data: object) -> None:
    block = encode_data({"data": data})
    assert jinja2.Template(block).render() == block
    for opener in ("{{", "{%", "{#", "<", ">", "&", "\u2028", "\u2029"):
        assert opener not in block


def test_folium_compiles_rendered_text_and_our_element_does_not() -> None:
    assert "1337" in Element("{{ 7*191 }}").render()  # the fault this page is built around
    assert Verbatim("{{ 7*191 }}").render() == "{{ 7*191 }}"


@pytest.mark.parametrize("name", [*(f"{s}.js" for s in SCRIPTS), "safemap.css"])
def test_the_pages_own_files_hold_no_template_and_no_way_to_run_text(name: str) -> None:
    content = asset(name)
    for opener in ("{{", "{%", "{#", "</script", "<!--"):
        assert opener not in content
    for way in (
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
        "DOMParser", "createContextualFragment", "http://w", "https://", "fetch(", "XMLHttpRequest",
        "import(", "bindPopup", "bindTooltip",
    ):  # fmt: skip
        assert way not in content.replace("http://www.w3.org/2000/svg", "")


def test_every_script_in_the_folder_is_loaded() -> None:
    folder = resources.files("safemap.maps") / "assets"
    assert {f.name for f in folder.iterdir() if f.name.endswith(".js")} == {f"{s}.js" for s in SCRIPTS}


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("two\nlines\tand\u00a0more  spaces ", "two lines and more spaces"),
        ("null\x00and\x1bescape", "nullandescape"),
        ("half\ud800pair", "halfpair"),
        ("<b>stays text</b>", "<b>stays text</b>"),
        ("क्\u200dष", "क्\u200dष"),
        (12.5, "12.5"),
    ],
)
def test_text_is_cleaned_of_what_has_no_picture(raw: object, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text())
def test_clean_text_can_be_written_and_is_short(raw: str) -> None:
    found = clean_text(raw, longest=50)
    assert len(found) <= 50
    assert found.encode("utf-8").decode("utf-8") == found
    assert clean_text(found, longest=50) == found


def test_rendering_twice_gives_the_same_page() -> None:
    m = folium.Map(tiles=None)
    m.add_child(SafemapPage({"a": 1}), name="safemap")
    assert m.get_root().render() == m.get_root().render()
