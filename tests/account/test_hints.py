"""The hints on a new password while it is typed, and who gets them."""

import pytest
from django.test import Client

from limits.rules import Limit
from tenants.policy import Policy, Scope
from tenants.services import change_policy
from tests.builders import make_email, make_user, signed_in
from tests.captcha import solved

AT_A_RESET, AT_A_CHANGE = "/passwordreset/new-password/hint", "/changepassword/hint"
GOOD = "correct horse battery staple"


@pytest.fixture
def user(contoso, mailroom):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            require_registration=False,
            banned_words=frozenset({"skyscraper"}),
        )
    )
    return make_user(given_name="Minji")


def at_the_new_password(user, mailroom) -> Client:
    make_email(user)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "email"})
    client.post("/passwordreset/code", {"code": mailroom.code()})
    return client


def hint(client, password, path=AT_A_CHANGE):
    return client.post(path, {"new_password": password})


@pytest.mark.parametrize(
    ("password", "words"),
    [
        (GOOD, "Strong"),
        ("short", "Use at least 12 characters"),
        ("Skyscr4per12", "too close to “skyscraper”"),
        ("it is minji's new one", "it contains your name"),
        ("\u200b" * 12, "Use at least 5 different characters."),
        ("\u00ad" * 8 + "abcde", "You entered 5."),
    ],
)
def test_it_says_what_would_be_said_when_the_form_is_sent(user, mailroom, password, words):
    reset = at_the_new_password(user, mailroom)
    for client, path in ((reset, AT_A_RESET), (signed_in(user), AT_A_CHANGE)):
        answer = hint(client, password, path)

        assert words in " ".join(answer.json()["lines"])
        assert "no-store" in answer["Cache-Control"]
        assert password not in answer.text


def test_the_page_says_the_same_without_a_script(user, mailroom):
    client = at_the_new_password(user, mailroom)

    typed = {"new_password": "Skyscr4per12", "confirm_password": "Skyscr4per12"}
    page = client.post("/passwordreset/new-password", typed)

    assert "too close to “skyscraper”" in page.text
    assert "Skyscr4per12" not in page.text


def test_no_hint_is_given_before_the_gates_are_passed(user):
    make_email(user)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))

    assert hint(client, "minji", AT_A_RESET).status_code == 302
    assert hint(Client(), "minji", AT_A_RESET).status_code == 302
    assert hint(Client(), "minji").status_code == 302


def test_an_empty_field_has_no_hint(user):
    assert hint(signed_in(user), "").json() == {"lines": []}


def test_it_is_asked_by_typing_and_not_by_trying_lists(user):
    client = signed_in(user)
    for _ in range(Limit.PASSWORD_HINTS.value.times):
        hint(client, "a")

    assert hint(client, GOOD).status_code == 429


def test_only_a_post_with_a_token_is_answered(user):
    careful = Client(enforce_csrf_checks=True)

    assert signed_in(user).get(AT_A_CHANGE).status_code == 405
    assert careful.post(AT_A_CHANGE, {"new_password": "a"}).status_code == 403
