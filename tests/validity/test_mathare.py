"""Mathare from its files: each planted fault has its reason, planted truth is found, nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import safemap as sm
from safemap import datasets
from safemap.datasets._mathare import settle, ward_keys
from safemap.datasets._mathare_survey import draw_survey, enumerate_city, true_shares
from safemap.datasets._stream import Stream

PERIOD = ("2023-01-01", "2023-12-31")
#: item of the truth -> question, answers that count
QUESTIONS = {"after_dark": ("after_dark", (3, 4)), "victim": ("victim", 1), "radio": ("radio", 1)}


@pytest.fixture(scope="module")
def truth():
    return datasets.truth("mathare")


@pytest.fixture(scope="module")
def folder():
    return datasets.path("mathare")


@pytest.fixture(scope="module")
def blocks(folder):
    return sm.read_areas(folder / "blocks.geojson", id="block_id", name="block", population="population")


@pytest.fixture(scope="module")
def raw(folder):
    return sm.read_incidents(
        folder / "incidents.csv", lon="longitude", lat="latitude", date="occurred", category="category",
        id="report_id",
    )  # fmt: skip


def _joined(raw, blocks, where=None):
    chosen = sm.select_incidents(raw, where=where, period=PERIOD)
    clean = sm.clean_incidents(
        chosen, within=blocks, duplicates="set-aside", pileups="set-aside", address="place"
    )
    return sm.join_areas(clean, blocks)


@pytest.fixture(scope="module")
def joined(raw, blocks):
    return _joined(raw, blocks)


@pytest.fixture(scope="module")
def responses(folder):
    return sm.read_survey(folder / "survey.xlsx", form=folder / "form.xlsx", groups="strip")


@pytest.fixture(scope="module")
def design(responses, blocks):
    placed = sm.place_responses(responses, blocks, code="block_id")
    return sm.SurveyDesign(
        placed, weight="weight", strata="ward_id", psu=["ea_id", "household"],
        fpc=["ea_in_ward", "households_in_ea"],
    )  # fmt: skip


# reports


def test_the_order_of_day_and_month_is_read_from_the_file(raw):
    assert raw.report.date_rule.startswith("DD/MM/YYYY (the first number exceeds 12")


def test_each_planted_fault_has_its_own_reason(joined, truth):
    found = {reason: set(rows.index) for reason, rows in joined.audit.set_aside.groupby("reason")}
    assert found == {reason: set(rows) for reason, rows in truth.faults.items()}


def test_sound_reports_are_placed_in_the_planted_blocks(joined, truth):
    placed = joined.frame["area_id"].dropna().astype(object)
    pd.testing.assert_series_equal(placed.sort_index(), truth.area_of.sort_index(), check_names=False)
    match = joined.frame["match"]
    assert set(match.index[match == "boundary"]) == set(truth.flags["boundary"])


def test_landmarks_are_no_default_and_the_start_of_the_map_is(raw, blocks, truth):
    pileups = sm.clean_incidents(raw, within=blocks, address="place").pileups
    default = pileups[pileups["suspected"] == "default"]
    assert len(default) == 1
    assert (default["x"].iloc[0], default["y"].iloc[0]) == pytest.approx(truth.pile_up, abs=1e-6)
    assert (pileups["suspected"] == "hot_address").sum() >= 20


def test_robberies_alone_meet_every_fault_and_give_the_planted_counts(raw, blocks, truth):
    robberies = _joined(raw, blocks, where={"category": "robbery"})
    assert set(robberies.audit.set_aside["reason"]) == {*truth.faults, "not_selected"}
    events = sm.area_rates(robberies, period=PERIOD).frame["events"]
    assert (events == truth.events["robbery"][events.index]).all()


def test_rates_under_disputed_populations_are_the_counts_over_each(joined, blocks, truth):
    events = truth.events.sum(axis=1)
    found = {}
    for column in ("population_low", "population", "population_high"):
        rates = sm.area_rates(joined, population=column, period=PERIOD, per=1000).frame
        people = blocks[column].astype(float)
        expected = (events / people * 1000 * 365.25 / 365)[people > 0]
        assert rates["estimate"][expected.index].to_numpy() == pytest.approx(expected.to_numpy())
        assert rates["estimate"].isna().sum() == 1
        found[column] = rates["estimate"]
    assert (found["population_low"].dropna() > found["population_high"].dropna()).all()


def test_the_raster_is_a_denominator(folder, blocks, raw, truth):
    people = sm.raster_sum_by_area(folder / "population.tif", blocks)
    sums = people.frame["population"]
    assert sums.to_numpy() == pytest.approx(truth.raster_people[sums.index].to_numpy(), rel=1e-8)
    assert people.settings["areas_partly_covered"] == 0
    rates = sm.area_rates(_joined(raw, people.frame), period=PERIOD, per=1000).frame
    expected = truth.events.sum(axis=1) / truth.raster_people * 1000 * 365.25 / 365
    assert rates["estimate"].to_numpy() == pytest.approx(expected[rates.index].to_numpy(), rel=1e-7)


def test_the_job_runs_from_its_file(folder):
    run = sm.run_assessment(folder / "assessment.toml", None)
    assert run.findings.audit.n_placed == 2045
    assert len(run.findings.flagged(run.findings.hot)) >= 3


# survey


def test_flaws_of_the_export_are_flagged_as_planted(responses, truth, folder):
    flags = truth.response_flags
    for name in ("low_accuracy", "zero_coordinates"):
        assert tuple(responses.audit.flags[name]) == flags[name]
    nowhere = responses.frame.index[responses.frame["x"].isna()]
    assert set(nowhere) == {*flags["zero_coordinates"], *flags["missing_position"]}
    told = sm.read_survey(folder / "survey.xlsx", sheet="incident", form=folder / "form.xlsx", groups="strip")
    whole = sm.join_repeat(told, responses, columns=["block_id", "weight"])
    assert tuple(whole.audit.set_aside.index) == flags["no_parent"]
    assert (whole.audit.set_aside["reason"] == "no_parent").all()


def test_skips_of_the_form_agree_with_the_empty_cells(responses):
    frame = responses.frame
    assert (responses.asked("what_happened") == frame["what_happened/theft"].notna()).all()
    assert (responses.asked("avoid") == frame["avoid/river"].notna()).all()
    assert frame["avoid/river"].dtype == "boolean"


def test_answers_not_asked_are_kept_apart_from_no(design, responses):
    reported = sm.survey_estimate(design, "reported", missing=(99,))
    left_out = reported.settings["not_answered"]
    assert left_out["not_asked"] == int((~responses.asked("reported")).sum())
    assert reported.settings["n"] + sum(left_out.values()) == 900


def test_99_is_refused_until_it_is_declared(design):
    with pytest.raises(sm.errors.InputError, match=r"missing=\(99,\)"):
        sm.survey_estimate(design, "nights_out", kind="mean")
    mean = sm.survey_estimate(design, "nights_out", kind="mean", missing=(99,)).settings["overall"]
    assert mean["conf_low"] < 3.5 < mean["conf_high"]  # 0 to 7, all as likely


def test_position_and_code_mostly_agree(responses, blocks, truth):
    """Devices err by some metres, so that homes near a border may be counted next door."""
    by_position = sm.place_responses(responses, blocks).frame["area_id"].dropna()
    agree = (by_position == truth.block_of[by_position.index]).mean()
    assert 0.93 < agree < 1
    by_code = sm.place_responses(responses, blocks, code="block_id").frame["area_id"]
    assert (by_code.astype(object) == truth.block_of).all()


@pytest.mark.parametrize("item", list(QUESTIONS))
def test_the_sample_says_what_is_true_of_the_wards(item, design, truth):
    question, success = QUESTIONS[item]
    by_ward = sm.survey_estimate(design, question, success=success, missing=(99,), by="ward_id").frame
    true = truth.ward_shares.loc[by_ward.index, item]
    assert ((by_ward["conf_low"] <= true) & (true <= by_ward["conf_high"])).all()
    assert (by_ward["n"] > 120).all()
    assert by_ward["quality"].isin(["publish", "review"]).all()


def test_no_block_has_an_estimate_fit_to_publish(design, blocks):
    """The sample was drawn for wards: safemap says so of every block, and none is left out."""
    by_block = sm.survey_estimate(design, "after_dark", success=(3, 4), missing=(99,), areas=blocks).frame
    assert by_block.index.equals(blocks.index)
    assert (by_block["quality"] == "suppress").all()
    assert (by_block["n"] == 0).sum() >= 10


def _survey_of(seed):
    """Responses of one seed with the group of unsafe blocks, and true shares by ward and by that group."""
    setting = settle(seed, hotspot=10)
    city = enumerate_city(setting, Stream(seed, 105))
    survey = draw_survey(setting, city, Stream(seed, 106))
    unsafe = {position for group in setting.unsafe for position in group}
    frame = pd.DataFrame(survey.rows, columns=survey.header)
    frame.columns = [c.rpartition("/")[2] if c.count("/") == 1 else c for c in frame.columns]
    frame["named"] = [int(b in unsafe) for b in survey.blocks]
    wards = pd.DataFrame(true_shares(city, city.ward, 6), index=[code for code, _ in ward_keys()])
    named = pd.DataFrame(true_shares(city, [int(b in unsafe) for b in city.block], 2))
    return frame, {"ward_id": wards, "named": named}


def _coverage(seeds):
    """Whether each interval holds the true share, per item and grouping, and the estimated effects."""
    held = {(item, by): [] for item in QUESTIONS for by in ("ward_id", "named")}
    effects = {item: [] for item in QUESTIONS}
    for seed in seeds:
        frame, true = _survey_of(seed)
        design = sm.SurveyDesign(
            frame, weight="weight", strata="ward_id", psu=["ea_id", "household"],
            fpc=["ea_in_ward", "households_in_ea"],
        )  # fmt: skip
        for (item, by), found in held.items():
            question, success = QUESTIONS[item]
            table = sm.survey_estimate(design, question, success=success, missing=(99,), by=by).frame
            share = true[by].loc[table.index, item]
            found += ((table["conf_low"] <= share) & (share <= table["conf_high"])).tolist()
            if by == "named":
                effects[item].append(table["estimate"].loc[1] - table["estimate"].loc[0])
    return held, effects


def _check(held, effects, *, tolerance):
    for (item, by), found in held.items():
        lowest = binom.ppf(0.001, len(found), 0.95) / len(found)
        assert np.mean(found) >= lowest, (item, by, np.mean(found))
    everything = [h for found in held.values() for h in found]
    assert np.mean(everything) <= 0.995  # intervals that always hold would say nothing
    planted = datasets.truth("mathare").effects
    for item, found in effects.items():
        assert np.mean(found) == pytest.approx(planted[item][1], abs=tolerance), item


def test_intervals_hold_the_planted_shares_in_a_few_cities():
    _check(*_coverage(range(1, 21)), tolerance=0.03)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*the largest weight is:safemap.errors.DataWarning")
def test_intervals_hold_the_planted_shares_at_the_nominal_rate():
    _check(*_coverage(range(1, 301)), tolerance=0.01)
