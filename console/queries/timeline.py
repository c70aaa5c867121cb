"""What happened to one person, with every reset attempt as one thing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from audit.activities import Activity
from audit.models import Event
from console.queries.paging import first_page
from delivery.models import Outgoing
from directory.models import User
from reset.models import ResetAttempt
from tenants.policy import Method
from verification.models import Challenge, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A code or call that left, or was to leave, because of an attempt."""

    at: datetime
    method: Method
    state: Outgoing.State
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One attempt with all that belongs to it, or one event that belongs to none."""

    events: tuple[Event, ...]
    attempt: ResetAttempt | None = None
    sendings: tuple[Sending, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. `before` is where the next page begins; None at the beginning of time."""

    stretches: list[Stretch]
    before: int | None


def timeline(user: User, *, before: int | None = None, code: str = "") -> Page:
    """One page of somebody's timeline. An attempt is whole, on the page of its newest event.

    Args:
        before: what the page before said.
        code: support code of the attempt to begin with; one of somebody else's changes nothing.
    """
    mine = Event.objects.filter(subject_id=user.pk)
    if code and (newest := mine.filter(support_code=code).order_by("-id").first()):
        before = newest.pk + 1
    found = mine.filter(pk__lt=before) if before is not None else mine
    events, last = first_page(found.order_by("-id"))
    return Page(_stretches(user, events), last.pk if last else None)


def _stretches(user: User, events: list[Event]) -> list[Stretch]:
    codes = {event.support_code for event in events} - {""}
    attempts = {
        attempt.support_code: attempt
        for attempt in ResetAttempt.objects.filter(user_id=user.pk, support_code__in=codes)
    }
    whole: dict[str, list[Event]] = {code: [] for code in attempts}
    for event in Event.objects.filter(subject_id=user.pk, support_code__in=attempts).order_by("id"):
        whole[event.support_code].append(event)
    sent = _sendings(_challenges(attempts.values()))
    listed: list[Stretch] = []
    for event in events:
        attempt = attempts.get(event.support_code)
        if attempt is None:
            listed.append(Stretch(events=(event,)))
        elif event.pk == whole[event.support_code][-1].pk:
            of_attempt = tuple(sent.get(attempt.pk.hex, ()))
            of_it = tuple(_but_sendings(whole[event.support_code], of_attempt))
            listed.append(Stretch(events=of_it, attempt=attempt, sendings=of_attempt))
    return listed


def _but_sendings(events: list[Event], sendings: tuple[Sending, ...]) -> list[Event]:
    """Without the events that say no more than the messages, as long as those are there."""
    return [event for event in events if event.activity != Activity.CODE_SENT or not sendings]


def _challenges(attempts: Iterable[ResetAttempt]) -> list[Challenge]:
    contexts = [attempt.pk for attempt in attempts]
    found = Challenge.objects.filter(purpose=Purpose.RESET, context__in=contexts)
    return list(found.exclude(outgoing_id=None).order_by("created_at"))


def _sendings(challenges: list[Challenge]) -> dict[str, list[Sending]]:
    """By the attempt that they belong to. A message that was wiped since isn't told."""
    messages = Outgoing.objects.in_bulk([one.outgoing_id for one in challenges])
    found: dict[str, list[Sending]] = {}
    for one in challenges:
        message = messages.get(one.outgoing_id)
        if message is None:
            continue
        sending = Sending(
            at=one.created_at,
            method=Method(one.method),
            state=Outgoing.State(message.state),
            failure=message.failure,
        )
        found.setdefault(one.context.hex, []).append(sending)
    return found
