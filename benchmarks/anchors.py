"""Published and recomputed numbers of spatial autocorrelation, and what safemap gives for each.

``python benchmarks/anchors.py`` writes ``docs/anchors.md``; ``tests/stats/test_anchors.py`` asserts it.
Data come from libpysal's built-in examples, from six points written here, and, where R with spdep and spData
is installed, from R at run time (nothing of it is kept).
"""

from __future__ import annotations

import inspect
import io
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import norm

from safemap.stats import autocorrelation as ac
from safemap.stats.change import displacement_difference, e_test
from safemap.stats.multiple_testing import adjust_p
from safemap.stats.permutation import conditional_test
from safemap.stats.rates import eb_index

PAGE = Path(__file__).resolve().parents[1] / "docs" / "anchors.md"
PERMUTATIONS = 99_990  # as many as stand behind the printed counts


class Anchor(NamedTuple):
    """One printed number and the way to compute it."""

    group: str
    name: str
    printed: str
    compute: Callable[[], float]
    convention: str = ""  #: empty: equal without further words
    needs: str = ""  #: "R": data that R brings

    @property
    def tolerance(self) -> float:
        """Half a unit of the last printed digit; twelve significant digits where more are printed."""
        mantissa, _, exponent = self.printed.lower().partition("e")
        decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
        return max(0.5000001 * 10.0**-decimals, 1e-12 * abs(float(self.printed)))

    def agrees(self, value: float) -> bool:
        return abs(value - float(self.printed)) <= self.tolerance


def anchors() -> Iterator[Anchor]:
    """Every number of the list, in its order."""
    yield from _columbus_global()
    yield from _columbus_getis_ord()
    yield from _columbus_local_moran()
    yield from _oldcol()
    yield from _getis_ord_1996()
    yield from _six_points()
    yield from _sids()
    yield from _change()


# --- Columbus ---


@cache
def columbus(rule: str) -> tuple[np.ndarray, csr_array]:
    """CRIME and binary links of the 49 polygons."""
    import safemap
    from safemap.datasets import columbus as read

    areas = read()
    return areas["CRIME"].to_numpy(dtype=float), safemap.build_graph(areas, rule, tolerance=0).adjacency


def _columbus_global() -> Iterator[Anchor]:
    printed = {
        "queen": (
            "236", "0.5001885571828611", "0.00856341311940498", "0.008689289201332044", "5.58938267504451",
            "0.5405282027020684", "0.12780745738195434", "4.638150931985434",
        ),
        "rook": (
            "200", "0.5236702127502532", "0.009808900066073292", "0.009952987347723773", "5.457880045909277",
            "0.5154408058652411", "0.10382816882270081", "4.06160442001029",
        ),
    }  # fmt: skip

    def numbers(rule: str) -> list[float]:
        y, links = columbus(rule)
        w = ac.row_standardised(links)
        i, c, g = ac.moran(y, w), ac.geary(y, w), ac.getis_ord(y, links)
        return [
            links.nnz, i.statistic, i.variance_normality, i.variance_randomisation, i.z_randomisation,
            c.statistic, g.statistic, g.z_randomisation,
        ]  # fmt: skip

    names = (
        "links",
        "Moran I",
        "Var (normality)",
        "Var (randomisation)",
        "z (randomisation)",
        "Geary C",
        "G",
        "z of G",
    )
    for rule, values in printed.items():
        group = f"Columbus CRIME, {rule}, row-standardised (G: binary)"
        for at, (name, value) in enumerate(zip(names, values, strict=True)):
            said = "variance of Getis and Ord 1992, normal p" if name == "z of G" else ""
            yield Anchor(group, name, value, lambda rule=rule, at=at: numbers(rule)[at], said)
    yield Anchor("Columbus CRIME", "E(I)", "-0.0208333", lambda: ac.moran(*columbus("queen")).expected)


def _columbus_getis_ord() -> Iterator[Anchor]:
    group = "Columbus CRIME, Gi*, queen and self, binary"

    def z() -> np.ndarray:
        return ac.local_getis_ord(*columbus("queen"))

    def normal_p() -> np.ndarray:
        return 2 * norm.sf(np.abs(z()))

    @cache
    def permutation_p() -> np.ndarray:
        y, links = columbus("queen")
        test = conditional_test(y, links, permutations=PERMUTATIONS, max_permutations=1, rng=0)
        return test.p_value

    for row, value in enumerate(("-1.432779654", "-1.340008097", "-0.771998681")):
        yield Anchor(group, f"z of row {row + 1}", value, lambda row=row: z()[row])
    yield Anchor(group, "largest z", "3.475051", lambda: z().max())
    yield Anchor(group, "its row, from 1", "16", lambda: z().argmax() + 1)
    yield Anchor(group, "smallest z", "-2.851023", lambda: z().min())
    yield Anchor(group, "its row, from 1 (smallest)", "32", lambda: z().argmin() + 1)
    yield Anchor(group, "rows above 1.96", "11", lambda: (z() > 1.96).sum())
    yield Anchor(group, "rows below -1.96", "7", lambda: (z() < -1.96).sum())
    yield Anchor(group, "normal p <= .05", "18", lambda: (normal_p() <= 0.05).sum())
    yield Anchor(group, "normal p, BH <= .05", "9", lambda: (adjust_p(normal_p()) <= 0.05).sum())
    said = "conditional permutation, two-sided, 99,990 draws, rng 0"
    yield Anchor(group, "permutation p <= .05", "15", lambda: (permutation_p() <= 0.05).sum(), said)
    yield Anchor(
        group, "permutation p, BH <= .05", "5", lambda: (adjust_p(permutation_p()) <= 0.05).sum(), said
    )


def _columbus_local_moran() -> Iterator[Anchor]:
    group = "Columbus CRIME, local Moran, queen, row-standardised"

    def local(divisor: str) -> ac.LocalStatistic:
        y, links = columbus("queen")
        return ac.local_moran(y, ac.row_standardised(links), variance=divisor)

    geoda = 'variance="n-1" (GeoDa, esda; the default)'
    for row, value in enumerate(("0.7217813785551248", "0.517985645648294", "0.0919354204032012")):
        yield Anchor(group, f"I of row {row + 1}", value, lambda row=row: local("n-1").statistic[row], geoda)
    yield Anchor(group, "mean of I", "0.48998062744443555", lambda: local("n-1").statistic.mean(), geoda)
    spdep = 'variance="n" (spdep)'
    rows = (
        ("0.73681849", "-0.028598542", "0.66614489", "0.93780765"),
        ("0.52877701", "-0.020250214", "0.31026606", "0.98565912"),
    )
    for row, values in enumerate(rows):
        for part, (name, value) in enumerate(zip(("I", "E", "Var", "Z"), values, strict=True)):
            yield Anchor(
                group,
                f"{name} of row {row + 1}",
                value,
                lambda row=row, part=part: local("n")[part][row],
                spdep,
            )
    yield Anchor(
        group, "factor between the two, 49/48", "1.0208333",
        lambda: local("n").statistic[0] / local("n-1").statistic[0], "both",
    )  # fmt: skip


# --- data that R brings ---


@cache
def r_available() -> bool:
    """True where R with spdep and spData can be run."""
    if shutil.which("Rscript") is None:
        return False
    script = (
        'q(status = !(requireNamespace("spdep", quietly=TRUE) && requireNamespace("spData", quietly=TRUE)))'
    )
    return subprocess.run(["Rscript", "-e", script], capture_output=True).returncode == 0


@cache
def _from_r(script: str) -> np.ndarray:
    """The matrix that an R script writes to its output."""
    done = subprocess.run(
        ["Rscript", "-e", f"suppressMessages({{library(spData); library(spdep)}}); {script}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return np.loadtxt(io.StringIO(done.stdout), ndmin=2)


@cache
def oldcol() -> tuple[np.ndarray, csr_array]:
    """CRIME and links of spdep's ``oldcol`` data."""
    both = _from_r(
        "data(oldcol, package='spdep'); "
        "write.table(cbind(COL.OLD$CRIME, nb2mat(COL.nb, style='B')), row.names=FALSE, col.names=FALSE)"
    )
    return both[:, 0], csr_array(both[:, 1:])


@cache
def lattice() -> tuple[np.ndarray, np.ndarray]:
    """Coordinates and values of the 16 x 16 lattice of Getis and Ord."""
    xyz = _from_r(
        "data(getisord, package='spData'); if (!exists('go_xyz')) go_xyz <- xyz; "
        "write.table(go_xyz, row.names=FALSE, col.names=FALSE)"
    )
    return xyz[:, :2], xyz[:, 2]


def _oldcol() -> Iterator[Anchor]:
    group = "Columbus oldcol, COL.nb, row-standardised (G and joins: binary)"

    def standard() -> tuple[np.ndarray, csr_array]:
        y, links = oldcol()
        return y, ac.row_standardised(links)

    def joins(high: bool) -> ac.JoinCount:
        y, links = oldcol()
        return ac.join_count((y > 35) == high, links)

    lines: list[tuple[str, str, Callable[[], float]]] = [
        ("Moran I", "0.510951264", lambda: ac.moran(*standard()).statistic),
        ("Var (randomisation)", "0.008908762", lambda: ac.moran(*standard()).variance_randomisation),
        ("Var (normality)", "0.008779831", lambda: ac.moran(*standard()).variance_normality),
        ("z (randomisation)", "5.634133", lambda: ac.moran(*standard()).z_randomisation),
        ("Geary C", "0.52986993", lambda: ac.geary(*standard()).statistic),
        ("Var of C (randomisation)", "0.00975278", lambda: ac.geary(*standard()).variance_randomisation),
        ("General G", "0.1262815", lambda: ac.getis_ord(*oldcol()).statistic),
        ("E of G", "0.09863946", lambda: ac.getis_ord(*oldcol()).expected),
        ("Var of G", "3.438675e-05", lambda: ac.getis_ord(*oldcol()).variance_randomisation),
    ]
    printed = {
        "low-low": ("34", "29.591837", "18.895496", "1.014095"),
        "high-high": ("54", "27.224490", "17.888380", "6.330708"),
    }
    for kind, values in printed.items():
        for at, (name, value) in enumerate(zip(("joins", "E", "Var", "z"), values, strict=True)):
            lines.append((f"{kind} {name}", value, lambda kind=kind, at=at: joins(kind == "high-high")[at]))
    for name, value, compute in lines:
        said = "cut at 35, kinds dealt out without replacement" if "-" in name else ""
        yield Anchor(group, name, value, compute, said, needs="R")


def _getis_ord_1996() -> Iterator[Anchor]:
    group = "Getis and Ord 1996, 16 x 16 lattice, cell 120 in the print"
    cell = 119

    def g(distance: float, **options: Any) -> np.ndarray:
        at, y = lattice()
        apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
        return ac.local_getis_ord(y, csr_array(((apart > 0) & (apart <= distance)).astype(float)), **options)

    printed = {30: "1.2219792", 60: "1.7480975", 90: "1.9861354", 120: "1.8933738", 150: "1.2374543"}
    for distance, value in printed.items():
        yield Anchor(
            group,
            f"Gi z, d = {distance}",
            value,
            lambda d=distance: g(d, star=False)[cell],
            "star=False",
            needs="R",
        )
    yield Anchor(
        group, "Gi* z, d = 30", "1.4507798", lambda: g(30)[cell], 'variance="n" (the default)', needs="R"
    )
    yield Anchor(
        group, "Gi* z, d = 30 (the paper)", "1.4479435", lambda: g(30, variance="n-1")[cell],
        'variance="n-1"', needs="R",
    )  # fmt: skip
    yield Anchor(group, "largest Gi*, d = 30", "4.3104074", lambda: g(30).max(), 'variance="n"', needs="R")
    yield Anchor(group, "smallest Gi*, d = 30", "-2.8386616", lambda: g(30).min(), 'variance="n"', needs="R")
    # the paper prints 3.289 and 3.886 for the last two, which its own formula does not give
    for n, value in {1: "1.645", 50: "3.083", 100: "3.2834", 1000: "3.8844"}.items():
        said = (
            "Sidak, one-sided; the print has " + {100: "3.289", 1000: "3.886"}[n]
            if n >= 100
            else "Sidak, one-sided"
        )
        yield Anchor(group, f"critical z, n = {n}", value, lambda n=n: norm.isf(1 - 0.95 ** (1 / n)), said)


# --- six points ---

POINTS = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)])
SIX = np.array([2, 3, 3.2, 5, 8, 7])


@cache
def six_links() -> csr_array:
    """Links between points at most 15 apart."""
    apart = np.hypot(*(POINTS[:, None] - POINTS[None]).transpose(2, 0, 1))
    return csr_array(((apart > 0) & (apart <= 15)).astype(float))


def _six_points() -> Iterator[Anchor]:
    group = "six points, threshold 15"
    links = six_links()
    yield Anchor(group, "G", "0.55709779", lambda: ac.getis_ord(SIX, links).statistic)
    yield Anchor(
        group, "normal p of G", "0.172936", lambda: norm.sf(abs(ac.getis_ord(SIX, links).z_randomisation)),
        "one-sided; ours is two-sided",
    )  # fmt: skip
    printed = ("-1.0136729", "-0.04361589", "1.31558703", "-0.31412676", "1.15373986", "1.77833941")
    for row, value in enumerate(printed):
        yield Anchor(
            group, f"Gi z of point {row + 1}", value,
            lambda row=row: ac.local_getis_ord(SIX, links, star=False)[row], "binary, star=False",
        )  # fmt: skip
    printed = ("-1.39727626", "-0.28917762", "0.65064964", "-0.28917762", "1.23452088", "2.02424331")
    for row, value in enumerate(printed):
        yield Anchor(
            group, f"Gi* z of point {row + 1}", value, lambda row=row: ac.local_getis_ord(SIX, links)[row],
            'binary, variance="n"',
        )  # fmt: skip
    for row, value in ((0, "-1.27553288"), (5, "1.84787287")):
        yield Anchor(
            group, f"Gi* z of point {row + 1} (n-1)", value,
            lambda row=row: ac.local_getis_ord(SIX, links, variance="n-1")[row], 'binary, variance="n-1"',
        )  # fmt: skip
    yield Anchor(
        group, "Gi* z of point 1, row-standardised", "-0.62488094", _as_esda_row_standardised,
        "esda: in the variance the sum of the weights (1) stands for the sum of their squares, so z is "
        "smaller; the formula gives the binary z",
    )  # fmt: skip
    yield Anchor(
        group, "p_sim of point 1, directed", "0.102", lambda: _esda_p("directed", seed=10),
        "esda, directed, seed 10, by esda itself; ours, exact and two-sided, is 0.4 (2 of 10 sums, doubled)",
    )  # fmt: skip
    yield Anchor(
        group, "p_sim of point 1, two-sided", "0.413", lambda: _esda_p("two-sided", seed=12345),
        "esda, two-sided, seed 12345, by esda itself; ours, exact, is 0.4",
    )  # fmt: skip


def _as_esda_row_standardised() -> float:
    """The binary z turned into esda's by the ratio of the two standard deviations."""
    size, n = six_links()[[0]].nnz + 1, len(SIX)
    return float(ac.local_getis_ord(SIX, six_links())[0] * np.sqrt((n - size) / (size * (n - 1))))


def _esda_p(alternative: str, *, seed: int) -> float:
    """p of the first point by esda itself, whichever line of it is installed."""
    from esda.getisord import G_Local
    from esda.significance import calculate_significance
    from libpysal.graph import Graph

    row, column = six_links().nonzero()
    options: dict[str, Any] = {"transform": "B", "permutations": 999, "seed": seed, "n_jobs": 1}
    if "alternative" in inspect.signature(G_Local.__init__).parameters:
        options["alternative"] = alternative
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = Graph.from_arrays(row, column, np.ones(len(row)))
        g = G_Local(SIX, graph, keep_simulations=True, **options)
        return float(calculate_significance(g.Gs, g.rGs, alternative)[0])


# --- SIDS ---


@cache
def sids() -> tuple[dict[str, np.ndarray], csr_array]:
    """Columns of sids2 and its row-standardised links, both in the order of the file."""
    import libpysal

    from safemap.datasets import sids as read
    from safemap.geo.graph import as_area_graph

    areas = read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = as_area_graph(libpysal.io.open(libpysal.examples.get_path("sids2.gal")).read(), areas.index)
    columns = ("SIDR74", "SIDR79", "NWR74", "NWR79", "SID79", "BIR79")
    return {c: areas[c].to_numpy(dtype=float) for c in columns}, ac.row_standardised(graph.adjacency)


def _sids() -> Iterator[Anchor]:
    group = "SIDS2, row-standardised"

    def moran(name: str) -> ac.GlobalStatistic:
        columns, w = sids()
        return ac.moran(eb_index(columns["SID79"], columns["BIR79"]) if name == "EB" else columns[name], w)

    def bivariate(x: str, y: str) -> float:
        columns, w = sids()
        return ac.bivariate_moran(columns[x], columns[y], w)

    def local(x: str, y: str) -> float:
        columns, w = sids()
        return float(ac.local_bivariate_moran(columns[x], columns[y], w)[0])

    one = "normality, one-sided"
    yield Anchor(group, "I of SIDR74", "0.24772519320480135", lambda: moran("SIDR74").statistic)
    yield Anchor(group, "p of SIDR74", "5.7916539e-05", lambda: norm.sf(moran("SIDR74").z_normality), one)
    yield Anchor(
        group, "p of SIDR74, two-sided", "0.00011583", lambda: moran("SIDR74").p_normality, "normality"
    )
    said = "EB index of Assuncao and Reis"
    yield Anchor(
        group, "EB Moran of SID79 / BIR79", "0.16622343552567395", lambda: moran("EB").statistic, said
    )
    yield Anchor(group, "its p", "0.004191499504892171", lambda: norm.sf(moran("EB").z_normality), one)
    yield Anchor(group, "its p, two-sided", "0.00838300", lambda: moran("EB").p_normality, "normality")
    yield Anchor(group, "bivariate (0, 1)", "0.19362610652874668", lambda: bivariate("SIDR74", "SIDR79"))
    yield Anchor(group, "bivariate (3, 0)", "0.37701382542927858", lambda: bivariate("NWR79", "SIDR74"))
    yield Anchor(
        group, "bivariate local, first area", "1.4649221250620736", lambda: local("SIDR79", "SIDR74"),
        'x = SIDR79, y = SIDR74, variance="n-1"',
    )  # fmt: skip


# --- change between two counts ---


def _change() -> Iterator[Anchor]:
    group = "E-test of two Poisson counts (Krishnamoorthy and Thomson 2004)"
    for pair, printed in (((6, 2), "0.1748748"), ((2, 6), "0.1748748"), ((0, 3), "0.0884")):
        yield Anchor(group, f"p of {pair}", printed, lambda pair=pair: e_test([pair[0]], [pair[1]])[0])
    group = "Weighted displacement difference (Wheeler and Ratcliffe 2018)"
    places = {
        "control": (308, 318),
        "treated": (207, 110),
        "displacement_control": (150, 140),
        "displacement_treated": (178, 157),
    }
    cases = {
        "": places,
        "time weights 2:1, ": {"control": (100, 50), "treated": (80, 20), "time_weights": (2, 1)},
        "area weights, ": {**places, "area_weights": (0.9, 1.2, 1.6, 1.5)},
        "two places, ": {"control": (20, 20), "treated": (20, 10)},
    }
    printed = {
        "": {
            "local": "-107", "displacement": "-11", "total": "-118",
            "std_error": "39.598", "z_score": "-2.98",
        },
        "time weights 2:1, ": {"total": "-20"},
        "area weights, ": {
            "total": "-99.69444444", "std_error": "35.4280755", "z_score": "-2.813995483",
            "conf_low": "-169.1321965", "conf_high": "-30.25669241",
        },
        "two places, ": {"total": "-10", "std_error": "8.366600", "z_score": "-1.195229"},
    }  # fmt: skip
    for case, options in cases.items():
        for name, value in printed[case].items():
            yield Anchor(
                group, case + name.replace("_", " "), value,
                lambda options=options, name=name: getattr(displacement_difference(**options), name),
            )  # fmt: skip


# --- the page ---


def page() -> str:
    """The table as Markdown."""
    listed = list(anchors())
    lines = [
        "# Anchors: numbers of others that safemap reproduces",
        "",
        f"{len(listed)} numbers of autocorrelation and change printed by GeoDa, esda, R spdep, ptools or in "
        "papers, and what `safemap.stats` gives. *Equal* means to the last printed digit "
        "(twelve significant digits where more are printed); a convention says which definition was used. "
        "Written by `python benchmarks/anchors.py`, asserted by `tests/stats/test_anchors.py`.",
        "",
        "The lines marked R need data that only R brings (spdep, spData); the test skips them with a message "
        "where R is not installed, and the figures here are from a run where it was.",
    ]
    group = ""
    for anchor in listed:
        if anchor.group != group:
            group = anchor.group
            lines += [
                "",
                f"## {group}",
                "",
                "| number | printed | safemap | agreement |",
                "|---|---|---|---|",
            ]
        lines.append(_line(anchor))
    return "\n".join(lines) + "\n"


def _line(anchor: Anchor) -> str:
    mark = " (R)" if anchor.needs else ""
    if anchor.needs == "R" and not r_available():
        return f"| {anchor.name}{mark} | {anchor.printed} | not verified: R with spdep is not installed | |"
    value = float(anchor.compute())
    digits = len(anchor.printed.lower().partition("e")[0].replace("-", "").replace(".", "").lstrip("0"))
    shown = (
        f"{value:.{max(digits, 1)}g}" if "." in anchor.printed or "e" in anchor.printed else f"{value:.0f}"
    )
    verdict = "differs" if not anchor.agrees(value) else "equal"
    if verdict == "equal" and anchor.convention:
        verdict = f"equal under: {anchor.convention}"
    return f"| {anchor.name}{mark} | {anchor.printed} | {shown} | {verdict} |"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    text = page()
    PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{PAGE}: {text.count('| equal')} equal, {text.count('| differs')} differ\n")
