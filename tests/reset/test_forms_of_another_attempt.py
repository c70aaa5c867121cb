"""A browser has one cookie for all its tabs: each form acts for the attempt it was drawn for."""

from dataclasses import dataclass, replace

import pytest
import time_machine
from django.utils import timezone

from directory.models import User
from reset.models import ResetAttempt
from tenants.policy import Method, Policy, Questions, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.visitors import poll_address
from tests.builders import (
    ANSWERS,
    make_email,
    make_passkey,
    make_phone,
    make_questions,
    make_recovery_codes,
    make_user,
)
from tests.captcha import solved
from tests.console.people import code_now, with_app
from tests.forms import FIELD, reference_on
from tests.rows import everything
from tests.soft_authenticator import SoftAuthenticator, options_on
from verification.models import Challenge
from verification.queries import drawn_questions, number_shown
from verification.services.calls import press
from verification.services.page_references import PageReference

NEW = {"new_password": "correct horse battery", "confirm_password": "correct horse battery"}
POLICY = Policy(
    self_service=Scope.ALL,
    reset_methods=frozenset(Method)
    - {Method.QUESTIONS, Method.ALTERNATE_TEXT, Method.ALTERNATE_CALL},
    questions=Questions.GATE,
    require_registration=False,
    new_proof_hours=0,
)


@dataclass
class Person:
    """A user who can reset in every way, and who is locked."""

    user: User
    mailroom: object
    device: SoftAuthenticator
    codes: list[str]

    def begin(self, browser):
        return browser.post("/passwordreset", solved({"username": self.user.upn}))

    def go_to(self, browser, page):
        """A browser whose attempt is this person's, at that page."""
        self.begin(browser)
        if page == "choose":
            return browser.get("/passwordreset/choose")
        reason = "unlock" if page == "unlock" else "forgot"
        browser.post("/passwordreset/choose", {"reason": reason})
        if page in {"new-password", "unlock"}:
            browser.post("/passwordreset/verify", {"method": "recovery_code"})
            typed = {"code": self.codes.pop()}
            return browser.post("/passwordreset/recovery-code", typed, follow=True)
        if page == "number":
            return browser.get("/passwordreset/number?method=mobile_text")
        if method := _METHOD.get(page):
            return browser.post("/passwordreset/verify", {"method": method}, follow=True)
        return browser.get(f"/passwordreset/{page}")

    def right(self, page, shown):
        """What this person would rightly enter on the page."""
        if page == "code":
            return {"code": self.mailroom.code()}
        if page == "call":
            call = Challenge.objects.filter(user_id=self.user.pk).latest("created_at")
            press(call.pk, number_shown(call))
            return {}
        if page == "questions":
            drawn = drawn_questions(self.user.pk)
            return {f"answer_{n}": ANSWERS[qid] for n, qid in enumerate(drawn, start=1)}
        if page == "passkey":
            return {"credential": self.device.sign(options_on(shown))}
        return {
            "app": lambda: {"code": code_now()},
            "recovery-code": lambda: {"code": self.codes[-1]},
            "number": lambda: {"phone": "010-1234-5678"},
            "choose": lambda: {"reason": "forgot"},
            "verify": lambda: {"method": "mobile_text"},
            "contact": lambda: {"message": "Help"},
            "new-password": lambda: NEW,
        }.get(page, dict)()


_METHOD = {
    "code": "email",
    "call": "mobile_call",
    "questions": "questions",
    "app": "authenticator",
    "passkey": "passkey",
    "recovery-code": "recovery_code",
}
PAGES = [
    *("choose", "verify", "number", "code", "call", "questions", "app", "passkey"),
    *("recovery-code", "new-password", "unlock", "contact"),
]


@pytest.fixture
def people(contoso, mailroom):
    change_policy(POLICY)
    make_user("help@contoso.example", role=Role.HELPDESK)
    return [_person(name, mailroom) for name in ("alice", "robert")]


def _person(name, mailroom):
    later = timezone.now() + timezone.timedelta(days=1)
    user = make_user(f"{name}@contoso.example", locked_until=later)
    make_email(user, f"{name}@mail.example")
    make_phone(user, "010-1234-5678")
    make_questions(user)
    with_app(user)
    device = make_passkey(user, SoftAuthenticator())
    return Person(user, mailroom, device, make_recovery_codes(user))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("reference", ["of another attempt", "missing"])
def test_a_form_of_another_attempt_changes_nothing(people, client, page, reference):
    alice, robert = people
    if page == "number":
        change_policy(replace(POLICY, ask_full_number=True))
    hers = reference_on(alice.go_to(client, page))
    shown = robert.go_to(client, page)
    fields = robert.right(page, shown)
    address = f"{shown.request['PATH_INFO']}?{shown.request['QUERY_STRING']}"
    before = everything()

    sent = hers if reference == "of another attempt" else ""
    answer = client.post(address, fields | {FIELD: sent})

    assert everything() == before
    assert answer.url == "/passwordreset/another"
    told = client.get(answer.url).text
    assert ("a•••e@c•••.example" in told) == bool(sent)
    assert "Nothing was changed and nothing was sent" in told
    assert "alice" not in told

    client.post(address, fields | {FIELD: reference_on(shown)})
    assert everything() != before


@pytest.mark.parametrize(
    ("page", "address", "fields"),
    [
        ("code", "/passwordreset/resend", {}),
        ("call", "/passwordreset/resend", {}),
        ("new-password", "/passwordreset/new-password/hint", NEW),
        ("contact", "/passwordreset/again", {}),
    ],
)
def test_nor_does_a_smaller_form_of_it(people, client, page, address, fields):
    alice, robert = people
    hers = reference_on(alice.go_to(client, page))
    robert.go_to(client, page)
    before = everything()

    answer = client.post(address, fields | {FIELD: hers})

    assert answer.url == "/passwordreset/another"
    assert everything() == before
    assert "username" not in client.session


def test_the_page_of_an_ended_attempt_starts_it_again(people, client):
    people[0].go_to(client, "code")
    with time_machine.travel(timezone.now() + timezone.timedelta(minutes=16)):
        ended = client.get("/passwordreset/ended")
        answer = client.post("/passwordreset/again", {FIELD: reference_on(ended)})

    assert answer.url == "/passwordreset"


def test_the_page_about_it_leads_on_with_the_attempt_of_this_browser(people, client):
    alice, robert = people
    hers = reference_on(alice.go_to(client, "new-password"))
    robert.go_to(client, "code")

    told = client.post("/passwordreset/new-password", NEW | {FIELD: hers}, follow=True).text

    assert "r•••t@c•••.example" in told
    assert 'href="/passwordreset/verify"' in told
    assert 'href="/passwordreset"' in told


def test_a_reference_that_was_not_signed_here_puts_no_words_on_the_page(people, client):
    alice, robert = people
    hers = reference_on(alice.go_to(client, "verify"))
    robert.go_to(client, "verify")
    forged = hers.rpartition(".")[0] + ".ImJ1eSBtZSI:1x:y"

    client.post("/passwordreset/verify", {"method": "email", FIELD: forged})

    assert "Nothing was changed" in client.get("/passwordreset/another").text


def test_a_page_stays_good_while_the_keys_are_rotated(people, client, settings):
    alice = people[0]
    hers = reference_on(alice.go_to(client, "verify"))
    reference = PageReference.read(hers)
    attempt = ResetAttempt.objects.get()

    settings.ENCRYPTION_KEYS = ["another key of 32 characters and more", *settings.ENCRYPTION_KEYS]

    assert reference.is_of(attempt.pk)
    assert reference.masked_name() == "a•••e@c•••.example"


@pytest.mark.parametrize("typed", ["right", "wrong"])
def test_a_gate_that_another_tab_has_passed_leads_on_to_the_second(people, client, typed):
    change_policy(replace(POLICY, methods_required=2))
    alice = people[0]
    first = alice.go_to(client, "code")
    code = alice.mailroom.code()
    client.post("/passwordreset/code", {"code": code})
    client.post("/passwordreset/verify", {"method": "mobile_text"}, follow=True)
    before = everything()

    given = {"right": code, "wrong": "00000000"}[typed]
    answer = client.post("/passwordreset/code", {"code": given, FIELD: reference_on(first)})

    assert answer.url == "/passwordreset/code"
    assert everything() == before
    assert "we texted you" in client.get(answer.url).text


def test_back_from_the_second_gate_opens_the_choice_of_it(people, client):
    change_policy(replace(POLICY, methods_required=2))
    alice = people[0]
    first = alice.go_to(client, "code")
    client.post("/passwordreset/code", {"code": alice.mailroom.code()})

    opened = client.get("/passwordreset/code")
    resent = client.post("/passwordreset/resend", {FIELD: reference_on(first)})

    assert opened.url == resent.url == "/passwordreset/verify"
    assert "The first one is done" in client.get("/passwordreset/verify").text


def test_with_all_gates_passed_an_older_tab_leads_to_the_new_password(people, client):
    alice = people[0]
    first = alice.go_to(client, "code")
    code = alice.mailroom.code()
    client.post("/passwordreset/code", {"code": code})

    answer = client.post("/passwordreset/code", {"code": code, FIELD: reference_on(first)})

    assert answer.url == "/passwordreset/new-password"


def test_codes_of_two_methods_are_each_right_on_their_own_page(people, client):
    alice = people[0]
    mail_page = alice.go_to(client, "code")
    mailed = alice.mailroom.code()
    text_page = client.post("/passwordreset/verify", {"method": "mobile_text"}, follow=True)
    texted = alice.mailroom.code()

    swapped = client.post("/passwordreset/code", {"code": mailed, FIELD: reference_on(text_page)})
    passed = client.post("/passwordreset/code", {"code": mailed, FIELD: reference_on(mail_page)})

    assert texted != mailed
    assert "4 tries left" in swapped.text
    assert passed.url == "/passwordreset/new-password"


def test_the_newer_code_is_right_in_the_older_tab(people, client):
    alice = people[0]
    older = alice.go_to(client, "code")
    alice.mailroom.code()
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=40)):
        client.post("/passwordreset/resend", {FIELD: reference_on(older)})
        newest = alice.mailroom.code()
        typed = {"code": newest, FIELD: reference_on(older)}
        answer = client.post("/passwordreset/code", typed)

    assert answer.url == "/passwordreset/new-password"


def test_a_method_chosen_again_too_soon_opens_its_own_page(people, client):
    alice = people[0]
    alice.go_to(client, "code")
    mailed = alice.mailroom.code()
    client.post("/passwordreset/verify", {"method": "mobile_text"}, follow=True)

    again = client.post("/passwordreset/verify", {"method": "email"}, follow=True)
    answer = client.post("/passwordreset/code", {"code": mailed, FIELD: reference_on(again)})

    assert "we emailed you" in again.text
    assert answer.url == "/passwordreset/new-password"


def test_resend_acts_for_the_page_and_not_for_what_was_chosen_last(people, client):
    alice = people[0]
    mail_page = alice.go_to(client, "code")
    client.post("/passwordreset/verify", {"method": "mobile_text"}, follow=True)
    alice.mailroom.work()

    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=40)):
        client.post("/passwordreset/resend", {FIELD: reference_on(mail_page)})
        left = alice.mailroom.work()

    assert [message.destination for message in left] == ["alice@mail.example"]


def test_a_page_asks_about_its_own_call_alone(people, client):
    alice, robert = people
    hers = poll_address(alice.go_to(client, "call"))
    robert.right("call", his_page := robert.go_to(client, "call"))

    stale, missing = client.get(hers).json(), client.get("/passwordreset/call-state").json()
    current = client.get(poll_address(his_page)).json()

    assert stale == missing
    assert (stale["state"], stale["text"]) == ("", "This page is no longer current.")
    assert current["state"] == "confirmed"


def test_a_reference_tells_nothing_of_the_rows_it_stands_for(people, client):
    alice = people[0]
    reference = reference_on(alice.go_to(client, "code"))
    rows = [ResetAttempt.objects.get().pk, Challenge.objects.get().pk]

    assert not any(str(pk) in reference or pk.hex in reference for pk in rows)
    assert "alice" not in reference
