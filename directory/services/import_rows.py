"""The rows of a file as people, in portions for one transaction each."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from directory import csv_rows
from directory.csv_rows import COLUMNS, Person, Problem, Reason, Yardstick
from directory.csv_rows.cells import NoRow, Row, rows
from directory.csv_rows.seen import Seen
from directory.services.import_files import Sheet

_ROWS_IN_A_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Told:
    """A row that is refused; or one that is written, and something was noticed about it."""

    line: int
    reasons: tuple[Reason, ...]
    refused: bool


@dataclass(slots=True)
class Batch:
    """What one transaction holds."""

    last_line: int = 0
    read: int = 0
    people: list[tuple[int, Person]] = field(default_factory=list)
    refused: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file being read: what is known about it and what its rows are measured by."""

    sheet: Sheet
    yardstick: Yardstick
    seen: Seen = field(default_factory=Seen)

    def batches(self, *, after: int = 0) -> Iterator[Batch]:
        """The people of the file; each is in one batch, however often the file has them.

        Args:
            after: the last line of an earlier batch. It and those before it are only looked at, for
                who is in them.
        """
        batch = Batch()
        for count, row in enumerate(self._rows(), start=1):
            if row.last_line <= after:
                self._judge(Batch(), row)
                continue
            self._judge(batch, row)
            if count % _ROWS_IN_A_BATCH == 0:
                yield batch
                batch = Batch()
        if batch.last_line:
            yield batch

    def _rows(self) -> Iterator[Row | NoRow]:
        columns, known = self.sheet.columns, set(COLUMNS).intersection(self.sheet.columns)
        return rows(self.sheet.lines, delimiter=self.sheet.delimiter, columns=columns, known=known)

    def _judge(self, batch: Batch, row: Row | NoRow) -> None:
        """Puts the row where it belongs. One that is empty isn't a row."""
        batch.last_line = row.last_line
        if isinstance(row, Row) and not row.cells[0].strip() and not any(map(str.strip, row.cells)):
            return
        batch.read += 1
        found = self._person(row)
        if isinstance(found, Person):
            batch.people.append((row.line, found))
        else:
            batch.refused.append(Told(row.line, tuple(found), refused=True))

    def _person(self, row: Row | NoRow) -> Person | list[Reason]:
        if isinstance(row, NoRow):
            encoding = {"encoding": self.sheet.encoding}
            unreadable = row.reason.problem is Problem.UNREADABLE
            return [replace(row.reason, values=encoding) if unreadable else row.reason]
        cells, columns = row.cells, self.sheet.columns
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            count = {"count": len(cells), "expected": len(columns)}
            return [Reason(Problem.TOO_MANY_CELLS, "", count)]
        found = csv_rows.person(dict(zip(columns, cells, strict=False)), self.yardstick)
        if isinstance(found, Person):
            first = self.seen.first_line(found.upn, row.line)
            if first != row.line:
                return [Reason(Problem.SAME_USER_TWICE, COLUMNS[0], {"other": first})]
        return found
