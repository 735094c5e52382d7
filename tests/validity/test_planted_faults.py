"""Every fault planted in the sample comes out of the pipeline with its own reason, and no other."""

from __future__ import annotations

import pandas as pd
import pytest

import safemap as sm
from safemap import datasets

ROBBERY = "ROBO A TRANSEUNTE EN VIA PUBLICA CON VIOLENCIA"
BURGLARY = "ROBO A CASA HABITACION CON VIOLENCIA"
PERIOD = ("2023-01-01", "2023-12-31")


@pytest.fixture(scope="module")
def truth():
    return datasets.truth("iztapalapa")


@pytest.fixture(scope="module")
def areas(sample):
    return sm.read_areas(sample / "colonias.geojson", id="cve", name="nombre", population="poblacion")


def _join(sample, areas, where=None):
    raw = sm.read_incidents(
        sample / "incidents.csv",
        lon="longitud",
        lat="latitud",
        date="fecha_hecho",
        time="hora_hecho",
        category="delito",
    )
    chosen = sm.select_incidents(raw, where=where, period=PERIOD)
    clean = sm.clean_incidents(
        chosen, within=areas, duplicates="set-aside", pileups="set-aside", address="colonia_hecho"
    )
    levels = {"alcaldia": sm.read_areas(sample / "alcaldias.geojson", id="cve_alc", name="nombre")}
    return sm.join_areas(clean, areas, levels=levels)


@pytest.fixture(scope="module")
def joined(sample, areas):
    return _join(sample, areas)


def test_every_row_of_the_file_is_accounted_for(joined, truth):
    audit = joined.audit
    assert audit.n_in == len(truth.area_of) + sum(len(rows) for rows in truth.faults.values())
    assert audit.n_in == audit.n_placed + audit.n_set_aside
    audit.check(joined.frame.index[joined.frame["area_id"].notna()])


def test_each_planted_fault_has_its_own_reason(joined, truth):
    found = {reason: set(rows.index) for reason, rows in joined.audit.set_aside.groupby("reason")}
    assert found == {reason: set(rows) for reason, rows in truth.faults.items()}


def test_sound_rows_are_placed_in_the_planted_areas(joined, truth):
    placed = joined.frame["area_id"].dropna()
    pd.testing.assert_series_equal(
        placed.astype(object).sort_index(), truth.area_of.astype(object).sort_index(), check_names=False
    )


def test_rows_on_borders_and_in_overlaps_are_flagged(joined, truth):
    match = joined.frame["match"]
    assert set(match.index[match == "boundary"]) == set(truth.flags["boundary"])
    assert set(match.index[match == "overlap"]) == set(truth.flags["overlap"])


def test_rates_count_what_was_planted(joined, truth):
    rates = sm.area_rates(joined, period=PERIOD)
    assert (rates.frame["events"] == truth.events.sum(axis=1)[rates.frame.index]).all()
    without = rates.frame.index[rates.frame["estimate"].isna()]
    assert set(without) == set(truth.areas_without_population)
    assert rates.frame.loc[list(truth.areas_without_population), "note"].str.contains("population").all()


@pytest.mark.parametrize("offence", [ROBBERY, BURGLARY])
def test_one_offence_alone_gives_the_planted_counts(offence, sample, areas, truth):
    joined = _join(sample, areas, where={"delito": offence})
    events = sm.area_rates(joined, period=PERIOD).frame["events"]
    assert (events == truth.events.loc[events.index, offence]).all()
    counted = set(joined.audit.set_aside["reason"])
    assert counted - {"not_selected"} <= set(truth.faults)


def test_street_robbery_meets_every_fault(sample, areas, truth):
    joined = _join(sample, areas, where={"delito": ROBBERY})
    assert set(joined.audit.set_aside["reason"]) == {*truth.faults, "not_selected"}


def test_the_pile_up_is_reported_where_it_was_planted(joined, truth, sample, areas):
    raw = sm.read_incidents(sample / "incidents.csv", lon="longitud", lat="latitud", category="delito")
    pileups = sm.clean_incidents(raw, within=areas, address="colonia_hecho").pileups
    assert len(pileups) == 1
    assert (pileups["x"].iloc[0], pileups["y"].iloc[0]) == pytest.approx(truth.pile_up, abs=1e-6)
    assert pileups["rows"].iloc[0] == len(truth.faults["default_coordinates"])


def test_the_graph_sees_the_island_the_slivers_and_the_overlaps(areas, truth):
    graph = sm.build_graph(areas, "queen", tolerance=1.0)
    neighbours = {area: set(graph.neighbours(area)) for area in areas.index}
    assert {a for a, near in neighbours.items() if not near} == {truth.area_without_neighbours}
    for a, b in (*truth.slivers, *truth.overlaps, *truth.gaps):
        assert b in neighbours[a]
        assert a in neighbours[b]


def test_a_row_deleted_on_the_way_is_noticed(joined):
    from dataclasses import replace

    first = joined.audit.placed[0]
    lossy = replace(joined, frame=joined.frame.drop(index=first))
    with pytest.raises(sm.errors.AuditError, match="lost 1"):
        sm.area_rates(lossy, period=PERIOD)
