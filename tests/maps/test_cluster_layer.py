"""Layers of local statistics: those with words of their own, and any other with a column ``cluster``."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError, InputError
from safemap.i18n import LANGUAGES, text
from safemap.maps import explore
from safemap.maps.layers import Layer, build_layer
from safemap.maps.palettes import LISA
from safemap.results import Result


def layer_of(result: Result) -> Layer:
    frame = Registry(k=5).apply(result.frame.drop(columns="geometry"))
    return build_layer(result, frame, key="x", name="X", breaks=None, k=5)


def other(town: ModuleType, words: list[str]) -> Result:
    frame = town.moran().frame
    return town.LocalOther(
        frame=frame.assign(cluster=[words[i % len(words)] for i in range(36)]), settings={}
    )


def test_a_bivariate_test_names_its_two_columns(town: ModuleType) -> None:
    layer = layer_of(town.bivariate())
    assert sum(layer.counts.values()) == 36
    assert text(layer.classes[0].label) == "score high, light around high"
    assert dict(layer.slots) == {"x": "score", "y": "light"}
    assert {s for s in layer.sentences if s.startswith("s2_")}
    for language in LANGUAGES:
        assert "{" not in text(layer.classes[3].label, language)


def test_a_local_statistic_without_words_of_its_own_is_drawn_by_its_classes(town: ModuleType) -> None:
    layer = layer_of(
        other(town, ["of one kind", "of two kinds", "not significant", "no neighbours", "no data"])
    )
    assert sum(layer.counts.values()) == 36
    assert [text(c.label) for c in layer.classes[:3]] == ["of one kind", "of two kinds", "No clear pattern"]
    assert layer.counts["no_neighbours"] > 0
    assert layer.finding.key == "f_local"
    assert set(layer.figures) == {"n", "p"}


def test_known_words_keep_their_colour_and_new_ones_take_what_is_free(town: ModuleType) -> None:
    layer = layer_of(other(town, ["new", "high-high", "low-low", "not significant"]))
    colour = {c.key: c.colour for c in layer.classes if c.colour}
    assert (colour["high-high"], colour["low-low"]) == (LISA["high-high"], LISA["low-low"])
    assert len(set(colour.values())) == len(colour) == 4


def test_more_classes_than_colours_are_refused(town: ModuleType) -> None:
    with pytest.raises(InputError, match="may have 4 classes"):
        layer_of(other(town, ["a", "b", "c", "d", "e"]))


def test_statements_about_the_whole_map_are_not_layers(town: ModuleType) -> None:
    class Global(Result):
        kind = "global_moran"

    with pytest.raises(ConfigError, match="one statement about the whole map"):
        explore(Global(frame=town.areas()))


def test_the_name_of_a_layer_comes_from_its_title(town: ModuleType) -> None:
    m = explore(other(town, ["mixed", "not significant"]), town.bivariate())
    names = [layer["name"] for layer in town.data_of(m)["layers"]]
    assert names[0] == {"k": "layer_local", "s": {"q": "local other"}}
    assert names[1] == {"k": "layer_local_bivariate_moran"}


def layer_local_named(name: dict[str, Any]) -> bool:
    """Whether a layer has a name of its own in every language, numbered or not."""
    inner = name["s"]["name"] if name["k"] == "numbered" else name
    return inner["k"].startswith("layer_local_")


def real_tests(town: ModuleType) -> list[Result]:
    """Every local statistic safemap has, on one town."""
    import safemap as sm

    size = town.SIDE**2
    columns = {
        "score": [(i * 7) % 11 + i / 4 for i in range(size)],
        "light": [float(i // 6) for i in range(size)],
        "lit": [int(i % 6 < 3) for i in range(size)],
    }
    areas = town.areas(**columns)
    options = {"graph": sm.build_graph(areas, tolerance=1), "permutations": 199}
    return [
        sm.local_geary(areas, "score", max_permutations=199, **options),
        sm.local_geary(areas, "score", "light", max_permutations=199, **options),
        sm.local_lee(areas, "score", "light", max_permutations=199, **options),
        sm.local_join_counts(areas, "lit", graph=options["graph"]),
        sm.local_losh(areas, "score", max_permutations=199, **options),
    ]


def test_every_local_statistic_of_safemap_can_be_drawn_in_words(town: ModuleType) -> None:
    found = real_tests(town)
    layers = town.data_of(explore(*found))["layers"]
    for result, layer in zip(found, layers, strict=True):
        assert len(layer["codes"]) == 36, result.kind
        assert all(c["l"]["k"] != "c_text" for c in layer["classes"]), result.kind  # no class without words
        assert layer_local_named(layer["name"]), result.kind
        colours = [c["c"] for c in layer["classes"] if "c" in c]
        assert len(set(colours)) == len(colours), result.kind
