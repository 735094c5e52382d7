"""Areas that are near: what to do with areas that touch no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from safemap._typing import Isolates
from safemap.errors import GeometryError
from safemap.geo.contiguity import Pairs, union

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def settle_isolates(
    geometry: NDArray[Any], ids: pd.Index, pairs: Pairs, isolates: Isolates
) -> tuple[Pairs, NDArray[np.int64]]:
    """The pairs after the policy for areas without neighbours, and the rows that were attached."""
    alone = np.setdiff1d(np.arange(len(geometry)), np.concatenate(pairs))
    nothing = np.empty(0, dtype=np.int64)
    if isolates == "exclude" or not len(alone):
        return pairs, nothing
    if isolates == "error":
        raise GeometryError(
            f"{len(alone)} area(s) have no neighbour, e.g. {ids[alone][:5].tolist()}. Repair the boundaries, "
            "raise the tolerance, or choose isolates='exclude' or 'attach-nearest'.",
            isolates=ids[alone].tolist(),
        )
    nearest = [_nearest(geometry, row) for row in alone]
    attached = np.array(
        [row for row, other in zip(alone, nearest, strict=True) if other is not None], dtype=np.int64
    )
    others = np.array([other for other in nearest if other is not None], dtype=np.int64)
    return union(pairs, (np.minimum(attached, others), np.maximum(attached, others))), attached


def _nearest(geometry: NDArray[Any], row: int) -> int | None:
    """The nearest other area, the first in row order among equals; None where there is none."""
    import shapely

    distance = shapely.distance(geometry[row], geometry)
    distance[row] = np.nan
    return None if np.isnan(distance).all() else int(np.nanargmin(distance))
