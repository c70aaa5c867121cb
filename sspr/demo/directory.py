"""The demo's organisation whose users live in the directory that `make run-directory` starts.

The directory is another each time, with the same people under the same immutable ids.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import timezone

from audit.services import Actor
from directory.models import DirectoryConnection, User
from isolation.scope import in_tenant
from provisioning.models import SyncRun, SyncState
from provisioning.services import sync_jobs
from provisioning.tasks import sync_directory
from sspr.demo.people import FABRIKAM, DemoState, DemoUser
from sspr.demo.seeding import register
from tenants.queries import tenant_by_slug
from vault.services import seal_column


class NotSynchronised(Exception):
    """The directory's people couldn't be brought over."""


@dataclass(frozen=True, slots=True)
class DirectoryPerson:
    """A person of the directory. The state is what became of their account there, in words."""

    upn: str
    state: str
    password: str


def seed_directory(description: Path) -> list[DirectoryPerson]:
    """Connects the organisation to the directory, and synchronises it as a worker does.

    Args:
        description: a file of JSON that the command that started the directory wrote.

    Raises:
        NotSynchronised: see its message.
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
        run = sync_jobs.start(connection, actor_id=Actor.COMMAND, full=True)
        sync_directory(tenant.pk, str(run.pk))
        run = SyncRun.objects.get(pk=run.pk)
        if run.state != SyncState.DONE:
            raise NotSynchronised(f"the synchronisation ended: {run.failure or run.state}")
        return [_seed_person(person) for person in described["people"]]


def _seed_person(person: dict[str, Any]) -> DirectoryPerson:
    """Registers methods of a person, once."""
    state, password = person.pop("state"), person.pop("password")
    demo_user = DemoUser(**person, state=DemoState.REGISTERED)
    user = User.objects.get(upn=demo_user.upn)
    if state != DemoState.NOT_REGISTERED and user.registered_at is None:
        User.objects.filter(pk=user.pk).update(registered_at=timezone.now())
        register(user, demo_user)
    return DirectoryPerson(demo_user.upn, state, password)
