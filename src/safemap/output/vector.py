"""Areas as the bytes of a vector file, made in memory by GDAL."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from safemap.errors import ConfigError

if TYPE_CHECKING:
    import geopandas as gpd

#: Largest zoom level of the tiles: at 14 a tile is about 2 km wide, and its coordinates 0.5 m.
MAX_ZOOM = 14


def vector_bytes(frame: gpd.GeoDataFrame, driver: str, *, layer: str, **options: Any) -> bytes:
    """`frame` as the content of a file.

    Parameters
    ----------
    frame : GeoDataFrame
        Areas; what is in it leaves.
    driver : str
        A driver of GDAL.
    layer : str
        Name of the layer.
    **options
        For :func:`pyogrio.write_dataframe`.

    Raises
    ------
    ConfigError
        This build of GDAL cannot write the format.
    """
    import pyogrio

    check_driver(driver)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # a made-up or missing coordinate system is the reader's business and was reported there
        warnings.filterwarnings("ignore", message=".*crs.*was not provided.*", category=UserWarning)
        pyogrio.write_dataframe(
            frame, buffer, driver=driver, layer=layer, geometry_type="MultiPolygon", promote_to_multi=True,
            **options,
        )  # fmt: skip
    return buffer.getvalue()


def check_driver(driver: str) -> None:
    """Raise unless this build of GDAL writes files of that driver."""
    import pyogrio

    if driver not in pyogrio.list_drivers(write=True):
        version = ".".join(map(str, pyogrio.__gdal_version__))
        raise ConfigError(
            f"The installed GDAL {version} cannot write {driver}. Install pyogrio from its wheels or from "
            "conda-forge, which can, or write .gpkg."
        )


def tile_bytes(frame: gpd.GeoDataFrame, *, layer: str, description: str) -> bytes:
    """`frame` as vector tiles in one file (PMTiles), from the zoom at which one tile holds it all."""
    if frame.crs is None:
        raise ConfigError("Vector tiles need areas with a coordinate system: give crs to read_areas.")
    tiled = frame.to_crs(3857)
    # a name of its own: GDAL would put in the random name of the file in memory
    return vector_bytes(
        tiled, "PMTiles", layer=layer, NAME=layer, DESCRIPTION=description,
        MINZOOM=str(first_zoom(tuple(tiled.total_bounds))), MAXZOOM=str(MAX_ZOOM),
    )  # fmt: skip


def first_zoom(bounds: tuple[float, ...]) -> int:
    """Zoom level at which one tile is about as wide as `bounds` (web Mercator, m), and two levels less.

    Examples
    --------
    >>> first_zoom((0, 0, 20_000, 15_000))
    8
    """
    import math

    wide = max(bounds[2] - bounds[0], bounds[3] - bounds[1], 1.0)
    return min(max(int(math.log2(2 * math.pi * 6_378_137 / wide)) - 2, 0), MAX_ZOOM)
