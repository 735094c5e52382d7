"""Places that people name as unsafe: texts matched to areas, each respondent counted once for each place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from safemap.errors import InputError
from safemap.geo.polygons import require_areas, with_text_ids
from safemap.intake.columns import is_missing, require_columns
from safemap.intake.placenames import PlaceMatches, match_places
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from safemap._typing import AreasLike


@dataclass(frozen=True, eq=False, repr=False)
class PerceivedPlacesResult(Result):
    """Mentions of places by area.

    Attributes
    ----------
    frame : geopandas.GeoDataFrame
        One row per area, in their order: ``name`` where known, ``mentions``, ``respondents`` (different
        people who named it; missing where no respondent is known), ``geometry``. Areas nobody named have 0.
    by_band : pandas.DataFrame or None
        Mentions by area (rows) and time band (columns), where bands were given.
    matches : PlaceMatches
        How each text was matched, with suggestions for those that were not.
    unmatched : pandas.DataFrame
        Texts without an area, most mentioned first: ``place``, ``mentions``, ``why_not``.
    """

    kind: ClassVar[str] = "perceived_places"

    by_band: pd.DataFrame | None = None
    matches: PlaceMatches = None  # type: ignore[assignment]  # perceived_places always gives them
    unmatched: pd.DataFrame = None  # type: ignore[assignment]

    def _headline(self) -> str:
        s = self.settings
        named = int((self.frame["mentions"] > 0).sum())
        return (
            f"Places named: {s['matched']:,} of {s['mentions']:,} mentions belong to an area (coverage "
            f"{s['coverage']:.1%}); {named:,} of {len(self.frame):,} areas were named; "
            f"{len(self.unmatched):,} texts were not matched"
        )


def perceived_places(
    mentions: pd.DataFrame,
    areas: AreasLike,
    *,
    place: str,
    respondent: str | None = None,
    count: str | None = None,
    band: str | None = None,
    mapping: Mapping[str, str] | str | Path | None = None,
    sound: bool = True,
) -> PerceivedPlacesResult:
    """Count how often each area was named as a place where crime happens.

    What people name is a perception of places, not a record of events: the counts say who was named by how
    many, and no rate, interval or test is derived from them.

    Parameters
    ----------
    mentions : pandas.DataFrame
        One row per mention, or per place and number of mentions.
    areas : geopandas.GeoDataFrame or Result
        From :func:`read_areas`.
    place : str
        Column of `mentions` with the text of the place.
    respondent : str, optional
        Column that tells people apart; somebody who names a place twice counts once among its
        ``respondents``.
    count : str, optional
        Column with the number of mentions of a row; 1 unless given. Not together with `respondent`.
    band : str, optional
        Column with the time of day or week that was named.
    mapping : mapping or path, optional
        Gazetteer: alias to area id, confirmed by a person (see :func:`match_places`).
    sound : bool
        As in :func:`match_places`.

    Returns
    -------
    PerceivedPlacesResult
        The mentions of the areas, the unmatched texts and nothing else add up to all mentions.

    Raises
    ------
    InputError
        If a column is missing, or a number of mentions is not a whole number of 0 or more.

    References
    ----------
    Curtis, J. W. (2012). Integrating sketch maps with GIS to explore fear of crime in the urban environment.
    Cartography and Geographic Information Science 39, 175-186. doi:10.1559/15230406394175

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import read_areas
    >>> frame = gpd.GeoDataFrame(
    ...     {"id": ["1", "2"], "name": ["Mlango Kubwa", "Huruma"]},
    ...     geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)],
    ...     crs=4326,
    ... )
    >>> said = pd.DataFrame({"who": [1, 1, 2, 3], "where": ["huruma", "Huruma", "HURUMA ward", "the bridge"]})
    >>> wards = read_areas(frame, id="id", name="name")
    >>> found = perceived_places(said, wards, place="where", respondent="who")
    >>> found.frame[["mentions", "respondents"]].values.tolist(), found.settings["coverage"]
    ([[0, 0], [3, 2]], 0.75)
    """
    import pandas as pd

    require_columns(
        mentions.columns,
        {"place": place, "respondent": respondent, "count": count, "band": band},
        source="mentions",
    )
    if respondent is not None and count is not None:
        raise InputError(
            "Give respondent= (one row per mention) or count= (rows already added up), not both."
        )
    base = with_text_ids(require_areas(areas))
    numbers = _numbers(mentions, count)
    matches = match_places(mentions[place].reset_index(drop=True), base, mapping=mapping, sound=sound)
    area = matches.frame["area_id"].to_numpy(dtype=object)
    matched = pd.notna(area)
    table = base[[c for c in ("name", "geometry") if c in base.columns]].copy()
    ids = base.index.astype(str)
    table.insert(len(table.columns) - 1, "mentions", _sums(numbers[matched], area[matched], ids))
    people = _people(mentions, respondent, area, matched, ids)
    table.insert(len(table.columns) - 1, "respondents", people)
    missing = pd.DataFrame(
        {"place": matches.frame["given"], "mentions": numbers, "why_not": matches.frame["why_not"]}
    )[~matched]
    unmatched = (
        missing.groupby("place", dropna=False, sort=False)
        .agg(mentions=("mentions", "sum"), why_not=("why_not", "first"))
        .sort_values("mentions", ascending=False, kind="stable")
        .reset_index()
    )
    total = int(numbers.sum())
    settings = {
        "place": place, "respondent": respondent, "band": band, "mentions": total,
        "matched": int(numbers[matched].sum()),
        "coverage": float(numbers[matched].sum() / total) if total else float("nan"),
        "source_type": "survey", "spatial_basis": "place_name",
    }  # fmt: skip
    bands = None if band is None else _by_band(mentions[band], numbers, area, matched, ids)
    return PerceivedPlacesResult(
        frame=table, settings=settings, by_band=bands, matches=matches, unmatched=unmatched
    )


def _numbers(mentions: pd.DataFrame, count: str | None) -> np.ndarray:
    import pandas as pd

    if count is None:
        return np.ones(len(mentions), dtype=np.int64)
    given = pd.to_numeric(mentions[count], errors="coerce").to_numpy(dtype=float)
    bad = ~np.isfinite(given) | (given < 0) | (given != np.rint(given))
    if bad.any():
        rows = mentions.index[bad][:3].tolist()
        raise InputError(
            f"{count!r} must be whole numbers of 0 or more; it is not in rows {rows}.", rows=rows
        )
    return given.astype(np.int64)


def _sums(numbers: np.ndarray, area: np.ndarray, ids: pd.Index) -> np.ndarray:
    return np.bincount(ids.get_indexer(area), weights=numbers, minlength=len(ids)).astype(np.int64)


def _people(
    mentions: pd.DataFrame, respondent: str | None, area: np.ndarray, matched: np.ndarray, ids: pd.Index
) -> pd.Series:
    """Different respondents of each area; a mention without a respondent stands for one person."""
    import pandas as pd

    if respondent is None:
        return pd.array([pd.NA] * len(ids), dtype="Int64")
    who = mentions[respondent].reset_index(drop=True)
    nameless = is_missing(who)
    key = (
        who.astype(object)
        .astype(str)
        .where(~nameless, "row " + who.index.astype(str).to_series(index=who.index))
    )
    pairs = pd.DataFrame({"who": key, "nameless": nameless, "area": area})[matched].drop_duplicates()
    return pd.array(_sums(np.ones(len(pairs)), pairs["area"].to_numpy(dtype=object), ids), dtype="Int64")


def _by_band(
    bands: pd.Series, numbers: np.ndarray, area: np.ndarray, matched: np.ndarray, ids: pd.Index
) -> pd.DataFrame:
    import pandas as pd

    words = bands.reset_index(drop=True).astype(object)
    words = words.where(~is_missing(words), "(not said)").astype(str)
    long = pd.DataFrame({"area_id": area, "band": words, "n": numbers})[matched]
    wide = long.groupby(["area_id", "band"])["n"].sum().unstack(fill_value=0)
    return wide.reindex(ids, fill_value=0).rename_axis(index="area_id", columns=None)
