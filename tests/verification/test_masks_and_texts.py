import re
from dataclasses import asdict

import pytest
import structlog
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels.base import TryLater
from tenants.models import Tenant
from tenants.policy import Method
from tests.builders import make_user
from tests.pages import numbers_in
from tests.services.codes import code_in
from tests.verification.test_codes import ADDRESS, PHONE, ask, ask_for_text
from verification.models import Challenge
from verification.rules.masking import mask, mask_email, mask_phone
from verification.rules.texts import fits
from verification.rules.verdicts import Verdict
from verification.services import challenges, sending

numbers = st.from_regex(r"\+[1-9][0-9]{6,14}(#[0-9]{1,8})?", fullmatch=True)
_label = st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True)
addresses = st.builds(
    lambda local, labels: f"{local}@{'.'.join(labels)}.example",
    st.from_regex(r"[a-z0-9.+_-]{1,64}", fullmatch=True),
    st.lists(_label, min_size=1, max_size=3),
)


@given(numbers)
def test_a_masked_number_has_one_shape_and_two_digits(number):
    masked = mask_phone(number)

    assert re.fullmatch(r"••• ••• ••[0-9]{2}", masked)
    assert masked[-2:] == number.partition("#")[0][-2:]


@given(addresses)
def test_a_masked_address_has_one_shape_and_three_letters(address):
    masked = mask_email(address)

    assert re.fullmatch(r"(.•••.|•••)@.•••\.example", masked)
    assert len(masked.replace("•", "").removesuffix(".example")) <= 3 + len("@")


@given(numbers | addresses)
def test_mask_tells_the_kinds_apart(value):
    assert ("@" in mask(value)) == ("@" in value)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "brand", ["Contoso", "한빛전자산업", "Twenty characters ab", "가나다라마바사아자차"]
)
@pytest.mark.parametrize("host", ["localhost", "reset.hanbit.example"])
def test_a_text_with_a_code_is_one_message(contoso, settings, language, brand, host):
    settings.BASE_URL = f"https://{host}"
    Tenant.objects.filter(pk=contoso.pk).update(short_name=brand)
    with translation.override(language):
        text = sending._text("12345678").text

    assert fits(text)
    assert text.splitlines()[-1] == f"@{host} #12345678"
    assert code_in(text) == "12345678"
    assert brand in text or len(brand) + len(host) > 20


@pytest.mark.parametrize(
    ("text", "one_message"),
    [
        ("a" * 160, True),
        ("a" * 161, False),
        ("가" * 40, True),
        ("가" * 41, False),
        ("가" + "a" * 62, True),
        ("가" + "a" * 63, False),
        ("뷁", True),
        ("뷁" * 11, False),
        ("똠방각하" * 10, False),
        ("👍" * 31 + "a", True),
        ("👍" * 32, False),
    ],
)
def test_what_fits_in_korea(text, one_message):
    assert fits(text) is one_message


def test_a_mail_says_nothing_secret_outside_its_body(contoso, mailroom):
    ask(make_user(), "7" * 32)
    code = mailroom.code()
    mail = mailroom.sent[0]

    assert code not in mail.subject
    assert code_in(mail.text) == code
    assert code in mail.html
    assert mail.sender_name == contoso.name


def test_a_mail_shows_what_people_are_called_as_text(contoso, mailroom):
    ask(make_user(display_name="<img src=x onerror=alert(1)>"), "7" * 32)
    mailroom.work()

    assert "<img src=x" not in mailroom.sent[0].html


def test_nothing_but_ids_is_handed_to_the_worker(contoso, mailroom):
    mailed = ask(make_user(), "7" * 32)
    called = ask_for_text(make_user("yuna@contoso.example"), method=Method.MOBILE_CALL)

    assert mailroom.published == [
        ("verification.send_code", contoso.pk, mailed.outgoing_id),
        ("verification.place_call", contoso.pk, called.outgoing_id),
    ]


@pytest.mark.parametrize("method", [Method.EMAIL, Method.MOBILE_TEXT])
def test_no_code_address_or_number_is_logged(contoso, mailroom, caplog, method):
    caplog.set_level("DEBUG")
    user = make_user()
    with structlog.testing.capture_logs() as events:
        if method is Method.EMAIL:
            ask(user, "7" * 32)
        else:
            ask_for_text(user)
        code = mailroom.code()
        challenges.redeem_code("reset", Challenge.objects.get().context, code)
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name != "django.db.backends")

    assert code not in numbers_in(f"{ours}\n{events}")
    for secret in (ADDRESS, PHONE, user.upn, PHONE[1:]):
        assert secret not in ours
        assert secret not in str(events)


def test_a_message_put_off_is_logged_without_where_it_goes(contoso, mailroom, monkeypatch, caplog):
    def refuse(_message):
        raise TryLater("twilio 500")

    monkeypatch.setattr(mailroom, "send", refuse)
    with structlog.testing.capture_logs() as events:
        ask_for_text(make_user())
        mailroom.work()

    assert [event["event"] for event in events] == ["message_put_off"]
    assert PHONE not in str(events)


def test_what_the_worker_knows_is_not_shown_by_repr(contoso, mailroom):
    challenge = ask_for_text(make_user())

    assert PHONE not in repr(challenge)
    assert asdict(challenges.ChallengeResult(Verdict.WRONG))["challenge"] is None
