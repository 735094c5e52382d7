"""Coordinates: from one system into another, and what is wrong with those outside the study area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.errors import CRSError
from safemap.settings import threshold

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj

Floats = NDArray[np.float64]

#: repairs that can be accepted by name, and what they mean
REPAIRS = {
    "swapped": "longitude and latitude are swapped",
    "sign": "a minus sign is missing",
    "micro-degrees": "coordinates are degrees times 1,000,000",
}


#: powers of ten by which whole-number degrees are multiplied, by the name of the repair
SCALES = {"micro-degrees": 1e6, "degrees-e5": 1e5, "degrees-e7": 1e7}


class Box(NamedTuple):
    """A rectangle in the units of a coordinate system."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    def holds(self, x: Floats, y: Floats) -> NDArray[np.bool_]:
        """True where a point lies in the box; NaN lies nowhere."""
        return (x >= self.xmin) & (x <= self.xmax) & (y >= self.ymin) & (y <= self.ymax)

    def widened(self, share: float) -> Box:
        """The box with a margin of `share` of its larger side on each side."""
        margin = share * max(self.xmax - self.xmin, self.ymax - self.ymin)
        return Box(self.xmin - margin, self.ymin - margin, self.xmax + margin, self.ymax + margin)


class Suspicion(NamedTuple):
    """What could explain that points do not lie in the study area."""

    cause: str  #: key of :data:`REPAIRS`, or ``metres``
    words: str
    share: float  #: share of the points it would bring into the study area
    advice: str  #: the argument that accepts the repair


def as_crs(crs: Any) -> pyproj.CRS:
    """Any way of naming a coordinate system as a :class:`pyproj.CRS`."""
    import pyproj

    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise CRSError(f"crs={crs!r} is not a known coordinate system. Example: crs='EPSG:32614'.") from error


def crs_name(crs: Any) -> str:
    """Short name of a coordinate system: its authority code, or else its name."""
    system = as_crs(crs)
    authority = system.to_authority()
    return ":".join(authority) if authority else system.name


def transform_xy(x: Floats, y: Floats, source: Any, target: Any) -> tuple[Floats, Floats]:
    """Coordinates (longitude or easting first) in another system; NaN where they have no place in it."""
    import pyproj

    source, target = as_crs(source), as_crs(target)
    if source == target or source.equals(target, ignore_axis_order=True):
        return x, y
    there = pyproj.Transformer.from_crs(source, target, always_xy=True).transform(x, y, errcheck=False)
    new_x, new_y = (np.where(np.isfinite(v), v, np.nan) for v in there)
    return new_x, new_y


def study_box(areas: gpd.GeoDataFrame, crs: Any, *, margin: float | None = None) -> Box:
    """Box of all areas in the system `crs`, with a margin (share of its larger side, default 0.10)."""
    share = threshold("far_outside_share") if margin is None else margin
    bounds = areas.geometry.to_crs(as_crs(crs)).total_bounds
    return Box(*(float(v) for v in bounds)).widened(share)


def in_range(x: Floats, y: Floats, crs: Any) -> NDArray[np.bool_]:
    """True where coordinates exist in the system: degrees within 180 and 90, metres on Earth."""
    if as_crs(crs).is_geographic:
        return (np.abs(x) <= 180) & (np.abs(y) <= 90)
    return (np.abs(x) <= 5e7) & (np.abs(y) <= 5e7)


def repaired(x: Floats, y: Floats, repair: str) -> list[tuple[Floats, Floats]]:
    """What the coordinates would be under a repair; signs can be wrong in three ways."""
    if repair == "swapped":
        return [(y, x)]
    if repair == "sign":
        return [(-x, y), (x, -y), (-x, -y)]
    if repair == "swapped+sign":
        return [(-y, x), (y, -x), (-y, -x)]
    if repair.startswith("metres:"):
        with np.errstate(all="ignore"):
            return [transform_xy(x, y, repair.removeprefix("metres:"), 4326)]
    return [(x / SCALES[repair], y / SCALES[repair])]


def repair_words(repair: str) -> str:
    """What a repair says about the coordinates; an empty text where there is no such repair.

    Examples
    --------
    >>> repair_words("metres:EPSG:32614"), repair_words("rotate")
    ('the columns hold metres (EPSG:32614), not degrees', '')
    """
    if repair in REPAIRS:
        return REPAIRS[repair]
    if repair in SCALES:
        return f"coordinates are degrees times {SCALES[repair]:,.0f}"
    if repair == "swapped+sign":
        return "longitude and latitude are swapped, and a minus sign is missing"
    if repair.startswith("metres:"):
        return f"the columns hold metres ({crs_name(repair.removeprefix('metres:'))}), not degrees"
    return ""


def suspicions(x: Floats, y: Floats, crs: Any, areas: gpd.GeoDataFrame) -> list[Suspicion]:
    """Causes that would bring points into the study area which now lie outside, the strongest first.

    Parameters
    ----------
    x, y : ndarray
        Coordinates of all points, NaN where missing.
    crs : any
        Coordinate system they are said to be in.
    areas : GeoDataFrame
        The study area.
    """
    box = study_box(areas, crs)
    there = ~np.isnan(x) & ~np.isnan(y)
    n = max(int(there.sum()), 1)
    found = []
    for repair, words in REPAIRS.items():
        if repair == "micro-degrees" and not as_crs(crs).is_geographic:
            continue
        share = max(int(box.holds(a, b).sum()) for a, b in repaired(x, y, repair)) / n
        found.append(Suspicion(repair, words, share, f"accept the repair with repair={repair!r}"))
    if as_crs(crs).is_geographic:
        found.append(_as_metres(x, y, areas, n))
    return sorted((s for s in found if s.share > 0), key=lambda s: -s.share)


def _as_metres(x: Floats, y: Floats, areas: gpd.GeoDataFrame, n: int) -> Suspicion:
    """Whether "degrees" are metres of the local UTM zone or of the areas' own projected system."""
    from safemap.geo.crs import local_utm_epsg

    systems = {f"EPSG:{local_utm_epsg(areas)}"}
    if areas.crs.is_projected:
        systems.add(crs_name(areas.crs))
    shares = {name: int(study_box(areas, name).holds(x, y).sum()) / n for name in sorted(systems)}
    best = max(shares, key=lambda name: shares[name])
    advice = (
        f"read the file again with x=, y= and crs={best!r} (if that is the system) in place of lon= and lat="
    )
    return Suspicion("metres", f"the columns hold metres ({best}), not degrees", shares[best], advice)


def micro_degrees_or_metres(x: Floats, y: Floats) -> tuple[str, str, float, str]:
    """What coordinates far beyond 180 and 90 may be, without a study area: cause, words, share, advice."""
    micro = (np.abs(x) > 1e4) & (np.abs(y) > 1e4) & (np.abs(x) <= 1.8e8) & (np.abs(y) <= 9e7)
    metric = (x > 1e5) & (x < 9e5) & (np.abs(y) < 1e7)  # the range of easting in a UTM zone
    if metric.mean() > 0.5:
        advice = (
            "read the file again with x=, y= and crs= (such as crs='EPSG:32614') in place of lon= and lat="
        )
        return "metres", "the columns hold metres, not degrees", float(metric.mean()), advice
    advice = "accept the repair with repair='micro-degrees'"
    return "micro-degrees", REPAIRS["micro-degrees"], float(micro.mean()), advice
