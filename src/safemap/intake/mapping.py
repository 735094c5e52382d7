"""Mapping files: which column of a delivery is what, written once and used for every later delivery."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.errors import ConfigError, InputError
from safemap.intake.columns import fold
from safemap.intake.tables import existing_file

if TYPE_CHECKING:
    import pandas as pd

#: roles that :func:`read_incidents` takes, and those that are only kept for the verbs that follow
USED = ("lon", "lat", "x", "y", "date", "reported", "time", "category", "id")
KNOWN = (
    *USED,
    "area",
    "count",
    "weight",
    "stratum",
    "psu",
    "address",
    "name",
    "population",
    "personal",
    "ignore",
)
#: roles that many columns can have
_MANY = ("personal", "ignore", "keep")
#: arguments of :func:`read_incidents` that a mapping file can state, and what they must be
OPTIONS: dict[str, tuple[type, ...]] = {
    "crs": (str, int), "decimal": (str,), "dayfirst": (bool,), "date_format": (str,), "encoding": (str,),
    "delimiter": (str,), "sheet": (str, list), "layer": (str,), "header": (int, list), "timezone": (str,),
    "positional_uncertainty": (int, float),
}  # fmt: skip


@dataclass(frozen=True)
class ColumnMapping:
    """Columns and their roles, and how the file is to be read.

    Attributes
    ----------
    roles : mapping of str to str
        Role to column, of the roles that one column has.
    others : mapping of str to str
        Column to ``personal``, ``keep`` or ``ignore``.
    options : mapping
        Arguments of :func:`read_incidents`.
    source : str
        Name of the mapping file.

    Examples
    --------
    >>> mapping = ColumnMapping({"lon": "Долгота", "lat": "Широта"}, {"ФИО": "personal"})
    >>> mapping.unknown(["Долгота", "Широта", "ФИО", "Новая графа"])
    ('Новая графа',)
    """

    roles: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = "mapping"

    def unknown(self, columns: Any) -> tuple[str, ...]:
        """Columns of a file that the mapping does not speak of."""
        known = {fold(c) for c in (*self.roles.values(), *self.others)}
        return tuple(str(c) for c in columns if fold(c) not in known)

    def absent(self, columns: Any) -> tuple[str, ...]:
        """Columns the mapping speaks of that a file does not have."""
        there = {fold(c) for c in columns}
        return tuple(c for c in (*self.roles.values(), *self.others) if fold(c) not in there)

    def for_file(self, columns: Any) -> dict[str, str]:
        """Role to column as the file writes it (case, width and spacing may differ from the mapping)."""
        there = {fold(c): str(c) for c in columns}
        return {role: there.get(fold(c), c) for role, c in self.roles.items()}


def as_mapping(mapping: str | Path | Mapping[str, Any] | pd.DataFrame | ColumnMapping) -> ColumnMapping:
    """A mapping file, a dict of role to column, or the table of :func:`propose_columns`, as a mapping.

    Raises
    ------
    ConfigError
        If a role or an option is unknown, or a role is given twice.
    InputError
        If the file cannot be read.
    """
    import pandas as pd

    if isinstance(mapping, ColumnMapping):
        return mapping
    if isinstance(mapping, pd.DataFrame):
        return _from_pairs(_pairs_of(mapping), {}, "table of columns")
    if isinstance(mapping, Mapping):
        pairs = [(str(c), str(r)) for r, c in mapping.items() if r not in OPTIONS]
        return _from_pairs(pairs, {k: v for k, v in mapping.items() if k in OPTIONS}, "mapping")
    file = existing_file(mapping)
    if file.suffix.lower() == ".csv":
        return _from_csv(file)
    if file.suffix.lower() == ".toml":
        return _from_toml(file)
    raise InputError(f"{file.name}: a mapping file ends in .toml or .csv.")


def mapping_text(proposed: pd.DataFrame | ColumnMapping, *, form: str = "toml", **options: Any) -> str:
    """The text of a mapping file: TOML with a reason behind each line, or CSV.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"role": ["lon", ""], "confidence": [1.0, 0.0], "why": ["header is 'lon'", "-"]},
    ...                      index=["Lon", "note"])
    >>> print(mapping_text(table, dayfirst=True))
    # Which column of a delivery is what. Check every line; safemap reads it with mapping=.
    [columns]
    lon = "Lon"  # 1.00: header is 'lon'
    <BLANKLINE>
    [others]  # personal: never written to a file; keep; ignore
    "note" = "keep"  # 0.00: -
    <BLANKLINE>
    [options]
    dayfirst = true
    <BLANKLINE>
    """
    rows = _rows(proposed)
    stated = {**(proposed.options if isinstance(proposed, ColumnMapping) else {}), **options}
    _check_options(stated, "write_mapping")
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("column", "role", "why"))
        writer.writerows((column, role, why) for role, column, why in rows)
        writer.writerows((f"[{key}]", json.dumps(value), "option") for key, value in stated.items())
        return out.getvalue()
    lines = [
        "# Which column of a delivery is what. Check every line; safemap reads it with mapping=.",
        "[columns]",
    ]
    lines += [f"{role} = {_quoted(c)}{_remark(why)}" for role, c, why in rows if role not in _MANY]
    lines += ["", "[others]  # personal: never written to a file; keep; ignore"]
    lines += [f"{_quoted(c)} = {_quoted(role)}{_remark(why)}" for role, c, why in rows if role in _MANY]
    if stated:
        lines += ["", "[options]", *(f"{key} = {json.dumps(value)}" for key, value in stated.items())]
    return "\n".join(lines) + "\n"


def _rows(proposed: pd.DataFrame | ColumnMapping) -> list[tuple[str, str, str]]:
    if isinstance(proposed, ColumnMapping):
        return [(r, c, "") for r, c in proposed.roles.items()] + [
            (r, c, "") for c, r in proposed.others.items()
        ]
    whys = [
        f"{confidence:.2f}: {why}" if why else ""
        for confidence, why in zip(proposed["confidence"], proposed["why"], strict=True)
    ]
    return [(role, column, why) for (column, role), why in zip(_pairs_of(proposed), whys, strict=True)]


def _pairs_of(table: pd.DataFrame) -> list[tuple[str, str]]:
    if "role" not in table.columns:
        raise InputError("a table of columns needs a column 'role'; propose_columns gives one.")
    return [(str(c), str(r) if r else "keep") for c, r in table["role"].fillna("").items()]


def _from_pairs(pairs: list[tuple[str, str]], options: Mapping[str, Any], source: str) -> ColumnMapping:
    roles: dict[str, str] = {}
    others: dict[str, str] = {}
    for column, role in pairs:
        role = role.strip() or "keep"
        if role in _MANY:
            others[column] = role
        elif role not in KNOWN:
            raise ConfigError(
                f"{source}: {role!r} is no role of a column. Known are {', '.join((*KNOWN, 'keep'))}.",
                role=role,
            )
        elif role in roles:
            raise ConfigError(
                f"{source}: role {role!r} is given to {roles[role]!r} and to {column!r}.", role=role
            )
        else:
            roles[role] = column
    _check_options(options, source)
    return ColumnMapping(roles, others, dict(options), source)


def _from_toml(file: Path) -> ColumnMapping:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file.name} is no TOML: {error}.") from error
    unknown = set(document) - {"columns", "others", "options"}
    if unknown or not all(isinstance(part, dict) for part in document.values()):
        raise ConfigError(f"{file.name}: a mapping file has the parts [columns], [others] and [options].")
    texts = [*document.get("columns", {}).values(), *document.get("others", {}).values()]
    if not all(isinstance(text, str) for text in texts):
        raise ConfigError(f"{file.name}: names of columns and roles are texts in quotes.")
    pairs = [(c, r) for r, c in document.get("columns", {}).items()]
    return _from_pairs([*pairs, *document.get("others", {}).items()], document.get("options", {}), file.name)


def _from_csv(file: Path) -> ColumnMapping:
    from safemap.intake.tables import read_table

    table = read_table(file).frame
    if not {"column", "role"} <= set(table.columns):
        raise InputError(f"{file.name}: a mapping file in CSV has the columns 'column' and 'role'.")
    pairs, options = [], {}
    for column, role in zip(table["column"], table["role"], strict=True):
        if column.startswith("[") and column.endswith("]"):
            try:
                options[column[1:-1]] = json.loads(role)
            except json.JSONDecodeError:
                options[column[1:-1]] = role
        else:
            pairs.append((column, role))
    return _from_pairs(pairs, options, file.name)


def _check_options(options: Mapping[str, Any], source: str) -> None:
    for key, value in options.items():
        if key not in OPTIONS:
            raise ConfigError(f"{source}: {key!r} is no option. Known are {', '.join(OPTIONS)}.")
        if not isinstance(value, OPTIONS[key]) or (isinstance(value, bool) and bool not in OPTIONS[key]):
            kinds = " or ".join(k.__name__ for k in OPTIONS[key])
            raise ConfigError(f"{source}: option {key!r} should be {kinds}; got {value!r}.")


def _quoted(text: str) -> str:
    """A TOML basic string; TOML reads JSON's escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _remark(why: str) -> str:
    return f"  # {' '.join(why.split())}" if why else ""
