"""One registry of withheld cells, shared by the map, the tables and the GeoPackage of a bundle.

What is hidden in one output is hidden in all of them, and with a count go all numbers from which it could be
computed: its rate, interval, test statistics, smoothed value and class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from safemap._typing import Audience
from safemap.errors import ConfigError, PrivacyError
from safemap.settings import threshold

if TYPE_CHECKING:
    import pandas as pd

#: Columns that are blanked with the count: each of them is the count in another form.
DEPENDENT_COLUMNS = (
    "events", "n", "value", "estimate", "std_error", "conf_low", "conf_high", "statistic", "z_score",
    "p_value", "p_adjusted", "permutations", "cluster", "quality", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Registry:
    """Which areas are withheld, by one rule.

    Attributes
    ----------
    k : int
        Counts from 1 to ``k - 1`` are withheld (primary suppression).
    audience : {"internal", "partner"}
        For whom the output is made.
    """

    k: int = int(threshold("suppress_below"))
    audience: Audience = "internal"

    def __post_init__(self) -> None:
        if self.audience not in ("internal", "partner", "public"):
            raise ConfigError(f"audience must be one of internal, partner, public; got {self.audience!r}.")
        if self.audience == "public":
            raise PrivacyError(
                "audience='public' is refused: withheld cells could be recovered from totals, because complementary "
                "suppression is not built yet. Use audience='partner' and agree on its use in writing."
            )
        if self.k < 1:
            raise ConfigError(f"k must be 1 or more (1 withholds nothing); got {self.k}.")

    def hidden(self, frame: pd.DataFrame) -> pd.Series:
        """True for each row of `frame` whose ``events`` lie between 1 and ``k - 1``."""
        import pandas as pd

        if "events" not in frame.columns:
            return pd.Series(False, index=frame.index, name="suppressed")
        events = frame["events"]
        return ((events > 0) & (events < self.k)).fillna(False).astype(bool).rename("suppressed")

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A copy of `frame` with the dependent columns of hidden rows empty and a column ``suppressed``."""
        hidden = self.hidden(frame)
        out = frame.copy()
        for column in out.columns.intersection(DEPENDENT_COLUMNS):
            if out[column].dtype.kind in "iub":
                out[column] = out[column].astype("Int64")
            out[column] = out[column].mask(hidden, np.nan if out[column].dtype.kind == "f" else None)
        out["suppressed"] = hidden
        return out
