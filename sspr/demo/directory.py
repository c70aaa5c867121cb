"""The demo's organisation whose users live in the directory that `make run-directory` starts.

The directory is another each time, with the same people under the same immutable ids.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, DirectoryConnection, User
from isolation.scope import in_tenant
from sspr.demo.people import FABRIKAM, DemoState, DemoUser
from sspr.demo.seeding import register
from tenants.queries import tenant_by_slug
from vault.services import seal_column


@dataclass(frozen=True, slots=True)
class DirectoryPerson:
    """A person of the directory. The state is what became of their account there, in words."""

    upn: str
    state: str
    password: str


@transaction.atomic
def seed_directory(description: Path) -> list[DirectoryPerson]:
    """Connects the organisation to the directory, and gives its people accounts in it.

    Args:
        description: a file of JSON that the command that started the directory wrote.
    """
    described = json.loads(description.read_text())
    tenant = tenant_by_slug(FABRIKAM.new_tenant.slug)
    assert tenant
    with in_tenant(tenant.pk):
        connection, _ = DirectoryConnection.objects.update_or_create(
            name="Fabrikam OpenLDAP", defaults=described["connection"]
        )
        connection.bind_password = seal_column(
            connection, "bind_password", described["bind_password"]
        )
        connection.save(update_fields=["bind_password"])
        return [
            _seed_person(connection, place, person)
            for place, person in enumerate(described["people"], start=FABRIKAM.users[-1].number + 1)
        ]


def _seed_person(
    connection: DirectoryConnection, number: int, person: dict[str, str]
) -> DirectoryPerson:
    state, password = person.pop("state"), person.pop("password")
    dn, external_id = person.pop("dn"), person.pop("external_id")
    demo_user = DemoUser(**person, state=DemoState.REGISTERED, number=number)
    is_registered = state != DemoState.NOT_REGISTERED
    user, is_new = User.objects.get_or_create(
        upn=demo_user.upn,
        defaults={
            "tenant_id": connection.tenant_id,
            "display_name": demo_user.display_name,
            "given_name": demo_user.given_name,
            "surname": demo_user.surname,
            "language": demo_user.language,
            "connector": DIRECTORY,
            "writeback": True,
            "password": make_password(None),
            "registered_at": timezone.now() if is_registered else None,
        },
    )
    DirectoryAccount.objects.update_or_create(
        user=user, connection=connection, defaults={"external_id": external_id, "dn": dn}
    )
    if is_new and is_registered:
        register(user, demo_user)
    return DirectoryPerson(demo_user.upn, state, password)
