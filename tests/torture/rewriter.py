"""Rewrite a good bundle again and again, killing the writer; report what each kill left behind.

    python rewriter.py FOLDER KILLS SEED [real]

Two complete bundles A and B are made first, of the sample city with ``real``, else of small made-up files.
Then a child rewrites the folder, now with A, now with B, and is killed at a random moment. Four kills in five
are aimed at the moments in which files take their places: the child says when they begin, and slows down
a bit before each step. Prints one JSON document with the count of each outcome and the faults.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from safemap.output.bundle import MANIFEST, STAGING, verify_bundle, write_bundle

LETTERS = ("A", "B")


def main(folder: Path, kills: int, seed: int, *, real: bool) -> dict[str, object]:
    draw = random.Random(seed)
    make = real_bundles() if real else small_bundles()
    good, seconds = {}, {}
    for letter in LETTERS:
        start = time.perf_counter()
        make[letter](folder / letter)
        seconds[letter] = time.perf_counter() - start
        good[letter] = digests(folder / letter)
    assert good["A"].keys() == good["B"].keys()
    assert good["A"] != good["B"]
    outcomes = {"old": 0, "between": 0, "new": 0}
    faults: list[str] = []
    out = folder / "out"
    shutil.copytree(folder / "A", out)
    at = "A"
    for number in range(kills):
        other = "B" if at == "A" else "A"
        if number % 5 == 0:
            child = start_child(make[other], out)
            time.sleep(draw.uniform(0, seconds[other] * 1.1))
        else:
            begun, says = os.pipe()
            child = start_child(slow_copy(folder / other, says), out)
            os.close(says)
            os.read(begun, 1)
            os.close(begun)
            time.sleep(draw.uniform(0, 0.012 * (len(good["A"]) + 3)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        at = look(out, good, at, outcomes, faults, number)
        if not at:
            make["A"](out)  # the next run cleans up after the killed one
            at = "A"
            if digests(out) != good["A"] or not verify_bundle(out).ok:
                faults.append(f"kill {number}: the next run did not repair the folder")
    leftovers = [path.name for path in out.iterdir() if STAGING.fullmatch(path.name)]
    make["A"](out)
    if [path for path in out.iterdir() if STAGING.fullmatch(path.name)]:
        faults.append(f"staging folders stay: {leftovers}")
    return {"kills": kills, **outcomes, "faults": faults}


def look(out: Path, good: dict, at: str, outcomes: dict, faults: list[str], number: int) -> str:
    """Check what a kill left; the letter of the bundle that stands there complete, or nothing."""
    there = digests(out)
    for name, digest in there.items():
        if digest not in (good["A"].get(name), good["B"].get(name)):
            faults.append(f"kill {number}: {name} is neither the old nor the new file")
    missing = (good["A"].keys() - there.keys()) - {MANIFEST}
    if missing:
        faults.append(f"kill {number}: {sorted(missing)} are gone")
    if MANIFEST not in there:
        outcomes["between"] += 1
        return ""
    if not verify_bundle(out).ok:
        faults.append(f"kill {number}: the manifest claims more than is there")
        return ""
    letter = "A" if there[MANIFEST] == good["A"][MANIFEST] else "B"
    if there != good[letter]:
        faults.append(f"kill {number}: files of one bundle stand beside the manifest of the other")
    outcomes["old" if letter == at else "new"] += 1
    return letter


def digests(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of all files outside staging folders."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not STAGING.fullmatch(path.relative_to(folder).parts[0])
    }


def start_child(write, out: Path) -> int:
    """Write a bundle in a child process; its process id."""
    child = os.fork()
    if child:
        return child
    try:
        write(out)
    finally:
        os._exit(0)


def slow_copy(source: Path, says: int):
    """Write the files of a finished bundle again, with a pause before each step of the publication."""
    files = {name: (source / name).read_bytes() for name in digests(source) if name != MANIFEST}
    facts = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    facts = {key: value for key, value in facts.items() if key not in ("files", "format", "format_version")}

    def write(out: Path) -> None:
        for name in ("replace", "unlink"):
            setattr(os, name, paused(getattr(os, name), says))
        with write_bundle(out) as stage:
            for name, data in files.items():
                stage.write(name, data)
            stage.facts |= facts

    return write


def paused(step, says: int):
    """`step`, slowed down; it tells the parent that it has begun."""

    def slow(*arguments, **options):
        if options.get("dir_fd") is not None:  # the leftovers of an earlier kill are being cleared
            return step(*arguments, **options)
        os.write(says, b".")
        time.sleep(0.003)
        result = step(*arguments, **options)
        time.sleep(0.002)
        return result

    return slow


def small_bundles():
    def maker(letter: str):
        def make(out: Path) -> None:
            with write_bundle(out) as stage:
                stage.facts["letter"] = letter
                for number in range(8):
                    stage.write(f"tables/t{number}.csv", f"{letter}{number}," * 20_000)
                stage.write("map.html", letter * 300_000)

        return make

    return {letter: maker(letter) for letter in LETTERS}


def real_bundles():
    """The sample city with two different rules of suppression, computed once and written many times."""
    import safemap as sm
    from safemap.job import _compute
    from safemap.report.files import stage_files

    def maker(k: int):
        config = sm.load_assessment(
            sm.datasets.path("iztapalapa") / "assessment.toml",
            {"disclosure.k": k, "local.permutations": 999, "local.max_permutations": 999},
        )
        findings = _compute(config, lambda line: None)

        def make(out: Path) -> None:
            with write_bundle(out) as stage:
                stage_files(findings, stage)

        return make

    return {"A": maker(5), "B": maker(8)}


if __name__ == "__main__":
    report = main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), real="real" in sys.argv[4:])
    sys.stdout.write(json.dumps(report))
