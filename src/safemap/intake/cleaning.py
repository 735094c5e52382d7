"""Cleaning: sets aside what cannot be a place, each row with its reason; never guesses for most rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from safemap.audit import Audit
from safemap.errors import ConfigError, InputError
from safemap.geo.coordinates import (
    REPAIRS,
    SCALES,
    Box,
    as_crs,
    in_range,
    micro_degrees_or_metres,
    repair_words,
    repaired,
    study_box,
    suspicions,
)
from safemap.intake.columns import require_columns
from safemap.intake.incidents import Incidents
from safemap.intake.pileups import find_pileups

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

Handling = Literal["report", "set-aside"]


def clean_incidents(
    incidents: Incidents,
    *,
    within: gpd.GeoDataFrame | None = None,
    repair: str | Sequence[str] = (),
    duplicates: Handling = "report",
    pileups: Handling = "report",
    address: str | None = None,
) -> Incidents:
    """Set aside incidents whose coordinates cannot be a place, and report what looks wrong.

    Parameters
    ----------
    incidents : Incidents
        From :func:`read_incidents` or :func:`select_incidents`.
    within : GeoDataFrame, optional
        The study area. Points beyond its box plus a margin of 10 % are set aside as ``far_outside``, or, if
        they would lie inside with longitude and latitude exchanged, as ``swapped_coordinates``.
    repair : sequence of {"swapped", "sign", "micro-degrees", "degrees-e5", "degrees-e7", "swapped+sign"}
        Repairs that are accepted, also ``metres:EPSG:32614`` (any system) for metres under the header of
        degrees; :func:`propose_repairs` says which would help. Only rows outside the study area are repaired;
        they are kept and flagged ``repaired_swapped`` and so on.
    duplicates : {"report", "set-aside"}
        Rows that equal an earlier row in every column of the file: flagged ``duplicate_row``, or set aside.
    pileups : {"report", "set-aside"}
        Rows on a coordinate suspected to be a default: flagged ``pile_up``, or set aside.
    address : str, optional
        Column with the address; tells a default coordinate from a place with many events.

    Returns
    -------
    Incidents
        ``frame`` holds the rows that are kept; ``audit`` says where the others went; ``pileups`` lists the
        coordinates that hold suspiciously many rows.

    Raises
    ------
    InputError
        If most rows lie outside the study area for one recognisable cause (swapped columns, a missing minus
        sign, micro-degrees, metres): the message names the cause, the share of rows it explains, and the
        argument that accepts the repair. Also if no row at all lies in the study area.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import read_incidents
    >>> city = gpd.GeoDataFrame(geometry=[box(69.1, 41.2, 69.4, 41.4)], index=["a"], crs=4326)
    >>> rows = pd.DataFrame({"lon": [69.2, 69.3, 41.3, 0.0], "lat": [41.3, 41.3, 69.3, 0.0]})
    >>> clean = clean_incidents(read_incidents(rows, lon="lon", lat="lat"), within=city)
    >>> clean.audit.by_reason()["rows"].to_dict()
    {'zero_coordinates': 1, 'swapped_coordinates': 1}
    """
    accepted = _accepted(repair)
    _check_handling(duplicates=duplicates, pileups=pileups)
    frame, audit = incidents.frame, incidents.audit
    audit.check(frame.index)
    if address is not None:
        require_columns(frame.columns, {"address": address}, source=audit.source)
    judged = _judge(incidents, within, accepted)
    frame = frame.assign(x=judged.x, y=judged.y)
    audit = audit.with_set_aside(judged.reasons, step="clean_incidents", detail=judged.detail)
    for name, rows in judged.repaired.items():
        audit = audit.with_flag(f"repaired_{re.sub('[^a-z0-9]+', '_', name.lower())}", rows)
    frame, audit = _hand_on(frame, audit)
    frame, audit = _handle_duplicates(incidents, frame, audit, duplicates)
    table, frame, audit = _handle_pileups(incidents, frame, audit, pileups, address)
    audit.check(frame.index)
    settings = {
        **incidents.settings,
        "cleaned_within": None if within is None else f"{len(within):,} areas, box plus 10 %",
        "repair": list(accepted),
        "duplicates": duplicates,
        "pileups": pileups,
    }
    return replace(incidents, frame=frame, audit=audit, settings=settings, pileups=table)


class _Judged:
    """What became of each row's coordinates."""

    def __init__(self, frame: pd.DataFrame) -> None:
        import pandas as pd

        self.x: NDArray[np.float64] = frame["x"].to_numpy(dtype=float, copy=True)
        self.y: NDArray[np.float64] = frame["y"].to_numpy(dtype=float, copy=True)
        self.reasons = pd.Series(None, index=frame.index, dtype=object)
        self.detail = pd.Series("", index=frame.index, dtype=object)
        self.repaired: dict[str, pd.Index] = {}

    def set_aside(self, rows: NDArray[np.bool_], reason: str, detail: str = "") -> None:
        """Give `reason` to those of the `rows` that have none yet."""
        rows = rows & self.reasons.isna().to_numpy()
        self.reasons[rows] = reason
        self.detail[rows] = detail

    @property
    def open(self) -> NDArray[np.bool_]:
        """True for rows without a reason."""
        return self.reasons.isna().to_numpy()


def _judge(incidents: Incidents, within: gpd.GeoDataFrame | None, accepted: tuple[str, ...]) -> _Judged:
    """Reason, detail and repair of every row; raises where most rows share one cause."""
    frame, crs = incidents.frame, incidents.settings["crs"]
    judged = _Judged(frame)
    unreadable = frame.index.isin(incidents.remembered.get("unreadable_coordinates", frame.index[:0]))
    _name_nothing(judged, unreadable)
    box = None if within is None else study_box(within, crs)
    _refuse_common_cause(judged, incidents, within, box, accepted)
    return _judge_places(judged, box, crs, accepted)


def judge_rows(
    frame: pd.DataFrame, unreadable: NDArray[np.bool_], *, box: Box, crs: Any, repair: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """What becomes of each row by itself: as :func:`clean_incidents`, without looking for a common cause.

    Parameters
    ----------
    frame : DataFrame
        Columns ``x`` and ``y``; any piece of a larger table.
    unreadable : ndarray of bool
        Rows whose coordinates are there but no numbers.
    box : Box
        The study area with its margin.
    crs : any
        Coordinate system of `x` and `y`.
    repair : tuple of str
        Repairs that are accepted.

    Returns
    -------
    (DataFrame, Series, Series)
        ``x`` and ``y`` as repaired; the reason of each row that is set aside, else None; the repair of each
        row that was repaired, else None.
    """
    import pandas as pd

    judged = _Judged(frame)
    _name_nothing(judged, unreadable)
    _judge_places(judged, box, crs, repair)
    mended = pd.Series(None, index=frame.index, dtype=object)
    for name, rows in judged.repaired.items():
        mended[rows] = name
    return pd.DataFrame({"x": judged.x, "y": judged.y}, index=frame.index), judged.reasons, mended


def _name_nothing(judged: _Judged, unreadable: NDArray[np.bool_]) -> None:
    """Why rows have no coordinates at all."""
    judged.set_aside(np.isnan(judged.x) & unreadable, "unreadable_coordinates")
    judged.set_aside(np.isnan(judged.x) | np.isnan(judged.y), "missing_coordinates")
    judged.set_aside((judged.x == 0) & (judged.y == 0), "zero_coordinates")


def _judge_places(judged: _Judged, box: Box | None, crs: Any, accepted: tuple[str, ...]) -> _Judged:
    """Repair what may be repaired, and name the fault of what still lies outside."""
    inside = in_range(judged.x, judged.y, crs) if box is None else box.holds(judged.x, judged.y)
    for name in accepted:
        inside |= _apply(judged, name, ~inside & judged.open, box, crs)
    _name_faults(judged, ~inside & judged.open, box, crs)
    return judged


def _refuse_common_cause(
    judged: _Judged,
    incidents: Incidents,
    within: gpd.GeoDataFrame | None,
    box: Box | None,
    accepted: tuple[str, ...],
) -> None:
    """Raise :class:`InputError` where one cause that was not accepted explains most rows."""
    usable = judged.open
    n = int(usable.sum())
    if not n:
        return
    x, y, crs = judged.x[usable], judged.y[usable], incidents.settings["crs"]
    source = incidents.audit.source
    if within is None or box is None:
        _refuse_impossible(x, y, crs, source, accepted)
        return
    if accepted and _inside_or_repaired(x, y, box, accepted) > 0.5:
        return
    share_inside = float(box.holds(x, y).mean())
    causes = suspicions(x, y, crs, within) if share_inside < 0.5 else []
    if causes and causes[0].share > 0.5:
        cause = causes[0]
        if cause.cause not in accepted:
            raise InputError(
                f"{source}: only {share_inside:.1%} of {n:,} coordinates lie in the study area. Suspected "
                f"cause: {cause.words}; that would explain {cause.share:.1%} of the rows. If so, "
                f"{cause.advice}.",
                cause=cause.cause,
                share=cause.share,
            )
    elif share_inside == 0 and not any(c.cause in accepted for c in causes):
        raise InputError(
            f"{source}: none of {n:,} coordinates lies in the study area, and no usual cause (swapped "
            "columns, sign, micro-degrees, metres) explains most rows. Check that incidents and areas are "
            "of the same city and that the coordinate systems are right.",
            cause=None,
        )


def _inside_or_repaired(
    x: NDArray[np.float64], y: NDArray[np.float64], box: Box, accepted: tuple[str, ...]
) -> float:
    """Share of points in the study area, counting those that an accepted repair would bring there."""
    inside = box.holds(x, y)
    for name in accepted:
        for a, b in repaired(x, y, name):
            inside = inside | box.holds(a, b)
    return float(inside.mean())


def _refuse_impossible(
    x: NDArray[np.float64], y: NDArray[np.float64], crs: Any, source: str, accepted: tuple[str, ...]
) -> None:
    """Without a study area: raise where most coordinates do not exist in their system."""
    impossible = ~in_range(x, y, crs)
    if impossible.mean() <= 0.5 or not as_crs(crs).is_geographic:
        return
    swapped = in_range(y, x, crs) & impossible
    if swapped.mean() > 0.5:
        name, words, share = "swapped", REPAIRS["swapped"], swapped.mean()
        advice = "accept the repair with repair='swapped'"
    else:
        name, words, share, advice = micro_degrees_or_metres(x, y)
    if name in accepted or any(a.startswith(f"{name}:") for a in accepted):
        return
    raise InputError(
        f"{source}: {impossible.mean():.1%} of {len(x):,} coordinates exceed 180 or 90 degrees. Suspected "
        f"cause: {words}; that would explain {share:.1%} of the rows. If so, {advice}.",
        cause=name,
        share=float(share),
    )


def _apply(
    judged: _Judged, name: str, rows: NDArray[np.bool_], box: Box | None, crs: Any
) -> NDArray[np.bool_]:
    """Repair those of the `rows` that the repair brings into the study area; returns which."""
    done = np.zeros(len(rows), dtype=bool)
    for x, y in repaired(judged.x, judged.y, name):
        fits = in_range(x, y, crs) if box is None else box.holds(x, y)
        fits = fits & rows & ~done
        judged.x, judged.y = np.where(fits, x, judged.x), np.where(fits, y, judged.y)
        done |= fits
        if box is None and name.endswith("sign"):
            break
    judged.repaired[name] = judged.reasons.index[done]
    return done


def _name_faults(judged: _Judged, rows: NDArray[np.bool_], box: Box | None, crs: Any) -> None:
    """Why the `rows` are not in the study area (or not on Earth)."""
    for name, words in REPAIRS.items():
        for x, y in repaired(judged.x, judged.y, name):
            if box is None and name != "swapped":
                continue
            fits = rows & (in_range(x, y, crs) if box is None else box.holds(x, y))
            if name == "swapped":
                judged.set_aside(fits, "swapped_coordinates", "would fall inside if exchanged")
            else:
                judged.detail[fits & (judged.detail == "").to_numpy()] = f"would fall inside if {words}"
    possible = in_range(judged.x, judged.y, crs)
    for bad, reason in ((rows & ~possible, "out_of_range"), (rows & possible, "far_outside")):
        bad = bad & judged.open
        judged.reasons[bad] = reason


def _hand_on(frame: pd.DataFrame, audit: Audit) -> tuple[pd.DataFrame, Audit]:
    """The rows that were not set aside, after making sure that they are exactly those."""
    kept = frame[~frame.index.isin(audit.set_aside.index)]
    audit.check(kept.index)
    return kept, audit


def _handle_duplicates(
    incidents: Incidents, frame: pd.DataFrame, audit: Audit, how: Handling
) -> tuple[pd.DataFrame, Audit]:
    """Flag or set aside rows that repeat an earlier one, and flag repeated ids."""
    import pandas as pd

    repeats = frame.index[frame.index.isin(incidents.remembered.get("duplicate_row", frame.index[:0]))]
    column = incidents.settings.get("columns", {}).get("id")
    if column in frame.columns:
        same = frame.index[frame[column].duplicated(keep=False) & frame[column].notna()]
        audit = audit.with_flag("same_id", same) if len(same) else audit
    if how == "report":
        return frame, audit.with_flag("duplicate_row", repeats)
    reasons = pd.Series("duplicate_row", index=repeats, dtype=object)
    return _hand_on(frame, audit.with_set_aside(reasons, step="clean_incidents"))


def _handle_pileups(
    incidents: Incidents, frame: pd.DataFrame, audit: Audit, how: Handling, address: str | None
) -> tuple[pd.DataFrame, pd.DataFrame, Audit]:
    import pandas as pd

    table, member = find_pileups(
        frame["x"],
        frame["y"],
        geographic=as_crs(incidents.settings["crs"]).is_geographic,
        category=frame.get("category"),
        address=frame[address] if address is not None else None,
    )
    defaults = np.flatnonzero((table["suspected"] == "default").to_numpy())
    rows = frame.index[member.isin(defaults).to_numpy()]
    if how == "report":
        return table, frame, audit.with_flag("pile_up", rows)
    reasons = pd.Series("default_coordinates", index=rows, dtype=object)
    frame, audit = _hand_on(frame, audit.with_set_aside(reasons, step="clean_incidents"))
    return table, frame, audit


def _accepted(repair: str | Sequence[str]) -> tuple[str, ...]:
    names = (repair,) if isinstance(repair, str) else tuple(repair)
    unknown = [name for name in names if not repair_words(name)]
    if unknown:
        known = [*REPAIRS, *(s for s in SCALES if s not in REPAIRS), "swapped+sign", "metres:<system>"]
        raise ConfigError(
            f"repair accepts {', '.join(map(repr, known))}; got {', '.join(map(repr, unknown))}."
        )
    return names


def _check_handling(**options: str) -> None:
    for name, value in options.items():
        if value not in ("report", "set-aside"):
            raise ConfigError(f"{name} must be 'report' or 'set-aside'; got {value!r}.")
