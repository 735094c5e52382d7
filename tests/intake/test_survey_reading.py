"""Survey exports: layouts, groups, labels, positions, repeats, and who was asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import safemap as sm
from safemap.errors import ConfigError, InputError
from safemap.intake.relevance import UnknownConditionError, evaluate

EN, SW = "label::English (en)", "label::Kiswahili (sw)"
CRIMES = ("theft", "robbery", "none")


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> sm.Codebook:
    """A victim survey with a skip: who lived through no crime is not asked whether it was reported."""
    path = tmp_path_factory.mktemp("form") / "form.xlsx"
    survey = [
        {"type": "select_one yn", "name": "victim", EN: "Any crime?", SW: "Uhalifu?"},
        {"type": "begin_group", "name": "details", "relevant": "${victim} = 'yes'"},
        {"type": "select_multiple crimes", "name": "what", EN: "Which?"},
        {"type": "select_one yn", "name": "reported", "relevant": "selected(${what}, 'robbery')"},
        {"type": "integer", "name": "times", EN: "How often?"},
        {"type": "end_group"},
        {"type": "select_one scale", "name": "dark", EN: "Safe after dark?"},
        {"type": "geopoint", "name": "loc", EN: "Where?"},
        {"type": "begin_repeat", "name": "people"},
        {"type": "integer", "name": "age", EN: "Age"},
        {"type": "end_repeat"},
    ]  # fmt: skip
    lists = {
        "yn": [("yes", "Yes", "Ndiyo"), ("no", "No", "Hapana")],
        "crimes": [(c, c.title(), "") for c in CRIMES],
    }
    lists["scale"] = [
        ("1", "Very safe", ""),
        ("2", "Safe", ""),
        ("3", "Unsafe", ""),
        ("4", "Very unsafe", ""),
    ]
    choices = [
        {"list_name": name, "name": code, EN: en, SW: sw}
        for name, listed in lists.items()
        for code, en, sw in listed
    ]
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        pd.DataFrame(survey).to_excel(book, sheet_name="survey", index=False)
        pd.DataFrame(choices).to_excel(book, sheet_name="choices", index=False)
    return sm.read_xlsform(path)


#: five respondents: a victim of two crimes, of none of those listed; no victim (skipped); no answer; a victim
WHAT = ["theft robbery", "none", "", "", "robbery"]
BASE = {"victim": ["yes", "yes", "no", "", "yes"], "dark": ["1", "4", "2", "3", "1"]}


def _details(prefix: str) -> dict[str, list[str]]:
    return {f"{prefix}/{c}": ["" if not w else str(int(c in w.split())) for w in WHAT] for c in CRIMES}


@pytest.mark.parametrize(
    "columns",
    [
        {"details/what": WHAT},
        _details("details/what"),
        {"details/what": WHAT, **_details("details/what")},
        {"what": WHAT, **_details("what")},
        {"details-what": WHAT, **_details("details-what")},
        {
            "Which?": WHAT,
            **{f"Which?/{c.title()}": v for c, v in zip(CRIMES, _details("x").values(), strict=True)},
        },
        {f"what_{c}": v for c, v in zip(CRIMES, _details("x").values(), strict=True)},
    ],
    ids=["summary", "details", "both", "no groups", "odk", "labels", "surveycto"],
)
def test_every_layout_of_select_multiple(
    form: sm.Codebook, tmp_path: Path, columns: dict[str, list[str]]
) -> None:
    """F6: one boolean column per choice; who was not asked is missing, not 0."""
    file = tmp_path / "export.csv"
    pd.DataFrame({**BASE, **columns}).to_csv(file, index=False, sep=";")
    found = sm.read_survey(file, form=form, groups="strip")
    frame = found.frame
    expected = {
        "theft": [True, False, None, None, False], "robbery": [True, False, None, None, True],
        "none": [False, True, None, None, False],
    }  # fmt: skip
    for code, values in expected.items():
        column = frame[f"what/{code}"]
        assert str(column.dtype) == "boolean"
        assert [None if v is pd.NA else bool(v) for v in column] == values
    assert frame.index.tolist() == [2, 3, 4, 5, 6]
    assert found.audit.n_in == found.audit.n_placed == 5


def test_who_was_asked(form: sm.Codebook) -> None:
    found = sm.read_survey(
        pd.DataFrame({**BASE, "what": WHAT, "reported": ["yes", "", "", "", ""]}), form=form
    )
    assert found.asked("what").tolist() == [True, True, False, False, True]
    assert found.asked("reported").tolist() == [True, False, False, False, True]
    assert found.asked("dark").tolist() == [True] * 5
    cut = sm.read_survey(pd.DataFrame({"dark": BASE["dark"], "what": WHAT}), form=form)
    assert cut.asked("what").isna().all()  # the question it hangs on is not in the file
    with pytest.raises(InputError, match="from the form only"):
        sm.read_survey(pd.DataFrame(BASE)).asked("what")


def test_not_asked_and_not_answered_are_told_apart_in_estimates(form: sm.Codebook) -> None:
    rows = pd.DataFrame({**BASE, "what": WHAT, "reported": ["yes", "", "", "", ""], "w": 1.0})
    design = sm.SurveyDesign(sm.read_survey(rows, form=form), weight="w")
    reported = sm.survey_estimate(design, "reported", success="yes")
    assert reported.settings["not_answered"] == {"missing_answer": 1, "not_asked": 3}
    assert reported.frame[["events", "n"]].values.tolist() == [[1, 1]]
    theft = sm.survey_estimate(design, "what/theft")
    assert theft.frame[["events", "n"]].values.tolist() == [[1, 3]]
    assert theft.settings["not_answered"] == {"not_asked": 2}


def test_typed_answers_in_the_order_of_the_form(form: sm.Codebook) -> None:
    rows = pd.DataFrame({**BASE, "details/times": ["2", "1,5", "", "", "many"]})
    found = sm.read_survey(rows, form=form)
    assert found.frame["dark"].cat.categories.tolist() == ["1", "2", "3", "4"]
    assert found.frame["victim"].isna().tolist() == [False, False, False, True, False]
    np.testing.assert_array_equal(found.frame["details/times"], [2.0, 1.5, np.nan, np.nan, np.nan])
    assert found.audit.flags["unreadable_number"].tolist() == [4]
    assert found.columns == {"victim": "victim", "details/times": "details/times", "dark": "dark"}


@pytest.mark.parametrize("language", [None, "sw"])
def test_labels_are_turned_back_into_codes(form: sm.Codebook, language: str | None) -> None:
    rows = pd.DataFrame({"Uhalifu?": ["Ndiyo", "HAPANA", ""], "other": ["a", "NA", ""]})
    found = sm.read_survey(rows, form=form, language=language)
    assert found.frame["Uhalifu?"].astype(object).where(lambda v: v.notna(), None).tolist() == [
        "yes",
        "no",
        None,
    ]
    assert found.frame["other"].isna().tolist() == [False, True, True]


def test_codes_that_the_form_does_not_list_are_kept_flagged_and_refused_in_estimates(
    form: sm.Codebook,
) -> None:
    """S12: 99 in an item from 1 to 4, found through the form."""
    rows = pd.DataFrame({"dark": ["1", "4", "99", "2"], "what": ["theft arson", "", "none", ""], "w": 1.0})
    found = sm.read_survey(rows, form=form)
    assert found.audit.flags["unlisted_answer"].tolist() == [0, 2]
    assert found.frame["what/arson"].astype(object).where(lambda v: v.notna(), None).tolist() == [
        True,
        None,
        False,
        None,
    ]
    design = sm.SurveyDesign(found, weight="w")
    for kind in ({"kind": "mean", "missing": ()}, {"success": ("3", "4")}):
        with pytest.raises(InputError, match=r"1 answers in column 'dark' are none of the choices"):
            sm.survey_estimate(design, "dark", **kind)
    assert sm.survey_estimate(design, "dark", success=("3", "4"), missing=99).frame["n"].tolist() == [3]


def test_a_code_none_is_an_answer_where_the_form_has_it(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        pd.DataFrame({"type": ["select_one help"], "name": ["help"]}).to_excel(
            book, sheet_name="survey", index=False
        )
        choices = {"list_name": ["help"] * 2, "name": ["police", "none"], "label": ["Police", "Nobody"]}
        pd.DataFrame(choices).to_excel(book, sheet_name="choices", index=False)
    found = sm.read_survey(pd.DataFrame({"help": ["none", "police", "", "none"], "w": 1.0}), form=path)
    estimate = sm.survey_estimate(sm.SurveyDesign(found, weight="w"), "help", success="none")
    assert estimate.frame[["events", "n"]].values.tolist() == [[2, 3]]


def test_contradicting_layouts_are_flagged(form: sm.Codebook) -> None:
    columns = {"what": WHAT, **_details("what")}
    columns["what/theft"] = ["0", "0", "", "", "0"]
    found = sm.read_survey(pd.DataFrame({**BASE, **columns}), form=form)
    assert found.audit.flags["conflicting_choices"].tolist() == [0]
    assert bool(found.frame["what/theft"].iloc[0]) is True
    columns["what/theft"] = ["perhaps", "0", "", "", "0"]
    with pytest.raises(InputError, match=r"should be 0 or 1; 1 rows .*\(rows 0\)"):
        sm.read_survey(pd.DataFrame({**BASE, **columns}), form=form)


@pytest.mark.parametrize(
    "columns",
    [
        {"loc": ["-1.2621 36.8584 1650 8", "0 0 0 0", "", "-1.3 36.9 0 45.5", "by the bridge"]},
        {
            "loc": ["-1.2621 36.8584 1650 8", "0 0 0 0", "", "-1.3 36.9 0 45.5", "by the bridge"],
            "_loc_latitude": ["-1.2621", "0", "", "-1.3", "x"],
            "_loc_longitude": ["36.8584", "0", "", "36.9", "x"],
            "_loc_altitude": ["1650", "0", "", "0", ""], "_loc_precision": ["8", "0", "", "45.5", ""],
        },
        {
            "loc-Latitude": ["-1.2621", "0", "", "-1.3", "x"],
            "loc-Longitude": ["36.8584", "0", "", "36.9", "x"],
            "loc-Altitude": ["1650", "0", "", "0", ""], "loc-Accuracy": ["8", "0", "", "45.5", ""],
        },
    ],
    ids=["text", "kobo", "odk"],
)  # fmt: skip
@pytest.mark.parametrize("with_form", [True, False])
def test_every_form_of_a_position(form: sm.Codebook, columns: dict[str, list[str]], with_form: bool) -> None:
    if not with_form:
        columns = {c: [v if v != "by the bridge" else "" for v in values] for c, values in columns.items()}
    rows = pd.DataFrame({**BASE, **columns})
    found = sm.read_survey(rows, form=form if with_form else None)
    np.testing.assert_array_equal(found.frame["x"], [36.8584, np.nan, np.nan, 36.9, np.nan])
    np.testing.assert_array_equal(found.frame["y"], [-1.2621, np.nan, np.nan, -1.3, np.nan])
    np.testing.assert_array_equal(found.frame["accuracy_m"], [8, np.nan, np.nan, 45.5, np.nan])
    assert found.audit.flags["zero_coordinates"].tolist() == [1]
    assert found.audit.flags["low_accuracy"].tolist() == [3]
    if with_form or "loc-Latitude" in columns:
        assert found.audit.flags["unreadable_coordinates"].tolist() == [4]
    assert found.settings["crs"] == "EPSG:4326"
    assert sm.read_survey(rows, max_accuracy=50).audit.flags.get("low_accuracy") is None


def test_golden_f6() -> None:
    found = sm.read_survey(pd.DataFrame({"gps": ["41.2995 69.2401 450 5"]}))
    assert found.frame[["x", "y"]].values.tolist() == [[69.2401, 41.2995]]


def test_several_positions_must_be_named() -> None:
    rows = pd.DataFrame(
        {"home": ["-1.2 36.8 0 5"], "g/_work_latitude": ["-1.3"], "g/_work_longitude": ["36.9"]}
    )
    found = sm.read_survey(rows)
    assert "x" not in found.frame.columns
    assert "name one with location=" in found.report.summary()
    assert sm.read_survey(rows, location="work").frame["x"].tolist() == [36.9]
    with pytest.raises(InputError, match="the positions there are: 'g/work', 'home'"):
        sm.read_survey(rows, location="school")


def test_repeats_are_joined_by_an_explicit_call_only(form: sm.Codebook, tmp_path: Path) -> None:
    file = tmp_path / "export.xlsx"
    main = pd.DataFrame({"victim": ["yes", "no"], "_index": [1, 2], "ward": ["Kosovo", "Mabatini"]})
    people = pd.DataFrame({"people/age": [30, 8, 51, 77], "_parent_index": [2, 1, 2, 9]})
    with pd.ExcelWriter(file, engine="openpyxl") as book:
        main.to_excel(book, sheet_name="Survey", index=False)
        people.to_excel(book, sheet_name="people", index=False)
    responses = sm.read_survey(file, form=form)
    assert len(responses.frame) == 2
    assert "not read (repeats?): 'people'" in responses.report.summary()
    repeat = sm.read_survey(file, form=form, sheet="people")
    joined = sm.join_repeat(repeat, responses)
    assert joined.frame["ward"].tolist() == ["Mabatini", "Kosovo", "Mabatini"]
    assert joined.frame["people/age"].tolist() == [30, 8, 51]
    assert joined.audit.by_reason()["rows"].to_dict() == {"no_parent": 1}
    joined.audit.check(joined.frame.index)
    with pytest.raises(InputError, match="no key leads to the main sheet"):
        sm.join_repeat(responses, repeat)
    twice = sm.read_survey(main.assign(_index=1))
    with pytest.raises(InputError, match="the key '_index' repeats"):
        sm.join_repeat(repeat, twice)


def test_group_names_are_left_out_on_request(form: sm.Codebook) -> None:
    rows = pd.DataFrame({"victim": ["yes"], "details/times": ["3"]})
    assert list(sm.read_survey(rows, form=form).frame.columns) == ["victim", "details/times"]
    assert list(sm.read_survey(rows, form=form, groups="strip").frame.columns) == ["victim", "times"]
    with pytest.raises(ConfigError, match="needs the form"):
        sm.read_survey(rows, groups="strip")
    with pytest.raises(InputError, match="two columns would be named 'times'"):
        sm.read_survey(rows.assign(times="9"), form=form, groups="strip")


def test_a_form_of_another_survey_is_refused(form: sm.Codebook) -> None:
    with pytest.raises(InputError, match=r"no column belongs to a question of form\.xlsx"):
        sm.read_survey(pd.DataFrame({"a": [1]}), form=form)


def test_repeated_submissions_are_flagged_and_kept() -> None:
    found = sm.read_survey(pd.DataFrame({"_uuid": ["a", "b", "a"], "q": ["1", "2", "3"]}))
    assert found.audit.flags["duplicate_uuid"].tolist() == [2]
    assert len(found.frame) == 3


def test_columns_named_like_ours_are_renamed() -> None:
    found = sm.read_survey(pd.DataFrame({"x": ["kept"], "gps": ["-1.2 36.8 0 5"]}))
    assert found.frame[["x", "x_file"]].values.tolist() == [[36.8, "kept"]]


def _ask(condition: str, **columns: list[str]) -> list[object]:
    data = pd.DataFrame(columns)
    known = {c: data[c] for c in data}

    def selected(question: str, choice: str) -> pd.Series | None:
        column = known.get(question)
        return None if column is None else column.str.split().map(lambda v: choice in v).astype("boolean")

    return [
        None if v is pd.NA else bool(v)
        for v in evaluate(condition, data.index, answers=known.get, selected=selected)
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("${a} = 'x'", [True, False, False]),
        ("${a} != 'x'", [False, True, True]),
        ("not(${a} = 'x') and ${n} >= 2", [False, True, False]),
        ("${a} = 'x' or ${n} > 1 and ${n} < 1", [True, False, False]),
        ("(${a} = 'x' or ${n} > 1) and true()", [True, True, False]),
        ("selected(${m}, 'q') or false()", [False, True, False]),
        ("${a} = ''", [False, False, True]),
        ('${a}="x"', [True, False, False]),
        ("${n} = 1", [True, False, False]),
        ("${gone} = 'x'", [None, None, None]),
        ("${gone} = 'x' and ${a} = 'x'", [None, False, False]),
        ("${gone} = 'x' or ${a} = 'x'", [True, None, None]),
        ("${a}", [True, True, False]),
    ],
)
def test_conditions(condition: str, expected: list[object]) -> None:
    assert _ask(condition, a=["x", "y", ""], n=["1.0", "2", ""], m=["p", "p q", "pq"]) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "count(${a}) > 1",
        "${a} + 1 = 2",
        "${a} = ",
        "(${a} = 'x'",
        "${a} = 'x')",
        "__import__('os')",
        "${a} = 'x' ; 1",
        "",
    ],
)
def test_other_conditions_are_unknown_not_executed(condition: str) -> None:
    with pytest.raises(UnknownConditionError):
        _ask(condition, a=["x"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(CRIMES), unique=True), min_size=1, max_size=12), st.booleans())
def test_layouts_agree(form: sm.Codebook, chosen: list[list[str]], strip: bool) -> None:
    summary = pd.DataFrame({"details/what": [" ".join(c) for c in chosen]})
    details = pd.DataFrame(
        {f"details/what/{code}": [str(int(code in c)) if c else "" for c in chosen] for code in CRIMES}
    )
    groups = "strip" if strip else "keep"
    first, second = (sm.read_survey(t, form=form, groups=groups) for t in (summary, details))
    name = "what" if strip else "details/what"
    for code in CRIMES:
        pd.testing.assert_series_equal(first.frame[f"{name}/{code}"], second.frame[f"{name}/{code}"])
        asked = first.frame[f"{name}/{code}"].notna()
        assert asked.tolist() == [bool(c) for c in chosen]


def test_rows_of_a_repeat_without_a_response_do_not_stop_a_design() -> None:
    main = sm.read_survey(pd.DataFrame({"w": [1.0, 2.0], "_index": [1, 2]}))
    people = sm.read_survey(pd.DataFrame({"hurt": [1, 0, 1], "_parent_index": [1, 2, 7]}))
    joined = sm.join_repeat(people, main, columns=["w"])
    estimate = sm.survey_estimate(sm.SurveyDesign(joined, weight="w"), "hurt")
    assert estimate.settings["overall"]["estimate"] == pytest.approx(1 / 3)
    assert estimate.audit.by_reason()["rows"].to_dict() == {"no_parent": 1}


@pytest.mark.parametrize("mark", [" ", ", ", "; ", " | "])
@pytest.mark.parametrize("language", ["English (en)", None])
def test_a_summary_of_labels_is_turned_back_into_codes(
    form: sm.Codebook, mark: str, language: str | None
) -> None:
    labels = [mark.join(code.title() for code in cell.split()) for cell in WHAT]
    found = sm.read_survey(pd.DataFrame({**BASE, "what": labels}), form=form, language=language)
    coded = sm.read_survey(pd.DataFrame({**BASE, "what": WHAT}), form=form)
    for code in CRIMES:
        assert found.frame[f"what/{code}"].equals(coded.frame[f"what/{code}"])
    assert "unlisted_answer" not in found.audit.flags


def test_a_summary_that_is_neither_codes_nor_labels_is_kept_and_flagged(form: sm.Codebook) -> None:
    found = sm.read_survey(pd.DataFrame({**BASE, "what": ["Theft Kidnap", *WHAT[1:]]}), form=form)
    assert found.audit.flags["unlisted_answer"].tolist() == [0]


@pytest.mark.parametrize(
    "columns",
    [
        {"loc": "-1.2621 36.8584 1650 8"},
        {
            "_loc_latitude": "-1.2621",
            "_loc_longitude": "36.8584",
            "_loc_altitude": "1650",
            "_loc_precision": "8",
        },
        {"g/_loc_latitude": "-1.2621", "g/_loc_longitude": "36.8584", "g/_loc_precision": "8"},
        {"loc-Latitude": "-1.2621", "loc-Longitude": "36.8584", "loc-Altitude": "1650", "loc-Accuracy": "8"},
        {"g-loc-Latitude": "-1.2621", "g-loc-Longitude": "36.8584", "g-loc-Accuracy": "8"},
        {"loc:Latitude": "-1.2621", "loc:Longitude": "36.8584", "loc:Accuracy": "8"},
        {"loc.Latitude": "-1.2621", "loc.Longitude": "36.8584", "loc.Accuracy": "8"},
        {"loc": "POINT (36.8584 -1.2621)"},
        {"loc": "POINT Z(36.8584 -1.2621 1650)"},
        {"loc": '{"type":"Point","coordinates":[36.8584,-1.2621,1650],"properties":{"accuracy":8}}'},
    ],
)
def test_every_way_to_write_a_position(columns: dict[str, str]) -> None:
    """F6; of WKT and GeoJSON the longitude comes first."""
    rows = pd.DataFrame({k: [v, ""] for k, v in columns.items()})
    found = sm.read_survey(rows)
    assert found.frame["x"].iloc[0] == pytest.approx(36.8584)
    assert found.frame["y"].iloc[0] == pytest.approx(-1.2621)
    assert found.frame["x"].isna().tolist() == [False, True]
    assert found.audit.n_in == 2


def test_repeats_lead_to_their_response_by_every_key() -> None:
    for child, parent in (("_parent_index", "_index"), ("_submission__uuid", "_uuid"),
                          ("_submission__id", "_id"), ("PARENT_KEY", "KEY")):  # fmt: skip
        main = sm.read_survey(pd.DataFrame({"ward": ["A", "B"], parent: ["11", "12"]}))
        people = sm.read_survey(pd.DataFrame({"age": ["30", "8", "51"], child: ["11", "99", "12"]}))
        joined = sm.join_repeat(people, main, columns=["ward"])
        assert joined.frame["ward"].tolist() == ["A", "B"]
        assert joined.audit.set_aside["reason"].to_dict() == {1: "no_parent"}
        assert joined.audit.n_in == 3
