"""A saved map is one file that needs no network, runs only its own scripts, and is the same every time."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType

import folium
import pytest
from folium.folium import _default_js

from safemap.errors import ConfigError, OutputError, PrivacyWarning
from safemap.maps import explore, save_map
from safemap.maps.save import vendored


@pytest.fixture
def saved(town: ModuleType, tmp_path: Path) -> str:
    m = explore(
        town.rates(), town.moran(), title="Recorded robbery", language="es", source="https://example.org/data"
    )
    return save_map(m, tmp_path / "map.html").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_a_network(saved: str) -> None:
    assert not re.search(r"<(script|link|img|iframe)\b[^>]*(src|href)\s*=", saved)
    assert "cdn.jsdelivr" not in saved
    assert "sourceMappingURL" not in saved
    assert "https://example.org/data" in saved  # a text is not a request


def test_the_policy_allows_the_scripts_in_the_file_and_nothing_else(saved: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', saved)
    assert policy is not None
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.group(1).split("; ")}
    assert (
        rules["default-src"]
        == rules["connect-src"]
        == rules["base-uri"]
        == rules["form-action"]
        == ["'none'"]
    )
    assert rules["img-src"] == ["data:"]
    assert rules["style-src"] == ["'unsafe-inline'"]
    scripts = re.findall(r"<script>(.*?)</script>", saved, re.S)
    digests = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    assert len(scripts) == 3
    assert set(rules["script-src"]) == set(digests)
    assert saved.index("Content-Security-Policy") < saved.index("<script")


def test_language_and_title_are_in_the_markup(saved: str) -> None:
    assert saved.startswith('<!DOCTYPE html>\n<html lang="es">')
    assert "<title>Recorded robbery</title>" in saved


def test_a_title_cannot_close_its_element(town: ModuleType, tmp_path: Path) -> None:
    m = explore(town.rates(), title='</title><script>x=1</script>"')
    html = save_map(m, tmp_path / "map.html").read_text(encoding="utf-8")
    assert "<title>&lt;/title&gt;&lt;script&gt;x=1&lt;/script&gt;&quot;</title>" in html


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    script = (
        "import sys, importlib.util, warnings;"
        "spec = importlib.util.spec_from_file_location('town', sys.argv[1]);"
        "town = importlib.util.module_from_spec(spec); spec.loader.exec_module(town);"
        "import folium; from safemap.maps import explore, save_map;"
        "save_map(explore(town.rates(), town.moran(), town.getis(), context=town.areas()), sys.argv[2]);"
        "save_map(explore(town.years(), town.change(), town.ratios(), town.bivariate(), town.survey(),"
        " compare=('2021', '2022'), scheme='quantiles'), sys.argv[4]);"
        "m = explore(town.rates(), m=folium.Map(tiles=None)); folium.CircleMarker([19.3, -99.1]).add_to(m);"
        "warnings.simplefilter('ignore'); save_map(m, sys.argv[3])"
    )
    town = Path(__file__).with_name("town.py")
    for run in ("1", "2"):
        target = [str(tmp_path / f"{kind}{run}.html") for kind in ("own", "added", "periods")]
        subprocess.run(
            [sys.executable, "-c", script, str(town), *target],
            check=True,
            env=os.environ | {"PYTHONHASHSEED": run},
        )
    for kind in ("own", "added", "periods"):
        assert (tmp_path / f"{kind}1.html").read_bytes() == (tmp_path / f"{kind}2.html").read_bytes()


def test_saving_twice_gives_the_same_bytes(town: ModuleType, tmp_path: Path) -> None:
    m = explore(town.rates())
    assert save_map(m, tmp_path / "a.html").read_bytes() == save_map(m, tmp_path / "b.html").read_bytes()


def test_a_map_of_36_areas_is_small(town: ModuleType, tmp_path: Path) -> None:
    path = save_map(explore(town.rates(), town.smoothed(), town.moran(), town.getis()), tmp_path / "map.html")
    assert path.stat().st_size < 350_000


def test_a_map_with_foliums_usual_links_is_saved_without_them(town: ModuleType, tmp_path: Path) -> None:
    m = explore(town.rates(), m=folium.Map(tiles=None))
    html = save_map(m, tmp_path / "map.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link)\b[^>]*(src|href)\s*=", html)


def test_foreign_layers_are_named(town: ModuleType, tmp_path: Path) -> None:
    m = explore(town.rates())
    folium.CircleMarker([19.33, -99.07]).add_to(m)
    with pytest.warns(PrivacyWarning, match=r"did not make: CircleMarker\. It cannot vouch"):
        save_map(m, tmp_path / "map.html")


def test_tiles_are_named_and_stay_empty(town: ModuleType, tmp_path: Path) -> None:
    m = explore(town.rates(), m=folium.Map(tiles="https://tiles.example/{z}/{x}/{y}.png", attr="A"))
    with pytest.warns(PrivacyWarning, match="TileLayer.*Tiles stay empty without a network"):
        html = save_map(m, tmp_path / "map.html").read_text(encoding="utf-8")
    assert "img-src data:;" in html


def test_what_needs_the_network_is_refused_offline_and_allowed_by_name_online(
    town: ModuleType, tmp_path: Path
) -> None:
    m = explore(town.rates(), m=folium.Map(tiles=None))
    folium.Marker([19.33, -99.07], popup="P").add_to(m)
    target = tmp_path / "map.html"
    target.write_text("the earlier file")
    with pytest.raises(OutputError, match=r"map\.html was not written: \d file\(s\) would still be loaded"):
        save_map(m, target)
    assert target.read_text() == "the earlier file"
    with pytest.warns(PrivacyWarning, match="Popup"):
        html = save_map(m, target, offline=False).read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert "https://code.jquery.com/jquery-3.7.1.min.js" in policy.group(1)
    assert "connect-src 'none'" in policy.group(1)


def test_a_full_disk_leaves_the_earlier_file(
    town: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "map.html"
    target.write_text("the earlier file")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="disk is full"):
        save_map(explore(town.rates()), target)
    assert target.read_text() == "the earlier file"
    assert [p.name for p in tmp_path.iterdir()] == ["map.html"]


def test_only_maps_are_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expects a folium\.Map"):
        save_map("map", tmp_path / "map.html")


def test_the_copy_of_leaflet_is_the_one_folium_uses_and_unchanged() -> None:
    folder = resources.files("safemap.maps") / "assets" / "leaflet"
    listed = {}
    for line in (folder / "CHECKSUMS").read_text().splitlines():
        digest, name = line.split()
        listed[name] = digest
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    names = {f.name for f in folder.iterdir() if f.name != "images"} | {
        f"images/{f.name}" for f in (folder / "images").iterdir()
    }
    assert names == set(listed) | {"CHECKSUMS"}
    version = re.search(r"leaflet@([\d.]+)", dict(_default_js)["leaflet"])
    assert version is not None
    assert f"Leaflet {version.group(1)}," in vendored("leaflet.js")
    assert "BSD 2-Clause" in (folder / "LICENSE").read_text()


def test_a_changed_copy_of_leaflet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import safemap.maps.save as save

    vendored.cache_clear()
    monkeypatch.setattr(save, "_checksums", lambda: {"leaflet.js": "0" * 64})
    with pytest.raises(OutputError, match="was changed"):
        vendored("leaflet.js")
    vendored.cache_clear()
