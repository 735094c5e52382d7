"""Neighbours as others describe them: libpysal graphs and weights, and tables of links.

They are told apart by what they can do, so libpysal itself is not needed to read its objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap.errors import AlignmentError, InputError, StatisticsError

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


class ForeignLinks(NamedTuple):
    """What a foreign graph says."""

    adjacency: csr_array  #: 1.0 for each link
    weights: csr_array | None  #: only where they differ within a row
    ids: pd.Index
    source: str


def read_links(graph: Any, ids: pd.Index | None) -> ForeignLinks:
    """Links of a libpysal Graph, a libpysal W or a frame, told apart by what they can do."""
    import pandas as pd

    if hasattr(graph, "unique_ids") and hasattr(graph, "sparse"):
        return links_of(graph.sparse, pd.Index(graph.unique_ids), source="libpysal Graph")
    if hasattr(graph, "id_order") and hasattr(graph, "sparse"):
        return links_of(graph.sparse, pd.Index(graph.id_order), source="libpysal W")
    if isinstance(graph, pd.Series):
        graph = graph.rename("weight").reset_index()
    if isinstance(graph, pd.DataFrame) and {"focal", "neighbor"} <= set(graph.columns):
        return _from_frame(graph, ids)
    raise InputError(
        "graph must be an AreaGraph (see build_graph), a libpysal Graph or W, or a frame with the columns "
        f"'focal' and 'neighbor'; got {type(graph).__name__}."
    )


def _from_frame(links: pd.DataFrame, ids: pd.Index | None) -> ForeignLinks:
    import pandas as pd
    from scipy.sparse import coo_array

    if ids is None:
        ids = pd.Index(pd.unique(pd.concat([links["focal"], links["neighbor"]])))
    rows, columns = ids.get_indexer(links["focal"]), ids.get_indexer(links["neighbor"])
    strange = links.loc[(rows < 0) | (columns < 0), ["focal", "neighbor"]]
    if len(strange):
        raise AlignmentError(
            f"{len(strange)} links name areas that are not there, e.g. {strange.iloc[0].tolist()}; the ids "
            f"of the areas are {ids.dtype}, of the links {links['focal'].dtype}. Use the same ids and type."
        )
    if links.duplicated(["focal", "neighbor"]).any():
        raise InputError(
            "The frame of links has the same focal and neighbor more than once; drop the duplicates."
        )
    weight = links["weight"].to_numpy(dtype=float) if "weight" in links.columns else np.ones(len(links))
    return links_of(
        coo_array((weight, (rows, columns)), shape=(len(ids), len(ids))), ids, source="frame of links"
    )


def links_of(weights: Any, ids: pd.Index, *, source: str) -> ForeignLinks:
    """Links where the weight is not zero; the weights too unless they are equal within each row."""
    from scipy.sparse import coo_array

    from safemap.stats.weighted_permutation import uneven_rows

    coo = coo_array(weights, dtype=float)
    keep = (coo.row != coo.col) & (coo.data != 0)
    csr = coo_array((coo.data[keep], (coo.row[keep], coo.col[keep])), shape=coo.shape).tocsr()
    csr.sort_indices()
    if not np.isfinite(csr.data).all() or (csr.data < 0).any():
        raise StatisticsError("Weights must be finite and not negative.")
    adjacency = csr.copy()
    adjacency.data[:] = 1.0
    return ForeignLinks(adjacency, csr if uneven_rows(csr).any() else None, ids, source)
