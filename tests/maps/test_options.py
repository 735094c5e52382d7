"""Options people know from ``GeoDataFrame.explore``, and limits by the schemes of other programs."""

from __future__ import annotations

import inspect
import itertools
import warnings
from types import ModuleType
from typing import Any

import folium
import mapclassify
import numpy as np
import pytest
from geopandas.explore import _explore
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError
from safemap.maps import explore
from safemap.maps.breaks import SCHEMES, natural_breaks, scheme_breaks
from safemap.maps.options import REFUSED


def test_every_option_of_geodataframe_explore_is_taken_or_refused_with_a_reason(town: ModuleType) -> None:
    theirs = set(inspect.signature(_explore).parameters) - {"df", "kwargs"}
    ours = set(inspect.signature(explore).parameters)
    assert theirs - ours <= set(REFUSED)
    assert not ours & set(REFUSED)
    for name, reason in REFUSED.items():
        with pytest.raises(ConfigError) as raised:
            explore(town.rates(), **{name: "x"})
        assert reason in str(raised.value)


def test_an_unknown_option_is_named(town: ModuleType) -> None:
    with pytest.raises(ConfigError, match="no option 'colour'"):
        explore(town.rates(), colour="red")


@pytest.mark.parametrize("part", ["tooltip", "popup", "legend"])
def test_parts_can_be_left_out_but_columns_not_chosen(town: ModuleType, part: str) -> None:
    assert town.data_of(explore(town.rates()))["hidden"] == []
    assert town.data_of(explore(town.rates(), **{part: False}))["hidden"] == [part]
    with pytest.raises(ConfigError, match="SHOWN_COLUMNS"):
        explore(town.rates(), **{part: ["name", "population"]})


def test_tiles_go_under_the_areas(town: ModuleType) -> None:
    address = "https://tiles.invalid/{z}/{x}/{y}.png"
    made = explore(town.rates(), tiles=address, attr="Who")
    layers = [c for c in made._children.values() if isinstance(c, folium.TileLayer)]
    assert len(layers) == 1
    assert not any(isinstance(c, folium.TileLayer) for c in explore(town.rates())._children.values())
    explore(town.rates(), tiles=folium.TileLayer("OpenStreetMap"))
    for wrong in ({"tiles": address}, {"tiles": 7}, {"attr": "Who"}):
        with pytest.raises(ConfigError, match="tiles"):
            explore(town.rates(), **wrong)  # type: ignore[arg-type]


def test_the_frame_in_a_notebook_has_the_size_asked_for(town: ModuleType) -> None:
    made = explore(town.rates(), width=640, height="480px")
    assert (made.get_root().width, made.get_root().height) == ("640px", "480px")
    assert 'height="480px"' in made._repr_html_()
    with pytest.raises(ConfigError, match="height"):
        explore(town.rates(), height=True)


def test_k_is_not_a_number_of_classes(town: ModuleType) -> None:
    with pytest.raises(ConfigError, match="always five"):
        explore(town.rates(), scheme="quantiles", k=5)
    made = explore(town.rates(), scheme="quantiles", registry=Registry(k=3))
    assert town.data_of(made)["notes"] == [{"k": "scheme_quantiles"}]


def test_breaks_and_scheme_exclude_each_other(town: ModuleType) -> None:
    with pytest.raises(ConfigError, match="breaks or scheme"):
        explore(town.rates(), scheme="quantiles", breaks=[1, 2, 3, 4])
    with pytest.raises(ConfigError, match="scheme must be one of"):
        explore(town.rates(), scheme="jenks")  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_makes_a_legend_that_adds_up(town: ModuleType, scheme: Any) -> None:
    data = town.data_of(explore(town.years(), town.survey(), scheme=scheme))
    rates, survey = data["layers"]
    for layer, codes in [(rates, s["codes"]) for s in rates["steps"]] + [(survey, survey["codes"])]:
        assert np.bincount(codes, minlength=len(layer["classes"])).sum() == 36
    assert {note["k"] for note in data["notes"]} == {f"scheme_{scheme}"}


values = st.lists(st.floats(0.01, 1_000, allow_nan=False), min_size=6, max_size=40)


@settings(deadline=None)
@given(values)
def test_natural_breaks_are_the_best_of_all(data: list[float]) -> None:
    data = sorted(round(v, 3) for v in data)[:9]
    if len(set(data)) < 4:
        return

    def within(cuts: tuple[int, ...]) -> float:
        parts = np.split(np.array(data), cuts)
        return float(sum(((p - p.mean()) ** 2).sum() for p in parts))

    best = min(within(cuts) for cuts in itertools.combinations(range(1, len(data)), 2))
    first = natural_breaks(np.array(data), 3)
    ours = within(tuple(int(np.searchsorted(data, b)) for b in first))
    assert ours == pytest.approx(best, rel=1e-6, abs=1e-6)


def test_natural_breaks_are_those_of_mapclassify() -> None:
    data = np.sort(np.random.default_rng(2).gamma(2, 40, 300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it is slow without numba
        theirs = mapclassify.FisherJenks(data, k=5).bins[:4]  # upper ends of the classes below
    ours = natural_breaks(data, 5)
    assert [data[np.searchsorted(data, b) - 1] for b in ours] == pytest.approx(list(theirs))


def test_multiples_of_the_average_leave_shares_alone(town: ModuleType) -> None:
    plain, by_mean = (town.data_of(explore(town.survey(), scheme=s)) for s in (None, "mean_multiples"))
    assert plain["layers"][0]["classes"] == by_mean["layers"][0]["classes"]
    assert by_mean["notes"] == []


def test_schemes_by_hand() -> None:
    data = np.arange(1, 11)
    assert scheme_breaks(data, "equal_interval")[0] == (2.8, 4.6, 6.4, 8.2)
    assert scheme_breaks(data, "mean_multiples")[0] == (2.8, 5.5, 8.3, 11.0)  # 2.75, 5.5, 8.25, 11
    assert scheme_breaks([1, 1, 1, 2, 2, 2, 30, 31, 60, 61, 90], "natural_breaks")[1] > 0.999


def test_too_few_values_for_five_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="five different values; 2 came"):
        scheme_breaks([1, 1, 2, 2, 0], "quantiles")
    with pytest.raises(ConfigError, match="not five classes"):
        scheme_breaks([*[1.0] * 90, 2, 3, 4, 5], "quantiles")
