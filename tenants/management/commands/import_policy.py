import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from isolation.scope import in_tenant
from tenants.models import Tenant
from tenants.policy.values import differences, from_yaml, written
from tenants.queries import every_tenant, policy_in_force, tenant_by_slug
from tenants.services import change_policy


class Command(BaseCommand):
    help = (
        "Set policies from a YAML file and print what changes. Settings that the file doesn't name "
        "stay as they are, so that one baseline serves many organisations."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.yaml", help="- reads the standard input")
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--tenant", action="append", default=[], metavar="SLUG")
        chosen.add_argument("--all-tenants", action="store_true")
        parser.add_argument("--dry-run", action="store_true", help="show, and change nothing")

    def handle(
        self, *, file: str, tenant: list[str], all_tenants: bool, dry_run: bool, **_options: Any
    ) -> None:
        text = _text(file)
        organisations = every_tenant() if all_tenants else [_organisation(slug) for slug in tenant]
        failed = [one.slug for one in organisations if not self._applied(one, text, dry_run)]
        if failed:
            raise CommandError(f"not changed: {', '.join(failed)}")

    def _applied(self, organisation: Tenant, text: str, dry_run: bool) -> bool:  # noqa: FBT001
        """Whether all of the file could be done for this organisation; else nothing of it was."""
        with in_tenant(organisation.pk):
            before = policy_in_force()
            try:
                after = from_yaml(text, before)
                with transaction.atomic():
                    change_policy(after)
                    # A rehearsal finds whatever the real thing would stumble over.
                    transaction.set_rollback(dry_run)
            except ValueError as problem:
                self.stderr.write(f"{organisation.slug}: {problem}")
                return False
            changed = differences(before, after)
        for name, (old, new) in changed.items():
            self.stdout.write(f"{organisation.slug}: {name}: {written(old)} → {written(new)}")
        if not changed:
            self.stdout.write(f"{organisation.slug}: nothing changes")
        return True


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as problem:
        raise CommandError(f"{file}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file}: not UTF-8") from None


def _organisation(slug: str) -> Tenant:
    organisation = tenant_by_slug(slug)
    if organisation is None:
        raise CommandError(f"--tenant: there is no organisation {slug}")
    return organisation
