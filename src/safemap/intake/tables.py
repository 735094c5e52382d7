"""Any file of records as one table: delimited text, workbooks, Parquet, layers of points, frames."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import InputError, MissingExtraError, SafemapError
from safemap.intake.archives import without_indentation
from safemap.intake.columns import fold
from safemap.intake.delimited import clean_header, parse_delimited
from safemap.intake.encoding import decode
from safemap.intake.sheets import lay_out, not_records
from safemap.intake.statistical_files import ENDINGS, read_statistical

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_TEXT = {".csv", ".tsv", ".txt", ".tab"}
_BOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
_VECTOR = {".gpkg", ".geojson", ".json", ".shp", ".kml", ".kmz", ".fgb", ".gml", ".zip"}
#: columns that the reader of KML adds to every layer; those that say nothing are left out
_KML_OWN = (
    "timestamp",
    "begin",
    "end",
    "altitudeMode",
    "tessellate",
    "extrude",
    "visibility",
    "drawOrder",
    "icon",
)
#: largest size to which a compressed file may unfold
MAX_UNPACKED = 4 * 1024**3


@dataclass(frozen=True)
class RawTable:
    """A table as it is in the file, before any column is interpreted."""

    frame: pd.DataFrame  #: index ``row``
    source: str
    format: str
    facts: dict[str, Any] = field(default_factory=dict)  #: further fields of the load report
    notes: tuple[str, ...] = ()
    points: gpd.GeoSeries | None = None  #: geometry of a layer of points
    not_records: pd.Series | None = None  #: rows of a sheet that are totals or footnotes, with the reason


def read_table(
    path: str | Path | pd.DataFrame,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | Sequence[str] | None = None,
    layer: str | None = None,
    header: int | tuple[int, int] | None = None,
) -> RawTable:
    """Read a file of records, or take over a frame.

    Parameters
    ----------
    path : path or DataFrame
        CSV, TSV (also gzipped), XLSX and other workbooks, Parquet, SPSS, Stata, a layer of points, or a
        frame.
    encoding, delimiter : str, optional
        For text files; detected if not given. The encoding also of SPSS and Stata files.
    sheet : str or sequence of str, optional
        Sheet of a workbook; must be given where there are several. A list of sheets, or ``"all"``, becomes
        one
        table with a column ``sheet`` and rows named ``sheet!row``.
    layer : str, optional
        Layer of a geographic file; must be given where there are several.
    header : int or (int, int), optional
        Row of a sheet that holds the column names, or its first and last row; found if not given.

    Raises
    ------
    InputError
        If the file is missing, empty, of an unknown kind, or broken.
    """
    import pandas as pd

    if isinstance(path, pd.DataFrame):
        return _from_frame(path)
    file = existing_file(path)
    suffixes = [s.lower() for s in file.suffixes[-2:]]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
    if header is not None and kind not in _BOOKS:
        raise InputError(
            f"{file.name}: header= is for workbooks only; the header of other files is their first line."
        )
    if kind in _TEXT:
        return _from_text(file, encoding=encoding, delimiter=delimiter)
    if kind in _BOOKS:
        return _from_book(file, sheet, header)
    if kind in (".parquet", ".geoparquet"):
        return _from_parquet(file)
    if kind in ENDINGS:
        frame, facts, notes = read_statistical(file, encoding=encoding)
        frame.index = _spreadsheet_rows(len(frame))
        return RawTable(frame, file.name, kind[1:], facts, notes)
    if kind in _VECTOR:
        return _from_layer(file, layer)
    raise InputError(
        f"{file.name}: files ending in {kind or 'nothing'} are not known. Give CSV, TSV, XLSX, XLS, "
        "ODS, Parquet, SPSS (.sav), Stata (.dta), GeoPackage, GeoJSON, KML or a zipped shapefile."
    )


@contextmanager
def _reading(file: Path, what: str) -> Iterator[None]:
    """Turn whatever a foreign reader raises on a damaged file into one sentence.

    The readers raise what the byte at hand leads to (KeyError, TypeError, UnicodeDecodeError, errors of zlib,
    GEOS, PROJ and GDAL), so every exception is caught here; it stays in the chain as the cause.
    """
    try:
        yield
    except (SafemapError, MemoryError):
        raise
    except Exception as error:
        why = _WHY.get(type(error).__name__, "")
        raise InputError(
            f"{file.name} cannot be read as {what}.{why} Export or download it again.", file=file.name
        ) from error


#: what the errors of some readers mean for the person with the file
_WHY = {
    "GEOSException": " A geometry in it is not closed or not whole.",
    "CRSError": " Its coordinate system (for a shapefile: the .prj) is damaged.",
    "UnicodeDecodeError": " A text in it is not in the encoding that the file states.",
}


def existing_file(path: str | Path) -> Path:
    """`path` as a :class:`~pathlib.Path`, if there is a file with something in it."""
    file = Path(path)
    if not file.exists():
        raise InputError(
            f"{file.name}: no such file in {file.parent}. Check the path; it is taken from the working "
            "folder."
        )
    if file.is_file() and file.stat().st_size == 0:
        raise InputError(f"{file.name} is empty (0 bytes). Check that the export or the download finished.")
    return file


def _from_frame(frame: pd.DataFrame) -> RawTable:
    import geopandas as gpd
    import pandas as pd

    points = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else None
    table = pd.DataFrame(frame.drop(columns=points.name) if points is not None else frame)
    table.attrs = {}
    table.columns = [str(c) for c in table.columns]
    notes: tuple[str, ...] = ()
    if table.index.is_unique and not table.index.hasnans and table.index.nlevels == 1:
        table.index = table.index.rename("row")
        notes = ("row ids are the index of the frame",)
    else:
        table.index = _spreadsheet_rows(len(table))
        notes = ("the index of the frame is not unique, so rows are numbered from 2, as in a spreadsheet",)
    return RawTable(table, "frame", "frame", notes=notes, points=points)


def _spreadsheet_rows(n: int) -> pd.RangeIndex:
    import pandas as pd

    return pd.RangeIndex(2, n + 2, name="row")


def _from_text(file: Path, *, encoding: str | None, delimiter: str | None) -> RawTable:
    decoded = decode(_bytes(file), encoding=encoding, source=file.name)
    parsed = parse_delimited(decoded.text, delimiter=delimiter, source=file.name)
    facts = {
        "encoding": decoded.encoding,
        "encoding_score": decoded.score,
        "delimiter": parsed.delimiter,
        "header_row": parsed.header_row,
    }
    return RawTable(parsed.frame, file.name, "csv", facts, decoded.notes + parsed.notes)


def _bytes(file: Path) -> bytes:
    """Content of a text file, unpacked inside limits where it is gzipped."""
    if file.suffix.lower() != ".gz":
        return file.read_bytes()
    with _reading(file, "a whole gzip file; it may be cut off or damaged"), gzip.open(file) as stream:
        data = stream.read(MAX_UNPACKED + 1)
    if len(data) > MAX_UNPACKED:
        raise InputError(f"{file.name} unfolds to more than {MAX_UNPACKED / 1024**3:.0f} GB and was refused.")
    return data


def _from_book(
    file: Path, sheet: str | Sequence[str] | None, header: int | tuple[int, int] | None = None
) -> RawTable:
    """One sheet of a workbook, or several below each other; every cell as text, as a CSV would have it."""
    with _reading(file, "a workbook; it may be damaged or have the wrong ending"):
        book = _open_book(file)
        filled = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for name in _sheets(book, sheet, file)
        }
    empty = [name for name, rows in filled.items() if not any(any(c != "" for c in row) for row in rows)]
    filled = {name: rows for name, rows in filled.items() if name not in empty}
    if not filled:
        raise InputError(
            f"{file.name} is empty: no sheet of it holds any cell. Check that the export finished."
        )
    if len(filled) > 1 and sheet is None:
        raise InputError(
            f"{file.name} has several sheets with data: {', '.join(map(repr, filled))}. Name one with "
            'sheet=, or several that have the same columns: sheet=["...", "..."] or sheet="all".',
            sheets=list(filled),
        )
    with _reading(file, "a workbook; a merged range in it is damaged"):
        merged = {name: book.get_sheet_by_name(name).merged_cell_ranges or () for name in filled}
    tables = {name: _from_sheet(file, name, rows, merged[name], header) for name, rows in filled.items()}
    if sheet is None or (isinstance(sheet, str) and sheet in tables):
        return next(iter(tables.values()))
    return _below_each_other(file, tables, empty)


def _open_book(file: Path) -> Any:
    import python_calamine as calamine

    try:
        return calamine.CalamineWorkbook.from_path(str(file))
    except calamine.CalamineError:
        if file.suffix.lower() != ".ods":
            raise
        return calamine.CalamineWorkbook.from_filelike(without_indentation(file))


def _from_sheet(
    file: Path, name: str, rows: Sequence[Sequence[Any]], merged: Any, header: int | tuple[int, int] | None
) -> RawTable:
    import pandas as pd

    layout = lay_out(rows, merged=merged, header=header, source=file.name)
    names = clean_header([_cell_text(c) for c in layout.names])
    cells = [[_cell_text(c) for c in row] for row in rows[layout.body :]]
    beside = not_records(cells)
    frame = pd.DataFrame(cells, columns=names, dtype=str)
    frame.index = pd.RangeIndex(layout.body + 1, layout.body + 1 + len(frame), name="row")
    records = np.array([i not in beside for i in range(len(frame))], dtype=bool)
    nameless = [n.startswith("column_") and (frame.loc[records, n] == "").all() for n in names]
    blank = (frame == "").all(axis=1).to_numpy()
    frame = frame.loc[:, [not empty for empty in nameless]]
    notes = layout.notes
    if blank.any():
        notes += (f"{int(blank.sum())} blank lines are not counted as rows",)
    facts = {"sheet": name, "header_row": layout.last + 1}
    aside = pd.Series({frame.index[i]: why for i, why in beside.items()}, dtype=object)
    aside.index = aside.index.astype(frame.index.dtype) if len(aside) else frame.index[:0]
    return RawTable(
        frame[~blank], file.name, file.suffix[1:].lower(), facts, notes, not_records=aside if beside else None
    )


def _below_each_other(file: Path, tables: dict[str, RawTable], empty: Sequence[str]) -> RawTable:
    """Several sheets as one table: the same columns in any order, rows named ``sheet!row``."""
    import pandas as pd

    names = list(tables)
    first = tables[names[0]].frame.columns
    frames, aside = [], []
    notes = [
        f"{len(names)} sheets were put below each other: {', '.join(map(repr, names))}; column 'sheet' "
        "says which"
    ]
    if empty:
        notes.append(f"sheets without any cell were left out: {', '.join(map(repr, empty))}")
    for name, raw in tables.items():
        frame = raw.frame.rename(columns=_as_in(first, raw.frame.columns))
        differ = sorted(set(frame.columns) ^ set(first))
        if differ:
            raise InputError(
                f"{file.name}: sheets {names[0]!r} and {name!r} do not have the same columns: they differ in "
                f"{', '.join(map(repr, differ[:8]))}{' ...' if len(differ) > 8 else ''}. Name the sheets "
                "that belong "
                "together with sheet=[...], or correct the headers.",
                sheets=[names[0], name],
                columns=differ,
            )
        own = "sheet" if "sheet" not in first else "sheet_of_file"
        ids = pd.Index([f"{name}!{row}" for row in frame.index], name="row", dtype=object)
        frames.append(frame[list(first)].set_axis(ids).assign(**{own: name}))
        if raw.not_records is not None:
            aside.append(raw.not_records.set_axis([f"{name}!{row}" for row in raw.not_records.index]))
        notes += [f"sheet {name!r}: {note}" for note in raw.notes]
    facts = {"sheet": ", ".join(names), "header_row": tables[names[0]].facts["header_row"]}
    beside = pd.concat(aside) if aside else None
    return RawTable(
        pd.concat(frames), file.name, file.suffix[1:].lower(), facts, tuple(notes), not_records=beside
    )


def _as_in(first: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Columns that are those of the first sheet but for case, width and spacing."""
    known = {fold(c): c for c in first}
    return {c: known[fold(c)] for c in columns if c not in first and fold(c) in known}


def _sheets(book: Any, sheet: str | Sequence[str] | None, file: Path) -> Sequence[str]:
    if sheet is None or (sheet == "all" and "all" not in book.sheet_names):
        return book.sheet_names
    wanted = [sheet] if isinstance(sheet, str) else list(sheet)
    for name in wanted:
        if name not in book.sheet_names:
            raise InputError(
                f"{file.name}: sheet={name!r}, but its sheets are {', '.join(map(repr, book.sheet_names))}."
            )
    if not wanted or len(set(wanted)) < len(wanted):
        raise InputError(f"{file.name}: sheet={sheet!r} should name one or more sheets, each once.")
    return wanted


def _cell_text(cell: Any) -> str:
    """A cell as a CSV export would write it; whole numbers without a decimal point, so that ids stay ids."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def _from_parquet(file: Path) -> RawTable:

    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError(
            f'{file.name} is a Parquet file, which needs pyarrow: pip install "safemap[parquet]" '
            "(conda: conda install pyarrow)."
        ) from error
    with _reading(file, "Parquet; it may be cut off or damaged"):
        table = parquet.read_table(file)
        table.validate(full=True)  # otherwise a text that is no UTF-8 comes to light later, somewhere else
        frame = table.to_pandas() if b"geo" not in (table.schema.metadata or {}) else _geoparquet(file)
    raw = _from_frame(frame.reset_index(drop=True))
    raw.frame.index = _spreadsheet_rows(len(raw.frame))
    return RawTable(raw.frame, file.name, "parquet", {"header_row": 1}, points=raw.points)


def _geoparquet(file: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd

    return gpd.read_parquet(file)


def _from_layer(file: Path, layer: str | None) -> RawTable:
    frame, name, notes = read_layer(file, layer)
    raw = _from_frame(frame.reset_index(drop=True))
    raw.frame.index = _spreadsheet_rows(len(raw.frame))
    return RawTable(raw.frame, file.name, "vector", {"layer": name}, notes, raw.points)


def read_layer(file: Path, layer: str | None = None) -> tuple[gpd.GeoDataFrame, str, tuple[str, ...]]:
    """One layer of a geographic file, its name, and what the reader had to say.

    Raises
    ------
    InputError
        If the file holds several layers and none is named, or cannot be read.
    """
    import geopandas as gpd
    import pyogrio

    from safemap.intake.archives import vector_path

    target = vector_path(file)
    what = "a geographic file; it may be damaged, cut off, or lack its companions (.dbf, .shx of a shapefile)"
    with warnings.catch_warnings(record=True) as said, _reading(file, what):
        warnings.simplefilter("always")
        layers = {str(n): kind for n, kind in pyogrio.list_layers(target)}
        spatial = [n for n, kind in layers.items() if kind is not None]
        name = _choose_layer(spatial, list(layers), layer, file)
        frame = gpd.read_file(target, layer=name, engine="pyogrio")
        if file.suffix.lower() in (".kml", ".kmz"):
            frame = _without_kml_columns(frame)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(
            f"{file.name}, layer {name!r}: the layer has no geometry. Name another one with layer=."
        )
    return frame, name, tuple(dict.fromkeys(str(w.message) for w in said))


def _without_kml_columns(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Without the columns of drawing that every KML layer gets, where they hold one value or none."""
    silent = [c for c in _KML_OWN if c in frame.columns and frame[c].nunique(dropna=False) <= 1]
    return frame.drop(columns=silent)


def _choose_layer(spatial: list[str], every: list[str], layer: str | None, file: Path) -> str:
    if layer is not None:
        if layer not in every:
            raise InputError(
                f"{file.name}: layer={layer!r}, but its layers are {', '.join(map(repr, every))}.",
                layers=every,
            )
        return layer
    if not spatial:
        raise InputError(f"{file.name} holds no layer with geometry.")
    if len(spatial) > 1:
        raise InputError(
            f"{file.name} has several layers: {', '.join(map(repr, spatial))}. Name one with layer=.",
            layers=spatial,
        )
    return spatial[0]


def points_of(raw: RawTable) -> tuple[np.ndarray, np.ndarray, Any]:
    """Coordinates (NaN where there is no geometry) and CRS of a layer of points."""
    import shapely

    geometry = raw.points.to_numpy()
    kinds = set(np.unique(shapely.get_type_id(geometry)).tolist()) - {-1}
    if kinds - {0}:
        raise InputError(
            f"{raw.source} holds lines, areas or multipoints where points of incidents were expected. "
            "Explode multipoints first, or name the right layer with layer=."
        )
    return shapely.get_x(geometry), shapely.get_y(geometry), raw.points.crs
