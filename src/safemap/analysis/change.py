"""Which areas changed between two periods, which did not, and where nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from safemap._typing import Adjust, AreasLike
from safemap.analysis._alignment import read_frame, read_numbers
from safemap.errors import ConfigError
from safemap.results import Result
from safemap.settings import threshold

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

ChangeMethod = Literal["exact", "e-test"]
Exposure = float | str


@dataclass(frozen=True, eq=False, repr=False)
class ChangeResult(Result):
    """Change of each area; see :func:`area_change`."""

    kind: ClassVar[str] = "change"

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of areas in each class that occurs."""
        return {str(k): int(v) for k, v in self.frame["cluster"].value_counts().items()}

    @property
    def flagged(self) -> pd.Index:
        """Ids of the areas with an increase or a decrease."""
        return self.frame.index[self.frame["cluster"].isin(["increase", "decrease"])]

    def summary(self) -> str:
        """How many areas changed, how many did not, and where nobody can tell."""
        s, counts = self.settings, self.counts
        lines = [super().summary()]
        if counts.get("cannot tell"):
            lines.append(
                f"{counts['cannot tell']:,} area(s): cannot tell. They have so few events that an increase "
                f"by {s['no_change_up_to'] - 1:.0%} would probably not have been seen; that is not no change."
            )
        return "\n".join(lines)

    def _headline(self) -> str:
        s = self.settings
        found = ", ".join(f"{n:,} {name}" for name, n in self.counts.items())
        return (
            f"change of {len(self.frame):,} areas from {s['before']} ({s['events_before']:,} events) to "
            f"{s['after']} ({s['events_after']:,}), {s['method']}, {s['adjust']} at {s['alpha']:g}: {found}"
        )


def area_change(
    areas: AreasLike,
    before: str,
    after: str,
    *,
    exposure: tuple[Exposure, Exposure] = (1.0, 1.0),
    population: str | tuple[str, str] | None = None,
    per: float = 100_000,
    method: ChangeMethod = "exact",
    adjust: Adjust = "fdr_bh",
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> ChangeResult:
    """Change of a rate between two periods, area by area.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        One row per area, ids in the index.
    before, after : str
        Columns of counts of the two periods.
    exposure : tuple of two numbers or columns
        What the counts are divided by: days of the periods, or columns of people. Areas in which it is
        missing or 0 have no data.
    population : str or tuple of two str, optional
        Columns of people in the two periods; one where it is the same. Counts are divided by people and
        exposure both, and the rates of the two periods are columns of the result.
    per : float
        Size of the base of these rates.
    method : {"exact", "e-test"}
        Test behind the p-value; the interval is always the exact one.
    adjust : {"fdr_bh", "fdr_by", "holm", "bonferroni", "none"}
        How the p-values are adjusted for the number of areas.
    alpha : float
        Level the adjusted p is compared with.
    confidence : float
        Coverage of the interval of each ratio.

    Returns
    -------
    ChangeResult
        ``frame``: one row per area with ``name`` (where given), ``before``, ``after`` (counts), ``estimate``
        (ratio of the rates), ``conf_low``, ``conf_high``, with `population` ``rate_before``, ``rate_after``
        (per `per` people and unit of exposure), ``p_value``, ``p_adjusted``, ``detectable``
        (smallest ratio above 1 that would have been found with 80 % power at `alpha`, unadjusted),
        ``cluster`` and ``geometry``.

        ``cluster`` is increase or decrease where ``p_adjusted <= alpha``; else no change where a ratio of 1.5
        would have been found, and cannot tell where not; too few events where nothing happened; no data.

    References
    ----------
    Przyborowski, J., Wilenski, H. (1940). Biometrika 31, 313-323. doi:10.1093/biomet/31.3-4.313
    Krishnamoorthy, K., Thomson, J. (2004). Journal of Statistical Planning and Inference 119, 23-35.
    doi:10.1016/S0378-3758(02)00408-1

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_change
    >>> cells = [box(x, 0, x + 100, 100) for x in range(0, 400, 100)]
    >>> counts = {"y2022": [40, 300, 5, 0], "y2023": [90, 310, 7, 0]}
    >>> areas = gpd.GeoDataFrame(counts, geometry=cells, crs=32614)
    >>> area_change(areas, "y2022", "y2023").frame["cluster"].tolist()
    ['increase', 'no change', 'cannot tell', 'too few events']
    """
    from safemap.stats.change import detectable_ratio, e_test, poisson_change
    from safemap.stats.multiple_testing import adjust_p

    _check(method, adjust, alpha, confidence, per)
    frame = read_frame(areas, neighbourhood=False)
    people = (population, population) if isinstance(population, str) else population
    counts, amounts = _read(frame, before, after, exposure, people)
    known = {"exposure_before": amounts[0], "exposure_after": amounts[1]}
    change = poisson_change(*counts, **known, confidence=confidence)
    p = change.p_value if method == "exact" else e_test(*counts, **known)
    adjusted = adjust_p(p, adjust)
    detectable = detectable_ratio(*counts, **known, alpha=alpha)
    limit = threshold("detectable_ratio_max")
    table = {
        **({"name": frame["name"]} if "name" in frame.columns else {}),
        "before": counts[0],
        "after": counts[1],
        "estimate": change.ratio,
        "conf_low": change.low,
        "conf_high": change.high,
        **({} if people is None else _rates(counts, amounts, per)),
        "p_value": p,
        "p_adjusted": adjusted,
        "detectable": detectable,
        "cluster": _classes(change.ratio, adjusted, detectable, counts, alpha=alpha, limit=limit),
    }
    settings = {
        "before": before,
        "after": after,
        "exposure": list(exposure),
        "population": None if people is None else list(people),
        "per": per,
        "method": method,
        "adjust": adjust,
        "alpha": alpha,
        "confidence": confidence,
        "no_change_up_to": limit,
        "events_before": int(np.nansum(counts[0])),
        "events_after": int(np.nansum(counts[1])),
    }
    return ChangeResult(
        _assembled(frame, table), settings, areas.audit if isinstance(areas, Result) else None
    )


def _check(method: str, adjust: str, alpha: float, confidence: float, per: float) -> None:
    if not (isinstance(per, Real) and np.isfinite(per) and per > 0):
        raise ConfigError(f"per must be a number above 0, such as 100_000; got {per!r}.")
    if method not in get_args(ChangeMethod):
        raise ConfigError(f"method must be one of {', '.join(get_args(ChangeMethod))}; got {method!r}.")
    if adjust not in get_args(Adjust):
        raise ConfigError(f"adjust must be one of {', '.join(get_args(Adjust))}; got {adjust!r}.")
    for name, level in (("alpha", alpha), ("confidence", confidence)):
        if not isinstance(level, Real) or not 0 < level < 1:
            raise ConfigError(f"{name} must lie between 0 and 1; got {level!r}.")


def _read(
    frame: gpd.GeoDataFrame,
    before: str,
    after: str,
    exposure: tuple[Exposure, Exposure],
    people: tuple[str, str] | None,
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Counts and exposures (times people), missing in all of them where one of them is."""
    if len(exposure) != 2 or (people is not None and len(people) != 2):
        raise ConfigError("exposure and population must have two entries: before, after.")
    counts = [read_numbers(frame, column, signed=False) for column in (before, after)]
    amounts = [
        read_numbers(frame, one, signed=False) if isinstance(one, str) else np.full(len(frame), float(one))
        for one in exposure
    ]
    if people is not None:
        amounts = [
            a * read_numbers(frame, column, signed=False) for a, column in zip(amounts, people, strict=True)
        ]
    usable = ~np.isnan(counts[0] + counts[1]) & (amounts[0] > 0) & (amounts[1] > 0)
    return [np.where(usable, c, np.nan) for c in counts], [np.where(usable, a, 1.0) for a in amounts]


def _rates(
    counts: list[NDArray[np.float64]], amounts: list[NDArray[np.float64]], per: float
) -> dict[str, NDArray[np.float64]]:
    return {
        f"rate_{name}": count / amount * per
        for name, count, amount in zip(("before", "after"), counts, amounts, strict=True)
    }


def _classes(
    ratio: NDArray[np.float64],
    adjusted: NDArray[np.float64],
    detectable: NDArray[np.float64],
    counts: list[NDArray[np.float64]],
    *,
    alpha: float,
    limit: float,
) -> NDArray[np.object_]:
    found = adjusted <= alpha
    total = counts[0] + counts[1]
    return np.select(
        [np.isnan(total), total == 0, found & (ratio > 1), found & (ratio < 1), detectable <= limit],
        ["no data", "too few events", "increase", "decrease", "no change"],
        "cannot tell",
    ).astype(object)


def _assembled(frame: gpd.GeoDataFrame, table: Mapping[str, object]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    columns = {**table, "geometry": frame.geometry}
    out = gpd.GeoDataFrame(columns, geometry="geometry", crs=frame.crs, index=frame.index)
    out["cluster"] = out["cluster"].astype(str)
    return out
