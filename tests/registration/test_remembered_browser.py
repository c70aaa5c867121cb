"""A remembered browser: what it saves, what it never saves, and what ends it."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from directory.connectors import connector_of
from directory.models import User
from isolation.scope import in_tenant
from registration.services import manage
from tenants.policy import Factor, Method, Policy, Scope, SecondFactor
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_phone, make_user
from tests.console.people import code_now, with_app
from tests.visits import sign_in
from verification.models import Challenge, RememberedBrowser
from verification.queries import methods_of_kind, number_shown
from verification.services.calls import press

VERIFY = "/signin/second-factor/verify"
COOKIE = "browser"


def asks(days=30, setting=SecondFactor.REQUIRED):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            require_registration=False,
            sign_in_second_factor=setting,
            remember_browser_days=days,
        )
    )


@pytest.fixture
def user(user):
    asks()
    with_app(user)
    return user


def remembered(user, **ticked) -> Client:
    """A new browser that has nothing of the sign-in left but the cookie."""
    client = Client()
    sign_in(client, user)
    client.post(VERIFY, {"code": code_now(), "remember": "on"} | ticked)
    client.post("/signout")
    return client


def is_let_in(client, user) -> bool:
    sign_in(client, user)
    return bool(client.get("/security-info").status_code == 200)


def test_a_remembered_browser_is_asked_for_the_password_only(user):
    client = remembered(user)

    assert client.get("/security-info").url.startswith("/signin")
    assert not is_let_in(Client(), user)
    assert is_let_in(client, user)


def test_a_wrong_password_stays_wrong_in_a_remembered_browser(user):
    client = remembered(user)

    page = client.post("/signin", {"username": user.upn, "password": "wrong"})

    assert page.status_code == 200
    assert client.get("/security-info").status_code == 302


def test_a_remembered_browser_proves_nothing_when_security_info_is_changed(user):
    client = remembered(user)
    sign_in(client, user)

    assert client.get("/ssprsetup/email").url == "/security-info/proof"


def test_nothing_is_remembered_that_was_not_asked_for(user):
    client = Client()
    sign_in(client, user)
    client.post(VERIFY, {"code": code_now()})

    assert COOKIE not in client.cookies
    assert not RememberedBrowser.objects.exists()


def test_nothing_is_remembered_where_the_policy_does_not_allow_it(user):
    asks(days=0)
    client = Client()
    sign_in(client, user)
    page = client.get(VERIFY).text
    client.post(VERIFY, {"code": code_now(), "remember": "on"})

    assert 'name="remember"' not in page
    assert COOKIE not in client.cookies


def test_the_choice_before_a_call_is_kept(user, mailroom):
    make_phone(user)
    client = Client()
    sign_in(client, user)
    client.post("/signin/second-factor", {"method": "mobile_call", "remember": "on"})
    call = Challenge.objects.get(method=Method.MOBILE_CALL)
    press(call.pk, number_shown(call))

    client.post(VERIFY)

    assert client.cookies[COOKIE].value


def test_the_cookie_is_secret_and_only_its_fingerprint_is_stored(user):
    client = remembered(user)
    cookie = client.cookies[COOKIE]

    assert len(bytes.fromhex(cookie.value)) == 32
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 30 * 86_400
    assert cookie.value not in str(RememberedBrowser.objects.values_list().get())


@pytest.mark.parametrize("planted", ["", "0" * 64, "x", "é" * 5])
def test_a_made_up_cookie_is_worth_nothing(user, planted):
    client = Client()
    client.cookies[COOKIE] = planted

    assert not is_let_in(client, user)


def test_a_planted_cookie_is_replaced(user):
    client = Client()
    client.cookies[COOKIE] = planted = "ab" * 32
    sign_in(client, user)
    client.post(VERIFY, {"code": code_now(), "remember": "on"})
    attacker = Client()
    attacker.cookies[COOKIE] = planted

    assert client.cookies[COOKIE].value != planted
    assert not is_let_in(attacker, user)


def test_the_browser_of_one_person_is_a_stranger_to_another(user):
    other = make_user("other@contoso.example")
    with_app(other)
    client = remembered(user)

    assert not is_let_in(client, other)


def test_the_browser_of_one_organisation_is_a_stranger_to_another(user, hanbit):
    client = remembered(user)
    with in_tenant(hanbit.pk):
        asks()
        theirs = make_user("kim@hanbit.example")
        with_app(theirs)
        row = RememberedBrowser.unscoped.get()
        RememberedBrowser.objects.create(
            user=theirs,
            token_mac=row.token_mac,
            session_epoch=0,
            created_at=row.created_at,
            last_used_at=row.created_at,
            expires_at=row.expires_at,
        )

    assert not is_let_in(client, theirs)


def reset_password(user):
    connector_of(user).set_password(user, PASSWORD)


@pytest.mark.parametrize(
    "end",
    [
        manage.sign_out_everywhere,
        reset_password,
        lambda user: manage.remove(user, Factor.EMAIL),
        lambda user: manage.remove(
            user, Factor.AUTHENTICATOR, methods_of_kind(user.pk, Factor.AUTHENTICATOR).get().pk
        ),
        lambda _user: asks(days=0),
    ],
    ids=["signed out everywhere", "reset", "method removed", "app removed", "policy"],
)
def test_what_ends_it(user, end):
    make_email(user)
    client = remembered(user)

    end(user)

    assert not is_let_in(client, user)


def test_it_lasts_as_long_as_the_policy_says_and_no_longer(user):
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = remembered(user)
        now.shift(timedelta(days=30) - timedelta(seconds=1))
        before = is_let_in(client, user)
        client.post("/signout")
        now.shift(timedelta(seconds=1))
        after = is_let_in(client, user)

    assert before
    assert not after


def test_a_stricter_policy_counts_for_browsers_remembered_before(user):
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = remembered(user)
        now.shift(timedelta(days=2))
        asks(days=1)

        assert not is_let_in(client, user)


def test_a_longer_policy_prolongs_nothing(user):
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = remembered(user)
        asks(days=90)
        now.shift(timedelta(days=31))

        assert not is_let_in(client, user)


def test_a_remembered_browser_is_no_factor_for_who_holds_none(user):
    client = remembered(user)
    methods_of_kind(user.pk, Factor.AUTHENTICATOR).update(removed_at=timezone.now())

    page = sign_in(client, user)

    assert page.url == "/ssprsetup"


def test_a_browser_is_taken_off_the_list(user):
    client = remembered(user)
    sign_in(client, user)
    row = RememberedBrowser.objects.get()
    assert "Remembered browsers" in client.get("/security-info").text

    page = client.post(f"/security-info/browsers/{row.pk}/forget", follow=True)
    client.post("/signout")

    assert "The browser is no longer remembered." in page.text
    assert not is_let_in(client, user)


def test_nobody_takes_the_browser_of_another_off_the_list(user):
    client = remembered(user)
    other = make_user("other@contoso.example")
    with_app(other)
    theirs = Client()
    sign_in(theirs, other)
    theirs.post(VERIFY, {"code": code_now()})

    theirs.post(f"/security-info/browsers/{RememberedBrowser.objects.get().pk}/forget")

    assert is_let_in(client, user)


def test_the_method_chosen_as_the_default_is_asked_for_first(user, mailroom):
    make_email(user)
    client = Client()
    sign_in(client, user)
    client.post(VERIFY, {"code": code_now()})
    client.post("/security-info/default", {"method": "email"})

    asked = sign_in(Client(), user)

    assert asked.url == VERIFY
    assert mailroom.code()
    assert "Send a code to my email" in client.get("/security-info").text


def test_the_default_is_chosen_after_a_fresh_proof_only(user):
    make_email(user)
    client = remembered(user)
    sign_in(client, user)

    page = client.post("/security-info/default", {"method": "email"})

    assert page.url == "/security-info/proof"
    assert User.objects.get().default_sign_in_method is None


def test_what_one_does_not_hold_is_no_default(user):
    client = Client()
    sign_in(client, user)
    client.post(VERIFY, {"code": code_now()})

    client.post("/security-info/default", {"method": "email"})

    assert User.objects.get().default_sign_in_method is None


def test_a_default_that_is_gone_locks_nobody_out(user):
    User.objects.update(default_sign_in_method="mobile_text")
    client = Client()

    page = sign_in(client, user)
    client.post(VERIFY, {"code": code_now()})

    assert page.url == VERIFY
    assert client.get("/security-info").status_code == 200
