"""The rows of a file as people, in portions for one transaction each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from operator import itemgetter

from provisioning.rules.cells import Block, FileRow, NoRow, portions
from provisioning.rules.columns import COLUMNS, ImportContext
from provisioning.rules.fast_path import Plain, fast_path
from provisioning.rules.person import Person, read_person
from provisioning.rules.problems import Reason, RowProblem
from provisioning.rules.reports import RowReport
from provisioning.rules.seen import Seen
from provisioning.services.files import Sheet

_ROWS_IN_A_BATCH = 5_000


@dataclass(slots=True)
class Batch:
    """What one transaction holds.

    `plain` are the rows of `block` in which nothing is odd; they are in `people` as well once
    `unfold` was called, and nowhere else before.
    """

    last_line: int = 0
    read: int = 0
    people: list[tuple[int, Person]] = field(default_factory=list)
    refused: list[RowReport] = field(default_factory=list)
    plain: Plain | None = None
    block: Block | None = None
    meanwhile: Callable[[], object] = lambda: None
    """Judges the next batch, while the database is busy with this one. Runs no statement."""


@dataclass(frozen=True, slots=True)
class PeopleReader:
    """Reads a file once, from its first row to its last."""

    sheet: Sheet
    context: ImportContext
    seen: Seen = field(default_factory=Seen)

    def batches(self, *, after: int = 0) -> Iterator[Batch]:
        """The people of the file; each is in one batch, however often the file has them.

        Args:
            after: the last line of an earlier batch. It and those before it are only looked at, for
                who is in them.
        """
        portions, judge = self._portions(), None
        while True:
            portion, broken = None, None
            try:
                portion = next(portions, None)
            except Exception as error:  # noqa: BLE001  # raised below, once what came before is done
                broken = error
            judge_next = cache(partial(self._batch, portion, after)) if portion else None
            if judge is not None and (batch := judge()).last_line > after:
                batch.meanwhile = judge_next or batch.meanwhile
                yield batch
            if broken is not None:
                raise broken
            if judge_next is None:
                return
            judge = judge_next

    def unfold(self, batch: Batch) -> None:
        """Makes people of the plain rows, where they can't be added just like that."""
        if batch.plain is None or batch.block is None:
            return
        for at in batch.plain.at:
            row = batch.block.row(at)
            person = self._person(row)
            assert isinstance(person, Person)
            batch.people.append((row.line, person))
        batch.people.sort(key=itemgetter(0))
        batch.plain = None

    def _portions(self) -> Iterator[Block | list[FileRow | NoRow]]:
        columns, known = self.sheet.columns, set(COLUMNS).intersection(self.sheet.columns)
        return portions(
            self.sheet.lines,
            delimiter=self.sheet.delimiter,
            columns=columns,
            known=known,
            size=_ROWS_IN_A_BATCH,
        )

    def _batch(self, portion: Block | list[FileRow | NoRow], after: int) -> Batch:
        if isinstance(portion, Block) and not portion.first_line <= after < portion.last_line:
            return self._judged(portion)
        batch = Batch()
        for row in portion.rows() if isinstance(portion, Block) else portion:
            self._judge(Batch() if row.last_line <= after else batch, row)
        return batch

    def _judged(self, block: Block) -> Batch:
        """Plain rows together, the others one by one."""
        plain = fast_path(block.columns, self.context)
        batch = Batch(last_line=block.last_line, block=block)
        for at in sorted({*range(len(block.lines))}.difference(plain.at)):
            self._describe(batch, block.row(at))
        batch.read += len(plain)
        self._refuse_again(batch, plain)
        return batch

    def _refuse_again(self, batch: Batch, plain: Plain) -> None:
        """Refuses rows about people who were in the file before: the first row counts."""
        assert batch.block is not None
        first = batch.block.first_line
        rows = [(first + at, upn) for at, upn in zip(plain.at, plain.upns, strict=True)]
        if batch.people:
            rows += [(line, person.upn) for line, person in batch.people]
            rows.sort()
        again = self.seen.earlier_lines([upn for _, upn in rows], [line for line, _ in rows])
        if again:
            batch.refused += [_twice(line, earlier) for line, earlier in again.items()]
            batch.people = [(line, person) for line, person in batch.people if line not in again]
            plain = plain.without({line - first for line in again})
        batch.plain = plain if len(plain) else None

    def _judge(self, batch: Batch, row: FileRow | NoRow) -> None:
        """Puts the row where it belongs, if it's the first about its person."""
        before = len(batch.people)
        self._describe(batch, row)
        if len(batch.people) == before:
            return
        earlier = self.seen.first_line(batch.people[-1][1].upn, row.line)
        if earlier != row.line:
            batch.people.pop()
            batch.refused.append(_twice(row.line, earlier))

    def _describe(self, batch: Batch, row: FileRow | NoRow) -> None:
        """Adds the row to the people of the batch, or to its refused rows. Skips an empty line."""
        batch.last_line = max(batch.last_line, row.last_line)
        if (
            isinstance(row, FileRow)
            and not row.cells[0].strip()
            and not any(map(str.strip, row.cells))
        ):
            return
        batch.read += 1
        person = self._person(row)
        if isinstance(person, Person):
            batch.people.append((row.line, person))
        else:
            batch.refused.append(RowReport(row.line, tuple(person), refused=True))

    def _person(self, row: FileRow | NoRow) -> Person | list[Reason]:
        if isinstance(row, NoRow):
            encoding = {"encoding": self.sheet.encoding}
            unreadable = row.reason.problem is RowProblem.UNREADABLE
            return [replace(row.reason, values=encoding) if unreadable else row.reason]
        cells, columns = row.cells, self.sheet.columns
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            count = {"count": len(cells), "expected": len(columns)}
            return [Reason(RowProblem.TOO_MANY_CELLS, "", count)]
        return read_person(dict(zip(columns, cells, strict=False)), self.context)


def _twice(line: int, earlier: int) -> RowReport:
    again = Reason(RowProblem.SAME_USER_TWICE, COLUMNS[0], {"other": earlier})
    return RowReport(line, (again,), refused=True)
