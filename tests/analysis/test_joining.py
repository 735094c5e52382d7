"""Guarantee 1 at the join: rows in = placed + set aside, each row once; sums that add up over levels."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import MultiPolygon, Point, Polygon, box

import safemap as sm
from safemap.analysis import joining
from safemap.errors import AlignmentError, AuditError, ConfigError, CRSError, GeometryError, InputError


def _areas(
    shapes: list | None = None, ids: list | None = None, *, crs: object = 4326, **columns: list
) -> gpd.GeoDataFrame:
    shapes = shapes or [box(i, j, i + 1, j + 1) for j in range(2) for i in range(2)]
    ids = ids or [str(i + 1) for i in range(len(shapes))]
    return gpd.GeoDataFrame(columns, geometry=shapes, index=pd.Index(ids, name="area_id"), crs=crs)


def _incidents(*points: tuple[float, float], **columns: list) -> sm.Incidents:
    frame = pd.DataFrame(
        {"lon": [p[0] for p in points], "lat": [p[1] for p in points], **columns}, dtype=object
    )
    return sm.read_incidents(frame, lon="lon", lat="lat")


def _adds_up(joined: sm.JoinResult, incidents: sm.Incidents) -> None:
    """The law of guarantee 1, on sets of row ids."""
    placed, aside = set(joined.audit.placed), set(joined.audit.set_aside.index)
    assert not placed & aside
    assert placed | aside == set(incidents.audit.rows)
    assert joined.frame.index.equals(incidents.frame.index)
    assert placed == set(joined.frame.index[joined.frame["area_id"].notna()])
    assert joined.reconciliation["events"].sum() == len(placed)
    parts = joined.reconciliation[["inside", "boundary", "overlap", "nearest"]].sum(axis=1)
    assert (parts == joined.reconciliation["events"]).all()
    assert sum(joined.settings["matches"].values()) == len(joined.frame)


RING = Polygon([(0, 0), (6, 0), (6, 6), (0, 6)], [[(2, 2), (4, 2), (4, 4), (2, 4)]])


@pytest.mark.parametrize(
    ("point", "shapes", "ids", "area", "match"),
    [
        ((0.5, 0.5), None, None, "1", "inside"),
        ((1.0, 0.5), None, None, "1", "boundary"),
        ((1.0, 1.0), None, None, "1", "boundary"),
        ((1.0, 1.0), None, ["10", "9", "12", "11"], "9", "boundary"),
        ((1.0, 1.0), None, ["010", "09", "x", "y"], "010", "boundary"),
        ((1.0, 1.0), None, ["b", "a", "d", "c"], "a", "boundary"),
        ((2.0, 1.5), None, None, "4", "boundary"),
        ((2.5, 0.5), None, None, None, "outside"),
        ((None, 0.5), None, None, None, "missing"),
        (("NA", "NA"), None, None, None, "missing"),
        (("east", 0.5), None, None, None, "missing"),
        ((1.5, 0.5), [box(0, 0, 2, 1), box(1, 0, 3, 1)], ["b", "a"], "a", "overlap"),
        ((1.0, 0.5), [box(0, 0, 2, 1), box(1, 0, 3, 1)], ["b", "a"], "a", "overlap"),
        ((3.0, 3.0), [RING], ["a"], None, "outside"),
        ((2.0, 3.0), [RING], ["a"], "a", "boundary"),
        ((12.5, 0.5), [MultiPolygon([box(10, 0, 11, 1), box(12, 0, 13, 1)])], ["a"], "a", "inside"),
    ],
)
def test_one_row_in_one_row_out(point, shapes, ids, area, match) -> None:
    """A few sound rows go along, so that the odd one is no "common cause"."""
    areas = _areas(shapes, ids)
    inner = [(p.x, p.y) for p in areas.geometry.map(shapely.point_on_surface) for _ in range(2)]
    incidents = _incidents(*inner, point)
    joined = sm.join_areas(incidents, areas)
    row = joined.frame.iloc[-1]
    assert (row["area_id"], row["match"]) == (area, match)
    _adds_up(joined, incidents)
    if match in ("boundary", "overlap"):
        assert joined.audit.flags[match][-1] == len(inner)


@pytest.mark.parametrize(
    ("point", "reason"),
    [((9.0, 9.0), "outside_areas"), ((None, 1), "missing_coordinates"), (("x", 1), "unreadable_coordinates")],
)
def test_reasons(point: tuple, reason: str) -> None:
    joined = sm.join_areas(_incidents((0.5, 0.5), (0.6, 0.5), (0.7, 0.5), point), _areas())
    assert joined.audit.set_aside["reason"].to_dict() == {3: reason}
    assert joined.audit.set_aside["step"].tolist() == ["join_areas"]


# a plain join would return nothing, without a word


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (lambda x, y: (y, x), "repair='swapped'"),
        (lambda x, y: (-x, y), "repair='sign'"),
        (lambda x, y: (x * 1e6, y * 1e6), "repair='micro-degrees'"),
        (lambda x, y: Transformer.from_crs(4326, 32614, always_xy=True).transform(x, y), "crs='EPSG:32614'"),
    ],
)
def test_a_join_that_would_return_nothing_names_the_cause(spoil, advice: str) -> None:
    city = _areas([box(-99.2, 19.2, -98.9, 19.5)])
    rng = np.random.default_rng(0)
    x, y = spoil(rng.uniform(-99.2, -98.9, 60), rng.uniform(19.2, 19.5, 60))
    with pytest.raises(InputError, match=rf"60 of 60 points lie in no area.*100\.0%.*{advice}"):
        sm.join_areas(_incidents(*zip(x, y, strict=True)), city)


@pytest.mark.parametrize(
    ("areas", "error", "match"),
    [
        (lambda: _areas(crs=None), CRSError, "no coordinate system"),
        (lambda: _areas(ids=["a", "a", "b", "c"]), AlignmentError, "'a'.*more than once"),
        (lambda: _areas(ids=[1, "1", 2, 3]), AlignmentError, "differ as text"),
        (lambda: _areas([Point(0, 0)]), GeometryError, "not polygons"),
        (lambda: _areas([Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])]), GeometryError, "invalid"),
        (lambda: _areas().iloc[:0], InputError, "holds no areas"),
        (lambda: pd.DataFrame({"a": [1]}), InputError, "must be a GeoDataFrame"),
    ],
)
def test_areas_that_cannot_be_joined_to(areas, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        sm.join_areas(_incidents((0.5, 0.5)), areas())


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"recorded": "colony"}, InputError, "no such column"),
        ({"max_distance": -1}, ConfigError, "metres, zero or more"),
        ({"max_distance": np.inf}, ConfigError, "metres, zero or more"),
        ({"levels": {"area": _areas()}}, ConfigError, "other than 'area'"),
        ({"levels": {"x": _areas(crs=None)}}, CRSError, r"levels\['x'\] has no coordinate system"),
        ({"levels": {"zone": _areas()}}, ConfigError, "'zone_id', which frame has already"),
    ],
)
def test_options_that_do_not_fit(options: dict, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        sm.join_areas(_incidents((0.5, 0.5), zone_id=["q"]), _areas(), **options)


def test_a_frame_is_not_taken_for_incidents() -> None:
    with pytest.raises(InputError, match="as read_incidents gives them"):
        sm.join_areas(pd.DataFrame({"x": [1]}), _areas())


# nothing lost inside


def test_a_row_lost_before_the_join_is_noticed() -> None:
    incidents = _incidents((0.5, 0.5), (1.5, 0.5))
    with pytest.raises(AuditError, match="lost 1"):
        sm.join_areas(replace(incidents, frame=incidents.frame.iloc[:1]), _areas())


@pytest.mark.parametrize(
    "harm", [lambda f: f.iloc[1:], lambda f: pd.concat([f, f.iloc[:1]])], ids=["row deleted", "row doubled"]
)
def test_a_row_lost_or_doubled_inside_the_join_is_noticed(monkeypatch: pytest.MonkeyPatch, harm) -> None:
    """Take the audit's check out of `join_areas` and this test fails: nothing else would notice."""
    sound = joining._with_columns
    monkeypatch.setattr(joining, "_with_columns", lambda *args: harm(sound(*args)))
    with pytest.raises(AuditError, match="A row was lost or doubled inside safemap"):
        sm.join_areas(_incidents((0.5, 0.5), (1.5, 0.5)), _areas())


def test_a_match_that_contradicts_the_area_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A point counted as outside that nevertheless has an area would be both placed and set aside."""
    sound = joining._place

    def wrong(points, areas, max_distance):
        placed = sound(points, areas, max_distance)
        placed.match[0] = joining.OUTSIDE
        return placed

    monkeypatch.setattr(joining, "_place", wrong)
    with pytest.raises(AuditError):
        sm.join_areas(_incidents((0.5, 0.5), (1.5, 0.5), (1.6, 0.5)), _areas())


# distance


def test_nearest_only_on_request_and_counted_apart() -> None:
    areas = _areas([box(0, 0, 100, 100), box(200, 0, 300, 100)], crs=32614)
    frame = pd.DataFrame({"e": [50.0, 130, 150, 400, 1000, 250], "n": 50.0})
    frame += 400_000
    areas = areas.translate(400_000, 400_000).to_frame("geometry").set_crs(32614)
    incidents = sm.read_incidents(frame, x="e", y="n", crs=32614)
    plain = sm.join_areas(incidents, areas)
    assert plain.frame["match"].tolist() == ["inside", "outside", "outside", "outside", "outside", "inside"]
    assert plain.settings["outside_by_distance"] == {"0-50 m": 2, "50-500 m": 1, "over 500 m": 1}
    near = sm.join_areas(incidents, areas, max_distance=50)
    assert near.frame["match"].tolist() == ["inside", "nearest", "nearest", "outside", "outside", "inside"]
    assert near.frame["area_id"].tolist()[1:3] == ["1", "1"]  # 150 is equally far from both
    assert near.audit.flags["nearest"].tolist() == [1, 2]
    assert near.settings["outside_by_distance"] == {"0-50 m": 0, "50-500 m": 1, "over 500 m": 1}
    assert near.reconciliation["nearest"].tolist() == [2, 0]
    _adds_up(near, incidents)


def test_another_crs_gives_the_same_areas() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.uniform(-99.2, -98.8, 400), rng.uniform(19.2, 19.6, 400)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(np.column_stack([x[:20], y[:20]])))
    )
    areas = _areas(list(cells))
    east, north = Transformer.from_crs(4326, 32614, always_xy=True).transform(x, y)
    frame = pd.DataFrame({"lon": x, "lat": y, "e": east, "n": north})
    one = sm.join_areas(sm.read_incidents(frame, lon="lon", lat="lat"), areas)
    two = sm.join_areas(sm.read_incidents(frame, x="e", y="n", crs=32614), areas)
    assert one.frame["area_id"].tolist() == two.frame["area_id"].tolist()


# levels and the recorded area


def test_levels_in_one_call_and_a_table_that_explains_the_difference() -> None:
    areas = _areas(
        [box(0, 0, 1, 1), box(1, 0, 2.2, 1), box(3, 0, 4, 1)], ["01", "02", "03"], name=["A", "B", "C"]
    )
    districts = _areas([box(0, 0, 2, 1), box(2, 0, 4, 1)], ["I", "II"], name=["West", "East"])
    incidents = _incidents((0.5, 0.5), (1.5, 0.5), (2.1, 0.5), (2.5, 0.5), (3.5, 0.5), (9, 9), (None, None))
    joined = sm.join_areas(incidents, areas, levels={"district": districts})
    assert joined.frame["area_id"].tolist() == ["01", "02", "02", None, "03", None, None]
    assert joined.frame["district_id"].tolist() == ["I", "I", "II", "II", "II", None, None]
    assert joined.frame["district_match"].tolist()[-2:] == ["outside", "missing"]
    table = joined.nested["district"]
    assert table.index.tolist() == ["I", "II"]
    assert table["name"].tolist() == ["West", "East"]
    assert table["events"].tolist() == [2, 3]
    assert table["events_of_areas"].tolist() == [3, 1]
    assert table["difference"].tolist() == [-1, 2]
    assert table["in_no_area"].tolist() == [0, 1]
    assert table["in_area_of_other"].tolist() == [0, 1]
    assert table["from_elsewhere"].tolist() == [1, 0]
    assert joined.reconciliation["district_id"].tolist() == ["I", "I", "II"]
    assert joined.audit.set_aside.index.tolist() == [3, 5, 6], "levels set nothing aside"


@pytest.mark.parametrize("by", ["id", "name"])
def test_recorded_area_against_coordinates(by: str) -> None:
    areas = _areas(name=["Centro", "San  Juan", "Norte", "Norte"])
    words = {"id": ["1", "2", "2", "7", ""], "name": ["CENTRO", "san juan", "San Juan", "Lomas", "NA"]}[by]
    incidents = _incidents((0.5, 0.5), (1.5, 0.5), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5), colony=words)
    joined = sm.join_areas(incidents, areas, recorded="colony")
    table = joined.reconciliation
    assert table["recorded"].tolist() == [1, 2, 0, 0]
    assert table["agree"].tolist() == [1, 1, 0, 0]
    assert table["agreement"].tolist()[:2] == [0.5, 1.0]
    assert np.isnan(table["agreement"].tolist()[2])
    assert joined.settings["recorded_agreement"] == {"agree": 2, "comparable": 3, "unknown": 1}


def test_a_name_that_two_areas_share_names_neither() -> None:
    areas = _areas(name=["Norte", "Norte", "Sur", "Este"])
    joined = sm.join_areas(
        _incidents((0.5, 0.5), (0.5, 1.5), colony=["Norte", "Sur"]), areas, recorded="colony"
    )
    assert joined.reconciliation["recorded"].tolist() == [0, 0, 1, 0]
    assert joined.settings["recorded_agreement"]["unknown"] == 1


def test_a_register_in_capitals_without_accents_names_the_areas() -> None:
    """As the one of Mexico City; a name that is exact decides, and one that two areas share names neither."""
    areas = _areas(name=["Álvaro Obregón", "Peñón", "Penon", "Tláhuac"])
    words = ["ALVARO OBREGON", "PENON", "Peñón", "PENÓN", "TLAHUAC", "TLALPAN"]
    joined = sm.join_areas(_incidents(*[(0.5, 0.5)] * 6, colony=words), areas, recorded="colony")
    assert joined.reconciliation["recorded"].tolist() == [1, 1, 1, 1]
    assert joined.settings["recorded_agreement"] == {"agree": 1, "comparable": 4, "unknown": 2}


# contract


@pytest.mark.parametrize("ids", [[3, 1, 2, 4], ["c", "a", "b", "d"], ["003", "001", "002", "004"]])
def test_areas_of_any_index_stay_in_order_and_unchanged(ids: list) -> None:
    areas = _areas(ids=ids)
    before = areas.copy(deep=True)
    joined = sm.join_areas(_incidents((0.5, 0.5), (1.0, 1.0)), areas)
    assert joined.areas.index.tolist() == joined.reconciliation.index.tolist() == [str(i) for i in ids]
    assert areas.equals(before)
    assert areas.index.equals(before.index)
    assert joined.frame["area_id"].tolist() == [str(ids[0]), str(ids[1])]
    assert set(joined.frame["area_id"]) <= set(joined.areas.index)


def test_areas_without_events_are_rows() -> None:
    joined = sm.join_areas(_incidents((0.5, 0.5)), _areas())
    assert joined.reconciliation["events"].tolist() == [1, 0, 0, 0]


def test_no_incidents_at_all() -> None:
    empty = sm.read_incidents(pd.DataFrame({"lon": [], "lat": []}), lon="lon", lat="lat")
    joined = sm.join_areas(empty, _areas(), levels={"district": _areas()})
    assert joined.frame.empty
    assert joined.reconciliation["events"].tolist() == [0, 0, 0, 0]
    assert joined.audit.n_in == 0


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    points = pd.DataFrame({"lon": rng.integers(0, 9, 300) / 4, "lat": rng.integers(0, 9, 300) / 4})
    shuffled = points.sample(frac=1, random_state=1)
    one = sm.join_areas(sm.read_incidents(points, lon="lon", lat="lat"), _areas())
    two = sm.join_areas(sm.read_incidents(shuffled, lon="lon", lat="lat"), _areas())
    assert two.frame.sort_index()["area_id"].tolist() == one.frame["area_id"].tolist()


def test_summary_says_it_all() -> None:
    joined = sm.join_areas(_incidents((0.5, 0.5), (1, 1), (1.2, 0.2), (9, 9), (None, 1)), _areas())
    text = joined.summary()
    for words in (
        "5 incidents, 4 areas",
        "boundary 1",
        "over 500 m 1",
        "5 rows in = 3 placed + 2 set aside",
        "hit rate 60.0%",
    ):
        assert words in text


HALVES = st.integers(-1, 9).map(lambda v: v / 2)
BOXES = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3)).map(
    lambda v: box(v[0], v[1], v[0] + v[2], v[1] + v[3])
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(HALVES | st.none(), HALVES), max_size=30), st.lists(BOXES, min_size=1, max_size=5))
def test_law_of_the_audit(points: list, shapes: list) -> None:
    """Points, half of them on borders, in overlapping areas: each row once, equal to brute force."""
    inner = [(s.centroid.x, s.centroid.y) for s in shapes for _ in range(len(points) + 1)]
    incidents = _incidents(*points, *inner)
    areas = _areas(shapes)
    joined = sm.join_areas(incidents, areas)
    _adds_up(joined, incidents)
    for (x, y), area in zip(points, joined.frame["area_id"], strict=False):
        holding = [] if x is None else [i for i, s in areas.geometry.items() if s.covers(Point(x, y))]
        assert area == min(holding, key=int, default=None)


# the synthetic city and real data


def test_every_planted_fault_of_the_sample_gets_its_own_reason(sample) -> None:
    """`planted.csv` is written by the generator, which never imports the code under test."""
    areas = sm.read_areas(sample / "colonias.geojson", id="cve", name="nombre", population="poblacion")
    raw = sm.read_incidents(
        sample / "incidents.csv",
        lon="longitud",
        lat="latitud",
        date="fecha_hecho",
        time="hora_hecho",
        category="delito",
    )
    clean = sm.clean_incidents(
        raw, within=areas, duplicates="set-aside", pileups="set-aside", address="colonia_hecho"
    )
    joined = sm.join_areas(sm.select_incidents(clean, period=("2023-01-01", "2023-12-31")), areas)
    planted = pd.read_csv(sample / "planted.csv", index_col="row")["planted"]
    found = joined.audit.set_aside["reason"].reindex(planted.index)
    found = found.fillna(joined.frame["match"].reindex(planted.index))
    assert (found == planted).all()
    assert set(joined.audit.set_aside.index) <= set(planted.index), "nothing sound was set aside"


def _fgj(path, **options) -> sm.Incidents:
    return sm.read_incidents(
        path,
        lon="longitud",
        lat="latitud",
        date="fecha_hecho",
        time="hora_hecho",
        category="delito",
        **options,
    )


@pytest.mark.real
def test_iztapalapa_as_its_source_states(real_data) -> None:
    """SOURCE.md: 99.89 % in a colonia; 205 in none at all, 747 in none of Iztapalapa; 153 in several."""
    pytest.importorskip("pyarrow")
    incidents = _fgj(real_data("cdmx/fgj_iztapalapa_2019_2024.parquet"))
    assert len(incidents.frame) == 191_311
    city = sm.read_areas(real_data("cdmx/colonias_iecm.gpkg"), id="CVEUT", name="NOMUT", population="SUMPOB1")
    joined = sm.join_areas(incidents, city)
    _adds_up(joined, incidents)
    matches = joined.settings["matches"]
    assert matches["outside"] == 205
    assert joined.audit.hit_rate == pytest.approx(0.9989, abs=5e-5)
    assert matches["overlap"] == 153
    own = sm.read_areas(real_data("cdmx/colonias_iztapalapa.geojson"), id="CVEUT", population="SUMPOB1")
    assert len(own) == 293
    assert own["population"].sum() == 1_844_597
    assert sm.join_areas(incidents, own).settings["matches"]["outside"] == 747


@pytest.mark.real
def test_latin1_csv_equals_the_parquet(real_data) -> None:
    pytest.importorskip("pyarrow")
    text = _fgj(real_data("cdmx/fgj_iztapalapa_2023_latin1.csv"))
    assert text.report.encoding == "latin-1"
    whole = _fgj(real_data("cdmx/fgj_iztapalapa_2019_2024.parquet"))
    slice_ = whole.frame[whole.frame["anio_hecho"] == 2023]
    assert len(text.frame) == len(slice_) == 32_193
    for column in ("x", "y", "date", "category", "colonia_catalogo"):
        assert text.frame[column].astype(str).tolist() == slice_[column].astype(str).tolist()


@pytest.mark.real
def test_car_jackings_at_null_island(real_data) -> None:
    """SOURCE.md: 152 at 0, 0; 94.59 % joined, 100 % after removing them."""
    areas = sm.read_areas(real_data("cdmx/alcaldias.gpkg"), id="municip")
    incidents = sm.read_incidents(real_data("cdmx/car_jacking_2019.gpkg"))
    raw = sm.join_areas(incidents, areas)
    assert raw.audit.n_placed / raw.audit.n_in == pytest.approx(0.9459, abs=5e-5)
    clean = sm.clean_incidents(incidents, within=areas)
    assert clean.audit.by_reason()["rows"].to_dict() == {"zero_coordinates": 152}
    assert sm.join_areas(clean, areas).settings["matches"]["outside"] == 0


def test_a_large_join_equals_the_same_join_in_pieces() -> None:
    """Many points are looked up on a grid, few are not: the rows must not know."""
    rng = np.random.default_rng(9)
    shapes = [box(i, j, i + 1, j + 1) for j in range(6) for i in range(6)] + [box(4.5, 4.5, 6.5, 6.5)]
    areas, level = _areas(shapes), _areas([box(0, 0, 3, 6), box(3, 0, 6, 6)])
    points = np.vstack([rng.uniform(-0.5, 7, (20_000, 2)), rng.integers(-1, 15, (10_000, 2)) / 2])
    incidents = _incidents(*points.tolist(), (None, 1.0))
    options = {"levels": {"half": level}, "max_distance": 20_000.0}
    whole = sm.join_areas(incidents, areas, **options)
    _adds_up(whole, incidents)
    assert set(whole.frame["match"]) == {"inside", "boundary", "overlap", "nearest", "outside", "missing"}
    pieces = [
        sm.join_areas(_incidents(*points[start : start + 9_000].tolist()), areas, **options).frame
        for start in range(0, len(points), 9_000)
    ]
    columns = ["area_id", "match", "half_id", "half_match"]
    for column in columns:
        together = pd.concat([p[column] for p in pieces], ignore_index=True)
        assert together.tolist() == whole.frame[column].iloc[:-1].tolist()
