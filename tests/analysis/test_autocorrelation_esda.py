"""The contract with esda: both of its lines give these numbers through the door."""

from __future__ import annotations

import numpy as np
import pytest

from safemap import build_graph
from safemap.analysis._esda import esda_local_moran
from safemap.datasets import columbus
from safemap.errors import ConfigError, StatisticsError


@pytest.fixture(scope="module")
def areas():
    return columbus()


@pytest.fixture(scope="module")
def graph(areas):
    return build_graph(areas, tolerance=0)


def test_both_lines_of_esda_give_these_numbers(areas, graph):
    # seen with esda 2.9.0 (Python 3.11) and 2.10.0 (Python 3.12)
    result = esda_local_moran(areas["CRIME"], graph, permutations=999, seed=12345)
    np.testing.assert_allclose(
        result.statistic[:3], [0.7217813785551248, 0.517985645648294, 0.0919354204032012]
    )
    np.testing.assert_allclose(result.p_value[:8], [0.388, 0.334, 0.464, 0.902, 0.308, 0.644, 0.074, 0.32])
    assert result.p_value.sum() == pytest.approx(14.496)
    assert result.simulated.shape == (999, 49)


def test_lone_case_is_no_finding_although_esda_says_so(graph):
    values = np.zeros(49)
    values[10] = 1
    result = esda_local_moran(values, graph, permutations=199, seed=0)
    assert result.p_value[10] == 1.0


def test_what_esda_gets_wrong_does_not_reach_it(areas, graph):
    values = areas["CRIME"].to_numpy().copy()
    with pytest.raises(ConfigError, match="1 or more"):
        esda_local_moran(values, graph, permutations=0)
    with pytest.raises(StatisticsError, match="must fit"):
        esda_local_moran(values[:-1], graph)
    with pytest.raises(StatisticsError, match="All values are equal"):
        esda_local_moran(np.ones(49), graph)
    values[3] = np.nan
    with pytest.raises(StatisticsError, match="Missing"):
        esda_local_moran(values, graph)
    alone = build_graph(areas.drop(graph.neighbours("1")), tolerance=0)
    with pytest.raises(StatisticsError, match=r"1 areas have no neighbour.*\['1'\]"):
        esda_local_moran(np.arange(len(alone.ids)), alone)
