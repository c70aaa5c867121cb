"""People who aren't in a file: who they are, and disabling them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from audit.activities import Activity
from audit.services import EventSubject, record_each
from directory.factors import BUILTIN
from directory.models import User
from directory.services.sessions import end_sessions_of
from provisioning.models import Import
from provisioning.queries import person_rows
from provisioning.rules.sync import is_braked
from provisioning.services.contacts import Importer
from tenants.roles import Role
from verification.services import access_passes

_BRAKE_PERCENT = 10
"""As directories have it at first."""


@dataclass(frozen=True, slots=True)
class MissingPeople:
    """Enabled people who aren't in a file, have no role and are in no directory.

    Args:
        users: id → user principal name.
        of_people: how many could have been missing.
        read: good rows of the file.
    """

    users: dict[int, str]
    of_people: int
    read: int

    @property
    def is_braked(self) -> bool:
        """Whether so many may only be disabled after a confirmation, as by a directory's sync."""
        return is_braked(
            disable=len(self.users),
            of_people=self.of_people,
            percent=_BRAKE_PERCENT,
            read=self.read,
        )


def missing_people(is_named: Callable[[str], bool], *, read: int) -> MissingPeople:
    """Those of the tenant in force.

    Args:
        is_named: whether a row of the file is about this user principal name.
        read: good rows of the file.
    """
    missing, count = {}, 0
    for pk, upn in person_rows(_candidates(), "upn"):
        count += 1
        if not is_named(upn):
            missing[pk] = upn
    return MissingPeople(missing, count, read)


def is_braked_by(job: Import) -> bool:
    """Whether the check of a file found so many missing that disabling them must be confirmed."""
    return is_braked(
        disable=job.missing, of_people=job.of_people, percent=_BRAKE_PERCENT, read=job.imported
    )


def _candidates() -> QuerySet[User]:
    return User.objects.filter(enabled=True, connector=BUILTIN, role=Role.NONE)


@transaction.atomic
def disable(user_ids: Collection[int], importer: Importer) -> int:
    """Disables those who may still be missing, ends their sessions and takes back their passes."""
    locked = _candidates().select_for_update().filter(pk__in=user_ids)
    users = list(locked.order_by("pk"))
    ids = [user.pk for user in users]
    User.objects.filter(pk__in=ids).update(enabled=False)
    end_sessions_of(ids)
    for user in users:
        access_passes.revoke(user)
    subjects = [EventSubject(user_id, {"file": importer.number}) for user_id in ids]
    record_each(Activity.USER_DISABLED, subjects, actor_id=importer.actor_id)
    return len(users)
