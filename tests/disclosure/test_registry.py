"""What is hidden in one output is hidden in all, with everything that would give it back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemap.disclosure.registry import DEPENDENT_COLUMNS, Registry
from safemap.errors import ConfigError, PrivacyError


def frame(events, **columns):
    index = pd.Index([f"{i:03}" for i in range(len(events))], name="area_id")
    return pd.DataFrame({"events": events, **columns}, index=index)


def test_counts_from_one_to_k_minus_one_are_hidden_and_zero_is_not():
    assert Registry(k=5).hidden(frame([0, 1, 4, 5, np.nan])).tolist() == [False, True, True, False, False]


def test_one_withholds_nothing():
    assert not Registry(k=1).hidden(frame([0, 1, 2])).any()


@pytest.mark.parametrize("column", DEPENDENT_COLUMNS)
def test_every_form_of_the_count_goes_with_it(column):
    values = ["x", "y"] if column in ("cluster", "quality", "note") else [3.0, 7.0]
    out = Registry(k=5).apply(frame([3, 7]).assign(**{column: values if column != "events" else [3, 7]}))
    assert pd.isna(out[column].iloc[0])
    assert out[column].iloc[1] == (7 if column == "events" else values[1])


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float64"])
def test_counts_of_any_type_are_blanked_and_the_input_stays(dtype):
    data = frame(pd.array([3, 7], dtype=dtype))
    before = data.copy()
    out = Registry(k=5).apply(data)
    assert out["events"].isna().tolist() == [True, False]
    assert out["events"].iloc[1] == 7
    pd.testing.assert_frame_equal(data, before)


def test_an_area_hidden_in_one_result_is_hidden_in_another_that_has_no_counts():
    registry = Registry(k=5).register(frame([3, 7]))
    out = registry.apply(
        frame([3, 7]).drop(columns="events").assign(statistic=[1.5, 2.5], cluster=["a", "b"])
    )
    assert out["statistic"].isna().tolist() == [True, False]
    assert out["cluster"].isna().tolist() == [True, False]
    assert out["suppressed"].tolist() == [True, False]


def test_registering_adds_and_never_takes_away():
    registry = Registry(k=5).register(frame([3, 7])).register(frame([9, 2]))
    assert registry.withheld == {"000", "001"}


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=1, max_size=8), st.integers(1, 8)
)
def test_no_small_count_is_left_in_a_table_of_counts_nor_worked_out_in_its_row(rows, k):
    counts = pd.DataFrame(rows, columns=["inside", "boundary", "total"])
    out = Registry(k=k).apply_counts(counts)
    shown = out[["inside", "boundary", "total"]]
    assert not ((shown > 0) & (shown < k)).fillna(False).to_numpy().any()
    partly = shown.isna().any(axis=1) & ~shown.isna().all(axis=1)
    assert not partly.any()
    untouched = ~((counts > 0) & (counts < k)).any(axis=1)
    assert (shown[untouched].astype(int) == counts[untouched]).all(axis=None)


def test_the_sum_of_a_row_stays_where_it_is_not_small_itself():
    counts = pd.DataFrame(
        {"events": [14, 3, 8], "inside": [12, 0, 8], "boundary": [2, 3, 0]}, index=["A", "B", "C"]
    )
    out = Registry(k=5).register(counts).apply_counts(counts, total="events")
    assert out["events"].isna().tolist() == [False, True, False]
    assert out["inside"].isna().tolist() == [True, True, False]


def survey(n, events, quality="publish"):
    return frame(
        events, n=n, estimate=0.5, std_error=0.1, conf_low=0.4, conf_high=0.6, n_eff=20.0, n_eff_df=18.0,
        deff=1.5, df=9, quality=quality, note="said",
    )  # fmt: skip


def test_a_small_base_or_a_small_numerator_of_a_survey_is_hidden():
    answers = survey([0, 1, 4, 5, 40, 40], [0, 0, 0, 5, 4, 20])
    assert Registry(k=5).hidden(answers).tolist() == [False, True, True, False, True, False]
    assert not Registry(k=1).hidden(answers).any()


def test_an_estimate_that_may_not_be_published_is_hidden_with_every_number_that_gives_it_back():
    out = Registry(k=5).apply(survey([40, 40], [20, 20], ["suppress", "publish"]))
    assert out["suppressed"].tolist() == [True, False]
    assert out.drop(columns="suppressed").iloc[0].isna().all()
    assert out.iloc[1].notna().all()
    assert {"n_eff", "n_eff_df", "deff", "df"} <= set(DEPENDENT_COLUMNS)


def test_a_rate_without_a_population_is_no_secret():
    rates = frame([40, 40], quality=["suppress", "publish"], estimate=[np.nan, 3.0])
    assert not Registry(k=5).hidden(rates).any()


def test_an_uncertain_survey_does_not_hide_the_counts_of_another_output_and_a_small_base_does():
    answers = survey([40, 3, 40], [20, 0, 20], ["suppress", "suppress", "publish"])
    assert Registry(k=5).register(answers).withheld == {"001"}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"audience": "public"}, PrivacyError, "complementary suppression is not built"),
        ({"audience": "everyone"}, ConfigError, "one of internal, partner, public"),
        ({"k": 0}, ConfigError, "1 or more"),
    ],
)
def test_what_cannot_be_promised_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        Registry(**options)


def test_a_small_count_of_either_period_hides_the_change() -> None:
    frame = pd.DataFrame(
        {
            "before": [3, 20, 20],
            "after": [20, 4, 20],
            "estimate": [6.7, 0.2, 1.0],
            "detectable": [2.0, 2.0, 2.0],
        },
        index=["a", "b", "c"],
    )
    out = Registry(k=5).apply(frame)
    assert out["suppressed"].tolist() == [True, True, False]
    assert out.loc[["a", "b"], ["before", "after", "estimate", "detectable"]].isna().all(axis=None)
    assert out.loc["c", "estimate"] == 1.0
