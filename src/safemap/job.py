"""One assessment from files to folder: read, select, clean, join, compute, draw, write."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from safemap.config import AssessmentConfig, load_config
from safemap.errors import AuditError, InputError, SafemapWarning

if TYPE_CHECKING:
    import geopandas as gpd

    from safemap.analysis.joining import JoinResult
    from safemap.geo.boundaries import BoundaryReport
    from safemap.intake.incidents import Incidents
    from safemap.report.findings import Findings

Progress = Callable[[str], None]


@dataclass(frozen=True)
class AssessmentRun:
    """What :func:`run_assessment` did.

    Attributes
    ----------
    findings : Findings
        Results of every step: ``rates``, ``smooth``, ``moran``, ``lisa``, ``hot``, ``joined``, ``audit`` ...
    out : Path or None
        The folder that was written; None where nothing was written.
    files : tuple of str
        Files of the bundle, relative to `out`.
    """

    findings: Findings
    out: Path | None
    files: tuple[str, ...] = ()

    def summary(self) -> str:
        """What was mapped, set aside and found, in ten lines at most."""
        from safemap.report.summary import summary_lines

        return "\n".join(summary_lines(self.findings, self.out))


def load_assessment(
    path: str | os.PathLike[str],
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    data: str | os.PathLike[str] | None = None,
) -> AssessmentConfig:
    """Read and check an ``assessment.toml``.

    Parameters
    ----------
    path : path-like
        The TOML file. Its keys equal the keyword names of the functions they are handed to.
    overrides : mapping or sequence of str
        Values in place of those in the file: ``{"local.rng": 7}`` or ``["local.rng=7"]``.
    data : path-like, optional
        Folder from which relative paths in the file count. Default: the folder of the file.

    Returns
    -------
    AssessmentConfig
        One attribute per section.

    Raises
    ------
    ConfigError
        With all faults of the file at once, each with its key, what came and what is allowed.

    Examples
    --------
    >>> import safemap as sm
    >>> assessment = sm.load_assessment(sm.datasets.path("iztapalapa") / "assessment.toml")
    >>> assessment.local.permutations
    9999
    """
    return load_config(path, overrides, data=data)


def run_assessment(
    assessment: AssessmentConfig | str | os.PathLike[str],
    out: str | os.PathLike[str] | None,
    *,
    progress: Progress | None = None,
) -> AssessmentRun:
    """Carry out an assessment and write its folder, whole or not at all.

    Parameters
    ----------
    assessment : AssessmentConfig or path-like
        From :func:`load_assessment`, or the path of an ``assessment.toml``.
    out : path-like or None
        Folder for ``map.html``, ``areas.gpkg``, ``figures/*``, ``tables/*.csv``, ``methods.md``,
        ``audit.csv`` and ``provenance.json``, which is written last. None computes everything and writes
        nothing.
    progress : callable, optional
        Called with a line of text at each step.

    Returns
    -------
    AssessmentRun
        Results, folder and summary.

    Raises
    ------
    SafemapError
        What is wrong and what to do; `out` is then as it was.
    """
    config = assessment if isinstance(assessment, AssessmentConfig) else load_config(assessment)
    tell = progress or (lambda line: None)
    from safemap.stats.running import watch_progress

    with watch_progress(tell):
        findings = _compute(config, tell)
    if out is None:
        return AssessmentRun(findings, None)

    from safemap.output.bundle import MANIFEST, write_bundle
    from safemap.report.files import stage_files

    tell("writing the map, the tables and the methods text")
    with write_bundle(out) as stage:
        stage_files(findings, stage)
        files = (*sorted(stage.names), MANIFEST)
    return AssessmentRun(findings, Path(out), files)


def _compute(config: AssessmentConfig, tell: Progress) -> Findings:
    """Every step up to the numbers."""
    from safemap.analysis.autocorrelation import global_moran, local_getis_ord, local_moran
    from safemap.analysis.rates import area_rates
    from safemap.analysis.smoothing import smooth_rates
    from safemap.disclosure.registry import Registry
    from safemap.geo.graph import build_graph
    from safemap.report.findings import Findings

    c = config
    registry = Registry(k=c.disclosure.k, audience=c.disclosure.audience)
    with _collected_warnings() as said:
        placed = _place(c, tell)
        tell("computing rates")
        rates = area_rates(
            placed.joined,
            period=c.incidents.period,
            base=c.rates.base,
            per=c.rates.per,
            confidence=c.rates.confidence,
            interval=c.rates.interval,
        )
        _check_sum(rates)
        smooth = None if c.rates.smooth == "none" else smooth_rates(rates, method=c.rates.smooth)
        tell("finding neighbours")
        graph = build_graph(
            placed.areas,
            c.graph.rule,
            tolerance=c.graph.tolerance,
            order=c.graph.order,
            isolates=c.graph.isolates,
        )
        tell("testing neighbourhoods")
        test = {
            "events": "events",
            "population": "population",
            "graph": graph,
            "permutations": c.local.permutations,
            "alternative": c.local.alternative,
            "alpha": c.local.alpha,
            "rng": c.local.rng,
        }
        moran = global_moran(rates, **test)
        test |= {"max_permutations": c.local.max_permutations, "adjust": c.local.adjust}
        lisa, hot = local_moran(rates, **test), local_getis_ord(rates, **test)
    return Findings(
        config=c, areas=placed.areas, boundaries=placed.boundaries, incidents=placed.incidents,
        joined=placed.joined, rates=rates, smooth=smooth, graph=graph,
        moran=moran, lisa=lisa, hot=hot, registry=registry.register(rates.frame), warnings=tuple(said),
    )  # fmt: skip


class _Placed(NamedTuple):
    """Areas, and every row of the register placed or set aside."""

    areas: gpd.GeoDataFrame
    boundaries: BoundaryReport
    incidents: Incidents
    joined: JoinResult


def _place(c: AssessmentConfig, tell: Progress) -> _Placed:
    """Files in, every row placed or set aside."""
    from safemap.analysis.joining import join_areas
    from safemap.geo.boundaries import check_areas
    from safemap.intake.areas import read_areas
    from safemap.intake.cleaning import clean_incidents
    from safemap.intake.selection import select_incidents

    a, i = c.areas, c.incidents
    tell(f"reading {a.path.name}")
    areas = read_areas(
        a.path,
        id=a.id,
        name=a.name,
        population=a.population,
        layer=a.layer,
        crs=a.crs,
        names=a.names,
        keep=[],
    )
    tell(f"checking {len(areas):,} boundaries")
    boundaries = check_areas(areas, tolerance=c.graph.tolerance)
    levels = {
        level.name: read_areas(
            level.path, id=level.id, name=level.label, layer=level.layer, crs=level.crs, keep=[]
        )
        for level in a.levels
    }
    tell(f"reading {i.path.name}")
    raw = _read(c)
    if not len(raw.frame):
        raise InputError(f"{i.path.name} has a header and no rows. Check that the export finished.")
    tell(f"checking {len(raw.frame):,} rows")
    chosen = select_incidents(raw, where=i.where, period=i.period)
    clean = clean_incidents(
        chosen, within=areas, repair=i.repair, duplicates=i.duplicates, pileups=i.pileups, address=i.address
    )
    tell(f"joining {len(clean.frame):,} rows to {len(areas):,} areas")
    joined = join_areas(clean, areas, levels=levels, recorded=a.recorded, max_distance=a.max_distance)
    _check_some_are_placed(joined)
    return _Placed(areas, boundaries, clean, joined)


def _check_some_are_placed(joined: JoinResult) -> None:
    """A map of zeros would say that nothing was recorded, which is not what an empty join means."""
    audit = joined.audit
    if audit is not None and not audit.n_placed:
        reasons = ", ".join(f"{row.rows:,} {row.text}" for row in audit.by_reason().itertuples())
        raise InputError(
            f"{audit.source}: none of the {audit.n_in:,} rows could be placed in an area: {reasons}."
        )


def _read(c: AssessmentConfig) -> Incidents:
    """The register, with the columns that are used and no others."""
    from safemap.intake.incidents import read_incidents

    i = c.incidents
    used = [*(i.where or {}), *(column for column in (c.areas.recorded, i.address) if column)]
    return read_incidents(
        i.path, lon=i.lon, lat=i.lat, x=i.x, y=i.y, crs=i.crs, date=i.date, time=i.time, category=i.category,
        id=i.id, encoding=i.encoding, delimiter=i.delimiter, decimal=i.decimal, sheet=i.sheet, layer=i.layer,
        dayfirst=i.dayfirst, date_format=i.date_format, positional_uncertainty=i.positional_uncertainty,
        header=i.header,
        keep=list(dict.fromkeys(used)),
    )  # fmt: skip


def _check_sum(rates: Any) -> None:
    """The last look at the books: events in the areas are the rows that were placed."""
    counted, placed = int(rates.frame["events"].sum()), rates.audit.n_placed
    if counted != placed:
        raise AuditError(
            f"{rates.audit.source}: {placed:,} rows were placed and {counted:,} events are in the areas. "
            "A row was lost or doubled inside safemap: please report it."
        )


@contextmanager
def _collected_warnings() -> Iterator[list[str]]:
    """Texts of the warnings that safemap gives in the block, each once; others are passed on."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SafemapWarning)
        yield said
    for warning in caught:
        if not issubclass(warning.category, SafemapWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif str(warning.message) not in said:
            said.append(str(warning.message))
