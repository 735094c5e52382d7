"""Exceptions and warning categories: one family, so a caller can catch all of safemap or one kind.

Every message says what was expected, what came and what to do. It names row ids, columns and files, and never
quotes the content of other cells. ``details`` carries the same facts for programs.
"""

from __future__ import annotations

from typing import Any, ClassVar


class SafemapError(Exception):
    """Base of all errors that safemap raises on purpose."""

    #: exit status of the command line when this error ends a run
    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class InputError(SafemapError, ValueError):
    """A file, a column or a value cannot be used as it is."""


class CRSError(SafemapError, ValueError):
    """A coordinate reference system is missing, implausible or unfit for the operation."""


class GeometryError(SafemapError, ValueError):
    """A boundary cannot be used: not an area, empty, or not repairable."""


class AlignmentError(SafemapError, ValueError):
    """Ids of two inputs that belong together differ."""


class AuditError(SafemapError, RuntimeError):
    """Rows in, placed and set aside do not add up: a row was lost or doubled."""

    exit_code = 1


class ConfigError(SafemapError, ValueError):
    """An option or a key of ``assessment.toml`` is unknown or has a value that is not allowed."""

    exit_code = 2


class CrosswalkError(SafemapError, ValueError):
    """A table of correspondences contradicts itself."""


class StatisticsError(SafemapError, ValueError):
    """A statistic cannot be computed, or would not mean what it says, on this input."""

    exit_code = 4


class PrivacyError(SafemapError, ValueError):
    """What was asked for could identify a person and is refused."""

    exit_code = 5


class OutputError(SafemapError, OSError):
    """A file could not be written whole; the earlier file, if any, is as it was."""


class MissingExtraError(SafemapError, ImportError):
    """An optional library is not installed."""

    exit_code = 2


class SafemapWarning(UserWarning):
    """Base of all warnings that safemap gives."""


class DataWarning(SafemapWarning):
    """The data are usable, but something in them needs a look."""


class StatisticsWarning(SafemapWarning):
    """The number is right, but it may not answer the question asked."""


class PrivacyWarning(SafemapWarning):
    """Something that is about to leave needs a second thought."""
