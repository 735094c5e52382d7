"""A finished figure: a picture, the numbers in it, and the same said in words."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.errors import ConfigError
from safemap.maps.figures.sheet import style
from safemap.output.atomic import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Endings of the files a figure can be written to.
FORMATS = ("png", "svg", "pdf")
PRINT_DPI = 300
_SCREEN_DPI = 150


@dataclass(frozen=True, eq=False)
class StaticFigure:
    """What the printed figures return.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The picture; it belongs to no window and to no pyplot.
    data : pandas.DataFrame
        The numbers that are drawn, without those that are withheld.
    title : str
        The finding, as it stands above the picture.
    text : str
        What the picture shows, in sentences, for readers who cannot see it, and as a caption.
    language : str
    settings : dict
        What was chosen: size, font, length of the scale bar and the like.
    """

    figure: Figure
    data: pd.DataFrame
    title: str
    text: str
    language: str = "en"
    settings: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str], *, dpi: float = PRINT_DPI) -> Path:
        """Write the figure, whole or not at all; the ending (png, svg, pdf) chooses the format.

        The same figure gives the same bytes every time. SVG holds its text as text, PDF embeds its fonts as
        TrueType (type 42).

        Parameters
        ----------
        path : path-like
            File to write.
        dpi : float
            Dots per inch of a PNG, 300 by default.

        Raises
        ------
        ConfigError
            The ending is none of these.
        OutputError
            The file could not be written; the earlier one is as it was.
        """
        target = Path(path)
        kind = target.suffix[1:].lower()
        if kind not in FORMATS:
            raise ConfigError(
                f"A figure is written as {', '.join(FORMATS)}; {target.name!r} does not end in any of them."
            )
        if not (36 <= dpi <= 2400):
            raise ConfigError(f"dpi must be between 36 and 2400; got {dpi!r}.")
        return write_whole(target, self.to_bytes(kind, dpi=dpi))

    def to_bytes(self, kind: str = "png", *, dpi: float = PRINT_DPI) -> bytes:
        """The file as bytes: ``png``, ``svg`` or ``pdf``."""
        out = io.BytesIO()
        with style():
            self.figure.savefig(out, format=kind, dpi=dpi, metadata=self._metadata(kind))
        return out.getvalue()

    def _metadata(self, kind: str) -> dict[str, Any]:
        """Title and description; no date, no machine."""
        from safemap import __version__

        made = f"safemap {__version__}"
        if kind == "png":
            return {"Software": made, "Title": self.title, "Description": self.text}
        if kind == "svg":
            return {
                "Creator": made,
                "Date": None,
                "Title": self.title,
                "Description": self.text,
                "Language": self.language,
            }
        return {
            "Creator": made,
            "Producer": made,
            "Title": self.title,
            "Subject": self.text,
            "CreationDate": None,
            "ModDate": None,
        }

    def to_frame(self) -> pd.DataFrame:
        """The numbers that are drawn."""
        return self.data.copy()

    def _repr_png_(self) -> bytes:
        return self.to_bytes("png", dpi=_SCREEN_DPI)

    def __repr__(self) -> str:
        return f"<StaticFigure: {self.title}>"
