"""Which kind of event is over-represented where; the arithmetic is :mod:`safemap.stats.location_quotient`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from safemap._typing import AreasLike
from safemap.analysis._alignment import read_frame, read_numbers
from safemap.results import Result
from safemap.settings import threshold


@dataclass(frozen=True, eq=False, repr=False)
class LocationQuotientResult(Result):
    """Location quotients of areas; see :func:`location_quotient`."""

    kind: ClassVar[str] = "location_quotient"

    def _headline(self) -> str:
        f, s = self.frame, self.settings
        above, below = int((f["conf_low"] > 1).sum()), int((f["conf_high"] < 1).sum())
        return (
            f"location quotients of {s['events']} among {s['total']} in {len(f):,} areas: {above:,} clearly "
            f"above 1, {below:,} clearly below, {int(f['estimate'].isna().sum()):,} with too few events"
        )


def location_quotient(
    areas: AreasLike, events: str, total: str, *, confidence: float = 0.95
) -> LocationQuotientResult:
    """Share of one kind among all events of an area, over that share in the whole city.

    Needs no population: for offences whose people at risk nobody has counted. Says what an area is known for,
    not how much happens there.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        One row per area, ids in the index.
    events, total : str
        Columns with the counts of the kind, and of all kinds (the kind included).
    confidence : float
        Coverage of the interval.

    Returns
    -------
    LocationQuotientResult
        ``frame``: one row per area with ``name`` (if given), ``events``, ``n`` (all events), ``estimate``,
        ``conf_low``, ``conf_high``, ``quality``, ``note``, ``geometry``. Missing below 10 events of all
        kinds.

    Raises
    ------
    InputError
        A column is missing or holds no numbers.
    StatisticsError
        More events of the kind than of all, or none anywhere.

    References
    ----------
    Brantingham, P. L., Brantingham, P. J. (1998). Mapping crime for analytic purposes: location quotients,
    counts and rates. In: Weisburd, D., McEwen, T. (eds), Crime Mapping and Crime Prevention, 263-288.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> areas = gpd.GeoDataFrame({"robbery": [12, 68, 0], "all": [60, 935, 5]},
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=32614)
    >>> location_quotient(areas, "robbery", "all").frame["estimate"].round(3).tolist()
    [2.5, 0.909, nan]
    """
    from safemap.stats.location_quotient import location_quotient as quotients

    frame = read_frame(areas, neighbourhood=False)
    x, n = (read_numbers(frame, column, signed=False) for column in (events, total))
    found = quotients(x, n, confidence=confidence)
    few = threshold("rate_events_min")
    shown = n >= few
    names = frame.columns.intersection(["name"])
    out = frame[[*names]].set_geometry(frame.geometry.rename("geometry"))
    columns = {"events": x, "n": n}
    columns |= {
        column: np.where(shown, numbers, np.nan)
        for column, numbers in zip(("estimate", "conf_low", "conf_high"), found, strict=True)
    }
    quality = np.where(shown, "publish", "suppress")
    note = np.select([np.isnan(x + n), ~shown], ["no data", f"fewer than {few:.0f} events of all kinds"], "")
    out = out.assign(**columns, quality=quality, note=note)
    settings = {
        "events": events,
        "total": total,
        "confidence": confidence,
        "unit": "times the share of the city",
    }
    return LocationQuotientResult(
        frame=out[[*names, *columns, "quality", "note", "geometry"]],
        settings=settings,
        audit=areas.audit if isinstance(areas, Result) else None,
    )
