"""Does safemap find what was planted, and nothing where nothing was planted?

Power: cities with hot spots of relative risk 2 and, on average, 5 expected events per area; the share of
planted areas that are reported hot at a false discovery rate of 5 %, over 50 seeds. Size: an offence with
equal risk for everybody, in cities with unequal populations; the share of 200 seeds with any area flagged.

    python benchmarks/planted_truth.py                    # all, about an hour on one core
    python benchmarks/planted_truth.py --seeds 5 --null-seeds 10

How much is found depends on how wide the neighbourhood is compared with the hot spot, and on how many hot
spots there are: several raise the average and the variance against which each of them is tested. "False"
counts areas without any planted area in their own or their neighbours' set. Beside a hot spot the rest of
the city lies below the average, and where power is high such areas are reported cold: ``false_other``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

import safemap as sm
from safemap.datasets import generate

ROBBERY = "ROBO A TRANSEUNTE EN VIA PUBLICA CON VIOLENCIA"
BURGLARY = "ROBO A CASA HABITACION CON VIOLENCIA"
CONSTANT_RISK = "constant risk (not in safemap)"
STATISTICS = ("Gi*", "local Moran", CONSTANT_RISK)
HOT = ("hot-1", "hot-5")  # false discovery rate of 5 % or less


@dataclass(frozen=True)
class Found:
    """What one statistic reported of one offence in one city."""

    seed: int
    offence: str
    neighbours: str  #: who counts as a neighbour
    statistic: str
    planted: int
    found: int  #: planted areas reported hot
    flagged: int  #: areas with any finding, hot or cold
    false: int  #: of these, null areas: no planted area in the own set or among the neighbours
    false_hot: int  #: of these, reported hot


def graphs(areas: pd.DataFrame) -> dict[str, Any]:
    """Neighbours, and neighbours up to the second and third order (about 6, 17 and 34 areas)."""
    queen = sm.build_graph(areas, "queen", tolerance=1.0)
    wider = queen.to_libpysal()
    return {
        "queen": queen,
        "queen, order 2": wider.higher_order(2, lower_order=True),
        "queen, order 3": wider.higher_order(3, lower_order=True),
    }


def examine(
    city: Any,
    offence: str,
    neighbours: Mapping[str, Any],
    *,
    statistics: tuple[str, ...] = ("Gi*", "local Moran"),
    permutations: int = 9_999,
    max_permutations: int = 999_999,
    rng: int = 0,
) -> list[Found]:
    """Run the local statistics on the planted counts of one offence."""
    areas = city.areas.assign(events=city.truth.events[offence])
    planted = areas.index.isin(city.truth.planted(offence))
    draws = {"permutations": permutations, "max_permutations": max_permutations, "rng": rng}
    options: dict[str, Any] = {"events": "events", "population": "population", **draws}
    out = []
    for name, graph in neighbours.items():
        touched = _touched(graph, areas.index, planted)
        for statistic in statistics:
            if statistic == CONSTANT_RISK:
                flagged, high = constant_risk(areas, graph)
                null = flagged & ~touched
                counts = (
                    planted.sum(),
                    (high & planted).sum(),
                    flagged.sum(),
                    null.sum(),
                    (null & high).sum(),
                )
                out.append(Found(city.seed, offence, name, statistic, *(int(c) for c in counts)))
                continue
            if statistic == "Gi*":
                result = sm.local_getis_ord(areas, graph=graph, star=True, **options)
                high = result.frame["cluster"].isin(HOT).to_numpy()
            else:
                result = sm.local_moran(areas, graph=graph, **options)
                high = (result.frame["cluster"] == "high-high").to_numpy()
            flagged = areas.index.isin(result.flagged)
            null = flagged & ~touched
            counts = (planted.sum(), (high & planted).sum(), flagged.sum(), null.sum(), (null & high).sum())
            out.append(Found(city.seed, offence, name, statistic, *(int(c) for c in counts)))
    return out


def constant_risk(areas: pd.DataFrame, graph: Any, alpha: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Areas flagged, and flagged as high, by the null "everybody has the same risk": not a part of safemap.

    Given the total, the events of an area and its neighbours together are binomial with the share of the
    population that lives there: exact two-sided p, Benjamini-Hochberg. For comparison only: it also calls
    an area hot whose own count is high and whose neighbours' are not, which Gi* by its permutation does not.
    """
    from scipy.stats import binom, false_discovery_control

    from safemap.geo.graph import as_area_graph

    people = areas["population"].to_numpy()
    ok = people > 0
    window = as_area_graph(graph, areas.index).adjacency.toarray() + np.eye(len(areas))
    events, people = np.where(ok, areas["events"], 0), np.where(ok, people, 0.0)
    total, share = events.sum(), window @ people / people.sum()
    seen = window @ events
    p = 2 * np.minimum(binom.sf(seen - 1, total, share), binom.cdf(seen, total, share))
    flagged = np.zeros(len(areas), dtype=bool)
    flagged[ok] = false_discovery_control(np.minimum(1, p[ok])) <= alpha
    return flagged, flagged & (seen > total * share)


def _touched(graph: Any, ids: pd.Index, planted: np.ndarray) -> np.ndarray:
    """Areas that are planted or have a planted neighbour."""
    from safemap.geo.graph import as_area_graph

    return planted | ((as_area_graph(graph, ids).adjacency @ planted.astype(float)) > 0)


def power(
    seeds: range,
    *,
    expected: float = 5.0,
    offences: tuple[str, ...] = (BURGLARY, ROBBERY),
    neighbours: tuple[str, ...] = ("queen", "queen, order 2", "queen, order 3"),
    **options: Any,
) -> pd.DataFrame:
    """Planted areas found, one row per seed, offence, graph and statistic."""
    rows = []
    for seed in seeds:
        city = generate("iztapalapa", seed=seed, expected={ROBBERY: expected, BURGLARY: expected})
        near = {name: graph for name, graph in graphs(city.areas).items() if name in neighbours}
        rows += [f for o in offences for f in examine(city, o, near, **options)]
    return pd.DataFrame([asdict(row) for row in rows])


def size(seeds: range, **options: Any) -> pd.DataFrame:
    """Findings on the null offence, one row per seed and statistic."""
    rows = []
    for seed in seeds:
        city = generate("iztapalapa", seed=seed)
        queen = {"queen": graphs(city.areas)["queen"]}
        rows += examine(city, city.truth.null_offence, queen, **options)
    return pd.DataFrame([asdict(row) for row in rows])


def limit(seeds: int, alpha: float = 0.05) -> float:
    """Largest share of seeds with a finding that a true rate of `alpha` explains (97.5 % of the binomial)."""
    from scipy.stats import binom

    return float(binom.ppf(0.975, seeds, alpha)) / seeds


def summarise_power(found: pd.DataFrame) -> pd.DataFrame:
    """Share of planted areas found, and false discoveries as a share of all."""
    groups = found.groupby(["offence", "neighbours", "statistic"], sort=False)
    return pd.DataFrame(
        {
            "seeds": groups["seed"].nunique(),
            "share_found": groups["found"].sum() / groups["planted"].sum(),
            "worst_seed": groups[["found", "planted"]].apply(lambda g: (g["found"] / g["planted"]).min()),
            "false_discovery_rate": groups[["false", "flagged"]].apply(
                lambda g: (g["false"] / g["flagged"].clip(lower=1)).mean()
            ),
            "false_hot": groups["false_hot"].sum(),
            "false_other": groups["false"].sum() - groups["false_hot"].sum(),
        }
    ).round(3)


def summarise_size(found: pd.DataFrame) -> pd.DataFrame:
    """Share of seeds with any finding, beside the limit."""
    groups = found.groupby(["neighbours", "statistic"], sort=False)
    seeds = groups["seed"].nunique()
    any_found = groups["flagged"].apply(lambda f: (f > 0).mean())
    return pd.DataFrame({"seeds": seeds, "share_with_any": any_found, "limit": seeds.map(limit)}).round(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=50, help="cities with planted hot spots")
    parser.add_argument("--first", type=int, default=1, help="number of the first seed")
    parser.add_argument("--null-seeds", type=int, default=200, help="cities for the null offence")
    parser.add_argument("--json", metavar="FILE", help="write the tables there too")
    options = parser.parse_args()
    start, first = time.perf_counter(), options.first
    tables = {
        "power": summarise_power(power(range(first, first + options.seeds), statistics=STATISTICS)),
        "size": summarise_size(size(range(first, first + options.null_seeds), statistics=STATISTICS)),
    }
    for name, table in tables.items():
        print(f"\n{name}\n{table.to_string()}")
    print(f"\n{time.perf_counter() - start:.0f} s")
    if options.json:
        records = {name: table.reset_index().to_dict("records") for name, table in tables.items()}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(records, file, indent=1)


if __name__ == "__main__":
    main()
