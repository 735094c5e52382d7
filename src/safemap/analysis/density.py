"""Density of events as a surface: kernels over a grid, edges named, automatic choices told in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from safemap.analysis.grid_points import (
    Points,
    audit_outside,
    beyond_grid,
    inside_grid,
    newest_event,
    position_in_grid,
    read_points,
)
from safemap.errors import ConfigError, StatisticsError
from safemap.geo.coordinates import crs_name
from safemap.geo.grid import Grid, is_grid, make_grid, read_grid
from safemap.geo.polygons import require_areas
from safemap.geo.raster import Surface
from safemap.geo.tiling import Rectangles
from safemap.results import Result
from safemap.settings import threshold
from safemap.stats.bandwidth import mean_neighbour_distance, normal_reference
from safemap.stats.density import Kernel, Lattice, kernel_mass, kernel_sum
from safemap.stats.density_fft import SMOOTH, binned_sum

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from safemap._typing import AreasLike

Edge = Literal["uniform", "diggle"]
BandwidthRule = Literal["rule", "nrd", "knn"]
Method = Literal["auto", "exact", "fast"]

#: number of points above which the fast sum is tried
FAST_FROM = 1_000_000
#: largest error bound, as a share of the peak, with which the fast sum is used unasked
FAST_BOUND = 0.01

_KM2 = 1e6  # square metres


@dataclass(frozen=True, eq=False, repr=False)
class DensityResult(Result):
    """Density of events; see :func:`kernel_density`.

    Attributes
    ----------
    surface : Surface or None
        The density (events per km²) on the raster of the grid, NaN outside the study area; None for hexagons.
    """

    kind: ClassVar[str] = "density"

    surface: Surface | None = None

    def _headline(self) -> str:
        f, s = self.frame, self.settings
        events = f"{s['n_events']:,} events" + (f", weights {s['total']:,.6g}" if s["weights"] else "")
        bound = f" (error at most {s['error_bound']:.2%} of its peak)" if s["method"] == "fast" else ""
        lines = [
            f"density of {events} on {len(f):,} {s['cell_shape']} cells of {s['cell_size_m']:,.6g} m: "
            f"{f['estimate'].min():,.3g} to {f['estimate'].max():,.3g} {s['unit']}",
            f"{s['kernel']} kernel, bandwidth {s['bandwidth_m']:,.6g} m ({s['bandwidth_rule']}), edge "
            f"{s['edge'] or 'not corrected'}, {s['method']} sum{bound}",
        ]
        if f["edge"].any():
            near = int(f["edge"].sum())
            lines.append(f"{near:,} cells lie within one bandwidth of the border: read with care")
        return "\n".join(lines + s["notes"])


def kernel_density(
    incidents: Result,
    areas: AreasLike,
    *,
    bandwidth: float | BandwidthRule = "rule",
    cell_size: float | None = None,
    kernel: Kernel = "quartic",
    edge: Edge | None = "uniform",
    weights: str | None = None,
    events_beyond: bool | Result = False,
    positional_uncertainty: float | None = None,
    method: Method = "auto",
) -> DensityResult:
    """Events per square kilometre as a smooth surface over the study area.

    Parameters
    ----------
    incidents : Incidents or JoinResult
        Events with ``x`` and ``y``; those outside the study area are set aside in the audit.
    areas : GeoDataFrame or Result
        A grid from :func:`make_grid`, or areas, over which a grid of squares is then made.
    bandwidth : float or {"rule", "nrd", "knn"}
        Metres: the radius of the support; of the Gaussian, the standard deviation. *rule*: five cells. *nrd*:
        normal reference, mean of the two axes (a quarter of it for the Gaussian). *knn*: mean distance to the
        tenth nearest event.
    cell_size : float, optional
        Metres, where the grid is made here; by default as :func:`make_grid` chooses.
    kernel : {"quartic", "epanechnikov", "triangular", "uniform", "gaussian"}
    edge : {"uniform", "diggle"} or None
        What is done about the part of a kernel that falls outside the study area (see Notes).
    weights : str, optional
        Column of the incidents with what each event counts, zero or more.
    events_beyond : bool or Incidents
        True: the incidents cover the surroundings too, so events outside the study area count towards the
        density near its border; or further incidents of which those outside do. The edge then needs no
        correction.
    positional_uncertainty : float, optional
        Metres by which locations may be wrong; by default ``settings["positional_uncertainty"]`` of the
        incidents, if it has one. Floor of the automatic cell size.
    method : {"auto", "exact", "fast"}
        *auto* sums exactly up to a million events, and above that where the fast sum cannot be bounded by 1 %
        of the peak.

    Returns
    -------
    DensityResult
        ``frame``: one row per cell of the grid, in its order: ``name``, ``estimate`` (events per km²),
        ``area_share``, ``area_km2`` (inside the study area), ``edge`` (True within one bandwidth of the
        border), ``note``, ``geometry``. ``surface``: the same as a raster. ``settings`` holds ``crs``,
        ``cell_size_m``, ``bandwidth_m``, ``kernel``, ``edge``, ``n_events``, ``total``, ``method``,
        ``error_bound`` and what was chosen automatically.

    Notes
    -----
    At the centre s of a cell, with kernel K and study area W of cells of area a:

    - None: ``f(s) = sum_i w_i K(s - x_i)``, too low near the border;
    - *uniform* (default): ``f(s)`` divided by ``e(s) = sum_j a_j K(s - s_j)``, the part of the kernel at s
    that
      lies in W, then rescaled so that ``sum_j a_j f(s_j)`` is the number of events: an even pattern stays
      even up to the corners;
    - *diggle*: ``sum_i w_i K(s - x_i) / e(x_i)``: each event keeps its mass of exactly 1, an even pattern
    sags to a
      half in corners.

    ``settings["error_bound"]`` is that of the sum before its edge is corrected, as a share of its peak.

    Distances and areas are those of the projected system named in ``settings["crs"]``. Below 100 events a
    note says that the surface shows single events; it may give away where they happened.

    References
    ----------
    Silverman, B. W. (1986). Density Estimation for Statistics and Data Analysis. doi:10.1201/9781315140919;
    Diggle, P. J. (1985). A kernel method for smoothing point process data. Applied Statistics 34, 138-147.
    doi:10.2307/2347366; Diggle, P. J. (2010). Nonparametric estimation. In: Handbook of Spatial Statistics,
    chapter 18. doi:10.1201/9781420072884

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import make_grid, read_incidents
    >>> city = gpd.GeoDataFrame(geometry=[box(0, 0, 5000, 5000)], crs=32614)
    >>> one = read_incidents(pd.DataFrame({"x": [2250], "y": [2750]}), x="x", y="y", crs=32614)
    >>> density = kernel_density(one, make_grid(city, cell_size=500), bandwidth=1000, edge=None)
    >>> density.frame["estimate"].max().round(4), density.settings["unit"]
    (np.float64(0.9549), 'events per km²')
    """
    _check_options(bandwidth, cell_size, edge, events_beyond, method)
    grid, frame = _grid(areas, cell_size, _uncertainty(incidents, positional_uncertainty))
    points = read_points(incidents, weights, grid)
    inside = inside_grid(points, grid)
    beyond = beyond_grid(points, inside, events_beyond, weights, grid)
    used = points.only(inside)
    chosen = _bandwidth(bandwidth, used, grid.size, kernel)
    correction = edge if beyond is None else None
    field = _estimate(used.joined(beyond), grid, chosen.metres, kernel, correction, method)
    audit = audit_outside(incidents, points, inside)
    newest = newest_event(incidents, used.ids)
    settings = _settings(grid, chosen, field, kernel, correction, weights, used, beyond, edge, newest)
    out = _frame(frame, grid, field.values, _near_border(grid, chosen.metres) if beyond is None else False)
    return DensityResult(out, settings, audit, surface=_surface(grid, field.values))


class _Bandwidth(NamedTuple):
    metres: float
    rule: str
    automatic: bool


class _Field(NamedTuple):
    values: NDArray[np.float64]  #: events per square metre, one per cell of the grid
    method: str
    error_bound: float


# --- input ---


def _check_options(
    bandwidth: float | str, cell_size: float | None, edge: str | None, beyond: bool | Result, method: str
) -> None:
    if isinstance(bandwidth, str):
        if bandwidth not in get_args(BandwidthRule):
            raise ConfigError(f"bandwidth must be metres or one of rule, nrd, knn; got {bandwidth!r}.")
    elif isinstance(bandwidth, bool) or not (np.isfinite(bandwidth) and bandwidth > 0):
        raise ConfigError(f"bandwidth must be metres above zero; got {bandwidth!r}.")
    if cell_size is not None and not (np.isfinite(cell_size) and cell_size > 0):
        raise ConfigError(f"cell_size must be metres above zero; got {cell_size!r}.")
    if edge not in (None, *get_args(Edge)):
        raise ConfigError(f"edge must be 'uniform', 'diggle' or None; got {edge!r}.")
    if method not in get_args(Method):
        raise ConfigError(f"method must be one of {', '.join(get_args(Method))}; got {method!r}.")
    if not isinstance(beyond, bool | Result):
        raise ConfigError(f"events_beyond must be True, False or Incidents; got {type(beyond).__name__}.")


def _uncertainty(incidents: Any, stated: float | None) -> float:
    if stated is not None:
        return stated
    return float(getattr(incidents, "settings", {}).get("positional_uncertainty") or 0.0)


def _grid(areas: AreasLike, cell_size: float | None, uncertainty: float) -> tuple[Grid, gpd.GeoDataFrame]:
    """The grid, read back from a frame that is one, or made over the areas."""
    frame = require_areas(areas)
    if is_grid(frame):
        if cell_size is not None and cell_size != frame.attrs["safemap"]["cell_size_m"]:
            raise ConfigError(
                f"cell_size={cell_size!r}, but the grid has cells of "
                f"{frame.attrs['safemap']['cell_size_m']:g} m. Give the areas instead of the grid, or leave "
                "cell_size out."
            )
    else:
        frame = make_grid(frame, cell_size=cell_size, positional_uncertainty=uncertainty)
    return read_grid(frame), frame


# --- bandwidth ---


def _bandwidth(asked: float | str, points: Points, cell: float, kernel: Kernel) -> _Bandwidth:
    if not isinstance(asked, str):
        if asked < cell:
            raise ConfigError(
                f"bandwidth is {asked:g} m, less than the cell of {cell:g} m, so events between the centres "
                "of cells would be lost. Use a larger bandwidth or smaller cells."
            )
        return _Bandwidth(float(asked), "as given", automatic=False)
    if asked == "rule":
        n = threshold("bandwidth_cells")
        return _Bandwidth(n * cell, f"{n:.0f} cells", automatic=True)
    k = int(threshold("bandwidth_neighbour"))
    needed = 2 if asked == "nrd" else k + 1
    if len(points.x) < needed:
        raise StatisticsError(
            f"bandwidth={asked!r} needs {needed} or more events in the study area; there are "
            f"{len(points.x)}. Give metres, or use bandwidth='rule'."
        )
    if asked == "nrd":
        metres = (normal_reference(points.x) + normal_reference(points.y)) / 2
        metres, words = (
            (metres / 4, "normal reference / 4") if kernel == "gaussian" else (metres, "normal reference")
        )
    else:
        metres, words = mean_neighbour_distance(points.x, points.y, k=k), f"mean distance to neighbour {k}"
    if metres < cell:
        return _Bandwidth(cell, f"{words} is {metres:.0f} m, raised to one cell", automatic=True)
    return _Bandwidth(metres, words, automatic=True)


# --- the sum ---


def _estimate(
    points: Points, grid: Grid, bandwidth: float, kernel: Kernel, edge: Edge | None, method: Method
) -> _Field:
    """Density at the centres of the cells, per square metre, its edge corrected."""
    lattices = _lattices(grid)
    weights = points.weights
    if edge == "diggle" and len(points.x):
        x, y = points.x, points.y
        shares = [
            kernel_mass(x, y, lattice, part.spread(grid.areas), bandwidth=bandwidth, kernel=kernel)
            for lattice, part in lattices
        ]
        mass = np.sum(shares, axis=0)
        weights = 1.0 / mass if weights is None else weights / mass
    values, bounds, methods = np.zeros(len(grid.rows)), [0.0], ["exact"]
    for lattice, part in lattices:
        found, how, bound = _sum(points.x, points.y, weights, lattice, bandwidth, kernel, method)
        values[part.at] = found[part.j, part.i]
        bounds.append(bound)
        methods.append(how)
    if edge == "uniform":
        values = _flattened(values, points.total, grid, lattices, bandwidth, kernel)
    return _Field(values, methods[-1], max(bounds))


def _sum(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    lattice: Lattice,
    bandwidth: float,
    kernel: Kernel,
    method: Method,
) -> tuple[NDArray[np.float64], str, float]:
    """The field, how it was summed, and the bound of its error."""
    if method == "fast" or (method == "auto" and len(x) > FAST_FROM and kernel in SMOOTH):
        fast = binned_sum(x, y, lattice, bandwidth=bandwidth, kernel=kernel, weights=weights)
        if method == "fast" or fast.error_bound <= FAST_BOUND:
            return fast.values, "fast", fast.error_bound
    exact = kernel_sum(x, y, lattice, bandwidth=bandwidth, kernel=kernel, weights=weights)
    return exact, "exact", 0.0


def _flattened(
    values: NDArray[np.float64],
    total: float,
    grid: Grid,
    lattices: list[tuple[Lattice, _Part]],
    bandwidth: float,
    kernel: Kernel,
) -> NDArray[np.float64]:
    """Divided by the part of the kernel in the study area, then rescaled to the number of events."""
    x, y = grid.centres()
    seen = np.zeros(len(values))
    for lattice, part in lattices:
        field = kernel_sum(x, y, lattice, bandwidth=bandwidth, kernel=kernel, weights=grid.areas)
        seen[part.at] = field[part.j, part.i]
    values = values / seen
    mass = float(values @ grid.areas)
    return values * (total / mass) if mass > 0 else values


class _Part(NamedTuple):
    """Which cells of the grid lie on a lattice, and where."""

    at: NDArray[np.int64]
    j: NDArray[np.int64]
    i: NDArray[np.int64]
    shape: tuple[int, int]

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the cells laid out on the lattice, 0 where there is no cell."""
        out = np.zeros(self.shape)
        out[self.j, self.i] = values[self.at]
        return out


def _lattices(grid: Grid) -> list[tuple[Lattice, _Part]]:
    """The rectangular lattices that the centres of the cells form: one for squares, two for hexagons."""
    row0, col0 = int(grid.rows.min()), int(grid.cols.min())
    columns = int(grid.cols.max()) - col0 + 1
    step = 1 if isinstance(grid.tiling, Rectangles) else 2
    out = []
    for first in range(row0, row0 + step):
        at = np.flatnonzero((grid.rows - first) % step == 0)
        if not len(at):
            continue
        j, i = (grid.rows[at] - first) // step, grid.cols[at] - col0
        x0, y0 = grid.tiling.centres(np.array([first]), np.array([col0]))
        dy = grid.size if isinstance(grid.tiling, Rectangles) else 2 * grid.tiling.row_height
        lattice = Lattice(float(x0[0]), float(y0[0]), grid.size, dy, columns, int(j.max()) + 1)
        out.append((lattice, _Part(at, j, i, lattice.shape)))
    return out


# --- output ---


def _near_border(grid: Grid, bandwidth: float) -> NDArray[np.bool_]:
    """Cells whose centre lies within one bandwidth of the outside of the study area."""
    import shapely

    partial = grid.shares < 1.0
    rows, cols = (
        grid.rows[:, None] + np.array([-1, -1, -1, 0, 0, 1, 1, 1]),
        grid.cols[:, None] + np.array([-1, 0, 1, -1, 1, -1, 0, 1]),
    )
    around = np.unique(np.stack([rows.ravel(), cols.ravel()]), axis=1)
    absent = position_in_grid(grid, around[0], around[1]) < 0
    outside = grid.tiling.polygons(around[0, absent], around[1, absent])
    whole = grid.tiling.polygons(grid.rows[partial], grid.cols[partial])
    cut = shapely.difference(whole, grid.parts[partial])
    cut = cut[shapely.area(cut) > 1e-6 * grid.tiling.cell_area]
    tree = shapely.STRtree(np.concatenate([outside, cut]))
    x, y = grid.centres()
    found, _ = tree.query_nearest(shapely.points(x, y), max_distance=bandwidth, all_matches=False)
    near = np.zeros(len(x), dtype=bool)
    near[np.unique(found)] = True
    return near


def _frame(
    frame: gpd.GeoDataFrame, grid: Grid, values: NDArray[np.float64], edge: NDArray[np.bool_] | bool
) -> gpd.GeoDataFrame:
    out = frame[["name", "area_share", frame.geometry.name]].copy()
    out.insert(1, "estimate", values * _KM2)
    out.insert(3, "area_km2", grid.areas / _KM2)
    out.insert(4, "edge", edge)
    out.insert(5, "note", np.where(out["edge"], "within one bandwidth of the border", ""))
    return out


def _surface(grid: Grid, values: NDArray[np.float64]) -> Surface | None:
    if not isinstance(grid.tiling, Rectangles):
        return None
    top, left = int(grid.rows.max()), int(grid.cols.min())
    field = np.full((top - int(grid.rows.min()) + 1, int(grid.cols.max()) - left + 1), np.nan)
    field[top - grid.rows, grid.cols - left] = values * _KM2
    transform = (grid.size, 0.0, left * grid.size, 0.0, -grid.size, (top + 1) * grid.size)
    return Surface(field, transform, grid.attrs["crs"])


def _settings(
    grid: Grid,
    chosen: _Bandwidth,
    field: _Field,
    kernel: Kernel,
    correction: Edge | None,
    weights: str | None,
    used: Points,
    beyond: Points | None,
    edge: Edge | None,
    newest: str | None,
) -> dict[str, Any]:
    automatic = list(grid.attrs.get("automatic", [])) + (["bandwidth_m"] if chosen.automatic else [])
    if edge is not None and beyond is not None:
        automatic.append("edge")
    return {
        "crs": crs_name(grid.crs),
        "cell_shape": grid.shape,
        "cell_size_m": grid.size,
        "cell_size_rule": grid.attrs.get("cell_size_rule", "as given"),
        "kernel": kernel,
        "bandwidth_m": chosen.metres,
        "bandwidth_rule": chosen.rule,
        "edge": correction,
        "weights": weights,
        "n_events": len(used.x),
        "n_beyond": 0 if beyond is None else len(beyond.x),
        "total": used.total,
        "unit": "events per km²" if weights is None else f"{weights} per km²",
        "method": field.method,
        "error_bound": field.error_bound,
        "automatic": automatic,
        "newest_event": newest,
        "notes": _notes(len(used.x)),
    }


def _notes(events: int) -> list[str]:
    few = threshold("events_note")
    if events >= few:
        return []
    return [
        f"only {events} events: below {few:.0f} a surface shows single events, not a pattern, and may give "
        "away where they happened"
    ]
