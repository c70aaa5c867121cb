"""New rows are written as they are, for the tenant in force alone, and can be read at once."""

from contextlib import suppress
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, models, transaction

from isolation.compiled import Bound, CompiledUpdate, owned
from isolation.scope import in_tenant
from isolation.writes import insert, writing_together
from tenants.models import Group
from tests.house.test_isolation import OWNED
from tests.rows import values_of
from verification.models import SignInLockout

RENAME = CompiledUpdate(
    lambda: owned(Group).filter(name=Bound("before", models.CharField())),
    name=Bound("after", models.CharField()),
)


def names():
    return sorted(Group.objects.values_list("name", flat=True))


def columns_of(row):
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.generated
    }


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_inserted_row_has_all_its_values(db, model):
    # Of a new organisation some rows are there already.
    tenant = SimpleNamespace(pk=7)
    row = model(**values_of(model, tenant))

    with in_tenant(tenant.pk):
        before = set(model.objects.values_list("pk", flat=True))
        insert(row)
        (read,) = model.objects.exclude(pk__in=before)

    unknown = {"id": read.pk} if row.pk is None else {}
    assert columns_of(read) == columns_of(row) | unknown


def test_no_row_is_inserted_for_another_tenant(contoso, hanbit):
    row = Group(name="theirs", tenant_id=hanbit.pk)

    with pytest.raises(ValueError, match="another tenant"):
        insert(row)

    assert not Group.unscoped.exists()


def test_rows_of_one_model_are_written_at_once(contoso, django_assert_num_queries):
    with django_assert_num_queries(1):
        insert(Group(name="one"), Group(name="two"))

    assert names() == ["one", "two"]


def test_a_row_that_is_there_gets_the_values_of_the_new_one(contoso):
    there = SignInLockout.objects.create(who="mina", device="home", failures=1)

    insert(
        SignInLockout(who="mina", device="home", failures=2),
        replacing=("tenant_id", "who", "device"),
    )

    (row,) = SignInLockout.objects.all()
    assert (row.pk, row.failures) == (there.pk, 2)


def test_waiting_rows_are_read(contoso):
    with writing_together():
        insert(Group(name="one"))

        assert names() == ["one"]


def test_waiting_rows_are_changed(contoso):
    with writing_together():
        insert(Group(name="one"))

        assert RENAME.run(before="one", after="two") == 1

    assert names() == ["two"]


def test_waiting_rows_are_written_in_their_tenant(contoso, hanbit):
    with writing_together():
        insert(Group(name="ours"))
        with in_tenant(hanbit.pk):
            insert(Group(name="theirs"))
            assert names() == ["theirs"]

    assert names() == ["ours"]


def test_a_block_that_failed_writes_no_row(contoso):
    with suppress(LookupError), writing_together():
        insert(Group(name="one"))
        raise LookupError

    assert names() == []


def test_rows_that_waited_before_a_failed_savepoint_are_written(contoso):
    with writing_together():
        insert(Group(name="one"))
        with suppress(LookupError), transaction.atomic():
            insert(Group(name="two"))
            raise LookupError
        insert(Group(name="three"))

    assert names() == ["one", "three"]


def test_blocks_lie_in_each_other(contoso):
    with writing_together():
        insert(Group(name="one"))
        with writing_together():
            insert(Group(name="two"))
        insert(Group(name="three"))

    assert names() == ["one", "three", "two"]


def test_a_row_that_is_refused_is_an_error_of_the_block(contoso):
    Group.objects.create(name="mine")

    with pytest.raises(IntegrityError), writing_together():
        insert(Group(name="mine"))


def test_refused_rows_dont_wait_any_more(contoso):
    Group.objects.create(name="mine")

    with writing_together():
        with suppress(IntegrityError), writing_together():
            insert(Group(name="mine"))
        insert(Group(name="one"))

    assert names() == ["mine", "one"]
