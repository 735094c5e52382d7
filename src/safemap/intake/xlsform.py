"""Questionnaires in XLSForm (KoboToolbox, ODK): questions, choices, labels in every language, relevance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from safemap.errors import InputError
from safemap.intake.columns import close_matches, fold
from safemap.intake.tables import existing_file, read_table

if TYPE_CHECKING:
    import pandas as pd

#: label column without a language
DEFAULT = "default"
_TYPE_WORDS = {
    "select one": "select_one", "select one from": "select_one", "select_one_from_file": "select_one",
    "select one external": "select_one", "select_one_external": "select_one",
    "select multiple": "select_multiple", "select multiple from": "select_multiple",
    "select all that apply": "select_multiple",
    "select all that apply from": "select_multiple", "select_multiple_from_file": "select_multiple",
    "begin group": "begin_group", "end group": "end_group",
    "begin repeat": "begin_repeat", "end repeat": "end_repeat",
    "begin loop": "begin_group", "end loop": "end_group", "location": "geopoint", "gps": "geopoint",
    "int": "integer", "string": "text", "date time": "datetime", "datetime": "dateTime",
}  # fmt: skip
_SELECTS = ("select_one", "select_multiple", "rank")
#: kinds of rows that ask nothing and hold no answer
_SILENT = ("note", "begin_group", "end_group", "begin_repeat", "end_repeat")


@dataclass(frozen=True)
class Choice:
    """One answer of a list of choices."""

    name: str  #: code in the data
    labels: Mapping[str, str]  #: language to text


@dataclass(frozen=True)
class Question:
    """One row of the questionnaire that can hold an answer."""

    name: str
    type: str  #: ``select_one``, ``select_multiple``, ``integer``, ``text``, ``geopoint``, ``calculate`` ...
    labels: Mapping[str, str]  #: language to text; ``default`` where the form names no language
    list_name: str | None = None  #: list of choices of a select question
    groups: tuple[str, ...] = ()  #: names of the groups and repeats around it, outermost first
    repeat: str | None = None  #: innermost repeat around it
    relevant: tuple[str, ...] = ()  #: conditions under which it is asked: its own and those of its groups
    required: bool = False
    constraint: str = ""
    calculation: str = ""

    @property
    def path(self) -> str:
        """Groups and name, joined by a slash, as Kobo writes it."""
        return "/".join((*self.groups, self.name))


@dataclass(frozen=True, eq=False)
class Codebook:
    """What a questionnaire asks.

    Attributes
    ----------
    source : str
        Name of the file.
    questions : tuple of Question
        In the order of the form, notes and groups left out.
    choices : mapping of str to tuple of Choice
        Lists of choices.
    languages : tuple of str
        Languages of labels, in the order of the form; ``default`` where none is named.
    settings : mapping of str to str
        The sheet ``settings``: form title, id, version, default language.
    notes : tuple of str
        What a reader of the form should know.

    Examples
    --------
    >>> safe = Question("safe", "select_one", {"en": "Do you feel safe?"}, list_name="yn")
    >>> yn = (Choice("1", {"en": "Yes"}), Choice("0", {"en": "No"}))
    >>> book = Codebook("form.xlsx", (safe,), {"yn": yn}, ("en",))
    >>> book.choice_labels("safe", "en")
    {'1': 'Yes', '0': 'No'}
    """

    source: str
    questions: tuple[Question, ...]
    choices: Mapping[str, tuple[Choice, ...]]
    languages: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    def __contains__(self, name: str) -> bool:
        return any(name in (q.name, q.path) for q in self.questions)

    def __getitem__(self, name: str) -> Question:
        """A question by its path or, where only one has it, by its name."""
        found = [q for q in self.questions if q.path == name] or [q for q in self.questions if q.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{self.source}: {len(found)} questions are named {name!r}; give the path with its groups."
            )
        near = close_matches(name, [q.name for q in self.questions])
        hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
        raise InputError(f"{self.source}: there is no question {name!r}.{hint}")

    def label(self, name: str, language: str | None = None) -> str:
        """Text of a question; its name where the form has none in this language."""
        return self._text(self[name].labels, language) or name

    def choice_labels(self, name: str, language: str | None = None) -> dict[str, str]:
        """Codes of the choices of a question and their texts."""
        listed = self.choices.get(self[name].list_name or "", ())
        return {c.name: self._text(c.labels, language) or c.name for c in listed}

    def to_frame(self, language: str | None = None) -> pd.DataFrame:
        """One row per question.

        Index ``name``; columns ``type``, ``label``, ``choices``, ``relevant``, ``groups``, ``repeat`` and
        ``required``.
        """
        import pandas as pd

        rows = [
            {
                "type": q.type,
                "label": self._text(q.labels, language),
                "choices": ", ".join(c.name for c in self.choices.get(q.list_name or "", ())),
                "relevant": " and ".join(q.relevant),
                "groups": "/".join(q.groups),
                "repeat": q.repeat or "",
                "required": q.required,
            }
            for q in self.questions
        ]
        names = pd.Index([q.name for q in self.questions], name="name", dtype=object)
        return pd.DataFrame(rows, index=names)

    def _text(self, labels: Mapping[str, str], language: str | None) -> str:
        if language is None:
            stated = self.settings.get("default_language", "")
            order = [match_language(stated, self.languages) or "", DEFAULT, *self.languages]
            return next((labels[code] for code in order if code in labels), "")
        known = match_language(language, self.languages)
        if known is None:
            raise InputError(
                f"{self.source}: there are no labels in {language!r}; languages are "
                f"{', '.join(self.languages)}."
            )
        return labels.get(known, "")

    def __repr__(self) -> str:
        return f"<Codebook {self.source}: {len(self)} questions, languages {', '.join(self.languages)}>"


def read_xlsform(path: str | Path) -> Codebook:
    """Read a questionnaire in XLSForm as a codebook.

    Parameters
    ----------
    path : path
        Workbook (``.xlsx`` or ``.xls``) with the sheets ``survey`` and ``choices``, and perhaps ``settings``.

    Returns
    -------
    Codebook
        Questions with type, label per language, list of choices, groups, relevance (their own and that of
        their groups), constraint.

    Raises
    ------
    InputError
        If the sheet ``survey`` or its columns are missing, groups do not close, or a list of choices is
        unknown.

    Notes
    -----
    Dialects of KoboToolbox, ODK and SurveyCTO are read: ``label::English (en)`` and ``label:english``;
    ``begin group`` and ``begin_group``; ``relevant`` and ``relevance``; ``name`` and ``value`` in the
    choices. Disabled rows are left out.

    References
    ----------
    XLSForm specification, https://xlsform.org

    Examples
    --------
    >>> import pandas as pd, tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "form.xlsx"
    >>> survey = pd.DataFrame({"type": ["select_one yn"], "name": ["safe"], "label::English (en)": ["Safe?"],
    ...                        "label::Kiswahili (sw)": ["Salama?"]})
    >>> choices = pd.DataFrame({"list_name": ["yn", "yn"], "name": ["yes", "no"],
    ...                         "label::Kiswahili (sw)": ["Ndiyo", "Hapana"]})
    >>> with pd.ExcelWriter(file, engine="openpyxl") as book:
    ...     survey.to_excel(book, sheet_name="survey", index=False)
    ...     choices.to_excel(book, sheet_name="choices", index=False)
    >>> form = read_xlsform(file)
    >>> form.label("safe", "sw"), form.choice_labels("safe", "sw")
    ('Salama?', {'yes': 'Ndiyo', 'no': 'Hapana'})
    """
    file = existing_file(path)
    sheets = {fold(name): name for name in workbook_sheets(file)}
    if "survey" not in sheets:
        raise InputError(
            f"{file.name} is no XLSForm: it has no sheet 'survey', only "
            f"{', '.join(map(repr, sheets.values()))}."
        )
    survey = _sheet(file, sheets["survey"])
    choices = _sheet(file, sheets["choices"]) if "choices" in sheets else None
    lists = {} if choices is None else _choice_lists(choices, file.name)
    settings = _settings(_sheet(file, sheets["settings"])) if "settings" in sheets else {}
    questions, notes = _questions(survey, lists, file.name)
    named = [label_language(c) for table in (survey, choices) if table is not None for c in table.columns]
    languages = tuple(dict.fromkeys(code for code in named if code is not None)) or (DEFAULT,)
    return Codebook(file.name, questions, lists, languages, settings, notes)


def workbook_sheets(file: Path) -> list[str]:
    """Names of the sheets of a workbook, in order."""
    import python_calamine as calamine

    try:
        return list(calamine.CalamineWorkbook.from_path(str(file)).sheet_names)
    except (calamine.CalamineError, OSError) as error:
        raise InputError(
            f"{file.name} cannot be read as a workbook; it may be damaged or no workbook at all."
        ) from error


def label_language(column: str) -> str | None:
    """Language of a column of labels; None if it is no such column.

    Examples
    --------
    >>> label_language("label::English (en)"), label_language("label:portuguese"), label_language("label")
    ('English (en)', 'portuguese', 'default')
    >>> label_language("hint::English") is None
    True
    """
    match = re.fullmatch(r"(?:label|caption)(?:\s*::?\s*(.+))?", column.strip(), flags=re.IGNORECASE)
    return None if match is None else (match.group(1) or DEFAULT).strip()


def match_language(wanted: str, known: tuple[str, ...]) -> str | None:
    """The language of the form that is meant by its full name, its name, or its code.

    Examples
    --------
    >>> match_language("sw", ("English (en)", "Kiswahili (sw)")), match_language("english", ("English (en)",))
    ('Kiswahili (sw)', 'English (en)')
    """
    for language in known:
        name, _, code = language.partition("(")
        if fold(wanted) in {fold(language), fold(name), fold(code.rstrip(") "))} - {""}:
            return language
    return None


def _sheet(file: Path, name: str) -> pd.DataFrame:
    """A sheet as text; columns keep their spelling, empty ones too."""
    return read_table(file, sheet=name).frame


def _column(table: pd.DataFrame, *names: str) -> pd.Series | None:
    """The first column that has one of the names, whatever their case and separators."""
    folded = {re.sub(r"[\s_]+", " ", fold(c)): c for c in reversed(list(table.columns))}
    return next((table[folded[n]] for n in names if n in folded), None)


def _choice_lists(table: pd.DataFrame, source: str) -> dict[str, tuple[Choice, ...]]:
    lists, names = _column(table, "list name"), _column(table, "name", "value")
    if lists is None or names is None:
        raise InputError(f"{source}, sheet 'choices': the columns list_name and name are expected.")
    labels = _labels(table)
    out: dict[str, list[Choice]] = {}
    for row, (list_name, name) in enumerate(zip(lists, names, strict=True)):
        if str(list_name).strip() and str(name).strip():
            out.setdefault(str(list_name).strip(), []).append(Choice(str(name).strip(), labels[row]))
    return {name: tuple(listed) for name, listed in out.items()}


def _labels(table: pd.DataFrame) -> list[dict[str, str]]:
    """Per row, language to label, empty labels left out."""
    columns = {label_language(c): c for c in table.columns if label_language(c) is not None}
    texts = {language: table[column].astype(str).str.strip().tolist() for language, column in columns.items()}
    return [
        {language: values[row] for language, values in texts.items() if language and values[row]}
        for row in range(len(table))
    ]


def _settings(table: pd.DataFrame) -> dict[str, str]:
    if table.empty:
        return {}
    first = table.iloc[0]
    return {fold(c).replace(" ", "_"): str(v).strip() for c, v in first.items() if str(v).strip()}


@dataclass
class _Block:
    """A group or repeat that is open while the form is read."""

    kind: str
    name: str
    relevant: str


def _questions(
    survey: pd.DataFrame, lists: Mapping[str, tuple[Choice, ...]], source: str
) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    cells = _survey_cells(survey, source)
    labels = _labels(survey)
    blocks: list[_Block] = []
    questions: list[Question] = []
    notes: list[str] = []
    for position, row in enumerate(survey.index):
        kind, list_name = split_type(cells["type"][position])
        name = cells["name"][position]
        if not kind or cells["disabled"][position].casefold() in ("yes", "true", "true()"):
            continue
        if kind.startswith("begin_"):
            blocks.append(_Block(kind[6:], name, cells["relevant"][position]))
        elif kind.startswith("end_"):
            _close(blocks, kind[4:], f"{source}, sheet 'survey', row {row}")
        elif kind not in _SILENT and name:
            if kind in _SELECTS and list_name not in lists:
                notes.append(f"row {row}: the choices of {name!r} (list {list_name!r}) are not in this file")
            questions.append(_question(name, kind, list_name, labels[position], blocks, cells, position))
    if blocks:
        last = blocks[-1]
        raise InputError(f"{source}, sheet 'survey': {last.kind} {last.name!r} is opened and never closed.")
    if not questions:
        raise InputError(f"{source}, sheet 'survey': no question was found.")
    return tuple(questions), tuple(notes)


def _survey_cells(survey: pd.DataFrame, source: str) -> dict[str, list[str]]:
    """The columns of the sheet that matter, as lists of text; absent ones are empty."""
    wanted = {
        "type": ("type",), "name": ("name",),
        "relevant": ("relevant", "relevance", "bind::relevant", "bind:relevant"),
        "required": ("required", "bind::required"), "constraint": ("constraint", "bind::constraint"),
        "calculation": ("calculation", "calculate", "bind::calculate"), "disabled": ("disabled",),
    }  # fmt: skip
    out = {}
    for key, names in wanted.items():
        column = _column(survey, *names)
        if column is None and key in ("type", "name"):
            raise InputError(f"{source}, sheet 'survey': the column {key!r} is missing.")
        out[key] = [""] * len(survey) if column is None else column.astype(str).str.strip().tolist()
    return out


def split_type(text: str) -> tuple[str, str | None]:
    """Kind of question and its list of choices.

    Examples
    --------
    >>> split_type("select_multiple crimes or_other"), split_type("begin group")
    (('select_multiple', 'crimes'), ('begin_group', None))
    """
    words = [w for w in text.split() if w.casefold() not in ("or_other", "or_specify")]
    for size in (5, 4, 3, 2, 1):
        head = " ".join(words[:size]).casefold()
        kind = _TYPE_WORDS.get(head)
        if kind is not None and len(words) >= size:
            return kind, words[size] if kind in _SELECTS and len(words) > size else None
    kind = words[0] if words else ""
    return kind, words[1] if kind in _SELECTS and len(words) > 1 else None


def _close(blocks: list[_Block], kind: str, where: str) -> None:
    if not blocks or blocks[-1].kind != kind:
        opened = f"{blocks[-1].kind} {blocks[-1].name!r} is open" if blocks else "nothing is open"
        raise InputError(f"{where}: end of a {kind}, but {opened}.")
    blocks.pop()


def _question(
    name: str, kind: str, list_name: str | None, labels: Mapping[str, str], blocks: list[_Block],
    cells: Mapping[str, list[str]], position: int,
) -> Question:  # fmt: skip
    relevant = [b.relevant for b in blocks] + [cells["relevant"][position]]
    return Question(
        name=name,
        type=kind,
        labels=labels,
        list_name=list_name,
        groups=tuple(b.name for b in blocks if b.name),
        repeat=next((b.name for b in reversed(blocks) if b.kind == "repeat"), None),
        relevant=tuple(r for r in relevant if r),
        required=cells["required"][position].casefold() in ("yes", "true", "true()", "1"),
        constraint=cells["constraint"][position],
        calculation=cells["calculation"][position],
    )
