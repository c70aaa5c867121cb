"""What happened to a person, in words."""

from collections.abc import Iterable

from django.utils.translation import pgettext

from audit.activities import Outcome
from audit.models import Event
from audit.words import label_of
from console.views.actors import Names, names_in
from console.views.audit_words import reason_of


def happenings(events: Iterable[Event]) -> list[dict[str, object]]:
    """Events of a timeline in words, with who did them."""
    listed = list(events)
    names = names_in(listed)
    return [
        {
            "at": event.at,
            "what": label_of(event.activity),
            "failed": event.outcome == Outcome.FAILURE,
            "result": pgettext("audit", "Failure") if event.outcome == Outcome.FAILURE else "",
            "by": _by(event, names),
            "reason": reason_of(event),
            "note": event.details.get("note", ""),
            "method": event.details.get("method", ""),
            "code": _code(event.support_code),
        }
        for event in listed
    ]


def _by(event: Event, names: Names) -> str:
    if event.actor_id is None or event.actor_id == event.subject_id:
        return ""
    return names.of(event.actor_id)


def _code(code: str) -> str:
    return f"{code[:4]}-{code[4:]}" if code else ""
