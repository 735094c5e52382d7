"""What the benchmarks of this folder share: times, memory, versions, and the page they are written to."""

from __future__ import annotations

import datetime
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


class Times(NamedTuple):
    """CPU and wall seconds of the repetitions of one contender, and of its first call before them."""

    cpu: list[float]
    wall: list[float]
    first: float

    @property
    def median(self) -> float:
        return statistics.median(self.cpu)


def interleaved(contenders: Mapping[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, Times], dict]:
    """Run all contenders in turn; the first call of each is kept apart. Gives the last results too."""
    times = {name: Times([], [], 0.0) for name in contenders}
    results = {}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            results[name] = run()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number == 0:
                times[name] = times[name]._replace(first=cpu)
            else:
                times[name].cpu.append(cpu)
                times[name].wall.append(wall)
    return times, results


def once_only(contenders: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, Times], dict]:
    """For contenders that take minutes: one call each, first call included."""
    times, results = {}, {}
    for name, run in contenders.items():
        wall, cpu = time.perf_counter(), time.process_time()
        results[name] = run()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        times[name] = Times([cpu], [wall], cpu)
    return times, results


def rows(case: str, times: Mapping[str, Times], ours: str, note: Mapping[str, str]) -> list[list[str]]:
    """Table rows of one case: who, CPU (median, range), wall, first call, ratio to ours, and a note."""
    base = times[ours].median
    out = []
    for name, t in times.items():
        ratio = "1" if name == ours else f"{t.median / base:.3g}"
        out.append(
            [
                case,
                name,
                f"{seconds(t.median)} ({seconds(min(t.cpu))} to {seconds(max(t.cpu))})",
                seconds(statistics.median(t.wall)),
                seconds(t.first),
                ratio,
                note.get(name, ""),
            ]
        )
        case = ""
    return out


HEADER = ["case", "who", "CPU s, median (range)", "wall s", "first call, CPU s", "times ours", "equal?"]


def seconds(number: float) -> str:
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    rule = ["---"] * len(header)
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *lines))


def peak_memory(code: str, *, folder: str = str(Path(__file__).parent)) -> float:
    """Megabytes that a new process holds at its peak above what it held when `code` called ``ready()``."""
    script = (
        f"import sys; sys.path.insert(0, {folder!r})\n"
        "def _read(key):\n"
        "    lines = open('/proc/self/status').read().splitlines()\n"
        "    return int(next(l for l in lines if l.startswith(key)).split()[1]) / 1024\n"
        "def ready():\n"
        "    global _base\n"
        "    open('/proc/self/clear_refs', 'w').write('5')\n"
        "    _base = _read('VmRSS')\n"
        f"{code}\n"
        "print('PEAK', _read('VmHWM') - _base)\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout.rsplit("PEAK", 1)[1])


def new_process(code: str, rounds: int = 3) -> tuple[float, float]:
    """Median CPU and wall seconds of a new process that runs `code`."""
    cpu, wall = [], []
    for _ in range(rounds):
        before, start = os.times(), time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        wall.append(time.perf_counter() - start)
        cpu.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    return statistics.median(cpu), statistics.median(wall)


def versions(*names: str) -> str:
    """Names and versions of installed packages, those that are missing left out."""
    found = [f"Python {platform.python_version()}"]
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def machine() -> str:
    """Kind of machine and how busy it is, in words."""
    kind = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        text = cpuinfo.read_text()
        model = re.search(r"model name\s*: (.+)", text)
        wide = ", AVX-512" if "avx512f" in text else ""
        kind = f"{model.group(1) if model else kind}{wide}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores ({kind}){load}"


def write_section(name: str, text: str) -> None:
    """Put `text` where the page has the section `name`, with the day and the machine."""
    stamp = f"*Measured {datetime.date.today().isoformat()} on {machine()}.*"
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(begin, 1)
    after = rest.split(end, 1)[1]
    PAGE.write_text(f"{before}{begin}\n{text}\n\n{stamp}\n{end}{after}", encoding="utf-8")
    sys.stdout.write(f"{text}\n{stamp}\n\n")
    sys.stdout.flush()
