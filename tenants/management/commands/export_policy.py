from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from isolation.scope import in_tenant
from tenants.policy.values import as_yaml
from tenants.queries import policy_in_force, tenant_by_slug


class Command(BaseCommand):
    help = "Print an organisation's policy as YAML, for import_policy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")

    def handle(self, *, tenant: str, **_options: Any) -> None:
        organisation = tenant_by_slug(tenant)
        if organisation is None:
            raise CommandError(f"--tenant: there is no organisation {tenant}")
        with in_tenant(organisation.pk):
            self.stdout.write(as_yaml(policy_in_force()), ending="")
