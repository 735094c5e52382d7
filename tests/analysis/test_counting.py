"""Counting in pieces against reading whole: the same audit, the same events, whatever the pieces."""

from __future__ import annotations

import gzip
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

import safemap as sm
from safemap.errors import AuditError, ConfigError, CRSError, InputError
from safemap.intake import delimited_pieces

SQUARES = gpd.GeoDataFrame(
    {"cve": ["10", "9", "8", "7"], "population": [100.0, 200.0, 300.0, 400.0]},
    geometry=[box(69 + i, 41 + j, 70 + i, 42 + j) for j in range(2) for i in range(2)],
    crs=4326,
)
AREAS = sm.read_areas(SQUARES, id="cve", population="population")
HALVES = sm.read_areas(
    gpd.GeoDataFrame({"h": ["w", "e"]}, geometry=[box(69, 41, 70, 43), box(70, 41, 70.9, 43)], crs=4326),
    id="h",
)


def _register(n: int = 300, seed: int = 1) -> pd.DataFrame:
    """Rows as text, with every row-local fault, points on borders, categories and dates."""
    rng = np.random.default_rng(seed)
    lon = (69 + rng.integers(0, 9, n) / 4).astype(object)
    lat = (41 + rng.uniform(0, 2.05, n)).round(6).astype(object)
    frame = pd.DataFrame({"lon": lon, "lat": lat, "note": "x"}).astype(str)
    for i, pair in enumerate(
        [("", ""), ("NA", "41.5"), ("0", "0.0"), ("east", "41.5"), ("41.5", "69.5"), ("-69.5", "41.5"),
         ("12", "5"), ("999", "41.5"), ("inf", "41.5"), ("69.5", "n/a"), ("69500000", "41500000")] * 3
    ):  # fmt: skip
        frame.loc[i * 7 % n, ["lon", "lat"]] = pair
    frame["kind"] = rng.choice(["Robo", "Hurto", "", "Lesión"], n)
    frame["on"] = pd.Series(rng.choice(pd.date_range("2022-01-01", "2023-12-31"), n)).dt.strftime("%d/%m/%Y")
    frame.loc[[3, 33, 63], "on"] = ["", "soon", "31/02/2023"]
    return frame


def _whole(frame, *, where=None, period=None, dated=False, levels=None, repair=(), **options):
    """The verbs for files that fit into memory, one after the other."""
    incidents = sm.read_incidents(
        frame,
        lon="lon",
        lat="lat",
        date="on" if dated else None,
        category="kind",
        dayfirst=True if dated else None,
    )
    incidents = sm.select_incidents(incidents, where=where, period=period)
    incidents = sm.clean_incidents(incidents, within=AREAS, repair=repair)
    return sm.join_areas(incidents, AREAS, levels=levels, **options)


def _assert_equal(counted: sm.CountedAreas, joined: sm.JoinResult) -> None:
    """The audit, the matches and the events of every area are those of the joined incidents."""
    assert counted.audit.by_reason()["rows"].to_dict() == joined.audit.by_reason()["rows"].to_dict()
    steps = joined.audit.set_aside.groupby("step")["reason"].unique().map(set).to_dict()
    assert counted.audit.set_aside.groupby("step")["reason"].unique().map(set).to_dict() == steps
    for name in ("n_in", "n_placed", "n_set_aside"):
        assert getattr(counted.audit, name) == getattr(joined.audit, name)
    assert counted.audit.n_in == counted.audit.n_placed + counted.audit.n_set_aside
    np.testing.assert_equal(counted.audit.hit_rate, joined.audit.hit_rate)
    assert counted.settings["matches"] == joined.settings["matches"]
    assert counted.totals().to_dict() == joined.reconciliation["events"].to_dict()
    placed = joined.frame[joined.frame["area_id"].notna()]
    if "category" in counted.frame:
        kinds = placed.groupby(["area_id", placed["category"].fillna("none")]).size()
        ours = counted.frame.groupby(["area_id", counted.frame["category"].fillna("none")])["events"].sum()
        assert ours.to_dict() == kinds.to_dict()
    if "period" in counted.frame:
        months = placed.groupby(["area_id", placed["date"].dt.strftime("%Y-%m")]).size()
        assert counted.frame.groupby(["area_id", "period"])["events"].sum().to_dict() == months.to_dict()
    for name, level in counted.levels.items():
        ids = joined.frame[f"{name}_id"].dropna().value_counts()
        assert level.totals()[lambda events: events > 0].to_dict() == ids.to_dict()
        assert level.audit.n_in == counted.audit.n_in


OPTIONS = [
    {},
    {"where": {"kind": ["robo", "hurto"]}},
    {"period": ("2022-03-01", "2023-06-30"), "dated": True},
    {
        "where": {"kind": "ROBO"},
        "period": ("2022-01-01", "2022-12-31"),
        "dated": True,
        "repair": ("swapped",),
    },
    {"repair": ("swapped", "sign", "micro-degrees"), "levels": {"half": HALVES}, "max_distance": 3_000.0},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("rows", [20, 100, 10_000])
def test_the_same_as_reading_whole(options, rows: int) -> None:
    frame = _register()
    given = {k: v for k, v in options.items() if k != "dated"}
    if options.get("dated"):
        given |= {"date": "on", "by_period": "month", "dayfirst": True}
    counted = sm.count_areas(frame, AREAS, lon="lon", lat="lat", category="kind", batch_rows=rows, **given)
    _assert_equal(counted, _whole(frame, **options))


CELL = st.sampled_from(
    ["69.5", "70", "41.5", "-69.5", "0", "", "NA", "abc", "71.0000001", "1e400", "nan", "71,5", "69500000"]
)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=30), st.integers(1, 9))
def test_whatever_the_cells_hold(cells, rows: int) -> None:
    """Either both ways refuse the whole file with the same class of error, or their sums are equal."""
    frame = pd.DataFrame([*cells, *[("69.5", "41.5")] * 3], columns=["lon", "lat"])
    frame["kind"] = "a"
    joined = cause = None
    try:
        joined = _whole(frame)
    except InputError as error:
        cause = error.details.get("cause")
    if joined is None:
        with pytest.raises(InputError) as ours:
            sm.count_areas(frame, AREAS, lon="lon", lat="lat", batch_rows=rows)
        assert ours.value.details.get("cause") == cause
        return
    _assert_equal(sm.count_areas(frame, AREAS, lon="lon", lat="lat", batch_rows=rows), joined)


def _files(frame: pd.DataFrame, folder: Path) -> dict[str, object]:
    pytest.importorskip("pyarrow")
    import pyarrow as pa

    numbers = frame.assign(
        lon=pd.to_numeric(frame["lon"], errors="coerce"), lat=pd.to_numeric(frame["lat"], errors="coerce")
    )
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_csv(folder / "semicolon.csv", index=False, sep=";", encoding="latin-1")
    frame.to_csv(folder / "quoted.csv", index=False, quoting=1, lineterminator="\r\n")
    (folder / "a.csv.gz").write_bytes(gzip.compress((folder / "a.csv").read_bytes()))
    text = (folder / "a.csv").read_text("utf-8").splitlines()
    (folder / "blank.csv").write_text(
        "\n".join([text[0], "", *text[1:100], ",,,,", "", *text[100:], ""]), "utf-8"
    )
    numbers.to_parquet(folder / "n.parquet", row_group_size=70)
    frame.to_parquet(folder / "t.parquet", row_group_size=70)
    return {
        "csv": folder / "a.csv", "semicolon": folder / "semicolon.csv", "quoted": folder / "quoted.csv",
        "gz": folder / "a.csv.gz", "blank": folder / "blank.csv",
        "parquet": folder / "n.parquet", "parquet of text": folder / "t.parquet",
        "frames": (frame.iloc[i : i + 41] for i in range(0, len(frame), 41)),
        "arrow": pa.Table.from_pandas(frame).to_batches(max_chunksize=53),
    }  # fmt: skip


@pytest.mark.parametrize("piece", [2_999, 1 << 23])
def test_every_kind_of_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """Files are cut in the middle of lines and of characters; the rows, and their numbers, stay the same."""
    monkeypatch.setattr(delimited_pieces, "_PIECE", piece)
    frame = _register()
    for kind, source in _files(frame.assign(note="ñ"), tmp_path).items():
        counted = sm.count_areas(
            source, AREAS, lon="lon", lat="lat", category="kind", date="on", by_period="month", dayfirst=True,
            batch_rows=60,
        )  # fmt: skip
        whole = pd.read_parquet(source) if kind == "parquet" else frame
        if isinstance(source, Path):
            read = sm.read_incidents(source, lon="lon", lat="lat", category="kind", date="on", dayfirst=True)
            read = sm.select_incidents(read, period=("1900-01-01", "2100-01-01"))
            joined = sm.join_areas(sm.clean_incidents(read, within=AREAS), AREAS)
            first = (
                joined.audit.set_aside.reset_index().groupby("reason")["row"].apply(lambda r: sorted(r)[:5])
            )
            assert {k: list(map(int, v)) for k, v in counted.audit.examples.items()} == first.to_dict(), kind
        else:
            joined = _whole(whole, dated=True, period=("1900-01-01", "2100-01-01"))
        _assert_equal(counted, joined)


def test_line_ends_inside_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = _register(200)
    frame["note"] = ['a "word",\nand another line', "plain"] * 100
    frame.to_csv(tmp_path / "a.csv", index=False)
    for piece in (997, 5000):
        monkeypatch.setattr(delimited_pieces, "_PIECE", piece)
        counted = sm.count_areas(tmp_path / "a.csv", AREAS, lon="lon", lat="lat", category="kind")
        _assert_equal(counted, _whole(frame))


def test_several_files_and_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = _register()
    for i in range(3):
        frame.iloc[i::3].to_parquet(tmp_path / f"part-{i}.parquet")
    joined = _whole(frame)
    for source in (tmp_path, sorted(map(str, tmp_path.iterdir()))):
        counted = sm.count_areas(source, AREAS, lon="lon", lat="lat", category="kind")
        _assert_equal(counted, joined)
        assert all(row.startswith("part-") for rows in counted.audit.examples.values() for row in rows)
    frame.drop(columns="note").to_parquet(tmp_path / "part-9.parquet")
    with pytest.raises(InputError, match="note"):
        sm.count_areas(tmp_path, AREAS, lon="lon", lat="lat")


def test_counts_go_on_to_rates_of_every_level() -> None:
    frame = _register()
    levels = {"half": HALVES.assign(population=[5.0, 6.0])}
    counted = sm.count_areas(
        frame,
        AREAS,
        lon="lon",
        lat="lat",
        category="kind",
        date="on",
        by_period="month",
        dayfirst=True,
        levels=levels,
    )
    joined = _whole(frame, dated=True, levels=levels)
    span = ("2022-04-01", "2022-06-30")
    ours, theirs = (sm.area_rates(c, period=span).frame for c in (counted, joined))
    pd.testing.assert_frame_equal(
        pd.DataFrame(ours.drop(columns="geometry")), pd.DataFrame(theirs.drop(columns="geometry"))
    )
    assert (
        sm.area_rates(counted.levels["half"]).frame["events"].sum() == counted.levels["half"].audit.n_placed
    )
    robo = counted.select(category="robo")
    assert sm.area_rates(robo).frame["events"].sum() == robo.audit.n_placed
    assert robo.audit.n_in == len(frame)
    assert "rows in" in counted.summary()
    assert "category" not in sm.count_areas(frame, AREAS, lon="lon", lat="lat").frame


@pytest.mark.parametrize(
    ("columns", "cause"),
    [
        ({"lon": "lat", "lat": "lon"}, "swapped"),
        ({"lon": "minus", "lat": "lat"}, "sign"),
        ({"lon": "micro_x", "lat": "micro_y"}, "micro-degrees"),
        ({"lon": "utm_x", "lat": "utm_y"}, "metres"),
        ({"lon": "far", "lat": "far"}, None),
    ],
)
def test_one_cause_for_most_rows_is_refused_by_name(columns, cause) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"lon": rng.uniform(69, 71, 300), "lat": rng.uniform(41, 43, 300)})
    utm = gpd.GeoSeries(gpd.points_from_xy(frame["lon"], frame["lat"]), crs=4326).to_crs(32642)
    frame = frame.assign(
        minus=-frame["lon"],
        micro_x=frame["lon"] * 1e6,
        micro_y=frame["lat"] * 1e6,
        far=10.0,
        utm_x=utm.x,
        utm_y=utm.y,
    )
    with pytest.raises(InputError) as whole:
        sm.clean_incidents(sm.read_incidents(frame, **columns), within=AREAS)
    with pytest.raises(InputError) as pieces:
        sm.count_areas(frame, AREAS, batch_rows=50, **columns)
    assert pieces.value.details["cause"] == whole.value.details["cause"] == cause
    assert pieces.value.details.get("share") == whole.value.details.get("share")
    if cause in ("swapped", "sign", "micro-degrees"):
        counted = sm.count_areas(frame, AREAS, batch_rows=50, repair=cause, **columns)
        assert counted.audit.flag_counts[f"repaired_{cause.replace('-', '_')}"] == 300
        assert counted.totals().sum() == 300


def test_what_later_rows_contradict_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safemap.intake import batches

    monkeypatch.setattr(batches, "HEAD_ROWS", 50)
    early = pd.DataFrame({"lon": 69.5, "lat": 41.5, "on": ["2023-04-03"] * 60})
    late = early.assign(on=["03/04/2023"] * 60)
    asked = {"lon": "lon", "lat": "lat", "date": "on", "by_period": "year"}
    with pytest.raises(InputError, match="dayfirst"):
        sm.count_areas([early, late.assign(on=["25/04/2023"] * 60)], AREAS, **asked)
    counted = sm.count_areas([early, late], AREAS, dayfirst=True, **asked)
    assert counted.frame["events"].tolist() == [120]
    monkeypatch.setattr(delimited_pieces, "_HEAD", 200)
    (tmp_path / "a.csv").write_bytes(
        b"lon,lat,what\n" + b"69.5,41.5,a\n" * 50 + "69.5,41.5,daño\n".encode("latin-1")
    )
    with pytest.raises(InputError, match="encoding="):
        sm.count_areas(tmp_path / "a.csv", AREAS, lon="lon", lat="lat")
    assert (
        sm.count_areas(tmp_path / "a.csv", AREAS, lon="lon", lat="lat", encoding="latin-1").audit.n_in == 51
    )
    (tmp_path / "b.csv").write_text("lon,lat\n" + "69.5,41.5\n" * 50 + "69.5\n" + "69.5,41.5\n")
    monkeypatch.setattr(delimited_pieces, "_PIECE", 100)
    with pytest.raises(InputError, match="line 52"):
        sm.count_areas(tmp_path / "b.csv", AREAS, lon="lon", lat="lat")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, InputError, "lon="),
        ({"lon": "lon"}, InputError, "lon="),
        ({"x": "lon", "y": "lat"}, CRSError, "crs="),
        ({"x": "lon", "y": "lat", "crs": 32642}, CRSError, "degrees"),
        ({"lon": "lon", "lat": "lat", "crs": 32642}, CRSError, "WGS 84"),
        ({"lon": "long", "lat": "lat"}, InputError, "Did you mean"),
        ({"lon": "lon", "lat": "lat", "by_period": "month"}, InputError, "date="),
        ({"lon": "lon", "lat": "lat", "date": "on", "by_period": "week"}, ConfigError, "by_period"),
        ({"lon": "lon", "lat": "lat", "repair": "guess"}, ConfigError, "repair"),
        ({"lon": "lon", "lat": "lat", "batch_rows": 0}, ConfigError, "batch_rows"),
        ({"lon": "lon", "lat": "lat", "max_distance": -1.0}, ConfigError, "max_distance"),
        ({"lon": "lon", "lat": "lat", "levels": {"area": AREAS}}, ConfigError, "name of its own"),
        ({"lon": "lon", "lat": "lat", "where": {"kind": "rob"}}, InputError, "occurs in no row"),
        ({"lon": "kind", "lat": "lat"}, InputError, "no number"),
    ],
)
def test_what_cannot_be_counted_is_refused(options, error, words) -> None:
    frame = _register().assign(kind="Robo")
    with pytest.raises(error, match=words):
        sm.count_areas(frame, AREAS, **options)


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(InputError, match="Parquet"):
        sm.count_areas(tmp_path / "a.parquet", AREAS, lon="lon", lat="lat")
    with pytest.raises(InputError, match="no such file"):
        sm.count_areas(tmp_path / "b.csv", AREAS, lon="lon", lat="lat")
    with pytest.raises(InputError, match="one after the other"):
        sm.count_areas(7, AREAS, lon="lon", lat="lat")
    with pytest.raises(InputError, match="one after the other"):
        sm.count_areas([1, 2], AREAS, lon="lon", lat="lat")
    empty = sm.count_areas(pd.DataFrame({"lon": [], "lat": []}), AREAS, lon="lon", lat="lat")
    assert (empty.audit.n_in, empty.totals().sum()) == (0, 0)


def test_the_frame_that_came_in_is_left_as_it_was() -> None:
    frame = pd.DataFrame({"lon": [41.5, 69.5, 69.5, 69.5], "lat": [69.5, 41.5, 41.5, np.nan]})
    before = frame.copy()
    sm.count_areas(frame, AREAS, lon="lon", lat="lat", repair="swapped")
    pd.testing.assert_frame_equal(frame, before)


def test_a_listener_hears_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from safemap.stats import running

    monkeypatch.setattr(running, "_PAUSE", 0.0)
    heard: list[str] = []
    frame = _register()
    with sm.watch_progress(heard.append):
        sm.count_areas(frame, AREAS, lon="lon", lat="lat", batch_rows=150)
        sm.count_areas(iter([frame]), AREAS, lon="lon", lat="lat")
    assert heard == [
        "counting rows of frame: 50 % (150 of 300)",
        "counting rows of frame: 100 % (300 of 300)",
        "counting rows of frames: 300",
    ]
    sm.count_areas(frame, AREAS, lon="lon", lat="lat")
    assert capsys.readouterr() == ("", "")


@pytest.mark.real
def test_mexico_city_in_pieces_as_whole(real_data) -> None:
    pytest.importorskip("pyarrow")
    path = real_data("cdmx/fgj_iztapalapa_2019_2024.parquet")
    colonias = sm.read_areas(real_data("cdmx/colonias_iecm.gpkg"), id="CVEUT")
    boroughs = sm.read_areas(real_data("cdmx/alcaldias.gpkg"), id="municip")
    columns = {"lon": "longitud", "lat": "latitud"}
    counted = sm.count_areas(path, colonias, **columns, levels={"alcaldia": boroughs}, batch_rows=30_000)
    clean = sm.clean_incidents(sm.read_incidents(path, **columns), within=colonias)
    joined = sm.join_areas(clean, colonias, levels={"alcaldia": boroughs})
    _assert_equal(counted, joined)


def test_a_batch_lost_on_the_way_is_noticed() -> None:
    from safemap.analysis.counting import count_stream
    from safemap.analysis.plans import make_plan

    frame = pd.DataFrame({"lon": [69.5] * 10, "lat": [41.5] * 10})
    plan = make_plan(frame, AREAS, lon="lon", lat="lat")
    tally = count_stream(plan.recipe, plan.stream, 4)
    assert plan.finish(tally).audit.n_in == 10
    tally.rows -= 4
    with pytest.raises(AuditError, match="10 rows should have been read and 6 were"):
        plan.finish(tally)
    tally.rows += 4
    tally.reasons["missing_date"] += 1
    with pytest.raises(AuditError, match="10 rows came in and 11 are accounted for"):
        plan.finish(tally)
