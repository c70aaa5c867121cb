"""New rows go to PostgreSQL in one statement with what comes next, if it is of the same tenant."""

import pytest
from django.db import DataError, ProgrammingError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor, record
from delivery.models import DemoMessage, Kind
from isolation.compiled import Bound, CompiledUpdate, owned
from isolation.scope import in_tenant, with_tenant_setting
from isolation.writes import insert, writing_together
from tenants.models import Group
from tests.threads import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)
RENAME = CompiledUpdate(
    lambda: owned(Group).filter(name="before"),
    returning=("name",),
    name=Bound("after", models.CharField()),
)
RENAME_IF_TEXTED = CompiledUpdate(
    lambda: owned(Group).filter(models.Exists(owned(DemoMessage).filter(kind=Kind.TEXT))),
    name="texted",
)


@pytest.fixture
def group(contoso):
    return Group.objects.create(name="before")


def happens():
    record(Activity.RESET_PROGRESS, actor_id=Actor.ANONYMOUS)


def written():
    return Event.objects.filter(activity=Activity.RESET_PROGRESS).count()


def shown(text):
    insert(DemoMessage(kind=Kind.TEXT, destination="+1", text=text))


def changes(act):
    """The statements that change rows."""
    with CaptureQueriesContext(connection) as log, writing_together():
        act()
    written = [query["sql"] for query in log.captured_queries]
    return [sql for sql in written if "INSERT" in sql or "UPDATE" in sql]


def test_rows_of_several_models_are_one_statement(group):
    def act():
        shown("hello")
        happens()

    assert len(changes(act)) == 1
    assert (DemoMessage.objects.count(), written()) == (1, 1)


def test_a_change_takes_them_along_and_says_what_it_changed(group):
    def act():
        shown("hello")
        happens()
        assert RENAME.returned(after="after") == [("after",)]

    assert len(changes(act)) == 1
    assert (DemoMessage.objects.count(), written()) == (1, 1)


def test_a_change_that_reads_their_table_finds_them(group):
    def act():
        shown("hello")
        assert RENAME_IF_TEXTED.run() == 1

    assert len(changes(act)) == 2


def test_rows_of_one_model_stay_in_their_order(group):
    def act():
        for _ in range(3):
            happens()

    assert len(changes(act)) == 3


def test_they_are_not_sent_with_another_tenants_change(group, hanbit):
    def act():
        happens()
        with in_tenant(hanbit.pk):
            assert RENAME.run(after="after") == 0

    assert len(changes(act)) == 2
    assert written() == 1


def test_row_level_security_applies_to_each_of_them(group, hanbit):
    def act():
        with with_tenant_setting(str(hanbit.pk)):
            shown("hello")
            happens()

    with pytest.raises(ProgrammingError, match="row-level security"):
        changes(act)


def fails():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


@transaction.atomic
def fails_then_adds():
    try:
        fails()
    finally:
        shown("undone")


def test_only_rows_that_wait_since_a_savepoint_are_undone_with_it(group):
    def act():
        happens()
        with pytest.raises(DataError):
            fails_then_adds()
        happens()

    changes(act)

    assert (DemoMessage.objects.count(), written()) == (0, 2)


def test_each_thread_has_its_own(contoso):
    def act():
        with writing_together():
            happens()
            return written() > 0

    assert all_at_once(4, act, tenant_id=contoso.pk) == [True] * 4
    assert written() == 4
