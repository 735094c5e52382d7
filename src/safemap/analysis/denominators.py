"""What to divide by: the base of an offence, bases that are disputed, and two bases side by side."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap.analysis.rates import RatesResult, area_rates, figure
from safemap.errors import ConfigError, StatisticsWarning
from safemap.results import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Base of the rate by ICCS code; the longest code that an offence begins with decides, else residents.
DENOMINATORS: Mapping[str, str] = {
    "0101": "residents",
    "0301": "women_15plus",
    "0401": "ambient",
    "0501": "dwellings",
    "0502": "ambient",
    "05021": "vehicles",
}


def denominator_for(
    iccs: str,
    *,
    available: Iterable[str] | None = None,
    registry: Mapping[str, str] = DENOMINATORS,
) -> str:
    """What the events of an offence should be divided by.

    Residents are the wrong base for offences of centres, markets and stations: few live where many are.

    Parameters
    ----------
    iccs : str
        Code of the offence in the International Classification of Crime for Statistical Purposes.
    available : iterable of str, optional
        Bases at hand. Where the right one is not among them, residents are given with a warning.
    registry : mapping
        Base by beginning of the code; ``{**DENOMINATORS, "0502": "residents"}`` changes one.

    Returns
    -------
    str
        residents, dwellings, vehicles, ambient (people present), women_15plus, or what `registry` says.

    Raises
    ------
    ConfigError
        A code that is none.

    Examples
    --------
    >>> denominator_for("05012"), denominator_for("050211"), denominator_for("05022"), denominator_for("0201")
    ('dwellings', 'vehicles', 'ambient', 'residents')
    """
    if not (isinstance(iccs, str) and iccs.isdigit() and 2 <= len(iccs) <= 6):
        raise ConfigError(f"iccs must be a code of 2 to 6 digits, as text, such as '0501'; got {iccs!r}.")
    known = [code for code in registry if iccs.startswith(code)]
    base = registry[max(known, key=len)] if known else "residents"
    if available is not None and base not in set(available):
        warnings.warn(
            f"The base of {iccs} is {base}, which is not at hand; residents are taken, so areas where many "
            "are and few live look worse than they are.",
            StatisticsWarning,
            stacklevel=2,
        )
        return "residents"
    return base


@dataclass(frozen=True, eq=False, repr=False)
class RateRangeResult(Result):
    """Rates under every population that is claimed; see :func:`rate_range`."""

    kind: ClassVar[str] = "rate_range"

    def _headline(self) -> str:
        f, s = self.frame, self.settings
        wide = (f["rank_worst"] - f["rank_best"]).max()
        classes = ""
        if "cluster" in f:
            classes = f"; {int((f['cluster'] == 'class uncertain').sum()):,} areas in no certain class"
        return (
            f"rates of {len(f):,} areas by {len(s['populations'])} populations: "
            f"{figure(f['rate_low'].min())} to {figure(f['rate_high'].max())} {s['unit']}; one area may have "
            f"any of {0 if np.isnan(wide) else int(wide) + 1} ranks{classes}"
        )


def rate_range(
    joined: Any,
    populations: Sequence[str],
    *,
    breaks: Sequence[float] | None = None,
    **options: Any,
) -> RateRangeResult:
    """Rates where the population itself is disputed: the range that the claimed populations leave.

    Parameters
    ----------
    joined : JoinResult, AreaCounts or GeoDataFrame
        As for :func:`area_rates`.
    populations : sequence of str
        Two or more columns with what is claimed, such as census, survey and estimate; their order plays no
        part.
    breaks : sequence of float, optional
        Limits of the classes of a map, in the unit of the rate. An area is given a class only where its whole
        range lies in it.
    **options
        ``base``, ``period``, ``per``, ``confidence``, ``interval`` of :func:`area_rates`.

    Returns
    -------
    RateRangeResult
        ``frame``: one row per area with ``name``, ``events``, ``population_low``, ``population_high``,
        ``rate_low``, ``rate_high``, ``conf_low`` (of the lowest rate), ``conf_high`` (of the highest),
        ``rank_best``, ``rank_worst`` (1 is the highest rate; each area's population is taken to vary by
        itself), with `breaks` ``cluster`` (class 1 is the lowest; class uncertain; no data), ``note``,
        ``geometry``. Areas that lack one of the populations have no range.

    Raises
    ------
    ConfigError
        Fewer than two populations, or breaks that do not rise.

    Examples
    --------
    Populations of Mathare that differ by a factor of four:

    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> areas = gpd.GeoDataFrame({"events": [150], "team": [123000], "web": [200000], "page": [500000]},
    ...                          geometry=[box(0, 0, 1, 1)], crs=32737)
    >>> rate_range(areas, ["team", "web", "page"]).frame[["rate_low", "rate_high"]].round(1).values.tolist()
    [[30.0, 122.0]]
    """
    if isinstance(populations, str) or len(populations) < 2:
        raise ConfigError("populations must name two or more columns, such as ('census', 'estimate').")
    if breaks is not None and not (np.diff(np.asarray(breaks, dtype=float)) > 0).all():
        raise ConfigError(f"breaks must rise; got {list(breaks)}.")
    rates = [area_rates(joined, population=column, **options) for column in populations]
    f = rates[0].frame
    people = np.column_stack([r.frame["population"] for r in rates])
    people = np.where((people > 0).all(axis=1)[:, None], people, np.nan)
    known = ~np.isnan(people[:, 0])
    small, large = people.min(axis=1), people.max(axis=1)
    scale = rates[0].settings["scale"]
    limits = [f[c].to_numpy() * f["population"].to_numpy() / scale for c in ("conf_low", "conf_high")]
    low, high = f["events"] / large * scale, f["events"] / small * scale
    columns = {
        "population_low": small,
        "population_high": large,
        "rate_low": low,
        "rate_high": high,
        "conf_low": limits[0] / large * scale,
        "conf_high": limits[1] / small * scale,
        **_ranks(low.to_numpy(), high.to_numpy(), known),
    }
    if breaks is not None:
        columns["cluster"] = _certain_class(low.to_numpy(), high.to_numpy(), breaks)
    columns["note"] = np.where(known, "", "a population is missing or zero: no range")
    frame = f.drop(columns=["population", "estimate", "conf_low", "conf_high", "quality", "note", "geometry"])
    frame = frame.assign(**columns, geometry=f.geometry)
    settings = {**rates[0].settings, "populations": list(populations)}
    settings["overall_rate"] = [r.settings["overall_rate"] for r in rates]
    del settings["population"]
    return RateRangeResult(frame=frame, settings=settings, audit=rates[0].audit)


def _ranks(
    low: NDArray[np.float64], high: NDArray[np.float64], known: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Best and worst place of each area among those with a range, 1 for the highest rate."""
    lows, highs = np.sort(low[known]), np.sort(high[known])
    best = 1.0 + len(lows) - np.searchsorted(lows, high, side="right")
    above = len(highs) - np.searchsorted(highs, low, side="right")
    worst = 1.0 + above - (high > low)  # an area does not lie above itself
    return {
        "rank_best": np.where(known, best, np.nan),
        "rank_worst": np.where(known, worst, np.nan),
    }


def _certain_class(
    low: NDArray[np.float64], high: NDArray[np.float64], breaks: Sequence[float]
) -> NDArray[np.object_]:
    first, last = (
        np.searchsorted(np.asarray(breaks, dtype=float), rate, side="left") for rate in (low, high)
    )
    names = np.array([f"class {k + 1}" for k in range(len(breaks) + 1)], dtype=object)
    out = np.where(first == last, names[first], "class uncertain")
    out[np.isnan(low)] = "no data"
    return out


@dataclass(frozen=True, eq=False, repr=False)
class BasesResult(Result):
    """Rates on two bases side by side; see :func:`compare_bases`."""

    kind: ClassVar[str] = "bases"

    def _headline(self) -> str:
        s = self.settings
        changed = "not known" if s["top_changed"] is None else f"{s['top_changed']:.0%}"
        return (
            f"rates of {len(self.frame):,} areas by {s['base']} and by {s['other']}: of the {s['top']} "
            f"highest, {changed} are others on the other base; rank correlation {s['rank_correlation']:.2f}"
        )


def compare_bases(
    joined: Any, base: str = "population", other: str = "ambient", *, top: int = 10, **options: Any
) -> BasesResult:
    """The same events divided by two bases, such as residents and people present.

    Parameters
    ----------
    joined : JoinResult, AreaCounts or GeoDataFrame
        As for :func:`area_rates`.
    base, other : str
        Columns of the areas.
    top : int
        Number of highest rates that are compared.
    **options
        ``period``, ``per``, ``confidence``, ``interval`` of :func:`area_rates`.

    Returns
    -------
    BasesResult
        ``frame``: one row per area with ``name``, ``events``, ``rate_base``, ``rate_other``, ``rank_base``,
        ``rank_other`` (1 is the highest; equal rates share the better rank), ``rank_shift`` (places gained
        by the other base), ``geometry``. ``settings["top_changed"]`` is the share of the top areas that are
        not among them on the other base. Ranks are of areas with both rates.

    Raises
    ------
    ConfigError
        `top` below 1.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> areas = gpd.GeoDataFrame({"events": [60, 20, 10], "residents": [500, 1000, 1000],
    ...                           "ambient": [9000, 1100, 800]},
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=32614)
    >>> both = compare_bases(areas, "residents", "ambient", top=1)
    >>> both.frame[["rank_base", "rank_other", "rank_shift"]].astype(int).values.tolist()
    [[1, 3, -2], [2, 1, 1], [3, 2, 1]]
    """
    import pandas as pd

    if isinstance(top, bool) or top < 1:
        raise ConfigError(f"top must be 1 or more; got {top!r}.")
    rates: list[RatesResult] = [
        area_rates(joined, population=column, base=column, **options) for column in (base, other)
    ]
    f = rates[0].frame
    both = pd.DataFrame({"rate_base": f["estimate"], "rate_other": rates[1].frame["estimate"]})
    ranked = both.where(both.notna().all(axis=1)).rank(ascending=False, method="min")
    frame = f[[*f.columns.intersection(["name"]), "events"]].assign(
        **both,
        rank_base=ranked["rate_base"],
        rank_other=ranked["rate_other"],
        rank_shift=ranked["rate_base"] - ranked["rate_other"],
        geometry=f.geometry,
    )
    import geopandas as gpd

    frame = gpd.GeoDataFrame(frame, geometry="geometry", crs=f.crs)
    first, second = (set(ranked.index[ranked[c] <= top]) for c in ranked.columns)
    settings = {
        **{k: v for k, v in rates[0].settings.items() if k not in ("population", "unit", "overall_rate")},
        "base": base,
        "other": other,
        "units": [r.settings["unit"] for r in rates],
        "top": top,
        "top_changed": len(first - second) / len(first) if first else None,
        "rank_correlation": float(ranked["rate_base"].corr(ranked["rate_other"])),
    }
    return BasesResult(frame=frame, settings=settings, audit=rates[0].audit)
