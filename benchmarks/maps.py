"""Size and time of an offline map of thousands of winding areas, beside ``GeoDataFrame.explore``.

    python benchmarks/maps.py                       # 5,000 areas, about 860,000 vertices
    python benchmarks/maps.py --areas 1000 --vertices 100000 --repeats 5
    python benchmarks/maps.py --browser             # also: how long the page takes, on SVG and on canvas

Both maps are made in one process, in turn, several times; the table gives the smallest and the median time on
the clock and of the processor. Say what else the machine was doing when you quote them: ratios last.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

import safemap as sm

SEED = 11


def country(areas: int, vertices: int) -> gpd.GeoDataFrame:
    """A valid coverage: cells of random points whose common borders wind, drawn once for both sides."""
    draw = np.random.default_rng(SEED)
    points = draw.random((areas, 2))
    frame = shapely.box(0, 0, 1, 1)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=frame))
    cells = shapely.set_precision(shapely.intersection(cells, frame), 1e-9)
    edges: dict[tuple[Any, Any], np.ndarray] = {}
    rings = [shapely.get_coordinates(shapely.get_exterior_ring(c)) for c in cells]
    count = sum(len(r) - 1 for r in rings)
    levels = max(1, round(np.log2(vertices / count)))
    for ring in rings:
        for a, b in pairwise(ring):
            start, end = tuple(np.round(a, 9)), tuple(np.round(b, 9))
            key = (min(start, end), max(start, end))
            if key not in edges:
                edges[key] = _winding(np.array(key), levels, draw)
    shapes = []
    for ring in rings:
        parts = []
        for a, b in pairwise(ring):
            start, end = tuple(np.round(a, 9)), tuple(np.round(b, 9))
            line = edges[(min(start, end), max(start, end))]
            parts.append((line if start < end else line[::-1])[:-1])
        flat = np.concatenate(parts)
        shapes.append(shapely.Polygon(flat * (12, 8) + (60, 37)))  # the extent of a country
    frame = gpd.GeoDataFrame(geometry=shapes, crs=4326)
    people = draw.integers(2_000, 40_000, len(frame))
    return frame.assign(
        name=[f"District {i + 1}" for i in range(len(frame))],
        population=people.astype(float),
        events=draw.poisson(people * draw.gamma(4, 0.0004, len(frame))),
    ).set_index(frame.index.astype(str).rename("area_id"))


def _winding(ends: np.ndarray, levels: int, draw: np.random.Generator) -> np.ndarray:
    """A line between two points by moving midpoints sideways, less at each step."""
    line = ends
    for _ in range(levels):
        step = np.diff(line, axis=0)
        sideways = step[:, ::-1] * (-1, 1) * draw.uniform(-0.05, 0.05, (len(step), 1))
        middle = (line[:-1] + line[1:]) / 2 + sideways
        line = np.insert(line, np.arange(1, len(line)), middle, axis=0)
    return line


def timed(make: Callable[[], Path]) -> tuple[float, float, int]:
    """Seconds on the clock and of the processor, and bytes of the file."""
    clock, processor = time.perf_counter(), time.process_time()
    path = make()
    return time.perf_counter() - clock, time.process_time() - processor, path.stat().st_size


def in_browser(path: Path, draw: str) -> dict[str, float]:
    """Milliseconds until the page stands, and of one zoom, one change of layer and one move."""
    where = Path(__file__).resolve().parents[1] / "tests" / "browser" / "chromium.py"
    spec = importlib.util.spec_from_file_location("chromium", where)
    assert spec is not None
    assert spec.loader is not None
    chromium = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(chromium)
    drawn = (
        "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(performance.now() - t))))"
    )
    do = {
        "zoom": "safemap.map.setZoom(safemap.map.getZoom() + 1, {animate: false})",
        "layer": "safemap.show(safemap.data.layers[1].id)",
        "pan": "safemap.map.panBy([200, 80], {animate: false})",
    }
    with chromium.Chromium() as browser:
        start = time.perf_counter()
        page = browser.open(path, fragment=f"draw={draw}")
        found = {"open": (time.perf_counter() - start) * 1000}
        for name, code in do.items():
            found[name] = page.evaluate(f"(() => {{const t = performance.now(); {code}; return {drawn}}})()")
        page.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--areas", type=int, default=5_000)
    parser.add_argument("--vertices", type=int, default=860_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder to keep the files in")
    options = parser.parse_args()
    areas = country(options.areas, options.vertices)
    vertices = int(shapely.get_num_coordinates(areas.geometry.array).sum())
    print(
        f"{len(areas):,} areas, {vertices:,} vertices, valid coverage: {areas.geometry.is_valid_coverage()}"
    )
    rates = sm.area_rates(areas)
    with tempfile.TemporaryDirectory() as folder:
        out = options.keep or Path(folder)
        ours, theirs = out / "safemap.html", out / "explore.html"
        plain = rates.frame[["name", "estimate", "geometry"]]

        def safemap_map() -> Path:
            return sm.save_map(sm.explore(rates, sm.smooth_rates(rates)), ours)

        def geopandas_map() -> Path:
            plain.explore("estimate", scheme="quantiles", k=5, tiles=None).save(theirs)
            return theirs

        makers = {"safemap, two layers": safemap_map, "GeoDataFrame.explore": geopandas_map}
        runs = [{name: timed(make) for name, make in makers.items()} for _ in range(options.repeats)]
        print(f"{'':24}{'smallest':>10}{'median':>10}{'processor':>11}{'MB':>8}")
        for name in makers:
            clock, processor, size = zip(*(run[name] for run in runs), strict=True)
            print(
                f"{name:24}{min(clock):9.1f}s{statistics.median(clock):9.1f}s"
                f"{statistics.median(processor):10.1f}s{size[0] / 1e6:8.2f}"
            )
        one, two = makers
        ratio = [statistics.median(run[one][i] / run[two][i] for run in runs) for i in range(3)]
        print(f"ratio: clock {ratio[0]:.2f}, processor {ratio[1]:.2f}, size {ratio[2]:.3f}")
        if options.browser:
            for draw in ("svg", "canvas"):
                print(draw, {k: f"{v:.0f} ms" for k, v in in_browser(ours, draw).items()})
    sys.stdout.flush()


if __name__ == "__main__":
    main()
