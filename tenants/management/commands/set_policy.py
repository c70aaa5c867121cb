from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from isolation.scope import in_tenant
from tenants.policy.values import lines, with_changes
from tenants.queries import policy_in_force, tenant_by_slug
from tenants.services import change_policy


class Command(BaseCommand):
    help = "Change an organisation's policy and print what changed; without changes, print it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "changes",
            nargs="*",
            metavar="NAME=VALUE",
            help="like self_service=all methods_required=2 reset_methods=email,mobile_text",
        )

    def handle(self, *, tenant: str, changes: list[str], **_options: Any) -> None:
        organisation = tenant_by_slug(tenant)
        if organisation is None:
            raise CommandError(f"--tenant: there is no organisation {tenant}")
        with in_tenant(organisation.pk):
            answer = _changed(changes) if changes else lines(policy_in_force())
        for line in answer:
            self.stdout.write(line)


def _changed(changes: list[str]) -> list[str]:
    try:
        return change_policy(with_changes(policy_in_force(), changes)) or ["nothing changed"]
    except ValueError as problem:
        raise CommandError(str(problem)) from None
