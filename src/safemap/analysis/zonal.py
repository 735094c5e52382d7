"""A raster summed by area: each cell counts by the share of it that the area covers, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from safemap.errors import CRSError, InputError
from safemap.geo.coordinates import crs_name
from safemap.geo.polygons import require_areas
from safemap.geo.raster import RasterReader, open_raster
from safemap.geo.tiling import Cover, Window, cover
from safemap.results import Result

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from safemap._typing import AreasLike

#: cells read at once, so that memory stays bounded for areas over a very fine raster
_CELLS = 4_000_000


@dataclass(frozen=True, eq=False, repr=False)
class ZonalResult(Result):
    """A raster summed by area; see :func:`raster_sum_by_area`."""

    kind: ClassVar[str] = "zonal"

    def _headline(self) -> str:
        s = self.settings
        lines = [
            f"{s['raster']} summed over {len(self.frame):,} areas: {s['total']:,.6g} of "
            f"{s['raster_total']:,.6g} in the raster"
        ]
        if s["areas_partly_covered"]:
            lines.append(
                f"{s['areas_partly_covered']:,} areas reach beyond the raster's data; their sums are too low "
                "by what is missing there"
            )
        if s["areas_without_data"]:
            lines.append(f"{s['areas_without_data']:,} areas have no data at all and no sum")
        return "\n".join(lines)


def raster_sum_by_area(
    raster: str | Path,
    areas: AreasLike,
    *,
    into: str = "population",
    band: int = 1,
    allow_negative: bool = False,
) -> ZonalResult:
    """Sum the cells of a raster of counts, such as a population grid, over areas.

    Parameters
    ----------
    raster : path
        A raster of counts per cell (persons, dwellings), not of densities; any CRS, north up.
    areas : GeoDataFrame or Result
        From :func:`read_areas` or :func:`make_grid`.
    into : str
        Name of the column that the sums go into.
    band : int
        Band of the raster, counted from 1.
    allow_negative : bool
        Counts are never negative; mostly a nodata value that the file does not declare is to blame, so
        negative cells are refused unless they are meant.

    Returns
    -------
    ZonalResult
        ``frame``: all columns of the areas, in their order, with the column `into` (the sum; missing where
        the area has no data at all) and ``raster_share`` (share of the area, 0 to 1, that lies on cells with
        data). So ``area_rates(join_areas(incidents, result))`` has its denominator.

    Raises
    ------
    InputError, CRSError
        If the raster cannot be read, is rotated, has no CRS, or holds negative values.

    Notes
    -----
    ``sum_c v_c s_ac`` over cells c with value v and share s of the cell that area a covers, computed in the
    plane of the raster's CRS. The people of a cell are taken to live evenly in it. Sums over areas that do
    not overlap add up to the sum over their union.

    References
    ----------
    Baston, D. (2023). exactextract: fast and accurate raster zonal statistics (the method; own
    implementation).

    Examples
    --------
    >>> import tempfile, pathlib, rasterio, geopandas as gpd, numpy as np
    >>> from shapely.geometry import box
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.tif"
    >>> with rasterio.open(path, "w", driver="GTiff", height=2, width=2, count=1, dtype="float32", crs=32614,
    ...                    transform=rasterio.Affine(100, 0, 0, 0, -100, 200)) as out:
    ...     out.write(np.array([[1, 2], [3, 4]], dtype="float32"), 1)
    >>> shapes = [box(0, 50, 100, 200), box(50, 0, 200, 50)]
    >>> areas = gpd.GeoDataFrame(geometry=shapes, index=["a", "b"], crs=32614)
    >>> raster_sum_by_area(path, areas).frame["population"].tolist()
    [2.5, 2.75]
    """
    frame = require_areas(areas)
    if into == frame.geometry.name:
        raise InputError(
            f"into={into!r} is the name of the geometry column; choose another name for the sums."
        )
    with open_raster(raster, band=band) as reader:
        shapes = _in_raster_crs(frame, reader)
        sums = [_sum(reader, shape, allow_negative) for shape in shapes]
        raster_total = _whole_sum(reader)
    total = np.array([s.total for s in sums])
    share = np.array([s.covered for s in sums]) / _planar_areas(shapes)
    share = np.where(share > 1 - 1e-9, 1.0, share)
    out = frame.copy()
    out[into] = np.where(share > 0, total, np.nan)
    out["raster_share"] = share
    settings = {
        "raster": reader.name,
        "band": band,
        "raster_crs": crs_name(reader.crs),
        "into": into,
        "coverage": "exact share of each cell",
        "total": float(total.sum()),
        "raster_total": raster_total,
        "areas_partly_covered": int(((share > 0) & (share < 1)).sum()),
        "areas_without_data": int((share == 0).sum()),
    }
    return ZonalResult(out, settings, getattr(areas, "audit", None))


class _Sum(NamedTuple):
    total: float
    covered: float  #: area on cells with data, in square units of the raster's CRS


def _in_raster_crs(frame: gpd.GeoDataFrame, reader: RasterReader) -> NDArray[np.object_]:
    import shapely

    shapes = frame.geometry.to_crs(reader.crs).to_numpy()
    lost = ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    if lost.any():
        raise CRSError(
            f"{int(lost.sum())} areas cannot be placed in the system of {reader.name} "
            f"({crs_name(reader.crs)}), e.g. {frame.index[lost][:3].tolist()}. Check the systems of both."
        )
    return shapely.make_valid(shapes, method="structure")


def _planar_areas(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    import shapely

    return shapely.area(shapes)


def _sum(reader: RasterReader, shape: Any, allow_negative: bool) -> _Sum:
    """Sum and covered area of one shape, in strips of rows where the window is large."""
    window = _within(reader.tiling.window(shape.bounds), reader.extent)
    total, covered = 0.0, 0.0
    for strip in _strips(window):
        found = cover(shape, reader.tiling, strip)
        if len(found.shares):
            part = _weighed(reader, found, allow_negative)
            total, covered = total + part.total, covered + part.covered
    return _Sum(total, covered)


def _weighed(reader: RasterReader, found: Cover, allow_negative: bool) -> _Sum:
    row0, col0 = int(found.rows.min()), int(found.cols.min())
    window = Window(row0, int(found.rows.max()) + 1, col0, int(found.cols.max()) + 1)
    values = reader.read(window)[found.rows - row0, found.cols - col0]
    some = ~np.isnan(values)
    if not allow_negative and (values[some] < 0).any():
        raise InputError(
            f"{reader.name} holds negative values (lowest {values[some].min():g}), which cannot be counts. "
            "Mostly this is a value for missing data that the file does not declare: declare it "
            "(gdal_edit -a_nodata), or pass allow_negative=True."
        )
    total = float(values[some] @ found.shares[some])
    return _Sum(total, float(found.shares[some].sum()) * reader.tiling.cell_area)


def _whole_sum(reader: RasterReader) -> float:
    return float(sum(np.nansum(reader.read(strip)) for strip in _strips(reader.extent)))


def _within(window: Window, extent: Window) -> Window:
    return Window(
        max(window.row0, extent.row0),
        min(window.row1, extent.row1),
        max(window.col0, extent.col0),
        min(window.col1, extent.col1),
    )


def _strips(window: Window) -> list[Window]:
    """The window in strips of rows, each with a bounded number of cells; none if it is empty."""
    if window.cells == 0:
        return []
    step = max(_CELLS // (window.col1 - window.col0), 1)
    return [
        window._replace(row0=row, row1=min(row + step, window.row1))
        for row in range(window.row0, window.row1, step)
    ]
