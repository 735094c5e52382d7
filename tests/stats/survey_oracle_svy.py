"""Estimates by the Python package svy, for comparison only; reads and writes what survey_oracle.R does."""

import sys

import polars as pl
import svy


def estimates(path: str) -> list[float]:
    """For each domain of g in order, then for all: mean, SE, total, SE, ratio y/x, SE, degrees of freedom."""
    sample = svy.Sample(pl.read_csv(path), svy.Design(stratum="stratum", wgt="w", psu="psu")).estimation
    numbers: list[float] = []
    parts: list[list[tuple[float, float, float]]] = []
    for by in ("g", None):
        found = [sample.mean("y", by=by), sample.total("y", by=by), sample.ratio("y", "x", by=by)]
        parts.append(
            [
                [(e.est, e.se, e.df) for e in sorted(f.estimates, key=lambda e: e.by_level or ())]
                for f in found
            ]
        )
    for means, totals, ratios in parts:
        for mean, total, ratio in zip(means, totals, ratios, strict=True):
            numbers += [*mean[:2], *total[:2], *ratio[:2], mean[2]]
    return numbers


for line in sys.stdin:
    sys.stdout.write(" ".join(f"{v:.17g}" for v in estimates(line.strip())) + "\n")
    sys.stdout.flush()
