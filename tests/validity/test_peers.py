"""The same statistics and the same p as esda, GeoDa and spdep, on the same values and links.

``docs/agreement.md`` is the table. Columbus and Chicago run always, Mexico City is slow.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PEERS = ("esda", "pygeoda", "spdep")


def _load():
    """``benchmarks/agreement.py``, which needs the folder it lies in."""
    spec = importlib.util.spec_from_file_location("agreement", BENCHMARKS / "agreement.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["agreement"] = module
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


bench = _load()


@pytest.fixture(scope="module", params=PEERS)
def peer(request):
    """The comparisons of one program that is installed."""
    known = bench.peers()
    if request.param not in known:
        pytest.skip(f"{request.param} is not installed")
    return known[request.param]


def agree(data, peer) -> int:
    """Every statistic to ten digits, every p within the error of the draws; the number of comparisons."""
    if data is None:
        pytest.skip("real data not at hand (set SAFEMAP_REAL_DATA to the folder that holds it)")
    rows = list(peer(data))
    for row in rows:
        assert row.relative <= bench.DIGITS, f"{row.peer}: {row.statistic} differs by {row.difference}"
        if row.p is None:
            continue
        assert np.isfinite(row.p).all()
        if not row.tied:
            assert row.all_agree, f"{row.peer}: p of {row.statistic} agrees in {row.share:.1%} of areas"
        else:  # the page says why; still nearly the same
            assert row.share >= 0.85
            assert row.p_difference <= LARGEST
    return len(rows)


#: largest difference of a p where the other program's draws or ties are known to be off
LARGEST = 0.06


def test_columbus(peer):
    assert agree(bench.columbus(), peer) >= 7


def test_chicago(peer):
    assert agree(bench.chicago(), peer) >= 7


@pytest.mark.slow
def test_mexico_city(peer):
    assert agree(bench.colonias(), peer) >= 7


def test_the_measure_sees_a_wrong_p_and_a_wrong_statistic():
    """Half of the p, or the variance with another divisor, is found out."""
    rng = np.random.default_rng(5)
    true = rng.uniform(0.01, 0.5, 200)
    ours, theirs = (rng.binomial(bench.DRAWS, true) / bench.DRAWS for _ in range(2))
    same = bench.Comparison("made", 200, "s", "p", true, true, p=ours, p_peer=theirs)
    assert same.all_agree
    assert same.share > 0.99
    assert not same._replace(p=ours / 2).all_agree
    assert not same._replace(p=ours + 0.05 * (np.arange(200) == 7)).all_agree
    assert same._replace(ours=true * 49 / 48).relative > bench.DIGITS


def test_islands_are_no_finding_although_esda_says_so():
    pytest.importorskip("esda", reason="esda is not installed")
    found = bench.isolates()
    assert found["classes"] == 3
    assert found["esda"] <= 0.001
