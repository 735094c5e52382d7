"""The verbs of autocorrelation: classes, laws, messages, and the second opinion of esda."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from safemap import area_rates, build_graph, global_moran, local_getis_ord, local_moran, smooth_rates
from safemap.analysis.autocorrelation_results import GETIS_ORD_CLUSTERS, MORAN_CLUSTERS
from safemap.errors import AlignmentError, ConfigError, InputError, StatisticsError, StatisticsWarning
from safemap.stats.rates import eb_index

LOCAL = [local_moran, local_getis_ord]
ALL = [*LOCAL, global_moran]
QUICK = {"permutations": 999, "max_permutations": 99_999}


def grid(side: int, *, lonely: int = 0) -> gpd.GeoDataFrame:
    cells = [box(c * 100, r * 100, c * 100 + 100, r * 100 + 100) for r in range(side) for c in range(side)]
    cells += [box(90_000 + 500 * i, 0, 90_100 + 500 * i, 100) for i in range(lonely)]
    ids = pd.Index([f"{i:04d}" for i in range(len(cells))], name="area_id")
    return gpd.GeoDataFrame({"name": ("n " + ids).to_numpy()}, geometry=cells, index=ids, crs=32614)


@pytest.fixture(scope="module")
def city() -> gpd.GeoDataFrame:
    """A 12 x 12 city with a block of threefold risk, one lonely area, one without people, one not counted."""
    rng = np.random.default_rng(11)
    areas = grid(12, lonely=1)
    at = np.arange(144)
    risk = np.append(np.where((at % 12 < 4) & (at // 12 < 4), 3.0, 1.0), 1.0)
    areas["population"] = rng.integers(300, 4000, 145).astype(float)
    areas["events"] = rng.poisson(areas["population"] * risk * 0.004).astype(float)
    areas.loc["0077", "population"] = 0
    areas.loc["0100", "events"] = np.nan
    return areas


@pytest.fixture(scope="module")
def graph(city):
    return build_graph(city)


def test_planted_block_is_found_and_specials_are_told_apart(city, graph):
    for verb, names in ((local_moran, {"high-high"}), (local_getis_ord, {"hot-1", "hot-5"})):
        result = verb(city, events="events", population="population", graph=graph)
        f = result.frame
        block = [f"{r * 12 + c:04d}" for r in range(3) for c in range(3)]
        assert f.loc[block, "cluster"].isin(names).mean() > 0.8
        assert f.loc["0144", "cluster"] == "no neighbours"
        assert f.loc[["0077", "0100"], "cluster"].tolist() == ["no data", "no data"]
        special = f.loc[["0077", "0100", "0144"]]
        assert special[["p_value", "p_adjusted", "z_score", "statistic"]].isna().all(axis=None)
        assert special["permutations"].eq(0).all()
        # the graph is reduced: a neighbour of an area without data has one neighbour fewer
        assert f.loc["0078", "neighbours"] == 7


def test_frame_is_as_agreed(city, graph):
    for verb in LOCAL:
        f = verb(city, events="events", population="population", graph=graph, **QUICK).frame
        assert f.index.equals(city.index)
        assert f.columns.tolist() == [
            "name", "events", "population", "neighbours", "value", "statistic", "z_score", "p_value",
            "p_adjusted", "permutations", "cluster", "geometry",
        ]  # fmt: skip
        assert f.crs == city.crs
        assert f.geometry.equals(city.geometry)
        tested = f["p_value"].notna()
        assert (f.loc[tested, "p_adjusted"] >= f.loc[tested, "p_value"]).all()
        assert set(f["cluster"]) <= {
            *MORAN_CLUSTERS, *GETIS_ORD_CLUSTERS, "not significant", "no neighbours", "no data"
        }  # fmt: skip


def test_value_is_the_eb_index_of_the_areas_with_data(city, graph):
    f = local_moran(city, events="events", population="population", graph=graph, **QUICK).frame
    known = (city["population"] > 0) & city["events"].notna()
    expected = eb_index(city.loc[known, "events"], city.loc[known, "population"])
    np.testing.assert_allclose(f.loc[known, "value"], expected)
    assert f.loc[~known, "value"].isna().all()


def test_all_three_local_statistics_share_one_p(city, graph):
    one, two, three = (
        verb(city, graph=graph, rng=5, **options).frame["p_value"]
        for verb, options in ((local_moran, {}), (local_getis_ord, {}), (local_getis_ord, {"star": False}))
    )
    pd.testing.assert_series_equal(one, two)
    pd.testing.assert_series_equal(two, three)


def test_events_and_population_are_used_without_asking_and_told(city, graph):
    result = local_moran(city, graph=graph, **QUICK)
    assert result.settings["automatic"] == ["events", "population", "null"]
    assert "chosen automatically: events = events" in result.summary()
    named = local_moran(city, events="events", population="population", graph=graph, **QUICK)
    assert named.settings["automatic"] == ["null"]
    pd.testing.assert_frame_equal(pd.DataFrame(result.frame), pd.DataFrame(named.frame))


def test_other_column_names_arrive_under_the_common_ones(city, graph):
    renamed = city.rename(columns={"events": "robos", "population": "hab"})
    f = local_moran(renamed, events="robos", population="hab", graph=graph, **QUICK).frame
    pd.testing.assert_series_equal(f["events"], city["events"])
    pd.testing.assert_series_equal(f["population"], city["population"])


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000))
def test_order_of_rows_does_not_matter(city, graph, seed):
    shuffled = city.sample(frac=1, random_state=seed)
    for verb in LOCAL:
        a, b = verb(city, graph=graph, **QUICK).frame, verb(shuffled, graph=graph, **QUICK).frame
        assert b.index.equals(shuffled.index)
        pd.testing.assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b.reindex(a.index)))
    a, b = (
        global_moran(city, graph=graph, permutations=99),
        global_moran(shuffled, graph=graph, permutations=99),
    )
    assert (a.statistic, a.p_value) == (b.statistic, b.p_value)


def test_ids_that_keep_their_order_can_be_of_any_type(city, graph):
    numbered = city.set_index(pd.Index(range(len(city))))
    numbered_graph = build_graph(numbered)
    for verb in LOCAL:
        a, b = verb(city, graph=graph, **QUICK).frame, verb(numbered, graph=numbered_graph, **QUICK).frame
        np.testing.assert_array_equal(a["p_value"], b["p_value"])
        assert a["cluster"].tolist() == b["cluster"].tolist()


def test_relabelled_ids_keep_statistics_and_nearly_keep_p(city):
    relabelled = city.set_index(pd.Index([f"x{(i * 37) % 145:03d}" for i in range(145)]))
    a = local_moran(city, graph=build_graph(city)).frame
    b = local_moran(relabelled, graph=build_graph(relabelled)).frame
    np.testing.assert_allclose(a["statistic"], b["statistic"])
    np.testing.assert_allclose(a["p_value"], b["p_value"], atol=0.03)


def test_same_seed_same_answer_none_is_recorded_generator_moves_on(city, graph):
    a, b = (local_moran(city, graph=graph, rng=3, **QUICK).frame["p_value"] for _ in range(2))
    pd.testing.assert_series_equal(a, b)
    fresh = local_moran(city, graph=graph, rng=None, **QUICK)
    again = local_moran(city, graph=graph, rng=fresh.settings["rng"], **QUICK)
    pd.testing.assert_series_equal(fresh.frame["p_value"], again.frame["p_value"])
    generator = np.random.default_rng(0)
    first, second = (local_moran(city, graph=graph, rng=generator, **QUICK).settings["rng"] for _ in range(2))
    assert first != second


def test_input_is_not_changed(city, graph):
    before = city.copy()
    for verb in ALL:
        verb(city, graph=graph, permutations=99)
    pd.testing.assert_frame_equal(pd.DataFrame(city), pd.DataFrame(before))


def test_quadrants_by_hand():
    # two blocks of 4 x 4, all high and all low, with one stranger in the middle of each
    areas = grid(8)
    at = np.arange(64)
    values = np.where((at % 8 < 4) & (at // 8 < 4), 20.0, 10.0)
    values[(at % 8 > 3) & (at // 8 > 3)] = 1.0
    values[9], values[54] = 2.0, 19.0
    areas["y"] = values + np.random.default_rng(0).random(64) * 0.01
    f = local_moran(areas, "y", graph=build_graph(areas), alpha=0.1).frame["cluster"]
    assert f[["0009", "0018", "0045", "0054"]].tolist() == ["low-high", "high-high", "low-low", "high-low"]
    assert f["0032"] == "not significant"  # in neither block


def test_gi_star_of_a_high_area_among_low_ones_is_neither_hot_nor_cold():
    areas = grid(9)
    values = np.random.default_rng(1).normal(10, 1, 81)
    low = [30, 31, 32, 39, 41, 48, 49, 50]
    values[low], values[40] = 1.0, 200.0
    areas["y"] = values
    graph = build_graph(areas)
    hot = local_getis_ord(areas, "y", graph=graph).frame.loc["0040"]
    assert hot["p_adjusted"] < 0.05
    assert hot["statistic"] > 0
    assert hot["cluster"] == "not significant"
    assert local_moran(areas, "y", graph=graph).frame.loc["0040", "cluster"] == "high-low"
    without = local_getis_ord(areas, "y", graph=graph, star=False).frame.loc["0040"]
    assert without["cluster"].startswith("cold")


def test_area_exactly_at_the_mean_has_no_quadrant():
    areas = grid(6)
    values = np.arange(36.0)
    values[14] = (values.sum() - values[14]) / 35
    areas["y"] = values
    row = local_moran(areas, "y", graph=build_graph(areas), adjust="none").frame.loc["0014"]
    assert (row["statistic"], row["p_value"], row["cluster"]) == (0.0, 1.0, "not significant")


def test_tiers_follow_the_adjusted_p_whatever_alpha(city, graph):
    for alpha in (0.05, 0.01):
        result = local_getis_ord(city, graph=graph, alpha=alpha)
        f = result.frame
        for tier, low, high in ((1, -1, 0.01), (5, 0.01, 0.05), (10, 0.05, 0.10)):
            marked = f["cluster"].isin([f"hot-{tier}", f"cold-{tier}"])
            assert f.loc[marked, "p_adjusted"].between(low, high, inclusive="right").all()
        assert set(result.flagged) == set(
            f.index[f["cluster"].str.contains("hot|cold") & (f["p_adjusted"] <= alpha)]
        )


def test_few_events_are_not_tested():
    areas = grid(6, lonely=1)
    areas["population"], areas["events"] = 1000, 0
    areas.loc["0000":"0028", "events"] = 1
    graph = build_graph(areas)
    for verb in LOCAL:
        result = verb(areas, graph=graph)
        assert set(result.frame["cluster"]) == {"too few events"}
        assert result.frame["p_value"].isna().all()
        assert "Only 29 events" in result.summary()
        assert len(result.flagged) == 0
    total = global_moran(areas, graph=graph)
    assert np.isnan(total.p_value)
    assert "too few events" in total.summary()
    areas.loc["0030", "events"] = 1
    result = local_moran(areas, graph=graph)
    assert "too few events" not in set(result.frame["cluster"])
    assert "Only 30 events: with fewer than 100" in result.summary()
    areas.loc["0030", "events"] = 0
    assert set(local_moran(areas, "events", graph=graph).frame["cluster"]) == {"too few events"}


def test_constant_values_have_no_variation():
    areas = grid(5)
    areas["y"] = 7.1
    areas["population"] = np.arange(1, 26) * 1000.0
    areas["events"] = np.arange(1, 26) * 3
    graph = build_graph(areas)
    for verb in LOCAL:
        assert set(verb(areas, "y", graph=graph).frame["cluster"]) == {"no variation"}
        equal_rates = verb(areas, events="events", population="population", graph=graph)
        assert set(equal_rates.frame["cluster"]) == {"no variation"}
    assert global_moran(areas, "y", graph=graph).settings["reason"] == "no variation"


def test_six_areas_can_never_be_significant():
    areas = grid(3).iloc[:6]
    areas["y"] = [1.0, 2, 3, 50, 60, 70]
    for verb in LOCAL:
        result = verb(areas, "y", graph=build_graph(areas))
        assert set(result.frame["cluster"]) == {"too few areas"}
        assert result.frame["p_value"].notna().all()
        assert "finer level of areas or a grid" in result.summary()


def test_few_permutations_make_too_few_areas(city, graph):
    result = local_moran(city, graph=graph, permutations=99, max_permutations=99, adjust="bonferroni")
    assert set(result.frame["cluster"]) == {"too few areas", "no neighbours", "no data"}


def test_nothing_but_missing_values():
    areas = grid(4)
    areas["y"] = np.nan
    for verb in LOCAL:
        assert set(verb(areas, "y", graph=build_graph(areas)).frame["cluster"]) == {"no data"}
    assert np.isnan(global_moran(areas, "y", graph=build_graph(areas)).statistic)


def test_no_links_at_all():
    areas = grid(0, lonely=5)
    areas["y"] = [1.0, 2, 3, 4, 9]
    for verb in LOCAL:
        assert set(verb(areas, "y", graph=build_graph(areas)).frame["cluster"]) == {"no neighbours"}
    assert global_moran(areas, "y", graph=build_graph(areas)).settings["reason"] == "no neighbours"


def test_nullable_and_whole_numbers_are_numbers(city, graph):
    nullable = city.assign(events=city["events"].astype("Int64"))
    a, b = local_moran(city, graph=graph, **QUICK).frame, local_moran(nullable, graph=graph, **QUICK).frame
    pd.testing.assert_series_equal(a["p_value"], b["p_value"])


def test_smoothed_rates_are_refused_and_crude_ones_warned_of(city, graph):
    rates = area_rates(city.dropna(subset=["events"]))
    smaller = build_graph(rates.frame)
    for verb in ALL:
        with pytest.raises(StatisticsError, match="Smoothed rates cannot be tested"):
            verb(smooth_rates(rates), "estimate", graph=smaller)
        with pytest.raises(StatisticsError, match="area_rates"):
            verb(smooth_rates(rates), graph=smaller)
        with pytest.warns(StatisticsWarning, match="variance differs") as caught:
            verb(rates, "estimate", graph=smaller, permutations=99)
        assert caught[0].filename == __file__
        tested = verb(rates, graph=smaller, permutations=99).settings["tested"]
        assert tested == "the EB index of events per population"


def test_result_hands_its_audit_on(city, graph):
    from dataclasses import replace

    from safemap.audit import Audit
    from safemap.results import Result

    audit = Audit.start(pd.RangeIndex(5), source="incidents.csv")
    result = Result(frame=city, audit=audit)
    assert local_moran(result, graph=graph, **QUICK).audit is audit
    assert "incidents.csv" in local_moran(replace(result, audit=audit), graph=graph, **QUICK).summary()


@pytest.mark.parametrize("verb", ALL)
@pytest.mark.parametrize(
    ("change", "options", "error", "words"),
    [
        ({"y": np.inf}, {"column": "y"}, StatisticsError, r"'y' is infinite in 1 areas, e.g. \['0003'\]"),
        ({"events": -1}, {}, StatisticsError, "'events' is negative"),
        ({"population": -5}, {}, StatisticsError, "'population' is negative"),
        ({}, {"column": "z"}, InputError, "no column 'z'; they have name"),
        ({}, {"column": "name"}, InputError, "must hold numbers"),
        ({}, {"events": "events"}, InputError, "events= and population= together"),
        (
            {},
            {"column": "y", "events": "events", "population": "population"},
            InputError,
            "either one column",
        ),
        ({}, {"column": "y", "permutations": 0}, ConfigError, "permutations must be a whole number"),
        ({}, {"column": "y", "permutations": 9.5}, ConfigError, "permutations must be a whole number"),
        ({}, {"column": "y", "alpha": 0}, ConfigError, "alpha"),
        ({}, {"column": "y", "alpha": 5}, ConfigError, "alpha"),
        ({}, {"column": "y", "alternative": "upper"}, ConfigError, "two-sided, greater, less"),
        ({}, {"column": "y", "rng": -1}, ConfigError, "rng"),
        ({}, {"column": "y", "rng": "seed"}, ConfigError, "rng"),
    ],
)
def test_senseless_input_raises(verb, change, options, error, words):
    areas = grid(4)
    areas["y"], areas["events"], areas["population"] = np.arange(16.0), 5.0, 1000.0
    graph = build_graph(areas)
    for column, value in change.items():
        areas.loc["0003", column] = value
    with pytest.raises(error, match=words):
        verb(areas, graph=graph, **options)


@pytest.mark.parametrize("verb", ALL)
def test_areas_and_graph_must_belong_together(verb):
    areas = grid(4)
    areas["y"] = np.arange(16.0)
    graph = build_graph(areas)
    with pytest.raises(AlignmentError, match="differ"):
        verb(areas.iloc[:-1], "y", graph=graph)
    with pytest.raises(AlignmentError, match="unique"):
        verb(pd.concat([areas, areas.iloc[:1]]), "y", graph=graph)
    with pytest.raises(StatisticsError, match="at least 3 areas; got 2"):
        verb(areas.iloc[:2], "y", graph=graph)
    with pytest.raises(InputError, match="area_rates"):
        verb(pd.DataFrame(areas), "y", graph=graph)
    with pytest.raises(InputError, match="Name what to test"):
        verb(areas, graph=graph)


@pytest.mark.parametrize("verb", LOCAL)
def test_unknown_adjustment_raises(verb):
    areas = grid(4)
    areas["y"] = np.arange(16.0)
    with pytest.raises(ConfigError, match="fdr_bh, fdr_by, holm, bonferroni, none"):
        verb(areas, "y", graph=build_graph(areas), adjust="fdr")


def test_other_graphs_are_taken(city, graph):
    pysal = graph.to_libpysal()
    a = local_moran(city, graph=graph, **QUICK).frame["p_value"]
    for other in (pysal, pysal.transform("r")):
        pd.testing.assert_series_equal(a, local_moran(city, graph=other, **QUICK).frame["p_value"])


def test_one_sided_tests_point_one_way(city, graph):
    hot = local_getis_ord(city, graph=graph, alternative="greater").frame["cluster"]
    cold = local_getis_ord(city, graph=graph, alternative="less").frame["cluster"]
    assert hot.str.startswith("hot").any()
    assert not hot.str.startswith("cold").any()
    assert not cold.str.startswith("hot").any()
    alike = local_moran(city, graph=graph, alternative="greater").frame["cluster"]
    assert set(alike) <= {"high-high", "low-low", "not significant", "no data", "no neighbours"}
    unlike = local_moran(city, graph=graph, alternative="less", adjust="none").frame["cluster"]
    assert not set(unlike) & {"high-high", "low-low"}


def test_summary_says_what_a_reader_needs(city, graph):
    text = local_getis_ord(city, graph=graph, rng=42).summary()
    for words in ("of 145 areas flagged", "By chance alone, 7.1 of them", "Smallest p that could be reached",
                  "rng 42", "9,999 permutations for all", "2 area(s): no data", "1 area(s): no neighbours",
                  "expected to be there by chance"):  # fmt: skip
        assert words in text
    assert "some of the areas flagged are chance" in local_moran(city, graph=graph, adjust="none").summary()
    assert "at most 5%" in local_moran(city, graph=graph, adjust="holm").summary()


def test_settings_are_plain_values(city, graph):
    import json

    for verb in ALL:
        json.dumps(dict(verb(city, graph=graph, permutations=99).settings))


def test_global_moran_on_columbus_and_its_sentence():
    from safemap.datasets import columbus

    areas = columbus()
    result = global_moran(areas, "CRIME", graph=build_graph(areas, tolerance=0))
    assert result.statistic == pytest.approx(0.5001885571828611)
    assert result.z_score == pytest.approx(5.58938267504451)
    assert result.p_value == pytest.approx(2 / 10_000)
    assert "more alike than chance" in result.summary()
    assert result.frame.loc[0, "statistic"] == result.statistic
    noise = areas.assign(y=np.random.default_rng(0).normal(size=49))
    assert (
        "no more alike than chance"
        in global_moran(noise, "y", graph=build_graph(areas, tolerance=0)).summary()
    )


def test_global_moran_leaves_out_isolates_and_missing(city, graph):
    result = global_moran(city, graph=graph, permutations=99)
    assert result.settings["areas_tested"] == 142
    assert result.expected == pytest.approx(-1 / 141)


def test_local_moran_agrees_with_esda_on_columbus():
    from safemap.analysis._esda import esda_local_moran
    from safemap.datasets import columbus

    areas = columbus()
    graph = build_graph(areas, tolerance=0)
    ours = local_moran(areas, "CRIME", graph=graph, max_permutations=9_999).frame
    theirs = esda_local_moran(areas["CRIME"], graph, permutations=9_999, seed=1)
    np.testing.assert_allclose(ours["statistic"], theirs.statistic)
    # both are Monte Carlo with 9,999 draws; two-sided p doubles the error of one tail
    tail = ours["p_value"].clip(upper=1 - 1e-9) / 2
    error = 2 * np.sqrt(2 * tail * (1 - tail) / 9_999) + 2 / 10_000
    assert (np.abs(ours["p_value"] - theirs.p_value) < 4.5 * error).all()


def test_null_maps_are_rarely_flagged():
    # equal risk, populations that grow towards the centre: any flag on a null map is a false discovery
    rng = np.random.default_rng(7)
    areas = grid(12)
    centre = areas.centroid
    distance = np.hypot(centre.x - 600, centre.y - 600)
    areas["population"] = np.round(4000 * np.exp(-distance / 400) + 100)
    graph = build_graph(areas)
    maps = 60
    flagged = 0
    for number in range(maps):
        areas["events"] = rng.poisson(areas["population"] * 0.002)
        result = local_getis_ord(areas, graph=graph, permutations=999, max_permutations=19_999, rng=number)
        flagged += len(result.flagged) > 0
    assert flagged / maps <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / maps)


def test_column_of_counts_is_not_drawn_and_says_so(city, graph):
    counted = city.assign(events=city["events"].fillna(0))
    for verb in LOCAL:
        result = verb(counted, "events", graph=graph)
        tested = result.frame["p_value"].notna()
        assert result.settings["computed"] == result.settings["areas_tested"] == tested.sum() == 144
        assert result.frame["permutations"].eq(0).all()
        assert "the exact distribution of the counts, without permutations" in result.summary()
        drawn = verb(counted.assign(y=counted["events"] + np.pi), "y", graph=graph, **QUICK)
        assert drawn.settings["computed"] == 0
        np.testing.assert_allclose(result.frame["p_value"], drawn.frame["p_value"], atol=0.12)
        same = verb(counted, "events", graph=graph, rng=99).frame["p_value"]
        pd.testing.assert_series_equal(result.frame["p_value"], same)


def test_exact_counts_are_the_enumerated_ones():
    from math import comb

    areas = grid(4)
    areas["y"] = [3, 0, 1, 0, 2, 5, 1, 0, 0, 1, 0, 2, 1, 0, 0, 4]
    graph = build_graph(areas)
    exact = local_getis_ord(areas, "y", graph=graph).frame["p_value"]
    shifted = areas.assign(y=areas["y"] + np.pi)  # no decimal step, so all C(15, k) sums are gone through
    enumerated = local_getis_ord(shifted, "y", graph=graph, permutations=comb(15, 7), max_permutations=6435)
    assert (enumerated.frame["permutations"] > 0).all()
    np.testing.assert_allclose(exact, enumerated.frame["p_value"], rtol=1e-9)


@pytest.fixture(scope="module")
def kernel(city):
    return build_graph(city, "kernel", distance=260)


def test_weights_reach_the_statistics(city, kernel):
    from safemap.stats import autocorrelation as ac
    from safemap.stats.permutation import conditional_test

    areas = city.iloc[:144].assign(y=np.random.default_rng(3).gamma(2.0, size=144))
    graph = kernel.subset(areas.index)
    y, w = areas["y"].to_numpy(), graph.weights
    result = local_moran(areas, "y", graph=graph, **QUICK)
    expected = ac.local_moran(y, ac.row_standardised(w))
    np.testing.assert_allclose(result.frame["statistic"], expected.statistic)
    np.testing.assert_allclose(result.frame["z_score"], expected.z_score)
    p = conditional_test(
        y, w, weighted=True, refine_below=0.1, permutations=999, max_permutations=99_999
    ).p_value
    np.testing.assert_array_equal(result.frame["p_value"], p)
    assert result.settings["weights"] == "as the graph has them"
    hot = local_getis_ord(areas, "y", graph=graph, **QUICK).frame
    np.testing.assert_allclose(hot["statistic"], ac.local_getis_ord(y, w, self_weight=1.0))
    np.testing.assert_allclose(hot["z_score"], ac.local_getis_ord(y, w, star=False))
    np.testing.assert_array_equal(hot["p_value"], p)
    whole = global_moran(areas, "y", graph=graph, permutations=99)
    assert whole.statistic == pytest.approx(ac.moran(y, ac.row_standardised(w)).statistic)


def test_weighted_tests_keep_their_laws(city, kernel):
    shuffled = city.sample(frac=1, random_state=4)
    for verb in LOCAL:
        a, b = verb(city, graph=kernel, **QUICK).frame, verb(shuffled, graph=kernel, **QUICK).frame
        pd.testing.assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b.reindex(a.index)))
        assert a.loc["0144", "cluster"] == "no neighbours"
        assert a["cluster"].isin(["high-high", "hot-1", "hot-5"]).sum() > 5


def test_self_weight_without_a_kernel_is_that_of_the_heaviest_neighbour(city):
    from safemap.geo.graph import AreaGraph
    from safemap.stats import autocorrelation as ac

    areas = city.iloc[:144].assign(y=np.random.default_rng(3).gamma(2.0, size=144))
    weights = build_graph(areas, "inverse_distance", distance=150).weights * 9.0
    graph = AreaGraph.from_weights(weights, areas.index)
    found = local_getis_ord(areas, "y", graph=graph, permutations=99, max_permutations=99).frame["statistic"]
    np.testing.assert_allclose(found, ac.local_getis_ord(areas["y"], weights, self_weight=9.0))
