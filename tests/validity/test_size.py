"""Nothing is flagged where nothing is, as often as promised; the same nulls as ``docs/validity-size.md``.

A few small maps run always; the full table is marked slow.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "validity.py"


def _load():
    spec = importlib.util.spec_from_file_location("validity_benchmark", _FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["validity_benchmark"] = module
    spec.loader.exec_module(module)
    return module


bench = _load()
KEPT = [null for null in bench.NULLS if null is not bench.CRUDE]
NAMES = [f"{null.name}: {null.kind}" for null in KEPT]


@pytest.mark.parametrize("null", KEPT, ids=NAMES)
def test_size_on_small_maps(null):
    row = bench.measure(null, bench.town(10, 10), 60)
    assert bench.too_often(row) == []


def test_isolates_and_weights_keep_the_size():
    for where in (bench.town(10, 10, isolates=3), bench.town(10, 10, corners=0.4)):
        assert bench.too_often(bench.measure(bench.NORMAL, where, 60)) == []


def test_crude_rates_are_what_the_measure_catches():
    row = bench.measure(bench.CRUDE, bench.town(25, 25), 40)
    assert bench.too_often(row)


def test_both_nulls_keep_their_promise_where_one_alone_does_not():
    """A dense quarter in a thin country, and risks that differ: each breaks one null, none breaks both."""
    found = {}
    for null in bench.UNEQUAL[:3] + bench.UNEQUAL[-3:]:
        found[null.name, null.kind] = bench.measure(null, bench.town(25, 25), 40)
    broken = {key for key, row in found.items() if bench.too_often(row)}
    thin, scattered = bench.UNEQUAL[0].name, bench.UNEQUAL[-1].name
    assert broken == {(thin, bench.UNEQUAL[0].kind), (scattered, bench.UNEQUAL[-2].kind)}


@pytest.mark.slow
@pytest.mark.parametrize("null", [n for n in bench.UNEQUAL if n.kind == bench.BOTH], ids=lambda n: n.name)
def test_both_nulls_keep_their_promise_on_many_maps(null):
    assert bench.too_often(bench.measure(null, bench.town(30, 30), 200)) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", bench.SIZES, ids=str)
@pytest.mark.parametrize("null", KEPT, ids=NAMES)
def test_size(null, size):
    rows, columns, maps = size
    row = bench.measure(null, bench.town(rows, columns), maps)
    assert bench.too_often(row) == []


@pytest.mark.slow
@pytest.mark.parametrize("null", [n for n in bench.RARE if not n.kind.startswith("EB")], ids=lambda n: n.name)
def test_constant_risk_keeps_its_promise_where_the_index_does_not(null):
    assert bench.too_often(bench.measure(null, bench.town(50, 50), 300)) == []
