"""The door to rasterio: reading windows of a raster and writing surfaces. Everything here imports it late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


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


def _rasterio() -> ModuleType:
    from safemap.errors import MissingExtraError

    try:
        import rasterio
    except ImportError as error:
        raise MissingExtraError(
            "Rasters need the library rasterio, which is not installed. Install it: pip install rasterio.",
            library="rasterio",
        ) from error
    return rasterio
