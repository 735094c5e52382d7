"""Standardisation of areas from a long table: printed numbers, laws, gaps, and what is refused."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

import safemap as sm
from safemap.errors import AlignmentError, ConfigError, InputError


def _areas(ids) -> gpd.GeoDataFrame:
    shapes = [box(i, 0, i + 1, 1) for i in range(len(ids))]
    return gpd.GeoDataFrame(
        {"name": [f"n {i}" for i in ids]}, geometry=shapes, index=pd.Index(ids, name="area_id"), crs=32614
    )


@pytest.fixture
def strata() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    keys = [(a, g, s) for a in "abcde" for g in ("0-14", "15-29", "30+") for s in "fm"]
    table = pd.DataFrame(keys, columns=["area_id", "age", "sex"])
    table["population"] = rng.integers(200, 3000, len(table))
    table["events"] = rng.poisson(0.01 * table["population"])
    return table


def test_expected_lung_cancers_in_pennsylvania_are_the_printed_ones(real_data):
    # Moraga, P. (2019). Geospatial Health Data, chapter 5: observed, expected, SIR of the first six counties
    table = gpd.read_file(real_data("published/penn_lung_cancer_2002.gpkg"))
    areas = table.drop_duplicates("county").set_index("county")[["geometry"]]
    keys = {"by": ["race", "gender", "age"], "area": "county", "events": "cases"}
    long = pd.DataFrame(table.drop(columns="geometry"))
    expected = sm.expected_events(long, areas, **keys)
    printed = {"adams": 69.62730, "allegheny": 1182.42804, "armstrong": 67.61012, "beaver": 172.55806,
               "bedford": 44.19013, "berks": 300.70598}  # fmt: skip
    np.testing.assert_allclose(expected[list(printed)], list(printed.values()), atol=5e-6)
    totals = long.groupby("county")[["cases", "population"]].sum()
    areas["events"], areas["population"] = totals["cases"], totals["population"].astype(float)
    ratios = sm.standardised_ratios(sm.area_rates(areas), expected=expected).frame
    sir = [0.7899, 1.0783, 0.7247, 0.9968, 0.8373, 1.0243]
    np.testing.assert_allclose(ratios.loc[list(printed), "estimate"], sir, atol=5e-5)
    assert ratios["excess"].sum() == pytest.approx(0, abs=1e-9)


def test_a_population_standardised_to_itself_has_its_crude_rate(strata):
    one = strata[strata["area_id"] == "a"]
    own = one.set_index(["age", "sex"])["population"]
    frame = sm.standardised_rates(one, _areas(["a"]), by=["age", "sex"], standard=own).frame
    assert frame["estimate"].tolist() == pytest.approx(frame["value"].tolist())
    plain = sm.area_rates(
        _areas(["a"]).assign(events=one["events"].sum(), population=float(one["population"].sum()))
    ).frame
    for column in ("conf_low", "conf_high"):
        assert frame[column].tolist() == pytest.approx(plain[column].tolist())


def test_equal_risk_by_stratum_gives_equal_rates_and_ratios_of_one(strata):
    risk = {"0-14": 0.01, "15-29": 0.05, "30+": 0.02}
    strata["population"] *= 100
    strata["events"] = (strata["population"] * strata["age"].map(risk)).round().astype(int)
    areas = _areas(list("abcde"))
    frame = sm.standardised_rates(strata, areas, by=["age", "sex"]).frame
    assert frame["estimate"].to_numpy() == pytest.approx(np.full(5, frame["estimate"].iloc[0]), rel=1e-3)
    assert frame["value"].std() / frame["value"].mean() > 0.02
    sums = strata.groupby("area_id")[["events", "population"]].sum()
    rates = sm.area_rates(areas.assign(events=sums["events"], population=sums["population"].astype(float)))
    expected = sm.expected_events(strata, areas, by=["age", "sex"])
    assert expected.sum() == pytest.approx(strata["events"].sum())
    ratios = sm.standardised_ratios(rates, expected=expected).frame
    assert ratios["estimate"].to_numpy() == pytest.approx(np.ones(5), rel=1e-3)


def test_order_of_rows_columns_and_forms_of_the_standard_do_not_matter(strata):
    areas, by = _areas(list("abcde")), ["age", "sex"]
    world = strata.groupby(by)["population"].sum().rename("population") * 3
    one = sm.standardised_rates(strata, areas, by=by, standard=world).frame
    mixed = strata.sample(frac=1, random_state=3)
    others = [
        sm.standardised_rates(mixed, areas, by=["sex", "age"], standard=world),
        sm.standardised_rates(mixed.astype({"age": "category"}), areas, by=by, standard=world.reset_index()),
        sm.standardised_rates(mixed, areas, by=by),
        sm.standardised_rates(mixed, areas.iloc[::-1], by=by),
    ]
    for other in others:
        pd.testing.assert_frame_equal(
            pd.DataFrame(other.frame.loc[one.index]).drop(columns="geometry"),
            pd.DataFrame(one).drop(columns="geometry"),
            check_exact=False,
        )
    assert list(one.columns) == [
        "name", "events", "population", "value", "estimate", "std_error", "conf_low", "conf_high", "quality",
        "note", "geometry",
    ]  # fmt: skip
    assert "standardised by age, sex (6 strata" in others[2].summary()


def test_gaps_are_rows_with_a_reason(strata):
    areas = _areas(list("abcdef"))
    table = strata.drop(strata.index[strata["area_id"] == "b"][:2])
    table.loc[table["area_id"].eq("c") & table["age"].eq("30+"), ["population", "events"]] = 0
    frame = sm.standardised_rates(table, areas, by=["age", "sex"]).frame
    assert frame.index.tolist() == list("abcdef")
    assert frame["estimate"].isna().tolist() == [False, True, True, False, False, True]
    assert frame.loc["b", "note"] == "2 of 6 strata missing: no rate"
    assert frame.loc["c", "note"].startswith("nobody in 2 of 6 strata")
    assert frame.loc["f", "note"] == "no strata: no rate"
    assert frame.loc[["b", "c", "f"], "quality"].tolist() == ["suppress"] * 3
    assert frame["events"].sum() == table["events"].sum()
    expected = sm.expected_events(table, areas, by=["age", "sex"])
    assert expected.isna().tolist() == [False, True, False, False, False, True]


def test_a_period_makes_the_rate_yearly(strata):
    areas = _areas(list("abcde"))
    whole = sm.standardised_rates(strata, areas, by=["age", "sex"])
    half = sm.standardised_rates(strata, areas, by=["age", "sex"], period=("2024-01-01", "2024-06-30"))
    ratio = half.frame["estimate"] / whole.frame["estimate"]
    assert ratio.to_numpy() == pytest.approx(np.full(5, 365.25 / 182))
    assert half.settings["unit"].endswith("a year")


def test_reference_rates_as_a_table_or_a_series(strata):
    areas, by = _areas(list("abcde")), ["age", "sex"]
    city = strata.groupby(by)[["events", "population"]].sum()
    without = strata.drop(columns="events")
    one = sm.expected_events(without, areas, by=by, reference=city.reset_index())
    two = sm.expected_events(without, areas, by=by, reference=city["events"] / city["population"])
    inside = sm.expected_events(strata, areas, by=by)
    pd.testing.assert_series_equal(one, two)
    pd.testing.assert_series_equal(one, inside)


@pytest.mark.parametrize(
    ("change", "options", "error", "words"),
    [
        (lambda t: t.drop(columns="events"), {}, InputError, r"no column \['events'\]"),
        (lambda t: t.iloc[:0], {}, InputError, "not empty"),
        (lambda t: t, {"by": []}, InputError, "at least one"),
        (lambda t: t, {"by": "age"}, InputError, "repeat an area and stratum"),
        (lambda t: t.assign(population=-1), {}, InputError, "0 or more"),
        (lambda t: t.assign(population="1,200"), {}, InputError, "must hold numbers"),
        (lambda t: t.assign(events=0.5), {}, InputError, "whole numbers"),
        (lambda t: t.assign(events=np.nan), {}, InputError, "missing values"),
        (lambda t: t.assign(population=0, events=1), {}, InputError, "nobody"),
        (lambda t: t.replace({"area_id": {"a": "z"}}), {}, AlignmentError, r"\['z'\]"),
        (lambda t: t, {"standard": pd.Series({"0-14": 1.0})}, AlignmentError, "by 1 column"),
        (lambda t: t, {"per": 0}, ConfigError, "per must be"),
        (lambda t: t, {"interval": "exact"}, ConfigError, "gamma"),
    ],
)
def test_what_makes_no_sense_is_refused(strata, change, options, error, words):
    with pytest.raises(error, match=words):
        sm.standardised_rates(change(strata), _areas(list("abcde")), **{"by": ["age", "sex"], **options})


def test_strata_written_differently_are_named(strata):
    areas = _areas(list("abcde"))
    world = strata.groupby(["age", "sex"])["population"].sum().rename({"30+": "30 and over"}, level="age")
    with pytest.raises(AlignmentError, match=r"30 and over.*30\+"):
        sm.standardised_rates(strata, areas, by=["age", "sex"], standard=world)
    with pytest.raises(InputError, match="without people"):
        sm.expected_events(
            strata, areas, by=["age", "sex"], reference=(world * 0).reset_index().assign(events=0)
        )
