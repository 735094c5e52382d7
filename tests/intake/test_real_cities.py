"""Real boundaries and points of Tashkent and Nairobi: read, checked, joined; the figures of their notes."""

from __future__ import annotations

import pytest

import safemap as sm

pytestmark = pytest.mark.real


def test_tashkent_geometry_collections_become_areas(real_data):
    districts = sm.read_areas(
        real_data("tashkent/tashkent_districts_osm.geojson"),
        id="ADM2_EN",
        name="ADM2_UZ",
        names={"ru": "ADM2_RU"},
    )
    facts = districts.attrs["safemap"]
    assert len(districts) == 12
    assert len(facts["collections"]) == 12
    assert set(districts.geometry.geom_type) <= {"Polygon", "MultiPolygon"}
    assert districts.geometry.is_valid.all()
    assert districts["name_ru"].str.endswith("район").all()


def test_tashkent_boundaries_have_faults_and_they_are_told(real_data):
    districts = sm.read_areas(real_data("tashkent/tashkent_districts_2024.geojson"), id="name", name="name")
    report = sm.check_areas(districts)
    found = report.counts[report.counts > 0]
    assert found.to_dict() == {"overlap": 8, "gap": 9, "multi-part": 1}


def test_tashkent_mahalla_offices_lie_in_districts(real_data):
    """SOURCE.md: 99.8 %; the one point outside lies in no district, and is set aside with that reason."""
    districts = sm.read_areas(real_data("tashkent/tashkent_districts_2024.geojson"), id="name", name="name")
    offices = sm.read_incidents(real_data("tashkent/tashkent_mahalla_points.csv"), lon="lng", lat="lat")
    joined = sm.join_areas(offices, districts)
    assert joined.audit.n_in == 545
    assert round(100 * joined.audit.hit_rate, 1) == 99.8
    assert joined.audit.by_reason()["rows"].to_dict() == {"outside_areas": 1}


def test_nairobi_wards_have_their_faults(real_data):
    wards = sm.read_areas(
        real_data("nairobi/nairobi_wards_dhis_pop2009.geojson"), id="gid", name="ward", population="pop2009"
    )
    assert len(wards) == 85
    repaired = wards.attrs["safemap"]["repaired"]
    assert [wards.loc[str(i), "name"] for i in repaired] == ["Nyayo Highrise Ward"]
    assert wards["population"].sum() == 3_138_369


def test_nairobi_crashes_lie_in_wards(real_data):
    """SOURCE.md: 75.0 % in both layers; 41 points in two polygons of the second."""
    crashes = sm.read_incidents(
        real_data("nairobi/ma3route_crashes.csv"), lon="longitude", lat="latitude", date="crash_datetime"
    )
    assert crashes.report.date_rule.startswith("DD/MM/YYYY")
    shares, overlapping = [], []
    for file, key in (("nairobi_wards_dhis_pop2009", "gid"), ("nairobi_wards_iebc", "ward_code")):
        wards = sm.read_areas(real_data(f"nairobi/{file}.geojson"), id=key)
        joined = sm.join_areas(crashes, wards)
        assert joined.audit.n_in == 31_064 == joined.audit.n_placed + joined.audit.n_set_aside
        shares.append(round(100 * joined.audit.n_placed / joined.audit.n_in, 1))
        overlapping.append(joined.settings["matches"]["overlap"])
    assert shares == [75.0, 75.0]
    assert overlapping[1] == 41
