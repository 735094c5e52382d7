"""Local offence codes to ICCS codes, by a table the team can read, with nothing dropped on the way."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from safemap.errors import ConfigError, CrosswalkError, DataWarning, InputError
from safemap.intake.columns import close_matches, fold, require_columns, unaccented
from safemap.intake.incidents import Incidents
from safemap.offences.crosswalk_rules import BUILT_IN, holds, read_rules
from safemap.offences.iccs import UNMAPPED, iccs_label, roll_up
from safemap.offences.themes import THEMES, detection_basis, tag_themes
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd

CountUnit = Literal["offence", "incident", "victim", "suspect", "file"]

_COVERAGE_WANTED = 0.95


@dataclass(frozen=True, eq=False, repr=False)
class CrosswalkResult(Result):
    """Records in the words of the ICCS.

    Attributes
    ----------
    frame : pandas.DataFrame
        Index row id; columns ``local_code`` (as in the file), ``iccs`` (``XX`` where not mapped), ``match``
        (full, partial, none; ``not listed``) and ``share``. A record that the table splits has one row per
        part; the shares of a record sum to 1.
    unmapped : pandas.DataFrame
        Local codes without an ICCS code, most frequent first: ``local_code``, ``rows``, ``share`` of all,
        ``listed`` (the table says that it maps to nothing) and ``suggestions`` (never applied).
    coverage : float
        Records mapped / all records.
    """

    kind: ClassVar[str] = "crosswalk"

    unmapped: pd.DataFrame = field(default=None)  # type: ignore[assignment]  # crosswalk always gives one
    coverage: float = float("nan")
    source: Incidents | None = None  #: the incidents that came in, where they were incidents

    def counts(
        self, *, level: int | None = 2, language: str = "en", by: pd.Series | None = None
    ) -> pd.DataFrame:
        """Records per ICCS code.

        Parameters
        ----------
        level : {1, 2, 3, 4} or None
            Section to class, or the codes as they are.
        language : str
            Language of the labels.
        by : pandas.Series, optional
            Groups (year, area) by row id; one column each.

        Returns
        -------
        pandas.DataFrame
            Index ``iccs``; ``label``, ``records`` (sum of shares), ``share``; with `by`, one further column
            per group. The records sum to the number that came in.
        """
        codes = self.frame["iccs"] if level is None else roll_up(self.frame["iccs"], level=level)
        shares = self.frame["share"]
        table = shares.groupby(codes).sum().to_frame("records")
        table.index.name = "iccs"
        table.insert(0, "label", [iccs_label(code, language=language) for code in table.index])
        table["share"] = table["records"] / table["records"].sum()
        if by is None:
            return table
        groups = by.reindex(self.frame.index)
        spread = shares.groupby([codes, groups], observed=True).sum().unstack(fill_value=0.0)
        return table.join(spread)

    def incidents(self, *, theme: str | None = None) -> Incidents:
        """The incidents with a column ``iccs``; with `theme`, the others are set aside as not selected.

        Raises
        ------
        CrosswalkError
            If the table splits records: a point has one kind. Map each code to one, or count with
            :meth:`counts`.
        """
        if self.source is None:
            raise InputError("Give crosswalk the result of read_incidents to get incidents back.")
        if not self.frame.index.is_unique:
            split = self.frame.loc[self.frame["share"] < 1, "local_code"].unique()[:5]
            raise CrosswalkError(
                f"Records of {', '.join(map(repr, split))} are split over several codes; a point has one "
                "kind. Use conditions instead of shares, or counts()."
            )
        codes = self.frame["iccs"].reindex(self.source.frame.index)
        frame = self.source.frame.assign(iccs=codes)
        settings = {**self.source.settings, **self.settings}
        audit = self.source.audit
        if theme is not None:
            inside = _in_theme(codes, theme).to_numpy()
            aside = frame.index[~inside]
            audit = audit.with_set_aside(_reasons(aside), step="crosswalk")
            frame, codes = frame[inside], codes[inside]
            settings["theme"] = theme
        basis = detection_basis(codes).unique()
        if len(basis):  # of no record nothing is known
            settings["detection_basis"] = basis[0] if len(basis) == 1 else "mixed"
        return replace(self.source, frame=frame, audit=audit, settings=settings)

    def _headline(self) -> str:
        full = self.frame.loc[self.frame["match"] == "full", "share"].sum() / max(
            self.frame["share"].sum(), 1
        )
        left = int(self.unmapped["rows"].sum())
        return (
            f"Crosswalk to ICCS: {self.coverage:.1%} of {self.settings['records']:,} records mapped, "
            f"{full:.1%} in full; {left:,} of {len(self.unmapped):,} local codes stay under {UNMAPPED}"
        )


def crosswalk(
    records: Incidents | pd.DataFrame,
    table: str | Path | pd.DataFrame,
    *,
    column: str = "category",
    count_unit: CountUnit,
    known: pd.DataFrame | None = None,
) -> CrosswalkResult:
    """Give each record its ICCS code, by a table of correspondences.

    Local codes are legal, the ICCS describes behaviour, so one code may go to several by an attribute or by
    shares. Labels are compared without regard to case, width and spacing, then without accents where that
    leaves one candidate; what merely resembles is suggested and never applied.

    Parameters
    ----------
    records : Incidents or pandas.DataFrame
        One row per record.
    table : path, pandas.DataFrame or name
        A name of :data:`BUILT_IN`, or columns ``local_code``, ``iccs``, ``match`` (full, partial, none) and
        optionally ``condition`` and ``share``. A condition compares columns of `records` with
        ``= != < <= > >=``; several are joined by ``and``, alternatives of a value by ``|``
        (``weapon = gun|knife and age < 18``). The first row whose condition holds is taken; a row without
        one is for the rest. Rows of one code with the same condition split the record by ``share`` (sums
        to 1).
    column : str
        Column of local codes.
    count_unit : {"offence", "incident", "victim", "suspect", "file"}
        What a row of `records` is. Without it, no rate means anything.
    known : pandas.DataFrame, optional
        From :func:`iccs_codes`, where the table uses groups and classes of your own.

    Returns
    -------
    CrosswalkResult
        ``.frame``, ``.coverage``, ``.unmapped``, ``.counts()``, ``.incidents(theme=...)``.

    Raises
    ------
    CrosswalkError
        If shares do not sum to 1, a code has two rows for the same case, or a condition cannot be read.
    InputError
        If a column is missing or a code is not in the ICCS.

    Warns
    -----
    DataWarning
        If less than 95 % of the records are mapped, or homicides are not counted by victim.

    References
    ----------
    UNODC (2015). International Classification of Crime for Statistical Purposes, version 1.0. Vienna.

    Examples
    --------
    >>> import pandas as pd
    >>> records = pd.DataFrame({"offence": ["Robo a casa", "HURTO ", "Hurto"], "armed": ["yes", "no", "no"]})
    >>> table = pd.DataFrame(
    ...     {
    ...         "local_code": ["robo a casa", "robo a casa", "hurto"],
    ...         "iccs": ["0401", "0501", "0502"],
    ...         "condition": ["armed = yes", "", ""],
    ...         "match": ["full", "full", "full"],
    ...     }
    ... )
    >>> result = crosswalk(records, table, column="offence", count_unit="incident")
    >>> result.frame["iccs"].tolist(), result.coverage
    (['0401', '0502', '0502'], 1.0)
    """
    if count_unit not in get_args(CountUnit):
        raise ConfigError(f"count_unit must be one of {', '.join(get_args(CountUnit))}; got {count_unit!r}.")
    source = records if isinstance(records, Incidents) else None
    frame = records.frame if isinstance(records, Incidents) else records
    require_columns(frame.columns, {"column": column}, source="records")
    rules = read_rules(table, known)
    numbers, labels = _factorized(frame[column])
    places, how = _matched_labels(labels, rules.index.unique())
    long = _apply(frame, numbers, labels, places, rules)
    mapped = long["iccs"] != UNMAPPED
    coverage = float(long.loc[mapped, "share"].sum() / len(frame)) if len(frame) else float("nan")
    unmapped = _unmapped(long, rules.index.unique())
    settings = {
        "records": len(frame),
        "column": column,
        "count_unit": count_unit,
        "crosswalk": table if isinstance(table, str) and table in BUILT_IN else _name_of(table),
        "matched_without_accents": sorted(
            label for label, means in zip(labels, how, strict=True) if means == "accents"
        ),
    }
    _warn(coverage, long, count_unit)
    return CrosswalkResult(
        frame=long,
        settings=settings,
        audit=None if source is None else source.audit,
        unmapped=unmapped,
        coverage=coverage,
        source=source,
    )


def _factorized(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Number of each row's label, and the labels as text; an empty cell is the label ''."""
    import pandas as pd

    numbers, distinct = pd.factorize(values.astype(object), use_na_sentinel=True)
    labels = [str(label) for label in distinct]
    if (numbers < 0).any():
        numbers = np.where(numbers < 0, len(labels), numbers)
        labels.append("")
    return numbers, labels


def _matched_labels(labels: list[str], codes: pd.Index) -> tuple[list[str | None], list[str]]:
    """The local code (folded) of each label, None where there is none, and how it was found."""
    plain: dict[str, list[str]] = {}
    for code in codes:
        plain.setdefault(unaccented(code), []).append(code)
    known = set(codes)
    found: list[str | None] = []
    how = []
    for label in labels:
        folded = fold(label)
        candidates = plain.get(unaccented(folded), [])
        if folded in known:
            found.append(folded)
            how.append("text")
        elif len(candidates) == 1:
            found.append(candidates[0])
            how.append("accents")
        else:
            found.append(None)
            how.append("")
    return found, how


def _apply(
    frame: pd.DataFrame, numbers: np.ndarray, labels: list[str], places: list[str | None], rules: pd.DataFrame
) -> pd.DataFrame:
    """One row per record and part of it, in the order of the records."""
    import pandas as pd

    positions: list[np.ndarray] = []
    taken: list[tuple[str, str, float]] = []
    by_label = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[by_label], np.arange(len(labels) + 1))
    for i, place in enumerate(places):
        rows = by_label[ends[i] : ends[i + 1]]
        for chosen, iccs, match, share in _parts(frame, rows, rules, place):
            positions.append(chosen)
            taken.append((iccs, match, share))
    lengths = [len(p) for p in positions]
    where = np.concatenate(positions) if positions else np.empty(0, dtype=np.intp)
    order = np.argsort(where, kind="stable")
    parts = np.repeat(np.arange(len(taken)), lengths)[order]
    where = where[order]
    column = lambda k: np.array([t[k] for t in taken], dtype=object)[parts]  # noqa: E731
    return pd.DataFrame(
        {
            "local_code": np.array(labels, dtype=object)[numbers[where]],
            "iccs": column(0) if taken else np.empty(0, dtype=object),
            "match": column(1) if taken else np.empty(0, dtype=object),
            "share": (column(2) if taken else np.empty(0)).astype(float),
        },
        index=frame.index[where],
    )


def _parts(
    frame: pd.DataFrame, rows: np.ndarray, rules: pd.DataFrame, place: str | None
) -> list[tuple[np.ndarray, str, str, float]]:
    """Which of the records of one local code go to which ICCS code, with which share."""
    if place is None:
        return [(rows, UNMAPPED, "not listed", 1.0)]
    parts = []
    left = rows
    own = rules.loc[[place]]
    with_conditions = [c for c in dict.fromkeys(own["condition"]) if c]
    for condition in [*with_conditions, ""]:
        group = own[own["condition"] == condition]
        met = holds(frame, left, condition)
        for rule in group.itertuples():
            parts.append((left[met], rule.iccs, rule.match, rule.share))
        if len(group):
            left = left[~met]
    if len(left):
        parts.append((left, UNMAPPED, "not listed", 1.0))
    return parts


def _unmapped(long: pd.DataFrame, codes: pd.Index) -> pd.DataFrame:
    left = long[long["iccs"] == UNMAPPED]
    counts = left.groupby("local_code", sort=False).agg(rows=("share", "size"), match=("match", "first"))
    table = counts.sort_values("rows", ascending=False, kind="stable").reset_index()
    table["share"] = table["rows"] / max(len(long), 1)
    table["listed"] = table.pop("match") == "none"
    listed = list(codes)
    table["suggestions"] = [
        [] if known else close_matches(label, listed)
        for label, known in zip(table["local_code"], table["listed"], strict=True)
    ]
    return table


def _warn(coverage: float, long: pd.DataFrame, count_unit: str) -> None:
    if coverage < _COVERAGE_WANTED:
        warnings.warn(
            f"Only {coverage:.1%} of the records have an ICCS code; the others are kept under {UNMAPPED}. "
            "See .unmapped and complete the table.",
            DataWarning,
            stacklevel=3,
        )
    if count_unit != "victim" and (long["iccs"].str.startswith("0101")).any():
        warnings.warn(
            f"Intentional homicide is counted by victims, but a row here is one {count_unit}: a rate of "
            "these rows is no homicide rate.",
            DataWarning,
            stacklevel=3,
        )


def _name_of(table: Any) -> str:
    return Path(table).name if isinstance(table, (str, Path)) else "given as a table"


def _in_theme(codes: pd.Series, theme: str) -> pd.Series:
    if theme not in THEMES:
        near = close_matches(theme, list(THEMES))
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"theme must be one of {', '.join(THEMES)}; got {theme!r}.{hint}")
    return tag_themes(codes, themes={theme: THEMES[theme]})[theme]


def _reasons(rows: pd.Index) -> pd.Series:
    import pandas as pd

    return pd.Series("not_selected", index=rows, dtype=object)
