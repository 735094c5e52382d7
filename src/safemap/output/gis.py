"""Hand-over to a GIS: results of areas in one file that opens with the classes and colours of the map."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap._typing import Audience, Language
from safemap.disclosure.registry import Registry
from safemap.errors import ConfigError
from safemap.output.atomic import write_whole
from safemap.output.data_dictionary import LAYER, dictionary_csv
from safemap.output.geopackage import geopackage_bytes
from safemap.output.gis_layer import GisLayer, combine
from safemap.output.provenance import bundle_date, plain_value, versions
from safemap.output.qgis_style import qml
from safemap.output.sld import sld
from safemap.output.vector import check_driver, tile_bytes, vector_bytes

if TYPE_CHECKING:
    from safemap.results import Result

#: End of the name -> driver of GDAL.
FORMATS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".pmtiles": "PMTiles"}


def export_gis(
    results: Result | Sequence[Result],
    path: str | os.PathLike[str],
    *,
    names: Sequence[str | Mapping[str, str] | None] | None = None,
    breaks: Sequence[float] | None = None,
    language: Language = "en",
    registry: Registry | None = None,
    audience: Audience = "internal",
    k: int | None = None,
    description: str = "",
    source: str = "",
    date: str | None = None,
) -> tuple[Path, ...]:
    """Write results of the same areas for a GIS, with the classes and colours of the map.

    Parameters
    ----------
    results : Result or sequence of Result
        What :func:`~safemap.explore` draws by area: rates, smoothed rates, ratios, change, local statistics,
        survey estimates and counts of answers. The first gives names and outlines.
    path : path-like
        The end of the name decides the format: ``.gpkg`` (GeoPackage), ``.fgb`` (FlatGeobuf) or ``.pmtiles``
        (vector tiles for web maps).
    names : sequence of str or mapping, optional
        Names of the layers, in the order of `results`; None keeps the usual name.
    breaks : sequence of float, optional
        Four lower limits of the classes of rates, as for :func:`~safemap.explore`.
    language : {"en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw"}
        Language of the labels of the classes. The data dictionary is in English.
    registry : Registry, optional
        The registry of withheld cells that tables and map use too.
    audience : {"internal", "partner"}
        For whom the file is made, where no `registry` is given.
    k : int, optional
        Counts from 1 to ``k - 1`` are withheld, 5 if not given; not together with `registry`.
    description : str
        Text beside the layer.
    source : str
        Where the data come from, for the data dictionary.
    date : str, optional
        Day that the file says it was last changed (YYYY-MM-DD): ``SOURCE_DATE_EPOCH`` or the end of the
        period if not given, never the clock.

    Returns
    -------
    tuple of Path
        The files written, `path` first. Beside ``.fgb`` and ``.pmtiles`` stand the data dictionary
        (``_fields.csv``), and beside ``.fgb`` the styles of the first result (``.qml``, which QGIS loads by
        itself, and ``.sld``).

    Raises
    ------
    AlignmentError
        The results are not of the same areas.
    ConfigError
        A result cannot be written by area, or the installed GDAL lacks the format.
    OutputError
        A file could not be written; the earlier one is as it was.

    Notes
    -----
    A GeoPackage holds the layer ``areas`` with all fields, and for each result a layer (a view of ``areas``)
    with its own style, whose fields ``class_code``, ``class_label`` and ``class_colour`` serve programs that
    do not read ``layer_styles``, such as ArcGIS. The table ``legend`` lists the classes with the number of
    areas in each, ``data_dictionary`` all fields. Codes of 90 and more are states, not values: 91 no data,
    95 too few events to be ranked, 99 withheld. The same input gives the same bytes.

    Examples
    --------
    >>> import geopandas as gpd, tempfile
    >>> from shapely.geometry import box
    >>> from safemap.analysis.rates import area_rates
    >>> areas = gpd.GeoDataFrame({"events": [0, 12, 40], "population": [900, 1000, 1200]}, crs=32614,
    ...                          geometry=[box(i, 0, i + 1, 1) for i in range(3)])
    >>> path, = export_gis(area_rates(areas, per=1_000), Path(tempfile.mkdtemp()) / "city.gpkg")
    >>> gpd.read_file(path, layer="rates")[["class_code", "class_label", "class_colour"]].values.tolist()[0]
    [0, '0 – none recorded', '#F8F1EB']
    """
    from safemap.maps.interactive import registry_for

    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise ConfigError(f"The name must end in {', '.join(FORMATS)}; got {target.name!r}.")
    check_driver(FORMATS[target.suffix.lower()])
    listed = list(results) if isinstance(results, Sequence) else [results]
    rules = registry_for(registry, k, audience)
    layer = combine(listed, registry=rules, names=names, breaks=breaks, language=language)
    contents = file_contents(
        layer, target, listed, date=date or _day(listed), description=description, source=source
    )
    return tuple(write_whole(file, data) for file, data in contents.items())


def file_contents(
    layer: GisLayer, target: Path, results: Sequence[Result], *, date: str, description: str, source: str
) -> dict[Path, bytes | str]:
    """File -> content, of what :func:`export_gis` writes; all are made before the first is written."""
    kind = target.suffix.lower()
    if kind == ".gpkg":
        facts = {"SAFEMAP_PROVENANCE": _provenance(results)}
        data = geopackage_bytes(layer, date=date, description=description, source=source, facts=facts)
        return {target: data}
    fields = {
        target.with_name(f"{target.stem}_fields.csv"): dictionary_csv(layer, source=source, themes=False).data
    }
    if kind == ".pmtiles":
        return {target: tile_bytes(layer.frame, layer=LAYER, description=description), **fields}
    first = layer.themes[0]
    code, care = f"{first.prefix}_code", f"{first.prefix}_care"
    return {
        target: vector_bytes(layer.frame, "FlatGeobuf", layer=LAYER),
        target.with_suffix(".qml"): qml(first, code=code, care=care),
        target.with_suffix(".sld"): sld(first, layer=LAYER, code=code, care=care),
        **fields,
    }


def _provenance(results: Sequence[Result]) -> str:
    made: list[Any] = [{"kind": r.kind, "settings": plain_value(dict(r.settings))} for r in results]
    return json.dumps({"results": made, "versions": versions()}, sort_keys=True, ensure_ascii=True)


def _day(results: Sequence[Result]) -> str:
    """The day the file carries: the end of the latest period of the results."""
    import datetime as dt

    ends = [r.settings["period"][1] for r in results if isinstance(r.settings.get("period"), (tuple, list))]
    return bundle_date(max((dt.date.fromisoformat(str(end)[:10]) for end in ends), default=None))
