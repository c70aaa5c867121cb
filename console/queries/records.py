"""Records of the audit log as other programs read them, in exports and in streams.

They have the facts that the page of a record shows, and no others.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from audit.activities import WITHOUT_PROOF, Activity, EventReason
from audit.models import Event
from audit.services import Actor
from audit.words import SHOWN_DETAILS
from directory.models import User
from directory.queries import operators_among

_OF_ANONYMOUS = WITHOUT_PROOF | {Activity.RESET_PROGRESS}


@dataclass(frozen=True, slots=True)
class Names:
    """User IDs of the users and operators in some events, by their ids."""

    people: Mapping[int, str]
    operators: Mapping[int, str]
    deleted: Collection[int]
    """Users who were deleted, and perhaps erased: their ids are all that is left."""


def names_in(events: Iterable[Event]) -> Names:
    ids = {pk for event in events for pk in (event.subject_id, event.actor_id) if pk and pk > 0}
    people = dict(User.objects.filter(pk__in=ids).values_list("pk", "upn"))
    operators = operators_among(ids - people.keys())
    unknown = ids - people.keys() - operators.keys()
    deletions = Event.objects.filter(activity=Activity.USER_DELETED, subject_id__in=unknown)
    deleted = deletions.values_list("subject_id", flat=True) if unknown else ()
    return Names(people, operators, {pk for pk in deleted if pk})


def is_anonymous(event: Event) -> bool:
    """Whether the actor hadn't proved to be a user when it happened."""
    if event.actor_id is None:
        return event.subject_id is not None or event.activity in _OF_ANONYMOUS
    # Earlier versions recorded the user that it happened to as the actor.
    proved = event.activity not in _OF_ANONYMOUS or event.reason == EventReason.GATE_PASSED
    return event.actor_id == event.subject_id and not proved


def plain_records(events: Sequence[Event]) -> list[dict[str, object]]:
    """Each event with names that don't depend on a language."""
    names = names_in(events)
    return [
        {
            "id": event.pk,
            "time": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "activity": event.activity,
            "outcome": event.outcome,
            "actor": _actor(event, names),
            "subject": _person(event.subject_id, names),
            "reason": event.reason,
            "support_code": event.support_code,
            "details": {
                name: event.details[name] for name in SHOWN_DETAILS if name in event.details
            },
        }
        for event in events
    ]


def _actor(event: Event, names: Names) -> dict[str, object] | None:
    if is_anonymous(event):
        return {"kind": "anonymous"}
    if event.actor_id == Actor.COMMAND:
        return {"kind": "command"}
    if event.actor_id == Actor.SERVICE:
        return {"kind": "service"}
    return _person(event.actor_id, names)


def _person(user_id: int | None, names: Names) -> dict[str, object] | None:
    """None where there is no user. A user who was deleted has no name."""
    if not user_id or user_id < 0:
        return None
    if operator := names.operators.get(user_id):
        return {"kind": "operator", "id": user_id, "name": operator}
    return {"kind": "user", "id": user_id, "name": names.people.get(user_id, "")}
