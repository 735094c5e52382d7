"""Edge of the study area: squares by hand, gaps and overlaps within the tolerance, holes, real boundaries."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Polygon, box
from shapely.ops import unary_union

import safemap as sm
from safemap.errors import AlignmentError, ConfigError, CRSError, InputError


def _grid(n: int, jitter: float = 0.0) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(1)
    shapes = []
    for i in range(n * n):
        x, y, d = 100 * (i % n), 100 * (i // n), rng.uniform(-jitter, jitter, 4)
        shapes.append(box(x + d[0], y + d[1], x + 100 + d[2], y + 100 + d[3]))
    ids = pd.Index([f"{i:02d}" for i in range(n * n)], name="area_id")
    return gpd.GeoDataFrame(geometry=shapes, index=ids, crs=32614)


def test_a_block_of_squares_by_hand():
    found = sm.edge_share(_grid(4))
    sides = np.array([[2, 1, 1, 2], [1, 0, 0, 1], [1, 0, 0, 1], [2, 1, 1, 2]]).ravel()
    np.testing.assert_allclose(found["edge_m"], 100 * sides)
    np.testing.assert_allclose(found["edge_share"], sides / 4)
    assert found["at_edge"].mean() == 12 / 16
    np.testing.assert_allclose(found["outline_m"], 400)


def test_small_gaps_and_overlaps_change_little_and_wide_gaps_are_edges():
    loose = sm.edge_share(_grid(4, jitter=0.4))
    neat = sm.edge_share(_grid(4))
    assert loose["at_edge"].tolist() == neat["at_edge"].tolist()
    np.testing.assert_allclose(loose["edge_m"], neat["edge_m"], atol=5)
    strict = sm.edge_share(_grid(4, jitter=0.4), tolerance=0)
    assert strict["at_edge"].all()
    apart = _grid(4)
    apart.loc["05", "geometry"] = box(110, 110, 190, 190)
    assert sm.edge_share(apart).loc["05", "edge_share"] == 1
    assert sm.edge_share(apart, tolerance=15).loc["05", "edge_share"] == 0


def test_holes_enclaves_and_parts():
    ring = Polygon(box(0, 0, 300, 300).exterior.coords, [box(100, 100, 200, 200).exterior.coords])
    alone = gpd.GeoDataFrame(geometry=[ring], crs=32614)
    assert sm.edge_share(alone)["edge_m"].tolist() == [1600]
    filled = gpd.GeoDataFrame(geometry=[ring, box(100, 100, 200, 200)], crs=32614)
    assert sm.edge_share(filled)["edge_m"].tolist() == [1200, 0]
    assert sm.edge_share(filled)["at_edge"].tolist() == [True, False]
    two = gpd.GeoDataFrame(
        geometry=[shapely.MultiPolygon([box(0, 0, 10, 10), box(50, 0, 60, 10)]), box(10, 0, 50, 10)],
        crs=32614,
    )
    np.testing.assert_allclose(sm.edge_share(two, tolerance=0.1)["edge_m"], [60, 80], atol=1)


def test_neighbours_with_other_vertices_share_their_border():
    areas = gpd.GeoDataFrame(
        geometry=[box(0, 0, 100, 300), *(box(100, 60 * i, 200, 60 * i + 60) for i in range(5))], crs=32614
    )
    found = sm.edge_share(areas)
    np.testing.assert_allclose(found["edge_m"], [500, 160, 60, 60, 60, 160], atol=2)
    exact = sm.edge_share(areas, tolerance=0)
    np.testing.assert_allclose(exact["edge_m"], [500, 160, 60, 60, 60, 160])


def test_order_and_system_of_coordinates_do_not_matter():
    areas = _grid(4, jitter=0.3).set_crs(32614)
    one = sm.edge_share(areas)
    other = sm.edge_share(areas.sample(frac=1, random_state=4))
    pd.testing.assert_frame_equal(other.loc[one.index], one)
    degrees = gpd.GeoDataFrame(_grid(4).translate(5e5, 2.1e6).to_frame("geometry"), crs=32614)
    np.testing.assert_allclose(
        sm.edge_share(degrees.to_crs(4326))["edge_share"], sm.edge_share(degrees)["edge_share"], atol=1e-3
    )


def test_empty_areas_are_rows():
    areas = _grid(2)
    areas.loc["03", "geometry"] = None
    found = sm.edge_share(areas)
    assert found.loc["03"].tolist()[:3] != found.loc["03"].tolist()[:3]  # missing
    assert not found.loc["03", "at_edge"]
    assert found.loc["00", "edge_m"] == 200


def test_edges_of_real_neighbourhoods_add_up_to_the_outline_of_their_union(real_data):
    areas = gpd.read_file(real_data("memphis_sfhotspot/memphis_precincts.gpkg")).to_crs(32616)
    found = sm.edge_share(areas)
    around = unary_union(areas.geometry.buffer(1)).buffer(-1)
    assert found["edge_m"].sum() == pytest.approx(around.length, rel=0.02)


def test_senseless_input_is_refused():
    with pytest.raises(ConfigError, match="tolerance"):
        sm.edge_share(_grid(2), tolerance=-1)
    with pytest.raises(CRSError):
        sm.edge_share(_grid(2).set_crs(None, allow_override=True))
    with pytest.raises(InputError, match="GeoDataFrame"):
        sm.edge_share(pd.DataFrame())
    with pytest.raises(AlignmentError, match="unique"):
        sm.edge_share(_grid(2).set_axis(["a", "a", "b", "c"]))
