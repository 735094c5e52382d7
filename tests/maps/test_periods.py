"""Several periods of one layer: one legend, outlines once, and no sum that gives a withheld year back."""

from __future__ import annotations

import dataclasses
import json
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.audit import Audit
from safemap.errors import ConfigError
from safemap.maps import explore
from safemap.maps.periods import pooled
from safemap.maps.withholding import complement


def counted(layer: dict[str, Any], step: int) -> list[int]:
    return np.bincount(layer["steps"][step]["codes"], minlength=len(layer["classes"])).tolist()


def test_every_stop_counts_every_area_once_in_one_legend(town: ModuleType) -> None:
    (layer,) = town.data_of(explore(town.years()))["layers"]
    assert [s["label"] for s in layer["steps"]] == [
        {"k": "all_periods"},
        *({"t": str(y)} for y in town.YEARS),
    ]
    assert all(sum(counted(layer, k)) == 36 for k in range(5))
    assert len({c["k"] for c in layer["classes"]}) == len(layer["classes"])
    states = [bool(c.get("s")) for c in layer["classes"]]
    assert states == sorted(states)  # classes of values first


def test_all_years_together_are_the_yearly_average(town: ModuleType) -> None:
    each = town.years()
    total = pooled(each)
    assert total is not None
    events = sum(r.frame["events"] for r in each)
    assert total.frame["events"].tolist() == events.tolist()
    days = 366 + 365 + 365 + 365
    rate = events / total.frame["population"] * 1_000 * 365.25 / days
    pd.testing.assert_series_equal(total.frame["estimate"], rate, check_names=False)
    assert total.settings["period"] == ("2020-01-01", "2023-12-31")


def test_years_with_a_gap_have_no_stop_for_all(town: ModuleType) -> None:
    first, _, third, _ = town.years()
    assert pooled([first, third]) is None
    (layer,) = town.data_of(explore([first, third]))["layers"]
    assert [s["label"] for s in layer["steps"]] == [{"t": "2020"}, {"t": "2022"}]


def test_a_mapping_names_the_periods_and_may_bring_its_own_total(town: ModuleType) -> None:
    a, b, *_ = town.years()
    (layer,) = town.data_of(explore({"before": a, "after <b>": b, "all": None}))["layers"]
    assert [s["label"] for s in layer["steps"]] == [{"t": "before"}, {"t": "after <b>"}]
    (layer,) = town.data_of(explore({"all": town.rates(), "before": a, "after": b}))["layers"]
    assert layer["steps"][0]["n"][20] == town.rates().frame["events"].iloc[20]


def test_outlines_and_legend_are_stored_once(town: ModuleType) -> None:
    def size(*results: Any) -> int:
        return len(json.dumps({**town.data_of(explore(*results)), "words": {}}))

    one, four = size(town.years()[0]), size(town.years())
    assert four - one < 4 * 36 * 75  # nothing but figures: 36 areas, a few numbers each


@pytest.mark.parametrize(
    ("given_results", "words"),
    [
        (lambda t: [t.rates()], "two or more results of one kind; got 1"),
        (lambda t: [t.rates(), t.moran()], "one kind"),
        (lambda t: [t.rates(), t.rates()], "a name of its own"),
        (lambda t: [t.moran(), t.moran()], "a name of its own"),
        (lambda t: {"a": t.density(), "b": t.density()}, "no slider"),
        (lambda t: [], "two or more"),
    ],
)
def test_periods_that_make_no_layer_are_refused(town: ModuleType, given_results: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        explore(given_results(town))


def test_other_kinds_have_periods_too(town: ModuleType) -> None:
    layers = town.data_of(explore(town.years("smoothed_rates"), {"a": town.moran(), "b": town.moran()}))[
        "layers"
    ]
    assert [len(layer["steps"]) for layer in layers] == [4, 2]


def possible(left: int, small: int, further: int, k: int) -> set[int]:
    """Every value a small count can have for somebody who knows the rule, worked out by trying all.

    `left` is the sum less what is shown; `small` counts lie from 1 to k - 1, `further` ones are k or more.
    """
    ranges = [range(1, k)] * small + [range(k, left + 1)] * further
    return {guess[0] for guess in product(*ranges) if sum(guess) == left}


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 14), min_size=2, max_size=4))
def test_a_withheld_year_cannot_be_worked_out_from_the_sum(counts: list[int]) -> None:
    k = 4
    series = {str(i): pd.Series({"A": c}) for i, c in enumerate(counts)}
    small = {label: frozenset("A") if 0 < s["A"] < k else frozenset() for label, s in series.items()}
    hidden = frozenset("A") if 0 < sum(counts) < k else frozenset()
    further, lost = complement(series, small, hidden, k=k)
    gone, more = sum(map(bool, small.values())), sum(map(bool, further.values()))
    if hidden or not gone:
        assert not lost
        assert not more
        return
    if lost:
        return
    assert all(series[y]["A"] >= k for y in series if further[y])
    left = sum(int(s["A"]) for y, s in series.items() if small[y] or further[y])
    assert possible(left, gone, more, k) == set(range(1, k))


def test_a_year_goes_with_the_one_it_would_give_back(town: ModuleType) -> None:
    frames = [r.frame.copy() for r in town.years()[:3]]
    for frame, count in zip(frames, (3, 9, 40), strict=True):
        frame.loc[:, "events"] = 20
        frame.loc["000", "events"] = count
    results = [dataclasses.replace(r, frame=f) for r, f in zip(town.years(), frames, strict=False)]
    (layer,) = town.data_of(explore(results))["layers"]
    assert [s["n"][0] for s in layer["steps"]] == [52, None, None, 40]
    alone = town.data_of(explore({str(i): r for i, r in enumerate(results)} | {"all": None}))["layers"][0]
    assert [s["n"][0] for s in alone["steps"]] == [None, 9, 40]  # no sum is on the map


def test_what_cannot_be_protected_takes_the_sum_with_it(town: ModuleType) -> None:
    frames = [r.frame.copy() for r in town.years()[:2]]
    for frame, count in zip(frames, (3, 0), strict=True):
        frame.loc[:, "events"] = 20
        frame.loc["000", "events"] = count
        frame.loc["001", "events"] = 3
    results = [dataclasses.replace(r, frame=f) for r, f in zip(town.years(), frames, strict=False)]
    (layer,) = town.data_of(explore(results))["layers"]
    assert [s["n"][0] for s in layer["steps"]] == [None, None, None]
    assert [s["n"][1] for s in layer["steps"]] == [None, None, None]  # 3 + 3 = 6: neither can be 4
    assert [s["n"][2] for s in layer["steps"]] == [40, 20, 20]


def test_a_small_sum_hides_every_year(town: ModuleType) -> None:
    layers = town.data_of(explore(town.years(), town.moran()))["layers"]
    key = [c["k"] for c in layers[0]["classes"]]
    withheld = [[key[c] == "withheld" for c in s["codes"]] for s in layers[0]["steps"]]
    in_moran = [layers[1]["classes"][c]["k"] == "withheld" for c in layers[1]["codes"]]
    for i in range(36):
        assert withheld[0][i] == in_moran[i]  # one set of areas for all layers without periods
        if withheld[0][i]:
            assert all(step[i] for step in withheld)


def test_rows_of_all_periods_add_up(town: ModuleType) -> None:
    def audit(inside: range) -> Audit:
        start = Audit.start(pd.RangeIndex(2, 102), source="f.csv")
        lost = start.with_set_aside(pd.Series("outside_areas", index=range(2, 6)), step="join")
        outside = [i for i in range(6, 102) if i not in inside]
        return lost.with_set_aside(pd.Series("outside_period", index=outside), step="rates")

    spans = [range(6, 30), range(30, 70), range(70, 80), range(80, 90)]
    results = [dataclasses.replace(r, audit=audit(s)) for r, s in zip(town.years(), spans, strict=True)]
    data = town.data_of(explore(results))
    steps = data["layers"][0]["steps"]
    total = data["audits"][steps[0]["audit"]]
    assert (total["read"], total["placed"]) == (100, 84)
    assert {code: rows for code, rows, _ in total["aside"]} == {"outside_areas": 4, "outside_period": 12}
    assert data["audits"][steps[2]["audit"]]["placed"] == 40


def test_two_can_be_compared_from_the_start(town: ModuleType) -> None:
    data = town.data_of(explore(town.years(), town.moran(), compare=("2021", "2023")))
    assert data["first"] == {"layer": "rates", "step": 2}
    assert data["compare"] == {"layer": "rates", "step": 4}
    data = town.data_of(explore(town.rates(), town.moran(), compare=(0, 1)))
    assert data["compare"] == {"layer": "local_moran", "step": 0}
    for wrong in ((0, 5), ("2019", 0), (True, 0), "01", (0,)):
        with pytest.raises(ConfigError, match="compare"):
            explore(town.years(), compare=wrong)  # type: ignore[arg-type]
