"""Verifying a caller, by a code that they read out or a number that only they see."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from reset.models import ResetAttempt
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import (
    make_email,
    make_phone,
    make_prefill,
    make_second_phone,
    make_tenant,
    make_user,
    signed_in,
)
from tests.captcha import solved
from tests.console.people import behind_both, confirm, make_admin, make_operator, without_token
from tests.registration.test_access_pass import enter, make_pass
from tests.threads import all_at_once
from verification.flow import callers
from verification.models import AccessPass, CallerCheck, RegisteredMethod
from verification.queries.callers import caller_methods, callers_number
from verification.rules.verdicts import Verdict

LIST = "/admin/people/"
NUMBER = "/security-info/caller"


@pytest.fixture
def strict(contoso):
    change_policy(Policy(self_service=Scope.ALL, verify_callers=True))


def ask(client, person, option):
    return client.post(f"{LIST}{person.pk}/do/verify-caller/", {"method": option})


def say(client, person, said, asked):
    return client.post(asked.url, {"said": said})


def by_number(client, person):
    """Verifies the person by the number in the portal. Gives the last answer."""
    asked = ask(client, person, "portal")
    page = signed_in(person).post(NUMBER)
    return say(client, person, number_in(page), asked)


def number_in(page):
    found = re.search(r'class="big"><span translate="no">(\d+)<', page.text)
    return found[1] if found else None


def issue(client, person):
    fields = {"minutes": "60", "once": "on", "note": "ticket"}
    return confirm(client, f"{LIST}{person.pk}/do/access-pass/", **fields)


def outcomes():
    events = Event.objects.filter(activity=Activity.CALLER_VERIFIED).order_by("pk")
    return [(event.outcome, event.details["method"]) for event in events]


def test_a_code_that_the_caller_reads_out_verifies_them(person, helpdesk, mailroom):
    make_email(person)
    asked = ask(helpdesk, person, "email")
    code = mailroom.code()
    mail = mailroom.sent[-1]

    wrong = say(helpdesk, person, "00000000", asked)
    right = say(helpdesk, person, f"{code[:4]} {code[4:]}", asked)

    assert "The code doesn’t match" in wrong.text
    assert code not in helpdesk.get(asked.url).text
    assert right.url == f"{LIST}{person.pk}/"
    assert "You verified this caller" in helpdesk.get(right.url).text
    assert outcomes() == [(Outcome.FAILURE, "email"), (Outcome.SUCCESS, "email")]
    assert mail.subject == "Your code for the Contoso helpdesk"
    assert "Read this code to the helpdesk agent you called" in mail.text
    assert "will ask you" not in mail.text


@pytest.mark.parametrize("option", ["mobile_text", "alternate_text"])
def test_a_text_says_that_it_is_for_the_helpdesk_only(person, helpdesk, mailroom, option):
    make_phone(person)
    make_second_phone(person)
    ask(helpdesk, person, option)
    mailroom.work()

    text = mailroom.sent[-1].text
    assert "read it to the Contoso helpdesk, only if you called them just now" in text
    # No phone may fill it into a page by itself.
    assert "@" not in text


def test_a_code_for_the_helpdesk_is_good_for_nothing_else(person, helpdesk, mailroom):
    make_email(person)
    ask(helpdesk, person, "email")
    code = mailroom.code()
    client = Client()
    client.post("/passwordreset", solved({"username": person.upn}))
    client.post("/passwordreset/verify", {"code": code})
    inside = signed_in(person)
    inside.get("/security-info/remove/email")
    inside.post("/security-info/proof/verify", {"code": code})

    assert not ResetAttempt.objects.filter(passed_gates__isnull=False).exists()
    assert inside.get("/security-info/remove/email").url == "/security-info/proof"


@pytest.mark.parametrize("option", ["email", "mobile_text", "mobile_call", "authenticator", "x"])
def test_nothing_is_sent_to_what_the_person_never_verified(person, helpdesk, mailroom, option):
    make_prefill(person, Factor.EMAIL, "entered@mail.example")

    page = ask(helpdesk, person, option)

    assert page.status_code == 200
    assert mailroom.work() == []
    assert not CallerCheck.objects.exists()


def test_the_agent_sees_no_number_and_the_person_does(person, helpdesk):
    asked = ask(helpdesk, person, "portal")
    before = without_token(helpdesk.get(asked.url))
    page = signed_in(person).post(NUMBER)
    number = number_in(page)

    assert len(number) == 2
    assert "help@contoso.example" in page.text
    assert without_token(helpdesk.get(asked.url)) == before
    assert say(helpdesk, person, number, asked).url == f"{LIST}{person.pk}/"
    assert outcomes() == [(Outcome.SUCCESS, "portal")]


def test_a_number_may_be_tried_once(person, helpdesk):
    asked = ask(helpdesk, person, "portal")
    number = number_in(signed_in(person).post(NUMBER))
    wrong = "11" if number != "11" else "12"

    first = say(helpdesk, person, wrong, asked)
    second = say(helpdesk, person, number, asked)

    assert "The number doesn’t match" in first.text
    assert second.status_code == 200
    assert "You verified" not in helpdesk.get(f"{LIST}{person.pk}/").text
    assert [outcome for outcome, _ in outcomes()] == [Outcome.FAILURE] * 2


def test_no_number_is_right_before_the_person_asked_for_it(person, helpdesk):
    """Otherwise an agent who guesses often enough would verify a user who never called."""
    asked = ask(helpdesk, person, "portal")
    number = callers_number(CallerCheck.objects.get())
    signed_in(person).get(NUMBER)

    assert "isn’t being shown a number" in say(helpdesk, person, number, asked).text
    assert CallerCheck.objects.get().passed_at is None


def test_a_number_lives_for_two_minutes(contoso, person):
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = behind_both(make_admin())
        asked = ask(client, person, "portal")
        inside = signed_in(person)
        number = number_in(inside.post(NUMBER))
        now.shift(timedelta(seconds=120))
        late = say(client, person, number, asked)
        gone = inside.post(NUMBER)

    assert late.status_code == 200
    assert number_in(gone) is None


def test_asking_again_shows_another_number_and_kills_the_first(person, helpdesk):
    first = ask(helpdesk, person, "portal")
    number = number_in(signed_in(person).post(NUMBER))
    ask(helpdesk, person, "portal")

    assert "isn’t being shown a number" in say(helpdesk, person, number, first).text


def test_whoever_stole_the_password_alone_is_shown_no_number(person, helpdesk):
    make_email(person)
    ask(helpdesk, person, "portal")

    assert signed_in(person).post(NUMBER).url == "/security-info/proof"


def test_who_came_by_a_pass_is_shown_no_number(person, helpdesk):
    ask(helpdesk, person, "portal")

    assert enter(make_pass(person)).post(NUMBER).url.startswith("/signin")


def test_nobody_else_is_shown_the_number(person, helpdesk):
    other = make_user("other@contoso.example")
    ask(helpdesk, person, "portal")

    page = signed_in(other).post(NUMBER)

    assert number_in(page) is None
    assert "The helpdesk isn’t waiting" in page.text


def test_with_the_setting_on_helpdesk_lets_nobody_in_unverified(strict, person, helpdesk):
    caller = f"{LIST}{person.pk}/do/verify-caller/"
    password = f"{LIST}{person.pk}/do/temporary-password/"

    assert issue(helpdesk, person).url == caller
    assert helpdesk.get(password).url == caller
    assert helpdesk.post(password, {"note": "ticket"}).url == caller
    assert User.objects.get(pk=person.pk).password == person.password
    assert not AccessPass.objects.exists()

    by_number(helpdesk, person)
    assert "letters" in issue(helpdesk, person).context
    assert "password" in confirm(helpdesk, password, note="ticket").context


def test_it_counts_for_this_agent_and_this_person_only(strict, person, helpdesk):
    second = behind_both(make_admin("second@contoso.example", role=Role.HELPDESK))
    other = make_user("other@contoso.example")
    by_number(helpdesk, person)

    assert issue(second, person).status_code == 302
    assert issue(helpdesk, other).status_code == 302


def test_it_counts_for_fifteen_minutes(strict, person):
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = behind_both(make_admin("help2@contoso.example", role=Role.HELPDESK))
        by_number(client, person)
        now.shift(timedelta(minutes=15))
        late = issue(client, person)

    assert late.status_code == 302
    assert not AccessPass.objects.exists()


def test_tenant_admins_and_operators_can_always_help(strict, contoso, person):
    operator = behind_both(make_operator())
    operator.post(f"/admin/organisations/{contoso.pk}/enter/")

    assert "letters" in issue(behind_both(make_admin()), person).context
    assert "letters" in issue(operator, person).context


def test_with_the_setting_off_nothing_stands_in_the_way(person, helpdesk):
    assert "letters" in issue(helpdesk, person).context


def test_what_another_agent_began_isnt_there(person, helpdesk):
    second = behind_both(make_admin("second@contoso.example", role=Role.HELPDESK))
    asked = ask(second, person, "portal")
    number = number_in(signed_in(person).post(NUMBER))

    assert say(helpdesk, person, number, asked).status_code == 404
    assert second.get(f"/admin/callers/{uuid.uuid4()}/").status_code == 404


def test_who_became_an_administrator_meanwhile_is_verified_by_administrators_only(person, helpdesk):
    asked = ask(helpdesk, person, "portal")
    number = number_in(signed_in(person).post(NUMBER))
    User.objects.filter(pk=person.pk).update(role=Role.TENANT_ADMIN)

    assert say(helpdesk, person, number, asked).status_code == 404


def test_helpdesk_verifies_nobody_with_a_role_and_nobody_of_another_organisation(
    hanbit, contoso, helpdesk
):
    boss = make_admin("boss@contoso.example")
    with in_tenant(hanbit.pk):
        theirs = make_user("yuna@hanbit.example")

    assert ask(helpdesk, boss, "portal").status_code == 404
    assert ask(helpdesk, theirs, "portal").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_the_right_number_one_counts():
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        agent, user = make_admin(), make_user()
        check = callers.ask_by_number(agent, user)
        callers.show_number(user)
        number = callers_number(check)

    answers = all_at_once(10, lambda: callers.compare(agent, check.pk, number), tenant_id=tenant.pk)

    assert answers.count(Verdict.RIGHT) == 1


def test_a_phone_that_a_thief_added_just_now_proves_no_caller(person, helpdesk):
    RegisteredMethod.objects.filter(user=person).delete()
    email = make_email(person)
    long_ago = timezone.now() - timedelta(days=30)
    RegisteredMethod.objects.filter(pk=email.pk).update(verified_at=long_ago)
    make_phone(person)

    now = caller_methods(person.pk).options(frozenset(Method))
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        later = caller_methods(person.pk).options(frozenset(Method))

    assert {option.method.factor for option in now} == {Factor.EMAIL}
    assert {option.method.factor for option in later} == {Factor.EMAIL, Factor.MOBILE_PHONE}
