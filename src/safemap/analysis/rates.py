"""Rates of areas from joined incidents, with exact intervals.

The arithmetic is :mod:`safemap.stats.rates`; here tables come in and results go out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from safemap._typing import PoissonInterval
from safemap.audit import Audit
from safemap.errors import AlignmentError, ConfigError, InputError, StatisticsWarning
from safemap.results import Result, of_offences
from safemap.settings import threshold
from safemap.stats.rates import check_confidence, poisson_interval

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap.analysis.joining import JoinResult
    from safemap.intake.counts import AreaCounts

#: first and last day, as text (YYYY-MM-DD), date or timestamp
Period = tuple[Any, Any]

#: mean length of a year in days, so that a leap year has no higher rate
DAYS_PER_YEAR = 365.25

#: the intervals of a count, in words
INTERVALS = {"exact": "Garwood (exact Poisson)", "mid-p": "mid-p (Poisson)", "byar": "Byar (approximate)"}


@dataclass(frozen=True, eq=False, repr=False)
class RatesResult(Result):
    """Rates of areas; see :func:`area_rates`."""

    kind: ClassVar[str] = "rates"

    def summary(self) -> str:
        """The overall rate, how many areas differ from it, what to be careful with, and the audit."""
        return "\n".join(
            [
                self._headline(),
                _compared_with_average(self),
                *_remarks(self.frame, self.settings),
                *([] if self.audit is None else [self.audit.summary()]),
            ]
        )

    def _headline(self) -> str:
        s = self.settings
        return (
            f"rates of {len(self.frame):,} areas: {s['n_events']:,} events, "
            f"overall {figure(s['overall_rate'])} {s['unit']}"
        )


def area_rates(
    joined: JoinResult | AreaCounts | gpd.GeoDataFrame,
    *,
    population: str = "population",
    base: str = "residents",
    iccs: str | None = None,
    period: Period | None = None,
    per: float = 100_000,
    confidence: float = 0.95,
    interval: PoissonInterval = "exact",
    drop_unreliable: bool = False,
) -> RatesResult:
    """Events per population of every area, a year, with an interval.

    Starts from the list of areas, so that an area without events is a row with rate 0, and an area without
    population is a row without a rate.

    Parameters
    ----------
    joined : JoinResult, AreaCounts or GeoDataFrame
        What :func:`safemap.join_areas` or :func:`safemap.read_area_counts` gives; or
        areas that already carry counts in a column ``events``.
    population : str
        Column of the areas with the number of residents (or of another base).
    base : str
        What `population` counts, for the unit: residents, dwellings, vehicles.
    iccs : str, optional
        Code of the offence; a warning is given where its usual base is another, see
        :func:`safemap.denominator_for`.
    period : (start, end), optional
        First and last day of observation, both included. Events outside it are set aside in the audit
        (``outside_period``, ``missing_date``) and rates are per year. Where the events carry no dates, the
        period is taken as stated, and ``settings["period_checked"]`` is False. Without a period the rate is
        over the whole file, never a yearly one.
    per : float
        Size of the base, 100,000 by default.
    confidence : float
        Coverage of the interval, between 0 and 1.
    interval : {"exact", "mid-p", "byar"}
        See :func:`safemap.stats.rates.poisson_interval`.
    drop_unreliable : bool
        Leave rate and interval empty where ``quality`` is review; the events stay.

    Returns
    -------
    RatesResult
        ``frame``: one row per area, in the order of the areas, with ``name`` (if given), ``events``,
        ``population``, ``estimate``, ``conf_low``, ``conf_high`` (all three in ``settings["unit"]``),
        ``quality`` (publish, review, suppress), ``note`` and ``geometry``.

    Notes
    -----
    ``estimate = events / population * per * 365.25 / days``; the interval is that of the count, Garwood's
    unless another is asked for, on the same scale. ``quality`` is *review* with fewer than 10 events or an
    interval wider than 160 % of the rate, and *suppress* without a population: such an area has no rate.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.
    doi:10.1093/biomet/28.3-4.437

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> areas = gpd.GeoDataFrame({"events": [5, 0], "population": [2000, 800]},
    ...                          geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=32614, index=["A", "B"])
    >>> rates = area_rates(areas, per=1000)
    >>> rates.frame[["estimate", "conf_low", "conf_high", "quality"]].round(2).values.tolist()
    [[2.5, 0.81, 5.83, 'review'], [0.0, 0.0, 4.61, 'review']]
    >>> rates.settings["unit"]
    'events per 1,000 residents over the whole file'
    """
    check_base(per, confidence)
    if iccs is not None:
        _warn_of_base(iccs, base)
    span = None if period is None else read_period(period)
    counted = _count(joined, span)
    people = _read_population(counted.areas, population)
    scale = per if span is None else per * DAYS_PER_YEAR / span.days
    limits = poisson_interval(counted.events, confidence=confidence, interval=interval)
    frame = _rates_frame(counted, people, limits, scale=scale)
    settings = {
        "population": population,
        "base": base,
        **({} if iccs is None else {"iccs": iccs}),
        "per": per,
        "period": None if span is None else (span.start.date().isoformat(), span.end.date().isoformat()),
        "period_days": None if span is None else span.days,
        "period_checked": counted.dated,
        "confidence": confidence,
        "interval": INTERVALS[interval],
        "unit": unit_of_rates(per, base, yearly=span is not None),
        "scale": scale,
        "overall_rate": _overall(frame) * scale,
        "n_events": int(counted.events.sum()),
        "n_areas": len(frame),
        **of_offences(joined),
    }
    if drop_unreliable:
        frame = _without_unreliable(frame)
        settings["dropped"] = "rates of quality review"
    return RatesResult(frame=frame, settings=settings, audit=counted.audit)


def _warn_of_base(iccs: str, base: str) -> None:
    import warnings

    from safemap.analysis.denominators import denominator_for

    usual = denominator_for(iccs)
    if usual != base:
        warnings.warn(
            f"The usual base of offence {iccs} is {usual}, not {base}: areas can look worse or better than "
            "their risk. Divide by that base, or show both with compare_bases.",
            StatisticsWarning,
            stacklevel=3,
        )


class _Span(NamedTuple):
    """First and last day of observation, both at midnight, and the number of days."""

    start: pd.Timestamp
    end: pd.Timestamp
    days: int


class _Counted(NamedTuple):
    """Areas with their counts, the audit behind them, and whether dates were compared with the period."""

    areas: gpd.GeoDataFrame
    events: pd.Series
    audit: Audit | None
    dated: bool


def check_base(per: float, confidence: float) -> None:
    """Raise unless the size of the base and the confidence make sense."""
    if not (np.isfinite(per) and per > 0):
        raise ConfigError(f"per must be a number above 0, such as 100_000; got {per!r}.")
    check_confidence(confidence)


def read_period(period: Period) -> _Span:
    """First and last day of a period, and the number of days."""
    import pandas as pd

    if isinstance(period, str) or len(period) != 2:
        raise ConfigError(f"period must be two dates, (first day, last day), both included; got {period!r}.")
    try:
        start, end = (pd.Timestamp(day) for day in period)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"period must be two dates as YYYY-MM-DD; got {period!r}.") from error
    if pd.isna(start) or pd.isna(end) or start > end:
        raise ConfigError(f"period must be (first day, last day), first not after last; got {period!r}.")
    start, end = start.normalize(), end.normalize()
    return _Span(start, end, (end - start).days + 1)


def _count(joined: JoinResult | AreaCounts | gpd.GeoDataFrame, span: _Span | None) -> _Counted:
    """Events per area, from joined incidents, a table of counts, or areas with a column ``events``."""
    import geopandas as gpd

    from safemap.intake.counts import AreaCounts

    if isinstance(joined, AreaCounts):
        areas, events, audit, dated = joined.by_area(*(() if span is None else (span.start, span.end)))
        return _Counted(areas, events, audit, dated)
    if isinstance(joined, gpd.GeoDataFrame):
        _check_index(joined)
        return _Counted(joined, _read_events(joined), None, dated=False)
    if not (hasattr(joined, "areas") and hasattr(joined, "frame")):
        raise InputError(
            f"area_rates expects what join_areas gives, or a GeoDataFrame with a column 'events'; "
            f"got {type(joined).__name__}."
        )
    _check_index(joined.areas)
    rows = joined.frame[joined.frame["area_id"].notna()]
    if joined.audit is not None:
        joined.audit.check(rows.index)  # a row lost or doubled on the way would falsify every rate
    audit, dated = joined.audit, False
    if span is not None and "date" in rows.columns:
        rows, audit = _within_period(rows, span, audit)
        dated = True
    return _Counted(joined.areas, _tally(rows["area_id"], joined.areas), audit, dated)


def _within_period(rows: pd.DataFrame, span: _Span, audit: Audit | None) -> tuple[pd.DataFrame, Audit | None]:
    """The rows whose date lies in the period; the others are set aside with their reason."""
    import pandas as pd

    date = rows["date"]
    if getattr(date.dt, "tz", None) is not None:
        date = date.dt.tz_localize(None)  # the day on the clock of the place is what a period means
    missing = date.isna()
    outside = ~missing & ~((date >= span.start) & (date < span.end + pd.Timedelta(days=1)))
    reasons = pd.Series(
        np.select([missing, outside], ["missing_date", "outside_period"], ""), index=rows.index
    )
    reasons = reasons[reasons != ""]
    if audit is not None:
        audit = audit.with_set_aside(reasons, step="area_rates")
    return rows[~(missing | outside)], audit


def _tally(area_id: pd.Series, areas: gpd.GeoDataFrame) -> pd.Series:
    counts = area_id.value_counts()
    unknown = counts.index.difference(areas.index)
    if len(unknown):
        raise AlignmentError(
            f"{len(unknown)} area ids of the joined incidents are not among the areas, "
            f"e.g. {unknown[:3].tolist()}. Join and rate with the same areas."
        )
    return counts.reindex(areas.index, fill_value=0).astype("int64").rename("events")


def _check_index(areas: gpd.GeoDataFrame) -> None:
    if not areas.index.is_unique:
        twice = areas.index[areas.index.duplicated()][:3].tolist()
        raise InputError(
            f"area ids must be unique; repeated are e.g. {twice}. Read the areas with read_areas(id=...)."
        )


def _read_events(areas: gpd.GeoDataFrame) -> pd.Series:
    if "events" not in areas.columns:
        raise InputError(
            "the areas have no column 'events'. Join incidents with join_areas first, or rename the column "
            "of counts to 'events'."
        )
    events = _numbers(areas, "events")
    bad = events.isna() | (events < 0) | (events % 1 != 0)
    if bad.any():
        raise InputError(
            f"events must be whole numbers, 0 or more; {int(bad.sum())} areas have something else, "
            f"e.g. {areas.index[bad][:3].tolist()}."
        )
    return events.astype("int64")


def _read_population(areas: gpd.GeoDataFrame, column: str) -> pd.Series:
    if column not in areas.columns:
        others = ", ".join(str(c) for c in areas.columns if c != areas.geometry.name)
        raise InputError(f"the areas have no column {column!r} for the population; they have {others}.")
    people = _numbers(areas, column)
    bad = (people < 0) | np.isinf(people)
    if bad.any():
        raise InputError(
            f"population (column {column!r}) must be 0 or more; {int(bad.sum())} areas have something else, "
            f"e.g. {areas.index[bad][:3].tolist()}."
        )
    return people


def _numbers(areas: gpd.GeoDataFrame, column: str) -> pd.Series:
    import pandas as pd

    try:
        return pd.to_numeric(areas[column]).astype("float64")
    except (ValueError, TypeError) as error:
        raise InputError(
            f"column {column!r} of the areas must hold numbers; it holds text in some rows. "
            "Correct the file, or read it with the right decimal sign."
        ) from error


def _rates_frame(
    counted: _Counted, people: pd.Series, limits: tuple[Any, Any], *, scale: float
) -> gpd.GeoDataFrame:
    areas, events = counted.areas, counted.events
    base, (low, high) = people.where(people > 0), limits
    frame = areas[[*(["name"] if "name" in areas.columns else []), areas.geometry.name]].copy()
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    columns = {
        "events": events,
        "population": people,
        "estimate": events / base * scale,
        "conf_low": low / base * scale,
        "conf_high": high / base * scale,
    }
    for name, values in columns.items():
        frame[name] = values
    frame["quality"], frame["note"] = judge_rates(frame)
    frame.attrs = {}
    return frame[[c for c in frame.columns if c != "geometry"] + ["geometry"]]


def judge_rates(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Quality and its reason, by the rules for rates of the US National Center for Health Statistics."""
    few, wide = threshold("rate_events_min"), threshold("rate_ci_width_max")
    quality, notes = [], []
    for row in frame[["events", "population", "estimate", "conf_low", "conf_high"]].itertuples(index=False):
        if not row.population > 0:
            quality.append("suppress")
            notes.append(
                "population is zero: no rate" if row.population == 0 else "population missing: no rate"
            )
        elif row.events < few:
            quality.append("review")
            notes.append(f"fewer than {few:.0f} events")
        elif (row.conf_high - row.conf_low) / row.estimate > wide:
            quality.append("review")
            notes.append(f"interval wider than {wide:.0%} of the rate")
        else:
            quality.append("publish")
            notes.append("")
    return quality, notes


def _without_unreliable(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    weak = frame["quality"] == "review"
    frame.loc[weak, ["estimate", "conf_low", "conf_high"]] = np.nan
    frame.loc[weak, "note"] = "rate left out: " + frame.loc[weak, "note"]
    return frame


def has_rate(frame: pd.DataFrame) -> pd.Series:
    """Areas with people at risk, so with a rate."""
    return frame["population"] > 0


def _overall(frame: pd.DataFrame) -> float:
    """Events per head over the areas that have a population; NaN if none has."""
    ok = has_rate(frame)
    people = float(frame.loc[ok, "population"].sum())
    return float(frame.loc[ok, "events"].sum()) / people if people else float("nan")


def unit_of_rates(per: float, base: str, *, yearly: bool) -> str:
    """Unit of a rate in words."""
    return f"events per {per:,.0f} {base} " + ("a year" if yearly else "over the whole file")


def figure(value: float) -> str:
    """A rate as people write it: three figures that matter, no more."""
    if not np.isfinite(value):
        return "not known"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _compared_with_average(rates: RatesResult) -> str:
    f, average = rates.frame, rates.settings["overall_rate"]
    rated = int(has_rate(f).sum())
    above, below = int((f["conf_low"] > average).sum()), int((f["conf_high"] < average).sum())
    chance = rated * (1 - rates.settings["confidence"])
    return (
        f"{above} areas lie above the overall rate with their whole interval, {below} below; "
        f"{rated - above - below} cannot be told apart from it "
        f"(up to {chance:.0f} of {rated} would differ by chance)"
    )


def _remarks(frame: pd.DataFrame, settings: Mapping[str, Any]) -> list[str]:
    lines = []
    without = frame[~has_rate(frame)]
    if len(without):
        lines.append(
            f"{len(without)} areas have no population and no rate; "
            f"{int(without['events'].sum())} events lie there"
        )
    review = int((frame["quality"] == "review").sum())
    if review:
        lines.append(f"{review} rates rest on few events and need a review before they are published")
    days = settings["period_days"]
    if days is None:
        lines.append("no period was given: these are not yearly rates")
    elif days < 330:
        lines.append(f"extrapolated to a year from {days} days: the season is in these rates")
    if days is not None and not settings["period_checked"]:
        lines.append("the events carry no dates: the period was taken as stated")
    return lines
