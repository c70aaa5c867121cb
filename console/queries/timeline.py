"""What happened to one person, with every reset attempt as one entry."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.activities import Activity
from audit.models import Event
from console.queries import first_page
from delivery.models import Outgoing
from directory.models import User
from reset.models import ResetAttempt
from tenants.policy import Method
from verification.models import Challenge, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A code or call that was sent, or was to be sent, for an attempt."""

    at: datetime
    method: Method
    state: Outgoing.State
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One attempt with everything that belongs to it, or one event that belongs to none."""

    events: tuple[Event, ...]
    attempt: ResetAttempt | None = None
    messages: tuple[SentMessage, ...] = ()


def timeline(
    user: User, *, before: int | None = None, code: str = ""
) -> tuple[list[TimelineEntry], int | None]:
    """One page, newest first, and what the next one begins before; None at the end.

    Args:
        before: as the page before returned it.
        code: support code of the attempt to begin with; that of another user changes nothing.
    """
    own = Event.objects.filter(subject_id=user.pk)
    if code and (newest := own.filter(support_code=code).order_by("-id").first()):
        before = newest.pk + 1
    earlier = own.filter(pk__lt=before) if before is not None else own
    events, last = first_page(earlier.order_by("-id"))
    codes = {event.support_code for event in events} - {""}
    attempts = {
        attempt.support_code: attempt
        for attempt in ResetAttempt.objects.filter(user_id=user.pk, support_code__in=codes)
    }
    events_of = defaultdict(list)
    for event in own.filter(support_code__in=attempts).order_by("id"):
        events_of[event.support_code].append(event)
    messages = _messages(attempts.values())
    entries = []
    for event in events:
        attempt = attempts.get(event.support_code)
        if attempt is None:
            entries.append(TimelineEntry(events=(event,)))
        elif event == events_of[event.support_code][-1]:
            sent = tuple(messages[attempt.pk])
            # These events say no more than the messages, as long as those are kept.
            all_of_it = tuple(
                each
                for each in events_of[event.support_code]
                if not sent or each.activity != Activity.CODE_SENT
            )
            entries.append(TimelineEntry(events=all_of_it, attempt=attempt, messages=sent))
    return entries, last.pk if last else None


def _messages(attempts: Iterable[ResetAttempt]) -> defaultdict[UUID, list[SentMessage]]:
    """By the attempt that they belong to, as far as they weren't deleted since."""
    contexts = [attempt.pk for attempt in attempts]
    challenges = Challenge.objects.filter(purpose=Purpose.RESET, context__in=contexts)
    sent = list(challenges.exclude(outgoing_id=None).order_by("created_at"))
    outgoing = Outgoing.objects.in_bulk([challenge.outgoing_id for challenge in sent])
    messages = defaultdict(list)
    for challenge in sent:
        if (message := outgoing.get(challenge.outgoing_id)) is not None:
            messages[challenge.context].append(
                SentMessage(
                    at=challenge.created_at,
                    method=Method(challenge.method),
                    state=Outgoing.State(message.state),
                    failure=message.failure,
                )
            )
    return messages
