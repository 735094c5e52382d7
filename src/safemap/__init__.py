"""safemap: audited joins, honest local statistics and safe offline maps of urban safety.

Every public name is listed here in the order of the pipeline and loaded when it is first used, so that
``import safemap`` itself costs next to nothing.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: public name -> module that defines it, in pipeline order
_WHERE = {
    # files in
    "read_areas": "safemap.intake.areas",
    "read_incidents": "safemap.intake.incidents",
    "Incidents": "safemap.intake.incidents",
    "LoadReport": "safemap.intake.report",
    "propose_columns": "safemap.intake.roles",
    "write_mapping": "safemap.output.mapping_file",
    "propose_repairs": "safemap.intake.repairs",
    "propose_crs": "safemap.intake.systems",
    "compare_control_points": "safemap.intake.systems",
    "reporting_lag": "safemap.intake.lags",
    "return_sheet": "safemap.output.return_sheet",
    "write_return_sheet": "safemap.output.return_sheet",
    "read_area_counts": "safemap.intake.counts",
    "AreaCounts": "safemap.intake.counts",
    "match_places": "safemap.intake.placenames",
    "PlaceMatches": "safemap.intake.placenames",
    "select_incidents": "safemap.intake.selection",
    "clean_incidents": "safemap.intake.cleaning",
    "read_xlsform": "safemap.intake.xlsform",
    "Codebook": "safemap.intake.xlsform",
    "read_survey": "safemap.intake.survey",
    "SurveyResponses": "safemap.intake.survey",
    "join_repeat": "safemap.intake.survey",
    # kinds of offences
    "iccs_codes": "safemap.offences.iccs",
    "crosswalk": "safemap.offences.crosswalk",
    "CrosswalkResult": "safemap.offences.crosswalk",
    "tag_themes": "safemap.offences.themes",
    "detection_basis": "safemap.offences.themes",
    "principal_offence": "safemap.offences.principal",
    # places
    "check_areas": "safemap.geo.boundaries",
    "build_graph": "safemap.geo.graph",
    "AreaGraph": "safemap.geo.graph",
    "grid_graph": "safemap.geo.lattice",
    "edge_share": "safemap.geo.edges",
    "make_grid": "safemap.geo.grid",
    "join_areas": "safemap.analysis.joining",
    "JoinResult": "safemap.analysis.joining",
    "count_areas": "safemap.analysis.counting",
    "CountedAreas": "safemap.analysis.counted",
    "join_partitions": "safemap.analysis.dask",
    "JoinedPartitions": "safemap.analysis.dask",
    "geocode_report": "safemap.analysis.geocoding",
    "hit_rate_sensitivity": "safemap.analysis.hit_rate",
    "misassignment_risk": "safemap.analysis.misassignment",
    "time_heaping": "safemap.analysis.heaping",
    "area_crosswalk": "safemap.analysis.area_versions",
    "AreaCrosswalk": "safemap.analysis.area_versions",
    "perceived_places": "safemap.analysis.perceived",
    # numbers
    "watch_progress": "safemap.stats.running",
    "raster_sum_by_area": "safemap.analysis.zonal",
    "ZonalResult": "safemap.analysis.zonal",
    "area_rates": "safemap.analysis.rates",
    "denominator_for": "safemap.analysis.denominators",
    "rate_range": "safemap.analysis.denominators",
    "compare_bases": "safemap.analysis.denominators",
    "location_quotient": "safemap.analysis.location_quotient",
    "smooth_rates": "safemap.analysis.smoothing",
    "standardised_ratios": "safemap.analysis.smoothing",
    "standardised_rates": "safemap.analysis.standardisation",
    "expected_events": "safemap.analysis.standardisation",
    "funnel_limits": "safemap.analysis.funnel",
    "detectable_risk": "safemap.analysis.power",
    "RatesResult": "safemap.analysis.rates",
    "global_moran": "safemap.analysis.autocorrelation",
    "local_moran": "safemap.analysis.autocorrelation",
    "local_getis_ord": "safemap.analysis.autocorrelation",
    "global_geary": "safemap.analysis.association",
    "global_getis_ord": "safemap.analysis.association",
    "global_bivariate_moran": "safemap.analysis.association",
    "local_bivariate_moran": "safemap.analysis.association",
    "local_geary": "safemap.analysis.local_geary",
    "global_join_counts": "safemap.analysis.join_counts",
    "local_join_counts": "safemap.analysis.join_counts",
    "global_lee": "safemap.analysis.lee",
    "local_lee": "safemap.analysis.lee",
    "local_losh": "safemap.analysis.heteroscedasticity",
    "correlogram": "safemap.analysis.correlogram",
    "area_change": "safemap.analysis.change",
    "ChangeResult": "safemap.analysis.change",
    "displacement_difference": "safemap.analysis.displacement",
    "kernel_density": "safemap.analysis.density",
    "DensityResult": "safemap.analysis.density",
    "density_classes": "safemap.analysis.density_reading",
    "bandwidth_sensitivity": "safemap.analysis.density_reading",
    # survey answers
    "place_responses": "safemap.analysis.survey_places",
    "SurveyDesign": "safemap.analysis.survey_design",
    "survey_estimate": "safemap.analysis.survey",
    "SurveyResult": "safemap.analysis.survey",
    "count_answers": "safemap.analysis.survey",
    "publication_flag": "safemap.stats.publication",
    "min_n_plan": "safemap.stats.publication",
    # what may leave
    "Registry": "safemap.disclosure.registry",
    # pictures and files out
    "explore": "safemap.maps",
    "save_map": "safemap.maps",
    "static_map": "safemap.maps.figures.choropleth",
    "small_multiples": "safemap.maps.figures.multiples",
    "moran_scatter": "safemap.maps.figures.moran_scatter",
    "hour_weekday_table": "safemap.maps.figures.heat_table",
    "monthly_trend": "safemap.maps.figures.trend",
    "lorenz_curve": "safemap.maps.figures.lorenz",
    "interval_plot": "safemap.maps.figures.interval_plot",
    "funnel_plot": "safemap.maps.figures.funnel",
    "StaticFigure": "safemap.maps.figures.figure",
    "write_surface": "safemap.output.surface",
    "export_gis": "safemap.output.gis",
    # whole assessments
    "load_assessment": "safemap.job",
    "run_assessment": "safemap.job",
    # common to all
    "Audit": "safemap.audit",
    "Result": "safemap.results",
    "SafemapError": "safemap.errors",
    "SafemapWarning": "safemap.errors",
}
_MODULES = ("datasets", "errors", "settings", "stats")

__all__ = ["__version__", *_MODULES, *_WHERE]

logging.getLogger("safemap").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"safemap.{name}")
    if name in _WHERE:
        value = getattr(importlib.import_module(_WHERE[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'safemap' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if TYPE_CHECKING:
    from safemap import datasets, errors, settings, stats
    from safemap.analysis.area_versions import AreaCrosswalk, area_crosswalk
    from safemap.analysis.association import (
        global_bivariate_moran,
        global_geary,
        global_getis_ord,
        local_bivariate_moran,
    )
    from safemap.analysis.autocorrelation import global_moran, local_getis_ord, local_moran
    from safemap.analysis.change import ChangeResult, area_change
    from safemap.analysis.correlogram import correlogram
    from safemap.analysis.counted import CountedAreas
    from safemap.analysis.counting import count_areas
    from safemap.analysis.dask import JoinedPartitions, join_partitions
    from safemap.analysis.denominators import compare_bases, denominator_for, rate_range
    from safemap.analysis.density import DensityResult, kernel_density
    from safemap.analysis.density_reading import bandwidth_sensitivity, density_classes
    from safemap.analysis.displacement import displacement_difference
    from safemap.analysis.funnel import funnel_limits
    from safemap.analysis.geocoding import geocode_report
    from safemap.analysis.heaping import time_heaping
    from safemap.analysis.heteroscedasticity import local_losh
    from safemap.analysis.hit_rate import hit_rate_sensitivity
    from safemap.analysis.join_counts import global_join_counts, local_join_counts
    from safemap.analysis.joining import JoinResult, join_areas
    from safemap.analysis.lee import global_lee, local_lee
    from safemap.analysis.local_geary import local_geary
    from safemap.analysis.location_quotient import location_quotient
    from safemap.analysis.misassignment import misassignment_risk
    from safemap.analysis.perceived import perceived_places
    from safemap.analysis.power import detectable_risk
    from safemap.analysis.rates import RatesResult, area_rates
    from safemap.analysis.smoothing import smooth_rates, standardised_ratios
    from safemap.analysis.standardisation import expected_events, standardised_rates
    from safemap.analysis.survey import SurveyResult, count_answers, survey_estimate
    from safemap.analysis.survey_design import SurveyDesign
    from safemap.analysis.survey_places import place_responses
    from safemap.analysis.zonal import ZonalResult, raster_sum_by_area
    from safemap.audit import Audit
    from safemap.disclosure.registry import Registry
    from safemap.errors import SafemapError, SafemapWarning
    from safemap.geo.boundaries import check_areas
    from safemap.geo.edges import edge_share
    from safemap.geo.graph import AreaGraph, build_graph
    from safemap.geo.grid import make_grid
    from safemap.geo.lattice import grid_graph
    from safemap.intake.areas import read_areas
    from safemap.intake.cleaning import clean_incidents
    from safemap.intake.counts import AreaCounts, read_area_counts
    from safemap.intake.incidents import Incidents, read_incidents
    from safemap.intake.lags import reporting_lag
    from safemap.intake.placenames import PlaceMatches, match_places
    from safemap.intake.repairs import propose_repairs
    from safemap.intake.report import LoadReport
    from safemap.intake.roles import propose_columns
    from safemap.intake.selection import select_incidents
    from safemap.intake.survey import SurveyResponses, join_repeat, read_survey
    from safemap.intake.systems import compare_control_points, propose_crs
    from safemap.intake.xlsform import Codebook, read_xlsform
    from safemap.job import load_assessment, run_assessment
    from safemap.maps import explore, save_map
    from safemap.maps.figures.choropleth import static_map
    from safemap.maps.figures.figure import StaticFigure
    from safemap.maps.figures.funnel import funnel_plot
    from safemap.maps.figures.heat_table import hour_weekday_table
    from safemap.maps.figures.interval_plot import interval_plot
    from safemap.maps.figures.lorenz import lorenz_curve
    from safemap.maps.figures.moran_scatter import moran_scatter
    from safemap.maps.figures.multiples import small_multiples
    from safemap.maps.figures.trend import monthly_trend
    from safemap.offences.crosswalk import CrosswalkResult, crosswalk
    from safemap.offences.iccs import iccs_codes
    from safemap.offences.principal import principal_offence
    from safemap.offences.themes import detection_basis, tag_themes
    from safemap.output.gis import export_gis
    from safemap.output.mapping_file import write_mapping
    from safemap.output.return_sheet import return_sheet, write_return_sheet
    from safemap.output.surface import write_surface
    from safemap.results import Result
    from safemap.stats.publication import min_n_plan, publication_flag
    from safemap.stats.running import watch_progress
