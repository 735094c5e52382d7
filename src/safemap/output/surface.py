"""A density as a cloud-optimised GeoTIFF: whole, the same bytes each time, and it says what it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from safemap.errors import ConfigError, InputError
from safemap.geo.raster import gdal_version, geotiff_bytes
from safemap.output.atomic import write_whole
from safemap.output.provenance import bundle_date, plain_value, versions
from safemap.output.raster_style import raster_qml

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safemap.analysis.density import DensityResult

_NO_DATA, _NONE = 0, 1  # byte values of the classes; 2 to 6 are the five classes above zero


def write_surface(
    density: DensityResult,
    path: str | Path,
    *,
    content: Literal["values", "classes"] = "values",
    breaks: Sequence[float] | None = None,
) -> Path:
    """Write a density as a GeoTIFF that GIS programs open with its meaning.

    Parameters
    ----------
    density : DensityResult
        On a grid of squares.
    path : path
        File to write, ending in ``.tif``; its folder must exist.
    content : {"values", "classes"}
        *values*: events per km² as 32-bit floats, NaN outside the study area. *classes*: bytes with a colour
        table, 0 outside the study area (transparent), 1 where the density is zero, 2 to 6 for the five
        classes of the map.
    breaks : sequence of four floats, optional
        Lower limits of classes 2 to 5 of the map; round numbers are chosen otherwise, as for the map.

    Returns
    -------
    Path
        The file written. Beside it stands its style for QGIS, ``.qml``, which QGIS loads by itself; an
        earlier one is replaced.

    Raises
    ------
    InputError
        If the density has no raster (hexagons).
    OutputError
        If the file could not be written whole; an earlier file is then as it was.

    Notes
    -----
    The file is a cloud-optimised GeoTIFF with deflate compression. Its tags hold the settings, counts and
    versions (``SAFEMAP_PROVENANCE``, JSON), the unit, the limits and colours of the classes, and a date that
    comes from ``SOURCE_DATE_EPOCH`` or the newest event, so that the same input gives the same bytes. A
    density is no protection: below some hundred events it shows where single events happened.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, rasterio, tempfile
    >>> from shapely.geometry import box
    >>> from safemap import kernel_density, read_incidents
    >>> city = gpd.GeoDataFrame(geometry=[box(0, 0, 5000, 4000)], crs=32614)
    >>> one = read_incidents(pd.DataFrame({"x": [2250], "y": [2750]}), x="x", y="y", crs=32614)
    >>> path = Path(tempfile.mkdtemp()) / "density.tif"
    >>> path = write_surface(kernel_density(one, city), path, content="classes")
    >>> with rasterio.open(path) as raster:
    ...     raster.shape, raster.colormap(1)[6], raster.tags()["UNIT"]
    ((40, 50), (107, 28, 39, 255), 'events per km²')
    """
    from safemap.maps.breaks import check_breaks, round_breaks
    from safemap.maps.palettes import RAMPS

    target = Path(path)
    surface = density.surface
    if surface is None:
        raise InputError(
            "This density lies on hexagons, which a raster cannot hold. Make it on "
            "make_grid(areas, shape='square')."
        )
    if content not in ("values", "classes"):
        raise ConfigError(f"content must be 'values' or 'classes'; got {content!r}.")
    if target.suffix.lower() not in (".tif", ".tiff"):
        raise ConfigError(f"A surface is written as GeoTIFF: the name must end in .tif; got {target.name!r}.")
    limits = round_breaks(surface.values) if breaks is None else check_breaks(breaks)
    colours = RAMPS["density"]
    classed = content == "classes"
    values = _classes(surface.values, limits) if classed else surface.values.astype(np.float32)
    content_bytes = geotiff_bytes(
        values,
        surface,
        nodata=_NO_DATA if classed else float("nan"),
        tags=_tags(density),
        band_tags=_class_tags(limits, colours),
        description=f"density, {density.settings['unit']}" + (" (classes)" if classed else ""),
        colours=_colour_table(colours) if classed else None,
    )
    style = raster_qml(_class_names(limits), colours, limits, classed=classed)
    written = write_whole(target, content_bytes)
    write_whole(target.with_suffix(".qml"), style)
    return written


def _classes(values: NDArray[np.float64], limits: Sequence[float]) -> NDArray[np.uint8]:
    above = _NONE + 1 + np.searchsorted(limits, values, side="right")
    code = np.where(values > 0, above, _NONE)
    return np.where(np.isnan(values), _NO_DATA, code).astype(np.uint8)


def _colour_table(colours: Sequence[str]) -> dict[int, tuple[int, int, int, int]]:
    table = {_NO_DATA: (0, 0, 0, 0)}
    for code, colour in enumerate(colours, start=_NONE):
        red, green, blue = bytes.fromhex(colour.removeprefix("#"))
        table[code] = (red, green, blue, 255)
    return table


def _class_names(limits: Sequence[float]) -> list[str]:
    names = ["0", f"above 0, under {limits[0]:g}"]
    names += [f"{low:g} to under {high:g}" for low, high in pairwise(limits)]
    return [*names, f"{limits[-1]:g} or more"]


def _class_tags(limits: Sequence[float], colours: Sequence[str]) -> dict[str, str]:
    """Names and colours of the classes, for readers of either kind of file."""
    names = _class_names(limits)
    tags = {"CLASS_LIMITS": json.dumps(list(limits))}
    for code, (name, colour) in enumerate(zip(names, colours, strict=True), start=_NONE):
        tags[f"CLASS_{code}"], tags[f"COLOUR_{code}"] = name, colour
    return tags


def _tags(density: DensityResult) -> dict[str, str]:
    s = density.settings
    facts = {
        "settings": plain_value(dict(s)),
        "audit": _counts(density),
        "versions": {**versions(), "gdal": gdal_version()},
    }
    day = bundle_date(_as_date(s.get("newest_event")))
    return {
        "TIFFTAG_SOFTWARE": f"safemap {facts['versions']['safemap']}",
        "TIFFTAG_DATETIME": f"{day.replace('-', ':')} 00:00:00",
        "TIFFTAG_IMAGEDESCRIPTION": density.summary().splitlines()[0],
        "UNIT": s["unit"],
        "SAFEMAP_PROVENANCE": json.dumps(facts, sort_keys=True, ensure_ascii=True),
    }


def _counts(density: DensityResult) -> dict[str, object] | None:
    audit = density.audit
    if audit is None:
        return None
    reasons = audit.by_reason()["rows"]
    return {
        "rows_in": audit.n_in,
        "placed": audit.n_placed,
        "set_aside": {str(k): int(v) for k, v in reasons.items()},
    }


def _as_date(text: str | None) -> object:
    import datetime as dt

    return None if text is None else dt.date.fromisoformat(text)
