"""Recording events, in the transaction in which they happen."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from audit.activities import Activity, Outcome
from audit.models import Event
from isolation.scope import setting
from isolation.writes import insert

Fact = str | int | bool | None


class Actor(IntEnum):
    """Actors that aren't users; their numbers are below every user's id."""

    ANONYMOUS = 0
    """Someone who hasn't proved who they are."""
    COMMAND = -1
    """An operator of the service, by a command in its shell."""
    SERVICE = -2
    """The service itself, on a schedule."""


@dataclass(frozen=True, slots=True)
class EventSubject:
    """One of the users of an event that concerns many, with the facts about this user."""

    user_id: int
    details: Mapping[str, Fact]


_place: ContextVar[str] = ContextVar("place_of_the_request", default="")


def seen_from(place: str) -> AbstractContextManager[None]:
    """Records with every event of the block from which network it came.

    Args:
        place: masked; nothing that tells one computer from its neighbours.
    """
    return setting(_place, place)


def record(
    activity: Activity,
    outcome: Outcome = Outcome.SUCCESS,
    *,
    actor_id: int,
    subject_id: int | None = None,
    support_code: str = "",
    reason: StrEnum | None = None,
    **details: Fact,
) -> None:
    """Adds one event to the history of the tenant in force.

    Args:
        actor_id: the user who did it, or an `Actor`. No default, since the subject often isn't the
            actor.
        subject_id: the user it happened to.
        reason: an `EventReason`, or a member of another enum; never text that a person typed.
        details: facts without secrets, addresses or numbers.
    """
    insert(
        Event(
            activity=activity,
            outcome=outcome,
            subject_id=subject_id,
            actor_id=actor_id or None,
            support_code=support_code,
            reason=reason or "",
            details=_with_place(details),
        )
    )


def record_each(activity: Activity, subjects: Iterable[EventSubject], *, actor_id: int) -> None:
    """The same for many users at once."""
    Event.objects.bulk_create(
        Event(
            activity=activity,
            outcome=Outcome.SUCCESS,
            subject_id=subject.user_id,
            actor_id=actor_id or None,
            details=_with_place(subject.details),
        )
        for subject in subjects
    )


def _with_place(details: Mapping[str, Fact]) -> dict[str, Fact]:
    return {**details, **({"place": place} if (place := _place.get()) else {})}
