"""Do the p-values of other programs hold their level? The conventions of ``like=`` on maps without clusters.

    python benchmarks/conventions.py             # prints the table of docs/local-statistics.md, two minutes

225 areas in a square, queen neighbours, 300 maps per row (seed 20261122), 999 permutations.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from validity import SEED, lone_case, sparse, town

from safemap.stats.autocorrelation import local_getis_ord, local_moran, row_standardised
from safemap.stats.conventions import directed_p, normal_p
from safemap.stats.multiple_testing import adjust_p
from safemap.stats.permutation import conditional_test

DRAWS = 999
NULLS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed (lognormal)": lambda rng, n: rng.lognormal(0, 1.5, n),
    "counts, Poisson 5": lambda rng, n: rng.poisson(5, n),
    "sparse counts, Poisson 0.15": sparse,
    "one lone case": lone_case,
}


def p_values(values: np.ndarray, where: object, seed: int) -> dict[str, np.ndarray]:
    """One p per area and convention."""
    links = where.links
    test = conditional_test(values, links, permutations=DRAWS, max_permutations=DRAWS, rng=seed)
    below = values < values.mean()
    share = np.where(below, test.tails.at_most, test.tails.at_least) / test.tails.draws
    return {
        "safemap, Esri local Moran: both tails": test.p_value,
        "esda, GeoDa: directed": directed_p(share, DRAWS),
        "spdep local Moran: normal": normal_p(local_moran(values, row_standardised(links)).z_score),
        "spdep, Esri Gi*: normal": normal_p(local_getis_ord(values, links)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--maps", type=int, default=300)
    maps = parser.parse_args().maps
    where = town(15, 15)
    print("| null | p | size at 0.05 | size at 0.01 | maps with any area at FDR 5 % |\n|---|---|---|---|---|")
    for name, draw in NULLS.items():
        rng = np.random.default_rng(SEED)
        found: dict[str, list[tuple[float, float, bool]]] = {}
        for seed in range(maps):
            values = draw(rng, where.n).astype(float)
            for rule, p in p_values(values, where, seed).items():
                p = np.where(np.isnan(p), 1.0, p)
                row = np.mean(p <= 0.05), np.mean(p <= 0.01), bool((adjust_p(p) <= 0.05).any())
                found.setdefault(rule, []).append(row)
        for rule, rows in found.items():
            five, one, flagged = np.mean(rows, axis=0)
            print(f"| {name} | {rule} | {five:.3f} | {one:.3f} | {flagged:.2f} |")


if __name__ == "__main__":
    main()
