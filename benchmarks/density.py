"""Quartic kernel density on 400 x 400 cells of 100 m, bandwidth 400 m: exact, fast, and KDEpy, in one run.

``python benchmarks/density.py`` prints CPU seconds (median and range, contenders interleaved) for a million
points and for ten million, the ratio, and how far each is from the exact sum, as a share of its peak.
KDEpy (``pip install KDEpy``) is left out where it is not installed. Half of the points lie in 200 clusters,
half are spread evenly; a last table has the shapes that hurt: few points, all in one cell, a wide bandwidth.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from statistics import median

import numpy as np

from safemap.stats.density import Lattice, kernel_sum
from safemap.stats.density_fft import binned_sum

SIDE, CELLS, BANDWIDTH = 40_000.0, 400, 400.0
LATTICE = Lattice(50.0, 50.0, 100.0, 100.0, CELLS, CELLS)
ROUNDS = 5

Points = tuple[np.ndarray, np.ndarray]
Contender = Callable[[Points], np.ndarray]


def points(n: int) -> Points:
    """Half in clusters with a spread of 800 m, half even."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(5_000, 35_000, (2, 200))[:, rng.integers(0, 200, n)]
    x, y = centres + 800 * rng.standard_normal((2, n))
    even = rng.random(n) < 0.5
    x[even], y[even] = rng.uniform(0, SIDE, (2, int(even.sum())))
    return np.clip(x, 0, SIDE - 1e-6), np.clip(y, 0, SIDE - 1e-6)


def exact(data: Points) -> np.ndarray:
    return kernel_sum(*data, LATTICE, bandwidth=BANDWIDTH)


def fast(data: Points) -> np.ndarray:
    return binned_sum(*data, LATTICE, bandwidth=BANDWIDTH).values


def kdepy(data: Points) -> np.ndarray:
    """On the same nodes and one more around them, because KDEpy refuses points outside its grid."""
    from KDEpy import FFTKDE

    kernel = FFTKDE._available_kernels["biweight"]
    axis = np.linspace(-50.0, SIDE + 50.0, CELLS + 2)
    grid = np.stack([a.ravel() for a in np.meshgrid(axis, axis, indexing="ij")], axis=1)
    model = FFTKDE(kernel="biweight", bw=BANDWIDTH * np.sqrt(kernel.var)).fit(np.column_stack(data))
    field = model.evaluate(grid).reshape(CELLS + 2, CELLS + 2).T[1:-1, 1:-1]
    return field * len(data[0])


def cpu(function: Contender, data: Points) -> float:
    start = time.process_time()
    function(data)
    return time.process_time() - start


def table(
    contenders: list[Callable[[Points], np.ndarray]], data: Points, reference: np.ndarray
) -> dict[str, float]:
    """Median CPU seconds of each contender; prints range and error."""
    errors = {f.__name__: abs(f(data) - reference).max() / reference.max() for f in contenders}
    seconds: dict[str, list[float]] = {f.__name__: [] for f in contenders}
    for _ in range(ROUNDS):
        for function in contenders:
            seconds[function.__name__].append(cpu(function, data))
    for name, times in seconds.items():
        print(
            f"  {name:6} {median(times):7.3f} s  ({min(times):.3f} to {max(times):.3f})  "
            f"error {errors[name]:.1e}"
        )
    return {name: median(times) for name, times in seconds.items()}


def peers() -> list[Contender]:
    try:
        import KDEpy  # noqa: F401
    except ImportError:
        print("KDEpy is not installed: ours alone")
        return []
    return [kdepy]


def main() -> None:
    others = peers()
    names = ["numpy", "scipy", *(["KDEpy"] if others else [])]
    print(f"python {sys.version.split()[0]}, " + ", ".join(f"{n} {version(n)}" for n in names))
    million = points(1_000_000)
    print("1,000,000 points")
    table([exact, fast, *others], million, exact(million))
    many = points(10_000_000)
    print("10,000,000 points")
    reference = exact(many)
    bound = binned_sum(*many, LATTICE, bandwidth=BANDWIDTH).error_bound
    medians = table([fast, *others], many, reference)
    print(f"  fast: error bound {bound:.1e} of the peak")
    if others:
        print(f"  KDEpy / ours: {medians['kdepy'] / medians['fast']:.2f}")
    print(f"  exact  {cpu(exact, many):7.3f} s  (once)")
    hurt()


def hurt() -> None:
    """Shapes that could hurt, exact sum."""
    rng = np.random.default_rng(1)
    crowd = np.full(1_000_000, 20_010.0), np.full(1_000_000, 20_020.0)
    cases = {
        "2,000 points": (points(2_000), BANDWIDTH),
        "1,000,000 points in one place": (crowd, BANDWIDTH),
        "100,000 points, bandwidth 4 km": (points(100_000), 4_000.0),
        "100,000 points, bandwidth 100 m": ((*rng.uniform(0, SIDE, (2, 100_000)),), 100.0),
    }
    print("shapes that hurt (exact)")
    for name, ((x, y), bandwidth) in cases.items():
        start = time.process_time()
        kernel_sum(x, y, LATTICE, bandwidth=bandwidth)
        print(f"  {name:34} {time.process_time() - start:7.3f} s")


if __name__ == "__main__":
    main()
