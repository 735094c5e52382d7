"""The one call that makes an interactive map of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.disclosure.registry import Registry
from safemap.errors import AlignmentError, ConfigError, CRSError, InputError
from safemap.i18n import LANGUAGES, NUMBER_FORMATS, Message, words
from safemap.maps import breaks as limits
from safemap.maps.context import ContextLike, read_context
from safemap.maps.geometry import BUDGET_BYTES, PRECISION, outline
from safemap.maps.layers import build_layer, check_result, value_breaks
from safemap.maps.page import SafemapPage, clean_text
from safemap.maps.states import STATES

if TYPE_CHECKING:
    import folium
    import geopandas as gpd
    import pandas as pd

    from safemap._typing import Audience, Language
    from safemap.audit import Audit
    from safemap.results import Result

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
)


def explore(
    *results: Result,
    m: folium.Map | None = None,
    title: str | None = None,
    names: Sequence[str | None] | None = None,
    language: Language = "en",
    audience: Audience = "internal",
    context: ContextLike = None,
    neighbours: ContextLike = None,
    k: int | None = None,
    registry: Registry | None = None,
    place: str | None = None,
    source: str | None = None,
    methods: str | Sequence[tuple[str, str]] | None = None,
    disclaimer: str | None = None,
    breaks: Sequence[float] | None = None,
    controls: Sequence[str] | None = None,
    budget: int = BUDGET_BYTES,
    area_names: gpd.GeoDataFrame | None = None,
) -> folium.Map:
    """An interactive map of one or more results, as a ``folium.Map`` one can go on using.

    Layers are chosen on the left, each with a legend of its own that counts the areas in every class;
    hovering, clicking, the arrow keys and the search box show a card; the same figures stand in a table. No
    tiles, no points of incidents, and only the columns of :data:`safemap.maps.layers.SHOWN_COLUMNS`.
    :func:`safemap.save_map` writes the map as one file that needs no network.

    Parameters
    ----------
    *results : Result
        What :func:`~safemap.area_rates`, :func:`~safemap.smooth_rates`, :func:`~safemap.local_moran` and
        :func:`~safemap.local_getis_ord` return, all for the same areas.
    m : folium.Map, optional
        A map to add to; without it a new one is made.
    title : str, optional
        Heading. Say what was recorded and where.
    names : sequence of str, optional
        Names of the layers, in the order of `results`; None keeps the usual name.
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
    k : int, optional
        Counts from 1 to ``k - 1`` are withheld; 5 if not given. Not together with `registry`.
    registry : Registry, optional
        The registry of withheld cells that the tables use too.
    place : str, optional
        Name of the study area, for the sentence that states the finding.
    source : str, optional
        Where the data come from, shown in the footer.
    methods : str or sequence of (heading, text), optional
        What the methods drawer says after the account of the rows.
    disclaimer : str, optional
        Words to show instead of the neutral ones about boundaries.
    breaks : sequence of float, optional
        Four lower limits of the classes of rates; round numbers are chosen if not given.
    controls : sequence of str, optional
        Which of :data:`CONTROLS` to show; all if not given.
    budget : int
        Bytes the outlines may take; beyond it they are simplified together, so that neighbours keep their
        border.
    area_names : GeoDataFrame, optional
        Areas from ``read_areas(names={"ru": column, ...})``: their columns ``name_<language>`` are the names
        of the areas where the page is read in that language.

    Returns
    -------
    folium.Map

    Raises
    ------
    AlignmentError
        The results are not about the same areas.
    PrivacyError
        `audience` is ``"public"``.

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
    rules = _registry(registry, k, audience)
    _check_options(results, names, language, controls)
    first = _check_alignment(results)
    frames = _published(results, rules)
    chosen = limits.check_breaks(breaks) if breaks is not None else value_breaks(results, frames)
    period = next((r.settings["period"] for r in results if r.settings.get("period")), None)
    layers = [
        build_layer(
            result, frame, key=key, name=name, breaks=chosen, k=rules.k, place=_text(place), period=period
        )
        for result, frame, (key, name) in zip(results, frames, _layer_names(results, names), strict=True)
    ]
    outlines = outline(first, budget=budget)
    data: dict[str, Any] = {
        "title": _text(title),
        "language": language,
        "place": _text(place),
        "source": _text(source, longest=1_000),
        "disclaimer": _text(disclaimer, longest=1_000),
        "methods": _methods(methods),
        "controls": list(CONTROLS if controls is None else controls),
        "names": _area_names(first),
        "names_in": _translated_names(area_names, first),
        "population": _population(first),
        "geometry": {
            "areas": outlines.areas,
            "study": outlines.study,
            "labels": outlines.labels,
            "bounds": list(outlines.bounds),
            "unit": PRECISION,
            "tolerance": round(outlines.tolerance),
        },
        "context": read_context(context, bounds=outlines.bounds, study=first, neighbours=neighbours),
        "layers": [layer.to_dict() for layer in layers],
        "states": {key: state.to_dict() for key, state in STATES.items()},
        "audit": _audit(results),
        "words": {code: words(code) for code in LANGUAGES},
        "numbers": NUMBER_FORMATS,
        "version": _version(),
    }
    target = _new_map(outlines.bounds) if m is None else _check_map(m)
    target.add_child(SafemapPage(data), name="safemap")
    return target


def _registry(registry: Registry | None, k: int | None, audience: Audience) -> Registry:
    if registry is not None and k is not None:
        raise ConfigError("Give k or registry, not both: the registry has its own k.")
    if registry is None:
        return Registry(audience=audience) if k is None else Registry(k=k, audience=audience)
    if audience != "internal" and audience != registry.audience:
        raise ConfigError(f"audience is {audience!r} but the registry was made for {registry.audience!r}.")
    return registry


def _check_options(
    results: Sequence[Result],
    names: Sequence[str | None] | None,
    language: str,
    controls: Sequence[str] | None,
) -> None:
    if not results:
        raise ConfigError("explore() needs at least one result, such as what area_rates returns.")
    for result in results:
        check_result(result)
    if names is not None and len(names) != len(results):
        raise ConfigError(f"names must have one entry per result ({len(results)}); got {len(names)}.")
    if language not in LANGUAGES:
        raise ConfigError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")
    unknown = sorted(set(controls or ()) - set(CONTROLS))
    if unknown:
        raise ConfigError(f"controls may be {', '.join(CONTROLS)}; got {', '.join(map(repr, unknown))}.")


def _check_alignment(results: Sequence[Result]) -> gpd.GeoDataFrame:
    """The frame all others agree with: same ids (in any order) and the same outlines."""
    first: Any = results[0].frame
    if getattr(first, "geometry", None) is None or getattr(first, "crs", None) is None:
        raise CRSError("A map needs results whose frame has outlines and a coordinate reference system.")
    if not len(first):
        raise InputError("The results have no areas: there is nothing to draw.")
    if not first.index.is_unique:
        raise AlignmentError(f"Area ids must be unique; {int(first.index.duplicated().sum())} are repeated.")
    for position, result in enumerate(results[1:], start=2):
        frame: Any = result.frame
        lost = first.index.difference(frame.index)
        extra = frame.index.difference(first.index)
        if len(lost) or len(extra) or len(frame) != len(first):
            raise AlignmentError(
                f"All results of one map must be about the same areas: result {position} ({result.kind}) "
                f"lacks {len(lost)} area(s), e.g. {lost[:3].tolist()}, and has {len(extra)} others, "
                f"e.g. {extra[:3].tolist()}. Compute all of them from one set of areas.",
                missing=lost.tolist()[:100],
                unexpected=extra.tolist()[:100],
            )
        other = frame.geometry.reindex(first.index)
        if other.crs != first.crs:
            raise AlignmentError(
                f"Result {position} ({result.kind}) uses {other.crs}, the first one {first.crs}."
            )
        if not first.geometry.geom_equals(other, align=False).all():
            raise AlignmentError(f"Result {position} ({result.kind}) has other outlines than the first one.")
    return first


def _published(results: Sequence[Result], rules: Registry) -> list[pd.DataFrame]:
    """Frames after the registry, in one order of areas; what one layer hides is hidden in all."""
    import pandas as pd

    index = results[0].frame.index
    frames = [pd.DataFrame(r.frame.drop(columns=r.frame.geometry.name)).reindex(index) for r in results]
    shared = rules.register(*frames)
    return [shared.apply(frame) for frame in frames]


def _layer_names(
    results: Sequence[Result], names: Sequence[str | None] | None
) -> list[tuple[str, str | Message]]:
    """Key and name of each layer; a second layer of one kind gets a number unless the caller names it."""
    out: list[tuple[str, str | Message]] = []
    for position, result in enumerate(results):
        nth = sum(r.kind == result.kind for r in results[: position + 1])
        given = names[position] if names is not None else None
        name: str | Message = Message(f"layer_{result.kind}")
        if given is not None:
            name = clean_text(given)
        elif nth > 1:
            name = Message("numbered", {"n": str(nth), "name": {"k": f"layer_{result.kind}"}})
        out.append((result.kind if nth == 1 else f"{result.kind}-{nth}", name))
    return out


def _area_names(areas: gpd.GeoDataFrame, column: str = "name") -> list[str]:
    """Names as shown; the id stands in for a missing one and beside one that occurs twice."""
    import pandas as pd

    ids = [clean_text(i) for i in areas.index]
    if column not in areas.columns:
        return ids
    names = [i if pd.isna(n) else clean_text(n) or i for n, i in zip(areas[column], ids, strict=True)]
    twice = pd.Series(names).duplicated(keep=False).tolist()
    return [f"{n} ({i})" if t and n != i else n for n, i, t in zip(names, ids, twice, strict=True)]


def _translated_names(given: gpd.GeoDataFrame | None, areas: gpd.GeoDataFrame) -> dict[str, list[str]]:
    """Language -> names of the areas in it, in their order."""
    if given is None:
        return {}
    lost = areas.index.difference(given.index)
    if len(lost):
        raise AlignmentError(
            f"area_names lacks {len(lost)} of the areas of the results, e.g. {lost[:3].tolist()}. Give the "
            "areas that the results were computed from."
        )
    found = {code: f"name_{code}" for code in LANGUAGES if f"name_{code}" in given.columns}
    return {code: _area_names(given.loc[areas.index], column) for code, column in found.items()}


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


def _audit(results: Sequence[Result]) -> dict[str, Any] | None:
    """Rows in, set aside by reason, placed: the ladder of the methods drawer."""
    audit: Audit | None = next((r.audit for r in results if r.audit is not None), None)
    if audit is None or not audit.n_in:
        return None
    reasons = audit.by_reason()
    return {
        "read": audit.n_in,
        "aside": [
            [str(code), int(r.rows), r.text]
            for code, r in zip(reasons.index, reasons.itertuples(), strict=True)
        ],
        "placed": audit.n_placed,
        "hit_rate": audit.hit_rate if np.isfinite(audit.hit_rate) else None,
    }


def _text(value: str | None, *, longest: int = 300) -> str | None:
    return None if value is None else clean_text(value, longest=longest)


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
