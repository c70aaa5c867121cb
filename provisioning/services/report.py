"""What became of the rows of a file, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.utils import translation
from django.utils.translation import gettext as _

from provisioning.models import Import
from provisioning.rules.csv_writing import MARK, as_csv
from provisioning.services.batches import Told
from provisioning.services.store import report_of
from provisioning.services.words import words

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong with a row, or was noticed about it."""

    line: int
    refused: bool
    column: str
    code: str
    text: str


def first_remarks(kept: Import, rows: int) -> list[Remark]:
    """About the first so many rows that there is something to be said about."""
    return [remark for told in islice(report_of(kept), rows) for remark in _remarks(told)]


def report(kept: Import, language: str) -> Iterator[str]:
    """The whole report, in pieces of a file. Outlives the request that asks for it."""
    with translation.override(language):
        head = [_("Row"), _("Result"), _("Column"), _("Code"), _("What is wrong")]
        results = {True: _("Skipped"), False: _fate(kept)}
    yield MARK + as_csv([head])
    rows = report_of(kept)
    while portion := list(islice(rows, _AT_ONCE)):
        with translation.override(language):
            remarks = [remark for told in portion for remark in _remarks(told)]
        yield as_csv(
            [str(one.line), results[one.refused], one.column, one.code, one.text] for one in remarks
        )


def _fate(kept: Import) -> str:
    """What becomes of the good rows that the report tells of: never more than was done."""
    if kept.started_at is not None:
        # A row is reported in the transaction that writes it.
        return _("Imported")
    return _("Not imported") if kept.has_ended else _("Will be imported")


def _remarks(told: Told) -> Iterator[Remark]:
    for reason in told.reasons:
        text = words(reason, told.line)
        yield Remark(told.line, told.refused, reason.column, reason.problem.value, text)
