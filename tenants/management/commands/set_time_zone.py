from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from isolation.scope import in_tenant
from tenants.queries import tenant_by_slug
from tenants.rules import is_time_zone
from tenants.services import change_time_zone


class Command(BaseCommand):
    help = "Change the time zone in which an organisation's pages, mails and texts say times."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("zone", metavar="ZONE", help="like Asia/Seoul")

    def handle(self, *, tenant: str, zone: str, **_options: Any) -> None:
        organisation = tenant_by_slug(tenant)
        if organisation is None:
            raise CommandError(f"--tenant: there is no organisation {tenant}")
        if not is_time_zone(zone):
            raise CommandError(f"ZONE: {zone} is unknown; give one like Asia/Seoul")
        with in_tenant(organisation.pk):
            before = change_time_zone(zone)
        self.stdout.write("nothing changed" if before == zone else f"{before} → {zone}")
