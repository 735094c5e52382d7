"""Monthly trend, with the band within which months would lie if only chance made them differ."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap._typing import Audience, Language
from safemap.errors import ConfigError, InputError
from safemap.i18n import Message, number, percent, text
from safemap.maps.figures.chart import begin, finish, hidden_cells
from safemap.maps.figures.layout import counted
from safemap.maps.figures.plot import (
    ABOVE,
    BELOW,
    Key,
    Scale,
    draw_key,
    key_height,
    number_scale,
    plot_area,
    scatter,
)
from safemap.maps.figures.sheet import Size
from safemap.maps.findings import period_text
from safemap.maps.interactive import in_language

if TYPE_CHECKING:
    import pandas as pd

    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.figure import StaticFigure
    from safemap.results import Result

#: Fewest whole months for a band.
LEAST_MONTHS = 3
_INK = "#55265F"


def monthly_trend(
    incidents: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    period: tuple[Any, Any] | None = None,
    confidence: float = 0.95,
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
    """Cases of each month, with a Poisson band round what a steady rate would give.

    Parameters
    ----------
    incidents : Incidents or JoinResult
        With dates; of a JoinResult the rows that have an area.
    path : path-like, optional
        File to write at once.
    period : (start, end), optional
        First and last day of observation, both included. Without it the period of `incidents` is taken, and
        without that the first and last date; a month that is not covered whole is drawn hollow and plays no
        part in the average.
    confidence : float
        Share of months in the band if only chance made them differ.
    size, language, audience, title, name, source, greyscale, k, registry, font
        As in :func:`safemap.static_map`.

    Returns
    -------
    StaticFigure
        ``data``: one row per month: ``events`` (missing where withheld), ``days`` observed, ``whole``,
        ``expected``, ``low``, ``high``.

    Raises
    ------
    InputError
        No dates, or fewer than three whole months.

    Notes
    -----
    ``expected = days * events of whole months / days of whole months``; ``low`` and ``high`` are
    quantiles of the Poisson distribution with that mean. Records of the last months may not have arrived
    yet, which looks like a decrease.

    Examples
    --------
    >>> import pandas as pd
    >>> from safemap import monthly_trend, read_incidents
    >>> rows = pd.DataFrame({"x": 1.0, "y": 2.0, "on": pd.date_range("2023-01-01", "2023-06-30").astype(str)})
    >>> figure = monthly_trend(read_incidents(rows, lon="x", lat="y", date="on"))
    >>> figure.data["events"].tolist()
    [31, 28, 31, 30, 31, 30]
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence must lie between 0 and 1; got {confidence!r}.")
    chart = begin(size, language, audience, registry, k, font, greyscale)
    table = _months(incidents, period, confidence)
    hidden = hidden_cells(table["events"], chart.rules.k)
    whole = table["whole"].to_numpy()
    above, below = (table["events"] > table["high"]).to_numpy(), (table["events"] < table["low"]).to_numpy()
    out = int(((above | below) & whole & ~hidden).sum())
    seen = int((whole & ~hidden).sum())
    heading = in_language(language, title) or text(
        Message("t_trend", {"a": number(out), "N": number(seen)}), language
    )
    subtitle = chart.joined(
        in_language(language, name) or text("layer_trend", language),
        text(Message("s_trend", {"p": percent(confidence)}), language),
        period_text((table.index[0].date(), table.index[-1].date() + _one_month(table.index[-1]))),
        counted("cases", int(table["events"].sum()), language),
    )
    expected = {"c": number(round(seen * (1 - confidence))), "N": number(seen)}
    notes = {
        "source": chart.source(incidents, source),
        "reading": text(Message("n_trend", expected), language),
    }
    keys = _keys(table, hidden, chart.rules.k, language, confidence)
    with chart.drawing():
        room = chart.frame(heading, [subtitle], notes)
        height = key_height(chart.sheet, keys, room.width) + 1.0 * chart.sheet.scale
        _draw(chart, room._replace(height=room.height - height), table, hidden)
        draw_key(chart.sheet, keys, room._replace(y=room.bottom - height + 1.0 * chart.sheet.scale))
    data = table.copy()
    data["events"] = data["events"].astype("Int64").mask(hidden)
    return finish(chart, data, heading, subtitle, notes, path, outside=out)


def _one_month(day: Any) -> Any:
    import datetime

    return datetime.timedelta(days=int(day.days_in_month) - 1)


def _months(incidents: Result, period: tuple[Any, Any] | None, confidence: float) -> pd.DataFrame:
    """Counts, days observed and band of each month."""
    import pandas as pd
    from scipy.stats import poisson

    frame = incidents.frame
    if "date" not in frame.columns:
        raise InputError("Name the column with the date when reading: read_incidents(..., date=).")
    dates = frame["date"]
    if "match" in frame.columns:
        dates = dates[~frame["match"].isin(["outside", "missing"])]
    dates = dates.dropna()
    if not len(dates):
        raise InputError("None of the rows has a date: there is no trend to draw.")
    stated = period or incidents.settings.get("period")
    start, end = (pd.Timestamp(d).normalize() for d in (stated or (dates.min(), dates.max())))
    dates = dates[(dates >= start) & (dates < end + pd.Timedelta(days=1))]
    first = pd.date_range(start.to_period("M").to_timestamp(), end, freq="MS", name="month")
    last = first + pd.offsets.MonthEnd(0)
    days = ((np.minimum(last, end) - np.maximum(first, start)).days + 1).to_numpy()
    whole = days == first.days_in_month.to_numpy()
    if whole.sum() < LEAST_MONTHS:
        raise InputError(
            f"Only {int(whole.sum())} whole months lie between {start.date()} and {end.date()}: a trend "
            f"needs {LEAST_MONTHS} or more."
        )
    counts = dates.dt.to_period("M").value_counts().reindex(first.to_period("M"), fill_value=0).to_numpy()
    expected = days * counts[whole].sum() / days[whole].sum()
    tail = (1 - confidence) / 2
    band = {"low": poisson.ppf(tail, expected), "high": poisson.ppf(1 - tail, expected)}
    return pd.DataFrame(
        {"events": counts, "days": days, "whole": whole, "expected": expected, **band}, index=first
    )


def _keys(table: Any, hidden: NDArray[np.bool_], k: int, language: str, confidence: float) -> list[Key]:
    keys = [Key(text("k_month", language), "o", _INK)]
    if not table["whole"].all():
        keys.append(Key(text("k_partial", language), "o", _INK, filled=False))
    if hidden.any():
        keys.append(Key(text(Message("state_withheld", {"a": number(k - 1)}), language), "x", "#5F5B53"))
    share = text(Message("s_trend", {"p": percent(confidence)}), language)
    keys.append(Key(share.partition(",")[0], fill="#E5E0D6"))
    return keys


def _draw(chart: Any, room: Any, table: Any, hidden: NDArray[np.bool_]) -> None:
    sheet, language, s = chart.sheet, chart.language, chart.sheet.scale
    n, names = len(table), text("months_short", language).split(" ")
    every = next((e for e in (1, 2, 3, 6, 12) if n / e <= 13), 12)
    ticks = tuple(float(i) for i in range(n) if (table.index[i].month - 1) % every == 0)
    labels = []
    for tick in ticks:
        month = table.index[int(tick)]
        year = f" {month.year}" if month.month == 1 or tick == ticks[0] else ""
        labels.append(names[month.month - 1] + year)
    top = float(max(np.where(hidden, 0, table["events"]).max(), table["high"].max())) * 1.06
    y = number_scale(0, top, text("layer_trend", language), language=language, count=5)
    axes, _ = plot_area(sheet, room, Scale(-0.6, n - 0.4, ticks, tuple(labels)), y)
    at = np.arange(n)
    edges = np.repeat(np.arange(n + 1) - 0.5, 2)[1:-1]
    low, high = np.repeat(table["low"].to_numpy(), 2), np.repeat(table["high"].to_numpy(), 2)
    axes.fill_between(edges, low, high, facecolor=sheet.colour("#E5E0D6"), linewidth=0, zorder=1)
    expected = np.repeat(table["expected"].to_numpy(), 2)
    axes.plot(edges, expected, color=sheet.colour("#77736B"), linewidth=0.6 * s, zorder=1.5)
    events = np.where(hidden, np.nan, table["events"].to_numpy(dtype=float))
    whole = table["whole"].to_numpy()
    axes.plot(at, np.where(whole, events, np.nan), color=sheet.colour(_INK), linewidth=1.2 * s, zorder=2)
    scatter(sheet, axes, at[whole & ~hidden], events[whole & ~hidden], marker="o", colour=_INK, size=3.6)
    scatter(
        sheet,
        axes,
        at[~whole & ~hidden],
        events[~whole & ~hidden],
        marker="o",
        colour=_INK,
        filled=False,
        size=3.6,
    )
    scatter(
        sheet,
        axes,
        at[hidden],
        np.full(int(hidden.sum()), y.high * 0.02),
        marker="x",
        colour="#5F5B53",
        filled=False,
    )
    for over, marker, colour in ((events > table["high"], "^", ABOVE), (events < table["low"], "v", BELOW)):
        mark = np.asarray(over) & whole
        scatter(sheet, axes, at[mark], events[mark], marker=marker, colour=colour, size=4.6, zorder=5)
