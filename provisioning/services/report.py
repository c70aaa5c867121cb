"""The report of an import, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.utils import translation
from django.utils.translation import gettext as _

from provisioning.models import Import
from provisioning.rules.csv_writing import csv_file
from provisioning.rules.reports import RowReport
from provisioning.services.store import report_of
from provisioning.services.words import words


@dataclass(frozen=True, slots=True)
class Remark:
    """A problem of a row, or a notice about it."""

    line: int
    refused: bool
    column: str
    code: str
    text: str


def first_remarks(job: Import, rows: int) -> list[Remark]:
    """About the first rows of the report."""
    return [remark for row in islice(report_of(job), rows) for remark in _remarks(row)]


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
                yield [str(remark.line), result, remark.column, remark.code, remark.text]

    return csv_file(head, rows())


def _remarks(row: RowReport) -> Iterator[Remark]:
    for reason in row.reasons:
        text = words(reason, row.line)
        yield Remark(row.line, row.refused, reason.column, reason.problem.value, text)
