"""Every area is in exactly one class or state, and what a withheld area could tell is not in its layer."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError, InputError
from safemap.i18n import text
from safemap.maps.layers import Layer, build_layer, check_result
from safemap.results import Result

BREAKS = (5.0, 10.0, 20.0, 50.0)


def layer_of(result: Result, *, k: int = 5, breaks: tuple[float, ...] = BREAKS) -> Layer:
    frame = Registry(k=k).apply(result.frame.drop(columns="geometry"))
    return build_layer(result, frame, key="x", name="X", breaks=breaks, k=k)


@pytest.mark.parametrize("kind", ["rates", "smoothed", "moran", "getis"])
@pytest.mark.parametrize("k", [1, 5, 1_000])
def test_counts_of_the_legend_add_up_to_the_areas(town: ModuleType, kind: str, k: int) -> None:
    layer = layer_of(getattr(town, kind)(), k=k)
    assert sum(layer.counts.values()) == len(layer.codes) == 36
    assert len({c.key for c in layer.classes}) == len(layer.classes)


def test_rates_fall_into_the_classes_worked_out_by_hand(town: ModuleType) -> None:
    # population of area i is 2,000 + 50 i, events from area 12 on are 12 + 3 (i - 12); none lives in area 12
    expected = {"class 1": 0, "class 2": 0, "class 3": 0, "class 4": 0, "class 5": 0}
    for i in range(13, 36):
        rate = round((12 + 3 * (i - 12)) / (2_000 + 50 * i) * 1_000 * 365.25 / 365, 1)
        expected[f"class {1 + sum(rate >= b for b in BREAKS)}"] += 1
    counts = layer_of(town.rates()).counts
    assert {key: counts[key] for key in expected} == expected
    assert (counts["zero"], counts["withheld"], counts["no_data"]) == (5, 4, 1)
    assert counts["few"] == 3


def test_withheld_areas_have_no_number_in_any_layer(town: ModuleType) -> None:
    for result in (town.rates(), town.smoothed(), town.moran(), town.getis()):
        layer = layer_of(result)
        for values in layer.figures.values():
            assert values[5:9] == [None] * 4
        assert {layer.classes[c].key for c in layer.codes[5:9]} == {"withheld"}
        assert set(layer.sentences[5:9]) == {"s_withheld"}


def test_statistics_of_local_tests_are_not_shown(town: ModuleType) -> None:
    for layer in (layer_of(town.moran()), layer_of(town.getis())):
        assert set(layer.figures) == {"n", "p"}
        assert all(p is None or p == float(f"{p:.3g}") for p in layer.figures["p"])


def test_every_special_class_of_a_local_test_has_a_row_of_its_own(town: ModuleType) -> None:
    for layer in (layer_of(town.moran(), k=1), layer_of(town.getis(), k=1)):
        states = {c.state for c in layer.classes if c.state}
        assert {"no_neighbours", "no_data", "no_variation", "too_few_areas", "too_few_events"} <= states
        assert all(layer.counts[s] for s in states if s != "withheld")
        colours = [c.colour for c in layer.classes if c.colour]
        assert len(set(colours)) == len(colours)


def test_a_state_without_areas_stays_in_the_legend(town: ModuleType) -> None:
    frame = town.moran().frame.assign(cluster="not significant")
    layer = layer_of(town.LocalMoran(frame=frame, settings={}), k=1)
    assert layer.counts == {
        "high-high": 0, "low-low": 0, "high-low": 0, "low-high": 0, "not significant": 36,
        "withheld": 0, "no_neighbours": 0, "no_data": 0,
    }  # fmt: skip


def test_areas_of_doubtful_rates_carry_no_class_colour(town: ModuleType) -> None:
    layer = layer_of(town.rates(), k=1)
    few = [layer.classes[c].key == "few" for c in layer.codes]
    assert few == [i in range(5, 12) for i in range(36)]
    assert all(layer.figures["value"][i] is not None for i in range(5, 12))


def test_an_area_without_events_says_none_recorded_and_one_without_population_says_no_data(
    town: ModuleType,
) -> None:
    layer = layer_of(town.rates())
    assert layer.sentences[0] == "s_zero"
    assert layer.sentences[12] == "s_no_data"
    assert layer.figures["value"][12] is None


def test_sentences_compare_the_interval_with_the_average(town: ModuleType) -> None:
    layer = layer_of(town.rates())
    frame = town.rates().frame
    known = frame["population"].notna()
    average = (frame["estimate"] * frame["population"])[known].sum() / frame["population"][known].sum()
    assert layer.mean == pytest.approx(average, abs=0.05)
    for i in range(13, 36):
        low, high = layer.figures["low"][i], layer.figures["high"][i]
        expected = "s_above" if low > layer.mean else "s_below" if high < layer.mean else "s_same"
        assert layer.sentences[i] == expected


def test_the_finding_counts_what_the_sentences_say(town: ModuleType) -> None:
    layer = layer_of(town.rates())
    slots = {name: value["v"] for name, value in layer.finding.slots.items()}
    zeros_below = sum(layer.figures["high"][i] < layer.mean for i in range(5))
    assert slots["a"] == layer.sentences.count("s_above")
    assert slots["b"] == layer.sentences.count("s_below") + zeros_below
    assert slots["a"] + slots["b"] + slots["c"] == slots["N"] == 36
    assert text(layer.finding, "en").startswith("2023: the recorded rate was above the average of ")


def test_the_finding_of_a_local_test_counts_what_was_tested_and_shown(town: ModuleType) -> None:
    layer = layer_of(town.moran())
    slots = {name: value["v"] for name, value in layer.finding.slots.items()}
    tested = sum(layer.counts[c] for c in ("high-high", "low-low", "high-low", "low-high", "not significant"))
    assert slots["N"] == tested
    assert slots["f"] == tested - layer.counts["not significant"]
    quiet = town.moran().frame.assign(cluster="not significant")
    assert layer_of(town.LocalMoran(frame=quiet, settings={})).finding.key == "f_no_pattern"
    untested = town.moran().frame.assign(cluster="too few events")
    assert layer_of(town.LocalMoran(frame=untested, settings={})).finding.key == "f_nothing"


def test_unadjusted_levels_are_not_called_a_false_discovery_rate(town: ModuleType) -> None:
    plain = town.LocalMoran(frame=town.moran().frame, settings={"alpha": 0.01, "adjust": "none"})
    layer = layer_of(plain)
    assert text(layer.unit, "en") == "significance level 1%"
    assert not layer.adjusted


def test_labels_name_ranges_that_do_not_overlap(town: ModuleType) -> None:
    labels = [text(c.label, "en") for c in layer_of(town.rates(), breaks=(1.0, 2.0, 3.0, 5.0)).classes[:6]]
    assert labels == ["5 or more", "3–4.9", "2–2.9", "1–1.9", "under 1", "0 – none recorded"]
    labels = [
        text(c.label, "ru") for c in layer_of(town.rates(), breaks=(100.0, 250.0, 500.0, 1000.0)).classes[:5]
    ]
    assert labels == ["1\u00a0000 и более", "500–999", "250–499", "100–249", "менее 100"]


def test_classes_of_getis_ord_name_the_false_discovery_rate(town: ModuleType) -> None:
    labels = [text(c.label, "ru") for c in layer_of(town.getis()).classes[:3]]
    assert labels == [
        "Группа высоких, FDR 1\u00a0%",
        "Группа высоких, FDR 5\u00a0%",
        "Группа высоких, FDR 10\u00a0%",
    ]


def test_an_unknown_class_is_refused_without_quoting_it(town: ModuleType) -> None:
    frame = town.moran().frame.assign(cluster="<b>secret</b>")
    with pytest.raises(InputError, match="1 other value") as raised:
        layer_of(town.LocalMoran(frame=frame, settings={}))
    assert "secret" not in str(raised.value)


def test_other_kinds_of_results_are_refused(town: ModuleType) -> None:
    with pytest.raises(ConfigError, match="explore\\(\\) shows results of kind"):
        check_result(Result(frame=town.areas()))
    with pytest.raises(InputError, match="must have the column cluster"):
        check_result(town.LocalMoran(frame=town.areas()))


def test_missing_words_in_the_cluster_column_are_no_data(town: ModuleType) -> None:
    frame = town.moran().frame
    frame.loc[frame.index[20], "cluster"] = None
    layer = layer_of(town.LocalMoran(frame=frame, settings={}))
    assert layer.classes[layer.codes[20]].key == "no_data"


def test_doubling_every_population_halves_the_figures(town: ModuleType) -> None:
    twice = town.areas()
    twice["population"] *= 2
    one, two = layer_of(town.rates()), layer_of(town.rates(twice))
    a, b = (
        np.array([np.nan if v is None else v for v in x.figures["value"]], dtype=float) for x in (one, two)
    )
    assert np.nanmax(np.abs(a / 2 - b)) <= 0.0751
