"""One batch of a large file: its rows judged, placed and counted, to be added up with others in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.analysis.placing import AreaPlacer, Coordinates
from safemap.analysis.tallies import REASON, Tally
from safemap.errors import InputError
from safemap.geo.coordinates import REPAIRS, Box, in_range, repaired
from safemap.geo.points import OUTSIDE
from safemap.intake.cleaning import judge_rows
from safemap.intake.columns import fold_values, is_missing
from safemap.intake.dates import read_dates
from safemap.intake.numbers import read_numbers

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]


class Rules(NamedTuple):
    """What was stated, or found in the first rows, about the columns."""

    x: str
    y: str
    decimal_x: str
    decimal_y: str
    geographic: bool
    date: str | None = None
    dayfirst: bool | None = None
    date_format: str | None = None
    category: str | None = None


@dataclass(frozen=True)
class Recipe:
    """All that is needed to count a batch, here or in another process.

    Attributes
    ----------
    rules : Rules
        How columns are read.
    crs : str
        Coordinate system of the points.
    box : Box
        The study area with its margin.
    repair : tuple of str
        Repairs that are accepted.
    where : mapping
        Column to the folded values allowed in it.
    period : (datetime64, datetime64) or None
        First and last day.
    unit : {"Y", "M", "D"} or None
        Length of the periods that are counted apart.
    areas : mapping of str to GeoDataFrame
        The areas, as ``area``, and further levels.
    expected : int
        Rows to come, which decides on the grids of the lookup.
    max_distance : float
        Metres within which points outside go to the nearest area.
    suspects : mapping of str to Box
        Systems of metres and the study area in them, for columns that turn out to hold metres.
    """

    source: str
    rules: Rules
    crs: str
    box: Box
    areas: Mapping[str, gpd.GeoDataFrame]
    expected: int
    repair: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    period: tuple[np.datetime64, np.datetime64] | None = None
    unit: str | None = None
    max_distance: float = 0.0
    suspects: Mapping[str, Box] = field(default_factory=dict)
    token: str = ""  #: names the recipe, so that a process builds its grids once

    @property
    def columns(self) -> list[str]:
        """Columns that are read."""
        r = self.rules
        return list(dict.fromkeys(c for c in (r.x, r.y, r.date, r.category, *self.where) if c is not None))

    @cached_property
    def placers(self) -> Mapping[str, AreaPlacer]:
        """The areas of each level, ready to be asked; built once in a process."""
        built = _BUILT.get(self.token)
        if built is None:
            built = {
                name: AreaPlacer(
                    frame,
                    expected=self.expected,
                    max_distance=self.max_distance if name == "area" else 0.0,
                    measure=False,
                )
                for name, frame in self.areas.items()
            }
            _BUILT.clear()
            _BUILT[self.token] = built
        return built

    def __dask_tokenize__(self) -> str:
        return self.token

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "placers"}


#: grids of the recipe at work in this process
_BUILT: dict[str, Mapping[str, AreaPlacer]] = {}


class Sorted(NamedTuple):
    """What became of each row of a batch."""

    reason: Codes  #: number of the reason, 0 where the row is placed
    areas: Mapping[str, NDArray[np.int32]]  #: by level; -1 for none
    match: Mapping[str, NDArray[np.int8]]  #: by level; of rows set aside before the join it means nothing
    joined: Bools  #: rows that came as far as the join
    x: Floats  #: as repaired; NaN where the row came not as far as the join
    y: Floats
    dates: NDArray[np.datetime64] | None


def count_batch(recipe: Recipe, frame: pd.DataFrame, start: int, name: str = "") -> Tally:
    """Count a batch.

    Parameters
    ----------
    recipe : Recipe
        What to count.
    frame : DataFrame
        Some rows with the columns of the recipe; index row id.
    start : int
        Number of rows before these in the same input.
    name : str
        Name of the file, where there are several.
    """
    tally = Tally(levels={level: len(areas) for level, areas in recipe.areas.items()})
    rows = sort_rows(recipe, frame, tally)
    tally.add_rows(len(frame))
    tally.add_reasons(rows.reason, frame.index, start, name)
    category = _categories(frame, recipe.rules.category)
    period = None if recipe.unit is None or rows.dates is None else _periods(rows.dates, recipe.unit)
    for level, area in rows.areas.items():
        tally.add_matches(level, rows.match[level][rows.joined])
        tally.add_events(level, np.where(rows.joined, area, -1), category, period)
    return tally


def sort_rows(recipe: Recipe, frame: pd.DataFrame, tally: Tally) -> Sorted:
    """Every row of a batch placed, or set aside with the reason that the verbs for whole files give."""
    reason, dates = _select(recipe, frame, tally)
    x, y, unreadable = _coordinates(recipe.rules, frame, tally, recipe.source)
    x, y = _clean(recipe, x, y, unreadable, reason, tally)
    joined = reason == 0
    if not joined.all():
        x, y = np.where(joined, x, np.nan), np.where(joined, y, np.nan)
    points = Coordinates(x, y, recipe.crs)
    placed = {level: placer.place(points) for level, placer in recipe.placers.items()}
    reason[joined & (placed["area"].match == OUTSIDE)] = REASON["outside_areas"]
    return Sorted(
        reason,
        {level: p.area for level, p in placed.items()},
        {level: p.match for level, p in placed.items()},
        joined,
        x,
        y,
        dates,
    )


def _select(recipe: Recipe, frame: pd.DataFrame, tally: Tally) -> tuple[Codes, NDArray[np.datetime64] | None]:
    """Rows that were not asked for, and dates where they matter."""
    reason = np.zeros(len(frame), dtype=np.uint8)
    for column, allowed in recipe.where.items():
        folded = fold_values(frame[column])
        tally.seen.update((column, value) for value in set(folded.unique()) & set(allowed))
        reason[~folded.isin(allowed).to_numpy()] = REASON["not_selected"]
    if recipe.rules.date is None or (recipe.period is None and recipe.unit is None):
        return reason, None
    dates, unreadable = _dates(recipe, frame[recipe.rules.date])
    missing = np.isnat(dates)
    open_ = reason == 0
    reason[open_ & missing] = REASON["missing_date"]
    reason[open_ & unreadable] = REASON["unreadable_date"]
    if recipe.period is not None:
        day = dates.astype("datetime64[D]")
        outside = ~missing & ((day < recipe.period[0]) | (day > recipe.period[1]))
        reason[open_ & outside] = REASON["outside_period"]
    return reason, dates


def _dates(recipe: Recipe, column: pd.Series) -> tuple[NDArray[np.datetime64], Bools]:
    rules = recipe.rules
    read = read_dates(
        column, dayfirst=rules.dayfirst, date_format=rules.date_format, source=recipe.source, whole=False
    )
    if rules.dayfirst is None and rules.date_format is None and "/YYYY" in read.rule:
        raise InputError(
            f"{recipe.source}: dates in column {column.name!r} have another form ({read.rule}) than those in "
            "the first rows. State dayfirst=True or dayfirst=False.",
            column=column.name,
        )
    return read.values.to_numpy().astype("datetime64[us]"), read.unreadable


def _coordinates(
    rules: Rules, frame: pd.DataFrame, tally: Tally, source: str
) -> tuple[Floats, Floats, Bools]:
    """x, y (half a coordinate is none), and rows that hold something that is no number."""
    both = []
    for column, decimal in ((rules.x, rules.decimal_x), (rules.y, rules.decimal_y)):
        values, unreadable = _numbers(frame[column], decimal, source)
        tally.note_numbers(column, numbers=bool(np.isfinite(values).any()), unreadable=bool(unreadable.any()))
        both.append((values, unreadable))
    (x, bad_x), (y, bad_y) = both
    half = np.isnan(x) | np.isnan(y)
    if half.any():
        x, y = np.where(half, np.nan, x), np.where(half, np.nan, y)
    if not rules.geographic:
        there = ~half & ((x != 0) | (y != 0))
        tally.note("there", int(there.sum()))
        tally.note("degrees", int((there & in_range(x, y, 4326)).sum()))
    return x, y, bad_x | bad_y


def _numbers(column: pd.Series, decimal: str, source: str) -> tuple[Floats, Bools]:
    """A column of numbers by a decimal mark that is known; as :func:`read_numbers`, plain numbers first."""
    import pandas as pd

    if column.dtype.kind in "iufb" or decimal == ",":
        read = read_numbers(column, decimal=decimal, source=source)
        return read.values, read.unreadable
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, copy=True)
    unreadable = np.isinf(values)
    values[unreadable] = np.nan
    odd = np.flatnonzero(np.isnan(values) & ~unreadable)
    if len(odd):
        read = read_numbers(column.iloc[odd], decimal=decimal, source=source)
        values[odd], unreadable[odd] = read.values, read.unreadable
    return values, unreadable


def _clean(
    recipe: Recipe, x: Floats, y: Floats, unreadable: Bools, reason: Codes, tally: Tally
) -> tuple[Floats, Floats]:
    """The coordinates, repaired where they may be; rows whose coordinates are no place get their reason."""
    import pandas as pd

    asked = reason == 0
    sound = recipe.box.holds(x, y) & ~((x == 0) & (y == 0))
    odd = np.flatnonzero(asked & ~sound)
    inside = int((asked & sound).sum())
    tally.note("usable", inside)
    tally.note("inside", inside)
    if not len(odd):
        return x, y
    _suspect(recipe, x[odd], y[odd], tally)
    frame = pd.DataFrame({"x": x[odd], "y": y[odd]})
    places, reasons, mended = judge_rows(
        frame, unreadable[odd], box=recipe.box, crs=recipe.crs, repair=recipe.repair
    )
    x, y = x.copy(), y.copy()
    x[odd], y[odd] = places["x"].to_numpy(), places["y"].to_numpy()
    reason[odd] = reasons.map(REASON).fillna(0).to_numpy(dtype=np.uint8)
    for name, n in mended.value_counts().items():
        tally.note(f"repaired_{str(name).replace('-', '_')}", int(n))
    return x, y


def _suspect(recipe: Recipe, x: Floats, y: Floats, tally: Tally) -> None:
    """Count which common cause would explain points beyond the study area."""
    there = ~np.isnan(x) & ~np.isnan(y) & ~((x == 0) & (y == 0))
    x, y = x[there], y[there]
    tally.note("usable", len(x))
    for repair in REPAIRS:
        for way, (a, b) in enumerate(repaired(x, y, repair)):
            tally.note(f"would_{repair}_{way}", int(recipe.box.holds(a, b).sum()))
    for system, box in recipe.suspects.items():
        tally.note(f"would_metres_{system}", int(box.holds(x, y).sum()))


class Categories(NamedTuple):
    """Kinds of events of a batch: a code for each row, and what the codes mean."""

    codes: NDArray[np.int64]
    words: Sequence[str | None]


def _categories(frame: pd.DataFrame, column: str | None) -> Categories | None:
    """Categories as they are written; empty ones are None."""
    import pandas as pd

    if column is None:
        return None
    codes, distinct = pd.factorize(frame[column], use_na_sentinel=True)
    texts = pd.Series(np.asarray(distinct, dtype=object), dtype=object)
    empty = is_missing(texts).to_numpy() if len(texts) else np.zeros(0, dtype=bool)
    words = [None if none else str(text) for text, none in zip(texts, empty, strict=True)]
    return Categories(np.where(codes < 0, len(words), codes), [*words, None])


def _periods(dates: NDArray[np.datetime64], unit: str) -> NDArray[np.int64]:
    """Number of the year, month or day since 1970; 0 where there is no date (such rows are set aside)."""
    return np.where(np.isnat(dates), 0, dates.astype(f"datetime64[{unit}]").astype(np.int64))
