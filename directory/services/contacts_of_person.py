"""What an administrator knows of one person, changed one by one."""

from django.db import transaction
from django.utils import timezone

from directory.models import User
from directory.prefills import Prefill, kinds_of, known_since, text_of
from directory.queries import prefill_place, prefilled
from tenants.policy import Proof
from vault.services import sealed

FILLED = ("prefill", "prefill_kinds", "prefilled_at")
"""What `fill` changes."""


@transaction.atomic
def enter(user_id: int, proof: Proof, value: str, *, textable: bool) -> bool:
    """Keeps a number (E.164, `#` and extension behind it) or address; an empty one takes it away.

    Returns:
        Whether that changed anything.
    """
    # Of two administrators who enter different things at once, neither loses theirs.
    user = User.objects.select_for_update().get(pk=user_id)
    known = prefilled(user_id)
    before = known.pop(proof, None)
    if value:
        if before is not None and (before.value, before.textable) == (value, textable):
            return False
        known[proof] = Prefill(proof, value, textable, timezone.now())
    elif before is None:
        return False
    fill(user, known)
    user.save(update_fields=FILLED)
    return True


def fill(user: User, known: dict[Proof, Prefill]) -> None:
    """Puts all that is known into a user that is yet to be saved."""
    assert user.tenant_id is not None
    place = prefill_place(user.pk)
    text = text_of(known.values())
    user.prefill = sealed(text, tenant_id=user.tenant_id, place=place) if known else None
    user.prefill_kinds = kinds_of(known).value
    user.prefilled_at = known_since(known)
