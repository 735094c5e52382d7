"""Places that people name: every mention is in an area or in the list of what was not matched."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from safemap import perceived_places, read_areas
from safemap.errors import InputError

WARDS = read_areas(
    gpd.GeoDataFrame(
        {"id": ["1", "2", "3"], "name": ["Mlango Kubwa", "Huruma", "Kiamaiko"]},
        geometry=[box(i, 0, i + 1, 1) for i in range(3)],
        crs=4326,
    ),
    id="id",
    name="name",
)


def said() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "who": ["a", "a", "b", None, None, "c", "c"],
            "where": ["Huruma", "huruma ", "HURUMA WARD", "Huruma", "Huruma", "the bridge", "Kona"],
            "when": ["night", "night", "day", None, "night", "day", "day"],
        },
        index=[10, 11, 12, 13, 14, 15, 16],
    )


def test_mentions_and_people_by_hand() -> None:
    found = perceived_places(
        said(), WARDS, place="where", respondent="who", band="when", mapping={"kona": "3"}
    )
    assert found.frame["mentions"].to_dict() == {"1": 0, "2": 5, "3": 1}
    assert found.frame["respondents"].to_dict() == {"1": 0, "2": 4, "3": 1}  # a, b and two who gave no name
    assert found.by_band.loc["2"].to_dict() == {"(not said)": 1, "day": 1, "night": 3}
    assert found.unmatched.to_numpy().tolist() == [["the bridge", 1, "unknown_area"]]
    assert found.settings["coverage"] == pytest.approx(6 / 7)
    assert "coverage 85.7%" in found.summary()


def test_rows_that_are_sums_count_as_many() -> None:
    table = pd.DataFrame({"place": ["Huruma", "Kiamaiko", "?"], "n": [12, 3, 5]})
    found = perceived_places(table, WARDS, place="place", count="n")
    assert found.frame["mentions"].tolist() == [0, 12, 3]
    assert found.frame["respondents"].isna().all()
    assert found.settings["coverage"] == 0.75


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["Huruma", "kiamaiko", "Huruna", "", None]), st.integers(0, 3)), max_size=30
    )
)
def test_no_mention_is_lost_and_no_one_counts_twice(rows: list[tuple[str | None, int]]) -> None:
    table = pd.DataFrame(rows, columns=["place", "who"]).astype({"place": object})
    found = perceived_places(table, WARDS, place="place", respondent="who")
    assert found.frame["mentions"].sum() + found.unmatched["mentions"].sum() == len(rows)
    assert (found.frame["respondents"] <= found.frame["mentions"]).all()
    assert (found.frame["respondents"] <= 4).all()


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="not both"):
        perceived_places(said().assign(n=1), WARDS, place="where", respondent="who", count="n")
    with pytest.raises(InputError, match="whole numbers"):
        perceived_places(said().assign(n=1.5), WARDS, place="where", count="n")
    with pytest.raises(InputError, match="spot"):
        perceived_places(said(), WARDS, place="spot")
