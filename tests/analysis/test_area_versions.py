"""Figures carried from one version of the areas to the next: nothing is made, nothing lost."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from safemap import area_crosswalk, read_areas
from safemap.errors import AlignmentError, GeometryError, InputError


def areas(**boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame({"id": list(boxes)}, geometry=[box(*b) for b in boxes.values()], crs=32614)
    return read_areas(frame, id="id")


OLD = areas(
    kept=(0, 0, 1000, 1000), left=(1000, 0, 2000, 1000), right=(2000, 0, 3000, 1000),
    wide=(0, 1000, 2000, 2000), gone=(9000, 0, 9500, 500), edge=(2000, 1000, 3000, 2000),
)  # fmt: skip
NEW = areas(
    same=(0, 0, 1000, 1000), both=(1000, 0, 3000, 1000), w1=(0, 1000, 500, 2000), w2=(500, 1000, 2000, 2000),
    part=(2000, 1000, 2600, 2200),
)  # fmt: skip


def test_what_became_of_each_area_by_hand() -> None:
    walk = area_crosswalk(OLD, NEW)
    assert walk.changes["change"].to_dict() == {
        "kept": "same", "left": "merged", "right": "merged", "wide": "split", "gone": "dropped",
        "edge": "redrawn",
    }  # fmt: skip
    shares = walk.frame.set_index(["old_id", "new_id"])["share"]
    assert shares["wide", "w1"] == pytest.approx(0.25)
    assert shares["edge", "part"] == pytest.approx(0.6)
    assert walk.changes.loc["edge", "outside"] == pytest.approx(0.4)
    moved = walk.move(pd.Series({"kept": 1, "left": 10, "right": 20, "wide": 100, "gone": 7, "edge": 50}))
    assert moved.round(9).to_dict() == {
        "same": 1, "both": 30, "w1": 25, "w2": 75, "part": 30, "outside": 27,
    }  # fmt: skip


def test_a_missing_figure_is_missing_wherever_it_counts() -> None:
    moved = area_crosswalk(OLD, NEW).move(
        pd.Series({"kept": np.nan, "left": np.nan, "right": 20, "wide": 1, "gone": 0, "edge": 0})
    )
    assert moved.isna().to_dict() == {
        "same": True, "both": True, "w1": False, "w2": False, "part": False, "outside": False,
    }  # fmt: skip


def test_people_in_blocks_say_where_an_area_is_lived_in() -> None:
    blocks = gpd.GeoDataFrame(
        {"people": [90.0, 10.0, 0.0]},
        geometry=[box(100, 1400, 200, 1500), box(900, 1400, 1000, 1500), box(2100, 1400, 2200, 1500)],
        crs=32614,
    )
    walk = area_crosswalk(OLD, NEW, blocks=blocks, weight="people")
    shares = walk.frame.set_index(["old_id", "new_id"])["share"]
    assert shares["wide"].to_dict() == {"w1": 0.9, "w2": 0.1}
    assert shares["edge"].to_dict() == pytest.approx({"part": 0.6, "outside": 0.4})  # no weight: by surface
    with pytest.raises(InputError, match="together"):
        area_crosswalk(OLD, NEW, blocks=blocks)
    with pytest.raises(InputError, match="without gaps"):
        area_crosswalk(OLD, NEW, blocks=blocks.assign(people=[-1.0, 0, 0]), weight="people")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 29), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 29), min_size=1, max_size=4, unique=True),
    st.integers(-5, 5),
    st.lists(st.integers(0, 1000), min_size=5, max_size=5),
)
def test_totals_are_kept_for_any_cut(a: list[int], b: list[int], shift: int, counts: list[int]) -> None:
    def strips(cuts: list[int], dx: float) -> gpd.GeoDataFrame:
        ends = [0, *sorted(cuts), 30]
        pieces = itertools.pairwise(ends)
        return areas(**{f"s{k}": (dx + 100 * u, 0, dx + 100 * v, 700) for k, (u, v) in enumerate(pieces)})

    old, new = strips(a, 0), strips(b, 100 * shift)
    walk = area_crosswalk(old, new)
    values = pd.Series(counts[: len(old)], index=old.index)
    assert walk.move(values).sum() == pytest.approx(values.sum(), rel=1e-9)
    assert walk.frame.groupby("old_id")["share"].sum().to_numpy() == pytest.approx(1)
    back = area_crosswalk(new, old)
    inside = [f[f["new_id"] != "outside"] for f in (walk.frame, back.frame)]
    surface = inside[0].set_index(["old_id", "new_id"])["km2"]
    mirrored = inside[1].set_index(["new_id", "old_id"])["km2"]
    assert surface.sort_index().to_numpy() == pytest.approx(mirrored.sort_index().to_numpy())


def test_overlapping_new_areas_do_not_double_a_figure() -> None:
    doubled = areas(one=(0, 0, 1000, 1000), two=(0, 0, 1000, 1000))
    moved = area_crosswalk(areas(a=(0, 0, 1000, 1000)), doubled).move(pd.Series({"a": 10}))
    assert moved.to_dict() == pytest.approx({"one": 5, "two": 5, "outside": 0})


def test_what_cannot_be_carried_across() -> None:
    with pytest.raises(GeometryError, match="do not overlap"):
        area_crosswalk(OLD, areas(far=(50_000, 0, 51_000, 1000)))
    with pytest.raises(AlignmentError, match="missing"):
        area_crosswalk(OLD, NEW).move(pd.Series({"kept": 1}))
    with pytest.raises(InputError, match="outside"):
        area_crosswalk(OLD, areas(outside=(0, 0, 1000, 1000)))
