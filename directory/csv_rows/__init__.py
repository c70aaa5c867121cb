"""One row of a file of people in, a person out, or everything that speaks against the row."""

from directory.csv_rows.person import COLUMNS, Person, Yardstick, person
from directory.csv_rows.plain import Plain, plain_rows
from directory.csv_rows.problems import FileProblem, Problem, Reason

__all__ = [
    "COLUMNS",
    "FileProblem",
    "Person",
    "Plain",
    "Problem",
    "Reason",
    "Yardstick",
    "person",
    "plain_rows",
]
