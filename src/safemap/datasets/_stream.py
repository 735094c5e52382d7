"""Random numbers that are the same on every machine and with every version of numpy.

The methods of ``numpy.random.Generator`` may change their streams between versions, and some use the
machine's logarithm. The raw stream of PCG64 may not change (numpy's compatibility policy, NEP 19), so every
number of a synthetic city is made from it, with arithmetic that rounds alike everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Stream:
    """Reproducible draws from one seed; `purpose` separates the streams of one city."""

    def __init__(self, seed: int, purpose: int = 0) -> None:
        self._bits = np.random.PCG64([purpose, seed])

    def uniform(self, size: int) -> Floats:
        """Numbers from 0 (included) to 1 (not included)."""
        raw = np.asarray(self._bits.random_raw(size), dtype=np.uint64)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def one(self, low: float = 0.0, high: float = 1.0) -> float:
        """One number from `low` to `high`."""
        return low + (high - low) * float(self.uniform(1)[0])

    def integers(self, low: int, high: int, size: int) -> Integers:
        """Whole numbers from `low` to `high`, the last one not included."""
        return low + (self.uniform(size) * (high - low)).astype(np.int64)

    def order(self, size: int) -> Integers:
        """The numbers 0 to ``size - 1`` in random order."""
        return np.argsort(self.uniform(size), kind="stable")

    def pick(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items."""
        return [items[i] for i in self.order(len(items))[:count]]

    def poisson(self, mean: Floats) -> Integers:
        """One Poisson count per mean, by inversion of the distribution function (means below 600)."""
        mean = np.asarray(mean, dtype=np.float64)
        u = self.uniform(mean.size)
        term = np.array([exp(-m) for m in mean])
        reached = term.copy()
        counts = np.zeros(mean.size, dtype=np.int64)
        for k in range(1, 1_000):
            beyond = u >= reached
            if not beyond.any():
                break
            counts[beyond] = k
            term = term * mean / k
            reached = reached + term
        return counts
