"""What can be wrong with a file of people, and with a row of it. `services.words` has the texts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_LONGEST_VALUE = 100


class RowProblem(StrEnum):
    """The values are codes in reports, so they never change."""

    UPN_MISSING = "e01"
    UPN_MALFORMED = "e02"
    DOMAIN_NOT_OURS = "e03"
    SAME_USER_TWICE = "e04"
    NOT_A_PHONE = "e05"
    NUMBER_SHORTENED = "e06"
    KIND_OF_NUMBER = "e07"
    NOT_A_MAILBOX = "e08"
    OWN_DOMAIN = "e09"
    UNKNOWN_LANGUAGE = "e10"
    UNKNOWN_GROUP = "e11"
    """Not used now: missing groups are created."""
    TOO_MANY_CELLS = "e12"
    PASSWORD_LENGTH = "e13"
    UNREADABLE = "e14"
    CONTROL_CHARACTERS = "e15"
    TOO_LONG = "e16"
    TOO_MANY_GROUPS = "e17"
    QUOTE_MISSING = "e18"
    NAME_TAKEN = "e19"
    COUNTRY_NOT_ALLOWED = "e20"
    EXTENSION_NOT_HERE = "e21"
    ROW_TOO_LONG = "e22"
    DIGIT_MISSING = "e23"
    UNKNOWN_COUNTRY = "e24"
    DELETED_HERE = "e30"
    ZERO_ADDED = "w01"
    VERIFIED_KEPT = "w02"
    GROUP_NOT_IN_POLICY = "w03"
    """Reported once for each group of a file, if the policy names groups."""
    FROZEN_KEPT = "w04"
    PASSWORD_NOT_SET = "w05"
    USER_ID_RESPELLED = "w06"
    DISOWNED_KEPT = "w07"
    GROUP_NEW = "w08"
    """Reported once for each group that a file makes."""
    NOT_IN_FILE = "w09"
    """About a known person, and no row."""
    ANYONE = "w10"
    """Reported once for a file: the row may be about anyone, so no person counts as missing."""
    VALUE_CHANGED = "c01"
    """Reported by a check, for each value of a known person that the file changes."""

    @property
    def is_error(self) -> bool:
        """Whether the cell, or the row, isn't imported."""
        return self.value.startswith("e")


class FileProblem(StrEnum):
    """Of the whole file. `UNKNOWN_COLUMNS` is a warning; the others refuse the file."""

    UPN_COLUMN_MISSING = "f01"
    UNKNOWN_COLUMNS = "f02"
    EMPTY = "f03"
    EXCEL = "f04"
    """An old kind of workbook, or one with a password."""
    COLUMN_TWICE = "f05"
    TOO_MANY_COLUMNS = "f06"
    WORKBOOK = "f07"
    """It is a ZIP archive, and no workbook that can be read."""
    WORKBOOK_TOO_LARGE = "f08"


class UnusableFile(ValueError):
    """No row can be read.

    Args:
        columns: the columns that cause it, if any do.
    """

    def __init__(self, problem: FileProblem, columns: Iterable[str] = ()) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.columns = tuple(columns)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row is refused, or a notice about an accepted row.

    Args:
        column: the column that causes it, if one does.
        values: replace the placeholders of the text. They have names, numbers and addresses, so
            they go to the report and never to a log. They never have a password.
    """

    problem: RowProblem
    column: str = ""
    values: Mapping[str, str | int] = field(default_factory=dict, repr=False, hash=False)


def about(problem: RowProblem, column: str, cell: str = "", **more: str | int) -> Reason:
    """A reason that quotes the cell, or its beginning."""
    shown = cell if len(cell) <= _LONGEST_VALUE else f"{cell[:_LONGEST_VALUE]}…"
    return Reason(problem, column, {"value": shown, **more} if cell else more)
