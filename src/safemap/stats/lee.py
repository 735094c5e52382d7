"""Lee's L: do two variables go together, and do they do so where each is alike among neighbours?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from safemap._typing import Alternative
from safemap.stats.autocorrelation import Floats, LocalStatistic, row_standardised
from safemap.stats.feature_permutation import Combination, combination_tails
from safemap.stats.permutation import PermutationTest
from safemap.stats.staging import fit_links, staged_test

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Rearranged values held at a time.
_BLOCK = 2**22


class Lee(NamedTuple):
    """Lee's L with its moments when the pairs of values are dealt out over the areas."""

    statistic: float
    expected: float
    variance: float
    z_score: float
    correlation: float  #: Pearson's r, which the rearrangement leaves as it is


def lee(x: ArrayLike, y: ArrayLike, weights: csr_array) -> Lee:
    """Lee's L: Pearson's correlation of the neighbourhood means of `x` and `y`, scaled to be comparable.

    Parameters
    ----------
    x, y : array_like
        One finite value per area each, not all equal.
    weights : scipy CSR
        Usually row-standardised. With the diagonal (:func:`with_self`) the area is part of its neighbourhood,
        which is Lee's L*; without it, what spdep computes by default.

    Returns
    -------
    Lee

    Raises
    ------
    StatisticsError
        When values and weights do not fit, a value is missing, or a variable has no variation.

    Notes
    -----
    ``L = n / sum_i (sum_j v_ij)^2 * (V zx)'(V zy) / sqrt(zx'zx zy'zy)``. The moments are those of a
    generalised Mantel statistic: ``P = V'V`` meets ``Q = (zx zy' + zy zx') / 2`` with its rows and columns
    rearranged together, diagonal included. The mean is not 0: r alone makes L.

    References
    ----------
    Lee, S.-I. (2001). Developing a bivariate spatial association measure: an integration of Pearson's r and
    Moran's I. Journal of Geographical Systems 3, 369-385. doi:10.1007/s101090100064
    Lee, S.-I. (2004). A generalized significance testing method for global measures of spatial association.
    Environment and Planning A 36, 1687-1703. doi:10.1068/a34143

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> row = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()
    >>> round(lee([0, 0, 1, 1], [1, 2, 3, 5], with_self(row)).statistic, 3)
    0.498
    """
    zx, zy, v = _pair(x, y, weights)
    n = len(zx)
    total = float((np.asarray(v.sum(axis=1)).ravel() ** 2).sum())
    statistic = float((v @ zx) @ (v @ zy)) / total
    square = (v.T @ v).tocsr() / total
    diagonal = square.diagonal()
    on, s0 = diagonal.sum(), float(square.sum()) - diagonal.sum()
    rows = np.asarray(square.sum(axis=1)).ravel() - diagonal
    s1 = 2 * (float((square.data**2).sum()) - float(diagonal @ diagonal))
    s2 = 4 * float(rows @ rows)
    q = zx * zy
    r, q2 = float(q.sum()), float(q @ q)
    off2 = (float(zx @ zx) * float(zy @ zy) + r**2) / 2 - q2  # sum over pairs of Q_ab^2
    mean_on, mean_off = on * r / n, -s0 * r / (n * (n - 1))
    # pairs of pairs of areas: the same pair, one area shared, none shared
    same, shared = off2 / (n * (n - 1)), (q2 - off2) / (n * (n - 1) * (n - 2))
    apart = (r**2 - 4 * q2 + 2 * off2) / (n * (n - 1) * (n - 2) * (n - 3)) if n > 3 else np.nan
    var_off = s1 * same + (s2 - 2 * s1) * shared + (s0**2 + s1 - s2) * apart - mean_off**2
    var_on = (float(diagonal @ diagonal) - on**2 / n) * (q2 - r**2 / n) / (n - 1)
    meet = float(diagonal @ rows)
    cross = 2 * meet * -q2 / (n * (n - 1)) + (on * s0 - 2 * meet) * (2 * q2 - r**2) / (n * (n - 1) * (n - 2))
    variance = var_on + var_off + 2 * (cross - mean_on * mean_off)
    expected = mean_on + mean_off
    z = (statistic - expected) / np.sqrt(variance) if variance > 1e-14 else np.nan
    return Lee(statistic, float(expected), float(variance), float(z), r / n)


def with_self(weights: csr_array) -> csr_array:
    """The weights with each area in its own neighbourhood, as heavy as its heaviest neighbour, standardised.

    An area without neighbours stays without weights.
    """
    from scipy.sparse import csr_array, diags_array

    w = csr_array(weights, dtype=float)
    heaviest = np.asarray(w.max(axis=1).todense() if hasattr(w.max(axis=1), "todense") else w.max(axis=1))
    return row_standardised(csr_array(w + diags_array(heaviest.ravel()).tocsr()))


def permuted_lee(
    x: ArrayLike,
    y: ArrayLike,
    weights: csr_array,
    *,
    permutations: int = 9_999,
    rng: int | np.random.SeedSequence = 0,
) -> Floats:
    """Lee's L of random rearrangements of the pairs of values over the areas."""
    zx, zy, v = _pair(x, y, weights)
    total = float((np.asarray(v.sum(axis=1)).ravel() ** 2).sum())
    generator = np.random.default_rng(rng)
    out = np.empty(permutations)
    block = max(1, _BLOCK // len(zx))
    everyone = np.arange(len(zx))
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        order = generator.permuted(np.broadcast_to(everyone, (rows, len(zx))), axis=1)
        out[start : start + rows] = ((v @ zx[order].T) * (v @ zy[order].T)).sum(axis=0) / total
    return out


def local_lee(x: ArrayLike, y: ArrayLike, weights: csr_array) -> LocalStatistic:
    """Local Lee: the product of the neighbourhood means of `x` and `y`, with its conditional moments.

    Parameters
    ----------
    x, y, weights
        As in :func:`lee`.

    Returns
    -------
    LocalStatistic
        Their mean is L where the weights are row-standardised and no area is without neighbours.

    Notes
    -----
    ``L_i = n (V zx)_i (V zy)_i / sqrt(zx'zx zy'zy)``. ``expected`` is exact under conditional permutation of
    the pairs, the area's own kept; its variance has no short form, so ``variance`` and ``z_score`` are NaN.

    References
    ----------
    Lee, S.-I. (2001). As in :func:`lee`.
    """
    zx, zy, v = _pair(x, y, weights)
    n = len(zx)
    own = v.diagonal()
    total = np.asarray(v.sum(axis=1)).ravel() - own
    squares = np.asarray(v.multiply(v).sum(axis=1)).ravel() - own**2
    a, b = own * zx, own * zy
    product = (float(zx @ zy) - zx * zy) / (n - 1)  # of one other area
    two = (zx * zy - (n - 1) * product) / ((n - 1) * (n - 2))  # of two different others
    expected = a * b - a * total * zy / (n - 1) - b * total * zx / (n - 1)
    expected = expected + squares * product + (total**2 - squares) * two
    nothing = np.full(n, np.nan)
    return LocalStatistic((v @ zx) * (v @ zy), expected, nothing, nothing.copy())


def local_lee_test(
    x: ArrayLike,
    y: ArrayLike,
    weights: csr_array,
    *,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    refine_below: float = 0.05,
    alternative: Alternative = "two-sided",
    rng: int | np.random.SeedSequence = 0,
) -> PermutationTest:
    """Conditional permutation p of the local Lee: the pair of the area stays, those of the others are drawn.

    Parameters
    ----------
    x, y, weights
        As in :func:`lee`.
    permutations, max_permutations, refine_below, rng
        As in :func:`safemap.stats.permutation.conditional_test`.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: the neighbourhood means go together more than chance would make them.

    Returns
    -------
    PermutationTest
    """
    from scipy.sparse import diags_array

    zx, zy, v = _pair(x, y, weights)
    own = v.diagonal()
    links = (v - diags_array(own).tocsr()).tocsr()
    links.eliminate_zeros()
    links.sort_indices()
    linked = np.diff(links.indptr) > 0
    scale = _units(links, linked)
    what = Combination(np.stack([zx, zy]), np.column_stack([zx, zy]) * (own / scale)[:, None], product=True)
    return staged_test(
        lambda sites, draws, seed: combination_tails(what, links, sites, draws, seed),
        linked,
        permutations=permutations,
        max_permutations=max_permutations,
        refine_below=refine_below,
        alternative=alternative,
        rng=rng,
    )


def _units(links: csr_array, linked: np.ndarray) -> Floats:
    """What the weights of a row are multiples of: the common weight where there is one, else 1."""
    from safemap.stats.weighted_permutation import uneven_rows

    scale = np.ones(len(linked))
    scale[linked] = links.data[links.indptr[:-1][linked]]
    scale[uneven_rows(links)] = 1.0
    return scale


def _pair(x: ArrayLike, y: ArrayLike, weights: csr_array) -> tuple[Floats, Floats, csr_array]:
    """Both variables standardised (divisor n) and the weights, diagonal allowed; or an error."""
    from scipy.sparse import csr_array, diags_array

    v = csr_array(weights, dtype=float)
    links = v - diags_array(v.diagonal()).tocsr() if v.shape[0] == v.shape[1] else v
    zs = []
    for values in (x, y):
        found, _ = fit_links(values, links)
        d = found - found.mean()
        zs.append(d / np.sqrt(d @ d / len(d)))
    return zs[0], zs[1], v
