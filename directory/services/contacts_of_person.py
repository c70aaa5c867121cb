"""Changes the contact data that administrators entered for one user."""

from collections.abc import Collection, Mapping

from django.db import transaction
from django.utils import timezone

from directory.models import User
from directory.prefills import (
    KIND_OF,
    Kinds,
    Prefill,
    kinds_of,
    known_since,
    one_kind_each,
    text_of,
)
from directory.queries import prefill_associated_data, prefilled
from tenants.policy import Factor
from tenants.queries import policy_in_force
from vault.services import sealed

FILLED = (
    "prefill",
    "prefill_kinds",
    "prefilled_at",
    "prefill_held_kinds",
    "prefill_held_since",
)
"""The columns that `fill` changes."""


@transaction.atomic
def enter(user_id: int, factor: Factor, value: str, *, sms_capable: bool, held: bool) -> bool:
    """Stores a number (E.164, then `#` and extension if any) or address; an empty value removes it.

    Pages and jobs call `verification.services.contacts`, which also records and notifies.

    Args:
        held: it counts at a reset only after its hold period, see `fill`.

    Returns:
        Whether that changed anything.
    """
    # The lock keeps both of two entries that administrators make at once.
    user = User.objects.select_for_update().get(pk=user_id)
    prefills = prefilled(user_id)
    before = prefills.pop(factor, None)
    if value:
        after = Prefill(factor, value, sms_capable, timezone.now())
        if before is not None and before.key == after.key:
            return False
        prefills[factor] = after
    elif before is None:
        return False
    fill(user, prefills, changed={factor}, held=held)
    user.save(update_fields=FILLED)
    return True


def fill(
    user: User, prefills: Mapping[Factor, Prefill], *, changed: Collection[Factor], held: bool
) -> None:
    """Sets the columns of a user who is saved afterwards.

    Args:
        prefills: all entries that the user has then.
        changed: the entries that are new or different.
        held: the changed entries count at a reset only after their hold periods.
    """
    assert user.tenant_id is not None
    associated_data = prefill_associated_data(user.pk)
    text = text_of(prefills.values())
    user.prefill = (
        sealed(text, tenant_id=user.tenant_id, associated_data=associated_data)
        if prefills
        else None
    )
    user.prefill_kinds = kinds_of(prefills).value
    user.prefilled_at = known_since(prefills)
    _hold(user, changed=one_kind_each(changed), there=one_kind_each(prefills), held=held)


def _hold(user: User, *, changed: Kinds, there: Kinds, held: bool) -> None:
    """One time is stored for all held entries, so a new one prolongs the others' hold period."""
    now, since = timezone.now(), user.prefill_held_since
    periods = policy_in_force().hold_periods
    # Entries whose period is over aren't held again.
    over = {factor for factor in KIND_OF if since is None or since <= now - periods[factor]}
    before = Kinds(user.prefill_held_kinds) & ~one_kind_each(over)
    left = ((before | changed) if held else (before & ~changed)) & there
    user.prefill_held_kinds = left.value
    user.prefill_held_since = (now if held and changed & there else since) if left else None
