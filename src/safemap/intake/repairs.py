"""Repairs of coordinates: what would bring points into the study area, with its share; nothing is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import InputError
from safemap.geo.coordinates import (
    REPAIRS,
    SCALES,
    as_crs,
    crs_name,
    repair_words,
    repaired,
    study_box,
)
from safemap.intake.columns import require_columns
from safemap.intake.systems import usual_systems

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap.intake.incidents import Incidents

#: shares of rows below which a repair is not worth a line
WORTH = 0.001


def propose_repairs(incidents: Incidents, *, within: gpd.GeoDataFrame) -> pd.DataFrame:
    """What would bring the incidents that lie outside the study area into it.

    Parameters
    ----------
    incidents : Incidents
        From :func:`read_incidents`.
    within : GeoDataFrame
        The study area; its box with a margin of 10 % counts.

    Returns
    -------
    pandas.DataFrame
        One row per repair that would bring one row in a thousand inside or more, the best first:
        ``repair`` (the name
        that ``clean_incidents(repair=[...])`` accepts), ``what``, ``rows``, ``share`` (of the rows outside),
        ``share_of_all`` (of all rows with coordinates), ``inside_now``. Nothing is changed.

    Notes
    -----
    Tried are swapped columns, missing minus signs, both together, degrees times 10^5, 10^6 and 10^7, and
    metres under
    the header of degrees (``metres:EPSG:32614``) in the UTM zones around the study area, its own system and
    those of
    the region. Several can explain the same rows: a repair is an opinion about the file, to be confirmed by
    whoever made
    it. Decimal commas and degrees, minutes and seconds are read as they are and need no repair; the load
    report says so.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import read_incidents
    >>> city = gpd.GeoDataFrame(geometry=[box(-99.2, 19.2, -98.9, 19.5)], index=["a"], crs=4326)
    >>> rows = pd.DataFrame({"lon": [99.1, 99.0, -99.1], "lat": [19.3, 19.4, 19.3]})
    >>> found = propose_repairs(read_incidents(rows, lon="lon", lat="lat"), within=city)
    >>> found[["repair", "rows", "share_of_all"]].round(2).values.tolist()
    [['sign', 2, 0.67]]
    """
    import pandas as pd

    require_columns(incidents.frame.columns, {"x": "x", "y": "y"}, source=incidents.audit.source)
    if within is None or not len(within):
        raise InputError("within= must be the areas of the study area; without it nothing can be inside.")
    crs = incidents.settings["crs"]
    x, y = (incidents.frame[c].to_numpy(dtype=float) for c in ("x", "y"))
    there = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    x, y = x[there], y[there]
    box = study_box(within, crs)
    inside = box.holds(x, y)
    outside, n = ~inside, max(len(x), 1)
    rows = []
    for name in _candidates(crs, within):
        fits = np.zeros(len(x), dtype=bool)
        for a, b in repaired(x, y, name):
            fits |= box.holds(a, b)
        count = int((fits & outside).sum())
        if count and count / n >= WORTH:
            rows.append(
                (name, repair_words(name), count, count / int(outside.sum()), count / n, float(inside.mean()))
            )
    columns = ["repair", "what", "rows", "share", "share_of_all", "inside_now"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def _candidates(crs: Any, within: gpd.GeoDataFrame) -> list[str]:
    if not as_crs(crs).is_geographic:
        return [*(name for name in REPAIRS if name not in SCALES), "swapped+sign"]
    metres = dict.fromkeys(f"metres:{crs_name(s)}" for s in usual_systems(within) if as_crs(s).is_projected)
    return [*dict.fromkeys([*REPAIRS, *SCALES]), "swapped+sign", *metres]
