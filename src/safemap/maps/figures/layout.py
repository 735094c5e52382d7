"""What stands above and below every figure: the finding, what was counted, its source, what it cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import ConfigError, OutputError
from safemap.i18n import LANGUAGES, Message, format_number, format_percent, number, percent, text
from safemap.maps.figures.sheet import Box, Sheet
from safemap.maps.interactive import in_language
from safemap.maps.page import clean_text

if TYPE_CHECKING:
    import pandas as pd

    from safemap.audit import Audit
    from safemap.maps.layer import Layer
    from safemap.results import Result

#: Shortest side of a picture, in mm.
LEAST = 15.0


class NoRoomError(OutputError):
    """The text leaves too little room for the picture."""


#: Parts of a figure that can be switched off.
PARTS = (
    "title",
    "subtitle",
    "legend",
    "scale",
    "north",
    "source",
    "method",
    "disclaimer",
    "boundaries",
    "version",
)

#: Finding sentence of a layer -> the same in one line.
_SHORT = {
    "f_rates": "t_rates",
    "f_rates_place": "t_rates",
    "f_smoothed_rates": "t_smoothed_rates",
    "f_local_moran": "t_local_moran",
    "f_local_moran_few": "t_local_moran",
    "f_local_getis_ord": "t_local_getis_ord",
    "f_survey": "t_survey",
    "f_survey_amount": "t_survey_amount",
    "f_answers": "t_answers",
    "f_density": "t_density",
    "f_change": "t_change",
    "f_ratios": "t_ratios",
}
#: Disclaimer by what the figures rest on.
_DISCLAIMERS = {"records": "disclaimer", "answers": "disclaimer_answers", "nonrandom": "disclaimer_nonrandom"}
_DOT = " · "


def headline(layer: Layer, language: str) -> str:
    """The finding of a layer in one line."""
    finding = layer.finding
    if finding.key == "f_enforcement":
        inner = finding.slots["f"]
        short = {"k": _SHORT.get(inner["k"], inner["k"]), "s": inner["s"]}
        return text(Message("t_enforcement", {"f": short}), language).rstrip(".")
    if finding.key in _SHORT:
        return text(Message(_SHORT[finding.key], finding.slots), language)
    said = text(Message(finding.key, finding.slots), language)
    return said.rstrip(".")


def facts_line(
    layer: Layer,
    language: str,
    *,
    areas: int | None,
    place: str | Mapping[str, str] | None,
    unit: bool = False,
) -> str:
    """Name of the layer, period, place, n and average, in one line."""
    parts = [layer_title(layer, language)]
    if unit:
        parts.append(text(layer.unit, language))
    parts += ["" if layer.period in parts[0] else layer.period, in_language(language, place) or ""]
    if layer.total is not None:
        word = "cases" if layer.base == "records" else "answers"
        parts.append(counted(word, layer.total, language))
    if areas:
        parts.append(counted("areas", areas, language))
    if layer.mean is not None and layer.ref == "average":
        parts.append(text(Message("average_of", {"m": layer_figure(layer, layer.mean)}), language))
    return _DOT.join(part for part in parts if part)


def layer_figure(layer: Layer, value: float) -> dict[str, Any]:
    """A figure of the layer for a slot of a message."""
    return percent(value / 100, layer.decimals) if layer.share else number(value, layer.decimals)


def layer_title(layer: Layer, language: str) -> str:
    """Name of a layer in `language`."""
    if isinstance(layer.name, Message):
        return text(layer.name, language)
    return in_language(language, layer.name) or ""


def counted(word: str, n: int, language: str) -> str:
    """A number and its noun in the right form."""
    return f"{format_number(n, language=language)} {text(word, language, count=n)}"


def source_notes(
    result: Result | None,
    language: str,
    *,
    source: str | None,
    base: str = "records",
    author: str | None = None,
) -> str:
    """Where the rows come from, how many of them were placed, and what they are divided by."""
    said = []
    if source:
        said.append(text(Message("n_source", {"a": clean_text(source, longest=600).rstrip(".")}), language))
    if author:
        said.append(clean_text(author).rstrip(".") + ".")
    audit = getattr(result, "audit", None)
    if audit is not None and audit.n_in and base == "records":
        said.append(placed_note(audit, language))
    people = _residents(result)
    if people and base == "records":
        said.append(text(Message("n_base", {"n": number(people)}), language))
    return " ".join(part for part in said if part)


def placed_note(audit: Audit, language: str) -> str:
    """The hit rate and its two counts."""
    rate = audit.hit_rate
    if not np.isfinite(rate):
        return ""
    placed = audit.events_placed
    slots = {"n": number(placed), "N": number(round(placed / rate) if rate else 0), "p": percent(rate, 1)}
    return text(Message("n_placed", slots), language)


def closing_notes(language: str, *, base: str, disclaimer: str | None = None) -> dict[str, str]:
    """What the figure cannot say, and whose borders these are not."""
    own = text("boundaries", language) if disclaimer is None else clean_text(disclaimer, longest=1_000)
    return {"disclaimer": text(_DISCLAIMERS[base], language), "boundaries": own}


def version_note() -> str:
    """What made the figure."""
    from safemap import __version__

    return f"safemap\u00a0{__version__}."


#: Parts that share a paragraph below the picture.
_PARAGRAPHS = (("source",), ("disclaimer", "boundaries"), ("reading", "method", "version"))


def join_notes(notes: Mapping[str, str], parts: Iterable[str]) -> list[str]:
    """Paragraphs of the notes that are to be shown; ``reading`` explains the picture and always is."""
    wanted = {*parts, "reading"}
    joined = (" ".join(notes[p] for p in group if notes.get(p) and p in wanted) for group in _PARAGRAPHS)
    return [paragraph for paragraph in joined if paragraph]


def test_note(result: Result, language: str) -> str:
    """Level, permutations and seed of a test; nothing for other results."""
    s = result.settings
    if "permutations" not in s or "alpha" not in s:
        return ""
    level = percent(float(s["alpha"]), 0 if round(float(s["alpha"]) * 100, 6).is_integer() else 1)
    said = [text(Message("n_level", {"a": level}), language)] if s.get("adjust") not in (None, "none") else []
    slots = {"n": number(float(s["permutations"])), "s": str(s.get("rng", ""))}
    return " ".join([*said, text(Message("n_permutations", slots), language)])


def interval_note(confidence: float, language: str) -> str:
    """Coverage of the intervals."""
    return text(Message("n_interval", {"a": percent(confidence, 0)}), language)


def draw_frame(
    sheet: Sheet, *, title: str, subtitles: Sequence[str], notes: Sequence[str], parts: Iterable[str]
) -> Box:
    """Write heading and notes; returns the room between them.

    Raises
    ------
    OutputError
        The text leaves too little room for a picture.
    """
    inner, s = sheet.inner, sheet.scale
    y = inner.y
    if "title" in parts and title:
        y = sheet.write(inner.x, y, title, "title", width=inner.width) + 0.3 * s
    if "subtitle" in parts:
        for line in subtitles:
            if line:
                y = sheet.write(inner.x, y, line, "subtitle", width=inner.width) + 0.2 * s
    written = [note for note in notes if note]
    height = sum(sheet.block_height(note, "note", inner.width) for note in written)
    top = inner.bottom - height
    for note in written:
        top = sheet.write(inner.x, top, note, "note", width=inner.width)
    start, end = y + 1.6 * s, inner.bottom - height - (1.6 * s if written else 0)
    require_room(sheet, inner.width, end - start)
    return Box(inner.x, start, inner.width, end - start)


def require_room(sheet: Sheet, width: float, height: float, *, least: float = LEAST) -> None:
    """Raise unless a picture fits."""
    if width < least * sheet.scale or height < least * sheet.scale:
        raise NoRoomError(
            f"On a sheet of {sheet.width:g} x {sheet.height:g} mm the text leaves {max(width, 0):.0f} x "
            f"{max(height, 0):.0f} mm for the picture. Take a larger size, or leave parts out (parts=)."
        )


def check_language(language: str) -> None:
    """Raise unless safemap speaks `language`."""
    if language not in LANGUAGES:
        raise ConfigError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")


def check_parts(parts: Sequence[str] | None) -> tuple[str, ...]:
    """The parts to show, all of them if None."""
    if parts is None:
        return PARTS
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or isinstance(parts, str):
        raise ConfigError(f"parts may hold {', '.join(PARTS)}; got {parts!r}.")
    return tuple(parts)


def class_sentence(rows: Iterable[tuple[str, float]], language: str) -> str:
    """Classes and their amounts as one sentence of the description."""
    said = [f"{label}: {format_number(n, 0, language=language)}" for label, n in rows if n]
    return "; ".join(said) + "."


def share_text(share: float, language: str, decimals: int = 0) -> str:
    """A share (0 to 1) as a percentage."""
    return format_percent(share, decimals, language=language)


def _residents(result: Result | None) -> int:
    frame: pd.DataFrame | None = getattr(result, "frame", None)
    if frame is None or "population" not in frame.columns:
        return 0
    people = frame["population"].to_numpy(dtype=float, na_value=np.nan)
    return round(float(np.nansum(people)))
