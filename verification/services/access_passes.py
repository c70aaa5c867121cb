"""Temporary Access Passes: issued, redeemed, revoked.

A pass opens a session in which security info can be registered. It isn't a method: no reset counts
it, and it replaces no password.

Source: Microsoft Entra, "Configure Temporary Access Pass to register passwordless methods".
"""

import secrets

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from directory.models import User
from isolation.scope import current_tenant_id
from tenants.queries import policy_in_force
from vault.keyed import keyed_hash
from vault.services import tenant_key
from verification.models import AccessPass
from verification.queries.callers import good_passes, standing_pass
from verification.rules.access_passes import (
    BEYOND_GUESSING,
    LETTERS,
    MOST_TRIES,
    Terms,
    grouped,
    typed_pass,
)
from verification.services import notices, staff_notices
from verification.services.notice_words import Notice
from verification.services.trust import NotTrusted, ends_with_role, require_trust

_NO_USER = 0


class AccountFrozen(NotTrusted):
    """Self-service is stopped, so that nothing could be registered with a pass."""


@transaction.atomic
def issue(admin: User, person: User, terms: Terms, *, note: str) -> str:
    """Issues a pass in place of the one before, records it, and notifies the person.

    Returns:
        The pass as it is to be read out. It isn't stored: this is the only time that it is seen.

    Raises:
        NotTrusted: this administrator may not let the person in now.
        AccountFrozen: the account has to be unfrozen first.
    """
    policy, now = policy_in_force(), timezone.now()
    letters = "".join(secrets.choice(LETTERS) for _ in range(policy.access_pass_length))
    # Of two administrators at once, the second waits here and replaces what the first issued.
    if require_trust(admin, person).frozen_at is not None:
        raise AccountFrozen
    revoke(person)
    AccessPass.objects.create(
        user=person,
        mac=_mac(person.pk, letters),
        role=person.role,
        letters=len(letters),
        once=terms.once or policy.access_pass_once,
        issued_by=admin.pk,
        ends_with_role=ends_with_role(admin),
        issued_at=now,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
    )
    record(
        Activity.ACCESS_PASS_ISSUED,
        subject_id=person.pk,
        actor_id=admin.pk,
        note=note,
        minutes=int((terms.ends_at - terms.starts_at).total_seconds()) // 60,
        once=terms.once,
    )
    notices.tell(person, Notice.ACCESS_PASS, until=terms.ends_at, actor_id=admin.pk)
    return grouped(letters)


def revoke(person: User) -> bool:
    """Revokes the pass. False where there was none."""
    standing = AccessPass.objects.filter(user_id=person.pk, revoked_at=None)
    return bool(standing.update(revoked_at=timezone.now()))


def redeem(person: User | None, typed: str) -> AccessPass | None:
    """The pass, if it is this person's, right, and good now. Of two racing requests one wins.

    The same statements run for an unknown or disabled user, or without a pass. When wrong
    tries stop a pass, its user and the staff who can issue another are told.
    """
    allowed, now = policy_in_force().access_passes, timezone.now()
    who = person if person is not None and person.enabled and allowed else User(pk=_NO_USER)
    letters = typed_pass(typed)
    unredeemed = Q(once=False) | Q(used_at=None)
    live = good_passes(who, now).filter(unredeemed, stopped_at=None)
    with transaction.atomic():
        live.filter(letters__lt=BEYOND_GUESSING).update(tries=F("tries") + 1)
        if live.filter(tries__gte=MOST_TRIES).update(stopped_at=now):
            record(
                Activity.ACCESS_PASS_STOPPED,
                Outcome.FAILURE,
                subject_id=who.pk,
                actor_id=Actor.ANONYMOUS,
            )
            notices.tell(who, Notice.ACCESS_PASS_STOPPED)
            staff_notices.notify_of_stopped_pass(who)
            return None
        if not live.filter(mac=_mac(who.pk, letters)).update(used_at=now, tries=0):
            return None
        return standing_pass(who.pk)


def _mac(user_id: int, letters: str) -> str:
    """What is stored of a pass: bound to tenant and user, so that it is good for no other user."""
    key = tenant_key(current_tenant_id(), "access pass")
    return keyed_hash(key, str(user_id), letters)
