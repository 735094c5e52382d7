"""Taylor variances against hand computation, plain loops, the jackknife, R survey and svy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safemap.stats.survey import (
    FractionError,
    SampleDesign,
    linearised_variance,
    lonely_strata,
    ratio_estimates,
    sampling_stages,
    total_estimates,
)

HERE = Path(__file__).parent
CLOSE = 1e-10
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def samples(draw: st.DrawFn, *, lonely: bool = False, stages: int | None = None) -> pd.DataFrame:
    """One row per respondent: stratum, psu, ssu, w, y (with gaps), x, g; fpc1, fpc2 if finite."""
    two = (stages or draw(st.integers(1, 2))) == 2
    finite = draw(st.sampled_from(["none", "sizes", "shares"])) if stages is None else "sizes"
    smallest = 1 if lonely else 2
    sizes = draw(st.lists(st.integers(smallest, 5), min_size=1, max_size=4))
    if lonely:
        sizes = [1, *sizes, 2]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    least = 1 if finite == "shares" else 0  # R takes a column of ones for sizes
    rows = []
    for h, units in enumerate(sizes):
        population = units + int(rng.integers(least, 9))
        for i in range(units):
            second = int(rng.integers(2, 5))
            inside = second + int(rng.integers(least, 9))
            for j in range(second):
                for _ in range(int(rng.integers(1, 4)) if two else 1):
                    rows.append((h, i, j, population, inside, units / population, second / inside))
    d = pd.DataFrame(rows, columns=["stratum", "psu", "ssu", "N1", "N2", "f1", "f2"])
    n = len(d)
    d["w"] = rng.uniform(0.5, 20, n)
    d["y"] = rng.normal(3, 2, n) if rng.random() < 0.5 else rng.integers(0, 2, n).astype(float)
    d["x"] = rng.uniform(0.5, 3, n)
    d["g"] = rng.integers(0, 3, n)
    answered = rng.random(n) > draw(st.sampled_from([0.0, 0.2]))
    answered[[int(np.flatnonzero(d["g"] == g)[0]) for g in d["g"].unique()]] = True
    d.loc[~answered, "y"] = np.nan
    if finite != "none":
        d["fpc1"] = d["N1"] if finite == "sizes" else d["f1"]
        if two:
            d["fpc2"] = d["N2"] if finite == "sizes" else d["f2"]
    return d.drop(columns=["N1", "N2", "f1", "f2"] + ([] if two else ["ssu"]))


def design_of(d: pd.DataFrame, *, lonely: str = "fail") -> SampleDesign:
    """The design that a random sample describes."""
    units = [d["psu"].to_numpy()] + ([d["ssu"].to_numpy()] if "ssu" in d else [])
    fractions = [d[c].to_numpy() for c in ("fpc1", "fpc2") if c in d]
    return SampleDesign(d["w"].to_numpy(), sampling_stages(d["stratum"].to_numpy(), units, fractions), lonely)


def _brute(d: pd.DataFrame, scores: np.ndarray) -> float:
    """The textbook formula, loop by loop, over every sampled unit of the full design."""
    d = d.assign(u=scores)
    variance = 0.0
    for _, stratum in d.groupby("stratum"):
        units = stratum.groupby("psu")["u"].sum()
        m = len(units)
        f1 = _share(stratum["fpc1"].iloc[0], m) if "fpc1" in d else 0.0
        variance += (1 - f1) * m / (m - 1) * ((units - units.mean()) ** 2).sum()
        if "ssu" not in d or f1 == 0:
            continue
        for _, unit in stratum.groupby("psu"):
            inner = unit.groupby("ssu")["u"].sum()
            k = len(inner)
            f2 = _share(unit["fpc2"].iloc[0], k)
            variance += f1 * (1 - f2) * k / (k - 1) * ((inner - inner.mean()) ** 2).sum()
    return variance


def _share(declared: float, sampled: int) -> float:
    return declared if declared <= 1 else sampled / declared


def _all_domains(d: pd.DataFrame, design: SampleDesign) -> np.ndarray:
    """As survey_oracle.R prints them: per domain, then for all."""
    y, x = d["y"].to_numpy(), d["x"].to_numpy()
    answered = ~np.isnan(y)
    codes = np.unique(d["g"], return_inverse=True)[1]
    out = []
    for domain, size in ((codes, codes.max() + 1), (np.zeros(len(d), int), 1)):
        domain = np.where(answered, domain, -1)
        filled = np.nan_to_num(y)
        mean = ratio_estimates(filled, np.ones(len(d)), domain, size, design)
        total = total_estimates(filled, domain, size, design)
        ratio = ratio_estimates(filled, x, domain, size, design)
        columns = [v for e in (mean, total, ratio) for v in (e.estimate, np.sqrt(e.variance))]
        out.append(np.column_stack([*columns, mean.df]))
    return np.vstack(out)


def _assert_close(ours: np.ndarray, theirs: np.ndarray) -> None:
    scale = np.maximum(np.abs(theirs), 1.0)
    assert np.all(np.abs(ours - theirs) <= CLOSE * scale), (ours, theirs)


def test_two_stage_variance_by_hand() -> None:
    """Two units drawn of four, in each two of four: every term written out."""
    stages = sampling_stages(None, [[0, 0, 1, 1], [0, 1, 0, 1]], [[4, 4, 4, 4], [4, 4, 4, 4]])
    scores = [1.0, 3.0, 2.0, 8.0]  # unit totals 4 and 10
    first = (1 - 2 / 4) * 2 / 1 * ((4 - 7) ** 2 + (10 - 7) ** 2)
    second = (2 / 4) * (1 - 2 / 4) * 2 / 1 * ((1 - 2) ** 2 + (3 - 2) ** 2 + (2 - 5) ** 2 + (8 - 5) ** 2)
    found = linearised_variance(scores, [0] * 4, 1, SampleDesign(np.ones(4), stages))
    assert found.tolist() == [first + second]


@few
@given(samples())
def test_equal_to_the_textbook_loops(d: pd.DataFrame) -> None:
    design = design_of(d)
    scores = d["w"].to_numpy() * np.nan_to_num(d["y"].to_numpy())
    for code in d["g"].unique():
        inside = (d["g"] == code).to_numpy()
        found = linearised_variance(scores, np.where(inside, 0, -1), 1, design)[0]
        assert found == pytest.approx(_brute(d, np.where(inside, scores, 0.0)), rel=1e-11, abs=1e-11)


@few
@given(samples(stages=1))
def test_total_equals_the_delete_one_unit_jackknife(d: pd.DataFrame) -> None:
    """For a linear estimator the stratified jackknife is the same number by another road."""
    d = d.drop(columns=[c for c in d if c.startswith("fpc")]).assign(y=lambda f: f["y"].fillna(0))
    design = design_of(d)
    full = (d["w"] * d["y"]).sum()
    variance = 0.0
    for h, stratum in d.groupby("stratum"):
        m = stratum["psu"].nunique()
        for unit in stratum["psu"].unique():
            w = (
                d["w"]
                .where(d["stratum"] != h, d["w"] * m / (m - 1))
                .where(~((d["stratum"] == h) & (d["psu"] == unit)), 0.0)
            )
            variance += (m - 1) / m * ((w * d["y"]).sum() - full) ** 2
    found = total_estimates(d["y"], np.zeros(len(d), int), 1, design)
    assert found.variance[0] == pytest.approx(variance, rel=1e-9, abs=1e-9)


@few
@given(samples())
def test_domains_add_up_to_the_whole_and_one_domain_is_the_whole(d: pd.DataFrame) -> None:
    """S4: a domain that is everyone has the SE of everyone; totals of domains sum to the total."""
    design, y = design_of(d), np.nan_to_num(d["y"].to_numpy())
    codes = d["g"].to_numpy()
    parts, whole = total_estimates(y, codes, 3, design), total_estimates(y, np.zeros(len(d), int), 1, design)
    assert np.nansum(parts.estimate) == pytest.approx(whole.estimate[0], rel=1e-12)
    same = ratio_estimates(y, np.ones(len(d)), np.full(len(d), 1), 3, design)
    alone = ratio_estimates(y, np.ones(len(d)), np.zeros(len(d), int), 1, design)
    assert same.variance[1] == alone.variance[0]
    assert same.df[1] == alone.df[0]
    assert np.isnan(same.estimate[[0, 2]]).all()
    assert same.n.tolist() == [0, len(d), 0]


def test_a_domain_is_not_a_subset_of_the_sample() -> None:
    """S4: units without respondents in the domain count; taking rows out first loses them."""
    d = pd.DataFrame(
        {"psu": np.repeat(np.arange(8), 3), "y": np.tile([1.0, 2, 4], 8), "g": np.repeat([0, 0, 0, 1], 6)}
    )
    full = SampleDesign(np.ones(24), sampling_stages(None, [d["psu"]]))
    found = total_estimates(d["y"], d["g"], 2, full)
    part = d[d["g"] == 0]
    alone = SampleDesign(np.ones(len(part)), sampling_stages(None, [part["psu"]]))
    cut = total_estimates(part["y"], np.zeros(len(part), int), 1, alone)
    assert cut.variance[0] == 0.0
    assert found.variance[0] == pytest.approx(8 / 7 * (6 * 1.75**2 + 2 * 5.25**2))


@few
@given(samples(), st.integers(0, 10_000))
def test_order_of_rows_and_size_of_weights_do_not_matter(d: pd.DataFrame, seed: int) -> None:
    shuffled = d.sample(frac=1, random_state=seed)
    first, again = _all_domains(d, design_of(d)), _all_domains(shuffled, design_of(shuffled))
    np.testing.assert_allclose(again, first, rtol=1e-9, atol=1e-9)
    scaled = _all_domains(d.assign(w=d["w"] * 7), design_of(d.assign(w=d["w"] * 7)))
    np.testing.assert_allclose(scaled[:, [0, 1, 4, 5, 6]], first[:, [0, 1, 4, 5, 6]], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(scaled[:, [2, 3]], 7 * first[:, [2, 3]], rtol=1e-9, atol=1e-9)


def test_lonely_units() -> None:
    stages = sampling_stages([0, 1, 1, 2], [[0, 0, 1, 0]], [[5, 9, 9, 1]])
    assert lonely_strata(stages[0]).tolist() == [0]  # stratum 2 has one unit and is all of it
    scores, domain = np.array([4.0, 1.0, 3.0, 8.0]), np.zeros(4, int)
    pair = (1 - 2 / 9) * 2 * 2.0
    sure = linearised_variance(scores, domain, 1, SampleDesign(np.ones(4), stages, "certainty"))
    assert sure[0] == pytest.approx(pair)
    centred = linearised_variance(scores, domain, 1, SampleDesign(np.ones(4), stages, "center"))
    assert centred[0] == pytest.approx(pair + (1 - 1 / 5) * (4 - 4) ** 2)
    other = linearised_variance(scores * [2, 1, 1, 1], domain, 1, SampleDesign(np.ones(4), stages, "center"))
    assert other[0] == pytest.approx(pair + (1 - 1 / 5) * (8 - 5) ** 2)


@pytest.mark.parametrize(
    ("declared", "words", "rows"),
    [([5, 6, 2, 2], "differs", [0]), ([5, 5, 0, 2], "above 0", [2]), ([1.5] * 4, "smaller", [0, 1, 2, 3])],
)
def test_finite_populations_that_contradict_the_sample(
    declared: list[float], words: str, rows: list[int]
) -> None:
    with pytest.raises(FractionError, match=words) as caught:
        sampling_stages([0, 0, 1, 1], [[0, 1, 0, 1]], [declared])
    assert caught.value.rows.tolist() == rows


@pytest.fixture(scope="module")
def r_survey() -> Iterator[Callable[[Path], np.ndarray]]:
    """R with the package survey, kept open; the tests skip where it is not installed."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed: no comparison with R survey")
    probe = subprocess.run(["Rscript", "-e", "library(survey)"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("the R package survey is not installed: no comparison with R survey")
    yield from _talk(["Rscript", str(HERE / "survey_oracle.R")])


@pytest.fixture(scope="module")
def svy() -> Iterator[Callable[[Path], np.ndarray]]:
    """The Python package svy in this interpreter, or in the one that SAFEMAP_SVY_PYTHON names."""
    python = os.environ.get("SAFEMAP_SVY_PYTHON", sys.executable)
    probe = subprocess.run([python, "-c", "import polars, svy"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("svy is not installed (SAFEMAP_SVY_PYTHON may name an interpreter that has it)")
    yield from _talk([python, str(HERE / "survey_oracle_svy.py")])


def _talk(command: list[str]) -> Iterator[Callable[[Path], np.ndarray]]:
    """A conversation with a running oracle: a path goes in, a line of numbers comes out."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        talk, listen = process.stdin, process.stdout
        assert talk is not None
        assert listen is not None

        def ask(path: Path) -> np.ndarray:
            talk.write(f"{path}\n")
            talk.flush()
            line = listen.readline()
            assert line, "the oracle ended"
            return np.array(line.split(), dtype=float).reshape(-1, 7)

        yield ask
        talk.close()


@few
@given(samples())
def test_equal_to_r_survey(
    r_survey: Callable[[Path], np.ndarray], tmp_path_factory: pytest.TempPathFactory, d: pd.DataFrame
) -> None:
    path = tmp_path_factory.mktemp("r") / "case.csv"
    d.assign(lonely="fail").to_csv(path, index=False, float_format="%.17g")
    _assert_close(_all_domains(d, design_of(d)), r_survey(path))


@settings(few, max_examples=30)
@given(samples(lonely=True), st.sampled_from(["center", "certainty"]))
def test_lonely_units_equal_to_r_survey(
    r_survey: Callable[[Path], np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
    d: pd.DataFrame,
    lonely: str,
) -> None:
    """R's "adjust" centres at zero: the mean of all units for means and ratios, not for totals."""
    path = tmp_path_factory.mktemp("r") / "case.csv"
    d.assign(lonely={"center": "adjust"}.get(lonely, lonely)).to_csv(path, index=False, float_format="%.17g")
    same = [0, 1, 2, 4, 5] if lonely == "center" else [0, 1, 2, 3, 4, 5]
    _assert_close(_all_domains(d, design_of(d, lonely=lonely))[:, same], r_survey(path)[:, same])


@settings(few, max_examples=25)
@given(samples())
def test_equal_to_svy(
    svy: Callable[[Path], np.ndarray], tmp_path_factory: pytest.TempPathFactory, d: pd.DataFrame
) -> None:
    d = d.drop(columns=["ssu", "fpc1", "fpc2"], errors="ignore").fillna(0.0)
    path = tmp_path_factory.mktemp("svy") / "case.csv"
    d.to_csv(path, index=False, float_format="%.17g")
    _assert_close(_all_domains(d, design_of(d))[:, :6], svy(path)[:, :6])
