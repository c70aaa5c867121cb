"""What users typed just now themselves, they see in full, can change, and don't type twice."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from delivery.models import Outgoing
from tenants.policy import Factor, Policy, Questions, Scope
from tenants.services import change_policy
from tests.builders import PASSWORD, make_prefill
from tests.pages import without_random

GOOD = ["Spaghetto", "Fort Crumb", "The Four", "Zorro", "Bun and tea"]


def phone(number, method="mobile_text", country="KR"):
    return {"phone_country": country, "phone": number, "method": method}


def main_of(page):
    return page.text[page.text.index("<main") :]


def back_of(page):
    return re.search(r'class="back" href="([^"]+)"', page.text).group(1)


def test_an_address_is_shown_in_full_and_can_be_changed(me):
    page = me.post("/ssprsetup/email", {"email": "dan.home@mail.example"}, follow=True)
    form = me.get("/ssprsetup/email")

    assert "dan.home@mail.example" in main_of(page)
    assert "•" not in main_of(page)
    assert back_of(page) == "/ssprsetup/email"
    assert '<a href="/ssprsetup/email">Change the address</a>' in page.text
    assert 'value="dan.home@mail.example"' in form.text


@pytest.mark.parametrize("method", ["mobile_text", "mobile_call"])
def test_a_number_is_shown_in_full_and_can_be_changed(me, method):
    page = me.post("/ssprsetup/phone", phone("010 1234 5678", method), follow=True)
    form = me.get("/ssprsetup/phone")

    assert "010-1234-5678" in main_of(page)
    assert "•" not in main_of(page)
    assert '<a href="/ssprsetup/phone">Change the number</a>' in page.text
    assert 'value="010-1234-5678"' in form.text


def test_what_an_administrator_entered_stays_masked(user, me):
    make_prefill(user, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)
    page = me.post("/ssprsetup/entered/mobile_phone", {"method": "mobile_text"}, follow=True)
    form = me.get("/ssprsetup/phone")

    assert page.request["PATH_INFO"] == "/ssprsetup/verify"
    for shown in (page, form):
        assert "1234" not in without_random(shown.text)


def test_another_sessions_address_is_not_shown(user, me):
    me.post("/ssprsetup/email", {"email": "dan.home@mail.example"})
    other = Client()
    other.post("/signin", {"username": user.upn, "password": PASSWORD})

    assert "dan.home" not in other.get("/ssprsetup/email").text


def test_what_was_verified_is_masked_again(me, mailroom):
    me.post("/ssprsetup/email", {"email": "dan.home@mail.example"})
    page = me.post("/ssprsetup/verify", {"code": mailroom.code()}, follow=True)

    assert "dan.home" not in page.text
    assert "dan.home" not in me.get("/ssprsetup/email").text


def test_a_likely_slip_is_asked_about_and_no_error(me):
    page = me.post("/ssprsetup/email", {"email": "dan@gmial.com"}, follow=True)

    assert "Did you mean" in page.text
    assert 'class="summary"' not in page.text
    assert "<span>Use <bdi" in page.text
    assert "Keep what I typed" in page.text
    assert 'value="dan@gmial.com" ' in page.text
    assert not Outgoing.objects.exists()


def test_the_suggestion_is_taken_by_its_button(me, mailroom):
    me.post("/ssprsetup/email", {"email": "dan@gmial.com"}, follow=True)
    page = me.post("/ssprsetup/email", {"email": "dan@gmail.com"}, follow=True)
    mailroom.work()

    assert page.request["PATH_INFO"] == "/ssprsetup/verify"
    assert mailroom.sent[-1].destination == "dan@gmail.com"


def test_the_odd_address_is_kept_by_its_button(me, mailroom):
    me.post("/ssprsetup/email", {"email": "dan@gmial.com"}, follow=True)
    typed = {"email": "dan@gmial.com", "meant": "dan@gmial.com"}
    page = me.post("/ssprsetup/email", typed, follow=True)
    mailroom.work()

    assert page.request["PATH_INFO"] == "/ssprsetup/verify"
    assert mailroom.sent[-1].destination == "dan@gmial.com"


def choices(me):
    page = me.get("/ssprsetup/questions").text
    return re.findall(r'<option value="([^"]+)"', page)[:5]


def typed(me, **changed):
    fields = {f"question_{n}": choice for n, choice in enumerate(choices(me), start=1)}
    fields |= {f"answer_{n}": answer for n, answer in enumerate(GOOD, start=1)}
    return fields | changed


def values(page):
    return {
        name: (re.search(r'value="([^"]*)"', tag) or [None, ""])[1]
        for tag, name in re.findall(r'(<input type="password" name="(answer_\d)"[^>]*>)', page.text)
    }


@pytest.fixture
def asked(me):
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE))
    return me


def test_one_slip_leaves_the_other_answers_where_they_are(asked):
    page = asked.post("/ssprsetup/questions", typed(asked, answer_3="x"))

    kept = {f"answer_{n}": answer for n, answer in enumerate(GOOD, start=1)}
    assert values(page) == kept | {"answer_3": ""}
    assert "Answer 3: Use 3 to 40 characters" in page.text
    assert page["Cache-Control"] == "no-store"


def test_an_answer_given_twice_is_named(asked):
    page = asked.post("/ssprsetup/questions", typed(asked, answer_5="spaghetto"))

    assert re.search(r"Answer [15]: You gave this answer twice", page.text)
    assert values(page)["answer_2"] == "Fort Crumb"


def test_answers_stay_in_no_session_and_on_no_other_page(asked):
    asked.post("/ssprsetup/questions", typed(asked, answer_3="x"))
    sessions = [row.get_decoded() for row in Session.objects.all()]
    opened = asked.get("/ssprsetup/questions")

    assert "Fort Crumb" not in str(sessions)
    assert set(values(opened).values()) == {""}


def test_nothing_is_shown_before_anything_was_sent(asked):
    assert set(values(asked.get("/ssprsetup/questions")).values()) == {""}
