"""A press on "Send a new code" always has an answer, and a dead code stays dead on its page."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tenants.policy import Policy, Scope, SecondFactor, Unknown
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_phone, make_user
from tests.captcha import solved
from verification.models import RegisteredMethod

pytestmark = pytest.mark.usefixtures("mailroom")

DEAD = "Too many wrong codes, so this code no longer works."
EXPIRED = "This code has expired. Ask for a new one."
NOTICE = 'role="status">'
"""Before the answer to a press; the line that counts down says the same."""
WAIT = "You can get a new code in %s second"
TOO_MANY = "Too many codes were sent"
PRIMARY_RESEND = re.compile(r'class="button primary"[^>]*>Send a new code<')


@pytest.fixture
def clock(db):
    with time_machine.travel(timezone.now(), tick=False) as now:
        yield now


def resetting(user, method="email"):
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": method})
    return client


def half_signed_in(user):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            sign_in_second_factor=SecondFactor.REGISTERED,
            require_registration=False,
        )
    )
    client = Client()
    asked = client.post("/signin", {"username": user.upn, "password": PASSWORD})
    if not asked.url.endswith("/verify"):
        client.post("/signin/second-factor", {"method": "email"})
    return client


def proving(user):
    change_policy(Policy(self_service=Scope.ALL, require_registration=False))
    client = Client()
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    client.post("/security-info/proof", {"method": "email"})
    return client


def registering(user, address="new@mail.example"):
    change_policy(Policy(self_service=Scope.ALL, require_registration=False))
    RegisteredMethod.objects.filter(user=user).delete()
    client = Client()
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    client.post("/ssprsetup/email", {"email": address})
    return client


FLOWS = {
    "reset": (resetting, "/passwordreset/code", "/passwordreset/resend"),
    "sign-in": (
        half_signed_in,
        "/signin/second-factor/verify",
        "/signin/second-factor/resend",
    ),
    "proof": (proving, "/security-info/proof/verify", "/security-info/resend/prove"),
    "registration": (registering, "/ssprsetup/verify", "/security-info/resend/register"),
}


@pytest.fixture(params=FLOWS)
def flow(request, user, clock):
    begin, here, resend = FLOWS[request.param]
    return begin(user), here, resend


def test_an_early_press_is_answered_with_the_seconds_left(flow, clock):
    client, here, resend = flow
    clock.shift(timedelta(seconds=10))
    early = client.post(resend, follow=True)
    clock.shift(timedelta(seconds=19))
    nearly = client.post(resend, follow=True)
    clock.shift(timedelta(seconds=1))
    again = client.post(resend, follow=True)

    assert early.request["PATH_INFO"] == here
    assert NOTICE + WAIT % 20 + "s." in early.text
    assert NOTICE + WAIT % 1 + "." in nearly.text
    assert NOTICE + WAIT.partition("%")[0] not in again.text
    assert "We sent a new code. The old one no longer works." in again.text


def test_a_code_that_was_tried_too_often_stays_dead_on_its_page(flow, clock, mailroom):
    client, here, resend = flow
    right = mailroom.code()
    wrong = str((int(right) + 1) % 10**8).zfill(8)
    for _ in range(5):
        last = client.post(here, {"code": wrong}, follow=True)
    opened_again = client.get(here)
    early = client.post(resend, follow=True)
    clock.shift(timedelta(seconds=31))
    renewed = client.post(resend, follow=True)

    for page in (last, opened_again, early):
        assert DEAD in page.text
        assert PRIMARY_RESEND.search(page.text)
        assert 'name="code"' not in page.text
        assert "The code works for" not in page.text
    assert WAIT.partition("%")[0] in early.text
    assert DEAD not in renewed.text
    assert 'name="code"' in renewed.text
    assert not PRIMARY_RESEND.search(renewed.text)


@pytest.mark.parametrize("name", ["reset", "proof", "registration"])
def test_a_code_that_is_too_old_says_so_on_its_page(user, clock, mailroom, name):
    begin, here, _resend = FLOWS[name]
    client = begin(user)
    code = mailroom.code()
    clock.shift(timedelta(minutes=10, seconds=1))
    page = client.get(here)
    typed = client.post(here, {"code": code}, follow=True)

    for shown in (page, typed):
        assert EXPIRED in shown.text
        assert PRIMARY_RESEND.search(shown.text)


def test_the_same_method_chosen_again_leads_to_its_page_and_says_since_when(user, clock):
    client = resetting(user)
    clock.shift(timedelta(seconds=12))
    page = client.post("/passwordreset/verify", {"method": "email"}, follow=True)

    assert page.request["PATH_INFO"] == "/passwordreset/code"
    assert "We sent the code 12 seconds ago." in page.text


def test_a_method_chosen_again_after_another_leads_to_its_own_page(user, clock):
    make_phone(user)
    client = resetting(user)
    clock.shift(timedelta(seconds=12))
    client.post("/passwordreset/verify", {"method": "mobile_text"})
    page = client.post("/passwordreset/verify", {"method": "email"}, follow=True)

    assert page.request["PATH_INFO"] == "/passwordreset/code"
    assert "Enter the code we emailed you" in page.text
    assert "We sent the code 12 seconds ago." in page.text


def test_unknown_users_are_answered_the_same_where_nobody_is_told(contoso, clock, mailroom):
    change_policy(Policy(self_service=Scope.ALL, unknown_users=Unknown.DECOY))
    user = make_user()
    make_email(user)

    def pages(upn):
        client = Client()
        client.post("/passwordreset", solved({"username": upn}))
        client.post("/passwordreset/choose", {"reason": "forgot"})
        client.post("/passwordreset/verify", {"method": "email"})
        shown = [client.post("/passwordreset/resend", follow=True)]
        shown.append(client.post("/passwordreset/verify", {"method": "email"}, follow=True))
        shown += [
            client.post("/passwordreset/code", {"code": "12345678"}, follow=True) for _ in range(5)
        ]
        shown.append(client.post("/passwordreset/resend", follow=True))
        token = re.compile(r'name="(?:csrfmiddlewaretoken|page_ref)" value="[^"]+"')
        return [token.sub("", page.text).replace(upn, "") for page in shown]

    known, unknown = pages(user.upn), pages("nobody@contoso.example")

    assert known == unknown
    assert DEAD in known[-1]


@pytest.mark.parametrize("method", ["mobile_text", "mobile_call"])
def test_a_phone_given_again_at_once_leads_to_its_page_and_says_since_when(
    contoso, mailroom, clock, method
):
    client = Client()
    client.post("/signin", {"username": make_user().upn, "password": PASSWORD})
    typed = {"phone_country": "KR", "phone": "010-1234-5678", "method": method}
    first = client.post("/ssprsetup/phone", typed)
    clock.shift(timedelta(seconds=12))
    again = client.post("/ssprsetup/phone", typed, follow=True)

    said = "We called you" if method == "mobile_call" else "We sent the code"
    assert first.url == again.request["PATH_INFO"] == "/ssprsetup/verify"
    assert f"{said} 12 seconds ago." in again.text
    assert TOO_MANY not in again.text


def test_an_address_given_again_at_once_leads_to_its_page_and_says_since_when(
    contoso, mailroom, clock
):
    client = Client()
    client.post("/signin", {"username": make_user().upn, "password": PASSWORD})
    client.post("/ssprsetup/email", {"email": "new@mail.example"})
    clock.shift(timedelta(seconds=1))
    again = client.post("/ssprsetup/email", {"email": "new@mail.example"}, follow=True)
    passed = client.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert again.request["PATH_INFO"] == "/ssprsetup/verify"
    assert "We sent the code 1 second ago." in again.text
    assert TOO_MANY not in again.text
    assert passed.url == "/ssprsetup"


def test_an_address_given_again_after_a_phone_leads_to_its_own_page(contoso, mailroom, clock):
    client = Client()
    client.post("/signin", {"username": make_user().upn, "password": PASSWORD})
    client.post("/ssprsetup/email", {"email": "new@mail.example"})
    clock.shift(timedelta(seconds=12))
    typed = {"phone_country": "KR", "phone": "010-1234-5678", "method": "mobile_text"}
    client.post("/ssprsetup/phone", typed)
    page = client.post("/ssprsetup/email", {"email": "new@mail.example"}, follow=True)

    assert page.request["PATH_INFO"] == "/ssprsetup/verify"
    assert "Enter the code we emailed you" in page.text
    assert TOO_MANY not in page.text
