"""Roles of columns: proposed from words and content, with a confidence; mapping files; personal data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import safemap as sm
from safemap.errors import ConfigError, InputError
from safemap.intake.header_words import WORDS
from safemap.intake.mapping import as_mapping, mapping_text
from safemap.intake.roles import ROLES, personal_columns, propose_roles

CONTENT = {
    "lon": [69.2, 69.3, 69.25, 69.21], "lat": [41.2, 41.3, 41.25, 41.21],
    "date": ["2023-01-31", "2023-02-01"] * 2,
    "time": ["10:30", "23:59"] * 2, "category": ["theft", "fraud"] * 2,
    "address": ["Amir Temur 1", "Navoiy 2"] * 2,
}  # fmt: skip
HEADERS = {
    "en": {
        "lon": "Longitude",
        "lat": "Latitude",
        "date": "Date of event",
        "time": "Time",
        "category": "Offence",
        "address": "Address",
        "personal": "Victim name",
    },
    "es": {
        "lon": "LONGITUD",
        "lat": "latitud",
        "date": "Fecha del hecho",
        "time": "hora_hecho",
        "category": "Delito",
        "address": "Dirección",
        "personal": "Nombre de la víctima, teléfono",
    },
    "ru": {
        "lon": "Долгота",
        "lat": "Широта",
        "date": "Дата совершения",
        "time": "Время",
        "category": "Вид преступления",
        "address": "Адрес",
        "personal": "ФИО",
    },
    "uz": {
        "lon": "Uzunlik",
        "lat": "Kenglik",
        "date": "Sodir etilgan sana",
        "time": "Vaqt",
        "category": "Jinoyat turi",
        "address": "Manzil",
        "personal": "Telefon raqami",
    },
    "uz-Cyrl": {
        "lon": "Узунлик",
        "lat": "Кенглик",
        "date": "Сана",
        "time": "Вақт",
        "category": "Жиноят тури",
        "address": "Манзил",
        "personal": "Жабрланувчи",
    },
    "sw": {
        "lon": "longitudo",
        "lat": "latitudo",
        "date": "Tarehe ya tukio",
        "time": "Saa",
        "category": "Aina ya kosa",
        "address": "Anwani",
        "personal": "Nambari ya simu",
    },
}


@pytest.mark.parametrize("language", HEADERS)
def test_headers_in_every_language(language: str) -> None:
    headers = HEADERS[language]
    table = pd.DataFrame({headers[role]: CONTENT.get(role, ["x1", "x2", "x3", "x4"]) for role in headers})
    found = propose_roles(table)
    assert {found.loc[header, "role"]: header for header in table.columns} == headers
    assert (found["confidence"] >= 0.5).all()


def test_a_good_header_with_the_wrong_content_is_not_taken() -> None:
    table = pd.DataFrame(
        {"date": ["robo", "hurto"], "lon": ["a", "b"], "lat": ["c", "d"], "category": [1.5, 2.5]}
    )
    assert propose_roles(table)["role"].tolist() == ["", "", "", ""]


def test_the_event_comes_before_the_report_and_halves_are_none() -> None:
    table = pd.DataFrame(
        {"fecha_inicio": ["2023-01-02"], "fecha_hecho": ["2023-01-01"], "longitud": ["-99,1"]}
    )
    found = propose_roles(table)
    assert found["role"].to_dict() == {"fecha_inicio": "reported", "fecha_hecho": "date", "longitud": ""}
    assert "no column looks like lat" in found.loc["longitud", "why"]


def test_survey_and_counts() -> None:
    table = pd.DataFrame(
        {"UPM_DIS": [1, 1, 2, 2], "EST_DIS": [1, 1, 1, 2], "FAC_ELE": [10, 12, 9, 11], "Tuman": list("aabb"),
         "Soni": [4, 5, 6, 7], "_id": [1, 2, 3, 4]}
    )  # fmt: skip
    assert propose_roles(table)["role"].tolist() == ["psu", "stratum", "weight", "area", "count", "id"]


def test_degrees_minutes_and_seconds_are_coordinates() -> None:
    table = pd.DataFrame({"Lat": ["19°25'12\"N"] * 2, "Lon": ["99°8'30\"W"] * 2})
    assert propose_roles(table)["role"].tolist() == ["lat", "lon"]


@pytest.mark.parametrize(
    ("column", "values"),
    [("contacto", ["ana@example.org", "b@example.net"]), ("dato", ["+998901234567", "+998 90 123 45 67"]),
     ("clave", ["GOML850101HDFRRN09", "PEMA900202MDFRRN01"]), ("details/phone_number", ["qz1", "qz2"]),
     ("Паспорт №", ["71", "72"]), ("Apellido paterno", ["qz1", "qz2"]), ("Tugʻilgan sanasi", ["qz1", "qz2"])],
)  # fmt: skip
def test_personal_data_by_header_or_pattern(column: str, values: list[str]) -> None:
    found = personal_columns(pd.DataFrame({column: values, "delito": ["robo", "hurto"]}))
    assert list(found) == [column]
    assert not any(value in found[column] for value in values)


@pytest.mark.parametrize(
    "column", ["name", "nombre_colonia", "delito", "suspect count", "n_phones_stolen", "fine"]
)
def test_harmless_columns(column: str) -> None:
    assert personal_columns(pd.DataFrame({column: ["Roma", "Centro"]})) == {}


def test_words_are_many_and_lead_somewhere() -> None:
    assert set(ROLES) | {"personal", "name", "population", "area_id"} == set(WORDS)
    assert all(words and all(words_) for words in WORDS.values() for words_ in words)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=12), st.lists(st.text(max_size=6), min_size=3, max_size=3)),
        max_size=6,
    )
)
def test_any_table_gets_an_answer(columns: list[tuple[str, list[str]]]) -> None:
    table = pd.DataFrame(dict(columns), index=range(3))
    found = propose_roles(table)
    assert found.index.tolist() == [str(c) for c in table.columns]
    used = found.loc[~found["role"].isin(["", "personal"]), "role"]
    assert used.is_unique
    assert found["confidence"].between(0, 1).all()


ROWS = pd.DataFrame(
    {"Longitud": ["-99,1", "-99,2"], "Latitud": ["19,3", "19,4"], "Fecha": ["03/04/2023", "05/04/2023"],
     "Teléfono": ["55", "56"], "nota": ["a", "b"]}
)  # fmt: skip


@pytest.mark.parametrize("ending", ["toml", "csv"])
def test_a_mapping_is_written_once_and_used_again(tmp_path: Path, ending: str) -> None:
    file = sm.write_mapping(sm.propose_columns(ROWS), tmp_path / f"columns.{ending}", dayfirst=True)
    found = sm.read_incidents(ROWS, mapping=file)
    assert found.report.roles == {"lon": "Longitud", "lat": "Latitud", "date": "Fecha"}
    assert found.frame["date"].dt.month.tolist() == [4, 4]
    assert found.settings["personal"] == ["Teléfono"]
    assert found.report.unknown_columns == ()
    later = ROWS.rename(columns={"Longitud": " LONGITUD", "nota": "observaciones"})
    again = sm.read_incidents(later, mapping=file)
    assert again.report.unknown_columns == ("observaciones",)
    assert any("does not have: 'nota'" in note for note in again.report.notes)
    assert "not in the mapping: observaciones" in again.report.summary()
    assert again.report.reasons["lon"] == f"named in {file.name}"


def test_what_is_named_by_hand_wins() -> None:
    rows = ROWS.assign(x="-98,9", y="19,0")
    found = sm.read_incidents(rows, mapping={"lon": "Longitud", "lat": "Latitud"}, lon="x", lat="y")
    assert found.report.roles == {"lon": "x", "lat": "y"}
    assert (
        sm.read_incidents(ROWS, mapping=sm.propose_columns(ROWS.drop(columns="Fecha"))).report.roles["lat"]
        == "Latitud"
    )


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [("[columns]\nplace = 'a'\n", ConfigError, "'place' is no role"),
     ("[columns]\nlon = 1\n", ConfigError, "texts in quotes"), ("[columns\n", InputError, "no TOML"),
     ("[rows]\na = 'b'\n", ConfigError, "has the parts"),
     ("[options]\ndayfirst = 'yes'\n", ConfigError, "should be bool"),
     ("[options]\nspeed = 3\n", ConfigError, "'speed' is no option"),
     ("[columns]\nlon = 'a'\n[others]\nb = 'lon'\n", ConfigError, "given to 'a' and to 'b'")],
)  # fmt: skip
def test_faults_of_a_mapping_file_are_told(tmp_path: Path, text: str, error: type, words: str) -> None:
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        as_mapping(tmp_path / "m.toml")


def test_names_with_quotes_and_line_ends_survive(tmp_path: Path) -> None:
    hostile = 'lon "x"\n= 1 # \\'
    table = pd.DataFrame(
        {"role": ["lon", "lat"], "confidence": [1.0, 1.0], "why": ["a\nb", "c"]}, index=[hostile, "y"]
    )
    (tmp_path / "m.toml").write_text(mapping_text(table), encoding="utf-8")
    assert as_mapping(tmp_path / "m.toml").roles == {"lon": hostile, "lat": "y"}


@pytest.mark.real
def test_a_real_register(real_data) -> None:
    found = sm.propose_columns(real_data("cdmx/fgj_iztapalapa_2023_latin1.csv"))
    roles = {role: column for column, role in found["role"].items() if role}
    assert roles["lon"] == "longitud"
    assert roles["lat"] == "latitud"
    assert roles["date"] == "fecha_hecho"
    assert roles["category"] == "delito"


def test_the_doctor_looks_at_files(tmp_path: Path) -> None:
    from safemap.report.doctor import examine_files

    ROWS.to_csv(tmp_path / "a.csv", index=False, sep=";")
    found = examine_files([tmp_path / "a.csv"])["a.csv"]
    assert found["Longitud"].startswith("lon (1.00): header is 'longitud'")
    assert found["Teléfono"].startswith("personal")
