"""spdep's side of ``agreement.py``: one run of R for each data set."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from agreement_comparison import (
    DRAWS,
    Comparison,
    Data,
    Floats,
    asked_global,
    asked_local,
    compare,
    p_and_draws,
    untied,
)

import safemap as sm

SCRIPT = Path(__file__).with_suffix(".R").with_name("agreement.R")


def _spdep(data: Data) -> tuple[str, dict[str, Floats]]:
    """What spdep gives for the values and links, by name."""
    areas, graph = data.areas, data.graph
    with tempfile.TemporaryDirectory() as folder:
        areas[["y", "x", "kind", "events", "population"]].to_csv(Path(folder) / "values.csv", index=False)
        links = graph.adjacency.tocoo()
        ends = pd.DataFrame({"from": links.row + 1, "to": links.col + 1})
        ends.to_csv(Path(folder) / "links.csv", index=False)
        done = subprocess.run(
            ["Rscript", str(SCRIPT)], cwd=folder, capture_output=True, text=True, check=True
        )
    found: dict[str, list[str]] = {}
    for line in filter(None, done.stdout.splitlines()):
        name, value = line.split(",")
        found.setdefault(name, []).append(value.strip())
    number = found.pop("version")[0]
    return number, {k: np.array([np.nan if x == "NA" else float(x) for x in v]) for k, v in found.items()}


def spdep_rows(data: Data) -> Iterator[Comparison]:
    """spdep's figures; its p are normal, so they are compared as numbers."""
    number, r = _spdep(data)
    name, exact = f"spdep {number}", {"draws": np.inf, "draws_peer": np.inf}
    normal = 'normal p: like="spdep"'
    for title, verb, key in (
        ("Moran's I and z", sm.global_moran, "moran"),
        ("Geary's C and z", sm.global_geary, "geary"),
        ("General G and z", sm.global_getis_ord, "G"),
    ):
        ours = verb(data.areas, "y", graph=data.graph, like="spdep", permutations=9)
        yield compare(
            data,
            title,
            name,
            [ours.statistic, ours.z_score],
            r[key][:2],
            p=ours.p_value,
            p_peer=r[key][2],
            said=normal,
            **exact,
        )
    ours = asked_global(data, sm.global_lee, "x", "y", include_self=False)
    yield compare(data, "Lee's L", name, ours.statistic, r["lee"])
    ours = asked_global(data, sm.global_join_counts, "kind").frame
    both = np.r_[ours["statistic"], ours["variance"]]
    yield compare(data, "join counts and variances", name, both, np.r_[r["joins"], r["joins.var"]])
    rate = {"events": "events", "population": "population"}
    ours = sm.global_moran(data.areas, **rate, graph=data.graph, like="spdep", permutations=9)
    yield compare(data, "Moran's I of the EB index", name, ours.statistic, r["eb"])
    ours = sm.correlogram(data.areas, "y", graph=data.graph, orders=3, permutations=9).frame
    both = np.r_[ours["statistic"], ours["variance"]]
    yield compare(data, "correlogram, 3 orders, I and variance", name, both, np.r_[r["lags"], r["lags.var"]])
    yield from _spdep_local(data, name, r, {**exact, "said": normal})


def _spdep_local(data: Data, name: str, r: dict[str, Floats], normal: dict[str, Any]) -> Iterator[Comparison]:
    ours = asked_local(sm.local_moran, data, "y", like="spdep")
    p = ours["p_value"].to_numpy()
    yield compare(data, "local Moran", name, ours["statistic"], r["I"], p=p, p_peer=r["I.p"], **normal)
    for title, star, key in (("Gi", False, "g"), ("Gi*", True, "gstar")):
        ours = asked_local(sm.local_getis_ord, data, "y", like="spdep", star=star)
        p = ours["p_value"].to_numpy()
        yield compare(data, title, name, ours["statistic"], r[key], p=p, p_peer=r[f"{key}.p"], **normal)
    n, said = len(data.areas), "values standardised with n - 1: ours times (n - 1) / n"
    for title, columns, key in (("local Geary", ("y",), "c"), ("local Geary, two columns", ("y", "x"), "c2")):
        ours = asked_local(sm.local_geary, data, *columns, permutations=9, max_permutations=9)
        yield compare(data, title, name, ours["statistic"] * (n - 1) / n, r[key], said=said)
    ours = asked_local(sm.local_lee, data, "x", "y", include_self=False, permutations=9, max_permutations=9)
    yield compare(data, "local Lee", name, ours["statistic"], r["local.lee"])
    ours = asked_local(sm.local_losh, data, "y", inference="chi-square", alternative="greater")
    yield compare(
        data,
        "LOSH",
        name,
        ours["statistic"],
        r["H"],
        p=ours["p_value"],
        p_peer=r["H.p"],
        **{**normal, "said": "chi-square"},
    )
    ours = asked_local(sm.local_moran, data, "y", like=None)
    scaled, at = ours["statistic"] * n / (n - 1), untied(data)
    yield compare(
        data,
        "local Moran, localmoran_perm",
        name,
        scaled,
        r["I"],
        **p_and_draws(ours[at], directed=False),
        sides=2,
        p_peer=r["I.perm"][at],
        tied=True,
        said="default p of safemap; spdep draws neighbours with replacement",
    )
    p = _with_replacement(data)[at]
    yield compare(
        data,
        "the same, drawn with replacement",
        name,
        scaled,
        r["I"],
        p=p,
        sides=2,
        p_peer=r["I.perm"][at],
        said="p of a loop of this script that draws with replacement",
    )


def _with_replacement(data: Data) -> Floats:
    """Two-sided p as by definition, but one area can be drawn twice for the same neighbourhood."""
    rng, y, p = np.random.default_rng(1), data.areas["y"].to_numpy(), []
    z, a = y - y.mean(), data.graph.adjacency
    for i, near in enumerate(np.split(a.indices, a.indptr[1:-1])):
        sums = np.delete(z, i)[rng.integers(0, len(z) - 1, (DRAWS, len(near)))].sum(axis=1)
        slack = 1e-9 * np.abs(z).max()
        tails = (sums >= z[near].sum() - slack).sum(), (sums <= z[near].sum() + slack).sum()
        p.append(min(1.0, 2 * (min(tails) + 1) / (DRAWS + 1)))
    return np.array(p)
