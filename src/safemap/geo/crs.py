"""Metres: one rule for the coordinate system in which distances are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safemap.errors import CRSError

if TYPE_CHECKING:
    import geopandas as gpd

#: Web Mercator calls its unit a metre, but stretches it by 1 / cos(latitude): two ground metres in Oslo.
_NOT_METRES = 3857


def to_metres(areas: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int]:
    """The same frame in a coordinate system whose unit is the metre, and that system's EPSG code.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or geopandas.GeoSeries
        Anything with geometries and a CRS.

    Returns
    -------
    projected : same type as `areas`
        `areas` itself where its CRS is projected and metric (Web Mercator excepted); else a copy in the UTM
        zone of its centre.
    epsg : int
        EPSG code of that system; 0 where the system has none (a custom metric projection that was kept).

    Raises
    ------
    CRSError
        If the CRS is missing, or if there is nothing from which a zone can be found.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> projected, epsg = to_metres(gpd.GeoDataFrame(geometry=[box(-99.2, 19.3, -99.1, 19.4)], crs=4326))
    >>> epsg, projected.crs.to_epsg()
    (32614, 32614)
    """
    crs = areas.crs
    if crs is None:
        raise CRSError(
            "The geometries have no coordinate reference system, so distances in metres cannot be measured. "
            "State it, e.g. areas.set_crs('EPSG:4326') for longitude and latitude."
        )
    if crs.is_projected and _is_metric(crs) and crs.to_epsg() != _NOT_METRES:
        return areas, crs.to_epsg() or 0
    epsg = local_utm_epsg(areas)
    return areas.to_crs(epsg), epsg


def local_utm_epsg(areas: gpd.GeoDataFrame) -> int:
    """EPSG code of the UTM zone at the centre of `areas`.

    Raises
    ------
    CRSError
        If the CRS is missing, or if there is no finite geometry.
    """
    if areas.crs is None:
        raise CRSError(
            "The geometries have no coordinate reference system, so their UTM zone is unknown. "
            "State it, e.g. areas.set_crs('EPSG:4326') for longitude and latitude."
        )
    try:
        epsg = areas.estimate_utm_crs().to_epsg()
    except (RuntimeError, ValueError) as error:
        raise CRSError(
            f"No UTM zone fits the geometries in {areas.crs.to_string()}: they are empty, or their "
            "coordinates lie outside that system. Check that it is the one the coordinates are in."
        ) from error
    return int(epsg)


def _is_metric(crs: object) -> bool:
    """True where every axis of the plane counts metres."""
    axes = crs.axis_info[:2]  # type: ignore[attr-defined]
    return bool(axes) and all(axis.unit_name in ("metre", "meter") for axis in axes)
