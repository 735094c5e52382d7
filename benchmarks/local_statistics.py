"""Local Moran and Gi*: ours against esda and pygeoda, in one run, on the same links and the same draws.

``python benchmarks/local_statistics.py [section ...]`` writes its tables to ``docs/performance.md``. The
column "equal?" says how the results compare: statistics to 1e-10, p-values within their Monte Carlo error.
The peers' p is one-sided (the smaller tail), so it is compared with the smaller of our tails; and they count
a tie in the tail that holds more, so it is compared with ours counted like that too.
"""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread each

import numpy as np
from measuring import (
    HEADER,
    interleaved,
    new_process,
    once_only,
    peak_memory,
    rows,
    seconds,
    table,
    versions,
    write_section,
)
from scipy.sparse import csr_array

PERMUTATIONS = 999
ROUNDS = 5
SIDES = (50, 100, 317, 1000)
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
VERSIONS = versions("safemap", "numpy", "scipy", "esda", "libpysal", "numba", "pygeoda")


class Answer(NamedTuple):
    """One number and one p per area."""

    statistic: np.ndarray
    tail: np.ndarray  #: the smaller tail; NaN where there is no neighbour
    folded: np.ndarray | None = None  #: the same with ties where the peers put them


def queen_grid(side: int) -> csr_array:
    """Queen links of a square grid."""
    from safemap.geo.lattice import grid_links

    return grid_links(side, side, "queen")


def ours(
    values: np.ndarray,
    links: csr_array,
    permutations: int = PERMUTATIONS,
    *,
    weighted: bool = False,
    counts: bool = False,
    statistic: bool = True,
    workers: int = 1,
) -> Answer:
    from safemap.stats.autocorrelation import local_moran, row_standardised
    from safemap.stats.permutation import conditional_test

    found = np.empty(0)
    if statistic:
        found = local_moran(values, row_standardised(links)).statistic
    test = conditional_test(
        values,
        links,
        permutations=permutations,
        max_permutations=1,
        weighted=weighted,
        counts=counts,
        workers=workers,
    )
    tails = test.tails
    extra = np.where(tails.exact, 0, 1)
    above = np.where(values >= values.mean(), tails.at_least, tails.at_most)
    with np.errstate(invalid="ignore", divide="ignore"):
        tail, folded = (
            np.where(tails.draws > 0, (count + extra) / (tails.draws + extra), np.nan)
            for count in (np.minimum(tails.at_least, tails.at_most), np.minimum(above, tails.draws - above))
        )
    return Answer(found, tail, folded)


def esda_contender(values: np.ndarray, links: csr_array) -> Callable[[], Answer]:
    """esda on its own graph, made beforehand."""
    import pandas as pd
    from esda.moran import Moran_Local

    from safemap.geo.graph import AreaGraph

    ids = pd.RangeIndex(len(values))
    binary = csr_array((np.ones(links.nnz), links.indices, links.indptr), shape=links.shape)
    even = np.array_equal(links.data, binary.data)
    graph = AreaGraph(ids, binary, weights=None if even else links).to_libpysal().transform("r")

    def run() -> Answer:
        result = Moran_Local(
            values,
            graph,
            transformation="r",
            permutations=PERMUTATIONS,
            n_jobs=1,
            seed=1,
            keep_simulations=False,
        )
        return Answer(np.asarray(result.Is), np.asarray(result.p_sim))

    return run


def pygeoda_contender(values: np.ndarray, weights: Any, method: str) -> Callable[[], Answer]:
    """pygeoda on its own weights, made beforehand, one thread."""
    import pygeoda

    data = values.tolist()

    def run() -> Answer:
        lisa = pygeoda.local_moran(
            weights, data, permutations=PERMUTATIONS, permutation_method=method, cpu_threads=1
        )
        return Answer(np.array(lisa.lisa_values()), np.array(lisa.lisa_pvalues()))

    return run


def pygeoda_weights(links: csr_array, folder: str = "/tmp") -> Any:
    """Links as pygeoda reads them from a file."""
    import tempfile

    import pygeoda

    n = links.shape[0]
    with tempfile.NamedTemporaryFile("w", suffix=".gal", dir=folder, delete=False) as file:
        file.write(f"0 {n} areas id\n")
        for i in range(n):
            near = links.indices[links.indptr[i] : links.indptr[i + 1]]
            file.write(f"{i} {len(near)}\n{' '.join(map(str, near))}\n")
    weights = pygeoda.read_gal(file.name, [str(i) for i in range(n)])
    Path(file.name).unlink()
    return weights


def compared(mine: Answer, theirs: Answer, permutations: int = PERMUTATIONS) -> str:
    """How two answers compare, in words."""
    known = np.isfinite(mine.tail)
    words = []
    if len(mine.statistic):
        apart = np.abs(mine.statistic - theirs.statistic)[known] / max(1.0, np.abs(theirs.statistic).max())
        words.append(f"statistic to {max(apart.max(), 1e-16):.0e}")
    ways = {"p": mine.tail} if mine.folded is None else {"p": mine.tail, "with ties as there, p": mine.folded}
    for what, tail in ways.items():
        p, q = tail[known], theirs.tail[known]
        middle = np.clip((p + q) / 2, 1 / permutations, 0.5)
        error = np.sqrt(2 * middle * (1 - middle) / permutations)
        off = float((np.abs(p - q) > 5 * error + 2 / permutations).mean())
        words.append(
            f"{what} within its error" if off == 0 else f"{what} beyond its error in {off:.2%} of areas"
        )
        if off == 0:
            break
    return "; ".join(words)


def notes(results: dict[str, Answer], mine: str, peers: dict[str, str]) -> dict[str, str]:
    """What to say of each contender; `peers` holds words for those that cannot be compared."""
    return {
        name: peers.get(name) or compared(results[mine], result)
        for name, result in results.items()
        if not name.startswith("safemap")
    }


def equal(rounds: int) -> None:
    """Equal weights, from 2,500 cells to a million."""
    lines: list[list[str]] = []
    for side in SIDES:
        links, n = queen_grid(side), side * side
        values = np.random.default_rng(0).normal(size=n)
        weights = pygeoda_weights(links)
        name = f"{n:,} cells, {PERMUTATIONS} permutations"
        contenders: dict[str, Callable[[], Answer]] = {
            "safemap, statistic + test": lambda y=values, w=links: ours(y, w),
            "safemap, test alone": lambda y=values, w=links: ours(y, w, statistic=False),
            "safemap, 9,999": lambda y=values, w=links: ours(y, w, 9_999),
            "safemap, 99,999": lambda y=values, w=links: ours(y, w, 99_999),
        }
        lookup = {"pygeoda look-up": pygeoda_contender(values, weights, "lookup-table")}
        complete = {"pygeoda complete": pygeoda_contender(values, weights, "complete")}
        seldom: dict[str, Callable[[], Answer]] = {}  # one call each, because it takes long
        if side <= 100:
            contenders |= lookup | complete | {"esda": esda_contender(values, links)}
        elif side <= 317:
            contenders, seldom = contenders | lookup, complete
        else:
            seldom = lookup
        times, results = interleaved(contenders, rounds)
        more_times, more_results = once_only(seldom)
        times, results = times | more_times, results | more_results
        mine = "safemap, statistic + test"
        lines += rows(name, times, mine, notes(results, mine, {}))
        write_section("equal", f"{table(HEADER, lines)}\n\n{VERSIONS}")  # the largest takes minutes


def weights(rounds: int) -> None:
    """Weights that differ, on 100,489 cells."""
    links = queen_grid(317)
    n = links.shape[0]
    rng = np.random.default_rng(0)
    values = rng.normal(size=n)
    row = np.repeat(np.arange(n), np.diff(links.indptr))
    straight = (row // 317 == links.indices // 317) | (row % 317 == links.indices % 317)
    grid, irregular = links.copy(), links.copy()
    grid.data = np.where(straight, 1.0, 0.5**0.5) * (1 + 1e-12 * rng.normal(size=links.nnz))
    irregular.data = rng.uniform(0.1, 1.0, links.nnz)
    lookup = pygeoda_contender(values, pygeoda_weights(links), "lookup-table")
    lines: list[list[str]] = []
    for name, matrix in (("grid", grid), ("irregular", irregular)):
        contenders = {
            "safemap, statistic + test": lambda w=matrix: ours(values, w, weighted=True),
            "safemap, test alone": lambda w=matrix: ours(values, w, weighted=True, statistic=False),
            "pygeoda look-up": lookup,
        }
        times, results = interleaved(contenders, rounds)
        words = notes(
            results, "safemap, statistic + test", {"pygeoda look-up": "another question: it has no weights"}
        )
        lines += rows(f"{n:,} cells, {name}", times, "safemap, statistic + test", words)
    small, few = queen_grid(50), np.random.default_rng(1).normal(size=2_500)
    small.data = np.random.default_rng(2).uniform(0.1, 1.0, small.nnz)
    contenders = {
        "safemap, statistic + test": lambda: ours(few, small, weighted=True),
        "esda": esda_contender(few, small),
    }
    times, results = interleaved(contenders, rounds)
    words = notes(results, "safemap, statistic + test", {})
    lines += rows("2,500 cells, irregular", times, "safemap, statistic + test", words)
    write_section("weights", f"{table(HEADER, lines)}\n\n{VERSIONS}")


def hurting() -> dict[str, tuple[np.ndarray, csr_array]]:
    """Shapes that are hard on the engine."""
    rng = np.random.default_rng(0)
    grid = queen_grid(100)
    wide_n, k = 20_000, 500
    near = np.r_[np.arange(-k // 2, 0), np.arange(1, k // 2 + 1)]
    wide = csr_array(
        (
            np.ones(wide_n * k),
            np.sort((np.arange(wide_n)[:, None] + near) % wide_n, axis=1).ravel().astype(np.int32),
            np.arange(0, wide_n * k + 1, k, dtype=np.int32),
        )
    )
    islands = grid.copy()
    alone = rng.random(10_000) < 0.05
    row = np.repeat(np.arange(10_000), np.diff(islands.indptr))
    islands.data[alone[row] | alone[islands.indices]] = 0
    islands.eliminate_zeros()
    few = csr_array((np.ones((12, 12)) - np.eye(12)) * (np.abs(np.subtract.outer(range(12), range(12))) < 4))
    shapes = {
        "k = 500, n = 20,000": (rng.normal(size=wide_n), wide),
        "n = 12": (rng.normal(size=12), few),
        "islands: 1 area in 20 without neighbours": (rng.normal(size=10_000), islands),
        "heavy ties: counts of mean 0.3": (rng.poisson(0.3, 10_000).astype(float), grid),
        "all equal but one": (np.eye(1, 10_000, 5_050)[0], grid),
    }
    colonias = DATA / "cdmx" / "colonias_iecm.gpkg"
    if colonias.exists():
        import safemap as sm

        areas = sm.read_areas(colonias, id="CVEUT")
        graph = sm.build_graph(areas)
        shapes[f"{len(areas):,} colonias of Mexico City, k from 0 to {graph.cardinalities.max()}"] = (
            rng.gamma(2.0, size=len(areas)),
            graph.adjacency,
        )
    return shapes


def shapes(rounds: int) -> None:
    """Shapes that hurt; where the peers go wrong, it is said."""
    lines: list[list[str]] = []
    for name, (values, links) in hurting().items():
        counts = bool(np.array_equal(values, np.rint(values)))
        alone = np.diff(links.indptr) == 0
        contenders: dict[str, Callable[[], Answer]] = {
            "safemap": lambda y=values, w=links: ours(y, w),
            "pygeoda look-up": pygeoda_contender(values, pygeoda_weights(links), "lookup-table"),
        }
        if counts:
            contenders["safemap, exact"] = lambda y=values, w=links: ours(y, w, counts=True)
        if len(values) <= 10_000 and not alone.any():
            contenders["esda"] = esda_contender(values, links)
        times, results = interleaved(contenders, rounds)
        words = notes(results, "safemap", {})
        lines += rows(name, times, "safemap", words)
    write_section("shapes", f"{table(HEADER, lines)}\n\n{VERSIONS}")


def start(rounds: int) -> None:
    """A new process from nothing to 2,500 p-values."""
    here = str(Path(__file__).parent)
    begin = f"import sys; sys.path.insert(0, {here!r}); import numpy as np, local_statistics as b; "
    data = "y = np.random.default_rng(0).normal(size=2500); w = b.queen_grid(50); "
    verb = (
        "import geopandas as gpd, shapely, safemap as sm; "
        "x, z = (a.ravel() * 100.0 for a in np.mgrid[:50, :50]); "
        "areas = gpd.GeoDataFrame({'y': np.random.default_rng(0).normal(size=2500)}, "
        "geometry=shapely.box(x, z, x + 100, z + 100), crs=32614); "
    )
    runs = {
        "numpy and scipy.sparse, imported only": "import numpy, scipy.sparse",
        "safemap.stats: local Moran, 999": f"{begin}{data}b.ours(y, w)",
        "esda: local Moran, 999": f"{begin}{data}b.esda_contender(y, w)()",
        "pygeoda look-up: local Moran, 999": f"{begin}{data}"
        "b.pygeoda_contender(y, b.pygeoda_weights(w), 'lookup-table')()",
        "geopandas, imported only": "import geopandas",
        "safemap: polygons, graph, local_moran with 9,999 and 999,999": f"{begin}{verb}"
        "sm.local_moran(areas, 'y', graph=sm.build_graph(areas))",
    }
    measured = {name: new_process(code, rounds) for name, code in runs.items()}
    lines = [[name, seconds(cpu), seconds(wall)] for name, (cpu, wall) in measured.items()]
    write_section(
        "start", f"{table(['new process', 'CPU s, median', 'wall s, median'], lines)}\n\n{VERSIONS}"
    )


def memory(_: int) -> None:
    """Peak of separate processes above what the data take."""
    begin = "import numpy as np, local_statistics as b\n"
    grid = "w = b.queen_grid({side}); y = np.random.default_rng(0).normal(size={side} ** 2)\n"
    wide = (
        "from scipy.sparse import csr_array\nn, k = 1_000_000, 500\n"
        "near = np.r_[np.arange(-k // 2, 0), np.arange(1, k // 2 + 1)]\n"
        "at = np.empty((n, k), np.int32)\n"
        "for i in range(0, n, 10_000):\n"
        "    at[i : i + 10_000] = np.sort((np.arange(i, i + 10_000)[:, None] + near) % n, axis=1)\n"
        "ends = np.arange(0, n * k + 1, k, dtype=np.int32)\n"
        "w = csr_array((np.ones(n * k, np.float32), at.ravel(), ends))\n"
        "y = np.random.default_rng(0).normal(size=n)\n"
    )
    two_stages = (
        "from safemap.stats.permutation import conditional_test as test\n"
        "import safemap.stats.subset_permutation, scipy.sparse, scipy.special\nready()\n"
        "test(y, w, permutations=9_999, max_permutations={most}, workers={workers})"
    )
    runs = {
        "100,489 cells: safemap, 9,999 and 999,999": begin
        + grid.format(side=317)
        + two_stages.format(most=999_999, workers=1),
        "100,489 cells: pygeoda look-up, 999": begin
        + grid.format(side=317)
        + "f = b.pygeoda_contender(y, b.pygeoda_weights(w), 'lookup-table')\nready()\nf()",
        "1,000,000 cells: safemap, 9,999 and 999,999": begin
        + grid.format(side=1000)
        + two_stages.format(most=999_999, workers=1),
        "1,000,000 cells: safemap, the same on 2 threads": begin
        + grid.format(side=1000)
        + two_stages.format(most=999_999, workers=2),
        "1,000,000 areas with 500 neighbours (4 GB of links): safemap, 9,999": begin
        + wide
        + two_stages.format(most=1, workers=1),
        "10,000 cells: esda, 999": begin + grid.format(side=100) + "f = b.esda_contender(y, w)\nready()\nf()",
    }
    lines = [[name, f"{peak_memory(code):,.0f}"] for name, code in runs.items()]
    write_section("memory", table(["process", "peak above its data, MB"], lines) + f"\n\n{VERSIONS}")


def threads(rounds: int) -> None:
    """One, two and eight threads: the same digits."""
    lines = []
    grid, big = queen_grid(317), queen_grid(1000)
    irregular = grid.copy()
    irregular.data = np.random.default_rng(0).uniform(0.1, 1.0, grid.nnz)
    cases: dict[str, tuple[csr_array, int, bool]] = {
        "100,489 cells, equal weights, 999,999": (grid, 999_999, False),
        "1,000,000 cells, equal weights, 999,999": (big, 999_999, False),
        "100,489 cells, irregular weights, 999": (irregular, 999, True),
    }
    for name, (links, draws, weighted) in cases.items():
        values = np.random.default_rng(0).normal(size=links.shape[0])

        def run(workers: int, y: np.ndarray = values, case: tuple = (links, draws, weighted)) -> Answer:
            return ours(y, case[0], case[1], weighted=case[2], statistic=False, workers=workers)

        contenders = {
            f"{workers} thread{'s' * (workers > 1)}": functools.partial(run, workers) for workers in (1, 2, 8)
        }
        times, results = interleaved(contenders, max(2, rounds - 2))
        same = all(np.array_equal(results["1 thread"].tail, r.tail) for r in results.values())
        for who, t in times.items():
            wall = sorted(t.wall)[len(t.wall) // 2]
            lines.append([name, who, seconds(t.median), seconds(wall), "yes" if same else "NO"])
            name = ""
    write_section("threads", table(["case", "", "CPU s", "wall s", "every digit the same"], lines))


SECTIONS: dict[str, Callable[[int], None]] = {
    f.__name__: f for f in (equal, weights, shapes, start, memory, threads)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    for name in options.sections or SECTIONS:
        SECTIONS[name](options.rounds)


if __name__ == "__main__":
    main()
