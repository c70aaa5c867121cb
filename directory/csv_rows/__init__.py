"""One row of a file of people in, a person out, or everything that speaks against the row."""

from directory.csv_rows.person import COLUMNS, Person, Yardstick, person
from directory.csv_rows.problems import FileProblem, Problem, Reason

__all__ = ["COLUMNS", "FileProblem", "Person", "Problem", "Reason", "Yardstick", "person"]
