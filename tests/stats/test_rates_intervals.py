"""Intervals of counts and empirical Bayes against printed numbers, R (spdep), GeoDa, and the definition."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.stats import poisson

from safemap.errors import ConfigError, StatisticsError
from safemap.stats.rates import (
    eb_index,
    empirical_bayes,
    local_empirical_bayes,
    poisson_interval,
    standardised_ratio,
)

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def sids() -> dict[str, np.ndarray]:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    run = subprocess.run(
        ["Rscript", str(HERE / "rates_oracle.R")], capture_output=True, text=True, check=False
    )
    if run.returncode:
        pytest.skip("the R packages spdep and sf are not installed")
    names = ["events", "people", "eb", "local_spdep", "local_geoda", "low", "high", "i", "j"]
    lines = [np.array(line.split(), dtype=float) for line in run.stdout.splitlines()]
    return dict(zip(names, lines, strict=True))


def _links(sids):
    at = sids["i"].astype(int) - 1, sids["j"].astype(int) - 1
    return coo_array((np.ones(len(at[0])), at), shape=(len(sids["events"]),) * 2).tocsr()


def test_empirical_bayes_equals_spdep(sids):
    e, n = sids["events"], sids["people"]
    np.testing.assert_allclose(empirical_bayes(e, n), sids["eb"], rtol=1e-12)
    for like in ("spdep", "geoda"):
        own, towards = local_empirical_bayes(e, n, _links(sids), like=like)
        np.testing.assert_allclose(own * e / n + (1 - own) * towards, sids[f"local_{like}"], rtol=1e-12)
    with pytest.raises(ConfigError, match="geoda, spdep"):
        local_empirical_bayes(e, n, _links(sids), like="esda")


def test_exact_limits_equal_those_of_r(sids):
    low, high = poisson_interval(sids["events"])
    np.testing.assert_allclose(low, sids["low"], rtol=1e-9)
    np.testing.assert_allclose(high, sids["high"], rtol=1e-9)


def test_index_and_empirical_bayes_equal_those_of_geoda():
    libgeoda = pytest.importorskip("pygeoda.libgeoda")
    rng = np.random.default_rng(6)
    n = rng.integers(300, 20_000, 50).astype(float)
    e = rng.poisson(0.004 * n * rng.uniform(0.5, 2, 50)).astype(float)
    for ours, theirs in ((eb_index, "gda_rateStandardizeEB"), (empirical_bayes, "gda_rateSmootherEBS")):
        found = libgeoda.VecDouble([0.0] * 50)
        people, events = libgeoda.VecDouble(n.tolist()), libgeoda.VecDouble(e.tolist())
        getattr(libgeoda, theirs)(people, events, found, libgeoda.VecBool([False] * 50))
        np.testing.assert_allclose(ours(e, n), list(found), rtol=1e-10)


@pytest.mark.parametrize("count", [0, 1, 5, 10, 400])
def test_mid_p_limits_solve_their_equation(count):
    low, high = poisson_interval(count, interval="mid-p")
    assert poisson.cdf(count, high) - poisson.pmf(count, high) / 2 == pytest.approx(0.025, abs=1e-10)
    if count:
        assert poisson.sf(count, low) + poisson.pmf(count, low) / 2 == pytest.approx(0.025, abs=1e-10)
    else:
        assert (low, high) == (0, pytest.approx(-np.log(0.05)))


@given(st.integers(0, 5000), st.floats(0.1, 0.999))
def test_mid_p_lies_within_exact_and_byar_near_it(count, confidence):
    exact, mid = (poisson_interval(count, confidence=confidence, interval=i) for i in ("exact", "mid-p"))
    assert exact[0] <= mid[0] <= max(mid[1], exact[0])
    assert mid[1] <= exact[1]
    assert mid[0] <= mid[1]
    if count >= 10 and 0.9 <= confidence <= 0.99:
        byar = poisson_interval(count, confidence=confidence, interval="byar")
        np.testing.assert_allclose(byar, exact, rtol=0.004)


@pytest.mark.parametrize("mean", [0.3, 1.7, 8.0, 60.0])
def test_coverage_of_the_three_intervals(mean):
    k = np.arange(300)
    covered = {}
    for interval in ("exact", "mid-p", "byar"):
        low, high = poisson_interval(k, interval=interval)
        covered[interval] = poisson.pmf(k, mean)[(low <= mean) & (mean <= high)].sum()
    assert covered["exact"] >= 0.95
    assert covered["mid-p"] >= 0.92
    assert covered["mid-p"] <= covered["exact"]
    assert covered["byar"] >= 0.945


def test_byar_by_hand_and_close_to_exact():
    # Breslow and Day 1987, equation 2.13, with z = 1.96: 40 events
    low, high = poisson_interval(40, interval="byar")
    assert low == pytest.approx(40 * (1 - 1 / 360 - 1.959964 / (3 * np.sqrt(40))) ** 3)
    assert high == pytest.approx(41 * (1 - 1 / 369 + 1.959964 / (3 * np.sqrt(41))) ** 3)
    assert poisson_interval(0, interval="byar")[0] == 0


def test_ratio_and_its_laws():
    o, e = np.array([3.0, 12, 40]), np.array([5.0, 10, 44])
    for interval in ("exact", "mid-p", "byar"):
        ratio, low, high = standardised_ratio(o, e, interval=interval)
        np.testing.assert_allclose(
            np.array([ratio, low, high]) / 2, standardised_ratio(o, 2 * e, interval=interval)
        )
        assert ((low < ratio) & (ratio < high)).all()
    assert np.isnan(standardised_ratio([1], [0])).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: poisson_interval([-1]), StatisticsError, "0 or more"),
        (lambda: poisson_interval([np.inf]), StatisticsError, "finite"),
        (lambda: poisson_interval([1], confidence=95), ConfigError, "confidence"),
        (lambda: poisson_interval([1], interval="wald"), ConfigError, "exact, mid-p, byar"),
        (lambda: standardised_ratio([1], [-1]), StatisticsError, "Expected"),
    ],
)
def test_senseless_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
