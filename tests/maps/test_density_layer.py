"""A density is drawn as bands of ground: they fill the study area, do not overlap, show no event."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Polygon

from safemap.errors import AlignmentError, PrivacyError, PrivacyWarning
from safemap.i18n import text
from safemap.maps import explore
from safemap.maps.density_layer import density_layer, smallest_limit
from safemap.maps.layer import Layer


@pytest.fixture(scope="module")
def density(town: ModuleType) -> Any:
    return town.density()


def layer_of(density: Any, **options: Any) -> Layer:
    return density_layer(density, key="x", name="X", **{"breaks": None, "k": 5, **options})


def shapes(bands: list[Any]) -> gpd.GeoSeries:
    """The coded polygons, decoded by hand, in metres."""

    def ring(flat: list[int]) -> np.ndarray:
        return np.cumsum(np.array(flat).reshape(-1, 2), axis=0) / 100_000

    whole = [
        shapely.union_all([Polygon(ring(p[0]), [ring(r) for r in p[1:]]) for p in band]) for band in bands
    ]
    return gpd.GeoSeries(whole, crs=4326).to_crs(32614)


def test_bands_fill_the_study_area_and_do_not_overlap(town: ModuleType, density: Any) -> None:
    layer = layer_of(density)
    drawn = shapes(layer.bands)
    study = shapely.union_all(town.areas().geometry.to_crs(32614).array)
    assert shapely.union_all(drawn.array).symmetric_difference(study).area < 0.002 * study.area
    assert drawn.area.sum() == pytest.approx(study.area, rel=0.002)
    assert drawn.area.to_numpy() / 1e6 == pytest.approx(np.array(layer.amounts), rel=0.01)


def test_the_ground_per_class_adds_up(density: Any) -> None:
    layer = layer_of(density)
    frame = density.frame
    assert sum(layer.amounts) == pytest.approx(frame["area_km2"].sum(), abs=0.05)
    first = float(layer.classes[0].label.slots["a"]["v"])
    dense = frame.loc[frame["estimate"] >= first, "area_km2"].sum()
    assert layer.amounts[0] == pytest.approx(dense, abs=0.006)
    assert layer.overlays[0].amount == pytest.approx(frame.loc[frame["edge"], "area_km2"].sum(), abs=0.006)


def test_every_cell_lies_in_the_band_of_its_value(density: Any) -> None:
    layer = layer_of(density, breaks=(5, 10, 20, 50))
    drawn = shapes(layer.bands)
    centres = density.frame.geometry.to_crs(32614).representative_point()
    whole = density.frame["area_share"] > 0.99
    for i, limit in zip(range(5), ((50, 1e9), (20, 50), (10, 20), (5, 10), (-1, 5)), strict=True):
        here = density.frame["estimate"].ge(limit[0]) & density.frame["estimate"].lt(limit[1]) & whole
        assert drawn.iloc[i].contains(centres[here]).all() if here.any() else True


def test_the_edge_covers_the_cells_near_the_border(density: Any) -> None:
    (over,) = layer_of(density).overlays
    area = shapes([over.shape]).area.iloc[0] / 1e6
    assert area == pytest.approx(density.frame.loc[density.frame["edge"], "area_km2"].sum(), rel=0.01)


def test_no_class_begins_where_fewer_than_k_events_could_lie(density: Any) -> None:
    # a quartic kernel is 3 / (pi h^2) high at its centre
    peak = 3 / (np.pi * 0.9**2)
    assert smallest_limit(density, 5) == pytest.approx(4 * peak)
    for k in (2, 5, 20, 200):
        assert layer_of(density, k=k).classes[4].label.slots["a"]["v"] >= (k - 1) * peak
    with pytest.raises(PrivacyError, match="fewer than 5 events"):
        layer_of(density, breaks=(1, 2, 3, 4))


def test_the_finding_says_on_how_much_ground_half_of_it_lies(density: Any) -> None:
    finding = layer_of(density).finding
    frame = density.frame.sort_values("estimate", ascending=False)
    mass = (frame["estimate"] * frame["area_km2"]).cumsum()
    km2 = frame["area_km2"].cumsum()[mass >= mass.iloc[-1] / 2].iloc[0]
    assert finding.slots["a"]["v"] == pytest.approx(km2 / frame["area_km2"].sum())
    assert text(finding, "en").startswith("Half of the recorded cases fall on ")


def test_no_figure_of_a_cell_or_an_area_is_in_the_file(town: ModuleType, density: Any) -> None:
    data = town.data_of(explore(town.rates(), density))
    layer = data["layers"][1]
    assert layer["codes"] == []
    assert not {"value", "low", "high", "n"} & set(layer)
    assert not any(str(i) in json.dumps(data["layers"]) for i in density.frame.index[:50])
    assert layer["period"] == "2023"


def test_areas_and_bands_are_stored_once_and_are_small(town: ModuleType, density: Any) -> None:
    data = town.data_of(explore(town.rates(), density))
    assert len(data["geometry"]["areas"]) == 36
    assert len(json.dumps(data["layers"][1])) < 12_000  # 729 cells


def test_a_density_alone_is_drawn_with_areas_or_without(town: ModuleType, density: Any) -> None:
    alone = town.data_of(explore(density))
    assert len(alone["geometry"]["areas"]) == 1
    assert alone["geometry"]["labels"][0][2] == 0  # no name to write
    assert len(town.data_of(explore(density, areas=town.areas()))["names"]) == 36
    assert town.data_of(density.explore(title="D"))["title"] == "D"


def test_a_density_of_few_events_warns(town: ModuleType) -> None:
    with pytest.warns(PrivacyWarning, match="A density of 99 events"):
        explore(town.density(events=99))


def test_a_density_of_another_place_is_refused(town: ModuleType, density: Any) -> None:
    far = town.areas()
    far = far.set_geometry(far.translate(xoff=5), crs=4326)
    with pytest.raises(AlignmentError, match="lies elsewhere"):
        explore(town.rates(far), density)


def test_names_by_language_fall_back_and_must_be_about_the_areas(town: ModuleType) -> None:
    areas = town.areas()
    names = pd.Series({"003": "Чоршанба", "004": "Чоршанба", "005": None})
    data = town.data_of(explore(town.rates(), area_names={"ru": names}))
    assert data["names_in"]["ru"][3:6] == ["Чоршанба (003)", "Чоршанба (004)", None]
    assert data["names"][3] == "Área 04"
    frame = areas.assign(**{"name_uz-Cyrl": [f"Ҳудуд {i}" for i in range(36)], "label": "Eneo"})
    assert town.data_of(explore(town.rates(), area_names=frame))["names_in"]["uz-Cyrl"][7] == "Ҳудуд 7"
    by_column = town.data_of(explore(town.rates(), areas=frame, area_names={"sw": "label"}))["names_in"]
    assert by_column["sw"][35] == "Eneo (035)"
    assert set(by_column) == {"sw", "uz-Cyrl"}
    with pytest.raises(AlignmentError, match="no name for any of the areas"):
        explore(town.rates(), area_names={"ru": {"x": "y"}})
    with pytest.raises(AlignmentError, match="1 are missing"):
        explore(town.rates(), area_names=frame.iloc[1:])
    with pytest.raises(Exception, match="may be given in en, es"):
        explore(town.rates(), area_names={"fr": names})
    with pytest.raises(Exception, match="no column 'nom'"):
        explore(town.rates(), area_names={"ru": "nom"})
