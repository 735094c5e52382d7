"""How well were the places of incidents recorded, and for whom not? The geocoding report of a register."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from safemap.analysis.joining import JoinResult
from safemap.errors import AlignmentError, ConfigError, DataWarning, InputError
from safemap.geo.coordinates import transform_xy
from safemap.geo.crs import to_metres
from safemap.intake.columns import is_missing, require_columns
from safemap.intake.incidents import Incidents
from safemap.results import Result
from safemap.settings import threshold
from safemap.stats.contingency import cramers_v
from safemap.stats.survey_intervals import wilson

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: What can be said of the position of a record, from "not there" to "nothing noticed". The first that fits.
STATUSES = (
    "missing", "unreadable", "zero", "swapped", "out_of_bounds", "outside", "pileup", "facility_default",
    "centroid", "area_conflict", "imprecise", "other", "ok",
)  # fmt: skip
_OF_REASON: Mapping[str, str] = {
    "missing_coordinates": "missing",
    "missing_area": "missing",
    "unreadable_coordinates": "unreadable",
    "zero_coordinates": "zero",
    "swapped_coordinates": "swapped",
    "out_of_range": "out_of_bounds",
    "far_outside": "out_of_bounds",
    "outside_areas": "outside",
    "default_coordinates": "pileup",
}
_DECIMALS_IMPRECISE = 3  # about 110 m
_SNAPPED_SHARE, _SNAPPED_ROWS = 0.35, 500
_STRATUM_MIN = 30
_STEPS_DEGREES = (0.1, 0.05, 0.01, 0.005, 0.001)
_STEPS_METRES = (1_000.0, 500.0, 250.0, 100.0, 50.0, 25.0)


@dataclass(frozen=True, eq=False, repr=False)
class GeocodeReport(Result):
    """Hit rates overall and by stratum, and what is suspicious about the positions.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per record asked for, index row id: ``status`` (one of :data:`STATUSES`), ``placed``,
        ``decimals`` (of the coarser coordinate), ``reason`` (of the audit, where set aside).
    hit_rate : pandas.DataFrame
        One row per stratum, the first for all: ``by``, ``stratum``, ``n``, ``placed``, ``hit_rate``,
        ``conf_low``, ``conf_high`` (Wilson, 95 %), ``below`` (fewer than the least acceptable share).
    missingness : pandas.DataFrame
        One row per `by`: ``chi_square``, ``df``, ``p_value``, ``cramers_v``, ``smallest_expected``. A clear
        association means that records are not missing at random, and the map is not a map of all events.
    """

    kind: ClassVar[str] = "geocode_report"

    hit_rate: pd.DataFrame = field(default=None)  # type: ignore[assignment]  # always given
    missingness: pd.DataFrame = field(default=None)  # type: ignore[assignment]

    def summary(self) -> str:
        """The hit rate with its interval, strata that fall short, and what was noticed."""
        lines = [self._headline()]
        counts = self.frame["status"].value_counts()
        lines.append(", ".join(f"{s} {counts[s]:,}" for s in STATUSES if s in counts.index))
        short = self.hit_rate[self.hit_rate["below"] & (self.hit_rate["by"] != "all")]
        for row in short.itertuples():
            lines.append(f"{row.by} {row.stratum}: {row.hit_rate:.1%} of {row.n:,}")
        for row in self.missingness.itertuples():
            if row.p_value < 0.01:
                lines.append(
                    f"not missing at random by {row.Index}: Cramer's V {row.cramers_v:.2f}, "
                    f"p {row.p_value:.2g}"
                )
        s = self.settings
        lines.append(
            f"{s['unique_locations']:,} different coordinates among {s['located']:,} "
            f"({s['unique_share']:.0%}){'; they look snapped to a list of places' if s['snapped'] else ''}"
        )
        if s["lattice"]:
            lines.append(
                f"{s['lattice_share']:.0%} of the coordinates are multiples of {s['lattice']:g} {s['unit']}"
            )
        return "\n".join(lines)

    def _headline(self) -> str:
        a = self.hit_rate.iloc[0]
        return (
            f"Geocoding: {a['placed']:,} of {a['n']:,} records placed, hit rate {a['hit_rate']:.1%} "
            f"({a['conf_low']:.1%} to {a['conf_high']:.1%})"
        )


def geocode_report(
    incidents: Incidents,
    joined: JoinResult,
    *,
    by: Sequence[str] = (),
    recorded: str | None = None,
    facilities: gpd.GeoDataFrame | None = None,
    facility_categories: Sequence[str] = (),
    facility_within: float = 25.0,
    centroid_within: float = 10.0,
    min_hit_rate: float | None = None,
) -> GeocodeReport:
    """Report on the quality of the positions of a register.

    Parameters
    ----------
    incidents : Incidents
        As read (before :func:`clean_incidents`), so that every row can be put in its stratum.
    joined : JoinResult
        What became of the same rows.
    by : sequence of str, optional
        Columns to compare hit rates over; ``year`` and ``month`` are taken from the date.
    recorded : str, optional
        Column with the area that the register names, where it differs from the place of the coordinates the
        record is an ``area_conflict``. Compared by id or name as :func:`join_areas` does.
    facilities : geopandas.GeoDataFrame, optional
        Police posts, hospitals, offices. A record within `facility_within` metres of one, whose category is
        not among `facility_categories`, is a ``facility_default``.
    facility_categories : sequence of str, optional
        Kinds of event that are expected at the facilities.
    facility_within, centroid_within : float
        Metres. A record this close to the centroid or the inner point of its area is ``centroid``.
    min_hit_rate : float, optional
        Least acceptable share; 0.85 unless given.

    Returns
    -------
    GeocodeReport

    Raises
    ------
    AlignmentError
        If `joined` was not made from these incidents.
    InputError
        If a column does not occur.

    Warns
    -----
    DataWarning
        If the hit rate, overall or of a stratum of 30 or more, is below `min_hit_rate`.

    Notes
    -----
    Rows that were not asked for and duplicates left out on request are no failures and are not in the base.

    References
    ----------
    Ratcliffe, J. H. (2004). Geocoding crime and a first estimate of a minimum acceptable hit rate.
    International Journal of Geographical Information Science 18, 61-72. doi:10.1080/13658810310001596076
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212. doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import join_areas, read_areas, read_incidents
    >>> areas = read_areas(gpd.GeoDataFrame({"id": ["a"]}, geometry=[box(0, 0, 1, 1)], crs=4326), id="id")
    >>> rows = pd.DataFrame({"lon": [0.1234] * 9 + [None], "lat": [0.4321] * 10, "kind": list("ppppppqqqq")})
    >>> incidents = read_incidents(rows, lon="lon", lat="lat", category="kind")
    >>> report = geocode_report(incidents, join_areas(incidents, areas), by=["category"])
    >>> report.hit_rate[["stratum", "n", "placed"]].values.tolist()
    [['all', 10, 9], ['p', 6, 6], ['q', 4, 3]]
    """
    least = threshold("hit_rate_min") if min_hit_rate is None else float(min_hit_rate)
    if not 0 <= least <= 1:
        raise ConfigError(f"min_hit_rate must lie between 0 and 1; got {min_hit_rate!r}.")
    if not incidents.frame.index.isin(joined.audit.rows).all():
        raise AlignmentError(
            "The join was made from other rows. Give geocode_report the incidents as they were read and "
            "the join of the same file."
        )
    audit = joined.audit
    kinds = audit.set_aside["kind"]
    asked = incidents.frame.index[~incidents.frame.index.isin(kinds.index[kinds != "fault"])]
    rows = incidents.frame.loc[asked]
    strata = {name: _stratum(rows, name, incidents.audit.source) for name in by}
    frame = _positions(rows, incidents, joined, recorded)
    _mark_near(frame, joined, facilities, set(facility_categories), facility_within, centroid_within)
    hits, tests = _hit_rates(frame["placed"], strata, least)
    settings = {
        **incidents.settings,
        "min_hit_rate": least,
        "by": list(by),
        "centroid_within_m": centroid_within,
        "facility_within_m": facility_within if facilities is not None else None,
        **_pattern(rows, incidents.settings["crs"]),
    }
    result = GeocodeReport(frame=frame, settings=settings, audit=audit, hit_rate=hits, missingness=tests)
    _warn(hits, least)
    return result


def _stratum(rows: pd.DataFrame, name: str, source: str) -> pd.Series:
    """Values of a column as text; ``(empty)`` where there is none."""
    if name in ("year", "month") and name not in rows.columns:
        require_columns(rows.columns, {"by": "date"}, source=source)
        values = rows["date"].dt.strftime("%Y" if name == "year" else "%Y-%m")
    else:
        require_columns(rows.columns, {"by": name}, source=source)
        values = rows[name]
    return values.astype(object).astype(str).where(~is_missing(values), "(empty)")


def _positions(
    rows: pd.DataFrame, incidents: Incidents, joined: JoinResult, recorded: str | None
) -> pd.DataFrame:
    """Status of every record by the audit and by its own coordinates."""
    import pandas as pd

    aside = joined.audit.set_aside["reason"].reindex(rows.index)
    placed = aside.isna()
    decimals = _decimals(rows["x"].to_numpy(dtype=float), rows["y"].to_numpy(dtype=float))
    status = pd.Series("ok", index=rows.index, dtype=object)
    if joined.areas.crs is not None and _is_geographic(incidents.settings["crs"]):
        status[placed & (decimals <= _DECIMALS_IMPRECISE)] = "imprecise"
    if recorded is not None:
        status[_conflicts(rows, joined, recorded)] = "area_conflict"
    status[~placed] = aside[~placed].map(_OF_REASON).fillna("other")
    return pd.DataFrame(
        {"status": status, "placed": placed, "decimals": decimals, "reason": aside.where(~placed, None)}
    )


def _conflicts(rows: pd.DataFrame, joined: JoinResult, recorded: str) -> NDArray[np.bool_]:
    from safemap.analysis.joining import recorded_areas

    require_columns(rows.columns, {"recorded": recorded}, source=joined.audit.source)
    named, _ = recorded_areas(rows[recorded], joined.areas)
    ids = joined.areas.index.astype(str)
    spatial = ids.get_indexer(joined.frame["area_id"].reindex(rows.index).astype(object))
    return (named >= 0) & (spatial >= 0) & (named != spatial)


def _mark_near(
    frame: pd.DataFrame,
    joined: JoinResult,
    facilities: gpd.GeoDataFrame | None,
    expected: set[str],
    facility_within: float,
    centroid_within: float,
) -> None:
    """Mark records at the centre of their area, then those at a facility where they do not belong."""
    import shapely

    here = frame.index[frame["placed"].to_numpy()]
    if not len(here):
        return
    at = joined.frame.loc[here]
    metric, _ = to_metres(joined.areas)
    x, y = transform_xy(
        at["x"].to_numpy(dtype=float), at["y"].to_numpy(dtype=float), joined.settings["crs"], metric.crs
    )
    shapes = metric.geometry.to_numpy()
    position = metric.index.astype(str).get_indexer(at["area_id"].astype(object))
    near = np.zeros(len(here), dtype=bool)
    for centre in (shapely.centroid(shapes), shapely.point_on_surface(shapes)):
        dx = x - shapely.get_x(centre)[position]
        dy = y - shapely.get_y(centre)[position]
        near |= np.hypot(dx, dy) <= centroid_within
    frame.loc[here[near], "status"] = "centroid"
    if facilities is None:
        return
    if facilities.crs is None or set(facilities.geom_type.dropna()) - {"Point"}:
        raise InputError("facilities must be a layer of points with a coordinate system.")
    from scipy.spatial import cKDTree

    posts = facilities.geometry.to_crs(metric.crs)
    away, _ = cKDTree(np.column_stack([posts.x, posts.y])).query(np.column_stack([x, y]))
    kinds = at["category"].isin(expected).to_numpy() if "category" in at.columns else np.zeros(len(at), bool)
    frame.loc[here[(away <= facility_within) & ~kinds], "status"] = "facility_default"


def _hit_rates(
    placed: pd.Series, strata: Mapping[str, pd.Series], least: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    parts = [pd.DataFrame({"by": "all", "stratum": "all", "n": [len(placed)], "placed": [int(placed.sum())]})]
    tests = {}
    for name, values in strata.items():
        table = placed.groupby(values).agg(n="size", placed="sum").rename_axis("stratum").reset_index()
        table.insert(0, "by", name)
        parts.append(table)
        tests[name] = cramers_v(np.column_stack([table["placed"], table["n"] - table["placed"]]))._asdict()
    hits = pd.concat(parts, ignore_index=True)
    n = hits["n"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits["placed"].to_numpy(dtype=float) / n
    low, high = wilson(share, n)
    hits = hits.assign(hit_rate=share, conf_low=low, conf_high=high)
    hits["below"] = (hits["hit_rate"] < least) & ((hits["n"] >= _STRATUM_MIN) | (hits["by"] == "all"))
    columns = ["chi_square", "df", "p_value", "cramers_v", "smallest_expected"]
    return hits, pd.DataFrame.from_dict(tests, orient="index", columns=columns)


def _pattern(rows: pd.DataFrame, crs: Any) -> dict[str, Any]:
    """Facts about the coordinates together: how many differ, and whether they lie on a lattice."""
    x, y = rows["x"].to_numpy(dtype=float), rows["y"].to_numpy(dtype=float)
    there = np.isfinite(x) & np.isfinite(y)
    distinct = np.unique(np.column_stack([x[there], y[there]]), axis=0)
    located = int(there.sum())
    share = len(distinct) / located if located else float("nan")
    geographic = _is_geographic(crs)
    step, on = _lattice(distinct, _STEPS_DEGREES if geographic else _STEPS_METRES)
    return {
        "located": located,
        "unique_locations": len(distinct),
        "unique_share": share,
        "snapped": bool(located >= _SNAPPED_ROWS and share < _SNAPPED_SHARE),
        "lattice": step,
        "lattice_share": on,
        "unit": "degrees" if geographic else "m",
    }


def _lattice(points: NDArray[np.float64], steps: Sequence[float]) -> tuple[float | None, float]:
    """The widest step of which at least half of the different coordinates are multiples, on both axes."""
    if len(points) < 2:
        return None, 0.0
    for step in steps:
        ratio = points / step
        share = float((np.abs(ratio - np.rint(ratio)) < 1e-6).all(axis=1).mean())
        if share >= 0.5:
            return step, share
    return None, 0.0


def _decimals(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Decimal places of the coordinate with more of them; 9 where there is none to judge."""
    places = np.full(len(x), 9, dtype=np.int64)
    for digits in range(8, -1, -1):
        scale = 10.0**digits
        exact = np.ones(len(x), dtype=bool)
        for values in (x, y):
            exact &= np.abs(values * scale - np.rint(values * scale)) < 1e-6
        places[exact] = digits
    return places


def _is_geographic(crs: Any) -> bool:
    from safemap.geo.coordinates import as_crs

    return bool(as_crs(crs).is_geographic)


def _warn(hits: pd.DataFrame, least: float) -> None:
    overall = hits.iloc[0]
    short = hits[hits["below"] & (hits["by"] != "all")]
    if overall["below"]:
        warnings.warn(
            f"Only {overall['hit_rate']:.1%} of {overall['n']:,} records could be placed; below {least:.0%} "
            "the pattern of a map may differ from the pattern of the events. Say so beside the map, or "
            "ask for better addresses.",
            DataWarning,
            stacklevel=3,
        )
    elif len(short):
        named = ", ".join(
            f"{r.by} {r.stratum} ({r.hit_rate:.1%} of {r.n:,})" for r in short.head(5).itertuples()
        )
        warnings.warn(
            f"The hit rate is below {least:.0%} in {len(short)} strata: {named}. These events are missing "
            "from the map more often than others.",
            DataWarning,
            stacklevel=3,
        )
