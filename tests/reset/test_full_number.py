"""Where the policy wants the whole number typed before anything is sent to a phone."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import urljoin

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.models import Event
from limits import services as limits
from limits.rules import Limit
from tenants.policy import Factor, Policy, Scope, Unknown, strictest
from tenants.services import change_policy
from tests.builders import make_email, make_phone, make_prefill, make_user
from tests.captcha import solved
from tests.console.people import behind_both, make_admin
from tests.pages import without_random

NUMBER = "/passwordreset/number?method="
ASKING = Policy(self_service=Scope.ALL, ask_full_number=True)


@pytest.fixture
def user(contoso):
    change_policy(ASKING)
    found = make_user()
    make_phone(found, "010-1234-5678")
    return found


@pytest.fixture
def browser(user):
    return identified(user.upn)


def identified(upn):
    client = Client()
    client.post("/passwordreset", solved({"username": upn}), follow=True)
    return client


def choose(browser, method="mobile_text"):
    return browser.post("/passwordreset/verify", {"method": method})


def type_number(browser, number, method="mobile_text"):
    return browser.post(f"{NUMBER}{method}", {"phone": number})


def test_choosing_a_phone_leads_to_the_field_and_sends_nothing(browser, mailroom):
    page = choose(browser)

    assert page.url == f"{NUMBER}mobile_text"
    assert "ends in 78" in browser.get(page.url).text
    assert not mailroom.work()


@pytest.mark.parametrize(
    ("method", "words"), [("mobile_text", "Text me a code"), ("mobile_call", "Call me")]
)
def test_the_button_says_what_happens_to_the_phone(browser, method, words):
    choose(browser, method)

    assert words in browser.get(f"{NUMBER}{method}").text


def test_until_when_there_is_no_other_call_is_said_of_calls(browser, mailroom):
    choose(browser, "mobile_call")
    type_number(browser, "010-1234-5678", "mobile_call")

    page = browser.get("/passwordreset/call").text

    assert "You can get a new call in" in page
    assert "new code" not in page


def test_who_changes_the_language_at_the_field_stays_there(browser):
    choose(browser)
    page = browser.get(f"{NUMBER}mobile_text").text
    link = re.search(r'<a href="([^"]+)" lang="ko"', page).group(1)

    korean = browser.get(urljoin(NUMBER, unescape(link)), follow=True)

    assert korean.redirect_chain == [(f"{NUMBER}mobile_text", 302)]
    assert "전체 전화번호 입력" in korean.text


@pytest.mark.parametrize(
    "typed", ["010-1234-5678", "+82 10 1234 5678", "０１０ １２３４ ５６７８", "8210-1234-5678"]
)
def test_the_right_number_in_any_spelling_gets_the_code(browser, mailroom, typed):
    choose(browser)

    page = type_number(browser, typed)

    assert page.url == "/passwordreset/code"
    entered = browser.post("/passwordreset/code", {"code": mailroom.code()}, follow=True)
    assert entered.redirect_chain[-1][0] == "/passwordreset/new-password"


def test_a_call_to_the_office_asks_for_its_number_without_the_extension(user, mailroom):
    make_prefill(user, Factor.OFFICE_PHONE, "+82212340001#12")
    browser = identified(user.upn)
    choose(browser, "office_call")

    page = type_number(browser, "02-1234-0001", "office_call")

    assert page.url == "/passwordreset/call"
    (call,) = mailroom.work()
    assert (call.destination, call.extension) == ("+82212340001", "12")


def test_another_number_is_a_wrong_guess_and_sends_nothing(user, browser, mailroom):
    choose(browser)

    page = type_number(browser, "010-9999-5678")

    assert "match the one we have" in page.text
    assert not mailroom.work()
    assert limits.count_of(Limit.WRONG_GUESSES, str(user.pk)) == 1


def test_what_is_no_number_costs_no_try(user, browser):
    choose(browser)

    page = type_number(browser, "my phone")

    assert "match the one we have" in page.text
    assert limits.count_of(Limit.WRONG_GUESSES, str(user.pk)) == 0


def test_ten_wrong_numbers_pause_guessing(browser):
    choose(browser)
    for tried in range(10):
        type_number(browser, f"010-9999-{tried:04d}")

    page = browser.post(f"{NUMBER}mobile_text", {"phone": "010-1234-5678"}, follow=True)

    assert "R04" in page.text


@pytest.mark.parametrize("path", ["/passwordreset/verify", "/passwordreset/resend"])
def test_nothing_goes_to_a_phone_past_the_field(user, browser, mailroom, path):
    make_email(user)
    choose(browser, "email")
    mailroom.work()

    browser.post(path, {"method": "mobile_text"})

    mailroom.work()
    assert "+821012345678" not in {message.destination for message in mailroom.sent}


def test_who_typed_the_number_once_gets_another_code_without_typing_it_again(browser, mailroom):
    choose(browser)
    type_number(browser, "010-1234-5678")
    mailroom.work()
    limits.clear(Limit.CODES_TO_A_PHONE, "+821012345678")

    with_patience(browser)

    assert len(mailroom.work()) == 1


def with_patience(browser):
    with time_machine.travel(timezone.now() + timedelta(seconds=40)):
        return browser.post("/passwordreset/resend")


def test_methods_without_a_number_are_as_before(user, mailroom):
    make_email(user)

    assert choose(identified(user.upn), "email").url == "/passwordreset/code"


@pytest.mark.parametrize("method", ["email", "questions", "nothing", "", "office_call"])
def test_there_is_no_field_for_what_takes_no_number_or_isnt_there(browser, method):
    assert browser.get(f"{NUMBER}{method}").url == "/passwordreset/verify"


def test_the_stricter_of_the_policy_at_the_start_and_now_counts():
    asks, not_ = ASKING, replace(ASKING, ask_full_number=False)

    assert strictest(asks, not_).ask_full_number
    assert strictest(not_, asks).ask_full_number


@pytest.mark.parametrize("number", ["010-1234-5678", "010-9999-9999"])
def test_where_nobody_may_find_out_any_number_leads_to_the_same_page(user, mailroom, number):
    change_policy(replace(ASKING, unknown_users=Unknown.DECOY))
    answers = []
    for upn in (user.upn, "nobody@contoso.example"):
        browser = identified(upn)
        browser.post("/passwordreset/choose", {"reason": "forgot"})
        choose(browser)
        field = browser.get(f"{NUMBER}mobile_text").text
        answers.append((type_number(browser, number).url, "ends in" in field))

    assert answers == [("/passwordreset/code", False)] * 2
    reached = {message.destination for message in mailroom.work()}
    assert reached == ({"+821012345678"} if number == "010-1234-5678" else set())


def test_wrong_numbers_are_written_down_and_who_is_paused_by_them_is_listed(user, browser):
    choose(browser)
    for number in range(10):
        type_number(browser, f"010-9999-{number:04d}")

    written = Event.objects.filter(subject_id=user.pk, reason="number_wrong")
    assert written.count() == 10
    assert not written.exclude(actor_id=None).exists()
    assert "010" not in without_random(str(written.values_list("details")))
    page = behind_both(make_admin()).get("/admin/people/?state=blocked")
    assert user.upn in page.text


def test_a_phone_that_was_replaced_meanwhile_gets_nothing_by_the_number_of_the_old_one(
    user, browser, mailroom
):
    choose(browser)
    type_number(browser, "010-1234-5678")
    mailroom.work()
    user.methods.all().delete()
    make_phone(user, "010-2222-3333")

    page = with_patience(browser)

    assert not mailroom.work()
    assert page.url == f"{NUMBER}mobile_text"
