"""A kill at any moment leaves earlier files or new ones, each whole, and no manifest that claims more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
REWRITER = Path(__file__).with_name("rewriter.py")


def torture(folder, kills, seed, *mode):
    command = [sys.executable, str(REWRITER), str(folder), str(kills), str(seed), *mode]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_few_kills_over_a_good_bundle(tmp_path):
    report = torture(tmp_path, 25, 1)
    assert report["faults"] == []
    assert report["old"] + report["between"] + report["new"] == 25
    assert report["between"] >= 5, "too few kills hit the moments that matter"


@pytest.mark.slow
def test_two_hundred_kills_over_the_bundle_of_the_sample_city(tmp_path):
    report = torture(tmp_path, 200, 2, "real")
    assert report["faults"] == []
    assert report["old"] + report["between"] + report["new"] == 200
    assert report["between"] >= 50, "too few kills hit the moments that matter"


def test_the_check_sees_a_writer_that_is_not_careful(tmp_path):
    """The torture finds what it is there to find: a manifest written first, and files written in place."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import rewriter, json\n"
        "from pathlib import Path\n"
        "from safemap.output import bundle\n"
        "def careless(stage, folder):\n"
        "    files = {n: bundle._describe(stage.folder / n) for n in stage.names}\n"
        "    manifest = {'format': bundle.FORMAT, 'format_version': 1, **stage.facts, 'files': files}\n"
        "    (folder / bundle.MANIFEST).write_text(json.dumps(manifest))\n"
        "    for name in files:\n"
        "        (folder / name).parent.mkdir(exist_ok=True)\n"
        "        bundle.os.replace(stage.folder / name, folder / name)\n"
        "bundle._publish = careless\n"
        "print(json.dumps(rewriter.main(Path(sys.argv[2]), 12, 3, real=False)))"
    )
    command = [sys.executable, "-c", code, str(REWRITER.parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["faults"]
