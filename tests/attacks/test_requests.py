"""Requests that no page of ours would send."""

import re

import pytest
from django.apps import apps
from django.test import Client

from audit.models import Stream
from reset.models import ResetAttempt
from tests.attacks.test_headers import addresses, views_by_address
from tests.attacks.visitors import administrator
from tests.builders import make_email, make_user, signed_in
from tests.captcha import solved
from tests.provisioning.directory import make_connection

# Twilio signs what it sends; it has no form of ours to take a token from.
SIGNED_INSTEAD = re.compile(r"^/hooks/")
# They say first how much may be sent, and then ask for the token by themselves.
ASK_BY_THEMSELVES = {
    "/admin/audit/streams/1/",
    "/admin/audit/streams/add/email/",
    "/admin/branding/",
    "/admin/directories/1/",
    "/admin/directories/add/email/",
    "/admin/imports/upload/",
    "/admin/tokens/",
}
SENT_ON_BEFORE = {301, 302}


def test_only_named_addresses_are_exempt_from_the_token():
    exempt = {
        path for path, view in views_by_address().items() if getattr(view, "csrf_exempt", False)
    }

    assert {path for path in exempt if not SIGNED_INSTEAD.match(path)} == ASK_BY_THEMSELVES


@pytest.mark.parametrize("path", sorted(ASK_BY_THEMSELVES))
def test_who_is_exempt_asks_for_the_token_by_itself(contoso, path):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = administrator(None).cookies
    directory = make_connection()
    stream = Stream.objects.create(kind="syslog", name="SIEM", address="siem.example:6514")
    path = (
        path.replace("directories/add/email", "directories/add/ldap")
        .replace("streams/add/email", "streams/add/syslog")
        .replace("directories/1/", f"directories/{directory.pk}/")
        .replace("streams/1/", f"streams/{stream.pk}/")
    )

    assert strict.get(path).status_code == 200
    assert strict.post(path, {}).status_code == 403


@pytest.mark.parametrize("who", [signed_in, administrator], ids=["person", "administrator"])
def test_no_address_takes_a_form_without_its_token(contoso, who):
    user = make_user()
    make_email(user)
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.cookies = who(user).cookies
    before = everything_kept()

    typed = {"username": user.upn, "role": "none", "code": "1"}
    answers = {
        path: strict.post(path, typed).status_code
        for path in addresses()
        if not SIGNED_INSTEAD.match(path)
    }

    assert list(answers.values()).count(403) > 20
    taken = {path for path, code in answers.items() if code not in {403, 404, 405}}
    assert {path for path in taken if answers[path] not in SENT_ON_BEFORE} == set()
    assert everything_kept() == before


def everything_kept():
    """Every row of the database but those of sessions, which end and begin by a mere look."""
    counted_by_a_look = {"Session", "Count"}
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models()
        if model.__name__ not in counted_by_a_look
    }


def test_signing_out_needs_the_token_of_a_page(contoso):
    strict = Client(enforce_csrf_checks=True)
    user = make_user()
    make_email(user)
    strict.cookies = signed_in(user).cookies

    assert strict.post("/signout").status_code == 403
    assert strict.get("/security-info").status_code == 200


def test_what_stands_in_the_address_of_a_post_is_not_read(contoso):
    make_email(make_user())
    fields = solved({"username": ""})

    page = Client().post("/passwordreset?username=minji@contoso.example", fields)

    assert b'role="alert"' in page.content
    assert not ResetAttempt.unscoped.exists()


@pytest.mark.parametrize("method", ["put", "delete", "patch", "trace"])
def test_other_methods_are_refused(db, method):
    answer = getattr(Client(), method)("/passwordreset")

    assert answer.status_code == 405


def test_a_body_beyond_64_kilobytes_is_refused_unread(db):
    answer = Client().post(
        "/signin", "username=" + "x" * 70_000, content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code in {400, 413}


@pytest.mark.parametrize(
    "path",
    [
        "/setup",
        "/install",
        "/.env",
        "/.git/config",
        "/metrics",
        "/server-status",
        "/debug",
        "/media/",
        "/static/../manage.py",
        "/static/%2e%2e/sspr/settings.py",
    ],
)
def test_there_is_nothing_to_set_up_and_nothing_of_the_house_to_read(db, path):
    assert Client().get(path).status_code == 404


def test_password_managers_are_told_what_each_password_field_is_for(contoso):
    user = make_user()
    make_email(user)

    asked = Client().get("/signin").text + signed_in(user).get("/changepassword").text
    fields = re.findall(r'<input[^>]*type="password"[^>]*>', asked)

    assert len(fields) == 4
    assert all(re.search(r'autocomplete="(current|new)-password"', field) for field in fields)
    assert not any("value=" in field for field in fields)
