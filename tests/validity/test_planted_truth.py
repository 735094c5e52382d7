"""What was planted is found, and where nothing was planted nothing is found.

The full runs (50 and 200 seeds, as in ``benchmarks/planted_truth.py``) are marked slow; few seeds run always.
"""

from __future__ import annotations

import pytest


def test_strong_hot_spots_are_found_in_a_few_cities(bench):
    draws = {"permutations": 1_999, "max_permutations": 1_999}
    found = bench.power(range(1, 4), expected=20.0, orders=(1, 2), **draws)
    table = bench.summarise_power(found)
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
def test_one_hot_spot_is_found_at_five_expected_events_by_neighbours_of_its_size(bench):
    """Relative risk 2, 5 expected events per area on average, one hot spot of 24, neighbours to order 3.

    The order was chosen after orders 1 to 3 had been tried on seeds 0 to 50; these seeds are others. Order 1,
    the default, is the next test. Measured: 0.856.
    """
    found = bench.power(range(1001, 1051), offences=(bench.BURGLARY,), orders=(3,), statistics=("Gi*",))
    table = bench.summarise_power(found)
    assert (table["seeds"] == 50).all()
    assert (table["share_found"] >= 0.80).all()
    assert (table["false_hot"] == 0).all()


@pytest.mark.slow
def test_direct_neighbours_find_a_quarter_of_it_and_nothing_false(bench):
    """What the default graph can do, on record: at 5 events per area it does **not** find 80 %.

    Measured: 0.244 of one hot spot, 0.080 of two; no null area was reported hot.
    """
    table = bench.summarise_power(bench.power(range(1001, 1051), orders=(1,), statistics=("Gi*",)))
    burglary, robbery = (table.loc[(o, "queen", "Gi*")] for o in (bench.BURGLARY, bench.ROBBERY))
    assert burglary["share_found"] >= 0.20
    assert robbery["share_found"] >= 0.05
    assert (table["false_discovery_rate"] <= 0.08).all()  # 5 % and the Monte Carlo error of 50 seeds
    assert (table["false_hot"] <= 2).all()


@pytest.mark.slow
def test_an_offence_without_hot_spots_is_flagged_no_more_than_chance_allows(bench):
    table = bench.summarise_size(bench.size(range(1, 201)))
    assert (table["seeds"] == 200).all()
    assert (table["share_with_any"] <= table["limit"]).all()
