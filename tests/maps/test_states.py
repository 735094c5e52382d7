"""States look different from each other and from every class, and each has its words."""

from __future__ import annotations

from itertools import combinations

from safemap.i18n import words
from safemap.maps.palettes import GETIS_ORD, LISA, RAMPS
from safemap.maps.states import STATE_OF_CLUSTER, STATES


def test_no_two_states_share_a_texture() -> None:
    for one, two in combinations(STATES.values(), 2):
        assert (one.ground, one.size, one.rotate, one.marks) != (two.ground, two.size, two.rotate, two.marks)
        # not only shifted or turned by a full quarter: kind of mark, direction or ground differ
        assert (one.ground, one.rotate, [m[0] for m in one.marks], one.marks[0][1:5]) != (
            two.ground, two.rotate, [m[0] for m in two.marks], two.marks[0][1:5],
        )  # fmt: skip


def test_every_state_has_marks_and_no_class_colour_as_ground() -> None:
    colours = {*LISA.values(), *GETIS_ORD.values(), *(c for ramp in RAMPS.values() for c in ramp)}
    for state in STATES.values():
        assert state.marks
        assert state.ground not in colours


def test_every_state_has_a_label_and_a_sentence() -> None:
    for key in STATES:
        assert f"state_{key}" in words("en")
        assert f"s_{key}" in words("en")


def test_every_word_for_an_untested_area_has_its_own_state() -> None:
    assert len(set(STATE_OF_CLUSTER.values())) == len(STATE_OF_CLUSTER) == 6
    assert set(STATE_OF_CLUSTER.values()) <= set(STATES)
