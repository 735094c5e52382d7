"""What safemap stands on here: versions, the geographic libraries inside, and which extras are missing."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from safemap.errors import MissingExtraError

#: Extra -> (module that shows it is there, what it is for).
EXTRAS = {
    "parquet": ("pyarrow", "Parquet files"),
    "stats-files": ("pyreadstat", "files of SPSS and Stata"),
}


#: what to look for when safemap runs from a folder without having been installed
_CORE = (
    "numpy scipy pandas geopandas shapely pyproj pyogrio rasterio libpysal esda mapclassify matplotlib "
    "folium branca jinja2 click python-calamine"
)


def examine() -> dict[str, dict[str, str]]:
    """Versions of Python, safemap and its libraries, of GDAL, GEOS and PROJ, and the state of the extras.

    Examples
    --------
    >>> list(examine())
    ['safemap', 'libraries', 'geographic', 'extras']
    """
    from safemap import __version__

    return {
        "safemap": {"safemap": __version__, "python": platform.python_version(), "system": platform.system()},
        "libraries": {name: _version(name) for name in _required()},
        "geographic": _geographic(),
        "extras": {f"extra {name}": _extra(name) for name in EXTRAS},
    }


def examine_files(files: Sequence[Path]) -> dict[str, dict[str, str]]:
    """What each column of each file seems to hold, with the confidence and the reason; no cell is quoted."""
    from safemap.intake.roles import propose_columns

    found = {}
    for file in files:
        table = propose_columns(file)
        found[file.name] = {
            str(column): f"{row.role} ({row.confidence:.2f}): {row.why}" if row.role else f"-: {row.why}"
            for column, row in table.iterrows()
        }
    return found


def _extra(name: str) -> str:
    module, what = EXTRAS[name]
    return "installed" if find_spec(module) else f'missing ({what}): pip install "safemap[{name}]"'


def _required() -> list[str]:
    """Names of the libraries safemap needs, as its own metadata says."""
    try:
        needed = requires("safemap") or []
    except PackageNotFoundError:
        needed = _CORE.split()
    names = []
    for requirement in needed:
        name, _, condition = requirement.partition(";")
        if "extra" not in condition:
            names.append("".join(c if c.isalnum() or c in "-_." else " " for c in name).split()[0])
    return names


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _geographic() -> dict[str, str]:
    """GDAL comes twice, inside pyogrio and inside rasterio; files are as new as the one that writes them."""
    import pyogrio
    import pyproj
    import shapely

    from safemap.geo.raster import gdal_version

    try:
        raster = gdal_version()
    except MissingExtraError:
        raster = "missing"
    return {
        "GDAL (pyogrio)": ".".join(str(part) for part in pyogrio.__gdal_version__),
        "GDAL (rasterio)": raster,
        "PROJ (pyproj)": pyproj.proj_version_str,
        "GEOS (shapely)": shapely.geos_version_string,
    }
