"""Removing the apps, passkeys and hardware tokens of a user."""

from django.db import transaction
from django.db.models import Q

from audit.activities import Activity
from audit.services import record
from directory.models import User
from directory.services.sessions import end_sessions
from tenants.policy import Factor
from verification.services import notices, staff_notices
from verification.services.notice_words import Notice
from verification.services.removal import remove, remove_codes_left_alone


@transaction.atomic
def remove_second_factor(person: User, *, actor_id: int, note: str = "") -> None:
    """Removes every app, passkey and hardware token, and ends every session.

    The next sign-in sets up an app.
    """
    remove(person.pk, Q(kind__in=[factor for factor in Factor if factor.is_device]))
    remove_codes_left_alone(person.pk, actor_id=actor_id)
    end_sessions(person)
    record(Activity.SECOND_FACTOR_REMOVED, subject_id=person.pk, actor_id=actor_id, note=note)
    if person.tenant_id is not None:
        notices.tell(person, Notice.SECOND_FACTOR_REMOVED, actor_id=actor_id)
        staff_notices.notify_of_second_factor(person)
