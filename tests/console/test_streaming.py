"""The audit log sent to real receivers over TLS: in order, at least once, and to no other."""

import base64
import hmac
import json
import re
import socket
import threading
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event, Link, Stream, StreamKind
from audit.services import Actor, record
from audit.services.sealing import sweep
from console.services import streaming
from console.services.streams import new_secret, save
from delivery.channels import siem
from delivery.channels.siem import StreamFailure
from isolation.scope import all_tenants, in_tenant
from tenants.queries import tenant_ids
from tests.builders import make_tenant, make_user
from tests.services.certificates import authority
from tests.services.siem import syslog_server, webhook


@pytest.fixture(scope="module")
def trusted():
    return authority()


@pytest.fixture
def issued(trusted, tmp_path):
    return trusted.issue(tmp_path / "server", ["localhost"])


@pytest.fixture(autouse=True)
def allowed(settings, monkeypatch):
    settings.STREAM_HOSTS = ["localhost"]
    # The machine may be slow: only tests about these limits wait for them.
    for limit in ("_CONNECT_S", "_ATTEMPT_S"):
        monkeypatch.setattr(siem, limit, 60.0)


@pytest.fixture
def minji(contoso):
    return make_user("minji@contoso.example")


def happened(user, count):
    """Sealed records of a user."""
    for _ in range(count):
        record(Activity.SIGNED_IN, subject_id=user.pk, actor_id=user.pk)
    sweep(tenant_ids())


def to_syslog(port, trusted, name="siem"):
    stream = Stream(
        name=name,
        kind=StreamKind.SYSLOG,
        address=f"localhost:{port}",
        ca_certificates=trusted.pem,
    )
    save(stream, from_beginning=True, actor_id=1)
    return stream


def to_webhook(port, trusted, path="/audit?source=sspr"):
    stream = Stream(
        name="hook",
        kind=StreamKind.WEBHOOK,
        address=f"https://localhost:{port}{path}",
        ca_certificates=trusted.pem,
    )
    save(stream, from_beginning=True, actor_id=1)
    return stream, new_secret(stream, actor_id=1)


def deliver():
    """Everything that is due now."""
    while (row := streaming.claim_due()) is not None:
        streaming.deliver(row)


def fresh(stream):
    return Stream.objects.get(pk=stream.pk)


def numbers(messages):
    return [json.loads(message.partition("\ufeff")[2])["number"] for message in messages]


def in_chain():
    return list(Link.objects.order_by("number").values_list("number", flat=True))


def test_a_syslog_server_gets_each_record_in_the_order_of_the_chain(minji, issued, trusted):
    with syslog_server(issued) as received:
        stream = to_syslog(received.port, trusted)
        happened(minji, 5)
        deliver()

    assert numbers(received.messages) == in_chain()
    assert fresh(stream).cursor == in_chain()[-1]
    assert fresh(stream).delivered_at is not None


def test_a_syslog_message_says_who_did_what_when(minji, issued, trusted):
    with syslog_server(issued) as received:
        to_syslog(received.port, trusted)
        record(
            *(Activity.SIGN_IN_FAILED, Outcome.FAILURE),
            subject_id=minji.pk,
            actor_id=Actor.ANONYMOUS,
            support_code="K7QM2X9D",
            note='a "quoted" ] text',
        )
        sweep(tenant_ids())
        deliver()

    (message,) = [text for text in received.messages if "sign_in_failed" in text]
    head, _mark, text = message.partition("\ufeff")
    event = Event.objects.get(activity=Activity.SIGN_IN_FAILED)
    at = event.at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert head.startswith(f"<108>1 {at} localhost sspr - sign_in_failed [audit@32473 ")
    for fact in ('tenant="contoso"', f'subject="{minji.upn}"', 'actor="anonymous"'):
        assert fact in head
    assert json.loads(text)["details"] == {"note": 'a "quoted" ] text'}


def test_structured_data_is_escaped():
    made = siem.syslog_message(
        {
            "number": 1,
            "id": 2,
            "time": "2026-01-01T00:00:00.000000+00:00",
            "activity": "x" * 40,
            "outcome": "success",
            "actor": {"kind": "user", "id": 3, "name": 'a"b]c\\d\ne'},
            "subject": None,
            "reason": "",
            "support_code": "",
        },
        tenant="contoso",
    ).decode()

    assert r'actor="a\"b\]c\\d e"' in made
    assert f" {'x' * 32} [" in made
    assert made.startswith("<110>1 2026-01-01T00:00:00.000000Z ")


def test_a_receiver_that_is_killed_in_mid_batch_gets_all_of_it_again(
    minji, issued, trusted, monkeypatch
):
    monkeypatch.setattr(streaming, "_AT_ONCE", 4)
    with syslog_server(issued) as received:
        stream = to_syslog(received.port, trusted)
        happened(minji, 9)
        received.dies_after = 6
        deliver()
        before = fresh(stream)
        Stream.objects.update(due_at=timezone.now())
        deliver()

    assert before.cursor == 4
    assert before.last_failure in {StreamFailure.NOT_ACKNOWLEDGED, StreamFailure.UNREACHABLE}
    assert sorted(set(numbers(received.messages))) == in_chain()
    assert len(received.messages) > len(in_chain())
    assert fresh(stream).cursor == in_chain()[-1]
    assert fresh(stream).failing_since is None


def test_a_server_that_doesnt_confirm_the_end_has_confirmed_nothing(minji, issued, trusted):
    with syslog_server(issued) as received:
        received.closes_without_notice = True
        stream = to_syslog(received.port, trusted)
        happened(minji, 1)
        deliver()

    assert fresh(stream).cursor == 0
    assert fresh(stream).last_failure == StreamFailure.NOT_ACKNOWLEDGED


def verified(secret, headers, body):
    """Which of the signatures of a request are made with this secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return [each == expected for each in headers["Webhook-Signature"].split(" ")]


def test_a_webhook_gets_records_that_are_signed_with_their_time(minji, issued, trusted):
    with webhook(issued) as received:
        stream, secret = to_webhook(received.port, trusted)
        happened(minji, 3)
        deliver()

    ((path, headers, body),) = received.requests
    records = json.loads(body)["records"]
    assert path == "/audit?source=sspr"
    assert verified(secret, headers, body) == [True]
    assert abs(int(headers["Webhook-Timestamp"]) - timezone.now().timestamp()) < 300
    assert [one["number"] for one in records] == in_chain()
    assert records[-1]["subject"]["name"] == minji.upn
    assert fresh(stream).cursor == in_chain()[-1]


def test_for_a_day_records_are_signed_with_the_former_secret_too(minji, issued, trusted):
    with webhook(issued) as received:
        stream, former = to_webhook(received.port, trusted)
        newest = new_secret(stream, actor_id=1)
        happened(minji, 1)
        deliver()
        with time_machine.travel(timezone.now() + timedelta(hours=25)):
            happened(minji, 1)
            deliver()

    (_path, headers, body), (_path, later, later_body) = received.requests
    assert verified(newest, headers, body) == [True, False]
    assert verified(former, headers, body) == [False, True]
    assert verified(newest, later, later_body) == [True]


def test_a_batch_that_is_repeated_has_the_same_id(minji, issued, trusted):
    with webhook(issued) as received:
        stream, _secret = to_webhook(received.port, trusted)
        received.status = 503
        happened(minji, 1)
        deliver()
        assert fresh(stream).last_failure == StreamFailure.REFUSED
        received.status = 200
        Stream.objects.update(due_at=timezone.now())
        deliver()

    (_path, first, body), (_path, second, again) = received.requests
    assert first["Webhook-Id"] == second["Webhook-Id"]
    assert body == again


def test_a_redirect_isnt_followed(minji, issued, trusted):
    with webhook(issued) as received:
        stream, _secret = to_webhook(received.port, trusted)
        received.status, received.headers = 307, {"Location": "/elsewhere"}
        happened(minji, 1)
        deliver()

    assert [path for path, _headers, _body in received.requests] == ["/audit?source=sspr"]
    assert fresh(stream).last_failure == StreamFailure.REDIRECTED


@pytest.mark.parametrize("names", [["other.example"], ["127.0.0.1"]])
def test_a_certificate_of_another_name_is_refused(minji, trusted, tmp_path, names):
    with syslog_server(trusted.issue(tmp_path / "other", names)) as received:
        stream = to_syslog(received.port, trusted)
        happened(minji, 1)
        deliver()

    assert received.messages == []
    assert fresh(stream).last_failure == StreamFailure.CERTIFICATE
    assert fresh(stream).cursor == 0


def test_a_certificate_of_another_authority_or_of_the_past_is_refused(minji, trusted, tmp_path):
    for folder, issued in (
        ("unknown", authority("Another").issue(tmp_path / "unknown", ["localhost"])),
        ("expired", trusted.issue(tmp_path / "expired", ["localhost"], is_expired=True)),
    ):
        with syslog_server(issued) as received:
            stream = to_syslog(received.port, trusted, name=folder)
            happened(minji, 1)
            deliver()
        assert received.messages == []
        assert fresh(stream).last_failure == StreamFailure.CERTIFICATE


def test_nothing_is_sent_to_a_private_address_that_the_operator_didnt_list(
    minji, issued, trusted, settings
):
    settings.STREAM_HOSTS = []
    with syslog_server(issued) as received:
        stream = to_syslog(received.port, trusted)
        happened(minji, 1)
        deliver()

    assert received.connections == 0
    assert fresh(stream).last_failure == StreamFailure.PRIVATE_ADDRESS


def test_one_private_address_of_a_name_is_enough_to_refuse_it(settings, monkeypatch):
    settings.STREAM_HOSTS = []
    answers = [(0, 0, 0, "", (address, 443)) for address in ("1.1.1.1", "169.254.169.254")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers)

    with pytest.raises(siem.NotDelivered) as refused:
        siem.send_syslog("siem.example", [], tenant="contoso", ca_certificates="")

    assert refused.value.failure is StreamFailure.PRIVATE_ADDRESS


TRANSLATED = ("64:ff9b:1::a00:1", "::ffff:0:7f00:1", "::127.0.0.1", "fec0::1")
"""Addresses of IPv6 that a translator or a router may take for private ones."""


@pytest.mark.parametrize("address", TRANSLATED)
def test_a_name_that_leads_behind_a_translator_is_refused(address, settings, monkeypatch):
    settings.STREAM_HOSTS = []
    answers = [(0, 0, 0, "", (address, 443, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers)

    with pytest.raises(siem.NotDelivered) as refused:
        siem.send_syslog("siem.example", [], tenant="contoso", ca_certificates="")

    assert refused.value.failure is StreamFailure.PRIVATE_ADDRESS


def test_a_look_up_that_hangs_is_given_up(settings, monkeypatch):
    settings.STREAM_HOSTS = []
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: is_over.wait(60) and [])
    monkeypatch.setattr(siem, "_CONNECT_S", 0.1)

    with pytest.raises(siem.NotDelivered) as failed:
        siem.send_syslog("silent.example", [], tenant="contoso", ca_certificates="")

    assert not is_over.is_set()
    is_over.set()
    assert failed.value.failure is StreamFailure.TIMED_OUT


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("64:ff9b::101:101", True),
        *(
            (address, False)
            for address in (
                "127.0.0.1",
                "10.0.0.5",
                "172.16.1.1",
                "192.168.1.1",
                "169.254.169.254",
                "100.64.0.1",
                "0.0.0.0",
                "224.0.0.1",
                "::1",
                "fe80::1",
                "fd00::1",
                "::ffff:10.0.0.1",
                "64:ff9b::a00:1",
                "2002:a00:1::",
                "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                *TRANSLATED,
            )
        ),
    ],
)
def test_only_public_addresses_are_allowed(address, is_public, settings):
    settings.STREAM_HOSTS = []

    assert siem.is_allowed("siem.example", address) is is_public
    settings.STREAM_HOSTS = ["siem.example"]
    assert siem.is_allowed("SIEM.example", address)


def test_a_destination_that_hangs_is_left_in_time_and_others_get_theirs(
    minji, issued, trusted, monkeypatch
):
    with syslog_server(issued) as silent, syslog_server(issued) as received:
        silent.is_silent = True
        hanging = to_syslog(silent.port, trusted, "hanging")
        other = to_syslog(received.port, trusted, "other")
        happened(minji, 1)
        while (row := streaming.claim_due()) is not None:
            monkeypatch.setattr(siem, "_ATTEMPT_S", 0.3 if row == hanging else 60.0)
            streaming.deliver(row)

    assert fresh(hanging).last_failure in {StreamFailure.TIMED_OUT, *_CUT}
    assert fresh(hanging).due_at > timezone.now()
    assert fresh(other).cursor == in_chain()[-1]


_CUT = {StreamFailure.CERTIFICATE, StreamFailure.UNREACHABLE}
"""What a handshake ends with that this service cuts off."""


def test_the_pauses_grow(minji, trusted):
    stream = to_syslog(1, trusted)
    happened(minji, 1)
    for seconds in (15, 30, 60, 120, 240, 480, 900, 900):
        before = timezone.now()
        Stream.objects.update(due_at=before)
        deliver()
        due_at = fresh(stream).due_at
        assert before + timedelta(seconds=seconds / 2) <= due_at
        assert due_at <= timezone.now() + timedelta(seconds=seconds * 1.5)


def test_after_an_hour_administrators_hear_of_it_once_and_records_say_so(
    minji, issued, trusted, mailroom, boss
):
    stream = to_syslog(1, trusted)
    happened(minji, 1)
    deliver()
    assert not Event.objects.filter(activity=Activity.STREAM_FAILED).exists()
    with syslog_server(issued) as received:
        for hours in (2, 3):
            with time_machine.travel(timezone.now() + timedelta(hours=hours)):
                deliver()
        failed = Event.objects.filter(activity=Activity.STREAM_FAILED)
        assert [event.details["stream"] for event in failed] == ["siem"]
        Stream.objects.update(address=f"localhost:{received.port}", due_at=timezone.now())
        deliver()

    mails = [mail for mail in mailroom.work() if "“siem”" in mail.subject]
    assert [mail.destination for mail in mails] == [boss.upn]
    assert Event.objects.filter(activity=Activity.STREAM_WORKS).exists()
    assert fresh(stream).notified_at is None


def test_no_organisation_gets_the_records_of_another(minji, issued, trusted, hanbit):
    with in_tenant(hanbit.pk):
        yuna = make_user("yuna@hanbit.example")
        happened(yuna, 3)
    with syslog_server(issued) as received:
        to_syslog(received.port, trusted)
        happened(minji, 1)
        deliver()

    assert "yuna" not in "".join(received.messages)
    assert numbers(received.messages) == in_chain()


def test_a_new_destination_begins_with_the_next_record(minji, issued, trusted):
    happened(minji, 3)
    with syslog_server(issued) as received:
        stream = Stream(
            name="siem",
            kind=StreamKind.SYSLOG,
            address=f"localhost:{received.port}",
            ca_certificates=trusted.pem,
        )
        save(stream, from_beginning=False, actor_id=1)
        last = in_chain()[-1]
        happened(minji, 2)
        deliver()

    assert min(numbers(received.messages)) == last + 1


def test_two_workers_never_have_the_same_destination(minji, trusted):
    to_syslog(1, trusted)
    happened(minji, 1)

    assert streaming.claim_due() is not None
    assert streaming.claim_due() is None


def test_a_destination_that_was_turned_off_while_a_batch_was_sent_doesnt_move(minji, trusted):
    stream = to_syslog(1, trusted)
    happened(minji, 1)
    row = streaming.claim_due()
    Stream.objects.update(enabled=False)

    assert not streaming._move_on(row, 1)
    assert fresh(stream).cursor == 0


def test_a_destination_that_was_changed_while_a_batch_was_sent_doesnt_move(minji, trusted):
    to_syslog(1, trusted)
    happened(minji, 1)
    row = streaming.claim_due()
    changed = fresh(row)
    changed.address = "localhost:2"
    save(changed, from_beginning=False, actor_id=1)

    streaming._note_failure(row, StreamFailure.UNREACHABLE)

    assert not streaming._move_on(row, 1)
    assert (fresh(row).cursor, fresh(row).tries) == (0, 0)


def test_a_changed_destination_begins_without_the_failures_of_before(minji, trusted, boss):
    stream = to_syslog(1, trusted)
    happened(minji, 1)
    deliver()
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        deliver()
        changed = fresh(stream)
        save(changed, from_beginning=False, actor_id=boss.pk)
        deliver()
        again = fresh(stream)
    with time_machine.travel(timezone.now() + timedelta(hours=4)):
        deliver()

    assert changed.notified_at is None
    assert (again.tries, again.notified_at) == (1, None)
    assert Event.objects.filter(activity=Activity.STREAM_FAILED).count() == 2


def test_nothing_is_sent_to_a_webhook_without_a_secret(minji, trusted):
    stream = Stream(name="hook", kind=StreamKind.WEBHOOK, address="https://localhost:1/")
    save(stream, from_beginning=True, actor_id=1)
    happened(minji, 1)

    assert streaming.claim_due() is None


def test_no_secret_of_a_webhook_is_in_a_record_or_in_the_clear(minji, trusted, caplog):
    stream, secret = to_webhook(1, trusted)
    happened(minji, 1)
    deliver()

    row = fresh(stream)
    bare = secret.removeprefix("whsec_")
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", bare)
    assert bare.encode() not in bytes(row.secret) + bytes(row.former_secret)
    assert bare not in str(list(Event.objects.values_list("details"))) + caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_task_starts_a_thread_and_waits_for_no_destination(issued, trusted):
    with in_tenant(make_tenant().pk), syslog_server(issued) as received:
        received.is_silent = True
        stream = to_syslog(received.port, trusted)
        happened(make_user(), 1)

        streaming.begin()

        (thread,) = [each for each in threading.enumerate() if "_work_through" in each.name]
        assert fresh(stream).tries == 0
        received.released.set()
        thread.join()
        assert fresh(stream).tries == 1


@pytest.mark.django_db(transaction=True)
def test_slow_destinations_of_an_organisation_hold_one_thread(issued, trusted):
    slow, other = make_tenant("slow").pk, make_tenant("other").pk
    with syslog_server(issued) as received:
        received.is_silent = True
        for tenant_id, count in ((slow, 3), (other, 1)):
            with in_tenant(tenant_id):
                for number in range(count):
                    to_syslog(received.port, trusted, name=f"siem {number}")
                happened(make_user(f"minji@{tenant_id}.example"), 1)

        for _ in range(3):
            streaming.begin()

        sending = Stream.unscoped.filter(due_at__gt=timezone.now())
        with all_tenants():
            served = sorted(sending.values_list("tenant_id", flat=True))
        received.released.set()
        for thread in threading.enumerate():
            if "_work_through" in thread.name:
                thread.join()
        assert served == [slow, other]
        for tenant_id in (slow, other):
            with in_tenant(tenant_id):
                assert {row.tries for row in Stream.objects.all()} == {1}
