"""Hour-by-weekday table: the numbers stand in the cells, and hours that only mean "unknown" are marked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap._typing import Audience, Language
from safemap.errors import ConfigError, InputError
from safemap.i18n import Message, format_number, number, percent, text
from safemap.maps import breaks as limits
from safemap.maps.figures.chart import Chart, begin, finish, hidden_cells
from safemap.maps.figures.layout import counted, require_room
from safemap.maps.figures.sheet import FILL, Box, Sheet, Size, ink_on
from safemap.maps.figures.textures import HATCHES, ground_of_state
from safemap.maps.findings import period_text
from safemap.maps.interactive import in_language
from safemap.maps.palettes import RAMPS

if TYPE_CHECKING:
    import pandas as pd

    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.figure import StaticFigure
    from safemap.results import Result

Placeholders = Literal["auto", "leave-out", "keep"]
#: Widths of the columns, in hours, that are tried; the first that leaves enough cases in a cell is taken.
_WIDTHS, _ENOUGH = (1, 2, 3, 4, 6), 10
#: A clock time is a heap when it is so many times as frequent as other whole hours, and at least this share.
_HEAP, _SHARE = 3.0, 0.005
#: Clock times that stand for "unknown".
PLACEHOLDERS = (0, 12)


def hour_weekday_table(
    incidents: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    hours: int | None = None,
    placeholders: Placeholders = "auto",
    size: Size = "A4_half",
    language: Language = "en",
    audience: Audience = "internal",
    title: str | Mapping[str, str] | None = None,
    name: str | Mapping[str, str] | None = None,
    source: str | None = None,
    greyscale: bool = False,
    k: int | None = None,
    registry: Registry | None = None,
    font: str | None = None,
) -> StaticFigure:
    """Cases by hour of the day and day of the week, with the number in each cell.

    Parameters
    ----------
    incidents : Incidents or JoinResult
        With dates that carry clock times; of a JoinResult the rows that have an area.
    path : path-like, optional
        File to write at once.
    hours : {1, 2, 3, 4, 6}, optional
        Hours per column; chosen so that a cell has ten cases on average if not given.
    placeholders : {"auto", "leave-out", "keep"}
        What to do with cases at exactly 00:00 and 12:00, which often mean that the hour is not known.
        ``auto`` leaves them out where such a time is at least three times as frequent as the other whole
        hours. Their share is stated, and their column marked, in any case.
    size, language, audience, title, name, source, greyscale, k, registry, font
        As in :func:`safemap.static_map`.

    Returns
    -------
    StaticFigure
        ``data``: one row per weekday (Monday first), one column per hour; withheld cells are missing.

    Raises
    ------
    InputError
        There are no dates, or none of them has a clock time.

    Notes
    -----
    Cells with 1 to ``k - 1`` cases are withheld, and with a single one of them the next larger, because the
    total is stated.

    Examples
    --------
    >>> import pandas as pd
    >>> from safemap import hour_weekday_table, read_incidents
    >>> when = pd.date_range("2023-01-02", periods=2000, freq="317min").astype(str)
    >>> rows = pd.DataFrame({"x": 1.0, "y": 2.0, "when": when})
    >>> figure = hour_weekday_table(read_incidents(rows, lon="x", lat="y", date="when"), hours=6)
    >>> int(figure.data.to_numpy().sum()), figure.data.shape
    (2000, (7, 4))
    """
    if hours is not None and hours not in _WIDTHS:
        raise ConfigError(f"hours must be one of {', '.join(map(str, _WIDTHS))}; got {hours!r}.")
    if placeholders not in ("auto", "leave-out", "keep"):
        raise ConfigError(f"placeholders must be auto, leave-out or keep; got {placeholders!r}.")
    chart = begin(size, language, audience, registry, k, font, greyscale)
    table = _count(incidents, hours, placeholders, chart.rules.k)
    said = _reading(table, language)
    heading = in_language(language, title) or text(Message("t_heat", _busiest(table)), language)
    subtitle = chart.joined(
        in_language(language, name) or text("layer_heat", language),
        period_text(incidents.settings.get("period")),
        counted("cases", int(table.cells.sum()), language),
    )
    notes = {"source": chart.source(incidents, source), "reading": said}
    with chart.drawing():
        room = chart.frame(heading, [subtitle], notes)
        _draw(chart, room, table)
    data = _frame(table, language)
    return finish(
        chart,
        data,
        heading,
        subtitle,
        notes,
        path,
        hours=table.width,
        placeholder_shares={f"{h:02}:00": share for h, share in table.shares.items()},
        left_out=table.left_out,
    )


class _Table(NamedTuple):
    cells: NDArray[np.int64]  #: 7 weekdays x columns
    width: int
    shares: dict[int, float]  #: placeholder hour -> share of cases with exactly that time
    left_out: bool
    timeless: int
    hidden: NDArray[np.bool_]


def _count(incidents: Result, hours: int | None, placeholders: str, k: int) -> _Table:
    dates, timeless = clock_times(incidents)
    exact = ((dates.dt.minute == 0) & (dates.dt.second == 0)).to_numpy()
    hour = dates.dt.hour.to_numpy()
    whole = np.bincount(hour[exact], minlength=24)
    shares = {h: float(whole[h] / len(dates)) for h in PLACEHOLDERS if whole[h] / len(dates) >= _SHARE}
    usual = float(np.median([n for h, n in enumerate(whole) if h not in PLACEHOLDERS]))
    heaps = [h for h in shares if whole[h] >= _HEAP * max(usual, 1)]
    gone = {"keep": [], "leave-out": list(shares), "auto": heaps}[placeholders]
    kept = ~(exact & np.isin(hour, gone))
    shares = shares if placeholders == "leave-out" else {h: shares[h] for h in (heaps or shares)}
    day = dates.dt.day_of_week.to_numpy()[kept]
    width = hours or next((w for w in _WIDTHS if kept.sum() / (7 * 24 / w) >= _ENOUGH), _WIDTHS[-1])
    cells = np.zeros((7, 24 // width), dtype=np.int64)
    np.add.at(cells, (day, hour[kept] // width), 1)
    return _Table(cells, width, shares, bool(gone), timeless, hidden_cells(cells, k))


def clock_times(incidents: Result) -> tuple[pd.Series, int]:
    """Dates with a clock time, and how many rows have none.

    Raises
    ------
    InputError
        There is no column ``date``, or every time is midnight: the file has dates only.
    """
    frame = incidents.frame
    if "date" not in frame.columns:
        raise InputError("Name the column with the date when reading: read_incidents(..., date=, time=).")
    dates = frame["date"]
    if "match" in frame.columns:
        dates = dates[~frame["match"].isin(["outside", "missing"])]
    known = dates.dropna()
    if not len(known) or not (known != known.dt.normalize()).any():
        raise InputError(
            "None of the dates has a clock time: name its column, read_incidents(..., date=, time=)."
        )
    return known, len(dates) - len(known)


def _busiest(table: _Table) -> dict[str, Any]:
    """The shortest span of the day with half of the cases, its share, beginning and end."""
    by_column = table.cells.sum(axis=0)
    n, total = len(by_column), by_column.sum()
    for length in range(1, n + 1):
        sums = [int(np.take(by_column, range(i, i + length), mode="wrap").sum()) for i in range(n)]
        start = int(np.argmax(sums))
        if 2 * sums[start] >= total:
            break
    first, last = start * table.width, (start + length) * table.width % 24
    return {"p": percent(sums[start] / total), "a": f"{first:02}:00", "b": f"{last:02}:00"}


def _reading(table: _Table, language: str) -> str:
    said = []
    for hour, share in table.shares.items():
        slots = {"p": percent(share, 1), "t": f"{hour:02}:00"}
        said.append(text(Message("n_heap_out" if table.left_out else "n_heap_kept", slots), language))
    if table.timeless:
        said.append(text(Message("n_no_time", {"n": number(table.timeless)}), language))
    return " ".join(said)


def _draw(chart: Chart, room: Box, table: _Table) -> None:
    sheet, language = chart.sheet, chart.language
    s, days = sheet.scale, text("days_short", language).split(" ")
    columns = table.cells.shape[1]
    left = max(sheet.width_of(day, "axis") for day in days) + 2.0 * s
    head = sheet.line_height("axis") + 0.4 * s
    edges = _edges(table)
    steps = _in_rows(sheet, _steps(edges, table, chart.rules.k, language), room.width - left)
    legend = len(steps) * sheet.line_height("cell") + 2.6 * s
    grid = Box(room.x + left, room.y + head, room.width - left, room.height - head - legend)
    require_room(sheet, grid.width, grid.height)
    wide, high = grid.width / columns, min(grid.height / 7, 9.0 * s)
    widest = max(
        sheet.width_of(format_number(int(n), language=language), "cell") for n in table.cells.ravel()
    )
    numbers = widest <= wide * 0.98 and high >= sheet.line_height("cell") * 0.85
    for column in range(columns):
        label = (
            str(column * table.width)
            if table.width == 1
            else f"{column * table.width}–{(column + 1) * table.width}"
        )
        if sheet.width_of(label, "axis") <= wide * 1.02:
            sheet.line(grid.x + (column + 0.5) * wide, room.y, label, "axis", align="center")
    for row in range(7):
        top = grid.y + row * high
        sheet.line(
            grid.x - 1.5 * s, top + (high - sheet.line_height("axis")) / 2, days[row], "axis", align="right"
        )
        for column in range(columns):
            box = Box(grid.x + column * wide, top, wide, high)
            _draw_cell(sheet, table, row, column, box, edges, language, numbers)
    for hour in table.shares:
        x = grid.x + hour // table.width * wide
        corners = [
            (x, grid.y),
            (x + wide, grid.y),
            (x + wide, grid.y + 7 * high),
            (x, grid.y + 7 * high),
            (x, grid.y),
        ]
        sheet.path(corners, colour="#14171A", line=1.1, linestyle=(0, (3, 2)), zorder=5)
    _draw_steps(sheet, steps, Box(grid.x, grid.y + 7 * high + 1.6 * s, grid.width, legend))


def _edges(table: _Table) -> list[int]:
    """Whole-number class limits of the cells."""
    open_cells = table.cells[~table.hidden]
    raw = limits.round_breaks(open_cells[open_cells > 0] if open_cells.size else [])
    return sorted({max(2, round(edge)) for edge in raw})


def _draw_cell(
    sheet: Sheet,
    table: _Table,
    row: int,
    column: int,
    box: Box,
    edges: list[int],
    language: str,
    numbers: bool,
) -> None:
    if table.hidden[row, column]:
        sheet.rectangle(
            box,
            fill=ground_of_state("withheld"),
            edge="#FFFFFF",
            line=0.6,
            hatch=HATCHES["withheld"],
            hatch_colour="#8A857C",
        )
        return
    n = int(table.cells[row, column])
    fill = sheet.colour(_colour(n, edges))
    sheet.rectangle(box, fill=fill, edge="#FFFFFF", line=0.6)
    if numbers:
        top = box.y + (box.height - sheet.line_height("cell")) / 2
        label = format_number(n, language=language)
        sheet.line(box.x + box.width / 2, top, label, "cell", align="center", colour=ink_on(fill))


def _colour(n: int, edges: list[int]) -> str:
    ramp = RAMPS["rate"]
    return ramp[0] if n == 0 else ramp[1 + int(np.searchsorted(edges, n, side="right"))]


class _Step(NamedTuple):
    """One class of the cells in the key."""

    colour: str
    hatch: str
    label: str


def _steps(edges: list[int], table: _Table, k: int, language: str) -> list[_Step]:
    def figure(n: int) -> str:
        return format_number(n, language=language)

    labels = [text(Message("under", {"a": figure(edges[0])}), language)]
    labels += [f"{figure(a)}–{figure(b - 1)}" for a, b in pairwise(edges)]
    labels.append(text(Message("or_more", {"a": figure(edges[-1])}), language))
    steps = [_Step(RAMPS["rate"][1 + i], "", label) for i, label in enumerate(labels)]
    if table.hidden.any():
        label = text(Message("state_withheld", {"a": number(k - 1)}), language)
        steps.append(_Step(ground_of_state("withheld"), HATCHES["withheld"], label))
    return steps


def _in_rows(sheet: Sheet, steps: list[_Step], width: float) -> list[list[tuple[float, _Step]]]:
    """Classes with their places from the left, in as many rows as they need."""
    rows: list[list[tuple[float, _Step]]] = [[]]
    x = 0.0
    for step in steps:
        own = 4.4 * sheet.scale + sheet.width_of(step.label, "cell") / FILL
        if rows[-1] and x + own > width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, step))
        x += own + 3.2 * sheet.scale
    return rows


def _draw_steps(sheet: Sheet, rows: list[list[tuple[float, _Step]]], box: Box) -> None:
    """The classes of the cells, each a small square with its words."""
    s, line = sheet.scale, sheet.line_height("cell")
    for i, row in enumerate(rows):
        y = box.y + i * line
        for x, step in row:
            square = Box(box.x + x, y + (line - 2.4 * s) / 2, 3.4 * s, 2.4 * s)
            sheet.rectangle(
                square, fill=step.colour, edge="#77736B", hatch=step.hatch, hatch_colour="#5F5B53"
            )
            sheet.line(box.x + x + 4.4 * s, y, step.label, "cell")


def _frame(table: _Table, language: str) -> pd.DataFrame:
    import pandas as pd

    columns = [f"{c * table.width:02}:00" for c in range(table.cells.shape[1])]
    days = text("days_short", language).split(" ")
    out = pd.DataFrame(table.cells, index=pd.Index(days, name="weekday"), columns=columns).astype("Int64")
    return out.mask(table.hidden)
