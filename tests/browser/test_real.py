"""A map of a real borough: small, quick, every area drawn, at a wide screen and on a phone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from safemap.maps import explore, save_map

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_a_map_of_293_neighbourhoods(
    browser: Any, town: ModuleType, real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    raw = gpd.read_file(real_data("cdmx/colonias_iztapalapa.geojson"))
    areas = gpd.GeoDataFrame(
        {"name": raw["NOMUT"].to_numpy(), "population": raw["SUMPOB1"].to_numpy()},
        geometry=raw.geometry.to_numpy(),
        index=raw["CVEUT"].to_numpy(),
        crs=raw.crs,
    )
    areas["events"] = np.random.default_rng(1).poisson(areas["population"] * 0.002)
    results = town.rates(areas), town.moran(areas), town.getis(areas)
    start = time.perf_counter()
    path = save_map(explore(*results, title="Iztapalapa"), tmp_path / "map.html")
    assert time.perf_counter() - start < 5  # measured 0.6 s on two shared cores
    assert path.stat().st_size < 1_000_000
    for options in ({}, {"width": 390, "height": 844, "phone": True}):
        page = browser.open(path, **options)
        assert page.count("path.sm-area") == len(areas) == 293
        assert page.text(".sm-total").endswith("293")
        assert (page.errors, page.refused, page.requests) == ([], [], [])
        page.close()
