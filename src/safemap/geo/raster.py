"""The door to rasterio: reading windows of a raster and writing surfaces. Everything here imports it late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import CRSError, InputError, MissingExtraError
from safemap.geo.tiling import Rectangles, Window

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    import pyproj
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Surface:
    """Values on a raster, north up.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
        The first row is the northernmost; NaN where there is no value.
    transform : tuple of six floats
        ``(a, b, c, d, e, f)``: a corner of cell (column, row) lies at ``x = a * column + b * row + c``,
        ``y = d * column + e * row + f``. The order is that of ``affine.Affine`` and of GDAL world files.
    crs : str
        Authority code (``EPSG:32614``) or full definition.
    """

    values: NDArray[np.float64]
    transform: tuple[float, float, float, float, float, float]
    crs: str

    @property
    def cell_area(self) -> float:
        """Area of a cell in square units of the CRS."""
        return abs(self.transform[0] * self.transform[4] - self.transform[1] * self.transform[3])

    def __repr__(self) -> str:
        rows, columns = self.values.shape
        return f"<Surface {rows} x {columns}, {self.crs}>"


@dataclass(frozen=True)
class RasterReader:
    """One band of an open raster, as numbers with NaN where there is no data."""

    name: str
    crs: pyproj.CRS
    tiling: Rectangles
    extent: Window
    _dataset: Any
    _band: int

    def read(self, window: Window) -> NDArray[np.float64]:
        """Values of the cells of `window`, which must lie within ``extent``."""
        rows, columns = (window.row0, window.row1), (window.col0, window.col1)
        masked = self._dataset.read(self._band, window=(rows, columns), masked=True)
        values = np.ma.filled(masked.astype(np.float64), np.nan)
        scale, offset = self._dataset.scales[self._band - 1], self._dataset.offsets[self._band - 1]
        values = values if (scale, offset) == (1.0, 0.0) else values * scale + offset
        return np.where(np.isfinite(values), values, np.nan)


def gdal_version() -> str:
    """Version of the GDAL library that rasterio was built with, e.g. ``"3.9.3"``.

    Raises
    ------
    MissingExtraError
        When rasterio is not installed.

    Examples
    --------
    >>> gdal_version().split(".")[0].isdigit()
    True
    """
    return str(_rasterio().__gdal_version__)


@contextmanager
def open_raster(path: str | Path, *, band: int = 1) -> Iterator[RasterReader]:
    """Open one band of a raster for reading by windows.

    Raises
    ------
    InputError
        If the file cannot be read as a raster, has no such band, or is rotated.
    CRSError
        If it has no coordinate reference system.
    """
    from pathlib import Path

    import pyproj

    rasterio = _rasterio()
    name = Path(path).name
    try:
        dataset = rasterio.open(path)
    except (rasterio.errors.RasterioIOError, OSError) as error:
        raise InputError(
            f"{name} cannot be read as a raster. Check that the file exists and is whole (for example a "
            "GeoTIFF)."
        ) from error
    with dataset:
        if not 1 <= band <= dataset.count:
            raise InputError(
                f"{name} has {dataset.count} band(s), counted from 1; band {band} was asked for."
            )
        if dataset.crs is None:
            raise CRSError(
                f"{name} has no coordinate reference system. Write it into the file, e.g. with "
                "gdal_edit -a_srs."
            )
        t = dataset.transform
        if t.b or t.d or not (t.a > 0 and t.e):
            raise InputError(f"{name} is rotated or mirrored; bring it north up first, e.g. with gdalwarp.")
        yield RasterReader(
            name=name,
            crs=pyproj.CRS.from_wkt(dataset.crs.to_wkt()),
            tiling=Rectangles(dx=t.a, dy=t.e, x0=t.c, y0=t.f),
            extent=Window(0, dataset.height, 0, dataset.width),
            _dataset=dataset,
            _band=band,
        )


def geotiff_bytes(
    values: NDArray[Any],
    surface: Surface,
    *,
    nodata: float,
    tags: Mapping[str, str],
    band_tags: Mapping[str, str],
    description: str,
    colours: Mapping[int, tuple[int, int, int, int]] | None = None,
) -> bytes:
    """The content of a cloud-optimised GeoTIFF: tiled, compressed, with overviews where it is large.

    It is made in memory, because GDAL leaves broken files behind, and may say nothing, when a disk is full.

    Parameters
    ----------
    values : ndarray
        What is stored; its type is kept.
    surface : Surface
        Where the values lie.
    nodata : float
        Stored where there is no value.
    tags, band_tags : mapping of str to str
        Metadata of the file and of the band.
    description : str
        Name of the band.
    colours : mapping, optional
        Red, green, blue and alpha (0 to 255) of each value of a byte raster. Overviews then hold the
        commonest value.
    """
    rasterio = _rasterio()
    profile = {
        "driver": "COG",
        "height": values.shape[0],
        "width": values.shape[1],
        "count": 1,
        "dtype": values.dtype.name,
        "crs": rasterio.crs.CRS.from_wkt(_wkt(surface.crs)),
        "transform": rasterio.Affine(*surface.transform),
        "nodata": nodata,
        "compress": "DEFLATE",
        "level": 9,
        "predictor": "STANDARD" if colours is not None else "FLOATING_POINT",
        "overview_resampling": "mode" if colours is not None else "average",
        "num_threads": 1,
    }
    with rasterio.Env(GDAL_NUM_THREADS="1"), rasterio.MemoryFile(ext=".tif") as memory:
        with memory.open(**profile) as out:
            out.write(values, 1)
            out.update_tags(**tags)
            out.update_tags(1, **band_tags)
            out.set_band_description(1, description)
            if colours is not None:
                out.write_colormap(1, dict(colours))
        return bytes(memory.read())


def _wkt(crs: str) -> str:
    from safemap.geo.coordinates import as_crs

    return str(as_crs(crs).to_wkt())


def _rasterio() -> ModuleType:
    try:
        import rasterio
    except ImportError as error:
        raise MissingExtraError(
            "Rasters need the library rasterio, which is not installed. Install it: pip install rasterio.",
            library="rasterio",
        ) from error
    return rasterio
