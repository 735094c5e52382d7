"""Local Moran: ours against esda, in one run, on the same grid and the same number of draws.

``python benchmarks/local_statistics.py`` prints CPU seconds (median of five, interleaved) and their ratio for
2,500 and 10,000 cells, then the first call in a new process with imports included. ``equal`` says that the
statistics agree to 1e-9 and that the p-values agree within Monte Carlo error.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from scipy.sparse import csr_array

PERMUTATIONS = 999
ROUNDS = 5
SIDES = (50, 100)


def queen_grid(side: int) -> csr_array:
    """Queen links of a square grid by index arithmetic."""
    number = np.arange(side * side).reshape(side, side)
    pairs = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = number[: side - down, max(0, -right) : side - max(0, right)]
        there = number[down:, max(0, right) : side + min(0, right)]
        pairs.append((here.ravel(), there.ravel()))
    row, column = (np.concatenate(part) for part in zip(*pairs, strict=True))
    links = csr_array((np.ones(2 * len(row)), (np.r_[row, column], np.r_[column, row])))
    links.sort_indices()
    return links


def ours(values: np.ndarray, links: csr_array) -> tuple[np.ndarray, np.ndarray]:
    from safemap.stats.autocorrelation import local_moran, row_standardised
    from safemap.stats.permutation import conditional_test

    p = conditional_test(values, links, permutations=PERMUTATIONS, max_permutations=1).p_value
    return local_moran(values, row_standardised(links)).statistic, p


def theirs(values: np.ndarray, links: csr_array) -> tuple[np.ndarray, np.ndarray]:
    import pandas as pd

    from safemap.analysis._esda import esda_local_moran
    from safemap.geo.graph import AreaGraph

    graph = AreaGraph(ids=pd.RangeIndex(len(values)), adjacency=links)
    result = esda_local_moran(values, graph, permutations=PERMUTATIONS)
    return result.statistic, result.p_value


def cpu(function: Callable[..., object], *arguments: object) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def agree(values: np.ndarray, links: csr_array) -> bool:
    (a, p), (b, q) = ours(values, links), theirs(values, links)
    tail = np.clip((p + q) / 4, 1e-3, 0.5)
    error = 2 * np.sqrt(2 * tail * (1 - tail) / PERMUTATIONS)
    return bool(np.allclose(a, b, rtol=1e-9) and (np.abs(p - q) < 6 * error + 4 / PERMUTATIONS).all())


def first_call(contender: str) -> float:
    """Wall seconds of one call on 2,500 cells in a new process, import included."""
    code = (
        f"import runpy, numpy as np; b = runpy.run_path({__file__!r}); "
        f"b[{contender!r}](np.random.default_rng(0).normal(size=2500), b['queen_grid'](50))"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    import esda
    import scipy

    out = sys.stdout.write
    out(f"numpy {np.__version__}, scipy {scipy.__version__}, esda {esda.__version__}; {PERMUTATIONS} draws\n")
    for side in SIDES:
        links, values = queen_grid(side), np.random.default_rng(0).normal(size=side * side)
        equal = agree(values, links)  # warms both
        times = [(cpu(ours, values, links), cpu(theirs, values, links)) for _ in range(ROUNDS)]
        a, b = (median(column) for column in zip(*times, strict=True))
        spread = ", ".join(f"{min(c):.4f} to {max(c):.4f}" for c in zip(*times, strict=True))
        out(f"{side * side:>7,} cells: ours {a:.4f} s, esda {b:.4f} s, ratio {b / a:.0f}")
        out(f" ({spread}), equal {equal}\n")
    a, b = (median(first_call(name) for _ in range(3)) for name in ("ours", "theirs"))
    out(f"first call in a new process, 2,500 cells: ours {a:.2f} s, esda {b:.2f} s, ratio {b / a:.1f}\n")


if __name__ == "__main__":
    main()
