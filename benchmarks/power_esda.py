"""The planted hot spots and the null offence of the sample city, as safemap and as esda report them.

    python benchmarks/power_esda.py                       # 50 cities each; about half an hour on one core
    python benchmarks/power_esda.py --seeds 5 --null-seeds 20

esda is run as its documentation shows: local Moran of crude rates, or of rates it standardises (EB), 999
permutations and the p-value it gives, taken at 5 % as it is or after Benjamini and Hochberg. The neighbours
are those of safemap. *Found* is the share of planted areas reported high; *false* the share of findings
without any planted area in their own or their neighbours' set.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from planted_truth import PLANTED, graphs

import safemap as sm
from safemap.datasets import generate

CONTENDERS = (
    "safemap Gi*, FDR 5 %",
    "safemap local Moran, FDR 5 %",
    "esda, crude rates, p <= 0.05",
    "esda, crude rates, BH 5 %",
    "esda, EB rates, p <= 0.05",
    "esda, EB rates, BH 5 %",
)


def findings(areas: Any, graph: sm.AreaGraph, seed: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Contender, areas with any finding, areas reported high."""
    options = {"events": "events", "population": "population", "graph": graph, "rng": seed}
    for name, verb in zip(CONTENDERS[:2], (sm.local_getis_ord, sm.local_moran), strict=True):
        result = verb(areas, max_permutations=99_999, **options)
        high = result.frame["cluster"].isin(("hot-1", "hot-5", "high-high")).to_numpy()
        yield name, areas.index.isin(result.flagged), high
    for kind, p, high in _esda(areas, graph, seed):
        yield f"esda, {kind} rates, p <= 0.05", p <= 0.05, high & (p <= 0.05)
        adjusted = _benjamini_hochberg(p)
        yield f"esda, {kind} rates, BH 5 %", adjusted <= 0.05, high & (adjusted <= 0.05)


def _esda(areas: Any, graph: sm.AreaGraph, seed: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Kind of rates, p-values as esda gives them by default, and quadrant high-high."""
    from esda.moran import Moran_Local, Moran_Local_Rate

    events, people = areas["events"].to_numpy(float), areas["population"].to_numpy(float)
    there = np.isfinite(people) & (people > 0) & (graph.cardinalities.to_numpy() > 0)
    kept = areas.index[there]
    w = graph.subset(kept).to_libpysal().to_W()
    events, people = events[there], people[there]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        crude = Moran_Local(events / people, w, permutations=999, seed=seed)
        eb = Moran_Local_Rate(events, people, w, permutations=999)
    for kind, found in (("crude", crude), ("EB", eb)):
        p, high = np.ones(len(areas)), np.zeros(len(areas), dtype=bool)
        p[there], high[there] = found.p_sim, found.q == 1
        yield kind, p, high


def _benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p)
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(steps[::-1])[::-1].clip(max=1)
    return adjusted


def table(seeds: Iterable[int], null_seeds: Iterable[int], orders: tuple[int, ...]) -> pd.DataFrame:
    """One row per neighbourhood and contender."""
    city = "iztapalapa"
    offence = PLANTED[city][0]
    rows = []
    for seed in seeds:
        made = generate(city, seed=seed, expected={offence: 5.0})
        areas = made.areas.assign(events=made.truth.events[offence])
        planted = areas.index.isin(made.truth.planted(offence))
        for name, graph in graphs(areas, orders).items():
            touched = planted | ((graph.adjacency @ planted.astype(float)) > 0)
            for who, flagged, high in findings(areas, graph, seed):
                false = (flagged & ~touched).sum() / max(flagged.sum(), 1)
                rows.append((name, who, (high & planted).sum() / planted.sum(), false))
    found = pd.DataFrame(rows, columns=["neighbours", "who", "found", "false"])
    out = found.groupby(["neighbours", "who"], sort=False).mean()
    nothing = []
    for seed in null_seeds:
        made = generate(city, seed=seed)
        areas = made.areas.assign(events=made.truth.events[made.truth.null_offence])
        for name, graph in graphs(areas, orders).items():
            nothing += [
                (name, who, flagged.any(), flagged.mean()) for who, flagged, _ in findings(areas, graph, seed)
            ]
    null = pd.DataFrame(nothing, columns=["neighbours", "who", "null_maps_flagged", "null_areas_flagged"])
    return out.join(null.groupby(["neighbours", "who"], sort=False).mean()).round(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--seeds", type=int, default=50, help="cities with a planted hot spot, from seed 1001"
    )
    parser.add_argument(
        "--null-seeds", type=int, default=50, help="cities for the null offence, from seed 1001"
    )
    parser.add_argument("--orders", type=int, nargs="+", default=[1, 3])
    arguments = parser.parse_args()
    found = table(
        range(1001, 1001 + arguments.seeds),
        range(1001, 1001 + arguments.null_seeds),
        tuple(arguments.orders),
    )
    print(found.to_string())


if __name__ == "__main__":
    main()
