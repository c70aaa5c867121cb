import threading

import pytest

from isolation.scope import NoTenantInForce, current_tenant_id, in_tenant
from tenants.models import Group


def test_reading_owned_rows_without_a_tenant_is_an_error(db):
    with pytest.raises(NoTenantInForce):
        Group.objects.count()


def test_writing_owned_rows_without_a_tenant_is_an_error(db):
    with pytest.raises(NoTenantInForce):
        Group.objects.create(name="pilots")


def test_a_tenant_sees_its_own_rows_only(contoso, hanbit):
    Group.objects.create(name="pilots")

    with in_tenant(hanbit.pk):
        assert not Group.objects.exists()
    assert Group.objects.get().tenant_id == contoso.pk


def test_a_tenant_changes_and_deletes_its_own_rows_only(contoso, hanbit):
    group = Group.objects.create(name="pilots")

    with in_tenant(hanbit.pk):
        assert Group.objects.filter(pk=group.pk).update(name="stolen") == 0
        assert Group.objects.filter(pk=group.pk).delete() == (0, {})
    assert Group.objects.get().name == "pilots"


def test_rows_of_another_tenant_are_not_made_in_bulk(contoso, hanbit):
    with pytest.raises(ValueError, match="another tenant"):
        Group.objects.bulk_create([Group(tenant_id=hanbit.pk, name="pilots")])


def test_unscoped_sees_every_tenant(contoso, hanbit):
    Group.objects.create(name="pilots")
    with in_tenant(hanbit.pk):
        Group.objects.create(name="pilots")

    assert Group.unscoped.count() == 2


def test_the_tenant_before_is_in_force_again_after_an_error():
    with in_tenant(1):
        with pytest.raises(RuntimeError), in_tenant(2):
            raise RuntimeError

        assert current_tenant_id() == 1


@pytest.mark.parametrize("said", ["1'; DROP TABLE tenants_group; --", "*", "1", None])
def test_a_tenant_id_must_be_a_number(said):
    """It comes with jobs from the broker, and stands in statements."""
    with pytest.raises((ValueError, TypeError)), in_tenant(said):
        pass
    with pytest.raises(NoTenantInForce):
        current_tenant_id()


def test_another_thread_has_no_tenant():
    seen = []

    def look():
        try:
            seen.append(current_tenant_id())
        except NoTenantInForce:
            seen.append(None)

    with in_tenant(1):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    assert seen == [None]
