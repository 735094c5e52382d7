"""Displacement difference of areas: printed numbers, rings from a graph, weights, size, refusals."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

import safemap as sm
from safemap.errors import AlignmentError, ConfigError, InputError
from safemap.stats.change import displacement_difference as arrays

IDS = ["T", "ring T", "C", "ring C", "far"]


def _areas(counts) -> gpd.GeoDataFrame:
    shapes = [box(i, 0, i + 1, 1) for i in range(len(IDS))]
    table = pd.DataFrame(counts, columns=["y1", "y2"], index=pd.Index(IDS, name="area_id"))
    return gpd.GeoDataFrame(table, geometry=shapes, crs=32614)


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    return _areas([(207, 110), (178, 157), (308, 318), (150, 140), (1000, 10)])


RINGS = {"displacement_treated": ["ring T"], "displacement_control": ["ring C"]}


def test_the_printed_numbers_of_the_paper(areas):
    found = sm.displacement_difference(areas, "y1", "y2", treated=["T"], control=["C"], **RINGS)
    assert found.effects["estimate"].to_dict() == {"local": -107, "displacement": -11, "total": -118}
    total = found.effects.loc["total"]
    assert total["std_error"] == pytest.approx(np.sqrt(1568))
    assert (round(total["z_score"], 2), round(total["conf_low"]), round(total["conf_high"])) == (
        -2.98,
        -196,
        -40,
    )
    assert found.frame["role"].tolist() == [
        "treated", "displacement treated", "control", "displacement control", "not used",
    ]  # fmt: skip
    assert found.places.loc["control", ["before", "after"]].tolist() == [308, 318]
    assert "-118.0 events (95% limits -195.6 to -40.4" in found.summary()
    json.dumps(found.settings)


def test_weights_by_area_are_the_printed_ones(areas):
    areas["km2"] = [1.2, 1.5, 0.9, 1.6, 5.0]
    total = sm.displacement_difference(
        areas, "y1", "y2", treated=["T"], control=["C"], weight="km2", **RINGS
    ).effects.loc["total"]
    printed = [-99.69444444, 35.4280755, -2.813995483, -169.1321965, -30.25669241]
    np.testing.assert_allclose(total.iloc[:5].astype(float), printed, rtol=1e-9)


def test_without_rings_and_with_periods_of_unequal_length():
    # requirement H15: treated 60 to 40, control 55 to 53
    plain = sm.displacement_difference(
        _areas([(60, 40), (0, 0), (55, 53), (0, 0), (0, 0)]), "y1", "y2", treated=["T"], control=["C"]
    )
    total = plain.effects.loc["total"]
    assert total["estimate"] == -18
    assert (total["std_error"], total["z_score"]) == pytest.approx((14.42, -1.25), abs=5e-3)
    assert plain.effects.loc["displacement"].isna().all()
    assert plain.effects.loc["local"].equals(total)
    timed = sm.displacement_difference(
        _areas([(80, 20), (0, 0), (100, 50), (0, 0), (0, 0)]),
        "y1", "y2", treated=["T"], control=["C"], periods=(2, 1),
    ).effects.loc["total"]  # fmt: skip
    assert (timed["estimate"], timed["std_error"]) == pytest.approx((-20, np.sqrt(115)))


def test_rings_from_a_graph_leave_shared_neighbours_to_the_treated(areas):
    graph = sm.build_graph(areas, tolerance=0)
    found = sm.displacement_difference(areas, "y1", "y2", treated=["T"], control=["C"], graph=graph)
    assert found.frame["role"].tolist() == [
        "treated", "displacement treated", "control", "displacement control", "not used",
    ]  # fmt: skip
    assert found.settings["shared_neighbours"] == ["ring T"]
    assert "1 areas border treated and control" in found.summary()
    shuffled = sm.displacement_difference(
        areas.iloc[[3, 0, 4, 2, 1]], "y1", "y2", treated=["T"], control=["C"], graph=graph
    )
    pd.testing.assert_frame_equal(shuffled.effects, found.effects)
    pd.testing.assert_frame_equal(
        pd.DataFrame(shuffled.frame.loc[found.frame.index]), pd.DataFrame(found.frame)
    )


def test_several_areas_count_together():
    rng = np.random.default_rng(3)
    areas = _areas(rng.integers(20, 90, (5, 2)))
    found = sm.displacement_difference(areas, "y1", "y2", treated=["T", "far"], control=["C", "ring C"])
    y = areas[["y1", "y2"]]
    expected = arrays(tuple(y.loc[["C", "ring C"]].sum()), tuple(y.loc[["T", "far"]].sum()))
    assert found.effects.loc["total", "estimate"] == expected.total
    assert found.effects.loc["total", "p_value"] == expected.p_value
    assert found.places["areas"].tolist() == [2, 2]


def test_size_where_nothing_was_done():
    rng = np.random.default_rng(9)
    means = np.array([40, 30, 60, 25, 10])
    p = [
        sm.displacement_difference(
            _areas(rng.poisson(np.column_stack([means, means]))),
            "y1",
            "y2",
            treated=["T"],
            control=["C"],
            **RINGS,
        ).effects.loc["total", "p_value"]
        for _ in range(400)
    ]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"treated": []}, ConfigError, "treated= must name"),
        ({"treated": "T"}, ConfigError, "list of ids"),
        ({"treated": ["Z"]}, AlignmentError, r"\['Z'\]"),
        ({"control": ["T"]}, ConfigError, "one role only"),
        ({"displacement_treated": ["far"]}, ConfigError, "or none"),
        ({"graph": "x", **RINGS}, ConfigError, "not both"),
        ({"weight": "zero"}, InputError, "above 0"),
        ({"periods": (0, 1)}, sm.errors.StatisticsError, "above 0"),
        ({"confidence": 95}, ConfigError, "confidence"),
    ],
)
def test_senseless_requests_are_refused(areas, options, error, words):
    areas["zero"] = 0.0
    with pytest.raises(error, match=words):
        sm.displacement_difference(areas, "y1", "y2", **{"treated": ["T"], "control": ["C"], **options})


def test_a_missing_count_is_refused_only_where_it_is_needed(areas):
    areas["y1"] = areas["y1"].astype(float)
    areas.loc["far", "y1"] = np.nan
    sm.displacement_difference(areas, "y1", "y2", treated=["T"], control=["C"])
    with pytest.raises(InputError, match="far"):
        sm.displacement_difference(areas, "y1", "y2", treated=["T", "far"], control=["C"])
