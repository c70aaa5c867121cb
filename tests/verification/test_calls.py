import re
import uuid
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.activities import Activity
from audit.models import Event
from delivery.models import Outgoing
from directory.models import User
from isolation.scope import in_tenant
from tenants.policy import Method
from tenants.roles import Role
from tests.builders import make_email, make_phone, make_second_phone, make_tenant, make_user
from tests.pages import stands_in
from tests.threads import all_at_once
from tests.verification.provider import PHONE, SID, place
from verification.models import Challenge, Purpose
from verification.queries import number_shown, value_of, was_denied
from verification.rules.verdicts import CallState
from verification.services import calls, challenges
from verification.services.calls import Pressed
from verification.services.challenges import Refused


def wrong_for(call):
    return f"{(int(number_shown(call)) + 1) % 9000:04d}"


def test_the_right_number_confirms_for_the_browser_that_shows_it_only(call):
    assert challenges.redeem_call(Purpose.RESET, call.context) is None
    assert calls.press(call.pk, number_shown(call)) is Pressed.RIGHT

    assert challenges.redeem_call(Purpose.RESET, uuid.uuid4()) is None
    assert challenges.redeem_call(Purpose.REGISTER, call.context) is None
    assert challenges.redeem_call(Purpose.RESET, call.context) == call
    assert challenges.redeem_call(Purpose.RESET, call.context) is None


@pytest.mark.django_db(transaction=True)
def test_two_browsers_at_once_spend_one_call(mailroom):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        call = place(make_user())
        calls.press(call.pk, number_shown(call))

    spent = all_at_once(
        2, lambda: challenges.redeem_call(Purpose.RESET, call.context), tenant_id=tenant.pk
    )

    assert sorted(one is not None for one in spent) == [False, True]


def test_three_wrong_numbers_end_the_call(call):
    typed = [calls.press(call.pk, wrong_for(call)) for _ in range(3)]

    assert typed == [Pressed.WRONG, Pressed.WRONG, Pressed.OVER]
    assert calls.press(call.pk, number_shown(call)) is Pressed.OVER
    assert challenges.redeem_call(Purpose.RESET, call.context) is None
    call.refresh_from_db()
    assert calls.call_state(call) is CallState.WRONG


def test_this_is_not_me_ends_it_and_is_written_down(call):
    assert calls.press(call.pk, "9") is Pressed.NOT_ME
    assert calls.press(call.pk, number_shown(call)) is Pressed.OVER

    assert challenges.redeem_call(Purpose.RESET, call.context) is None
    assert Event.objects.filter(activity=Activity.CALL_DENIED, subject_id=call.user_id).exists()
    call.refresh_from_db()
    assert calls.call_state(call) is CallState.DENIED


@pytest.mark.parametrize("digits", ["", "0", "99", "9#", "****", "1" * 500, "١٢٣٤", "한"])
def test_odd_digits_are_just_wrong(call, digits):
    assert calls.press(call.pk, digits) is Pressed.WRONG


def test_a_late_or_replaced_call_confirms_nothing(contoso, mailroom):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        user, context = make_user(), uuid.uuid4()
        replaced = place(user, context=context)
        clock.shift(timedelta(seconds=30))
        late = place(user, context=context)
        assert calls.press(replaced.pk, number_shown(replaced)) is Pressed.OVER
        clock.shift(timedelta(minutes=5))
        assert calls.press(late.pk, number_shown(late)) is Pressed.OVER


def test_a_confirmed_call_must_be_spent_in_time(contoso, mailroom):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        call = place(make_user())
        calls.press(call.pk, number_shown(call))
        clock.shift(timedelta(minutes=5))

        assert challenges.redeem_call(Purpose.RESET, call.context) is None


def test_a_call_that_nobody_waits_for_is_not_placed(contoso, mailroom):
    place(make_user())
    Challenge.objects.update(closed_at=timezone.now())

    assert mailroom.work() == []


@given(st.uuids())
def test_the_number_shown_has_four_digits_and_never_starts_with_nine(challenge_id):
    assert re.fullmatch(r"[0-8][0-9]{3}", number_shown(Challenge(pk=challenge_id, tenant_id=1)))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("", CallState.QUEUED),
        ("initiated", CallState.QUEUED),
        ("ringing", CallState.RINGING),
        ("in-progress", CallState.ANSWERED),
        ("completed", CallState.HANGUP),
        ("no-answer", CallState.NO_ANSWER),
        ("busy", CallState.BUSY),
        ("failed", CallState.FAILED),
        ("canceled", CallState.FAILED),
    ],
)
def test_the_page_shows_what_the_provider_says(call, status, state):
    Outgoing.objects.update(provider_status=status)

    assert calls.call_state(call) is state


def test_the_providers_word_confirms_nothing(call):
    Outgoing.objects.update(provider_status="completed")

    assert challenges.redeem_call(Purpose.RESET, call.context) is None


PATHS = ["voice", "digits", "status"]


@pytest.mark.parametrize("path", PATHS)
class TestEveryHook:
    def test_without_a_signature_is_forbidden(self, hooks, path):
        answer = hooks.client.post(getattr(hooks, path), {"AccountSid": SID, "Digits": "9"})

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "forged",
        [
            pytest.param({"token": "of-somebody-else"}, id="another token"),
            pytest.param({"host": "http://evil.example"}, id="another host"),
            pytest.param({"signed": {"AccountSid": SID, "Digits": "1"}}, id="other fields"),
            pytest.param({"AccountSid": "AC" + "2" * 32}, id="another account"),
        ],
    )
    def test_with_a_forged_signature_is_forbidden(self, hooks, call, path, forged):
        answer = hooks.post(getattr(hooks, path), Digits="9", CallStatus="busy", **forged)

        call.refresh_from_db()
        assert answer.status_code == 403
        assert call.denied_at is None
        assert Outgoing.objects.get().provider_status == ""

    def test_without_a_token_in_the_settings_is_forbidden(self, hooks, settings, path):
        settings.TWILIO_AUTH_TOKEN = ""

        assert hooks.post(getattr(hooks, path), token="").status_code == 403

    @pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
    def test_is_for_posting_only(self, hooks, path, method):
        assert getattr(hooks.client, method)(getattr(hooks, path)).status_code == 405


@pytest.mark.parametrize("path", ["/hooks/twilio/voice/{}", "/hooks/twilio/voice/{}/digits"])
def test_a_call_that_we_never_placed_is_not_found(hooks, path):
    assert hooks.post(path.format(uuid.uuid4()), Digits="1234").status_code == 404


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_call_says_who_calls_and_asks_for_the_number(
    contoso, mailroom, settings, hooks, language
):
    call = place(make_user("yuna@contoso.example"), language=language)
    answer = hooks.post(f"/hooks/twilio/voice/{call.pk}")
    twiml = ET.fromstring(answer.content)
    gathers, says = twiml.findall("Gather"), list(twiml.iter("Say"))

    assert answer.headers["Content-Type"] == "text/xml"
    assert len(gathers) == 2
    assert gathers[0].get("action") == f"/hooks/twilio/voice/{call.pk}/digits"
    assert gathers[0].get("finishOnKey") == "#"
    assert gathers[0].get("method") == "POST"
    assert twiml[-1].tag == "Hangup"
    assert contoso.name in says[0].text
    assert {say.get("language") for say in says} == {{"en": "en-US", "ko": "ko-KR"}[language]}
    assert not stands_in(number_shown(call), answer.text)
    assert ", ".join(number_shown(call)) not in answer.text
    assert is_korean(says[0].text) == (language == "ko")


def test_typing_on_the_phone_leads_through(hooks, call):
    wrong = hooks.post(hooks.digits, Digits=wrong_for(call))
    right = hooks.post(hooks.digits, Digits=number_shown(call))
    again = hooks.post(hooks.digits, Digits=number_shown(call))

    assert b"<Gather" in wrong.content
    assert b"Thank you. Go back to your screen." in right.content
    assert b"<Gather" not in right.content
    assert b"did not match" in again.content
    assert challenges.redeem_call(Purpose.RESET, call.context) == call


def test_saying_this_is_not_me_on_the_phone(hooks, call):
    answer = hooks.post(hooks.digits, Digits="9")

    assert b"We stopped this request" in answer.content
    call.refresh_from_db()
    assert call.denied_at is not None


def test_a_call_that_is_over_asks_for_nothing(hooks, call):
    calls.press(call.pk, number_shown(call))

    assert b"<Gather" not in hooks.post(hooks.voice).content


def test_status_is_noted(hooks, call):
    answer = hooks.post(hooks.status, CallStatus="ringing")

    assert answer.status_code == 204
    assert calls.call_state(call) is CallState.RINGING


def test_status_of_an_unknown_message_changes_nothing(hooks, call):
    answer = hooks.post(f"/hooks/twilio/status/{uuid.uuid4()}", CallStatus="ringing")

    assert answer.status_code == 204
    assert calls.call_state(call) is CallState.QUEUED


def is_korean(text):
    return re.search(r"[가-힣]", text) is not None


def test_the_helpdesk_hears_of_a_call_that_was_denied(call, mailroom):
    desk = make_user("desk@contoso.example", role=Role.HELPDESK)
    mailroom.work()
    before = len(mailroom.sent)

    calls.press(call.pk, "9")

    mailroom.work()
    [mail] = [one for one in mailroom.sent[before:] if one.destination == desk.upn]
    assert "didn’t request it" in mail.text


def mails_after_denial(call, mailroom):
    calls.press(call.pk, "9")
    return mailroom.work()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_user_reads_elsewhere_that_a_call_was_denied(contoso, mailroom, language):
    user = make_user("minji@contoso.example", language=language)
    make_phone(user, PHONE)
    make_email(user, "minji.home@mail.example")
    call = place(user)
    mailroom.work()

    told = mails_after_denial(call, mailroom)

    assert {one.destination for one in told} == {user.upn, "minji.home@mail.example"}
    for mail in told:
        [link] = set(re.findall(r"/wasnt-me/[\w-]+", mail.text))
        assert is_korean(mail.subject) == (language == "ko")
        assert is_korean(mail.text) == (language == "ko")
    assert Client().get(link).status_code == 200


def test_another_phone_gets_a_text_and_the_phone_that_was_called_gets_none(contoso, mailroom):
    user = make_user("minji@contoso.example", language="en")
    make_phone(user, PHONE)
    other = make_second_phone(user)
    call = place(user)
    mailroom.work()

    told = mails_after_denial(call, mailroom)

    assert {one.destination for one in told} == {user.upn, value_of(other)}
    [text] = [one.text for one in told if one.destination.startswith("+")]
    assert "call" in text
    assert "changed" not in text


def test_a_call_for_an_unknown_user_that_is_denied_tells_no_one(contoso, mailroom):
    make_user("desk@contoso.example", role=Role.HELPDESK)
    call = place(User(pk=-7), destination="")
    mailroom.work()

    assert mails_after_denial(call, mailroom) == []


def denied(mailroom, user, **more):
    call = place(user, **more)
    mailroom.work()
    calls.press(call.pk, "9")
    mailroom.work()


@pytest.mark.parametrize("purpose", list(Purpose))
def test_no_call_goes_to_a_phone_for_an_hour_after_a_denial(contoso, mailroom, purpose):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        denied(mailroom, make_user())
        yuna = make_user("yuna@contoso.example")
        clock.shift(timedelta(minutes=59))

        with pytest.raises(Refused):
            place(yuna, purpose=purpose)
        assert mailroom.work() == []

        clock.shift(timedelta(minutes=1))
        place(yuna, purpose=purpose)
        assert [one.destination for one in mailroom.work()] == [PHONE]


def test_a_denial_in_one_organisation_pauses_calls_from_another(contoso, mailroom):
    denied(mailroom, make_user())

    with in_tenant(make_tenant("hanbit").pk), pytest.raises(Refused):
        place(make_user("jiho@hanbit.example"), destination=f"{PHONE}#12")


def test_texts_and_other_phones_go_on_after_a_denial(contoso, mailroom):
    user = make_user()
    denied(mailroom, user)

    place(user, method=Method.MOBILE_TEXT)
    place(user, destination="+821087654321")

    assert [one.destination for one in mailroom.work()] == [PHONE, "+821087654321"]


def test_a_call_that_waits_in_the_outbox_is_not_placed_after_a_denial(contoso, mailroom):
    first = place(make_user())
    mailroom.work()
    place(make_user("yuna@contoso.example"))

    calls.press(first.pk, "9")

    assert PHONE not in {one.destination for one in mailroom.work()}


def test_the_helpdesk_lifts_the_pause_of_calls(contoso, mailroom):
    user = make_user()
    denied(mailroom, user)

    challenges.forget_sendings(user.pk, [PHONE])

    place(user)
    assert [one.destination for one in mailroom.work()] == [PHONE]


def test_nine_on_a_call_that_is_over_pauses_nothing(call, mailroom):
    calls.press(call.pk, number_shown(call))

    assert calls.press(call.pk, "9") is Pressed.OVER
    place(make_user("yuna@contoso.example"))
    assert [one.destination for one in mailroom.work()] == [PHONE]


def test_nine_on_a_call_that_a_newer_one_replaced_pauses_calls_too(contoso, mailroom):
    user = make_user()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        older = place(user)
        mailroom.work()
        clock.shift(timedelta(seconds=31))
        newer = place(user, context=older.context)
        older.refresh_from_db()
        assert older.closed_at is not None

        assert calls.press(older.pk, "9") is Pressed.NOT_ME

        assert PHONE not in {one.destination for one in mailroom.work()}
        with pytest.raises(Refused) as refused:
            place(make_user("yuna@contoso.example"))
    assert refused.value.calls_paused
    assert was_denied(newer.context)
    assert Event.objects.filter(activity=Activity.CALL_DENIED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_keys_pressed_twice_at_once_deny_a_call_once(mailroom):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        user = make_user("minji@contoso.example", language="en")
        call = place(user)
        mailroom.work()

    pressed = all_at_once(2, lambda: calls.press(call.pk, "9"), tenant_id=tenant.pk)

    assert sorted(pressed) == [Pressed.NOT_ME, Pressed.OVER]
    with in_tenant(tenant.pk):
        assert [one.destination for one in mailroom.work()] == [user.upn]
        with pytest.raises(Refused):
            place(user)
