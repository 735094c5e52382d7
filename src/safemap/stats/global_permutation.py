"""Reference distributions of global statistics: the values rearranged over the whole map.

All are quadratic forms ``x'Wx`` of the rearranged values, taken in blocks of bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Seed = int | np.random.SeedSequence

#: Rearranged values held at a time.
_BLOCK = 2**22


def permuted_geary(
    values: ArrayLike, weights: csr_array, *, permutations: int = 9_999, rng: Seed = 0
) -> Floats:
    """Geary's C of random rearrangements of the values.

    Notes
    -----
    ``sum w_ij (x_i - x_j)^2 = sum (row_i + column_i) x_i^2 - 2 x'Wx``.
    """
    z = np.asarray(values, dtype=float) - np.mean(values)
    both = np.asarray(weights.sum(axis=1)).ravel() + np.asarray(weights.sum(axis=0)).ravel()
    scale = (len(z) - 1) / (2 * float(weights.sum()) * float(z @ z))
    parts = [scale * (x**2 @ both - 2 * _form(x, x, weights)) for x in _rearranged(z, permutations, rng)]
    return np.concatenate(parts)


def permuted_getis_ord(
    values: ArrayLike, weights: csr_array, *, permutations: int = 9_999, rng: Seed = 0
) -> Floats:
    """General G of random rearrangements of the values."""
    y = np.asarray(values, dtype=float)
    scale = 1 / (y.sum() ** 2 - (y**2).sum())
    return np.concatenate([scale * _form(x, x, weights) for x in _rearranged(y, permutations, rng)])


def permuted_bivariate_moran(
    x: ArrayLike, y: ArrayLike, weights: csr_array, *, permutations: int = 9_999, rng: Seed = 0
) -> Floats:
    """Bivariate Moran of `x` where it is with random rearrangements of `y`."""
    zx, zy = (np.asarray(v, dtype=float) - np.mean(v) for v in (x, y))
    scale = len(zx) / float(weights.sum()) / np.sqrt(float(zx @ zx) * float(zy @ zy))
    lagged = weights.T @ zx
    return np.concatenate([scale * (z @ lagged) for z in _rearranged(zy, permutations, rng)])


def _rearranged(values: Floats, permutations: int, rng: Seed) -> Iterator[Floats]:
    generator = np.random.default_rng(rng)
    block = max(1, _BLOCK // len(values))
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        yield generator.permuted(np.broadcast_to(values, (rows, len(values))), axis=1)


def _form(x: Floats, y: Floats, weights: csr_array) -> Floats:
    return np.einsum("ij,ij->i", x, (weights @ y.T).T)
