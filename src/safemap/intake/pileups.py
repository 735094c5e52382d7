"""Coordinates that many unrelated events share: a police post or a centroid in place of the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from safemap.settings import threshold

if TYPE_CHECKING:
    import pandas as pd

_METRES_PER_DEGREE = 111_320.0
_ADDRESSES_MIN = 3
_CATEGORIES_MIN = 4
_QUANTILE = 0.9999


def find_pileups(
    x: pd.Series,
    y: pd.Series,
    *,
    geographic: bool,
    category: pd.Series | None = None,
    address: pd.Series | None = None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Coordinates, rounded to a metre, that hold at least ``max(10, 0.5 %)`` of the rows.

    Parameters
    ----------
    x, y : Series
        Coordinates; rows without are left out.
    geographic : bool
        Whether the unit is the degree; otherwise the metre.
    category, address : Series, optional
        Kind of event and address text of the same rows.

    Returns
    -------
    pileups : DataFrame
        ``x, y, rows, share, addresses, categories, suspected``, the largest first. ``suspected`` is
        ``default`` where the rows name 3 or more addresses or 4 or more categories, which one place does not;
        without either column, where the count exceeds the 0.9999 quantile of a Poisson law with the mean
        count per coordinate. Otherwise ``hot_address``: many events, but plausibly of one place.
    member : Series
        Position in `pileups` of each row, -1 where it is in none.

    Notes
    -----
    A pile-up is a suspicion. Only the data provider knows whether a coordinate is a default.

    Examples
    --------
    >>> import pandas as pd
    >>> x = pd.Series([5.0] * 12 + [float(i) for i in range(100, 200)])
    >>> kinds = pd.Series(list("abcdefghijkl") + ["a"] * 100)
    >>> table, member = find_pileups(x, x, geographic=False, category=kinds)
    >>> table[["rows", "categories", "suspected"]].values.tolist()
    [[12, 12, 'default']]
    """
    import pandas as pd

    there = (x.notna() & y.notna()).to_numpy()
    key = _rounded(x.to_numpy(dtype=float)[there], y.to_numpy(dtype=float)[there], geographic=geographic)
    group, counts = _group(key)
    needed = max(threshold("pileup_min"), threshold("pileup_share") * there.sum())
    large = np.flatnonzero(counts >= needed)
    large = large[np.argsort(-counts[large], kind="stable")]
    place = np.full(len(counts), -1)
    place[large] = np.arange(len(large))
    member = pd.Series(-1, index=x.index)
    member[there] = place[group] if len(group) else []
    inside = member >= 0
    table = pd.DataFrame(
        {"x": x[inside].groupby(member[inside]).median(), "y": y[inside].groupby(member[inside]).median()}
    )
    table["rows"] = counts[large]
    table["share"] = counts[large] / max(there.sum(), 1)
    for name, column in (("addresses", address), ("categories", category)):
        distinct = column[inside].groupby(member[inside]).nunique() if column is not None else None
        table[name] = pd.array([pd.NA] * len(table) if distinct is None else distinct.tolist(), dtype="Int64")
    table["suspected"] = _suspected(table, counts, known=address is not None or category is not None)
    return table.reset_index(drop=True), member


def _rounded(x: NDArray[np.float64], y: NDArray[np.float64], *, geographic: bool) -> NDArray[np.int64]:
    """Coordinates as whole metres, two columns."""
    if not geographic:
        return np.column_stack([np.rint(x), np.rint(y)]).astype(np.int64)
    middle = np.cos(np.radians(np.median(y))) if len(y) else 1.0
    scale = _METRES_PER_DEGREE
    return np.column_stack([np.rint(x * scale * max(middle, 0.01)), np.rint(y * scale)]).astype(np.int64)


def _group(key: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group number of each row and size of each group."""
    import pandas as pd

    if not len(key):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    (a, _), (b, names) = pd.factorize(key[:, 0]), pd.factorize(key[:, 1])
    group, _ = pd.factorize(a.astype(np.int64) * len(names) + b)
    return group, np.bincount(group)


def _suspected(table: pd.DataFrame, counts: NDArray[np.int64], *, known: bool) -> NDArray[np.object_]:
    if known:
        default = (table["addresses"] >= _ADDRESSES_MIN).fillna(False) | (
            table["categories"] >= _CATEGORIES_MIN
        ).fillna(False)
    else:
        default = table["rows"] > _poisson_quantile(float(counts.mean()) if len(counts) else 0.0)
    return np.where(default.to_numpy(dtype=bool), "default", "hot_address").astype(object)


def _poisson_quantile(mean: float) -> float:
    """Smallest count that a Poisson law with this mean does not exceed with probability 0.9999."""
    from scipy.special import pdtr

    k = np.arange(int(mean + 20 * np.sqrt(mean + 1)) + 20)
    return float(k[np.searchsorted(pdtr(k, mean), _QUANTILE)])
