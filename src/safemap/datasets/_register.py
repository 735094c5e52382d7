"""The register of a synthetic city: sound rows, rows with every planted fault, and the habits of clerks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from safemap.datasets._mesh import Point
from safemap.datasets._names import typed
from safemap.datasets._stream import Integers, Stream

if TYPE_CHECKING:
    import pandas as pd

#: reason code -> rows planted with it
FAULTS: Mapping[str, int] = {
    "missing_coordinates": 180,
    "unreadable_coordinates": 6,
    "zero_coordinates": 25,
    "swapped_coordinates": 18,
    "out_of_range": 5,
    "far_outside": 14,
    "outside_areas": 34,
    "default_coordinates": 140,
    "missing_date": 9,
    "unreadable_date": 12,
    "outside_period": 60,
    "duplicate_row": 40,
}

COLUMNS = (
    "fecha_inicio", "fecha_hecho", "hora_hecho", "anio_hecho", "mes_hecho", "delito", "categoria_delito",
    "unidad_investigacion", "colonia_hecho", "colonia_catalogo", "alcaldia_hecho", "latitud", "longitud",
)  # fmt: skip

YEAR = 2023

_CATEGORIES = {
    "ROBO A TRANSEUNTE EN VIA PUBLICA CON VIOLENCIA": "ROBO A TRANSEÚNTE EN VÍA PÚBLICA CON Y SIN VIOLENCIA",
    "ROBO A CASA HABITACION CON VIOLENCIA": "ROBO A CASA HABITACIÓN CON VIOLENCIA",
}
_OTHER_CATEGORY = "DELITO DE BAJO IMPACTO"

_MONTHS = (
    ("Enero", "January"), ("Febrero", "February"), ("Marzo", "March"), ("Abril", "April"), ("Mayo", "May"),
    ("Junio", "June"), ("Julio", "July"), ("Agosto", "August"), ("Septiembre", "September"),
    ("Octubre", "October"), ("Noviembre", "November"), ("Diciembre", "December"),
)  # fmt: skip

#: hours of the day, as often as they are listed
_HOURS = tuple(range(24)) + (
    6,
    7,
    8,
    13,
    14,
    15,
    17,
    18,
    18,
    19,
    19,
    19,
    20,
    20,
    20,
    20,
    21,
    21,
    21,
    21,
    22,
    22,
    22,
    23,
)

_FAR_AWAY: tuple[Point, ...] = ((-103.35, 20.67), (-100.31, 25.67), (-98.2, 19.04), (-100.232489, 19.209042))
_UNREADABLE = ("2023-02-30", "2023-13-05", "sin fecha", "2023-00-11")
_NEVER = "1923-05-07"


@dataclass
class Rows:
    """Rows that share a kind: ``sound``, a flag or a fault; coordinates and dates as text."""

    kind: str
    offence: Integers
    area: Integers  #: position of the area the clerk names, -1 for none
    lon: list[str]
    lat: list[str]
    day: Integers  #: days since 1 January of the year
    date: list[str] = field(default_factory=list)  #: instead of the day, where that is the fault
    time: list[str] = field(default_factory=list)


def coordinates(points: Sequence[Point], decimals: int = 7) -> tuple[list[str], list[str]]:
    """Longitudes and latitudes as text."""
    return [f"{x:.{decimals}f}" for x, _ in points], [f"{y:.{decimals}f}" for _, y in points]


def spoil(kind: str, rows: Rows) -> Rows:
    """Plant a fault in the coordinates or dates of sound rows."""
    rows.kind = kind
    n = len(rows.lon)
    if kind == "missing_coordinates":
        for i in range(n):
            gap = "" if i % 3 == 0 else "NA"
            rows.lon[i], rows.lat[i] = gap, (rows.lat[i] if i % 10 == 9 else gap)
    elif kind == "unreadable_coordinates":
        rows.lon, rows.lat = ["s/n"] * n, ["s/n"] * n
    elif kind == "zero_coordinates":
        rows.lon, rows.lat = ["0.0"] * n, ["0.0"] * n
    elif kind == "swapped_coordinates":
        rows.lon, rows.lat = rows.lat, rows.lon
    elif kind == "out_of_range":
        rows.lon, rows.lat = ([v.replace(".", "") for v in side] for side in (rows.lon, rows.lat))
    elif kind == "far_outside":
        shifts = [_FAR_AWAY[i % len(_FAR_AWAY)] for i in range(n)]
        rows.lon, rows.lat = coordinates([(x + 1e-4 * i, y + 1e-4 * i) for i, (x, y) in enumerate(shifts)])
    elif kind == "missing_date":
        rows.date = ["" if i % 2 else "NA" for i in range(n)]
    elif kind == "unreadable_date":
        rows.date = [_UNREADABLE[i % len(_UNREADABLE)] for i in range(n)]
    elif kind == "outside_period":
        rows.day = np.where(np.arange(n) % 2 == 0, -1 - 3 * np.arange(n), 365 + 2 * np.arange(n))
        rows.date = [_NEVER if i % 20 == 19 else "" for i in range(n)]
        rows.date = [d or iso(int(rows.day[i])) for i, d in enumerate(rows.date)]
    return rows


def iso(day: int) -> str:
    """Date of a day counted from 1 January of the year."""
    return str(np.datetime64(f"{YEAR}-01-01") + np.timedelta64(day, "D"))


def assemble(
    blocks: Sequence[Rows],
    *,
    offences: Sequence[str],
    names: Sequence[str],
    stream: Stream,
    texts: Callable[..., dict[str, list[str]]] | None = None,
    repeats: int = FAULTS["duplicate_row"],
    first_row: int = 2,
) -> tuple[pd.DataFrame, np.ndarray]:
    """The register in random order, and the kind of each of its rows; repeats come after what they repeat.

    `texts` writes the columns, `first_row` is the first row of data as a spreadsheet shows it.
    """
    import pandas as pd

    columns = (texts or _texts)(blocks, offences=offences, names=names, stream=stream)
    kinds = [kind for block in blocks for kind in [block.kind] * len(block.lon)]
    sound = [i for i, kind in enumerate(kinds) if kind == "sound"]
    repeated = [sound[i] for i in stream.order(len(sound))[:repeats]]
    keys = stream.uniform(len(kinds))
    later = keys[repeated] + (1 - keys[repeated]) * (0.001 + 0.999 * stream.uniform(len(repeated)))
    order = np.argsort(np.concatenate([keys, later]), kind="stable")
    source = np.concatenate([np.arange(len(kinds)), np.array(repeated, dtype=np.int64)])[order].tolist()
    frame = pd.DataFrame({name: [values[i] for i in source] for name, values in columns.items()})
    frame.index = pd.RangeIndex(first_row, first_row + len(frame), name="row")
    all_kinds = np.array([*kinds, *["duplicate_row"] * len(repeated)], dtype=object)
    return frame, np.stack([all_kinds[order], np.array(source, dtype=object)], axis=1)


def _texts(
    blocks: Sequence[Rows], *, offences: Sequence[str], names: Sequence[str], stream: Stream
) -> dict[str, list[str]]:
    offence = [offences[i] for block in blocks for i in block.offence.tolist()]
    area = [i for block in blocks for i in block.area.tolist()]
    day = np.concatenate([block.day for block in blocks])
    n = len(offence)
    dates = _dates(blocks, day, stream.uniform(n))
    times = _times(n, stream)
    at = 0
    for block in blocks:
        if block.time:
            times[at : at + len(block.time)] = block.time
        at += len(block.lon)
    habits = stream.integers(0, 8, n).tolist()
    spelled = [[typed(name, habit) for habit in range(8)] for name in names]
    months = _calendar(day).astype("datetime64[M]").astype(int) % 12
    english = (stream.uniform(n) < 0.04).astype(int).tolist()
    years = _calendar(day).astype("datetime64[Y]").astype(int) + 1970
    lags = (stream.uniform(n) * stream.uniform(n) * 45).astype(np.int64)
    return {
        "fecha_inicio": _calendar(day + lags).astype(str).tolist(),
        "fecha_hecho": dates,
        "hora_hecho": times,
        "anio_hecho": [_year(d, y) for d, y in zip(dates, years.tolist(), strict=True)],
        "mes_hecho": [_MONTHS[m][e] for m, e in zip(months.tolist(), english, strict=True)],
        "delito": offence,
        "categoria_delito": [_CATEGORIES.get(o, _OTHER_CATEGORY) for o in offence],
        "unidad_investigacion": [f"UI-{1 + i}CD" for i in stream.integers(0, 4, n).tolist()],
        "colonia_hecho": ["NA" if a < 0 else spelled[a][h] for a, h in zip(area, habits, strict=True)],
        "colonia_catalogo": ["NA" if a < 0 else names[a] for a in area],
        "alcaldia_hecho": ["IZTAPALAPA"] * n,
        "latitud": [v for block in blocks for v in block.lat],
        "longitud": [v for block in blocks for v in block.lon],
    }  # fmt: skip


def _calendar(day: Integers) -> NDArray[np.datetime64]:
    """Dates of days counted from 1 January of the year."""
    return np.datetime64(f"{YEAR}-01-01") + day.astype("timedelta64[D]")


def _year(date: str, year: int) -> str:
    return "NA" if date in ("", "NA") else date[:4] if date == _NEVER else str(year)


def _dates(blocks: Sequence[Rows], day: Integers, u: np.ndarray) -> list[str]:
    """Most days as YYYY-MM-DD, some as YYYY-MM-DD HH:MM:SS, as the real file mixes them."""
    texts = _calendar(day).astype(str).tolist()
    texts = [t + " 00:00:00" if long else t for t, long in zip(texts, (u < 0.03).tolist(), strict=True)]
    at = 0
    for block in blocks:
        if block.date:
            texts[at : at + len(block.date)] = block.date
        at += len(block.lon)
    return texts


def _times(n: int, stream: Stream) -> list[str]:
    """Hours with an evening peak; 8 % exactly noon, 2 % with the seconds twice, 0.5 % blank."""
    hours = [_HOURS[i] for i in stream.integers(0, len(_HOURS), n).tolist()]
    minutes = (5 * stream.integers(0, 12, n)).tolist()
    habit = stream.uniform(n).tolist()
    times = []
    for h, m, u in zip(hours, minutes, habit, strict=True):
        if u < 0.08:
            times.append("12:00:00")
        elif u < 0.10:
            times.append(f"{h:02d}:{m:02d}:00:00")
        elif u < 0.105:
            times.append("")
        else:
            times.append(f"{h:02d}:{m:02d}:00")
    return times
