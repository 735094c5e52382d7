"""Look at files and propose an ``assessment.toml`` that can be run at once, with a reason for every choice.

Nothing is decided for the analyst: each choice is a line of the file, with a comment that says why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.errors import InputError, SafemapError
from safemap.intake.roles import best_column, is_real, personal_columns
from safemap.intake.tables import existing_file, read_layer, read_table

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: rows read to judge a column
ENOUGH = 20_000


@dataclass(frozen=True)
class Register:
    """A file of incidents and the columns it seems to have."""

    path: Path
    columns: Mapping[str, str]
    rows: int
    crs_from_layer: bool = False
    frequent: Sequence[tuple[str, int]] = ()
    period: tuple[str, str] | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)  #: why each column was taken


@dataclass(frozen=True)
class Boundaries:
    """A file of polygons and the columns it seems to have."""

    path: Path
    columns: Mapping[str, str]
    frame: gpd.GeoDataFrame

    @property
    def n(self) -> int:
        return len(self.frame)


def propose(files: Sequence[Path], *, base: Path) -> str:
    """The text of an ``assessment.toml`` for `files`, with paths relative to `base`.

    Parameters
    ----------
    files : sequence of Path
        A register of incidents and one or more files of boundaries; layers of lines or points become context.
    base : Path
        Folder in which the text will be saved.

    Raises
    ------
    InputError
        No register, or no boundaries, or a column that cannot be done without is not found.
    """
    registers, boundaries, context = _sorted(files)
    if len(registers) != 1 or not boundaries:
        found = f"{len(registers)} registers, {len(boundaries)} files of boundaries, {len(context)} others"
        raise InputError(
            f"Give one register of incidents and at least one file of boundaries; found {found}. A "
            "register needs columns for longitude and latitude (or x and y), or must be a layer of points."
        )
    areas, levels = _areas_and_levels(boundaries)
    return _text(registers[0], areas, levels, context, base=base)


def _sorted(files: Sequence[Path]) -> tuple[list[Register], list[Boundaries], list[Path]]:
    registers, boundaries, context, points = [], [], [], []
    for path in files:
        file = existing_file(path)
        if file.suffix.lower() in _GEOGRAPHIC:
            frame = read_layer(file)[0]
            kinds = set(frame.geom_type.dropna())
            if kinds and kinds <= {"Polygon", "MultiPolygon"}:
                boundaries.append(Boundaries(file, _boundary_columns(frame), frame))
            else:
                (points if kinds == {"Point"} else context).append(file)
        else:
            registers.append(_register(file))
    if not registers and points:
        registers.append(_register(points.pop(0)))
    return registers, boundaries, context + points


_GEOGRAPHIC = {".gpkg", ".geojson", ".json", ".shp", ".kml", ".fgb", ".zip", ".gml"}


def _areas_and_levels(boundaries: list[Boundaries]) -> tuple[Boundaries, list[Boundaries]]:
    """The finest set with a population is mapped; sets with fewer areas are levels above it."""
    with_people = [b for b in boundaries if "population" in b.columns] or boundaries
    areas = max(with_people, key=lambda b: b.n)
    missing = [role for role in ("id", "population") if role not in areas.columns]
    if missing:
        raise InputError(
            f"{areas.path.name}: no column looks like {' or '.join(missing)}. Columns are "
            f"{', '.join(str(c) for c in areas.frame.columns[:-1])}. An id is different in every row; a "
            "population is a number. Rename one, or write assessment.toml by hand."
        )
    levels = [b for b in boundaries if b is not areas and b.n < areas.n and "id" in b.columns]
    return areas, levels


def _register(file: Path) -> Register:
    """Roles of the columns of a register, tried by reading it with them."""
    from safemap.intake.incidents import read_incidents

    raw = read_table(file)
    sample = raw.frame.head(ENOUGH)
    columns: dict[str, str] = {}
    reasons: dict[str, str] = {}
    if raw.points is None:
        for role in ("lon", "lat"):
            found = best_column(sample, role)
            if found is None:
                wanted = "longitude" if role == "lon" else "latitude"
                raise InputError(
                    f"{file.name}: no column looks like {wanted} in degrees. Columns are "
                    f"{', '.join(sample.columns)}. Name them in assessment.toml by hand, with x, y and crs "
                    "where they are metres."
                )
            columns[role], reasons[role] = found
    remarks: dict[str, str] = {}
    for role in ("date", "time", "category"):
        found = best_column(sample, role, without=[*columns.values(), *personal_columns(sample)])
        if found is not None:
            columns[role], reasons[role] = found
    try:
        read = read_incidents(file, **columns, keep=[])
    except SafemapError as error:
        if "date" not in columns:
            raise
        remarks["date"] = str(error)
        left_out = {role: columns.pop(role) for role in ("date", "time") if role in columns}
        read = read_incidents(file, **columns, keep=[])
        remarks["date_column"] = left_out["date"]
    frequent = _frequent(raw.frame[columns["category"]]) if "category" in columns else []
    period = _whole_years(read.frame["date"]) if "date" in columns else None
    return Register(file, columns, len(raw.frame), raw.points is not None, frequent, period, remarks, reasons)


def _boundary_columns(frame: gpd.GeoDataFrame) -> dict[str, str]:
    table = frame.drop(columns=frame.geometry.name)
    columns: dict[str, str] = {}
    ids = [c for c in table.columns if _is_id(table[c])]
    named = best_column(table[ids], "area_id")
    if ids:
        columns["id"] = named[0] if named is not None else ids[0]
    for role in ("name", "population"):
        found = best_column(table, role, without=columns.values())
        if found is not None:
            columns[role] = found[0]
    return columns


def _is_id(column: pd.Series) -> bool:
    return bool(len(column)) and column.notna().all() and column.astype(str).is_unique and not is_real(column)


def _frequent(column: pd.Series) -> list[tuple[str, int]]:
    counts = column.dropna().astype(str).value_counts()
    return [(str(value), int(n)) for value, n in counts.head(8).items()]


def _whole_years(dates: pd.Series) -> tuple[str, str] | None:
    """First and last day of the years that hold nearly all dates; stray years are left to the audit."""
    years = dates.dropna().dt.year.value_counts().sort_index()
    busy = years[years >= 0.02 * years.sum()]
    return (f"{busy.index[0]}-01-01", f"{busy.index[-1]}-12-31") if len(busy) else None


def _text(
    r: Register, areas: Boundaries, levels: list[Boundaries], context: list[Path], *, base: Path
) -> str:
    """The file itself."""
    lines = [
        "# One assessment, from files to a folder: safemap run assessment.toml --out DIR",
        "# Proposed by safemap init from the files named below. Read each line, and correct it.",
        "# All keys and what they may be: safemap schema",
        "",
        "[assessment]",
        _line(
            "title",
            f"Recorded incidents in {r.path.stem}",
            "heading of the map: say what was recorded, where, when",
        ),
        '# place = "..."   # name of the city, for the sentence that states the finding',
        '# source = "..."  # who recorded the incidents; shown on the map',
        "",
        "[incidents]",
        _line("path", _relative(r.path, base), f"{r.rows:,} rows"),
    ]
    if r.crs_from_layer:
        lines.append("# the file is a layer of points, so no columns of coordinates are needed")
    why = {
        "lon": "degrees",
        "lat": "degrees",
        "date": "date of the event; not the date of the report",
        "time": "clock time of the event",
        "category": "kind of event",
    }
    lines += [
        _line(role, r.columns[role], f"{why[role]} ({r.reasons.get(role, '')})")
        for role in why
        if role in r.columns
    ]
    lines += _date_remark(r) + _period_lines(r) + _where_lines(r)
    lines += [
        '# duplicates = "set-aside"       # rows that equal an earlier row; "report" keeps them with a flag',
        "# positional_uncertainty = 200   # metres, if the provider moved the points to protect people",
        "",
        "[areas]",
        _line("path", _relative(areas.path, base), f"{areas.n:,} areas"),
    ]
    reasons = {
        "id": "different in every row",
        "name": "for the reader",
        "population": "the denominator of the rates",
    }
    lines += [_line(role, areas.columns[role], why) for role, why in reasons.items() if role in areas.columns]
    for level in levels:
        lines += ["", "[[areas.levels]]  # a level above the areas"]
        lines.append(_line("name", _key(level.path.stem), "a short word"))
        lines.append(_line("path", _relative(level.path, base), f"{level.n:,} areas"))
        lines.append(_line("id", level.columns["id"], "different in every row"))
        if "name" in level.columns:
            lines.append(_line("label", level.columns["name"], "for the reader"))
    lines += [
        "",
        "[local]",
        _line("permutations", 9_999, "random rearrangements; more give finer p values"),
        _line("alpha", 0.05, "level of significance, after adjustment for the number of areas"),
        _line("rng", 0, "seed: the same number gives the same result"),
        "",
    ]
    if context:
        names = [_relative(path, base) for path in context]
        lines += ["[map]", f"context = {json.dumps(names, ensure_ascii=False)}  # drawn under the data", ""]
    lines += [
        "[disclosure]",
        _line("k", 5, "counts from 1 to 4 are withheld in map, tables and GIS file"),
        _line("audience", "internal", "internal or partner; public is refused"),
        "",
    ]
    return "\n".join(lines)


def _date_remark(r: Register) -> list[str]:
    if "date" not in r.remarks:
        return []
    reason = " ".join(r.remarks["date"].split())
    return [
        f"# {_line('date', r.remarks['date_column'], 'not used: the order of day and month is open')}",
        f"# {reason}",
    ]


def _period_lines(r: Register) -> list[str]:
    if r.period is None:
        return ['# period = ["2023-01-01", "2023-12-31"]  # needs date; without it rates are not per year']
    return [f'period = ["{r.period[0]}", "{r.period[1]}"]  # whole years that hold nearly all dates']


def _where_lines(r: Register) -> list[str]:
    if not r.frequent:
        return []
    column = r.columns["category"]
    lines = ["# Which events: all of them, unless you choose. The most frequent are"]
    lines += [f"#   {n:>8,}  {' '.join(value.split())}" for value, n in r.frequent]
    key = column if re.fullmatch(r"[A-Za-z0-9_-]+", column) else _quoted(column)
    lines.append(f"# where = {{ {key} = [{_quoted(r.frequent[0][0])}] }}")
    return lines


def _line(key: str, value: Any, why: str) -> str:
    shown = _quoted(value) if isinstance(value, str) else str(value)
    return f"{key} = {shown}  # {why}"


def _quoted(text: str) -> str:
    """A TOML basic string; TOML reads JSON's escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "level"


def _relative(path: Path, base: Path) -> str:
    """`path` as seen from `base`, with forward slashes; absolute where the two share no folder."""
    try:
        return path.resolve().relative_to(base.resolve(), walk_up=True).as_posix()  # type: ignore[call-arg]
    except TypeError:  # Python 3.11 cannot walk up
        import os

        return Path(os.path.relpath(path.resolve(), base.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()
