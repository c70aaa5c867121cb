import codecs
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from directory.csv_rows import COLUMNS
from directory.services.import_users import Refused, UnusableFile, import_users
from isolation.scope import in_tenant
from tenants.queries import tenant_by_slug

_ENCODINGS = ("utf-8-sig", "cp949")
_CHUNK_BYTES = 1 << 20


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
        try:
            with _opened(file) as lines, in_tenant(organisation.pk):
                tally = import_users(lines, tell=self.tell, dry_run=dry_run)
        except UnusableFile as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(
            f"{'would be: ' if dry_run else ''}read {tally.read}, created {tally.created}, "
            f"updated {tally.updated}, unchanged {tally.unchanged}, refused {tally.refused}"
        )
        if tally.refused:
            raise CommandError(f"{tally.refused} of {tally.read} rows were refused")

    def tell(self, refused: Refused) -> None:
        reasons = (f"{r.column}: {r.text}" if r.column else r.text for r in refused.reasons)
        self.stderr.write(f"line {refused.line}: {'; '.join(reasons)}")


@contextmanager
def _opened(name: str) -> Iterator[TextIOWrapper]:
    with _rewindable(name) as file:
        encoding = _encoding(file)
        file.seek(0)
        yield TextIOWrapper(file, encoding)


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


def _encoding(file: BinaryIO) -> str:
    """UTF-8 if all of the file is; else CP949, in which Korean spreadsheets are saved."""
    for name in _ENCODINGS:
        file.seek(0)
        if _decodes(file, name):
            return name
    raise CommandError("neither UTF-8 nor CP949: save the file as “CSV UTF-8”")


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in iter(partial(file.read, _CHUNK_BYTES), b""):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
