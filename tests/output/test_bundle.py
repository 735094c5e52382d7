"""A bundle is finished or visibly not; what is not ours is left alone."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

from safemap.errors import OutputError
from safemap.output.atomic import TEMPORARY_PREFIX
from safemap.output.bundle import MANIFEST, verify_bundle, write_bundle
from safemap.output.lock import hold


def bundle(out, files, **facts):
    with write_bundle(out) as stage:
        stage.facts.update(facts)
        for name, text in files.items():
            stage.write(name, text)


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_manifest_lists_each_file_with_size_and_digest(tmp_path):
    bundle(tmp_path / "a" / "b", {"map.html": "<p>", "tables/rates.csv": "a,b"}, seed=3)
    manifest = json.loads((tmp_path / "a" / "b" / MANIFEST).read_text())
    assert manifest["format"] == "safemap-bundle"
    assert manifest["seed"] == 3
    assert manifest["files"]["map.html"]["bytes"] == 3
    # sha256 of "a,b", computed with the shell
    digest = (
        subprocess.run(["sha256sum"], input=b"a,b", capture_output=True, check=True)
        .stdout.split()[0]
        .decode()
    )
    assert manifest["files"]["tables/rates.csv"]["sha256"] == digest
    assert set(contents(tmp_path / "a" / "b")) == {"map.html", "tables/rates.csv", MANIFEST}


def test_verify_finds_a_missing_a_changed_and_an_unfinished_bundle(tmp_path):
    bundle(tmp_path, {"a.csv": "1", "b.csv": "2"})
    assert verify_bundle(tmp_path).ok
    (tmp_path / "a.csv").write_text("9")
    (tmp_path / "b.csv").unlink()
    found = verify_bundle(tmp_path)
    assert (found.ok, found.changed, found.missing) == (False, ("a.csv",), ("b.csv",))
    assert "a.csv" in found.summary()
    (tmp_path / MANIFEST).unlink()
    assert "did not finish" in verify_bundle(tmp_path).summary()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": "safemap-bundle", "files": {"../x": {"bytes": 1, "sha256": ""}}}']
)
def test_a_foreign_or_hostile_manifest_is_not_followed(tmp_path, text):
    (tmp_path.parent / "x").write_text("1")
    (tmp_path / MANIFEST).write_text(text)
    assert "cannot be read" in verify_bundle(tmp_path).summary()


def test_a_fault_while_making_leaves_the_folder_as_it_was(tmp_path):
    bundle(tmp_path, {"a.csv": "old"})
    before = contents(tmp_path)

    def fail():
        with write_bundle(tmp_path) as stage:
            stage.write("a.csv", "new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert contents(tmp_path) == before


def test_a_fault_leaves_no_folder_that_was_not_there(tmp_path):
    def fail():
        with write_bundle(tmp_path / "x" / "y") as stage:
            stage.write("a.csv", "new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_fault_while_moving_leaves_no_manifest(tmp_path, monkeypatch):
    bundle(tmp_path, {"a.csv": "old", "b.csv": "old"})
    real, calls = os.replace, []

    def fail_second(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error", str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", fail_second)
    with pytest.raises(OutputError, match=r"Cannot write b\.csv"):
        bundle(tmp_path, {"a.csv": "new", "b.csv": "new"})
    assert contents(tmp_path) == {"a.csv": b"new", "b.csv": b"old"}


def test_foreign_files_stay_and_outdated_own_files_go(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    bundle(tmp_path, {"a.csv": "1", "old.csv": "2", "edited.csv": "3"})
    (tmp_path / "edited.csv").write_text("changed by hand")
    bundle(tmp_path, {"a.csv": "4"})
    left = contents(tmp_path)
    assert set(left) == {"notes.txt", "a.csv", "edited.csv", MANIFEST}
    assert left["edited.csv"] == b"changed by hand"


def test_a_killed_runs_staging_folder_goes_and_a_living_runs_stays(tmp_path):
    dead = tmp_path / f"{TEMPORARY_PREFIX}stage-0123456789ab"
    dead.mkdir()
    (dead / "map.html").write_text("half")
    similar = tmp_path / f"{TEMPORARY_PREFIX}stage-mine"
    similar.mkdir()
    bundle(tmp_path, {"a.csv": "1"})
    assert not dead.exists()
    assert similar.exists()

    dead.mkdir()
    with hold(dead), pytest.raises(OutputError, match="Another run"):
        bundle(tmp_path, {"a.csv": "2"})
    assert (tmp_path / "a.csv").read_text() == "1"
    assert verify_bundle(tmp_path).ok


@pytest.mark.parametrize(
    "name", ["../a.csv", "/a.csv", "a/../../b", "", ".hidden", "a\\b", "ñ.csv", MANIFEST, "a\n.csv"]
)
def test_names_are_confined_to_the_folder(tmp_path, name):
    with pytest.raises(OutputError, match="not a name a bundle can hold"):
        bundle(tmp_path / "out", {name: "x"})
    assert list(tmp_path.iterdir()) == []


def test_names_that_differ_only_in_case_are_refused(tmp_path):
    with pytest.raises(OutputError, match="only in case"):
        bundle(tmp_path, {"a.csv": "1", "A.csv": "2"})


def test_a_link_in_the_way_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "tables").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a link"):
        bundle(out, {"tables/a.csv": "1"})
    assert contents(tmp_path / "elsewhere") == {}


def test_a_file_where_the_folder_should_be_is_said(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="a file, not a folder"):
        bundle(tmp_path / "out", {"a.csv": "1"})


def test_a_file_announced_but_not_written_is_an_error(tmp_path):
    def forget():
        with write_bundle(tmp_path) as stage:
            stage.path("areas.gpkg")

    with pytest.raises(OutputError, match="never written"):
        forget()


def test_a_lock_ends_with_its_process(tmp_path):
    held = tmp_path / f"{TEMPORARY_PREFIX}stage-0123456789ab"
    held.mkdir()
    code = (
        "import sys, time; from pathlib import Path; from safemap.output.lock import hold\n"
        "with hold(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(held)], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(OutputError, match="Another run"):
            bundle(tmp_path, {"a.csv": "1"})
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    bundle(tmp_path, {"a.csv": "1"})
    assert not held.exists()
