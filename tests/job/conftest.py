"""A small made-up city in which every number is known, and the folder its assessment writes."""

from __future__ import annotations

import json
import random

import pytest

#: what must never be found in any output: free text, names, ids of people, positions
CANARIES = ("Canary Victim", "canary-phone", "CASE-0")


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    """36 square areas with 0 to 40 events each, a district above them, and an assessment."""
    folder = tmp_path_factory.mktemp("city")
    draw = random.Random(4)
    counts = {f"{i:02}": (0, 2, 4, 5, 9, 14, 40)[i % 7] for i in range(36)}
    cells = {area: (69.2 + int(area) % 6 * 0.01, 41.2 + int(area) // 6 * 0.01) for area in counts}
    features = [
        feature(box(x, y, 0.01), code=area, label=f"=Area {area}", people=2000 + 100 * int(area))
        for area, (x, y) in cells.items()
    ]
    (folder / "areas.geojson").write_text(collection(features), encoding="utf-8")
    district = feature(box(69.2, 41.2, 0.06), code="D", label="Distrito")
    (folder / "districts.geojson").write_text(collection([district]), encoding="utf-8")
    rows, positions = ["case,victim,phone,lon,lat,day,kind,said_area"], []
    for area, n in counts.items():
        for _ in range(n):
            x = cells[area][0] + draw.uniform(0.001, 0.009)
            y = cells[area][1] + draw.uniform(0.001, 0.009)
            positions.append((f"{x:.6f}", f"{y:.6f}"))
            day = f"2023-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
            rows.append(f"CASE-0{len(rows)},Canary Victim,canary-phone,{x:.6f},{y:.6f},{day},robbery,{area}")
    rows += ["CASE-0x,Canary Victim,canary-phone,,,2023-05-05,robbery,01"] * 3
    rows += ["CASE-0y,Canary Victim,canary-phone,69.211,41.211,2023-05-05,theft,01"] * 4
    (folder / "incidents.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "assessment.toml").write_text(ASSESSMENT, encoding="utf-8")
    (folder / "truth.json").write_text(json.dumps({"counts": counts, "positions": positions}))
    return folder


@pytest.fixture(scope="session")
def truth(city):
    return json.loads((city / "truth.json").read_text())


@pytest.fixture(scope="session")
def done(city, tmp_path_factory):
    """The run of the made-up city."""
    import safemap as sm

    out = tmp_path_factory.mktemp("out") / "chapter"
    return sm.run_assessment(sm.load_assessment(city / "assessment.toml"), out)


def box(x, y, side):
    corners = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return [[[round(a, 6), round(b, 6)] for a, b in corners]]


def feature(coordinates, **properties):
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": coordinates},
    }


def collection(features):
    return json.dumps({"type": "FeatureCollection", "features": features})


ASSESSMENT = """
[assessment]
title = "Robbery <b>2023</b>"
place = "Made-up"
source = "=Nobody"

[incidents]
path = "incidents.csv"
lon = "lon"
lat = "lat"
date = "day"
category = "kind"
where = { kind = ["robbery"] }
period = ["2023-01-01", "2023-12-31"]

[areas]
path = "areas.geojson"
id = "code"
name = "label"
population = "people"
recorded = "said_area"

[[areas.levels]]
name = "../district"
path = "districts.geojson"
id = "code"
label = "label"

[local]
permutations = 999
max_permutations = 9999
"""
