"""Reading whether a caller was verified, and the Temporary Access Pass that they may get."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from directory.models import User
from tenants.queries import policy_in_force
from tenants.roles import Role
from vault.keyed import digits
from vault.keyring import purpose_key
from verification.models import AccessPass, CallerCheck, NoticeLink
from verification.queries.factors import RegisteredMethods, registered_methods_of

_NO_USER = 0
CALLER_VERIFIED_FOR = timedelta(minutes=15)
NO_CONTACTS_FOR = timedelta(days=30)
"""How long after an unfreezing the administrator whose act was disowned enters no contact data."""


def standing_pass(user_id: int) -> AccessPass | None:
    """The Temporary Access Pass that was issued last, good or over, unless it was taken back."""
    return AccessPass.objects.filter(user_id=user_id, revoked_at=None).first()


def good_passes(user: User, now: datetime) -> QuerySet[AccessPass]:
    """The one that holds now, if there is one. While self-service is stopped, none does.

    What was issued to a user without a role doesn't hold for the administrator they became:
    its issuer may not have been allowed to issue that.
    """
    user_id = user.pk if user.frozen_at is None else _NO_USER
    return AccessPass.objects.filter(
        user_id=user_id, role=user.role, revoked_at=None, starts_at__lte=now, ends_at__gt=now
    )


def caller_methods(user_id: int) -> RegisteredMethods:
    """The methods to verify a caller by: verified, and not only just now."""
    return registered_methods_of(user_id, policy_in_force(), proved_only=True, at=timezone.now())


def open_number_checks(user_id: int, now: datetime) -> QuerySet[CallerCheck]:
    """The check whose number the portal shows, while it can be compared: one at most."""
    return CallerCheck.objects.filter(
        user_id=user_id, method="portal", expires_at__gt=now, tried_at=None
    )


def callers_number(check: CallerCheck) -> str:
    """Two digits that the person sees and the agent doesn't."""
    return f"{digits(purpose_key('number of a caller'), str(check.pk), below=90) + 10}"


def is_caller_verified(agent_id: int, user_id: int, now: datetime) -> bool:
    """Whether this agent verified this person on the telephone in the last fifteen minutes."""
    checks = CallerCheck.objects.filter(user_id=user_id, agent_id=agent_id)
    return checks.filter(passed_at__gt=now - CALLER_VERIFIED_FOR).exists()


def is_act_disowned(agent_id: int, user_id: int) -> bool:
    """Whether the user, frozen since, said that something this agent did wasn't them."""
    links = NoticeLink.objects.filter(user_id=user_id, actor_id=agent_id)
    return links.filter(disowned_at__isnull=False, user__frozen_at__isnull=False).exists()


def disowners_of(agent_id: int, user_ids: Collection[int], now: datetime) -> set[int]:
    """Those of the users for whom this agent may not enter contact data.

    They said that something the agent did wasn't them: as long as they are frozen, and for
    `NO_CONTACTS_FOR` after another administrator ended that.
    """
    links = NoticeLink.objects.filter(
        user_id__in=list(user_ids), actor_id=agent_id, disowned_at__isnull=False
    )
    lately = Q(user__frozen_at__isnull=False) | Q(expires_at__gt=now - NO_CONTACTS_FOR)
    return set(links.filter(lately).values_list("user_id", flat=True))


def must_verify_caller(agent: User, person: User) -> bool:
    """Whether this agent has to verify this person before letting them in.

    Tenant admins don't have to: else a setting could leave no user who can help.
    """
    if Role(agent.role) is not Role.HELPDESK or not policy_in_force().verify_callers:
        return False
    return not is_caller_verified(agent.pk, person.pk, timezone.now())
