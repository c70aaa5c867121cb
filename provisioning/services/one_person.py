"""Adds and changes one person, by the way that files and directories take."""

from collections.abc import Mapping

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory.models import User
from directory.queries import led_fields
from provisioning.rules.person import Person
from provisioning.services.contacts import Importer
from provisioning.services.people import Written, save_names, write


class UserIDTaken(Exception):
    """Another user has this user ID, perhaps in another organisation."""


class UserIDDeleted(Exception):
    """A deleted user has this user ID, who can be restored."""


@transaction.atomic
def add_person(person: Person, *, actor_id: int) -> User:
    """Creates a user of the tenant in force, without a password.

    Raises:
        UserIDTaken, UserIDDeleted: nothing was changed.
    """
    result = write([person], {}, Importer(actor_id=actor_id, number=""))
    if result.results[person.upn] is Written.DELETED:
        raise UserIDDeleted
    if result.results[person.upn] is not Written.CREATED:
        raise UserIDTaken
    user = User.objects.get(upn=person.upn)
    record(Activity.USER_ADDED, subject_id=user.pk, actor_id=actor_id)
    return user


@transaction.atomic
def change_person(user_id: int, values: Mapping[str, str], *, actor_id: int) -> None:
    """Changes names and the language; an empty value removes the stored one.

    What a directory decides on stays. The audit log says which fields changed, not their values.

    Args:
        values: column of `User` → new value.

    Raises:
        User.DoesNotExist: there is no such user in the tenant in force.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    led = led_fields(user)
    changed = [
        name for name, value in values.items() if name not in led and getattr(user, name) != value
    ]
    if not changed:
        return
    for name in changed:
        setattr(user, name, values[name])
    save_names([user])
    record(Activity.USER_CHANGED, subject_id=user_id, actor_id=actor_id, fields=", ".join(changed))
