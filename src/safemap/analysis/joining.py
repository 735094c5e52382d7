"""Joining incidents to areas: one row in, one row out, and a sum that adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from safemap.analysis.placing import BAND_NAMES, AreaPlacer, Coordinates, Placed
from safemap.errors import ConfigError, InputError
from safemap.geo.coordinates import suspicions
from safemap.geo.locating import AreaLocator
from safemap.geo.points import (
    BOUNDARY,
    INSIDE,
    MATCHES,
    MISSING,
    NEAREST,
    OUTSIDE,
    OVERLAP,
    id_ranks,
)
from safemap.geo.polygons import require_areas, with_text_ids
from safemap.intake.columns import MISSING_WORDS, fold, fold_values, require_columns, unaccented
from safemap.intake.incidents import Incidents
from safemap.results import Result

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap._typing import AreasLike
    from safemap.audit import Audit


@dataclass(frozen=True, eq=False, repr=False)
class JoinResult(Result):
    """Incidents with the area each of them lies in.

    Attributes
    ----------
    frame : pandas.DataFrame
        The incidents' frame plus ``area_id`` and ``match`` (inside, boundary, overlap, nearest, outside,
        missing), and ``<level>_id``, ``<level>_match`` for each further level; one row per incident that came
        in.
    audit : Audit
        Rows outside all areas or without coordinates are set aside; ``audit.placed`` are the rows with an
        area.
    areas : geopandas.GeoDataFrame
        The areas joined to.
    levels : mapping of str to geopandas.GeoDataFrame
        Further levels.
    reconciliation : pandas.DataFrame
        One row per area, in their order: ``name``, ``events``, ``inside``, ``boundary``, ``overlap``,
        ``nearest``; ``recorded``, ``agree`` and ``agreement`` where a recorded area was named; ``<level>_id``
        of each level.
    nested : mapping of str to pandas.DataFrame
        Per level, one row per area of it: ``events`` placed in it directly, ``events_of_areas`` (sum over its
        areas), ``difference``, and what the difference is made of: ``in_no_area``, ``in_area_of_other``,
        ``from_elsewhere``.
    """

    kind: ClassVar[str] = "joined"

    areas: gpd.GeoDataFrame | None = None
    levels: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    reconciliation: pd.DataFrame | None = None
    nested: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def summary(self) -> str:
        """Matches, distances of what lies outside, agreement with the recorded area, and the audit."""
        counts = self.settings["matches"]
        lines = ["  ".join(f"{match} {n:,}" for match, n in counts.items() if n)]
        if counts["outside"]:
            bands = self.settings["outside_by_distance"]
            lines.append(
                "outside, by distance to the nearest area: "
                + ", ".join(f"{b} {n:,}" for b, n in bands.items())
            )
        recorded = self.settings.get("recorded_agreement")
        if recorded is not None:
            lines.append(
                f"recorded area agrees with the coordinates for {recorded['agree']:,} of "
                f"{recorded['comparable']:,} rows; {recorded['unknown']:,} rows name an area that is not "
                "among the areas"
            )
        for level, table in self.nested.items():
            lines.append(
                f"{level}: {int(table['events'].sum()):,} events placed directly, "
                f"{int(table['in_no_area'].sum()):,} of them in no area"
            )
        return "\n".join(
            [self._headline(), *lines, self.audit.summary() if self.audit is not None else ""]
        ).rstrip()

    def _headline(self) -> str:
        areas = 0 if self.areas is None else len(self.areas)
        return f"JoinResult: {len(self.frame):,} incidents, {areas:,} areas"


def join_areas(
    incidents: Incidents,
    areas: AreasLike,
    *,
    levels: Mapping[str, AreasLike] | None = None,
    recorded: str | None = None,
    max_distance: float = 0.0,
) -> JoinResult:
    """Place every incident in an area.

    Parameters
    ----------
    incidents : Incidents
        From :func:`clean_incidents` (or :func:`read_incidents`).
    areas : GeoDataFrame or Result
        From :func:`read_areas`.
    levels : mapping, optional
        Name to areas of a further level, such as ``{"alcaldia": alcaldias}``; placed by coordinates as well.
    recorded : str, optional
        Column with the area that the register names (its id or its name), to be compared with the
        coordinates.
    max_distance : float
        Metres within which a point outside all areas goes to the nearest one (match ``nearest``). Default 0:
        never.

    Returns
    -------
    JoinResult
        ``frame`` has the incidents' rows and columns plus ``area_id``, ``match`` and those of the levels.

    Raises
    ------
    InputError
        If most points lie outside for one recognisable cause (swapped columns, sign, micro-degrees, metres).
    AuditError
        If a row were lost or doubled on the way.

    Notes
    -----
    Areas are closed. A point on a border goes to the lowest id of the areas it touches (``boundary``), a
    point in overlapping areas to the lowest id of those (``overlap``); ids are compared as text, whole
    numbers as numbers.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import read_areas, read_incidents
    >>> squares = gpd.GeoDataFrame({"cve": ["a", "b"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
    >>> rows = pd.DataFrame({"lon": [0.5, 1.0, 1.5, None], "lat": [0.5, 0.5, 0.5, None]})
    >>> joined = join_areas(read_incidents(rows, lon="lon", lat="lat"), read_areas(squares, id="cve"))
    >>> joined.frame[["area_id", "match"]].fillna("").values.tolist()
    [['a', 'inside'], ['a', 'boundary'], ['b', 'inside'], ['', 'missing']]
    >>> joined.reconciliation["events"].tolist()
    [2, 1]
    """
    incidents = _require_incidents(incidents)
    frame, audit = incidents.frame, incidents.audit
    audit.check(frame.index)
    base = with_text_ids(require_areas(areas))
    further = {
        name: with_text_ids(require_areas(level, argument=f"levels[{name!r}]"))
        for name, level in (levels or {}).items()
    }
    _check_options(frame, further, recorded, max_distance, audit.source)
    points = Coordinates(
        frame["x"].to_numpy(dtype=float), frame["y"].to_numpy(dtype=float), incidents.settings["crs"]
    )
    main = _place(points, base, max_distance)
    _refuse_common_cause(incidents, points, base, main)
    placed = {name: _place(points, level, 0.0) for name, level in further.items()}
    out = _with_columns(frame, "area", base, main)
    for name, level in further.items():
        out = _with_columns(out, name, level, placed[name])
    audit.check(out.index)
    audit = _set_aside(audit, incidents, out.index, main.match)
    audit.check(out.index[main.area >= 0])
    reconciliation = _reconcile(base, main)
    agreement = None
    if recorded is not None:
        agreement = _compare_recorded(reconciliation, out[recorded], base, main)
    nested = {}
    for name, level in further.items():
        parents = _parents(base, level)
        reconciliation[f"{name}_id"] = _ids_at(level, parents)
        nested[name] = _nest(name, level, placed[name].area, main.area, parents)
    settings = {
        **incidents.settings,
        "max_distance_m": float(max_distance),
        "recorded": recorded,
        "recorded_agreement": agreement,
        "matches": dict(zip(MATCHES, _tally(main.match, len(MATCHES)).tolist(), strict=True)),
        "outside_by_distance": dict(zip(BAND_NAMES, main.bands.tolist(), strict=True)),
    }
    return JoinResult(
        frame=out, settings=settings, audit=audit, areas=base, levels=further,
        reconciliation=reconciliation, nested=nested,
    )  # fmt: skip


def _place(points: Coordinates, areas: gpd.GeoDataFrame, max_distance: float) -> Placed:
    """Where each incident lies; the grid of the lookup need not reach beyond the incidents."""
    x, y = points.within(areas.crs)
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return AreaPlacer(areas, expected=0).place(points)
    xs, ys = x[known], y[known]
    window = (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
    placer = AreaPlacer(areas, expected=len(x), max_distance=max_distance, window=window)
    return placer.place(points)


def _tally(codes: NDArray[Any], n: int) -> NDArray[np.int64]:
    """How often each of the codes 0 to ``n - 1`` occurs; negative codes stand for nothing."""
    return np.bincount(codes[codes >= 0], minlength=n)


def _ids_at(areas: gpd.GeoDataFrame, positions: NDArray[np.integer[Any]]) -> NDArray[np.object_]:
    """Ids as text at positions, None at -1."""
    return np.append(areas.index.astype(str).to_numpy(dtype=object), None)[positions]


def _with_columns(frame: pd.DataFrame, name: str, areas: gpd.GeoDataFrame, placed: Placed) -> pd.DataFrame:
    """`frame` with ``<name>_id`` and ``<name>_match`` (for the areas themselves: ``match``)."""
    import pandas as pd

    match = np.array(MATCHES, dtype=object)[placed.match]
    own = {f"{name}_id": _ids_at(areas, placed.area), "match" if name == "area" else f"{name}_match": match}
    return frame.assign(
        **{column: pd.Series(v, index=frame.index, dtype=object) for column, v in own.items()}
    )


def _set_aside(audit: Audit, incidents: Incidents, rows: pd.Index, match: NDArray[np.int8]) -> Audit:
    """The audit with rows outside and rows without coordinates set aside, and special matches flagged."""
    import pandas as pd

    lost = np.flatnonzero((match == OUTSIDE) | (match == MISSING))
    unreadable = rows[lost].isin(incidents.remembered.get("unreadable_coordinates", rows[:0]))
    words = np.where(unreadable, "unreadable_coordinates", "missing_coordinates")
    reasons = np.where(match[lost] == OUTSIDE, "outside_areas", words)
    audit = audit.with_set_aside(pd.Series(reasons, index=rows[lost], dtype=object), step="join_areas")
    for code in (BOUNDARY, OVERLAP, NEAREST):
        flagged = rows[match == code]
        audit = audit.with_flag(MATCHES[code], flagged) if len(flagged) else audit
    return audit


def _refuse_common_cause(
    incidents: Incidents, points: Coordinates, areas: gpd.GeoDataFrame, placed: Placed
) -> None:
    """Raise :class:`InputError` where most points are outside for one cause that has a remedy."""
    outside = int((placed.match == OUTSIDE).sum())
    usable = outside + int((placed.area >= 0).sum())
    if outside * 2 <= usable:
        return
    causes = suspicions(points.x, points.y, incidents.settings["crs"], areas)
    if causes and causes[0].share > 0.5:
        cause = causes[0]
        repair = f"clean_incidents(..., within=areas, repair={cause.cause!r})"
        raise InputError(
            f"{incidents.audit.source}: {outside:,} of {usable:,} points lie in no area. Suspected cause: "
            f"{cause.words}; that would bring {cause.share:.1%} of the rows into the study area. If so, "
            f"{cause.advice if cause.cause == 'metres' else repair}.",
            cause=cause.cause,
            share=cause.share,
        )


def _reconcile(areas: gpd.GeoDataFrame, placed: Placed) -> pd.DataFrame:
    """One row per area: events, and events by match."""
    import pandas as pd

    n = len(areas)
    table = pd.DataFrame(index=pd.Index(areas.index.astype(str), name="area_id"))
    if "name" in areas.columns:
        table["name"] = areas["name"].to_numpy()
    table["events"] = _tally(placed.area, n)
    for code in (INSIDE, BOUNDARY, OVERLAP, NEAREST):
        table[MATCHES[code]] = _tally(placed.area[placed.match == code], n)
    return table


def _compare_recorded(
    table: pd.DataFrame, values: pd.Series, areas: gpd.GeoDataFrame, placed: Placed
) -> dict[str, int]:
    """Add ``recorded``, ``agree`` and ``agreement`` to the reconciliation; returns the totals."""
    n = len(areas)
    named, stated = recorded_areas(values, areas)
    same = (named >= 0) & (named == placed.area)
    both = (named >= 0) & (placed.area >= 0)
    comparable = _tally(placed.area[both], n)
    table["recorded"] = _tally(named, n)
    table["agree"] = _tally(placed.area[same], n)
    table["agreement"] = np.where(comparable > 0, table["agree"] / np.maximum(comparable, 1), np.nan)
    return {
        "agree": int(same.sum()),
        "comparable": int(both.sum()),
        "unknown": int((stated & (named < 0)).sum()),
    }


def recorded_areas(values: pd.Series, areas: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Position of the area each row names, by id or else by unique name (-1: none); whether it names any.

    A name that no area has is tried without accents: registers in capitals leave them out.
    """
    import pandas as pd

    codes, distinct = pd.factorize(values)
    words = [fold(v) for v in distinct]
    ids = {fold(v): i for i, v in enumerate(areas.index)}
    candidates = [ids]
    if "name" in areas.columns:
        names = fold_values(areas["name"].reset_index(drop=True))
        exact, plain = _unique_positions(names), _unique_positions(names.map(unaccented))
        taken = set(names)
        candidates.append(
            {w: exact.get(w, -1) if w in taken else plain.get(unaccented(w), -1) for w in words}
        )
    found = [
        np.array([known.get(w, -1) for w in words] + [-1], dtype=np.int64)[codes] for known in candidates
    ]
    stated = np.array([w not in MISSING_WORDS for w in words] + [False])[codes]
    return max(found, key=lambda positions: int((positions >= 0).sum())), stated


def _unique_positions(names: pd.Series) -> dict[str, int]:
    """Position of each name that one area alone has."""
    unique = names[~names.duplicated(keep=False) & (names != "")]
    return {name: int(i) for i, name in unique.items()}


def _parents(areas: gpd.GeoDataFrame, level: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Position of the level's area in which a point on the surface of each area lies, -1 for none."""
    inner = areas.geometry.to_crs(level.crs).representative_point()
    locator = AreaLocator(level.geometry.to_numpy(), id_ranks(level.index), expected=len(inner))
    return locator.locate(inner.x.to_numpy(), inner.y.to_numpy()).area.astype(np.int64)


def _nest(
    name: str,
    level: gpd.GeoDataFrame,
    direct: NDArray[np.integer[Any]],
    area: NDArray[np.integer[Any]],
    parents: NDArray[np.int64],
) -> pd.DataFrame:
    """Per area of the level: events placed directly, events of the areas in it, and why they differ."""
    import pandas as pd

    n = len(level)
    through = np.append(parents, -1)[area]
    elsewhere = through != direct
    table = pd.DataFrame(index=pd.Index(level.index.astype(str), name=f"{name}_id"))
    if "name" in level.columns:
        table["name"] = level["name"].to_numpy()
    table["events"] = _tally(direct, n)
    table["events_of_areas"] = _tally(through, n)
    table["difference"] = table["events"] - table["events_of_areas"]
    table["in_no_area"] = _tally(direct[area < 0], n)
    table["in_area_of_other"] = _tally(direct[(area >= 0) & elsewhere], n)
    table["from_elsewhere"] = _tally(through[elsewhere], n)
    return table


def _require_incidents(incidents: Any) -> Incidents:
    if isinstance(incidents, Incidents):
        return incidents
    raise InputError(
        f"join_areas needs incidents as read_incidents gives them; got {type(incidents).__name__}. Give a "
        "frame to read_incidents first, with lon= and lat= or x=, y= and crs=."
    )


def _check_options(
    frame: pd.DataFrame, levels: Mapping[str, Any], recorded: str | None, max_distance: float, source: str
) -> None:
    require_columns(frame.columns, {"recorded": recorded}, source=source)
    if not (isinstance(max_distance, (int, float)) and np.isfinite(max_distance) and max_distance >= 0):
        raise ConfigError(f"max_distance must be metres, zero or more; got {max_distance!r}.")
    for name in levels:
        if name == "area" or not str(name).strip():
            raise ConfigError("A level needs a name of its own, other than 'area'.")
        taken = [column for column in (f"{name}_id", f"{name}_match") if column in frame.columns]
        if taken:
            raise ConfigError(
                f"The level {name!r} would write the column {taken[0]!r}, which {source} has already; "
                "give the level another name."
            )
