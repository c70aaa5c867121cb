"""Taking somebody's second factor away, by whoever may."""

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory.models import User
from directory.services.sessions import end_sessions
from verification.services import authenticators, notices
from verification.services.notice_words import Notice


@transaction.atomic
def remove_second_factor(person: User, *, actor_id: int | None, note: str = "") -> None:
    """Takes every app away and ends every session. The next sign-in sets up a new one."""
    authenticators.remove_all(person.pk)
    end_sessions(person)
    record(Activity.SECOND_FACTOR_REMOVED, subject_id=person.pk, actor_id=actor_id, note=note)
    if person.tenant_id is not None:
        notices.tell(person, Notice.SECOND_FACTOR_REMOVED)
        notices.tell_of_second_factor(person)
