"""Survey responses: an export and its questionnaire become one table with typed answers and positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from safemap.audit import Audit
from safemap.errors import ConfigError, InputError
from safemap.intake.columns import is_missing, require_columns
from safemap.intake.date_words import known_zone, to_local
from safemap.intake.dates import read_dates
from safemap.intake.geopoints import GeoColumns, Positions, find_geopoints, read_positions
from safemap.intake.incidents import Incidents
from safemap.intake.relevance import UnknownConditionError, evaluate
from safemap.intake.report import LoadReport
from safemap.intake.survey_columns import Coded, code_answers
from safemap.intake.tables import RawTable, existing_file, read_table
from safemap.intake.xlsform import Codebook, read_xlsform, workbook_sheets
from safemap.settings import threshold

if TYPE_CHECKING:
    import pandas as pd

Groups = Literal["keep", "strip"]

_CRS = "EPSG:4326"
_OWN = ("x", "y", "accuracy_m")
#: pairs of columns that lead from a repeat to its response: Kobo, Kobo (older), ODK Central
_KEYS = (
    ("_parent_index", "_index"),
    ("_submission__uuid", "_uuid"),
    ("_submission__id", "_id"),
    ("PARENT_KEY", "KEY"),
)


@dataclass(frozen=True, eq=False, repr=False)
class SurveyResponses(Incidents):
    """Responses, one row each; see :func:`read_survey`.

    Attributes
    ----------
    frame : pandas.DataFrame
        Index ``row`` (row number as a spreadsheet shows it); ``x``, ``y`` (degrees on WGS 84) and
        ``accuracy_m`` where a position was asked; the columns of the file, typed by the form;
        ``<question>/<choice>`` for each choice of a select_multiple (true, false, or missing where it was not
        asked).
    audit : Audit
        Every row of the file, with flags (``low_accuracy``, ``zero_coordinates``, ``unlisted_answer``,
        ``duplicate_uuid`` ...).
    codebook : Codebook or None
        The form.
    columns : mapping of str to str
        Path of a question to its column.
    options : mapping of str to mapping
        Path of a select_multiple to its choices and their columns.
    """

    kind: ClassVar[str] = "responses"

    codebook: Codebook | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def asked(self, question: str) -> pd.Series:
        """Whether each respondent was asked a question, by the conditions of the form.

        Parameters
        ----------
        question : str
            Name or path of the question, or its column.

        Returns
        -------
        Series of boolean
            True or false; missing where a condition cannot be evaluated or rests on a question that is not in
            the file.

        Raises
        ------
        InputError
            If there is no form or no such question.
        """
        import pandas as pd

        if self.codebook is None:
            raise InputError(
                "whether a question was asked is known from the form only: read_survey(..., form=...)."
            )
        path = next((p for p, column in self.columns.items() if column == question), question)
        out = pd.Series(True, index=self.frame.index, dtype="boolean")
        for condition in self.codebook[path].relevant:
            try:
                out &= evaluate(condition, self.frame.index, answers=self._answers, selected=self._selected)
            except UnknownConditionError:
                out &= pd.Series(pd.NA, index=self.frame.index, dtype="boolean")
        return out

    def skipped(self, column: str) -> pd.Series:
        """True for respondents who were certainly not asked what a column holds."""
        import pandas as pd

        path = next((p for p, c in self.columns.items() if c == column), None)
        path = path or next((p for p, options in self.options.items() if column in options.values()), None)
        if self.codebook is None or path is None:
            return pd.Series(False, index=self.frame.index)
        return (~self.asked(path)).fillna(False).astype(bool)

    def choices_of(self, column: str) -> list[str]:
        """Codes that the form offers for the select_one in a column; empty where there is no such list."""
        if self.codebook is None:
            return []
        path = next((p for p, c in self.columns.items() if c == column), None)
        if path is None or self.codebook[path].type != "select_one":
            return []
        return list(self.codebook.choice_labels(path))

    def _answers(self, name: str) -> pd.Series | None:
        column = self._column(name)
        if column is None or column not in self.frame.columns:
            return None
        values = self.frame[column]
        text = values.map(_plain_text)
        return text.astype(object).where(values.notna(), "")

    def _selected(self, name: str, choice: str) -> pd.Series | None:
        for path, options in self.options.items():
            if name in (path, path.rpartition("/")[2]):
                return self.frame[options[choice]] if choice in options else None
        answers = self._answers(name)
        return None if answers is None else (answers == choice).astype("boolean")

    def _column(self, name: str) -> str | None:
        found = [column for path, column in self.columns.items() if path.rpartition("/")[2] == name]
        return found[0] if len(found) == 1 else None

    def _headline(self) -> str:
        form = "" if self.codebook is None else f", {len(self.columns)} questions of {self.codebook.source}"
        located = int(self.frame["x"].notna().sum()) if "x" in self.frame.columns else 0
        return f"SurveyResponses: {len(self.frame):,} responses{form}, {located:,} with a position"


def read_survey(
    path: str | Path | pd.DataFrame,
    *,
    form: str | Path | Codebook | None = None,
    language: str | None = None,
    sheet: str | None = None,
    groups: Groups = "keep",
    location: str | None = None,
    lon: str | None = None,
    lat: str | None = None,
    max_accuracy: float | None = None,
    timezone: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> SurveyResponses:
    """Read the responses of a survey.

    Parameters
    ----------
    path : path or DataFrame
        CSV, XLSX, SPSS, Stata or another table with one row per response; exports of KoboToolbox, ODK
        Central and
        SurveyCTO.
    form : path or Codebook, optional
        The questionnaire in XLSForm. With it answers are typed: numbers, categories in the order of the form,
        and a nullable boolean for each choice of a select_multiple. Without it answers stay text.
    language : str, optional
        Language of the labels, where the file was exported with labels; tried in all languages if not given.
    sheet : str, optional
        Sheet of a workbook. Default: the first; the others are taken as repeats and named in the report.
    groups : {"keep", "strip"}
        Keep the names of groups before questions (``household/size``), or leave them out (needs the form).
    location : str, optional
        Question with the position, where there are several.
    lon, lat : str, optional
        Columns with longitude and latitude in degrees on WGS 84, for files from elsewhere.
    max_accuracy : float, optional
        Metres above which a position is flagged ``low_accuracy``. Default 30.
    timezone : str, optional
        Local time zone (``Africa/Nairobi``). ``start``, ``end`` and other times with an offset are brought to
        it, and so are ``_submission_time``, ``SubmissionDate`` and the like, which servers write in UTC.
    encoding, delimiter : str, optional
        Of text files; detected and reported if not given.

    Returns
    -------
    SurveyResponses
        See there for the columns of ``frame``. No row is taken out.

    Raises
    ------
    InputError
        If the file or the form cannot be read, no column of it belongs to the form, or names collide.

    Notes
    -----
    Positions are read from a text ``lat lon alt acc``, from WKT or GeoJSON, from ``_loc_latitude``,
    ``_loc_longitude``,
    ``_loc_precision`` or ``loc-Latitude``, ``loc-Longitude``, ``loc-Accuracy``. 0, 0 means missing. An empty
    cell of a select_multiple means that nothing was answered: it is missing, never "no";
    :meth:`SurveyResponses.asked` tells who was asked.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"safe": ["yes", "no"], "loc": ["-1.2621 36.8584 1650 8", "0 0 0 0"]})
    >>> responses = read_survey(rows)
    >>> responses.frame[["x", "y", "accuracy_m"]].values.tolist()
    [[36.8584, -1.2621, 8.0], [nan, nan, nan]]
    >>> responses.audit.flags["zero_coordinates"].tolist()
    [1]
    """
    if groups not in ("keep", "strip"):
        raise ConfigError(f"groups must be keep or strip; got {groups!r}.")
    book = read_xlsform(form) if isinstance(form, (str, Path)) else form
    if groups == "strip" and book is None:
        raise ConfigError("groups='strip' needs the form: without it a group cannot be told from a choice.")
    raw, notes = _read_main(path, sheet, encoding, delimiter)
    require_columns(raw.frame.columns, {"lon": lon, "lat": lat}, source=raw.source)
    coded = _coded(raw, book, language, strip_groups=groups == "strip")
    place = _location(raw, book, location, lon, lat)
    if timezone is not None:
        notes += _to_local_times(coded.frame, timezone)
    limit = threshold("gps_accuracy_m") if max_accuracy is None else float(max_accuracy)
    frame, flags = coded.frame, dict(coded.flags)
    if place is not None:
        positions = read_positions(raw.frame, place, source=raw.source)
        frame = _with_positions(frame, positions, coded)
        flags |= _position_flags(positions, frame.index, limit)
    if "_uuid" in frame.columns:
        flags["duplicate_uuid"] = frame.index[frame["_uuid"].notna() & frame["_uuid"].duplicated()]
    audit = Audit.start(frame.index, source=raw.source)
    for name, rows in flags.items():
        audit = audit.with_flag(name, rows) if len(rows) else audit
    roles = {} if place is None else {"location": place.name}
    report = LoadReport(
        source=raw.source, format=raw.format, rows=len(raw.frame), columns=tuple(map(str, raw.frame.columns)),
        crs=None if place is None else _CRS, roles=roles,
        notes=(*raw.notes, *notes, *coded.notes, *_place_notes(raw, book, place)), **raw.facts,
    )  # fmt: skip
    settings = {
        "source": raw.source, "form": None if book is None else book.source, "groups": groups,
        "location": roles.get("location"), "crs": _CRS, "max_accuracy_m": limit,
        "timezone": timezone,
        "crs_assumed": None if place is None else "positions of devices are degrees on WGS 84",
    }  # fmt: skip
    return SurveyResponses(
        frame=frame, settings=settings, audit=audit, report=report,
        remembered={k: v for k, v in flags.items() if k == "unreadable_coordinates" and len(v)},
        codebook=book, columns=coded.columns, options=coded.options,
    )  # fmt: skip


def join_repeat(
    repeat: SurveyResponses, responses: SurveyResponses, *, columns: Sequence[str] | None = None
) -> SurveyResponses:
    """Rows of a repeat group (household members, incidents) with the answers of the response they belong to.

    Parameters
    ----------
    repeat : SurveyResponses
        The sheet of the repeat, from ``read_survey(path, sheet=...)``.
    responses : SurveyResponses
        The main sheet.
    columns : sequence of str, optional
        Columns of the main sheet to bring along. Default: all that the repeat does not have.

    Returns
    -------
    SurveyResponses
        One row per row of the repeat, many to one. Rows without a response are set aside (``no_parent``).

    Raises
    ------
    InputError
        If no pair of key columns is there (``_parent_index`` and ``_index``, or ``PARENT_KEY`` and ``KEY``),
        or the key of the main sheet repeats.

    Examples
    --------
    >>> import pandas as pd
    >>> main = read_survey(pd.DataFrame({"ward": ["A", "B"], "_index": [1, 2]}))
    >>> people = read_survey(pd.DataFrame({"age": [30, 8, 51], "_parent_index": [1, 1, 2]}))
    >>> join_repeat(people, main, columns=["ward"]).frame["ward"].tolist()
    ['A', 'A', 'B']
    """
    import pandas as pd

    source = repeat.audit.source
    child, parent = _key_columns(repeat.frame, responses.frame, source)
    keys = responses.frame[parent].map(_plain_text).str.strip()
    if keys.duplicated().any():
        rows = keys.index[keys.duplicated()][:5].tolist()
        raise InputError(
            f"{responses.audit.source}: the key {parent!r} repeats, e.g. in rows {rows}.", rows=rows
        )
    if columns is None:
        columns = [c for c in responses.frame.columns if c not in repeat.frame.columns]
    require_columns(
        responses.frame.columns, {f"columns[{i}]": c for i, c in enumerate(columns)}, source=source
    )
    both = [c for c in columns if c in repeat.frame.columns]
    if both:
        raise InputError(
            f"{source}: {', '.join(map(repr, both))} are columns of the repeat too. Leave them out of "
            "columns=."
        )
    at = pd.Index(keys).get_indexer(repeat.frame[child].map(_plain_text).str.strip())
    orphans = repeat.frame.index[at < 0]
    audit = repeat.audit.with_set_aside(
        pd.Series("no_parent", index=orphans, dtype=object), step="join_repeat"
    )
    kept = repeat.frame[at >= 0]
    brought = responses.frame[list(columns)].iloc[at[at >= 0]].set_axis(kept.index, axis=0)
    frame = pd.concat([kept, brought], axis=1)
    audit.check(frame.index)
    known = {path: c for path, c in responses.columns.items() if c in set(columns)}
    return replace(
        repeat, frame=frame, audit=audit, codebook=repeat.codebook or responses.codebook,
        columns={**known, **repeat.columns}, settings={**repeat.settings, "parent": responses.audit.source},
    )  # fmt: skip


def _read_main(
    path: Any, sheet: str | None, encoding: str | None, delimiter: str | None
) -> tuple[RawTable, list[str]]:
    """The table of responses; of a workbook the first sheet, and a note that names the others."""
    notes = []
    if isinstance(path, (str, Path)) and sheet is None:
        file = existing_file(path)
        if file.suffix.lower() in (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"):
            first, *others = workbook_sheets(file)
            sheet = first
            if others:
                notes.append(f"sheet {first!r} was read; not read (repeats?): {', '.join(map(repr, others))}")
    return read_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet), notes


def _coded(raw: RawTable, book: Codebook | None, language: str | None, *, strip_groups: bool) -> Coded:
    if book is None:
        frame = raw.frame.copy()
        for column in frame.columns[[frame[c].dtype.kind not in "iufbM" for c in frame.columns]]:
            if not hasattr(frame[column], "cat"):
                frame[column] = frame[column].where(~is_missing(frame[column]), None)
        return Coded(frame)
    coded = code_answers(raw.frame, book, language=language, strip_groups=strip_groups, source=raw.source)
    if not coded.columns:
        raise InputError(
            f"{raw.source}: no column belongs to a question of {book.source}. Give the form of this survey, "
            "or export the responses with the names (XML values) of the questions."
        )
    return coded


#: columns of times that servers write, in UTC, and those that devices write, with their offset
_SERVER_TIMES = ("_submission_time", "SubmissionDate", "_date_modified", "submissiondate")
_DEVICE_TIMES = ("start", "end", "starttime", "endtime")


def _to_local_times(frame: pd.DataFrame, timezone: str) -> list[str]:
    """Bring the times of server and device to local time, in place; what was done, in words."""
    done = []
    known_zone(timezone)
    for column in map(str, frame.columns):
        leaf = column.rpartition("/")[2]
        server = leaf in _SERVER_TIMES
        if not server and leaf not in _DEVICE_TIMES:
            continue
        read = read_dates(frame[column], timezone=None if server else timezone, whole=False, dayfirst=True)
        if read.unreadable.any():
            continue  # not times after all: left as they are
        values = read.values
        if server and not frame[column].astype(str).str.contains(r"[T ]\S*(?:[+-]\d\d:?\d\d)$").any():
            local = to_local(values.to_numpy(), np.full(len(values), np.nan), timezone, naive_is_utc=True)
            values = values.astype("datetime64[us]").copy()
            values[:] = local
        elif server:
            values = read_dates(frame[column], timezone=timezone, whole=False, dayfirst=True).values
        frame[column] = values
        done.append(column)
    return [f"{', '.join(map(repr, done))} are local times of {timezone}"] if done else []


def _location(
    raw: RawTable, book: Codebook | None, location: str | None, lon: str | None, lat: str | None
) -> GeoColumns | None:
    """The columns of the position: as stated, or the only ones there are."""
    if (lon is None) != (lat is None):
        raise InputError("Name lon= and lat= together.")
    if lon is not None:
        return GeoColumns(f"{lat}, {lon}", None, lat, lon)
    found = find_geopoints(raw.frame, book)
    if location is None:
        return found[0] if len(found) == 1 else None
    wanted = [g for g in found if location in (g.name, g.text, g.name.replace(":", "/").rpartition("/")[2])]
    if len(wanted) != 1:
        there = ", ".join(repr(g.name) for g in found) or "none"
        raise InputError(f"{raw.source}: location={location!r}, but the positions there are: {there}.")
    return wanted[0]


def _place_notes(raw: RawTable, book: Codebook | None, place: GeoColumns | None) -> list[str]:
    if place is not None:
        return []
    found = [g.name for g in find_geopoints(raw.frame, book)]
    return [f"several positions ({', '.join(found)}); name one with location="] if found else []


def _with_positions(frame: pd.DataFrame, positions: Positions, coded: Coded) -> pd.DataFrame:
    taken = {c: f"{c}_file" for c in _OWN if c in frame.columns}
    if taken:
        coded.notes.append(
            f"columns {', '.join(taken)} of the file were renamed to {', '.join(taken.values())}"
        )
        coded.columns = {path: taken.get(c, c) for path, c in coded.columns.items()}
    out = frame.rename(columns=taken)
    for i, (name, values) in enumerate(
        zip(_OWN, (positions.lon, positions.lat, positions.accuracy), strict=True)
    ):
        out.insert(i, name, values)
    return out


def _position_flags(positions: Positions, index: pd.Index, limit: float) -> dict[str, pd.Index]:
    with np.errstate(invalid="ignore"):
        low = positions.accuracy > limit
    flags = {
        "low_accuracy": low, "zero_coordinates": positions.zero,
        "out_of_range": positions.out_of_range, "unreadable_coordinates": positions.unreadable,
    }  # fmt: skip
    return {name: index[mask] for name, mask in flags.items()}


def _key_columns(repeat: pd.DataFrame, main: pd.DataFrame, source: str) -> tuple[str, str]:
    for child, parent in _KEYS:
        if child in repeat.columns and parent in main.columns:
            return child, parent
    pairs = "; ".join(f"{child} and {parent}" for child, parent in _KEYS)
    raise InputError(f"{source}: no key leads to the main sheet. Expected is one of: {pairs}.")


def _plain_text(value: Any) -> str:
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value)
