"""The methods text says which null was tested, where p comes from, and whose convention it is."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from safemap import build_graph, local_moran
from safemap.report.methods import null_sentences

QUICK = {"permutations": 99, "max_permutations": 999}


@pytest.fixture(scope="module")
def areas() -> gpd.GeoDataFrame:
    cells = [box(c, r, c + 1, r + 1) for r in range(10) for c in range(10)]
    rng = np.random.default_rng(1)
    people = rng.integers(500, 5_000, 100)
    frame = gpd.GeoDataFrame({"population": people, "events": rng.poisson(people * 0.004)}, geometry=cells)
    return frame.set_crs(32614)


@pytest.fixture(scope="module")
def graph(areas):
    return build_graph(areas, tolerance=0.01)


@pytest.mark.parametrize(
    ("column", "options", "words", "absent"),
    [
        ((), {}, ["only if two tests reject it", "99 random", "up to 999", "seed 0", "The larger p"], ["{"]),
        ((), {"null": "permutation"}, ["standardised index", "99 random"], ["two tests", "exact"]),
        ((), {"null": "constant-risk"}, ["binomial", "are exact", "whether or not"], ["random rearr"]),
        (("events",), {}, ["For 100 of 100 areas the exact distribution was computed"], ["two tests"]),
        (("events",), {"like": "esda"}, ["the convention of esda", "twice the nominal"], ["Null hypothesis"]),
        (("events",), {"like": "esri"}, ["the convention of esri", "both tails"], ["does not hold"]),
    ],
)
def test_what_is_said(areas, graph, column, options, words, absent):
    settings = local_moran(areas, *column, graph=graph, **options, **QUICK).settings
    said = " ".join(null_sentences(settings))
    for word in words:
        assert word in said
    for word in absent:
        assert word not in said


def test_random_maps_where_neighbours_count_differently(areas):
    kernel = build_graph(areas, "kernel", distance=1.5)
    said = " ".join(null_sentences(local_moran(areas, graph=kernel, null="constant-risk", **QUICK).settings))
    assert "99 random maps" in said
    assert "exact" not in said
