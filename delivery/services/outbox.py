"""The outbox: a message is written in the transaction of its cause and sent after the commit.

A worker claims a message for a short lease before it sends. If it dies, the lease ends and the
sweeper wakes another. A message that was confirmed as sent is never claimed again.

The gate counts every message: if it has no permit, the worker that claims it counts it. A message
over a limit is held and sent later. Held notices to the same destination become one message, which
says how many they are.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from delivery import queue
from delivery.channels import channel
from delivery.channels.base import Message, OutcomeUnknown, TryLater, Undeliverable
from delivery.models import Kind, Outgoing
from delivery.rules.mailboxes import mailbox_key
from delivery.services.gate import OverLimit, Permit, Sending, Share, admit, without_extension
from isolation.writes import insert
from limits.rules import Limit
from tenants.queries import public_url
from vault.keyed import keyed_hash
from vault.keyring import purpose_key
from vault.services import open_column, seal_column

State = Outgoing.State
LEASE = timedelta(seconds=20)
_FIRST_WAIT = timedelta(seconds=5)
_MAX_ATTEMPTS = 6
_SWEEP_AT_MOST = 500
_OF_A_JOB = 2
"""Messages. More of them could last longer than a task may, where a mail server is slow."""
_HELD_FOR = timedelta(hours=1)
_HELD_NOTICE_LIVES = timedelta(days=7)
_WIPED: dict[str, Any] = {"destination": b"", "content": b"", "digest": ""}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    subject: str = ""
    text: str = ""
    html: str = ""
    sender_name: str = ""


def post(  # a message has this many sides, all named
    permit: Permit,
    *,
    language: str,
    lifetime: timedelta,
    content: Content | None = None,
    job: str = queue.SEND,
    urgent: bool = False,
) -> Outgoing:
    """Puts a message in the outbox. The gate has counted it.

    Args:
        lifetime: after this it isn't sent any more.
        content: None if the job writes it just before sending, as for codes.
    """
    outgoing = _written(permit.kind, permit.destination, language, lifetime, content)
    outgoing.job, outgoing.queue = job, "codes" if urgent else "bulk"
    outgoing.counted_at = timezone.now()
    insert(outgoing)
    _publish_after_commit(outgoing)
    return outgoing


def post_to_each(  # noqa: PLR0913  # a message has this many sides, all named
    kind: Kind,
    destinations: Iterable[str],
    *,
    share: Share,
    language: str,
    lifetime: timedelta,
    content: Content,
    person_id: int | None = None,
    notice: str = "",
    about: int | None = None,
    vital: bool = False,
    job: str = queue.SEND,
) -> None:
    """Puts the same message for several destinations in the outbox.

    The worker counts each of them before it sends it.

    Args:
        destinations: mailboxes, or numbers with `#` and the extension behind them.
        notice: the kind of notice; those over a limit become one message.
        about: the caller's id for what the message is about; a gathered one has the ids of all.
        vital: see `gate.Sending`.
    """
    rows = [_written(kind, where, language, lifetime, content) for where in destinations]
    for outgoing in rows:
        outgoing.share, outgoing.person_id = share, person_id
        outgoing.notice, outgoing.vital, outgoing.job = notice, vital, job
        outgoing.about = None if about is None else [about]
    if rows:
        insert(*rows)
    for first in range(0, len(rows), _OF_A_JOB):
        _publish_after_commit(*rows[first : first + _OF_A_JOB])


def claim(outgoing_id: uuid.UUID) -> Outgoing | None:
    """Takes a message for this worker for the time of the lease. Only one worker gets it.

    None if another worker has it, or if it is over a limit and held.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    now = timezone.now()
    mine = Outgoing.objects.filter(
        Q(state__in=[State.QUEUED, State.HELD]) | Q(state=State.SENDING, lease_until__lte=now),
        pk=outgoing_id,
    )
    outgoing = mine.first()
    if outgoing is None or _is_over(outgoing, mine, now):
        return None
    if outgoing.counted_at is None and not _is_admitted(outgoing):
        return None
    was_held = outgoing.state == State.HELD
    claimed: dict[str, Any] = {
        "state": State.SENDING,
        "lease_until": now + LEASE,
        "due_at": now + LEASE,
        "attempts": outgoing.attempts + 1,
        "counted_at": outgoing.counted_at or timezone.now(),
    }
    if not mine.filter(state=outgoing.state, attempts=outgoing.attempts).update(**claimed):
        return None
    if was_held:  # other notices may have joined it since it was read
        return Outgoing.objects.get(pk=outgoing_id)
    for column, value in claimed.items():
        setattr(outgoing, column, value)
    return outgoing


def is_late(outgoing_id: uuid.UUID) -> bool:
    """Whether this message is held by the organisation's daily limit, or has expired."""
    by_the_day = [Limit.MAILS_OF_A_TENANT.name.lower(), Limit.MESSAGES_OF_A_TENANT.name.lower()]
    waits = Q(state__in=[State.HELD, State.GATHERED], failure__in=by_the_day)
    return Outgoing.objects.filter(Q(state=State.EXPIRED) | waits, pk=outgoing_id).exists()


def destination_of(outgoing: Outgoing) -> str:
    return open_column(outgoing, "destination")


def send(outgoing_id: uuid.UUID) -> None:
    """Sends a message that was posted with its content."""
    outgoing = claim(outgoing_id)
    if outgoing is None:
        return
    deliver(outgoing, stored_content(outgoing))


def stored_content(outgoing: Outgoing) -> Content:
    """The content with which a message was posted."""
    return Content(**json.loads(open_column(outgoing, "content")))


def deliver(outgoing: Outgoing, content: Content, *, voice_path: str = "") -> bool:
    """Hands a claimed message to its channel and stores the result.

    Returns:
        Whether the provider accepted it.
    """
    whole = destination_of(outgoing)
    message = Message(
        destination=without_extension(whole),
        extension=whole.removeprefix(without_extension(whole)).removeprefix("#"),
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
    except OutcomeUnknown as silence:
        _finish(outgoing, State.UNKNOWN, failure=str(silence)[:60])
        log.warning("message_unconfirmed", outgoing=str(outgoing.pk), reason=str(silence))
        return False
    except TryLater as delay:
        _put_off(outgoing, str(delay))
        return False
    _finish(outgoing, State.SENT, provider_id=receipt.provider_id, sent_at=timezone.now())
    return True


def drop(outgoing: Outgoing) -> None:
    """Ends a claimed message that is no longer needed."""
    _finish(outgoing, State.EXPIRED)


def sweep() -> int:
    """Publishes messages again that a broker lost or whose worker died, of all tenants.

    Returns:
        How many messages it published.
    """
    now = timezone.now()
    overdue = Outgoing.unscoped.filter(
        state__in=[State.QUEUED, State.HELD, State.SENDING], due_at__lte=now
    ).order_by("due_at")
    published = 0
    for row in overdue[:_SWEEP_AT_MOST]:
        still_due = Outgoing.unscoped.filter(pk=row.pk, due_at=row.due_at)
        if still_due.update(due_at=now + _FIRST_WAIT):
            queue.publish(row.job, row.tenant_id, row.pk, queue=row.queue)
            published += 1
    return published


def note_status(outgoing_id: uuid.UUID, provider_id: str, status: str) -> None:
    """Stores the provider's report on a message. It is for people, and proves nothing."""
    # An unconfirmed message has no id of the provider yet.
    unconfirmed = Q(state=State.UNKNOWN, provider_id="")
    row = Outgoing.unscoped.filter(Q(provider_id=provider_id) | unconfirmed, pk=outgoing_id)
    row.update(provider_status=status[:20], provider_id=provider_id[:64])
    if status == "delivered":
        row.filter(state__in=[State.SENT, State.UNKNOWN]).update(state=State.DELIVERED)


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
    outgoing.destination = seal_column(outgoing, "destination", destination)
    if content is not None:
        outgoing.content = seal_column(outgoing, "content", json.dumps(asdict(content)))
    return outgoing


def _publish_after_commit(first: Outgoing, *others: Outgoing) -> None:
    """One job for all of them. If it ends early, the sweeper publishes the others."""
    ids = [outgoing.pk for outgoing in (first, *others)]
    transaction.on_commit(
        lambda: queue.publish(first.job, first.tenant_id, *ids, queue=first.queue)
    )


def _is_over(outgoing: Outgoing, mine: QuerySet[Outgoing], now: datetime) -> bool:
    """Ends a message that has expired, or whose last attempt ended with its worker."""
    if outgoing.expires_at <= now:
        mine.filter(expires_at__lte=now).update(state=State.EXPIRED, **_WIPED)
        return True
    if outgoing.attempts < _MAX_ATTEMPTS:
        return False
    abandoned = mine.filter(attempts__gte=_MAX_ATTEMPTS)
    abandoned.update(state=State.FAILED, failure="abandoned", **_WIPED)
    return True


def _is_admitted(outgoing: Outgoing) -> bool:
    """Counts a message that has no permit; holds it if it is over a limit."""
    sending = Sending(
        kind=Kind(outgoing.kind),
        destination=destination_of(outgoing),
        share=Share(outgoing.share),
        person=str(outgoing.person_id or ""),
        notice=outgoing.notice,
        vital=outgoing.vital,
    )
    try:
        admit(sending)
    except OverLimit as refusal:
        log.info("message_held", outgoing=str(outgoing.pk), reason=refusal.limit.name)
        _hold(outgoing, refusal)
        return False
    return True


@transaction.atomic
def _hold(outgoing: Outgoing, refusal: OverLimit) -> None:
    """Holds a message; a notice joins the first one that is held for the same destination."""
    digest = keyed_hash(purpose_key("held messages"), mailbox_key(destination_of(outgoing)))
    mine = Outgoing.objects.filter(pk=outgoing.pk, state=outgoing.state, counted_at=None)
    expires_at = outgoing.expires_at
    if outgoing.notice:
        expires_at = max(expires_at, outgoing.created_at + _HELD_NOTICE_LIVES)
    held = mine.update(
        state=State.HELD,
        digest=digest,
        due_at=refusal.until or timezone.now() + _HELD_FOR,
        expires_at=expires_at,
        failure=refusal.limit.name.lower(),
    )
    if not held or not outgoing.notice or outgoing.state == State.HELD:
        return
    first = (
        Outgoing.objects.select_for_update()
        .filter(
            state=State.HELD,
            digest=digest,
            kind=outgoing.kind,
            share=outgoing.share,
            person_id=outgoing.person_id,
        )
        .exclude(pk=outgoing.pk)
        .order_by("created_at")
        .first()
    )
    if first is None:
        return
    worst = {"notice": outgoing.notice, "vital": True} if outgoing.vital else {}
    about = [*(first.about or []), *(outgoing.about or [])] or None
    joined = Outgoing.objects.filter(pk=first.pk, state=State.HELD)
    if joined.update(gathered=F("gathered") + 1, about=about, **worst):
        Outgoing.objects.filter(pk=outgoing.pk).update(state=State.GATHERED, **_WIPED)


def _put_off(outgoing: Outgoing, reason: str) -> None:
    if outgoing.attempts >= _MAX_ATTEMPTS:
        _finish(outgoing, State.FAILED, failure=reason[:60])
        return
    wait = _FIRST_WAIT * 2 ** (outgoing.attempts - 1)
    log.info("message_put_off", outgoing=str(outgoing.pk), reason=reason)
    _mine(outgoing).update(state=State.QUEUED, due_at=timezone.now() + wait, failure=reason[:60])


def _finish(outgoing: Outgoing, state: State, **changes: str | datetime) -> None:
    _mine(outgoing).update(state=state, **_WIPED, **changes)


def _mine(outgoing: Outgoing) -> QuerySet[Outgoing]:
    # The attempt number is the fencing token: a worker whose lease ran out changes nothing.
    return Outgoing.objects.filter(pk=outgoing.pk, state=State.SENDING, attempts=outgoing.attempts)
