"""The load report: what was decided about a file while it was read, and on what ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class LoadReport:
    """How one file became one table.

    Attributes
    ----------
    source : str
        Name of the file, without its folder.
    format : str
        ``csv``, ``xlsx``, ``xls``, ``ods``, ``parquet``, ``sav``, ``dta``, ``vector`` or ``frame``.
    rows : int
        Rows of data found; blank lines are not rows.
    columns : tuple of str
        Columns of the file, in its order.
    encoding, encoding_score : str, float or None
        Encoding of a text file, and how plausible the decoded text looks (0 to 1; None when it was stated).
    delimiter, decimal : str or None
        Field delimiter, and decimal mark of the numeric columns that were read.
    header_row : int or None
        Row of the column names as a spreadsheet counts.
    sheet, layer : str or None
        Sheet of a workbook, layer of a geographic file.
    crs : str or None
        Coordinate system of ``x`` and ``y``.
    roles : mapping of str to str
        Role (``lon``, ``lat``, ``date``, ``category`` ...) to column.
    date_rule : str or None
        How dates were read, in words.
    reasons : mapping of str to str
        Why a column got its role, for each role that was not named by hand.
    unknown_columns : tuple of str
        Columns that the mapping file in use does not know.
    value_labels, missing_codes : mapping of str to mapping
        Of SPSS and Stata files: column to code and label, and the codes declared as missing that occur.
    notes : tuple of str
        Everything else that a reader of the data should know.

    Examples
    --------
    >>> report = LoadReport(source="a.csv", format="csv", rows=2, columns=("lon", "lat"), delimiter=";")
    >>> print(report.summary())
    a.csv: 2 rows, 2 columns (csv)
      delimiter: ;
    """

    source: str
    format: str
    rows: int
    columns: tuple[str, ...]
    encoding: str | None = None
    encoding_score: float | None = None
    delimiter: str | None = None
    decimal: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    layer: str | None = None
    crs: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    date_rule: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    unknown_columns: tuple[str, ...] = ()
    value_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The report in a few lines."""
        lines = [f"{self.source}: {self.rows:,} rows, {len(self.columns)} columns ({self.format})"]
        if self.encoding is not None:
            ground = "as stated" if self.encoding_score is None else f"score {self.encoding_score:.2f}"
            lines.append(f"  encoding: {self.encoding} ({ground})")
        if self.delimiter is not None:
            lines.append(f"  delimiter: {_DELIMITER_NAMES.get(self.delimiter, self.delimiter)}")
        named = {"decimal mark": self.decimal, "sheet": self.sheet, "layer": self.layer, "crs": self.crs}
        lines += [f"  {name}: {value}" for name, value in named.items() if value is not None]
        if self.roles:
            lines.append(
                "  columns used: " + ", ".join(f"{role} = {col}" for role, col in self.roles.items())
            )
        lines += [f"    {role}: {why}" for role, why in self.reasons.items()]
        if self.unknown_columns:
            lines.append(f"  not in the mapping: {', '.join(self.unknown_columns)}")
        if self.date_rule is not None:
            lines.append(f"  dates: {self.date_rule}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        out = asdict(self)
        return {
            k: list(v) if isinstance(v, tuple) else dict(v) if isinstance(v, Mapping) else v
            for k, v in out.items()
        }


_DELIMITER_NAMES = {"\t": "tab", ",": "comma"}
