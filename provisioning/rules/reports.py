"""An import's reports about rows, its counts and its progress."""

from collections.abc import Sequence
from dataclasses import dataclass

from provisioning.rules.problems import Reason


@dataclass(frozen=True, slots=True)
class RowReport:
    """A refused row, or an accepted row with a notice.

    Args:
        line: of the file; 0 for the names of its columns, which are in `cells`.
        cells: of a row that isn't imported, or not all of it. Never a password.
    """

    line: int
    reasons: tuple[Reason, ...]
    refused: bool
    cells: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A value of a known person before and after. Contact data is masked."""

    column: str
    old: str
    new: str


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
