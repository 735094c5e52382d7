"""How many places may be missing before a map changes? Deletion of one's own records tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from safemap._typing import RNG
from safemap.analysis._alignment import read_seed
from safemap.analysis.joining import JoinResult
from safemap.errors import ConfigError, StatisticsError
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd

_AGREEMENT_WANTED = 0.95


@dataclass(frozen=True, eq=False, repr=False)
class HitRateSensitivity(Result):
    """Agreement of thinned maps with the full one.

    Attributes
    ----------
    frame : pandas.DataFrame
        Index ``hit_rate``; ``kept`` (events), ``rank_agreement`` (median Spearman correlation of the areas'
        values with those of all events), ``rank_low`` and ``rank_high`` (5 % and 95 % of the repetitions),
        ``top_decile_kept`` (mean share of the top tenth of areas that stays there), ``flags_kept`` (mean
        Jaccard agreement of flagged areas; where a graph was given).
    recommended : float or None
        Lowest hit rate with a median rank agreement of at least 0.95; None where none reaches it.
    """

    kind: ClassVar[str] = "hit_rate_sensitivity"

    recommended: float | None = None

    def _headline(self) -> str:
        if self.recommended is None:
            return "Hit rate: at no level tried do thinned maps rank the areas as all events do"
        return (
            f"Hit rate: down to {self.recommended:.0%} thinned maps rank the areas as all events do (median "
            f"Spearman correlation of {_AGREEMENT_WANTED} or more, {self.settings['reps']} repetitions)"
        )


def hit_rate_sensitivity(
    joined: JoinResult,
    *,
    population: str | None = None,
    rates: Sequence[float] = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6),
    reps: int = 200,
    graph: Any = None,
    flag_reps: int = 10,
    rng: RNG = 0,
) -> HitRateSensitivity:
    """Delete records at random and see how soon the map of areas changes.

    It answers for records that are missing at random only. Whether they are is told by
    :func:`geocode_report`.

    Parameters
    ----------
    joined : JoinResult
        Incidents in areas.
    population : str, optional
        Column of the areas; areas are ranked by rate instead of count.
    rates : sequence of float
        Shares of the records to keep.
    reps : int
        Repetitions at each share.
    graph : AreaGraph, optional
        Neighbours; with it :func:`local_getis_ord` of the counts is repeated too, `flag_reps` times at each
        share.
    flag_reps : int
        Repetitions with local statistics, which cost more.
    rng : int, numpy.random.Generator or None
        Seed of the deletions.

    Returns
    -------
    HitRateSensitivity

    Raises
    ------
    StatisticsError
        If fewer than three areas or two events are there.
    ConfigError
        If a share is not between 0 and 1, or `reps` is below 1.

    Notes
    -----
    Keeping a share of the records at random leaves counts of areas that follow the multivariate
    hypergeometric distribution; they are drawn from it, which is the same as deleting rows and much faster.

    References
    ----------
    Ratcliffe, J. H. (2004). Geocoding crime and a first estimate of a minimum acceptable hit rate.
    International Journal of Geographical Information Science 18, 61-72. doi:10.1080/13658810310001596076

    Examples
    --------
    >>> import geopandas as gpd, numpy as np, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import join_areas, read_areas, read_incidents
    >>> boxes = [box(i, 0, i + 1, 1) for i in range(5)]
    >>> strips = gpd.GeoDataFrame({"id": list("abcde")}, geometry=boxes, crs=4326)
    >>> rows = pd.DataFrame({"lon": np.repeat(np.arange(5) + 0.5, [10, 40, 90, 160, 250]), "lat": 0.5})
    >>> joined = join_areas(read_incidents(rows, lon="lon", lat="lat"), read_areas(strips, id="id"))
    >>> hit_rate_sensitivity(joined, rates=(0.9, 0.6), reps=20).recommended
    0.6
    """
    if reps < 1 or flag_reps < 1:
        raise ConfigError("reps and flag_reps must be 1 or more.")
    if not len(rates) or not all(0 < r < 1 for r in rates):
        raise ConfigError(f"rates are shares between 0 and 1, e.g. (0.95, 0.85); got {tuple(rates)!r}.")
    counts, people = _counts(joined, population)
    seed = read_seed(rng)
    streams = np.random.SeedSequence(seed).spawn(len(rates))
    full = counts / people
    rows = []
    for rate, stream in zip(sorted(rates, reverse=True), streams, strict=True):
        generator = np.random.default_rng(stream)
        kept = round(rate * int(counts.sum()))
        drawn = generator.multivariate_hypergeometric(counts, kept, size=reps, method="marginals")
        values = drawn / people
        agreement = _spearman(full, values)
        row = {
            "hit_rate": rate,
            "kept": kept,
            "rank_agreement": float(np.median(agreement)),
            "rank_low": float(np.quantile(agreement, 0.05)),
            "rank_high": float(np.quantile(agreement, 0.95)),
            "top_decile_kept": _top_kept(full, values),
        }
        if graph is not None:
            row["flags_kept"] = _flags_kept(joined, counts, drawn[:flag_reps], graph)
        rows.append(row)
    frame = _table(rows)
    enough = frame.index[frame["rank_agreement"] >= _AGREEMENT_WANTED]
    settings = {
        "reps": reps,
        "flag_reps": flag_reps if graph is not None else 0,
        "rng": seed,
        "population": population,
    }
    return HitRateSensitivity(
        frame=frame,
        settings=settings,
        audit=joined.audit,
        recommended=float(enough.min()) if len(enough) else None,
    )


def _counts(joined: JoinResult, population: str | None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Events of each area that can be ranked, and what they are divided by."""
    counts = joined.reconciliation["events"].to_numpy(dtype=np.int64)
    people = np.ones(len(counts))
    if population is not None:
        if population not in joined.areas.columns:
            raise ConfigError(f"population={population!r} is no column of the areas.")
        people = joined.areas[population].to_numpy(dtype=float)
    there = np.isfinite(people) & (people > 0)
    if there.sum() < 3 or counts[there].sum() < 2:
        raise StatisticsError(
            f"At least 3 areas and 2 events are needed; there are {int(there.sum())} and "
            f"{int(counts[there].sum())}."
        )
    return np.where(there, counts, 0), np.where(there, people, np.nan)


def _spearman(full: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank correlation of each row of `drawn` with `full`; 0 where a row has no variation."""
    from scipy.stats import rankdata

    there = np.isfinite(full)
    a = rankdata(full[there])
    b = rankdata(drawn[:, there], axis=1)
    a, b = a - a.mean(), b - b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a @ a) * (b**2).sum(axis=1))
    return np.divide(b @ a, scale, out=np.zeros(len(b)), where=scale > 0)


def _top_kept(full: NDArray[np.float64], drawn: NDArray[np.float64]) -> float:
    """Mean share of the top tenth of areas that is in the top tenth of the thinned map; ties by position."""
    there = np.flatnonzero(np.isfinite(full))
    n = max(1, round(len(there) / 10))
    top = set(there[np.argsort(-full[there], kind="stable")[:n]].tolist())
    kept = [len(top & set(there[np.argsort(-row[there], kind="stable")[:n]].tolist())) / n for row in drawn]
    return float(np.mean(kept))


def _flags_kept(joined: JoinResult, counts: NDArray[np.int64], drawn: NDArray[np.int64], graph: Any) -> float:
    """Mean Jaccard agreement of areas flagged by Gi* of thinned counts with those of all counts."""
    from safemap.analysis.autocorrelation import local_getis_ord

    def flagged(values: NDArray[np.int64]) -> set[str]:
        areas = joined.areas[["geometry"]].assign(count=values.astype(float))
        codes = local_getis_ord(areas, "count", graph=graph, rng=0).frame["cluster"]
        return set(codes.index[codes.str.startswith(("hot", "cold")).to_numpy(dtype=bool)])

    all_events = flagged(counts)
    shares = []
    for row in drawn:
        some = flagged(row)
        union = all_events | some
        shares.append(len(all_events & some) / len(union) if union else 1.0)
    return float(np.mean(shares))


def _table(rows: list[dict[str, float]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows).set_index("hit_rate")
