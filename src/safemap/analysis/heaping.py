"""Times that stand for "not known": noon, midnight, the first of the month, the ends of the year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from safemap.errors import InputError
from safemap.intake.incidents import Incidents
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from safemap.analysis.joining import JoinResult

#: share expected of an even spread, and how often more is called a heap
_TIMES_EXPECTED = 3.0


@dataclass(frozen=True, eq=False, repr=False)
class HeapingResult(Result):
    """Shares of records at times that often stand for a missing one.

    Attributes
    ----------
    frame : pandas.DataFrame
        Index ``moment`` (midnight, noon, first of the month, 1 January, 31 December); ``records``, ``n`` (of
        how many), ``share``, ``expected`` (of an ordinary hour or day), ``ratio``, ``heaped`` (ratio of 3 or
        more, and more records than chance gives).
    """

    kind: ClassVar[str] = "time_heaping"

    def _headline(self) -> str:
        heaps = self.frame[self.frame["heaped"]]
        if heaps.empty:
            return (
                f"Times: no heap at noon, midnight or ends of periods in {self.settings['dated']:,} records"
            )
        named = ", ".join(f"{m} {s:.1%}" for m, s in heaps["share"].items())
        return f"Times heap at {named}: these stand for 'not known' and are left out of hour tables"


def time_heaping(incidents: Incidents | JoinResult) -> HeapingResult:
    """How many records carry a time that probably stands for "not known".

    Parameters
    ----------
    incidents : Incidents or JoinResult
        With dates; with clock times too, noon and midnight can be told.

    Returns
    -------
    HeapingResult

    Raises
    ------
    InputError
        If no date was read.

    Notes
    -----
    Noon and midnight are compared with the other full hours (their median share, and at least 1 of 1,440), so
    that clerks who round to the hour are not taken for clerks who do not know. Days are compared with an even
    spread. A heap needs a ratio of 3 and a Poisson tail below 0.001.

    Examples
    --------
    >>> import pandas as pd
    >>> from safemap import read_incidents
    >>> times = ["2023-05-02 12:00"] * 30 + ["2023-05-03 17:41"] * 20
    >>> rows = pd.DataFrame({"lon": 1.0, "lat": 1.0, "when": times})
    >>> heaps = time_heaping(read_incidents(rows, lon="lon", lat="lat", time="when")).frame
    >>> float(heaps.loc["noon", "share"]), bool(heaps.loc["noon", "heaped"])
    (0.6, True)
    """
    frame = incidents.frame
    if "date" not in frame.columns:
        raise InputError("The incidents have no dates; read them with date= or time=.")
    when = frame["date"].dropna()
    minute = (when.dt.hour * 60 + when.dt.minute).to_numpy()
    clocked = bool((minute != 0).any())
    usual = _usual_share(minute)
    rows = [("midnight", minute == 0, usual), ("noon", minute == 720, usual)] if clocked else []
    month, day = when.dt.month.to_numpy(), when.dt.day.to_numpy()
    rows += [
        ("first of the month", day == 1, 12 / 365.25),
        ("1 January", (month == 1) & (day == 1), 1 / 365.25),
        ("31 December", (month == 12) & (day == 31), 1 / 365.25),
    ]
    table = _table([(name, int(at.sum()), len(when), share) for name, at, share in rows])
    settings = {"dated": len(when), "clock_times": clocked}
    return HeapingResult(frame=table, settings=settings, audit=incidents.audit)


def _usual_share(minute: NDArray[np.int64]) -> float:
    """Share of records at an ordinary full hour, and at least that of any minute."""
    hours = np.bincount(minute[minute % 60 == 0] // 60, minlength=24)
    others = np.delete(hours, (0, 12))
    return max(float(np.median(others)) / max(len(minute), 1), 1 / 1_440)


def _table(rows: list[tuple[str, int, int, float]]) -> pd.DataFrame:
    import pandas as pd
    from scipy.special import pdtrc

    table = pd.DataFrame(rows, columns=["moment", "records", "n", "expected"]).set_index("moment")
    table["share"] = table["records"] / table["n"].where(table["n"] > 0)
    table["ratio"] = table["share"] / table["expected"]
    tail = pdtrc(np.maximum(table["records"] - 1, 0), table["n"] * table["expected"])
    table["heaped"] = (table["ratio"] >= _TIMES_EXPECTED) & (tail < 0.001) & (table["records"] > 0)
    return table[["records", "n", "share", "expected", "ratio", "heaped"]]
