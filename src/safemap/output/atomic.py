"""A file is written whole or not at all: temporary file in the same folder, flushed to disk, renamed.

Nobody meets a half-written file: until the rename the old file is untouched, and the rename itself is one
step of the file system.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safemap.errors import OutputError

#: Everything safemap writes before it is finished begins so; leftovers of a killed run are recognised by it.
TEMPORARY_PREFIX = ".safemap-"


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it takes the place of `path`, on failure it goes.

    For writers that want a file name (GeoPackage, rasters). The temporary name keeps the suffix, because such
    writers choose the format by it.

    Parameters
    ----------
    path : path-like
        The file to write. Its folder must exist.

    Yields
    ------
    pathlib.Path
        Where to write. It does not exist yet.

    Raises
    ------
    OutputError
        The file could not be written; the earlier file is as it was.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with whole_file(folder / "table.csv") as temporary:
    ...     _ = temporary.write_text("a,b")
    >>> [p.name for p in folder.iterdir()]
    ['table.csv']
    """
    target = Path(path)
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}{target.suffix}")
    try:
        _check_target(target)
        yield temporary
        flush_file(temporary)
        os.replace(temporary, target)
        flush_folder(target.parent)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(explain(target.name, error), file=target.name) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], data: bytes | str) -> Path:
    """Write `data` (text as UTF-8, line ends as they are) to `path`, whole or not at all; returns the path.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> write_whole(pathlib.Path(tempfile.mkdtemp()) / "note.txt", "done").read_text()
    'done'
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def flush_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut; systems that cannot open a folder (Windows) see to it."""
    with suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _check_target(target: Path) -> None:
    if not target.parent.is_dir():
        raise OutputError(
            f"Cannot write {target.name}: its folder {target.parent.name!r} does not exist. Create it first.",
            file=target.name,
        )
    if target.is_dir():
        raise OutputError(
            f"Cannot write {target.name}: a folder of that name is in the way.", file=target.name
        )


def flush_file(path: Path) -> None:
    """Make the content of `path` survive a power cut."""
    with open(path, "rb+") as handle:
        os.fsync(handle.fileno())


def explain(name: str, error: OSError) -> str:
    """What could not be written, why, and what to do, without the folders of the user."""
    advice = {
        errno.ENOSPC: "The disk is full: free some space and run again.",
        errno.EDQUOT: "Your disk quota is used up: free some space and run again.",
        errno.EFBIG: "The file would be larger than is allowed here.",
        errno.EACCES: "You may not write to this folder: choose another one.",
        errno.EROFS: "The disk is read-only: choose another folder.",
        errno.ENAMETOOLONG: "The name is too long: choose a shorter one.",
    }.get(error.errno or 0, f"The system said: {error.strerror or type(error).__name__}.")
    return f"Cannot write {name}. {advice} The earlier file, if any, is as it was."
