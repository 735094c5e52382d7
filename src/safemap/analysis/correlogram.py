"""Spatial correlogram: how far does the likeness of areas reach?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike
from safemap.analysis._alignment import describe, prepare, read_seed, read_subject
from safemap.analysis._inference import check_options
from safemap.errors import ConfigError
from safemap.geo.graph import AreaGraph, as_area_graph, build_graph
from safemap.results import Result
from safemap.stats.correlogram import Measure

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

_NAMES = {"moran": "Moran's I", "geary": "Geary's C"}
_COLUMNS = ("areas", "links", "statistic", "expected", "variance", "z_score", "p_analytic", "p_value")


@dataclass(frozen=True, eq=False, repr=False)
class CorrelogramResult(Result):
    """Likeness by lag; see :func:`safemap.correlogram`."""

    kind: ClassVar[str] = "correlogram"

    @property
    def reach(self) -> int:
        """Number of lags from the first on at which areas are more alike than chance would make them."""
        f, alpha = self.frame, self.settings["alpha"]
        alike = ((f["p_adjusted"] <= alpha) & (f["z_score"] > 0)).to_numpy()
        return len(alike) if alike.all() else int(np.argmin(alike))

    def _headline(self) -> str:
        s = self.settings
        return (
            f"Correlogram ({_NAMES[s['measure']]}) of {s['tested']}: {len(self.frame)} lags by {s['lags']}, "
            f"{s['permutations']:,} permutations each, {s['alternative']}, p adjusted by {s['adjust']}, rng "
            f"{s['rng']}"
        )

    def summary(self) -> str:
        """What was computed and how far the likeness reaches."""
        return "\n".join([super().summary(), *self.settings["notes"], self._reading()])

    def _reading(self) -> str:
        if self.frame["p_value"].isna().all():
            return f"Not computed: {self.settings['reason'] or 'no lag has enough areas'}."
        if not self.reach:
            return "At the first lag areas are no more alike than chance would make them."
        last = self.frame.iloc[self.reach - 1]
        far = f"up to {last['to_m']:,.0f} m" if "to_m" in self.frame else f"up to order {self.reach}"
        end = "; farther lags were not looked at" if self.reach == len(self.frame) else ""
        return f"Areas are more alike than chance would make them {far}{end}."


def correlogram(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any = None,
    orders: int | None = None,
    distances: Sequence[float] | None = None,
    measure: Measure = "moran",
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust = "holm",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> CorrelogramResult:
    """Spatial correlogram: Moran's I or Geary's C among ever farther neighbours.

    Parameters
    ----------
    areas, column, events, population, permutations, alpha, rng
        As in :func:`safemap.global_moran`.
    graph : AreaGraph, libpysal Graph or W, or frame of links, optional
        Neighbours of the first order; lag k then holds the areas whose shortest way takes k steps.
    orders : int, optional
        Number of lags with `graph`; 5 if not given.
    distances : sequence of float, optional
        Instead of `graph`, upper ends of the bands in metres between centroids, rising: 500, 1000, 1500 looks
        at up to 500 m, above 500 to 1000 m, and above 1000 to 1500 m.
    measure : {"moran", "geary"}
        Which statistic.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: alike.
    adjust : {"holm", "fdr_bh", "fdr_by", "bonferroni", "none"}
        How the p-values are adjusted for the number of lags.

    Returns
    -------
    CorrelogramResult
        ``frame``: one row per ``lag`` (from 1), with ``from_m`` and ``to_m`` (metres, with `distances`),
        ``areas`` (that have a neighbour at this lag; the others are left out there), ``links``,
        ``statistic``, ``expected``, ``variance`` and ``z_score`` (randomisation; positive when alike),
        ``p_analytic`` (normal), ``p_value`` (permutation), ``p_adjusted`` and ``permutations``. Numbers are
        missing at a lag with fewer than three areas or without variation.

    Raises
    ------
    ConfigError
        When neither or both of `graph` and `distances` are given, or they make no sense.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London, p. 117-122.

    Examples
    --------
    >>> from safemap import build_graph, correlogram
    >>> from safemap.datasets import columbus
    >>> areas = columbus()
    >>> found = correlogram(areas, "CRIME", graph=build_graph(areas, tolerance=0), orders=4)
    >>> found.frame["statistic"].round(3).tolist(), found.reach
    ([0.5, 0.145, -0.152, -0.315], 1)
    """
    from safemap.stats.correlogram import correlogram as compute
    from safemap.stats.multiple_testing import adjust_p

    check_options(permutations, permutations, alternative, adjust, alpha)
    if measure not in _NAMES:
        raise ConfigError(f"measure must be moran or geary; got {measure!r}.")
    edges = _edges(graph, orders, distances)
    subject = read_subject(areas, column, events, population)
    lags, first = _lags(subject.frame, graph, orders, edges)
    case = prepare(subject, first)
    at = subject.frame.index.get_indexer(case.ids)
    settings = describe(
        subject, case, first, permutations=permutations, alternative=alternative, alpha=alpha, adjust=adjust,
        rng=read_seed(rng), measure=measure, lags="distance" if edges else "order",
        distances_m=edges or None, orders=None if edges else len(lags),
    )  # fmt: skip
    reason = "" if case.reason == "no neighbours" else case.reason  # there may be some farther away
    settings |= {"reason": reason, "areas_tested": 0 if reason else len(case.ids)}
    frame = _blank(len(lags), edges)
    if not reason:
        found = compute(
            case.values, [m[at][:, at] for m in lags], measure=measure, permutations=permutations,
            alternative=alternative, rng=settings["rng"],
        )  # fmt: skip
        for number, name in enumerate(found[0]._fields):
            frame[name] = [lag[number] for lag in found]
        frame["p_adjusted"] = adjust_p(frame["p_value"], adjust)
        frame["permutations"] = np.where(frame["p_value"].isna(), 0, permutations)
    return CorrelogramResult(frame, settings, subject.audit)


def _edges(graph: Any, orders: int | None, distances: Sequence[float] | None) -> list[float]:
    """Upper ends of the bands in metres; none where lags are orders."""
    if (graph is None) == (distances is None):
        raise ConfigError("Give either graph= (lags by order) or distances= (lags by metres).")
    if distances is None:
        return []
    if orders is not None:
        raise ConfigError("orders goes with graph=; distances= has as many lags as it has numbers.")
    edges = np.asarray(distances, dtype=float)
    if (
        edges.ndim != 1
        or not len(edges)
        or not np.isfinite(edges).all()
        or (np.diff(edges, prepend=0) <= 0).any()
    ):
        raise ConfigError(f"distances must be rising numbers of metres above 0; got {list(distances)!r}.")
    return [float(edge) for edge in edges]


def _lags(
    frame: Any, graph: Any, orders: int | None, edges: list[float]
) -> tuple[list[csr_array], AreaGraph]:
    """Who is a neighbour at each lag, and the graph of the first."""
    from safemap.stats.correlogram import higher_orders

    if not edges:
        first = as_area_graph(graph, frame.index)
        return higher_orders(first.adjacency, 5 if orders is None else orders), first
    graphs = [build_graph(frame, "distance", distance=edge) for edge in edges]
    lags = [graphs[0].adjacency]
    for inner, outer in pairwise(graphs):
        band = (outer.adjacency - inner.adjacency).tocsr()
        band.eliminate_zeros()
        lags.append(band)
    return lags, graphs[0]


def _blank(lags: int, edges: list[float]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(index=pd.RangeIndex(1, lags + 1, name="lag"))
    if edges:
        frame["from_m"], frame["to_m"] = [0.0, *edges[:-1]], edges
    for name in _COLUMNS:
        frame[name] = 0 if name in ("areas", "links") else np.nan
    return frame.assign(p_adjusted=np.nan, permutations=0)
