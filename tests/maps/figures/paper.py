"""What every figure must hold, measured on the finished picture."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from safemap.maps.figures.sheet import MM_PER_INCH, style

DPI = 300
SMALLEST = 6.5


def texts(figure: Any) -> list[Text]:
    """Every text of a figure that can be seen, in axes or out of them."""
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def extents(figure: Any) -> list[tuple[Text, Any]]:
    """Every text with its box in millimetres from the lower left corner."""
    figure.set_dpi(DPI)
    renderer = FigureCanvasAgg(figure).get_renderer()
    with style():
        figure.draw(renderer)
        boxes = [(t, t.get_window_extent(renderer)) for t in texts(figure)]
    return [(t, b.transformed(_to_mm())) for t, b in boxes]


def _to_mm() -> Any:
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(MM_PER_INCH / DPI)


def check_figure(made: Any) -> None:
    """Nothing clipped, nothing on top of other text, nothing smaller than 6.5 pt, no empty text."""
    figure = made.figure
    width, height = figure.get_size_inches() * MM_PER_INCH
    found = extents(figure)
    assert found
    for text, box in found:
        assert text.get_fontsize() >= SMALLEST - 1e-9, text.get_text()
        assert box.x0 >= 0, (text.get_text(), box.x0)
        assert box.y0 >= 0, (text.get_text(), box.y0)
        assert box.x1 <= width, (text.get_text(), box.x1, width)
        assert box.y1 <= height, (text.get_text(), box.y1, height)
    level = [(t, b) for t, b in found if not t.get_rotation()]
    for (one, a), (two, b) in combinations(level, 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert not (wide > 0.15 and high > 0.6), (one.get_text(), two.get_text(), wide, high)


def written(made: Any) -> str:
    """All text of a figure, joined."""
    return " ".join(t.get_text() for t in texts(made.figure))


def pixels(made: Any, dpi: float = 150) -> np.ndarray:
    """The PNG as an array of red, green, blue."""
    import io

    from matplotlib.image import imread

    image = imread(io.BytesIO(made.to_bytes("png", dpi=dpi)), format="png")
    return (image[..., :3] * 255).round().astype(int)
