"""Errors of a form that a browser without script sent: shown by a page that Back opens again."""

import json
import re
from base64 import urlsafe_b64decode

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from isolation.scope import NO_TENANT
from limits.rules import Limit
from tenants.policy import Policy, Questions, Scope
from tenants.services import change_policy
from tests.attacks.test_captcha import ticket_on
from tests.builders import PASSWORD, make_user
from tests.captcha import came_from, solved
from vault.services import opened
from verification.rules.captcha import Action

NO_SCRIPT = {"noscript": "1"}
COOKIE = settings.FORM_COOKIE_NAME


@pytest.fixture
def browser():
    """One that holds form tokens as a real one does."""
    return Client(enforce_csrf_checks=True)


def send(browser, path, **fields):
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', browser.get(path).text)[1]
    return browser.post(path, NO_SCRIPT | fields | {"csrfmiddlewaretoken": token})


def carried_by(client, path):
    """What the cookie holds, as only the service can read it."""
    secret = client.cookies.get(settings.CSRF_COOKIE_NAME)
    associated_data = f"form errors|{path}|{secret.value if secret else ''}"
    sealed = urlsafe_b64decode(client.cookies[COOKIE].value)
    return json.loads(opened(sealed, tenant_id=NO_TENANT, associated_data=associated_data))


def test_an_error_is_a_redirect_to_a_page_that_says_it_once(user, browser):
    answer = send(browser, "/signin", username=user.upn, password="not this one")
    page, again = browser.get(answer.url), browser.get(answer.url)

    assert (answer.status_code, answer.url, answer.content) == (302, "/signin", b"")
    assert "Your user ID or password is not correct." in page.text
    assert f'value="{user.upn}"' in page.text
    assert "not this one" not in page.text
    assert "There is a problem" not in again.text
    assert user.upn not in again.text


def test_with_script_it_is_one_answer_as_before(user, client):
    page = client.post("/signin", {"username": user.upn, "password": "not this one"})

    assert page.status_code == 200
    assert "Your user ID or password is not correct." in page.text
    assert COOKIE not in page.cookies


def test_an_error_at_a_field_stays_at_its_field(contoso, client):
    client.post("/passwordreset", NO_SCRIPT | {"username": "minji"})
    page = client.get("/passwordreset").text

    assert '<a href="#id_username">Enter your full user ID' in page
    assert 'aria-invalid="true"' in page
    assert 'value="minji"' in page
    assert "<title>Error: " in page


def test_the_cookie_is_sealed_short_lived_and_gone_when_it_was_shown(user, client):
    answer = client.post("/signin", NO_SCRIPT | {"username": user.upn, "password": "not this one"})
    cookie = answer.cookies[COOKIE]

    assert user.upn.encode() not in urlsafe_b64decode(cookie.value)
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (60, True, "Strict")
    assert client.get("/signin").cookies[COOKIE]["max-age"] == 0


@pytest.mark.parametrize("damage", [lambda value: value[:-8], lambda _value: "x", lambda _v: "é"])
def test_a_cookie_that_is_not_ours_says_nothing(user, client, damage):
    client.post("/signin", NO_SCRIPT | {"username": user.upn, "password": "not this one"})
    client.cookies[COOKIE] = damage(client.cookies[COOKIE].value)
    page = client.get("/signin")

    assert page.status_code == 200
    assert "There is a problem" not in page.text


def test_another_page_and_another_browser_cannot_open_it(user, browser):
    send(browser, "/signin", username=user.upn, password="not this one")
    stolen = browser.cookies[COOKIE].value
    other = Client(enforce_csrf_checks=True)
    other.get("/signin")
    other.cookies[COOKIE] = stolen

    assert "There is a problem" not in other.get("/signin").text
    assert "There is a problem" not in browser.get("/signin/pass").text


def test_no_password_code_or_answer_is_carried(me):
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE), actor_id=None)
    refused = {"password": PASSWORD, "new_password": "tiny%$&!", "confirm_password": "other%$&!"}
    me.post("/changepassword", NO_SCRIPT | refused)
    of_password = carried_by(me, "/changepassword")
    me.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    me.post("/ssprsetup/verify", NO_SCRIPT | {"code": "1234567"})
    of_code = carried_by(me, "/ssprsetup/verify")
    answers = {"question_1": "q01", "answer_1": "spaghetto", "question_2": "q02", "answer_2": "x"}
    page = me.post("/ssprsetup/questions", NO_SCRIPT | answers)

    assert of_password["form"]["values"] == {}
    assert "%$&!" not in str(of_password)
    assert of_code["form"]["values"] == {}
    assert "1234567" not in str(of_code)
    # A good answer comes back in the page that answers the form, and from nowhere else.
    assert page.status_code == 200
    assert 'value="spaghetto"' in page.text


def test_the_part_of_a_password_that_is_quoted_is_not_carried(me):
    weak = "qwerty123456"
    typed = {"password": PASSWORD, "new_password": weak, "confirm_password": weak}
    page = me.post("/changepassword", NO_SCRIPT | typed)

    assert page.status_code == 200
    assert "easy to guess" in page.text


def test_who_waited_too_little_waits_no_second_time(contoso, client):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        ticket = ticket_on(client.get("/passwordreset"))
        who = {"username": "minji@contoso.example", "ticket": ticket}
        early = client.post("/passwordreset", NO_SCRIPT | who)
        page = client.get(early.url)
        clock.shift(60)
        late = client.post("/passwordreset", NO_SCRIPT | who | {"ticket": ticket_on(page)})

    assert "more second" in page.text
    assert "One short wait" not in page.text
    assert late.url != "/passwordreset"


def test_a_ticket_that_was_used_up_is_not_carried(contoso, client):
    make_user()
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST, 6)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        ticket = ticket_on(client.get("/signin"))
        clock.shift(60)
        wrong = {"username": "minji@contoso.example", "password": "not this one", "ticket": ticket}
        answer = client.post("/signin", NO_SCRIPT | wrong)
        page = client.get(answer.url)

    assert "Your user ID or password is not correct." in page.text
    assert ticket_on(page) != ticket


def test_what_is_too_long_for_a_cookie_is_answered_at_once(me):
    page = me.post("/ssprsetup/email", NO_SCRIPT | {"email": "가" * 1_500})

    assert page.status_code == 200
    assert "There is a problem" in page.text
    assert COOKIE not in page.cookies


def test_a_network_that_must_wait_is_told_so_behind_a_redirect(user, client):
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)
    wrong = solved({"username": user.upn, "password": "x"}, action=Action.SIGN_IN)
    answer = client.post("/signin", NO_SCRIPT | wrong)

    assert answer.status_code == 302
    assert "There is a problem" in client.get(answer.url).text


def test_the_wizard_and_a_call_that_still_rings_are_redirects_too(me):
    finish = me.post("/ssprsetup", NO_SCRIPT)
    wizard = me.get(finish.url).text
    phone = {"phone_country": "KR", "phone": "010 1234 5678", "method": "mobile_call"}
    me.post("/ssprsetup/phone", phone)
    check = me.post("/ssprsetup/verify", NO_SCRIPT)

    assert (finish.url, check.url) == ("/ssprsetup", "/ssprsetup/verify")
    assert "more before you can finish" in wizard
    assert "We have not received the number yet." in me.get(check.url).text
