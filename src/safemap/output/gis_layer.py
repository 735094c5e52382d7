"""Results of one set of areas as one table for a GIS: short fields, and code, label and colour of each class.

Classes, colours and textures are those of the layers that the maps draw; what is withheld is gone before
anything is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap.disclosure.registry import Registry
from safemap.errors import AlignmentError, ConfigError
from safemap.i18n import Message, text, words
from safemap.maps.states import STATES
from safemap.output.tables import SIGNIFICANT_DIGITS, WHOLE_COLUMNS

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap.maps.layer import Layer, LegendClass
    from safemap.results import Result


class Field(NamedTuple):
    """A field of the layer: the column it comes from, and what it means."""

    name: str
    column: str
    meaning: str


_EVENTS = Field("events", "events", "recorded events in the period; empty where withheld")
_P = "{of}, p value"
_P_ADJUSTED = "{of}, p value adjusted for the number of areas"
_NEIGHBOURS = Field("neighbours", "neighbours", "number of neighbouring areas")

#: Fields of each kind of result, beside name, events and population. ``local`` is any other local statistic.
FIELDS: dict[str, tuple[Field, ...]] = {
    "rates": (
        Field("rate", "estimate", "rate of recorded events"),
        Field("rate_low", "conf_low", "lower limit of the interval of the rate"),
        Field("rate_high", "conf_high", "upper limit of the interval of the rate"),
        Field("rate_qual", "quality", "publish, review or suppress: how far the rate can be relied on"),
    ),
    "smoothed_rates": (
        Field("rate_eb", "estimate", "rate drawn to the overall rate (empirical Bayes)"),
        Field("eb_low", "conf_low", "lower limit of the interval of the smoothed rate"),
        Field("eb_high", "conf_high", "upper limit of the interval of the smoothed rate"),
    ),
    "standardised_ratios": (
        Field("ratio", "estimate", "events as a ratio to those expected"),
        Field("ratio_low", "conf_low", "lower limit of the interval of the ratio"),
        Field("ratio_high", "conf_high", "upper limit of the interval of the ratio"),
        Field("ratio_qual", "quality", "publish, review or suppress: how far the ratio can be relied on"),
    ),
    "change": (
        Field("ch_before", "before", "events in the first period; empty where withheld"),
        Field("ch_after", "after", "events in the second period; empty where withheld"),
        Field("ch_ratio", "estimate", "second period as a ratio to the first"),
        Field("ch_low", "conf_low", "lower limit of the interval of the ratio"),
        Field("ch_high", "conf_high", "upper limit of the interval of the ratio"),
        Field("ch_p_adj", "p_adjusted", "p value of the change, adjusted for the number of areas"),
    ),
    "local_moran": (
        _NEIGHBOURS,
        Field("lm_stat", "statistic", "local Moran statistic"),
        Field("lm_z", "z_score", "local Moran, z score from permutations"),
        Field("lm_p", "p_value", _P.format(of="local Moran")),
        Field("lm_p_adj", "p_adjusted", _P_ADJUSTED.format(of="local Moran")),
    ),
    "local_getis_ord": (
        _NEIGHBOURS,
        Field("gi_stat", "statistic", "Getis-Ord statistic"),
        Field("gi_z", "z_score", "Getis-Ord, z score"),
        Field("gi_p", "p_value", _P.format(of="Getis-Ord")),
        Field("gi_p_adj", "p_adjusted", _P_ADJUSTED.format(of="Getis-Ord")),
    ),
    "local": (
        Field("loc_stat", "statistic", "{kind}, statistic"),
        Field("loc_p", "p_value", _P.format(of="{kind}")),
        Field("loc_p_adj", "p_adjusted", _P_ADJUSTED.format(of="{kind}")),
    ),
    "survey": (
        Field("sv_est", "estimate", "estimate from the answers; empty where it may not be published"),
        Field("sv_low", "conf_low", "lower limit of the interval of the estimate"),
        Field("sv_high", "conf_high", "upper limit of the interval of the estimate"),
        Field("sv_n", "n", "respondents; empty where withheld"),
        Field("sv_n_eff", "n_eff", "effective number of respondents"),
        Field("sv_qual", "quality", "publish, review or suppress: how far the estimate can be relied on"),
    ),
    "answers": (
        Field("an_said", "events", "respondents who said so; they were not drawn at random"),
        Field("an_n", "n", "respondents asked; empty where withheld"),
    ),
}  # fmt: skip
#: Kind -> how its fields of the class begin: <prefix>_code, _label, _colour.
PREFIX = {
    "rates": "rate", "smoothed_rates": "eb", "standardised_ratios": "ratio", "change": "ch",
    "local_moran": "lm", "local_getis_ord": "gi", "local": "loc", "survey": "sv", "answers": "an",
}  # fmt: skip

#: Codes of the classes: local Moran as in GeoDa, Getis-Ord as Gi_Bin of ArcGIS; 90 and above: not a value.
CODES: dict[str, int] = {
    "not significant": 0, "zero": 0, "no change": 0,
    "high-high": 1, "low-low": 2, "low-high": 3, "high-low": 4,
    "hot-1": 3, "hot-5": 2, "hot-10": 1, "cold-10": -1, "cold-5": -2, "cold-1": -3,
    "no neighbours": 90, "no data": 91, "no variation": 92, "too few areas": 93, "too few events": 94,
    "few": 95, "few answers": 96, "cannot tell": 97, "not of the kind": 98, "withheld": 99,
}  # fmt: skip
#: Beginning of the key of a class that ends in its number -> sign of the code.
_NUMBERED = {"class": 1, "ratio": 1, "more": 1, "less": -1}


class ClassRow(NamedTuple):
    """A class of a theme as the legend of the map shows it."""

    code: int
    key: str
    label: str
    colour: str
    state: str  #: key of the texture, empty for a class with a plain colour
    areas: int


class Care(NamedTuple):
    """A texture over the classes that says "read with care"."""

    key: str
    label: str
    areas: tuple[int, ...]


@dataclass(frozen=True)
class Theme:
    """One result as a layer of the GIS.

    Attributes
    ----------
    key : str
        Name of its table (``rates``, ``local_moran``).
    title, unit : str
        Name and unit in the language of the file.
    prefix : str
        Beginning of its class fields in the layer of all areas.
    fields : tuple of str
        Its fields there, without those of the class.
    classes : tuple of ClassRow
        In the order of the legend; every area is in one.
    line : str
        Colour of the lines between areas.
    hides : str
        Field that says which areas are withheld.
    cares : tuple of Care
    """

    key: str
    title: str
    unit: str
    prefix: str
    fields: tuple[str, ...]
    classes: tuple[ClassRow, ...]
    line: str
    hides: str
    cares: tuple[Care, ...] = ()


class Meaning(NamedTuple):
    """What the data dictionary says of one field."""

    meaning: str
    unit: str = ""
    codes: str = ""
    source: str = ""


@dataclass(frozen=True)
class GisLayer:
    """The table of all areas, its themes, and the meaning of its fields."""

    frame: gpd.GeoDataFrame
    themes: tuple[Theme, ...]
    meanings: dict[str, Meaning]


def combine(
    results: Sequence[Result],
    *,
    registry: Registry,
    names: Sequence[str | Mapping[str, str] | None] | None = None,
    breaks: Sequence[float] | None = None,
    language: str = "en",
) -> GisLayer:
    """One table with the fields of all results, aligned by area id; parameters as in `export_gis`."""
    import geopandas as gpd
    import pandas as pd

    _check_kinds(results)
    rules = _rules(results, registry)
    frames = _frames(results, rules)
    layers = _layers(results, rules, names, breaks)
    ids = results[0].frame.index
    columns: dict[str, Any] = {"area_id": pd.Series(ids.astype(str), index=ids)}
    meanings = {"area_id": Meaning("id of the area", source="areas")}
    themes = []
    for number, (result, frame, layer) in enumerate(zip(results, frames, layers, strict=True)):
        prefix = _prefix(results, number)
        own = []
        for field in _fields(result):
            if field.column not in frame.columns:
                continue
            name, values = field.name, _plain(frame[field.column])
            if name in columns and not _same(columns[name], values):
                name = _renamed(name, _kind(result), prefix)
            if name not in columns:  # else it is one that several results share
                columns[name], meanings[name] = values, _meaning(result, field)
            own.append(name)
        nth = sum(other.kind == result.kind for other in results[: number + 1])
        key = result.kind if nth == 1 else f"{result.kind}_{nth}"
        columns["suppressed"] = columns.pop("suppressed", frame["suppressed"].to_numpy())  # the last field
        hides = "suppressed"
        if not _same(columns[hides], frame["suppressed"]):
            hides = f"{prefix}_suppressed"
            columns[hides] = frame["suppressed"].to_numpy()
        meanings[hides] = Meaning("true where counts are withheld, with everything computed from them")
        unit = text(layer.unit, language)
        if base_of(result) not in ("", "residents"):
            unit = str(result.settings.get("unit", unit))  # the words of the maps are about residents
        theme, found = _theme(layer, key, prefix, tuple(own), unit, language, hides=hides)
        themes.append(theme)
        columns |= found
        meanings |= _class_meanings(theme, result)
        if result.kind in ("local_moran", "local_getis_ord"):
            said = frame["cluster"].astype(object).where(~frame["suppressed"], "withheld")
            columns[f"{prefix}_class"] = said
            meanings[f"{prefix}_class"] = Meaning(f"class of {theme.title} as the tables write it")
    columns["suppressed"] = columns.pop("suppressed")
    geometry = results[0].frame.geometry
    table = gpd.GeoDataFrame(columns, index=ids, geometry=geometry.values, crs=geometry.crs)
    return GisLayer(table, tuple(themes), meanings)


def _rules(results: Sequence[Result], registry: Registry) -> list[Registry]:
    """The registry of each result: what one hides is hidden in all that count the same people or events.

    Records and answers count different people, so neither gives the other back.
    """
    from safemap.maps.study import ANSWERS

    def related(one: Result) -> Registry:
        side = [r.frame for r in results if (r.kind in ANSWERS) == (one.kind in ANSWERS)]
        return registry.register(*side)

    return [related(result) for result in results]


def _check_kinds(results: Sequence[Result]) -> None:
    from safemap.maps.layers import check_result

    if not results:
        raise ConfigError("Nothing to write: give at least one result of areas, such as area_rates returns.")
    for result in results:
        if getattr(result, "kind", None) == "density":
            raise ConfigError("A density is a surface, not a table of areas: write it with write_surface.")
        check_result(result)


def _frames(results: Sequence[Result], rules: Sequence[Registry]) -> list[pd.DataFrame]:
    """Frames after the registry, all in the order of the first."""
    ids = results[0].frame.index
    frames = []
    for result, rule in zip(results, rules, strict=True):
        frame = rule.apply(result.frame.drop(columns="geometry", errors="ignore"))
        if len(frame) != len(ids) or not frame.index.isin(ids).all():
            raise AlignmentError(
                f"{result.kind} has {len(frame):,} areas and the first result {len(ids):,}, or other ids: "
                "compute all results from the same areas."
            )
        frames.append(frame.reindex(ids))
    return frames


def _layers(
    results: Sequence[Result],
    rules: Sequence[Registry],
    names: Sequence[str | Mapping[str, str] | None] | None,
    breaks: Sequence[float] | None,
) -> list[Layer]:
    """The layers that the maps draw of these results."""
    from safemap.maps.figures.published import make_layers
    from safemap.maps.survey_layer import layer_name

    if names is not None and len(names) != len(results):
        raise ConfigError(f"names must have one entry per result: {len(results)}; got {len(names)}.")
    called: list[Any] = []
    for number, result in enumerate(results):
        own: Any = names[number] if names is not None else None
        if own is None and result.kind in ("survey", "answers"):
            own = layer_name(result)
        elif own is None and f"layer_{result.kind}" not in words("en"):
            title = getattr(result, "title", "") or result.kind.removeprefix("local_").replace("_", " ")
            own = Message("layer_local", {"q": title})
        called.append(own)
    made: dict[int, Layer] = {}
    for rule in dict.fromkeys(rules):  # one for the records, one for the answers
        chosen = [number for number, own in enumerate(rules) if own == rule]
        side = make_layers(
            [results[n] for n in chosen], rule, names=[called[n] for n in chosen], breaks=breaks
        )
        made |= dict(zip(chosen, side, strict=True))
    return [made[number] for number in range(len(results))]


def _kind(result: Result) -> str:
    return result.kind if result.kind in PREFIX else "local"


def _prefix(results: Sequence[Result], number: int) -> str:
    """Beginning of the class fields: with a number from the second result of a kind on."""
    kind = _kind(results[number])
    nth = sum(_kind(result) == kind for result in results[: number + 1])
    return PREFIX[kind] + (str(nth) if nth > 1 else "")


def _renamed(name: str, kind: str, prefix: str) -> str:
    """Name of a field whose own is taken: ``rate_low`` becomes ``rate2_low``, ``events`` ``lm_events``."""
    start = PREFIX[kind]
    return prefix + name.removeprefix(start) if name.startswith(start) else f"{prefix}_{name}"


def _fields(result: Result) -> tuple[Field, ...]:
    base = Field("population", "population", f"base of the rates: {base_of(result)}".removesuffix(": "))
    shared: tuple[Field, ...] = (Field("name", "name", "name of the area"),)
    if result.kind not in ("survey", "answers", "change"):
        shared = (*shared, _EVENTS, base)
    return (*shared, *FIELDS[_kind(result)])


def base_of(result: Result) -> str:
    """What the column ``population`` of a result counts: residents, dwellings; empty if not said."""
    return str(result.settings.get("base", ""))


def _same(one: Any, other: Any) -> bool:
    import pandas as pd

    return bool(pd.Series(list(one)).equals(pd.Series(list(other))))


def _plain(column: pd.Series) -> Any:
    """A column with types that every GIS reads, numbers rounded to what they can bear."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(object).where(column.notna(), None)
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if column.name in WHOLE_COLUMNS and (np.isnan(values) | (values == np.round(values))).all():
        return pd.Series(values, index=column.index).astype("Int64")
    return [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values]


def _theme(
    layer: Layer, key: str, prefix: str, fields: tuple[str, ...], unit: str, language: str, *, hides: str
) -> tuple[Theme, dict[str, Any]]:
    """The theme of a layer, and its fields of the class."""
    counts = np.bincount(layer.codes, minlength=len(layer.classes))
    codes = _codes(layer.classes)
    rows = tuple(
        ClassRow(code, c.key, text(c.label, language), _colour(c), c.state, int(n))
        for code, c, n in zip(codes, layer.classes, counts, strict=True)
    )
    cares = tuple(Care(o.key, text(o.label, language), o.areas) for o in layer.overlays if o.areas)
    theme = Theme(
        key=key, title=_said(layer.name, language), unit=unit, prefix=prefix,
        fields=fields, classes=rows, line=layer.line, hides=hides, cares=cares,
    )  # fmt: skip
    columns: dict[str, Any] = {
        f"{prefix}_{part}": [getattr(rows[code], of) for code in layer.codes]
        for part, of in (("code", "code"), ("label", "label"), ("colour", "colour"))
    }
    for care in cares:
        marked = np.full(len(layer.codes), None, dtype=object)
        marked[list(care.areas)] = care.key
        columns[f"{prefix}_care"] = marked
    return theme, columns


def _colour(entry: LegendClass) -> str:
    return STATES[entry.state].ground if entry.state else entry.colour


def _said(name: Any, language: str) -> str:
    if isinstance(name, Message):
        return text(name, language)
    return name if isinstance(name, str) else str(name.get(language, next(iter(name.values()))))


def _codes(classes: Sequence[LegendClass]) -> list[int]:
    """A number for each class: a known one, or for classes with names of their own the first that is free."""
    codes: list[int | None] = []
    for entry in classes:
        start, _, end = entry.key.partition(" ")
        if start in _NUMBERED and end.isdigit():
            codes.append(_NUMBERED[start] * int(end))
        else:
            codes.append(CODES.get(entry.key.replace("_", " ") if entry.state else entry.key))
    taken = {code for code in codes if code is not None}
    free = iter([number for number in range(1, 90) if number not in taken])
    return [next(free) if code is None else code for code in codes]


def _meaning(result: Result, field: Field) -> Meaning:
    measured = {
        "rates": ("rate", "rate_low", "rate_high"),
        "smoothed_rates": ("rate_eb", "eb_low", "eb_high"),
        "survey": ("sv_est", "sv_low", "sv_high"),
    }.get(result.kind, ())
    units = {"events": "events", "population": base_of(result), "before": "events", "after": "events"}
    share = result.kind == "survey" and result.settings.get("kind", "proportion") == "proportion"
    unit = units.get(field.column, "") if field.name not in measured else str(result.settings.get("unit", ""))
    if share and field.name in measured:
        unit = "share from 0 to 1"
    words_of = result.kind.removeprefix("local_").replace("_", " ")
    source = {"name": "areas", "population": "areas"}.get(field.column) or described(result)
    return Meaning(field.meaning.format(kind=words_of), unit, source=source)


def described(result: Result) -> str:
    """How a result was made, in one line: kind, period, interval, test."""
    s = result.settings
    period = s.get("period")
    parts = [result.kind.replace("_", " ")]
    if period and not isinstance(period, str):
        parts.append(f"{period[0]} to {period[1]}")
    if s.get("interval"):
        parts.append(f"{s['interval']} interval, {float(s.get('confidence', 0.95)):.0%}")
    if s.get("permutations"):
        parts.append(f"{int(s['permutations']):,} permutations, seed {s.get('rng', 'not stated')}")
    if s.get("adjust"):
        parts.append(f"adjusted by {s['adjust']} at {float(s.get('alpha', 0.05)):g}")
    return "; ".join(parts)


def _class_meanings(theme: Theme, result: Result) -> dict[str, Meaning]:
    listed = "; ".join(f"{row.code} = {row.label}" for row in theme.classes)
    colours = "; ".join(f"{row.colour} = {row.label}" for row in theme.classes)
    source, title, start = described(result), theme.title, theme.prefix
    out = {
        f"{theme.prefix}_code": Meaning(
            f"map class of {theme.title}, as a number", theme.unit, listed, source
        ),
        f"{start}_label": Meaning(f"map class of {title}, in words", theme.unit, "", source),
        f"{start}_colour": Meaning(f"colour of the map class of {title}", "", colours, source),
    }
    for care in theme.cares:
        out[f"{theme.prefix}_care"] = Meaning("read with care", "", f"{care.key} = {care.label}", source)
    return out
