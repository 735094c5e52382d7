"""Join and count: safemap against geopandas.sjoin, in one process, interleaved, with the results compared.

Run: ``python benchmarks/join.py [--data FOLDER] [--points N] [--repeat 5]``. FOLDER holds ``cdmx/`` with the
register of the Mexico City prosecution office; without it, points and Voronoi cells are drawn. Peak memory is
taken in a process of its own for each contender.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import safemap as sm
from safemap.geo.points import SortedPoints, id_ranks, place_points


class Case(NamedTuple):
    """Points and the areas they are joined to."""

    name: str
    x: np.ndarray
    y: np.ndarray
    areas: gpd.GeoDataFrame


def load(data: Path | None, points: int) -> Case:
    """The register of Mexico City where it is at hand, else a synthetic city."""
    register = None if data is None else data / "cdmx" / "fgj_cdmx_2019_2024.parquet"
    if register is not None and register.exists():
        frame = pd.read_parquet(register, columns=["longitud", "latitud"])
        areas = sm.read_areas(data / "cdmx" / "colonias_iecm.gpkg", id="CVEUT")
        return Case("Mexico City", frame["longitud"].to_numpy(), frame["latitud"].to_numpy(), areas)
    rng = np.random.default_rng(0)
    seeds = shapely.multipoints(rng.uniform(0, 1, (1800, 2)) * 0.5 + [-99.4, 19.1])
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds))
    areas = gpd.GeoDataFrame(geometry=cells, index=[f"{i:04d}" for i in range(len(cells))], crs=4326)
    x, y = (rng.uniform(0, 1, (points, 2)) * 0.5 + [-99.4, 19.1]).T
    return Case("synthetic", x, y, areas)


def kernel(case: Case) -> np.ndarray:
    """Position of the area of each point, sorting included (the room behind join_areas)."""
    points = SortedPoints(case.x, case.y)
    return place_points(points, len(case.x), case.areas.geometry.to_numpy(), id_ranks(case.areas.index)).area


def verb(case: Case) -> np.ndarray:
    """The public path: a frame becomes incidents, which are joined, audited and reconciled."""
    frame = pd.DataFrame({"lon": case.x, "lat": case.y})
    joined = sm.join_areas(sm.read_incidents(frame, lon="lon", lat="lat"), case.areas)
    known = pd.Series(range(len(case.areas)), index=case.areas.index)
    return joined.frame["area_id"].map(known).fillna(-1).to_numpy(dtype=np.int64)


def peer(case: Case) -> np.ndarray:
    """geopandas.sjoin, with the rows it doubles brought back to one by our rule."""
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(case.x, case.y), crs=4326)
    areas = gpd.GeoDataFrame(
        {"rank": id_ranks(case.areas.index)}, geometry=case.areas.geometry.to_numpy(), crs=4326
    )
    found = gpd.sjoin(points, areas, how="left", predicate="intersects")
    first = found.sort_values("rank", kind="stable")
    first = first[~first.index.duplicated()].sort_index()
    return first["index_right"].fillna(-1).to_numpy(dtype=np.int64)


CONTENDERS: dict[str, Callable[[Case], np.ndarray]] = {"kernel": kernel, "join_areas": verb, "sjoin": peer}


def measure(case: Case, repeat: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of each contender, interleaved; every result must equal the peer's."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(repeat):
        results = {}
        for name, run in CONTENDERS.items():
            wall, cpu = time.perf_counter(), time.process_time()
            results[name] = run(case)
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
        for name, result in results.items():
            if not np.array_equal(result, results["sjoin"]):
                differ = int((result != results["sjoin"]).sum())
                raise SystemExit(f"{name} and sjoin differ for {differ:,} points")
    return times


def peak_memory(name: str, arguments: list[str]) -> float:
    """Peak resident memory in MB of a process that runs one contender once."""
    command = [sys.executable, __file__, *arguments, "--only", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def own_peak() -> float:
    """Peak resident memory of this process in MB; on Linux not that of the process it was started from."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", choices=[*CONTENDERS, "nothing"])
    options = parser.parse_args()
    case = load(options.data, options.points)
    if options.only:
        CONTENDERS.get(options.only, lambda _: None)(case)
        print(own_peak())
        return
    times = measure(case, options.repeat)
    report(case, times, ["--data", str(options.data), "--points", str(options.points)])


def report(case: Case, times: dict[str, list[tuple[float, float]]], arguments: list[str]) -> None:
    """A line per contender: CPU and wall seconds (median, range), ratio to the peer, peak memory."""
    vertices = int(shapely.get_num_coordinates(case.areas.geometry.to_numpy()).sum())
    versions = {m.__name__: m.__version__ for m in (gpd, shapely, pd, np)}
    print(
        f"{case.name}: {len(case.x):,} points, {len(case.areas):,} areas, {vertices:,} vertices; {versions}"
    )
    base: Any = statistics.median(cpu for _, cpu in times["sjoin"])
    idle = peak_memory("nothing", arguments)
    for name, runs in times.items():
        walls, cpus = zip(*runs, strict=True)
        cpu = statistics.median(cpus)
        wall = statistics.median(walls)
        print(
            f"  {name:>10}: CPU {cpu:.2f} s ({min(cpus):.2f} to {max(cpus):.2f}), wall {wall:.2f} s, "
            f"{base / cpu:.1f} times sjoin, peak {peak_memory(name, arguments):,.0f} MB "
            f"(with the data loaded only {idle:,.0f})"
        )
    print("  all results equal")


if __name__ == "__main__":
    main()
