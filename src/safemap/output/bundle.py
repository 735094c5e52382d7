"""A folder of files that belong together, with a manifest written last.

The files are made in a staging folder inside the output folder. Only when all of them are on the disk does
the old manifest go, do the files take their places one by one, and does the new manifest follow. So at any
moment, even after a kill or a power cut, each file is an earlier or a new one, whole, and a manifest never
claims more than is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from safemap.errors import OutputError
from safemap.output.atomic import TEMPORARY_PREFIX, explain, flush_file, flush_folder
from safemap.output.lock import hold, is_held

MANIFEST = "provenance.json"
FORMAT = "safemap-bundle"
FORMAT_VERSION = 1
STAGING = re.compile(re.escape(TEMPORARY_PREFIX) + r"stage-[0-9a-f]{12}")
_NAME_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass
class Stage:
    """Where the files of one bundle are made before they take their places."""

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)  #: what the manifest says besides the files
    names: list[str] = field(default_factory=list)

    def path(self, name: str) -> Path:
        """The path at which to write the file `name` of the bundle (``tables/rates.csv``)."""
        parts = PurePosixPath(name).parts
        if not parts or any(not _NAME_PART.fullmatch(part) for part in parts) or name == MANIFEST:
            raise OutputError(
                f"{name!r} is not a name a bundle can hold: use plain ASCII names, without .. or /."
            )
        if name.casefold() not in {known.casefold() for known in self.names}:
            self.names.append(name)
        elif name not in self.names:
            raise OutputError(f"{name!r} differs only in case from another file of the bundle.")
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, data: bytes | str) -> None:
        """Write the file `name` of the bundle; text as UTF-8."""
        self.path(name).write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


@contextmanager
def write_bundle(out: str | os.PathLike[str]) -> Iterator[Stage]:
    """Give a stage whose files become the bundle in `out` when the block ends well; else `out` is as it was.

    Foreign files in `out` are left alone, unless they have the name of a file of the bundle.

    Parameters
    ----------
    out : path-like
        The output folder; it is made if needed.

    Yields
    ------
    Stage
        Its ``write`` and ``path`` take names relative to `out`; its ``facts`` go into the manifest.

    Raises
    ------
    OutputError
        A file could not be written, or another run is writing into `out`.

    Examples
    --------
    >>> import tempfile
    >>> out = tempfile.mkdtemp()
    >>> with write_bundle(out) as stage:
    ...     stage.write("tables/rates.csv", "area_id,estimate")
    >>> verify_bundle(out).ok, sorted(verify_bundle(out).files)
    (True, ['tables/rates.csv'])
    """
    folder = Path(out)
    made = _make_folder(folder)
    staging = folder / f"{TEMPORARY_PREFIX}stage-{secrets.token_hex(6)}"
    done = False
    try:
        _clear_stale(folder)
        staging.mkdir()
        with hold(staging):
            stage = Stage(staging)
            yield stage
            _publish(stage, folder)
            done = True
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        name = Path(error.filename).name if isinstance(error.filename, str) else folder.name
        raise OutputError(explain(name, error), file=name) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if not done:
            for path in reversed(made):
                with suppress(OSError):
                    path.rmdir()


@dataclass(frozen=True)
class Verification:
    """What :func:`verify_bundle` found."""

    files: tuple[str, ...]  #: files the manifest lists
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  #: size or SHA-256 differ
    problem: str = ""  #: why the folder is no finished bundle at all

    @property
    def ok(self) -> bool:
        return not (self.missing or self.changed or self.problem)

    def summary(self) -> str:
        """The finding in a sentence."""
        if self.problem:
            return self.problem
        if self.ok:
            return f"All {len(self.files)} files are there and as they were written."
        parts = [f"missing: {', '.join(self.missing)}"] if self.missing else []
        parts += [f"changed since they were written: {', '.join(self.changed)}"] if self.changed else []
        return f"The bundle is not as it was written; {'; '.join(parts)}. Run the assessment again."


def verify_bundle(out: str | os.PathLike[str]) -> Verification:
    """Compare the files of a bundle with its manifest: present, same size, same SHA-256.

    Parameters
    ----------
    out : path-like
        Folder of the bundle.

    Returns
    -------
    Verification
        ``ok`` is true when everything the manifest claims is there.
    """
    folder = Path(out)
    if not (folder / MANIFEST).is_file():
        return Verification(
            (), problem=f"No {MANIFEST} in {folder.name or '.'}: not a bundle, or its run did not finish."
        )
    listed = _listed_files(folder)
    if listed is None:
        return Verification((), problem=f"{MANIFEST} cannot be read as a manifest of safemap.")
    missing = [name for name in listed if not (folder / name).is_file()]
    changed = [name for name in listed if name not in missing and _describe(folder / name) != listed[name]]
    return Verification(tuple(listed), tuple(missing), tuple(changed))


def _publish(stage: Stage, folder: Path) -> None:
    """Move the staged files to their places, the manifest last."""
    _check_places(stage, folder)
    files = {name: _describe(stage.folder / name) for name in sorted(stage.names)}
    manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, **stage.facts, "files": files}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (stage.folder / MANIFEST).write_bytes(text.encode("utf-8"))
    for name in [*files, MANIFEST]:
        flush_file(stage.folder / name)
    earlier = _listed_files(folder) or {}
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)

    (folder / MANIFEST).unlink(missing_ok=True)
    flush_folder(folder)
    for name in files:
        os.replace(stage.folder / name, folder / name)
    for parent in {(folder / name).parent for name in files}:
        flush_folder(parent)
    os.replace(stage.folder / MANIFEST, folder / MANIFEST)
    flush_folder(folder)
    _remove_outdated(folder, {name: what for name, what in earlier.items() if name not in files})


def _remove_outdated(folder: Path, outdated: Mapping[str, Mapping[str, Any]]) -> None:
    """Remove files of the earlier bundle that the new one does not have, if nobody has changed them."""
    for name, description in outdated.items():
        with suppress(OSError):
            if _describe(folder / name) == description:
                (folder / name).unlink()


def _check_places(stage: Stage, folder: Path) -> None:
    """Refuse before anything has changed when a place is taken by something that is not a file."""
    for name in [*stage.names, MANIFEST]:
        target = folder / name
        if not (stage.folder / name).is_file() and name != MANIFEST:
            raise OutputError(f"{name} was announced but never written.", file=name)
        if target.is_dir():
            raise OutputError(f"Cannot write {name}: a folder of that name is in the way.", file=name)
        for parent in target.relative_to(folder).parents:
            place = folder / parent
            if parent != Path(".") and (place.is_symlink() or (place.exists() and not place.is_dir())):
                raise OutputError(
                    f"Cannot write {name}: {parent} is a link or a file, not a folder.", file=name
                )


def _describe(path: Path) -> dict[str, Any]:
    with open(path, "rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _listed_files(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Files of the manifest in `folder`, each name confined to it; None when there is no manifest of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            return None
        files = {
            str(name): {"bytes": what["bytes"], "sha256": what["sha256"]}
            for name, what in manifest["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    good = all(_NAME_PART.fullmatch(part) for name in files for part in PurePosixPath(name).parts or ("/",))
    return files if good else None


def _make_folder(folder: Path) -> list[Path]:
    """Make `folder` and its parents; returns those that were not there, outermost first."""
    missing = [path for path in [folder, *folder.parents] if not path.exists()][::-1]
    made: list[Path] = []
    try:
        for path in missing:
            path.mkdir()
            made.append(path)
        if not folder.is_dir():
            raise OutputError(
                f"Cannot write into {folder.name}: it is a file, not a folder.", file=folder.name
            )
    except OSError as error:
        for path in reversed(made):
            path.rmdir()
        if isinstance(error, OutputError):
            raise
        raise OutputError(explain(folder.name, error), file=folder.name) from error
    return made


def _clear_stale(folder: Path) -> None:
    """Remove staging folders that a killed run left; refuse when one belongs to a run that is still alive."""
    for leftover in sorted(folder.iterdir()):
        if not STAGING.fullmatch(leftover.name) or leftover.is_symlink() or not leftover.is_dir():
            continue
        if is_held(leftover):
            raise OutputError(
                f"Another run of safemap is writing into {folder.name}: wait for it, or take another folder."
            )
        shutil.rmtree(leftover, ignore_errors=True)
