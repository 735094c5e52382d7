"""Files larger than memory: the columns that are needed, some hundred thousand rows at a time.

The door to Arrow for streams. Row ids are those that reading the whole file would give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.errors import InputError, MissingExtraError
from safemap.intake.columns import require_columns
from safemap.intake.delimited_pieces import CsvStream, open_csv
from safemap.intake.tables import existing_file, read_table

if TYPE_CHECKING:
    import pandas as pd

#: rows in which the form of numbers and dates is looked for
HEAD_ROWS = 10_000
_TEXT = {".csv", ".tsv", ".txt", ".tab"}
_PARQUET = {".parquet", ".geoparquet", ".pq"}


@dataclass(frozen=True)
class Stream:
    """One or several inputs as a row of frames."""

    source: str  #: name for messages and audits
    format: str
    pieces: tuple[Piece, ...]
    columns: tuple[str, ...]  #: of the first file
    facts: Mapping[str, Any] = field(default_factory=dict)  #: further fields of the load report
    ahead: tuple[pd.DataFrame, ...] = ()  #: first frames of those that can be read only once

    def head(self, columns: Sequence[str]) -> pd.DataFrame:
        """The first :data:`HEAD_ROWS` rows of the first file, whatever the size of the batches."""
        import pandas as pd

        if self.ahead:
            return pd.concat([frame[list(columns)] for frame in self.ahead])[:HEAD_ROWS]
        taken, frames = 0, []
        batches = self.pieces[0].batches(columns, HEAD_ROWS) if self.pieces else iter(())
        for frame in batches:
            frames.append(frame)
            taken += len(frame)
            if taken >= HEAD_ROWS:
                break
        return pd.concat(frames)[:HEAD_ROWS] if frames else pd.DataFrame({c: [] for c in columns}, dtype=str)

    @property
    def rows(self) -> int | None:
        """Rows in all, where they are known beforehand."""
        known = [piece.rows for piece in self.pieces]
        return None if any(n is None for n in known) else sum(n for n in known if n is not None)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a stream that can be read without the others, in another process too."""

    rows: int | None = None
    name: str = ""  #: of the file, where there are several
    before: int = 0  #: rows of the same file in earlier pieces

    def batches(self, columns: Sequence[str], size: int) -> Iterator[pd.DataFrame]:
        """Frames of at most `size` rows."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ParquetPiece(Piece):
    """Row groups of a Parquet file."""

    path: Path
    groups: tuple[int, ...]

    def batches(self, columns: Sequence[str], size: int) -> Iterator[pd.DataFrame]:
        """Frames made of Arrow record batches; texts that repeat stay dictionaries."""
        import pandas as pd

        row = self.before + 2
        with _parquet(self.path, columns) as file:
            for batch in file.iter_batches(size, row_groups=list(self.groups), columns=list(columns)):
                frame = batch.to_pandas()[list(columns)]
                frame.index = pd.RangeIndex(row, row + len(frame), name="row")
                row += len(frame)
                yield frame


@dataclass(frozen=True, kw_only=True)
class CsvPiece(Piece):
    """A whole text file: where a record begins is known only from its start."""

    stream: CsvStream

    def batches(self, columns: Sequence[str], size: int) -> Iterator[pd.DataFrame]:
        """Frames of text."""
        return self.stream.frames(columns, size)


@dataclass(frozen=True, kw_only=True)
class FramePiece(Piece):
    """Frames, Arrow tables or record batches that are at hand or made one after the other."""

    frames: Iterable[Any]
    index: bool = False  #: whether row ids are the index of the frames
    source: str = "frames"

    def batches(self, columns: Sequence[str], size: int) -> Iterator[pd.DataFrame]:
        """The frames, cut where they are larger than `size`."""
        import pandas as pd

        row = 2
        for given in self.frames:
            frame = _as_frame(given)
            require_columns(frame.columns, {f"column {c}": c for c in columns}, source=self.source)
            for start in range(0, len(frame), size):
                part = frame.iloc[start : start + size][list(columns)]
                if not self.index:
                    part = part.set_axis(pd.RangeIndex(row, row + len(part), name="row"))
                row += len(part)
                yield part


def open_stream(
    source: Any, *, encoding: str | None = None, delimiter: str | None = None, group_rows: int = 4_000_000
) -> Stream:
    """Open files, or frames that come one after the other, for reading in pieces.

    Parameters
    ----------
    source : path, sequence of paths, DataFrame, or iterable of frames
        A Parquet or delimited text file (also gzipped), a folder of Parquet files, several files, a frame, or
        any iterable of frames, Arrow tables or record batches. Other files are read whole.
    encoding, delimiter : str, optional
        Of text files; found in the first part of each if not given.
    group_rows : int
        Row groups of a Parquet file are gathered into pieces of about as many rows.

    Returns
    -------
    Stream
        Row ids are row numbers as a spreadsheet shows them; of several files each begins anew.

    Raises
    ------
    InputError
        If a file is missing, empty or broken, or the files do not have the same columns.

    Examples
    --------
    >>> import pandas as pd
    >>> stream = open_stream(pd.DataFrame({"lon": [1.0, 2.0, 3.0], "lat": [0.0, 0.0, 0.0]}))
    >>> [len(batch) for piece in stream.pieces for batch in piece.batches(["lon"], 2)]
    [2, 1]
    """
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return _from_frame(source)
    if isinstance(source, (str, Path)):
        folder = Path(source)
        if not folder.is_dir():
            return _from_file(folder, encoding, delimiter, group_rows)
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in _PARQUET)
        if not files:
            raise InputError(f"{folder.name}: the folder holds no Parquet file. Name the files themselves.")
        return _from_files(files, encoding, delimiter, group_rows, name=folder.name)
    if isinstance(source, Sequence) and source and all(isinstance(p, (str, Path)) for p in source):
        return _from_files([Path(p) for p in source], encoding, delimiter, group_rows)
    if not isinstance(source, Iterable):
        raise InputError(
            "expected a file, a list of files, a frame, or frames one after the other; got "
            f"{type(source).__name__}."
        )
    first, others = [], iter(source)
    for frame in others:
        first.append(_as_frame(frame))
        if sum(map(len, first)) >= HEAD_ROWS:
            break
    columns = tuple(map(str, first[0].columns)) if first else ()
    piece = FramePiece(frames=chain(first, others))
    return Stream("frames", "frame", (piece,), columns, ahead=tuple(first))


def _from_frame(frame: pd.DataFrame) -> Stream:
    raw = read_table(frame)
    piece = FramePiece(frames=(raw.frame,), rows=len(raw.frame), index=True, source=raw.source)
    return Stream(raw.source, "frame", (piece,), tuple(map(str, raw.frame.columns)))


def _from_files(
    files: list[Path],
    encoding: str | None,
    delimiter: str | None,
    group_rows: int,
    *,
    name: str | None = None,
) -> Stream:
    streams = [_from_file(file, encoding, delimiter, group_rows) for file in files]
    first = streams[0]
    for stream in streams[1:]:
        if set(stream.columns) != set(first.columns):
            other = sorted(set(stream.columns) ^ set(first.columns))
            raise InputError(
                f"{stream.source} does not have the columns of {first.source}: they differ in "
                f"{', '.join(map(repr, other[:5]))}. Files that are read together need the same columns."
            )
    pieces = tuple(replace(piece, name=stream.source) for stream in streams for piece in stream.pieces)
    words = name or (first.source if len(streams) == 1 else f"{first.source} and {len(streams) - 1} more")
    return Stream(words, first.format, pieces, first.columns, first.facts)


def _from_file(path: Path, encoding: str | None, delimiter: str | None, group_rows: int) -> Stream:
    file = existing_file(path)
    suffixes = [s.lower() for s in file.suffixes[-2:]]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
    if kind in _TEXT:
        text = open_csv(file, encoding=encoding, delimiter=delimiter)
        facts = {
            "encoding": text.encoding, "encoding_score": text.score, "delimiter": text.delimiter,
            "header_row": text.header_row,
        }  # fmt: skip
        return Stream(file.name, "csv", (CsvPiece(stream=text),), text.header, facts)
    if kind in _PARQUET:
        return _from_parquet(file, group_rows)
    raw = read_table(file)
    piece = FramePiece(frames=(raw.frame,), rows=len(raw.frame), index=True, source=raw.source)
    return Stream(raw.source, raw.format, (piece,), tuple(map(str, raw.frame.columns)), raw.facts)


def _from_parquet(file: Path, group_rows: int) -> Stream:
    with _parquet(file, ()) as parquet:
        sizes = [parquet.metadata.row_group(i).num_rows for i in range(parquet.metadata.num_row_groups)]
        columns = tuple(parquet.schema_arrow.names)
    pieces: list[Piece] = []
    groups: list[int] = []
    before = rows = 0
    for i, size in enumerate(sizes):
        groups.append(i)
        rows += size
        if rows >= group_rows or i == len(sizes) - 1:
            pieces.append(ParquetPiece(path=file, groups=tuple(groups), rows=rows, before=before))
            before, rows, groups = before + rows, 0, []
    return Stream(file.name, "parquet", tuple(pieces), columns, {"header_row": 1})


def _parquet(file: Path, columns: Sequence[str]) -> Any:
    """An open Parquet file; columns of text are read as dictionaries, which is quicker and smaller."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError(
            f'{file.name} is a Parquet file, which needs pyarrow: pip install "safemap[big]" '
            "(conda: conda install pyarrow).",
            library="pyarrow",
        ) from error
    try:
        schema = parquet.read_schema(file)
        texts = [
            c
            for c in columns
            if c in schema.names
            and (
                arrow.types.is_string(schema.field(c).type)
                or arrow.types.is_large_string(schema.field(c).type)
            )
        ]
        return parquet.ParquetFile(file, read_dictionary=texts, pre_buffer=False)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(
            f"{file.name} cannot be read as Parquet; it may be cut off or damaged. Export or download it "
            "again.",
            file=file.name,
        ) from error


def _as_frame(given: Any) -> pd.DataFrame:
    """A frame, Arrow table or record batch as a frame."""
    import pandas as pd

    if isinstance(given, pd.DataFrame):
        return given
    if hasattr(given, "to_pandas"):
        frame = given.to_pandas()
        if isinstance(frame, pd.DataFrame):
            return frame
    raise InputError(
        "frames, Arrow tables or record batches were expected one after the other; got "
        f"{type(given).__name__}."
    )
