"""The rows of a file as people, in portions for one transaction each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from operator import itemgetter

from provisioning.rules.cells import UNREADABLE, Block, FileRow, NoRow, portions
from provisioning.rules.columns import COLUMNS, ImportContext
from provisioning.rules.fast_path import Plain, fast_path
from provisioning.rules.first_lines import FirstLines
from provisioning.rules.person import Person, names_in, read_person, read_without_bad_cells
from provisioning.rules.problems import Reason, RowProblem
from provisioning.rules.reports import RowReport
from provisioning.services.files import Sheet

_ROWS_IN_A_BATCH = 5_000


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one transaction holds.

    The `plain` rows of `block` came from the fast path. `people` holds them as well once `unfold`
    was called, and not before.
    """

    last_line: int
    people: list[tuple[int, Person]]
    refused: list[RowReport]
    plain: Plain | None
    block: Block | None
    cells: Mapping[int, Sequence[str]]
    """Of the rows that aren't plain, by line."""
    meanwhile: Callable[[], object] = lambda: None
    """Reads the next batch, while the database is busy with this one. Runs no statement."""

    def cells_of(self, line: int) -> Sequence[str]:
        """The cells of the row in a line."""
        if line in self.cells or self.block is None:
            return self.cells.get(line, ())
        return self.block.row(line - self.block.first_line).cells

    @property
    def rows(self) -> int:
        """How many rows it holds; before `unfold`."""
        return len(self.people) + len(self.refused) + (len(self.plain) if self.plain else 0)


@dataclass(slots=True)
class PeopleReader:
    """Reads a file once, from its first row to its last."""

    sheet: Sheet
    context: ImportContext
    first_lines: FirstLines = field(default_factory=FirstLines)
    refused_names: FirstLines = field(default_factory=FirstLines)
    may_name_anyone: bool = False
    """Whether there was a row whose user ID can't be read."""

    def is_named(self, upn: str) -> bool:
        """Whether a row that was read is about this user, good or bad, or may be."""
        return self.may_name_anyone or upn in self.first_lines or upn in self.refused_names

    def batches(self, *, after: int = 0) -> Iterator[Batch]:
        """The people of the file. Each is in one batch, however often the file names them.

        Args:
            after: the last line of an earlier batch. Rows up to there are only read for the people
                they name.
        """
        sheet = self.sheet
        waiting = portions(
            sheet.lines, delimiter=sheet.delimiter, columns=sheet.columns, size=_ROWS_IN_A_BATCH
        )
        read = None
        while True:
            portion, broken = None, None
            try:
                portion = next(waiting, None)
            except Exception as error:  # noqa: BLE001  # raised below, after the batch before it
                broken = error
            read_next = cache(partial(self._batch, portion, after)) if portion else None
            if read is not None and (batch := read()).last_line > after:
                batch.meanwhile = read_next or batch.meanwhile
                yield batch
            if broken is not None:
                raise broken
            if read_next is None:
                return
            read = read_next

    def unfold(self, batch: Batch) -> None:
        """Makes people of the plain rows, for the case that they can't all be added as new."""
        if batch.plain is None or batch.block is None:
            return
        for at in batch.plain.at:
            row = batch.block.row(at)
            person = self._person(row)
            assert isinstance(person, Person)
            batch.people.append((row.line, person))
        batch.people.sort(key=itemgetter(0))
        batch.plain = None

    def _batch(self, portion: Block | list[FileRow | NoRow], after: int) -> Batch:
        """The first row about a person counts; later ones are refused."""
        block, plain, first = None, None, 0
        if isinstance(portion, Block):
            block, first = portion, portion.first_line
            plain = fast_path(block.columns, self.context)
            others = sorted({*range(len(block.lines))}.difference(plain.at))
            rows: list[FileRow | NoRow] = [block.row(at) for at in others]
            last_line = block.last_line
        else:
            rows, last_line = portion, portion[-1].last_line
        people, refused = [], []
        for row in rows:
            if isinstance(row, FileRow) and not any(map(str.strip, row.cells)):
                continue
            person = self._person(row)
            if isinstance(person, Person):
                people.append((row.line, person))
            else:
                refused.append(RowReport(row.line, (*person, *self._names(row)), refused=True))
        upns = [(line, person.upn) for line, person in people]
        if plain is not None:
            upns += [(first + at, upn) for at, upn in zip(plain.at, plain.upns, strict=True)]
        upns.sort()
        twice = self.first_lines.duplicates([upn for _, upn in upns], [line for line, _ in upns])
        for line, earlier in twice.items():
            again = Reason(RowProblem.SAME_USER_TWICE, COLUMNS[0], {"other": earlier})
            refused.append(RowReport(line, (again,), refused=True))
        refused = [report for report in refused if report.line > after]
        if left_out := {line for line, _ in upns if line <= after or line in twice}:
            people = [(line, person) for line, person in people if line not in left_out]
            plain = plain.without({line - first for line in left_out}) if plain else None
        return Batch(
            last_line=last_line,
            people=people,
            refused=refused,
            plain=plain or None,
            block=block,
            cells={row.line: row.cells for row in rows},
        )

    def _names(self, row: FileRow | NoRow) -> list[Reason]:
        """Notes the user IDs in a refused row. In a broken row they may be in any cell."""
        names = names_in(row.cells, self.context)
        self.refused_names.duplicates(names, [row.line] * len(names))
        at = self.sheet.columns.index(COLUMNS[0])
        is_whole = isinstance(row, FileRow) and len(row.cells) <= len(self.sheet.columns)
        is_readable = UNREADABLE not in "".join(row.cells[at : at + 1])
        if self.may_name_anyone or is_whole or (names and is_readable):
            return []
        self.may_name_anyone = True
        return [Reason(RowProblem.ANYONE)]

    def _person(self, row: FileRow | NoRow) -> Person | list[Reason]:
        if isinstance(row, NoRow):
            encoding = {"encoding": self.sheet.encoding}
            unreadable = row.reason.problem is RowProblem.UNREADABLE
            return [replace(row.reason, values=encoding) if unreadable else row.reason]
        cells, columns = row.cells, self.sheet.columns
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            count = {"count": len(cells), "expected": len(columns)}
            return [Reason(RowProblem.TOO_MANY_CELLS, "", count)]
        read = read_without_bad_cells if self.context.drop_bad_cells else read_person
        return read(dict(zip(columns, cells, strict=False)), self.context)
