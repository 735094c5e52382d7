"""A full disk, wherever it strikes: earlier files intact or new ones whole, and a clear sentence."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from safemap.errors import OutputError
from safemap.output.atomic import write_whole
from safemap.output.bundle import MANIFEST, verify_bundle, write_bundle

SIZE = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte; needs the right to mount."""
    point = tmp_path / "disk"
    point.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip(
            "a small disk can only be mounted by root on Linux; the limit on file sizes is tested instead"
        )
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(point)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here; the limit on file sizes is tested instead")
    yield point
    subprocess.run(["umount", str(point)], check=True)


def bundle(out, letter, size=60_000):
    with write_bundle(out) as stage:
        for number in range(4):
            stage.write(f"tables/t{number}.csv", letter * size)


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("room", [0, 4, 40, 100, 180, 230])
def test_a_bundle_that_does_not_fit_leaves_the_earlier_one(small_disk, room):
    out = small_disk / "out"
    bundle(out, "A")
    before = digests(out)
    fill(small_disk, room=room * 1024)
    with pytest.raises(OutputError, match="disk is full") as caught:
        bundle(out, "B")
    assert str(small_disk) not in str(caught.value)
    assert digests(out) == before
    assert verify_bundle(out).ok
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []

    (small_disk / "filler").unlink()
    bundle(out, "B")
    assert verify_bundle(out).ok
    assert digests(out) != before


def test_a_single_file_that_does_not_fit_leaves_the_earlier_one(small_disk):
    write_whole(small_disk / "map.html", "old" * 10_000)
    fill(small_disk, room=8192)
    with pytest.raises(OutputError, match=r"Cannot write map\.html\. The disk is full"):
        write_whole(small_disk / "map.html", "new" * 100_000)
    assert (small_disk / "map.html").read_text() == "old" * 10_000
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler", "map.html"]


def test_the_command_line_on_a_full_disk(small_disk, sample):
    out = small_disk / "out"
    bundle(out, "A", size=1000)
    before = digests(out)
    command = [sys.executable, "-m", "safemap", "run", str(sample / "assessment.toml"), "--out", str(out)]
    quick = ["--set", "local.permutations=99", "--set", "local.max_permutations=99"]
    done = subprocess.run([*command, *quick], capture_output=True, text=True, check=False)
    assert done.returncode == OutputError.exit_code
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert digests(out) == before


def test_a_limit_on_the_size_of_files_leaves_the_earlier_bundle(tmp_path):
    """The same promise where no disk can be mounted: the system refuses to let a file grow."""
    pytest.importorskip("resource")
    bundle(tmp_path / "out", "A")
    before = digests(tmp_path / "out")
    code = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_full_disk as t; from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "try:\n    t.bundle(Path(sys.argv[2]), 'B')\n"
        "except t.OutputError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "larger than is allowed" in done.stdout
    assert digests(tmp_path / "out") == before
    assert (tmp_path / "out" / MANIFEST).is_file()


def fill(disk: Path, *, room: int) -> None:
    """Fill `disk` until `room` bytes are left, in whole pages."""
    with open(disk / "filler", "wb") as filler:
        free = shutil.disk_usage(disk).free
        filler.write(b"\0" * max(0, free - room))
        filler.flush()
