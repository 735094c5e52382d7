"""The keys of ``assessment.toml`` as JSON schema, for editors and other programs."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from safemap.config.model import SECTIONS, IncidentsSection


def json_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of an assessment, made from the same classes that read it.

    Rules that compare values cannot be said in a schema and are checked on reading only: the last day of a
    period is not before its first, ``max_permutations`` is not below ``permutations``, levels have names of
    their own.

    Examples
    --------
    >>> json_schema()["properties"]["local"]["properties"]["alpha"]["default"]
    0.05
    """
    needed = [name for name, section in SECTIONS.items() if _needed(section)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "assessment.toml",
        "description": "One assessment of safemap, from files to folder.",
        "type": "object",
        "properties": {name: section_schema(section) for name, section in SECTIONS.items()},
        "required": needed,
        "additionalProperties": False,
    }


def section_schema(section: type) -> dict[str, Any]:
    """The schema of one section."""
    rule: dict[str, Any] = {
        "type": "object",
        "description": section.__doc__,
        "properties": {f.name: _key_schema(f) for f in fields(section)},
        "additionalProperties": False,
    }
    if _needed(section):
        rule["required"] = _needed(section)
    if section is IncidentsSection:
        rule["dependentRequired"] = {a: [b] for pair in IncidentsSection.PAIRS for a, b in (pair, pair[::-1])}
        rule["not"] = {"required": [pair[0] for pair in IncidentsSection.PAIRS]}
    return rule


def _key_schema(key: Field[Any]) -> dict[str, Any]:
    if key.metadata.get("many"):
        return {"type": "array", "items": section_schema(key.metadata["section"]), "default": []}
    rule = {"description": key.metadata["words"], **key.metadata["kind"].schema()}
    if key.default not in (MISSING, None):
        rule["default"] = list(key.default) if isinstance(key.default, tuple) else key.default
    example = key.metadata["example"]
    if example is not None:
        rule["examples"] = [str(example) if isinstance(example, Path) else example]
    return rule


def _needed(section: type) -> list[str]:
    return [f.name for f in fields(section) if f.default is MISSING and f.default_factory is MISSING]
