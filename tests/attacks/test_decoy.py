"""Where everybody is shown the same: what strangers can bring about tells them nothing, either."""

from dataclasses import replace
from itertools import permutations

import pytest

from directory.models import User
from limits import services as limits
from limits.rules import Limit
from reset.models import ResetAttempt
from reset.services.attempts import end_attempts_of
from tenants.policy import Method, Questions
from tenants.services import change_policy
from tests.attacks.visitors import EVERYTHING, Visitor, person, wrong
from tests.forms import FIELD, reference_on
from verification.models import Challenge
from verification.queries.factors import registered_methods_of
from verification.services.calls import press

SENDING = [Method.EMAIL, Method.MOBILE_TEXT, Method.MOBILE_CALL, Method.OFFICE_CALL]
REFUSED = "refused"


def ask(upn, hashed, method):
    """Where a new visitor who wants a code ends up."""
    visitor = Visitor(upn, hashed).identify()
    page = visitor.post("/passwordreset/verify", {"method": method})
    return page.headers.get("Location", REFUSED)


def until_refused(upn, hashed, method):
    for times in range(12):
        if ask(upn, hashed, method) == REFUSED:
            return times
    return None


@pytest.mark.parametrize(("first", "then"), list(permutations(SENDING, 2)))
def test_after_one_way_is_used_up_the_others_answer_alike(
    organisation, mailroom, hashed, first, then
):
    told = {}
    for kind in ("unknown", "registered", "unregistered"):
        upn = person(kind, f"x{kind}")
        told[kind] = (until_refused(upn, hashed, first), ask(upn, hashed, then))

    assert len(set(told.values())) == 1


def test_a_full_day_of_the_organisation_is_told_to_nobody(organisation, mailroom, hashed):
    change_policy(replace(EVERYTHING, daily_message_cap=2))
    for name in ("a", "b"):
        ask(person("registered", name), hashed, "mobile_text")
    mailroom.work()

    told = {
        kind: ask(person(kind, f"z{kind}"), hashed, "mobile_text")
        for kind in ("unknown", "registered")
    }

    assert told == {"unknown": "/passwordreset/code", "registered": "/passwordreset/code"}
    assert not mailroom.work()


def test_what_a_phone_got_elsewhere_is_told_to_nobody(organisation, mailroom, hashed):
    upn = person("registered", "minji")
    values = registered_methods_of(User.objects.get(upn=upn).pk, EVERYTHING).values
    for _ in range(5):
        limits.hit(Limit.CODES_TO_A_PHONE, values[Method.MOBILE_TEXT.factor])

    assert ask(upn, hashed, "mobile_text") == "/passwordreset/code"
    assert not mailroom.work()


def test_administrators_are_offered_the_same_methods(organisation, mailroom, hashed, site):
    change_policy(replace(EVERYTHING, questions=Questions.SECOND))
    told = {}
    for kind in ("unknown", "registered", "administrator"):
        visitor = Visitor(person(kind, f"q{kind}"), hashed).identify()
        told[kind] = 'value="questions"' in visitor.client.get("/passwordreset/verify").text

    assert set(told.values()) == {False}


def test_who_says_on_the_phone_that_it_wasnt_them_is_nobody(organisation, mailroom, hashed):
    told = []
    for kind in ("registered", "unknown"):
        visitor = Visitor(person(kind, "minji" if kind == "registered" else "sobody"), hashed)
        visitor.identify().post("/passwordreset/verify", {"method": "mobile_call"})
        if kind == "registered":
            press(Challenge.objects.latest("created_at").pk, "9")
        page = visitor.get("/passwordreset/call")
        state = visitor.poll(page)
        told.append((page.status_code, state["state"], state["done"]))

    assert told[0] == told[1] == (200, "queued", False)


@pytest.mark.parametrize("method", [Method.MOBILE_CALL, Method.OFFICE_CALL])
def test_a_call_to_a_phone_that_denied_one_is_not_placed_and_seems_to_be(
    organisation, mailroom, hashed, still, method
):
    told, seen = [], []
    for kind in ("registered", "unknown"):
        upn = person(kind, "minji" if kind == "registered" else "sobody")
        Visitor(upn, hashed).identify().post("/passwordreset/verify", {"method": method})
        if kind == "registered":
            press(Challenge.objects.latest("created_at").pk, "9")
        mailroom.work()
        visitor = Visitor(upn, hashed).identify()
        gate = visitor.post("/passwordreset/verify", {"method": method}).headers["Location"]
        state = visitor.poll(visitor.get(gate))
        told.append((gate, state["state"], state["done"]))
        seen.append(visitor.seen.pages)
        assert not [one for one in mailroom.work() if one.destination.startswith("+")]

    assert told[0] == told[1] == ("/passwordreset/call", "queued", False)
    assert seen[0] == seen[1]


def test_who_said_so_is_asked_in_vain_by_the_same_browser(organisation, mailroom, hashed):
    upn = person("registered", "minji")
    visitor = Visitor(upn, hashed).identify()
    visitor.post("/passwordreset/verify", {"method": "mobile_call"})
    press(Challenge.objects.latest("created_at").pk, "9")
    mailroom.work()

    visitor.post("/passwordreset/verify", {"method": "email"})

    assert not mailroom.work()


def test_a_reset_by_the_owner_doesnt_show_in_a_strangers_attempt(organisation, mailroom, hashed):
    visitor = Visitor(person("registered", "minji"), hashed).identify()
    visitor.post("/passwordreset/verify", {"method": "email"})
    code = mailroom.code()

    end_attempts_of(User.objects.get(upn="minji@contoso.example").pk)

    assert visitor.client.get("/passwordreset/verify").status_code == 200
    visitor.post("/passwordreset/code", {"code": code})
    assert visitor.client.get("/passwordreset/new-password").url == "/passwordreset/verify"
    assert ResetAttempt.objects.get().outcome == "failed"


@pytest.mark.parametrize("method", [Method.EMAIL, Method.MOBILE_CALL, Method.QUESTIONS])
def test_a_form_of_another_attempt_is_refused_alike(organisation, hashed, site, still, method):
    told = []
    for upn in (person("unknown", "nobody"), person("registered", "newboy")):
        visitor = Visitor(upn, hashed).identify()
        gate = visitor.post("/passwordreset/verify", {"method": method}).headers["Location"]
        older = visitor.get(gate)
        visitor.identify()
        visitor.post(gate, wrong(method, older) | {FIELD: reference_on(older)})
        visitor.post(gate, wrong(method, older) | {FIELD: ""})
        told.append(visitor.get("/passwordreset/another"))
        visitor.seen.pages[:] = visitor.seen.pages[-3:]
        told.append(visitor.seen.pages)

    assert "belongs to a password reset for" in told[0].text
    assert told[1] == told[3]
