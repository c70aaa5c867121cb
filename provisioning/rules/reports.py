"""An import's reports about rows, its counts and its progress."""

from dataclasses import dataclass

from provisioning.rules.problems import Reason


@dataclass(frozen=True, slots=True)
class RowReport:
    """A refused row, or an accepted row with a notice.

    Args:
        line: of the file; line 1 holds the names of the columns.
    """

    line: int
    reasons: tuple[Reason, ...]
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCounts:
    """Numbers of rows, by their result."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import came.

    Args:
        line: the last line of the file that is dealt with.
    """

    line: int
    counts: ImportCounts
