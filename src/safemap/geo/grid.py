"""Grids of square or hexagonal cells that can be used wherever areas are used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from safemap.errors import ConfigError, InputError
from safemap.geo.coordinates import as_crs, crs_name
from safemap.geo.crs import to_metres
from safemap.geo.polygons import require_areas
from safemap.geo.tiling import Cover, Hexagons, Rectangles, Window, cover
from safemap.settings import threshold

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyproj
    from numpy.typing import NDArray
    from shapely import Geometry

    from safemap._typing import AreasLike

CellShape = Literal["square", "hex"]

_ID = re.compile(r"([NS])(\d+)([EW])(\d+)")


def make_grid(
    areas: AreasLike,
    *,
    cell_size: float | None = None,
    shape: CellShape = "square",
    events: int | None = None,
    positional_uncertainty: float = 0.0,
    max_cells: int = 2_000_000,
) -> gpd.GeoDataFrame:
    """Cells of one size over the study area, clipped to it, to be used as areas.

    Parameters
    ----------
    areas : GeoDataFrame or Result
        The study area: all of these areas together.
    cell_size : float, optional
        Metres: the side of a square, the distance between opposite sides of a hexagon. By default a rule
        chooses (see Notes) and ``attrs["safemap"]`` tells what it chose.
    shape : {"square", "hex"}
    events : int, optional
        Number of events that are to be counted per cell: the rule is then the one for counts.
    positional_uncertainty : float
        Metres by which the location of an event may be wrong. The rule never goes below twice as much.
    max_cells : int
        Largest number of cells in the box around the study area. Beyond it, nothing is made: mostly one stray
        polygon is to blame, and the error names it.

    Returns
    -------
    GeoDataFrame
        In the CRS of `areas`, from north to south and west to east; index ``area_id`` (such as
        ``N21403E01935``: row and column counted from the origin of the projection, so that the same place has
        the same id in every run with this cell size and projection), columns ``name``, ``area_share`` (share
        of the cell inside the study area, 0 to 1) and ``geometry`` (that part). ``attrs["safemap"]`` holds
        ``cell_size_m``, ``cell_shape``, ``crs`` of the lattice, ``automatic``.

    Raises
    ------
    ConfigError, InputError, CRSError, GeometryError
        Options out of range, too many cells, or areas that cannot be used.

    Notes
    -----
    For surfaces: shorter side of the box around the areas / 150, between 25 and 500 m. For counts (`events`
    given): ``sqrt(2 A / N)``. Never below 100 m or twice the positional uncertainty.

    Cells are made in the areas' own CRS where its unit is the metre, else in their UTM zone. Their corners
    are multiples of the cell size. Gaps between areas that are narrower than a metre are closed.

    References
    ----------
    Chainey, S. & Ratcliffe, J. (2005). GIS and Crime Mapping. Wiley. doi:10.1002/9781118685181
    (shorter side / 150); Wong, D. W. S. & Lee, J. (2005). Statistical Analysis of Geographic Information.
    Wiley (quadrats, ``sqrt(2 A / N)``).

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> city = gpd.GeoDataFrame(geometry=[box(500_000, 2_000_000, 501_250, 2_001_000)], crs=32614)
    >>> grid = make_grid(city, cell_size=500)
    >>> grid["area_share"].to_dict()
    {'N04001E01000': 1.0, 'N04001E01001': 1.0, 'N04001E01002': 0.5, 'N04000E01000': 1.0, \
'N04000E01001': 1.0, 'N04000E01002': 0.5}
    >>> make_grid(city).attrs["safemap"]["automatic"]
    ['cell_size_m']
    """
    frame = require_areas(areas)
    _check_options(cell_size, shape, events, positional_uncertainty, max_cells)
    metric, _ = to_metres(frame)
    size, rule = _cell_size(metric, cell_size, events, positional_uncertainty)
    tiling = tiling_of(shape, size)
    window = tiling.window(tuple(metric.total_bounds))
    _refuse_too_many(metric, tiling, window, size, max_cells)
    study, closed = study_area(metric)
    found = cover(study, tiling, window, parts=True)
    grid = _frame(found, metric.crs).to_crs(frame.crs)
    grid.attrs["safemap"] = {
        "made_by": "make_grid",
        "cell_size_m": size,
        "cell_size_rule": rule,
        "cell_shape": shape,
        "crs": _crs_text(metric.crs),
        "positional_uncertainty_m": float(positional_uncertainty),
        "gaps_closed": closed,
        "cells": len(grid),
        "automatic": ["cell_size_m"] if cell_size is None else [],
    }
    return grid


class Grid(NamedTuple):
    """What a frame made by :func:`make_grid` is, read back from its ids and attributes."""

    tiling: Rectangles | Hexagons
    crs: pyproj.CRS  #: of the lattice, in metres
    size: float
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    shares: NDArray[np.float64]
    parts: NDArray[np.object_]  #: the cells, clipped, in `crs`
    attrs: dict[str, Any]

    @property
    def shape(self) -> CellShape:
        """Shape of a whole cell."""
        return "hex" if isinstance(self.tiling, Hexagons) else "square"

    @property
    def areas(self) -> NDArray[np.float64]:
        """Area of each cell inside the study area, in square metres."""
        return self.shares * self.tiling.cell_area

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of the whole cells."""
        return self.tiling.centres(self.rows, self.cols)


def is_grid(frame: Any) -> bool:
    """True for a frame that :func:`make_grid` made and that still knows it."""
    attrs = getattr(frame, "attrs", {}).get("safemap", {})
    return isinstance(attrs, dict) and attrs.get("made_by") == "make_grid" and "area_share" in frame.columns


def read_grid(frame: gpd.GeoDataFrame) -> Grid:
    """The lattice of a grid frame; cells may have been left out or put in another order.

    Raises
    ------
    InputError
        If an id is not one that :func:`make_grid` gives.
    """
    attrs = frame.attrs["safemap"]
    rows, cols = parse_ids(frame.index)
    return Grid(
        tiling=tiling_of(attrs["cell_shape"], attrs["cell_size_m"]),
        crs=as_crs(attrs["crs"]),
        size=attrs["cell_size_m"],
        rows=rows,
        cols=cols,
        shares=frame["area_share"].to_numpy(dtype=np.float64),
        parts=frame.geometry.to_crs(attrs["crs"]).to_numpy(),
        attrs=attrs,
    )


def tiling_of(shape: CellShape, size: float) -> Rectangles | Hexagons:
    """The tiling of the plane into such cells, fixed at the origin of the projection."""
    return Hexagons(size) if shape == "hex" else Rectangles(size, size)


def cell_ids(rows: NDArray[np.int64], cols: NDArray[np.int64]) -> list[str]:
    """Ids of cells; rows and columns south and west of the origin have S and W.

    Examples
    --------
    >>> cell_ids(np.array([3, -1]), np.array([12, -400]))
    ['N00003E00012', 'S00001W00400']
    """
    return [
        f"{'N' if row >= 0 else 'S'}{abs(row):05d}{'E' if col >= 0 else 'W'}{abs(col):05d}"
        for row, col in zip(rows.tolist(), cols.tolist(), strict=True)
    ]


def parse_ids(ids: pd.Index) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of cells from their ids."""
    rows, cols = np.empty(len(ids), dtype=np.int64), np.empty(len(ids), dtype=np.int64)
    for at, area_id in enumerate(ids):
        match = _ID.fullmatch(str(area_id))
        if match is None:
            raise InputError(
                f"{area_id!r} is not the id of a cell that make_grid made (such as N21403E01935). Use the "
                "grid as it came, or give the areas and let kernel_density make the grid."
            )
        north, row, east, col = match.groups()
        rows[at] = int(row) if north == "N" else -int(row)
        cols[at] = int(col) if east == "E" else -int(col)
    return rows, cols


def study_area(metric: gpd.GeoDataFrame) -> tuple[Geometry, int]:
    """All areas as one shape, and how many gaps between them (narrower than a metre) were closed."""
    import shapely

    whole = shapely.union_all(shapely.make_valid(metric.geometry.to_numpy(), method="structure"))
    polygons = [p for p in shapely.get_parts(whole) if shapely.get_type_id(p) == 3]
    holes = [shapely.polygons(ring) for p in polygons for ring in p.interiors]
    thin = [hole for hole in holes if shapely.buffer(hole, -threshold("tolerance_m") / 2).is_empty]
    return shapely.union_all([*polygons, *thin]), len(thin)


def _frame(found: Cover, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    order = np.lexsort((found.cols, -found.rows))
    ids = pd.Index(cell_ids(found.rows[order], found.cols[order]), name="area_id", dtype=object)
    columns = {"name": pd.Series(list(ids), index=ids, dtype=object), "area_share": found.shares[order]}
    return gpd.GeoDataFrame(columns, index=ids, geometry=found.parts[order], crs=crs)


def _cell_size(
    metric: gpd.GeoDataFrame, cell_size: float | None, events: int | None, uncertainty: float
) -> tuple[float, str]:
    """Cell size in metres and in words where it comes from."""
    if cell_size is not None:
        return float(cell_size), "as given"
    xmin, ymin, xmax, ymax = metric.total_bounds
    if events is None:
        per_side = threshold("cells_per_side")
        side = min(xmax - xmin, ymax - ymin) / per_side
        rule = float(np.clip(side, threshold("cell_min_m"), threshold("cell_max_m")))
        words = f"shorter side / {per_side:.0f} = {side:.1f} m, within 25 to 500 m"
    else:
        rule = float(np.sqrt(2 * metric.geometry.area.sum() / events))
        words = f"sqrt(2 A / N) = {rule:.1f} m for {events:,} events"
    floor = max(threshold("cell_floor_m"), 2 * uncertainty)
    if rule >= floor:
        return rule, words
    why = "twice the positional uncertainty" if 2 * uncertainty >= threshold("cell_floor_m") else "the floor"
    return float(floor), f"{words}; raised to {floor:.0f} m, {why}"


def _check_options(
    cell_size: float | None, shape: str, events: int | None, uncertainty: float, max_cells: int
) -> None:
    if shape not in ("square", "hex"):
        raise ConfigError(f"shape must be 'square' or 'hex'; got {shape!r}.")
    if cell_size is not None and not (np.isfinite(cell_size) and cell_size > 0):
        raise ConfigError(f"cell_size must be metres above zero; got {cell_size!r}.")
    if cell_size is not None and events is not None:
        raise ConfigError("Give cell_size, or events from which to choose it, not both.")
    if events is not None and events < 1:
        raise ConfigError(f"events must be 1 or more to choose a cell size by; got {events!r}.")
    if not (np.isfinite(uncertainty) and uncertainty >= 0):
        raise ConfigError(f"positional_uncertainty must be metres, zero or more; got {uncertainty!r}.")
    if max_cells < 1:
        raise ConfigError(f"max_cells must be 1 or more; got {max_cells!r}.")


def _refuse_too_many(
    metric: gpd.GeoDataFrame, tiling: Rectangles | Hexagons, window: Window, size: float, max_cells: int
) -> None:
    if window.cells <= max_cells:
        return
    xmin, ymin, xmax, ymax = metric.total_bounds
    message = (
        f"A grid of {size:g} m over a box of {(xmax - xmin) / 1000:,.1f} x {(ymax - ymin) / 1000:,.1f} km "
        f"has {window.cells:,} cells; at most {max_cells:,} are made. "
    )
    stray, cells = _stray(metric, tiling)
    if stray is not None and cells < window.cells / 4:
        raise InputError(
            message
            + f"Without area {stray!r}, which lies far from the others, it would have {cells:,}: check that "
            "polygon, or leave it out.",
            area_id=stray,
        )
    enough = float(np.sqrt((xmax - xmin) * (ymax - ymin) / max_cells))
    raise InputError(
        message + f"Use cells of {np.ceil(enough / 10) * 10:,.0f} m or more, or raise max_cells."
    )


def _stray(metric: gpd.GeoDataFrame, tiling: Rectangles | Hexagons) -> tuple[Any, int]:
    """The area without which the box would have the fewest cells, and how many it would have."""
    if len(metric) < 2:
        return None, 0
    bounds = metric.bounds.to_numpy() * np.array([1, 1, -1, -1])
    lowest = np.sort(bounds, axis=0)[:2]
    counts = []
    for row in bounds:
        without = np.where(row == lowest[0], lowest[1], lowest[0]) * np.array([1, 1, -1, -1])
        counts.append(tiling.window(tuple(without)).cells)
    best = int(np.argmin(counts))
    return metric.index[best], counts[best]


def _crs_text(crs: pyproj.CRS) -> str:
    """A text from which the system can be made again: its code, or else its full definition."""
    return crs_name(crs) if crs.to_authority() else crs.to_wkt()
