"""The one call that makes an interactive map of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError
from safemap.i18n import LANGUAGES, NUMBER_FORMATS
from safemap.maps.context import ContextLike, read_context
from safemap.maps.geometry import BUDGET_BYTES, PRECISION, outline
from safemap.maps.layer import as_text
from safemap.maps.layering import (
    check_counts,
    given_breaks,
    limits_by_scheme,
    make_layers,
    page_layer,
    texts_of,
)
from safemap.maps.layering import warn_of_few as warn_of_few  # printed maps ask for it here
from safemap.maps.layers import check_result
from safemap.maps.options import add_tiles, check_k, hidden_parts, refuse, set_size
from safemap.maps.page import SafemapPage, clean_text, page_words
from safemap.maps.periods import ALL, Entry, read_entries
from safemap.maps.states import OVERLAYS, STATES
from safemap.maps.study import accounts, names_by_language, study_of
from safemap.maps.withholding import publish

if TYPE_CHECKING:
    import folium
    import geopandas as gpd

    from safemap._typing import AreasLike, Audience, Language
    from safemap.maps.breaks import Scheme
    from safemap.maps.periods import Shown

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
    scheme: Scheme | None = None,
    tiles: Any = None,
    attr: str | None = None,
    tooltip: bool = True,
    popup: bool = True,
    legend: bool = True,
    width: float | str | None = None,
    height: float | str | None = None,
    controls: Sequence[str] | None = None,
    budget: int = BUDGET_BYTES,
    **others: Any,
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
    scheme : {"quantiles", "equal_interval", "natural_breaks", "mean_multiples"}, optional
        How the limits of rates and shares are chosen instead of round numbers. Such limits change from
        map to map; natural breaks (Fisher and Jenks) say in the methods how much they explain.
        Multiples of the average are for rates only.
    tiles, attr : optional
        Tiles under the areas and whose they are, as in ``GeoDataFrame.explore``. They need a network.
    tooltip, popup, legend : bool
        False leaves out the card at the pointer, the pinned card, or the legend.
    width, height : number or str, optional
        Size of the frame in a notebook; a number is in pixels.
    controls : sequence of str, optional
        Which of :data:`CONTROLS` to show; all if not given.
    budget : int
        Bytes the outlines may take; beyond it they are simplified together, so that neighbours keep their
        border.
    **others
        None: options of ``GeoDataFrame.explore`` that have no place here are refused with the reason.

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
    refuse(others)
    check_k(k, scheme)
    hidden = hidden_parts(tooltip=tooltip, popup=popup, legend=legend)
    rules = registry_for(registry, k, audience)
    entries = read_entries(results)
    _check_options(entries, names, language, controls)
    study = study_of([r for e in entries for r in e.results], areas)
    frames = publish(entries, rules)
    chosen = given_breaks(breaks)
    chosen, notes = limits_by_scheme(scheme, chosen, entries, frames)
    layers = make_layers(entries, frames, names, chosen, k=rules.k, place=texts_of(place))
    check_counts(layers, len(study.frame))
    audits, audit_of = accounts(entries)
    first = study.frame
    outlines = outline(first, budget=budget)
    data: dict[str, Any] = {
        "title": in_language(language, title),
        "titles": title_by if (title_by := texts_of(title)) and not isinstance(title_by, str) else None,
        "language": language,
        "place": None if (where := texts_of(place)) is None else as_text(where),
        "source": _text(source, longest=1_000),
        "disclaimer": _text(disclaimer, longest=1_000),
        "methods": _methods(methods),
        "controls": list(CONTROLS if controls is None else controls),
        "hidden": hidden,
        "notes": notes,
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
        "layers": [page_layer(*one) for one in zip(entries, layers, audit_of, strict=True)],
        "states": {key: state.to_dict() for key, state in {**STATES, **OVERLAYS}.items()},
        "audits": audits,
        "numbers": NUMBER_FORMATS,
        "version": _version(),
    }
    data |= _beside(compare, data["layers"])
    data["words"] = page_words(data)
    target = _new_map(outlines.bounds) if m is None else _check_map(m)
    add_tiles(target, tiles, attr)
    set_size(target, width, height)
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


def in_language(language: str, value: str | Mapping[str, str] | None) -> str | None:
    texts = texts_of(value)
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
