"""Are neighbours more alike than chance would make them? For the whole map, and area by area.

check -> align -> compute (:mod:`safemap.stats`) -> assemble. Areas that cannot be tested keep their row and
get a class that says why; only input that makes no sense raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from safemap._typing import RNG, Adjust, Alternative, AreasLike, Null
from safemap.analysis._alignment import Case, Subject, describe, prepare, read_seed, read_subject, why_not
from safemap.analysis._constant_risk import check_null, risk_test
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
from safemap.analysis.autocorrelation_results import (
    MORAN_CLUSTERS,
    GlobalMoranResult,
    LocalGetisOrdResult,
    LocalMoranResult,
)
from safemap.geo.graph import as_area_graph

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph
    from safemap.stats.permutation import PermutationTest


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
    null: Null = "permutation",
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
    null : {"permutation", "constant-risk"}
        What chance is. ``permutation``: the values of the other areas could have been dealt out otherwise.
        ``constant-risk``, with `events` and `population`: everybody runs the same risk, so events fall on
        areas as people do; see the notes.
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

    Under ``null="constant-risk"`` `value` is the standardised excess of the area, ``(O - E) / sqrt(E)`` with
    E its share of the population times all events. `statistic` is that excess times the one of all neighbours
    together, and p the exact binomial probability of the neighbours' events given those of the area. It
    takes areas of any size, also few of them, but every departure from equal risk counts, be it spatial or
    not: "hot" then means that more happened than the number of people explains.

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
    check_null(null, subject.described["events"], subject.described["population"])
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(subject, case, graph, **options._asdict(), null=null, variance="n-1")
    table = blank_table(subject, graph)
    if null == "constant-risk":
        _moran_of_risk(subject, case, options, settings, table)
    elif not case.reason:
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
    null: Null = "permutation",
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
    null : {"permutation", "constant-risk"}
        What chance is. ``permutation``: the values of the other areas could have been dealt out otherwise.
        ``constant-risk``, with `events` and `population`: everybody runs the same risk, so events fall on
        areas as people do; see the notes.
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

    Under ``null="constant-risk"`` `value` is the standardised excess of the area, ``(O - E) / sqrt(E)`` with
    E its share of the population times all events. The events of the area and its neighbours together (Gi*)
    are then binomial, and so are those of the neighbours given the area's own (Gi): p is exact, and
    `statistic` and `z_score` are their standardised excess. With unequal weights p is simulated. It
    takes areas of any size, also few of them, but every departure from equal risk counts, be it spatial or
    not: "hot" then means that more happened than the number of people explains.

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
    check_null(null, subject.described["events"], subject.described["population"])
    graph = as_area_graph(graph, subject.frame.index)
    case = prepare(subject, graph)
    options = Options(permutations, max_permutations, alternative, adjust, alpha, read_seed(rng))
    settings = describe(
        subject, case, graph, **options._asdict(), null=null, star=star, variance="n", tiers=TIERS
    )
    table = blank_table(subject, graph)
    if null == "constant-risk":
        _getis_ord_of_risk(subject, case, options, settings, table, star=star)
    elif not case.reason:
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


def _moran_of_risk(
    subject: Subject, case: Case, options: Options, settings: dict[str, Any], table: pd.DataFrame
) -> None:
    """Fill the table of local Moran under constant risk."""
    if case.reason:
        return
    own, near, test = risk_test(subject, case, options, own_weight=None, flip=True)
    p = np.where((own == 0) & ~np.isnan(test.p_value), 1.0, test.p_value)
    kinds = np.select(
        [(own > 0) & (near > 0), (own < 0) & (near < 0), own > 0], MORAN_CLUSTERS[:3], "low-high"
    )
    lag = np.nan_to_num(near)
    pointing = np.where(lag > 0, tail_of(test) > 0, tail_of(test) < 0) & (lag != 0) & (own != 0)
    table.loc[case.ids, "value"] = own
    fill(table, case, own * near, np.sign(own) * near, p, test)
    classify(
        table, case, options, settings, test, kinds=kinds, pointing=pointing, reachable=_without_limit(test)
    )


def _getis_ord_of_risk(
    subject: Subject,
    case: Case,
    options: Options,
    settings: dict[str, Any],
    table: pd.DataFrame,
    *,
    star: bool,
) -> None:
    """Fill the table of Gi and Gi* under constant risk."""
    if case.reason:
        return
    own_weight = _self_weight(case.graph) if star else None
    own, near, test = risk_test(subject, case, options, own_weight=own_weight)
    pointing = np.where(near > 0, tail_of(test) > 0, tail_of(test) < 0) & (np.nan_to_num(near) != 0)
    table.loc[case.ids, "value"] = own
    fill(table, case, near, near, test.p_value, test)
    kinds = np.where(near > 0, "hot", "cold")
    classify(
        table, case, options, settings, test, kinds=kinds, pointing=pointing, reachable=_without_limit(test)
    )


def _without_limit(test: PermutationTest) -> NDArray[np.float64] | None:
    """Smallest p under constant risk: as good as 0 where it is computed; by the number of draws elsewhere."""
    return np.where(np.isnan(test.p_value), np.nan, 0.0) if test.computed.any() else None


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
