"""The survey of the synthetic Mathare: sample, answers with planted shares, positions, and the export.

Drawn as a field survey is: in each ward 15 of its enumeration areas, in each of these 10 of its households,
in each of these one adult. Chances are equal at each step, so the weight of an adult is the product of what
each step passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from safemap.datasets._city import Borders, Places
from safemap.datasets._mathare import ORIGIN, Setting, ward_keys
from safemap.datasets._mathare_form import CHOICES
from safemap.datasets._stream import Stream
from safemap.datasets._xlsx import Cell

#: share of adults who say so where nothing is planted, and by how much it is higher in the unsafe blocks
ITEMS: Mapping[str, tuple[float, float]] = {
    "after_dark": (0.42, 0.30),
    "victim": (0.16, 0.14),
    "radio": (0.55, 0.0),
}
#: enumeration areas differ by up to this much from their block; the null item is the same everywhere
_SPREAD: Mapping[str, float] = {"after_dark": 0.06, "victim": 0.03, "radio": 0.0}

PER_WARD, PER_EA = 15, 10
_PEOPLE_PER_EA = 420
_ADULTS = (1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4)
_DONT_KNOW, _BLANK = 0.03, 0.01


class Enumeration(NamedTuple):
    """All enumeration areas of the city; lists have one item for each."""

    block: list[int]  #: position of the block
    ward: list[int]
    households: list[int]
    shares: dict[str, list[float]]  #: item -> share of its adults who would say so


class Survey(NamedTuple):
    """An export: rows of cells below a header, and what is true of it."""

    header: list[str]
    rows: list[list[Cell]]
    repeat_header: list[str]
    repeat_rows: list[list[Cell]]
    blocks: list[int]  #: by row: position of the block where the respondent lives
    flags: dict[str, list[int]]  #: planted flaw -> rows (numbers as a spreadsheet shows them)


def enumerate_city(setting: Setting, stream: Stream) -> Enumeration:
    """Divide the blocks into enumeration areas of some 420 people."""
    block = [
        position
        for position, people in enumerate(setting.population.tolist())
        for _ in range(max(2, round(people / _PEOPLE_PER_EA)) if people else 0)
    ]
    unsafe = {position for group in setting.unsafe for position in group}
    households = stream.integers(90, 171, len(block)).tolist()
    shares = {}
    for item, (base, more) in ITEMS.items():
        own = (2 * stream.uniform(len(block)) - 1) * _SPREAD[item]
        shares[item] = [base + more * (b in unsafe) + u for b, u in zip(block, own.tolist(), strict=True)]
    return Enumeration(block, [setting.plan.ward[b] for b in block], households, shares)


def true_shares(city: Enumeration, groups: Sequence[int], size: int) -> dict[str, list[float]]:
    """Share of adults who would say so in each group of enumeration areas; NaN where there is none."""
    out = {}
    for item, shares in city.shares.items():
        above, below = [0.0] * size, [0] * size
        for group, share, households in zip(groups, shares, city.households, strict=True):
            above[group] += share * households
            below[group] += households
        out[item] = [a / b if b else float("nan") for a, b in zip(above, below, strict=True)]
    return out


def draw_survey(setting: Setting, city: Enumeration, stream: Stream) -> Survey:
    """Draw the sample and fill in the questionnaires."""
    sample = _sample(city, stream)
    blocks = [city.block[ea] for ea in sample]
    people = _People(setting, city, sample, stream)
    told = _Told(people.victim, stream)
    rows = [people.cells(i) + told.cells(i) + people.last_cells(i) for i in range(len(sample))]
    header = [*_People.HEADER, *_Told.HEADER, *_People.LAST_HEADER]
    repeats = told.repeats()
    return Survey(header, rows, list(_Told.REPEAT_HEADER), repeats, blocks, people.flags | told.flags)


def _sample(city: Enumeration, stream: Stream) -> list[int]:
    """Enumeration area of each respondent, ward by ward."""
    chosen = []
    for ward in range(len(ward_keys())):
        there = [ea for ea, w in enumerate(city.ward) if w == ward]
        chosen += sorted(stream.pick(there, PER_WARD))
    return [ea for ea in chosen for _ in range(PER_EA)]


def _yes_no(said: np.ndarray, u: np.ndarray) -> list[int | None]:
    """1 and 0, with 99 for those who do not know and nothing for those who did not answer."""
    return [
        99 if x < _DONT_KNOW else None if x < _DONT_KNOW + _BLANK else int(y)
        for y, x in zip(said.tolist(), u.tolist(), strict=True)
    ]


class _People:
    """Everything about the respondents but what happened to them; one list per column."""

    HEADER = (
        "start", "end", "ward_id", "block_id", "ea_id", "household", "person/adults", "person/sex",
        "person/age", "safety/after_dark", *(f"safety/avoid/{code}" for code, _, _ in CHOICES["place"]),
        "safety/nights_out", "safety/victim",
    )  # fmt: skip
    LAST_HEADER = (
        "radio", "location", "_location_latitude", "_location_longitude", "_location_precision",
        "ea_in_ward", "households_in_ea", "weight", "_uuid", "_index",
    )  # fmt: skip

    def __init__(self, setting: Setting, city: Enumeration, sample: list[int], stream: Stream) -> None:
        n = len(sample)
        self._setting, self._city, self._sample = setting, city, sample
        self._ea_in_ward = [city.ward.count(w) for w in range(len(ward_keys()))]
        self._households = [h for ea in sample[::PER_EA] for h in _numbers(city.households[ea], stream)]
        self._adults = [_ADULTS[i] for i in stream.integers(0, len(_ADULTS), n).tolist()]
        self._sex = ["f" if u < 0.53 else "m" for u in stream.uniform(n).tolist()]
        self._age = (18 + 50 * stream.uniform(n) * stream.uniform(n)).astype(int).tolist()
        said = {
            item: stream.uniform(n) < np.array([shares[ea] for ea in sample])
            for item, shares in city.shares.items()
        }
        unsafe = _yes_no(said["after_dark"], stream.uniform(n))
        degree = stream.integers(0, 2, n).tolist()
        self._after_dark = [
            a if a is None or a == 99 else 1 + 2 * a + d for a, d in zip(unsafe, degree, strict=True)
        ]
        self._avoid = [_some_places(u) if a in (3, 4) else None for a, u in zip(
            self._after_dark, stream.uniform(6 * n).reshape(-1, 6).tolist(), strict=True
        )]  # fmt: skip
        nights = stream.integers(0, 8, n).tolist()
        self._nights = [
            99 if u < 0.04 else x for x, u in zip(nights, stream.uniform(n).tolist(), strict=True)
        ]
        self.victim = _yes_no(said["victim"], stream.uniform(n))
        self._radio = _yes_no(said["radio"], stream.uniform(n))
        self._clock = _clock(n, stream)
        self._uuid = [f"{a:08x}-{b:04x}" for a, b in stream.integers(0, 2**32, 2 * n).reshape(-1, 2).tolist()]
        self._location, self.flags = _positions(setting, [city.block[ea] for ea in sample], stream)

    def cells(self, i: int) -> list[Cell]:
        """Cells before the questions on what happened."""
        ea = self._sample[i]
        avoid = self._avoid[i] or [None] * len(CHOICES["place"])
        return [
            *self._clock[i], ward_keys()[self._city.ward[ea]][0], self._setting.ids[self._city.block[ea]],
            f"EA-{ea + 1:04d}", self._households[i], self._adults[i], self._sex[i], self._age[i],
            self._after_dark[i], *avoid, self._nights[i], self.victim[i],
        ]  # fmt: skip

    def last_cells(self, i: int) -> list[Cell]:
        """Cells after them, with what the office added for the analysis."""
        ea = self._sample[i]
        in_ward, households = self._ea_in_ward[self._city.ward[ea]], self._city.households[ea]
        weight = in_ward * households * self._adults[i] / (PER_WARD * PER_EA)
        return [
            self._radio[i],
            *self._location[i],
            in_ward,
            households,
            round(weight, 3),
            self._uuid[i],
            i + 1,
        ]


class _Told:
    """What happened to those who said that something did, and the repeat with each incident."""

    HEADER = (
        *(f"told/what_happened/{code}" for code, _, _ in CHOICES["crime"]), "told/reported", "told/why_not",
    )  # fmt: skip
    REPEAT_HEADER = (
        "told/incident/kind", "told/incident/month", "told/incident/where", "_index", "_parent_table_name",
        "_parent_index",
    )  # fmt: skip

    def __init__(self, victim: Sequence[int | None], stream: Stream) -> None:
        n, kinds = len(victim), len(CHOICES["crime"])
        self.incidents = [
            _incidents(u) if v == 1 else []
            for v, u in zip(victim, stream.uniform(10 * n).reshape(-1, 10).tolist(), strict=True)
        ]
        self._what: list[list[Cell]] = [
            [int(k in {kind for kind, _, _ in some}) for k in range(kinds)] if some else [None] * kinds
            for some in self.incidents
        ]
        answer = _yes_no(stream.uniform(n) < 0.31, stream.uniform(n))
        self._reported = [a if some else None for a, some in zip(answer, self.incidents, strict=True)]
        codes = [code for code, _, _ in CHOICES["reason"]]
        reason = [codes[i] for i in stream.integers(0, len(codes), n).tolist()]
        self._why = [r if a == 0 else None for r, a in zip(reason, self._reported, strict=True)]
        self.flags: dict[str, list[int]] = {"no_parent": []}

    def cells(self, i: int) -> list[Cell]:
        """Cells of one respondent."""
        why = self._why[i]
        return [*self._what[i], self._reported[i], int(why) if why == "99" else why]

    def repeats(self) -> list[list[Cell]]:
        """One row per incident; two at the end belong to a response that was deleted."""
        kinds, places = ([code for code, _, _ in CHOICES[name]] for name in ("crime", "where"))
        rows: list[list[Cell]] = []
        for i, some in enumerate(self.incidents):
            for kind, month, place in some:
                rows.append([kinds[kind], month, places[place], len(rows) + 1, "survey", i + 1])
        for kind in (0, 1):
            rows.append([kinds[kind], 5, places[0], len(rows) + 1, "survey", len(self.incidents) + 1])
        self.flags["no_parent"] = [len(rows), len(rows) + 1]
        return rows


def _numbers(households: int, stream: Stream) -> list[int]:
    """The sampled households by their number on the list."""
    return sorted(stream.pick(range(1, households + 1), PER_EA))


def _some_places(u: list[float]) -> list[Cell]:
    """1 for each place that is avoided; "none of these" only alone."""
    some: list[Cell] = [int(x < 0.4) for x in u[:5]]
    return [*some, int(not any(some))]


def _incidents(u: list[float]) -> list[tuple[int, int, int]]:
    """One to three incidents: kind, month and place, by their position in the lists of choices."""
    number = 1 + (u[0] < 0.3) + (u[0] < 0.08)
    return [(int(5 * u[1 + 3 * i]), 1 + int(12 * u[2 + 3 * i]), int(4 * u[3 + 3 * i])) for i in range(number)]


def _clock(n: int, stream: Stream) -> list[tuple[str, str]]:
    """Start and end of each interview."""
    days, minutes = stream.integers(0, 30, n), 480 + stream.integers(0, 540, n)
    length = stream.integers(12, 41, n)
    start = (
        np.datetime64("2023-06-01T00:00")
        + days * np.timedelta64(1440, "m")
        + minutes * np.timedelta64(1, "m")
    )
    end = start + length * np.timedelta64(1, "m")
    return [
        (f"{a}:00+03:00", f"{b}:00+03:00") for a, b in zip(start.astype(str), end.astype(str), strict=True)
    ]


def _positions(
    setting: Setting, blocks: list[int], stream: Stream
) -> tuple[list[tuple[Cell, Cell, Cell, Cell]], dict[str, list[int]]]:
    """Positions of homes as devices state them: some vague, some zero, some missing."""
    n = len(blocks)
    homes = Places(setting.plan, Borders((), (), ())).draw(np.array(blocks), stream).tolist()
    u = stream.uniform(4 * n).reshape(-1, 4).tolist()
    found: list[tuple[Cell, Cell, Cell, Cell]] = []
    flags: dict[str, list[int]] = {"low_accuracy": [], "zero_coordinates": [], "missing_position": []}
    for i, ((x, y), (kind, size, right, up)) in enumerate(zip(homes, u, strict=True)):
        vague = kind < 0.07
        metres = round(35 + 85 * size, 1) if vague else round(4 + 14 * size, 1)
        lon, lat = ORIGIN.degrees((x + metres * (1.4 * right - 0.7), y + metres * (1.4 * up - 0.7)))
        if kind > 0.96:
            flags["missing_position"].append(i + 2)
            found.append((None, None, None, None))
        elif kind > 0.93:
            flags["zero_coordinates"].append(i + 2)
            found.append(("0 0 0 0", 0, 0, 0))
        else:
            if vague:
                flags["low_accuracy"].append(i + 2)
            height = round(1_600 + 40 * up, 1)
            found.append((f"{lat:.6f} {lon:.6f} {height} {metres}", lat, lon, metres))
    return found, flags
