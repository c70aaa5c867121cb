"""Calls that the policy wants confirmed by the # key, or by a code that is heard."""

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tenants.policy import CallConfirmation, Factor, Policy, Scope, SecondFactor
from tenants.services import change_policy
from tests.builders import PASSWORD, make_phone, make_user
from tests.captcha import solved
from tests.pages import stands_in
from tests.verification.provider import Hooks, place
from verification.models import Challenge, Purpose
from verification.queries import methods_by_factor, number_shown
from verification.rules.verdicts import CallState, Verdict
from verification.services import calls, challenges
from verification.services.calls import Pressed

POUND, SPOKEN = CallConfirmation.POUND, CallConfirmation.SPOKEN_CODE


def confirm_by(how):
    change_policy(Policy(call_confirmation=how, self_service=Scope.ALL))


def heard(answer):
    """The code that a voice reads out."""
    [code] = set(re.findall(r"\d(?:, \d){5,}", answer.content.decode()))
    return code.replace(", ", "")


@pytest.fixture
def pound(call):
    confirm_by(POUND)
    return call


@pytest.fixture
def spoken(call):
    confirm_by(SPOKEN)
    return call


@pytest.fixture
def caller(contoso, mailroom):
    """A browser in which a user asked for a call."""

    def ask(how):
        confirm_by(how)
        yuna = make_user("yuna@contoso.example")
        make_phone(yuna)
        browser = Client()
        browser.post("/passwordreset", solved({"username": yuna.upn}))
        page = browser.post("/passwordreset/verify", {"method": "mobile_call"}, follow=True)
        mailroom.work()
        return browser, page, Challenge.objects.get(user_id=yuna.pk)

    return ask


def test_one_key_is_asked_for_and_handed_on_even_if_it_is_the_pound_key(pound, hooks):
    gather = ET.fromstring(hooks.post(hooks.voice).content).find("Gather")

    assert gather.get("numDigits") == "1"
    assert gather.get("finishOnKey") == ""
    assert "press the pound key" in "".join(gather.itertext())


def test_the_pound_key_confirms_for_the_browser_that_asked(pound, hooks):
    assert b"Thank you" in hooks.post(hooks.digits, Digits="#").content
    assert challenges.redeem_call(Purpose.RESET, pound.context) == pound


@pytest.mark.parametrize("keys", ["", "1", "0", "*", "##", "#9"])
def test_other_keys_confirm_nothing(pound, hooks, keys):
    assert b"<Gather" in hooks.post(hooks.digits, Digits=keys).content
    assert challenges.redeem_call(Purpose.RESET, pound.context) is None


def test_the_number_of_another_setting_confirms_nothing(pound):
    assert calls.press(pound.pk, number_shown(pound)) is Pressed.WRONG


def test_the_pound_key_is_no_answer_where_a_number_is_wanted(call):
    assert calls.press(call.pk, "#") is Pressed.WRONG


def test_three_other_keys_end_the_call(pound):
    assert [calls.press(pound.pk, "5") for _ in range(3)][-1] is Pressed.OVER
    pound.refresh_from_db()
    assert calls.call_state(pound) is CallState.WRONG


@pytest.mark.parametrize("how", [POUND, SPOKEN])
def test_nine_says_that_it_is_somebody_else(call, hooks, how):
    confirm_by(how)

    assert b"We stopped this request" in hooks.post(hooks.digits, Digits="9").content
    call.refresh_from_db()
    assert calls.call_state(call) is CallState.DENIED


def test_a_page_without_a_number_waits_for_the_pound_key(caller):
    browser, page, challenge = caller(POUND)
    early = browser.post("/passwordreset/call", follow=True)
    calls.press(challenge.pk, "#")
    after = browser.post("/passwordreset/call", follow=True)

    assert "Answer the call and press #" in page.text
    assert not stands_in(number_shown(challenge), page.text)
    assert "The call is not confirmed yet" in early.text
    assert after.request["PATH_INFO"] == "/passwordreset/new-password"


def test_a_mailbox_that_records_the_call_hears_no_code(spoken, hooks):
    answer = hooks.post(hooks.voice).content.decode()
    spoken.refresh_from_db()

    assert "press 1" in answer
    assert not re.search(r"\d, \d", answer)
    assert not spoken.code_mac


def test_the_code_that_is_heard_opens_the_gate_of_its_browser(caller, hooks):
    browser, page, challenge = caller(SPOKEN)
    code = heard(Hooks(challenge).post(f"/hooks/twilio/voice/{challenge.pk}/digits", Digits="1"))
    wrong = browser.post("/passwordreset/code", {"code": f"{(int(code) + 1) % 10**8:08d}"})
    right = browser.post("/passwordreset/code", {"code": code}, follow=True)

    assert "Enter the code from the call" in page.text
    assert "get a new code" not in page.text
    assert page.request["PATH_INFO"] == "/passwordreset/code"
    assert wrong.status_code == 200
    assert right.request["PATH_INFO"] == "/passwordreset/new-password"


def test_a_code_to_be_heard_is_no_call_to_be_confirmed(spoken):
    assert calls.press(spoken.pk, number_shown(spoken)) is Pressed.WRONG
    assert calls.press(spoken.pk, "#") is Pressed.WRONG
    assert challenges.redeem_call(Purpose.RESET, spoken.context) is None


def test_who_hears_it_again_has_one_code_only(spoken, hooks):
    first, second = (heard(hooks.post(hooks.digits, Digits="1")) for _ in range(2))

    assert challenges.redeem_code(Purpose.RESET, spoken.context, first).verdict is Verdict.WRONG
    assert challenges.redeem_code(Purpose.RESET, spoken.context, second).verdict is Verdict.RIGHT


def test_a_new_call_ends_the_code_of_the_last(contoso, mailroom, spoken, hooks):
    code = heard(hooks.post(hooks.digits, Digits="1"))
    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        place(make_user("yuna@contoso.example"), context=spoken.context)

        verdict = challenges.redeem_code(Purpose.RESET, spoken.context, code).verdict

    assert verdict is not Verdict.RIGHT


@pytest.mark.parametrize("end", ["closed_at", "spent_at", "denied_at"])
def test_a_call_that_is_over_speaks_no_code(spoken, hooks, end):
    Challenge.objects.update(**{end: timezone.now()})

    answer = hooks.post(hooks.digits, Digits="1")

    assert b"This call is over" in answer.content
    assert not re.search(rb"\d, \d", answer.content)


@pytest.mark.parametrize("how", [POUND, SPOKEN])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_call_speaks_the_language_of_who_asked(contoso, mailroom, hooks, how, language):
    confirm_by(how)
    call = place(make_user("yuna@contoso.example"), language=language)
    spoken = "".join(ET.fromstring(hooks.post(f"/hooks/twilio/voice/{call.pk}").content).itertext())

    assert contoso.name in spoken
    assert bool(re.search("[가-힣]", spoken)) == (language == "ko")


def test_what_is_heard_ends_when_a_call_to_nobody_ends(spoken, hooks):
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        hooks.post(hooks.digits, Digits="1")

    assert Challenge.objects.get().expires_at == spoken.expires_at


def test_a_code_that_was_heard_registers_a_phone(contoso, mailroom, hooks, client):
    confirm_by(SPOKEN)
    user = make_user("yuna@contoso.example")
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    phone = {"phone_country": "KR", "phone": "010-2345-6789", "method": "mobile_call"}
    page = client.post("/ssprsetup/phone", phone, follow=True)
    challenge = Challenge.objects.get(user_id=user.pk)
    code = heard(hooks.post(f"/hooks/twilio/voice/{challenge.pk}/digits", Digits="1"))
    client.post("/ssprsetup/verify", {"code": code})

    assert "Enter the code from the call" in page.text
    assert Factor.MOBILE_PHONE in methods_by_factor(user.pk)


def test_a_browser_is_remembered_by_the_box_beside_the_code_that_was_heard(
    contoso, mailroom, hooks, client
):
    change_policy(
        Policy(
            call_confirmation=SPOKEN,
            sign_in_second_factor=SecondFactor.REGISTERED,
            remember_browser_days=30,
        )
    )
    user = make_user("yuna@contoso.example")
    make_phone(user)
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    page = client.post("/signin/second-factor", {"method": "mobile_call"}, follow=True)
    challenge = Challenge.objects.get(user_id=user.pk)
    code = heard(hooks.post(f"/hooks/twilio/voice/{challenge.pk}/digits", Digits="1"))
    client.post("/signin/second-factor/verify", {"code": code, "remember": "on"})

    assert 'name="remember"' in page.text
    assert client.cookies[settings.BROWSER_COOKIE_NAME].value


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Calls to this phone aren’t available now"), ("ko", "지금은 이 번호로 전화를")],
)
def test_after_a_denial_the_page_offers_the_other_methods(caller, language, words):
    _browser, _page, challenge = caller(CallConfirmation.NUMBER_SHOWN)
    calls.press(challenge.pk, "9")
    other = Client(headers={"accept-language": language})
    other.post("/passwordreset", solved({"username": "yuna@contoso.example"}))

    page = other.post("/passwordreset/verify", {"method": "mobile_call"}, follow=True)

    assert words in page.text
    assert 'value="mobile_text"' in page.text
    assert Challenge.objects.count() == 1


def test_a_denied_phone_is_not_called_to_register_it_either(contoso, mailroom, client):
    yuna = make_user("yuna@contoso.example")
    calls.press(place(make_user(), destination="+821023456789").pk, "9")
    client.post("/signin", {"username": yuna.upn, "password": PASSWORD})
    mailroom.work()

    phone = {"phone_country": "KR", "phone": "010-2345-6789", "method": "mobile_call"}
    page = client.post("/ssprsetup/phone", phone, follow=True)

    assert "Calls to this phone aren’t available now" in page.text
    assert mailroom.work() == []
