"""Workbooks that are the same bytes on every machine.

Libraries stamp the time of writing and their own version into a workbook, and compressors differ between
versions: parts are stored uncompressed here, in a fixed order, with a fixed date.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | float | None

_START = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip archive can hold
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # characters that no XML document can hold


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Cell]]], *, merged: Mapping[str, Sequence[str]] | None = None
) -> bytes:
    """Content of an XLSX file.

    Parameters
    ----------
    sheets : mapping of str to rows
        Name of a sheet (31 characters at most) to its rows; text, whole numbers, numbers, or None for an
        empty cell. Text stays text, however much it looks like a number or a date.
    merged : mapping of str to sequence of str, optional
        Name of a sheet to ranges of merged cells, such as ``"A1:F1"`` of a title row.

    Returns
    -------
    bytes
        The same for the same sheets, on every machine.

    Examples
    --------
    >>> import io, pandas as pd
    >>> content = workbook({"blocks": [["code", "people"], ["007", 12]]})
    >>> pd.read_excel(io.BytesIO(content), dtype={"code": str}, engine="calamine").values.tolist()
    [['007', 12]]
    """
    strings: dict[str, int] = {}
    parts = {
        f"xl/worksheets/sheet{i}.xml": _sheet(rows, strings, (merged or {}).get(name, ()))
        for i, (name, rows) in enumerate(sheets.items(), start=1)
    }
    parts = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _book(list(sheets)),
        "xl/_rels/workbook.xml.rels": _relations(
            [
                *(("worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)),
                ("styles", "styles.xml"),
                ("sharedStrings", "sharedStrings.xml"),
            ]
        ),
        "xl/styles.xml": _STYLES,
        "xl/sharedStrings.xml": _shared(strings),
        **parts,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, _START)
            entry.create_system = 3  # otherwise the archive tells Windows from the rest
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (_XML + text).encode("utf-8"))
    return buffer.getvalue()


def column_letters(position: int) -> str:
    """Name of a column, counted from 0.

    Examples
    --------
    >>> [column_letters(i) for i in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    letters = ""
    while position >= 0:
        position, rest = divmod(position, 26)
        letters, position = chr(65 + rest) + letters, position - 1
    return letters


def _sheet(rows: Sequence[Sequence[Cell]], strings: dict[str, int], merged: Sequence[str]) -> str:
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(_cell(f"{column_letters(i)}{number}", v, strings) for i, v in enumerate(row))
        lines.append(f'<row r="{number}">{cells}</row>')
    ranges = "".join(f"<mergeCell ref={quoteattr(r)}/>" for r in merged)
    after = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetData>\n' + "\n".join(lines) + f"\n</sheetData>{after}</worksheet>"
    )


def _cell(reference: str, value: Cell, strings: dict[str, int]) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return f'<c r="{reference}" t="s"><v>{strings.setdefault(value, len(strings))}</v></c>'
    return f'<c r="{reference}"><v>{value!r}</v></c>'


def _shared(strings: Mapping[str, int]) -> str:
    items = "\n".join(
        f'<si><t xml:space="preserve">{escape(_FORBIDDEN.sub("", text))}</t></si>' for text in strings
    )
    return f'<sst xmlns="{_MAIN}" uniqueCount="{len(strings)}">\n{items}\n</sst>'


def _book(names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{i}" r:id="rId{i}"/>'
        for i, name in enumerate(names, start=1)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


def _content_types(sheets: int) -> str:
    parts = {
        "/xl/workbook.xml": "sheet.main",
        "/xl/styles.xml": "styles",
        "/xl/sharedStrings.xml": "sharedStrings",
        **{f"/xl/worksheets/sheet{i}.xml": "worksheet" for i in range(1, sheets + 1)},
    }
    overrides = "".join(
        f'<Override PartName="{name}" ContentType="{_TYPE}.{kind}+xml"/>' for name, kind in parts.items()
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
