"""Taking somebody's second factor away, by whoever may."""

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory.models import User
from directory.services.sessions import end_sessions
from tenants.policy import Factor
from verification.queries import holds_only_codes
from verification.services import authenticators, notices, passkeys, recovery_codes, staff_notices
from verification.services.notice_words import Notice


@transaction.atomic
def remove_second_factor(person: User, *, actor_id: int, note: str = "") -> None:
    """Takes every app and passkey away and ends every session. The next sign-in sets up an app."""
    authenticators.remove_all(person.pk)
    passkeys.remove_all(person.pk)
    if holds_only_codes(person.pk):
        # Codes on paper go with the last thing that they were beside.
        recovery_codes.remove_all(person.pk)
        record(
            Activity.METHOD_DELETED,
            subject_id=person.pk,
            actor_id=actor_id,
            method=Factor.RECOVERY_CODE,
        )
    end_sessions(person)
    record(Activity.SECOND_FACTOR_REMOVED, subject_id=person.pk, actor_id=actor_id, note=note)
    if person.tenant_id is not None:
        notices.tell(person, Notice.SECOND_FACTOR_REMOVED, actor_id=actor_id)
        staff_notices.tell_of_second_factor(person)
