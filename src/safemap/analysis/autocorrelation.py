"""Are neighbours more alike than chance would make them? For the whole map, and area by area.

check -> align -> compute (:mod:`safemap.stats`) -> assemble. Areas that cannot be tested keep their row and
get a class that says why; only input that makes no sense raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safemap._typing import RNG, Adjust, Alternative, AreasLike, Like, Null
from safemap.analysis._alignment import read_subject
from safemap.analysis._global import Figures, GlobalOptions, whole_map
from safemap.analysis._inference import TIERS
from safemap.analysis._local import Asked, begin, end, fill_getis_ord, fill_moran
from safemap.analysis.autocorrelation_results import (
    GlobalMoranResult,
    LocalGetisOrdResult,
    LocalMoranResult,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph


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
    like: Like | None = None,
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
    like : {"esda", "spdep", "geoda", "esri"}, optional
        Give z and p as another program prints them; the summary says what that changes. Default: safemap's.
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
    options = GlobalOptions(permutations, alternative, alpha, rng, like)
    subject = read_subject(areas, column, events, population)
    return whole_map(GlobalMoranResult, subject, graph, options, _moran_figures)


def _moran_figures(values: NDArray[np.float64], graph: AreaGraph, permutations: int, rng: int) -> Figures:
    from safemap.stats.autocorrelation import moran, permuted_moran, row_standardised

    weights = row_standardised(graph.matrix)
    result = moran(values, weights)
    simulated = permuted_moran(values, weights, permutations=permutations, rng=rng)
    return Figures(result.statistic, simulated, result.expected, result.z_randomisation)


def local_moran(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    null: Null = "auto",
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust | None = None,
    alpha: float = 0.05,
    p_mid: bool = False,
    like: Like | None = None,
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
    null : {"auto", "both", "permutation", "constant-risk"}
        What chance is. ``permutation``: the values of the other areas could have been dealt out otherwise.
        ``constant-risk``, with `events` and `population`: everybody runs the same risk, so events fall on
        areas as people do. ``both``: neither explains the area, p is the larger one. ``auto``: both where
        there are whole counts and people and neighbours count the same, else permutation; see the notes.
    permutations, max_permutations : int
        Draws for every area, and for the areas whose first p is at most `alpha` or 0.1, whichever is larger:
        their p comes from a second, independent table of draws.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: alike (positive I).
    adjust : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}, optional
        How the p-values are adjusted for the number of areas tested. Default: ``fdr_bh``, or the rule of the
        program in `like`.
    alpha : float
        Level the adjusted p is compared with.
    p_mid : bool
        Add a column ``p_mid``: p with half of the probability of a tie, less cautious where values are few.
        Classes never go by it.
    like : {"esda", "spdep", "geoda", "esri"}, optional
        Give statistic, z, p and classes as another program prints them; the summary says what that changes
        and whether it holds its level. Default: safemap's own. See the table in ``docs/local-statistics.md``.
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

    Permutations of the EB index go wrong where areas with few expected events lie together: up to 29 % of
    maps of equal risk had a finding. Constant risk goes wrong where risks differ without being clustered:
    nearly every such map had one. Asking for both costs one or two percentage points of power and keeps the
    level in either case (``docs/validity.md``), so it is the default for events and population. The z-score
    is that of the permutations.

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
    asked = Asked(permutations, max_permutations, alternative, adjust, alpha, rng, like, p_mid, null)
    subject = read_subject(areas, column, events, population)
    task = begin("local_moran", subject, graph, asked, variance="n-1")
    fill_moran(task)
    return end(LocalMoranResult, task)


def local_getis_ord(
    areas: AreasLike,
    column: str | None = None,
    *,
    events: str | None = None,
    population: str | None = None,
    graph: Any,
    star: bool = True,
    null: Null = "auto",
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    alternative: Alternative = "two-sided",
    adjust: Adjust | None = None,
    alpha: float = 0.05,
    p_mid: bool = False,
    like: Like | None = None,
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
    null : {"auto", "both", "permutation", "constant-risk"}
        What chance is. ``permutation``: the values of the other areas could have been dealt out otherwise.
        ``constant-risk``, with `events` and `population`: everybody runs the same risk, so events fall on
        areas as people do. ``both``: neither explains the area, p is the larger one. ``auto``: both where
        there are whole counts and people and neighbours count the same, else permutation; see the notes.
    permutations, max_permutations : int
        Draws for every area, and for the areas whose first p is at most `alpha` or 0.1, whichever is larger:
        their p comes from a second, independent table of draws.
    alternative : {"two-sided", "greater", "less"}
        ``greater``: hot.
    adjust : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}, optional
        How the p-values are adjusted for the number of areas tested. Default: ``fdr_bh``, or the rule of the
        program in `like`.
    alpha : float
        Level the summary and ``flagged`` go by. The tiers go by 1, 5 and 10 % whatever `alpha` is.
    p_mid : bool
        Add a column ``p_mid``: p with half of the probability of a tie, less cautious where values are few.
        Classes never go by it.
    like : {"esda", "spdep", "geoda", "esri"}, optional
        Give statistic, z, p and classes as another program prints them; the summary says what that changes
        and whether it holds its level. Default: safemap's own. See the table in ``docs/local-statistics.md``.
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

    Why both nulls are the default for events and population: see :func:`local_moran`.

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
    asked = Asked(permutations, max_permutations, alternative, adjust, alpha, rng, like, p_mid, null)
    subject = read_subject(areas, column, events, population)
    task = begin("local_getis_ord", subject, graph, asked, variance="n", star=star, tiers=TIERS)
    fill_getis_ord(task, star=star)
    return end(LocalGetisOrdResult, task)
