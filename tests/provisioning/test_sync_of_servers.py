"""People and groups of real directories, brought over."""

import secrets

import pytest

from directory.connectors.ldap import account_connector_of
from directory.models import DirectoryAccount, Membership, User
from directory.rules import DirectoryKind
from isolation.scope import in_tenant
from provisioning.models import SyncRun, SyncState
from provisioning.services import sync_jobs
from provisioning.services.directory_sync import work
from tests.builders import make_tenant
from tests.directory.directories import connected


@pytest.fixture(params=["openldap", "ds389", "samba"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def tenant(db):
    tenant = make_tenant("contoso", domains=("sync.example",))
    with in_tenant(tenant.pk):
        yield tenant


def sync(connection):
    run = sync_jobs.start(connection, actor_id=1)
    work(run.pk, account_connector_of)
    return SyncRun.objects.get(pk=run.pk)


def test_people_and_groups_are_followed(server, tenant):
    prefix = f"s{secrets.token_hex(4)}"
    is_ad = server.kind is DirectoryKind.ACTIVE_DIRECTORY
    name = "sAMAccountName" if is_ad else "uid"
    kind = "(objectClass=user)" if is_ad else "(objectClass=inetOrgPerson)"
    people = {
        number: server.add_person(f"{prefix}{number}", mail=f"{prefix}{number}@sync.example")
        for number in range(4)
    }
    server.set(people[1].dn, manager=people[0].dn)
    inner = server.add_group(f"{prefix} inner", [people[0].dn])
    server.add_group(f"{prefix} outer", [inner, people[1].dn])
    connection = connected(
        server,
        attributes={"upn": "mail"},
        people_filter=f"(&{kind}({name}={prefix}*))",
        group_filter=f"(cn={prefix}*)",
        sign_in_attributes=[name],
        brake_percent=100,
    )

    run = sync(connection)
    assert (run.state, run.created) == (SyncState.DONE, 4)
    assert set(Membership.objects.values_list("group__name", "user__upn")) == {
        (f"{prefix} inner", f"{prefix}0@sync.example"),
        (f"{prefix} outer", f"{prefix}1@sync.example"),
    }
    managed = DirectoryAccount.objects.exclude(manager=None)
    assert list(managed.values_list("user__upn", "manager__upn")) == [
        (f"{prefix}1@sync.example", f"{prefix}0@sync.example")
    ]
    ids = dict(User.objects.values_list("upn", "pk"))
    assert User.objects.get(sign_in_names__name=f"{prefix}2").pk == ids[f"{prefix}2@sync.example"]
    assert (sync(connection).created, sync(connection).disabled) == (0, 0)

    server.set(people[0].dn, mail=f"{prefix}new@sync.example")
    server.delete(people[3].dn)
    run = sync(connection)

    assert (run.is_full, run.created, run.disabled) == (False, 0, 1)
    assert User.objects.get(upn=f"{prefix}new@sync.example").pk == ids[f"{prefix}0@sync.example"]
    assert not User.objects.get(upn=f"{prefix}3@sync.example").enabled
