"""The publication rule, test by test in its order, and the size of a sample."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemap.errors import ConfigError
from safemap.stats.publication import amount_flag, min_n_plan, publication_flag


def test_golden_s7() -> None:
    """Requirement S7: suppress for the relative width, and review for df below 8."""
    found = publication_flag(0.05, 0.0028, 0.2101, n=60, n_eff=40.0, df=6)
    assert found.flag == "suppress"
    assert found.reasons == ("relative width of the interval above 130 %", "fewer than 8 degrees of freedom")


@pytest.mark.parametrize(
    ("p", "low", "high", "n", "n_eff", "df", "flag", "reason"),
    [
        (0.5, 0.4, 0.6, 29, 29, 20, "suppress", "fewer than 30 respondents"),
        (0.5, 0.4, 0.6, 30, 29.9, 20, "suppress", "effective sample below 30"),
        (0.5, 0.4, 0.6, 30, 30, 20, "publish", None),
        (0.5, 0.35, 0.65, 100, 50, 20, "suppress", "interval of 30 points or wider"),
        (0.5, 0.3501, 0.6499, 100, 50, 20, "publish", None),
        (0.01, 0.001, 0.051, 900, 800, 20, "publish", None),  # 0.05 wide: relative width is not looked at
        (0.01, 0.001, 0.0511, 900, 800, 20, "suppress", "relative width of the interval above 130 %"),
        (0.10, 0.05, 0.18, 100, 80, 20, "publish", None),  # exactly 130 %
        (0.10, 0.05, 0.1801, 100, 80, 20, "suppress", "relative width of the interval above 130 %"),
        (0.5, 0.4, 0.6, 100, 50, 7, "review", "fewer than 8 degrees of freedom"),
        (0.5, 0.4, 0.6, 100, 50, 8, "publish", None),
        (0.0, 0.0, 0.12, 100, 100, 20, "review", "every answer is the same (0 or 100 %)"),
        (1.0, 0.88, 1.0, 100, 100, 20, "review", "every answer is the same (0 or 100 %)"),
        (0.4, math.nan, math.nan, 100, 50, 0, "suppress", "no interval: too few sampling units"),
    ],
)  # fmt: skip
def test_each_step_of_the_rule(
    p: float, low: float, high: float, n: float, n_eff: float, df: float, flag: str, reason: str | None
) -> None:
    found = publication_flag(p, low, high, n=n, n_eff=n_eff, df=df)
    assert found.flag == flag
    assert found.reasons[:1] == (() if reason is None else (reason,))


def test_an_unreliable_complement_is_noted() -> None:
    assert publication_flag(0.95, 0.85, 0.99, n=200, n_eff=150, df=30) == (
        "publish",
        (),
        ("complement unreliable",),
    )
    assert publication_flag(0.95, 0.93, 0.97, n=2000, n_eff=1500, df=30).notes == ()


@given(
    st.floats(0, 1),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.integers(0, 500),
    st.floats(0, 500),
    st.integers(0, 60),
)
def test_flag_and_reasons_belong_together(
    p: float, below: float, above: float, n: int, n_eff: float, df: int
) -> None:
    found = publication_flag(p, max(p - below, 0), min(p + above, 1), n=n, n_eff=n_eff, df=df)
    assert (found.flag == "publish") == (found.reasons == ())
    if n < 30 or n_eff < 30:
        assert found.flag == "suppress"


def test_thresholds_can_be_replaced_but_not_invented() -> None:
    strict = publication_flag(0.5, 0.4, 0.6, n=80, n_eff=60, df=20, thresholds={"survey_n_min": 100})
    assert strict.reasons == ("fewer than 100 respondents",)
    with pytest.raises(ConfigError, match="unknown threshold"):
        publication_flag(0.5, 0.4, 0.6, n=80, n_eff=60, df=20, thresholds={"n_min": 100})


@pytest.mark.parametrize(
    ("estimate", "error", "n", "df", "flag", "reasons"),
    [
        (100, 10, 80, 20, "publish", ()),
        (100, 10, 59, 20, "review", ("fewer than 60 respondents",)),
        (100, 31, 80, 20, "review", ("standard error above 30 % of the estimate",)),
        (0, 1, 80, 20, "review", ("standard error above 30 % of the estimate",)),
        (100, 10, 80, 7, "review", ("fewer than 8 degrees of freedom",)),
        (100, 10, 29, 20, "suppress", ("fewer than 30 respondents",)),
        (
            100,
            10,
            80,
            0,
            "suppress",
            ("no interval: too few sampling units", "fewer than 8 degrees of freedom"),
        ),
    ],
)
def test_rule_for_amounts(
    estimate: float, error: float, n: int, df: int, flag: str, reasons: tuple[str, ...]
) -> None:
    assert amount_flag(estimate, error, n=n, df=df)[:2] == (flag, reasons)


def test_golden_s10() -> None:
    """Requirement S10: 384.15 and 576.2 respondents, rounded up."""
    assert min_n_plan(0.5, 0.05).per_area == 385
    assert min_n_plan(0.1, 0.03, deff=1.5).per_area == 577
    plan = min_n_plan(0.1, 0.03, deff=1.5, areas=6, response_rate=0.75)
    assert plan == (577, 3462, 770, 4620)


@given(st.floats(0.05, 0.95), st.floats(0.01, 0.2), st.floats(1, 4))
def test_the_planned_sample_has_the_margin_and_one_less_has_not(p: float, moe: float, deff: float) -> None:
    n = min_n_plan(p, moe, deff=deff).per_area
    z = 1.959963984540054
    assert z * math.sqrt(deff * p * (1 - p) / n) <= moe * (1 + 1e-9)
    if n > 1:
        assert z * math.sqrt(deff * p * (1 - p) / (n - 1)) > moe * (1 - 1e-9)


@pytest.mark.parametrize("wrong", [{"p": 0}, {"moe": 1.5}, {"deff": 0}, {"areas": 0}, {"response_rate": 0}])
def test_impossible_plans_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        min_n_plan(**{"p": 0.5, "moe": 0.05, **wrong})
