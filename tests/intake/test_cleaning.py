"""Cleaning: what cannot be a place is set aside; a common cause is named, never repaired unasked."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import box

import safemap as sm
from safemap.errors import AuditError, ConfigError, InputError
from safemap.geo import coordinates

CITY = gpd.GeoDataFrame({"name": ["a"]}, geometry=[box(-99.2, 19.2, -98.9, 19.5)], index=["a"], crs=4326)


def _incidents(lon: object, lat: object, **columns: object) -> sm.Incidents:
    return sm.read_incidents(pd.DataFrame({"lon": lon, "lat": lat, **columns}), lon="lon", lat="lat")


def _inside(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-99.19, -98.91, n), rng.uniform(19.21, 19.49, n)


@pytest.mark.parametrize(
    ("lon", "lat", "reason"),
    [
        (np.nan, 19.3, "missing_coordinates"),
        (0.0, 0.0, "zero_coordinates"),
        (19.3, -99.1, "swapped_coordinates"),
        (-199.1, 19.3, "out_of_range"),
        (-99.1, 91.0, "out_of_range"),
        (69.2, 41.3, "far_outside"),
        (-99.3, 19.3, "far_outside"),
        (-99.1, 19.6, "far_outside"),
    ],
)
def test_each_fault_has_its_reason(lon: float, lat: float, reason: str) -> None:
    x, y = _inside(20)
    clean = sm.clean_incidents(_incidents([*x, lon], [*y, lat]), within=CITY)
    assert clean.audit.set_aside["reason"].to_dict() == {20: reason}
    assert clean.frame.index.tolist() == list(range(20))
    assert clean.audit.n_placed + clean.audit.n_set_aside == 21


def test_the_margin_is_kept() -> None:
    x, y = _inside(20)
    clean = sm.clean_incidents(_incidents([*x, -99.22, -98.88], [*y, 19.18, 19.52]), within=CITY)
    assert clean.audit.n_set_aside == 0


@pytest.mark.parametrize(
    ("spoil", "cause", "advice"),
    [
        (lambda x, y: (y, x), "swapped", "repair='swapped'"),
        (lambda x, y: (-x, y), "sign", "repair='sign'"),
        (lambda x, y: (np.round(x * 1e6), np.round(y * 1e6)), "micro-degrees", "repair='micro-degrees'"),
        (
            lambda x, y: Transformer.from_crs(4326, 32614, always_xy=True).transform(x, y),
            "metres",
            "crs='EPSG:32614'",
        ),
    ],
)
def test_a_common_cause_is_named_with_its_share_and_its_remedy(spoil, cause: str, advice: str) -> None:
    x, y = _inside(100)
    bad_x, bad_y = spoil(x, y)
    incidents = _incidents(np.append(bad_x[:90], x[90:]), np.append(bad_y[:90], y[90:]))
    with pytest.raises(InputError, match=rf"explain 90\.0%.*{advice}") as caught:
        sm.clean_incidents(incidents, within=CITY)
    assert caught.value.details["cause"] == cause
    assert caught.value.details["share"] == pytest.approx(0.9)


@pytest.mark.parametrize("name", ["swapped", "sign", "micro-degrees"])
def test_an_accepted_repair_is_made_and_flagged(name: str) -> None:
    x, y = _inside(100)
    spoiled = {"swapped": (y, x), "sign": (-x, y), "micro-degrees": (x * 1e6, y * 1e6)}[name]
    incidents = _incidents(np.append(spoiled[0][:90], x[90:]), np.append(spoiled[1][:90], y[90:]))
    clean = sm.clean_incidents(incidents, within=CITY, repair=(name,))
    assert clean.audit.n_set_aside == 0
    assert clean.audit.flags[f"repaired_{name.replace('-', '_')}"].tolist() == list(range(90))
    np.testing.assert_allclose(clean.frame["x"], x, atol=1e-9)
    np.testing.assert_allclose(clean.frame["y"], y, atol=1e-9)
    assert clean.settings["repair"] == [name]
    assert incidents.frame["x"].iloc[0] == spoiled[0][0], "the input is never changed"


def test_a_minority_is_never_repaired_unasked() -> None:
    x, y = _inside(100)
    incidents = _incidents([*x, y[0], -x[0]], [*y, x[0], y[0]])
    clean = sm.clean_incidents(incidents, within=CITY)
    assert clean.audit.set_aside["reason"].tolist() == ["swapped_coordinates", "far_outside"]
    assert "minus sign" in clean.audit.set_aside["detail"].loc[101]
    both = sm.clean_incidents(incidents, within=CITY, repair=("swapped", "sign"))
    assert both.audit.n_set_aside == 0
    assert {k: v.tolist() for k, v in both.audit.flags.items() if len(v)} == {
        "repaired_swapped": [100],
        "repaired_sign": [101],
    }


def test_nothing_in_the_study_area_is_an_error_even_without_a_known_cause() -> None:
    with pytest.raises(InputError, match="none of 50 coordinates lies in the study area"):
        sm.clean_incidents(_incidents(np.linspace(69, 70, 50), np.full(50, 41.3)), within=CITY)


def test_without_a_study_area_impossible_degrees_are_still_found() -> None:
    x, y = _inside(50)
    with pytest.raises(InputError, match="repair='swapped'"):
        sm.clean_incidents(_incidents(y, x))
    with pytest.raises(InputError, match="repair='micro-degrees'"):
        sm.clean_incidents(_incidents(x * 1e6, y * 1e6))
    with pytest.raises(InputError, match="metres, not degrees"):
        sm.clean_incidents(_incidents(x * 0 + 485_000, y * 0 + 2_130_000))
    assert sm.clean_incidents(_incidents(y, x), repair="swapped").audit.n_set_aside == 0


def test_projected_incidents_against_areas_in_degrees() -> None:
    x, y = _inside(50)
    east, north = Transformer.from_crs(4326, 32614, always_xy=True).transform(x, y)
    frame = pd.DataFrame({"e": [*east, 0.0, 900_000.0], "n": [*north, 0.0, 4_500_000.0]})
    incidents = sm.read_incidents(frame, x="e", y="n", crs=32614)
    clean = sm.clean_incidents(incidents, within=CITY)
    assert clean.audit.set_aside["reason"].to_dict() == {50: "zero_coordinates", 51: "far_outside"}


def test_duplicates_are_reported_and_set_aside_only_on_request() -> None:
    incidents = _incidents([-99.1, -99.1, -99.0, -99.1], [19.3] * 4, kind=["a", "a", "a", "b"])
    reported = sm.clean_incidents(incidents, within=CITY)
    assert reported.audit.flags["duplicate_row"].tolist() == [1]
    assert len(reported.frame) == 4
    removed = sm.clean_incidents(incidents, within=CITY, duplicates="set-aside")
    assert removed.audit.set_aside["reason"].to_dict() == {1: "duplicate_row"}
    assert removed.frame.index.tolist() == [0, 2, 3]
    assert removed.audit.hit_rate == 1.0, "a duplicate is no failure of geocoding"


def test_repeated_ids_are_flagged() -> None:
    frame = pd.DataFrame({"lon": [-99.1, -99.0, -99.05], "lat": [19.3] * 3, "no": ["1", "1", "2"]})
    clean = sm.clean_incidents(sm.read_incidents(frame, lon="lon", lat="lat", id="no"))
    assert clean.audit.flags["same_id"].tolist() == [0, 1]


@pytest.mark.parametrize("options", [{"repair": "rotate"}, {"duplicates": "drop"}, {"pileups": True}])
def test_unknown_options(options: dict) -> None:
    with pytest.raises(ConfigError):
        sm.clean_incidents(_incidents([-99.1], [19.3]), **options)


def test_a_row_deleted_in_between_is_noticed() -> None:
    x, y = _inside(10)
    incidents = _incidents(x, y)
    incidents = replace(incidents, frame=incidents.frame.drop(index=3))
    with pytest.raises(AuditError, match=r"lost 1 \(e.g. \[3\]\)"):
        sm.clean_incidents(incidents, within=CITY)


def test_a_row_deleted_inside_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the audit's check this loses a row without a word: the test fails if the check is taken out."""
    from safemap.intake import cleaning

    def lossy(incidents, frame, audit, how):
        return frame.iloc[1:], audit

    monkeypatch.setattr(cleaning, "_handle_duplicates", lossy)
    x, y = _inside(10)
    with pytest.raises(AuditError, match="lost 1"):
        sm.clean_incidents(_incidents(x, y), within=CITY)


REASONS_OF_COORDINATES = st.sampled_from(
    [(-99.1, 19.3), (np.nan, np.nan), (0.0, 0.0), (19.3, -99.1), (999.0, 19.3), (69.2, 41.3), (np.nan, 19.3)]
)


@settings(deadline=None)
@given(st.lists(REASONS_OF_COORDINATES, min_size=0, max_size=40))
def test_every_row_once_and_every_reason_recomputable(points: list[tuple[float, float]]) -> None:
    points = [*points, *[(-99.05, 19.35)] * (len(points) + 1)]
    x, y = (np.array(v, dtype=float) for v in zip(*points, strict=True))
    clean = sm.clean_incidents(_incidents(x, y), within=CITY)
    placed, aside = set(clean.frame.index), set(clean.audit.set_aside.index)
    assert not placed & aside
    assert placed | aside == set(range(len(points)))
    box_ = coordinates.study_box(CITY, 4326)
    assert placed == {i for i in range(len(points)) if box_.holds(x, y)[i]}
    test = {
        "missing_coordinates": np.isnan(x) | np.isnan(y),
        "zero_coordinates": (x == 0) & (y == 0),
        "swapped_coordinates": box_.holds(y, x),
        "out_of_range": (np.abs(x) > 180) | (np.abs(y) > 90),
        "far_outside": ~box_.holds(x, y),
    }
    for row, reason in clean.audit.set_aside["reason"].items():
        assert test[reason][row]
