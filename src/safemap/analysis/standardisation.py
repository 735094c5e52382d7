"""Rates freed from differences of age and sex between areas: direct, and the expected events of indirect.

The arithmetic is :mod:`safemap.stats.standardisation`; here a long table of strata comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from safemap.analysis.rates import (
    DAYS_PER_YEAR,
    Period,
    check_base,
    figure,
    judge_rates,
    read_period,
    unit_of_rates,
)
from safemap.errors import AlignmentError, InputError
from safemap.results import Result
from safemap.stats.standardisation import DirectInterval, direct_rate
from safemap.stats.standardisation import expected_events as _expected

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class StandardisedRatesResult(Result):
    """Directly standardised rates of areas; see :func:`standardised_rates`."""

    kind: ClassVar[str] = "standardised_rates"

    def _headline(self) -> str:
        f, s = self.frame, self.settings
        missing = int(f["estimate"].isna().sum())
        return (
            f"rates of {len(f):,} areas standardised by {', '.join(s['by'])} ({s['n_strata']} strata, "
            f"{s['standard']}): {figure(f['estimate'].min())} to {figure(f['estimate'].max())} {s['unit']}; "
            f"crude {figure(f['value'].min())} to {figure(f['value'].max())}; {missing:,} areas without"
        )


def standardised_rates(
    strata: pd.DataFrame,
    areas: gpd.GeoDataFrame,
    *,
    by: str | Sequence[str],
    standard: pd.Series | pd.DataFrame | None = None,
    area: str = "area_id",
    events: str = "events",
    population: str = "population",
    period: Period | None = None,
    per: float = 100_000,
    confidence: float = 0.95,
    interval: DirectInterval = "gamma",
) -> StandardisedRatesResult:
    """Rates that areas would have if their people had the age and sex of a standard population (direct).

    Parameters
    ----------
    strata : pandas.DataFrame
        Long table, one row per area and stratum, with the area's id, the columns of `by`, events and people.
    areas : geopandas.GeoDataFrame
        One row per area, ids in the index.
    by : str or list of str
        Columns that make the strata, such as ``["age", "sex"]``.
    standard : Series or DataFrame, optional
        People of the standard population: a Series by stratum, or a table with the columns of `by` and of
        `population`. Default: all areas of `strata` together.
    area, events, population : str
        Columns of `strata`.
    period : (start, end), optional
        First and last day, both included; rates are then per year. The table is taken to be of that period.
    per : float
        Size of the base.
    confidence, interval
        See :func:`safemap.stats.standardisation.direct_rate`.

    Returns
    -------
    StandardisedRatesResult
        ``frame``: one row per area with ``name`` (if given), ``events``, ``population``, ``value`` (crude
        rate), ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, ``quality``, ``note``, ``geometry``.
        An area without a stratum that the standard has, or with nobody in it, has no rate; ``note`` says so.

    Raises
    ------
    AlignmentError
        Areas of the table are not among `areas`, or the strata of table and standard differ.
    InputError
        A column is missing, a stratum of an area comes twice, or numbers make no sense.

    See Also
    --------
    expected_events : indirect standardisation, for areas too small for rates by stratum.

    References
    ----------
    Fay, M. P., Feuer, E. J. (1997). Statistics in Medicine 16, 791-801.
    doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#

    Examples
    --------
    Two areas with the same risk at each age; the older one looks worse until it is standardised:

    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely.geometry import box
    >>> strata = pd.DataFrame({"area_id": list("AABB"), "age": ["young", "old"] * 2,
    ...                        "events": [18, 8, 6, 36], "population": [9000, 1000, 3000, 4500]})
    >>> areas = gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], index=list("AB"), crs=32614)
    >>> rates = standardised_rates(strata, areas, by="age", per=1000)
    >>> rates.frame[["value", "estimate", "conf_low", "conf_high"]].round(2).to_numpy().tolist()
    [[2.6, 3.89, 2.26, 6.37], [5.6, 3.89, 2.64, 5.68]]
    """
    check_base(per, confidence)
    span = None if period is None else read_period(period)
    scale = per if span is None else per * DAYS_PER_YEAR / span.days
    table = _read(strata, areas, _names(by), area, events, population)
    wanted = _standard(standard, table, population)
    found = direct_rate(table.events, table.population, wanted, confidence=confidence, interval=interval)
    frame = _totals(table, areas)
    people = frame["population"].where(frame["population"] > 0)
    frame["value"] = frame["events"] / people * scale
    for column, numbers in (("estimate", found.rate), ("std_error", found.std_error),
                            ("conf_low", found.low), ("conf_high", found.high)):  # fmt: skip
        frame[column] = numbers * scale
    frame["quality"], frame["note"] = judge_rates(frame)
    gaps = frame["estimate"].isna()
    frame.loc[gaps, "quality"] = "suppress"
    frame.loc[gaps, "note"] = _gaps(table, wanted)[gaps.to_numpy()]
    settings = {
        "by": list(_names(by)),
        "n_strata": len(table.strata),
        "standard": "all areas together" if standard is None else "population given",
        "per": per,
        "period": None if span is None else (span.start.date().isoformat(), span.end.date().isoformat()),
        "period_days": None if span is None else span.days,
        "confidence": confidence,
        "interval": interval,
        "unit": unit_of_rates(per, "people of the standard population", yearly=span is not None),
        "scale": scale,
        "n_events": int(np.nansum(table.events)),
    }
    return StandardisedRatesResult(frame=_with_geometry(frame, areas), settings=settings)


def expected_events(
    strata: pd.DataFrame,
    areas: gpd.GeoDataFrame,
    *,
    by: str | Sequence[str],
    reference: pd.Series | pd.DataFrame | None = None,
    area: str = "area_id",
    events: str = "events",
    population: str = "population",
) -> pd.Series:
    """Events that each area would have at the rates of a reference population, stratum by stratum (indirect).

    For :func:`safemap.standardised_ratios`, ``expected=``. Needs no events by area and stratum unless the
    reference is to be computed from them.

    Parameters
    ----------
    strata : pandas.DataFrame
        Long table, one row per area and stratum, as for :func:`standardised_rates`; `events` only without
        `reference`.
    areas : geopandas.GeoDataFrame
        One row per area, ids in the index.
    by : str or list of str
        Columns that make the strata.
    reference : Series or DataFrame, optional
        Events per person in each stratum, in the same period: a Series by stratum, or a table with the
        columns of `by`, `events` and `population`. Default: all areas together, so that expected events add
        up to the observed ones.
    area, events, population : str
        Columns of `strata`.

    Returns
    -------
    Series
        Named ``expected``, in the order of `areas`; missing where a stratum is.

    Raises
    ------
    AlignmentError, InputError
        As :func:`standardised_rates`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely.geometry import box
    >>> strata = pd.DataFrame({"area_id": list("AABB"), "age": ["young", "old"] * 2,
    ...                        "population": [9000, 1000, 3000, 4500]})
    >>> areas = gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], index=list("AB"), crs=32614)
    >>> city = pd.Series({"young": 0.002, "old": 0.008})
    >>> expected_events(strata, areas, by="age", reference=city).to_dict()
    {'A': 26.0, 'B': 42.0}
    """
    import pandas as pd

    names = _names(by)
    table = _read(strata, areas, names, area, events if reference is None else None, population)
    if reference is None:
        people = np.nansum(table.population, axis=0)
        counts = np.nansum(table.events, axis=0)
        rates = np.divide(counts, people, out=np.zeros_like(people), where=people > 0)
    else:
        if not isinstance(reference, pd.Series):
            happened, there = (_by_stratum(reference, names, column) for column in (events, population))
            if (there <= 0).any():
                raise InputError("the reference has strata without people, so they have no rate.")
            reference = happened / there
        rates = _aligned(reference, table, "reference")
    return pd.Series(_expected(table.population, rates), index=areas.index, name="expected")


class _Table(NamedTuple):
    """Areas by strata, missing where the table has no row."""

    strata: pd.Index
    events: NDArray[np.float64]
    population: NDArray[np.float64]


def _names(by: str | Sequence[str]) -> list[str]:
    names = [by] if isinstance(by, str) else list(by)
    if not names:
        raise InputError("by= must name at least one column that makes the strata, such as 'age'.")
    return names


def _read(
    strata: pd.DataFrame,
    areas: gpd.GeoDataFrame,
    by: list[str],
    area: str,
    events: str | None,
    population: str,
) -> _Table:
    """The long table as two matrices in the order of `areas`; events are 0 where there is no such column."""
    _check_table(strata, [area, *by, population, *([] if events is None else [events])])
    if not areas.index.is_unique:
        raise InputError("area ids must be unique. Read the areas with read_areas(id=...).")
    unknown = strata.loc[~strata[area].isin(areas.index), area].unique()
    if len(unknown):
        raise AlignmentError(
            f"{len(unknown)} area ids of the strata are not among the areas, e.g. {list(unknown[:3])}; "
            f"their types are {strata[area].dtype} and {areas.index.dtype}."
        )
    twice = strata.duplicated([area, *by])
    if twice.any():
        raise InputError(
            f"{int(twice.sum())} rows repeat an area and stratum, e.g. of area "
            f"{strata.loc[twice, area].iloc[0]!r}. Name in by= all columns that make the strata, "
            "or add the rows up."
        )
    keys = strata[[area, *by]]
    people = _numbers(strata, population)
    counts = people * 0 if events is None else _numbers(strata, events)
    if events is not None and (counts % 1 != 0).any():
        raise InputError(f"column {events!r} must hold whole numbers of events.")
    if ((counts > 0) & (people == 0)).any():
        raise InputError("there are events in strata in which nobody is; correct the table of people.")
    wide = keys.assign(e=counts, n=people).set_index([area, *by]).unstack(by)
    wide = wide.reindex(areas.index)
    return _Table(wide["n"].columns, wide["e"].to_numpy(float), wide["n"].to_numpy(float))


def _check_table(strata: pd.DataFrame, wanted: Sequence[str]) -> None:
    import pandas as pd

    if not isinstance(strata, pd.DataFrame) or not len(strata):
        raise InputError("strata must be a table with one row per area and stratum, and not empty.")
    missing = [column for column in wanted if column not in strata.columns]
    if missing:
        raise InputError(f"the strata have no column {missing}; they have {list(strata.columns)}.")
    empty = [column for column in wanted if strata[column].isna().any()]
    if empty:
        raise InputError(f"the strata have missing values in {empty}; leave such rows out, or fill them.")


def _numbers(table: pd.DataFrame, column: str) -> pd.Series:
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(table[column]):
        raise InputError(f"column {column!r} must hold numbers; it holds {table[column].dtype}.")
    numbers = table[column].astype(float)
    if ((numbers < 0) | np.isinf(numbers)).any():
        raise InputError(f"column {column!r} must hold numbers of 0 or more, and finite.")
    return numbers


def _by_stratum(table: pd.DataFrame, by: list[str], column: str) -> pd.Series:
    _check_table(table, [*by, column])
    series = _numbers(table, column).set_axis(table.set_index(by).index)
    if not series.index.is_unique:
        raise InputError("the population of comparison has a stratum twice; add the rows up.")
    return series


def _standard(
    standard: pd.Series | pd.DataFrame | None, table: _Table, population: str
) -> NDArray[np.float64]:
    """People of the standard population in the order of the table's strata."""
    import pandas as pd

    if standard is None:
        return np.nansum(table.population, axis=0)
    if not isinstance(standard, pd.Series):
        standard = _by_stratum(standard, list(table.strata.names), population)
    return _aligned(standard, table, "standard")


def _aligned(series: pd.Series, table: _Table, word: str) -> NDArray[np.float64]:
    if not series.index.is_unique:
        raise InputError(f"the {word} has a stratum twice.")
    if series.index.nlevels != table.strata.nlevels:
        raise AlignmentError(
            f"the {word} is by {series.index.nlevels} column(s), the strata by {list(table.strata.names)}."
        )
    if series.index.nlevels > 1 and set(series.index.names) == set(table.strata.names):
        series = series.reorder_levels(table.strata.names)
    only, lacking = series.index.difference(table.strata), table.strata.difference(series.index)
    if len(only) or len(lacking):
        raise AlignmentError(
            f"the strata of the table and of the {word} differ: only in the {word} {list(only[:3])}, only in "
            f"the table {list(lacking[:3])}. Bring both to the same classes, written the same."
        )
    values = series.reindex(table.strata).to_numpy(float)
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise InputError(f"the {word} must have a number of 0 or more for each stratum.")
    return values


def _totals(table: _Table, areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """Events and people of each area over its strata; missing where the table has no row of the area."""
    import pandas as pd

    none = np.isnan(table.population).all(axis=1)
    frame = pd.DataFrame(index=areas.index)
    if "name" in areas.columns:
        frame["name"] = areas["name"]
    for column, numbers in (("events", table.events), ("population", table.population)):
        frame[column] = np.where(none, np.nan, np.nansum(numbers, axis=1))
    return frame


def _gaps(table: _Table, standard: NDArray[np.float64]) -> NDArray[np.object_]:
    """Why an area has no standardised rate."""
    needed = table.population[:, standard > 0]
    absent, empty = np.isnan(needed).sum(axis=1), (needed == 0).sum(axis=1)
    words = [
        "no strata: no rate"
        if a == needed.shape[1]
        else f"{a} of {needed.shape[1]} strata missing: no rate"
        if a
        else f"nobody in {e} of {needed.shape[1]} strata: no rate; use fewer strata or expected_events"
        for a, e in zip(absent, empty, strict=True)
    ]
    return np.array(words, dtype=object)


def _with_geometry(frame: pd.DataFrame, areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    import geopandas as gpd

    return gpd.GeoDataFrame(frame, geometry=areas.geometry.to_numpy(), crs=areas.crs)
