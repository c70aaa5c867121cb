"""An answer that arrives behind the next page's never signs its reader out."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions import models
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from tenants.policy import Policy, Scope
from tests.builders import make_email, signed_in
from tests.captcha import solved
from tests.registration.test_where_sign_in_leads import all_addresses
from verification.marks import is_for_a_script
from verification.session import Session

HINTS = ["/changepassword/hint", "/passwordreset/new-password/hint"]
SCRIPTED = [
    *HINTS,
    "/passwordreset/call-state",
    "/security-info/call-state/register",
    "/signin/second-factor/call",
]


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, require_registration=False)


@pytest.fixture
def user(user):
    make_email(user)
    return user


def ended(user):
    """Its fifteen minutes are over."""
    client = signed_in(user)
    session = Session(client.session)
    session.ends_at = timezone.now() - timedelta(seconds=1)
    session.save()
    return client


def replaced(user):
    """Its session was replaced by a newer one, in another window."""
    client = signed_in(user)
    models.Session.objects.all().delete()
    return client


def unknown(_user):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    return client


def without(_user):
    return Client()


def in_a_reset(user):
    client = signed_in(user)
    client.post("/passwordreset", solved({"username": user.upn}))
    return client


STATES = [signed_in, ended, replaced, unknown, without, in_a_reset]


def asked(client, address):
    if "hint" not in address:
        return client.get(address)
    # Not as a form of a page that was opened just now: nothing else may be asked for in between.
    return client.generic(
        "POST", address, "new_password=" + "x" * 20, "application/x-www-form-urlencoded"
    )


def test_these_are_all_the_addresses_that_scripts_ask(db):
    marked = {a for a in all_addresses() if is_for_a_script(get_resolver().resolve(a).func)}

    assert marked == set(SCRIPTED)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("address", SCRIPTED)
def test_what_a_script_asks_sets_no_cookie_and_changes_no_session(user, address, state):
    client = state(user)
    before = list(models.Session.objects.values())
    answer = asked(client, address)

    assert not answer.cookies
    assert list(models.Session.objects.values()) == before


@pytest.mark.parametrize("address", HINTS)
def test_a_hint_without_its_token_sets_no_cookie_either(user, address):
    answer = Client(enforce_csrf_checks=True).post(address, {"new_password": "x"})

    assert answer.status_code == 403
    assert not answer.cookies


def test_a_hint_still_answers(user):
    answer = asked(signed_in(user), HINTS[0])

    assert answer.json()["lines"]


def test_an_ended_session_is_told_nothing(user):
    assert asked(ended(user), HINTS[0]).url.startswith("/signin")


@pytest.mark.parametrize("state", [replaced, unknown])
@pytest.mark.parametrize("page", ["/security-info", "/signin", "/"])
def test_a_page_leaves_a_cookie_alone_whose_session_it_does_not_know(user, page, state):
    answer = state(user).get(page)

    assert settings.SESSION_COOKIE_NAME not in answer.cookies


def test_whoever_signs_out_or_stays_too_long_loses_the_cookie(user):
    left, late = signed_in(user).post("/signout"), ended(user).get("/security-info")

    for answer in (left, late):
        assert answer.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 0
