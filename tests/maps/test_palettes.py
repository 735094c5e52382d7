"""Colours are told apart by everyone: CIEDE2000 in five views, checked against published pairs."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from safemap.maps.palettes import GETIS_ORD, LISA, RAMPS

# Machado, Oliveira, Fernandes (2009), severity 1.0, in linear light.
VIEWS = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
    "grey": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}


def linear(colour: str) -> np.ndarray:
    v = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    t = xyz @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])  # fmt: skip


def ciede2000(one: np.ndarray, two: np.ndarray) -> float:
    """Sharma, Wu, Dalal (2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dl, dc, dh = l2 - l1, c2 - c1, h2 - h1
    dh = 0 if c1 * c2 == 0 else dh - 360 if dh > 180 else dh + 360 if dh < -180 else dh
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh) / 2)
    ml, mc, mh = (l1 + l2) / 2, (c1 + c2) / 2, h1 + h2
    if c1 * c2:
        far = abs(h1 - h2) > 180
        mh = (mh + (360 if mh < 360 else -360) if far else mh) / 2
    r = np.radians
    t = (
        1
        - 0.17 * np.cos(r(mh - 30))
        + 0.24 * np.cos(r(2 * mh))
        + 0.32 * np.cos(r(3 * mh + 6))
        - 0.2 * np.cos(r(4 * mh - 63))
    )
    sl = 1 + 0.015 * (ml - 50) ** 2 / np.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    turn = -np.sin(r(60 * np.exp(-(((mh - 275) / 25) ** 2)))) * 2 * np.sqrt(mc**7 / (mc**7 + 25.0**7))
    return float(np.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + turn * dc / sc * dh / sh))


@pytest.mark.parametrize(
    ("one", "two", "distance"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.0, 2.0), (50, 0, 0), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_that_of_the_published_pairs(one, two, distance) -> None:
    assert ciede2000(np.array(one), np.array(two)) == pytest.approx(distance, abs=1e-4)


def distance(one: str, two: str, view: str) -> float:
    seen = VIEWS[view]
    return ciede2000(lab(seen @ linear(one)), lab(seen @ linear(two)))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("ramp", RAMPS)
def test_neighbouring_classes_differ_in_every_view(ramp: str, view: str) -> None:
    assert min(distance(a, b, view) for a, b in pairwise(RAMPS[ramp])) >= 10


@pytest.mark.parametrize("view", VIEWS)
def test_every_pair_of_local_moran_classes_differs(view: str) -> None:
    assert min(distance(a, b, view) for a, b in combinations(LISA.values(), 2)) >= 10


@pytest.mark.parametrize("view", VIEWS)
def test_neighbouring_getis_ord_classes_differ(view: str) -> None:
    assert min(distance(a, b, view) for a, b in pairwise(GETIS_ORD.values())) >= 10


def test_a_ramp_of_rates_grows_darker_with_every_class() -> None:
    lightness = [lab(linear(c))[0] for c in RAMPS["rate"]]
    assert all(a - b > 8 for a, b in pairwise(lightness))


def test_swatch_edges_stand_out_from_paper_and_from_light_classes() -> None:
    def luminance(colour: str) -> float:
        return float(linear(colour) @ [0.2126, 0.7152, 0.0722])

    for light in ("#FFFFFF", RAMPS["rate"][0], LISA["not significant"]):
        assert (luminance(light) + 0.05) / (luminance("#77736B") + 0.05) >= 3
