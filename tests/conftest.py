"""Fixtures that every test room shares."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

#: programs that tests run as processes of their own, not modules with examples
collect_ignore = ["stats/survey_oracle_svy.py", "torture/rewriter.py", "output/qgis_reads.py"]

ROOT = Path(__file__).resolve().parents[1]
REAL = Path(os.environ.get("SAFEMAP_REAL_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def sample() -> Path:
    """The committed synthetic city."""
    return ROOT / "data" / "sample" / "iztapalapa"


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Path of a real file kept beside the project; the test skips with a message where it is absent."""

    def locate(name: str) -> Path:
        path = REAL / name
        if not path.exists():
            pytest.skip(f"real data not at hand: {name} (set SAFEMAP_REAL_DATA to the folder that holds it)")
        return path

    return locate
