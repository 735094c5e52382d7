"""Answers on the map: what may not be published is not in the file, what is uncertain is hatched."""

from __future__ import annotations

import dataclasses
import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError
from safemap.i18n import LANGUAGES, text
from safemap.maps import explore
from safemap.maps.layer import Layer
from safemap.maps.layers import build_layer
from safemap.results import Result


def layer_of(result: Result, *, k: int = 5, breaks: Any = None) -> Layer:
    frame = Registry(k=k).apply(result.frame.drop(columns="geometry"))
    return build_layer(result, frame, key="x", name="X", breaks=breaks, k=k)


def classes(layer: Layer) -> list[str]:
    return [layer.classes[c].key for c in layer.codes]


def test_every_area_is_in_one_class_or_state(town: ModuleType) -> None:
    for result in (town.survey(), town.walk_in(), town.survey(column="fear", kind="mean")):
        for k in (1, 5, 150):
            layer = layer_of(result, k=k)
            assert sum(layer.counts.values()) == len(layer.codes) == 36


def test_the_states_of_a_survey_are_told_apart(town: ModuleType) -> None:
    found = classes(layer_of(town.survey()))
    # none asked; fewer than k; too few for an estimate; 0 %; 100 %; 3 of 220 said so
    assert found[:6] == ["no_data", "few_answers", "few_answers", "zero", "class 5", "withheld"]
    assert not {"no_data", "few_answers", "withheld", "zero"} & set(found[6:])


def test_an_estimate_unfit_to_publish_leaves_no_number(town: ModuleType) -> None:
    layer = layer_of(town.survey())
    assert {"value", "low", "high", "n", "n_eff"} == set(layer.figures)
    for values in layer.figures.values():
        assert values[:3] == [None] * 3
        assert values[5] is None
    layers = json.dumps(town.data_of(explore(town.survey()))["layers"])
    for trace in ("0.45", "23.1", "68.5", "0.666", "events", "deff", "std_error"):
        assert trace not in layers


def test_review_keeps_its_class_and_is_hatched(town: ModuleType) -> None:
    layer = layer_of(town.survey())
    (over,) = layer.overlays
    assert over.areas == (3, 4)
    assert over.amount == 2
    assert layer.figures["value"][3:5] == [0, 100]
    assert sum(layer.counts.values()) == 36  # overlays are counted beside the classes, not among them


def test_classes_are_worked_out_from_the_percentages_as_shown(town: ModuleType) -> None:
    layer = layer_of(town.survey(), breaks=(30, 40, 50, 60))
    for i in range(6, 36):
        shown = layer.figures["value"][i]
        assert shown == pytest.approx(town.SAID[i] / town.ASKED[i] * 100, abs=0.5001)
        assert classes(layer)[i] == f"class {1 + sum(shown >= b for b in (30, 40, 50, 60))}"
    labels = [text(c.label, "en") for c in layer.classes[:6]]
    assert labels == ["60% or more", "50–59%", "40–49%", "30–39%", "under 30%", "0% – nobody said so"]
    assert text(layer.classes[1].label, "ru") == "50–59\u00a0%"


def test_sentences_compare_with_the_overall_estimate(town: ModuleType) -> None:
    result = town.survey()
    layer = layer_of(result)
    assert layer.mean == round(result.settings["overall"]["estimate"] * 100)
    for i in range(6, 36):
        low, high = layer.figures["low"][i], layer.figures["high"][i]
        assert layer.sentences[i] == (
            "s_above" if low > layer.mean else "s_below" if high < layer.mean else "s_same"
        )
    slots = {name: value["v"] for name, value in layer.finding.slots.items()}
    shown = [layer.sentences[i] for i in (3, 4, *range(6, 36))]
    assert (slots["n"], slots["N"]) == (32, 36)
    assert (slots["a"], slots["b"]) == (shown.count("s_above"), shown.count("s_below"))


def test_a_survey_says_answers_in_every_language(town: ModuleType) -> None:
    layer = layer_of(town.survey())
    assert (layer.base, layer.total, layer.share) == ("answers", sum(town.ASKED), True)
    for language in LANGUAGES:
        assert "{" not in text(layer.finding, language)
        assert "{" not in text(layer.unit, language)


def test_an_area_without_an_interval_says_so(town: ModuleType) -> None:
    result = town.survey()
    frame = result.frame.copy()
    frame.loc["020", ["conf_low", "conf_high"]] = np.nan
    layer = layer_of(dataclasses.replace(result, frame=frame))
    assert layer.sentences[20] == "s_no_interval"


def test_people_not_drawn_by_chance_are_counted_and_not_estimated(town: ModuleType) -> None:
    layer = layer_of(town.walk_in())
    assert set(layer.figures) == {"value", "n", "x"}
    assert layer.figures["x"][20] == town.SAID[20]
    assert layer.figures["n"][20] == town.ASKED[20]
    assert layer.mean is None
    assert layer.overlays == ()
    assert set(layer.sentences[6:]) == {"s_nonrandom"}
    assert layer.base == "nonrandom"
    assert "They were not drawn at random" in text(layer.finding, "en")
    assert classes(layer)[:6] == [
        "no_data",
        "withheld",
        layer.classes[layer.codes[2]].key,
        "zero",
        "class 5",
        "withheld",
    ]


def test_few_people_asked_are_not_ranked(town: ModuleType) -> None:
    layer = layer_of(town.walk_in(), k=1)
    assert classes(layer)[1] == "few"
    assert layer.sentences[1] == "s_few_asked"


@pytest.mark.parametrize("kind", ["mean", "total"])
def test_means_and_totals_have_classes_of_their_own(town: ModuleType, kind: str) -> None:
    result = town.survey(column="fear", kind=kind)
    layer = layer_of(result)
    assert not layer.share
    assert layer.finding.key == "f_survey_amount"
    estimates = result.frame["estimate"].to_numpy()
    shown = np.array([np.nan if v is None else v for v in layer.figures["value"]], dtype=float)
    known = np.isfinite(shown)
    assert known.sum() == 33
    assert np.allclose(shown[known], estimates[known], rtol=0.02)
    assert len({c for c in classes(layer) if c.startswith("class")}) >= 3


def test_layers_of_answers_share_their_breaks_and_records_have_others(town: ModuleType) -> None:
    data = town.data_of(explore(town.rates(), town.survey(), town.walk_in()))
    labels = [[c["l"] for c in layer["classes"][:5]] for layer in data["layers"]]
    assert labels[1] == labels[2] != labels[0]
    own = town.data_of(explore(town.survey(), breaks={"survey": (10, 20, 30, 40)}))["layers"][0]
    assert own["classes"][0]["l"]["s"]["a"]["v"] == 0.4
    with pytest.raises(ConfigError, match="rates, survey and density; got shares"):
        explore(town.survey(), breaks={"shares": (1, 2, 3, 4)})


def test_answers_do_not_hide_records_nor_records_answers(town: ModuleType) -> None:
    rates, survey = town.data_of(explore(town.rates(), town.survey()))["layers"]
    assert [rates["classes"][c]["k"] for c in rates["codes"]].count("withheld") == 4
    assert [survey["classes"][c]["k"] for c in survey["codes"]].count("withheld") == 1


def test_what_one_question_hides_another_hides_too(town: ModuleType) -> None:
    kept = town.responses().assign(safe=lambda f: 1 - f["unsafe"])
    from safemap.analysis.survey import survey_estimate
    from safemap.analysis.survey_design import SurveyDesign

    safe = survey_estimate(SurveyDesign(kept, weight="w"), "safe", areas=town.areas())
    assert layer_of(safe).figures["n"][5] == 220
    assert (
        town.data_of(explore(safe, town.survey()))["layers"][0]["n"][5] is None
    )  # 217 of 220 would give 3 back


def test_each_survey_has_its_own_account_of_rows(town: ModuleType) -> None:
    data = town.data_of(explore(town.rates(), town.survey(), town.moran()))
    assert [layer["audit"] for layer in data["layers"]] == [0, 1, 0]
    assert data["audits"][1]["read"] == sum(town.ASKED)
    assert data["audits"][1]["hit_rate"] is None


def test_the_period_of_the_records_is_not_that_of_the_survey(town: ModuleType) -> None:
    data = town.data_of(explore(town.rates(), town.survey()))
    assert [layer["period"] for layer in data["layers"]] == ["2023", ""]


def test_layers_are_named_by_what_was_asked(town: ModuleType) -> None:
    data = town.data_of(
        explore(
            town.survey(), town.survey(), town.survey(), names=[None, {"en": "Fear", "ru": "Страх"}, None]
        )
    )
    names = [layer["name"] for layer in data["layers"]]
    assert names[0] == {"k": "layer_survey", "s": {"q": "unsafe"}}
    assert names[1] == {"t": "Fear", "by": {"en": "Fear", "ru": "Страх"}}
    assert names[2]["k"] == "numbered"
    with pytest.raises(ConfigError, match="Texts by language"):
        explore(town.survey(), title={"fr": "Peur"})


def test_the_file_holds_no_column_that_is_not_listed(town: ModuleType) -> None:
    layer = town.data_of(explore(town.survey()))["layers"][0]
    assert not {"events", "std_error", "deff", "df", "note", "n_eff_df"} & set(json.loads(json.dumps(layer)))
