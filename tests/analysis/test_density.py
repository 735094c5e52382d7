"""Density over a grid: mass, edges, bandwidths, and every event accounted for."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point, box

from safemap import (
    bandwidth_sensitivity,
    build_graph,
    density_classes,
    join_areas,
    kernel_density,
    local_getis_ord,
    make_grid,
    read_areas,
    read_incidents,
)
from safemap.errors import ConfigError, InputError, StatisticsError
from safemap.stats.bandwidth import mean_neighbour_distance, normal_reference

SQUARE = box(0, 0, 6000, 5000)
HOLED = SQUARE.difference(Point(3000, 2500).buffer(900)).union(box(7000, 0, 7430, 810))


def city(shape: Any = SQUARE, crs: Any = 32614) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shape], index=["city"], crs=crs)


def events(x: Any, y: Any, **columns: Any) -> Any:
    frame = pd.DataFrame({"x": np.asarray(x, dtype=float), "y": np.asarray(y, dtype=float), **columns})
    return read_incidents(frame, x="x", y="y", crs=32614)


def lattice_of_points(spacing: float, shape: Any = SQUARE) -> Any:
    """An even pattern: one event per square of `spacing`, inside `shape` only."""
    xmin, ymin, xmax, ymax = shape.bounds
    across, up = np.arange(xmin + spacing / 2, xmax, spacing), np.arange(ymin + spacing / 2, ymax, spacing)
    x, y = np.meshgrid(across, up)
    inside = shapely.contains_xy(shape, x.ravel(), y.ravel())
    return events(x.ravel()[inside], y.ravel()[inside])


def scattered(n: int = 3000, shape: Any = HOLED, seed: int = 0, margin: float = 0) -> Any:
    rng = np.random.default_rng(seed)
    xmin, ymin, xmax, ymax = shape.buffer(margin).bounds
    return events(rng.uniform(xmin, xmax, n), rng.uniform(ymin, ymax, n), w=rng.integers(0, 4, n))


def mass(density: Any) -> float:
    return float((density.frame["estimate"] * density.frame["area_km2"]).sum())


# --- by hand ---


def test_one_event_by_hand() -> None:
    """At the centre of a cell, radius 1 km: 3 / pi there, (1 - 1/4)^2 of it 500 m away, nothing at 1 km."""
    density = kernel_density(
        events([2250], [2750]), make_grid(city(), cell_size=500), bandwidth=1000, edge=None
    )
    along = density.frame["estimate"] * np.pi / 3
    cells = ["N00005E00004", "N00005E00005", "N00006E00005", "N00005E00006"]
    assert along[cells].tolist() == pytest.approx([1.0, 0.5625, 0.25, 0.0], abs=1e-12)
    assert density.settings["unit"] == "events per km²"


def test_the_surface_is_the_frame_seen_from_above() -> None:
    grid = make_grid(city(HOLED), cell_size=250)
    density = kernel_density(scattered(), grid, bandwidth=900)
    surface = density.surface
    assert surface is not None
    a, _, left, _, e, top = surface.transform
    assert (a, e, left % 250, top % 250) == (250, -250, 0, 0)
    for area_id, row in density.frame.iloc[::37].iterrows():
        north, east = int(str(area_id)[1:6]), int(str(area_id)[7:])
        i, j = round((east * 250 - left) / 250), round((top - (north + 1) * 250) / 250)
        assert surface.values[j, i] == row["estimate"]
    assert int((~np.isnan(surface.values)).sum()) == len(density.frame)
    assert np.isnan(surface.values[10, 12])  # in the hole
    assert surface.crs == "EPSG:32614"


# --- edges (requirement D11) ---


@pytest.mark.parametrize("shape", ["square", "hex"])
@pytest.mark.parametrize("study", [SQUARE, HOLED], ids=["square", "holed"])
def test_uniform_keeps_an_even_pattern_even_up_to_the_corners(shape: Any, study: Any) -> None:
    grid = make_grid(city(study), cell_size=170, shape=shape)
    density = kernel_density(lattice_of_points(25, study), grid, bandwidth=800, edge="uniform")
    expected = density.settings["n_events"] / density.frame["area_km2"].sum()
    assert (density.frame["estimate"] / expected).between(0.9, 1.1).all()
    assert mass(density) == pytest.approx(density.settings["n_events"], rel=1e-12)


def test_diggle_gives_half_in_the_corner_and_none_a_quarter() -> None:
    grid = make_grid(city(), cell_size=100)
    corner, even = "N00000E00000", 1 / 0.025**2
    pattern = lattice_of_points(25)
    diggle = kernel_density(pattern, grid, bandwidth=1000, edge="diggle").frame["estimate"] / even
    plain = kernel_density(pattern, grid, bandwidth=1000, edge=None).frame["estimate"] / even
    assert diggle[corner] == pytest.approx(0.5, abs=0.1)
    assert plain[corner] == pytest.approx(0.25, abs=0.08)
    assert diggle["N00025E00030"] == pytest.approx(1, abs=0.01)
    assert plain["N00025E00030"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("shape", ["square", "hex"])
@pytest.mark.parametrize("kernel", ["quartic", "gaussian", "triangular"])
def test_diggle_conserves_mass_exactly_around_a_hole(shape: Any, kernel: Any) -> None:
    grid = make_grid(city(HOLED), cell_size=130, shape=shape)
    density = kernel_density(scattered(), grid, bandwidth=300, kernel=kernel, edge="diggle")
    assert mass(density) == pytest.approx(density.settings["n_events"], rel=1e-12)
    weighed = kernel_density(scattered(), grid, bandwidth=300, kernel=kernel, edge="diggle", weights="w")
    assert mass(weighed) == pytest.approx(weighed.settings["total"], rel=1e-12)


def test_each_event_keeps_its_mass_with_diggle_even_on_the_border() -> None:
    grid = make_grid(city(HOLED), cell_size=130)
    for x, y in ((0, 0), (6000, 2500), (2100.0001, 2500), (7430, 810), (7000, 0), (3000, 1600)):
        density = kernel_density(events([x], [y]), grid, bandwidth=130, edge="diggle")
        assert density.settings["n_events"] == 1, (x, y)
        assert mass(density) == pytest.approx(1, rel=1e-12)


def test_without_correction_mass_is_lost_at_the_border_only() -> None:
    grid = make_grid(city(), cell_size=50)
    inner = kernel_density(events([3000], [2500]), grid, bandwidth=1000, edge=None)
    side = kernel_density(events([0], [2500]), grid, bandwidth=1000, edge=None)
    assert (mass(inner), mass(side)) == pytest.approx((1, 0.5), abs=0.002)


def test_cells_within_one_bandwidth_of_the_border_are_flagged() -> None:
    grid = make_grid(city(HOLED), cell_size=100)
    density = kernel_density(scattered(), grid, bandwidth=700)
    cells = density.frame
    centre = gpd.GeoSeries(
        [Point(int(i[7:]) * 100 + 50, int(i[1:6]) * 100 + 50) for i in cells.index],
        index=cells.index,
        crs=32614,
    )
    inside = centre.within(HOLED)
    expected = ~inside | (centre.distance(HOLED.boundary) <= 700)
    assert (cells["edge"] == expected).mean() > 0.999  # the boundary's distance to the micrometre decides few
    assert 0.2 < cells["edge"].mean() < 0.95
    assert set(cells.loc[cells["edge"], "note"]) == {"within one bandwidth of the border"}
    assert "lie within one bandwidth" in density.summary()


def test_events_beyond_the_border_make_correction_needless() -> None:
    """An even pattern that goes on outside is even inside without any correction."""
    grid = make_grid(city(), cell_size=100)
    around = lattice_of_points(25, SQUARE.buffer(1500, join_style="mitre"))
    density = kernel_density(around, grid, bandwidth=1000, events_beyond=True)
    assert (density.frame["estimate"] * 0.025**2).between(0.99, 1.01).all()
    assert density.settings["edge"] is None
    assert "edge" in density.settings["automatic"]
    assert not density.frame["edge"].any()
    assert density.settings["n_events"] == 240 * 200
    again = kernel_density(lattice_of_points(25), grid, bandwidth=1000, events_beyond=around)
    assert again.frame["estimate"].to_numpy() == pytest.approx(density.frame["estimate"].to_numpy(), rel=1e-9)


# --- automatic choices (requirements H1 to H3) ---


def test_bandwidths_by_rule_are_told_in_metres() -> None:
    pattern, grid = scattered(), make_grid(city(HOLED), cell_size=100)
    inside = shapely.intersects_xy(HOLED, pattern.frame["x"], pattern.frame["y"])
    x, y = pattern.frame.loc[inside, "x"], pattern.frame.loc[inside, "y"]
    expected = {
        "rule": 500.0,
        "nrd": (normal_reference(x) + normal_reference(y)) / 2,
        "knn": mean_neighbour_distance(x, y, k=10),
    }
    for rule, metres in expected.items():
        density = kernel_density(pattern, grid, bandwidth=rule)  # type: ignore[arg-type]
        assert density.settings["bandwidth_m"] == pytest.approx(metres)
        assert density.settings["automatic"] == ["bandwidth_m"]
        assert f"bandwidth_m = {density.settings['bandwidth_m']}" in density.summary()
    assert kernel_density(pattern, grid, bandwidth=750).settings["automatic"] == []
    gaussian = kernel_density(pattern, grid, bandwidth="nrd", kernel="gaussian")
    assert gaussian.settings["bandwidth_m"] == pytest.approx(expected["nrd"] / 4)


def test_a_grid_is_made_over_areas() -> None:
    density = kernel_density(scattered(), city(HOLED))
    assert density.settings["cell_size_m"] == 100
    assert density.settings["automatic"] == ["cell_size_m", "bandwidth_m"]
    assert kernel_density(scattered(), city(HOLED), positional_uncertainty=120).settings["cell_size_m"] == 240
    assert kernel_density(scattered(), city(HOLED), cell_size=300).settings["automatic"] == ["bandwidth_m"]


def test_the_uncertainty_of_the_source_is_carried_to_the_cell_size() -> None:
    rows = scattered().frame[["x", "y"]]
    displaced = read_incidents(rows, x="x", y="y", crs=32614, positional_uncertainty=150)
    density = kernel_density(displaced, city(HOLED))
    assert density.settings["cell_size_m"] == 300
    assert "twice the positional uncertainty" in density.settings["cell_size_rule"]
    assert kernel_density(displaced, city(HOLED), positional_uncertainty=0).settings["cell_size_m"] == 100


def test_few_events_are_noted() -> None:
    assert kernel_density(scattered(2000), city()).settings["notes"] == []
    few = kernel_density(scattered(60), city())
    assert "below 100 a surface shows single events" in few.summary()
    none = kernel_density(scattered(0), city())
    assert (none.frame["estimate"] == 0).all()
    with pytest.raises(StatisticsError, match="11 or more events"):
        kernel_density(events([1000, 2000], [1000, 2000]), city(), bandwidth="knn")
    with pytest.raises(StatisticsError, match="2 or more events"):
        kernel_density(events([1000], [1000]), city(), bandwidth="nrd")


# --- laws ---


def test_every_event_is_in_the_sum_or_in_the_audit() -> None:
    pattern = scattered(2000, margin=800)
    raw = pattern.frame[["x", "y"]].copy()
    raw.loc[raw.index[:5], "x"] = np.nan
    density = kernel_density(events(raw["x"], raw["y"]), make_grid(city(HOLED), cell_size=200))
    assert density.audit is not None
    inside = int(shapely.intersects_xy(HOLED, raw["x"].iloc[5:], raw["y"].iloc[5:]).sum())
    assert density.audit.n_in == 2000
    assert density.audit.n_placed == density.settings["n_events"] == inside
    assert density.audit.by_reason()["rows"].to_dict() == {
        "missing_coordinates": 5,
        "outside_areas": 1995 - inside,
    }


def test_the_study_area_is_closed() -> None:
    x, y = [0, 6000, 6000, 3000, -0.5, 6000.5], [0, 5000, 2500, 5000, 10, 10]
    assert kernel_density(events(x, y), make_grid(city(), cell_size=250)).settings["n_events"] == 4


def test_joined_incidents_are_taken_once_and_only_the_placed() -> None:
    halves = gpd.GeoDataFrame(
        {"cve": ["a", "b"]}, geometry=[box(0, 0, 3000, 5000), box(3000, 0, 6000, 5000)], crs=32614
    )
    areas = read_areas(halves, id="cve")
    joined = join_areas(scattered(500, margin=700), areas)
    density = kernel_density(joined, areas, cell_size=250)
    assert density.settings["n_events"] == joined.audit.n_placed
    assert density.audit.n_in == 500
    assert density.audit.n_placed == joined.audit.n_placed


def test_the_order_of_rows_does_not_matter() -> None:
    pattern, grid = scattered(), make_grid(city(HOLED), cell_size=130)
    order = np.random.default_rng(1).permutation(len(pattern.frame))
    shuffled = events(*(pattern.frame[c].to_numpy()[order] for c in "xy"))
    for edge in ("uniform", "diggle", None):
        first = kernel_density(pattern, grid, edge=edge).frame["estimate"]
        second = kernel_density(shuffled, grid, edge=edge).frame["estimate"]
        assert np.array_equal(first.to_numpy(), second.to_numpy())


def test_rows_follow_the_grid_whatever_its_order() -> None:
    pattern, grid = scattered(), make_grid(city(HOLED), cell_size=200)
    straight = kernel_density(pattern, grid).frame["estimate"]
    mixed = grid.sample(frac=1, random_state=2)
    density = kernel_density(pattern, mixed)
    assert density.frame.index.equals(mixed.index)
    assert density.frame["estimate"].to_numpy() == pytest.approx(straight[mixed.index].to_numpy(), rel=1e-12)
    assert list(density.frame.columns) == [
        "name", "estimate", "area_share", "area_km2", "edge", "note", "geometry"
    ]  # fmt: skip


def test_weights_count_as_copies() -> None:
    pattern, grid = scattered(), make_grid(city(HOLED), cell_size=200)
    w = pattern.frame["w"].to_numpy()
    copies = events(np.repeat(pattern.frame["x"], w), np.repeat(pattern.frame["y"], w))
    weighed = kernel_density(pattern, grid, bandwidth=900, weights="w")
    assert weighed.frame["estimate"].to_numpy() == pytest.approx(
        kernel_density(copies, grid, bandwidth=900).frame["estimate"].to_numpy(), rel=1e-9
    )
    assert weighed.settings["unit"] == "w per km²"
    inside = shapely.intersects_xy(HOLED, pattern.frame["x"], pattern.frame["y"])
    assert weighed.settings["total"] == w[inside].sum()


def test_the_same_density_comes_from_degrees() -> None:
    """Areas and events in degrees give what the metric ones give, and come back as they came."""
    at = np.array([480_000.0, 2_140_000.0])
    shape = shapely.transform(HOLED, lambda xy: xy + at)
    pattern = scattered()
    metric = read_incidents(pattern.frame[["x", "y"]] + at, x="x", y="y", crs=32614)
    spots = gpd.GeoSeries(gpd.points_from_xy(metric.frame["x"], metric.frame["y"]), crs=32614).to_crs(4326)
    degrees = read_incidents(pd.DataFrame({"lon": spots.x, "lat": spots.y}), lon="lon", lat="lat")
    expected = kernel_density(metric, city(shape), cell_size=200)
    got = kernel_density(degrees, city(shape).to_crs(4326), cell_size=200)
    assert got.frame.crs.to_epsg() == 4326
    assert got.settings["crs"] == "EPSG:32614"
    assert got.frame.index.equals(expected.frame.index)
    assert got.frame["estimate"].to_numpy() == pytest.approx(expected.frame["estimate"].to_numpy(), rel=1e-4)


def test_the_fast_sum_says_so_and_is_as_close_as_it_says() -> None:
    rng = np.random.default_rng(5)
    pattern = events(3000 + 700 * rng.standard_normal(60_000), 2500 + 700 * rng.standard_normal(60_000))
    grid = make_grid(city(), cell_size=100)
    exact = kernel_density(pattern, grid, edge=None, method="exact")
    fast = kernel_density(pattern, grid, edge=None, method="fast")
    assert (exact.settings["method"], fast.settings["method"]) == ("exact", "fast")
    assert "error at most" in fast.summary()
    error = abs(fast.frame["estimate"] - exact.frame["estimate"]).max() / exact.frame["estimate"].max()
    assert 0 < error <= fast.settings["error_bound"] < 0.01


def test_many_events_take_the_fast_sum_only_where_it_is_close(monkeypatch: pytest.MonkeyPatch) -> None:
    from safemap.analysis import density as room

    monkeypatch.setattr(room, "FAST_FROM", 1000)
    grid = make_grid(city(), cell_size=100)
    assert kernel_density(scattered(5000), grid).settings["method"] == "fast"
    assert kernel_density(scattered(900), grid).settings["method"] == "exact"
    assert kernel_density(scattered(5000), grid, kernel="uniform").settings["method"] == "exact"
    assert kernel_density(scattered(5000), grid, bandwidth=101).settings["method"] == "exact"


# --- refusals ---


def test_what_cannot_be_estimated_is_refused() -> None:
    grid = make_grid(city(), cell_size=200)
    pattern = scattered(50)
    for bandwidth in (0, -1, np.nan, True, "silverman"):
        with pytest.raises(ConfigError, match="bandwidth"):
            kernel_density(pattern, grid, bandwidth=bandwidth)
    with pytest.raises(ConfigError, match="less than the cell"):
        kernel_density(pattern, grid, bandwidth=199)
    with pytest.raises(ConfigError, match="cells of 200 m"):
        kernel_density(pattern, grid, cell_size=100)
    with pytest.raises(ConfigError, match="edge"):
        kernel_density(pattern, grid, edge="reflect")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="method"):
        kernel_density(pattern, grid, method="quick")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="events_beyond"):
        kernel_density(pattern, grid, events_beyond="yes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no column 'harm'"):
        kernel_density(pattern, grid, weights="harm")
    with pytest.raises(InputError, match="x, y and a coordinate system"):
        kernel_density(city(), grid)  # type: ignore[arg-type]


def test_weights_must_be_numbers_and_the_rows_are_named() -> None:
    bad = events([1000, 2000, 3000], [1000, 2000, 3000], w=[1.0, -2.0, np.nan])
    with pytest.raises(InputError, match="2 rows are not") as error:
        kernel_density(bad, city(), weights="w")
    assert error.value.details["rows"] == bad.frame.index[1:].tolist()
    assert "-2" not in str(error.value)


# --- reading ---


@pytest.mark.parametrize("by", ["mean-multiple", "percentiles"])
def test_classes_hold_every_cell_once(by: Any) -> None:
    pattern = events(1500 + np.arange(200) % 20 * 60, 1500 + np.arange(200) // 20 * 60)
    density = kernel_density(pattern, city(), cell_size=150)
    table = density_classes(density, by=by)
    assert table["cells"].sum() == len(density.frame)
    assert table["area_km2"].sum() == pytest.approx(30)
    values = density.frame["estimate"]
    assert table["cells"].iloc[0] == int((values == 0).sum())
    above = values[values > 0]
    limits = above.mean() * np.arange(1, 6) if by == "mean-multiple" else np.percentile(above, [80, 90, 95])
    for k, limit in enumerate(limits):
        assert table["cells"].iloc[2 + k :].sum() == int((values >= limit).sum())
        assert table["low"].iloc[2 + k] == pytest.approx(limit)
    assert all(f"({n:,} cells)" in label for n, label in zip(table["cells"], table["label"], strict=True))


def test_an_empty_surface_has_classes_too() -> None:
    table = density_classes(kernel_density(scattered(0), city(), cell_size=500))
    assert table["cells"].tolist() == [120, 0]


def test_sensitivity_is_one_for_the_same_bandwidth_and_less_for_others() -> None:
    pattern, grid = scattered(400), make_grid(city(HOLED), cell_size=150)
    density = kernel_density(pattern, grid, edge="diggle")
    table = bandwidth_sensitivity(pattern, grid, density)
    assert table["bandwidth_m"].tolist() == [375, 750, 1500]
    assert table.loc[1.0, "jaccard"] == 1
    assert (table.loc[[0.5, 2.0], "jaccard"] < 0.9).all()
    assert (table["top_km2"] <= 0.05 * HOLED.area / 1e6 + 1e-9).all()
    with pytest.raises(InputError, match="not the grid"):
        bandwidth_sensitivity(pattern, make_grid(city(), cell_size=150), density)
    with pytest.raises(ConfigError, match="top"):
        bandwidth_sensitivity(pattern, grid, density, top=2)


# --- local statistics on the grid ---


def test_local_statistics_run_on_a_grid_and_find_a_planted_spot() -> None:
    """Counts per cell come from join_areas; a spot of ten times the risk is hot, and nothing far from it."""
    rng = np.random.default_rng(7)
    x, y = rng.uniform(0, 6000, 1500), rng.uniform(0, 5000, 1500)
    spot_x, spot_y = rng.uniform(4000, 5000, 450), rng.uniform(1000, 2000, 450)
    pattern = events(np.append(x, spot_x), np.append(y, spot_y))
    grid = make_grid(city(), cell_size=500)
    joined = join_areas(pattern, grid)
    counts = grid.join(joined.reconciliation["events"])
    assert counts["events"].sum() == 1950
    hot = local_getis_ord(counts, "events", graph=build_graph(counts, "queen"), star=True)
    flagged = hot.frame.index[hot.frame["cluster"].astype(str).str.startswith("hot")]
    core = ["N00002E00008", "N00002E00009", "N00003E00008", "N00003E00009"]
    assert set(core) <= set(flagged)
    distance = hot.frame.loc[flagged].centroid.distance(Point(4500, 1500))
    assert (distance < 1500).all()
