"""PostgreSQL keeps the plans of our own sessions, and none where a pool gives them to others."""

from contextlib import nullcontext

import pytest
from django.db import NotSupportedError, connection, transaction

from directory.queries import user_of
from isolation.scope import all_tenants, in_tenant
from tenants.models import Group
from tests.builders import make_tenant
from tests.isolation.test_pool import pool_of
from tests.isolation.walks import typed
from tests.threads import all_at_once

RUNS = 12


@pytest.fixture
def two(transactional_db):
    both = make_tenant("mine"), make_tenant("other")
    for tenant in both:
        with in_tenant(tenant.pk):
            Group.objects.bulk_create([Group(name=f"{tenant.slug}{n}") for n in range(5)])
    yield both
    connection.close()


def names(around=transaction.atomic):
    """Without the condition on the tenant: only row-level security hides the rows of others."""
    with around(), connection.planned_cursor() as cursor:
        cursor.execute("SELECT name FROM tenants_group WHERE name > %s ORDER BY name", [""])
        return [name for (name,) in cursor.fetchall()]


def kept():
    """How often the session ran each kept plan of the statement above."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE %s",
            ["%tenants_group%ORDER BY name%"],
        )
        return [runs for (runs,) in cursor.fetchall()]


AROUND = pytest.mark.parametrize(
    "around", [transaction.atomic, nullcontext], ids=["transaction", "alone"]
)


@AROUND
def test_a_statement_that_comes_again_is_planned_once(two, around):
    connection.close()

    with in_tenant(two[0].pk):
        for _ in range(RUNS):
            names(around)

    assert kept() == [RUNS - 5]


@AROUND
def test_a_kept_plan_shows_the_rows_of_the_tenant_in_force(two, around):
    connection.close()
    mine, other = two

    for _ in range(RUNS):
        with in_tenant(mine.pk):
            assert names(around) == [f"mine{n}" for n in range(5)]
        with in_tenant(other.pk):
            assert names(around) == [f"other{n}" for n in range(5)]
        with all_tenants():
            assert len(names(around)) == 10
        assert names(around) == []

    assert len(kept()) == 1


@AROUND
def test_no_statement_is_prepared_behind_a_pool(two, monkeypatch, around):
    with pool_of(1) as port, monkeypatch.context() as patched:
        connection.close()
        patched.setitem(connection.settings_dict, "PORT", str(port))
        with in_tenant(two[0].pk):
            for _ in range(RUNS):
                assert names(around) == [f"mine{n}" for n in range(5)]
        assert kept() == []
        connection.close()


def every_column():
    with connection.planned_cursor() as cursor:
        cursor.execute("SELECT * FROM changing")
        return len(cursor.description)


def test_a_plan_that_a_migration_made_wrong_fails_once(two):
    typed("CREATE TABLE changing (first int)")
    try:
        with in_tenant(two[0].pk):
            for _ in range(RUNS):
                assert every_column() == 1
            all_at_once(1, lambda: typed("ALTER TABLE changing ADD COLUMN second int"))
            with pytest.raises(NotSupportedError):
                every_column()
            assert every_column() == 2
    finally:
        typed("DROP TABLE changing")


def test_hot_statements_are_planned_once(two):
    connection.close()

    with in_tenant(two[0].pk):
        for _ in range(RUNS):
            with transaction.atomic():
                user_of("minji@contoso.example")

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        (statement,) = cursor.fetchone()
    assert "directory_user" in statement
