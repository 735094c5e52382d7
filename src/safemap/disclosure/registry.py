"""One registry of withheld cells, shared by the map, the tables and the GeoPackage of a bundle.

What is hidden in one output is hidden in all of them, and with a count go all numbers from which it could be
computed: its rate, interval, test statistics, smoothed value and class.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from safemap._typing import Audience
from safemap.errors import ConfigError, PrivacyError
from safemap.settings import threshold

if TYPE_CHECKING:
    import pandas as pd

#: Columns that are blanked with the count: each of them is the count in another form.
DEPENDENT_COLUMNS = (
    "events", "before", "after", "n", "value", "estimate", "std_error", "conf_low", "conf_high",
    "statistic", "z_score", "p_value", "p_mid", "p_adjusted", "permutations", "cluster",
    "n_eff", "n_eff_df", "deff", "df", "detectable", "quality", "note", "excess",
    "rate_before", "rate_after", "rate_low", "rate_high", "rate_base", "rate_other",
    "rank_best", "rank_worst", "rank_base", "rank_other", "rank_shift",
)  # fmt: skip

#: Columns of unweighted counts: events of one or of two periods, a numerator and the base of a survey.
COUNT_COLUMNS = ("events", "before", "after", "n")


@dataclass(frozen=True)
class Registry:
    """Which areas are withheld, by one rule.

    Attributes
    ----------
    k : int
        Counts from 1 to ``k - 1`` are withheld (primary suppression).
    audience : {"internal", "partner"}
        For whom the output is made.
    withheld : frozenset
        Ids of areas that are withheld whatever a frame says, because another output withholds them; see
        :meth:`register`.

    Notes
    -----
    Withheld cells are not yet protected against being worked out: from the total of a city less the areas
    that are shown, or from the statistics of their neighbours. That is why ``audience="public"`` is refused.

    Examples
    --------
    >>> import pandas as pd
    >>> rates = pd.DataFrame({"events": [0, 3, 9], "estimate": [0.0, 1.5, 4.0]}, index=["A", "B", "C"])
    >>> registry = Registry(k=5).register(rates)
    >>> sorted(registry.withheld)
    ['B']
    >>> registry.apply(pd.DataFrame({"estimate": [2.0, 2.1]}, index=["B", "C"]))["estimate"].tolist()
    [nan, 2.1]
    """

    k: int = int(threshold("suppress_below"))
    audience: Audience = "internal"
    withheld: frozenset[str] = field(default=frozenset())

    def __post_init__(self) -> None:
        if self.audience not in ("internal", "partner", "public"):
            raise ConfigError(f"audience must be one of internal, partner, public; got {self.audience!r}.")
        if self.audience == "public":
            raise PrivacyError(
                "audience='public' is refused: withheld cells could be recovered from totals, because "
                "complementary suppression is not built yet. Use audience='partner' and agree on its use."
            )
        if self.k < 1:
            raise ConfigError(f"k must be 1 or more (1 withholds nothing); got {self.k}.")

    def register(self, *frames: pd.DataFrame) -> Registry:
        """A registry that also withholds, in every output, the areas that any of `frames` hides.

        Only small counts are carried from one output to the others. A survey estimate that is too uncertain
        to be published says nothing about the counts in another output.
        """
        found = (frame.index[self._small(frame)] for frame in frames)
        return replace(self, withheld=self.withheld.union(*(set(ids) for ids in found)))

    def hidden(self, frame: pd.DataFrame) -> pd.Series:
        """True for each row of `frame` that is withheld.

        Withheld are rows with ``events`` or ``n`` (respondents of a survey) from 1 to ``k - 1``, rows that
        are registered, and survey estimates (frames with ``n_eff``) whose ``quality`` is suppress.

        Examples
        --------
        >>> import pandas as pd
        >>> survey = pd.DataFrame({"n": [4, 12, 90], "n_eff": [4.0, 11.0, 60.0],
        ...                        "quality": ["suppress", "suppress", "publish"]}, index=["A", "B", "C"])
        >>> Registry(k=5).hidden(survey).tolist()
        [True, True, False]
        """
        hidden = self._small(frame)
        if "n_eff" in frame.columns and "quality" in frame.columns:
            hidden |= (frame["quality"] == "suppress").fillna(False).astype(bool)
        return hidden

    def _small(self, frame: pd.DataFrame) -> pd.Series:
        """True for each row with a small count, or registered."""
        import pandas as pd

        small = pd.Series(frame.index.isin(self.withheld), index=frame.index, name="suppressed")
        for column in frame.columns.intersection(COUNT_COLUMNS):
            counts = frame[column]
            small |= ((counts > 0) & (counts < self.k)).fillna(False).astype(bool)
        return small

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A copy of `frame` with the dependent columns of hidden rows empty and a column ``suppressed``."""
        hidden = self.hidden(frame)
        out = frame.copy()
        for column in out.columns.intersection(DEPENDENT_COLUMNS):
            out[column] = _blank(out[column], hidden)
        out["suppressed"] = hidden
        return out

    def apply_counts(self, frame: pd.DataFrame, *, total: str | None = None) -> pd.DataFrame:
        """A copy of a table of counts in which no small count can be read or worked out within its row.

        For tables whose numeric columns are counts of one area that add up or overlap (a reconciliation). A
        row that holds a count from 1 to ``k - 1`` in any column loses all its counts, since the others would
        give it back; only the sum, `total`, stays where it is not small itself. ``suppressed`` marks the row.

        Examples
        --------
        >>> import pandas as pd
        >>> counts = pd.DataFrame({"events": [14, 9], "inside": [12, 9], "boundary": [2, 0]})
        >>> Registry().apply_counts(counts, total="events").values.tolist()
        [[14, <NA>, <NA>, True], [9, 9, 0, False]]
        """
        counts = frame.select_dtypes("number")
        hidden = ((counts > 0) & (counts < self.k)).any(axis=1) | frame.index.isin(self.withheld)
        out = frame.copy()
        for column in counts.columns:
            out[column] = _blank(out[column], self.hidden(frame) if column == total else hidden)
        out["suppressed"] = hidden
        return out


def _blank(column: pd.Series, hidden: pd.Series) -> pd.Series:
    if column.dtype.kind in "iub":
        column = column.astype("Int64")
    return column.mask(hidden, np.nan if column.dtype.kind == "f" else None)
