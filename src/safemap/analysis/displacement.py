"""Did crime fall where something was done, or only move next door? Treated areas, controls, and their rings.

The arithmetic is :func:`safemap.stats.change.displacement_difference`; here areas come in and a result goes
out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import AreasLike
from safemap.analysis._alignment import read_frame, read_numbers
from safemap.errors import AlignmentError, ConfigError, InputError
from safemap.results import Result
from safemap.stats.change import DisplacementDifference
from safemap.stats.change import displacement_difference as _difference

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

#: in the order in which the arithmetic takes them
ROLES = ("control", "treated", "displacement control", "displacement treated")


@dataclass(frozen=True, eq=False, repr=False)
class DisplacementResult(Result):
    """Change of treated areas less that of controls; see :func:`displacement_difference`.

    Attributes
    ----------
    effects : pandas.DataFrame
        Index local, displacement, total; columns ``estimate``, ``std_error``, ``z_score``, ``conf_low``,
        ``conf_high``, ``p_value``.
    places : pandas.DataFrame
        One row per role: ``areas``, ``before``, ``after``, ``weight``.
    """

    kind: ClassVar[str] = "displacement"

    effects: pd.DataFrame = field(default=None)  # type: ignore[assignment]
    places: pd.DataFrame = field(default=None)  # type: ignore[assignment]

    def summary(self) -> str:
        """The three effects, and what the counts were."""
        lines = [self._headline()]
        lines += [
            f"{role}: {int(row.areas)} areas, {int(row.before):,} events before, {int(row.after):,} after"
            for role, row in self.places.iterrows()
        ]
        few = int((self.places[["before", "after"]] < 5).any(axis=1).sum())
        if few:
            lines.append(f"{few} of these have fewer than 5 events in a period: the limits are rough")
        shared = self.settings["shared_neighbours"]
        if shared:
            lines.append(
                f"{len(shared)} areas border treated and control areas; they count as treated's ring"
            )
        if self.audit is not None:
            lines.append(self.audit.summary())
        return "\n".join(lines)

    def _headline(self) -> str:
        total, s = self.effects.loc["total"], self.settings
        words = f"{total['conf_low']:,.1f} to {total['conf_high']:,.1f}"
        return (
            f"weighted displacement difference from {s['before']} to {s['after']}: {total['estimate']:,.1f} "
            f"{s['unit']} ({s['confidence']:.0%} limits {words}, p {total['p_value']:.3f}); "
            f"local {self.effects.loc['local', 'estimate']:,.1f}, "
            f"displacement {self.effects.loc['displacement', 'estimate']:,.1f}"
        )


def displacement_difference(
    areas: AreasLike,
    before: str,
    after: str,
    *,
    treated: Sequence[Any],
    control: Sequence[Any],
    displacement_treated: Sequence[Any] = (),
    displacement_control: Sequence[Any] = (),
    graph: Any = None,
    periods: tuple[float, float] = (1.0, 1.0),
    weight: str | None = None,
    confidence: float = 0.95,
) -> DisplacementResult:
    """Weighted displacement difference: change of treated areas less that of controls, neighbours included.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame or Result
        One row per area, ids in the index.
    before, after : str
        Columns of counts of the two periods.
    treated, control : sequence of ids
        Where something was done, and areas like them where nothing was.
    displacement_treated, displacement_control : sequence of ids
        Areas around the treated ones, where crime may have moved, and around the controls.
    graph : AreaGraph, libpysal Graph or W, optional
        Takes the neighbours for them instead. A neighbour of both belongs to the treated areas.
    periods : tuple of two numbers
        Lengths of the periods; counts are divided by them.
    weight : str, optional
        Column such as population or street length; counts of each role are divided by its sum. Needed where
        the roles differ in size. Default: counts as they are.
    confidence : float
        Coverage of the intervals.

    Returns
    -------
    DisplacementResult
        ``effects`` and ``places``; ``frame``: one row per area with ``name`` (if given), ``role`` (treated,
        control, displacement treated, displacement control, not used), ``before``, ``after``, ``geometry``.

    Raises
    ------
    AlignmentError
        Ids that are not among the areas.
    ConfigError
        An area in two roles, no treated or control area, or displacement areas on one side only.
    InputError
        A count or weight that is needed is missing.

    References
    ----------
    Wheeler, A. P., Ratcliffe, J. H. (2018). A simple weighted displacement difference test to evaluate place
    based crime interventions. Crime Science 7, 11. doi:10.1186/s40163-018-0085-5

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> counts = {"y1": [207, 178, 308, 150], "y2": [110, 157, 318, 140]}
    >>> areas = gpd.GeoDataFrame(counts, geometry=[box(i, 0, i + 1, 1) for i in range(4)],
    ...                          index=["beat", "next to it", "other beat", "next to that"], crs=32614)
    >>> wdd = displacement_difference(areas, "y1", "y2", treated=["beat"], control=["other beat"],
    ...                               displacement_treated=["next to it"],
    ...                               displacement_control=["next to that"])
    >>> wdd.effects[["estimate", "std_error", "z_score"]].round(2).loc["total"].tolist()
    [-118.0, 39.6, -2.98]
    """
    frame = read_frame(areas, neighbourhood=False)
    roles, shared = _roles(frame, (control, treated, displacement_control, displacement_treated), graph)
    counts = np.column_stack([read_numbers(frame, column, signed=False) for column in (before, after)])
    sizes = np.ones(len(frame)) if weight is None else read_numbers(frame, weight, signed=False)
    used = roles != "not used"
    _require_known(frame, used, counts, sizes, weight)
    sums = np.array([counts[roles == role].sum(axis=0) for role in ROLES])
    weights = np.array([sizes[roles == role].sum() if weight else 1.0 for role in ROLES])
    effects = _effects(sums, weights, periods, confidence, used_rings=bool((roles == ROLES[3]).any()))
    settings = {
        "before": before,
        "after": after,
        "periods": list(periods),
        "weight": weight,
        "confidence": confidence,
        "unit": "events" if weight is None else f"events per unit of {weight}",
        "shared_neighbours": frame.index[shared].tolist(),
    }
    table = {
        **({"name": frame["name"]} if "name" in frame.columns else {}),
        "role": roles,
        "before": counts[:, 0],
        "after": counts[:, 1],
    }
    return DisplacementResult(
        frame=_with_geometry(frame, table),
        settings=settings,
        audit=areas.audit if isinstance(areas, Result) else None,
        effects=effects,
        places=_places(roles, sums, weights),
    )


def _roles(
    frame: gpd.GeoDataFrame, given: Sequence[Sequence[Any]], graph: Any
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Role of each area, and which areas border both treated and control areas."""
    member = [_member(frame, ids, role) for ids, role in zip(given, ROLES, strict=True)]
    control, treated, ring_control, ring_treated = member
    for ids, word in ((treated, "treated"), (control, "control")):
        if not ids.any():
            raise ConfigError(f"{word}= must name at least one area.")
    shared = np.zeros(len(frame), dtype=bool)
    if graph is not None:
        if ring_control.any() or ring_treated.any():
            raise ConfigError("give graph=, or the displacement areas themselves, not both.")
        links = _links(graph, frame)
        core = treated | control
        ring_treated, ring_control = ((links @ core_of > 0) & ~core for core_of in (treated, control))
        shared = ring_treated & ring_control
        ring_control &= ~shared
    if ring_treated.any() != ring_control.any():
        raise ConfigError("displacement areas are needed around treated and around control areas, or none.")
    member = [control, treated, ring_control, ring_treated]
    twice = frame.index[np.sum(member, axis=0) > 1]
    if len(twice):
        raise ConfigError(f"an area can have one role only; more have {twice[:3].tolist()}.")
    return np.select(member, ROLES, "not used").astype(object), shared


def _member(frame: gpd.GeoDataFrame, ids: Sequence[Any], role: str) -> NDArray[np.bool_]:
    if isinstance(ids, str):
        raise ConfigError(f"{role} areas must be a list of ids; got the text {ids!r}.")
    ids = list(ids)
    unknown = [i for i in ids if i not in frame.index]
    if unknown:
        raise AlignmentError(f"{len(unknown)} {role} ids are not among the areas, e.g. {unknown[:3]}.")
    return np.asarray(frame.index.isin(ids))


def _links(graph: Any, frame: gpd.GeoDataFrame) -> Any:
    from safemap.geo.graph import as_area_graph

    return as_area_graph(graph, frame.index).adjacency


def _require_known(
    frame: gpd.GeoDataFrame,
    used: NDArray[np.bool_],
    counts: NDArray[np.float64],
    sizes: NDArray[np.float64],
    weight: str | None,
) -> None:
    missing = used & np.isnan(counts).any(axis=1)
    if missing.any():
        raise InputError(
            f"counts are missing in areas with a role, e.g. {frame.index[missing][:3].tolist()}."
        )
    empty = used & ~(sizes > 0)
    if empty.any():
        raise InputError(
            f"{weight!r} must be above 0 in areas with a role; it is not, e.g. in "
            f"{frame.index[empty][:3].tolist()}."
        )


def _effects(
    sums: NDArray[np.float64],
    weights: NDArray[np.float64],
    periods: tuple[float, float],
    confidence: float,
    *,
    used_rings: bool,
) -> pd.DataFrame:
    """Local, displacement and total effect, each with the error of its own counts."""
    import pandas as pd

    none = np.zeros(2)
    safe = np.where(weights > 0, weights, 1.0)
    kept: Mapping[str, tuple[Any, ...]] = {
        "local": (sums[0], sums[1], none, none),
        "displacement": (none, none, sums[2], sums[3]),
        "total": tuple(sums),
    }
    rows: dict[str, list[float]] = {}
    for name, (control, treated, ring_control, ring_treated) in kept.items():
        found: DisplacementDifference = _difference(
            tuple(control), tuple(treated), displacement_control=tuple(ring_control),
            displacement_treated=tuple(ring_treated), time_weights=periods, area_weights=tuple(safe),
            confidence=confidence,
        )  # fmt: skip
        rows[name] = [found.total, *found[3:]]
    if not used_rings:
        rows["displacement"] = [np.nan] * len(rows["total"])
    columns = ["estimate", "std_error", "z_score", "conf_low", "conf_high", "p_value"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("effect")


def _places(
    roles: NDArray[np.object_], sums: NDArray[np.float64], weights: NDArray[np.float64]
) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(
        {
            "areas": [int((roles == role).sum()) for role in ROLES],
            "before": sums[:, 0],
            "after": sums[:, 1],
            "weight": weights,
        },
        index=pd.Index(ROLES, name="role"),
    )
    return table[table["areas"] > 0]


def _with_geometry(frame: gpd.GeoDataFrame, table: Mapping[str, Any]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    columns = {**table, "geometry": frame.geometry}
    return gpd.GeoDataFrame(columns, geometry="geometry", crs=frame.crs, index=frame.index)
