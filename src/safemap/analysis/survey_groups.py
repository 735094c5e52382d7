"""Groups of respondents: the values of a column, or a list of areas that decides which rows a result has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.analysis.survey_answers import answer_key
from safemap.analysis.survey_design import SurveyDesign
from safemap.errors import AlignmentError
from safemap.geo.polygons import require_areas
from safemap.intake.columns import is_missing

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap._typing import AreasLike


@dataclass(frozen=True)
class Groups:
    """To which group each respondent belongs."""

    index: pd.Index  #: the groups, in the order of the result
    codes: NDArray[np.int64]  #: per respondent, position in the index; -1 for none
    reasons: NDArray[np.object_] | None  #: per respondent without a group, why; "" for the others
    areas: gpd.GeoDataFrame | None = None

    @property
    def size(self) -> int:
        return len(self.index)

    def table(self, columns: Mapping[str, Any]) -> pd.DataFrame:
        """Columns by position as a frame on the groups."""
        import pandas as pd

        return pd.DataFrame(dict(columns), index=self.index)


def group_rows(design: SurveyDesign, by: str | None, areas: AreasLike | None) -> Groups:
    """Groups of the respondents: one for all, the values of `by`, or the areas."""
    import pandas as pd

    if by is None:
        return Groups(pd.Index(["all"], name="group", dtype=object), np.zeros(design.n, dtype=np.int64), None)
    column = design.frame[by]
    missing = is_missing(column).to_numpy(dtype=bool)
    if areas is not None:
        return _by_areas(design, column, missing, require_areas(areas))
    values = _in_order(column[~missing])
    codes = pd.Index(values).get_indexer(column)
    codes[missing] = -1
    reasons = np.where(missing, "missing_group", "").astype(object)
    return Groups(pd.Index(values, name=by), codes.astype(np.int64), reasons)


def lay_out(table: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """The table on its groups; with areas a GeoDataFrame with their name and outline."""
    table = table.set_axis(groups.index, axis=0)
    if groups.areas is None:
        return table
    areas = groups.areas
    frame = areas[[*(["name"] if "name" in areas.columns else []), areas.geometry.name]].copy()
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    for name in table.columns:
        frame[name] = table[name]
    frame.attrs = {}
    return frame[[c for c in frame.columns if c != "geometry"] + ["geometry"]]


def _by_areas(
    design: SurveyDesign, column: pd.Series, missing: NDArray[np.bool_], areas: gpd.GeoDataFrame
) -> Groups:
    text = column.map(_id_text).where(~missing, "")
    codes = np.where(missing, -1, areas.index.map(str).get_indexer(text))
    unknown = ~missing & (codes < 0)
    if not (codes >= 0).any() and unknown.any():
        raise AlignmentError(
            f"{design.audit.source}: no value of column {column.name!r} is an id of the areas (ids look like "
            f"{areas.index[0]!r}). Name the column with the ids with by=, or place the responses with "
            "place_responses."
        )
    reasons = np.select([missing, unknown], [_why_nowhere(design), "unknown_area"], "").astype(object)
    return Groups(areas.index, codes.astype(np.int64), reasons, areas)


def _why_nowhere(design: SurveyDesign) -> NDArray[np.object_]:
    """Why a respondent has no area: as known from placing or joining, else that none is named."""
    audit = getattr(design.responses, "audit", None)
    known = None if audit is None else audit.set_aside["reason"].reindex(design.frame.index)
    if known is None:
        return np.full(design.n, "missing_area", dtype=object)
    return known.astype(object).where(known.notna(), "missing_area").to_numpy(dtype=object)


def _in_order(column: pd.Series) -> list[Any]:
    """Values of a column: categories in their own order, else numbers by size and then text."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return [c for c in column.cat.categories if (column == c).any()]
    values = [v.item() if isinstance(v, np.generic) else v for v in column.unique()]
    keyed = [(answer_key(v), str(v), v) for v in values]
    return [v for *_, v in sorted(keyed, key=lambda k: (isinstance(k[0], str), k[0], k[1]))]


def _id_text(value: object) -> str:
    """An id as text; a whole number without the decimal point that a column with gaps gives it."""
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value)
