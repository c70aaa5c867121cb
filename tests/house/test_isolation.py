"""Every model of ours belongs to tenants and is kept apart, or is listed here."""

import re
from pathlib import Path

import pytest
from celery import current_app
from django.apps import apps
from django.db import models
from django.urls import get_resolver

from isolation import compiled
from isolation.compiled import JoinedRead
from isolation.models import TenantOwned
from isolation.scope import NoTenantInForce, in_tenant
from tests.builders import make_tenant
from tests.rows import row_of

BASE = Path(__file__).resolve().parents[2]
SHARED_BY_ALL_TENANTS = {
    "tenants.Tenant",
    "limits.Counter",
    # Wrapped by keys that the database doesn't have; docs/security.md says what is left open.
    "vault.TenantKey",
    "vault.SealingKey",
}
OURS = [model for model in apps.get_models() if not model.__module__.startswith("django.")]
OWNED = [model for model in OURS if issubclass(model, TenantOwned)]
# Where rows of all tenants are asked for. A new line here is a decision: say in the code why.
UNSCOPED = {
    "bench/console.py": 1,
    "audit/services/sealing.py": 6,
    "console/services/bulk.py": 1,
    "console/services/streaming.py": 3,
    "delivery/services/outbox.py": 3,
    "directory/backend.py": 1,
    "directory/queries.py": 2,
    "directory/services/health.py": 4,
    "directory/services/sessions.py": 1,
    "provisioning/services/jobs.py": 1,
    "provisioning/services/sync_jobs.py": 2,
    "reset/queries/attempts.py": 1,
    "reset/services/outside.py": 2,
    "sspr/demo/seeding.py": 2,
    "sspr/demo/views.py": 2,
    "sspr/restoring.py": 2,
    "tenants/queries/__init__.py": 7,
    "verification/queries/__init__.py": 2,
    "verification/services/contacts.py": 1,
    "verification/services/lockouts.py": 1,
}
# Statements that are built once and name no tenant; they are run `all_tenants`.
OF_ALL_TENANTS = {'FROM "tenants_domain" U0', 'FROM "tenants_policyrecord" U0'}
# What the sweepers of all tenants look through; and a name is one person's in the whole service.
INDEXES_OF_ALL = {"outgoing_due", "upn_once"}


def test_every_model_is_owned_by_a_tenant_or_listed_as_shared():
    loose = {model._meta.label for model in OURS if not issubclass(model, TenantOwned)}

    assert loose == SHARED_BY_ALL_TENANTS


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_nothing_is_read_while_no_tenant_is_in_force(model):
    for ask in (model.objects.all, model.objects.first, model.objects.count, model.objects.exists):
        with pytest.raises(NoTenantInForce):
            ask()


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_no_tenant_sees_changes_or_deletes_a_row_of_another(db, model):
    mine, other = make_tenant("mine"), make_tenant("other")
    row = row_of(model, mine)

    with in_tenant(other.pk):
        rows = model.objects.filter(pk=row.pk)
        assert not rows.exists()
        assert not model.objects.in_bulk([row.pk])
        with pytest.raises(model.DoesNotExist):
            model.objects.get(pk=row.pk)
        if model._meta.label != "audit.Event":
            assert rows.update(tenant_id=other.pk) == 0
            assert rows.delete()[0] == 0
    with in_tenant(mine.pk):
        assert model.objects.get(pk=row.pk) == row


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_no_tenant_adds_a_row_for_another_in_bulk(db, model):
    mine, other = make_tenant("mine"), make_tenant("other")

    with in_tenant(mine.pk), pytest.raises(ValueError, match="another tenant"):
        model.objects.bulk_create([model(tenant_id=other.pk)])


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_tenant_comes_first_in_every_index_and_constraint(model):
    unique = [one for one in model._meta.constraints if isinstance(one, models.UniqueConstraint)]
    listed = [*model._meta.indexes, *unique]
    later = {one.name for one in listed if one.fields[0] != "tenant_id"}

    assert later <= INDEXES_OF_ALL


def test_every_read_that_is_written_by_hand_compares_the_tenant_of_each_table():
    get_resolver().url_patterns  # noqa: B018  # loads every view, and what views need
    reads = [one for one in compiled.every_statement() if isinstance(one, JoinedRead)]
    loose = {
        f"{alias} in {read.sql.strip()[:40]}"
        for read in reads
        for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) (\w+)", read.text.sql)
        if table in {model._meta.db_table for model in OWNED}
        and f"{alias}.tenant_id" not in read.text.sql
    }

    assert loose == set()
    assert reads


def test_every_place_that_reads_all_tenants_is_known():
    found = {}
    for file in sorted(BASE.glob("*/**/*.py")):
        name = file.relative_to(BASE).as_posix()
        if name.startswith((".", "tests/", "isolation/")) or "/migrations/" in name:
            continue
        if count := len(re.findall(r"\.unscoped\b|\ball_tenants\(\)", file.read_text())):
            found[name] = count

    assert found == UNSCOPED


def test_every_statement_that_is_built_once_names_the_tenant_for_each_table(db):
    get_resolver().url_patterns  # noqa: B018  # loads every view, and what views need
    current_app.loader.import_default_modules()
    tables = "|".join(model._meta.db_table for model in OWNED)

    unnamed = set()
    for statement in compiled.every_statement():
        if isinstance(statement, JoinedRead):
            continue
        text = statement.text
        named = set(re.findall(rf'(?:FROM|UPDATE) "(?:{tables})"(?: \w+)?', text.sql))
        if text.names_the_tenant < max(1, len(named)):
            unnamed |= named

    assert unnamed == OF_ALL_TENANTS
