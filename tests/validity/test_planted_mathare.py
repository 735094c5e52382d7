"""The third city: robberies reported are high where they were planted to be, and fraud is flagged nowhere.

The full runs (50 and 200 seeds) are marked slow; few seeds run always.
"""

from __future__ import annotations

import pytest

from safemap import datasets

CITY = {"city": "mathare", "orders": (2,)}
FEW_DRAWS = {"permutations": 1_999, "max_permutations": 1_999}


def test_the_hot_spot_is_found_and_the_null_is_not_in_a_few_cities(bench):
    seeds = (datasets.SEED, 1, 2, 3)
    found = bench.power(seeds, expected=None, statistics=("Gi*",), **CITY, **FEW_DRAWS)
    assert found["found"].sum() / found["planted"].sum() >= 0.7
    assert (found["false_hot"] == 0).all()
    assert (bench.size(seeds, **CITY, **FEW_DRAWS)["flagged"] == 0).all()


def test_one_block_touches_no_other(bench):
    city = datasets.generate("mathare", seed=1)
    graph = bench.graphs(city.areas, (2,))["queen, order 2"]
    assert graph.isolates.tolist() == [city.truth.area_without_neighbours]


@pytest.mark.slow
def test_planted_blocks_are_found_with_as_many_reports_as_the_sample_has(bench):
    """One hot spot of 10 of 72 blocks, relative risk 2, 25 expected robberies per block on average.

    Measured on these seeds, which served nothing before: 0.862 with neighbours to order 2; 0.498 with direct
    ones. No block away from the hot spot is reported high. A fifth of what is flagged is low: with a seventh
    of the city at twice the risk, the rest lies below the average.

    With 5 expected robberies instead of 25, the measure of the other cities, 0.392 are found.
    """
    found = bench.power(
        range(2001, 2051), expected=None, statistics=("Gi*",), max_permutations=99_999, **CITY
    )
    table = bench.summarise_power(found)
    assert (table["seeds"] == 50).all()
    assert (table["share_found"] >= 0.80).all()
    assert (table["false_hot"] == 0).all()


@pytest.mark.slow
def test_a_category_without_hot_spots_is_flagged_no_more_than_chance_allows(bench):
    """Measured: 0.5 % of the cities have any block flagged with direct neighbours, 1.0 % to order 2."""
    found = bench.size(range(2001, 2201), city="mathare", orders=(1, 2), max_permutations=99_999)
    table = bench.summarise_size(found)
    assert (table["seeds"] == 200).all()
    assert (table["share_with_any"] <= table["limit"]).all()
