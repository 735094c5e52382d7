"""What the local statistics beyond Moran, Gi and bivariate Moran have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap._typing import Alternative
from safemap.analysis._constant_risk import Sides
from safemap.analysis.autocorrelation_results import LocalResult
from safemap.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap._typing import Language
    from safemap.analysis._alignment import Case
    from safemap.results import Explanation
    from safemap.stats.permutation import PermutationTest


@dataclass(frozen=True, eq=False, repr=False)
class FurtherLocalResult(LocalResult):
    """A local statistic that is no function of one sum over the neighbours."""

    def explain(self, area_id: Any, *, language: Language = "en") -> Explanation:
        """Not for this statistic: its reference distribution is not that of one sum."""
        raise ConfigError(
            f"explain() is for local Moran, Gi and bivariate Moran, not for {self.title}; look at its row: "
            "result.frame.loc[area_id]."
        )


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
