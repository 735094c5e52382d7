"""Kernel density of very many points: binned, transformed, and bounded.

Points are summed into bins finer than the cell, with their moments up to the second order about the middle of
the bin. The kernel is expanded there to the same order, so the sum over the bins is a convolution, and what
the expansion leaves out is bounded bin by bin, which is a convolution too. The bound holds for every
placement of the points inside their bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.density import _KERNELS, GAUSSIAN_REACH, Kernel, Lattice, _check_bandwidth, _shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: kernels smooth enough for the expansion: value and slope are continuous everywhere
SMOOTH = ("quartic", "gaussian")

_BATCH = 1 << 22  # points binned at once
_SAMPLES = 12  # points per axis over which the kernel is averaged
_ROUNDING = 1e-5  # share of the peak that single precision may cost


class BinnedSum(NamedTuple):
    """A density and how far it can be from the exact sum."""

    values: NDArray[np.float64]  #: as :func:`safemap.stats.density.kernel_sum`
    error_bound: float  #: largest possible error of any value, as a share of the largest value


def binned_sum(
    x: ArrayLike,
    y: ArrayLike,
    lattice: Lattice,
    *,
    bandwidth: float,
    kernel: Kernel = "quartic",
    weights: ArrayLike | None = None,
    refine: int = 3,
) -> BinnedSum:
    """The sum of kernels over points at each node of a lattice, from bins, with a bound of the error.

    Parameters
    ----------
    x, y, lattice, bandwidth
        As :func:`safemap.stats.density.kernel_sum`.
    kernel : {"quartic", "gaussian"}
        The others have corners, where the expansion fails.
    weights : array of float, optional
        Zero or more.
    refine : int
        Bins per cell and axis.

    Returns
    -------
    BinnedSum
        ``values`` and ``error_bound``; the bound shrinks with the third power of `refine` and grows as points
        get sparse, because a single point far from all others makes a low peak.

    Notes
    -----
    In units of the bandwidth, with bins of half diagonal ``r``, a point adds at most ``4 r^3 u`` (quartic, at
    distance u from the node; 0.23 r^3 for the Gaussian) plus, within r of the rim, what the polynomial does
    there beyond the support: ``((u + r)^2 - 1)^2``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.uniform(0, 20, (2, 50_000))
    >>> lattice = Lattice(x0=0.5, y0=0.5, dx=1.0, dy=1.0, nx=20, ny=20)
    >>> from safemap.stats.density import kernel_sum
    >>> exact = kernel_sum(x, y, lattice, bandwidth=5.0)
    >>> fast = binned_sum(x, y, lattice, bandwidth=5.0)
    >>> bool(abs(fast.values - exact).max() <= fast.error_bound * exact.max()), round(fast.error_bound, 3)
    (True, 0.003)
    """
    from scipy import fft

    if kernel not in SMOOTH:
        _shape(kernel)
        raise ConfigError(
            f"The fast sum needs a kernel without corners ({', '.join(SMOOTH)}); got {kernel!r}."
        )
    _check_bandwidth(bandwidth)
    bins = _Bins.of(lattice, bandwidth, _KERNELS[kernel].reach, refine)
    moments, near = _moments(x, y, weights, lattice, bins)
    terms, shift = _expansion(*bins.distances(), (bins.dx, bins.dy), kernel)
    size = tuple(fft.next_fast_len(n, real=True) for n in bins.shape)
    spectrum = np.zeros((size[0], size[1] // 2 + 1), dtype=np.complex64)
    counts = None
    for moment, term in zip(moments, terms, strict=True):
        transformed = fft.rfft2(moment.astype(np.float32), size)
        counts = transformed if counts is None else counts
        spectrum += transformed * fft.rfft2(bins.wrapped(term, size), size)
    values = np.maximum(bins.at_nodes(fft.irfft2(spectrum, size), lattice), 0.0)
    values[~near] = 0.0
    peak = float(values.max(initial=0.0))
    if peak == 0.0:
        return BinnedSum(values, 0.0)
    remainder = _remainder(*bins.distances(), bins.half_diagonal, kernel) + abs(shift)
    bound = bins.at_nodes(fft.irfft2(counts * fft.rfft2(bins.wrapped(remainder, size), size), size), lattice)
    scale = _KERNELS[kernel].scale / bandwidth**2
    return BinnedSum(values * scale, float(bound.max()) / peak + _ROUNDING)


class _Bins(NamedTuple):
    """Bins of width ``dx / refine``, in bandwidths; nodes are middles of bins, as refine is odd."""

    refine: int
    dx: float
    dy: float
    reach: tuple[int, int]  #: bins from a node to the end of the kernel
    shape: tuple[int, int]

    @classmethod
    def of(cls, lattice: Lattice, bandwidth: float, reach: float, refine: int) -> _Bins:
        if refine < 1 or refine % 2 == 0:
            raise ConfigError(
                f"refine must be an odd number, so that nodes are middles of bins; got {refine!r}."
            )
        dx, dy = lattice.dx / bandwidth / refine, lattice.dy / bandwidth / refine
        around = int(np.ceil(reach / dy)) + 1, int(np.ceil(reach / dx)) + 1
        shape = (lattice.ny - 1) * refine + 1 + 2 * around[0], (lattice.nx - 1) * refine + 1 + 2 * around[1]
        return cls(refine, dx, dy, around, shape)

    @property
    def half_diagonal(self) -> float:
        return float(np.hypot(self.dx, self.dy) / 2)

    def distances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Node minus bin, for every bin in reach."""
        j, i = np.mgrid[-self.reach[0] : self.reach[0] + 1, -self.reach[1] : self.reach[1] + 1]
        return i * self.dx, j * self.dy

    def wrapped(self, term: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
        """`term` laid out for a circular convolution: its centre at the origin."""
        out = np.zeros(size, dtype=np.float32)
        out[: term.shape[0], : term.shape[1]] = term
        return np.roll(out, (-self.reach[0], -self.reach[1]), axis=(0, 1))

    def at_nodes(self, field: NDArray[np.float32], lattice: Lattice) -> NDArray[np.float64]:
        j, i = self.reach
        rows = slice(j, j + (lattice.ny - 1) * self.refine + 1, self.refine)
        columns = slice(i, i + (lattice.nx - 1) * self.refine + 1, self.refine)
        return field[rows, columns].astype(np.float64)


def _moments(
    x: ArrayLike, y: ArrayLike, weights: ArrayLike | None, lattice: Lattice, bins: _Bins
) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
    """Sums of 1, x, y, xx, 2xy, yy over each bin (in bandwidths), and which nodes have a point nearby."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    w = None if weights is None else np.asarray(weights, dtype=np.float64)
    if w is not None and not (np.isfinite(w).all() and (w >= 0).all()):
        raise StatisticsError("Weights of points must be finite and zero or more for the fast sum.")
    n = bins.shape[0] * bins.shape[1]
    sums = [np.zeros(n) for _ in range(6)]
    for start in range(0, len(x), _BATCH):
        part = slice(start, start + _BATCH)
        _add_batch(sums, x[part], y[part], None if w is None else w[part], lattice, bins)
    units = (1.0, bins.dx, bins.dy, bins.dx**2, bins.dx * bins.dy * 2, bins.dy**2)
    for total, unit in zip(sums, units, strict=True):
        total *= unit
    shaped = [total.reshape(bins.shape) for total in sums]
    return shaped, _near(shaped[0], lattice, bins)


def _add_batch(
    sums: list[NDArray[np.float64]],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    w: NDArray[np.float64] | None,
    lattice: Lattice,
    bins: _Bins,
) -> None:
    rows, columns = bins.shape
    fx = (x - lattice.x0) * (bins.refine / lattice.dx) + (bins.reach[1] + 0.5)
    fy = (y - lattice.y0) * (bins.refine / lattice.dy) + (bins.reach[0] + 0.5)
    ends = np.array([fx.min(initial=0), fy.min(initial=0), fx.max(initial=0), fy.max(initial=0)])
    if not np.isfinite(ends).all():
        raise StatisticsError("Coordinates of points must be finite numbers; set the others aside first.")
    if (ends < 0).any() or ends[2] >= columns or ends[3] >= rows:
        inside = (fx >= 0) & (fx < columns) & (fy >= 0) & (fy < rows)
        fx, fy, w = fx[inside], fy[inside], None if w is None else w[inside]
    i, j = fx.astype(np.int64), fy.astype(np.int64)
    fx -= i
    fx -= 0.5
    fy -= j
    fy -= 0.5
    j *= columns
    j += i
    wx, wy = (fx, fy) if w is None else (fx * w, fy * w)
    for total, values in zip(sums, (w, wx, wy, wx * fx, wx * fy, wy * fy), strict=True):
        total += np.bincount(j, weights=values, minlength=len(total))


def _near(counts: NDArray[np.float64], lattice: Lattice, bins: _Bins) -> NDArray[np.bool_]:
    """Nodes with a point in the square around them: elsewhere the density is zero, not rounding noise."""
    some = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1), dtype=np.int64)
    some[1:, 1:] = (counts > 0).cumsum(axis=0).cumsum(axis=1)
    j = np.arange(lattice.ny)[:, None] * bins.refine
    i = np.arange(lattice.nx) * bins.refine
    j2, i2 = j + 2 * bins.reach[0] + 1, i + 2 * bins.reach[1] + 1
    return some[j2, i2] - some[j, i2] - some[j2, i] + some[j, i] > 0


def _expansion(
    x: NDArray[np.float64], y: NDArray[np.float64], width: tuple[float, float], kernel: Kernel
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Factors of the six moments for bins at (x, y), and by how much the first differs from the plain value.

    Value, minus the slopes, half the curvatures. The value is shifted so that points spread evenly over a bin
    are summed without error: what is left is chance, not bias, also on the rim of the support.
    """
    s = x**2 + y**2
    if kernel == "quartic":
        t = np.maximum(1 - s, 0.0)
        inside = s < 1
        value, slope = t * t, -4 * t
        xx, xy, yy = (np.where(inside, 8 * a, 0.0) for a in (x * x, x * y, y * y))
        xx, yy = xx - 4 * t, yy - 4 * t
    else:
        value = np.where(s <= GAUSSIAN_REACH**2, np.exp(-0.5 * s), 0.0)
        slope = -value
        xx, xy, yy = (x * x - 1) * value, x * y * value, (y * y - 1) * value
    even = value + (width[0] ** 2 * xx + width[1] ** 2 * yy) / 24
    shift = _mean_over_bin(x, y, width, kernel) - even
    return [value + shift, -slope * x, -slope * y, xx / 2, xy / 2, yy / 2], shift


def _mean_over_bin(
    x: NDArray[np.float64], y: NDArray[np.float64], width: tuple[float, float], kernel: Kernel
) -> NDArray[np.float64]:
    """Mean of the kernel over bins with middle (x, y), by the midpoint rule."""
    steps = (np.arange(_SAMPLES) + 0.5) / _SAMPLES - 0.5
    total = np.zeros_like(x)
    for step_y in steps:
        for step_x in steps:
            total += _KERNELS[kernel].profile((x + step_x * width[0]) ** 2 + (y + step_y * width[1]) ** 2)
    return total / _SAMPLES**2


def _remainder(
    x: NDArray[np.float64], y: NDArray[np.float64], r: float, kernel: Kernel
) -> NDArray[np.float64]:
    """The most that a point within `r` of the middle of a bin at (x, y) can add beyond the expansion."""
    u = np.hypot(x, y)
    if kernel == "quartic":
        smooth = np.where(u < 1, 4 * r**3 * (u + r), 0.0)
        beyond = np.where(u < 1, np.maximum((u + r) ** 2 - 1, 0.0) ** 2, 0.0)
        within = np.where(u >= 1, np.maximum(1 - np.maximum(u - r, 0.0) ** 2, 0.0) ** 2, 0.0)
        return smooth + beyond + within
    third = 1.3802 / 6 * r**3
    cut = np.exp(-0.5 * (GAUSSIAN_REACH - r) ** 2) * (1 + GAUSSIAN_REACH * r + (GAUSSIAN_REACH * r) ** 2)
    return np.where(u <= GAUSSIAN_REACH + r, third + np.where(u >= GAUSSIAN_REACH - r, cut, 0.0), 0.0)
