"""Points placed in areas, block by block: what the join, the count of large files and the cluster share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.geo.coordinates import transform_xy
from safemap.geo.crs import to_metres
from safemap.geo.locating import AreaLocator
from safemap.geo.points import MISSING, NEAREST, OUTSIDE, id_ranks, nearest_areas

if TYPE_CHECKING:
    import geopandas as gpd

Floats = NDArray[np.float64]

#: upper ends, in metres, of the bands in which points outside are counted
BANDS = (50.0, 500.0)
BAND_NAMES = (f"0-{BANDS[0]:.0f} m", f"{BANDS[0]:.0f}-{BANDS[1]:.0f} m", f"over {BANDS[1]:.0f} m")


class Placed(NamedTuple):
    """Position of the area (-1 for none) and match of every point."""

    area: NDArray[np.int32]
    match: NDArray[np.int8]  #: position in :data:`safemap.geo.points.MATCHES`
    bands: NDArray[np.int64]  #: points outside, by distance to the nearest area


class Coordinates:
    """Coordinates of points, brought into each coordinate system once."""

    def __init__(self, x: Floats, y: Floats, crs: Any) -> None:
        self.x, self.y, self.crs = x, y, crs
        self._known: dict[str, tuple[Floats, Floats]] = {}

    def within(self, crs: Any) -> tuple[Floats, Floats]:
        """The coordinates in another system."""
        key = crs.to_wkt()
        if key not in self._known:
            self._known[key] = transform_xy(self.x, self.y, self.crs, crs)
        return self._known[key]


class AreaPlacer:
    """Areas that can be asked again and again where points lie.

    Parameters
    ----------
    areas : GeoDataFrame
        Checked by :func:`safemap.geo.polygons.require_areas`; ids are text.
    expected : int
        Number of points to come.
    max_distance : float
        Metres within which a point outside all areas goes to the nearest one.
    window : (xmin, ymin, xmax, ymax), optional
        Box of the points to come, in the system of the areas, where it is known.
    measure : bool
        Whether points outside are counted by distance to the nearest area, which takes time.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> areas = gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], index=["a", "b"], crs=4326)
    >>> placer = AreaPlacer(areas, expected=3)
    >>> placer.place(Coordinates(np.array([0.5, 1.0, 9.0]), np.array([0.5, 0.5, 0.5]), 4326)).area.tolist()
    [0, 0, -1]
    """

    def __init__(
        self,
        areas: gpd.GeoDataFrame,
        *,
        expected: int,
        max_distance: float = 0.0,
        window: tuple[float, float, float, float] | None = None,
        measure: bool = True,
    ) -> None:
        self.max_distance = max_distance
        self._ranks = id_ranks(areas.index)
        shapes = areas.geometry.to_numpy()
        self._locator = AreaLocator(shapes, self._ranks, expected=expected, window=window)
        self._areas, self._measures = areas, measure or max_distance > 0
        self._metric: gpd.GeoDataFrame | None = None

    def place(self, points: Coordinates) -> Placed:
        """Where each point lies; what lies outside is measured, and attached where `max_distance` allows."""
        area, match = self._locator.locate(*points.within(self._areas.crs))
        match[np.isnan(points.x) | np.isnan(points.y)] = MISSING
        outside = np.flatnonzero(match == OUTSIDE)
        if not len(outside) or not self._measures:
            return Placed(area, match, np.zeros(len(BAND_NAMES), dtype=np.int64))
        if self._metric is None:
            self._metric, _ = to_metres(self._areas)
        shapes = self._metric.geometry.to_numpy()
        x, y = transform_xy(points.x[outside], points.y[outside], points.crs, self._metric.crs)
        reach = max(BANDS[-1], self.max_distance)
        near, metres = nearest_areas(x, y, shapes, self._ranks, max_distance=reach)
        attach = (near >= 0) & (metres <= self.max_distance) & (self.max_distance > 0)
        area[outside[attach]] = near[attach]
        match[outside[attach]] = NEAREST
        band = np.searchsorted(BANDS, metres[~attach], side="left")
        return Placed(area, match, np.bincount(band, minlength=len(BAND_NAMES)))
