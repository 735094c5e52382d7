"""A headless Chromium without a network for the whole test run, and the town of the map tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent


def load(path: Path) -> ModuleType:
    """A helper module by path: the test rooms are not packages."""
    spec = importlib.util.spec_from_file_location(f"safemap_test_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests; skips with a message where there is none."""
    chromium = load(HERE / "chromium.py")
    if chromium.find_chromium() is None:
        pytest.skip("Chromium is not at hand (set SAFEMAP_CHROMIUM to its path)")
    with chromium.Chromium() as running:
        yield running


@pytest.fixture(scope="session")
def town() -> ModuleType:
    """The module that builds a town in which every class and state of a map occurs."""
    return load(HERE.parent / "maps" / "town.py")
