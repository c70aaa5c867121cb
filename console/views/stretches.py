"""A timeline in words: attempts with their result, and what belongs to none."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from audit.activities import Activity
from audit.words import LABELS
from console.forms.policy_words import choice
from console.queries.timeline import Sending, Stretch
from console.views.happenings import happenings
from delivery.models import Outgoing
from reset.models import AttemptOutcome, ResetAttempt

_UNFINISHED = (pgettext_lazy("attempt", "not finished"), "warn")
_RESULTS: dict[AttemptOutcome, tuple[Promise, str]] = {
    AttemptOutcome.RUNNING: (pgettext_lazy("attempt", "in progress"), ""),
    AttemptOutcome.SUCCEEDED: (pgettext_lazy("attempt", "succeeded"), "ok"),
    AttemptOutcome.FAILED: (pgettext_lazy("attempt", "refused"), "bad"),
    AttemptOutcome.BLOCKED: (pgettext_lazy("attempt", "blocked"), "bad"),
    AttemptOutcome.CONTACTED_ADMIN: (
        pgettext_lazy("attempt", "contacted an administrator"),
        "warn",
    ),
}
_STATES: dict[Outgoing.State, Promise] = {
    Outgoing.State.QUEUED: pgettext_lazy("message", "waiting"),
    Outgoing.State.HELD: pgettext_lazy("message", "held: too many messages"),
    Outgoing.State.GATHERED: pgettext_lazy("message", "sent together with others"),
    Outgoing.State.UNKNOWN: pgettext_lazy("message", "sent, not confirmed by the provider"),
    Outgoing.State.SENDING: pgettext_lazy("message", "being sent"),
    Outgoing.State.SENT: pgettext_lazy("message", "sent"),
    Outgoing.State.DELIVERED: pgettext_lazy("message", "delivered"),
    Outgoing.State.FAILED: pgettext_lazy("message", "not delivered"),
    Outgoing.State.EXPIRED: pgettext_lazy("message", "expired before it could be sent"),
}
_BAD = {Outgoing.State.FAILED, Outgoing.State.EXPIRED}


def stretches(found: Iterable[Stretch]) -> list[dict[str, object]]:
    """What a page of the timeline shows, newest first; inside an attempt from its beginning."""
    listed, now = list(found), timezone.now()
    told = iter(happenings(event for stretch in listed for event in stretch.events))
    return [_shown(stretch, [next(told) for _event in stretch.events], now) for stretch in listed]


def _shown(stretch: Stretch, events: list[dict[str, object]], now: datetime) -> dict[str, object]:
    attempt = stretch.attempt
    if attempt is None:
        return {"events": events}
    result, tag = _result(attempt, now)
    entries = events + [_sent(sending) for sending in stretch.sendings]
    return {
        "code": attempt.support_code,
        "code_shown": f"{attempt.support_code[:4]}-{attempt.support_code[4:]}",
        "at": attempt.started_at,
        "result": result,
        "tag": tag,
        "refused": attempt.refused,
        # The code stands above; it need not stand beside every line.
        "events": [{**entry, "code": ""} for entry in sorted(entries, key=_instant)],
    }


def _result(attempt: ResetAttempt, now: datetime) -> tuple[Promise, str]:
    if attempt.outcome == AttemptOutcome.RUNNING and now >= attempt.ends_at:
        return _UNFINISHED
    return _RESULTS[AttemptOutcome(attempt.outcome)]


def _sent(sending: Sending) -> dict[str, object]:
    return {
        "at": sending.at,
        "what": LABELS[Activity.CODE_SENT],
        "method": choice(sending.method),
        "state": _STATES[sending.state],
        "bad": sending.state in _BAD,
        "failure": sending.failure,
    }


def _instant(entry: dict[str, object]) -> datetime:
    at = entry["at"]
    assert isinstance(at, datetime)
    return at
