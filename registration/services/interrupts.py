"""What a sign-in asks for before it leads on: registering what is missing, looking at it again."""

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.models import User
from registration.queries import interrupt_of, skip_days_of
from registration.rules import Interrupt


@transaction.atomic
def begin(user: User) -> None:
    """Notes when the user was first asked for what is missing; or that nothing is any more."""
    row = User.objects.filter(pk=user.pk)
    if interrupt_of(user, timezone.now()) is Interrupt.REGISTER:
        row.filter(asked_to_register_at=None).update(asked_to_register_at=timezone.now())
    else:
        row.exclude(asked_to_register_at=None).update(asked_to_register_at=None)
    user.refresh_from_db(fields=["asked_to_register_at"])


@transaction.atomic
def put_off(user: User) -> bool:
    """The user registers another day. False when they may not, any more."""
    now = timezone.now()
    if interrupt_of(user, now) is Interrupt.REGISTER and not skip_days_of(user, now):
        return False
    record(Activity.REGISTRATION_SKIPPED, subject_id=user.pk, actor_id=user.pk)
    return True


@transaction.atomic
def reconfirm(user: User) -> None:
    """The user looked at what is registered, and all of it is still correct."""
    User.objects.filter(pk=user.pk).update(reconfirmed_at=timezone.now())
    record(Activity.METHODS_REVIEWED, subject_id=user.pk, actor_id=user.pk)
