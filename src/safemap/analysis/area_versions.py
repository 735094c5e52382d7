"""Two versions of one set of areas: which became which, and figures carried across with their total kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from safemap.errors import AlignmentError, GeometryError, InputError
from safemap.geo.crs import to_metres
from safemap.geo.polygons import require_areas, with_text_ids
from safemap.results import Result

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap._typing import AreasLike

#: what lies in none of the new areas
OUTSIDE = "outside"
_SAME = 0.99  # share of both areas that overlaps where nothing but the drawing changed
_SLIVER = 0.01


@dataclass(frozen=True, eq=False, repr=False)
class AreaCrosswalk(Result):
    """Which old area lies in which new ones.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per pair that overlaps: ``old_id``, ``new_id``, ``share`` (of the old area's surface, or of
        its weight in `blocks`; sums to 1 over each old area), ``share_of_new`` (of the new area's surface),
        ``km2``. What lies in no new area has ``new_id`` "outside".
    changes : pandas.DataFrame
        One row per old area: ``change`` (same, merged, split, redrawn, dropped), ``parts`` (new areas that
        hold at least 1 %), ``outside`` (share in no new area).
    """

    kind: ClassVar[str] = "area_crosswalk"

    changes: pd.DataFrame = None  # type: ignore[assignment]  # area_crosswalk always gives one
    new_ids: pd.Index = None  # type: ignore[assignment]

    def move(self, values: pd.Series) -> pd.Series:
        """Figures of the old areas on the new ones; the total is kept.

        Parameters
        ----------
        values : pandas.Series
            Counts (not rates) by old area id. A missing value stays missing in every new area it touches
            by 1 % or more.

        Returns
        -------
        pandas.Series
            By new area id, and ``outside`` last: what lay in no new area.

        Raises
        ------
        AlignmentError
            If an old area has no value, or a value belongs to no old area.
        """
        import pandas as pd

        given = values.rename(index=str)
        old = self.changes.index
        if not given.index.is_unique or set(given.index) != set(old):
            extra, lost = sorted(set(given.index) - set(old))[:3], sorted(set(old) - set(given.index))[:3]
            raise AlignmentError(
                f"One value for each of the {len(old)} old areas is needed; unknown {extra}, missing {lost}."
            )
        numbers = given.astype(float)
        parts = self.frame["share"] * self.frame["old_id"].map(numbers.fillna(0.0)).to_numpy()
        moved = parts.groupby(self.frame["new_id"]).sum().reindex([*self.new_ids, OUTSIDE], fill_value=0.0)
        holes = set(numbers.index[numbers.isna()])
        touched = self.frame[self.frame["old_id"].isin(holes) & (self.frame["share"] >= _SLIVER)]["new_id"]
        moved[moved.index.isin(touched) & (moved.index != OUTSIDE)] = np.nan
        return pd.Series(moved, name=values.name)

    def _headline(self) -> str:
        counts = self.changes["change"].value_counts()
        words = ", ".join(f"{n} {c}" for c, n in counts.items())
        return (
            f"Areas: {len(self.changes)} old, {len(self.new_ids)} new; {words}; "
            f"{self.settings['moved_share']:.1%} of the {self.settings['weight']} changes area"
        )


def area_crosswalk(
    old: AreasLike,
    new: AreasLike,
    *,
    blocks: gpd.GeoDataFrame | None = None,
    weight: str | None = None,
) -> AreaCrosswalk:
    """Overlay two versions of a set of areas, so that two rounds of an assessment can be compared.

    Parameters
    ----------
    old, new : geopandas.GeoDataFrame or Result
        From :func:`read_areas`.
    blocks : geopandas.GeoDataFrame, optional
        Small polygons (blocks, raster cells) that say where people are within an area. Each is put where its
        inner point lies.
    weight : str, optional
        Column of `blocks` with people or dwellings.

    Returns
    -------
    AreaCrosswalk

    Raises
    ------
    InputError
        If only one of `blocks` and `weight` is given, or a weight is negative or missing.
    GeometryError
        If the two sets do not overlap at all.

    Notes
    -----
    By surface a count is spread evenly over its old area (areal weighting); by `blocks`, as the weight is
    (dasymetric). An old area without any weight falls back to its surface. Surfaces are measured in the local
    UTM zone. Overlaps among the new areas are counted once for each, then scaled, so that an old
    area's shares sum to 1.

    References
    ----------
    Goodchild, M. F., Lam, N. S.-N. (1980). Areal interpolation: a variant of the traditional spatial problem.
    Geo-Processing 1, 297-312.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import read_areas
    >>> whole = [box(0, 0, 4000, 1000)]
    >>> old = read_areas(gpd.GeoDataFrame({"id": ["a"]}, geometry=whole, crs=32614), id="id")
    >>> new_boxes = [box(0, 0, 1000, 1000), box(1000, 0, 4000, 1000)]
    >>> new = read_areas(gpd.GeoDataFrame({"id": ["n", "m"]}, geometry=new_boxes, crs=32614), id="id")
    >>> area_crosswalk(old, new).move(pd.Series({"a": 100})).round(6).to_dict()
    {'n': 25.0, 'm': 75.0, 'outside': 0.0}
    """
    if (blocks is None) != (weight is None):
        raise InputError("Give blocks= and weight= (their column of people) together, or neither.")
    a = with_text_ids(require_areas(old, argument="old"))
    b = with_text_ids(require_areas(new, argument="new"))
    if OUTSIDE in b.index:
        raise InputError(f"A new area has the id {OUTSIDE!r}, which stands for what lies in none; rename it.")
    metric, epsg = to_metres(a)
    other = b.to_crs(metric.crs)
    pairs = _overlaps(metric, other)
    if not len(pairs):
        raise GeometryError("The two sets of areas do not overlap; check that they are of the same city.")
    pairs = _with_outside(pairs, metric)
    if blocks is not None and weight is not None:
        pairs = _by_weight(pairs, metric, other, blocks, weight)
    pairs = pairs[["old_id", "new_id", "share", "share_of_new", "km2"]]
    changes = _changes(pairs, a.index.astype(str))
    kept = pairs.sort_values("share").groupby("old_id")["share"].last()
    settings = {
        "weight": weight or "surface", "metric_epsg": epsg,
        "moved_share": float(1 - kept.mean()),
    }  # fmt: skip
    return AreaCrosswalk(frame=pairs, settings=settings, changes=changes, new_ids=b.index.astype(str))


def _overlaps(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.DataFrame:
    """Surfaces of the pairs that share more than a border."""
    import pandas as pd
    import shapely

    left, right = old.geometry.to_numpy(), new.geometry.to_numpy()
    i, j = shapely.STRtree(right).query(left, predicate="intersects")
    surface = shapely.area(shapely.intersection(left[i], right[j]))
    there = surface > 0
    i, j, surface = i[there], j[there], surface[there]
    order = np.lexsort((j, i))
    i, j, surface = i[order], j[order], surface[order]
    return pd.DataFrame(
        {
            "old_id": old.index.astype(str).to_numpy(dtype=object)[i],
            "new_id": new.index.astype(str).to_numpy(dtype=object)[j],
            "km2": surface / 1e6,
            "share": surface / shapely.area(left)[i],
            "share_of_new": surface / shapely.area(right)[j],
        }
    )


def _with_outside(pairs: pd.DataFrame, old: gpd.GeoDataFrame) -> pd.DataFrame:
    """Shares that sum to 1: what no new area holds becomes a row, what two hold is scaled."""
    import pandas as pd

    covered = pairs.groupby("old_id")["share"].sum().reindex(old.index.astype(str), fill_value=0.0)
    scale = covered.clip(lower=1.0)
    pairs["share"] = pairs["share"] / pairs["old_id"].map(scale).to_numpy()
    left = (1 - covered).clip(lower=0.0)
    left = left[left > 1e-9]
    surface = pd.Series(old.geometry.area.to_numpy() / 1e6, index=old.index.astype(str))
    rest = pd.DataFrame(
        {
            "old_id": left.index, "new_id": OUTSIDE, "km2": (left * surface[left.index]).to_numpy(),
            "share": left.to_numpy(), "share_of_new": np.nan,
        }
    )  # fmt: skip
    return pd.concat([pairs, rest], ignore_index=True) if len(rest) else pairs


def _by_weight(
    pairs: pd.DataFrame, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame, weight: str
) -> pd.DataFrame:
    """Shares by the people of the blocks whose inner point lies in both areas."""
    import pandas as pd

    from safemap.geo.points import SortedPoints, id_ranks, place_points

    if weight not in blocks.columns:
        raise InputError(f"weight={weight!r} is no column of the blocks.")
    people = pd.to_numeric(blocks[weight], errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(people).all() or (people < 0).any():
        raise InputError(f"{weight} of the blocks must be numbers, zero or more, without gaps.")
    inner = blocks.geometry.to_crs(old.crs).representative_point()
    points = SortedPoints(inner.x.to_numpy(), inner.y.to_numpy())
    n = len(inner)
    at_old = place_points(points, n, old.geometry.to_numpy(), id_ranks(old.index)).area
    at_new = place_points(points, n, new.geometry.to_numpy(), id_ranks(new.index)).area
    inside = at_old >= 0
    counted = pd.DataFrame(
        {
            "old_id": old.index.astype(str).to_numpy(dtype=object)[at_old[inside]],
            "new_id": np.append(new.index.astype(str).to_numpy(dtype=object), OUTSIDE)[at_new[inside]],
            "people": people[inside],
        }
    )
    sums = counted.groupby(["old_id", "new_id"], as_index=False)["people"].sum()
    sums = sums[sums["people"] > 0]
    total = sums.groupby("old_id")["people"].transform("sum")
    weighted = sums.assign(share=sums["people"] / total).drop(columns="people")
    known = pairs.drop(columns="share")
    weighted = weighted.merge(known, on=["old_id", "new_id"], how="left")
    bare = pairs[~pairs["old_id"].isin(weighted["old_id"])]
    return pd.concat([weighted, bare], ignore_index=True).sort_values(["old_id", "new_id"], ignore_index=True)


def _changes(pairs: pd.DataFrame, old: pd.Index) -> pd.DataFrame:
    """What became of each old area."""
    import pandas as pd

    inside = pairs[pairs["new_id"] != OUTSIDE]
    real = inside[inside["share"] >= _SLIVER]
    parts = real.groupby("old_id").size().reindex(old, fill_value=0)
    outside = pairs[pairs["new_id"] == OUTSIDE].groupby("old_id")["share"].sum().reindex(old, fill_value=0.0)
    best = inside.sort_values("share").drop_duplicates("old_id", keep="last").set_index("old_id").reindex(old)
    whole = best["share"] >= _SAME
    fills = best["share_of_new"] >= _SAME
    change = np.select(
        [parts == 0, whole & fills, whole & ~fills, (parts > 1) & _filled(real, old)],
        ["dropped", "same", "merged", "split"],
        default="redrawn",
    )
    return pd.DataFrame({"change": change, "parts": parts, "outside": outside}, index=old.rename("old_id"))


def _filled(real: pd.DataFrame, old: pd.Index) -> pd.Series:
    """Whether every new area that holds a part of the old one lies in it wholly."""
    return (real["share_of_new"] >= _SAME).groupby(real["old_id"]).all().reindex(old, fill_value=False)
