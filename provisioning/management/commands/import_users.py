import codecs
import io
import shutil
import sys
import tempfile
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from audit.services import Actor
from isolation.scope import in_tenant
from provisioning.rules.code_pages import usual_pages
from provisioning.rules.columns import COLUMNS
from provisioning.rules.problems import FileProblem
from provisioning.rules.reports import RowReport
from provisioning.services.contacts import Importer
from provisioning.services.files import Sheet, UnusableFile, differing, names_in, opened
from provisioning.services.importing import import_users
from provisioning.services.words import why_unusable, words, words_of_file
from tenants.queries import tenant_by_slug

_EXAMPLES = 3


class Command(BaseCommand):
    help = (
        f"Users from a CSV file. Its columns: {', '.join(COLUMNS)}; only the first is required. "
        "Empty cells change nothing, groups (separated by ;) replace those that the user was in, "
        "a password is set only for users who have none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", help="- reads the standard input")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--encoding",
            default="",
            metavar="NAME",
            help="for example cp1252; needed where a file that isn't Unicode fits several",
        )
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")

    def handle(
        self, *, file: str, tenant: str, encoding: str, dry_run: bool, **_options: Any
    ) -> None:
        organisation = tenant_by_slug(tenant)
        if organisation is None:
            raise CommandError(f"--tenant: there is no organisation {tenant}")
        usual = usual_pages(organisation.country, organisation.language)
        with _rewindable(file) as content, in_tenant(organisation.pk):
            sheet = self.sheet(content, _encoding(encoding), usual)
            counts = import_users(
                sheet,
                importer=Importer(actor_id=Actor.COMMAND, number=str(uuid.uuid4())),
                report=self.report,
                dry_run=dry_run,
            )
        self.stdout.write(
            f"{'would be: ' if dry_run else ''}read {counts.read}, created {counts.created}, "
            f"updated {counts.updated}, unchanged {counts.unchanged}, refused {counts.refused}"
        )
        if counts.refused:
            raise CommandError(f"{counts.refused} of {counts.read} rows were refused")

    def sheet(self, content: BinaryIO, encoding: str, usual: Sequence[str]) -> Sheet:
        try:
            sheet = opened(content, encoding=encoding, usual=usual)
            if sheet.is_guess:
                self.confirm_guess(content, sheet)
                sheet = opened(content, encoding=sheet.encoding)
        except UnusableFile as problem:
            raise CommandError(why_unusable(problem)) from None
        if sheet.unknown:
            self.stderr.write(words_of_file(FileProblem.UNKNOWN_COLUMNS, sheet.unknown))
        return sheet

    def confirm_guess(self, content: BinaryIO, sheet: Sheet) -> None:
        """Prints the guessed encoding. Refuses the file if it isn't certain."""
        if not sheet.guesses:
            raise CommandError(
                "The file isn't UTF-8, and its names look wrong in every code page. "
                "Say what it is with --encoding, or save it as CSV UTF-8."
            )
        if len(sheet.guesses) == 1:
            names = "; ".join(names_in(sheet, _EXAMPLES))
            self.stderr.write(f"Read as {sheet.encoding}: {names}")
            return
        rows = differing(content, sheet.guesses, _EXAMPLES)
        readings = [
            f"  --encoding {page}: {'; '.join(row[at] for row in rows)}"
            for at, page in enumerate(sheet.guesses)
        ]
        raise CommandError(
            "\n".join(["The file isn't UTF-8. Say how its names are right:", *readings])
        )

    def report(self, row: RowReport) -> None:
        for reason in row.reasons:
            self.stderr.write(words(reason, row.line))


def _encoding(name: str) -> str:
    """Python's name of the encoding, which must decode bytes to text."""
    if not name:
        return ""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)
        return codecs.lookup(name).name
    except LookupError:
        raise CommandError(f"--encoding: {name} is not known") from None


@contextmanager
def _rewindable(name: str) -> Iterator[BinaryIO]:
    """The file, or a copy of the standard input, because it is read twice."""
    if name == "-":
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            yield copy
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  (closed below; only errors of opening are reported)
    except OSError as problem:
        raise CommandError(f"{name}: {problem.strerror}") from None
    with file:
        yield file
