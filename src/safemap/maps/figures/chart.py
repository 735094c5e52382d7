"""What all charts share: a sheet, the rules of disclosure, notes, and the finished figure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from safemap.i18n import Message, text
from safemap.maps.figures.figure import StaticFigure
from safemap.maps.figures.fonts import drawable
from safemap.maps.figures.layout import (
    PARTS,
    check_language,
    draw_frame,
    join_notes,
    source_notes,
    version_note,
)
from safemap.maps.figures.sheet import Box, Sheet, Size, style
from safemap.maps.interactive import registry_for

if TYPE_CHECKING:
    import pandas as pd

    from safemap._typing import Audience, Language
    from safemap.disclosure.registry import Registry
    from safemap.results import Result


class Chart:
    """One chart in the making."""

    def __init__(self, rules: Registry, language: str, make: Any) -> None:
        self.rules, self.language, self._make = rules, language, make
        self.sheet: Sheet = None  # type: ignore[assignment]  # made when drawing begins

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Within it, matplotlib has the settings of the figures."""
        with style():
            self.sheet = self._make()
            yield

    def frame(self, title: str, subtitles: Sequence[str], notes: Mapping[str, str]) -> Box:
        """Write heading and notes; returns the room for the picture."""
        everything = {**notes, "version": version_note()}
        everything.setdefault("disclaimer", text("disclaimer", self.language))
        parts = [p for p in PARTS if p != "boundaries"]
        return draw_frame(
            self.sheet, title=title, subtitles=subtitles, notes=join_notes(everything, parts), parts=parts
        )

    def source(self, result: Result | None, source: str | None) -> str:
        """Where the rows come from and how many were placed."""
        return source_notes(result, self.language, source=source)

    @staticmethod
    def joined(*parts: str | None) -> str:
        """Parts of a subtitle."""
        return " · ".join(part for part in parts if part)


def begin(
    size: Size,
    language: Language,
    audience: Audience,
    registry: Registry | None,
    k: int | None,
    font: str | None,
    greyscale: bool,
) -> Chart:
    """Check what all charts are given."""
    check_language(language)
    rules = registry_for(registry, k, audience)
    return Chart(rules, language, lambda: Sheet(size, font=font, greyscale=greyscale))


def finish(
    chart: Chart,
    data: pd.DataFrame,
    title: str,
    said: str,
    notes: Mapping[str, str],
    path: str | os.PathLike[str] | None,
    **settings: Any,
) -> StaticFigure:
    """The finished figure, written if a path is given."""
    caption = drawable(" ".join([f"{title}.", said, *(n for n in notes.values() if n)]))
    size = (chart.sheet.width, chart.sheet.height)
    made = StaticFigure(
        chart.sheet.figure,
        data,
        title,
        caption,
        chart.language,
        settings | {"size_mm": size, "font": chart.sheet.family},
    )
    if path is not None:
        made.save(path)
    return made


def left_out(counts: Sequence[tuple[str, int]], language: str) -> str:
    """``Not shown: too few to rank 23; no data 3.``; empty when nothing is left out."""
    listed = "; ".join(f"{label[:1].lower()}{label[1:]}: {n}" for label, n in counts if n)
    return text(Message("n_left_out", {"a": listed}), language) if listed else ""


def hidden_cells(counts: Any, k: int) -> Any:
    """Cells of a table that are withheld: 1 to ``k - 1``, and with a single one the next larger.

    So the total does not give it back.

    Examples
    --------
    >>> hidden_cells([0, 3, 9, 20], 5).tolist()
    [False, True, True, False]
    """
    import numpy as np

    values = np.asarray(counts, dtype=float)
    hidden = (values > 0) & (values < k)
    if hidden.sum() == 1:
        others = np.where(hidden | (values == 0), np.inf, values)
        if np.isfinite(others).any():
            hidden.flat[int(np.argmin(others))] = True
    return hidden
