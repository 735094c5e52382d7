"""Every number of the list of anchors is reproduced to its last printed digit."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("safemap_anchors", ROOT / "benchmarks" / "anchors.py")
book = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = book
_SPEC.loader.exec_module(book)

ANCHORS = list(book.anchors())


@pytest.mark.parametrize("anchor", ANCHORS, ids=[f"{a.group}: {a.name}" for a in ANCHORS])
def test_printed_number_is_reproduced(anchor):
    if anchor.needs == "R" and not book.r_available():
        pytest.skip("needs R with spdep and spData, from which these data come")
    value = float(anchor.compute())
    assert anchor.agrees(value), f"printed {anchor.printed}, computed {value!r}"


def test_page_lists_every_number_as_agreeing():
    page = book.PAGE.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and "number" not in line]
    listed = {(row[0].removeprefix("| ").removesuffix(" (R)"), row[1]) for row in rows}
    assert {(a.name, a.printed) for a in ANCHORS} <= listed
    assert len(rows) == len(ANCHORS)
    assert all(row[-1].startswith("equal") for row in rows)


def test_agreement_is_to_the_last_printed_digit():
    anchor = book.Anchor("", "", "3.438675e-05", lambda: 0.0)
    assert anchor.agrees(3.4386754e-05)
    assert not anchor.agrees(3.438676e-05)
    assert not book.Anchor("", "", "11", lambda: 0.0).agrees(12)
