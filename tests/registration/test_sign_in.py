from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor, record
from directory.models import User
from isolation.scope import in_tenant
from limits.rules import Limit
from passwords import hashing
from tenants.policy import Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_user
from tests.captcha import came_from, solved
from tests.console.people import behind_both
from verification.rules.captcha import Action


def sign_in(client, upn="minji@contoso.example", password=PASSWORD, path="/signin"):
    fields = {"username": upn, "password": password}
    return client.post(path, solved(fields, action=Action.SIGN_IN))


def test_right_password_leads_to_what_is_missing_and_changes_the_session(contoso, client):
    user = make_user()
    client.get("/signin?username=minji@contoso.example")
    before = client.session.session_key
    page = sign_in(client, " MINJI@Contoso.example ")

    assert page.url == "/ssprsetup"
    assert client.session.session_key != before
    assert Event.objects.filter(activity=Activity.SIGNED_IN, subject_id=user.pk).exists()


def test_whoever_is_registered_goes_to_the_list(contoso, client):
    make_email(make_user())

    assert sign_in(client).url == "/security-info"


@pytest.mark.parametrize(
    ("upn", "password"),
    [
        ("minji@contoso.example", "wrong password"),
        ("nobody@contoso.example", PASSWORD),
        ("minji@nowhere.example", PASSWORD),
        ("disabled@contoso.example", PASSWORD),
    ],
)
def test_wrong_name_and_wrong_password_get_one_answer(contoso, client, upn, password):
    make_user()
    make_user("disabled@contoso.example", enabled=False)

    page = sign_in(client, upn, password)

    assert page.status_code == 200
    assert b"Your user ID or password is not correct" in page.content
    assert password.encode() not in page.content
    assert not client.session.get("_auth_user_id")


def test_unknown_users_cost_as_many_hashes_as_known_ones(contoso, client, monkeypatch):
    make_user()
    hashed = []
    turn = hashing._a_turn
    monkeypatch.setattr(hashing, "_a_turn", lambda: hashed.append(1) or turn())
    for upn in ("minji@contoso.example", "nobody@contoso.example", "minji@nowhere.example"):
        hashed.clear()
        sign_in(client, upn, "wrong password")
        assert len(hashed) == 1, upn


def test_too_many_failures_from_one_network_are_stopped(contoso, client):
    make_user()
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)

    assert b"Too many requests came from your network" in sign_in(client).content


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "evil"],
)
def test_next_leads_nowhere_else(contoso, client, path):
    make_email(make_user())

    page = client.post(
        f"/signin?next={path}", {"username": "minji@contoso.example", "password": PASSWORD}
    )

    assert page.url == "/security-info"


def test_a_session_lives_fifteen_minutes_unless_extended(contoso, client):
    make_email(make_user())
    with time_machine.travel(timezone.now(), tick=False) as now:
        sign_in(client)
        now.shift(timedelta(minutes=14))
        client.post("/session/extend")
        now.shift(timedelta(minutes=14))
        within = client.get("/security-info")
        now.shift(timedelta(minutes=2))
        after = client.get("/security-info")

    assert within.status_code == 200
    assert after.url.startswith("/signin")


def test_signing_out_ends_the_session_and_needs_a_post(contoso, client):
    make_email(make_user())
    sign_in(client)
    stolen = Client()
    stolen.cookies = client.cookies.copy()

    assert client.get("/signout").status_code == 405
    assert client.post("/signout").url == "/signin?out"
    assert stolen.get("/security-info").status_code == 302


def test_disabling_a_user_ends_their_session(contoso, client):
    user = make_user()
    make_email(user)
    sign_in(client)
    User.objects.filter(pk=user.pk).update(enabled=False)

    assert client.get("/security-info").status_code == 302


def test_the_admin_has_no_sign_in_page_of_its_own(contoso, client):
    change_policy(Policy(self_service=Scope.ALL, require_registration=False))
    make_user(role=Role.REPORTS_READER)

    assert client.get("/admin/", follow=True).request["PATH_INFO"] == "/signin"
    page = sign_in(client, path="/signin?next=/admin/")
    assert page.url == "/admin/"
    assert client.get("/admin/", follow=True).request["PATH_INFO"].startswith("/admin/second-")


def test_a_user_without_a_role_does_not_get_into_the_admin(contoso, client):
    make_email(make_user())
    sign_in(client)

    assert client.get("/admin/audit/").status_code == 404


def test_the_audit_shows_an_admin_no_event_of_another_tenant(contoso, hanbit, client):
    with in_tenant(hanbit.pk):
        record(Activity.SIGNED_IN, reason="of_the_other_tenant", actor_id=Actor.SERVICE)
        other = Event.objects.latest("pk").pk
    make_user(role=Role.TENANT_ADMIN)
    sign_in(client)

    listed = client.get("/admin/audit/")
    direct = client.get(f"/admin/audit/{other}/")
    probed = client.get("/admin/audit/?reason__startswith=of_the")

    assert b"of_the_other_tenant" not in listed.content
    assert direct.status_code == 302
    assert b"of_the_other_tenant" not in direct.content
    assert probed.status_code in {302, 400}


@pytest.mark.parametrize("path", ["/admin/password_change/", "/admin/logout/"])
def test_the_admin_has_no_back_doors(contoso, path):
    client = behind_both(make_user(role=Role.TENANT_ADMIN))

    assert client.get(path).status_code == 404
    assert client.post(path, {"old_password": PASSWORD}).status_code == 404


def test_an_operator_signs_in_to_the_admin(db, client):
    User.unscoped.create(
        upn="operator@service.example", role=Role.OPERATOR, password=make_password(PASSWORD)
    )

    page = sign_in(client, "operator@service.example")

    assert page.url == "/admin/"
    assert client.get("/admin/", follow=True).request["PATH_INFO"].startswith("/admin/second-")
