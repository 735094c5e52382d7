"""Outlines for the page: five decimals, shared borders kept shared, within a size budget.

Statistics never see these outlines; they are for the eye.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import Geometry

#: Units of the page's coordinates per degree: five decimals, about one metre.
PRECISION = 100_000
#: Bytes one vertex takes in the file, delta-coded (measured; for the choice of tolerance only).
_BYTES_PER_VERTEX = 8
#: Size that all outlines of one map may take.
BUDGET_BYTES = 2_000_000
_METRES_PER_DEGREE = 111_320.0
#: Above this many areas the label point is any inner point; the largest inscribed circle would take seconds.
_EXACT_LABELS = 3_000

Ring = list[int]


@dataclass(frozen=True)
class Outlines:
    """What the page draws.

    Attributes
    ----------
    areas : list
        One entry per area: polygons, each a list of rings, each a flat list ``x0, y0, dx1, dy1, ...`` in
        1e-5 degree.
    study : list
        The outline of all areas together, coded the same way.
    labels : list of [x, y, radius]
        Centre (1e-5 degree) and radius (metres) of the largest circle inside each area.
    bounds : (west, south, east, north)
        In degrees.
    tolerance : float
        Metres by which outlines were simplified; 0 when they were not.
    unmatched : int
        Areas whose simplified border is not that of a neighbour, so that slivers may be seen.
    """

    areas: list[list[list[Ring]]]
    study: list[list[Ring]]
    labels: list[list[int]]
    bounds: tuple[float, float, float, float]
    tolerance: float
    unmatched: int = 0


def outline(areas: gpd.GeoDataFrame, *, budget: int = BUDGET_BYTES) -> Outlines:
    """Code the outlines of `areas` for the page.

    Parameters
    ----------
    areas : GeoDataFrame
        Polygons with a CRS, in the order in which the page lists them.
    budget : int
        Bytes the outlines may take. Where they are larger they are simplified as a coverage: neighbours keep
        their common border, so no gaps or slivers appear.
    """
    import shapely

    geometries = np.asarray(areas.geometry.to_crs(4326).array)
    bounds = tuple(float(v) for v in shapely.total_bounds(geometries))
    geometries, tolerance = _simplify(geometries, budget)
    gaps = unmatched(geometries, tolerance) if tolerance else 0
    rounded = shapely.transform(geometries, lambda xy: np.round(xy * PRECISION) / PRECISION)
    return Outlines(
        areas=[encode(g) for g in rounded],
        study=encode(study_outline(geometries)),
        labels=label_points(geometries),
        bounds=bounds,  # type: ignore[arg-type]
        tolerance=tolerance,
        unmatched=gaps,
    )


def encode(geometry: Geometry | None) -> list[list[Ring]]:
    """A polygon or multipolygon as lists of delta-coded rings.

    Examples
    --------
    >>> from shapely import box
    >>> encode(box(0, 0, 0.00002, 0.00001))
    [[[2, 0, 0, 1, -2, 0, 0, -1]]]
    """
    import shapely

    if geometry is None or geometry.is_empty:
        return []
    coded = []
    for polygon in shapely.get_parts(geometry):
        if polygon.geom_type != "Polygon":
            continue
        rings = [encode_path(ring, closed=True) for ring in (polygon.exterior, *polygon.interiors)]
        coded.append([rings[0], *(ring for ring in rings[1:] if len(ring) >= 6)])
    return coded


def encode_path(line: Any, *, closed: bool = False) -> Ring:
    """Coordinates of one line or ring: the first point, then steps; repeated points left out."""
    points = np.round(np.asarray(line.coords)[:, :2] * PRECISION).astype(np.int64)
    if closed:
        points = points[:-1]
    keep = np.ones(len(points), dtype=bool)
    keep[1:] = (np.diff(points, axis=0) != 0).any(axis=1)
    if keep.sum() >= (3 if closed else 2):  # a ring smaller than the grid stays as it is
        points = points[keep]
    steps = np.vstack([points[:1], np.diff(points, axis=0)])
    flat: Ring = steps.ravel().tolist()
    return flat


def label_points(geometries: np.ndarray) -> list[list[int]]:
    """Where the name of each area goes and how much room it has: x, y (1e-5 degree) and radius (metres)."""
    import shapely

    out = []
    for geometry in geometries:
        if geometry is None or geometry.is_empty:
            out.append([0, 0, 0])
            continue
        parts = shapely.get_parts(geometry)
        part = parts[np.argmax(shapely.area(parts))]
        squeeze = math.cos(math.radians(part.centroid.y))
        flat = shapely.transform(part, lambda xy, s=squeeze: xy * (s, 1.0))
        if len(geometries) > _EXACT_LABELS:
            x, y = shapely.get_coordinates(shapely.point_on_surface(flat))[0]
            radius = 0.5 * math.sqrt(flat.area / math.pi)
        else:
            circle = shapely.maximum_inscribed_circle(flat, tolerance=math.sqrt(flat.area) / 25 or 1e-9)
            (x, y), radius = shapely.get_coordinates(circle)[0], circle.length
        out.append([round(x / squeeze * PRECISION), round(y * PRECISION), round(radius * _METRES_PER_DEGREE)])
    return out


def _simplify(geometries: np.ndarray, budget: int) -> tuple[np.ndarray, float]:
    """Simplify as a coverage, with the smallest tolerance that meets the budget (to a factor of 1.2).

    Every trial starts from the last one that was still too large, which is nearly as good as starting from
    the full outlines and much less work.
    """
    import shapely

    allowed = budget // _BYTES_PER_VERTEX
    if shapely.get_num_coordinates(geometries).sum() <= allowed:
        return geometries, 0.0
    latitude = math.radians(float(np.nanmean(shapely.total_bounds(geometries)[[1, 3]])))
    scale = np.array([math.cos(latitude), 1.0]) * _METRES_PER_DEGREE
    base = shapely.transform(geometries, lambda xy: xy * scale)
    low, high = 1.0, _first_tolerance(base)
    best = _coverage(base, high)
    while shapely.get_num_coordinates(best).sum() > allowed and high < 50_000:
        base, low, high = best, high, high * 2
        best = _coverage(base, high)
    while high / low > 1.2:
        middle = math.sqrt(low * high)
        trial = _coverage(base, middle)
        if shapely.get_num_coordinates(trial).sum() <= allowed:
            best, high = trial, middle
        else:
            base, low = trial, middle
    return shapely.transform(best, lambda xy: xy / scale), high


def _first_tolerance(metres: np.ndarray) -> float:
    """A quarter of the middle distance between neighbouring vertices: less takes hardly any away."""
    import shapely

    steps = np.hypot(*np.diff(shapely.get_coordinates(metres), axis=0).T)
    return max(1.2, float(np.median(steps)) / 4)


def unmatched(geometries: np.ndarray, gap: float = 0.0) -> int:
    """How many areas have a border that is not a neighbour's: an overlap, or a gap up to `gap` metres."""
    import shapely

    faults = shapely.coverage_invalid_edges(geometries, gap / _METRES_PER_DEGREE)
    return int((shapely.length(faults) > 0).sum())


def _coverage(metres: np.ndarray, tolerance: float) -> np.ndarray:
    import shapely

    simplified: np.ndarray = shapely.coverage_simplify(metres, tolerance)
    return simplified


def study_outline(geometries: np.ndarray) -> Geometry:
    """The outline of the study area; a coverage is dissolved along its edges, anything else by overlay.

    Slits between boundaries that do not quite meet are closed: a dark line in the middle of the map would
    look like a border.
    """
    import shapely

    whole = geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))]
    if shapely.coverage_is_valid(whole):
        joined = shapely.coverage_union_all(whole)
    else:
        joined = shapely.union_all(shapely.make_valid(whole), grid_size=1 / PRECISION)
    parts = shapely.get_parts(joined)
    if len(parts) > 1:  # corners that differ in the last digit keep parts apart that touch
        joined = shapely.union_all(parts, grid_size=1 / PRECISION)
    west, south, east, north = joined.bounds
    slit = max(east - west, north - south) / 300
    return shapely.union_all([_without_slits(part, slit) for part in shapely.get_parts(joined)])


def _without_slits(polygon: Any, width: float) -> Any:
    import shapely

    def open_ground(ring: Any) -> bool:
        hole = shapely.Polygon(ring)
        circle = shapely.maximum_inscribed_circle(hole, tolerance=width / 20)
        return bool(circle.length * 2 > width)

    holes = [ring for ring in polygon.interiors if open_ground(ring)]
    return shapely.Polygon(polygon.exterior, holes)
