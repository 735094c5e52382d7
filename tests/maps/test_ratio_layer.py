"""Layers of ratios: what changed, what did not, and where nobody can tell; ratios to the expected number."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemap.disclosure.registry import Registry
from safemap.errors import InputError
from safemap.i18n import LANGUAGES, text
from safemap.maps.layers import Layer, build_layer
from safemap.maps.ratio_layer import _codes_of_change, _percent_change


def layer_of(result: object, *, k: int = 5) -> Layer:
    frame = Registry(k=k).apply(result.frame.drop(columns="geometry"))  # type: ignore[attr-defined]
    return build_layer(result, frame, key="x", name="X", breaks=None, k=k)  # type: ignore[arg-type]


def test_every_area_is_in_one_class_of_change(town: ModuleType) -> None:
    for k in (1, 5, 1_000):
        layer = layer_of(town.change(), k=k)
        assert sum(layer.counts.values()) == len(layer.codes) == 36
        assert len({text(c.label) for c in layer.classes}) == len(layer.classes)


def test_the_classes_are_those_of_the_test_and_their_size_is_the_figure(town: ModuleType) -> None:
    result, layer = town.change(), layer_of(town.change())
    keys = [layer.classes[c].key for c in layer.codes]
    # by hand: 40 to 100 is +150 %, 100 to 40 is -60 %, from 0 there is no percentage, 400 to 410 is no change
    assert (keys[3], keys[5], keys[6], keys[7]) == ("more 3", "less 3", "more 3", "no change")
    assert keys[:2] == ["too_few_events", "withheld"]
    for key, word in zip(keys, result.frame["cluster"], strict=True):
        if key.startswith(("more", "less")):
            assert word == ("increase" if key.startswith("more") else "decrease")
    assert layer.figures["value"][3] == 150
    assert layer.figures["value"][6] is None
    assert (layer.figures["before"][6], layer.figures["after"][6]) == (0, 30)


def test_a_change_of_which_one_count_is_small_has_no_number(town: ModuleType) -> None:
    layer = layer_of(town.change())
    assert {values[1] for values in layer.figures.values()} == {None}
    assert layer.sentences[1] == "s_withheld"


def test_cannot_tell_is_not_no_change(town: ModuleType) -> None:
    layer = layer_of(town.change(), k=1)
    at = [i for i, w in enumerate(town.change().frame["cluster"]) if w == "cannot tell"]
    assert at
    assert {layer.classes[layer.codes[i]].state for i in at} == {"cannot_tell"}
    assert {layer.sentences[i] for i in at} == {"s_cannot_tell"}


def test_the_finding_of_a_change_adds_up(town: ModuleType) -> None:
    slots = {name: value["v"] for name, value in layer_of(town.change()).finding.slots.items()}
    assert slots["a"] + slots["b"] + slots["c"] + slots["d"] == slots["N"] == 36


@given(st.lists(st.floats(0, 50), min_size=1, max_size=30))
def test_labels_of_change_hold_what_is_in_them(ratios: list[float]) -> None:
    value = _percent_change(np.array(ratios))
    said = np.where(value >= 0, "increase", "decrease").astype(object)
    for v, code in zip(value, _codes_of_change(said, value), strict=True):
        low, high = [(100, np.inf), (50, 99), (0, 49), (0, 0), (-32, 0), (-49, -33), (-100, -50)][code]
        assert low <= v <= high


def test_an_unknown_class_of_change_is_refused_without_quoting_it(town: ModuleType) -> None:
    result = town.change()
    result.frame["cluster"] = "<b>secret</b>"
    with pytest.raises(InputError, match=r"1 other value\(s\) came") as raised:
        layer_of(result)
    assert "secret" not in str(raised.value)


def test_ratios_are_classed_around_one(town: ModuleType) -> None:
    layer = layer_of(town.ratios())
    assert sum(layer.counts.values()) == 36
    labels = [text(c.label) for c in layer.classes[:7]]
    assert labels == ["2 or more", "1.5–1.99", "1.1–1.49", "0.9–1.09", "0.67–0.89", "0.5–0.66", "under 0.5"]
    ends = {"ratio 1": (0, 0.49), "ratio 2": (0.5, 0.66), "ratio 3": (0.67, 0.89), "ratio 4": (0.9, 1.09)}
    ends |= {"ratio 5": (1.1, 1.49), "ratio 6": (1.5, 1.99), "ratio 7": (2, np.inf)}
    for code, value in zip(layer.codes, layer.figures["value"], strict=True):
        key = layer.classes[code].key
        if key in ends:
            assert ends[key][0] <= value <= ends[key][1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_ratios_are_whole(town: ModuleType, language: str) -> None:
    for layer in (layer_of(town.change()), layer_of(town.ratios())):
        for message in (layer.unit, layer.finding, *(c.label for c in layer.classes)):
            assert "{" not in text(message, language)
