import codecs
import io
import shutil
import sys
import tempfile
import uuid
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from audit.services import Actor
from isolation.scope import in_tenant
from provisioning.queries import header_hints, import_context
from provisioning.rules.code_pages import usual_pages
from provisioning.rules.columns import READ
from provisioning.rules.countries import country_of
from provisioning.rules.headers import header_key
from provisioning.rules.layouts import Layout
from provisioning.rules.problems import FileProblem, Reason, RowProblem, UnusableFile
from provisioning.rules.reports import RowReport
from provisioning.services.contacts import Importer
from provisioning.services.files import Sheet, differing, names_in, opened
from provisioning.services.importing import import_users
from provisioning.services.missing import MissingPeople, disable, missing_people
from provisioning.services.words import why_unusable, words, words_of_file
from provisioning.services.workbooks import as_text
from tenants.queries import tenant_by_slug

_EXAMPLES = 3
_COUNTRIES = ("country", "office_country", "mobile_country")


class Command(BaseCommand):
    help = (
        f"Users from a CSV file or an Excel workbook. Its columns: {', '.join(READ)}; "
        "only the first is required. Usual names in English and Korean are known, too. "
        "Empty cells change nothing, groups (separated by ;) replace those that the user was in, "
        "a password is set only for users who have none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="- reads the standard input")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--encoding",
            default="",
            metavar="NAME",
            help="for example cp1252; needed where a file that isn't Unicode fits several",
        )
        parser.add_argument(
            "--header-line", type=int, default=0, metavar="N", help="where the names of columns are"
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="NAME=COLUMN",
            help="what a column of the file means; nothing behind = ignores it",
        )
        for name, of in (
            ("", "numbers"),
            ("office-", "office phones"),
            ("mobile-", "mobile phones"),
        ):
            parser.add_argument(
                f"--{name}country", default="", metavar="XX", help=f"of {of} without country code"
            )
        parser.add_argument("--domain", default="", help="of user IDs that have none")
        parser.add_argument(
            "--drop-bad-cells",
            action="store_true",
            help="import people without values that have an error, instead of skipping their rows",
        )
        parser.add_argument(
            "--disable-missing", action="store_true", help="disable people who aren't in the file"
        )
        parser.add_argument(
            "--confirm", type=int, metavar="N", help="how many of them, where they are many"
        )
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")

    def handle(
        self, *, file: str, tenant: str, encoding: str, dry_run: bool, **options: Any
    ) -> None:
        organisation = tenant_by_slug(tenant)
        if organisation is None:
            raise CommandError(f"--tenant: there is no organisation {tenant}")
        usual = usual_pages(organisation.country, organisation.language)
        with _text(file) as content, in_tenant(organisation.pk):
            sheet = self.sheet(content, _encoding(encoding), usual)
            sheet = self.chosen(content, sheet, options)
            importer = Importer(actor_id=Actor.COMMAND, number=str(uuid.uuid4()))
            named: list[Callable[[str], bool]] = []
            counts = import_users(
                sheet,
                importer=importer,
                report=self.report,
                dry_run=dry_run,
                finish=named.append,
            )
            missing = missing_people(named[0], read=counts.read - counts.refused)
            if dry_run:
                for upn in missing.users.values():
                    self.report(
                        RowReport(
                            0, (Reason(RowProblem.NOT_IN_FILE, "", {"upn": upn}),), refused=False
                        )
                    )
            elif options["disable_missing"]:
                self.disable(missing, importer, options["confirm"])
        self.stdout.write(
            f"{'would be: ' if dry_run else ''}read {counts.read}, created {counts.created}, "
            f"updated {counts.updated}, unchanged {counts.unchanged}, refused {counts.refused}"
        )
        if counts.refused:
            raise CommandError(f"{counts.refused} of {counts.read} rows were refused")

    def sheet(self, content: BinaryIO, encoding: str, usual: Sequence[str]) -> Sheet:
        try:
            sheet = opened(content, encoding=encoding, usual=usual, is_whole=False)
        except UnusableFile as problem:
            raise CommandError(why_unusable(problem)) from None
        if sheet.is_guess:
            self.confirm_guess(content, sheet)
        return sheet

    def chosen(self, content: BinaryIO, guess: Sheet, options: Mapping[str, Any]) -> Sheet:
        """The file, read as the options say."""
        context = import_context()
        codes = {name: options[name].upper() for name in _COUNTRIES}
        for name, code in codes.items():
            if code and country_of(code) != code:
                raise CommandError(f"--{name.replace('_', '-')}: {code} is not a country")
        if options["domain"] and options["domain"] not in context.domains:
            raise CommandError(f"--domain: {options['domain']} is not a domain of the organisation")
        layout = Layout(
            header_line=options["header_line"] or guess.layout.header_line,
            delimiter=guess.layout.delimiter,
            domain=options["domain"],
            drop_bad_cells=options["drop_bad_cells"],
            **codes,
        )
        remembered = {}
        for text in options["column"]:
            header, _, column = text.rpartition("=")
            if not header_key(header) or column not in {*READ, ""}:
                raise CommandError(f"--column: {text} is not NAME=COLUMN")
            remembered[header_key(header)] = column
        hints = header_hints()
        hints = replace(hints, remembered={**hints.remembered, **remembered})
        try:
            sheet = opened(content, encoding=guess.encoding, layout=layout, hints=hints)
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

    def disable(self, missing: MissingPeople, importer: Importer, confirmed: int | None) -> None:
        count = len(missing.users)
        if missing.is_braked and confirmed != count:
            raise CommandError(
                f"{count} of {missing.of_people} people aren't in the file and stay enabled; "
                f"repeat it with --confirm {count} to disable them"
            )
        self.stdout.write(f"disabled {disable(list(missing.users), importer)}")

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
def _text(name: str) -> Iterator[BinaryIO]:
    try:
        with _rewindable(name) as file, as_text(file) as text:
            yield text
    except UnusableFile as problem:
        raise CommandError(why_unusable(problem)) from None


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
