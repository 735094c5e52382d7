"""From the caller's table to what can be tested: checks, values, ids in one order, and why there is no test.

Shared by the verbs of autocorrelation. Input that makes no sense raises; areas that cannot be tested are kept
and told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap._typing import RNG, AreasLike
from safemap.errors import AlignmentError, ConfigError, InputError, StatisticsError, StatisticsWarning
from safemap.results import Result, of_offences
from safemap.settings import threshold

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.audit import Audit
    from safemap.geo.graph import AreaGraph


class Subject(NamedTuple):
    """What is tested."""

    frame: gpd.GeoDataFrame
    values: NDArray[np.float64]  #: one per area; NaN where there are no data
    events: float  #: number of events behind the values; NaN where unknown
    described: dict[str, Any]  #: settings that say what was tested
    audit: Audit | None


class Case(NamedTuple):
    """The areas that have data, ordered by id so that the order of the rows cannot matter."""

    ids: pd.Index
    values: NDArray[np.float64]
    graph: AreaGraph
    reason: str  #: why none of them can be tested; empty when they can


def read_subject(areas: AreasLike, column: str | None, events: str | None, population: str | None) -> Subject:
    """Read what is to be tested, once the input is known to make sense."""
    frame = read_frame(areas)
    automatic: list[str] = []
    nothing_named = column is None and events is None and population is None
    if nothing_named and {"events", "population"} <= {*frame.columns}:
        events, population, automatic = "events", "population", ["events", "population"]
    if (column is None) == (events is None or population is None) or (column and (events or population)):
        raise InputError(
            "Name what to test: either one column, or events= and population= together. With counts and "
            "people at risk use the latter, so that small areas do not look wild."
        )
    described = {"column": column, "events": events, "population": population, "automatic": automatic}
    described |= of_offences(areas)
    audit = areas.audit if isinstance(areas, Result) else None
    if column is None:
        counts, people = (
            read_numbers(frame, events, signed=False),
            read_numbers(frame, population, signed=False),
        )
        values, total = _index_of_rates(counts, people, canonical_order(frame.index))
        described["tested"] = f"the EB index of {events} per {population}"
        return Subject(frame, values, total, described, audit)
    if isinstance(areas, Result) and areas.kind == "rates" and column == "estimate":
        import warnings

        warnings.warn(
            "Crude rates are compared although their variance differs with the population; leave out the "
            "column, and the EB index of events and population is tested.",
            StatisticsWarning,
            stacklevel=3,
        )
    values = read_numbers(frame, column, signed=column != "events")
    described["tested"] = f"column {column}"
    total = float(np.nansum(values)) if column == "events" else float("nan")
    return Subject(frame, values, total, described, audit)


def prepare(subject: Subject, graph: AreaGraph) -> Case:
    """Leave out areas without data, order by id, and see whether a test is possible at all."""
    at = np.flatnonzero(~np.isnan(subject.values))
    at = at[canonical_order(graph.ids[at])]
    values, reduced = subject.values[at], graph.subset(graph.ids[at])
    few = subject.events < threshold("events_min")
    reason = "too few events" if few else why_not(values) or ("" if reduced.n_links else "no neighbours")
    return Case(reduced.ids, values, reduced, reason)


def canonical_order(ids: pd.Index) -> NDArray[np.int64]:
    """Positions that sort the ids, as numbers where they are numbers, else as text.

    Sums are taken and draws are dealt in this order, so that the order of the rows changes no digit.
    """
    keys = ids.to_numpy() if ids.dtype.kind in "iuf" else ids.astype(str).to_numpy(dtype=str)
    return np.argsort(keys, kind="stable")


def why_not(values: NDArray[np.float64]) -> str:
    """Why these values cannot be compared with their neighbours'; empty when they can."""
    if len(values) < threshold("areas_min"):
        return "too few areas"
    rounding = 8 * np.finfo(float).eps * np.abs(values).max()
    return "no variation" if np.ptp(values) <= rounding else ""


def describe(subject: Subject, case: Case, graph: AreaGraph, **options: Any) -> dict[str, Any]:
    """What was done, in plain values; facts of the test are added when it has run."""
    known = not np.isnan(subject.events)
    notes = []
    if known and subject.events < threshold("events_min"):
        notes.append(
            f"Only {subject.events:,.0f} events: fewer than {threshold('events_min'):.0f} are not tested."
        )
    elif known and subject.events < threshold("events_note"):
        few = f"fewer than {threshold('events_note'):.0f}"
        notes.append(f"Only {subject.events:,.0f} events: with {few}, only strong clusters can show.")
    return {
        **subject.described,
        **options,
        "graph": dict(graph.settings),
        "weights": "equal within a row" if graph.weights is None else "as the graph has them",
        "areas": len(subject.frame),
        "areas_without_data": len(subject.frame) - len(case.ids),
        "areas_tested": 0,
        "events_total": int(subject.events) if known else None,
        "notes": notes,
    }


def read_seed(rng: RNG) -> int:
    """The number the draws start from, so that it can be recorded and used again."""
    if rng is None:
        return int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63 - 1))
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0:
        return int(rng)
    raise ConfigError(f"rng must be a whole number of 0 or more, a numpy Generator, or None; got {rng!r}.")


def read_frame(areas: AreasLike, *, neighbourhood: bool = True) -> gpd.GeoDataFrame:
    """The table of areas, once it can be tested; each for itself where `neighbourhood` is False."""
    import geopandas as gpd

    frame = areas.frame if isinstance(areas, Result) else areas
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(
            f"areas must be a GeoDataFrame or a result with one row per area; got {type(areas).__name__}. "
            "Joined incidents become one with area_rates(joined)."
        )
    smoothed = isinstance(areas, Result) and (
        areas.kind == "smoothed_rates" or bool(areas.settings.get("smoothed"))
    )
    if smoothed:
        raise StatisticsError(
            "Smoothed rates cannot be tested: smoothing makes areas alike, and chance looks like clusters. "
            "Give the result of area_rates; its events and population are tested as the EB index."
        )
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()].unique()[:3].tolist()
        raise AlignmentError(f"Area ids (the index) must be unique; repeated, e.g. {twice}.")
    if neighbourhood and len(frame) < threshold("areas_min"):
        raise StatisticsError(f"A statistic of neighbourhood needs at least 3 areas; got {len(frame)}.")
    return frame


def read_numbers(frame: gpd.GeoDataFrame, column: str | None, *, signed: bool) -> NDArray[np.float64]:
    """A column as floats, NaN where missing; an error where it holds what cannot be a number to test."""
    import pandas as pd

    if column not in frame.columns:
        known = ", ".join(str(c) for c in frame.columns if c != frame.geometry.name)
        raise InputError(f"The areas have no column {column!r}; they have {known}.")
    series = frame[column]
    if not (pd.api.types.is_numeric_dtype(series) or series.isna().all()):
        raise InputError(f"Column {column!r} must hold numbers; it holds {series.dtype}.")
    numbers = pd.to_numeric(series).to_numpy(dtype=float, na_value=np.nan)
    for wrong, word in ((np.isinf(numbers), "infinite"), (~np.asarray(signed) & (numbers < 0), "negative")):
        if wrong.any():
            raise StatisticsError(
                f"Column {column!r} is {word} in {int(wrong.sum())} areas, e.g. "
                f"{frame.index[wrong][:3].tolist()}. Correct the values, or make them missing."
            )
    return numbers


def _index_of_rates(
    events: NDArray[np.float64], population: NDArray[np.float64], order: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float]:
    """EB index where there are people and a count, and the number of events behind it."""
    from safemap.stats.rates import eb_index

    known = order[~np.isnan(events[order]) & (population[order] > 0)]
    values = np.full(len(events), np.nan)
    rates = events[known] / population[known]
    # equal rates would leave nothing but rounding errors to test
    alike = np.ptp(rates) <= 1e-12 * rates.max() if len(rates) else True
    values[known] = 0.0 if alike else eb_index(events[known], population[known])
    return values, float(events[known].sum())
