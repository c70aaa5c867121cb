"""Writing down what happened, in the transaction in which it happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from audit.activities import WITHOUT_PROOF, Activity, Outcome
from audit.models import Event

Fact = str | int | bool | None
STRANGER = 0
"""Who did it, as long as nobody has proved to be the one it is done in the name of."""
_place: ContextVar[str] = ContextVar("place_of_the_request", default="")


@contextmanager
def seen_from(place: str) -> Iterator[None]:
    """Writes down with every event, until the block ends, about where it came from.

    Args:
        place: masked; nothing that tells one computer from its neighbours.
    """
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def record(
    activity: Activity,
    outcome: Outcome = Outcome.SUCCESS,
    *,
    subject_id: int | None = None,
    actor_id: int | None = None,
    support_code: str = "",
    reason: str = "",
    **details: Fact,
) -> None:
    """Adds one event to the history of the tenant in force.

    Args:
        subject_id: the user it happened to.
        actor_id: who did it; the subject where nobody else is named.
        reason: one of our own words, never what somebody typed.
        details: facts without secrets, addresses or numbers.
    """
    if actor_id is None and activity not in WITHOUT_PROOF:
        actor_id = subject_id
    Event.objects.create(
        activity=activity,
        outcome=outcome,
        subject_id=subject_id,
        actor_id=actor_id or None,
        support_code=support_code,
        reason=reason,
        details=details | ({"place": place} if (place := _place.get()) else {}),
    )
