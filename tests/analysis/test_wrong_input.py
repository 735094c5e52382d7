"""Wrong input to every statistical verb: a named error that says what to do, or a named class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal
from shapely.geometry import box

import safemap as sm
from safemap.errors import (
    AlignmentError,
    ConfigError,
    InputError,
    SafemapError,
    StatisticsError,
)

SIDE = 6
FEW = {"permutations": 49, "max_permutations": 49}


class Verb(NamedTuple):
    """A verb and the columns it is given."""

    name: str
    columns: tuple[str, ...]
    local: bool
    options: tuple[str, ...]  #: of which a value can be unknown
    rates: bool = False  #: takes events= and population=

    def __call__(self, areas: Any, graph: Any, columns: tuple[str, ...] | None = None, **options: Any) -> Any:
        drawn = FEW if self.local else {"permutations": FEW["permutations"]}
        return getattr(sm, self.name)(
            areas, *(self.columns if columns is None else columns), **{"graph": graph, **drawn, **options}
        )

    @property
    def tested(self) -> str:
        """A column that is tested."""
        return self.columns[-1]


_LOCAL, _GLOBAL = ("alternative", "adjust"), ("alternative",)
VERBS = (
    Verb("global_moran", ("y",), False, (*_GLOBAL, "like"), rates=True),
    Verb("global_geary", ("y",), False, (*_GLOBAL, "like"), rates=True),
    Verb("global_getis_ord", ("y",), False, (*_GLOBAL, "like")),
    Verb("global_bivariate_moran", ("x", "y"), False, (*_GLOBAL, "like")),
    Verb("global_join_counts", ("kind",), False, (*_GLOBAL, "sampling")),
    Verb("global_lee", ("x", "y"), False, _GLOBAL),
    Verb("correlogram", ("y",), False, (*_LOCAL, "measure"), rates=True),
    Verb("local_moran", ("y",), True, (*_LOCAL, "null", "like"), rates=True),
    Verb("local_getis_ord", ("y",), True, (*_LOCAL, "null", "like"), rates=True),
    Verb("local_geary", ("y",), True, _LOCAL, rates=True),
    Verb("local_geary", ("x", "y"), True, _LOCAL),
    Verb("local_bivariate_moran", ("x", "y"), True, (*_LOCAL, "like")),
    Verb("local_join_counts", ("kind",), True, (*_LOCAL, "relation")),
    Verb("local_lee", ("x", "y"), True, _LOCAL),
    Verb("local_losh", ("y",), True, (*_LOCAL, "inference"), rates=True),
)
each = pytest.mark.parametrize("verb", VERBS, ids=lambda v: f"{v.name}-{'-'.join(v.columns)}")
with_rates = pytest.mark.parametrize("verb", [v for v in VERBS if v.rates], ids=lambda v: v.name)
locals_only = pytest.mark.parametrize(
    "verb", [v for v in VERBS if v.local], ids=lambda v: f"{v.name}-{len(v.columns)}"
)


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    rng = np.random.default_rng(3)
    n = SIDE * SIDE
    cells = [box(c, r, c + 1, r + 1) for r in range(SIDE) for c in range(SIDE)]
    return gpd.GeoDataFrame(
        {
            "y": rng.gamma(2.0, 1.0, n),
            "x": rng.normal(size=n),
            "kind": rng.permutation(np.arange(n) % 3 == 0).astype(float),
            "people": rng.integers(500, 5_000, n).astype(float),
            "crimes": rng.integers(5, 60, n).astype(float),
            "later": rng.integers(5, 60, n).astype(float),
            "words": "many",
        },
        index=pd.Index([f"a{i:02d}" for i in range(n)], name="id"),
        geometry=cells,
        crs=32614,
    )


@pytest.fixture
def graph(areas) -> sm.AreaGraph:
    return sm.grid_graph(SIDE, SIDE, ids=areas.index)


RATE = {"events": "crimes", "population": "people"}


def refused(error: type[SafemapError], words: str, run: Callable[[], Any], *inputs: Any) -> None:
    """The named error, a text of some length that says `words`, and inputs that are as before."""
    before = [_copy(given) for given in inputs]
    with pytest.raises(error, match=words) as caught:
        run()
    text = str(caught.value)
    assert len(text) > 20
    assert text.rstrip().endswith((".", "]", ")"))
    for now, then in zip(inputs, before, strict=True):
        _same(now, then)


def _copy(given: Any) -> Any:
    return given.copy(deep=True) if isinstance(given, pd.DataFrame) else given.matrix.copy()


def _same(now: Any, then: Any) -> None:
    if isinstance(now, pd.DataFrame):
        assert_geodataframe_equal(now, then)
    else:
        assert (now.matrix != then).nnz == 0


def classes(result: Any) -> set[str]:
    return {*result.frame["cluster"]}


def untested(result: Any) -> str:
    """Why a statistic of the whole map, or a correlogram, was not computed."""
    assert result.frame["p_value"].isna().all()
    return result.settings["reason"]


# --- values ---


@each
def test_missing_value_sets_the_area_aside_by_name(verb, areas, graph):
    areas.loc["a07", verb.tested] = np.nan
    before = areas.copy(deep=True)
    result = verb(areas, graph)
    assert result.settings["areas_without_data"] == 1
    if verb.local:
        assert result.frame.loc["a07", "cluster"] == "no data"
        assert result.frame.index[result.frame["cluster"] == "no data"].tolist() == ["a07"]
        assert np.isnan(result.frame.loc["a07", "p_value"])
    else:
        assert result.frame["p_value"].notna().all()
    _same(areas, before)


@each
@pytest.mark.parametrize("wrong", [np.inf, -np.inf])
def test_infinite_value(verb, areas, graph, wrong):
    areas.loc["a07", verb.tested] = wrong
    refused(StatisticsError, "infinite in 1 areas.*a07.*Correct", lambda: verb(areas, graph), areas, graph)


@each
def test_constant_column(verb, areas, graph):
    areas[verb.tested] = 1.0
    result = verb(areas, graph)
    assert (classes(result) if verb.local else {untested(result)}) == {"no variation"}


@each
def test_column_without_any_value(verb, areas, graph):
    areas[verb.tested] = np.nan
    result = verb(areas, graph)
    assert (classes(result) if verb.local else {untested(result)}) == {
        "no data" if verb.local else "too few areas"
    }


@each
@pytest.mark.parametrize(
    ("column", "says"), [("words", "must hold numbers"), ("nowhere", "no column 'nowhere'")]
)
def test_text_or_unknown_column(verb, areas, graph, column, says):
    columns = (*verb.columns[:-1], column)
    refused(InputError, says, lambda: verb(areas, graph, columns), areas, graph)


@with_rates
@pytest.mark.parametrize("column", ["people", "crimes"])
def test_negative_events_or_population(verb, areas, graph, column):
    areas.loc["a07", column] = -3
    words = f"{column}.*negative in 1 areas.*a07"
    refused(StatisticsError, words, lambda: verb(areas, graph, (), **RATE), areas, graph)


@with_rates
def test_zero_population(verb, areas, graph):
    areas.loc["a07", "people"] = 0
    result = verb(areas, graph, (), **RATE)
    assert result.settings["areas_without_data"] == 1
    if verb.local:
        assert result.frame.loc["a07", "cluster"] == "no data"
    areas["people"] = 0
    nobody = verb(areas, graph, (), **RATE)
    if verb.local:
        assert classes(nobody) == {"no data"}
    else:
        assert untested(nobody)


@with_rates
@pytest.mark.parametrize("given", [{"events": "crimes"}, {"population": "people"}])
def test_half_of_a_rate(verb, areas, graph, given):
    refused(InputError, "events= and population=", lambda: verb(areas, graph, (), **given), areas, graph)


@pytest.mark.parametrize("name", ["global_join_counts", "local_join_counts"])
def test_join_counts_of_more_than_two_kinds(name, areas, graph):
    run = lambda: getattr(sm, name)(areas, "y", graph=graph)  # noqa: E731
    refused(InputError, "True and False, or 1 and 0", run, areas, graph)


# --- areas and graph ---


@each
def test_duplicated_ids(verb, areas, graph):
    twice = pd.concat([areas, areas.iloc[[4]]])
    refused(AlignmentError, "unique.*a04", lambda: verb(twice, graph), twice, graph)


@each
def test_ids_missing_from_the_graph_or_from_the_areas(verb, areas, graph):
    part = graph.subset(areas.index[:-1])
    refused(AlignmentError, "ids of the graph and of the areas differ.*a35", lambda: verb(areas, part), areas)
    fewer = areas.iloc[:-1]
    refused(AlignmentError, "ids of the graph and of the areas differ", lambda: verb(fewer, graph), fewer)


@each
@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_areas(verb, areas, graph, n):
    few, part = areas.iloc[:n], graph.subset(areas.index[:n])
    refused(StatisticsError, f"at least 3 areas; got {n}", lambda: verb(few, part), few)


@each
@pytest.mark.parametrize("strange", ["queen", 5, [[0, 1], [1, 0]], np.eye(36)])
def test_unknown_graph_type(verb, areas, strange):
    refused(InputError, "graph must be an AreaGraph", lambda: verb(areas, strange), areas)


@each
@pytest.mark.parametrize("strange", [None, {"y": [1, 2, 3]}, pd.DataFrame({"y": [1.0, 2.0, 3.0]})])
def test_areas_that_are_no_areas(verb, strange, graph):
    refused(InputError, "areas must be a GeoDataFrame", lambda: verb(strange, graph))


@each
def test_graph_without_links(verb, areas):
    alone = sm.AreaGraph.from_weights(np.zeros((36, 36)), areas.index)
    result = verb(areas, alone)
    if verb.local:
        assert classes(result) <= {"no neighbours", "not of the kind"}
        assert "no neighbours" in classes(result)
    else:
        assert result.frame["p_value"].isna().all()


@each
@pytest.mark.parametrize("weight", [-1.0, np.inf, np.nan])
def test_weights_that_are_no_weights(verb, areas, weight):
    links = pd.DataFrame({"focal": ["a00", "a01"], "neighbor": ["a01", "a00"], "weight": [1.0, weight]})
    refused(StatisticsError, "finite and not negative", lambda: verb(areas, links), areas)


@each
def test_neighbours_that_are_not_mutual(verb, areas):
    """No statistic here needs symmetry: p is that of the links as they are, and no area is lost."""
    near = sm.build_graph(areas, "knn", k=3)
    assert (near.adjacency != near.adjacency.T).nnz
    result = verb(areas, near)
    assert len(result.frame) == (len(areas) if verb.local else len(result.frame))
    p = result.frame["p_value"].dropna()
    assert len(p)
    assert p.between(0, 1).all()


@each
def test_links_to_areas_that_are_not_there(verb, areas):
    links = pd.DataFrame({"focal": ["a00", "a01"], "neighbor": ["a01", "b99"]})
    refused(AlignmentError, "links name areas that are not there.*b99", lambda: verb(areas, links), areas)


@each
def test_smoothed_rates(verb, areas, graph):
    rates = sm.area_rates(areas.rename(columns={"crimes": "events", "people": "population"}))
    smooth = sm.smooth_rates(rates, method="eb_local", graph=graph)
    columns = ("population", "estimate")[-len(verb.columns) :]
    refused(StatisticsError, "Smoothed rates cannot be tested", lambda: verb(smooth, graph, columns))


# --- options ---


@each
@pytest.mark.parametrize("number", [0, -1, 1.5, "many", None, True, np.nan])
def test_permutations_that_are_no_number_of_draws(verb, areas, graph, number):
    words = "permutations must be a whole number of 1 or more; got"
    refused(ConfigError, words, lambda: verb(areas, graph, permutations=number), areas, graph)
    if verb.local:
        run = lambda: verb(areas, graph, max_permutations=number)  # noqa: E731
        refused(ConfigError, f"max_{words}", run, areas, graph)


@locals_only
def test_fewer_draws_in_the_second_stage_mean_that_there_is_none(verb, areas, graph):
    less = verb(areas, graph, permutations=99, max_permutations=9)
    same = verb(areas, graph, permutations=99, max_permutations=99)
    assert_geodataframe_equal(less.frame, same.frame)


@each
@pytest.mark.parametrize("alpha", [0, 1, -0.1, 5, np.nan, np.inf, "0.05", None])
def test_alpha_outside_zero_and_one(verb, areas, graph, alpha):
    refused(ConfigError, "alpha must lie between 0 and 1", lambda: verb(areas, graph, alpha=alpha), areas)


@each
@pytest.mark.parametrize("rng", [-1, 1.5, "seed", True])
def test_rng_that_is_no_seed(verb, areas, graph, rng):
    refused(ConfigError, "rng must be a whole number", lambda: verb(areas, graph, rng=rng), areas)


@pytest.mark.parametrize(
    ("verb", "option"),
    [(v, o) for v in VERBS for o in v.options],
    ids=lambda x: x if isinstance(x, str) else f"{x.name}-{len(x.columns)}",
)
@pytest.mark.parametrize("value", ["sideways", 7, ""])
def test_unknown_word(verb, option, value, areas, graph):
    words = rf"{option} must be .*got {value!r}"
    refused(ConfigError, words, lambda: verb(areas, graph, **{option: value}), areas, graph)


# --- each area for itself ---


def test_change_of_missing_infinite_negative_and_text(areas):
    run = lambda: sm.area_change(areas, "crimes", "later")  # noqa: E731
    areas.loc["a03", "crimes"] = np.nan
    assert run().frame.loc["a03", "cluster"] == "no data"
    for wrong, word in ((np.inf, "infinite"), (-1.0, "negative")):
        areas.loc["a03", "crimes"] = wrong
        refused(StatisticsError, f"{word} in 1 areas.*a03", run, areas)
    refused(InputError, "must hold numbers", lambda: sm.area_change(areas, "words", "later"), areas)
    refused(InputError, "no column", lambda: sm.area_change(areas, "later", "nowhere"), areas)
    twice = pd.concat([areas, areas.iloc[[4]]])
    refused(AlignmentError, "unique.*a04", lambda: sm.area_change(twice, "later", "later"), twice)


@pytest.mark.parametrize("people", ["people", ("people", "people")])
def test_change_where_nobody_lives(areas, people):
    areas.loc["a03", "people"] = 0
    result = sm.area_change(areas, "crimes", "later", population=people)
    assert result.frame.loc["a03", "cluster"] == "no data"
    areas.loc["a03", "people"] = -5
    run = lambda: sm.area_change(areas, "crimes", "later", population=people)  # noqa: E731
    refused(StatisticsError, "negative in 1 areas.*a03", run, areas)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("method", "guess"),
        ("adjust", "some"),
        *(("alpha", value) for value in (0, 1, "0.05", None, np.nan)),
        *(("confidence", value) for value in (0, 1.5, "95 %")),
        *(("per", value) for value in (0, -1, "100,000", np.inf)),
    ],
)
def test_change_with_unknown_options(areas, option, value):
    run = lambda: sm.area_change(areas, "crimes", "later", **{option: value})  # noqa: E731
    refused(ConfigError, option, run, areas)


def test_change_takes_two_areas_and_refuses_what_is_none(areas):
    assert len(sm.area_change(areas.iloc[:2], "crimes", "later").frame) == 2
    refused(InputError, "areas must be a GeoDataFrame", lambda: sm.area_change([1, 2], "crimes", "later"))


RENAMED = {"crimes": "events", "people": "population"}


@pytest.fixture
def rates(areas) -> Any:
    return sm.area_rates(areas.rename(columns=RENAMED))


@pytest.mark.parametrize(
    ("column", "wrong"), [("events", -1.0), ("events", np.inf), ("population", -1.0), ("population", np.inf)]
)
def test_rates_of_impossible_numbers(areas, column, wrong):
    made = areas.rename(columns=RENAMED)
    made.loc["a03", column] = wrong
    with pytest.raises(SafemapError, match=r"a03|negative|infinite|finite"):
        sm.area_rates(made)


def test_rates_where_nobody_lives_or_nothing_is_known(areas):
    made = areas.rename(columns=RENAMED)
    made.loc["a03", "population"], made.loc["a04", "population"] = 0, np.nan
    frame = sm.area_rates(made).frame
    assert frame.loc[["a03", "a04"], "estimate"].isna().all()
    assert frame["estimate"].notna().sum() == len(made) - 2


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (lambda r, g: sm.smooth_rates(r, method="magic"), "method"),
        (lambda r, g: sm.smooth_rates(r, method="eb_local", graph=g, like="esri"), "like"),
        (lambda r, g: sm.standardised_ratios(r, confidence=2), "confidence"),
        (lambda r, g: sm.standardised_ratios(r, interval="wide"), "interval"),
        (lambda r, g: sm.funnel_limits(r, law="normal"), "law"),
        (lambda r, g: sm.funnel_limits(r, overdispersion="much"), "overdispersion"),
        (lambda r, g: sm.detectable_risk(r, alpha=0), "alpha"),
        (lambda r, g: sm.detectable_risk(r, alpha=1.2), "alpha"),
        (lambda r, g: sm.detectable_risk(r, power=1), "power"),
        (lambda r, g: sm.detectable_risk(r, alternative="sideways"), "alternative"),
    ],
)
def test_rates_with_unknown_options(rates, graph, run, says):
    with pytest.raises(ConfigError, match=says):
        run(rates, graph)


@pytest.mark.parametrize("name", ["smooth_rates", "standardised_ratios", "funnel_limits", "detectable_risk"])
def test_what_is_no_result_of_rates(name, areas):
    with pytest.raises(SafemapError, match=r"area_rates|RatesResult"):
        getattr(sm, name)(areas)


# --- neighbours ---


@pytest.mark.parametrize("k", [0, -1, 1.5, "many", True, SIDE * SIDE, 10_000])
def test_as_many_nearest_neighbours_as_areas(areas, k):
    refused(ConfigError, "k must be", lambda: sm.build_graph(areas, "knn", k=k), areas)


@pytest.mark.parametrize(
    ("rule", "options", "says"),
    [
        ("bishop", {}, "rule must be one of"),
        (7, {}, "rule must be one of"),
        ("queen", {"tolerance": -1}, "tolerance"),
        ("queen", {"tolerance": np.nan}, "tolerance"),
        ("queen", {"isolates": "ignore"}, "isolates must be one of"),
        ("queen", {"order": 0}, "order must be"),
        ("queen", {"k": 3}, "has no use for k"),
        ("knn", {}, "needs k"),
        ("distance", {}, "needs distance"),
        ("distance", {"distance": 0}, "distance must be"),
        ("distance", {"distance": np.inf}, "distance must be"),
        ("kernel", {"distance": 2, "kernel": "round"}, "kernel must be one of"),
        ("inverse_distance", {"distance": 2, "power": 0}, "power must be"),
    ],
)
def test_rules_that_make_no_sense(areas, rule, options, says):
    refused(ConfigError, says, lambda: sm.build_graph(areas, rule, **options), areas)


def test_neighbours_of_duplicated_ids(areas):
    twice = pd.concat([areas, areas.iloc[[4]]])
    refused(AlignmentError, "unique.*a04", lambda: sm.build_graph(twice), twice)
