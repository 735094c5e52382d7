"""The register of the synthetic Chilanzar and its table of counts: Cyrillic and Latin, as clerks type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from safemap.datasets._mesh import Point
from safemap.datasets._register import YEAR, Rows, assemble, coordinates
from safemap.datasets._stream import Floats, Integers, Stream
from safemap.datasets._uzbek import DISTRICTS, HABITS, plain, typed

if TYPE_CHECKING:
    import pandas as pd

    from safemap.datasets._chilanzar import Mahallas
    from safemap.datasets._generate import Setting

#: reason code -> rows planted with it
FAULTS: Mapping[str, int] = {
    "missing_coordinates": 90,
    "unreadable_coordinates": 6,
    "zero_coordinates": 15,
    "swapped_coordinates": 12,
    "out_of_range": 5,
    "far_outside": 9,
    "outside_areas": 24,
    "default_coordinates": 100,
    "missing_date": 8,
    "unreadable_date": 8,
    "outside_period": 40,
    "duplicate_row": 25,
}

#: offence in Russian -> in Uzbek; the register has both
UZBEK = {
    "Грабёж": "Talonchilik",
    "Кража из жилища": "Uy-joydan oʻgʻirlik",
    "Мошенничество": "Firibgarlik",
    "Хулиганство": "Bezorilik",
    "Угон транспорта": "Transportni olib qochish",
}

NUMBER, OFFENCE, DATE, TIME = "КУСП №", "Вид преступления", "Дата", "Vaqt"
DISTRICT, MAHALLA, LON, LAT, RECORDED = "Tuman", "Маҳалла", "Долгота", "Широта", "Рўйхатга олинган"
#: rows of the sheet above the first row of data: three of titles, a blank one, two of names, one of numbers
FIRST_ROW = 8

#: columns of the table of counts
TABLE = ("№", "Tuman / Район", "Mahalla / Махалля")
TABLE_FIRST_ROW = 5

_FAR_AWAY: tuple[Point, ...] = ((66.96, 39.65), (72.34, 40.78), (37.62, 55.75))
_UNREADABLE = ("31.02.2023", "нет данных", "00.11.2023", "31.06.2023")


class Table(NamedTuple):
    """The table of counts and what was planted in it."""

    frame: pd.DataFrame
    counts: pd.DataFrame
    faults: dict[str, tuple[str, ...]]
    mapping: dict[str, str]


def register(
    blocks: Sequence[Rows], mahallas: Mahallas, offences: Sequence[str], stream: Stream
) -> tuple[pd.DataFrame, np.ndarray]:
    """The register in random order and the kind of each row."""

    def texts(blocks: Sequence[Rows], *, stream: Stream, **_: object) -> dict[str, list[str]]:
        return _texts(blocks, mahallas, offences, stream)

    return assemble(
        blocks, offences=offences, names=[], stream=stream, texts=texts,
        repeats=FAULTS["duplicate_row"], first_row=FIRST_ROW,
    )  # fmt: skip


def spoil(kind: str, rows: Rows) -> Rows:
    """Plant a fault in the coordinates or dates of sound rows."""
    rows.kind = kind
    n = len(rows.lon)
    if kind == "missing_coordinates":
        rows.lon = ["" if i % 3 else "-" for i in range(n)]
        rows.lat = [rows.lat[i] if i % 10 == 9 else "" for i in range(n)]
    elif kind == "unreadable_coordinates":
        rows.lon, rows.lat = ["б/н"] * n, ["б/н"] * n
    elif kind == "zero_coordinates":
        rows.lon, rows.lat = ["0.0"] * n, ["0.0"] * n
    elif kind == "swapped_coordinates":
        rows.lon, rows.lat = rows.lat, rows.lon
    elif kind == "out_of_range":
        rows.lon, rows.lat = ([v.replace(".", "") for v in side] for side in (rows.lon, rows.lat))
    elif kind == "far_outside":
        far = [_FAR_AWAY[i % len(_FAR_AWAY)] for i in range(n)]
        rows.lon, rows.lat = coordinates([(x + 1e-4 * i, y + 1e-4 * i) for i, (x, y) in enumerate(far)])
    elif kind == "missing_date":
        rows.date = ["" if i % 2 else "-" for i in range(n)]
    elif kind == "unreadable_date":
        rows.date = [_UNREADABLE[i % len(_UNREADABLE)] for i in range(n)]
    elif kind == "outside_period":
        rows.day = np.where(np.arange(n) % 2 == 0, -1 - 3 * np.arange(n), 365 + 2 * np.arange(n))
    return rows


def _texts(
    blocks: Sequence[Rows], mahallas: Mahallas, offences: Sequence[str], stream: Stream
) -> dict[str, list[str]]:
    offence = [offences[i] for block in blocks for i in block.offence.tolist()]
    area = [i for block in blocks for i in block.area.tolist()]
    n = len(offence)
    day = np.concatenate([block.day for block in blocks])
    given = [block.date or [""] * len(block.lon) for block in blocks]
    stated = [bool(block.date) for block in blocks for _ in block.lon]
    dates = [
        text if is_stated else _dotted(d)
        for text, is_stated, d in zip([t for g in given for t in g], stated, day.tolist(), strict=True)
    ]
    uzbek = (stream.uniform(n) < 0.35).tolist()
    habit = stream.integers(0, HABITS, n).tolist()
    district_habit = stream.integers(0, 4, n).tolist()
    lag = (stream.uniform(n) * stream.uniform(n) * 30).astype(np.int64)
    numbers = (stream.order(n) + 1).tolist()
    return {
        NUMBER: [f"{YEAR}/{number:05d}" for number in numbers],
        OFFENCE: [UZBEK[o] if u else o for o, u in zip(offence, uzbek, strict=True)],
        DATE: dates,
        TIME: _times(blocks, n, stream),
        DISTRICT: [
            "" if a < 0 else _district(mahallas, a, h) for a, h in zip(area, district_habit, strict=True)
        ],
        MAHALLA: ["" if a < 0 else typed(mahallas.names[a], h) for a, h in zip(area, habit, strict=True)],
        LON: [v.replace(".", ",") for block in blocks for v in block.lon],
        LAT: [v.replace(".", ",") for block in blocks for v in block.lat],
        RECORDED: [_dotted(d) for d in (day + lag).tolist()],
    }  # fmt: skip


def _dotted(day: int) -> str:
    """DD.MM.YYYY of a day counted from 1 January of the year."""
    year, month, of_month = str(np.datetime64(f"{YEAR}-01-01") + np.timedelta64(day, "D")).split("-")
    return f"{of_month}.{month}.{year}"


def _times(blocks: Sequence[Rows], n: int, stream: Stream) -> list[str]:
    """Clock times, more in the evening; 6 % exactly noon, 1 % blank."""
    hours = stream.integers(0, 32, n).tolist()  # from 24 on: the evening again
    minutes = (5 * stream.integers(0, 12, n)).tolist()
    habit = stream.uniform(n).tolist()
    times = [
        "12:00" if u < 0.06 else "" if u < 0.07 else f"{h if h < 24 else h - 8:02d}:{m:02d}"
        for h, m, u in zip(hours, minutes, habit, strict=True)
    ]
    at = 0
    for block in blocks:
        if block.time:
            times[at : at + len(block.time)] = [t[:5] for t in block.time]
        at += len(block.lon)
    return times


def _district(mahallas: Mahallas, area: int, habit: int) -> str:
    name = DISTRICTS[mahallas.district[area]]
    return (name.latin, f"{name.cyrillic} тумани", f"{name.russian} район", plain(name.russian))[habit]


def count_table(setting: Setting, mahallas: Mahallas, mean: Floats, last: Integers, stream: Stream) -> Table:
    """Burglaries per mahalla and year; the last year is what the register holds."""
    import pandas as pd

    from safemap.datasets._chilanzar import YEARS

    n, ids = len(setting.ids), setting.ids
    years = [str(y) for y in YEARS]
    counts = np.stack([*(stream.poisson(mean) for _ in years[:-1]), last], axis=1)
    habits = stream.integers(0, HABITS, n).tolist()
    names = [typed(mahallas.names[i], habits[i]) for i in range(n)]
    order = sorted(range(n), key=lambda i: ids[i])
    mapping = {}
    for i in _long_names(setting, mahallas):
        names[i] = _misspelled(mahallas.names[i].latin)
        mapping[names[i]] = ids[i]
    rows = [[_district(mahallas, i, habits[i] % 4), names[i], *map(str, counts[i].tolist())] for i in order]
    gaps = [order.index(i) for i in stream.order(n).tolist()[:2] if names[i] not in mapping]
    for k in gaps:
        rows[k][2] = ""
        counts[order[k], 0] = 0
    rows += [
        ["", "Eski bozor hududi", "4", "7", "5"],
        ["", "Аниқланмаган", "12", "9", "15"],
        ["", "", "3", "0", "2"],
    ]
    rows = [[str(k), *row] for k, row in enumerate(rows, start=1)]
    totals = [str(sum(int(row[3 + c] or 0) for row in rows)) for c in range(len(years))]
    rows.append(["", "", "Жами / Итого", *totals])
    frame = pd.DataFrame(rows, columns=[*TABLE, *years])
    frame.index = pd.RangeIndex(TABLE_FIRST_ROW, TABLE_FIRST_ROW + len(rows), name="row")
    where = {name: row for row, name in frame[TABLE[2]].items()}
    unknown = [where[name] for name in ("Eski bozor hududi", "Аниқланмаган", *mapping)]
    faults = {
        "missing_count": tuple(f"{TABLE_FIRST_ROW + k}:{years[0]}" for k in gaps),
        "total_row": _all_years([int(frame.index[-1])], years),
        "missing_area": _all_years([int(frame.index[-2])], years),
        "unknown_area": _all_years(unknown, years),
    }
    told = pd.DataFrame(counts, index=pd.Index(ids, name="area_id"), columns=years).sort_index()
    return Table(frame, told, faults, mapping)


def _all_years(rows: Sequence[int], years: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{row}:{year}" for row in rows for year in years)


def _long_names(setting: Setting, mahallas: Mahallas) -> list[int]:
    """Three mahallas whose name is long enough to be recognised when it is misspelled."""
    names = [n.latin for n in mahallas.names]
    long = [
        i
        for i, name in enumerate(names)
        if len(name) >= 9 and " " not in name and name[3] != "ʻ" and names.count(name) == 1
    ]
    return sorted(long, key=lambda i: setting.ids[i])[:3]


def _misspelled(name: str) -> str:
    """A letter left out, and one doubled where the ear hears no difference."""
    return name[:3] + name[4:] + name[-1]
