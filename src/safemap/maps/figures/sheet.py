"""A sheet of paper in millimetres: text is measured before it is placed, and wrapped where it would not fit.

matplotlib clips what is too long without a word. Everything here is placed from the top left corner, in
millimetres, with the extent of every line known before it is drawn.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from safemap.errors import ConfigError
from safemap.maps.figures.fonts import ROLES, RoleName, check_letters, choose_family, drawable, properties

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text

SizeName = Literal["A4_full", "A4_half", "A4_heat", "half", "square", "slide"]
Size = SizeName | tuple[float, float]

#: Name -> width and height in millimetres.
SIZES: dict[str, tuple[float, float]] = {
    "A4_full": (160, 200),
    "A4_half": (160, 110),
    "A4_heat": (160, 70),
    "half": (78, 84),
    "square": (100, 108),
    "slide": (254, 143),
}
#: Type on a slide is read from afar.
_SCALE = {"slide": 1.6}
SMALLEST = (60.0, 60.0)

MM_PER_INCH, POINTS_PER_INCH = 25.4, 72.0
MM_PER_POINT = MM_PER_INCH / POINTS_PER_INCH
#: Blank margin of the sheet, and line height in units of the type size.
MARGIN, LEADING = 2.0, 1.36
#: Text may fill this part of the width it has: another program's font can run wider.
FILL = 0.95
_MEASURE_DPI = 300

#: What the figures ask of matplotlib, whatever the caller has set.
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "safemap",
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "text.usetex": False,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "hatch.linewidth": 0.35,
    "path.simplify": False,
    "savefig.dpi": 300,
    "figure.dpi": 100,
}
_LOCK = threading.RLock()


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's settings as the figures need them, and afterwards as they were."""
    import matplotlib as mpl

    with _LOCK, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


class Box(NamedTuple):
    """A rectangle on the sheet, in millimetres from the top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )


class Sheet:
    """One figure of a fixed size.

    Parameters
    ----------
    size : str or (width, height)
        A name of :data:`SIZES`, or millimetres.
    font : str, optional
        Font family; the first installed one of a list if not given.
    greyscale : bool
        All colours are turned to grey of the same luminance.
    """

    def __init__(self, size: Size = "A4_half", *, font: str | None = None, greyscale: bool = False) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = size_in_mm(size)
        self.scale = _SCALE.get(size, 1.0) if isinstance(size, str) else 1.0
        self.family = choose_family(font)
        self.greyscale = greyscale
        self.figure: Figure = Figure(figsize=(self.width / MM_PER_INCH, self.height / MM_PER_INCH))

    @property
    def inner(self) -> Box:
        """The sheet without its margin."""
        m = MARGIN * self.scale
        return Box(m, m, self.width - 2 * m, self.height - 2 * m)

    def colour(self, colour: str) -> str:
        """`colour`, or its grey in a greyscale figure."""
        return grey(colour) if self.greyscale else colour

    def font(self, role: RoleName) -> FontProperties:
        return properties(self.family, ROLES[role], scale=self.scale)

    def line_height(self, role: RoleName) -> float:
        """Distance of two lines, in mm."""
        return ROLES[role].size * self.scale * MM_PER_POINT * LEADING

    def width_of(self, text: str, role: RoleName) -> float:
        """Width of one line of text, in mm; raises where a letter of it is in no font."""
        return _measure(drawable(text), self.family, role, self.scale)

    def wrap(self, text: str, role: RoleName, width: float) -> list[str]:
        """`text` in lines that fit into `width` mm; a word that is too long for a line is broken."""
        room, space = width * FILL, self.width_of("a a", role) - 2 * self.width_of("a", role)
        lines: list[str] = []
        used = 0.0
        for word in text.split(" "):
            own = self.width_of(word, role)
            if lines and used + space + own <= room:
                lines[-1] = f"{lines[-1]} {word}"
                used += space + own
            else:
                lines += self._broken(word, role, room)
                used = self.width_of(lines[-1], role)
        return lines or [""]

    def _broken(self, word: str, role: RoleName, room: float) -> list[str]:
        pieces = [""]
        if self.width_of(word, role) <= room:
            return [word]
        for letter in word:
            if pieces[-1] and self.width_of(pieces[-1] + letter, role) > room:
                pieces.append("")
            pieces[-1] += letter
        return pieces

    def block_height(self, text: str, role: RoleName, width: float) -> float:
        """Height of a wrapped text, in mm."""
        return len(self.wrap(text, role, width)) * self.line_height(role)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        role: RoleName,
        *,
        width: float | None = None,
        align: Literal["left", "center", "right"] = "left",
        colour: str | None = None,
    ) -> float:
        """Write `text` with its top at `y`, wrapped to `width`; returns the y below it."""
        lines = [text] if width is None else self.wrap(text, role, width)
        for line in lines:
            self.line(x, y, line, role, align=align, colour=colour)
            y += self.line_height(role)
        return y

    def line(
        self,
        x: float,
        y: float,
        text: str,
        role: RoleName,
        *,
        align: Literal["left", "center", "right"] = "left",
        colour: str | None = None,
        halo: str | None = None,
        **options: Any,
    ) -> Text:
        """One line of text whose line box has its top at `y`."""
        self.width_of(text, role)  # also looks up every letter
        size = ROLES[role].size * self.scale * MM_PER_POINT
        baseline = y + (self.line_height(role) - size) / 2 + 0.8 * size
        artist = self.figure.text(
            x / self.width,
            1 - baseline / self.height,
            drawable(text),
            fontproperties=self.font(role),
            ha=align,
            va="baseline",
            parse_math=False,
            color=self.colour(colour or ROLES[role].colour),
            **options,
        )
        if halo is not None:
            add_halo(artist, self.colour(halo), self.scale)
        return artist

    def axes(self, box: Box) -> Axes:
        """Axes that fill `box` exactly."""
        return self.figure.add_axes(
            (
                box.x / self.width,
                1 - box.bottom / self.height,
                box.width / self.width,
                box.height / self.height,
            )
        )

    def rectangle(
        self,
        box: Box,
        *,
        fill: str | None,
        edge: str | None = None,
        line: float = 0.4,
        hatch: str = "",
        hatch_colour: str = "#000000",
        zorder: float = 1,
    ) -> None:
        """A filled and, with `edge`, outlined rectangle; a hatch lies over the fill, under the outline."""
        from matplotlib.patches import Rectangle

        corner = (box.x / self.width, 1 - box.bottom / self.height)
        span = (box.width / self.width, box.height / self.height)
        place = {"transform": self.figure.transFigure, "zorder": zorder}
        if fill is not None:
            self.figure.add_artist(
                Rectangle(corner, *span, facecolor=self.colour(fill), linewidth=0, **place)
            )
        if hatch:
            texture = {"facecolor": "none", "edgecolor": self.colour(hatch_colour), "linewidth": 0}
            self.figure.add_artist(Rectangle(corner, *span, hatch=hatch, **texture, **place))
        if edge is not None:
            lines = {"facecolor": "none", "edgecolor": self.colour(edge), "linewidth": line * self.scale}
            self.figure.add_artist(Rectangle(corner, *span, **lines, **place))

    def rule(self, x: float, y: float, width: float, *, colour: str = "#DDD8CE", line: float = 0.5) -> None:
        """A thin horizontal line."""
        self.path([(x, y), (x + width, y)], colour=colour, line=line)

    def path(
        self, points: Sequence[tuple[float, float]], *, colour: str, line: float, **options: Any
    ) -> None:
        """A line through `points`."""
        from matplotlib.lines import Line2D

        xs, ys = zip(*points, strict=True)
        artist = Line2D(
            [x / self.width for x in xs],
            [1 - y / self.height for y in ys],
            color=self.colour(colour),
            linewidth=line * self.scale,
            transform=self.figure.transFigure,
            **options,
        )
        self.figure.add_artist(artist)

    def polygon(
        self,
        points: Sequence[tuple[float, float]],
        *,
        fill: str,
        edge: str | None = None,
        line: float = 0.4,
        zorder: float = 2,
    ) -> None:
        """A filled shape through `points`."""
        from matplotlib.patches import Polygon

        corners = [(x / self.width, 1 - y / self.height) for x, y in points]
        look = {"facecolor": self.colour(fill), "linewidth": line * self.scale if edge else 0}
        look["edgecolor"] = self.colour(edge) if edge else "none"
        self.figure.add_artist(Polygon(corners, transform=self.figure.transFigure, zorder=zorder, **look))


def add_halo(text: Text, colour: str, scale: float = 1.0) -> None:
    """A thin outline round the letters, so that they stay readable where they cross a line."""
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=1.4 * scale, foreground=colour)])


def size_in_mm(size: Size) -> tuple[float, float]:
    """Width and height of a sheet.

    Examples
    --------
    >>> size_in_mm("A4_half"), size_in_mm((120, 90))
    ((160, 110), (120.0, 90.0))
    """
    if isinstance(size, str):
        if size not in SIZES:
            names = ", ".join(get_args(SizeName))
            raise ConfigError(f"size must be one of {names}, or (width, height) in mm; got {size!r}.")
        return SIZES[size]
    try:
        width, height = (float(v) for v in size)
    except (TypeError, ValueError):
        raise ConfigError(f"size must be a name or (width, height) in mm; got {size!r}.") from None
    if not (SMALLEST[0] <= width <= 1200 and SMALLEST[1] <= height <= 1200):
        raise ConfigError(f"A figure is 60 to 1200 mm wide and high; got {width:g} x {height:g}.")
    return width, height


def grey(colour: str) -> str:
    """The grey of the same luminance (sRGB, linear light).

    Examples
    --------
    >>> grey("#FFFFFF"), grey("#8C1615")
    ('#ffffff', '#464646')
    """
    if not colour.startswith("#"):
        return colour
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    value = round(255 * (12.92 * y if y <= 0.0031308 else 1.055 * y ** (1 / 2.4) - 0.055))
    return f"#{value:02x}{value:02x}{value:02x}"


def contrast(one: str, two: str) -> float:
    """Contrast of two colours (WCAG 2): 1 to 21.

    Examples
    --------
    >>> round(contrast("#FFFFFF", "#000000"))
    21
    """

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def ink_on(fill: str) -> str:
    """White or dark letters, whichever stands out more on `fill`."""
    return max(("#14171A", "#FFFFFF"), key=lambda ink: contrast(fill, ink))


@lru_cache(maxsize=50_000)
def _measure(text: str, family: str, role: RoleName, scale: float) -> float:
    """Width of a line in mm, with the font that will be used; looks up every letter first."""
    check_letters([text], family)
    font = properties(family, ROLES[role], scale=scale)
    width, _, _ = _renderer().get_text_width_height_descent(text, font, False)
    return float(width) / _MEASURE_DPI * MM_PER_INCH


@cache
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(8, 8, _MEASURE_DPI)
