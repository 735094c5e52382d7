"""Helpers of the figure tests, loaded by path because the test rooms are not packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def paper() -> ModuleType:
    """The module that measures a finished figure."""
    spec = importlib.util.spec_from_file_location("safemap_test_paper", Path(__file__).with_name("paper.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
