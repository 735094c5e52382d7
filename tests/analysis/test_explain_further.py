"""One area explained for Geary, join counts, Lee and LOSH: its own distribution gives the p of the table."""

from __future__ import annotations

import itertools
import pickle
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import chi2
from shapely.geometry import box

from safemap import build_graph, local_geary, local_join_counts, local_lee, local_losh
from safemap.errors import AlignmentError, ConfigError, StatisticsError
from safemap.i18n import LANGUAGES
from safemap.stats.autocorrelation import row_standardised
from safemap.stats.lee import local_lee as lee_of
from safemap.stats.lee import with_self
from safemap.stats.local_geary import local_geary as geary_of
from safemap.stats.losh import losh as losh_of
from safemap.stats.reference import reference_geary, reference_lee, reference_losh

ONE_STAGE = {"permutations": 9_999, "max_permutations": 9_999}
QUICK = {"permutations": 199, "max_permutations": 999}


@pytest.fixture(scope="module")
def city() -> gpd.GeoDataFrame:
    cells = [box(c * 100, r * 100, c * 100 + 100, r * 100 + 100) for r in range(8) for c in range(8)]
    ids = pd.Index([f"{i:03d}" for i in range(65)], name="area_id")
    areas = gpd.GeoDataFrame(geometry=[*cells, box(5_000, 0, 5_100, 100)], index=ids, crs=32614)
    rng = np.random.default_rng(3)
    areas["income"] = rng.normal(50, 9, 65) + 12 * (np.arange(65) < 20)
    areas["fear"] = rng.exponential(3, 65)
    areas["school"] = rng.integers(0, 2, 65).astype(float)
    areas["park"] = rng.integers(0, 2, 65).astype(float)
    areas["count"] = rng.poisson(2, 65)
    areas.loc["018", ["income", "fear", "school", "count"]] = np.nan
    return areas


@pytest.fixture(scope="module")
def graph(city):
    return build_graph(city)


@pytest.fixture(scope="module")
def kernel(city):
    return build_graph(city, "kernel", distance=160)


STATISTICS = {
    "geary": lambda a, g, **o: local_geary(a, "income", graph=g, **o),
    "geary of counts": lambda a, g, **o: local_geary(a, "count", graph=g, **o),
    "geary of two": lambda a, g, **o: local_geary(a, "income", "fear", graph=g, **o),
    "join counts": lambda a, g, **o: local_join_counts(a, "school", graph=g, **o),
    "bivariate": lambda a, g, **o: local_join_counts(a, "school", "park", graph=g, relation="bivariate", **o),
    "lee": lambda a, g, **o: local_lee(a, "income", "fear", graph=g, **o),
    "lee of neighbours": lambda a, g, **o: local_lee(a, "income", "fear", graph=g, include_self=False, **o),
    "losh": lambda a, g, **o: local_losh(a, "fear", graph=g, **o),
}


def p_from(found, result) -> float:
    """The p of the distribution that the picture shows."""
    values, p = found.reference
    upper = p[values >= found.observed - 1e-9].sum()
    if result.settings["alternative"] == "greater":  # of join counts, unless asked otherwise
        return upper
    return min(1.0, 2 * min(upper, p[values <= found.observed + 1e-9].sum()))


@pytest.mark.parametrize("links", ["graph", "kernel"])
@pytest.mark.parametrize("name", STATISTICS)
def test_the_distribution_of_one_area_gives_the_p_of_the_table(request, city, name, links):
    result = STATISTICS[name](city, request.getfixturevalue(links), **ONE_STAGE)
    tested = result.frame.index[result.frame["p_value"].notna()]
    for area_id in [*tested[:: max(1, len(tested) // 5)], result.frame["p_value"].idxmin()]:
        found, row = result.explain(area_id), result.frame.loc[area_id]
        assert found.observed == pytest.approx(row["statistic"])
        assert found.reference[1].sum() == pytest.approx(1)
        # both are drawn: five standard deviations of the difference of two tails, doubled
        error = 10 * np.sqrt(2 * max(row["p_value"] / 2, 1e-4) / 9_999)
        assert p_from(found, result) == pytest.approx(row["p_value"], abs=error)
        assert len(found.frame) == row["neighbours"]


def test_listed_and_counted_distributions_give_the_p_exactly(city, graph):
    for name in ("join counts", "bivariate"):
        result = STATISTICS[name](city, graph, **QUICK)
        for area_id in result.frame.index[result.frame["p_value"].notna()]:
            found = result.explain(area_id)
            assert p_from(found, result) == pytest.approx(result.frame.loc[area_id, "p_value"], abs=1e-9)
            assert "counted, none was drawn" in found.text
    few = city.iloc[:16]
    result = local_geary(few, "income", graph=build_graph(few), **ONE_STAGE)
    for area_id in few.index:
        found = result.explain(area_id)
        assert p_from(found, result) == pytest.approx(result.frame.loc[area_id, "p_value"], abs=1e-9)
        assert "counted, none was drawn" in found.text


def test_references_by_brute_force():
    rng = np.random.default_rng(8)
    links = np.zeros((6, 6))
    for i, j in ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (1, 5)):
        links[i, j] = links[j, i] = 1
    x, y = rng.exponential(size=6), rng.normal(size=6)
    links[2, 3] = 3  # the neighbours of the third area count differently
    matrix = csr_array(links)
    row, own = row_standardised(matrix), with_self(matrix)
    for site in (0, 2):
        others = [i for i in range(6) if i != site]
        orders = []
        for order in itertools.permutations(others):
            whole = np.arange(6)
            whole[others] = order
            orders.append(whole)
        geary = [geary_of(np.c_[x, y][o], row).statistic[site] for o in orders]
        lee = [lee_of(x[o], y[o], own).statistic[site] for o in orders]
        _same(reference_geary(np.c_[x, y], row, site), geary)
        _same(reference_lee(x, y, own, site), lee)
        maps = [losh_of(x[list(o)], matrix).statistic[site] for o in itertools.permutations(range(6))]
        drawn, p = reference_losh(x, matrix, site, draws=20_000)
        for level in (0.05, 0.3, 0.5, 0.9):
            at = np.quantile(maps, level) + 1e-9
            assert p[drawn <= at].sum() == pytest.approx(np.mean(np.array(maps) <= at), abs=0.02)
    with pytest.raises(StatisticsError, match="without neighbours"):
        reference_geary(x, csr_array((6, 6)), 0)


def _same(reference, listed) -> None:
    values, p = reference
    found, times = np.unique(np.round(listed, 8), return_counts=True)
    np.testing.assert_allclose(values, found, atol=1e-7)
    np.testing.assert_allclose(p, times / times.sum())


def test_chi_square_is_named_and_drawn_as_such(city, graph):
    result = local_losh(city, "fear", graph=graph, inference="chi-square")
    for area_id in ("000", "030", "062"):
        found, row = result.explain(area_id), result.frame.loc[area_id]
        assert "chi-square approximation of Ord and Getis" in found.text
        assert "rearranged" not in found.text
        assert p_from(found, result) == pytest.approx(row["p_value"], abs=3e-4)
        values, p = found.reference
        freedom = 2 / (values @ (p * values) - 1)  # mean 1, variance 2 / degrees of freedom
        lower = chi2.cdf(found.observed * freedom, freedom)
        assert p[values <= found.observed].sum() == pytest.approx(lower, abs=0.01)


def test_the_paragraph_gives_share_p_adjusted_p_smallest_p_and_stage(city, graph):
    result = local_losh(city, "fear", graph=graph, **QUICK)
    area_id = result.frame["p_value"].idxmin()
    row, found = result.frame.loc[area_id], result.explain(area_id)
    assert re.search(r"rearranged over the whole map 999 times: .* higher than [\d.]+%", found.text)
    assert "they replaced the first ones because the first p was small" in found.text
    assert f"p = {row.p_value:.4f}"[:9] in found.text
    assert "smallest p this area could reach is 0.0020" in found.text
    assert f"The value of the area itself is {row['value']:.2f}" in found.text


def test_neighbours_come_with_what_was_tested_of_them(city, graph, kernel):
    found = local_lee(city, "income", "fear", graph=kernel, **QUICK).explain("030")
    near = city.loc[found.frame.index]
    for column in ("income", "fear"):
        assert found.frame[column].tolist() == near[column].tolist()
        assert f"{column} of the area itself: {city.loc['030', column]:.2f}" in found.text
    assert found.frame["weight"].nunique() == 2
    assert "The area itself counts in these means" in found.text
    asked = city.index[(city["school"] == 1) & (city["park"] == 0)][3]
    pairs = STATISTICS["bivariate"](city, graph).explain(asked)
    near = city.loc[pairs.frame.index]
    assert (
        pairs.frame["value"].tolist() == ((near["school"] == 0) & (near["park"] == 1)).astype(float).tolist()
    )
    assert pairs.observed == pairs.frame["value"].sum()
    assert f"Of them, {pairs.observed:.0f} have what is looked for" in pairs.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_languages_say_it_without_gaps(city, graph, kernel, language):
    results = [verb(city, g, **QUICK) for verb in STATISTICS.values() for g in (graph, kernel)]
    for result in [*results, local_losh(city, "fear", graph=graph, inference="chi-square")]:
        for area_id in ("000", "018", "030", "064"):
            found = result.explain(area_id, language=language)
            assert found.text
            assert "{" not in found.text + "".join(found.labels.values())
    with pytest.raises(ConfigError, match="language must be one of"):
        results[0].explain("000", language="fr")


@pytest.mark.parametrize("name", STATISTICS)
def test_areas_without_a_test_say_why(city, graph, name):
    result = STATISTICS[name](city, graph, **QUICK)
    words = {
        "018": "no value here. This does not mean zero. Nothing was tested",
        "064": "no neighbour with a value",
    }
    for area_id, part in words.items():
        if area_id == "064" and result.kind == "local_join_counts":
            continue
        found = result.explain(area_id)
        assert part in found.text
        assert found.figure() is None
        assert not len(found.frame)
    if result.kind == "local_join_counts":
        other = result.frame.index[result.frame["cluster"] == "not of the kind"][0]
        assert "does not have what is counted" in result.explain(other).text
        everywhere = local_join_counts(city.assign(park=city.index > "030"), "park", graph=graph)
        assert "no neighbour with a value" in everywhere.explain("064").text
    with pytest.raises(AlignmentError, match="no area 'x'"):
        result.explain("x")


def test_maps_without_a_test_say_why(city, graph):
    flat = city.assign(income=4.0)
    assert "same value" in local_losh(flat, "income", graph=graph).explain("000").text
    few = city.iloc[:4]
    found = local_geary(few, "income", graph=build_graph(few)).explain("000")
    assert "too few areas" in found.text


@pytest.mark.parametrize("name", ["geary of two", "bivariate", "lee", "losh"])
def test_results_still_travel_between_processes_and_have_a_picture(city, graph, name):
    result = pickle.loads(pickle.dumps(STATISTICS[name](city, graph, **QUICK)))
    area_id = result.frame["p_value"].idxmin()
    found = result.explain(area_id)
    assert found.observed in found.figure().axes[0].lines[0].get_xdata()
    assert found.text == result.explain(area_id).text
    np.testing.assert_array_equal(found.reference[0], result.explain(area_id).reference[0])
