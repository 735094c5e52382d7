"""Names of options, shared by all floors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np

    from safemap.results import Result

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
Adjust: TypeAlias = Literal["fdr_bh", "fdr_by", "holm", "bonferroni", "none"]
Null: TypeAlias = Literal["auto", "both", "permutation", "constant-risk"]
Like: TypeAlias = Literal["esda", "spdep", "geoda", "esri"]
PoissonInterval: TypeAlias = Literal["exact", "mid-p", "byar"]
Audience: TypeAlias = Literal["internal", "partner", "public"]
Language: TypeAlias = Literal["en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw"]
Match: TypeAlias = Literal["inside", "boundary", "overlap", "nearest", "outside", "missing"]
Isolates: TypeAlias = Literal["exclude", "attach-nearest", "error"]
AreasLike: TypeAlias = "gpd.GeoDataFrame | Result"
RNG: TypeAlias = "int | np.random.Generator | None"
