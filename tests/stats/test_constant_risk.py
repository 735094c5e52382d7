"""Constant risk against every way the events could have fallen, against draws, and by law."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array, diags_array
from scipy.stats import binom

from safemap.errors import StatisticsError
from safemap.stats.constant_risk import excess, neighbourhood_risk, simulated_tails, weighted_moments

ROW = diags_array([[1.0] * 3, [1.0] * 3], offsets=[-1, 1]).tocsr()  # four areas in a row
WEIGHTED = csr_array([[0, 1.0, 0.3, 0], [1.0, 0, 0.5, 0.2], [0.3, 0.5, 0, 0], [0, 0.2, 0, 0]])
EVENTS, PEOPLE = np.array([3.0, 1.0, 0.0, 2.0]), np.array([100.0, 250.0, 50.0, 400.0])


def all_maps():
    """Every way 6 events can fall on four areas, with its probability."""
    share = PEOPLE / PEOPLE.sum()
    for where in itertools.product(range(4), repeat=6):
        yield np.bincount(where, minlength=4).astype(float), float(np.prod(share[list(where)]))


def brute_force(window: np.ndarray, *, given_own: bool) -> tuple[np.ndarray, ...]:
    """Upper and lower tail, mean and variance of ``window @ events`` over all maps."""
    observed = window @ EVENTS
    total, upper, lower, mean, square = (np.zeros(4) for _ in range(5))
    for x, p in all_maps():
        weight = p * (x == EVENTS) if given_own else np.full(4, p)
        total += weight
        upper += weight * (window @ x >= observed - 1e-9)
        lower += weight * (window @ x <= observed + 1e-9)
        mean += weight * (window @ x)
        square += weight * (window @ x) ** 2
    upper, lower, mean, square = (a / total for a in (upper, lower, mean, square))
    return upper, lower, mean, square - mean**2


@pytest.mark.parametrize("star", [True, False])
def test_neighbourhoods_equal_all_maps(star):
    window = ROW.toarray() + np.eye(4) * star
    risk = neighbourhood_risk(EVENTS, PEOPLE, ROW, star=star)
    for found, expected in zip(risk[:4], brute_force(window, given_own=not star), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(risk.z_score, (window @ EVENTS - risk.expected) / np.sqrt(risk.variance))


@pytest.mark.parametrize("own", [None, 1.0])
def test_weighted_neighbourhoods_agree_with_all_maps(own):
    window = WEIGHTED.toarray() + np.eye(4) * (own or 0)
    upper, lower, mean, variance = brute_force(window, given_own=own is None)
    moments = weighted_moments(EVENTS, PEOPLE, WEIGHTED, own=own)
    for found, expected in zip(moments, (window @ EVENTS, mean, variance), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    draws = 20_000
    rng = np.random.default_rng(0)
    high, low = simulated_tails(EVENTS, PEOPLE, WEIGHTED, np.arange(4), draws, rng, own=own)
    for found, expected in ((high, upper), (low, lower)):
        assert (
            np.abs(found / draws - expected) < 4.5 * np.sqrt(expected * (1 - expected) / draws) + 1e-12
        ).all()


def test_tails_are_those_of_the_binomial_however_small():
    links = csr_array(diags_array([[1.0] * 199, [1.0] * 199], offsets=[-1, 1]))
    events = np.zeros(200)
    events[[10, 11, 12, 150]] = 40, 35, 25, 300
    people = np.full(200, 1000.0)
    risk = neighbourhood_risk(events, people, links)
    assert risk.upper[11] == pytest.approx(binom.sf(99, 400, 3 / 200), rel=1e-8)
    assert risk.upper[11] < 1e-50
    assert risk.lower[80] == pytest.approx(binom.cdf(0, 400, 3 / 200), rel=1e-10)
    assert risk.upper[80] == 1.0


def test_everyone_in_the_neighbourhood_and_nobody():
    links = csr_array(1 - np.eye(4))
    both = neighbourhood_risk(EVENTS, PEOPLE, links)
    assert (both.upper == 1).all()
    assert (both.lower == 1).all()
    assert np.isnan(both.z_score).all()
    dense = ROW.toarray()
    dense[3] = dense[:, 3] = 0
    alone = neighbourhood_risk(EVENTS, PEOPLE, csr_array(dense))
    assert np.isnan([alone.upper[3], alone.lower[3], alone.z_score[3]]).all()
    assert np.isfinite(alone.upper[:3]).all()


def test_excess_by_hand_and_scale_of_the_population():
    np.testing.assert_allclose(excess([2, 8], [300, 100]), [-5.5 / np.sqrt(7.5), 5.5 / np.sqrt(2.5)])
    one, other = (neighbourhood_risk(EVENTS, PEOPLE * f, ROW) for f in (1, 7))
    np.testing.assert_allclose(one.upper, other.upper)


@pytest.mark.parametrize("star", [True, False])
def test_size_is_at_most_alpha_whatever_the_population(star):
    rng = np.random.default_rng(5)
    side, maps, alpha = 12, 400, 0.05
    at = np.array([(r, c) for r in range(side) for c in range(side)])
    links = csr_array((np.abs(at[:, None] - at[None]).max(axis=2) == 1).astype(float))
    people = np.round(4_000 * np.exp(-np.hypot(*(at - 5.5).T) / 3) + 20)
    shares = []
    for _ in range(maps):
        risk = neighbourhood_risk(rng.multinomial(600, people / people.sum()), people, links, star=star)
        p = np.minimum(1, 2 * np.minimum(risk.upper, risk.lower))
        shares.append(np.mean(p <= alpha))
    error = np.std(shares, ddof=1) / np.sqrt(maps)
    assert np.mean(shares) <= alpha + 3 * error
    assert np.mean(shares) >= 0.5 * alpha  # discreteness costs size, but not most of it


@pytest.mark.parametrize(
    ("events", "people", "words"),
    [
        ([1, 2.5, 0, 0], PEOPLE, "whole numbers"),
        ([1, np.nan, 0, 0], PEOPLE, "whole numbers"),
        ([1, -1, 0, 0], PEOPLE, "whole numbers"),
        (EVENTS, [1, 0, 2, 3], "above 0"),
        (EVENTS, [1, 2, 3], "must fit"),
        ([0, 0, 0, 0], PEOPLE, "no event"),
    ],
)
def test_senseless_input_is_refused(events, people, words):
    with pytest.raises(StatisticsError, match=words):
        neighbourhood_risk(events, people, ROW)
