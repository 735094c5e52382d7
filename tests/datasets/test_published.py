"""Published data are what the literature says they are."""

from __future__ import annotations

import pytest

from safemap import datasets
from safemap.errors import InputError


def test_columbus_is_the_data_of_anselin_1988():
    data = datasets.columbus()
    assert len(data) == 49
    assert data["CRIME"].mean() == pytest.approx(35.1288, abs=5e-5)  # spdep and GeoDa print 35.1288
    assert data["INC"].mean() == pytest.approx(14.3749, abs=5e-5)
    assert data.crs is None
    assert data.index[:2].tolist() == ["1", "2"]


def test_st_louis_has_78_counties():
    data = datasets.st_louis()
    assert len(data) == 78
    assert data.index.is_unique
    assert data.crs.to_epsg() == 4269
    assert (data["HC8893"] / data["PO8893"] * 100_000).to_numpy() == pytest.approx(data["HR8893"], rel=1e-4)


def test_sids_has_the_published_totals():
    data = datasets.sids()
    assert len(data) == 100
    assert (data["SID74"].sum(), data["SID79"].sum()) == (667, 836)  # Cressie and Read 1985
    assert data["BIR74"].sum() == 329_962
    assert data.crs.to_epsg() == 4267


def test_missing_examples_are_said_to_be_missing(monkeypatch):
    import libpysal.examples

    monkeypatch.setattr(libpysal.examples, "get_path", lambda name: None)
    with pytest.raises(InputError, match=r"columbus\.shp"):
        datasets.columbus()


def test_dir_lists_every_public_name():
    assert set(datasets.__all__) <= set(dir(datasets))
