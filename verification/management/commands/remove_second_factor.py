from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services import Actor
from directory.queries import operator_of, user_of
from directory.rules import canonical_upn
from isolation.scope import NO_TENANT, in_tenant
from tenants.queries import tenant_of
from verification.services.second_factor import remove_second_factor


class Command(BaseCommand):
    help = (
        "Remove all authenticator apps of a user who lost the phone, if no administrator can. "
        "Their sessions end; the next sign-in sets up a new app."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("upn", metavar="USER@DOMAIN")

    def handle(self, *, upn: str, **_options: Any) -> None:
        name = canonical_upn(upn)
        tenant = tenant_of(name)
        with in_tenant(tenant.pk if tenant else NO_TENANT):
            person = user_of(name) if tenant else operator_of(name)
            if person is None:
                raise CommandError(f"{name}: there is no such user")
            remove_second_factor(person, actor_id=Actor.COMMAND, note="command")
        self.stdout.write(f"{name}: no authenticator app any more")
