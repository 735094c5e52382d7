"""Events on a grid: in its system, inside or outside, and every one of them accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap.errors import InputError
from safemap.geo.coordinates import transform_xy

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.audit import Audit
    from safemap.geo.grid import Grid
    from safemap.results import Result

_CLOSED = 1e-3  # metres by which a point may lie beyond the border and still be on it


class Points(NamedTuple):
    """Events in the system of the grid."""

    ids: pd.Index
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    weights: NDArray[np.float64] | None

    @property
    def total(self) -> float:
        """Number of events, or the sum of their weights."""
        return float(len(self.x)) if self.weights is None else float(self.weights.sum())

    def only(self, keep: NDArray[np.bool_]) -> Points:
        """The events for which `keep` is True."""
        weights = None if self.weights is None else self.weights[keep]
        return Points(self.ids[keep], self.x[keep], self.y[keep], weights)

    def joined(self, other: Points | None) -> Points:
        """These events and those of `other`."""
        if other is None:
            return self
        weights = None
        if self.weights is not None and other.weights is not None:
            weights = np.concatenate([self.weights, other.weights])
        x, y = np.concatenate([self.x, other.x]), np.concatenate([self.y, other.y])
        return Points(self.ids.append(other.ids), x, y, weights)


def read_points(incidents: Any, weights: str | None, grid: Grid) -> Points:
    """The placed events of `incidents` that have coordinates, in the system of the grid."""
    frame, settings = getattr(incidents, "frame", None), getattr(incidents, "settings", {})
    if frame is None or not {"x", "y"} <= set(frame.columns) or "crs" not in settings:
        raise InputError(
            "incidents must have x, y and a coordinate system, as read_incidents, clean_incidents or "
            f"join_areas give them; got {type(incidents).__name__}."
        )
    if incidents.audit is not None:
        frame = frame.loc[incidents.audit.placed.intersection(frame.index, sort=False)]
    frame = frame[frame["x"].notna() & frame["y"].notna()]
    x, y = frame["x"].to_numpy(dtype=np.float64), frame["y"].to_numpy(dtype=np.float64)
    x, y = transform_xy(x, y, settings["crs"], grid.crs)
    finite = np.isfinite(x) & np.isfinite(y)
    return Points(frame.index[finite], x[finite], y[finite], _read_weights(frame[finite], weights))


def newest_event(incidents: Any, ids: pd.Index) -> str | None:
    """Day of the newest of these events (YYYY-MM-DD); None where the incidents carry no dates."""
    import pandas as pd

    frame = incidents.frame
    if "date" not in frame.columns or not pd.api.types.is_datetime64_any_dtype(frame["date"]):
        return None
    newest = frame.loc[ids, "date"].max()
    return None if pd.isna(newest) else str(newest.date())


def _read_weights(frame: pd.DataFrame, weights: str | None) -> NDArray[np.float64] | None:
    import pandas as pd

    if weights is None:
        return None
    if weights not in frame.columns:
        raise InputError(f"weights: the incidents have no column {weights!r}.")
    values = pd.to_numeric(frame[weights], errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        raise InputError(
            f"Column {weights!r}: weights must be numbers, zero or more; {int(bad.sum()):,} rows are not, "
            f"e.g. rows {frame.index[bad][:5].tolist()}. Correct them or set those rows aside.",
            rows=frame.index[bad][:100].tolist(),
        )
    return values


def inside_grid(points: Points, grid: Grid) -> NDArray[np.bool_]:
    """Which events lie in the study area, its border included."""
    import shapely

    inside = np.zeros(len(points.x), dtype=bool)
    xmin, ymin, xmax, ymax = shapely.total_bounds(grid.parts) + np.array([-1, -1, 1, 1]) * _CLOSED
    near = (points.x >= xmin) & (points.x <= xmax) & (points.y >= ymin) & (points.y <= ymax)
    near = np.flatnonzero(near)
    at = position_in_grid(grid, *grid.tiling.locate(points.x[near], points.y[near]))
    whole = (at >= 0) & (grid.shares[at] == 1.0)
    inside[near[whole]] = True
    cut, cell = near[(at >= 0) & ~whole], at[(at >= 0) & ~whole]
    inside[cut] = shapely.intersects_xy(grid.parts[cell], points.x[cut], points.y[cut])
    left = near[~inside[near]]
    tree = shapely.STRtree(grid.parts)
    found, _ = tree.query(
        shapely.points(points.x[left], points.y[left]), predicate="dwithin", distance=_CLOSED
    )
    inside[left[np.unique(found)]] = True
    return inside


def position_in_grid(grid: Grid, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of the cell with each row and column in the grid, -1 where there is none."""
    row0, col0 = grid.rows.min(), grid.cols.min()
    table = np.full((grid.rows.max() - row0 + 1, grid.cols.max() - col0 + 1), -1, dtype=np.int64)
    table[grid.rows - row0, grid.cols - col0] = np.arange(len(grid.rows))
    r, c = rows - row0, cols - col0
    known = (r >= 0) & (r < table.shape[0]) & (c >= 0) & (c < table.shape[1])
    out = np.full(len(rows), -1, dtype=np.int64)
    out[known] = table[r[known], c[known]]
    return out


def beyond_grid(
    points: Points, inside: NDArray[np.bool_], events_beyond: bool | Result, weights: str | None, grid: Grid
) -> Points | None:
    """Events outside the study area that count towards the density near its border."""
    if events_beyond is False:
        return None
    if events_beyond is True:
        return points.only(~inside)
    further = read_points(events_beyond, weights, grid)
    return further.only(~inside_grid(further, grid))


def audit_outside(incidents: Any, points: Points, inside: NDArray[np.bool_]) -> Audit | None:
    """The incidents' audit with events outside the study area and those without a place set aside."""
    import pandas as pd

    audit: Audit | None = incidents.audit
    if audit is None:
        return None
    lost = audit.placed.difference(points.ids, sort=False)
    unreadable = getattr(incidents, "remembered", {}).get("unreadable_coordinates", lost[:0])
    reasons = pd.Series("missing_coordinates", index=lost, dtype=object)
    reasons[lost.isin(unreadable)] = "unreadable_coordinates"
    outside = pd.Series("outside_areas", index=points.ids[~inside], dtype=object)
    audit = audit.with_set_aside(pd.concat([reasons, outside]), step="kernel_density")
    audit.check(points.ids[inside])
    return audit
