"""Encodings told apart by what comes out."""

from __future__ import annotations

import pytest

from safemap.errors import InputError
from safemap.intake.encoding import decode, plausibility

SPANISH = "DAÑO EN PROPIEDAD AJENA;Transeúnte;México;Álvaro Obregón;Cuauhtémoc;VÍA PÚBLICA;Güicho;Peñón\n"
RUSSIAN = "Кража;Грабёж;Район Чиланзар;улица Мирзо-Улугбека;тяжкий вред здоровью;ХУЛИГАНСТВО\n"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        (SPANISH, "utf-8", "utf-8"),
        (SPANISH, "utf-8-sig", "utf-8-sig"),
        (SPANISH, "latin-1", "latin-1"),
        (SPANISH + "«¿Qué?» – dijo “él”\n", "cp1252", "cp1252"),
        (SPANISH, "utf-16", "utf-16"),
        (RUSSIAN, "utf-8", "utf-8"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "cp866", "cp866"),
        ("id;name\n1;plain\n", "ascii", "utf-8"),
        ("PEÑA\n", "latin-1", "latin-1"),
        ("Дом\n", "cp1251", "cp1251"),
    ],
)
def test_detected_and_decoded(text: str, encoding: str, expected: str) -> None:
    text = text.replace("«", "«")
    decoded = decode(text.encode(encoding), source="a.csv")
    assert decoded.encoding == expected
    assert decoded.text == text
    assert decoded.score is not None
    assert decoded.score > 0.5


def test_a_mixed_file_keeps_every_character() -> None:
    text = RUSSIAN + "plain latin words here\n" * 500
    assert decode(text.encode("cp1251"), source="a.csv").text == text


def test_stated_encoding_wins_and_is_checked() -> None:
    assert decode("é".encode("cp1252"), encoding="cp1251", source="a.csv").text == "й"
    with pytest.raises(InputError, match="line 2"):
        decode("a\né".encode("latin-1"), encoding="utf-8", source="a.csv")
    with pytest.raises(InputError, match="not known"):
        decode(b"a", encoding="klingon", source="a.csv")


def test_binary_is_no_text() -> None:
    with pytest.raises(InputError, match="null bytes"):
        decode(b"PK\x03\x04\x00\x00abc", source="a.csv")


def test_mojibake_is_said_not_repaired() -> None:
    broken = "México, Álvaro, Ñoño, Iztapalapa\n".encode().decode("latin-1")
    decoded = decode(broken.encode("utf-8"), source="a.csv")
    assert decoded.text == broken
    assert any("UTF-8" in note for note in decoded.notes)


def test_the_right_reading_is_the_most_plausible() -> None:
    data = RUSSIAN.encode("cp1251")
    readings = {
        name: plausibility(data.decode(name, errors="replace")) for name in ("cp1251", "cp1252", "cp866")
    }
    assert max(readings, key=lambda name: readings[name]) == "cp1251"
