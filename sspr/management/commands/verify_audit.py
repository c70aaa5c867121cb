"""Verifies the audit log."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services.sealing import sweep, trust_from_here
from audit.services.verifying import ChainFinding, note_verified, verify
from isolation.scope import NO_TENANT, in_tenant
from tenants.models import Tenant
from tenants.queries import tenant_by_slug, tenant_ids

_SERVICE = "(service)"
_MOST_REPORTED = 100


class Command(BaseCommand):
    help = "Verifies the chains of the audit log. Ends with an error if anything was tampered with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only this organisation's")
        parser.add_argument(
            "--trust-from-here",
            action="store_true",
            help="after the findings were looked into: go on from what is there; with --tenant",
        )
        parser.add_argument(
            "--anchor",
            metavar="NUMBER:DIGEST",
            help="a line of the logs (audit_sealed) that the chain must hold; with --tenant",
        )

    def handle(
        self, *, tenant: str | None, anchor: str | None, trust_from_here: bool, **_options: Any
    ) -> None:
        if (anchor or trust_from_here) and not tenant:
            raise CommandError("--anchor, --trust-from-here: say of which --tenant")
        sweep(tenant_ids())
        held = _parsed(anchor) if anchor else None
        counts = sum((self._report(*chain, held) for chain in _chains(tenant)), Counter[bool]())
        bad, accepted = counts[False], counts[True]
        if bad and trust_from_here:
            self._trust(tenant or "", bad)
        elif bad:
            raise CommandError(f"The history isn't as it was written: {bad} findings")
        elif accepted:
            self.stdout.write(f"Nothing is wrong but what was accepted before: {accepted} findings")
        else:
            self.stdout.write("The history is as it was written.")

    def _report(self, name: str, tenant_id: int, anchor: tuple[int, str] | None) -> Counter[bool]:
        """Prints the findings; counts new (False) and accepted ones (True)."""
        counts = Counter[bool]()
        with in_tenant(tenant_id):
            began = timezone.now()
            for finding in verify(anchor=anchor):
                counts[finding.accepted] += 1
                # Each kind has its own limit, so that new findings are shown whatever is accepted.
                if counts[finding.accepted] <= _MOST_REPORTED:
                    self.stderr.write(f"{name}: {_words(finding)}")
            note_verified(began, counts[False])
        return counts

    def _trust(self, slug: str, bad: int) -> None:
        ((name, tenant_id),) = _chains(slug)
        with in_tenant(tenant_id):
            trust_from_here(findings=bad)
        self.stdout.write(f"{name}: events are sealed again. That this was wanted is on record.")


def _chains(slug: str | None) -> list[tuple[str, int]]:
    if slug is None:
        known = Tenant.objects.order_by("slug").values_list("slug", "pk")
        return [(_SERVICE, NO_TENANT), *known]
    if slug == _SERVICE:
        return [(_SERVICE, NO_TENANT)]
    tenant = tenant_by_slug(slug)
    if tenant is None:
        raise CommandError(f"{slug}: no organisation has this short name")
    return [(slug, tenant.pk)]


def _parsed(anchor: str) -> tuple[int, str]:
    number, _, digest = anchor.partition(":")
    if not number.isdecimal() or not digest:
        raise CommandError("--anchor: NUMBER:DIGEST, as in the logs")
    return int(number), digest


def _words(finding: ChainFinding) -> str:
    event = "" if finding.event_id is None else f", event {finding.event_id}"
    place = f" at link {finding.number}" if finding.number else ""
    known = ", accepted before" if finding.accepted else ""
    return f"{finding.flaw.replace('_', ' ')}{place}{event}{known}"
