"""Row-level security: what a statement sees that names no tenant. Only PostgreSQL has it."""

import io
import os
import re
import subprocess

import psycopg
import pytest
import yaml
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, models, transaction
from django.db.utils import ConnectionHandler

from isolation import checks, row_level
from isolation.models import TenantOwned
from isolation.scope import NO_TENANT, all_tenants, in_tenant
from tenants.models import Group, GroupNesting
from tests.builders import make_tenant
from tests.rows import row_of, values_of
from tests.services.environment import BASE
from tests.services.postgres import SERVICE, SUPERUSER
from tests.threads import all_at_once

OWNED = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
REFUSED = "row-level security policy"


def without_model_scope(model):
    """Every row that the database shows."""
    return models.QuerySet(model)


def each(rows):
    return sorted(rows.values_list("name", flat=True))


def plain(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else cursor.rowcount


@pytest.fixture
def two(db):
    """Two organisations, each with a group of its own name."""
    both = make_tenant("mine"), make_tenant("other")
    for tenant in both:
        with in_tenant(tenant.pk):
            Group.objects.create(name=tenant.slug)
    return both


def test_it_is_on_for_every_table_of_a_tenant_in_a_new_service(db):
    is_on = row_level.tables(connection)

    assert set(is_on) == {model._meta.db_table for model in OWNED}
    assert all(is_on.values())


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_it_holds_where_the_models_dont_scope(db, model):
    mine, other = make_tenant("mine"), make_tenant("other")
    theirs, ours = row_of(model, other), row_of(model, mine)
    rows, table = without_model_scope(model), model._meta.db_table

    assert not rows.exists()
    with in_tenant(mine.pk):
        assert {row.tenant_id for row in rows.all()} == {mine.pk}
        assert plain(f"SELECT DISTINCT tenant_id FROM {table}") == [(mine.pk,)]
        assert rows.filter(pk=theirs.pk).update(tenant_id=mine.pk) == 0
        assert rows.filter(pk=theirs.pk)._raw_delete("default") == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            theirs.save(force_update=True)
        with pytest.raises(DatabaseError, match=f"{REFUSED}|append-only"), transaction.atomic():
            rows.filter(pk=ours.pk).update(tenant_id=other.pk)
    with all_tenants():
        assert rows.get(pk=theirs.pk).tenant_id == other.pk


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_no_row_is_added_for_another(db, model):
    mine, other = make_tenant("mine"), make_tenant("other")
    values = values_of(model, other)

    for tenant_id in (mine.pk, NO_TENANT):
        with (
            in_tenant(tenant_id),
            pytest.raises(ProgrammingError, match=REFUSED),
            transaction.atomic(),
        ):
            without_model_scope(model).create(**values)
    with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
        without_model_scope(model).create(**values)


def test_no_foreign_key_leads_to_another(two):
    with in_tenant(two[0].pk):
        nesting = GroupNesting.objects.create(
            outer=Group.objects.get(), inner_id=Group.unscoped.get(name="other").pk
        )

        with pytest.raises(Group.DoesNotExist):
            GroupNesting.objects.get(pk=nesting.pk).inner  # noqa: B018
        assert not without_model_scope(Group).filter(held_by=nesting).exists()


def test_only_unscoped_reads_bypass_both(two):
    everybody = Group.unscoped.order_by("name")
    with in_tenant(two[0].pk):
        assert [group.name for group in everybody] == ["mine", "other"]
        assert everybody.count() == 2
        assert everybody.filter(name="other").exists()
        # What they are a part of doesn't.
        assert each(without_model_scope(Group).filter(pk__in=everybody.values("pk"))) == ["mine"]
        assert everybody.filter(name="other").update(name="third") == 1
        assert everybody.filter(name="third").delete()[0] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_once", [False, True])
def test_one_connection_serves_both_in_turn(two, at_once):
    with transaction.atomic() if at_once else all_tenants():
        for _ in range(3):
            for tenant in two:
                with in_tenant(tenant.pk):
                    assert each(without_model_scope(Group)) == [tenant.slug]


@pytest.mark.django_db(transaction=True)
def test_no_setting_is_left_on_a_connection(two):
    """Its next user in a pool sees nothing, whatever came before."""

    def left():
        said = connection.connection.execute("SELECT current_setting('sspr.tenant', true)")
        seen = connection.connection.execute("SELECT count(*) FROM tenants_group")
        return said.fetchone()[0] or "", seen.fetchone()[0]

    with in_tenant(two[0].pk):
        assert each(without_model_scope(Group)) == ["mine"]
        assert left() == ("", 0)
        with transaction.atomic():
            assert each(without_model_scope(Group)) == ["mine"]
            transaction.set_rollback(True)
        assert left() == ("", 0)
        with pytest.raises(DatabaseError):
            plain("SELECT 1 / 0")
        assert left() == ("", 0)
        list(Group.objects.iterator())
        assert left() == ("", 0)
        with connection.cursor() as cursor:
            cursor.executemany("SELECT %s", [[1], [2]])
        assert left() == ("", 0)
    with all_tenants():
        assert without_model_scope(Group).count() == 2
    assert left() == ("", 0)


def test_who_was_in_force_before_in_a_transaction_is_so_no_more(two):
    with transaction.atomic():
        with in_tenant(two[0].pk):
            assert without_model_scope(Group).count() == 1
        assert without_model_scope(Group).count() == 0


def test_a_part_that_was_taken_back_leaves_the_right_one(two):
    mine, other = two
    with transaction.atomic(), in_tenant(mine.pk):
        assert each(without_model_scope(Group)) == ["mine"]
        with pytest.raises(DatabaseError), transaction.atomic(), in_tenant(other.pk):
            plain("SELECT 1 / 0")
        assert each(without_model_scope(Group)) == ["mine"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_once", [False, True])
def test_rows_that_come_portion_by_portion_are_whose_they_were(two, at_once):
    mine, other = two
    for tenant in two:
        with in_tenant(tenant.pk):
            Group.objects.bulk_create([Group(name=f"{tenant.slug}{n}") for n in range(8)])

    seen = {mine.pk: [], other.pk: []}
    with transaction.atomic() if at_once else all_tenants():
        walks = {}
        for tenant in two:
            with in_tenant(tenant.pk):
                walks[tenant.pk] = without_model_scope(Group).iterator(chunk_size=2)
                seen[tenant.pk].append(next(walks[tenant.pk]))
        for _ in range(8):
            for tenant_id, walk in walks.items():
                seen[tenant_id].append(next(walk))

    for tenant_id, groups in seen.items():
        assert [group.tenant_id for group in groups] == [tenant_id] * 9


@pytest.mark.django_db(transaction=True)
def test_threads_see_their_own(two):
    def look():
        return [each(without_model_scope(Group)) for _ in range(20)]

    for tenant in two:
        assert all_at_once(4, look, tenant_id=tenant.pk) == [[[tenant.slug]] * 20] * 4


@pytest.mark.django_db(transaction=True)
def test_many_values_are_for_one_alone(two):
    mine, other = two
    insert = "INSERT INTO tenants_group (name, key, tenant_id) VALUES (%s, %s, %s)"
    with in_tenant(mine.pk), connection.cursor() as cursor:
        cursor.executemany(insert, [["a", "a", mine.pk], ["b", "b", mine.pk]])
        with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
            cursor.executemany(insert, [["c", "c", mine.pk], ["d", "d", other.pk]])

    assert sorted(Group.unscoped.values_list("name", flat=True)) == ["a", "b", "mine", "other"]


def test_migrations_enable_it_for_a_new_table(two):
    plain("DROP POLICY tenant_isolation ON tenants_group")
    plain("ALTER TABLE tenants_group NO FORCE ROW LEVEL SECURITY")

    call_command("migrate", verbosity=0)

    assert all(row_level.tables(connection).values())


def test_migrations_enable_it_in_a_new_service_alone(db):
    row_level.disable(connection)
    call_command("migrate", verbosity=0)
    assert all(row_level.tables(connection).values())

    make_tenant("mine")
    row_level.disable(connection)
    call_command("migrate", verbosity=0)
    assert not any(row_level.tables(connection).values())


def test_the_operator_enables_and_disables_it(two):
    def output(what):
        call_command("row_level_security", what, stdout=(out := io.StringIO()))
        return out.getvalue()

    assert "OFF" not in output("show")
    assert f"Disabled for {len(OWNED)} tables" in output("disable")
    assert output("show").count("OFF") == len(OWNED)
    assert without_model_scope(Group).count() == 2
    assert f"Enabled for {len(OWNED)} tables" in output("enable")
    assert "Enabled for 0 tables" in output("enable")
    assert without_model_scope(Group).count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_busy_table_is_not_waited_for_forever(monkeypatch):
    monkeypatch.setattr(row_level, "_LOCK_TIMEOUT", "SET LOCAL lock_timeout = '50ms'")
    busy = psycopg.connect(**parts_of(connection))
    busy.execute("LOCK TABLE tenants_group")
    try:
        with pytest.raises(CommandError, match="nothing changed"):
            call_command("row_level_security", "disable")
    finally:
        busy.close()
    assert all(row_level.tables(connection).values())


def parts_of(this, **more):
    parts = {name: this.settings_dict[name.upper()] for name in ("user", "host", "port")}
    return parts | {"dbname": this.settings_dict["NAME"]} | more


def warnings_for(role, monkeypatch):
    """The ids of what `check --database default` says where the service logs in like this."""
    connections = ConnectionHandler({"default": connection.settings_dict | {"USER": role}})
    monkeypatch.setattr(checks, "connections", connections)
    try:
        return [one.id for one in checks.row_level_security(None, databases=["default"])]
    finally:
        connections["default"].close()


@pytest.mark.django_db(transaction=True)
def test_the_check_warns_of_a_role_that_bypasses_it_or_could_disable_it(monkeypatch):
    owner = connection.settings_dict["USER"]

    assert warnings_for(SERVICE, monkeypatch) == []
    assert warnings_for(owner, monkeypatch) == ["isolation.I001"]
    assert warnings_for(SUPERUSER, monkeypatch) == ["isolation.W001"]
    row_level.disable(connection)
    try:
        assert warnings_for(SERVICE, monkeypatch) == ["isolation.W002"]
    finally:
        row_level.enable(connection)


@pytest.mark.django_db(transaction=True)
def test_the_services_role_can_not_disable_it(two):
    with psycopg.connect(**parts_of(connection)) as owner:
        owner.execute(f"GRANT SELECT ON tenants_group TO {SERVICE}")
    with psycopg.connect(**parts_of(connection, user=SERVICE), autocommit=True) as service:
        assert service.execute("SELECT count(*) FROM tenants_group").fetchone() == (0,)
        service.execute("SET row_security = off")
        for statement in (
            "SELECT count(*) FROM tenants_group",
            "ALTER TABLE tenants_group DISABLE ROW LEVEL SECURITY",
            "DROP POLICY tenant_isolation ON tenants_group",
            "CREATE TABLE another (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(statement)


def test_with_containers_the_service_owns_nothing(tmp_path):
    compose = yaml.safe_load((BASE / "docker-compose.yml").read_text())
    script = (BASE / compose["configs"]["roles"]["file"]).read_text().replace("sspr", "trial")
    script = script.replace("/run/secrets", str(tmp_path))
    superuser = parts_of(connection, user=SUPERUSER, dbname="postgres")
    where = {"PGHOST": superuser["host"], "PGPORT": str(superuser["port"])}
    (tmp_path / "owner_password").write_text("o'1\n")
    (tmp_path / "service_password").write_text("s 2\n")
    try:
        subprocess.run(["bash", "-euc", script], env=os.environ | where, check=True)
        with psycopg.connect(**superuser | {"user": "trial_owner", "dbname": "trial"}) as owner:
            owner.execute("CREATE TABLE one (id serial)")
        with psycopg.connect(**superuser | {"user": "trial", "dbname": "trial"}) as service:
            service.execute("INSERT INTO one DEFAULT VALUES")
            service.execute("UPDATE one SET id = 7")
            assert service.execute("SELECT id FROM one").fetchall() == [(7,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute("ALTER TABLE one ENABLE ROW LEVEL SECURITY")
    finally:
        with psycopg.connect(**superuser, autocommit=True) as again:
            again.execute("DROP DATABASE IF EXISTS trial WITH (FORCE)")
            again.execute("DROP ROLE IF EXISTS trial")
            again.execute("DROP ROLE IF EXISTS trial_owner")
    urls = {
        name: service.get("environment", {}).get("DATABASE_URL_FILE", "").rpartition("/")[2]
        for name, service in compose["services"].items()
    }
    assert {
        "migrate": "owner_database_url",
        "web": "database_url",
        "codes": "database_url",
        "bulk": "database_url",
        "workers": "database_url",
    }.items() <= urls.items()


def test_it_doesnt_make_postgresql_expect_few_rows_of_a_tenant(two):
    """It would join the many memberships of large groups one by one."""
    with in_tenant(two[0].pk):
        Group.objects.bulk_create([Group(name=f"group{n}") for n in range(300)])
        plain("ANALYZE tenants_group")

        plan = Group.objects.all().explain()

    assert int(re.search(r"rows=(\d+)", plan)[1]) > 200
