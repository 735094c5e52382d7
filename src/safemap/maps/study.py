"""What a map is about: the areas all layers share, their names by language, and where the rows went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap.errors import AlignmentError, ConfigError, CRSError, InputError
from safemap.i18n import LANGUAGES
from safemap.maps.density_layer import check_place, study_area
from safemap.maps.page import clean_text

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap._typing import AreasLike
    from safemap.maps.periods import Entry
    from safemap.results import Result

#: Kinds of results that rest on answers; all others rest on recorded events.
ANSWERS = ("survey", "answers")


class Study(NamedTuple):
    """The areas of a map."""

    frame: gpd.GeoDataFrame  #: outlines, in the order in which the page lists them
    names: list[str]  #: as shown where a language has no name of its own
    named: bool  #: False where the only area is the study area of a density
    columns: pd.DataFrame  #: further columns by area, for names in other languages


def study_of(results: Sequence[Result], areas: AreasLike | None) -> Study:
    """The areas of all results, checked to be the same; for densities alone, those given or all cells."""
    on_areas = [r for r in results if r.kind != "density"]
    given: Any = getattr(areas, "frame", areas)
    if on_areas:
        first = _check_alignment(on_areas)
    elif given is not None:
        first = _check_outlines(given)
    else:
        first = study_area(results[0])
    if given is not None and on_areas:
        _check_complete(given, first)
    for result in results:
        if result.kind == "density":
            check_place(result, first)
    columns = first if given is None else given.reindex(first.index)
    named = bool(on_areas) or given is not None
    return Study(first, _area_names(first if "name" in first.columns else columns), named, columns)


def _check_alignment(results: Sequence[Result]) -> gpd.GeoDataFrame:
    """The frame all others agree with: same ids (in any order) and the same outlines."""
    first = _check_outlines(results[0].frame)
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
        if not _same_outlines(first, other):
            raise AlignmentError(f"Result {position} ({result.kind}) has other outlines than the first one.")
    return first


def _same_outlines(first: Any, other: Any) -> bool:
    """Vertex by vertex where possible; only outlines that differ so are compared as shapes, which is slow."""
    import shapely

    one, two = np.asarray(first.geometry.array), np.asarray(other.array)
    differ = ~shapely.equals_identical(one, two)
    return bool(shapely.equals(one[differ], two[differ]).all())


def _check_complete(given: Any, areas: gpd.GeoDataFrame) -> None:
    lost = areas.index.difference(given.index)
    if len(lost):
        raise AlignmentError(
            f"areas and area_names must hold the areas of the results; {len(lost)} are missing, e.g. "
            f"{lost[:3].tolist()}. Give the areas that the results were computed from.",
            missing=lost.tolist()[:100],
        )


def _check_outlines(frame: Any) -> gpd.GeoDataFrame:
    if getattr(frame, "geometry", None) is None or getattr(frame, "crs", None) is None:
        raise CRSError("A map needs results whose frame has outlines and a coordinate reference system.")
    if not len(frame):
        raise InputError("The results have no areas: there is nothing to draw.")
    if not frame.index.is_unique:
        raise AlignmentError(f"Area ids must be unique; {int(frame.index.duplicated().sum())} are repeated.")
    return frame


def _area_names(areas: pd.DataFrame) -> list[str]:
    """Names as shown; the id stands in for a missing one and beside one that occurs twice."""
    import pandas as pd

    ids = [clean_text(i) for i in areas.index]
    if "name" not in areas.columns:
        return ids
    names = [i if pd.isna(n) else clean_text(n) or i for n, i in zip(areas["name"], ids, strict=True)]
    return [name or "" for name in _told_apart(names, ids)]


def _told_apart(names: Sequence[str | None], ids: Sequence[str]) -> list[str | None]:
    """Names with the id beside those that occur twice."""
    import pandas as pd

    twice = pd.Series(names, dtype=object).duplicated(keep=False).tolist()
    return [f"{n} ({i})" if n and t and n != i else n for n, i, t in zip(names, ids, twice, strict=True)]


def names_by_language(
    study: Study, asked: Mapping[str, Any] | pd.DataFrame | None
) -> dict[str, list[str | None]]:
    """Language -> name of each area in it, None where it has none.

    Parameters
    ----------
    study : Study
    asked : mapping or GeoDataFrame, optional
        Language to a Series or mapping by area id, or to a column of the areas; or areas with columns
        ``name_<language>``. Such columns of the areas are taken without being asked for.
    """
    import pandas as pd

    frames = [study.columns, *([asked] if isinstance(asked, pd.DataFrame) else [])]
    if len(frames) > 1:
        _check_complete(frames[1], study.frame)
    sources: dict[str, Any] = {
        code: frame[f"name_{code}"]
        for frame in frames
        for code in LANGUAGES
        if f"name_{code}" in frame.columns
    }
    sources |= asked if isinstance(asked, Mapping) else {}
    unknown = sorted(set(sources) - set(LANGUAGES))
    if unknown:
        raise ConfigError(f"area_names may be given in {', '.join(LANGUAGES)}; got {', '.join(unknown)}.")
    ids = [clean_text(i) for i in study.frame.index]
    return {code: _told_apart(_names_from(source, study), ids) for code, source in sources.items()}


def _names_from(source: Any, study: Study) -> list[str | None]:
    import pandas as pd

    if isinstance(source, str):
        column = study.columns.get(source, study.frame.get(source))
        if column is None:
            raise InputError(f"area_names: the areas have no column {source!r}.")
        source = column
    if not isinstance(source, pd.Series | Mapping):
        raise ConfigError(
            f"area_names takes a column, or a Series or mapping by area id; got {type(source).__name__}."
        )
    found = [source.get(i) for i in study.frame.index]
    if not any(isinstance(name, str) for name in found):
        raise AlignmentError(
            "area_names holds no name for any of the areas: its ids must be those of the areas."
        )
    return [None if not isinstance(n, str) else clean_text(n) or None for n in found]


def accounts(entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], list[list[int | None]]]:
    """Where the rows went: once for all layers of records, and once for each survey layer and each period.

    Returns
    -------
    ladders : list of dict
    own : list of lists
        Per entry and result, which ladder is its own; None where nothing is known.
    """
    ladders: list[dict[str, Any]] = []

    def number(ladder: dict[str, Any] | None) -> int | None:
        if ladder is None:
            return None
        if ladder not in ladders:
            ladders.append(ladder)
        return ladders.index(ladder)

    single = sorted((e.results[0] for e in entries if not e.labels), key=lambda r: r.kind == "density")
    records = next((lad for r in single if r.kind not in ANSWERS and (lad := _ladder(r))), None)
    if records is None:
        totals = (_total_ladder(e) for e in entries if e.total is not None and e.kind not in ANSWERS)
        records = next((lad for lad in totals if lad), None)
    own = []
    for e in entries:
        found = [_ladder(r) for r in e.results]
        if e.total is not None:
            found[0] = _total_ladder(e)
        elif not e.labels and e.kind not in ANSWERS:
            found = [records]
        own.append([number(ladder) for ladder in found])
    return ladders, own


def _total_ladder(entry: Entry) -> dict[str, Any] | None:
    """Rows of all periods together: one file was read, and what no period took is outside all of them."""
    given = _ladder(entry.results[0])
    each = [lad for r in entry.results[1:] if (lad := _ladder(r))]
    if given or len(each) < len(entry.results) - 1:
        return given
    first = each[0]
    placed = sum(ladder["placed"] for ladder in each)
    aside = [step for step in first["aside"] if step[0] != "outside_period"]
    left = first["read"] - placed - sum(step[1] for step in aside)
    same = all(
        ladder["read"] == first["read"] and [s for s in ladder["aside"] if s[0] != "outside_period"] == aside
        for ladder in each
    )
    if not same or left < 0:
        return None
    outside = next((s for s in first["aside"] if s[0] == "outside_period"), None)
    kept = aside if not left or outside is None else [*aside, [outside[0], left, outside[2]]]
    if left and outside is None:
        return None
    return {**first, "placed": placed, "aside": kept, "hit_rate": None}


def _ladder(result: Result) -> dict[str, Any] | None:
    """Rows in, set aside by reason, placed: the ladder of the methods drawer; None without an audit."""
    audit: Any = result.audit
    if audit is None or not audit.n_in:
        return None
    reasons = audit.by_reason()
    answers = result.kind in ANSWERS
    return {
        "read": audit.n_in,
        "aside": [
            [str(code), int(r.rows), r.text]
            for code, r in zip(reasons.index, reasons.itertuples(), strict=True)
        ],
        "placed": audit.n_placed,
        "used": answers,
        "hit_rate": audit.hit_rate if np.isfinite(audit.hit_rate) and not answers else None,
    }
