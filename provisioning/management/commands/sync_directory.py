from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services import Actor
from directory.connectors.ldap import account_connector_of
from directory.models import DirectoryConnection
from isolation.scope import in_tenant
from provisioning.models import SyncRun, SyncState
from provisioning.services import sync_jobs
from provisioning.services.directory_sync import work
from provisioning.services.sync_report import problems_of
from tenants.queries import tenant_by_slug


class Command(BaseCommand):
    help = (
        "Brings the people and groups of a directory over, here and now. Without --confirm, a run "
        "that would disable too many people disables none and says how many they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--directory", required=True, metavar="NAME")
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")
        parser.add_argument("--full", action="store_true", help="read everyone")
        parser.add_argument(
            "--confirm", type=int, metavar="COUNT", help="disable as many people as a run said"
        )

    def handle(  # the options of the command
        self,
        *,
        tenant: str,
        directory: str,
        dry_run: bool,
        full: bool,
        confirm: int | None,
        **_options: Any,
    ) -> None:
        organisation = tenant_by_slug(tenant)
        if organisation is None:
            raise CommandError(f"--tenant: there is no organisation {tenant}")
        with in_tenant(organisation.pk):
            connection = DirectoryConnection.objects.filter(name=directory).first()
            if connection is None:
                raise CommandError(f"--directory: there is no directory {directory}")
            run = sync_jobs.start(connection, actor_id=Actor.COMMAND, dry_run=dry_run, full=full)
            run = self._worked(run)
            if run.state == SyncState.HELD and confirm is not None:
                if not sync_jobs.confirm(run, count=confirm, actor_id=Actor.COMMAND):
                    raise CommandError(f"--confirm: the run would disable {run.would_disable}")
                run = self._worked(run)
            for problem in problems_of(run):
                self.stderr.write(f"{problem.subject}: {problem.text}")
            self._say(run)

    def _worked(self, run: SyncRun) -> SyncRun:
        """The run after all of its turns. A worker may do some of them."""
        while run.is_at_work:
            work(run.pk, account_connector_of)
            run = SyncRun.objects.get(pk=run.pk)
        return run

    def _say(self, run: SyncRun) -> None:
        if run.state == SyncState.HELD:
            raise CommandError(
                f"this run would disable {run.would_disable} of {run.of_people} people; "
                f"repeat it with --confirm {run.would_disable}"
            )
        if run.state != SyncState.DONE:
            raise CommandError(f"ended: {run.failure or run.state}")
        disabled = run.would_disable if run.is_dry_run else run.disabled
        self.stdout.write(
            f"{'would be: ' if run.is_dry_run else ''}read {run.read}, created {run.created}, "
            f"linked {run.linked}, changed {run.changed}, disabled {disabled}, "
            f"restored {run.restored}, groups {run.groups}, problems {run.problems}"
        )
