"""One area explained: the numbers are those of the table, the words exist in six languages."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from shapely.geometry import box

from safemap import build_graph, local_bivariate_moran, local_getis_ord, local_moran
from safemap.errors import AlignmentError, ConfigError
from safemap.i18n import LANGUAGES
from safemap.stats.reference import reference_sums

QUICK = {"permutations": 999, "max_permutations": 9_999}


@pytest.fixture(scope="module")
def city() -> gpd.GeoDataFrame:
    cells = [box(c * 100, r * 100, c * 100 + 100, r * 100 + 100) for r in range(9) for c in range(9)]
    ids = pd.Index([f"{i:03d}" for i in range(82)], name="area_id")
    areas = gpd.GeoDataFrame(geometry=[*cells, box(5_000, 0, 5_100, 100)], index=ids, crs=32614)
    rng, at = np.random.default_rng(5), np.arange(82)
    areas["name"] = [f"<b>{i}</b>" for i in ids]
    areas["population"] = rng.integers(200, 3_000, 82).astype(float)
    risk = np.where((at % 9 < 3) & (at < 27), 3.0, 1.0)
    areas["events"] = rng.poisson(areas["population"] * risk * 0.01).astype(float)
    areas["count"] = rng.poisson(3, 82)
    areas["income"] = rng.normal(50, 9, 82)
    areas.loc["040", "population"] = 0
    return areas


@pytest.fixture(scope="module")
def graph(city):
    return build_graph(city)


def test_counts_have_their_exact_distribution_and_it_gives_the_p_of_the_table(city, graph):
    result = local_moran(city, "count", graph=graph, **QUICK)
    for area_id in ("000", "010", "044", "080"):
        found = result.explain(area_id)
        sums, p = found.reference
        assert p.sum() == pytest.approx(1)
        tail = min(p[sums >= found.observed - 1e-9].sum(), p[sums <= found.observed + 1e-9].sum())
        row = result.frame.loc[area_id]
        if row["value"] != city["count"].mean():
            assert row["p_value"] == pytest.approx(min(1, 2 * tail), abs=1e-9)
        assert found.observed == city.loc[found.frame.index, "count"].sum()
        assert "counted, none was drawn" in found.text


def test_drawn_ones_lie_where_the_table_says(city, graph):
    result = local_getis_ord(city, "income", graph=graph, permutations=9_999, max_permutations=9_999)
    for area_id in ("000", "010", "044", "080"):
        found = result.explain(area_id)
        sums, p = found.reference
        tail = min(p[sums >= found.observed].sum(), p[sums <= found.observed].sum())
        assert result.frame.loc[area_id, "p_value"] == pytest.approx(min(1, 2 * tail), abs=0.03)
        assert "dealt out at random 9,999 times" in found.text


def test_the_paragraph_gives_percentile_p_adjusted_p_and_smallest_p(city, graph):
    result = local_getis_ord(city, "income", graph=graph, **QUICK)
    area_id = result.frame["p_value"].idxmin()
    row, found = result.frame.loc[area_id], result.explain(area_id)
    assert re.search(r"higher than (99\.\d+|0\.\d+|100)%", found.text)
    assert f"p = {float(f'{row.p_value:.2g}'):g}"[:8] in found.text
    assert "smallest p this area could reach is 0.00020" in found.text
    assert "they replaced the first ones because the first p was small" in found.text
    assert found.frame["value"].tolist() == city.loc[found.frame.index, "income"].tolist()
    assert len(found.frame) == row["neighbours"]


def test_constant_risk_is_binomial(city, graph):
    result = local_getis_ord(city, graph=graph, null="constant-risk")
    found = result.explain("000")
    inside = [*found.frame.index, "000"]
    known = city["population"] > 0
    share = city.loc[inside, "population"].sum() / city.loc[known, "population"].sum()
    seen, total = city.loc[inside, "events"].sum(), int(city.loc[known, "events"].sum())
    assert found.observed == seen
    upper, lower = binom.sf(seen - 1, total, share), binom.cdf(seen, total, share)
    assert result.frame.loc["000", "p_value"] == pytest.approx(2 * min(upper, lower), rel=1e-6)
    assert found.reference[1].sum() == pytest.approx(1, abs=1e-6)
    assert "same risk for everybody" in found.text


def test_of_two_nulls_the_one_that_decides_is_explained(city, graph):
    rng = np.random.default_rng(2)
    city = city.assign(events=rng.poisson(np.where(city.index < "040", 3_000, 60) * 0.003).astype(float))
    city["population"] = np.where(city.index < "040", 3_000.0, 60.0)
    result = local_moran(city, graph=graph, **QUICK)
    decided = result.frame.index[result.basis.by_risk[result.basis.case.ids.get_indexer(result.frame.index)]]
    assert result.settings["null"] == "both"
    assert len(decided)
    found = result.explain(decided[0])
    assert "the larger p counts" in found.text
    assert found.labels["axis"] == "Recorded cases in the neighbourhood"
    assert result.frame.loc[decided[0], "permutations"] == 0
    others = [a for a in result.frame.index[result.frame["p_value"].notna()] if a not in decided]
    assert "the larger p counts" not in result.explain(others[0]).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_languages_say_it_without_gaps(city, graph, language):
    for result in (
        local_moran(city, graph=graph, **QUICK),
        local_getis_ord(city, graph=graph, null="constant-risk"),
        local_getis_ord(city, "income", graph=graph, like=None, adjust="none", **QUICK),
    ):
        for area_id in ("000", "044", "040", "081"):
            found = result.explain(area_id, language=language)
            assert "{" not in found.text
            assert found.text
    with pytest.raises(ConfigError, match="language must be one of"):
        result.explain("000", language="fr")


def test_areas_without_a_test_say_why_and_have_no_picture(city, graph):
    result = local_moran(city, graph=graph, **QUICK)
    for area_id, words in (("040", "no value"), ("081", "no neighbour")):
        found = result.explain(area_id)
        assert words in found.text
        assert found.figure() is None
        assert "<img" not in found._repr_html_()
    with pytest.raises(AlignmentError, match="no area 'x'"):
        result.explain("x")


def test_the_picture_marks_the_observed_sum_and_the_page_escapes_names(city, graph):
    from matplotlib.figure import Figure

    for options in ({}, {"null": "constant-risk"}):
        found = local_getis_ord(city, graph=graph, **options, **QUICK).explain("000")
        figure = found.figure()
        assert isinstance(figure, Figure)
        axes = figure.axes[0]
        assert found.observed in axes.lines[0].get_xdata()
        heights = [bar.get_height() for bar in axes.patches]
        assert sum(heights) == pytest.approx(100, abs=0.5)
        html = found._repr_html_()
        assert "<b>" not in html
        assert "&lt;b&gt;" in html
        assert "data:image/png;base64," in html


def test_unequal_weights_and_two_variables_are_explained(city):
    kernel = build_graph(city, "kernel", distance=180)
    for result in (
        local_getis_ord(city, "income", graph=kernel, **QUICK),
        local_getis_ord(city, graph=kernel, null="constant-risk", **QUICK),
        local_bivariate_moran(city, "income", "count", graph=build_graph(city), **QUICK),
        local_moran(city, "income", graph=kernel, like="esda", **QUICK),
    ):
        found = result.explain("010")
        assert len(found.frame) == 8
        sums, p = found.reference
        assert sums.min() < sums.max()
        assert p.sum() == pytest.approx(1, abs=1e-6)


def test_reference_sums_by_brute_force():
    import itertools

    from scipy.sparse import csr_array

    links = np.zeros((7, 7))
    links[0, [1, 2, 3]] = 1
    y = np.array([5, 1, 1, 2, 4, 8, 8.0])
    for values in (y, y + 0.25):
        sums, p = reference_sums(values, csr_array(links), 0, draws=40_000, rng=1)
        listed = np.array([sum(t) for t in itertools.combinations(values[1:], 3)])
        for one in np.unique(listed):
            assert p[np.isclose(sums, one)].sum() == pytest.approx(np.mean(np.isclose(listed, one)), abs=0.01)
