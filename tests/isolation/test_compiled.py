"""Statements that are built once say the same as the ORM's, for the tenant in force alone."""

import pytest
from django.db import models
from django.db.models import F, Value
from django.utils import timezone

from isolation import compiled
from isolation.compiled import Bound, CompiledRead, CompiledUpdate, owned
from isolation.scope import NoTenantInForce, in_tenant
from tests.rows import row_of
from tests.threads import all_at_once
from verification.models import Answer, RegisteredMethod

METHODS = CompiledRead(
    lambda: (
        owned(RegisteredMethod).filter(pk=Bound("pk", models.UUIDField())).annotate(twice=Value(2))
    )
)
NAMES = CompiledRead(
    lambda: owned(RegisteredMethod).values_list("pk", "verified_at", "details", "data")
)
TAKE = CompiledUpdate(
    lambda: owned(RegisteredMethod).filter(pk=Bound("pk", models.UUIDField()), last_used_at=None),
    last_used_at=Bound("now", models.DateTimeField()),
    lookup=F("kind"),
    sms_capable=True,
)


@pytest.fixture
def method(contoso):
    return row_of(RegisteredMethod, contoso)


def columns_of(row):
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.generated
    }


def test_objects_are_what_the_orm_reads(method):
    read = METHODS.first(pk=method.pk)

    assert columns_of(read) == columns_of(RegisteredMethod.objects.get(pk=method.pk))
    assert read.twice == 2
    assert not read._state.adding
    assert read.get_deferred_fields() == set()


def test_joined_rows_are_refused(contoso, monkeypatch):
    monkeypatch.setattr(compiled, "_statements", [])
    joined = CompiledRead(lambda: owned(Answer).select_related("method"))

    with pytest.raises(TypeError, match="one model"):
        joined.all()


def test_tuples_have_the_values_of_their_fields(method):
    asked = RegisteredMethod.objects.values_list("pk", "verified_at", "details", "data")

    assert NAMES.all() == list(asked)


def test_row_count_says_who_was_first(method):
    now = timezone.now()

    assert [TAKE.run(pk=method.pk, now=now) for _ in range(2)] == [1, 0]

    method.refresh_from_db()
    assert (method.last_used_at, method.lookup, method.sms_capable) == (now, method.kind, True)


def test_another_tenant_neither_reads_nor_changes_it(method, hanbit):
    with in_tenant(hanbit.pk):
        assert METHODS.first(pk=method.pk) is None
        assert NAMES.all() == []
        assert TAKE.run(pk=method.pk, now=timezone.now()) == 0

    assert METHODS.first(pk=method.pk) == method


def test_a_statement_without_a_tenant_in_force_is_an_error(db):
    with pytest.raises(NoTenantInForce):
        NAMES.all()
    with pytest.raises(NoTenantInForce):
        TAKE.run(pk=None, now=timezone.now())


def test_value_that_is_missing_is_an_error(method):
    with pytest.raises(KeyError, match="pk"):
        METHODS.all()


@pytest.mark.django_db(transaction=True)
def test_threads_share_the_text(contoso):
    method = row_of(RegisteredMethod, contoso)

    seen = all_at_once(4, lambda: METHODS.first(pk=method.pk), tenant_id=contoso.pk)

    assert seen == [method] * 4
