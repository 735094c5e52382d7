"""Zip archives, looked at before anything is taken out of them: no path outside, no bomb."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path, PurePosixPath

from safemap.errors import InputError

MAX_MEMBERS = 2_000
MAX_BYTES = 4 * 1024**3
MAX_RATIO = 200.0
_SMALL = 10 * 1024**2  # a tiny file of repeated bytes may well shrink a thousandfold


def vector_path(file: Path) -> str:
    """The name under which the geographic reader finds `file`; archives are checked first."""
    if file.suffix.lower() not in (".zip", ".kmz"):
        return str(file)
    members = check_archive(file)
    if file.suffix.lower() == ".kmz":
        documents = [m for m in members if m.lower().endswith(".kml")]
        if not documents:
            raise InputError(f"{file.name} holds no KML document. Export it again, or unpack it.")
        main = next((m for m in documents if m.lower() == "doc.kml"), documents[0])
        return f"/vsizip/{file.resolve()}/{main}"
    return f"/vsizip/{file.resolve()}"


def check_archive(file: Path) -> list[str]:
    """Names of the members of a zip archive that is inside limits.

    Raises
    ------
    InputError
        If the archive is damaged, a member would land outside the folder, or it would unfold beyond limits
        (2,000 members, 4 GB, 200 times its size).
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file.name} is not a whole zip archive; it seems to be cut off. Download it again."
        ) from error
    if len(members) > MAX_MEMBERS:
        raise InputError(
            f"{file.name} holds {len(members):,} files, more than {MAX_MEMBERS:,}; unpack what is needed "
            "first."
        )
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in member.filename:
            raise InputError(
                f"{file.name} holds a file that would be placed outside its folder; it was refused."
            )
    unpacked = sum(m.file_size for m in members)
    packed = max(sum(m.compress_size for m in members), 1)
    if unpacked > MAX_BYTES or (unpacked > _SMALL and unpacked / packed > MAX_RATIO):
        raise InputError(
            f"{file.name} would unfold to {unpacked / 1024**2:,.0f} MB, {unpacked / packed:,.0f} times its "
            "size; it was refused. Unpack it by hand if you trust it."
        )
    return [m.filename for m in members if not m.is_dir()]


def without_indentation(file: Path) -> io.BytesIO:
    """A spreadsheet (ODS) without the line ends between its elements, over which some readers stumble.

    GIS programs write such files.
    """
    check_archive(file)
    out = io.BytesIO()
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as slim:
        for member in archive.infolist():
            data = archive.read(member)
            if member.filename == "content.xml":
                data = re.sub(rb">\s*\n\s*<", b"><", data)
            slim.writestr(member.filename, data)
    out.seek(0)
    return out
