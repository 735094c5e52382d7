"""The benchmark of planted truth, which the slow tests of all cities run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "planted_truth.py"


@pytest.fixture(scope="session")
def bench() -> Iterator[ModuleType]:
    """``benchmarks/planted_truth.py`` as a module; it is a script, not part of the package."""
    spec = importlib.util.spec_from_file_location("planted_truth", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_truth"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["planted_truth"]
