"""Who did what the audit log says, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.activities import WITHOUT_PROOF, Activity
from audit.models import Event
from audit.services import Actor
from console.queries.person import names_of
from directory.queries import operators_among

_OF_ANONYMOUS = WITHOUT_PROOF | {Activity.RESET_PROGRESS}
_NOT_USERS: dict[int, Promise] = {
    Actor.COMMAND: gettext_lazy("Operator command"),
    Actor.SERVICE: gettext_lazy("This service"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the people and operators in some events are called."""

    people: Mapping[int, str]
    operators: Mapping[int, str]

    def of(self, user_id: int | None) -> str:
        """Empty where no user is named."""
        if not user_id:
            return ""
        if user_id in _NOT_USERS:
            return str(_NOT_USERS[user_id])
        if upn := self.operators.get(user_id):
            return _("%(user)s (service operator)") % {"user": upn}
        return self.people.get(user_id) or _("Service operator")


def names_in(events: Iterable[Event]) -> Names:
    """Asked once, for all of them."""
    ids = {one for event in events for one in (event.subject_id, event.actor_id) if one and one > 0}
    people = names_of(ids)
    return Names(people, operators_among(ids - people.keys()))


def done_by(event: Event, names: Names) -> str:
    """Who did it; empty where that isn't recorded."""
    return _("A user who isn’t signed in") if is_unproved(event) else names.of(event.actor_id)


def is_unproved(event: Event) -> bool:
    """Whether the actor hadn't proved to be a user when it happened."""
    if event.actor_id is None:
        return event.subject_id is not None or event.activity in _OF_ANONYMOUS
    # Older versions named the user that it happened to.
    proved = event.activity not in _OF_ANONYMOUS or event.reason == "gate_passed"
    return event.actor_id == event.subject_id and not proved
