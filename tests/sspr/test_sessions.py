"""What a copy of the table of sessions is worth."""

from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from tests.builders import PASSWORD, make_email, make_user, signed_in
from tests.captcha import solved
from verification.rules.captcha import Action


def with_key(key):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client


def test_what_is_stored_opens_no_session_and_what_the_browser_holds_does(contoso):
    make_email(user := make_user())
    key = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    stored = set(Session.objects.values_list("session_key", flat=True))

    assert key not in stored
    assert with_key(key).get("/security-info").status_code == 200
    for one in stored:
        assert with_key(one).get("/security-info").status_code == 302


def test_a_session_that_was_signed_out_is_gone(contoso):
    make_email(user := make_user())
    client = signed_in(user)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/signout")

    assert with_key(key).get("/security-info").status_code == 302
    assert not Session.objects.exists()


def test_a_key_that_we_never_gave_gets_another(contoso):
    make_email(user := make_user())
    client = with_key("a" * 32)
    fields = {"username": user.upn, "password": PASSWORD}
    client.post("/signin", solved(fields, action=Action.SIGN_IN))

    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32
    assert Session.objects.count() == 1
