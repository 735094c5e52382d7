"""Join and count: safemap against what others do, in one process, interleaved, every result compared.

Run: ``python benchmarks/join.py [--data FOLDER] [--repeat 5] [--case NAME ...] [--out FILE.md]``

Contenders:

- ``safemap``: the room behind ``join_areas``, building its grid included; it also tells inside from boundary
  and overlap, which no other does;
- ``contains_xy``: shapely on prepared areas, points sorted by x and cut to the box of each area, the best
  that is easily written by hand;
- ``exact``: safemap without its grid (what decides on borders);
- ``sjoin``: geopandas. (DuckDB has no spatial join without an extension that is not on the package index.)

Points on borders belong to the lowest id for safemap and to nobody for ``contains_xy``, so there only
``exact`` and ``sjoin`` are compared. Peak memory is taken in a process of its own for each contender.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import safemap as sm
from safemap.geo.locating import AreaLocator
from safemap.geo.points import INSIDE, OVERLAP, SortedPoints, id_ranks, place_points

HERE = Path(__file__).resolve()
BOX = (-99.4, 19.1, -98.9, 19.6)


class Case(NamedTuple):
    """Points and the areas they are joined to."""

    name: str
    x: np.ndarray
    y: np.ndarray
    areas: gpd.GeoDataFrame
    slow: bool = True  #: whether the slow contenders run too


def mosaic(n: int, *, ragged: int = 1) -> gpd.GeoDataFrame:
    """About `n` areas that share every border; each side is a line of `ragged` segments."""
    rng = np.random.default_rng(n)
    seeds = shapely.multipoints(rng.uniform(BOX[:2], BOX[2:], (n, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(*BOX)))
    cells = shapely.intersection(cells, shapely.box(*BOX))
    if ragged > 1:
        course = np.arange(ragged) / ragged
        stray = (rng.normal(0, 0.03, ragged) * np.sin(np.pi * course))[:, None]  # corners stay where they are
        cells = np.array([_bent(cell, stray) for cell in cells])
        cells = cells[shapely.is_valid(cells)]
    return gpd.GeoDataFrame(geometry=cells, index=[f"{i:05d}" for i in range(len(cells))], crs=4326)


def _bent(cell: Any, stray: np.ndarray) -> Any:
    """A cell whose sides stray from their course, in the same way as those of its neighbours."""
    corners = shapely.get_coordinates(cell)
    sides = []
    for start, end in pairwise(corners):
        back = tuple(end) < tuple(start)
        first, last = (end, start) if back else (start, end)
        across = np.array([first[1] - last[1], last[0] - first[0]])
        side = first + np.arange(len(stray))[:, None] / len(stray) * (last - first) + stray * across
        sides.append(np.vstack([start, side[:0:-1]]) if back else side)
    return shapely.polygons(np.vstack([*sides, sides[0][:1]]))


def anywhere(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(BOX[:2], BOX[2:], (n, 2)).T
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


def cases(data: Path | None) -> dict[str, Callable[[], Case]]:
    """Every case by name; those that hurt safemap are among them."""
    made: dict[str, Callable[[], Case]] = {
        "10M x 193": lambda: Case("10M x 193", *anywhere(10_000_000), mosaic(193), slow=False),
        "1M x 4733": lambda: Case("1M x 4733", *anywhere(1_000_000), mosaic(4733)),
        "1M x 4733 ragged": lambda: Case(
            "1M x 4733 ragged", *anywhere(1_000_000), mosaic(4733, ragged=60), slow=False
        ),
        "100k x 20k": lambda: Case("100k x 20k", *anywhere(100_000), mosaic(20_000)),
        "1M x 16 of 10k vertices": lambda: Case(
            "1M x 16 of 10k vertices", *anywhere(1_000_000), mosaic(16, ragged=2500), slow=False
        ),
        "1M in one place x 193": lambda: Case(
            "1M in one place x 193",
            *(v * 1e-3 + c for v, c in zip(anywhere(1_000_000), (-99.2, 19.3), strict=True)),
            mosaic(193),
            slow=False,
        ),
        "1M on vertices x 4733": _on_vertices,
        "20k x 193": lambda: Case("20k x 193", *anywhere(20_000), mosaic(193)),
    }
    register = None if data is None else data / "cdmx" / "fgj_cdmx_2019_2024.parquet"
    if register is not None and register.exists():
        made["Mexico City"] = lambda: _mexico(register)
    return made


def _on_vertices() -> Case:
    """Every point on a vertex of the boundaries: the worst for a lookup."""
    areas = mosaic(4733)
    corners = shapely.get_coordinates(areas.geometry.to_numpy())
    x, y = corners[np.random.default_rng(0).integers(0, len(corners), 1_000_000)].T
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    return Case("1M on vertices x 4733", x, y, areas, slow=False)


def _mexico(register: Path) -> Case:
    frame = pd.read_parquet(register, columns=["longitud", "latitud"]).dropna()
    areas = sm.read_areas(register.parent / "colonias_iecm.gpkg", id="CVEUT")
    return Case("Mexico City", frame["longitud"].to_numpy(), frame["latitud"].to_numpy(), areas)


def _fresh(case: Case) -> np.ndarray:
    """The shapes without anything that an earlier contender prepared."""
    return shapely.from_wkb(shapely.to_wkb(case.areas.geometry.to_numpy()))


def safemap(case: Case) -> tuple[np.ndarray, np.ndarray | None]:
    """Position of the area of each point and its match, grid included."""
    window = (case.x.min(), case.y.min(), case.x.max(), case.y.max())
    shapes = case.areas.geometry.to_numpy()
    locator = AreaLocator(shapes, id_ranks(case.areas.index), expected=len(case.x), window=window)
    located = locator.locate(case.x, case.y)
    np.bincount(located.area[located.area >= 0], minlength=len(shapes))
    return located.area, located.match


def exact(case: Case) -> tuple[np.ndarray, np.ndarray | None]:
    """The same by exact predicates alone."""
    ranks = id_ranks(case.areas.index)
    placed = place_points(SortedPoints(case.x, case.y), len(case.x), case.areas.geometry.to_numpy(), ranks)
    return placed.area, placed.match()


def contains_xy(case: Case) -> tuple[np.ndarray, np.ndarray | None]:
    """Points sorted by x, cut to each area's box, tested by shapely on prepared areas."""
    shapes = case.areas.geometry.to_numpy()
    order = np.argsort(case.x)
    xs, ys = case.x[order], case.y[order]
    area = np.full(len(xs), -1, dtype=np.int32)
    shapely.prepare(shapes)
    boxes = shapely.bounds(shapes)
    for i in np.argsort(id_ranks(case.areas.index))[::-1]:
        low, high = np.searchsorted(xs, boxes[i, 0]), np.searchsorted(xs, boxes[i, 2], side="right")
        at = np.flatnonzero((ys[low:high] >= boxes[i, 1]) & (ys[low:high] <= boxes[i, 3])) + low
        area[order[at[shapely.contains_xy(shapes[i], xs[at], ys[at])]]] = i
    np.bincount(area[area >= 0], minlength=len(shapes))
    return area, None


def sjoin(case: Case) -> tuple[np.ndarray, np.ndarray | None]:
    """geopandas.sjoin, with the rows it doubles brought back to one by our rule."""
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(case.x, case.y), crs=4326)
    areas = gpd.GeoDataFrame(
        {"rank": id_ranks(case.areas.index)}, geometry=case.areas.geometry.to_numpy(), crs=4326
    )
    found = gpd.sjoin(points, areas, how="left", predicate="intersects")
    first = found.sort_values("rank", kind="stable")
    first = first[~first.index.duplicated()].sort_index()
    return first["index_right"].fillna(-1).to_numpy(dtype=np.int32), None


def contenders(case: Case) -> dict[str, Callable[[Case], tuple[np.ndarray, np.ndarray | None]]]:
    """Those that run in a case."""
    known = {"safemap": safemap, "contains_xy": contains_xy, "exact": exact}
    if case.slow:
        known["sjoin"] = sjoin
    return known


def require_equal(case: Case, results: dict[str, tuple[np.ndarray, np.ndarray | None]]) -> int:
    """Raise unless all results are equal; returns the number of points on borders."""
    area, match = results["safemap"]
    assert match is not None
    inner = np.isin(match, (INSIDE, OVERLAP))
    for name, (other, other_match) in results.items():
        rows = inner if name == "contains_xy" else np.ones(len(area), dtype=bool)
        if name == "contains_xy":  # of overlaps it sees only the areas that hold a point strictly inside
            rows = rows & (match == INSIDE)
        differ = int((area != other)[rows].sum())
        if other_match is not None:
            differ += int((match != other_match).sum())
        if differ:
            raise SystemExit(f"{case.name}: safemap and {name} differ for {differ:,} points")
    return int((~inner & (area >= 0)).sum())


def measure(case: Case, repeat: int) -> tuple[dict[str, list[tuple[float, float]]], int]:
    """Wall and CPU seconds of each contender, interleaved, all results compared; and points on borders."""
    known = contenders(case)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in known}
    borders = 0
    for turn in range(repeat):
        results = {}
        for name, run in known.items():
            if turn >= 2 and name == "sjoin":
                continue  # far slower: two runs say enough
            fresh = case._replace(areas=case.areas.set_geometry(_fresh(case), crs=4326))
            wall, cpu = time.perf_counter(), time.process_time()
            results[name] = run(fresh)
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
        borders = require_equal(case, results)
    return times, borders


def peak_memory(case: str, name: str, data: Path) -> float:
    """Peak resident memory in MB of a process that runs one contender once."""
    command = [sys.executable, str(HERE), "--case", case, "--only", name, "--data", str(data)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def own_peak() -> float:
    """Peak resident memory of this process in MB; on Linux not that of the process it was started from."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(case: Case, data: Path, repeat: int) -> list[str]:
    """Lines of Markdown: a contender each, seconds as median and range, ratio, memory above the data."""
    times, borders = measure(case, repeat)
    idle = peak_memory(case.name, "nothing", data)
    vertices = int(shapely.get_num_coordinates(case.areas.geometry.to_numpy()).sum())
    base = statistics.median(cpu for _, cpu in times["contains_xy"])
    lines = [
        f"**{case.name}**: {len(case.x):,} points, {len(case.areas):,} areas, {vertices:,} vertices, "
        f"{borders:,} points on borders. All results equal.",
        "",
        "| | CPU s, median (range) | wall s | times contains_xy | MB above the data |",
        "|---|---|---|---|---|",
    ]
    for name, runs in times.items():
        walls, cpus = zip(*runs, strict=True)
        cpu = statistics.median(cpus)
        memory = peak_memory(case.name, name, data) - idle
        lines.append(
            f"| {name} | {cpu:.3f} ({min(cpus):.3f} to {max(cpus):.3f}) | {statistics.median(walls):.3f} | "
            f"{base / cpu:.1f} | {memory:,.0f} |"
        )
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--case", action="append")
    parser.add_argument("--only", help="run one contender once and print its peak memory")
    parser.add_argument("--out", type=Path, help="write the tables to this file, between its marks")
    options = parser.parse_args()
    known = cases(options.data)
    chosen = options.case or list(known)
    if options.only:
        case = known[chosen[0]]()
        contenders(case).get(options.only, lambda _: None)(case)
        print(own_peak())
        return
    for name in chosen:
        lines = table(known[name](), options.data, options.repeat)
        print("\n".join(lines), flush=True)
        if options.out:
            keep(options.out, name, lines, list(known))


def keep(page: Path, name: str, lines: list[str], order: list[str]) -> None:
    """Put the table of a case in its place among those of the other cases."""
    old = page.read_text("utf-8").split("<!-- join -->")[1].split("<!-- /join -->")[0]
    blocks = {block.split("**")[0]: "**" + block for block in old.split("\n**")[1:]}
    blocks[name] = "\n".join(lines)
    tables = [blocks[case].strip() + "\n" for case in order if case in blocks]
    replace_between_marks(page, "join", [versions(), "", *tables])


def versions() -> str:
    return "Versions: " + ", ".join(f"{m.__name__} {m.__version__}" for m in (sm, gpd, shapely, pd, np)) + "."


def replace_between_marks(page: Path, mark: str, lines: list[str]) -> None:
    """Put `lines` between the two comments named `mark` of a Markdown page."""
    text = page.read_text("utf-8")
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    head, rest = text.split(begin, 1)
    page.write_text(
        f"{head}{begin}\n" + "\n".join(lines).strip() + f"\n{end}{rest.split(end, 1)[1]}", "utf-8"
    )


if __name__ == "__main__":
    main()
