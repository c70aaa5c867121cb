"""Administrators and helpdesk who want in, or are talked into letting an attacker in."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from reset.queries.eligibility import eligibility_of
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.test_flows import NEW, choose, enter, has, identify, set_password
from tests.builders import PASSWORD, make_email, make_phone, make_user, signed_in
from tests.console.people import behind_both, confirm, make_admin
from tests.console.test_caller import ask, say
from tests.console.test_person import enter as enter_contact
from tests.pages import without_random
from verification.models import AccessPass, CallerCheck, RegisteredMethod

HOME = "minji.home@mail.example"
THEIR_OWN, STORED = "010-9999-9999", "+821099999999"
GIVES_IN = {
    "temporary-password": Activity.TEMPORARY_PASSWORD,
    "access-pass": Activity.ACCESS_PASS_ISSUED,
}
TRUSTING = Policy(self_service=Scope.ALL, prefilled_usable=frozenset({Factor.MOBILE_PHONE}))


@pytest.fixture
def victim(contoso):
    """A user who registered a mailbox long ago."""
    user = make_user()
    then = timezone.now() - timedelta(days=30)
    RegisteredMethod.objects.filter(pk=make_email(user).pk).update(verified_at=then)
    return user


@pytest.fixture
def insider(contoso):
    return make_admin("insider@contoso.example")


@pytest.fixture
def agent(contoso):
    return make_admin("help@contoso.example", role=Role.HELPDESK)


def offered(user):
    return {option.method.factor for option in eligibility_of(user).options}


def let_in(client, person, action, **more):
    path = f"/admin/people/{person.pk}/do/{action}/"
    return confirm(client, path, minutes="60", once="on", note="She says she is Minji", **more)


def verify_caller(client, person, mailroom):
    """The person reads out a code that was sent to their mailbox."""
    asked = ask(client, person, "email")
    say(client, person, mailroom.code(), asked)


# An agent who is talked into it


@pytest.mark.parametrize("action", GIVES_IN)
def test_whoever_lets_somebody_in_is_on_record_and_the_person_hears_at_every_address(
    victim, agent, mailroom, action
):
    let_in(behind_both(agent), victim, action)

    assert {mail.destination for mail in mailroom.work()} == {HOME, victim.upn}
    (event,) = Event.objects.filter(activity=GIVES_IN[action])
    assert (event.actor_id, event.subject_id) == (agent.pk, victim.pk)
    assert event.details["note"] == "She says she is Minji"


def test_an_agent_chooses_no_password_and_nobody_stays_in_with_the_one_that_was_drawn(
    victim, agent
):
    chosen = {"password": NEW, "new_password": NEW, "confirm_password": NEW}

    page = let_in(behind_both(agent), victim, "temporary-password", **chosen)

    assert not has(victim, NEW)
    assert not has(victim, PASSWORD)
    inside = signed_in(victim, page.context["password"])
    assert inside.get("/security-info").url.startswith("/changepassword")


def test_an_agent_changes_and_sees_no_way_back(victim, agent):
    client = behind_both(agent)
    base = f"/admin/people/{victim.pk}"

    for path in (f"{base}/contact/", f"{base}/reveal/email/", f"{base}/do/disable/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"mobile_phone": THEIR_OWN, "note": "x"}).status_code == 404
    assert HOME not in client.get(f"{base}/").text
    assert client.get("/admin/policy/").status_code == 404
    assert not User.objects.get(pk=victim.pk).prefill


@pytest.mark.parametrize("action", GIVES_IN)
def test_where_callers_are_verified_nobody_is_let_in_on_anothers_word(
    victim, agent, mailroom, action
):
    change_policy(Policy(self_service=Scope.ALL, verify_callers=True, require_registration=False))
    client = behind_both(agent)
    colleague = behind_both(make_admin("desk@contoso.example", role=Role.HELPDESK))
    verify_caller(colleague, victim, mailroom)

    page = let_in(client, victim, action)

    assert page.url == f"/admin/people/{victim.pk}/do/verify-caller/"
    assert not Event.objects.filter(activity=GIVES_IN[action]).exists()
    assert has(victim, PASSWORD)
    assert not AccessPass.objects.exists()
    assert let_in(colleague, victim, action).status_code == 200


def test_an_agent_has_fifteen_minutes_after_the_caller_was_verified(victim, agent, mailroom):
    change_policy(Policy(self_service=Scope.ALL, verify_callers=True, require_registration=False))
    client = behind_both(agent)
    verify_caller(client, victim, mailroom)
    CallerCheck.objects.update(passed_at=timezone.now() - timedelta(minutes=15, seconds=1))

    page = let_in(client, victim, "temporary-password")

    assert page.url == f"/admin/people/{victim.pk}/do/verify-caller/"
    assert has(victim, PASSWORD)


# An administrator who enters a number of their own


def test_a_number_that_an_administrator_entered_opens_nothing_unless_the_policy_says_so(
    victim, insider, mailroom
):
    enter_contact(behind_both(insider), victim, mobile_phone=THEIR_OWN)
    mailroom.work()
    client = Client()
    page = identify(client)

    choose(client, Method.MOBILE_TEXT)

    assert offered(victim) == {Factor.EMAIL}
    assert "99" not in re.sub(r"<[^>]*>", "", page.text).partition("Contoso")[0]
    assert mailroom.work() == []


def test_codes_go_on_to_the_number_that_the_person_registered(victim, insider, mailroom):
    change_policy(TRUSTING)
    then = timezone.now() - timedelta(days=30)
    RegisteredMethod.objects.filter(pk=make_phone(victim).pk).update(verified_at=then)
    enter_contact(behind_both(insider), victim, mobile_phone=THEIR_OWN)
    mailroom.work()
    client = Client()
    identify(client)

    choose(client, Method.MOBILE_TEXT)

    assert [text.destination for text in mailroom.work()] == ["+821012345678"]


def test_the_person_hears_of_it_where_they_registered_and_the_history_says_who(
    victim, insider, mailroom
):
    change_policy(TRUSTING)

    enter_contact(behind_both(insider), victim, mobile_phone=THEIR_OWN)

    mails = mailroom.work()
    assert {mail.destination for mail in mails} == {HOME, victim.upn}
    assert all("An administrator changed this" in mail.text for mail in mails)
    assert all("9999" not in without_random(mail.text) for mail in mails)
    (event,) = Event.objects.filter(activity=Activity.CONTACT_ENTERED)
    assert (event.actor_id, event.subject_id) == (insider.pk, victim.pk)
    assert event.details["method"] == Factor.MOBILE_PHONE
    assert "9999" not in without_random(str(event.details))
    own_page = signed_in(victim).get("/security-info").text
    assert "An administrator changed your contact data" in own_page


def test_where_the_policy_trusts_it_it_opens_nothing_before_its_hours_are_over(
    victim, insider, mailroom
):
    change_policy(TRUSTING)
    enter_contact(behind_both(insider), victim, mobile_phone=THEIR_OWN)
    mailroom.work()
    client = Client()
    identify(client)

    choose(client, Method.MOBILE_TEXT)

    assert offered(victim) == {Factor.EMAIL}
    assert mailroom.work() == []


def test_where_the_policy_trusts_it_whoever_is_told_can_stop_a_reset_under_way(
    victim, insider, mailroom
):
    change_policy(replace(TRUSTING, new_proof_hours=0))
    enter_contact(behind_both(insider), victim, mobile_phone=THEIR_OWN)
    letter = next(mail for mail in mailroom.work() if mail.destination == HOME)
    client = Client()
    identify(client)
    choose(client, Method.MOBILE_TEXT)
    enter(client, mailroom.code())

    Client().post(re.search(r"(/wasnt-me/\S+)", letter.text)[1])
    set_password(client)

    assert has(victim, PASSWORD)
    assert not has(victim, NEW)


def test_where_two_proofs_are_asked_for_a_number_of_their_own_is_one(victim, insider, mailroom):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            prefilled_usable=frozenset({Factor.MOBILE_PHONE}),
            methods_required=2,
            new_proof_hours=0,
        )
    )
    enter_contact(behind_both(insider), victim, mobile_phone=THEIR_OWN)
    client = Client()
    identify(client)
    choose(client, Method.MOBILE_TEXT)

    enter(client, mailroom.code())

    assert client.get("/passwordreset/new-password").url == "/passwordreset/verify"


def test_the_number_of_another_administrator_is_theirs_to_enter(contoso, agent):
    boss = make_admin("boss@contoso.example")
    client = behind_both(agent)

    assert (
        client.post(f"/admin/people/{boss.pk}/contact/", {"mobile_phone": THEIR_OWN}).status_code
        == 404
    )
    assert not User.objects.get(pk=boss.pk).prefill
