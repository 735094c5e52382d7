"""Themes of an assessment, and how an offence comes to be recorded: by a victim, or by the police looking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from safemap.errors import ConfigError
from safemap.offences.iccs import check_codes

if TYPE_CHECKING:
    import pandas as pd

DetectionBasis = Literal["victim_reported", "police_initiated", "mixed"]

#: Theme to the codes (with everything below them) it is made of. A code may belong to several themes.
THEMES: Mapping[str, tuple[str, ...]] = {
    "violence": ("01", "0201", "0202", "0205", "0207", "0208", "03", "04"),
    "property": ("04", "05"),
    "corruption": ("0703",),
    "trafficking": ("0203", "0204"),
    "firearms": ("0901",),
    "drugs": ("06",),
    "illicit_finance": ("0704",),
    "counterfeit_goods": ("0503", "0702"),
    "violent_extremism": ("0906",),
}

#: Codes that are recorded because police, customs or inspectors went looking, not because a victim came.
DETECTION_BASIS: Mapping[str, DetectionBasis] = {
    "0601": "police_initiated",
    "0602": "police_initiated",
    "0901": "police_initiated",
    "0802": "police_initiated",
    "0805": "police_initiated",
    "0704": "police_initiated",
    "0204": "mixed",
}


def tag_themes(codes: pd.Series, *, themes: Mapping[str, Sequence[str]] = THEMES) -> pd.DataFrame:
    """Which themes each record belongs to.

    Parameters
    ----------
    codes : pandas.Series
        ICCS codes as text, one per record.
    themes : mapping of str to codes
        Theme to the codes it is made of, each with everything below it. :data:`THEMES` unless given.

    Returns
    -------
    pandas.DataFrame
        Index of `codes`; one boolean column per theme, and ``themes`` (number of themes of the record).
        ``frame.attrs["overlap"]`` is the number of records in more than one theme, so that nobody adds the
        columns up.

    Examples
    --------
    >>> import pandas as pd
    >>> tagged = tag_themes(pd.Series(["0401", "0502", "0703", "XX"]))
    >>> tagged["themes"].tolist(), tagged.attrs["overlap"]
    ([2, 1, 1, 0], 1)
    """
    import pandas as pd

    for members in themes.values():
        check_codes(members)
    numbers, distinct = pd.factorize(codes.astype(object))
    columns = {}
    for theme, members in themes.items():
        inside = np.array([str(code).startswith(tuple(members)) for code in distinct] + [False], dtype=bool)
        columns[theme] = inside[numbers]
    frame = pd.DataFrame(columns, index=codes.index)
    frame["themes"] = frame.sum(axis=1).astype(int)
    frame.attrs["overlap"] = int((frame["themes"] > 1).sum())
    return frame


def detection_basis(codes: pd.Series, *, table: Mapping[str, DetectionBasis] = DETECTION_BASIS) -> pd.Series:
    """How each record came to be known.

    Where the police find an offence by looking (drug possession, weapons), a map of the records is a map of
    where they looked; the consensus on harm indices reports such offences apart.

    Parameters
    ----------
    codes : pandas.Series
        ICCS codes as text.
    table : mapping of str to {"victim_reported", "police_initiated", "mixed"}
        Code to basis, for the code and everything below it; the longest code that fits decides, and what
        is not listed is ``victim_reported``.

    Returns
    -------
    pandas.Series
        Same index, text.

    References
    ----------
    Sherman, L., Neyroud, P. W., Neyroud, E. (2016). The Cambridge Crime Harm Index. Policing 10, 171-183.
    doi:10.1093/police/paw003

    Examples
    --------
    >>> import pandas as pd
    >>> detection_basis(pd.Series(["0601", "0401", "0204"])).tolist()
    ['police_initiated', 'victim_reported', 'mixed']
    """
    import pandas as pd

    bases = ("victim_reported", "police_initiated", "mixed")
    wrong = sorted(set(table.values()) - set(bases))
    if wrong:
        raise ConfigError(f"A detection basis is one of {', '.join(bases)}; got {', '.join(wrong)}.")
    check_codes(table)
    longest_first = sorted(table, key=len, reverse=True)
    numbers, distinct = pd.factorize(codes.astype(object))

    def basis(code: object) -> str:
        return next((table[c] for c in longest_first if str(code).startswith(c)), "victim_reported")

    found = np.array([*map(basis, distinct), "victim_reported"], dtype=object)
    return pd.Series(found[numbers], index=codes.index, name="detection_basis")
