"""Reading a density: classes by the mean or by percentiles, and how much the bandwidth decides."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from safemap.analysis.density import DensityResult, kernel_density
from safemap.errors import ConfigError, InputError

if TYPE_CHECKING:
    import pandas as pd

    from safemap._typing import AreasLike
    from safemap.results import Result

MEAN_MULTIPLES = (1.0, 2.0, 3.0, 4.0, 5.0)
PERCENTILES = (80.0, 90.0, 95.0)


def density_classes(
    density: DensityResult, *, by: Literal["mean-multiple", "percentiles"] = "mean-multiple"
) -> pd.DataFrame:
    """Thematic classes of a density, from low to high, with the cells and the area in each.

    Parameters
    ----------
    density : DensityResult
    by : {"mean-multiple", "percentiles"}
        Multiples 1 to 5 of the mean of the cells above zero, or the 80th, 90th and 95th percentile of those
        cells.

    Returns
    -------
    DataFrame
        Index ``class`` (0: no density, then 1, 2, ...); columns ``low`` (included), ``high`` (excluded;
        infinite for the last), ``label`` (with the number of cells), ``cells``, ``area_km2``. Cells of all
        classes add up to the cells of the grid.

    References
    ----------
    Chainey, S. & Ratcliffe, J. (2005). GIS and Crime Mapping. Wiley. doi:10.1002/9781118685181

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import make_grid, read_incidents
    >>> city = gpd.GeoDataFrame(geometry=[box(0, 0, 3000, 3000)], crs=32614)
    >>> one = read_incidents(pd.DataFrame({"x": [1250], "y": [1250]}), x="x", y="y", crs=32614)
    >>> density = kernel_density(one, make_grid(city, cell_size=500), bandwidth=1000)
    >>> density_classes(density)["cells"].tolist()
    [27, 4, 4, 1, 0, 0, 0]
    """
    f = density.frame
    values = f["estimate"].to_numpy(dtype=float)
    above = values[values > 0]
    if by == "mean-multiple":
        limits = [m * above.mean() for m in MEAN_MULTIPLES] if len(above) else []
        words = [f"{m:.0f} times the mean" for m in MEAN_MULTIPLES]
    elif by == "percentiles":
        limits = list(np.percentile(above, PERCENTILES)) if len(above) else []
        words = [f"percentile {p:.0f}" for p in PERCENTILES]
    else:
        raise ConfigError(f"by must be 'mean-multiple' or 'percentiles'; got {by!r}.")
    return _table(values, f["area_km2"].to_numpy(dtype=float), limits, words)


def bandwidth_sensitivity(
    incidents: Result,
    areas: AreasLike,
    density: DensityResult,
    *,
    factors: Sequence[float] = (0.5, 1.0, 2.0),
    top: float = 0.05,
) -> pd.DataFrame:
    """How far the densest part of the map depends on the bandwidth.

    Parameters
    ----------
    incidents, areas
        What `density` was made from; `areas` must be the grid.
    density : DensityResult
        Its kernel, edge and weights are kept.
    factors : sequence of float
        Multiples of its bandwidth; never below one cell.
    top : float
        Share of the study area that counts as the densest part.

    Returns
    -------
    DataFrame
        Index ``factor``; columns ``bandwidth_m``, ``top_km2`` (area of the densest cells) and ``jaccard``:
        area common to this and the original densest part, as a share of the area of both together (1: the
        same cells).

    References
    ----------
    Chainey, S. (2013). Examining the influence of cell size and bandwidth size on kernel density estimation
    crime hotspot maps for predicting spatial patterns of crime. Bulletin of the Geographical Society of Liege
    60, 7-19.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import make_grid, read_incidents
    >>> grid = make_grid(gpd.GeoDataFrame(geometry=[box(0, 0, 3000, 3000)], crs=32614), cell_size=100)
    >>> one = read_incidents(pd.DataFrame({"x": [1250], "y": [1250]}), x="x", y="y", crs=32614)
    >>> bandwidth_sensitivity(one, grid, kernel_density(one, grid))["jaccard"].round(2).tolist()
    [0.47, 1.0, 1.0]
    """
    import pandas as pd

    if not 0 < top < 1:
        raise ConfigError(f"top must be a share between 0 and 1; got {top!r}.")
    if density.settings["n_beyond"]:
        raise InputError(
            "Sensitivity is for densities without events_beyond: the original cannot be repeated."
        )
    s, rows = density.settings, []
    reference = _densest(density.frame, top)
    for factor in factors:
        metres = max(factor * s["bandwidth_m"], s["cell_size_m"])
        other = kernel_density(
            incidents, areas, bandwidth=metres, kernel=s["kernel"], edge=s["edge"], weights=s["weights"]
        ).frame
        if not other.index.equals(density.frame.index):
            raise InputError("`areas` is not the grid that the density was made on; give that grid.")
        rows.append({"factor": factor, "bandwidth_m": metres, **_compared(other, reference, top)})
    return pd.DataFrame(rows).set_index("factor")


def _densest(frame: pd.DataFrame, top: float) -> pd.Series:
    """True for the densest cells that together make up at most `top` of the area, ties broken by id."""
    order = frame.assign(id=frame.index.astype(str)).sort_values(["estimate", "id"], ascending=[False, True])
    reached = order["area_km2"].cumsum() <= top * order["area_km2"].sum() * (1 + 1e-9)
    return (reached & (order["estimate"] > 0)).reindex(frame.index)


def _compared(frame: pd.DataFrame, reference: pd.Series, top: float) -> dict[str, Any]:
    mine, area = _densest(frame, top), frame["area_km2"]
    either = float(area[mine | reference].sum())
    common = float(area[mine & reference].sum())
    return {"top_km2": float(area[mine].sum()), "jaccard": common / either if either else float("nan")}


def _table(
    values: np.ndarray, areas: np.ndarray, limits: Sequence[float], words: Sequence[str]
) -> pd.DataFrame:
    import pandas as pd

    code = np.where(values > 0, 1 + np.searchsorted(limits, values, side="right"), 0)
    lows = [0.0, 0.0, *limits]
    highs = [0.0, *limits, float("inf")] if limits else [0.0, float("inf")]
    names = ["none"]
    if limits:
        pairs = pairwise(words)
        names += [f"under {words[0]}", *(f"{a} to {b}" for a, b in pairs), f"{words[-1]} or more"]
    else:
        names += ["above none"]
    cells = np.bincount(code, minlength=len(names))
    return pd.DataFrame(
        {
            "low": lows,
            "high": highs,
            "label": [f"{name} ({n:,} cells)" for name, n in zip(names, cells.tolist(), strict=True)],
            "cells": cells,
            "area_km2": np.bincount(code, weights=areas, minlength=len(names)),
        },
        index=pd.RangeIndex(len(names), name="class"),
    )
