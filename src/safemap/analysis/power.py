"""Where a raised risk could have been found at all: power of each area, alone and with its neighbours.

The arithmetic is :mod:`safemap.stats.power`; here results come in and go out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import Alternative
from safemap.analysis.rates import RatesResult, has_rate
from safemap.analysis.smoothing import expected_numbers, require_rates
from safemap.errors import ConfigError
from safemap.results import Result
from safemap.settings import threshold

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class DetectableRiskResult(Result):
    """Smallest relative risk that would be found; see :func:`detectable_risk`."""

    kind: ClassVar[str] = "detectable_risk"

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of areas in each class that occurs."""
        return {str(k): int(v) for k, v in self.frame["cluster"].value_counts().items()}

    def _headline(self) -> str:
        s, f = self.settings, self.frame
        found = ", ".join(f"{n:,} {name}" for name, n in self.counts.items())
        return (
            f"relative risk that {len(f):,} areas would show with a chance of {s['power']:.0%} at level "
            f"{s['alpha']:g}: median {np.nanmedian(f['detectable']):.2f}; up to {s['limit']:g}: {found}"
        )


def detectable_risk(
    rates: RatesResult,
    *,
    expected: str | pd.Series | None = None,
    graph: Any = None,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
    limit: float | None = None,
) -> DetectableRiskResult:
    """Smallest relative risk that each area, and each neighbourhood, would give away.

    Tells "no difference" from "cannot tell": where even twice the risk would go unseen, an area that is not
    flagged says nothing. Depends on people and the overall rate only, not on the area's own events.

    Parameters
    ----------
    rates : RatesResult
        What :func:`area_rates` gives.
    expected : str or Series, optional
        Events expected in each area, as for :func:`standardised_ratios`; default: overall rate times people.
    graph : AreaGraph, libpysal Graph or W, optional
        Adds the same for the area and its neighbours together.
    alpha : float
        Level of the exact Poisson test of one area. For all areas at once divide it by their number.
    power : float
        Chance with which the risk is found.
    alternative : {"two-sided", "greater", "less"}
        What would be looked for.
    limit : float, optional
        Largest detectable risk of an area that can tell; 1.5 by default.

    Returns
    -------
    DetectableRiskResult
        ``frame``: one row per area with ``name``, ``events``, ``population``, ``value`` (expected events),
        ``detectable`` (smallest risk above 1), ``detectable_low`` (largest below 1; missing where not even
        no event at all would be striking), with a graph ``neighbours``, ``expected_around``,
        ``detectable_around``, then ``cluster`` and ``geometry``. ``cluster`` is can tell, with neighbours
        only, cannot tell, or no data.

    Raises
    ------
    ConfigError
        alpha, power, alternative or limit out of range.
    AlignmentError
        The ids of graph or `expected` are not those of the areas.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates, build_graph
    >>> areas = gpd.GeoDataFrame({"events": [2, 18, 100], "population": [500, 2500, 9000]},
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=32614)
    >>> found = detectable_risk(area_rates(areas), graph=build_graph(areas, tolerance=0)).frame
    >>> found[["value", "detectable", "detectable_around"]].round(2).to_numpy().tolist()
    [[5.0, 2.73, 1.58], [25.0, 1.64, 1.27], [90.0, 1.32, 1.28]]
    >>> found["cluster"].tolist()
    ['cannot tell', 'with neighbours only', 'can tell']
    """
    from safemap.stats.power import detectable_risk as detectable

    require_rates(rates, "detectable_risk")
    limit = threshold("detectable_ratio_max") if limit is None else limit
    if not limit > 1:
        raise ConfigError(f"limit must be above 1; got {limit!r}.")
    f = rates.frame
    test = {"alpha": alpha, "power": power, "alternative": alternative}
    wanted = expected_numbers(f, expected).where(has_rate(f)).to_numpy(float)
    own = detectable(wanted, **test)
    table = {
        **{column: f[column] for column in ("name", "events", "population") if column in f},
        "value": wanted,
        "detectable": own.high,
        "detectable_low": own.low,
    }
    around = None
    if graph is not None:
        links = _links(graph, f.index)
        sums = np.nan_to_num(wanted) + links @ np.nan_to_num(wanted)
        sums = np.where(np.isnan(wanted), np.nan, sums)
        around = detectable(sums, **test)
        table |= {
            "neighbours": np.diff(links.indptr),
            "expected_around": sums,
            "detectable_around": around.low if alternative == "less" else around.high,
        }
    table["cluster"] = _classes(wanted, own, around, alternative, limit)
    frame = f[["geometry"]].assign(**table)[[*table, "geometry"]]
    settings = {**rates.settings, **test, "limit": float(limit)}
    return DetectableRiskResult(frame=frame, settings=settings, audit=rates.audit)


def _links(graph: Any, ids: pd.Index) -> Any:
    from safemap.geo.graph import as_area_graph

    return as_area_graph(graph, ids).adjacency


def _classes(wanted: Any, own: Any, around: Any, alternative: str, limit: float) -> NDArray[np.object_]:
    """By what is looked for: a risk of `limit`, or of its inverse where only decreases are."""

    def seen(found: Any) -> NDArray[np.bool_]:
        risk = found.low if alternative == "less" else found.high
        return risk >= 1 / limit if alternative == "less" else risk <= limit

    missing = ~(wanted > 0)
    with_others = np.zeros_like(missing) if around is None else seen(around)
    return np.select(
        [missing, seen(own), with_others], ["no data", "can tell", "with neighbours only"], "cannot tell"
    ).astype(object)
