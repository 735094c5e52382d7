"""Who touches whom: ours against libpysal and pygeoda, in one run, on the same polygons.

``python benchmarks/graphs.py [section ...]`` writes its tables to ``docs/performance.md``. The column
"equal?" says how many links the peer does not have, and how many it has alone. Ours looks for what lies
within a metre; the peers look for equal vertices or edges.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import geopandas as gpd
import numpy as np
import shapely
from measuring import HEADER, interleaved, once_only, peak_memory, rows, table, versions, write_section

import safemap as sm

ROUNDS = 3
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
VERSIONS = versions("safemap", "numpy", "scipy", "shapely", "geopandas", "libpysal", "pygeoda")


def quads(side: int, jitter: float = 0.2) -> gpd.GeoDataFrame:
    """Quadrilaterals of about 100 m that cover a square; with no jitter a grid."""
    rng = np.random.default_rng(0)
    corner = np.stack(np.meshgrid(np.arange(side + 1.0), np.arange(side + 1.0)), -1)
    corner = (corner + rng.uniform(-jitter, jitter, corner.shape)) * 100 + [400_000, 2_000_000]
    ring = [corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1], corner[:-1, :-1]]
    return gpd.GeoDataFrame(geometry=shapely.polygons(np.stack(ring, 2).reshape(-1, 5, 2)), crs=32614)


def irregular(n: int, vertices: int) -> gpd.GeoDataFrame:
    """Voronoi cells of which each border is a crooked line: a coverage like districts along rivers."""
    rng = np.random.default_rng(0)
    side = 500 * np.sqrt(n)
    seeds = shapely.multipoints(rng.uniform(0, side, (n, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(0, 0, side, side)))
    cells = shapely.intersection(cells, shapely.box(0, 0, side, side))
    per_edge = max(2, vertices // 6)

    def crooked(ring: np.ndarray) -> np.ndarray:
        pieces = []
        for a, b in itertools.pairwise(ring):
            first, last = sorted((tuple(np.round(a, 3)), tuple(np.round(b, 3))))
            own = np.random.default_rng(abs(hash((first, last))) % 2**32)  # the same from both sides
            share = np.linspace(0, 1, per_edge + 1)[1:-1, None]
            line = np.array(first) * (1 - share) + np.array(last) * share
            step = np.array(last) - np.array(first)
            length = np.hypot(*step)
            bend = 0.03 * length * np.sin(np.pi * share) * own.uniform(-1, 1, (len(share), 1))
            line = line + bend * np.array([-step[1], step[0]]) / max(length, 1e-9)
            line = np.vstack([first, line, last])
            pieces.append(line if tuple(np.round(a, 3)) == first else line[::-1])
        return np.vstack([piece[:-1] for piece in pieces] + [pieces[0][:1]])

    shapes = [shapely.Polygon(crooked(shapely.get_coordinates(cell))) for cell in cells]
    return gpd.GeoDataFrame(geometry=shapes, crs=32614)


def links_of(graph: Any) -> set[tuple[int, int]]:
    """Links as pairs of row numbers, from any of the contenders."""
    if isinstance(graph, sm.AreaGraph):
        coo = graph.adjacency.tocoo()
        return set(zip(coo.row.tolist(), coo.col.tolist(), strict=True))
    if hasattr(graph, "adjacency"):
        frame = graph.adjacency.reset_index()
        frame = frame[frame["focal"] != frame["neighbor"]]
        return set(zip(frame["focal"].tolist(), frame["neighbor"].tolist(), strict=True))
    if hasattr(graph, "neighbors"):
        return {(i, j) for i, near in graph.neighbors.items() for j in near}
    return {(i, j) for i in range(graph.num_obs) for j in graph.get_neighbors(i)}


def compared(results: dict[str, Any]) -> dict[str, str]:
    mine = links_of(results["safemap"])
    out = {}
    for name, graph in results.items():
        if name != "safemap":
            theirs = links_of(graph)
            lacks, alone = len(mine - theirs), len(theirs - mine)
            out[name] = (
                f"the same {len(mine):,} links"
                if lacks == alone == 0
                else f"lacks {lacks:,}, alone {alone:,}"
            )
    return out


def contenders_for(areas: gpd.GeoDataFrame, rule: str) -> dict[str, Callable[[], Any]]:
    import pygeoda
    from libpysal.graph import Graph
    from libpysal.weights import Queen, Rook

    opened = pygeoda.open(areas)
    theirs = pygeoda.queen_weights if rule == "queen" else pygeoda.rook_weights
    out: dict[str, Callable[[], Any]] = {
        "safemap": lambda: sm.build_graph(areas, rule),
        "libpysal Graph, by vertices": lambda: Graph.build_contiguity(areas, rook=rule == "rook"),
        "pygeoda, areas opened before": lambda: theirs(opened),
    }
    if shapely.get_num_coordinates(areas.geometry.to_numpy()).sum() < 500_000:
        out["libpysal Graph, strict"] = lambda: Graph.build_contiguity(
            areas, rook=rule == "rook", strict=True
        )
        weights = Queen if rule == "queen" else Rook
        out["libpysal W"] = lambda: weights.from_dataframe(areas, use_index=False, silence_warnings=True)
    return out


def areas(rounds: int) -> None:
    """Areas of every kind."""
    cases = {
        "100,489 quadrilaterals": quads(317),
        "5,000 areas of 289 vertices": irregular(5_000, 289),
        "100 areas of 10,000 vertices": irregular(100, 10_000),
    }
    colonias = DATA / "cdmx" / "colonias_iecm.gpkg"
    if colonias.exists():
        cases["1,814 colonias of Mexico City"] = gpd.read_file(colonias).to_crs(32614)
    lines: list[list[str]] = []
    for name, frame in cases.items():
        for rule in ("queen", "rook"):
            times, results = interleaved(contenders_for(frame, rule), rounds)
            lines += rows(f"{name}, {rule}", times, "safemap", compared(results))
            write_section("areas", f"{table(HEADER, lines)}\n\n{VERSIONS}")


def grids(rounds: int) -> None:
    """A million cells."""
    import warnings

    from libpysal.weights import lat2W

    frame = quads(1_000, 0.0)
    lines: list[list[str]] = []
    for rule in ("queen", "rook"):
        mine = {
            "safemap grid_graph": partial(sm.grid_graph, 1_000, 1_000, rule),
            "safemap build_graph, from polygons": partial(sm.build_graph, frame, rule),
        }
        times, results = interleaved(mine, rounds)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer, their_results = once_only(
                {"libpysal lat2W": partial(lat2W, 1_000, 1_000, rook=rule == "rook")}
            )
        one, other = (graph.adjacency for graph in results.values())
        same = np.array_equal(one.indices, other.indices) and np.array_equal(one.indptr, other.indptr)
        w = their_results["libpysal lat2W"]
        their_count = sum(w.cardinalities.values())
        picked = np.random.default_rng(0).integers(0, 10**6, 2_000)
        alike = their_count == one.nnz and all(
            sorted(w.neighbors[i]) == one.indices[one.indptr[i] : one.indptr[i + 1]].tolist() for i in picked
        )
        note = {
            "safemap build_graph, from polygons": f"the same as grid_graph: {'yes' if same else 'NO'}",
            "libpysal lat2W": f"as many links, and the same of 2,000 cells: {'yes' if alike else 'NO'}",
        }
        lines += rows(f"1,000,000 cells, {rule}", times | peer, "safemap grid_graph", note)
    write_section("grids", f"{table(HEADER, lines)}\n\n{VERSIONS}")


def memory(_: int) -> None:
    """Peak of separate processes above what the polygons take."""
    begin = "import graphs as b, safemap as sm\n"
    runs = {
        "100,489 quadrilaterals: safemap, queen": "a = b.quads(317); ready(); sm.build_graph(a)",
        "100,489 quadrilaterals: safemap, rook": "a = b.quads(317); ready(); sm.build_graph(a, 'rook')",
        "100,489 quadrilaterals: libpysal Graph, queen": "a = b.quads(317); "
        "from libpysal.graph import Graph; ready(); Graph.build_contiguity(a, rook=False)",
        "1,000,000 cells: safemap grid_graph": "ready(); sm.grid_graph(1000, 1000)",
        "1,000,000 cells: libpysal lat2W": "from libpysal.weights import lat2W; ready(); "
        "lat2W(1000, 1000, rook=False)",
    }
    lines = [[name, f"{peak_memory(begin + code):,.0f}"] for name, code in runs.items()]
    write_section("graph-memory", table(["process", "peak above its data, MB"], lines) + f"\n\n{VERSIONS}")


SECTIONS: dict[str, Callable[[int], None]] = {f.__name__: f for f in (areas, grids, memory)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    for name in options.sections or SECTIONS:
        SECTIONS[name](options.rounds)


if __name__ == "__main__":
    main()
