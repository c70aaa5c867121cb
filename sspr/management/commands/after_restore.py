"""Makes a restored database safe to use."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from sspr.restoring import RestoreOptions, StartedAlready, end_what_may_be_over


class Command(BaseCommand):
    help = (
        "Run once after a restore, before the service starts: ends what was used, revoked or signed"
        " out since the backup, as far as that can be known."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--backup-taken-at",
            required=True,
            metavar="TIME",
            help="when the backup was begun, in ISO 8601 with its zone: 2026-11-30T03:00:00+09:00",
        )
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument(
            "--end-passwords",
            action="store_true",
            help="also make every password unusable: replaced ones are valid again",
        )
        parser.add_argument(
            "--review-methods",
            action="store_true",
            help="also ask all users at the next sign-in to review their security info",
        )

    def handle(
        self,
        *,
        backup_taken_at: str,
        dry_run: bool,
        end_passwords: bool,
        review_methods: bool,
        **_options: Any,
    ) -> None:
        options = RestoreOptions(passwords=end_passwords, methods=review_methods)
        try:
            ended = end_what_may_be_over(_parsed(backup_taken_at), options, dry_run=dry_run)
        except StartedAlready as error:
            raise CommandError(
                f"The newest event is of {error.newest.isoformat()}, after that time: either it is"
                " wrong, or the service has run since the restore. Stop it, and give a time from"
                " then on."
            ) from None
        for what, count in ended.items():
            self.stdout.write(f"{what.replace('_', ' ')}: {count}")
        self.stdout.write("Nothing was changed." if dry_run else "Ended.")


def _parsed(given: str) -> datetime:
    try:
        taken_at = parse_datetime(given)
    except ValueError:
        taken_at = None
    if taken_at is None or timezone.is_naive(taken_at):
        raise CommandError("--backup-taken-at: a time with its zone, 2026-11-30T03:00:00+09:00")
    if taken_at > timezone.now():
        raise CommandError("--backup-taken-at: that time is yet to come")
    return taken_at
