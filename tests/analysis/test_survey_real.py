"""Real surveys: the California API samples of R survey, and ENVIPE 2021 for Mexico City."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from safemap import SurveyDesign, SurveyResult, survey_estimate
from safemap.errors import DataWarning

pytestmark = pytest.mark.real
RealData = Callable[[str], Path]

#: anchors 4.6: sample, design, estimate and SE of mean(api00) and total(enroll), as R survey prints them
ANCHORS: list[tuple[str, dict[str, Any], tuple[float, float], tuple[float, float]]] = [
    ("apistrat", {"strata": "stype", "fpc": "fpc"}, (662.29, 9.4089), (3687178, 114642)),
    ("apiclus1", {"psu": "dnum", "fpc": "fpc"}, (644.17, 23.542), (3404940, 932235)),
    ("apiclus2", {"psu": ["dnum", "snum"], "fpc": ["fpc1", "fpc2"]}, (670.81, 30.099), (2639273, 799638)),
]


def _rounded(found: SurveyResult, digits: tuple[int, int]) -> tuple[float, float]:
    overall = found.settings["overall"]
    return round(overall["estimate"], digits[0]), round(overall["std_error"], digits[1])


@pytest.mark.parametrize(("name", "design", "mean", "total"), ANCHORS, ids=[a[0] for a in ANCHORS])
def test_anchors_to_the_printed_digits(
    real_data: RealData,
    name: str,
    design: dict[str, Any],
    mean: tuple[float, float],
    total: tuple[float, float],
) -> None:
    rows = pd.read_csv(real_data(f"survey_api/{name}.csv"))
    survey = SurveyDesign(rows, weight="pw", **design)
    decimals = len(str(mean[1]).partition(".")[2])
    assert _rounded(survey_estimate(survey, "api00", kind="mean"), (2, decimals)) == mean
    assert _rounded(survey_estimate(survey, "enroll", kind="total"), (0, 0)) == total


def test_ultimate_clusters_give_the_other_two_numbers_of_the_anchors(real_data: RealData) -> None:
    """Anchors 4.6: ultimate clusters give 30.712 without fpc and 29.889 with the first."""
    rows = pd.read_csv(real_data("survey_api/apiclus2.csv"))
    without = SurveyDesign(rows, weight="pw", psu="dnum")
    assert _rounded(survey_estimate(without, "api00", kind="mean"), (2, 3)) == (670.81, 30.712)
    first = SurveyDesign(rows, weight="pw", psu="dnum", fpc="fpc1")
    assert _rounded(survey_estimate(first, "api00", kind="mean"), (2, 3)) == (670.81, 29.889)


def test_the_truth_lies_in_the_intervals(real_data: RealData) -> None:
    truth = pd.read_csv(real_data("survey_api/apipop.csv"))["api00"].mean()
    assert round(truth, 4) == 664.7126
    for name, design, *_ in ANCHORS:
        rows = pd.read_csv(real_data(f"survey_api/{name}.csv"))
        o = survey_estimate(SurveyDesign(rows, weight="pw", **design), "api00", kind="mean").settings[
            "overall"
        ]
        assert o["conf_low"] < truth < o["conf_high"]


@pytest.fixture(scope="module")
def envipe() -> Callable[[RealData], SurveyResult]:
    known: list[SurveyResult] = []

    def estimate(real_data: RealData) -> SurveyResult:
        """Adults with at least one crime other than vandalism (BPCOD 03), by alcaldia."""
        if not known:
            people = pd.read_parquet(real_data("envipe2021_cdmx/envipe2021_tper_vic2_ent09.parquet"))
            crimes = pd.read_parquet(real_data("envipe2021_cdmx/envipe2021_tmod_vic_ent09.parquet"))
            victims = set(crimes.loc[crimes["BPCOD"] != "03", "ID_PER"])
            people["victim"] = people["ID_PER"].isin(victims)
            with pytest.warns(DataWarning, match="24 times the smallest"):
                design = SurveyDesign(people, weight="FAC_ELE", strata="EST_DIS", psu="UPM_DIS")
            assert design.weights["sum"] == 7_345_443
            assert (design.n, design.n_strata, design.n_psu, design.df) == (5831, 20, 1274, 1254)
            known.append(survey_estimate(design, "victim", by="CVE_MUN"))
        return known[0]

    return estimate


def test_envipe_reference_values(real_data: RealData, envipe: Callable[[RealData], SurveyResult]) -> None:
    """SOURCE.md: Mexico City 0.33344 (0.00773), Iztapalapa 0.35976 (0.01979), from the national file.

    The strata of the city hold units of the city only, so that the other states add zero to the variance and
    the extract gives the same numbers.
    """
    result = envipe(real_data)
    assert _rounded(result, (5, 5)) == (0.33344, 0.00773)
    row = result.frame.loc["007"]
    assert (round(row["estimate"], 5), round(row["std_error"], 5), row["n"]) == (0.35976, 0.01979, 873)


def test_envipe_has_every_alcaldia_with_interval_and_quality(
    real_data: RealData, envipe: Callable[[RealData], SurveyResult]
) -> None:
    f = envipe(real_data).frame
    assert f.index.tolist() == [f"{i:03d}" for i in range(2, 18)]
    assert f["n"].sum() == 5831
    assert ((f["conf_low"] < f["estimate"]) & (f["estimate"] < f["conf_high"])).all()
    assert set(f["quality"]) == {"publish"}
    assert (f["n_eff"] <= f["n"]).all()
    assert (f["n_eff_df"] <= f["n_eff"]).all()
    assert (f["df"] < 190).all()  # of the alcaldia, not the 1,254 of the city (svy#175)
