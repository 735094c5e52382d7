"""Every notebook is committed without outputs and runs from top to bottom, offline."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

#: put in front of the first cell: any attempt to reach another machine ends the run
_NO_NETWORK = """
import socket


def _refuse(self, address, *rest):
    local = ("127.0.0.1", "localhost", "::1")
    if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in local:
        raise OSError("this notebook must run without a network")
    return _connect(self, address, *rest)


_connect, socket.socket.connect = socket.socket.connect, _refuse
"""


def test_there_is_a_quickstart():
    assert "01_quickstart.ipynb" in [p.name for p in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_outputs_are_stripped(path):
    book = json.loads(path.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        assert not cell.get("outputs"), f"{path.name}: strip the outputs before committing"
        assert cell.get("execution_count") is None


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_it_runs(path, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    book = nbformat.read(path, as_version=4)
    book.cells.insert(0, nbformat.v4.new_code_cell(_NO_NETWORK))
    client = NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    printed = "".join(
        output.get("text", "") for cell in book.cells if cell.cell_type == "code" for output in cell.outputs
    )
    assert "rows in = " in printed
    assert list(tmp_path.glob("*.ipynb")) == []
