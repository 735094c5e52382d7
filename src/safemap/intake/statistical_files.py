"""SPSS and Stata files: value labels kept, codes declared as missing kept apart, the encoding as stated.

The door to pyreadstat.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = frozenset({".sav", ".zsav", ".dta"})
#: a column beside the one whose missing codes it tells
MISSING_SUFFIX = "_missing"


def read_statistical(
    file: Path, *, encoding: str | None = None
) -> tuple[pd.DataFrame, dict[str, Any], tuple[str, ...]]:
    """Read a ``.sav``, ``.zsav`` or ``.dta`` file.

    Parameters
    ----------
    file : Path
        The file.
    encoding : str, optional
        Encoding of its texts, where the file states none or a wrong one (old files).

    Returns
    -------
    (DataFrame, dict, tuple of str)
        The table, facts for the load report, and notes. A column whose values have labels holds the labels,
        as categories in the order of the codes: it is never taken for numbers. Codes declared as missing
        (ranges of SPSS, .a to .z of Stata) are missing, and the column ``<name>_missing`` says which code it
        was. Facts are ``value_labels`` and ``missing_codes``: column to {code: label}.

    Raises
    ------
    MissingExtraError
        If pyreadstat is not installed.
    InputError
        If the file is damaged, or its texts are in another encoding.
    """
    frame, meta = _read(file, encoding)
    if frame.shape[1] == 0:
        raise InputError(f"{file.name} holds no columns. Check that the export finished.")
    out: dict[str, Any] = {}
    labels_of: dict[str, dict[str, str]] = {}
    missing_of: dict[str, dict[str, str]] = {}
    notes: list[str] = []
    for name in map(str, frame.columns):
        labels = {_code(k): str(v).strip() for k, v in meta.variable_value_labels.get(name, {}).items()}
        gone = _declared_missing(frame[name], meta, name)
        codes = frame[name][gone].map(_code)
        if labels:
            labels_of[name] = labels
        out[name] = _values(frame[name].mask(gone) if gone.any() else frame[name], labels, name, notes)
        if gone.any():
            missing_of[name] = {c: labels.get(c, "") for c in sorted(set(codes))}
            beside = _free_name(f"{name}{MISSING_SUFFIX}", frame.columns)
            out[beside] = codes.map(lambda c, k=labels: k.get(c) or c).reindex(frame.index)
    if missing_of:
        notes.append(
            f"codes declared as missing are missing in {', '.join(map(repr, missing_of))}; the columns "
            "ending in "
            f"{MISSING_SUFFIX!r} say which code it was"
        )  # fmt: skip
    if labels_of:
        notes.append(
            f"value labels of {len(labels_of)} columns are kept; the codes are in report.value_labels"
        )
    import pandas as pd

    facts = {
        "encoding": encoding or meta.file_encoding, "header_row": 1,
        "value_labels": labels_of, "missing_codes": missing_of,
    }  # fmt: skip
    return pd.DataFrame(out, index=frame.index), facts, tuple(notes)


def _read(file: Path, encoding: str | None) -> tuple[pd.DataFrame, Any]:
    try:
        import pyreadstat
    except ImportError as error:
        raise MissingExtraError(
            f"{file.name} is a file of SPSS or Stata, which needs pyreadstat: pip install "
            '"safemap[stats-files]".'
        ) from error
    read = pyreadstat.read_dta if file.suffix.lower() == ".dta" else pyreadstat.read_sav
    try:
        return read(str(file), encoding=encoding, user_missing=True)
    except MemoryError:
        raise
    except Exception as error:  # the reader raises what the byte at hand leads to
        texts = isinstance(error, UnicodeError) or any(
            w in str(error).lower() for w in ("encod", "convert", "string")
        )
        why = (
            " A text in it is not in the encoding that the file states: give encoding=, e.g. 'cp1251' or "
            "'latin-1'."
            if texts
            else ""
        )
        raise InputError(
            f"{file.name} cannot be read as a file of "
            f"{'Stata' if file.suffix.lower() == '.dta' else 'SPSS'}; it "
            f"may be damaged or cut off.{why} Export it again.",
            file=file.name,
        ) from error


def _declared_missing(column: pd.Series, meta: Any, name: str) -> pd.Series:
    """True where the value is a code that the file declares as missing."""
    import pandas as pd

    gone = pd.Series(False, index=column.index)
    stata = set(meta.missing_user_values.get(name, ()))
    if stata:
        gone |= column.isin(stata)
    for span in meta.missing_ranges.get(name, ()):
        low, high = span["lo"], span["hi"]
        if isinstance(low, str) or isinstance(high, str):
            gone |= column.astype(str).str.strip() == str(low).strip()
        elif column.dtype.kind in "iuf":
            gone |= (column >= low) & (column <= high)
    return gone & column.notna()


def _values(column: pd.Series, labels: Mapping[str, str], name: str, notes: list[str]) -> pd.Series:
    """Labels where the values have them, else whole numbers, numbers, dates or text."""
    import pandas as pd

    distinct = [_code(v) for v in pd.unique(column.dropna())]
    labelled = [c for c in distinct if c in labels]
    if labels and (len(labelled) * 2 >= len(distinct) if distinct else True):
        return _labelled(column, labels)
    if labelled:
        notes.append(
            f"column {name!r} holds numbers, but {', '.join(map(repr, sorted(labelled)))} have labels and "
            "are not "
            "declared as missing; check whether they are codes for no answer"
        )
    if column.dtype.kind == "O":
        first = next(iter(column.dropna()), None)
        if type(first).__name__ == "date":
            return pd.Series(pd.to_datetime(column, errors="coerce"), index=column.index)
        if type(first).__name__ == "time":
            return column.map(str, na_action="ignore").astype("str")
        if first is not None and not any(isinstance(v, str) for v in column.dropna()):
            column = pd.to_numeric(column, errors="coerce")  # codes for missing were among the numbers
    if column.dtype.kind == "f" and column.notna().any() and (column.dropna() % 1 == 0).all():
        whole = np.abs(column.dropna()).max() < 2**53
        return column.astype("Int64" if column.isna().any() else "int64") if whole else column
    if column.dtype.kind in "iufbM":
        return column
    return column.map(lambda v: str(v).strip(), na_action="ignore").astype("str")


def _labelled(column: pd.Series, labels: Mapping[str, str]) -> pd.Series:
    """Labels as categories; a label that two codes share carries its code, a code without label stays."""
    import pandas as pd

    shared = {text for text in labels.values() if list(labels.values()).count(text) > 1}
    words = {c: f"{text} ({c})" if text in shared or not text else text for c, text in labels.items()}
    told = column.map(lambda v: words.get(_code(v), _code(v)), na_action="ignore")
    others = [v for v in pd.unique(told.dropna()) if v not in set(words.values())]
    return pd.Series(
        pd.Categorical(told, categories=[*dict.fromkeys(words.values()), *others]), index=column.index
    )


def _code(value: Any) -> str:
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value).strip()


def _free_name(name: str, taken: Any) -> str:
    while name in set(map(str, taken)):
        name += "_"
    return name
