"""Faults of boundaries, found and measured before anything is joined to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap.errors import CRSError, InputError
from safemap.geo.coordinates import crs_name
from safemap.geo.crs import to_metres
from safemap.results import Result

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: kinds of faults in the order they are reported, with what they mean
FAULTS = {
    "missing geometry": "an area without geometry receives no events",
    "not an area": "a point or a line cannot hold events",
    "invalid": "the outline crosses itself; read_areas repairs it",
    "duplicate id": "the same id occurs more than once",
    "duplicate geometry": "two areas have the same outline",
    "overlap": "an event in both areas goes to the lowest id and is flagged",
    "gap": "an event between areas is set aside",
    "multi-part": "several separate parts; usual for islands, else a digitising fault",
    "no population": "no rate can be computed",
}
_POLYGONS = (3, 6)


@dataclass(frozen=True, eq=False, repr=False)
class BoundaryReport(Result):
    """Faults of a set of areas.

    Attributes
    ----------
    frame : geopandas.GeoDataFrame
        One row per fault: ``fault``, ``area_id``, ``other_id``, ``m2``, ``detail``, ``geometry`` (the area,
        the overlap or the gap), in the CRS of the areas.
    """

    kind: ClassVar[str] = "boundary_report"

    @property
    def counts(self) -> pd.Series:
        """Number of faults per kind, zeros included."""
        return self.frame["fault"].value_counts().reindex(list(FAULTS), fill_value=0)

    def summary(self) -> str:
        """Faults per kind, with their measure and what they mean."""
        n, counts = self.settings["areas"], self.counts
        lines = [
            f"{n:,} areas, {int(counts.sum()):,} findings (areas measured in {self.settings['measured_in']})"
        ]
        for fault, count in counts[counts > 0].items():
            m2 = self.frame.loc[self.frame["fault"] == fault, "m2"].sum()
            measure = f", {m2:,.0f} m2 in all" if fault in ("overlap", "gap") else ""
            lines.append(f"  {count:>6,}  {fault}{measure}: {FAULTS[str(fault)]}")
        return "\n".join(lines)

    def _headline(self) -> str:
        return f"BoundaryReport: {self.settings['areas']:,} areas, {len(self.frame):,} findings"


def check_areas(areas: gpd.GeoDataFrame, *, tolerance: float = 1.0) -> BoundaryReport:
    """Find and measure what is wrong with boundaries.

    Parameters
    ----------
    areas : GeoDataFrame
        Any frame of areas with a CRS, also one that :func:`read_areas` would refuse.
    tolerance : float
        Square metres above which an overlap or a gap is reported.

    Returns
    -------
    BoundaryReport
        ``frame`` has one row per fault with the columns ``fault, area_id, other_id, m2, detail, geometry``.

    Notes
    -----
    Overlaps are common areas of two interiors; gaps are holes in the union of all areas, which may also be
    real (a lake, another municipality inside). Both are measured in the local UTM zone, never in degrees.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> frame = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(9, 0, 20, 10)], index=["a", "b"], crs=32614)
    >>> check_areas(frame).frame[["fault", "area_id", "other_id", "m2"]].values.tolist()
    [['overlap', 'a', 'b', 10.0]]
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    frame = getattr(areas, "frame", areas)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"check_areas needs a GeoDataFrame; got {type(areas).__name__}.")
    if frame.crs is None:
        raise CRSError("The areas have no coordinate system. State it, e.g. areas.set_crs('EPSG:4326').")
    if not tolerance >= 0:
        raise InputError(f"tolerance must be square metres, zero or more; got {tolerance!r}.")
    metric, epsg = to_metres(frame)
    shapes, drawn = metric.geometry.to_numpy(), frame.geometry.to_numpy()
    usable = np.isin(shapely.get_type_id(shapes), _POLYGONS) & ~shapely.is_empty(shapes)
    sound = np.where(usable, shapely.make_valid(np.where(usable, shapes, None)), None)
    found = [
        *_own_faults(frame, shapes, drawn, usable),
        *_overlaps(frame.index, sound, tolerance),
        *_gaps(sound, tolerance),
    ]
    columns = ["fault", "area_id", "other_id", "m2", "detail", "geometry"]
    table = pd.DataFrame(found, columns=columns, dtype=object).astype({"m2": float})
    order = table["fault"].map({fault: i for i, fault in enumerate(FAULTS)}).argsort(kind="stable")
    faults = gpd.GeoDataFrame(table.iloc[order].reset_index(drop=True), geometry="geometry", crs=metric.crs)
    settings = {
        "tolerance_m2": tolerance,
        "areas": len(frame),
        "measured_in": crs_name(metric.crs),
        "epsg": epsg,
    }
    return BoundaryReport(frame=faults.to_crs(frame.crs), settings=settings)


def _own_faults(
    frame: gpd.GeoDataFrame, shapes: np.ndarray, drawn: np.ndarray, usable: np.ndarray
) -> list[tuple[Any, ...]]:
    """Faults of single areas: `shapes` in metres for the measure, `drawn` as in the file for validity."""
    import pandas as pd
    import shapely

    ids = frame.index
    kinds = shapely.get_type_id(shapes)
    absent = (kinds == -1) | shapely.is_empty(shapes)
    invalid = usable & ~shapely.is_valid(drawn)
    parts = shapely.get_num_geometries(shapes)
    normal = shapely.normalize(shapes)
    group, _ = pd.factorize(shapely.to_wkb(np.where(usable, normal, None)))
    first = np.unique(group[usable], return_index=True)[1] if usable.any() else np.empty(0, int)
    first = np.flatnonzero(usable)[first]
    twin = usable & ~np.isin(np.arange(len(ids)), first)
    population = (
        frame["population"].isna().to_numpy() if "population" in frame.columns else np.zeros(len(ids), bool)
    )
    found: list[tuple[Any, ...]] = []

    def note(fault: str, rows: np.ndarray, detail: Any = "", other: Any = None) -> None:
        for i in np.flatnonzero(rows):
            said = detail(i) if callable(detail) else detail
            found.append(
                (fault, ids[i], other(i) if other else None, float(shapely.area(shapes[i])), said, shapes[i])
            )

    note("missing geometry", absent)
    note("not an area", ~usable & ~absent, lambda i: str(shapes[i].geom_type))
    note("invalid", invalid, lambda i: str(shapely.is_valid_reason(drawn[i])).split("[")[0].strip())
    note("duplicate id", ids.duplicated(keep=False))
    note("duplicate geometry", twin, other=lambda i: ids[first[group[i]]])
    note("multi-part", usable & (parts > 1), lambda i: f"{parts[i]} parts")
    note("no population", population)
    return found


def _overlaps(ids: pd.Index, shapes: np.ndarray, tolerance: float) -> list[tuple[Any, ...]]:
    """Pairs of areas that share more than `tolerance` square metres."""
    import shapely

    there = np.flatnonzero(shapes != None)  # noqa: E711  elementwise
    some = shapes[there]
    left, right = shapely.STRtree(some).query(some, predicate="intersects")
    pairs = left < right
    left, right = left[pairs], right[pairs]
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    touching = shapely.touches(some[left], some[right])
    left, right = left[~touching], right[~touching]
    common = shapely.intersection(some[left], some[right])
    m2 = shapely.area(common)
    return [
        ("overlap", ids[there[left[i]]], ids[there[right[i]]], float(m2[i]), "", common[i])
        for i in np.flatnonzero(m2 > tolerance)
    ]


def _gaps(shapes: np.ndarray, tolerance: float) -> list[tuple[Any, ...]]:
    """Holes in the union of all areas of more than `tolerance` square metres."""
    import shapely

    union = shapely.union_all(shapes[shapes != None])  # noqa: E711  elementwise
    holes = []
    for part in shapely.get_parts(union):
        rings = shapely.get_rings(part)[1:] if shapely.get_type_id(part) == 3 else []
        holes += [shapely.polygons(ring) for ring in rings]
    return [("gap", None, None, float(hole.area), "", hole) for hole in holes if hole.area > tolerance]
