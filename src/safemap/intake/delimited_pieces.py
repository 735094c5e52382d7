"""Delimited text larger than memory: the same rules as for a whole text, piece by piece.

Encoding, delimiter and header are found in the first part of the file, which is the same whatever the size of
the pieces; what contradicts them later is an error that names the argument to state them with.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from safemap.errors import InputError
from safemap.intake.delimited import (
    detect_delimiter,
    find_header,
    frame_of_text,
    parse_delimited,
    require_even_lines,
)
from safemap.intake.encoding import decode

if TYPE_CHECKING:
    import pandas as pd

#: bytes in which encoding, delimiter and header are looked for
_HEAD = 1 << 22
#: bytes read at once
_PIECE = 1 << 23


@dataclass(frozen=True)
class CsvStream:
    """A delimited text file that is read in pieces."""

    path: Path
    encoding: str
    score: float | None
    delimiter: str
    header: tuple[str, ...]
    header_lines: int
    header_row: int
    old_lines: bool  #: lines end with a lone carriage return

    def frames(self, columns: Sequence[str], size: int) -> Iterator[pd.DataFrame]:
        """Frames of text of at most `size` rows with the columns asked for; index row id.

        Raises
        ------
        InputError
            If a line has more or fewer fields than the header, a quoted field never ends, or bytes do not
            exist in the encoding.
        """
        row, line = self.header_row + 1, self.header_lines
        for text, final in self._texts():
            require_even_lines(
                text, self.delimiter, len(self.header), self.path.name, before=line, final=final
            )
            frame = self._frame(text, columns)
            frame.index = frame.index + (row - frame.index.start)
            row, line = row + len(frame), line + text.count("\n")
            frame = frame[~self._blank(frame, text)][list(columns)]
            for start in range(0, len(frame), size):
                yield frame.iloc[start : start + size]

    def _frame(self, text: str, columns: Sequence[str]) -> pd.DataFrame:
        """The columns asked for; where quotes may hide line ends, all of them."""
        only = None if '"' in text else list(columns)
        return frame_of_text(text, self.delimiter, 0, list(self.header), only=only)

    def _blank(self, frame: pd.DataFrame, text: str) -> pd.Series:
        """Lines that hold no cell at all, which are no rows."""
        empty = (frame == "").all(axis=1)
        if len(self.header) == 1 or not empty.any() or frame.shape[1] == len(self.header):
            return empty if len(self.header) > 1 else frame.iloc[:, 0].str.strip() == ""
        lines = text.split("\n")  # only some columns were read, so the line itself decides
        marks = "\r" + self.delimiter
        return empty & np.array([not line.strip(marks) for line in lines[: len(frame)]], dtype=bool)

    def _texts(self) -> Iterator[tuple[str, bool]]:
        """Pieces of text that end where a record ends, without the header; and whether it is the last."""
        rest, skip = "", self.header_lines
        decoder = codecs.getincrementaldecoder(self.encoding)(
            "strict" if self.score in (None, 1.0) else "replace"
        )
        with _open(self.path) as file:
            while True:
                data = file.read(_PIECE)
                text = rest + self._decoded(decoder, data)
                for _ in range(skip):
                    text = text[text.index("\n") + 1 :] if "\n" in text else ""
                skip = 0
                if not data:
                    if text:
                        yield text, True
                    return
                end = _record_end(text)
                rest = text[end:]
                if end:
                    yield text[:end], False

    def _decoded(self, decoder: codecs.IncrementalDecoder, data: bytes) -> str:
        try:
            text = decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.path.name}: its first part reads as {self.encoding}, but later bytes do not exist in "
                "it. State encoding=, e.g. encoding='cp1252' or encoding='cp1251'.",
                encoding=self.encoding,
            ) from error
        return text.replace("\r", "\n") if self.old_lines else text


def open_csv(file: Path, *, encoding: str | None = None, delimiter: str | None = None) -> CsvStream:
    """Look at the first part of a text file and open it for reading in pieces.

    Raises
    ------
    InputError
        If the file is empty or no text, or the delimiter or encoding cannot be what was stated.
    """
    with _open(file) as stream:
        head = stream.read(_HEAD)
    if len(head) == _HEAD:
        head = head[: head.rfind(b"\n") + 1] or head
    decoded = decode(head, encoding=encoding, source=file.name)
    text = decoded.text
    old = "\r" in text and "\n" not in text
    text = text.replace("\r", "\n") if old else text
    if delimiter is not None and len(delimiter) != 1:
        raise InputError(f"delimiter must be one character such as ',' or ';'; got {delimiter!r}.")
    mark = delimiter or detect_delimiter(text)
    header, lines = find_header(text, mark, file.name)
    # the number of the first row is a matter of the header alone, so the rule for whole texts may say it
    upper = "".join(line + "\n" for line in text.split("\n")[:lines])
    header_row = parse_delimited(upper, delimiter=mark, source=file.name).header_row
    name = decoded.encoding
    if name.lower().replace("_", "-") in ("utf-8", "utf8"):
        name = "utf-8-sig"
    return CsvStream(file, name, decoded.score, mark, tuple(header), lines, header_row, old)


def _open(file: Path) -> BinaryIO:
    if file.suffix.lower() == ".gz":
        return cast("BinaryIO", gzip.open(file))
    return file.open("rb")


def _record_end(text: str) -> int:
    """Position behind the last line end that is not inside quotes; 0 if there is none."""
    end = text.rfind("\n") + 1
    if '"' not in text:
        return end
    while end and text.count('"', 0, end) % 2:
        end = text.rfind("\n", 0, end - 1) + 1
    return end
