"""Forms that set a password name the account, for password managers."""

import re

import pytest
from django.test import Client

from directory.models import User
from tenants.policy import Policy, Scope, Unknown
from tenants.services import change_policy
from tests.builders import PASSWORD, make_user
from tests.captcha import solved

pytestmark = pytest.mark.usefixtures("mailroom")

FIELD = re.compile(
    r'<form.*?<input class="vh" type="text" name="username" value="([^"]*)"'
    r' autocomplete="username" readonly tabindex="-1" aria-hidden="true">.*?new-password',
    re.DOTALL,
)


def account_on(page):
    return FIELD.search(page.text[page.text.index("<main") :]).group(1)


@pytest.mark.parametrize("unknown_users", Unknown)
def test_the_new_password_of_a_reset_names_the_account(user, mailroom, unknown_users):
    change_policy(Policy(self_service=Scope.ALL, unknown_users=unknown_users))
    client = Client()
    client.post("/passwordreset", solved({"username": "Minji@Contoso.example"}))
    client.post("/passwordreset/choose", {"reason": "forgot"})
    client.post("/passwordreset/verify", {"method": "email"})
    page = client.post("/passwordreset/code", {"code": mailroom.code()}, follow=True)
    refused = client.post("/passwordreset/new-password", {"new_password": "x"}, follow=True)

    assert account_on(page) == account_on(refused) == "minji@contoso.example"


@pytest.mark.parametrize("temporary", [True, False])
def test_a_change_of_password_names_the_account(user, temporary):
    User.objects.filter(pk=user.pk).update(must_change_password=temporary)
    client = Client()
    client.post("/signin", {"username": user.upn, "password": PASSWORD})

    assert account_on(client.get("/changepassword")) == user.upn


def test_what_the_field_says_decides_nothing(user):
    make_user("jun@contoso.example")
    client = Client()
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    typed = {"new_password": "four unrelated words", "confirm_password": "four unrelated words"}
    typed |= {"password": PASSWORD, "username": "jun@contoso.example"}
    client.post("/changepassword", typed)

    user.refresh_from_db()
    assert user.check_password("four unrelated words")
    assert User.objects.get(upn="jun@contoso.example").check_password(PASSWORD)
