"""A town of 36 square areas in which every class and state of a map occurs; used by the tests of maps."""

from __future__ import annotations

import json
import re
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import box

from safemap.analysis.rates import area_rates
from safemap.analysis.smoothing import smooth_rates
from safemap.audit import Audit
from safemap.results import Result

SIDE = 6
PERIOD = ("2023-01-01", "2023-12-31")
#: A count that is withheld, and one that is not but occurs nowhere else in the town.
SMALL, ZEROS, FEW = 3, 4, 3


class LocalMoran(Result):
    kind = "local_moran"


class LocalGetisOrd(Result):
    kind = "local_getis_ord"


MORAN = ["high-high", "low-low", "high-low", "low-high", "not significant", "no neighbours", "no data"]
MORAN += ["no variation", "too few areas", "too few events"]
GETIS = ["hot-1", "hot-5", "hot-10", "cold-10", "cold-5", "cold-1", "not significant", "no neighbours"]
GETIS += ["no data", "no variation", "too few areas", "too few events"]


def areas(names: list[str] | None = None, **columns: Any) -> gpd.GeoDataFrame:
    """36 squares of about 1 km; areas 0 to 4 have no events, 5 to 8 fewer than 5, 9 to 11 fewer than 10."""
    size = SIDE * SIDE
    events = np.array([0] * 5 + [SMALL] * 4 + [7] * 3 + [12 + 3 * i for i in range(size - 12)])
    population = np.array([2_000 + 50 * i for i in range(size)], dtype=float)
    population[12] = np.nan
    cells = [
        box(-99.1 + c / 100, 19.3 + r / 100, -99.09 + c / 100, 19.31 + r / 100)
        for r in range(SIDE)
        for c in range(SIDE)
    ]
    frame = {
        "name": names or [f"Área {i + 1:02d}" for i in range(size)],
        "events": events,
        "population": population,
    }
    index = pd.Index([f"{i:03d}" for i in range(size)], name="area_id")
    return gpd.GeoDataFrame({**frame, **columns}, geometry=cells, index=index, crs=4326)


def audit() -> Audit:
    """400 rows read, 20 not asked for, 5 faults."""
    start = Audit.start(pd.RangeIndex(2, 402), source="incidents.csv")
    asked = start.with_set_aside(pd.Series("not_selected", index=range(2, 22)), step="select")
    return asked.with_set_aside(pd.Series("outside_areas", index=range(22, 27)), step="join")


def rates(town: gpd.GeoDataFrame | None = None, **options: Any) -> Any:
    import dataclasses

    result = area_rates(areas() if town is None else town, per=1_000, period=PERIOD, **options)
    return dataclasses.replace(result, audit=audit())


def smoothed() -> Any:
    return smooth_rates(rates())


def smoothed_of(town: gpd.GeoDataFrame, year: int) -> Any:
    """Smoothed rates of one year of a town."""
    frame = town.assign(events=town["events"] + year)
    return smooth_rates(area_rates(frame, per=1_000, period=(f"{2020 + year}-01-01", f"{2020 + year}-12-31")))


def moran(town: gpd.GeoDataFrame | None = None) -> LocalMoran:
    return LocalMoran(frame=_tested(town, MORAN), settings={"alpha": 0.05, "adjust": "fdr_bh"})


def getis(town: gpd.GeoDataFrame | None = None) -> LocalGetisOrd:
    return LocalGetisOrd(frame=_tested(town, GETIS), settings={"alpha": 0.05, "adjust": "fdr_bh"})


#: Respondents per area: none, fewer than k, too few, and enough; and how many of them said so.
ASKED = [0, 3, 20, 80, 80, 220] + [100 + 5 * i for i in range(30)]
SAID = [0, 2, 9, 0, 80, 3] + [round((100 + 5 * i) * (0.25 + 0.018 * i)) for i in range(30)]


def responses() -> pd.DataFrame:
    """One row per respondent; all of equal weight, drawn one by one."""
    rows = [
        {"area_id": f"{i:03d}", "unsafe": int(j < said), "fear": min(5, 1 + j % 3 + i // 12), "w": 25.0}
        for i, (asked, said) in enumerate(zip(ASKED, SAID, strict=True))
        for j in range(asked)
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(2, 2 + len(rows)))


def survey(town: gpd.GeoDataFrame | None = None, column: str = "unsafe", **options: Any) -> Any:
    """A survey in which every state of a layer of answers occurs."""
    from safemap.analysis.survey import survey_estimate
    from safemap.analysis.survey_design import SurveyDesign

    design = SurveyDesign(responses(), weight="w")
    return survey_estimate(design, column, areas=areas() if town is None else town, **options)


def walk_in() -> Any:
    """The same answers from people who were not drawn by chance."""
    from safemap.analysis.survey import count_answers
    from safemap.analysis.survey_design import SurveyDesign

    design = SurveyDesign(responses(), weight=None, sampling="nonprobability")
    return count_answers(design, "unsafe", areas=areas())


def density(events: int = 600) -> Any:
    """Events that crowd in the south-west of the town, on a grid of 250 m."""
    from safemap.analysis.density import kernel_density
    from safemap.intake.incidents import read_incidents

    draw = np.random.default_rng(5)
    x, y = -99.1 + 0.06 * draw.beta(1, 3, events), 19.3 + 0.06 * draw.beta(1, 3, events)
    rows = pd.DataFrame({"x": x, "y": y})
    incidents = read_incidents(rows, x="x", y="y", crs=4326)
    return kernel_density(incidents, areas(), cell_size=250, bandwidth=900)


class LocalBivariate(Result):
    kind = "local_bivariate_moran"


class LocalOther(Result):
    """A local statistic the maps have no words for."""

    kind = "local_other"
    title = "local other"


#: Counts of two periods in which every class of a change occurs.
BEFORE = [0, 3, 8, 40, 60, 100, 0, 400, 60] + [60 + i for i in range(27)]
AFTER = [0, 9, 9, 100, 90, 40, 30, 410, 40] + [60 + 3 * i for i in range(27)]


def change() -> Any:
    """Change between two periods, on counts that are in no other layer."""
    from safemap.analysis.change import area_change

    return area_change(areas(y2022=BEFORE, y2023=AFTER), "y2022", "y2023")


YEARS = (2020, 2021, 2022, 2023)


def years(kind: str = "rates", **columns: Any) -> list[Any]:
    """Rates of four years, in which areas have small counts in none, some or all of them."""
    draw = np.random.default_rng(4)
    out = []
    for year in YEARS:
        frame = areas(**columns)
        frame["events"] = draw.poisson(np.linspace(0.5, 40, SIDE * SIDE))
        made = area_rates(frame, per=1_000, period=(f"{year}-01-01", f"{year}-12-31"))
        out.append(made if kind == "rates" else smooth_rates(made))
    return out


def ratios() -> Any:
    from safemap.analysis.smoothing import standardised_ratios

    return standardised_ratios(rates())


def bivariate() -> Any:
    """A bivariate local Moran of two columns of numbers."""
    from safemap.analysis.association import local_bivariate_moran
    from safemap.geo.graph import build_graph

    size = SIDE * SIDE
    frame = areas(
        score=[(i * 7) % 11 + i / 4 for i in range(size)], light=[float(i // 6) for i in range(size)]
    )
    graph = build_graph(frame, tolerance=1)
    return local_bivariate_moran(frame, "score", "light", graph=graph, permutations=199, max_permutations=199)


def data_of(m: Any) -> dict[str, Any]:
    """The block of data of a map."""
    html = m.get_root().render()
    found = re.search(r'<script type="application/json" id="safemap-data">(.*?)</script>', html, re.S)
    assert found is not None
    content: dict[str, Any] = json.loads(found.group(1))
    return content


def _tested(town: gpd.GeoDataFrame | None, classes: list[str]) -> gpd.GeoDataFrame:
    frame = areas() if town is None else town
    size = len(frame)
    p = np.linspace(0.0123456, 0.987654, size)
    return frame.assign(
        statistic=np.linspace(-2.123456, 2.123456, size),
        z_score=np.linspace(-3.7654321, 3.7654321, size),
        p_value=p,
        p_adjusted=p,
        cluster=[classes[i % len(classes)] for i in range(size)],
    )
