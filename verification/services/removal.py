"""Removing registered methods, of whatever kind."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from tenants.policy import Factor
from verification.models import RegisteredMethod
from verification.queries import holds_only_codes
from verification.queries.temporary_access import TEMPORARY
from verification.services import factors

_SETS = [kind for kind in Factor if kind.is_set]
_DEVICES = [kind for kind in Factor if kind.is_device]


def remove_since(
    user_id: int, since: datetime, *, added: UUID | None = None, all_codes: bool = False
) -> list[Factor]:
    """Removes what was registered since then, and the method or recovery codes `added`.

    Args:
        all_codes: whether recovery codes go however old they are.

    Returns:
        As `remove` does. Telling the user is left to the caller.
    """
    late = Q(pk=added) | Q(context=added, kind__in=_SETS) | Q(counted_from__gte=since)
    return remove(user_id, late | Q(kind__in=_SETS) if all_codes else late)


def remove_codes_left_alone(user_id: int, *, actor_id: int) -> None:
    """Removes the user's codes on paper if the last method that they were beside is gone."""
    if not holds_only_codes(user_id):
        return
    remove(user_id, Q(kind__in=_SETS))
    record(
        Activity.METHOD_DELETED, subject_id=user_id, actor_id=actor_id, method=Factor.RECOVERY_CODE
    )


def remove_temporary(user_id: int) -> list[Factor]:
    """Removes what was registered while staff who may not give roles had let the user in."""
    return remove(user_id, TEMPORARY)


def remove(user_id: int, condition: Q) -> list[Factor]:
    """Removes the user's methods that match, whether they were verified or wait for it.

    Of one recovery code that counts all go. Devices leave a row without secrets, by which
    what they proved until now counts for nothing.

    Returns:
        The kind of each method that was verified, in the order of `Factor`; a set counts once.
    """
    with factors.changing(user_id):
        mine = RegisteredMethod.objects.filter(user_id=user_id)
        dated = mine.annotate(counted_from=Coalesce("known_since", "verified_at"))
        rows = list(dated.filter(condition, Q(removed_at=None) | Q(kind__in=_SETS)))
        matching = mine.filter(pk__in=[row.pk for row in rows])
        devices = matching.filter(kind__in=_DEVICES)
        devices.update(removed_at=timezone.now(), data=b"", details={})
        matching.exclude(kind__in=_DEVICES).delete()
        in_force = [row.kind for row in rows if Factor(row.kind).is_set and row.verified_at]
        mine.filter(kind__in=in_force).delete()
    kinds = [Factor(row.kind) for row in rows if row.verified_at]
    sets = {kind for kind in kinds if kind.is_set}
    removed = [kind for kind in kinds if not kind.is_set] + list(sets)
    return sorted(removed, key=list(Factor).index)
