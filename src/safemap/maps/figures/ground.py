"""The ground of a printed map: outlines in metres, what lies around them, and how metres become millimetres.

Maps are drawn in a projection in metres, never in degrees. The scale bar does not trust the projection: the
length of a millimetre of paper is measured on the ellipsoid at the centre of the map.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.geo.crs import to_metres
from safemap.maps.context import ContextLike, read_context
from safemap.maps.figures.sheet import Box
from safemap.maps.geometry import PRECISION, label_points, study_outline

if TYPE_CHECKING:
    import geopandas as gpd

#: Corners closer together than this on paper (mm) are drawn as one.
_DETAIL_MM = 0.05


@dataclass(frozen=True)
class Ground:
    """Outlines in metres.

    Attributes
    ----------
    crs : pyproj.CRS
        The projection they are drawn in.
    shapes : ndarray of geometries
        One per area, in their order.
    study : geometry
        All areas together.
    labels : ndarray
        Per area: x and y of the centre of its largest inner circle and the radius, in metres.
    land : list of (geometry, name)
        Neighbouring units.
    lines, points : list of (geometry, name)
        Roads and rivers; stations.
    """

    crs: Any
    shapes: NDArray[Any]
    study: Any
    labels: NDArray[np.float64]
    land: list[tuple[Any, str]] = field(default_factory=list)
    lines: list[tuple[Any, str]] = field(default_factory=list)
    points: list[tuple[Any, str]] = field(default_factory=list)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the areas, in metres."""
        return tuple(float(v) for v in self.study.bounds)  # type: ignore[return-value]


def ground_of(
    areas: gpd.GeoDataFrame, *, context: ContextLike = None, neighbours: ContextLike = None
) -> Ground:
    """The ground of a map of `areas`, with what lies around them, all in one projection in metres."""
    import geopandas as gpd
    import shapely

    metres, _ = to_metres(areas)
    degrees = np.asarray(areas.geometry.to_crs(4326).array)

    def project(geometries: Any) -> NDArray[Any]:
        return np.asarray(gpd.GeoSeries(geometries, crs=4326).to_crs(metres.crs).array)

    spots = np.array(label_points(degrees), dtype=float).reshape(-1, 3)
    around = read_context(
        context, bounds=tuple(shapely.total_bounds(degrees).tolist()), study=areas, neighbours=neighbours
    )
    centres = project(shapely.points(spots[:, :2] / PRECISION))
    return Ground(
        crs=metres.crs,
        shapes=np.asarray(metres.geometry.array),
        study=project([study_outline(degrees)])[0],
        labels=np.column_stack([shapely.get_x(centres), shapely.get_y(centres), spots[:, 2]]),
        **{kind: _projected(around, kind, project) for kind in ("land", "lines", "points")},
    )


def _projected(layers: list[dict[str, Any]], kind: str, project: Any) -> list[tuple[Any, str]]:
    import shapely

    found: list[tuple[Any, str]] = []
    for layer in layers:
        if kind == "land":
            found += [(decode(coded), name) for coded, name, _ in layer["polygons"]]
        elif kind == "lines":
            found += [(shapely.LineString(_corners(path)), name) for path, name in layer["lines"]]
        else:
            found += [(shapely.Point(x / PRECISION, y / PRECISION), name) for x, y, name in layer["points"]]
    if not found:
        return []
    return list(zip(project([g for g, _ in found]), [name for _, name in found], strict=True))


def decode(coded: list[list[list[int]]]) -> Any:
    """A polygon as :func:`safemap.maps.geometry.encode` coded it, in degrees.

    Examples
    --------
    >>> decode([[[2, 0, 0, 1, -2, 0, 0, -1]]]).bounds
    (0.0, 0.0, 2e-05, 1e-05)
    """
    import shapely

    polygons = [
        shapely.Polygon(_corners(rings[0]), [_corners(ring) for ring in rings[1:]])
        for rings in coded
        if rings and len(rings[0]) >= 6
    ]
    return shapely.MultiPolygon(polygons)


def _corners(flat: list[int]) -> NDArray[np.float64]:
    return np.cumsum(np.asarray(flat, dtype=float).reshape(-1, 2), axis=0) / PRECISION


@dataclass(frozen=True)
class View:
    """A window on the ground: a box on the sheet and the metres it shows.

    Attributes
    ----------
    box : Box
        Where it lies on the sheet.
    west, north : float
        Metres at its upper left corner.
    metres_per_mm : float
        Metres of the projection per millimetre of paper.
    """

    box: Box
    west: float
    north: float
    metres_per_mm: float

    @property
    def limits(self) -> tuple[float, float, float, float]:
        """West, south, east, north, in metres."""
        return (
            self.west,
            self.north - self.box.height * self.metres_per_mm,
            self.west + self.box.width * self.metres_per_mm,
            self.north,
        )

    def on_paper(self, x: float, y: float) -> tuple[float, float]:
        """Millimetres on the sheet."""
        return (
            self.box.x + (x - self.west) / self.metres_per_mm,
            self.box.y + (self.north - y) / self.metres_per_mm,
        )

    def in_metres(self, box: Box) -> Any:
        """A box of the sheet as a shape on the ground."""
        import shapely

        m = self.metres_per_mm
        left, top = self.west + (box.x - self.box.x) * m, self.north - (box.y - self.box.y) * m
        return shapely.box(left, top - box.height * m, left + box.width * m, top)


def metres_per_mm(extent: tuple[float, float, float, float], width: float, height: float) -> float:
    """Metres per millimetre at which `extent` fits into `width` by `height` mm."""
    west, south, east, north = extent
    return max((east - west) / width, (north - south) / height, 1e-9)


def fit(
    extent: tuple[float, float, float, float],
    box: Box,
    *,
    padding: float = 2.0,
    bottom: float = 0.0,
    left: float = 0.0,
) -> View:
    """The view that shows `extent` in the middle of `box`, with room around it.

    Parameters
    ----------
    extent : (west, south, east, north)
        Metres.
    box : Box
        On the sheet.
    padding : float
        Millimetres left free on every side.
    bottom, left : float
        Further millimetres left free below and on the left.
    """
    west, south, east, north = extent
    scale = metres_per_mm(
        extent, max(box.width - 2 * padding - left, 0.1), max(box.height - 2 * padding - bottom, 0.1)
    )
    start = (west + east) / 2 - (box.width + left) * scale / 2
    top = (south + north) / 2 + (box.height - bottom) * scale / 2
    return View(box, start, top, scale)


def simplified(shapes: NDArray[Any], scale: float) -> NDArray[Any]:
    """Outlines with the detail that paper can show; neighbours keep their common border."""
    import shapely

    known = np.array([g if g is not None else shapely.Polygon() for g in shapes], dtype=object)
    if shapely.get_num_coordinates(known).sum() < 4 * len(known) + 400:
        return known
    coarse: NDArray[Any] = shapely.coverage_simplify(known, scale * _DETAIL_MM)
    return coarse


def ground_per_mm(crs: Any, view: View) -> float:
    """Metres on the ground, along the ellipsoid, per millimetre of paper at the centre of the view."""
    x, y = _centre(view)
    half = 5 * view.metres_per_mm
    lon, lat = _to_degrees(crs, [x - half, x + half], [y, y])
    return float(_ellipsoid(crs).inv(lon[0], lat[0], lon[1], lat[1])[2] / 10)


def north_angle(crs: Any, view: View) -> float:
    """Degrees, clockwise, by which true north differs from the top of the paper at the centre of the view."""
    from pyproj import Transformer

    x, y = _centre(view)
    lon, lat = _to_degrees(crs, [x], [y])
    back = Transformer.from_crs(crs.geodetic_crs or 4326, crs, always_xy=True)
    east, north = back.transform(lon[0], lat[0] + 0.01)
    return math.degrees(math.atan2(east - x, north - y))


def projection_name(crs: Any) -> str:
    """Short name of the projection, for the note.

    Examples
    --------
    >>> from pyproj import CRS
    >>> projection_name(CRS(32614)), projection_name(CRS(21037))
    ('UTM 14N', 'Arc 1960 / UTM zone 37S')
    """
    if crs.utm_zone and crs.geodetic_crs is not None and crs.geodetic_crs.to_epsg() == 4326:
        return f"UTM {crs.utm_zone}"
    return str(crs.name)


def _centre(view: View) -> tuple[float, float]:
    west, south, east, north = view.limits
    return (west + east) / 2, (south + north) / 2


def _to_degrees(crs: Any, xs: list[float], ys: list[float]) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(crs, crs.geodetic_crs or 4326, always_xy=True).transform(xs, ys)


def _ellipsoid(crs: Any) -> Any:
    return crs.get_geod()


def nice_length(longest: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above `longest`.

    Examples
    --------
    >>> nice_length(3_400), nice_length(99), nice_length(5)
    (2000.0, 50.0, 5.0)
    """
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))


def path_of(geometries: Any) -> Any:
    """Polygons as one matplotlib path; holes run the other way, so that they stay open."""
    import shapely
    from matplotlib.path import Path

    parts: list[Any] = []
    codes: list[NDArray[np.uint8]] = []
    for polygon in shapely.get_parts(np.asarray(geometries, dtype=object)):
        if polygon.geom_type != "Polygon" or polygon.is_empty:
            continue
        turned = shapely.geometry.polygon.orient(polygon)
        for ring in (turned.exterior, *turned.interiors):
            corners = np.asarray(ring.coords)[:, :2]
            code = np.full(len(corners), Path.LINETO, dtype=np.uint8)
            code[0], code[-1] = Path.MOVETO, Path.CLOSEPOLY
            parts.append(corners)
            codes.append(code)
    if not parts:
        return None
    return Path(np.concatenate(parts), np.concatenate(codes))


def names_in(names: Mapping[str, Any], language: str, usual: list[str]) -> list[str]:
    """Names of the areas in `language`; the usual one where there is none."""
    own = names.get(language) or [None] * len(usual)
    return [name or other for name, other in zip(own, usual, strict=True)]
