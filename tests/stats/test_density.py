"""Kernel sums: by hand, by law, and against other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.bandwidth import mean_neighbour_distance, normal_reference
from safemap.stats.density import GAUSSIAN_REACH, Kernel, Lattice, kernel_mass, kernel_sum, kernel_value
from safemap.stats.density_fft import SMOOTH, binned_sum

KERNELS = get_args(Kernel)
LATTICE = Lattice(x0=30.0, y0=-70.0, dx=100.0, dy=80.0, nx=23, ny=17)


def nodes(lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.arange(lattice.nx) * lattice.dx, np.arange(lattice.ny) * lattice.dy
    return np.meshgrid(lattice.x0 + x, lattice.y0 + y)


def direct(
    x: np.ndarray, y: np.ndarray, w: Any, lattice: Lattice, bandwidth: float, kernel: Kernel
) -> np.ndarray:
    """The definition, with no cleverness at all."""
    gx, gy = nodes(lattice)
    distance = np.hypot(gx[..., None] - x, gy[..., None] - y)
    return (kernel_value(distance, bandwidth=bandwidth, kernel=kernel) * w).sum(axis=-1)


def scatter(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points in and around the lattice, some far away, some twice, some exactly on nodes and between them."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-600, 2900, n), rng.uniform(-600, 1900, n)
    x[::7], y[::7] = (
        30.0 + 100 * rng.integers(0, 23, len(x[::7])),
        -70.0 + 80 * rng.integers(0, 17, len(x[::7])),
    )
    x[::11], y[::11] = 80.0, -30.0
    x[0], y[0] = 1e7, -1e7
    return x, y, rng.uniform(0, 3, n)


# --- by hand ---


def test_a_single_point_by_hand() -> None:
    """Quartic, radius 2: 3 / (4 pi) at the point, times (1 - 1/4)^2 at distance 1, zero at distance 2."""
    lattice = Lattice(x0=0.0, y0=0.0, dx=1.0, dy=1.0, nx=5, ny=5)
    field = kernel_sum([2.0], [2.0], lattice, bandwidth=2.0) * 4 * np.pi / 3
    expected = np.array(
        [
            [0, 0, 0, 0, 0],
            [0, 0.25, 0.5625, 0.25, 0],
            [0, 0.5625, 1, 0.5625, 0],
            [0, 0.25, 0.5625, 0.25, 0],
            [0, 0, 0, 0, 0],
        ]
    )
    assert field == pytest.approx(expected, abs=1e-15)


def test_kernels_at_the_centre_by_hand() -> None:
    """Each is the constant that makes its volume one, for radius (Gaussian: standard deviation) 10."""
    at_zero = {k: float(kernel_value(0.0, bandwidth=10.0, kernel=k)) * 100 * np.pi for k in KERNELS}
    assert at_zero == pytest.approx(
        {"quartic": 3, "epanechnikov": 2, "triangular": 3, "uniform": 1, "gaussian": 0.5}, rel=1e-7
    )


# --- by law ---


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_has_volume_one(kernel: Kernel) -> None:
    from scipy.integrate import quad

    end = GAUSSIAN_REACH if kernel == "gaussian" else 1.0
    volume, _ = quad(lambda r: 2 * np.pi * r * float(kernel_value(r, bandwidth=1.0, kernel=kernel)), 0, end)
    assert volume == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bandwidth", [60.0, 100.0, 333.0, 1500.0])
def test_the_sum_is_the_definition(kernel: Kernel, bandwidth: float) -> None:
    x, y, w = scatter(700)
    for weights in (None, w):
        got = kernel_sum(x, y, LATTICE, bandwidth=bandwidth, kernel=kernel, weights=weights)
        expected = direct(x, y, 1.0 if weights is None else w, LATTICE, bandwidth, kernel)
        assert got == pytest.approx(expected, rel=1e-9, abs=1e-13 * expected.max())


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_mass_is_the_definition(kernel: Kernel) -> None:
    x, y, _ = scatter(300)
    areas = np.random.default_rng(2).uniform(0, 8000, LATTICE.shape) * (nodes(LATTICE)[0] < 1500)
    gx, gy = nodes(LATTICE)
    distance = np.hypot(gx[..., None] - x, gy[..., None] - y)
    expected = (kernel_value(distance, bandwidth=333.0, kernel=kernel) * areas[..., None]).sum(axis=(0, 1))
    got = kernel_mass(x, y, LATTICE, areas, bandwidth=333.0, kernel=kernel)
    assert got == pytest.approx(expected, abs=1e-13)


def test_points_count_once_whatever_the_chunks() -> None:
    """More points than one chunk holds, most of them in one cell that is cut by the end of a chunk."""
    rng = np.random.default_rng(3)
    x, y = np.full(9000, 1030.0), np.full(9000, 570.0)
    x[:500], y[:500] = rng.uniform(0, 2000, 500), rng.uniform(0, 1000, 500)
    got = kernel_sum(x, y, LATTICE, bandwidth=333.0)
    assert got == pytest.approx(direct(x, y, 1.0, LATTICE, 333.0, "quartic"), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_order_of_points_does_not_matter_to_the_last_bit(weighted: bool) -> None:
    x, y, w = scatter(5000)
    x[100:200], y[100:200] = x[0:100] + 1e-7, y[0:100]  # closer together than the sorting key can tell
    order = np.random.default_rng(4).permutation(len(x))
    first = kernel_sum(x, y, LATTICE, bandwidth=250.0, weights=w if weighted else None)
    second = kernel_sum(x[order], y[order], LATTICE, bandwidth=250.0, weights=w[order] if weighted else None)
    assert np.array_equal(first, second)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_moving_everything_changes_nothing(east: float, north: float) -> None:
    x, y, _ = scatter(60)
    x, y = x[1:], y[1:]
    moved = Lattice(30.0 + east, -70.0 + north, 100.0, 80.0, 23, 17)
    field = kernel_sum(x, y, LATTICE, bandwidth=400.0)
    again = kernel_sum(x + east, y + north, moved, bandwidth=400.0)
    assert again == pytest.approx(field, rel=1e-6, abs=1e-8 * field.max())


def test_turning_and_mirroring_turn_and_mirror_the_field() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 1900, 400), rng.uniform(0, 1900, 400)
    lattice = Lattice(0.0, 0.0, 100.0, 100.0, 20, 20)
    field = kernel_sum(x, y, lattice, bandwidth=310.0)
    turned = kernel_sum(1900 - y, x, lattice, bandwidth=310.0)
    assert turned == pytest.approx(field[::-1].T, rel=1e-9, abs=1e-15)
    assert kernel_sum(y, x, lattice, bandwidth=310.0) == pytest.approx(field.T, rel=1e-9, abs=1e-15)


def test_weights_are_copies_and_fields_add_up() -> None:
    x, y, _ = scatter(400)
    doubled = kernel_sum(np.tile(x, 2), np.tile(y, 2), LATTICE, bandwidth=250.0)
    assert doubled == pytest.approx(
        kernel_sum(x, y, LATTICE, bandwidth=250.0, weights=np.full(400, 2.0)), rel=1e-9, abs=1e-15
    )
    parts = sum(
        kernel_sum(x[part], y[part], LATTICE, bandwidth=250.0) for part in (slice(150), slice(150, None))
    )
    assert parts == pytest.approx(kernel_sum(x, y, LATTICE, bandwidth=250.0), rel=1e-9, abs=1e-15)


def test_mass_is_conserved_well_inside() -> None:
    lattice = Lattice(0.0, 0.0, 20.0, 20.0, 200, 200)
    rng = np.random.default_rng(6)
    x, y = rng.uniform(1000, 3000, (2, 50))
    for kernel in KERNELS:
        field = kernel_sum(x, y, lattice, bandwidth=150.0 if kernel == "gaussian" else 600.0, kernel=kernel)
        assert field.sum() * 400 == pytest.approx(50.0, rel=2e-3 if kernel == "uniform" else 1e-4)


def test_no_points_no_density() -> None:
    assert not kernel_sum([], [], LATTICE, bandwidth=250.0).any()
    assert not binned_sum([], [], LATTICE, bandwidth=250.0).values.any()
    assert kernel_mass([], [], LATTICE, np.ones(LATTICE.shape), bandwidth=250.0).shape == (0,)


# --- by other programs ---


@pytest.mark.parametrize(("kernel", "theirs"), [("epanechnikov", "epanechnikov"), ("gaussian", "gaussian")])
def test_scikit_learn_gives_the_same_field(kernel: Kernel, theirs: str) -> None:
    neighbors = pytest.importorskip("sklearn.neighbors", reason="scikit-learn is the oracle here")
    x, y, _ = scatter(300)
    model = neighbors.KernelDensity(bandwidth=250.0, kernel=theirs).fit(np.column_stack([x, y]))
    gx, gy = nodes(LATTICE)
    expected = np.exp(model.score_samples(np.column_stack([gx.ravel(), gy.ravel()]))).reshape(gx.shape) * 300
    got = kernel_sum(x, y, LATTICE, bandwidth=250.0, kernel=kernel)
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-7 * expected.max())


def test_scipy_gives_the_same_gaussian() -> None:
    from scipy.stats import gaussian_kde

    # scipy's kernel has the covariance of the points times the squared factor: give the points a round one.
    raw = np.random.default_rng(7).standard_normal((2, 200))
    raw = np.linalg.solve(np.linalg.cholesky(np.cov(raw)), raw - raw.mean(axis=1, keepdims=True)) * 300
    x, y = raw + np.array([[1000.0], [500.0]])
    gx, gy = nodes(LATTICE)
    model = gaussian_kde(np.vstack([x, y]), bw_method=200 / 300)
    expected = model(np.vstack([gx.ravel(), gy.ravel()])).reshape(gx.shape) * 200
    got = kernel_sum(x, y, LATTICE, bandwidth=200.0, kernel="gaussian")
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-7 * expected.max())


# --- the fast sum ---

PLACEMENTS = {
    "even": lambda rng, n: rng.uniform(0, 1000, (2, n)),
    "clustered": lambda rng, n: 500 + 60 * rng.standard_normal((2, n)),
    "few": lambda rng, n: rng.uniform(0, 1000, (2, 5)),
    "one place": lambda rng, n: np.full((2, n), 511.0),
    "corners of bins": lambda rng, n: np.rint(rng.uniform(0, 1000, (2, n)) / 20) * 20 + 10.0,
    "on a line": lambda rng, n: np.vstack([rng.uniform(0, 1000, n), np.full(n, 503.3)]),
}


@pytest.mark.parametrize("kernel", SMOOTH)
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("refine", [1, 3, 5])
def test_the_fast_sum_keeps_its_bound(kernel: Kernel, placement: str, refine: int) -> None:
    rng = np.random.default_rng(8)
    x, y = PLACEMENTS[placement](rng, 20_000)
    lattice = Lattice(10.0, 10.0, 20.0, 20.0, 50, 50)
    exact = kernel_sum(x, y, lattice, bandwidth=85.0 if kernel == "quartic" else 40.0, kernel=kernel)
    fast = binned_sum(
        x, y, lattice, bandwidth=85.0 if kernel == "quartic" else 40.0, kernel=kernel, refine=refine
    )
    error = abs(fast.values - exact).max() / exact.max()
    assert error <= fast.error_bound
    assert fast.error_bound < {1: 2.0, 3: 0.1, 5: 0.02}[refine]
    assert (fast.values >= 0).all()


def test_the_fast_sum_keeps_its_bound_for_random_designs() -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n, bandwidth = int(rng.integers(1, 3000)), float(rng.uniform(40, 300))
        lattice = Lattice(
            *rng.uniform(-50, 50, 2),
            *rng.uniform(15, 40, 2),
            int(rng.integers(1, 60)),
            int(rng.integers(1, 60)),
        )
        x, y, w = rng.uniform(-300, 1500, n), rng.uniform(-300, 1500, n), rng.exponential(1, n)
        exact = kernel_sum(x, y, lattice, bandwidth=bandwidth, weights=w)
        fast = binned_sum(x, y, lattice, bandwidth=bandwidth, weights=w)
        if exact.max() > 0:
            assert abs(fast.values - exact).max() <= fast.error_bound * max(exact.max(), fast.values.max())


def test_the_bound_grows_where_points_are_sparse() -> None:
    rng = np.random.default_rng(9)
    lattice = Lattice(10.0, 10.0, 20.0, 20.0, 50, 50)
    bounds = [
        binned_sum(*rng.uniform(0, 1000, (2, n)), lattice, bandwidth=100.0).error_bound
        for n in (5, 200, 100_000)
    ]
    assert bounds[0] > 1.5 * bounds[2]
    assert bounds[2] < 0.01


def test_far_from_all_points_the_fast_sum_is_exactly_zero() -> None:
    lattice = Lattice(0.0, 0.0, 10.0, 10.0, 100, 100)
    field = binned_sum(np.full(1000, 100.0), np.full(1000, 100.0), lattice, bandwidth=50.0).values
    assert field[10, 10] > 0
    assert (field[30:] == 0).all()


# --- refusals ---


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, np.nan, np.inf])
def test_a_bandwidth_must_be_positive(bandwidth: float) -> None:
    with pytest.raises(ConfigError, match="positive"):
        kernel_sum([0.0], [0.0], LATTICE, bandwidth=bandwidth)


def test_points_must_be_finite() -> None:
    for function in (kernel_sum, binned_sum):
        with pytest.raises(StatisticsError, match="finite"):
            function([np.nan], [0.0], LATTICE, bandwidth=100.0)


def test_unknown_kernels_are_named() -> None:
    with pytest.raises(ConfigError, match="quartic, epanechnikov"):
        kernel_sum([0.0], [0.0], LATTICE, bandwidth=1.0, kernel="biweight")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="without corners"):
        binned_sum([0.0], [0.0], LATTICE, bandwidth=100.0, kernel="uniform")
    with pytest.raises(ConfigError, match="odd"):
        binned_sum([0.0], [0.0], LATTICE, bandwidth=100.0, refine=2)


# --- bandwidths ---


def test_the_normal_reference_by_hand() -> None:
    """0, 1, ..., 8: quartiles 2 and 6, sd sqrt(7.5); 4 / 1.34 = 2.985 > 2.739, so the sd is used."""
    assert normal_reference(np.arange(9)) == pytest.approx(4.24 * np.sqrt(7.5) * 9**-0.2, rel=1e-12)
    heavy = np.array([0, 4, 4, 5, 5, 6, 6, 100.0])
    assert normal_reference(heavy) == pytest.approx(4.24 * (6 - 4) / 1.34 * 8**-0.2, rel=1e-12)


def test_the_normal_reference_survives_ties_and_refuses_no_spread() -> None:
    assert normal_reference([1.0, 1.0, 1.0, 1.0, 2.0]) == pytest.approx(4.24 * np.sqrt(0.2) * 5**-0.2)
    with pytest.raises(StatisticsError, match="same coordinate"):
        normal_reference([3.0, 3.0])
    with pytest.raises(StatisticsError, match="two or more"):
        normal_reference([3.0])


def test_the_neighbour_distance_is_a_brute_force_mean() -> None:
    rng = np.random.default_rng(10)
    x, y = rng.uniform(0, 1000, (2, 200))
    distance = np.sort(np.hypot(x[:, None] - x, y[:, None] - y), axis=1)
    assert mean_neighbour_distance(x, y, k=10) == pytest.approx(distance[:, 10].mean(), rel=1e-12)
    with pytest.raises(StatisticsError, match="more than 10"):
        mean_neighbour_distance(x[:10], y[:10], k=10)
    with pytest.raises(StatisticsError, match="very place"):
        mean_neighbour_distance(np.ones(20), np.ones(20), k=10)


@pytest.mark.real
def test_the_published_bandwidths_of_memphis(real_data: Any) -> None:
    """sfhotspot prints 0.06128371 for the full file (its x only, as its mean drops y); the rest were
    recomputed with the rule of MASS."""
    import geopandas as gpd

    full: Path = real_data("memphis_sfhotspot/memphis_robberies.gpkg")
    points = gpd.read_file(full).geometry
    assert len(points) == 2245
    assert (normal_reference(points.x), normal_reference(points.y)) == pytest.approx(
        (0.06128371, 0.05359949), abs=5e-9
    )
    metres = points.to_crs(32615)
    assert (normal_reference(metres.x), normal_reference(metres.y)) == pytest.approx(
        (5592.453, 5947.431), abs=5e-4
    )
    january = gpd.read_file(real_data("memphis_sfhotspot/memphis_robberies_jan.gpkg")).geometry.to_crs(32615)
    assert (normal_reference(january.x), normal_reference(january.y)) == pytest.approx(
        (8876.669, 9867.447), abs=5e-4
    )
