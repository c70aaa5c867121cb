"""The report of an import, in words."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils import translation
from django.utils.translation import gettext as _

from provisioning.models import Import
from provisioning.rules.csv_writing import csv_file
from provisioning.rules.problems import RowProblem
from provisioning.rules.reports import RowReport
from provisioning.services.store import report_of
from provisioning.services.words import kind_words, words
from tenants.rules import group_key

_FEW_EXAMPLES = 5
_EXAMPLES = {RowProblem.GROUP_NEW: 200, RowProblem.VALUE_CHANGED: 50, RowProblem.NOT_IN_FILE: 50}


@dataclass(frozen=True, slots=True)
class Remark:
    """A problem of a row, or a notice about it."""

    line: int
    refused: bool
    column: str
    code: str
    text: str


@dataclass(slots=True)
class RemarkKind:
    """Remarks of one kind about one column.

    Args:
        rows: how many rows they are about.
        refused: how many of these rows aren't imported.
        examples: the first remarks, in words.
    """

    problem: RowProblem
    column: str
    rows: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return kind_words(self.problem)

    @property
    def more(self) -> int:
        """Rows that aren't among the examples."""
        return self.rows - len(self.examples)


def kinds_of_remarks(job: Import) -> list[RemarkKind]:
    """What the report says, by kind: errors first, then notices, then changes; many before few."""
    kinds: dict[tuple[RowProblem, str], RemarkKind] = {}
    names = set[str]()
    for row in report_of(job):
        for reason in row.reasons:
            if reason.problem is RowProblem.GROUP_NEW:
                # A check makes no group, so each worker's turn meets it again.
                if (name := group_key(str(reason.values["value"]))) in names:
                    continue
                names.add(name)
            key = reason.problem, reason.column
            kind = kinds.setdefault(key, RemarkKind(*key))
            kind.rows += 1
            kind.refused += row.refused
            if len(kind.examples) < _EXAMPLES.get(reason.problem, _FEW_EXAMPLES):
                kind.examples.append(words(reason, row.line))
    order = (RowProblem.GROUP_NEW, RowProblem.VALUE_CHANGED, RowProblem.NOT_IN_FILE)
    return sorted(
        kinds.values(),
        key=lambda kind: (
            not kind.problem.is_error,
            order.index(kind.problem) if kind.problem in order else -1,
            -kind.rows,
            kind.problem,
            kind.column,
        ),
    )


def bad_rows(job: Import, language: str) -> Iterator[str]:
    """The rows that weren't imported, or without a value: to correct and import again.

    In pieces of a CSV file with the columns of the uploaded one, and what is wrong. Goes on after
    the request has ended.
    """
    rows = report_of(job)
    head = next(rows, None)
    headers = list(head.cells) if head is not None and head.line == 0 else []
    with translation.override(language):
        problem = _("Problem")

    def lines() -> Iterator[list[str]]:
        for row in rows:
            if any(reason.problem.is_error for reason in row.reasons):
                with translation.override(language):
                    remarks = "; ".join(remark.text for remark in _remarks(row))
                cells = [*row.cells, *[""] * (len(headers) - len(row.cells))]
                yield [*cells[: len(headers)], remarks]

    return csv_file([*headers, problem], lines())


def report(job: Import, language: str) -> Iterator[str]:
    """The whole report, in pieces of a CSV file. Goes on after the request has ended."""
    with translation.override(language):
        head = [_("Row"), _("Result"), _("Column"), _("Code"), _("Problem")]
        if job.started_at is not None:
            # A row is reported in the transaction that writes it.
            good_row = _("Imported")
        else:
            good_row = _("Not imported") if job.has_ended else _("Will be imported")
        results = {True: _("Skipped"), False: good_row}

    def rows() -> Iterator[list[str]]:
        for row in report_of(job):
            with translation.override(language):
                remarks = list(_remarks(row))
            for remark in remarks:
                result = results[remark.refused]
                yield [str(remark.line or ""), result, remark.column, remark.code, remark.text]

    return csv_file(head, rows())


def _remarks(row: RowReport) -> Iterator[Remark]:
    for reason in row.reasons:
        text = words(reason, row.line)
        yield Remark(row.line, row.refused, reason.column, reason.problem.value, text)
