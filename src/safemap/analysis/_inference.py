"""From values and neighbours to p-values, adjusted p-values and classes; shared by the local statistics."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from safemap._typing import Adjust, Alternative
from safemap.analysis._alignment import Case, Subject
from safemap.errors import ConfigError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.geo.graph import AreaGraph
    from safemap.stats.permutation import PermutationTest

#: False discovery rates of the tiers of Gi and Gi*, in percent.
TIERS = (1, 5, 10)


class Options(NamedTuple):
    """How the areas are tested."""

    permutations: int
    max_permutations: int
    alternative: Alternative
    adjust: Adjust
    alpha: float
    rng: int

    @property
    def refine_below(self) -> float:
        """Fixed before the data are seen, and one for all local statistics, so that they share one p."""
        return max(self.alpha, TIERS[-1] / 100)


def check_options(
    permutations: int, max_permutations: int, alternative: str, adjust: str, alpha: float
) -> None:
    for name, number in (("permutations", permutations), ("max_permutations", max_permutations)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ConfigError(f"{name} must be a whole number of 1 or more; got {number!r}.")
    if alternative not in get_args(Alternative):
        known = ", ".join(get_args(Alternative))
        raise ConfigError(f"alternative must be one of {known}; got {alternative!r}.")
    if adjust not in get_args(Adjust):
        raise ConfigError(f"adjust must be one of {', '.join(get_args(Adjust))}; got {adjust!r}.")
    if not isinstance(alpha, Real) or not 0 < alpha < 1:
        raise ConfigError(f"alpha must lie between 0 and 1, such as 0.05; got {alpha!r}.")


def blank_table(subject: Subject, graph: AreaGraph) -> pd.DataFrame:
    """The columns of a local result before anything is known."""
    import pandas as pd

    table = pd.DataFrame(
        {"neighbours": graph.cardinalities.to_numpy(), "value": subject.values}, index=subject.frame.index
    )
    for column in ("statistic", "z_score", "p_value", "p_adjusted"):
        table[column] = np.nan
    table["permutations"] = 0
    table["cluster"] = np.where(np.isnan(subject.values), "no data", "")
    return table


def permute(case: Case, options: Options, *, flip: NDArray[np.bool_] | None = None) -> PermutationTest:
    """The test that all local statistics of the neighbours' sum share.

    Counts of a small range are not drawn: the exact distribution is cheaper and has no Monte Carlo error.
    """
    from safemap.stats.permutation import conditional_test

    return conditional_test(
        case.values,
        case.graph.matrix,
        permutations=options.permutations,
        max_permutations=options.max_permutations,
        refine_below=options.refine_below,
        alternative=options.alternative,
        flip=flip,
        counts=True,
        weighted=case.graph.weights is not None,
        rng=options.rng,
    )


def tail_of(test: PermutationTest) -> NDArray[np.int64]:
    """1 where the neighbours' sum is in its upper tail, -1 in the lower, 0 in the middle."""
    return np.nan_to_num(np.sign(test.tails.at_most - test.tails.at_least)).astype(np.int64)


def conditional_z(case: Case) -> NDArray[np.float64]:
    """The neighbours' sum in units of its standard deviation under conditional permutation."""
    from safemap.stats.autocorrelation import local_getis_ord
    from safemap.stats.permutation import conditional_moments

    if case.graph.weights is not None:  # Gi is just that
        return local_getis_ord(case.values, case.graph.weights, star=False)
    cards = case.graph.cardinalities.to_numpy()
    mean, variance = conditional_moments(case.values, cards)
    possible = variance > 0
    sums = case.graph.adjacency @ case.values
    return np.where(possible, (sums - mean) / np.sqrt(np.where(possible, variance, 1.0)), np.nan)


def fill(
    table: pd.DataFrame,
    case: Case,
    statistic: NDArray[np.float64],
    z_score: NDArray[np.float64],
    p_value: NDArray[np.float64],
    test: PermutationTest,
) -> None:
    """Write the numbers of the areas that have neighbours."""
    linked = ~np.isnan(p_value)
    ids = case.ids[linked]
    table.loc[case.ids, "neighbours"] = case.graph.cardinalities.to_numpy()
    for column, numbers in (("statistic", statistic), ("z_score", z_score), ("p_value", p_value)):
        table.loc[ids, column] = numbers[linked]
    table.loc[ids, "permutations"] = np.where(test.computed, 0, test.tails.draws)[linked]


def classify(
    table: pd.DataFrame,
    case: Case,
    options: Options,
    settings: dict[str, Any],
    test: PermutationTest,
    *,
    kinds: NDArray[Any],
    pointing: NDArray[np.bool_],
    reachable: NDArray[np.float64] | None = None,
) -> None:
    """Adjust, say what could be reached, and give every area its class."""
    from safemap.stats.multiple_testing import adjust_p, fewest_findings, smallest_adjusted_p
    from safemap.stats.permutation import smallest_p
    from safemap.stats.weighted_permutation import uneven_rows

    p = table.loc[case.ids, "p_value"].to_numpy()
    adjusted = adjust_p(p, options.adjust)
    table.loc[case.ids, "p_adjusted"] = adjusted
    if reachable is None:
        reachable = smallest_p(
            len(case.ids),
            case.graph.cardinalities.to_numpy(),
            permutations=options.permutations,
            max_permutations=options.max_permutations,
            refine_below=options.refine_below,
            alternative=options.alternative,
            computed=test.computed,
            ordered=uneven_rows(case.graph.matrix),
        )
    best = smallest_adjusted_p(reachable, options.adjust)
    tested = ~np.isnan(p)
    settings |= {
        "areas_tested": int(tested.sum()),
        "refine_below": options.refine_below,
        "refined": int(test.refined.sum()),
        "computed": int(test.computed.sum()),
        "smallest_p": float(np.nanmin(reachable)) if tested.any() else float("nan"),
        "smallest_p_adjusted": best,
        "fewest_findings": fewest_findings(reachable, options.adjust, options.alpha),
        "p_below_alpha": int((p[tested] <= options.alpha).sum()),
    }
    if tested.any() and best > options.alpha:
        cluster = np.full(len(p), "too few areas", dtype=object)
        settings["notes"].append(
            f"Too few areas: whatever the data, no adjusted p can be below {best:.3g}. Use a finer level of "
            "areas or a grid of cells."
        )
    else:
        if settings["fewest_findings"] > 1:
            settings["notes"].append(
                "An area alone cannot be found among so many, whatever its value: at least "
                f"{settings['fewest_findings']:,} must have the smallest p together."
                + ("" if test.tails.exact[tested].all() else " Raise max_permutations.")
            )
        cluster = _finding(kinds, np.where(pointing, adjusted, np.nan), options)
    table.loc[case.ids, "cluster"] = np.where(tested, cluster, "no neighbours")


def _finding(kinds: NDArray[Any], adjusted: NDArray[np.float64], options: Options) -> NDArray[Any]:
    """The class of each area from its kind and its adjusted p (missing where the two do not agree)."""
    kinds = kinds.astype(object)
    if "hot" not in kinds and "cold" not in kinds:
        return np.where(adjusted <= options.alpha, kinds, "not significant")
    out = np.full(len(kinds), "not significant", dtype=object)
    for tier in reversed(TIERS):
        reached = adjusted <= tier / 100
        out[reached] = kinds[reached] + f"-{tier}"
    return out


def assembled(subject: Subject, table: pd.DataFrame, reason: str) -> gpd.GeoDataFrame:
    """Carried columns, the table, and the geometry, in the order of the areas."""
    import geopandas as gpd

    frame = subject.frame
    if reason:
        table.loc[table["cluster"] == "", "cluster"] = reason
    table["cluster"] = table["cluster"].astype(str)
    carried = {c: frame[c] for c in ("name", "events", "population") if c in frame.columns}
    for target in ("events", "population"):
        source = subject.described[target]
        if source:
            carried[target] = frame[source]
    columns = {**carried, **{c: table[c] for c in table.columns}, "geometry": frame.geometry}
    return gpd.GeoDataFrame(columns, geometry="geometry", crs=frame.crs, index=frame.index)
