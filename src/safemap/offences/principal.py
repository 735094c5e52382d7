"""One incident, several offences: count all, the most serious, or the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from safemap.errors import ConfigError, InputError
from safemap.intake.columns import require_columns
from safemap.offences.iccs import UNMAPPED

if TYPE_CHECKING:
    import pandas as pd

OffenceRule = Literal["all", "most_serious", "first"]


def principal_offence(
    records: pd.DataFrame,
    *,
    incident: str,
    rule: OffenceRule,
    severity: Mapping[str, float] | None = None,
    iccs: str = "iccs",
) -> pd.DataFrame:
    """The records that count, where one incident holds several offences.

    Parameters
    ----------
    records : pandas.DataFrame
        One row per offence.
    incident : str
        Column that says which rows are one incident.
    rule : {"all", "most_serious", "first"}
        Every offence; the one with the highest severity (the first of equals); the first row.
    severity : mapping of str to float, optional
        ICCS code to weight, higher is more serious; the longest code that fits decides. Needed for
        ``most_serious``, and must cover every code but ``XX`` (which ranks below all).
    iccs : str
        Column of ICCS codes.

    Returns
    -------
    pandas.DataFrame
        The rows kept, unchanged and in order. ``attrs["conservation"]`` holds ``offences``, ``incidents``,
        ``kept`` and ``not_counted``, and offences = kept + not_counted.

    Raises
    ------
    InputError
        If an incident has no id, or a code has no severity.

    Examples
    --------
    >>> import pandas as pd
    >>> offences = pd.DataFrame({"case": [1, 1, 2], "iccs": ["0502", "0101", "0401"]})
    >>> severity = {"01": 9, "04": 5, "05": 2}
    >>> kept = principal_offence(offences, incident="case", rule="most_serious", severity=severity)
    >>> kept["iccs"].tolist(), kept.attrs["conservation"]["not_counted"]
    (['0101', '0401'], 1)
    """
    require_columns(records.columns, {"incident": incident, "iccs": iccs}, source="records")
    if rule not in ("all", "most_serious", "first"):
        raise ConfigError(f"rule must be all, most_serious or first; got {rule!r}.")
    ids = records[incident]
    if ids.isna().any():
        raise InputError(
            f"{int(ids.isna().sum()):,} rows have no {incident}: which incident they belong to is not known. "
            "Give each its own id where it stands alone."
        )
    if rule == "all":
        kept = records.copy()
    elif rule == "first":
        kept = records[~ids.duplicated()].copy()
    else:
        weights = _severities(records[iccs], severity)
        order = np.lexsort((np.arange(len(records)), -weights))
        first = ~ids.iloc[order].duplicated().to_numpy()
        kept = records.iloc[np.sort(order[first])].copy()
    kept.attrs["conservation"] = {
        "offences": len(records),
        "incidents": int(ids.nunique()),
        "kept": len(kept),
        "not_counted": len(records) - len(kept),
        "rule": rule,
    }
    return kept


def _severities(codes: pd.Series, severity: Mapping[str, float] | None) -> np.ndarray:
    if not severity:
        raise ConfigError("rule='most_serious' needs severity=, a weight for each ICCS code or section.")
    longest_first = sorted(severity, key=len, reverse=True)
    weights = {}
    for code in codes.unique():
        found = next((c for c in longest_first if str(code).startswith(c)), None)
        if found is None and code != UNMAPPED:
            raise InputError(
                f"severity gives no weight for {code}. Add it, its division or its section.", code=code
            )
        weights[code] = -np.inf if found is None else float(severity[found])
    return codes.map(weights).to_numpy(dtype=float)
