"""Long computations: several threads, what a person who waits is told, and a clean end when interrupted.

The parts of a computation are fixed by the input alone and each has its own random numbers, so that the
number of threads changes the time it takes and nothing else.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Tell = Callable[[str], None]

#: Threads used when nobody says how many; more do not pay, because the memory is shared.
_MAX_WORKERS = 8
#: Seconds before the first line, and between lines.
_PAUSE = 2.0

_listener: ContextVar[Tell | None] = ContextVar("safemap_progress", default=None)


@contextmanager
def watch_progress(tell: Tell) -> Iterator[None]:
    """Hand lines about long computations inside the block to `tell`; without it they are silent.

    Parameters
    ----------
    tell : callable
        Takes one line of text, such as ``print``. Called at most every two seconds.

    Examples
    --------
    >>> from safemap.stats.running import watch_progress
    >>> with watch_progress(print):
    ...     pass  # any verb of safemap
    """
    token = _listener.set(tell)
    try:
        yield
    finally:
        _listener.reset(token)


class Meter:
    """Counts what is done, of a total where that is known, and tells the listener now and then."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total, self._done = what, total, 0
        self._tell, self._next = _listener.get(), time.monotonic() + _PAUSE

    def add(self, done: int) -> None:
        """So much more is done."""
        self._done += done
        if self._tell is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + _PAUSE
            if self._total is None:
                self._tell(f"{self._what}: {self._done:,}")
                return
            share = 100 * self._done / max(self._total, 1)
            self._tell(f"{self._what}: {share:.0f} % ({self._done:,} of {self._total:,})")


def usable_workers(workers: int | None) -> int:
    """The number of threads asked for, or as many as this process may use, up to 8."""
    if workers is not None:
        return max(1, int(workers))
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count() or 1
    return min(cores, _MAX_WORKERS)


def in_turn(
    function: Callable[[Item], Answer], items: Sequence[Item], workers: int | None = None
) -> Iterator[Answer]:
    """The answers for all items, in their order, worked out by several threads.

    Only a few answers are held at a time. When the caller stops early or is interrupted, nothing more is
    begun and the threads have ended before the exception goes on.
    """
    threads = min(usable_workers(workers), len(items))
    if threads <= 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="safemap")
    waiting: deque[Future[Answer]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
