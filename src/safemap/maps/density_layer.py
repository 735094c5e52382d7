"""The layer of a density: bands over the ground, not over areas.

Cells of one class are joined to one shape, so the file holds five shapes and no figure of a cell. Where k - 1
events at one place could be told from none, there is no class limit: the lowest class covers them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from safemap.errors import AlignmentError, InputError, PrivacyError
from safemap.i18n import Message, number, percent
from safemap.maps import breaks as limits
from safemap.maps import findings
from safemap.maps.geometry import encode
from safemap.maps.layer import Floats, Layer, Overlay, column, value_classes
from safemap.maps.page import clean_text
from safemap.maps.palettes import LINE_ON_VALUES, RAMPS

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import Geometry

    from safemap.results import Result

#: Vertices that all bands of one layer may have; beyond it their outlines are simplified together.
MAX_VERTICES = 40_000
#: Metres to which corners of cells are rounded, so that neighbours meet.
_SNAP = 0.01


def density_layer(
    result: Result,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    breaks: Sequence[float] | None,
    k: int,
    period: Any = None,
) -> Layer:
    """The layer of one :class:`DensityResult`.

    Parameters
    ----------
    result : DensityResult
    key, name, period
        As in :func:`safemap.maps.layers.build_layer`.
    breaks : sequence of float, optional
        Limits of the classes, events per km².
    k : int
        Smallest count that is not withheld.
    """
    values, km2 = column(result.frame, "estimate"), column(result.frame, "area_km2")
    if np.isnan(values).any() or np.isnan(km2).any():
        raise InputError("A density to be drawn needs estimate and area_km2 in every cell.")
    floor = smallest_limit(result, k)
    chosen = limits.round_breaks(values, at_least=floor) if breaks is None else tuple(breaks)
    if chosen[0] < floor:
        raise PrivacyError(
            f"The lowest limit of the density ({chosen[0]:g}) would show where fewer than {k} events lie; "
            f"with this bandwidth it must be {floor:.3g} or more."
        )
    whole = chosen[0] >= 10 and all(float(b).is_integer() for b in chosen)
    decimals = 0 if whole else limits.decimals_for(chosen)
    codes = 4 - limits.classify(values, chosen)
    bands, edge = _shapes(result, codes)
    weights = result.settings.get("weights")
    unit = Message("unit_density", {"b": number(round(float(result.settings["bandwidth_m"])))})
    if weights:
        unit = Message("unit_density_weighted", {**unit.slots, "w": clean_text(weights)})
    said = findings.period_text(result.settings.get("period") or period)
    near = np.asarray(result.frame["edge"], dtype=bool) if "edge" in result.frame.columns else codes < 0
    over = Overlay(
        "edge", Message("over_edge"), RAMPS["density"][2], shape=edge, amount=round(float(km2[near].sum()), 2)
    )
    return Layer(
        key=key, kind=result.kind, name=name, unit=unit,
        classes=value_classes(chosen, decimals, RAMPS["density"][1:]),
        codes=np.zeros(0, dtype=np.int64), sentences=("s_density",), figures={}, decimals=decimals, mean=None,
        top=0, finding=_finding(values, km2, said), period=said, total=int(result.settings["n_events"]),
        confidence=0.95, line=LINE_ON_VALUES, overlays=(over,) if near.any() else (), bands=bands,
        amounts=tuple(round(float(km2[codes == i].sum()), 2) for i in range(5)),
    )  # fmt: skip


def smallest_limit(result: Result, k: int) -> float:
    """Density, per km², that ``k - 1`` events at one place have: no class may begin below it.

    It holds where the edge is not corrected; near the border a correction can raise the density of few events
    above it. With weights it is that of events of average weight.
    """
    from safemap.stats.density import Lattice, kernel_sum

    s = result.settings
    wide = float(s["bandwidth_m"])
    one = Lattice(0.0, 0.0, wide, wide, 1, 1)
    peak = kernel_sum([0.0], [0.0], one, bandwidth=wide, kernel=s["kernel"])[0, 0] * 1e6
    mean_weight = s["total"] / s["n_events"] if s["n_events"] else 1.0
    return float((k - 1) * peak * mean_weight)


def study_area(result: Result) -> gpd.GeoDataFrame:
    """All cells as one area, for a density that is drawn without areas."""
    import geopandas as gpd

    frame = _cells(result)
    whole = [_joined(np.asarray(frame.array))]
    return gpd.GeoDataFrame(geometry=whole, index=["study"], crs=frame.crs).to_crs(4326)


def check_place(result: Result, areas: gpd.GeoDataFrame) -> None:
    """Raise unless the cells lie where the areas lie."""
    from shapely import box

    cells = box(*result.frame.geometry.to_crs(4326).total_bounds)
    if not cells.intersects(box(*areas.geometry.to_crs(4326).total_bounds)):
        raise AlignmentError("The density lies elsewhere than the areas: make both from one study area.")


def _shapes(result: Result, codes: NDArray[np.int64]) -> tuple[list[Any], list[Any]]:
    """Coded polygons per class, and of the cells near the edge."""
    import geopandas as gpd
    import shapely

    cells = _cells(result)
    geometries = np.asarray(cells.array)
    joined = [_joined(geometries[codes == i]) for i in range(5)]
    size = float(result.settings.get("cell_size_m", 100))
    tolerance = size
    coarse = np.array(joined)
    while shapely.get_num_coordinates(coarse).sum() > MAX_VERTICES:
        coarse = shapely.coverage_simplify(np.array(joined), tolerance)
        tolerance *= 2
    near = np.asarray(result.frame.get("edge", np.zeros(len(codes))), dtype=bool)
    degrees = gpd.GeoSeries([*coarse, _joined(geometries[near])], crs=cells.crs).to_crs(4326)
    *bands, edge = (encode(g) for g in degrees)
    return bands, edge


def _cells(result: Result) -> gpd.GeoSeries:
    """Cells in the metres they were made in, corners rounded."""
    import geopandas as gpd
    import shapely

    cells = result.frame.geometry.to_crs(result.settings["crs"])
    # slivers at the border can turn over when they are projected
    valid = shapely.make_valid(np.asarray(cells.array), method="structure", keep_collapsed=False)
    return gpd.GeoSeries(shapely.set_precision(valid, _SNAP), crs=cells.crs)


def _joined(cells: NDArray[Any]) -> Geometry:
    """One shape without the borders between cells."""
    import shapely

    cells = cells[~shapely.is_empty(cells)]
    if not len(cells):
        return shapely.MultiPolygon()
    whole = (
        shapely.coverage_union_all(cells) if shapely.coverage_is_valid(cells) else shapely.union_all(cells)
    )
    return shapely.simplify(whole, 0)


def _finding(values: Floats, km2: Floats, period: str) -> Message:
    """On how much of the ground half of the density lies."""
    mass = values * km2
    if not mass.sum() > 0:
        return Message("f_density_nothing", prefix=period)
    order = np.argsort(-values, kind="stable")
    upto = int(np.searchsorted(np.cumsum(mass[order]), mass.sum() / 2)) + 1
    share = float(km2[order[:upto]].sum() / km2.sum())
    return Message("f_density", {"a": percent(share, 0 if share >= 0.1 else 1)}, prefix=period)
