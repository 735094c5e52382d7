"""The town of the map tests, loaded by path because the test rooms are not packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def town() -> ModuleType:
    """The module that builds a town in which every class and state of a map occurs."""
    spec = importlib.util.spec_from_file_location("safemap_test_town", Path(__file__).with_name("town.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
