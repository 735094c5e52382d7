"""Run the main job on real input and say what it took: rows, hit rate, time, memory, size, areas flagged.

    python benchmarks/real/run.py DATA OUT

DATA is a folder with the data, which are not part of the project. Each assessment runs in its own process, as
a user would start it, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def measure(assessment: Path, data: Path, out: Path) -> dict[str, object]:
    """Run one assessment; its JSON document with ``seconds`` and ``peak_mb`` added."""
    command = [
        sys.executable,
        "-m",
        "safemap",
        "run",
        str(assessment),
        "--data",
        str(data),
        "--out",
        str(out),
        "--json",
    ]
    before = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode:
        sys.exit(f"{assessment.name} ended with exit code {child.returncode}")
    found = json.loads(output)
    scale = 1024 if sys.platform != "darwin" else 1024**2
    return found | {
        "seconds": round(time.perf_counter() - before, 1),
        "peak_mb": round(usage.ru_maxrss / scale),
        "html_mb": round((out / "map.html").stat().st_size / 1e6, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the data")
    parser.add_argument("out", type=Path, help="folder for the results")
    arguments = parser.parse_args()
    for assessment in sorted(HERE.glob("*.toml")):
        found = measure(assessment, arguments.data, arguments.out / assessment.stem)
        rows, flagged = found["rows"], found["flagged"]
        sys.stdout.write(
            f"{assessment.stem}\n"
            f"  rows in = placed + set aside   {rows['in']:,} = {rows['placed']:,} + {rows['set_aside']:,}\n"
            f"  hit rate                       {found['hit_rate']:.2%}\n"
            f"  wall time, peak memory         {found['seconds']} s, {found['peak_mb']} MB\n"
            f"  map.html                       {found['html_mb']} MB\n"
            f"  areas, withheld                {found['areas']}, {found['withheld']}\n"
            f"  areas flagged                  local Moran {flagged['local_moran']}, "
            f"Gi* {flagged['local_getis_ord']}"
            f" of {found['areas_tested']} tested\n"
        )


if __name__ == "__main__":
    main()
