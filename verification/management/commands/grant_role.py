from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services import Actor
from directory.queries import user_of
from directory.rules import canonical_upn
from isolation.scope import in_tenant
from tenants.queries import tenant_of
from tenants.roles import Role
from verification.services.roles import LastAdministrator, change_role

_ROLES = {role.value or "none": role for role in Role if role is not Role.OPERATOR}


class Command(BaseCommand):
    help = "Give a user of an organisation a role; `none` takes it away. Their sessions end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("upn", metavar="USER@DOMAIN")
        parser.add_argument("role", choices=sorted(_ROLES))

    def handle(self, *, upn: str, role: str, **_options: Any) -> None:
        name = canonical_upn(upn)
        tenant = tenant_of(name)
        if tenant is None:
            raise CommandError(f"{name}: no organisation has this domain")
        with in_tenant(tenant.pk):
            person = user_of(name)
            if person is None:
                raise CommandError(f"{name}: there is no such user")
            try:
                given = change_role(person, _ROLES[role], actor_id=Actor.COMMAND, source="command")
            except LastAdministrator:
                raise CommandError(f"{name}: is the last tenant admin") from None
        if given is None:
            self.stdout.write(f"{name}: {role} already")
            return
        self.stdout.write(f"{name}: {role}")
        if given.password_withdrawn:
            self.stdout.write("Their password no longer works; issue a temporary password.")
        if given.removed:
            self.stdout.write(f"To be registered again: {', '.join(given.removed)}")
