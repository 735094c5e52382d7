"""The finding sentence: what was recorded, compared with what, and how much cannot be told apart.

One function per kind of layer; header, caption and text alternative all come from here, in any language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.i18n import Message, number, percent


class RateFacts(NamedTuple):
    """What a sentence about rates needs: the ranked areas, the number of all areas, and the average."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    areas: int
    mean: float | None
    decimals: int


def rate_finding(
    facts: RateFacts, *, period: str, place: str | Mapping[str, str] | None, smoothed: bool
) -> Message:
    """Areas whose interval lies above, below or across the average; smoothed rates get their range."""
    if facts.mean is None or not facts.value.size:
        return Message("f_nothing", {"N": number(facts.areas)}, prefix=period)
    mean = _figure(facts.mean, facts.decimals)
    if smoothed:
        slots = {
            "n": number(facts.value.size),
            "lo": _figure(float(facts.value.min()), facts.decimals),
            "hi": _figure(float(facts.value.max()), facts.decimals),
            "m": mean,
        }
        return Message("f_smoothed_rates", slots, prefix=period)
    above, below = int((facts.low > facts.mean).sum()), int((facts.high < facts.mean).sum())
    slots = {
        "m": mean,
        "a": number(above),
        "b": number(below),
        "c": number(facts.areas - above - below),
        "N": number(facts.areas),
    }
    if place:
        return Message("f_rates_place", {**slots, "place": place_slot(place)}, prefix=period)
    return Message("f_rates", slots, prefix=period)


def _figure(value: float, decimals: int) -> dict[str, Any]:
    """A rate with at most three significant figures, as on the card."""
    return number(value, 0 if abs(value) >= 100 else min(1, decimals) if abs(value) >= 10 else decimals)


def place_slot(place: str | Mapping[str, str]) -> Any:
    """Name of the study area for a slot of a message, in one language or in several."""
    return place if isinstance(place, str) else {"t": next(iter(place.values())), "by": dict(place)}


def survey_finding(facts: RateFacts, *, period: str, share: bool) -> Message:
    """Range of the estimates that may be published, and how many differ from the overall one."""
    if facts.mean is None or not facts.value.size:
        return Message("f_nothing", {"N": number(facts.areas)}, prefix=period)

    def figure(value: float) -> dict[str, Any]:
        return percent(value / 100, facts.decimals) if share else number(value, facts.decimals)

    slots = {
        "n": number(facts.value.size),
        "N": number(facts.areas),
        "lo": figure(float(facts.value.min())),
        "hi": figure(float(facts.value.max())),
        "m": figure(facts.mean),
        "a": number(int((facts.low > facts.mean).sum())),
        "b": number(int((facts.high < facts.mean).sum())),
    }
    return Message("f_survey" if share else "f_survey_amount", slots, prefix=period)


def answers_finding(said: int, asked: int, *, areas: int) -> Message:
    """How many of those asked said so; nothing about anybody else."""
    if not asked:
        return Message("f_nothing", {"N": number(areas)})
    return Message("f_answers", {"x": number(said), "n": number(asked)})


def cluster_finding(
    counts: Mapping[str, int], *, kind: str, areas: int, alpha: float, period: str
) -> Message:
    """Areas flagged by a local test, among those tested and shown, and how many of them chance would give.

    Parameters
    ----------
    counts : mapping
        Areas per class, states left out.
    kind : str
        Kind of the result; local Moran and Getis-Ord have sentences of their own.
    areas : int
        All areas, for the case that none was tested.
    alpha : float
        False discovery rate of the test.
    period : str
    """
    tested = sum(counts.values())
    flagged = tested - counts.get("not significant", 0)
    if not tested:
        return Message("f_nothing", {"N": number(areas)}, prefix=period)
    if not flagged:
        return Message("f_no_pattern", {"N": number(tested)}, prefix=period)
    if kind == "local_getis_ord":
        slots = {
            "a": number(counts["hot-1"] + counts["hot-5"]),
            "b": number(counts["cold-1"] + counts["cold-5"]),
            "N": number(tested),
            "q": percent(0.05),
        }
        return Message("f_local_getis_ord", slots, prefix=period)
    by_chance = round(flagged * alpha)
    slots = {"N": number(tested), "f": number(flagged), "c": number(by_chance)}
    few = "" if by_chance else "_few"
    if kind == "local_moran":
        slots |= {"a": number(counts["high-high"]), "b": number(counts["low-low"])}
        return Message(f"f_local_moran{few}", slots, prefix=period)
    return Message(f"f_local{few}", slots, prefix=period)


def change_finding(counts: Mapping[str, int], *, areas: int, period: str) -> Message:
    """Areas with a clear increase and a clear decrease, without one, and those where nobody can tell."""
    if not sum(counts.values()):
        return Message("f_nothing", {"N": number(areas)}, prefix=period)
    slots = {
        "N": number(areas),
        "a": number(counts["increase"]),
        "b": number(counts["decrease"]),
        "c": number(counts["no change"]),
        "d": number(areas - counts["increase"] - counts["decrease"] - counts["no change"]),
    }
    return Message("f_change", slots, prefix=period)


def ratio_finding(above: int, below: int, *, areas: int, period: str) -> Message:
    """Areas with clearly more and clearly fewer events than expected."""
    slots = {
        "N": number(areas),
        "a": number(above),
        "b": number(below),
        "c": number(areas - above - below),
    }
    return Message("f_ratios", slots, prefix=period)


def enforcement_finding(finding: Message) -> Message:
    """A finding about offences that are recorded because somebody went looking, which it says first."""
    return Message("f_enforcement", {"f": {"k": finding.key, "s": finding.slots}}, prefix=finding.prefix)


def period_text(period: Any) -> str:
    """A period as the header shows it: whole years as years, anything else as dates.

    Examples
    --------
    >>> period_text(("2019-01-01", "2024-12-31")), period_text(("2023-01-01", "2023-12-31"))
    ('2019–2024', '2023')
    >>> period_text(("2023-01-01", "2023-06-30")), period_text(None)
    ('2023-01-01 – 2023-06-30', '')
    """
    if period is None:
        return ""
    if isinstance(period, str):
        return period
    start, end = (str(day)[:10] for day in period)
    if start.endswith("-01-01") and end.endswith("-12-31"):
        return start[:4] if start[:4] == end[:4] else f"{start[:4]}–{end[:4]}"
    return f"{start} – {end}"
