"""The gallery of printed figures, drawn from the sample cities.

    python benchmarks/figures.py

Computes the assessments of two cities and writes ``docs/pictures/figures.png`` with a palette of 128 colours.
Stops where the picture is larger than 300 kB.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import safemap as sm

ROOT = Path(__file__).resolve().parents[1]
COLUMN, GAP = 660, 20  # pixels
COLOURS, LARGEST = 128, 300_000  # bytes
THIRDS = (("2023-01-01", "2023-04-30"), ("2023-05-01", "2023-08-31"), ("2023-09-01", "2023-12-31"))


def gallery() -> list[list[sm.StaticFigure]]:
    """Rows of figures."""
    one, two = (
        sm.run_assessment(sm.datasets.path(c) / "assessment.toml", None).findings
        for c in ("iztapalapa", "mathare")
    )
    first: dict[str, Any] = {"registry": one.registry, "source": one.config.assessment.source}
    second: dict[str, Any] = {"registry": two.registry, "source": two.config.assessment.source}
    place = {"place": one.config.assessment.place}
    around = {"neighbours": one.joined.levels}
    thirds = [sm.area_rates(two.joined, per=1_000, period=period) for period in THIRDS]
    names = ["January–April", "May–August", "September–December"]
    return [
        [
            sm.static_map(one.rates, name="Street robbery 2023", **place, **around, **first),
            sm.static_map(one.hot, greyscale=True, language="es", **place, **around, **first),
        ],
        [
            sm.hour_weekday_table(one.joined, **first),
            sm.small_multiples(
                thirds, names=names, source=second["source"], place=two.config.assessment.place
            ),
        ],
        [
            sm.interval_plot(two.rates, language="sw", **second),
            sm.funnel_plot(one.rates, language="ru", **first),
        ],
        [
            sm.moran_scatter(one.lisa, one.graph, size="A4_half", **first),
            sm.lorenz_curve(one.rates, size="A4_half", language="uz-Latn", **first),
        ],
    ]


def compose(rows: list[list[sm.StaticFigure]], target: Path) -> None:
    """All figures on one sheet, two in a row, with a palette so that it stays small in the repository."""
    from PIL import Image

    pictures = [[_picture(figure) for figure in row] for row in rows]
    height = sum(max(p.height for p in row) + GAP for row in pictures) - GAP
    sheet = Image.new("RGB", (2 * COLUMN + GAP, height), "#FFFFFF")
    y = 0
    for row in pictures:
        for i, picture in enumerate(row):
            sheet.paste(picture, (i * (COLUMN + GAP), y))
        y += max(p.height for p in row) + GAP
    sheet.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        target, optimize=True
    )
    size = target.stat().st_size
    print(f"{target}: {size / 1000:.0f} kB")
    if size > LARGEST:
        raise SystemExit(f"{target.name} has {size:,} bytes; at most {LARGEST:,} are meant to be.")


def _picture(figure: sm.StaticFigure) -> Any:
    from PIL import Image

    image = Image.open(io.BytesIO(figure.to_bytes("png"))).convert("RGB")
    return image.resize((COLUMN, round(image.height * COLUMN / image.width)), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs" / "pictures" / "figures.png", help="file to write"
    )
    compose(gallery(), parser.parse_args().out)


if __name__ == "__main__":
    main()
