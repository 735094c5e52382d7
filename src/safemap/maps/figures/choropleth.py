"""The printed map of one result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from safemap._typing import Audience, Language
from safemap.i18n import Message, number, text
from safemap.maps.context import ContextLike
from safemap.maps.figures.drawing import (
    LAND,
    draw_area_names,
    draw_land_names,
    draw_layer,
    draw_point_names,
    open_axes,
)
from safemap.maps.figures.figure import PRINT_DPI, StaticFigure
from safemap.maps.figures.fonts import drawable
from safemap.maps.figures.furniture import Furniture
from safemap.maps.figures.ground import fit, ground_of, metres_per_mm, names_in, projection_name
from safemap.maps.figures.layout import (
    LEAST,
    NoRoomError,
    check_language,
    check_parts,
    class_sentence,
    closing_notes,
    draw_frame,
    facts_line,
    headline,
    interval_note,
    join_notes,
    require_room,
    source_notes,
    test_note,
    version_note,
)
from safemap.maps.figures.legend import Legend, context_rows, layer_legend
from safemap.maps.figures.published import area_table, make_layers
from safemap.maps.figures.sheet import Box, Sheet, Size, style
from safemap.maps.figures.textures import LETTERS
from safemap.maps.interactive import in_language, registry_for
from safemap.maps.study import names_by_language, study_of

if TYPE_CHECKING:
    from safemap._typing import AreasLike
    from safemap.disclosure.registry import Registry
    from safemap.maps.figures.ground import Ground, View
    from safemap.maps.layer import Layer
    from safemap.results import Result

#: Shares of the width a legend beside the map may take, and columns of a legend below it.
_BESIDE, _BELOW = (0.26, 0.30, 0.34, 0.38, 0.43), (2, 3, 4)
#: Narrowest column of a legend, and the gap between map and legend, in mm.
_NARROWEST, _GAP = 31.0, 4.0
_FRAME = "#B5AEA1"


class Page(NamedTuple):
    """Everything a map sheet says, before it is laid out."""

    layer: Layer
    ground: Ground
    title: str
    subtitles: tuple[str, ...]
    notes: Mapping[str, str]
    language: str
    names: Sequence[str] | None
    context: ContextLike


class Plan(NamedTuple):
    """Where map and legend go."""

    map: Box
    legend: Box | None
    columns: int


def static_map(
    result: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    size: Size = "A4_half",
    language: Language = "en",
    audience: Audience = "internal",
    title: str | Mapping[str, str] | None = None,
    name: str | Mapping[str, str] | None = None,
    place: str | Mapping[str, str] | None = None,
    source: str | None = None,
    author: str | None = None,
    disclaimer: str | None = None,
    breaks: Sequence[float] | None = None,
    greyscale: bool = False,
    labels: bool = False,
    context: ContextLike = None,
    neighbours: ContextLike = None,
    areas: AreasLike | None = None,
    area_names: Any = None,
    k: int | None = None,
    registry: Registry | None = None,
    parts: Sequence[str] | None = None,
    font: str | None = None,
    dpi: float = PRINT_DPI,
) -> StaticFigure:
    """A map for paper: the layer of the interactive map, with everything a reader needs to judge it.

    Parameters
    ----------
    result : Result
        Any result :func:`safemap.explore` draws: rates (recorded, smoothed), ratios, change, local tests,
        survey estimates, answers, densities.
    path : path-like, optional
        File to write at once: ``.png`` (300 dpi), ``.svg`` (text as text) or ``.pdf`` (TrueType embedded).
    size : {"A4_full", "A4_half", "half", "square", "slide"} or (width, height)
        160 x 200, 160 x 110, 78 x 84, 100 x 108, 254 x 143 mm, or millimetres.
    language : {"en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw"}
    audience : {"internal", "partner"}
        As in :func:`safemap.explore`.
    title : str or mapping, optional
        Words to stand above the map. Without them the finding is the title; with them the finding follows.
    name : str or mapping, optional
        What was recorded, in place of the usual name of the layer; texts may be given by language.
    place : str or mapping, optional
        Name of the study area.
    source, author : str, optional
        Where the data come from; who made the map and when.
    disclaimer : str, optional
        Words in place of the neutral ones about boundaries.
    breaks : sequence of float, optional
        Four lower limits of classes 2 to 5 of rates, shares or densities.
    greyscale : bool
        For a printer without colours: greys of the same luminance, triangles for high and low groups and for
        more and less, letters for the classes of local Moran.
    labels : bool
        Names of the areas where they fit; how many is said below.
    context, neighbours, area_names
        As in :func:`safemap.explore`.
    areas : GeoDataFrame or Result, optional
        Outlines for a density.
    k : int, optional
        Counts from 1 to ``k - 1`` are withheld; 5 if not given. Not together with `registry`.
    registry : Registry, optional
        The registry of withheld cells the other outputs use.
    parts : sequence of str, optional
        Which of ``title, subtitle, legend, scale, north, source, method, disclaimer, boundaries, version`` to
        show; all if not given.
    font : str, optional
        Font family; the first installed of Noto Sans, Segoe UI, Arial, Liberation Sans, DejaVu Sans if not
        given.
    dpi : float
        Dots per inch of a PNG.

    Returns
    -------
    StaticFigure
        ``figure`` (matplotlib), ``data`` (what is shown of every area), ``text`` (a caption), ``save(path)``.

    Raises
    ------
    OutputError
        A letter is in no font, the text leaves no room for the map, or the file could not be written.
    PrivacyError
        `audience` is ``"public"``.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap import area_rates, static_map
    >>> areas = gpd.GeoDataFrame({"events": [0, 12, 40], "population": [900, 1000, 1200]}, crs=4326,
    ...                          geometry=[box(69 + i / 100, 41, 69.01 + i / 100, 41.01) for i in range(3)])
    >>> figure = static_map(area_rates(areas, per=1_000), name="Recorded burglary")
    >>> figure.title
    '1 of 3 areas lie clearly above the average of 16.8'
    """
    shown, rules = check_parts(parts), registry_for(registry, k, audience)
    check_language(language)
    study = study_of([result], areas)
    (layer,) = make_layers([result], rules, names=[name], breaks=breaks, place=place)
    outlined = layer.bands is None or study.named
    names = names_in(names_by_language(study, area_names), language, study.names)
    said = headline(layer, language)
    head = in_language(language, title) or said
    finding = text(layer.finding, language)
    count = len(study.frame) if outlined else None
    facts = facts_line(layer, language, areas=count, place=place)
    with style():
        ground = ground_of(study.frame, context=context, neighbours=neighbours)
        notes = _notes(result, layer, ground, language, source, author, disclaimer)
        page = Page(
            layer,
            ground,
            head,
            (finding if title else "", facts),
            notes,
            language,
            names if labels else None,
            context,
        )
        sheet, settings = _compose(page, size, shown, font=font, greyscale=greyscale)
    amounts = layer.amounts if layer.bands is not None else tuple(map(float, layer.counts.values()))
    rows = [(text(c.label, language), n) for c, n in zip(layer.classes, amounts, strict=True)]
    caption = drawable(" ".join([finding, class_sentence(rows, language), *(n for n in notes.values() if n)]))
    made = StaticFigure(
        sheet.figure,
        area_table(layer, study.frame, names, language),
        head,
        caption,
        language,
        settings
        | {
            "size_mm": (sheet.width, sheet.height),
            "font": sheet.family,
            "projection": ground.crs.to_string(),
        },
    )
    if path is not None:
        made.save(path, dpi=dpi)
    return made


def _notes(
    result: Result,
    layer: Layer,
    ground: Ground,
    language: str,
    source: str | None,
    author: str | None,
    disclaimer: str | None,
) -> dict[str, str]:
    """Part -> its words below the picture."""
    method = [text(Message("n_projection", {"a": projection_name(ground.crs)}), language)]
    if test := test_note(result, language):
        method.insert(0, test)
    elif any(v is not None for v in layer.figures.get("low", ())):
        method.insert(0, interval_note(layer.confidence, language))
    closing = closing_notes(language, base=layer.base, disclaimer=disclaimer)
    origin = source_notes(result, language, source=source, base=layer.base, author=author)
    return {"source": origin, **closing, "method": " ".join(method), "version": version_note()}


def _compose(
    page: Page, size: Size, parts: Sequence[str], *, font: str | None, greyscale: bool
) -> tuple[Sheet, dict[str, Any]]:
    """Lay the page out; where it is too small, first the empty classes share a line, then the method goes."""
    attempts: list[tuple[Sequence[str], bool]] = [(parts, False), (parts, True)]
    for gone in (("method",), ("method", "version"), ("method", "version", "subtitle")):
        attempts.append(([p for p in parts if p not in gone], True))
    for number_, (kept, compact) in enumerate(attempts, start=1):
        sheet = Sheet(size, font=font, greyscale=greyscale)
        try:
            settings = _lay_out(sheet, page, kept, compact=compact)
        except NoRoomError:
            if number_ == len(attempts):
                raise
            continue
        left_out = [p for p in parts if p not in kept]
        return sheet, settings | ({"left_out": left_out} if left_out else {})
    raise AssertionError("the last attempt returns or raises")


def _lay_out(sheet: Sheet, page: Page, parts: Sequence[str], *, compact: bool) -> dict[str, Any]:
    said = join_notes(page.notes, parts)
    room = draw_frame(sheet, title=page.title, subtitles=page.subtitles, notes=said, parts=parts)
    remark = _remark(page, len(page.layer.codes), len(page.layer.codes), greyscale=sheet.greyscale)
    height = sheet.block_height(remark, "note", room.width) if remark else 0.0
    room = room._replace(height=room.height - height)
    legend = None
    if "legend" in parts:
        legend = _legend(
            page.layer, page.ground, page.context, page.language, marks=sheet.greyscale, compact=compact
        )
    plan = _plan(sheet, room, page.ground, legend)
    if legend is not None and plan.legend is not None:
        legend.draw(sheet, plan.legend, plan.columns)
    settings = _draw(sheet, plan.map, page, parts)
    if remark:
        done, wanted = settings["labels"]
        said_now = _remark(page, done, wanted, greyscale=sheet.greyscale)
        sheet.write(room.x, room.bottom + 1.0 * sheet.scale, said_now, "note", width=room.width)
    return settings


def _remark(page: Page, done: int, wanted: int, *, greyscale: bool) -> str:
    """How many names, or letters, stand on the map; nothing where there are none to be left out."""
    lettered = greyscale and any(c.key in LETTERS for c in page.layer.classes)
    key = "n_names" if page.names is not None else "n_letters" if lettered else ""
    return text(Message(key, {"a": number(done), "N": number(wanted)}), page.language) if key else ""


def _legend(
    layer: Layer, ground: Ground, context: ContextLike, language: str, *, marks: bool, compact: bool
) -> Legend:
    legend = layer_legend(layer, language, marks=marks, compact=compact)
    if not isinstance(context, Mapping):
        return legend
    symbols = ["line"] * bool(ground.lines) + ["point"] * bool(ground.points)
    named = [(symbols[min(i, len(symbols) - 1)], str(n)) for i, n in enumerate(context) if symbols]
    return replace(legend, rows=legend.rows + context_rows(named))


def _plan(sheet: Sheet, room: Box, ground: Ground, legend: Legend | None) -> Plan:
    """The arrangement in which the map becomes largest: legend beside it, or below in columns."""
    if legend is None:
        return Plan(room, None, 1)
    s = sheet.scale
    found: list[tuple[float, Plan]] = []
    for share in _BESIDE:
        width = room.width * share
        if width >= _NARROWEST * s * 0.9 and legend.height(sheet, width) <= room.height:
            box = Box(room.x, room.y, room.width - width - _GAP * s, room.height)
            found.append(
                _rated(ground, Plan(box, Box(box.right + _GAP * s, room.y, width, room.height), 1), s)
            )
    for columns in _BELOW:
        if (room.width - (columns - 1) * 5 * s) / columns < _NARROWEST * s:
            continue
        height = legend.height(sheet, room.width, columns)
        box = Box(room.x, room.y, room.width, room.height - height - 2 * s)
        found.append(
            _rated(ground, Plan(box, Box(room.x, box.bottom + 2 * s, room.width, height), columns), s)
        )
    fitting = [f for f in found if min(f[1].map.width, f[1].map.height) >= LEAST * s]
    if not fitting:
        best = max((f[1].map for f in found), key=lambda b: min(b.width, b.height), default=Box(0, 0, 0, 0))
        require_room(sheet, best.width, best.height)
    return min(fitting, key=lambda f: round(f[0], 6))[1]


def _rated(ground: Ground, plan: Plan, scale: float) -> tuple[float, Plan]:
    """Metres per millimetre: the smaller, the larger the map."""
    width, height = max(plan.map.width - 4 * scale, 0.1), max(plan.map.height - 4 * scale, 0.1)
    return metres_per_mm(ground.extent, width, height), plan


def _draw(sheet: Sheet, box: Box, page: Page, parts: Sequence[str]) -> dict[str, Any]:
    """Map, scale bar and north arrow in `box`; returns what was chosen."""
    ground, layer = page.ground, page.layer
    framed = bool(ground.land)
    view, furniture, place = _arranged(sheet, box, ground, page.language, parts)
    axes = open_axes(sheet, view)
    taken: list[Box] = []
    marked = draw_layer(sheet, axes, view, ground, layer, marks=sheet.greyscale, taken=taken)
    settings: dict[str, Any] = {"metres_per_mm": view.metres_per_mm, "labels": marked}
    if furniture is not None and place is not None:
        furniture.draw(place, ground_colour=LAND if framed else None)
        taken.append(place)
        settings |= {
            "scale_bar_m": furniture.metres,
            "scale_bar_mm": furniture.length,
            "north": furniture.angle,
        }
    draw_land_names(sheet, view, ground, taken)
    draw_point_names(sheet, view, ground, taken)
    if framed:
        sheet.rectangle(box, fill=None, edge=_FRAME, line=0.6, zorder=4)
    if page.names is not None:
        done = draw_area_names(sheet, view, ground, layer, page.names, taken)
        settings["labels"] = (done, len(page.names))
    return settings


def _arranged(
    sheet: Sheet, box: Box, ground: Ground, language: str, parts: Sequence[str]
) -> tuple[View, Furniture | None, Box | None]:
    """The largest view in which scale bar and arrow hide none of the areas: in a corner, below or beside."""
    s = sheet.scale
    plain = fit(ground.extent, box, padding=2.0 * s)
    furniture, place = _furnish(sheet, ground, plain, language, parts)
    if furniture is None or place is not None:
        return plain, furniture, place
    found = []
    for room in ({"bottom": furniture.height}, {"left": furniture.width}):
        view = fit(ground.extent, box, padding=2.0 * s, **room)
        again, _ = _furnish(sheet, ground, view, language, parts)
        if again is not None:
            y = box.bottom - again.height - 0.4 * s
            found.append((view, again, Box(box.x + 0.8 * s, y, again.width, again.height)))
    return min(found, key=lambda f: f[0].metres_per_mm)


def _furnish(
    sheet: Sheet, ground: Ground, view: View, language: str, parts: Sequence[str]
) -> tuple[Furniture | None, Box | None]:
    bar, arrow = "scale" in parts, "north" in parts
    if not (bar or arrow):
        return None, None
    furniture = Furniture(sheet, ground, view, language, bar=bar, arrow=arrow)
    return furniture, furniture.place(ground, view)
