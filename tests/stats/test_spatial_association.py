"""Local Geary, join counts, Lee, LOSH, correlogram: spdep, esda, all arrangements of small maps, and laws."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, diags_array, kron

from safemap import build_graph
from safemap.datasets import columbus
from safemap.errors import ConfigError, StatisticsError
from safemap.stats.autocorrelation import join_count, row_standardised
from safemap.stats.correlogram import correlogram, higher_orders
from safemap.stats.feature_permutation import Combination, combination_tails
from safemap.stats.join_counts import (
    join_counts,
    local_join_count,
    local_join_count_test,
    permuted_join_counts,
    smallest_join_count_p,
)
from safemap.stats.lee import lee, local_lee, local_lee_test, permuted_lee, with_self
from safemap.stats.local_geary import local_geary, local_geary_test
from safemap.stats.losh import losh, losh_chi_square, losh_test
from safemap.stats.permutation import conditional_test, p_from_tails

HERE = Path(__file__).parent
ALL = {"permutations": 10**6, "max_permutations": 10**6}


def queen(side: int) -> csr_array:
    line = diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1])
    both = line + diags_array(np.ones(side))
    return csr_array(kron(both, both) - diags_array(np.ones(side**2)))


# against spdep


@pytest.fixture(scope="module")
def spdep() -> dict[str, np.ndarray]:
    """Numbers of spdep 1.2.7, kept; made by spatial_association_oracle.R."""
    table = pd.read_csv(HERE / "spatial_association_oracle.csv")
    return {name: part.sort_values("place")["value"].to_numpy() for name, part in table.groupby("name")}


@pytest.fixture(scope="module")
def areas():
    return columbus()


@pytest.fixture(scope="module")
def links(areas) -> csr_array:
    return build_graph(areas, tolerance=0).adjacency


@pytest.fixture(scope="module")
def w(links) -> csr_array:
    return row_standardised(links)


def test_numbers_kept_are_those_of_spdep(spdep):
    if shutil.which("Rscript") is None:
        pytest.skip("needs R with spdep and spData; the numbers kept beside the test are used")
    run = subprocess.run(
        ["Rscript", str(HERE / "spatial_association_oracle.R")], capture_output=True, text=True, check=False
    )
    if run.returncode:
        pytest.skip("R is there, but not spdep, spData and sf")
    rows = [line.rsplit(",", 2) for line in run.stdout.splitlines()[1:]]
    found = {(name, int(place)): float(value) for name, place, value in rows}
    kept = {(name, i + 1): v for name, values in spdep.items() for i, v in enumerate(values)}
    assert found.keys() == kept.keys()
    for key, value in kept.items():
        if not key[0].startswith("localC E"):
            assert found[key] == pytest.approx(value, rel=1e-9), key


def test_join_counts_of_columbus(areas, links, spdep):
    high = areas["CRIME"].to_numpy() > 35
    for sampling in ("nonfree", "free"):
        found = join_counts(high, links, sampling=sampling)
        for name, one in (("high", found.both), ("low", found.neither)):
            np.testing.assert_allclose(
                [one.joins, one.expected], spdep[f"join {sampling} {name}"][:2], rtol=1e-12
            )
            if sampling == "nonfree":
                assert one.variance == pytest.approx(spdep[f"join nonfree {name}"][2])
    np.testing.assert_allclose(join_counts(high, links).mixed[:3], spdep["join mixed"])
    assert join_counts(high, links).both == pytest.approx(join_count(high, links))


def test_join_counts_of_the_old_columbus():
    """Anchors of spdep's own example (COL.nb, CRIME cut at 35): 34 low-low, 54 high-high."""
    spec = importlib.util.spec_from_file_location(
        "anchor_book", HERE.parents[1] / "benchmarks" / "anchors.py"
    )
    book = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = book
    spec.loader.exec_module(book)
    if not book.r_available():
        pytest.skip("needs R with spdep and spData, from which these data come")
    y, links = book.oldcol()
    found = join_counts(y > 35, links)
    assert found.neither == pytest.approx((34, 29.591837, 18.895496, 1.014095), rel=1e-6)
    assert found.both == pytest.approx((54, 27.224490, 17.888380, 6.330708), rel=1e-6)
    assert sum(one.joins for one in found) == pytest.approx(links.sum() / 2)


def test_lee_of_columbus(areas, links, w, spdep):
    x, y = areas["CRIME"], areas["INC"]
    found, with_own = lee(x, y, w), lee(x, y, with_self(links))
    np.testing.assert_allclose(found[:2], spdep["lee"][:2], rtol=1e-10)
    np.testing.assert_allclose(with_own[:2], spdep["lee self"][:2], rtol=1e-10)
    np.testing.assert_allclose(local_lee(x, y, w).statistic, spdep["local lee"], rtol=1e-10)
    assert local_lee(x, y, w).statistic.mean() == pytest.approx(found.statistic)


def test_variance_of_lee_is_that_of_permutations_not_that_of_spdep(areas, w, spdep):
    """spdep 1.2.7 puts zx zy', which is not symmetric, where its formula needs a symmetric matrix."""
    x, y = areas["CRIME"], areas["INC"]
    drawn = permuted_lee(x, y, w, permutations=20_000).var()
    assert lee(x, y, w).variance == pytest.approx(drawn, rel=0.04)
    assert spdep["lee"][2] > 1.25 * drawn


def test_local_geary_of_columbus(areas, w, spdep):
    x, y = areas["CRIME"].to_numpy(), areas["INC"].to_numpy()
    np.testing.assert_allclose(local_geary(x, w, variance="n-1").statistic, spdep["localC"], rtol=1e-10)
    both = np.column_stack([x, y])
    np.testing.assert_allclose(local_geary(both, w, variance="n-1").statistic, spdep["localC mv"], rtol=1e-10)
    # the means spdep draws lie around those computed here
    np.testing.assert_allclose(local_geary(x, w, variance="n-1").expected, spdep["localC E"], rtol=0.05)


def test_losh_of_columbus(areas, w, spdep):
    found = losh(areas["CRIME"], w)
    np.testing.assert_allclose(found.statistic, spdep["losh"], rtol=1e-10)
    np.testing.assert_allclose(found.variance, spdep["losh var"], rtol=1e-10)
    np.testing.assert_allclose(losh_chi_square(found).at_least, spdep["losh p"], rtol=1e-8)


@pytest.mark.parametrize(("measure", "short"), [("moran", "I"), ("geary", "C")])
def test_correlogram_of_columbus(areas, links, spdep, measure, short):
    found = correlogram(areas["CRIME"], higher_orders(links, 4), measure=measure, permutations=199)
    np.testing.assert_allclose([lag.statistic for lag in found], spdep[f"correlogram {short}"], rtol=1e-10)
    variance = spdep[f"correlogram {short} var"]
    np.testing.assert_allclose([lag.variance for lag in found], variance, rtol=1e-10)
    assert found[0].p_value == 0.01
    assert found[0].p_analytic < 1e-4
    assert np.sign([lag.z_score for lag in found]).tolist() == [1, 1, -1, -1]
    alike = correlogram(
        areas["CRIME"], higher_orders(links, 4), measure=measure, permutations=199, alternative="greater"
    )
    assert [lag.p_value < 0.05 for lag in alike] == [lag.p_analytic < 0.05 for lag in alike]
    assert alike[0].p_value == 0.005
    assert alike[3].p_value > 0.9


# against esda


def test_statistics_are_those_of_esda(areas, links, w):
    from esda import (
        LOSH,
        Geary_Local,
        Geary_Local_MV,
        Join_Counts,
        Join_Counts_Local,
        Join_Counts_Local_BV,
        Spatial_Pearson,
        Spatial_Pearson_Local,
    )

    numbered = areas.reset_index(drop=True)  # esda puts areas with ids of text in another order
    graph = build_graph(numbered, tolerance=0).to_libpysal()
    x, y = areas["CRIME"].to_numpy(), areas["INC"].to_numpy()
    high, rich = (x > 35).astype(float), (y > 14).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = graph.to_W()
        np.testing.assert_allclose(
            local_geary(x, w).statistic, Geary_Local(old, permutations=0).fit(x).localG, rtol=1e-9
        )
        many = Geary_Local_MV(old, permutations=0).fit([x, y]).localG
        np.testing.assert_allclose(local_geary(np.column_stack([x, y]), w).statistic, many, rtol=1e-9)
        counts = Join_Counts(high, graph.to_W(), permutations=0)
        found = join_counts(high, links)
        assert [one.joins for one in found] == [counts.bb, counts.bw, counts.ww]
        ours = local_join_count(high, high, links).joins
        np.testing.assert_array_equal(
            ours, np.asarray(Join_Counts_Local(graph.to_W(), permutations=0).fit(high).LJC)
        )
        for case, focal, around in (
            ("CLC", high * rich, high * rich),
            ("BJC", high * (1 - rich), rich * (1 - high)),
        ):
            theirs = Join_Counts_Local_BV(graph.to_W(), permutations=0).fit(high, rich, case=case).LJC
            np.testing.assert_array_equal(local_join_count(focal, around, links).joins, theirs)
        for v in (w, with_self(links)):
            pearson = Spatial_Pearson(v, permutations=0).fit(x[:, None], y[:, None]).association_[0, 1]
            total = (np.asarray(v.sum(axis=1)) ** 2).sum()
            assert lee(x, y, v).statistic == pytest.approx(pearson * (v.T @ v).sum() / total)
            local = Spatial_Pearson_Local(v.todense(), permutations=0).fit(x[:, None], y[:, None])
            np.testing.assert_allclose(local_lee(x, y, v).statistic, np.ravel(local.associations_))
        h = LOSH(graph.transform("r").to_W(), inference="chi-square").fit(x)
        np.testing.assert_allclose(losh(x, w).statistic, h.Hi)
        np.testing.assert_allclose(losh_chi_square(losh(x, w)).at_least, h.pval, atol=1e-12)


# against all arrangements of small maps


def small(seed: int) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 8))
    a = (rng.random((n, n)) < rng.choice([0.3, 0.6, 0.9])).astype(float)
    if seed % 3 == 0:
        a *= rng.random((n, n)) + 0.1
    np.fill_diagonal(a, 0)
    a[0, 1] = 1.0
    return rng, a


def dealt(a: np.ndarray, i: int, value) -> tuple[float, np.ndarray]:
    """The value of area i and that of every arrangement of the others over its neighbours."""
    near = np.flatnonzero(a[i])
    others = [j for j in range(len(a)) if j != i]
    return value(list(near)), np.array([value(list(s)) for s in itertools.permutations(others, len(near))])


def sides(observed: float, drawn: np.ndarray) -> tuple[float, float]:
    return float((drawn >= observed - 1e-9).mean()), float((drawn <= observed + 1e-9).mean())


@pytest.mark.parametrize("seed", range(16))
def test_local_geary_is_that_of_all_arrangements(seed):
    rng, a = small(seed)
    n, p = len(a), 1 + seed % 2
    x = rng.normal(size=(n, p)) if seed % 4 < 2 else rng.integers(0, 4, size=(n, p)).astype(float)
    x[0], x[1] = 9, 0
    weights = row_standardised(csr_array(a))
    v, z = weights.toarray(), (x - x.mean(axis=0)) / x.std(axis=0)
    found = local_geary(x, weights)
    p_two = local_geary_test(x, weights, **ALL).p_value
    p_alike = local_geary_test(x, weights, alternative="greater", counts=False, **ALL).p_value
    for i in range(n):
        near = np.flatnonzero(v[i])
        if not len(near):
            assert np.isnan(p_two[i])
            continue
        d = ((z - z[i]) ** 2).mean(axis=1)
        observed, drawn = dealt(v, i, lambda s, i=i, d=d, near=near: v[i, near] @ d[s])
        moments = [found.statistic[i], found.expected[i], found.variance[i]]
        np.testing.assert_allclose(moments, [observed, drawn.mean(), drawn.var()], atol=1e-10)
        upper, lower = sides(observed, drawn)
        assert p_two[i] == pytest.approx(min(1, 2 * min(upper, lower)))
        assert p_alike[i] == pytest.approx(lower)


@pytest.mark.parametrize("seed", range(12))
def test_lee_is_that_of_all_arrangements(seed):
    rng, a = small(seed)
    n = len(a)
    x, y = rng.normal(size=(2, n)) if seed % 2 else rng.integers(0, 4, size=(2, n)).astype(float)
    x[:2], y[:2] = (9, 0), (1, 7)
    v = with_self(csr_array(a)) if seed % 4 < 2 else row_standardised(csr_array(a))
    dense = v.toarray()
    zx, zy = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    total = (dense.sum(axis=1) ** 2).sum()
    all_maps = [list(s) for s in itertools.permutations(range(n))]
    drawn = np.array([(dense @ zx[s]) @ (dense @ zy[s]) / total for s in all_maps])
    np.testing.assert_allclose(lee(x, y, v)[:3], [drawn[0], drawn.mean(), drawn.var()], atol=1e-10)
    local, p = local_lee(x, y, v), local_lee_test(x, y, v, **ALL).p_value
    others = dense * (1 - np.eye(n))
    for i in np.flatnonzero(others.sum(axis=1)):
        near, own = np.flatnonzero(others[i]), dense[i, i]

        def product(s, i=i, near=near, own=own):
            return (own * zx[i] + dense[i, near] @ zx[s]) * (own * zy[i] + dense[i, near] @ zy[s])

        observed, drawn = dealt(others, i, product)
        assert local.statistic[i] == pytest.approx(observed)
        assert local.expected[i] == pytest.approx(drawn.mean(), abs=1e-10)
        assert p[i] == pytest.approx(min(1, 2 * min(sides(observed, drawn))))


@pytest.mark.parametrize("seed", range(12))
def test_join_counts_are_those_of_all_arrangements(seed):
    rng, a = small(seed)
    n, links = len(a), csr_array(a)
    kind = rng.random(n) < 0.5
    kind[:2] = True, False

    def joins(k):
        k = np.asarray(k, dtype=float)
        return k @ a @ k / 2, (a * (k[:, None] - k) ** 2).sum() / 2, (1 - k) @ a @ (1 - k) / 2

    maps = np.array([joins(kind[list(s)]) for s in itertools.permutations(range(n))])
    cases = np.array([*itertools.product([0, 1], repeat=n)])
    chance = kind.mean() ** cases.sum(axis=1) * (1 - kind.mean()) ** (n - cases.sum(axis=1))
    free = np.array([joins(case) for case in cases])
    for j, (one, other) in enumerate(
        zip(join_counts(kind, links), join_counts(kind, links, sampling="free"), strict=True)
    ):
        np.testing.assert_allclose(one[:3], [maps[0, j], maps[:, j].mean(), maps[:, j].var()], atol=1e-9)
        mean = chance @ free[:, j]
        np.testing.assert_allclose(other[1:3], [mean, chance @ free[:, j] ** 2 - mean**2], atol=1e-9)
    around = rng.random(n) < 0.5
    around[:2] = False, True
    found = local_join_count(kind, around, links)
    p = {side: local_join_count_test(kind, around, links, alternative=side, **ALL).p_value
         for side in ("greater", "less", "two-sided")}  # fmt: skip
    for i in np.flatnonzero(kind & (a.sum(axis=1) > 0)):
        near = np.flatnonzero(a[i])
        observed, drawn = dealt(a, i, lambda s, i=i, near=near: a[i, near] @ around[s])
        np.testing.assert_allclose(
            [found.joins[i], found.expected[i], found.variance[i]], [observed, drawn.mean(), drawn.var()],
            atol=1e-10,
        )  # fmt: skip
        upper, lower = sides(observed, drawn)
        assert p["greater"][i] == pytest.approx(upper)
        assert p["less"][i] == pytest.approx(lower)
        assert p["two-sided"][i] == pytest.approx(min(1, 2 * min(upper, lower)))
    assert np.isnan(p["greater"][~kind]).all()


def test_losh_is_that_of_all_maps():
    x = np.array([0.0, 1.0, 7.0, 2.0, 2.0, 4.0])
    ring = csr_array(np.roll(np.eye(6), 1, axis=1) + np.roll(np.eye(6), -1, axis=1))
    maps = np.array([losh(x[list(s)], ring).statistic for s in itertools.permutations(range(6))])
    upper = (maps >= maps[0] - 1e-9).mean(axis=0)
    p = losh_test(x, ring, permutations=40_000, max_permutations=1, alternative="greater").p_value
    np.testing.assert_allclose(p, upper, atol=4 * 0.5 / 200)


# the engine of the area's own value


def test_groups_and_windows_count_every_row(monkeypatch):
    """The sorted windows give the very counts that comparing everything with everything gives."""
    import safemap.stats.feature_permutation as engine

    rng = np.random.default_rng(5)
    links, x = queen(12), rng.lognormal(size=(144, 1))
    sites = np.arange(144)
    for product in (False, True):
        features = rng.normal(size=(2, 144)) if product else np.vstack([x.T, (x**2).T])
        own = rng.normal(size=(144, 2)) if product else np.column_stack([-2 * x, np.ones(144)])
        what = Combination(features, own, product)
        monkeypatch.setattr(engine, "_GROUP", 10**9)
        monkeypatch.setattr(engine, "_LEAF", 10**9)
        plain = combination_tails(what, links, sites, 20_000, np.random.SeedSequence(3))
        monkeypatch.setattr(engine, "_GROUP", 48)
        monkeypatch.setattr(engine, "_LEAF", 3)
        for one, other in zip(
            plain, combination_tails(what, links, sites, 20_000, np.random.SeedSequence(3)), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_arrangements_leave_the_area_itself_out():
    """Few areas, many draws: the area's own draws are frequent, and its spare must stand in for them."""
    rng = np.random.default_rng(6)
    a = rng.random((9, 9)) + 0.1
    np.fill_diagonal(a, 0)
    a[:, 6:] = 0
    x = rng.lognormal(size=9) + np.arange(9)
    exact = local_geary_test(x, csr_array(a), **ALL)
    drawn = local_geary_test(x, csr_array(a), permutations=6_000, max_permutations=1)
    assert exact.tails.exact.all()
    assert not drawn.tails.exact.any()
    np.testing.assert_allclose(drawn.p_value, exact.p_value, atol=0.04)


def test_only_small_p_are_drawn_again():
    rng, links = np.random.default_rng(1), queen(8)
    test = local_geary_test(rng.normal(size=64), links, permutations=999, max_permutations=4_999)
    assert 0 < test.refined.sum() < 40
    assert (test.tails.draws[test.refined] == 4_999).all()
    assert (test.tails.draws[~test.refined] == 999).all()
    assert (test.p_value[~test.refined] > 0.05).all()


def test_a_plain_sum_is_the_engine_of_local_moran():
    """Without the area's own value, p is that of the neighbours' sum within the Monte Carlo error."""
    rng = np.random.default_rng(8)
    links, y = queen(9), rng.normal(size=81)
    what = Combination(np.vstack([y, y**2]), np.column_stack([np.ones(81), np.zeros(81)]))
    tails = combination_tails(what, links, np.arange(81), 40_000, np.random.SeedSequence(1))
    expected = conditional_test(y, links, permutations=40_000, max_permutations=1, rng=2).p_value
    np.testing.assert_allclose(p_from_tails(tails, "two-sided"), expected, atol=0.025)


def test_counts_are_computed_and_agree_with_draws():
    rng = np.random.default_rng(2)
    x, links = rng.poisson(1.5, size=100).astype(float), queen(10)
    exact = local_geary_test(x, links, permutations=999)
    drawn = local_geary_test(x, links, permutations=40_000, max_permutations=1, counts=False)
    assert exact.computed.all()
    assert not drawn.computed.any()
    np.testing.assert_allclose(exact.p_value, drawn.p_value, atol=0.025)


def test_one_lone_case_is_no_finding():
    x, links = np.zeros(100), queen(10)
    x[55] = 1
    assert local_geary_test(x, links).p_value.min() > 0.05
    p = local_join_count_test(x, x, links).p_value
    assert p[55] == 1.0
    assert np.isnan(np.delete(p, 55)).all()


# size when there is nothing to find


def test_size_under_the_null():
    links = queen(8)
    w, rng = row_standardised(links), np.random.default_rng(11)
    few = {"permutations": 499, "max_permutations": 1}
    below: dict[str, list[float]] = {}
    for _ in range(60):
        x, y = rng.lognormal(size=64), rng.normal(size=64)
        tests = {
            "geary": local_geary_test(x, w, **few),
            "geary, two variables": local_geary_test(np.column_stack([x, y]), w, **few),
            "lee": local_lee_test(x, x + y, with_self(links), **few),
            "losh": losh_test(x, w, **few),
        }
        for name, test in tests.items():
            below.setdefault(name, []).append(float((test.p_value <= 0.05).mean()))
    for name, shares in below.items():
        error = np.std(shares) / np.sqrt(len(shares))
        assert np.mean(shares) <= 0.05 + 3 * error, (name, np.mean(shares))
        assert np.mean(shares) >= 0.03 - 3 * error, (name, np.mean(shares))


def test_permutations_lie_around_the_moments():
    links, rng = queen(7), np.random.default_rng(4)
    x, y = rng.normal(size=(2, 49))
    found, drawn = lee(x, y, with_self(links)), permuted_lee(x, y, with_self(links), permutations=20_000)
    assert drawn.mean() == pytest.approx(found.expected, abs=5 * np.sqrt(found.variance / 20_000))
    assert drawn.var() == pytest.approx(found.variance, rel=0.05)
    kinds = join_counts(x > 0.5, links)
    for one, draws in zip(kinds, permuted_join_counts(x > 0.5, links, permutations=20_000), strict=True):
        assert draws.mean() == pytest.approx(one.expected, abs=5 * np.sqrt(one.variance / 20_000))
        assert draws.var() == pytest.approx(one.variance, rel=0.05)


# laws


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-1e3, 1e3))
def test_affine_change_of_a_variable_changes_nothing(seed, scale, shift):
    rng, links = np.random.default_rng(seed), queen(5)
    x, y = rng.normal(size=(2, 25))
    other, w = shift + scale * x, row_standardised(links)
    few = {"permutations": 99, "max_permutations": 1}
    np.testing.assert_allclose(local_geary(other, w).statistic, local_geary(x, w).statistic, rtol=1e-7)
    np.testing.assert_allclose(
        local_geary_test(other, w, **few).p_value, local_geary_test(x, w, **few).p_value
    )
    assert lee(other, y, w).statistic == pytest.approx(lee(x, y, w).statistic)
    assert lee(-other, y, w).statistic == pytest.approx(-lee(x, y, w).statistic)
    np.testing.assert_allclose(
        local_lee_test(other, y, w, **few).p_value, local_lee_test(x, y, w, **few).p_value
    )
    np.testing.assert_allclose(losh(other, w).statistic, losh(x, w).statistic, rtol=1e-7)
    for one, other in zip(losh(x, w * 3.0), losh(x, w), strict=True):
        np.testing.assert_allclose(one, other)


def test_order_of_areas_and_of_variables_changes_nothing():
    rng, links = np.random.default_rng(1), queen(6)
    x = rng.normal(size=(36, 3))
    order = rng.permutation(36)
    w = row_standardised(links)
    shuffled = csr_array(w[order][:, order])
    np.testing.assert_allclose(local_geary(x[order], shuffled).statistic, local_geary(x, w).statistic[order])
    np.testing.assert_allclose(
        local_geary(x[order], shuffled).z_score, local_geary(x, w).z_score[order], rtol=1e-8
    )
    np.testing.assert_allclose(local_geary(x[:, ::-1], w).statistic, local_geary(x, w).statistic)
    exact = local_join_count_test(x[:, 0] > 0, x[:, 0] > 0, links).p_value
    k = x[order, 0] > 0
    np.testing.assert_allclose(
        local_join_count_test(k, k, csr_array(links[order][:, order])).p_value, exact[order]
    )
    assert lee(x[:, 0], x[:, 1], w) == pytest.approx(lee(x[:, 1], x[:, 0], w))


def test_higher_orders_part_the_pairs():
    links = queen(6)
    lags = higher_orders(links, 7)
    assert sum(m.toarray() for m in lags).max() == 1.0
    assert sum(m.nnz for m in lags) == 36 * 35
    assert lags[5].nnz == 0
    np.testing.assert_array_equal(lags[1].toarray(), (lags[1] - diags_array(lags[1].diagonal())).toarray())
    found = correlogram(np.arange(36.0), lags, permutations=19)
    assert np.isnan(found[6].statistic)
    assert found[6].areas == 0


def test_smallest_p_of_join_counts_can_be_reached():
    links = queen(5)
    k = np.zeros(25, dtype=bool)
    k[[6, 7, 8, 11, 12, 13, 16, 17, 18]] = True
    p = local_join_count_test(k, k, links).p_value
    smallest = smallest_join_count_p(k, k, links)
    assert p[12] == pytest.approx(smallest[12])
    assert (p[k] >= smallest[k] - 1e-12).all()


# wrong input


def test_wrong_input_is_named():
    links, x = queen(4), np.arange(16.0)
    w = row_standardised(links)
    with pytest.raises(StatisticsError, match="missing or infinite"):
        local_geary(np.where(x == 3, np.nan, x), w)
    with pytest.raises(StatisticsError, match="All values are equal"):
        local_geary(np.column_stack([x, np.ones(16)]), w)
    with pytest.raises(StatisticsError, match="must fit"):
        local_geary_test(x[:9], w)
    with pytest.raises(StatisticsError, match="one column per variable"):
        local_geary(np.zeros((2, 2, 2)), w)
    with pytest.raises(StatisticsError, match="True or False"):
        join_counts(x, links)
    with pytest.raises(ConfigError, match="sampling"):
        join_counts(x > 3, links, sampling="neither")
    with pytest.raises(StatisticsError, match="All values are equal"):
        lee(x, np.ones(16), w)
    with pytest.raises(StatisticsError, match="mean of its neighbours"):
        losh([0.0, 1.0, 0.0, 1.0], csr_array([[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1.0, 0, 0]]))
    lonely = csr_array(links.multiply(np.arange(16)[:, None] > 0))
    with pytest.raises(StatisticsError, match="1 areas have no neighbour"):
        losh(x, lonely)
    with pytest.raises(ConfigError, match="permutations"):
        local_lee_test(x, x**2, w, permutations=0)
    with pytest.raises(ConfigError, match="alternative"):
        local_geary_test(x, w, alternative="both")
    with pytest.raises(ConfigError, match="orders"):
        higher_orders(links, 0)
    with pytest.raises(ConfigError, match="measure"):
        correlogram(x, [links], measure="kendall")
    with pytest.raises(ConfigError, match="at least one lag"):
        correlogram(x, [])
