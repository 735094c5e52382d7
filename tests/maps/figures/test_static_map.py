"""The printed map: complete, measured, true to scale, and without what is withheld."""

from __future__ import annotations

import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET

import geopandas as gpd
import numpy as np
import pytest
from pyproj import Geod
from shapely.geometry import box

import safemap as sm
from safemap.errors import ConfigError, OutputError, PrivacyError
from safemap.i18n import LANGUAGES, text
from safemap.maps.figures.sheet import MM_PER_INCH, grey

KINDS = ("rates", "smoothed", "moran", "getis", "survey", "walk_in", "ratios", "change", "density")
SOURCE = "Police register of the town, export of 3 January 2024, and census of population 2020"


def result_of(town, kind):
    if kind == "ratios":
        return sm.standardised_ratios(town.rates())
    if kind == "change":
        areas = town.areas()
        areas["after"] = np.where(np.arange(36) % 3 == 0, areas["events"] * 3, areas["events"] // 2 + 6)
        return sm.area_change(areas.assign(before=areas["events"] + 4), "before", "after")
    return getattr(town, kind)()


PAIRS = [(kind, LANGUAGES[(i + j) % 6]) for i, kind in enumerate(KINDS) for j in (0, 3)]


@pytest.mark.parametrize(("kind", "language"), PAIRS)
def test_every_kind_is_measured_and_complete(town, paper, kind, language):
    _check_kind(town, paper, kind, language)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_language(town, paper, kind, language):
    _check_kind(town, paper, kind, language)


def _check_kind(town, paper, kind, language):
    result = result_of(town, kind)
    made = sm.static_map(result, language=language, source=SOURCE, place="Iztapalapa")
    paper.check_figure(made)
    said = paper.written(made)
    base = {"survey": "disclaimer_answers", "walk_in": "disclaimer_nonrandom"}.get(kind, "disclaimer")
    for words in (text(base, language), text("boundaries", language), SOURCE, f"safemap {sm.__version__}"):
        assert words.split()[0] in said
        assert " ".join(words.split()) in " ".join(said.replace("\u00a0", " ").split())
    assert made.title
    assert made.data["class"].notna().all()


@pytest.mark.parametrize("size", ["A4_full", "A4_half", "square", "slide", (120, 90)])
@pytest.mark.parametrize("greyscale", [False, True])
def test_every_size_is_measured(town, paper, size, greyscale):
    for kind in ("rates", "moran", "getis"):
        made = sm.static_map(
            result_of(town, kind), size=size, language="ru", greyscale=greyscale, source=SOURCE
        )
        paper.check_figure(made)
        wide, high = made.settings["size_mm"]
        assert made.figure.get_size_inches() * MM_PER_INCH == pytest.approx([wide, high])


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "density"])
def test_the_counts_of_the_legend_add_up_to_all_areas(town, paper, kind):
    from safemap.maps.figures.legend import layer_legend
    from safemap.maps.figures.published import make_layers

    (layer,) = make_layers([result_of(town, kind)], sm.Registry())
    rows = layer_legend(layer, "en").rows
    total = next(r for r in rows if r.label == "Total")
    counted = [int(r.amount) for r in rows if r.amount and r is not total and not r.overlay]
    assert sum(counted) == int(total.amount) == 36
    made = sm.static_map(result_of(town, kind))
    by_class = made.data["class"].value_counts()
    shown = {r.label.replace("\u2060", ""): int(r.amount) for r in rows if r.amount and r is not total}
    for label, n in by_class.items():
        assert shown[label.replace("\u2060", "")] == n
    for entry in rows:
        if entry.amount and int(entry.amount):
            assert entry.amount in paper.written(made)


def test_states_are_entries_of_their_own(town, paper):
    said = paper.written(sm.static_map(town.rates()))
    for label in ("Too few to rank", "Withheld for privacy (1–4)", "No data"):
        assert label in said
    said = paper.written(sm.static_map(town.moran()))
    for label in ("No clear pattern", "Withheld for privacy (1–4)", "No data", "No neighbours: not tested"):
        assert label in said


def test_a_density_counts_square_kilometres(town, paper):
    made = sm.static_map(town.density(), areas=town.areas())
    assert made.data["km2"].sum() == pytest.approx(town.areas().to_crs(32614).area.sum() / 1e6, rel=0.05)
    assert "km²" in paper.written(made)


@pytest.mark.parametrize(("lon", "lat"), [(69.2, 41.3), (66.05, 41.0), (36.85, -1.26), (-99.1, 19.35)])
def test_the_scale_bar_is_true_on_the_ground(lon, lat):
    """Paper distance of two corners against their geodesic, and the bar as drawn, within 1 %."""
    cells = [box(lon + i / 50, lat, lon + (i + 1) / 50, lat + 0.02) for i in range(4)]
    areas = gpd.GeoDataFrame(
        {"events": [9, 20, 40, 60], "population": [2_000.0] * 4}, geometry=cells, crs=4326
    )
    made = sm.static_map(sm.area_rates(areas, per=1_000))
    metric = areas.to_crs(made.settings["projection"])
    axes = made.figure.axes[0]
    west, east = (metric.geometry.iloc[i].exterior.coords[j] for i, j in ((0, 2), (3, 0)))
    a, b = axes.transData.transform([west[:2], east[:2]]) / made.figure.dpi * MM_PER_INCH
    ends = [
        gpd.GeoSeries(gpd.points_from_xy([p[0]], [p[1]]), crs=metric.crs).to_crs(4326).iloc[0]
        for p in (west, east)
    ]
    ground = Geod(ellps="WGS84").inv(ends[0].x, ends[0].y, ends[1].x, ends[1].y)[2]
    per_mm = ground / float(np.hypot(*(b - a)))
    from matplotlib.patches import Rectangle

    cells = [
        p
        for p in made.figure.findobj(Rectangle)
        if abs(p.get_height() * 110 - 1.3) < 1e-6 and p.get_linewidth()
    ]
    width = made.figure.get_size_inches()[0] * MM_PER_INCH
    bar = (max(p.get_x() + p.get_width() for p in cells) - min(p.get_x() for p in cells)) * width
    assert bar == pytest.approx(made.settings["scale_bar_mm"], rel=1e-9)
    assert made.settings["scale_bar_m"] / bar == pytest.approx(per_mm, rel=0.01)
    assert str(made.settings["scale_bar_m"])[0] in "125"


def test_north_is_turned_where_it_is_off():
    def angle(lon: float, lat: float) -> float:
        cells = [box(lon + i / 100, lat, lon + (i + 1) / 100, lat + 0.01) for i in range(3)]
        areas = gpd.GeoDataFrame(
            {"events": [9, 20, 40], "population": [2_000.0] * 3}, geometry=cells, crs=4326
        ).to_crs(32642)
        return sm.static_map(sm.area_rates(areas)).settings["north"]

    assert angle(69.2, 41.3) == 0  # within two degrees of the top
    turned = angle(75.0, 60.0)  # six degrees east of the central meridian: convergence 6 * sin(60)
    assert turned == pytest.approx(-6 * np.sin(np.radians(60)), abs=0.15)


def test_nothing_withheld_is_in_any_file(town, tmp_path):
    """Withheld areas differ in two towns; the files do not."""

    def town_with(small: int):
        areas = town.areas()
        areas.loc[areas.index[5:9], "events"] = small
        extra = 4 * (3 - small)
        areas.loc[areas.index[-1], "events"] += extra  # the same total, far above every class limit
        return sm.area_rates(areas, per=1_000, period=town.PERIOD)

    one, two = (sm.static_map(town_with(n), breaks=(1, 3, 9, 12), labels=True) for n in (1, 3))
    assert one.to_bytes("svg") == two.to_bytes("svg")
    assert one.to_bytes("pdf") == two.to_bytes("pdf")
    hidden = one.data.loc[["005", "006", "007", "008"]]
    assert hidden.drop(columns=["name", "class"]).isna().all().all()
    assert hidden["class"].str.startswith("Withheld").all()


def test_a_registry_hides_in_the_figure_what_it_hides_elsewhere(town):
    registry = sm.Registry(withheld=frozenset({"030"}))
    made = sm.static_map(town.rates(), registry=registry)
    assert made.data.loc["030", "class"].startswith("Withheld")
    assert np.isnan(made.data.loc["030", "value"])
    with pytest.raises(PrivacyError, match="public"):
        sm.static_map(town.rates(), audience="public")


RERUN = """
import sys
sys.path.insert(0, {tests!r})
import town, safemap as sm
made = sm.static_map(town.getis(), language="ru", greyscale=True, labels=True)
for kind in ("png", "svg", "pdf"):
    made.save({out!r} + "." + kind)
made.save({out!r} + ".png")
assert "matplotlib.pyplot" not in sys.modules
"""


def test_another_process_writes_the_same_bytes(town, tmp_path):
    tests = str(__import__("pathlib").Path(__file__).parents[1])
    for name, seed in (("one", "1"), ("two", "77")):
        code = RERUN.format(tests=tests, out=str(tmp_path / name))
        env = {**__import__("os").environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": seed}
        subprocess.run([sys.executable, "-c", code], check=True, env=env)
    for kind in ("png", "svg", "pdf"):
        one, two = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("one", "two"))
        assert one == two, kind


def test_svg_holds_text_and_pdf_holds_truetype(town, tmp_path):
    made = sm.static_map(town.rates(), tmp_path / "map.svg", language="uz-Cyrl")
    root = ET.fromstring((tmp_path / "map.svg").read_text("utf-8"))
    said = " ".join("".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text"))
    assert all(word in said for word in made.title.split())
    assert "date" not in (tmp_path / "map.svg").read_text("utf-8").lower().split("<g ")[0]
    pdf = made.to_bytes("pdf")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


def test_a_png_has_300_dots_to_the_inch(town, paper):
    from matplotlib.image import imread

    image = imread(__import__("io").BytesIO(sm.static_map(town.rates()).to_bytes()), format="png")
    assert image.shape[1] == int(160 / 25.4 * 300)


def test_a_failed_write_leaves_the_old_file(town, tmp_path, monkeypatch):
    made = sm.static_map(town.rates(), tmp_path / "map.png")
    before = (tmp_path / "map.png").read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OutputError, match=r"map\.png"):
        made.save(tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["map.png"]
    with pytest.raises(ConfigError, match="png, svg, pdf"):
        made.save(tmp_path / "map.gif")
    assert [p.name for p in tmp_path.iterdir()] == ["map.png"]


def test_a_letter_no_font_has_is_named_before_anything_is_drawn(town):
    with pytest.raises(OutputError, match=r"U\+A98F JAVANESE LETTER KA.*Noto Sans Javanese"):
        sm.static_map(town.rates(), title="Map of \ua98f")
    with pytest.raises(ConfigError, match="not installed"):
        sm.static_map(town.rates(), font="No Such Font")


@pytest.mark.parametrize("family", ["DejaVu Sans", "Liberation Sans"])
@pytest.mark.parametrize("language", ["en", "ru", "uz-Latn"])
def test_other_fonts_are_measured_too(town, paper, family, language):
    try:
        made = sm.static_map(town.moran(), language=language, font=family, source=SOURCE)
    except ConfigError:
        pytest.skip(f"{family} is not installed")
    paper.check_figure(made)


def test_text_of_the_caller_is_text(town, paper):
    evil = r"$\frac{1}{2}$ <script>alert(1)</script> {{ 7*191 }}"
    made = sm.static_map(town.rates(), title=evil, source=evil, size="A4_full")
    assert r"$\frac{1}{2}$" in paper.written(made)
    svg = made.to_bytes("svg").decode()
    assert "<script>" not in svg
    assert "1337" not in svg


def test_settings_of_matplotlib_are_left_alone(town):
    import matplotlib as mpl

    mpl.rcParams["font.size"] = 3
    mpl.rcParams["axes.facecolor"] = "red"
    before = dict(mpl.rcParams)
    one = sm.static_map(town.rates()).to_bytes("svg")
    assert dict(mpl.rcParams) == before
    mpl.rcdefaults()
    assert sm.static_map(town.rates()).to_bytes("svg") == one


def test_greyscale_is_grey_and_its_classes_differ(town, paper):
    made = sm.static_map(town.rates(), greyscale=True)
    image = paper.pixels(made)
    assert (image.max(axis=2) - image.min(axis=2)).max() == 0
    colour = paper.pixels(sm.static_map(town.rates()))
    flat = colour.reshape(-1, 3)
    found, counts = np.unique(flat, axis=0, return_counts=True)
    classes = [c for c in sm_ramp() if (np.abs(found - rgb(c)).max(axis=1) <= 1).any()]
    assert len(classes) >= 4  # each class of the town is on the paper in its colour
    greys = sorted(int(grey(c)[1:3], 16) for c in classes)
    on_paper = np.unique(image.reshape(-1, 3)[:, 0])
    assert all(np.abs(on_paper - g).min() <= 1 for g in greys)
    lightness = [lab_lightness(g) for g in greys]
    assert (
        min(np.diff(lightness)) >= 10 * 0.9
    )  # L* of neighbours; CIEDE2000 of greys is tested in test_palettes
    assert counts.sum() == image.shape[0] * image.shape[1]


def sm_ramp():
    from safemap.maps.palettes import RAMPS

    return RAMPS["rate"]


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def lab_lightness(value):
    v = value / 255
    y = v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
    return 116 * (np.cbrt(y) if y > (6 / 29) ** 3 else y / (3 * (6 / 29) ** 2) + 4 / 29) - 16


def test_greyscale_marks_high_and_low_groups(town):
    from matplotlib.patches import Polygon

    def triangles(made):
        return [p for p in made.figure.findobj(Polygon) if len(p.get_xy()) == 4]

    shown = sm.static_map(town.getis()).data["class"]
    groups = int((shown.str.contains("group")).sum())
    assert len(triangles(sm.static_map(town.getis()))) == 0
    marked = triangles(sm.static_map(town.getis(), greyscale=True))
    assert len(marked) == groups + 6  # one on every area of a group, and six in the legend
    up = [p for p in marked if p.get_xy()[2][1] > p.get_xy()[0][1]]
    assert len(up) == int(shown.str.startswith("High").sum()) + 3


def test_greyscale_letters_name_the_classes_of_local_moran(town, paper):
    made = sm.static_map(town.moran(), greyscale=True, size="A4_full")
    letters = [t.get_text() for t in paper.texts(made.figure) if t.get_text() in ("HH", "LL", "HL", "LH")]
    done, wanted = made.settings["labels"]
    assert len(letters) == done + 4
    assert wanted == int(made.data["class"].str.contains("neighbours (?:high|low)").sum())
    assert f"Letters stand on {done} of {wanted}" in paper.written(made)


def test_names_are_written_where_they_fit_and_counted(town, paper):
    made = sm.static_map(town.rates(), labels=True, size="A4_full")
    paper.check_figure(made)
    done, _ = made.settings["labels"]
    names = [t for t in paper.texts(made.figure) if t.get_text() in set(made.data["name"])]
    assert 0 < done == len(names)
    assert f"Names shown: {done} of 36." in paper.written(made)


def test_names_come_in_the_language_of_the_map(town, paper):
    areas = town.areas(name_ru=[f"Район {i}" for i in range(36)])
    made = sm.static_map(
        sm.area_rates(areas, per=1_000), language="ru", labels=True, area_names=areas, size="A4_full"
    )
    assert "Район" in " ".join(made.data["name"])


def test_title_of_the_caller_is_followed_by_the_finding(town, paper):
    made = town.rates().plot(title={"en": "Robbery", "ru": "Грабежи"}, language="ru", name="X")
    assert made.title == "Грабежи"
    assert "зарегистрированный уровень был выше среднего" in " ".join(paper.written(made).split())


def test_parts_can_be_switched_off(town, paper):
    made = sm.static_map(town.rates(), parts=["legend"])
    said = paper.written(made)
    assert "Recorded cases only" not in said
    assert "km" not in said
    assert "scale_bar_m" not in made.settings
    with pytest.raises(ConfigError, match="parts may hold"):
        sm.static_map(town.rates(), parts=["emblem"])


def test_a_sheet_that_is_too_small_says_so(town):
    with pytest.raises(OutputError, match="Take a larger size"):
        sm.static_map(town.getis(), size=(60, 60), language="ru", source=SOURCE)
    with pytest.raises(ConfigError, match="size must be one of"):
        sm.static_map(town.rates(), size="A3")


def test_neighbours_and_context_are_drawn_and_named(town, paper):
    around = gpd.GeoDataFrame(
        {"name": ["Westland", "Eastland"]},
        geometry=[box(-99.2, 19.25, -99.1, 19.4), box(-99.04, 19.25, -98.95, 19.4)],
        crs=4326,
    )
    road = gpd.GeoDataFrame(
        {"name": ["Main"]}, geometry=[box(-99.12, 19.32, -99.0, 19.33).exterior], crs=4326
    )
    made = sm.static_map(town.rates(), neighbours=around, context={"Main road": road}, size="A4_full")
    paper.check_figure(made)
    said = paper.written(made)
    assert "Main road" in said
    assert "Eastland" in said or "Westland" in said


def test_no_warning_of_matplotlib_gets_out(town):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sm.static_map(town.rates(), language="uz-Latn").to_bytes("pdf")
