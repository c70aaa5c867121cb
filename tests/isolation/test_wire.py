"""What PostgreSQL is sent for row-level security, word by word, on every path."""

import os
import re
from contextlib import contextmanager, nullcontext, suppress

import pytest
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import DatabaseError, NotSupportedError, connection, migrations, models, transaction
from django.db.migrations.state import ProjectState
from psycopg import sql
from psycopg.pq import Trace, TransactionStatus

from isolation.scope import all_tenants, in_tenant
from tenants.models import Group
from tests.builders import make_tenant

pytestmark = pytest.mark.django_db(transaction=True)
SAYING = re.compile(r"(?:\b(?:RE)?SET\b[^;]*?|set_config\W*)sspr\.tenant[^;)]*.", re.IGNORECASE)
TO_THE_TRANSACTION = re.compile(r"set_config\('sspr\.tenant', '(\d*|\*)', true\)")
GROUPS = "SELECT name FROM tenants_group ORDER BY name"


@contextmanager
def by_hand():
    connection.set_autocommit(False)
    try:
        yield
    finally:
        connection.rollback()
        connection.set_autocommit(True)


@contextmanager
def begun():
    plain("BEGIN")
    yield
    plain("ROLLBACK")


@contextmanager
def savepoint_taken_back():
    with transaction.atomic():
        with suppress(DatabaseError), transaction.atomic():
            plain("SELECT 1 / 0")
        yield


AROUND = {
    "no transaction": all_tenants,
    "a transaction": transaction.atomic,
    "no autocommit": by_hand,
    "a BEGIN": begun,
    "a savepoint": savepoint_taken_back,
}


def plain(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [name for (name,) in cursor.fetchall()] if cursor.description else []


def rows():
    return models.QuerySet(Group).order_by("name").values_list("name", flat=True)


def many():
    """Which groups are changed: one for each set of values."""
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE tenants_group SET name = name || %s", [[1], [2]])
    return [name.removesuffix("12") for name in rows() if name.endswith("12")]


def copied():
    """Begins a transaction where none was begun, because COPY needs it."""
    is_idle = connection.connection.info.transaction_status is TransactionStatus.IDLE
    with (
        transaction.atomic() if is_idle else nullcontext(),
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({GROUPS}) TO STDOUT") as copy,
    ):
        return [name for (name,) in copy.rows()]


def called():
    with connection.cursor() as cursor:
        cursor.callproc("now")


def failing():
    with suppress(DatabaseError):
        plain("SELECT 1 / 0")


def failing_for_many():
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.executemany("SELECT 1 / %s", [[1], [0]])


SEEING = {
    "typed": lambda: plain(GROUPS),
    "composed": lambda: plain(sql.SQL(GROUPS)),
    "asked": lambda: list(rows()),
    "portions": lambda: list(rows().iterator(chunk_size=1)),
    "many": many,
    "copied": copied,
}
OTHER = {
    "called": called,
    "failing": failing,
    "failing for many": failing_for_many,
    "alone": lambda: plain("VACUUM tenants_group"),
}


@pytest.fixture
def two():
    both = make_tenant("mine"), make_tenant("other")
    for tenant in both:
        with in_tenant(tenant.pk):
            Group.objects.create(name=tenant.slug)
    return both


@pytest.fixture
def wire(two, tmp_path):
    """Runs something, and answers with all that was sent meanwhile that says whose rows."""

    def said_during(act):
        protocol = connection.connection.pgconn
        with (tmp_path / "wire").open("w+b") as file:
            protocol.trace(os.dup(file.fileno()))
            protocol.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
            try:
                act()
            finally:
                protocol.untrace()
            file.seek(0)
            messages = re.split(r"^(?=[FB]\t)", file.read().decode(), flags=re.MULTILINE)
        return [said for sent in messages if sent.startswith("F") for said in SAYING.findall(sent)]

    connection.ensure_connection()
    return said_during


def left():
    """What the next user of a pooled connection sees without a tenant in force."""
    said = connection.connection.execute("SELECT current_setting('sspr.tenant', true)")
    seen = connection.connection.execute("SELECT count(*) FROM tenants_group")
    return said.fetchone()[0] or "", seen.fetchone()[0]


def for_the_transaction_alone(said):
    return all(TO_THE_TRANSACTION.fullmatch(word) for word in said)


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("look", SEEING.values(), ids=SEEING)
def test_own_rows_are_seen_and_nothing_is_set_for_the_session(two, wire, around, look):
    seen = []

    def act():
        with around():
            for tenant in two:
                with in_tenant(tenant.pk):
                    seen.append(look())

    said = wire(act)

    assert seen == [["mine"], ["other"]]
    assert len(said) >= 2
    assert for_the_transaction_alone(said)
    assert left() == ("", 0)


@pytest.mark.parametrize("look", SEEING.values(), ids=SEEING)
def test_rows_of_all_tenants_are_seen_and_nothing_is_set_for_the_session(wire, look):
    seen = []

    def act():
        with all_tenants():
            seen.extend(look())

    said = wire(act)

    assert seen == ["mine", "other"]
    assert said
    assert for_the_transaction_alone(said)
    assert left() == ("", 0)


@pytest.mark.parametrize("scope", [all_tenants, lambda: in_tenant(1)], ids=["all", "one"])
@pytest.mark.parametrize("act", OTHER.values(), ids=OTHER)
def test_nothing_is_left_by_what_shows_no_rows(wire, act, scope):
    def acting():
        with scope():
            act()

    assert for_the_transaction_alone(wire(acting))
    assert left() == ("", 0)


def test_a_cursor_of_the_servers_is_refused(two):
    """It would be read when another tenant may be in force, or the connection is another's."""
    for around in (all_tenants, transaction.atomic):
        with around(), in_tenant(two[0].pk), pytest.raises(NotSupportedError):
            connection.chunked_cursor()
    assert left() == ("", 0)


def test_copy_outside_a_transaction_is_refused(two):
    with (
        in_tenant(two[0].pk),
        connection.cursor() as cursor,
        pytest.raises(NotSupportedError),
    ):
        cursor.copy(f"COPY ({GROUPS}) TO STDOUT")


@pytest.mark.parametrize("atomic", [True, False])
def test_a_migration_sees_every_row_and_sets_nothing_for_the_session(wire, monkeypatch, atomic):
    seen = []

    def look(apps, editor):
        seen.extend([*plain(GROUPS), *rows().iterator()])
        many()

    looking = [migrations.RunPython(look)]
    alone = [
        migrations.RunSQL("CREATE INDEX CONCURRENTLY trial ON tenants_group (name)"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY trial"),
    ]

    def handle(*args, **options):
        trial = migrations.Migration("trial", "tenants")
        trial.atomic = atomic
        trial.operations = [*looking, *([] if atomic else alone)]
        with connection.schema_editor(atomic=atomic) as editor:
            trial.apply(ProjectState(), editor)

    monkeypatch.setattr(migrate.Command, "handle", handle)
    said = wire(lambda: call_command("migrate", verbosity=0))

    assert seen == ["mine", "other"] * 2
    assert said
    assert for_the_transaction_alone(said)
    assert left() == ("", 0)


def test_a_migration_that_fails_leaves_no_setting(wire, monkeypatch):
    def handle(*args, **options):
        plain(GROUPS)
        many()
        raise ZeroDivisionError

    def failing_migration():
        with pytest.raises(ZeroDivisionError):
            call_command("migrate", verbosity=0)

    monkeypatch.setattr(migrate.Command, "handle", handle)

    assert for_the_transaction_alone(wire(failing_migration))
    assert left() == ("", 0)
    assert list(rows()) == []


def test_enabling_and_disabling_it_sets_nothing_for_the_session(wire):
    def act():
        call_command("migrate", verbosity=0)
        call_command("row_level_security", "disable", verbosity=0)
        call_command("row_level_security", "enable", verbosity=0)

    assert for_the_transaction_alone(wire(act))
    assert left() == ("", 0)
