import pytest
from django.test import RequestFactory

from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from limits.rules import Limit
from tenants.roles import Role
from tests.builders import PASSWORD, make_email
from tests.captcha import came_from
from tests.visits import sign_in
from verification.middleware import client_network


def test_a_user_id_in_the_address_is_moved_away_and_the_goal_is_kept(user, client):
    make_email(user)

    page = client.get("/signin?username=minji@contoso.example&next=/security-info")

    assert page.url == "/signin?next=%2Fsecurity-info"


@pytest.mark.parametrize(
    "path",
    ["/signout", "/session/extend", "/security-info/resend/register", "/passwordreset", "/x"],
)
def test_next_leads_to_pages_of_one_s_own_only(user, client, path):
    make_email(user)

    assert sign_in(client, user, f"/signin?next={path}").url == "/security-info"


def test_a_session_that_ended_at_a_button_leads_to_a_page_after_signing_in(user, client):
    make_email(user)

    asked = client.post("/security-info/sign-out-everywhere")
    page = client.post(asked.url, {"username": user.upn, "password": PASSWORD}, follow=True)

    assert page.status_code == 200


def test_who_is_throttled_is_told_until_when(user, client):
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)

    page = sign_in(client, user)

    assert page.status_code == 429
    assert b"Too many requests came from your network. Try again in" in page.content


def test_looking_at_a_page_does_not_sign_an_operator_out(db, client):
    with in_tenant(NO_TENANT):
        client.force_login(make_operator())

    page = client.get("/security-info")

    assert page.url == "/admin/"
    assert client.session["_auth_user_id"]


def make_operator():
    operator = User(upn="op@service.example", role=Role.OPERATOR, tenant_id=None)
    operator.set_password(PASSWORD)
    with in_tenant(NO_TENANT):
        operator.save(force_insert=True)
    return operator


def test_a_session_that_is_over_is_not_extended(contoso, client):
    script = client.post("/session/extend", headers={"X-Requested-With": "fetch"})

    assert script.status_code != 204


@pytest.mark.parametrize(
    ("proxies", "forwarded", "network"),
    [
        (0, "198.51.100.9", "192.0.2.1"),
        (1, "203.0.113.5, 198.51.100.9", "198.51.100.9"),
        (2, "203.0.113.5, 198.51.100.9", "203.0.113.5"),
        (3, "203.0.113.5, 198.51.100.9", "192.0.2.1"),
        (1, "not an address", "192.0.2.1"),
        (1, "198.51.100.9:4711", "192.0.2.1"),
    ],
)
def test_proxies_are_believed_as_far_as_the_operator_trusts_them(
    settings, proxies, forwarded, network
):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert client_network(request) == network
