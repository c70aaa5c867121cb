import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError

from audit.activities import Activity
from audit.services import Actor, record
from directory.models import User
from directory.queries import operator_of
from directory.rules import canonical_upn, is_upn
from isolation.scope import NO_TENANT, in_tenant
from passwords.rules import evaluate, prepared
from tenants.queries import taken_domains
from tenants.roles import Role

_SHORTEST = 15


class Command(BaseCommand):
    help = (
        "Create an operator of the service. The password is asked for, or read from the "
        "standard input; the second factor is set up at the first sign-in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("upn", metavar="USER@DOMAIN", help="of no organisation's domain")
        parser.add_argument("--password-stdin", action="store_true")

    def handle(self, *, upn: str, password_stdin: bool, **_options: Any) -> None:
        name = canonical_upn(upn)
        if not is_upn(name):
            raise CommandError(f"{upn}: not a name like ops@service.example")
        # Also of a disabled organisation, as it can be enabled again.
        if taken_domains([name.rpartition("@")[2]]):
            raise CommandError(f"{name}: its domain belongs to an organisation")
        if operator_of(name) is not None:
            raise CommandError(f"{name}: is an operator already")
        password = _password(password_stdin=password_stdin)
        if evaluate(password, min_length=_SHORTEST, names=[name.partition("@")[0]]):
            raise CommandError(
                f"password: at least {_SHORTEST} characters, without the name, not easy to guess"
            )
        with in_tenant(NO_TENANT):
            operator = User(upn=name, tenant_id=None, role=Role.OPERATOR)
            operator.password = make_password(password)
            operator.save(force_insert=True)
            record(
                Activity.ROLE_CHANGED,
                subject_id=operator.pk,
                actor_id=Actor.COMMAND,
                new=Role.OPERATOR.value,
                source="command",
            )
        self.stdout.write(f"Created operator {name}.")


def _password(*, password_stdin: bool) -> str:
    typed = sys.stdin.readline().rstrip("\r\n") if password_stdin else getpass("Password: ")
    if not password_stdin and getpass("Again: ") != typed:
        raise CommandError("password: not the same twice")
    return prepared(typed)
