"""The one call that makes an interactive map of results."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.disclosure.registry import Registry
from safemap.errors import AlignmentError, ConfigError, PrivacyWarning
from safemap.i18n import LANGUAGES, NUMBER_FORMATS, Message, words
from safemap.maps import breaks as limits
from safemap.maps.context import ContextLike, read_context
from safemap.maps.density_layer import density_layer
from safemap.maps.geometry import BUDGET_BYTES, PRECISION, outline
from safemap.maps.layer import Layer, as_text
from safemap.maps.layers import build_layer, check_result, share_breaks, value_breaks
from safemap.maps.page import SafemapPage, clean_text, page_words
from safemap.maps.periods import ALL, Entry, as_steps, read_entries, stack
from safemap.maps.states import OVERLAYS, STATES
from safemap.maps.study import ANSWERS, accounts, names_by_language, study_of
from safemap.maps.survey_layer import is_share, layer_name, survey_values
from safemap.maps.withholding import publish
from safemap.settings import threshold

if TYPE_CHECKING:
    import folium
    import geopandas as gpd
    import pandas as pd

    from safemap._typing import AreasLike, Audience, Language
    from safemap.maps.periods import Shown
    from safemap.results import Result

#: From this many areas on they are drawn on a canvas instead of as elements of the page. Up to here both take
#: the same time; at 5,000 a canvas takes about half (benchmarks/maps.py).
CANVAS_FROM = 2_000
#: Parts of the page that can be switched off.
CONTROLS = (
    "search",
    "zoom",
    "scale",
    "north",
    "graticule",
    "labels",
    "table",
    "methods",
    "print",
    "language",
    "compare",
)


def explore(
    *results: Shown,
    m: folium.Map | None = None,
    title: str | Mapping[str, str] | None = None,
    names: Sequence[str | Mapping[str, str] | None] | None = None,
    language: Language = "en",
    audience: Audience = "internal",
    context: ContextLike = None,
    neighbours: ContextLike = None,
    areas: AreasLike | None = None,
    area_names: Mapping[str, Any] | gpd.GeoDataFrame | None = None,
    k: int | None = None,
    registry: Registry | None = None,
    place: str | Mapping[str, str] | None = None,
    source: str | None = None,
    methods: str | Sequence[tuple[str, str]] | None = None,
    disclaimer: str | None = None,
    breaks: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
    compare: tuple[int | str, int | str] | None = None,
    controls: Sequence[str] | None = None,
    budget: int = BUDGET_BYTES,
) -> folium.Map:
    """An interactive map of one or more results, as a ``folium.Map`` one can go on using.

    Layers are chosen on the left, each with a legend of its own that counts the areas in every class;
    hovering, clicking, the arrow keys and the search box show a card; the same figures stand in a table. No
    tiles, no points of incidents, and only the columns of :data:`safemap.maps.layers.SHOWN_COLUMNS`.
    :func:`safemap.save_map` writes the map as one file that needs no network.

    Parameters
    ----------
    *results : Result
        What :func:`~safemap.area_rates`, :func:`~safemap.smooth_rates`, :func:`~safemap.standardised_ratios`,
        :func:`~safemap.area_change`, :func:`~safemap.local_moran`, :func:`~safemap.local_getis_ord` and other
        local statistics, :func:`~safemap.survey_estimate` and :func:`~safemap.count_answers` return, all for
        the same areas; and :func:`~safemap.kernel_density`, drawn as bands under the outlines of the areas.
        Several periods of one kind, as a list or as a mapping of name to result, become one layer with a
        slider; of rates over periods without a gap the first stop is the yearly average of all, or what the
        mapping has under ``"all"`` (None for no such stop).
    m : folium.Map, optional
        A map to add to; without it a new one is made.
    title : str or mapping, optional
        Heading, of the layers that rest on the same kind of data as the first result. Say what was recorded
        and where. Survey layers on a map of records have their own name as heading. A mapping gives it by
        language, the first for the rest; so do mappings in `names` and `place`.
    names : sequence of str or mapping, optional
        Names of the layers, in the order of `results`; None keeps the usual name. Name survey layers by what
        was asked.
    language : {"en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw"}
        Language in which the page opens; the reader can switch.
    audience : {"internal", "partner"}
        For whom the map is made. ``"public"`` is refused: a withheld count could be worked out from the
        totals and from its neighbours' results, because complementary suppression is not built yet.
    context : path, GeoDataFrame, or a list or dict of them, optional
        Roads, rivers, stations for orientation. Only geometry and a column ``name`` are used; a dict gives
        each of them a name, and a tuple ``(data, column)`` says which column holds the names.
    neighbours : path, GeoDataFrame, or a list or dict of them, optional
        Areas around the study area, drawn as plain land with their names: the districts the areas lie in,
        such as ``joined.levels``. What lies under the areas is left out.
    areas : GeoDataFrame or Result, optional
        The outlines to draw where `results` are densities only.
    area_names : mapping or GeoDataFrame, optional
        Names of the areas where the page is read in another language. Either areas from
        ``read_areas(names={"ru": column, ...})``, or a mapping of language to a Series or mapping by area id
        or to a column of `areas`. What has no name in a language keeps its ``name``; the search finds all.
    k : int, optional
        Counts from 1 to ``k - 1`` are withheld; 5 if not given. Not together with `registry`.
    registry : Registry, optional
        The registry of withheld cells that the tables use too.
    place : str or mapping, optional
        Name of the study area, for the sentence that states the finding.
    source : str, optional
        Where the data come from, shown in the footer.
    methods : str or sequence of (heading, text), optional
        What the methods drawer says after the account of the rows.
    disclaimer : str, optional
        Words to show instead of the neutral ones about boundaries.
    breaks : sequence of float, or mapping, optional
        Four lower limits of the classes of rates; round numbers are chosen if not given. A mapping gives them
        for ``"rates"``, ``"survey"`` (in percent) and ``"density"`` (per km²).
    compare : tuple of two, optional
        Open with two layers side by side, on maps that move together. Each is the position of a result (0 for
        the first), or the name of a period of the first result that has several.
    controls : sequence of str, optional
        Which of :data:`CONTROLS` to show; all if not given.
    budget : int
        Bytes the outlines may take; beyond it they are simplified together, so that neighbours keep their
        border.

    Returns
    -------
    folium.Map

    Raises
    ------
    AlignmentError
        The results are not about the same areas.
    PrivacyError
        `audience` is ``"public"``, or limits for a density would show fewer events than `k`.

    Warns
    -----
    PrivacyWarning
        A density rests on fewer than 100 events.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> from safemap.analysis.rates import area_rates
    >>> areas = gpd.GeoDataFrame({"events": [0, 12, 40], "population": [900, 1000, 1200]}, crs=4326,
    ...                          geometry=[box(i / 100, 0, (i + 1) / 100, 0.01) for i in range(3)])
    >>> m = explore(area_rates(areas, per=1_000), title="Recorded burglary")
    >>> type(m).__name__
    'Map'
    """
    rules = registry_for(registry, k, audience)
    entries = read_entries(results)
    _check_options(entries, names, language, controls)
    study = study_of([r for e in entries for r in e.results], areas)
    layers = _layers(entries, publish(entries, rules), names, breaks, k=rules.k, place=_texts(place))
    _check_counts(layers, len(study.frame))
    audits, audit_of = accounts(entries)
    first = study.frame
    outlines = outline(first, budget=budget)
    data: dict[str, Any] = {
        "title": in_language(language, title),
        "titles": title_by if (title_by := _texts(title)) and not isinstance(title_by, str) else None,
        "language": language,
        "place": None if (where := _texts(place)) is None else as_text(where),
        "source": _text(source, longest=1_000),
        "disclaimer": _text(disclaimer, longest=1_000),
        "methods": _methods(methods),
        "controls": list(CONTROLS if controls is None else controls),
        "names": study.names,
        "names_in": names_by_language(study, area_names),
        "population": _population(first),
        "geometry": {
            "areas": outlines.areas,
            "study": outlines.study,
            "labels": outlines.labels if study.named else [[x, y, 0] for x, y, _ in outlines.labels],
            "bounds": list(outlines.bounds),
            "unit": PRECISION,
            "tolerance": round(outlines.tolerance),
            "unmatched": outlines.unmatched,
            "canvas": len(first) >= CANVAS_FROM,
        },
        "context": read_context(context, bounds=outlines.bounds, study=first, neighbours=neighbours),
        "layers": [_page_layer(*one) for one in zip(entries, layers, audit_of, strict=True)],
        "states": {key: state.to_dict() for key, state in {**STATES, **OVERLAYS}.items()},
        "audits": audits,
        "numbers": NUMBER_FORMATS,
        "version": _version(),
    }
    data |= _beside(compare, data["layers"])
    data["words"] = page_words(data)
    target = _new_map(outlines.bounds) if m is None else _check_map(m)
    target.add_child(SafemapPage(data), name="safemap")
    return target


def _beside(compare: tuple[int | str, int | str] | None, layers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Which layer and period the page opens with, and which stands beside it."""
    if compare is None:
        return {"first": None, "compare": None}
    if not isinstance(compare, tuple | list) or len(compare) != 2:
        raise ConfigError(f"compare takes two layers or periods, such as (0, 1); got {compare!r}.")
    first, second = (_stop(one, layers) for one in compare)
    return {"first": first, "compare": second}


def _stop(wanted: int | str, layers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(layers):
        return {"layer": layers[wanted]["id"], "step": 0}
    stepped = next((layer for layer in layers if "steps" in layer), {"steps": [], "id": ""})
    names = [ALL if step["label"].get("k") else step["label"]["t"] for step in stepped["steps"]]
    if isinstance(wanted, str) and wanted in names:
        return {"layer": stepped["id"], "step": names.index(wanted)}
    periods = f", or a period ({', '.join(names)})" if names else ""
    raise ConfigError(
        f"compare names results by position (0 to {len(layers) - 1}){periods}; {wanted!r} is none of these."
    )


def registry_for(registry: Registry | None, k: int | None, audience: Audience) -> Registry:
    if registry is not None and k is not None:
        raise ConfigError("Give k or registry, not both: the registry has its own k.")
    if registry is None:
        return Registry(audience=audience) if k is None else Registry(k=k, audience=audience)
    if audience != "internal" and audience != registry.audience:
        raise ConfigError(f"audience is {audience!r} but the registry was made for {registry.audience!r}.")
    return registry


def _check_options(
    entries: Sequence[Entry],
    names: Sequence[str | Mapping[str, str] | None] | None,
    language: str,
    controls: Sequence[str] | None,
) -> None:
    if not entries:
        raise ConfigError("explore() needs at least one result, such as what area_rates returns.")
    for result in (r for e in entries for r in e.results):
        check_result(result)
    if names is not None and len(names) != len(entries):
        raise ConfigError(f"names must have one entry per result ({len(entries)}); got {len(names)}.")
    if language not in LANGUAGES:
        raise ConfigError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")
    unknown = sorted(set(controls or ()) - set(CONTROLS))
    if unknown:
        raise ConfigError(f"controls may be {', '.join(CONTROLS)}; got {', '.join(map(repr, unknown))}.")


def _layers(
    entries: Sequence[Entry],
    frames: Sequence[Sequence[pd.DataFrame | None]],
    names: Sequence[str | Mapping[str, str] | None] | None,
    breaks: Sequence[float] | Mapping[str, Sequence[float]] | None,
    *,
    k: int,
    place: str | Mapping[str, str] | None,
) -> list[list[Layer]]:
    """Per entry its layer, or one for each period, all with the same limits."""
    pairs = [
        (r, f) for e, own in zip(entries, frames, strict=True) for r, f in zip(e.results, own, strict=True)
    ]
    known, shown = [r for r, f in pairs if f is not None], [f for _, f in pairs if f is not None]
    period = next(
        (r.settings["period"] for r, _ in pairs if r.kind not in ANSWERS and r.settings.get("period")), None
    )
    given = _given_breaks(breaks)
    rates = given.get("rates") or value_breaks(known, shown)
    shares = given.get("survey") or share_breaks(known, shown)
    out = []
    for entry, own, (key, name) in zip(entries, frames, _layer_names(entries, names), strict=True):
        if own[0] is None:
            warn_of_few(entry.results[0])
            limit = given.get("density")
            out.append(
                [density_layer(entry.results[0], key=key, name=name, breaks=limit, k=k, period=period)]
            )
            continue
        chosen = shares if is_share(entry.results[0]) else rates
        if entry.kind == "survey" and not is_share(entry.results[0]):
            values = [survey_values(r, f) for r, f in zip(entry.results, own, strict=True) if f is not None]
            chosen = limits.step_breaks(np.concatenate(values))
        made = [
            build_layer(r, f, key=key, name=name, breaks=chosen, k=k, place=place, period=period)
            for r, f in zip(entry.results, own, strict=True)
            if f is not None
        ]
        out.append(stack(made) if entry.labels else made)
    return out


def _check_counts(layers: Sequence[Sequence[Layer]], areas: int) -> None:
    """Every area is in one class of every layer: a legend that does not add up must not leave."""
    for layer in (one for steps in layers for one in steps if one.bands is None):
        if len(layer.codes) != areas or sum(layer.counts.values()) != areas:
            raise AlignmentError(
                f"The classes of the layer {layer.kind} hold {sum(layer.counts.values())} areas, the map "
                f"{areas}. Give results with one row for each area."
            )


def _page_layer(entry: Entry, layers: Sequence[Layer], audits: Sequence[int | None]) -> dict[str, Any]:
    """One layer as the page reads it; several periods share all but their figures."""
    steps = [{**layer.to_dict(), "audit": at} for layer, at in zip(layers, audits, strict=True)]
    return as_steps(steps, entry.labels) if entry.labels else steps[0]


def warn_of_few(density: Result) -> None:
    """A density is not among what the registry can withhold, so say when it shows single events."""
    events = int(density.settings["n_events"])
    if 0 < events < threshold("events_note"):
        warnings.warn(
            f"A density of {events} events can show where single events happened; the registry of withheld "
            "cells does not reach it. Leave the layer out, or widen the bandwidth.",
            PrivacyWarning,
            stacklevel=4,
        )


def _given_breaks(breaks: Any) -> dict[str, tuple[float, ...]]:
    if breaks is None:
        return {}
    if not isinstance(breaks, Mapping):
        return {"rates": limits.check_breaks(breaks)}
    unknown = sorted(set(map(str, breaks)) - {"rates", "survey", "density"})
    if unknown:
        raise ConfigError(f"breaks may be given for rates, survey and density; got {', '.join(unknown)}.")
    return {str(kind): limits.check_breaks(values) for kind, values in breaks.items()}


def _layer_names(
    entries: Sequence[Entry], names: Sequence[str | Mapping[str, str] | None] | None
) -> list[tuple[str, str | Mapping[str, str] | Message]]:
    """Key and name of each layer; a second layer of one name gets a number unless the caller names it."""
    out: list[tuple[str, str | Mapping[str, str] | Message]] = []
    usual: list[Message] = []
    for position, entry in enumerate(entries):
        result = entry.results[0]
        nth = sum(e.kind == entry.kind for e in entries[: position + 1])
        given = _texts(names[position]) if names is not None else None
        own = _usual_name(result)
        usual.append(own)
        again = usual.count(own)
        name: str | Mapping[str, str] | Message = own
        if given is not None:
            name = given
        elif again > 1:
            name = Message("numbered", {"n": str(again), "name": own.to_dict()})
        out.append((result.kind if nth == 1 else f"{result.kind}-{nth}", name))
    return out


def _usual_name(result: Result) -> Message:
    """What a layer is called when the caller says nothing."""
    if result.kind in ANSWERS:
        return layer_name(result)
    if f"layer_{result.kind}" in words("en"):
        return Message(f"layer_{result.kind}")
    title = getattr(result, "title", "") or result.kind.removeprefix("local_").replace("_", " ")
    return Message("layer_local", {"q": clean_text(title, longest=60)})


def _population(areas: gpd.GeoDataFrame) -> list[int | None] | None:
    import pandas as pd

    if "population" not in areas.columns:
        return None
    people = pd.to_numeric(areas["population"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return [round(float(p)) if np.isfinite(p) else None for p in people]


def _methods(methods: str | Sequence[tuple[str, str]] | None) -> list[list[str]]:
    if methods is None:
        return []
    if isinstance(methods, str):
        return [["", clean_text(part, longest=4_000)] for part in methods.split("\n\n") if part.strip()]
    return [[clean_text(heading), clean_text(body, longest=4_000)] for heading, body in methods]


def _text(value: str | None, *, longest: int = 300) -> str | None:
    return None if value is None else clean_text(value, longest=longest)


def _texts(value: str | Mapping[str, str] | None) -> str | dict[str, str] | None:
    """Text of the caller, cleaned: one, or by language."""
    if value is None or isinstance(value, str):
        return _text(value)
    if not isinstance(value, Mapping):
        return clean_text(value)
    unknown = sorted(set(map(str, value)) - set(LANGUAGES))
    if unknown or not value:
        raise ConfigError(
            f"Texts by language need one of {', '.join(LANGUAGES)}; got {', '.join(unknown) or 'none'}."
        )
    return {language: clean_text(text) for language, text in value.items()}


def in_language(language: str, value: str | Mapping[str, str] | None) -> str | None:
    texts = _texts(value)
    if texts is None or isinstance(texts, str):
        return texts
    return texts.get(language, next(iter(texts.values())))


def _version() -> str:
    from safemap import __version__

    return __version__


def _new_map(bounds: tuple[float, float, float, float]) -> folium.Map:
    """A map without tiles that needs nothing but Leaflet; its ids are fixed, so that reruns are equal."""
    import folium

    west, south, east, north = bounds
    target = folium.Map(
        location=[round((south + north) / 2, 5), round((west + east) / 2, 5)],
        zoom_start=12,
        tiles=None,
        zoom_control=False,
        attributionControl=False,
        keyboard=False,
        zoomSnap=0.25,
        zoomDelta=0.5,
        wheelPxPerZoomLevel=110,
        fadeAnimation=False,
    )
    target._id = "safemap"
    target.default_js = [link for link in target.default_js if link[0] == "leaflet"]
    target.default_css = [link for link in target.default_css if link[0] == "leaflet_css"]
    root = target.get_root()
    root._children.clear()  # the map was filed under its random name
    root.add_child(target, name="map_safemap")
    return target


def _check_map(m: Any) -> folium.Map:
    import folium

    if not isinstance(m, folium.Map):
        raise ConfigError(f"m must be a folium.Map; got {type(m).__name__}.")
    if any(isinstance(child, SafemapPage) for child in m._children.values()):
        raise ConfigError("This map already has safemap layers: give all results to one call of explore().")
    return m
