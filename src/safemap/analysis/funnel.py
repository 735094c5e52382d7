"""Which areas lie outside what chance allows around a reference: funnel limits for rates and ratios.

The arithmetic is :mod:`safemap.stats.funnel`; here results come in and go out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from safemap.analysis.rates import RatesResult, figure, has_rate
from safemap.analysis.smoothing import expected_numbers, require_rates
from safemap.errors import ConfigError, StatisticsError
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Law = Literal["poisson", "binomial"]
Overdispersion = Literal["none", "multiplicative", "additive"]


@dataclass(frozen=True, eq=False, repr=False)
class FunnelResult(Result):
    """Rates or ratios with their funnel limits; see :func:`funnel_limits`."""

    kind: ClassVar[str] = "funnel"

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of areas in each class that occurs."""
        return {str(k): int(v) for k, v in self.frame["cluster"].value_counts().items()}

    def summary(self) -> str:
        """How many areas lie outside, how many chance would put there, and how much areas differ."""
        s = self.settings
        inner, outer = s["levels"]
        tested = int((self.frame["cluster"] != "no data").sum())
        lines = [
            super().summary(),
            f"if all {tested:,} areas had the risk of the reference, up to {tested * (1 - inner):.0f} would "
            f"lie outside the {inner:.1%} limits and {tested * (1 - outer):.1f} outside those of {outer:.1%}",
        ]
        if s["overdispersion"] == "none" and s["phi"] > 1:
            lines.append(
                f"areas differ more than by chance (dispersion {s['phi']:.1f}): most of what lies outside "
                "may be the ordinary difference between areas; see overdispersion="
            )
        return "\n".join(lines)

    def _headline(self) -> str:
        s = self.settings
        found = ", ".join(f"{n:,} {name}" for name, n in self.counts.items())
        return f"{len(self.frame):,} areas around {s['reference']} ({s['limits']} limits): {found}"


def funnel_limits(
    rates: RatesResult,
    *,
    expected: str | pd.Series | None = None,
    target: float | None = None,
    law: Law = "poisson",
    levels: tuple[float, float] = (0.95, 0.998),
    overdispersion: Overdispersion = "none",
    winsorised: float = 0.1,
) -> FunnelResult:
    """Rates, or ratios to expected events, between the limits that chance allows each area.

    For the question which areas differ from one reference, such as the city as a whole, each seen for
    itself. Ranks of areas do not answer it; and neighbours play no part (:func:`safemap.local_moran`).

    Parameters
    ----------
    rates : RatesResult
        What :func:`area_rates` gives.
    expected : str or Series, optional
        Events expected in each area, as for :func:`standardised_ratios`; what is compared is then the ratio.
    target : float, optional
        Rate of the reference, in the unit of `rates`. Default: the overall rate.
    law : {"poisson", "binomial"}
        ``binomial`` where each of the population can have at most one event, such as households.
    levels : (inner, outer)
        Shares of areas that lie within the limits if only chance is at work.
    overdispersion : {"none", "multiplicative", "additive"}
        Limits widened by what areas differ anyway: by a factor on the variance, or by a variance between
        areas. Then an area lies outside only where it is unusual among unlike areas.
    winsorised : float
        Share of areas on either side that is drawn in before that is measured.

    Returns
    -------
    FunnelResult
        ``frame``: one row per area with ``name``, ``events``, ``population``, ``value`` (expected events),
        ``estimate`` (rate or ratio), ``limit_low``, ``limit_high`` (inner), ``far_low``, ``far_high``
        (outer), ``z_score``, ``p_value`` (two-sided), ``cluster``, ``quality``, ``note``, ``geometry``.
        ``cluster`` is far above, above, within limits, below, far below, or no data.

    Raises
    ------
    ConfigError
        An unknown option, levels not in order, or `expected` together with `target` or the binomial law.
    StatisticsError
        No area has people and something expected; or more events than people under the binomial law.

    Notes
    -----
    Without overdispersion the limits are exact, see :func:`safemap.stats.funnel.funnel_limits`: an area lies
    outside where its tail of the Poisson or binomial distribution has at most half of ``1 - level``.

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in Medicine
    24, 1185-1202. doi:10.1002/sim.1970

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates
    >>> areas = gpd.GeoDataFrame({"events": [4, 50, 110], "population": [1000, 10000, 10000]},
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=32614)
    >>> funnel = funnel_limits(area_rates(areas, per=1000))
    >>> funnel.frame[["estimate", "limit_low", "limit_high"]].round(1).to_numpy().tolist()
    [[4.0, 2.4, 14.2], [5.0, 6.1, 9.6], [11.0, 6.1, 9.6]]
    >>> funnel.frame["cluster"].tolist()
    ['within limits', 'far below', 'far above']
    """
    require_rates(rates, "funnel_limits")
    _check(expected, target, law, levels, overdispersion)
    f = rates.frame
    case = _case(rates, expected, target, law)
    x, e, size = case.events, case.expected, case.size
    spread = _spread(x, e, size, winsorised)
    how = _how(overdispersion, spread)
    limits = [_limits(e, size, level, how) for level in levels]
    up, down = _tails(x, e, size, spread.scores, how)
    frame = f.drop(columns=["estimate", "conf_low", "conf_high", "quality", "note", "geometry"])
    columns = {
        "value": e,
        "estimate": x * case.factor,
        "limit_low": limits[0][0] * case.factor,
        "limit_high": limits[0][1] * case.factor,
        "far_low": limits[1][0] * case.factor,
        "far_high": limits[1][1] * case.factor,
        "z_score": spread.scores / how.inflation(e, size),
        "p_value": np.minimum(1.0, 2 * np.minimum(up, down)),
        "cluster": _classes(up, down, levels),
    }
    frame = frame.assign(**columns, quality=f["quality"], note=f["note"], geometry=f.geometry)
    settings = {
        **rates.settings,
        "law": law,
        "levels": list(levels),
        "reference": case.words,
        "overdispersion": overdispersion,
        "limits": "exact" if overdispersion == "none" else f"{overdispersion} overdispersion",
        "phi": spread.phi,
        "tau2": spread.tau2,
        "winsorised": winsorised,
        **({} if expected is None else {"unit": "times the expected number"}),
    }
    return FunnelResult(frame=frame, settings=settings, audit=rates.audit)


class _Case(NamedTuple):
    """Counts and what they are compared with; NaN where an area cannot be compared."""

    events: NDArray[np.float64]
    expected: NDArray[np.float64]
    size: NDArray[np.float64] | None
    factor: NDArray[np.float64]  #: from counts to the unit of the estimate
    words: str


class _How(NamedTuple):
    """What widens the limits."""

    exact: bool
    phi: float
    tau2: float

    def inflation(self, e: NDArray[np.float64], size: NDArray[np.float64] | None) -> Any:
        """By how much the scores are divided."""
        return np.sqrt(max(self.phi, 1.0) + 4 * self.tau2 * (e if size is None else size))


def _check(
    expected: Any, target: float | None, law: str, levels: tuple[float, float], overdispersion: str
) -> None:
    for name, value, known in (("law", law, Law), ("overdispersion", overdispersion, Overdispersion)):
        if value not in get_args(known):
            raise ConfigError(f"{name} must be one of {', '.join(get_args(known))}; got {value!r}.")
    if len(levels) != 2 or not 0 < levels[0] < levels[1] < 1:
        raise ConfigError(f"levels must be two shares, inner first, such as (0.95, 0.998); got {levels!r}.")
    if expected is not None and (target is not None or law == "binomial"):
        raise ConfigError("expected= is a reference of its own: leave out target=, and use the Poisson law.")
    if target is not None and not (np.isfinite(target) and target > 0):
        raise ConfigError(f"target must be a rate above 0, in the unit of the rates; got {target!r}.")


def _case(rates: RatesResult, expected: Any, target: float | None, law: str) -> _Case:
    f, scale = rates.frame, rates.settings["scale"]
    people = f["population"].where(has_rate(f)).to_numpy(float)
    if expected is not None or target is None:
        wanted = expected_numbers(f, expected).to_numpy(float)
    else:
        wanted = people * target / scale
    usable = (wanted > 0) & ~np.isnan(people)
    if not usable.any():
        raise StatisticsError("no area has both people and expected events, so there is nothing to compare.")
    wanted = np.where(usable, wanted, np.nan)
    events = np.where(usable, f["events"].to_numpy(float), np.nan)
    if law == "binomial" and (events > people).any():
        raise StatisticsError(
            f"{int((events > people).sum())} areas have more events than population, so an event is not one "
            "per head; use law='poisson'."
        )
    factor = 1 / wanted if expected is not None else scale / people
    rate = rates.settings["overall_rate"] if target is None else target
    words = "expected events" if expected is not None else f"{figure(rate)} {rates.settings['unit']}"
    return _Case(events, wanted, people if law == "binomial" else None, factor, words)


def _spread(x: Any, e: Any, size: Any, winsorised: float) -> Any:
    from safemap.stats.funnel import dispersion

    return dispersion(x, e, size=size, winsorised=winsorised)


def _how(overdispersion: str, spread: Any) -> _How:
    return _How(
        exact=overdispersion == "none",
        phi=spread.phi if overdispersion == "multiplicative" and spread.phi > 1 else 1.0,
        tau2=spread.tau2 if overdispersion == "additive" and spread.tau2 > 0 else 0.0,
    )


def _limits(e: Any, size: Any, level: float, how: _How) -> tuple[Any, Any]:
    from safemap.stats.funnel import funnel_limits as exact_limits
    from safemap.stats.funnel import overdispersed_limits

    if how.exact:
        return exact_limits(e, level=level, size=size)
    return overdispersed_limits(e, level=level, size=size, phi=how.phi, tau2=how.tau2)


def _tails(x: Any, e: Any, size: Any, scores: Any, how: _How) -> tuple[Any, Any]:
    """Chance of an area as high or higher, and as low or lower."""
    from scipy.special import ndtr

    from safemap.stats.funnel import tail_p

    if how.exact:
        return tail_p(x, e, size=size)
    z = scores / how.inflation(e, size)
    return ndtr(-z), ndtr(z)


def _classes(up: Any, down: Any, levels: tuple[float, float]) -> NDArray[np.object_]:
    inner, outer = ((1 - level) / 2 for level in levels)
    return np.select(
        [np.isnan(up), up <= outer, up <= inner, down <= outer, down <= inner],
        ["no data", "far above", "above", "far below", "below"],
        "within limits",
    ).astype(object)
