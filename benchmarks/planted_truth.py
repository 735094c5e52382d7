"""Does safemap find what was planted, and nothing where nothing was planted?

Power: cities with hot spots of relative risk 2 and, on average, 5 expected events per area; the share of
planted areas that are reported hot at a false discovery rate of 5 %, over 50 seeds. Size: an offence with
equal risk for everybody, in cities with unequal populations; the share of 200 seeds with any area flagged.

    python benchmarks/planted_truth.py                    # Iztapalapa, about an hour on one core
    python benchmarks/planted_truth.py --city mathare --as-sampled
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
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

import safemap as sm
from safemap.datasets import CITIES, generate

ROBBERY = "ROBO A TRANSEUNTE EN VIA PUBLICA CON VIOLENCIA"
BURGLARY = "ROBO A CASA HABITACION CON VIOLENCIA"
#: city -> offences with hot spots
PLANTED: Mapping[str, tuple[str, ...]] = {
    "iztapalapa": (BURGLARY, ROBBERY),
    "chilanzar": ("Кража из жилища", "Грабёж"),
    "mathare": ("robbery",),
}
#: what is run, and the null it is run under: the default of safemap, or one of the two it is made of
STATISTICS: Mapping[str, tuple[str, str]] = {
    "Gi*": ("Gi*", "auto"),
    "local Moran": ("local Moran", "auto"),
    "Gi*, permutation": ("Gi*", "permutation"),
    "Gi*, constant risk": ("Gi*", "constant-risk"),
}
ORDERS = (1, 2, 3)
HIGH = ("hot-1", "hot-5", "high-high")  # false discovery rate of 5 % or less


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


def graphs(areas: pd.DataFrame, orders: Iterable[int]) -> dict[str, sm.AreaGraph]:
    """Neighbours up to each order; in Iztapalapa about 6, 17 and 34 areas."""
    return {
        "queen" if order == 1 else f"queen, order {order}": sm.build_graph(areas, "queen", order=order)
        for order in orders
    }


def examine(
    city: Any,
    offence: str,
    neighbours: Mapping[str, sm.AreaGraph],
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
    out = []
    for name, graph in neighbours.items():
        touched = planted | ((graph.adjacency @ planted.astype(float)) > 0)
        for statistic in statistics:
            result = _run(statistic, areas, graph, **draws)
            flagged = areas.index.isin(result.flagged)
            high = result.frame["cluster"].isin(HIGH).to_numpy()
            null = flagged & ~touched
            counts = (planted.sum(), (high & planted).sum(), flagged.sum(), null.sum(), (null & high).sum())
            out.append(Found(city.seed, offence, name, statistic, *(int(c) for c in counts)))
    return out


def _run(statistic: str, areas: pd.DataFrame, graph: sm.AreaGraph, **draws: Any) -> Any:
    kind, null = STATISTICS[statistic]
    options = {"events": "events", "population": "population", "graph": graph, "null": null, **draws}
    if kind == "local Moran":
        return sm.local_moran(areas, **options)
    return sm.local_getis_ord(areas, star=True, **options)


def power(
    seeds: Iterable[int],
    *,
    city: str = "iztapalapa",
    expected: float | None = 5.0,
    offences: tuple[str, ...] | None = None,
    orders: Iterable[int] = ORDERS,
    **options: Any,
) -> pd.DataFrame:
    """Planted areas found, one row per seed, offence, graph and statistic.

    `expected` is the mean per area of every offence with hot spots; None leaves them as in the sample.
    """
    means = None if expected is None else dict.fromkeys(PLANTED[city], expected)
    rows = []
    for seed in seeds:
        made = generate(city, seed=seed, expected=means)
        near = graphs(made.areas, orders)
        rows += [f for o in offences or PLANTED[city] for f in examine(made, o, near, **options)]
    return pd.DataFrame([asdict(row) for row in rows])


def size(
    seeds: Iterable[int], *, city: str = "iztapalapa", orders: Iterable[int] = (1,), **options: Any
) -> pd.DataFrame:
    """Findings on the null offence, one row per seed, graph and statistic."""
    rows = []
    for seed in seeds:
        made = generate(city, seed=seed)
        rows += examine(made, made.truth.null_offence, graphs(made.areas, orders), **options)
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
    parser.add_argument("--city", choices=CITIES, default="iztapalapa")
    parser.add_argument("--seeds", type=int, default=50, help="cities with planted hot spots")
    parser.add_argument("--first", type=int, default=1, help="number of the first seed")
    parser.add_argument("--null-seeds", type=int, default=200, help="cities for the null offence")
    parser.add_argument("--as-sampled", action="store_true", help="as many events as the sample has, not 5")
    parser.add_argument("--json", metavar="FILE", help="write the tables there too")
    given = parser.parse_args()
    start, options = time.perf_counter(), {"city": given.city, "statistics": tuple(STATISTICS)}
    seeds, null_seeds = (range(given.first, given.first + n) for n in (given.seeds, given.null_seeds))
    found = power(seeds, expected=None if given.as_sampled else 5.0, **options)
    tables = {"power": summarise_power(found), "size": summarise_size(size(null_seeds, **options))}
    for name, table in tables.items():
        print(f"\n{name}\n{table.to_string()}")
    print(f"\n{time.perf_counter() - start:.0f} s")
    if given.json:
        records = {name: table.reset_index().to_dict("records") for name, table in tables.items()}
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump(records, file, indent=1)


if __name__ == "__main__":
    main()
