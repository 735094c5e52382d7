"""Pile-ups of requirement G4: a default coordinate told from a place with many events."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

import safemap as sm

CITY = gpd.GeoDataFrame(geometry=[box(-99.2, 19.2, -98.9, 19.5)], index=["a"], crs=4326)


def _register(extra: pd.DataFrame, n: int = 1000) -> sm.Incidents:
    rng = np.random.default_rng(1)
    base = pd.DataFrame(
        {
            "lon": rng.uniform(-99.19, -98.91, n),
            "lat": rng.uniform(19.21, 19.49, n),
            "kind": rng.choice(["robbery", "burglary"], n),
            "street": [f"street {i}" for i in range(n)],
        }
    )
    frame = pd.concat([base, extra], ignore_index=True)
    return sm.read_incidents(frame, lon="lon", lat="lat", category="kind")


def _at(n: int, *, kinds: list[str], streets: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lon": -99.05,
            "lat": 19.3,
            "kind": [kinds[i % len(kinds)] for i in range(n)],
            "street": [streets[i % len(streets)] for i in range(n)],
        }
    )


def test_a_station_with_many_addresses_is_a_default() -> None:
    extra = _at(80, kinds=["robbery"], streets=[f"avenue {i}" for i in range(40)])
    clean = sm.clean_incidents(_register(extra), within=CITY, address="street")
    assert len(clean.pileups) == 1
    row = clean.pileups.iloc[0]
    assert (row["rows"], row["addresses"], row["categories"], row["suspected"]) == (80, 40, 1, "default")
    assert row["share"] == pytest.approx(80 / 1080)
    assert clean.audit.flags["pile_up"].tolist() == list(range(1000, 1080))
    assert len(clean.frame) == 1080, "reported, not removed"
    assert "suspected default" in clean.summary()


def test_a_mall_with_one_address_is_hot() -> None:
    extra = _at(80, kinds=["shoplifting"], streets=["mall"])
    clean = sm.clean_incidents(_register(extra), within=CITY, address="street")
    assert clean.pileups["suspected"].tolist() == ["hot_address"]
    assert len(clean.audit.flags["pile_up"]) == 0


def test_set_aside_only_what_is_suspected_to_be_a_default() -> None:
    station = _at(80, kinds=["robbery"], streets=[f"avenue {i}" for i in range(40)])
    mall = _at(60, kinds=["shoplifting"], streets=["mall"]).assign(lon=-99.0)
    register = _register(pd.concat([station, mall], ignore_index=True))
    clean = sm.clean_incidents(register, within=CITY, address="street", pileups="set-aside")
    assert clean.audit.by_reason()["rows"].to_dict() == {"default_coordinates": 80}
    assert len(clean.frame) == 1060


@pytest.mark.parametrize(("n", "found"), [(9, 0), (10, 1)])
def test_at_least_ten(n: int, found: int) -> None:
    extra = _at(n, kinds=["a", "b", "c", "d"], streets=["s"])
    assert len(sm.clean_incidents(_register(extra, 500), within=CITY).pileups) == found


def test_at_least_half_a_percent() -> None:
    kinds = ["a", "b", "c", "d"]
    assert len(sm.clean_incidents(_register(_at(24, kinds=kinds, streets=["s"]), 4976)).pileups) == 0
    assert len(sm.clean_incidents(_register(_at(25, kinds=kinds, streets=["s"]), 4975)).pileups) == 1


def test_coordinates_less_than_a_metre_apart_are_one_place() -> None:
    extra = _at(30, kinds=["a", "b", "c", "d"], streets=["s"])
    extra["lat"] = 19.3 + np.linspace(-1e-6, 1e-6, 30)
    clean = sm.clean_incidents(_register(extra), within=CITY)
    assert clean.pileups["rows"].sum() == 30


def test_without_categories_a_poisson_law_decides() -> None:
    frame = pd.DataFrame({"lon": np.r_[np.full(15, -99.05), np.linspace(-99.1, -99.0, 300)], "lat": 19.3})
    clean = sm.clean_incidents(sm.read_incidents(frame, lon="lon", lat="lat"), within=CITY)
    assert clean.pileups[["rows", "suspected"]].values.tolist() == [[15, "default"]]
    ties = pd.DataFrame({"lon": np.repeat(np.linspace(-99.1, -99.0, 20), 15), "lat": 19.3})
    clean = sm.clean_incidents(sm.read_incidents(ties, lon="lon", lat="lat"), within=CITY)
    assert set(clean.pileups["suspected"]) == {"hot_address"}, "everywhere 15 is nothing unusual"
