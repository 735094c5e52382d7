"""Thresholds and defaults in one table, each with its source, so that one line changes one rule."""

from __future__ import annotations

from typing import NamedTuple


class Threshold(NamedTuple):
    """A number a rule rests on."""

    value: float
    meaning: str
    source: str


# fmt: off
THRESHOLDS: dict[str, Threshold] = {
    "hit_rate_min": Threshold(0.85, "smallest acceptable geocoding hit rate", "Ratcliffe 2004, doi:10.1080/13658810310001596076"),
    "events_min": Threshold(30, "fewest events for a test of clustering", "safemap"),
    "events_note": Threshold(100, "events below which a note is added", "safemap"),
    "areas_min": Threshold(3, "fewest areas for a statistic of neighbourhood", "safemap"),
    "rate_events_min": Threshold(10, "fewest events for a rate that is not flagged", "NCHS rates 2023"),
    "rate_ci_width_max": Threshold(1.60, "largest width of the interval relative to the rate", "NCHS rates 2023"),
    "detectable_ratio_max": Threshold(1.5, "largest detectable ratio at which no change may be claimed", "safemap"),
    "suppress_below": Threshold(5, "counts from 1 to this minus 1 are withheld", "common official practice (3 to 10)"),
    "pileup_min": Threshold(10, "fewest rows on one coordinate to call it a pile-up", "safemap"),
    "pileup_share": Threshold(0.005, "smallest share of all rows to call it a pile-up", "safemap"),
    "survey_n_min": Threshold(30, "fewest respondents of a survey estimate", "Parker et al. 2017 (NCHS)"),
    "survey_n_eff_min": Threshold(30, "smallest effective sample of a survey estimate", "Parker et al. 2017 (NCHS)"),
    "survey_width_max": Threshold(0.30, "width of the interval from which a proportion is withheld", "Parker et al. 2017 (NCHS)"),
    "survey_width_fine": Threshold(0.05, "width of the interval up to which a proportion is fit to publish", "Parker et al. 2017 (NCHS)"),
    "survey_relative_width_max": Threshold(1.30, "largest width of the interval relative to the proportion", "Parker et al. 2017 (NCHS)"),
    "survey_df_min": Threshold(8, "fewest degrees of freedom without a review", "Parker et al. 2017 (NCHS)"),
    "survey_n_star": Threshold(60, "respondents below which a mean, total or ratio is flagged", "NCHS rule before 2017"),
    "survey_rse_max": Threshold(0.30, "largest standard error relative to a mean, total or ratio", "NCHS rule before 2017"),
    "weight_ratio_max": Threshold(20, "largest ratio of survey weights without a warning", "safemap"),
    "gps_accuracy_m": Threshold(30, "metres of stated accuracy above which a position is flagged", "safemap"),
    "tolerance_m": Threshold(1.0, "metres within which two boundaries touch", "safemap"),
    "far_outside_share": Threshold(0.10, "margin of the study area's box beyond which a point is far outside", "safemap"),
    "cell_floor_m": Threshold(100, "smallest cell of a grid that is chosen automatically", "safemap"),
    "cell_min_m": Threshold(25, "smallest cell by the rule of the shorter side", "safemap"),
    "cell_max_m": Threshold(500, "largest cell by the rule of the shorter side", "safemap"),
    "cells_per_side": Threshold(150, "shorter side of the study area divided by the cell", "Chainey & Ratcliffe 2005"),
    "bandwidth_cells": Threshold(5, "bandwidth of a kernel density in cells, by rule", "Chainey 2013"),
    "bandwidth_neighbour": Threshold(10, "neighbour whose mean distance is the bandwidth 'knn'", "Williamson et al. 1999"),
}
# fmt: on


def threshold(name: str) -> float:
    """The value of a threshold by name."""
    return THRESHOLDS[name].value
