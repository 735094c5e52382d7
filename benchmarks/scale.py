"""Fifty million rows counted by area within a stated memory: in one process, and the same on a cluster.

Run: ``python benchmarks/scale.py [--rows 50000000] [--limit 512] [--out docs/performance-join.md]``

A register is drawn in pieces and written as Parquet to a temporary folder: more than fits into the limit as
points. Points lie inside, far away, or nowhere; some are swapped or zero. How many of each there are is known
from drawing it, and every total is compared with that. Each contender runs in a process of its own, in which
an allocation beyond the limit fails (``RLIMIT_DATA``), except the cluster, whose processes are not limited;
the peak of resident memory is reported for all.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from join import BOX, mosaic, own_peak, replace_between_marks, versions

import safemap as sm

PIECE = 1_000_000
KINDS = ("robbery", "assault", "burglary", "theft", "fraud")
AREAS = 193


def draw(folder: Path, rows: int) -> dict[str, int]:
    """Write the register; returns how many rows of each kind of fault it holds."""
    known: dict[str, int] = dict.fromkeys(("missing", "zero", "swapped", "far"), 0)
    for number, start in enumerate(range(0, rows, PIECE)):
        rng = np.random.default_rng(number)
        n = min(PIECE, rows - start)
        x, y = rng.uniform(BOX[:2], BOX[2:], (n, 2)).T
        what = rng.random(n)
        swapped, zero = what < 0.004, (what >= 0.004) & (what < 0.006)
        missing, far = (what >= 0.006) & (what < 0.01), (what >= 0.01) & (what < 0.012)
        x, y = np.where(swapped, y, x), np.where(swapped, x, y)
        x, y = np.where(zero, 0.0, np.where(far, 12.5, x)), np.where(zero, 0.0, np.where(far, 41.9, y))
        x = np.where(missing, np.nan, x)
        for name, mask in (("missing", missing), ("zero", zero), ("swapped", swapped), ("far", far)):
            known[name] += int(mask.sum())
        days = np.datetime64("2019-01-01") + rng.integers(0, 2191, n)
        table = pa.table(
            {
                "lon": x, "lat": y, "date": days.astype("datetime64[ms]"),
                "kind": pa.DictionaryArray.from_arrays(rng.integers(0, 5, n).astype(np.int8), list(KINDS)),
            }
        )  # fmt: skip
        pq.write_table(table, folder / f"part-{number:04d}.parquet")
    return known


def count(folder: Path, *, grouped: bool, client: Any = None) -> dict[str, Any]:
    """Count the register; what came out as plain values."""
    levels = {"district": mosaic(12)} if grouped else None
    options = {"category": "kind", "date": "date", "by_period": "month"} if grouped else {}
    wall, cpu = time.perf_counter(), time.process_time()
    counted = sm.count_areas(
        folder,
        mosaic(AREAS),
        lon="lon",
        lat="lat",
        levels=levels,
        batch_rows=500_000,
        client=client,
        **options,
    )
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    hashed = pd.util.hash_pandas_object(counted.frame, index=False).sum()
    return {
        "wall": seconds[0], "cpu": seconds[1], "rows": counted.audit.n_in, "placed": counted.audit.n_placed,
        "reasons": counted.audit.by_reason()["rows"].to_dict(), "counts": len(counted.frame),
        "totals": counted.totals().tolist(), "hash": int(hashed),
        "levels": {name: level.totals().tolist() for name, level in counted.levels.items()},
    }  # fmt: skip


def on_cluster(folder: Path, *, grouped: bool) -> dict[str, Any]:
    """The same on two processes of a local Dask cluster."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0
        ) as cluster,
        Client(cluster) as client,
    ):
        found = count(folder, grouped=grouped, client=client)
        peaks = client.run(own_peak)
        return {**found, "workers": max(peaks.values())}


def naive(folder: Path) -> dict[str, Any]:
    """What a plain script does: read everything, make points, geopandas.sjoin."""
    import geopandas as gpd

    wall, cpu = time.perf_counter(), time.process_time()
    frame = pd.read_parquet(folder, columns=["lon", "lat"])
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=4326)
    found = gpd.sjoin(points, mosaic(AREAS)[["geometry"]], predicate="intersects")
    counts = found.iloc[:, -1].value_counts()
    return {
        "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rows": len(frame),
        "placed": int(counts.sum()),
    }  # fmt: skip


def child(folder: Path, which: str, limit: int) -> None:
    """Run one contender within the limit and print what came out."""
    if limit and not which.startswith("cluster"):
        resource.setrlimit(resource.RLIMIT_DATA, (limit * 2**20, limit * 2**20))
    try:
        grouped = which.endswith("grouped")
        found = (
            naive(folder)
            if which == "naive"
            else on_cluster(folder, grouped=grouped)
            if which.startswith("cluster")
            else count(folder, grouped=grouped)
        )
    except (MemoryError, pa.ArrowMemoryError) as error:
        found = {"failed": type(error).__name__}
    print(json.dumps({**found, "peak": own_peak()}))


def run(folder: Path, which: str, limit: int) -> dict[str, Any]:
    """One contender in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--only", which, "--limit", str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        return {"failed": (done.stderr.strip().splitlines() or ["ended by the system"])[-1][:100]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def require_right(results: dict[str, dict[str, Any]], known: dict[str, int], rows: int) -> None:
    """Raise unless all contenders agree, and with what was drawn."""
    reference = results["count"]
    expected = {
        "missing_coordinates": known["missing"],
        "zero_coordinates": known["zero"],
        "swapped_coordinates": known["swapped"],
        "far_outside": known["far"],
    }
    assert reference["reasons"] == expected, (reference["reasons"], expected)
    assert reference["rows"] == rows == reference["placed"] + sum(expected.values())
    for name, found in results.items():
        if "failed" in found or name == "naive":
            continue
        assert found["totals"] == reference["totals"], name
        assert found["reasons"] == reference["reasons"], name
    grouped = [f for name, f in results.items() if name.endswith("grouped") and "failed" not in f]
    assert all(f["hash"] == grouped[0]["hash"] and f["levels"] == grouped[0]["levels"] for f in grouped)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--limit", type=int, default=512, help="MB of data a process may hold")
    parser.add_argument(
        "--naive-rows", type=int, default=2_000_000, help="rows for geopandas.sjoin, unlimited"
    )
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.only:
        child(options.folder, options.only, options.limit)
        return
    with tempfile.TemporaryDirectory(prefix="safemap-scale-") as place:
        folder, small = Path(place) / "register", Path(place) / "small"
        folder.mkdir()
        small.mkdir()
        known = draw(folder, options.rows)
        size = sum(f.stat().st_size for f in folder.iterdir()) / 2**20
        results = {
            which: run(folder, which, options.limit)
            for which in ("count", "count grouped", "cluster", "cluster grouped", "naive")
        }
        require_right(results, known, options.rows)
        draw(small, options.naive_rows)
        results["naive, part"] = run(small, "naive", 0)
    lines = report(options, results, size)
    print("\n".join(lines))
    if options.out:
        replace_between_marks(options.out, "scale", lines)


WORDS = {
    "count": "`count_areas`",
    "count grouped": "`count_areas`, by kind and month, two levels",
    "cluster": "on Dask, 2 processes",
    "cluster grouped": "on Dask, by kind and month, two levels",
    "naive": "`read_parquet` and `geopandas.sjoin`",
    "naive, part": "the same, without a limit, a part of the rows",
}


def report(options: argparse.Namespace, results: dict[str, dict[str, Any]], size: float) -> list[str]:
    """Lines of Markdown."""
    first = results["count"]
    lines = [
        versions(),
        "",
        f"{options.rows:,} rows in {size:,.0f} MB of Parquet, {AREAS} areas; no process but those of the "
        f"cluster may hold more than {options.limit} MB of data (RLIMIT_DATA). Totals by area, by kind, by "
        "month and of the second level are equal between one process and the cluster, and reasons equal what "
        "was drawn:",
        ", ".join(f"{code} {n:,}" for code, n in first["reasons"].items()) + f"; placed {first['placed']:,}.",
        "",
        "| | rows | CPU s | wall s | rows a second (wall) | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        if "failed" in found:
            lines.append(f"| {WORDS[name]} | {options.rows:,} | | | | ended: {found['failed']} |")
            continue
        cpu = "" if name.startswith("cluster") else f"{found['cpu']:.1f}"
        peak = f"{found['peak']:,.0f}"
        if "workers" in found:
            peak += f", each worker at most {found['workers']:,.0f}"
        speed = found["rows"] / found["wall"]
        lines.append(
            f"| {WORDS[name]} | {found['rows']:,} | {cpu} | {found['wall']:.1f} | {speed:,.0f} | {peak} |"
        )
    return lines


if __name__ == "__main__":
    main()
