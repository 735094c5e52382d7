"""Coordinate systems in doubt: which ones fit the study area, and how far a datum shift moves points."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.errors import InputError
from safemap.geo.coordinates import as_crs, crs_name, study_box, transform_xy

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: metres above which the accuracy of a transformation is worth a word
COARSE = 10.0
#: datums of older maps of the region, whose ways to WGS 84 differ by place
COARSE_DATUMS = ("Arc 1960", "Pulkovo 1942")
#: systems met in registers of the cities safemap was made for, beside the UTM zones around the study area
REGIONAL = (4326, 21037, 21036, 4210, 28412, 28411, 4284, 6369, 6372, 4267, 3857)


def datum_notes(crs: Any) -> list[str]:
    """A note where the way from a system to WGS 84 is known to no better than 10 m (Arc 1960 ...).

    Examples
    --------
    >>> datum_notes("EPSG:32737"), len(datum_notes("EPSG:21037"))
    ([], 1)
    """
    if crs is None:
        return []
    from pyproj.transformer import TransformerGroup

    system = as_crs(crs)
    if system.geodetic_crs is None or system.geodetic_crs.equals(as_crs(4326), ignore_axis_order=True):
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a grid that is not installed is part of what is looked for
        ways = TransformerGroup(system, 4326, always_xy=True).transformers
    datum = system.geodetic_crs.name
    known = [way.accuracy for way in ways if 0 <= way.accuracy < 900] or [-1.0]
    best = max(known) if datum in COARSE_DATUMS else known[0]  # the first way may not be that of the region
    if 0 <= best <= COARSE:
        return []
    how = f"to {best:.0f} m" if best > 0 else "to no stated accuracy"
    return [
        f"{crs_name(system)} is on the datum {datum}, whose way to WGS 84 is known {how}: points may be "
        "off by that, "
        "and by hundreds of metres if the file is really on WGS 84. Compare a few known places "
        "(safemap.compare_control_points)."
    ]


def propose_crs(points: Any, *, within: gpd.GeoDataFrame, candidates: Sequence[Any] = ()) -> pd.DataFrame:
    """Coordinate systems ranked by the share of points that they would put into the study area.

    Parameters
    ----------
    points : Incidents, GeoDataFrame, or (x, y)
        Points (or areas, by their corners) whose system is not known.
    within : GeoDataFrame
        The study area, in a known system.
    candidates : sequence, optional
        Further systems to try. UTM zones around the study area (WGS 84), its own system, Arc 1960 and
        Pulkovo 1942
        zones, the Mexican systems and plain degrees are always tried.

    Returns
    -------
    pandas.DataFrame
        Index ``crs``; ``share`` of points in the box of the study area, ``rows``, ``name``, the best first.
        Systems that
        differ by a datum only have nearly the same share: only known places tell them apart.

    Examples
    --------
    >>> import geopandas as gpd, numpy as np
    >>> from shapely.geometry import box
    >>> city = gpd.GeoDataFrame(geometry=[box(69.1, 41.2, 69.4, 41.4)], crs=4326)
    >>> propose_crs((np.array([515_000.0]), np.array([4_572_000.0])), within=city).index[0]
    'EPSG:32642'
    """
    import pandas as pd

    x, y = _xy(points)
    there = np.isfinite(x) & np.isfinite(y)
    if not there.any():
        raise InputError("there are no coordinates from which a system could be told.")
    found = {}
    for candidate in [*candidates, *usual_systems(within)]:
        system = as_crs(candidate)
        name = crs_name(system)
        if name in found:
            continue
        lon, lat = transform_xy(x[there], y[there], system, 4326)
        inside = study_box(within, 4326).holds(lon, lat)
        found[name] = (float(inside.mean()), int(inside.sum()), system.name)
    table = pd.DataFrame.from_dict(found, orient="index", columns=["share", "rows", "name"]).rename_axis(
        "crs"
    )
    order = np.argsort(-table["share"].to_numpy(), kind="stable")
    return table.iloc[order]


def compare_control_points(
    recorded: Any,
    known: Any,
    *,
    crs: Any,
    candidates: Sequence[Any] = (),
    within: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """How far known places are from where the file puts them, under each coordinate system.

    Parameters
    ----------
    recorded : (x, y)
        Coordinates of at least five places as the file has them.
    known : (lon, lat)
        The same places in degrees on WGS 84, from a source of trust.
    crs : any
        System the file is said to be in.
    candidates : sequence, optional
        Other systems to compare; with `within` also the usual ones there.
    within : GeoDataFrame, optional
        The study area.

    Returns
    -------
    pandas.DataFrame
        Index ``crs``, the stated one first, then the others by distance; ``median_m``, ``longest_m``
        (metres on the
        ellipsoid), ``stated``.

    Raises
    ------
    InputError
        If fewer than five places are given, or their numbers differ.
    """
    import pandas as pd
    import pyproj

    (x, y), (lon, lat) = _xy(recorded), _xy(known)
    if len(x) != len(lon) or len(x) < 5:
        raise InputError(f"five or more places are needed, the same in both; got {len(x)} and {len(lon)}.")
    systems = [crs, *candidates, *(usual_systems(within) if within is not None else ())]
    found: dict[str, tuple[float, float, bool]] = {}
    for i, system in enumerate(systems):
        a, b = transform_xy(x, y, system, 4326)
        name = crs_name(system)
        if name in found or not (np.isfinite(a) & np.isfinite(b)).all():
            continue
        metres = pyproj.Geod(ellps="WGS84").inv(a, b, lon, lat)[2]
        found[name] = (float(np.median(metres)), float(np.max(metres)), i == 0)
    table = pd.DataFrame.from_dict(found, orient="index", columns=["median_m", "longest_m", "stated"])
    table = table.rename_axis("crs")
    return table.sort_values(["stated", "median_m"], ascending=[False, True], kind="stable")


def usual_systems(within: gpd.GeoDataFrame) -> list[Any]:
    """Systems a file may be in: the UTM zone of the areas and those beside, their own, the regional ones."""
    from safemap.geo.crs import local_utm_epsg

    zone = local_utm_epsg(within)
    beside = [z for z in (zone - 1, zone + 1) if 1 <= z % 100 <= 60]
    own = [within.crs] if within.crs is not None else []
    return [zone, *own, *beside, *REGIONAL]


def _xy(points: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import geopandas as gpd

    if isinstance(points, (gpd.GeoDataFrame, gpd.GeoSeries)):
        corners = points.geometry.get_coordinates()
        return corners["x"].to_numpy(dtype=float), corners["y"].to_numpy(dtype=float)
    if hasattr(points, "frame"):
        return points.frame["x"].to_numpy(dtype=float), points.frame["y"].to_numpy(dtype=float)
    x, y = (np.atleast_1d(np.asarray(v, dtype=float)) for v in points)
    if x.shape != y.shape:
        raise InputError(f"x and y should be of the same length; got {len(x)} and {len(y)}.")
    return x, y
