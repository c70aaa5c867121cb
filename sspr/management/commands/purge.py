"""Deletes expired rows. A worker does it every day, too."""

from typing import Any

from django.core.management.base import BaseCommand

from sspr.purge import purge


class Command(BaseCommand):
    help = "Deletes expired sessions, codes, links, counters and old attempts. The audit log stays."

    def handle(self, **_options: Any) -> None:
        done = purge()
        for name, count in sorted(done.items()):
            self.stdout.write(f"{name}: {count}")
        if not done:
            self.stdout.write("Nothing to delete.")
