"""What was there before names were folded."""

import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from directory.models import User
from isolation.scope import in_tenant
from tenants.models import Group
from tenants.queries import groups_named
from tests.builders import make_tenant, make_user
from tests.directory.test_prefills import migrated

BEFORE = [("directory", "0012_prefill_held"), ("tenants", "0005_chains_begin")]


@pytest.mark.django_db(transaction=True)
def test_older_groups_stay_apart_and_older_people_are_found():
    tenant = make_tenant("moving")
    with in_tenant(tenant.pk):
        user = make_user("one@moving.example", display_name="Sean MÜLLER")
    try:
        old = migrated(BEFORE)
        group, users = old.get_model("tenants", "Group"), old.get_model("directory", "User")
        with in_tenant(tenant.pk):
            for name in ("Staff", "STAFF", "staff"):
                group.objects.create(tenant_id=tenant.pk, name=name)
            users.objects.filter(pk=user.pk).update(upn="sean.o’brien@moving.example")
    finally:
        migrated(MigrationExecutor(connection).loader.graph.leaf_nodes())
    with in_tenant(tenant.pk):
        assert set(Group.objects.values_list("name", flat=True)) == {"Staff", "STAFF", "staff"}
        named = groups_named(["Staff", "STAFF", "staff", "ｓtaff"])
        assert {name: one.name for name, one in named.items()} == {
            "Staff": "Staff",
            "STAFF": "STAFF",
            "staff": "staff",
            "ｓtaff": "Staff",
        }
        assert User.objects.get(folded_name="sean müller").upn == "sean.o'brien@moving.example"


@pytest.mark.django_db(transaction=True)
def test_user_ids_that_would_read_alike_or_be_invalid_stop_the_migration_before_it_changes_any():
    tenant = make_tenant("moving")
    upns = ["sean.o’brien", "a-b", "a–b", "c–d", "c—d", "\u3164", "“q”"]
    with in_tenant(tenant.pk):
        ids = [make_user(f"{number}@moving.example").pk for number in range(len(upns))]
    last = MigrationExecutor(connection).loader.graph.leaf_nodes()

    def rename(users, names):
        with in_tenant(tenant.pk):
            for pk, name in zip(ids, names, strict=True):
                users.filter(pk=pk).update(upn=f"{name}@moving.example")

    try:
        users = migrated(BEFORE).get_model("directory", "User").objects
        rename(users, upns)
        with pytest.raises(CommandError) as stopped:
            migrated(last)
        with in_tenant(tenant.pk):
            stored = list(users.order_by("pk").values_list("upn", flat=True))
        with connection.cursor() as cursor:
            table = connection.introspection.get_table_description(cursor, "directory_user")
    finally:
        rename(users, ["sean.o’brien", "a-b", "a2", "c–d", "c2", "e", "“q”"])
        migrated(last)

    for pk, upn in list(zip(ids, upns, strict=True))[1:6]:
        assert f"{pk} {upn}@moving.example" in str(stopped.value)
    assert f"{upns[0]}@" not in str(stopped.value)
    assert "UPDATE directory_user SET upn" in str(stopped.value)
    assert stored == [f"{upn}@moving.example" for upn in upns]
    assert "folded_name" not in [column.name for column in table]
    with in_tenant(tenant.pk):
        after = [User.objects.get(pk=pk).upn.partition("@")[0] for pk in ids]
    assert after == ["sean.o'brien", "a-b", "a2", "c-d", "c2", "e", "“q”"]
