import uuid
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from delivery import queue, services
from delivery.channels.base import OutcomeUnknown, TryLater, Undeliverable
from delivery.models import Kind, Outgoing
from delivery.services import outbox
from isolation.scope import in_tenant
from tests.builders import make_tenant
from tests.delivery.conftest import ADDRESS, MINUTES, SECRET, post
from tests.threads import all_at_once

State = Outgoing.State


def stored(outgoing):
    return Outgoing.objects.get(pk=outgoing.pk)


def raw_bytes():
    with connection.cursor() as cursor:
        cursor.execute("SELECT destination, content FROM delivery_outgoing")
        return b"".join(bytes(column) for row in cursor.fetchall() for column in row)


def test_nothing_but_ids_crosses_the_broker_and_only_after_the_commit(
    contoso, published, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        outgoing = post(urgent=True)
        before_the_commit = list(published)

    assert before_the_commit == []
    assert published == [((queue.SEND, contoso.pk, outgoing.pk), {"queue": "codes"})]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_sent(published, provider):
    tenant = make_tenant()
    with in_tenant(tenant.pk), transaction.atomic():
        post()
        transaction.set_rollback(True)

    assert published == []
    assert services.sweep() == 0
    assert not Outgoing.unscoped.exists()


def test_what_is_posted_lies_sealed(contoso):
    post()

    assert raw_bytes()
    assert ADDRESS.encode() not in raw_bytes()
    assert SECRET.encode() not in raw_bytes()


@pytest.mark.parametrize("errors", [[], [Undeliverable("twilio 21211")]], ids=["sent", "refused"])
def test_what_left_or_failed_is_wiped(contoso, provider, errors):
    outgoing = post()
    provider.errors = errors
    services.send(outgoing.pk)

    assert raw_bytes() == b""


def test_a_message_is_sent_once_however_often_its_task_comes(contoso, provider):
    outgoing = post()
    for _ in range(3):
        services.send(outgoing.pk)

    assert [message.text for message in provider.sent] == [SECRET]
    assert provider.sent[0].destination == ADDRESS
    assert stored(outgoing).state == State.SENT
    assert stored(outgoing).provider_id == "SM1"
    assert stored(outgoing).sent_at is not None


def test_what_the_provider_never_answered_about_is_not_sent_again(contoso, provider, clock):
    outgoing = post(kind=Kind.TEXT, destination="+821012345678")
    provider.errors = [OutcomeUnknown("ReadTimeout")]
    for _ in range(8):
        services.send(outgoing.pk)
        clock.shift(timedelta(seconds=30))
        services.sweep()

    assert provider.sent == []
    assert (stored(outgoing).state, stored(outgoing).failure) == (State.UNKNOWN, "ReadTimeout")
    assert raw_bytes() == b""


def test_a_late_word_of_the_provider_still_says_that_it_arrived(contoso, provider):
    outgoing = post(kind=Kind.TEXT, destination="+821012345678")
    provider.errors = [OutcomeUnknown("ReadTimeout")]
    services.send(outgoing.pk)

    services.note_status(outgoing.pk, "SM7", "delivered")

    assert (stored(outgoing).state, stored(outgoing).provider_id) == (State.DELIVERED, "SM7")


def test_another_tenant_sends_nothing_of_ours(contoso, hanbit, provider):
    outgoing = post()
    with in_tenant(hanbit.pk):
        services.send(outgoing.pk)

    assert provider.sent == []


def test_an_unknown_message_is_no_error(contoso, provider):
    services.send(uuid.uuid4())

    assert provider.sent == []


def test_of_two_workers_one_gets_the_message(contoso):
    outgoing = post()

    assert services.claim(outgoing.pk) is not None
    assert services.claim(outgoing.pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_ten_workers_at_once_one_gets_the_message(published):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        outgoing = post()

    claims = all_at_once(10, lambda: services.claim(outgoing.pk), tenant_id=tenant.pk)

    assert sum(claim is not None for claim in claims) == 1


def test_a_dead_workers_message_goes_to_another_when_the_lease_ends(contoso, clock, provider):
    outgoing = post()
    services.claim(outgoing.pk)
    clock.shift(outbox.LEASE - timedelta(seconds=1))
    services.send(outgoing.pk)
    too_early = list(provider.sent)
    clock.shift(timedelta(seconds=1))
    services.send(outgoing.pk)

    assert too_early == []
    assert len(provider.sent) == 1


def test_a_worker_whose_lease_ended_changes_nothing(contoso, clock, provider):
    outgoing = post()

    slow = services.claim(outgoing.pk)
    clock.shift(outbox.LEASE)
    services.send(outgoing.pk)
    provider.errors = [Undeliverable("twilio 21211")]
    services.deliver(slow, services.Content(text="late"))

    assert stored(outgoing).state == State.SENT
    assert stored(outgoing).attempts == 2


def test_what_took_too_long_is_never_sent(contoso, clock, provider, published):
    outgoing = post()
    clock.shift(MINUTES)
    services.send(outgoing.pk)

    assert provider.sent == []
    assert stored(outgoing).state == State.EXPIRED
    assert raw_bytes() == b""


def test_put_off_is_published_again_when_its_time_has_come(contoso, clock, provider, published):
    outgoing = post(lifetime=timedelta(hours=1))
    provider.errors = [TryLater("451"), TryLater("451")]
    for wait in (5, 10):
        services.send(outgoing.pk)
        clock.shift(timedelta(seconds=wait - 1))
        assert services.sweep() == 0
        clock.shift(timedelta(seconds=1))
        assert services.sweep() == 1
    services.send(outgoing.pk)

    assert len(published) == 2
    assert len(provider.sent) == 1
    assert stored(outgoing).state == State.SENT


def test_what_is_put_off_six_times_has_failed(contoso, clock, provider):
    outgoing = post()
    provider.errors = [TryLater("451")] * 9
    for _ in range(9):
        services.send(outgoing.pk)

    assert len(provider.errors) == 3
    assert stored(outgoing).state == State.FAILED
    assert raw_bytes() == b""


def test_a_message_that_ends_its_workers_is_abandoned(contoso, clock, provider):
    outgoing = post(lifetime=timedelta(days=2))
    provider.errors = [ZeroDivisionError()] * 6
    for _ in range(6):
        with pytest.raises(ZeroDivisionError):
            services.send(outgoing.pk)
        clock.shift(outbox.LEASE)
    services.send(outgoing.pk)

    assert provider.sent == []
    assert stored(outgoing).state == State.FAILED
    assert raw_bytes() == b""


def test_undeliverable_is_not_tried_again(contoso, clock, provider, published):
    outgoing = post()
    provider.errors = [Undeliverable("twilio 21211")]
    services.send(outgoing.pk)
    clock.shift(timedelta(minutes=1))

    assert services.sweep() == 0
    assert stored(outgoing).state == State.FAILED
    assert stored(outgoing).failure == "twilio 21211"


def test_the_sweeper_wakes_for_every_tenant_what_a_lost_broker_forgot(
    contoso, hanbit, clock, published
):
    post()
    with in_tenant(hanbit.pk):
        post(kind=Kind.TEXT, urgent=True)
    clock.shift(timedelta(seconds=5))

    assert services.sweep() == 2
    assert services.sweep() == 0
    assert {args[1] for args, _more in published} == {contoso.pk, hanbit.pk}


def test_the_sweeper_leaves_alone_what_a_worker_has_in_hand(contoso, clock, published):
    outgoing = post()
    services.claim(outgoing.pk)
    clock.shift(outbox.LEASE - timedelta(seconds=1))

    assert services.sweep() == 0


def test_status_is_noted_for_the_messages_own_number_only(contoso, provider):
    outgoing = post(kind=Kind.TEXT, destination="+821012345678")
    services.send(outgoing.pk)

    services.note_status(outgoing.pk, "SM-of-somebody-else", "delivered")
    assert stored(outgoing).state == State.SENT
    services.note_status(outgoing.pk, "SM1", "delivered")
    assert stored(outgoing).state == State.DELIVERED
    services.note_status(outgoing.pk, "SM1", "sent")
    assert stored(outgoing).state == State.DELIVERED


def test_a_late_status_brings_no_failed_message_back(contoso, provider):
    outgoing = post()
    provider.errors = [Undeliverable("twilio 21211")]
    services.send(outgoing.pk)
    services.note_status(outgoing.pk, "", "delivered")

    assert stored(outgoing).state == State.FAILED


def test_extension_is_dialled_and_never_part_of_the_number(contoso, provider):
    outgoing = post(kind=Kind.CALL, destination="+82212345678#12")
    services.send(outgoing.pk)

    assert (provider.sent[0].destination, provider.sent[0].extension) == ("+82212345678", "12")


def test_a_broker_that_is_down_stops_nothing(contoso, settings, monkeypatch, caplog):
    def down(*_args, **_more):
        raise OperationalError("connection refused")

    monkeypatch.setattr(current_app, "send_task", down)
    queue.publish(queue.SEND, contoso.pk, uuid.uuid4(), queue="codes")

    assert "broker_unreachable" in caplog.text
