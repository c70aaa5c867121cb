"""What every channel promises, asked of every channel."""

import asyncio
import re
import socket
import threading
from contextlib import closing
from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP

import pytest
from django.conf import settings as service
from django.core import mail as django_mail

from delivery.channels import demo, email, twilio, twilio_text, twilio_voice
from delivery.channels.base import Message, OutcomeUnknown, TryLater, Undeliverable
from delivery.models import DemoMessage, Kind
from tests.services.smtp import plain_text, smtp
from tests.services.twilio import twilio as running_twilio

MAILBOX, PHONE = "minji.home@mail.example", "+821012345678"
# Only where a provider is silent for good is there little patience: the machine may be busy.
PATIENCE_S, LITTLE_S = 60, 1


@pytest.fixture(scope="module")
def mailbox():
    with smtp() as running:
        yield running


@pytest.fixture(scope="module")
def double():
    with running_twilio() as running:
        yield running


@pytest.fixture
def silent():
    """A port that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def refused_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


class ByMail:
    channel = email
    message = Message(
        destination=MAILBOX,
        key="1",
        subject="Notice",
        text="Hello 12345678",
        html="<p>Hello</p>",
        sender_name="한빛",
        language="ko",
    )
    # It never got as far as the mail.
    in_silence = TryLater
    answers = ("550 5.1.1 No such user", "451 4.7.1 Greylisted", "421 4.3.2 Shutting down")

    def __init__(self, settings, mailbox):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = int(mailbox.url.rpartition(":")[2])
        settings.EMAIL_TIMEOUT = PATIENCE_S
        self.settings, self.mailbox = settings, mailbox
        mailbox.accept(MAILBOX)

    def lose_patience(self):
        self.settings.EMAIL_TIMEOUT = LITTLE_S

    def refuse(self):
        self.mailbox.refuse(MAILBOX)

    def put_off(self):
        self.mailbox.put_off(MAILBOX)

    def point_at(self, port):
        self.settings.EMAIL_PORT = port

    def taken(self):
        return len(self.mailbox.all_to(MAILBOX))


class ByTwilio:
    # The whole request is there once the connection is.
    in_silence = OutcomeUnknown

    def __init__(self, settings, double, monkeypatch):
        for name, value in double.env.items():
            setattr(settings, name, value)
        monkeypatch.setattr(twilio, "_TIMEOUT_S", PATIENCE_S)
        self.settings, self.double, self.monkeypatch = settings, double, monkeypatch

    def lose_patience(self):
        self.monkeypatch.setattr(twilio, "_TIMEOUT_S", LITTLE_S)

    def refuse(self):
        self.double.fail_next(400, 21211)

    def put_off(self):
        self.double.fail_next(429, 20429)

    def point_at(self, port):
        self.settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{port}"


class ByText(ByTwilio):
    channel = twilio_text
    message = Message(
        destination=PHONE,
        key="1",
        text="12345678 is your code",
        status_url="http://localhost/hooks/twilio/status/1",
    )

    def taken(self):
        return len(self.double.texts_to(PHONE))


class ByCall(ByTwilio):
    channel = twilio_voice
    message = Message(
        destination=PHONE,
        key="1",
        extension="12",
        voice_url="http://localhost/hooks/twilio/voice/1",
        status_url="http://localhost/hooks/twilio/status/1",
    )

    def taken(self):
        return len([call for call in self.double.calls if call.to == PHONE])


class ByDemo:
    channel = demo
    message = Message(destination=PHONE, key="1", text="12345678 is your code")

    def taken(self):
        return DemoMessage.objects.filter(destination=PHONE).count()


PROVIDERS = ["email", "twilio text", "twilio voice"]


@pytest.fixture
def way(request, settings, mailbox, double, monkeypatch):
    if request.param == "demo":
        return ByDemo()
    if request.param == "email":
        return ByMail(settings, mailbox)
    made = ByText if request.param == "twilio text" else ByCall
    return made(settings, double, monkeypatch)


@pytest.mark.parametrize("way", [*PROVIDERS, "demo"], indirect=True)
class TestEveryChannel:
    def test_an_accepted_message_arrives_once(self, way, contoso):
        before = way.taken()
        way.channel.send(way.message)

        assert way.taken() == before + 1


@pytest.mark.parametrize("way", PROVIDERS, indirect=True)
class TestEveryChannelToAProvider:
    def test_refused_for_good_is_undeliverable(self, way):
        way.refuse()
        before = way.taken()

        with pytest.raises(Undeliverable) as refusal:
            way.channel.send(way.message)

        assert way.taken() == before
        assert says_nothing_personal(refusal)

    def test_put_off_may_be_tried_later(self, way):
        way.put_off()

        with pytest.raises(TryLater) as delay:
            way.channel.send(way.message)

        assert says_nothing_personal(delay)

    def test_a_provider_that_is_down_may_be_tried_later(self, way):
        way.point_at(refused_port())

        with pytest.raises(TryLater):
            way.channel.send(way.message)

    def test_after_a_timeout_a_message_is_tried_later_only_if_it_wasnt_sent(self, way, silent):
        way.point_at(silent)
        way.lose_patience()

        with pytest.raises(way.in_silence):
            way.channel.send(way.message)

    def test_after_an_ending_connection_it_is_the_same(self, way):
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            way.point_at(server.getsockname()[1])
            thread = threading.Thread(target=hang_up, args=(server,))
            thread.start()
            with pytest.raises(way.in_silence):
                way.channel.send(way.message)
            thread.join()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, 21211, Undeliverable),
        (400, 21614, Undeliverable),
        (400, 21610, Undeliverable),
        (400, 21408, Undeliverable),
        (401, 20003, TryLater),
        (429, 20429, TryLater),
        (500, 20500, OutcomeUnknown),
        (504, 20504, OutcomeUnknown),
        (503, 20503, TryLater),
    ],
)
def test_twilios_errors_are_translated(settings, double, monkeypatch, status, code, error):
    way = ByText(settings, double, monkeypatch)
    double.fail_next(status, code)

    with pytest.raises(error):
        way.channel.send(way.message)


def test_a_slow_provider_is_left_before_the_lease_ends(settings, double, monkeypatch):
    way = ByText(settings, double, monkeypatch)
    double.delay_next(5)
    way.lose_patience()

    with pytest.raises(OutcomeUnknown):
        way.channel.send(way.message)


def test_a_mail_server_that_is_silent_about_a_whole_mail_may_have_taken_it(
    settings, mailbox, monkeypatch
):
    way, was_left = ByMail(settings, mailbox), threading.Event()

    async def silent(*_args):
        while not was_left.is_set():  # noqa: ASYNC110  # another thread sets it
            await asyncio.sleep(0.05)
        return "451 4.3.0 Too late"

    monkeypatch.setattr(type(mailbox), "handle_DATA", silent)
    way.lose_patience()
    try:
        with pytest.raises(OutcomeUnknown):
            way.channel.send(way.message)
    finally:
        was_left.set()


@pytest.mark.parametrize(
    "broken", [{"sender_name": "Contoso\nLtd"}, {"subject": "Notice\r\nBcc: thief@evil.example"}]
)
def test_a_mail_that_cannot_be_built_is_undeliverable(settings, mailbox, broken):
    way = ByMail(settings, mailbox)
    before = way.taken()

    with pytest.raises(Undeliverable, match="cannot be built: BadHeaderError"):
        way.channel.send(replace(way.message, **broken))

    assert way.taken() == before


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 5.1.1 No such user", Undeliverable),
        ("552 5.2.2 Mailbox full", Undeliverable),
        ("450 4.2.1 Busy", TryLater),
        ("421 4.3.2 Shutting down", TryLater),
    ],
)
def test_errors_of_mail_servers_are_translated(settings, mailbox, answer, error):
    way = ByMail(settings, mailbox)
    mailbox.refuse(MAILBOX, answer=answer)

    with pytest.raises(error):
        way.channel.send(way.message)


@pytest.mark.parametrize(
    ("answer", "error"), [("554 5.7.1 Spam", Undeliverable), ("451 4.3.0 Later", TryLater)]
)
def test_a_mail_may_be_refused_once_it_was_read(settings, mailbox, monkeypatch, answer, error):
    way = ByMail(settings, mailbox)

    async def read(*_args):
        return answer

    monkeypatch.setattr(type(mailbox), "handle_DATA", read)
    with pytest.raises(error):
        way.channel.send(way.message)


def test_mail_says_that_it_is_automatic_and_for_whom_it_is_sent(settings, mailbox):
    way = ByMail(settings, mailbox)
    before = way.taken()
    way.channel.send(way.message)
    mail = mailbox.all_to(MAILBOX)[before]

    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "ko"
    assert mail["From"] == f"한빛 <{service.DEFAULT_FROM_EMAIL}>"
    assert plain_text(mail).strip() == "Hello 12345678"
    assert mail.get_body(("html",)) is not None


@pytest.mark.parametrize(
    "subject",
    [
        "한빛 계정의 비밀번호가 재설정되었습니다",
        "가" * 60,
        "x" * 90,
        ("Über " * 30).strip(),
        "Your password",
    ],
)
def test_a_subject_begins_on_the_line_of_its_name_and_arrives_whole(settings, subject):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    email.send(replace(ByMail.message, subject=subject))
    sent = django_mail.outbox[-1].message().as_bytes()

    assert re.search(rb"^Subject: \S", sent, re.MULTILINE)
    assert message_from_bytes(sent, policy=SMTP)["Subject"] == subject
    assert max(map(len, sent.partition(b"\n\n")[0].split(b"\n"))) <= 78


def test_a_subject_with_a_line_break_is_refused(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with pytest.raises(Undeliverable):
        email.send(replace(ByMail.message, subject="비밀번호\nBcc: b@evil.example"))


def test_a_text_carries_where_to_report(settings, double, monkeypatch):
    way = ByText(settings, double, monkeypatch)
    receipt = way.channel.send(way.message)
    text = double.texts_to(PHONE)[-1]

    assert receipt.provider_id == text.sid
    assert text.status_callback == way.message.status_url


def test_a_call_waits_before_it_dials_the_extension(settings, double, monkeypatch):
    way = ByCall(settings, double, monkeypatch)
    receipt = way.channel.send(way.message)

    assert receipt.provider_id == double.calls[-1].sid
    assert double.calls[-1].send_digits == "wwww12"


def test_the_demo_shows_calls_apart_from_texts(contoso):
    demo.send(ByCall.message)
    demo.send(ByDemo.message)

    kinds = list(DemoMessage.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == [Kind.CALL, Kind.TEXT]


def hang_up(server):
    server.accept()[0].close()


def says_nothing_personal(error):
    words = f"{error.value} {error.value.__cause__}"
    assert error.value.__suppress_context__
    return all(secret not in words for secret in (MAILBOX, PHONE, "12345678"))
