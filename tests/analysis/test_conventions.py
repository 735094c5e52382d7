"""``like=``: figures of spdep (recorded), esda, pygeoda (when installed) and Esri (by hand), to the digit."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from shapely.geometry import box

from safemap import (
    AreaGraph,
    build_graph,
    global_bivariate_moran,
    global_geary,
    global_getis_ord,
    global_moran,
    local_bivariate_moran,
    local_getis_ord,
    local_moran,
)
from safemap.datasets import columbus
from safemap.errors import ConfigError
from safemap.stats.autocorrelation import row_standardised
from safemap.stats.conventions import directed_p, getis_ord_ratio, moran_with_the_mean
from safemap.stats.multiple_testing import adjust_p
from safemap.stats.permutation import conditional_test
from safemap.stats.rates import eb_index

DRAWS = 9_999


@pytest.fixture(scope="module")
def areas() -> gpd.GeoDataFrame:
    return columbus()


@pytest.fixture(scope="module")
def graph(areas):
    return build_graph(areas, tolerance=0)


@pytest.fixture(scope="module")
def spdep() -> dict[str, list[str]]:
    """Printed by ``conventions_oracle.R``, one list per name in the order of the rows."""
    lines = (Path(__file__).parent / "conventions_oracle.csv").read_text().splitlines()[1:]
    found: dict[str, list[str]] = {}
    for line in csv.DictReader(lines):
        found.setdefault(line["name"], []).append(line["value"].strip())
    return found


def figures(column: list[str]) -> np.ndarray:
    return np.array(column, dtype=float)


def near(p: np.ndarray, other: np.ndarray, draws: int = DRAWS) -> bool:
    """Two Monte Carlo p-values of the same thing, within 4.5 standard errors of their difference."""
    pooled = (p + other) / 2
    return bool((np.abs(p - other) <= 4.5 * np.sqrt(2 * pooled * (1 - pooled) / draws) + 2 / draws).all())


# --- spdep ---


def test_local_moran_is_that_of_spdep(areas, graph, spdep):
    assert spdep["links"] == [str(graph.n_links)]
    f = local_moran(areas, "CRIME", graph=graph, like="spdep").frame
    np.testing.assert_allclose(f["statistic"], figures(spdep["Ii"]), rtol=1e-12)
    np.testing.assert_allclose(f["z_score"], figures(spdep["Z.Ii"]), rtol=1e-10)
    np.testing.assert_allclose(f["p_value"], figures(spdep["p.Ii"]), rtol=1e-9)
    assert f["permutations"].eq(0).all()
    income = local_moran(areas, "INC", graph=graph, like="spdep", alpha=0.999).frame
    named = {"NA": "not significant"}
    assert income["cluster"].tolist() == [named.get(c, c.lower()) for c in spdep["hotspot.Ii"]]
    greater = local_moran(areas, "CRIME", graph=graph, like="spdep", alternative="greater").frame["p_value"]
    np.testing.assert_allclose(greater, figures(spdep["p.Ii.greater"]), rtol=1e-9)


def test_getis_ord_is_that_of_spdep(areas, graph, spdep):
    f = local_getis_ord(areas, "CRIME", graph=graph, like="spdep").frame
    np.testing.assert_allclose(f["statistic"], figures(spdep["Gstar"]), rtol=1e-10)
    np.testing.assert_allclose(f["p_value"], figures(spdep["p.Gstar"]), rtol=1e-9)
    income = local_getis_ord(areas, "INC", graph=graph, like="spdep", adjust="none").frame
    side = income["cluster"].str.partition("-")[0].map({"hot": "High", "cold": "Low"}).fillna("NA")
    assert side.tolist() == spdep["hotspot.Gstar"]
    g = local_getis_ord(areas, "CRIME", graph=graph, like="spdep", star=False).frame["statistic"]
    np.testing.assert_allclose(g, figures(spdep["G"]), rtol=1e-10)


@pytest.mark.parametrize("side", ["two.sided", "greater", "less"])
@pytest.mark.parametrize(
    ("verb", "name"), [(global_moran, "moran"), (global_geary, "geary"), (global_getis_ord, "globalG")]
)
def test_global_statistics_are_those_of_spdep(areas, graph, spdep, verb, name, side):
    alternative = side.replace(".", "-")
    r = verb(areas, "CRIME", graph=graph, like="spdep", alternative=alternative, permutations=19)
    found = [r.statistic, r.z_score, r.p_value]
    np.testing.assert_allclose(found, figures(spdep[f"{name}.{side}"]), rtol=1e-9)
    assert r.permutations == 0


def test_empirical_bayes_index_of_spdep_before_and_after_2016(areas, graph, spdep):
    events, people = np.round(areas["CRIME"]), np.round(100 * areas["HOVAL"])
    made = areas.assign(events=events, population=people)
    today = global_moran(made, graph=graph, like="spdep", permutations=19).statistic
    np.testing.assert_allclose(today, figures(spdep["EBImoran.TRUE"])[0], rtol=1e-12)
    before = moran_with_the_mean(eb_index(events, people), row_standardised(graph.subset(areas.index).matrix))
    np.testing.assert_allclose(before, figures(spdep["EBImoran.FALSE"])[0], rtol=1e-12)


# --- esda ---


def esda(make, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(*args, **options)


def test_local_statistics_are_those_of_esda(areas, graph):
    from esda.getisord import G_Local
    from esda.moran import Moran_Local, Moran_Local_BV

    y, x = areas["CRIME"].to_numpy(dtype=float), areas["INC"].to_numpy(dtype=float)
    pysal, draws = graph.to_libpysal().to_W(), {"permutations": DRAWS}
    theirs = esda(Moran_Local, y, pysal, seed=1, n_jobs=1, **draws)
    f = local_moran(areas, "CRIME", graph=graph, like="esda", **draws).frame
    np.testing.assert_allclose(f["statistic"], theirs.Is, rtol=1e-12)
    assert near(f["p_value"].to_numpy(), theirs.p_sim)
    assert f["p_value"].max() <= 0.51
    clear = np.abs(f["p_value"] - 0.05) > 0.01
    quadrant = np.array(["", "high-high", "low-high", "low-low", "high-low"])[theirs.q]
    classes = np.where(theirs.p_sim <= 0.05, quadrant, "not significant")
    assert f["cluster"][clear].tolist() == classes[clear].tolist()
    both = esda(Moran_Local_BV, x, y, pysal, seed=1, n_jobs=1, **draws)
    g = local_bivariate_moran(areas, "INC", "CRIME", graph=graph, like="esda", **draws).frame
    np.testing.assert_allclose(g["statistic"], both.Is, rtol=1e-10)
    assert near(g["p_value"].to_numpy(), both.p_sim)
    for star in (True, False):
        theirs = esda(G_Local, y, pysal, transform="R", star=star, seed=1, n_jobs=1, **draws)
        f = local_getis_ord(areas, "CRIME", graph=graph, like="esda", star=star, **draws).frame
        np.testing.assert_allclose(f["statistic"], theirs.Gs, rtol=1e-12)
        np.testing.assert_allclose(f["z_score"], theirs.Zs, rtol=1e-9)
        assert near(f["p_value"].to_numpy(), theirs.p_sim)


def test_global_statistics_are_those_of_esda(areas, graph):
    from esda.geary import Geary
    from esda.getisord import G
    from esda.moran import Moran, Moran_BV

    y, x = areas["CRIME"].to_numpy(dtype=float), areas["INC"].to_numpy(dtype=float)
    noise = np.random.default_rng(4).permutation(y)
    rough = areas.assign(NOISE=noise)
    fresh = lambda: graph.to_libpysal().to_W()  # noqa: E731 - esda changes the weights it is given
    for column, values in (("CRIME", y), ("NOISE", noise)):
        np.random.seed(1)  # noqa: NPY002 - esda draws from it
        pysal = fresh()
        known = {
            global_moran: (m := esda(Moran, values, pysal, permutations=999), m.I, m.z_rand),
            global_geary: (c := esda(Geary, values, pysal, permutations=999), c.C, c.z_rand),
            global_getis_ord: (g := esda(G, values, fresh(), permutations=999), g.G, g.z_norm),
        }  # fmt: skip
        for verb, (theirs, statistic, z) in known.items():
            mine = verb(rough, column, graph=graph, like="esda", permutations=999)
            np.testing.assert_allclose([mine.statistic, mine.z_score], [statistic, z], rtol=1e-9)
            assert near(np.array([mine.p_value]), np.array([theirs.p_sim]), 999), verb
    theirs = esda(Moran_BV, x, y, graph.to_libpysal().to_W(), permutations=999)
    mine = global_bivariate_moran(areas, "INC", "CRIME", graph=graph, like="esda", permutations=999)
    np.testing.assert_allclose(mine.statistic, theirs.I, rtol=1e-10)
    assert mine.z_score == pytest.approx(theirs.z_sim, rel=0.15)
    assert mine.p_value == theirs.p_sim == 0.001


# --- GeoDa ---


def test_local_statistics_are_those_of_pygeoda(areas, graph):
    pygeoda = pytest.importorskip("pygeoda", reason="pygeoda is not installed")
    weights = pygeoda.queen_weights(pygeoda.open(areas.reset_index()))
    y, x = list(areas["CRIME"].astype(float)), list(areas["INC"].astype(float))
    draws = {"permutations": DRAWS}
    known = {
        "moran": (pygeoda.local_moran(weights, y, **draws), local_moran, ("CRIME",), {}),
        "both": (pygeoda.local_bimoran(weights, x, y, **draws), local_bivariate_moran, ("INC", "CRIME"), {}),
        "g": (pygeoda.local_g(weights, y, **draws), local_getis_ord, ("CRIME",), {"star": False}),
        "gstar": (pygeoda.local_gstar(weights, y, **draws), local_getis_ord, ("CRIME",), {}),
    }
    hot = {f"hot-{tier}": "high-high" for tier in (1, 5)} | {f"cold-{tier}": "low-low" for tier in (1, 5)}
    for name, (theirs, verb, columns, options) in known.items():
        f = verb(areas, *columns, graph=graph, like="geoda", **draws, **options).frame
        p = np.array(theirs.lisa_pvalues())
        np.testing.assert_allclose(f["statistic"], theirs.lisa_values(), rtol=1e-10, err_msg=name)
        np.testing.assert_allclose(f["p_value"], p, atol=0.05, err_msg=name)  # see the next test
        clear = (np.abs(f["p_value"] - 0.05) > 0.04).to_numpy()
        words = np.array([label.lower() for label in theirs.lisa_labels()])[list(theirs.lisa_clusters())]
        mine = f["cluster"].where(f["p_value"] <= 0.05, "not significant").replace(hot)
        assert mine[clear].tolist() == words[clear].tolist(), name
        # their cut-off says the same as an adjusted p
        np.testing.assert_array_equal(adjust_p(p) <= 0.05, p <= theirs.lisa_fdr(0.05))


def test_directed_p_of_two_neighbours_by_listing_all_pairs(areas, graph):
    """0.1835, not the 0.173 to 0.181 of pygeoda 0.1.3 with 99,999 draws, by seed and method of drawing."""
    import itertools

    z = (areas["CRIME"] - areas["CRIME"].mean()).to_numpy()
    near_first = graph.subset(areas.index).adjacency[[0]].indices
    pairs = [z[a] + z[b] for a, b in itertools.combinations(range(1, 49), 2)]
    share = np.mean(np.array(pairs) <= z[near_first].sum() + 1e-9)
    f = local_moran(areas, "CRIME", graph=graph, like="geoda").frame
    assert len(near_first) == 2
    assert f["p_value"].iloc[0] == pytest.approx((DRAWS * min(share, 1 - share) + 1) / (DRAWS + 1), abs=1e-3)
    assert share == pytest.approx(0.18351, abs=1e-5) or 1 - share == pytest.approx(0.18351, abs=1e-5)


# --- Esri ---


def test_local_moran_of_a_county_as_arcgis_pro_prints_it():
    """A user's case (Esri Community, 26 January 2023, ArcGIS Pro 2.9): 1.65866, by the manual 1.700519.

    75 counties; the one asked about has 47.009175, its five neighbours are known, the mean is 41.509374 and
    the others' squared deviations sum to 1,198.589782. So the tool divides those of all by n - 1.
    """
    mean, own = 41.509374, 47.009175
    five = np.array([48.810092, 43.978097, 47.661295, 45.341663, 46.796238])
    rest = 75 * mean - own - five.sum()
    squares = 1_198.589782 - ((five - mean) ** 2).sum()
    centre = rest / 69
    spread = np.sqrt((squares - 69 * (centre - mean) ** 2) / 68)
    others = np.r_[centre, centre + spread * np.tile([1.0, -1.0], 34)]
    values = np.r_[own, five, others]
    pairs = pd.DataFrame({"focal": [0] * 5, "neighbor": range(1, 6)})
    ring = pd.DataFrame({"focal": range(1, 75), "neighbor": [*range(2, 75), 1]})
    links = pd.concat([pairs, ring])
    dense = np.zeros((75, 75))
    dense[links["focal"], links["neighbor"]] = 1
    from scipy.sparse import csr_array

    cells = [box(i, 0, i + 1, 1) for i in range(75)]
    areas = gpd.GeoDataFrame({"y": values}, geometry=cells, crs=32614)
    graph = AreaGraph.from_weights(csr_array(dense), areas.index)
    result = local_moran(areas, "y", graph=graph, like="esri", permutations=499)
    assert result.frame.loc[0, "statistic"] == pytest.approx(1.65866, abs=5e-6)
    assert (own - mean) / (1_198.589782 / 74) * (five - mean).sum() / 5 == pytest.approx(1.700519, abs=5e-6)
    # multiples of 0.004 with 499 permutations, as its manual says
    drawn = result.frame["p_value"][result.frame["permutations"] == 499]
    np.testing.assert_allclose(drawn / 0.004, np.rint(drawn / 0.004), atol=1e-9)


def test_gi_star_of_esri_has_bins_by_the_false_discovery_rate(areas, graph):
    result = local_getis_ord(areas, "CRIME", graph=graph, like="esri")
    f, y = result.frame, areas["CRIME"].to_numpy(dtype=float)
    # the formula of the manual, written out
    w = graph.subset(areas.index).adjacency.toarray() + np.eye(49)
    s = np.sqrt((y**2).mean() - y.mean() ** 2)
    total = w.sum(axis=1)
    z = (w @ y - y.mean() * total) / (s * np.sqrt((49 * (w**2).sum(axis=1) - total**2) / 48))
    np.testing.assert_allclose(f["statistic"], z, rtol=1e-10)
    p = 2 * ndtr(-np.abs(z))
    np.testing.assert_allclose(f["p_value"], p, rtol=1e-9)
    ordered, rank = np.sort(p), np.arange(1, 50)
    bins = np.zeros(49, dtype=int)
    for size, level in ((1, 0.10), (2, 0.05), (3, 0.01)):
        passing = np.flatnonzero(ordered <= rank / 49 * level)
        cut = ordered[passing[-1]] if len(passing) else -1
        bins[p <= cut] = size
    mine = f["cluster"].map(
        {"not significant": 0, "hot-10": 1, "hot-5": 2, "hot-1": 3, "cold-10": -1, "cold-5": -2}
    )
    assert mine.tolist() == (bins * np.sign(z)).astype(int).tolist()
    plain = local_getis_ord(areas, "CRIME", graph=graph, like="esri", adjust="none").frame
    assert (plain["cluster"] != "not significant").sum() == (p <= 0.10).sum()


# --- what all have in common ---


def test_the_anchors_of_columbus_in_the_conventions_that_print_them(areas, graph):
    first = {
        like: local_moran(areas, "CRIME", graph=graph, like=like)
        .frame["statistic"]
        .iloc[:2]
        .round(8)
        .tolist()
        for like in ("spdep", "geoda")
    }
    assert first == {"spdep": [0.73681849, 0.52877701], "geoda": [0.72178138, 0.51798565]}
    hot = local_getis_ord(areas, "CRIME", graph=graph, like="esri").frame
    assert [(hot["p_value"] <= 0.05).sum(), (hot["p_adjusted"] <= 0.05).sum()] == [18, 9]
    np.testing.assert_allclose(hot["statistic"].iloc[:3], [-1.432779654, -1.340008097, -0.771998681])


def test_the_result_says_which_convention_and_what_it_costs(areas, graph):
    for like, costs in (("esda", "twice the nominal"), ("geoda", "twice"), ("spdep", "nearly normal")):
        result = local_moran(areas, "CRIME", graph=graph, like=like)
        assert result.settings["like"] == like
        assert f"Convention of {like}: " in result.summary()
        assert costs in result.summary()
    assert "does not hold" not in local_moran(areas, "CRIME", graph=graph, like="esri").summary()
    assert "like" not in local_moran(areas, "CRIME", graph=graph).settings
    assert "alternative='greater'" in global_moran(areas, "CRIME", graph=graph, like="spdep").summary()


def test_directed_p_flags_twice_as_much_noise():
    """What the summary says of it: 0.10 at 0.05, where safemap's own p has 0.05."""
    rng, link = np.random.default_rng(2), build_graph(
        gpd.GeoDataFrame(geometry=[box(c, r, c + 1, r + 1) for r in range(15) for c in range(15)], crs=32614),
        tolerance=0.01,
    ).adjacency  # fmt: skip
    own, directed = [], []
    for seed in range(40):
        test = conditional_test(rng.normal(size=225), link, permutations=999, max_permutations=999, rng=seed)
        own.append(np.mean(test.p_value <= 0.05))
        directed.append(np.mean(directed_p(test.tails.at_least / test.tails.draws, 999) <= 0.05))
    assert np.mean(own) == pytest.approx(0.05, abs=0.01)
    assert np.mean(directed) == pytest.approx(0.10, abs=0.015)


def test_the_ratio_adds_up_to_the_mean_where_all_are_neighbours():
    from scipy.sparse import csr_array

    y = np.array([1.0, 2.0, 3.0, 6.0])
    everyone = csr_array(1.0 - np.eye(4))
    np.testing.assert_allclose(getis_ord_ratio(y, everyone)[0], 0.25)
    np.testing.assert_allclose(getis_ord_ratio(y, everyone, star=False)[0], 1 / 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"like": "arcgis"}, "like must be one of esda, spdep, geoda, esri"),
        ({"like": "esda", "alternative": "greater"}, "no side to choose"),
        ({"like": "esri", "alternative": "less"}, "no side to choose"),
        ({"like": "geoda", "p_mid": True}, "safemap's own p"),
        ({"like": "geoda", "null": "both", "events": "E", "population": "P"}, "permutations only"),
        ({"null": "both"}, "'both' needs events= and population="),
    ],
)  # fmt: skip
def test_what_cannot_be_combined_is_refused(areas, graph, options, words):
    made = areas.assign(E=5.0, P=100.0)
    column = () if "events" in options else ("CRIME",)
    for verb in (local_moran, local_getis_ord):
        with pytest.raises(ConfigError, match=words):
            verb(made, *column, graph=graph, **options)


def test_statistics_a_program_does_not_have_are_refused(areas, graph):
    with pytest.raises(ConfigError, match=r"geoda does not compute global geary.*esda or spdep"):
        global_geary(areas, "CRIME", graph=graph, like="geoda")
    with pytest.raises(ConfigError, match="esda or spdep or esri"):
        global_getis_ord(areas, "CRIME", graph=graph, like="geoda")
    with pytest.raises(ConfigError, match="esda or geoda"):
        local_bivariate_moran(areas, "INC", "CRIME", graph=graph, like="spdep")
