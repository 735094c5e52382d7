"""Areas at the edge of the study area, whose neighbours on the other side nobody has looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from safemap._typing import AreasLike
from safemap.errors import AlignmentError, ConfigError, InputError
from safemap.geo.contiguity import touching_pairs
from safemap.geo.crs import to_metres

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

#: Metres below which a piece of outline is a rounding error.
_ROUNDING = 1e-6


def edge_share(areas: AreasLike, *, tolerance: float = 1.0) -> pd.DataFrame:
    """How much of the outline of each area lies on the edge of the study area.

    A statistic of neighbourhood sees only a part of the neighbours of such an area. Gaps inside the study
    area that are wider than the tolerance are edges too: nothing is known of them either.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        Polygons with a CRS and unique ids in the index.
    tolerance : float
        Metres within which two outlines are taken to touch, as in :func:`build_graph`.

    Returns
    -------
    pandas.DataFrame
        In the order of `areas`: ``outline_m`` (metres of outline, holes included), ``edge_m`` (of these, not
        shared with another area), ``edge_share`` (0 to 1) and ``at_edge``. Missing for empty geometries.
        ``at_edge.mean()`` is the share of areas at the edge.

    Raises
    ------
    CRSError
        Areas without a coordinate system.
    AlignmentError, InputError
        Ids that repeat; something that is not areas.
    ConfigError
        A negative tolerance.

    Notes
    -----
    Segments that two areas draw through the same vertices are shared; so are parts of the outline within the
    tolerance of another area, but for pieces up to three times the tolerance, which come from a neighbour's
    corner. Each such part can be taken for up to twice the tolerance too long.

    Examples
    --------
    Three areas in a row and a fourth that closes them off below:

    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> squares = [box(100 * i, 0, 100 * i + 100, 100) for i in range(3)] + [box(0, -100, 300, 0)]
    >>> edge_share(gpd.GeoDataFrame(geometry=squares, crs=32614), tolerance=0)
       outline_m  edge_m  edge_share  at_edge
    0      400.0   200.0       0.500     True
    1      400.0   100.0       0.250     True
    2      400.0   200.0       0.500     True
    3      800.0   500.0       0.625     True
    """
    import pandas as pd
    import shapely

    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ConfigError(f"tolerance must be zero or more metres; got {tolerance}.")
    frame = _frame_of(areas)
    geometry = to_metres(frame)[0].geometry.to_numpy()
    filled = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    outline = np.where(filled, shapely.length(geometry), np.nan)
    edge = np.where(filled, _edge_metres(geometry, tolerance), np.nan)
    with np.errstate(invalid="ignore"):
        edge[edge <= 3 * max(tolerance, _ROUNDING)] = 0.0
    columns = {"outline_m": outline, "edge_m": edge, "edge_share": edge / outline, "at_edge": edge > 0}
    return pd.DataFrame(columns, index=frame.index)


def _edge_metres(geometry: NDArray[Any], tolerance: float) -> NDArray[np.float64]:
    """Metres of outline of each area that no other area shares."""
    import shapely

    segments, owner = _unpaired_segments(geometry)
    metres = np.bincount(owner, weights=shapely.length(segments), minlength=len(geometry))
    one, other = touching_pairs(geometry, "queen", tolerance)[0]
    i, j = np.r_[one, other], np.r_[other, one]
    rest = np.full(len(geometry), None, dtype=object)
    alone, start = np.unique(owner, return_index=True)
    rest[alone] = (
        [shapely.multilinestrings(part) for part in np.split(segments, start[1:])] if len(alone) else []
    )
    cover = shapely.dwithin(rest[i], geometry[j], tolerance)
    i, j = i[cover], j[cover]
    order = np.argsort(i, kind="stable")
    i, j = i[order], j[order]
    near = _near_parts(rest[i], geometry, j, tolerance)
    for area in np.unique(i):
        pieces = near[slice(*np.searchsorted(i, [area, area + 1]))]
        lengths = _piece_lengths(shapely.union_all(pieces))
        metres[area] -= lengths[lengths > 3 * max(tolerance, _ROUNDING)].sum()
    return metres


def _near_parts(
    lines: NDArray[Any], geometry: NDArray[Any], j: NDArray[np.int64], tolerance: float
) -> NDArray[Any]:
    """Of each of `lines` the part within the tolerance of the area numbered in `j`."""
    import shapely

    grown = np.full(len(geometry), None, dtype=object)
    grown[np.unique(j)] = shapely.buffer(geometry[np.unique(j)], tolerance, quad_segs=4)
    return shapely.intersection(lines, grown[j])


def _unpaired_segments(geometry: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Pieces of outline that no other area draws through the same two vertices, and their areas, in order."""
    import shapely

    parts, whole = shapely.get_parts(geometry, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inside = ring[1:] == ring[:-1]
    a, b, owner = xy[:-1][inside], xy[1:][inside], whole[part[ring[:-1][inside]]]
    turned = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    ends = np.where(turned[:, None], np.hstack([b, a]), np.hstack([a, b]))
    _, kind, times = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    alone = times[np.ravel(kind)] == 1
    return shapely.linestrings(ends[alone].reshape(-1, 2, 2)), owner[alone]


def _piece_lengths(near: Any) -> NDArray[np.float64]:
    """Length of each connected piece of line."""
    import shapely

    parts = shapely.get_parts(near)
    lines = shapely.line_merge(shapely.multilinestrings(parts[shapely.get_type_id(parts) == 1]))
    return shapely.length(shapely.get_parts(lines))


def _frame_of(areas: AreasLike) -> gpd.GeoDataFrame:
    import geopandas as gpd

    frame = areas if isinstance(areas, gpd.GeoDataFrame) else getattr(areas, "frame", None)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"areas must be a GeoDataFrame or a result with areas; got {type(areas).__name__}.")
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()].unique()[:3].tolist()
        raise AlignmentError(f"Area ids (the index) must be unique; repeated, e.g. {twice}.")
    return frame
