"""The ten lines that end a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from safemap.report.findings import Findings
from safemap.report.methods import figure
from safemap.settings import threshold


def summary_lines(findings: Findings, out: Path | None = None) -> list[str]:
    """What was mapped, what was set aside, what was found, and which file to open: ten lines at most."""
    f, audit = findings, findings.audit
    faults = int((audit.set_aside["kind"] == "fault").sum())
    low = audit.hit_rate < threshold("hit_rate_min")
    lines = [
        f"{f.config.assessment.title}: {len(f.areas):,} areas, {_period(f)}",
        f"rows       {audit.n_in:,} in = {audit.n_placed:,} placed + {audit.n_set_aside:,} set aside"
        f" ({faults:,} of them faults)",
        f"hit rate   {audit.hit_rate:.1%} of the rows asked for"
        + (f": below {threshold('hit_rate_min'):.0%}, read the map with care" if low else ""),
        f"rate       {figure(f.rates.settings['overall_rate'])} {f.rates.settings['unit']}",
        f"Moran's I  {_moran(f)}",
        f"local      {_flagged(f)}",
        _chance(f),
        f"withheld   {_withheld(f)}",
        _warned(f),
        f"open       {out / 'map.html'}" if out is not None else "",
    ]
    return [line for line in lines if line]


def _withheld(f: Findings) -> str:
    k = f.registry.k
    return f"{len(f.hidden):,} areas with 1 to {k - 1} events" if k > 1 else "nothing (k = 1)"


def _period(f: Findings) -> str:
    period = f.rates.settings["period"]
    return "the whole file" if period is None else f"{period[0]} to {period[1]}"


def _moran(f: Findings) -> str:
    if np.isnan(f.moran.statistic):
        return f"not computed: {f.moran.settings['reason']}"
    return f"{figure(f.moran.statistic)} (p {figure(f.moran.p_value)})"


def _flagged(f: Findings) -> str:
    if not f.lisa.settings["areas_tested"]:
        return "nothing could be tested"
    moran, getis = len(f.flagged(f.lisa)), len(f.flagged(f.hot))
    tested = f.lisa.settings["areas_tested"]
    return f"{moran:,} areas flagged by local Moran, {getis:,} by Gi*, of {tested:,} tested"


def _chance(f: Findings) -> str:
    s = f.lisa.settings
    if not s["areas_tested"]:
        return ""
    share = f"{s['alpha']:.0%}"
    if s["adjust"].startswith("fdr"):
        return f"by chance  up to {share} of the flagged areas are expected to be flagged by chance"
    expected = s["alpha"] * s["areas_tested"]
    return f"by chance  {expected:.1f} of the areas tested would have p <= {s['alpha']:g}"


def _warned(f: Findings) -> str:
    """What needs a look, in one line."""
    notes = []
    pileups = f.incidents.pileups
    if pileups is not None and len(pileups) and f.config.incidents.pileups == "report":
        notes.append(f"{int(pileups['rows'].max()):,} rows share one coordinate: a default? (pileups)")
    if f.warnings:
        notes.append(f"{len(f.warnings)} warnings, in methods.md" if len(f.warnings) > 1 else f.warnings[0])
    return "look at    " + "; ".join(notes) if notes else ""
