"""The same on a cluster: partitions in, one audit out, equal to one machine row for row."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

import safemap as sm
from safemap.errors import ConfigError, InputError, MissingExtraError

dask = pytest.importorskip("dask", reason="dask is not installed: pip install 'safemap[big]'")
distributed = pytest.importorskip("distributed", reason="distributed is not installed")
from_pandas = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed").from_pandas
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

AREAS = sm.read_areas(
    gpd.GeoDataFrame(
        {"cve": [str(i) for i in range(16)]},
        geometry=[
            box(69 + i / 4, 41 + j / 4, 69.25 + i / 4, 41.25 + j / 4) for j in range(4) for i in range(4)
        ],
        crs=4326,
    ),
    id="cve",
)
HALVES = sm.read_areas(
    gpd.GeoDataFrame({"h": ["w", "e"]}, geometry=[box(69, 41, 69.5, 42), box(69.5, 41, 69.9, 42)], crs=4326),
    id="h",
)
COLUMNS: dict[str, Any] = {"lon": "lon", "lat": "lat"}


def _register(n: int = 30_000) -> pd.DataFrame:
    """Points inside, on borders and outside, swapped, missing and zero; kinds and dates."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"lon": rng.uniform(68.98, 70.02, n), "lat": rng.uniform(41, 42, n)})
    lattice = rng.choice(n, n // 5, replace=False)
    frame.loc[lattice, "lon"] = 69 + rng.integers(0, 9, len(lattice)) / 8
    frame.loc[lattice, "lat"] = 41 + rng.integers(0, 9, len(lattice)) / 8
    swapped = rng.choice(n, n // 50, replace=False)
    frame.loc[swapped, ["lon", "lat"]] = frame.loc[swapped, ["lat", "lon"]].to_numpy()
    frame.loc[rng.choice(n, 100), "lon"] = np.nan
    frame.loc[rng.choice(n, 100), ["lon", "lat"]] = 0.0
    frame["kind"] = rng.choice(["robbery", "assault"], n)
    frame["on"] = rng.choice(pd.date_range("2022-01-01", "2023-12-31"), n)
    return frame


REGISTER = _register()


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two processes of their own on this machine."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
            memory_limit=0,
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):  # fmt: skip
        yield connected


def _assert_same(ours: sm.CountedAreas, theirs: sm.CountedAreas) -> None:
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)
    pd.testing.assert_frame_equal(ours.audit.by_reason(), theirs.audit.by_reason())
    assert ours.settings["matches"] == theirs.settings["matches"]
    assert ours.audit.n_in == theirs.audit.n_in == ours.audit.n_placed + ours.audit.n_set_aside
    assert ours.audit.flag_counts == theirs.audit.flag_counts
    for level in theirs.levels:
        _assert_same(ours.levels[level], theirs.levels[level])


@pytest.mark.parametrize("kind", ["parquet", "files", "csv", "frames", "partitions"])
def test_counts_are_those_of_one_machine(client: Any, kind: str, tmp_path: Path) -> None:
    source: Any = REGISTER
    if kind == "parquet":
        REGISTER.to_parquet(tmp_path / "a.parquet", row_group_size=1_000)
        source = tmp_path / "a.parquet"
    elif kind == "files":
        for i in range(5):
            REGISTER.iloc[i::5].to_parquet(tmp_path / f"{i}.parquet")
        source = tmp_path
    elif kind == "csv":
        source = [tmp_path / "a.csv", tmp_path / "b.csv"]
        for i, path in enumerate(source):
            REGISTER.iloc[i::2].to_csv(path, index=False)
    elif kind == "partitions":
        source = from_pandas(REGISTER, npartitions=7)
    options = {
        **COLUMNS, "category": "kind", "date": "on", "by_period": "year", "levels": {"half": HALVES},
        "repair": "swapped", "max_distance": 500.0,
    }  # fmt: skip
    here = sm.count_areas(REGISTER if kind == "partitions" else source, AREAS, **options)
    there = sm.count_areas(source, AREAS, client=client, batch_rows=4_000, **options)
    _assert_same(there, here)
    if kind != "partitions":  # partitions name their rows by their own index
        assert there.audit.examples == here.audit.examples
    assert there.audit.flag_counts["boundary"] > 0
    assert there.audit.flag_counts["repaired_swapped"] > 0


def test_by_address_and_without_a_cluster(client: Any) -> None:
    partitions = from_pandas(REGISTER, npartitions=3)
    here = sm.count_areas(REGISTER, AREAS, **COLUMNS)
    _assert_same(sm.count_areas(partitions, AREAS, client=client.scheduler.address, **COLUMNS), here)
    with dask.config.set(scheduler="threads"):
        _assert_same(sm.count_areas(partitions, AREAS, **COLUMNS), here)


@pytest.mark.parametrize("repair", [(), ("swapped",)])
def test_the_join_row_for_row(client: Any, repair: tuple[str, ...]) -> None:
    partitions = from_pandas(REGISTER, npartitions=7)
    options = {"levels": {"half": HALVES}, "max_distance": 500.0}
    joined = sm.join_partitions(partitions, AREAS, repair=repair, client=client, **COLUMNS, **options)
    rows = joined.frame.compute()
    clean = sm.clean_incidents(sm.read_incidents(REGISTER, **COLUMNS), within=AREAS, repair=repair)
    whole = sm.join_areas(clean, AREAS, **options)
    assert rows.index.equals(REGISTER.index)
    assert rows["set_aside"].dropna().to_dict() == whole.audit.set_aside["reason"].to_dict()
    same = rows.loc[whole.frame.index]
    for column in ("area_id", "match", "half_id", "half_match"):
        ours, theirs = same[column].astype(object), whole.frame[column].astype(object)
        assert ours.where(ours.notna(), None).tolist() == theirs.where(theirs.notna(), None).tolist()
    np.testing.assert_array_equal(same["x"], whole.frame["x"])
    gone = rows.drop(whole.frame.index)
    assert gone[["area_id", "match", "half_id", "half_match"]].isna().all(axis=None)
    assert joined.counted.totals().to_dict() == whole.reconciliation["events"].to_dict()
    assert joined.counted.audit.by_reason()["rows"].to_dict() == whole.audit.by_reason()["rows"].to_dict()
    assert joined.summary().startswith("partitions: 30,000 rows")
    assert list(joined.frame.columns) == list(rows.columns)


def test_what_is_wrong_in_a_partition_reaches_the_caller(client: Any) -> None:
    partitions = from_pandas(REGISTER, npartitions=3)
    with pytest.raises(InputError, match="swapped") as error:
        sm.count_areas(partitions, AREAS, lon="lat", lat="lon", client=client)
    assert error.value.details["cause"] == "swapped"
    late = REGISTER.astype({"on": str})
    late["on"] = ["2023-01-31"] * 29_000 + ["25/04/2023"] * 1_000
    with pytest.raises(InputError, match="dayfirst"):  # raised by a worker
        sm.count_areas(late, AREAS, date="on", by_period="year", client=client, batch_rows=5_000, **COLUMNS)


def test_what_is_no_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from safemap.analysis import dask as door

    with pytest.raises(ConfigError, match=r"distributed\.Client"):
        sm.count_areas(REGISTER, AREAS, client=7, **COLUMNS)
    monkeypatch.setattr(door, "_PATIENCE", 0.2)
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        sm.count_areas(REGISTER, AREAS, client="tcp://127.0.0.1:9", **COLUMNS)
    with pytest.raises(InputError, match="Dask DataFrame"):
        sm.join_partitions(REGISTER, AREAS, **COLUMNS)
    partitions = from_pandas(REGISTER.assign(match="x"), npartitions=2)
    with dask.config.set(scheduler="threads"), pytest.raises(InputError, match="match"):
        sm.join_partitions(partitions, AREAS, **COLUMNS)
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"safemap\[big\]"):
        sm.count_areas(REGISTER, AREAS, client="tcp://127.0.0.1:9", **COLUMNS)


def test_a_recipe_travels_without_its_grids() -> None:
    from safemap.analysis.plans import make_plan

    recipe = make_plan(REGISTER, AREAS, **COLUMNS).recipe
    assert recipe.placers
    there = pickle.loads(pickle.dumps(recipe))
    assert "placers" not in there.__dict__
    assert there.columns == recipe.columns
    assert len(pickle.dumps(recipe)) < 50_000
