"""Compares factor summaries with the registered methods. A worker does it every night."""

from typing import Any

from django.core.management.base import BaseCommand

from tenants.queries import tenant_ids
from verification.services import factors


class Command(BaseCommand):
    help = "Checks every user's factor summary, from which lists and figures come, and mends it."

    def handle(self, **_options: Any) -> None:
        mended = factors.check(tenant_ids()).mended
        self.stdout.write(f"{mended} mended." if mended else "All summaries are right.")
