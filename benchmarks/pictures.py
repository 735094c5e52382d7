"""Pictures of the three sample cities for the README, as a browser without a network shows their maps.

    python benchmarks/pictures.py            # or: make pictures

Runs the assessment that comes with each city, opens ``map.html`` in headless Chromium and writes
``docs/pictures/<city>.png`` in its 256 most frequent colours. Stops where a page asks for anything,
logs an error, or a picture is larger than 250 kB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import safemap as sm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

#: city -> what the address of the map asks for
VIEWS = {
    "iztapalapa": "layer=rate&lang=en",
    "chilanzar": "layer=gi&lang=ru",
    "mathare": "layer=rate&lang=sw",
}
WIDTH, HEIGHT = 1366, 768
COLOURS, LARGEST = 256, 250_000  # bytes


def draw(browser: Any, city: str, target: Path) -> None:
    """Picture of the map of one city."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / city
        sm.run_assessment(sm.datasets.path(city) / "assessment.toml", folder)
        page = browser.open(folder / "map.html", fragment=VIEWS[city], width=WIDTH, height=HEIGHT)
        shot = page.screenshot(Path(name) / "shot.png")
        trouble = [*page.errors, *page.refused, *page.requests]
        page.close()
        if trouble:
            raise SystemExit(f"The map of {city} is not sound: {trouble[0]}")
        save_small(shot, target)


def save_small(shot: Path, target: Path) -> None:
    """The same picture in its most frequent colours, so that it stays small and every class keeps its own."""
    from PIL import Image
    from scipy.spatial import KDTree

    with Image.open(shot) as opened:
        pixels = np.asarray(opened.convert("RGB")).reshape(-1, 3)
        height, width = opened.height, opened.width
    colours, which, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    palette = colours[np.argsort(-counts, kind="stable")[:COLOURS]]
    nearest = KDTree(palette).query(colours)[1].astype(np.uint8)  # the colour itself where it is kept
    small = Image.fromarray(nearest[which.ravel()].reshape(height, width), mode="P")
    small.putpalette(palette.astype(np.uint8).tobytes())
    small.save(target, optimize=True)
    size = target.stat().st_size
    print(f"{target}: {size / 1000:.0f} kB")
    if size > LARGEST:
        raise SystemExit(f"{target.name} has {size:,} bytes; at most {LARGEST:,} are meant to be.")


def main() -> None:
    from chromium import Chromium  # the harness of the browser tests

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="folder to write")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with Chromium() as browser:
        for city in VIEWS:
            draw(browser, city, out / f"{city}.png")


if __name__ == "__main__":
    main()
