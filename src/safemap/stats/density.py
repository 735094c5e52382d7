"""Kernel density on a lattice: arrays in, arrays out, no geography.

Distances are in the unit of the coordinates (metres on the upper floors) and a density is per square unit.
Two ways give the same field: the *exact* sum over all points, and a *binned* sum by Fourier transform whose
error is bounded by a number that is computed with it.

The exact sum visits each point once per lattice node in reach. For kernels that are polynomials in the
squared distance (quartic, Epanechnikov, uniform) it does better: where a whole cell of points lies inside the
support, the sum over its points is a polynomial of their moments, so only nodes on the rim of the support
look at single points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from safemap.errors import ConfigError, StatisticsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

Kernel = Literal["quartic", "epanechnikov", "triangular", "uniform", "gaussian"]

#: the Gaussian is cut here, in standard deviations; 1.5e-8 of its mass lies beyond
GAUSSIAN_REACH = 6.0

_CHUNK = 4096  # points worked on at once: their rows stay in the second-level cache
_MOMENTS = 9  # 1, x, y, xx, xy, yy, r2x, r2y, r4


@dataclass(frozen=True)
class Lattice:
    """Nodes ``(x0 + i * dx, y0 + j * dy)`` for i below `nx` and j below `ny`; arrays on it are ``[j, i]``."""

    x0: float
    y0: float
    dx: float
    dy: float
    nx: int
    ny: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of an array on the lattice."""
        return self.ny, self.nx


class _Shape(NamedTuple):
    """A kernel in units of its bandwidth."""

    scale: float  #: value at the centre times the squared bandwidth
    reach: float  #: largest distance with a value above zero, in bandwidths
    profile: Callable[
        [NDArray[np.float64]], NDArray[np.float64]
    ]  #: value relative to the centre, of r squared
    polynomial: tuple[float, float, float] | None  #: profile as c0 + c1 s + c2 s^2 inside the support


def _quartic(s: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.subtract(1.0, s)
    np.maximum(t, 0.0, out=t)
    return np.multiply(t, t, out=t)


_KERNELS: dict[str, _Shape] = {
    "quartic": _Shape(3 / np.pi, 1.0, _quartic, (1.0, -2.0, 1.0)),
    "epanechnikov": _Shape(2 / np.pi, 1.0, lambda s: np.maximum(1.0 - s, 0.0), (1.0, -1.0, 0.0)),
    "triangular": _Shape(3 / np.pi, 1.0, lambda s: np.maximum(1.0 - np.sqrt(s), 0.0), None),
    "uniform": _Shape(1 / np.pi, 1.0, lambda s: (s <= 1.0).astype(np.float64), (1.0, 0.0, 0.0)),
    "gaussian": _Shape(
        1 / (2 * np.pi * -np.expm1(-0.5 * GAUSSIAN_REACH**2)),
        GAUSSIAN_REACH,
        lambda s: np.where(s <= GAUSSIAN_REACH**2, np.exp(-0.5 * s), 0.0),
        None,
    ),
}


def kernel_value(distance: ArrayLike, *, bandwidth: float, kernel: Kernel = "quartic") -> NDArray[np.float64]:
    """Value of the kernel at a distance, per square unit; its integral over the plane is 1.

    Parameters
    ----------
    distance, bandwidth : float or array
        In the same unit. The bandwidth is the radius of the support; of the Gaussian, the standard deviation.
    kernel : {"quartic", "epanechnikov", "triangular", "uniform", "gaussian"}

    Notes
    -----
    Quartic: ``3 / (pi h^2) * (1 - (d / h)^2)^2`` for d < h.

    References
    ----------
    Silverman, B. W. (1986). Density Estimation for Statistics and Data Analysis, section 4.2.
    doi:10.1201/9781315140919

    Examples
    --------
    >>> kernel_value([0.0, 500.0, 1000.0], bandwidth=1000.0).round(9).tolist()
    [9.55e-07, 5.37e-07, 0.0]
    """
    shape = _shape(kernel)
    _check_bandwidth(bandwidth)
    s = (np.asarray(distance, dtype=np.float64) / bandwidth) ** 2
    return shape.scale / bandwidth**2 * shape.profile(np.atleast_1d(s)).reshape(s.shape)


def kernel_sum(
    x: ArrayLike,
    y: ArrayLike,
    lattice: Lattice,
    *,
    bandwidth: float,
    kernel: Kernel = "quartic",
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """The exact sum of kernels over points at each node of a lattice.

    Parameters
    ----------
    x, y : array of float
        Coordinates of the points; those out of reach of every node add nothing.
    lattice : Lattice
    bandwidth : float
        Radius of the support (of the Gaussian: standard deviation), in the unit of the coordinates.
    kernel : {"quartic", "epanechnikov", "triangular", "uniform", "gaussian"}
    weights : array of float, optional
        What each point counts; 1 by default.

    Returns
    -------
    ndarray, shape ``lattice.shape``
        ``sum_i w_i K(|node - point_i|)``, points per square unit. The order of the points does not matter.

    Examples
    --------
    >>> lattice = Lattice(x0=0.0, y0=0.0, dx=1.0, dy=1.0, nx=3, ny=1)
    >>> (kernel_sum([0.0], [0.0], lattice, bandwidth=2.0) * 4 * np.pi / 3).round(4).tolist()
    [[1.0, 0.5625, 0.0]]
    """
    plan = _plan(lattice, bandwidth, _shape(kernel))
    points = _arrange(x, y, weights, lattice, bandwidth, plan.pad)
    padded = np.zeros(plan.size)
    for chunk in points.chunks():
        _add_full(padded, chunk, plan)
        _add_rim(padded, chunk, plan)
    inner = padded.reshape(plan.padded_shape)[plan.inner]
    return np.maximum(inner, 0.0) * (plan.shape.scale / bandwidth**2)


def kernel_mass(
    x: ArrayLike,
    y: ArrayLike,
    lattice: Lattice,
    areas: ArrayLike,
    *,
    bandwidth: float,
    kernel: Kernel = "quartic",
) -> NDArray[np.float64]:
    """The share of each point's kernel that falls on the window: ``sum_j a_j K(|node_j - point_i|)``.

    Parameters
    ----------
    x, y : array of float
    lattice : Lattice
    areas : array, shape ``lattice.shape``
        Area of the window in the cell of each node, in square units; 0 outside the window.
    bandwidth, kernel
        As in :func:`kernel_sum`.

    Returns
    -------
    ndarray, one value per point
        About 1 well inside the window, less near its edge.

    Examples
    --------
    >>> lattice = Lattice(x0=0.5, y0=0.5, dx=1.0, dy=1.0, nx=100, ny=100)
    >>> kernel_mass([50.0, 0.0], [50.0, 0.0], lattice, np.ones((100, 100)), bandwidth=20.0).round(3).tolist()
    [1.0, 0.25]
    """
    plan = _plan(lattice, bandwidth, _shape(kernel))
    points = _arrange(x, y, None, lattice, bandwidth, plan.pad)
    padded = np.zeros(plan.padded_shape)
    padded[plan.inner] = areas
    flat = padded.ravel()
    found = np.zeros(len(points.order))
    for chunk in points.chunks():
        found[chunk.at] = _full_mass(flat, chunk, plan) + _rim_mass(flat, chunk, plan)
    out = np.zeros(np.size(x))
    out[points.order] = found
    return out * (plan.shape.scale / bandwidth**2)


# --- the plan: which neighbours of a cell are reached as a whole, which only at the rim ---


class _Plan(NamedTuple):
    shape: _Shape
    pad: tuple[int, int]  #: nodes by which points may lie outside the lattice; targets reach twice as far
    padded_shape: tuple[int, int]
    full: NDArray[np.int64]  #: offsets, in flat padded index, of nodes that see the whole cell
    coefficients: NDArray[
        np.float64
    ]  #: (full, 9): the kernel as a polynomial in the position inside the cell
    rim: list[
        tuple[float, NDArray[np.float64], NDArray[np.int64]]
    ]  #: per column: cx, the cys, the flat offsets

    @property
    def size(self) -> int:
        return self.padded_shape[0] * self.padded_shape[1]

    @property
    def inner(self) -> tuple[slice, slice]:
        py, px = 2 * self.pad[0], 2 * self.pad[1]
        return slice(py, self.padded_shape[0] - py), slice(px, self.padded_shape[1] - px)


def _plan(lattice: Lattice, bandwidth: float, shape: _Shape) -> _Plan:
    _check_bandwidth(bandwidth)
    dx, dy = lattice.dx / bandwidth, lattice.dy / bandwidth
    pad = int(np.ceil(shape.reach / dy + 0.5)), int(np.ceil(shape.reach / dx + 0.5))
    padded_shape = lattice.ny + 4 * pad[0], lattice.nx + 4 * pad[1]
    j, i = np.mgrid[-pad[0] : pad[0] + 1, -pad[1] : pad[1] + 1]
    cx, cy = i * dx, j * dy
    near = np.hypot(np.maximum(abs(cx) - dx / 2, 0), np.maximum(abs(cy) - dy / 2, 0)) < shape.reach * (
        1 + 1e-12
    )
    full = np.zeros_like(near)
    if shape.polynomial is not None:
        full = np.hypot(abs(cx) + dx / 2, abs(cy) + dy / 2) <= shape.reach
    offset = (j * padded_shape[1] + i).astype(np.int64)
    rim = []
    for column in range(near.shape[1]):
        rows = near[:, column] & ~full[:, column]
        if rows.any():
            rim.append((float(cx[0, column]), cy[rows, column], offset[rows, column]))
    coefficients = _coefficients(cx[full], cy[full], shape.polynomial or (0.0, 0.0, 0.0))
    return _Plan(shape, pad, padded_shape, offset[full], coefficients, rim)


def _coefficients(
    cx: NDArray[np.float64], cy: NDArray[np.float64], polynomial: tuple[float, float, float]
) -> NDArray[np.float64]:
    """``c0 + c1 s + c2 s^2`` with ``s = |p - c|^2``, written out in the nine monomials of p."""
    _, c1, c2 = polynomial
    c = cx**2 + cy**2
    zero = np.zeros_like(c)
    one = zero + 1
    s = np.stack([c, -2 * cx, -2 * cy, one, zero, one, zero, zero, zero], axis=1)
    s2 = np.stack(
        [
            c**2, -4 * c * cx, -4 * c * cy,
            4 * cx**2 + 2 * c, 8 * cx * cy, 4 * cy**2 + 2 * c,
            -4 * cx, -4 * cy, one,
        ],
        axis=1,
    )  # fmt: skip
    constant = np.zeros_like(s)
    constant[:, 0] = polynomial[0]
    return constant + c1 * s + c2 * s2


def _monomials(px: NDArray[np.float64], py: NDArray[np.float64]) -> NDArray[np.float64]:
    xx, yy = px * px, py * py
    r2 = xx + yy
    return np.stack([np.ones_like(px), px, py, xx, px * py, yy, r2 * px, r2 * py, r2 * r2])


# --- the points, sorted by cell ---


class _Chunk(NamedTuple):
    at: slice  #: where its points stand among the sorted points
    px: NDArray[np.float64]  #: position in the cell, in bandwidths
    py: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    starts: NDArray[np.int64]  #: first point of each cell, within the chunk
    cells: NDArray[np.int64]  #: flat padded index of each cell, each once


class _Points(NamedTuple):
    order: NDArray[np.int64]  #: input position of each sorted point; points out of reach are left out
    px: NDArray[np.float64]
    py: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    cell: NDArray[np.int64]

    def chunks(self) -> Iterator[_Chunk]:
        """Runs of points; a cell that is cut in two shows up once in each of them, which adds up the same."""
        for start in range(0, len(self.order), _CHUNK):
            at = slice(start, min(start + _CHUNK, len(self.order)))
            cell = self.cell[at]
            starts = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
            weights = None if self.weights is None else self.weights[at]
            yield _Chunk(at, self.px[at], self.py[at], weights, starts, cell[starts])


def _arrange(
    x: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None,
    lattice: Lattice,
    bandwidth: float,
    pad: tuple[int, int],
) -> _Points:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    w = None if weights is None else np.asarray(weights, dtype=np.float64)
    fx, fy = (x - lattice.x0) / lattice.dx, (y - lattice.y0) / lattice.dy
    if not (np.isfinite(fx).all() and np.isfinite(fy).all()):
        raise StatisticsError("Coordinates of points must be finite numbers; set the others aside first.")
    i, j = np.rint(fx), np.rint(fy)
    reached = (i >= -pad[1]) & (i < lattice.nx + pad[1]) & (j >= -pad[0]) & (j < lattice.ny + pad[0])
    at = np.flatnonzero(reached) if not reached.all() else None
    if at is not None:
        fx, fy, i, j = fx[at], fy[at], i[at], j[at]
        w = None if w is None else w[at]
    width = lattice.nx + 4 * pad[1]
    cell = (j.astype(np.int64) + 2 * pad[0]) * width + i.astype(np.int64) + 2 * pad[1]
    fx -= i
    fy -= j
    order = _canonical_order(cell, fx, fy, w)
    return _Points(
        order=order if at is None else at[order],
        px=fx[order] * (lattice.dx / bandwidth),
        py=fy[order] * (lattice.dy / bandwidth),
        weights=None if w is None else w[order],
        cell=cell[order],
    )


def _canonical_order(
    cell: NDArray[np.int64],
    fx: NDArray[np.float64],
    fy: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
) -> NDArray[np.int64]:
    """Sorted by cell and place, so that sums do not depend on the order in which rows came in.

    Cell and place go into one integer, which sorts ten times as fast as three columns. Places that fall on
    the same integer are less than a cell / 2^16 apart; where that happens the columns are sorted in full.
    """
    if len(cell) == 0:
        return np.zeros(0, dtype=np.int64)
    if weights is None and int(cell.max()) < 2**30:
        place = ((fx + 0.5) * 65535).astype(np.int64) << 16 | ((fy + 0.5) * 65535).astype(np.int64)
        key = cell << 32 | place
        order = np.argsort(key)
        ordered = key[order]
        tied = ordered[1:] == ordered[:-1]
        if not tied.any():
            return order
        runs = np.flatnonzero(np.concatenate([[False], tied]) | np.concatenate([tied, [False]]))
        members = order[runs]
        order[runs] = members[np.lexsort((fy[members], fx[members], key[members]))]
        return order
    columns = (fy, fx, cell) if weights is None else (weights, fy, fx, cell)
    return np.lexsort(columns)


# --- sums over a chunk ---


def _add_full(padded: NDArray[np.float64], chunk: _Chunk, plan: _Plan) -> None:
    if not len(plan.full):
        return
    terms = _monomials(chunk.px, chunk.py)
    if chunk.weights is not None:
        terms *= chunk.weights
    moments = np.add.reduceat(terms, chunk.starts, axis=1)
    for offset, values in zip(plan.full, plan.coefficients @ moments, strict=True):
        padded[chunk.cells + offset] += values


def _add_rim(padded: NDArray[np.float64], chunk: _Chunk, plan: _Plan) -> None:
    for cx, cys, offsets in plan.rim:
        values = _rim_values(chunk, cx, cys, plan.shape)
        if chunk.weights is not None:
            values *= chunk.weights
        for offset, value in zip(offsets, np.add.reduceat(values, chunk.starts, axis=1), strict=True):
            padded[chunk.cells + offset] += value


def _full_mass(flat: NDArray[np.float64], chunk: _Chunk, plan: _Plan) -> NDArray[np.float64]:
    counts = np.diff(np.concatenate([chunk.starts, [len(chunk.px)]]))
    found = flat[chunk.cells[:, None] + plan.full] @ plan.coefficients
    return np.einsum("mp,pm->p", _monomials(chunk.px, chunk.py), np.repeat(found, counts, axis=0))


def _rim_mass(flat: NDArray[np.float64], chunk: _Chunk, plan: _Plan) -> NDArray[np.float64]:
    counts = np.diff(np.concatenate([chunk.starts, [len(chunk.px)]]))
    total = np.zeros(len(chunk.px))
    for cx, cys, offsets in plan.rim:
        areas = np.repeat(flat[offsets[:, None] + chunk.cells], counts, axis=1)
        total += (_rim_values(chunk, cx, cys, plan.shape) * areas).sum(axis=0)
    return total


def _rim_values(chunk: _Chunk, cx: float, cys: NDArray[np.float64], shape: _Shape) -> NDArray[np.float64]:
    s = chunk.py - cys[:, None]
    s *= s
    s += (chunk.px - cx) ** 2
    return shape.profile(s)


def _shape(kernel: str) -> _Shape:
    if kernel not in _KERNELS:
        raise ConfigError(f"kernel must be one of {', '.join(get_args(Kernel))}; got {kernel!r}.")
    return _KERNELS[kernel]


def _check_bandwidth(bandwidth: float) -> None:
    if not (np.isfinite(bandwidth) and bandwidth > 0):
        raise ConfigError(f"bandwidth must be a positive number; got {bandwidth!r}.")
