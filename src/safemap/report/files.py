"""The files of one assessment, made from its findings and staged as one bundle."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.audit import REASONS, Audit
from safemap.output.bundle import Stage
from safemap.output.data_dictionary import dictionary_csv
from safemap.output.gis import file_contents
from safemap.output.gis_layer import combine
from safemap.output.provenance import bundle_date, plain_value, versions
from safemap.output.tables import CsvTable, area_table, csv_table
from safemap.report.figures import stage_figures
from safemap.report.findings import Findings
from safemap.report.methods import caption, methods_text

if TYPE_CHECKING:
    import pandas as pd

#: Counts of a reconciliation that add up or overlap, in the order in which they are shown.
RECONCILED = ("events", "inside", "boundary", "overlap", "nearest", "recorded", "agree")
NESTED = ("events", "events_of_areas", "in_no_area", "in_area_of_other", "from_elsewhere")


def stage_files(findings: Findings, stage: Stage) -> None:
    """Write map, GeoPackage, tables, methods text and audit into `stage`, and the facts of the manifest."""
    from safemap.maps import explore, save_map

    c, date = findings.config, _date(findings)
    made = explore(
        *findings.area_results,
        title=c.assessment.title,
        language=c.assessment.language,
        registry=findings.registry,
        audience=findings.registry.audience,
        context=list(c.map.context) or None,
        neighbours=findings.joined.levels,
        place=c.assessment.place,
        source=c.assessment.source,
        methods=caption(findings),
        area_names=findings.areas,
    )
    save_map(made, stage.path("map.html"))
    _stage_gis(findings, stage, date=date)
    stage_figures(findings, stage)
    neutralised = {}
    for name, table in _tables(findings).items():
        stage.write(name, table.data)
        if table.neutralised:
            neutralised[name] = table.neutralised
    stage.write("methods.md", methods_text(findings, versions=versions()))
    stage.facts |= _facts(findings, date=date, neutralised=neutralised)


def _stage_gis(f: Findings, stage: Stage, *, date: str) -> None:
    """The files for a GIS, and the data dictionary as a table."""
    c = f.config
    layer = combine(f.area_results, registry=f.registry, language=c.assessment.language)
    said = {"date": date, "description": c.assessment.title, "source": c.assessment.source or ""}
    for end in c.output.gis:
        for path, data in file_contents(layer, Path(f"areas.{end}"), f.area_results, **said).items():
            stage.write(path.name, data)
    dictionary = dictionary_csv(layer, source=said["source"], bom=c.output.bom)
    stage.write("tables/data_dictionary.csv", dictionary.data)


def file_name(text: str, taken: Collection[str] = ()) -> str:
    """A plain name for a file, from a text of the data: ASCII, no folder, not in `taken`.

    Examples
    --------
    >>> file_name("Alcaldía / 1"), file_name("../x"), file_name("", {"unnamed"})
    ('alcaldia_1', 'x', 'unnamed_2')
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    name = re.sub(r"[^a-z0-9]+", "_", ascii_text).strip("_")[:40] or "unnamed"
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _tables(f: Findings) -> dict[str, CsvTable]:
    """Name in the bundle -> table."""
    bom = f.config.output.bom
    tables = {
        f"tables/{result.kind}.csv": area_table(result.frame, result.kind, registry=f.registry, bom=bom)
        for result in f.area_results
    }
    tables["tables/global_moran.csv"] = csv_table(_moran_row(f), bom=bom)
    tables["tables/boundaries.csv"] = csv_table(_boundaries(f), bom=bom)
    tables["tables/reconciliation.csv"] = csv_table(_reconciliation(f), bom=bom)
    taken: set[str] = set()
    for level, nested in f.joined.nested.items():
        taken.add(name := file_name(level, taken))
        tables[f"tables/reconciliation_{name}.csv"] = csv_table(_level(f, nested), bom=bom)
    tables["tables/audit_reasons.csv"] = csv_table(reasons_table(f.audit), bom=bom)
    tables["audit.csv"] = csv_table(rows_table(f.audit), bom=bom)
    return tables


def rows_table(audit: Audit) -> pd.DataFrame:
    """One row per row set aside: its number, step, reason and remedy; no content of the row."""
    frame = audit.to_frame()
    frame["what"] = frame["reason"].map({code: reason.text for code, reason in REASONS.items()})
    return frame[["row", "step", "reason", "kind", "what", "remedy"]]


def reasons_table(audit: Audit) -> pd.DataFrame:
    """Rows per reason, then the sums: rows in = placed + set aside, and what was kept with a flag."""
    import pandas as pd

    reasons = audit.by_reason().reset_index()[["reason", "kind", "rows", "text", "remedy"]]
    sums = {"rows_in": audit.n_in, "placed": audit.n_placed, "set_aside": audit.n_set_aside}
    words = {"rows_in": "rows that came in", "placed": "rows with an area", "set_aside": "rows without"}
    flags = {name: len(rows) for name, rows in audit.flags.items() if len(rows)}
    added = [
        *(("flag", name, n, f"kept, flagged {name.replace('_', ' ')}") for name, n in flags.items()),
        *(("sum", name, n, words[name]) for name, n in sums.items()),
    ]
    extra = pd.DataFrame(
        [
            {"reason": name, "kind": kind, "rows": n, "text": text, "remedy": ""}
            for kind, name, n, text in added
        ]
    )
    return pd.concat([reasons, extra], ignore_index=True) if len(reasons) else extra


def _boundaries(f: Findings) -> pd.DataFrame:
    """Faults of the boundaries, for the provider of the boundaries."""
    return f.boundaries.frame[["fault", "area_id", "other_id", "m2", "detail"]].reset_index(drop=True)


def _moran_row(f: Findings) -> pd.DataFrame:
    s = f.moran.settings
    frame = f.moran.frame.reset_index(drop=True).copy()
    return frame.assign(
        areas_tested=s["areas_tested"], alternative=s["alternative"], alpha=s["alpha"], rng=str(s["rng"])
    )


def _reconciliation(f: Findings) -> pd.DataFrame:
    table = f.joined.reconciliation
    levels = [f"{level}_id" for level in f.joined.levels]
    labels = [name for name in ("name", *levels) if name in table.columns]
    counts = [name for name in RECONCILED if name in table.columns]
    shown = f.registry.apply_counts(table[labels + counts], total="events")
    return shown.rename_axis("area_id").reset_index()


def _level(f: Findings, nested: pd.DataFrame) -> pd.DataFrame:
    counts = [name for name in NESTED if name in nested.columns]
    labels = [name for name in ("name",) if name in nested.columns]
    # ids of another level may equal those of the areas, so the areas registered as withheld do not count here
    registry = type(f.registry)(k=f.registry.k, audience=f.registry.audience)
    return registry.apply_counts(nested[labels + counts], total="events").reset_index()


def _date(f: Findings) -> str:
    dates = f.joined.frame["date"] if "date" in f.joined.frame.columns else None
    return bundle_date(None if dates is None else dates.max())


def _facts(f: Findings, *, date: str, neutralised: dict[str, int]) -> dict[str, Any]:
    """What the manifest says besides the files."""
    audit = f.audit
    return plain_value(
        {
            "title": f.config.assessment.title,
            "date": date,
            "versions": versions(),
            "assessment": _without_nones(asdict(f.config)),
            "inputs": _inputs(f),
            "rows": {
                "in": audit.n_in,
                "placed": audit.n_placed,
                "set_aside": audit.n_set_aside,
                "hit_rate": round(audit.hit_rate, 6),
                "by_reason": audit.by_reason()["rows"].to_dict(),
                "flags": {name: len(rows) for name, rows in audit.flags.items()},
            },
            "seed": f.lisa.settings["rng"],
            "automatic": _automatic(f),
            "steps": {"graph": f.graph.settings} | {name: result.settings for name, result in f.parts()},
            "findings": {
                "areas": len(f.areas),
                "withheld": len(f.hidden),
                "local_moran": f.classes(f.lisa),
                "local_getis_ord": f.classes(f.hot),
                "flagged": {"local_moran": len(f.flagged(f.lisa)), "local_getis_ord": len(f.flagged(f.hot))},
            },
            "warnings": f.warnings,
            "cells_neutralised": neutralised,
        }
    )


def _inputs(f: Findings) -> list[dict[str, Any]]:
    c = f.config
    return [
        {"role": "incidents", "file": c.incidents.path.name, "rows": f.audit.n_in},
        {"role": "areas", "file": c.areas.path.name, "rows": len(f.areas)},
        *(
            {
                "role": "level",
                "name": level.name,
                "file": level.path.name,
                "rows": len(f.joined.levels[level.name]),
            }
            for level in c.areas.levels
        ),
        *({"role": "context", "file": path.name} for path in c.map.context),
    ]


def _automatic(f: Findings) -> dict[str, Any]:
    """What safemap chose itself, by step."""
    report = f.incidents.report
    chosen: dict[str, Any] = {}
    if report is not None:
        names = ("encoding", "delimiter", "decimal", "sheet", "layer", "header_row")
        stated = {name for name in names if getattr(f.config.incidents, name, None) is not None}
        read = {name: getattr(report, name) for name in names if name not in stated}
        chosen["incidents"] = _without_nones({**read, "dates": report.date_rule, "notes": report.notes})
    for name, result in f.parts():
        automatic = {key: result.settings[key] for key in result.settings.get("automatic", [])}
        if automatic:
            chosen[name] = automatic
    return chosen


def _without_nones(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _without_nones(value) for key, value in values.items() if value is not None}
    return values
