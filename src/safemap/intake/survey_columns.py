"""Columns of an export and the questions they answer: groups, labels as headers, several choices at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from safemap.errors import InputError
from safemap.intake.columns import fold, is_missing
from safemap.intake.numbers import read_numbers
from safemap.intake.xlsform import Codebook, Question

if TYPE_CHECKING:
    import pandas as pd

#: how exports write a group before a question: Kobo and ODK offer a choice
_SEPARATORS = ("/", "-", ":", ".")
_NUMERIC = ("integer", "decimal", "range")
_TRUE, _FALSE = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})


class Meaning(NamedTuple):
    """What a column of an export holds."""

    question: Question
    choice: str | None = None  #: one choice of a select_multiple, with a column of its own


@dataclass
class Coded:
    """Columns of a table as the form describes them."""

    frame: pd.DataFrame
    columns: dict[str, str] = field(default_factory=dict)  #: path of a question to its column
    options: dict[str, dict[str, str]] = field(default_factory=dict)  #: path to {choice: its boolean column}
    flags: dict[str, pd.Index] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def match_columns(
    headers: list[str], codebook: Codebook, *, language: str | None = None
) -> dict[str, Meaning]:
    """Which question (or choice) each column holds; columns of no question are left out.

    Names come before labels; a header that could mean two questions means none.
    """
    known: dict[str, Meaning | None] = {}
    for strong in (True, False):
        fresh: dict[str, Meaning | None] = {}
        for question in codebook:
            for header, meaning in _headers(question, codebook, language, names=strong):
                taken = fresh.get(header, meaning)
                fresh[header] = meaning if taken == meaning else None
        known = {**fresh, **known}
    return {h: meaning for h in headers if (meaning := known.get(h)) is not None}


def code_answers(
    table: pd.DataFrame, codebook: Codebook, *, language: str | None, strip_groups: bool, source: str
) -> Coded:
    """The table with typed answers: numbers, categories in the order of the form, booleans per choice.

    A select_multiple in any layout becomes one nullable boolean column per choice, ``<question>/<choice>``:
    true or false for those who were asked and answered, missing for the others.
    """
    meanings = match_columns([str(c) for c in table.columns], codebook, language=language)
    out = Coded(table.iloc[:, :0].copy())
    collected: dict[str, pd.Series] = {}
    for header in map(str, table.columns):
        meaning = meanings.get(header)
        if meaning is None or meaning.choice is not None:
            if meaning is None:
                _add(collected, header, _text(table[header]), source)
            continue
        name = meaning.question.name if strip_groups else header
        _add(
            collected, name, _typed(table[header], meaning.question, codebook, out, language, source), source
        )
        out.columns[meaning.question.path] = name
    for question in codebook:
        if question.type == "select_multiple":
            for name, column in _booleans(
                table, question, meanings, codebook, out, strip_groups, source, language
            ):
                _add(collected, name, column, source)
    out.frame = _frame(collected, table.index)
    return out


def _headers(
    question: Question, codebook: Codebook, language: str | None, *, names: bool
) -> Iterator[tuple[str, Meaning]]:
    """Headers under which a question and its choices may stand: names, or labels."""
    texts = _names(question) if names else _labels(question.labels, codebook, language)
    for text in texts:
        yield text, Meaning(question)
    if question.type != "select_multiple":
        return
    for choice in codebook.choices.get(question.list_name or "", ()):
        ends = [choice.name] if names else [choice.name, *_labels(choice.labels, codebook, language)]
        for text in texts:
            for end in ends:
                yield f"{text}/{end}", Meaning(question, choice.name)
            if names:
                yield f"{text}_{choice.name}", Meaning(question, choice.name)


def _names(question: Question) -> list[str]:
    return list(
        dict.fromkeys([question.name, *(s.join((*question.groups, question.name)) for s in _SEPARATORS)])
    )


def _labels(labels: Mapping[str, str], codebook: Codebook, language: str | None) -> list[str]:
    """Labels as a header shows them: on one line; in one language where it is stated."""
    if language is None:
        texts = list(labels.values())
    else:
        texts = [codebook._text(labels, language)]
    return list(dict.fromkeys(" ".join(t.split()) for t in texts if t))


def _add(collected: dict[str, pd.Series], name: str, column: pd.Series, source: str) -> None:
    if name in collected:
        raise InputError(
            f"{source}: two columns would be named {name!r} without their groups. Read the file with "
            "groups='keep'."
        )
    collected[name] = column


def _text(column: pd.Series) -> pd.Series:
    return column if column.dtype.kind in "iufbM" else column.where(~is_missing(column), None)


def _blank(column: pd.Series) -> pd.Series:
    """True where nothing is written; words such as 'none' may be codes of a form."""
    return column.isna() | (column.astype(str).str.strip() == "")


def _typed(
    column: pd.Series, question: Question, codebook: Codebook, out: Coded, language: str | None, source: str
) -> pd.Series:
    import pandas as pd

    if question.type in _NUMERIC:
        numbers = read_numbers(column, source=source)
        if numbers.unreadable.any():
            _flag(out, "unreadable_number", column.index[numbers.unreadable])
            out.notes.append(f"{int(numbers.unreadable.sum())} answers to {question.name!r} are no numbers")
        return pd.Series(numbers.values, index=column.index)
    if question.type == "select_one" and question.list_name in codebook.choices:
        return _categories(column, question, codebook, out, language)
    return _text(column)


def _categories(
    column: pd.Series, question: Question, codebook: Codebook, out: Coded, language: str | None
) -> pd.Series:
    """Codes of a select_one as categories; labels are turned back into codes where all of them can be."""
    import pandas as pd

    blank = _blank(column)
    text = column.astype(str).str.strip().where(~blank, "")
    codes = [c.name for c in codebook.choices[question.list_name or ""]]
    used = [v for v in pd.unique(text) if v]
    if not set(used) <= set(codes):
        back = _codes_of_labels(question, codebook, language)
        if all(v in codes or fold(v) in back for v in used):
            text = text.map({v: v if v in codes else back[fold(v)] for v in used} | {"": ""})
            used = [v for v in pd.unique(text) if v]
    unlisted = [v for v in used if v not in codes]
    if unlisted:
        _flag(out, "unlisted_answer", column.index[text.isin(unlisted)])
        out.notes.append(
            f"{len(unlisted)} answers to {question.name!r} are not among its choices and were kept"
        )
    return pd.Series(
        pd.Categorical(text.where(~blank, None), categories=list(dict.fromkeys(codes)) + unlisted),
        index=column.index,
    )


def _codes_of_labels(question: Question, codebook: Codebook, language: str | None) -> dict[str, str]:
    """Label to code, without labels that two choices share."""
    back: dict[str, str] = {}
    shared: set[str] = set()
    for choice in codebook.choices[question.list_name or ""]:
        for label in {fold(t) for t in _labels(choice.labels, codebook, language)}:
            if back.setdefault(label, choice.name) != choice.name:
                shared.add(label)
    return {label: code for label, code in back.items() if label not in shared}


def _booleans(
    table: pd.DataFrame, question: Question, meanings: Mapping[str, Meaning], codebook: Codebook, out: Coded,
    strip_groups: bool, source: str, language: str | None,
) -> Iterator[tuple[str, pd.Series]]:  # fmt: skip
    """Boolean column of each choice, from the summary, from the columns per choice, or from both."""
    whole = next((h for h, m in meanings.items() if m == Meaning(question)), None)
    single = {m.choice: h for h, m in meanings.items() if m.question == question and m.choice is not None}
    if whole is None and not single:
        return
    codes = list(dict.fromkeys(c.name for c in codebook.choices.get(question.list_name or "", ())))
    parts = {code: _yes_no(table[header], source) for code, header in single.items()}
    if whole is not None:
        summary = _from_summary(table[whole], codes, question, codebook, out, language)
        _compare_layouts(summary, parts, question, out)
        parts = {**parts, **summary}
    base = (
        question.name
        if strip_groups
        else whole or next(iter(single.values())).rpartition("/")[0] or question.path
    )
    out.columns.setdefault(question.path, base)
    options = {
        code: f"{base}/{code}" for code in [*codes, *(p for p in parts if p not in codes)] if code in parts
    }
    out.options[question.path] = options
    for code, name in options.items():
        yield name, parts[code]


def _yes_no(column: pd.Series, source: str) -> pd.Series:
    """0/1, true/false as nullable booleans; an empty cell means that the choice was not offered."""
    import pandas as pd

    text = column.astype(str).str.strip().str.casefold().where(~_blank(column), "")
    bad = ~text.isin(_TRUE | _FALSE | {""})
    if bad.any():
        raise InputError(
            f"{source}: column {column.name!r} holds one choice and should be 0 or 1; {int(bad.sum())} rows "
            f"hold something else (rows {', '.join(map(str, column.index[bad][:5]))}). Export the choices as "
            "0/1.",
            rows=column.index[bad].tolist()[:100],
        )
    values = pd.Series(text.isin(_TRUE), index=column.index, dtype="boolean")
    return values.mask(text == "", pd.NA)


def _from_summary(
    column: pd.Series, codes: list[str], question: Question, codebook: Codebook, out: Coded,
    language: str | None,
) -> dict[str, pd.Series]:  # fmt: skip
    """Codes separated by spaces, as booleans per code; codes that the form does not list get a column too.

    Where the cells hold labels instead, and every one of them is a row of labels in one way only, those are
    turned
    back into codes.
    """
    import pandas as pd

    blank = _blank(column).to_numpy()
    texts = ["" if gone else str(v) for v, gone in zip(column, blank, strict=True)]
    chosen = [set(text.split()) for text in texts]
    if any(c - set(codes) for c in chosen):
        labels = {**_codes_of_labels(question, codebook, language), **{fold(c): c for c in codes}}
        split = {text: codes_of_text(text, labels) for text in dict.fromkeys(texts)}
        if all(found is not None for found in split.values()):
            chosen = [set(split[text] or ()) for text in texts]
            out.notes.append(f"answers to {question.name!r} are labels and were turned back into codes")
    extra = sorted(set().union(*chosen) - set(codes)) if chosen else []
    if extra:
        rows = np.array([bool(c & set(extra)) for c in chosen])
        _flag(out, "unlisted_answer", column.index[rows])
        out.notes.append(f"{len(extra)} codes in {question.name!r} are not among its choices and were kept")
    result = {}
    for code in [*codes, *extra]:
        values = pd.Series([code in c for c in chosen], index=column.index, dtype="boolean")
        result[code] = values.mask(blank, pd.NA)
    return result


def codes_of_text(text: str, labels: Mapping[str, str]) -> tuple[str, ...] | None:
    """Codes of several labels in one cell, parted by space, comma, semicolon or bar; None if not in one way.

    Examples
    --------
    >>> codes_of_text("Street theft Robbery", {"street theft": "1", "robbery": "2"})
    ('1', '2')
    >>> codes_of_text("a b", {"a": "1", "b": "2", "a b": "3"}) is None
    True
    """
    folded = fold(text)
    ways: list[list[tuple[str, ...]]] = [
        [()],
        *([] for _ in folded),
    ]  # ways to read the text up to each place
    for start in range(len(folded)):
        if not ways[start]:
            continue
        if start and folded[start] in " ,;|":
            ways[start + 1] += ways[start]
        if start and folded[start - 1] not in " ,;|":
            continue
        for label, code in labels.items():
            end = start + len(label)
            if label and folded.startswith(label, start) and (end == len(folded) or folded[end] in " ,;|"):
                ways[end] += [(*way, code) for way in ways[start]][:2]
    found = set(map(frozenset, ways[-1]))
    return tuple(dict.fromkeys(ways[-1][0])) if len(found) == 1 else None


def _compare_layouts(
    summary: Mapping[str, pd.Series], parts: Mapping[str, pd.Series], question: Question, out: Coded
) -> None:
    """Flag rows in which summary and columns per choice contradict each other; the summary is used."""
    differ = None
    for code in set(summary) & set(parts):
        other = (summary[code] != parts[code]).fillna(False).astype(bool)
        differ = other if differ is None else differ | other
    if differ is not None and differ.any():
        _flag(out, "conflicting_choices", differ.index[differ])
        out.notes.append(
            f"{int(differ.sum())} rows of {question.name!r} say one thing in the summary and another in the "
            "columns per choice; the summary was used"
        )


def _flag(out: Coded, name: str, rows: pd.Index) -> None:
    out.flags[name] = rows if name not in out.flags else out.flags[name].union(rows)


def _frame(collected: Mapping[str, pd.Series], index: pd.Index) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(collected, axis=1) if collected else pd.DataFrame(index=index)
