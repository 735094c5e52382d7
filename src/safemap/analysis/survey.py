"""Survey estimates by group and by area: what share, how sure, and whether it may be published.

The arithmetic is :mod:`safemap.stats.survey`; here responses come in and results go out. A group is always a
domain of the full design; respondents are never taken out before estimating.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from safemap.analysis.survey_answers import Answers, Codes, amounts, listed, refuse_unlisted, selected, shares
from safemap.analysis.survey_design import SurveyDesign
from safemap.analysis.survey_groups import Groups, group_rows, lay_out
from safemap.audit import Audit
from safemap.errors import ConfigError, StatisticsError
from safemap.intake.columns import require_columns
from safemap.results import Result
from safemap.settings import threshold
from safemap.stats.publication import (
    AMOUNT_RULE,
    PROPORTION_RULE,
    PublicationFlag,
    amount_flag,
    publication_flag,
)
from safemap.stats.rates import check_confidence
from safemap.stats.survey import Estimates, SampleDesign, ratio_estimates, total_estimates
from safemap.stats.survey_intervals import Interval, effective_size, proportion_interval, t_quantile

if TYPE_CHECKING:
    import pandas as pd

    from safemap._typing import AreasLike

Kind = Literal["proportion", "mean", "total", "ratio"]


@dataclass(frozen=True, eq=False, repr=False)
class SurveyResult(Result):
    """Estimates from a survey; see :func:`survey_estimate`."""

    kind: ClassVar[str] = "survey"

    def _headline(self) -> str:
        s, f = self.settings, self.frame
        quality = f["quality"].value_counts()
        flags = ", ".join(f"{int(quality[q])} {q}" for q in ("publish", "review", "suppress") if q in quality)
        group = f" by {s['by']!r}" if s["by"] else ""
        lines = [
            f"{s['kind']} of {s['column']!r}{_answers_words(s)}{group}: {s['n']:,} "
            f"respondents, {len(f):,} rows ({flags})",
            "overall " + _words(s["overall"], s["kind"], s["confidence"]),
        ]
        empty = int((f["n"] == 0).sum())
        if empty:
            lines.append(f"{empty} of them have no respondents: no data")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class AnswersResult(Result):
    """Counts of respondents who were not drawn by chance; see :func:`count_answers`."""

    kind: ClassVar[str] = "answers"

    def _headline(self) -> str:
        s = self.settings
        return (
            f"{s['events']:,} of {s['n']:,} respondents said {s['column']!r}{_answers_words(s)}; "
            "not a random sample: no estimate for the population"
        )


def survey_estimate(
    design: SurveyDesign,
    column: str,
    *,
    kind: Kind = "proportion",
    success: Codes = None,
    denominator: str | None = None,
    by: str | None = None,
    areas: AreasLike | None = None,
    where: Mapping[str, Codes] | None = None,
    missing: Codes = None,
    scale: Sequence[float] | None = None,
    interval: Interval = "korn_graubard",
    confidence: float = 0.95,
    thresholds: Mapping[str, float] | None = None,
) -> SurveyResult:
    """Estimate a proportion, mean, total or ratio for the population, in groups or areas.

    Parameters
    ----------
    design : SurveyDesign
        Responses and how the respondents were drawn.
    column : str
        Column with the answers.
    kind : {"proportion", "mean", "total", "ratio"}
        ``ratio`` is the total of `column` over that of `denominator`.
    success : value or values, optional
        Answers that count for a proportion, such as ``("bit_unsafe", "very_unsafe")``. Without it the column
        must hold 0 and 1 (or true and false).
    denominator : str, optional
        Column below the line of a ratio.
    by : str, optional
        Column with the groups. With `areas`, the column with area ids; default ``area_id``.
    areas : GeoDataFrame or Result, optional
        Areas to report on. The result has a row for each of them, also without respondents.
    where : mapping, optional
        Column to value or values that define a subpopulation, such as ``{"had_contact": 1}``. The others are
        set aside in the audit but stay in the design.
    missing : value or values, optional
        Codes that mean no answer, such as ``(9, 99)``. ``()`` states that there are none.
    scale : (lowest, highest), optional
        Labels of an answer scale; an answer beyond it that was not declared missing raises.
    interval : {"korn_graubard", "wilson", "logit"}
        Interval of a proportion. Means, totals and ratios have ``estimate +- t[df] * std_error``.
    confidence : float
        Coverage, between 0 and 1. The publication rule is made for 0.95.
    thresholds : mapping, optional
        Values that replace those of the publication rule; see :mod:`safemap.stats.publication`.

    Returns
    -------
    SurveyResult
        ``frame``, one row per group or area, with ``name`` (if the areas have it), ``events`` (respondents
        who gave the answer, unweighted; proportions only), ``estimate`` (a share of 1, or the unit of the
        column), ``std_error``, ``conf_low``, ``conf_high``, ``n`` (respondents), ``n_eff``, ``n_eff_df``,
        ``deff``, ``df``, ``quality`` (publish, review, suppress), ``note`` and ``geometry`` (with areas).
        ``settings["overall"]`` is the estimate of all groups together; ``audit`` says which respondents are
        not in the estimates, and why.

    Raises
    ------
    InputError
        If answers cannot be read, or a missing code seems not to be declared.
    StatisticsError
        If the sample was not drawn by chance.

    Notes
    -----
    Taylor linearisation over strata, stages and finite populations; each group is a domain of the full
    design. ``df`` are the domain's sampling units minus its strata. ``deff`` compares with a simple random
    sample of the same size; ``n_eff = min(n, n / deff)``, for a proportion ``p (1 - p) / std_error**2``;
    ``n_eff_df`` is adjusted for few units. At a proportion of 0 or 1 ``n_eff`` is n, and the interval is
    Clopper-Pearson on ``n_eff_df``. Where a group has one sampling unit per stratum the interval is missing,
    with a note.

    References
    ----------
    Korn, E. L., Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data. Survey Methodology 24, 193-201. Parker, J. D. et al. (2017).
    National Center for Health Statistics data presentation standards for proportions. Vital and Health
    Statistics 2(175).

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"w": 25.0, "ward": ["A"] * 40 + ["B"] * 40, "block": [i // 4 for i in range(80)],
    ...                      "after_dark": ["very unsafe", "fairly safe", "bit unsafe", "very safe"] * 20})
    >>> design = SurveyDesign(rows, weight="w", strata="ward", psu="block")
    >>> fear = survey_estimate(design, "after_dark", success=("bit unsafe", "very unsafe"), by="ward")
    >>> fear.frame[["estimate", "n", "df", "quality"]].values.tolist()
    [[0.5, 40, 9, 'suppress'], [0.5, 40, 9, 'suppress']]
    >>> fear.settings["overall"]["n"]
    80
    """
    _check(design, kind, denominator, interval, confidence)
    by = "area_id" if by is None and areas is not None else by
    source, frame = design.audit.source, design.frame
    wanted = {"column": column, "denominator": denominator, "by": by}
    require_columns(
        frame.columns, wanted | {f"where[{i}]": c for i, c in enumerate(where or {})}, source=source
    )
    y = _answers(design, column, kind, success, missing, scale)
    x = amounts(frame[denominator], missing=missing, scale=None, source=source) if denominator else None
    groups = group_rows(design, by, areas)
    used, audit = _used(design, y, x, groups, where)
    domain = np.where(used, groups.codes, -1)
    numbers = _Request(kind, interval, confidence, thresholds)
    table = _estimate(numbers, y, x, domain, groups.size, design.arrays)
    overall = _estimate(numbers, y, x, np.where(used, 0, -1), 1, design.arrays)
    settings = {
        "column": column, "kind": kind, "success": listed(success), "denominator": denominator, "by": by,
        "where": {c: listed(v) for c, v in (where or {}).items()}, "missing": listed(missing),
        "scale": None if scale is None else list(scale), "confidence": confidence,
        "interval": interval if kind == "proportion" else "t", "thresholds": _rule(kind, thresholds),
        **design.settings(), "n": int(used.sum()), "overall": _plain(overall),
        "not_answered": _counted(audit),
    }  # fmt: skip
    return SurveyResult(frame=lay_out(table, groups), settings=settings, audit=audit)


def count_answers(
    design: SurveyDesign,
    column: str,
    *,
    success: Codes = None,
    by: str | None = None,
    areas: AreasLike | None = None,
    where: Mapping[str, Codes] | None = None,
    missing: Codes = None,
    scale: Sequence[float] | None = None,
) -> AnswersResult:
    """How many respondents gave an answer: the honest form for a sample not drawn by chance.

    Parameters
    ----------
    design : SurveyDesign
        Of any sampling.
    column, success, by, areas, where, missing, scale
        As in :func:`survey_estimate`.

    Returns
    -------
    AnswersResult
        ``frame``, one row per group or area, with ``name`` (if the areas have it), ``events`` (respondents
        who gave the answer), ``n`` (respondents who answered), ``note`` ("x of n respondents said so") and
        ``geometry`` (with areas).

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"place": ["market", "market", "stage"], "unsafe": [1, 0, 1]})
    >>> walk_in = SurveyDesign(rows, weight=None, sampling="nonprobability")
    >>> count_answers(walk_in, "unsafe", by="place").frame["note"].tolist()
    ['1 of 2 respondents said so', '1 of 1 respondents said so']
    """
    by = "area_id" if by is None and areas is not None else by
    source, frame = design.audit.source, design.frame
    wanted = {"column": column, "by": by} | {f"where[{i}]": c for i, c in enumerate(where or {})}
    require_columns(frame.columns, wanted, source=source)
    y = _answers(design, column, "proportion", success, missing, scale)
    groups = group_rows(design, by, areas)
    used, audit = _used(design, y, None, groups, where)
    events, n = _tallies(y.values, np.where(used, groups.codes, -1), groups.size)
    settings = {
        "column": column, "success": listed(success), "by": by, "missing": listed(missing),
        "where": {c: listed(v) for c, v in (where or {}).items()}, **design.settings(),
        "n": int(n.sum()), "events": int(events.sum()), "not_answered": _counted(audit),
    }  # fmt: skip
    said = [
        f"{e} of {m} respondents said so" if m else "no data: no respondents"
        for e, m in zip(events, n, strict=True)
    ]
    table = groups.table({"events": events, "n": n, "note": said})
    return AnswersResult(frame=lay_out(table, groups), settings=settings, audit=audit)


class _Request(NamedTuple):
    """What to compute."""

    kind: Kind
    interval: Interval
    confidence: float
    thresholds: Mapping[str, float] | None


def _check(design: Any, kind: str, denominator: str | None, interval: str, confidence: float) -> None:
    if not isinstance(design, SurveyDesign):
        raise ConfigError(f"survey_estimate needs a SurveyDesign; got {type(design).__name__}.")
    if kind not in get_args(Kind):
        raise ConfigError(f"kind must be one of {', '.join(get_args(Kind))}; got {kind!r}.")
    if (denominator is None) == (kind == "ratio"):
        raise ConfigError("denominator= belongs to kind='ratio', and a ratio needs one.")
    if interval not in get_args(Interval):
        raise ConfigError(f"interval must be one of {', '.join(get_args(Interval))}; got {interval!r}.")
    check_confidence(confidence)
    if design.arrays is None:
        raise StatisticsError(
            "the respondents were not drawn by chance (sampling='nonprobability'), so that nothing can be "
            "estimated for the population: no prevalence, no interval, no test. Use count_answers: x of n "
            "respondents."
        )


def _answers(
    design: SurveyDesign,
    column: str,
    kind: Kind,
    success: Codes,
    missing: Codes,
    scale: Sequence[float] | None,
) -> Answers:
    values, source = design.frame[column], design.audit.source
    if kind == "proportion":
        answers = shares(values, success=success, missing=missing, scale=scale, source=source)
    elif success is not None:
        raise ConfigError(f"success= belongs to kind='proportion'; got kind={kind!r}.")
    else:
        answers = amounts(values, missing=missing, scale=scale, source=source)
    survey = design.survey
    if survey is None:
        return answers
    refuse_unlisted(values, answers.reasons == "", survey.choices_of(column), source)
    skipped = survey.skipped(column).reindex(values.index, fill_value=False).to_numpy(dtype=bool)
    reasons = np.where(skipped & (answers.reasons == "missing_answer"), "not_asked", answers.reasons)
    return answers._replace(reasons=reasons.astype(object))


def _used(
    design: SurveyDesign, y: Answers, x: Answers | None, groups: Groups, where: Mapping[str, Codes] | None
) -> tuple[NDArray[np.bool_], Audit]:
    """Rows that enter the estimates, and the audit with the reason of every other."""
    import pandas as pd

    reasons = np.where(selected(design.frame, where), "", "not_selected").astype(object)
    for further in (groups.reasons, y.reasons, None if x is None else x.reasons):
        if further is not None:
            reasons = np.where(reasons == "", further, reasons)
    series = pd.Series(reasons, index=design.frame.index, dtype=object)
    audit = design.audit.with_set_aside(series[series != ""], step="survey_estimate")
    return reasons == "", audit


def _estimate(
    request: _Request,
    y: Answers,
    x: Answers | None,
    domain: NDArray[np.int64],
    size: int,
    design: SampleDesign,
) -> pd.DataFrame:
    """All numbers of all domains, by position."""
    import pandas as pd

    values = np.nan_to_num(y.values)
    below = np.ones(len(values)) if x is None else np.nan_to_num(x.values)
    if request.kind == "total":
        e = total_estimates(values, domain, size, design)
    else:
        e = ratio_estimates(values, below, domain, size, design)
    columns: dict[str, Any] = {}
    if request.kind == "proportion":
        columns["events"], _ = _tallies(y.values, domain, size)
        e = _exact_extremes(e, columns["events"])
    effective = effective_size(e.n, e.deff, e.df, confidence=request.confidence)
    error = np.sqrt(e.variance)
    low, high = _interval(request, e, error, effective)
    columns |= {
        "estimate": e.estimate, "std_error": error, "conf_low": low, "conf_high": high, "n": e.n,
        "n_eff": np.where(e.n > 0, effective.n_eff, np.nan),
        "n_eff_df": np.where(e.n > 0, effective.n_eff_df, np.nan),
        "deff": e.deff, "df": e.df,
    }  # fmt: skip
    table = pd.DataFrame(columns)
    table["quality"], table["note"] = _judge(table, request)
    return table


def _tallies(
    y: NDArray[np.float64], domain: NDArray[np.int64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Respondents with the answer, and respondents, per domain."""
    inside = domain >= 0
    d = domain[inside]
    return np.bincount(d, y[inside], size).round().astype(np.int64), np.bincount(d, minlength=size)


def _exact_extremes(e: Estimates, events: NDArray[np.int64]) -> Estimates:
    """Exactly 0 or 1 where all answers are alike; weighted sums only come near, and deff would be noise."""
    none, every = (events == 0) & (e.n > 0), (events == e.n) & (e.n > 0)
    alike = none | every
    return e._replace(
        estimate=np.where(none, 0.0, np.where(every, 1.0, e.estimate)),
        variance=np.where(alike, 0.0, e.variance),
        deff=np.where(alike, np.nan, e.deff),
    )


def _interval(
    request: _Request, e: Estimates, error: NDArray[np.float64], effective: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if request.kind == "proportion":
        return proportion_interval(
            e.estimate, effective, e.df, method=request.interval, confidence=request.confidence
        )
    half = t_quantile(e.df, confidence=request.confidence) * error
    return e.estimate - half, e.estimate + half


def _judge(table: pd.DataFrame, request: _Request) -> tuple[list[str], list[str]]:
    quality, notes = [], []
    for row in table.itertuples(index=False):
        if row.n == 0:
            quality.append("suppress")
            notes.append("no data: no respondents")
            continue
        flag = _flag(row, request)
        quality.append(flag.flag)
        alone = ["one sampling unit in each stratum: no interval"] if row.df < 1 else []
        notes.append("; ".join([*flag.reasons, *alone, *flag.notes]))
    return quality, notes


def _flag(row: Any, request: _Request) -> PublicationFlag:
    if request.kind == "proportion":
        return publication_flag(
            row.estimate, row.conf_low, row.conf_high,
            n=row.n, n_eff=row.n_eff, df=row.df, thresholds=request.thresholds,
        )  # fmt: skip
    return amount_flag(row.estimate, row.std_error, n=row.n, df=row.df, thresholds=request.thresholds)


def _rule(kind: Kind, thresholds: Mapping[str, float] | None) -> dict[str, float]:
    names = PROPORTION_RULE if kind == "proportion" else AMOUNT_RULE
    return {name: float((thresholds or {}).get(name, threshold(name))) for name in names}


def _plain(one_row: pd.DataFrame) -> dict[str, Any]:
    """The numbers of a table with one row, as Python numbers."""
    return {c: one_row[c].iloc[0].item() for c in one_row.columns if c not in ("quality", "note")}


def _counted(audit: Audit) -> dict[str, int]:
    return {str(code): int(rows) for code, rows in audit.by_reason()["rows"].items()}


def _answers_words(settings: Mapping[str, Any]) -> str:
    success = settings["success"]
    return f" ({', '.join(map(str, success))})" if success else ""


def _words(row: Mapping[str, Any], kind: str, confidence: float) -> str:
    """An estimate as people write it."""
    if not np.isfinite(row["estimate"]):
        return "not known"
    numbers = [row["estimate"], row["conf_low"], row["conf_high"]]
    texts = [
        f"{v:.1%}" if kind == "proportion" else f"{v:,.4g}" if abs(v) < 1000 else f"{v:,.0f}" for v in numbers
    ]
    if not np.isfinite(row["conf_low"]):
        return f"{texts[0]} (no interval)"
    return f"{texts[0]} ({confidence:.0%} interval {texts[1]} to {texts[2]}, design effect {row['deff']:.2f})"


def _amount(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
