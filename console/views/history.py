"""Events in words, as the audit log and the timelines show them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from audit.activities import WITHOUT_PROOF, Activity, EventReason, Outcome
from audit.models import Event
from audit.services import Actor
from audit.words import REASONS, label_of, result_of
from console.forms.policy_words import choice
from console.queries.timeline import TimelineEntry
from console.views.eligibility import REFUSALS
from delivery.models import Outgoing
from directory.models import User
from directory.queries import operators_among
from reset.models import AttemptOutcome

_OF_ANONYMOUS = WITHOUT_PROOF | {Activity.RESET_PROGRESS}
_NOT_USERS: dict[int, Promise] = {
    Actor.COMMAND: gettext_lazy("Operator command"),
    Actor.SERVICE: gettext_lazy("This service"),
}
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


@dataclass(frozen=True, slots=True)
class Names:
    """What the users and operators in some events are called."""

    people: Mapping[int, str]
    operators: Mapping[int, str]
    deleted: Collection[int]
    """Users who were deleted, and perhaps erased: their ids are all that is left."""

    def of(self, user_id: int | None) -> str:
        """Empty where no user is named."""
        if not user_id:
            return ""
        if user_id in _NOT_USERS:
            return str(_NOT_USERS[user_id])
        if upn := self.operators.get(user_id):
            return _("%(user)s (service operator)") % {"user": upn}
        if user_id in self.deleted:
            return _("Deleted user %(number)s") % {"number": user_id}
        return self.people.get(user_id) or _("Service operator")


def event_rows(events: Iterable[Event]) -> list[dict[str, object]]:
    """Events in words, and who did them."""
    listed = list(events)
    ids = {pk for event in listed for pk in (event.subject_id, event.actor_id) if pk and pk > 0}
    people = dict(User.objects.filter(pk__in=ids).values_list("pk", "upn"))
    operators = operators_among(ids - people.keys())
    unknown = ids - people.keys() - operators.keys()
    deletions = Event.objects.filter(activity=Activity.USER_DELETED, subject_id__in=unknown)
    deleted = (
        {pk for pk in deletions.values_list("subject_id", flat=True) if pk} if unknown else set()
    )
    names = Names(people, operators, deleted)
    return [
        {
            "pk": event.pk,
            "at": event.at,
            "what": label_of(event.activity),
            "result": result_of(event.outcome),
            "failed": event.outcome == Outcome.FAILURE,
            "user": names.of(event.subject_id),
            "user_id": event.subject_id if event.subject_id in people else None,
            "by": _("A user who isn’t signed in")
            if is_anonymous(event)
            else names.of(event.actor_id),
            "by_another": event.actor_id not in {None, event.subject_id},
            "reason": reason_of(event),
            "note": event.details.get("note", ""),
            "code": f"{event.support_code[:4]}-{event.support_code[4:]}".strip("-"),
        }
        for event in listed
    ]


def is_anonymous(event: Event) -> bool:
    """Whether the actor hadn't proved to be a user when it happened."""
    if event.actor_id is None:
        return event.subject_id is not None or event.activity in _OF_ANONYMOUS
    # Earlier versions recorded the user that it happened to as the actor.
    proved = event.activity not in _OF_ANONYMOUS or event.reason == EventReason.GATE_PASSED
    return event.actor_id == event.subject_id and not proved


def reason_of(event: Event) -> str:
    """Why it ended as it did; empty where no reason is recorded."""
    if words := REASONS.get(event.reason):
        return str(words)
    for refusal, title in REFUSALS.items():
        if event.reason in {refusal.value, refusal.name.lower()}:
            return f"{refusal.value} {title}"
    return event.reason


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
