"""A table of correspondences: read, checked, its conditions compared with records (and never run)."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from safemap.errors import CrosswalkError, InputError
from safemap.intake.columns import fold, require_columns
from safemap.offences.iccs import UNMAPPED, check_codes

if TYPE_CHECKING:
    import pandas as pd

#: Crosswalks that come with safemap, by name.
BUILT_IN = ("mexico_city",)
_MATCHES = ("full", "partial", "none")
_CONDITION = re.compile(r"^\s*(?P<column>.+?)\s*(?P<sign><=|>=|!=|=|<|>)\s*(?P<value>.*?)\s*$")


def read_rules(table: str | Path | pd.DataFrame, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rules: index the folded local code, in the order of the table; checked."""
    import pandas as pd

    if isinstance(table, str) and table in BUILT_IN:
        file = resources.files("safemap.offences") / "crosswalks" / f"{table}.csv"
        with file.open(encoding="utf-8") as opened:
            rules = pd.read_csv(opened, dtype=str, keep_default_na=False)
    elif isinstance(table, pd.DataFrame):
        rules = table.copy()
    else:
        if not Path(table).is_file():
            raise InputError(
                f"{Path(table).name}: no such file. Give a CSV, a DataFrame, or one of {', '.join(BUILT_IN)}."
            )
        rules = pd.read_csv(table, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for name in ("local_code", "iccs", "match"):
        require_columns(rules.columns, {name: name}, source="crosswalk")
    rules = rules.reindex(columns=["local_code", "iccs", "condition", "match", "share"])
    rules["share"] = pd.to_numeric(rules["share"].replace("", np.nan), errors="coerce").astype(float)
    texts = ["local_code", "iccs", "condition", "match"]
    rules[texts] = rules[texts].astype(object).fillna("").astype(str).apply(lambda c: c.str.strip())
    _check_rules(rules, known)
    rules.loc[rules["match"] == "none", "iccs"] = UNMAPPED
    rules["share"] = rules["share"].fillna(1.0)
    return rules.set_index(rules["local_code"].map(fold)).drop(columns="local_code")


def _check_rules(rules: pd.DataFrame, known: pd.DataFrame | None) -> None:
    wrong = sorted(set(rules["match"]) - set(_MATCHES))
    if wrong:
        raise CrosswalkError(f"match must be full, partial or none; got {', '.join(map(repr, wrong[:3]))}.")
    coded = rules["match"] != "none"
    empty = rules.loc[coded & (rules["iccs"] == ""), "local_code"]
    if len(empty):
        raise CrosswalkError(
            f"{empty.iloc[0]!r} has no ICCS code. Give one, or match = none where there is none."
        )
    check_codes(rules.loc[coded, "iccs"], known=known)
    for (code, condition), group in rules.groupby([rules["local_code"].map(fold), "condition"], sort=False):
        where = f"{code!r}" + (f" with {condition}" if condition else "")
        if len(group) == 1 and group["share"].isna().all():
            continue
        if group["share"].isna().any():
            raise CrosswalkError(
                f"{where} has {len(group)} rows; give each a share, or conditions that differ."
            )
        if (group["share"] <= 0).any() or abs(group["share"].sum() - 1) > 1e-9:
            raise CrosswalkError(
                f"{where}: shares must be positive and sum to 1; they sum to {group['share'].sum():g}."
            )


def holds(frame: pd.DataFrame, rows: np.ndarray, condition: str) -> np.ndarray:
    """True for each of `rows` where every comparison of the condition holds."""
    met = np.ones(len(rows), dtype=bool)
    for comparison in re.split(r"\s+and\s+", condition) if condition else []:
        read = _CONDITION.match(comparison)
        if read is None:
            raise CrosswalkError(
                f"The condition {comparison!r} cannot be read; write column = value, or != < <= > >= for =."
            )
        require_columns(frame.columns, {"condition": read["column"]}, source="records")
        met &= _compared(frame[read["column"]].iloc[rows], read["sign"], read["value"])
    return met


def _compared(values: pd.Series, sign: str, wanted: str) -> np.ndarray:
    import pandas as pd

    if sign in ("=", "!="):
        equal = values.map(lambda v: fold(v) if v == v and v is not None else "").isin(
            [fold(w) for w in wanted.split("|")]
        )
        return (equal if sign == "=" else ~equal).to_numpy()
    try:
        limit = float(wanted)
    except ValueError:
        raise CrosswalkError(f"{sign} compares with a number; got {wanted!r}.") from None
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[sign]
    return compare(numbers, limit)  # a missing number satisfies no comparison
