"""What was there before names were folded."""

import pytest
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
        taken = make_user("d'arc@moving.example")
    try:
        old = migrated(BEFORE)
        group, users = old.get_model("tenants", "Group"), old.get_model("directory", "User")
        with in_tenant(tenant.pk):
            for name in ("Staff", "STAFF", "staff"):
                group.objects.create(tenant_id=tenant.pk, name=name)
            users.objects.filter(pk=user.pk).update(upn="sean.o’brien@moving.example")
            twin = users.objects.create(tenant_id=tenant.pk, upn="d’arc@moving.example").pk
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
        assert User.objects.get(pk=taken.pk).upn == "d'arc@moving.example"
        assert User.objects.get(pk=twin).upn == "d’arc@moving.example"
