"""The design of a survey, stated once: weights, strata, sampling units, finite populations."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from safemap.audit import Audit
from safemap.errors import ConfigError, DataWarning, InputError, StatisticsError
from safemap.intake.columns import is_missing, require_columns
from safemap.intake.numbers import read_numbers
from safemap.intake.survey import SurveyResponses
from safemap.results import Result
from safemap.settings import threshold
from safemap.stats.survey import FractionError, Lonely, SampleDesign, Stage, lonely_strata, sampling_stages
from safemap.stats.survey_intervals import kish_deff

if TYPE_CHECKING:
    import pandas as pd

Sampling = Literal["probability", "nonprobability"]
Columns = str | Sequence[str]
_SHOWN = 10


@dataclass(frozen=True, eq=False, repr=False)
class SurveyDesign:
    """Responses with the way in which respondents were drawn.

    Parameters
    ----------
    responses : Result or DataFrame
        From :func:`safemap.read_survey`, :func:`safemap.place_responses` or :func:`safemap.join_areas`, or a
        frame with one row per respondent and a unique index. Give *all* respondents: groups are estimated
        with ``by=``, ``areas=`` or ``where=``, never by taking rows out first.
    weight : str or None
        Column with the weights, all above zero; None only for ``sampling="nonprobability"``.
    strata : str, optional
        Column with the strata of the first stage.
    psu : str or sequence of str, optional
        Column with the primary sampling units; or one column per stage. Units are taken as nested: unit 1 of
        one stratum is another than unit 1 of the next. Without it each respondent is a unit.
    fpc : str or sequence of str, optional
        Column, one per stage, with the number of units in the population of the stratum (values above 1), or
        with the share drawn (all values at most 1). Later stages add to the variance only where the earlier
        have one.
    lonely : {"fail", "center", "certainty"}
        What to do with a stratum that has one sampled unit: raise; compare it with the mean of all units
        (conservative); or take it as drawn with certainty (adds nothing).
    sampling : {"probability", "nonprobability"}
        With ``nonprobability`` (walk-in, chain referral, focus group) estimates are refused and
        :func:`safemap.count_answers` says "x of n respondents".

    Attributes
    ----------
    frame : pandas.DataFrame
        The responses, one row per respondent.
    audit : Audit
        The rows behind the design.
    arrays : SampleDesign or None
        Weights and stages as :mod:`safemap.stats.survey` takes them; None for a non-probability sample.
    weights : mapping
        ``sum``, ``cv``, ``kish_deff``, ``max_min_ratio``. Weights are never normalised.

    Raises
    ------
    InputError
        If weights are zero, negative or missing, or strata, units or finite populations are missing or
        contradict each other; the message names rows.
    StatisticsError
        If strata have one unit and ``lonely="fail"``; the message lists them.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"w": [10, 10, 30, 30], "ward": ["A", "A", "B", "B"], "unsafe": [1, 0, 1, 1]})
    >>> print(SurveyDesign(rows, weight="w", strata="ward").summary())
    survey of 4 respondents: 2 strata, 4 sampling units, 2 degrees of freedom
    weights: sum 80, cv 0.50, Kish design effect 1.25, largest / smallest 3.0
    """

    responses: Result | pd.DataFrame
    weight: str | None = field(kw_only=True)
    strata: str | None = field(default=None, kw_only=True)
    psu: Columns | None = field(default=None, kw_only=True)
    fpc: Columns | None = field(default=None, kw_only=True)
    lonely: Lonely = field(default="fail", kw_only=True)
    sampling: Sampling = field(default="probability", kw_only=True)
    frame: pd.DataFrame = field(init=False)
    audit: Audit = field(init=False)
    arrays: SampleDesign | None = field(init=False, default=None)
    weights: Mapping[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._check_options()
        frame, audit = _respondents(self.responses)
        wanted = {"weight": self.weight, "strata": self.strata}
        wanted |= {f"psu[{i}]": c for i, c in enumerate(_listed(self.psu))}
        wanted |= {f"fpc[{i}]": c for i, c in enumerate(_listed(self.fpc))}
        require_columns(frame.columns, wanted, source=audit.source)
        for name, value in (("frame", frame), ("audit", audit)):
            object.__setattr__(self, name, value)
        if self.weight is None:
            return
        weight = _weights(frame[self.weight], audit.source)
        object.__setattr__(self, "arrays", self._sample_design(weight))
        object.__setattr__(self, "weights", _describe_weights(weight))
        ratio, most = self.weights["max_min_ratio"], threshold("weight_ratio_max")
        if ratio > most:
            warnings.warn(
                f"{audit.source}: the largest weight is {ratio:,.0f} times the smallest (more than "
                f"{most:g}); a few respondents decide the estimates. Check the weights, or trim them and say "
                "so.",
                DataWarning,
                stacklevel=3,
            )

    @property
    def survey(self) -> SurveyResponses | None:
        """The responses as they were read, with their form; None for a plain frame."""
        inner = getattr(self.responses, "responses", self.responses)
        return inner if isinstance(inner, SurveyResponses) else None

    @property
    def n(self) -> int:
        """Respondents."""
        return len(self.frame)

    @property
    def n_strata(self) -> int:
        return 0 if self.arrays is None else len(self.arrays.stages[0].sampled)

    @property
    def n_psu(self) -> int:
        """Sampling units of the first stage."""
        return 0 if self.arrays is None else len(self.arrays.stages[0].stratum)

    @property
    def df(self) -> int:
        """Sampling units of the first stage minus strata."""
        return self.n_psu - self.n_strata

    def settings(self) -> dict[str, Any]:
        """The design as plain values, for the settings of a result."""
        return {
            "weight": self.weight, "strata": self.strata, "psu": _listed(self.psu), "fpc": _listed(self.fpc),
            "lonely": self.lonely, "sampling": self.sampling, "n_respondents": self.n, "n_strata":
            self.n_strata, "n_psu": self.n_psu, "weights": dict(self.weights),
        }  # fmt: skip

    def summary(self) -> str:
        """The design and what the weights alone cost in precision."""
        if self.arrays is None:
            return f"survey of {self.n:,} respondents who were not drawn by chance: no estimates, counts only"
        w = self.weights
        return (
            f"survey of {self.n:,} respondents: {self.n_strata:,} strata, {self.n_psu:,} sampling units, "
            f"{self.df:,} degrees of freedom\n"
            f"weights: sum {w['sum']:,.0f}, cv {w['cv']:.2f}, Kish design effect {w['kish_deff']:.2f}, "
            f"largest / smallest {w['max_min_ratio']:.1f}"
        )

    def __repr__(self) -> str:
        return (
            f"<SurveyDesign: {self.n:,} respondents, {self.n_psu:,} sampling units, {self.n_strata:,} strata>"
        )

    def _check_options(self) -> None:
        if self.lonely not in get_args(Lonely):
            raise ConfigError(f"lonely must be one of fail, center, certainty; got {self.lonely!r}.")
        if self.sampling not in get_args(Sampling):
            raise ConfigError(f"sampling must be probability or nonprobability; got {self.sampling!r}.")
        if (self.weight is None) != (self.sampling == "nonprobability"):
            raise ConfigError(
                "A probability sample needs weight= (a column of ones if all respondents had the same "
                "chance); a sample not drawn by chance has no weights: sampling='nonprobability', "
                "weight=None."
            )
        if len(_listed(self.fpc)) > max(len(_listed(self.psu)), 1):
            raise ConfigError("fpc names more stages than psu; give one column per stage, in the same order.")

    def _sample_design(self, weight: np.ndarray) -> SampleDesign:
        frame, source = self.frame, self.audit.source
        strata = None if self.strata is None else _complete(frame[self.strata], source)
        units = [_complete(frame[column], source) for column in _listed(self.psu)] or [np.arange(len(frame))]
        fractions = [_numbers(frame[column], source) for column in _listed(self.fpc)]
        try:
            stages = sampling_stages(strata, units, fractions)
        except FractionError as error:
            rows = frame.index[error.rows]
            raise InputError(
                f"{source}: fpc: {error} (rows {_some(rows)}, {len(rows):,} in all). Give the number of "
                "units in the population (above 1) or the share drawn (at most 1), the same in all rows of "
                "a stratum.",
                rows=rows.tolist()[:100],
            ) from error
        if self.lonely == "fail":
            self._refuse_lonely(stages, units)
        return SampleDesign(weight, stages, self.lonely)

    def _refuse_lonely(self, stages: tuple[Stage, ...], units: list[np.ndarray]) -> None:
        for i, stage in enumerate(stages):
            alone = lonely_strata(stage)
            if not len(alone):
                continue
            column = self.strata if i == 0 else _listed(self.psu)[i - 1]
            of_row = stage.stratum[stage.unit]
            first = [int(np.argmax(of_row == code)) for code in alone]
            labels = (
                ["(all)"] * len(first) if column is None else [str(self.frame[column].iloc[j]) for j in first]
            )
            raise StatisticsError(
                f"{len(alone)} strata of stage {i + 1} have a single sampling unit, so that no variance can "
                f"be computed: {', '.join(labels[:_SHOWN])}{' ...' if len(labels) > _SHOWN else ''}. Merge "
                "them with a similar stratum, or choose lonely='center' (conservative) or "
                "lonely='certainty' (if they were sure to be drawn).",
                strata=labels,
            )


def _listed(columns: Columns | None) -> list[str]:
    return [] if columns is None else [columns] if isinstance(columns, str) else list(columns)


def _respondents(responses: Result | pd.DataFrame) -> tuple[pd.DataFrame, Audit]:
    """Frame and audit of what was given; refuses responses from which rows were taken out."""
    import pandas as pd

    frame = responses if isinstance(responses, pd.DataFrame) else getattr(responses, "frame", None)
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            f"SurveyDesign needs responses (a result or a frame); got {type(responses).__name__}."
        )
    if not frame.index.is_unique:
        raise InputError(
            "the index of the responses must be unique, one row per respondent. Use reset_index(drop=True)."
        )
    if frame.empty:
        raise InputError("there are no respondents: the table of responses is empty.")
    known = getattr(responses, "audit", None)
    if known is None:
        return frame.copy(), Audit.start(frame.index, source="responses")
    gone = known.set_aside[~known.set_aside.index.isin(frame.index)]
    taken = gone[(gone["kind"] != "duplicate") & (gone["reason"] != "no_parent")]
    if len(taken):
        raise StatisticsError(
            f"{known.source}: {len(taken):,} respondents were taken out before the design was stated (for "
            f"example {', '.join(sorted(taken['reason'].unique())[:3])}). Their sampling units count in the "
            "variance of every group: give all responses here and select with where= in survey_estimate."
        )
    audit = Audit(known.source, known.rows, gone, known.flags)
    audit.check(frame.index)
    return frame.copy(), audit


def _weights(column: pd.Series, source: str) -> np.ndarray:
    weight = _numbers(column, source)
    bad = ~(np.isfinite(weight) & (weight > 0))
    if bad.any():
        rows = column.index[bad]
        raise InputError(
            f"{source}: weight={column.name!r} must be above 0 for every respondent; {int(bad.sum()):,} rows "
            f"are zero, negative or missing (rows {_some(rows)}). Complete the weights; people who did not "
            "take part are no rows.",
            rows=rows.tolist()[:100],
        )
    return weight


def _describe_weights(weight: np.ndarray) -> dict[str, float]:
    deff = kish_deff(weight)
    return {
        "sum": float(weight.sum()),
        "cv": float(np.sqrt(max(deff - 1, 0.0))),
        "kish_deff": deff,
        "max_min_ratio": float(weight.max() / weight.min()),
    }


def _numbers(column: pd.Series, source: str) -> np.ndarray:
    return read_numbers(column, source=source).values


def _complete(column: pd.Series, source: str) -> np.ndarray:
    """Codes of a column in which every row must say something."""
    import pandas as pd

    missing = is_missing(column).to_numpy()
    if missing.any():
        rows = column.index[missing]
        raise InputError(
            f"{source}: column {column.name!r} of the design is empty in {int(missing.sum()):,} rows "
            f"(rows {_some(rows)}). Every respondent needs a stratum and a sampling unit.",
            rows=rows.tolist()[:100],
        )
    return pd.factorize(column)[0]


def _some(rows: pd.Index) -> str:
    return ", ".join(str(r) for r in rows[:5]) + (" ..." if len(rows) > 5 else "")
