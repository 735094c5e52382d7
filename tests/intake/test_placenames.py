"""Names of places are matched by writing, never by likeness."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemap.datasets._stream import Stream
from safemap.datasets._uzbek import HABITS, cyrillic, mahalla_names, plain, russian, typed
from safemap.errors import ConfigError, InputError
from safemap.intake.placenames import match_places
from safemap.intake.transliteration import APOSTROPHES, latin, sound_key, spelling_key


@pytest.fixture
def areas() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": ["Chilonzor", "Doʻstlik", "Bogʻiston", "Doʻstlik"],
            "tuman": ["A", "Chilonzor", "B", "Mirobod"],
        },
        index=["01", "02", "03", "04"],
    )


@pytest.mark.parametrize("mark", APOSTROPHES)
def test_every_apostrophe_is_the_same(mark):
    assert spelling_key(f"Bog{mark}iston") == "bogiston"
    assert latin(f"Do{mark}stlik") == latin("Дўстлик") == "dOstlik"
    assert latin(f"ma{mark}no") == "mano"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Chilonzor MFY", "ЧИЛОНЗОР маҳалласи"),
        ("Тинчлик махалля", "tinchlik mahallasi"),
        ("Qoʻshbuloq", "Қўшбулоқ"),
        ("Xurmozor", "Khurmozor"),
        ("Йўлдош", "Yo'ldosh"),
        ("Ёшлик", "Yoshlik"),
        ("Ergash", "Эргаш"),
        ("Col. San José", "COLONIA SAN JOSE"),
        ("Barrio Peñón", "PENON"),
        ("Santa Águeda II", "sta. agueda 2"),
        ("Mlango Kubwa Ward", "MLANGO-KUBWA"),
        ("Kata ya Huruma", "ya huruma"),
        ("Чилaнзар", "Чиланзар"),  # a Latin a in the middle
        ("Mirzo-Ulugbek", "Mirzo Ulugʻbek tumani"),
    ],
)
def test_writing_makes_no_difference(one, other):
    assert spelling_key(one) == spelling_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("Blok 1 12", "Blok 11 2"), ("Bahor 1", "Bahor 2"), ("Navbahor", "Navroʻz"), ("Ward", "Mahalla")],
)
def test_what_differs_stays_apart(one, other):
    assert spelling_key(one) != spelling_key(other)
    assert sound_key(one) != sound_key(other)


def test_a_name_that_is_only_a_kind_of_place_is_kept():
    assert spelling_key("Mahalla") == "mahalla"
    assert spelling_key("  ") == ""


@pytest.mark.parametrize(
    ("uzbek", "through_russian"),
    [
        ("Chilonzor", "Чиланзар"), ("Yunusobod", "Yunusabad"), ("Yakkasaroy", "Yakkasaray"),
        ("Shayxontohur", "Shaykhantakhur"), ("Doʻstlik", "Дустлик"), ("Mirobod tumani", "Мирабадский район"),
    ],
)  # fmt: skip
def test_names_that_went_through_russian_sound_alike(uzbek, through_russian):
    assert spelling_key(uzbek) != spelling_key(through_russian)
    assert sound_key(uzbek) == sound_key(through_russian)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), habit=st.integers(0, HABITS - 1))
def test_every_way_of_typing_an_invented_name_is_matched_to_it_and_no_other(seed, habit):
    names = mahalla_names(60, Stream(seed))
    index = [f"{i:02d}" for i in range(60)]
    frame = pd.DataFrame(
        {"name": [n.latin for n in names], "name_ru": [n.russian for n in names]}, index=index
    )
    found = match_places([typed(n, habit) for n in names], frame)
    assert found.frame["area_id"].tolist() == index
    assert list(found.unused) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=12), max_size=12))
def test_nothing_is_matched_that_has_another_key_and_every_name_has_one_outcome(texts):
    frame = pd.DataFrame({"name": ["Chilonzor", "Bahor"]}, index=["01", "02"])
    found = match_places(texts, frame).frame
    assert len(found) == len(texts)
    assert (found["area_id"].isna() == found["why_not"].notna()).all()
    for text, area in zip(texts, found["area_id"], strict=True):
        if area is not None and text.strip() not in ("01", "02"):
            assert sound_key(text) == sound_key(frame.loc[area, "name"])


def test_the_strictest_means_that_answers_is_taken_and_told(areas):
    found = match_places(["01", "chilonzor", "ЧИЛОНЗОР", "Чиланзар"], areas).frame
    assert found["method"].tolist() == ["id", "name", "spelling", "sound"]
    assert set(found["area_id"]) == {"01"}


def test_likeness_is_suggested_and_never_applied(areas):
    found = match_places(["Chilonzr", "Bogistn"], areas)
    assert found.frame["area_id"].isna().all()
    assert found.suggestions.groupby("name")["area_id"].first().to_dict() == {
        "Bogistn": "03",
        "Chilonzr": "01",
    }
    assert found.suggestions["score"].between(0.7, 1).all()
    assert "perhaps Chilonzor (01)" in found.summary()


def test_without_sound_the_russian_form_is_a_suggestion(areas):
    found = match_places(["Чиланзар"], areas, sound=False)
    assert found.frame["why_not"].tolist() == ["unknown_area"]
    assert found.suggestions[["area_id", "score"]].values.tolist() == [["01", 1.0]]


def test_a_name_of_two_areas_is_ambiguous_until_the_district_is_given(areas):
    alone = match_places(["Дўстлик"], areas)
    assert alone.frame["why_not"].tolist() == ["ambiguous_area"]
    assert set(alone.suggestions["area_id"]) == {"02", "04"}
    both = match_places(
        ["Дўстлик", "Дўстлик", "Дўстлик"], areas, parents=["Мирабадский район", "Чиланзар", "Sergeli"],
        parent_columns=["tuman"],
    )  # fmt: skip
    assert both.frame["area_id"].tolist()[:2] == ["04", "02"]
    assert both.frame["why_not"].tolist()[2] == "unknown_area"


def test_suggestions_that_a_person_kept_are_a_mapping(areas, tmp_path):
    first = match_places(["Chilonzr", "Bogistn", "Bahor"], areas)
    kept = first.suggestions.drop_duplicates("name")
    kept.to_csv(tmp_path / "confirmed.csv", index=False)
    second = match_places(["CHILONZR", "Bogistn", "Bahor"], areas, mapping=tmp_path / "confirmed.csv")
    assert second.frame["area_id"].fillna("").tolist() == ["01", "03", ""]
    assert second.frame["method"].fillna("").tolist() == ["mapping", "mapping", ""]
    assert match_places(["Bahor"], areas, mapping={"bahor": "03"}).frame["area_id"].tolist() == ["03"]


def test_a_mapping_to_nowhere_or_to_two_is_refused(areas, tmp_path):
    with pytest.raises(InputError, match="not among the areas"):
        match_places(["x"], areas, mapping={"x": "99"})
    (tmp_path / "m.csv").write_text("name,area_id\nx,01\nX,02\n", encoding="utf-8")
    with pytest.raises(InputError, match="mapped to two areas"):
        match_places(["x"], areas, mapping=tmp_path / "m.csv")
    with pytest.raises(ConfigError, match="cutoff"):
        match_places(["x"], areas, cutoff=2)


def test_several_spellings_of_one_area_are_listed_and_missing_names_have_their_reason(areas):
    found = match_places(["Chilonzor", "Чиланзар", None, "NA"], areas)
    assert found.repeated.loc["01", "given"] == "Chilonzor | Чиланзар"
    assert found.frame["why_not"].tolist() == [None, None, "missing_area", "missing_area"]
    assert list(found.unused) == ["02", "03", "04"]


def test_index_and_input_survive(areas):
    names = pd.Series(["Chilonzor", "x"], index=pd.Index([7, 3], name="area_id"))
    before = areas.copy()
    found = match_places(names, areas)
    assert found.frame.index.tolist() == [7, 3]
    pd.testing.assert_frame_equal(areas, before)
    assert found.unmatched["rows"].to_dict() == {"x": 1}


def test_the_generator_spells_by_a_table_of_its_own():
    """The oracle of these tests: written down by hand."""
    assert cyrillic("Anhorboʻyi") == "Анҳорбўйи"
    assert cyrillic("Yoʻlchi") == "Йўлчи"
    assert russian("Qaldirgʻoch") == "Калдиргоч"
    assert plain("Юнусабад") == "Yunusabad"


@pytest.mark.real
def test_real_tashkent_districts_by_name(real_data):
    """SOURCE.md: as strings the recorded district equals the joined one for 49.5 %."""
    import safemap as sm

    districts = sm.read_areas(real_data("tashkent/tashkent_districts_2024.geojson"), id="name", name="name")
    points = real_data("tashkent/tashkent_mahalla_points.csv")
    offices = sm.read_incidents(points, lon="lng", lat="lat")
    joined = sm.join_areas(offices, districts)
    assert joined.audit.n_in == 545
    assert joined.audit.n_placed == 544  # 99.8 %
    recorded = joined.frame["district"].astype(object).where(joined.frame["district"].notna(), None)
    as_text = (recorded == joined.frame["area_id"]).mean()
    matched = match_places(recorded, districts[["name"]])
    assert matched.frame["area_id"].notna().sum() == 544  # one row names no district
    assert matched.unmatched.empty
    agree = (matched.frame["area_id"] == joined.frame["area_id"]).sum()
    assert 0.3 < as_text < 0.5 < agree / 545
    assert agree >= 500
    russian_names = sm.read_areas(
        real_data("tashkent/tashkent_districts_osm.geojson"), id="ADM2_EN", name="ADM2_RU"
    )
    found = match_places(russian_names["name"], districts[["name"]])
    assert found.frame["area_id"].notna().sum() == 10
    assert set(found.suggestions["area_id"]) == {"Sergeli", "Uchtepa"}


@pytest.mark.real
def test_real_nairobi_wards_of_two_layers(real_data):
    import safemap as sm

    one = sm.read_areas(real_data("nairobi/nairobi_wards_dhis_pop2009.geojson"), id="gid", name="ward")
    other = sm.read_areas(real_data("nairobi/nairobi_wards_iebc.geojson"), id="ward_code", name="ward_name")
    assert (one["name"].isin(set(other["name"]))).sum() == 0
    found = match_places(one["name"], other)
    assert found.frame["area_id"].notna().sum() == 80
    assert found.frame["area_id"].dropna().is_unique
    best = found.suggestions.drop_duplicates("name").set_index("name")["area_name"]
    assert best["Babandogo"] == "BABA DOGO"
    assert best["Lower Savanna Ward"] == "LOWER SAVANNAH"
    assert best["Mugumo-ini Ward"] == "MUGUMU-INI"
    assert "Ngei Ward" in found.unmatched.index  # the other layer has no such ward
