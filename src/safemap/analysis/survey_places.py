"""Survey responses in areas: by code, name or position; what does not match is listed, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from safemap.analysis.joining import JoinResult, join_areas
from safemap.errors import ConfigError, InputError
from safemap.geo.polygons import require_areas
from safemap.intake.columns import close_matches, fold, is_missing, require_columns
from safemap.intake.survey import SurveyResponses

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap._typing import AreasLike

Way = Literal["code", "name", "gps"]


@dataclass(frozen=True, eq=False, repr=False)
class PlacedResponses(JoinResult):
    """Responses with the area each belongs to; see :func:`place_responses`.

    Attributes
    ----------
    frame : pandas.DataFrame
        The responses' frame plus ``area_id`` and ``match``: ``code``, ``name`` or ``alias``; by position as
        in :func:`safemap.join_areas`; and ``unknown``, ``ambiguous``, ``missing``.
    audit : Audit
        Responses without an area are set aside; they stay in ``frame`` and in the design.
    suggestions : pandas.DataFrame or None
        One row per value that matches no area: index value; columns ``responses``, ``suggestions`` (names of
        areas that resemble it, best first).
    responses : SurveyResponses
        What was placed.
    """

    suggestions: pd.DataFrame | None = None
    responses: SurveyResponses | None = None

    def summary(self) -> str:
        """Matches, values that match no area with suggestions, and the audit."""
        lines = [super().summary()]
        if self.suggestions is not None and len(self.suggestions):
            lines.append("values that match no area (responses; suggestions, to be accepted with aliases=):")
            lines += [
                f"  {value!r} ({row.responses}; {', '.join(row.suggestions) or 'nothing resembles it'})"
                for value, row in zip(
                    self.suggestions.index[:20], self.suggestions.itertuples(), strict=False
                )
            ]
        return "\n".join(lines)

    def _headline(self) -> str:
        placed = int(self.frame["area_id"].notna().sum())
        areas = 0 if self.areas is None else len(self.areas)
        way = self.settings["placed_by"]
        return f"{placed:,} of {len(self.frame):,} responses placed in {areas:,} areas by {way}"


def place_responses(
    responses: SurveyResponses,
    areas: AreasLike,
    *,
    code: str | None = None,
    name: str | None = None,
    aliases: Mapping[str, str] | None = None,
    max_distance: float = 0.0,
) -> PlacedResponses:
    """Give every response its area: by a column with codes, by a column with names, or by its position.

    Parameters
    ----------
    responses : SurveyResponses
        From :func:`safemap.read_survey`.
    areas : GeoDataFrame or Result
        From :func:`safemap.read_areas`.
    code : str, optional
        Column with ids of areas, compared as text; leading zeros count.
    name : str, optional
        Column with names of areas, compared without regard to case, width of characters and spacing. A name
        that two areas share places nothing.
    aliases : mapping of str to str, optional
        Other spellings and the name (with `name`) or id (with `code`) that is meant; how a suggestion is
        accepted.
    max_distance : float
        By position: metres within which a response outside all areas goes to the nearest one.

    Returns
    -------
    PlacedResponses
        Without `code` and `name` the position decides.

    Raises
    ------
    InputError
        If the column is missing, or no value of it matches any area.
    ConfigError
        If both `code` and `name` are given, or an alias leads to no area.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import read_areas, read_survey
    >>> squares = gpd.GeoDataFrame({"id": ["01", "02"], "village": ["Kosovo", "Mlango Kubwa"]},
    ...                            geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
    >>> answers = read_survey(pd.DataFrame({"village": ["KOSOVO ", "Mlango Kubwa", "Mlango kuba"]}))
    >>> placed = place_responses(answers, read_areas(squares, id="id", name="village"), name="village")
    >>> placed.frame["area_id"].fillna("").tolist(), placed.suggestions["suggestions"].tolist()
    (['01', '02', ''], [['Mlango Kubwa']])
    """
    if not isinstance(responses, SurveyResponses):
        raise InputError(f"place_responses needs what read_survey gives; got {type(responses).__name__}.")
    if code is not None and name is not None:
        raise ConfigError("Give code= or name=, not both.")
    column = code if code is not None else name
    if column is None:
        return _by_position(responses, areas, max_distance, aliases)
    require_columns(
        responses.frame.columns, {"code" if code else "name": column}, source=responses.audit.source
    )
    base = require_areas(areas)
    way: Way = "code" if code is not None else "name"
    known, shared = _keys(base, way)
    accepted = _accepted(aliases or {}, known, way)
    return _by_key(responses, base, responses.frame[column], way, known, shared, accepted)


def _by_position(
    responses: SurveyResponses, areas: AreasLike, max_distance: float, aliases: Mapping[str, str] | None
) -> PlacedResponses:
    if aliases:
        raise ConfigError("aliases= belongs to name= or code=.")
    if "x" not in responses.frame.columns:
        raise InputError(
            f"{responses.audit.source} has no position: name its question with read_survey(..., "
            "location=...), or place the responses by code= or name=."
        )
    joined = join_areas(responses, areas, max_distance=max_distance)
    return PlacedResponses(
        frame=joined.frame, settings={**joined.settings, "placed_by": "position"}, audit=joined.audit,
        areas=joined.areas, levels=joined.levels, reconciliation=joined.reconciliation,
        nested=joined.nested, responses=responses,
    )  # fmt: skip


def _keys(areas: gpd.GeoDataFrame, way: Way) -> tuple[dict[str, Any], set[str]]:
    """Key to area id, and the keys that several areas share."""
    if way == "code":
        return {_code(i): i for i in areas.index}, set()
    if "name" not in areas.columns:
        raise InputError("the areas have no names: read_areas(..., name=...) says which column holds them.")
    keys = areas["name"][~is_missing(areas["name"])].map(fold)
    shared = set(keys[keys.duplicated(keep=False)])
    return {key: i for i, key in keys.items() if key not in shared}, shared


def _accepted(aliases: Mapping[str, str], known: Mapping[str, Any], way: Way) -> dict[str, Any]:
    normal = fold if way == "name" else _code
    lost = [alias for alias, meant in aliases.items() if normal(meant) not in known]
    if lost:
        raise ConfigError(
            f"aliases: {', '.join(map(repr, lost[:5]))} lead to no {way} of the areas (or to one that "
            "repeats)."
        )
    return {normal(alias): known[normal(meant)] for alias, meant in aliases.items()}


def _by_key(
    responses: SurveyResponses, areas: gpd.GeoDataFrame, column: pd.Series, way: Way,
    known: Mapping[str, Any], shared: set[str], accepted: Mapping[str, Any],
) -> PlacedResponses:  # fmt: skip
    import pandas as pd

    missing = is_missing(column).to_numpy(dtype=bool)
    keys = column.astype(object).map(fold if way == "name" else _code).where(~missing, "").tolist()
    ids = [None if gap else known.get(k, accepted.get(k)) for k, gap in zip(keys, missing, strict=True)]
    match = np.array(
        [
            "missing" if gap else way if k in known else "alias" if k in accepted
            else "ambiguous" if k in shared else "unknown"
            for k, gap in zip(keys, missing, strict=True)
        ],
        dtype=object,
    )  # fmt: skip
    if len(match) and not np.isin(match, (way, "alias")).any():
        raise InputError(
            f"{responses.audit.source}: no value of column {column.name!r} is a {way} of the areas. Name "
            "another column, or give code= for ids and name= for names."
        )
    frame = responses.frame.copy()
    frame["area_id"] = pd.Series(ids, index=frame.index, dtype=object)
    frame["match"] = match
    reasons = pd.Series(match, index=frame.index, dtype=object).map(
        {"missing": "missing_area", "unknown": "unknown_area", "ambiguous": "ambiguous_area"}
    )
    settings = {**responses.settings, "placed_by": way, "column": str(column.name), "matches": _counts(match)}
    return PlacedResponses(
        frame=frame, settings={**settings, "outside_by_distance": {}},
        audit=responses.audit.with_set_aside(reasons, step="place_responses"), areas=areas,
        suggestions=_suggestions(column, match, areas, way), responses=responses,
    )  # fmt: skip


def _counts(match: NDArray[np.object_]) -> dict[str, int]:
    values, counts = np.unique(match.astype(str), return_counts=True)
    return {"outside": 0} | {str(v): int(n) for v, n in zip(values, counts, strict=True)}


def _suggestions(
    column: pd.Series, match: NDArray[np.object_], areas: gpd.GeoDataFrame, way: Way
) -> pd.DataFrame:
    """Values without an area, how often they occur, and areas that resemble them."""
    import pandas as pd

    lost = column[np.isin(match, ("unknown", "ambiguous"))].astype(str).str.strip().value_counts()
    known = [str(v) for v in (areas["name"].dropna() if way == "name" else areas.index)]
    near = [_near(value, known, way) for value in lost.index]
    return pd.DataFrame(
        {"responses": lost.to_numpy(dtype=int), "suggestions": near},
        index=pd.Index(lost.index, name="value", dtype=object),
    )


def _near(value: str, known: list[str], way: Way) -> list[str]:
    if way == "code":  # a code that resembles another is another area; only lost zeros are a likely cause
        return [k for k in known if k.lstrip("0") == value.lstrip("0")]
    return close_matches(value, known)


def _code(value: object) -> str:
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value).strip()
