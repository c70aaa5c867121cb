"""How long PostgreSQL may work on a statement, and that JIT doesn't make it longer."""

from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.test import Client
from structlog.testing import capture_logs

from isolation.scope import StatementLimits, all_tenants, in_tenant, limited_to
from reset.models import ResetAttempt
from sspr import middleware
from tests.builders import make_email, make_tenant, make_user
from tests.captcha import solved

SHOWN = ("jit", "statement_timeout", "lock_timeout")


def shown():
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{one}')" for one in SHOWN))
        return dict(zip(SHOWN, cursor.fetchone(), strict=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whose", [lambda: in_tenant(1), all_tenants], ids=["one", "all"])
def test_no_tenant_is_part_of_the_compiled_text(whose):
    usually = shown()["jit"]
    with whose():
        alone = shown()["jit"]
        with transaction.atomic():
            together = shown()["jit"]

    assert (alone, together) == ("off", "off")
    assert shown()["jit"] == usually


@pytest.mark.django_db(transaction=True)
def test_limits_hold_for_every_statement_and_end_with_the_block():
    with limited_to(StatementLimits(statement_s=7, lock_s=3)):
        before_anybody = shown()
        with in_tenant(1), transaction.atomic():
            inside = shown()

    assert (before_anybody["statement_timeout"], before_anybody["lock_timeout"]) == ("7s", "3s")
    assert (inside["statement_timeout"], inside["lock_timeout"]) == ("7s", "3s")
    assert shown()["statement_timeout"] == "0"


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_takes_longer_is_ended():
    with (
        limited_to(StatementLimits(statement_s=1, lock_s=1)),
        pytest.raises(OperationalError),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(20)")

    assert shown()["statement_timeout"] == "0"


@contextmanager
def locked(table):
    """Another connection holds the table."""
    where = connection.settings_dict
    with psycopg.connect(
        host=where["HOST"],
        port=where["PORT"],
        user=where["USER"],
        password=where["PASSWORD"],
        dbname=where["NAME"],
    ) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.fixture
def client_at_the_gate(transactional_db, monkeypatch):
    monkeypatch.setattr(middleware, "_LIMITS", StatementLimits(statement_s=30, lock_s=1))
    tenant, client = make_tenant("contoso"), Client()
    with in_tenant(tenant.pk):
        make_email(make_user("minji@contoso.example"))
        client.post("/passwordreset", solved({"username": "minji@contoso.example"}))
        yield client


@pytest.mark.parametrize(
    ("table", "method", "path", "fields"),
    [
        ("reset_resetattempt", "get", "/passwordreset/verify", {}),
        ("delivery_outgoing", "post", "/passwordreset/verify", {"method": "email"}),
        ("audit_event", "post", "/passwordreset", {"username": "other@contoso.example"}),
    ],
)
def test_who_waits_too_long_is_told_to_try_again_and_nothing_is_half_done(
    client_at_the_gate, table, method, path, fields
):
    if path == "/passwordreset":
        fields = solved(fields)
    before = list(ResetAttempt.objects.values())
    with locked(table):
        page = getattr(client_at_the_gate, method)(path, fields)

    assert page.status_code == 503
    assert page["Retry-After"] == "10"
    assert "The service is busy" in page.text
    assert list(ResetAttempt.objects.values()) == before
    if method == "post" and fields.get("method"):
        assert client_at_the_gate.post(path, fields).status_code == 302


@pytest.mark.parametrize(
    ("table", "host"),
    [("django_session", "localhost"), ("tenants_branding", "reset.contoso.example")],
)
def test_a_middleware_that_waits_too_long_says_that_the_service_is_busy(
    client_at_the_gate, table, host
):
    client_at_the_gate.raise_request_exception = False
    client_at_the_gate.cookies[settings.SESSION_COOKIE_NAME] = "s" * 32
    with locked(table), capture_logs() as lines:
        page = client_at_the_gate.get(
            "/passwordreset/verify", headers={"Host": host, "Accept-Language": "ko"}
        )

    assert page.status_code == 503
    assert page["Retry-After"] == "10"
    assert '<html lang="ko"' in page.text
    assert "statement_took_too_long" in [line["event"] for line in lines]
