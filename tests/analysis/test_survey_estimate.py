"""Estimates on tables: groups, areas, gaps, missing codes, quality, audit."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

import safemap as sm
from safemap.analysis.survey_answers import answer_key
from safemap.errors import AlignmentError, ConfigError, DataWarning, InputError, StatisticsError

COLUMNS = [
    "events", "estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "n_eff_df", "deff", "df",
    "quality", "note",
]  # fmt: skip


def _people(n: int = 240, *, seed: int = 5) -> pd.DataFrame:
    """Twelve blocks in two strata, wards A to C, weights from 1 to 4."""
    rng = np.random.default_rng(seed)
    block = np.arange(n) % 12
    return pd.DataFrame(
        {
            "w": rng.uniform(1, 4, n), "stratum": np.where(block < 6, "low", "high"), "block": block,
            "ward": np.array(["A", "B", "C"])[block % 3], "unsafe": rng.integers(0, 2, n),
            "times": rng.poisson(2, n),
            "age": rng.integers(18, 80, n), "scale": rng.integers(1, 5, n),
        },
        index=pd.RangeIndex(2, n + 2, name="row"),
    )  # fmt: skip


def _design(d: pd.DataFrame, **options: object) -> sm.SurveyDesign:
    return sm.SurveyDesign(d, weight="w", strata="stratum", psu="block", **options)


def _areas(*names: str) -> gpd.GeoDataFrame:
    shapes = [box(36.85 + i * 0.01, -1.26, 36.86 + i * 0.01, -1.25) for i in range(len(names))]
    index = pd.Index([f"0{i + 1}" for i in range(len(names))], name="area_id", dtype=object)
    return gpd.GeoDataFrame({"name": list(names)}, geometry=shapes, crs=4326, index=index)


def test_the_columns_and_a_share_by_hand() -> None:
    d = pd.DataFrame({"w": [1.0, 1, 2, 2, 3, 3], "psu": [1, 1, 2, 2, 3, 3], "yes": [1, 0, 1, 1, 0, 0]})
    row = sm.survey_estimate(sm.SurveyDesign(d, weight="w", psu="psu"), "yes").frame.loc["all"]
    assert list(row.index) == COLUMNS
    p = (1 + 4) / 12
    totals = np.array([(1 - p) + (0 - p), 2 * (1 - p) * 2, 3 * (0 - p) * 2]) / 12
    variance = 3 / 2 * ((totals - totals.mean()) ** 2).sum()
    assert row["estimate"] == pytest.approx(p)
    assert row["std_error"] == pytest.approx(variance**0.5)
    assert row["deff"] == pytest.approx(variance / (p * (1 - p) / 6))
    assert (row["events"], row["n"], row["df"]) == (3, 6, 2)
    assert row["quality"] == "suppress"


def test_a_domain_that_is_everyone_has_the_error_of_everyone() -> None:
    """S4."""
    d = _people().assign(all="x")
    by_all = sm.survey_estimate(_design(d), "unsafe", by="all").frame.iloc[0]
    overall = sm.survey_estimate(_design(d), "unsafe").frame.iloc[0]
    pd.testing.assert_series_equal(by_all, overall, check_names=False)


def test_where_is_a_domain_not_a_subset() -> None:
    d = _people().assign(contact=lambda f: (f["block"] < 7).astype(int))
    found = sm.survey_estimate(_design(d), "unsafe", where={"contact": 1})
    as_domain = sm.survey_estimate(_design(d), "unsafe", by="contact").frame.loc[1]
    assert found.settings["overall"]["std_error"] == as_domain["std_error"]
    assert found.settings["not_answered"] == {"not_selected": int((d["contact"] == 0).sum())}
    taken = d[d["contact"] == 1]  # of the stratum "high" one block of six is left
    cut = sm.survey_estimate(_design(taken, lonely="certainty"), "unsafe")
    assert cut.settings["overall"]["std_error"] != pytest.approx(as_domain["std_error"], rel=1e-3)


def test_bribery_is_a_share_of_those_with_contact() -> None:
    """I2: 200 respondents, 80 contacts, 12 paid: 15.0 %, not 6.0 %."""
    d = pd.DataFrame({"w": 1.0, "contact": [1] * 80 + [0] * 120, "paid": [1] * 12 + [0] * 188})
    design = sm.SurveyDesign(d, weight="w")
    assert sm.survey_estimate(design, "paid", where={"contact": 1}).settings["overall"][
        "estimate"
    ] == pytest.approx(0.15)
    asked = d.assign(paid=d["paid"].where(d["contact"] == 1))  # the question was skipped
    found = sm.survey_estimate(sm.SurveyDesign(asked, weight="w"), "paid")
    assert found.settings["overall"]["estimate"] == pytest.approx(0.15)
    assert found.frame["n"].tolist() == [80]


def test_areas_without_respondents_are_rows() -> None:
    areas = _areas("Kosovo", "Mabatini", "Nobody lives here")
    d = _people().assign(area_id=lambda f: f["ward"].map({"A": "01", "B": "02", "C": "99"}))
    d.loc[5, "area_id"] = None
    found = sm.survey_estimate(_design(d), "unsafe", areas=areas)
    f = found.frame
    assert isinstance(f, gpd.GeoDataFrame)
    assert f.crs == areas.crs
    assert list(f.columns) == ["name", *COLUMNS, "geometry"]
    assert f.index.tolist() == ["01", "02", "03"]
    assert f.loc["03", ["n", "quality", "note"]].tolist() == [0, "suppress", "no data: no respondents"]
    assert f.loc["03", ["estimate", "std_error", "conf_low", "conf_high", "n_eff", "deff"]].isna().all()
    assert found.audit.by_reason()["rows"].to_dict() == {"missing_area": 1, "unknown_area": 80}
    assert found.audit.n_placed == f["n"].sum() == 159
    assert "1 of them have no respondents" in found.summary()
    plain = sm.survey_estimate(_design(d), "unsafe", by="area_id").frame
    pd.testing.assert_frame_equal(
        pd.DataFrame(f[COLUMNS]).loc[["01", "02"]], plain.loc[["01", "02"]], check_index_type=False
    )


def test_areas_with_no_code_in_common_are_an_error() -> None:
    with pytest.raises(AlignmentError, match="no value of column 'ward' is an id"):
        sm.survey_estimate(_design(_people()), "unsafe", by="ward", areas=_areas("A", "B"))


def test_a_domain_with_one_unit_has_no_interval_and_no_exception() -> None:
    """Anchors 2.16: R gives NaN, samplics a KeyError, svy an interval that is too narrow."""
    d = _people().assign(village=lambda f: np.where(f["block"] == 3, "one", "others"))
    row = sm.survey_estimate(_design(d), "unsafe", by="village").frame.loc["one"]
    assert row["df"] == 0
    assert np.isfinite([row["estimate"], row["std_error"]]).all()
    assert np.isnan([row["conf_low"], row["conf_high"], row["n_eff_df"]]).all()
    assert row["quality"] == "suppress"
    assert "one sampling unit in each stratum: no interval" in row["note"]


def test_zero_and_one_have_intervals_with_width() -> None:
    """S3, whatever the weights: sums of weights only come near 1."""
    d = _people().assign(never=0, ever=1, w=lambda f: f["w"] / 3)
    for column, p in (("never", 0.0), ("ever", 1.0)):
        for interval in ("korn_graubard", "wilson", "logit"):
            row = sm.survey_estimate(_design(d), column, interval=interval).frame.iloc[0]
            assert (row["estimate"], row["std_error"], row["n_eff"]) == (p, 0.0, 240)
            assert np.isnan(row["deff"])
            assert 0 < row["conf_high"] - row["conf_low"] < 0.05
            assert row["quality"] == "review"


def test_means_totals_and_ratios() -> None:
    d = _people()
    design = _design(d)
    mean = sm.survey_estimate(design, "times", kind="mean", by="ward").frame
    total = sm.survey_estimate(design, "times", kind="total", by="ward").frame
    ratio = sm.survey_estimate(design, "times", kind="ratio", denominator="age", by="ward").frame
    for ward, part in d.groupby("ward"):
        assert mean.loc[ward, "estimate"] == pytest.approx(np.average(part["times"], weights=part["w"]))
        assert total.loc[ward, "estimate"] == pytest.approx((part["w"] * part["times"]).sum())
        expected = (part["w"] * part["times"]).sum() / (part["w"] * part["age"]).sum()
        assert ratio.loc[ward, "estimate"] == pytest.approx(expected)
    assert "events" not in mean.columns
    assert mean.loc["A", "df"] == 2  # four blocks of the ward in two strata
    assert sm.survey_estimate(design, "times", kind="mean").frame["df"].tolist() == [10]
    half = mean["conf_high"] - mean["estimate"]
    assert (half / mean["std_error"]).tolist() == pytest.approx([4.302652729911275] * 3)


def test_success_codes_missing_codes_and_text() -> None:
    answers = ["very safe", "Bit unsafe", "VERY UNSAFE ", "99", None, "", "fairly safe", "bit unsafe"]
    d = pd.DataFrame({"w": 1.0, "dark": answers})
    found = sm.survey_estimate(
        sm.SurveyDesign(d, weight="w"), "dark", success=("bit unsafe", "very unsafe"), missing=(99,)
    )
    assert found.frame[["events", "n"]].values.tolist() == [[3, 5]]
    assert found.settings["not_answered"] == {"missing_answer": 2, "declared_missing": 1}
    assert answer_key("09") == answer_key(9.0)
    assert answer_key("1_0") != answer_key("10")


def test_undeclared_missing_codes_are_refused() -> None:
    """S12: 99 as "does not know" in an item from 1 to 4 is never averaged in."""
    d = _people()
    d.loc[[4, 9], "scale"] = 99
    design = _design(d)
    with pytest.raises(
        InputError, match=r"scale 1 to 4, but 2 answers lie beyond it \(99\), rows 4, 9"
    ) as caught:
        sm.survey_estimate(design, "scale", kind="mean", scale=(1, 4))
    assert caught.value.details["rows"] == [4, 9]
    with pytest.raises(InputError, match="often mean no answer"):
        sm.survey_estimate(design, "scale", kind="mean")
    with pytest.raises(InputError, match="scale 1 to 4"):
        sm.survey_estimate(design, "scale", success=(3, 4), scale=(1, 4))
    good = sm.survey_estimate(design, "scale", kind="mean", missing=(99,), scale=(1, 4))
    assert good.frame["n"].tolist() == [238]
    assert 1 <= good.settings["overall"]["estimate"] <= 4
    stated = sm.survey_estimate(design, "scale", kind="mean", missing=())
    assert stated.settings["overall"]["estimate"] > good.settings["overall"]["estimate"]


def test_other_answers_than_zero_and_one_need_words() -> None:
    d = _people()
    with pytest.raises(InputError, match="success="):
        sm.survey_estimate(_design(d), "scale")
    with pytest.raises(InputError, match="does not occur"):
        sm.survey_estimate(_design(d), "scale", success=7)
    nobody = d.assign(scale=d["scale"].replace(4, 3))
    found = sm.survey_estimate(_design(nobody), "scale", success=4, scale=(1, 4))
    assert found.settings["overall"]["estimate"] == 0.0
    with pytest.raises(InputError, match="something else than a number in 240 rows"):
        sm.survey_estimate(_design(d), "ward", kind="mean")


def test_weights_are_checked_and_described() -> None:
    """S1."""
    d = _people()
    d.loc[[7, 11], "w"] = [0.0, np.nan]
    with pytest.raises(InputError, match=r"above 0 for every respondent; 2 rows .* \(rows 7, 11\)") as caught:
        _design(d)
    assert caught.value.details["rows"] == [7, 11]
    d = _people()
    design = _design(d)
    w = d["w"]
    assert design.weights["sum"] == pytest.approx(w.sum())
    assert design.weights["cv"] == pytest.approx(w.std(ddof=0) / w.mean())
    assert design.weights["kish_deff"] == pytest.approx(1 + (w.std(ddof=0) / w.mean()) ** 2)
    d.loc[7, "w"] = 21 * w.min()
    with pytest.warns(DataWarning, match="21 times the smallest") as said:
        _design(d)
    assert said[0].filename == __file__


def test_a_lonely_stratum_fails_by_name_unless_told() -> None:
    d = _people()
    d.loc[d["block"] == 0, "stratum"] = "alone"
    with pytest.raises(StatisticsError, match=r"single sampling unit.*alone") as caught:
        _design(d)
    assert caught.value.details["strata"] == ["alone"]
    sure, centred = (_design(d, lonely=how) for how in ("certainty", "center"))
    errors = [sm.survey_estimate(x, "unsafe").settings["overall"]["std_error"] for x in (sure, centred)]
    assert errors[0] < errors[1]


def test_units_are_nested_in_strata_whatever_their_numbers() -> None:
    d = _people()
    again = d.assign(block=d["block"] % 6)  # numbered anew in each stratum
    first, second = (sm.survey_estimate(_design(x), "unsafe", by="ward").frame for x in (d, again))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("column", ["stratum", "block"])
def test_gaps_in_the_design_are_refused_by_row(column: str) -> None:
    d = _people()
    d[column] = d[column].astype(object)
    d.loc[8, column] = None
    with pytest.raises(InputError, match=r"empty in 1 rows \(rows 8\)"):
        _design(d)


def test_finite_populations_that_contradict_are_refused_by_row() -> None:
    d = _people().assign(N=3)
    with pytest.raises(InputError, match="smaller than the number of units"):
        _design(d, fpc="N")


def test_a_sample_not_drawn_by_chance_is_counted_only() -> None:
    """A3: no interval, no prevalence; x of n respondents."""
    d = _people()
    walk_in = sm.SurveyDesign(d, weight=None, sampling="nonprobability")
    with pytest.raises(StatisticsError, match="not drawn by chance"):
        sm.survey_estimate(walk_in, "unsafe")
    found = sm.count_answers(walk_in, "unsafe", by="ward")
    part = d[d["ward"] == "B"]["unsafe"]
    assert found.frame.loc["B", "note"] == f"{part.sum()} of 80 respondents said so"
    assert list(found.frame.columns) == ["events", "n", "note"]
    for options in ({"weight": "w", "sampling": "nonprobability"}, {"weight": None}):
        with pytest.raises(ConfigError, match="weight="):
            sm.SurveyDesign(d, **options)


def test_respondents_taken_out_before_are_refused() -> None:
    incidents = sm.read_incidents(_people().assign(lon=36.8, lat=-1.2), lon="lon", lat="lat")
    cut = sm.select_incidents(incidents, where={"ward": "A"})
    with pytest.raises(StatisticsError, match="160 respondents were taken out"):
        _design(cut)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "median"}, "kind must be"), ({"interval": "wald"}, "interval must be"),
        ({"confidence": 95}, "confidence"), ({"kind": "ratio"}, "denominator"),
        ({"denominator": "age"}, "denominator"), ({"kind": "mean", "success": 1}, "success"),
    ],
)  # fmt: skip
def test_wrong_options(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sm.survey_estimate(_design(_people()), "unsafe", **options)


def test_input_is_not_changed_and_later_changes_do_not_reach_the_design() -> None:
    d = _people()
    before = d.copy()
    design = _design(d)
    first = sm.survey_estimate(design, "unsafe", by="ward").frame
    pd.testing.assert_frame_equal(d, before)
    d["unsafe"] = 1
    pd.testing.assert_frame_equal(sm.survey_estimate(design, "unsafe", by="ward").frame, first)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["proportion", "mean", "total"]))
def test_the_audit_adds_up_and_order_does_not_matter(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    d = _people(seed=seed)
    d["unsafe"] = d["unsafe"].astype(object).where(rng.random(len(d)) > 0.1, None)
    d["ward"] = d["ward"].astype(object).where(rng.random(len(d)) > 0.1, None)
    found = sm.survey_estimate(_design(d), "unsafe", kind=kind, by="ward")
    assert found.audit.n_in == len(d)
    assert found.frame["n"].sum() == found.audit.n_placed
    usable = d["unsafe"].notna() & d["ward"].notna()
    found.audit.check(d.index[usable])
    again = sm.survey_estimate(_design(d.sample(frac=1, random_state=seed)), "unsafe", kind=kind, by="ward")
    pd.testing.assert_frame_equal(found.frame, again.frame, rtol=1e-9)


def test_groups_come_in_their_own_order() -> None:
    d = _people()
    assert sm.survey_estimate(
        _design(d.assign(g=d["age"] % 11)), "unsafe", by="g"
    ).frame.index.tolist() == list(range(11))
    order = ["C", "A", "B", "never"]
    typed = d.assign(ward=pd.Categorical(d["ward"], categories=order))
    assert sm.survey_estimate(_design(typed), "unsafe", by="ward").frame.index.tolist() == ["C", "A", "B"]


def test_summary_says_what_was_found() -> None:
    text = sm.survey_estimate(_design(_people()), "unsafe", by="ward").summary()
    assert text.startswith("proportion of 'unsafe' by 'ward': 240 respondents, 3 rows (")
    assert "overall " in text
    assert "95% interval" in text
    assert "2 strata, 12 sampling units, 10 degrees of freedom" in _design(_people()).summary()
