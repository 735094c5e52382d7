"""Are neighbours more alike than chance would make them? For the whole map, and area by area.

check -> align -> compute (:mod:`safemap.stats`) -> assemble. Areas that cannot be tested keep their row and
get a class that says why; only input that makes no sense raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike
from safemap.analysis._alignment import describe, prepare, read_seed, read_subject, why_not
from safemap.analysis._inference import (
    TIERS,
    Options,
    assembled,
    blank_table,
    check_options,
    classify,
    conditional_z,
    fill,
    permute,
    tail_of,
)
from safemap.geo.graph import as_area_graph
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph

#: Classes that stand for a finding; all others say why there is none.
MORAN_CLUSTERS = ("high-high", "low-low", "high-low", "low-high")
GETIS_ORD_CLUSTERS = ("hot-1", "hot-5", "hot-10", "cold-10", "cold-5", "cold-1")


@dataclass(frozen=True, eq=False, repr=False)
class GlobalMoranResult(Result):
    """One statement about the whole map; see :func:`global_moran`.

    ``frame`` has one row. The numbers are attributes too.
    """

    kind: ClassVar[str] = "global_moran"

    statistic: float = float("nan")  #: Moran's I
    expected: float = float("nan")  #: its mean under no association, -1 / (n - 1)
    z_score: float = float("nan")  #: standardised under randomisation
    p_value: float = float("nan")  #: permutation p
    permutations: int = 0  #: draws behind it

    def _headline(self) -> str:
        s = self.settings
        if np.isnan(self.statistic):
            return f"Moran's I of {s['tested']}: not computed, {s['reason']}"
        return (
            f"Moran's I of {s['tested']} = {self.statistic:.4f} (expected {self.expected:.4f}, "
            f"z {self.z_score:.2f}, p {self.p_value:.4g}, {s['alternative']}, {self.permutations:,} "
            f"permutations, rng {s['rng']}) on {s['areas_tested']:,} of {s['areas']:,} areas"
        )

    def summary(self) -> str:
        """The statistic, its p, and what they mean in a sentence."""
        return "\n".join([super().summary(), *self.settings["notes"], self._reading()])

    def _reading(self) -> str:
        if np.isnan(self.p_value):
            return "Nothing can be said about the map as a whole."
        if self.p_value > self.settings["alpha"]:
            return "Neighbouring areas are no more alike than chance would make them."
        alike = "more" if self.statistic > self.expected else "less"
        return f"Neighbouring areas are {alike} alike than chance would make them."


@dataclass(frozen=True, eq=False, repr=False)
class _LocalResult(Result):
    """What local Moran and Gi* have in common."""

    findings: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of areas in each class that occurs."""
        return {str(k): int(v) for k, v in self.frame["cluster"].value_counts().items()}

    @property
    def flagged(self) -> pd.Index:
        """Ids of the areas with a finding at ``settings["alpha"]``."""
        significant = self.frame["p_adjusted"] <= self.settings["alpha"]
        return self.frame.index[self.frame["cluster"].isin(self.findings) & significant]

    def summary(self) -> str:
        """What was tested, how many areas are flagged, how many by chance, and what could be reached."""
        return "\n".join([super().summary(), *self._details(), *self.settings["notes"]])

    def _headline(self) -> str:
        counts, s = self.counts, self.settings
        found = ", ".join(f"{counts[c]} {c}" for c in self.findings if c in counts)
        return (
            f"{self.title} of {s['tested']}: {len(self.flagged):,} of {len(self.frame):,} areas flagged at "
            f"{s['alpha']:g} ({s['adjust']}, {s['alternative']})" + (f": {found}" if found else "")
        )

    def _details(self) -> list[str]:
        s, counts = self.settings, self.counts
        lines = []
        if s["areas_tested"]:
            by_chance = s["alpha"] * s["areas_tested"]
            lines.append(
                f"{s['areas_tested']:,} areas tested. By chance alone, {by_chance:.1f} of them would have "
                f"p <= {s['alpha']:g}; {s['p_below_alpha']} have."
            )
            lines.append(_meaning_of_adjustment(s["adjust"], s["alpha"], len(self.flagged)))
            lines.append(
                f"Smallest p that could be reached {s['smallest_p']:.2g}, adjusted "
                f"{s['smallest_p_adjusted']:.2g}; {_how(s)}."
            )
        expected = (*self.findings, "not significant")
        return lines + [f"{n:,} area(s): {c}" for c, n in counts.items() if c not in expected]


@dataclass(frozen=True, eq=False, repr=False)
class LocalMoranResult(_LocalResult):
    """Local Moran's I by area; see :func:`local_moran`."""

    kind: ClassVar[str] = "local_moran"
    findings: ClassVar[tuple[str, ...]] = MORAN_CLUSTERS
    title: ClassVar[str] = "local Moran"


@dataclass(frozen=True, eq=False, repr=False)
class LocalGetisOrdResult(_LocalResult):
    """Gi or Gi* by area; see :func:`local_getis_ord`."""

    kind: ClassVar[str] = "local_getis_ord"
    findings: ClassVar[tuple[str, ...]] = GETIS_ORD_CLUSTERS
    title: ClassVar[str] = "Getis-Ord"


def global_moran(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    permutations: int = 9_999,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> GlobalMoranResult:
    """Moran's I: are neighbouring areas alike, over the whole map?

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        One row per area, ids in the index.
    column : str, optional
        Column to test. Instead of it, `events` and `population`.
    events, population : str, optional
        Columns of counts and of people at risk; the Assuncao-Reis EB index of the rate is tested. Used
        without asking where both columns exist and nothing is named.
    graph : AreaGraph, libpysal Graph or W, or frame of links
        Neighbours, matched by id; row-standardised here.
    permutations : int
        Random rearrangements behind the p-value.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: neighbours are alike.
    alpha : float
        Level the sentence in the summary is based on.
    rng : int, numpy.random.Generator or None
        A number repeats; None draws fresh entropy; the number used is in ``settings["rng"]``.

    Returns
    -------
    GlobalMoranResult
        Attributes ``statistic``, ``expected``, ``z_score`` (randomisation), ``p_value`` (permutation),
        ``permutations``. Areas without a value or without a neighbour are left out of n.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes: Models and Applications. Pion, London.
    Assuncao, R. M., Reis, E. A. (1999). A new proposal to adjust Moran's I for population density. Statistics
    in Medicine 18, 2147-2162. doi:10.1002/(SICI)1097-0258(19990830)18:16<2147::AID-SIM179>3.0.CO;2-I

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import build_graph, global_moran
    >>> cells = [box(x, y, x + 100, y + 100) for y in range(0, 600, 100) for x in range(0, 600, 100)]
    >>> areas = gpd.GeoDataFrame({"y": [int(c.centroid.x) for c in cells]}, geometry=cells, crs=32614)
    >>> result = global_moran(areas, "y", graph=build_graph(areas))
    >>> round(result.statistic, 3), round(result.p_value, 4)
    (0.822, 0.0002)
    """
    check_options(permutations, permutations, alternative, "none", alpha)
    subject = read_subject(areas, column, events, population)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    settings = describe(
        subject,
        case,
        graph,
        permutations=permutations,
        alternative=alternative,
        alpha=alpha,
        rng=read_seed(rng),
    )
    kept = case.ids[case.graph.cardinalities.to_numpy() > 0]
    settings["areas_tested"] = 0 if case.reason else len(kept)
    values = case.values[case.ids.get_indexer(kept)]
    # leaving out areas without neighbours may leave too little
    settings["reason"] = case.reason or ("no neighbours" if not len(kept) else why_not(values))
    numbers: dict[str, Any] = dict.fromkeys(("statistic", "expected", "z_score", "p_value"), float("nan"))
    numbers["permutations"] = 0
    if not settings["reason"]:
        numbers = _moran_numbers(values, case.graph.subset(kept), permutations, alternative, settings["rng"])
    return GlobalMoranResult(frame=_one_row(numbers), settings=settings, audit=subject.audit, **numbers)


def local_moran(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> LocalMoranResult:
    """Local Moran's I: which areas, with their neighbours, are alike or stand out?

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        One row per area, ids in the index.
    column : str, optional
        Column to test. Instead of it, `events` and `population`.
    events, population : str, optional
        Columns of counts and of people at risk; the Assuncao-Reis EB index of the rate is tested, because
        crude rates of small areas are wild. Used without asking where both columns exist and nothing is
        named.
    graph : AreaGraph, libpysal Graph or W, or frame of links
        Neighbours, matched by id; each counts the same, unless the graph has weights.
    permutations, max_permutations : int
        Draws for every area, and for the areas whose first p is at most `alpha` or 0.1, whichever is larger:
        their p comes from a second, independent table of draws.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: alike (positive I).
    adjust : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}
        How the p-values are adjusted for the number of areas tested.
    alpha : float
        Level the adjusted p is compared with.
    rng : int, numpy.random.Generator or None
        A number repeats; None draws fresh entropy; the number used is in ``settings["rng"]``.

    Returns
    -------
    LocalMoranResult
        ``frame``: one row per area, in the order of the areas, with ``name``, ``events``, ``population``
        (where given), ``neighbours`` (their number), ``value`` (what was tested), ``statistic`` (I_i,
        variance with divisor n - 1), ``z_score`` (under conditional permutation), ``p_value``,
        ``p_adjusted``, ``permutations`` (draws behind the p; 0 where the exact distribution was computed),
        ``cluster`` and ``geometry``.

        ``cluster`` is high-high, low-low, high-low or low-high where ``p_adjusted <= alpha``, else not
        significant, no neighbours, no data, no variation, too few areas or too few events.

    Notes
    -----
    A class also needs the quadrant and the test to agree: the neighbours of a high-high area lie above the
    mean of all *and* in the upper tail of the permutations. An area exactly at the mean has I = 0, p = 1.

    Gi, Gi* and local Moran ask the same question of the neighbours' sum, so their two-sided p-values are
    equal: they are one piece of evidence, not three.

    A column of counts (whole numbers, or multiples of a decimal step, in a range that is not too wide) needs
    no permutations: the distribution of the neighbours' sum is computed exactly.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27, 93-115.
    doi:10.1111/j.1538-4632.1995.tb00338.x

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import build_graph, local_moran
    >>> cells = [box(x, y, x + 100, y + 100) for y in range(0, 800, 100) for x in range(0, 800, 100)]
    >>> crime = [9 + i % 3 if i % 8 < 3 and i < 24 else i % 4 for i in range(64)]
    >>> areas = gpd.GeoDataFrame({"crime": crime}, geometry=cells, crs=32614)
    >>> result = local_moran(areas, "crime", graph=build_graph(areas))
    >>> result.counts
    {'not significant': 58, 'high-high': 6}
    """
    check_options(permutations, max_permutations, alternative, adjust, alpha)
    subject = read_subject(areas, column, events, population)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(subject, case, graph, **options._asdict(), variance="n-1")
    table = blank_table(subject, graph)
    if not case.reason:
        from safemap.stats.autocorrelation import local_moran as statistic
        from safemap.stats.autocorrelation import row_standardised
        from safemap.stats.permutation import deviations

        z = deviations(case.values)
        local = statistic(case.values, row_standardised(case.graph.matrix))
        test = permute(case, options, flip=z < 0)
        p = np.where((z == 0) & ~np.isnan(test.p_value), 1.0, test.p_value)
        lag = np.where(z == 0, 0.0, local.statistic * np.sign(z))
        kinds = np.select([(z > 0) & (lag > 0), (z < 0) & (lag < 0), z > 0], MORAN_CLUSTERS[:3], "low-high")
        pointing = np.where(lag > 0, tail_of(test) > 0, tail_of(test) < 0) & (lag != 0) & (z != 0)
        fill(table, case, np.where(z == 0, 0.0, local.statistic), local.z_score, p, test)
        classify(table, case, options, settings, test, kinds=kinds, pointing=pointing)
    return LocalMoranResult(
        frame=assembled(subject, table, case.reason), settings=settings, audit=subject.audit
    )


def local_getis_ord(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    star: bool = True,
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    rng: RNG = 0,
) -> LocalGetisOrdResult:
    """Gi* (or Gi): where do high values, or low values, lie together?

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        One row per area, ids in the index.
    column : str, optional
        Column to test. Instead of it, `events` and `population`.
    events, population : str, optional
        Columns of counts and of people at risk; the Assuncao-Reis EB index of the rate is tested. Used
        without asking where both columns exist and nothing is named.
    graph : AreaGraph, libpysal Graph or W, or frame of links
        Neighbours, matched by id; each counts the same, in Gi* as much as the area itself, unless the graph
        has weights: then the area itself counts as a neighbour at no distance (kernel), else as much as its
        heaviest neighbour.
    star : bool
        True: Gi*, the area is part of its neighbourhood. False: Gi, the neighbours alone.
    permutations, max_permutations : int
        Draws for every area, and for the areas whose first p is at most `alpha` or 0.1, whichever is larger:
        their p comes from a second, independent table of draws.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: hot.
    adjust : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}
        How the p-values are adjusted for the number of areas tested.
    alpha : float
        Level the summary and ``flagged`` go by. The tiers go by 1, 5 and 10 % whatever `alpha` is.
    rng : int, numpy.random.Generator or None
        A number repeats; None draws fresh entropy; the number used is in ``settings["rng"]``.

    Returns
    -------
    LocalGetisOrdResult
        ``frame``: one row per area, in the order of the areas, with ``name``, ``events``, ``population``
        (where given), ``neighbours`` (their number, without the area itself), ``value`` (what was tested),
        ``statistic`` (Gi* as a z-score, standard deviation with divisor n), ``z_score`` (of the neighbours'
        sum under conditional permutation, which is what the p refers to), ``p_value``, ``p_adjusted``,
        ``permutations`` (draws behind the p; 0 where the exact distribution was computed), ``cluster`` and
        ``geometry``.

        ``cluster`` is hot-1, hot-5, hot-10 or cold-1, cold-5, cold-10 (adjusted p at most 0.01, 0.05, 0.10),
        else not significant, no neighbours, no data, no variation, too few areas or too few events.

    Notes
    -----
    The permutations keep the area's own value in place, so the test asks about the neighbours. A class also
    needs the statistic and the test to agree: an area with a very high value among very low neighbours is
    neither hot nor cold (local Moran calls it high-low).

    A column of counts (whole numbers, or multiples of a decimal step, in a range that is not too wide) needs
    no permutations: the distribution of the neighbours' sum is computed exactly.

    References
    ----------
    Ord, J. K., Getis, A. (1995). Local spatial autocorrelation statistics: distributional issues and an
    application. Geographical Analysis 27, 286-306. doi:10.1111/j.1538-4632.1995.tb00912.x

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import build_graph, local_getis_ord
    >>> cells = [box(x, y, x + 100, y + 100) for y in range(0, 800, 100) for x in range(0, 800, 100)]
    >>> crime = [9 + i % 3 if i % 8 < 3 and i < 24 else i % 4 for i in range(64)]
    >>> areas = gpd.GeoDataFrame({"crime": crime}, geometry=cells, crs=32614)
    >>> hot = local_getis_ord(areas, "crime", graph=build_graph(areas))
    >>> len(hot.flagged), hot.frame.loc[0, "cluster"]
    (6, 'hot-5')
    """
    check_options(permutations, max_permutations, alternative, adjust, alpha)
    subject = read_subject(areas, column, events, population)
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(subject, case, graph, **options._asdict(), star=star, variance="n", tiers=TIERS)
    table = blank_table(subject, graph)
    if not case.reason:
        from safemap.stats.autocorrelation import local_getis_ord as statistic

        g = statistic(case.values, case.graph.matrix, star=star, self_weight=_self_weight(case.graph))
        test = permute(case, options)
        pointing = np.where(g > 0, tail_of(test) > 0, tail_of(test) < 0) & (np.nan_to_num(g) != 0)
        fill(table, case, g, conditional_z(case), test.p_value, test)
        kinds = np.where(g > 0, "hot", "cold")
        classify(table, case, options, settings, test, kinds=kinds, pointing=pointing)
    return LocalGetisOrdResult(
        frame=assembled(subject, table, case.reason), settings=settings, audit=subject.audit
    )


def _self_weight(graph: AreaGraph) -> float | NDArray[np.float64]:
    """How much an area itself counts in Gi*: see :func:`local_getis_ord`."""
    if graph.weights is None or graph.settings.get("rule") == "kernel":
        return 1.0
    heaviest = graph.weights.max(axis=1)
    return np.asarray(heaviest.toarray() if hasattr(heaviest, "toarray") else heaviest, dtype=float).ravel()


def _moran_numbers(
    values: NDArray[np.float64], graph: AreaGraph, permutations: int, alternative: Alternative, rng: int
) -> dict[str, Any]:
    from safemap.stats.autocorrelation import global_p, moran, permuted_moran, row_standardised

    weights = row_standardised(graph.matrix)
    result = moran(values, weights)
    simulated = permuted_moran(values, weights, permutations=permutations, rng=rng)
    return {
        "statistic": result.statistic,
        "expected": result.expected,
        "z_score": result.z_randomisation,
        "p_value": global_p(result.statistic, simulated, alternative),
        "permutations": int(permutations),
    }


def _one_row(numbers: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([numbers])


def _how(settings: Mapping[str, Any]) -> str:
    """Where the p-values come from."""
    s = settings
    drawn = (
        f"{s['permutations']:,} permutations for all, {s['max_permutations']:,} for {s['refined']:,} areas "
        f"(rng {s['rng']})"
    )
    if not s["computed"]:
        return drawn
    exact = "the exact distribution of the counts, without permutations"
    if s["computed"] == s["areas_tested"]:
        return exact
    return f"{exact}, for {s['computed']:,} areas; for the others {drawn.replace(' for all', '')}"


def _meaning_of_adjustment(adjust: Adjust, alpha: float, flagged: int) -> str:
    if not flagged:
        return "No area is flagged."
    if adjust == "none":
        return "The p-values are not adjusted for the number of areas: some of the areas flagged are chance."
    if adjust in ("holm", "bonferroni"):
        return f"The chance that any of the areas flagged is there by chance alone is at most {alpha:.0%}."
    return (
        f"Of the {flagged} areas flagged, at most {alpha * flagged:.1f} are expected to be there by chance."
    )
