"""A page that asks for a sign-in is the page that the sign-in leads to, however it is done."""

import uuid
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from directory.models import User
from tenants.policy import Policy, Scope, SecondFactor
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_user
from tests.captcha import solved
from tests.console.people import helpdesk_of
from verification.rules.access_passes import Terms
from verification.rules.captcha import Action
from verification.services import access_passes

SECURITY_INFO = "/security-info"
NEW_PASSWORD = "four unrelated words"
ARGUMENTS = {
    "factor": "email",
    "kind": "email",
    "key": "email",
    "errand": "register",
    "browser_id": str(uuid.uuid4()),
}
"""One value for each parameter that an address of ours may have."""


def all_addresses(patterns=None, prefix="", without=frozenset({"admin", "console", "demo"})):
    """Every address below the root, without these namespaces and the providers' hooks."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if not isinstance(pattern, URLPattern):
            if getattr(pattern, "namespace", "") not in without:
                inner = prefix + str(pattern.pattern)
                yield from all_addresses(pattern.url_patterns, inner, without)
            continue
        route = prefix + str(pattern.pattern)
        for name in pattern.pattern.converters:
            converter = type(pattern.pattern.converters[name]).__name__
            value = ARGUMENTS.get(name, str(uuid.uuid4()) if "UUID" in converter else "1")
            route = route.replace(f"<{route_parameter(route, name)}>", value)
        if not route.startswith("hooks/"):
            yield f"/{route}"


def route_parameter(route, name):
    return next(p.split(">")[0] for p in route.split("<")[1:] if p.split(">")[0].endswith(name))


def sends_to_sign_in(response):
    return response.status_code == 302 and urlsplit(response["Location"]).path == "/signin"


def pages():
    """Every address that a browser can open and that sends strangers to the sign-in."""
    opened = {address: Client().get(address) for address in all_addresses()}
    return [
        address
        for address, response in opened.items()
        if sends_to_sign_in(response)
        and parse_qs(urlsplit(response["Location"]).query).get("next") == [address]
        and not address.startswith(("/security-info/call-state/", "/ssprsetup/recovery-codes/save"))
    ]


def only_posted():
    """Every address that takes nothing but a form and sends strangers to the sign-in."""
    return [
        address
        for address in all_addresses()
        if Client().get(address).status_code == 405 and sends_to_sign_in(Client().post(address))
    ]


def signed_in_for(page, user, password=PASSWORD):
    """What a browser sends that went to the page and signed in where it was led."""
    client = Client()
    door = client.get(page)["Location"]
    client.answer = client.post(door, {"username": user.upn, "password": password})
    return client


def policy(**more):
    change_policy(Policy(self_service=Scope.ALL, **({"require_registration": False} | more)))


@pytest.fixture
def contoso(contoso):
    policy()
    return contoso


def test_pages_that_ask_for_a_sign_in_are_as_many_as_we_know(user):
    assert {
        "/changepassword",
        "/security-info",
        "/security-info/reconfirm",
        "/security-info/wasnt-me",
        "/ssprsetup/passkey",
        "/ssprsetup/recovery-codes",
    } < set(pages())
    assert len(pages()) >= 20
    assert len(only_posted()) >= 5


def test_a_password_leads_to_the_page_that_was_opened(user):
    led_to = {page: signed_in_for(page, user).answer.url for page in pages()}

    assert led_to == {page: page for page in led_to}


def test_a_password_leads_to_each_page_of_the_admin_that_was_opened(user):
    admin = make_user("admin@contoso.example", role=Role.TENANT_ADMIN)
    asked_for, led_to = {}, {}
    for address in all_addresses(without=frozenset()):
        stranger = Client().get(address) if address.startswith("/admin/") else None
        if stranger and "(" not in address and sends_to_sign_in(stranger):
            asked_for[address] = parse_qs(urlsplit(stranger["Location"]).query)["next"][0]
            led_to[address] = signed_in_for(address, admin).answer.url

    assert led_to == asked_for
    assert len({page for page, url in led_to.items() if url == page}) > 30


def test_the_page_is_shown_or_leads_on_and_never_in_circles(user):
    make_email(user)
    for page in pages():
        client = signed_in_for(page, user)
        last = client.get(client.answer.url, follow=True)

        assert last.status_code in {200, 404}, page
        assert not last.redirect_chain or "/signin" not in last.redirect_chain[-1][0]


def test_what_only_takes_forms_leads_to_the_security_info(user):
    for address in only_posted():
        client = Client()
        door = client.post(address)["Location"]
        answer = client.post(door, {"username": user.upn, "password": PASSWORD})

        assert answer.url == SECURITY_INFO, address


def test_what_a_script_asks_is_no_page(user, client):
    door = client.get("/security-info/call-state/register")["Location"]

    answer = client.post(door, {"username": user.upn, "password": PASSWORD})
    assert answer.url == SECURITY_INFO


def test_a_second_factor_leads_to_the_page_that_was_opened(user, mailroom):
    policy(sign_in_second_factor=SecondFactor.REGISTERED)
    make_email(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for page in pages():
            client = signed_in_for(page, user)
            if not client.answer.url.endswith("/verify"):
                client.post(client.answer.url, {"method": "email"})
            answer = client.post("/signin/second-factor/verify", {"code": mailroom.code()})
            clock.shift(timedelta(hours=1))

            assert answer.url == page


def test_a_second_factor_that_came_too_late_keeps_the_page(user):
    policy(sign_in_second_factor=SecondFactor.REGISTERED)
    make_email(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in_for("/ssprsetup/passkey", user)
        clock.shift(timedelta(minutes=11))
        over = client.get(client.answer.url)

    assert over.url == "/signin?next=%2Fssprsetup%2Fpasskey"


def test_a_second_factor_that_must_be_registered_first_keeps_the_page(user, mailroom):
    policy(sign_in_second_factor=SecondFactor.REQUIRED)
    client = signed_in_for("/security-info/wasnt-me", user)
    client.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    client.post("/ssprsetup/verify", {"code": mailroom.code()})
    done = client.post("/ssprsetup", follow=True)

    assert client.answer.url == "/ssprsetup"
    assert 'href="/security-info/wasnt-me">Done' in done.text


def test_a_pass_leads_to_the_page_that_was_opened(user):
    policy(access_passes=True)
    now = timezone.now()
    terms = Terms(starts_at=now, ends_at=now + timedelta(hours=1), once=False)
    letters = access_passes.issue(helpdesk_of(user), user, terms, note="T-1")
    led_to = {}
    for page in pages():
        client = Client()
        sign_in = client.get(client.get(page)["Location"]).text
        door = sign_in.partition('href="/signin/pass')[2].partition('"')[0]
        typed = {"username": user.upn, "access_pass": letters}
        answer = client.post(f"/signin/pass{door}", solved(typed, action=Action.SIGN_IN))
        led_to[page] = answer.url

    elsewhere = {page for page, url in led_to.items() if url != page}
    assert elsewhere == {"/security-info/caller", "/changepassword"}
    assert {led_to[page] for page in elsewhere} == {SECURITY_INFO}


def test_the_link_back_from_the_pass_to_the_password_keeps_the_page(user, client):
    page = client.get("/signin/pass?next=/ssprsetup/passkey").text

    assert 'href="/signin?next=%2Fssprsetup%2Fpasskey"' in page


def test_a_temporary_password_is_changed_before_the_page_that_was_opened(contoso, mailroom):
    policy()
    for number, page in enumerate(pages()):
        # One user may change a password only so often.
        user = make_user(f"user{number}@contoso.example", must_change_password=True)
        client = signed_in_for(page, user)
        shown = client.get(client.answer.url, follow=True)
        typed = {"new_password": NEW_PASSWORD, "confirm_password": NEW_PASSWORD}
        changed = client.post("/changepassword", {"password": PASSWORD, **typed})

        assert shown.request["PATH_INFO"] == "/changepassword"
        assert changed.url == (SECURITY_INFO if page == "/changepassword" else page)


def test_registration_that_is_put_off_leads_to_the_page_that_was_opened(user):
    policy(require_registration=True)
    for page in pages():
        client = signed_in_for(page, user)
        wizard = client.get("/ssprsetup")
        later = client.post("/ssprsetup/later")

        assert client.answer.url == "/ssprsetup"
        assert wizard.status_code == 200
        assert later.url == (SECURITY_INFO if page == "/ssprsetup" else page)


def test_registration_that_is_finished_leads_to_the_page_that_was_opened(user, mailroom):
    policy(require_registration=True, registration_skip_days=0)
    client = signed_in_for("/ssprsetup/recovery-codes", user)
    client.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    client.post("/ssprsetup/verify", {"code": mailroom.code()})
    done = client.post("/ssprsetup", follow=True)

    assert 'href="/ssprsetup/recovery-codes">Done' in done.text


def test_what_was_registered_long_ago_is_confirmed_before_the_page_that_was_opened(user):
    policy(require_registration=True, reconfirm_days=30)
    method = make_email(user)
    for page in pages():
        User.objects.filter(pk=user.pk).update(reconfirmed_at=None)
        type(method).objects.filter(pk=method.pk).update(
            verified_at=timezone.now() - timedelta(days=31)
        )
        client = signed_in_for(page, user)
        client.get(client.answer.url)
        confirmed = client.post("/security-info/reconfirm")

        assert client.answer.url == reverse("registration:reconfirm")
        if page == "/security-info/reconfirm":
            assert confirmed.url == SECURITY_INFO
        else:
            assert confirmed.url == page


def test_a_page_that_was_reached_is_not_led_to_again(user):
    client = signed_in_for("/security-info/caller", user)
    client.get("/security-info/caller")
    typed = {"new_password": NEW_PASSWORD, "confirm_password": NEW_PASSWORD}
    changed = client.post("/changepassword", {"password": PASSWORD, **typed})

    assert changed.url == SECURITY_INFO


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "/nowhere", "/signout", "/signin"])
def test_sign_in_leads_to_no_other_address(user, client, elsewhere):
    typed = {"username": user.upn, "password": PASSWORD}

    assert client.post(f"/signin?next={quote(elsewhere)}", typed).url == SECURITY_INFO
