"""Questionnaires: dialects, groups, languages, and the three real forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import safemap as sm
from safemap.errors import InputError
from safemap.intake.xlsform import label_language, match_language, split_type

RealData = Callable[[str], Path]


def write_form(path: Path, **sheets: list[dict[str, str]]) -> Path:
    """A workbook with one sheet per keyword."""
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(book, sheet_name=name, index=False)
    return path


SURVEY = [
    {"type": "start", "name": "start"},
    {"type": "begin_group", "name": "home", "relevant": "${consent} = 'yes'"},
    {"type": "integer", "name": "size", "label::English (en)": "How many live here?", "required": "true"},
    {"type": "begin repeat", "name": "person", "repeat_count": "${size}"},
    {"type": "integer", "name": "age", "label::English (en)": "Age", "relevant": "${size} > 1"},
    {"type": "end repeat"},
    {"type": "end_group"},
    {"type": "note", "name": "thanks", "label::English (en)": "Thank you"},
    {
        "type": "select_one yn",
        "name": "consent",
        "label::English (en)": "May we?",
        "label::Kiswahili (sw)": "Je?",
    },
    {"type": "text", "name": "old", "disabled": "yes"},
]
CHOICES = [
    {"list_name": "yn", "name": "yes", "label::English (en)": "Yes", "label::Kiswahili (sw)": "Ndiyo"},
    {"list_name": "yn", "name": "no", "label::English (en)": "No", "label::Kiswahili (sw)": "Hapana"},
    {"list_name": "", "name": ""},
    {"list_name": "size", "name": "1", "label::English (en)": "One"},
]


def test_a_form_becomes_a_codebook(tmp_path: Path) -> None:
    form = sm.read_xlsform(
        write_form(
            tmp_path / "form.xlsx", survey=SURVEY, choices=CHOICES,
            settings=[{"form_title": "Safety", "default_language": "Kiswahili (sw)"}],
        )
    )  # fmt: skip
    assert [q.name for q in form] == ["start", "size", "age", "consent"]
    assert form.languages == ("English (en)", "Kiswahili (sw)")
    age = form["age"]
    assert (age.path, age.repeat, age.groups) == ("home/person/age", "person", ("home", "person"))
    assert age.relevant == ("${consent} = 'yes'", "${size} > 1")
    assert form["size"].required
    assert form["home/size"] is form["size"]
    assert form.choice_labels("consent", "en") == {"yes": "Yes", "no": "No"}
    assert form.label("consent") == "Je?"  # the default language of the form
    assert form.label("consent", "english") == "May we?"
    assert form.label("size", "sw") == "size"  # no label there
    assert "old" not in form
    table = form.to_frame("en")
    assert table.loc["age", ["type", "label", "repeat"]].tolist() == ["integer", "Age", "person"]
    assert table.loc["consent", "choices"] == "yes, no"


def test_names_that_are_not_there(tmp_path: Path) -> None:
    form = sm.read_xlsform(write_form(tmp_path / "form.xlsx", survey=SURVEY, choices=CHOICES))
    with pytest.raises(InputError, match=r"no question 'consnt'. Did you mean 'consent'"):
        form["consnt"]
    with pytest.raises(InputError, match="no labels in 'ru'"):
        form.label("consent", "ru")


@pytest.mark.parametrize(
    ("survey", "words"),
    [
        (
            [{"type": "begin group", "name": "a"}, {"type": "text", "name": "q"}],
            "group 'a' is opened and never closed",
        ),
        (
            [{"type": "begin group", "name": "a"}, {"type": "end repeat", "name": ""}],
            "row 3: end of a repeat, but group 'a'",
        ),
        ([{"type": "end group", "name": ""}], "nothing is open"),
        ([{"type": "note", "name": "n"}], "no question was found"),
        ([{"type": "text", "label": "x"}], "column 'name' is missing"),
    ],
)
def test_broken_forms_say_where(tmp_path: Path, survey: list[dict[str, str]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        sm.read_xlsform(write_form(tmp_path / "form.xlsx", survey=survey))


def test_a_workbook_that_is_no_form(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sheet 'survey'"):
        sm.read_xlsform(write_form(tmp_path / "data.xlsx", data=[{"a": "1"}]))
    (tmp_path / "text.xlsx").write_text("no workbook")
    with pytest.raises(InputError, match="cannot be read as a workbook"):
        sm.read_xlsform(tmp_path / "text.xlsx")


@pytest.mark.parametrize(
    ("text", "kind", "list_name"),
    [
        ("select_one yn", "select_one", "yn"), ("select one yn", "select_one", "yn"),
        ("select one from yn", "select_one", "yn"), ("begin group", "begin_group", None),
        ("select_multiple crimes or_other", "select_multiple", "crimes"),
        ("select all that apply from crimes", "select_multiple", "crimes"),
        ("end_repeat", "end_repeat", None), ("geopoint", "geopoint", None), ("", "", None),
        ("select_one_from_file villages.csv", "select_one", "villages.csv"),
    ],
)  # fmt: skip
def test_types_in_their_dialects(text: str, kind: str, list_name: str | None) -> None:
    assert split_type(text) == (kind, list_name)


def test_languages_in_their_dialects() -> None:
    assert label_language("label::Русский (ru)") == "Русский (ru)"
    assert label_language("label : english") == "english"
    assert label_language("constraint_message::english") is None
    known = ("English (en)", "Oʻzbekcha (uz)")
    assert match_language("uz", known) == "Oʻzbekcha (uz)"
    assert match_language("ENGLISH", known) == "English (en)"
    assert match_language("", known) is None


@pytest.mark.real
def test_the_real_form_of_nairobi(real_data: RealData) -> None:
    """Against its own sheets as CSV, read by other means."""
    form = sm.read_xlsform(real_data("xlsforms/Nairobi_2021.xls"))
    sheet = pd.read_csv(
        real_data("xlsforms/Nairobi_2021_survey-sheet.csv"), sep=";", dtype=str, keep_default_na=False
    )
    silent = sheet["type"].str.match(r"(begin|end)_|note$") | (sheet["type"] == "")
    assert [q.name for q in form] == sheet.loc[~silent, "name"].tolist()
    labels = sheet.loc[~silent].set_index("name")["label"].str.strip()
    assert all(
        form.label(q.name) == (labels[q.name] or q.name)
        for q in form
        if labels.index.tolist().count(q.name) == 1
    )
    text = real_data("xlsforms/Nairobi_2021_choices-sheet.csv").read_text("utf-8-sig")
    names = [line.split(";")[0] for line in text.splitlines()[1:]]
    assert {name: len(c) for name, c in form.choices.items()} == {n: names.count(n) for n in names if n}
    assert sum(len(c) for c in form.choices.values()) == 274
    assert {q.repeat for q in form} == {None, "Rep_names_HH", "Rep_Bio_HH"}
    assert sum(q.type == "geopoint" for q in form) == 3
    assert len(form["Relation_to_HH"].relevant) >= 1


@pytest.mark.real
def test_the_real_form_of_rio(real_data: RealData) -> None:
    form = sm.read_xlsform(real_data("xlsforms/rio_pinkcar_survey_xlsform.xlsx"))
    assert len(form) == 205
    assert form.languages == ("portuguese", "english", "default")
    assert form.choice_labels("employment", "default").keys() == {"1", "2", "3", "4"}
    assert (
        form.label("employment")
        == form.label("employment", "english")
        != form.label("employment", "portuguese")
    )
    assert "control/survey/demographics/C/employment" in form
    assert [c.name for c in form.choices["yesno"]] == ["1", "0"]


@pytest.mark.real
def test_the_reference_form(real_data: RealData) -> None:
    form = sm.read_xlsform(real_data("xlsforms/xlsform_spec_test.xlsx"))
    assert form.choice_labels("skip_to_end", "chinese") == {"yes": "是", "no": "没有"}
    assert form["select_multiple_test"].type == "select_multiple"
    assert form["select_multiple_test"].repeat == "repeat_test"
    assert form["required_text"].relevant[0] == "not(selected(${skip_to_end}, 'yes'))"
