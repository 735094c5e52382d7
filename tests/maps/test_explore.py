"""One call makes a folium.Map of results about the same areas, with nothing in it that was not asked for."""

from __future__ import annotations

import json
import re
from types import ModuleType
from typing import Any

import folium
import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from safemap.disclosure.registry import Registry
from safemap.errors import AlignmentError, ConfigError, CRSError, InputError, PrivacyError
from safemap.maps import explore


def data_of(m: folium.Map) -> dict[str, Any]:
    html = m.get_root().render()
    found = re.search(r'<script type="application/json" id="safemap-data">(.*?)</script>', html, re.S)
    assert found is not None
    content: dict[str, Any] = json.loads(found.group(1))
    return content


def test_it_is_a_map_one_can_go_on_using(town: ModuleType) -> None:
    m = explore(town.rates(), title="T")
    assert isinstance(m, folium.Map)
    folium.Marker([19.33, -99.07]).add_to(m)
    html = m.get_root().render()
    assert "L.marker" in html
    assert html.index("safemap.start(map_safemap)") < html.index("L.marker")


def test_it_needs_nothing_but_leaflet(town: ModuleType) -> None:
    html = explore(town.rates()).get_root().render()
    links = re.findall(r'(?:src|href)="(https?:[^"]+)"', html)
    assert len(links) == 2
    assert all("leaflet@" in link for link in links)


def test_results_can_be_drawn_on_a_map_that_is_there(town: ModuleType) -> None:
    mine = folium.Map(tiles=None)
    assert explore(town.rates(), m=mine) is mine
    with pytest.raises(ConfigError, match="already has safemap layers"):
        explore(town.moran(), m=mine)
    with pytest.raises(ConfigError, match=r"must be a folium\.Map"):
        explore(town.rates(), m="map.html")


def test_only_listed_columns_are_in_the_file(town: ModuleType) -> None:
    areas = town.areas(victim="XVICTIMX", phone="XPHONEX", note2="XNOTEX")
    html = explore(town.rates(areas), town.moran(areas)).get_root().render()
    for trace in ("XVICTIMX", "XPHONEX", "XNOTEX", "victim", "z_score", "3.765", "2.1234"):
        assert trace not in html


def test_a_withheld_count_is_in_no_layer_of_the_file(town: ModuleType) -> None:
    data = data_of(explore(town.rates(), town.smoothed(), town.moran(), town.getis()))
    for layer in data["layers"]:
        withheld = [i for i, c in enumerate(layer["codes"]) if layer["classes"][c].get("s") == "withheld"]
        assert withheld == [5, 6, 7, 8]
        for key in ("value", "low", "high", "n", "p"):
            assert key not in layer or [layer[key][i] for i in withheld] == [None] * 4


def test_a_layer_without_counts_hides_what_another_hides(town: ModuleType) -> None:
    blind = town.LocalMoran(frame=town.moran().frame.drop(columns="events"), settings={})
    data = data_of(explore(town.rates(), blind))
    layer = data["layers"][1]
    assert [layer["classes"][c]["k"] for c in layer["codes"][5:9]] == ["withheld"] * 4


def test_k_and_registry_decide_what_is_withheld(town: ModuleType) -> None:
    def withheld(**options: Any) -> int:
        layer = data_of(explore(town.rates(), **options))["layers"][0]
        return sum(layer["classes"][c].get("s") == "withheld" for c in layer["codes"])

    assert withheld() == 4
    assert withheld(k=8) == 7
    assert withheld(k=1) == 0
    assert withheld(registry=Registry(k=5, withheld=frozenset({"020"}))) == 5
    with pytest.raises(ConfigError, match="k or registry"):
        explore(town.rates(), k=5, registry=Registry())


def test_public_is_refused(town: ModuleType) -> None:
    with pytest.raises(PrivacyError, match="public"):
        explore(town.rates(), audience="public")


def test_geometry_is_stored_once(town: ModuleType) -> None:
    def size(*results: Any) -> int:
        return len(json.dumps({**data_of(explore(*results)), "words": {}}))

    one, four = size(town.rates()), size(town.rates(), town.smoothed(), town.moran(), town.getis())
    assert len(data_of(explore(town.rates(), town.moran()))["geometry"]["areas"]) == 36
    assert four - one < 14_000


def test_only_words_the_page_can_show_are_in_the_file(town: ModuleType) -> None:
    english = data_of(explore(town.rates()))["words"]["en"]
    assert {"areas", "zoom_in", "s_above", "state_withheld", "r_not_selected", "unit_rates_year"} <= set(
        english
    )
    assert not {"unit_survey_mean", "c_hot", "f_density", "layer_local_moran"} & set(english)


def test_rows_in_another_order_are_matched_by_id(town: ModuleType) -> None:
    mixed = town.LocalMoran(frame=town.moran().frame.sample(frac=1, random_state=1), settings={})
    same = data_of(explore(town.rates(), town.moran()))["layers"][1]
    assert data_of(explore(town.rates(), mixed))["layers"][1]["codes"] == same["codes"]


def test_results_about_other_areas_are_refused(town: ModuleType) -> None:
    frame = town.moran().frame
    with pytest.raises(AlignmentError, match=r"lacks 1 area\(s\), e.g. \['000'\]"):
        explore(town.rates(), town.LocalMoran(frame=frame.iloc[1:]))
    renamed = frame.rename(index={"003": "3"})
    with pytest.raises(AlignmentError, match=r"has 1 others, e.g. \['3'\]"):
        explore(town.rates(), town.LocalMoran(frame=renamed))
    with pytest.raises(AlignmentError, match="uses EPSG:32614"):
        explore(town.rates(), town.LocalMoran(frame=frame.to_crs(32614)))
    moved = frame.set_geometry([box(0, 0, 1, 1), *frame.geometry.iloc[1:]], crs=4326)
    with pytest.raises(AlignmentError, match="other outlines"):
        explore(town.rates(), town.LocalMoran(frame=moved))
    twice = frame.set_axis(["000", *frame.index[:-1]], axis=0)
    with pytest.raises(AlignmentError, match="unique"):
        explore(town.LocalMoran(frame=twice))


def test_frames_that_cannot_be_drawn_are_refused(town: ModuleType) -> None:
    with pytest.raises(CRSError, match="coordinate reference system"):
        explore(
            town.LocalMoran(
                frame=gpd.GeoDataFrame(town.moran().frame, crs=None).set_crs(None, allow_override=True)
            )
        )
    with pytest.raises(InputError, match="no areas"):
        explore(town.LocalMoran(frame=town.moran().frame.iloc[:0]))
    with pytest.raises(ConfigError, match="at least one result"):
        explore()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"language": "fr"}, "language must be one of en, es, ru, uz-Latn, uz-Cyrl, sw"),
        ({"controls": ["search", "sound"]}, "controls may be search, .* got 'sound'"),
        ({"names": ["a", "b"]}, r"one entry per result \(1\); got 2"),
        ({"breaks": [1, 2]}, "four rising numbers"),
    ],
)
def test_options_are_checked(town: ModuleType, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        explore(town.rates(), **options)


def test_names_stand_for_areas_and_ids_only_where_needed(town: ModuleType) -> None:
    names: list[Any] = [f"N{i}" for i in range(36)]
    names[3] = names[4] = "Centro"
    names[5] = None
    names[6] = "  "
    shown = data_of(explore(town.rates(town.areas(names))))["names"]
    assert shown[3:7] == ["Centro (003)", "Centro (004)", "005", "006"]
    assert shown[7] == "N7"


def test_layers_are_named_by_the_caller_or_numbered(town: ModuleType) -> None:
    data = data_of(explore(town.rates(), town.rates(), town.moran(), names=["Robbery", None, None]))
    assert [layer["id"] for layer in data["layers"]] == ["rates", "rates-2", "local_moran"]
    assert data["layers"][0]["name"] == {"t": "Robbery"}
    assert data["layers"][1]["name"]["k"] == "numbered"


def test_rates_share_their_breaks(town: ModuleType) -> None:
    layers = data_of(explore(town.rates(), town.smoothed()))["layers"]
    assert [c["l"] for c in layers[0]["classes"][:6]] == [c["l"] for c in layers[1]["classes"][:6]]


def test_the_account_of_the_rows_adds_up(town: ModuleType) -> None:
    data = data_of(explore(town.moran(), town.rates()))
    (audit,) = data["audits"]
    assert [layer["audit"] for layer in data["layers"]] == [0, 0]
    assert audit["read"] == audit["placed"] + sum(rows for _, rows, _ in audit["aside"]) == 400
    assert audit["hit_rate"] == pytest.approx(375 / 380)


def test_the_period_of_one_result_is_stated_for_all(town: ModuleType) -> None:
    assert {layer["period"] for layer in data_of(explore(town.moran(), town.rates()))["layers"]} == {"2023"}


def test_the_input_is_not_changed(town: ModuleType) -> None:
    result = town.rates()
    before = result.frame.copy()
    explore(result, town.moran())
    pd.testing.assert_frame_equal(pd.DataFrame(result.frame), pd.DataFrame(before))


def test_a_result_explores_itself(town: ModuleType) -> None:
    assert data_of(town.rates().explore(title="Mine"))["title"] == "Mine"
