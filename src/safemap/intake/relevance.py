"""Who was asked a question: the conditions of a questionnaire, evaluated on the answers.

The part of XPath that skips in questionnaires are made of: comparisons, ``and``, ``or``, ``not()``,
``selected()``, ``${question}``, texts and numbers. Anything else, or a question that is not in the file,
makes the condition unknown where it matters. Nothing is ever executed: the text is split into tokens and
parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_TOKEN = re.compile(
    r"\s*(?:(\$\{[^}]+\})|('[^']*'|\"[^\"]*\")|(\d+(?:\.\d+)?)|(<=|>=|!=|=|<|>)|([()])|(,)|([A-Za-z][\w:-]*)|(\S))"
)


class UnknownConditionError(ValueError):
    """The condition uses something beyond the part of the language that is read here."""


class _Value(NamedTuple):
    """A value per respondent: text, or for a question that was not exported nothing."""

    text: pd.Series | None


Lookup = Callable[[str], "pd.Series | None"]
Selected = Callable[[str, str], "pd.Series | None"]


def evaluate(condition: str, index: pd.Index, *, answers: Lookup, selected: Selected) -> pd.Series:
    """Whether the condition holds, per respondent.

    Parameters
    ----------
    condition : str
        As in the column ``relevant`` of an XLSForm.
    index : Index
        Ids of the respondents.
    answers : callable
        Question to its answers as text, empty where there is none; None if the question is not in the file.
    selected : callable
        Question and choice to whether it was selected; None if the question is not in the file.

    Returns
    -------
    Series of boolean
        Missing where it cannot be known.

    Raises
    ------
    UnknownConditionError
        If the condition uses something that is not read here.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"sex": ["f", "m", "f"], "age": ["17", "40", ""]})
    >>> asked = "${sex} = 'f' and ${age} >= 15"
    >>> evaluate(asked, data.index, answers=data.get, selected=lambda q, c: None).tolist()
    [True, False, False]
    """
    parser = _Parser(_tokens(condition), index, answers, selected)
    result = parser.either()
    if parser.rest():
        raise UnknownConditionError(condition)
    return parser.truth(result)


def _tokens(text: str) -> list[tuple[str, str]]:
    kinds = ("question", "text", "number", "compare", "bracket", "comma", "word", "other")
    out = []
    for match in _TOKEN.finditer(text.strip()):
        kind = next(k for k, g in zip(kinds, match.groups(), strict=True) if g is not None)
        out.append((kind, match.group().strip()))
    return out


class _Parser:
    """Recursive descent over the tokens; each method reads one level of precedence."""

    def __init__(
        self, tokens: list[tuple[str, str]], index: pd.Index, answers: Lookup, selected: Selected
    ) -> None:
        self.tokens, self.index, self.answers, self.selected = tokens, index, answers, selected
        self.at = 0

    def rest(self) -> bool:
        return self.at < len(self.tokens)

    def either(self) -> pd.Series | _Value:
        left = self.both()
        while self._take("word", "or"):
            right = self.truth(self.both())
            left = self.truth(left) | right
        return left

    def both(self) -> pd.Series | _Value:
        left = self.comparison()
        while self._take("word", "and"):
            right = self.truth(self.comparison())
            left = self.truth(left) & right
        return left

    def comparison(self) -> pd.Series | _Value:
        left = self.operand()
        if self.rest() and self.tokens[self.at][0] == "compare":
            sign = self._next()[1]
            right = self.operand()
            if not (isinstance(left, _Value) and isinstance(right, _Value)):
                raise UnknownConditionError(sign)
            return self._compare(left, sign, right)
        return left

    def operand(self) -> pd.Series | _Value:
        kind, text = self._next()
        if kind == "question":
            return _Value(self.answers(text[2:-1].strip()))
        if kind == "text":
            return self._constant(text[1:-1])
        if kind == "number":
            return self._constant(text)
        if (kind, text) == ("bracket", "("):
            inner = self.either()
            self._expect(")")
            return inner
        if kind == "word":
            return self._function(text)
        raise UnknownConditionError(text)

    def truth(self, value: pd.Series | _Value) -> pd.Series:
        """A value as true or false; a text is true if there is something in it."""
        if not isinstance(value, _Value):
            return value
        return self._unknown() if value.text is None else (value.text != "").astype("boolean")

    def _function(self, name: str) -> pd.Series | _Value:
        self._expect("(")
        if name in ("true", "false"):
            self._expect(")")
            return self._all(name == "true")
        if name == "not":
            inner = ~self.truth(self.either())
            self._expect(")")
            return inner
        if name in ("selected", "jr:selected"):
            question, comma, choice = self._next(), self._next(), self._next()
            if (question[0], comma[0], choice[0]) != ("question", "comma", "text"):
                raise UnknownConditionError(name)
            self._expect(")")
            found = self.selected(question[1][2:-1].strip(), choice[1][1:-1])
            return self._unknown() if found is None else found.fillna(False).astype("boolean")
        raise UnknownConditionError(name)

    def _compare(self, left: _Value, sign: str, right: _Value) -> pd.Series:
        import pandas as pd

        if left.text is None or right.text is None:
            return self._unknown()
        a, b = (pd.to_numeric(v.text, errors="coerce").to_numpy(dtype=float) for v in (left, right))
        if sign in ("=", "!="):
            numbers = ~np.isnan(a) & ~np.isnan(b)
            same = np.where(
                numbers, a == b, left.text.to_numpy(dtype=object) == right.text.to_numpy(dtype=object)
            )
            return self._series(same if sign == "=" else ~same.astype(bool))
        holds = {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[sign]  # never with an empty answer
        return self._series(holds)

    def _constant(self, text: str) -> _Value:
        import pandas as pd

        return _Value(pd.Series([text] * len(self.index), index=self.index, dtype=object))

    def _series(self, values: np.ndarray) -> pd.Series:
        import pandas as pd

        return pd.Series(np.asarray(values, dtype=bool), index=self.index, dtype="boolean")

    def _all(self, value: bool) -> pd.Series:
        return self._series(np.full(len(self.index), value))

    def _unknown(self) -> pd.Series:
        import pandas as pd

        return pd.Series(pd.NA, index=self.index, dtype="boolean")

    def _take(self, kind: str, text: str) -> bool:
        if self.rest() and self.tokens[self.at] == (kind, text):
            self.at += 1
            return True
        return False

    def _next(self) -> tuple[str, str]:
        if not self.rest():
            raise UnknownConditionError("the condition ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, bracket: str) -> None:
        if not self._take("bracket", bracket):
            raise UnknownConditionError(f"{bracket} expected")
