"""Lee's L: do two variables go together in space, over the whole map and area by area?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike
from safemap.analysis._alignment import Case, describe, prepare, read_seed, why_not
from safemap.analysis._further import FurtherLocalResult, further_basis, write_mid_p
from safemap.analysis._global import Figures, GlobalOptions, whole_map
from safemap.analysis._inference import (
    Options,
    assembled,
    blank_table,
    check_options,
    classify,
    fill,
    tail_of,
)
from safemap.analysis.association import _two
from safemap.analysis.autocorrelation_results import GlobalResult
from safemap.geo.graph import as_area_graph

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from safemap.analysis.autocorrelation_results import Basis
    from safemap.geo.graph import AreaGraph

LEE_CLUSTERS = ("both high", "both low", "first high", "second high")


@dataclass(frozen=True, eq=False, repr=False)
class GlobalLeeResult(GlobalResult):
    """Lee's L of the whole map; see :func:`safemap.global_lee`."""

    kind: ClassVar[str] = "global_lee"
    title: ClassVar[str] = "Lee's L"

    def _sentence(self, more: bool | None) -> str:
        x, y = self.settings["columns"]
        r = f"their correlation of {self.settings['correlation']:.2f} alone"
        if more is None:
            return f"The places of {x} and {y} add nothing to what {r} would give."
        so = "both are high, or both low," if more else "one is high where the other is low"
        return f"Of {x} and {y} around an area {so} more than {r} would give."


@dataclass(frozen=True, eq=False, repr=False)
class LocalLeeResult(FurtherLocalResult):
    """Local Lee by area; see :func:`safemap.local_lee`."""

    kind: ClassVar[str] = "local_lee"
    findings: ClassVar[tuple[str, ...]] = LEE_CLUSTERS
    title: ClassVar[str] = "local Lee"


def global_lee(
    areas: AreasLike,
    x: str,
    y: str,
    *,
    graph: Any,
    include_self: bool = True,
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> GlobalLeeResult:
    """Lee's L: do the neighbourhood means of two variables go together?

    Parameters
    ----------
    areas, graph, permutations, alpha, rng
        As in :func:`safemap.global_moran`.
    x, y : str
        Columns; their order does not matter.
    include_self : bool
        True: an area is part of its neighbourhood, as heavy as its heaviest neighbour (Lee's L*). False: the
        neighbours alone, as spdep has it by default.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: together more than their correlation gives.

    Returns
    -------
    GlobalLeeResult
        ``statistic`` (between about -1 and 1), ``expected`` and ``z_score`` (analytic, pairs rearranged),
        ``p_value`` (permutation), ``permutations``; ``settings["correlation"]`` is Pearson's r.

    Notes
    -----
    ``L = n / sum_i (sum_j v_ij)^2 * (V zx)'(V zy) / sqrt(zx'zx zy'zy)``. The pairs of values are rearranged
    over the areas, so that their correlation stays; `expected` is therefore not 0.

    References
    ----------
    Lee, S.-I. (2001). Developing a bivariate spatial association measure: an integration of Pearson's r and
    Moran's I. Journal of Geographical Systems 3, 369-385. doi:10.1007/s101090100064
    Lee, S.-I. (2004). A generalized significance testing method for global measures of spatial association.
    Environment and Planning A 36, 1687-1703. doi:10.1068/a34143

    Examples
    --------
    >>> from safemap import build_graph, global_lee
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> found = global_lee(areas, "CRIME", "INC", graph=build_graph(areas, tolerance=0))
    >>> round(found.statistic, 3), round(found.expected, 3)
    (-0.457, -0.122)
    """
    from safemap.stats.lee import lee, permuted_lee

    subject, first = _two(areas, x, y)
    subject.described["tested"] = f"{x} and {y}"
    noted: dict[str, Any] = {"include_self": bool(include_self), "correlation": float("nan")}

    def figures(values: NDArray[np.float64], graph: AreaGraph, permutations: int, rng: int) -> Figures:
        weights = neighbourhood_weights(graph, include_self=include_self)
        own = first[subject.frame.index.get_indexer(graph.ids)]
        found = lee(own, values, weights)
        noted["correlation"] = found.correlation
        simulated = permuted_lee(own, values, weights, permutations=permutations, rng=rng)
        return Figures(found.statistic, simulated, found.expected, found.z_score)

    options = GlobalOptions(permutations, alternative, alpha, rng, None)
    result = whole_map(GlobalLeeResult, subject, graph, options, figures, other=first)
    return replace(result, settings={**result.settings, **noted})


def local_lee(
    areas: AreasLike,
    x: str,
    y: str,
    *,
    graph: Any,
    include_self: bool = True,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    p_mid: bool = False,
    rng: RNG = 0,
) -> LocalLeeResult:
    """Local Lee: around which areas are two variables high together, low together, or opposed?

    Parameters
    ----------
    areas, graph, permutations, max_permutations, adjust, alpha, rng
        As in :func:`safemap.local_moran`.
    x, y, include_self
        As in :func:`safemap.global_lee`.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: the neighbourhood means go together.
    p_mid : bool
        Also give ``p_mid``, with half of the probability of a tie. No class goes by it.

    Returns
    -------
    LocalLeeResult
        ``frame`` as :func:`safemap.local_moran` gives; ``value`` is `x`, ``statistic`` the product of the
        standardised neighbourhood means; there is no ``z_score`` (the product is far from normal).
        ``cluster`` speaks of these means: both high, both low, first high (x high, y low) or second high,
        where ``p_adjusted <= alpha``.

    Notes
    -----
    ``L_i = (V zx)_i (V zy)_i``. The area keeps its pair of values and those of the others are dealt out over
    its neighbours, each pair together.

    References
    ----------
    Lee, S.-I. (2001). As in :func:`safemap.global_lee`.

    Examples
    --------
    >>> from safemap import build_graph, local_lee
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> local_lee(areas, "CRIME", "INC", graph=build_graph(areas, tolerance=0)).counts
    {'not significant': 47, 'first high': 1, 'second high': 1}
    """
    check_options(permutations, max_permutations, alternative, adjust, alpha)
    subject, first = _two(areas, x, y)
    subject.described["tested"] = f"{x} and {y}"
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    own = first[subject.frame.index.get_indexer(case.ids)]
    reason = case.reason or why_not(own)
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(
        subject, case, graph, **options._asdict(), p_mid=p_mid, include_self=bool(include_self)
    )
    table = blank_table(subject, graph)
    table["value"] = np.where(np.isnan(subject.values), np.nan, first)
    basis = None if reason else _fill(case, own, options, settings, table, include_self=include_self)
    return LocalLeeResult(assembled(subject, table, reason), settings, subject.audit, basis=basis)


def _fill(
    case: Case,
    own: NDArray[np.float64],
    options: Options,
    settings: dict[str, Any],
    table: pd.DataFrame,
    *,
    include_self: bool,
) -> Basis:
    from safemap.stats.lee import local_lee as statistic
    from safemap.stats.lee import local_lee_test

    weights = neighbourhood_weights(case.graph, include_self=include_self)
    found = statistic(own, case.values, weights)
    test = local_lee_test(
        own,
        case.values,
        weights,
        permutations=options.permutations,
        max_permutations=options.max_permutations,
        refine_below=options.refine_below,
        alternative=options.alternative,
        rng=options.rng,
    )
    around = [weights @ (values - values.mean()) for values in (own, case.values)]
    high = [mean > 0 for mean in around]
    upper = found.statistic > found.expected
    # together in the upper tail, opposed in the lower; anything else is no class of its own
    pointing = np.where(upper, tail_of(test) > 0, tail_of(test) < 0) & (upper == (found.statistic > 0))
    fill(table, case, found.statistic, found.z_score, test.p_value, test)
    if settings["p_mid"]:
        write_mid_p(table, case, test, options.alternative)
    kinds = np.select([high[0] & high[1], ~high[0] & ~high[1], high[0]], LEE_CLUSTERS[:3], LEE_CLUSTERS[3])
    classify(table, case, options, settings, test, kinds=kinds, pointing=pointing & (found.statistic != 0))
    return further_basis(case, options, test, own, case.values)


def neighbourhood_weights(graph: AreaGraph, *, include_self: bool) -> csr_array:
    from safemap.stats.autocorrelation import row_standardised
    from safemap.stats.lee import with_self

    return with_self(graph.matrix) if include_self else row_standardised(graph.matrix)
