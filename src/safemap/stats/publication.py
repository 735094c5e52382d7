"""May a survey estimate be published, and how many respondents would it take?

The rule for proportions is that of the US National Center for Health Statistics (Parker et al. 2017), in the
order of its tests; every threshold is an entry of :data:`safemap.settings.THRESHOLDS` and can be replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, isfinite
from typing import Literal, NamedTuple

from safemap.errors import ConfigError
from safemap.settings import threshold

Quality = Literal["publish", "review", "suppress"]

#: thresholds of the rule for proportions, by their names in :data:`safemap.settings.THRESHOLDS`
PROPORTION_RULE = (
    "survey_n_min", "survey_n_eff_min", "survey_width_max", "survey_width_fine", "survey_relative_width_max",
    "survey_df_min",
)  # fmt: skip
#: thresholds of the rule for means, totals and ratios
AMOUNT_RULE = ("survey_n_min", "survey_n_star", "survey_rse_max", "survey_df_min")


class PublicationFlag(NamedTuple):
    """What to do with an estimate, and why."""

    flag: Quality
    reasons: tuple[str, ...]  #: why not simply published
    notes: tuple[str, ...] = ()  #: what to say with it


def publication_flag(
    estimate: float,
    conf_low: float,
    conf_high: float,
    *,
    n: float,
    n_eff: float,
    df: float,
    thresholds: Mapping[str, float] | None = None,
) -> PublicationFlag:
    """Publication rule for a proportion.

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        Proportion and its interval (Korn-Graubard, 95 %), as shares of 1.
    n, n_eff : float
        Respondents, and effective sample size *before* the adjustment for degrees of freedom.
    df : float
        Degrees of freedom: first-stage units minus strata.
    thresholds : mapping, optional
        Values that replace those of :data:`PROPORTION_RULE`.

    Returns
    -------
    PublicationFlag
        ``flag`` publish, review or suppress; ``reasons``; ``notes``.

    Notes
    -----
    Tests in this order, the first that applies decides: n below 30, n_eff below 30, no interval, width of the
    interval 0.30 or more: suppress; width 0.05 or less: publish; width above 130 % of the proportion:
    suppress; else publish. Then fewer than 8 degrees of freedom, or a proportion of 0 or 1 (for which a
    relative width has no meaning): review, unless suppressed. Where the relative width decides and that of
    the complement is above 130 %, the note says so.

    References
    ----------
    Parker, J. D. et al. (2017). National Center for Health Statistics data presentation standards for
    proportions. Vital and Health Statistics 2(175).

    Examples
    --------
    >>> publication_flag(0.08, 0.0471, 0.1254, n=400, n_eff=222.2, df=38).flag
    'publish'
    >>> publication_flag(0.05, 0.0028, 0.2101, n=60, n_eff=40, df=6).reasons
    ('relative width of the interval above 130 %', 'fewer than 8 degrees of freedom')
    """
    limit = _limits(PROPORTION_RULE, thresholds)
    width = conf_high - conf_low
    inner = 0 < estimate < 1
    widest = limit["survey_relative_width_max"]
    between = limit["survey_width_fine"] < width < limit["survey_width_max"]
    why = _why_suppress(n, n_eff, width, limit)
    if why is None and between and inner and width / estimate > widest:
        why = f"relative width of the interval above {widest * 100:g} %"
    review = _few_df(df, limit)
    if isfinite(estimate) and not inner:
        review.append("every answer is the same (0 or 100 %)")
    unreliable = between and inner and width / (1 - estimate) > widest
    flag: Quality = "suppress" if why is not None else "review" if review else "publish"
    reasons = (*([why] if why is not None else []), *review)
    return PublicationFlag(flag, reasons, ("complement unreliable",) if unreliable else ())


def amount_flag(
    estimate: float,
    std_error: float,
    *,
    n: float,
    df: float,
    thresholds: Mapping[str, float] | None = None,
) -> PublicationFlag:
    """Publication rule for a mean, a total or a ratio.

    Notes
    -----
    Fewer than 30 respondents or no standard error: suppress. Fewer than 60 respondents, a standard error
    above 30 % of the estimate, or fewer than 8 degrees of freedom: review.

    Examples
    --------
    >>> amount_flag(12.0, 1.1, n=45, df=20).reasons
    ('fewer than 60 respondents',)
    """
    limit = _limits(AMOUNT_RULE, thresholds)
    review = _few_df(df, limit)
    if estimate == 0 or std_error / abs(estimate) > limit["survey_rse_max"]:
        review.insert(0, f"standard error above {limit['survey_rse_max'] * 100:g} % of the estimate")
    if n < limit["survey_n_min"]:
        return PublicationFlag("suppress", (f"fewer than {limit['survey_n_min']:g} respondents", *review))
    if not (isfinite(std_error) and df > 0):
        return PublicationFlag("suppress", ("no interval: too few sampling units", *review))
    if n < limit["survey_n_star"]:
        review.insert(0, f"fewer than {limit['survey_n_star']:g} respondents")
    return PublicationFlag("review" if review else "publish", tuple(review))


class SamplePlan(NamedTuple):
    """Respondents needed; see :func:`min_n_plan`."""

    per_area: int  #: completed interviews in each area
    total: int  #: completed interviews in all areas
    invited_per_area: int  #: people to select in each area, given the response rate
    invited_total: int  #: people to select in all areas


def min_n_plan(
    p: float = 0.5,
    moe: float = 0.05,
    *,
    deff: float = 1.0,
    areas: int = 1,
    response_rate: float = 1.0,
    confidence: float = 0.95,
) -> SamplePlan:
    """How many respondents give a proportion with a stated margin of error in every area.

    Parameters
    ----------
    p : float
        Expected proportion; 0.5 is the worst case.
    moe : float
        Half width of the interval, as a share of 1.
    deff : float
        Expected design effect.
    areas : int
        Areas for which an estimate of this precision is wanted.
    response_rate : float
        Share of selected people who will answer.
    confidence : float
        Coverage of the interval.

    Returns
    -------
    SamplePlan
        ``per_area`` and ``total`` interviews, ``invited_per_area`` and ``invited_total`` people to select;
        all rounded up.

    Notes
    -----
    ``n = deff * z**2 * p * (1 - p) / moe**2`` without a finite population.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., chapter 4. Wiley.

    Examples
    --------
    >>> min_n_plan(0.5, 0.05).total, min_n_plan(0.1, 0.03, deff=1.5).total
    (385, 577)
    >>> min_n_plan(0.5, 0.05, areas=60, response_rate=0.8)
    SamplePlan(per_area=385, total=23100, invited_per_area=482, invited_total=28920)
    """
    from scipy.special import ndtri

    for name, value, low, high in (("p", p, 0, 1), ("moe", moe, 0, 1), ("confidence", confidence, 0, 1)):
        if not low < value < high:
            raise ConfigError(f"{name} must lie between 0 and 1; got {value!r}.")
    if not 0 < response_rate <= 1:
        raise ConfigError(f"response_rate must be above 0 and at most 1; got {response_rate!r}.")
    if not (isfinite(deff) and deff > 0) or areas < 1 or areas != int(areas):
        raise ConfigError(f"deff must be above 0 and areas a whole number from 1; got {deff!r}, {areas!r}.")
    exact = deff * float(ndtri((1 + confidence) / 2)) ** 2 * p * (1 - p) / moe**2
    per_area = ceil(exact - 1e-9)
    invited = ceil(per_area / response_rate - 1e-9)
    return SamplePlan(per_area, per_area * int(areas), invited, invited * int(areas))


def _limits(names: tuple[str, ...], replaced: Mapping[str, float] | None) -> dict[str, float]:
    replaced = replaced or {}
    unknown = set(replaced) - set(names)
    if unknown:
        raise ConfigError(f"unknown threshold {sorted(unknown)}; this rule uses {', '.join(names)}.")
    return {name: float(replaced.get(name, threshold(name))) for name in names}


def _why_suppress(n: float, n_eff: float, width: float, limit: Mapping[str, float]) -> str | None:
    if n < limit["survey_n_min"]:
        return f"fewer than {limit['survey_n_min']:g} respondents"
    if n_eff < limit["survey_n_eff_min"]:
        return f"effective sample below {limit['survey_n_eff_min']:g}"
    if not isfinite(width):
        return "no interval: too few sampling units"
    if width >= limit["survey_width_max"]:
        return f"interval of {limit['survey_width_max'] * 100:g} points or wider"
    return None


def _few_df(df: float, limit: Mapping[str, float]) -> list[str]:
    few = limit["survey_df_min"]
    return [f"fewer than {few:g} degrees of freedom"] if df < few else []
