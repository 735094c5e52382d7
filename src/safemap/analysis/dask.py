"""The door to Dask: the same count and the same join on many machines, partitions in, one audit out.

Nothing here computes anything of its own: each partition goes through the code that counts a batch in one
process, and the totals are added up. They are sums, so their order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.analysis.counted import CountedAreas
from safemap.analysis.plans import Plan, is_dask, make_plan
from safemap.analysis.streaming import Recipe, count_batch, sort_rows
from safemap.analysis.tallies import REASON, Tally
from safemap.errors import AuditError, ConfigError, InputError, MissingExtraError, SafemapError
from safemap.geo.points import MATCHES, MISSING
from safemap.intake.batches import FramePiece, Piece, Stream
from safemap.stats.running import Meter

if TYPE_CHECKING:
    import pandas as pd

    from safemap._typing import AreasLike

#: tasks handed out ahead for each thread of the cluster
_AHEAD = 3
#: seconds to wait for a scheduler
_PATIENCE = 10


@dataclass(frozen=True, kw_only=True)
class DaskPiece(Piece):
    """A Dask DataFrame; its partitions are read one by one."""

    frame: Any

    def batches(self, columns: Sequence[str], size: int) -> Iterator[pd.DataFrame]:
        """Frames of at most `size` rows, computed here."""
        for part in self.frame[list(columns)].to_delayed():
            whole = part.compute()
            for start in range(0, len(whole), size):
                yield whole.iloc[start : start + size]


@dataclass(frozen=True)
class JoinedPartitions:
    """Incidents of a Dask DataFrame with the area each of them lies in; see :func:`join_partitions`.

    Attributes
    ----------
    frame : dask.dataframe.DataFrame
        The partitions as they came in, every row, plus ``set_aside`` (reason, missing where the row is
        placed), ``x``, ``y`` (as repaired), ``area_id``, ``match``, and ``<level>_id``, ``<level>_match`` for
        each further level. Not computed before it is asked for.
    counted : CountedAreas
        One audit and the events by area, over all partitions.
    """

    frame: Any
    counted: CountedAreas

    def summary(self) -> str:
        """Where the rows went."""
        return self.counted.summary()


def join_partitions(
    frame: Any,
    areas: AreasLike,
    *,
    lon: str | None = None,
    lat: str | None = None,
    x: str | None = None,
    y: str | None = None,
    crs: Any = None,
    date: str | None = None,
    levels: Mapping[str, AreasLike] | None = None,
    where: Mapping[str, Any] | None = None,
    period: Sequence[Any] | None = None,
    repair: str | Sequence[str] = (),
    max_distance: float = 0.0,
    decimal: str | None = None,
    dayfirst: bool | None = None,
    date_format: str | None = None,
    client: Any = None,
) -> JoinedPartitions:
    """Place every incident of a Dask DataFrame in an area, partition by partition.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        Incidents; any number of partitions.
    areas, lon, lat, x, y, crs, date, levels, where, period, repair, max_distance
        As in :func:`safemap.count_areas`.
    decimal, dayfirst, date_format : optional
        As in :func:`safemap.read_incidents`; what is not stated is found in the first 10,000 rows.
    client : distributed.Client or str, optional
        A cluster, or the address of its scheduler. Default: what Dask would use.

    Returns
    -------
    JoinedPartitions
        Rows equal those that :func:`clean_incidents` (within the areas) and :func:`join_areas` give of the
        whole table.

    Raises
    ------
    InputError, CRSError
        As :func:`safemap.count_areas`.
    MissingExtraError
        If Dask is not installed.

    Notes
    -----
    The partitions are read twice: once for the audit, and once when ``frame`` is computed or written.
    """
    if not is_dask(frame):
        raise InputError(
            f"join_partitions needs a Dask DataFrame; got {type(frame).__name__}. For what fits into memory "
            "use read_incidents and join_areas."
        )
    plan = make_plan(
        frame, areas, lon=lon, lat=lat, x=x, y=y, crs=crs, date=date, levels=levels, where=where,
        period=period, repair=repair, max_distance=max_distance, decimal=decimal, dayfirst=dayfirst,
        date_format=date_format,
    )  # fmt: skip
    counted = plan.finish(count_on_cluster(plan, client, batch_rows=500_000))
    own = _own_columns(plan.recipe)
    taken = [column for column in own if column in frame.columns and column not in ("x", "y")]
    if taken:
        raise InputError(
            f"The partitions have a column {taken[0]!r} already, which the join would write. Rename it first."
        )
    columns = [c for c in frame.columns if c not in own]
    meta = frame._meta[columns].assign(**{c: np.empty(0, dtype=kind) for c, kind in own.items()})
    joined = frame.map_partitions(_join_partition, plan.recipe, columns, meta=meta)
    return JoinedPartitions(joined, counted)


def _own_columns(recipe: Recipe) -> dict[str, type]:
    """Columns that the join writes, and their types."""
    names: dict[str, type] = {"set_aside": object, "x": float, "y": float, "area_id": object, "match": object}
    for level in recipe.areas:
        if level != "area":
            names |= {f"{level}_id": object, f"{level}_match": object}
    return names


def _join_partition(part: pd.DataFrame, recipe: Recipe, columns: list[str]) -> pd.DataFrame:
    """A partition with the columns of the join; every row stays."""
    import pandas as pd

    rows = sort_rows(
        recipe, part[recipe.columns], Tally({level: len(a) for level, a in recipe.areas.items()})
    )
    reasons = np.array([None, *REASON], dtype=object)
    own: dict[str, Any] = {"set_aside": reasons[rows.reason], "x": rows.x, "y": rows.y}
    for level, areas in recipe.areas.items():
        ids = np.array([*areas.index, None], dtype=object)
        words = np.array(MATCHES, dtype=object)
        own[f"{level}_id"] = ids[np.where(rows.joined, rows.areas[level], -1)]
        match = words[np.where(rows.joined, rows.match[level], MISSING)]
        match[~rows.joined] = None
        own["match" if level == "area" else f"{level}_match"] = match
    made = pd.DataFrame(own, index=part.index, dtype=object).astype({"x": float, "y": float})
    return pd.concat([part[columns], made], axis=1)


def open_dask(frame: Any) -> Stream:
    """A Dask DataFrame as an input."""
    return Stream("partitions", "dask", (DaskPiece(frame=frame),), tuple(map(str, frame.columns)))


def count_on_cluster(plan: Plan, client: Any, batch_rows: int) -> Tally:
    """Count an input with the help of a cluster.

    Parameters
    ----------
    plan : Plan
        What to count. Of files each piece is read where it is counted; frames are sent there.
    client : distributed.Client, str or None
        None only for Dask collections: what Dask would use by itself.
    batch_rows : int
        Rows held at once by one task.

    Raises
    ------
    ConfigError
        If no scheduler answers, or a machine ends on the way.
    """
    total = Tally({level: len(areas) for level, areas in plan.recipe.areas.items()})
    meter = Meter(f"counting rows of {plan.stream.source}", plan.stream.rows)
    with _connected(client) as connected:
        answers = 0
        for tally in _tallies(plan, connected, batch_rows):
            total.merge(tally)
            meter.add(tally.rows)
            answers += 1
    parts = sum(p.frame.npartitions for p in plan.stream.pieces if isinstance(p, DaskPiece))
    if answers < parts:
        raise AuditError(
            f"{plan.stream.source}: {parts} partitions were handed out and {answers} came back. A partition "
            "was lost inside safemap: please report it."
        )
    return total


def _tallies(plan: Plan, client: Any, batch_rows: int) -> Iterator[Tally]:
    """The totals of all pieces, in the order in which they are ready."""
    if client is None:
        import dask

        tasks = [
            dask.delayed(_count_partition, pure=False)(plan.recipe, part, number, batch_rows)
            for number, part in enumerate(_partitions(plan))
        ]
        for start in range(0, len(tasks), 64):
            yield from dask.compute(*tasks[start : start + 64])
        return
    from distributed import as_completed

    recipe = client.scatter(plan.recipe, broadcast=True, hash=False)
    jobs = _jobs(plan, client, recipe, batch_rows)
    waiting = set(islice(jobs, max(_AHEAD * sum(client.nthreads().values()), 1)))
    running = as_completed(waiting)
    try:
        for future in running:
            yield _outcome(future)
            waiting.remove(future)
            future.release()
            for following in islice(jobs, 1):
                waiting.add(following)
                running.add(following)
    finally:
        client.cancel([*waiting, recipe], force=True)


def _jobs(plan: Plan, client: Any, recipe: Any, batch_rows: int) -> Iterator[Any]:
    """Futures of the totals of each piece; a piece is handed out when it is asked for."""
    for number, part in enumerate(_partitions(plan)):
        yield client.submit(_count_partition, recipe, client.compute(part), number, batch_rows, pure=False)
    for piece in plan.stream.pieces:
        if isinstance(piece, FramePiece):  # what is in memory here is sent, batch by batch
            start = 0
            for frame in piece.batches(plan.recipe.columns, batch_rows):
                yield client.submit(count_batch, recipe, frame, start, piece.name, pure=False)
                start += len(frame)
        elif not isinstance(piece, DaskPiece):
            yield client.submit(_count_piece, recipe, piece, batch_rows, pure=False)


def _partitions(plan: Plan) -> Iterator[Any]:
    for piece in plan.stream.pieces:
        if isinstance(piece, DaskPiece):
            yield from piece.frame[plan.recipe.columns].to_delayed()


def _count_piece(recipe: Recipe, piece: Piece, batch_rows: int) -> Tally:
    """The totals of a piece of a file, read where this runs."""
    total = Tally({level: len(areas) for level, areas in recipe.areas.items()})
    start = piece.before
    for frame in piece.batches(recipe.columns, batch_rows):
        total.merge(count_batch(recipe, frame, start, piece.name))
        start += len(frame)
    return total


def _count_partition(recipe: Recipe, part: pd.DataFrame, number: int, batch_rows: int) -> Tally:
    """The totals of a partition; its rows are named by its number and their index."""
    piece = FramePiece(frames=(part,), index=True, name=f"partition {number:06d}")
    return _count_piece(recipe, piece, batch_rows)


def _outcome(future: Any) -> Tally:
    """What a task gives; what ended it, in words."""
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except SafemapError:
        raise
    except (KilledWorker, CancelledError) as error:
        raise ConfigError(
            "a process of the cluster ended while it counted, most often for want of memory. Give the "
            "workers more memory, or count fewer rows at once with batch_rows=."
        ) from error


@contextmanager
def _connected(client: Any) -> Iterator[Any]:
    """A client of the cluster; one that is opened here is closed here. None stays None."""
    try:
        import dask  # noqa: F401
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError(
            'Counting on a cluster needs Dask: pip install "safemap[big]" (conda: conda install dask '
            "distributed pyarrow).",
            library="dask",
        ) from error
    if not isinstance(client, str):
        if client is not None and not isinstance(client, Client):
            raise ConfigError(
                "client must be a distributed.Client or the address of a scheduler; got "
                f"{type(client).__name__}."
            )
        yield client
        return
    try:
        opened = Client(client, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {client!r}. Check that it runs and that the address is the one it "
            "shows."
        ) from error
    try:
        yield opened
    finally:
        opened.close()
