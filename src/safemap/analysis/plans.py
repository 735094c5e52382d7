"""What is asked of a large file, checked and ready to be carried out: here, or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np

from safemap.analysis.counted import CountedAreas, counted_areas
from safemap.analysis.streaming import Recipe, Rules
from safemap.analysis.tallies import Tally
from safemap.errors import AuditError, ConfigError, CRSError, InputError
from safemap.geo.coordinates import REPAIRS, Box, as_crs, crs_name, study_box
from safemap.geo.crs import local_utm_epsg
from safemap.geo.polygons import require_areas, with_text_ids
from safemap.intake.batches import Stream, open_stream
from safemap.intake.columns import fold, require_columns
from safemap.intake.dates import read_dates
from safemap.intake.numbers import read_numbers
from safemap.intake.selection import days_of, listed

if TYPE_CHECKING:
    import geopandas as gpd

    from safemap._typing import AreasLike

Unit = Literal["year", "month", "day"]
_UNITS: Mapping[str, str] = {"year": "Y", "month": "M", "day": "D"}
#: rows expected of an input that does not say
_MANY = 10_000_000


@dataclass(frozen=True)
class Plan:
    """A recipe for every batch, the input, and what is needed to make a result of the totals."""

    recipe: Recipe
    stream: Stream
    frames: Mapping[str, gpd.GeoDataFrame]  #: the areas and further levels
    settings: Mapping[str, Any]
    date_rule: str | None

    def finish(self, tally: Tally) -> CountedAreas:
        """The result, unless rows are lost or the totals show a cause that makes most rows worthless."""
        there = self.stream.rows
        if there is not None and there != tally.rows:
            raise AuditError(
                f"{self.stream.source}: {there:,} rows should have been read and {tally.rows:,} were. A row "
                "was lost or doubled inside safemap: please report it."
            )
        _refuse(self.recipe, tally, self.settings["where"])
        return counted_areas(self.recipe, self.stream, tally, self.frames, self.settings, self.date_rule)


def is_dask(source: Any) -> bool:
    """Whether an input is a Dask collection."""
    return hasattr(source, "to_delayed")


def make_plan(
    source: Any,
    areas: AreasLike,
    *,
    lon: str | None = None,
    lat: str | None = None,
    x: str | None = None,
    y: str | None = None,
    crs: Any = None,
    date: str | None = None,
    category: str | None = None,
    levels: Mapping[str, AreasLike] | None = None,
    where: Mapping[str, Any] | None = None,
    period: Sequence[Any] | None = None,
    by_period: Unit | None = None,
    repair: str | Sequence[str] = (),
    max_distance: float = 0.0,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    dayfirst: bool | None = None,
    date_format: str | None = None,
) -> Plan:
    """Check what is asked and look at the first rows; options as :func:`safemap.count_areas`."""
    frames = {"area": with_text_ids(require_areas(areas))}
    for name, level in (levels or {}).items():
        if name == "area" or not str(name).strip():
            raise ConfigError("A level needs a name of its own, other than 'area'.")
        frames[name] = with_text_ids(require_areas(level, argument=f"levels[{name!r}]"))
    _check_options(date, period, by_period, max_distance)
    system, columns = _place_columns(lon, lat, x, y, crs)
    stream = _open(source, encoding, delimiter)
    asked = {column: tuple(fold(v) for v in listed(allowed)) for column, allowed in (where or {}).items()}
    needs_date = period is not None or by_period is not None
    rules, date_rule = _find_rules(
        stream, columns, system, decimal=decimal, date=date if needs_date else None, dayfirst=dayfirst,
        date_format=date_format, category=category, others=tuple(asked),
    )  # fmt: skip
    days = None if period is None else days_of(period)
    name = crs_name(system)
    recipe = Recipe(
        source=stream.source,
        rules=rules,
        crs=name if as_crs(name).equals(system) else system.to_wkt(),
        box=study_box(frames["area"], system),
        areas={level: frame[[frame.geometry.name]] for level, frame in frames.items()},
        expected=_MANY if stream.rows is None else stream.rows,
        repair=_accepted(repair),
        where=asked,
        period=None if days is None else (np.datetime64(days[0], "D"), np.datetime64(days[1], "D")),
        unit=None if by_period is None else _UNITS[by_period],
        max_distance=float(max_distance),
        suspects=_metre_systems(frames["area"]) if system.is_geographic else {},
        token=uuid4().hex,
    )
    settings = {
        "where": {column: listed(allowed) for column, allowed in (where or {}).items()},
        "period": None if days is None else tuple(day.date().isoformat() for day in days),
        "by_period": by_period,
    }
    return Plan(recipe, stream, frames, settings, date_rule)


def _open(source: Any, encoding: str | None, delimiter: str | None) -> Stream:
    if is_dask(source):
        from safemap.analysis.dask import open_dask

        return open_dask(source)
    return open_stream(source, encoding=encoding, delimiter=delimiter)


def _check_options(date: str | None, period: Any, by_period: str | None, max_distance: float) -> None:
    if by_period is not None and by_period not in _UNITS:
        raise ConfigError(f"by_period must be one of {', '.join(map(repr, _UNITS))}; got {by_period!r}.")
    if date is None and (period is not None or by_period is not None):
        raise InputError("period= and by_period= need the column of dates: name it with date=.")
    if not (isinstance(max_distance, (int, float)) and np.isfinite(max_distance) and max_distance >= 0):
        raise ConfigError(f"max_distance must be metres, zero or more; got {max_distance!r}.")


def _place_columns(
    lon: str | None, lat: str | None, x: str | None, y: str | None, crs: Any
) -> tuple[Any, dict[str, str]]:
    """The coordinate system, and the two columns of coordinates by argument."""
    if lon is not None and lat is not None and x is None and y is None:
        if crs is not None and not as_crs(crs).equals(as_crs(4326), ignore_axis_order=True):
            raise CRSError(
                f"lon= and lat= state degrees on WGS 84, but crs={crs!r} was given. Use x=, y= and crs= for "
                "another system."
            )
        return as_crs(4326), {"lon": lon, "lat": lat}
    if x is not None and y is not None and lon is None and lat is None:
        if crs is None:
            raise CRSError(f"x={x!r} and y={y!r} need crs=, e.g. crs='EPSG:32614'.")
        return as_crs(crs), {"x": x, "y": y}
    raise InputError("Name lon= and lat= (degrees on WGS 84), or x=, y= and crs=.")


def _find_rules(
    stream: Stream,
    columns: Mapping[str, str],
    system: Any,
    *,
    decimal: str | None,
    date: str | None,
    dayfirst: bool | None,
    date_format: str | None,
    category: str | None,
    others: tuple[str, ...],
) -> tuple[Rules, str | None]:
    """How numbers and dates are written, as stated or by the first rows; and the rule of the dates."""
    named = {**columns, "date": date, "category": category, **{f"where[{c!r}]": c for c in others}}
    require_columns(stream.columns, named, source=stream.source)
    head = stream.head(list(dict.fromkeys(c for c in named.values() if c is not None)))
    x, y = columns.values()
    marks = [read_numbers(head[c], decimal=decimal, source=stream.source).decimal for c in (x, y)]
    rule = None
    if date is not None:
        rule = read_dates(head[date], dayfirst=dayfirst, date_format=date_format, source=stream.source).rule
        if date_format is None and dayfirst is None and "/YYYY" in rule:
            dayfirst = "DD/MM" in rule
    rules = Rules(
        x=x, y=y, decimal_x=marks[0], decimal_y=marks[1], geographic=system.is_geographic,
        date=date, dayfirst=dayfirst, date_format=date_format, category=category,
    )  # fmt: skip
    return rules, rule


def _accepted(repair: str | Sequence[str]) -> tuple[str, ...]:
    names = (repair,) if isinstance(repair, str) else tuple(repair)
    unknown = [name for name in names if name not in REPAIRS]
    if unknown:
        raise ConfigError(
            f"repair accepts {', '.join(map(repr, REPAIRS))}; got {', '.join(map(repr, unknown))}."
        )
    return names


def _metre_systems(areas: gpd.GeoDataFrame) -> dict[str, Box]:
    """Systems of metres that a register of the study area may be in, and the study area in them."""
    systems = {f"EPSG:{local_utm_epsg(areas)}"}
    if areas.crs.is_projected:
        systems.add(crs_name(areas.crs))
    return {name: study_box(areas, name) for name in sorted(systems)}


def _refuse(recipe: Recipe, tally: Tally, where: Mapping[str, Any]) -> None:
    """Raise what the verbs for whole files would raise of all rows together."""
    notes, rules, source = tally.notes, recipe.rules, recipe.source
    for column in (rules.x, rules.y):
        if notes[f"words in {column}"] and not notes[f"numbers in {column}"]:
            raise InputError(
                f"{source}: column {column!r} holds no number at all. Coordinates are expected as decimal "
                "numbers (41.2995 or 41,2995). Name another column, or convert degrees, minutes and seconds "
                "first.",
                column=column,
            )
    if notes["there"] and notes["degrees"] / notes["there"] > 0.5:
        raise CRSError(
            f"{source}: crs={recipe.crs} counts metres, but {notes['degrees'] / notes['there']:.0%} of the "
            "coordinates lie within 180 and 90, as degrees do. Use lon= and lat=, or check the system."
        )
    for column, allowed in where.items():
        unknown = [str(v) for v in listed(allowed) if (column, fold(v)) not in tally.seen]
        if unknown and tally.rows:
            raise InputError(
                f"{source}: where asks for {column} = {', '.join(map(repr, unknown))}, which occurs in no "
                "row.",
                column=column,
                values=unknown,
            )
    _refuse_common_cause(recipe, tally)


def _refuse_common_cause(recipe: Recipe, tally: Tally) -> None:
    notes, n = tally.notes, tally.notes["usable"]
    if not n or notes["inside"] / n >= 0.5:
        return
    inside = notes["inside"] / n
    causes = []
    for repair, words in REPAIRS.items():
        if repair == "micro-degrees" and not recipe.rules.geographic:
            continue
        most = max(notes[f"would_{repair}_{way}"] for way in range(3))
        causes.append((most, repair, words, f"accept the repair with repair={repair!r}"))
    for system in recipe.suspects:
        words = f"the columns hold metres ({system}), not degrees"
        advice = (
            f"count again with x=, y= and crs={system!r} (if that is the system) in place of lon= and lat="
        )
        causes.append((notes[f"would_metres_{system}"], "metres", words, advice))
    most, cause, words, advice = max(causes, key=lambda c: c[0])
    if most / n > 0.5 and cause not in recipe.repair:
        raise InputError(
            f"{recipe.source}: only {inside:.1%} of {n:,} coordinates lie in the study area. Suspected "
            f"cause: {words}; that would explain {most / n:.1%} of the rows. If so, {advice}.",
            cause=cause,
            share=most / n,
        )
    if inside == 0 and most / n <= 0.5:
        raise InputError(
            f"{recipe.source}: none of {n:,} coordinates lies in the study area, and no usual cause (swapped "
            "columns, sign, micro-degrees, metres) explains most rows. Check that incidents and areas are of "
            "the same city and that the coordinate systems are right.",
            cause=None,
        )
