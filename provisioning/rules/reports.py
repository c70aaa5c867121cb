"""What an import says of its rows, counts of them, and how far it came."""

from dataclasses import dataclass

from provisioning.rules.problems import Reason


@dataclass(frozen=True, slots=True)
class RowReport:
    """A row that is refused; or a row that is written and that something was noticed about.

    Args:
        line: of the file; line 1 holds the names of the columns.
    """

    line: int
    reasons: tuple[Reason, ...]
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCounts:
    """What became of the rows of a file, in numbers of rows."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import came.

    Args:
        line: the last line of the file that is done.
    """

    line: int
    counts: ImportCounts
