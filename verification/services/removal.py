"""Removing registered methods of every kind that match a condition."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Coalesce

from tenants.policy import Factor
from verification.models import AuthenticationMethod
from verification.queries import authenticators_of, passkeys_of, recovery_codes_of
from verification.queries.temporary_access import TEMPORARY
from verification.services import authenticators, factors, passkeys, recovery_codes


def remove_since(
    user_id: int, since: datetime, *, added: UUID | None = None, all_codes: bool = False
) -> list[Factor]:
    """Removes what was registered since then, and the method or recovery codes `added`.

    Args:
        all_codes: whether recovery codes go however old they are.

    Returns:
        The kind of each method that was removed. Telling the user is left to the caller.
    """
    late = Q(pk=added) | Q(confirmed_at__gte=since)
    return _removed(
        user_id,
        methods=Q(pk=added) | Q(counted_from__gte=since),
        devices=late,
        codes=Q() if all_codes else Q(context=added) | Q(confirmed_at__gte=since),
    )


def remove_temporary(user_id: int) -> list[Factor]:
    """Removes what was registered while staff who may not give roles had let the user in."""
    return _removed(user_id, methods=TEMPORARY, devices=TEMPORARY, codes=TEMPORARY)


def _removed(user_id: int, *, methods: Q, devices: Q, codes: Q) -> list[Factor]:
    removed = []
    rows = AuthenticationMethod.objects.filter(user_id=user_id)
    for row in rows.annotate(counted_from=Coalesce("known_since", "verified_at")).filter(methods):
        removed.append(Factor(row.proof))
        row.delete()
    if removed:
        factors.refresh([user_id])
    apps = authenticators_of(user_id).filter(devices).values_list("pk", flat=True)
    removed += [Factor.AUTHENTICATOR for pk in apps if authenticators.remove(user_id, pk)]
    keys = passkeys_of(user_id).filter(devices).values_list("pk", flat=True)
    removed += [Factor.PASSKEY for pk in keys if passkeys.remove(user_id, pk)]
    if recovery_codes_of(user_id).filter(codes).exists() and recovery_codes.remove_all(user_id):
        removed.append(Factor.RECOVERY_CODE)
    return removed
