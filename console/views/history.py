"""Events in words, as the audit log and the timelines show them."""

from collections.abc import Iterable
from operator import itemgetter

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from audit.activities import Activity, Outcome
from audit.models import Event
from audit.services import Actor
from audit.words import ACTORS, REASONS, label_of, result_of
from console.forms.policy_words import choice
from console.queries.records import Names, is_anonymous, names_in
from console.queries.timeline import TimelineEntry
from console.views.eligibility import REFUSALS
from delivery.models import Outgoing
from reset.models import AttemptOutcome

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
"""The words and the tag of each outcome of an attempt."""
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


def event_rows(events: Iterable[Event]) -> list[dict[str, object]]:
    """Events in words, and who did them."""
    listed = list(events)
    names = names_in(listed)
    return [
        {
            "pk": event.pk,
            "at": event.at,
            "what": label_of(event.activity),
            "result": result_of(event.outcome),
            "failed": event.outcome == Outcome.FAILURE,
            "user": _called(event.subject_id, names),
            "user_id": event.subject_id if event.subject_id in names.people else None,
            "by": str(ACTORS[Actor.ANONYMOUS])
            if is_anonymous(event)
            else _called(event.actor_id, names),
            "by_another": event.actor_id not in {None, event.subject_id},
            "reason": reason_of(event),
            "note": event.details.get("note", ""),
            "code": f"{event.support_code[:4]}-{event.support_code[4:]}".strip("-"),
        }
        for event in listed
    ]


def reason_of(event: Event) -> str:
    """Why it ended as it did; empty where no reason is recorded."""
    if words := REASONS.get(event.reason):
        return str(words)
    for refusal, title in REFUSALS.items():
        if event.reason in {refusal.value, refusal.name.lower()}:
            return f"{refusal.value} {title}"
    return event.reason


def _called(user_id: int | None, names: Names) -> str:
    """Empty where no user is named."""
    if not user_id:
        return ""
    if words := ACTORS.get(user_id):
        return str(words)
    if upn := names.operators.get(user_id):
        return _("%(user)s (service operator)") % {"user": upn}
    if user_id in names.deleted:
        return _("Deleted user %(number)s") % {"number": user_id}
    return names.people.get(user_id) or _("Service operator")


def timeline_rows(entries: Iterable[TimelineEntry]) -> list[dict[str, object]]:
    """Entries of a timeline in words, newest first; inside an attempt oldest first."""
    listed = list(entries)
    rows = iter(event_rows(event for entry in listed for event in entry.events))
    return [_entry_row(entry, [next(rows) for _event in entry.events]) for entry in listed]


def _entry_row(entry: TimelineEntry, events: list[dict[str, object]]) -> dict[str, object]:
    if (attempt := entry.attempt) is None:
        return {"events": events}
    ended = attempt.outcome != AttemptOutcome.RUNNING or timezone.now() < attempt.ends_at
    result, tag = _RESULTS[AttemptOutcome(attempt.outcome)] if ended else _UNFINISHED
    messages = [
        {
            "at": message.at,
            "what": label_of(Activity.CODE_SENT),
            "method": choice(message.method),
            "state": _STATES[message.state],
            "bad": message.state in {Outgoing.State.FAILED, Outgoing.State.EXPIRED},
            "failure": message.failure,
        }
        for message in entry.messages
    ]
    return {
        "code": attempt.support_code,
        "code_shown": f"{attempt.support_code[:4]}-{attempt.support_code[4:]}",
        "at": attempt.started_at,
        "result": result,
        "tag": tag,
        "refused": attempt.refused,
        # The support code is in the heading of the attempt.
        "events": [{**row, "code": ""} for row in sorted(events + messages, key=itemgetter("at"))],
    }
