"""Says whether the history is as it was written."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services.sealing import Finding, sweep, verify
from isolation.scope import NOBODY, in_tenant
from tenants.models import Tenant
from tenants.queries import tenant_by_slug

_SERVICE = "(service)"
_MOST_SAID = 100


class Command(BaseCommand):
    help = "Verifies the chains of the audit log. Ends with an error if anything was tampered with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only this organisation's")
        parser.add_argument(
            "--anchor",
            metavar="NUMBER:DIGEST",
            help="a line of the logs (audit_sealed) that the chain must hold; with --tenant",
        )

    def handle(self, *, tenant: str | None, anchor: str | None, **_options: Any) -> None:
        if anchor and not tenant:
            raise CommandError("--anchor: say of which --tenant it is")
        sweep()
        held = _parsed(anchor) if anchor else None
        bad = 0
        for name, tenant_id in _chains(tenant):
            with in_tenant(tenant_id):
                for finding in verify(anchor=held):
                    bad += 1
                    if bad <= _MOST_SAID:
                        self.stderr.write(f"{name}: {_words(finding)}")
        if bad:
            raise CommandError(f"The history isn't as it was written: {bad} findings")
        self.stdout.write("The history is as it was written.")


def _chains(slug: str | None) -> list[tuple[str, int]]:
    if slug is None:
        known = Tenant.objects.order_by("slug").values_list("slug", "pk")
        return [(_SERVICE, NOBODY), *known]
    found = tenant_by_slug(slug)
    if found is None:
        raise CommandError(f"{slug}: no organisation has this short name")
    return [(slug, found.pk)]


def _parsed(anchor: str) -> tuple[int, str]:
    number, _, digest = anchor.partition(":")
    if not number.isdecimal() or not digest:
        raise CommandError("--anchor: NUMBER:DIGEST, as in the logs")
    return int(number), digest


def _words(finding: Finding) -> str:
    event = "" if finding.event_id is None else f", event {finding.event_id}"
    place = f" at link {finding.number}" if finding.number else ""
    return f"{finding.flaw.replace('_', ' ')}{place}{event}"
