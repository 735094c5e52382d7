"""Counts without points: every event is placed or set aside, and rates are those of the counts."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

import safemap as sm
from safemap.audit import Audit
from safemap.errors import AuditError, DataWarning, InputError

PERIOD = ("2023-01-01", "2023-12-31")


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(
        {"kod": ["01", "02", "03"], "nomi": ["Chilonzor", "Doʻstlik", "Bahor"], "aholi": [1e3, 2e3, 4e3]},
        geometry=[box(69 + i / 100, 41, 69.01 + i / 100, 41.01) for i in range(3)], crs=4326,
    )  # fmt: skip
    return sm.read_areas(frame, id="kod", name="nomi", population="aholi")


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mahalla": ["Чиланзар", "ДЎСТЛИК МФЙ", "Bozor", None, "Jami"],
            "2022": [3, 1, 2, 4, 10],
            "2023": [5, 7, 1, 0, 13],
        },
        index=[10, 11, 12, 13, 14],
    )


def test_events_in_are_events_placed_and_set_aside(areas, table):
    counts = sm.read_area_counts(table, area="mahalla", count=["2022", "2023"], areas=areas)
    audit = counts.audit
    assert (audit.events_in, audit.events_placed, audit.events_set_aside) == (23, 16, 7)
    assert audit.n_in == audit.n_placed + audit.n_set_aside == 10
    assert audit.by_reason()["events"].to_dict() == {"missing_area": 4, "unknown_area": 3, "total_row": 0}
    assert audit.by_reason()["rows"].to_dict() == {"missing_area": 2, "unknown_area": 2, "total_row": 2}
    assert audit.hit_rate == pytest.approx(16 / 23)
    assert "23 events in = 16 placed + 7 set aside" in audit.summary()
    assert audit.set_aside.loc["12:2022", "reason"] == "unknown_area"
    assert counts.matches.frame["method"].value_counts().to_dict() == {"sound": 2, "spelling": 2}


def test_totals_are_compared_with_the_sum(table):
    counts = sm.read_area_counts(table, area="mahalla", count=["2022", "2023"])
    assert any("'2022' states 10, which is their sum" in n for n in counts.report.notes)
    table.loc[14, "2023"] = 20
    counts = sm.read_area_counts(table, area="mahalla", count=["2022", "2023"])
    assert any("states 20, but the rows sum to 13" in n for n in counts.report.notes)


def test_rates_are_those_of_the_same_counts_in_a_frame(areas, table):
    counts = sm.read_area_counts(table, area="mahalla", count=["2022", "2023"], areas=areas)
    rates = sm.area_rates(counts, period=PERIOD, per=1_000)
    direct = sm.area_rates(areas.assign(events=[5, 7, 0]), period=PERIOD, per=1_000)
    pd.testing.assert_frame_equal(rates.frame.drop(columns="geometry"), direct.frame.drop(columns="geometry"))
    assert rates.settings["period_checked"] is True
    assert rates.audit.events_placed == 12 == int(rates.frame["events"].sum())
    assert rates.audit.events_in == 23
    assert rates.audit.by_reason().loc["outside_period", "events"] == 4
    whole = sm.area_rates(counts, per=1_000)
    assert whole.frame["events"].tolist() == [8, 8, 0]


def test_one_column_of_counts_with_periods_and_categories(areas):
    table = pd.DataFrame(
        {
            "kod": ["01", "02", "01", "02", "03"], "n": ["1 200", "3", "4", "5", "6"],
            "yil": ["2022", "2022 г.", "2023", "2023-йил", "2021-2022"],
            "tur": ["theft", "theft", "Theft", "fraud", "theft"],
        }
    )  # fmt: skip
    counts = sm.read_area_counts(table, area="kod", count="n", period="yil", category="tur", areas=areas)
    assert counts.audit.by_reason()["events"].to_dict() == {"unreadable_date": 6}
    assert counts.frame["events"].tolist() == [1_200, 3, 4, 5]
    chosen = counts.select(category="theft", period=PERIOD)
    assert chosen.frame[["area_id", "events"]].values.tolist() == [["01", 4]]
    assert chosen.audit.by_reason()["events"].to_dict() == {
        "not_selected": 5, "outside_period": 1_203, "unreadable_date": 6,
    }  # fmt: skip
    with pytest.raises(InputError, match="only partly"):
        counts.select(period=("2023-02-01", "2023-12-31"))
    with pytest.raises(InputError, match="does not occur"):
        counts.select(category="arson")


def test_months_are_periods_too():
    table = pd.DataFrame({"a": ["x", "x", "x"], "n": [1, 2, 3], "m": ["2023-02", "03.2023", "2023-13"]})
    counts = sm.read_area_counts(table, area="a", count="n", period="m")
    assert counts.frame["end"].dt.date.astype(str).tolist() == ["2023-02-28", "2023-03-31"]
    assert counts.audit.by_reason()["rows"].to_dict() == {"unreadable_date": 1}


def test_missing_is_not_zero_and_what_is_no_count_is_told():
    table = pd.DataFrame({"a": ["x", "y", "z", "u", "v"], "n": ["3", "", "-1", "2.5", "<5"]})
    counts = sm.read_area_counts(table, area="a", count="n")
    assert counts.audit.set_aside["reason"].tolist() == ["missing_count", *["unreadable_count"] * 3]
    assert counts.audit.events_in == counts.audit.events_placed == 3


def test_an_area_that_occurs_twice_is_added_up_and_told(areas):
    table = pd.DataFrame({"a": ["Chilonzor", "Чиланзар", "Bahor"], "n": [1, 2, 3]})
    with pytest.warns(DataWarning, match="occurs more than once"):
        counts = sm.read_area_counts(table, area="a", count="n", areas=areas)
    assert counts.audit.flags["repeated_area"].tolist() == [0, 1]
    assert sm.area_rates(counts).frame["events"].tolist() == [3, 0, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"area": "nope", "count": "n"}, "no such column"),
        ({"area": "a", "count": []}, "at least one column"),
        ({"area": "a", "count": "a"}, "holds no number"),
        ({"area": "a", "count": ["n", "m"], "period": "m"}, "not both"),
    ],
)
def test_bad_requests_are_one_sentence(options, message):
    table = pd.DataFrame({"a": ["x"], "n": [1], "m": [2]})
    with pytest.raises(InputError, match=message):
        sm.read_area_counts(table, **options)


def test_rates_need_areas(table):
    counts = sm.read_area_counts(table, area="mahalla", count="2023")
    with pytest.raises(InputError, match="no areas yet"):
        sm.area_rates(counts)
    with pytest.raises(InputError, match="header and no rows"):
        sm.read_area_counts(table.iloc[:0], area="mahalla", count="2023")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Chilonzor", "Дўстлик", "Bahor MFY", "elsewhere", "", "Итого"]),
            st.one_of(st.integers(0, 500), st.none(), st.just(-3)),
            st.sampled_from(["2022", "2023", "soon", ""]),
        ),
        min_size=1,
        max_size=25,
    )
)
@pytest.mark.filterwarnings("ignore::safemap.errors.DataWarning")
def test_events_are_conserved_whatever_is_in_the_table(rows):
    frame = gpd.GeoDataFrame(
        {"name": ["Chilonzor", "Doʻstlik", "Bahor"], "population": 100.0}, index=["1", "2", "3"],
        geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=32642,
    )  # fmt: skip
    table = pd.DataFrame(rows, columns=["a", "n", "y"])
    if not pd.to_numeric(table["n"]).notna().any():
        return
    counts = sm.read_area_counts(table, area="a", count="n", period="y", areas=frame)
    audit = counts.audit
    valid = [n for a, n, _ in rows if n is not None and n >= 0 and a != "Итого"]
    assert audit.events_in == sum(valid) == audit.events_placed + audit.events_set_aside
    assert audit.events_placed == int(counts.frame["events"].sum())
    sound = {"Chilonzor", "Дўстлик", "Bahor MFY"}
    placed = sum(n for a, n, y in rows if n is not None and n >= 0 and a in sound and y in ("2022", "2023"))
    assert audit.events_placed == placed
    rates = sm.area_rates(counts, period=PERIOD)
    assert rates.audit.events_placed == int(rates.frame["events"].sum())
    assert rates.audit.events_in == audit.events_in


def test_the_audit_without_weights_is_as_it_was():
    audit = Audit.start(pd.Index([1, 2, 3]), source="a").with_set_aside(
        pd.Series({2: "missing_area"}), step="s"
    )
    assert (audit.events_in, audit.events_placed, audit.events_set_aside) == (3, 2, 1)
    assert "events" not in audit.by_reason().columns
    assert "events" not in audit.summary()
    assert audit.hit_rate == pytest.approx(2 / 3)


def test_weights_must_belong_to_the_rows():
    with pytest.raises(AuditError, match="events per row"):
        Audit.start(pd.Index([1, 2]), source="a", weights=pd.Series([1, 1], index=[1, 3]))
    flagged = Audit.start(pd.Index([1, 2]), source="a", weights=pd.Series([3, 4], index=[1, 2]))
    assert flagged.with_flag("x", pd.Index([1])).weights is flagged.weights
    assert np.isclose(flagged.hit_rate, 1.0)
