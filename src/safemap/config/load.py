"""Read ``assessment.toml``: every fault at once, each with the key, what came and what is allowed."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from safemap.config.kinds import Fault, File, Many
from safemap.config.model import SECTIONS, AreasSection, AssessmentConfig, IncidentsSection, LocalSection
from safemap.errors import ConfigError, InputError


def load_config(
    path: str | os.PathLike[str],
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    data: str | os.PathLike[str] | None = None,
) -> AssessmentConfig:
    """Read and check an ``assessment.toml``.

    Parameters
    ----------
    path : path-like
        The TOML file.
    overrides : mapping or sequence of str
        Values that take the place of those in the file: ``{"local.rng": 7}`` or ``["local.rng=7"]``. A path
        given here counts from the current folder.
    data : path-like, optional
        Folder from which relative paths in the file count. Default: the folder of the file.

    Returns
    -------
    AssessmentConfig
        With all paths absolute.

    Raises
    ------
    ConfigError
        The file is no TOML, or keys or values are not allowed; all of them are named.
    """
    file = Path(path)
    values = _parse(file)
    _apply(values, overrides)
    base = (Path(data) if data is not None else file.parent).resolve()
    return read_config(values, base=base, source=file.name)


def read_config(values: Mapping[str, Any], *, base: Path, source: str = "assessment") -> AssessmentConfig:
    """Check a parsed assessment and give it back as typed sections; relative paths count from `base`."""
    faults: list[str] = []
    faults += [
        _unknown(name, SECTIONS, f"[{name}] is not a section") for name in values if name not in SECTIONS
    ]
    sections = {}
    for name, section in SECTIONS.items():
        came = values.get(name, {})
        if not isinstance(came, Mapping):
            faults.append(f"[{name}] must be a section with keys; got {_short(came)}.")
        elif name not in values and _required(section):
            faults.append(f"[{name}] is missing; it needs {', '.join(_required(section))}.")
        else:
            sections[name] = _section(section, came, f"[{name}]", base, faults)
    if faults:
        noun = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
        list_of = " " + faults[0] if len(faults) == 1 else "".join(f"\n- {fault}" for fault in faults)
        raise ConfigError(f"{source}: {noun}.{list_of}", problems=faults)
    return AssessmentConfig(**sections)


def _parse(file: Path) -> dict[str, Any]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"There is no file {file.name!r} here. `safemap init` writes one from your data."
        ) from None
    except IsADirectoryError:
        raise InputError(
            f"{file.name!r} is a folder; the assessment is a file like assessment.toml."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file.name} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{file.name} cannot be read: {error.strerror}.") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file.name} is not valid TOML: {error}. Texts need quotes; lists need commas."
        ) from None


def _apply(values: dict[str, Any], overrides: Mapping[str, Any] | Sequence[str]) -> None:
    pairs = overrides.items() if isinstance(overrides, Mapping) else [_split(text) for text in overrides]
    for key, value in pairs:
        *parents, last = key.split(".")
        place: Any = values
        for part in parents:
            place = _step(place, part, key)
        if not parents or not isinstance(place, dict):
            raise ConfigError(f"{key!r} does not name a key; write it as section.key, like incidents.path.")
        place[last] = _from_here(value) if last in ("path", "context") else value


def _step(place: Any, part: str, key: str) -> Any:
    if isinstance(place, list):
        if not part.isdigit() or int(part) >= len(place):
            raise ConfigError(
                f"{key!r}: {part!r} is not the number of an entry; there are {len(place)}, from 0."
            )
        return place[int(part)]
    if not isinstance(place, dict):
        raise ConfigError(f"{key!r} does not name a key; write it as section.key, like incidents.path.")
    return place.setdefault(part, {})


def _split(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"{text!r} is not an override; write it as section.key=value.")
    try:
        return key.strip(), tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _from_here(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_here(item) for item in value]
    return Path(value).absolute() if isinstance(value, str) else value


def _section(section: type, came: Mapping[str, Any], where: str, base: Path, faults: list[str]) -> Any:
    """One section as its dataclass; None when it has faults."""
    before = len(faults)
    keys = {f.name: f for f in fields(section)}
    faults += [_unknown(key, keys, f"{where} {key} is not a key") for key in came if key not in keys]
    read = {}
    for name, key in keys.items():
        if name in came:
            read[name] = _value(key, came[name], f"{where} {name}", base, faults)
        elif name in _required(section):
            faults.append(f"{where} {name} is missing: {key.metadata['words']}.")
    faults += _cross_checks(section, {**dict.fromkeys(keys), **read}, where)
    return section(**read) if len(faults) == before else None


def _value(key: Field[Any], came: Any, where: str, base: Path, faults: list[str]) -> Any:
    if key.metadata.get("many"):
        if not isinstance(came, (list, tuple)) or not all(isinstance(item, Mapping) for item in came):
            faults.append(
                f"{where} must be written as [[{where.strip('[').replace('] ', '.')}]] with its keys below."
            )
            return ()
        inner = key.metadata["section"]
        return tuple(
            _section(inner, item, f"{where} {number}:", base, faults)
            for number, item in enumerate(came, start=1)
        )
    kind = key.metadata["kind"]
    try:
        value = kind.read(came)
    except Fault as fault:
        faults.append(f"{where} must be {fault}; got {_short(came)}.{_suggestion(came, kind)}")
        return None
    if isinstance(kind, File):
        return base / value
    if isinstance(kind, Many) and isinstance(kind.kind, File):
        return tuple(base / item for item in value)
    return value


def _cross_checks(section: type, read: Mapping[str, Any], where: str) -> list[str]:
    """Rules between keys of one section."""
    if section is IncidentsSection:
        pairs = IncidentsSection.PAIRS
        faults = [
            f"{where} needs both {a} and {b}, or neither."
            for a, b in pairs
            if (read[a] is None) != (read[b] is None)
        ]
        if all(read[a] is not None for a, _ in pairs):
            faults.append(f"{where} has lon, lat and x, y: give one pair.")
        return faults
    if section is AreasSection:
        names = [level.name for level in read["levels"] or () if level is not None]
        return [
            f"{where} two levels have the name {name!r}."
            for name in sorted({n for n in names if names.count(n) > 1})
        ]
    if section is LocalSection:
        low = read["permutations"] or LocalSection.permutations
        high = read["max_permutations"] or LocalSection.max_permutations
        return [f"{where} max_permutations is below permutations ({high} < {low})."] if high < low else []
    return []


def _required(section: type) -> list[str]:
    return [f.name for f in fields(section) if f.default is MISSING and f.default_factory is MISSING]


def _unknown(name: str, known: Mapping[str, Any], words: str) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{words}{hint} Allowed: {', '.join(known)}."


def _suggestion(came: Any, kind: Any) -> str:
    close = get_close_matches(came, getattr(kind, "values", ()), n=1) if isinstance(came, str) else []
    return f' Did you mean "{close[0]}"?' if close else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
