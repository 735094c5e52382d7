"""Files larger than memory, counted by area: read once in batches, every row placed or set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safemap.analysis.counted import CountedAreas
from safemap.analysis.plans import Unit, is_dask, make_plan
from safemap.analysis.streaming import Recipe, count_batch
from safemap.analysis.tallies import Tally
from safemap.errors import ConfigError
from safemap.intake.batches import Stream
from safemap.stats.running import Meter

if TYPE_CHECKING:
    from safemap._typing import AreasLike


def count_areas(
    source: Any,
    areas: AreasLike,
    *,
    lon: str | None = None,
    lat: str | None = None,
    x: str | None = None,
    y: str | None = None,
    crs: Any = None,
    date: str | None = None,
    category: str | None = None,
    levels: Mapping[str, AreasLike] | None = None,
    where: Mapping[str, Any] | None = None,
    period: Sequence[Any] | None = None,
    by_period: Unit | None = None,
    repair: str | Sequence[str] = (),
    max_distance: float = 0.0,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    dayfirst: bool | None = None,
    date_format: str | None = None,
    batch_rows: int = 500_000,
    client: Any = None,
) -> CountedAreas:
    """Count the events of a file of any size by area, in one pass and bounded memory.

    Does what :func:`read_incidents`, :func:`select_incidents`, :func:`clean_incidents` (within the areas) and
    :func:`join_areas` do together, batch by batch. The result is the same for every size of the batches.

    Parameters
    ----------
    source : path, sequence of paths, DataFrame, iterable of frames, or dask DataFrame
        Parquet or delimited text (also gzipped), a folder of Parquet files, several files of the same
        columns; or frames, Arrow tables or record batches one after the other.
    areas : GeoDataFrame or Result
        From :func:`read_areas`.
    lon, lat : str, optional
        Columns with longitude and latitude in degrees on WGS 84.
    x, y, crs : optional
        Or columns with coordinates in the system `crs`.
    date, category : str, optional
        Columns with the date and the kind of event. Events are counted by category where it is named.
    levels : mapping, optional
        Name to areas of a further level, counted in the same pass.
    where, period : optional
        As in :func:`select_incidents`.
    by_period : {"year", "month", "day"}, optional
        Count apart by period; needs `date`.
    repair : sequence of {"swapped", "sign", "micro-degrees"}
        Repairs that are accepted, as in :func:`clean_incidents`.
    max_distance : float
        Metres within which a point outside all areas goes to the nearest one.
    encoding, delimiter, decimal, dayfirst, date_format : optional
        As in :func:`read_incidents`. What is not stated is found in the first 10,000 rows (encoding and
        delimiter in the first 4 MB).
    batch_rows : int
        Rows held at once; decides on memory, never on the result.
    client : distributed.Client or str, optional
        A Dask cluster, or the address of its scheduler, that shares the work; needs ``safemap[big]``. Its
        machines must see the files under the same paths.

    Returns
    -------
    CountedAreas
        For :func:`area_rates`; of a further level ``counted.levels[name]``.

    Raises
    ------
    InputError, CRSError
        As the verbs it stands for: a column is missing, most points lie outside for one recognisable cause,
        and so on. Also where later rows contradict what the first ones said of encoding or dates.

    Notes
    -----
    Repeated rows, repeated ids and coordinates that many rows share can only be seen in all rows at once and
    are not looked for. Row numbers are kept for the first rows of each reason only. Silent, unless the caller
    listens with :func:`safemap.watch_progress`.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely.geometry import box
    >>> from safemap import read_areas
    >>> squares = gpd.GeoDataFrame({"cve": ["a", "b"]}, geometry=[box(1, 0, 2, 1), box(2, 0, 3, 1)], crs=4326)
    >>> rows = pd.DataFrame({"lon": [1.5, 2.0, 2.5, 2.6, None], "lat": [0.5, 0.5, 0.5, 0.5, None]})
    >>> counted = count_areas(rows, read_areas(squares, id="cve"), lon="lon", lat="lat", batch_rows=2)
    >>> counted.totals().to_dict(), counted.audit.by_reason()["rows"].to_dict()
    ({'a': 2, 'b': 2}, {'missing_coordinates': 1})
    """
    plan = make_plan(
        source, areas, lon=lon, lat=lat, x=x, y=y, crs=crs, date=date, category=category, levels=levels,
        where=where, period=period, by_period=by_period, repair=repair, max_distance=max_distance,
        encoding=encoding, delimiter=delimiter, decimal=decimal, dayfirst=dayfirst, date_format=date_format,
    )  # fmt: skip
    if isinstance(batch_rows, bool) or not isinstance(batch_rows, int) or batch_rows < 1:
        raise ConfigError(f"batch_rows must be a whole number of rows above 0; got {batch_rows!r}.")
    if client is not None or is_dask(source):
        from safemap.analysis.dask import count_on_cluster

        tally = count_on_cluster(plan, client, batch_rows)
    else:
        tally = count_stream(plan.recipe, plan.stream, batch_rows)
    return plan.finish(tally)


def count_stream(recipe: Recipe, stream: Stream, batch_rows: int) -> Tally:
    """Count all pieces of a stream in this process."""
    total = Tally({level: len(areas) for level, areas in recipe.areas.items()})
    meter = Meter(f"counting rows of {stream.source}", stream.rows)
    for piece in stream.pieces:
        start = piece.before
        for frame in piece.batches(recipe.columns, batch_rows):
            total.merge(count_batch(recipe, frame, start, piece.name))
            start += len(frame)
            meter.add(len(frame))
    return total
