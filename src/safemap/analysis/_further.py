"""What the local statistics beyond Moran, Gi and bivariate Moran have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap._typing import Alternative
from safemap.analysis._constant_risk import Sides
from safemap.analysis.autocorrelation_results import Basis, LocalResult

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap._typing import Language
    from safemap.analysis._alignment import Case
    from safemap.analysis._inference import Options
    from safemap.results import Explanation
    from safemap.stats.permutation import PermutationTest


@dataclass(frozen=True, eq=False, repr=False)
class FurtherLocalResult(LocalResult):
    """A local statistic that is no function of one sum over the neighbours."""

    def explain(self, area_id: Any, *, language: Language = "en") -> Explanation:
        """Why an area got its p and its class: its neighbours, and where it lies among what chance gives.

        For the researcher at the desk, as :meth:`safemap.LocalMoranResult.explain`: it shows values of single
        areas.

        Parameters
        ----------
        area_id : label
            An id of ``frame``.
        language : {"en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw"}
            Language of the paragraph and of the picture.

        Returns
        -------
        Explanation
            ``text`` (one paragraph), ``frame`` (one row per neighbour with ``value``, ``weight`` and, where
            several columns are tested, these), ``figure()`` (the distribution of the statistic under the null
            with the observed one). Percentile and p are those of the table; the picture lists all
            neighbourhoods where they are few, else shows 9,999 draws of its own (fewer for LOSH on a large
            map), or the chi-square where that was asked for.

        Raises
        ------
        AlignmentError
            When there is no such area.

        Examples
        --------
        >>> from safemap import build_graph, local_geary
        >>> from safemap.datasets import columbus
        >>> areas = columbus()
        >>> result = local_geary(areas, "CRIME", graph=build_graph(areas, tolerance=0))
        >>> found = result.explain(areas.index[0])
        >>> len(found.frame), round(found.observed, 3), round(float(result.frame["statistic"].iloc[0]), 3)
        (2, 0.422, 0.422)
        """
        return super().explain(area_id, language=language)


def further_basis(
    case: Case,
    options: Options,
    test: PermutationTest,
    *columns: NDArray[np.float64],
    reachable: NDArray[np.float64] | None = None,
) -> Basis:
    """What one area is explained from: the columns that are tested, one value per area of `case`."""
    nowhere = np.zeros(len(case.ids), dtype=bool)
    return Basis(case, options, test, nowhere, reachable, columns=np.column_stack(columns))


def write_mid_p(
    table: pd.DataFrame,
    case: Case,
    test: PermutationTest,
    alternative: Alternative,
    *,
    flip: NDArray[np.bool_] | None = None,
) -> None:
    """A column ``p_mid`` behind the p: half of the probability of a tie. A finding still goes by the p."""
    mid = Sides.of(test.tails).flipped(flip).mid_p(alternative)
    table.insert(table.columns.get_loc("p_value") + 1, "p_mid", np.nan)
    table.loc[case.ids, "p_mid"] = np.where(np.isnan(test.p_value), np.nan, mid)
