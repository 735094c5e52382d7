"""Published data that come with libpysal: nothing is downloaded, nothing is copied into safemap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safemap.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd


def columbus() -> gpd.GeoDataFrame:
    """Crime, income and house values of 49 neighbourhoods of Columbus, Ohio, 1980.

    Returns
    -------
    GeoDataFrame
        Index ``area_id`` (text, the running number ``POLYID``), columns as published, among them ``CRIME``
        (residential burglaries and vehicle thefts per 1,000 households), ``INC`` (household income) and
        ``HOVAL`` (housing value, both in 1,000 dollars). The file has arbitrary digitising units and **no
        coordinate reference system**. It is left without one: neighbours can be found, nothing measured.

    References
    ----------
    Anselin, L. (1988). Spatial Econometrics: Methods and Models. doi:10.1007/978-94-015-7799-1

    Examples
    --------
    >>> data = columbus()
    >>> len(data), round(float(data["CRIME"].mean()), 4), data.crs is None
    (49, 35.1288, True)
    """
    return _read("columbus.shp", id="POLYID", crs=None)


def st_louis() -> gpd.GeoDataFrame:
    """Homicides in 78 counties around St Louis, Missouri, 1979 to 1993.

    Returns
    -------
    GeoDataFrame
        Index ``area_id`` (text, the county code ``FIPSNO``), columns as published: ``NAME``, ``HC7984``,
        ``HC8488``, ``HC8893`` (homicides in three periods), ``PO7984`` ... (population over the same years),
        ``HR7984`` ... (homicides per 100,000) and others. Longitude and latitude; the file does not name its
        coordinate reference system, and EPSG:4269 (NAD83, that of US county files) is assumed here.

    References
    ----------
    Messner, S. F. et al. (1999). The spatial patterning of county homicide rates. Journal of Quantitative
    Criminology 15, 423-450. doi:10.1023/A:1007544208712

    Examples
    --------
    >>> data = st_louis()
    >>> len(data), int(data["HC8893"].sum()), data.index[0]
    (78, 2650, '17107')
    """
    return _read("stl_hom.shp", id="FIPSNO", crs="EPSG:4269")


def sids() -> gpd.GeoDataFrame:
    """Births and sudden infant deaths in 100 counties of North Carolina, 1974 to 1978 and 1979 to 1984.

    Returns
    -------
    GeoDataFrame
        Index ``area_id`` (text, the county code ``FIPSNO``), columns as published: ``NAME``, ``BIR74``,
        ``SID74``, ``NWBIR74``, ``BIR79``, ``SID79``, ``NWBIR79`` (births, sudden infant deaths, non-white
        births), ``SIDR74``, ``SIDR79``, ``NWR74``, ``NWR79`` (rates per 1,000) and others. Longitude and
        latitude; the file does not name its coordinate reference system, and EPSG:4267 (NAD27,
        as published elsewhere) is assumed here.

    References
    ----------
    Cressie, N., Read, T. R. C. (1985). Do sudden infant deaths come in clusters? Statistics and Decisions,
    Supplement 2, 333-349.

    Examples
    --------
    >>> data = sids()
    >>> len(data), int(data["SID79"].sum()), int(data["BIR79"].sum())
    (100, 836, 422392)
    """
    return _read("sids2.shp", id="FIPSNO", crs="EPSG:4267")


def _read(file: str, *, id: str, crs: str | None) -> gpd.GeoDataFrame:
    import geopandas as gpd
    from libpysal.examples import get_path

    path = get_path(file)
    if path is None:
        raise InputError(f"libpysal does not come with {file} here; install libpysal 4.12 or above.")
    data = gpd.read_file(path)
    if crs is not None and data.crs is None:
        data = data.set_crs(crs)
    numbers = data[id]
    data.index = numbers.astype(int).astype(str) if numbers.dtype.kind in "if" else numbers.astype(str)
    data.index.name = "area_id"
    return data
