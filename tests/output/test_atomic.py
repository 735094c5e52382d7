"""A file is whole or as it was."""

from __future__ import annotations

import errno
import os

import pytest

from safemap.errors import OutputError
from safemap.output.atomic import TEMPORARY_PREFIX, whole_file, write_whole


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_text_is_written_as_utf8_with_line_ends_kept(tmp_path):
    write_whole(tmp_path / "a.txt", "año\r\nʻO\n")
    assert (tmp_path / "a.txt").read_bytes() == "año\r\nʻO\n".encode()
    assert names(tmp_path) == ["a.txt"]


def test_bytes_replace_the_earlier_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    write_whole(tmp_path / "a.bin", b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"


@pytest.mark.parametrize("fault", [ValueError("writer failed"), KeyboardInterrupt()])
def test_a_failing_writer_leaves_the_earlier_file(tmp_path, fault):
    (tmp_path / "a.csv").write_text("old")

    def write():
        with whole_file(tmp_path / "a.csv") as temporary:
            temporary.write_text("half")
            raise fault

    with pytest.raises(type(fault)):
        write()
    assert (tmp_path / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_the_temporary_file_is_in_the_same_folder_with_the_same_suffix(tmp_path):
    with whole_file(tmp_path / "areas.gpkg") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".gpkg"
        assert temporary.name.startswith(TEMPORARY_PREFIX)
        assert not temporary.exists()
        temporary.write_bytes(b"x")


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "may not write"), (errno.EIO, "system said")],
)
def test_a_system_error_names_the_file_and_the_cause(tmp_path, monkeypatch, code, words):
    (tmp_path / "a.csv").write_text("old")

    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match=words) as caught:
        write_whole(tmp_path / "a.csv", "new")
    assert "a.csv" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert (tmp_path / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_a_missing_folder_and_a_folder_in_the_way_are_said(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        write_whole(tmp_path / "nowhere" / "a.csv", "x")
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(OutputError, match="in the way"):
        write_whole(tmp_path / "a.csv", "x")


def test_a_writer_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(OutputError, match=r"Cannot write a\.csv"), whole_file(tmp_path / "a.csv"):
        pass
    assert names(tmp_path) == []
