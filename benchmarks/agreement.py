"""Do safemap, esda, GeoDa and R spdep agree on real data?

Statistics to ten digits, p within the error of the draws.

    python benchmarks/agreement.py               # writes docs/agreement.md, two to three minutes

Every program gets the same values and the same neighbours, so that only the statistic can differ.
``tests/validity/test_peers.py`` asserts what the page says. Programs that are absent are named on the page
and skipped by the test.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from agreement_comparison import (
    CHANCE,
    DIGITS,
    DRAWS,
    ERRORS,
    Comparison,
    Data,
    Floats,
    arrays,
    asked_global,
    asked_local,
    compare,
    p_and_draws,
    untied,
)
from agreement_spdep import spdep_rows
from anchors import r_available

import safemap as sm

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "agreement.md"
WORDS = Path(__file__).with_name("agreement_page.md")
REAL = Path(os.environ.get("SAFEMAP_REAL_DATA", ROOT.parent / "shared" / "data"))


# --- data ---


@cache
def columbus() -> Data:
    areas = sm.datasets.columbus()
    areas = areas.assign(y=areas["CRIME"].astype(float), x=areas["INC"].astype(float))
    areas = areas.assign(events=areas["CRIME"].round(), population=(100 * areas["HOVAL"]).round())
    return _data("Columbus, CRIME and INC", areas, tolerance=0)


@cache
def colonias() -> Data | None:
    """Domestic violence and street robbery of 2023 in the colonias of Mexico City."""
    register, path = REAL / "cdmx" / "fgj_cdmx_2019_2024.parquet", REAL / "cdmx" / "colonias_iecm.gpkg"
    if not (register.exists() and path.exists()):
        return None
    rows = pd.read_parquet(
        register, columns=["longitud", "latitud", "delito"], filters=[("anio_hecho", "==", 2023)]
    )
    areas = gpd.read_file(path).set_index("CVEUT")
    areas = areas[areas["SUMPOB1"] > 0].rename(columns={"SUMPOB1": "population"})
    home = rows["delito"] == "VIOLENCIA FAMILIAR"
    street = rows["delito"].str.startswith("ROBO A TRANSEUNTE EN VIA PUBLICA")
    place = rows["longitud"], rows["latitud"]
    areas["events"], robbed = (_counted(*(c[which] for c in place), areas) for which in (home, street))
    areas = areas.assign(y=1_000 * areas["events"] / areas["population"], x=robbed)
    return _data("Mexico City colonias, domestic violence per 1,000 and street robberies, 2023", areas)


@cache
def chicago() -> Data | None:
    """Aggravated assaults of 2010 and 2019 in the neighbourhoods of Chicago."""
    files = [REAL / "chicago" / f"chicago_{name}" for name in _CHICAGO]
    if not all(path.exists() for path in files):
        return None
    rows = pd.read_csv(files[0], usecols=["date", "longitude", "latitude"])
    areas = gpd.read_file(files[1])[["name", "geometry"]].rename_axis("id")
    early, late = (
        _counted(some["longitude"], some["latitude"], areas)
        for some in (rows[rows["date"].str.startswith(year)] for year in ("2010", "2019"))
    )
    km2 = areas.to_crs(32616).area / 1e6
    areas = areas.assign(y=late / km2, x=early / km2, events=late, population=early)
    return _data("Chicago neighbourhoods, assaults per km² 2019 and 2010", areas[areas["population"] > 0])


_CHICAGO = ("aggravated_assaults.csv.gz", "neighborhoods.geojson")


def _counted(longitude: pd.Series, latitude: pd.Series, areas: gpd.GeoDataFrame) -> pd.Series:
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(longitude, latitude), crs=4326)
    placed = points.sjoin(areas[["geometry"]], predicate="within")
    placed = placed[~placed.index.duplicated()]
    return placed.iloc[:, -1].value_counts().reindex(areas.index).fillna(0).astype(float)


def _data(name: str, areas: gpd.GeoDataFrame, tolerance: float = 1.0) -> Data:
    graph = sm.build_graph(areas, tolerance=tolerance)
    while len(graph.isolates):
        areas = areas.drop(graph.isolates)
        graph = graph.subset(areas.index)
    links = graph.subset(areas.index).adjacency
    areas = areas.assign(kind=(areas["y"] > areas["y"].quantile(0.6)).astype(float))
    areas.index = pd.RangeIndex(1, len(areas) + 1)
    return Data(name, areas, sm.AreaGraph(areas.index, links))


# --- esda ---

ONE_TAIL = 'p in the tail that the data chose: like="esda"'
HALF = "p of the smaller tail: half of safemap's"


def esda_rows(data: Data) -> Iterator[Comparison]:
    """Everything that both compute; legacy p, as esda 2.9 gives it."""
    name = f"esda {version('esda')}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from _esda_global(data, name)
        yield from _esda_values(data, name)
        yield from _esda_further(data, name)


def _esda_global(data: Data, name: str) -> Iterator[Comparison]:
    import esda

    y, x, kind = arrays(data)
    made: dict[str, tuple[Any, ...]] = {
        "Moran's I": (sm.global_moran, ("y",), esda.Moran, "I", "z_rand"),
        "Geary's C": (sm.global_geary, ("y",), esda.Geary, "C", "z_rand"),
        "General G": (sm.global_getis_ord, ("y",), esda.G, "G", "z_norm"),
        "bivariate Moran": (sm.global_bivariate_moran, ("x", "y"), esda.Moran_BV, "I", None),
    }
    for title, (verb, columns, theirs, attribute, z) in made.items():
        np.random.seed(1)  # noqa: NPY002 - esda draws from it
        pair = (x, y) if len(columns) == 2 else (y,)
        w = data.graph.to_libpysal().to_W()
        found = theirs(*pair, w, permutations=DRAWS)
        ours = asked_global(data, verb, *columns, like="esda")
        both = [(ours.statistic, getattr(found, attribute))] + (
            [(ours.z_score, getattr(found, z))] if z else []
        )
        yield compare(
            data,
            title + (" and z" if z else ""),
            name,
            *zip(*both, strict=True),
            p=ours.p_value,
            p_peer=found.p_sim,
            said=ONE_TAIL,
        )
    np.random.seed(1)  # noqa: NPY002
    few = 199  # it takes seconds for a hundred
    found = esda.Join_Counts(kind, data.graph.to_libpysal().to_W(), permutations=few)
    ours = asked_global(data, sm.global_join_counts, "kind", alternative="greater")
    counts = (found.bb, found.bw, found.ww)
    yield compare(
        data,
        "join counts",
        name,
        ours.frame["statistic"],
        counts,
        p=ours.p_value,
        p_peer=found.p_sim_bb,
        draws_peer=few,
        said='alternative="greater"; p of BB',
    )
    links = data.graph.to_libpysal().transform("r").sparse
    found = esda.Spatial_Pearson(links, permutations=0).fit(x[:, None], y[:, None])
    ours = asked_global(data, sm.global_lee, "x", "y", include_self=False)
    yield compare(data, "Lee's L", name, ours.statistic, np.asarray(found.association_)[0, 1])
    found = esda.Moran_Rate(*_rate(data), data.graph.to_libpysal().to_W(), permutations=0)
    ours = asked_global(data, sm.global_moran, events="events", population="population", like="esda")
    yield compare(data, "Moran's I of the EB index", name, ours.statistic, found.I)


def _rate(data: Data) -> tuple[Floats, Floats]:
    return data.areas["events"].to_numpy(dtype=float), data.areas["population"].to_numpy(dtype=float)


def _esda_values(data: Data, name: str) -> Iterator[Comparison]:
    """Local statistics of the neighbours' sum."""
    import esda

    y, x, _ = arrays(data)
    seeded = {"permutations": DRAWS, "seed": 1, "n_jobs": 1, "keep_simulations": False}
    w = data.graph.to_libpysal().to_W()
    counts, rate = data.areas["events"].to_numpy(dtype=float), ("events", "population")
    runs: dict[str, tuple[Any, ...]] = {
        "local Moran": (esda.Moran_Local(y, w, **seeded), sm.local_moran, ("y",), {}),
        "local Moran of counts": (esda.Moran_Local(counts, w, **seeded), sm.local_moran, ("events",), {}),
        "local Moran of the EB index": (
            esda.Moran_Local_Rate(*_rate(data), w, **seeded),
            sm.local_moran,
            (),
            {**dict(zip(rate, rate, strict=True)), "null": "permutation"},
        ),
        "local bivariate Moran": (
            esda.Moran_Local_BV(x, y, w, **seeded),
            sm.local_bivariate_moran,
            ("x", "y"),
            {},
        ),
    }
    for title, (theirs, verb, columns, options) in runs.items():
        ours = asked_local(verb, data, *columns, like="esda", **options)
        yield compare(
            data,
            title,
            name,
            ours["statistic"],
            theirs.Is,
            **p_and_draws(ours, directed=False),
            p_peer=theirs.p_sim,
            said=ONE_TAIL,
            tied=title.endswith("counts"),
        )
        if title.endswith("counts"):
            low, high = _with_and_without_ties(data, counts)
            yield compare(
                data,
                title + ", ties either way",
                name,
                ours["statistic"],
                theirs.Is,
                p=np.clip(theirs.p_sim, low, high),
                p_peer=theirs.p_sim,
                draws=np.inf,
                said="p lies between the exact p with ties and without",
            )
    for star in (True, False):
        theirs = esda.G_Local(y, data.graph.to_libpysal().to_W(), transform="R", star=star, **seeded)
        ours = asked_local(sm.local_getis_ord, data, "y", like="esda", star=star)
        yield compare(
            data,
            "Gi*" if star else "Gi",
            name,
            ours["statistic"],
            theirs.Gs,
            **p_and_draws(ours, directed=False),
            p_peer=theirs.p_sim,
            said=ONE_TAIL,
        )


def _with_and_without_ties(data: Data, counts: Floats) -> tuple[Floats, Floats]:
    """The exact directed p of the neighbours' sum, smaller and larger, as ties fall."""
    from safemap.stats.conventions import directed_p
    from safemap.stats.permutation import conditional_test

    test = conditional_test(
        counts, data.graph.matrix, permutations=DRAWS, max_permutations=1, counts=True, rng=0
    )
    above = test.tails.at_least / test.tails.draws, 1 - test.tails.at_most / test.tails.draws
    both = np.array([directed_p(share, DRAWS) for share in above])
    return both.min(axis=0), both.max(axis=0)


def _esda_further(data: Data, name: str) -> Iterator[Comparison]:
    import esda

    y, x, kind = arrays(data)
    np.random.seed(1)  # noqa: NPY002 - the seed of the classes below is not passed on
    drawn = {"permutations": DRAWS, "keep_simulations": False}
    theirs = esda.Geary_Local(data.graph.to_libpysal().to_W(), **drawn).fit(y)
    ours = asked_local(sm.local_geary, data, "y")
    at = untied(data)
    yield compare(
        data,
        "local Geary",
        name,
        ours["statistic"],
        theirs.localG,
        **p_and_draws(ours[at], directed=True),
        p_peer=theirs.p_sim[at],
        said=HALF,
    )
    several = esda.Geary_Local_MV(data.graph.to_libpysal().to_W(), permutations=0).fit([y, x])
    ours = asked_local(sm.local_geary, data, "y", "x", permutations=99)
    yield compare(data, "local Geary, two columns", name, ours["statistic"], several.localG)
    theirs = esda.Join_Counts_Local(data.graph.to_libpysal().to_W(), **drawn).fit(kind, permutations=DRAWS)
    ours = asked_local(sm.local_join_counts, data, "kind")
    asked = (kind > 0) & ~np.isnan(theirs.p_sim)
    p = ours["p_value"].to_numpy()[asked]
    yield compare(
        data,
        "local join counts",
        name,
        ours["statistic"][asked],
        theirs.LJC[asked],
        p=np.minimum(p, 1 - p),
        draws=np.inf,
        p_peer=theirs.p_sim[asked],
        said="p exact here; esda folds the tail and asks areas with at least one join",
    )
    w = data.graph.to_libpysal().to_W()
    w.transform = "r"
    theirs = esda.LOSH(w, inference="chi-square").fit(y)
    ours = asked_local(sm.local_losh, data, "y", inference="chi-square", alternative="greater")
    yield compare(
        data,
        "LOSH",
        name,
        ours["statistic"],
        theirs.Hi,
        p=ours["p_value"].to_numpy(),
        draws=np.inf,
        p_peer=theirs.pval,
        draws_peer=np.inf,
        said="chi-square",
    )


# --- GeoDa ---


def geoda_rows(data: Data) -> Iterator[Comparison]:
    """pygeoda's local statistics; it sums in another order, and its draws are not quite random."""
    import pygeoda

    name = f"pygeoda {version('pygeoda')}"
    y, x, kind = (list(v) for v in arrays(data))
    with tempfile.TemporaryDirectory() as folder:
        w = _gal(data, Path(folder) / "links.gal")
    drawn = {"permutations": DRAWS, "cpu_threads": 1}
    said = 'like="geoda"; its draws are not quite random, so p is a little off'
    runs: dict[str, tuple[Any, ...]] = {
        "local Moran": (pygeoda.local_moran(w, y, **drawn), sm.local_moran, ("y",), {}),
        "local bivariate Moran": (
            pygeoda.local_bimoran(w, x, y, **drawn),
            sm.local_bivariate_moran,
            ("x", "y"),
            {},
        ),
        "Gi": (pygeoda.local_g(w, y, **drawn), sm.local_getis_ord, ("y",), {"star": False}),
        "Gi*": (pygeoda.local_gstar(w, y, **drawn), sm.local_getis_ord, ("y",), {}),
    }
    for title, (theirs, verb, columns, options) in runs.items():
        ours = asked_local(verb, data, *columns, like="geoda", **options)
        yield compare(
            data,
            title,
            name,
            ours["statistic"],
            theirs.lisa_values(),
            **p_and_draws(ours, directed=False),
            p_peer=theirs.lisa_pvalues(),
            said=said,
            tied=True,
        )
    n = len(y)
    for title, theirs, columns in (
        ("local Geary", pygeoda.local_geary(w, y, **drawn), ("y",)),
        ("local Geary, two columns", pygeoda.local_multigeary(w, [y, x], **drawn), ("y", "x")),
    ):
        ours = asked_local(sm.local_geary, data, *columns)
        yield compare(
            data,
            title,
            name,
            ours["statistic"] * (n - 1) / n,
            theirs.lisa_values(),
            **p_and_draws(ours, directed=True),
            p_peer=np.minimum(theirs.lisa_pvalues(), 1 - np.array(theirs.lisa_pvalues())),
            tied=True,
            said=f"values standardised with n - 1: ours times (n - 1) / n; {HALF}",
        )
    theirs = pygeoda.local_joincount(w, kind, **drawn)
    ours = asked_local(sm.local_join_counts, data, "kind")
    asked = np.array(kind) > 0
    yield compare(
        data, "local join counts", name, ours["statistic"][asked], np.array(theirs.lisa_values())[asked]
    )


def _gal(data: Data, path: Path) -> Any:
    import pygeoda

    a = data.graph.adjacency
    lines = [f"0 {len(data.areas)} areas id"]
    for i, row in enumerate(np.split(a.indices, a.indptr[1:-1])):
        lines += [f"{i + 1} {len(row)}", " ".join(str(j + 1) for j in row)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves the file open
        return pygeoda.read_gal(str(path), [str(i + 1) for i in range(len(data.areas))])


# --- what differs, measured ---


def isolates() -> dict[str, float]:
    """The p of three islands added to Columbus, in each program; safemap: missing."""
    import esda
    from scipy.sparse import csr_array

    data = columbus()
    n, a = len(data.areas), data.graph.adjacency.toarray()
    links = sm.AreaGraph.from_weights(csr_array(np.pad(a, (0, 3))), range(n + 3))
    values = np.r_[data.areas["y"], 60.0, 35.0, 5.0]
    cells = gpd.GeoDataFrame(
        {"y": values}, geometry=gpd.points_from_xy(range(n + 3), range(n + 3)), crs=32614
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = esda.Moran_Local(values, links.to_libpysal().to_W(), permutations=DRAWS, seed=1, n_jobs=1)
    ours = sm.local_moran(cells, "y", graph=links, permutations=99, max_permutations=99).frame
    assert ours["p_value"].iloc[-3:].isna().all()
    return {
        "esda": float(theirs.p_sim[-3:].max()),
        "classes": float((ours["cluster"] == "no neighbours").sum()),
    }


def links_by_tolerance(data: Data) -> tuple[int, int]:
    """Links of neighbours that share a vertex exactly, and of those within a metre."""
    exact = sm.build_graph(data.areas, tolerance=0).n_links
    return exact, sm.build_graph(data.areas, tolerance=1).n_links


# --- the page ---

DATA = (columbus, colonias, chicago)


def peers() -> dict[str, Callable[[Data], Iterator[Comparison]]]:
    """The programs that are installed."""
    found: dict[str, Callable[[Data], Iterator[Comparison]]] = {}
    for name, rows in (("esda", esda_rows), ("pygeoda", geoda_rows)):
        try:
            version(name)
        except PackageNotFoundError:
            continue
        found[name] = rows
    return found | ({"spdep": spdep_rows} if r_available() else {})


def page() -> str:
    """The tables as Markdown."""
    known, at_hand = peers(), [data for data in (make() for make in DATA) if data is not None]
    head, why = WORDS.read_text(encoding="utf-8").split("<!-- tables -->\n\n")
    lines = [head.format(draws=DRAWS, digits=DIGITS, errors=ERRORS, chance=CHANCE)]
    missing = sorted({"esda", "pygeoda", "spdep"} - {*known})
    lines += [f"Not verified in this run, because not installed: {', '.join(missing)}.\n"] if missing else []
    for data in at_hand:
        lines += [f"## {data.name}: {len(data.areas):,} areas, {data.graph.n_links:,} links", "", *_TABLE]
        for name, rows in known.items():
            lines += [_line(row) for row in rows(data)]
            print(f"{data.name}: {name} done", file=sys.stderr)
        lines.append("")
    rows = [
        f"{data.name.split(',')[0]}: {' and '.join(f'{x:,}' for x in links_by_tolerance(data))}"
        for data in at_hand
        if data.areas.crs is not None
    ]
    alone = f"{isolates()['esda']:.4f}" if "esda" in known else "not verified"
    return "\n".join([*lines, why.format(alone=alone, links="; ".join(rows))])


def _line(row: Comparison) -> str:
    agreed = f"{row.share:.1%} | {row.p_difference:.2g}" if row.p is not None else " | "
    said = row.said + (" (see below)" if row.tied else "")
    return f"| {row.statistic} | {row.peer} | {row.difference:.1e} | {row.relative:.1e} | {agreed} | {said} |"


_TABLE = (
    "| statistic | program | largest difference | relative | p agree | largest difference of p | how |",
    "|---|---|---|---|---|---|---|",
)

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
