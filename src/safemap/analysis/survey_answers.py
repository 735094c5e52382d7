"""Answers as numbers: what counts as a yes, what is a declared missing code, and what was never declared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safemap.errors import InputError
from safemap.intake.columns import fold, is_missing
from safemap.intake.numbers import read_numbers

if TYPE_CHECKING:
    import pandas as pd

#: codes that questionnaires use for no answer, where they lie far above all other values
_USUAL_CODES = frozenset({77, 88, 97, 98, 99, 777, 888, 997, 998, 999, 7777, 8888, 9998, 9999})
_USUAL_CODES_BELOW = frozenset({-1, -7, -8, -9, -77, -88, -97, -98, -99, -888, -998, -999, -9999})

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")  # not all that float() takes: 1_0 and 1e5 are codes

Codes = Any  #: one value or several


class Answers(NamedTuple):
    """One column of answers."""

    values: NDArray[np.float64]  #: NaN where there is no usable answer
    reasons: NDArray[np.object_]  #: why not, a code of the audit; "" where there is one


def answer_key(value: object) -> float | str:
    """What makes two answers the same: the number where there is one (9, "9" and "09"), else the folded text.

    Examples
    --------
    >>> answer_key("09") == answer_key(9), answer_key(" Yes ") == answer_key("yes")
    (True, True)
    """
    if isinstance(value, (bool, np.bool_)):
        return float(value)
    text = fold(value)
    return float(text) if _NUMBER.fullmatch(text) else text


def is_any(column: pd.Series, wanted: Codes) -> NDArray[np.bool_]:
    """True where the answer is one of `wanted`; each distinct value is looked at once."""
    import pandas as pd

    keys = {answer_key(v) for v in listed(wanted)}
    codes, distinct = pd.factorize(column, use_na_sentinel=True)
    return np.array([answer_key(v) in keys for v in distinct] + [False], dtype=bool)[codes]


def shares(
    column: pd.Series, *, success: Codes, missing: Codes, scale: Sequence[float] | None, source: str
) -> Answers:
    """0 and 1: whether the answer is one of `success`; without it the column itself must hold 0 and 1."""
    empty, declared = _no_answer(column, missing, success)
    usable = ~(empty | declared)
    _check_scale(column, usable, scale, source)
    if success is None:
        yes, no = is_any(column, [1, True, "true"]), is_any(column, [0, False, "false"])
        other = usable & ~yes & ~no
        if other.any():
            raise InputError(
                f"{source}: column {column.name!r} holds answers other than 0 and 1 in {int(other.sum()):,} "
                f"rows (rows {_some(column.index[other])}). Say which answers count with success=, such as "
                "success=('3', '4'), and which mean no answer with missing=, such as missing=(9, 99).",
                rows=column.index[other].tolist()[:100],
            )
    else:
        yes = is_any(column, success)
        if not yes[usable].any() and not _known_to_scale(success, scale):
            raise InputError(
                f"{source}: success={success!r} does not occur in column {column.name!r}. Check the codes; "
                "if nobody gave this answer, state the scale as well, scale=(lowest, highest)."
            )
    return Answers(np.where(usable, yes.astype(float), np.nan), _reasons(empty, declared))


def amounts(column: pd.Series, *, missing: Codes, scale: Sequence[float] | None, source: str) -> Answers:
    """Numbers, with undeclared missing codes refused."""
    empty, declared = _no_answer(column, missing, None)
    numbers = read_numbers(_values(column), source=source)
    empty = empty | (numbers.missing & ~declared)
    usable = ~(empty | declared)
    unreadable = usable & np.isnan(numbers.values)
    if unreadable.any():
        raise InputError(
            f"{source}: column {column.name!r} holds something else than a number in "
            f"{int(unreadable.sum()):,} rows (rows {_some(column.index[unreadable])}). Declare codes for no "
            "answer with missing=, or correct the file.",
            rows=column.index[unreadable].tolist()[:100],
        )
    _check_scale(column, usable, scale, source)
    if scale is None and missing is None:
        _refuse_usual_codes(column, numbers.values, usable, source)
    return Answers(np.where(usable, numbers.values, np.nan), _reasons(empty, declared))


def selected(frame: pd.DataFrame, where: Mapping[str, Codes] | None) -> NDArray[np.bool_]:
    """True for the rows that satisfy every condition of `where` (column to value or values)."""
    out = np.ones(len(frame), dtype=bool)
    for column, allowed in (where or {}).items():
        out &= is_any(frame[column], allowed)
    return out


def listed(values: Codes) -> list[Any]:
    """One value, or several, as a list."""
    if values is None:
        return []
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, set, frozenset, np.ndarray)):
        return [values]
    return sorted(values, key=str) if isinstance(values, (set, frozenset)) else list(values)


def refuse_unlisted(
    column: pd.Series, usable: NDArray[np.bool_], choices: Sequence[str], source: str
) -> None:
    """Raise where an answer is no choice of the form: probably a missing code that nobody declared."""
    if not choices:
        return
    unlisted = usable & ~is_any(column, list(choices))
    if unlisted.any():
        raise InputError(
            f"{source}: {int(unlisted.sum()):,} answers in column {column.name!r} are none of the choices of "
            f"the form (rows {_some(column.index[unlisted])}). Declare them as no answer with missing=, or "
            "correct the file.",
            rows=column.index[unlisted].tolist()[:100],
        )


def _no_answer(
    column: pd.Series, missing: Codes, success: Codes
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows without an answer, and rows with a declared missing code.

    In a column typed by a form every category is an answer ("none" and "NA" are usual codes). In other
    columns the words that stand for nothing are no answers, unless missing codes were stated or the word is
    one of `success`.
    """
    import pandas as pd

    declared = is_any(column, missing)
    empty = column.isna().to_numpy(dtype=bool)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        words = is_missing(column).to_numpy(dtype=bool)
        empty = empty | (words & ~is_any(column, success) if missing is None else is_any(column, ""))
    return empty & ~declared, declared


def _values(column: pd.Series) -> pd.Series:
    """A column of categories as text, so that codes can be read as numbers."""
    import pandas as pd

    return column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column


def _reasons(empty: NDArray[np.bool_], declared: NDArray[np.bool_]) -> NDArray[np.object_]:
    return np.select([declared, empty], ["declared_missing", "missing_answer"], "").astype(object)


def _known_to_scale(success: Codes, scale: Sequence[float] | None) -> bool:
    keys = [answer_key(v) for v in listed(success)]
    return scale is not None and all(isinstance(k, float) and scale[0] <= k <= scale[-1] for k in keys)


def _check_scale(
    column: pd.Series, usable: NDArray[np.bool_], scale: Sequence[float] | None, source: str
) -> None:
    """Raise where an answer lies beyond the labels of the scale: a missing code that nobody declared."""
    if scale is None:
        return
    low, high = float(scale[0]), float(scale[-1])
    values = read_numbers(_values(column), source=source).values
    beyond = usable & ~((values >= low) & (values <= high))
    if beyond.any():
        found = sorted({f"{v:g}" for v in values[beyond] if np.isfinite(v)})[:5]
        raise InputError(
            f"{source}: column {column.name!r} has the scale {low:g} to {high:g}, but {int(beyond.sum()):,} "
            f"answers lie beyond it{' (' + ', '.join(found) + ')' if found else ''}, rows "
            f"{_some(column.index[beyond])}. If they mean no answer, declare them: "
            f"missing=({', '.join(found) or '...'},).",
            rows=column.index[beyond].tolist()[:100],
        )


def _refuse_usual_codes(
    column: pd.Series, values: NDArray[np.float64], usable: NDArray[np.bool_], source: str
) -> None:
    """Raise where the extreme values are usual missing codes, far from everything else."""
    v = values[usable]
    coded = np.isin(v, list(_USUAL_CODES))
    rest = v[~coded]
    above = coded & (v > 2 * (rest.max() if len(rest) else np.inf))
    below = np.isin(v, list(_USUAL_CODES_BELOW)) & bool((rest >= 0).any())
    suspects = sorted({f"{x:g}" for x in v[above | below]})
    if suspects:
        raise InputError(
            f"{source}: column {column.name!r} holds {', '.join(suspects)}, which often mean no answer and "
            f"would be averaged in. Declare them, missing=({', '.join(suspects)},), or state that they are "
            "values, missing=().",
            codes=suspects,
        )


def _some(rows: pd.Index) -> str:
    return ", ".join(str(r) for r in rows[:5]) + (" ..." if len(rows) > 5 else "")
