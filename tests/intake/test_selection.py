"""Selection by value and by period: everything else stays in the audit with its reason."""

from __future__ import annotations

import pandas as pd
import pytest

import safemap as sm
from safemap.errors import InputError

FRAME = pd.DataFrame(
    {
        "lon": [1.0] * 7,
        "lat": [2.0] * 7,
        "when": [
            "2022-12-31 23:59:59",
            "2023-01-01",
            "2023-12-31 23:59:59",
            "2024-01-01",
            "2023-02-30",
            "",
            "2023-05-05",
        ],
        "kind": ["Robo", "ROBO  a casa", "ｒｏｂｏ", "hurto", "robo", "Robo", None],
    }
)


def _read(**options: str) -> sm.Incidents:
    return sm.read_incidents(FRAME, lon="lon", lat="lat", date="when", category="kind", **options)


def test_period_includes_both_days_and_names_every_other_row() -> None:
    chosen = sm.select_incidents(_read(), period=("2023-01-01", "2023-12-31"))
    assert chosen.frame.index.tolist() == [1, 2, 6]
    assert chosen.audit.set_aside["reason"].to_dict() == {
        0: "outside_period", 3: "outside_period", 4: "unreadable_date", 5: "missing_date",
    }  # fmt: skip
    assert chosen.audit.set_aside["kind"].to_dict() == {0: "scope", 3: "scope", 4: "fault", 5: "fault"}
    assert chosen.settings["period"] == ("2023-01-01", "2023-12-31")
    assert chosen.audit.hit_rate == pytest.approx(3 / 5)


def test_where_folds_case_width_and_spaces() -> None:
    chosen = sm.select_incidents(_read(), where={"kind": ["robo", " Robo A Casa "]})
    assert chosen.frame.index.tolist() == [0, 1, 2, 4, 5]
    assert set(chosen.audit.set_aside["reason"]) == {"not_selected"}


def test_selection_comes_before_the_period_so_faults_are_those_of_rows_asked_for() -> None:
    chosen = sm.select_incidents(_read(), where={"kind": "robo"}, period=("2023-01-01", "2023-12-31"))
    assert chosen.audit.set_aside["reason"].to_dict() == {
        0: "outside_period", 1: "not_selected", 3: "not_selected", 4: "unreadable_date", 5: "missing_date",
        6: "not_selected",
    }  # fmt: skip


def test_several_columns_must_all_hold() -> None:
    chosen = sm.select_incidents(_read(), where={"category": "robo", "lon": 1.0})
    assert chosen.frame.index.tolist() == [0, 2, 4, 5]


def test_a_value_that_occurs_nowhere_is_an_error_with_a_hint() -> None:
    with pytest.raises(InputError, match=r"'hurtos', which occurs in no row. Did you mean 'hurto'"):
        sm.select_incidents(_read(), where={"kind": ["robo", "hurtos"]})
    with pytest.raises(InputError, match="where='kinds', but there is no such column"):
        sm.select_incidents(_read(), where={"kinds": "robo"})


def test_names_are_not_quoted_as_hints() -> None:
    frame = pd.DataFrame({"lon": 1.0, "lat": 2.0, "victim": [f"Person {i:04d}" for i in range(2000)]})
    incidents = sm.read_incidents(frame, lon="lon", lat="lat")
    with pytest.raises(InputError) as caught:
        sm.select_incidents(incidents, where={"victim": "Person 12"})
    assert "Person 0" not in str(caught.value)


@pytest.mark.parametrize(
    "period", ["2023", ("2023-01-01",), ("2023-12-31", "2023-01-01"), ("soon", "later"), (None, None)]
)
def test_periods_that_are_none(period: object) -> None:
    with pytest.raises(InputError, match="period must"):
        sm.select_incidents(_read(), period=period)


def test_a_period_needs_dates() -> None:
    incidents = sm.read_incidents(FRAME, lon="lon", lat="lat")
    with pytest.raises(InputError, match="no column of dates was named"):
        sm.select_incidents(incidents, period=("2023-01-01", "2023-12-31"))


def test_nothing_asked_for_changes_nothing() -> None:
    incidents = _read()
    chosen = sm.select_incidents(incidents)
    assert chosen.frame.equals(incidents.frame)
    assert chosen.audit.n_set_aside == 0


def test_text_is_never_evaluated() -> None:
    with pytest.raises(InputError, match="occurs in no row"):
        sm.select_incidents(_read(), where={"kind": "robo' or True or '"})
