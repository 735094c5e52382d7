"""QGIS opens the files with the classes and colours of the map; skips where QGIS is not installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import safemap as sm
from safemap.i18n import Message, text
from safemap.maps.palettes import RAMPS
from safemap.maps.states import STATES

SCRIPT = Path(__file__).with_name("qgis_reads.py")
#: The Python that Debian's python3-qgis belongs to, which is not the one of the tests.
SYSTEM_PYTHON = os.environ.get("SAFEMAP_QGIS_PYTHON", "/usr/bin/python3")
LAYERS = ("areas", "rates", "smoothed_rates", "local_moran", "local_getis_ord")


def in_qgis(*arguments: str) -> dict[str, Any]:
    """What QGIS says of a file."""
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GDAL", "PROJ", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, str(SCRIPT), *arguments],
        env={**clean, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "partially supported" not in done.stderr, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module", autouse=True)
def qgis() -> None:
    try:
        done = subprocess.run(
            [SYSTEM_PYTHON, "-c", "import qgis.core"], capture_output=True, timeout=120, check=False
        )
        missing = done.returncode != 0
    except OSError:
        missing = True
    if missing:
        pytest.skip("QGIS is not installed (Debian: apt-get install qgis python3-qgis)")


@pytest.mark.parametrize("city", ["iztapalapa", "mathare", "chilanzar"])
def test_qgis_opens_each_city_with_the_legend_of_the_map(city: str, tmp_path: Path) -> None:
    few = {
        "local.permutations": 199,
        "local.max_permutations": 199,
        "figures.formats": [],
        "output.gis": ["gpkg", "fgb"],
    }
    job = sm.load_assessment(sm.datasets.path(city) / "assessment.toml", few)
    sm.run_assessment(job, tmp_path / "out")
    html = (tmp_path / "out" / "map.html").read_text(encoding="utf-8")
    page = json.loads(re.search(r'id="safemap-data">(.*?)</script>', html, re.S).group(1))  # type: ignore[union-attr]
    (tmp_path / "png").mkdir()
    found = in_qgis(str(tmp_path / "out" / "areas.gpkg"), str(tmp_path / "png"), *LAYERS)
    beside = in_qgis(str(tmp_path / "out" / "areas.fgb"), "")[""]
    assert [layer["id"] for layer in page["layers"]] == list(LAYERS[1:])
    for layer in page["layers"]:
        seen = found[layer["id"]]
        assert (seen["renderer"], seen["field"], seen["undrawn"]) == ("categorizedSymbol", "class_code", 0)
        assert seen["features"] == len(layer["codes"]) == sum(c["areas"] for c in seen["classes"])
        counts = Counter(layer["codes"])
        legend = [
            (
                text(Message(c["l"]["k"], c["l"].get("s", {})), job.assessment.language),
                c.get("c") or STATES[c["s"]].ground,
                bool(c.get("s")),
                counts[i],
            )
            for i, c in enumerate(layer["classes"])
        ]
        assert [(c["label"], c["colour"], len(c["parts"]) > 1, c["areas"]) for c in seen["classes"]] == legend
        assert (tmp_path / "png" / f"areas-{layer['id']}.png").stat().st_size > 10_000
    for whole in (found["areas"], beside):  # the first result is the look of the layer with all fields
        assert whole["field"] == "rate_code"
        assert whole["classes"] == found["rates"]["classes"]


def test_qgis_draws_what_is_to_be_read_with_care_over_the_class(tmp_path: Path) -> None:
    import geopandas as gpd
    from shapely.geometry import box

    frame = gpd.GeoDataFrame(
        {"estimate": [0.5, 0.5], "n": [50, 50], "n_eff": [40.0, 40.0], "quality": ["publish", "review"]},
        geometry=[box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)], index=["A", "B"], crs=32614,
    )  # fmt: skip
    made = type("Made", (sm.results.Result,), {"kind": "survey"})(frame=frame, settings={"column": "q"})
    (path,) = sm.export_gis(made, tmp_path / "survey.gpkg")
    (tmp_path / "png").mkdir()
    found = in_qgis(str(path), str(tmp_path / "png"), "survey")["survey"]
    (used,) = [c for c in found["classes"] if c["areas"]]
    assert used["parts"] == ["SimpleFill", "LinePatternFill", "LinePatternFill"]
    from PIL import Image

    picture = Image.open(tmp_path / "png" / "survey-survey.png").convert("RGB")
    width, height = picture.size
    left, right = (
        {picture.getpixel((x, height // 2)) for x in range(int(width * a), int(width * b))}
        for a, b in ((0.1, 0.45), (0.55, 0.9))
    )
    assert len(left) == 1  # one colour, no texture
    assert len(right) > 2


@pytest.mark.parametrize("content", ["values", "classes"])
def test_qgis_shows_the_classes_of_a_density(tmp_path: Path, content: Any) -> None:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from shapely.geometry import box

    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(4000, 700, 3000), "y": rng.normal(4000, 700, 3000)})
    city = gpd.GeoDataFrame(geometry=[box(0, 0, 8000, 8000)], index=["city"], crs=32614)
    density = sm.kernel_density(sm.read_incidents(rows, x="x", y="y", crs=32614), city)
    path = sm.write_surface(density, tmp_path / "d.tif", content=content, breaks=(10, 20, 50, 100))
    found = in_qgis(str(path), "")[""]
    assert found["renderer"] == {"values": "singlebandpseudocolor", "classes": "paletted"}[content]
    assert [row[1].upper() for row in found["classes"]] == list(RAMPS["density"])
    assert [row[2] for row in found["classes"]] == [
        "0", "above 0, under 10", "10 to under 20", "20 to under 50", "50 to under 100", "100 or more"
    ]  # fmt: skip
    if content == "values":  # a limit itself belongs to the class above it
        ends = [float(row[0]) for row in found["classes"]]
        assert ends[0] == 0
        assert all(end < limit for end, limit in zip(ends[1:], (10, 20, 50, 100), strict=False))
        assert ends[1:5] == pytest.approx([10, 20, 50, 100], rel=1e-6)
