"""Incidents of the synthetic Mathare as people report them with an app: landmarks, dates, faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from safemap.datasets._city import Borders, Places
from safemap.datasets._generate import _inside
from safemap.datasets._mathare import ORIGIN, Setting, positions_by_people
from safemap.datasets._mesh import Point
from safemap.datasets._stream import Integers, Stream

if TYPE_CHECKING:
    import pandas as pd

#: category -> mean number of expected reports per block with residents
EXPECTED: Mapping[str, float] = {
    "robbery": 25.0,
    "burglary": 6.0,
    "mobile money fraud": 10.0,
    "assault": 5.0,
}
HOT_CATEGORY, NULL_CATEGORY = "robbery", "mobile money fraud"

#: reason code -> rows planted with it
FAULTS: Mapping[str, int] = {
    "missing_coordinates": 90,
    "unreadable_coordinates": 5,
    "zero_coordinates": 20,
    "swapped_coordinates": 15,
    "out_of_range": 5,
    "far_outside": 20,
    "outside_areas": 25,
    "default_coordinates": 72,
    "missing_date": 10,
    "unreadable_date": 10,
    "outside_period": 40,
    "duplicate_row": 30,
}
YEAR = 2023
COLUMNS = ("report_id", "occurred", "category", "place", "latitude", "longitude", "accuracy_m", "channel")

#: share of the reports of a category that are pinned to the landmark of the block
_AT_LANDMARK: Mapping[str, float] = {"robbery": 0.45, "burglary": 0.35, "mobile money fraud": 0.45}
_ON_CORNERS = 12
_UNREADABLE = ("31/02/2023 20:00", "00/05/2023 19:30", "usiku", "29/02/2023 06:15")
_ELSEWHERE: tuple[Point, ...] = ((39.668, -4.043), (34.761, -0.102), (36.066, -0.303))
_CHANNELS = ("app", "app", "app", "sms", "whatsapp")
#: hours of the day, as often as they are listed
_HOURS = (*range(24), 5, 6, 6, 18, 19, 19, 19, 20, 20, 20, 20, 21, 21, 21, 22, 22)


@dataclass(frozen=True)
class Report:
    """One row before it is written; `kind` is ``sound``, ``boundary`` or a fault."""

    kind: str
    category: str
    area: int  #: position of the block, -1 for none
    lon: str
    lat: str
    day: int  #: days since 1 January of the year
    place: str  #: what the reporter calls the place
    when: str = ""  #: instead of day and hour, where that is the fault


def report_rows(setting: Setting, means: Mapping[str, np.ndarray], stream: Stream) -> list[Report]:
    """All reports but the repeats, in no order."""
    places = Places(setting.plan, Borders((), (), ()))
    rows: list[Report] = []
    for category, mean in means.items():
        areas = np.repeat(np.arange(len(setting.ids)), stream.poisson(mean))
        rows += _pinned(_sound(setting, category, areas, places, stream), setting, stream)
    rows += _on_corners(setting, stream)
    for kind, number in FAULTS.items():
        if kind != "duplicate_row":
            rows += _faulty(kind, number, setting, places, stream)
    return rows


def assemble(rows: Sequence[Report], stream: Stream) -> tuple[pd.DataFrame, list[str], list[int]]:
    """The file in random order, the kind of each of its rows and the report it holds (repeats come later)."""
    import pandas as pd

    sound = [i for i, row in enumerate(rows) if row.kind == "sound"]
    repeated = stream.pick(sound, FAULTS["duplicate_row"])
    keys = stream.uniform(len(rows))
    later = keys[repeated] + (1 - keys[repeated]) * (0.001 + 0.999 * stream.uniform(len(repeated)))
    order = np.argsort(np.concatenate([keys, later]), kind="stable").tolist()
    source = [*range(len(rows)), *repeated]
    texts = _texts(rows, stream)
    kinds = ["duplicate_row" if i >= len(rows) else rows[i].kind for i in order]
    numbers: dict[int, str] = {}
    for i in order:
        numbers.setdefault(source[i], f"MR-{len(numbers) + 1:05d}")
    lines = [(numbers[source[i]], *texts[source[i]]) for i in order]
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    frame.index = pd.RangeIndex(2, 2 + len(frame), name="row")
    return frame, kinds, [source[i] for i in order]


def start_of_map(setting: Setting) -> Point:
    """Where the app's map opens; reports that nobody moved stay there."""
    return ORIGIN.degrees(setting.plan.mesh.centre(setting.plan.areas[setting.start]))


def _texts(rows: Sequence[Report], stream: Stream) -> list[tuple[str, ...]]:
    n = len(rows)
    hours = [_HOURS[i] for i in stream.integers(0, len(_HOURS), n).tolist()]
    minutes = (5 * stream.integers(0, 12, n)).tolist()
    metres, channel = stream.integers(4, 40, n).tolist(), stream.integers(0, len(_CHANNELS), n).tolist()
    out: list[tuple[str, ...]] = []
    for row, hour, minute, accuracy, c in zip(rows, hours, minutes, metres, channel, strict=True):
        when = row.when or f"{day_first(row.day)} {hour:02d}:{minute:02d}"
        measured = "" if "" in (row.lat, row.lon) else str(accuracy)
        out.append((when.strip(), row.category, row.place, row.lat, row.lon, measured, _CHANNELS[c]))
    return out


def day_first(day: int) -> str:
    """DD/MM/YYYY of a day counted from 1 January of the year."""
    year, month, date = str(np.datetime64(f"{YEAR}-01-01") + np.timedelta64(day, "D")).split("-")
    return f"{date}/{month}/{year}"


def _sound(
    setting: Setting, category: str, areas: Integers, places: Places, stream: Stream, kind: str = "sound"
) -> list[Report]:
    points = [ORIGIN.degrees(p, 7) for p in places.draw(areas, stream).tolist()]
    days, near = stream.integers(0, 365, len(areas)).tolist(), stream.uniform(len(areas)).tolist()
    names = [
        f"near {setting.landmark_names[a]}" if u < 0.5 else setting.names[a]
        for a, u in zip(areas.tolist(), near, strict=True)
    ]
    columns = zip(areas.tolist(), points, days, names, strict=True)
    return [Report(kind, category, a, f"{x:.7f}", f"{y:.7f}", day, name) for a, (x, y), day, name in columns]


def _pinned(rows: list[Report], setting: Setting, stream: Stream) -> Iterator[Report]:
    """Many reports of a block on one spot: that of its landmark."""
    for row, u in zip(rows, stream.uniform(len(rows)).tolist(), strict=True):
        if u < _AT_LANDMARK.get(row.category, 0.0):
            x, y = setting.landmarks[row.area]
            name = setting.landmark_names[row.area]
            yield replace(row, lon=f"{x:.6f}", lat=f"{y:.6f}", place=name)
        else:
            yield row


def _on_corners(setting: Setting, stream: Stream) -> Iterator[Report]:
    """Sound reports exactly where three or more blocks meet; they belong to the lowest id."""
    position = {face: i for i, face in enumerate(setting.plan.areas)}
    fine = set(position) - {setting.plan.areas[setting.start]}
    corners = [
        v for v, faces in sorted(setting.plan.mesh.around().items()) if len(faces) > 2 and faces <= fine
    ]
    for i, vertex in enumerate(stream.pick(corners, _ON_CORNERS)):
        blocks = [position[f] for f in setting.plan.mesh.around()[vertex]]
        lowest = min(blocks, key=lambda p: setting.ids[p])
        x, y = ORIGIN.degrees(setting.plan.mesh.points[vertex])
        category = list(EXPECTED)[i % len(EXPECTED)]
        yield Report("boundary", category, lowest, f"{x:.6f}", f"{y:.6f}", 7 * i, setting.names[lowest])


def _faulty(kind: str, number: int, setting: Setting, places: Places, stream: Stream) -> Iterator[Report]:
    """Half of each fault is robbery, so that all are met when only that is selected."""
    areas = positions_by_people(setting, number, stream)
    categories = list(EXPECTED)
    points = (
        _outside(setting, number, stream) if kind == "outside_areas" else [start_of_map(setting)] * number
    )
    for i, row in enumerate(_sound(setting, "", areas, places, stream, kind)):
        spoiled = replace(row, category=categories[0 if i % 6 < 3 else i % 6 - 2])
        if kind in ("outside_areas", "default_coordinates"):
            x, y = points[i]
            outside = kind == "outside_areas"
            spoiled = replace(
                spoiled, lon=f"{x:.6f}", lat=f"{y:.6f}", area=-1 if outside else row.area,
                place="by the river" if outside else setting.names[row.area],
            )  # fmt: skip
        yield _spoil(spoiled, i)


def _spoil(row: Report, i: int) -> Report:
    """Plant the fault of the row's kind in its coordinates or its date."""
    if row.kind == "missing_coordinates":
        return replace(row, lon="", lat=row.lat if i % 10 == 9 else "")
    if row.kind == "unreadable_coordinates":
        return replace(row, lon="no GPS", lat="no GPS")
    if row.kind == "zero_coordinates":
        return replace(row, lon="0.0", lat="0.0")
    if row.kind == "swapped_coordinates":
        return replace(row, lon=row.lat, lat=row.lon)
    if row.kind == "out_of_range":
        return replace(row, lon=row.lon.replace(".", ""), lat=row.lat.replace(".", ""))
    if row.kind == "far_outside":
        return _far_away(row, i)
    if row.kind == "missing_date":
        return replace(row, when=" ")
    if row.kind == "unreadable_date":
        return replace(row, when=_UNREADABLE[i % len(_UNREADABLE)])
    if row.kind == "outside_period":
        return replace(row, day=-1 - 5 * i if i % 2 else 365 + 3 * i)
    return row


def _far_away(row: Report, i: int) -> Report:
    """Other cities, and every other time the minus sign of the southern latitude lost."""
    if i % 2:
        return replace(row, lat=row.lat.removeprefix("-"))
    x, y = _ELSEWHERE[i // 2 % len(_ELSEWHERE)]
    return replace(row, lon=f"{x + 1e-4 * i:.6f}", lat=f"{y + 1e-4 * i:.6f}")


def _outside(setting: Setting, number: int, stream: Stream) -> list[Point]:
    """Points just across the outer border, on the flats by the river among them, in no block."""
    mesh = setting.plan.mesh
    ring = [mesh.points[v] for v in mesh.outline(setting.plan.areas)]
    sides = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    found: list[Point] = []
    while len(found) < number:
        for i in stream.order(len(sides)).tolist():
            (ax, ay), (bx, by) = sides[i]
            away = stream.one(20.0, 90.0) / ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
            point = ((ax + bx) / 2 + away * (by - ay), (ay + by) / 2 - away * (bx - ax))
            if not (_inside(point, ring) or _inside(point, setting.plan.island)):
                found.append(point)
    return [ORIGIN.degrees(p) for p in found[:number]]
