"""Tell a folder in use from one that a killed run left behind.

The system drops a lock when its process ends, however it ends; a number in a file would outlive a kill.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be removed, which serves as the lock
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Mark `folder` as in use until the block or the process ends."""
    with open(folder / LOCK, "wb") as handle:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_held(folder: Path) -> bool:
    """True when a living process holds `folder`."""
    lock = folder / LOCK
    if not lock.exists():
        return False
    if fcntl is None:
        try:
            lock.unlink()
        except PermissionError:
            return True
        return False
    handle = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
