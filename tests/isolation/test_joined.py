"""Statements that are written once: their rows are what the ORM makes of the same rows."""

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from isolation.compiled import JoinedRead
from isolation.scope import all_tenants
from reset.models import ResetAttempt
from tenants.models import Group, GroupNesting, Tenant
from tests.rows import row_of

NESTED = JoinedRead(
    """
    SELECT {circle}, {nesting} FROM tenants_group circle
    LEFT JOIN tenants_groupnesting nesting
        ON nesting.tenant_id = circle.tenant_id AND nesting.outer_id = circle.id
    WHERE circle.tenant_id = %s ORDER BY circle.name
    """,
    circle=Group,
    nesting=GroupNesting,
)
ATTEMPT = JoinedRead(
    "SELECT {attempt} FROM reset_resetattempt attempt"
    " WHERE attempt.tenant_id = %s AND attempt.support_code = %s",
    attempt=ResetAttempt,
)


def test_each_row_has_an_instance_of_each_model_or_none(contoso):
    inner, outer = (Group.objects.create(name=name) for name in ("inner", "outer"))
    nesting = GroupNesting.objects.create(outer=outer, inner=inner)

    assert NESTED.all([contoso.pk]) == [(inner, None), (outer, nesting)]


def test_values_are_those_that_the_orm_reads(contoso):
    by_orm = ResetAttempt.objects.get(pk=row_of(ResetAttempt, contoso).pk)

    [(attempt,)] = ATTEMPT.all([contoso.pk, by_orm.support_code])

    for field in ResetAttempt._meta.concrete_fields:
        assert getattr(attempt, field.attname) == getattr(by_orm, field.attname), field


def test_an_object_that_a_join_repeats_is_made_once(contoso):
    outer = Group.objects.create(name="outer")
    for name in ("inner", "innermost"):
        GroupNesting.objects.create(outer=outer, inner=Group.objects.create(name=name))

    first, second = [row for row in NESTED.all([contoso.pk]) if row[0] == outer]

    assert first[0] is second[0]
    assert first[1] != second[1]


def test_what_was_read_can_be_saved(contoso):
    Group.objects.create(name="before")
    [(group, _nesting)] = NESTED.all([contoso.pk])
    group.name = "after"
    group.save()

    assert Group.objects.get().name == "after"


def test_rows_are_locked_where_it_is_asked_for(contoso):
    read = JoinedRead(
        "SELECT {tenant} FROM tenants_tenant tenant WHERE tenant.id = %s", tenant=Tenant
    )
    with all_tenants(), CaptureQueriesContext(connection) as asked, transaction.atomic():
        read.all([contoso.pk], lock="tenant")

    locks = any("FOR UPDATE OF tenant" in query["sql"] for query in asked)
    assert locks is connection.features.has_select_for_update
