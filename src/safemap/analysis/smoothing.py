"""Rates drawn to an average where they stand on few people, and ratios to what was to be expected.

The arithmetic is :mod:`safemap.stats.rates`; here tables come in and results go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from safemap._typing import PoissonInterval
from safemap.analysis.rates import INTERVALS, RatesResult, figure, has_rate
from safemap.errors import AlignmentError, ConfigError, InputError, StatisticsError
from safemap.results import Result
from safemap.stats.rates import (
    LocalConvention,
    empirical_bayes_weights,
    local_empirical_bayes,
    rate_moments,
    standardised_ratio,
)

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["eb", "eb_local"]


@dataclass(frozen=True, eq=False, repr=False)
class SmoothedRatesResult(Result):
    """Rates smoothed for the map; see :func:`smooth_rates`."""

    kind: ClassVar[str] = "smoothed_rates"

    def summary(self) -> str:
        """Range before and after, what the result is for, and the audit."""
        lines = [
            self._headline(),
            "for the map of rates only: never as input to a statistic of neighbourhood",
        ]
        if self.settings["method"] == "eb" and self.settings["between_area_variance"] <= 0:
            lines.append("areas differ no more than chance would make them: every area has the overall rate")
        if self.audit is not None:
            lines.append(self.audit.summary())
        return "\n".join(lines)

    def _headline(self) -> str:
        f = self.frame
        scope = "local empirical Bayes" if self.settings["method"] == "eb_local" else "empirical Bayes"
        return (
            f"smoothed rates of {len(f):,} areas ({scope}, Marshall 1991): "
            f"{figure(f['estimate'].min())} to {figure(f['estimate'].max())} {self.settings['unit']}; "
            f"crude rates {figure(f['value'].min())} to {figure(f['value'].max())}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class RatiosResult(Result):
    """Events as a ratio to those expected; see :func:`standardised_ratios`."""

    kind: ClassVar[str] = "standardised_ratios"

    def _headline(self) -> str:
        f = self.frame
        above, below = int((f["conf_low"] > 1).sum()), int((f["conf_high"] < 1).sum())
        return (
            f"standardised ratios of {len(f):,} areas: {above:,} clearly above 1, {below:,} clearly below, "
            f"{len(f) - above - below:,} cannot be told apart from 1 or have no ratio"
        )


def smooth_rates(
    rates: RatesResult, *, method: Method = "eb", graph: Any = None, like: LocalConvention = "geoda"
) -> SmoothedRatesResult:
    """Rates pulled towards an average, the more the fewer people they stand on.

    For the map: a small area no longer jumps to the top because of one event. Not for a test of
    neighbourhood, which works on events and population (:func:`safemap.local_moran`).

    Parameters
    ----------
    rates : RatesResult
        What :func:`area_rates` gives.
    method : {"eb", "eb_local"}
        ``eb``: global empirical Bayes, towards the overall rate. ``eb_local``: towards the rate of the area
        and its neighbours together.
    graph : AreaGraph, libpysal Graph or W
        Who is a neighbour, for ``eb_local``.
    like : {"geoda", "spdep"}
        Whose convention ``eb_local`` follows; see :func:`safemap.stats.rates.local_empirical_bayes`.

    Returns
    -------
    SmoothedRatesResult
        ``frame``: as that of `rates`, with ``value`` the crude and ``estimate`` the smoothed rate, and in
        ``note`` how much of the estimate is the area's own. No interval is given.

    Raises
    ------
    ConfigError
        Unknown method, or ``eb_local`` without a graph.
    StatisticsError
        No area has a population above zero.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators.
    Applied Statistics 40, 283-294. doi:10.2307/2347593

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates, build_graph
    >>> areas = gpd.GeoDataFrame({"events": [2, 5, 10, 40], "population": [500, 2000, 2500, 5000]},
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(4)], crs=32614)
    >>> rates = area_rates(areas, per=1000)
    >>> smooth_rates(rates).frame["estimate"].round(3).tolist()
    [5.32, 3.988, 4.697, 7.407]
    >>> chain = build_graph(areas, tolerance=0)
    >>> smooth_rates(rates, method="eb_local", graph=chain).frame["estimate"].round(3).tolist()
    [2.8, 3.4, 4.671, 7.429]
    """
    if method not in ("eb", "eb_local"):
        raise ConfigError(f"method must be 'eb' or 'eb_local'; got {method!r}.")
    if method == "eb_local" and graph is None:
        raise ConfigError("method='eb_local' needs graph=, such as build_graph(areas, 'queen').")
    require_rates(rates, "smooth_rates")
    f, scale = rates.frame, rates.settings["scale"]
    ok = has_rate(f)
    if not ok.any():
        raise StatisticsError("no area has a population above zero, so there is nothing to smooth.")
    e, n = f.loc[ok, "events"].to_numpy(float), f.loc[ok, "population"].to_numpy(float)
    moments = rate_moments(e, n)
    if method == "eb":
        own, towards, words = empirical_bayes_weights(e, n), moments.mean, "overall rate"
    else:
        own, towards = local_empirical_bayes(e, n, _links(graph, f, ok), like=like)
        words = "rate of the neighbourhood"
    frame = f.drop(columns=["conf_low", "conf_high"]).rename(columns={"estimate": "value"})
    frame.insert(frame.columns.get_loc("value") + 1, "estimate", np.nan)
    frame.loc[ok, "estimate"] = (own * (e / n) + (1 - own) * towards) * scale
    frame.loc[ok, "quality"] = "publish"
    frame.loc[ok, "note"] = [f"{w:.0%} own rate, {1 - w:.0%} {words}" for w in own]
    settings = {
        **rates.settings,
        "method": method,
        "smoothed": True,
        "between_area_variance": moments.variance,
        **({"like": like} if method == "eb_local" else {}),
    }
    return SmoothedRatesResult(frame=frame, settings=settings, audit=rates.audit)


def standardised_ratios(
    rates: RatesResult,
    *,
    expected: str | pd.Series | None = None,
    confidence: float = 0.95,
    interval: PoissonInterval = "exact",
) -> RatiosResult:
    """Events observed as a ratio to events expected, with an interval (SMR, relative or excess risk).

    Parameters
    ----------
    rates : RatesResult
        What :func:`area_rates` gives.
    expected : str or Series, optional
        Events expected in each area, in the same period: a column of ``rates.frame``, or a Series by area
        id, such as :func:`safemap.expected_events` gives (indirect standardisation by age or sex). Default:
        the overall rate times the population.
    confidence : float
        Coverage of the interval.
    interval : {"exact", "mid-p", "byar"}
        See :func:`safemap.stats.rates.poisson_interval`.

    Returns
    -------
    RatiosResult
        ``frame``: ``name events population value excess estimate conf_low conf_high quality note geometry``;
        ``value`` is the expected number, ``excess`` the events beyond it, ``estimate`` the ratio (GeoDa's
        excess risk), 1 where as many came as expected. An area with no ratio keeps its row; ``note`` says
        why.

    Raises
    ------
    AlignmentError
        The ids of `expected` are not those of the areas.
    InputError
        `expected` is negative somewhere, or not a column.

    References
    ----------
    Breslow, N. E., Day, N. E. (1987). Statistical Methods in Cancer Research II. IARC, chapter 2.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates
    >>> areas = gpd.GeoDataFrame({"events": [5, 15], "population": [1000, 1000]},
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(2)], crs=32614)
    >>> ratios = standardised_ratios(area_rates(areas)).frame
    >>> ratios[["estimate", "conf_low", "conf_high"]].round(3).to_numpy().tolist()
    [[0.5, 0.162, 1.167], [1.5, 0.84, 2.474]]
    """
    require_rates(rates, "standardised_ratios")
    f = rates.frame
    wanted = expected_numbers(f, expected)
    ok = has_rate(f) & (wanted > 0)
    events = f["events"].where(ok)
    ratio, low, high = standardised_ratio(events, wanted.where(ok), confidence=confidence, interval=interval)
    frame = f.drop(columns=["estimate", "conf_low", "conf_high"])
    columns = {
        "value": wanted.where(ok),
        "excess": events - wanted.where(ok),
        "estimate": ratio,
        "conf_low": low,
        "conf_high": high,
    }
    for at, (column, numbers) in enumerate(columns.items(), start=frame.columns.get_loc("population") + 1):
        frame.insert(at, column, numbers)
    without = has_rate(f) & ~ok
    frame.loc[without, ["quality", "note"]] = "suppress", "nothing expected: no ratio"
    settings = {
        **rates.settings,
        "confidence": confidence,
        "interval": INTERVALS[interval],
        "expected": expected
        if isinstance(expected, str)
        else "overall rate"
        if expected is None
        else "given",
        "unit": "times the expected number",
    }
    return RatiosResult(frame=frame, settings=settings, audit=rates.audit)


def expected_numbers(frame: pd.DataFrame, expected: str | pd.Series | None) -> pd.Series:
    """Events expected in each area: by the overall rate, from a column, or from a Series by area id."""
    ok = has_rate(frame)
    if expected is None:
        overall = frame.loc[ok, "events"].sum() / frame.loc[ok, "population"].sum()
        return (frame["population"].where(ok) * overall).astype(float)
    if isinstance(expected, str):
        if expected not in frame.columns:
            raise InputError(f"no column {expected!r} with expected events; there are {list(frame.columns)}.")
        expected = frame[expected]
    if not (expected.index.is_unique and set(expected.index) == set(frame.index)):
        raise AlignmentError(
            "the ids of `expected` are not those of the areas; give one number for each area."
        )
    wanted = expected.reindex(frame.index).astype(float)
    if (wanted < 0).any():
        raise InputError(
            f"expected events are negative in {int((wanted < 0).sum())} areas; they must be 0 or more."
        )
    return wanted


def _links(graph: Any, frame: pd.DataFrame, ok: pd.Series) -> Any:
    """Links among the areas that have a rate, in their order."""
    from safemap.geo.graph import as_area_graph

    return as_area_graph(graph, frame.index).subset(frame.index[ok.to_numpy()]).adjacency


def require_rates(rates: Any, verb: str) -> None:
    """Raise unless `rates` is what area_rates gives."""
    if not isinstance(rates, RatesResult):
        raise InputError(
            f"{verb} expects what area_rates gives; got {type(rates).__name__}. Smoothing twice, or "
            "smoothing something else than events and population, has no meaning here."
        )
