"""Estimates from complex samples: Taylor linearisation over strata, stages and finite populations.

Arrays in, arrays out; no tables. The verbs on tables are :mod:`safemap.analysis.survey`; intervals are
:mod:`safemap.stats.survey_intervals`. All domains of a
partition are estimated together, each with the variance of the *full* design: a sampling unit without
respondents in the domain counts with a total of zero, because the number of units is known and that of
respondents in the domain is random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Lonely = Literal["fail", "center", "certainty"]


class Stage(NamedTuple):
    """One stage of sampling: units drawn within strata (later: within units of the stage before)."""

    unit: Ints  #: per row, the unit it belongs to, 0 to U - 1; a unit lies in one stratum
    stratum: Ints  #: per unit, its stratum, 0 to H - 1
    sampled: Ints  #: per stratum, number of units in the sample
    fraction: Floats  #: per stratum, share of its units that were drawn; 0 where not declared
    earlier: Floats  #: per stratum, product of the fractions of all earlier stages (1 at the first)


@dataclass(frozen=True)
class SampleDesign:
    """Weights and stages as arrays.

    Attributes
    ----------
    weight : ndarray
        Weight of each row, above zero.
    stages : tuple of Stage
        The first stage, and later ones as far as they add to the variance.
    lonely : {"fail", "center", "certainty"}
        What a stratum with a single sampled unit contributes; see :func:`linearised_variance`.
    """

    weight: Floats
    stages: tuple[Stage, ...]
    lonely: Lonely = "fail"

    @property
    def n(self) -> int:
        return len(self.weight)


def sampling_stages(
    strata: ArrayLike | None, units: Sequence[ArrayLike], fractions: Sequence[ArrayLike | None] = ()
) -> tuple[Stage, ...]:
    """Stages from codes per row.

    Parameters
    ----------
    strata : array_like of int or None
        Stratum of each row; None for a sample without strata.
    units : sequence of array_like of int
        Sampling unit of each row, one array per stage; a unit is always taken as nested in its stratum, and a
        unit of a later stage in its unit of the stage before.
    fractions : sequence of array_like or None
        Per stage, the population of units in the stratum (values above 1) or the share drawn (all values at
        most 1), per row; None where not declared.

    Returns
    -------
    tuple of Stage
        Stages that add to the variance: a later stage counts only where the earlier ones have a fraction.

    Raises
    ------
    FractionError
        If a population is smaller than its sample or differs within a stratum.
    """
    first = np.asarray(units[0])
    stratum_of_row = np.zeros(len(first), dtype=np.int64) if strata is None else _codes(np.asarray(strata))
    earlier_of_row = np.ones(len(first))
    stages: list[Stage] = []
    for i, raw in enumerate(units):
        declared = fractions[i] if i < len(fractions) else None
        stage = _stage(stratum_of_row, np.asarray(raw), declared, earlier_of_row, number=i + 1)
        stages.append(stage)
        earlier_of_row = earlier_of_row * stage.fraction[stratum_of_row]
        stratum_of_row = stage.unit
        if not earlier_of_row.any():
            break  # without a finite population at this stage, its units carry the variance of all later ones
    return tuple(stages)


class FractionError(ValueError):
    """A finite population that contradicts the sample; ``rows`` are the positions of the rows concerned."""

    def __init__(self, message: str, rows: Ints) -> None:
        super().__init__(message)
        self.rows = rows


def lonely_strata(stage: Stage) -> Ints:
    """Strata with one sampled unit that is not the whole stratum: no variance can be computed within them."""
    return np.flatnonzero((stage.sampled == 1) & (stage.fraction < 1) & (stage.earlier > 0))


def linearised_variance(scores: ArrayLike, domain: ArrayLike, size: int, design: SampleDesign) -> Floats:
    """Variance of the sum of `scores` in each domain, over the stages of the full design.

    Parameters
    ----------
    scores : array_like of float
        Weighted linearised values: ``w * y`` for a total, ``w * (y - R x) / X`` for a ratio.
    domain : array_like of int
        Domain of each row, 0 to `size` - 1; -1 for rows in none.
    size : int
        Number of domains.
    design : SampleDesign
        Where the rows were drawn.

    Returns
    -------
    ndarray
        One variance per domain; 0 for an empty one.

    Notes
    -----
    Per stage the sum over strata of ``earlier * (1 - f) * m / (m - 1) * sum((t - mean(t))**2)``, with ``t``
    the totals of the m sampled units and f the share of units drawn. A stratum with one unit adds nothing if
    the unit is all of it or with ``lonely="certainty"``; with ``"center"`` it adds ``earlier * (1 - f) * (t -
    mean)**2``, where the mean is that of all units of the stage.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., chapters 10 and 11. Wiley.
    Binder, D. A. (1983). On the variances of asymptotically normal estimators from complex surveys.
    International Statistical Review 51, 279-292. doi:10.2307/1402588

    Examples
    --------
    Two strata of two units each, by hand: (2 / 1) * (0.5 + 0.5) + (2 / 1) * (2 + 2).

    >>> stages = sampling_stages([0, 0, 1, 1], [[0, 1, 2, 3]])
    >>> design = SampleDesign(np.ones(4), stages)
    >>> linearised_variance([1, 2, 5, 9], [0, 0, 0, 0], 1, design).tolist()
    [17.0]
    """
    u, d = np.asarray(scores, dtype=float), np.asarray(domain)
    inside = d >= 0
    u, d = u[inside], d[inside]
    out = np.zeros(size)
    for stage in design.stages:
        out += _stage_variance(u, d, size, stage._replace(unit=stage.unit[inside]), design.lonely)
    return out


class Estimates(NamedTuple):
    """Estimates of domains; every field is an array with one value per domain."""

    estimate: Floats
    variance: Floats
    n: Ints  #: respondents
    df: Ints  #: first-stage units with respondents minus strata with respondents
    deff: Floats  #: variance over that of a simple random sample of the same size
    weighted: Floats  #: sum of weights of the respondents


def ratio_estimates(
    y: ArrayLike, x: ArrayLike, domain: ArrayLike, size: int, design: SampleDesign
) -> Estimates:
    """Ratios of weighted sums; with ``x = 1`` means, and with y of 0 and 1 proportions.

    Parameters
    ----------
    y, x : array_like of float
        Numerator and denominator of each row; not NaN in rows that lie in a domain.
    domain, size, design
        As in :func:`linearised_variance`.

    Returns
    -------
    Estimates
        NaN where a domain is empty or its denominator is zero.

    Notes
    -----
    ``R = sum(w y) / sum(w x)``; scores ``w (y - R x) / sum(w x)``. ``deff`` compares with
    ``sum(w (y - R x)**2) / sum(w) / (n * mean(x)**2)``, for a proportion ``p (1 - p) / n``.

    Examples
    --------
    >>> stages = sampling_stages(None, [[0, 1, 2, 3]])
    >>> e = ratio_estimates([1, 0, 0, 1], np.ones(4), [0, 0, 0, 0], 1, SampleDesign(np.ones(4), stages))
    >>> e.estimate.tolist(), e.n.tolist(), e.df.tolist(), e.deff.round(4).tolist()
    ([0.5], [4], [3], [1.3333])
    """
    y, x, d = np.asarray(y, dtype=float), np.asarray(x, dtype=float), np.asarray(domain)
    rows = np.flatnonzero(d >= 0)
    dr, w, yr, xr = d[rows], design.weight[rows], y[rows], x[rows]
    total_y, total_x, total_w = (np.bincount(dr, v, size) for v in (w * yr, w * xr, w))
    n = np.bincount(dr, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(total_x != 0, total_y / total_x, np.nan)
        residual = yr - ratio[dr] * xr
        scores = np.zeros(len(d))
        scores[rows] = w * residual / total_x[dr]
        defined = np.where((n > 0) & (total_x != 0), 1.0, np.nan)
        variance = linearised_variance(np.nan_to_num(scores, posinf=0, neginf=0), d, size, design) * defined
        spread = np.bincount(dr, w * residual**2, size) / total_w
        simple = spread / (n * (total_x / total_w) ** 2)
        deff = np.where(simple > 0, variance / simple, np.nan)
    return Estimates(ratio, variance, n, degrees_of_freedom(d, size, design), deff, total_w)


def total_estimates(y: ArrayLike, domain: ArrayLike, size: int, design: SampleDesign) -> Estimates:
    """Weighted totals.

    Parameters and return value as in :func:`ratio_estimates`. ``deff`` compares with a simple random sample
    of all rows in which rows outside the domain count zero: ``W**2 * s**2 / n`` with W the sum of all
    weights.

    Examples
    --------
    >>> stages = sampling_stages(None, [[0, 1, 2, 3]])
    >>> e = total_estimates([1, 2, 3, 4], [0, 0, 0, 0], 1, SampleDesign(np.full(4, 10.0), stages))
    >>> e.estimate.tolist(), (e.variance**0.5).round(4).tolist()
    ([100.0], [25.8199])
    """
    y, d, w = np.asarray(y, dtype=float), np.asarray(domain), design.weight
    rows = np.flatnonzero(d >= 0)
    dr, values = d[rows], w[rows] * y[rows]
    n = np.bincount(dr, minlength=size)
    scores = np.zeros(len(d))
    scores[rows] = values
    total = np.bincount(dr, values, size)
    variance = linearised_variance(scores, d, size, design)
    everyone = w.sum()
    spread = np.bincount(dr, values * y[rows], size) / everyone - (total / everyone) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = np.where(spread > 0, variance / (everyone**2 * spread / design.n), np.nan)
    some = np.where(n > 0, 1.0, np.nan)
    df = degrees_of_freedom(d, size, design)
    return Estimates(total * some, variance * some, n, df, deff, np.bincount(dr, w[rows], size))


def degrees_of_freedom(domain: ArrayLike, size: int, design: SampleDesign) -> Ints:
    """Per domain, its first-stage units minus its strata (Korn and Graubard 1999)."""
    d, stage = np.asarray(domain), design.stages[0]
    rows = np.flatnonzero(d >= 0)
    units = np.unique(d[rows] * len(stage.stratum) + stage.unit[rows])
    of_domain, unit = np.divmod(units, max(len(stage.stratum), 1))
    strata = np.unique(of_domain * len(stage.sampled) + stage.stratum[unit]) // max(len(stage.sampled), 1)
    return np.bincount(of_domain, minlength=size) - np.bincount(strata, minlength=size)


def _codes(values: NDArray[np.generic]) -> Ints:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _stage(
    stratum_of_row: Ints,
    raw: NDArray[np.generic],
    declared: ArrayLike | None,
    earlier_of_row: Floats,
    *,
    number: int,
) -> Stage:
    within = _codes(raw)
    pair = stratum_of_row * (int(within.max(initial=0)) + 1) + within
    _, first, unit = np.unique(pair, return_index=True, return_inverse=True)
    stratum = stratum_of_row[first]
    sampled = np.bincount(stratum)
    fraction = np.zeros(len(sampled))
    if declared is not None:
        fraction = _fractions(np.asarray(declared, dtype=float), stratum_of_row, sampled, number)
    earlier = np.zeros(len(sampled))
    earlier[stratum_of_row] = earlier_of_row
    return Stage(unit.astype(np.int64), stratum, sampled, fraction, earlier)


def _fractions(declared: Floats, stratum_of_row: Ints, sampled: Ints, number: int) -> Floats:
    """Share of units drawn per stratum, from populations or from shares as declared per row."""
    bad = ~(np.isfinite(declared) & (declared > 0))
    if bad.any():
        raise FractionError(
            f"the finite population of stage {number} must be above 0 in every row", np.flatnonzero(bad)
        )
    of_stratum = np.zeros(len(sampled))
    of_stratum[stratum_of_row] = declared
    differs = declared != of_stratum[stratum_of_row]
    if differs.any():
        raise FractionError(
            f"the finite population of stage {number} differs between rows of one stratum "
            "(at a later stage: of one unit of the stage before)",
            np.flatnonzero(differs),
        )
    if declared.max() <= 1:
        return of_stratum
    short = of_stratum < sampled
    if short.any():
        raise FractionError(
            f"the finite population of stage {number} is smaller than the number of units in the sample",
            np.flatnonzero(short[stratum_of_row]),
        )
    return sampled / of_stratum


def _stage_variance(u: Floats, d: Ints, size: int, stage: Stage, lonely: Lonely) -> Floats:
    """Contribution of one stage; works on units with respondents and accounts for the others as zeros."""
    units, strata = len(stage.stratum), len(stage.sampled)
    cell, position = np.unique(d * units + stage.unit, return_inverse=True)
    t = np.bincount(position, u, len(cell))
    of_domain, unit = np.divmod(cell, max(units, 1))
    h = stage.stratum[unit]
    group, index = np.unique(of_domain * strata + h, return_inverse=True)
    gd, gh = np.divmod(group, max(strata, 1))
    m = stage.sampled[gh]
    mean = np.bincount(index, t, len(group)) / m
    present = np.bincount(index, minlength=len(group))
    squares = np.bincount(index, (t - mean[index]) ** 2, len(group)) + (m - present) * mean**2
    scale = stage.earlier[gh] * (1 - stage.fraction[gh]) * m / np.maximum(m - 1, 1)
    out = np.bincount(gd, np.where(m > 1, scale * squares, 0.0), size)
    if lonely == "center":
        out += _centred(t, of_domain, h, size, stage)
    return out


def _centred(t: Floats, of_domain: Ints, h: Ints, size: int, stage: Stage) -> Floats:
    """What strata with one unit add when their total is compared with the mean of all units of the stage."""
    alone = np.zeros(len(stage.sampled), dtype=bool)
    alone[lonely_strata(stage)] = True
    scale = stage.earlier * (1 - stage.fraction) * alone
    grand = np.bincount(of_domain, t, size) / max(len(stage.stratum), 1)
    here = scale[h]
    seen = np.bincount(of_domain, here * (t - grand[of_domain]) ** 2, size)
    absent = scale.sum() - np.bincount(of_domain, here, size)
    return seen + absent * grand**2
