"""What a local test can reach is said before anyone trusts that nothing was found."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from safemap import grid_graph, local_getis_ord, local_moran
from safemap.stats import subset_permutation


@pytest.fixture(scope="module")
def city() -> gpd.GeoDataFrame:
    y, x = (part.ravel() * 100.0 for part in np.mgrid[:30, :30])
    values = np.random.default_rng(1).normal(size=900)
    values[[434, 435, 436, 464, 465, 466, 494, 495, 496]] += 12
    return gpd.GeoDataFrame({"y": values}, geometry=shapely.box(x, y, x + 100, y + 100), crs=32614)


@pytest.fixture(scope="module")
def graph():
    return grid_graph(30, 30)


@pytest.mark.parametrize("verb", [local_moran, local_getis_ord])
def test_few_draws_are_named_as_the_reason(city, graph, verb):
    # 2 / 1000 for each of 900 areas: 36 together have 0.002 * 900 / 36 = 0.05
    few = verb(city, "y", graph=graph, permutations=999, max_permutations=999)
    assert few.settings["smallest_p"] == 0.002
    assert few.settings["fewest_findings"] == 36
    assert "at least 36 must have the smallest p together. Raise max_permutations." in few.summary()
    assert not len(few.flagged)
    enough = verb(city, "y", graph=graph)
    assert enough.settings["fewest_findings"] == 1
    assert "together" not in enough.summary()
    assert 465 in enough.flagged


def test_few_neighbours_are_not_blamed_on_the_draws():
    # 40 areas in a row: the two neighbours are one of C(39, 2) = 741 pairs, so p is 2 / 741 at least
    x = np.arange(40) * 100.0
    row = gpd.GeoDataFrame(
        {"y": np.random.default_rng(0).normal(size=40)}, geometry=shapely.box(x, 0, x + 100, 100), crs=32614
    )
    result = local_moran(row, "y", graph=grid_graph(1, 40))
    assert result.settings["fewest_findings"] == 3
    assert "at least 3 must have the smallest p together." in result.summary()
    assert "Raise max_permutations" not in result.summary()


def test_rows_in_any_order_on_many_threads(city, graph, monkeypatch):
    monkeypatch.setattr(subset_permutation, "_ROWS", (64, 500))
    expected = local_moran(city, "y", graph=graph, max_permutations=20_000).frame
    for seed in range(3):
        shuffled = city.iloc[np.random.default_rng(seed).permutation(900)]
        found = local_moran(shuffled, "y", graph=graph, max_permutations=20_000).frame
        assert found.index.equals(shuffled.index)
        for column in ("statistic", "z_score", "p_value", "p_adjusted", "cluster"):
            assert found[column].loc[expected.index].equals(expected[column]), column
