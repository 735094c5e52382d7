"""Putting the synthetic Mathare together, from one seed: blocks, reports, survey, raster, and the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.datasets._city import City, Truth, expected_events
from safemap.datasets._generate import checked_expectations
from safemap.datasets._geotiff import Grid, clipped_area
from safemap.datasets._mathare import NAME, ORIGIN, Plan, Setting, settle, ward_keys
from safemap.datasets._mathare_form import form_sheets
from safemap.datasets._mathare_reports import (
    EXPECTED,
    FAULTS,
    HOT_CATEGORY,
    NULL_CATEGORY,
    assemble,
    report_rows,
    start_of_map,
)
from safemap.datasets._mathare_survey import (
    ITEMS,
    Enumeration,
    Survey,
    draw_survey,
    enumerate_city,
    true_shares,
)
from safemap.datasets._stream import Stream
from safemap.datasets._xlsx import Cell
from safemap.errors import ConfigError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: blocks in the hot spot, and in each of the two groups of unsafe blocks
HOTSPOT = 10
#: metres from the southern border to the middle of the river, so that a map shows both
RIVER_BELOW = 45.0
#: the raster: cells of some 55 m in degrees, and what stands where nobody counted
CELL, NODATA = 0.0005, -99999.0


@dataclass(frozen=True, eq=False)
class SurveyTruth(Truth):
    """What was put into a city with a survey and a raster; see :class:`safemap.datasets._city.Truth`.

    Attributes
    ----------
    unsafe_blocks : tuple of tuple of str
        Two groups of blocks where more people feel unsafe and fall victim; the first is the hot spot of
        robbery, in the second nothing more is reported than elsewhere.
    effects : mapping of str to (float, float)
        Item of the survey -> share of adults who say so elsewhere, and how much higher it is in those blocks.
    null_item : str
        An item whose share is the same everywhere.
    block_shares, ward_shares : pandas.DataFrame
        True share of adults who would say so, one column per item; missing where nobody lives.
    shares : mapping of str to float
        The same for the whole city.
    block_of : pandas.Series
        Row of the export -> block where the respondent lives.
    response_flags : mapping of str to tuple of int
        ``low_accuracy``, ``zero_coordinates``, ``missing_position`` -> rows of the export; ``no_parent`` ->
        rows of the sheet of incidents.
    raster_people : pandas.Series
        Block -> sum of the raster over it, by the exact share of each cell.
    """

    unsafe_blocks: tuple[tuple[str, ...], ...]
    effects: Mapping[str, tuple[float, float]]
    null_item: str
    block_shares: pd.DataFrame
    ward_shares: pd.DataFrame
    shares: Mapping[str, float]
    block_of: pd.Series
    response_flags: Mapping[str, tuple[int, ...]]
    raster_people: pd.Series


@dataclass(frozen=True, eq=False)
class SurveyCity(City):
    """A synthetic city with a survey and a population raster; see :class:`safemap.datasets._city.City`.

    Attributes
    ----------
    areas : geopandas.GeoDataFrame
        As in :class:`City`, with ``population_low`` and ``population_high``, because nobody agrees.
    responses, told : pandas.DataFrame
        The export as it stands in the file, index ``row``: respondents, and the incidents they told of.
    form : mapping of str to list of list of str
        Sheets of the XLSForm.
    raster : list of list of float
        People per cell, the northernmost row first.
    grid : Grid
        Where the cells lie.
    """

    truth: SurveyTruth
    responses: pd.DataFrame
    told: pd.DataFrame
    form: Mapping[str, list[list[str]]]
    raster: list[list[float]]
    grid: Grid


def build(
    seed: int,
    *,
    expected: Mapping[str, float],
    hotspots: Mapping[str, tuple[int, int]],
    relative_risk: float,
) -> SurveyCity:
    """The synthetic Mathare of one seed."""
    _, size = hotspots.get(HOT_CATEGORY, (0, 0))
    setting = settle(seed, hotspot=size or HOTSPOT)
    hot = np.zeros(len(setting.ids), dtype=bool)
    hot[setting.hotspot if size else []] = True
    nowhere = np.zeros(len(setting.ids), dtype=bool)
    means = {
        category: expected_events(
            setting.population, hot if category == HOT_CATEGORY else nowhere, mean, relative_risk
        )
        for category, mean in expected.items()
    }
    rows = report_rows(setting, means, Stream(seed, 103))
    incidents, kinds, source = assemble(rows, Stream(seed, 104))
    enumeration = enumerate_city(setting, Stream(seed, 105))
    survey = draw_survey(setting, enumeration, Stream(seed, 106))
    grid, raster, sums = draw_raster(setting, Stream(seed, 107))
    happened = _events(setting, incidents, kinds, [rows[i].area for i in source], means)
    spots = {HOT_CATEGORY: (_ids(setting, setting.hotspot),)} if size else {}
    truth = SurveyTruth(
        name=NAME, seed=seed, relative_risk=relative_risk, hotspots=spots, null_offence=NULL_CATEGORY,
        **happened, pile_up=start_of_map(setting),
        areas_without_population={setting.ids[setting.market]: "zero"},
        area_without_neighbours=setting.ids[-1], overlaps=(), gaps=(), slivers=(),
        **_survey_truth(setting, enumeration, survey), raster_people=sums,
    )  # fmt: skip
    areas = _areas(setting)
    return SurveyCity(
        name=NAME, seed=seed, areas=areas, districts=_wards(setting.plan), incidents=incidents,
        context=_context(setting.plan), truth=truth,
        responses=_table(survey.header, survey.rows), told=_table(survey.repeat_header, survey.repeat_rows),
        form=form_sheets(ward_keys(), list(areas["name"].items())), raster=raster, grid=grid,
    )  # fmt: skip


def expectations(expected: Mapping[str, float] | float | None) -> dict[str, float]:
    """Mean expected reports per block and category: one number for all, or a change of some."""
    return checked_expectations(expected, EXPECTED)


def plant(hotspots: Mapping[str, tuple[int, int]] | None) -> dict[str, tuple[int, int]]:
    """The one hot spot of this city and its number of blocks, checked; empty for none."""
    if hotspots is None:
        return {HOT_CATEGORY: (1, HOTSPOT)}
    wanted = dict(hotspots)
    number, size = wanted.get(HOT_CATEGORY, (1, 1))
    if set(wanted) - {HOT_CATEGORY} or number != 1 or not 1 <= size <= 14:
        raise ConfigError(
            f"hot spots cannot be planted so: this city has one, of {HOT_CATEGORY!r}, with 1 to 14 blocks; "
            f"got {wanted!r}."
        )
    return wanted


def draw_raster(setting: Setting, stream: Stream) -> tuple[Grid, list[list[float]], pd.Series]:
    """People per cell as a model would spread them, and their sums over the blocks.

    A cell gets the people of the blocks it overlaps, by area, and a model's error of up to 15 %; beyond the
    blocks there is a fringe of neighbours within two cells, and no data further out.
    """
    import pandas as pd

    rings = [[ORIGIN.degrees(p) for p in ring] for ring in setting.plan.rings()]
    grid = _grid(rings)
    shares = [_covered(ring, grid) for ring in rings]
    people = [[0.0] * grid.columns for _ in range(grid.rows)]
    counted = [[False] * grid.columns for _ in range(grid.rows)]
    for found, residents in zip(shares, setting.population.tolist(), strict=True):
        whole = sum(found.values())
        for (row, column), share in found.items():
            people[row][column] += residents * share / whole
            for r in range(max(row - 2, 0), min(row + 3, grid.rows)):
                for c in range(max(column - 2, 0), min(column + 3, grid.columns)):
                    counted[r][c] = True
    error = stream.uniform(grid.rows * grid.columns).reshape(grid.rows, grid.columns).tolist()
    values = [
        [
            float(round(p * (0.85 + 0.3 * u) + 20 * u)) if seen else NODATA
            for p, seen, u in zip(*row, strict=True)
        ]
        for row in zip(people, counted, error, strict=True)
    ]
    sums = [sum(values[r][c] * share for (r, c), share in found.items()) for found in shares]
    index = pd.Index(setting.ids, name="area_id")
    return grid, values, pd.Series(sums, index=index, name="raster_people").sort_index()


def _grid(rings: list[list[tuple[float, float]]]) -> Grid:
    """Whole cells around all blocks and four more on each side."""
    xs, ys = ([p[axis] for ring in rings for p in ring] for axis in (0, 1))
    west, north = int(min(xs) / CELL) - 4, int(max(ys) / CELL) + 4
    columns, rows = int(max(xs) / CELL) + 5 - west, north - int(min(ys) / CELL) + 5
    return Grid(west * CELL, north * CELL, CELL, rows, columns)


def _covered(ring: list[tuple[float, float]], grid: Grid) -> dict[tuple[int, int], float]:
    """Share of each cell (row, column) that the polygon covers."""
    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
    first, last = (int((v - grid.west) / grid.cell) for v in (min(xs), max(xs)))
    top, bottom = (int((grid.north - v) / grid.cell) for v in (max(ys), min(ys)))
    found = {}
    for row in range(top, bottom + 1):
        for column in range(first, last + 1):
            west, north = grid.west + column * grid.cell, grid.north - row * grid.cell
            inside = clipped_area(ring, west, north - grid.cell, west + grid.cell, north)
            if inside > 0:
                found[row, column] = inside / (grid.cell * grid.cell)
    return found


def _events(
    setting: Setting,
    incidents: pd.DataFrame,
    kinds: list[str],
    areas: list[int],
    means: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """The parts of the truth that are about reports."""
    import pandas as pd

    rows = incidents.index.tolist()
    sound = [i for i, kind in enumerate(kinds) if kind in ("sound", "boundary")]
    index = pd.Index(sorted(setting.ids), name="area_id")
    area_of = pd.Series(
        [setting.ids[areas[i]] for i in sound], index=incidents.index[sound], name="area_id", dtype=object
    )
    counted = Counter(zip(area_of, incidents["category"].iloc[sound], strict=True))
    events = pd.DataFrame(
        {category: [counted[area, category] for area in index] for category in means}, index=index
    )
    by_kind: dict[str, list[int]] = {}
    for row, kind in zip(rows, kinds, strict=True):
        by_kind.setdefault(kind, []).append(row)
    return {
        "expected": pd.DataFrame(dict(means), index=pd.Index(setting.ids, name="area_id")).loc[index],
        "events": events,
        "area_of": area_of,
        "faults": {code: tuple(by_kind[code]) for code in FAULTS},
        "flags": {"boundary": tuple(by_kind["boundary"]), "overlap": ()},
    }


def _survey_truth(setting: Setting, city: Enumeration, survey: Survey) -> dict[str, Any]:
    """The parts of the truth that are about the survey."""
    import pandas as pd

    blocks = true_shares(city, city.block, len(setting.ids))
    wards = true_shares(city, city.ward, len(ward_keys()))
    whole = true_shares(city, [0] * len(city.block), 1)
    ward_index = pd.Index([code for code, _ in ward_keys()], name="area_id")
    block_index = pd.Index(setting.ids, name="area_id")
    return {
        "unsafe_blocks": tuple(_ids(setting, group) for group in setting.unsafe),
        "effects": dict(ITEMS),
        "null_item": next(item for item, (_, more) in ITEMS.items() if more == 0),
        "block_shares": pd.DataFrame(blocks, index=block_index).sort_index(),
        "ward_shares": pd.DataFrame(wards, index=ward_index),
        "shares": {item: values[0] for item, values in whole.items()},
        "block_of": pd.Series(
            [setting.ids[b] for b in survey.blocks],
            index=pd.RangeIndex(2, 2 + len(survey.blocks), name="row"),
            name="area_id",
            dtype=object,
        ),
        "response_flags": {name: tuple(rows) for name, rows in survey.flags.items()},
    }


def _ids(setting: Setting, positions: list[int]) -> tuple[str, ...]:
    return tuple(sorted(setting.ids[i] for i in positions))


def _table(header: list[str], rows: list[list[Cell]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=header, dtype=object)
    frame.index = pd.RangeIndex(2, 2 + len(frame), name="row")
    return frame


def _areas(setting: Setting) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import shapely

    shapes = [shapely.Polygon([ORIGIN.degrees(p) for p in ring]) for ring in setting.plan.rings()]
    data = {
        "name": setting.names,
        "population": setting.population,
        "population_low": setting.low,
        "population_high": setting.high,
        "ward": [ward_keys()[w][0] for w in setting.plan.ward],
    }
    index = pd.Index(setting.ids, name="area_id")
    return gpd.GeoDataFrame(data, geometry=shapes, index=index, crs="EPSG:4326").sort_index()


def _wards(plan: Plan) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import shapely

    shapes = [shapely.Polygon([ORIGIN.degrees(plan.mesh.points[v]) for v in ring]) for ring in plan.wards]
    codes, names = zip(*ward_keys(), strict=True)
    index = pd.Index(codes, name="area_id")
    return gpd.GeoDataFrame({"name": names}, geometry=shapes, index=index, crs="EPSG:4326").sort_index()


def _context(plan: Plan) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    points = plan.mesh.points
    lines = {("road", name): [points[v] for v in line] for name, line in plan.roads.items()}
    lines["river", "Mto Mdogo"] = [(x, y - RIVER_BELOW) for x, y in (points[v] for v in plan.river)]
    shapes = [shapely.LineString([ORIGIN.degrees(point) for point in line]) for line in lines.values()]
    kinds, names = zip(*lines, strict=True)
    return gpd.GeoDataFrame({"kind": kinds, "name": names}, geometry=shapes, crs="EPSG:4326")
