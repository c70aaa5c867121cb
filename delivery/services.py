"""The outbox: a message is written with what caused it, and leaves after the commit, or never.

A worker claims a message for a short lease before it sends. If it dies, the lease runs out and
the sweeper wakes another. What was confirmed as sent is never claimed again.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from delivery import queue
from delivery.channels import channel
from delivery.channels.base import Message, TryLater, Undeliverable
from delivery.models import Kind, Outgoing
from tenants.queries import public_url
from vault.services import opened, sealed

State = Outgoing.State
LEASE = timedelta(seconds=20)
_FIRST_WAIT = timedelta(seconds=5)
_MAX_ATTEMPTS = 6
_SWEEP_AT_MOST = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    subject: str = ""
    text: str = ""
    html: str = ""
    sender_name: str = ""


def post(  # noqa: PLR0913  # a message has this many sides, all named
    kind: Kind,
    destination: str,
    *,
    language: str,
    lifetime: timedelta,
    content: Content | None = None,
    job: str = queue.SEND,
    urgent: bool = False,
) -> Outgoing:
    """Puts a message in the outbox.

    Args:
        destination: mailbox or E.164 number, with `#` and the extension behind it.
        lifetime: after that it is not sent any more.
        content: None when the job makes it at the last moment, as for codes.
    """
    outgoing = _written(kind, destination, language, lifetime, content)
    outgoing.job, outgoing.queue = job, "codes" if urgent else "bulk"
    outgoing.save(force_insert=True)
    _publish_after_commit(outgoing)
    return outgoing


def post_to_each(
    kind: Kind,
    destinations: Iterable[str],
    *,
    language: str,
    lifetime: timedelta,
    content: Content,
) -> None:
    """Puts the same message to several people, or to several addresses of one, in the outbox."""
    rows = [_written(kind, one, language, lifetime, content) for one in destinations]
    for outgoing in Outgoing.objects.bulk_create(rows):
        _publish_after_commit(outgoing)


def claim(outgoing_id: uuid.UUID) -> Outgoing | None:
    """Takes a message for this worker, for the time of the lease. Of two workers one gets it."""
    now = timezone.now()
    mine = Outgoing.objects.filter(
        Q(state=State.QUEUED) | Q(state=State.SENDING, lease_until__lte=now), pk=outgoing_id
    )
    if mine.filter(expires_at__lte=now).update(state=State.EXPIRED, destination=b"", content=b""):
        return None
    # Only a message that ends its workers gets here: what is put off fails at the last attempt.
    if mine.filter(attempts__gte=_MAX_ATTEMPTS).update(
        state=State.FAILED, destination=b"", content=b"", failure="abandoned"
    ):
        return None
    if not mine.update(
        state=State.SENDING,
        lease_until=now + LEASE,
        due_at=now + LEASE,
        attempts=F("attempts") + 1,
    ):
        return None
    return Outgoing.objects.get(pk=outgoing_id)


def destination_of(outgoing: Outgoing) -> str:
    return _opened(outgoing, "destination")


def send(outgoing_id: uuid.UUID) -> None:
    """Sends a message whose content was written when it was posted."""
    outgoing = claim(outgoing_id)
    if outgoing is None:
        return
    content = Content(**json.loads(_opened(outgoing, "content")))
    deliver(outgoing, content)


def deliver(outgoing: Outgoing, content: Content, *, voice_path: str = "") -> bool:
    """Hands a claimed message to its channel and writes down what became of it.

    Returns:
        Whether the provider took it.
    """
    destination, _, extension = destination_of(outgoing).partition("#")
    message = Message(
        destination=destination,
        extension=extension,
        key=f"{outgoing.pk}-{outgoing.attempts}",
        language=outgoing.language,
        voice_url=public_url(voice_path) if voice_path else "",
        status_url=public_url(f"/hooks/twilio/status/{outgoing.pk}"),
        **asdict(content),
    )
    try:
        receipt = channel(outgoing.kind).send(message)
    except Undeliverable as refusal:
        _finish(outgoing, State.FAILED, failure=str(refusal)[:60])
        log.info("message_undeliverable", outgoing=str(outgoing.pk), reason=str(refusal))
        return False
    except TryLater as delay:
        _put_off(outgoing, str(delay))
        return False
    _finish(outgoing, State.SENT, provider_id=receipt.provider_id, sent_at=timezone.now())
    return True


def drop(outgoing: Outgoing) -> None:
    """Lets a claimed message go: nobody waits for it any more."""
    _finish(outgoing, State.EXPIRED)


def sweep() -> int:
    """Wakes workers for what a lost broker or a dead worker forgot. Runs over all tenants.

    Returns:
        How many messages were published again.
    """
    now = timezone.now()
    forgotten = Outgoing.unscoped.filter(
        state__in=[State.QUEUED, State.SENDING], due_at__lte=now
    ).order_by("due_at")
    published = 0
    for row in forgotten[:_SWEEP_AT_MOST]:
        still_due = Outgoing.unscoped.filter(pk=row.pk, due_at=row.due_at)
        if still_due.update(due_at=now + _FIRST_WAIT):
            queue.publish(row.job, row.tenant_id, row.pk, queue=row.queue)
            published += 1
    return published


def note_status(outgoing_id: uuid.UUID, provider_id: str, status: str) -> None:
    """What the provider says became of a message. A hint for people, never a proof."""
    row = Outgoing.unscoped.filter(pk=outgoing_id, provider_id=provider_id)
    row.update(provider_status=status[:20])
    if status == "delivered":
        row.filter(state=State.SENT).update(state=State.DELIVERED)


def _written(
    kind: Kind, destination: str, language: str, lifetime: timedelta, content: Content | None
) -> Outgoing:
    now = timezone.now()
    outgoing = Outgoing(
        kind=kind,
        language=language,
        expires_at=now + lifetime,
        due_at=now + _FIRST_WAIT,
        job=queue.SEND,
        queue="bulk",
    )
    outgoing.destination = _sealed(outgoing, "destination", destination)
    if content is not None:
        outgoing.content = _sealed(outgoing, "content", json.dumps(asdict(content)))
    return outgoing


def _publish_after_commit(outgoing: Outgoing) -> None:
    transaction.on_commit(
        lambda: queue.publish(outgoing.job, outgoing.tenant_id, outgoing.pk, queue=outgoing.queue)
    )


def _put_off(outgoing: Outgoing, reason: str) -> None:
    if outgoing.attempts >= _MAX_ATTEMPTS:
        _finish(outgoing, State.FAILED, failure=reason[:60])
        return
    wait = _FIRST_WAIT * 2 ** (outgoing.attempts - 1)
    log.info("message_put_off", outgoing=str(outgoing.pk), reason=reason)
    _mine(outgoing).update(state=State.QUEUED, due_at=timezone.now() + wait, failure=reason[:60])


def _finish(outgoing: Outgoing, state: State, **changes: str | datetime) -> None:
    _mine(outgoing).update(state=state, destination=b"", content=b"", **changes)


def _mine(outgoing: Outgoing) -> QuerySet[Outgoing]:
    # The attempt number is the fencing token: a worker whose lease ran out changes nothing.
    return Outgoing.objects.filter(pk=outgoing.pk, state=State.SENDING, attempts=outgoing.attempts)


def _sealed(outgoing: Outgoing, column: str, text: str) -> bytes:
    return sealed(text, tenant_id=outgoing.tenant_id, place=outgoing.place_of(column, outgoing.pk))


def _opened(outgoing: Outgoing, column: str) -> str:
    envelope: bytes = getattr(outgoing, column)
    place = outgoing.place_of(column, outgoing.pk)
    return opened(envelope, tenant_id=outgoing.tenant_id, place=place)
