import pytest
from django.db import DatabaseError, connection, transaction

from audit.activities import Activity, Outcome
from audit.models import AppendOnly, Event
from audit.services import Actor, record
from isolation.scope import NoTenantInForce, in_tenant


@pytest.fixture
def event(contoso):
    record(Activity.CODE_SENT, subject_id=7, method="email", actor_id=7)
    return Event.objects.get(activity=Activity.CODE_SENT)


def test_an_event_is_recorded_with_actor_and_outcome(event, contoso):
    assert event.outcome == Outcome.SUCCESS
    assert (event.subject_id, event.actor_id) == (7, 7)
    assert event.tenant_id == contoso.pk
    assert event.details == {"method": "email"}


def test_a_named_actor_is_kept_apart_from_the_subject(contoso):
    record(Activity.METHOD_DELETED, subject_id=7, actor_id=8)

    assert Event.objects.get(subject_id=7).actor_id == 8


def test_nothing_is_recorded_without_a_tenant(db):
    with pytest.raises(NoTenantInForce):
        record(Activity.CODE_SENT, actor_id=Actor.SERVICE)


def test_an_event_is_rolled_back_with_its_transaction(contoso):
    with transaction.atomic():
        record(Activity.PASSWORD_RESET, actor_id=Actor.SERVICE)
        transaction.set_rollback(True)

    assert not Event.objects.filter(activity=Activity.PASSWORD_RESET).exists()


def test_another_tenant_reads_no_event_of_it(event, hanbit):
    with in_tenant(hanbit.pk):
        assert not Event.objects.filter(pk=event.pk).exists()


@pytest.mark.parametrize(
    "rewrite",
    [
        pytest.param(lambda e: Event.objects.filter(pk=e.pk).update(reason="x"), id="update"),
        pytest.param(lambda e: Event.objects.filter(pk=e.pk).delete(), id="delete"),
        pytest.param(lambda e: Event.unscoped.filter(pk=e.pk).update(reason="x"), id="unscoped"),
        pytest.param(lambda e: Event.unscoped.all().delete(), id="unscoped delete"),
        pytest.param(lambda e: Event.objects.bulk_update([e], ["reason"]), id="bulk update"),
        pytest.param(lambda e: e.delete(), id="delete of one"),
    ],
)
def test_history_is_not_rewritten(event, rewrite):
    with pytest.raises(AppendOnly), transaction.atomic():
        rewrite(event)

    assert Event.objects.filter(pk=event.pk, reason="").exists()


def test_the_database_refuses_changes_past_the_models(event):
    event.reason = "rewritten"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        event.save()

    assert Event.objects.get(pk=event.pk).reason == ""


# Django empties SQLite with DELETE between tests, so that only PostgreSQL can refuse it.
STATEMENTS = ["UPDATE audit_event SET reason = 'rewritten'"]
if connection.vendor == "postgresql":
    STATEMENTS.append("DELETE FROM audit_event")


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses_plain_sql(event, statement):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert Event.objects.filter(pk=event.pk, reason="").exists()
