"""What was planted is found, and where nothing was planted nothing is found.

The full runs (50 and 200 seeds, as in ``benchmarks/planted_truth.py``) are marked slow; few seeds run always.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "planted_truth.py"


@pytest.fixture(scope="module")
def bench():
    """The benchmark as a module; it is a script, not part of the package."""
    import sys

    spec = importlib.util.spec_from_file_location("planted_truth", _FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_truth"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["planted_truth"]


def test_strong_hot_spots_are_found_in_a_few_cities(bench):
    draws = {"permutations": 1_999, "max_permutations": 1_999}
    table = bench.summarise_power(bench.power(range(1, 4), expected=20.0, **draws))
    wide = table.xs("queen, order 2", level="neighbours")
    assert (wide["share_found"] >= 0.7).all()
    assert (table["false_hot"] <= 6).all()  # of some 200 reported


def test_little_is_found_where_nothing_is_planted_in_a_few_cities(bench):
    found = bench.size(range(1, 7), permutations=1_999, max_permutations=1_999)
    assert (found["planted"] == 0).all()
    assert (found.groupby("statistic")["flagged"].apply(lambda f: (f > 0).sum()) <= 2).all()


def test_the_limit_is_the_binomial_one(bench):
    assert bench.limit(200) == pytest.approx(0.08, abs=0.005)


@pytest.mark.slow
def test_planted_areas_are_found_at_five_expected_events(bench):
    """Relative risk 2, 5 expected events per area on average, one hot spot of 24, neighbours to order 2."""
    table = bench.summarise_power(bench.power(range(1, 51)))
    burglary = table.loc[(bench.BURGLARY, "queen, order 2", "Gi*")]
    assert burglary["seeds"] == 50
    assert burglary["share_found"] >= 0.80
    assert (table["false_discovery_rate"] <= 0.08).all()  # 5 % and the Monte Carlo error of 50 seeds


@pytest.mark.slow
def test_an_offence_without_hot_spots_is_flagged_no_more_than_chance_allows(bench):
    table = bench.summarise_size(bench.size(range(1, 201)))
    assert (table["seeds"] == 200).all()
    assert (table["share_with_any"] <= table["limit"]).all()
