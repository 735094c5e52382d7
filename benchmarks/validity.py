"""How often is an area flagged where nothing is there? Size and false discoveries of the local tests.

Maps without any clustering are drawn by different nulls and tested; a row of the table says how often p was
at most 0.05 and 0.01 (over all areas and maps), and in how many maps any area was flagged at a false
discovery rate of 5 %, which on a map without clusters is the false discovery rate itself.

    python benchmarks/validity.py                  # writes docs/validity-size.md, some minutes
    python benchmarks/validity.py --share 0.1      # a tenth of the maps, prints only
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from safemap.stats.constant_risk import neighbourhood_risk
from safemap.stats.multiple_testing import adjust_p
from safemap.stats.permutation import conditional_test, p_from_tails
from safemap.stats.rates import eb_index

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validity-size.md"
SEED = 20261122
ALPHA = 0.05
DRAWS = {"permutations": 999, "max_permutations": 99_999, "refine_below": 0.1}

Test = Callable[[np.random.Generator, "Town", int], np.ndarray]


class Town(NamedTuple):
    """A grid of areas."""

    links: csr_array
    at: np.ndarray  #: row and column of each area

    @property
    def n(self) -> int:
        return len(self.at)


class Row(NamedTuple):
    """One line of the table."""

    null: str
    test: str
    n: int
    maps: int
    size5: float
    error5: float  #: Monte Carlo standard error, from the spread between maps
    size1: float
    error1: float
    any_flagged: float
    continuous: bool  #: whether p can be any number, so that the size should be the level itself


def town(rows: int, columns: int, *, isolates: int = 0, corners: float = 1.0) -> Town:
    """Queen neighbours; `isolates` areas lose theirs, those across a corner have the weight `corners`."""
    at = np.array([(r, c) for r in range(rows) for c in range(columns)])
    number = np.arange(rows * columns).reshape(rows, columns)
    pairs, weights = [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = number[: rows - down, max(0, -right) : columns - max(0, right)].ravel()
        there = number[down:, max(0, right) : columns + min(0, right)].ravel()
        pairs.append((here, there))
        weights.append(np.full(len(here), corners if down and right else 1.0))
    i, j = (np.concatenate(side) for side in zip(*pairs, strict=True))
    w = np.concatenate(weights)
    alone = np.arange(isolates) * 7
    keep = ~(np.isin(i, alone) | np.isin(j, alone))
    i, j, w = i[keep], j[keep], w[keep]
    links = csr_array((np.r_[w, w], (np.r_[i, j], np.r_[j, i])), shape=(rows * columns,) * 2)
    links.sort_indices()
    return Town(links, at)


def scattered_people(rng: np.random.Generator, where: Town) -> np.ndarray:
    """Populations that differ fiftyfold and know nothing of their neighbours'."""
    return np.round(np.exp(rng.uniform(np.log(100), np.log(5_000), where.n)))


def central_people(rng: np.random.Generator, where: Town) -> np.ndarray:
    """Populations that fall from the centre to the edge."""
    del rng
    middle = where.at.max(axis=0) / 2
    distance = np.hypot(*(where.at - middle).T) / max(middle.max(), 1)
    return np.round(5_000 * np.exp(-3.5 * distance) + 50)


def permuted(values: np.ndarray, where: Town, seed: int, *, counts: bool = False) -> np.ndarray:
    """The p of local Moran, Gi and Gi*: of the neighbours' sum."""
    weighted = len(np.unique(where.links.data)) > 1
    test = conditional_test(values, where.links, counts=counts, weighted=weighted, rng=seed, **DRAWS)
    return test.p_value


def of_index(people: Callable[[np.random.Generator, Town], np.ndarray], risk: float) -> Test:
    """Equal risk, tested by permuting the EB index."""

    def test(rng: np.random.Generator, where: Town, seed: int) -> np.ndarray:
        population = people(rng, where)
        events = rng.poisson(population * risk)
        return permuted(eb_index(events, population), where, seed)

    return test


def of_crude_rates(rng: np.random.Generator, where: Town, seed: int) -> np.ndarray:
    """Equal risk, tested by permuting the crude rates: what safemap warns of."""
    population = central_people(rng, where)
    return permuted(rng.poisson(population * 0.004) / population, where, seed)


def of_counts(people: Callable[[np.random.Generator, Town], np.ndarray], risk: float, *, star: bool) -> Test:
    """Equal risk, tested by the exact distribution under constant risk."""

    def test(rng: np.random.Generator, where: Town, seed: int) -> np.ndarray:
        del seed
        population = people(rng, where)
        found = neighbourhood_risk(rng.poisson(population * risk), population, where.links, star=star)
        return np.minimum(1.0, 2 * np.minimum(found.upper, found.lower))

    return test


def of_both(people: Callable[[np.random.Generator, Town], np.ndarray], risk: float) -> Test:
    """Equal risk, tested as safemap does by default."""
    return of_risks(people, risk, 0.0, "both")


def of_risks(
    people: Callable[[np.random.Generator, Town], np.ndarray], risk: float, cv: float, null: str
) -> Test:
    """Risks that differ by `cv` (gamma) and know nothing of their neighbours', tested by one null or both.

    Both: on each side the larger p, where that of the permutations is small.
    """

    def test(rng: np.random.Generator, where: Town, seed: int) -> np.ndarray:
        population = people(rng, where)
        differ = rng.gamma(1 / cv**2, cv**2, where.n) if cv else 1.0
        events = rng.poisson(population * risk * differ)
        links = where.links
        found = neighbourhood_risk(events, population, links, star=False)
        if null == "constant-risk":
            return np.minimum(1.0, 2 * np.minimum(found.upper, found.lower))
        tails = conditional_test(eb_index(events, population), links, rng=seed, **DRAWS)
        if null == "permutation":
            return tails.p_value
        sides = [p_from_tails(tails.tails, side) for side in ("greater", "less")]
        larger = [np.fmax(a, b) for a, b in zip(sides, (found.upper, found.lower), strict=True)]
        both = np.minimum(1.0, 2 * np.minimum(*larger))
        return np.where(tails.p_value <= DRAWS["refine_below"], both, tails.p_value)

    return test


def of_values(draw: Callable[[np.random.Generator, int], np.ndarray], *, counts: bool = False) -> Test:
    """Values that know nothing of their neighbours; `counts` by the exact distribution."""

    def test(rng: np.random.Generator, where: Town, seed: int) -> np.ndarray:
        return permuted(draw(rng, where.n).astype(float), where, seed, counts=counts)

    return test


def lone_case(rng: np.random.Generator, n: int) -> np.ndarray:
    values = np.zeros(n)
    values[rng.integers(n)] = 1
    return values


def sparse(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.poisson(0.15, n)


class Null(NamedTuple):
    """A way to draw maps without clusters, and the test that looks at them."""

    name: str
    kind: str
    test: Test
    continuous: bool


EXACT = "exact distribution of counts"
BOTH = "both nulls (the default)"
SCATTERED, CENTRAL = "equal risk, scattered populations", "equal risk, centre to edge"
NORMAL = Null("normal", "permutation", of_values(lambda r, n: r.normal(size=n)), True)
CRUDE = Null(CENTRAL, "crude rates, permutation (not in safemap)", of_crude_rates, True)
NULLS = (
    NORMAL,
    Null("skewed (lognormal)", "permutation", of_values(lambda r, n: r.lognormal(0, 1.5, n)), True),
    Null("sparse counts, Poisson 0.15", EXACT, of_values(sparse, counts=True), False),
    Null("sparse counts, Poisson 0.15", "permutation", of_values(sparse), False),
    Null("counts, Poisson 5", EXACT, of_values(lambda r, n: r.poisson(5, n), counts=True), False),
    Null("heavy ties, 0 or 1", EXACT, of_values(lambda r, n: r.integers(0, 2, n), counts=True), False),
    Null("one lone case", EXACT, of_values(lone_case, counts=True), False),
    Null(SCATTERED, "EB index, permutation", of_index(scattered_people, 0.004), True),
    Null(CENTRAL, "EB index, permutation", of_index(central_people, 0.004), True),
    Null(SCATTERED, "constant risk, Gi*", of_counts(scattered_people, 0.004, star=True), False),
    Null(CENTRAL, "constant risk, Gi*", of_counts(central_people, 0.004, star=True), False),
    Null(CENTRAL, "constant risk, Gi and local Moran", of_counts(central_people, 0.004, star=False), False),
    Null(SCATTERED, BOTH, of_both(scattered_people, 0.004), False),
    Null(CENTRAL, BOTH, of_both(central_people, 0.004), False),
    CRUDE,
)
#: where the index is pushed: few events expected per area at the edge, a hundred times as many inside
RARE = tuple(
    Null(f"{CENTRAL}, {50 * risk:g} expected at the edge", kind, test(risk), kind.startswith("EB"))
    for risk in (0.002, 0.004, 0.02, 0.1)
    for kind, test in (
        ("EB index, permutation", lambda risk: of_index(central_people, risk)),
        ("constant risk, Gi*", lambda risk: of_counts(central_people, risk, star=True)),
        (BOTH, lambda risk: of_both(central_people, risk)),
    )
)


def dense_quarter(rng: np.random.Generator, where: Town) -> np.ndarray:
    """A dense quarter in a thin country: a hundred times the people of the other areas."""
    del rng
    rows, columns = where.at.T
    half = (where.at.max() + 1) // 2
    return np.where((rows < half) & (columns < half), 5_000.0, 50.0)


#: the same in one step, and risks that differ between areas without being clustered
UNEQUAL = tuple(
    Null(f"{name}, {50 * risk:g} expected at the edge", kind, of_risks(people, risk, cv, null), False)
    for name, people, cv, risks in (
        ("equal risk, dense quarter", dense_quarter, 0.0, (0.002, 0.01)),
        ("risks differ by 30 %, centre to edge", central_people, 0.3, (0.004, 0.02)),
        ("risks differ by 60 %, centre to edge", central_people, 0.6, (0.004, 0.02)),
        ("risks differ by 60 %, scattered populations", scattered_people, 0.6, (0.004,)),
    )
    for risk in risks
    for kind, null in (
        ("EB index, permutation", "permutation"),
        ("constant risk, Gi and local Moran", "constant-risk"),
        (BOTH, "both"),
    )
)
#: rows, columns, maps
SIZES = ((5, 6, 1_000), (15, 15, 400), (50, 50, 100), (316, 316, 6))


def measure(null: Null, where: Town, maps: int, *, name: str = "", seed: int = SEED) -> Row:
    """Draw and test `maps` maps."""
    rng = np.random.default_rng([seed, where.n])
    shares5, shares1, flagged = [], [], 0
    for number in range(maps):
        p = null.test(rng, where, number)
        p = p[~np.isnan(p)]
        shares5.append(np.mean(p <= 0.05))
        shares1.append(np.mean(p <= 0.01))
        flagged += bool((adjust_p(p) <= ALPHA).any())
    errors = [np.std(s, ddof=1) / np.sqrt(maps) for s in (shares5, shares1)]
    sizes = np.mean(shares5), errors[0], np.mean(shares1), errors[1]
    return Row(name or null.name, null.kind, where.n, maps, *sizes, flagged / maps, null.continuous)


def table(share: float = 1.0) -> list[Row]:
    """All nulls on all sizes, then isolates and unequal weights."""
    rows = [
        measure(null, town(height, width), max(4, round(maps * share)))
        for null in NULLS
        for height, width, maps in SIZES
    ]
    rows += [measure(null, town(50, 50), max(4, round(400 * share))) for null in RARE]
    rows += [measure(null, town(30, 30), max(4, round(200 * share))) for null in UNEQUAL]
    maps = max(4, round(400 * share))
    alone, weighted = town(15, 15, isolates=4), town(15, 15, corners=0.4)
    rows.append(measure(NORMAL, alone, maps, name="normal, 4 areas without neighbours"))
    rows.append(measure(NORMAL, weighted, maps, name="normal, neighbours across corners weigh 0.4"))
    return rows


def limit(maps: int, alpha: float = ALPHA) -> float:
    """Largest share of maps with a finding that a true rate of `alpha` explains (99.9 % of the binomial)."""
    from scipy.stats import binom

    return float(binom.ppf(0.999, maps, alpha)) / maps


def too_often(row: Row) -> list[str]:
    """Which of the promises this row breaks, beyond Monte Carlo error."""
    broken = []
    for level, size, error in ((0.05, row.size5, row.error5), (0.01, row.size1, row.error1)):
        if size > level + 4 * error or (row.continuous and row.n > 30 and size < level - 4 * error):
            broken.append(f"size {size:.4f} at {level}")
    if row.any_flagged > limit(row.maps):
        broken.append(f"any flagged in {row.any_flagged:.3f}")
    return broken


def rare_sentence(rows: list[Row]) -> str:
    """What the rows of :data:`RARE` say about the index."""
    names = [null.name for null in RARE if null.kind.startswith("EB")]
    found = {r.null: r for r in rows if r.null in names and r.test.startswith("EB")}
    parts = [
        f"{found[n].any_flagged:.1%} with {n.removeprefix(CENTRAL + ', ').removesuffix(' at the edge')}"
        for n in names
    ]
    return (
        f"of {found[names[0]].maps} maps without clusters some area was flagged in\n"
        + ", ".join(parts) + " at the edge of the town, instead of 5 %."
    )  # fmt: skip


def lines(rows: list[Row]) -> list[str]:
    out = [
        "| null | test | areas | maps | size at 0.05 | size at 0.01 | maps with any area flagged |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        out.append(
            f"| {r.null} | {r.test} | {r.n:,} | {r.maps:,} | {r.size5:.4f} ± {r.error5:.4f} | "
            f"{r.size1:.4f} ± {r.error1:.4f} | {r.any_flagged:.3f} (up to {limit(r.maps):.3f} by chance) |"
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="share of the maps to draw")
    options = parser.parse_args()
    start = time.perf_counter()
    rows = table(options.share)
    text = "\n".join(lines(rows)) + "\n"
    if options.share < 1:
        print(text, f"\n{time.perf_counter() - start:.0f} s")
        return
    PAGE.write_text(_INTRODUCTION.replace("RARE_SENTENCE", rare_sentence(rows)) + text, encoding="utf-8")
    print(f"{PAGE.name} written, {time.perf_counter() - start:.0f} s")


_INTRODUCTION = f"""# Size of the local tests, as measured

Written by `python benchmarks/validity.py` (seed {SEED}); the promises are asserted by `make validity`.

Each row draws maps in which nothing is clustered and tests every area. *Size* is the share of areas with p
at or below the level; it should not exceed the level, and for continuous values it should be the level. ± is
one Monte Carlo standard error, from the spread between maps, because areas of one map depend on each other.
The last column is the share of maps on which any area was flagged after Benjamini-Hochberg at 5 %: on a map
without clusters that is the false discovery rate. In brackets what 99.9 % of runs stay below if it is 5 %.

Counts have few possible sums, so their size stays below the level: the price of discreteness is in the table,
and a p that is too small would be worse. Local Moran, Gi and Gi\\* share one p, so one row stands for all.
999 draws for all areas, 99,999 for those with a first p of 0.1 or less.

The rows with crude rates show why safemap does not permute them: where small populations lie together, wild
rates lie together too, and maps without any cluster are flagged.

**Where one null is not enough.** The EB index gives every area the same variance, but not the same shape:
with far less than one event expected per area its values are skewed, and where such areas lie together one
tail is heavier, and elsewhere the other tail lighter, than permutations say. Single p-values keep their size,
but RARE_SENTENCE
The constant-risk null has no such limit, but where risks differ between areas it flags nearly every map,
clustered or not (the rows *risks differ*). A finding that needs both nulls to be rejected keeps its level in
all of them; that is the default for events and population.

"""


if __name__ == "__main__":
    main()
