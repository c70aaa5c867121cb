import shutil
import sys
import tempfile
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from audit.services import Actor
from directory.csv_rows import COLUMNS, FileProblem
from directory.services.import_files import Sheet, UnusableFile, opened
from directory.services.import_rows import Told
from directory.services.import_users import import_users
from directory.services.import_words import why_unusable, words, words_of_file
from isolation.scope import in_tenant
from tenants.queries import tenant_by_slug
from verification.services.contacts import ContactImporter


class Command(BaseCommand):
    help = (
        f"Users from a CSV file. Its columns: {', '.join(COLUMNS)}; only the first is required. "
        "Empty cells change nothing, groups (separated by ;) replace those that the user was in, "
        "a password is set only for users who have none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", help="- reads the standard input")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")

    def handle(self, *, file: str, tenant: str, dry_run: bool, **_options: Any) -> None:
        organisation = tenant_by_slug(tenant)
        if organisation is None:
            raise CommandError(f"--tenant: there is no organisation {tenant}")
        with _rewindable(file) as content, in_tenant(organisation.pk):
            tally = import_users(
                self.sheet(content),
                importer=ContactImporter(actor_id=Actor.COMMAND, number=str(uuid.uuid4())),
                tell=self.tell,
                dry_run=dry_run,
            )
        self.stdout.write(
            f"{'would be: ' if dry_run else ''}read {tally.read}, created {tally.created}, "
            f"updated {tally.updated}, unchanged {tally.unchanged}, refused {tally.refused}"
        )
        if tally.refused:
            raise CommandError(f"{tally.refused} of {tally.read} rows were refused")

    def sheet(self, content: BinaryIO) -> Sheet:
        try:
            found = opened(content)
        except UnusableFile as problem:
            raise CommandError(why_unusable(problem)) from None
        if found.unknown:
            self.stderr.write(words_of_file(FileProblem.UNKNOWN_COLUMNS, found.unknown))
        return found

    def tell(self, told: Told) -> None:
        for reason in told.reasons:
            self.stderr.write(words(reason, told.line))


@contextmanager
def _rewindable(name: str) -> Iterator[BinaryIO]:
    """The file; of the standard input a copy without a name, because it is read twice."""
    if name == "-":
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            yield copy
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  (closed below; only opening may fail quietly)
    except OSError as problem:
        raise CommandError(f"{name}: {problem.strerror}") from None
    with file:
        yield file
