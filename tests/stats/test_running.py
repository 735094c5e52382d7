"""Threads, progress and interruption: the same digits, told now and then, and a clean end."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from scipy.sparse import csr_array

from safemap.stats import running, subset_permutation, weighted_permutation
from safemap.stats.permutation import conditional_test
from safemap.stats.running import Meter, in_turn, usable_workers, watch_progress


def links_of(dense: np.ndarray) -> csr_array:
    out = csr_array(np.asarray(dense, dtype=float))
    out.sort_indices()
    return out


def grid_weights(side: int, *, corners: float) -> csr_array:
    """Queen neighbours of a grid; those across a corner have another weight."""
    at = np.array([(r, c) for r in range(side) for c in range(side)])
    apart = np.abs(at[:, None] - at[None])
    near = apart.max(axis=2) == 1
    return links_of(near * np.where(apart.sum(axis=2) == 2, corners, 1.0))


def queen(side: int) -> csr_array:
    return grid_weights(side, corners=1.0)


def kernel_grid(side: int) -> csr_array:
    return grid_weights(side, corners=0.7)


def random_links(rng: np.random.Generator, n: int, share: float) -> csr_array:
    upper = np.triu(rng.random((n, n)) < share, 1)
    return links_of(upper | upper.T)


@pytest.fixture
def small_pieces(monkeypatch):
    """Enough pieces of work that threads have something to share."""
    monkeypatch.setattr(subset_permutation, "_ROWS", (64, 200))
    monkeypatch.setattr(weighted_permutation, "_PIECE", 400)
    monkeypatch.setattr(weighted_permutation, "_SHARED", 20)


@pytest.mark.parametrize("kind", ["even", "grid", "irregular", "counts"])
def test_number_of_workers_changes_no_digit(small_pieces, kind):
    rng = np.random.default_rng(0)
    links = {"even": queen(15), "grid": kernel_grid(15)}.get(kind, random_links(rng, 225, 0.05))
    if kind == "irregular":
        links.data = rng.uniform(0.1, 1, links.nnz)
    values = rng.poisson(2, 225).astype(float) if kind == "counts" else rng.normal(size=225)
    results = [
        conditional_test(
            values,
            links,
            permutations=999,
            max_permutations=5_000,
            weighted=kind in ("grid", "irregular"),
            workers=workers,
        )
        for workers in (1, 2, 8, None)
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].p_value, other.p_value)
        for one, two in zip(results[0].tails, other.tails, strict=True):
            np.testing.assert_array_equal(one, two)


def test_answers_come_in_order_whatever_is_ready_first():
    answers = in_turn(lambda x: (time.sleep(0.02 / (x + 1)), x)[1], range(20), workers=4)
    assert list(answers) == list(range(20))


def test_only_a_few_answers_are_held():
    begun = []
    answers = in_turn(lambda x: begun.append(x) or x, range(1_000), workers=2)
    assert next(answers) == 0
    assert len(begun) < 20
    answers.close()


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("weighted", [False, True])
def test_interruption_goes_on_and_leaves_no_thread(small_pieces, monkeypatch, workers, weighted):
    calls = []
    name = "_shared" if weighted else "_add_up"
    module = weighted_permutation if weighted else subset_permutation
    plain = getattr(module, name)

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(module, name, interrupted)
    links = kernel_grid(30) if weighted else queen(30)
    with pytest.raises(KeyboardInterrupt):
        conditional_test(
            np.random.default_rng(0).normal(size=900),
            links,
            weighted=weighted,
            permutations=20_000,
            max_permutations=1,
            workers=workers,
        )
    assert not [t for t in threading.enumerate() if t.name.startswith("safemap")]


def test_long_runs_tell_who_listens_and_nobody_else(monkeypatch, capsys):
    monkeypatch.setattr(running, "_PAUSE", 0.0)
    values, links = np.random.default_rng(0).normal(size=100), queen(10)
    lines = []
    with watch_progress(lines.append):
        conditional_test(values, links, permutations=9_999, max_permutations=1)
    assert lines[-1] == "permutations: 100 % (9,999 of 9,999)"
    told = len(lines)
    conditional_test(values, links, permutations=9_999, max_permutations=1)
    assert len(lines) == told
    assert capsys.readouterr() == ("", "")


def test_short_runs_tell_nothing():
    lines = []
    with watch_progress(lines.append):
        Meter("areas", 10).add(10)
    assert not lines


def test_listener_is_gone_after_an_error():
    with pytest.raises(ZeroDivisionError), watch_progress(print):
        raise ZeroDivisionError
    assert running._listener.get() is None


def test_workers_are_at_least_one():
    assert usable_workers(0) == usable_workers(-3) == 1
    assert usable_workers(5) == 5
    assert 1 <= usable_workers(None) <= 8
